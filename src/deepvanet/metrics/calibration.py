"""Whether a score of 0.7 comes true seven times in ten, and how to make it so.

Scores are put into bins of equally many, since most crowd in a few places. The
expected calibration error is the mean distance between a bin's mean score and its
fraction of high ones, each bin by its size [1]_. It is above 0 even for probabilities
that come true, since labels are few: what it would be then stands beside it.

A calibration is a slope and an offset on the logit, as Platt's [2]_: the slope says how
far the scores may be trusted, the offset how frequent high ones are.

References
----------
.. [1] Naeini, Cooper and Hauskrecht (2015). Obtaining well calibrated probabilities
   using Bayesian binning. AAAI 29, 2901-2907.
.. [2] Platt (1999). Probabilistic outputs for support vector machines and comparisons
   to regularized likelihood methods. Advances in large margin classifiers, 61-74.
.. [3] Roelofs, Cain, Shlens and Mozer (2022). Mitigating bias in calibration error
   estimation. AISTATS 25, 4036-4054.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy.optimize import minimize
from scipy.special import expit, logit

N_BINS = 10
MOST_RISING = 20
"""Bins of a diagram, of which there are as many as rise."""
TRIALS_A_BIN = 20
"""Fewer trials than this say nothing of a fraction."""
N_SIMULATED = 500
"""Label sets of a calibrated model that an error is compared with."""
CLIP = 1e-6
"""How near to 0 and 1 a mean probability may come before it is turned to a logit."""
LEAST_TRIALS, LEAST_OF_A_CLASS = 20, 5
"""With fewer nothing is fitted."""
LEAST_SLOPE = 0.01
"""Above 0, so that the order of the scores, and with it every label, is kept."""
RIDGE = 4.0
"""Pull of slope and offset towards where they start: a prior with a deviation of 0.5
for each. It counts as much as 16 trials do for the offset, and bounds the slope where
the classes are apart. Of hundreds of trials it changes nothing."""


@dataclass(frozen=True)
class Calibration:
    """What turns the logit of a score into the logit of a probability.

    Attributes
    ----------
    slope, offset : float
        1 and 0 leave scores as they were fitted.
    """

    slope: float = 1.0
    offset: float = 0.0

    @property
    def threshold(self) -> float:
        """The probability that belongs to a score of 0.5: above it is *high*."""
        return float(expit(self.offset))

    def find_logit(self, scored: Float[np.ndarray, " item"]) -> Float[np.ndarray, " _"]:
        """Return calibrated logits of the logits of scores."""
        return np.asarray(self.slope * scored + self.offset)

    def find_probability(
        self, scored: Float[np.ndarray, " item"]
    ) -> Float[np.ndarray, " _"]:
        """Return probabilities of the logits of scores."""
        return np.asarray(expit(self.find_logit(scored)))


AS_FITTED = Calibration()


def fit_calibration(
    scored: Float[np.ndarray, " item"],
    label: Int[np.ndarray, " item"],
    *,
    weight: Float[np.ndarray, " item"] | None = None,
    start: Calibration = AS_FITTED,
) -> Calibration:
    """Fit slope and offset by the log loss, with a weak prior that a start is right.

    Parameters
    ----------
    scored : array, shape (item,)
        Logits of scores that no model gave that was fitted on the item.
    label : array, shape (item,)
        1 is high, 0 is low.
    weight : array, shape (item,)
        Of which a trial's sum to 1, so that their total is the number of trials;
        without it each item is a trial.
    start : Calibration
        What is expected before a look at the scores.

    Returns
    -------
    Calibration
        The start where there are fewer than ``LEAST_TRIALS`` trials, or
        fewer than ``LEAST_OF_A_CLASS`` of a class.
    """
    counts = np.ones(len(label)) if weight is None else weight
    n_high, n_all = float(counts @ label), float(counts.sum())
    least = LEAST_OF_A_CLASS - CLIP
    if n_all < LEAST_TRIALS - CLIP or min(n_high, n_all - n_high) < least:
        return start
    expected = np.array([start.slope, start.offset])

    def lose(
        point: Float[np.ndarray, " 2"],
    ) -> tuple[float, Float[np.ndarray, " 2"]]:
        at = point[0] * scored + point[1]
        away = point - expected
        loss = counts @ (np.logaddexp(0, at) - label * at) + RIDGE / 2 * away @ away
        slip = counts * (expit(at) - label)
        return float(loss), np.array([slip @ scored, slip.sum()]) + RIDGE * away

    found = minimize(
        lose,
        expected,
        jac=True,
        method="L-BFGS-B",
        bounds=[(LEAST_SLOPE, None), (None, None)],
        options={"ftol": 1e-14, "gtol": 1e-8},
    )
    return Calibration(float(found.x[0]), float(found.x[1]))


def find_logit_of_mean(
    probability: Float[np.ndarray, " item"],
) -> Float[np.ndarray, " item"]:
    """Return the logit of mean probabilities, which rounding may bring to 0 or 1."""
    return np.asarray(logit(np.clip(probability, CLIP, 1 - CLIP)))


def measure_log_loss(
    logit: Float[np.ndarray, " item"],
    label: Int[np.ndarray, " item"],
    *,
    weight: Float[np.ndarray, " item"] | None = None,
) -> float:
    """Return the mean negative log likelihood of labels.

    Examples
    --------
    >>> round(measure_log_loss(np.zeros(2), np.array([0, 1])), 4)
    0.6931
    """
    loss = np.logaddexp(0, logit) - label * logit
    return float(np.average(loss, weights=weight))


def measure_calibration(
    label: Int[np.ndarray, " item"],
    score: Float[np.ndarray, " item"],
    *,
    n_bins: int = N_BINS,
) -> pd.DataFrame:
    """Return a row a bin: mean_score, fraction_high, n; in the order of scores.

    Equal scores are never parted, so there may be fewer bins than asked for.

    Examples
    --------
    >>> label, score = np.array([0, 1, 1, 1]), np.array([0.2, 0.2, 0.9, 0.9])
    >>> measure_calibration(label, score, n_bins=2).values.tolist()
    [[0.2, 0.5, 2.0], [0.9, 1.0, 2.0]]
    """
    place = _place_in_bins(score, n_bins)
    table = pd.DataFrame({"place": place, "score": score, "label": label})
    bins = table.groupby("place").agg(
        mean_score=("score", "mean"),
        fraction_high=("label", "mean"),
        n=("score", "size"),
    )
    return bins.reset_index(drop=True)


def measure_rising_bins(
    label: Int[np.ndarray, " item"], score: Float[np.ndarray, " item"], n_trials: int
) -> pd.DataFrame:
    """Return bins as ``measure_calibration``, as many as the data carry [3]_.

    From two bins on there is one more as long as higher scores come true at least as
    often: what falls again is chance, or an order that the scores do not have.

    Parameters
    ----------
    label, score : array, shape (item,)
        As ``measure_calibration`` takes them.
    n_trials : int
        There is at most a bin for each ``TRIALS_A_BIN`` of them, and ``MOST_RISING``.

    Returns
    -------
    DataFrame
        A row a bin: mean_score, fraction_high, n; in the order of scores.

    Examples
    --------
    >>> score = np.linspace(0.05, 0.95, 80)
    >>> label = (score > 0.5).astype(int)
    >>> len(measure_rising_bins(label, score, 80))
    4
    >>> len(measure_rising_bins(1 - label, score, 80))
    1
    """
    found = measure_calibration(label, score, n_bins=1)
    for n_bins in range(2, min(MOST_RISING, n_trials // TRIALS_A_BIN) + 1):
        bins = measure_calibration(label, score, n_bins=n_bins)
        if not bins["fraction_high"].is_monotonic_increasing:
            break
        found = bins
    return found


def measure_calibration_error(
    label: Int[np.ndarray, " item"],
    probability: Float[np.ndarray, " item"],
    n_trials: int,
    *,
    trial: Int[np.ndarray, " item"] | None = None,
    n_simulated: int = N_SIMULATED,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the calibration error, and what it would be of a calibrated model.

    The latter is the mean over label sets that are sampled from the probabilities. An
    error is a fault only as far as it lies above that.

    Parameters
    ----------
    label : array, shape (item,)
        1 is high, 0 is low.
    probability : array, shape (item,)
        Predicted probability of a high label.
    n_trials : int
        There is at most a bin for each ``TRIALS_A_BIN`` of them, at least 1 and at most
        ``N_BINS``: the segments of a trial are one observation.
    trial : array, shape (item,)
        Numbers from 0: whose segments the items are. Their labels are then sampled
        together, as they are rated together. To be given wherever items are segments:
        without it a calibrated model looks better than it can be.
    n_simulated : int
        Number of label sets that are sampled.
    seed : int
        Seed of the sampled label sets.

    Returns
    -------
    tuple of (float, float)
        The error of the labels, and the mean error of the sampled label sets, 0 to 1.

    Examples
    --------
    >>> label, probability = np.tile([0, 1], 50), np.full(100, 0.5)
    >>> error, calibrated = measure_calibration_error(label, probability, 100)
    >>> error, round(calibrated, 2)
    (0.0, 0.04)
    """
    n_bins = max(1, min(N_BINS, n_trials // TRIALS_A_BIN))
    place = np.unique(_place_in_bins(probability, n_bins), return_inverse=True)[1]
    wanted = np.bincount(place, probability)
    rng = np.random.default_rng(seed)
    n_drawn = len(label) if trial is None else int(trial.max()) + 1
    of_item = np.arange(len(label)) if trial is None else trial
    total = 0.0
    for _ in range(n_simulated):
        high = rng.random(n_drawn)[of_item] < probability
        total += np.abs(np.bincount(place, high) - wanted).sum()
    observed = np.abs(np.bincount(place, label) - wanted).sum()
    return float(observed / len(label)), float(total / len(label) / n_simulated)


def _place_in_bins(
    score: Float[np.ndarray, " item"], n_bins: int
) -> Int[np.ndarray, " item"]:
    edges = np.quantile(score, np.linspace(0, 1, n_bins + 1))
    return np.searchsorted(edges[1:-1], score, side="left")
