"""Log power of EEG in bands over a trial, and what the right side has more of.

The bands are those of Koelstra et al. and of Soleymani et al. (2012): each channel in
five of them, and the difference, right less left, of each symmetric pair of electrodes
in four. Of 32 electrodes with 14 pairs that is 216 features. Bands are half open, and
the slow alpha lies within the alpha band. Pairs are found by name: C3 and C4, PO3 and
PO4.

The power is Welch's, in windows that overlap by half. Windows lie in the stretches of
signal without a gap, and where none is as long as a window should be, a window is as
long as the longest of them. A channel with less than a second is NaN.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float64
from scipy.signal import welch

from deepvanet.learners.trial_signals import (
    Trace,
    TrialSignals,
    fill_gaps,
    list_stretches,
)
from deepvanet.schema import Channel

BANDS: Mapping[str, tuple[float, float]] = {
    "theta": (4.0, 8.0),
    "slow alpha": (8.0, 10.0),
    "alpha": (8.0, 12.0),
    "beta": (12.0, 30.0),
    "gamma": (30.0, 45.0),
}
"""In Hz, from the first up to but without the second. Gamma has no end in the sources;
DEAP's files hold nothing above 45 Hz."""

COMPARED = ("theta", "alpha", "beta", "gamma")
"""Bands in which the sides of the head are compared."""

SHORT_S, LONG_S = 1.0, 15.0
"""Windows of Koelstra et al. (of their study of correlations) and of TEAP."""

LEAST_S = 1.0
"""Of signal without a gap: four cycles of the lowest band."""

LEAST_POWER = 1e-12
"""In squared microvolts; less is not distinguished from it."""

_ELECTRODE = re.compile(r"([A-Za-z]+)(\d+)")

Powers = Float64[np.ndarray, "channel band"]


def list_pairs(channels: Sequence[Channel]) -> list[tuple[int, int]]:
    """Return the places of the electrodes left and right of each symmetric pair.

    Examples
    --------
    >>> from deepvanet.schema import ChannelType
    >>> eeg = [Channel(n, ChannelType.EEG, "uV") for n in ("F4", "Cz", "F3", "O1")]
    >>> list_pairs(eeg)
    [(2, 0)]
    """
    places = {channel.name.lower(): place for place, channel in enumerate(channels)}
    pairs = []
    for name, place in places.items():
        electrode = _ELECTRODE.fullmatch(name)
        if electrode is None or int(electrode[2]) % 2 == 0:
            continue
        other = places.get(f"{electrode[1]}{int(electrode[2]) + 1}")
        if other is not None:
            pairs.append((place, other))
    return pairs


def measure_short(joined: TrialSignals) -> dict[str, float]:
    """Return the features of a trial in windows of a second, by name.

    Parameters
    ----------
    joined : TrialSignals
        The EEG of a trial.
    """
    return _name(joined, measure_powers(joined, SHORT_S))


def measure_long(joined: TrialSignals) -> dict[str, float]:
    """Return the features of a trial in windows of 15 seconds, by name.

    Parameters
    ----------
    joined : TrialSignals
        The EEG of a trial.
    """
    return _name(joined, measure_powers(joined, LONG_S))


def measure_powers(joined: TrialSignals, window_s: float) -> Powers:
    """Return the log power of each channel in each band.

    Parameters
    ----------
    joined : TrialSignals
        The EEG of a trial.
    window_s : float
        Of Welch's windows, in seconds.

    Returns
    -------
    array, shape (channel, band)
        Of squared microvolts, in the order of ``BANDS``; NaN of a channel that is flat
        or has less than a second without a gap.
    """
    if np.isfinite(joined.signals).all():
        powers = _measure_whole(joined.signals, joined.sfreq, window_s)
        powers[np.ptp(joined.signals, axis=1) == 0] = np.nan
        return powers
    return np.stack([_measure(s, joined.sfreq, window_s) for s in joined.signals])


def _measure(signal: Trace, sfreq: float, window_s: float) -> Float64[np.ndarray, "_"]:
    """Measure a signal that may have gaps, stretch by stretch."""
    filled = fill_gaps(signal, sfreq)
    stretches = [filled[a:b] for a, b in list_stretches(signal, filled)]
    stretches = [s for s in stretches if len(s) >= LEAST_S * sfreq and np.ptp(s) > 0]
    if not stretches:
        return np.full(len(BANDS), np.nan)
    longest = max(map(len, stretches))
    length = min(round(window_s * sfreq), longest)
    long_enough = [s for s in stretches if len(s) >= length]
    powers = [
        np.exp(_measure_whole(s[None], sfreq, length / sfreq)[0]) for s in long_enough
    ]
    averaged = np.average(powers, axis=0, weights=[len(s) for s in long_enough])
    return np.asarray(np.log(averaged))


def _measure_whole(
    signals: Float64[np.ndarray, "channel time"], sfreq: float, window_s: float
) -> Powers:
    if signals.shape[1] < LEAST_S * sfreq:
        return np.full((len(signals), len(BANDS)), np.nan)
    length = min(round(window_s * sfreq), signals.shape[1])
    hertz, density = welch(signals, fs=sfreq, nperseg=length, axis=1)
    width = sfreq / length
    powers = [
        density[:, (hertz >= low) & (hertz < high)].sum(axis=1) * width
        for low, high in BANDS.values()
    ]
    return np.asarray(np.log(np.maximum(np.stack(powers, axis=1), LEAST_POWER)))


def _name(joined: TrialSignals, powers: Powers) -> dict[str, float]:
    names = [channel.name for channel in joined.channels]
    found = {
        f"{name} {band}": float(value)
        for name, row in zip(names, powers, strict=True)
        for band, value in zip(BANDS, row, strict=True)
    }
    for band in COMPARED:
        of_band = powers[:, list(BANDS).index(band)]
        for left, right in list_pairs(joined.channels):
            name = f"{names[right]}-{names[left]} {band}"
            found[name] = float(of_band[right] - of_band[left])
    return found
