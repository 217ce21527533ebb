"""Rules that join the scores of two members: fitted on some rows, used on others.

A rule is given *out-of-fold* scores: a network is nearly always right on the rows
it was trained on, so that its error there is no measure of it.

AdaBoost here takes graded votes, margins ``h = 2 p - 1`` in [-1, 1], and not hard
ones: of two hard voters the one with the larger weight always decides, so their
fusion equals the stronger member. A member's weight is the ``alpha`` that
minimises ``sum_i w_i exp(-alpha y_i h_i)``; for hard votes that is
``ln((1 - e) / e) / 2``, the textbook's. The member that does more good comes first;
rows are then reweighted and their weights renormalised; a member that does no good
gets no weight.

References
----------
.. [1] Freund and Schapire (1997). A decision-theoretic generalization of on-line
   learning. Journal of Computer and System Sciences 55, 119-139.
.. [2] Schapire and Singer (1999). Improved boosting algorithms using
   confidence-rated predictions. Machine Learning 37, 297-336.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

LEAST_ERROR = 1e-6
"""Errors are clipped to this and to 1 less this, so that no weight is infinite."""

MOST_ALPHA = float(np.log((1 - LEAST_ERROR) / LEAST_ERROR) / 2)
GRID = np.linspace(0, 1, 21)
"""Weights of the face that ``weight-grid`` tries."""

MEMBERS = ("face", "bio")

Scores = Float[np.ndarray, "row 2"]
Label = Int[np.ndarray, " row"]
Weights = Mapping[str, float]


@dataclass(frozen=True)
class Rule:
    """A way to join two members' scores.

    Attributes
    ----------
    fit : callable
        From scores, one column a member, and labels to weights.
    join : callable
        From scores and weights to the probability that each row is high.
    is_fitted : bool
        Whether ``fit`` looks at its rows at all.
    names : tuple of str
        Of the weights.
    """

    fit: Callable[[Scores, Label], Weights]
    join: Callable[[Scores, Weights], Float[np.ndarray, " row"]]
    is_fitted: bool = True
    names: tuple[str, ...] = ()


def find_alpha(
    vote: Float[np.ndarray, " row"], weight: Float[np.ndarray, " row"]
) -> float:
    """Return the weight of a member whose votes for the truth are ``vote``.

    Parameters
    ----------
    vote : array, shape (row,)
        ``y h``: the margin, positive where the member is right.
    weight : array, shape (row,)
        Of the rows; sums to 1.

    Returns
    -------
    float
        From 0 (no better than chance) to ``MOST_ALPHA``.

    Examples
    --------
    >>> hard = np.array([1.0, 1.0, 1.0, -1.0])
    >>> round(find_alpha(hard, np.full(4, 0.25)), 6), round(float(np.log(3)) / 2, 6)
    (0.549306, 0.549306)
    """

    def slope(alpha: float) -> float:
        return float(np.sum(weight * vote * np.exp(-alpha * vote)))

    if slope(0.0) <= 0:
        return 0.0
    if slope(MOST_ALPHA) >= 0:
        return MOST_ALPHA
    return float(brentq(slope, 0.0, MOST_ALPHA, xtol=1e-12))


def reweight(
    vote: Float[np.ndarray, " row"], weight: Float[np.ndarray, " row"], alpha: float
) -> Float[np.ndarray, " row"]:
    """Return the rows' weights after a member: what it got wrong weighs more."""
    new = weight * np.exp(-alpha * vote)
    return np.asarray(new / new.sum())


def _boost(scores: Scores, label: Label) -> Weights:
    votes = (2 * label - 1)[:, None] * (2 * scores - 1)
    weight = np.full(len(label), 1 / len(label))
    alphas: dict[str, float] = {}
    while len(alphas) < len(MEMBERS):
        left = [k for k, name in enumerate(MEMBERS) if name not in alphas]
        found = {k: find_alpha(votes[:, k], weight) for k in left}
        best = min(left, key=lambda k: _bound(votes[:, k], weight, found[k]))
        alphas[MEMBERS[best]] = found[best]
        weight = reweight(votes[:, best], weight, found[best])
    return {f"{name}_alpha": alphas[name] for name in MEMBERS} | {
        "base_rate": float(label.mean())
    }


