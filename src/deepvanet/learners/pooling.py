"""Pool the predictions of several members, by weights that are never negative.

Probabilities are pooled as logarithms: ``p(class) ~ exp(sum_m w_m log p_m(class))``,
which of two classes is a sum of log-odds. Ratings are pooled as departures from their
mean. The weights have the least loss on predictions that are out of fold, and a
penalty that pulls each to one part of the members' number: with nothing to learn from
they are the mean. On few trials held-out predictions are worse than chance where there
is nothing to find; a negative weight would believe them.
"""

import numpy as np
from jaxtyping import Float64, Int, Num
from scipy.optimize import minimize, nnls
from scipy.special import log_softmax, softmax

LEAST = 1e-6
"""A probability below this is taken for it."""

Weights = Float64[np.ndarray, " member"]
Logs = Float64[np.ndarray, "member row class"]
Ratings = Float64[np.ndarray, "member row"]
RowWeight = Float64[np.ndarray, " row"]


def weigh_alike(n_members: int) -> Weights:
    """Return the weights of the mean."""
    return np.full(n_members, 1 / n_members)


def take_logs(probability: Float64[np.ndarray, "member row *class"]) -> Logs:
    """Return the log of each class's probability, of two from that of the second."""
    if probability.ndim == 2:
        probability = np.stack([1 - probability, probability], axis=-1)
    return np.asarray(np.log(np.maximum(probability, LEAST)))


def pool_classes(logs: Logs, weight: Weights) -> Float64[np.ndarray, "row class"]:
    """Return the pooled probability of each class."""
    return np.asarray(softmax(np.tensordot(weight, logs, axes=1), axis=1))


def pool_ratings(
    rating: Ratings, weight: Weights, center: float
) -> Float64[np.ndarray, " row"]:
    """Return the pooled rating."""
    return np.asarray(center + weight @ (rating - center))


def fit_class_weights(
    logs: Logs, label: Int[np.ndarray, " row"], row_weight: RowWeight, penalty: float
) -> Weights:
    """Return the weights with the least log loss.

    Parameters
    ----------
    logs : array, shape (member, row, class)
        Of members that did not see these rows.
    label : array, shape (row,)
        The number of the class of each.
    row_weight : array, shape (row,)
        How much each row counts.
    penalty : float
        Loss, summed over rows, of a weight that departs by 1 from those of the mean.

    Returns
    -------
    array, shape (member,)
        0 or more; they need not sum to 1.
    """
    n_members, n_rows, _ = logs.shape
    start = weigh_alike(n_members)
    true = logs[:, np.arange(n_rows), label]

    def lose(weight: Weights) -> tuple[float, Weights]:
        score = np.tensordot(weight, logs, axes=1)
        told = log_softmax(score, axis=1)[np.arange(n_rows), label]
        expected = (softmax(score, axis=1)[None] * logs).sum(axis=2)
        slope = ((expected - true) * row_weight).sum(axis=1)
        off = weight - start
        loss = float(-(told * row_weight).sum() + penalty * off @ off)
        return loss, slope + 2 * penalty * off

    found = minimize(
        lose, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * n_members
    )
    return np.asarray(found.x, dtype=np.float64)


def fit_rating_weights(
    rating: Ratings,
    label: Num[np.ndarray, " row"],
    row_weight: RowWeight,
    penalty: float,
) -> Weights:
    """Return the weights with the least squared error, in units of the variance.

    Parameters
    ----------
    rating : array, shape (member, row)
        Of members that did not see these rows.
    label : array, shape (row,)
        As rated.
    row_weight : array, shape (row,)
        How much each row counts.
    penalty : float
        As of ``fit_class_weights``.

    Returns
    -------
    array, shape (member,)
        0 or more.
    """
    center = float(np.average(label, weights=row_weight))
    spread = float(np.sqrt(np.average((label - center) ** 2, weights=row_weight)))
    root = np.sqrt(row_weight) / (spread or 1.0)
    ridge = np.sqrt(penalty) * np.eye(len(rating))
    known = np.concatenate([((rating - center) * root).T, ridge])
    wanted = np.concatenate([(label - center) * root, ridge @ weigh_alike(len(rating))])
    return np.asarray(nnls(known, wanted)[0])
