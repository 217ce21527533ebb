"""Make a learner, and load what it fitted, by its name."""

from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from deepvanet.config import NetworkSettings
from deepvanet.learners.known import find_record
from deepvanet.learners.learner import FittedLearner, Learner, MakeLearner
from deepvanet.learners.own import say_no_bundle
from deepvanet.learners.own_sources import is_own
from deepvanet.learners.within_subject import (
    compare_within,
    is_comparing,
    load_comparing,
)
from deepvanet.plugins import resolve
from deepvanet.schema import UserError


@runtime_checkable
class MakeNamed(Protocol):
    """What makes each learner of a family by its name: what a record's maker names."""

    def __call__(
        self,
        name: str,
        settings: NetworkSettings,
        seed: int,
        face_weights: Path | None = None,
        /,
    ) -> Learner:
        """Make it."""


def find_learner(name: str) -> MakeLearner:
    """Return what makes a learner, ``network:16x64`` and the like included.

    Raises
    ------
    UserError
        When there is no learner of that name.
    """
    make: MakeNamed = _resolve(name, find_record(name).maker)
    return compare_within(partial(make, name))


def load_learner(name: str, folder: Path) -> FittedLearner:
    """Load what the fitted learner of a name saved; runs no code from the folder.

    Raises
    ------
    UserError
        When there is no learner of that name, it is none that is loaded, or the folder
        holds something else.
    """
    loader = find_record(name).loader
    if not loader and is_own(name):
        raise UserError(f"learner {name}: {say_no_bundle(name)}")
    if not loader:
        raise UserError(f"learner {name}: reads no signal, so nothing of it is loaded")
    load = _resolve(name, loader)
    if is_comparing(folder):
        return load_comparing(folder, load)
    fitted: FittedLearner = load(folder)
    return fitted


def _resolve(name: str, dotted: str) -> Any:
    is_own = dotted.startswith("deepvanet.")
    return resolve(f"learner {name}", dotted, is_own=is_own)
