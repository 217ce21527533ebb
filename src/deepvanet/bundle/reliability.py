"""What the scores of a bundle's network are worth as probabilities.

A score is as fitted. What probability it stands for is found on rows that the fold's
network never saw, for segments and for trials apart. A segment counts by its share of
its trial, so that each trial counts once. A trial's score is the mean of its segments'
scores; its logit is calibrated.

Where classes were weighted alike in training, a score of 0.5 stands for the share of
high trials, so the offset starts at its logit [1]_, else at 0. Slope and offset are
kept at their start unless a fit lowers the log loss of folds that it did not see, by
two standard errors or more: else few trials make probabilities worse. How good all
this is, is measured by doing it on the other folds and scoring each.

References
----------
.. [1] Elkan (2001). The foundations of cost-sensitive learning. IJCAI 17, 973-978.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy.special import expit, logit

from deepvanet.metrics import (
    AS_FITTED,
    Calibration,
    find_logit_of_mean,
    fit_calibration,
    measure_calibration_error,
    measure_log_loss,
)

LEAST_GAIN = 2.0
"""Standard errors by which a fit must lower the log loss of trials it did not see."""
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
    is_balanced : bool
        Whether classes were weighted alike in training.
    """

    logit: Float[np.ndarray, " row"]
    label: Int[np.ndarray, " row"]
    fold: Int[np.ndarray, " row"]
    trial: Int[np.ndarray, " row"]
    weight: Float[np.ndarray, " row"]
    is_balanced: bool

    def take(self, rows: Bool[np.ndarray, " row"]) -> "_Level":
        return replace(
            self,
            logit=self.logit[rows],
            label=self.label[rows],
            fold=self.fold[rows],
            trial=self.trial[rows],
            weight=self.weight[rows],
        )

    def start(self) -> Calibration:
        """Return what is expected before a look at the scores."""
        share = float(np.average(self.label, weights=self.weight))
        if not self.is_balanced or share in (0, 1):
            return AS_FITTED
        return Calibration(1.0, float(logit(share)))

    def fit(self) -> Calibration:
        return fit_calibration(
            self.logit, self.label, weight=self.weight, start=self.start()
        )

    def choose(self) -> Calibration:
        """Return a fit where it makes others' scores better, else the start."""
        is_better = len(np.unique(self.fold)) > 1 and self._gains()
        return self.fit() if is_better else self.start()

    def _gains(self) -> bool:
        loss = {
            name: self._lose(self.cross(name)) for name in (_Level.start, _Level.fit)
        }
        gain = loss[_Level.start] - loss[_Level.fit]
        by_trial, by_fold = (_add_up(gain, unit) for unit in (self.trial, self.fold))
        # trials of a fold share a model, so that their gains are alike
        error = max(_measure_error(by_trial), _measure_error(by_fold))
        return bool(by_trial.sum() > LEAST_GAIN * error)

    def _lose(self, at: Float[np.ndarray, " row"]) -> Float[np.ndarray, " row"]:
        return np.asarray(self.weight * (np.logaddexp(0, at) - self.label * at))

    def cross(
        self, find: Callable[["_Level"], Calibration]
    ) -> Float[np.ndarray, " row"]:
        """Return logits that were calibrated by what is found on the other folds."""
        calibrated = np.empty(len(self.logit))
        for fold in np.unique(self.fold):
            mine = self.fold == fold
            made = find(self.take(~mine))
            calibrated[mine] = made.find_logit(self.logit[mine])
        return calibrated

    def measure(self) -> Reliability:
        calibrated = self.cross(_Level.choose)
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


def _add_up(
    gain: Float[np.ndarray, " row"], unit: Int[np.ndarray, " row"]
) -> Float[np.ndarray, " unit"]:
    return np.bincount(unit, gain)[np.bincount(unit) > 0]


def _measure_error(gain: Float[np.ndarray, " unit"]) -> float:
    """Return the standard error of the sum of what units gain."""
    return float(gain.std(ddof=1) * np.sqrt(len(gain)))


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


def calibrate(
    segments: pd.DataFrame, *, is_balanced: bool
) -> tuple[Calibrations, dict[str, Reliability]]:
    """Return what is fitted on all rows, and how good it is on rows it did not see.

    Parameters
    ----------
    segments : DataFrame
        As ``average_trials`` takes them; a trial lies in one fold.
    is_balanced : bool
        Whether classes were weighted alike in training.
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
            is_balanced=is_balanced,
        ),
        "trial": _Level(
            logit=find_logit_of_mean(trials["score"].to_numpy(dtype=float)),
            label=trials["label"].to_numpy(dtype=np.int64),
            fold=trials["fold"].to_numpy(dtype=np.int64),
            trial=np.arange(len(trials)),
            weight=np.ones(len(trials)),
            is_balanced=is_balanced,
        ),
    }
    made = Calibrations(**{name: level.choose() for name, level in levels.items()})
    return made, {name: level.measure() for name, level in levels.items()}
