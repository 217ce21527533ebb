"""What the field calculates of paired differences; descriptions, not verdicts.

Flipped signs and ranks take subjects for independent, though they saw the same clips:
where predictions follow the clip, two learners that are equally good differ by them in
four runs of ten. The t-test over folds knows that their training rows overlap, not
that a subject's trials are one sample.

References
----------
.. [1] Nadeau and Bengio (2003). Inference for the generalization error. Machine
   Learning 52, 239-281.
"""

from itertools import product
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy import stats

EXACT_UP_TO = 12
"""Differences whose signs are all tried, 4096 ways, and not sampled."""

EXACT_RANKS_UP_TO = 50

_DIGITS = 12  # differences nearer to each other are equal
_ROUNDING = 1e-12  # the same sum in another order may differ by this much

Differences = Float[np.ndarray, " unit"]


def flip_signs(
    differences: Differences, *, n_signs: int = 10_000, seed: int = 0
) -> float:
    """Return the two-sided p-value of the mean when signs are flipped at random.

    All ways are tried where there are at most 12 differences; otherwise the
    observed way counts among the sampled ones.

    Examples
    --------
    >>> flip_signs(np.array([1.0, 2.0, 3.0, 4.0]))
    0.125
    """
    n_units = len(differences)
    if n_units == 0:
        return float("nan")
    if n_units <= EXACT_UP_TO:
        signs = np.array(list(product([-1.0, 1.0], repeat=n_units)))
        n_extra = 0
    else:
        rng = np.random.default_rng(seed)
        signs = rng.choice([-1.0, 1.0], size=(n_signs, n_units))
        n_extra = 1
    flipped = np.abs(signs @ differences) / n_units
    n_above = int(np.sum(flipped >= abs(differences.mean()) - _ROUNDING))
    return (n_above + n_extra) / (len(signs) + n_extra)


def rank_signs(differences: Differences) -> float:
    """Return Wilcoxon's two-sided p-value; zeros are split (Pratt), 1 if all are.

    Examples
    --------
    >>> rank_signs(np.array([1.0, 2.0, 3.0, 4.0]))
    0.125
    """
    if len(differences) == 0:
        return float("nan")
    differences = differences.round(_DIGITS)
    if not differences.any():
        return 1.0
    method: Literal["exact", "approx"] = "approx"
    if _has_exact_ranks(differences):
        method = "exact"
    result = stats.wilcoxon(differences, zero_method="pratt", method=method)
    return float(result.pvalue)


def _has_exact_ranks(differences: Differences) -> bool:
    sizes = np.abs(differences)
    distinct = len(np.unique(sizes)) == len(sizes)
    return distinct and bool(sizes.all()) and len(sizes) <= EXACT_RANKS_UP_TO


def compare_folds(differences: Differences, *, test_by_train: float) -> float:
    """Return the two-sided p-value of Nadeau and Bengio's corrected t-test.

    Parameters
    ----------
    differences : array, shape (unit,)
        Of each fold, of all repetitions.
    test_by_train : float
        Test rows by training rows of a fold: 1/9 in tenfold cross-validation.
    """
    n_folds = len(differences)
    if n_folds < 2:
        return float("nan")
    variance = differences.var(ddof=1) * (1 / n_folds + test_by_train)
    if variance == 0:
        return 1.0 if differences.mean() == 0 else 0.0
    t = differences.mean() / np.sqrt(variance)
    return float(2 * stats.t.sf(abs(t), n_folds - 1))
