"""How long a rating that moves with time remembers where it was."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

LEAST_CORRELATION = float(np.exp(-1))
"""Below this share of its variance a rating is taken to be independent of before."""


def measure_decorrelation(
    traces: Sequence[Float[np.ndarray, " _"]], rate: float
) -> float:
    """Return after how long a rating is no longer like it was.

    The autocovariance of each trace around its own mean is averaged over traces; the
    time is where it falls below 1/e of the variance.

    Parameters
    ----------
    traces : sequence of array, shape (sample,)
        One of each trial, NaN where nothing was rated.
    rate : float
        Samples a second, in Hz.

    Returns
    -------
    float
        In seconds; 0 where no trace varies. As long as the longest trace, where the
        autocovariance does not fall so far.

    Examples
    --------
    >>> square = np.repeat([1.0, -1.0, 1.0, -1.0], 10)
    >>> measure_decorrelation([square], rate=2.0)
    2.0
    """
    longest = max((len(trace) for trace in traces), default=0)
    if not longest:
        return 0.0
    total, counted = np.zeros(longest), np.zeros(longest)
    for trace in traces:
        known = np.isfinite(trace)
        if not known.any():
            continue
        around = np.where(known, trace - trace[known].mean(), 0.0)
        total[: len(trace)] += _correlate(around)
        counted[: len(trace)] += _correlate(known.astype(float)).round()
    covariance = total / np.maximum(counted, 1)
    if covariance[0] <= 0:
        return 0.0
    below = np.flatnonzero(covariance < LEAST_CORRELATION * covariance[0])
    return float((below[0] if len(below) else longest) / rate)


def _correlate(values: Float[np.ndarray, " sample"]) -> Float[np.ndarray, " sample"]:
    """Return sums of products of samples that are so many samples apart."""
    n = len(values)
    spectrum = np.fft.rfft(values, 2 * n)
    return np.asarray(np.fft.irfft(np.abs(spectrum) ** 2, 2 * n)[:n])
