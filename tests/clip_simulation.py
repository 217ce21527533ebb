"""Experiments whose truth is known: people who saw the same clips, and predictions.

Every subject sees every clip. Labels follow the clip's own class with some probability;
what is predicted follows a class that another coin gave the clip, so that nothing of
the labels is predicted, but all subjects err alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepvanet.metrics import (
    LEVEL,
    find_interval,
    find_p_above,
    find_p_unequal,
    find_p_value,
    find_spread,
)
from deepvanet.protocols import PROTOCOLS as KNOWN
from deepvanet.protocols.folds import cut_folds

N_PERMUTATIONS = 199
N_CLIPS = 40
N_FEATURES = 6
RIDGE = 1.0

Array = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """How an experiment comes about.

    Attributes
    ----------
    agreement : float
        Probability that a label is that of its clip; 0.5: subjects rate as they like.
    follows_clip : float
        Probability that a prediction is that of its clip.
    effect : float
        By how much predictions are better than chance, in balanced accuracy.
    """

    n_subjects: int = 22
    n_clips: int = N_CLIPS
    agreement: float = 0.75
    follows_clip: float = 0.5
    effect: float = 0.0


WORLDS: Mapping[str, World] = {
    "independent": World(agreement=0.5),
    "clip agreement": World(),
    "clip-driven, .7": World(follows_clip=0.7),
    "clip-driven, .9": World(follows_clip=0.9),
    "8 subjects, .9": World(n_subjects=8, follows_clip=0.9),
}


@dataclass(frozen=True)
class Rates:
    """How often a method says something, over many experiments.

    Attributes
    ----------
    mean : float
        Score, over the experiments: the truth.
    permutation, t : float
        A p-value against chance at or below .05.
    compare : float
        A difference between two learners that is called one.
    covers : float
        The interval holds the truth.
    shuffled, signs, bootstrap : float
        The same of what was done before: labels shuffled within subjects against kept
        predictions, flipped signs of subjects, a bootstrap over subjects.
    """

    mean: float
    permutation: float
    t: float
    compare: float
    covers: float
    shuffled: float
    signs: float
    bootstrap: float


def simulate_fixed(
    world: World, n_runs: int, *, seed: int = 0, before: bool = False
) -> Rates:
    """Score predictions that nothing was fitted for.

    Parameters
    ----------
    before : bool
        Whether to measure what was done before, too.
    """
    rng = np.random.default_rng(seed)
    rows = [_judge(_make_fixed(world, rng), rng, before) for _ in range(n_runs)]
    return _measure_rates(rows, truth=0.5 + world.effect)


def simulate_fits(
    protocol: str, n_runs: int, *, clip: float, seed: int = 0, before: bool = False
) -> Rates:
    """Fit a linear learner anew in each experiment, and in each of its permutations.

    The truth is the mean over all experiments.

    Parameters
    ----------
    protocol : str
        One of ``PROTOCOLS``.
    clip : float
        How far a clip moves signals, in deviations of a trial's own noise.
    """
    rng = np.random.default_rng(seed)
    fit, world = PROTOCOLS[protocol], World()
    held_out = "stimulus" in KNOWN[protocol].units
    rows = [
        _judge(_make_fits(fit, world, clip, rng), rng, before, held_out)
        for _ in range(n_runs)
    ]
    return _measure_rates(rows, truth=float(np.mean([row["mean"] for row in rows])))


@dataclass(frozen=True)
class _Experiment:
    """Labels, two learners' calls, and the first one's score in each permutation."""

    label: NDArray[np.int64]  # (subject, clip)
    calls: tuple[NDArray[np.bool_], NDArray[np.bool_]]  # each (subject, clip)
    null: Array  # (draw,)


def _make_fixed(world: World, rng: np.random.Generator) -> _Experiment:
    label = _sample_labels(world, rng)
    calls = [_follow(world.follows_clip, world, rng) for _ in range(2)]
    knows = rng.random(label.shape) < 2 * world.effect
    calls[0] = np.where(knows, label, calls[0])
    first, second = (call.astype(bool) for call in calls)
    drawn = label[:, _permute_clips(world, rng)].swapaxes(0, 1)
    null = np.nanmean(score(drawn, first), axis=1)
    return _Experiment(label, (first, second), null)


def _make_fits(
    fit: "_Fit", world: World, clip: float, rng: np.random.Generator
) -> _Experiment:
    label = _sample_labels(world, rng)
    first, second = (_sample_features(world, clip, rng) for _ in range(2))
    drawn = label[:, _permute_clips(world, rng)].swapaxes(0, 1)
    # one set of folds: what is observed is then one of the permutations
    called = fit(first, np.concatenate([label[None], drawn]), rng) > 0
    null = np.nanmean(score(drawn, called[1:]), axis=1)
    other = fit(second, label[None], rng)[0] > 0
    return _Experiment(label, (called[0], other), null)


def _sample_labels(world: World, rng: np.random.Generator) -> NDArray[np.int64]:
    return _follow(world.agreement, world, rng)


def _follow(
    probability: float, world: World, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Follow a coin of each clip, half of which are high, with a probability."""
    coin = rng.permutation(np.arange(world.n_clips) % 2)
    follows = rng.random((world.n_subjects, world.n_clips)) < probability
    return np.where(follows, coin, 1 - coin)


