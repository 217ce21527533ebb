"""What form predictions have: which task their run had, and how it is scored.

The columns of predictions show their task:

``high-low``
    ``label`` (1 is high, 0 is low) and ``score``, the probability of high.
``classes``, ``quadrants``
    ``truth`` and ``prediction``, names of classes, and ``probability_<class>`` for
    each class, in the order of the classes. Quadrants are named by valence and then
    arousal, as ``low-high``.
``rating``
    ``truth``, the rating as rated, and ``prediction``, a number.
``trace``
    The same of each moment, with ``start_s``, when its segment starts in the trial, and
    ``lag_s``, how much later the rating was given.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepvanet.config import ClassMetric, Level, RatingMetric
from deepvanet.protocols.sharing import belong_to_people
from deepvanet.schema import HIGH_OR_LOW, KEY_COLUMNS, QUADRANT_NAMES

METRICS: tuple[str, ...] = get_args(ClassMetric)
"""Of the tasks that predict classes, ``high-low`` among them."""

RATING_METRICS: tuple[str, ...] = get_args(RatingMetric)
"""Of numbers: within subjects, and then over all trials of all subjects."""

HIGH_LOW, CLASSES, QUADRANTS = "high-low", "classes", "quadrants"
RATING, TRACE = "rating", "trace"

TIME_COLUMN, LAG_COLUMN = "start_s", "lag_s"
"""Of predictions of ratings that move: when, and how much later it was rated."""

PROBABILITY = "probability_"
"""Begins the columns of probabilities."""

BY_CLASSES = -1.0
"""As the chance of a metric: one in so many classes as there are."""


_BY_MEANS = "; knowing the means of subjects is enough for more than 0"


@dataclass(frozen=True)
class MetricRecord:
    """What is said of a metric, and how it is read.

    Attributes
    ----------
    title, says : str
        Its name in a table, and what it is.
    chance : float | None
        What has found nothing scores at any share of the classes; ``BY_CLASSES``;
        None where that depends on the ratings.
    is_share : bool
        Whether it is written in percent.
    is_error : bool
        Whether less is better.
    is_pooled : bool
        Whether it is of all trials of all subjects.
    """

    name: str
    title: str
    says: str
    chance: float | None = None
    is_share: bool = False
    is_error: bool = False
    is_pooled: bool = False


METRIC_RECORDS: Mapping[str, MetricRecord] = {
    record.name: record
    for record in (
        MetricRecord(
            "accuracy", "Accuracy", "share of right predictions", is_share=True
        ),
        MetricRecord(
            "balanced_accuracy",
            "Balanced accuracy",
            "mean of the shares of right predictions of each class",
            BY_CLASSES,
            is_share=True,
        ),
        MetricRecord(
            "macro_f1", "Macro F1", "mean of the F1 of each class", is_share=True
        ),
        MetricRecord(
            "mcc", "MCC", "Matthews correlation of labels and predictions", 0.0
        ),
        MetricRecord(
            "auroc",
            "AUROC",
            "how often a trial of a class has more of its probability than a trial of "
            "another one; the mean over classes, each against the rest",
            0.5,
            is_share=True,
        ),
        MetricRecord(
            "ccc",
            "CCC",
            "Lin's concordance correlation within a subject, or within a trial where "
            "ratings move: 1 where all predictions equal the ratings, 0 for a constant "
            "prediction",
            0.0,
        ),
        MetricRecord(
            "pearson",
            "Pearson",
            "correlation within a subject, or within a trial where ratings move; none "
            "for a constant prediction",
            0.0,
        ),
        MetricRecord(
            "rmse",
            "RMSE",
            "root of the mean squared error of a subject, in the unit of the rating",
            is_error=True,
        ),
        MetricRecord(
            "mae",
            "MAE",
            "mean absolute error of a subject, in the unit of the rating",
            is_error=True,
        ),
        *(
            MetricRecord(
                f"pooled_{name}",
                f"Pooled {title}",
                f"{says} over all trials of all subjects{more}",
                is_error=is_error,
                is_pooled=True,
            )
            for name, title, is_error, says, more in (
                ("ccc", "CCC", False, "Lin's concordance correlation", _BY_MEANS),
                ("pearson", "Pearson", False, "correlation", _BY_MEANS),
                ("rmse", "RMSE", True, "root of the mean squared error", ""),
                ("mae", "MAE", True, "mean absolute error", ""),
            )
        ),
    )
}
"""All metrics, by name."""


@dataclass(frozen=True)
class TaskScores:
    """How a task is scored.

    Attributes
    ----------
    headline : str
        The metric that reports, comparisons, gaps and audits are about.
    columns : str
        What its predictions have, for the documentation.
    levels : tuple of str
        ``segment`` and ``trial``; a rating that moves is scored over the course of
        trials alone.
    """

    metrics: tuple[str, ...]
    headline: str
    columns: str
    levels: tuple[str, ...] = get_args(Level)


_OF_CLASSES = TaskScores(
    METRICS, "balanced_accuracy", "`truth`, `prediction`, `probability_<class>`"
)

TASK_SCORES: Mapping[str, TaskScores] = {
    HIGH_LOW: TaskScores(METRICS, "balanced_accuracy", "`label`, `score`"),
    CLASSES: _OF_CLASSES,
    QUADRANTS: _OF_CLASSES,
    RATING: TaskScores(RATING_METRICS, "ccc", "`truth`, `prediction`"),
    TRACE: TaskScores(
        RATING_METRICS,
        "ccc",
        "`truth`, `prediction`, `start_s`, `lag_s`",
        levels=("trial",),
    ),
}
"""Every task that has predictions, and how it is scored."""


@dataclass(frozen=True)
class Form:
    """The form of predictions.

    Attributes
    ----------
    classes : tuple of str
        In their order; none of a rating.
    """

    task: str
    classes: tuple[str, ...] = ()

    @property
    def is_rating(self) -> bool:
        """Whether numbers are predicted, not classes."""
        return self.task in (RATING, TRACE)

    @property
    def moves(self) -> bool:
        """Whether what was rated moves with time."""
        return self.task == TRACE

    @property
    def levels(self) -> tuple[str, ...]:
        """What is scored: segments, trials."""
        return TASK_SCORES[self.task].levels

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics of the task."""
        return TASK_SCORES[self.task].metrics

    @property
    def headline(self) -> str:
        """The metric that stands for the others."""
        return TASK_SCORES[self.task].headline

    @property
    def truth(self) -> str:
        """The column of what was rated."""
        return "label" if self.task == HIGH_LOW else "truth"

    @property
    def values(self) -> tuple[str, ...]:
        """The columns of numbers whose mean over segments is that of a trial."""
        if self.task == HIGH_LOW:
            return ("score",)
        if self.is_rating:
            return ("prediction",)
        return tuple(f"{PROBABILITY}{name}" for name in self.classes)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that say what was rated and what was predicted."""
        if self.moves:
            return self.truth, *self.values, TIME_COLUMN, LAG_COLUMN
        if self.task == HIGH_LOW or self.is_rating:
            return self.truth, *self.values
        return self.truth, "prediction", *self.values

    def find_chance(self, metric: str, n_classes: int | None = None) -> float:
        """Return what luck alone scores; NaN where that depends on the ratings.

        Parameters
        ----------
        n_classes : int, optional
            Classes that occur; all by default.
        """
        chance = METRIC_RECORDS[metric].chance
        if chance is None:
            return float("nan")
        return chance if chance != BY_CLASSES else 1 / (n_classes or len(self.classes))

    def read_truth(self, predictions: pd.DataFrame) -> NDArray[Any]:
        """Return numbers of classes, or ratings."""
        if self.task == HIGH_LOW:
            return predictions["label"].to_numpy(dtype=np.int64)
        if self.is_rating:
            return predictions["truth"].to_numpy(dtype=float)
        names = pd.Index(predictions["truth"].astype(str))
        return np.asarray(pd.Index(self.classes).get_indexer(names), dtype=np.int64)

    def read_values(self, predictions: pd.DataFrame) -> NDArray[Any]:
        """Return what was predicted: a number a row, or one for each class."""
        values = predictions[list(self.values)].to_numpy(dtype=float)
        return values if len(self.values) > 1 else values[:, 0]


HIGH_LOW_FORM = Form(HIGH_LOW, HIGH_OR_LOW.classes)


def find_form(predictions: pd.DataFrame) -> Form:
    """Find the form of predictions by their columns.

    Classes whose probability is blank in all rows are those of another target.

    Examples
    --------
    >>> find_form(pd.DataFrame(columns=["label", "score"])).task
    'high-low'
    >>> find_form(pd.DataFrame(columns=["truth", "prediction"])).headline
    'ccc'
    >>> find_form(pd.DataFrame(columns=["truth", "prediction", "lag_s"])).task
    'trace'
    """
    names = [str(name) for name in predictions.columns]
    if {"label", "score"} <= set(names):
        return HIGH_LOW_FORM
    if {"truth", "prediction", LAG_COLUMN} <= set(names):
        return Form(TRACE)
    held = [name for name in names if name.startswith(PROBABILITY)]
    if "truth" not in names or not (held or "prediction" in names):
        raise ValueError(f"no predictions: {', '.join(names)}")
    if held and len(predictions):
        blank = predictions[held].isna().all()
        held = [name for name in held if not blank[name]]
    return make_form(name.removeprefix(PROBABILITY) for name in held)


def make_form(classes: Iterable[str]) -> Form:
    """Return the form of classes, or that of ratings where there is none.

    Examples
    --------
    >>> make_form(QUADRANT_NAMES).task, make_form(["<4", ">=4"]).task
    ('quadrants', 'classes')
    """
    names = tuple(classes)
    if not names:
        return Form(RATING)
    return Form(QUADRANTS if names == QUADRANT_NAMES else CLASSES, names)


def is_over_people(predictions: pd.DataFrame) -> bool:
    """Return whether each subject has one label, or one rating, in all its trials."""
    form = find_form(predictions)
    if form.task == HIGH_LOW:
        return belong_to_people(predictions)
    trials = predictions[["subject", "trial"]]
    return belong_to_people(trials.assign(label=form.read_truth(predictions)))


def permutation_columns(task: str) -> tuple[str, ...]:
    """Return the columns of ``permutations.csv`` of a task."""
    return (*KEY_COLUMNS, "exchanged", "permutation", *TASK_SCORES[task].metrics)
