"""What a run is made of: the folds of each protocol, target and stream set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Num

from deepvanet.config import EvaluateSettings
from deepvanet.evaluation.controls import shuffle_ratings
from deepvanet.evaluation.gap import Gap, find_gap
from deepvanet.learners.lag import FoundLag
from deepvanet.learners.learner import Epoch
from deepvanet.protocols import PROTOCOLS, Protocol
from deepvanet.protocols.dealing import number_units
from deepvanet.protocols.folds import Fold, agree_on_folds, cut_folds
from deepvanet.schema import UserError, parse_streams
from deepvanet.store import Rows, SegmentStore
from deepvanet.tasks import (
    TASKS,
    Joint,
    MovingRating,
    Task,
    list_lags,
    make_task,
    read_column,
    split_target,
    stratify,
)


@dataclass(frozen=True)
class RowSelection:
    """Rows of a store that have some streams and a label.

    Attributes
    ----------
    task : Task
        What is asked of their ratings.
    numbers : array, shape (row,)
        Row numbers of the store.
    ratings : array, shape (row, column)
        Of the task's columns.
    label : array, shape (row,) or (row, target)
        What is learnt, by all of these rows.
    table : DataFrame
        Of these rows, numbered from 0.
    """

    task: Task
    numbers: Int[np.ndarray, " row"]
    ratings: Float[np.ndarray, "row column"]
    label: Num[np.ndarray, " row *target"]
    table: pd.DataFrame

    @cached_property
    def stratum(self) -> Int[np.ndarray, " row"]:
        """What folds are balanced by."""
        goal = self.task.goal
        trial = number_units(self.table, "trial") if goal.moves else None
        return stratify(self.label, goal, trial)

    def at(self, lag: FoundLag) -> "RowSelection":
        """Return them with labels of a rating that moves, taken so much later.

        Raises
        ------
        ValueError
            When ratings do not move.
        """
        if not isinstance(self.task, MovingRating):
            raise ValueError(f"{self.task.target} does not move")
        return replace(self, label=self.task.encode_at(self.ratings, lag.lag_s))

    def split(self) -> tuple["RowSelection", ...]:
        """Return the rows with what is asked of each target; of one, themselves."""
        if not isinstance(self.task, Joint):
            return (self,)
        return tuple(
            replace(
                self,
                task=task,
                ratings=self.ratings[:, [place]],
                label=self.label[:, place],
            )
            for place, task in enumerate(self.task.parts)
        )

    def open(self, store: SegmentStore, streams: str) -> Rows:
        """Return them as a learner is given them."""
        goal = self.task.goal
        return Rows(store, self.numbers, parse_streams(streams), self.label, goal=goal)


@dataclass(frozen=True)
class Part:
    """The folds that some protocols share, for one target and stream set.

    Attributes
    ----------
    protocols : tuple of Protocol
        All of the same scope, unit and training rows, so of the same fits.
    rows : RowSelection
        The rows of the store that have the streams and a rating.
    folds : tuple of Fold
        Row numbers count within ``numbers``.
    gap : Gap | None
        Where trials are divided in time: what lies between training and test.
    place : int | None
        Which of several targets it is, that are asked at once.
    """

    protocols: tuple[Protocol, ...]
    streams: str
    seed: int
    rows: RowSelection
    folds: tuple[Fold, ...]
    gap: Gap | None = None
    place: int | None = None

    @property
    def task(self) -> Task:
        """What is asked of ratings."""
        return self.rows.task

    @property
    def target(self) -> str:
        """What tables call what is asked."""
        return self.task.target

    @property
    def numbers(self) -> Int[np.ndarray, " row"]:
        """Row numbers of the store."""
        return self.rows.numbers

    @property
    def table(self) -> pd.DataFrame:
        """One row a segment, numbered from 0."""
        return self.rows.table

    def split(self) -> tuple["Part", ...]:
        """Return a part for each target, with the same folds; of one, itself."""
        if not isinstance(self.task, Joint):
            return (self,)
        return tuple(
            replace(self, rows=rows, place=place)
            for place, rows in enumerate(self.rows.split())
        )

    @cached_property
    def labels_are_personal(self) -> bool:
        """Whether each subject has one label over all its trials."""
        return self.task.are_personal(self.rows.ratings, self.table)

    @property
    def chooses_on_test(self) -> bool:
        """Whether some protocol lets the test fold pick the epoch."""
        return any(protocol.chooses_on == "test" for protocol in self.protocols)

    @property
    def readings(self) -> tuple[Epoch, ...]:
        """The epochs that the protocols read a fit at."""
        return tuple(dict.fromkeys(read_epoch(p) for p in self.protocols))

    def label_in(
        self, fold: Fold, lag: FoundLag | None = None
    ) -> Num[np.ndarray, " row *target"]:
        """Return the labels by what is known from a fold's training rows alone.

        Parameters
        ----------
        lag : FoundLag, optional
            Of ratings that move: how it was found there; by default the least.
        """
        if isinstance(self.task, MovingRating) and lag is not None:
            return self.task.encode_at(self.rows.ratings, lag.lag_s)
        if not self.task.looks_at_training:
            return self.rows.label
        return self.task.encode(self.rows.ratings, self.table, fold.train)

    def stratify(self, fold: Fold) -> Int[np.ndarray, " row"]:
        """Return the class of each row as a fold sees it; of ratings, their half."""
        if not self.task.looks_at_training:
            return self.rows.stratum
        return stratify(self.label_in(fold), self.task.goal)


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
    families: dict[tuple[str, str, str, bool], list[Protocol]] = {}
    for name in settings.protocols:
        protocol = PROTOCOLS[name]
        key = (protocol.scope, protocol.unit, protocol.base, protocol.is_forward)
        families.setdefault(key, []).append(protocol)
    return [
        cut_part(store, settings, tuple(family), target, streams, seed)
        for family, target, streams, seed in product(
            families.values(), settings.targets, settings.streams, settings.seeds
        )
    ]


def select_rows(
    store: SegmentStore,
    settings: EvaluateSettings,
    target: str,
    streams: str,
    *,
    ratings: Float[np.ndarray, "row column"] | None = None,
) -> RowSelection:
    """Select the rows that have a stream set and a label, of the subjects asked for.

    Parameters
    ----------
    store : SegmentStore
        The rows to select from.
    settings : EvaluateSettings
        Settings of the run; its subjects, task and label rule are used.
    target : str
        What the ratings are of.
    streams : str
        Name of a stream set.
    ratings : array, shape (row, column), optional
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
    task = open_task(store, settings, target)
    numbers = store.rows_with(parse_streams(streams))
    if ratings is None:
        ratings = read_ratings(store, task)
    numbers = numbers[task.find_known(ratings)[numbers]]
    if settings.subjects:
        subject = store.table["subject"].isin(settings.subjects).to_numpy()
        numbers = numbers[subject[numbers]]
    if len(numbers) == 0:
        raise UserError(
            f"no segment of {store.path} has {streams} and {task.tell()}",
            field="streams",
        )
    table = store.table.iloc[numbers].reset_index(drop=True)
    own = ratings[numbers]
    return RowSelection(task, numbers, own, task.encode(own, table), table)


