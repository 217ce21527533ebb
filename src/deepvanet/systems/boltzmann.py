"""Restricted Boltzmann machines of zeros and ones, by contrastive divergence.

Numbers between 0 and 1 are taken for the probability of a one. A step compares what
hidden units make of rows with what they make of the rows that a sample of them gives
back [1]_.

References
----------
.. [1] Hinton (2002). Training products of experts by minimizing contrastive divergence.
   Neural Computation 14, 1771-1800.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from deepvanet.learners.inputs import cut_batches

RATE = 0.1
START = 0.01
"""Deviation of weights at the start."""

_INSIDE = 0.01  # a mean is not taken for nearer to 0 or 1


@dataclass(frozen=True)
class Machine:
    """What a machine has learnt.

    Attributes
    ----------
    weight : tensor, shape (visible, hidden)
        Between units.
    visible_bias, hidden_bias : tensor
        Of units.
    """

    weight: Float[Tensor, "visible hidden"]
    visible_bias: Float[Tensor, " visible"]
    hidden_bias: Float[Tensor, " hidden"]

    def find_hidden(
        self, visible: Float[Tensor, "row visible"]
    ) -> Float[Tensor, "row hidden"]:
        """Return the probability that each hidden unit is one."""
        return torch.addmm(self.hidden_bias, visible, self.weight).sigmoid()

    def find_visible(
        self, hidden: Float[Tensor, "row hidden"]
    ) -> Float[Tensor, "row visible"]:
        """Return the probability that each visible unit is one."""
        return torch.addmm(self.visible_bias, hidden, self.weight.T).sigmoid()

    def learn(
        self,
        visible: Float[Tensor, "row visible"],
        chance: Float[Tensor, "row hidden"],
        rate: float = RATE,
    ) -> None:
        """Take a step, in place.

        Parameters
        ----------
        visible : tensor, shape (row, visible)
            A batch of rows.
        chance : tensor, shape (row, hidden)
            Evenly between 0 and 1: a unit is sampled as one where its probability is
            above it.
        rate : float
            How far the step goes along the mean over rows.
        """
        hidden = self.find_hidden(visible)
        given_back = self.find_visible((chance < hidden).to(hidden.dtype))
        again = self.find_hidden(given_back)
        pace = rate / len(visible)
        self.weight.addmm_(visible.T, hidden, alpha=pace)
        self.weight.addmm_(given_back.T, again, alpha=-pace)
        self.visible_bias.add_((visible - given_back).sum(dim=0), alpha=pace)
        self.hidden_bias.add_((hidden - again).sum(dim=0), alpha=pace)


@torch.no_grad()
def train_machine(
    rows: Float[Tensor, "row visible"],
    n_hidden: int,
    *,
    n_sweeps: int,
    batch_size: int,
    seed: int,
) -> Machine:
    """Train a machine on rows of numbers between 0 and 1.

    Parameters
    ----------
    rows : tensor, shape (row, visible)
        What the machine is to give back.
    n_hidden : int
        Units.
    n_sweeps : int
        Passes over all rows.
    batch_size : int
        Rows of a step.
    seed : int
        Of the order of rows. First weights and samples are torch's own.

    Returns
    -------
    Machine
        After the last sweep.
    """
    mean = rows.mean(dim=0).clamp(_INSIDE, 1 - _INSIDE)
    weight = torch.normal(0.0, START, (rows.shape[1], n_hidden))
    machine = Machine(weight, mean.logit(), torch.zeros(n_hidden))
    generator = np.random.default_rng(seed)
    for _ in range(n_sweeps):
        for index in cut_batches(len(rows), batch_size=batch_size, generator=generator):
            batch = rows[torch.from_numpy(index)]
            machine.learn(batch, torch.rand(len(index), n_hidden))
    return machine
