"""Follow the subject's face through a video and cut it out of every frame.

Who is the subject, of all whose faces are seen, is found by
:mod:`deepvanet.preprocessing.face_tracks`; who else is there is reported.

A frame without the subject's face is counted, never silently dropped:

- no face for a second or less: each frame takes the crop nearest in time;
- for longer: none of these frames has a face, their crops are zero;
- past the end of a short video: the last crop is repeated, for a second at most
  counted from the frame it was cut from.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from jaxtyping import Float, UInt8

from deepvanet.preprocessing.face_backends import (
    BACKENDS,
    FaceBackend,
    load_backend,
    make_backend,
)
from deepvanet.preprocessing.face_crop import Face, align_face, find_square
from deepvanet.preprocessing.face_findings import (
    SeenPerson,
    list_people,
    report_people,
)
from deepvanet.preprocessing.face_tracks import PersonFollower, is_face
from deepvanet.preprocessing.video import Frame
from deepvanet.schema import FrameState

__all__ = [
    "BACKENDS",
    "Corners",
    "Face",
    "FaceBackend",
    "FaceTrack",
    "FrameState",
    "SeenPerson",
    "TrackedCrop",
    "align_face",
    "follow_face",
    "is_face",
    "load_backend",
    "make_backend",
    "track_face",
]

MAX_GAP_S = 1.0
"""Longest stretch that may be bridged by crops of other frames."""
Crop = UInt8[np.ndarray, "size size 3"]
Corners = Float[np.ndarray, "4 2"]
_CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


@dataclass(frozen=True)
class TrackedCrop:
    """What became of one target time: its number, its state and its crop.

    Attributes
    ----------
    corners : array, shape (4, 2)
        Of the crop in the picture, as fractions of its width and height, from the
        upper left one clockwise; None where the crop is of no or another frame.
    """

    index: int
    state: FrameState
    crop: Crop
    corners: Corners | None = None


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
    people : tuple of SeenPerson
        Who was seen, the subject first.
    """

    crops: UInt8[np.ndarray, "frame size size 3"]
    state: UInt8[np.ndarray, " frame"]
    n_sampled: int
    people: tuple[SeenPerson, ...] = ()

    @property
    def n_found(self) -> int:
        """Frames in which the face was found."""
        return self._count(FrameState.FOUND)

    @property
    def n_filled(self) -> int:
        """Frames that took the crop of another, within a second."""
        return self._count(FrameState.FILLED)

    @property
    def n_lost(self) -> int:
        """Frames without any crop."""
        return self._count(FrameState.LOST)

    def _count(self, state: FrameState) -> int:
        return int((self.state == state).sum())


def track_face(
    frames: Iterable[Frame],
    backend: FaceBackend,
    *,
    n_frames: int,
    size: int = 64,
    fps: float = 5.0,
    face_choice: str = "",
    source: object = "",
    place: str = "",
) -> FaceTrack:
    """Return the subject's crop for each of ``n_frames`` target times.

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
    face_choice : str
        Which face is the subject's: ``left``, ``right``, ``largest`` or a box; empty
        for the one that is there longest.
    source : object
        The video, for findings.
    place : str
        The trial, for findings.

    Returns
    -------
    FaceTrack
        The crops, how each was found, and who was seen.

    Raises
    ------
    UserError
        When ``face_choice`` is none of these.
    """
    crops = np.zeros((n_frames, size, size, 3), dtype=np.uint8)
    state = np.full(n_frames, FrameState.LOST, dtype=np.uint8)
    follower = PersonFollower(backend, size=size, fps=fps, face_choice=face_choice)
    for tracked in _follow(
        frames, follower, n_frames=n_frames, size=size, source=source, place=place
    ):
        crops[tracked.index] = tracked.crop
        state[tracked.index] = tracked.state
    return FaceTrack(crops, state, follower.n_images, list_people(follower))


def follow_face(
    frames: Iterable[Frame],
    backend: FaceBackend,
    *,
    n_frames: int | None = None,
    size: int = 64,
    fps: float = 5.0,
    block_s: float | None = None,
    face_choice: str = "",
    source: object = "",
) -> Iterator[TrackedCrop]:
    """Yield a crop for each target time as the video goes by, however long it is.

    The crops of a block come once its frames were looked at. Who the subject is may
    change from block to block only until the face was seen for some seconds.

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
    block_s : float | None
        Seconds that are looked at before their crops come; None for all.
    face_choice : str
        As ``track_face`` takes it.
    source : object
        The video, for findings.

    Yields
    ------
    TrackedCrop
        One for each target time, in order.

    Raises
    ------
    UserError
        When ``face_choice`` is none of what it may be.
    """
    follower = PersonFollower(
        backend, size=size, fps=fps, face_choice=face_choice, block_s=block_s
    )
    return _follow(frames, follower, n_frames=n_frames, size=size, source=source)


def _follow(
    frames: Iterable[Frame],
    follower: PersonFollower,
    *,
    n_frames: int | None,
    size: int,
    source: object,
    place: str = "",
) -> Iterator[TrackedCrop]:
    """Report who is seen, and fill what is lost for a second or less."""

    def tell(follower: PersonFollower) -> None:
        report_people(follower, source=source, place=place)

    max_gap = round(MAX_GAP_S * follower.fps)
    nothing = np.zeros((size, size, 3), dtype=np.uint8)
    last: Crop | None = None
    first_open, n_seen = 0, 0
    wanted = takewhile(lambda f: n_frames is None or f.index < n_frames, frames)
    for index, seen in follower.follow(wanted, tell):
        n_seen = index + 1
        if seen is None:
            continue
        crop = seen.crop
        gap = range(first_open, index)
        for slot in gap:
            near = crop if last is None or _is_later_half(slot, gap) else last
            yield _fill(slot, near if len(gap) <= max_gap else None, nothing)
        corners = find_square(seen.face).to_picture(_CORNERS, 1) / follower.picture
        yield TrackedCrop(index, FrameState.FOUND, crop, corners)
        last, first_open = crop, n_seen
    tail = last if n_seen - first_open <= max_gap else None
    for slot in range(first_open, n_seen):
        yield _fill(slot, tail, nothing)
    for slot in range(n_seen, n_frames or 0):
        if tail is not None and slot < first_open + max_gap:
            yield TrackedCrop(slot, FrameState.PADDED, tail)
        else:
            yield TrackedCrop(slot, FrameState.LOST, nothing)


def _fill(slot: int, crop: Crop | None, nothing: Crop) -> TrackedCrop:
    if crop is None:
        return TrackedCrop(slot, FrameState.LOST, nothing)
    return TrackedCrop(slot, FrameState.FILLED, crop)


def _is_later_half(slot: int, gap: range) -> bool:
    return slot - gap.start > gap.stop - 1 - slot
