"""Turn a face level and cut it out by the paper's rule.

Points are in pixels of the picture, (x, y) from its upper left corner, where
the first pixel covers 0 to 1. Of two eyes the one on the picture's left comes
first.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

ABOVE_EYES, BELOW_LIPS = 0.45, 0.30
"""Edges of the crop, as fractions of the way from the eyes to the lips: the
paper's rule for a picture whose eyes are level."""

Picture = UInt8[np.ndarray, "height width 3"]
Point = Float[np.ndarray, "2"]


@dataclass(frozen=True)
class Face:
    """A face in a picture.

    Attributes
    ----------
    box : array, shape (4,)
        Left, top, width, height.
    eyes : array, shape (2, 2)
        Centre of each eye, the one on the picture's left first.
    lips : array, shape (2,)
        Mean of the landmarks on the lips.
    confidence : float
        The detector's own, 0 to 1.
    """

    box: Float[np.ndarray, "4"]
    eyes: Float[np.ndarray, "eye=2 2"]
    lips: Point
    confidence: float

    @property
    def centre(self) -> Point:
        """The middle of the box."""
        return self.box[:2] + self.box[2:] / 2

    @property
    def extent(self) -> float:
        """The side of a square as large as the box."""
        return math.sqrt(self.box[2] * self.box[3])

    @property
    def roll(self) -> float:
        """Angle of the eye line, in radians, clockwise on the picture."""
        across = self.eyes[1] - self.eyes[0]
        return math.atan2(across[1], across[0])

    @property
    def down(self) -> Point:
        """The direction straight across the eye line, of length one."""
        return np.array([-math.sin(self.roll), math.cos(self.roll)])

    @property
    def eyes_to_lips(self) -> float:
        """How far the lips are below the eyes once the eyes are level."""
        return float((self.lips - self.eyes.mean(axis=0)) @ self.down)


@dataclass(frozen=True)
class Square:
    """A part of a picture, turned about its middle by ``angle`` radians."""

    centre: Point
    side: float
    angle: float

    def to_picture(
        self, points: Float[np.ndarray, "point 2"], size: int
    ) -> Float[np.ndarray, "point 2"]:
        """Return where points of the cut square lie in the picture."""
        spread: Float[np.ndarray, "point 2"] = (points / size - 0.5) @ self._turn().T
        return self.centre + self.side * spread

    def cut(self, rgb: Picture, size: int) -> UInt8[np.ndarray, "size size 3"]:
        """Return the square as ``size`` x ``size`` pixels.

        Beyond the picture's edge its last pixels go on. A large square is
        shrunk over areas first, by a power of two, so that nothing aliases.
        """
        factor = 2 ** max(0, math.floor(math.log2(self.side / size)))
        height, width = rgb.shape[:2]
        shape = (max(1, width // factor), max(1, height // factor))
        if factor > 1:
            rgb = cv2.resize(rgb, shape, interpolation=cv2.INTER_AREA)
        scale = np.array([shape[0] / width, shape[1] / height])
        # OpenCV counts from the middle of the first pixel
        corners = np.array([[0.5, 0.5], [1.5, 0.5], [0.5, 1.5]])
        origin, right, below = self.to_picture(corners, size) * scale - 0.5
        crop: UInt8[np.ndarray, "size size 3"] = cv2.warpAffine(
            rgb,
            np.column_stack([right - origin, below - origin, origin]),
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return crop

    def _turn(self) -> Float[np.ndarray, "2 2"]:
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return np.array([[cos, -sin], [sin, cos]])


def align_face(
    rgb: Picture, face: Face, *, size: int = 64
) -> UInt8[np.ndarray, "size size 3"]:
    """Return the face upright, cut by the paper's rule.

    With the eyes level, E their mean, L the mean of the lips and
    d = L_y - E_y: a square from E_y - 0.45 d to L_y + 0.30 d, centred on E_x.
    """
    return find_square(face).cut(rgb, size)


def find_square(face: Face) -> Square:
    """Return the part of a picture that ``align_face`` cuts out."""
    d = face.eyes_to_lips
    middle = (1 + BELOW_LIPS - ABOVE_EYES) / 2 * d
    return Square(
        centre=face.eyes.mean(axis=0) + middle * face.down,
        side=(ABOVE_EYES + 1 + BELOW_LIPS) * d,
        angle=face.roll,
    )
