"""Let a network do without some of its streams, and train it to.

What is missing counts as zero: the features of an encoder none of whose streams are
there, and the input of an encoder that has at least one.
"""

from collections.abc import Collection, Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from deepvanet.models.feature_fusion import DeepVANet
from deepvanet.schema import Stream

Inputs = Mapping[Stream, Float[Tensor, "batch ..."]]


class StreamDropout(nn.Module):
    """A network that loses whole streams, row by row, while it is trained.

    Parameters
    ----------
    probability : float
        With which a row loses a stream; a row that would lose all keeps all.
    """

    def __init__(self, network: DeepVANet, probability: float) -> None:
        super().__init__()
        self.network = network
        self.probability = probability

    def forward(self, inputs: Inputs) -> Float[Tensor, " batch *output"]:
        """Return logits; without any loss in evaluation mode."""
        present = None
        if self.training:
            first = next(iter(inputs.values()))
            present = sample_present(
                self.network.streams, len(first), self.probability, first.device
            )
        logits: Float[Tensor, " batch *output"] = self.network(inputs, present)
        return logits


class PartialNetwork(nn.Module):
    """A network that is given some of its streams only.

    Parameters
    ----------
    available : collection of Stream
        What is there, in all rows.
    """

    def __init__(self, network: DeepVANet, available: Collection[Stream]) -> None:
        super().__init__()
        self.network = network
        self.available = frozenset(available)

    def forward(self, inputs: Inputs) -> Float[Tensor, " batch *output"]:
        """Return logits."""
        first = next(iter(inputs.values()))
        present = {
            stream: torch.full((len(first),), stream in self.available)
            for stream in self.network.streams
        }
        logits: Float[Tensor, " batch *output"] = self.network(inputs, present)
        return logits


def sample_present(
    streams: tuple[Stream, ...],
    n_rows: int,
    probability: float,
    device: torch.device | str = "cpu",
) -> dict[Stream, Bool[Tensor, " batch"]]:
    """Sample which streams each row keeps, from torch's generator.

    Parameters
    ----------
    streams : tuple of Stream
        The streams that a row can lose.
    n_rows : int
        Rows of the batch.
    probability : float
        With which a row loses a stream; a row that would lose all keeps all.
    device : torch.device or str
        Where the flags are put.

    Returns
    -------
    dict
        For each stream a tensor of shape (batch,), True where a row keeps it.
    """
    kept = torch.rand(n_rows, len(streams)) >= probability
    kept |= ~kept.any(dim=1, keepdim=True)
    kept = kept.to(device)
    return {stream: kept[:, place] for place, stream in enumerate(streams)}
