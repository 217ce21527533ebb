"""Cut a segment table into folds that keep a protocol's unit whole.

Units are divided into parts in turn; each part tests once. Where two units are
crossed, both are divided, and each cell of subject group x stimulus group tests once.
Everything that shares no forbidden unit with the test trains. Where the protocol
chooses its epoch on validation rows, these are cut from the training rows, whole
units again (:mod:`deepvanet.protocols.validation`).
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int

from deepvanet.protocols.dealing import deal_mixed, deal_pure, number_units
from deepvanet.protocols.forward import cut_in_time
from deepvanet.protocols.known import PROTOCOLS, Protocol
from deepvanet.protocols.units import UNITS, split_units
from deepvanet.protocols.validation import (
    choose_cell,
    choose_units,
    is_enough,
    list_classes,
)
from deepvanet.schema import UserError

LEAST_FOLDS = 2
INNER_FOLDS = 3
INNER_FOLDS_CROSSED = 2
"""Parts that training rows are divided into; 2 x 2 where two units are crossed."""

_Mask = Bool[np.ndarray, " row"]
_Rows = Int[np.ndarray, " part"]


@dataclass(frozen=True)
class Fold:
    """Row numbers of a segment table.

    Attributes
    ----------
    scope : str
        The subject, or ``all``.
    number : int
        From 0 within the scope.
    train : array, shape (train,)
        Rows that the final model is fitted on: all that share no unit with the test
        that the protocol keeps apart.
    first, validation : array
        Disjoint parts of ``train``, units whole: a first fit on ``first`` has its epoch
        chosen on ``validation``. Both are empty where nothing is chosen. Under
        crossed units some training rows are in neither.
    test : array, shape (test,)
        Rows that the final model scores.
    discarded : array, shape (discarded,)
        Other rows of the scope: they share a subject or a stimulus with the test, or
        a control left them out to match a training size.
    sized_as : int
        Of a control: the training rows of the fit whose number of optimiser steps
        it takes; else 0.
    """

    scope: str
    number: int
    train: Int[np.ndarray, " train"]
    validation: Int[np.ndarray, " validation"]
    test: Int[np.ndarray, " test"]
    discarded: Int[np.ndarray, " discarded"]
    first: Int[np.ndarray, " first"]
    sized_as: int = 0


def agree_on_folds(
    table: pd.DataFrame, protocols: Sequence[Protocol]
) -> Mapping[str, int]:
    """Return, for each scope, how many folds all of some protocols can have.

    It is the protocols' own number where each has as many units; protocols that cross
    two units, or divide trials in time, have their own number and do not count.
    """
    agreed: dict[str, int] = {}
    for protocol in protocols:
        if len(protocol.units) > 1 or protocol.is_forward:
            continue
        for scope, rows in _list_scopes(table, protocol):
            n_units = int(number_units(table.iloc[rows], protocol.unit).max()) + 1
            own = min(protocol.most_folds[0], n_units)
            agreed[scope] = min(own, agreed.get(scope, own))
    return agreed


def cut_folds(
    table: pd.DataFrame,
    label: Int[np.ndarray, " row"],
    protocol: Protocol,
    *,
    n_folds: int | Mapping[str, int] | None = None,
    seed: int = 0,
    gap_s: float = 0.0,
) -> list[Fold]:
    """Cut a segment table into folds that keep the protocol's unit whole.

    Which fold a segment is in depends on the identifiers and labels of its scope
    and on the seed; not on the order of the rows, nor, for a protocol of one
    subject, on who else is in the table.

    Parameters
    ----------
    table : DataFrame
        One row a segment; columns subject, trial, stimulus, segment, and those of the
        protocol's unit.
    label : array, shape (row,)
        A class from 0, by which parts are balanced; equal within a trial.
    protocol : Protocol
        Which unit stays whole, in which scope, and what chooses the epoch.
    n_folds : int | mapping, optional
        Parts to deal the units into (n x n where two units are crossed), or these for
        each scope, as ``agree_on_folds`` gives them, instead of the protocol's own
        number.
    seed : int
        Random order of the units.
    gap_s : float
        Of a protocol that divides trials in time: seconds between training and test.

    Returns
    -------
    list of Fold
        Scope after scope, in the order of their numbers.

    Raises
    ------
    UserError
        When the table is empty, there are fewer than two folds or fewer units than
        folds, or nothing is left to train on.
    """
    if not len(table):
        raise UserError(f"protocol {protocol.name}: no segment to cut into folds")
    if protocol.is_forward:
        return _cut_forward(table, protocol, n_folds=n_folds, gap_s=gap_s)
    if protocol.base:
        return _cut_control(table, label, protocol, n_folds=n_folds, seed=seed)
    folds = []
    for scope, rows in _list_scopes(table, protocol):
        mine, labelled = table.iloc[rows], label[rows]
        n_parts = _count_parts(mine, protocol, n_folds, scope)
        part = _deal_units(mine, labelled, protocol, n_parts, scope=scope, seed=seed)
        if len(part) == 1:
            cut = _rotate(
                mine, labelled, part[0], n_parts[0], protocol, scope=scope, seed=seed
            )
        else:
            cut = _cross(mine, labelled, part[0], part[1], n_parts, protocol.name)
        folds += [_make_fold(scope, number, rows, *masks) for number, masks in cut]
    return folds


def _cut_forward(
    table: pd.DataFrame,
    protocol: Protocol,
    *,
    n_folds: int | Mapping[str, int] | None,
    gap_s: float,
) -> list[Fold]:
    """Cut each subject's trials in time, into as many blocks as asked for, or usual."""
    n_blocks = n_folds if isinstance(n_folds, int) else protocol.most_folds[0]
    return [
        _make_fold(scope, number, rows, *masks)
        for scope, rows in _list_scopes(table, protocol)
        for number, masks in cut_in_time(
            table.iloc[rows], n_blocks, gap_s, where=_name_place(protocol, scope)
        )
    ]


