"""Signals of a recording, cleaned as the bundle's recipe says, some seconds at a time.

A filter here is as long as its taps, so a block that is read with a few seconds
around it comes out as it would from the whole recording. Independent components are
found in the whole recording, which is then held, as is a trial of a data set.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Float32
from numpy.typing import NDArray

from deepvanet.bundle import Bundle
from deepvanet.datasets.recordings import SignalSource, open_source, read_recording
from deepvanet.datasets.signal_files import Signals as SignalFile
from deepvanet.inference.channels import Placed, find_operator, place_channels
from deepvanet.inference.quality import Flags, find_bad, find_edges
from deepvanet.preprocessing import segments
from deepvanet.preprocessing.bio import BASELINES
from deepvanet.preprocessing.cleaning import clean
from deepvanet.preprocessing.cleaning.filters import (
    bridge_gaps,
    filter_eeg,
    mark_gaps,
    resample,
)
from deepvanet.preprocessing.cleaning.plans import refer_to
from deepvanet.schema import Recording, Stream, TrialSpan, UserError, as_recording

USUAL_REST_S = 3.0
"""Of a recording of which nothing else is known, at its start."""
MARGIN_S = 6.0
"""Read around a block: more than filters reach, or slow channels are judged by."""
SURVEY_S = 60.0

Bio = Float[np.ndarray, "channel time"]
Segments = Float32[np.ndarray, "second _ sample"]
Parts = Mapping[Stream, Float[np.ndarray, "_ time"]]


@runtime_checkable
class Feed(Protocol):
    """Signals that are read in blocks."""

    @property
    def n_seconds(self) -> int:
        """Whole seconds that there are."""

    @property
    def edges(self) -> Bool[np.ndarray, " second"]:
        """Which seconds a filter had too little context for."""

    def read(self, start: int, stop: int) -> Parts:
        """Return samples at the recipe's rate, stream by stream."""

    def find_bad(self, start: float, stop: float) -> Mapping[Stream, Flags]:
        """Return which channels are bad in seconds, which may start between two."""


@dataclass(frozen=True)
class Signals:
    """A feed, or a trial's part of it, whose rest is taken off.

    Attributes
    ----------
    rest : mapping
        What was recorded at rest, of each stream; empty takes nothing off.
    spans : tuple of TrialSpan
        Of a data set's file.
    notes : tuple of str
        What had to be assumed, a sentence each.
    file : Signals | None
        The opened file, where it is no data set's.
    first : int
        The sample of the feed at which second 0 starts.
    n_seconds : int
        Whole seconds that there are.
    """

    path: Path
    feed: Feed
    placed: Mapping[Stream, Placed]
    baseline: str
    sfreq: float
    spans: tuple[TrialSpan, ...]
    notes: tuple[str, ...]
    file: SignalFile | None
    n_seconds: int
    first: int = 0
    rest: Parts = field(default_factory=dict)

    def read(
        self, start: int, stop: int
    ) -> tuple[dict[Stream, Segments], Mapping[Stream, Flags]]:
        """Return seconds of each stream, as a store has them, and what is bad in them.

        A bad channel is NaN.
        """
        length = segments.measure_segment(self.sfreq)
        from_s = self.first / self.sfreq
        remove, bad = (
            BASELINES[self.baseline],
            self.feed.find_bad(from_s + start, from_s + stop),
        )
        cut = {}
        at = self.first + start * length, self.first + stop * length
        for stream, bio in self.feed.read(*at).items():
            signals = remove(bio, self.rest.get(stream, bio[:, :0]), length)
            whole = segments.cut_bio(signals, sfreq=self.sfreq)
            cut[stream] = np.where(bad[stream][:, :, None], np.float32(np.nan), whole)
        return cut, bad

    def find_edges(self, start: int, stop: int) -> Bool[np.ndarray, " second"]:
        """Return which seconds a filter had too little context for."""
        at = self.first / self.sfreq + np.arange(start, stop)
        last = self.feed.n_seconds - 1
        earlier, later = np.floor(at).astype(int), np.ceil(at).astype(int)
        edges = self.feed.edges
        return np.asarray(edges[earlier] | edges[np.minimum(later, last)])

    def rest_at(self, start_s: float, end_s: float) -> "Signals":
        """Return the same with a rest taken off, of these seconds of the feed."""
        if self.baseline == "none":
            return self
        start, stop = (round(second * self.sfreq) for second in (start_s, end_s))
        parts = self.feed.read(start, stop).items()
        rest = {s: np.stack([_bridge(signal) for signal in bio]) for s, bio in parts}
        return replace(self, rest=rest)

    def cut(self, span: TrialSpan) -> "Signals":
        """Return a trial's part, with its own rest taken off."""
        start_s = span.onset_s - span.baseline_s
        first = round(start_s * self.sfreq) + round(span.baseline_s * self.sfreq)
        n_samples = round(span.end_s * self.sfreq) - first
        n_seconds = segments.count_segments(n_samples, self.sfreq)
        mine = replace(self, first=first, n_seconds=n_seconds)
        return mine.rest_at(start_s, span.onset_s)


