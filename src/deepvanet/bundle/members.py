"""The fitted learners of a bundle, and the rows of a store that each is fitted on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

from deepvanet.config import EvaluateSettings, NetworkSettings, TrainSettings
from deepvanet.evaluation.parts import RowSelection, select_rows
from deepvanet.learners.lag import FoundLag, find_lag
from deepvanet.learners.learner import Learner, MakeLearner, Traits
from deepvanet.learners.making import find_learner
from deepvanet.learners.network import NetworkLearner
from deepvanet.learners.own import say_no_bundle
from deepvanet.learners.own_sources import is_own
from deepvanet.learners.within_subject import compare_within
from deepvanet.schema import (
    GoalKind,
    UserError,
    list_within,
    name_streams,
    parse_streams,
)
from deepvanet.store import SegmentStore
from deepvanet.tasks import MovingRating

NETWORK = "network"
"""The learner that stream dropout is for."""


@dataclass(frozen=True)
class Member:
    """One fitted learner of a bundle.

    Attributes
    ----------
    target : str
        What was asked: a target, or several that it answers at once, joined by ``+``.
    streams : str
        The stream set that it reads.
    answers : tuple of str
        The stream sets that it answers from: its own, and with stream dropout all
        that lie within.
    """

    target: str
    streams: str
    answers: tuple[str, ...]


def plan_members(settings: TrainSettings) -> list[Member]:
    """Name the members: one a stream set, or with stream dropout one for all.

    Stream sets that the learner cannot read are left out.

    Raises
    ------
    UserError
        When the learner reads none of the streams or makes no bundle, or stream dropout
        has no stream to spare.
    """
    targets = list(dict.fromkeys(settings.targets))
    traits = _check_learner(settings)
    asked = [name for name in settings.streams if traits.can_read(name)]
    if not asked:
        raise UserError(
            f"learner {settings.learner}: reads {traits.describe()}, got "
            f"streams {', '.join(settings.streams)}"
        )
    if not settings.stream_dropout:
        return [
            Member(target, streams, (streams,))
            for target, streams in product(targets, asked)
        ]
    if settings.learner != NETWORK:
        raise UserError(
            f"is for learner {NETWORK}, got {settings.learner}", field="stream_dropout"
        )
    if not 0 < settings.stream_dropout < 1:
        raise UserError(
            f"must lie between 0 and 1, got {settings.stream_dropout:g}",
            field="stream_dropout",
        )
    joined = {s for name in settings.streams for s in parse_streams(name)}
    if len(joined) < 2:
        raise UserError(
            f"needs two streams or more, got {', '.join(settings.streams)}",
            field="stream_dropout",
        )
    return [
        Member(target, name_streams(joined), list_within(joined)) for target in targets
    ]


def _check_learner(settings: TrainSettings) -> Traits:
    name = settings.learner
    if is_own(name):
        raise UserError(f"learner {name}: {say_no_bundle(name)}")
    traits = make_learner(settings, None).traits
    if not traits.reads_streams:
        raise UserError(
            f"learner {settings.learner}: reads no signal, so it makes no bundle"
        )
    if traits.adapts_to_test:
        raise UserError(
            f"learner {settings.learner}: goes on learning from what it scores, so it "
            "makes no bundle"
        )
    return traits


def list_left_out(settings: TrainSettings) -> list[str]:
    """Return the stream sets that the learner cannot read."""
    traits = make_learner(settings, None).traits
    return [name for name in settings.streams if not traits.can_read(name)]


_NEEDED: Mapping[GoalKind, str] = {
    "high-low": "both classes",
    "classes": "two classes or more",
    "rating": "several ratings",
}


def find_member_lag(
    store: SegmentStore, settings: TrainSettings, member: Member
) -> FoundLag | None:
    """Return by how much a rating that moves follows the streams; None of others."""
    found = select_member(store, settings, member)
    if not isinstance(found.task, MovingRating):
        return None
    rows = found.open(store, member.streams)
    return find_lag(rows, found.ratings, found.task.lags_s, seed=settings.seed)


def select_member(
    store: SegmentStore,
    settings: TrainSettings,
    member: Member,
    lag: FoundLag | None = None,
) -> RowSelection:
    """Return the rows that have the streams of a member and a label.

    Parameters
    ----------
    store : SegmentStore
        The rows to select from.
    settings : TrainSettings
        What is asked, and of which subjects.
    member : Member
        Which target and stream set.
    lag : FoundLag, optional
        Of a rating that moves: where its labels are taken; by default the least.

    Returns
    -------
    RowSelection
        Of two labels or more.

    Raises
    ------
    UserError
        When they hold one class, or one rating, only.
    """
    selection = select_rows(
        store, as_evaluated(settings), member.target, member.streams
    )
    for one in selection.split():
        if len(set(one.label.tolist())) < 2:
            needed = _NEEDED[one.task.goal.kind]
            raise UserError(
                f"{store.path}: {one.task.target} from {member.streams}: "
                f"{len(one.label)} segments, but {needed} are needed to train"
            )
    return selection if lag is None else selection.at(lag)


def as_evaluated(
    settings: TrainSettings, protocols: Sequence[str] = (), n_folds: int | None = None
) -> EvaluateSettings:
    """Return the settings of a run whose fits are those of a bundle's folds."""
    return EvaluateSettings(
        protocols=tuple(protocols),
        targets=settings.targets,
        task=settings.task,
        classes=settings.classes,
        lag=settings.lag,
        longest_lag=settings.longest_lag,
        streams=settings.streams,
        learners=(settings.learner,),
        label_rule=settings.label_rule,
        segment=settings.segment,
        step=settings.step,
        baseline=settings.baseline,
        folds=n_folds,
        seeds=(settings.seed,),
        subjects=settings.subjects,
        network=settings.network,
    )


def find_maker(settings: TrainSettings) -> MakeLearner:
    """Return what makes what is fitted, of other settings of the network too."""
    if settings.stream_dropout and settings.learner == NETWORK:
        return compare_within(partial(_make_dropping, settings.stream_dropout))
    return find_learner(settings.learner)


def make_learner(settings: TrainSettings, face_weights: Path | None) -> Learner:
    """Return what is fitted."""
    return find_maker(settings)(settings.network, settings.seed, face_weights)


def _make_dropping(
    stream_dropout: float,
    settings: NetworkSettings,
    seed: int,
    face_weights: Path | None = None,
    /,
) -> Learner:
    return NetworkLearner(settings, seed, face_weights, stream_dropout)
