"""Cut a segment table into folds that keep a protocol's unit whole.

Units are dealt into parts like cards. One part tests, the next one chooses the
epoch where the protocol says so, the rest train. Where two units are crossed,
both are dealt, and each cell of subject group x stimulus group tests once.
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int
from scipy.optimize import linear_sum_assignment

from deepvanet.protocols.known import SHARES, Protocol
from deepvanet.schema import UserError

LEAST_VALIDATION_TRIALS = 4
LEAST_FOLDS = 2
LEAST_FOLDS_WITH_VALIDATION = 3
INNER_FOLDS = 3
INNER_FOLDS_CROSSED = 2
"""Parts that training rows are dealt into again; 2 x 2 where two units are crossed."""

_UNITS: Mapping[str, list[str]] = {
    "segment": ["subject", "trial", "segment"],
    "trial": ["subject", "trial"],
    "subject": ["subject"],
    "stimulus": ["stimulus"],
    "recording": ["subject", "recording"],
}
_PLURAL = {
    "segment": "segments",
    "trial": "trials",
    "subject": "subjects",
    "stimulus": "stimuli",
}

_Mask = Bool[np.ndarray, " row"]


@dataclass(frozen=True)
class Fold:
    """Row numbers of a segment table, in parts that never overlap.

    Attributes
    ----------
    scope : str
        The subject, or ``all``.
    number : int
        From 0 within the scope.
    discarded : array, shape (discarded,)
        Rows of the scope that may take no part: they share a subject or a
        stimulus with the test or the validation part.
    """

    scope: str
    number: int
    train: Int[np.ndarray, " train"]
    validation: Int[np.ndarray, " validation"]
    test: Int[np.ndarray, " test"]
    discarded: Int[np.ndarray, " discarded"]


def cut_folds(
    table: pd.DataFrame,
    label: Int[np.ndarray, " row"],
    protocol: Protocol,
    *,
    n_folds: int | None = None,
    seed: int = 0,
) -> list[Fold]:
    """Cut a segment table into folds that keep the protocol's unit whole.

    Which fold a segment is in depends on the identifiers and labels of its scope
    and on the seed; not on the order of the rows, nor, for a protocol of one
    subject, on who else is in the table.

    Parameters
    ----------
    table : DataFrame
        One row a segment; columns subject, trial, stimulus, segment.
    label : array, shape (row,)
        0 or 1; equal within a trial.
    n_folds : int, optional
        Parts to deal the units into (n x n where two units are crossed), instead
        of the protocol's own number.
    seed : int
        Draws the order of the units.

    Raises
    ------
    UserError
        When there are fewer units than folds, or nothing is left to train on.
    """
    own = protocol.default_folds
    n_parts = own if n_folds is None else (n_folds,) * len(own)
    _refuse_few_folds(protocol, min(n_parts))
    if not len(table):
        raise UserError(f"protocol {protocol.name}: no segment to cut into folds")
    validates = protocol.chooses_on == "validation"
    folds = []
    for scope, rows in _list_scopes(table, protocol):
        mine, labelled = table.iloc[rows], label[rows]
        part = _deal_units(mine, labelled, protocol, n_parts, scope=scope, seed=seed)
        if len(part) == 1:
            cut = _rotate(part[0], n_parts[0], validates)
        else:
            cut = _cross(mine, labelled, part[0], part[1], n_parts)
        folds += [
            Fold(scope, number, *(rows[np.flatnonzero(mask)] for mask in masks))
            for number, masks in cut
        ]
    return folds


def cut_inner_folds(
    table: pd.DataFrame,
    label: Int[np.ndarray, " row"],
    *,
    unit: str,
    seed: int = 0,
) -> list[tuple[Int[np.ndarray, " train"], Int[np.ndarray, " held"]]]:
    """Deal training rows once more, so that each is scored by who never saw its unit.

    Parameters
    ----------
    table : DataFrame
        The training rows of a fold.
    unit : str
        What the protocol never splits. Where two are crossed, whoever holds out a
        cell of subject group x stimulus group is trained on neither group.

    Returns
    -------
    list
        Of each part: rows to train on, which hold both classes, and rows held out.
        Empty where units are too few. Some rows may never be held out.
    """
    rng = np.random.default_rng(seed)
    units = unit.split("+")
    most = INNER_FOLDS if len(units) == 1 else INNER_FOLDS_CROSSED
    part = []
    for name in units:
        n_parts = min(most, int(number_units(table, name).max()) + 1)
        if n_parts < LEAST_FOLDS:
            return []
        part.append(_deal(table, label, name, n_parts, rng=rng, where="inner folds"))
    dealt = np.stack(part, axis=1)
    folds = []
    for cell in np.unique(dealt, axis=0):
        same = dealt == cell
        train, held = (
            np.flatnonzero(~same.any(axis=1)),
            np.flatnonzero(same.all(axis=1)),
        )
        if _has_both(label[train]):
            folds.append((train, held))
    return folds


def can_choose_epoch(
    table: pd.DataFrame,
    label: Int[np.ndarray, " row"],
    rows: Int[np.ndarray, " validation"],
) -> bool:
    """Tell whether rows are enough to choose an epoch: 4 trials and both classes."""
    trials = table.iloc[rows].groupby(_UNITS["trial"], observed=True).ngroups
    return trials >= LEAST_VALIDATION_TRIALS and _has_both(label[rows])


def number_units(table: pd.DataFrame, unit: str) -> Int[np.ndarray, " row"]:
    """Return each row's unit as a number from 0, in the order of identifiers."""
    grouped = table.groupby(_UNITS[unit], sort=True, dropna=False, observed=True)
    return grouped.ngroup().to_numpy(dtype=np.int64)


