"""EEG-BIDS: trials and ratings are the rows of ``events.tsv`` that are rated.

Columns ``onset``, ``duration``, one of ``stimulus``, ``stim_file`` and ``trial_type``,
and ``valence``, ``arousal``; the file may lie in a folder above, see ``sidecars``.
Columns of ``participants.tsv`` are kept with the trials. Types, units and bad channels
are those of ``channels.tsv``; ``recordings.toml`` may lie in the root.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from deepvanet.datasets.bids.channels import apply_channels
from deepvanet.datasets.bids.events import read_events
from deepvanet.datasets.bids.participants import PARTICIPANTS, read_participants
from deepvanet.datasets.bids.sidecars import find_sidecar
from deepvanet.datasets.recordings import sources
from deepvanet.datasets.recordings.rows import Row
from deepvanet.datasets.recordings.sources import RecordingSource
from deepvanet.findings import attempt, list_some, refuse, report, say_count
from deepvanet.schema import Channel, Recording, UserError
from deepvanet.signal_io.declared import Declaration, read_declared
from deepvanet.signal_io.open_file import open_signals
from deepvanet.signal_io.types import Signals

IS_RAW = True
CHANNELS: tuple[Channel, ...] = ()
"""Each data set has its own, see ``list_channels``."""

DESCRIPTION = "dataset_description.json"
SUFFIXES = (".edf", ".bdf", ".vhdr", ".set", ".fif")


def read_source(root: Path) -> RecordingSource:
    """List the rated events of a data set, or raise ``UserError``.

    Raises
    ------
    UserError
        When there is no data set in BIDS, its events or ``recordings.toml`` cannot be
        used, or no event beside EEG is rated.
    """
    if not (root / DESCRIPTION).is_file():
        raise UserError(f"{root}: no data set in BIDS, {DESCRIPTION} is missing")
    declared = read_declared(root)
    signals = _list_signals(root)
    rows, lonely = _read_rows(root, signals, declared)
    if not rows:
        found = len(list(root.rglob("*_events.tsv")))
        raise refuse(
            "R21",
            f"no events.tsv beside EEG has a row with valence or arousal, of {found} "
            f"events.tsv and {say_count(len(signals), 'file')} of EEG",
            source=root,
        )
    lists = tuple(filter(Path.is_file, (root / DESCRIPTION, root / PARTICIPANTS)))
    return RecordingSource(
        root,
        lists,
        tuple(rows),
        declared,
        open=partial(_open, root),
        beside=partial(_list_beside, root),
        silent=lonely,
    )


def _read_rows(
    root: Path, signals: Sequence[Path], declared: Declaration
) -> tuple[list[Row], tuple[Path, ...]]:
    """Return the rated events of all files, and the files without any events.

    Events are numbered within a subject.
    """
    people = read_participants(root, [_name_subject(path) for path in signals])
    rows: list[Row] = []
    counts: dict[str, int] = {}
    lonely: list[Path] = []
    for path in signals:
        subject = _name_subject(path)
        events = find_sidecar(root, path, "events.tsv")
        if events is None:
            lonely.append(path)
            continue
        read = partial(read_events, events, path, subject, declared)
        for row in attempt(read, source=events) or ():
            counts[subject] = counts.get(subject, 0) + 1
            more = {**people.get(subject, {}), **row.more}
            trial, session = str(counts[subject]), _name_session(path)
            rows.append(replace(row, trial=trial, session=session, more=more))
    if lonely:
        files = say_count(len(lonely), "file of EEG has", "files of EEG have")
        named = list_some([path.name for path in lonely])
        report("F02", f"{files} no events.tsv: {named}", source=root)
    return rows, tuple(lonely)


def _name_subject(path: Path) -> str:
    return path.name.split("_")[0].removeprefix("sub-")


def _name_session(path: Path) -> str:
    entities = (part for part in path.name.split("_") if part.startswith("ses-"))
    return next(entities, "").removeprefix("ses-")


def name_dataset(root: Path) -> str:
    """Return what results call these recordings."""
    return read_declared(root).name or "bids"


def list_subjects(root: Path) -> list[str]:
    """Return the subjects with a rated event."""
    return sources.list_subjects(read_source(root))


def list_channels(root: Path) -> tuple[Channel, ...]:
    """Return the channels that all recordings share."""
    return sources.list_channels(read_source(root))


def read_recordings(root: Path, subject: str) -> Iterator[Recording]:
    """Check one subject's events, then read the recordings one by one."""
    source = read_source(root)
    return (read.recording for read in sources.read_subject(source, subject))


def input_files(root: Path, subject: str) -> list[Path]:
    """Return every file that a subject's trials are made of."""
    return sources.list_files(read_source(root), subject)


def _list_signals(root: Path) -> list[Path]:
    files = (
        path
        for folder in root.glob("sub-*")
        for path in folder.rglob("sub-*_eeg.*")
        if path.suffix.lower() in SUFFIXES and path.parent.name == "eeg"
    )
    return sorted(files)


def _list_beside(root: Path, path: Path) -> list[Path]:
    found = (find_sidecar(root, path, f"{what}.tsv") for what in ("events", "channels"))
    return [file for file in found if file]


def _open(root: Path, path: Path, declared: Declaration) -> Signals:
    return apply_channels(root, open_signals(path, declared))
