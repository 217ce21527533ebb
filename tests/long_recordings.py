"""Recordings of many minutes, as a laboratory has them: a BDF file and a video."""

from collections.abc import Sequence
from pathlib import Path

import edfio
import numpy as np

from deepvanet.datasets.deap import reader as deap
from deepvanet.schema import Channel
from films import write_video
from portraits import sample_portrait

SFREQ = 256


def write_long_bdf(
    path: Path,
    *,
    minutes: float,
    channels: Sequence[Channel] = deap.CHANNELS,
    seed: int = 0,
) -> Path:
    """Write noise about an offset, in the channels' units, a channel at a time."""
    rng = np.random.default_rng(seed)
    n_samples = round(minutes * 60) * SFREQ
    signals = [
        edfio.BdfSignal(
            rng.normal(0, 10, n_samples) + rng.normal(0, 50),
            SFREQ,
            label=channel.name,
            physical_dimension="uV" if channel.unit == "uV" else "",
            physical_range=(-1000, 1000),
        )
        for channel in channels
    ]
    edfio.Bdf(signals).write(path)
    return path


def write_long_video(path: Path, *, minutes: float, fps: int = 5) -> Path:
    """Write a face whose light changes; it is away for ten seconds of each minute."""

    def play():
        lights = [sample_portrait(0.6 + 0.04 * k)[::2, ::2] for k in range(10)]
        away = np.full_like(lights[0], 90)
        for number in range(round(minutes * 60 * fps)):
            is_away = number // fps % 60 >= 50
            yield away if is_away else lights[number % len(lights)]

    return write_video(path, play(), fps=fps)
