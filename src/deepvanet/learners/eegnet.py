"""EEGNet as a learner: the same training, scaling and choice of epoch as the network.

Written from its paper; braindecode's would bring forty packages, among them a
torchaudio of another release than torch.
"""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from jaxtyping import Float, Float64
from safetensors.torch import save_file
from torch import Tensor

from deepvanet.config import NetworkSettings, Threads
from deepvanet.fields import MAY_LACK, About
from deepvanet.files import whole_folder, write_text
from deepvanet.learners.held_rows import open_rows
from deepvanet.learners.inputs import check_length
from deepvanet.learners.learner import (
    ALL_GOALS,
    Choice,
    Epoch,
    EpochRecord,
    FitPlan,
    Learner,
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
from deepvanet.learners.repeatable import sample_from, use_threads
from deepvanet.learners.saved import read_saved
from deepvanet.learners.scaling import Scaling, ScalingItem, fit_scaling
from deepvanet.learners.training import find_outputs, plan_steps, train_network
from deepvanet.models.checkpoint import load_weights
from deepvanet.models.eegnet import EEGNet
from deepvanet.schema import Stream, UserError
from deepvanet.store import Rows

FORMAT = "deepvanet-eegnet-2"


@dataclass(frozen=True)
class EEGNetShape:
    """What an EEGNet is built of.

    Attributes
    ----------
    sfreq : float
        Samples a second of its input, in Hz.
    """

    n_channels: Annotated[int, About("Of EEG.", least=1, most=2**20)]
    n_samples: Annotated[int, About("Of a segment.", least=1, most=2**20)]
    sfreq: Annotated[float, About("In Hz.", least=1, most=100_000)]
    dropout: Annotated[float, About("A probability.", least=0, most=1)]
    n_outputs: Annotated[int, About("Of a row.", least=1, most=1000), MAY_LACK] = 1

    def build(self) -> EEGNet:
        """Build the network, with fresh weights."""
        return EEGNet(
            self.n_channels,
            self.n_samples,
            sfreq=self.sfreq,
            dropout=self.dropout,
            n_outputs=self.n_outputs,
        )


@dataclass(frozen=True)
class EEGNetLearner:
    """Train EEGNet-8,2 on the EEG of rows."""

    settings: NetworkSettings
    seed: int
    traits: ClassVar[Traits] = Traits(
        streams=(Stream.EEG,),
        has_epochs=True,
        takes_offsets=True,
        goals=ALL_GOALS,
        joins_targets=True,
    )

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,
        choose: Choice = Choice.LAST,
        unit: str = "trial",  # noqa: ARG002 - nothing is divided
    ) -> "FittedEEGNet":
        """Train from fresh weights.

        Parameters
        ----------
        train : Rows
            Seconds with labels and EEG.
        watch : Rows | None
            Rows that are scored after each epoch.
        choose : Choice
            Which epoch ``score`` reads by default; all but the last need ``watch``.
        unit : str
            Not used: nothing is divided.

        Returns
        -------
        FittedEEGNet
            The network at the chosen and at the last epoch.
        """
        settings = self.settings
        scalings = fit_scaling(train, scale=settings.scale)
        fetch_of = partial(open_rows, scalings=scalings, device=settings.device)
        fetch = open_training(train, scalings, settings, seed=self.seed)
        _, n_channels, n_samples = train.read(Stream.EEG, np.arange(1)).shape
        objective = find_objective(train, loss=settings.loss)
        shape = EEGNetShape(
            n_channels,
            n_samples,
            train.store.sfreq,
            settings.dropout,
            objective.n_outputs,
        )
        watched = None if watch is None else (fetch_of(watch), watch)
        with use_threads(settings.threads), sample_from(self.seed):
            network = shape.build()
            chosen, history = train_network(
                network,
                fetch,
                train,
                settings,
                seed=self.seed,
                watched=watched,
                choose=choose,
                objective=objective,
            )
        return FittedEEGNet(
            chosen=chosen,
            last=network.eval(),
            shape=shape,
            scaling=scalings[Stream.EEG],
            history=history,
            chosen_epoch=(epoch := choose_epoch(history, choose)),
            plan={"steps": sum(plan_steps(len(train), settings)[:epoch])},
            threads=settings.threads,
            objective=objective,
        )

    def refit(
        self, train: Rows, *, plan: FitPlan, unit: str = "trial"
    ) -> "FittedEEGNet":
        """Train again on other rows, for as many optimiser steps as a fit chose."""
        chosen: dict[str, Any] = dict(plan)
        settings = replace(self.settings, **chosen)
        return replace(self, settings=settings).fit(train, unit=unit)


