"""Recordings of trials that a table or BIDS lists.

A recording is one file of signals, or several on one clock, with all its trials. A
trial without signals is a recording of its own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from deepvanet.config import PrepareSettings
from deepvanet.datasets.channel_facts import ChannelLevel, report_levels
from deepvanet.datasets.recordings.channels import share_channels, split_streams
from deepvanet.datasets.recordings.clocks import place_files
from deepvanet.datasets.recordings.rows import Row
from deepvanet.datasets.recordings.signals import (
    RecordingFiles,
    describe_recording,
    read_bio,
)
from deepvanet.datasets.recordings.trials import (
    TrialPlace,
    place_alone,
    place_rows,
    report_two_people,
)
from deepvanet.findings import Finding, attempt, collect, hand_on
from deepvanet.schema import Channel, Recording, UserError
from deepvanet.signal_io.declared import FILE_NAME, Declaration
from deepvanet.signal_io.feature_tables import read_features
from deepvanet.signal_io.open_file import list_parts
from deepvanet.signal_io.types import Signals

Open = Callable[[Path, Declaration], Signals]


@dataclass(frozen=True)
class RecordingSource:
    """All trials of a data set, and how its signals are opened.

    Attributes
    ----------
    folder : Path
        Names of recordings are relative to it.
    lists : tuple of Path
        The files that say all this.
    beside : callable
        Returns the files that say more of a file of signals.
    silent : tuple of Path
        Files of signals without trials, which were named before.
    """

    folder: Path
    lists: tuple[Path, ...]
    rows: tuple[Row, ...]
    declared: Declaration
    open: Open
    beside: Callable[[Path], Sequence[Path]] = lambda _: ()
    silent: tuple[Path, ...] = ()


@dataclass(frozen=True)
class SourceRecording:
    """A recording as it was read, and what became of its rows.

    Attributes
    ----------
    opened : RecordingFiles | None
        None where there are no signals.
    levels : mapping
        Where the numbers of each channel lie, by its name.
    """

    recording: Recording
    opened: RecordingFiles | None
    placed: tuple[TrialPlace, ...]
    levels: Mapping[str, ChannelLevel] = field(default_factory=dict)


def list_subjects(source: RecordingSource) -> list[str]:
    """Return the subjects with a trial that is rated, in the order of the rows.

    Raises
    ------
    UserError
        When no trial has a rating.
    """
    subjects = list(dict.fromkeys(row.subject for row in source.rows if row.ratings))
    if not subjects:
        raise UserError(f"{source.lists[0]}: no trial has a rating")
    return subjects


def list_files(source: RecordingSource, subject: str) -> list[Path]:
    """Return every file that a subject's trials are made of."""
    declared = source.folder / FILE_NAME
    own = (file for row in source.rows if row.subject == subject for file in row.files)
    parts = (part for file in own for part in (*list_parts(file), *source.beside(file)))
    lists = (*source.lists, *((declared,) if declared.is_file() else ()))
    return list(dict.fromkeys((*lists, *parts)))


def list_channels(source: RecordingSource) -> tuple[Channel, ...]:
    """Return the channels that the recordings share; every file is opened once.

    A recording that cannot be opened is reported and has no part in it.

    Raises
    ------
    UserError
        When no channel is of use.
    """
    files = {f for row in source.rows for f in (*row.signals, row.face_features) if f}
    stamps = tuple((str(f), f.stat().st_mtime_ns, f.stat().st_size) for f in files)
    channels, findings = _list_channels(_Key(source, stamps))
    for finding in findings:
        hand_on(finding)
    return channels


@dataclass(frozen=True)
class _Key:
    """What the channels of a source depend on; compared by files, not by rows."""

    source: RecordingSource
    stamps: tuple[tuple[str, int, int], ...]

    def __hash__(self) -> int:
        return hash(frozenset(self.stamps))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Key):
            return False
        mine, others = (
            (frozenset(key.stamps), key.source.declared, key.source.rows)
            for key in (self, other)
        )
        return mine == others


@lru_cache(maxsize=4)
def _list_channels(key: _Key) -> tuple[tuple[Channel, ...], tuple[Finding, ...]]:
    """Return the shared channels, and what was found on the way, to be reported."""
    with collect() as found:
        channels = _find_shared(key.source)
    return channels, tuple(found)


