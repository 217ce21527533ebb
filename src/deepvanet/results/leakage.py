"""What training and test of a run shared: ``leakage.json``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

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
        When the file cannot be read, or has another format.
    """
    leakage = read_json(path)
    if leakage.get("format") != LEAKAGE_FORMAT:
        raise UserError(
            f"{path}: expected the format {LEAKAGE_FORMAT}, got {leakage.get('format')}"
        )
    return leakage


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