def _refuse_few_folds(protocol: Protocol, n_folds: int) -> None:
    validates = protocol.chooses_on == "validation"
    least = LEAST_FOLDS_WITH_VALIDATION if validates else LEAST_FOLDS
    if n_folds < least:
        each = "test, validation and training" if validates else "test and training"
        raise UserError(
            f"protocol {protocol.name}: at least {least} folds are needed for "
            f"{each}, got {n_folds}"
        )


def _list_scopes(
    table: pd.DataFrame, protocol: Protocol
) -> Iterator[tuple[str, Int[np.ndarray, " item"]]]:
    if protocol.scope == "all":
        yield "all", np.arange(len(table))
        return
    subject = table["subject"].to_numpy(dtype=object)
    for name in sorted(set(subject)):
        yield name, np.flatnonzero(subject == name)


def _deal_units(
    table: pd.DataFrame,
    label: Int[np.ndarray, " row"],
    protocol: Protocol,
    n_parts: tuple[int, ...],
    *,
    scope: str,
    seed: int,
) -> list[Int[np.ndarray, " row"]]:
    """Return each row's part, for each unit that the protocol never splits."""
    whose = "all subjects" if scope == "all" else f"subject {scope}"
    where = f"protocol {protocol.name}, {whose}"
    # seeded by its identifier, so that leaving others out changes nothing
    rng = np.random.default_rng([seed, zlib.crc32(scope.encode())])
    units = zip(protocol.unit.split("+"), n_parts, strict=True)
    return [_deal(table, label, unit, n, rng=rng, where=where) for unit, n in units]


def _deal(
    table: pd.DataFrame,
    label: Int[np.ndarray, " row"],
    unit: str,
    n_parts: int,
    *,
    rng: np.random.Generator,
    where: str,
) -> Int[np.ndarray, " row"]:
    """Return each row's part, from 0; the rows of a unit have the same."""
    number = number_units(table, unit)
    n_units = int(number.max()) + 1
    if n_units < n_parts:
        raise UserError(
            f"{where}: fewer units than folds, {n_parts} folds need at least "
            f"{n_parts} {_PLURAL[unit]}, got {n_units}"
        )
    if unit in SHARES:
        counts = np.stack(
            [np.bincount(number[label == c], minlength=n_units) for c in (0, 1)], axis=1
        )
        part = _deal_mixed(counts, n_parts, rng)
    else:
        _, first = np.unique(number, return_index=True)
        stratum = label[first] * n_units
        if unit == "trial":
            stratum = stratum + number_units(table, "subject")[first]
        part = _deal_pure(stratum, n_parts, rng)
    dealt: Int[np.ndarray, " row"] = part[number]
    return dealt


def _deal_pure(
    stratum: Int[np.ndarray, " unit"], n_parts: int, rng: np.random.Generator
) -> Int[np.ndarray, " unit"]:
    """Deal like cards, stratum by stratum: parts differ by one in each and in all."""
    order = np.lexsort([rng.permutation(len(stratum)), stratum])
    part = np.empty(len(stratum), dtype=np.int64)
    part[order] = np.arange(len(stratum)) % n_parts
    return part


