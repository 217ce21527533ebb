"""What is asked of a rating: high or low, one of several classes, or the number itself.

A store holds ratings as rated. A task turns them into what a learner is fitted on, and
says what its predictions are, what folds are balanced by and what is left out.
"""

from deepvanet.tasks.bounds import Bounds, read_bounds
from deepvanet.tasks.joint import (
    Joint,
    join_outputs,
    name_others,
    split_outputs,
    split_task,
)
from deepvanet.tasks.known import TASKS, TaskRecord
from deepvanet.tasks.making import (
    check_task,
    list_lags,
    make_task,
    read_column,
    split_target,
)
from deepvanet.tasks.task import (
    Classes,
    HighLow,
    MovingRating,
    Quadrants,
    Rating,
    Task,
    stratify,
)

__all__ = [
    "TASKS",
    "Bounds",
    "Classes",
    "HighLow",
    "Joint",
    "MovingRating",
    "Quadrants",
    "Rating",
    "Task",
    "TaskRecord",
    "check_task",
    "join_outputs",
    "list_lags",
    "make_task",
    "name_others",
    "read_bounds",
    "read_column",
    "split_outputs",
    "split_target",
    "split_task",
    "stratify",
]
