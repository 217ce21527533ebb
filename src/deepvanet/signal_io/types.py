"""What every signal file is opened as: channels on one clock, markers, a video's clock.

Nothing here knows a format.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
class Timing:
    """What a file says of when its samples were taken.

    Attributes
    ----------
    stated_hz : float | None
        Samples a second that a header states.
    measured_hz : float | None
        Those of its time stamps, without gaps; None where it has no stamps.
    gaps : tuple of (float, float)
        Stretches without a sample, in seconds since the first one.
    jump_s : float
        What its clock was set forward by, in all, while no time passed.
    """

    stated_hz: float | None = None
    measured_hz: float | None = None
    gaps: tuple[tuple[float, float], ...] = ()
    jump_s: float = 0.0

    @property
    def gap_s(self) -> float:
        """Length of all gaps."""
        return math.fsum(end - start for start, end in self.gaps)

    def measure_drift(self, seconds: float) -> float | None:
        """Return how much longer a recording is by its stamps than by its header."""
        if not self.stated_hz or not self.measured_hz:
            return None
        return (seconds - self.gap_s) * (1 - self.measured_hz / self.stated_hz)


@dataclass(frozen=True)
class Signals:
    """A file that was opened; its numbers are read when asked for.

    Attributes
    ----------
    units : tuple of str
        Of the numbers that ``read`` returns, as ``spell_unit`` spells them: empty
        where none is stated, as written where it is not known.
    types : tuple of ChannelType | None
        What the file itself says of each channel.
    read_span : callable
        Returns the channels of these places from one sample to before another, shape
        (channel, time).
    video : VideoClock | None
        Where the file holds the stamps of a video's frames.
    rates : tuple of float
        Samples a second that the file has of each channel, in Hz; empty where all
        have ``sfreq``.
    faults : mapping
        Why the numbers of a channel cannot be known, by its place.
    bad : tuple of int
        Places of channels that the file, or its side-car, marks as bad.
    start_unix_s : float | None
        When the first sample was taken, in Unix time, where the file says so.
    has_zone : bool
        Whether that is Unix time, and not a clock on the wall taken for UTC.
    timing : Timing
        Of its samples; in a file of several streams, of the one that has the clock.
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
    rates: tuple[float, ...] = ()
    faults: Mapping[int, str] = field(default_factory=dict)
    bad: tuple[int, ...] = ()
    start_unix_s: float | None = None
    has_zone: bool = True
    timing: Timing = Timing()

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
