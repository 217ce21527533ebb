"""Predictions of anyone, and the table of rows and folds that they came from.

Two CSV files. The predictions have a row a tested segment or trial::

    subject, trial, label, score          0 or 1; the probability of 1
    subject, trial, truth, prediction     or: names of classes, or ratings
    probability_<class>                   of classes, if it is known
    segment, protocol, target, streams, learner, seed
    epoch_chosen_on                       validation, test, last or none
    epoch_chosen, epoch_best_on_test      of the row's model, see ``audit.choice``

Those after the first lines may be absent. The table has a row for everything that was
trained or tested on::

    subject, trial, fold                  the fold whose test part the row is in
    segment, stimulus, recording, session may be absent
    start_s, duration_s                   seconds, see ``audit.times``
    label, truth                          of rows that are not predicted

Stimulus, recording, session and times are taken from the predictions where only they
have them.

In fold k, the rows with ``fold`` k tested and all others trained; a row without a
fold always trained. Instead of ``fold`` a table may have ``folds``, as a run's
``segments.csv``: a letter a fold, R for trained, V for validated, W for validated and
then trained, E for tested, - for neither.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from deepvanet.cells import read_numbers
from deepvanet.metrics import HIGH_LOW, HIGH_LOW_FORM, Form, find_form
from deepvanet.results import add_probabilities, read_cells
from deepvanet.results import check_predictions as check_cells
from deepvanet.schema import KEY_COLUMNS, UserError, quote

NEEDED_OF_TABLE = ("subject", "trial")
NAMES = ("subject", "trial", "segment", "stimulus", "recording", "session")
TIMES = ("start_s", "duration_s")
EPOCHS = ("epoch_chosen", "epoch_best_on_test")

KNOWN_OF_TABLE = (
    *(*NAMES, *TIMES, *KEY_COLUMNS),
    *("seed", "label", "truth", "fold", "folds"),
)
KNOWN_OF_PREDICTIONS = (
    *(*NAMES, *TIMES, *KEY_COLUMNS, *EPOCHS),
    *("seed", "label", "score", "epoch_chosen_on"),
)

SEEN, VALIDATED, TESTED, NEITHER = "RVW", "VW", "E", "-"
"""Letters of ``folds``: a row that was validated, and then perhaps trained on, counts
as seen."""

IDENTITY = ("subject", "trial", "segment")


def check_predictions(
    predictions: pd.DataFrame, path: Path
) -> tuple[pd.DataFrame, Form]:
    """Return one target's predictions with numbers for label and score, and their form.

    A label is then the number of a class, or a rating; a score is the probability of
    high, the predicted number, or the mean number of a class, which differs where
    probabilities do.
    """
    if "truth" not in predictions:
        return _check_high_low(predictions, path), HIGH_LOW_FORM
    predictions = add_probabilities(read_cells(predictions))
    form = find_form(predictions)
    check_cells(predictions, form, path)
    values = form.read_values(predictions)
    score = values if form.is_rating else values @ np.arange(len(form.classes))
    label = form.read_truth(predictions).astype(float)
    kept = _keep(predictions, (*KNOWN_OF_PREDICTIONS, *form.values))
    if form.is_rating:
        kept = kept.drop(columns="prediction")
    return _check_times(kept, path).assign(label=label, score=score), form


def read_labels(table: pd.DataFrame, form: Form, path: Path) -> pd.DataFrame:
    """Return a part's table with its labels as numbers, blank where there is none."""
    name = form.truth
    if form.task == HIGH_LOW or name not in table:
        return table
    told = table[name].str.strip()
    if form.is_rating:
        label = read_numbers(told)
        expected = "a number or nothing"
    else:
        numbers = pd.Index(form.classes).get_indexer(pd.Index(told))
        label = pd.Series(numbers, index=table.index, dtype=float)
        label = label.where(label >= 0)
        expected = f"one of {', '.join(form.classes)}, or nothing"
    _refuse(table, name, label.isna() & (told != ""), path, expected)
    return table.drop(columns=name).assign(label=label)


def _check_high_low(predictions: pd.DataFrame, path: Path) -> pd.DataFrame:
    label = read_numbers(predictions["label"])
    score = read_numbers(predictions["score"])
    _refuse(predictions, "label", ~label.isin([0, 1]), path, "0 or 1")
    wrong = ~score.between(0, 1)
    _refuse(predictions, "score", wrong, path, "a probability from 0 to 1")
    predictions = _check_times(_keep(predictions, KNOWN_OF_PREDICTIONS), path)
    return predictions.assign(label=label.astype(float), score=score.astype(float))


def check_table(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return the table with numbers for times and labels, and whole words for folds."""
    may_be_blank = ("stimulus", "recording", "session")
    blank = [n for n in may_be_blank if n in table and _is_blank(table[n])]
    table = _keep(table, KNOWN_OF_TABLE).drop(columns=blank)
    if "label" in table:
        label = read_numbers(table["label"])
        wrong = ~label.isin([0, 1]) & (table["label"] != "")
        _refuse(table, "label", wrong, path, "0, 1 or nothing")
        table = table.assign(label=label)
    table = _check_times(table, path)
    if "folds" in table:
        known = SEEN + TESTED + NEITHER
        wrong = ~table["folds"].str.fullmatch(f"[{known}]+")
        _refuse(table, "folds", wrong, path, f"letters of {', '.join(known)}")
    return table


def _keep(table: pd.DataFrame, known: Sequence[str]) -> pd.DataFrame:
    """Return the columns that are read; people's tables have others, of any name."""
    return table[[name for name in table if name in known]]


def check_folds(table: pd.DataFrame, path: Path) -> None:
    """Raise unless all rows of a part name as many folds."""
    if "folds" in table:
        length = table["folds"].str.len()
        expected = f"a letter for each of {length.max()} folds"
        _refuse(table, "folds", length != length.max(), path, expected)


def _check_times(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    for name in TIMES:
        if name in table:
            seconds = read_numbers(table[name])
            wrong = ~np.isfinite(seconds) | ((seconds <= 0) & (name == "duration_s"))
            _refuse(table, name, wrong, path, "seconds")
            table = table.assign(**{name: seconds})
    return table


def _is_blank(names: "pd.Series[str]") -> bool:
    return bool((names.str.strip() == "").all())


def _refuse(
    table: pd.DataFrame, name: str, wrong: "pd.Series[bool]", path: Path, expected: str
) -> None:
    if wrong.any():
        row = table[wrong].iloc[0]
        where = name_row(row, [n for n in IDENTITY if n in table])
        raise UserError(
            f"{path}: {where}: column {name}: expected {expected}, got "
            f"{quote(row[name])}"
        )


def name_row(row: "pd.Series[str]", identity: Sequence[str]) -> str:
    """Return what a sentence calls a row."""
    return ", ".join(f"{name} {row[name]}" for name in identity)