def _cut_control(
    table: pd.DataFrame,
    label: Int[np.ndarray, " row"],
    protocol: Protocol,
    *,
    n_folds: int | Mapping[str, int] | None,
    seed: int,
) -> list[Fold]:
    """Cut the folds of the base, with training parts of other protocols' size."""
    base = PROTOCOLS[protocol.base]
    others = [PROTOCOLS[name] for name in protocol.sized_by]
    if n_folds is None and protocol.scope == "subject":
        n_folds = agree_on_folds(table, [base, *others])
    folds = cut_folds(table, label, base, n_folds=n_folds, seed=seed)
    sizes: dict[tuple[str, int], int] = {}
    for other in others:
        try:
            cut = cut_folds(table, label, other, n_folds=n_folds, seed=seed)
        except UserError:
            if protocol.scope == "subject":
                raise
            continue  # this data cannot have that protocol, so nothing is matched to it
        for fold in cut:
            key = fold.scope, fold.number if protocol.scope == "subject" else 0
            sizes[key] = min(len(fold.train), sizes.get(key, len(fold.train)))
    per_fold = protocol.scope == "subject"
    return [
        _shrink(table, f, sizes[f.scope, f.number if per_fold else 0], seed=seed)
        for f in folds
    ]


def _shrink(table: pd.DataFrame, fold: Fold, size: int, *, seed: int) -> Fold:
    """Leave out training rows at random, down to a size; nothing is chosen."""
    rng = np.random.default_rng([seed, zlib.crc32(fold.scope.encode()), fold.number])
    kept = fold.train
    if len(kept) > size:
        # by their identifiers, so that the order of the rows changes nothing
        by_name = np.argsort(number_units(table.iloc[kept], "segment"))
        kept = np.sort(kept[by_name[rng.permutation(len(kept))[:size]]])
    return replace(
        fold,
        train=kept,
        validation=kept[:0],
        first=kept[:0],
        discarded=np.sort(
            np.concatenate([fold.discarded, np.setdiff1d(fold.train, kept)])
        ),
        sized_as=size,
    )


