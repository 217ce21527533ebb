"""Find faces in a picture, and the points that a crop is aligned by.

Every backend finds boxes with YuNet, which misses almost only
under-reports how far a head is rolled. They differ in who places the eyes:

``dlib5``
    dlib's five-point predictor for the corners of the eyes; the corners of the
    mouth from YuNet, run once more on a crop that is already level.
``yunet``
    YuNet alone, run twice more on crops turned level by its own eyes.
``dlib68``
    dlib's 68 points, the paper's landmarks. They were trained on iBUG 300-W,
    which is for research use only.
``mesh:PATH``
    The 468 points of MediaPipe's ``face_landmark.tflite`` [1]_. No light
    package ships the file: ``pip download mediapipe==0.10.21 --no-deps``, then
    ``unzip -j mediapipe-*.whl mediapipe/modules/face_landmark/face_landmark.tflite``.

A backend holds native objects: make one in each process.

References
----------
.. [1] Kartynnik et al. (2019). Real-time facial surface geometry from monocular
   video on mobile GPUs. CVPR Workshop on Computer Vision for AR/VR.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Float

from deepvanet.optional_packages import tell_install
from deepvanet.preprocessing.face_crop import Face, Picture, Square
from deepvanet.preprocessing.weight_files import digest_file, find_weights
from deepvanet.schema import UserError, pick

DETECTOR_SIDE = 320
"""Long side in pixels of the picture that faces are looked for in."""
MOUTH_SIDE, MOUTH_ROOM = 96, 1.5
"""Side of the level crop that the mouth is looked for in, in pixels and as a
multiple of the face's box: of 25 pairs tried, where it is steadiest."""
EYES_SIDE, EYES_ROOM = 224, 0.9
"""The same for YuNet's own eyes: of 24 pairs tried, where two passes recover a
roll of up to 30 degrees best (median 1.1, p95 3 degrees off)."""
MIN_CONFIDENCE = 0.6
LIPS_BELOW_CORNERS = 0.055
"""How far the mean of the lips is below the corners of the mouth, as a fraction
of the way from the eyes: dlib's 68 points and the mesh agree on it."""
MESH_SHA256 = "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814"
MESH_SIDE = 192
MESH_EYES = ((33, 133, 159, 145), (362, 263, 386, 374))
MESH_LIPS = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
    *(409, 270, 269, 267, 0, 37, 39, 40, 185),
)

_log = logging.getLogger(__name__)

Points = Float[np.ndarray, "point 2"]


@runtime_checkable
class FaceBackend(Protocol):
    """What finds faces and places their landmarks."""

    @property
    def name(self) -> str:
        """The name it was asked for by, without a path."""
        ...

    @property
    def version(self) -> str:
        """The weights and libraries that the landmarks depend on."""
        ...

    def detect(self, rgb: Picture) -> list[Face]:
        """Return every face, with landmarks that are not fit to align by."""
        ...

    def refine(self, rgb: Picture, face: Face) -> Face | None:
        """Return the face with landmarks to align by, or None if it is none."""
        ...


class YuNet:
    """OpenCV's light face detector, with five rough landmarks.

    Parameters
    ----------
    weights : Path
        An ONNX file.
    long_side : int
        Larger pictures are shrunk to this, in pixels.
    least : float
        Confidence of the faces that are found.
    """

    def __init__(
        self, weights: Path, long_side: int, *, least: float = MIN_CONFIDENCE
    ) -> None:
        self.long_side = long_side
        self._net = cv2.FaceDetectorYN.create(
            str(weights), "", (long_side, long_side), score_threshold=least
        )

    def find(self, rgb: Picture) -> list[Face]:
        """Return the faces of a picture, the surest first."""
        height, width = rgb.shape[:2]
        factor = min(1.0, self.long_side / max(height, width))
        shape = (max(1, round(width * factor)), max(1, round(height * factor)))
        small = cv2.resize(rgb, shape, interpolation=cv2.INTER_AREA)
        self._net.setInputSize(shape)
        _, rows = self._net.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        scale = np.array([width, height]) / shape
        return [] if rows is None else [_read_yunet(row, scale) for row in rows]


