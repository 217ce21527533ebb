"""Cells of a table of trials: numbers, ratings, and what stands for no value."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

from deepvanet.datasets.small_tables import SmallTable, TextRow, name_lines, shorten
from deepvanet.datasets.text_numbers import to_float
from deepvanet.findings import FindingError, list_some, refuse, report, say_count
from deepvanet.schema import Target
from deepvanet.signal_io.declared import Declaration

NOTHING = ("", "n/a", "nan", "na", "#n/a", "none", "null")
"""Cells without a value, in lower case, as R, pandas and spreadsheets write them."""


_COMMA = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
_RANGES = (
    *((0.0, 1.0), (-1.0, 1.0), (-2.0, 2.0), (-3.0, 3.0), (-4.0, 4.0), (0.0, 8.0)),
    *((0.0, 9.0), (0.0, 10.0), (1.0, 10.0), (-100.0, 100.0), (0.0, 100.0)),
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
    low, high = declared.rating_range
    for target in Target:
        cells = [clear(row.cells.get(target)) for row in table.rows]
        numbers = [to_number(cell) for cell in cells]
        for place, number in enumerate(numbers):
            if low <= number <= high:
                ratings[place][target] = declared.rescale(number)
        wrong = [
            (row.line, cell, number)
            for row, cell, number in zip(table.rows, cells, numbers, strict=True)
            if cell and not low <= number <= high
        ]
        if wrong:
            _report_outside(table, target, declared, numbers, wrong)
    return ratings


def _report_outside(
    table: SmallTable,
    target: Target,
    declared: Declaration,
    numbers: Sequence[float],
    wrong: Sequence[tuple[int, str, float]],
) -> None:
    low, high = declared.rating_range
    got = list_some(
        list(dict.fromkeys(shorten(c) if math.isnan(n) else c for _, c, n in wrong))
    )
    known = [number for number in numbers if math.isfinite(number)]
    outside = [number for _, _, number in wrong if math.isfinite(number)]
    fits = [
        f"rating_range = [{start:g}, {end:g}]"
        for start, end in _RANGES
        if known and start <= min(known) <= max(known) <= end
    ]
    is_other = len(outside) > max(2, len(known) // 10)
    cure = f"write {fits[0]} in recordings.toml" if is_other and fits else ""
    report(
        "R10",
        f"{target} must be from {low:g} to {high:g}, got {got}",
        source=table.path,
        place=name_lines([line for line, _, _ in wrong]),
        assumed="these ratings are left out",
        cure=cure,
    )


def refuse_cell(table: Path, line: int, sentence: str) -> FindingError:
    """Return an error on a row, to be raised."""
    return refuse("R22", sentence, source=table, place=f"line {line}")
