"""What a check says of each file of signals and each video of own recordings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepvanet.datasets.channel_facts import ChannelLevel
from deepvanet.datasets.recordings.channel_reports import FileChannel
from deepvanet.datasets.recordings.sources import SourceRecording
from deepvanet.preprocessing.video_facts import VideoFacts
from deepvanet.schema import Channel
from deepvanet.signal_io.types import Timing

Span = tuple[float, float]
"""Seconds on the clock of a recording."""


@dataclass(frozen=True)
class SignalFacts:
    """What was found of one file of signals.

    Attributes
    ----------
    shared_s : float | None
        What it has in common with the other file of its recording.
    filmed_s : float | None
        What it has in common with the videos; None where there are none.
    missing : float
        Share of the samples of its channels that are missing.
    """

    path: Path
    timing: Timing
    sfreq: float
    span: Span
    shared_s: float | None
    filmed_s: float | None
    missing: float


@dataclass(frozen=True)
class PlacedVideo:
    """What was found of one video.

    Attributes
    ----------
    drift_s : float | None
        By how much longer it is than the same time on the signals' clock.
    """

    path: Path
    span: Span
    drift_s: float | None
    facts: VideoFacts


@dataclass(frozen=True)
class ChannelFacts:
    """What a channel of one recording was taken for.

    Attributes
    ----------
    why : str
        What says what it measures.
    level : ChannelLevel | None
        None where its numbers are left out.
    """

    channel: Channel
    why: str
    level: ChannelLevel | None


def measure_signals(
    read: SourceRecording, videos: Sequence[PlacedVideo]
) -> tuple[SignalFacts, ...]:
    """Return the facts of each file of signals of a recording."""
    if read.opened is None:
        return ()
    files = read.opened.files
    starts = (0.0, read.opened.offset_s)[: len(files)]
    spans = [
        (start, start + file.seconds) for start, file in zip(starts, files, strict=True)
    ]
    return tuple(
        SignalFacts(
            path=file.path,
            timing=file.timing,
            sfreq=file.sfreq,
            span=span,
            shared_s=measure_shared(spans[0], spans[1]) if len(spans) > 1 else None,
            filmed_s=_sum_shared(span, [video.span for video in videos]),
            missing=_measure_missing(read, found),
        )
        for file, span, found in zip(files, spans, read.opened.found, strict=True)
    )


def describe_channels(read: SourceRecording) -> tuple[ChannelFacts, ...]:
    """Return the facts of each channel of a recording that is used."""
    if read.opened is None:
        return ()
    found = read.opened.channels
    return tuple(
        ChannelFacts(channel, found[channel.name].why, read.levels.get(channel.name))
        for channel in read.recording.channels
    )


def measure_shared(one: Span, other: Span) -> float:
    """Return how many seconds two spans have in common."""
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


def _sum_shared(span: Span, videos: Sequence[Span]) -> float | None:
    """Return how much of a span is on video; what two videos show counts once."""
    if not videos:
        return None
    total, done = 0.0, span[0]
    for start, end in sorted(videos):
        total += measure_shared((max(start, done), end), span)
        done = max(done, end)
    return total


def _measure_missing(read: SourceRecording, found: dict[str, FileChannel]) -> float:
    own = [k for k, c in enumerate(read.recording.channels) if c.name in found]
    bio = read.recording.bio[own]
    return float(1 - np.isfinite(bio).mean()) if bio.size else 0.0
