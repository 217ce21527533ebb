"""Train the trunk with its head, frame by frame, on some actors."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float32, Float64, Int
from torch import Tensor, nn

from deepvanet.config import Execution, PretrainSettings
from deepvanet.execution import run_tasks
from deepvanet.learners.inputs import cut_batches
from deepvanet.learners.learner import Choice, EpochRecord, choose_epoch
from deepvanet.learners.repeatable import sample_from, use_threads
from deepvanet.learners.scaling import measure_images
from deepvanet.models.encoders import build_pretraining
from deepvanet.pretraining.crops import SIZE, FaceCrops
from deepvanet.schema import Target, UserError

PREDICTED_AT_ONCE = 256  # frames; a constant, since the last digits change with it
MEASURED_AT_ONCE = 64  # frames that are whole numbers of eight bytes at a time

Frames = Int[np.ndarray, " _"]
Center = Float32[Tensor, "colour height width"]
Fetch = Callable[[Frames], Float32[Tensor, "_ colour height width"]]
"""Gather images as the network takes them."""


@dataclass(frozen=True, eq=False)
class TrainedHead:
    """A trained trunk with its head.

    Attributes
    ----------
    network : nn.Sequential
        After the chosen epoch.
    center, spread
        What an image is taken relative to, and divided by, in [0, 1].
    """

    network: nn.Sequential
    center: Center
    spread: float
    history: Sequence[EpochRecord]
    chosen_epoch: int
    threads: int

    def predict(
        self, faces: FaceCrops, frames: Frames
    ) -> Float64[np.ndarray, "frame target"]:
        """Return what the network says of some frames, about 0 to 1."""
        fetch = _open_faces(faces, self.center, self.spread)
        with use_threads(self.threads):
            return _predict(self.network, fetch, frames).numpy()


def split_actors(
    actors: Sequence[str], *, validation: float, test: float, seed: int
) -> dict[str, tuple[str, ...]]:
    """Share actors out, at random: who trains, who chooses the epoch, who tests.

    Parameters
    ----------
    actors : sequence of str
        Their names; the order has no influence.
    validation, test : float
        Shares of the actors; each part gets one at least.
    seed : int
        Seed of the random order.

    Returns
    -------
    dict of str to tuple of str
        Names of actors, sorted, by part: train, validation and test.

    Raises
    ------
    UserError
        When no actor would be left to train on.
    """
    n_test, n_validation = (
        max(1, round(share * len(actors))) for share in (test, validation)
    )
    if len(actors) <= n_test + n_validation or min(validation, test) < 0:
        raise UserError(
            f"shares of validation and test: must leave actors to train on, got "
            f"{validation:g} and {test:g} of {len(actors)} actors"
        )
    order = np.random.default_rng(seed).permutation(sorted(actors)).tolist()
    ends = n_test, n_test + n_validation
    return {
        "train": tuple(sorted(order[ends[1] :])),
        "validation": tuple(sorted(order[ends[0] : ends[1]])),
        "test": tuple(sorted(order[: ends[0]])),
    }


def learn(
    faces: FaceCrops,
    *,
    train: Frames,
    validation: Frames,
    settings: PretrainSettings,
    execution: Execution,
) -> TrainedHead:
    """Train on some frames, and keep the epoch with the least loss on others.

    Parameters
    ----------
    faces : FaceCrops
        Images of faces, with their valence and arousal.
    train, validation : array, shape (frame,)
        Numbers of the frames to train on, and of those that choose the epoch.
    settings : PretrainSettings
        How the network is trained.
    execution : Execution
        Whether progress is shown; the rest of it is not used.

    Returns
    -------
    TrainedHead
        The network after the chosen epoch, and the history of all epochs.

    Raises
    ------
    UserError
        When the loss stops being a number.
    """
    center, spread = _measure(faces, train, settings.scale)
    fetch = _open_faces(faces, center, spread)
    history: list[EpochRecord] = []
    with use_threads(settings.threads), sample_from(settings.seed):
        network = chosen = build_pretraining(SIZE)
        losses = _train(network, fetch, faces, train, settings)
        for epoch, loss in enumerate(_show(losses, settings.epochs, execution), 1):
            watched = _measure_loss(network, fetch, faces, validation)
            history.append(EpochRecord(epoch, loss, watched_loss=watched))
            if choose_epoch(history, Choice.LOSS) == epoch:
                chosen = copy.deepcopy(network)
    best = choose_epoch(history, Choice.LOSS)
    return TrainedHead(chosen.eval(), center, spread, history, best, settings.threads)


def _measure(faces: FaceCrops, train: Frames, scale: str) -> tuple[Center, float]:
    """Return mean image and deviation of the training frames, or 0 and 1."""
    if scale == "none":
        return torch.zeros(3, SIZE, SIZE), 1.0
    starts = range(0, len(train), MEASURED_AT_ONCE)
    center, spread = measure_images(
        faces.crops[train[start : start + MEASURED_AT_ONCE]] for start in starts
    )
    return torch.from_numpy(center).float(), spread


def _open_faces(faces: FaceCrops, center: Center, spread: float) -> Fetch:
    def fetch(frames: Frames) -> Float32[Tensor, "_ colour height width"]:
        images = torch.from_numpy(faces.crops[frames]).permute(0, 3, 1, 2)
        return (images.float() / 255 - center) / spread

    return fetch


def _show(
    losses: Iterator[float], n_epochs: int, execution: Execution
) -> Iterator[float]:
    """Pass losses on as they come, and show how many epochs there are to go."""
    alone = Execution(progress=execution.progress)
    return run_tasks(
        lambda _: next(losses), range(n_epochs), execution=alone, what="pretrain"
    )


def _train(
    network: nn.Sequential,
    fetch: Fetch,
    faces: FaceCrops,
    train: Frames,
    settings: PretrainSettings,
) -> Iterator[float]:
    """Train, and yield the mean loss after each epoch."""
    optimizer = torch.optim.Adam(
        network.parameters(), lr=settings.learning_rate, fused=True
    )
    generator = np.random.default_rng(settings.seed)
    for epoch in range(1, settings.epochs + 1):
        network.train()
        total = 0.0
        for index in cut_batches(
            len(train), batch_size=settings.batch_size, generator=generator
        ):
            frames = train[index]
            wanted = torch.from_numpy(faces.wanted[frames])
            loss = F.mse_loss(network(fetch(frames)), wanted)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            total += loss.item() * len(frames)
        if not np.isfinite(total):
            raise UserError(
                f"pretrain: the loss is {total} in epoch {epoch}, with learning rate "
                f"{settings.learning_rate} and scale {settings.scale}"
            )
        yield total / len(train)


def _measure_loss(
    network: nn.Sequential, fetch: Fetch, faces: FaceCrops, frames: Frames
) -> float:
    wanted = torch.from_numpy(faces.wanted[frames]).double()
    return F.mse_loss(_predict(network, fetch, frames), wanted).item()


@torch.inference_mode()
def _predict(
    network: nn.Sequential, fetch: Fetch, frames: Frames
) -> Float64[Tensor, "frame target"]:
    network.eval()
    said = torch.empty(len(frames), len(Target), dtype=torch.float64)
    for start in range(0, len(frames), PREDICTED_AT_ONCE):
        part = slice(start, start + PREDICTED_AT_ONCE)
        said[part] = network(fetch(frames[part]))
    return said
