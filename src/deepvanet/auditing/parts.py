"""Predictions of anyone, part by part, joined with the rows and folds of the table."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from deepvanet.auditing.reading import (
    EPOCHS,
    IDENTITY,
    NAMES,
    SEEN,
    TESTED,
    TIMES,
    VALIDATED,
    check_folds,
    check_predictions,
    check_table,
    name_row,
    read_labels,
)
from deepvanet.metrics import Form
from deepvanet.protocols import PROTOCOLS
from deepvanet.schema import KEY_COLUMNS, UserError

WRITTEN = "written_"
"""Begins the columns of names as the files write them; without it, blanks, case and
forms of the same letters make no difference."""

_PLACES = ("stimulus", "recording", "session", *TIMES)

_COPY = "copy"  # which of several rows of one identity


@dataclass(frozen=True)
class FitRows:
    """The rows of one fitted model.

    Attributes
    ----------
    scope : str
        The subject, or ``all``.
    number : str
        The fold's name.
    seen, test : array, shape (row,)
        Which rows of the part's table trained or validated, and which tested.
    validates : bool | None
        Whether some row validated; None where the table does not say it.
    """

    scope: str
    number: str
    seen: Bool[np.ndarray, " row"]
    test: Bool[np.ndarray, " row"]
    validates: bool | None


@dataclass(frozen=True)
class AuditPart:
    """One protocol, target, stream set, learner and seed.

    Attributes
    ----------
    key : mapping
        The names of ``KEY_COLUMNS``.
    seed : str
        Blank where the predictions have no such column.
    rows : DataFrame
        All rows that trained or tested, with label and score where there is one, and
        of classes the probabilities. A label is 0 or 1, the number of a class, or a
        rating.
        Names are compared without blanks and case; as they are written they stand in
        columns that begin with ``WRITTEN``.
    fits : tuple of FitRows
        What each model saw and was tested on.
    epoch_chosen_on : str
        What chose the epoch, or ``unknown``.
    admitted : str
        What a run itself says that leaks.
    form : Form
        The task, and its classes.
    watched : DataFrame | None
        Of a run: scope, fold and ``watched_loss`` of each fit's chosen epoch.
    """

    key: Mapping[str, str]
    seed: str
    rows: pd.DataFrame
    fits: tuple[FitRows, ...]
    epoch_chosen_on: str
    form: Form
    admitted: str = "none"
    watched: pd.DataFrame | None = None

    @property
    def name(self) -> str:
        """What sentences call it."""
        names = [name for name in self.key.values() if name != "unknown"]
        return ", ".join([*names, *([f"seed {self.seed}"] if self.seed else [])])


def list_audit_parts(
    predictions: pd.DataFrame,
    table: pd.DataFrame,
    *,
    path: Path,
    table_path: Path,
    per_subject: bool | None = None,
) -> Iterator[AuditPart]:
    """Yield every part of the predictions, seed by seed, joined with what trained.

    Parameters
    ----------
    predictions : DataFrame
        A row for each score, with its label.
    table : DataFrame
        All rows, and the folds in which they trained or tested.
    path, table_path : Path
        Of the predictions and of the table, for sentences.
    per_subject : bool, optional
        Whether a model was fitted for each subject; by default as the protocol says,
        or no where it is none of ours.

    Yields
    ------
    AuditPart
        One for each protocol, target, stream set, learner and seed.

    Raises
    ------
    UserError
        When a cell is not what its column says, a row is there more than once, a
        predicted row is not in the table or tests in no fold, or nothing trains.
    """
    table = check_table(table, table_path)
    part = [name for name in (*KEY_COLUMNS, "seed") if name in predictions]
    groups = predictions.groupby(part, sort=False) if part else [((), predictions)]
    for names, mine in groups:
        held = dict(zip(part, map(str, names), strict=True))
        key = {name: held.get(name, "unknown") for name in KEY_COLUMNS}
        mine, form = check_predictions(mine, path)
        picked = read_labels(_pick_rows(table, held), form, table_path)
        check_folds(picked, table_path)
        rows = _compare_names(_join(mine, picked, path, form))
        facts = PROTOCOLS.get(key["protocol"])
        alone = per_subject
        if alone is None:
            alone = facts is not None and facts.scope == "subject"
        fits = tuple(_list_fits(rows, per_subject=alone))
        _refuse_useless_folds(rows, fits, path, table_path)
        yield AuditPart(key, held.get("seed", ""), rows, fits, _find_choice(mine), form)


def number_rows(rows: pd.DataFrame, names: Sequence[str]) -> Int[np.ndarray, " row"]:
    """Return each row's unit, which columns of names identify, as a number from 0."""
    number = rows.groupby(list(names), sort=False).ngroup()
    return number.to_numpy(dtype=np.int64)


def _pick_rows(table: pd.DataFrame, held: Mapping[str, str]) -> pd.DataFrame:
    """Return the rows of the table that a part was cut from."""
    for name in ("protocol", "target", "streams", "seed"):
        if name in table and name in held:
            table = table[table[name] == held[name]]
    return table


