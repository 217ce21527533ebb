"""A system's network as a learner: pieces of trials in, its authors' training.

What a system has of its own is a :class:`Method`: which rows make an example, what the
network reads of them, how it is built and trained. All else is as for our networks: the
objective of the goal, class weights, records of epochs and the choice of one::

    FOLDER/learner.json          which system, its epochs, which one was chosen
           inputs.safetensors    how inputs are scaled
           network.safetensors   the weights
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from jaxtyping import Float
from safetensors.numpy import load_file
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file
from torch import nn

from deepvanet.config import NetworkSettings, SizeName, Threads
from deepvanet.fields import About
from deepvanet.files import whole_folder, write_text
from deepvanet.learners.inputs import Fetch
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
    MayLackObjective,
    Objective,
    find_objective,
    open_objective,
    save_objective,
)
from deepvanet.learners.pieces import NOTHING, Pieces
from deepvanet.learners.repeatable import sample_from, use_threads
from deepvanet.learners.saved import read_saved, refuse_damage
from deepvanet.learners.training import find_outputs, plan_steps, train_network
from deepvanet.models.checkpoint import load_weights
from deepvanet.schema import GoalKind, Stream, UserError
from deepvanet.store import Rows
from deepvanet.systems.inputs import Arrays, Inputs
from deepvanet.systems.schedule import Schedule
from deepvanet.systems.warn_once import warn_once

FORMAT = "deepvanet-system-1"


@dataclass(frozen=True)
class Method:
    """What a system has of its own.

    Attributes
    ----------
    name : str
        Of the learner.
    streams, needs : tuple
        As in ``Traits``.
    schedule : Schedule
        How its authors trained it.
    count_joined : callable
        From training rows to how many of them an example has; 0: all of a trial.
    cut : callable
        From rows and that number to pieces.
    fit_inputs : callable
        From training rows to what the network reads.
    load_inputs : callable
        From saved arrays to the same.
    build : callable
        From inputs, rows of an example, numbers that it gives and the size to a fresh
        network, which takes streams as (piece, step, ...).
    goals : tuple of str
        What it can predict.
    spans_trial, follows_time, joins_rows
        As in ``Traits``.
    """

    name: str
    streams: tuple[Stream, ...]
    schedule: Schedule
    count_joined: Callable[[Rows], int]
    cut: Callable[[Rows, int], Pieces]
    fit_inputs: Callable[[Rows], Inputs]
    load_inputs: Callable[[Arrays], Inputs]
    build: Callable[[Inputs, int, int, SizeName], nn.Module]
    needs: tuple[tuple[Stream, ...], ...] = ()
    goals: tuple[GoalKind, ...] = ALL_GOALS
    spans_trial: tuple[Stream, ...] = ()
    follows_time: bool = True
    joins_rows: bool = True

    def make(
        self,
        _name: str,
        settings: NetworkSettings,
        seed: int,
        _face_weights: Path | None = None,
        /,
    ) -> "PieceNetwork":
        """Make the learner, as a record's maker does.

        Parameters
        ----------
        _name : str
            Not used: there is one learner only.
        settings : NetworkSettings
            Epochs, batch size and learning rate where they are not the defaults; size.
        seed : int
            Of fresh weights and of the order of examples.
        _face_weights : Path | None
            Not used.

        Returns
        -------
        PieceNetwork
            Not fitted yet.
        """
        return PieceNetwork(self, settings, seed)

    def load(self, folder: Path) -> "FittedPieceNetwork":
        """Load what the fitted learner saved, or raise ``UserError``."""
        return load_piece_network(self, folder)


@dataclass(frozen=True)
class PieceNetwork:
    """Train the network of a method on pieces of trials."""

    method: Method
    settings: NetworkSettings
    seed: int

    @property
    def own(self) -> NetworkSettings:
        """The settings, with the authors' values where none other were asked for."""
        return self.method.schedule.settle(self.settings)

    @property
    def traits(self) -> Traits:
        """Those of the method."""
        method = self.method
        return Traits(
            streams=method.streams,
            needs=method.needs,
            has_epochs=True,
            spans_trial=method.spans_trial,
            goals=method.goals,
            follows_time=method.follows_time,
            joins_rows=method.joins_rows,
            epochs=self.own.epochs,
        )

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,
        choose: Choice = Choice.LAST,
        unit: str = "trial",  # noqa: ARG002 - nothing is divided
    ) -> "FittedPieceNetwork":
        """Train from fresh weights.

        Parameters
        ----------
        train : Rows
            Rows with labels; those of an example are joined.
        watch : Rows | None
            Rows that are scored after each epoch.
        choose : Choice
            Which epoch ``score`` reads by default; all but the last need ``watch``.
        unit : str
            Not used: nothing is divided.

        Returns
        -------
        FittedPieceNetwork
            The network at the chosen and at the last epoch.

        Raises
        ------
        UserError
            When the rows have several targets, or the loss stops being a number.
        """
        method, settings = self.method, self.own
        n_steps = method.count_joined(train)
        pieces = method.cut(train, n_steps)
        n_steps = pieces.members.shape[1]
        _say_short(method.name, pieces)
        inputs = method.fit_inputs(train)
        objective = find_objective(train, loss=settings.loss)
        if not isinstance(objective, Objective):
            raise UserError(f"learner {method.name}: predicts one target at a time")
        open_pieces = partial(_open_pieces, inputs, device=settings.device)
        watched = None
        if watch is not None:
            seen = method.cut(watch, n_steps)
            watched = (open_pieces(seen), seen.labelled)
        with use_threads(settings.threads), sample_from(self.seed):
            network = method.build(inputs, n_steps, objective.n_outputs, settings.size)
            chosen, history = train_network(
                network,
                open_pieces(pieces),
                pieces.labelled,
                settings,
                seed=self.seed,
                watched=watched,
                choose=choose,
                objective=objective,
                make_optimizer=partial(
                    method.schedule.make_optimizer, learning_rate=settings.learning_rate
                ),
            )
        epoch = choose_epoch(history, choose)
        return FittedPieceNetwork(
            method=method,
            chosen=chosen,
            last=network.eval(),
            inputs=inputs,
            n_steps=n_steps,
            size=settings.size,
            history=history,
            chosen_epoch=epoch,
            plan={"steps": sum(plan_steps(len(pieces), settings)[:epoch])},
            threads=settings.threads,
            objective=objective,
        )

    def refit(
        self, train: Rows, *, plan: FitPlan, unit: str = "trial"
    ) -> "FittedPieceNetwork":
        """Train again on other rows, for as many optimiser steps as a fit chose."""
        chosen: dict[str, Any] = dict(plan)
        settings = replace(self.settings, **chosen)
        return replace(self, settings=settings).fit(train, unit=unit)

    def count_steps(self, train: Rows) -> int:
        """Return the optimiser steps of a fit whose epoch nothing chooses."""
        n_pieces = len(self.method.cut(train, self.method.count_joined(train)))
        return sum(plan_steps(n_pieces, self.own))


