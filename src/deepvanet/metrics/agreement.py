"""How far predicted numbers agree with rated ones."""

import numpy as np
from jaxtyping import Float

from deepvanet.metrics.counts import Scores, divide

Case = Float[np.ndarray, " case"]


def measure_agreement(
    rated: Float[np.ndarray, " item"], predicted: Float[np.ndarray, " item"]
) -> dict[str, float]:
    """Compare numbers item by item.

    Returns
    -------
    dict
        ``ccc``: Lin's concordance correlation coefficient [1]_, 1 only where all
        numbers are equal, 0 for a constant prediction; ``rmse``: root of the mean
        squared difference, in the unit of the numbers; ``pearson``: correlation,
        NaN where either side is constant.

    References
    ----------
    .. [1] Lin (1989). A concordance correlation coefficient to evaluate
       reproducibility. Biometrics 45, 255-268.

    Examples
    --------
    >>> found = measure_agreement(np.array([1.0, 2.0, 3.0]), np.array([3.0, 4.0, 5.0]))
    >>> round(found["ccc"], 3), found["rmse"], round(found["pearson"], 3)
    (0.25, 2.0, 1.0)
    """
    rated, predicted = rated.astype(np.float64), predicted.astype(np.float64)
    shared = np.mean((rated - rated.mean()) * (predicted - predicted.mean()))
    apart = rated.var() + predicted.var() + (rated.mean() - predicted.mean()) ** 2
    spread = 0.0 if _is_constant(rated) or _is_constant(predicted) else rated.std()
    spread *= predicted.std()
    return {
        "ccc": float(2 * shared / apart) if apart else np.nan,
        "rmse": float(np.sqrt(np.mean((rated - predicted) ** 2))),
        "pearson": float(shared / spread) if spread else np.nan,
    }


def agree_by_moments(
    means: tuple[Case, Case], spreads: tuple[Case, Case], product: Case
) -> Scores:
    """Return CCC and Pearson of cases of which means are known.

    Parameters
    ----------
    means, spreads : tuple of array, shape (case,)
        Of what was rated and of what was predicted; variances are 0 where nothing
        varies.
    product : array, shape (case,)
        Mean of their products.
    """
    varies = (spreads[0] > 0) & (spreads[1] > 0)
    shared = np.where(varies, product - means[0] * means[1], 0.0)
    apart = spreads[0] + spreads[1] + (means[0] - means[1]) ** 2
    return {
        "ccc": divide(2 * shared, apart),
        "pearson": divide(shared, np.sqrt(spreads[0] * spreads[1])),
    }


def _is_constant(numbers: Float[np.ndarray, " item"]) -> bool:
    return bool(numbers.min() == numbers.max())
