"""Hand-crafted features of a second: EEG by band, peripherals by sensor.

EEG: the differential entropy of each channel in each band, ``ln(2 pi e P) / 2`` of
its power ``P``, measured on the second itself.

Peripherals are slower than a second: heart rate, tonic and phasic skin conductance
and breathing are traces that NeuroKit2 measures on the *whole trial*, all its stored
segments laid on one clock, and then cut into seconds. So a second carries something
of its neighbours, and a learner that reads them spans the trial.

Each trace has its own least length. A few missing samples are filled
(:mod:`deepvanet.learners.trial_signals` states the bounds). What cannot be measured
(a flat channel, a trial too short for this trace, no heart beat in sight) is NaN.

References
----------
.. [1] Duan, Zhu and Lu (2013). Differential entropy feature for EEG-based emotion
   classification. IEEE EMBS conference on neural engineering.
.. [2] Makowski et al. (2021). NeuroKit2: a Python toolbox for neurophysiological
   signal processing. Behavior Research Methods 53, 1689-1696.
.. [3] Munoz et al. (2015). Validity of (ultra-)short recordings for heart rate
   variability measurements. PLOS ONE 10, e0138921.
"""

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float, Float64, Int
from numpy.typing import NDArray
from scipy.signal import welch

from deepvanet.learners.remembered import remember
from deepvanet.learners.trial_signals import (
    Trace,
    TrialSignals,
    fill_gaps,
    join_trial,
    list_stretches,
)
from deepvanet.optional_packages import tell_install
from deepvanet.schema import WITH_CHANNELS, Channel, ChannelType, Stream, UserError
from deepvanet.store import Rows, Segments, SegmentStore

BANDS: Mapping[str, tuple[float, float]] = {
    "theta": (4, 8),
    "alpha": (8, 13),
    "beta": (13, 30),
    "gamma": (30, 45),
}
"""In Hz, from the first up to but without the second."""

LEAST_POWER = 1e-12
"""In squared units; the entropy of less is not distinguished from it."""

ODD_INTERVAL = 0.3
"""A beat that comes this share of the median earlier or later is a missed or a false
one; intervals beside it are left out of the variability."""

QUIET = 0.01
"""Share of a muscle's median energy; less than this is taken for it."""

PICTURE_SIDE = 6
"""Fields of a coarse picture along each side."""

AT_ONCE = 2**22
"""Numbers that are measured in one go: about a thousand seconds of DEAP's EEG."""

HELD_TRIALS = 4096  # whose features are kept in memory; DEAP has 1280

_log = logging.getLogger(__name__)

Features = Float64[np.ndarray, "row feature"]
Rest = Float64[np.ndarray, " rest"]


@remember
def measure_features(rows: Rows) -> Features:
    """Return the features of rows, as many as their channels have.

    Raises
    ------
    UserError
        When peripherals are among the streams and NeuroKit2 is not installed.
    """
    found = []
    for stream in WITH_CHANNELS:
        if stream in rows.streams:
            measure = _MEASURE.get(stream)
            found.append(measure(rows) if measure else _measure_levels(rows, stream))
    return np.concatenate(found, axis=1)


@remember
def measure_alone(rows: Rows) -> Features:
    """Return features of each row's own samples: nothing of its trial beside it.

    EEG by band; of other channels level and spread; of images a coarse picture.
    """
    found = []
    for stream in rows.streams:
        if stream.is_images:
            found.append(_measure_images(rows, stream))
        elif stream is Stream.EEG:
            found.append(_measure_eeg(rows))
        else:
            found.append(_measure_levels(rows, stream))
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


def _measure_eeg(rows: Rows) -> Features:
    sfreq = rows.store.sfreq
    n_channels = len(rows.store.channels([Stream.EEG]))
    found = np.empty((len(rows), n_channels * len(BANDS)))
    for index in rows.cut(Stream.EEG, AT_ONCE):
        entropy = measure_bands(rows.read(Stream.EEG, index), sfreq)
        found[index] = entropy.reshape(len(index), -1)
    return found


