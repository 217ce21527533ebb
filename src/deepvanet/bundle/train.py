"""Train on all rows of a store; keep and load a model with its recipe.

The folder::

    MODEL/README.md                          the model card, for people
    MODEL/bundle.json                        recipe, channels, rates, label rule, scores
    MODEL/networks/valence/face+bio/         one fitted learner: safetensors, JSON;
                                             of several targets at once in a folder
                                             named by all of them, valence+arousal
    MODEL/cross-validation/valence/face+bio/ one finished fold a file
    MODEL/face-weights.safetensors           where face trunks started, if given

Nothing in it is executed when it is loaded. A fold's file and a network's folder
appear whole or not at all, ``bundle.json`` last, so an interrupted training goes on.
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deepvanet.bundle.card import TrainedMember, summarise, write_card
from deepvanet.bundle.columns import check_targets
from deepvanet.bundle.levels import find_rest, measure_levels
from deepvanet.bundle.loading import (
    FORMAT,
    Answer,
    Bundle,
    Level,
    load_bundle,
    name_folder,
)
from deepvanet.bundle.members import (
    Member,
    as_evaluated,
    find_member_lag,
    list_left_out,
    make_learner,
    plan_members,
    select_member,
)
from deepvanet.bundle.validation import (
    MemberFolds,
    Validation,
    choose_protocol,
    find_plan,
    fit_fold,
    judge,
    name_fold,
    plan_folds,
)
from deepvanet.config import Execution, TrainSettings, claim_folder, to_dict
from deepvanet.evaluation.asking import (
    check_goal,
    check_joint,
    check_lengths,
    join_targets,
    list_lacking,
    name_sets,
)
from deepvanet.evaluation.fits import open_once
from deepvanet.evaluation.parts import open_task
from deepvanet.execution import run_tasks
from deepvanet.files import make_folder, remove_unfinished, write_text
from deepvanet.findings import Finding, write_findings
from deepvanet.learners.face_start import keep_face_weights, name_face_weights
from deepvanet.learners.lag import FoundLag
from deepvanet.learners.learner import EpochLearner, FitPlan, Learner
from deepvanet.learners.repeatable import settle_machine
from deepvanet.learners.training import count_steps
from deepvanet.schema import Channel, Goal, Stream, UserError, parse_streams
from deepvanet.store import (
    Rows,
    SegmentStore,
    digest_store,
    open_store,
    pick_subjects,
    read_store_findings,
)
from deepvanet.tasks import check_task, split_task

__all__ = ["Answer", "Bundle", "Level", "Validation", "load_bundle", "train_bundle"]

_log = logging.getLogger(__name__)


def train_bundle(
    store_path: Path,
    out: Path,
    *,
    settings: TrainSettings,
    execution: Execution,
    face_weights: Path | None = None,
) -> Bundle:
    """Fit a learner for each target and stream set on all rows of a store.

    Parameters
    ----------
    store_path : Path
        Folder that ``prepare`` wrote.
    out : Path
        Folder of the bundle; an interrupted training of the same settings goes on.
    settings : TrainSettings
        What is fitted, on which subjects, and whether it is cross-validated.
    execution : Execution
        Where and how folds and members are fitted.
    face_weights : Path | None
        What the face trunk starts from, as ``pretrain`` or others wrote it.

    Returns
    -------
    Bundle
        As loaded from ``out``.

    Raises
    ------
    UserError
        When the store lacks a stream or a class, its trials cannot be cut into such
        segments, the learner makes no bundle, or ``out`` holds another one.
    """
    store = open_store(store_path).cut(settings.segmenting)
    for line in store.say_lost():
        _log.warning("%s", line)
    check_task(
        settings.task,
        rule=settings.label_rule,
        classes=settings.classes,
        segment=settings.segment,
    )
    settings = replace(
        settings,
        targets=join_targets(settings),
        streams=name_sets(settings.streams, store),
    )
    members = plan_members(settings)
    check_lengths(as_evaluated(settings), store)
    reads_face = any(Stream.FACE in parse_streams(m.streams) for m in members)
    if store.segmenting.is_whole and reads_face:
        raise UserError(
            "trial: whole trials of different lengths are read from signals only; "
            "leave face out of the streams",
            field="segment",
        )
    _check_goals(store, settings)
    for line in list_lacking(store, as_evaluated(settings)):
        _log.warning("%s", line)
    for streams in list_left_out(settings):
        _log.warning("learner %s cannot read %s: left out", settings.learner, streams)
    network = name_face_weights(settings.network, face_weights)
    settings = replace(
        settings,
        network=settle_machine(network),
        subjects=pick_subjects(store, settings.subjects),
        segment=store.segmenting.segment_s,
        step=store.segmenting.step_s,
        baseline=store.segmenting.baseline,
    )
    described = {
        "format": FORMAT,
        "dataset": store.manifest.dataset,
        "is_raw": store.manifest.is_raw,
        "recipe": dict(store.manifest.settings),
        "training": to_dict(settings),
        "store_digest": digest_store(store),
        "channels": [asdict(channel) for channel in store.manifest.channels],
    }
    lags = {member: find_member_lag(store, settings, member) for member in members}
    rows = {
        member: select_member(store, settings, member, lag).open(store, member.streams)
        for member, lag in lags.items()
    }
    folds = {
        member: plan_folds(store, member, settings)
        if settings.cross_validate
        else MemberFolds(obstacle="it was not asked for")
        for member in members
    }
    make_folder(out)
    _remove_unfinished(out, members)
    claim_folder(out, described, what="bundle")
    kept = keep_face_weights(out, face_weights)
    _cross_validate(
        partial(fit_fold, store_path, out, settings, kept), out, folds, execution
    )
    plans = {m: find_plan(out, m, dealt) for m, dealt in folds.items()}
    waiting = [m for m in members if not name_folder(out, m.target, m.streams).is_dir()]
    work = partial(_train, store_path, out, settings, kept)
    tasks = [(member, plans[member], lags[member]) for member in waiting]
    for _ in run_tasks(work, tasks, execution=execution, what="train"):
        pass
    learner = make_learner(settings, kept)
    trained = [
        TrainedMember(
            member,
            plans[member] or _plan_epochs(settings, learner, rows[member]),
            learner.traits.find_context(parse_streams(member.streams)),
            summarise(selection),
            judge(out, member, dealt, settings, store=store, place=place),
            dealt.obstacle,
            selection.task.goal,
            selection.task.target,
            lags[member],
        )
        for member, dealt in folds.items()
        for place, selection in enumerate(
            select_member(store, settings, member, lags[member]).split()
        )
    ]
    levels = measure_levels(
        out, rows, learner=settings.learner, scale=settings.network.scale
    )
    values = {
        **described,
        "rest_s": find_rest(store),
        "channels": _describe_channels(store.manifest.channels, levels),
    }
    _describe(out, values, trained, read_store_findings(store.path))
    return load_bundle(out)


def _check_goals(store: SegmentStore, settings: TrainSettings) -> None:
    """Refuse what the learner cannot predict, and targets that can name no folder."""
    asked = as_evaluated(settings)
    check_joint(asked)
    goals: dict[str, Goal] = {}
    for target in settings.targets:
        task = open_task(store, asked, target)
        check_goal(asked, task)
        goals |= {one.target: one.goal for one in split_task(task)}
    check_targets(goals)


def _plan_epochs(settings: TrainSettings, learner: Learner, rows: Rows) -> FitPlan:
    """Return the steps of a fit that nothing chose."""
    if not learner.traits.has_epochs:
        return {}
    return {"steps": count_steps(learner, rows, settings.network)}


def _remove_unfinished(out: Path, members: list[Member]) -> None:
    folders = [out]
    for member in members:
        folders += [
            name_folder(out, member.target, member.streams).parent,
            name_fold(out, member, 0).parent,
        ]
    for folder in folders:
        remove_unfinished(folder)


def _cross_validate(
    work: "partial[None]",
    out: Path,
    folds: Mapping[Member, MemberFolds],
    execution: Execution,
) -> None:
    """Fit the folds that have not been fitted before."""
    for member, dealt in folds.items():
        if dealt.protocol and dealt.obstacle:
            _log.warning(
                "%s from %s: not cross-validated, so neither scored nor calibrated: %s",
                *(member.target, member.streams, dealt.obstacle),
            )
    waiting = [
        (member, number)
        for member, dealt in folds.items()
        for number in range(len(dealt))
        if not name_fold(out, member, number).is_file()
    ]
    for _ in run_tasks(work, waiting, execution=execution, what="validate"):
        pass


def _train(
    store_path: Path,
    out: Path,
    settings: TrainSettings,
    face_weights: Path | None,
    task: tuple[Member, FitPlan, FoundLag | None],
) -> None:
    member, plan, lag = task
    store = open_once(store_path, settings.segmenting)
    rows = select_member(store, settings, member, lag).open(store, member.streams)
    learner = make_learner(settings, face_weights)
    unit = choose_protocol(rows.table).inner_unit
    if plan and isinstance(learner, EpochLearner):
        fitted = learner.refit(rows, plan=plan, unit=unit)
    else:
        fitted = learner.fit(rows, unit=unit)
    folder = name_folder(out, member.target, member.streams)
    folder.parent.mkdir(parents=True, exist_ok=True)
    fitted.save(folder)


def _describe_channels(
    channels: Iterable[Channel], levels: Mapping[str, Level]
) -> list[dict[str, Any]]:
    unknown: dict[str, None] = dict.fromkeys(("median", "spread"))
    return [
        {
            **asdict(channel),
            **(asdict(levels[channel.name]) if channel.name in levels else unknown),
        }
        for channel in channels
    ]


def _describe(
    out: Path,
    described: Mapping[str, Any],
    trained: list[TrainedMember],
    findings: Sequence[Finding],
) -> None:
    """Write what programs and people want to know, the bundle's own file last."""
    values = {
        **described,
        "networks": [item.to_dict() for item in trained],
        "versions": {name: version(name) for name in ("deepvanet", "torch")},
    }
    write_findings(out, findings)
    write_card(out / "README.md", values, trained, findings)
    write_text(out / "bundle.json", json.dumps(values, indent=2) + "\n")
