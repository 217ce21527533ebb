"""Recordings of a user: a table in CSV with one row a trial.

The table, and ``recordings.toml`` beside it, are described in ``trial_table`` and
``declared``. The "root" of this layout is the table.
"""

from collections.abc import Iterator
from pathlib import Path

from deepvanet.datasets.recordings import sources
from deepvanet.datasets.recordings.moving_ratings import describe_rows
from deepvanet.datasets.recordings.sources import RecordingSource
from deepvanet.datasets.recordings.trial_table import read_rows
from deepvanet.datasets.synthetic_mark import name_copy
from deepvanet.schema import Channel, Recording, TraceFormat
from deepvanet.signal_io.declared import read_declared
from deepvanet.signal_io.open_file import open_signals

IS_RAW = True
CHANNELS: tuple[Channel, ...] = ()
"""Each table has its own, see ``list_channels``."""


def read_source(root: Path) -> RecordingSource:
    """Read a table and what is declared beside it, or raise ``UserError``."""
    declared = read_declared(root.parent)
    rows = tuple(read_rows(root, declared))
    return RecordingSource(root.parent, (root,), rows, declared, open_signals)


def name_dataset(root: Path) -> str:
    """Return what results call these recordings: real and synthetic ones differ."""
    usual = name_copy(root.parent, "recordings")
    return read_declared(root.parent).name or usual


def list_subjects(root: Path) -> list[str]:
    """Return the subjects with a rated trial, in the table's order."""
    return sources.list_subjects(read_source(root))


def list_channels(root: Path) -> tuple[Channel, ...]:
    """Return the channels that the recordings of a table share."""
    return sources.list_channels(read_source(root))


def describe_traces(root: Path) -> TraceFormat | None:
    """Return how ratings that move with time are kept, if the table names any."""
    return describe_rows(read_source(root).rows)


def read_recordings(root: Path, subject: str) -> Iterator[Recording]:
    """Check one subject's rows, then read the recordings one by one."""
    source = read_source(root)
    return (read.recording for read in sources.read_subject(source, subject))


def input_files(root: Path, subject: str) -> list[Path]:
    """Return every file that a subject's trials are made of."""
    return sources.list_files(read_source(root), subject)
