"""Predictions that anyone made, read from a CSV file; columns are text at first."""

import csv
import warnings
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from deepvanet.cells import read_numbers, release_table
from deepvanet.metrics import PROBABILITY
from deepvanet.schema import UserError, quote

NEEDED_OF_PREDICTIONS = ("subject", "trial", "label", "score")
NEEDED_OF_TASKS = ("subject", "trial", "truth", "prediction")
"""Of predictions of classes and of ratings."""


def read_columns(path: Path, needed: Sequence[str]) -> pd.DataFrame:
    """Read a CSV file; identifiers are text.

    Raises
    ------
    UserError
        When it is no CSV file with rows, or lacks a column.
    """
    try:
        _refuse_repeated_names(path)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(path, dtype=str, keep_default_na=False, index_col=False)
    except (OSError, ValueError, csv.Error, pd.errors.ParserWarning) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: cannot be read as a table: {reason}") from None
    table = release_table(table.fillna(""))
    for name in needed:
        if name not in table:
            columns = list(map(str, table.columns))
            raise UserError(
                f"{path}: column {name} is missing, expected {', '.join(needed)}, got "
                f"{', '.join(columns)}{_suggest(name, columns)}"
            )
    if not len(table):
        raise UserError(f"{path}: holds no row")
    return table


def _refuse_repeated_names(path: Path) -> None:
    """Raise ``ValueError`` where two columns have one name."""
    with path.open(encoding="utf-8", newline="") as file:
        names = next(csv.reader(file), [])
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise ValueError(f"two columns are called {quote(repeated[0])}")


def _suggest(name: str, columns: Sequence[str]) -> str:
    near = get_close_matches(name, [column.lower() for column in columns], n=1)
    return f"; is {near[0]} what is meant by {name}?" if near else ""


def read_given_predictions(path: Path) -> pd.DataFrame:
    """Read predictions of any task.

    Raises
    ------
    UserError
        When it is no CSV file with rows, or lacks a column.
    """
    table = read_columns(path, ("subject", "trial"))
    needed = NEEDED_OF_TASKS if "truth" in table else NEEDED_OF_PREDICTIONS
    return read_columns(path, needed)


def read_cells(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return numbers where cells are some."""
    names = [n for n in map(str, predictions) if n.startswith(PROBABILITY)]
    if not names:
        names = ["truth", "prediction"]
    numbers = {name: read_numbers(predictions[name]) for name in names}
    if "truth" in names and numbers["truth"].isna().all():
        return predictions  # names of classes without probabilities
    return predictions.assign(**numbers)


def add_probabilities(predictions: pd.DataFrame) -> pd.DataFrame:
    """Give predicted names, if there are no probabilities, a probability of one."""
    has_some = any(str(name).startswith(PROBABILITY) for name in predictions)
    if has_some or pd.api.types.is_numeric_dtype(predictions["truth"]):
        return predictions
    called = predictions["prediction"]
    names = sorted({*predictions["truth"], *called})
    return predictions.assign(
        **{f"{PROBABILITY}{name}": (called == name).astype(float) for name in names}
    )
