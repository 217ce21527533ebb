"""Signals as a page draws them: for each stretch, the least and the most of it."""

from pathlib import Path
from typing import Any

import numpy as np

from deepvanet.bundle import Bundle
from deepvanet.datasets.recordings import read_recording
from deepvanet.preprocessing import segments
from deepvanet.schema import Recording, Stream, as_recording

N_EEG, N_PERIPHERAL = 3, 5
"""Channels that are drawn."""
N_STRETCHES = 1200
"""Of a drawn signal: more than a screen has pixels for."""


def read_for_drawing(path: Path, bundle: Bundle, trial: str | None) -> Recording:
    """Read the recording, cut to its trial, on the clock of the prediction."""
    recording = read_recording(path, channels=bundle.channels, trial=trial)
    if trial is None or not recording.spans:
        return recording
    return as_recording(next(segments.cut_trials(recording)))


def outline(recording: Recording) -> list[dict[str, Any]]:
    """Return a few signals, each as pairs of its least and most, around its median."""
    drawn: list[dict[str, Any]] = []
    taken = {Stream.EEG: N_EEG, Stream.PERIPHERAL: N_PERIPHERAL}
    lasts_s = recording.bio.shape[1] / recording.sfreq
    for channel, signal in zip(recording.channels, recording.bio, strict=True):
        if taken[channel.stream] == 0:
            continue
        taken[channel.stream] -= 1
        known = np.nan_to_num(signal.astype(float))
        known -= np.median(known)
        parts = np.array_split(known, min(N_STRETCHES, len(known)))
        drawn.append(
            {
                "name": channel.name,
                "kind": str(channel.type),
                "unit": channel.unit,
                "duration_s": lasts_s,
                "low": [float(f"{part.min():.4g}") for part in parts],
                "high": [float(f"{part.max():.4g}") for part in parts],
            }
        )
    return drawn