def open_signals(
    path: Path,
    bundle: Bundle,
    *,
    trial: str | None,
    has_video: bool,
    trials: Path | None = None,
) -> Signals:
    """Open the signals of a recording, with nothing taken off yet.

    Parameters
    ----------
    trials : Path | None
        A table of its trials, for which a data set's file has no use.

    Raises
    ------
    UserError
        When they do not fit the bundle.
    """
    source = None
    if trial is None:
        source = open_source(path, channels=bundle.channels)
    if source is None and trials is not None:
        raise UserError(
            f"--trials {trials}: {path} is a data set's file, which says itself where "
            "its trials lie; --trial names one where there are several"
        )
    spans: tuple[TrialSpan, ...] = ()
    if source is not None and not (bundle.is_raw and bundle.recipe.artefacts != "none"):
        placed, notes = place_channels(
            source.channels, bundle, path, has_video=has_video
        )
        feed: Feed = _Streamed.open(source, placed, bundle)
        notes += _tell_rate(source.sfreq, bundle)
    else:
        recording = read_recording(path, channels=bundle.channels, trial=trial)
        placed, notes = place_channels(
            recording.channels, bundle, path, has_video=has_video
        )
        if bundle.is_raw and not recording.is_raw:
            raise UserError(
                f"--bio {path}: the bundle was trained on raw recordings, got one that "
                "was filtered before"
            )
        if source is not None:
            notes += ("components are found in all of the signals, which are held",)
        notes += _tell_rate(recording.sfreq, bundle)
        feed, spans = _Held.open(recording, placed, bundle, cut=trial is not None)
    return Signals(
        path=path,
        feed=feed,
        placed=placed,
        baseline=bundle.recipe.baseline,
        sfreq=bundle.recipe.sfreq,
        spans=spans,
        notes=notes,
        file=None if source is None else source.file,
        n_seconds=feed.n_seconds,
    )


def take_rest(
    signals: Signals, bundle: Bundle, baseline_s: tuple[float | None, float | None]
) -> Signals:
    """Take one rest off a whole recording, and note where it is not as in training.

    Parameters
    ----------
    baseline_s : (float | None, float | None)
        As in ``predict``.

    Raises
    ------
    UserError
        When the rest does not lie within the recording.
    """
    if signals.baseline == "none":
        return signals
    asked = any(second is not None for second in baseline_s)
    start_s, end_s = _place_rest(signals.spans, *baseline_s)
    lasts_s = signals.feed.n_seconds
    if (
        not 0
        <= round(start_s * signals.sfreq)
        < round(end_s * signals.sfreq)
        <= (lasts_s * signals.sfreq)
    ):
        raise UserError(
            f"--baseline-start {start_s:g} --baseline-end {end_s:g}: must be a span of "
            f"{signals.path}, which lasts {lasts_s:g} s"
        )
    made = signals.rest_at(start_s, end_s)
    if signals.spans and not asked:
        return made
    own = "" if bundle.rest_s is None else f"{bundle.rest_s:g} s of "
    note = (
        f"baseline: {start_s:g} to {end_s:g} s of the recording, where training took "
        f"each trial's own {own}rest before it; predict --trials TABLE does so"
    )
    return replace(made, notes=(*made.notes, note))


def _tell_rate(sfreq: float, bundle: Bundle) -> tuple[str, ...]:
    if sfreq == bundle.recipe.sfreq:
        return ()
    return (f"signals are resampled from {sfreq:g} to {bundle.recipe.sfreq:g} Hz",)


def _place_rest(
    spans: tuple[TrialSpan, ...], start_s: float | None, end_s: float | None
) -> tuple[float, float]:
    """Return the rest asked for, or that of the data set, or the first seconds."""
    usual = (0.0, USUAL_REST_S)
    for span in spans:
        usual = (span.onset_s - span.baseline_s, span.onset_s)
    return (
        usual[0] if start_s is None else start_s,
        usual[1] if end_s is None else end_s,
    )


