"""VGG-16 up to its second dense layer: a picture to 4,096 numbers.

Simonyan and Zisserman (2015), arXiv 1409.1556: 13 convolutions of 3 x 3 in five blocks,
each with a pooling behind it, and dense layers; the last one, which names a class of
ImageNet, is left out. Layers are named and pictures are scaled as in torchvision, whose
weights are the usual ones.
"""

from jaxtyping import Float
from torch import Tensor, nn

SIDE = 224
"""Pixels of a picture along each side."""

FIRST = 64
"""Maps of the first convolutions; all else follows from it."""

BLOCKS = ((2, 1), (2, 2), (3, 4), (3, 8), (3, 8))
"""Convolutions of each block, and their maps, in those of the first."""

DENSE = 64
"""Units of a dense layer, in maps of the first convolutions: 4,096."""

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of red, green and blue in ImageNet, from 0 to 1: how pictures are scaled."""

_LAST_SIDE = SIDE // 2 ** len(BLOCKS)


class Vgg16(nn.Module):
    """Pictures from 0 to 1 to what the second dense layer gives, after its ReLU.

    Parameters
    ----------
    first : int
        Maps of the first convolutions; of VGG-16 64.

    Examples
    --------
    >>> import torch
    >>> Vgg16(first=1)(torch.zeros(2, 3, 224, 224)).shape
    torch.Size([2, 64])
    """

    def __init__(self, first: int = FIRST) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        n_maps = 3
        for n_layers, share in BLOCKS:
            for _ in range(n_layers):
                layers += [nn.Conv2d(n_maps, share * first, 3, padding=1), nn.ReLU()]
                n_maps = share * first
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        n_units = DENSE * first
        self.classifier = nn.Sequential(
            nn.Linear(n_maps * _LAST_SIDE**2, n_units),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(n_units, n_units),
            nn.ReLU(),
        )

    def forward(
        self, pictures: Float[Tensor, "picture 3 224 224"]
    ) -> Float[Tensor, "picture unit"]:
        """Return what is found in pictures, red, green and blue from 0 to 1."""
        mean = pictures.new_tensor(MEAN)[:, None, None]
        spread = pictures.new_tensor(SPREAD)[:, None, None]
        maps = self.features((pictures - mean) / spread)
        found: Tensor = self.classifier(maps.flatten(1))
        return found
