"""A bundle as it is loaded; nothing in it is executed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepvanet.bundle.description import Description
from deepvanet.bundle.reliability import Calibrations
from deepvanet.bundle.validation import Validation, find_form
from deepvanet.config import PrepareSettings, Segmenting, TrainSettings
from deepvanet.documents import build, read_json
from deepvanet.findings import say_count
from deepvanet.labels import check_label_rule
from deepvanet.learners import find_record
from deepvanet.learners.learner import (
    AnswersTargets,
    Context,
    FitPlan,
    FittedLearner,
)
from deepvanet.learners.making import load_learner
from deepvanet.metrics import LEAST_RATINGS, LEAST_TRIALS, METRIC_RECORDS, Conformal
from deepvanet.preprocessing.windows import WindowGrid, name_segments, say_grid
from deepvanet.schema import (
    HIGH_OR_LOW,
    Channel,
    Goal,
    GoalKind,
    Stream,
    UserError,
    parse_streams,
    quote,
)
from deepvanet.store import make_grid

FORMAT = "deepvanet-bundle-4"
OLDER = ("deepvanet-bundle-1", "deepvanet-bundle-2", "deepvanet-bundle-3")


def say_plan(plan: FitPlan) -> str:
    """Say what was chosen.

    Examples
    --------
    >>> say_plan({"face_steps": 20, "bio_steps": 40})
    '20 face steps, 40 bio steps'
    >>> say_plan({"steps": 20, "face_features": 16, "is_chosen": 1})
    '20 steps, 16 face features'
    """
    numbers = {name: n for name, n in plan.items() if not name.startswith("is_")}
    return ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in numbers.items())


@dataclass(frozen=True)
class Level:
    """Where a channel lay in training, in its unit, with its baseline subtracted.

    Attributes
    ----------
    spread : float
        Interquartile range; of a channel that mostly rested its standard deviation.
    """

    median: float
    spread: float


@dataclass(frozen=True)
class Answer:
    """What a bundle can say of a target from a stream set, and how well.

    Attributes
    ----------
    network : str
        The stream set of the fitted learner that is asked.
    context : str
        What it must be given at once: a ``segment``, or all of a ``trial``.
    plan : mapping
        What was chosen for it, as its optimiser steps.
    calibrations : Calibrations
        What makes probabilities of its scores.
    validation : Validation | None
        None: never scored, so not calibrated.
    goal : Goal
        What it predicts.
    trained_with : str
        The other targets that the same fitted learner answers, joined by ``+``.
    asked : str
        The target of the fitted learner; of several all of them, as they were asked.
    lag_s : float | None
        By how many seconds a rating that moves follows the signals; None of others.
    rated : tuple of float
        The lowest and the highest rating of training; empty of texts.
    """

    target: str
    streams: str
    network: str
    context: Context
    plan: FitPlan
    calibrations: Calibrations
    validation: Validation | None = None
    goal: Goal = HIGH_OR_LOW
    trained_with: str = ""
    asked: str = ""
    lag_s: float | None = None
    rated: tuple[float, ...] = ()

    @property
    def sets(self) -> Conformal | None:
        """How wide sets must be to hold the truth of a trial, where that is known."""
        return None if self.validation is None else self.validation.sets

    @property
    def score(self) -> float | None:
        """Its headline score in the cross-validation, None where there is none."""
        if self.validation is None:
            return None
        return self.validation.scores[find_form(self.goal).headline]

    def line(self, unit: str = "seconds") -> str:
        """Say how good it is; ``unit`` is what segments are called."""
        joint = f" (trained with {self.trained_with})" if self.trained_with else ""
        what = f"{self.target} from {self.streams}{joint}: "
        if self.goal != HIGH_OR_LOW:
            return what + self._say_score()
        if self.validation is None:
            return what + "not calibrated, never scored"
        balanced = self.validation.scores["balanced_accuracy"]
        called, plan = self.calibrations, say_plan(self.plan)
        return what + (
            f"balanced accuracy {'unknown' if balanced is None else f'{balanced:.2f}'} "
            f"of {self.validation.n_trials} trials, mean over subjects (protocol "
            f"{self.validation.protocol}){f', {plan}' if plan else ''}; high is above "
            f"{called.segment.threshold:.2f} ({unit}), {called.trial.threshold:.2f} "
            "(trials)"
        )

    def _say_score(self) -> str:
        """Say the headline of another goal than high-low, beside what luck gives."""
        says = say_goal(self.goal)
        if self.lag_s is not None:
            says += f", as it moves, {self.lag_s:g} s after the signals"
        if self.validation is None:
            return f"{says}, never scored"
        headline = find_form(self.goal).headline
        score, chance = self.validation.scores[headline], self.validation.chance
        plan = say_plan(self.plan)
        return (
            f"{says}; {METRIC_RECORDS[headline].title} "
            f"{_UNKNOWN[self.goal.kind] if score is None else f'{score:.2f}'}"
            f"{'' if chance is None else f' (chance {chance:.2f})'} of "
            f"{self.validation.n_trials} trials, mean over subjects (protocol "
            f"{self.validation.protocol}){f', {plan}' if plan else ''}"
        )


_UNKNOWN: Mapping[GoalKind, str] = {
    "high-low": "unknown",
    "classes": "unknown",
    "rating": (
        f"unknown (no subject has {LEAST_TRIALS} trials and {LEAST_RATINGS} different "
        "ratings)"
    ),
}


def say_goal(goal: Goal) -> str:
    """Say what is predicted.

    Examples
    --------
    >>> say_goal(Goal("rating")), say_goal(Goal("classes", ("<4", "4-6", ">6")))
    ('the rating', 'which of <4, 4-6, >6')
    """
    if goal.kind == "rating":
        return "the rating"
    return f"which of {', '.join(goal.classes)}"


@dataclass(frozen=True)
class Bundle:
    """Fitted learners and all that is needed to feed them.

    Attributes
    ----------
    recipe : PrepareSettings
        Of the store it was trained on.
    is_raw : bool
        Whether that store was made from raw recordings, which are to be cleaned.
    segmenting : Segmenting
        How trials were cut, and what was subtracted from them.
    rest_s : float | None
        Seconds of each training trial's own baseline, before its stimulus; 0 where none
        was subtracted, None where the store does not say.
    training : mapping
        The ``TrainSettings``, as plain values.
    levels : mapping
        Where channels lay in training, by name; of those that a network reads.
    answers : tuple of Answer
        What it can say.
    """

    path: Path
    dataset: str
    is_raw: bool
    recipe: PrepareSettings
    segmenting: Segmenting
    rest_s: float | None
    training: Mapping[str, Any]
    channels: tuple[Channel, ...]
    levels: Mapping[str, Level]
    answers: tuple[Answer, ...]

    @property
    def grid(self) -> WindowGrid:
        """How a recording is cut into segments."""
        return make_grid(self.segmenting)

    @property
    def networks(self) -> tuple[tuple[str, str], ...]:
        """Target and stream set of each fitted learner; several targets as asked."""
        return tuple(dict.fromkeys((a.asked, a.network) for a in self.answers))

    @property
    def learner(self) -> str:
        """The name of what was fitted."""
        return str(self.training["learner"])

    @property
    def context(self) -> Context:
        """What it must be given at once: a trial, where some member needs that."""
        needs = {answer.context for answer in self.answers}
        return "trial" if "trial" in needs else "segment"

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets it was trained for."""
        return tuple(dict.fromkeys(answer.target for answer in self.answers))

    @property
    def goals(self) -> Mapping[str, Goal]:
        """What is predicted of each target."""
        return {answer.target: answer.goal for answer in self.answers}

    @property
    def task(self) -> str:
        """What was asked of ratings."""
        return str(self.training.get("task", TrainSettings.task))

    @property
    def stream_sets(self) -> tuple[str, ...]:
        """The stream sets it can answer from."""
        return tuple(dict.fromkeys(answer.streams for answer in self.answers))

    @property
    def streams(self) -> frozenset[Stream]:
        """The streams that some network of it reads."""
        return frozenset(s for name in self.stream_sets for s in parse_streams(name))

    def lines(self) -> list[str]:
        """Say in sentences what it can do, and how well."""
        held = f"{self._count()}, baseline {self.segmenting.baseline}"
        if self.task != TrainSettings.task:
            held = f"task {self.task}, {held}"
        if name_segments(self.grid) != "seconds":
            what = "trials" if self.grid.is_whole else "segments"
            held += f", {what} of {say_grid(self.grid)}"
        return [
            f"bundle: {self.path} ({held}; card: README.md)",
            *(answer.line(name_segments(self.grid)) for answer in self.answers),
        ]

    def _count(self) -> str:
        if self.learner == "network":
            return say_count(len(self.networks), "network")
        return f"{len(self.networks)} of {self.learner}"

    def channels_of(self, stream: Stream) -> tuple[Channel, ...]:
        """Return the channels of one stream, in the order of its arrays."""
        return tuple(c for c in self.channels if c.stream is stream)

    def find(self, target: str, streams: str) -> Answer:
        """Return what is known of one answer; ``KeyError`` where there is none."""
        for answer in self.answers:
            if (answer.target, answer.streams) == (target, streams):
                return answer
        raise KeyError(f"{target} from {streams}")

    def load(self, target: str, streams: str) -> FittedLearner:
        """Load what answers a target from a stream set.

        Raises
        ------
        UserError
            When it was not fitted for as many targets as the bundle says.
        """
        answer = self.find(target, streams)
        folder = name_folder(self.path, answer.asked, answer.network)
        fitted = load_learner(self.learner, folder)
        if not answer.trained_with:
            return fitted
        if not isinstance(fitted, AnswersTargets):
            raise UserError(f"{folder}: predicts one target, not {answer.asked}")
        try:
            return fitted.take_target(answer.asked.split("+").index(target))
        except UserError as error:
            raise UserError(f"{folder}: {error}") from None

    def pick(self, available: frozenset[Stream]) -> str | None:
        """Return the stream set that answers, of those within the available streams.

        It is the one with the best score of the cross-validation, where there are
        scores, and else the largest.
        """
        fitting = [
            s for s in self.stream_sets if available.issuperset(parse_streams(s))
        ]
        return max(fitting, key=self._rank, default=None)

    def _rank(self, streams: str) -> tuple[bool, float, int]:
        score = self.find_score(streams)
        return score is not None, score or 0.0, len(parse_streams(streams))

    def find_score(self, streams: str) -> float | None:
        """Return the headline score of a stream set, the mean over targets.

        None where it was not scored for each target.
        """
        mine = [answer.score for answer in self.answers if answer.streams == streams]
        known = [score for score in mine if score is not None]
        return sum(known) / len(known) if known and len(known) == len(mine) else None


