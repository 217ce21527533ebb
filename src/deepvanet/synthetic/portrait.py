"""One photograph, made into a different person for each subject.

The photograph is scikit-image's astronaut (Eileen Collins, by NASA, in the public
domain; it lies in the wheel). Its landmarks and outlines were placed by hand, in
pixels of the photograph. A person's own landmarks are derived from them, and the
photograph is warped to meet them; skin, hair, suit and wall take other colours.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from scipy.interpolate import RBFInterpolator
from skimage import data

Points = Float[np.ndarray, "_ 2"]
Places = Float[np.ndarray, "... 2"]
Mask = Float[np.ndarray, "height width"]
Rgb = Float[np.ndarray, "height width 3"]
Luma = UInt8[np.ndarray, "rows columns"]
Chroma = UInt8[np.ndarray, "rows columns 2"]

ORIGIN = np.array([20.0, 0.0])
"""Of the part of the photograph that is used, x and y."""
EXTENT = (440, 320)
DETAIL = 2
"""Pixels of a texture per pixel of the photograph."""
COARSE = 8
"""Pixels of a texture per point of a smooth field."""

LANDMARKS: Mapping[str, tuple[tuple[float, float], ...]] = {
    "left_upper_lid": ((191.5, 100), (197, 97.5), (203, 96.5), (208, 98), (213.5, 103)),
    "left_lower_lid": (
        (191.5, 100),
        (197, 103),
        (203, 104.7),
        (208, 104.5),
        (213.5, 103),
    ),
    "right_upper_lid": ((236, 105), (241, 101), (246, 99.5), (252, 100), (258, 103.5)),
    "right_lower_lid": (
        (236, 105),
        (241, 106.3),
        (246, 107.3),
        (252, 106.5),
        (258, 103.5),
    ),
    "left_brow": ((189.5, 90), (198, 87.5), (206, 89.5), (213, 92.5)),
    "right_brow": ((238, 93), (246, 92), (254, 92), (262, 96)),
    "nose": (
        (226, 103),
        (225.5, 118),
        (225, 127),
        (213, 130),
        (224, 134),
        (235, 131.5),
    ),
    "mouth_corners": ((202, 139.5), (243.5, 140.7)),
    "upper_lip": ((208, 141.2), (214, 142.6), (222, 143.6), (231, 143.3), (238, 142.2)),
    "lower_lip": ((206, 145), (212, 148.4), (222, 149.7), (232, 149), (239, 145.5)),
    "around_mouth": (
        (213, 139),
        (222, 139.6),
        (232, 139.4),
        (212, 153),
        (222, 156),
        (233, 154),
    ),
    "cheeks": ((194, 126), (256, 128)),
    "chin": ((209, 176), (220, 178.5), (232, 177)),
    "jaw": ((179.5, 110), (182, 139), (191, 160), (253, 163), (265, 143), (270, 120)),
    "hair": (
        (155, 78),
        (192, 28),
        (227, 16),
        (282, 36),
        (300, 92),
        (157, 98),
        (290, 117),
    ),
}
"""By feature, x and y, from left to right in the picture."""
EYES = {"left": (202.5, 100.8), "right": (247.0, 103.3)}


@dataclass(frozen=True)
class Form:
    """How far features that change together differ between people.

    Attributes
    ----------
    centre : tuple of float
        What stays where it is; of a feature with a side, the eye of that side.
    wide, high : float
        Standard deviation of the size, as a share.
    apart, lift : float
        Standard deviation of the place, in pixels of the photograph.
    """

    features: tuple[str, ...]
    centre: tuple[float, float] = (224.5, 120.0)
    wide: float = 0.0
    high: float = 0.0
    apart: float = 0.0
    lift: float = 0.0


LIDS = ("left_upper_lid", "left_lower_lid", "right_upper_lid", "right_lower_lid")
LIPS = ("mouth_corners", "upper_lip", "lower_lip", "around_mouth")
FORMS = (
    Form(LIDS, wide=0.04, high=0.09, apart=1.5, lift=1.2),
    Form(("left_brow", "right_brow"), wide=0.04, high=0.10, apart=1.0, lift=1.0),
    Form(("nose",), (225.0, 118.0), wide=0.08, high=0.05, lift=1.2),
    Form(LIPS, (222.5, 145.0), wide=0.07, lift=1.5),
    Form(("chin",), wide=0.05, lift=3.0),
    Form(("jaw", "cheeks"), wide=0.05),
    Form(("hair",), wide=0.05, lift=3.0),
)


def _trace(outline: str) -> Points:
    """Read an outline, written as in an SVG: x and y of each corner."""
    return np.array([corner.split(",") for corner in outline.split()], dtype=float)


FACE = _trace(
    "180,100 184,82 188,73 197,79 210,83 226,82 246,85 262,92 269,105 270,122 "
    "278,124 275,131 270,134 266,135 262,150 254,168 252,184 234,190 200,186 "
    "187,178 186,158 183,140 181,131 178,129 175,124 174,119 179,118"
)
NOT_SKIN = (
    _trace("191,100 197,97 203,96 209,98 214,103 203,105"),
    _trace("236,105 241,101 246,99 252,100 258,103 246,107"),
    _trace("204,141 222,143 242,141 232,149 222,150 210,147"),
)
HAIR = _trace(
    "282,36 251,19 227,16 205,21 192,28 157,57 153,68 155,98 172,119 180,112 "
    "181,92 188,73 197,79 210,83 226,82 246,85 262,91 269,105 270,125 276,124 "
    "289,115 300,92 296,59"
)
BODY = _trace(
    "187,162 184,150 157,150 139,159 131,167 121,184 121,198 114,202 91,226 65,246 "
    "46,277 30,320 370,320 356,302 341,264 331,253 303,232 299,219 289,203 258,175 "
    "252,172"
)

# factors of the photograph's red, green and blue: skin, hair
LOOKS = (
    ((1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
    ((1.0, 0.96, 0.92), (0.55, 0.48, 0.45)),
    ((0.93, 0.86, 0.80), (0.95, 0.72, 0.55)),
    ((0.93, 0.84, 0.76), (0.32, 0.30, 0.32)),
    ((0.78, 0.66, 0.56), (0.36, 0.32, 0.32)),
    ((0.62, 0.47, 0.38), (0.24, 0.22, 0.24)),
)
WALLS = (
    (150, 165, 175),
    (120, 140, 125),
    (175, 160, 140),
    (95, 105, 120),
    (165, 150, 160),
)
TO_LUMA = np.array([65.481, 128.553, 24.966]) / 255  # ITU-R BT.601, studio swing
TO_CHROMA = np.array([[-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / 255


@dataclass(frozen=True)
class Portrait:
    """One subject's picture and where its features are, in pixels of the picture."""

    luma: Luma
    chroma: Chroma
    landmarks: Mapping[str, Points]
    mirrored: bool


