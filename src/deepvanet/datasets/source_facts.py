"""What a check says of each file of signals, each video and each channel."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deepvanet.datasets.channel_facts import ChannelLevel
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
    keeps_level : bool
        Whether no filter removed its level.
    """

    channel: Channel
    why: str
    level: ChannelLevel | None
    keeps_level: bool = True


def place_video(
    path: Path, facts: VideoFacts, start_s: float, *, fps: float | None = None
) -> PlacedVideo:
    """Say where a video lies on the clock of its signals.

    Parameters
    ----------
    path : Path
        The video.
    facts : VideoFacts
        What was seen in it.
    start_s : float
        Where it begins.
    fps : float | None
        Its true rate, if the file is known not to say it.

    Returns
    -------
    PlacedVideo
        Without a drift, and without the stamps of its frames.
    """
    info = replace(facts.info, times=None)  # one for each frame, which no table has
    if fps is not None:
        lasts_s = info.n_packets / fps
        info = replace(info, measured_fps=fps, duration_s=lasts_s)
    span = start_s, start_s + info.duration_s
    return PlacedVideo(path, span, None, replace(facts, info=info))


def measure_shared(one: Span, other: Span) -> float:
    """Return how many seconds two spans have in common."""
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


def sum_shared(span: Span, videos: Sequence[Span]) -> float | None:
    """Return how much of a span is on video; what two videos show counts once.

    Parameters
    ----------
    span : tuple of float
        Of a file of signals.
    videos : sequence of tuple
        Spans on the same clock.

    Returns
    -------
    float | None
        In seconds; None where there are no videos.
    """
    if not videos:
        return None
    total, done = 0.0, span[0]
    for start, end in sorted(videos):
        total += measure_shared((max(start, done), end), span)
        done = max(done, end)
    return total
