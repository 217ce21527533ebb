"""Reduce predictions of ratings that move to sums a trial, and score any weights.

A trial is scored over its own course; a subject's score is the mean over its trials. A
trial whose rating never moves says nothing and counts in the errors alone.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from deepvanet.metrics.agreement import agree_by_moments
from deepvanet.metrics.counts import Scores, divide

_ROUNDING = 1e-12
"""A smaller share of all squares is that of sums in another order: no spread."""


@dataclass(frozen=True)
class TraceSums:
    """What one subject's predictions of one seed come down to, trial by trial.

    Attributes
    ----------
    size : array, shape (trial,)
        How many predictions there are.
    rated, rated_square : array, shape (trial,)
        Sums of what was rated, and of its squares. Here and below it, and what is
        predicted, are less one number that is the same for all.
    predicted, squared, product : array, shape (trial,)
        The same of predictions, and sums of their products with what was rated.
    absolute_error, squared_error : array, shape (trial,)
        Sums of errors.
    """

    stimulus: Int[np.ndarray, " trial"]
    size: Float[np.ndarray, " trial"]
    rated: Float[np.ndarray, " trial"]
    rated_square: Float[np.ndarray, " trial"]
    predicted: Float[np.ndarray, " trial"]
    squared: Float[np.ndarray, " trial"]
    product: Float[np.ndarray, " trial"]
    absolute_error: Float[np.ndarray, " trial"]
    squared_error: Float[np.ndarray, " trial"]

    @property
    def truth(self) -> Float[np.ndarray, " trial"]:
        """The mean rating of each trial."""
        return divide(self.rated, self.size)

    @property
    def moves(self) -> Bool[np.ndarray, " trial"]:
        """Whether the rating of each trial moves at all."""
        return np.asarray(self._spread(self.rated, self.rated_square) > 0)

    @property
    def is_scored(self) -> bool:
        """Whether the rating of some trial moves."""
        return bool(self.moves.any())

    def score(self, weight: Float[np.ndarray, "case trial"] | None = None) -> Scores:
        """Score a subject, or each of several ways to weigh its trials.

        Parameters
        ----------
        weight : array, shape (case, trial), optional
            How often each trial counts, instead of once.

        Returns
        -------
        dict
            Of each metric an array of shape (case,): means over trials of CCC and
            Pearson, root of the mean over trials of their mean squared error, and the
            mean over trials of their mean absolute error.
        """
        weight = np.ones((1, len(self.size))) if weight is None else weight
        alone = _agree(self, np.eye(len(self.size)))
        found = {}
        for name in ("ccc", "pearson"):
            known = np.isfinite(alone[name]) & self.moves
            value = np.where(known, alone[name], 0.0)
            found[name] = divide(weight @ value, weight @ known.astype(float))
        total = weight.sum(axis=1)
        squared = divide(self.squared_error, self.size)
        absolute = divide(self.absolute_error, self.size)
        found["rmse"] = np.sqrt(divide(weight @ squared, total))
        found["mae"] = divide(weight @ absolute, total)
        return found

    def score_any(
        self, weight: Float[np.ndarray, "case trial"] | None = None
    ) -> Scores:
        """Score all moments of all trials together."""
        weight = np.ones((1, len(self.size))) if weight is None else weight
        n = weight @ self.size
        return {
            **_agree(self, weight),
            "rmse": np.sqrt(self.measure_error(weight)),
            "mae": divide(weight @ self.absolute_error, n),
        }

    def measure_error(
        self, weight: Float[np.ndarray, "case trial"]
    ) -> Float[np.ndarray, " case"]:
        """Return the mean squared error of all moments."""
        return divide(weight @ self.squared_error, weight @ self.size)

    def _spread(
        self, total: Float[np.ndarray, " trial"], square: Float[np.ndarray, " trial"]
    ) -> Float[np.ndarray, " trial"]:
        return _measure_spread(self.size, total, square)


def _measure_spread(
    n: Float[np.ndarray, " case"],
    total: Float[np.ndarray, " case"],
    square: Float[np.ndarray, " case"],
) -> Float[np.ndarray, " case"]:
    """Return variances, 0 where they are no more than rounding."""
    mean_square = divide(square, n)
    spread = mean_square - divide(total, n) ** 2
    return np.asarray(np.where(spread > _ROUNDING * mean_square, spread, 0.0))


def _agree(sums: TraceSums, weight: Float[np.ndarray, "case trial"]) -> Scores:
    """Return CCC and Pearson of the moments of some trials."""
    n = weight @ sums.size
    rated, predicted = weight @ sums.rated, weight @ sums.predicted
    spreads = (
        _measure_spread(n, rated, weight @ sums.rated_square),
        _measure_spread(n, predicted, weight @ sums.squared),
    )
    means = divide(rated, n), divide(predicted, n)
    return agree_by_moments(means, spreads, divide(weight @ sums.product, n))


def sum_traces(
    trial: Int[np.ndarray, " item"],
    truth: Float[np.ndarray, " item"],
    predicted: Float[np.ndarray, " item"],
    fit: Int[np.ndarray, " item"],
    *,
    stimulus: Int[np.ndarray, " item"],
) -> TraceSums:
    """Reduce predictions to sums.

    Parameters
    ----------
    trial : array, shape (item,)
        Numbers from 0 without gaps; the stimulus is equal within a trial.
    truth, predicted : array, shape (item,)
        What was rated at a moment and what was predicted.
    fit : array, shape (item,)
        Which fitted model gave each prediction; numbers are on one scale, so that it
        makes no difference.
    stimulus : array, shape (item,)
        Number of the stimulus of each trial.

    Returns
    -------
    TraceSums
        In the order of trial numbers.
    """
    del fit
    first = np.unique(trial, return_index=True)[1]

    def add(values: Float[np.ndarray, " item"]) -> Float[np.ndarray, " trial"]:
        return np.bincount(trial, weights=values)

    return TraceSums(
        stimulus=stimulus[first],
        size=np.bincount(trial).astype(float),
        rated=add(truth),
        rated_square=add(truth**2),
        predicted=add(predicted),
        squared=add(predicted**2),
        product=add(truth * predicted),
        absolute_error=add(np.abs(truth - predicted)),
        squared_error=add((truth - predicted) ** 2),
    )
