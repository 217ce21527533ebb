"""A synthetic recording, for users who have no recording yet."""

import math
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float

from deepvanet.bundle import Bundle
from deepvanet.bundle.loading import Level
from deepvanet.config import Execution
from deepvanet.datasets.deap import reader as deap
from deepvanet.inference import RecordingInput
from deepvanet.schema import BIO, SIGNALS, Channel, Stream, Trial, UserError
from deepvanet.synthetic import Knobs, write_data_set

SECONDS = 20
_WRITES = ("neurokit2", "skimage")
"""Packages of the extra that writes synthetic recordings."""


def find_example_obstacle(bundle: Bundle) -> str:
    """Say why no example of a bundle can be made; nothing where it can.

    An example has the channels that the bundle reads, each where it lay in training: a
    channel of which that is not known has no place.
    """
    missing = [name for name in _WRITES if find_spec(name) is None]
    if missing:
        return f"{missing[0]} is missing"
    unknown = [
        channel.name
        for channel in bundle.channels
        if channel.stream in bundle.streams and channel.name not in bundle.levels
    ]
    if unknown:
        return f"the bundle does not say where {unknown[0]} lay in training"
    return ""


def make_example(folder: Path, bundle: Bundle) -> RecordingInput:
    """Write a synthetic face and synthetic signals, of those that the bundle reads.

    Returns
    -------
    RecordingInput
        The files, and the second of the signals at which the video starts.

    Raises
    ------
    UserError
        When none can be made, as ``find_example_obstacle`` says.
    """
    obstacle = find_example_obstacle(bundle)
    if obstacle:
        raise UserError(f"there is no example: {obstacle}")
    root = folder / "example"
    seconds = max(SECONDS, math.ceil(4 * bundle.grid.length_s))
    write_data_set(
        "deap",
        root,
        n_subjects=1,
        n_trials=1,
        seconds=seconds,
        knobs=Knobs(effect=3.0),
        seed=0,
        execution=Execution(),
    )
    trial = next(deap.read_subject(root, "01"))
    video = bio = None
    if trial.video and Stream.FACE in bundle.streams:
        video = Path(shutil.move(trial.video, folder / "video.avi"))
    if any(channel.stream in SIGNALS for channel in bundle.channels):
        bio = folder / "bio.csv"
        _write_signals(bio, trial, bundle)
    features = None
    if Stream.FACE_FEATURES in bundle.streams:
        features = folder / "features.csv"
        _write_features(features, bundle, seconds)
    shutil.rmtree(root)
    offset_s = trial.baseline_s if bio else 0.0
    return RecordingInput(video, bio, features, video_offset_s=offset_s)


def _write_features(path: Path, bundle: Bundle, seconds: int) -> None:
    """Write a table of numbers of each frame."""
    rng = np.random.default_rng(1)
    fps = bundle.recipe.face_fps
    columns = {"timestamp": np.arange(round(seconds * fps)) / fps}
    for channel in bundle.channels_of(Stream.FACE_FEATURES):
        columns[channel.name] = _wander(bundle, channel, len(columns["timestamp"]), rng)
    pd.DataFrame(columns).to_csv(path, index=False)


def _write_signals(path: Path, trial: Trial, bundle: Bundle) -> None:
    """Write a table of seconds and channels."""
    rng = np.random.default_rng(0)
    columns = {"time": np.arange(trial.bio.shape[1]) / trial.sfreq}
    for channel in bundle.channels:
        if channel.stream in SIGNALS:
            signal = trial.bio[_find_like(trial, channel)]
            if channel.stream not in BIO:
                signal = _wander(bundle, channel, len(signal), rng)
            elif not _is_of(trial, channel):
                signal = _place(bundle, channel, signal)
            columns[_name_column(channel)] = signal
    pd.DataFrame(columns).to_csv(path, index=False)


def _name_column(channel: Channel) -> str:
    """Return a label that says the unit."""
    return f"{channel.name} [{channel.unit}]" if channel.unit else channel.name


def _is_of(trial: Trial, channel: Channel) -> bool:
    """Say whether a trial has the channel itself, in its unit."""
    return channel in trial.channels


def _place(
    bundle: Bundle, channel: Channel, signal: Float[np.ndarray, " sample"]
) -> Float[np.ndarray, " sample"]:
    """Return a signal moved and scaled to where the channel lay in training."""
    level = bundle.levels.get(channel.name, Level(0.0, 1.0))
    low, middle, high = np.percentile(signal, [25, 50, 75])
    return np.asarray(level.median + level.spread * (signal - middle) / (high - low))


def _wander(
    bundle: Bundle, channel: Channel, n_samples: int, rng: np.random.Generator
) -> Float[np.ndarray, " sample"]:
    """Return what no trial of DEAP has: a slow movement about the level of training."""
    level = bundle.levels.get(channel.name, Level(0.0, 1.0))
    phase = np.linspace(0, 2 * np.pi, n_samples) * rng.integers(3, 8)
    noise = rng.normal(0, 0.1, n_samples)
    return np.asarray(level.median + level.spread * (np.sin(phase) + noise) / 2)


def _find_like(trial: Trial, channel: Channel) -> int:
    """Return the row of the channel, or else of one that measures the same."""

    def differ(row: int) -> tuple[bool, bool, bool]:
        other = trial.channels[row]
        return (
            other.name != channel.name,
            other.type is not channel.type,
            other.stream is not channel.stream,
        )

    return min(range(len(trial.channels)), key=differ)
