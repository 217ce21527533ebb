"""Samples with time stamps, put at equal steps."""

from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float
from scipy.interpolate import CubicSpline

from deepvanet.preprocessing.cleaning.filters import resample_with_gaps
from deepvanet.schema import UserError

LONGEST_GAP = 4.0  # steps between two samples; more is a hole, if it is also
LEAST_GAP_S = 1.0  # longer than this
ROUNDING = 0.01  # of a rate, within which it is a whole number of Hz

Times = Float[np.ndarray, " sample"]
Values = Float[np.ndarray, "channel sample"]
Placed = Float[np.ndarray, "channel step"]


def put_on_grid(times: Times, values: Values, *, name: str) -> tuple[Placed, float]:
    """Return samples at equal steps from the first one on, and their rate in Hz.

    The rate is a whole number where the stamps are near to one. Stamps that jitter
    about a straight line are taken to lie on it. Between samples runs a cubic
    spline; holes are not numbers.

    Parameters
    ----------
    name : str
        What the sentence calls the signals.

    Raises
    ------
    UserError
        When the times do not rise, or are too few.

    Examples
    --------
    >>> values, rate = put_on_grid(np.arange(5) * 0.25, np.ones((1, 5)), name="x")
    >>> values.tolist(), rate
    ([[1.0, 1.0, 1.0, 1.0, 1.0]], 4.0)
    """
    _check_times(times, name)
    step = float(np.median(np.diff(times)))
    if step <= 0:
        raise UserError(f"{name}: most of its times are the same as the one before")
    rate = _round_rate(_find_rate(times, step))
    is_hole = np.diff(times) > max(LONGEST_GAP * step, LEAST_GAP_S)
    steady = _straighten(times, is_hole, step)
    apart = steady[-1] - steady[0] - (len(times) - 1) / rate
    if abs(apart) < 1 / rate:
        return values, rate
    n_samples = int((steady[-1] - steady[0]) * rate + 1e-3) + 1
    grid = steady[0] + np.arange(n_samples) / rate
    rising = np.concatenate([[True], np.diff(steady) > 0])
    placed = CubicSpline(steady[rising], values[:, rising], axis=1)(grid)
    half = 0.5 / rate
    for start in np.flatnonzero(is_hole):
        inside = (grid > steady[start] + half) & (grid < steady[start + 1] - half)
        placed[:, inside] = np.nan
    return placed, rate


def change_rate(values: Values, *, sfreq: float, to: float) -> Placed:
    """Return signals at another rate, without what that rate cannot hold.

    What is not a number is bridged before, and is no number afterwards.
    """
    rows = [resample_with_gaps(row, sfreq=sfreq, to=to) for row in values]
    return np.stack(rows) if rows else values


def shift(values: Values, *, by: int, length: int) -> Placed:
    """Return ``length`` samples, the first of ``values`` at ``by``; else no numbers."""
    placed = np.full((len(values), length), np.nan)
    start, end = max(by, 0), min(by + values.shape[1], length)
    if start < end:
        placed[:, start:end] = values[:, start - by : end - by]
    return placed


def _check_times(times: Times, name: str) -> None:
    if len(times) < 2:
        raise UserError(f"{name}: needs two samples or more, got {len(times)}")
    if not np.isfinite(times).all():
        raise UserError(f"{name}: a time is not a number")
    back = np.flatnonzero(np.diff(times) < 0)
    if len(back):
        raise UserError(
            f"{name}: its times must rise, got {times[back[0] + 1]:g} s after "
            f"{times[back[0]]:g} s"
        )


def _find_rate(times: Times, step: float) -> float:
    """Return samples a second, holes left out."""
    steps = np.diff(times)
    steps = steps[steps <= max(LONGEST_GAP * step, LEAST_GAP_S)]
    return float(len(steps) / steps.sum())


def _round_rate(rate: float) -> float:
    nearest = round(rate)
    return float(nearest) if abs(nearest - rate) < ROUNDING * rate else rate


def _straighten(times: Times, is_hole: Bool[np.ndarray, " pair"], step: float) -> Times:
    """Put the stamps of each part without a hole on a line, where they are near it."""
    steady = times.astype(np.float64)
    starts = [0, *(np.flatnonzero(is_hole) + 1), len(times)]
    for start, end in pairwise(starts):
        if end - start < 3:
            continue
        at = np.arange(end - start)
        line = np.polyval(np.polyfit(at, times[start:end], 1), at)
        if np.abs(line - times[start:end]).max() < step:
            steady[start:end] = line
    return steady
