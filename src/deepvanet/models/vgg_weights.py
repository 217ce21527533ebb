"""Weights of VGG-16, by the path of a safetensors file.

They are not shipped, since they have about 550 MB. Names are those of torchvision, from
``features.0.weight`` to ``classifier.3.bias``; the last layer, which names a class of
ImageNet, is not needed. Weights that others trained on faces do as well, if their
layers have these names. A narrower network of the same proportions is read, too.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from deepvanet.models.trunk_weights import UNREADABLE, VGG_16, VGG_FIRST, write_weights
from deepvanet.models.vgg16 import FIRST, Vgg16
from deepvanet.schema import UserError


@dataclass(frozen=True, eq=False)
class VggWeights:
    """What ``open_vgg`` takes.

    Attributes
    ----------
    tensors : mapping
        By name, as "features.0.weight".
    """

    tensors: Mapping[str, Tensor]

    @cached_property
    def digest(self) -> str:
        """A short name for the numbers, the same for either kind of file."""
        content = hashlib.sha256()
        for name, tensor in sorted(self.tensors.items()):
            content.update(name.encode())
            content.update(tensor.numpy().data)
        return content.hexdigest()[:16]


def read_vgg(path: Path) -> VggWeights:
    """Read a safetensors file, of others or of ``copy_vgg``.

    Raises
    ------
    UserError
        When it is none, or a layer is missing or of another shape.
    """
    try:
        with safe_open(path, framework="pt") as file:
            names = set(list_shapes(FIRST)).intersection(file.keys())
            held = {name: file.get_tensor(name) for name in names}
        return VggWeights(check_vgg(held))
    except UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path}: not the weights of VGG-16: {reason}") from None


def check_vgg(held: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of the network, in float32.

    Raises
    ------
    ValueError
        When one is missing, of another shape, or not finite.
    """
    first = held.get(VGG_FIRST)
    if first is None or first.ndim != 4 or not 1 <= len(first) <= FIRST:
        got = "none" if first is None else tuple(first.shape)
        raise ValueError(f"{VGG_FIRST} must have shape ({FIRST}, 3, 3, 3), got {got}")
    tensors = {}
    for name, shape in list_shapes(len(first)).items():
        tensor = held.get(name)
        got = "none" if tensor is None else tuple(tensor.shape)
        if tensor is None or tuple(tensor.shape) != shape:
            raise ValueError(f"{name} must have shape {shape}, got {got}")
        if not tensor.is_floating_point() or not tensor.isfinite().all():
            raise ValueError(f"{name} must hold finite numbers")
        tensors[name] = tensor.to(torch.float32).contiguous()
    return tensors


def list_shapes(first: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor, by its name.

    Parameters
    ----------
    first : int
        Maps of the first convolutions.
    """
    with torch.device("meta"):
        network = Vgg16(first)
    return {name: tuple(like.shape) for name, like in network.state_dict().items()}


def open_vgg(tensors: Mapping[str, Tensor]) -> Vgg16:
    """Return the network, ready to score; it shares the memory of the tensors."""
    with torch.device("meta"):
        network = Vgg16(len(tensors[VGG_FIRST]))
    network.load_state_dict(dict(tensors), assign=True)
    return network.requires_grad_(requires_grad=False).eval()


def copy_vgg(path: Path, weights: VggWeights) -> None:
    """Write the weights in our own format."""
    write_weights(path, weights.tensors, facts={"kind": VGG_16, "scale": "none"})
