"""``after-siddharth2019``: pictures through filters, and an extreme learning machine.

After Siddharth, Jung and Sejnowski (2019), IEEE Transactions on Affective Computing,
arXiv 1905.07039. The abstract was read, and a note of their laboratory; no code of
theirs is public.

**From the abstract and the note**: EEG, heart variability, GSR and face video; deep
features by a network that was pretrained on photographs; each modality alone and
features of all together; data sets of more than 120 subjects.

**From memory**: EEG by the conditional entropy of pairs of channels, and by log power
in theta (4-7 Hz), alpha (7-13) and beta (13-30) as red, green and blue of a head map,
projected azimuthally; heart: RMSSD, pNN50 and the like of beats at least 0.5 s apart,
and a spectrogram; GSR: eight statistics and a spectrogram; pictures through VGG-16,
30 principal components of what it gives; faces once a second through a network of
faces, mean, deviation and 95th percentile, principal components; features from -1 to 1;
an extreme learning machine.

**Chosen here**: VGG-16's weights are not ours to ship. ``--face-weights`` takes them as
a safetensors file with torchvision's names: all pictures, of 224 x 224 pixels, then go
through it to the second dense layer, after its ReLU; of a trial ten head maps, each the
mean of a tenth of its seconds, and ten faces (a network of faces is the authors', from
memory). Else pictures of 32 x 32 go through three convolutions with random weights that
are never learnt (a head map is linear in the powers, so that what is lost is the
non-linearity of learnt filters), a head map for each second, and faces through the
network of ``--face-weights`` (fer's, or the trunk of AFEW-VA) or the same filters.
Colours: log power from 0.01 to 1,000 squared microvolts. What is found in head maps is
averaged over the trial. The landmarks that the authors measure are left out. Every
reduced part is brought to a deviation of 1 before its components are found. Hidden
units of the machine: from 50 to 500 by the squared error on trials held out of inner
folds; inputs are divided by the root of their number. The LSTM over seconds is left
out. All that is fitted is fitted on training rows.

With ``--size small``: 50 or 200 hidden units.

**Their protocol** (from memory): trials of all subjects mixed, 10 folds or 80/20; here
``trial-pooled``. Table 2 prints 79.52 (valence) and 78.34 (arousal) on DEAP, 85.49 and
82.93 on MAHNOB-HCI. **Known leak**: subjects and stimuli are on both sides; whether
components and ranges were found on all rows is not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int, Num
from numpy.typing import NDArray

from deepvanet.config import NetworkSettings
from deepvanet.learners.baseline import (
    FittedBaseline,
    Numbers,
    PredictRows,
    load_baseline,
)
from deepvanet.learners.class_weights import weigh_rows
from deepvanet.learners.classifiers import Scaler, fit_scaler
from deepvanet.learners.families import name_goal, read_goal
from deepvanet.learners.learner import ALL_GOALS, Choice, Learner, Traits
from deepvanet.learners.repeatable import use_one_thread
from deepvanet.learners.saved import Layout, check_arrays
from deepvanet.models.trunk_weights import VGG_16, find_kind
from deepvanet.protocols.folds import INNER_FOLDS, cut_inner_folds
from deepvanet.schema import Goal, Stream
from deepvanet.store import Rows
from deepvanet.systems.face_trunk import FaceTrunk, open_trunk, read_face_trunk
from deepvanet.systems.learning_machine import LearningMachine, fit_machine
from deepvanet.systems.trial_pictures import PARTS, measure_parts
from deepvanet.systems.trial_table import first_rows
from deepvanet.systems.warn_once import warn_once

NAME = "after-siddharth2019"
STREAMS = (Stream.FACE, Stream.EEG, Stream.PERIPHERAL)
N_COMPONENTS = 30
UNITS, SMALL_UNITS = (50, 100, 200, 300, 400, 500), (50, 200)
"""Of the hidden layer, which are tried."""

_RATED: Layout = {"rated": ("f", (2,)), "scale": ("f", (2,))}

Parts = Mapping[str, Float64[np.ndarray, "_ _"]]
"""By name, of shape (trial, number)."""

Subject = NDArray[np.object_]


@dataclass(frozen=True)
class PartReader:
    """How one part is scaled and reduced.

    Attributes
    ----------
    components : array, shape (kept, component) | None
        Principal ones; None: the part is read as it is.
    """

    scaler: Scaler
    components: Float64[np.ndarray, "kept component"] | None = None

    def read(
        self, values: Float64[np.ndarray, "trial number"], subject: Subject
    ) -> Float64[np.ndarray, "trial input"]:
        """Return what the part gives the machine, before it is brought to -1 to 1."""
        scaled = self.scaler.apply(values, subject)
        return scaled if self.components is None else scaled @ self.components


@dataclass(frozen=True)
class Reader:
    """How the parts of a trial become inputs of the machine.

    Attributes
    ----------
    low, high : array, shape (input,)
        Of training trials: what becomes -1 and 1.
    """

    parts: Mapping[str, PartReader]
    low: Float64[np.ndarray, " input"]
    high: Float64[np.ndarray, " input"]

    def read(
        self, found: Parts, subject: Subject
    ) -> Float64[np.ndarray, "trial input"]:
        """Return the inputs of trials."""
        joined = np.concatenate(
            [part.read(found[name], subject) for name, part in self.parts.items()],
            axis=1,
        )
        wide = self.high - self.low
        is_flat = wide <= 0
        unit = 2 * (joined - self.low) / np.where(is_flat, 1.0, wide) - 1
        return np.where(is_flat, 0.0, unit)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all numbers."""
        arrays: dict[str, NDArray[Any]] = {"low": self.low, "high": self.high}
        for name, part in self.parts.items():
            held = part.scaler.to_arrays()
            if part.components is not None:
                held["components"] = part.components
            arrays |= {f"{name}/{key}": array for key, array in held.items()}
        return arrays


