"""Priors: learners that read no signal.

Whoever rates most clips high can be guessed without a sensor, and so can a clip
that most people rate high. A score means something only above these.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from jaxtyping import Float

from deepvanet.config import NetworkSettings
from deepvanet.files import whole_folder
from deepvanet.learners.learner import (
    Choice,
    Epoch,
    EpochRecord,
    Learner,
    MakeLearner,
    Traits,
)
from deepvanet.store import Rows

FORMAT = "deepvanet-prior-1"


@dataclass(frozen=True)
class Prior:
    """Predict the mean label of a unit's training rows.

    Parameters
    ----------
    unit : str | None
        The column of the segment table that tells units apart; None knows one.
    """

    unit: str | None
    traits: ClassVar[Traits] = Traits(reads_streams=False)

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,  # noqa: ARG002 - nothing changes between epochs
        choose: Choice = Choice.LAST,  # noqa: ARG002
        unit: str = "trial",  # noqa: ARG002
    ) -> "FittedPrior":
        """Take means."""
        label = pd.Series(train.label)
        rates: Mapping[Any, float] = {}
        if self.unit is not None:
            rates = label.groupby(train.table[self.unit]).mean().to_dict()
        return FittedPrior(
            unit=self.unit,
            base_rate=float(label.mean()),
            rates={str(name): float(rate) for name, rate in rates.items()},
        )


@dataclass(frozen=True)
class FittedPrior:
    """Mean labels.

    Attributes
    ----------
    base_rate : float
        Over all training rows; what a unit gets that was not among them.
    rates : mapping
        Over the rows of each unit.
    """

    unit: str | None
    base_rate: float
    rates: Mapping[str, float]
    history: ClassVar[Sequence[EpochRecord]] = ()
    chosen_epoch: ClassVar[int | None] = None
    choices: ClassVar[Mapping[str, float]] = {}

    def score(
        self,
        rows: Rows,
        *,
        epoch: Epoch = "chosen",  # noqa: ARG002 - there are none
    ) -> Float[np.ndarray, " row"]:
        """Return the mean label of each row's unit."""
        if self.unit is None:
            return np.full(len(rows), self.base_rate)
        scores = rows.table[self.unit].map(self.rates).fillna(self.base_rate)
        return scores.to_numpy(dtype=float)

    def save(self, folder: Path) -> None:
        """Write ``prior.json`` into a new folder."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=2)
        with whole_folder(folder) as unfinished:
            (unfinished / "prior.json").write_text(text + "\n", encoding="utf-8")


def make_prior(unit: str | None) -> MakeLearner:
    """Return what makes a prior; it has no settings and nothing to draw."""

    def make(
        _settings: NetworkSettings, _seed: int, _face_weights: Path | None = None, /
    ) -> Learner:
        return Prior(unit)

    return make


PRIORS: Mapping[str, MakeLearner] = {
    "majority": make_prior(None),
    "subject-prior": make_prior("subject"),
    "stimulus-prior": make_prior("stimulus"),
}