def _sample_features(world: World, clip: float, rng: np.random.Generator) -> Array:
    """Signals that know the subject, the clip and nothing of the label."""
    shape = world.n_subjects, world.n_clips, N_FEATURES
    of_clip = clip * rng.standard_normal((1, *shape[1:]))
    of_subject = rng.standard_normal((shape[0], 1, N_FEATURES))
    return np.asarray(of_clip + of_subject + rng.standard_normal(shape))


def _permute_clips(world: World, rng: np.random.Generator) -> NDArray[np.int64]:
    draws = np.tile(np.arange(world.n_clips), (N_PERMUTATIONS, 1))
    return np.asarray(rng.permuted(draws, axis=1))


def _measure_rates(rows: Sequence[Mapping[str, float]], *, truth: float) -> Rates:
    found = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    n = len(rows)
    return Rates(
        mean=float(found["mean"].mean()),
        permutation=np.sum(found["permutation"] <= LEVEL) / n,
        t=np.sum(found["t"] <= LEVEL) / n,
        compare=np.sum(found["compare"] <= LEVEL) / n,
        covers=np.sum((found["low"] <= truth) & (truth <= found["high"])) / n,
        shuffled=np.sum(found["shuffled"] < LEVEL) / n,
        signs=np.sum(found["signs"] < LEVEL) / n,
        bootstrap=np.sum((found["lower"] <= truth) & (truth <= found["upper"])) / n,
    )


def _judge(
    experiment: _Experiment,
    rng: np.random.Generator,
    before: bool,
    held_out: bool = False,
) -> dict[str, float]:
    first, second = (_leave_out(experiment.label, call) for call in experiment.calls)
    values, difference = first[:, 0], first - second
    mean = float(values.mean())
    spread = find_spread(values, first[:, 1:], clips_held_out=held_out)
    low, high = find_interval(mean, spread)
    apart = find_spread(difference[:, 0], difference[:, 1:], clips_held_out=held_out)
    old = dict.fromkeys(("shuffled", "signs", "lower", "upper"), np.nan)
    if before:
        old = _judge_as_before(experiment, values, difference[:, 0], rng)
    return {
        "mean": mean,
        "permutation": find_p_value(mean, experiment.null),
        "t": find_p_above(mean, spread, chance=0.5),
        "compare": find_p_unequal(float(difference[:, 0].mean()), apart),
        "low": low,
        "high": high,
        **old,
    }


