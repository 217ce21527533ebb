"""Whether a score of 0.7 comes true seven times in ten.

Scores are put into bins of equally many, since most crowd in a few places. The
expected calibration error is the mean distance between a bin's mean score and its
fraction of high ones, each bin by its size.

References
----------
.. [1] Naeini, Cooper and Hauskrecht (2015). Obtaining well calibrated probabilities
   using Bayesian binning. AAAI 29, 2901-2907.
.. [2] Guo, Pleiss, Sun and Weinberger (2017). On calibration of modern neural
   networks. ICML 34, 1321-1330.
"""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy.optimize import minimize_scalar

N_BINS = 10
COOLEST, HOTTEST = 0.5, 20.0
"""Bounds of a temperature: few trials may be told apart by luck, or not at all."""


def measure_calibration(
    label: Int[np.ndarray, " item"],
    score: Float[np.ndarray, " item"],
    *,
    n_bins: int = N_BINS,
) -> pd.DataFrame:
    """Return a row a bin: mean_score, fraction_high, n; in the order of scores.

    Equal scores are never parted, so there may be fewer bins than asked for.

    Examples
    --------
    >>> label, score = np.array([0, 1, 1, 1]), np.array([0.2, 0.2, 0.9, 0.9])
    >>> measure_calibration(label, score, n_bins=2).values.tolist()
    [[0.2, 0.5, 2.0], [0.9, 1.0, 2.0]]
    """
    edges = np.quantile(score, np.linspace(0, 1, n_bins + 1))
    place = np.searchsorted(edges[1:-1], score, side="left")
    table = pd.DataFrame({"place": place, "score": score, "label": label})
    bins = table.groupby("place").agg(
        mean_score=("score", "mean"),
        fraction_high=("label", "mean"),
        n=("score", "size"),
    )
    return bins.reset_index(drop=True)


def find_calibration_error(bins: pd.DataFrame) -> float:
    """Return the expected calibration error of ``measure_calibration``'s bins."""
    distance = (bins["mean_score"] - bins["fraction_high"]).abs()
    return float(np.average(distance, weights=bins["n"]))


def fit_temperature(
    logit: Float[np.ndarray, " item"], label: Int[np.ndarray, " item"]
) -> float:
    """Return what logits are divided by, so that their sigmoid comes true [2]_.

    It minimises the log loss, between ``COOLEST`` and ``HOTTEST``.
    """
    found = minimize_scalar(
        lambda log: measure_log_loss(logit / np.exp(log), label),
        bounds=(np.log(COOLEST), np.log(HOTTEST)),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))


def measure_log_loss(
    logit: Float[np.ndarray, " item"], label: Int[np.ndarray, " item"]
) -> float:
    """Return the mean negative log likelihood of labels.

    Examples
    --------
    >>> round(measure_log_loss(np.zeros(2), np.array([0, 1])), 4)
    0.6931
    """
    return float(np.mean(np.logaddexp(0, logit) - label * logit))
