"""The face of a recording, some segments at a time, however long the video is."""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8

from deepvanet.bundle import Bundle
from deepvanet.preprocessing.face import (
    Corners,
    FaceBackend,
    FrameState,
    TrackedCrop,
    follow_face,
    load_backend,
    make_backend,
)
from deepvanet.preprocessing.video import probe, sample_frames
from deepvanet.schema import UserError

BLOCK_S = 300.0
"""Seconds in which the subject is looked for at once; a trial is seldom longer."""

Clips = UInt8[np.ndarray, "segment frame height width 3"]


@dataclass(frozen=True)
class FaceReader:
    """Reads the crops of a face as the video is decoded, once and in order.

    Attributes
    ----------
    first : int
        The segment of the recording with which they start.
    n_segments : int
        How many there are.
    length : int
        Frames of a segment.
    clips : iterator
        The frames of each segment; segments may share some.
    fps : float
        Frames a second.
    start_s : float
        Second of the video at which the first frame lies.
    squares : dict
        Of each frame that was read and shows the face, by its number, the corners of
        what was cut out, as ``TrackedCrop`` has them.
    """

    first: int
    n_segments: int
    length: int
    size: int
    clips: Iterator[Sequence[TrackedCrop]]
    fps: float = 1.0
    start_s: float = 0.0
    squares: dict[int, Corners] = field(default_factory=dict)

    def read(self, n_segments: int) -> tuple[Clips, Bool[np.ndarray, " segment"]]:
        """Return the next segments, and which of them have a face throughout."""
        shape = (n_segments, self.length, self.size, self.size, 3)
        clips, has = np.zeros(shape, np.uint8), np.zeros(n_segments, bool)
        for segment in range(n_segments):
            frames = next(self.clips)
            clips[segment] = [tracked.crop for tracked in frames]
            self.squares.update(
                {f.index: f.corners for f in frames if f.corners is not None}
            )
            has[segment] = all(f.state is not FrameState.LOST for f in frames)
        return clips, has


def slide(
    crops: Iterator[TrackedCrop], starts: Iterable[int], length: int
) -> Iterator[Sequence[TrackedCrop]]:
    """Yield the frames of each window; no more than one window is held."""
    held: deque[TrackedCrop] = deque(maxlen=length)
    n_read = 0
    for start in starts:
        while n_read < start + length:
            held.append(next(crops))
            n_read += 1
        yield held


def open_face_reader(
    path: Path,
    bundle: Bundle,
    offset_s: float,
    *,
    true_fps: float | None,
    n_with_signals: int,
) -> FaceReader:
    """Find the face in each segment of whose end the video shows half a second.

    Where the signals go on, the end is padded from the last face as in ``prepare``.

    Parameters
    ----------
    path : Path
        The video.
    bundle : Bundle
        Its recipe says how many frames a second has, how large crops are, and what
        finds faces.
    offset_s : float
        Second of the recording at which the video starts.
    true_fps : float | None
        Frames a second, where the video's own number cannot be trusted.
    n_with_signals : int
        Segments of the recording that have signals.

    Returns
    -------
    FaceReader
        Starts with the first segment of the recording that the video shows whole.

    Raises
    ------
    UserError
        When the video is too short, or none that can be read.
    """
    grid = bundle.grid
    first = max(0, math.ceil(offset_s / grid.step_s))
    start_s = first * grid.step_s - offset_s
    shown_s = _measure_video(path, true_fps) - start_s
    if shown_s < 0.5:
        raise UserError(
            f"{path}: shows less than half a second to predict", field="video"
        )
    n_shown = grid.count(math.floor(shown_s + 0.5))
    return _open_segments(
        path,
        bundle,
        make_backend(bundle.recipe.face),
        first=first,
        n_segments=max(n_shown, n_with_signals - first),
        start_s=start_s,
        true_fps=true_fps,
    )


def open_trial_face_reader(
    path: Path,
    bundle: Bundle,
    *,
    start_s: float,
    n_segments: int,
    lasts_s: float,
    true_fps: float | None = None,
    face_choice: str = "",
) -> FaceReader:
    """Find the face in each segment of a trial, as ``prepare`` does.

    Parameters
    ----------
    path : Path
        The video.
    bundle : Bundle
        Its recipe says how many frames a second has, how large crops are, and what
        finds faces.
    start_s : float
        Second of the video at which the trial starts.
    n_segments : int
        Whole segments of the trial.
    lasts_s : float
        How long the trial is; frames after its last segment may fill lost ones in it.
    true_fps : float | None
        Frames a second, where the video's own number cannot be trusted.
    face_choice : str
        Which face is the subject's, as the table of trials says.

    Returns
    -------
    FaceReader
        Its segments are counted from the start of the trial.
    """
    return _open_segments(
        path,
        bundle,
        load_backend(bundle.recipe.face),
        first=0,
        n_segments=n_segments,
        start_s=start_s,
        lasts_s=lasts_s,
        true_fps=true_fps,
        face_choice=face_choice,
    )


def _open_segments(
    path: Path,
    bundle: Bundle,
    backend: FaceBackend,
    *,
    first: int,
    n_segments: int,
    start_s: float,
    lasts_s: float = 0.0,
    true_fps: float | None = None,
    face_choice: str = "",
) -> FaceReader:
    """Follow the face from a second of the video on, for so many segments."""
    fps, size, grid = bundle.recipe.face_fps, bundle.recipe.face_size, bundle.grid
    starts = grid.place(np.arange(n_segments), fps).tolist()
    length = grid.measure(fps)
    needed = starts[-1] + length if starts else 0
    n_frames = max(needed, math.floor(int(lasts_s) * fps))
    frames = sample_frames(
        path, fps=fps, true_fps=true_fps, start_s=start_s, n_frames=n_frames
    )
    crops = follow_face(
        frames,
        backend,
        n_frames=n_frames,
        size=size,
        fps=fps,
        block_s=BLOCK_S,
        face_choice=face_choice,
        source=path,
    )
    clips = slide(crops, starts, length)
    return FaceReader(first, n_segments, length, size, clips, fps, start_s)


def _measure_video(path: Path, true_fps: float | None) -> float:
    """Return how long a video lasts, in seconds."""
    info = probe(path)
    return info.duration_s * info.fps / (true_fps or info.fps)
