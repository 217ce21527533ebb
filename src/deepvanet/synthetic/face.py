"""A face that moves: one subject's portrait, warped from frame to frame.

Two warps follow one another. The first moves the features: fields through the
landmarks for mouth and brows, and fields with an edge, along a lid or a lip, that
hide what is behind it (an eye, the teeth). The second moves the head, whole, and
puts it before the camera. All fields are made once and combined linearly.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32, Shaped, UInt8

from deepvanet.synthetic.behaviour import Behaviour, wander
from deepvanet.synthetic.knobs import TraitValues
from deepvanet.synthetic.portrait import (
    COARSE,
    DETAIL,
    LANDMARKS,
    Chroma,
    Luma,
    Points,
    Portrait,
    spread_field,
    to_pixels,
)

WIDTH, HEIGHT = 720, 576
Plane = Shaped[np.ndarray, "_ _ ..."]
Field = Float32[np.ndarray, "height width"]
Move = Float32[np.ndarray, "2 height width"]
"""What to add to x and to y to come to the place that is seen here."""
Fields = Float32[np.ndarray, "field 2 height width"]
Frame = UInt8[np.ndarray, "frame_rows frame_columns"]
"""I420: rows of luma, then both chroma planes at half the size."""

TOP_LEFT, BOTTOM_RIGHT = np.array([172.0, 68.0]), np.array([280.0, 188.0])
"""Of the part of the photograph that expressions move."""
ZOOM = 2.15
"""Pixels of a frame per pixel of the photograph."""
VIEW = np.array([226.0, 138.0])
"""The point of the photograph in the middle of a frame."""
HEAD, HEAD_RADII = np.array([226.0, 105.0]), np.array([78.0, 95.0])
NECK = np.array([222.0, 180.0])

# what moves, in pixels of the photograph: feature, x of each point, y of each point
Moves = tuple[tuple[str, tuple[float, ...], tuple[float, ...]], ...]
RELAX: Moves = (
    ("mouth_corners", (3.4, -3.4), (4.0, 4.0)),
    ("upper_lip", (2.0, 1.0, 0.0, -1.0, -2.0), (2.0, 0.8, 0.2, 0.8, 2.0)),
    ("lower_lip", (2.2, 1.0, 0.0, -1.0, -2.2), (1.8, 0.5, 0.0, 0.5, 1.8)),
    ("around_mouth", (1.0, 0.0, -1.0, 1.0, 0.0, -1.0), (0.6, 0.2, 0.6, 0.4, 0.0, 0.4)),
    ("cheeks", (0.5, -0.5), (2.0, 2.0)),
)
"""From the smile of the photograph to a mouth at rest; twice as far, a frown."""
RAISE: Moves = (
    ("left_brow", (0.0, 0.0, 0.0, 0.0), (-3.5, -4.5, -4.5, -3.5)),
    ("right_brow", (0.0, 0.0, 0.0, 0.0), (-3.5, -4.5, -4.5, -3.5)),
    ("left_upper_lid", (0.0,) * 5, (0.0, -0.6, -0.8, -0.6, 0.0)),
    ("right_upper_lid", (0.0,) * 5, (0.0, -0.6, -0.8, -0.6, 0.0)),
)
KNIT: Moves = (
    ("left_brow", (0.0, 0.5, 1.5, 2.5), (0.0, 0.5, 1.5, 2.5)),
    ("right_brow", (-2.5, -1.5, -0.5, 0.0), (2.5, 1.5, 0.5, 0.0)),
)
FEATURES = (RELAX, RAISE, KNIT)


@dataclass(frozen=True)
class MovingFace:
    """One subject's portrait with the fields that move its features.

    Attributes
    ----------
    corner : tuple of int
        Left and top of the part that moves, in pixels of the portrait.
    bends : array, shape (field, 2, height, width)
        Of ``FEATURES``, in this order.
    edges : array, shape (field, 2, height, width)
        Close the mouth, close the eyes, turn the eyes.
    """

    portrait: Portrait
    corner: tuple[int, int]
    bends: Fields
    edges: Fields


def make_face(portrait: Portrait) -> MovingFace:
    """Make the fields that move a portrait's features."""
    left, top = (int(v) for v in to_pixels(TOP_LEFT).round())
    size = ((BOTTOM_RIGHT - TOP_LEFT) * DETAIL).astype(int)
    corner = np.array([left, top])
    marks = {name: at - corner for name, at in portrait.landmarks.items()}
    shape = (int(size[1]), int(size[0]))
    bends = [_bend(marks, moves, shape) for moves in FEATURES]
    lids = [_close_eye(marks, side, shape) for side in ("left", "right")]
    gazes = [_turn_eye(marks, side, shape) for side in ("left", "right")]
    edges = [_close_mouth(marks, shape), np.sum(lids, axis=0), np.sum(gazes, axis=0)]
    return MovingFace(portrait, (left, top), np.stack(bends), np.stack(edges))


