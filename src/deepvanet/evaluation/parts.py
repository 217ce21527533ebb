"""What a run is made of: the folds of each protocol, target and stream set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from deepvanet.config import EvaluateSettings
from deepvanet.evaluation.controls import shuffle_ratings
from deepvanet.labels import MEDIAN, are_personal, has_label, label_ratings
from deepvanet.learners.learner import Epoch
from deepvanet.protocols import PROTOCOLS, Protocol
from deepvanet.protocols.folds import Fold, agree_on_folds, cut_folds
from deepvanet.schema import Target, UserError, parse_streams
from deepvanet.store import Rows, SegmentStore


@dataclass(frozen=True)
class Part:
    """The folds that some protocols share, for one target and stream set.

    Attributes
    ----------
    protocols : tuple of Protocol
        All of the same scope, unit and training rows, so of the same fits.
    numbers : array, shape (row,)
        Row numbers of the store that have the streams and a rating.
    label : array, shape (row,)
        As the folds are balanced by; ``label_in`` returns those that a fold sees.
    folds : tuple of Fold
        Row numbers count within ``numbers``.
    """

    protocols: tuple[Protocol, ...]
    target: Target
    streams: str
    seed: int
    numbers: Int[np.ndarray, " row"]
    label: Int[np.ndarray, " row"]
    table: pd.DataFrame
    folds: tuple[Fold, ...]
    label_rule: str

    @cached_property
    def labels_are_personal(self) -> bool:
        """Whether each subject has one label over all its trials."""
        ratings = self.table[self.target].to_numpy()
        return are_personal(ratings, self.label_rule, table=self.table)

    @property
    def chooses_on_test(self) -> bool:
        """Whether some protocol lets the test fold pick the epoch."""
        return any(protocol.chooses_on == "test" for protocol in self.protocols)

    @property
    def readings(self) -> tuple[Epoch, ...]:
        """The epochs that the protocols read a fit at."""
        return tuple(dict.fromkeys(read_epoch(p) for p in self.protocols))

    def label_in(self, fold: Fold) -> Int[np.ndarray, " row"]:
        """Return the labels by what is known from a fold's training rows alone."""
        if self.label_rule != MEDIAN:
            return self.label
        ratings = self.table[self.target].to_numpy()
        return label_ratings(
            ratings, self.label_rule, table=self.table, train=fold.train
        )


def read_epoch(protocol: Protocol) -> Epoch:
    """Return the epoch that a protocol reads a fit at."""
    return "last" if protocol.chooses_on == "last" else "chosen"


def cut_parts(store: SegmentStore, settings: EvaluateSettings) -> list[Part]:
    """Cut the folds of every protocol, target, stream set and seed of a run.

    Protocols of the same scope and unit are one part: their fits are shared.

    Raises
    ------
    UserError
        When no row has the streams, or there are fewer units than folds.
    """
    families: dict[tuple[str, str, str], list[Protocol]] = {}
    for name in settings.protocols:
        protocol = PROTOCOLS[name]
        key = (protocol.scope, protocol.unit, protocol.base)
        families.setdefault(key, []).append(protocol)
    return [
        cut_part(store, settings, tuple(family), Target(target), streams, seed)
        for family, target, streams, seed in product(
            families.values(), settings.targets, settings.streams, settings.seeds
        )
    ]


@dataclass(frozen=True)
class RowSelection:
    """Rows of a store that have some streams and a label.

    Attributes
    ----------
    numbers : array, shape (row,)
        Row numbers of the store.
    label : array, shape (row,)
        By all of these rows.
    table : DataFrame
        Of these rows, numbered from 0, with the ratings that were asked for.
    """

    numbers: Int[np.ndarray, " row"]
    label: Int[np.ndarray, " row"]
    table: pd.DataFrame

    def open(self, store: SegmentStore, streams: str) -> Rows:
        """Return them as a learner is given them."""
        return Rows(store, self.numbers, parse_streams(streams), self.label)


def select_rows(
    store: SegmentStore,
    settings: EvaluateSettings,
    target: Target,
    streams: str,
    *,
    ratings: Float[np.ndarray, " row"] | None = None,
) -> RowSelection:
    """Select the rows that have a stream set and a label, of the subjects asked for.

    Parameters
    ----------
    store : SegmentStore
        The rows to select from.
    settings : EvaluateSettings
        Settings of the run; its subjects and label rule are used.
    target : Target
        What the ratings are of.
    streams : str
        Name of a stream set.
    ratings : array, shape (row,), optional
        Of all rows of the store, instead of their own.

    Returns
    -------
    RowSelection
        The rows, in the order of the store.

    Raises
    ------
    UserError
        When there are none.
    """
    rule = settings.label_rule
    numbers = store.rows_with(parse_streams(streams))
    if ratings is None:
        ratings = store.table[target].to_numpy()
    numbers = numbers[has_label(ratings, rule)[numbers]]
    if settings.subjects:
        subject = store.table["subject"].isin(settings.subjects).to_numpy()
        numbers = numbers[subject[numbers]]
    if len(numbers) == 0:
        raise UserError(
            f"no segment of {store.path} has {streams} and a rating that is high or "
            f"low by {rule}",
            field="streams",
        )
    table = store.table.iloc[numbers].assign(**{target: ratings[numbers]})
    table = table.reset_index(drop=True)
    label = label_ratings(table[target].to_numpy(), rule, table=table)
    return RowSelection(numbers, label, table)


def cut_part(
    store: SegmentStore,
    settings: EvaluateSettings,
    family: tuple[Protocol, ...],
    target: Target,
    streams: str,
    seed: int,
    *,
    ratings: Float[np.ndarray, " row"] | None = None,
) -> Part:
    """Cut the folds of one part.

    Parameters
    ----------
    store : SegmentStore
        The rows to divide into folds.
    settings : EvaluateSettings
        Settings of the run: label rule, number of folds, control, subjects.
    family : tuple of Protocol
        Protocols that share these folds.
    target : Target
        What the ratings are of.
    streams : str
        Name of a stream set.
    seed : int
        Seed of the folds, and of ratings that are shuffled as a control.
    ratings : array, shape (row,), optional
        Of all rows of the store, instead of their own.

    Returns
    -------
    Part
        The folds, with the rows and labels that they divide.
    """
    rule = settings.label_rule
    if ratings is None and settings.control == "shuffled-labels":
        ratings = shuffle_ratings(store.table, target, rule=rule, seed=seed)
    found = select_rows(store, settings, target, streams, ratings=ratings)
    n_folds = settings.folds or agree_on_folds(
        found.table, [PROTOCOLS[name] for name in settings.protocols]
    )
    folds = cut_folds(found.table, found.label, family[0], n_folds=n_folds, seed=seed)
    return Part(
        family,
        target,
        streams,
        seed,
        found.numbers,
        found.label,
        found.table,
        tuple(folds),
        rule,
    )


def walk(parts: Sequence[Part]) -> Iterator[tuple[Part, Fold]]:
    """Yield every fold with its part, in the order in which all tables list them."""
    return ((part, fold) for part in parts for fold in part.folds)


def is_trainable(part: Part, fold: Fold) -> bool:
    """Say whether a fold's training rows hold both classes."""
    return len(np.unique(part.label_in(fold)[fold.train])) == 2
