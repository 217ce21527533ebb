"""Filter and resample signals without moving them in time.

Both look at one channel at a time, in float64, so that an hour of 48 channels
needs no second copy. Beyond its ends a signal goes on as its mirror image about
its last sample, so that neither an offset nor a drift rings there.
"""

from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.signal import firwin, kaiserord, oaconvolve, resample_poly

from deepvanet.schema import UserError

Signal = Float[np.ndarray, " time"]
Resampled = Float[np.ndarray, " resampled"]

BAND_HZ = (4.0, 45.0)
"""What is kept of the EEG: DEAP's own band."""
REACH_S = 1.0
"""How far a sample reaches by the band filter, rounded up: its transition is 2 Hz."""

BAND_EDGES_HZ = (2.0, 4.0)
"""How steep that is: nothing is left below 2 Hz, nor of mains noise at 50 Hz."""
SHARE_OF_RATE = 0.45
"""The highest frequency that a filter keeps, as a share of the sampling rate."""

_EXACT = 1e-9
_STOP_DB = 80.0
_KEPT = 0.9  # of the band that the lower rate can hold


def band_pass(
    signal: Signal,
    *,
    sfreq: float,
    band: tuple[float, float],
    edges: tuple[float, float],
) -> Signal:
    """Keep a band of frequencies above 0, with zero phase.

    Parameters
    ----------
    signal : array, shape (time,)
        One channel, in any unit.
    sfreq : float
        Its rate, in Hz.
    band : tuple of float
        The lowest and the highest frequency kept whole, in Hz.
    edges : tuple of float
        How many Hz outside of it nothing is left.

    Returns
    -------
    array, shape (time,)
        The filtered signal, as long as before.
    """
    taps = _design_band(sfreq, band, edges)
    extended = _extend(signal - signal[0], len(taps) // 2)
    return np.asarray(oaconvolve(extended, taps, mode="valid"))


def filter_eeg(signal: Signal, *, sfreq: float) -> Signal:
    """Keep what results are made of, 4 to 45 Hz."""
    low, high = BAND_HZ[0], min(BAND_HZ[1], SHARE_OF_RATE * sfreq)
    edges = (BAND_EDGES_HZ[0], min(BAND_EDGES_HZ[1], sfreq / 2 - high))
    return band_pass(signal, sfreq=sfreq, band=(low, high), edges=edges)


def resample(signal: Signal, *, sfreq: float, to: float) -> Resampled:
    """Return a signal at another rate, without what that rate cannot hold.

    The first sample stays at time 0.
    """
    ratio = Fraction(to / sfreq).limit_denominator(10_000)
    up, down = ratio.numerator, ratio.denominator
    if up == down:
        return signal
    taps: Any = _design_antialias(max(up, down))
    n_extra = -(-len(taps) // (2 * up * down)) * down
    # the phases of the filter differ a little in how much of an offset they pass
    offset = signal[0]
    extended = _extend(signal - offset, n_extra)
    resampled = resample_poly(extended, up, down, window=taps) + offset
    start, n = n_extra * up // down, -(-len(signal) * up // down)
    return np.asarray(resampled[start : start + n])


def bridge_gaps(signal: Any) -> Signal:
    """Return a signal in float64, samples that are not finite interpolated."""
    whole = np.asarray(signal, dtype=np.float64)
    is_finite = np.isfinite(whole)
    if is_finite.all():
        return whole
    if not is_finite.any():
        return np.zeros_like(whole)
    at = np.arange(len(whole))
    return np.interp(at, at[is_finite], whole[is_finite])


def mark_gaps(resampled: Resampled, signal: Any) -> Resampled:
    """Return a resampled signal that is not finite where the original is not.

    A sample is no number that is the nearest to one that was none, or whose nearest
    was none: the first marks what a lower rate passes over, the second what a higher
    one puts in between.
    """
    is_gap = ~np.isfinite(signal)
    if not is_gap.any():
        return resampled
    ratio = len(resampled) / len(signal)
    marked = resampled.copy()
    marked[_find_nearest(np.flatnonzero(is_gap), ratio, len(marked))] = np.nan
    sources = _find_nearest(np.arange(len(marked)), 1 / ratio, len(is_gap))
    marked[is_gap[sources]] = np.nan
    return marked


def resample_with_gaps(signal: Any, *, sfreq: float, to: float) -> Resampled:
    """Resample a signal over its gaps; they are gaps afterwards."""
    return mark_gaps(resample(bridge_gaps(signal), sfreq=sfreq, to=to), signal)


def lower_rate(
    samples: Float[np.ndarray, "time channel"], factor: int
) -> Float[np.ndarray, "kept channel"]:
    """Return one sample in so many, without what they cannot hold; gaps stay gaps.

    Parameters
    ----------
    samples : array, shape (time, channel)
        NaN where one is missing.
    factor : int
        Samples of which one is kept.
    """
    if not len(samples):
        return samples
    rows = [resample_with_gaps(row, sfreq=float(factor), to=1.0) for row in samples.T]
    return np.stack(rows, axis=1).astype(samples.dtype)


def restore_rate(
    kept: Float[np.ndarray, "kept channel"], factor: int, n_samples: int
) -> Float[np.ndarray, "time channel"]:
    """Return as many samples as there were before their rate was lowered.

    Parameters
    ----------
    kept : array, shape (kept, channel)
        As ``lower_rate`` returns them.
    factor : int
        Samples of which one was kept.
    n_samples : int
        How many there were.
    """
    if not n_samples:
        return kept[:0]
    rows = [resample_with_gaps(row, sfreq=1.0, to=float(factor)) for row in kept.T]
    return np.stack(rows, axis=1)[:n_samples].astype(kept.dtype)


def limit_rate(signal: Signal, factor: int) -> Signal:
    """Return a signal as it is read after one sample in so many was kept."""
    samples = signal[:, None]
    restored = restore_rate(lower_rate(samples, factor), factor, len(signal))
    return np.asarray(restored[:, 0])


def find_factor(sfreq: float, kept_rate: float | None) -> int:
    """Return of how many samples one is kept; 1 where all are.

    Raises
    ------
    UserError
        When the rate is no whole multiple of the one that is kept.

    Examples
    --------
    >>> find_factor(128.0, 32.0), find_factor(128.0, None)
    (4, 1)
    """
    factor = sfreq / (kept_rate or sfreq)
    if factor < 1 or abs(factor - round(factor)) > _EXACT:
        raise UserError(
            f"needs a rate of which {sfreq:g} Hz is a whole multiple, as "
            f"{sfreq / 2:g} or {sfreq / 4:g}, got {kept_rate:g}",
            field="peripheral_rate",
        )
    return round(factor)


def _find_nearest(
    samples: Int[np.ndarray, " sample"], ratio: float, n: int
) -> Int[np.ndarray, " sample"]:
    """Return which of ``n`` samples at another rate are nearest to some."""
    return np.asarray(np.minimum(np.rint(samples * ratio).astype(int), n - 1))


@cache
def _design_band(
    sfreq: float, band: tuple[float, float], edges: tuple[float, float]
) -> Float[np.ndarray, " tap"]:
    from mne.filter import create_filter

    return np.asarray(
        create_filter(
            None,
            sfreq,
            *band,
            l_trans_bandwidth=edges[0],
            h_trans_bandwidth=edges[1],
            verbose="ERROR",
        )
    )


@cache
def _design_antialias(factor: int) -> Float[np.ndarray, " tap"]:
    """Design a filter for a rate that is ``factor`` times the lower of two."""
    n_taps, beta = kaiserord(_STOP_DB, (1 - _KEPT) / factor)
    middle = (1 + _KEPT) / 2 / factor
    return np.asarray(firwin(n_taps | 1, middle, window=("kaiser", beta)))


def _extend(signal: Signal, n: int) -> Float[np.ndarray, " extended"]:
    if len(signal) == 1:
        return np.pad(signal, n, mode="edge")
    return np.pad(signal, n, mode="reflect", reflect_type="odd")