@dataclass(frozen=True)
class Camera:
    """Where a camera stands.

    Attributes
    ----------
    zoom : float
        Pixels of a frame per pixel of the photograph.
    middle : array, shape (2,)
        The point of the photograph in the middle of a frame.
    size : tuple of int
        Width and height of a frame; even numbers.
    border : int
        How OpenCV goes on beyond the portrait, which a small zoom shows.
    """

    zoom: float
    middle: Float[np.ndarray, "2"]
    size: tuple[int, int] = (WIDTH, HEIGHT)
    border: int = cv2.BORDER_REFLECT


def sample_camera(
    rng: np.random.Generator, *, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> Camera:
    """Sample how one trial's camera stands; it is never quite as before."""
    zoom = ZOOM * np.exp(0.015 * rng.standard_normal())
    return Camera(zoom, VIEW + 1.5 * rng.standard_normal(2), size)


def record_video(
    face: MovingFace,
    behaviour: Behaviour,
    state: TraitValues,
    *,
    rng: np.random.Generator,
    camera: Camera | None = None,
    start_s: float = 0.0,
) -> Iterator[Frame]:
    """Yield the frames of one trial.

    Parameters
    ----------
    face : MovingFace
        The subject's portrait, and the fields that move it.
    behaviour : Behaviour
        Movements of face and head, a value a frame.
    state : TraitValues
        Read for the strength of the light and its side.
    rng : Generator
        What the light, and the camera if none is given, are sampled from.
    camera : Camera, optional
        Where the camera stands; sampled if not given.
    start_s : float
        The first frame's time since the onset of the stimulus.

    Yields
    ------
    array, shape (frame_rows, frame_columns)
        One frame in I420.
    """
    view = place_camera(face.portrait, camera or sample_camera(rng))
    lamps = _move_light(behaviour, state, rng)
    lit = _light_from_both_sides(face.portrait.luma)
    for k in list_frames(behaviour, start_s):
        luma = cv2.addWeighted(lit[0], lamps[0, k], lit[1], lamps[1, k], 0.0)
        chroma = face.portrait.chroma.copy()
        move_features(face, behaviour, k, (luma, chroma))
        yield view.take(luma, chroma, pose_head(behaviour, k))


def list_frames(behaviour: Behaviour, start_s: float = 0.0) -> range:
    """Return the places in a behaviour that the video shows, from a second on."""
    first = int(np.searchsorted(behaviour.time, start_s - 0.5 / behaviour.fps))
    return range(first, len(behaviour.time))


def move_features(
    face: MovingFace, behaviour: Behaviour, k: int, planes: tuple[Plane, ...]
) -> None:
    """Redraw, in place, the part of the planes that expressions move.

    Parameters
    ----------
    face : MovingFace
        The fields that move the features, and where they lie.
    behaviour : Behaviour
        Read for smile, brows, blink and gaze.
    k : int
        Place in the behaviour.
    planes : tuple of array, shape (rows, columns, ...)
        As large as the portrait; changed in place.
    """
    smile, brows = float(behaviour.smile[k]), float(behaviour.brows[k])
    opened = max(0.0, (smile - 0.25) / 0.75)
    bends = (1 - smile, brows, max(0.0, -smile))
    edges = (1 - opened, float(behaviour.blink[k]), float(behaviour.gaze[k]))
    height, width = face.bends.shape[-2:]
    left, top = face.corner
    hidden = _combine(edges, face.edges) + stay(height, width)
    bent = _combine(bends, face.bends) + stay(height, width)
    for plane in planes:
        part = plane[top : top + height, left : left + width]
        part[:] = warp(warp(part, hidden), bent)


@dataclass(frozen=True)
class View:
    """What the camera sees: a place in the portrait for each pixel of a frame.

    Attributes
    ----------
    still : array, shape (2, height, width)
        Of the head at rest.
    heads : array, shape (field, 2, height, width)
        Turn, nod and roll of the head, on a coarse grid.
    """

    still: Move
    heads: Float32[np.ndarray, "field 2 grid_height grid_width"]
    border: int

    def take(self, luma: Luma, chroma: Chroma, pose: tuple[float, ...]) -> Frame:
        """Return one frame."""
        x, y = self.aim(pose)
        seen = warp(luma, (x, y), self.border)
        colour = warp(chroma, (x[::2, ::2].copy(), y[::2, ::2].copy()), self.border)
        planes = colour.transpose(2, 0, 1).reshape(-1, x.shape[1])
        return np.concatenate([seen, planes])

    def aim(self, pose: tuple[float, ...]) -> tuple[Field, Field]:
        """Return the place in the portrait, x and y, that each pixel shows."""
        height, width = self.still.shape[1:]
        moved = _combine(pose, self.heads)
        x, y = (
            still + cv2.resize(move, (width, height), interpolation=cv2.INTER_LINEAR)
            for still, move in zip(self.still, moved, strict=True)
        )
        return x, y


def pose_head(behaviour: Behaviour, k: int) -> tuple[float, ...]:
    """Return how far the head is turned, nods and rolls."""
    return (float(behaviour.turn[k]), float(behaviour.nod[k]), float(behaviour.roll[k]))


def place_camera(portrait: Portrait, camera: Camera) -> View:
    """Return what a camera sees of a portrait."""
    direction = np.array([-1.0 if portrait.mirrored else 1.0, 1.0]) / camera.zoom
    at = {
        step: np.moveaxis(
            to_pixels(
                camera.middle
                + direction * (_grid(camera.size, step) - np.array(camera.size) / 2)
            ),
            -1,
            0,
        )
        for step in (1, COARSE)
    }
    return View(at[1].astype(np.float32), _move_head(at[COARSE]), camera.border)


def _grid(size: tuple[int, int], step: int) -> Float[np.ndarray, "height width 2"]:
    counts = [side // step for side in size]
    x, y = (
        (np.arange(n) + 0.5) * (side / n) for side, n in zip(size, counts, strict=True)
    )
    return np.stack(np.meshgrid(x, y), axis=-1)


def _move_head(at: Float[np.ndarray, "2 height width"]) -> Fields:
    """Return turn, nod and roll at places in the portrait."""
    off = (at - to_pixels(HEAD)[:, None, None]) / (DETAIL * HEAD_RADII[:, None, None])
    distance = np.hypot(*off)
    bulge = np.exp(-1.4 * distance**2)
    stiff = 1 / (1 + (distance / 1.35) ** 6)
    lever = at - to_pixels(NECK)[:, None, None]
    none = np.zeros_like(bulge)
    turn = np.stack([-13.0 * bulge - 5.0 * stiff, none])
    nod = np.stack([none, -10.0 * bulge - 2.0 * stiff])
    roll = np.radians(4.0) * np.stack([lever[1], -lever[0]]) * stiff
    return np.stack([turn, nod, roll]).astype(np.float32)


def _move_light(
    behaviour: Behaviour, state: TraitValues, rng: np.random.Generator
) -> Float[np.ndarray, "2 time"]:
    """Return how strong the lights from the left and the right are."""
    n = len(behaviour.time)
    side = state.follow("light_side", behaviour.time)
    side = side + 0.25 * wander(rng, n, hertz=0.2, sfreq=behaviour.fps)
    strength = state.follow("light", behaviour.time)
    strength = np.exp(strength + 0.02 * wander(rng, n, hertz=0.5, sfreq=behaviour.fps))
    share = 0.5 + 0.5 * np.tanh(side)
    return np.stack([strength * share, strength * (1 - share)])


def _light_from_both_sides(luma: Luma) -> tuple[Luma, Luma]:
    """Return the portrait lit from its left and from its right."""
    x = np.linspace(-1, 1, luma.shape[1])
    falls = 0.28 * np.tanh(2.2 * x)
    lit = [16 + (luma - 16.0) * (1 - side * falls) for side in (1, -1)]
    left, right = (np.clip(plane, 16, 235).round().astype(np.uint8) for plane in lit)
    return left, right


def _bend(marks: Mapping[str, Points], moves: Moves, shape: tuple[int, int]) -> Move:
    """Return the smooth field that moves some landmarks and holds the others."""
    moved = {name: np.zeros_like(marks[name]) for name in LANDMARKS}
    for name, x, y in moves:
        moved[name] = np.stack([x, y], axis=1) * DETAIL
    shift = np.concatenate(list(moved.values()))
    points = np.concatenate([marks[name] for name in LANDMARKS]) + shift
    inside = ((points > 0) & (points < np.array(shape[::-1]))).all(axis=1)
    return np.stack(spread_field(points[inside], -shift[inside], shape))


def _close_mouth(marks: Mapping[str, Points], shape: tuple[int, int]) -> Move:
    """Return the field that raises the lower lip to the upper one."""
    corners = marks["mouth_corners"]
    x, y = stay(*shape)
    # a little into both lips, so that no tooth is left between them
    upper = _curve(x[0], _between(corners, marks["upper_lip"])) - 0.3 * DETAIL
    lower = _curve(x[0], _between(corners, marks["lower_lip"])) + 0.7 * DETAIL
    gap = np.where((x[0] > corners[0, 0]) & (x[0] < corners[1, 0]), lower - upper, 0.0)
    below = y - upper
    fades = np.exp(-((np.maximum(below, 0.0) / (22.0 * DETAIL)) ** 2))
    return _vertical(gap * _step(below) * fades)


def _close_eye(marks: Mapping[str, Points], side: str, shape: tuple[int, int]) -> Move:
    """Return the field that lowers an upper lid to the lower one."""
    x, y = stay(*shape)
    upper = _curve(x[0], marks[f"{side}_upper_lid"])
    lower = _curve(x[0], marks[f"{side}_lower_lid"])
    ends = marks[f"{side}_upper_lid"][[0, -1], 0]
    closed = lower - upper + 0.5 * DETAIL  # the lashes cover the lower lid
    gap = np.where((x[0] > ends[0]) & (x[0] < ends[1]), closed, 0.0)
    brow = _curve(x[0], marks[f"{side}_brow"]) + 1.5 * DETAIL
    unfolded = np.clip((y - brow) / (lower - brow), 0.0, 1.0)
    return _vertical(-gap * unfolded * _step(lower - y))


def _turn_eye(marks: Mapping[str, Points], side: str, shape: tuple[int, int]) -> Move:
    """Return the field that turns an eye to the right of the picture."""
    x, y = stay(*shape)
    upper = _curve(x[0], marks[f"{side}_upper_lid"])
    lower = _curve(x[0], marks[f"{side}_lower_lid"])
    middle = marks[f"{side}_upper_lid"][:, 0].mean()
    near = np.exp(-(((x - middle) / (7.0 * DETAIL)) ** 2))
    move = -2.6 * DETAIL * near * _step(y - upper) * _step(lower - y)
    return np.stack([move, np.zeros_like(move)]).astype(np.float32)


def _between(ends: Points, inner: Points) -> Points:
    return np.concatenate([ends[:1], inner, ends[1:]])


def _curve(
    x: Float[np.ndarray, " column"], points: Points
) -> Float[np.ndarray, " column"]:
    smooth = np.interp(x, points[:, 0], points[:, 1])
    return np.asarray(cv2.GaussianBlur(smooth[None], (0, 0), 1.5 * DETAIL)[0])


def _step(distance: Float[np.ndarray, "height width"]) -> Field:
    """Return 0 on one side of an edge and 1 on the other."""
    return (distance > 0).astype(np.float32)


def _vertical(move: Float[np.ndarray, "height width"]) -> Move:
    smooth = np.asarray(move, dtype=np.float32)
    return np.stack([np.zeros_like(smooth), smooth])


def warp(
    plane: Plane,
    source: tuple[Field, Field] | Move,
    border: int = cv2.BORDER_REFLECT,
) -> Plane:
    """Return what a plane, or several at once, shows at other places."""
    x, y = source
    warped = cv2.remap(plane, x, y, cv2.INTER_LINEAR, None, border)
    return np.asarray(warped)


def _combine(weights: tuple[float, ...], fields: Fields) -> Move:
    flat = np.array(weights, np.float32) @ fields.reshape(len(weights), -1)
    return np.asarray(flat.reshape(fields.shape[1:]))


def stay(height: int, width: int) -> Move:
    """Return the place of each pixel itself, x and y."""
    return np.indices((height, width), dtype=np.float32)[::-1]
