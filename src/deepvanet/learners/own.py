"""A person's own learner, as the package works with it.

It needs less than a learner of the package: ``fit(rows)`` that returns what scores
rows, an object with ``score(rows)`` or a function. What it returns is compared with
what was asked for, so that a wrong shape ends in a sentence and in no score.
"""

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

import cloudpickle
import numpy as np
from jaxtyping import Float

from deepvanet.config import Execution, NetworkSettings
from deepvanet.learners.learner import (
    Choice,
    Epoch,
    EpochLearner,
    EpochRecord,
    FitPlan,
    Learner,
    Traits,
)
from deepvanet.learners.own_sources import (
    FILE,
    OwnSource,
    find_source,
    is_own,
    list_registered,
    register,
)
from deepvanet.schema import UserError
from deepvanet.store import Rows

T = TypeVar("T")
R = TypeVar("R")
SUM_MAY_BE_OFF = 1e-3
"""Of probabilities of classes."""


def make_own(
    name: str,
    settings: NetworkSettings,
    seed: int,
    face_weights: Path | None = None,
    /,
) -> Learner:
    """Make a person's own learner.

    Parameters
    ----------
    name : str
        Of an object that was registered, or ``FILE.py:CLASS``.
    settings : NetworkSettings
        What is asked of networks; given to a maker that has a parameter ``settings``.
    seed : int
        Given to a maker that has a parameter ``seed``.
    face_weights : Path | None
        Given to a maker that has a parameter ``face_weights``.

    Returns
    -------
    Learner
        Not fitted yet.

    Raises
    ------
    UserError
        When it cannot be made, or is no learner.
    """
    values = {"settings": settings, "seed": seed, "face_weights": face_weights}
    found = _make(name, find_source(name).thing, values)
    traits = getattr(found, "traits", Traits())
    if not isinstance(traits, Traits):
        raise UserError(
            f"learner {name}: its traits must be deepvanet.Traits, got a "
            f"{type(traits).__name__}",
            field="learners",
        )
    if not traits.has_epochs:
        return OwnLearner(name, found, traits)
    if not isinstance(found, EpochLearner):
        raise UserError(
            f"learner {name}: its traits say that it has epochs, so it needs a method "
            "refit(train, plan=..., unit=...)",
            field="learners",
        )
    return OwnEpochLearner(name, found, traits)


def _make(name: str, thing: Any, values: Mapping[str, Any]) -> Any:
    """Copy an object, so that a fit leaves nothing in it, or call what makes one."""
    try:
        if not inspect.isclass(thing) and callable(getattr(thing, "fit", None)):
            return copy.deepcopy(thing)
        if not callable(thing):
            raise UserError(f"is a {type(thing).__name__}, not a class or a function")
        made = _call(thing, values)
    except UserError as error:
        raise UserError(f"learner {name}: {error}", field="learners") from None
    except Exception as error:
        said = (str(error).strip() or "nothing").splitlines()[0]
        raise UserError(
            f"learner {name}: cannot be made: {type(error).__name__}: {said}",
            field="learners",
        ) from error
    if not callable(getattr(made, "fit", None)):
        raise UserError(
            f"learner {name}: a {type(made).__name__} has no method fit",
            field="learners",
        )
    return made


def _call(make: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    """Call with those of the values that it has parameters for."""
    positional, keywords = [], {}
    for item in inspect.signature(make).parameters.values():
        if item.kind in (item.VAR_POSITIONAL, item.VAR_KEYWORD):
            continue
        if item.name not in values:
            if item.default is item.empty:
                raise UserError(
                    f"its parameter {item.name} has no default; only "
                    f"{', '.join(values)} are given"
                )
        elif item.kind is item.POSITIONAL_ONLY:
            positional.append(values[item.name])
        else:
            keywords[item.name] = values[item.name]
    return make(*positional, **keywords)


@dataclass(frozen=True)
class OwnLearner:
    """A person's own learner without epochs."""

    name: str
    learner: Any
    traits: Traits

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,
        choose: Choice = Choice.LAST,
        unit: str = "trial",
    ) -> "OwnFit":
        """Fit on rows, with what of the rest its own ``fit`` has parameters for.

        Parameters
        ----------
        train : Rows
            Rows with labels.
        watch : Rows | None
            Rows that are scored after each epoch.
        choose : Choice
            Which epoch ``score`` reads by default.
        unit : str
            What the protocol never splits.

        Returns
        -------
        OwnFit
            Scores rows, and checks what comes of it.

        Raises
        ------
        UserError
            When what its own ``fit`` returns scores nothing.
        """
        more = {"watch": watch, "choose": choose, "unit": unit}
        known = inspect.signature(self.learner.fit).parameters.values()
        takes_all = any(item.kind is item.VAR_KEYWORD for item in known)
        names = {item.name for item in known}
        given = {n: v for n, v in more.items() if takes_all or n in names}
        return self._hold(self.learner.fit(train, **given), train)

    def _hold(self, fitted: Any, train: Rows) -> "OwnFit":
        if not callable(fitted) and not callable(getattr(fitted, "score", None)):
            raise UserError(
                f"learner {self.name}: fit must return a function of rows, or an "
                f"object with a method score, got a {type(fitted).__name__}",
                field="learners",
            )
        return OwnFit(self.name, fitted, train)


