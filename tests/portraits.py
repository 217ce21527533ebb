"""Videos that show a face, and small copies of DEAP in which subject 01 has them."""

from pathlib import Path

import numpy as np
import skimage.data

from films import write_video
from small_deap import write_small_deap

N_WITH_VIDEO_TRIALS = 4


def sample_portrait(brightness: float = 1.0) -> np.ndarray:
    """Return a picture of a face, 256 x 256."""
    rgb = skimage.data.astronaut()[:256, 96:352]
    return (rgb * brightness).astype(np.uint8)


def film_portrait(
    path: Path, *, n_frames: int, brightness: float = 1.0, fps: int = 50
) -> Path:
    """Write a video of a face that does not move."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = sample_portrait(brightness)
    return write_video(path, (picture for _ in range(n_frames)), fps=fps)


def video_of(root: Path, subject: int, trial: int) -> Path:
    """Return where the video of a trial lies."""
    stem = f"s{subject:02d}"
    return root / "face_video" / stem / f"{stem}_trial{trial:02d}.avi"


def write_filmed_deap(root: Path, *, seconds: int = 3, n_subjects: int = 2) -> Path:
    """Write a DEAP whose subject 01 shows a face, brighter from trial to trial."""
    write_small_deap(
        root, n_subjects=n_subjects, n_trials=N_WITH_VIDEO_TRIALS, seconds=seconds
    )
    for trial in range(1, N_WITH_VIDEO_TRIALS + 1):
        film_portrait(
            video_of(root, 1, trial),
            n_frames=round(seconds * 50 * 59.05 / 60),
            brightness=0.4 + 0.15 * trial,
        )
    return root
