"""What a run will cost, before it is begun: fits, hours, disk.

Each learner that reads a stream set is fitted on a few rows of the store itself, for a
few steps or on some trials, on as many threads as a fit will have; all else is
multiplied from that. Priors are counted as fits only, and so are permutations that were
not asked for.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from deepvanet.config import EvaluateSettings, Execution, NetworkSettings
from deepvanet.evaluation.asking import check_settings
from deepvanet.evaluation.fits import list_learners
from deepvanet.evaluation.parts import cut_parts, walk
from deepvanet.learners import find_record
from deepvanet.learners.learner import CompositeLearner, Learner, Training
from deepvanet.learners.making import find_learner
from deepvanet.protocols.folds import Fold
from deepvanet.schema import PRIORS, Stream, parse_streams
from deepvanet.store import Rows, SegmentStore, number_trials, open_store

N_STEPS = 3
N_TRIALS = 20
"""Of a learner without epochs, or whose example is several rows: as many are timed."""
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
        jobs = execution.jobs
        return (
            f"estimate: {self.n_fits:,} fits, {say_hours(self.hours)} of one process "
            f"({say_hours(self.hours / jobs)} of {jobs} side by side), "
            f"{self.n_bytes / 1e6:,.1f} MB of results"
        )


@dataclass(frozen=True)
class FitCost:
    """What a fit took.

    Attributes
    ----------
    seconds : float
        Of a fit on ``n_rows`` rows, or of one epoch on them.
    growth : int
        With which power of the rows it grows.
    first_s : float
        Of measuring a row, which is done once.
    """

    seconds: float
    n_rows: int
    growth: int = 1
    first_s: float = 0.0

    def find_seconds(self, n_rows: int) -> float:
        """Return what a fit on other rows takes."""
        return self.seconds * (n_rows / self.n_rows) ** self.growth


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
    parts = cut_parts(store, settings)

    known = {} if measured is None else measured
    n_fits, seconds, n_rows, paid = 0, 0.0, 0, set()
    for part, fold in walk(parts):
        learners = list_learners(settings, part.streams)
        is_honest = any(protocol.kind == "honest" for protocol in part.protocols)
        n_permutations = max(settings.permutations, 0) if is_honest else 0
        n_fits += len(learners) + n_permutations * len(set(learners).difference(PRIORS))
        n_tables = len(learners) * len(part.protocols) * len(part.split())
        n_rows += len(fold.test) * n_tables
        for learner in learners:
            for training in _list_trainings(learner, part.streams, settings):
                key = training.name, training.streams
                if key not in known:
                    known[key] = _time_fit(store, training, settings.network)
                cost = known[key]
                network = replace(
                    settings.network, epochs=_find_epochs(learner, settings.network)
                )
                once = _count_rows(training, fold, network)
                seconds += (
                    (1 + n_permutations) * training.times * cost.find_seconds(once)
                )
                if key not in paid:
                    seconds += cost.first_s * len(store.table)
                paid.add(key)
    return Estimate(n_fits, seconds / 3600, n_rows * BYTES_OF_A_PREDICTION)


def _list_trainings(
    name: str, streams: str, settings: EvaluateSettings
) -> Sequence[Training]:
    """Say what a learner trains, each with one epoch; nothing of a prior."""
    network = replace(settings.network, epochs=1, steps=0)
    learner = find_learner(name)(network, 0)
    if isinstance(learner, CompositeLearner):
        return learner.list_trainings(parse_streams(streams))
    if not learner.traits.reads_streams:
        return ()
    return (Training(find_record(name).name, learner, parse_streams(streams)),)


def _find_epochs(name: str, settings: NetworkSettings) -> int:
    """Return the epochs of a fit: the learner's own, or those of the settings."""
    return find_learner(name)(settings, 0).traits.epochs or settings.epochs


def _count_rows(training: Training, fold: Fold, settings: NetworkSettings) -> int:
    """Return how many segments pass through training, at most, in all fits of a fold.

    A fit that follows a choice of the epoch takes no more steps than the first one.
    """
    traits = training.learner.traits
    if not traits.has_epochs:
        return min(len(fold.train), traits.most_rows or len(fold.train))
    fits = [fold.sized_as or len(fold.train)]
    if len(fold.first):
        fits = [len(fold.first), len(fold.first)]
    if settings.steps:
        return len(fits) * settings.steps * settings.batch_size
    return sum(fits) * settings.epochs


def _time_fit(
    store: SegmentStore, training: Training, settings: NetworkSettings
) -> FitCost:
    """Time a fit of one epoch on a few rows, or on all of some trials.

    An example of several rows is timed on trials, since a few rows make hardly one.
    """
    learner, traits = training.learner, training.learner.traits
    numbers = store.rows_with(training.streams)
    by_trials = traits.joins_rows or not traits.has_epochs
    if not by_trials:
        numbers = numbers[: N_STEPS * settings.batch_size]
        rows = Rows(store, numbers, training.streams, np.arange(len(numbers)) % 2)
        few = rows.take(np.arange(min(2, len(rows))))
    else:
        trial = number_trials(store.table.iloc[numbers])
        numbers, trial = numbers[trial < N_TRIALS], trial[trial < N_TRIALS]
        rows = Rows(store, numbers, training.streams, trial % 2)
        few = rows.take(trial < 2)
    learner.fit(few)  # what only the first pays
    first_s = _time(learner, rows)
    if not by_trials:
        return FitCost(first_s, len(rows))
    again_s = _time(learner, rows)  # features of rows are kept
    return FitCost(
        again_s, len(rows), traits.growth, max(first_s - again_s, 0) / len(rows)
    )


def _time(learner: Learner, rows: Rows) -> float:
    start = time.perf_counter()
    learner.fit(rows)
    return time.perf_counter() - start


def say_hours(hours: float) -> str:
    """Write a length of time in the unit that suits it.

    Examples
    --------
    >>> say_hours(1.5), say_hours(0.25), say_hours(0.001)
    ('1.5 h', '15.0 min', '4 s')
    """
    if hours >= 1:
        return f"{hours:,.1f} h"
    return f"{60 * hours:.1f} min" if hours >= 1 / 60 else f"{3600 * hours:.0f} s"
