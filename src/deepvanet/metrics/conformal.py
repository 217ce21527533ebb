"""Sets of labels, and intervals of ratings, that hold the truth as often as they say.

How wrong predictions of trials were, of people that the model had not seen, says how
wide a set must be to hold the truth of nine trials in ten. Trials of a person are
alike, so people count and not trials: each person weighs the same, and the next one,
who may be worse than all of them, weighs as much [1]_. Nothing else is assumed than
that the next person is like these. A set that must hold nine in ten needs nine people.

References
----------
.. [1] Lee, Barber and Willett (2023). Distribution-free inference with hierarchical
   data. arXiv 2306.06342.
"""

from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float, Num, Shaped

from deepvanet.fields import About
from deepvanet.metrics.jackknife import find_interval, find_spread

HELD = 0.9
"""Share of trials whose truth a set is to hold."""


@dataclass(frozen=True)
class Conformal:
    """How wide sets must be, and what they hold.

    Attributes
    ----------
    level : float
        Share of trials of a new person whose truth a set is to hold.
    bound : float
        The greatest error that a set allows: of a class 1 less its probability, of a
        rating the distance.
    n_subjects : int
        Whose errors it is made of.
    coverage, ci_low, ci_high : float | None
        Share of trials that sets held whose bound was made without their person: mean
        over subjects, and its 95 % interval.
    size : float
        Mean number of classes in a set, or length of an interval, in the rating's unit.
    """

    level: Annotated[float, About("A share.", least=0, most=1)]
    bound: float
    n_subjects: Annotated[int, About("Subjects.", least=1)]
    coverage: float | None
    ci_low: float | None
    ci_high: float | None
    size: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as JSON can hold them."""
        return asdict(self)


def measure_errors(
    label: Num[np.ndarray, " trial"], predicted: Float[np.ndarray, " trial *class"]
) -> Float[np.ndarray, " trial"]:
    """Return how wrong predictions are.

    Parameters
    ----------
    label : array, shape (trial,)
        Numbers of classes, or ratings.
    predicted : array, shape (trial, class) or (trial,)
        Probabilities of classes, or ratings.

    Returns
    -------
    array, shape (trial,)
        1 less the probability of the class; the distance of ratings.
    """
    if predicted.ndim == 1:
        return np.asarray(np.abs(label - predicted))
    number = label.astype(np.int64)
    return np.asarray(1 - predicted[np.arange(len(number)), number])


def find_bound(
    error: Float[np.ndarray, " trial"],
    subject: Shaped[np.ndarray, " trial"],
    *,
    level: float = HELD,
) -> float:
    """Return the error that is not exceeded in a share of a new person's trials.

    Parameters
    ----------
    error : array, shape (trial,)
        Of trials of people whom the model had not seen.
    subject : array, shape (trial,)
        Whose trial it is.
    level : float
        The share.

    Returns
    -------
    float
        Infinite where there are too few people for the share.

    Examples
    --------
    Nine people, of whom each has one trial, are just enough for nine in ten:

    >>> find_bound(np.arange(9.0), np.arange(9), level=0.9)
    8.0
    >>> find_bound(np.arange(8.0), np.arange(8), level=0.9)
    inf
    """
    _, person, n_trials = np.unique(subject, return_inverse=True, return_counts=True)
    weight = 1 / n_trials[person] / (len(n_trials) + 1)
    order = np.argsort(error, kind="stable")
    reached = np.cumsum(weight[order])
    enough = np.flatnonzero(reached >= level - _ROUNDING)
    return float(error[order[enough[0]]]) if len(enough) else float("inf")


_ROUNDING = 1e-9


def hold_out_people(
    error: Float[np.ndarray, " trial"],
    subject: Shaped[np.ndarray, " trial"],
    *,
    level: float = HELD,
) -> Float[np.ndarray, " subject"] | None:
    """Return the share of each person's trials that the bound of the others holds.

    Parameters
    ----------
    error : array, shape (trial,)
        Of trials of people whom the model had not seen.
    subject : array, shape (trial,)
        Whose trial it is.
    level : float
        Share of a new person's trials whose truth a set is to hold.

    Returns
    -------
    array, shape (subject,)
        In the order of the names; None where the others are too few for the share.
    """
    held = []
    for name in np.unique(subject):
        mine = subject == name
        bound = find_bound(error[~mine], subject[~mine], level=level)
        if not np.isfinite(bound):
            return None
        held.append(float(np.mean(error[mine] <= bound)))
    return np.array(held)


def measure_size(predicted: Float[np.ndarray, " trial *class"], bound: float) -> float:
    """Return the mean number of classes in a set, or the length of an interval.

    Parameters
    ----------
    predicted : array, shape (trial, class) or (trial,)
        Probabilities of classes, or ratings.
    bound : float
        The greatest error that a set allows.
    """
    if predicted.ndim == 1:
        return 2 * bound
    return float(take_classes(predicted, bound).sum(axis=1).mean())


def say_coverage(
    held: Float[np.ndarray, " subject"],
) -> tuple[float, float | None, float | None]:
    """Return the mean share that is held, and its 95 % interval within 0 and 1."""
    mean = float(np.mean(held))
    low, high = find_interval(mean, find_spread(held))
    if not np.isfinite(low):
        return mean, None, None
    return mean, max(0.0, low), min(1.0, high)


def conform(
    label: Num[np.ndarray, " trial"],
    predicted: Float[np.ndarray, " trial *class"],
    subject: Shaped[np.ndarray, " trial"],
    *,
    level: float = HELD,
) -> Conformal | None:
    """Find how wide sets must be, and measure what they hold.

    Parameters
    ----------
    label, predicted : array
        As ``measure_errors`` takes them.
    subject : array, shape (trial,)
        Whose trial it is; the model had not seen them.
    level : float
        Share of a new person's trials whose truth a set is to hold.

    Returns
    -------
    Conformal | None
        None where there are too few people for the share when one is left out.
    """
    error = measure_errors(label, predicted)
    held = hold_out_people(error, subject, level=level)
    if held is None:
        return None
    bound = find_bound(error, subject, level=level)
    return Conformal(
        level, bound, len(held), *say_coverage(held), measure_size(predicted, bound)
    )


def take_classes(
    probability: Float[np.ndarray, "trial class"], bound: float
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return which classes are in the set of each trial; never none.

    The likeliest class is in every set: an empty one says nothing, and a set that has
    more than it needs holds the truth no less often.
    """
    held = 1 - probability <= bound
    held[np.arange(len(held)), probability.argmax(axis=1)] = True
    return np.asarray(held)
