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
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deepvanet.bundle.card import TrainedMember, summarise, write_card
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
    find_member_lag,
    make_learner,
    select_member,
)
from deepvanet.bundle.planning import plan_bundle
from deepvanet.bundle.validation import (
    MemberFolds,
    Validation,
    choose_protocol,
    find_plan,
    fit_fold,
    judge,
    name_fold,
)
from deepvanet.config import Execution, TrainSettings, claim_folder, to_dict
from deepvanet.datasets.people_table import read_people
from deepvanet.evaluation.fits import open_once
from deepvanet.execution import run_tasks
from deepvanet.files import make_folder, remove_unfinished, write_text
from deepvanet.findings import Finding, write_findings
from deepvanet.learners.face_start import keep_face_weights
from deepvanet.learners.lag import FoundLag
from deepvanet.learners.learner import EpochLearner, FitPlan, Learner
from deepvanet.learners.training import count_steps
from deepvanet.metrics import find_groups
from deepvanet.schema import Channel, UserError, parse_streams
from deepvanet.store import (
    Rows,
    SegmentStore,
    digest_store,
    read_store_findings,
)

__all__ = ["Answer", "Bundle", "Level", "Validation", "load_bundle", "train_bundle"]

_log = logging.getLogger(__name__)


def train_bundle(
    store_path: Path,
    out: Path,
    *,
    settings: TrainSettings,
    execution: Execution,
    face_weights: Path | None = None,
    group: Sequence[str] = (),
    people: Path | None = None,
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
    group : sequence of str
        Columns of the store's trials by whose values people are scored apart. It
        changes no number of the bundle, and may be asked of a finished one.
    people : Path | None
        CSV file with a row for each subject, whose columns may be groups too.

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
    plan = plan_bundle(store_path, settings, face_weights)
    store, settings, members = plan.store, plan.settings, plan.members
    for line in plan.warnings:
        _log.warning("%s", line)
    described = {
        "format": FORMAT,
        "dataset": store.manifest.dataset,
        "is_raw": store.manifest.is_raw,
        "recipe": dict(store.manifest.settings),
        "training": to_dict(settings),
        "store_digest": digest_store(store),
        "channels": [asdict(channel) for channel in store.manifest.channels],
    }
    groups = _find_groups(store, settings, group, people)
    folds = plan.folds
    lags = {member: find_member_lag(store, settings, member) for member in members}
    rows = {
        member: select_member(store, settings, member, lag).open(store, member.streams)
        for member, lag in lags.items()
    }
    make_folder(out)
    _remove_unfinished(out, members)
    claim_folder(out, described, what="bundle")
    kept = keep_face_weights(out, face_weights)
    _cross_validate(
        partial(fit_fold, store_path, out, settings, kept),
        out,
        folds,
        execution,
        threads=settings.network.threads,
    )
    plans = {m: find_plan(out, m, dealt) for m, dealt in folds.items()}
    waiting = [m for m in members if not name_folder(out, m.target, m.streams).is_dir()]
    work = partial(_train, store_path, out, settings, kept)
    tasks = [(member, plans[member], lags[member]) for member in waiting]
    for _ in run_tasks(
        work,
        tasks,
        execution=execution,
        what="train",
        threads=settings.network.threads,
    ):
        pass
    _remove_unfinished(out, members)  # of machines that were lost
    learner = make_learner(settings, kept)
    trained = [
        TrainedMember(
            member,
            plans[member] or _plan_epochs(settings, learner, rows[member]),
            learner.traits.find_context(parse_streams(member.streams)),
            summarise(selection),
            judge(
                out,
                member,
                dealt,
                settings,
                store=store,
                place=place,
                groups=groups,
            ),
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


def _find_groups(
    store: SegmentStore,
    settings: TrainSettings,
    columns: Sequence[str],
    people: Path | None,
) -> dict[str, dict[str, str]]:
    """Return the group of each subject that is trained on, by column.

    Raises
    ------
    UserError
        When there is no such column, its values are no groups, or nothing is scored.
    """
    if columns and not settings.cross_validate:
        raise UserError(
            "groups are scored in the cross-validation, which was not asked for",
            field="group",
        )
    trials = store.trials
    if settings.subjects:
        trials = trials[trials["subject"].isin(settings.subjects)]
    if people is not None:
        trials = read_people(people, columns).add_to(trials)
    return {
        column: find_groups(trials, column, what=f"store {store.path}")
        for column in dict.fromkeys(columns)
    }


def _plan_epochs(settings: TrainSettings, learner: Learner, rows: Rows) -> FitPlan:
    """Return the steps of a fit that nothing chose."""
    if not learner.traits.has_epochs:
        return {}
    return {"steps": count_steps(learner, rows, settings.network)}


def _remove_unfinished(out: Path, members: Sequence[Member]) -> None:
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
    *,
    threads: int,
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
    for _ in run_tasks(
        work, waiting, execution=execution, what="validate", threads=threads
    ):
        pass


def _train(
    store_path: Path,
    out: Path,
    settings: TrainSettings,
    face_weights: Path | None,
    task: tuple[Member, FitPlan, FoundLag | None],
) -> None:
    member, plan, lag = task
    folder = name_folder(out, member.target, member.streams)
    if folder.is_dir():
        return  # by a machine that was lost before it could say so
    store = open_once(store_path, settings.segmenting)
    rows = select_member(store, settings, member, lag).open(store, member.streams)
    learner = make_learner(settings, face_weights)
    unit = choose_protocol(rows.table).inner_unit
    if plan and isinstance(learner, EpochLearner):
        fitted = learner.refit(rows, plan=plan, unit=unit)
    else:
        fitted = learner.fit(rows, unit=unit)
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