def _measure_peripherals(rows: Rows) -> Features:
    table = rows.table
    parts: NDArray[np.float64] | None = None
    store = rows.store
    measure = _recall_trial if isinstance(store, SegmentStore) else _measure_trial
    units = table.groupby(["subject", "trial"], sort=False, observed=True)
    for (subject, trial), mine in units:
        index = mine.index.to_numpy()
        numbers, features = measure(store, str(subject), str(trial))
        if parts is None:
            parts = np.empty((len(rows), features.shape[1]))
        parts[index] = features[np.searchsorted(numbers, rows.numbers[index])]
    if parts is None:
        raise ValueError("no rows to measure")
    return parts


def _measure_levels(rows: Rows, stream: Stream) -> Features:
    """Return mean and log spread of each channel in each row, of what is known."""
    found = np.empty((len(rows), 2 * len(rows.store.channels([stream]))))
    for index in rows.cut(stream, AT_ONCE):
        read = rows.read(stream, index).astype(np.float64)
        known = np.isfinite(read)
        n_known = np.where(known.any(axis=2), known.sum(axis=2), np.nan)
        mean = np.where(known, read, 0).sum(axis=2) / n_known
        around = np.where(known, read - mean[..., None], 0)
        spread = np.sqrt((around**2).sum(axis=2) / n_known)
        found[index] = np.concatenate([mean, measure_log(spread)], axis=1)
    return found


