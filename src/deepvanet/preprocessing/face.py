"""Follow one face through a video and cut it out of every frame.

The largest face is the subject's; from then on it is the one nearest to where
it was last. A face too far away, or of another size, is another person's or no
face at all, and is left alone until the subject's has been gone for a while.

A frame without a face is counted, never silently dropped:

- no face for a second or less: each frame takes the crop nearest in time;
- for longer: none of these frames has a face, their crops are zero;
- past the end of a short video: the last crop is repeated, for a second at most
  counted from the frame it was cut from.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import UInt8

from deepvanet.preprocessing.face_backends import BACKENDS, FaceBackend, make_backend
from deepvanet.preprocessing.face_crop import Face, Picture, align_face
from deepvanet.preprocessing.video import Frame

__all__ = [
    "BACKENDS",
    "Face",
    "FaceBackend",
    "FaceTrack",
    "FaceTracker",
    "FrameState",
    "TrackedCrop",
    "align_face",
    "follow_face",
    "is_face",
    "make_backend",
    "track_face",
]

MAX_GAP_S = 1.0
"""Longest stretch that may be bridged by crops of other frames."""
FORGET_S = 5.0
"""After this long without the subject's face, the largest is taken again."""
JUMP, JUMP_PER_S = 0.5, 0.5
"""How far a face may move between two frames, in its own extents: at once, and
more for each second between them."""
MAX_GROWTH = 1.6
"""By what factor its extent may change between two frames."""
LIPS_REACH = (0.1, 0.8)
"""Eyes to lips, as a fraction of the face's extent: outside, it is no face. On
real clips it is 0.35 to 0.45."""

Crop = UInt8[np.ndarray, "size size 3"]


class FrameState(IntEnum):
    """Where the crop of a frame comes from."""

    LOST = 0
    FOUND = 1
    FILLED = 2
    PADDED = 3


@dataclass(frozen=True)
class TrackedCrop:
    """What became of one target time: its number, its state and its crop."""

    index: int
    state: FrameState
    crop: Crop


@dataclass(frozen=True)
class FaceTrack:
    """One subject's face through a trial, a crop for each target time.

    Attributes
    ----------
    crops : array, shape (frame, size, size, 3)
        Zero where the face is lost.
    state : array, shape (frame,)
        Values of ``FrameState``.
    n_sampled : int
        Target times for which the video has a frame.
    """

    crops: UInt8[np.ndarray, "frame size size 3"]
    state: UInt8[np.ndarray, " frame"]
    n_sampled: int

    @property
    def n_found(self) -> int:
        """Frames in which the face was found."""
        return self._count(FrameState.FOUND)

    @property
    def n_filled(self) -> int:
        """Frames that took the crop of another, within a second."""
        return self._count(FrameState.FILLED)

    @property
    def n_padded(self) -> int:
        """Frames past the video's end that took its last crop."""
        return self._count(FrameState.PADDED)

    @property
    def n_lost(self) -> int:
        """Frames without any crop."""
        return self._count(FrameState.LOST)

    def _count(self, state: FrameState) -> int:
        return int((self.state == state).sum())


class FaceTracker:
    """Pick the same face from picture to picture.

    Parameters
    ----------
    backend : FaceBackend
        Finds the faces.
    """

    def __init__(self, backend: FaceBackend) -> None:
        self.backend = backend
        self._last: Face | None = None
        self._last_s = 0.0

    def follow(self, rgb: Picture, time_s: float) -> Face | None:
        """Return the subject's face in the next picture, or None."""
        elapsed_s = time_s - self._last_s
        if elapsed_s > FORGET_S:
            self._last = None
        chosen = _choose(self.backend.detect(rgb), self._last, elapsed_s)
        face = None if chosen is None else self.backend.refine(rgb, chosen)
        if face is None or not is_face(face):
            return None
        self._last, self._last_s = face, time_s
        return face


