"""The tables of a check of own recordings."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from deepvanet.datasets.channel_facts import ChannelLevel, describe_plausible
from deepvanet.datasets.findings import Table
from deepvanet.datasets.recordings.facts import OwnFacts, RowFacts
from deepvanet.datasets.recordings.source_facts import (
    ChannelFacts,
    PlacedVideo,
    SignalFacts,
)
from deepvanet.findings import list_some
from deepvanet.schema import Stream, Target

NOTHING = "-"


def make_tables(folder: Path, facts: Sequence[OwnFacts]) -> tuple[Table, ...]:
    """Return tables of trials, signals, videos, channels and coverage, if any.

    Parameters
    ----------
    folder : Path
        Files are named relative to it.
    facts : sequence of OwnFacts
        What was found of each subject.
    """
    tables = (
        _tabulate_trials(facts),
        _tabulate_signals(folder, [one for own in facts for one in own.signals]),
        _tabulate_videos(folder, [one for own in facts for one in own.videos]),
        _tabulate_channels([one for own in facts for one in own.channels]),
        _tabulate_coverage(facts),
    )
    return tuple(table for table in tables if table.rows)


def _tabulate_trials(facts: Sequence[OwnFacts]) -> Table:
    return Table(
        title="Trials",
        columns=(
            *("subject", "trial", "stimulus", "signals s", "Hz", "EEG", "periph."),
            *("video s", "drift s", "used s", *Target),
        ),
        rows=tuple(_tabulate_trial(row) for subject in facts for row in subject.rows),
    )


def _tabulate_trial(facts: RowFacts) -> tuple[str | int, ...]:
    row = facts.row
    ratings = (row.ratings.get(target) for target in Target)
    return (
        *(row.subject, row.trial, row.stimulus),
        _write(facts.seconds, ".1f"),
        _write(facts.sfreq, "g"),
        facts.n_channels.get(Stream.EEG, 0),
        facts.n_channels.get(Stream.PERIPHERAL, 0),
        _write(facts.video_s, ".1f"),
        _write(facts.drift_s, "+.2f"),
        _write(facts.used_s or None, ".1f"),
        *(_write(rating, ".3g") for rating in ratings),
    )


def _write(number: float | None, form: str) -> str:
    return NOTHING if number is None else f"{number:{form}}"


def _tabulate_signals(folder: Path, files: Sequence[SignalFacts]) -> Table:
    return Table(
        title="Signals",
        columns=(
            *("file", "Hz stated", "Hz measured", "start s", "end s", "shared s"),
            *("on video s", "missing %", "gaps", "gaps s", "jumps s", "drift s"),
        ),
        rows=tuple(_tabulate_file(folder, facts) for facts in files),
    )


def _tabulate_file(folder: Path, facts: SignalFacts) -> tuple[str | int, ...]:
    timing = facts.timing
    start_s, end_s = facts.span
    return (
        _name(folder, facts.path),
        _write(timing.stated_hz, ".6g"),
        _write(timing.measured_hz, ".6g"),
        f"{start_s:.2f}",
        f"{end_s:.2f}",
        _write(facts.shared_s, ".2f"),
        _write(facts.filmed_s, ".2f"),
        f"{100 * facts.missing:.1f}",
        len(timing.gaps),
        f"{timing.gap_s:.2f}",
        f"{timing.jump_s:.2f}",
        _write(timing.measure_drift(end_s - start_s), "+.2f"),
    )


def _tabulate_videos(folder: Path, videos: Sequence[PlacedVideo]) -> Table:
    return Table(
        title="Videos",
        columns=(
            *("file", "fps stated", "fps measured", "start s", "end s", "gaps"),
            *("drift s", "face in %", "face px", "other faces at s"),
        ),
        rows=tuple(_tabulate_video(folder, video) for video in videos),
    )


def _tabulate_video(folder: Path, video: PlacedVideo) -> tuple[str | int, ...]:
    info, faces = video.facts.info, video.facts.faces
    share = 100 * faces.n_with_face / faces.n_images if faces and faces.n_images else 0
    return (
        _name(folder, video.path),
        _write(info.declared_fps or None, ".4g"),
        _write(info.measured_fps or None, ".4g"),
        f"{video.span[0]:.2f}",
        f"{video.span[1]:.2f}",
        len(info.gaps),
        _write(video.drift_s, "+.2f"),
        f"{share:.0f}" if faces else NOTHING,
        _write(faces.width if faces else None, ".0f"),
        list_some([f"{at:.1f}" for at in faces.others_s] if faces else []) or NOTHING,
    )


def _tabulate_channels(channels: Sequence[ChannelFacts]) -> Table:
    """List each channel once, with the middle of what its recordings have."""
    by_channel: dict[tuple[str, str], list[ChannelFacts]] = {}
    for facts in channels:
        key = facts.channel.name, facts.channel.unit
        by_channel.setdefault(key, []).append(facts)
    return Table(
        title="Channels",
        columns=(
            *("channel", "measures", "by", "unit", "stream", "recordings"),
            *("median", "IQR", "plausible"),
        ),
        rows=tuple(_tabulate_channel(facts) for facts in by_channel.values()),
    )


def _tabulate_channel(facts: Sequence[ChannelFacts]) -> tuple[str | int, ...]:
    channel = facts[0].channel
    levels = [one.level for one in facts if one.level]
    return (
        channel.name,
        channel.type.value,
        " or ".join(dict.fromkeys(one.why for one in facts)),
        channel.unit,
        channel.stream.value,
        len(facts),
        _write(_find_middle(levels, lambda level: level.median), ".3g"),
        _write(_find_middle(levels, lambda level: level.spread), ".3g"),
        describe_plausible(channel) or NOTHING,
    )


def _find_middle(
    levels: Sequence[ChannelLevel], measure: Callable[[ChannelLevel], float]
) -> float | None:
    known = [value for level in levels if np.isfinite(value := measure(level))]
    return float(np.median(known)) if known else None


def _name(folder: Path, path: Path) -> str:
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _tabulate_coverage(facts: Sequence[OwnFacts]) -> Table:
    used = [row for subject in facts for row in subject.rows if row.used_s]
    has = {
        Stream.FACE: [bool(row.shown_s) for row in used],
        Stream.EEG: [row.n_channels.get(Stream.EEG, 0) > 0 for row in used],
        Stream.PERIPHERAL: [
            row.n_channels.get(Stream.PERIPHERAL, 0) > 0 for row in used
        ],
    }
    rows = tuple(
        (stream.value, sum(it), len(it) - sum(it)) for stream, it in has.items()
    )
    return Table("Coverage", ("stream", "trials with", "trials without"), rows)
