"""Cells of a column: numbers, texts among them, empty ones."""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepvanet.cells import read_numbers
from deepvanet.findings import report

Column: TypeAlias = "pd.Series[Any]"
LONGEST_QUOTE = 40

_COMMA = re.compile(r"\s*[-+]?\d*,\d+([eE][-+]?\d+)?\s*")
_SURE_COMMA = re.compile(r"\s*[-+]?(0?,\d+|\d+,(\d{1,2}|\d{4,}))([eE][-+]?\d+)?\s*")


def find_numbers(
    cells: Column,
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the numbers of a column, and where it has something else.

    Whole numbers stay whole. Texts as ``1,5`` are numbers where at least one of them
    cannot be a number with thousands. What is infinite is no number.
    """
    if cells.dtype == bool:
        cells = cells.astype(np.int64)
    if pd.api.types.is_integer_dtype(cells.dtype) and not cells.isna().any():
        return cells.to_numpy(), np.zeros(len(cells), bool)
    if pd.api.types.is_numeric_dtype(cells.dtype):
        numbers = cells.to_numpy(np.float64, na_value=np.nan)
    else:
        numbers = _read_texts(cells.astype("string"))
    is_infinite = np.isinf(numbers)
    numbers = np.where(is_infinite, np.nan, numbers)
    return numbers, np.isnan(numbers) & cells.notna().to_numpy(bool)


def report_texts(
    name: str,
    cells: Column,
    no_number: NDArray[np.bool_],
    *,
    source: object,
    find_place: Callable[[int], str],
) -> None:
    """Report cells that are no numbers: how many, and the first.

    Parameters
    ----------
    name : str
        Of the column.
    cells : pd.Series
        Its cells, as they were read.
    no_number : NDArray
        Which of them are no numbers, though they are not empty.
    source : object
        The file.
    find_place : callable
        Says where a row, from 0, stands in it.
    """
    rows = np.flatnonzero(no_number)
    if not len(rows):
        return
    text = str(cells.iloc[rows[0]])[:LONGEST_QUOTE]
    are = "is no number" if len(rows) == 1 else "are no numbers"
    report(
        "Q03",
        f"{len(rows)} of {len(cells)} cells {are}: {text!r} in "
        f"{find_place(int(cells.index[rows[0]]))}",
        source=source,
        place=f"column {name}",
        assumed="these samples are missing",
    )


def _read_texts(texts: Column) -> NDArray[np.float64]:
    numbers = read_numbers(texts).to_numpy(np.float64, na_value=np.nan)
    missed = np.isnan(numbers) & texts.notna().to_numpy(bool)
    odd = texts[missed]
    commas = odd.str.fullmatch(_COMMA).to_numpy(bool)
    if odd.str.fullmatch(_SURE_COMMA).any():
        rows = np.flatnonzero(missed)[commas]
        plain = odd[commas].str.replace(",", ".")
        numbers[rows] = read_numbers(plain).to_numpy(np.float64, na_value=np.nan)
    return numbers
