"""Ratings of some rows -> what a learner is fitted on.

A task reads one column of ratings, or several. ``encode`` gives a number a row: the
class, from 0, or the rating; where several targets are asked at once, one of each. A
rating is never looked at beyond the training rows, but for which rows take part and by
what folds are balanced.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Num

from deepvanet.labels import MEDIAN, are_personal, has_label, label_ratings
from deepvanet.protocols import columns_of
from deepvanet.protocols.sharing import belong_to_people
from deepvanet.schema import HIGH_OR_LOW, QUADRANT_NAMES, Goal
from deepvanet.tasks.bounds import Bounds, number_classes

Ratings = Float[np.ndarray, "row column"]
Train = Int[np.ndarray, " item"]


@runtime_checkable
class Task(Protocol):
    """What is asked of ratings."""

    @property
    def target(self) -> str:
        """What tables call it: a rating column, or two joined by ``+``."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The rating columns that it reads."""

    @property
    def goal(self) -> Goal:
        """What a learner predicts."""

    @property
    def looks_at_training(self) -> bool:
        """Whether a label depends on which rows are trained on."""

    def find_known(self, ratings: Ratings) -> Bool[np.ndarray, " row"]:
        """Return which rows take part."""

    def encode(
        self, ratings: Ratings, table: pd.DataFrame, train: Train | None = None
    ) -> Num[np.ndarray, " row *target"]:
        """Return what a learner is fitted on, of rows that take part.

        Parameters
        ----------
        ratings : array, shape (row, column)
            In the order of ``columns``.
        table : DataFrame
            Columns subject and trial of the rows.
        train : array, shape (item,), optional
            Row numbers whose ratings may be looked at; all by default.
        """

    def are_personal(self, ratings: Ratings, table: pd.DataFrame) -> bool:
        """Say whether each subject has one label over all its trials."""

    def tell(self) -> str:
        """Say which rows take part, for a sentence."""


@dataclass(frozen=True)
class HighLow:
    """Whether a rating is high, by a label rule of :mod:`deepvanet.labels`."""

    target: str
    rule: str
    goal: ClassVar[Goal] = HIGH_OR_LOW

    @property
    def columns(self) -> tuple[str, ...]:
        """The target."""
        return (self.target,)

    @property
    def looks_at_training(self) -> bool:
        """Whether the rule is the median."""
        return self.rule == MEDIAN

    def find_known(self, ratings: Ratings) -> Bool[np.ndarray, " row"]:
        """Return which rows are rated, and high or low by the rule."""
        return has_label(ratings[:, 0], self.rule)

    def encode(
        self, ratings: Ratings, table: pd.DataFrame, train: Train | None = None
    ) -> Int[np.ndarray, " row"]:
        """Return 1 for high, 0 for low."""
        return label_ratings(ratings[:, 0], self.rule, table=table, train=train)

    def are_personal(self, ratings: Ratings, table: pd.DataFrame) -> bool:
        """Say whether each subject has one label over all its trials."""
        return are_personal(ratings[:, 0], self.rule, table=table)

    def tell(self) -> str:
        """Say which rows take part."""
        return f"a rating of {self.target} that is high or low by {self.rule}"


@dataclass(frozen=True)
class Quadrants:
    """Which of two ratings are high: four classes, from low-low to high-high."""

    columns: tuple[str, ...]
    rule: str
    goal: ClassVar[Goal] = Goal("classes", QUADRANT_NAMES)

    @property
    def target(self) -> str:
        """Both columns, joined by ``+``."""
        return "+".join(self.columns)

    @property
    def looks_at_training(self) -> bool:
        """Whether the rule is the median."""
        return self.rule == MEDIAN

    @property
    def _parts(self) -> Sequence[HighLow]:
        return [HighLow(column, self.rule) for column in self.columns]

    def find_known(self, ratings: Ratings) -> Bool[np.ndarray, " row"]:
        """Return which rows have both labels."""
        known = [
            part.find_known(ratings[:, [place]])
            for place, part in enumerate(self._parts)
        ]
        return np.asarray(known[0] & known[1])

    def encode(
        self, ratings: Ratings, table: pd.DataFrame, train: Train | None = None
    ) -> Int[np.ndarray, " row"]:
        """Return 0 to 3: twice the first label, and the second."""
        first, second = (
            part.encode(ratings[:, [place]], table, train)
            for place, part in enumerate(self._parts)
        )
        return np.asarray(2 * first + second)

    def are_personal(self, ratings: Ratings, table: pd.DataFrame) -> bool:
        """Say whether each subject has one quadrant over all its trials."""
        return _are_personal(self, ratings, table)

    def tell(self) -> str:
        """Say which rows take part."""
        named = " and ".join(self.columns)
        return f"ratings of {named} that are high or low by {self.rule}"


