"""Which subjects of a data set are taken."""

import logging
from collections.abc import Sequence

from deepvanet.schema import UserError

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
