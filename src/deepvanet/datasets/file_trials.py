"""Which trial of a file is meant."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from deepvanet.schema import UserError, pick

T = TypeVar("T")


def pick_trial(path: Path, trial: str | None, by_name: Mapping[str, T]) -> T:
    """Return the trial of a file that is meant; ``1`` is ``01``.

    Raises
    ------
    UserError
        When none is named, or the file has none of that name.
    """
    if trial is None:
        raise UserError(f"{path} holds several trials, name one, as 1", field="trial")
    named = trial.zfill(2) if trial.isdecimal() else trial
    return by_name[pick("trial", named, by_name)]


def refuse_trial(path: Path, trial: str | None) -> None:
    """Raise ``UserError`` where a trial of a file of one recording is named.

    Raises
    ------
    UserError
        When a trial is named.
    """
    if trial is not None:
        raise UserError(
            f"{path} holds one recording, not trials, got {trial}", field="trial"
        )
