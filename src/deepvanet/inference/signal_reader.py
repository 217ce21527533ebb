"""Segments of a recording's signals, as a store has them, some at a time."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float32, Int
from numpy.typing import NDArray

from deepvanet.bundle import Bundle
from deepvanet.datasets.recording_files import SignalSource, open_source, read_recording
from deepvanet.inference.channels import ChannelPlaces, place_channels
from deepvanet.inference.feeds import (
    SignalFeed,
    StreamSamples,
    count_seconds,
    open_file_feed,
    open_memory_feed,
)
from deepvanet.inference.recording_input import RecordingInput
from deepvanet.preprocessing.bio import BASELINES
from deepvanet.preprocessing.cleaning.filters import bridge_gaps
from deepvanet.preprocessing.windows import WindowGrid, cut_bio
from deepvanet.schema import BIO, Recording, Stream, TrialSpan, UserError
from deepvanet.signal_io.types import Signals

USUAL_BASELINE_S = 3.0
"""Of a recording of which nothing else is known, at its start."""

Segments = Float32[np.ndarray, "segment _ sample"]
Shares = Float[np.ndarray, "segment _"]


@dataclass(frozen=True)
class SignalReader:
    """Reads segments of a recording, or of a trial in it, and subtracts a baseline.

    Attributes
    ----------
    feed : SignalFeed
        The samples of the whole recording.
    baseline_rule : str
        What the recipe does with a baseline, a name of ``BASELINES``.
    sfreq : float
        The recipe's rate, in Hz.
    spans : tuple of TrialSpan
        Of a data set's file.
    notes : tuple of str
        What had to be assumed, a sentence each.
    file : Signals | None
        The opened file, where it is no data set's.
    grid : WindowGrid
        How recordings are cut into segments.
    n_samples : int
        Samples that there are, from the first on.
    first : int
        The sample of the feed at which second 0 starts.
    baseline : mapping
        Samples of the baseline, stream by stream; where empty nothing is subtracted.
    """

    path: Path
    feed: SignalFeed
    places: Mapping[Stream, ChannelPlaces]
    baseline_rule: str
    sfreq: float
    spans: tuple[TrialSpan, ...]
    notes: tuple[str, ...]
    file: Signals | None
    grid: WindowGrid
    n_samples: int
    first: int = 0
    baseline: StreamSamples = field(default_factory=dict)

    @property
    def windows(self) -> WindowGrid:
        """How it is cut into segments: one, where trials are whole."""
        return self.grid.settle(self.n_samples / self.sfreq)

    @property
    def n_segments(self) -> int:
        """How many whole segments there are."""
        return self.windows.count(self.n_samples / self.sfreq)

    def read(
        self, start: int, stop: int
    ) -> tuple[dict[Stream, Segments], Mapping[Stream, Shares]]:
        """Return segments of each stream, as a store has them, and what is bad in them.

        Parameters
        ----------
        start, stop : int
            The first segment, and the one after the last.

        Returns
        -------
        mapping, mapping
            Segments with NaN for a second in which a channel is bad, and for each
            segment and channel the share of its samples that lie in such seconds.
        """
        at, length = self._place(start, stop)
        second = round(self.sfreq)
        begin, end = int(at[0]) // second * second, int(at[-1]) + length
        samples = self.feed.read(self.first + begin, self.first + end)
        inside = at[:, None] + np.arange(length)
        seconds = np.floor(inside / self.sfreq).astype(np.int64)
        from_s, first_s = self.first / self.sfreq, int(seconds[0, 0])
        flags = self.feed.find_bad(from_s + first_s, from_s + int(seconds[-1, -1]) + 1)
        cut, lost = {}, {}
        for stream, bio in samples.items():
            subtract = BASELINES[self.baseline_rule if stream in BIO else "none"]
            signals = subtract(bio, self.baseline.get(stream, bio[:, :0]), second)
            whole = cut_bio(signals, at - begin, length)
            bad = flags[stream][seconds - first_s].swapaxes(1, 2)
            cut[stream] = np.where(bad, np.float32(np.nan), whole)
            lost[stream] = bad.mean(axis=2)
        return cut, lost

    def _place(self, start: int, stop: int) -> tuple[Int[np.ndarray, " segment"], int]:
        """Return the first sample of segments, and how many each has."""
        at = self.windows.place(np.arange(start, stop), self.sfreq)
        return at, self.windows.measure(self.sfreq)

    def find_edges(self, start: int, stop: int) -> Bool[np.ndarray, " segment"]:
        """Return which segments hold a second that a filter had little context for."""
        at, length = self._place(start, stop)
        edges = self.feed.edges
        begin = np.floor((self.first + at) / self.sfreq).astype(int)
        end = np.ceil((self.first + at + length) / self.sfreq).astype(int)
        counted = np.concatenate([[0], np.cumsum(edges)])
        begin = np.minimum(begin, len(edges) - 1)
        end = np.minimum(end, len(edges))
        return np.asarray(counted[end] > counted[begin])

    def with_baseline(self, start_s: float, end_s: float) -> "SignalReader":
        """Return a reader that subtracts the baseline in these seconds of the feed."""
        if self.baseline_rule == "none":
            return self
        start, stop = (round(second * self.sfreq) for second in (start_s, end_s))
        samples = self.feed.read(start, stop).items()
        baseline = {
            stream: np.stack([_bridge(signal) for signal in bio])
            for stream, bio in samples
            if stream in BIO
        }
        return replace(self, baseline=baseline)

    def cut(self, span: TrialSpan) -> "SignalReader":
        """Return a reader of one trial, which subtracts the trial's own baseline."""
        start_s = span.onset_s - span.baseline_s
        first = round(start_s * self.sfreq) + round(span.baseline_s * self.sfreq)
        n_samples = round(span.end_s * self.sfreq) - first
        trial = replace(self, first=first, n_samples=n_samples)
        return trial.with_baseline(start_s, span.onset_s)


