"""What a run leaves on disk: predictions, and how they came about.

The folder::

    RUN/predictions.csv    one row a test segment: the result, all else is derived
        segments.csv       fold by fold, which row trained, validated, tested
        history.csv        one row an epoch of every fit
        choices.csv        what else each fit chose: lengths, fusion weights
        trials.csv         the store's table of trials: what each video gave
        leakage.json       what training and test shared, for every fold
        settings.toml      what changes numbers
        environment.json   what does not
        recordings.csv     one row a raw recording: what cleaning took away
        spectra.csv        power by frequency, before and after cleaning
        excerpt.npz        ten seconds before and after

The last three are there where raw recordings were read. Identifiers are text;
numbers have nine digits, which keep a float32; equal tables give equal bytes.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from jaxtyping import Float
from numpy.typing import NDArray

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
CHOICE_COLUMNS = (*PART_COLUMNS, "seed", "subject", "fold", "name", "value")
"""What a fit chose beside the epoch: lengths of feature vectors, fusion weights."""
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
PART_LETTERS = {
    "train": "R",
    "validation": "V",
    "refitted": "W",
    "test": "E",
    "discarded": "-",
}
"""What a row did in a fold: tRained, Validated, validated and then trained (W), tEsted,
or neither. Column ``folds`` of
``segments.csv`` has one letter for each fold, the first for fold 0."""
TRIAL_COLUMNS = ("subject", "trial", "stimulus")
"""Columns of ``trials.csv`` that identify a row; more follow."""
RECORDING_COLUMNS = (
    "subject",
    "recording",
    "n_trials",
    "seconds",
    "sfreq",
    "artefacts",
    "is_unmixed",
    "n_eeg",
    "bad_channels",
    "n_components",
    "n_removed",
    "removed",
    "variance_removed",
    "note",
)
"""``bad_channels`` is ``+``-joined; ``removed`` is as ``eye:2+muscle:1``;
``variance_removed`` is the fraction of the EEG's variance between 4 and 45 Hz that
unmixing took, blank where nothing was unmixed; ``note`` holds sentences joined by
``NOTE_SEPARATOR``."""
NOTE_SEPARATOR = "; "
SPECTRUM_COLUMNS = ("subject", "recording", "frequency_hz", "before_db", "after_db")
"""Median over EEG channels of the power density, in dB re 1 uV^2/Hz."""
EXCERPT_ARRAYS = (
    "before",
    "after",
    "sfreq",
    "channels",
    "subject",
    "recording",
    "start_s",
)

_TEXT = (
    *PART_COLUMNS,
    "folds",
    "subject",
    "trial",
    "stimulus",
    "recording",
    "artefacts",
    "bad_channels",
    "removed",
    "note",
    "name",
)
_FLOAT_FORMAT = "%.9g"


@dataclass(frozen=True)
class Excerpt:
    """Seconds of a recording, filtered only and cleaned.

    Attributes
    ----------
    before, after : array, shape (channel, time)
        In microvolts; ``before`` is filtered as ``after`` is.
    sfreq : float
        In Hz.
    start_s : float
        Of the first sample, since the recording's first.
    """

    before: Float[np.ndarray, "channel time"]
    after: Float[np.ndarray, "channel time"]
    sfreq: float
    channels: tuple[str, ...]
    subject: str
    recording: str
    start_s: float


@dataclass(frozen=True)
class Run:
    """A finished run, as ``evaluate`` left it.

    Attributes
    ----------
    predictions, history, trials : DataFrame
        Columns ``PREDICTION_COLUMNS``, ``HISTORY_COLUMNS`` and at least
        ``TRIAL_COLUMNS``.
    recordings, spectra : DataFrame
        Columns ``RECORDING_COLUMNS`` and ``SPECTRUM_COLUMNS``; without a row
        where no raw recording was read.
    excerpt : Excerpt | None
        None where nothing was cleaned.
    settings, environment, leakage : mapping
        Plain values of the files of that name.
    """

    path: Path
    predictions: pd.DataFrame
    history: pd.DataFrame
    trials: pd.DataFrame
    recordings: pd.DataFrame
    spectra: pd.DataFrame
    excerpt: Excerpt | None
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
        recordings=read_recordings(path / "recordings.csv"),
        spectra=read_spectra(path / "spectra.csv"),
        excerpt=read_excerpt(path / "excerpt.npz"),
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


def read_recordings(path: Path) -> pd.DataFrame:
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
        numbers = pd.to_numeric(table[column], errors="coerce")
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


def read_excerpt(path: Path) -> Excerpt | None:
    """Read seconds before and after cleaning, or None where there is no file.

    Raises
    ------
    UserError
        When the file is damaged, or its arrays do not belong together.
    """
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            values = {name: held[name] for name in EXCERPT_ARRAYS}
    except (OSError, ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
        raise UserError(f"{path}: cannot be read as an excerpt: {error}") from None
    shapes = {name: array.shape for name, array in values.items()}
    before = shapes["before"]
    wanted = {"before": before, "after": before, "channels": before[:1]}
    if len(before) != 2 or shapes != dict.fromkeys(EXCERPT_ARRAYS, ()) | wanted:
        raise UserError(
            f"{path}: expected before and after as (channel, time), got {shapes}"
        )
    return _make_excerpt(path, values)


def _make_excerpt(path: Path, values: Mapping[str, NDArray[Any]]) -> Excerpt:
    try:
        excerpt = Excerpt(
            before=values["before"].astype(np.float32),
            after=values["after"].astype(np.float32),
            sfreq=float(values["sfreq"]),
            channels=tuple(map(str, values["channels"])),
            subject=str(values["subject"]),
            recording=str(values["recording"]),
            start_s=float(values["start_s"]),
        )
    except ValueError as error:
        raise UserError(f"{path}: cannot be read as an excerpt: {error}") from None
    if not excerpt.sfreq > 0:
        raise UserError(f"{path}: expected a rate above 0 Hz, got {excerpt.sfreq:g}")
    return excerpt


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
