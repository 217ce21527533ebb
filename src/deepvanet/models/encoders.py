"""Encoders: one second of one kind of input, to a short feature vector.

An encoder is built from the shapes of the streams that it reads and called with
their tensors, so a network need not know which encoder reads how many streams.
Layers and sizes are the paper's (section 2.1).
"""

import math
from collections import OrderedDict

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from deepvanet.models.convlstm import ConvLSTM
from deepvanet.models.trunk import IMAGES_AT_ONCE, LAYERS, Trunk, shrink

BIO_LAYERS = ((24, 5), (16, 3), (8, 3))
"""Maps and kernel length of the three convolutions over time."""

MOST_IMAGES = 720
"""Of a batch, of which all that a gradient needs is kept: about 1.5 MB for each.

A constant, as the size of a part, since the last digits change with both.
"""
IMAGES_OF_A_PART = 320

PRETRAINING_UNITS = 1000
"""Units between the maps of one image and what is said of it."""


class FaceEncoder(nn.Module):
    """Images of a face, in order, to one feature vector.

    Parameters
    ----------
    shape : tuple of int
        Frames, colours, height and width of a clip; any number of frames works.
    n_features : int
        Length of the feature vector, the paper's lambda 1.
    precision : str
        ``float32``; or ``bfloat16`` for what goes into convolutions and comes out,
        while weights, sums and the memory's cell stay float32.

    Attributes
    ----------
    trunk : nn.Sequential
        The convolutions over single images, which a pretraining may fill.
    center, spread : buffers, shapes (colours, height, width) and ()
        Subtracted from every image, and its divisor: 0 and 1, as published, until
        ``scale_faces`` says otherwise.
    """

    center: Tensor
    spread: Tensor

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        n_features: int = 16,
        precision: str = "float32",
    ) -> None:
        super().__init__()
        self.in_bfloat16 = precision == "bfloat16"
        _, n_colours, *sides = shape
        self.register_buffer("center", torch.zeros(n_colours, *sides))
        self.register_buffer("spread", torch.ones(()))
        n_maps = LAYERS[-1][0]
        self.trunk = Trunk(n_colours)
        self.memory = ConvLSTM(n_maps, n_maps)
        self.linear = nn.Linear(n_maps * math.prod(map(shrink, sides)), n_features)
        # as convolutions read them on a CPU: nothing is turned at each call
        for kernel in [w for w in self.parameters() if w.ndim == 4]:
            kernel.data = kernel.data.contiguous(memory_format=torch.channels_last)

    def round_weights(self) -> None:
        """Round weights as each call would, so that none has to; for scoring only."""
        if self.in_bfloat16:
            for layer in self.modules():
                if isinstance(layer, nn.Conv2d | nn.Linear):
                    layer.to(torch.bfloat16)

    def scale_faces(
        self, center: Float[np.ndarray, "colour height width"], spread: float
    ) -> None:
        """Let every image be taken relative to a mean image.

        Images of one subject are alike but for an expression. What they have in
        common moves all features together, and hides what distinguishes them.
        """
        self.center.copy_(torch.from_numpy(center))
        self.spread.fill_(spread)

    def forward(
        self, clip: Float[Tensor, "batch frame colour height width"]
    ) -> Float[Tensor, "batch feature"]:
        """Encode clips with pixels in [0, 1]."""
        with torch.autocast(clip.device.type, torch.bfloat16, enabled=self.in_bfloat16):
            return self._encode_parts(clip).to(clip.dtype)

    def _encode_parts(
        self, clip: Float[Tensor, "batch frame colour height width"]
    ) -> Float[Tensor, "batch feature"]:
        """Encode many images a part at a time, what lies between computed twice.

        A clip's features depend on it alone, so parts give what the whole batch does.
        """
        n_clips, n_frames = clip.shape[:2]
        is_small = n_clips * n_frames <= MOST_IMAGES
        if is_small or clip.device.type != "cpu" or not torch.is_grad_enabled():
            return self._encode(clip)
        n_parts = -(-n_clips * n_frames // IMAGES_OF_A_PART)
        parts = [
            checkpoint(
                self._encode, part, use_reentrant=False, preserve_rng_state=False
            )
            for part in clip.chunk(n_parts)
        ]
        return torch.cat(parts)

    def _encode(
        self, clip: Float[Tensor, "batch frame colour height width"]
    ) -> Float[Tensor, "batch feature"]:
        # frame by frame, as the memory takes them
        images = clip.transpose(0, 1).flatten(0, 1)
        maps = torch.cat(
            [self._map(few) for few in torch.split(images, IMAGES_AT_ONCE)]
        )
        frames = torch.unflatten(maps, 0, (clip.shape[1], clip.shape[0]))
        features: Tensor = self.linear(self.memory(frames.transpose(0, 1)).flatten(1))
        return features

    def _map(
        self, images: Float[Tensor, "image colour height width"]
    ) -> Float[Tensor, "image map row column"]:
        maps: Tensor = self.trunk((images - self.center) / self.spread)
        return maps


class BioEncoder(nn.Module):
    """Signals, their channels side by side, to one feature vector.

    Parameters
    ----------
    *shapes : tuple of int
        Channels and samples of each stream; all have as many samples.
    n_features : int
        Length of the feature vector, the paper's lambda 2.
    """

    def __init__(self, *shapes: tuple[int, ...], n_features: int = 64) -> None:
        super().__init__()
        n_maps, n_samples = sum(n_channels for n_channels, _ in shapes), shapes[0][1]
        layers: list[nn.Module] = []
        for n_next, kernel_size in BIO_LAYERS:
            layers += [
                nn.Conv1d(n_maps, n_next, kernel_size),
                nn.BatchNorm2d(n_next),
                nn.ReLU(inplace=True),
            ]
            n_maps, n_samples = n_next, n_samples - kernel_size + 1
        self.layers = nn.Sequential(*layers)
        self.linear = nn.Linear(n_maps * n_samples, n_features)

    def forward(
        self, *signals: Float[Tensor, "batch _ time"]
    ) -> Float[Tensor, "batch feature"]:
        """Encode the streams, in the order of the shapes."""
        # as images one sample high, channels innermost: 1.5 times as fast on a CPU
        by_time = torch.cat([one.transpose(1, 2) for one in signals], dim=2)
        maps = by_time.unsqueeze(1).permute(0, 3, 1, 2)
        for layer in self.layers:
            if isinstance(layer, nn.Conv1d):
                maps = F.conv2d(maps, layer.weight.unsqueeze(2), layer.bias)
            else:
                maps = layer(maps)
        weight = self.linear.weight
        by_map = weight.view(len(weight), maps.shape[1], -1)
        features: Tensor = F.linear(
            maps.permute(0, 2, 3, 1).flatten(1),
            by_map.transpose(1, 2).flatten(1),
            self.linear.bias,
        )
        return features


class FeatureEncoder(nn.Module):
    """Features of steps, made elsewhere, to one feature vector: of their mean.

    Parameters
    ----------
    shape : tuple of int
        Features and steps; any number of steps works.
    n_features : int
        Length of the feature vector.
    """

    def __init__(self, shape: tuple[int, ...], *, n_features: int = 64) -> None:
        super().__init__()
        self.linear = nn.Linear(shape[0], n_features)

    def forward(
        self, features: Float[Tensor, "batch _ step"]
    ) -> Float[Tensor, "batch feature"]:
        """Encode features, scaled."""
        encoded: Tensor = self.linear(features.mean(dim=2))
        return encoded


def build_pretraining(size: int = 64, *, n_outputs: int = 2) -> nn.Sequential:
    """Build the trunk with the head that it is pretrained with on single images.

    Parameters
    ----------
    size : int
        Height and width of an image.

    Examples
    --------
    >>> build_pretraining()(torch.zeros(5, 3, 64, 64)).shape
    torch.Size([5, 2])
    """
    n_features = LAYERS[-1][0] * shrink(size) ** 2
    head = nn.Sequential(
        nn.Flatten(),
        nn.Linear(n_features, PRETRAINING_UNITS),
        nn.ReLU(),
        nn.Linear(PRETRAINING_UNITS, n_outputs),
    )
    return nn.Sequential(OrderedDict(trunk=Trunk(), head=head))
