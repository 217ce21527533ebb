"""Features of a whole trial: of all its segments among the rows that are handed in.

Every peripheral channel, and every trace that NeuroKit2 finds in it, is summed up by
its level, its change over the trial and its variability; EEG by level and change of
the log power in each band. Which summary of which trace, and how long a trial must
be for it, is :data:`SUMMARIES`; what cannot be measured is NaN.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Float64, Int

from deepvanet.learners.features import (
    BANDS,
    HELD_TRIALS,
    measure_bands,
    measure_log,
    measure_traces,
)
from deepvanet.learners.trial_signals import Trace, TrialSignals, fill_gaps, join_trial
from deepvanet.schema import SIGNALS, Stream
from deepvanet.store import Rows, Segments, SegmentStore

MINUTE_S = 60.0
PARTS = 3
"""Change is from the first of so many parts of a trial to the last."""

EDGE = 1.0
"""Percent of the samples at either end that the range leaves out, as artefacts."""


def measure_trials(rows: Rows) -> dict[str, Float64[np.ndarray, " trial"]]:
    """Return every feature of every trial of the rows, by name.

    Trials are in the order of ``rows.trial``.
    """
    bio = tuple(stream for stream in SIGNALS if stream in rows.streams)
    is_kept = isinstance(rows.store, SegmentStore)
    measure = _recall_trial if is_kept else _measure_trial
    trials = [
        measure(rows.store, rows.numbers[index].tobytes(), bio)
        for index in list_trials(rows)
    ]
    return {name: np.array([one[name] for one in trials]) for name in trials[0]}


def list_trials(rows: Rows) -> list[Int[np.ndarray, " row"]]:
    """Return the rows of each trial, in the order of ``rows.trial``."""
    order = np.argsort(rows.trial, kind="stable")
    return np.split(order, np.cumsum(np.bincount(rows.trial))[:-1])


def _measure_trial(
    store: Segments, numbers: bytes, streams: tuple[Stream, ...]
) -> dict[str, float]:
    """Measure the segments of one trial."""
    found: dict[str, float] = {}
    for stream in streams:
        joined = join_trial(
            store, np.frombuffer(numbers, np.int64), stream, with_rest=True
        )
        found |= MEASURE.get(stream, _measure_channels)(joined)
    return found


_recall_trial = lru_cache(maxsize=HELD_TRIALS)(_measure_trial)
"""The same, kept: every fold asks again."""


def _measure_bands(joined: TrialSignals) -> dict[str, float]:
    """Sum up the log power of each channel and band over the seconds of a trial."""
    in_order = replace(joined, start=np.sort(joined.start))
    seconds = np.stack([in_order.cut(signal) for signal in joined.signals], axis=1)
    entropy = measure_bands(seconds, joined.sfreq)
    found = {}
    for place, channel in enumerate(joined.channels):
        for band, values in zip(BANDS, entropy[:, place].T, strict=True):
            found[f"{channel.name} {band} level"] = _find_mean(values)
            found[f"{channel.name} {band} change"] = _find_change(values)
    return found


def _measure_channels(joined: TrialSignals) -> dict[str, float]:
    found = {}
    for place, channel in enumerate(joined.channels):
        signal = fill_gaps(joined.signals[place], joined.sfreq)
        traces = {"signal": signal, **measure_traces(joined, place)}
        for trace, values in traces.items():
            for name, summary in SUMMARIES[trace].items():
                lasts_s = np.isfinite(values).sum() / joined.sfreq
                value = np.nan
                if lasts_s >= summary.least_s:
                    value = summary.find(values, joined.sfreq)
                found[f"{channel.name} {trace} {name}"] = value
    return found


def _find_mean(values: Trace, _sfreq: float = 1.0) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan


def _find_middle(values: Trace, _sfreq: float) -> float:
    return float(np.median(values[np.isfinite(values)]))


def _find_log(values: Trace, sfreq: float) -> float:
    return float(measure_log(np.array([_find_mean(values, sfreq)]))[0])


def _find_change(values: Trace, _sfreq: float = 1.0) -> float:
    """Return the mean of the last part less that of the first."""
    n_part = len(values) // PARTS
    if n_part == 0:
        return np.nan
    return _find_mean(values[-n_part:]) - _find_mean(values[:n_part])


def _find_slope(values: Trace, sfreq: float) -> float:
    """Return the slope of the straight line with the least squares, per minute."""
    there = np.isfinite(values)
    time = np.flatnonzero(there) / (sfreq * MINUTE_S)
    time = time - time.mean()
    return float(time @ values[there] / (time @ time))


def _find_spread(values: Trace, _sfreq: float) -> float:
    return float(measure_log(np.array([values[np.isfinite(values)].std()]))[0])


def _find_range(values: Trace, _sfreq: float) -> float:
    low, high = np.percentile(values[np.isfinite(values)], [EDGE, 100 - EDGE])
    return float(measure_log(np.array([high - low]))[0])


@dataclass(frozen=True)
class FeatureSummary:
    """One number of a trace.

    Attributes
    ----------
    find : callable
        From the trace, NaN where it is not known, and its rate in Hz.
    least_s : float
        Seconds that must be known.
    """

    find: Callable[[Trace, float], float]
    least_s: float


SUMMARIES: Mapping[str, Mapping[str, FeatureSummary]] = {
    "signal": {
        "level": FeatureSummary(_find_mean, 1.0),
        "change": FeatureSummary(_find_change, 6.0),
        "slope": FeatureSummary(_find_slope, 6.0),
        "spread": FeatureSummary(_find_spread, 1.0),
        "range": FeatureSummary(_find_range, 1.0),
    },
    "heart_rate": {
        "level": FeatureSummary(_find_middle, 5.0),
        "change": FeatureSummary(_find_change, 15.0),
        "spread": FeatureSummary(_find_spread, 15.0),
    },
    "rmssd": {"level": FeatureSummary(_find_log, 10.0)},
    "tonic": {},  # that of the signal
    "phasic": {"spread": FeatureSummary(_find_spread, 10.0)},
    "moves": {"change": FeatureSummary(_find_change, 30.0)},
    "rate": {
        "level": FeatureSummary(_find_middle, 10.0),
        "change": FeatureSummary(_find_change, 30.0),
        "spread": FeatureSummary(_find_spread, 30.0),
    },
    "depth": {
        "level": FeatureSummary(_find_log, 10.0),
        "change": FeatureSummary(_find_change, 30.0),
    },
    "envelope": {
        "level": FeatureSummary(_find_mean, 1.0),
        "change": FeatureSummary(_find_change, 6.0),
        "spread": FeatureSummary(_find_spread, 6.0),
    },
}
"""How each trace is summed up; ``signal`` is the channel itself."""


MEASURE: Mapping[Stream, Callable[[TrialSignals], dict[str, float]]] = {
    Stream.EEG: _measure_bands,
}
"""What measures a stream in another way than channel by channel."""


def clear_cache() -> None:
    """Forget the trials that were measured."""
    _recall_trial.cache_clear()
