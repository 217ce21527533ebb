"""EEGNet, the network that EEG papers compare themselves with.

Written from its paper: a temporal convolution, a depthwise one over channels, a
separable one, each with batch-norm; ELU, average pooling, dropout; one logit.

References
----------
.. [1] Lawhern et al. (2018). EEGNet: a compact convolutional neural network for
   EEG-based brain-computer interfaces. Journal of Neural Engineering 15, 056013.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from deepvanet.schema import Stream

POOLS = (4, 8)
MOST_NORM_SPATIAL, MOST_NORM_DENSE = 1.0, 0.25
"""Upper limits of the weights' norms, the paper's Table 2."""


class EEGNet(nn.Module):
    """EEGNet-8,2: from EEG to a logit.

    Parameters
    ----------
    n_channels, n_samples : int
        Of a segment.
    sfreq : float
        In Hz; the first kernels last half a second.
    n_filters, depth : int
        Temporal filters F1, and spatial filters of each, D.
    n_outputs : int
        Logits of a row.
    """

    def __init__(
        self,
        n_channels: int,
        n_samples: int,
        *,
        sfreq: float = 128.0,
        n_filters: int = 8,
        depth: int = 2,
        dropout: float = 0.5,
        n_outputs: int = 1,
    ) -> None:
        super().__init__()
        n_maps, kernel, short = n_filters * depth, round(sfreq / 2), round(sfreq / 8)
        self.temporal = _make_same(1, n_filters, kernel)
        self.temporal_norm = nn.BatchNorm2d(n_filters)
        self.spatial = nn.Conv2d(
            n_filters, n_maps, (n_channels, 1), groups=n_filters, bias=False
        )
        self.spatial_norm = nn.BatchNorm2d(n_maps)
        self.separable = _make_same(n_maps, n_maps, short, groups=n_maps)
        self.pointwise = nn.Conv2d(n_maps, n_maps, 1, bias=False)
        self.pointwise_norm = nn.BatchNorm2d(n_maps)
        self.dropout = nn.Dropout(dropout)
        n_features = n_maps * (n_samples // POOLS[0] // POOLS[1])
        self.dense = nn.Linear(n_features, n_outputs)

    def forward(
        self, inputs: Mapping[Stream, Float[Tensor, "batch channel time"]]
    ) -> Float[Tensor, " batch *output"]:
        """Return logits; of one output without an axis for it."""
        maps = self.temporal_norm(self.temporal(inputs[Stream.EEG].unsqueeze(1)))
        maps = F.elu(self.spatial_norm(self.spatial(maps)))
        maps = self.dropout(F.avg_pool2d(maps, (1, POOLS[0])))
        maps = self.pointwise_norm(self.pointwise(self.separable(maps)))
        maps = self.dropout(F.avg_pool2d(F.elu(maps), (1, POOLS[1])))
        logits: Tensor = self.dense(maps.flatten(1))
        return logits.squeeze(1) if logits.shape[1] == 1 else logits

    def limit_weights(self) -> None:
        """Bring weights back within the paper's limits, after a step of training."""
        _limit_norm(self.spatial.weight, MOST_NORM_SPATIAL)
        _limit_norm(self.dense.weight, MOST_NORM_DENSE)


def _make_same(n_in: int, n_out: int, kernel: int, *, groups: int = 1) -> nn.Sequential:
    """Make a convolution in time whose output is as long as its input."""
    return nn.Sequential(
        nn.ZeroPad2d(((kernel - 1) // 2, kernel // 2, 0, 0)),
        nn.Conv2d(n_in, n_out, (1, kernel), groups=groups, bias=False),
    )


@torch.no_grad()
def _limit_norm(weight: Tensor, most: float) -> None:
    """Shrink each filter whose norm is above a limit, as Keras' max-norm does."""
    weight.copy_(torch.renorm(weight, p=2, dim=0, maxnorm=most))
