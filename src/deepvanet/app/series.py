"""Signals as a page plots them: for each stretch, the least and the most of it."""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from deepvanet.bundle import Bundle
from deepvanet.datasets.recording_files import open_source, read_recording
from deepvanet.datasets.recordings.rows import PeripheralFile
from deepvanet.learners.features import BANDS
from deepvanet.schema import SIGNALS, Channel, Recording, Stream

TINY = 1e-30

MOST_CHANNELS = 128
"""That can be chosen for a plot: the others of a dense cap are left out."""
MOST_SAMPLES = 400_000_000
"""That are read for plots; of a longer recording fewer channels."""
N_STRETCHES = 6000
"""Of a plotted signal: samples themselves of a minute at 100 Hz."""
BAND_TOP_HZ = max(high for _, high in BANDS.values())


def find_channels(
    path: Path, bundle: Bundle, peripherals: Sequence[PeripheralFile] = ()
) -> tuple[list[Channel], int]:
    """Return the bundle's channels that files have, and how many may be plotted."""
    source = open_source(path, channels=bundle.channels, peripherals=peripherals)
    if source is None:
        return list(bundle.channels), MOST_CHANNELS
    room = MOST_SAMPLES // max(1, source.n_samples)
    return list(source.channels), max(1, min(MOST_CHANNELS, room))


def read_for_plots(
    path: Path,
    channels: Sequence[Channel],
    peripherals: Sequence[PeripheralFile] = (),
) -> Recording:
    """Read some channels of a file, and of those beside it."""
    return read_recording(path, channels=channels, peripherals=peripherals)


def pick_channels(channels: Sequence[Channel], most: int) -> list[Channel]:
    """Return so many channels, of each stream about as many.

    Examples
    --------
    >>> pick_channels([], 3)
    []
    """
    streams = [[c for c in channels if c.stream is stream] for stream in SIGNALS]
    picked = [c for row in zip_longest(*streams) for c in row if c is not None][:most]
    return [channel for channel in channels if channel in picked]


def measure_bands(recording: Recording) -> dict[str, Any] | None:
    """Return how the power of EEG is divided into bands, second by second.

    Returns
    -------
    dict | None
        ``names``, with their range in Hz, and ``shares``, the mean of channels in each
        second, None where a sample is missing; nothing where there is no EEG, or it is
        sampled too slowly.
    """
    rows = [k for k, c in enumerate(recording.channels) if c.stream is Stream.EEG]
    second = round(recording.sfreq)
    if not rows or second < 2 * BAND_TOP_HZ:
        return None
    n_seconds = recording.bio.shape[1] // second
    powers = np.zeros((n_seconds, len(BANDS)))
    hertz = np.fft.rfftfreq(second, 1 / recording.sfreq)
    for row in rows:
        samples = recording.bio[row, : n_seconds * second].reshape(n_seconds, second)
        power = np.abs(np.fft.rfft(samples * np.hanning(second), axis=1)) ** 2
        bands = [
            power[:, (hertz >= low) & (hertz < high)].sum(axis=1)
            for low, high in BANDS.values()
        ]
        mine = np.stack(bands, axis=1)
        powers += mine / np.maximum(mine.sum(axis=1, keepdims=True), TINY)
    shares = [
        [round(float(part), 3) for part in row] if np.isfinite(row).all() else None
        for row in powers / len(rows)
    ]
    names = [f"{name} {low:g}-{high:g} Hz" for name, (low, high) in BANDS.items()]
    return {"names": names, "shares": shares}


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
