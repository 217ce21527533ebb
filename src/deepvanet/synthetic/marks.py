"""The 68 landmarks of a synthetic face, where the video shows them.

They are the points of iBUG 300-W [1]_, placed on the photograph by hand. Places
are warped as colours are, so what is annotated is what is seen.

References
----------
.. [1] Sagonas et al. (2013). 300 Faces in-the-Wild Challenge: the first facial
   landmark localization challenge. ICCV Workshops, 397-403.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int

from deepvanet.synthetic.behaviour import Behaviour
from deepvanet.synthetic.face import (
    Camera,
    MovingFace,
    list_frames,
    move_features,
    place_camera,
    pose_head,
    stay,
    warp,
)
from deepvanet.synthetic.portrait import (
    DETAIL,
    Points,
    Portrait,
    reshape_field,
    to_pixels,
)

MARKS = (
    # jaw
    *((179.5, 103), (179.5, 115), (180.5, 127), (182, 139), (185, 150.5), (191, 160)),
    *((199.5, 169), (209, 176), (220, 178.5), (232, 177), (243, 171.5), (253, 163)),
    *((260, 153), (265, 143), (268, 131.5), (270, 120), (271.5, 107)),
    # brows
    *((188, 92), (193, 88.5), (200, 87.5), (207, 89.5), (214, 93)),
    *((236.5, 93.5), (243.5, 92), (251, 91.5), (258, 93.5), (264, 97.5)),
    # nose
    *((226, 103), (225.5, 111), (225.5, 118), (225, 127)),
    *((214.5, 131), (219, 132.5), (224.5, 134), (230, 133), (234.5, 131.5)),
    # eyes
    *((191.5, 100), (198, 97.2), (207, 97.6), (213.5, 103), (206, 104.7), (199, 103.6)),
    *(
        (236, 105),
        (242, 100.6),
        (250, 99.8),
        (258, 103.5),
        (250.5, 106.8),
        (243, 106.7),
    ),
    # lips, outside and inside
    *((202, 139.5), (208.5, 138.8), (217, 139), (222.5, 139.8), (229, 139.2)),
    *((237, 139.6), (243.5, 140.7), (238, 150.5), (231, 154.5), (222, 156)),
    *((214, 154), (206.5, 149.5)),
    *((204, 140.5), (214, 142.6), (222, 143.6), (231, 143.3), (241.5, 141.7)),
    *((232, 149), (222, 149.7), (212, 148.4)),
)
"""x and y in pixels of the photograph."""
MIRRORED = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46),
    *(39, 38, 37, 36, 41, 40),
    *range(54, 47, -1),
    *range(59, 54, -1),
    *range(64, 59, -1),
    *range(67, 64, -1),
)
"""Which point takes the place of each in a mirrored picture."""
N_STEPS = 20
"""Of solving for a person's own points; 10 leave less than a hundredth of a pixel."""
STEP, REACH = 16, 20
"""Pixels between two of a coarse search, and about its best, where the best of all
is found."""

Places = Float32[np.ndarray, "height width 2"]


def mark(face: MovingFace, behaviour: Behaviour, camera: Camera) -> Iterator[Points]:
    """Yield where :func:`record_video` shows the 68 landmarks, frame by frame.

    A landmark lies where its own place is seen, or the place nearest to it: one
    that is hidden lies on the edge that hides it.
    """
    portrait = face.portrait
    wanted = reshape_marks(portrait)
    view = place_camera(portrait, camera)
    height, width = portrait.luma.shape
    still = np.ascontiguousarray(np.moveaxis(stay(height, width), 0, -1))
    scale = camera.zoom / DETAIL * np.array([-1.0 if portrait.mirrored else 1.0, 1.0])
    for k in list_frames(behaviour):
        places = still.copy()
        move_features(face, behaviour, k, (places,))
        aim = view.aim(pose_head(behaviour, k))
        seen = warp(places, aim, cv2.BORDER_REPLICATE)
        found = np.stack([_find(seen, place, scale) for place in wanted])
        yield found[list(MIRRORED)] if portrait.mirrored else found


def reshape_marks(portrait: Portrait) -> Points:
    """Return the 68 landmarks of a person at rest, in pixels of the portrait."""
    average = to_pixels(np.array(MARKS))
    shape = (portrait.luma.shape[0], portrait.luma.shape[1])
    dx, dy = reshape_field(portrait.landmarks, shape)
    own = average
    for _ in range(N_STEPS):
        x, y = own.astype(np.float32).T
        moves = [cv2.remap(d, x, y, cv2.INTER_LINEAR)[:, 0] for d in (dx, dy)]
        own = average - np.stack(moves, axis=1)
    return own


def _find(
    seen: Places, place: Float[np.ndarray, "2"], scale: Float[np.ndarray, "2"]
) -> Float[np.ndarray, "2"]:
    """Return x and y of what is seen nearest to a place, to parts of a pixel."""
    x, y = STEP * _find_pixel(seen[::STEP, ::STEP], place)
    left, top = max(0, x - REACH), max(0, y - REACH)
    near = seen[top : y + REACH + 1, left : x + REACH + 1]
    x, y = _find_pixel(near, place) + np.array([left, top])
    rest = (place - seen[y, x]) * scale
    return np.asarray(np.array([x, y]) + np.clip(rest, -0.5, 0.5))


def _find_pixel(seen: Places, place: Float[np.ndarray, "2"]) -> Int[np.ndarray, "2"]:
    off = seen - place.astype(np.float32)
    row, column = divmod(int((off * off).sum(axis=2).argmin()), seen.shape[1])
    return np.array([column, row], dtype=np.intp)
