"""What a run will cost, before it is begun: fits, hours, disk.

Each learner that reads a stream set is fitted on a few rows of the store itself, on as
many threads as a fit will have: for one epoch and for three, or on some trials, so that
what a fit takes once and what grows with its rows are known apart. All else is
multiplied from that. Priors are counted as fits only, and so are permutations that were
not asked for.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from deepvanet.config import EvaluateSettings, Execution, NetworkSettings
from deepvanet.evaluation.asking import check_settings
from deepvanet.evaluation.fits import list_learners
from deepvanet.evaluation.parts import Part, cut_parts, walk
from deepvanet.execution import say_work
from deepvanet.learners import find_record
from deepvanet.learners.learner import (
    CompositeLearner,
    FittedLearner,
    Learner,
    MakeLearner,
    Training,
    Traits,
)
from deepvanet.learners.making import find_learner
from deepvanet.protocols.folds import Fold
from deepvanet.schema import HIGH_OR_LOW, PRIORS, Goal, Stream, parse_streams
from deepvanet.store import Rows, SegmentStore, number_trials, open_store

N_STEPS = 3
N_TRIALS = 20
"""Of a learner without epochs, or whose example is several rows: as many are timed."""
FEW, MORE = 1, 3
"""Epochs that are timed; their difference is what epochs take."""
SHORT_S = 5.0
"""Of an epoch that takes longer one is timed, since all else is little beside it."""
REFIT = 0.5
"""Share of the steps of a fit that is made again, for as many epochs as were chosen: it
is between none and all."""
SECONDS_OF_A_FOLD = 0.02
"""Of dealing it, and of the priors, for each fold."""
BYTES_OF_A_PREDICTION = 90
"""Of a row of ``predictions.csv`` and its share of a fit's file and of the others."""


@dataclass(frozen=True)
class Estimate:
    """What a run will cost.

    Attributes
    ----------
    hours : float
        Of one process.
    """

    n_fits: int
    hours: float
    n_bytes: int

    def __add__(self, other: "Estimate") -> "Estimate":
        return Estimate(
            self.n_fits + other.n_fits,
            self.hours + other.hours,
            self.n_bytes + other.n_bytes,
        )

    def line(self, execution: Execution) -> str:
        """Say it in a sentence."""
        return (
            f"estimate: {self.n_fits:,} fits, {say_work(self.hours, execution)}, "
            f"{self.n_bytes / 1e6:,.1f} MB of results"
        )


@dataclass(frozen=True)
class FitCost:
    """What a fit took.

    Attributes
    ----------
    seconds : float
        Of a fit on ``n_rows`` rows, or of one epoch on them, without its start.
    growth : int
        With which power of more rows it grows.
    first_s : float
        Of measuring a row, which is done once.
    cut_s : float
        Of measuring a part of a trial, in each fold that cuts it.
    start_s : float
        Of a fit, however few its rows.
    row_s, score_s : float
        Of reading a row to train on it, and of scoring one.
    """

    seconds: float
    n_rows: int
    growth: int = 1
    first_s: float = 0.0
    cut_s: float = 0.0
    start_s: float = 0.0
    row_s: float = 0.0
    score_s: float = 0.0

    def find_seconds(self, n_rows: int) -> float:
        """Return what a fit on other rows takes, without its start."""
        times = n_rows / self.n_rows
        return self.seconds * (times**self.growth if times > 1 else times)

    def find_work(self, work: "FitWork") -> float:
        """Return what the fits of a fold take.

        Examples
        --------
        >>> cost = FitCost(2.0, 100, start_s=1.0)
        >>> cost.find_work(FitWork(n_fits=2, n_read=200, n_trained=400, n_scored=0))
        10.0
        """
        return (
            work.n_fits * self.start_s
            + work.n_read * self.row_s
            + work.n_scored * self.score_s
            + self.find_seconds(work.n_trained)
        )


@dataclass(frozen=True)
class FitWork:
    """What the fits of a fold do.

    Attributes
    ----------
    n_read, n_trained, n_scored : int
        Rows: that fits are given, that pass through training, and that are scored.
    """

    n_fits: int
    n_read: int
    n_trained: int
    n_scored: int


Measured = dict[tuple[str, tuple[Stream, ...]], FitCost]
"""By learner and streams."""


