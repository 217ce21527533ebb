"""Priors: learners that read no signal.

A subject who rates most clips high can be predicted without a sensor, and so can a clip
that most people rate high. A score means something only above these.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from jaxtyping import Float

from deepvanet.config import NetworkSettings
from deepvanet.files import whole_folder
from deepvanet.learners.learner import (
    Choice,
    Epoch,
    EpochRecord,
    FitPlan,
    Learner,
    Traits,
)
from deepvanet.store import Rows

FORMAT = "deepvanet-prior-2"


@dataclass(frozen=True)
class Prior:
    """Predict by the mean label of a unit's training rows; of several units, add up.

    Parameters
    ----------
    units : tuple of str
        The columns of the segment table that identify units; without columns there are
        none.
    """

    units: tuple[str, ...]
    traits: ClassVar[Traits] = Traits(reads_streams=False)

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
        label = pd.Series(train.label)
        means = {u: label.groupby(train.table[u]).mean() for u in self.units}
        return FittedPrior(
            base_rate=float(label.mean()),
            rates={
                unit: {str(name): float(rate) for name, rate in rates.items()}
                for unit, rates in means.items()
            },
        )


@dataclass(frozen=True)
class FittedPrior:
    """Mean labels.

    Attributes
    ----------
    base_rate : float
        Over all training rows; what a unit gets that was not among them.
    rates : mapping
        Of each kind of unit, over the rows of each.
    """

    base_rate: float
    rates: Mapping[str, Mapping[str, float]]
    history: ClassVar[Sequence[EpochRecord]] = ()
    chosen_epoch: ClassVar[int | None] = None
    choices: ClassVar[Mapping[str, float]] = {}
    plan: ClassVar[FitPlan] = {}

    def score(
        self,
        rows: Rows,
        *,
        epoch: Epoch = "chosen",  # noqa: ARG002 - there are none
    ) -> Float[np.ndarray, " row"]:
        """Return the base rate and how far each row's units depart from it."""
        total = np.full(len(rows), (1 - len(self.rates)) * self.base_rate)
        for unit, rates in self.rates.items():
            total += rows.table[unit].map(rates).fillna(self.base_rate).to_numpy()
        return np.asarray(np.clip(total, 0.0, 1.0))

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
