"""Small copies of AMIGOS in its real formats."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.io import savemat

from films import number_pictures, write_video

SFREQ = 128
BASELINE_S = 5
N_CHANNELS = 17
FPS = 25
CALM = (3.0, 7.5, 5.0, 6.0, 2.0, *[0.0] * 7)
"""Arousal, valence, dominance, liking, familiarity, then seven emotions."""
SEEN = np.array([[1.0, 0.2, -0.4], [2.0, 0.4, -0.2]])
"""Piece, valence and arousal, as others saw the face."""


def file_of(root: Path, subject: int) -> Path:
    """Return where a subject's file lies as downloaded."""
    name = f"Data_Preprocessed_P{subject:02d}"
    return root / "data_preprocessed" / name / f"{name}.mat"


def sample_signals(seconds: float, *, seed: int = 0) -> np.ndarray:
    """Return a cell of ``joined_data``: rest and stimulus, time first."""
    rng = np.random.default_rng(seed)
    n_samples = round((BASELINE_S + seconds) * SFREQ)
    return 10.0 * np.arange(N_CHANNELS) + rng.standard_normal((n_samples, N_CHANNELS))


def pack(items: Sequence[object]) -> np.ndarray:
    """Return a row of cells."""
    cells = np.empty((1, len(items)), dtype=object)
    for k, item in enumerate(items):
        cells[0, k] = item
    return cells


def make_variables(
    videos: Sequence[object] = ("10", "4"),
    *,
    seconds: float = 3,
    signals: Mapping[str, object] | None = None,
    ratings: Mapping[str, object] | None = None,
    seen: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Return a file's variables; ``signals`` and others replace single videos'."""
    given, rated, noticed = signals or {}, ratings or {}, seen or {}
    drawn = [
        given.get(str(video), sample_signals(seconds, seed=k))
        for k, video in enumerate(videos)
    ]
    return {
        "joined_data": pack(drawn),
        "labels_selfassessment": pack(
            [rated.get(str(video), np.array([CALM])) for video in videos]
        ),
        "labels_ext_annotation": pack([noticed.get(str(v), SEEN) for v in videos]),
        "VideoIDs": pack(list(videos)),
    }


def write_mat(
    path: Path, variables: Mapping[str, object], *, compressed: bool = True
) -> Path:
    """Write a MATLAB file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = io.BytesIO()
    savemat(file, dict(variables), do_compression=compressed)
    path.write_bytes(file.getvalue())
    return path


def write_small(root: Path, subject: int = 1, **options: object) -> Path:
    """Write a subject's file and return it."""
    return write_mat(file_of(root, subject), make_variables(**options))


def write_face(
    root: Path, name: str = "P1_10_face.mov", *, seconds: float = 3, fps: int = FPS
) -> Path:
    """Write a face video, each frame with its number, rest first."""
    path = root / "face_video" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    n_frames = round((BASELINE_S + seconds) * fps)
    return write_video(path, number_pictures(range(n_frames)), fps=fps)
