"""EEG of a second in five bands, of the 14 electrodes of Huang et al. (2019).

Each electrode and the difference of three pairs, T7-T8, Fp1-Fp2 and CP1-CP2, have a
number a band: 85 in all. Electrodes are found by name, and those that are not there are
left out. Two kinds of number are known: the log power, and the mean of the band-passed
signal in the second, which is what the authors' code computes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Float64
from scipy.signal import butter, sosfiltfilt, welch

from deepvanet.learners.features import AT_ONCE, LEAST_POWER
from deepvanet.learners.remembered import remember
from deepvanet.learners.trial_features import list_trials
from deepvanet.learners.trial_signals import join_trial
from deepvanet.schema import Channel, Stream, UserError
from deepvanet.store import Rows

ELECTRODES = (
    *("Fp1", "T7", "CP1", "Oz", "Fp2", "F8", "FC6"),
    *("FC2", "Cz", "C4", "T8", "CP6", "CP2", "PO4"),
)
PAIRS = (("T7", "T8"), ("Fp1", "Fp2"), ("CP1", "CP2"))
BANDS: Mapping[str, tuple[float, float]] = {
    "theta": (4, 8),
    "slow alpha": (8, 10),
    "alpha": (8, 12),
    "beta": (12, 30),
    "gamma": (30, 45),
}
"""In Hz, from the first up to but without the second."""

WINDOW_S = 1.0
ORDER = 4
"""Of the Butterworth filters, forwards and backwards."""

Features = Float64[np.ndarray, "row feature"]


def find_electrodes(channels: Sequence[Channel]) -> dict[str, int]:
    """Return the places of the electrodes that are there, in the authors' order.

    Raises
    ------
    UserError
        When none of them is.
    """
    places = {channel.name.lower(): place for place, channel in enumerate(channels)}
    found = {n: places[n.lower()] for n in ELECTRODES if n.lower() in places}
    if not found:
        raise UserError(
            f"huang2019: needs some of the electrodes {', '.join(ELECTRODES)}, got "
            f"{', '.join(channel.name for channel in channels)}"
        )
    return found


def measure_powers(rows: Rows) -> Features:
    """Return the log power of each electrode, pair and band in each row.

    A row of more than a second is averaged over windows of one, which overlap by half.
    A channel with a number that is not finite gives NaN.

    Raises
    ------
    UserError
        When no electrode of the authors' is there.
    """
    return _measure(replace(rows, streams=(Stream.EEG,)))


@remember
def _measure(rows: Rows) -> Features:
    places = find_electrodes(rows.store.channels([Stream.EEG]))
    parts: dict[int, Features] = {}
    for index in rows.cut(Stream.EEG, AT_ONCE):
        signals = rows.read(Stream.EEG, index)[:, list(places.values())]
        found = list_differences(measure_bands(signals, rows.store.sfreq), list(places))
        parts |= dict(zip(index.tolist(), found, strict=True))
    return np.stack([parts[row] for row in range(len(rows))])


def measure_bands(
    signals: Float[np.ndarray, "row channel time"], sfreq: float
) -> Float64[np.ndarray, "row channel band"]:
    """Return the log power of each channel in each band, of squared microvolts.

    Parameters
    ----------
    signals : array, shape (row, channel, time)
        In microvolts.
    sfreq : float
        Samples a second, in Hz.
    """
    length = min(round(WINDOW_S * sfreq), signals.shape[-1])
    hertz, density = welch(signals.astype(np.float64), fs=sfreq, nperseg=length)
    powers = [
        density[..., (hertz >= low) & (hertz < high)].sum(axis=-1) * sfreq / length
        for low, high in BANDS.values()
    ]
    return np.asarray(np.log(np.maximum(np.stack(powers, axis=-1), LEAST_POWER)))


def measure_means(rows: Rows) -> Features:
    """Return the mean of each electrode's band-passed signal in each row.

    The signal of a trial is filtered where rows of it were handed in, one after the
    other; what is between them is taken as a straight line.

    Raises
    ------
    UserError
        When no electrode of the authors' is there.
    """
    places = find_electrodes(rows.store.channels([Stream.EEG]))
    filters = [
        butter(ORDER, band, "bandpass", fs=rows.store.sfreq, output="sos")
        for band in BANDS.values()
    ]
    means = np.empty((len(rows), len(places), len(BANDS)))
    for index in list_trials(rows):
        joined = join_trial(rows.store, rows.numbers[index], Stream.EEG)
        signals = joined.signals[list(places.values())]
        known = np.isfinite(signals)
        time = np.arange(signals.shape[1])
        whole = np.stack(
            [
                np.interp(time, time[there], one[there]) if there.any() else 0 * time
                for one, there in zip(signals, known, strict=True)
            ]
        )
        for place, filtering in enumerate(filters):
            passed = sosfiltfilt(filtering, whole, axis=1)
            passed[~known.any(axis=1)] = np.nan
            means[index, :, place] = np.stack(
                [joined.cut(one).mean(axis=1) for one in passed], axis=1
            )
    return list_differences(means, list(places))


def list_differences(
    values: Float64[np.ndarray, "row channel band"], names: Sequence[str]
) -> Features:
    """Return values of channels and then of the pairs that are there, in a row."""
    pairs = [
        values[:, names.index(one)] - values[:, names.index(other)]
        for one, other in PAIRS
        if one in names and other in names
    ]
    whole = np.concatenate([values, *(pair[:, None] for pair in pairs)], axis=1)
    return whole.reshape(len(values), -1)