def estimate_run(
    store_path: Path,
    settings: EvaluateSettings,
    *,
    measured: Measured | None = None,
) -> Estimate:
    """Estimate a run from a few steps of training on its store.

    Parameters
    ----------
    measured : dict, optional
        Costs of fits by learner and streams, as measured before on this store; gets
        what is measured now.

    Raises
    ------
    UserError
        When the settings do not fit the store.
    """
    store = open_store(store_path).cut(settings.segmenting)
    settings = check_settings(settings, store)
    clock = FitClock(store, settings.network, {} if measured is None else measured)

    n_fits, seconds, n_rows = 0, 0.0, 0
    for part, fold in walk(cut_parts(store, settings)):
        learners = list_learners(settings, part.streams)
        is_honest = any(protocol.kind == "honest" for protocol in part.protocols)
        n_permutations = max(settings.permutations, 0) if is_honest else 0
        n_fits += len(learners) + n_permutations * len(set(learners).difference(PRIORS))
        n_tables = len(learners) * len(part.protocols) * len(part.split())
        n_rows += len(fold.test) * n_tables
        seconds += SECONDS_OF_A_FOLD * len(part.split())
        for learner in learners:
            make = find_learner(learner)
            seconds += clock.find_seconds(learner, make, part, fold)
            if n_permutations:
                again_s = clock.find_seconds(learner, make, part, fold)
                seconds += n_permutations * again_s
    return Estimate(n_fits, seconds / 3600, n_rows * BYTES_OF_A_PREDICTION)


class FitClock:
    """Times fits on a store, each kind once, and says what those of a fold take.

    Parameters
    ----------
    store : SegmentStore
        Whose rows are fitted.
    settings : NetworkSettings
        Of the fits.
    measured : dict
        What was measured before; gets what is measured now.
    """

    def __init__(
        self, store: SegmentStore, settings: NetworkSettings, measured: Measured
    ) -> None:
        self.store = store
        self.settings = settings
        self.measured = measured
        self._paid: set[tuple[str, tuple[Stream, ...]]] = set()
        self._trial = number_trials(store.table)

    def find_seconds(
        self, name: str, make: MakeLearner, part: Part, fold: Fold
    ) -> float:
        """Return what the fits of a learner on a fold take; none of a prior.

        What only the first of them takes is returned once.

        Parameters
        ----------
        name : str
            Of the learner.
        make : callable
            What makes it.
        part : Part
            Whose fold it is.
        fold : Fold
            The rows.

        Returns
        -------
        float
            Seconds of one process.
        """
        seconds = 0.0
        network = replace(self.settings, epochs=_find_epochs(make, self.settings))
        for training, cost, first_s in self._list_costs(name, make, part.streams):
            work = _count_work(training, part, fold, network)
            seconds += training.times * cost.find_work(work)
            if _cuts_trials(part):
                seconds += cost.cut_s * self._count_parts(fold)
            seconds += first_s
        return seconds

    def _count_parts(self, fold: Fold) -> int:
        """Return how many trials train, and how many test."""
        sides = (self._trial[rows] for rows in (fold.train, fold.test))
        return sum(len(np.unique(side)) for side in sides)

    def find_one_fit(
        self,
        name: str,
        make: MakeLearner,
        streams: str,
        n_rows: int,
        *,
        share: float = 1.0,
    ) -> float:
        """Return what one fit takes, in which nothing is chosen.

        Parameters
        ----------
        name : str
            Of the learner.
        make : callable
            What makes it.
        streams : str
            The stream set.
        n_rows : int
            On how many rows.
        share : float
            Of all epochs.

        Returns
        -------
        float
            Seconds of one process.
        """
        seconds = 0.0
        network = replace(self.settings, epochs=_find_epochs(make, self.settings))
        for training, cost, first_s in self._list_costs(name, make, streams):
            n_trained = n_rows
            if training.learner.traits.has_epochs:
                n_trained = round(share * _count_passes(n_rows, network))
            work = FitWork(1, n_rows, n_trained, 0)
            seconds += training.times * cost.find_work(work) + first_s
        return seconds

    def _list_costs(
        self, name: str, make: MakeLearner, streams: str
    ) -> Iterator[tuple[Training, FitCost, float]]:
        """Yield what a learner trains, its cost, and what only the first fit takes."""
        few, more = (
            _list_trainings(name, make, streams, self.settings, n_epochs)
            for n_epochs in (FEW, MORE)
        )
        for training, longer in zip(few, more, strict=True):
            key = training.name, training.streams
            cost = self._find_cost(training, longer)
            is_paid = key in self._paid
            self._paid.add(key)
            yield (
                training,
                cost,
                0.0 if is_paid else cost.first_s * len(self.store.table),
            )

    def _find_cost(self, training: Training, longer: Training) -> FitCost:
        key = training.name, training.streams
        if key not in self.measured:
            self.measured[key] = _time_fit(
                self.store, training, longer.learner, self.settings
            )
        return self.measured[key]


def _list_trainings(
    name: str, make: MakeLearner, streams: str, settings: NetworkSettings, n_epochs: int
) -> Sequence[Training]:
    """Say what a learner trains, each with so many epochs; nothing of a prior."""
    learner = make(replace(settings, epochs=n_epochs, steps=0), 0)
    if isinstance(learner, CompositeLearner):
        return learner.list_trainings(parse_streams(streams))
    if not learner.traits.reads_streams:
        return ()
    return (Training(find_record(name).name, learner, parse_streams(streams)),)


