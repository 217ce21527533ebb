"""The table of a user's own recordings: one row for each trial.

Columns: ``subject``, ``trial``, ``stimulus``; ``video``, ``bio`` and ``peripheral``,
files, by their place beside the table; ``onset_s`` or ``marker``, ``duration_s``;
``video_offset_s`` or ``video_marker``, and ``peripheral_offset_s``; ``valence``,
``arousal``. Any others are kept.
"""

import csv
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from deepvanet.files import is_file
from deepvanet.schema import Target, UserError
from deepvanet.signal_io.declared import Declaration

NAMES = ("subject", "trial", "stimulus")
FILES = ("video", "bio", "peripheral")
PLACES = (
    *("onset_s", "marker", "duration_s", "video_offset_s", "video_marker"),
    "peripheral_offset_s",
)
KNOWN = (*NAMES, *FILES, *PLACES, *Target)
NOTHING = ("", "n/a", "nan")


@dataclass(frozen=True)
class Row:
    """A row of the table; None and empty are cells without a value.

    Attributes
    ----------
    where : str
        The file and line, for sentences.
    video_offset_s, peripheral_offset_s : float | None, float
        Second of the signals at which those files start.
    marker, video_marker : str
        Markers at which the stimulus and the video start.
    ratings : mapping
        On the scale from 1 to 9.
    more : mapping
        Columns that mean nothing here.
    """

    where: str
    subject: str
    trial: str
    stimulus: str
    video: Path | None = None
    bio: Path | None = None
    peripheral: Path | None = None
    onset_s: float | None = None
    marker: str = ""
    duration_s: float | None = None
    video_offset_s: float | None = None
    video_marker: str = ""
    peripheral_offset_s: float = 0.0
    ratings: Mapping[Target, float] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def files(self) -> tuple[Path, ...]:
        """What it is made of."""
        return tuple(f for f in (self.bio, self.peripheral, self.video) if f)

    @property
    def signals(self) -> tuple[Path | None, Path | None]:
        """Where its signals lie; rows of one recording have the same."""
        return self.bio, self.peripheral


