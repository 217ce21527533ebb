"""A recording of face and signals on one clock, read a minute at a time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from deepvanet.bundle import Bundle
from deepvanet.inference.faces import Faces, open_faces
from deepvanet.inference.quality import LEAST_GOOD, Flags
from deepvanet.inference.signals import Signals, open_signals
from deepvanet.schema import Stream, UserError

AT_ONCE_S = 64
"""Seconds that are held."""


@dataclass(frozen=True)
class Chunk:
    """Some seconds of a recording.

    Attributes
    ----------
    start : int
        The first second.
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

    start: int
    arrays: Mapping[Stream, NDArray[Any]]
    has: Mapping[Stream, Bool[np.ndarray, " second"]]
    bad_channels: tuple[str, ...]
    is_edge: Bool[np.ndarray, " second"]

    def __len__(self) -> int:
        return len(self.is_edge)

    def streams_of(self, second: int) -> frozenset[Stream]:
        """Return the streams that a second has, counted from the chunk's first."""
        return frozenset(stream for stream, has in self.has.items() if has[second])


@dataclass(frozen=True)
class Opened:
    """A recording that was opened, to be read once.

    Attributes
    ----------
    video_offset_s : float
        Second of the recording at which the video starts.
    """

    signals: Signals | None
    faces: Faces | None
    video_offset_s: float

    @property
    def n_seconds(self) -> int:
        """Whole seconds that anything is known of."""
        ends = [0]
        if self.signals is not None:
            ends.append(self.signals.feed.n_seconds)
        if self.faces is not None:
            ends.append(self.faces.first + self.faces.n_seconds)
        return max(ends)

    @property
    def notes(self) -> tuple[str, ...]:
        """What had to be assumed."""
        return () if self.signals is None else self.signals.notes

    def read(self, *, at_once_s: int = AT_ONCE_S) -> Iterator[Chunk]:
        """Yield all seconds in order."""
        for start in range(0, self.n_seconds, at_once_s):
            stop = min(start + at_once_s, self.n_seconds)
            yield self._read(start, stop)

    def _read(self, start: int, stop: int) -> Chunk:
        arrays: dict[Stream, NDArray[Any]] = {}
        has: dict[Stream, Bool[np.ndarray, " second"]] = {}
        named = [""] * (stop - start)
        edge = np.zeros(stop - start, bool)
        if self.signals is not None and start < self.signals.feed.n_seconds:
            end = min(stop, self.signals.feed.n_seconds)
            edge[: end - start] = self.signals.feed.edges[start:end]
            cut, bad = self.signals.read(start, end)
            for stream, flags in bad.items():
                good = 1 - flags.mean(axis=1)
                arrays[stream] = _widen(cut[stream], 0, stop - start)
                has[stream] = _widen(good >= LEAST_GOOD, 0, stop - start)
            named[: end - start] = _name_bad(self.signals, bad, end - start)
        if self.faces is not None:
            first = min(max(start, self.faces.first), stop)
            last = max(first, min(stop, self.faces.first + self.faces.n_seconds))
            clips, found = self.faces.take(last - first)
            arrays[Stream.FACE] = _widen(clips, first - start, stop - start)
            has[Stream.FACE] = _widen(found, first - start, stop - start)
        return Chunk(start, arrays, has, tuple(named), edge)


def open_recording(
    bundle: Bundle,
    *,
    video: Path | None,
    bio: Path | None,
    trial: str | None = None,
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
    offset_s, true_fps, signals = video_offset_s or 0.0, None, None
    if bio is not None:
        signals = open_signals(
            bio,
            bundle,
            trial=trial,
            baseline_s=baseline_s,
            has_video=video is not None,
        )
        for span in signals.spans:
            if video_offset_s is None:
                offset_s = span.onset_s - span.video_onset_s
            if video and span.video and video.samefile(span.video):
                true_fps = span.fps
    faces = None
    if video is not None:
        end = 0 if signals is None or not signals.placed else signals.feed.n_seconds
        faces = open_faces(video, bundle, offset_s, true_fps=true_fps, signals_end=end)
    _refuse_strangers(bundle, signals, faces)
    return Opened(signals, faces, offset_s)


def _refuse_strangers(
    bundle: Bundle, signals: Signals | None, faces: Faces | None
) -> None:
    streams = [] if signals is None else list(signals.placed)
    streams += [] if faces is None else [Stream.FACE]
    if bundle.pick(frozenset(streams)) is None:
        raise UserError(
            f"{bundle.path}: the bundle knows {', '.join(bundle.stream_sets)}, got "
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
