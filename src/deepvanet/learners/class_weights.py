"""How much each row counts in a fit, so that the rarer class is not left out."""

import numpy as np
from jaxtyping import Float64, Int

from deepvanet.config import ClassWeight
from deepvanet.store import Rows


def weigh_rows(
    rows: Rows, class_weight: ClassWeight
) -> Float64[np.ndarray, " row *target"]:
    """Return the weight of each row, of several targets for each; their mean is 1.

    ``balanced``: trials are counted, not seconds. All trials of a class count the
    same, however long they are, and all classes count the same; where ratings are
    predicted all trials count the same. ``none``: each row counts the same.
    """
    if rows.goal.parts:
        of_each = [weigh_rows(part, class_weight) for part in rows.split_targets()]
        return np.stack(of_each, axis=1)
    is_rating = rows.goal.kind == "rating"
    stratum = np.zeros_like(rows.stratum) if is_rating else rows.stratum
    return weigh_classes(stratum, rows.trial, class_weight)


def weigh_classes(
    label: Int[np.ndarray, " row"],
    trial: Int[np.ndarray, " row"],
    class_weight: ClassWeight,
) -> Float64[np.ndarray, " row"]:
    """Return the weight of each row of some classes, as ``weigh_rows`` does.

    Parameters
    ----------
    trial : array, shape (row,)
        A number from 0 for each row's trial.

    Examples
    --------
    >>> weigh_classes(np.array([0, 0, 1]), np.array([0, 0, 1]), "balanced")
    array([0.75, 0.75, 1.5 ])
    """
    if class_weight == "none":
        return np.ones(len(label))
    of_trial = 1 / np.bincount(trial)[trial]
    of_class = 1 / np.bincount(label, of_trial, minlength=2)[label]
    weight = of_trial * of_class  # a class without rows has no weight to be used
    return np.asarray(weight / weight.mean())
