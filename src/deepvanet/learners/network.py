"""The paper's network as a learner (its section 2.2): BCE, Adam, shuffled batches.

A fit depends on its rows, its settings and its seed, on nothing that ran before.
Saved, it is the folder that :mod:`deepvanet.models.checkpoint` describes and::

    FOLDER/learner.json   how inputs are scaled, each epoch, which one was chosen
"""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, Float64
from numpy.typing import NDArray
from torch import Tensor, nn

from deepvanet.config import NetworkSettings, Threads
from deepvanet.fields import MAY_LACK, About
from deepvanet.files import whole_folder, write_text
from deepvanet.learners.held_rows import open_rows
from deepvanet.learners.inputs import (
    Fetch,
    Index,
    check_length,
    to_network,
    to_tensors,
)
from deepvanet.learners.learner import (
    ALL_GOALS,
    Choice,
    Epoch,
    EpochRecord,
    FitPlan,
    Traits,
    choose_epoch,
)
from deepvanet.learners.objectives import (
    TWO_CLASSES,
    AnyObjective,
    MayLackObjective,
    MayLackObjectives,
    find_objective,
    keep_outputs,
    open_objective,
    save_objective,
    take_part,
)
from deepvanet.learners.offsets import open_training
from deepvanet.learners.repeatable import name_precision, sample_from, use_threads
from deepvanet.learners.saved import read_saved
from deepvanet.learners.scaling import Scaling, ScalingItem, fit_scaling, measure_faces
from deepvanet.learners.training import find_outputs, plan_steps, train_network
from deepvanet.models.checkpoint import Architecture, read_network, write_network
from deepvanet.models.encoders import FaceEncoder
from deepvanet.models.feature_fusion import DeepVANet
from deepvanet.models.stream_dropout import PartialNetwork, StreamDropout
from deepvanet.models.trunk_weights import read_trunk
from deepvanet.schema import Stream, UserError
from deepvanet.store import Rows

FORMAT = "deepvanet-learner-1"


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
    traits: ClassVar[Traits] = Traits(
        has_epochs=True, takes_offsets=True, goals=ALL_GOALS, joins_targets=True
    )

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
        train : Rows
            Seconds with labels; the network reads the streams that they have.
        watch : Rows | None
            Rows that are scored after each epoch.
        choose : Choice | int
            An epoch's number keeps that epoch.
        unit : str
            Not used: nothing is divided.

        Returns
        -------
        FittedNetwork
            The network at the chosen and at the last epoch.

        Raises
        ------
        UserError
            When the loss stops being a number.
        """
        settings = self.settings
        scalings = fit_scaling(train, scale=settings.scale)
        fetch_of = partial(open_rows, scalings=scalings, device=settings.device)
        fetch = open_training(train, scalings, settings, seed=self.seed)
        watched = None if watch is None else (fetch_of(watch), watch)
        objective = find_objective(train, loss=settings.loss)
        recipe = _recipe_for(fetch, settings, objective.n_outputs)
        with use_threads(settings.threads), sample_from(self.seed):
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
                objective=objective,
            )
        return FittedNetwork(
            chosen=chosen.network if isinstance(chosen, StreamDropout) else chosen,
            last=network.eval(),
            recipe=recipe,
            scalings=scalings,
            history=history,
            chosen_epoch=(epoch := choose_epoch(history, choose)),
            plan={"steps": sum(plan_steps(len(train), settings)[:epoch])},
            threads=settings.threads,
            stream_dropout=self.stream_dropout,
            objective=objective,
        )

    def refit(
        self, train: Rows, *, plan: FitPlan, unit: str = "trial"
    ) -> "FittedNetwork":
        """Train again on other rows, for as many optimiser steps as a fit chose."""
        chosen: dict[str, Any] = dict(plan)
        settings = replace(self.settings, **chosen)
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
    threads : int
        Threads of scoring, as of the fit.
    plan : mapping
        ``steps``, the optimiser steps up to the chosen epoch; a loaded one has none.
    stream_dropout : float
        Above 0: it answers without some of its streams.
    objective : Objective or JointObjective
        What its outputs mean.
    """

    chosen: DeepVANet
    last: DeepVANet | None
    recipe: Architecture
    scalings: Mapping[Stream, Scaling]
    history: Sequence[EpochRecord]
    chosen_epoch: int
    threads: int
    plan: FitPlan = field(default_factory=dict)
    stream_dropout: float = 0.0
    objective: AnyObjective = TWO_CLASSES
    choices: ClassVar[Mapping[str, float]] = {}

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams that the network reads."""
        return self.chosen.streams

    @property
    def mean_face(self) -> Float[np.ndarray, "colour _ _"]:
        """The mean image of the training rows in [0, 1], black where none was taken."""
        (encoder,) = _list_face_encoders(self.chosen)
        return np.asarray(encoder.center.numpy())

    @cached_property
    def _ready(self) -> DeepVANet:
        """The chosen network, with all that is the same at each call done before."""
        network = copy.deepcopy(self.chosen)
        for encoder in _list_face_encoders(network):
            encoder.round_weights()
        return network

    def score(
        self, rows: Rows, *, epoch: Epoch = "chosen"
    ) -> Float[np.ndarray, " row *output"]:
        """Return the prediction of each row, as the goal says.

        Rows may lack a stream where the network was trained with stream dropout.
        """
        return self.objective.predict(self._read(rows, epoch))

    def find_logits(self, rows: Rows) -> Float[np.ndarray, " row *output"]:
        """Return the outputs that predictions are made of; of high-low the logits."""
        return self._read(rows, "chosen").numpy()

    def take_target(self, place: int) -> "FittedNetwork":
        """Return the network of one of several targets, without the others' outputs."""
        objective, span = take_part(self.objective, place)
        network = copy.deepcopy(self.chosen)
        *hidden, last = network.head.children()
        network.head = nn.Sequential(*hidden, keep_outputs(last, span))
        return replace(
            self,
            chosen=network.eval(),
            last=None,
            recipe=replace(self.recipe, n_outputs=objective.n_outputs),
            objective=objective,
        )

    def save(self, folder: Path) -> None:
        """Write the chosen network into a new folder, whole or not at all."""
        values: dict[str, Any] = {
            "format": FORMAT,
            "threads": self.threads,
            "chosen_epoch": self.chosen_epoch,
            "scalings": {s: scaling.to_dict() for s, scaling in self.scalings.items()},
            "history": [record.to_dict() for record in self.history],
            **save_objective(self.objective),
        }
        if self.stream_dropout:
            values["stream_dropout"] = self.stream_dropout
        with whole_folder(folder) as unfinished:
            write_network(unfinished, self.chosen, self.recipe)
            write_text(unfinished / "learner.json", json.dumps(values, indent=2) + "\n")

    def _read(self, rows: Rows, epoch: Epoch) -> Float64[Tensor, " row *output"]:
        """Return the outputs of rows that have some of the streams, or all."""
        network = self._ready if epoch == "chosen" else self.last
        if network is None:
            raise ValueError("a loaded network has its chosen epoch only")
        there = [stream for stream in self.streams if stream in rows.streams]
        missing = [stream for stream in self.streams if stream not in there]
        if missing and not self.stream_dropout:
            raise ValueError(f"the network cannot do without {', '.join(missing)}")

        def fetch(index: Index) -> dict[Stream, Tensor]:
            arrays = {stream: rows.read(stream, index) for stream in there}
            _check_shapes(arrays, self.recipe)
            nothing = {s: self._fill_nothing(s, len(index)) for s in missing}
            return {**to_tensors(arrays, self.scalings), **nothing}

        asked = PartialNetwork(network, there) if missing else network
        with use_threads(self.threads):
            return find_outputs(asked, fetch, len(rows))

    def _fill_nothing(self, stream: Stream, n_rows: int) -> Tensor:
        return torch.zeros(n_rows, *self.recipe.shapes[stream])


