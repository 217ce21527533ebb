"""Where faces are in every frame of a video, and blurring them.

Faces are looked for ten times a second, at two sizes, and a doubtful one counts: a
blurred wall does no harm. Faces that follow each other in one place are one track. In a
frame a track covers all places where its face was seen half a second before or after,
with a margin. Where it was not seen for longer, what it covered before and after stays
blurred with a wider margin; before its first and after its last sighting for three
seconds. A frame near which no face at all was seen is blurred whole: where the face is,
is not known.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import Float

from deepvanet.preprocessing.face_backends import YuNet
from deepvanet.preprocessing.face_crop import Picture
from deepvanet.preprocessing.weight_files import find_weights

LOOK_S = 0.1
"""Seconds from one frame that is looked at to the next."""
SIDES = (320, 640)
"""Long sides in pixels of the pictures that faces are looked for in; small faces are
found in the larger one, those that fill the picture in the smaller one."""
LEAST_CONFIDENCE = 0.3
"""Of a face that is blurred; half of what a face that is used needs."""
MARGIN, WIDE_MARGIN = 0.4, 1.0
"""Added on each side, as a share of a box, where a face was seen, and where it was not:
a box ends at the forehead and the ears."""
HOLD_S, LOST_S = 0.5, 3.0
"""Seconds for which a face stays where it was seen, and for which it is still covered
beyond its first and last sighting."""
CELLS = 5
"""Cells, across and down, that a blurred region is left with."""
CELLS_OF_ALL = 6
"""The same of a frame that is blurred whole."""
MOST_CHECKS = 3
"""How often a blurred picture is looked at again before it is blurred whole."""
NEAR = 1.0
"""Of a track: how far its face may move between two sightings, as a multiple of its
size."""

Box = Float[np.ndarray, "4"]
Boxes = Float[np.ndarray, "face 4"]
FrameBoxes = Float[np.ndarray, "_ 4"]


class FaceFinder:
    """Finds all faces, doubtful ones too."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        weights = find_weights("yunet")
        self._nets = [YuNet(weights, side, least=LEAST_CONFIDENCE) for side in SIDES]

    def find(self, rgb: Picture, *, quickly: bool = False) -> Boxes:
        """Return the boxes of a picture: left, top, width, height.

        Parameters
        ----------
        rgb : array, shape (height, width, 3)
            The picture.
        quickly : bool
            Only at the smaller size.
        """
        large = max(rgb.shape[:2]) > SIDES[0] and not quickly
        nets = self._nets if large else self._nets[:1]
        boxes = [face.box for net in nets for face in net.find(rgb)]
        return np.array(boxes, dtype=np.float64).reshape(-1, 4)


@dataclass
class _Track:
    """Sightings of a face, by time."""

    times_s: list[float] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)


class FaceRegions:
    """The regions that are blurred in each frame.

    Parameters
    ----------
    times_s : sequence of float
        When the frames are shown that were looked at; they rise.
    boxes : sequence of array, shape (face, 4)
        The faces of each.

    Examples
    --------
    A face that is seen in one of three frames, a second apart:

    >>> none, face = np.empty((0, 4)), np.array([[10.0, 10.0, 10.0, 10.0]])
    >>> regions = FaceRegions([0.0, 1.0, 2.0], [none, face, none])
    >>> regions.find(0.0) is None, regions.find(1.4).tolist()
    (True, [[6.0, 6.0, 18.0, 18.0]])
    """

    def __init__(self, times_s: Sequence[float], boxes: Sequence[FrameBoxes]) -> None:
        seen_s = [t for t, held in zip(times_s, boxes, strict=True) if len(held)]
        self._seen_s = np.array(seen_s, dtype=np.float64)
        self._tracks = [
            (np.array(track.times_s), np.array(track.boxes))
            for track in _join_tracks(times_s, boxes)
        ]

    def find(self, now_s: float) -> Boxes | None:
        """Return what is blurred at a time; None where no face was seen near it."""
        if not _any_within(self._seen_s, now_s, HOLD_S):
            return None
        regions = [_cover(*track, now_s) for track in self._tracks]
        return np.array([r for r in regions if r is not None]).reshape(-1, 4)


def _join_tracks(times_s: Sequence[float], boxes: Sequence[FrameBoxes]) -> list[_Track]:
    """Join the sightings of faces: each goes to the track that was last nearest."""
    tracks: list[_Track] = []
    last = np.empty((0, 4))
    for now_s, held in zip(times_s, boxes, strict=True):
        for box in held:
            ways = _measure_ways(last, box)
            place = int(ways.argmin()) if len(ways) else -1
            if place < 0 or ways[place] > NEAR:
                place = len(tracks)
                tracks.append(_Track())
                last = np.concatenate([last, box[None]])
            tracks[place].times_s.append(now_s)
            tracks[place].boxes.append(box)
            last[place] = box
    return tracks


