"""Run independent tasks: in this process, in several, or on several machines."""

from deepvanet.execution.durations import say_hours, say_work
from deepvanet.execution.run import FAILURES, R, T, hold_workers, run_tasks

__all__ = [
    "FAILURES",
    "R",
    "T",
    "hold_workers",
    "run_tasks",
    "say_hours",
    "say_work",
]
