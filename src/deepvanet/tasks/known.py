"""The tasks by name, as help, docs and messages list them."""

from collections.abc import Mapping
from dataclasses import dataclass

from deepvanet.schema import LAST_VALUE, PRIORS, GoalKind


@dataclass(frozen=True)
class TaskRecord:
    """What is known of a task before a store is opened.

    Attributes
    ----------
    goal : str
        What a learner predicts.
    about : str
        What is asked, in a sentence without its subject.
    n_targets : int
        How many rating columns one question takes.
    is_joint : bool
        Whether one learner can be asked for several targets at once.
    moves : bool
        Whether its ratings move with time.
    """

    name: str
    goal: GoalKind
    about: str
    n_targets: int = 1
    is_joint: bool = False
    moves: bool = False

    @property
    def priors(self) -> tuple[str, ...]:
        """The learners that read no signal and can say something of it."""
        return tuple(n for n in PRIORS if self.moves or n != LAST_VALUE)


_LIST = (
    TaskRecord(
        "high-low",
        "high-low",
        "asks whether a rating is high, by a label rule",
        is_joint=True,
    ),
    TaskRecord(
        "classes",
        "classes",
        "asks into which of several bounds a rating falls, or which text it is",
        is_joint=True,
    ),
    TaskRecord(
        "quadrants",
        "classes",
        "asks whether two ratings, valence and arousal by default, are high or low",
        n_targets=2,
    ),
    TaskRecord("rating", "rating", "predicts the rating itself", is_joint=True),
    TaskRecord(
        "trace",
        "rating",
        "predicts a rating that moves with time, moment by moment",
        moves=True,
    ),
)
TASKS: Mapping[str, TaskRecord] = {record.name: record for record in _LIST}
