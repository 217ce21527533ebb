"""What a run will cost, before it is begun: fits, hours, disk.

A network of each stream set is trained for a few steps on the store itself, on as
many threads as a fit will have; everything else is multiplied from that. Learners
that are no networks take little beside one and are counted as fits only, and so are
permutations that nobody asked for.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from deepvanet.config import EvaluateSettings, Execution, NetworkSettings
from deepvanet.evaluation.asking import check_settings
from deepvanet.evaluation.fits import list_learners
from deepvanet.evaluation.parts import Part, cut_parts, walk
from deepvanet.learners.network import NetworkLearner
from deepvanet.protocols.folds import INNER_FOLDS, Fold
from deepvanet.schema import BIO, PRIORS, STREAM_SETS, Stream
from deepvanet.store import Rows, SegmentStore, open_store

N_STEPS = 3
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
            f"estimate: {self.n_fits:,} fits, {_say_hours(self.hours)} of one process "
            f"({_say_hours(self.hours / jobs)} with --jobs {jobs}), "
            f"{self.n_bytes / 1e6:,.1f} MB of results"
        )


def estimate_run(
    store_path: Path,
    settings: EvaluateSettings,
    *,
    measured: dict[tuple[Stream, ...], float] | None = None,
) -> Estimate:
    """Estimate a run from a few steps of training on its store.

    Parameters
    ----------
    measured : dict, optional
        Seconds that a segment takes in an epoch, by streams, as measured before on
        this store; gets what is measured now.

    Raises
    ------
    UserError
        When the settings do not fit the store.
    """
    store = open_store(store_path)
    settings = check_settings(settings, store)
    parts = cut_parts(store, settings)

    known = {} if measured is None else measured

    def measure(streams: tuple[Stream, ...]) -> float:
        if streams not in known:
            known[streams] = _time_step(store, streams, settings.network)
        return known[streams]

    n_fits, seconds, n_rows = 0, 0.0, 0
    for part, fold in walk(parts):
        learners = list_learners(settings, part.streams)
        is_honest = any(protocol.kind == "honest" for protocol in part.protocols)
        n_draws = max(settings.permutations, 0) if is_honest else 0
        n_fits += len(learners) + n_draws * len(set(learners).difference(PRIORS))
        n_rows += len(fold.test) * len(learners) * len(part.protocols)
        work = (1 + n_draws) * _count_passes(fold, settings.network)
        for learner in learners:
            for streams, times in _list_trainings(learner, part, settings.network):
                seconds += work * times * measure(streams)
    return Estimate(n_fits, seconds / 3600, n_rows * BYTES_OF_A_PREDICTION)


def _count_passes(fold: Fold, settings: NetworkSettings) -> int:
    """Return how many segments pass through training, at most, in all fits of a fold.

    A fit that follows a choice of the epoch takes no more steps than the first one.
    """
    fits = [fold.sized_as or len(fold.train)]
    if len(fold.first):
        fits = [len(fold.first), len(fold.first)]
    if settings.steps:
        return len(fits) * settings.steps * settings.batch_size
    return sum(fits) * settings.epochs


def _list_trainings(
    learner: str, part: Part, settings: NetworkSettings
) -> list[tuple[tuple[Stream, ...], float]]:
    """Say which networks a learner trains, and how many times all training rows."""
    streams = STREAM_SETS[part.streams]
    kind = learner.partition(":")[0]
    if kind == "network":
        n_cells = 1
        if learner == "network":
            face = len(settings.grid_face) if Stream.FACE in streams else 0
            bio = len(settings.grid_bio) if set(streams) & set(BIO) else 0
            n_cells = max(face, 1) * max(bio, 1)
        return [(streams, float(n_cells))]
    if kind == "decision-fusion":
        is_fitted = not learner.endswith(("published", "mean-logit"))
        times = 1.0 + (INNER_FOLDS - 1 if is_fitted else 0)
        members = ((Stream.FACE,), tuple(s for s in streams if s is not Stream.FACE))
        return [(member, times) for member in members]
    return []


def _time_step(
    store: SegmentStore,
    streams: tuple[Stream, ...],
    settings: NetworkSettings,
) -> float:
    """Return the seconds that a segment takes in an epoch of training."""
    numbers = store.rows_with(streams)[: N_STEPS * settings.batch_size]
    label = np.arange(len(numbers)) % 2
    rows = Rows(store, numbers, streams, label)
    learner = NetworkLearner(replace(settings, epochs=1), 0)
    learner.fit(rows.take(np.arange(min(2, len(rows)))))  # what only the first pays
    start = time.perf_counter()
    learner.fit(rows)
    return (time.perf_counter() - start) / len(rows)


def _say_hours(hours: float) -> str:
    if hours >= 1:
        return f"{hours:,.1f} h"
    return f"{60 * hours:.1f} min" if hours >= 1 / 60 else f"{3600 * hours:.0f} s"
