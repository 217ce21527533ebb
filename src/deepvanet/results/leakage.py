"""What training and test of a run shared: ``leakage.json``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from deepvanet.documents import build
from deepvanet.fields import MAY_LACK
from deepvanet.results.json_files import read_json, write_json
from deepvanet.schema import KEY_COLUMNS, ScoreKey, UserError

LEAKAGE_FORMAT = "deepvanet-leakage-1"


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
    """Read what ``write_leakage`` wrote, or raise ``UserError``.

    Raises
    ------
    UserError
        When the file cannot be read, has another format, or is damaged.
    """
    leakage = read_json(path)
    if leakage.get("format") != LEAKAGE_FORMAT:
        raise UserError(
            f"{path}: expected the format {LEAKAGE_FORMAT}, got {leakage.get('format')}"
        )
    try:
        _read_known(_Leakage, leakage)
        for k, part in enumerate(leakage["parts"]):
            _read_known(_Part, part, f"parts[{k}]")
            for fold in part["folds"]:
                _read_known(_Fold, fold, f"parts[{k}].folds")
    except UserError as error:
        raise UserError(f"{path}: is damaged: {error}") from None
    return leakage


@dataclass(frozen=True)
class _Leakage:
    notes: tuple[str, ...]
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class _Part:
    protocol: str
    target: str
    streams: str
    learner: str
    leaks: str
    shares: str
    statement: str
    folds: tuple[Any, ...]


@dataclass(frozen=True)
class _Fold:
    """What all versions wrote, and what only some did."""

    seed: int
    scope: str
    fold: int
    n_train: int
    epoch_chosen_on: str
    one_class_training: bool
    shared_segments: Annotated[int, MAY_LACK] = 0
    shared_trials: Annotated[int, MAY_LACK] = 0
    shared_subjects: Annotated[int, MAY_LACK] = 0
    shared_stimuli: Annotated[int, MAY_LACK] = 0
    shared_recordings: Annotated[int, MAY_LACK] = 0
    shared_sessions: Annotated[int, MAY_LACK] = 0
    overlapping_samples_s: Annotated[float, MAY_LACK] = 0.0
    n_first: Annotated[int, MAY_LACK] = 0
    n_validation: Annotated[int, MAY_LACK] = 0
    n_test: Annotated[int, MAY_LACK] = 0
    n_discarded: Annotated[int, MAY_LACK] = 0
    offsets: Annotated[str, MAY_LACK] = "none"


def _read_known(kind: type, values: Any, place: str = "") -> None:
    """Compare those values with a schema that it knows; others may be there."""
    if isinstance(values, dict):
        known = {field.name for field in fields(kind)}
        values = {name: value for name, value in values.items() if name in known}
    build(kind, values, place=place)


def sharing_of(
    leakage: Mapping[str, Any],
) -> dict[ScoreKey, tuple[str, str]]:
    """Return leaks and shares of each (protocol, target, streams, learner)."""
    return {
        ScoreKey(*(part[name] for name in KEY_COLUMNS)): (part["leaks"], part["shares"])
        for part in leakage["parts"]
    }


def training_sizes_of(
    leakage: Mapping[str, Any],
) -> dict[ScoreKey, float]:
    """Return each part's training rows of a fold, as a median."""
    return {
        ScoreKey(*(part[name] for name in KEY_COLUMNS)): float(
            np.median([fold["n_train"] for fold in part["folds"]])
        )
        for part in leakage["parts"]
    }
