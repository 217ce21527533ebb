"""Priors: learners that read no signal.

A subject who rates most clips high can be predicted without a sensor, and so can a clip
that most people rate high. A score means something only above these. Of ratings the
means are predicted.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from jaxtyping import Float, Num

from deepvanet.config import NetworkSettings
from deepvanet.files import whole_folder
from deepvanet.learners.learner import (
    ALL_GOALS,
    Choice,
    Epoch,
    EpochRecord,
    FitPlan,
    Learner,
    Traits,
)
from deepvanet.schema import LAST_VALUE, Goal, GoalKind
from deepvanet.store import Rows

FORMAT = "deepvanet-prior-3"


@dataclass(frozen=True)
class Prior:
    """Predict by the mean label of a unit's training rows; of several units, add up.

    Parameters
    ----------
    units : tuple of str
        The columns of the segment table that identify units; without columns there are
        none. Of a rating that moves, a stimulus is predicted moment by moment, and
        ``trial`` is what was rated when training ended.
    """

    units: tuple[str, ...]
    traits: ClassVar[Traits] = Traits(reads_streams=False, goals=ALL_GOALS)

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,  # noqa: ARG002 - nothing changes between epochs
        choose: Choice = Choice.LAST,  # noqa: ARG002
        unit: str = "trial",  # noqa: ARG002
    ) -> "FittedPrior":
        """Take means.

        Parameters
        ----------
        train : Rows
            Rows with labels; their streams are not read.
        watch : Rows | None
            Not used: there are no epochs.
        choose : Choice
            Not used.
        unit : str
            Not used: nothing is divided.

        Returns
        -------
        FittedPrior
            The base rate, and the rate of each unit.
        """
        shown = encode_shares(train.label, train.goal)
        label = pd.DataFrame(shown.reshape(len(train), -1))
        moves = train.goal.moves
        means = {
            unit: _summarise(label, train.table, unit, moves=moves)
            for unit in self.units
        }
        return FittedPrior(
            base_rate=tuple(label.mean().tolist()),
            rates={
                unit: {
                    str(name): tuple(float(rate) for rate in row)
                    for name, row in zip(rates.index, rates.to_numpy(), strict=True)
                }
                for unit, rates in means.items()
            },
            goal=train.goal.kind,
            moves=moves,
        )


def _name_units(table: pd.DataFrame, unit: str, *, moves: bool) -> pd.Series:
    """Return the name of each row's unit."""
    names: pd.Series = table[unit].astype(str)
    if not moves or unit == "subject":
        return names
    if unit == "trial":
        return table["subject"].astype(str) + "/" + names
    return names + "@" + table["start_s"].astype(str)


def _summarise(
    label: pd.DataFrame, table: pd.DataFrame, unit: str, *, moves: bool
) -> pd.DataFrame:
    """Return what each unit is predicted: its mean, of a trial its last value."""
    names = _name_units(table, unit, moves=moves)
    if unit != "trial":
        return label.groupby(names).mean()
    order = np.argsort(table["start_s"].to_numpy(), kind="stable")
    return label.iloc[order].groupby(names.iloc[order]).last()


def encode_shares(
    label: Num[np.ndarray, " row"], goal: Goal
) -> Float[np.ndarray, " row *class"]:
    """Return what the mean of is predicted: of classes a column each.

    Examples
    --------
    >>> encode_shares(np.array([0, 2]), Goal("classes", tuple("abc"))).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if goal.kind == "classes":
        return np.asarray(np.eye(len(goal.classes))[label])
    return label.astype(np.float64)


@dataclass(frozen=True)
class FittedPrior:
    """Mean labels.

    Attributes
    ----------
    base_rate : tuple of float
        Over all training rows; what a unit gets that was not among them. One number,
        or one a class.
    rates : mapping
        Of each kind of unit, over the rows of each.
    goal : str
        What is predicted.
    moves : bool
        Whether that moves with time.
    """

    base_rate: tuple[float, ...]
    rates: Mapping[str, Mapping[str, tuple[float, ...]]]
    goal: GoalKind = "high-low"
    moves: bool = False
    history: ClassVar[Sequence[EpochRecord]] = ()
    chosen_epoch: ClassVar[int | None] = None
    choices: ClassVar[Mapping[str, float]] = {}
    plan: ClassVar[FitPlan] = {}

    def score(
        self,
        rows: Rows,
        *,
        epoch: Epoch = "chosen",  # noqa: ARG002 - there are none
    ) -> Float[np.ndarray, " row *class"]:
        """Return the base rate and how far each row's units depart from it."""
        columns = [self._add_up(rows, place) for place in range(len(self.base_rate))]
        total = np.stack(columns, axis=1)
        if self.goal != "rating":
            total = np.clip(total, 0.0, 1.0)
        if self.goal != "classes":
            return np.asarray(total[:, 0])
        return np.asarray(total / total.sum(axis=1, keepdims=True))

    def _add_up(self, rows: Rows, place: int) -> Float[np.ndarray, " row"]:
        base = self.base_rate[place]
        total = np.full(len(rows), (1 - len(self.rates)) * base)
        for unit, rates in self.rates.items():
            known = {name: row[place] for name, row in rates.items()}
            names = _name_units(rows.table, unit, moves=self.moves)
            total += names.map(known).fillna(base).to_numpy()
        return total

    def save(self, folder: Path) -> None:
        """Write ``prior.json`` into a new folder."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=2)
        with whole_folder(folder) as unfinished:
            (unfinished / "prior.json").write_text(text + "\n", encoding="utf-8")


UNITS: Mapping[str, tuple[str, ...]] = {
    "majority": (),
    "subject-prior": ("subject",),
    "stimulus-prior": ("stimulus",),
    "additive-prior": ("subject", "stimulus"),
    LAST_VALUE: ("trial",),
}
"""Which units each prior distinguishes."""


def make_prior(
    name: str,
    _settings: NetworkSettings,
    _seed: int,
    _face_weights: Path | None = None,
    /,
) -> Learner:
    """Make a prior of ``UNITS``; it has no settings and samples nothing.

    Parameters
    ----------
    name : str
        Of ``UNITS``.
    _settings : NetworkSettings
        Not used.
    _seed : int
        Not used.
    _face_weights : Path | None
        Not used.

    Returns
    -------
    Learner
        Not fitted yet.
    """
    return Prior(UNITS[name])
