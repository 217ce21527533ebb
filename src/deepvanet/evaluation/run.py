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
    RUN/choices.csv       what else each fit chose: lengths, fusion weights
    RUN/permutations.csv  scores of learners that were permuted, ratings exchanged;
        permutations/*.npz  a few of these, kept when interrupted
    RUN/findings.json     what was odd or assumed in the recordings, from the store
    RUN/trials.csv        what the videos gave, from the store
    RUN/recordings.csv    what cleaning did to raw recordings, from the store;
        spectra.csv       their spectra before and after,
        excerpt.npz       ten seconds of where it did most
    RUN/face-weights.safetensors   where the face trunk started, if it was given
    RUN/environment.json  machine and packages
    RUN/failures.txt      what went wrong with fits that failed; gone once none does
"""

import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from deepvanet import results
from deepvanet.config import (
    AUTOMATIC,
    EvaluateSettings,
    Execution,
    claim_folder,
    digest,
    from_dict,
    to_dict,
)
from deepvanet.evaluation.asking import check_settings, list_lacking, list_left_out
from deepvanet.evaluation.controls import write_noise_store
from deepvanet.evaluation.estimate import estimate_run
from deepvanet.evaluation.fits import FoldJob, fit_task, plan_task
from deepvanet.evaluation.parts import cut_parts, is_trainable, walk
from deepvanet.evaluation.permutations import permute, plan_permutations
from deepvanet.evaluation.statement import (
    ARTEFACT_NOTES,
    BASELINE_NOTES,
    JOINT,
    NEIGHBOURS,
    OFFSETS,
    OVERLAP,
    have_offsets,
    state_sharing,
)
from deepvanet.evaluation.tables import collect_fits, list_segments, say_lags
from deepvanet.evaluation.widening import leave_lists, read_wider
from deepvanet.execution import FAILURES, run_tasks
from deepvanet.files import make_folder, remove_unfinished, whole_file
from deepvanet.findings import Finding, say_count, summarise, write_findings
from deepvanet.learners.face_start import FILE as FACE_WEIGHTS
from deepvanet.learners.face_start import keep_face_weights, name_face_weights
from deepvanet.learners.own import carry_own
from deepvanet.learners.own_sources import digest_sources, is_own
from deepvanet.learners.repeatable import settle_machine
from deepvanet.metrics import permutation_columns
from deepvanet.schema import TRAINED_WITH, UserError
from deepvanet.store import (
    SESSION,
    SegmentStore,
    digest_store,
    open_store,
    read_cleaning,
    read_store_findings,
)

__all__ = ["RunSummary", "estimate_run", "evaluate", "read_asked", "refit_control"]

_PACKAGES = ("deepvanet", "numpy", "pandas", "scikit-learn", "torch")


@dataclass(frozen=True)
class RunSummary:
    """A finished run.

    Attributes
    ----------
    n_fits, n_fits_before : int
        Fits the run is made of, and how many of them were finished before.
    cut, left_out, permuted : tuple of str
        Sentences: how trials were cut, and by how much ratings follow; what a learner
        was not asked; what was permuted.
    """

    run: Path
    n_predictions: int
    n_fits: int
    n_fits_before: int
    n_one_class: int
    cut: tuple[str, ...]
    left_out: tuple[str, ...]
    permuted: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    def lines(self) -> list[str]:
        """Say it in sentences."""
        run = (
            f"run: {self.run} ({say_count(self.n_predictions, 'prediction')} of "
            f"{say_count(self.n_fits, 'fit')}, {self.n_fits_before} of them finished "
            "before)"
        )
        said = [run, *self.cut]
        if self.n_one_class:
            said.append(
                f"{say_count(self.n_one_class, 'fold')} had one class in training: the "
                "test rows got the base rate"
            )
        found = (summarise(self.findings),) if self.findings else ()
        return [*said, *self.left_out, *self.permuted, *found]


def evaluate(
    store_path: Path,
    out: Path,
    *,
    settings: EvaluateSettings,
    execution: Execution,
    face_weights: Path | None = None,
) -> RunSummary:
    """Train and test under each protocol, or complete such a run.

    Parameters
    ----------
    store_path : Path
        Store of trials, as ``prepare`` wrote it.
    out : Path
        Folder of the run; new, or of a run of the same settings, or of a part of it:
        fewer protocols, targets, streams, learners, seeds or subjects. Its fits are
        kept.
    settings : EvaluateSettings
        What is evaluated, and how.
    execution : Execution
        How fits are run in parallel.
    face_weights : Path | None
        What the face trunk starts from, as ``pretrain`` or others wrote it.

    Returns
    -------
    RunSummary
        The folder, and what was counted in it.

    Raises
    ------
    UserError
        When the settings do not fit the store, or ``out`` holds another run, and not a
        part of this one.
    ProtocolViolation
        When a fold is not what its protocol's name says.
    TaskError
        When fits failed; the others are finished.
    """
    store = open_store(store_path).cut(settings.segmenting)
    settings = check_settings(settings, store)
    network = name_face_weights(settings.network, face_weights)
    settings = replace(settings, network=settle_machine(network))
    parts = cut_parts(store, settings)
    recipe = store.manifest.settings
    leakage = state_sharing(parts, settings, artefacts=recipe["artefacts"])
    notes = [BASELINE_NOTES[str(settings.baseline)], NEIGHBOURS]
    lacking = list_lacking(store, settings)
    notes += [JOINT] if any(TRAINED_WITH in part for part in leakage) else []
    notes += lacking
    notes += [OVERLAP] if store.is_overlapping else []
    notes += [OFFSETS] if have_offsets(leakage) else []
    notes += list(dict.fromkeys(part.gap.tell() for part in parts if part.gap))
    notes += [ARTEFACT_NOTES[a] for a in (recipe["artefacts"],) if a in ARTEFACT_NOTES]
    plan = plan_permutations(parts, leakage, settings)
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
    # a run may be given more permutations: its fits do not depend on them
    free = {"format": results.RUN_FORMAT, "permutations": settings.permutations}
    claim_folder(
        out, described, what="run", free=free, read=partial(read_wider, described)
    )
    kept = keep_face_weights(out, face_weights)

    of_fits = digest(leave_lists(described))
    tasks = [
        plan_task(part, fold, out, settings, of_fits) for part, fold in walk(parts)
    ]
    n_before = sum(f.is_file() for task in tasks for f in task.files.values())
    waiting = [
        task for task in tasks if not all(f.is_file() for f in task.files.values())
    ]
    _fit_waiting(store, out, settings, execution, kept, waiting)

    collected = collect_fits(parts, tasks, settings)
    stated = [SESSION] if SESSION in store.table else []
    results.write_table(
        out / "segments.csv",
        list_segments(parts),
        [*results.SEGMENT_COLUMNS, *stated],
    )
    for name, table, columns in (
        ("history.csv", collected.history, results.HISTORY_COLUMNS),
        ("choices.csv", collected.choices, results.CHOICE_COLUMNS),
    ):
        results.write_table(out / name, [table], columns)
    lags = say_lags(collected.choices, settings.longest_lag)
    notes += [f"{said[0].upper()}{said[1:]}." for said in lags]
    results.write_leakage(out / "leakage.json", notes=notes, parts=leakage)
    trials = _pick(store.trials, settings)
    results.write_table(out / "trials.csv", [trials], trials.columns.tolist())
    _copy_cleaning(store, out, settings)
    findings = read_store_findings(store.path)
    write_findings(out, findings)
    results.write_json(out / "environment.json", _describe_machine())
    results.write_predictions(out / "predictions.csv", collected.predictions)
    # after the predictions: a run may be read while it is permuted for days
    permutations = permute(
        store,
        out,
        plan,
        settings,
        run=digest(described),
        execution=execution,
        face_weights=kept,
    )
    _write_permutations(out / "permutations.csv", permutations, settings.task)
    return RunSummary(
        run=out,
        n_predictions=len(collected.predictions),
        n_fits=sum(len(task.files) for task in tasks),
        n_fits_before=n_before,
        n_one_class=sum(
            not is_trainable(one, fold)
            for part, fold in walk(parts)
            for one in part.split()
        ),
        cut=(*store.lines(), *lags),
        left_out=(*list_left_out(settings), *lacking),
        permuted=tuple(plan.lines()),
        findings=findings,
    )


def refit_control(
    run: Path, store_path: Path, out: Path, *, execution: Execution
) -> Path:
    """Do a run again on shuffled labels, or complete it; return its folder.

    Parameters
    ----------
    run : Path
        Folder of a finished run.
    store_path : Path
        The store that it was made with.
    out : Path
        Folder of the control.
    execution : Execution
        How fits are run in parallel.

    Returns
    -------
    Path
        ``out``, as given.

    Raises
    ------
    UserError
        When there is no run, or it was made with another store.
    """
    results.open_run(run)  # is finished
    asked, weights = read_asked(run / "settings.toml", store_path)
    asked = replace(asked, control="shuffled-labels", permutations=AUTOMATIC)
    evaluate(store_path, out, settings=asked, execution=execution, face_weights=weights)
    return out


def read_asked(file: Path, store_path: Path) -> tuple[EvaluateSettings, Path | None]:
    """Return what was asked of a run: settings, and where its face weights are.

    Parameters
    ----------
    file : Path
        The run's ``settings.toml``; face weights lie beside it.

    Raises
    ------
    UserError
        When the settings cannot be used, or belong to another store.
    """
    there = results.read_run_settings(file)
    if there.get("store_digest") != digest_store(open_store(store_path)):
        raise UserError(f"{file}: is of another store than {store_path}")
    try:
        values = {**there["evaluate"], "permutations": there["permutations"]}
        asked = from_dict(EvaluateSettings, values)
    except UserError as error:
        raise UserError(f"{file}: {error}") from None
    except KeyError as error:
        raise UserError(f"{file}: {error} is missing") from None
    for name in there.get("own_learners", {}):
        if not is_own(name):
            raise UserError(
                f"{file}: learner {name} was an object of Python, which the file does "
                "not hold: evaluate from Python, with learners=[...]"
            )
    if not asked.network.face_weights:
        return asked, None
    weights = file.parent / FACE_WEIGHTS
    if not weights.is_file():
        raise UserError(f"{weights}: is missing, and the run started from it")
    return asked, weights


def _fit_waiting(
    store: SegmentStore,
    out: Path,
    settings: EvaluateSettings,
    execution: Execution,
    face_weights: Path | None,
    waiting: Sequence[FoldJob],
) -> None:
    """Fit what no finished fit is there for, on noise if that is the control."""
    path, noise = store.path, out / "noise"
    if settings.control == "noise" and waiting:
        seed = settings.seeds[0]
        path = write_noise_store(store, noise, seed=seed, execution=execution)
    work = carry_own(
        partial(fit_task, path, settings, face_weights),
        settings.learners,
        execution=execution,
    )
    for _ in run_tasks(
        work,
        waiting,
        execution=execution,
        what="evaluate",
        threads=settings.network.threads,
        failures=out / FAILURES,
    ):
        pass
    remove_unfinished(out / "fits")  # of machines that were lost
    shutil.rmtree(noise, ignore_errors=True)


def _write_permutations(path: Path, permutations: pd.DataFrame, task: str) -> None:
    if len(permutations):
        results.write_table(path, [permutations], permutation_columns(task))
    else:
        path.unlink(missing_ok=True)


def _describe(store: SegmentStore, settings: EvaluateSettings) -> dict[str, Any]:
    evaluated = to_dict(settings)
    del evaluated["permutations"]
    own = digest_sources(settings.learners)
    return {
        "dataset": store.manifest.dataset,
        "store_digest": digest_store(store),
        "prepare": dict(store.manifest.settings),
        "evaluate": evaluated,
        # a fit of other code is another fit
        **({"own_learners": dict(own)} if own else {}),
    }


def _pick(table: pd.DataFrame, settings: EvaluateSettings) -> pd.DataFrame:
    """Return the rows of the subjects asked for."""
    if settings.subjects:
        table = table[table["subject"].isin(settings.subjects)]
    return table


def _copy_cleaning(store: SegmentStore, out: Path, settings: EvaluateSettings) -> None:
    """Bring what the report says of cleaning into the run."""
    cleaning = read_cleaning(store.path, subjects=settings.subjects)
    if cleaning is None:
        return
    results.write_table(
        out / "recordings.csv", [cleaning.recordings], results.RECORDING_COLUMNS
    )
    results.write_table(
        out / "spectra.csv", [cleaning.spectra], results.SPECTRUM_COLUMNS
    )
    with (
        whole_file(out / "excerpt.npz") as unfinished,
        unfinished.open("wb") as stream,
    ):
        np.savez(stream, allow_pickle=False, **cleaning.excerpt)


def _describe_machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.platform(),
        "processor": platform.processor(),
        "packages": {name: version(name) for name in _PACKAGES},
    }
