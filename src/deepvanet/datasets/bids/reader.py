"""EEG-BIDS: trials and ratings are the rows of ``events.tsv`` that are rated.

Columns ``onset``, ``duration``, one of ``stimulus``, ``stim_file`` and ``trial_type``,
and ``valence``, ``arousal``. Types, units and bad channels are those of
``channels.tsv``; ``recordings.toml`` may lie in the root.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from deepvanet.datasets.bids.sidecars import DESCRIPTION, apply_channels, find_sidecar
from deepvanet.datasets.recordings import sources
from deepvanet.datasets.recordings.sources import RecordingSource
from deepvanet.datasets.recordings.trial_table import (
    NOTHING,
    Row,
    read_number,
    read_ratings,
)
from deepvanet.schema import Channel, Recording, Target, UserError
from deepvanet.signal_io.declared import Declaration, read_declared
from deepvanet.signal_io.open_file import open_signals
from deepvanet.signal_io.types import Signals

IS_RAW = True
CHANNELS: tuple[Channel, ...] = ()
"""Each data set has its own, see ``list_channels``."""

SUFFIXES = (".edf", ".bdf", ".vhdr", ".set", ".fif")
STIMULI = ("stimulus", "stim_file", "trial_type")
COLUMNS = ("onset", "duration", *STIMULI, *Target)


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
    rows: list[Row] = []
    counts: dict[str, int] = {}
    for path in _list_signals(root):
        subject = path.name.split("_")[0].removeprefix("sub-")
        rows += _read_events(path, subject, counts, declared)
    if not rows:
        raise UserError(
            f"{root}: no events.tsv beside EEG has a row with valence or arousal"
        )
    lists = (root / DESCRIPTION,)
    return RecordingSource(root, lists, tuple(rows), declared, _open, _list_beside)


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


def _list_beside(path: Path) -> list[Path]:
    files = (_find_beside(path, "events"), find_sidecar(path, "channels"))
    return [file for file in files if file and file.is_file()]


def _find_beside(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.stem.removesuffix('_eeg')}_{suffix}.tsv")


def _read_events(
    path: Path, subject: str, counts: dict[str, int], declared: Declaration
) -> Iterator[Row]:
    """Yield the rated events of a recording; they are numbered within the subject."""
    for where, cells in _read_tsv(_find_beside(path, "events")):
        ratings = read_ratings(where, cells, declared)
        if not ratings:
            continue
        counts[subject] = counts.get(subject, 0) + 1
        stimulus = next(filter(None, (_clear(cells.get(c)) for c in STIMULI)), "")
        if not stimulus:
            raise UserError(
                f"{where}: needs a column {', '.join(STIMULI)} that says what was shown"
            )
        duration = read_number(where, "duration", cells.get("duration", ""))
        yield Row(
            where=where,
            subject=subject,
            trial=str(counts[subject]),
            stimulus=stimulus,
            bio=path,
            onset_s=_read_onset(where, cells),
            duration_s=duration or None,
            ratings=ratings,
            more={k: v for k, v in cells.items() if k not in COLUMNS},
        )


def _read_onset(where: str, cells: Mapping[str, str]) -> float:
    onset = read_number(where, "onset", cells.get("onset", ""))
    if onset is None or onset < 0:
        raise UserError(f"{where}: onset must be 0 or above, got {onset}")
    return onset


def _read_tsv(path: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    if not path.is_file():
        return
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, delimiter="\t", restval="", restkey="")
        for cells in reader:
            yield (
                f"{path} line {reader.line_num}",
                {k: v.strip() for k, v in cells.items() if k and isinstance(v, str)},
            )


def _clear(text: str | None) -> str:
    return "" if text is None or text.lower() in NOTHING else text


def _open(path: Path, declared: Declaration) -> Signals:
    return apply_channels(open_signals(path, declared))
