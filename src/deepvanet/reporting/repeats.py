"""Priors that several runs scored alike, which a report shows once.

Each run scores the priors on its own rows. Two runs of the same rows and folds, say of
a quick learner and of a network, have the same ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from deepvanet.metrics import find_form
from deepvanet.protocols import columns_of
from deepvanet.results import Run
from deepvanet.schema import KEY_COLUMNS, PRIORS, ScoreKey, UserError

_ROW = ["seed", *columns_of("segment")]
_KEYS = list(KEY_COLUMNS)

Place = tuple[str, str, str]
"""Data set, control and task of a run: what its scores are apart from others by."""


def check_repeats(runs: Sequence[tuple[Run, Place]]) -> None:
    """Check that no two runs hold the same scores, but for priors that coincide.

    Parameters
    ----------
    runs : sequence of (Run, Place)
        Runs, and what sets the scores of each apart.

    Raises
    ------
    UserError
        When a learner was scored twice, or a prior otherwise than before.
    """
    owners: dict[tuple[Place, ScoreKey], tuple[Run, pd.DataFrame]] = {}
    for run, place in runs:
        for part, rows in _list_parts(run.predictions):
            if (place, part) not in owners:
                owners[place, part] = run, rows
                continue
            owner, before = owners[place, part]
            named = f"{part.protocol}, {part.target}, {part.streams}, {part.learner}"
            if part.learner not in PRIORS:
                raise UserError(
                    f"{run.path}: scores of protocol {named} are in {owner.path} too; "
                    "report the two apart"
                )
            if not _coincide(before, rows):
                raise UserError(
                    f"{run.path}: scores of protocol {named} are in {owner.path} too, "
                    "and others: the two runs have other rows or folds; report them "
                    "apart"
                )


def drop_repeats(runs: Sequence[Run]) -> list[Run]:
    """Return runs without the priors that an earlier one of them holds.

    Parameters
    ----------
    runs : sequence of Run
        Of one study; ``check_repeats`` has passed them.

    Returns
    -------
    list of Run
        As many.
    """
    held: set[ScoreKey] = set()
    kept = []
    for run in runs:
        mine = {part for part, _ in _list_parts(run.predictions)}
        kept.append(_drop(run, held & mine) if held & mine else run)
        held |= mine
    return kept


def _list_parts(predictions: pd.DataFrame) -> Iterator[tuple[ScoreKey, pd.DataFrame]]:
    for key, rows in predictions.groupby(_KEYS, sort=False, observed=True):
        yield ScoreKey(*map(str, key)), rows


def _coincide(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Return whether two tables predict the same of the same rows, in any order."""
    columns = [*_ROW, "fold", *find_form(one).columns]
    first, second = (
        table.sort_values(_ROW)[columns].reset_index(drop=True)
        for table in (one, other)
    )
    return first.equals(second)


def _drop(run: Run, repeated: set[ScoreKey]) -> Run:
    """Return a run without some of its parts."""
    leakage: Mapping[str, object] = {
        **run.leakage,
        "parts": [
            part
            for part in run.leakage["parts"]
            if ScoreKey(*(str(part[name]) for name in _KEYS)) not in repeated
        ],
    }
    mine = pd.MultiIndex.from_frame(run.predictions[_KEYS].astype(str))
    is_kept = ~mine.isin([tuple(part) for part in repeated])
    return replace(run, predictions=run.predictions[is_kept], leakage=leakage)
