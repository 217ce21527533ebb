"""What ``bundle.json`` must hold: the schema that it is compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from deepvanet.bundle.columns import check_targets
from deepvanet.bundle.reliability import Calibrations
from deepvanet.bundle.validation import Validation, list_metrics
from deepvanet.config import PrepareSettings, TrainSettings
from deepvanet.documents import Known
from deepvanet.fields import MAY_LACK, About
from deepvanet.learners.learner import Context
from deepvanet.metrics import Calibration
from deepvanet.schema import (
    HIGH_OR_LOW,
    MOST_QUOTED,
    ChannelType,
    Goal,
    Stream,
    UserError,
    find_stream,
    list_within,
    parse_streams,
    quote,
)
from deepvanet.store import make_grid
from deepvanet.tasks import TASKS
from deepvanet.tasks.bounds import LEAST_CLASSES, MOST_CLASSES

StreamSet = Annotated[str, Known(list_within(Stream))]
Rated = Annotated[float | None, About("A rating.", least=-1e9, most=1e9)]
Seconds = Annotated[float, About("Seconds.", least=0, most=1e6)]


@dataclass(frozen=True)
class RowSummary:
    """The rows that a member was fitted on, counted.

    Attributes
    ----------
    n_high_trials : int | None
        None of other tasks than high-low.
    lowest_rating, highest_rating : float | None
        None of texts.
    class_trials : tuple of int
        Trials of each class, in the order of the goal's; none of high-low and ratings.
    """

    n_subjects: int
    n_trials: int
    n_segments: int
    n_high_trials: int | None
    lowest_rating: Rated
    highest_rating: Rated
    class_trials: Annotated[tuple[int, ...], About("Trials.", least=0), MAY_LACK] = ()

    def list_rated(self) -> tuple[float, ...]:
        """Return the lowest and the highest rating; nothing of texts."""
        ends = (self.lowest_rating, self.highest_rating)
        return tuple(rating for rating in ends if rating is not None)


@dataclass(frozen=True)
class ChannelItem:
    """A channel of the store, and where it lay in training if a network reads it."""

    name: str
    type: ChannelType
    unit: str
    median: float | None
    spread: Annotated[float | None, About("A range.", least=0)]

    def __post_init__(self) -> None:
        if (self.median is None) != (self.spread is None):
            raise UserError("needs a number, as median and spread do", field="spread")


@dataclass(frozen=True)
class CalibrationItem:
    """A calibration; ``threshold`` says again what ``offset`` says."""

    slope: Annotated[float, About("Above 0.", least=1e-12, most=1e12)]
    offset: float
    threshold: Annotated[float, About("A probability.", least=0, most=1)]

    def __post_init__(self) -> None:
        told = self.open().threshold
        if abs(told - self.threshold) > 1e-5:
            raise UserError(
                f"needs {told:g}, as the offset says, got {self.threshold:g}",
                field="threshold",
            )

    def open(self) -> Calibration:
        """Return what it says."""
        return Calibration(self.slope, self.offset)


@dataclass(frozen=True)
class CalibrationItems:
    """Those of segments and of trials."""

    segment: CalibrationItem
    trial: CalibrationItem

    def open(self) -> Calibrations:
        """Return what they say."""
        return Calibrations(self.segment.open(), self.trial.open())


@dataclass(frozen=True)
class AnswerItem:
    """What a fitted learner can say."""

    streams: StreamSet
    calibration: CalibrationItems | None
    validation: Validation | None

    def open_calibration(self) -> Calibrations:
        """Return the calibration; where there is none, scores are as fitted."""
        return Calibrations() if self.calibration is None else self.calibration.open()

    def check_goal(self, goal: Goal) -> None:
        """Refuse what does not go with what is predicted.

        Raises
        ------
        UserError
            Which names the field.
        """
        is_binary = goal.is_binary
        if is_binary != (self.calibration is not None):
            said = "is missing" if is_binary else f"there is none of {goal.kind}"
            raise UserError(said, field="calibration")
        made = self.validation
        if made is None:
            return
        for name in list_metrics(goal):
            if name not in made.scores:
                raise UserError("is missing", field=f"validation.scores.{name}")
        for name in ("share_high", "segment", "trial"):
            if is_binary != (getattr(made, name) is not None):
                said = "is missing" if is_binary else f"there is none of {goal.kind}"
                raise UserError(said, field=f"validation.{name}")


@dataclass(frozen=True)
class GoalItem:
    """What a fitted learner predicts that is not high or low."""

    kind: Literal["classes", "rating"]
    classes: tuple[str, ...]
    is_ordered: bool
    moves: Annotated[bool, MAY_LACK] = False

    def __post_init__(self) -> None:
        names = self.classes
        if self.moves and self.kind != "rating":
            raise UserError("only a rating moves", field="moves")
        if self.kind == "rating" and names:
            raise UserError("a rating has none", field="classes")
        if self.kind == "classes" and not LEAST_CLASSES <= len(names) <= MOST_CLASSES:
            raise UserError(
                f"needs {LEAST_CLASSES} to {MOST_CLASSES}, got {len(names)}",
                field="classes",
            )
        if len(set(names)) < len(names):
            raise UserError("two classes have one name", field="classes")
        for name in names:
            if not name.strip() or len(name) > MOST_QUOTED or not name.isprintable():
                raise UserError(f"needs a name, got {quote(name)}", field="classes")

    def open(self) -> Goal:
        """Return what it says."""
        return Goal(self.kind, self.classes, self.is_ordered, self.moves)


MayLackGoal = Annotated[GoalItem | None, MAY_LACK]


MayLackLag = Annotated[
    Annotated[float, About("Seconds.", least=0, most=60)] | None, MAY_LACK
]


@dataclass(frozen=True)
class NetworkItem:
    """A fitted learner; of several targets at once there is one of these for each.

    Attributes
    ----------
    trained_with : str
        The other targets, joined by ``+``.
    lag_s : float | None
        By how many seconds a rating that moves follows the signals.
    """

    target: str
    streams: StreamSet
    context: Context
    plan: Mapping[str, Annotated[int, About("Steps.", least=0)]]
    rows: RowSummary
    answers: tuple[AnswerItem, ...]
    goal: MayLackGoal = None
    trained_with: Annotated[str, MAY_LACK] = ""
    lag_s: MayLackLag = None

    def __post_init__(self) -> None:
        if self.find_goal().moves != (self.lag_s is not None):
            is_missing = self.lag_s is None
            said = "is missing" if is_missing else "only a rating that moves has one"
            raise UserError(said, field="lag_s")
        for place, answer in enumerate(self.answers):
            try:
                answer.check_goal(self.find_goal())
            except UserError as error:
                where = f"answers[{place}].{error.field}"
                raise UserError(error.sentence, field=where) from None

    def find_goal(self) -> Goal:
        """Return what is predicted: high or low, where nothing is said."""
        return HIGH_OR_LOW if self.goal is None else self.goal.open()


@dataclass(frozen=True)
class Description:
    """All of ``bundle.json``."""

    format: str
    dataset: str
    is_raw: bool
    recipe: PrepareSettings
    training: TrainSettings
    store_digest: str
    channels: tuple[ChannelItem, ...]
    rest_s: Seconds | None
    networks: tuple[NetworkItem, ...]
    versions: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.training.baseline is None:
            raise UserError("is missing", field="training.baseline")
        self._check_segments()
        if not self.networks:
            raise UserError("it names no network", field="networks")
        self._check_goals()
        names = [channel.name for channel in self.channels]
        if len(set(names)) < len(names):
            raise UserError("two channels have one name", field="channels")
        there = {Stream.FACE, *(find_stream(channel.type) for channel in self.channels)}
        for item in self.networks:
            lacking = [s for s in parse_streams(item.streams) if s not in there]
            if lacking:
                raise UserError(
                    f"{item.streams} is read, but no channel is {lacking[0]}",
                    field="channels",
                )
            for answer in item.answers:
                if any(
                    s not in parse_streams(item.streams)
                    for s in parse_streams(answer.streams)
                ):
                    raise UserError(
                        f"{answer.streams} cannot be answered from {item.streams}",
                        field="networks",
                    )

    def _check_goals(self) -> None:
        task, goals = self.training.task, dict[str, Goal]()
        for item in self.networks:
            goal = item.find_goal()
            if (goal.kind, goal.moves) != (TASKS[task].goal, TASKS[task].moves):
                raise UserError(
                    f"{item.target} is {goal.kind}, training.task is {task}",
                    field="networks",
                )
            if goals.setdefault(item.target, goal) != goal:
                raise UserError(f"{item.target} has two goals", field="networks")
        check_targets(goals)
        for item in self.networks:
            others = item.trained_with.split("+") if item.trained_with else []
            lacking = [name for name in others if name not in goals]
            if lacking:
                raise UserError(
                    f"{item.target} is trained with {lacking[0]}, which is no target",
                    field="networks",
                )
            self.find_asked(item)

    def find_asked(self, item: NetworkItem) -> str:
        """Return what the fitted learner of a target was asked for.

        Raises
        ------
        UserError
            When the settings of the training name no such targets.
        """
        if not item.trained_with:
            return item.target
        names = sorted([item.target, *item.trained_with.split("+")])
        for asked in self.training.targets:
            if sorted(asked.split("+")) == names:
                return asked
        raise UserError(
            f"{item.target} is trained with {item.trained_with}, but training.targets "
            f"is {', '.join(self.training.targets)}",
            field="networks",
        )

    def _check_segments(self) -> None:
        grid = make_grid(self.training.segmenting)
        if grid.is_whole and self._reads_faces():
            raise UserError(
                "needs seconds where faces are read", field="training.segment"
            )
        for rate, what, is_read in (
            (self.recipe.sfreq, "samples", bool(self.channels)),
            (self.recipe.face_fps, "frames", self._reads_faces()),
        ):
            name, seconds = grid.find_obstacle(rate)
            if is_read and name:
                raise UserError(
                    f"needs a whole number of {what}, got {seconds}",
                    field=f"training.{name}",
                )

    def _reads_faces(self) -> bool:
        sets = [answer.streams for item in self.networks for answer in item.answers]
        return any(Stream.FACE in parse_streams(streams) for streams in sets)