def _bridge(signal: NDArray[np.floating]) -> NDArray[np.floating]:
    """Bridge gaps, so that a moment of loss at rest does not cost the whole channel."""
    return bridge_gaps(signal) if np.isfinite(signal).any() else signal


@dataclass(frozen=True)
class _Held:
    """Signals that lie in memory, cleaned as a whole."""

    placed: Mapping[Stream, Placed]
    raw: Recording
    cleaned: Recording
    edges: Bool[np.ndarray, " second"]

    @classmethod
    def open(
        cls,
        recording: Recording,
        placed: Mapping[Stream, Placed],
        bundle: Bundle,
        *,
        cut: bool,
    ) -> tuple["_Held", tuple[TrialSpan, ...]]:
        """Clean a recording, then cut out its trial if it is to be."""
        recipe = bundle.recipe
        cleaned = recording
        if bundle.is_raw:
            cleaned = clean(
                recording,
                artefacts=recipe.artefacts,
                probability=recipe.artefact_probability,
                sfreq=recipe.sfreq,
                seed=recipe.seed,
            ).recording
        elif recording.sfreq != recipe.sfreq:
            cleaned = _resample(recording, to=recipe.sfreq)
        before_s = after_s = 0.0
        if cut:
            (span,) = recording.spans
            before_s = span.onset_s - span.baseline_s
            after_s = recording.bio.shape[1] / recording.sfreq - span.end_s
            recording, cleaned = (
                as_recording(next(segments.cut_trials(item)))
                for item in (recording, cleaned)
            )
        n_seconds = segments.count_segments(cleaned.bio.shape[1], recipe.sfreq)
        edges = find_edges(n_seconds, before_s=before_s, after_s=after_s)
        # who cut and filtered before us had his own context
        is_touched = bundle.is_raw or recording.sfreq != cleaned.sfreq
        return cls(placed, recording, cleaned, edges & is_touched), cleaned.spans

    @property
    def n_seconds(self) -> int:
        return len(self.edges)

    def read(self, start: int, stop: int) -> Parts:
        return {
            stream: _draw(item, self.cleaned.bio[list(item.sources), start:stop])
            for stream, item in self.placed.items()
        }

    def find_bad(self, start: float, stop: float) -> Mapping[Stream, Flags]:
        sfreq = self.raw.sfreq
        before = _find_before(start)
        bio = self.raw.bio[
            :,
            round((start - before) * sfreq) : round(
                (stop + math.floor(MARGIN_S)) * sfreq
            ),
        ]
        return _find_bad(
            bio, self.placed, sfreq, first=before, n_seconds=round(stop - start)
        )


def _draw(item: Placed, bio: Bio) -> Float[np.ndarray, "all time"]:
    """Return all channels of a stream, some of them drawn from the others."""
    # a product would spread what is not finite
    return find_operator(item) @ bio if item.missing else bio


def _resample(recording: Recording, *, to: float) -> Recording:
    rows = [
        mark_gaps(resample(bridge_gaps(row), sfreq=recording.sfreq, to=to), row)
        for row in recording.bio
    ]
    return replace(recording, bio=np.stack(rows), sfreq=to)


