"""An extreme learning machine: a random hidden layer, and least squares after it.

References
----------
.. [1] Huang, Zhu and Siew (2006). Extreme learning machine: theory and applications.
   Neurocomputing 70, 489-501.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.special import expit

LEAST = 1e-3
"""Added to the squares of hidden units, in shares of a trial: where there are more
units than trials, the smallest weights are taken."""

Inputs = Float64[np.ndarray, "row input"]
Outputs = Float64[np.ndarray, "row output"]


@dataclass(frozen=True)
class LearningMachine:
    """A fitted machine.

    Attributes
    ----------
    weight, bias : array, shapes (input, unit) and (unit,)
        Of the hidden layer; random.
    output : array, shape (unit, output)
        Fitted.
    """

    weight: Float64[np.ndarray, "input unit"]
    bias: Float64[np.ndarray, " unit"]
    output: Float64[np.ndarray, "unit output"]

    def predict(self, inputs: Inputs) -> Outputs:
        """Return outputs of inputs from -1 to 1."""
        return np.asarray(expit(inputs @ self.weight + self.bias) @ self.output)


def fit_machine(
    inputs: Inputs,
    wanted: Outputs,
    weight: Float64[np.ndarray, " row"],
    *,
    n_units: int,
    seed: int,
) -> LearningMachine:
    """Fit a machine.

    Parameters
    ----------
    inputs : array, shape (row, input)
        From -1 to 1.
    wanted : array, shape (row, output)
        What outputs should be.
    weight : array, shape (row,)
        What each row counts; their mean is one.
    n_units : int
        Hidden ones.
    seed : int
        Of the hidden layer; a larger one begins with the units of a smaller one.

    Returns
    -------
    LearningMachine
        With random hidden units and fitted outputs.
    """
    rng, n_inputs = np.random.default_rng(seed), inputs.shape[1]
    sampled = rng.uniform(-1, 1, (n_units, n_inputs + 1))
    # what reaches a unit has a deviation of about one, however many inputs there are
    hidden = np.sqrt(3 / n_inputs) * sampled[:, :-1].T
    units = expit(inputs @ hidden + sampled[:, -1])
    squares = (units * weight[:, None]).T @ units
    squares[np.diag_indices(n_units)] += LEAST
    output = np.linalg.solve(squares, (units * weight[:, None]).T @ wanted)
    return LearningMachine(np.ascontiguousarray(hidden), sampled[:, -1].copy(), output)
