"""Predictions of anybody, and the table of rows and folds that they came from.

Two CSV files. The predictions have a row a tested segment or trial::

    subject, trial, label, score          0 or 1; the probability of 1
    segment, stimulus, protocol, target, streams, learner, seed, epoch_chosen_on

Those of the second line may be absent. The table has a row for everything that was
trained or tested on::

    subject, trial, fold                  the fold whose test part the row is in
    segment, stimulus                     may be absent

In fold k, the rows with ``fold`` k tested and all others trained. Instead of
``fold`` a table may have ``folds``, as a run's ``segments.csv``: a letter a fold, R
for trained, V for validated, E for tested, - for neither.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool

from deepvanet.protocols import PROTOCOLS
from deepvanet.results import PART_LETTERS
from deepvanet.schema import UserError

NEEDED_OF_PREDICTIONS = ("subject", "trial", "label", "score")
NEEDED_OF_TABLE = ("subject", "trial")
PART = ("protocol", "target", "streams", "learner")
_SEEN = ("train", "validation", "refitted")
_IDENTITY = ("subject", "trial", "segment")


@dataclass(frozen=True)
class Fitted:
    """The rows of one fitted model.

    Attributes
    ----------
    seen, test : array, shape (row,)
        Which rows of the part's table trained or validated, and which tested.
    """

    seen: Bool[np.ndarray, " row"]
    test: Bool[np.ndarray, " row"]


@dataclass(frozen=True)
class Audited:
    """One protocol, target, stream set and learner.

    Attributes
    ----------
    key : mapping
        The names of ``PART``.
    rows : DataFrame
        All rows that trained or tested, with label and score where there is one.
    fits : tuple of Fitted
        What each model saw and was tested on.
    epoch_chosen_on : str
        What chose the epoch, or ``unknown``.
    """

    key: Mapping[str, str]
    rows: pd.DataFrame
    fits: tuple[Fitted, ...]
    epoch_chosen_on: str


def read_columns(path: Path, needed: Sequence[str]) -> pd.DataFrame:
    """Read a CSV file; identifiers are text.

    Raises
    ------
    UserError
        When it is no CSV file with rows, or lacks a column.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: cannot be read as a table: {reason}") from None
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


def _suggest(name: str, columns: Sequence[str]) -> str:
    near = get_close_matches(name, [column.lower() for column in columns], n=1)
    return f"; is {near[0]} what is meant by {name}?" if near else ""


def list_audited(
    predictions: pd.DataFrame,
    table: pd.DataFrame,
    *,
    path: Path,
    chosen_on: Mapping[tuple[str, ...], str] | None = None,
    per_subject: bool | None = None,
) -> Iterator[Audited]:
    """Yield every part of somebody's predictions, joined with what trained.

    Parameters
    ----------
    path : Path
        Of the predictions, for sentences.
    chosen_on : mapping, optional
        Of (protocol, target, streams, learner): what chose the epoch.
    per_subject : bool, optional
        Whether a model was fitted for each subject; by default as the protocol says,
        or no where it is none of ours.
    """
    predictions = _check_predictions(predictions, path)
    part = [name for name in (*PART, "seed") if name in predictions]
    groups = predictions.groupby(part, sort=False) if part else [((), predictions)]
    for names, mine in groups:
        held = dict(zip(part, map(str, names), strict=True))
        key = {name: held.get(name, "unknown") for name in PART}
        rows = _join(mine, _pick_rows(table, held), path)
        facts = PROTOCOLS.get(key["protocol"])
        alone = per_subject
        if alone is None:
            alone = facts is not None and facts.scope == "subject"
        yield Audited(
            key=key,
            rows=rows,
            fits=tuple(_list_fits(rows, per_subject=alone)),
            epoch_chosen_on=_find_choice(key, mine, chosen_on),
        )


def _check_predictions(predictions: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return predictions with numbers for label and score."""
    label = pd.to_numeric(predictions["label"], errors="coerce")
    score = pd.to_numeric(predictions["score"], errors="coerce")
    wrong = ~label.isin([0, 1])
    if wrong.any():
        found = predictions["label"][wrong].iloc[0]
        raise UserError(f"{path}: column label: expected 0 or 1, got {found!r}")
    wrong = ~score.between(0, 1)
    if wrong.any():
        found = predictions["score"][wrong].iloc[0]
        raise UserError(
            f"{path}: column score: expected a probability from 0 to 1, got {found!r}"
        )
    return predictions.assign(label=label.astype(int), score=score.astype(float))


def _pick_rows(table: pd.DataFrame, held: Mapping[str, str]) -> pd.DataFrame:
    """Return the rows of the table that a part was cut from."""
    for name in ("protocol", "target", "streams", "seed"):
        if name in table and name in held:
            table = table[table[name] == held[name]]
    return table


def _join(predictions: pd.DataFrame, table: pd.DataFrame, path: Path) -> pd.DataFrame:
    identity = [n for n in _IDENTITY if n in predictions and n in table]
    for name, rows in (("predictions", predictions), ("table", table)):
        twice = rows.duplicated(identity)
        if twice.any():
            where = _name_row(rows[twice].iloc[0], identity)
            raise UserError(
                f"{path}: {where} is in the {name} more than once; a row is tested "
                "once by each protocol, target, streams, learner and seed"
            )
    ours = predictions[[*identity, "label", "score"]]
    joined = table.merge(ours, on=identity, how="left", validate="one_to_one")
    lost = ~predictions.set_index(identity).index.isin(table.set_index(identity).index)
    if lost.any():
        where = _name_row(predictions[lost].iloc[0], identity)
        raise UserError(
            f"{path}: {where} was predicted but is not in the table of rows and folds"
        )
    return joined.reset_index(drop=True)


def _name_row(row: pd.Series, identity: Sequence[str]) -> str:
    return ", ".join(f"{name} {row[name]}" for name in identity)


def _list_fits(rows: pd.DataFrame, *, per_subject: bool) -> Iterator[Fitted]:
    subject = rows["subject"].to_numpy(dtype=object)
    scopes = [subject == name for name in dict.fromkeys(subject)] if per_subject else []
    for mine in scopes or [np.ones(len(rows), dtype=bool)]:
        for seen, test in _list_folds(rows):
            if (test & mine).any():
                yield Fitted(seen=seen & mine, test=test & mine)


def _list_folds(
    rows: pd.DataFrame,
) -> Iterator[tuple[Bool[np.ndarray, " row"], Bool[np.ndarray, " row"]]]:
    if "folds" in rows:
        letters = np.array([list(word) for word in rows["folds"]])
        for fold in letters.T:
            seen = np.isin(fold, [PART_LETTERS[n] for n in _SEEN])
            yield seen, fold == PART_LETTERS["test"]
    else:
        fold = rows["fold"].to_numpy(dtype=object)
        for number in dict.fromkeys(fold):
            yield fold != number, fold == number


def _find_choice(
    key: Mapping[str, str],
    predictions: pd.DataFrame,
    chosen_on: Mapping[tuple[str, ...], str] | None,
) -> str:
    if chosen_on is not None:
        return chosen_on[tuple(key[name] for name in PART)]
    if "epoch_chosen_on" in predictions:
        return "+".join(dict.fromkeys(predictions["epoch_chosen_on"]))
    return "unknown"
