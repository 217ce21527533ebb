"""Reduce predicted numbers to sums a trial, and score any weights of trials."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
from jaxtyping import Float, Int

from deepvanet.metrics.agreement import agree_by_moments
from deepvanet.metrics.counts import Scores, divide
from deepvanet.metrics.forms import RATING_METRICS
from deepvanet.metrics.trace_sums import TraceSums

LEAST_TRIALS, LEAST_RATINGS = 10, 3
"""Trials, and different ratings among them, below which a subject has no score."""

WITHIN = RATING_METRICS[:4]
"""Scored within subjects, where these have enough trials."""

_ROUNDING = 1e-12
"""A smaller share of all spread is that of sums in another order: no spread."""


Sums = TypeVar("Sums", bound="RatingSums | TraceSums")


@dataclass(frozen=True)
class RatingSums:
    """What one subject's predictions of one seed come down to, trial by trial.

    Attributes
    ----------
    truth : array, shape (trial,)
        The rating of each trial. Here and below it, and what is predicted, are less
        one number that is the same for all.
    size, predicted, squared : array, shape (trial,)
        How many predictions there are; sums of these, and of their squares.
    absolute_error, squared_error : array, shape (trial,)
        Sums of the same of errors.
    """

    truth: Float[np.ndarray, " trial"]
    stimulus: Int[np.ndarray, " trial"]
    size: Float[np.ndarray, " trial"]
    predicted: Float[np.ndarray, " trial"]
    squared: Float[np.ndarray, " trial"]
    absolute_error: Float[np.ndarray, " trial"]
    squared_error: Float[np.ndarray, " trial"]

    @property
    def is_scored(self) -> bool:
        """Whether there are enough trials, and ratings that differ, for a score."""
        ratings = np.unique(self.truth.round(9))
        return len(self.truth) >= LEAST_TRIALS and len(ratings) >= LEAST_RATINGS

    def score(self, weight: Float[np.ndarray, "case trial"] | None = None) -> Scores:
        """Score the trials of a subject, or each of several ways to weigh them.

        Parameters
        ----------
        weight : array, shape (case, trial), optional
            How often each trial counts, instead of once.
        """
        scores = self.score_any(weight)
        if self.is_scored:
            return scores
        return {name: np.full_like(found, np.nan) for name, found in scores.items()}

    def score_any(
        self, weight: Float[np.ndarray, "case trial"] | None = None
    ) -> Scores:
        """Score trials however few they are."""
        weight = np.ones((1, len(self.truth))) if weight is None else weight
        n = weight @ self.size
        rated, predicted = (
            divide(weight @ sums, n)
            for sums in (self.size * self.truth, self.predicted)
        )
        rated_square = divide(weight @ (self.size * self.truth**2), n)
        square = divide(weight @ self.squared, n)
        product = divide(weight @ (self.truth * self.predicted), n)
        least = _ROUNDING * (rated_square + square)
        of_rated, of_predicted = (
            np.where(spread > least, spread, 0.0)
            for spread in (rated_square - rated**2, square - predicted**2)
        )
        return {
            **agree_by_moments((rated, predicted), (of_rated, of_predicted), product),
            "rmse": np.sqrt(self.measure_error(weight)),
            "mae": divide(weight @ self.absolute_error, n),
        }

    def measure_error(
        self, weight: Float[np.ndarray, "case trial"]
    ) -> Float[np.ndarray, " case"]:
        """Return the mean squared error."""
        return divide(weight @ self.squared_error, weight @ self.size)


def sum_ratings(
    trial: Int[np.ndarray, " item"],
    truth: Float[np.ndarray, " item"],
    predicted: Float[np.ndarray, " item"],
    fit: Int[np.ndarray, " item"],
    *,
    stimulus: Int[np.ndarray, " item"],
) -> RatingSums:
    """Reduce predictions to sums.

    Parameters
    ----------
    trial : array, shape (item,)
        Numbers from 0 without gaps; truth and stimulus are equal within a trial.
    truth, predicted : array, shape (item,)
        What was rated and what was predicted.
    fit : array, shape (item,)
        Which fitted model gave each prediction; numbers are on one scale, so that it
        makes no difference.
    stimulus : array, shape (item,)
        Number of the stimulus of each trial.

    Returns
    -------
    RatingSums
        In the order of trial numbers.
    """
    del fit
    first = np.unique(trial, return_index=True)[1]
    return RatingSums(
        truth=truth[first],
        stimulus=stimulus[first],
        size=np.bincount(trial).astype(float),
        predicted=np.bincount(trial, weights=predicted),
        squared=np.bincount(trial, weights=predicted**2),
        absolute_error=np.bincount(trial, weights=np.abs(truth - predicted)),
        squared_error=np.bincount(trial, weights=(truth - predicted) ** 2),
    )


def join_sums(parts: Sequence[Sums]) -> Sums:
    """Put the trials of several subjects together."""
    names = [field.name for field in fields(parts[0])]
    joined = {n: np.concatenate([getattr(part, n) for part in parts]) for n in names}
    return type(parts[0])(**joined)
