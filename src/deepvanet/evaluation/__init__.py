"""Protocol x learner x fold -> predictions, with what training and test shared.

A *part* of a run is one protocol, target and stream set; its folds are cut from
the rows that have the streams. One task fits every learner on one fold and saves
what each said of the test rows, so a finished fit is never trained again.
Protocols that cut the same folds are read from the same fits: ``paper`` takes the
last epoch, ``reference`` the one that did best on the test fold itself.

The folder::

    RUN/settings.toml     what was asked for, of which store
    RUN/fits/*.npz        one finished fit each
    RUN/predictions.csv   one row a test segment
    RUN/leakage.json      what training and test shared, checked from the rows
    RUN/segments.csv      fold by fold: which row trained, validated, tested
    RUN/history.csv       losses of each epoch
    RUN/trials.csv        what the videos gave, from the store
    RUN/environment.json  machine and packages
"""

import platform
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from deepvanet import results
from deepvanet.config import (
    EvaluateSettings,
    Execution,
    claim_folder,
    digest,
    to_dict,
)
from deepvanet.evaluation.fits import fit_task, list_learners, plan_task
from deepvanet.evaluation.parts import cut_parts, is_trainable, walk
from deepvanet.evaluation.statement import (
    BASELINE_NOTES,
    NEIGHBOURS,
    state_sharing,
)
from deepvanet.evaluation.tables import collect, list_segments
from deepvanet.execution import run_tasks
from deepvanet.files import make_folder, remove_unfinished
from deepvanet.learners import LEARNERS
from deepvanet.protocols import PROTOCOLS
from deepvanet.schema import STREAM_SETS, Target, UserError, pick
from deepvanet.store import (
    SegmentStore,
    digest_store,
    label_ratings,
    open_store,
    pick_subjects,
    read_trials,
)

_PACKAGES = ("deepvanet", "numpy", "pandas", "scikit-learn", "torch")


@dataclass(frozen=True)
class Evaluated:
    """A finished run.

    Attributes
    ----------
    n_fits, n_fits_before : int
        Fits the run is made of, and how many of them were finished before.
    """

    run: Path
    n_predictions: int
    n_fits: int
    n_fits_before: int
    n_one_class: int

    def lines(self) -> list[str]:
        """Say it in sentences."""
        run = (
            f"run: {self.run} ({self.n_predictions} predictions of {self.n_fits} "
            f"fits, {self.n_fits_before} of them finished before)"
        )
        said = [run]
        if self.n_one_class:
            said.append(
                f"{self.n_one_class} folds had one class in training: their test "
                "rows got the base rate"
            )
        return said


def evaluate(
    store_path: Path, out: Path, *, settings: EvaluateSettings, execution: Execution
) -> Evaluated:
    """Train and test under each protocol, or complete such a run.

    Raises
    ------
    UserError
        When the settings do not fit the store, or ``out`` holds another run.
    ProtocolViolation
        When a fold is not what its protocol's name says.
    """
    store = open_store(store_path)
    settings = _check_settings(settings, store)
    parts = cut_parts(store, settings)
    leakage = state_sharing(parts, settings)
    notes = [BASELINE_NOTES[store.manifest.settings["baseline"]], NEIGHBOURS]
    if not any(is_trainable(part, fold) for part, fold in walk(parts)):
        raise UserError(
            f"{store_path}: no subject can be scored: every training part holds one "
            "class only"
        )
    # only a run that can be made claims the folder
    make_folder(out / "fits")
    remove_unfinished(out)
    remove_unfinished(out / "fits")
    described = _describe(store, settings)
    claim_folder(out, described, what="run")

    tasks = [
        plan_task(part, fold, out, settings, digest(described))
        for part, fold in walk(parts)
    ]
    waiting = [
        task for task in tasks if not all(f.is_file() for f in task.files.values())
    ]
    work = partial(fit_task, store_path, settings)
    for _ in run_tasks(work, waiting, execution=execution, what="evaluate"):
        pass

    predictions, history = collect(parts, tasks)
    results.write_table(
        out / "segments.csv", list_segments(parts), results.SEGMENT_COLUMNS
    )
    results.write_table(out / "history.csv", [history], results.HISTORY_COLUMNS)
    results.write_leakage(out / "leakage.json", notes=notes, parts=leakage)
    trials = _pick_trials(store, settings)
    results.write_table(out / "trials.csv", [trials], trials.columns.tolist())
    results.write_json(out / "environment.json", _describe_machine())
    results.write_predictions(out / "predictions.csv", predictions)
    n_learners = len(list_learners(settings))
    return Evaluated(
        run=out,
        n_predictions=len(predictions),
        n_fits=len(tasks) * n_learners,
        n_fits_before=(len(tasks) - len(waiting)) * n_learners,
        n_one_class=sum(not is_trainable(p, f) for p, f in walk(parts)),
    )


def _check_settings(
    settings: EvaluateSettings, store: SegmentStore
) -> EvaluateSettings:
    """Return the settings with subjects named as the store names them."""
    for kind, names, known in (
        ("protocol", settings.protocols, PROTOCOLS),
        ("target", settings.targets, [*Target]),
        ("stream set", settings.streams, STREAM_SETS),
        ("learner", settings.learners, LEARNERS),
        ("scale", (settings.network.scale,), ["train", "none"]),
    ):
        if not names:
            raise UserError(f"{kind}: needs at least one of {', '.join(known)}")
        for name in names:
            pick(kind, name, known)
    label_ratings([], settings.label_rule)
    return replace(settings, subjects=pick_subjects(store, settings.subjects))


def _describe(store: SegmentStore, settings: EvaluateSettings) -> dict[str, Any]:
    return {
        "dataset": store.manifest.dataset,
        "store_digest": digest_store(store),
        "prepare": dict(store.manifest.settings),
        "evaluate": to_dict(settings),
    }


def _pick_trials(store: SegmentStore, settings: EvaluateSettings) -> pd.DataFrame:
    trials = read_trials(store.path)
    if settings.subjects:
        trials = trials[trials["subject"].isin(settings.subjects)]
    return trials


def _describe_machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.platform(),
        "processor": platform.processor(),
        "packages": {name: version(name) for name in _PACKAGES},
    }
