"""A synthetic recording, for users who have no recording yet."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from deepvanet.bundle import Bundle
from deepvanet.config import Execution
from deepvanet.datasets.deap import reader as deap
from deepvanet.inference import RecordingInput
from deepvanet.schema import Channel, Trial
from deepvanet.synthetic import Knobs, write_data_set

SECONDS = 20


def make_example(folder: Path, bundle: Bundle) -> RecordingInput:
    """Write a synthetic face and synthetic signals, of those that the bundle reads.

    Returns
    -------
    RecordingInput
        The files, and the second of the signals at which the video starts.

    Raises
    ------
    UserError
        When the ``synth`` extra is missing.
    """
    root = folder / "example"
    write_data_set(
        "deap",
        root,
        n_subjects=1,
        n_trials=1,
        seconds=SECONDS,
        knobs=Knobs(effect=3.0),
        seed=0,
        execution=Execution(),
    )
    trial = next(deap.read_subject(root, "01"))
    video = bio = None
    if trial.video and any("face" in name for name in bundle.stream_sets):
        video = Path(shutil.move(trial.video, folder / "video.avi"))
    if bundle.channels:
        bio = folder / "bio.csv"
        _write_signals(bio, trial, bundle.channels)
    shutil.rmtree(root)
    offset_s = trial.baseline_s if bio else 0.0
    return RecordingInput(video=video, bio=bio, video_offset_s=offset_s)


def _write_signals(path: Path, trial: Trial, channels: tuple[Channel, ...]) -> None:
    """Write a table of seconds and channels."""
    times = np.arange(trial.bio.shape[1]) / trial.sfreq
    columns = {
        channel.name: trial.bio[_find_like(trial, channel)] for channel in channels
    }
    pd.DataFrame({"time": times, **columns}).to_csv(path, index=False)


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