def fit_reader(
    found: Parts, subject: Subject, settings: NetworkSettings
) -> tuple[Reader, Float64[np.ndarray, "trial input"]]:
    """Find how parts are scaled and reduced, by training trials.

    Parameters
    ----------
    found : mapping
        Parts by name.
    subject : array, shape (trial,)
        Whose trial it is.
    settings : NetworkSettings
        Whether features are compared within subjects.

    Returns
    -------
    Reader, array of shape (trial, input)
        The inputs of the training trials beside it.
    """
    parts = {}
    for name, values in found.items():
        scaler = fit_scaler(values, subject, normalise=settings.normalise)
        part = PartReader(scaler)
        if PARTS[name].is_reduced:
            part = replace(part, components=find_components(part.read(values, subject)))
        parts[name] = part
    joined = np.concatenate(
        [p.read(found[n], subject) for n, p in parts.items()], axis=1
    )
    reader = Reader(parts, joined.min(axis=0), joined.max(axis=0))
    return reader, reader.read(found, subject)


def find_components(
    values: Float64[np.ndarray, "trial number"],
) -> Float64[np.ndarray, "number component"]:
    """Return the principal components of training trials, 30 or as many as there are.

    Parameters
    ----------
    values : array, shape (trial, number)
        Of mean zero.
    """
    n_components = max(1, min(N_COMPONENTS, len(values) - 1, values.shape[1]))
    _, _, axes = np.linalg.svd(values, full_matrices=False)
    return np.ascontiguousarray(axes[:n_components].T)