def read_rows(
    path: Path, declared: Declaration, *, for_training: bool = True
) -> list[Row]:
    """Read a table of trials.

    Parameters
    ----------
    for_training : bool
        Else ratings and files may be missing: the table says where trials lie.

    Raises
    ------
    UserError
        When it is no such table, a file is missing, or a trial stands there twice.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file, expected a table of trials in CSV")
    lines = _read_lines(path, for_training=for_training)
    rows = [
        _read_row(path, line, cells, declared, for_training=for_training)
        for line, cells in lines
    ]
    if not rows:
        raise UserError(f"{path}: holds no trial")
    check_unique(rows)
    return rows


def check_unique(rows: Sequence[Row]) -> None:
    """Raise ``UserError`` where a trial of a subject stands in two rows.

    Raises
    ------
    UserError
        When there is such a trial.
    """
    seen: dict[tuple[str, str], Row] = {}
    for row in rows:
        other = seen.setdefault((row.subject, row.trial), row)
        if other is not row:
            raise UserError(
                f"{row.where}: trial {row.trial} of subject {row.subject} stands there "
                "twice"
            )


def _read_lines(
    path: Path, *, for_training: bool
) -> list[tuple[int, Mapping[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="", restkey="")
            _check_columns(path, reader.fieldnames or (), for_training=for_training)
            return [
                (
                    reader.line_num,
                    {k: v.strip() for k, v in cells.items() if isinstance(v, str)},
                )
                for cells in reader
            ]
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a table in CSV: {error}") from None


def _check_columns(path: Path, found: Sequence[str], *, for_training: bool) -> None:
    for column in NAMES:
        if column not in found:
            near = difflib.get_close_matches(column, found, n=1)
            hint = f", the nearest is {near[0]!r}" if near else ""
            raise UserError(f"{path}: column {column} is missing{hint}")
    if not for_training:
        return
    for columns, what in ((tuple(Target), "of ratings"), (FILES, "of files")):
        if not any(column in found for column in columns):
            raise UserError(
                f"{path}: needs a column {what}, {' or '.join(columns)}, got "
                f"{', '.join(found)}"
            )


def _read_row(
    path: Path,
    line: int,
    cells: Mapping[str, str],
    declared: Declaration,
    *,
    for_training: bool,
) -> Row:
    where = f"{path} line {line}"
    for name in NAMES:
        if cells.get(name, "").lower() in NOTHING:
            raise UserError(f"{where}: {name} is empty")
    files = {
        name: _find_file(path, where, name, cells, is_needed=for_training)
        for name in FILES
    }
    if for_training and not any(files.values()):
        raise UserError(f"{where}: names no file, neither video nor bio")
    numbers = {
        name: read_number(where, name, cells.get(name, ""))
        for name in PLACES
        if name.endswith("_s")
    }
    if files["bio"] is None:
        files["bio"], files["peripheral"] = files["peripheral"], None
    row = Row(
        where=where,
        subject=cells["subject"],
        trial=cells["trial"],
        stimulus=cells["stimulus"],
        video=files["video"],
        bio=files["bio"],
        peripheral=files["peripheral"],
        onset_s=numbers["onset_s"],
        marker=cells.get("marker", ""),
        duration_s=numbers["duration_s"],
        video_offset_s=numbers["video_offset_s"],
        video_marker=cells.get("video_marker", ""),
        peripheral_offset_s=numbers["peripheral_offset_s"] or 0.0,
        ratings=read_ratings(where, cells, declared),
        more={k: v for k, v in cells.items() if k and k not in KNOWN},
    )
    _check_places(row, for_training=for_training)
    return row


def _check_places(row: Row, *, for_training: bool) -> None:
    if row.marker and row.onset_s is not None:
        raise UserError(f"{row.where}: has both onset_s and marker")
    if row.video_marker and row.video_offset_s is not None:
        raise UserError(f"{row.where}: has both video_offset_s and video_marker")
    if row.duration_s is not None and row.duration_s <= 0:
        raise UserError(
            f"{row.where}: duration_s must be above 0, got {row.duration_s:g}"
        )
    if row.onset_s is not None and row.onset_s < 0:
        raise UserError(f"{row.where}: onset_s must be 0 or above, got {row.onset_s:g}")
    if row.bio is None and for_training:
        if row.marker or row.video_marker:
            raise UserError(f"{row.where}: has a marker but no signals to find it in")
        if row.duration_s is None:
            raise UserError(f"{row.where}: needs duration_s, since it has no signals")


def read_number(where: str, name: str, text: str) -> float | None:
    """Return a cell's number, None where it is empty, or raise ``UserError``.

    Raises
    ------
    UserError
        When the text is not a finite number.
    """
    if text.strip().lower() in NOTHING:
        return None
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not np.isfinite(number):
        raise UserError(f"{where}: {name} must be a number, got {text!r}")
    return number


def read_ratings(
    where: str, cells: Mapping[str, str], declared: Declaration
) -> dict[Target, float]:
    """Return the ratings of a row on the scale from 1 to 9, or raise ``UserError``.

    Raises
    ------
    UserError
        When a rating is not a number, or outside of the declared range.
    """
    low, high = declared.rating_range
    ratings = {}
    for target in Target:
        rating = read_number(where, target, cells.get(target, ""))
        if rating is None:
            continue
        if not low <= rating <= high:
            raise UserError(
                f"{where}: {target} must be from {low:g} to {high:g}, got {rating:g}; "
                "another range is set by rating_range in recordings.toml"
            )
        ratings[target] = declared.rescale(rating)
    return ratings


def _find_file(
    path: Path, where: str, name: str, cells: Mapping[str, str], *, is_needed: bool
) -> Path | None:
    text = cells.get(name, "")
    if text.lower() in NOTHING:
        return None
    found = path.parent / text
    if is_needed and not is_file(found):
        raise UserError(f"{where}: {name} {text} is no file")
    return found
