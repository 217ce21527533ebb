"""Liu, Zheng and Lu (2016): a bimodal deep autoencoder and a linear machine.

Taken from the abstract: an autoencoder with a layer that both modalities share, whose
weights start at those of restricted Boltzmann machines. From later code of the first
author, of the same network on other data: a machine for each modality and a third one
on their hidden units joined, all of the same width, 20 sweeps, 100 rows a step; then
sigmoid layers, a decoder that starts at the transposed weights and is free from there
on, mean squared error, RMSprop, 100 rows a step; inputs brought to between 0 and 1; the
shared layer goes to a linear support vector machine. From memory: on DEAP the inputs
are the samples of a second, all channels side by side.

Chosen here: width 200, 100 epochs, C 1 (the authors tried many of each); contrastive
divergence of one step at a rate of 0.1; RMSprop with 0.001; the error of each modality
counts alike; the machine reads units of the shared layer at unit variance; at most
10,000 rows train, evenly over trials; the distance from the border becomes a
probability by a curve fitted on rows held out of inner folds. All is fitted on training
rows. With ``--size small``: width 50, 20 epochs, 10 sweeps.

``liu2016``
    As above.
``liu2016:de``
    Reads the differential entropy of each channel by band, and level and spread of
    peripheral channels, of the second alone.
``liu2016:as-published``
    What inputs are brought to between 0 and 1 by is found on training and scored rows
    together, as in that code. There the autoencoder is trained on test rows too, C is
    chosen by test accuracy, and widths and epochs are all kept for a later choice: that
    is not done here.

Its authors very likely divided seconds at random into ten folds of DEAP (from memory),
so that a trial was on both sides; 85.2 valence and 80.5 arousal are from there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Float64
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from torch import Tensor, nn

from deepvanet.config import NetworkSettings
from deepvanet.learners.baseline import (
    MOST_ROWS,
    FittedBaseline,
    Numbers,
    PredictRows,
    load_baseline,
    sample_evenly,
)
from deepvanet.learners.classifiers import Inner, Samples, weigh_samples
from deepvanet.learners.families import name_goal, read_goal
from deepvanet.learners.features import measure_alone
from deepvanet.learners.inputs import cut_batches
from deepvanet.learners.learner import Choice, Learner, Traits
from deepvanet.learners.repeatable import sample_from, use_one_thread, use_threads
from deepvanet.learners.saved import Layout, check_arrays
from deepvanet.schema import Stream, UserError
from deepvanet.store import Rows
from deepvanet.systems.boltzmann import Machine, train_machine

NAME = "liu2016"
MODALITIES = (Stream.EEG, Stream.PERIPHERAL)
BATCH_SIZE = 100
LEARNING_RATE = 1e-3
PENALTY = 1.0
LEAST_SPREAD = 1e-6
"""Of a unit of the shared layer; less is a rounding."""
AT_ONCE = 1024
"""Rows that are read in one go."""

Values = Float32[np.ndarray, "row number"]


@dataclass(frozen=True)
class Extent:
    """How large the autoencoder is, and how long it is trained.

    Attributes
    ----------
    width : int
        Units of each hidden layer.
    epochs : int
        Passes of the autoencoder.
    sweeps : int
        Of each Boltzmann machine.
    """

    width: int
    epochs: int
    sweeps: int


EXTENTS = {"full": Extent(200, 100, 20), "small": Extent(50, 20, 10)}


class Autoencoder(nn.Module):
    """Two modalities, a layer each, a shared one, and back.

    Parameters
    ----------
    machines : mapping
        Of each modality what its layer starts from.
    joint : Machine
        What the shared layer starts from.
    """

    def __init__(self, machines: Mapping[Stream, Machine], joint: Machine) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(_encode(one) for one in machines.values())
        self.shared = _encode(joint)
        self.unshared = _decode(joint)
        self.decoders = nn.ModuleList(_decode(one) for one in machines.values())

    def share(
        self, inputs: list[Float[Tensor, "row _"]]
    ) -> Float[Tensor, "row hidden"]:
        """Return the shared layer."""
        pairs = zip(self.encoders, inputs, strict=True)
        hidden = torch.cat([encode(one).sigmoid() for encode, one in pairs], dim=1)
        shared: Tensor = self.shared(hidden)
        return shared.sigmoid()

    def forward(
        self, inputs: list[Float[Tensor, "row _"]]
    ) -> list[Float[Tensor, "row _"]]:
        """Return what becomes of the inputs."""
        hidden = self.unshared(self.share(inputs)).sigmoid()
        halves = hidden.chunk(len(inputs), dim=1)
        pairs = zip(self.decoders, halves, strict=True)
        return [decode(half).sigmoid() for decode, half in pairs]


def _encode(machine: Machine) -> nn.Linear:
    return _make_layer(machine.weight.T, machine.hidden_bias)


def _decode(machine: Machine) -> nn.Linear:
    return _make_layer(machine.weight, machine.visible_bias)


def _make_layer(
    weight: Float[Tensor, "out in_"], bias: Float[Tensor, " out"]
) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return layer


def train_autoencoder(
    inputs: list[Float[Tensor, "row _"]], extent: Extent, *, seed: int
) -> Autoencoder:
    """Train the machines, and the autoencoder that starts from them.

    Parameters
    ----------
    inputs : list of tensor
        Of each modality, (row, number), between 0 and 1.
    extent : Extent
        Sizes and passes.
    seed : int
        Of first weights, samples and the order of rows.
    """
    order = {"batch_size": BATCH_SIZE, "seed": seed}
    with sample_from(seed):
        machines = {
            stream: train_machine(one, extent.width, n_sweeps=extent.sweeps, **order)
            for stream, one in zip(MODALITIES, inputs, strict=True)
        }
        pairs = zip(machines.values(), inputs, strict=True)
        hidden = torch.cat([machine.find_hidden(one) for machine, one in pairs], dim=1)
        joint = train_machine(hidden, extent.width, n_sweeps=extent.sweeps, **order)
    network = Autoencoder(machines, joint)
    optimizer = torch.optim.RMSprop(network.parameters(), lr=LEARNING_RATE, alpha=0.9)
    generator = np.random.default_rng(seed)
    for _ in range(extent.epochs):
        for index in cut_batches(
            len(inputs[0]), batch_size=BATCH_SIZE, generator=generator
        ):
            batch = [one[torch.from_numpy(index)] for one in inputs]
            errors = map(F.mse_loss, network(batch), batch)
            loss = torch.stack(list(errors)).sum()
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
    return network


def fit_linear(samples: Samples, folds: Inner, *, is_binary: bool) -> Numbers:
    """Fit a linear machine for each class against the rest, and a curve for each.

    A unit of the shared layer counts by its deviation, which may be small.

    Parameters
    ----------
    samples : Samples
        With a label of 0 and 1, or of several classes.
    folds : sequence
        Inner folds; curves are fitted on distances of rows held out of them.
    is_binary : bool
        Of high and low, high alone has a machine.

    Returns
    -------
    mapping
        Arrays of one row a machine; ``present`` names its class.
    """
    present = np.unique(samples.label)
    if is_binary:
        present = np.array([1])
    found = []
    for number in present.tolist():
        label = (samples.label == number).astype(np.int64)
        one = replace(samples, label=label)
        weight, bias = _fit_machine(one)
        found.append((weight, bias, *_fit_curve(one, folds)))
    weights, biases, slopes, offsets = zip(*found, strict=True)
    return {
        "present": present,
        "weight": np.stack(weights),
        "bias": np.array(biases),
        "slope": np.array(slopes),
        "offset": np.array(offsets),
    }


def _fit_machine(samples: Samples) -> tuple[Float64[np.ndarray, " kept"], float]:
    if len(np.unique(samples.label)) < 2:
        sign = 1.0 if samples.label[0] else -1.0
        return np.zeros(samples.features.shape[1]), sign
    center, spread = samples.features.mean(axis=0), samples.features.std(axis=0)
    moves = spread > LEAST_SPREAD
    scale = np.where(moves, 1 / np.where(moves, spread, 1), 0)
    machine = LinearSVC(C=PENALTY, dual=False, max_iter=10_000)
    scaled = (samples.features - center) * scale
    machine.fit(scaled, samples.label, sample_weight=samples.weight)
    weight = machine.coef_[0] * scale
    return weight, float(machine.intercept_[0] - weight @ center)


def _fit_curve(samples: Samples, folds: Inner) -> tuple[float, float]:
    """Fit a logistic curve on distances of rows that did not train their machine."""
    distances, held = [], []
    for inner, out in folds:
        weight, bias = _fit_machine(samples.take(inner))
        distances.append(samples.features[out] @ weight + bias)
        held.append(out)
    if not held or len(np.unique(samples.label[np.concatenate(held)])) < 2:
        return 1.0, 0.0
    at = np.concatenate(held)
    curve = LogisticRegression()
    curve.fit(np.concatenate(distances)[:, None], samples.label[at], samples.weight[at])
    # an inner machine worse than chance must not turn the outer one around
    return max(float(curve.coef_[0, 0]), 1e-3), float(curve.intercept_[0])


@dataclass(frozen=True)
class BimodalAutoencoder:
    """Train an autoencoder on both modalities, and a linear machine on its middle."""

    name: str
    settings: NetworkSettings
    seed: int

    @property
    def traits(self) -> Traits:
        """It reads EEG and peripheral signals together, and needs both."""
        return Traits(
            streams=MODALITIES,
            needs=tuple((stream,) for stream in MODALITIES),
            adapts_to_test=_is_as_published(self.name),
            most_rows=MOST_ROWS,
            goals=("high-low", "classes"),
        )

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,  # noqa: ARG002 - nothing is chosen by it
        choose: Choice = Choice.LAST,  # noqa: ARG002
        unit: str = "trial",
    ) -> FittedBaseline:
        """Scale inputs, train, and fit the machine on the shared layer.

        Parameters
        ----------
        train : Rows
            Seconds with labels; they are sampled where they are many.
        watch : Rows | None
            Not used: the last epoch counts.
        choose : Choice
            Not used.
        unit : str
            What inner folds keep whole, on which the curve is fitted.

        Returns
        -------
        FittedBaseline
            The encoder, the machine, and how inputs are scaled.
        """
        train = train.take(sample_evenly(train, MOST_ROWS, seed=self.seed))
        extent = EXTENTS[self.settings.size]
        bounds = _measure_bounds(self.name, train)
        with use_threads(self.settings.threads):
            inputs = [torch.from_numpy(one) for one in _scale(self.name, train, bounds)]
            network = train_autoencoder(inputs, extent, seed=self.seed)
            with torch.inference_mode():
                shared = network.share(inputs).double().numpy()
        samples = weigh_samples(shared, train, self.settings)
        with use_one_thread():
            folds = samples.cut_inner(unit=unit, seed=self.seed)
            machine = fit_linear(samples, folds, is_binary=train.goal.is_binary)
        numbers = {
            **bounds,
            **{
                f"{name}_{kind}": getattr(layer, kind).detach().numpy()
                for name, layer in zip(
                    _LAYERS, (*network.encoders, network.shared), strict=True
                )
                for kind in ("weight", "bias")
            },
            **{f"machine_{name}": array for name, array in machine.items()},
            **name_goal(train.goal),
        }
        return FittedBaseline(self.name, make_predict(self.name, numbers), numbers)


_LAYERS = (*MODALITIES, "shared")
_BOUNDS: Layout = {
    f"{stream}_{name}": ("f", (f"{stream} number",))
    for stream in MODALITIES
    for name in ("low", "high", "fill")
}
_ENCODER: Layout = {
    **{
        f"{stream}_weight": ("f", (f"{stream} hidden", f"{stream} number"))
        for stream in MODALITIES
    },
    **{f"{stream}_bias": ("f", (f"{stream} hidden",)) for stream in MODALITIES},
    "shared_weight": ("f", ("shared", "hidden")),
    "shared_bias": ("f", ("shared",)),
}
_MACHINE: Layout = {
    "machine_present": ("iu", ("class",)),
    "machine_weight": ("f", ("class", "shared")),
    **{f"machine_{name}": ("f", ("class",)) for name in ("bias", "slope", "offset")},
}


def make_predict(name: str, numbers: Numbers) -> PredictRows:
    """Return what scores rows by the numbers of a fit.

    Parameters
    ----------
    name : str
        Of the learner: it says what is read, and whether scored rows change the scale.
    numbers : mapping
        Arrays of the fit.

    Raises
    ------
    ValueError
        When they are not those of a fit.
    """
    check_arrays(numbers, {**_BOUNDS, **_ENCODER, **_MACHINE})
    goal = read_goal(numbers)
    present = numbers["machine_present"]
    n_classes = len(goal.classes)
    if goal.is_binary and present.tolist() != [1]:
        raise ValueError("machine_present needs the class of high ratings alone")
    if len(np.unique(present)) < len(present) or present.max() >= n_classes:
        raise ValueError(f"machine_present needs some of {n_classes} classes")
    layers = {
        layer: _make_layer(
            torch.from_numpy(numbers[f"{layer}_weight"]),
            torch.from_numpy(numbers[f"{layer}_bias"]),
        )
        for layer in _LAYERS
    }
    fitted = {key: numbers[key] for key in _BOUNDS}

    def predict(rows: Rows) -> Float64[np.ndarray, " row *class"]:
        bounds = fitted
        if _is_as_published(name):
            bounds = _widen(fitted, _measure_bounds(name, rows))
        parts = []
        for some in _cut(rows):
            with use_threads(1), torch.inference_mode():
                inputs = map(torch.from_numpy, _scale(name, some, bounds))
                pairs = zip(MODALITIES, inputs, strict=True)
                hidden = torch.cat([layers[s](x).sigmoid() for s, x in pairs], dim=1)
                shared = layers["shared"](hidden).sigmoid().double().numpy()
            with use_one_thread():
                distance = shared @ numbers["machine_weight"].T
            distance += numbers["machine_bias"]
            parts.append(
                expit(distance * numbers["machine_slope"] + numbers["machine_offset"])
            )
        found = np.concatenate(parts)
        if goal.is_binary:
            return np.asarray(found[:, 0])
        share = np.zeros((len(found), n_classes))
        share[:, present] = found / found.sum(axis=1, keepdims=True)
        return share

    return predict


def _is_as_published(name: str) -> bool:
    return name == f"{NAME}:as-published"


def _cut(rows: Rows) -> Iterator[Rows]:
    for start in range(0, len(rows), AT_ONCE):
        yield rows.take(np.arange(start, min(start + AT_ONCE, len(rows))))


def _read(name: str, rows: Rows, stream: Stream) -> Float[np.ndarray, "row number"]:
    """Return what goes in of a modality, before it is scaled."""
    if name == f"{NAME}:de":
        return measure_alone(replace(rows, streams=(stream,)))
    return rows.read(stream).reshape(len(rows), -1).astype(np.float64)


def _measure_bounds(name: str, rows: Rows) -> dict[str, NDArray[Any]]:
    """Return least, largest and mean of each number that goes in."""
    found: dict[str, NDArray[Any]] = {}
    for stream in MODALITIES:
        lows, highs, sums, counts = [], [], [], []
        for some in _cut(rows):
            values = _read(name, some, stream)
            is_known = np.isfinite(values)
            lows.append(np.where(is_known, values, np.inf).min(axis=0))
            highs.append(np.where(is_known, values, -np.inf).max(axis=0))
            sums.append(np.where(is_known, values, 0).sum(axis=0))
            counts.append(is_known.sum(axis=0))
        count = np.sum(counts, axis=0)
        is_there = count > 0
        found[f"{stream}_low"] = np.where(is_there, np.min(lows, axis=0), 0)
        found[f"{stream}_high"] = np.where(is_there, np.max(highs, axis=0), 0)
        found[f"{stream}_fill"] = np.sum(sums, axis=0) / np.maximum(count, 1)
    return found


def _widen(
    fitted: Mapping[str, NDArray[Any]], seen: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Return the bounds of training and scored rows together."""
    widened = dict(fitted)
    for stream in MODALITIES:
        low, high = f"{stream}_low", f"{stream}_high"
        widened[low] = np.minimum(fitted[low], seen[low])
        widened[high] = np.maximum(fitted[high], seen[high])
    return widened


