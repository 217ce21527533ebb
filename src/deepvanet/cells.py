"""Tables as CSV that a spreadsheet opens without running what people have written.

A text that begins like a formula is written with an apostrophe before it, and read
back without. Numbers stay as they are, and so do texts that are numbers.

Some numbers end pandas, and Python with it, unless they are read as ``read_numbers``
and ``EXACT`` have it.
"""

import csv
import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, TextIO

import pandas as pd

EXACT: Literal["round_trip"] = "round_trip"
"""How ``read_csv`` reads floats: others end the program at 1e3080000000."""

_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_ENDLESS = re.compile(r"[eE][-+]?\d{6}")
"""An exponent at which pandas ends the program, or near to it."""


def guard(text: str) -> str:
    """Return a text as a cell.

    Examples
    --------
    >>> guard("=HYPERLINK(1)"), guard("-1.5"), guard("'=1")
    ("'=HYPERLINK(1)", '-1.5', "''=1")
    """
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def release(cell: str) -> str:
    """Return the text of a cell that ``guard`` made.

    Examples
    --------
    >>> release("'=HYPERLINK(1)"), release("'s hertogenbosch")
    ('=HYPERLINK(1)', "'s hertogenbosch")
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def read_numbers(cells: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return the numbers of a column; a text that is none, or is endless, is missing.

    Examples
    --------
    >>> read_numbers(pd.Series(["1.5", "one", "1e3080000000"])).tolist()
    [1.5, nan, nan]
    """
    if not pd.api.types.is_numeric_dtype(cells.dtype):
        is_endless = cells.astype("string").str.contains(_ENDLESS).fillna(False)
        cells = cells.mask(is_endless.astype(bool))
    return pd.to_numeric(cells, errors="coerce")


def write_csv(
    table: pd.DataFrame,
    file: Path | TextIO,
    *,
    columns: Sequence[str] | None = None,
    header: bool = True,
    float_format: str | None = None,
) -> None:
    """Write a table as CSV, with its texts guarded.

    Parameters
    ----------
    table : DataFrame
        Its texts may be anything that a person wrote.
    file : Path | TextIO
        Where it goes.
    columns : sequence of str, optional
        What is written, in this order; all by default.
    header : bool
        Whether the names of the columns are written.
    float_format : str, optional
        How numbers are written; all digits by default.
    """
    shown = table if columns is None else table[list(columns)]
    _change(shown, guard).to_csv(
        file,
        index=False,
        header=header,
        float_format=float_format,
        lineterminator="\n",
        quoting=csv.QUOTE_NONNUMERIC if _has_return(shown) else csv.QUOTE_MINIMAL,
    )


def _has_return(table: pd.DataFrame) -> bool:
    """Say whether a text has a carriage return, which alone would not be quoted."""
    texts = table.select_dtypes(exclude="number")
    found: Iterable[object] = (
        text for name in range(texts.shape[1]) for text in texts.iloc[:, name].unique()
    )
    return any(isinstance(text, str) and "\r" in text for text in found)


def release_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table that was read from CSV with its texts as they were."""
    return _change(table, release)


def _change(table: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    changed = {
        place: column
        for place, kind in enumerate(table.dtypes)
        if not pd.api.types.is_numeric_dtype(kind)
        if (column := _change_column(table.iloc[:, place], change)) is not None
    }
    names = [change(name) if isinstance(name, str) else name for name in table.columns]
    if not changed and names == list(table.columns):
        return table
    places = range(table.shape[1])
    columns = [changed.get(place, table.iloc[:, place]) for place in places]
    made = pd.concat(columns, axis=1) if columns else table.copy()
    made.columns = pd.Index(names)
    return made


def _change_column(
    column: "pd.Series[str]", change: Callable[[str], str]
) -> "pd.Series[str] | None":
    """Return a column with its texts changed, or None where none changes."""
    found: dict[Hashable, str] = {
        text: change(text) for text in column.unique() if isinstance(text, str)
    }
    found = {text: new for text, new in found.items() if text != new}
    if not found:
        return None
    return column.astype(object).map(lambda cell: found.get(cell, cell))
