"""A recording of face and signals on one clock, read a minute at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from deepvanet.findings import Finding, collect, describe_findings, refuse_errors
from deepvanet.inference.faces import FaceReader
from deepvanet.inference.features import FeatureReader
from deepvanet.inference.levels import Levels
from deepvanet.inference.quality import LEAST_GOOD, MOST_LOST
from deepvanet.inference.signal_reader import Shares, SignalReader
from deepvanet.preprocessing.windows import WindowGrid
from deepvanet.schema import Stream, TrialSpan

AT_ONCE_S = 64
"""Seconds of segments that are held."""

Progress = Callable[[float, float], None]
"""Is called with the seconds that are done, and the seconds in all."""


@dataclass(frozen=True)
class Chunk:
    """Some segments of a recording.

    Attributes
    ----------
    time_s : array, shape (segment,)
        Where each segment starts, in seconds of the recording.
    trial : str
        Whose segments they are; empty where a recording is not divided.
    arrays : mapping
        Of each stream, a row a segment as a store has them; of no meaning in segments
        that lack it.
    has : mapping
        Which segments have a stream.
    bad_channels : tuple of str
        Names of channels that are flat or not finite in a second of a segment, joined
        by a space.
    is_edge : array, shape (segment,)
        Whether a filter had too little context.
    rest : mapping
        Of each stream of signals the baseline that was subtracted, (channel, time).
    """

    time_s: NDArray[Any]
    trial: str
    arrays: Mapping[Stream, NDArray[Any]]
    has: Mapping[Stream, Bool[np.ndarray, " segment"]]
    bad_channels: tuple[str, ...]
    is_edge: Bool[np.ndarray, " segment"]
    rest: Mapping[Stream, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.is_edge)

    def streams_of(self, segment: int) -> frozenset[Stream]:
        """Return the streams that a segment has, counted from the chunk's first."""
        return frozenset(stream for stream, has in self.has.items() if has[segment])


@dataclass(frozen=True)
class RecordingPart:
    """A recording, or a trial of it: what is read with one baseline.

    Attributes
    ----------
    start : int | float
        The second of the recording at which it starts.
    n_segments : int
        Whole segments of it.
    open_faces : callable | None
        Begins with its first frame.
    span : TrialSpan | None
        None where a recording is not divided.
    features : FeatureReader | None
        What others made of the frames of the video.
    """

    start: int | float
    n_segments: int
    grid: WindowGrid
    signals: SignalReader | None
    open_faces: Callable[[], FaceReader] | None
    span: TrialSpan | None = None
    features: FeatureReader | None = None

    def chunks(self, at_once: int, levels: Levels) -> Iterator[Chunk]:
        """Yield its segments in order, so many at once."""
        faces = None if self.open_faces is None else self.open_faces()
        for start in range(0, self.n_segments, at_once):
            stop = min(start + at_once, self.n_segments)
            yield self._read(start, stop, faces, levels)

    def _read(
        self, start: int, stop: int, faces: FaceReader | None, levels: Levels
    ) -> Chunk:
        arrays: dict[Stream, NDArray[Any]] = {}
        has: dict[Stream, Bool[np.ndarray, " segment"]] = {}
        named = [""] * (stop - start)
        edge = np.zeros(stop - start, bool)
        if self.signals is not None and start < self.signals.n_segments:
            end = min(stop, self.signals.n_segments)
            edge[: end - start] = self.signals.find_edges(start, end)
            cut, lost = self.signals.read(start, end)
            levels.add(cut)
            for stream, shares in lost.items():
                good = np.mean(shares <= MOST_LOST, axis=1)
                arrays[stream] = _widen(cut[stream], 0, stop - start)
                has[stream] = _widen(good >= LEAST_GOOD, 0, stop - start)
            named[: end - start] = _name_bad(self.signals, lost, end - start)
        if faces is not None:
            first = min(max(start, faces.first), stop)
            last = max(first, min(stop, faces.first + faces.n_segments))
            clips, found = faces.read(last - first)
            arrays[Stream.FACE] = _widen(clips, first - start, stop - start)
            has[Stream.FACE] = _widen(found, first - start, stop - start)
        if self.features is not None:
            cut_features, seen = self.features.read(start, stop)
            levels.add({Stream.FACE_FEATURES: cut_features})
            arrays[Stream.FACE_FEATURES] = cut_features
            has[Stream.FACE_FEATURES] = seen
        trial = "" if self.span is None else self.span.trial
        rest = {} if self.signals is None else self.signals.baseline
        time_s = self.start + self.grid.time(np.arange(start, stop))
        return Chunk(time_s, trial, arrays, has, tuple(named), edge, rest)


