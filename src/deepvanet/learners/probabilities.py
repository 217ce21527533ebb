"""Scores as logits, which calibration works on; of other goals, as they are."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from deepvanet.learners.learner import FittedLearner
from deepvanet.metrics import find_logit_of_mean
from deepvanet.schema import Goal, UserError
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


def measure_outputs(
    fitted: FittedLearner, rows: Rows, goal: Goal
) -> Float[np.ndarray, " row *class"]:
    """Return logits of high-low, probabilities of classes, or ratings.

    Raises
    ------
    UserError
        When the learner was fitted for another goal.
    """
    if goal.kind == "high-low":
        found = measure_logits(fitted, rows)
    else:
        found = fitted.score(rows)
    shape = (len(rows), goal.n_outputs) if goal.kind == "classes" else (len(rows),)
    if found.shape != shape:
        raise UserError(
            f"the fitted learner predicts {found.shape[1:] or 'one number'} a segment, "
            f"but the bundle says {goal.kind} of {goal.n_outputs}"
        )
    return found
