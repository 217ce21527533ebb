"""What a run leaves on disk: predictions, and how they came about.

The folder::

    RUN/predictions.csv    one row a test segment: the result, all else is derived
        segments.csv       fold by fold, which row trained, validated, tested
        history.csv        one row an epoch of every fit
        trials.csv         the store's table of trials: what each video gave
        leakage.json       what training and test shared, for every fold
        settings.toml      what changes numbers
        environment.json   what does not

Identifiers are text; numbers have nine digits, which keep a float32; equal
tables give equal bytes.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from deepvanet.config import read_toml
from deepvanet.files import whole_file, write_text
from deepvanet.schema import UserError

LEAKAGE_FORMAT = "deepvanet-leakage-1"
PART_COLUMNS = ("protocol", "target", "streams", "learner")
PREDICTION_COLUMNS = (
    "target",
    "learner",
    "streams",
    "protocol",
    "seed",
    "fold",
    "subject",
    "trial",
    "stimulus",
    "segment",
    "label",
    "score",
)
HISTORY_COLUMNS = (
    *PART_COLUMNS,
    "seed",
    "subject",
    "fold",
    "epoch",
    "train_loss",
    "watched_loss",
    "watched_accuracy",
    "chosen",
)
SEGMENT_COLUMNS = (
    "protocol",
    "target",
    "streams",
    "seed",
    "subject",
    "trial",
    "stimulus",
    "segment",
    "folds",
)
PART_LETTERS = {"train": "R", "validation": "V", "test": "E", "discarded": "-"}
"""What a row did in a fold: tRained, Validated, tEsted. Column ``folds`` of
``segments.csv`` has one letter for each fold, the first for fold 0."""
TRIAL_COLUMNS = ("subject", "trial", "stimulus")
"""Columns of ``trials.csv`` that identify a row; more follow."""

_TEXT = (*PART_COLUMNS, "folds", "subject", "trial", "stimulus")
_FLOAT_FORMAT = "%.9g"


@dataclass(frozen=True)
class Run:
    """A finished run, as ``evaluate`` left it.

    Attributes
    ----------
    predictions, history, trials : DataFrame
        Columns ``PREDICTION_COLUMNS``, ``HISTORY_COLUMNS`` and at least
        ``TRIAL_COLUMNS``.
    settings, environment, leakage : mapping
        Plain values of the files of that name.
    """

    path: Path
    predictions: pd.DataFrame
    history: pd.DataFrame
    trials: pd.DataFrame
    settings: Mapping[str, Any]
    environment: Mapping[str, Any]
    leakage: Mapping[str, Any]

    @cached_property
    def segments(self) -> pd.DataFrame:
        """What each row did, fold by fold; read when first asked for."""
        return read_table(self.path / "segments.csv", SEGMENT_COLUMNS)


def open_run(path: Path) -> Run:
    """Open a folder that ``evaluate`` finished.

    Raises
    ------
    UserError
        When there is no finished run, or one of its files is damaged.
    """
    for name in (
        "predictions.csv",
        "segments.csv",
        "history.csv",
        "trials.csv",
        "leakage.json",
        "settings.toml",
        "environment.json",
    ):
        if not (path / name).is_file():
            raise UserError(f"{path}: no finished run here ({name} is missing)")
    return Run(
        path=path,
        predictions=read_predictions(path / "predictions.csv"),
        history=read_table(path / "history.csv", HISTORY_COLUMNS),
        trials=read_table(path / "trials.csv", TRIAL_COLUMNS),
        settings=read_toml(path / "settings.toml"),
        environment=read_json(path / "environment.json"),
        leakage=read_leakage(path / "leakage.json"),
    )


def write_predictions(path: Path, predictions: pd.DataFrame) -> None:
    """Write predictions in the order given."""
    write_table(path, [predictions], PREDICTION_COLUMNS)


def read_predictions(path: Path) -> pd.DataFrame:
    """Read predictions, or raise ``UserError``."""
    return read_table(path, PREDICTION_COLUMNS)


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
        file.write(",".join(columns) + "\n")
        for table in tables:
            table.to_csv(
                file,
                columns=list(columns),
                header=False,
                index=False,
                lineterminator="\n",
                float_format=_FLOAT_FORMAT,
            )


def read_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a CSV file that ``write_table`` wrote; identifiers are text.

    Raises
    ------
    UserError
        When the file cannot be read as a table or lacks one of ``columns``.
    """
    try:
        header = pd.read_csv(path, nrows=0).columns
        text = [column for column in header if column in _TEXT]
        # a stimulus may be called "NA"; only numbers may be blank
        table = pd.read_csv(
            path,
            dtype=dict.fromkeys(text, str),
            keep_default_na=False,
            na_values={name: ["", "nan"] for name in header if name not in text},
        )
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as a table: {error}") from None
    for column in columns:
        if column not in table:
            raise UserError(
                f"{path}: column {column} is missing, got {', '.join(header)}"
            )
    return table


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write plain values as JSON."""
    write_text(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read an object of plain values, or raise ``UserError``."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(values, dict):
        raise UserError(f"{path}: expected an object, got {type(values).__name__}")
    return values


def write_leakage(
    path: Path, *, notes: Sequence[str], parts: Sequence[Mapping[str, Any]]
) -> None:
    """Write what training and test shared.

    Parameters
    ----------
    notes : sequence of str
        Sentences on the whole run: what the preparation leaves in every segment.
    parts : sequence of mapping
        For each protocol, target, stream set and learner: those four, ``leaks``
        and ``shares`` (``+``-joined or ``none``), ``statement`` (a sentence) and
        ``folds``, a list with what was counted in each.
    """
    write_json(path, {"format": LEAKAGE_FORMAT, "notes": notes, "parts": parts})


def read_leakage(path: Path) -> dict[str, Any]:
    """Read what ``write_leakage`` wrote, or raise ``UserError``."""
    leakage = read_json(path)
    if leakage.get("format") != LEAKAGE_FORMAT:
        raise UserError(
            f"{path}: expected the format {LEAKAGE_FORMAT}, got {leakage.get('format')}"
        )
    return leakage


def sharing_of(
    leakage: Mapping[str, Any],
) -> dict[tuple[str, str, str, str], tuple[str, str]]:
    """Return leaks and shares of each (protocol, target, streams, learner)."""
    return {
        (part["protocol"], part["target"], part["streams"], part["learner"]): (
            part["leaks"],
            part["shares"],
        )
        for part in leakage["parts"]
    }