@dataclass(frozen=True)
class OwnEpochLearner(OwnLearner):
    """A person's own learner with epochs."""

    def refit(self, train: Rows, *, plan: FitPlan, unit: str = "trial") -> "OwnFit":
        """Fit again for as many steps as a first fit chose."""
        return self._hold(self.learner.refit(train, plan=plan, unit=unit), train)


@dataclass(frozen=True, eq=False)
class OwnFit:
    """What a person's own learner fitted; what it says of rows is checked."""

    name: str
    fitted: Any
    train: Rows

    @property
    def history(self) -> Sequence[EpochRecord]:
        """As it says; empty where it does not."""
        return tuple(getattr(self.fitted, "history", ()))

    @property
    def chosen_epoch(self) -> int | None:
        """As it says; None where it does not."""
        return getattr(self.fitted, "chosen_epoch", None)

    @property
    def choices(self) -> Mapping[str, float]:
        """As it says; none where it does not."""
        return dict(getattr(self.fitted, "choices", {}))

    @property
    def plan(self) -> FitPlan:
        """As it says; empty where it does not."""
        return dict(getattr(self.fitted, "plan", {}))

    @cached_property
    def _takes_epoch(self) -> bool:
        score = getattr(self.fitted, "score", self.fitted)
        return "epoch" in inspect.signature(score).parameters

    def score(
        self, rows: Rows, *, epoch: Epoch = "chosen"
    ) -> Float[np.ndarray, " row *class"]:
        """Return the prediction of each row.

        Raises
        ------
        UserError
            When it is not what was asked for: another shape, no number, no probability.
        """
        score = getattr(self.fitted, "score", self.fitted)
        said = score(rows, epoch=epoch) if self._takes_epoch else score(rows)
        try:
            found = np.asarray(said, dtype=float)
        except (TypeError, ValueError):
            self._refuse(f"numbers, got a {type(said).__name__}")
        goal = self.train.goal
        shape: tuple[int, ...] = (len(rows),)
        if goal.n_outputs > 1 or goal.kind == "classes":
            shape = (len(rows), goal.n_outputs)
        if found.shape != shape:
            self._refuse(f"an array of shape {shape}, got {found.shape}")
        if not np.isfinite(found).all():
            self._refuse(f"finite numbers, got {np.sum(~np.isfinite(found))} others")
        if goal.kind != "rating" and not ((found >= 0) & (found <= 1)).all():
            self._refuse(
                f"probabilities from 0 to 1, got {found.min():g} to {found.max():g}"
            )
        if goal.kind == "classes" and not goal.parts:
            off = np.abs(found.sum(axis=1) - 1).max(initial=0)
            if off > SUM_MAY_BE_OFF:
                self._refuse("probabilities that sum to 1 in each row")
        return found

    def _refuse(self, needed: str) -> None:
        raise UserError(
            f"learner {self.name}: score must return {needed}", field="learners"
        )

    def save(self, folder: Path) -> None:
        """Refuse: code of an object is kept by no file.

        Raises
        ------
        UserError
            Always.
        """
        raise UserError(f"learner {self.name}: {folder}: {say_no_bundle(self.name)}")


def say_no_bundle(name: str) -> str:
    """Say why a person's own learner makes no bundle."""
    source = "a file" if FILE.fullmatch(name) else "an object of Python"
    return (
        f"comes from {source}, and a bundle runs no code when it is loaded: make it a "
        "learner of a package (docs/plugins.md)"
    )


class CarriedWork(Generic[T, R]):
    """A function that takes a person's own learners along into other processes.

    Parameters
    ----------
    work : callable
        The function.
    sources : tuple of OwnSource
        Of the objects that its learners are.
    """

    def __init__(self, work: Callable[[T], R], sources: tuple[OwnSource, ...]) -> None:
        self.work = work
        self.sources = sources

    def __call__(self, task: T) -> R:
        """Make the learners known here, and call the function."""
        for source in self.sources:
            register(source)
        return self.work(task)

    @cached_property
    def packed(self) -> bytes:
        """The sources as bytes; classes of a notebook or a script go by value."""
        packed: bytes = cloudpickle.dumps(self.sources)
        return packed

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpack, (self.work, self.packed)


def _unpack(work: Callable[[T], R], packed: bytes) -> CarriedWork[T, R]:
    return CarriedWork(work, cloudpickle.loads(packed))


def carry_own(
    work: Callable[[T], R], names: Iterable[str], *, execution: Execution
) -> Callable[[T], R]:
    """Return a function that knows a person's own learners wherever it runs.

    Parameters
    ----------
    work : callable
        What is called with a task.
    names : iterable of str
        Of the learners that it may ask for.
    execution : Execution
        Where it runs.

    Returns
    -------
    callable
        ``work`` itself where no learner is an object.

    Raises
    ------
    UserError
        When a learner cannot go where the work is done.
    """
    own = [name for name in names if is_own(name)]
    if own and execution.executor == "ray":
        raise UserError(
            f"learner {own[0]} is an object or a file of this machine, which others of "
            "a cluster do not have: use --executor local, or make it a learner of a "
            "package (docs/plugins.md)",
            field="executor",
        )
    sources = list_registered(own)
    if not sources:
        return work
    carried = CarriedWork(work, sources)
    if execution.jobs > 1:
        try:
            _ = carried.packed
        except Exception as error:
            said = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise UserError(
                f"learner {', '.join(s.name for s in sources)} cannot be sent to other "
                f"processes ({said}): use one job, or a file of code",
                field="jobs",
            ) from error
    return carried