def _measure_ways(boxes: Boxes, box: Box) -> Float[np.ndarray, " face"]:
    """Return how far boxes are from another, as multiples of the larger one's size."""
    way = (boxes[:, :2] + boxes[:, 2:] / 2) - (box[:2] + box[2:] / 2)
    size = np.maximum(boxes[:, 2:].max(axis=1, initial=0.0), box[2:].max())
    return np.asarray(np.hypot(way[:, 0], way[:, 1]) / size)


def _any_within(
    times_s: Float[np.ndarray, " time"], now_s: float, reach: float
) -> bool:
    """Say whether one of some rising times is within reach."""
    low, high = np.searchsorted(times_s, (now_s - reach, now_s + reach + 1e-9))
    return bool(high > low)


def _cover(
    times_s: Float[np.ndarray, " sighting"],
    boxes: Float[np.ndarray, "sighting 4"],
    now_s: float,
) -> Box | None:
    """Return what a track covers at a time; None long before or after it."""
    low, high = np.searchsorted(times_s, (now_s - HOLD_S, now_s + HOLD_S + 1e-9))
    if high > low:
        return _widen(_surround(boxes[low:high]), MARGIN)
    if low == 0 or low == len(times_s):
        end = 0 if low == 0 else -1
        is_near = abs(float(times_s[end]) - now_s) <= LOST_S
        return _widen(boxes[end], WIDE_MARGIN) if is_near else None
    return _widen(_surround(boxes[low - 1 : low + 1]), WIDE_MARGIN)


def _surround(boxes: Boxes) -> Box:
    """Return the box around some boxes."""
    low = boxes[:, :2].min(axis=0)
    high = (boxes[:, :2] + boxes[:, 2:]).max(axis=0)
    return np.concatenate([low, high - low])


def _widen(box: Box, margin: float) -> Box:
    return np.concatenate([box[:2] - margin * box[2:], (1 + 2 * margin) * box[2:]])


def blur_regions(rgb: Picture, regions: Boxes) -> Picture:
    """Return a picture of which regions are left with ``CELLS`` x ``CELLS`` cells."""
    blurred = rgb.copy()
    height, width = rgb.shape[:2]
    for left, top, across, down in regions:
        x = slice(max(0, int(np.floor(left))), min(width, int(np.ceil(left + across))))
        y = slice(max(0, int(np.floor(top))), min(height, int(np.ceil(top + down))))
        part = blurred[y, x]
        if part.size:
            blurred[y, x] = _smear(part, CELLS)
    return blurred


def blur_whole(rgb: Picture) -> Picture:
    """Return a picture that is left with ``CELLS_OF_ALL`` cells across and down."""
    return _smear(rgb, CELLS_OF_ALL)


def hide_faces(
    rgb: Picture, regions: Boxes | None, finder: FaceFinder, *, quickly: bool = False
) -> Picture:
    """Return a picture in which no face is found any more.

    Parameters
    ----------
    rgb : array, shape (height, width, 3)
        The picture.
    regions : array, shape (region, 4), or None
        What is blurred; None for all of it.
    finder : FaceFinder
        Looks at the result: what it still finds is blurred too, in the end the whole
        picture, and where it finds a face even there, the picture is of one colour.
    quickly : bool
        Whether it looks only at the smaller size.

    Returns
    -------
    array, shape (height, width, 3)
        A new one.
    """
    if regions is not None:
        blurred = blur_regions(rgb, regions)
        for _ in range(MOST_CHECKS):
            found = finder.find(blurred, quickly=quickly)
            if not len(found):
                return blurred
            wider = np.array([_widen(box, WIDE_MARGIN) for box in found])
            blurred = blur_regions(blurred, wider)
    blurred = blur_whole(rgb)
    if not len(finder.find(blurred, quickly=quickly)):
        return blurred
    mean = rgb.reshape(-1, 3).mean(axis=0)
    return np.broadcast_to(mean.astype(np.uint8), rgb.shape).copy()


def _smear(part: Picture, cells: int) -> Picture:
    height, width = part.shape[:2]
    few = cv2.resize(part, (cells, cells), interpolation=cv2.INTER_AREA)
    smooth = cv2.resize(few, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(smooth, dtype=np.uint8)
