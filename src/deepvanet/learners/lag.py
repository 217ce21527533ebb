"""Find by how many seconds a rating that moves follows the signals.

A person feels, decides and moves a joystick; what was rated belongs to signals of some
seconds before. The lag is found on training rows alone: for each lag that is tried, a
ridge regression predicts the rating from features of each row's own samples, fitted on
some trials and scored on others. The lag whose rating is predicted best is taken.

What differs between trials plays no part: features and ratings are taken relative to
their means over the trial, since a mean is the same at each lag.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int

from deepvanet.learners.features import measure_alone
from deepvanet.learners.repeatable import use_one_thread
from deepvanet.store import Rows

MOST_FOLDS = 5
LEAST_TRIALS = 3
"""Trials below which pieces of trials take their place."""

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Of the ridge, by the mean variance of the features times the rows."""


@dataclass(frozen=True)
class FoundLag:
    """By how much a rating follows the signals.

    Attributes
    ----------
    lag_s : float
        In seconds; 0 where nothing is predicted at any lag.
    low_s, high_s : float
        The least and the greatest lag whose rating is predicted no worse than by
        chance: by two standard errors over the parts that were held out.
    share : float
        Share of the variance within trials that is predicted at the best lag.
    is_flat : bool
        Whether no lag stands out: nothing is predicted, or lags of half of the range
        that was tried are as good.
    """

    lag_s: float
    low_s: float
    high_s: float
    share: float
    is_flat: bool


def find_lag(
    rows: Rows,
    traces: Float[np.ndarray, "row lag"],
    lags_s: Sequence[float],
    *,
    seed: int = 0,
) -> FoundLag:
    """Find the lag on training rows.

    Parameters
    ----------
    rows : Rows
        Training rows.
    traces : array, shape (row, lag)
        What was rated of each row, at each lag.
    lags_s : sequence of float
        The lags, in seconds, from the least on.
    seed : int
        Of which trials are held out together.

    Returns
    -------
    FoundLag
        The lag, and how sure it is.
    """
    if len(lags_s) == 1:
        only = float(lags_s[0])
        return FoundLag(only, only, only, float("nan"), is_flat=False)
    features = _center(np.nan_to_num(_scale(measure_alone(rows))), rows.trial)
    rated = _center(traces.astype(np.float64), rows.trial)
    part = _deal_parts(rows, seed)
    with use_one_thread():
        missed, base = _measure_errors(features, rated, part)
    return choose_lag(missed, base, lags_s)


def choose_lag(
    missed: Float64[np.ndarray, "part lag"],
    base: Float64[np.ndarray, "part lag"],
    lags_s: Sequence[float],
) -> FoundLag:
    """Choose the lag with the least share of squares that is missed.

    Parameters
    ----------
    missed, base : array, shape (part, lag)
        Sums of squares, of parts that were held out: of errors, and of ratings.
    lags_s : sequence of float
        The lags, in seconds.
    """
    total = np.maximum(base.sum(axis=0), np.finfo(float).tiny)
    share = 1 - missed.sum(axis=0) / total
    best = int(np.argmax(share))
    # of each part, how much more is missed at a lag than at the best one
    worse = missed / total - (missed[:, best] / total[best])[:, None]
    n_parts = len(missed)
    error = np.sqrt(n_parts * worse.var(axis=0, ddof=1)) if n_parts > 1 else np.inf
    as_good = np.flatnonzero(worse.sum(axis=0) <= 2 * error)
    low, high = float(lags_s[as_good[0]]), float(lags_s[as_good[-1]])
    found = share[best] > 0
    is_flat = not found or high - low >= (lags_s[-1] - lags_s[0]) / 2
    lag_s = float(lags_s[best]) if found else 0.0
    return FoundLag(lag_s, low, high, float(share[best]), is_flat=bool(is_flat))


def _scale(
    features: Float64[np.ndarray, "row feature"],
) -> Float64[np.ndarray, "row _"]:
    """Return features of one size, without those that are never known or never vary."""
    known = np.isfinite(features)
    n_known = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, features, 0).sum(axis=0) / n_known
    around = np.where(known, features - mean, np.nan)
    spread = np.sqrt(np.nansum(around**2, axis=0) / n_known)
    kept = spread > 0
    return np.asarray(around[:, kept] / spread[kept])


def _center(
    values: Float64[np.ndarray, "row _"], trial: Int[np.ndarray, " row"]
) -> Float64[np.ndarray, "row _"]:
    """Return values less their mean over the trial."""
    n = np.maximum(np.bincount(trial), 1)
    total = np.zeros((len(n), values.shape[1]))
    np.add.at(total, trial, values)
    return np.asarray(values - (total / n[:, None])[trial])


def _deal_parts(rows: Rows, seed: int) -> Int[np.ndarray, " row"]:
    """Return which part each row is held out with: trials, or pieces of few trials."""
    names, trial = np.unique(rows.trial, return_inverse=True)
    if len(names) >= LEAST_TRIALS:
        order = np.random.default_rng(seed).permutation(len(names))
        return np.asarray(order[trial] % min(MOST_FOLDS, len(names)))
    part = np.zeros(len(rows), np.int64)
    start = rows.table["start_s"].to_numpy(dtype=float)
    for number in range(len(names)):
        mine = np.flatnonzero(trial == number)
        rank = np.argsort(np.argsort(start[mine], kind="stable"), kind="stable")
        part[mine] = rank * LEAST_TRIALS // len(mine)
    return part


def _measure_errors(
    features: Float64[np.ndarray, "row feature"],
    rated: Float64[np.ndarray, "row lag"],
    part: Int[np.ndarray, " row"],
) -> tuple[Float64[np.ndarray, "part lag"], Float64[np.ndarray, "part lag"]]:
    """Return sums of squares that a ridge misses of each part, and those that are."""
    parts = np.unique(part)
    missed = np.zeros((len(PENALTIES), len(parts), rated.shape[1]))
    base = np.stack([(rated[part == one] ** 2).sum(axis=0) for one in parts])
    for place, one in enumerate(parts):
        held, train = part == one, part != one
        values, vectors = np.linalg.eigh(features[train].T @ features[train])
        turned = vectors.T @ (features[train].T @ rated[train])
        seen = features[held] @ vectors
        mean = max(float(values.mean()), np.finfo(float).tiny)
        for k, penalty in enumerate(PENALTIES):
            weights = turned / (np.maximum(values, 0) + penalty * mean)[:, None]
            missed[k, place] = ((rated[held] - seen @ weights) ** 2).sum(axis=0)
    # one penalty for all lags: the one that misses least at its best lag
    chosen = int(np.argmin(missed.sum(axis=1).min(axis=1)))
    return missed[chosen], base
