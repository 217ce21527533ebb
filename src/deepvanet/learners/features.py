"""Hand-made features of a second: EEG by band, peripherals by what a sensor measures.

EEG: the differential entropy of each channel in each band, ``ln(2 pi e P) / 2`` of
its power ``P``, measured on the second itself.

Peripherals are slower than a second: heart rate, tonic and phasic skin conductance
and breathing are measured by NeuroKit2 on the *whole trial*, all its stored segments
joined, and then cut into seconds. So a second carries something of its neighbours,
and a learner that reads them has ``spans_trial``.

What cannot be measured (a flat channel, a trial of two seconds, no heart beat in
sight) is NaN; learners put the training rows' median in its place.

References
----------
.. [1] Duan, Zhu and Lu (2013). Differential entropy feature for EEG-based emotion
   classification. IEEE EMBS conference on neural engineering.
.. [2] Makowski et al. (2021). NeuroKit2: a Python toolbox for neurophysiological
   signal processing. Behavior Research Methods 53, 1689-1696.
"""

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float, Float64, Int
from numpy.typing import NDArray
from scipy.signal import welch

from deepvanet.learners.remembered import remember
from deepvanet.schema import BIO, Channel, ChannelType, Stream, UserError
from deepvanet.store import Rows, SegmentStore

BANDS: Mapping[str, tuple[float, float]] = {
    "theta": (4, 8),
    "alpha": (8, 13),
    "beta": (13, 30),
    "gamma": (30, 45),
}
"""In Hz, from the first up to but without the second."""

LEAST_POWER = 1e-12
"""In squared units; the entropy of less is not told apart from it."""

LEAST_SECONDS = 8
"""Of a trial in which rates of heart and breath can be found."""

AT_ONCE = 1024  # rows measured in one go
HELD_TRIALS = 4096  # whose features are kept in memory; DEAP has 1280

_log = logging.getLogger(__name__)

Trace = Float64[np.ndarray, " time"]
Features = Float64[np.ndarray, "second feature"]


@remember
def measure_features(rows: Rows) -> Float64[np.ndarray, "row feature"]:
    """Return the features of rows, as many as their channels have.

    Raises
    ------
    UserError
        When peripherals are among the streams and NeuroKit2 is not installed.
    """
    found = []
    for stream in BIO:
        if stream in rows.streams:
            measure = _measure_eeg if stream is Stream.EEG else _measure_peripherals
            found.append(measure(rows))
    return np.concatenate(found, axis=1)


def measure_bands(
    signals: Float[np.ndarray, "row channel time"], sfreq: float
) -> Float64[np.ndarray, "row channel band"]:
    """Return the differential entropy of each channel in each band.

    Parameters
    ----------
    signals : array, shape (row, channel, time)
        In microvolts. A channel with a number that is not finite gives NaN.
    sfreq : float
        Samples a second, in Hz.
    """
    n_samples = signals.shape[-1]
    frequency, power = welch(
        signals.astype(np.float64), fs=sfreq, nperseg=n_samples, axis=-1
    )
    width = sfreq / n_samples
    bands = [
        power[..., (frequency >= low) & (frequency < high)].sum(axis=-1) * width
        for low, high in BANDS.values()
    ]
    floored = np.maximum(np.stack(bands, axis=-1), LEAST_POWER)
    return np.asarray(np.log(2 * np.pi * np.e * floored) / 2)


def _measure_eeg(rows: Rows) -> Float64[np.ndarray, "row feature"]:
    sfreq = float(rows.store.manifest.settings["sfreq"])
    parts = []
    for start in range(0, len(rows), AT_ONCE):
        index = np.arange(start, min(start + AT_ONCE, len(rows)))
        entropy = measure_bands(rows.read(Stream.EEG, index), sfreq)
        parts.append(entropy.reshape(len(index), -1))
    return np.concatenate(parts)


def _measure_peripherals(rows: Rows) -> Float64[np.ndarray, "row feature"]:
    table = rows.table
    parts: NDArray[np.float64] | None = None
    units = table.groupby(["subject", "trial"], sort=False, observed=True)
    for (subject, trial), mine in units:
        index = mine.index.to_numpy()
        numbers, features = _measure_trial(rows.store, str(subject), str(trial))
        if parts is None:
            parts = np.empty((len(rows), features.shape[1]))
        parts[index] = features[np.searchsorted(numbers, rows.numbers[index])]
    if parts is None:
        raise ValueError("no rows to measure")
    return parts


@lru_cache(maxsize=HELD_TRIALS)
def _measure_trial(
    store: SegmentStore, subject: str, trial: str
) -> tuple[Int[np.ndarray, " second"], Features]:
    """Return the store's rows of a trial, and the features of each."""
    table = store.table
    mine = (table["subject"] == subject) & (table["trial"] == trial)
    mine &= table[f"has_{Stream.PERIPHERAL}"] == 1
    numbers = np.flatnonzero(mine.to_numpy())
    signals = store.read(Stream.PERIPHERAL, numbers).astype(np.float64)
    channels = store.channels([Stream.PERIPHERAL])
    sfreq = float(store.manifest.settings["sfreq"])
    features = [
        measure_peripheral(channel, signals[:, place], sfreq)
        for place, channel in enumerate(channels)
    ]
    return numbers, np.concatenate(features, axis=1)


