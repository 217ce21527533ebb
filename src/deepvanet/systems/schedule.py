"""How the authors of a system trained its network, where the settings do not say."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import nn

from deepvanet.config import NetworkSettings


@dataclass(frozen=True)
class Schedule:
    """What a system's network is trained by.

    Attributes
    ----------
    epochs, batch_size : int
        Passes of training; examples of a step.
    learning_rate : float
        Of the optimiser.
    small_epochs : int
        Passes with ``--size small``.
    small_batch_size : int | None
        Examples of a step with ``--size small``, where they are fewer.
    optimizer : str
        ``adam``, ``rmsprop``, or ``sgd`` with momentum 0.9.
    weight_penalty : float
        The loss has this times half the sum of squares of all weights and biases.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    small_epochs: int
    optimizer: Literal["adam", "rmsprop", "sgd"] = "adam"
    weight_penalty: float = 0.0
    small_batch_size: int | None = None

    def settle(self, settings: NetworkSettings) -> NetworkSettings:
        """Return settings with the system's own values where none other were asked for.

        Epochs, batch size and learning rate that differ from the defaults of
        ``NetworkSettings`` were asked for, and stand.

        Examples
        --------
        >>> ours = Schedule(70, 200, learning_rate=1e-4, small_epochs=5)
        >>> ours.settle(NetworkSettings()).epochs
        70
        >>> ours.settle(NetworkSettings(epochs=3, size="small")).epochs
        3
        """
        usual = NetworkSettings()
        is_small = settings.size == "small"
        batch_size = self.small_batch_size if is_small else None
        own: dict[str, Any] = {
            "epochs": self.small_epochs if is_small else self.epochs,
            "batch_size": batch_size or self.batch_size,
            "learning_rate": self.learning_rate,
        }
        asked = {n for n in own if getattr(settings, n) != getattr(usual, n)}
        values = {name: value for name, value in own.items() if name not in asked}
        return replace(settings, **values)

    def make_optimizer(
        self, weights: Iterable[nn.Parameter], *, learning_rate: float
    ) -> torch.optim.Optimizer:
        """Return what steps the weights."""
        penalty = self.weight_penalty
        if self.optimizer == "adam":
            return torch.optim.Adam(weights, lr=learning_rate, weight_decay=penalty)
        if self.optimizer == "rmsprop":
            return torch.optim.RMSprop(
                weights, lr=learning_rate, alpha=0.9, weight_decay=penalty
            )
        return torch.optim.SGD(
            weights, lr=learning_rate, momentum=0.9, weight_decay=penalty
        )
