"""How hard synthetic recordings are, from the numbers that generate them.

Two observers are compared. Both see each trait's mean over the stimulus, without
error, and know the person; neither sees how the trial began.

- The *ideal observer* sees all traits and takes the likelihood ratio of a high and a
  low rating. Nothing that is measured from a trial's mean traits can do better.
- The best single trait is the one whose value alone separates best.

Given both ratings, the traits are independent and normal. Divided by their standard
deviations they are ``x = M r + noise``, ``M`` of shape (trait, 2) and ``r`` the two
ratings from -1 to 1. With ``M = Q R``, the plane of ``Q`` holds all that ``x`` says of
``r``: ``z = Q' x`` is normal around ``R r`` with unit variance. So the likelihood ratio
is a function on a plane, and its AUROC a sum over a grid.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr
from scipy.stats import binom

from deepvanet.schema import Target
from deepvanet.synthetic.knobs import (
    TRAITS,
    Knobs,
    centre,
    reach_of_stimulus,
)
from deepvanet.synthetic.ratings import list_quantiles

N_NODES = 8
"""Ratings that stand for all high ones, and as many for all low ones."""
N_CELLS, BEYOND = 121, 5.0
"""Of the grid on a side, and how many standard deviations it goes on."""
SURE = 0.95
"""Share of guesses that stay within the bound."""

Nodes = Float[np.ndarray, "node 2"]


@dataclass(frozen=True)
class Difficulty:
    """How well high ratings of one target can be separated from low ones.

    Attributes
    ----------
    ideal, best : float
        AUROC of the ideal observer, and of the best single trait.
    trait : str
        Which one that is.
    """

    ideal: float
    best: float
    trait: str


def find_difficulty(
    knobs: Knobs, *, seconds: float, unseen: Collection[str] = ()
) -> Mapping[Target, Difficulty]:
    """Return the difficulty of each target.

    Parameters
    ----------
    seconds : float
        Of a stimulus: what rises slowly hardly shows in a short one.
    unseen : collection of str
        Traits that no recorded channel shows; at least two are left.
    """
    names = [name for name in TRAITS if name not in unseen]
    shifts = whiten_shifts(names, knobs, seconds)
    found = {}
    for k, target in enumerate(Target):
        high, low = (_list_ratings(k, is_high=is_high) for is_high in (True, False))
        alone = [_score_alone(shift, high, low) for shift in shifts]
        best = int(np.argmax(alone))
        ideal = _score_ideal(np.linalg.qr(shifts)[1], high, low)
        found[target] = Difficulty(ideal, alone[best], names[best])
    return found


def describe_difficulty(
    knobs: Knobs, *, seconds: float, unseen: Collection[str] = ()
) -> str:
    """Say what can be found at most in a data set, and by one trait."""
    found = find_difficulty(knobs, seconds=seconds, unseen=unseen)
    ideal = ", ".join(f"{target} {one.ideal:.2f}" for target, one in found.items())
    alone = ", ".join(
        f"{target} {one.best:.2f} ({one.trait})" for target, one in found.items()
    )
    return (
        f"AUROC of high against low ratings at effect {knobs.effect:g}: an ideal "
        f"observer of all traits {ideal}; the best single trait {alone}"
    )


def describe_chance(n_subjects: int, n_trials: int) -> str:
    """Say what guesses reach where there is nothing to find."""
    return (
        f"guesses on {n_subjects} x {n_trials} trials stay at or below a balanced "
        f"accuracy of {bound_chance(n_subjects, n_trials):.2f} in 95 % of runs"
    )


def bound_chance(n_subjects: int, n_trials: int) -> float:
    """Return what guesses on balanced labels exceed in one run of twenty at most.

    The mean over subjects of the balanced accuracy over their trials, where half of
    the trials are high: the share of right guesses among all.

    Examples
    --------
    >>> round(bound_chance(4, 8), 3), round(bound_chance(32, 40), 3)
    (0.656, 0.523)
    """
    n = n_subjects * n_trials
    return float(binom.ppf(SURE, n, 0.5) / n)


def whiten_shifts(
    names: Collection[str], knobs: Knobs, seconds: float
) -> Float[np.ndarray, "trait 2"]:
    """Return how far the highest valence and arousal move each trait.

    Of its mean over a stimulus, in standard deviations over one subject's trials that
    are rated alike.
    """
    rows = []
    for name in names:
        trait = TRAITS[name]
        risen = trait.mean_rise(seconds)
        spread = math.hypot(
            trait.trial,
            risen * math.hypot(trait.reaction, reach_of_stimulus(trait, knobs)),
        )
        moved = knobs.effect * risen * trait.reaction / spread
        rows.append([moved * trait.valence, moved * trait.arousal])
    return np.array(rows)


def _list_ratings(target: int, *, is_high: bool) -> Nodes:
    """Return equally likely pairs of ratings, one of them high or low, from -1 to 1."""
    high, low = (
        np.array([centre(rating) for rating in list_quantiles(N_NODES, is_high=which)])
        for which in (True, False)
    )
    other = np.concatenate([high, low])
    pairs = np.array([(a, b) for a in (high if is_high else low) for b in other])
    return pairs if target == 0 else pairs[:, ::-1]


def _score_alone(shift: Float[np.ndarray, "2"], high: Nodes, low: Nodes) -> float:
    """Return the AUROC of one trait, in the direction in which it separates."""
    apart = (high @ shift)[:, None] - (low @ shift)[None]
    auroc = float(ndtr(apart / math.sqrt(2.0)).mean())
    return max(auroc, 1 - auroc)


def _score_ideal(plane: Float[np.ndarray, "2 2"], high: Nodes, low: Nodes) -> float:
    """Return the AUROC of the likelihood ratio, ``plane`` as in the module's text."""
    reach = np.abs(plane).sum(axis=1) + BEYOND
    axes = [np.linspace(-side, side, N_CELLS) for side in reach]
    if_high, if_low = (_weigh_cells(axes, nodes @ plane.T) for nodes in (high, low))
    order = np.argsort(if_low / (if_high + if_low + 1e-300), kind="stable")
    caught = np.cumsum(if_high[order])
    before = caught - if_high[order]
    return float(np.sum(if_low[order] * (caught + before) / 2))


def _weigh_cells(
    axes: list[Float[np.ndarray, " cell"]], middles: Nodes
) -> Float[np.ndarray, " cells"]:
    """Return the probability of each cell under normal noise around all the middles."""
    first, second = (
        np.exp(-0.5 * (axis[:, None] - middles[None, :, k]) ** 2)
        for k, axis in enumerate(axes)
    )
    weights = (first @ second.T).ravel()
    return np.asarray(weights / weights.sum())