def _measure_images(rows: Rows, stream: Stream) -> Features:
    """Return the mean brightness of each field of a picture, over its frames."""
    parts = []
    n_rows = max(1, AT_ONCE // rows.read(stream, np.arange(1)).size)
    for index in np.split(np.arange(len(rows)), range(n_rows, len(rows), n_rows)):
        gray = rows.read(stream, index).mean(axis=(1, 4), dtype=np.float64)
        bands = [
            np.array_split(band, PICTURE_SIDE, axis=2)
            for band in np.array_split(gray, PICTURE_SIDE, axis=1)
        ]
        fields = [field.mean(axis=(1, 2)) for band in bands for field in band]
        parts.append(np.stack(fields, axis=1))
    return np.concatenate(parts)


_MEASURE: Mapping[Stream, Callable[[Rows], Features]] = {
    Stream.EEG: _measure_eeg,
    Stream.PERIPHERAL: _measure_peripherals,
}
"""What measures a stream; of others each channel's level and spread."""


def _measure_trial(
    store: Segments, subject: str, trial: str
) -> tuple[Int[np.ndarray, " row"], Features]:
    """Return the store's rows of a trial, and the features of each."""
    table = store.table
    mine = (table["subject"] == subject) & (table["trial"] == trial)
    mine &= table[f"has_{Stream.PERIPHERAL}"] == 1
    numbers = np.flatnonzero(mine.to_numpy())
    return numbers, measure_seconds(join_trial(store, numbers, Stream.PERIPHERAL))


_recall_trial = lru_cache(maxsize=HELD_TRIALS)(_measure_trial)


def measure_seconds(joined: TrialSignals) -> Features:
    """Return the features of all sensors of a trial, segment by segment.

    Every sensor has its mean, its change and the log of its deviation within the
    segment; some have more, the mean of each trace of :data:`MEASURES`.
    """
    return np.concatenate(
        [_measure_sensor(joined, place) for place in range(len(joined.channels))],
        axis=1,
    )


def _measure_sensor(joined: TrialSignals, place: int) -> Features:
    signal = fill_gaps(joined.signals[place], joined.sfreq)
    seconds = joined.cut(signal)
    middle = joined.length // 2
    change = seconds[:, middle:].mean(axis=1) - seconds[:, :middle].mean(axis=1)
    found = [seconds.mean(axis=1), change, measure_log(seconds.std(axis=1))]
    traces = measure_traces(joined, place)
    found += [joined.cut(trace).mean(axis=1) for trace in traces.values()]
    features = np.stack(found, axis=1)
    return np.asarray(np.where(np.isfinite(features), features, np.nan))


def measure_traces(joined: TrialSignals, place: int) -> dict[str, Trace]:
    """Return what NeuroKit2 finds in one sensor of a trial, sample by sample.

    Parameters
    ----------
    place : int
        Of the channel.

    Returns
    -------
    dict
        The traces that :data:`MEASURES` names for the type of the channel; NaN where
        a stretch is too short for the trace or the measure can make nothing of it.
    """
    channel = joined.channels[place]
    measure = MEASURES.get(channel.type)
    if measure is None:
        return {}
    rest = None if joined.rest is None else joined.rest[place]
    signal = joined.signals[place]
    filled = fill_gaps(signal, joined.sfreq)
    traces = {name: np.full(len(signal), np.nan) for name in measure.least_s}
    for start, end in list_stretches(signal, filled):
        found = _measure_safely(channel, measure, filled[start:end], rest, joined.sfreq)
        for name, trace in found.items():
            traces[name][start:end] = trace
    return traces


def measure_log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithm of deviations, not below that of the least power."""
    return np.asarray(np.log(np.maximum(values, np.sqrt(LEAST_POWER))))


@dataclass(frozen=True)
class Measure:
    """What NeuroKit2 measures of a sensor.

    Attributes
    ----------
    least_s : mapping
        The traces by name, and the seconds of signal that each needs at least.
    find : callable
        From the signal, its baseline before the stimulus or None, and the rate, to the
        traces in the order of ``least_s``.
    """

    least_s: Mapping[str, float]
    find: Callable[[Trace, Rest | None, float], Sequence[Trace]]


def _measure_safely(
    channel: Channel,
    measure: Measure,
    signal: Trace,
    rest: Rest | None,
    sfreq: float,
) -> dict[str, Trace]:
    """Measure a stretch; nothing where the measure can make nothing of it."""
    long_enough = [n for n, s in measure.least_s.items() if len(signal) >= s * sfreq]
    if not long_enough or np.ptp(signal) == 0:
        return {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            traces = measure.find(signal, rest, sfreq)
    except (ValueError, IndexError, KeyError, TypeError, ZeroDivisionError) as error:
        # what NeuroKit2 raises where it finds no beat or no breath
        _log.info("%s: not measured: %s", channel.name, error)
        return {}
    named = dict(zip(measure.least_s, traces, strict=True))
    return {name: named[name] for name in long_enough}


def _measure_heart(signal: Trace, _rest: Rest | None, sfreq: float) -> Sequence[Trace]:
    kit = load_neurokit()
    clean = kit.ecg_clean(signal, sampling_rate=sfreq)
    _, found = kit.ecg_peaks(clean, sampling_rate=sfreq)
    return _follow_beats(found["ECG_R_Peaks"], len(signal), sfreq)


def _measure_pulse(signal: Trace, _rest: Rest | None, sfreq: float) -> Sequence[Trace]:
    kit = load_neurokit()
    clean = kit.ppg_clean(signal, sampling_rate=sfreq)
    found = kit.ppg_findpeaks(clean, sampling_rate=sfreq)
    return _follow_beats(found["PPG_Peaks"], len(signal), sfreq)


def _follow_beats(
    peaks: NDArray[np.int64], n_samples: int, sfreq: float
) -> Sequence[Trace]:
    """Return the rate in beats a minute, and its variability (RMSSD, in ms)."""
    if len(peaks) < 4:
        raise ValueError(f"{len(peaks)} beats")
    kit = load_neurokit()
    rate = kit.signal_rate(peaks, sampling_rate=sfreq, desired_length=n_samples)
    intervals_ms = 1000 * np.diff(peaks) / sfreq
    departure = np.abs(intervals_ms / np.median(intervals_ms) - 1)
    plain = departure <= ODD_INTERVAL
    steps = np.diff(intervals_ms)[plain[1:] & plain[:-1]]
    rmssd = float(np.sqrt(np.mean(steps**2))) if len(steps) else np.nan
    return np.asarray(rate, dtype=np.float64), np.full(n_samples, rmssd)


def _measure_skin(signal: Trace, _rest: Rest | None, sfreq: float) -> Sequence[Trace]:
    """Return the tonic level, the phasic one and how much the phasic one moves."""
    kit = load_neurokit()
    clean = kit.eda_clean(signal, sampling_rate=sfreq)
    parts = kit.eda_phasic(clean, sampling_rate=sfreq, method="highpass")
    phasic = parts["EDA_Phasic"].to_numpy(dtype=np.float64)
    return parts["EDA_Tonic"].to_numpy(dtype=np.float64), phasic, np.abs(phasic)


def _measure_breath(signal: Trace, _rest: Rest | None, sfreq: float) -> Sequence[Trace]:
    """Return the rate in breaths a minute, and the depth."""
    kit = load_neurokit()
    clean = kit.rsp_clean(signal, sampling_rate=sfreq)
    peaks, found = kit.rsp_peaks(clean, sampling_rate=sfreq)
    if len(found["RSP_Peaks"]) < 3:
        raise ValueError(f"{len(found['RSP_Peaks'])} breaths")
    rate = kit.signal_rate(
        found["RSP_Peaks"], sampling_rate=sfreq, desired_length=len(signal)
    )
    depth = kit.rsp_amplitude(clean, peaks)
    return np.asarray(rate, dtype=np.float64), np.asarray(depth, dtype=np.float64)


def _measure_muscle(signal: Trace, rest: Rest | None, _sfreq: float) -> Sequence[Trace]:
    """Return the envelope's logarithm, relative to that of the rest where it is known.

    The envelope's filter is set in fractions of the rate.
    """
    at_rest = 0.0
    if rest is not None:
        if not np.isfinite(rest).all():
            raise ValueError("the baseline has no numbers")
        at_rest = float(np.median(_follow_muscle(rest)))
    return (_follow_muscle(signal) - at_rest,)


def _follow_muscle(signal: Float64[np.ndarray, " _"]) -> NDArray[np.float64]:
    # NeuroKit2's envelope is one of energy, and its filter rings below zero
    energy = np.asarray(load_neurokit().emg_amplitude(signal - signal.mean()))
    return measure_log(np.sqrt(np.maximum(energy, QUIET * np.median(energy))))


MEASURES: Mapping[ChannelType, Measure] = {
    # four beats for a rate; the variability of 10 s is that of minutes, by [3]
    ChannelType.ECG: Measure({"heart_rate": 5.0, "rmssd": 10.0}, _measure_heart),
    ChannelType.PLETHYSMOGRAPH: Measure(
        {"heart_rate": 5.0, "rmssd": 10.0}, _measure_pulse
    ),
    # a response of the skin takes some seconds to rise and to fall
    ChannelType.GSR: Measure(
        {"tonic": 4.0, "phasic": 10.0, "moves": 10.0}, _measure_skin
    ),
    # three breaths, of which a person at rest takes one in 3 to 5 s
    ChannelType.RESPIRATION: Measure({"rate": 10.0, "depth": 10.0}, _measure_breath),
    ChannelType.EMG: Measure({"envelope": 1.0}, _measure_muscle),
}
"""What NeuroKit2 gives of a sensor, and the seconds that each trace needs."""


@lru_cache(maxsize=1)
def load_neurokit() -> Any:
    """Return the module ``neurokit2``.

    Raises
    ------
    UserError
        When it is not installed.
    """
    try:
        import neurokit2
    except ImportError:
        raise UserError(
            "hand-crafted features: peripheral signals need NeuroKit2: "
            f"{tell_install('neurokit2')}"
        ) from None
    return neurokit2


def clear_cache() -> None:
    """Forget the trials that were measured."""
    _recall_trial.cache_clear()
    load_neurokit.cache_clear()