@dataclass(frozen=True)
class AfterSiddharth2019:
    """Measure pictures of trials, reduce them, and fit a machine on all together.

    Parameters
    ----------
    face_weights : Path | None
        Of what looks at faces, or, of VGG-16, at all pictures; None: fixed filters.
    """

    settings: NetworkSettings
    seed: int
    face_weights: Path | None = None

    @property
    def units(self) -> tuple[int, ...]:
        """How many hidden units are tried."""
        return SMALL_UNITS if self.settings.size == "small" else UNITS

    @property
    def traits(self) -> Traits:
        """A trial is one example, of the rows of it that are handed in."""
        compares = self.settings.normalise == "subject"
        return Traits(
            streams=STREAMS,
            adapts_to_new_subjects=STREAMS if compares else (),
            n_fits=1 + len(self.units) * INNER_FOLDS,
            goals=ALL_GOALS,
            follows_time=False,
            reads_any_length=True,
            joins_rows=True,
        )

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,  # noqa: ARG002 - nothing changes between epochs
        choose: Choice = Choice.LAST,  # noqa: ARG002
        unit: str = "trial",
    ) -> FittedBaseline:
        """Measure trials, find components, choose the hidden units, fit the machine.

        Parameters
        ----------
        train : Rows
            Rows with labels; a trial is measured on all of its rows.
        watch : Rows | None
            Not used: there are no epochs.
        choose : Choice
            Not used.
        unit : str
            What inner folds keep whole, by which the hidden units are chosen.

        Returns
        -------
        FittedBaseline
            The machine, and how its inputs are made.

        Raises
        ------
        UserError
            When the face weights are none, no electrode has a place on the head, or no
            peripheral channel is of the heart or of the skin.
        """
        trunk = self._read_trunk(train)
        found, first = measure_parts(train, trunk), first_rows(train)
        wanted = encode(first)
        weight = np.asarray(weigh_rows(first, self.settings.class_weight))
        with use_one_thread():
            n_units = self._choose_units(found, first, wanted, weight, unit)
            reader, inputs = fit_reader(found, _list_subjects(first), self.settings)
            machine = fit_machine(
                inputs, wanted, weight, n_units=n_units, seed=self.seed
            )
        numbers: dict[str, NDArray[Any]] = {
            **name_goal(train.goal),
            **reader.to_arrays(),
            **vars(machine),
        }
        if train.goal.kind == "rating":
            rated = first.label.astype(np.float64)
            numbers["rated"] = np.array([rated.min(), rated.max()])
            numbers["scale"] = np.array([rated.mean(), rated.std() or 1.0])
        if trunk is not None:
            numbers |= {f"trunk/{n}": array for n, array in trunk.to_arrays().items()}
        choices = {
            "hidden_units": float(n_units),
            "parts_left_out": float(_count_missing(found)),
        }
        return FittedBaseline(NAME, make_predict(NAME, numbers), numbers, choices)

    def _read_trunk(self, train: Rows) -> FaceTrunk | None:
        path, has_face = self.face_weights, Stream.FACE in train.streams
        if path is None:
            return read_face_trunk(None) if has_face else None
        if not has_face and find_kind(path) != VGG_16:
            return None
        return read_face_trunk(path, path.stat().st_mtime_ns)

    def _choose_units(
        self,
        found: Parts,
        first: Rows,
        wanted: Float64[np.ndarray, "trial output"],
        weight: Float64[np.ndarray, " trial"],
        unit: str,
    ) -> int:
        """Return how many hidden units have the least squared error; of equals fewest.

        Where there are no inner folds, as few as are tried.
        """
        folds = cut_inner_folds(first.table, first.stratum, unit=unit, seed=self.seed)
        subject, losses = _list_subjects(first), np.zeros(len(self.units))
        for inner, held in folds:
            reader, inputs = fit_reader(
                _take(found, inner), subject[inner], self.settings
            )
            outside = reader.read(_take(found, held), subject[held])
            for place, n_units in enumerate(self.units):
                machine = fit_machine(
                    inputs,
                    wanted[inner],
                    weight[inner],
                    n_units=n_units,
                    seed=self.seed,
                )
                missed = np.square(machine.predict(outside) - wanted[held]).sum(axis=1)
                losses[place] += float(missed @ weight[held])
        return self.units[int(np.argmin(losses))]


def encode(first: Rows) -> Float64[np.ndarray, "trial output"]:
    """Return what the machine's outputs should be: -1 and 1, or scaled ratings.

    Parameters
    ----------
    first : Rows
        A row of each trial. Of high-low there is one output, of classes one each.
    """
    label: Num[np.ndarray, " trial"] = first.label
    if first.goal.kind == "rating":
        rated = label.astype(np.float64)
        return np.asarray(((rated - rated.mean()) / (rated.std() or 1.0))[:, None])
    if first.goal.kind == "high-low":
        return np.asarray(2.0 * label.astype(np.float64)[:, None] - 1)
    is_class = label[:, None] == np.arange(first.goal.n_outputs)
    return np.asarray(2.0 * is_class - 1)


