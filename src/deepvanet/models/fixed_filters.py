"""Three convolutions whose weights are random, the same everywhere and never learnt.

They stand where a network is wanted that was trained on photographs and is missing:
what they give of an image keeps its levels and edges, at half the size each time.
"""

from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

SIDE = 32
"""Pixels of an image along each side."""

WIDTHS = (16, 32, 64)
"""Maps of the three 3 x 3 convolutions; each is followed by a ReLU and a pooling."""

N_NUMBERS = WIDTHS[-1] * (SIDE // 2 ** len(WIDTHS)) ** 2
"""That are found in an image: 64 maps of 4 x 4."""

_SEED = 0


class FixedFilters(nn.Sequential):
    """Images of three colours to 1,024 numbers.

    Examples
    --------
    >>> FixedFilters()(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 1024])
    """

    def __init__(self) -> None:
        rng, n_maps = np.random.default_rng(_SEED), 3
        layers: list[nn.Module] = []
        for n_next in WIDTHS:
            layer = nn.Conv2d(n_maps, n_next, 3, padding=1, bias=False)
            # as large as keeps the deviation of what passes a ReLU
            spread = np.sqrt(2 / (9 * n_maps))
            sampled = rng.normal(0, spread, (n_next, n_maps, 3, 3)).astype(np.float32)
            layer.weight = nn.Parameter(torch.from_numpy(sampled), requires_grad=False)
            layers += [layer, nn.ReLU(), nn.MaxPool2d(2)]
            n_maps = n_next
        super().__init__(*layers, nn.Flatten())

    def forward(
        self, images: Float[Tensor, "image colour height width"]
    ) -> Float[Tensor, "image number"]:
        """Return what is found in images, from 0 to 1."""
        maps = images
        for layer in self:
            maps = layer(maps)
        return maps


@cache
def load_filters() -> FixedFilters:
    """Return the filters, built once."""
    return FixedFilters()
