"""A made-up recording, for those who have none at hand."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from deepvanet.app.uploads import Sent
from deepvanet.bundle import Bundle
from deepvanet.config import Execution
from deepvanet.datasets import deap, synthetic
from deepvanet.schema import Channel, Trial, UserError

SECONDS = 20


def make_example(folder: Path, bundle: Bundle) -> tuple[Sent, float]:
    """Write a drawn face and made-up signals, of those that the bundle reads.

    Returns
    -------
    Sent, float
        The files, and the second of the signals at which the video starts.

    Raises
    ------
    UserError
        When the ``synth`` extra is missing.
    """
    root = folder / "example"
    try:
        synthetic.write_deap(
            root,
            n_subjects=1,
            n_trials=1,
            seconds=SECONDS,
            knobs=synthetic.Knobs(effect=3.0),
            execution=Execution(),
        )
    except ImportError:
        raise UserError("the example: needs deepvanet[synth]") from None
    trial = deap.read_trial(root / "data_preprocessed_python" / "s01.dat", "1")
    video = bio = None
    if trial.video and any("face" in name for name in bundle.stream_sets):
        video = Path(shutil.move(trial.video, folder / "video.avi"))
    if bundle.channels:
        bio = folder / "bio.csv"
        _write_signals(bio, trial, bundle.channels)
    shutil.rmtree(root)
    return Sent(video, bio), trial.baseline_s if bio else 0.0


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