@dataclass(frozen=True)
class _Streamed:
    """Signals that are read from their file block by block.

    Attributes
    ----------
    operators : mapping
        What a stream's channels are multiplied with: it draws missing ones, and
        refers EEG that was raw to its average.
    is_raw : bool
        Whether EEG is filtered.
    """

    source: SignalSource
    placed: Mapping[Stream, Placed]
    operators: Mapping[Stream, NDArray[np.floating]]
    is_raw: bool
    sfreq: float
    edges: Bool[np.ndarray, " second"]

    @classmethod
    def open(
        cls, source: SignalSource, placed: Mapping[Stream, Placed], bundle: Bundle
    ) -> "_Streamed":
        """Look the signals through once where the reference depends on all of them."""
        sfreq = bundle.recipe.sfreq
        operators = {stream: find_operator(item) for stream, item in placed.items()}
        if bundle.is_raw and Stream.EEG in placed:
            item = placed[Stream.EEG]
            alive = np.ones(len(item.channels), bool)
            alive[list(item.rows)] = _survey(source, item)
            operators[Stream.EEG] = refer_to(alive).clean @ operators[Stream.EEG]
        n_out = math.ceil(source.n_samples * _ratio(source.sfreq, sfreq))
        edges = find_edges(segments.count_segments(n_out, sfreq))
        is_touched = bundle.is_raw or source.sfreq != sfreq
        return cls(source, placed, operators, bundle.is_raw, sfreq, edges & is_touched)

    @property
    def n_seconds(self) -> int:
        return len(self.edges)

    def read(self, start: int, stop: int) -> Parts:
        bio, offset = self._read_around(start, stop)
        keep = slice(start - offset, stop - offset)
        parts = {}
        for stream, item in self.placed.items():
            rows = bio[list(item.sources)]
            done = np.stack([self._treat(row, stream)[keep] for row in rows])
            made = self.operators[stream] @ done
            gaps = np.stack([self._mark(row)[keep] for row in rows])
            made[list(item.rows)] += gaps
            parts[stream] = made
        return parts

    def find_bad(self, start: float, stop: float) -> Mapping[Stream, Flags]:
        rate, before = self.source.sfreq, _find_before(start)
        last = min(self.source.n_samples, round((stop + math.floor(MARGIN_S)) * rate))
        return _find_bad(
            self.source.read(round((start - before) * rate), last),
            self.placed,
            rate,
            first=before,
            n_seconds=round(stop - start),
        )

    def _read_around(self, start: int, stop: int) -> tuple[Bio, int]:
        """Read samples and what lies around; return the first one's number, resampled.

        A block starts where a sample of either rate lies.
        """
        ratio = _ratio(self.source.sfreq, self.sfreq)
        margin = math.ceil(MARGIN_S * self.source.sfreq)
        step = ratio.denominator
        first = max(0, math.floor(start / ratio) - margin) // step * step
        last = min(self.source.n_samples, math.ceil(stop / ratio) + margin)
        return self.source.read(first, last), first * ratio.numerator // step

    def _treat(
        self, signal: NDArray[np.floating], stream: Stream
    ) -> NDArray[np.floating]:
        whole = bridge_gaps(signal)
        if self.is_raw and stream is Stream.EEG:
            whole = filter_eeg(whole, sfreq=self.source.sfreq)
        return np.asarray(resample(whole, sfreq=self.source.sfreq, to=self.sfreq))

    def _mark(self, signal: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return 0, and NaN where a signal has gaps."""
        ratio = _ratio(self.source.sfreq, self.sfreq)
        nothing = np.zeros(math.ceil(len(signal) * ratio))
        return np.asarray(mark_gaps(nothing, signal))


def _ratio(sfreq: float, to: float) -> Fraction:
    return Fraction(to / sfreq).limit_denominator(10_000)


def _survey(source: SignalSource, item: Placed) -> Bool[np.ndarray, " held"]:
    """Return which channels change, and are finite throughout if most of them are.

    A recording that lost all its electrodes for a moment has none that are, and
    those count that mostly were.
    """
    rows = list(item.sources)
    low, high = np.full(len(rows), np.inf), np.full(len(rows), -np.inf)
    n_lost = np.zeros(len(rows))
    length = round(SURVEY_S * source.sfreq)
    for start in range(0, source.n_samples, length):
        bio = source.read(start, min(start + length, source.n_samples))[rows]
        is_finite = np.isfinite(bio)
        n_lost += (~is_finite).sum(axis=1)
        low = np.minimum(low, np.where(is_finite, bio, np.inf).min(axis=1))
        high = np.maximum(high, np.where(is_finite, bio, -np.inf).max(axis=1))
    moves = high > low
    whole = moves & (n_lost == 0)
    if 2 * whole.sum() >= len(rows):
        return np.asarray(whole)
    return np.asarray(moves & (2 * n_lost < source.n_samples))


def _find_before(start: float) -> int:
    """Return how many whole seconds can be read before one."""
    return min(math.floor(start), math.floor(MARGIN_S))


def _find_bad(
    bio: Bio,
    placed: Mapping[Stream, Placed],
    sfreq: float,
    *,
    first: int,
    n_seconds: int,
) -> Mapping[Stream, Flags]:
    """Return bad channels stream by stream; what is drawn anew is as good as any."""
    flags = {}
    for stream, item in placed.items():
        flags[stream] = np.zeros((n_seconds, len(item.channels)), bool)
        flags[stream][:, list(item.rows)] = find_bad(
            bio[list(item.sources)],
            [item.channels[row] for row in item.rows],
            sfreq=sfreq,
            first=first,
            n_seconds=n_seconds,
        )
    return flags