@dataclass(frozen=True, eq=False)
class FittedPieceNetwork:
    """A trained network of a system, with what its input needs.

    Attributes
    ----------
    chosen, last : Module
        The network after the chosen and the last epoch; a loaded one has no last.
    n_steps : int
        Rows of an example.
    plan : mapping
        ``steps``, the optimiser steps up to the chosen epoch; a loaded one has none.
    """

    method: Method
    chosen: nn.Module
    last: nn.Module | None
    inputs: Inputs
    n_steps: int
    size: SizeName
    history: Sequence[EpochRecord]
    chosen_epoch: int
    threads: int
    plan: FitPlan = field(default_factory=dict)
    objective: Objective = TWO_CLASSES
    choices: ClassVar[Mapping[str, float]] = {}

    def score(
        self, rows: Rows, *, epoch: Epoch = "chosen"
    ) -> Float[np.ndarray, " row *class"]:
        """Return the prediction of each row: that of its example."""
        network = self.chosen if epoch == "chosen" else self.last
        if network is None:
            raise ValueError("a loaded network has its chosen epoch only")
        pieces = self.method.cut(rows, self.n_steps)
        with use_threads(self.threads):
            outputs = find_outputs(
                network, _open_pieces(self.inputs, pieces), len(pieces)
            )
        return np.asarray(pieces.spread(self.objective.predict(outputs)))

    def save(self, folder: Path) -> None:
        """Write the chosen network into a new folder, whole or not at all."""
        values = {
            "format": FORMAT,
            "learner": self.method.name,
            "chosen_epoch": self.chosen_epoch,
            "threads": self.threads,
            "n_steps": self.n_steps,
            "size": self.size,
            "history": [record.to_dict() for record in self.history],
            **save_objective(self.objective),
        }
        with whole_folder(folder) as unfinished:
            save_arrays(self.inputs.to_arrays(), unfinished / "inputs.safetensors")
            save_file(self.chosen.state_dict(), unfinished / "network.safetensors")
            write_text(unfinished / "learner.json", json.dumps(values, indent=2) + "\n")


@dataclass(frozen=True)
class SavedPieceNetwork:
    """What ``learner.json`` holds."""

    learner: str
    chosen_epoch: Annotated[int, About("Epochs.", least=0)]
    threads: Threads
    n_steps: Annotated[int, About("Rows of an example.", least=1, most=100_000)]
    size: SizeName
    history: tuple[EpochRecord, ...]
    objective: MayLackObjective = None


def load_piece_network(method: Method, folder: Path) -> FittedPieceNetwork:
    """Load what ``FittedPieceNetwork.save`` wrote.

    Raises
    ------
    UserError
        When a file is missing, damaged, of another format or of another system.
    """
    file = folder / "learner.json"
    saved = read_saved(file, FORMAT, SavedPieceNetwork)
    if saved.learner != method.name:
        raise UserError(f"{file}: not a saved learner: it is not of {method.name}")
    with refuse_damage(folder):
        inputs = method.load_inputs(load_file(folder / "inputs.safetensors"))
    objective = open_objective(saved.objective, ())
    if not isinstance(objective, Objective):
        raise UserError(f"{file}: not a saved learner: it has several targets")

    def make() -> nn.Module:
        return method.build(inputs, saved.n_steps, objective.n_outputs, saved.size)

    network = load_weights(make, folder / "network.safetensors")
    return FittedPieceNetwork(
        method=method,
        chosen=network.eval(),
        last=None,
        inputs=inputs,
        n_steps=saved.n_steps,
        size=saved.size,
        history=list(saved.history),
        chosen_epoch=saved.chosen_epoch,
        threads=saved.threads,
        objective=objective,
    )


def _say_short(name: str, pieces: Pieces) -> None:
    """Warn where nothing is as long as the examples that a system reads."""
    there = (pieces.members != NOTHING).sum(axis=1)
    n_steps = pieces.members.shape[1]
    if there.max() < n_steps:
        warn_once(
            f"{name}: reads {n_steps} s at once, but training has no more than "
            f"{there.max()} s of a trial in a row: it reads those"
        )


def _open_pieces(inputs: Inputs, pieces: Pieces, *, device: str = "cpu") -> Fetch:
    return pieces.gather(inputs.open(pieces.rows, device=device))
