"""Where the files of CASE lie, and the tables in them.

A copy has up to three forms of the same recordings. Of each subject the first one
that is whole is read: interpolated, non-interpolated, raw.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from deepvanet.datasets.case.facts import NUMBERS, SENSORS, TARGETS
from deepvanet.findings import list_some, refuse
from deepvanet.schema import UserError
from deepvanet.signal_io.cells import find_numbers, report_texts
from deepvanet.signal_io.delimited_text import find_layout, read_text_table

RAW = "raw"
FORMS = ("interpolated", "non-interpolated", RAW)
PHYSIOLOGY, ANNOTATIONS = "physiological", "annotations"
_NAMES: Mapping[str, str] = {
    FORMS[0]: r"sub_(\d{1,3})\.csv",
    FORMS[1]: r"sub_(\d{1,3})\.csv",
    RAW: r"sub(\d{1,3})_DAQ\.txt",
}
"""Of files of signals."""
SIGNAL_COLUMNS = ("daqtime", *(sensor.column for sensor in SENSORS))
TRACE_COLUMNS = ("jstime", *map(str, TARGETS))
VIDEO = "video"
SEQUENCES, DURATIONS = "seqs_order.txt", "videos_duration.txt"
MOST_BYTES = 2**20
"""Of a table of metadata."""
_LAST_NUMBER = re.compile(r"(\d+)\D*")

Column = Float[np.ndarray, " row"]


@dataclass(frozen=True)
class Files:
    """What is read of one subject.

    Attributes
    ----------
    form : str
        One of ``FORMS``.
    physiology, annotations : Path
        Signals, and what the joystick said.
    metadata : tuple of Path
        What else is needed: for raw files the order and the length of the videos.
    """

    form: str
    physiology: Path
    annotations: Path
    metadata: tuple[Path, ...] = ()

    def list_all(self) -> list[Path]:
        """Return each file."""
        return [self.physiology, self.annotations, *self.metadata]


def find_files(root: Path) -> dict[str, Files]:
    """Return each subject's files, of the first form that it has.

    Parameters
    ----------
    root : Path
        The folder that holds ``data``.

    Raises
    ------
    UserError
        When the folder is missing, or holds none.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder")
    found: dict[str, Files] = {}
    for folder, form in _list_folders(root):
        for path in sorted((folder / PHYSIOLOGY).glob("*")):
            number = find_subject(path)
            if number and number not in found:
                found[number] = place_files(path, form)
    if not found:
        raise UserError(
            f"{root}: is not CASE as downloaded: it has no "
            "data/interpolated/physiological/sub_1.csv, nor that of another subject"
        )
    return dict(sorted(found.items()))


def find_subject(path: Path) -> str | None:
    """Return whose signals a file holds, None if it is no file of signals of CASE."""
    path = path.absolute()
    form, place = path.parent.parent.name.lower(), path.parent.name.lower()
    if form not in FORMS or place != PHYSIOLOGY:
        return None
    match = re.fullmatch(_NAMES[form], path.name, re.IGNORECASE)
    return f"{int(match[1]):02d}" if match else None


def place_files(physiology: Path, form: str) -> Files:
    """Return the files beside those of a subject's signals."""
    folder = physiology.parent.parent
    name = physiology.name
    if form == RAW:
        name = re.sub("_daq", "_joystick", name, flags=re.IGNORECASE)
    beside = folder.parent.parent / "metadata"
    metadata = (beside / SEQUENCES, beside / DURATIONS) if form == RAW else ()
    return Files(form, physiology, folder / ANNOTATIONS / name, metadata)


def read_columns(
    path: Path, names: Sequence[str], *, has_header: bool = True
) -> dict[str, Column]:
    """Read columns of numbers; a cell that is none is a finding, and NaN.

    Parameters
    ----------
    path : Path
        Of text.
    names : sequence of str
        The columns to read; without a header, what they are called.
    has_header : bool
        Whether the first line has their names.

    Returns
    -------
    dict
        By name.

    Raises
    ------
    UserError
        When it cannot be read, or lacks a column.
    """
    if not path.is_file():
        raise refuse("F01", "cannot be read: there is no such file", source=path)
    layout = find_layout(path) if has_header else find_layout(path, names=names)
    places = {name.lower(): k for k, name in enumerate(layout.names)}
    absent = [name for name in names if name not in places]
    if absent:
        there = ", ".join(layout.names[:12])
        sentence = f"column {list_some(absent)} is missing, got {there}"
        raise refuse("F01", sentence, source=path)
    frame = read_text_table(path, layout).frame
    columns = {}
    for name in names:
        cells = frame[places[name]]
        numbers, no_number = find_numbers(cells)
        report_texts(
            name,
            cells,
            no_number,
            source=path,
            find_place=lambda row: f"line {layout.find_line(row)}",
        )
        columns[name] = numbers.astype(np.float64)
    return columns


def read_sequence(metadata: Sequence[Path], subject: str) -> list[tuple[int, float]]:
    """Read the videos that a subject saw, in order: number and length in seconds.

    Raises
    ------
    UserError
        When a table is missing, or not as documented.
    """
    order, lengths = (_read_cells(path) for path in metadata)
    lasts_ms = {row[0]: row[1] for row in lengths if len(row) > 1}
    heads = [_LAST_NUMBER.search(name) for name in order[0]] if order else []
    numbers = [int(head[1]) if head else -1 for head in heads]
    if int(subject) not in numbers:
        sentence = f"names no videos of subject {int(subject)}"
        raise refuse("F01", sentence, source=metadata[0])
    place = numbers.index(int(subject))
    names = [row[place] for row in order[1:] if place < len(row)]
    return [_find_video(metadata, name, lasts_ms) for name in names]


def _find_video(
    metadata: Sequence[Path], name: str, lasts_ms: Mapping[str, str]
) -> tuple[int, float]:
    if name not in NUMBERS:
        sentence = f"names a video {name[:40]!r}; known are {', '.join(NUMBERS)}"
        raise refuse("F01", sentence, source=metadata[0])
    text = lasts_ms.get(name, "")
    if not re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", text):
        sentence = f"does not say how long {name} lasts, in ms, got {text[:40]!r}"
        raise refuse("F01", sentence, source=metadata[1])
    return NUMBERS[name], float(text) / 1000


def _read_cells(path: Path) -> list[list[str]]:
    """Return the cells of a small table with tabs, without quotes and empty rows."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise refuse("F01", "is too large for a table of videos", source=path)
        text = path.read_bytes().decode("latin-1")
    except OSError as error:
        sentence = f"cannot be read: {error.strerror}"
        raise refuse("F01", sentence, source=path) from None
    rows = (
        [cell.strip().strip('"').strip() for cell in line.split("\t")]
        for line in text.splitlines()
    )
    return [row for row in rows if any(row)]


def _list_folders(root: Path) -> Iterator[tuple[Path, str]]:
    for form in FORMS:
        folder = root / "data" / form
        if folder.is_dir():
            yield folder, form
