"""What is asked of a run: whether it can be had, and what is left out of it."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Num

from deepvanet.config import EvaluateSettings, TrainSettings
from deepvanet.evaluation.fits import find_traits
from deepvanet.evaluation.parts import open_task, read_ratings
from deepvanet.findings import list_some, say_count
from deepvanet.learners import list_learners
from deepvanet.learners.making import find_learner
from deepvanet.protocols import PROTOCOLS, UNITS, columns_of
from deepvanet.schema import (
    STREAM_SETS,
    Goal,
    UserError,
    name_streams,
    parse_streams,
    pick,
)
from deepvanet.store import SegmentStore, pick_subjects
from deepvanet.tasks import (
    TASKS,
    Joint,
    Task,
    check_task,
    read_column,
    split_target,
    split_task,
)


def check_settings(settings: EvaluateSettings, store: SegmentStore) -> EvaluateSettings:
    """Return the settings with the subjects, segments and baseline of the store.

    Raises
    ------
    UserError
        When a setting is empty, unknown, or does not fit the store, or a learner reads
        none of the stream sets.
    """
    moves = TASKS[settings.task].moves
    traces = store.manifest.traces
    moving = () if traces is None else traces.targets
    for kind, names, known in (
        ("protocol", settings.protocols, PROTOCOLS),
        ("target", settings.targets, moving if moves else store.rating_columns),
    ):
        if not names:
            raise UserError(f"{kind}: needs at least one of {', '.join(known)}")
    for name in settings.protocols:
        pick("protocol", name, PROTOCOLS)
        if PROTOCOLS[name].is_forward and not moves:
            raise UserError(
                f"{name} divides trials in time, and needs a rating that moves: use "
                f"--task trace, or a protocol that holds out whole trials; the task is "
                f"{settings.task}",
                field="protocols",
            )
    check_task(
        settings.task,
        rule=settings.label_rule,
        classes=settings.classes,
        segment=settings.segment,
    )
    settings = replace(
        settings,
        targets=join_targets(settings),
        subjects=pick_subjects(store, settings.subjects),
        segment=store.segmenting.segment_s,
        step=store.segmenting.step_s,
        baseline=store.segmenting.baseline,
        streams=name_sets(settings.streams, store),
    )
    _check_learners(settings)
    check_lengths(settings, store)
    _check_units(settings, store)
    _check_targets(settings, store)
    return settings


def name_sets(asked: Sequence[str], store: SegmentStore) -> tuple[str, ...]:
    """Return stream sets as results name them; ``all`` are those that a store holds.

    Raises
    ------
    UserError
        When there is none, or no stream of a name.
    """
    if not asked:
        raise UserError(f"stream set: needs at least one of {', '.join(STREAM_SETS)}")
    return tuple(
        dict.fromkeys(name_streams(parse_streams(name, store.held)) for name in asked)
    )


def join_targets(settings: EvaluateSettings | TrainSettings) -> tuple[str, ...]:
    """Join two targets that are asked together: ``valence,arousal`` for quadrants."""
    targets, needed = settings.targets, TASKS[settings.task].n_targets
    if TASKS[settings.task].is_joint:
        return tuple("+".join(split_target(settings.task, t)) for t in targets)
    if needed > 1 and len(targets) == needed and not any("+" in t for t in targets):
        return ("+".join(targets),)
    return targets


def _check_targets(settings: EvaluateSettings, store: SegmentStore) -> None:
    """Refuse a target that the store lacks, that never varies, or no learner takes."""
    check_joint(settings)
    for target in settings.targets:
        task = open_task(store, settings, target)
        ratings = read_ratings(store, task)
        known = task.find_known(ratings)
        if not known.any():
            raise UserError(
                f"no trial of {store.path} has {task.tell()}: choose bounds that "
                "cover its ratings, or another target",
                field="targets",
            )
        label = task.encode(ratings[known], store.table[known]).reshape(known.sum(), -1)
        for one, of_one in zip(split_task(task), label.T, strict=True):
            _check_varied(store, one, of_one)
        check_goal(settings, task)


def _check_varied(
    store: SegmentStore, task: Task, label: Num[np.ndarray, " row"]
) -> None:
    label = np.unique(label)
    if len(label) < 2:
        classes = task.goal.classes
        which = f"are {classes[int(label[0])]}" if classes else "have one rating"
        raise UserError(
            f"{task.target} does not vary: all trials of {store.path} {which}, so "
            "there is nothing to learn: choose another target, label rule or classes",
            field="targets",
        )


def check_joint(settings: EvaluateSettings) -> None:
    """Refuse a target that is asked twice, alone and with others at once.

    Raises
    ------
    UserError
        Which names it.
    """
    if not TASKS[settings.task].is_joint:
        return
    asked = [split_target(settings.task, target) for target in settings.targets]
    columns = [column for names in asked for column in names]
    twice = [name for name in dict.fromkeys(columns) if columns.count(name) > 1]
    if twice and any(len(names) > 1 for names in asked):
        asked_for = ",".join(settings.targets)
        raise UserError(
            f"{list_some(twice)} would be answered twice by {asked_for}: ask for each "
            "target once, and for others in another run",
            field="targets",
        )


def check_goal(settings: EvaluateSettings, task: Task) -> None:
    """Refuse a learner or a loss that cannot do a task.

    Raises
    ------
    UserError
        Which names those that can.
    """
    goal = task.goal
    ordered = [part.is_ordered for part in goal.parts or (goal,)]
    if settings.network.loss == "ordinal" and not all(ordered):
        raise UserError(
            f"ordinal needs classes that have an order, as those of --classes "
            f"<4,4-6,>6; {task.target} as {settings.task} has none: leave it out",
            field="loss",
        )
    for learner in settings.learners:
        if not _can(learner, goal, settings):
            able = [
                name
                for name in list_learners()
                if _can(name, goal, settings) and _reads(name, settings)
            ]
            what = f"do task {settings.task}"
            if find_traits(learner, settings).can_predict(goal):
                what = f"predict {task.target} at once"
            raise UserError(
                f"{learner} cannot {what}; those that can: {', '.join(able)}",
                field="learners",
            )


def check_lengths(settings: EvaluateSettings, store: SegmentStore) -> None:
    """Refuse whole trials of different lengths to a learner that reads one length.

    Raises
    ------
    UserError
        Which names the learners that can.
    """
    lasts_s = store.table["duration_s"]
    shortest, longest = float(lasts_s.min()), float(lasts_s.max())
    if shortest == longest:
        return
    for learner in settings.learners:
        traits = find_traits(learner, settings)
        if traits.reads_streams and not traits.reads_any_length:
            able = [n for n in list_learners() if _can_any_length(n, settings)]
            raise UserError(
                f"{learner} reads rows of one length, but the trials of {store.path} "
                f"last {shortest:g} to {longest:g} s: ask one of {', '.join(able)}, or "
                f"for a number of seconds, as {math.floor(shortest) or shortest:g}",
                field="segment",
            )


def _can_any_length(learner: str, settings: EvaluateSettings) -> bool:
    traits = find_traits(learner, settings)
    return traits.reads_any_length and traits.reads_streams


def _can(learner: str, goal: Goal, settings: EvaluateSettings) -> bool:
    """Say whether a learner predicts a goal; a prior is fitted on each of several."""
    traits = find_traits(learner, settings)
    is_able = not goal.parts or traits.joins_targets or not traits.reads_streams
    return traits.can_predict(goal) and is_able


def _reads(learner: str, settings: EvaluateSettings) -> bool:
    return find_traits(learner, settings).reads_streams


def _check_units(settings: EvaluateSettings, store: SegmentStore) -> None:
    """Refuse a protocol whose unit is not stated, or of which a subject has one."""
    table = store.table
    if settings.subjects:
        table = table[table["subject"].isin(settings.subjects)]
    for name in settings.protocols:
        for unit in PROTOCOLS[name].units:
            if UNITS[unit].stated_by:
                _check_unit(table, name, unit)


def _check_unit(table: pd.DataFrame, protocol: str, unit: str) -> None:
    columns, about = columns_of(unit), UNITS[unit]
    stated = table.reindex(columns=["trial", *columns])
    lacking = stated[stated[unit].isna()]
    if len(lacking):
        row = lacking.iloc[0]
        raise UserError(
            f"{protocol} needs the {unit} of every trial; subject {row['subject']} "
            f"trial {row['trial']} has none in this store: {about.stated_by}",
            field="protocols",
        )
    n_units = stated.drop_duplicates(columns).groupby("subject").size()
    alone = [str(subject) for subject, n in n_units.items() if n == 1]
    if alone:
        raise UserError(
            f"{protocol} needs two {about.plural} of each subject or more, got one of "
            f"{list_some(alone)}",
            field="protocols",
        )


def _check_learners(settings: EvaluateSettings) -> None:
    if not settings.learners:
        raise UserError(f"learner: needs at least one of {', '.join(list_learners())}")
    for learner in settings.learners:
        find_learner(learner)
        traits = find_traits(learner, settings)
        if not any(map(traits.can_read, settings.streams)):
            raise UserError(
                f"learner {learner} reads {traits.describe()}, got "
                f"{','.join(settings.streams)}",
                field="streams",
            )


def list_lacking(store: SegmentStore, settings: EvaluateSettings) -> list[str]:
    """Say how many trials have only some of the targets that are asked at once."""
    said = []
    for target in settings.targets:
        task = open_task(store, settings, target)
        if not isinstance(task, Joint):
            continue
        ratings = np.stack(
            [read_column(store.read_ratings(name)) for name in task.columns], axis=1
        )
        known = np.stack(
            [
                part.find_known(ratings[:, [place]])
                for place, part in enumerate(task.parts)
            ],
            axis=1,
        )
        of_subjects = np.ones(len(known), dtype=bool)
        if settings.subjects:
            of_subjects = store.table["subject"].isin(settings.subjects).to_numpy()
        partly = known.any(axis=1) & ~known.all(axis=1) & of_subjects
        trials = store.table.loc[partly, columns_of("trial")].drop_duplicates()
        if len(trials):
            n_trials = say_count(len(trials), "trial has", "trials have")
            said.append(
                f"{target}: {n_trials} only some of these targets and take part in none"
            )
    return said


def list_left_out(settings: EvaluateSettings) -> list[str]:
    """Say which learner was not asked about which stream sets."""
    said = []
    for learner in settings.learners:
        traits = find_traits(learner, settings)
        others = [name for name in settings.streams if not traits.can_read(name)]
        if others:
            said.append(f"learner {learner} cannot read {', '.join(others)}: left out")
    return said
