"""A recording of face and signals on one clock, read a minute at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from deepvanet.findings import Finding, collect, describe_findings, refuse_errors
from deepvanet.inference.faces import FaceReader
from deepvanet.inference.levels import Levels
from deepvanet.inference.quality import LEAST_GOOD, Flags
from deepvanet.inference.signal_reader import SignalReader
from deepvanet.schema import Stream, TrialSpan

AT_ONCE_S = 64
"""Seconds that are held."""

Progress = Callable[[float, float], None]
"""Is called with the seconds that are done, and the seconds in all."""


@dataclass(frozen=True)
class Chunk:
    """Some seconds of a recording.

    Attributes
    ----------
    start : int | float
        Where the first second starts; trials start anywhere.
    trial : str
        Whose seconds they are; empty where a recording is not divided.
    arrays : mapping
        Of each stream, a row a second as a store has them; of no meaning in seconds
        that lack it.
    has : mapping
        Which seconds have a stream.
    bad_channels : tuple of str
        Names of channels that are flat or not finite in a second, joined by a space.
    is_edge : array, shape (second,)
        Whether a filter had too little context.
    rest : mapping
        Of each stream of signals the baseline that was subtracted, (channel, time).
    """

    start: int | float
    trial: str
    arrays: Mapping[Stream, NDArray[Any]]
    has: Mapping[Stream, Bool[np.ndarray, " second"]]
    bad_channels: tuple[str, ...]
    is_edge: Bool[np.ndarray, " second"]
    rest: Mapping[Stream, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.is_edge)

    @property
    def time_s(self) -> NDArray[Any]:
        """Where each second starts, in seconds of the recording."""
        return np.asarray(np.arange(len(self)) + self.start)

    def streams_of(self, second: int) -> frozenset[Stream]:
        """Return the streams that a second has, counted from the chunk's first."""
        return frozenset(stream for stream, has in self.has.items() if has[second])


@dataclass(frozen=True)
class RecordingPart:
    """A recording, or a trial of it: what is read with one baseline.

    Attributes
    ----------
    start : int | float
        The second of the recording at which it starts.
    open_faces : callable | None
        Begins with its first frame.
    span : TrialSpan | None
        None where a recording is not divided.
    """

    start: int | float
    n_seconds: int
    signals: SignalReader | None
    open_faces: Callable[[], FaceReader] | None
    span: TrialSpan | None = None

    def chunks(self, at_once_s: int, levels: Levels) -> Iterator[Chunk]:
        """Yield its seconds in order."""
        faces = None if self.open_faces is None else self.open_faces()
        for start in range(0, self.n_seconds, at_once_s):
            stop = min(start + at_once_s, self.n_seconds)
            yield self._read(start, stop, faces, levels)

    def _read(
        self, start: int, stop: int, faces: FaceReader | None, levels: Levels
    ) -> Chunk:
        arrays: dict[Stream, NDArray[Any]] = {}
        has: dict[Stream, Bool[np.ndarray, " second"]] = {}
        named = [""] * (stop - start)
        edge = np.zeros(stop - start, bool)
        if self.signals is not None and start < self.signals.n_seconds:
            end = min(stop, self.signals.n_seconds)
            edge[: end - start] = self.signals.find_edges(start, end)
            cut, bad = self.signals.read(start, end)
            levels.add(cut)
            for stream, flags in bad.items():
                good = 1 - flags.mean(axis=1)
                arrays[stream] = _widen(cut[stream], 0, stop - start)
                has[stream] = _widen(good >= LEAST_GOOD, 0, stop - start)
            named[: end - start] = _name_bad(self.signals, bad, end - start)
        if faces is not None:
            first = min(max(start, faces.first), stop)
            last = max(first, min(stop, faces.first + faces.n_seconds))
            clips, found = faces.read(last - first)
            arrays[Stream.FACE] = _widen(clips, first - start, stop - start)
            has[Stream.FACE] = _widen(found, first - start, stop - start)
        trial = "" if self.span is None else self.span.trial
        rest = {} if self.signals is None else self.signals.baseline
        return Chunk(self.start + start, trial, arrays, has, tuple(named), edge, rest)


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
    video_span : tuple of int | None
        The first second that the video shows, and the one after the last, of a
        recording that is not divided.
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
    video_span: tuple[int, int] | None = None
    assumptions: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)

    @property
    def n_seconds(self) -> int:
        """Whole seconds that are read."""
        return sum(part.n_seconds for part in self.parts)

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
        self, *, at_once_s: int = AT_ONCE_S, progress: Progress | None = None
    ) -> Iterator[Chunk]:
        """Yield all seconds in order.

        Parameters
        ----------
        at_once_s : int
            Seconds of a chunk; the last one of a part may be shorter.
        progress : callable, optional
            Is called with the seconds that are done, and the seconds in all.
        """
        tell = progress or (lambda _done, _all: None)
        done = 0.0
        tell(done, float(self.n_seconds))
        for part in self.parts:
            for chunk in self._read(part.chunks(at_once_s, self.levels)):
                yield chunk
                done += len(chunk)
                tell(done, float(self.n_seconds))

    def _read(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        while True:
            with collect() as found:
                chunk = next(chunks, None)
            self.keep(found)
            if chunk is None:
                return
            yield chunk


def _name_bad(
    signals: SignalReader, bad: Mapping[Stream, Flags], n_seconds: int
) -> list[str]:
    names: list[list[str]] = [[] for _ in range(n_seconds)]
    for stream, flags in bad.items():
        channels = signals.places[stream].channels
        for second, row in enumerate(flags):
            names[second] += [channels[k].name for k in np.flatnonzero(row)]
    return [" ".join(listed) for listed in names]


def _widen(array: NDArray[Any], before: int, n_rows: int) -> NDArray[Any]:
    """Return rows with empty ones before and after, so that there are so many."""
    if len(array) == n_rows:
        return array
    wide = np.zeros((n_rows, *array.shape[1:]), array.dtype)
    wide[before : before + len(array)] = array
    return wide
