"""Beside what a bundle's scores stand: the prior of the protocol, on the same folds.

A prior reads no signal but knows what training and test share, as the clip or the
subject. A score means something only above it.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from deepvanet.config import NetworkSettings
from deepvanet.learners.priors import make_prior
from deepvanet.metrics import measure
from deepvanet.metrics.jackknife import find_interval, find_p_unequal
from deepvanet.protocols import PROTOCOLS
from deepvanet.store import Rows


@dataclass(frozen=True)
class PriorMargin:
    """By how much a headline exceeds that of the protocol's own prior.

    Attributes
    ----------
    name : str
        The prior.
    score : float | None
        Its headline on the same trials; None where it is undefined.
    difference, ci_low, ci_high, p_value : float | None
        Paired over subjects; p is two-sided, and not corrected. None where subjects or
        clips are too few.
    """

    name: str
    score: float | None
    difference: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None


def fit_prior(
    protocol: str, train: Rows, test: Rows
) -> Float[np.ndarray, "row *class"]:
    """Return what the prior of an honest protocol says of test rows."""
    prior = make_prior(PROTOCOLS[protocol].prior, NetworkSettings(), 0)
    return prior.fit(train).score(test)


def measure_margin(
    predictions: pd.DataFrame, prior: pd.DataFrame, metric: str, name: str
) -> PriorMargin:
    """Compare predictions of trials with those of a prior, as ``evaluate`` does.

    Parameters
    ----------
    predictions, prior : DataFrame
        Predictions of the same trials.
    metric : str
        What is compared.
    name : str
        Of the prior.

    Returns
    -------
    PriorMargin
        The difference of means over subjects, with its interval and p-value.
    """
    ours, theirs = (measure(rows, "trial")[metric] for rows in (predictions, prior))
    found = ours.minus(theirs)
    low, high = find_interval(found.mean, found.spread)
    p_value = find_p_unequal(found.mean, found.spread)
    numbers = (theirs.mean, found.mean, low, high, p_value)
    return PriorMargin(name, *map(_write, numbers))


def _write(value: Any) -> float | None:
    """Return a number as JSON can hold it."""
    return float(value) if math.isfinite(value) else None
