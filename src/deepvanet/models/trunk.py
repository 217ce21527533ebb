"""The three convolutions over single images, each with a pooling and a ReLU."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from deepvanet.models.kernels import convolve_pool_relu

LAYERS = ((32, 0), (64, 0), (128, 1))
"""Maps and padding of the three 3x3 convolutions over an image."""

IMAGES_AT_ONCE = 16
"""So few go through all layers while they lie in the cache; the fastest of 4 to 64.

A constant, since the last digits change with it.
"""

POOL, STRIDE = 3, 2


class Trunk(nn.Sequential):
    """Images to maps: (3, 64, 64) to (128, 6, 6).

    Pooling stands before the ReLU: the two commute, and it is then computed on a
    quarter of the numbers.
    """

    def __init__(self, n_colours: int = 3) -> None:
        layers: list[nn.Module] = []
        n_maps = n_colours
        for n_next, padding in LAYERS:
            layers += [
                nn.Conv2d(n_maps, n_next, 3, padding=padding),
                nn.MaxPool2d(POOL, stride=STRIDE),
                nn.ReLU(),
            ]
            n_maps = n_next
        super().__init__(*layers)

    def forward(
        self, images: Float[Tensor, "image colour height width"]
    ) -> Float[Tensor, "image map row column"]:
        """Return the maps of each image."""
        if images.device.type != "cpu":
            for layer in self:
                images = layer(images)
            return images
        # colours innermost, as images lie in memory: 1.4 times as fast on a CPU
        maps = images.contiguous(memory_format=torch.channels_last)
        for layer in self:
            if isinstance(layer, nn.Conv2d):
                maps = convolve_pool_relu(layer, maps, size=POOL, stride=STRIDE)
        return maps


def shrink(side: int) -> int:
    """Return the height or width of the maps of an image of this size."""
    for _, padding in LAYERS:
        convolved = side + 2 * padding - 2
        side = (convolved - POOL) // STRIDE + 1
    return side
