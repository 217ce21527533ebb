"""What a bundle will cost, before anything of it is fitted."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from deepvanet.bundle.members import Member, find_maker
from deepvanet.bundle.planning import plan_bundle
from deepvanet.config import TrainSettings
from deepvanet.evaluation.estimate import (
    REFIT,
    SECONDS_OF_A_FOLD,
    Estimate,
    FitClock,
)
from deepvanet.learners.learner import MakeLearner
from deepvanet.schema import parse_streams
from deepvanet.store import Rows, SegmentStore, number_trials


def estimate_bundle(store_path: Path, settings: TrainSettings) -> Estimate:
    """Estimate a training from a few steps on its store.

    Parameters
    ----------
    store_path : Path
        Folder that ``prepare`` wrote.
    settings : TrainSettings
        What would be fitted.

    Returns
    -------
    Estimate
        Folds and final fits, and the size of what is kept.

    Raises
    ------
    UserError
        When the settings do not fit the store.
    """
    plan = plan_bundle(store_path, settings)
    make = find_maker(plan.settings)
    clock = FitClock(plan.store, plan.settings.network, {})
    n_fits, seconds, n_bytes = 0, 0.0, 0
    sizes: dict[str, int] = {}
    for member, folds in plan.folds.items():
        name, streams = settings.learner, member.streams
        n_rows = len(plan.store.rows_with(parse_streams(streams)))
        if folds.part is not None:
            n_rows = len(folds.part.table)
            for fold in folds.part.folds:
                seconds += clock.find_seconds(name, make, folds.part, fold)
                seconds += SECONDS_OF_A_FOLD
        share = 1.0 if folds.part is None else REFIT
        seconds += clock.find_one_fit(name, make, streams, n_rows, share=share)
        n_fits += len(folds) + 1
        if streams not in sizes:
            sizes[streams] = _measure_folder(plan.store, member, make, settings)
        n_bytes += sizes[streams]
    return Estimate(n_fits, seconds / 3600, n_bytes)


def _measure_folder(
    store: SegmentStore, member: Member, make: MakeLearner, settings: TrainSettings
) -> int:
    """Return the bytes of what a member saves, as fitted on two trials."""
    streams = parse_streams(member.streams)
    numbers = store.rows_with(streams)
    trial = number_trials(store.table.iloc[numbers])
    numbers, trial = numbers[trial < 2], trial[trial < 2]
    step = np.flatnonzero(np.diff(trial, prepend=-1) != 0)
    kept = step if settings.learner == "network" else np.arange(len(numbers))
    rows = Rows(store, numbers[kept], streams, trial[kept] % 2)
    with TemporaryDirectory() as folder:
        make(settings.network, settings.seed).fit(rows).save(Path(folder) / "fitted")
        files = Path(folder).rglob("*")
        return sum(file.stat().st_size for file in files if file.is_file())