def _deal_mixed(
    counts: Int[np.ndarray, "unit 2"], n_parts: int, rng: np.random.Generator
) -> Int[np.ndarray, " unit"]:
    """Deal units that hold rows of both labels.

    In rounds of one unit a part, in random order; each round is matched so that
    the parts' rows of either label come out as even as that round allows.
    """
    share = counts / np.maximum(counts.sum(axis=0), 1)
    held = np.zeros((n_parts, 2))
    part = np.empty(len(counts), dtype=np.int64)
    order = rng.permutation(len(counts))
    for start in range(0, len(order), n_parts):
        drawn = order[start : start + n_parts]
        unit, taker = linear_sum_assignment(share[drawn] @ held.T)
        part[drawn[unit]] = taker
        held[taker] += share[drawn[unit]]
    return part


def _rotate(
    part: Int[np.ndarray, " row"], n_parts: int, validates: bool
) -> Iterator[tuple[int, tuple[_Mask, _Mask, _Mask, _Mask]]]:
    """Yield each fold's rows: one part tests, the next may validate, others train."""
    nothing = np.zeros(len(part), dtype=bool)
    for number in range(n_parts):
        test = part == number
        validation = part == (number + 1) % n_parts if validates else nothing
        yield number, (~test & ~validation, validation, test, nothing)


def _cross(
    table: pd.DataFrame,
    label: Int[np.ndarray, " row"],
    subjects: Int[np.ndarray, " row"],
    stimuli: Int[np.ndarray, " row"],
    n_parts: tuple[int, ...],
) -> Iterator[tuple[int, tuple[_Mask, _Mask, _Mask, _Mask]]]:
    """Yield each fold's rows: a cell of subject group x stimulus group tests."""
    trial = number_units(table, "trial")
    for number, cell in enumerate(product(range(n_parts[0]), range(n_parts[1]))):
        test = (subjects == cell[0]) & (stimuli == cell[1])
        if not test.any():
            continue
        train, validation = _choose_cell(
            cell, n_parts, subjects=subjects, stimuli=stimuli, label=label, trial=trial
        )
        if not train.any():
            raise UserError(
                f"protocol subject-stimulus, fold {number}: no trial is left to train "
                "on without the subjects and stimuli of test and validation; at least "
                f"{LEAST_FOLDS_WITH_VALIDATION} subjects must have seen "
                f"{LEAST_FOLDS_WITH_VALIDATION} stimuli in common, got "
                f"{table['subject'].nunique()} subjects and "
                f"{table['stimulus'].nunique()} stimuli with fewer in common"
            )
        yield number, (train, validation, test, ~(train | validation | test))


def _choose_cell(
    test: tuple[int, int],
    n_parts: tuple[int, ...],
    *,
    subjects: Int[np.ndarray, " row"],
    stimuli: Int[np.ndarray, " row"],
    label: Int[np.ndarray, " row"],
    trial: Int[np.ndarray, " row"],
) -> tuple[_Mask, _Mask]:
    """Return training and validation rows for a tested cell.

    Validation takes one more group of subjects and one of stimuli, so that its
    whole row and column of cells leave the training. Of the cells that could
    serve, the next one in turn does, unless training would lack a class or the
    cell could not choose an epoch and a later one can. Only labels outside of
    the test are looked at.
    """
    best, best_rank = None, (False, False, False)
    steps = product(range(1, n_parts[0]), range(1, n_parts[1]))
    # along the diagonal first, so that validation cells differ from fold to fold
    for down, right in sorted(steps, key=lambda step: (abs(step[0] - step[1]), step)):
        row, column = (test[0] + down) % n_parts[0], (test[1] + right) % n_parts[1]
        validation = (subjects == row) & (stimuli == column)
        near_test = (subjects == test[0]) | (stimuli == test[1])
        train = ~near_test & (subjects != row) & (stimuli != column)
        n_trials = len(np.unique(trial[validation]))
        enough = n_trials >= LEAST_VALIDATION_TRIALS and _has_both(label[validation])
        rank = bool(train.any()), _has_both(label[train]), enough
        if best is None or rank > best_rank:
            best, best_rank = (train, validation), rank
        if all(rank):
            break
    if best is None:
        raise ValueError(f"no cell can validate among {n_parts} groups")
    return best


def _has_both(label: Int[np.ndarray, " item"]) -> bool:
    return bool((label == 0).any() and (label == 1).any())
