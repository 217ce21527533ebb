"""EEGNet as a learner: the same training, scaling and choice of epoch as the network.

Written from its paper; braindecode's would bring forty packages, among them a
torchaudio of another release than torch.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from safetensors.torch import save_file

from deepvanet.config import NetworkSettings
from deepvanet.files import whole_folder, write_text
from deepvanet.learners.inputs import open_rows
from deepvanet.learners.learner import (
    Choice,
    Epoch,
    EpochRecord,
    Fitted,
    Learner,
    Traits,
    choose_epoch,
)
from deepvanet.learners.repeatable import draw_from, use_threads
from deepvanet.learners.scaling import Scaling, fit_scaling
from deepvanet.learners.training import find_logits, plan_steps, train_network
from deepvanet.models.eegnet import EEGNet
from deepvanet.schema import Stream
from deepvanet.store import Rows

FORMAT = "deepvanet-eegnet-1"


@dataclass(frozen=True)
class EEGNetLearner:
    """Train EEGNet-8,2 on the EEG of rows."""

    settings: NetworkSettings
    seed: int
    traits: ClassVar[Traits] = Traits(stream_sets=("eeg",), has_epochs=True)

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,
        choose: Choice = Choice.LAST,
        unit: str = "trial",  # noqa: ARG002 - nothing is divided
    ) -> "FittedEEGNet":
        """Train from fresh weights."""
        settings = self.settings
        scalings = fit_scaling(train, scale=settings.scale)
        fetch_of = partial(open_rows, scalings=scalings, device=settings.device)
        fetch = fetch_of(train)
        _, n_channels, n_samples = train.read(Stream.EEG, np.arange(1)).shape
        watched = None if watch is None else (fetch_of(watch), watch)
        with use_threads(settings.threads), draw_from(self.seed):
            network = EEGNet(
                n_channels,
                n_samples,
                sfreq=float(train.store.manifest.settings["sfreq"]),
                dropout=settings.dropout,
            )
            chosen, history = train_network(
                network,
                fetch,
                train,
                settings,
                seed=self.seed,
                watched=watched,
                choose=choose,
            )
        return FittedEEGNet(
            chosen=chosen,
            last=network.eval(),
            scaling=scalings[Stream.EEG],
            history=history,
            chosen_epoch=(epoch := choose_epoch(history, choose)),
            chosen_steps=sum(plan_steps(len(train), settings)[:epoch]),
            threads=settings.threads,
        )

    def refit(
        self, train: Rows, *, like: Fitted, unit: str = "trial"
    ) -> "FittedEEGNet":
        """Train again on other rows, for as many optimiser steps as a fit chose."""
        if not isinstance(like, FittedEEGNet):
            raise TypeError(f"expected a fitted EEGNet, got {type(like).__name__}")
        settings = replace(self.settings, steps=like.chosen_steps)
        return replace(self, settings=settings).fit(train, unit=unit)


@dataclass(frozen=True, eq=False)
class FittedEEGNet:
    """A trained EEGNet with what its input needs."""

    chosen: EEGNet
    last: EEGNet
    scaling: Scaling
    history: Sequence[EpochRecord]
    chosen_epoch: int
    chosen_steps: int
    threads: int
    choices: ClassVar[Mapping[str, float]] = {}

    def score(
        self, rows: Rows, *, epoch: Epoch = "chosen"
    ) -> Float[np.ndarray, " row"]:
        """Return the probability that each row is high."""
        network = {"chosen": self.chosen, "last": self.last}[epoch]
        fetch = open_rows(rows, {Stream.EEG: self.scaling})
        with use_threads(self.threads):
            return find_logits(network, fetch, len(rows)).sigmoid().numpy()

    def save(self, folder: Path) -> None:
        """Write the chosen network into a new folder, whole or not at all."""
        values = {
            "format": FORMAT,
            "chosen_epoch": self.chosen_epoch,
            "scaling": self.scaling.to_dict(),
            "history": [asdict(record) for record in self.history],
        }
        with whole_folder(folder) as unfinished:
            save_file(self.chosen.state_dict(), unfinished / "eegnet.safetensors")
            write_text(unfinished / "learner.json", json.dumps(values, indent=2) + "\n")


def make_eegnet(
    settings: NetworkSettings, seed: int, _face_weights: Path | None = None, /
) -> Learner:
    """Make the learner."""
    return EEGNetLearner(settings, seed)
