"""Reduce predictions to counts a trial, and score any weights of trials."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, Num
from numpy.typing import NDArray

from deepvanet.metrics.forms import METRICS

THRESHOLD = 0.5

Scores = dict[str, Float[np.ndarray, " case"]]
"""For each metric a value a case, NaN where it is undefined."""


@runtime_checkable
class Tally(Protocol):
    """What one subject's predictions of one seed come down to, trial by trial."""

    @property
    def truth(self) -> NDArray[Any]:
        """The class or the rating of each trial."""

    @property
    def stimulus(self) -> Int[np.ndarray, " trial"]:
        """The clip of each trial, as a number."""

    @property
    def size(self) -> Float[np.ndarray, " trial"]:
        """How many predictions each trial has."""

    def score(self, weight: Float[np.ndarray, "case trial"] | None = None) -> Scores:
        """Score the trials, or each of several ways to weigh them."""


@dataclass(frozen=True)
class Counts:
    """What one subject's predictions of one seed come down to, trial by trial.

    Attributes
    ----------
    size, called_high : array, shape (trial,)
        Segments, and those with a score above the threshold.
    above : array, shape (trial, trial)
        Pairs, scored by one model, in which the first trial's segment scores
        higher than the second's; ties count half.
    pairs : array, shape (trial, trial)
        Pairs scored by one model.
    """

    truth: Int[np.ndarray, " trial"]
    stimulus: Int[np.ndarray, " trial"]
    size: Float[np.ndarray, " trial"]
    called_high: Float[np.ndarray, " trial"]
    above: Float[np.ndarray, "trial trial"]
    pairs: Float[np.ndarray, "trial trial"]

    def score(self, weight: Float[np.ndarray, "case trial"] | None = None) -> Scores:
        """Score the trials, or each of several ways to weigh them.

        Parameters
        ----------
        weight : array, shape (case, trial), optional
            How often each trial counts, instead of once.
        """
        weight = np.ones((1, len(self.truth))) if weight is None else weight
        high, low = weight * self.truth, weight * (1 - self.truth)
        called_low = self.size - self.called_high
        hit, miss = high @ self.called_high, high @ called_low
        false, right = low @ self.called_high, low @ called_low
        n_high, n_low, wrong = hit + miss, false + right, miss + false
        product = n_high * n_low * (hit + false) * (miss + right)
        f1 = divide(hit, hit + wrong / 2), divide(right, right + wrong / 2)
        scores = {
            "accuracy": divide(hit + right, n_high + n_low),
            "balanced_accuracy": (divide(hit, n_high) + divide(right, n_low)) / 2,
            "macro_f1": (f1[0] + f1[1]) / 2,
            "mcc": np.nan_to_num(divide(hit * right - miss * false, np.sqrt(product))),
            "auroc": divide(
                ((high @ self.above) * low).sum(axis=1),
                ((high @ self.pairs) * low).sum(axis=1),
            ),
        }
        return blank_one_class(scores, (n_high == 0) | (n_low == 0))


def count(
    trial: Int[np.ndarray, " item"],
    label: Int[np.ndarray, " item"],
    score: Float[np.ndarray, " item"],
    fit: Int[np.ndarray, " item"],
    *,
    stimulus: Int[np.ndarray, " item"],
) -> Counts:
    """Reduce predictions to counts.

    Parameters
    ----------
    trial : array, shape (item,)
        Numbers from 0 without gaps; label and stimulus are equal within a trial.
    label : array, shape (item,)
        1 is high, 0 is low.
    score : array, shape (item,)
        Predicted as high above ``THRESHOLD``.
    fit : array, shape (item,)
        Which fitted model gave each score.
    stimulus : array, shape (item,)
        Number of the stimulus of each trial.

    Returns
    -------
    Counts
        What is scored, in the order of trial numbers.
    """
    first = np.unique(trial, return_index=True)[1]
    above = np.zeros((len(first), len(first)))
    pairs = np.zeros_like(above)
    for model in np.unique(fit):
        mine = fit == model
        met, place = np.unique(trial[mine], return_inverse=True)
        size = np.bincount(place).astype(float)
        pairs[np.ix_(met, met)] += np.outer(size, size)
        above[np.ix_(met, met)] += count_above(place, score[mine], len(met))
    return Counts(
        truth=label[first],
        stimulus=stimulus[first],
        size=np.bincount(trial).astype(float),
        called_high=np.bincount(trial, weights=score > THRESHOLD),
        above=above,
        pairs=pairs,
    )


def blank_one_class(scores: Scores, one_class: NDArray[Any]) -> Scores:
    """Leave only the accuracy where all labels are equal."""
    for metric in METRICS[1:]:
        scores[metric] = np.where(one_class, np.nan, scores[metric])
    return scores


def mean_over_seeds(seeds: Iterable[Scores]) -> Scores:
    """Return the mean of the seeds for which a score is defined."""
    listed = list(seeds)
    if len(listed) == 1:
        return listed[0]
    means = {}
    for metric in listed[0]:
        values = np.stack([scores[metric] for scores in listed])
        known = ~np.isnan(values)
        means[metric] = divide(np.nan_to_num(values).sum(axis=0), known.sum(axis=0))
    return means


def divide(
    numerator: Float[np.ndarray, " case *class"],
    denominator: Num[np.ndarray, " case *class"],
) -> Float[np.ndarray, " case *class"]:
    """Divide, with NaN for what would be divided by 0."""
    quotient = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient


def count_above(
    trial: Int[np.ndarray, " item"], score: Float[np.ndarray, " item"], n_trials: int
) -> Float[np.ndarray, "trial trial"]:
    """Count, for two trials, the pairs in which the first one's score is higher."""
    member = np.eye(n_trials)[trial]
    order = np.argsort(score, kind="stable")
    # how many of each trial's scores are among the lowest k, for every k
    among = np.zeros((len(score) + 1, n_trials))
    np.cumsum(member[order], axis=0, out=among[1:])
    below = among[np.searchsorted(score[order], score, side="left")]
    up_to = among[np.searchsorted(score[order], score, side="right")]
    above: Float[np.ndarray, "trial trial"] = member.T @ (below + up_to) / 2
    return above
