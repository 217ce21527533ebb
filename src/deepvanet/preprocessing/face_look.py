"""What a face looks like, to know whether it is the same person's as another.

No network is asked who it is. Shape, colour, brightness against the picture and size
are compared; each is measured in the difference at which it begins to count, so that
one large difference or several smaller ones make another person.

On six real clips of five people, halves of one clip differ by at most 1.4.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from deepvanet.preprocessing.face_crop import Face, Picture

SIDE = 64
SHAPE_STEP, COLOUR_STEP, BRIGHTNESS_STEP, SIZE_STEP = 0.6, 0.015, 0.3, 0.5
"""Differences that count as one: of correlation, of shares of red and green, and of
logarithms."""
OTHER_LOOK = 1.5
"""Looks that differ by more are of two people."""
COVERED_PART, SEEN_PART = 0.3, 0.65
"""Correlation of halves of a face: one below and one above, and a part is covered."""

Crop = UInt8[np.ndarray, "size size 3"]


@dataclass(frozen=True)
class FaceLook:
    """What a face looks like in a picture, or in several.

    Attributes
    ----------
    shape : array
        Directions of edges over an aligned crop, of mean 0 and length 1; zero for a
        crop without edges.
    patch : array, shape (16, 16)
        The crop in grey.
    colour : array, shape (2,)
        Shares of red and green.
    brightness, size : float
        Logarithms: of how much lighter it is than its picture, and of its extent.
    """

    shape: Float[np.ndarray, " edge"]
    patch: Float[np.ndarray, "16 16"]
    colour: Float[np.ndarray, "2"]
    brightness: float
    size: float


def look_at(rgb: Picture, face: Face, crop: Crop) -> FaceLook:
    """Describe a face by its aligned crop, its size, and the picture around it."""
    if len(crop) != SIDE:
        crop = cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.5)
    sums = crop.reshape(-1, 3).astype(np.float64) + 1.0
    shares = sums / sums.sum(axis=1, keepdims=True)
    around = float(rgb[::8, ::8].mean())
    return FaceLook(
        shape=_normalise(np.ravel(_make_hog().compute(smooth))),
        patch=cv2.resize(grey, (16, 16), interpolation=cv2.INTER_AREA).astype(float),
        colour=np.median(shares, axis=0)[:2],
        brightness=float(np.log((grey.mean() + 1) / (around + 1))),
        size=float(np.log(face.extent)),
    )


def average(looks: Sequence[FaceLook]) -> FaceLook:
    """Return what a face looks like most of the time."""
    return FaceLook(
        shape=_normalise(np.median([look.shape for look in looks], axis=0)),
        patch=np.median([look.patch for look in looks], axis=0),
        colour=np.median([look.colour for look in looks], axis=0),
        brightness=float(np.median([look.brightness for look in looks])),
        size=float(np.median([look.size for look in looks])),
    )


def compare_looks(one: FaceLook, other: FaceLook) -> float:
    """Return how much two faces differ; ``OTHER_LOOK`` is that of two people."""
    return float(np.hypot(_compare_face(one, other), _compare_size(one, other)))


def is_other_face(one: FaceLook, other: FaceLook) -> bool:
    """Say whether two faces at one place, so of one size, are of two people."""
    return _compare_face(one, other) > OTHER_LOOK


def is_partly_covered(face: FaceLook, usual: FaceLook) -> bool:
    """Say whether one half of a face is as usual, and the other is not."""
    for axis in (0, 1):
        halves = zip(
            np.split(face.patch, 2, axis), np.split(usual.patch, 2, axis), strict=True
        )
        alike = [_correlate(one, other) for one, other in halves]
        if min(alike) < COVERED_PART and max(alike) > SEEN_PART:
            return True
    return False


def _compare_face(one: FaceLook, other: FaceLook) -> float:
    is_plain = not one.shape.any() and not other.shape.any()
    shape = 0.0 if is_plain else 1 - float(one.shape @ other.shape)
    return float(
        np.linalg.norm(
            [
                shape / SHAPE_STEP,
                np.hypot(*(one.colour - other.colour)) / COLOUR_STEP,
                (one.brightness - other.brightness) / BRIGHTNESS_STEP,
            ]
        )
    )


def _compare_size(one: FaceLook, other: FaceLook) -> float:
    return (one.size - other.size) / SIZE_STEP


def _correlate(
    one: Float[np.ndarray, "row column"], other: Float[np.ndarray, "row column"]
) -> float:
    return float(_normalise(one.ravel()) @ _normalise(other.ravel()))


def _normalise(values: Float[np.ndarray, " value"]) -> Float[np.ndarray, " value"]:
    values = values - values.mean()
    length = float(np.linalg.norm(values))
    return values / length if length > 1e-6 else np.zeros_like(values)


@cache
def _make_hog() -> cv2.HOGDescriptor:
    return cv2.HOGDescriptor((SIDE, SIDE), (16, 16), (16, 16), (8, 8), 9)
