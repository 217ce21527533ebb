"""RBF machines that vote: hard votes of rows, and shares of them in trials.

Each class has a machine against the rest, of two classes there is one for the second.
A row votes for the class whose machine is surest.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float64, Int
from numpy.typing import NDArray
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC

from deepvanet.learners.saved import check_arrays

Features = Float64[np.ndarray, "row feature"]
Arrays = Mapping[str, NDArray[Any]]
ROWS_AT_ONCE = 1024


def fit_machines(
    features: Features,
    label: Int[np.ndarray, " row"],
    weight: Float64[np.ndarray, " row"],
    *,
    n_classes: int,
    penalty: float,
) -> dict[str, NDArray[Any]]:
    """Fit the machines; their width is one by the number of features.

    Parameters
    ----------
    features : array, shape (row, feature)
        As they are read.
    label : array, shape (row,)
        The number of a class.
    weight : array, shape (row,)
        What each row counts.
    n_classes : int
        2 or more.
    penalty : float
        scikit-learn's C.

    Returns
    -------
    dict
        What ``find_votes`` takes.
    """
    gamma = 1 / features.shape[1]
    arrays: dict[str, NDArray[Any]] = {
        "gamma": np.array(gamma),
        "n_classes": np.array(n_classes),
    }
    for number in _list_numbers(n_classes):
        is_class = label == number
        if is_class.all() or not is_class.any():
            support, dual = np.zeros((0, features.shape[1])), np.zeros(0)
            bias = np.array(1.0 if is_class.any() else -1.0)
        else:
            model = SVC(C=penalty, gamma=gamma)
            model.fit(features, is_class, weight)
            support, dual = model.support_vectors_, model.dual_coef_[0]
            bias = np.array(model.intercept_[0])
        arrays |= {
            f"support/{number}": support,
            f"dual/{number}": dual,
            f"bias/{number}": bias,
        }
    return arrays


def check_machines(arrays: Arrays, *, n_features: int) -> None:
    """Raise ``ValueError`` unless arrays are those of a fit."""
    check_arrays(arrays, {"gamma": ("f", ()), "n_classes": ("iu", ())})
    for number in _list_numbers(int(arrays["n_classes"])):
        vector = f"vector {number}"
        check_arrays(
            arrays,
            {
                f"support/{number}": ("f", (vector, n_features)),
                f"dual/{number}": ("f", (vector,)),
                f"bias/{number}": ("f", ()),
            },
        )


def find_votes(arrays: Arrays, features: Features) -> Int[np.ndarray, " row"]:
    """Return the number of the class that each row votes for."""
    numbers = _list_numbers(int(arrays["n_classes"]))
    sure = np.stack([_find_distance(arrays, n, features) for n in numbers], axis=1)
    if len(numbers) == 1:
        return np.asarray(sure[:, 0] > 0, dtype=np.int64)
    return np.asarray(sure.argmax(axis=1), dtype=np.int64)


def count_votes(
    votes: Int[np.ndarray, " row"], trial: Int[np.ndarray, " row"], n_classes: int
) -> Float64[np.ndarray, "trial class"]:
    """Return the share of each trial's rows that vote for each class.

    Examples
    --------
    >>> count_votes(np.array([1, 1, 0, 0]), np.array([0, 0, 0, 1]), 2).round(2)
    array([[0.33, 0.67],
           [1.  , 0.  ]])
    """
    counts = np.zeros((int(trial.max()) + 1, n_classes))
    np.add.at(counts, (trial, votes), 1)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _list_numbers(n_classes: int) -> range:
    return range(1, 2) if n_classes == 2 else range(n_classes)


def _find_distance(
    arrays: Arrays, number: int, features: Features
) -> Float64[np.ndarray, " row"]:
    """Return how far rows lie on a class's side."""
    support, bias = arrays[f"support/{number}"], float(arrays[f"bias/{number}"])
    if not len(support):
        return np.full(len(features), bias)
    gamma, dual = float(arrays["gamma"]), arrays[f"dual/{number}"]
    starts = range(0, len(features), ROWS_AT_ONCE)
    parts = [
        rbf_kernel(features[s : s + ROWS_AT_ONCE], support, gamma=gamma) @ dual
        for s in starts
    ]
    return np.asarray(np.concatenate(parts) + bias)
