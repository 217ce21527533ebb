"""Make a task of its name, a target and what a store has of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepvanet.config import FIT_LAG, WHOLE_TRIAL
from deepvanet.labels import check_label_rule
from deepvanet.schema import UserError, quote
from deepvanet.tasks.bounds import read_bounds
from deepvanet.tasks.joint import Joint
from deepvanet.tasks.known import TASKS
from deepvanet.tasks.task import Classes, HighLow, Quadrants, Rating, Task

LAG_STEP_S = 0.25
"""From one lag that is tried to the next."""

MOST_NAMES = 20
"""Texts of a column that is read as classes."""


def split_target(task: str, target: str) -> tuple[str, ...]:
    """Return the rating columns of a target.

    Raises
    ------
    UserError
        When the task takes another number of them.

    Examples
    --------
    >>> split_target("quadrants", "valence+arousal")
    ('valence', 'arousal')
    >>> split_target("rating", "valence + arousal + liking")
    ('valence', 'arousal', 'liking')
    """
    columns = tuple(part.strip() for part in target.split("+"))
    needed, is_joint = TASKS[task].n_targets, TASKS[task].is_joint
    is_right = len(columns) == needed or (is_joint and len(columns) > needed)
    if not is_right or len(set(columns)) < len(columns) or not all(columns):
        several = "exactly one target, as valence"
        if is_joint:
            several = "one target, as valence, or different ones, as valence+arousal"
        if needed > 1:
            several = "exactly two targets, as valence+arousal"
        raise UserError(
            f"task {task} takes {several}, got {quote(target)}", field="targets"
        )
    return columns


def check_task(
    task: str, *, rule: str, classes: str, segment: float | str = 1.0
) -> None:
    """Refuse a label rule or classes that are none; texts need no classes.

    A rating that moves needs several segments in a trial.

    Parameters
    ----------
    task : str
        Of ``TASKS``.
    rule : str
        Label rule of high and low.
    classes : str
        Bounds of classes.
    segment : float | str
        Length of a segment in seconds, or the word for whole trials.

    Raises
    ------
    UserError
        Which names the setting.
    """
    check_label_rule(rule)
    if task == "classes":
        read_bounds(classes)
    if TASKS[task].moves and segment == WHOLE_TRIAL:
        raise UserError(
            f"{task} follows a rating within trials, and needs segments of some "
            "seconds, as 1",
            field="segment",
        )


def make_task(
    name: str,
    target: str,
    *,
    rule: str,
    classes: str,
    column: NDArray[Any],
    others: Sequence[NDArray[Any]] = (),
) -> Task:
    """Make a task.

    Parameters
    ----------
    name : str
        Of ``TASKS``.
    target : str
        A rating column, or several joined by ``+``.
    rule : str
        Label rule of high and low.
    classes : str
        Bounds of classes.
    column : array
        What a store has in the first column: numbers, or texts.
    others : sequence of array
        What it has in the further ones.

    Returns
    -------
    Task
        What is asked of the ratings.

    Raises
    ------
    UserError
        When the task does not take this target.
    """
    columns = split_target(name, target)
    if TASKS[name].is_joint and len(columns) > 1:
        held = zip(columns, (column, *others), strict=True)
        return Joint(
            tuple(
                make_task(name, one, rule=rule, classes=classes, column=of)
                for one, of in held
            )
        )
    if column.dtype.kind not in "fiub":
        names = list_texts(column)
        if name != "classes":
            raise UserError(
                f"{target} holds texts ({', '.join(names[:3])}), which can only be "
                f"predicted as classes, but the task is {name}: use --task classes, or "
                "another target",
                field="targets",
            )
        if not 1 < len(names) <= MOST_NAMES:
            raise UserError(
                f"{target} holds {len(names)} different texts, but classes are 2 to "
                f"{MOST_NAMES}: choose another target",
                field="targets",
            )
        return Classes(target, names=names)
    if name == "high-low":
        return HighLow(target, rule)
    if name == "quadrants":
        return Quadrants(columns, rule)
    if name == "classes":
        return Classes(target, bounds=read_bounds(classes))
    return Rating(target)


def list_lags(lag: float | str, longest_lag: float) -> tuple[float, ...]:
    """Return the lags that are tried, in seconds: one that is given, or those up to it.

    Examples
    --------
    >>> list_lags("fit", 0.6), list_lags(3.0, 0.6)
    ((0.0, 0.25, 0.5), (3.0,))
    """
    if lag != FIT_LAG:
        return (float(lag),)
    n_lags = 1 + int(np.floor(longest_lag / LAG_STEP_S + 1e-9))
    return tuple((np.arange(n_lags) * LAG_STEP_S).tolist())


def list_texts(column: NDArray[Any]) -> tuple[str, ...]:
    """Return the texts of a column, sorted, without what is missing."""
    return tuple(sorted({text for text in column.tolist() if isinstance(text, str)}))


def read_column(column: NDArray[Any]) -> NDArray[np.float64]:
    """Return a column as numbers: texts as their place among all, NaN what is missing.

    Examples
    --------
    >>> read_column(np.array(["rest", np.nan, "fear"], dtype=object)).tolist()
    [1.0, nan, 0.0]
    """
    if column.dtype.kind in "fiub":
        return column.astype(np.float64)
    place = {text: float(k) for k, text in enumerate(list_texts(column))}
    return np.array(
        [place.get(v, np.nan) if isinstance(v, str) else np.nan for v in column]
    )
