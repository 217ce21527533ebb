"""The paper's network as a learner (its section 2.2): BCE, Adam, shuffled batches.

A fit depends on its rows, its settings and its seed, on nothing that ran before.
Saved, it is the folder that :mod:`deepvanet.models.checkpoint` describes and::

    FOLDER/learner.json   how inputs are scaled, each epoch, which one was chosen
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from deepvanet.config import NetworkSettings
from deepvanet.files import whole_folder, write_text
from deepvanet.learners.inputs import (
    Fetch,
    Index,
    open_rows,
    to_network,
    to_tensors,
)
from deepvanet.learners.learner import (
    Choice,
    Epoch,
    EpochRecord,
    Traits,
    choose_epoch,
)
from deepvanet.learners.repeatable import draw_from, name_precision, use_threads
from deepvanet.learners.scaling import Scaling, fit_scaling, measure_faces
from deepvanet.learners.training import find_logits, train_network
from deepvanet.models.checkpoint import Recipe, read_network, write_network
from deepvanet.models.encoders import FaceEncoder
from deepvanet.models.feature_fusion import DeepVANet
from deepvanet.models.trunk_weights import read_trunk
from deepvanet.schema import Stream, UserError
from deepvanet.store import Rows

FORMAT = "deepvanet-learner-1"

Arrays = Mapping[Stream, NDArray[Any]]


@dataclass(frozen=True)
class NetworkLearner:
    """Train the network of the streams that the rows have.

    Parameters
    ----------
    face_weights : Path | None
        The file whose digest the settings have: where the face trunk starts.
    """

    settings: NetworkSettings
    seed: int
    face_weights: Path | None = None
    traits: ClassVar[Traits] = Traits(has_epochs=True)

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,
        choose: Choice | int = Choice.LAST,
        unit: str = "trial",  # noqa: ARG002 - nothing is divided
    ) -> "FittedNetwork":
        """Train from fresh weights, those of the face trunk aside if they are given.

        Parameters
        ----------
        choose : Choice | int
            An epoch's number keeps that epoch.

        Raises
        ------
        UserError
            When the loss stops being a number.
        """
        settings = self.settings
        scalings = fit_scaling(train, scale=settings.scale)
        fetch_of = partial(open_rows, scalings=scalings, device=settings.device)
        fetch = fetch_of(train)
        watched = None if watch is None else (fetch_of(watch), watch)
        recipe = _recipe_for(fetch, settings)
        with use_threads(settings.threads), draw_from(self.seed):
            network = recipe.build()
            if settings.scale == "train":
                _scale_faces(network, train)
            if self.face_weights is not None:
                _start_faces(network, self.face_weights, freeze=settings.freeze_face)
            chosen, history = train_network(
                network,
                fetch,
                train.label,
                settings,
                seed=self.seed,
                watched=watched,
                choose=choose,
            )
        return FittedNetwork(
            chosen=chosen,
            last=network.eval(),
            recipe=recipe,
            scalings=scalings,
            history=history,
            chosen_epoch=choose_epoch(history, choose),
            threads=settings.threads,
        )


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """A trained network with what its inputs need.

    Attributes
    ----------
    chosen, last : DeepVANet
        The network after the chosen and the last epoch; a loaded one has no last.
    scalings : mapping
        Of each bio stream.
    threads : int
        Threads of scoring, as of the fit.
    """

    chosen: DeepVANet
    last: DeepVANet | None
    recipe: Recipe
    scalings: Mapping[Stream, Scaling]
    history: Sequence[EpochRecord]
    chosen_epoch: int
    threads: int
    choices: ClassVar[Mapping[str, float]] = {}

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams that the network reads."""
        return self.chosen.streams

    def score(
        self, rows: Rows, *, epoch: Epoch = "chosen"
    ) -> Float[np.ndarray, " row"]:
        """Return the probability that each row is high."""

        def read(index: Index) -> Arrays:
            return {stream: rows.read(stream, index) for stream in self.streams}

        return self._score(read, len(rows), epoch)

    def score_arrays(self, arrays: Arrays) -> Float[np.ndarray, " row"]:
        """Return the probability that each second of a fresh recording is high.

        Parameters
        ----------
        arrays : mapping
            Of each stream, rows as the store has them: face (row, frame, height,
            width, 3) uint8, EEG and peripheral (row, channel, time) in the units
            of the training recordings.
        """

        def read(index: Index) -> Arrays:
            return {stream: arrays[stream][index] for stream in self.streams}

        return self._score(read, len(arrays[self.streams[0]]), "chosen")

    def save(self, folder: Path) -> None:
        """Write the chosen network into a new folder, whole or not at all."""
        values = {
            "format": FORMAT,
            "threads": self.threads,
            "chosen_epoch": self.chosen_epoch,
            "scalings": {s: scaling.to_dict() for s, scaling in self.scalings.items()},
            "history": [asdict(record) for record in self.history],
        }
        with whole_folder(folder) as unfinished:
            write_network(unfinished, self.chosen, self.recipe)
            write_text(unfinished / "learner.json", json.dumps(values, indent=2) + "\n")

    def _score(
        self, read: Callable[[Index], Arrays], n_rows: int, epoch: Epoch
    ) -> Float[np.ndarray, " row"]:
        network = {"chosen": self.chosen, "last": self.last}[epoch]
        if network is None:
            raise ValueError("a loaded network has its chosen epoch only")

        def fetch(index: Index) -> dict[Stream, Tensor]:
            return to_tensors(read(index), self.scalings)

        with use_threads(self.threads):
            return find_logits(network, fetch, n_rows).sigmoid().numpy()


def load_network(folder: Path) -> FittedNetwork:
    """Load what ``FittedNetwork.save`` wrote.

    Raises
    ------
    UserError
        When a file is missing or damaged.
    """
    network, recipe = read_network(folder)
    file = folder / "learner.json"
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        if values["format"] != FORMAT:
            raise ValueError(f"another format than {FORMAT}")
        return FittedNetwork(
            chosen=network.eval(),
            last=None,
            recipe=recipe,
            scalings={
                Stream(stream): Scaling.from_dict(scaling)
                for stream, scaling in values["scalings"].items()
            },
            history=[EpochRecord(**record) for record in values["history"]],
            chosen_epoch=values["chosen_epoch"],
            threads=values["threads"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file}: not a saved learner: {error}") from None


def _recipe_for(fetch: Fetch, settings: NetworkSettings) -> Recipe:
    first = to_network(fetch(np.arange(1)))
    return Recipe(
        shapes={stream: tuple(tensor.shape[1:]) for stream, tensor in first.items()},
        face_features=settings.face_features,
        bio_features=settings.bio_features,
        dropout=settings.dropout,
        precision=name_precision(settings),
    )


def _scale_faces(network: DeepVANet, train: Rows) -> None:
    """Let the network take faces relative to those of the training rows."""
    for encoder in _list_face_encoders(network):
        encoder.scale_faces(*measure_faces(train))


def _start_faces(network: DeepVANet, face_weights: Path, *, freeze: bool) -> None:
    """Let the face trunk start from weights, or stay at them."""
    for encoder in _list_face_encoders(network):
        encoder.trunk.load_state_dict(read_trunk(face_weights).tensors)
        encoder.trunk.requires_grad_(not freeze)


def _list_face_encoders(network: DeepVANet) -> list[FaceEncoder]:
    return [e for e in network.encoders.values() if isinstance(e, FaceEncoder)]
