"""The table of a user's own recordings: one row for each trial.

Columns: ``subject``, ``trial``, ``stimulus``; ``video``, ``bio``, ``peripheral``,
``peripheral_2`` and so on, and ``face_features``, files, by their place beside the
table; ``onset_s`` or ``marker``, ``duration_s``; ``video_offset_s`` or
``video_marker``, and ``peripheral_offset_s``, ``peripheral_2_offset_s``;
``face_choice``; ``session``; ``valence``, ``arousal``; ``trace``, a file of ratings
that move with time. Any others are kept, and named; ``recordings.toml`` declares which
of them are ratings.
"""

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path, PureWindowsPath

from deepvanet.datasets.recordings.cells import (
    clear,
    read_decimal_commas,
    read_number,
    read_ratings,
    refuse_cell,
    rescale_declared,
    to_number,
)
from deepvanet.datasets.recordings.column_names import find_near, judge_columns
from deepvanet.datasets.recordings.row_checks import find_odd_rows, keep_first
from deepvanet.datasets.recordings.rows import PeripheralFile, Row
from deepvanet.datasets.recordings.trial_columns import (
    FILES,
    KNOWN,
    NAMES,
    PERIPHERALS,
    PLACES,
    TRACE,
    WORDS,
)
from deepvanet.datasets.small_tables import (
    SmallTable,
    TextRow,
    read_table,
    shorten,
)
from deepvanet.files import is_file
from deepvanet.findings import attempt, list_some, refuse, report
from deepvanet.schema import Target
from deepvanet.signal_io.declared import FILE_NAME, Declaration
from deepvanet.signal_io.exports.known import find_export

FACE_CHOICES = ("left", "right", "largest")

_NUMBERS = (*(name for name in PLACES if name.endswith("_s")), *Target)


def read_rows(
    path: Path, declared: Declaration, *, for_training: bool = True
) -> list[Row]:
    """Read a table of trials; what is odd in it is reported.

    Parameters
    ----------
    for_training : bool
        Else ratings and files may be missing: the table says where trials lie.

    Returns
    -------
    list of Row
        A row that cannot be used is reported and left out.

    Raises
    ------
    UserError
        When it is no such table, or no row of it can be used.
    """
    table = read_table(path, what="table of trials", known=KNOWN)
    _refuse_known(path, declared)
    judge_columns(table, WORDS, declared.ratings)
    _require_columns(table, for_training=for_training)
    table = read_decimal_commas(table, (*_NUMBERS, *declared.ratings))
    ratings = read_ratings(table, declared)
    if for_training:
        table = rescale_declared(table, declared)
    read = [
        attempt(partial(_read_row, table, row, rated, for_training))
        for row, rated in zip(table.rows, ratings, strict=True)
    ]
    rows = keep_first([row for row in read if row is not None])
    if not table.rows:
        raise refuse("R21", "holds no trial", source=path)
    if not rows:  # the first row says what is wrong
        _read_row(table, table.rows[0], ratings[0], for_training)
    find_odd_rows(rows, table, for_training=for_training)
    return rows


def _refuse_known(path: Path, declared: Declaration) -> None:
    """Refuse a declared rating that is a column of another meaning."""
    for column in declared.ratings:
        if column in KNOWN:
            raise refuse(
                "R26",
                f"{column} of [ratings] is a column of another meaning",
                source=path.parent / FILE_NAME,
            )


def _require_columns(table: SmallTable, *, for_training: bool) -> None:
    absent = [name for name in NAMES if name not in table.columns]
    if absent:
        what = "column" if len(absent) == 1 else "columns"
        sentence = f"{what} {', '.join(absent)} {'is' if len(absent) == 1 else 'are'}"
        raise refuse(
            "R21",
            f"{sentence} missing, got {_list_columns(table)}",
            source=table.path,
            cure=_suggest(table, absent),
        )
    if not for_training:
        return
    usual = [name for name in FILES if name not in PERIPHERALS[1:]]
    for columns, what in ((tuple(Target), "of ratings"), (usual, "of files")):
        if not any(column in table.columns for column in columns):
            raise refuse(
                "R21",
                f"needs a column {what}, {' or '.join(columns)}, got "
                f"{_list_columns(table)}",
                source=table.path,
            )


def _suggest(table: SmallTable, absent: Sequence[str]) -> str:
    near = {
        known: column
        for column in reversed(table.columns)
        if (known := find_near(column, table.columns, WORDS)) in absent
    }
    if near:
        return ", ".join(f"rename {theirs} to {ours}" for ours, theirs in near.items())
    return f"add a column {', '.join(absent)}"


def _list_columns(table: SmallTable) -> str:
    return list_some([column[:40] for column in table.columns]) or "none"


