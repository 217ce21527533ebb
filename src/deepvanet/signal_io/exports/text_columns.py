"""Columns of the text files of devices, read by their places.

Headers may repeat or be absent, rows may end with a separator, and the last line may
be cut off; a cell that is no number is a missing sample, which is reported.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepvanet.cells import EXACT
from deepvanet.findings import report
from deepvanet.schema import UserError
from deepvanet.signal_io.delimited_text import find_encoding
from deepvanet.signal_io.read_errors import explain_error, report_warnings

HEAD_BYTES = 16384
_BOMS = {
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"\xef\xbb\xbf": "utf-8-sig",
}
_EMPTY = ("", "nan", "n/a", "na")
_COMMA_NUMBER = re.compile(r"[-+]?\d+,\d+([eE][-+]?\d+)?")


@dataclass(frozen=True)
class TextColumns:
    """A text file of columns.

    Attributes
    ----------
    names : tuple of str
        Of all columns, in their order.
    n_skipped : int
        Lines before the first row of numbers.
    """

    path: Path
    names: tuple[str, ...]
    n_skipped: int
    separator: str

    def find(self, name: str) -> int | None:
        """Return the place of the first column of this name, in any case, or None."""
        lower = [own.lower() for own in self.names]
        return lower.index(name.lower()) if name.lower() in lower else None

    def read(self, places: Sequence[int]) -> pd.DataFrame:
        """Return columns, called by their places, with a row for each line.

        Raises
        ------
        UserError
            When the file cannot be read as a table.
        """
        head = read_head(self.path)
        rows = split_lines(head)[self.n_skipped :]
        width = max([len(self.names), *(len(self.split(row)) for row in rows[:3])])
        cells = [cell for row in rows[:20] for cell in self.split(row)]
        is_comma = self.separator != "," and any(map(_COMMA_NUMBER.fullmatch, cells))
        with explain_error(self.path), report_warnings(self.path, "pandas"):
            return pd.read_csv(
                self.path,
                sep=self.separator,
                header=None,
                names=list(range(width)),
                usecols=sorted(set(places)),
                skiprows=self.n_skipped,
                skipinitialspace=True,
                decimal="," if is_comma else ".",
                float_precision=EXACT,
                encoding=find_encoding(self.path),
                low_memory=False,
            )

    def split(self, line: str) -> list[str]:
        """Return the cells of a line."""
        return split_cells(line, self.separator)

    def read_numbers(self, column: "pd.Series[float]") -> NDArray[np.float64]:
        """Return a column that was read as numbers; what is none is reported."""
        if pd.api.types.is_numeric_dtype(column):
            numbers = column.to_numpy(np.float64, na_value=np.nan)
            is_word = np.isinf(numbers)
        else:
            texts = ["" if pd.isna(c) else str(c).strip() for c in column.tolist()]
            numbers = np.array([_read_number(text) for text in texts], np.float64)
            is_empty = np.array([text.lower() in _EMPTY for text in texts], bool)
            is_word = ~np.isfinite(numbers) & ~is_empty
        numbers = np.where(np.isfinite(numbers), numbers, np.nan)
        if is_word.any():
            first = int(np.flatnonzero(is_word)[0])
            name = self.names[int(str(column.name))]
            report(
                "Q03",
                f"{is_word.sum()} of {len(numbers)} cells are no number: "
                f"{str(column.iloc[first])[:20]!r} in line "
                f"{first + self.n_skipped + 1}",
                source=self.path,
                place=f"column {name}",
                assumed="these samples are missing",
            )
        return np.asarray(numbers, np.float64)


def read_head(path: Path) -> str:
    """Return the first lines of a file as text; of another file, what looks so.

    Raises
    ------
    UserError
        When the file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            start = file.read(HEAD_BYTES)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    return start.decode(_name_encoding(start), errors="replace")


def split_lines(head: str) -> list[str]:
    """Return the lines of the beginning of a file, the last one only if it is whole."""
    lines = head.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if len(lines) > 1 else lines


def split_cells(line: str, separator: str) -> list[str]:
    """Return the cells of one line, without blanks and quotes around them."""
    cells = next(csv.reader(io.StringIO(line), delimiter=separator), [])
    return [cell.strip() for cell in cells]


def find_separator(line: str) -> str:
    """Return the separator of which a line has most."""
    return max(",;\t", key=line.count)


def is_number(text: str) -> bool:
    """Say whether a cell is a finite number, with a point."""
    return bool(np.isfinite(_read_number(text)))


def _read_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _name_encoding(start: bytes) -> str:
    return next((name for bom, name in _BOMS.items() if start.startswith(bom)), "utf-8")