@dataclass(frozen=True, eq=False)
class FittedEEGNet:
    """A trained EEGNet with what its input needs.

    Attributes
    ----------
    chosen, last : EEGNet
        The network after the chosen and the last epoch; a loaded one has no last.
    plan : mapping
        ``steps``, the optimiser steps up to the chosen epoch; a loaded one has none.
    objective : Objective or JointObjective
        What its outputs mean.
    """

    chosen: EEGNet
    last: EEGNet | None
    shape: EEGNetShape
    scaling: Scaling
    history: Sequence[EpochRecord]
    chosen_epoch: int
    threads: int
    plan: FitPlan = field(default_factory=dict)
    objective: AnyObjective = TWO_CLASSES
    choices: ClassVar[Mapping[str, float]] = {}

    def score(
        self, rows: Rows, *, epoch: Epoch = "chosen"
    ) -> Float[np.ndarray, " row *output"]:
        """Return the prediction of each row, as the goal says."""
        return self.objective.predict(self._read(rows, epoch))

    def find_logits(self, rows: Rows) -> Float[np.ndarray, " row *output"]:
        """Return the outputs that predictions are made of; of high-low the logits."""
        return self._read(rows, "chosen").numpy()

    def take_target(self, place: int) -> "FittedEEGNet":
        """Return the network of one of several targets, without the others' outputs."""
        objective, span = take_part(self.objective, place)
        network = copy.deepcopy(self.chosen)
        network.dense = keep_outputs(network.dense, span)
        return replace(
            self,
            chosen=network.eval(),
            last=None,
            shape=replace(self.shape, n_outputs=objective.n_outputs),
            objective=objective,
        )

    def save(self, folder: Path) -> None:
        """Write the chosen network into a new folder, whole or not at all."""
        values = {
            "format": FORMAT,
            "chosen_epoch": self.chosen_epoch,
            "threads": self.threads,
            "shape": asdict(self.shape),
            "scaling": self.scaling.to_dict(),
            "history": [record.to_dict() for record in self.history],
            **save_objective(self.objective),
        }
        with whole_folder(folder) as unfinished:
            save_file(self.chosen.state_dict(), unfinished / "eegnet.safetensors")
            write_text(unfinished / "learner.json", json.dumps(values, indent=2) + "\n")

    def _read(self, rows: Rows, epoch: Epoch) -> Float64[Tensor, " row *output"]:
        network = self.chosen if epoch == "chosen" else self.last
        if network is None:
            raise ValueError("a loaded network has its chosen epoch only")
        eeg = replace(rows, streams=(Stream.EEG,))
        n_samples = eeg.read(Stream.EEG, np.arange(1)).shape[-1]
        check_length(n_samples, self.shape.n_samples)
        fetch = open_rows(eeg, {Stream.EEG: self.scaling})
        with use_threads(self.threads):
            return find_outputs(network, fetch, len(rows))


@dataclass(frozen=True)
class SavedEEGNet:
    """What ``learner.json`` holds."""

    chosen_epoch: Annotated[int, About("Epochs.", least=0)]
    threads: Threads
    shape: EEGNetShape
    scaling: ScalingItem
    history: tuple[EpochRecord, ...]
    objective: MayLackObjective = None
    objectives: MayLackObjectives = ()


def load_eegnet(folder: Path) -> FittedEEGNet:
    """Load what ``FittedEEGNet.save`` wrote.

    Raises
    ------
    UserError
        When a file is missing, damaged or of another format.
    """
    file = folder / "learner.json"
    saved = read_saved(file, FORMAT, SavedEEGNet)
    if len(saved.scaling.center) != saved.shape.n_channels:
        raise UserError(
            f"{file}: not a saved learner: scaling.center: needs "
            f"{saved.shape.n_channels} numbers, got {len(saved.scaling.center)}"
        )
    objective = open_objective(saved.objective, saved.objectives)
    if objective.n_outputs != saved.shape.n_outputs:
        raise UserError(
            f"{file}: not a saved learner: objective: needs {objective.n_outputs} "
            f"outputs, shape says {saved.shape.n_outputs}"
        )
    network = load_weights(saved.shape.build, folder / "eegnet.safetensors")
    return FittedEEGNet(
        chosen=network.eval(),
        last=None,
        shape=saved.shape,
        scaling=saved.scaling.open(),
        history=list(saved.history),
        chosen_epoch=saved.chosen_epoch,
        threads=saved.threads,
        objective=objective,
    )


def make_eegnet(
    _name: str,
    settings: NetworkSettings,
    seed: int,
    _face_weights: Path | None = None,
    /,
) -> Learner:
    """Make the learner.

    Parameters
    ----------
    _name : str
        Not used: there is one learner only.
    settings : NetworkSettings
        How the network is built and trained.
    seed : int
        Of fresh weights and of the order of rows.
    _face_weights : Path | None
        Not used.

    Returns
    -------
    Learner
        Not fitted yet.
    """
    return EEGNetLearner(settings, seed)