def open_task(store: SegmentStore, settings: EvaluateSettings, target: str) -> Task:
    """Return what is asked of a target of a store.

    Raises
    ------
    UserError
        When the store lacks it, or the task does not take it.
    """
    columns = split_target(settings.task, target)
    if TASKS[settings.task].moves:
        store.check_moves(target)
        return MovingRating(target, list_lags(settings.lag, settings.longest_lag))
    read = [store.read_ratings(column) for column in columns]
    return make_task(
        settings.task,
        target,
        rule=settings.label_rule,
        classes=settings.classes,
        column=read[0],
        others=read[1:],
    )


def read_ratings(store: SegmentStore, task: Task) -> Float[np.ndarray, "row column"]:
    """Return the ratings that a task reads, of all rows of a store.

    A row that lacks one of several has none, so that what is exchanged stays together.
    A rating that moves has a column for each lag.
    """
    if isinstance(task, MovingRating):
        return store.read_traces(task.target, task.lags_s)
    columns = [read_column(store.read_ratings(name)) for name in task.columns]
    ratings = np.stack(columns, axis=1)
    ratings[~np.isfinite(ratings).all(axis=1)] = np.nan
    return ratings


def cut_part(
    store: SegmentStore,
    settings: EvaluateSettings,
    family: tuple[Protocol, ...],
    target: str,
    streams: str,
    seed: int,
    *,
    ratings: Float[np.ndarray, "row column"] | None = None,
) -> Part:
    """Cut the folds of one part.

    Parameters
    ----------
    store : SegmentStore
        The rows to divide into folds.
    settings : EvaluateSettings
        Settings of the run: task, label rule, number of folds, control, subjects.
    family : tuple of Protocol
        Protocols that share these folds.
    target : str
        What the ratings are of.
    streams : str
        Name of a stream set.
    seed : int
        Seed of the folds, and of ratings that are shuffled as a control.
    ratings : array, shape (row, column), optional
        Of all rows of the store, instead of their own.

    Returns
    -------
    Part
        The folds, with the rows and labels that they divide.
    """
    if ratings is None and settings.control == "shuffled-labels":
        task = open_task(store, settings, target)
        own = read_ratings(store, task)
        ratings = shuffle_ratings(store.table, task, own, seed=seed)
    found = select_rows(store, settings, target, streams, ratings=ratings)
    n_folds = settings.folds or agree_on_folds(
        found.table, [PROTOCOLS[name] for name in settings.protocols]
    )
    gap = find_gap(store, found.task) if family[0].is_forward else None
    folds = cut_folds(
        found.table,
        found.stratum,
        family[0],
        n_folds=n_folds,
        seed=seed,
        gap_s=gap.used_s if gap else 0.0,
    )
    return Part(family, streams, seed, found, tuple(folds), gap)


def walk(parts: Sequence[Part]) -> Iterator[tuple[Part, Fold]]:
    """Yield every fold with its part, in the order in which all tables list them."""
    return ((part, fold) for part in parts for fold in part.folds)


def is_trainable(part: Part, fold: Fold) -> bool:
    """Say whether a fold's training rows hold several classes, or ratings.

    Of several targets, whether they do of one of them.
    """
    return any(
        len(np.unique(one.label_in(fold)[fold.train])) > 1 for one in part.split()
    )
