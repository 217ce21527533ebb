"""RBF support vector machines whose C and gamma are chosen on inner folds.

Inner folds keep the protocol's unit whole. Features are chosen within each of them, so
that what is held out is new in every way; the curve from distances to probabilities is
fitted on the same distances that chose C and gamma. Several classes are each taken
against the rest. Ratings are predicted by a support vector regression.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Num
from numpy.typing import NDArray
from scipy.stats import f as f_distribution
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC

from deepvanet.learners.classifiers import (
    Inner,
    Samples,
    fit_curve,
    spell_machine,
)
from deepvanet.learners.families import fit_support, open_support

MOST_STEPS = 100_000
"""Of libsvm; machines that do not separate their rows at a large C take no end."""

P_VALUE = 0.05

Values = Float64[np.ndarray, "trial feature"]
Labels = Num[np.ndarray, " trial"]
Select = Callable[[Samples], Bool[np.ndarray, " feature"]]
Cell = tuple[float, float]
"""C and gamma."""


@dataclass(frozen=True)
class Grid:
    """Values of C and gamma that are tried."""

    penalties: tuple[float, ...]
    gammas: tuple[float, ...]

    @property
    def cells(self) -> list[Cell]:
        """All pairs, the smallest C first."""
        return list(product(self.penalties, self.gammas))

    @property
    def middle(self) -> Cell:
        """The pair that is taken where nothing can be compared."""
        return (
            self.penalties[len(self.penalties) // 2],
            self.gammas[len(self.gammas) // 2],
        )


FULL = Grid(
    tuple(2.0**power for power in (-5, 0, 5, 10, 15)),
    tuple(2.0**power for power in (-15, -10.5, -6, -1.5, 3)),
)
SMALL = Grid(
    tuple(2.0**power for power in (-5, 5, 15)),
    tuple(2.0**power for power in (-15, -6, 3)),
)


@dataclass(frozen=True)
class FittedMachines:
    """What was chosen and fitted of one modality.

    Attributes
    ----------
    chosen : array, shape (feature,)
        The features that are read.
    n_passed : int
        How many passed the test; 0 where the best one is read for want of any.
    cell : tuple of float
        C and gamma.
    numbers : mapping
        As ``find_classifier("svm", goal)`` opens them.
    """

    chosen: Bool[np.ndarray, " feature"]
    n_passed: int
    cell: Cell
    numbers: Mapping[str, NDArray[Any]]


def take_all(samples: Samples) -> Bool[np.ndarray, " feature"]:
    """Choose every feature."""
    return np.ones(samples.features.shape[1], dtype=bool)


def select_by_variance(samples: Samples) -> Bool[np.ndarray, " feature"]:
    """Choose the features whose one-way analysis of variance has p < 0.05.

    Of ratings it is the test of a straight line.
    """
    is_rating = not samples.n_classes
    test = measure_line if is_rating else measure_variance
    return np.asarray(test(samples.features, samples.label) < P_VALUE)


def measure_variance(values: Values, label: Labels) -> Float64[np.ndarray, " feature"]:
    """Return the p-value of a one-way analysis of variance of each feature.

    1 of what does not move.
    """
    groups = [values[label == name] for name in np.unique(label)]
    between = sum(
        len(some) * (some.mean(axis=0) - values.mean(axis=0)) ** 2 for some in groups
    )
    within = sum(((some - some.mean(axis=0)) ** 2).sum(axis=0) for some in groups)
    return _find_p(between, within, len(groups) - 1, len(values) - len(groups))


def measure_line(values: Values, label: Labels) -> Float64[np.ndarray, " feature"]:
    """Return the p-value of each feature's correlation with a rating.

    1 of what does not move.
    """
    about = values - values.mean(axis=0)
    rated = label - label.mean()
    total = (rated**2).sum()
    size = (about**2).sum(axis=0)
    explained = (rated @ about) ** 2 / np.where(size > 0, size, 1.0)
    return _find_p(explained, total - explained, 1, len(values) - 2)


def _find_p(
    between: Any, within: Any, n_between: int, n_within: int
) -> Float64[np.ndarray, " feature"]:
    if n_between < 1 or n_within < 1:
        return np.ones(np.shape(within))
    with np.errstate(all="ignore"):
        ratio = (between / n_between) / (within / n_within)
        p_value = f_distribution.sf(ratio, n_between, n_within)
    return np.asarray(np.where(np.isfinite(p_value) & (between > 0), p_value, 1.0))


def fit_machines(
    samples: Samples, folds: Inner, grid: Grid, select: Select
) -> FittedMachines:
    """Choose features, C and gamma, and fit.

    Parameters
    ----------
    samples : Samples
        One a trial.
    folds : sequence
        Inner folds of them; without any, the middle of the grid is taken.
    grid : Grid
        What is tried.
    select : callable
        What chooses features, on the training rows of each inner fold and on all.

    Returns
    -------
    FittedMachines
        Fitted on all of the samples.
    """
    targets = _list_targets(samples)
    outputs: dict[Cell, list[Float64[np.ndarray, "trial machine"]]] = {}
    held = np.concatenate([out for _, out in folds]) if folds else np.empty(0, int)
    for inner, out in folds:
        train = samples.take(inner)
        chosen, _ = _choose(train, select)
        train = replace(train, features=train.features[:, chosen])
        test = samples.features[out][:, chosen]
        of_inner = [target[inner] for target in targets]
        for cell in grid.cells:
            outputs.setdefault(cell, []).append(_score(train, of_inner, cell, test))
    cell, distances = grid.middle, np.empty((0, len(targets)))
    if folds:
        joined = {one: np.concatenate(parts) for one, parts in outputs.items()}
        losses = [_lose(samples.take(held), joined[one]) for one in grid.cells]
        cell = grid.cells[int(np.argmin(np.round(losses, 12)))]
        distances = joined[cell]
    chosen, n_passed = _choose(samples, select)
    read = replace(samples, features=samples.features[:, chosen])
    if not samples.n_classes:
        return FittedMachines(chosen, n_passed, cell, _regress(read, cell))
    machines = [
        spell_machine(
            _fit(read, target, cell),
            _fit_curve(distances[:, place], target[held], samples.weight[held]),
        )
        for place, target in enumerate(targets)
    ]
    return FittedMachines(chosen, n_passed, cell, _join(samples, machines))


def _fit_curve(
    distance: Float64[np.ndarray, " trial"],
    label: Labels,
    weight: Float64[np.ndarray, " trial"],
) -> tuple[float, float]:
    """Fit a logistic curve on distances of any size: a small C and gamma shrink them.

    1 and 0 where nothing was held out.
    """
    unit = float(distance.std()) if len(distance) else 0.0
    if not unit:
        return 1.0, 0.0
    middle = float(distance.mean())
    slope, bias = fit_curve((distance - middle) / unit, label, weight)
    return slope / unit, bias - slope * middle / unit


def _choose(
    samples: Samples, select: Select
) -> tuple[Bool[np.ndarray, " feature"], int]:
    """Return the features that pass, or the one that is nearest, and how many pass."""
    chosen = select(samples)
    n_passed = int(chosen.sum())
    if not n_passed:
        test = measure_variance if samples.n_classes else measure_line
        chosen = np.zeros_like(chosen)
        chosen[np.argmin(test(samples.features, samples.label))] = True
    return chosen, n_passed


def _list_targets(samples: Samples) -> Sequence[Labels]:
    """Return what each machine separates, or the rating."""
    if samples.n_classes <= 2:
        return [samples.label]
    return [(samples.label == k).astype(np.int64) for k in np.unique(samples.label)]


def _join(
    samples: Samples, machines: Sequence[Mapping[str, NDArray[Any]]]
) -> Mapping[str, NDArray[Any]]:
    """Return the numbers of machines as the classifier of the goal opens them."""
    if samples.n_classes == 2:
        return machines[0]
    present = np.unique(samples.label)
    return {"present": present} | {
        f"{name}/{number}": array
        for number, machine in zip(present.tolist(), machines, strict=True)
        for name, array in machine.items()
    }


def _score(
    train: Samples,
    targets: Sequence[Labels],
    cell: Cell,
    test: Float64[np.ndarray, "held feature"],
) -> Float64[np.ndarray, "held machine"]:
    """Return distances of new trials from the border of each machine, or ratings."""
    if not train.n_classes:
        return np.asarray(open_support(_regress(train, cell))(test)[:, None])
    found = []
    for target in targets:
        if len(np.unique(target)) < 2:
            found.append(np.full(len(test), 2.0 * target[0] - 1))
        else:
            found.append(_fit(train, target, cell).decision_function(test))
    return np.stack(found, axis=1)


def _fit(samples: Samples, target: Labels, cell: Cell) -> SVC:
    model = SVC(C=cell[0], gamma=cell[1], max_iter=MOST_STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(samples.features, target, samples.weight)


def _regress(samples: Samples, cell: Cell) -> Mapping[str, NDArray[Any]]:
    return fit_support(samples, (), *cell, most_steps=MOST_STEPS)


def _lose(samples: Samples, output: Float64[np.ndarray, "trial machine"]) -> float:
    """Return the share of errors, or of ratings the mean squared error."""
    if not samples.n_classes:
        errors = (output[:, 0] - samples.label) ** 2
    elif samples.n_classes == 2:
        errors = (output[:, 0] > 0) != samples.label
    else:
        present = np.unique(samples.label)
        errors = present[output.argmax(axis=1)] != samples.label
    return float(np.average(errors, weights=samples.weight))