def track_face(
    frames: Iterable[Frame],
    backend: FaceBackend,
    *,
    n_frames: int,
    size: int = 64,
    fps: float = 5.0,
) -> FaceTrack:
    """Return a crop for each of ``n_frames`` target times.

    Parameters
    ----------
    frames : iterable of Frame
        As :func:`deepvanet.preprocessing.video.sample_frames` yields them.
    backend : FaceBackend
        From :func:`make_backend`.
    n_frames : int
        Length of the result; a video that ends sooner is padded.
    size : int
        Side of a crop in pixels.
    fps : float
        Target times a second.

    Returns
    -------
    FaceTrack
        The crops, and how each was found.
    """
    crops = np.zeros((n_frames, size, size, 3), dtype=np.uint8)
    state = np.full(n_frames, FrameState.LOST, dtype=np.uint8)
    sampled: list[int] = []
    for tracked in follow_face(
        _note(frames, sampled), backend, n_frames=n_frames, size=size, fps=fps
    ):
        crops[tracked.index] = tracked.crop
        state[tracked.index] = tracked.state
    return FaceTrack(crops, state, sum(index < n_frames for index in sampled))


def follow_face(
    frames: Iterable[Frame],
    backend: FaceBackend,
    *,
    n_frames: int | None = None,
    size: int = 64,
    fps: float = 5.0,
) -> Iterator[TrackedCrop]:
    """Yield a crop for each target time as the video goes by, however long it is.

    A crop comes as soon as its frame has a face, a filled or lost one as soon as the
    next face is found.

    Parameters
    ----------
    frames : iterable of Frame
        As :func:`deepvanet.preprocessing.video.sample_frames` yields them.
    backend : FaceBackend
        From :func:`make_backend`.
    n_frames : int | None
        Target times; a video that ends sooner is padded. None: all frames, no padding.
    size : int
        Side of a crop in pixels.
    fps : float
        Target times a second.

    Yields
    ------
    TrackedCrop
        One for each target time, in order.
    """
    max_gap = round(MAX_GAP_S * fps)
    nothing = np.zeros((size, size, 3), dtype=np.uint8)
    last: Crop | None = None
    first_open, n_seen = 0, 0
    for index, crop in _cut_faces(frames, backend, size):
        if n_frames is not None and index >= n_frames:
            break
        n_seen = index + 1
        if crop is None:
            continue
        gap = range(first_open, index)
        for slot in gap:
            near = crop if last is None or _is_later_half(slot, gap) else last
            yield _fill(slot, near if len(gap) <= max_gap else None, nothing)
        yield TrackedCrop(index, FrameState.FOUND, crop)
        last, first_open = crop, n_seen
    tail = last if n_seen - first_open <= max_gap else None
    for slot in range(first_open, n_seen):
        yield _fill(slot, tail, nothing)
    for slot in range(n_seen, n_frames or 0):
        if tail is not None and slot < first_open + max_gap:
            yield TrackedCrop(slot, FrameState.PADDED, tail)
        else:
            yield TrackedCrop(slot, FrameState.LOST, nothing)


def _cut_faces(
    frames: Iterable[Frame], backend: FaceBackend, size: int
) -> Iterator[tuple[int, Crop | None]]:
    tracker = FaceTracker(backend)
    for frame in frames:
        face = tracker.follow(frame.rgb, frame.target_s)
        crop = None if face is None else align_face(frame.rgb, face, size=size)
        yield frame.index, crop


def _fill(slot: int, crop: Crop | None, nothing: Crop) -> TrackedCrop:
    if crop is None:
        return TrackedCrop(slot, FrameState.LOST, nothing)
    return TrackedCrop(slot, FrameState.FILLED, crop)


def _is_later_half(slot: int, gap: range) -> bool:
    return slot - gap.start > gap.stop - 1 - slot


def _note(frames: Iterable[Frame], indexes: list[int]) -> Iterator[Frame]:
    for frame in frames:
        indexes.append(frame.index)
        yield frame


def _choose(found: list[Face], last: Face | None, elapsed_s: float) -> Face | None:
    """Return the subject's face: the largest at first, then the nearest."""
    if last is None:
        return max(found, key=lambda face: face.extent, default=None)
    reach = last.extent * (JUMP + JUMP_PER_S * elapsed_s)
    near = [
        face
        for face in found
        if _distance(face, last) <= reach
        and 1 / MAX_GROWTH <= face.extent / last.extent <= MAX_GROWTH
    ]
    return min(near, key=lambda face: _distance(face, last), default=None)


def _distance(one: Face, other: Face) -> float:
    return float(np.hypot(*(one.centre - other.centre)))


def is_face(face: Face) -> bool:
    """Say whether the lips are about as far below the eyes as lips are."""
    low, high = LIPS_REACH
    return low * face.extent < face.eyes_to_lips <= high * face.extent
