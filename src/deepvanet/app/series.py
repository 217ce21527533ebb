"""Signals as a page plots them: for each stretch, the least and the most of it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from deepvanet.bundle import Bundle
from deepvanet.datasets.recording_files import open_source, read_recording
from deepvanet.datasets.recordings.rows import PeripheralFile
from deepvanet.schema import SIGNALS, Channel, Recording, Stream

N_PLOTTED = {Stream.EEG: 3, Stream.PERIPHERAL: 5}
"""Channels that are plotted; of other streams as many as of peripheral signals."""
N_STRETCHES = 1200
"""Of a plotted signal: more than a screen has pixels for."""


def read_for_plots(
    path: Path, bundle: Bundle, peripherals: Sequence[PeripheralFile] = ()
) -> Recording:
    """Read a few channels of a file, and of those beside it."""
    source = open_source(path, channels=bundle.channels, peripherals=peripherals)
    known = source.channels if source else bundle.channels
    picked = _pick_channels(known)
    return read_recording(path, channels=picked, peripherals=peripherals)


def _pick_channels(channels: Sequence[Channel]) -> list[Channel]:
    picked: list[Channel] = []
    for stream in SIGNALS:
        count = N_PLOTTED.get(stream, N_PLOTTED[Stream.PERIPHERAL])
        picked += [channel for channel in channels if channel.stream is stream][:count]
    return picked


def outline(recording: Recording) -> list[dict[str, Any]]:
    """Return signals, each as pairs of its least and most, around its median.

    Stretches of which no sample is known have None for both.
    """
    outlines: list[dict[str, Any]] = []
    lasts_s = recording.bio.shape[1] / recording.sfreq
    for channel, signal in zip(recording.channels, recording.bio, strict=True):
        values = signal.astype(float)
        is_known = np.isfinite(values)
        middle = np.median(values[is_known]) if is_known.any() else 0.0
        known = np.where(is_known, values - middle, np.nan)
        count = min(N_STRETCHES, len(known))
        # equally long but for a sample, so that all lie at their times
        cuts = np.linspace(0, len(known), count + 1).round().astype(int)[1:-1]
        parts = np.split(known, cuts)
        outlines.append(
            {
                "name": channel.name,
                "stream": str(channel.stream),
                "unit": channel.unit,
                "duration_s": lasts_s,
                "low": [_write(part, np.nanmin) for part in parts],
                "high": [_write(part, np.nanmax) for part in parts],
            }
        )
    return outlines


def _write(
    part: Float[np.ndarray, " sample"], find: Callable[..., Any]
) -> float | None:
    """Return a stretch's least or most, in a few digits."""
    return None if np.isnan(part).all() else float(f"{find(part):.4g}")