@dataclass(frozen=True)
class OpenRecording:
    """A recording whose files are open; its chunks can be read once.

    Attributes
    ----------
    parts : tuple of RecordingPart
        The recording, or its trials.
    video_offset_s : float
        Second of the recording at which the video starts.
    levels : Levels
        Where channels lay in what was read so far.
    video_span : tuple of (int | float) | None
        Where the first segment that the video shows starts, and where the one after
        the last would, of a recording that is not divided.
    assumptions : tuple of str
        What had to be assumed when it was opened, a sentence each.
    accept : tuple of str
        Codes of errors whose assumption is taken.
    findings : list of Finding
        What was found so far, when it was opened and while it was read.
    """

    parts: tuple[RecordingPart, ...]
    video_offset_s: float
    levels: Levels
    video_span: tuple[float | int, float | int] | None = None
    assumptions: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)

    @property
    def n_segments(self) -> int:
        """Segments that are read."""
        return sum(part.n_segments for part in self.parts)

    @property
    def lasts_s(self) -> float:
        """Seconds from step to step over all segments."""
        return sum(part.n_segments * part.grid.step_s for part in self.parts)

    @property
    def spans(self) -> tuple[TrialSpan, ...]:
        """The trials that a table lists."""
        return tuple(part.span for part in self.parts if part.span is not None)

    @property
    def notes(self) -> tuple[str, ...]:
        """What had to be assumed, and what was found so far."""
        return (
            *self.assumptions,
            *self.levels.tell(),
            *describe_findings(self.findings),
        )

    def keep(self, findings: Sequence[Finding]) -> None:
        """Keep what was found; raise ``UserError`` for what is not accepted.

        Raises
        ------
        UserError
            When there is an error whose code is not accepted.
        """
        refuse_errors(findings, self.accept)
        self.findings.extend(f for f in findings if f not in self.findings)

    def chunks(
        self, *, at_once: int, progress: Progress | None = None
    ) -> Iterator[Chunk]:
        """Yield all segments in order.

        Parameters
        ----------
        at_once : int
            Segments of a chunk; the last one of a part may be shorter.
        progress : callable, optional
            Is called with the seconds that are done, and the seconds in all.
        """
        tell = progress or (lambda _done, _all: None)
        done = 0.0
        tell(done, self.lasts_s)
        for part in self.parts:
            for chunk in self._read(part.chunks(at_once, self.levels)):
                yield chunk
                done += len(chunk) * part.grid.step_s
                tell(done, self.lasts_s)

    def _read(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        while True:
            with collect() as found:
                chunk = next(chunks, None)
            self.keep(found)
            if chunk is None:
                return
            yield chunk


def _name_bad(
    signals: SignalReader, lost: Mapping[Stream, Shares], n_segments: int
) -> list[str]:
    names: list[list[str]] = [[] for _ in range(n_segments)]
    for stream, shares in lost.items():
        channels = signals.places[stream].channels
        for segment, row in enumerate(shares):
            names[segment] += [channels[k].name for k in np.flatnonzero(row)]
    return [" ".join(listed) for listed in names]


def _widen(array: NDArray[Any], before: int, n_rows: int) -> NDArray[Any]:
    """Return rows with empty ones before and after, so that there are so many."""
    if len(array) == n_rows:
        return array
    wide = np.zeros((n_rows, *array.shape[1:]), array.dtype)
    wide[before : before + len(array)] = array
    return wide
