"""Small copies of DREAMER in its real format, written by SciPy."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.io import savemat

from small_amigos import pack

SFREQ, ECG_SFREQ = 128, 256
REST_S, SECONDS = 4, 3
N_EEG, N_ECG = 14, 2
LOW_AND_HIGH = (2, 4)
"""Valence of every other clip; arousal the other way round, dominance always 3."""


def sample_cells(
    seconds: Sequence[float], *, sfreq: int, n_channels: int, seed: int
) -> list[np.ndarray]:
    """Return noise around an offset of each channel, time first."""
    rng = np.random.default_rng(seed)
    offsets = 4200.0 + 10 * np.arange(n_channels)
    return [
        offsets + 10 * rng.standard_normal((round(s * sfreq), n_channels))
        for s in seconds
    ]


def column(items: Sequence[object]) -> np.ndarray:
    """Return a column of cells."""
    return pack(items).T


def make_subject(
    n_clips: int = 2,
    *,
    seconds: float = SECONDS,
    rest_s: float = REST_S,
    seed: int = 0,
    **changed: object,
) -> dict[str, object]:
    """Return a subject's struct; ``changed`` replaces its fields."""
    clips, rest = [seconds] * n_clips, [rest_s] * n_clips
    kinds = {"EEG": (SFREQ, N_EEG), "ECG": (ECG_SFREQ, N_ECG)}
    signals = {
        name: {
            field: column(
                sample_cells(
                    lengths, sfreq=sfreq, n_channels=n_channels, seed=seed + place
                )
            )
            for place, (field, lengths) in enumerate(
                {"baseline": rest, "stimuli": clips}.items()
            )
        }
        for name, (sfreq, n_channels) in kinds.items()
    }
    low, high = LOW_AND_HIGH
    valence = [[high if k % 2 else low] for k in range(n_clips)]
    return {
        "Age": "22",
        "Gender": "male",
        **signals,
        "ScoreValence": np.array(valence, float),
        "ScoreArousal": np.array([[6.0 - v[0]] for v in valence]),
        "ScoreDominance": np.full((n_clips, 1), 3.0),
        **changed,
    }


def change_cells(
    subject: dict[str, object], name: str, field: str, cells: Sequence[object]
) -> dict[str, object]:
    """Replace the cells of one stream."""
    subject[name] = {**subject[name], field: column(cells)}
    return subject


def write_dreamer_mat(
    root: Path,
    subjects: Sequence[Mapping[str, object]] = (),
    *,
    compressed: bool = True,
    n_clips: int = 2,
) -> Path:
    """Write a file and return it; one subject by default."""
    held = list(subjects) or [make_subject(n_clips)]
    root.mkdir(parents=True, exist_ok=True)
    path = root / "DREAMER.mat"
    others = {"EEG_SamplingRate": 128.0, "noOfSubjects": float(len(held))}
    content = {"DREAMER": {"Data": pack(held), **others}}
    savemat(path, content, do_compression=compressed)
    return path
