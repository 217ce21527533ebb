"""What a run is made of: the folds of each protocol, target and stream set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import pandas as pd
from jaxtyping import Int

from deepvanet.config import EvaluateSettings
from deepvanet.evaluation.controls import shuffle_ratings
from deepvanet.labels import MEDIAN, are_personal, has_label, label_ratings
from deepvanet.learners.learner import Epoch
from deepvanet.protocols import PROTOCOLS, Fold, Protocol, agree_on_folds, cut_folds
from deepvanet.schema import STREAM_SETS, Target, UserError
from deepvanet.store import SegmentStore


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
        As the folds are balanced by; ``label_in`` says what a fold is told.
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
        _cut_part(store, settings, tuple(family), Target(target), streams, seed)
        for family, target, streams, seed in product(
            families.values(), settings.targets, settings.streams, settings.seeds
        )
    ]


def _cut_part(
    store: SegmentStore,
    settings: EvaluateSettings,
    family: tuple[Protocol, ...],
    target: Target,
    streams: str,
    seed: int,
) -> Part:
    numbers = store.rows_with(STREAM_SETS[streams])
    ratings = store.table[target].to_numpy()
    if settings.control == "shuffled-labels":
        ratings = shuffle_ratings(
            store.table, target, rule=settings.label_rule, seed=seed
        )
    rated = has_label(ratings, settings.label_rule)
    numbers = numbers[rated[numbers]]
    if settings.subjects:
        subject = store.table["subject"].isin(settings.subjects).to_numpy()
        numbers = numbers[subject[numbers]]
    if len(numbers) == 0:
        raise UserError(
            f"--streams {streams}: no segment of {store.path} has them and a rating "
            f"that is high or low by {settings.label_rule}"
        )
    table = store.table.iloc[numbers].assign(**{target: ratings[numbers]})
    table = table.reset_index(drop=True)
    rule = settings.label_rule
    label = label_ratings(table[target].to_numpy(), rule, table=table)
    n_folds = settings.folds or agree_on_folds(
        table, [PROTOCOLS[name] for name in settings.protocols]
    )
    folds = cut_folds(table, label, family[0], n_folds=n_folds, seed=seed)
    return Part(
        family, target, streams, seed, numbers, label, table, tuple(folds), rule
    )


def walk(parts: Sequence[Part]) -> Iterator[tuple[Part, Fold]]:
    """Yield every fold with its part, in the order in which all tables list them."""
    return ((part, fold) for part in parts for fold in part.folds)


def is_trainable(part: Part, fold: Fold) -> bool:
    """Say whether a fold's training rows hold both classes."""
    return len(np.unique(part.label_in(fold)[fold.train])) == 2