def _find_shared(source: RecordingSource) -> tuple[Channel, ...]:
    opened: dict[str, RecordingFiles] = {}
    for row in (rows[0] for rows in group_rows(source.rows)):
        if row.bio:
            one = attempt(partial(_open_first, source, row), source=row.bio)
            opened |= {_name(source, row.bio): one} if one else {}
    for one in opened.values():
        report_two_people(source.rows, one.main)
    recordings = {
        name: [f.channel for f in one.channels.values()] for name, one in opened.items()
    }
    with collect() as found:
        shared = share_channels(recordings, source.declared)
    for finding in found:
        hand_on(replace(finding, source=str(source.lists[0])))
    if opened and not shared:
        first = next(iter(opened.values())).main
        raise UserError(
            f"{source.lists[0]}: its recordings share no channel that is known as EEG "
            f"or peripheral, name them in {FILE_NAME}; {first.path.name} has "
            f"{', '.join(first.labels[:6]) or 'none'}"
        )
    return (*shared, *_find_features(source.rows))


def _find_features(rows: Sequence[Row]) -> tuple[Channel, ...]:
    """Return the features of faces that all tables of them have."""
    shared: dict[Channel, None] | None = None
    for path in dict.fromkeys(row.face_features for row in rows if row.face_features):
        with collect():  # said where its trial is read
            table = attempt(partial(read_features, path, 1.0), source=path)
        if table is not None:
            known = table.channels if shared is None else shared
            shared = {c: None for c in known if c in table.channels}
    return tuple(shared or ())


def group_rows(rows: Sequence[Row]) -> list[list[Row]]:
    """Return the rows of each recording, in the order of the first ones."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        alone = () if row.bio else (row.trial,)
        key = (row.subject, *map(str, row.signals), *alone)
        groups.setdefault(key, []).append(row)
    return list(groups.values())


def _open_first(source: RecordingSource, row: Row) -> RecordingFiles:
    """Open a row's signals; what is odd about them is reported when they are read."""
    with collect():
        return open_recording(source, row)


def open_recording(source: RecordingSource, row: Row) -> RecordingFiles:
    """Open a row's signals."""
    files = [source.open(f, source.declared) for f in row.signals if f]
    offsets_s = place_files(files, row.peripherals)
    return describe_recording(files, offsets_s, source.declared)


def read_subject(source: RecordingSource, subject: str) -> Iterator[SourceRecording]:
    """Read a subject's recordings one by one, in the order of the rows.

    Raises
    ------
    UserError
        When one cannot be read, or no trial of the subject can be used.
    """
    channels = list_channels(source)
    own = [row for row in source.rows if row.subject == subject]
    n_trials, notes = 0, []
    for rows in group_rows(own):
        read = attempt(
            partial(read_group, source, rows, channels),
            source=rows[0].bio or rows[0].where,
        )
        if read is None:
            continue
        n_trials += len(read.recording.spans)
        notes += [note for placed in read.placed for note in placed.notes]
        if read.recording.spans:
            yield read
    if not n_trials:
        raise UserError(
            f"{source.lists[0]}: no trial of subject {subject} can be used: "
            f"{notes[0] if notes else 'none is rated'}"
        )


def read_group(
    source: RecordingSource, rows: Sequence[Row], channels: Sequence[Channel]
) -> SourceRecording:
    """Read the recording of some rows."""
    if rows[0].bio is None:
        return _read_alone(rows[0], source.declared)
    opened = open_recording(source, rows[0])
    placed = tuple(place_rows(rows, opened.main, source.declared))
    path = opened.main.path
    kept = split_streams(opened.channels, channels, source=path)
    bio = read_bio(opened, kept, source.declared)
    there = [k for k, c in enumerate(kept) if not opened.channels[c.name].is_missing]
    levels = report_levels(
        path, bio[there], [kept[k] for k in there], sfreq=opened.main.sfreq
    )
    recording = Recording(
        subject=rows[0].subject,
        name=_name(source, rows[0].bio),
        bio=bio,
        sfreq=opened.main.sfreq,
        channels=kept,
        spans=tuple(p.span for p in placed if p.span),
        is_raw=True,
    )
    return SourceRecording(recording, opened, placed, levels)


def _read_alone(row: Row, declared: Declaration) -> SourceRecording:
    placed = place_alone(row, declared)
    sfreq = PrepareSettings.sfreq
    n_samples = round((placed.span.end_s if placed.span else 0.0) * sfreq)
    recording = Recording(
        subject=row.subject,
        name=row.trial,
        bio=np.zeros((0, n_samples), np.float32),
        sfreq=sfreq,
        channels=(),
        spans=(placed.span,) if placed.span else (),
        is_raw=False,
    )
    return SourceRecording(recording, None, (placed,))


def _name(source: RecordingSource, path: Path) -> str:
    """Return a recording's name: its file's place, without the suffix."""
    try:
        place = path.resolve().relative_to(source.folder.resolve())
    except ValueError:
        place = Path(path.name)
    return place.with_suffix("").as_posix()