def _join(
    predictions: pd.DataFrame, table: pd.DataFrame, path: Path, form: Form
) -> pd.DataFrame:
    identity = [n for n in IDENTITY if n in predictions and n in table]
    _refuse_repetitions(predictions, table, identity, path)
    predictions = predictions.assign(copy=predictions.groupby(identity).cumcount())
    table = table.assign(copy=table.groupby(identity).cumcount())
    by = [*identity, _COPY]
    lost = ~predictions.set_index(by).index.isin(table.set_index(by).index)
    if lost.any():
        where = name_row(predictions[lost].iloc[0], identity)
        raise UserError(
            f"{path}: {where} was predicted but is not in the table of rows and folds"
        )
    places = [n for n in _PLACES if n in predictions and n not in table]
    known = [n for n in (*EPOCHS, *form.values) if n in predictions and n != "score"]
    ours = predictions[[*by, "label", "score", *known, *places]]
    joined = table.merge(
        ours, on=by, how="left", validate="one_to_one", suffixes=("_told", "")
    )
    # where a row was not predicted, its place is unknown
    joined = joined.drop(columns=[n for n in places if joined[n].isna().any()])
    if "label_told" in joined:
        told = joined.pop("label_told")
        wrong = told.notna() & joined["label"].notna() & (told != joined["label"])
        if wrong.any():
            where = name_row(joined[wrong].iloc[0], identity)
            ours, theirs = joined["label"][wrong].iloc[0], told[wrong].iloc[0]
            raise UserError(
                f"{path}: {where} has the label {ours:g}, but {theirs:g} in the table "
                "of rows and folds"
            )
        joined = joined.assign(label=joined["label"].fillna(told))
    return joined.reset_index(drop=True)


def _refuse_repetitions(
    predictions: pd.DataFrame, table: pd.DataFrame, identity: list[str], path: Path
) -> None:
    """Raise unless rows are there once, or the same rows twice in both files."""
    times = {"predictions": predictions, "table": table}
    counts = {name: rows.groupby(identity).size() for name, rows in times.items()}
    both = pd.DataFrame(counts).fillna(0)
    uneven = both["predictions"] != both["table"]
    for name in times:
        odd = both[uneven & (both[name] > 1)]
        if len(odd):
            where = name_row(odd.reset_index().iloc[0], identity)
            raise UserError(
                f"{path}: {where} is in the {name} more than once; a row is tested "
                "once by each protocol, target, streams, learner and seed"
            )
    several = counts["predictions"]
    differ = predictions.groupby(identity)["score"].nunique() > 1
    if (several > 1).all() and several.nunique() == 1 and differ.any():
        where = name_row(differ[differ].reset_index().iloc[0], identity)
        raise UserError(
            f"{path}: {where} is in the predictions more than once, as all rows are; "
            "a cross-validation that was repeated needs a column seed in both files"
        )


def _compare_names(rows: pd.DataFrame) -> pd.DataFrame:
    there = [name for name in NAMES if name in rows]
    written = {f"{WRITTEN}{name}": rows[name] for name in there}
    plain = {name: rows[name].astype(str).map(_simplify(rows[name])) for name in there}
    return rows.assign(**written, **plain)


def _simplify(names: "pd.Series[str]") -> dict[str, str]:
    """Return each name without blanks, signs that cannot be seen, and case."""
    return {
        name: "".join(
            letter
            for letter in unicodedata.normalize("NFKC", name).casefold()
            if not letter.isspace() and unicodedata.category(letter) != "Cf"
        )
        for name in map(str, names.unique())
    }


def _list_fits(rows: pd.DataFrame, *, per_subject: bool) -> Iterator[FitRows]:
    subject = rows[f"{WRITTEN}subject"].to_numpy(dtype=object)
    scopes = {"all": np.ones(len(rows), dtype=bool)}
    if per_subject:
        scopes = {str(name): subject == name for name in dict.fromkeys(subject)}
    for scope, mine in scopes.items():
        for number, seen, test, validates in _list_folds(rows):
            if (test & mine).any():
                yield FitRows(scope, number, seen & mine, test & mine, validates)


def _list_folds(
    rows: pd.DataFrame,
) -> Iterator[
    tuple[str, Bool[np.ndarray, " row"], Bool[np.ndarray, " row"], bool | None]
]:
    if "folds" in rows:
        letters = np.array([list(word) for word in rows["folds"]])
        for number, fold in enumerate(letters.T):
            validates = bool(np.isin(fold, list(VALIDATED)).any())
            yield str(number), np.isin(fold, list(SEEN)), fold == TESTED, validates
    else:
        fold = rows["fold"].to_numpy(dtype=object)
        for number in dict.fromkeys(name for name in fold if name != ""):
            yield str(number), fold != number, fold == number, None


def _refuse_useless_folds(
    rows: pd.DataFrame, fits: Sequence[FitRows], path: Path, table_path: Path
) -> None:
    tests = np.zeros(len(rows), dtype=bool)
    for fit in fits:
        tests |= fit.test
    if not tests.any():
        raise UserError(f"{table_path}: no row tests in any fold")
    idle = rows["score"].notna() & ~tests
    if idle.any():
        where = name_row(rows[idle].iloc[0], [n for n in IDENTITY if n in rows.columns])
        raise UserError(f"{path}: {where} was predicted but tests in no fold")
    if not any(fit.seen.any() for fit in fits):
        raise UserError(
            f"{table_path}: no row trains in a fold that tests, so that nothing can be "
            "shared; the table lists all rows, those that trained among them"
        )


def _find_choice(predictions: pd.DataFrame) -> str:
    if "epoch_chosen_on" in predictions:
        told = [name for name in predictions["epoch_chosen_on"] if name]
        return "+".join(dict.fromkeys(told)) or "unknown"
    return "unknown"