@dataclass(frozen=True)
class TwoStepBackend:
    """A backend: one part finds boxes, another places the points in a box."""

    name: str
    version: str
    finder: YuNet
    place: Callable[[Picture, Face], Face | None]

    def detect(self, rgb: Picture) -> list[Face]:
        """Return every face, with landmarks that are not fit to align by."""
        return self.finder.find(rgb)

    def refine(self, rgb: Picture, face: Face) -> Face | None:
        """Return the face with landmarks to align by, or None if it is none."""
        return self.place(rgb, face)


def make_backend(name: str) -> FaceBackend:
    """Make a face backend by name; ``mesh`` takes a path after a colon.

    OpenCV is held to one thread in this process, since work is spread over
    processes.

    Raises
    ------
    UserError
        When the name is unknown, or what the backend needs is not there.
    """
    kind, _, path = name.partition(":")
    pick("face backend", kind, BACKENDS)
    if path and kind != "mesh":
        raise UserError(f"face backend {kind!r}: takes no path, got {path!r}")
    cv2.setNumThreads(1)
    return _make_mesh(Path(path)) if path else BACKENDS[kind]()


@cache
def load_backend(name: str) -> FaceBackend:
    """Make a face backend once a process, since its models take time to load."""
    return make_backend(name)


def _make_yunet() -> FaceBackend:
    weights = find_weights("yunet")
    eye_finder = YuNet(weights, EYES_SIDE)

    def place(rgb: Picture, face: Face) -> Face:
        for _ in range(2):
            face = _look_again(rgb, face, eye_finder, room=EYES_ROOM) or face
        return face

    return TwoStepBackend(
        "yunet", _describe(weights), YuNet(weights, DETECTOR_SIDE), place
    )


def _make_dlib5() -> FaceBackend:
    weights = find_weights("yunet")
    predict, points_file = _load_dlib("dlib5")
    mouth_finder = YuNet(weights, MOUTH_SIDE)

    def place(rgb: Picture, face: Face) -> Face:
        points = predict(rgb, face)
        face = replace(face, eyes=np.stack([points[2:4].mean(0), points[:2].mean(0)]))
        again = _look_again(rgb, face, mouth_finder, room=MOUTH_ROOM) or face
        face = replace(face, lips=again.lips)
        sag = LIPS_BELOW_CORNERS * face.eyes_to_lips
        return replace(face, lips=face.lips + sag * face.down)

    version = _describe(weights, points_file)
    return TwoStepBackend("dlib5", version, YuNet(weights, DETECTOR_SIDE), place)


def _make_dlib68() -> FaceBackend:
    weights = find_weights("yunet")
    predict, points_file = _load_dlib("dlib68")
    _log.warning(
        "face backend 'dlib68': its landmarks were trained on iBUG 300-W, "
        "which is for research use only"
    )

    def place(rgb: Picture, face: Face) -> Face:
        points = predict(rgb, face)
        eyes = np.stack([points[36:42].mean(0), points[42:48].mean(0)])
        return replace(face, eyes=eyes, lips=points[48:].mean(0))

    version = _describe(weights, points_file)
    return TwoStepBackend("dlib68", version, YuNet(weights, DETECTOR_SIDE), place)


def _make_mesh(path: Path | None = None) -> FaceBackend:
    if path is None:
        raise UserError(
            "face backend 'mesh': needs the path of its model, "
            "as in mesh:face_landmark.tflite, got none"
        )
    if not path.is_file():
        raise UserError(f"face backend 'mesh': there is no file {path}")
    found = digest_file(path)
    if found != MESH_SHA256:
        raise UserError(
            f"face backend 'mesh': {path} is not the face_landmark.tflite of "
            f"mediapipe 0.10.21: its SHA-256 should begin with {MESH_SHA256[:12]}, "
            f"got {found[:12]}"
        )
    weights, net = find_weights("yunet"), cv2.dnn.readNetFromTFLite(str(path))

    def place(rgb: Picture, face: Face) -> Face | None:
        square = Square(face.centre, 1.5 * face.box[2:].max(), face.roll)
        for _ in range(2):
            points, is_face = _run_mesh(net, rgb, square)
            if not is_face:
                return None
            eyes = np.stack([points[list(eye)].mean(0) for eye in MESH_EYES])
            face = replace(face, eyes=eyes, lips=points[list(MESH_LIPS)].mean(0))
            square = _surround(points, face.roll)
        return face

    version = _describe(weights, path)
    return TwoStepBackend("mesh", version, YuNet(weights, DETECTOR_SIDE), place)


