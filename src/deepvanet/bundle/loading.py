"""A bundle as it is loaded; nothing in it is executed."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from deepvanet.bundle.reliability import Calibrations
from deepvanet.bundle.validation import Validation
from deepvanet.config import PrepareSettings
from deepvanet.learners import find_record
from deepvanet.learners.learner import Context, FitPlan, FittedLearner
from deepvanet.learners.making import load_learner
from deepvanet.schema import (
    STREAM_SETS,
    Channel,
    ChannelType,
    Stream,
    Target,
    UserError,
    pick,
)

FORMAT = "deepvanet-bundle-3"
OLDER = ("deepvanet-bundle-1", "deepvanet-bundle-2")


def say_plan(plan: FitPlan) -> str:
    """Say what was chosen.

    Examples
    --------
    >>> say_plan({"face_steps": 20, "bio_steps": 40})
    '20 face steps, 40 bio steps'
    """
    return ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in plan.items())


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
    """

    target: Target
    streams: str
    network: str
    context: Context
    plan: FitPlan
    calibrations: Calibrations
    validation: Validation | None = None

    def line(self) -> str:
        """Say how good it is."""
        what = f"{self.target} from {self.streams}: "
        if self.validation is None:
            return what + "not calibrated, never scored"
        balanced = self.validation.scores["balanced_accuracy"]
        called, plan = self.calibrations, say_plan(self.plan)
        return what + (
            f"balanced accuracy {'unknown' if balanced is None else f'{balanced:.2f}'} "
            f"of {self.validation.n_trials} trials, mean over subjects (protocol "
            f"{self.validation.protocol}){f', {plan}' if plan else ''}; high is above "
            f"{called.segment.threshold:.2f} (seconds), {called.trial.threshold:.2f} "
            "(trials)"
        )


@dataclass(frozen=True)
class Bundle:
    """Fitted learners and all that is needed to feed them.

    Attributes
    ----------
    recipe : PrepareSettings
        Of the store it was trained on.
    is_raw : bool
        Whether that store was made from raw recordings, which are to be cleaned.
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
    rest_s: float | None
    training: Mapping[str, Any]
    channels: tuple[Channel, ...]
    levels: Mapping[str, Level]
    answers: tuple[Answer, ...]

    @property
    def networks(self) -> tuple[tuple[Target, str], ...]:
        """Target and stream set of each fitted learner."""
        return tuple(dict.fromkeys((a.target, a.network) for a in self.answers))

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
    def targets(self) -> tuple[Target, ...]:
        """The targets it was trained for."""
        return tuple(dict.fromkeys(answer.target for answer in self.answers))

    @property
    def stream_sets(self) -> tuple[str, ...]:
        """The stream sets it can answer from."""
        return tuple(dict.fromkeys(answer.streams for answer in self.answers))

    @property
    def streams(self) -> frozenset[Stream]:
        """The streams that some network of it reads."""
        return frozenset(s for name in self.stream_sets for s in STREAM_SETS[name])

    def lines(self) -> list[str]:
        """Say in sentences what it can do, and how well."""
        return [
            f"bundle: {self.path} ({self._count()}; card: README.md)",
            *(answer.line() for answer in self.answers),
        ]

    def _count(self) -> str:
        what = "networks" if self.learner == "network" else f"of {self.learner}"
        return f"{len(self.networks)} {what}"

    def channels_of(self, stream: Stream) -> tuple[Channel, ...]:
        """Return the channels of one stream, in the order of its arrays."""
        return tuple(c for c in self.channels if c.stream is stream)

    def find(self, target: Target, streams: str) -> Answer:
        """Return what is known of one answer; ``KeyError`` where there is none."""
        for answer in self.answers:
            if (answer.target, answer.streams) == (target, streams):
                return answer
        raise KeyError(f"{target} from {streams}")

    def load(self, target: Target, streams: str) -> FittedLearner:
        """Load the fitted learner that answers from a stream set."""
        network = self.find(target, streams).network
        return load_learner(self.learner, name_folder(self.path, target, network))

    def pick(self, available: frozenset[Stream]) -> str | None:
        """Return the largest stream set it knows within the available streams."""
        fitting = [s for s in self.stream_sets if available.issuperset(STREAM_SETS[s])]
        return max(fitting, key=lambda s: len(STREAM_SETS[s]), default=None)


def name_folder(path: Path, target: Target, streams: str) -> Path:
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
        values = json.loads(file.read_text())
        if values["format"] in OLDER:
            raise _Older
        if values["format"] != FORMAT:
            raise ValueError(f"format {values['format']!r}")
        if not values["networks"]:
            raise ValueError("it names no network")
        return Bundle(
            path=path,
            dataset=values["dataset"],
            is_raw=values["is_raw"] is True,
            recipe=_read_recipe(values["recipe"]),
            rest_s=_read_rest(values["rest_s"]),
            training=_read_training(values["training"]),
            channels=tuple(
                Channel(c["name"], ChannelType(c["type"]), c["unit"])
                for c in values["channels"]
            ),
            levels={
                c["name"]: _read_level(c)
                for c in values["channels"]
                if c["median"] is not None
            },
            answers=tuple(a for n in values["networks"] for a in _read_answers(n)),
        )
    except _Older:
        raise UserError(
            f"{file}: made by an older version of deepvanet; run deepvanet train again"
        ) from None
    except (UserError, OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file}: not a whole bundle: {error}") from None


class _Older(Exception):  # noqa: N818  not an error of ours
    """The format is one of before."""


def _read_answers(values: Mapping[str, Any]) -> list[Answer]:
    target = Target(values["target"])
    network = pick("stream set", values["streams"], STREAM_SETS)
    return [
        Answer(
            target,
            pick("stream set", item["streams"], STREAM_SETS),
            network,
            context="trial" if values["context"] == "trial" else "segment",
            plan=_read_plan(values["plan"]),
            calibrations=Calibrations.from_dict(item["calibration"]),
            validation=(
                Validation.from_dict(item["validation"]) if item["validation"] else None
            ),
        )
        for item in values["answers"]
    ]


def _read_training(values: Mapping[str, Any]) -> Mapping[str, Any]:
    find_record(values["learner"])
    return values


def _read_plan(values: Mapping[str, Any]) -> FitPlan:
    for name, value in values.items():
        if type(value) is not int:
            raise ValueError(f"{name} of a plan cannot be {value!r}")
    return values


def _read_rest(value: Any) -> float | None:
    if value is not None and not (isinstance(value, float) and 0 <= value < 1e6):
        raise ValueError(f"rest_s cannot be {value!r}")
    return value


def _read_level(values: Mapping[str, Any]) -> Level:
    level = Level(values["median"], values["spread"])
    for value in (level.median, level.spread):
        if not isinstance(value, float) or not isfinite(value):
            raise ValueError(f"level of {values['name']} cannot be {value!r}")
    return level


def _read_recipe(values: Mapping[str, Any]) -> PrepareSettings:
    for name, usual in asdict(PrepareSettings()).items():
        if type(values[name]) is not type(usual):
            raise ValueError(f"{name} cannot be {values[name]!r}")
    return PrepareSettings(**values)
