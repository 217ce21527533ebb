"""Write and read the tables of a run as CSV files."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from deepvanet.cells import EXACT, read_numbers, release_table, write_csv
from deepvanet.files import whole_file
from deepvanet.metrics import (
    LAG_COLUMN,
    PROBABILITY,
    TIME_COLUMN,
    Form,
    find_form,
)
from deepvanet.results.columns import (
    PREDICTION_COLUMNS,
    PREDICTION_KEYS,
    RECORDING_COLUMNS,
    SPECTRUM_COLUMNS,
    prediction_columns,
)
from deepvanet.schema import KEY_COLUMNS, TRAINED_WITH, UserError, quote

_TEXT = (
    *KEY_COLUMNS,
    "folds",
    "subject",
    "trial",
    "stimulus",
    "recording",
    "session",
    "artefacts",
    "bad_channels",
    "removed",
    "note",
    "name",
    "exchanged",
    TRAINED_WITH,
)

_FLOAT_FORMAT = "%.9g"


SUM_MAY_BE_OFF = 0.05
"""Probabilities that were written with two digits still sum to 1."""


def write_predictions(path: Path, predictions: pd.DataFrame) -> None:
    """Write predictions of any task in the order given."""
    columns = prediction_columns(find_form(predictions))
    if TRAINED_WITH in predictions:
        columns = (*PREDICTION_KEYS, TRAINED_WITH, *columns[len(PREDICTION_KEYS) :])
    write_table(path, [predictions], columns)


def read_predictions(path: Path) -> pd.DataFrame:
    """Read predictions of any task.

    Raises
    ------
    UserError
        When the file cannot be read, lacks a column, or holds a class or a number
        that is none.
    """
    header = _read_header(path)
    if "truth" not in header:
        return read_table(path, PREDICTION_COLUMNS)
    has_classes = any(name.startswith(PROBABILITY) for name in header)
    names: tuple[str, ...] = ("truth", "prediction")
    if LAG_COLUMN in header:
        names = (*names, TIME_COLUMN, LAG_COLUMN)
    table = read_table(
        path, (*PREDICTION_KEYS, *names), text=names if has_classes else ()
    )
    for _, part in table.groupby("target", sort=False):
        check_predictions(part, find_form(part), path)
    return table


def check_predictions(predictions: pd.DataFrame, form: Form, path: Path) -> None:
    """Raise ``UserError`` where a cell of classes or ratings is not what it should be.

    Parameters
    ----------
    predictions : DataFrame
        Of one target.
    path : Path
        Whose file it is, for the sentence.
    """
    numbers = [n for n in form.columns if form.is_rating or n in form.values]
    for name in numbers:
        values = read_numbers(predictions[name])
        wrong = ~np.isfinite(values)
        expected = "a number"
        if not form.is_rating:
            wrong |= ~values.between(0, 1)
            expected = "a probability from 0 to 1"
        _refuse(predictions, name, wrong, expected, path)
    if form.is_rating:
        return
    for name in ("truth", "prediction"):
        wrong = ~predictions[name].isin(form.classes)
        expected = f"one of {', '.join(form.classes)}"
        _refuse(predictions, name, wrong, expected, path)
    off = (predictions[list(form.values)].sum(axis=1) - 1).abs() > SUM_MAY_BE_OFF
    _refuse(predictions, form.values[0], off, "probabilities that sum to 1", path)


def _refuse(
    table: pd.DataFrame, name: str, wrong: "pd.Series[bool]", expected: str, path: Path
) -> None:
    if wrong.any():
        row = table[wrong].iloc[0]
        raise UserError(
            f"{path}: subject {row['subject']}, trial {row['trial']}: column {name}: "
            f"expected {expected}, got {quote(str(row[name]))}"
        )


def read_permutations(path: Path) -> pd.DataFrame:
    """Read scores with ratings exchanged; no file gives a table without rows.

    Older versions call a permutation ``draw``.

    Raises
    ------
    UserError
        When the file cannot be read, or lacks a column.
    """
    columns = (*KEY_COLUMNS, "exchanged", "permutation")
    if not path.is_file():
        return pd.DataFrame(columns=list(columns))
    table = read_table(path, columns[:-1]).rename(columns={"draw": columns[-1]})
    if columns[-1] not in table:
        raise UserError(f"{path}: column {columns[-1]} is missing")
    return table


def write_table(
    path: Path, tables: Iterable[pd.DataFrame], columns: Sequence[str]
) -> None:
    """Write tables one below the other as one CSV file, whole or not at all.

    Parameters
    ----------
    tables : iterable of DataFrame
        Only one is held in memory; none gives a file with a header.
    columns : sequence of str
        What is written, in this order.
    """
    with whole_file(path) as unfinished, unfinished.open("w", newline="") as file:
        write_csv(pd.DataFrame(columns=list(columns)), file)
        for table in tables:
            write_csv(
                table, file, columns=columns, header=False, float_format=_FLOAT_FORMAT
            )


def read_table(
    path: Path, columns: Sequence[str], *, text: Sequence[str] = ()
) -> pd.DataFrame:
    """Read a CSV file that ``write_table`` wrote; identifiers are text.

    Parameters
    ----------
    columns : sequence of str
        That must be there.
    text : sequence of str
        Columns that are text beside identifiers.

    Raises
    ------
    UserError
        When the file cannot be read as a table or lacks one of ``columns``.
    """
    header = _read_header(path)
    words = [column for column in header if column in (*_TEXT, *text)]
    try:
        # a stimulus may be called "NA"; only numbers may be blank
        table = pd.read_csv(
            path,
            dtype=dict.fromkeys(words, str),
            keep_default_na=False,
            na_values={name: ["", "nan"] for name in header if name not in words},
            float_precision=EXACT,
        )
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as a table: {error}") from None
    table = release_table(table)
    for column in columns:
        if column not in table:
            raise UserError(
                f"{path}: column {column} is missing, got {', '.join(header)}"
            )
    return table


def _read_header(path: Path) -> list[str]:
    try:
        return [str(name) for name in pd.read_csv(path, nrows=0).columns]
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as a table: {error}") from None


def read_cleaned_recordings(path: Path) -> pd.DataFrame:
    """Read what cleaning did to each recording; no file gives a table without rows.

    Raises
    ------
    UserError
        When the file cannot be read, or a cell is not what its column says.
    """
    table = _read_numbers(path, RECORDING_COLUMNS, may_be_blank=("variance_removed",))
    for cell in table["removed"]:
        try:
            count_removed(cell)
        except ValueError:
            raise UserError(
                f"{path}: column removed: expected classes as in eye:2+muscle:1, "
                f"got {cell}"
            ) from None
    return table


def read_spectra(path: Path) -> pd.DataFrame:
    """Read spectra before and after cleaning; no file gives a table without rows."""
    return _read_numbers(path, SPECTRUM_COLUMNS, may_be_blank=("before_db", "after_db"))


def _read_numbers(
    path: Path, columns: Sequence[str], *, may_be_blank: Sequence[str]
) -> pd.DataFrame:
    """Read a table that may be absent and whose columns, but for text, are numbers."""
    if not path.is_file():
        return pd.DataFrame(columns=list(columns))
    table = read_table(path, columns)
    for column in columns:
        if column in _TEXT:
            continue
        numbers = read_numbers(table[column])
        wrong = numbers.isna() & ~(table[column].isna() & (column in may_be_blank))
        if wrong.any():
            raise UserError(
                f"{path}: column {column}: expected numbers, got "
                f"{table[column][wrong].iloc[0]}"
            )
        table[column] = numbers
    return table


def count_removed(cell: str) -> dict[str, int]:
    """Return how many components of each class a cell of ``removed`` names.

    Examples
    --------
    >>> count_removed("eye:2+muscle:1"), count_removed("")
    ({'eye': 2, 'muscle': 1}, {})
    """
    pairs = (part.rpartition(":") for part in cell.split("+") if part)
    return {name: int(number) for name, _, number in pairs}