def _read_row(
    table: SmallTable, text: TextRow, rated: Mapping[Target, float], for_training: bool
) -> Row:
    path, line, cells = table.path, text.line, text.cells
    for name in NAMES:
        if cells[name].lower() in ("", "n/a", "nan"):
            raise refuse_cell(path, line, f"{name} is empty")
    files = {name: _find_file(path, line, name, cells, for_training) for name in FILES}
    if for_training and not any(files.values()):
        raise refuse_cell(path, line, "names no file, neither video nor bio")
    numbers = {
        name: read_number(path, line, name, cells.get(name, ""))
        for name in PLACES
        if name.endswith("_s")
    }
    peripherals = [
        PeripheralFile(column, file, numbers[f"{column}_offset_s"])
        for column in PERIPHERALS
        if (file := files[column])
    ]
    bio = files["bio"]
    if bio is None and peripherals:
        bio = peripherals.pop(0).path
    row = Row(
        table=path,
        line=line,
        subject=cells["subject"],
        trial=cells["trial"],
        stimulus=cells["stimulus"],
        video=files["video"],
        bio=bio,
        peripherals=tuple(peripherals),
        face_features=files["face_features"],
        onset_s=numbers["onset_s"],
        marker=clear(cells.get("marker")),
        duration_s=numbers["duration_s"],
        video_offset_s=numbers["video_offset_s"],
        video_marker=clear(cells.get("video_marker")),
        ratings=rated,
        more={k: v for k, v in cells.items() if k not in KNOWN},
        face_choice=_read_face_choice(path, line, clear(cells.get("face_choice"))),
        session=clear(cells.get("session")),
        trace=_find_file(path, line, TRACE, cells, for_training)
        if for_training
        else None,
    )
    _check_places(row, for_training=for_training)
    return row


def _check_places(row: Row, *, for_training: bool) -> None:
    for sentence in _find_contradictions(row, for_training=for_training):
        raise refuse_cell(row.table, row.line, sentence)


_BOTH = "of which one must be empty, since both say when"


def _find_contradictions(row: Row, *, for_training: bool) -> Iterator[str]:
    if row.marker and row.onset_s is not None:
        yield f"has both onset_s and marker, {_BOTH} the trial begins"
    if row.video_marker and row.video_offset_s is not None:
        yield f"has both video_offset_s and video_marker, {_BOTH} the video begins"
    if row.duration_s is not None and row.duration_s <= 0:
        yield f"duration_s must be above 0, got {row.duration_s:g}"
    if row.onset_s is not None and row.onset_s < 0:
        yield f"onset_s must be 0 or above, got {row.onset_s:g}"
    if row.bio is None and for_training:
        if row.marker or row.video_marker:
            yield "has a marker but no signals to find it in"
        if row.duration_s is None:
            yield "needs duration_s, since it has no signals"


def _read_face_choice(table: Path, line: int, text: str) -> str:
    """Return a word, or a box as ``x,y,width,height``."""
    if text.lower() in ("", *FACE_CHOICES):
        return text.lower()
    numbers = [to_number(part) for part in re.split(r"[\s,;]+", text.strip("[]() "))]
    is_box = len(numbers) == 4 and all(math.isfinite(n) and n >= 0 for n in numbers)
    if is_box and numbers[2] > 0 and numbers[3] > 0:
        return ",".join(f"{number:g}" for number in numbers)
    raise refuse_cell(
        table,
        line,
        f"face_choice must be {', '.join(FACE_CHOICES)} or a box, as "
        f'"120,40,200,200" (x, y, width, height), got {shorten(text)}',
    )


def _find_file(
    path: Path, line: int, name: str, cells: Mapping[str, str], is_needed: bool
) -> Path | None:
    text = clear(cells.get(name))
    if not text:
        return None
    found = path.parent / text
    if not is_needed or is_file(found) or (name != "video" and find_export(found)):
        return found
    sentence = (
        f"{name} {shorten(text)} is not there (paths start at the folder of the table)"
    )
    cure = _find_similar(found, text)
    if name == "bio":
        raise refuse("R25", sentence, source=path, place=f"line {line}", cure=cure)
    report(
        "R25",
        sentence,
        source=path,
        place=f"line {line}",
        assumed="the trial is used without it",
        cure=cure,
    )
    return None


def _find_similar(path: Path, text: str) -> str:
    """Return which file may be meant, empty if none is near."""
    turned = path.parent / PureWindowsPath(text).as_posix()
    if "\\" in text and is_file(turned):
        return f"write {PureWindowsPath(text).as_posix()}"
    try:
        names = [file.name for file in path.parent.iterdir() if file.exists()]
    except (OSError, ValueError):
        return ""
    close = [name for name in names if name.lower() == path.name.lower()]
    close = close or difflib.get_close_matches(path.name[:200], names, n=1, cutoff=0.8)
    return (
        f"write the name of a file beside the table; the nearest is {close[0]}"
        if (close)
        else ""
    )
