"""What a check says of each file of signals and each channel of own recordings."""

from collections.abc import Sequence

import numpy as np

from deepvanet.datasets.recordings.channel_reports import FileChannel
from deepvanet.datasets.recordings.sources import SourceRecording
from deepvanet.datasets.source_facts import (
    ChannelFacts,
    PlacedVideo,
    SignalFacts,
    measure_shared,
    sum_shared,
)


def measure_signals(
    read: SourceRecording, videos: Sequence[PlacedVideo]
) -> tuple[SignalFacts, ...]:
    """Return the facts of each file of signals of a recording."""
    if read.opened is None:
        return ()
    files = read.opened.files
    starts = read.opened.offsets_s
    spans = [
        (start, start + file.seconds) for start, file in zip(starts, files, strict=True)
    ]
    beside = [measure_shared(spans[0], span) for span in spans[1:]]
    shared = [min(beside), *beside] if beside else [None]
    return tuple(
        SignalFacts(
            path=file.path,
            timing=file.timing,
            sfreq=file.sfreq,
            span=span,
            shared_s=shared_s,
            filmed_s=sum_shared(span, [video.span for video in videos]),
            missing=_measure_missing(read, found),
        )
        for file, span, shared_s, found in zip(
            files, spans, shared, read.opened.found, strict=True
        )
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


def _measure_missing(read: SourceRecording, found: dict[str, FileChannel]) -> float:
    own = [k for k, c in enumerate(read.recording.channels) if c.name in found]
    bio = read.recording.bio[own]
    return float(1 - np.isfinite(bio).mean()) if bio.size else 0.0
