"""What p-values become where a run tried several things at once.

References
----------
.. [1] Holm (1979). A simple sequentially rejective multiple test procedure.
   Scandinavian Journal of Statistics 6, 65-70.
.. [2] Westfall and Young (1993). Resampling-based multiple testing. Wiley.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

LEAST_PERMUTATIONS = 199
PERMUTATIONS_OF_A_TEST = 40
"""So many a test, so that the least p-value times the tests stays below .025."""

_ROUNDING = 1e-8  # tables of permutations have nine digits


def count_permutations(n_tests: int) -> int:
    """Return how many permutations a run of so many tests needs.

    Examples
    --------
    >>> count_permutations(3), count_permutations(8)
    (199, 320)
    """
    return max(LEAST_PERMUTATIONS, PERMUTATIONS_OF_A_TEST * n_tests)


def find_p_value(observed: float, null: Float[np.ndarray, " permutation"]) -> float:
    """Return how often a score is at least as high, the observed one among them.

    Permutations without a score do not count; without any, or without an observed
    score, there is no p-value.

    Examples
    --------
    >>> find_p_value(0.6, np.array([0.4, 0.5, 0.6, float("nan")]))
    0.5
    """
    known = null[~np.isnan(null)]
    if not len(known) or np.isnan(observed):
        return float("nan")
    n_above = int(np.sum(known >= observed - _ROUNDING))
    return (1 + n_above) / (1 + len(known))


def correct_by_maximum(
    observed: Float[np.ndarray, " test"], null: Float[np.ndarray, "test permutation"]
) -> Float[np.ndarray, " test"]:
    """Return p-values of each test against the largest of all, in each permutation.

    Each test is first brought to zero mean and unit deviation over the permutations and
    the observed score, since protocols have another chance each. All tests must
    have been permuted alike. Permutations that lack a test do not count.

    Examples
    --------
    Of two tests, the second alone stands out:

    >>> null = np.array([[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]])
    >>> correct_by_maximum(np.array([0.25, 0.9]), null).tolist()
    [0.8, 0.2]
    """
    null = null[:, ~np.isnan(null).any(axis=0)]
    both = np.concatenate([observed[:, None], null], axis=1)
    deviation = both.std(axis=1, keepdims=True)
    center = both.mean(axis=1, keepdims=True)
    scaled = (both - center) / np.where(deviation > _ROUNDING, deviation, 1.0)
    largest = scaled.max(axis=0)
    n_above = (largest[None, 1:] >= scaled[:, :1] - _ROUNDING).sum(axis=1)
    return np.asarray((1 + n_above) / (1 + null.shape[1]))


def correct_by_holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for how many there are; missing ones do not count.

    Examples
    --------
    >>> correct_by_holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p_values, dtype=float)
    known = np.flatnonzero(~np.isnan(values))
    corrected = np.full(len(values), np.nan)
    order = known[np.argsort(values[known], kind="stable")]
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * values[place]))
        corrected[place] = largest
    return [float(value) for value in corrected]