def decode(
    outputs: Float64[np.ndarray, "trial output"], goal: Goal, numbers: Numbers
) -> Float64[np.ndarray, " trial *class"]:
    """Return what outputs say: a probability, one a class, or a rating.

    Parameters
    ----------
    numbers : mapping
        Of a rating its scale, and the least and the greatest of training.
    """
    if goal.kind == "rating":
        middle, spread = numbers["scale"].tolist()
        return np.asarray(np.clip(outputs[:, 0] * spread + middle, *numbers["rated"]))
    share = np.clip((outputs + 1) / 2, 0, 1)
    if goal.kind == "high-low":
        return np.asarray(share[:, 0])
    share += 1e-6  # where no class is likely at all, all are alike
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def _take(found: Parts, index: Int[np.ndarray, " item"]) -> Parts:
    return {name: values[index] for name, values in found.items()}


def _list_subjects(first: Rows) -> Subject:
    return np.asarray(first.table["subject"].to_numpy())


def _count_missing(found: Parts) -> int:
    """Return how many parts no training trial has, and warn of each once."""
    missing = [name for name, v in found.items() if not np.isfinite(v).any()]
    for name in missing:
        warn_once(
            f"{NAME}: the part {name} is left out, since no training trial is long "
            "enough for it or has such a signal"
        )
    return len(missing)


def make_predict(_name: str, numbers: Numbers) -> PredictRows:
    """Return what scores rows, each as its trial, by the numbers of a fit.

    Raises
    ------
    ValueError
        When they are not those of a fit.
    """
    goal = read_goal(numbers)
    reader = _open_reader(numbers)
    n_outputs = goal.n_outputs if goal.kind == "classes" else 1
    check_arrays(
        numbers,
        {
            "weight": ("f", ("input", "unit")),
            "bias": ("f", ("unit",)),
            "output": ("f", ("unit", n_outputs)),
            **(
                {"rated": ("f", (2,)), "scale": ("f", (2,))}
                if goal.kind == "rating"
                else {}
            ),
        },
        input=len(reader.low),
    )
    machine = LearningMachine(numbers["weight"], numbers["bias"], numbers["output"])
    held = {
        name.removeprefix("trunk/"): array
        for name, array in numbers.items()
        if name.startswith("trunk/")
    }
    trunk = open_trunk(held) if held else None
    streams = {PARTS[name].stream for name in reader.parts}

    def score(rows: Rows) -> Float64[np.ndarray, " row *class"]:
        needed = tuple(stream for stream in rows.streams if stream in streams)
        found = measure_parts(replace(rows, streams=needed), trunk)
        with use_one_thread():
            inputs = reader.read(found, _list_subjects(first_rows(rows)))
            of_trial = decode(machine.predict(inputs), goal, numbers)
        return np.asarray(of_trial[rows.trial])

    return score


def _open_reader(numbers: Numbers) -> Reader:
    parts = {}
    for name, part in PARTS.items():
        held = {
            key.removeprefix(f"{name}/"): array
            for key, array in numbers.items()
            if key.startswith(f"{name}/")
        }
        if not held:
            continue
        scaler, components = Scaler.from_arrays(held), None
        if part.is_reduced:
            n_kept = max(1, len(scaler.fill))
            check_arrays(held, {"components": ("f", (n_kept, "component"))})
            components = held["components"]
        parts[name] = PartReader(scaler, components)
    if not parts:
        raise ValueError("no part was fitted")
    widths = [
        max(1, len(p.scaler.fill)) if p.components is None else p.components.shape[1]
        for p in parts.values()
    ]
    n_inputs = sum(widths)
    check_arrays(numbers, {"low": ("f", (n_inputs,)), "high": ("f", (n_inputs,))})
    return Reader(parts, numbers["low"], numbers["high"])


def make_after_siddharth2019(
    _name: str,
    settings: NetworkSettings,
    seed: int,
    face_weights: Path | None = None,
    /,
) -> Learner:
    """Make the learner.

    Parameters
    ----------
    _name : str
        Not used: there is one learner only.
    settings : NetworkSettings
        How classes weigh, whether features are compared within subjects, and size.
    seed : int
        Of the hidden layer and of inner folds.
    face_weights : Path | None
        Of what looks at faces, or, of VGG-16, at all pictures; None: fixed filters.

    Returns
    -------
    Learner
        Not fitted yet.
    """
    return AfterSiddharth2019(settings, seed, face_weights)


def load_after_siddharth2019(folder: Path) -> FittedBaseline:
    """Load what the fitted learner saved, or raise ``UserError``."""
    return load_baseline(folder, make_predict)
