"""Cut out a face whose 68 landmarks are given, as the video pipeline would.

The landmarks are those of iBUG 300-W [1]_, x and y, whole numbers being the
middles of pixels. They are reduced to the points that the pipeline aligns by: the
eyes, by their corners, as its default face backend has them, and the mean of the
lips. So faces with given landmarks have the framing of faces found in a video.

References
----------
.. [1] Sagonas et al. (2013). 300 Faces in-the-Wild Challenge: the first facial
   landmark localization challenge. ICCV Workshops, 397-403.
"""

import numpy as np
from jaxtyping import Float, UInt8

from deepvanet.preprocessing.face_crop import Face, Picture, align_face
from deepvanet.preprocessing.face_tracks import is_face

EYE_CORNERS = ((36, 39), (42, 45))
"""Of each eye, the one on the picture's left first."""
LIPS = slice(48, 68)
"""Measured on real faces, their mean is where ``dlib5`` has the lips; the corners
alone are not, since they follow every smile."""

Landmarks = Float[np.ndarray, "68 2"]


def crop_by_landmarks(
    rgb: Picture, landmarks: Landmarks, *, size: int = 64
) -> UInt8[np.ndarray, "size size 3"] | None:
    """Return the face upright, cut by the paper's rule.

    None where the landmarks make no face: lips too near to the eyes, above them,
    or too far away.
    """
    face = reduce_landmarks(landmarks)
    return align_face(rgb, face, size=size) if is_face(face) else None


def reduce_landmarks(landmarks: Landmarks) -> Face:
    """Return the points that the video pipeline would have placed."""
    points = landmarks + 0.5
    low, high = points.min(axis=0), points.max(axis=0)
    return Face(
        box=np.concatenate([low, high - low]),
        eyes=np.stack([points[list(eye)].mean(axis=0) for eye in EYE_CORNERS]),
        lips=points[LIPS].mean(axis=0),
        confidence=1.0,
    )