def measure_peripheral(
    channel: Channel, seconds: Float64[np.ndarray, "second time"], sfreq: float
) -> Features:
    """Return the features of one sensor's trial, second by second.

    Every sensor has its mean, its change and the log of its deviation within the
    second; some have more, by :data:`MEASURES`.
    """
    middle = seconds.shape[1] // 2
    change = seconds[:, middle:].mean(axis=1) - seconds[:, :middle].mean(axis=1)
    spread = np.log(np.maximum(seconds.std(axis=1), np.sqrt(LEAST_POWER)))
    found = [seconds.mean(axis=1), change, spread]
    n_more, measure = MEASURES.get(channel.type, (0, None))
    if measure is not None:
        found += _measure_safely(channel, measure, n_more, seconds, sfreq)
    features = np.stack(found, axis=1)
    return np.asarray(np.where(np.isfinite(features), features, np.nan))


def _measure_safely(
    channel: Channel,
    measure: "_Measure",
    n_more: int,
    seconds: Float64[np.ndarray, "second time"],
    sfreq: float,
) -> Sequence[Float64[np.ndarray, " second"]]:
    """Measure a trial, or say NaN of a signal that the measure can make nothing of."""
    nothing = [np.full(len(seconds), np.nan)] * n_more
    signal = seconds.ravel()
    if len(seconds) < LEAST_SECONDS or not np.isfinite(signal).all():
        return nothing
    if np.ptp(signal) == 0:
        return nothing
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            traces = measure(signal, sfreq)
            return [_mean_by_second(trace, seconds.shape) for trace in traces]
    except (ValueError, IndexError, KeyError, TypeError, ZeroDivisionError) as error:
        # what NeuroKit2 raises where it finds no beat or no breath
        _log.info("%s: not measured: %s", channel.name, error)
        return nothing


def _mean_by_second(
    trace: NDArray[np.float64], shape: tuple[int, ...]
) -> Float64[np.ndarray, " second"]:
    means: Float64[np.ndarray, " second"] = np.reshape(trace, shape).mean(axis=1)
    return means


def _measure_heart(signal: Trace, sfreq: float) -> Sequence[Trace]:
    kit = _load_neurokit()
    clean = kit.ecg_clean(signal, sampling_rate=sfreq)
    _, found = kit.ecg_peaks(clean, sampling_rate=sfreq)
    return _follow_beats(found["ECG_R_Peaks"], len(signal), sfreq)


def _measure_pulse(signal: Trace, sfreq: float) -> Sequence[Trace]:
    kit = _load_neurokit()
    clean = kit.ppg_clean(signal, sampling_rate=sfreq)
    found = kit.ppg_findpeaks(clean, sampling_rate=sfreq)
    return _follow_beats(found["PPG_Peaks"], len(signal), sfreq)


def _follow_beats(
    peaks: NDArray[np.int64], n_samples: int, sfreq: float
) -> Sequence[Trace]:
    """Return the rate in beats a minute, and its variability (RMSSD, in ms)."""
    if len(peaks) < 4:
        raise ValueError(f"{len(peaks)} beats")
    kit = _load_neurokit()
    rate = kit.signal_rate(peaks, sampling_rate=sfreq, desired_length=n_samples)
    intervals_ms = 1000 * np.diff(peaks) / sfreq
    rmssd = float(np.sqrt(np.mean(np.diff(intervals_ms) ** 2)))
    return np.asarray(rate, dtype=np.float64), np.full(n_samples, rmssd)


def _measure_skin(signal: Trace, sfreq: float) -> Sequence[Trace]:
    """Return the tonic level, the phasic one and how much the phasic one moves."""
    kit = _load_neurokit()
    clean = kit.eda_clean(signal, sampling_rate=sfreq)
    parts = kit.eda_phasic(clean, sampling_rate=sfreq, method="highpass")
    phasic = parts["EDA_Phasic"].to_numpy(dtype=np.float64)
    return parts["EDA_Tonic"].to_numpy(dtype=np.float64), phasic, np.abs(phasic)


def _measure_breath(signal: Trace, sfreq: float) -> Sequence[Trace]:
    """Return the rate in breaths a minute, and the depth."""
    kit = _load_neurokit()
    clean = kit.rsp_clean(signal, sampling_rate=sfreq)
    peaks, found = kit.rsp_peaks(clean, sampling_rate=sfreq)
    if len(found["RSP_Peaks"]) < 3:
        raise ValueError(f"{len(found['RSP_Peaks'])} breaths")
    rate = kit.signal_rate(
        found["RSP_Peaks"], sampling_rate=sfreq, desired_length=len(signal)
    )
    depth = kit.rsp_amplitude(clean, peaks)
    return np.asarray(rate, dtype=np.float64), np.asarray(depth, dtype=np.float64)


def _measure_muscle(signal: Trace, sfreq: float) -> Sequence[Trace]:
    """Return the envelope's logarithm."""
    kit = _load_neurokit()
    envelope = kit.emg_amplitude(signal - signal.mean())
    del sfreq  # the envelope's filter is set in fractions of it
    return (np.log(np.maximum(np.asarray(envelope), np.sqrt(LEAST_POWER))),)


_Measure = Callable[[Trace, float], Sequence[Trace]]

MEASURES: Mapping[ChannelType, tuple[int, _Measure]] = {
    ChannelType.ECG: (2, _measure_heart),
    ChannelType.PLETHYSMOGRAPH: (2, _measure_pulse),
    ChannelType.GSR: (3, _measure_skin),
    ChannelType.RESPIRATION: (2, _measure_breath),
    ChannelType.EMG: (1, _measure_muscle),
}
"""How many features NeuroKit2 gives of a sensor, and what gives them."""


@lru_cache(maxsize=1)
def _load_neurokit() -> Any:
    try:
        import neurokit2
    except ImportError:
        raise UserError(
            "learner bandpower: peripheral signals need NeuroKit2: "
            "pip install 'deepvanet[baselines]'"
        ) from None
    return neurokit2


def clear_cache() -> None:
    """Forget the trials that were measured."""
    _measure_trial.cache_clear()
    _load_neurokit.cache_clear()
