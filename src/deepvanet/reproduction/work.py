"""Say what is left to do and what it takes, then do it."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from deepvanet.config import Execution, Segmenting
from deepvanet.evaluation import estimate_run, evaluate
from deepvanet.evaluation.estimate import Estimate, Measured
from deepvanet.execution import run_tasks, say_hours
from deepvanet.files import make_folder, remove_unfinished
from deepvanet.learners.published_systems import SYSTEMS
from deepvanet.reproduction.features import FeatureFit, count_folds, fit_features
from deepvanet.reproduction.fig3 import FeaturePanel, name_features_folder
from deepvanet.reproduction.plans import RunPlan

SHORT_HOURS = 20 / 3600
"""A process takes some seconds to start."""


def estimate_work(
    runs: Path, plans: Sequence[RunPlan], shown: Sequence[FeaturePanel]
) -> dict[str, Estimate]:
    """Estimate what is not finished, by the names of runs and of files of features.

    A few steps of training are timed on each store, for each stream set.
    """
    measured: dict[tuple[str, Segmenting], Measured] = {}
    found = {
        plan.name: estimate_run(
            plan.given.path,
            plan.settings,
            measured=measured.setdefault(_name_cut(plan), {}),
        )
        for plan in plans
        if not plan.obstacle and not _is_finished(runs, plan)
    }
    for one in shown:
        if _is_waiting(runs, one):
            known = measured.setdefault(_name_cut(one), {})
            found[one.file] = _estimate_features(one, known)
    return found


def _name_cut(one: RunPlan | FeaturePanel) -> tuple[str, Segmenting]:
    """Return of which store, cut in which way, costs are measured together."""
    return one.given.key, one.settings.segmenting


def describe_work(
    estimates: Mapping[str, Estimate], plans: Sequence[RunPlan], *, execution: Execution
) -> Iterator[str]:
    """Say what is finished, what is left, and how long that will take."""
    possible = [plan for plan in plans if not plan.obstacle]
    n_finished = sum(plan.name not in estimates for plan in possible)
    finished = f"{n_finished} of {len(possible)} runs are finished"
    if not possible:
        finished = "no run can be had" if plans else "no run is needed"
    if not estimates:
        yield f"{finished}: nothing is left to fit"
        return
    yield sum(estimates.values(), Estimate(0, 0.0, 0)).line(execution)
    yield from _describe_systems(estimates, plans)
    yield (
        "an estimate: a few steps of training were timed on each store and multiplied; "
        f"{finished}, fits that unfinished runs have already are counted again. "
        "Interrupt at any moment, and run the same command again to go on"
    )


def _describe_systems(
    estimates: Mapping[str, Estimate], plans: Sequence[RunPlan]
) -> Iterator[str]:
    """Say what the systems of other studies take, in one line."""
    nothing = Estimate(0, 0.0, 0)
    of_each: dict[str, Estimate] = {}
    for plan in plans:
        (learner, *others) = plan.settings.learners
        if plan.name in estimates and learner in SYSTEMS and not others:
            of_each[learner] = of_each.get(learner, nothing) + estimates[plan.name]
    if of_each:
        said = [f"{name} {say_hours(one.hours)}" for name, one in of_each.items()]
        yield f"of that: {', '.join(said)}"


def _estimate_features(one: FeaturePanel, measured: Measured) -> Estimate:
    """Estimate one fit: a fold's share of a run."""
    store, settings = one.given.path, one.settings
    whole = estimate_run(store, settings, measured=measured)
    n_folds = count_folds(one.given.store, settings)
    return Estimate(1, whole.hours / n_folds, whole.n_bytes // n_folds)


def do_work(
    runs: Path,
    plans: Sequence[RunPlan],
    shown: Sequence[FeaturePanel],
    estimates: Mapping[str, Estimate],
    *,
    execution: Execution,
    face_weights: Path | None,
) -> Iterator[str]:
    """Make or complete every run that can be had; yield a line for each.

    Parameters
    ----------
    runs : Path
        Folder of the runs, which may hold some already.
    plans : sequence of RunPlan
        All that are needed; finished ones are not fitted again.
    shown : sequence of FeaturePanel
        The models of Fig. 3.
    estimates : mapping
        What ``estimate_work`` returned; short runs stay in this process.
    execution : Execution
        Where fits run, and how many at once.
    face_weights : Path | None
        Where the face trunk starts; None: from fresh weights.

    Yields
    ------
    str
        What was done, or why it was left out.
    """
    for plan in plans:
        if plan.obstacle:
            yield f"{plan.name}: left out: {plan.obstacle}"
            continue
        began = time.monotonic()
        done = evaluate(
            plan.given.path,
            runs / plan.name,
            settings=plan.settings,
            execution=_shrink(execution, estimates.get(plan.name)),
            face_weights=face_weights,
        )
        new = done.n_fits - done.n_fits_before
        yield f"{plan.name}: {new} new fits of {done.n_fits}{_say_since(began, new)}"
    yield from _do_features(runs, shown, execution, face_weights)


def _shrink(execution: Execution, estimate: Estimate | None) -> Execution:
    """Keep a short run in this process: it is over before others have started.

    The workers of a cluster are held from run to run, and may have GPUs.
    """
    if execution.executor != "local":
        return execution
    is_short = estimate is None or estimate.hours < SHORT_HOURS
    return replace(execution, jobs=1) if is_short else execution


def _do_features(
    runs: Path,
    shown: Sequence[FeaturePanel],
    execution: Execution,
    face_weights: Path | None,
) -> Iterator[str]:
    waiting = []
    for one in shown:
        folder = make_folder(runs / name_features_folder(one.given.key))
        remove_unfinished(folder)
        if _is_waiting(runs, one):
            file = folder / one.file
            waiting.append(FeatureFit(one.given.path, one.settings, face_weights, file))
    for _ in run_tasks(fit_features, waiting, execution=execution, what="features"):
        pass
    if shown:
        n_possible = sum(not one.obstacle for one in shown)
        yield f"features: {len(waiting)} new fits of {n_possible}"


def _is_finished(runs: Path, plan: RunPlan) -> bool:
    # evaluate writes its predictions last
    return (runs / plan.name / "predictions.csv").is_file()


def _is_waiting(runs: Path, one: FeaturePanel) -> bool:
    file = runs / name_features_folder(one.given.key) / one.file
    return not one.obstacle and not file.is_file()


def _say_since(began: float, n_new: int) -> str:
    return f", {time.monotonic() - began:.0f} s" if n_new else ""
