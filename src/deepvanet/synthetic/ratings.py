"""Synthetic ratings and orders of viewing.

Clips are loved or not by everybody to some extent, subjects have their own mind,
and some rate high. The labels of a subject are assigned by rank, so that a few
trials already hold both.
"""

import math

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import beta

from deepvanet.schema import HIGHEST_RATING, LOWEST_RATING
from deepvanet.synthetic.knobs import Knobs, Purpose, generator

SCALES = ("Valence", "Arousal", "Dominance", "Liking")
N_STIMULI = 40
HIGH = 5.0
"""Ratings from here on are high."""
SHARE_HIGH = 0.55
"""Of all ratings; 56.6 % (valence) and 58.9 % (arousal) in DEAP."""
LOW_SHAPE, HIGH_SHAPE = (2.0, 1.8), (1.8, 2.0)
"""Of the beta distributions of low and of high ratings."""
LEAST_SHARE = 0.3
"""Of either label in each subject, where subjects do not differ."""


def sample_ratings(
    *, subject: int, n_trials: int, knobs: Knobs, seed: int
) -> Float[np.ndarray, "experiment scale"]:
    """Sample what a subject thinks of the first ``n_trials`` stimuli.

    Parameters
    ----------
    subject : int
        Number of the subject; it seeds what is the subject's own.
    n_trials : int
        Stimuli to rate, at most ``N_STIMULI``.
    knobs : Knobs
        Read for the effect of stimuli and of subjects.
    seed : int
        Of the data set.

    Returns
    -------
    array, shape (experiment, scale)
        From 1 to 9 with two decimals, columns as in ``SCALES``.
    """
    rng = generator(seed, Purpose.RATINGS, subject)
    taste = generator(seed, Purpose.TASTE).standard_normal((len(SCALES), N_STIMULI))
    shared = knobs.stimulus_effect / math.hypot(knobs.stimulus_effect, 1.0)
    own = rng.standard_normal((len(SCALES), n_trials))
    liked = shared * taste[:, :n_trials] + math.sqrt(1 - shared**2) * own
    columns = [
        _spread(ranks, _count_high(rng, n_trials, knobs.subject_effect), rng)
        for ranks in liked.argsort(axis=1).argsort(axis=1)
    ]
    return np.stack(columns, axis=1)


def sample_order(
    *, subject: int, n_trials: int, seed: int
) -> Int[np.ndarray, " trial"]:
    """Sample the stimulus, from 1, of each trial; no trial shows its own number."""
    rng = generator(seed, Purpose.ORDER, subject)
    in_order = np.arange(n_trials)
    order = rng.permutation(n_trials)
    while n_trials > 1 and (order == in_order).any():
        order = rng.permutation(n_trials)
    return order + 1


def list_quantiles(n: int, *, is_high: bool) -> Float[np.ndarray, " quantile"]:
    """Return ``n`` equally likely ratings, all high or all low, of all that occur."""
    shares = (np.arange(n) + 0.5) / n
    return _scale(beta.ppf(shares, *_shape(is_high)), is_high=is_high)


def _count_high(rng: np.random.Generator, n_trials: int, subject_effect: float) -> int:
    by_chance, by_habit = rng.standard_normal(2)
    share = SHARE_HIGH + 0.06 * by_chance + 0.2 * subject_effect * by_habit
    sure = LEAST_SHARE * max(0.0, 1 - subject_effect / 2)
    least = min(math.ceil(sure * n_trials), n_trials // 2)
    return min(max(round(float(share) * n_trials), least), n_trials - least)


def _spread(
    ranks: Int[np.ndarray, " experiment"], n_high: int, rng: np.random.Generator
) -> Float[np.ndarray, " experiment"]:
    """Turn ranks into ratings of which ``n_high`` are high."""
    low, high = (
        _scale(rng.beta(*_shape(is_high), n), is_high=is_high)
        for is_high, n in ((False, len(ranks) - n_high), (True, n_high))
    )
    ratings = np.concatenate([np.sort(low), np.sort(high)])[ranks]
    return np.asarray(ratings.round(2))


def _shape(is_high: bool) -> tuple[float, float]:
    return HIGH_SHAPE if is_high else LOW_SHAPE


def _scale(
    shares: Float[np.ndarray, " rating"], *, is_high: bool
) -> Float[np.ndarray, " rating"]:
    """Return ratings from shares of the way from the least to the most."""
    if is_high:
        return np.asarray(HIGH + (HIGHEST_RATING - HIGH) * shares)
    return np.asarray(LOWEST_RATING + (HIGH - 0.01 - LOWEST_RATING) * shares)
