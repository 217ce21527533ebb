"""How far a mean over subjects may be off, where subjects saw the same clips.

Twenty-two people who saw one clip are not twenty-two independent observations of it.
So the variance is that over subjects plus that over clips, each by a delete-one
jackknife [1]_: a subject is left out, and a clip is left out for all subjects. What
subject and clip have in common is in both sums, and nothing is subtracted for it:
the surplus stands for training sets that overlap [2]_. Intervals and p-values are
Student's, with the degrees of freedom of the rarer of the two.

Where clips are held out for all subjects, the surplus is too small: each clip trains
the models that test the others, so what two clips have in common by chance is in the
scores of both. There the variance over clips counts ``HELD_OUT`` times.

References
----------
.. [1] Efron and Stein (1981). The jackknife estimate of variance. Annals of
   Statistics 9, 586-596.
.. [2] Nadeau and Bengio (2003). Inference for the generalization error. Machine
   Learning 52, 239-281.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

LEAST_SUBJECTS = 6
"""Subjects, or people that have one label each, below whom there is no interval."""

LEAST_CLIPS = 8
"""Clips that subjects share, below which there is no interval."""

HELD_OUT = 2.0
"""How often the variance over clips counts where clips are held out for all subjects.

Without information, a clip's score is a sum over the other clips, of which each term
belongs to a pair: so every term is in two scores, and the variance of the sum of scores
is twice the sum of their variances. Signs of such sums (calls) are correlated by 2 / pi
of that, 1.6 times; simulations gave 1.6 to 2."""

LEVEL = 0.05
POWER = 0.8
_ROUNDING = 1e-12  # a smaller variance is that of sums in another order


@dataclass(frozen=True)
class Spread:
    """How far a mean may be off.

    Attributes
    ----------
    variance : float
        Of the mean; NaN where subjects or clips are too few.
    n_subjects, n_clips : int
        That were left out in turn; no clips where none is shared.
    """

    variance: float
    n_subjects: int
    n_clips: int

    @property
    def freedom(self) -> int:
        """Degrees of freedom."""
        return min(self.n_subjects, self.n_clips or self.n_subjects) - 1

    @property
    def is_known(self) -> bool:
        """Whether there is an interval."""
        return bool(np.isfinite(self.variance))

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        return float(np.sqrt(self.variance))


def find_spread(
    values: Float[np.ndarray, " subject"],
    without: Float[np.ndarray, "subject clip"] | None = None,
    *,
    clips_held_out: bool = False,
) -> Spread:
    """Find the variance of the mean of ``values``.

    Parameters
    ----------
    values : array, shape (subject,)
        A score of each subject, or a difference of two.
    without : array, shape (subject, clip), optional
        The same with each clip left out; NaN where the rest has one class. Only
        clips that some of the subjects saw; None where no clip is shared.

    Examples
    --------
    Alone, subjects have the standard error of any mean:

    >>> values = np.array([0.4, 0.5, 0.5, 0.6, 0.7, 0.9])
    >>> bool(np.isclose(find_spread(values).error, values.std(ddof=1) / np.sqrt(6)))
    True
    >>> find_spread(values[:5]).is_known
    False
    """
    n_subjects = len(values)
    n_clips = 0 if without is None else without.shape[1]
    if n_subjects < LEAST_SUBJECTS or 0 < n_clips < LEAST_CLIPS:
        return Spread(float("nan"), n_subjects, n_clips)
    variance = float(values.var(ddof=1) / n_subjects)
    if without is not None:
        times = HELD_OUT if clips_held_out else 1.0
        variance += times * jackknife(mean_known(without))
    return Spread(variance, n_subjects, n_clips)


def jackknife(without: Float[np.ndarray, " left_out"]) -> float:
    """Return the variance of an estimate from those with each unit left out.

    Examples
    --------
    Of a mean it is the variance over units by their number:

    >>> values = np.array([1.0, 2.0, 6.0])
    >>> without = (values.sum() - values) / 2
    >>> bool(np.isclose(jackknife(without), values.var(ddof=1) / 3))
    True
    """
    known = without[~np.isnan(without)]
    n = len(known)
    return float((n - 1) * known.var()) if n > 1 else float("nan")


def find_interval(mean: float, spread: Spread) -> tuple[float, float]:
    """Return the 95 % interval of a mean; NaN where there is none."""
    if not spread.is_known:
        return float("nan"), float("nan")
    reach = float(stats.t.isf(LEVEL / 2, spread.freedom)) * spread.error
    return mean - reach, mean + reach


def find_p_above(mean: float, spread: Spread, *, chance: float) -> float:
    """Return the one-sided p-value that a mean is above chance; NaN where unknown."""
    return _test(mean - chance, spread)


def find_p_unequal(difference: float, spread: Spread) -> float:
    """Return the two-sided p-value of a mean difference; NaN where unknown."""
    return 2 * _test(abs(difference), spread)


def find_smallest_visible(spread: Spread) -> float:
    """Return the mean difference that is found four times in five; NaN where unknown.

    Examples
    --------
    Of differences with a deviation of 8 points, 22 subjects show 5:

    >>> round(find_smallest_visible(Spread(8.0**2 / 22, 22, 0)), 1)
    5.0
    """
    if not spread.is_known:
        return float("nan")
    reach = stats.t.isf(LEVEL / 2, spread.freedom) + stats.t.isf(
        1 - POWER, spread.freedom
    )
    return float(reach * spread.error)


def _test(above: float, spread: Spread) -> float:
    if not (spread.is_known and np.isfinite(above)):
        return float("nan")
    if spread.variance < _ROUNDING**2:
        return 0.0 if above > _ROUNDING else 0.5
    return float(stats.t.sf(above / spread.error, spread.freedom))


def mean_known(
    values: Float[np.ndarray, "subject clip"],
) -> Float[np.ndarray, " clip"]:
    """Return the mean over the subjects for whom a value is defined."""
    known = ~np.isnan(values)
    total = np.nan_to_num(values).sum(axis=0)
    means = np.full(values.shape[1], np.nan)
    np.divide(total, known.sum(axis=0), out=means, where=known.any(axis=0))
    return means
