"""Scores as logits, which calibration and explanation work on."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from deepvanet.learners.learner import FittedLearner
from deepvanet.metrics import find_logit_of_mean
from deepvanet.store import Rows


@runtime_checkable
class GivesLogits(Protocol):
    """A fitted learner that knows the logits of its scores, unrounded."""

    def find_logits(self, rows: Rows) -> Float[np.ndarray, " row"]:
        """Return the logits of rows, at the chosen epoch."""


def measure_logits(fitted: FittedLearner, rows: Rows) -> Float[np.ndarray, " row"]:
    """Return the logit of each row's score."""
    if isinstance(fitted, GivesLogits):
        return fitted.find_logits(rows)
    return find_logit_of_mean(fitted.score(rows))