BACKENDS: Mapping[str, Callable[[], FaceBackend]] = {
    "dlib5": _make_dlib5,
    "yunet": _make_yunet,
    "dlib68": _make_dlib68,
    "mesh": _make_mesh,
}
"""Face backends by name; the first is the default."""


def _read_yunet(row: Float[np.ndarray, "15"], scale: Float[np.ndarray, "2"]) -> Face:
    values = row.astype(np.float64)
    points = values[4:14].reshape(5, 2) * scale
    return Face(
        box=values[:4] * np.tile(scale, 2),
        eyes=points[:2],
        lips=points[3:].mean(axis=0),
        confidence=float(values[14]),
    )


def _look_again(rgb: Picture, face: Face, finder: YuNet, *, room: float) -> Face | None:
    """Find the face once more on a crop that its eyes turn level."""
    square = Square(face.centre, room * face.box[2:].max(), face.roll)
    size = finder.long_side
    found = finder.find(square.cut(rgb, size))
    if not found:
        return None
    middle = np.array([size / 2, size / 2])
    best = min(found, key=lambda seen: float(np.hypot(*(seen.centre - middle))))
    points = square.to_picture(np.vstack([best.eyes, best.lips]), size)
    return replace(face, eyes=points[:2], lips=points[2])


def _load_dlib(backend: str) -> tuple[Callable[[Picture, Face], Points], Path]:
    """Return what places dlib's points in a box, and the file it was read from."""
    try:
        import dlib
    except ImportError:
        raise _lacks_dlib(backend) from None
    path = find_weights(backend)
    predictor = dlib.shape_predictor(str(path))

    def predict(rgb: Picture, face: Face) -> Points:
        shape = predictor(rgb, dlib.rectangle(*_box_of_dlib(face)))
        return np.array([(p.x + 0.5, p.y + 0.5) for p in shape.parts()])

    return predict, path


def _box_of_dlib(face: Face) -> list[int]:
    """Return left, top, right, bottom as dlib's own detector would.

    Its predictors expect that detector's squares. Measured against YuNet's
    boxes on 80 frames of eight people: 0.95 of their extent, 4 % lower.
    """
    half = 0.95 * face.extent / 2
    x, y = face.centre[0], face.centre[1] + 0.04 * face.box[3]
    return [round(edge) for edge in (x - half, y - half, x + half, y + half)]


def _run_mesh(net: Any, rgb: Picture, square: Square) -> tuple[Points, bool]:
    crop = square.cut(rgb, MESH_SIDE)
    net.setInput(cv2.dnn.blobFromImage(crop, 1 / 255))
    presence, points = net.forward(["conv2d_31", "conv2d_21"])
    flat = points.reshape(468, 3)[:, :2].astype(np.float64)
    # a logit: above zero is more likely a face than not
    return square.to_picture(flat, MESH_SIDE), bool(presence.item() > 0)


def _surround(points: Points, angle: float) -> Square:
    """Return a level square with room around all points."""
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    level = points @ axes.T
    low, high = level.min(axis=0), level.max(axis=0)
    return Square((low + high) / 2 @ axes, 1.5 * float((high - low).max()), angle)


def _lacks_dlib(backend: str) -> UserError:
    extra = "dlib68" if backend == "dlib68" else "dlib"
    return UserError(
        f"face backend {backend!r} needs `{tell_install(extra)}`, "
        "or choose the backend yunet"
    )


def _describe(*weights: Path) -> str:
    files = [f"{path.name} {digest_file(path)[:12]}" for path in weights]
    return ", ".join([*files, f"opencv {cv2.__version__}"])