def _find_epochs(make: MakeLearner, settings: NetworkSettings) -> int:
    """Return the epochs of a fit: the learner's own, or those of the settings."""
    return make(settings, 0).traits.epochs or settings.epochs


def _cuts_trials(part: Part) -> bool:
    """Say whether seconds of one trial train and test."""
    return any("trial" in protocol.leaks for protocol in part.protocols)


def _count_work(
    training: Training, part: Part, fold: Fold, settings: NetworkSettings
) -> FitWork:
    """Count what the fits of a fold do; a second one takes part of the steps."""
    traits = training.learner.traits
    n_train, n_test = len(fold.train), len(fold.test)
    if not traits.has_epochs:
        n_trained = min(n_train, traits.most_rows or n_train)
        return FitWork(1, n_train, n_trained, n_test)
    if len(fold.first):
        n_first, n_watched = len(fold.first), len(fold.validation)
        n_trained = _count_passes(n_first, settings)
        n_epochs = n_trained / n_first
        return FitWork(
            n_fits=2,
            n_read=n_first + n_train,
            n_trained=round((1 + REFIT) * n_trained),
            n_scored=n_test + round(n_watched * n_epochs),
        )
    n_trained = _count_passes(fold.sized_as or n_train, settings)
    n_watched = n_test if part.chooses_on_test else 0
    n_scored = n_test + round(n_watched * n_trained / n_train)
    return FitWork(1, n_train, n_trained, n_scored)


def _count_passes(n_rows: int, settings: NetworkSettings) -> int:
    """Return how many rows pass through training in a fit."""
    if settings.steps:
        return settings.steps * settings.batch_size
    return n_rows * settings.epochs


def _time_fit(
    store: SegmentStore,
    training: Training,
    longer: Learner,
    settings: NetworkSettings,
) -> FitCost:
    """Time fits of one epoch and of three on a few rows, or on all of some trials.

    An example of several rows is timed on trials, since a few rows make hardly one.
    """
    learner, traits = training.learner, training.learner.traits
    by_trials = traits.joins_rows or not traits.has_epochs
    if not by_trials:
        numbers = store.rows_with(training.streams)[: N_STEPS * settings.batch_size]
        rows = Rows(store, numbers, training.streams, np.arange(len(numbers)) % 2)
        few = rows.take(np.arange(min(2, len(rows))))
    else:
        rows = take_trials(store, training.streams, traits)
        few = rows.take(number_trials(rows.table) < 2)
    learner.fit(few)  # what only the first pays
    start_s, _ = _time(learner, few)
    whole_s, fitted = _time(learner, rows)
    first_s = cut_s = 0.0
    if by_trials:
        measured_s = whole_s
        whole_s, fitted = _time(learner, rows)  # features of rows are kept
        first_s = max(measured_s - whole_s, 0.0) / len(rows)
        cut = rows.take(np.flatnonzero(rows.table["segment"].to_numpy() % 4 > 0))
        if 0 < len(cut) < len(rows):
            more_s = max(_time(learner, cut)[0] - whole_s, 0.0)
            cut_s = more_s / len(np.unique(cut.trial))
    scored_s, _ = _measure(lambda: fitted.score(rows))
    start_s, seconds, row_s = min(start_s, whole_s), whole_s, 0.0
    if not traits.has_epochs:
        seconds = whole_s - start_s
    elif whole_s < SHORT_S:
        longer_s, _ = _time(longer, rows)
        seconds = min(max(longer_s - whole_s, 0.0) / (MORE - FEW), whole_s)
        row_s = max(whole_s - seconds - start_s, 0.0) / len(rows)
    return FitCost(
        seconds,
        len(rows),
        1 if traits.has_epochs else traits.growth,
        first_s,
        cut_s,
        start_s,
        row_s,
        scored_s / len(rows),
    )


def take_trials(
    store: SegmentStore, streams: tuple[Stream, ...], traits: Traits
) -> Rows:
    """Return the rows of some trials, with labels of two classes or of ratings.

    Parameters
    ----------
    store : SegmentStore
        The first trials of which are taken.
    streams : tuple of Stream
        That rows must have.
    traits : Traits
        Of the learner that is fitted on them.

    Returns
    -------
    Rows
        Labels alternate from trial to trial: what is learnt does not matter.
    """
    numbers = store.rows_with(streams)
    trial = number_trials(store.table.iloc[numbers])
    numbers, trial = numbers[trial < N_TRIALS], trial[trial < N_TRIALS]
    if traits.can_predict(HIGH_OR_LOW):
        return Rows(store, numbers, streams, trial % 2)
    return Rows(store, numbers, streams, 1.0 + trial % 5, goal=Goal("rating"))


def _time(learner: Learner, rows: Rows) -> tuple[float, FittedLearner]:
    return _measure(lambda: learner.fit(rows))


def _measure(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    made = work()
    return time.perf_counter() - start, made
