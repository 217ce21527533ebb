"""Ratings that move with time, put at equal steps from the onset of a trial."""

import numpy as np
from jaxtyping import Float

from deepvanet.schema import Trace, TraceFormat

LEAST_KNOWN = 0.5
"""Share of a trace that must be known before its mean stands for the trial."""
ROUNDING_S = 1e-6


def place_trace(
    times: Float[np.ndarray, " sample"],
    values: Float[np.ndarray, "sample target"],
    form: TraceFormat,
    *,
    onset_s: float,
    end_s: float,
) -> Trace:
    """Return what was said from the onset of a stimulus to its end.

    Between two samples that are known lies a straight line.

    Parameters
    ----------
    times : array, shape (sample,)
        Rising, in seconds, at equal steps.
    values : array, shape (sample, target)
        What was said then; not a number where nothing was recorded.
    form : TraceFormat
        How the data set keeps its traces.
    onset_s, end_s : float
        Of the stimulus, on the clock of ``times``.

    Returns
    -------
    Trace
        Not a number before the first sample, after the last, and in gaps.
    """
    n_samples = form.count(end_s - onset_s)
    at = _move_to_samples(onset_s + np.arange(n_samples) / form.rate, times)
    rows = [
        np.interp(at, times, column, left=np.nan, right=np.nan) for column in values.T
    ]
    return Trace(form, np.stack(rows, axis=1).astype(np.float32))


def _move_to_samples(
    at: Float[np.ndarray, " moment"], times: Float[np.ndarray, " sample"]
) -> Float[np.ndarray, " moment"]:
    """Move moments to samples that are as near as rounding, or the first or last.

    Beside a gap, a moment that is a little off would lie in it.
    """
    step = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0
    nearest = np.rint((at - times[0]) / step) if step else np.zeros(len(at))
    nearest = times[np.clip(nearest, 0, len(times) - 1).astype(int)]
    is_beside = (at < times[0]) | (at > times[-1])
    limit = np.where(is_beside, step - ROUNDING_S, ROUNDING_S)
    return np.asarray(np.where(np.abs(at - nearest) < limit, nearest, at))


def average(trace: Trace) -> dict[str, float]:
    """Return the mean of each target of a trace that is known for most of the time."""
    return {
        target: round(float(np.nanmean(column)), 4)
        for target, column in zip(trace.form.targets, trace.values.T, strict=True)
        if np.isfinite(column).mean() >= LEAST_KNOWN
    }
