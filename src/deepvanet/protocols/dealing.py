"""Number the units of a table, and deal them into parts of equal size."""

import numpy as np
import pandas as pd
from jaxtyping import Int
from scipy.optimize import linear_sum_assignment

from deepvanet.protocols.units import columns_of


def number_units(table: pd.DataFrame, unit: str) -> Int[np.ndarray, " row"]:
    """Return each row's unit as a number from 0, in the order of identifiers."""
    number = np.zeros(len(table), dtype=np.int64)
    for column in columns_of(unit):
        code, names = pd.factorize(table[column], sort=True, use_na_sentinel=False)
        _, number = np.unique(number * len(names) + code, return_inverse=True)
    return number.astype(np.int64)


def deal_pure(
    stratum: Int[np.ndarray, " unit"], n_parts: int, rng: np.random.Generator
) -> Int[np.ndarray, " unit"]:
    """Deal like cards, stratum by stratum: parts differ by one in each and in all."""
    order = np.lexsort([rng.permutation(len(stratum)), stratum])
    part = np.empty(len(stratum), dtype=np.int64)
    part[order] = np.arange(len(stratum)) % n_parts
    return part


def deal_mixed(
    number: Int[np.ndarray, " row"],
    label: Int[np.ndarray, " row"],
    n_parts: int,
    rng: np.random.Generator,
) -> Int[np.ndarray, " unit"]:
    """Deal units that hold rows of several labels.

    In rounds of one unit a part, in random order; each round is matched so that
    the parts' rows of each label come out as even as that round allows.

    Parameters
    ----------
    number : array, shape (row,)
        Each row's unit, from 0.
    label : array, shape (row,)
        From 0.
    n_parts : int
        Parts that the units are divided into.
    rng : Generator
        Random order of the units.

    Returns
    -------
    array, shape (unit,)
        The part of each unit, from 0.
    """
    n_units = int(number.max()) + 1
    classes = range(max(2, int(label.max()) + 1))
    counts = np.stack(
        [np.bincount(number[label == c], minlength=n_units) for c in classes], axis=1
    )
    share = counts / np.maximum(counts.sum(axis=0), 1)
    held = np.zeros((n_parts, len(classes)))
    part = np.empty(n_units, dtype=np.int64)
    order = rng.permutation(n_units)
    for start in range(0, n_units, n_parts):
        sampled = order[start : start + n_parts]
        unit, taker = linear_sum_assignment(share[sampled] @ held.T)
        part[sampled[unit]] = taker
        held[taker] += share[sampled[unit]]
    return part
