"""What a learner is: it is fitted on rows, and what was fitted scores rows.

``fit`` sees the rows to train on. It may *watch* others after each epoch, to
record how it does on them and to choose an epoch; watching never alters a fit.
What was fitted is saved into a folder, and loaded again by the learner's name. Rows
are those of a store, or the seconds of a recording that are held in memory
(:mod:`deepvanet.learners.held_seconds`): a fitted learner treats them alike.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np
from jaxtyping import Float

from deepvanet.config import NetworkSettings
from deepvanet.fields import MAY_LACK
from deepvanet.schema import Goal, GoalKind, Stream, list_within, parse_streams
from deepvanet.store import Rows

Epoch = Literal["chosen", "last"]
ALL_GOALS: tuple[GoalKind, ...] = get_args(GoalKind)
Context = Literal["segment", "trial"]
"""What must be scored together: the score of a segment depends on it alone, or
all segments of its trial are needed."""

FitPlan = Mapping[str, int]
"""What a fit with epochs chose: its optimiser steps, and all else that is fitted
again, by name."""


@dataclass(frozen=True)
class Traits:
    """What a learner is like, as far as others must know.

    Attributes
    ----------
    streams : tuple of Stream
        Those that it can read.
    needs : tuple of tuple of Stream
        Of each group it needs at least one.
    reads_streams : bool
        Whether scores depend on the streams at all.
    has_epochs : bool
        Whether there is an epoch to choose.
    takes_offsets : bool
        Whether training starts segments at random offsets where the settings say so.
    spans_trial : tuple of Stream
        The streams of which a row's features are computed from its whole trial, so
        that a trial cut into training and test gives one something of the other.
    adapts_to_test : bool
        Whether the rows that are scored together change the scores of other trials.
    adapts_to_new_subjects : tuple of Stream
        The streams by which they do so where a subject was not in training.
    is_quick : bool
        Whether a fit takes time with its rows only, about a second for 10,000 and
        ``n_fits``, so that a run may be repeated hundreds of times.
    n_fits : int
        How often rows are fitted in one fit: more than once where it chooses inside.
    growth : int
        With which power of its rows a fit's time grows.
    most_rows : int | None
        How many training rows a fit takes at most.
    knows_lost_channels : bool
        Whether a channel without a finite number is read as one of which nothing is
        known, so that the part of a channel is found by leaving it out.
    goals : tuple of str
        What it can predict.
    joins_targets : bool
        Whether one fit predicts several targets, so that ``score`` returns what it
        predicts of each side by side.
    follows_time : bool
        Whether rows of a trial get predictions of their own, so that it can follow a
        rating that moves.
    reads_any_length : bool
        Whether rows may differ in length, as whole trials do.
    joins_rows : bool
        Whether rows of a trial that are scored together are read as one example, or as
        some of several rows each.
    epochs : int | None
        Passes of training, where they are the learner's own and not the settings'.

    Examples
    --------
    >>> from deepvanet import Stream, Traits
    >>> traits = Traits(streams=(Stream.EEG,), goals=("high-low", "rating"))
    >>> traits.can_read("eeg"), traits.can_read("face+eeg")
    (True, False)
    """

    streams: tuple[Stream, ...] = tuple(Stream)
    needs: tuple[tuple[Stream, ...], ...] = ()
    reads_streams: bool = True
    has_epochs: bool = False
    takes_offsets: bool = False
    spans_trial: tuple[Stream, ...] = ()
    adapts_to_test: bool = False
    adapts_to_new_subjects: tuple[Stream, ...] = ()
    is_quick: bool = False
    n_fits: int = 1
    growth: int = 1
    most_rows: int | None = None
    knows_lost_channels: bool = True
    goals: tuple[GoalKind, ...] = ("high-low",)
    reads_any_length: bool = False
    joins_targets: bool = False
    follows_time: bool = True
    joins_rows: bool = False
    epochs: int | None = None

    def can_predict(self, goal: Goal) -> bool:
        """Say whether it can predict what is asked."""
        return goal.kind in self.goals and (self.follows_time or not goal.moves)

    def can_read(self, streams: str) -> bool:
        """Say whether it can read a stream set."""
        asked = set(parse_streams(streams))
        has_all = all(asked.intersection(group) for group in self.needs)
        return has_all and asked.issubset(self.streams)

    @property
    def stream_sets(self) -> tuple[str, ...]:
        """The stream sets that it can read."""
        return tuple(filter(self.can_read, list_within(self.streams)))

    def describe(self) -> str:
        """Say which stream sets it can read.

        Examples
        --------
        >>> Traits(streams=(Stream.EEG, Stream.GAZE)).describe()
        'any of eeg, gaze'
        >>> Traits(needs=((Stream.FACE,), (Stream.EEG, Stream.GAZE))).describe()
        'face with any of eeg, gaze'
        """
        if self.needs:
            return " with ".join(map(_list_any, self.needs))
        is_any = self.streams == tuple(Stream)
        return "any stream set" if is_any else _list_any(self.streams)

    def find_context(self, streams: Iterable[Stream]) -> Context:
        """Return what must be scored together where some streams are read."""
        wide = {*self.spans_trial, *self.adapts_to_new_subjects}
        is_wide = self.adapts_to_test or self.joins_rows or wide & set(streams)
        return "trial" if is_wide else "segment"


def _list_any(streams: Sequence[Stream]) -> str:
    names = ", ".join(streams)
    return names if len(streams) == 1 else f"any of {names}"


@dataclass(frozen=True)
class EpochRecord:
    """How a fit stood after an epoch.

    Attributes
    ----------
    epoch : int
        From 1.
    train_loss : float
        Mean over the training segments, as they were met.
    watched_loss : float | None
        Mean over the watched trials of the mean over each one's segments.
    watched_accuracy : float | None
        Fraction of the watched segments whose class was predicted; None of ratings.
    of_targets : tuple of float
        Of several targets the watched loss of each, whose mean ``watched_loss`` is;
        losses of training, and accuracies, are means over targets.
    """

    epoch: int
    train_loss: float
    watched_loss: float | None = None
    watched_accuracy: float | None = None
    of_targets: Annotated[tuple[float, ...], MAY_LACK] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as JSON can hold them."""
        values = asdict(self)
        if not self.of_targets:
            del values["of_targets"]
        return values


