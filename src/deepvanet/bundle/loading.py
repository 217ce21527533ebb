"""A bundle as it is loaded; nothing in it is executed."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deepvanet.bundle.validation import Validation
from deepvanet.config import PrepareSettings
from deepvanet.learners.network import FittedNetwork, load_network
from deepvanet.preprocessing.bio import BASELINES
from deepvanet.schema import (
    STREAM_SETS,
    Channel,
    ChannelType,
    Stream,
    Target,
    UserError,
    pick,
)

FORMAT = "deepvanet-bundle-1"


@dataclass(frozen=True)
class Answer:
    """What a bundle can say of a target from a stream set, and how well.

    Attributes
    ----------
    network : str
        The stream set of the network that is asked.
    steps : int | None
        Optimiser steps of its training; None in a bundle that does not tell.
    temperature : float
        What logits are divided by.
    validation : Validation | None
        None: never scored, so not calibrated.
    """

    target: Target
    streams: str
    network: str
    steps: int | None = None
    temperature: float = 1.0
    validation: Validation | None = None

    def line(self) -> str:
        """Say how good it is."""
        what = f"{self.target} from {self.streams}: "
        if self.validation is None:
            return what + "not calibrated, never scored"
        balanced = self.validation.scores["balanced_accuracy"]
        return what + (
            f"balanced accuracy {'unknown' if balanced is None else f'{balanced:.2f}'} "
            f"over {self.validation.n_trials} trials (protocol "
            f"{self.validation.protocol}), {self.steps} steps, temperature "
            f"{self.temperature:.2f}"
        )


@dataclass(frozen=True)
class Bundle:
    """Trained networks and all that is needed to feed them.

    Attributes
    ----------
    recipe : PrepareSettings
        Of the store it was trained on.
    is_raw : bool
        Whether that store was made from raw recordings, which are to be cleaned.
    training : mapping
        The ``TrainSettings``, as plain values.
    answers : tuple of Answer
        What it can say.
    """

    path: Path
    dataset: str
    is_raw: bool
    recipe: PrepareSettings
    training: Mapping[str, Any]
    channels: tuple[Channel, ...]
    answers: tuple[Answer, ...]

    @property
    def networks(self) -> tuple[tuple[Target, str], ...]:
        """Target and stream set of each network."""
        return tuple(dict.fromkeys((a.target, a.network) for a in self.answers))

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
            f"bundle: {self.path} ({len(self.networks)} networks; card: README.md)",
            *(answer.line() for answer in self.answers),
        ]

    def channels_of(self, stream: Stream) -> tuple[Channel, ...]:
        """Return the channels of one stream, in the order of its arrays."""
        return tuple(c for c in self.channels if c.stream is stream)

    def find(self, target: Target, streams: str) -> Answer:
        """Return what is known of one answer; ``KeyError`` where there is none."""
        for answer in self.answers:
            if (answer.target, answer.streams) == (target, streams):
                return answer
        raise KeyError(f"{target} from {streams}")

    def load(self, target: Target, streams: str) -> FittedNetwork:
        """Load the network that answers from a stream set."""
        network = self.find(target, streams).network
        return load_network(name_folder(self.path, target, network))

    def pick(self, available: frozenset[Stream]) -> str | None:
        """Return the largest stream set it knows within the available streams."""
        fitting = [s for s in self.stream_sets if available.issuperset(STREAM_SETS[s])]
        return max(fitting, key=lambda s: len(STREAM_SETS[s]), default=None)


def name_folder(path: Path, target: Target, streams: str) -> Path:
    """Return where a network lies."""
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
        if values["format"] != FORMAT:
            raise ValueError(f"format {values['format']!r}")
        if not values["networks"]:
            raise ValueError("it names no network")
        return Bundle(
            path=path,
            dataset=values["dataset"],
            is_raw=values["is_raw"] is True,
            recipe=_read_recipe(values["recipe"]),
            training=values["training"],
            channels=tuple(
                Channel(c["name"], ChannelType(c["type"]), c["unit"])
                for c in values["channels"]
            ),
            answers=tuple(a for n in values["networks"] for a in _read_answers(n)),
        )
    except (UserError, OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file}: not a whole bundle: {error}") from None


def _read_answers(values: Mapping[str, Any]) -> list[Answer]:
    """Read a network; those of older bundles know only what they read."""
    target = Target(values["target"])
    network = pick("stream set", values["streams"], STREAM_SETS)
    answers = values.get("answers", [{"streams": network}])
    return [
        Answer(
            target,
            pick("stream set", item["streams"], STREAM_SETS),
            network,
            steps=values.get("steps"),
            temperature=_read_temperature(item.get("temperature", 1.0)),
            validation=(
                Validation(**item["validation"]) if item.get("validation") else None
            ),
        )
        for item in answers
    ]


def _read_temperature(value: Any) -> float:
    if not isinstance(value, float) or not 0 < value < float("inf"):
        raise ValueError(f"temperature cannot be {value!r}")
    return value


def _read_recipe(values: Mapping[str, Any]) -> PrepareSettings:
    for name, usual in asdict(PrepareSettings()).items():
        if type(values[name]) is not type(usual):
            raise ValueError(f"{name} cannot be {values[name]!r}")
    pick("baseline", values["baseline"], BASELINES)
    return PrepareSettings(**values)
