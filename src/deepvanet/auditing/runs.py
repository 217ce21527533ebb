"""A run of this package -> parts that can be audited, with what it says of itself."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from deepvanet import results
from deepvanet.auditing.parts import AuditPart, list_audit_parts
from deepvanet.schema import KEY_COLUMNS, PRIORS, UserError


def read_run(path: Path) -> Iterator[AuditPart]:
    """Yield every part of a run but its priors, seed by seed.

    Raises
    ------
    UserError
        When there is no finished run, or it holds priors only.
    """
    run = results.open_run(path)
    told = {tuple(part[n] for n in KEY_COLUMNS): part for part in run.leakage["parts"]}
    predictions = run.predictions.astype({"seed": str, "segment": str})
    predictions = predictions[~predictions["learner"].isin(PRIORS)]
    table = run.segments.astype({"seed": str, "segment": str})
    if not len(predictions):
        raise UserError(f"{path}: holds priors only, which read no signal")
    parts = list_audit_parts(
        predictions,
        table,
        path=path / "predictions.csv",
        table_path=path / "segments.csv",
    )
    for part in parts:
        key = tuple(part.key[name] for name in KEY_COLUMNS)
        if key not in told:
            raise UserError(f"{path}: leakage.json says nothing of {' '.join(key)}")
        said = told[key]
        yield replace(
            part,
            epoch_chosen_on=_join_choices(said, part.seed),
            admitted=str(said["leaks"]),
            watched=_pick_watched(run.history, part),
        )


def _join_choices(said: dict[str, Any], seed: str) -> str:
    folds = [fold for fold in said["folds"] if str(fold["seed"]) == seed]
    return "+".join(dict.fromkeys(fold["epoch_chosen_on"] for fold in folds))


def _pick_watched(history: pd.DataFrame, part: AuditPart) -> pd.DataFrame:
    """Return the loss of each fit's chosen epoch on the rows that were watched."""
    mine = history[
        (history["chosen"] == 1) & (history["seed"].astype(str) == part.seed)
    ]
    for name in KEY_COLUMNS:
        mine = mine[mine[name] == part.key[name]]
    return pd.DataFrame(
        {
            "scope": mine["subject"].astype(str),
            "fold": mine["fold"].astype(int).astype(str),
            "watched_loss": mine["watched_loss"],
        }
    )