def _judge_as_before(
    experiment: _Experiment,
    values: Array,
    difference: Array,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Do what 0.1 did: subjects are independent, and predictions are kept."""
    label = np.tile(experiment.label, (N_PERMUTATIONS, 1, 1))
    null = np.nanmean(score(rng.permuted(label, axis=2), experiment.calls[0]), axis=1)
    signs = rng.choice([-1.0, 1.0], (999, len(difference)))
    flipped = np.abs(signs @ difference) / len(difference)
    n_above = np.sum(flipped >= abs(difference.mean()) - 1e-12)
    index = rng.integers(0, len(values), (999, len(values)))
    low, high = np.quantile(values[index].mean(axis=1), [0.025, 0.975])
    return {
        "shuffled": find_p_value(float(values.mean()), null),
        "signs": (1 + n_above) / 1000,
        "lower": low,
        "upper": high,
    }


def score(label: NDArray[np.int64], call: NDArray[np.bool_]) -> Array:
    """Return the balanced accuracy of each subject; clips are the last axis."""
    high = label == 1
    hit, n_high = (high & call).sum(axis=-1), high.sum(axis=-1)
    right, n_low = (~high & ~call).sum(axis=-1), (~high).sum(axis=-1)
    with np.errstate(invalid="ignore"):
        return np.asarray((hit / n_high + right / n_low) / 2)


def _leave_out(label: NDArray[np.int64], call: NDArray[np.bool_]) -> Array:
    """Score each subject with all clips, then with each left out."""
    n_clips = label.shape[1]
    kept = np.concatenate([np.ones((n_clips, 1)), 1 - np.eye(n_clips)], axis=1)
    high, low = label @ kept, (1 - label) @ kept
    with np.errstate(invalid="ignore"):
        hit, right = (label * call) @ kept / high, ((1 - label) * ~call) @ kept / low
    return np.asarray((hit + right) / 2)


_Fit = Callable[[Array, NDArray[np.int64], np.random.Generator], Array]
"""From features (subject, clip, feature) and labels (draw, subject, clip) to scores
of the shape of the labels, above 0 for high."""


def fit_subjects_alone(
    features: Array, label: NDArray[np.int64], rng: np.random.Generator
) -> Array:
    """Cross-validate each subject by itself: ten folds of trials, labels in balance."""
    held = _add_one(features)
    n_folds, size = 10, held.shape[-1]
    order = np.argsort(label + rng.random(label.shape), axis=-1)
    fold = np.empty_like(order)
    turn = np.broadcast_to(np.arange(label.shape[-1]) % n_folds, order.shape)
    np.put_along_axis(fold, order, turn, axis=-1)
    member = (fold[..., None, :] == np.arange(n_folds)[:, None]).astype(float)
    squares = (held[..., :, None] * held[..., None, :]).reshape(*held.shape[:2], -1)
    gram = squares.sum(axis=1)[None, :, None] - member @ squares
    gram = gram.reshape(*gram.shape[:-1], size, size) + _penalty(size)
    products = held * (2 * label - 1)[..., None]
    target = products.sum(axis=2)[:, :, None] - member @ products
    weight = np.linalg.solve(gram, target[..., None])[..., 0]
    own = np.take_along_axis(weight, fold[..., None], axis=2)
    return np.asarray((own * held).sum(axis=-1))


def fit_other_subjects(
    features: Array, label: NDArray[np.int64], rng: np.random.Generator
) -> Array:
    """Hold out whole subjects, in ten groups."""
    return _fit_groups(features, label, rng, n_subjects=10, n_clips=1)


def fit_on_other_clips(
    features: Array, label: NDArray[np.int64], rng: np.random.Generator
) -> Array:
    """Hold out clips of all subjects, in ten groups."""
    return _fit_groups(features, label, rng, n_subjects=1, n_clips=10)


def fit_others_on_other_clips(
    features: Array, label: NDArray[np.int64], rng: np.random.Generator
) -> Array:
    """Hold out subjects and clips, in five groups by four."""
    return _fit_groups(features, label, rng, n_subjects=5, n_clips=4)


PROTOCOLS: Mapping[str, _Fit] = {
    "trial": fit_subjects_alone,
    "subject": fit_other_subjects,
    "stimulus": fit_on_other_clips,
    "subject-stimulus": fit_others_on_other_clips,
}


def _fit_groups(
    features: Array,
    label: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    n_subjects: int,
    n_clips: int,
) -> Array:
    """Fit all draws at once: they share which rows train, so the factorisation too."""
    held = _add_one(features)
    person = rng.permutation(held.shape[0]) % n_subjects
    clip = rng.permutation(held.shape[1]) % n_clips
    said = np.empty(label.shape)
    for group in range(n_subjects):
        for part in range(n_clips):
            tests = (person == group)[:, None] & (clip == part)
            trains = ((person != group) | (n_subjects == 1))[:, None] & (
                (clip != part) | (n_clips == 1)
            )
            rows = held[trains]
            gram = rows.T @ rows + _penalty(rows.shape[1])
            target = rows.T @ (2 * label[:, trains] - 1).T
            said[:, tests] = (held[tests] @ np.linalg.solve(gram, target)).T
    return said


def _add_one(features: Array) -> Array:
    return np.concatenate([features, np.ones((*features.shape[:-1], 1))], axis=-1)


def _penalty(size: int) -> Array:
    """Of a ridge regression; hardly any of the constant."""
    return np.diag([RIDGE] * (size - 1) + [1e-6])


def guess_constant(
    protocol: str, n_runs: int, *, n_subjects: int = 22, n_clips: int, seed: int = 0
) -> float:
    """Return the balanced accuracy of the training base rate, in the protocol's folds.

    Half of the clips are high, and labels follow their clip three times in four.
    """
    rng = np.random.default_rng(seed)
    names = pd.MultiIndex.from_product(
        [[f"{s:02d}" for s in range(n_subjects)], [f"{c:02d}" for c in range(n_clips)]],
        names=["subject", "trial"],
    ).to_frame(index=False)
    table = names.assign(stimulus=names["trial"], segment=0)
    scores = []
    for _ in range(n_runs):
        label = _sample_labels(World(n_subjects, n_clips), rng).ravel()
        said = np.empty(len(label))
        for fold in cut_folds(table, label, KNOWN[protocol]):
            said[fold.test] = label[fold.train].mean()
        shape = n_subjects, n_clips
        scores.append(
            np.nanmean(score(label.reshape(shape), said.reshape(shape) > 0.5))
        )
    return float(np.mean(scores))
