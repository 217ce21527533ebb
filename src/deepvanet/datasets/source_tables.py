"""The tables of a check that own recordings and public data sets share."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from deepvanet.datasets.channel_facts import ChannelLevel, describe_plausible
from deepvanet.datasets.findings import (
    MOST_UNFOLDED,
    NOTHING,
    Row,
    Table,
    fold_rows,
)
from deepvanet.datasets.source_facts import ChannelFacts, PlacedVideo, SignalFacts
from deepvanet.findings import list_some

T = TypeVar("T")


def write_number(number: float | None, form: str) -> str:
    """Return a number as text, or what stands for one that is not known."""
    return NOTHING if number is None else f"{number:{form}}"


def tabulate_signals(
    folder: Path,
    by_subject: Mapping[str, Sequence[SignalFacts]],
    *,
    most: int = MOST_UNFOLDED,
) -> Table:
    """Return a row for each file of signals.

    Parameters
    ----------
    folder : Path
        Files are named relative to it.
    by_subject : mapping
        Files by subject.
    most : int
        Files that are printed each in a row, and not folded by subject.
    """
    return _tabulate_by_subject(
        by_subject,
        partial(_tabulate_file, folder),
        title="Signals",
        columns=(
            *("file", "Hz stated", "Hz measured", "start s", "end s", "shared s"),
            *("on video s", "missing %", "gaps", "gaps s", "jumps s", "drift s"),
        ),
        most=most,
    )


def _tabulate_by_subject(
    by_subject: Mapping[str, Sequence[T]],
    write_row: Callable[[T], Row],
    *,
    title: str,
    columns: tuple[str, ...],
    most: int,
) -> Table:
    """Return a row for each file, folded by subject where there are more."""
    groups = [name for name, own in by_subject.items() for _ in own]
    rows = tuple(write_row(one) for own in by_subject.values() for one in own)
    return Table(title, columns, rows, folded=fold_rows(rows, groups, most=most))


def _tabulate_file(folder: Path, facts: SignalFacts) -> Row:
    timing = facts.timing
    start_s, end_s = facts.span
    return (
        _name(folder, facts.path),
        write_number(timing.stated_hz, ".6g"),
        write_number(timing.measured_hz, ".6g"),
        f"{start_s:.2f}",
        f"{end_s:.2f}",
        write_number(facts.shared_s, ".2f"),
        write_number(facts.filmed_s, ".2f"),
        f"{100 * facts.missing:.1f}",
        len(timing.gaps),
        f"{timing.gap_s:.2f}",
        f"{timing.jump_s:.2f}",
        write_number(timing.measure_drift(end_s - start_s), "+.2f"),
    )


def tabulate_videos(
    folder: Path,
    by_subject: Mapping[str, Sequence[PlacedVideo]],
    *,
    most: int = MOST_UNFOLDED,
) -> Table:
    """Return a row for each video.

    Parameters
    ----------
    folder : Path
        Files are named relative to it.
    by_subject : mapping
        Videos by subject.
    most : int
        Videos that are printed each in a row, and not folded by subject.
    """
    return _tabulate_by_subject(
        by_subject,
        partial(_tabulate_video, folder),
        title="Videos",
        columns=(
            *("file", "fps stated", "fps measured", "start s", "end s", "gaps"),
            *("drift s", "face in %", "face px", "other faces at s"),
        ),
        most=most,
    )


def _tabulate_video(folder: Path, video: PlacedVideo) -> Row:
    info, faces = video.facts.info, video.facts.faces
    share = 100 * faces.n_with_face / faces.n_images if faces and faces.n_images else 0
    return (
        _name(folder, video.path),
        write_number(info.declared_fps or None, ".4g"),
        write_number(info.measured_fps or None, ".4g"),
        f"{video.span[0]:.2f}",
        f"{video.span[1]:.2f}",
        len(info.gaps),
        write_number(video.drift_s, "+.2f"),
        f"{share:.0f}" if faces else NOTHING,
        write_number(faces.width if faces else None, ".0f"),
        list_some([f"{at:.1f}" for at in faces.others_s] if faces else []) or NOTHING,
    )


def tabulate_channels(channels: Sequence[ChannelFacts]) -> Table:
    """Return a row for each channel, with the middle of what its recordings have.

    Parameters
    ----------
    channels : sequence of ChannelFacts
        Of all recordings.
    """
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


def _tabulate_channel(facts: Sequence[ChannelFacts]) -> Row:
    channel = facts[0].channel
    return (
        channel.name,
        channel.type.value,
        " or ".join(dict.fromkeys(one.why for one in facts)),
        channel.unit,
        channel.stream.value,
        len(facts),
        *_write_levels([one.level for one in facts if one.level]),
        describe_plausible(channel, keeps_level=facts[0].keeps_level) or NOTHING,
    )


def _write_levels(levels: Sequence[ChannelLevel]) -> tuple[str, str]:
    """Return median and interquartile range; a median next to 0 is 0."""
    median = _find_middle(levels, lambda level: level.median)
    spread = _find_middle(levels, lambda level: level.spread)
    if median and spread and abs(median) < 1e-3 * spread:
        median = 0.0
    return write_number(median, ".4g"), write_number(spread, ".4g")


def _find_middle(
    levels: Sequence[ChannelLevel], measure: Callable[[ChannelLevel], float]
) -> float | None:
    known = [value for level in levels if np.isfinite(value := measure(level))]
    return float(np.median(known)) if known else None


def _name(folder: Path, path: Path) -> str:
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def tabulate_sources(
    folder: Path,
    *,
    signals: Mapping[str, Sequence[SignalFacts]],
    videos: Mapping[str, Sequence[PlacedVideo]],
    channels: Sequence[ChannelFacts],
) -> tuple[Table, ...]:
    """Return the tables of a public data set that have a row.

    Parameters
    ----------
    folder : Path
        Of the data set.
    signals, videos : mapping
        Files by subject, whose rows are folded in print.
    channels : sequence of ChannelFacts
        Of all recordings.

    Returns
    -------
    tuple of Table
        Signals, videos and channels, as far as there are any.
    """
    tables = (
        tabulate_signals(folder, signals, most=len(signals)),
        tabulate_videos(folder, videos, most=len(videos)),
        tabulate_channels(channels),
    )
    return tuple(table for table in tables if table.rows)
