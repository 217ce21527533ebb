"""The signals of a whole trial on one clock, where some segments may be missing.

All that measures a trial as a whole reads it here: segments are laid where they
belong in time, and what no segment covers is NaN. Short gaps are then filled by a
straight line; what lies between longer ones is a stretch, measured by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from deepvanet.schema import Channel, Stream
from deepvanet.store import Segments

LONGEST_GAP_S = 1.0
"""In seconds; a longer gap is not filled. A heart beats once in it."""

MOST_FILLED = 0.1
"""Share of a stretch that may have been filled, above which it is not measured."""

Trace = Float64[np.ndarray, " time"]


@dataclass(frozen=True)
class TrialSignals:
    """One stream of one trial.

    Attributes
    ----------
    signals : array, shape (channel, time)
        In the units of ``channels``; NaN where no sample is.
    sfreq : float
        Samples a second, in Hz.
    start : array, shape (row,)
        The sample at which each row's segment starts.
    length : int
        Samples of a segment.
    rest : array, shape (channel, time) | None
        The baseline before the stimulus, where it was asked for and one is subtracted.
    """

    channels: tuple[Channel, ...]
    signals: Float64[np.ndarray, "channel time"]
    sfreq: float
    start: Int[np.ndarray, " row"]
    length: int
    rest: Float64[np.ndarray, "channel rest"] | None = None

    def cut(self, trace: Trace) -> Float64[np.ndarray, "row sample"]:
        """Cut a trace over the trial into the rows' segments."""
        return np.asarray(trace[self.start[:, None] + np.arange(self.length)])


def join_trial(
    store: Segments,
    numbers: Int[np.ndarray, " row"],
    stream: Stream,
    *,
    with_rest: bool = False,
) -> TrialSignals:
    """Lay segments of one trial where they belong in time.

    Parameters
    ----------
    store : Segments
        A store, or seconds of a recording.
    numbers : array, shape (row,)
        Row numbers of the store, all of one trial, in any order.
    stream : Stream
        EEG or peripheral.
    with_rest : bool
        Whether the baseline before the trial is read, too. It is the same in all its
        segments, and so marks the trial.

    Returns
    -------
    TrialSignals
        On one clock that starts with the first of the segments.
    """
    segments = store.read(stream, numbers)
    sfreq = store.sfreq
    start_s = store.table["start_s"].to_numpy()[numbers]
    start = np.rint((start_s - start_s.min()) * sfreq).astype(np.int64)
    _, n_channels, length = segments.shape
    signals = np.full((n_channels, int(start.max()) + length), np.nan)
    for first, segment in zip(start, segments, strict=True):
        signals[:, first : first + length] = segment
    signals[~np.isfinite(signals)] = np.nan
    rest = store.read_rest(stream, int(numbers[0])) if with_rest else None
    if rest is not None:
        rest = np.stack([fill_gaps(row, sfreq) for row in rest.astype(np.float64)])
    channels = store.channels([stream])
    return TrialSignals(channels, signals, sfreq, start, length, rest)


def fill_gaps(signal: Trace, sfreq: float) -> Trace:
    """Fill gaps of at most ``LONGEST_GAP_S`` by a straight line.

    Gaps at either end take the nearest sample. Longer ones stay NaN.
    """
    missing = ~np.isfinite(signal)
    if not missing.any() or missing.all():
        return signal
    time = np.arange(len(signal))
    filled = np.interp(time, time[~missing], signal[~missing])
    for start, end in list_runs(missing):
        if end - start > LONGEST_GAP_S * sfreq:
            filled[start:end] = np.nan
    return np.asarray(filled)


def list_stretches(signal: Trace, filled: Trace) -> Iterator[tuple[int, int]]:
    """Yield from where to where a filled signal can be measured.

    Parameters
    ----------
    signal, filled : array, shape (time,)
        Before and after ``fill_gaps``.
    """
    for start, end in list_runs(np.isfinite(filled)):
        if np.isnan(signal[start:end]).mean() <= MOST_FILLED:
            yield start, end


def list_runs(
    wanted: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> Iterator[tuple[int, int]]:
    """Yield first and one after last of each run of what is true.

    Examples
    --------
    >>> list(list_runs(np.array([True, True, False, True])))
    [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(wanted.astype(np.int8), prepend=0, append=0))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        yield int(start), int(end)
