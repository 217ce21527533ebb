"""Signals as a page plots them: for each stretch, the least and the most of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deepvanet.bundle import Bundle
from deepvanet.datasets.recording_files import open_source, read_recording
from deepvanet.schema import SIGNALS, Channel, Recording, Stream

N_PLOTTED = {Stream.EEG: 3, Stream.PERIPHERAL: 5}
"""Channels that are plotted; of other streams as many as of peripheral signals."""
N_STRETCHES = 1200
"""Of a plotted signal: more than a screen has pixels for."""


def read_for_plots(path: Path, bundle: Bundle) -> Recording:
    """Read a few channels."""
    source = open_source(path, channels=bundle.channels)
    known = source.channels if source else bundle.channels
    return read_recording(path, channels=_pick_channels(known))


def _pick_channels(channels: Sequence[Channel]) -> list[Channel]:
    picked: list[Channel] = []
    for stream in SIGNALS:
        count = N_PLOTTED.get(stream, N_PLOTTED[Stream.PERIPHERAL])
        picked += [channel for channel in channels if channel.stream is stream][:count]
    return picked


def outline(recording: Recording) -> list[dict[str, Any]]:
    """Return signals, each as pairs of its least and most, around its median."""
    outlines: list[dict[str, Any]] = []
    lasts_s = recording.bio.shape[1] / recording.sfreq
    for channel, signal in zip(recording.channels, recording.bio, strict=True):
        values = signal.astype(float)
        is_known = np.isfinite(values)
        middle = np.median(values[is_known]) if is_known.any() else 0.0
        known = np.where(is_known, values - middle, 0.0)
        parts = np.array_split(known, min(N_STRETCHES, len(known)))
        outlines.append(
            {
                "name": channel.name,
                "kind": str(channel.type),
                "unit": channel.unit,
                "duration_s": lasts_s,
                "low": [float(f"{part.min():.4g}") for part in parts],
                "high": [float(f"{part.max():.4g}") for part in parts],
            }
        )
    return outlines
