"""What every signal file is opened as: channels on one clock, markers, a video's clock.

Nothing here knows a format.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from deepvanet.schema import ChannelType

Numbers: TypeAlias = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Marker:
    """Something that happened, in seconds since the first sample."""

    onset_s: float
    duration_s: float
    text: str


@dataclass(frozen=True)
class VideoClock:
    """When a video began and for how long it ran, on the clock of the signals."""

    start_s: float
    span_s: float


@dataclass(frozen=True)
class Signals:
    """A file that was opened; its numbers are read when asked for.

    Attributes
    ----------
    units : tuple of str
        Of the numbers that ``read`` returns.
    types : tuple of ChannelType | None
        What the file itself says of each channel.
    read_span : callable
        Returns the channels of these places from one sample to before another, shape
        (channel, time).
    video : VideoClock | None
        Where the file holds the stamps of a video's frames.
    start_unix_s : float | None
        When the first sample was taken, in Unix time, where the file says so.
    """

    path: Path
    labels: tuple[str, ...]
    units: tuple[str, ...]
    types: tuple[ChannelType | None, ...]
    sfreq: float
    n_samples: int
    read_span: Callable[[Sequence[int], int, int], Numbers]
    markers: tuple[Marker, ...] = ()
    video: VideoClock | None = None
    start_unix_s: float | None = None

    @property
    def seconds(self) -> float:
        """Length of the recording."""
        return self.n_samples / self.sfreq

    def read(
        self, places: Sequence[int], start: int = 0, stop: int | None = None
    ) -> Numbers:
        """Return the channels of these places, all their samples or some."""
        end = self.n_samples if stop is None else min(stop, self.n_samples)
        return self.read_span(places, start, end)