def _scale(name: str, rows: Rows, bounds: Mapping[str, NDArray[Any]]) -> list[Values]:
    """Return the modalities, of training rows between 0 and 1."""
    made = []
    for stream in MODALITIES:
        low, high, fill = (bounds[f"{stream}_{n}"] for n in ("low", "high", "fill"))
        parts = []
        for some in _cut(rows):
            values = _read(name, some, stream)
            if values.shape[1] != len(low):
                raise UserError(
                    f"the learner was fitted on {len(low)} numbers a row of {stream}, "
                    f"got {values.shape[1]}: channels, length or rate are others"
                )
            known = np.where(np.isfinite(values), values, fill)
            spread = np.where(high > low, high - low, 1)
            parts.append(((known - low) / spread).astype(np.float32))
        made.append(np.concatenate(parts))
    return made


def make_liu2016(
    name: str,
    settings: NetworkSettings,
    seed: int,
    _face_weights: Path | None = None,
    /,
) -> Learner:
    """Make the learner; see the module for what it is.

    Parameters
    ----------
    name : str
        ``liu2016``, or one of its variants.
    settings : NetworkSettings
        How classes weigh; size and threads.
    seed : int
        Of first weights, samples and the order of rows, and of inner folds.
    _face_weights : Path | None
        Not used.

    Returns
    -------
    Learner
        Not fitted yet.
    """
    return BimodalAutoencoder(name, settings, seed)


def load_liu2016(folder: Path) -> FittedBaseline:
    """Load what the fitted learner saved, or raise ``UserError``."""
    return load_baseline(folder, make_predict)
