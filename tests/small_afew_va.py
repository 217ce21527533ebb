"""Small copies of AFEW-VA in its real format, written without the package."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np

SIZE = (80, 60)
"""Width and height of an image."""


def sample_landmarks(
    x: float = 40.0, y: float = 30.0, size: float = 10.0
) -> np.ndarray:
    """Return 68 points of a face that looks ahead, about its middle."""
    points = np.zeros((68, 2))
    angle = np.linspace(np.pi, 0, 17)
    points[:17] = np.column_stack([1.2 * np.cos(angle), 1.6 * np.sin(angle)])
    points[17:27] = np.column_stack([np.linspace(-1, 1, 10), np.full(10, -0.9)])
    points[27:36] = np.column_stack([np.zeros(9), np.linspace(-0.5, 0.3, 9)])
    turn = np.arange(6) * np.pi / 3
    eye = np.column_stack([-0.25 * np.cos(turn), -0.1 * np.sin(turn)])
    points[36:42], points[42:48] = eye - [0.6, 0.6], eye - [-0.6, 0.6]
    turn = np.arange(20) * np.pi / 10
    points[48:] = np.column_stack([-0.5 * np.cos(turn), 0.7 - 0.2 * np.sin(turn)])
    return np.array([x, y]) + size * points


def annotate(valence: float = 3, arousal: float = -2, landmarks=None) -> dict:
    """Return the entry of a frame."""
    points = sample_landmarks() if landmarks is None else np.asarray(landmarks)
    return {"landmarks": points.tolist(), "valence": valence, "arousal": arousal}


def write_image(path: Path, *, size: tuple[int, int] = SIZE) -> None:
    """Write a PNG of which each pixel tells its place: red is x, green is y."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    bgr = np.stack([np.full_like(x, 77), y, x], axis=2).astype(np.uint8)
    _, data = cv2.imencode(".png", bgr)
    path.write_bytes(data.tobytes())


def write_clip(
    folder: Path,
    *,
    actor: str = "Somebody",
    n_frames: int = 3,
    change: Callable[[dict], object] | None = None,
) -> Path:
    """Write one clip; ``change`` may alter what its JSON file will hold."""
    folder.mkdir(parents=True)
    content = {"actor": actor, "video_id": f"film {actor}", "frames": {}}
    for k in range(n_frames):
        write_image(folder / f"{k:05d}.png")
        content["frames"][f"{k:05d}"] = annotate(k, -k)
    if change is not None:
        change(content)
    write_json(folder, content)
    return folder


def write_json(folder: Path, content: Mapping) -> None:
    """Write the JSON file of a clip."""
    (folder / f"{folder.name}.json").write_text(json.dumps(content))


def write_small_afew_va(root: Path, *, n_clips: int = 3, n_frames: int = 3) -> Path:
    """Write clips of an actor each."""
    for k in range(1, n_clips + 1):
        write_clip(root / f"{k:03d}", actor=f"Actor {k}", n_frames=n_frames)
    return root
