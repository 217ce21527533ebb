"""What the scores of a bundle's network are worth as probabilities.

A score is as fitted. What probability it stands for is found on rows that the fold's
network never saw, for segments and for trials apart. A segment counts by its share of
its trial, so that each trial counts once. A trial's score is the mean of its segments'
scores; its logit is calibrated. How good that is, is measured by fitting slope and
offset on the other folds and scoring each, as the network itself is scored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy.special import expit

from deepvanet.metrics import (
    Calibration,
    find_logit_of_mean,
    fit_calibration,
    measure_calibration_error,
    measure_log_loss,
)

AS_FITTED = Calibration()
OF_A_TRIAL = ["subject", "trial", "stimulus", "fold", "label"]


@dataclass(frozen=True)
class Calibrations:
    """What makes probabilities of the scores of segments and of trials."""

    segment: Calibration = AS_FITTED
    trial: Calibration = AS_FITTED

    def to_dict(self) -> dict[str, dict[str, float]]:
        """Return plain values; a threshold is the probability of a score of 0.5."""
        return {
            field.name: {
                "slope": made.slope,
                "offset": made.offset,
                "threshold": made.threshold,
            }
            for field in fields(self)
            for made in [getattr(self, field.name)]
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Calibrations":
        """Read what ``to_dict`` returned, or raise ``ValueError``."""
        return cls(**{f.name: _read(f.name, values[f.name]) for f in fields(cls)})


def _read(level: str, values: Mapping[str, Any]) -> Calibration:
    for name in ("slope", "offset", "threshold"):
        value = values[name]
        if not isinstance(value, float) or not np.isfinite(value):
            raise ValueError(f"{name} of a {level} cannot be {value!r}")
    made = Calibration(values["slope"], values["offset"])
    if made.slope <= 0:
        raise ValueError(f"slope of a {level} cannot be {made.slope!r}")
    if not np.isclose(made.threshold, values["threshold"]):
        raise ValueError(f"threshold of a {level} cannot be {values['threshold']!r}")
    return made


@dataclass(frozen=True)
class Reliability:
    """How far probabilities come true that neither network nor calibration had seen.

    Attributes
    ----------
    loss, loss_calibrated : float
        Mean negative log likelihood, each trial counted once: of scores as fitted, and
        calibrated on the other folds.
    ece, ece_if_calibrated : float
        The calibration error of the latter, and what it would be on average if they
        came true.
    """

    loss: float
    loss_calibrated: float
    ece: float
    ece_if_calibrated: float


@dataclass(frozen=True)
class _Level:
    """Scored rows, segments or trials.

    Attributes
    ----------
    trial : array, shape (row,)
        The number of each row's trial.
    weight : array, shape (row,)
        Of a trial they sum to 1.
    """

    logit: Float[np.ndarray, " row"]
    label: Int[np.ndarray, " row"]
    fold: Int[np.ndarray, " row"]
    trial: Int[np.ndarray, " row"]
    weight: Float[np.ndarray, " row"]

    def fit(self, rows: Bool[np.ndarray, " row"] | slice) -> Calibration:
        return fit_calibration(
            self.logit[rows], self.label[rows], weight=self.weight[rows]
        )

    def measure(self) -> Reliability:
        calibrated = np.empty(len(self.logit))
        for fold in np.unique(self.fold):
            mine = self.fold == fold
            calibrated[mine] = self.fit(~mine).find_logit(self.logit[mine])
        ece, ece_if_calibrated = measure_calibration_error(
            self.label, expit(calibrated), int(self.trial.max()) + 1, trial=self.trial
        )
        return Reliability(
            loss=measure_log_loss(self.logit, self.label, weight=self.weight),
            loss_calibrated=measure_log_loss(
                calibrated, self.label, weight=self.weight
            ),
            ece=ece,
            ece_if_calibrated=ece_if_calibrated,
        )


def average_trials(segments: pd.DataFrame) -> pd.DataFrame:
    """Return a row a trial, with the mean of its segments' scores as ``score``.

    Parameters
    ----------
    segments : DataFrame
        Columns ``OF_A_TRIAL`` and ``logit``, as the network gave it.
    """
    scored = segments.assign(score=expit(segments["logit"].to_numpy()))
    means = scored.groupby(OF_A_TRIAL, sort=True, observed=True)["score"].mean()
    return means.reset_index()


def calibrate(segments: pd.DataFrame) -> tuple[Calibrations, dict[str, Reliability]]:
    """Return what is fitted on all rows, and how good it is on rows it did not see.

    Parameters
    ----------
    segments : DataFrame
        As ``average_trials`` takes them; a trial lies in one fold.
    """
    trials = average_trials(segments)
    number = segments.groupby(OF_A_TRIAL, sort=True, observed=True).ngroup().to_numpy()
    levels = {
        "segment": _Level(
            logit=segments["logit"].to_numpy(dtype=float),
            label=segments["label"].to_numpy(dtype=np.int64),
            fold=segments["fold"].to_numpy(dtype=np.int64),
            trial=number,
            weight=1 / np.bincount(number)[number],
        ),
        "trial": _Level(
            logit=find_logit_of_mean(trials["score"].to_numpy(dtype=float)),
            label=trials["label"].to_numpy(dtype=np.int64),
            fold=trials["fold"].to_numpy(dtype=np.int64),
            trial=np.arange(len(trials)),
            weight=np.ones(len(trials)),
        ),
    }
    made = Calibrations(**{n: level.fit(slice(None)) for n, level in levels.items()})
    return made, {name: level.measure() for name, level in levels.items()}