def _make_fold(
    scope: str,
    number: int,
    rows: _Rows,
    train: _Mask,
    test: _Mask,
    first: _Mask,
    validation: _Mask,
) -> Fold:
    return Fold(
        scope=scope,
        number=number,
        train=rows[np.flatnonzero(train)],
        validation=rows[np.flatnonzero(validation)],
        test=rows[np.flatnonzero(test)],
        discarded=rows[np.flatnonzero(~(train | test))],
        first=rows[np.flatnonzero(first)],
    )


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
    label : array, shape (row,)
        A class from 0, of each row of ``table``.
    unit : str
        What the protocol never splits. Where two are crossed, a model that is tested on
        a cell of subject group x stimulus group is trained on neither group.
    seed : int
        Random order of the units.

    Returns
    -------
    list
        Of each part: rows to train on, of two classes or more, and rows held out.
        Empty where units are too few. Some rows may never be held out.
    """
    rng = np.random.default_rng(seed)
    units = split_units(unit)
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
        if _has_several(label[train]):
            folds.append((train, held))
    return folds


def can_choose_epoch(
    table: pd.DataFrame, label: Int[np.ndarray, " row"], fold: Fold
) -> bool:
    """Return whether a fold's epoch can be chosen.

    Its validation rows must hold at least eight trials, three of each class (two, where
    there are more than two classes), and the rows of the first fit several classes.
    """
    held = fold.validation
    if not len(held) or not _has_several(label[fold.first]):
        return False
    classes = list_classes(label[np.concatenate([fold.first, held])])
    return is_enough(number_units(table.iloc[held], "trial"), label[held], classes)


def _list_scopes(
    table: pd.DataFrame, protocol: Protocol
) -> Iterator[tuple[str, Int[np.ndarray, " item"]]]:
    if protocol.scope == "all":
        yield "all", np.arange(len(table))
        return
    subject = table["subject"].to_numpy(dtype=object)
    for name in sorted(set(subject)):
        yield name, np.flatnonzero(subject == name)


def _count_parts(
    table: pd.DataFrame,
    protocol: Protocol,
    n_folds: int | Mapping[str, int] | None,
    scope: str,
) -> tuple[int, ...]:
    """Return the parts that each unit of a scope is assigned to."""
    units = protocol.units
    if isinstance(n_folds, int):
        n_parts: tuple[int, ...] = (n_folds,) * len(units)
    elif n_folds is not None and len(units) == 1:
        n_parts = (n_folds[scope],)
    else:
        n_units = [int(number_units(table, unit).max()) + 1 for unit in units]
        n_parts = tuple(map(min, protocol.most_folds, n_units))
    if min(n_parts) < LEAST_FOLDS:
        raise UserError(
            f"{_name_place(protocol, scope)}: at least {LEAST_FOLDS} folds are needed "
            f"for test and training, got {min(n_parts)}"
        )
    return n_parts


def _name_place(protocol: Protocol, scope: str) -> str:
    whose = "all subjects" if scope == "all" else f"subject {scope}"
    return f"protocol {protocol.name}, {whose}"


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
    where = _name_place(protocol, scope)
    # seeded by its identifier, so that leaving others out changes nothing
    rng = np.random.default_rng([seed, zlib.crc32(scope.encode())])
    units = zip(protocol.units, n_parts, strict=True)
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
            f"{n_parts} {UNITS[unit].plural}, got {n_units}"
        )
    if not UNITS[unit].has_one_label:
        part = deal_mixed(number, label, n_parts, rng)
    else:
        _, first = np.unique(number, return_index=True)
        stratum = label[first] * n_units
        if unit == "trial":
            stratum = stratum + number_units(table, "subject")[first]
        part = deal_pure(stratum, n_parts, rng)
    dealt: Int[np.ndarray, " row"] = part[number]
    return dealt


def _rotate(
    table: pd.DataFrame,
    label: Int[np.ndarray, " row"],
    part: Int[np.ndarray, " row"],
    n_parts: int,
    protocol: Protocol,
    *,
    scope: str,
    seed: int,
) -> Iterator[tuple[int, tuple[_Mask, _Mask, _Mask, _Mask]]]:
    """Yield each fold's masks of training, test, first fit and validation."""
    nothing = np.zeros(len(part), dtype=bool)
    units, trials = (number_units(table, u) for u in (protocol.inner_unit, "trial"))
    for number in range(n_parts):
        test = part == number
        validation = nothing
        if protocol.chooses_on == "validation":
            rng = np.random.default_rng([seed, zlib.crc32(scope.encode()), number])
            validation = choose_units(units, trials, label, ~test, rng)
        first = ~test & ~validation if validation.any() else nothing
        yield number, (~test, test, first, validation)


def _cross(
    table: pd.DataFrame,
    label: Int[np.ndarray, " row"],
    subjects: Int[np.ndarray, " row"],
    stimuli: Int[np.ndarray, " row"],
    n_parts: tuple[int, ...],
    name: str,
) -> Iterator[tuple[int, tuple[_Mask, _Mask, _Mask, _Mask]]]:
    """Yield each fold's masks: a cell of subject group x stimulus group tests."""
    trial = number_units(table, "trial")
    for number, cell in enumerate(product(range(n_parts[0]), range(n_parts[1]))):
        test = (subjects == cell[0]) & (stimuli == cell[1])
        if not test.any():
            continue
        train = (subjects != cell[0]) & (stimuli != cell[1])
        if not train.any():
            raise UserError(
                f"protocol {name}, fold {number}: no trial is left to train "
                "on without the subjects and stimuli of the test, got "
                f"{table['subject'].nunique()} subjects and "
                f"{table['stimulus'].nunique()} stimuli with too few in common"
            )
        first, validation = choose_cell(
            cell, n_parts, subjects=subjects, stimuli=stimuli, label=label, trial=trial
        )
        yield number, (train, test, first, validation)


def _has_several(label: Int[np.ndarray, " item"]) -> bool:
    return len(np.unique(label)) > 1
