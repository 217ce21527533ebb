"""Which subjects of a data set are taken, and what is looked up of each."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from deepvanet.config import Execution
from deepvanet.execution import run_tasks
from deepvanet.schema import UserError

T = TypeVar("T")
R = TypeVar("R")

logger = logging.getLogger(__name__)


def leave_out(subjects: Sequence[str], exclude: Sequence[str]) -> list[str]:
    """Return the subjects but those to leave out; ``9`` leaves out ``09``.

    One that is not there is said and passed over: lists of whom to leave out name
    subjects who have nothing that could be used.

    Raises
    ------
    UserError
        When none is left.
    """
    there = {name.lstrip("0"): name for name in subjects}
    for name in exclude:
        if name.lstrip("0") not in there:
            logger.warning("exclude: there is no subject %s", name)
    numbers = [name.lstrip("0") for name in exclude]
    left = [name for number, name in there.items() if number not in numbers]
    if not left:
        raise UserError(f"leaves no subject, got {','.join(exclude)}", field="exclude")
    return left


def examine_each(
    examine: Callable[[T], R], items: Sequence[T], execution: Execution | None
) -> list[R]:
    """Look at each subject, or clip, for a check; one after another by default."""
    tasks = run_tasks(examine, items, execution=execution or Execution(), what="check")
    return list(tasks)
