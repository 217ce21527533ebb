"""Small copies of DEAP in its real format, written without the package."""

import csv
import io
import pickle
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from films import number_pictures, write_video

HEADER = (
    *("Participant_id", "Trial", "Experiment_id", "Start_time"),
    *("Valence", "Arousal", "Dominance", "Liking", "Familiarity"),
)
N_EEG, N_CHANNELS, SFREQ, REST_S = 32, 40, 128, 3
NEVER_FILMED = {(3, 40), (5, 40), (11, 38), (11, 39), (11, 40), (14, 40)}


def write_small_deap(
    root: Path,
    *,
    n_subjects: int = 2,
    n_trials: int = 4,
    seconds: int = 3,
    seed: int = 0,
    videos: bool = False,
) -> Path:
    """Write noise in DEAP's format; half of the ratings are high, of each target.

    Parameters
    ----------
    seconds : int
        Of a stimulus; 3 s of rest come before it.
    videos : bool
        Whether subjects 1 to 22 are filmed; the pictures show no face.
    """
    rng = np.random.default_rng(seed)
    (root / "data_preprocessed_python").mkdir(parents=True)
    (root / "metadata_csv").mkdir()
    rows = []
    for subject in range(1, n_subjects + 1):
        rated = sample_ratings(rng, subject, n_trials)
        rows += rated
        by_experiment = sorted(rated, key=lambda row: row[2])
        labels = np.array([row[4:8] for row in by_experiment], dtype=float)
        data = sample_signals(rng, n_trials, (REST_S + seconds) * SFREQ)
        path = root / "data_preprocessed_python" / f"s{subject:02d}.dat"
        path.write_bytes(pickle_as_python_2({"labels": labels, "data": data}))
        for row in rated if videos and subject <= 22 else ():
            if (subject, row[1]) not in NEVER_FILMED:
                film_trial(root, subject, row[1], seconds)
    write_ratings(root, rows)
    return root


def sample_signals(rng: np.random.Generator, n_trials: int, n_samples: int):
    """Return noise of 4 to 45 Hz and microvolts, and a skin of 200 kOhm."""
    noise = rng.normal(size=(n_trials, N_CHANNELS, n_samples))
    spectrum = np.fft.rfft(noise)
    frequency = np.fft.rfftfreq(n_samples, 1 / SFREQ)
    spectrum[..., (frequency < 4) | (frequency > 45)] = 0
    data = 10 * np.fft.irfft(spectrum, n_samples)
    data[:, 36] += 2e5
    return data


def sample_ratings(rng: np.random.Generator, subject: int, n_trials: int):
    """Return rows in viewing order; no trial has the number of its experiment."""
    experiments = (np.arange(n_trials) + 1) % n_trials + 1
    ratings = rng.uniform(0, 2.5, (4, n_trials)) + 5 * rng.permuted(
        np.tile(np.arange(n_trials) % 2, (4, 1)), axis=1
    )
    return [
        [subject, trial + 1, int(experiments[trial]), 1_695_918 + 900_000 * trial]
        + [round(float(rating), 2) for rating in 1 + ratings[:, trial]]
        + ["" if subject == 2 else 3]
        for trial in range(n_trials)
    ]


def write_ratings(root: Path, rows, header=HEADER) -> None:
    """Write the ratings table."""
    path = root / "metadata_csv" / "participant_ratings.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def film_trial(root: Path, subject: int, trial: int, seconds: float) -> Path:
    """Write the video of a trial, a second short of a minute's, as DEAP's are."""
    folder = root / "face_video" / f"s{subject:02d}"
    folder.mkdir(parents=True, exist_ok=True)
    n_frames = round(seconds * 59.05 / 60 * 50)
    return write_video(
        folder / f"s{subject:02d}_trial{trial:02d}.avi",
        number_pictures(range(n_frames)),
        codec="mpeg4",
    )


def pickle_as_python_2(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Pickle with protocol 2 as Python 2 and the NumPy of its day did."""
    file = io.BytesIO()
    _Python2Pickler(file, protocol=2).dump(arrays)
    return file.getvalue().replace(b"numpy._core", b"numpy.core")


class _Python2Pickler(pickle._Pickler):
    """Write text and bytes alike as the ``str`` of Python 2."""

    def save_string(self, text) -> None:
        data = text.encode("latin1") if isinstance(text, str) else text
        head = b"U" + bytes([len(data)]) if len(data) < 256 else None
        self.write((head or b"T" + struct.pack("<i", len(data))) + data)
        self.memoize(text)

    dispatch = pickle._Pickler.dispatch | {str: save_string, bytes: save_string}
