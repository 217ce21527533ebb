"""Bundles of each task and of several streams, and a recording that they answer."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from deepvanet.bundle import Bundle, train_bundle
from deepvanet.config import Execution, NetworkSettings, TrainSettings
from deepvanet.schema import BIO, Stream
from deepvanet.store import SegmentStore
from signal_files import write_fif
from small_store import BIO_UNITS, CHANNELS, GAZE_CHANNELS, write_small_store

STREAMS = (*BIO, Stream.GAZE)
QUICK = TrainSettings(
    streams=("bio", "bio+gaze"),
    baseline="none",
    cross_validate=False,
    learner="bandpower-logistic",
    network=NetworkSettings(epochs=2, batch_size=8, precision="float32"),
)
RATED = replace(QUICK, task="rating", learner="bandpower-ridge")
SETTINGS = {
    "high-low": QUICK,
    "high-low of others": replace(QUICK, targets=("dominance", "arousal")),
    "classes": replace(
        QUICK, task="classes", targets=("valence",), classes="<4,4-6,>6"
    ),
    "texts": replace(QUICK, task="classes", targets=("mood",)),
    "quadrants": replace(QUICK, task="quadrants"),
    "rating": replace(RATED, targets=("valence", "arousal", "dominance")),
    "rating of one": replace(RATED, targets=("dominance",), segment=2, step=1),
}
CHANNELS_OF_ALL = (*CHANNELS, *GAZE_CHANNELS)


def write_task_store(folder: Path) -> SegmentStore:
    """Write a store of five subjects in whom graded ratings show."""
    return write_small_store(
        folder,
        n_subjects=5,
        n_trials=12,
        n_segments=4,
        streams=STREAMS,
        baseline="none",
        graded=True,
    )


def train_task(store: SegmentStore, name: str, out: Path) -> Bundle:
    """Train the bundle of a task."""
    asked = {"settings": SETTINGS[name], "execution": Execution()}
    return train_bundle(store.path, out, **asked)


def write_rising(path: Path, *, seconds: int = 12) -> Path:
    """Write signals in which ratings rise; gaze is lost for some seconds."""
    rng = np.random.default_rng(3)
    level, unit = (
        np.concatenate([BIO_UNITS[stream][place] for stream in STREAMS])
        for place in (0, 1)
    )
    shown = np.linspace(-2, 2, seconds * 128)
    bio = level + unit * (shown + rng.normal(0, 1, (len(level), len(shown))))
    bio[len(CHANNELS) :, 3 * 128 : 6 * 128] = np.nan
    return write_fif(path, bio, CHANNELS_OF_ALL)