def make_portrait(
    rng: np.random.Generator, *, scene: np.random.Generator | None = None
) -> Portrait:
    """Sample one subject's face, colours and wall.

    Parameters
    ----------
    scene : Generator, optional
        Samples suit and wall, where they change and the person stays the same.
    """
    photograph = _to_texture(data.astronaut().astype(np.float32))
    painted = _paint(photograph, rng, scene or rng)
    own = {name: to_pixels(at) for name, at in _reshape(rng)}
    x, y = _identity(painted.shape[:2])
    dx, dy = reshape_field(own, painted.shape[:2])
    warped = cv2.remap(
        painted, x + dx, y + dy, cv2.INTER_CUBIC, None, cv2.BORDER_REFLECT
    )
    rgb = np.clip(warped, 0, 255)
    return Portrait(
        luma=np.round(16 + rgb @ TO_LUMA).astype(np.uint8),
        chroma=np.round(128 + rgb @ TO_CHROMA.T).astype(np.uint8),
        landmarks=own,
        mirrored=bool(rng.random() < 0.5),
    )


def reshape_field(
    own: Mapping[str, Points], shape: tuple[int, int]
) -> tuple[Mask, Mask]:
    """Return the field, x and y, from a person's features to the photograph's."""
    average = {
        name: to_pixels(np.array(at, dtype=float)) for name, at in LANDMARKS.items()
    }
    moved = np.concatenate([average[name] - own[name] for name in own])
    return spread_field(np.concatenate(list(own.values())), moved, shape)


def to_pixels(at: Places) -> Places:
    """Return where points of the photograph are in a texture."""
    return np.asarray((at - ORIGIN + 0.5) * DETAIL - 0.5)


