"""What is odd of the rows of a table of trials, when they are seen together."""

import re
from collections.abc import Hashable, Iterable, Sequence

from deepvanet.datasets.recordings.cells import clear
from deepvanet.datasets.recordings.rows import Row
from deepvanet.datasets.recordings.trial_columns import PERIPHERALS
from deepvanet.datasets.small_tables import SmallTable, name_lines, shorten
from deepvanet.findings import list_some, report, say_count
from deepvanet.schema import Target


def keep_first(rows: Sequence[Row]) -> list[Row]:
    """Return the rows; of a trial that stands in two the first one."""
    seen: dict[tuple[str, str], Row] = {}
    for row in rows:
        first = seen.setdefault((row.subject, row.trial), row)
        if first is not row:
            report(
                "R23",
                f"trial {row.trial} of subject {row.subject} stands there twice",
                source=row.table,
                place=f"lines {first.line} and {row.line}",
                assumed="the first of the two rows is used",
            )
    return list(seen.values())


def find_odd_rows(
    rows: Sequence[Row], table: SmallTable, *, for_training: bool
) -> None:
    """Report what is odd of rows that were read: unused cells, same seconds, names.

    Parameters
    ----------
    for_training : bool
        Else rows need no ratings, and files may be named elsewhere.
    """
    _find_same_seconds([row for row in rows if row.ratings or not for_training])
    _find_similar_names(rows)
    if for_training:
        _find_unrated(rows)
        find_half_rated(rows, table)
        _find_unused(rows, table)
        _find_two_offsets(rows)


def _find_unrated(rows: Sequence[Row]) -> None:
    silent = [_name(row) for row in rows if not row.ratings]
    if silent:
        trials = say_count(
            len(silent), "trial has no rating and is", "trials have no rating and are"
        )
        report("R06", f"{trials} left out: {list_some(silent)}", source=rows[0].table)


def find_half_rated(rows: Sequence[Row], table: SmallTable) -> None:
    """Report trials that have one rating, and an empty cell for the other one."""
    cells = {row.line: row.cells for row in table.rows}
    rated = [row for row in rows if row.ratings]
    for target in Target:
        silent = [row for row in rated if not clear(cells[row.line].get(target))]
        if silent and table.has(target):
            names = dict.fromkeys(map(_name, silent))
            report(
                "R06",
                f"{target} is empty in {len(silent)} of {len(rated)} rated trials: "
                f"{list_some(list(names))}",
                source=table.path,
                place=name_lines([row.line for row in silent]),
                assumed=f"they are left out for {target}, and used for the other "
                "rating",
            )


def _name(row: Row) -> str:
    """Return what a trial is called; in BIDS those of a file have no names yet."""
    return f"subject {row.subject}{f' trial {row.trial}' if row.trial else ''}"


def _find_unused(rows: Sequence[Row], table: SmallTable) -> None:
    """Report cells on a file that the row does not name."""
    cells = {row.line: row.cells for row in table.rows}
    for column, file in (
        *((f"{name}_offset_s", name) for name in PERIPHERALS),
        ("video_offset_s", "video"),
        ("video_marker", "video"),
        ("face_choice", "video"),
    ):
        stated = [row for row in rows if clear(cells[row.line].get(column))]
        idle = [row.line for row in stated if not row.names(file)]
        if idle:
            report(
                "R02",
                f"{column} is not used, since the column {file} of the row is empty",
                source=table.path,
                place=name_lines(idle),
                assumed="the cell is passed over",
            )


def _find_two_offsets(rows: Sequence[Row]) -> None:
    """Report rows of one recording that state another offset than its first row."""
    first: dict[object, Row] = {}
    for row in rows:
        if not row.peripherals:
            continue
        one = first.setdefault((row.subject, *row.signals), row)
        for mine, theirs in zip(row.peripherals, one.peripherals, strict=True):
            if mine.offset_s != theirs.offset_s:
                report(
                    "R22",
                    f"{mine.column}_offset_s is {_write(mine.offset_s)}, line "
                    f"{one.line} has {_write(theirs.offset_s)} for the same files",
                    source=row.table,
                    place=f"line {row.line}",
                    assumed="that of the first row is used",
                )


def _write(stated: float | None) -> str:
    return "empty" if stated is None else f"{stated:g} s"


def _find_same_seconds(rows: Sequence[Row]) -> None:
    """Report trials that begin in the same second of the same file."""
    first: dict[Hashable, Row] = {}
    for row in rows:
        one = first.setdefault(_find_second(row), row)
        if one is row:
            continue
        file = row.bio or row.video or row.face_features
        at = (
            f"marker {shorten(row.marker)}" if row.marker else f"{row.onset_s or 0:g} s"
        )
        where = f"{at}{f' of {file.name}' if file else ''}"
        if one.subject == row.subject:
            if row.marker:  # the rows have its occurrences, one after another
                continue
            report(
                "T51",
                f"trials {one.trial} and {row.trial} of subject {row.subject} both "
                f"begin at {where}",
                source=row.table,
                place=f"lines {one.line} and {row.line}",
                assumed="both are read, with the same signals",
            )
        elif file:
            report(
                "R27",
                f"subjects {one.subject} and {row.subject} both have a trial that "
                f"begins at {where}",
                source=row.table,
                place=f"lines {one.line} and {row.line}",
                assumed="both are read, with the same signals",
            )


def _find_second(row: Row) -> Hashable:
    onset = row.onset_s or 0.0
    if row.marker:
        return row.bio, row.marker
    if row.bio is not None:
        return row.bio, round(onset, 3)
    return row.video or row.face_features, round(onset - (row.video_offset_s or 0.0), 3)


def _find_similar_names(rows: Sequence[Row]) -> None:
    """Report names of subjects and stimuli that differ by case, zeros or blanks."""
    for what, names, taken in (
        ("subjects", [row.subject for row in rows], "two people"),
        ("stimuli", [row.stimulus for row in rows], "two stimuli"),
    ):
        for similar in _group(names):
            report(
                "R24",
                f"{what} {list_some([name[:60] for name in similar])} differ by case, "
                "blanks or zeros only",
                source=rows[0].table,
                assumed=f"they are {taken}",
            )


def _group(names: Iterable[str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(_spell(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def _spell(name: str) -> str:
    """Return a name in lower case, without leading zeros.

    Examples
    --------
    >>> _spell("S 01") == _spell("s_1"), _spell("1.0") == _spell("01")
    (True, True)
    """
    words = re.sub(r"[\W_]+", "_", re.sub(r"\.0$", "", name.casefold()))
    return re.sub(r"(?<!\d)0+(?=\d)", "", words)