@dataclass(frozen=True)
class SavedNetwork:
    """What ``learner.json`` holds."""

    threads: Threads
    chosen_epoch: Annotated[int, About("Epochs.", least=0)]
    scalings: Mapping[Stream, ScalingItem]
    history: tuple[EpochRecord, ...]
    stream_dropout: Annotated[
        float, About("A probability.", least=0, most=1), MAY_LACK
    ] = 0.0
    objective: MayLackObjective = None
    objectives: MayLackObjectives = ()


def load_network(folder: Path) -> FittedNetwork:
    """Load what ``FittedNetwork.save`` wrote.

    Raises
    ------
    UserError
        When a file is missing or damaged.
    """
    network, recipe = read_network(folder)
    file = folder / "learner.json"
    saved = read_saved(file, FORMAT, SavedNetwork)
    for stream, shape in recipe.shapes.items():
        n_channels = 0 if stream.is_images else shape[0]
        told = saved.scalings.get(stream)
        if len(told.center if told else ()) != n_channels:
            raise UserError(
                f"{file}: not a saved learner: scalings.{stream}.center: needs "
                f"{n_channels} numbers, as network.json says, got "
                f"{len(told.center) if told else 'none'}"
            )
    return FittedNetwork(
        chosen=network.eval(),
        last=None,
        recipe=recipe,
        scalings={stream: item.open() for stream, item in saved.scalings.items()},
        history=list(saved.history),
        chosen_epoch=saved.chosen_epoch,
        threads=saved.threads,
        stream_dropout=saved.stream_dropout,
        objective=_open_objective(file, saved, recipe),
    )


def _open_objective(
    file: Path, saved: SavedNetwork, recipe: Architecture
) -> AnyObjective:
    objective = open_objective(saved.objective, saved.objectives)
    if objective.n_outputs != recipe.n_outputs:
        raise UserError(
            f"{file}: not a saved learner: objective: needs {objective.n_outputs} "
            f"outputs, network.json says {recipe.n_outputs}"
        )
    return objective


def _check_shapes(arrays: Mapping[Stream, NDArray[Any]], recipe: Architecture) -> None:
    """Raise unless images and signals are as large as the network was built for."""
    for stream in arrays.keys() - {Stream.FACE}:
        check_length(arrays[stream].shape[-1], recipe.shapes[stream][-1])
    if Stream.FACE in arrays:
        _, _, height, width, _ = arrays[Stream.FACE].shape
        needed = recipe.shapes[Stream.FACE][2:]
        if (height, width) != tuple(needed):
            raise UserError(
                f"the network reads faces of {needed[0]} x {needed[1]} pixels, got "
                f"{height} x {width}"
            )


def _recipe_for(
    fetch: Fetch, settings: NetworkSettings, n_outputs: int
) -> Architecture:
    first = to_network(fetch(np.arange(1)))
    return Architecture(
        shapes={stream: tuple(tensor.shape[1:]) for stream, tensor in first.items()},
        face_features=settings.face_features,
        bio_features=settings.bio_features,
        dropout=settings.dropout,
        precision=name_precision(settings),
        n_outputs=n_outputs,
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
