"""Read what a check of a user's own recordings needs to know of one subject."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from deepvanet.datasets.recordings import sources
from deepvanet.datasets.recordings.rows import Row
from deepvanet.datasets.recordings.source_facts import (
    describe_channels,
    measure_signals,
)
from deepvanet.datasets.recordings.sources import RecordingSource, SourceRecording
from deepvanet.datasets.recordings.trials import TrialPlace
from deepvanet.datasets.source_facts import (
    ChannelFacts,
    PlacedVideo,
    SignalFacts,
    measure_shared,
)
from deepvanet.findings import Finding, attempt, collect, list_refused, report
from deepvanet.preprocessing.video import VideoInfo
from deepvanet.preprocessing.video_facts import examine_video
from deepvanet.schema import SIGNALS, Channel, Stream, TrialSpan
from deepvanet.signal_io.feature_tables import read_features

SAME_END = 0.05
"""Of the signals; videos that end further from theirs were not stopped with them."""

ReadSource = Callable[[Path], RecordingSource]
"""Reads what a root names: a table of trials, a data set in BIDS."""


@dataclass(frozen=True)
class RowFacts:
    """What was found of one row.

    Attributes
    ----------
    seconds, sfreq : float | None
        Of its signals; None where there are none, or they cannot be read.
    n_channels : mapping
        Of each bio stream that it has.
    used_s : float
        Of the stimulus; 0 where the row is left out.
    video_s, shown_s : float | None
        Length of the video, and how much of ``used_s`` it shows.
    begins_s : float | None
        Second of the video at which the stimulus begins.
    drift_s : float | None
        By how much longer the video is than the same time on the signals' clock,
        where that is known.
    """

    row: Row
    seconds: float | None = None
    sfreq: float | None = None
    n_channels: Mapping[Stream, int] = field(default_factory=dict)
    used_s: float = 0.0
    video_s: float | None = None
    shown_s: float | None = None
    begins_s: float | None = None
    drift_s: float | None = None


@dataclass(frozen=True)
class OwnFacts:
    """What was found of one subject.

    Attributes
    ----------
    ignored : tuple of str
        Labels of channels of which is not known what they measure.
    signals : tuple of SignalFacts
        Each file of signals, by recording.
    videos : tuple of PlacedVideo
        Each video once a recording.
    channels : tuple of ChannelFacts
        Of each recording.
    findings : tuple of Finding
        What was reported while its files were read.
    """

    subject: str
    rows: tuple[RowFacts, ...]
    signals: tuple[SignalFacts, ...] = ()
    videos: tuple[PlacedVideo, ...] = ()
    channels: tuple[ChannelFacts, ...] = ()
    findings: tuple[Finding, ...] = ()


def examine_subject(
    read_source: ReadSource, root: Path, channels: Sequence[Channel], subject: str
) -> OwnFacts:
    """Read all rows of one subject; what cannot be used becomes a finding.

    Parameters
    ----------
    read_source : callable
        Reads the source that a root names.
    root : Path
        The table of trials, or the folder of a data set in BIDS.
    channels : sequence of Channel
        Channels that the recordings share.
    subject : str
        As the rows of the source name it.

    Returns
    -------
    OwnFacts
        Facts of each row, in the order of the source, with findings.
    """
    with collect() as found:
        facts = _examine_subject(read_source(root), channels, subject)
        if not list_refused(found, ()) and not any(row.used_s for row in facts.rows):
            text = f"no trial of subject {subject} can be used"
            report("F01", text, source=root, assumed="the subject is left out")
    return replace(facts, findings=tuple(found))


def _examine_subject(
    source: RecordingSource, channels: Sequence[Channel], subject: str
) -> OwnFacts:
    rows: list[RowFacts] = []
    signals: list[SignalFacts] = []
    videos: list[PlacedVideo] = []
    used: list[ChannelFacts] = []
    own = [row for row in source.rows if row.subject == subject]
    for group in sources.group_rows(own):
        read = attempt(
            partial(sources.read_group, source, group, channels),
            source=group[0].bio or group[0].where,
        )
        if read is None:
            rows += [RowFacts(row) for row in group]
            continue
        shown = _examine_videos(read)
        rows += [_examine_row(read, placed, shown) for placed in read.placed]
        signals += measure_signals(read, list(shown.values()))
        videos += shown.values()
        used += describe_channels(read)
    order = {id(row): place for place, row in enumerate(own)}
    return OwnFacts(
        subject=subject,
        rows=tuple(sorted(rows, key=lambda facts: order[id(facts.row)])),
        signals=tuple(signals),
        videos=tuple(videos),
        channels=tuple(used),
    )


def _examine_videos(read: SourceRecording) -> dict[Path, PlacedVideo]:
    """Look at each video of a recording once; several trials may share one."""
    first: dict[Path, TrialPlace] = {}
    for placed in read.placed:
        if placed.row.video is not None:
            first.setdefault(placed.row.video, placed)
    shown = {}
    for path, placed in first.items():
        facts = examine_video(path, face_choice=placed.row.face_choice)
        if facts is not None:
            span, lasts_s = placed.span, facts.info.duration_s
            start_s = span.onset_s - span.video_onset_s if span else 0.0
            drift_s = _measure_drift(read, start_s, facts.info) if span else None
            shown[path] = PlacedVideo(
                path, (start_s, start_s + lasts_s), drift_s, facts
            )
    return shown


def _examine_row(
    read: SourceRecording, placed: TrialPlace, videos: Mapping[Path, PlacedVideo]
) -> RowFacts:
    row, span, recording = placed.row, placed.span, read.recording
    video = videos.get(row.video) if row.video else None
    info = video.facts.info if video else None
    if row.face_features is not None:
        read_it = partial(read_features, row.face_features, info.fps if info else None)
        attempt(read_it, source=row.face_features)
    return RowFacts(
        row=row,
        seconds=read.opened.main.seconds if read.opened else None,
        sfreq=read.opened.main.sfreq if read.opened else None,
        n_channels={
            stream: sum(c.stream is stream for c in recording.channels)
            for stream in SIGNALS
        },
        used_s=span.end_s - span.onset_s if span else 0.0,
        video_s=info.duration_s if info else None,
        shown_s=_measure_shown(span, info),
        drift_s=video.drift_s if video else None,
        begins_s=span.video_onset_s if span else None,
    )


def _measure_shown(span: TrialSpan | None, info: VideoInfo | None) -> float | None:
    if span is None or info is None:
        return None
    start = span.video_onset_s
    end = start + span.end_s - span.onset_s
    return measure_shared((start, end), (0.0, info.duration_s))


def _measure_drift(
    read: SourceRecording, start_s: float, info: VideoInfo
) -> float | None:
    """Compare a video's clock with the signals', over the length of the video.

    The signals' file may hold the stamps of the frames. Else the two are compared
    where they end, if they seem to have been stopped together.
    """
    if read.opened is None:
        return None
    main = read.opened.main
    if main.video is not None:
        return info.duration_s - 1 / info.fps - main.video.span_s
    apart = start_s + info.duration_s - main.seconds
    return apart if abs(apart) <= SAME_END * main.seconds else None