def open_signal_reader(
    recording: RecordingInput, bundle: Bundle
) -> SignalReader | None:
    """Open the signals of a recording; no baseline is subtracted yet.

    Returns
    -------
    SignalReader | None
        None where the recording has no signals.

    Raises
    ------
    UserError
        When they do not fit the bundle.
    """
    path = recording.signals
    if path is None:
        return None
    source = _find_source(path, recording, bundle)
    signals: SignalSource | Recording
    if source is None or (bundle.is_raw and bundle.recipe.artefacts != "none"):
        signals = read_recording(
            path,
            channels=bundle.channels,
            trial=recording.trial,
            peripherals=recording.beside,
        )
    else:
        signals = source
    places, notes = place_channels(
        signals.channels, bundle, path, beside=recording.streams_beside
    )
    spans: tuple[TrialSpan, ...] = ()
    feed: SignalFeed
    if isinstance(signals, SignalSource):
        feed = open_file_feed(signals, places, bundle)
    else:
        _check_raw(path, signals, bundle)
        if source is not None:
            notes += ("ICA needs all of the signals at once, which are held in memory",)
        is_trial = recording.trial is not None
        feed = open_memory_feed(signals, places, bundle, cut=is_trial)
        spans = feed.spans
    return SignalReader(
        path=path,
        feed=feed,
        places=places,
        baseline_rule=str(bundle.segmenting.baseline),
        sfreq=bundle.recipe.sfreq,
        spans=spans,
        notes=(*notes, *_tell_rate(signals.sfreq, bundle)),
        file=None if source is None else source.file,
        grid=bundle.grid,
        n_samples=feed.n_samples,
    )


def subtract_baseline(
    reader: SignalReader, bundle: Bundle, baseline_s: tuple[float | None, float | None]
) -> SignalReader:
    """Subtract one baseline from a whole recording; note where training did not.

    Parameters
    ----------
    baseline_s : (float | None, float | None)
        As in ``RecordingInput``.

    Raises
    ------
    UserError
        When the baseline does not lie within the recording.
    """
    if reader.baseline_rule == "none":
        return reader
    is_asked = any(second is not None for second in baseline_s)
    start_s, end_s = _place_baseline(reader.spans, *baseline_s)
    _check_baseline(reader, start_s, end_s)
    subtracting = reader.with_baseline(start_s, end_s)
    if reader.spans and not is_asked:
        return subtracting
    length = "" if bundle.rest_s is None else f" of {bundle.rest_s:g} s"
    note = (
        f"baseline: {start_s:g} to {end_s:g} s of the recording, where training took "
        f"each trial's own baseline{length} before it; a table of trials does so"
    )
    return replace(subtracting, notes=(*subtracting.notes, note))


def _find_source(
    path: Path, recording: RecordingInput, bundle: Bundle
) -> SignalSource | None:
    """Open a file that can be read in blocks, or return None for a data set's."""
    source = None
    if recording.trial is None:
        source = open_source(
            path, channels=bundle.channels, peripherals=recording.beside
        )
    if source is None and recording.trials is not None:
        raise UserError(
            f"{recording.trials}: {path} is a data set's file, which says itself "
            "where its trials lie; name one of them by trial where there are several",
            field="trials",
        )
    return source


def _check_raw(path: Path, recording: Recording, bundle: Bundle) -> None:
    if bundle.is_raw and not recording.is_raw:
        raise UserError(
            f"{path}: the bundle was trained on raw recordings, got one that was "
            "filtered before",
            field="bio",
        )


def _tell_rate(sfreq: float, bundle: Bundle) -> tuple[str, ...]:
    if sfreq == bundle.recipe.sfreq:
        return ()
    return (f"signals are resampled from {sfreq:g} to {bundle.recipe.sfreq:g} Hz",)


def _place_baseline(
    spans: tuple[TrialSpan, ...], start_s: float | None, end_s: float | None
) -> tuple[float, float]:
    """Return the baseline asked for, or the data set's, or the first seconds."""
    usual = (0.0, USUAL_BASELINE_S)
    for span in spans:
        usual = (span.onset_s - span.baseline_s, span.onset_s)
    return (
        usual[0] if start_s is None else start_s,
        usual[1] if end_s is None else end_s,
    )


def _check_baseline(reader: SignalReader, start_s: float, end_s: float) -> None:
    lasts_s = count_seconds(reader.feed.n_samples, reader.sfreq)
    start, end = (round(second * reader.sfreq) for second in (start_s, end_s))
    if not 0 <= start < end <= lasts_s * reader.sfreq:
        raise UserError(
            f"must be a span of {reader.path}, which lasts {lasts_s:g} s, got "
            f"{start_s:g} to {end_s:g} s",
            field="baseline_s",
        )


def _bridge(signal: NDArray[np.floating]) -> NDArray[np.floating]:
    """Bridge gaps, so that a moment of loss does not cost the whole channel."""
    return bridge_gaps(signal) if np.isfinite(signal).any() else signal