def _bound(
    vote: Float[np.ndarray, " row"], weight: Float[np.ndarray, " row"], alpha: float
) -> float:
    """Return what boosting lowers: the mean of exp(-alpha y h)."""
    return float(np.sum(weight * np.exp(-alpha * vote)))


def _join_boosted(scores: Scores, weights: Weights) -> Float[np.ndarray, " row"]:
    alpha = np.array([weights[f"{name}_alpha"] for name in MEMBERS])
    if not alpha.any():
        return np.full(len(scores), weights["base_rate"])
    return np.asarray(expit(2 * ((2 * scores - 1) @ alpha)))


def _stack(scores: Scores, label: Label) -> Weights:
    model = LogisticRegression().fit(_log_odds(scores), label)
    names = (*(f"{name}_weight" for name in MEMBERS), "bias")
    values = [*model.coef_[0], model.intercept_[0]]
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def _join_stacked(scores: Scores, weights: Weights) -> Float[np.ndarray, " row"]:
    weight = np.array([weights[f"{name}_weight"] for name in MEMBERS])
    return np.asarray(expit(_log_odds(scores) @ weight + weights["bias"]))


def _log_odds(scores: Scores) -> Scores:
    return np.asarray(logit(np.clip(scores, LEAST_ERROR, 1 - LEAST_ERROR)))


def _search_weight(scores: Scores, label: Label) -> Weights:
    """Take the weight with the least loss; of equals the nearest to a half."""
    losses = []
    for weight in GRID:
        score = weight * scores[:, 0] + (1 - weight) * scores[:, 1]
        right = np.where(label == 1, score, 1 - score)
        losses.append(-np.log(np.maximum(right, LEAST_ERROR)).mean())
    order = np.lexsort([np.abs(GRID - 0.5), np.round(losses, 12)])
    return {"face_weight": float(GRID[order[0]])}


def _join_weighted(scores: Scores, weights: Weights) -> Float[np.ndarray, " row"]:
    weight = weights["face_weight"]
    return np.asarray(weight * scores[:, 0] + (1 - weight) * scores[:, 1])


RULES: Mapping[str, Rule] = {
    "adaboost": Rule(
        _boost, _join_boosted, names=("face_alpha", "bio_alpha", "base_rate")
    ),
    "stacking": Rule(
        _stack, _join_stacked, names=("face_weight", "bio_weight", "bias")
    ),
    "mean-logit": Rule(
        lambda _scores, _label: {},
        lambda scores, _weights: np.asarray(expit(_log_odds(scores).mean(axis=1))),
        is_fitted=False,
    ),
    "weight-grid": Rule(_search_weight, _join_weighted, names=("face_weight",)),
}
"""Rules that are fitted on training rows only."""


def weigh_as_published(face_error: float, bio_error: float) -> tuple[float, float]:
    """Return the two weights that the published code arrives at.

    No row is ever reweighted there, since it looks for scores that equal a label;
    all rows get the factor ``exp(-alpha)`` of the first member instead, and their
    weights are not renormalised, so that the second member's error shrinks.

    Parameters
    ----------
    face_error, bio_error : float
        Mean distance of scores from labels.

    Examples
    --------
    >>> [round(weigh_as_published(*e)[1], 2) for e in [(0.05, 0.05), (0.01, 0.2)]]
    [2.23, 1.94]
    """
    face = _textbook_alpha(face_error)
    return face, _textbook_alpha(bio_error * float(np.exp(-face)))


def _textbook_alpha(error: float) -> float:
    # the published code has no limit; without one an error of 0 ends in infinity
    error = float(np.clip(error, LEAST_ERROR, 1 - LEAST_ERROR))
    return float(np.log((1 - error) / error) / 2)
