"""What ``bundle.json`` must hold: the schema that it is compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from deepvanet.bundle.reliability import Calibrations
from deepvanet.bundle.validation import METRICS, Validation
from deepvanet.config import PrepareSettings, TrainSettings
from deepvanet.documents import Known
from deepvanet.fields import About
from deepvanet.learners.learner import Context
from deepvanet.metrics import Calibration
from deepvanet.preprocessing.windows import WindowGrid
from deepvanet.schema import (
    ChannelType,
    Stream,
    Target,
    UserError,
    find_stream,
    list_within,
    parse_streams,
)

StreamSet = Annotated[str, Known(list_within(Stream))]
Seconds = Annotated[float, About("Seconds.", least=0, most=1e6)]


@dataclass(frozen=True)
class RowSummary:
    """The rows that a member was fitted on, counted."""

    n_subjects: int
    n_trials: int
    n_segments: int
    n_high_trials: int
    lowest_rating: float
    highest_rating: float


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
    calibration: CalibrationItems
    validation: Validation | None

    def __post_init__(self) -> None:
        known = {} if self.validation is None else self.validation.scores
        for name in METRICS:
            if self.validation is not None and name not in known:
                raise UserError("is missing", field=f"validation.scores.{name}")


@dataclass(frozen=True)
class NetworkItem:
    """A fitted learner."""

    target: Target
    streams: StreamSet
    context: Context
    plan: Mapping[str, Annotated[int, About("Steps.", least=0)]]
    rows: RowSummary
    answers: tuple[AnswerItem, ...]


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

    def _check_segments(self) -> None:
        length_s = self.training.segment
        if isinstance(length_s, str):
            raise UserError("needs seconds", field="training.segment")
        grid = WindowGrid(length_s, self.training.step)
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


def _name_stream(channel: ChannelItem) -> str:
    return "eeg" if channel.type is ChannelType.EEG else "peripheral"
