"""The paper's network as a learner (its section 2.2): BCE, Adam, shuffled batches.

A fit depends on its rows, its settings and its seed, on nothing that ran before.
Saved, it is the folder that :mod:`deepvanet.models.checkpoint` describes and::

    FOLDER/learner.json   how inputs are scaled, each epoch, which one was chosen
"""

import copy
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
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
    Fitted,
    Traits,
    choose_epoch,
)
from deepvanet.learners.repeatable import draw_from, name_precision, use_threads
from deepvanet.learners.scaling import Scaling, fit_scaling, measure_faces
from deepvanet.learners.training import find_logits, plan_steps, train_network
from deepvanet.models.checkpoint import Recipe, read_network, write_network
from deepvanet.models.encoders import FaceEncoder
from deepvanet.models.feature_fusion import DeepVANet
from deepvanet.models.stream_dropout import StreamDropout, Within
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
    stream_dropout : float
        With which probability a row loses a stream in training. Above 0 the network
        answers without some of its streams too.
    """

    settings: NetworkSettings
    seed: int
    face_weights: Path | None = None
    stream_dropout: float = 0.0
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
            trained: StreamDropout | DeepVANet = network
            if self.stream_dropout:
                trained = StreamDropout(network, self.stream_dropout)
            chosen, history = train_network(
                trained,
                fetch,
                train,
                settings,
                seed=self.seed,
                watched=watched,
                choose=choose,
            )
        return FittedNetwork(
            chosen=chosen.network if isinstance(chosen, StreamDropout) else chosen,
            last=network.eval(),
            recipe=recipe,
            scalings=scalings,
            history=history,
            chosen_epoch=(epoch := choose_epoch(history, choose)),
            chosen_steps=sum(plan_steps(len(train), settings)[:epoch]),
            threads=settings.threads,
            stream_dropout=self.stream_dropout,
        )

    def refit(
        self, train: Rows, *, like: Fitted, unit: str = "trial"
    ) -> "FittedNetwork":
        """Train again on other rows, for as many optimiser steps as a fit chose."""
        if not isinstance(like, FittedNetwork):
            raise TypeError(f"expected a fitted network, got {type(like).__name__}")
        settings = replace(self.settings, steps=like.chosen_steps)
        return replace(self, settings=settings).fit(train, unit=unit)


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """A trained network with what its inputs need.

    Attributes
    ----------
    chosen, last : DeepVANet
        The network after the chosen and the last epoch; a loaded one has no last.
    scalings : mapping
        Of each bio stream.
    chosen_steps : int
        Optimiser steps up to the chosen epoch; 0 of a loaded one.
    threads : int
        Threads of scoring, as of the fit.
    stream_dropout : float
        Above 0: it answers without some of its streams.
    """

    chosen: DeepVANet
    last: DeepVANet | None
    recipe: Recipe
    scalings: Mapping[Stream, Scaling]
    history: Sequence[EpochRecord]
    chosen_epoch: int
    threads: int
    chosen_steps: int = 0
    stream_dropout: float = 0.0
    choices: ClassVar[Mapping[str, float]] = {}

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams that the network reads."""
        return self.chosen.streams

    @cached_property
    def _ready(self) -> DeepVANet:
        """The chosen network, with all that is the same at each call done before."""
        network = copy.deepcopy(self.chosen)
        for encoder in _list_face_encoders(network):
            encoder.round_weights()
        return network

    def score(
        self, rows: Rows, *, epoch: Epoch = "chosen"
    ) -> Float[np.ndarray, " row"]:
        """Return the probability that each row is high."""
        return _to_probability(self._read_rows(rows, epoch, self.streams))

    def score_arrays(self, arrays: Arrays) -> Float[np.ndarray, " row"]:
        """Return the probability that each second of a fresh recording is high.

        Parameters
        ----------
        arrays : mapping
            Of each stream, rows as the store has them: face (row, frame, height,
            width, 3) uint8, EEG and peripheral (row, channel, time) in the units
            of the training recordings. Streams may be left out where the network
            was trained with stream dropout.
        """
        return _to_probability(self.find_logits(arrays))

    def find_logits(self, arrays: Arrays) -> Float[np.ndarray, " row"]:
        """Return the logits of what ``score_arrays`` gives the probability of."""

        def read(index: Index) -> Arrays:
            return {stream: array[index] for stream, array in arrays.items()}

        return self._read(read, len(next(iter(arrays.values()))), "chosen", arrays)

    def find_logits_of(
        self, rows: Rows, streams: Collection[Stream]
    ) -> Float[np.ndarray, " row"]:
        """Return the logits of rows of a store from some of the streams."""
        return self._read_rows(rows, "chosen", streams)

    def save(self, folder: Path) -> None:
        """Write the chosen network into a new folder, whole or not at all."""
        values: dict[str, Any] = {
            "format": FORMAT,
            "threads": self.threads,
            "chosen_epoch": self.chosen_epoch,
            "scalings": {s: scaling.to_dict() for s, scaling in self.scalings.items()},
            "history": [asdict(record) for record in self.history],
        }
        if self.stream_dropout:
            values["stream_dropout"] = self.stream_dropout
        with whole_folder(folder) as unfinished:
            write_network(unfinished, self.chosen, self.recipe)
            write_text(unfinished / "learner.json", json.dumps(values, indent=2) + "\n")

    def _read_rows(
        self, rows: Rows, epoch: Epoch, streams: Collection[Stream]
    ) -> Float[np.ndarray, " row"]:
        def read(index: Index) -> Arrays:
            return {s: rows.read(s, index) for s in self.streams if s in streams}

        return self._read(read, len(rows), epoch, streams)

    def _read(
        self,
        read: Callable[[Index], Arrays],
        n_rows: int,
        epoch: Epoch,
        available: Collection[Stream],
    ) -> Float[np.ndarray, " row"]:
        """Return the logits of rows that have some of the streams, or all."""
        network = self._ready if epoch == "chosen" else self.last
        if network is None:
            raise ValueError("a loaded network has its chosen epoch only")
        missing = [stream for stream in self.streams if stream not in available]
        if missing and not self.stream_dropout:
            raise ValueError(f"the network cannot do without {', '.join(missing)}")

        def fetch(index: Index) -> dict[Stream, Tensor]:
            nothing = {s: self._draw_nothing(s, len(index)) for s in missing}
            return {**to_tensors(read(index), self.scalings), **nothing}

        asked = Within(network, available) if missing else network
        with use_threads(self.threads):
            logits: Float[np.ndarray, " row"]
            logits = find_logits(asked, fetch, n_rows).numpy()
        return logits

    def _draw_nothing(self, stream: Stream, n_rows: int) -> Tensor:
        return torch.zeros(n_rows, *self.recipe.shapes[stream])


def _to_probability(logits: Float[np.ndarray, " row"]) -> Float[np.ndarray, " row"]:
    return torch.from_numpy(logits).sigmoid().numpy()


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
            stream_dropout=values.get("stream_dropout", 0.0),
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
