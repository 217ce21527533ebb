"""A recording of face and signals on one clock, read a minute at a time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from deepvanet.bundle import Bundle
from deepvanet.inference.faces import Faces, open_faces, open_trial_faces
from deepvanet.inference.levels import Levels
from deepvanet.inference.quality import LEAST_GOOD, Flags
from deepvanet.inference.signals import Signals, open_signals, take_rest
from deepvanet.inference.trials import find_trials, is_same_file
from deepvanet.schema import Stream, TrialSpan, UserError

AT_ONCE_S = 64
"""Seconds that are held."""


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
    """

    start: int | float
    trial: str
    arrays: Mapping[Stream, NDArray[Any]]
    has: Mapping[Stream, Bool[np.ndarray, " second"]]
    bad_channels: tuple[str, ...]
    is_edge: Bool[np.ndarray, " second"]

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
class Part:
    """A recording, or a trial of it: what is read with one rest.

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
    signals: Signals | None
    open_faces: Callable[[], Faces] | None
    span: TrialSpan | None = None

    def read(self, at_once_s: int, levels: Levels) -> Iterator[Chunk]:
        """Yield its seconds in order."""
        faces = None if self.open_faces is None else self.open_faces()
        for start in range(0, self.n_seconds, at_once_s):
            stop = min(start + at_once_s, self.n_seconds)
            yield self._read(start, stop, faces, levels)

    def _read(
        self, start: int, stop: int, faces: Faces | None, levels: Levels
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
            clips, found = faces.take(last - first)
            arrays[Stream.FACE] = _widen(clips, first - start, stop - start)
            has[Stream.FACE] = _widen(found, first - start, stop - start)
        trial = "" if self.span is None else self.span.trial
        return Chunk(self.start + start, trial, arrays, has, tuple(named), edge)


@dataclass(frozen=True)
class Opened:
    """A recording that was opened, to be read once.

    Attributes
    ----------
    parts : tuple of Part
        The recording, or its trials.
    video_offset_s : float
        Second of the recording at which the video starts.
    video_span : tuple of int | None
        The first second that the video shows, and the one after the last, of a
        recording that is not divided.
    levels : Levels
        Where channels lay in what was read so far.
    """

    parts: tuple[Part, ...]
    video_offset_s: float
    levels: Levels
    video_span: tuple[int, int] | None = None
    assumed: tuple[str, ...] = field(default=())

    @property
    def n_seconds(self) -> int:
        """Whole seconds that are read."""
        return sum(part.n_seconds for part in self.parts)

    @property
    def spans(self) -> tuple[TrialSpan, ...]:
        """The trials that a table told of."""
        return tuple(part.span for part in self.parts if part.span is not None)

    @property
    def notes(self) -> tuple[str, ...]:
        """What had to be assumed, and which channels were far from training so far."""
        return (*self.assumed, *self.levels.tell())

    def read(self, *, at_once_s: int = AT_ONCE_S) -> Iterator[Chunk]:
        """Yield all seconds in order."""
        for part in self.parts:
            yield from part.read(at_once_s, self.levels)


def open_recording(
    bundle: Bundle,
    *,
    video: Path | None,
    bio: Path | None,
    trial: str | None = None,
    trials: Path | None = None,
    video_offset_s: float | None = None,
    baseline_s: tuple[float | None, float | None] = (None, None),
) -> Opened:
    """Open a recording; parameters are those of ``predict``.

    Raises
    ------
    UserError
        When the recording does not fit the bundle.
    """
    if video is None and bio is None:
        raise UserError("predict: needs --video, --bio or both")
    _check_options(trials, trial, baseline_s)
    signals = None
    if bio is not None:
        has_video = video is not None
        signals = open_signals(
            bio, bundle, trial=trial, has_video=has_video, trials=trials
        )
    _refuse_strangers(bundle, signals, video, bio)
    if trials is not None:
        return _open_trials(bundle, trials, signals, video, video_offset_s)
    return _open_whole(bundle, signals, video, video_offset_s, baseline_s)


def _check_options(
    trials: Path | None,
    trial: str | None,
    baseline_s: tuple[float | None, float | None],
) -> None:
    if trials is None:
        return
    if trial is not None:
        raise UserError(f"--trials {trials} --trial {trial}: only one of them")
    if any(second is not None for second in baseline_s):
        raise UserError(
            f"--trials {trials}: each trial has its own rest, so no --baseline-start "
            "or --baseline-end"
        )


def _open_whole(
    bundle: Bundle,
    signals: Signals | None,
    video: Path | None,
    video_offset_s: float | None,
    baseline_s: tuple[float | None, float | None],
) -> Opened:
    offset_s, true_fps = video_offset_s or 0.0, None
    if signals is not None:
        signals = take_rest(signals, bundle, baseline_s)
        for span in signals.spans:
            if video_offset_s is None:
                offset_s = span.onset_s - span.video_onset_s
            if is_same_file(video, span.video):
                true_fps = span.fps
    n_seconds, faces = 0 if signals is None else signals.n_seconds, None
    if video is not None:
        end = 0 if signals is None or not signals.placed else signals.n_seconds
        faces = open_faces(video, bundle, offset_s, true_fps=true_fps, signals_end=end)
    shown = None if faces is None else (faces.first, faces.first + faces.n_seconds)
    opened = None if faces is None else lambda: faces
    part = Part(0, max(n_seconds, shown[1] if shown else 0), signals, opened)
    assumed = () if signals is None else signals.notes
    return Opened((part,), offset_s, Levels(bundle), shown, assumed)


def _open_trials(
    bundle: Bundle,
    table: Path,
    signals: Signals | None,
    video: Path | None,
    video_offset_s: float | None,
) -> Opened:
    file = None if signals is None else signals.file
    spans, notes = find_trials(table, bundle, file=file, video=video)
    filmed = [s for s in spans if s.video is None or is_same_file(s.video, video)]
    offset_s = video_offset_s
    if offset_s is None:
        found = filmed if signals is not None else []
        offset_s = next((s.onset_s - s.video_onset_s for s in found), 0.0)
    parts = [
        _open_trial(
            bundle,
            span,
            signals,
            video if span in filmed else None,
            offset_s=offset_s,
            is_asked=video_offset_s is not None,
        )
        for span in spans
    ]
    assumed = (*(() if signals is None else signals.notes), *notes)
    return Opened(tuple(parts), offset_s, Levels(bundle), assumed=assumed)


def _open_trial(
    bundle: Bundle,
    span: TrialSpan,
    signals: Signals | None,
    video: Path | None,
    *,
    offset_s: float,
    is_asked: bool,
) -> Part:
    if signals is None:
        start, n_seconds, mine = span.video_onset_s + offset_s, int(span.end_s), None
    else:
        mine = signals.cut(span)
        start, n_seconds = span.onset_s, mine.n_seconds
    video_s = span.video_onset_s
    if signals is not None and is_asked:
        video_s = span.onset_s - offset_s

    def open_mine() -> Faces:
        return open_trial_faces(
            video or Path(), bundle, start_s=video_s, n_seconds=n_seconds
        )

    return Part(start, n_seconds, mine, open_mine if video else None, span)


def _refuse_strangers(
    bundle: Bundle, signals: Signals | None, video: Path | None, bio: Path | None
) -> None:
    streams = [] if signals is None else list(signals.placed)
    streams += [] if video is None else [Stream.FACE]
    if bundle.pick(frozenset(streams)) is None:
        files = " and ".join(str(path) for path in (video, bio) if path)
        raise UserError(
            f"{bundle.path}: from {files}: the bundle knows "
            f"{', '.join(bundle.stream_sets)}, got "
            f"{'+'.join(streams) or 'none of their streams'}"
        )


def _name_bad(
    signals: Signals, bad: Mapping[Stream, Flags], n_seconds: int
) -> list[str]:
    names: list[list[str]] = [[] for _ in range(n_seconds)]
    for stream, flags in bad.items():
        channels = signals.placed[stream].channels
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
