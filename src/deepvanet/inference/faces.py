"""The face of a recording, some seconds at a time, however long the video is."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8

from deepvanet.bundle import Bundle
from deepvanet.config import PrepareSettings
from deepvanet.preprocessing.face import (
    FaceBackend,
    FrameState,
    TrackedCrop,
    follow_face,
    load_backend,
    make_backend,
)
from deepvanet.preprocessing.segments import SEGMENT_S
from deepvanet.preprocessing.video import probe, sample_frames
from deepvanet.schema import UserError

BLOCK_S = 300.0
"""Seconds in which the subject is looked for at once; a trial is seldom longer."""

Clips = UInt8[np.ndarray, "second frame height width 3"]


@dataclass(frozen=True)
class FaceReader:
    """Reads the crops of a face as the video is decoded, once and in order.

    Attributes
    ----------
    first : int
        The second of the recording at which they start.
    """

    first: int
    n_seconds: int
    fps: float
    size: int
    crops: Iterator[TrackedCrop]

    def read(self, n_seconds: int) -> tuple[Clips, Bool[np.ndarray, " second"]]:
        """Return the next seconds, and which of them have a face throughout."""
        n_frames = round(self.fps * SEGMENT_S)
        clips = np.zeros((n_seconds, n_frames, self.size, self.size, 3), np.uint8)
        has = np.zeros(n_seconds, bool)
        for second in range(n_seconds):
            states = []
            for place in range(n_frames):
                tracked = next(self.crops)
                clips[second, place] = tracked.crop
                states.append(tracked.state)
            has[second] = FrameState.LOST not in states
        return clips, has


def open_face_reader(
    path: Path,
    bundle: Bundle,
    offset_s: float,
    *,
    true_fps: float | None,
    signals_end: int,
) -> FaceReader:
    """Find the face in each second that the video shows at least half of.

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
    signals_end : int
        Whole seconds of the recording that have signals.

    Returns
    -------
    FaceReader
        Starts at the first whole second of the recording that the video shows.

    Raises
    ------
    UserError
        When the video is too short, or none that can be read.
    """
    first = max(0, math.ceil(offset_s))
    start_s = first - offset_s
    shown_s = _measure_video(path, true_fps) - start_s
    if shown_s < 0.5:
        raise UserError(
            f"{path}: shows less than half a second to predict", field="video"
        )
    n_seconds = max(math.floor(shown_s + 0.5), signals_end - first)
    return _open_seconds(
        path,
        bundle.recipe,
        make_backend(bundle.recipe.face),
        first=first,
        n_seconds=n_seconds,
        start_s=start_s,
        true_fps=true_fps,
    )


def open_trial_face_reader(
    path: Path,
    bundle: Bundle,
    *,
    start_s: float,
    n_seconds: int,
    true_fps: float | None = None,
    face_choice: str = "",
) -> FaceReader:
    """Find the face in each second of a trial, as ``prepare`` does.

    Parameters
    ----------
    path : Path
        The video.
    bundle : Bundle
        Its recipe says how many frames a second has, how large crops are, and what
        finds faces.
    start_s : float
        Second of the video at which the trial starts.
    n_seconds : int
        Whole seconds of the trial.
    true_fps : float | None
        Frames a second, where the video's own number cannot be trusted.
    face_choice : str
        Which face is the subject's, as the table of trials says.

    Returns
    -------
    FaceReader
        Its seconds are counted from the start of the trial.
    """
    return _open_seconds(
        path,
        bundle.recipe,
        load_backend(bundle.recipe.face),
        first=0,
        n_seconds=n_seconds,
        start_s=start_s,
        true_fps=true_fps,
        face_choice=face_choice,
    )


def _open_seconds(
    path: Path,
    recipe: PrepareSettings,
    backend: FaceBackend,
    *,
    first: int,
    n_seconds: int,
    start_s: float,
    true_fps: float | None = None,
    face_choice: str = "",
) -> FaceReader:
    """Follow the face from a second of the video on, for so many seconds."""
    fps, size = recipe.face_fps, recipe.face_size
    n_frames = round(n_seconds * fps)
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
    return FaceReader(first, n_seconds, fps, size, crops)


def _measure_video(path: Path, true_fps: float | None) -> float:
    """Return how long a video lasts, in seconds."""
    info = probe(path)
    return info.duration_s * info.fps / (true_fps or info.fps)