class Choice(StrEnum):
    """By what an epoch is chosen; of equals the earliest."""

    LAST = "last"
    LOSS = "loss"
    ACCURACY = "accuracy"


@runtime_checkable
class FittedLearner(Protocol):
    """A learner after fitting.

    Examples
    --------
    >>> import deepvanet
    >>> fitted = learner.fit(rows)  # doctest: +SKIP
    >>> isinstance(fitted, deepvanet.FittedLearner)  # doctest: +SKIP
    True
    >>> fitted.score(rows)  # doctest: +SKIP
    """

    @property
    def history(self) -> Sequence[EpochRecord]:
        """A record for each epoch; empty for a learner without epochs."""

    @property
    def chosen_epoch(self) -> int | None:
        """The number of the epoch, from 1, that ``score`` reads by default."""

    @property
    def choices(self) -> Mapping[str, float]:
        """What else was chosen or fitted and is worth a table: weights, sizes.

        A name that starts with ``last `` is of the reading at the last epoch.
        """

    @property
    def plan(self) -> FitPlan:
        """What ``refit`` takes; empty for a learner without epochs."""

    def score(
        self, rows: Rows, *, epoch: Epoch = "chosen"
    ) -> Float[np.ndarray, " row *class"]:
        """Return the prediction of each row, as the goal of its training rows says.

        Returns
        -------
        array, shape (row,) or (row, class)
            The probability of high, of each class, or the rating; of several targets
            (row, output), one after the other.
        """

    def save(self, folder: Path) -> None:
        """Write a folder of safetensors and JSON, whole or not at all."""


@runtime_checkable
class AnswersTargets(Protocol):
    """A fitted learner of several targets, each of which it can answer alone."""

    def take_target(self, place: int) -> FittedLearner:
        """Return what answers one of the targets, in the order of the goal's parts.

        Raises
        ------
        UserError
            When it was not fitted for so many.
        """


