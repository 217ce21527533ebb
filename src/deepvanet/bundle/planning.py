"""What a bundle is made of, before anything is fitted: members, folds, and warnings."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from deepvanet.bundle.columns import check_targets
from deepvanet.bundle.loading import FORMAT
from deepvanet.bundle.members import (
    NETWORK,
    Member,
    as_evaluated,
    list_left_out,
    plan_members,
)
from deepvanet.bundle.validation import MemberFolds, plan_folds
from deepvanet.config import TrainSettings, from_dict, read_toml
from deepvanet.evaluation.asking import (
    check_goal,
    check_joint,
    check_lengths,
    join_targets,
    list_lacking,
    name_sets,
)
from deepvanet.evaluation.parts import open_task
from deepvanet.learners.face_start import FILE as FACE_WEIGHTS
from deepvanet.learners.face_start import name_face_weights
from deepvanet.learners.repeatable import settle_machine
from deepvanet.schema import Goal, Stream, UserError, parse_streams
from deepvanet.store import SegmentStore, digest_store, open_store, pick_subjects
from deepvanet.tasks import check_task, split_task


@dataclass(frozen=True)
class BundlePlan:
    """What will be fitted.

    Attributes
    ----------
    settings : TrainSettings
        With the subjects, segments and baseline of the store.
    members : tuple of Member
        What is fitted on all rows.
    folds : mapping
        Of each member its folds, or why there are none.
    warnings : tuple of str
        What is left out.
    """

    store: SegmentStore
    settings: TrainSettings
    members: tuple[Member, ...]
    folds: Mapping[Member, MemberFolds]
    warnings: tuple[str, ...]


def plan_bundle(
    store_path: Path, settings: TrainSettings, face_weights: Path | None = None
) -> BundlePlan:
    """Say what a bundle will hold, and how its members are cross-validated.

    Parameters
    ----------
    store_path : Path
        Folder that ``prepare`` wrote.
    settings : TrainSettings
        What is asked for.
    face_weights : Path, optional
        What the face trunk starts from.

    Raises
    ------
    UserError
        When the store lacks a stream or a class, its trials cannot be cut into such
        segments or folds, or the learner makes no bundle.
    """
    store = open_store(store_path).cut(settings.segmenting)
    warnings = [*store.say_lost()]
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
    _check_choices(settings)
    check_lengths(as_evaluated(settings), store)
    reads_face = any(Stream.FACE in parse_streams(m.streams) for m in members)
    if store.segmenting.is_whole and reads_face:
        raise UserError(
            "trial: whole trials of different lengths are read from signals only; "
            "leave face out of the streams",
            field="segment",
        )
    _check_goals(store, settings)
    warnings += list_lacking(store, as_evaluated(settings))
    warnings += [
        f"learner {settings.learner} cannot read {streams}: left out"
        for streams in list_left_out(settings)
    ]
    network = name_face_weights(settings.network, face_weights)
    settings = replace(
        settings,
        network=settle_machine(network),
        subjects=pick_subjects(store, settings.subjects),
        segment=store.segmenting.segment_s,
        step=store.segmenting.step_s,
        baseline=store.segmenting.baseline,
    )
    folds = {
        member: plan_folds(store, member, settings)
        if settings.cross_validate
        else MemberFolds(obstacle="it was not asked for")
        for member in members
    }
    return BundlePlan(store, settings, tuple(members), folds, tuple(warnings))


def read_asked(file: Path, store_path: Path) -> tuple[TrainSettings, Path | None]:
    """Return what was asked of a bundle: settings, and where its face weights are.

    Parameters
    ----------
    file : Path
        The bundle's ``settings.toml``; face weights lie beside it.
    store_path : Path
        The store that it was made from.

    Raises
    ------
    UserError
        When the settings cannot be used, or belong to another store.
    """
    there = read_toml(file)
    if there.get("format") != FORMAT:
        raise UserError(f"{file}: holds no settings of a bundle of this version")
    if there.get("store_digest") != digest_store(open_store(store_path)):
        raise UserError(f"{file}: is of another store than {store_path}")
    try:
        asked = from_dict(TrainSettings, there.get("training"))
    except UserError as error:
        raise UserError(f"{file}: {error}") from None
    if not asked.network.face_weights:
        return asked, None
    weights = file.parent / FACE_WEIGHTS
    if not weights.is_file():
        raise UserError(f"{weights}: is missing, and the bundle started from it")
    return asked, weights


def _check_choices(settings: TrainSettings) -> None:
    """Refuse what folds would choose, or how many they are, where it has no use."""
    has_grid = settings.network.grid_face or settings.network.grid_bio
    if not settings.cross_validate:
        for field, asked in (("folds", settings.folds), ("grid", has_grid)):
            if asked:
                raise UserError(
                    "has a use in the cross-validation only, which was not asked for",
                    field=field,
                )
    if has_grid and (settings.learner != NETWORK or settings.stream_dropout):
        raise UserError(
            f"is for learner {NETWORK} without stream dropout", field="grid"
        )


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