def name_folder(path: Path, target: str, streams: str) -> Path:
    """Return where a fitted learner lies."""
    return path / "networks" / target / streams


def load_bundle(path: Path) -> Bundle:
    """Open a folder that ``train_bundle`` wrote; runs no code from it.

    Raises
    ------
    UserError
        When there is no whole bundle.
    """
    file = path / "bundle.json"
    if not file.is_file():
        raise UserError(f"{path}: no bundle here (no bundle.json)")
    try:
        values = read_json(file)
        made_as = values.get("format") if isinstance(values, dict) else None
        if made_as not in OLDER:
            return _open(path, values, build(Description, values))
    except UserError as error:
        raise UserError(f"{file}: not a whole bundle: {error}") from None
    raise UserError(
        f"{file}: made by an older version of deepvanet; run deepvanet train again"
    )


def _open(path: Path, values: Mapping[str, Any], found: Description) -> Bundle:
    if found.format != FORMAT:
        raise UserError(f"needs {FORMAT}, got {quote(found.format)}", field="format")
    find_record(found.training.learner)
    check_label_rule(found.training.label_rule)
    return Bundle(
        path=path,
        dataset=found.dataset,
        is_raw=found.is_raw,
        recipe=found.recipe,
        segmenting=found.training.segmenting,
        rest_s=found.rest_s,
        training=values["training"],
        channels=tuple(Channel(c.name, c.type, c.unit) for c in found.channels),
        levels={
            c.name: Level(c.median, c.spread)
            for c in found.channels
            if c.median is not None and c.spread is not None
        },
        answers=tuple(
            Answer(
                item.target,
                answer.streams,
                item.streams,
                item.context,
                item.plan,
                answer.open_calibration(),
                answer.validation,
                item.find_goal(),
                item.trained_with,
                found.find_asked(item),
                item.lag_s,
                item.rows.list_rated(),
            )
            for item in found.networks
            for answer in item.answers
        ),
    )