@runtime_checkable
class Learner(Protocol):
    """Something that can be fitted.

    Examples
    --------
    >>> from deepvanet import Learner

    A class with ``traits`` and ``fit`` is one:

    >>> class Half:
    ...     traits = Traits()
    ...     def fit(self, train, *, watch=None, choose=None, unit=None):
    ...         return lambda rows: np.full(len(rows), 0.5)
    >>> isinstance(Half(), Learner)
    True
    """

    @property
    def traits(self) -> Traits:
        """What it is like; the same for all fits."""

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,
        choose: Choice = Choice.LAST,
        unit: str = "trial",
    ) -> FittedLearner:
        """Fit on rows.

        Parameters
        ----------
        train : Rows
            Rows with labels.
        watch : Rows | None
            Rows that are scored after each epoch.
        choose : Choice
            Which epoch ``score`` reads by default; all but the last need ``watch``.
        unit : str
            What the protocol never splits. A learner that divides its training
            rows further keeps it whole too.

        Returns
        -------
        FittedLearner
            Scores rows.
        """


@runtime_checkable
class EpochLearner(Learner, Protocol):
    """A learner with epochs: what was chosen in a first fit is fitted again."""

    def refit(
        self, train: Rows, *, plan: FitPlan, unit: str = "trial"
    ) -> FittedLearner:
        """Fit on more rows, without looking at others.

        Parameters
        ----------
        plan : mapping
            Of a fit of the same learner that chose its epoch: as many optimiser steps
            are made as it took up to there, with all else that it chose.
        """


@runtime_checkable
class SelfScheduled(Protocol):
    """A learner that is trained as its authors did: it knows its steps itself."""

    def count_steps(self, train: Rows) -> int:
        """Return the optimiser steps of a fit whose epoch nothing chooses."""


@runtime_checkable
class CompositeLearner(Protocol):
    """A learner that trains others: what its fits cost is known from theirs."""

    def list_trainings(self, streams: Sequence[Stream]) -> Sequence["Training"]:
        """Say what is trained in a fit on a stream set."""


@dataclass(frozen=True)
class Training:
    """A learner that another one trains.

    Attributes
    ----------
    name : str
        What distinguishes its costs from those of others, on the same streams.
    times : float
        How many times all training rows pass through it, for each time that they pass
        through the learner.
    """

    name: str
    learner: Learner
    streams: tuple[Stream, ...]
    times: float = 1.0


@runtime_checkable
class MakeLearner(Protocol):
    """What makes a learner; those that need neither weights nor a seed ignore them."""

    def __call__(
        self, settings: NetworkSettings, seed: int, face_weights: Path | None = None, /
    ) -> Learner:
        """Make it."""


def choose_epoch(history: Sequence[EpochRecord], choice: Choice | int) -> int:
    """Return the number of the epoch that a rule chooses; a number chooses itself.

    Examples
    --------
    >>> history = [EpochRecord(1, 0.7, 0.6, 0.5), EpochRecord(2, 0.5, 0.6, 0.8)]
    >>> choose_epoch(history, Choice.LOSS), choose_epoch(history, Choice.ACCURACY)
    (1, 2)
    """
    if isinstance(choice, int):
        return choice
    merit = _MERIT[choice]
    merits = [merit(record) for record in history]
    if any(np.isnan(merits)):
        raise ValueError(f"{choice} chooses an epoch by rows that are watched")
    return history[int(np.argmax(merits))].epoch  # argmax takes the first of equals


def _number(value: float | None) -> float:
    return np.nan if value is None else value


_MERIT: Mapping[Choice, Callable[[EpochRecord], float]] = {
    Choice.LAST: lambda record: record.epoch,
    Choice.LOSS: lambda record: -_number(record.watched_loss),
    Choice.ACCURACY: lambda record: _number(
        -_number(record.watched_loss)  # of ratings
        if record.watched_accuracy is None
        else record.watched_accuracy
    ),
}