def spread_field(
    points: Points, moves: Points, shape: tuple[int, int]
) -> tuple[Mask, Mask]:
    """Return the smooth field, x and y, that moves points and no border.

    A thin plate is bent through the moves [1]_, on a coarse grid.

    References
    ----------
    .. [1] Bookstein (1989). Principal warps: thin-plate splines and the
       decomposition of deformations. IEEE Trans. PAMI 11(6), 567-585.
    """
    height, width = shape
    border = _frame(width, height)
    at = np.concatenate([points, border])
    at, first = np.unique(at, axis=0, return_index=True)
    values = np.concatenate([moves, np.zeros_like(border)])[first]
    plate = RBFInterpolator(at, values, kernel="thin_plate_spline")
    x = (np.arange(width // COARSE) + 0.5) * COARSE - 0.5
    y = (np.arange(height // COARSE) + 0.5) * COARSE - 0.5
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    field = plate(grid.reshape(-1, 2)).reshape(grid.shape).astype(np.float32)
    fine = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
    return fine[..., 0], fine[..., 1]


def _reshape(rng: np.random.Generator) -> Iterator[tuple[str, Points]]:
    """Sample where one subject has its features, in the photograph."""
    for form in FORMS:
        sampled = rng.standard_normal(4)
        scale = 1 + np.array([form.wide, form.high]) * sampled[:2]
        apart, lift = np.array([form.apart, form.lift]) * sampled[2:]
        for name in form.features:
            side = name.partition("_")[0]
            centre = np.array(EYES.get(side, form.centre))
            shift = np.array([{"left": -apart, "right": apart}.get(side, 0.0), lift])
            yield name, centre + scale * (np.array(LANDMARKS[name]) - centre) + shift


def _paint(
    photograph: Rgb, rng: np.random.Generator, scene: np.random.Generator
) -> Rgb:
    """Give skin, hair, suit and wall other colours."""
    look = np.array(LOOKS[rng.integers(len(LOOKS))])
    skin, hair = (look * np.exp(0.04 * rng.standard_normal((2, 3)))).astype(np.float32)
    face_mask = _soft((FACE,), 2.0)
    for hole in NOT_SKIN:
        face_mask = face_mask * (1 - 0.75 * _soft((hole,), 1.0))
    hair_mask = _soft((HAIR,), 3.0) * (1 - face_mask)
    body_mask = _soft((BODY,), 1.5) * (1 - _soft((FACE,), 1.0)) * (1 - hair_mask)
    person = _soft((FACE, HAIR, BODY), 1.4)
    dyed = _turn_hue(photograph, int(scene.integers(0, 180)))
    picture = _blend(photograph, dyed, body_mask)
    picture = _blend(picture, picture * skin, face_mask)
    picture = _blend(picture, picture * hair, hair_mask)
    inside = np.clip(2 * person - 1, 0.0, 1.0)  # the photograph's wall is bright
    return _blend(_sample_wall(photograph.shape, scene), picture, inside)


def _sample_wall(shape: tuple[int, ...], rng: np.random.Generator) -> Rgb:
    height, width = shape[:2]
    colour = WALLS[rng.integers(len(WALLS))] * np.exp(0.05 * rng.standard_normal(3))
    x, y = _identity((height, width))
    slope_x, slope_y = 0.15 * rng.standard_normal(2)
    shade = 1 + slope_x * (x / width - 0.5) + slope_y * (y / height - 0.5)
    blotches = rng.standard_normal((12, 16)).astype(np.float32)
    shade += 0.04 * cv2.resize(blotches, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(shade[..., None] * colour, dtype=np.float32)


def _turn_hue(picture: Rgb, degrees: int) -> Rgb:
    hsv = cv2.cvtColor(np.clip(picture, 0, 255) / np.float32(255), cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + 2 * degrees) % 360
    hsv[..., 1] *= 0.45
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * np.float32(255))


def _blend(below: Rgb, above: Rgb, mask: Mask) -> Rgb:
    return np.asarray(below + mask[..., None] * (above - below))


def _soft(outlines: tuple[Points, ...], blur: float) -> Mask:
    """Return 1 inside any of the outlines, 0 outside, and a soft edge."""
    width, height = (DETAIL * side for side in EXTENT)
    mask = np.zeros((height, width), np.float32)
    for outline in outlines:
        cv2.fillPoly(mask, [to_pixels(outline).round().astype(np.int32)], 1.0)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), blur * DETAIL))


def _to_texture(photograph: Float[np.ndarray, "512 512 3"]) -> Rgb:
    left, top = (int(side) for side in ORIGIN)
    width, height = EXTENT
    part = photograph[top : top + height, left : left + width]
    size = (DETAIL * width, DETAIL * height)
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_CUBIC))


def _identity(shape: tuple[int, int]) -> tuple[Mask, Mask]:
    y, x = np.indices(shape, dtype=np.float32)
    return x, y


def _frame(width: int, height: int) -> Points:
    """Return points along the border of a picture."""
    x, y = np.linspace(0, width, 9), np.linspace(0, height, 9)
    return np.concatenate(
        [np.stack(np.broadcast_arrays(x, end), -1) for end in (0, height)]
        + [np.stack(np.broadcast_arrays(end, y[1:-1]), -1) for end in (0, width)]
    )
