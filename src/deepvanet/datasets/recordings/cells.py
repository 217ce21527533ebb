"""Cells of a table of trials: numbers, ratings, and what stands for no value."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

from deepvanet.datasets.small_tables import SmallTable, TextRow, name_lines, shorten
from deepvanet.datasets.text_numbers import to_float
from deepvanet.findings import FindingError, list_some, refuse, report, say_count
from deepvanet.schema import HIGHEST_RATING, LOWEST_RATING, Target, say_nearest
from deepvanet.signal_io.declared import FILE_NAME, Declaration

NOTHING = ("", "n/a", "nan", "na", "#n/a", "none", "null")
"""Cells without a value, in lower case, as R, pandas and spreadsheets write them."""


_COMMA = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
_RANGES = (
    *((0.0, 1.0), (-1.0, 1.0), (-2.0, 2.0), (-3.0, 3.0), (-4.0, 4.0), (0.0, 8.0)),
    *((0.0, 9.0), (0.0, 10.0), (1.0, 10.0), (0.0, 100.0), (-100.0, 100.0)),
)
"""Scales that people use, narrow ones first."""


def read_decimal_commas(table: SmallTable, columns: Sequence[str]) -> SmallTable:
    """Return a table whose decimal commas are points, and say where there were some.

    Where commas separate cells, ``1,500`` may be a thousand and a half: it is left.
    """
    cells = [row.cells.get(c, "") for row in table.rows for c in columns]
    has_points = any("." in cell for cell in cells)
    keep = _THOUSANDS if table.separator == "," or has_points else None

    def turn(cell: str) -> str:
        is_clear = _COMMA.fullmatch(cell) and not (keep and keep.fullmatch(cell))
        return cell.replace(",", ".") if is_clear else cell

    n_turned = sum(turn(cell) != cell for cell in cells)
    if not n_turned:
        return table
    numbers = say_count(n_turned, "number has", "numbers have")
    report("F39", f"{numbers} a decimal comma", source=table.path, assumed="4,5 is 4.5")
    rows = tuple(
        TextRow(
            row.line, {k: turn(v) if k in columns else v for k, v in row.cells.items()}
        )
        for row in table.rows
    )
    return SmallTable(table.path, table.columns, rows, table.separator)


def read_number(table: Path, line: int, name: str, text: str) -> float | None:
    """Return a cell's number, None where it is empty, or raise ``UserError``.

    Parameters
    ----------
    table : Path
        The table.
    line : int
        Where the cell stands.
    name : str
        Its column.
    text : str
        The cell.

    Returns
    -------
    float | None
        Its number.

    Raises
    ------
    UserError
        When the text is not a finite number.
    """
    if clear(text) == "":
        return None
    number = to_number(text)
    if math.isfinite(number):
        return number
    hint = ""
    if _THOUSANDS.fullmatch(text):
        hint = f"; write {text.replace(',', '.', 1)} or {text.replace(',', '')}"
    raise refuse(
        "R22",
        f"{name} must be a number, got {shorten(text)}{hint}",
        source=table,
        place=f"line {line}",
    )


def to_number(text: str) -> float:
    """Return the number that a cell holds, NaN if it holds none."""
    return math.nan if "_" in text else to_float(text)


def clear(text: str | None) -> str:
    """Return a cell's text, empty where it says that there is no value."""
    return "" if text is None or text.strip().lower() in NOTHING else text.strip()


def read_ratings(table: SmallTable, declared: Declaration) -> list[dict[Target, float]]:
    """Return the ratings of each row on the scale from 1 to 9.

    Cells that hold none, or one outside of the declared range, are reported together
    and left out.
    """
    ratings: list[dict[Target, float]] = [{} for _ in table.rows]
    for target in Target:
        read = _read_column(table, target, declared)
        for rated, number in zip(ratings, read, strict=True):
            if number is not None:
                rated[target] = declared.rescale(number)
    return ratings


def rescale_declared(table: SmallTable, declared: Declaration) -> SmallTable:
    """Return a table whose declared columns of ratings are on the scale from 1 to 9.

    Cells that hold no number, or one outside of the column's scale, are reported
    together and emptied; a declared column that is not there is reported.
    """
    made = [dict(row.cells) for row in table.rows]
    for column, scale in declared.ratings.items():
        if column not in table.columns:
            report(
                "R15",
                f"[ratings] names {shorten(column)}, which is no column of "
                f"{table.path.name}{say_nearest(column, table.columns)}",
                source=table.path.parent / FILE_NAME,
                place=f"key {column}",
                assumed="what it states is not used",
            )
            continue
        read = _read_column(table, column, declared)
        for cells, number in zip(made, read, strict=True):
            if number is None:
                cells[column] = ""
            elif scale != (LOWEST_RATING, HIGHEST_RATING):
                cells[column] = f"{declared.rescale(number, column):.10g}"
    rows = zip(table.rows, made, strict=True)
    turned = tuple(TextRow(row.line, cells) for row, cells in rows)
    return SmallTable(table.path, table.columns, turned, table.separator)


def _read_column(
    table: SmallTable, column: str, declared: Declaration
) -> list[float | None]:
    """Return a column's ratings as given, None where there is none on its scale."""
    low, high = declared.find_range(column)
    cells = [clear(row.cells.get(column)) for row in table.rows]
    numbers = [to_number(cell) for cell in cells]
    wrong = [
        (row.line, cell, number)
        for row, cell, number in zip(table.rows, cells, numbers, strict=True)
        if cell and not low <= number <= high
    ]
    if wrong:
        _report_outside(table, column, declared, numbers, wrong)
    return [number if low <= number <= high else None for number in numbers]


def _report_outside(
    table: SmallTable,
    column: str,
    declared: Declaration,
    numbers: Sequence[float],
    wrong: Sequence[tuple[int, str, float]],
) -> None:
    low, high = declared.find_range(column)
    is_declared = column in declared.ratings
    got = list_some(
        list(dict.fromkeys(shorten(c) if math.isnan(n) else c for _, c, n in wrong))
    )
    known = [number for number in numbers if math.isfinite(number)]
    outside = [number for _, _, number in wrong if math.isfinite(number)]
    fits = [
        f"{column if is_declared else 'rating_range'} = [{start:g}, {end:g}]"
        for start, end in _RANGES
        if known and start <= min(known) <= max(known) <= end
    ]
    is_other = len(outside) > max(2, len(known) // 10)
    where = f"{'under [ratings] ' if is_declared else ''}in recordings.toml"
    cure = f"write {fits[0]} {where}" if is_other and fits else ""
    report(
        "R10",
        f"{column} must be from {low:g} to {high:g}, got {got}",
        source=table.path,
        place=name_lines([line for line, _, _ in wrong]),
        assumed="these ratings are left out",
        cure=cure,
    )


def refuse_cell(table: Path, line: int, sentence: str) -> FindingError:
    """Return an error on a row, to be raised."""
    return refuse("R22", sentence, source=table, place=f"line {line}")
