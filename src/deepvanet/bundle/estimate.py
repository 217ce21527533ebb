"""What a bundle will cost, before anything of it is fitted."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from deepvanet.bundle.members import find_maker, select_member
from deepvanet.bundle.planning import plan_bundle
from deepvanet.config import TrainSettings
from deepvanet.evaluation.estimate import (
    REFIT,
    SECONDS_OF_A_FOLD,
    Estimate,
    FitClock,
    take_trials,
)
from deepvanet.learners.learner import Learner
from deepvanet.schema import parse_streams
from deepvanet.store import SegmentStore, number_trials


def estimate_bundle(
    store_path: Path, settings: TrainSettings, face_weights: Path | None = None
) -> Estimate:
    """Estimate a training from a few steps on its store.

    Parameters
    ----------
    store_path : Path
        Folder that ``prepare`` wrote.
    settings : TrainSettings
        What would be fitted.
    face_weights : Path, optional
        What the face trunk would start from.

    Returns
    -------
    Estimate
        Folds and final fits, and the size of what is kept.

    Raises
    ------
    UserError
        When the settings do not fit the store.
    """
    plan = plan_bundle(store_path, settings, face_weights)
    make = find_maker(plan.settings)
    clock = FitClock(plan.store, plan.settings.network, {})
    n_fits, seconds, n_bytes = 0, 0.0, 0
    sizes: dict[str, int] = {}
    for member, folds in plan.folds.items():
        name, streams = settings.learner, member.streams
        n_rows = len(select_member(plan.store, plan.settings, member).table)
        if folds.part is not None:
            for fold in folds.part.folds:
                seconds += clock.find_seconds(name, make, folds.part, fold)
                seconds += SECONDS_OF_A_FOLD
        share = 1.0 if folds.part is None else REFIT
        seconds += clock.find_one_fit(name, make, streams, n_rows, share=share)
        n_fits += len(folds) + 1
        if streams not in sizes:
            learner = make(replace(plan.settings.network, epochs=1, steps=0), 0)
            sizes[streams] = _measure_folder(plan.store, streams, learner)
        n_bytes += sizes[streams]
    return Estimate(n_fits, seconds / 3600, n_bytes)


def _measure_folder(store: SegmentStore, streams: str, learner: Learner) -> int:
    """Return the bytes of what a learner saves, as fitted on a few trials."""
    traits = learner.traits
    rows = take_trials(store, tuple(parse_streams(streams)), traits)
    if traits.has_epochs and not traits.joins_rows:
        trial = number_trials(rows.table)
        rows = rows.take(np.flatnonzero(np.diff(trial, prepend=-1)))
    with TemporaryDirectory() as folder:
        learner.fit(rows).save(Path(folder) / "fitted")
        files = Path(folder).rglob("*")
        return sum(file.stat().st_size for file in files if file.is_file())