@dataclass(frozen=True)
class Classes:
    """Into which class a rating falls: one of several bounds, or a text.

    Attributes
    ----------
    bounds : tuple of Bounds
        From the lowest on; none where the column holds texts, which are then read as
        their place in ``names``.
    names : tuple of str
        The texts of the column.
    """

    target: str
    bounds: tuple[Bounds, ...] = ()
    names: tuple[str, ...] = ()
    looks_at_training: ClassVar[bool] = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The target."""
        return (self.target,)

    @property
    def goal(self) -> Goal:
        """The classes; those of bounds are ordered."""
        if self.names:
            return Goal("classes", self.names)
        return Goal("classes", tuple(b.name for b in self.bounds), is_ordered=True)

    def find_known(self, ratings: Ratings) -> Bool[np.ndarray, " row"]:
        """Return which rows have a class."""
        return np.asarray(self._number(ratings) >= 0)

    def encode(
        self,
        ratings: Ratings,
        table: pd.DataFrame,  # noqa: ARG002 - no rating of others is looked at
        train: Train | None = None,  # noqa: ARG002
    ) -> Int[np.ndarray, " row"]:
        """Return each row's class."""
        return self._number(ratings)

    def are_personal(self, ratings: Ratings, table: pd.DataFrame) -> bool:
        """Say whether each subject has one class over all its trials."""
        return _are_personal(self, ratings, table)

    def tell(self) -> str:
        """Say which rows take part."""
        return f"a {self.target} that is one of {', '.join(self.goal.classes)}"

    def _number(self, ratings: Ratings) -> Int[np.ndarray, " row"]:
        if self.names:
            return np.asarray(np.nan_to_num(ratings[:, 0], nan=-1).astype(np.int64))
        return number_classes(ratings[:, 0], self.bounds)


@dataclass(frozen=True)
class Rating:
    """The rating itself."""

    target: str
    goal: ClassVar[Goal] = Goal("rating")
    looks_at_training: ClassVar[bool] = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The target."""
        return (self.target,)

    def find_known(self, ratings: Ratings) -> Bool[np.ndarray, " row"]:
        """Return which rows are rated."""
        return np.asarray(np.isfinite(ratings[:, 0]))

    def encode(
        self,
        ratings: Ratings,
        table: pd.DataFrame,  # noqa: ARG002 - no rating of others is looked at
        train: Train | None = None,  # noqa: ARG002
    ) -> Float[np.ndarray, " row"]:
        """Return the ratings."""
        return np.asarray(ratings[:, 0])

    def are_personal(self, ratings: Ratings, table: pd.DataFrame) -> bool:
        """Say whether each subject has one rating over all its trials."""
        return _are_personal(self, ratings, table)

    def tell(self) -> str:
        """Say which rows take part."""
        return f"a rating of {self.target}"


@dataclass(frozen=True)
class MovingRating:
    """A rating that moves with time: of each row what was rated while it lasted.

    Attributes
    ----------
    lags_s : tuple of float
        By how many seconds the rating may follow the signals, from the least on. Its
        ratings have a column for each; a learner is fitted on one of them.
    """

    target: str
    lags_s: tuple[float, ...]
    goal: ClassVar[Goal] = Goal("rating", moves=True)
    looks_at_training: ClassVar[bool] = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The target."""
        return (self.target,)

    def find_known(self, ratings: Ratings) -> Bool[np.ndarray, " row"]:
        """Return which rows are rated at each lag, so that all lags have the same."""
        return np.asarray(np.isfinite(ratings).all(axis=1))

    def encode(
        self,
        ratings: Ratings,
        table: pd.DataFrame,  # noqa: ARG002 - no rating of others is looked at
        train: Train | None = None,  # noqa: ARG002
    ) -> Float[np.ndarray, " row"]:
        """Return the ratings at the least lag."""
        return np.asarray(ratings[:, 0])

    def encode_at(self, ratings: Ratings, lag_s: float) -> Float[np.ndarray, " row"]:
        """Return the ratings at one of the lags."""
        return np.asarray(ratings[:, self.lags_s.index(lag_s)])

    def are_personal(self, ratings: Ratings, table: pd.DataFrame) -> bool:  # noqa: ARG002
        """Say that no subject has one rating over all its trials."""
        return False

    def tell(self) -> str:
        """Say which rows take part."""
        longest = max(self.lags_s)
        later = f" up to {longest:g} s later" if longest else ""
        return f"a rating of {self.target} that moves with time{later}"


def _are_personal(task: Task, ratings: Ratings, table: pd.DataFrame) -> bool:
    known = task.find_known(ratings)
    units = table.loc[known, columns_of("trial")]
    return belong_to_people(units.assign(label=task.encode(ratings[known], units)))


def stratify(
    label: Num[np.ndarray, " row *target"],
    goal: Goal,
    trial: Int[np.ndarray, " row"] | None = None,
) -> Int[np.ndarray, " row"]:
    """Return what folds are balanced by: the class, or whether a rating is above half.

    Parameters
    ----------
    label : array, shape (row,) or (row, target)
        As a task encodes ratings. Of several targets, each pair, triple and so on of
        their classes is a class.
    trial : array, shape (row,), optional
        Each row's trial, as a number from 0; a rating that moves is averaged over it.

    Examples
    --------
    >>> stratify(np.array([2.0, 5.0, 6.5, 9.0]), Goal("rating")).tolist()
    [0, 0, 1, 1]
    """
    if goal.parts:
        number = np.zeros(len(label), dtype=np.int64)
        for place, part in enumerate(goal.parts):
            n_classes = max(len(part.classes), 2)
            number = number * n_classes + stratify(label[:, place], part, trial)
        return number
    if goal.kind != "rating":
        return label.astype(np.int64)
    if goal.moves and trial is not None:
        mean = np.bincount(trial, label) / np.maximum(np.bincount(trial), 1)
        known = np.unique(trial)
        is_above = np.asarray(mean > np.median(mean[known]), dtype=np.int64)
        return np.asarray(is_above[trial])
    return np.asarray(label > np.median(label)).astype(np.int64)
