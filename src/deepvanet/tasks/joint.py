"""Several targets at once, by one learner: ``valence+arousal``.

Each target is asked as it would be alone, of the rows that have all of them. Labels get
one column a target, and what is predicted lies side by side, target after target.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Num

from deepvanet.schema import Goal
from deepvanet.tasks.task import Ratings, Task, Train


@dataclass(frozen=True)
class Joint:
    """Several targets of one task, each with its own answer.

    Attributes
    ----------
    parts : tuple of Task
        What is asked of each target; each reads one column.
    """

    parts: tuple[Task, ...]

    @property
    def target(self) -> str:
        """All targets, joined by ``+``."""
        return "+".join(self.columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """The targets."""
        return tuple(part.target for part in self.parts)

    @property
    def goal(self) -> Goal:
        """The goals of all targets."""
        goals = tuple(part.goal for part in self.parts)
        return Goal(goals[0].kind, parts=goals)

    @property
    def looks_at_training(self) -> bool:
        """Whether some label depends on which rows are trained on."""
        return any(part.looks_at_training for part in self.parts)

    def find_known(self, ratings: Ratings) -> Bool[np.ndarray, " row"]:
        """Return which rows take part with every target."""
        known = [
            part.find_known(ratings[:, [place]])
            for place, part in enumerate(self.parts)
        ]
        return np.asarray(np.all(known, axis=0))

    def encode(
        self, ratings: Ratings, table: pd.DataFrame, train: Train | None = None
    ) -> Num[np.ndarray, "row target"]:
        """Return a column for each target."""
        columns = [
            part.encode(ratings[:, [place]], table, train)
            for place, part in enumerate(self.parts)
        ]
        return np.stack(columns, axis=1)

    def are_personal(self, ratings: Ratings, table: pd.DataFrame) -> bool:
        """Say whether each subject has one label over all its trials, of each target.

        Only rows that have all targets count.
        """
        known = self.find_known(ratings)
        return all(
            part.are_personal(ratings[known][:, [place]], table.loc[known])
            for place, part in enumerate(self.parts)
        )

    def tell(self) -> str:
        """Say which rows take part."""
        return " and ".join(part.tell() for part in self.parts)


def split_task(task: Task) -> tuple[Task, ...]:
    """Return what is asked of each target: of one target, the task itself."""
    return task.parts if isinstance(task, Joint) else (task,)


def name_others(task: Task, target: str) -> str:
    """Return the other targets of a joint task, joined by ``+``; nothing of one.

    Examples
    --------
    >>> from deepvanet.tasks.task import Rating
    >>> name_others(Joint((Rating("valence"), Rating("arousal"))), "valence")
    'arousal'
    """
    names = [part.target for part in split_task(task)]
    return "+".join(name for name in names if name != target)


def split_outputs(
    outputs: Float[np.ndarray, " row *output"], goal: Goal
) -> list[Float[np.ndarray, "row ..."]]:
    """Return what was predicted of each target.

    Parameters
    ----------
    outputs : array, shape (row,) or (row, output)
        As a fitted learner gives them.
    goal : Goal
        What was predicted; of one target all is returned as it is.

    Examples
    --------
    >>> rating = Goal("rating")
    >>> both = Goal("rating", parts=(rating, rating))
    >>> [part.tolist() for part in split_outputs(np.array([[1.0, 2.0]]), both)]
    [[1.0], [2.0]]
    """
    if not goal.parts:
        return [outputs]
    found, start = [], 0
    for part in goal.parts:
        end = start + part.n_outputs
        is_one = part.kind != "classes"
        found.append(outputs[:, start] if is_one else outputs[:, start:end])
        start = end
    return found


def join_outputs(
    outputs: Sequence[Float[np.ndarray, "row ..."]],
) -> Float[np.ndarray, "row output"]:
    """Return what was predicted of several targets side by side."""
    return np.column_stack(list(outputs))
