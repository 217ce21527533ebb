"""Networks on disk: weights as safetensors, how to rebuild them as JSON.

The files, in a folder that may hold others::

    FOLDER/network.json         the arguments of ``build_network``
           network.safetensors  every weight and running mean, by name
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from deepvanet.documents import Known, build, read_json
from deepvanet.fields import MAY_LACK, About
from deepvanet.files import whole_file, write_text
from deepvanet.models.feature_fusion import DeepVANet, build_network
from deepvanet.schema import Kind, Stream, UserError, quote

FORMAT = "deepvanet-network-1"
AXES: Mapping[Kind, int] = {"images": 4, "signal": 2, "features": 2}
"""Frames, colours, height and width of a face; channels and samples of signals,
features and steps."""

Network = TypeVar("Network", bound=nn.Module)
Length = Annotated[int, About("Of an axis.", least=1, most=2**20)]

_UNBUILDABLE = (ValueError, TypeError, OverflowError, ZeroDivisionError)
"""What a network of an impossible shape ends in."""


@dataclass(frozen=True)
class Architecture:
    """The arguments of ``build_network``."""

    shapes: Mapping[Stream, tuple[Length, ...]]
    face_features: Annotated[int, About("Of a face.", least=1, most=9999)] = 16
    bio_features: Annotated[int, About("Of signals.", least=1, most=9999)] = 64
    dropout: Annotated[float, About("A probability.", least=0, most=1)] = 0.5
    precision: Annotated[str, Known(("float32", "bfloat16"))] = "float32"
    n_outputs: Annotated[int, About("Of a row.", least=1, most=1000), MAY_LACK] = 1

    def __post_init__(self) -> None:
        for stream, shape in self.shapes.items():
            if len(shape) != AXES[stream.spec.kind]:
                raise UserError(
                    f"needs {AXES[stream.spec.kind]} lengths, got {quote(shape)}",
                    field=f"shapes.{stream}",
                )

    def build(self) -> DeepVANet:
        """Build the network with fresh weights."""
        return build_network(
            self.shapes,
            face_features=self.face_features,
            bio_features=self.bio_features,
            dropout=self.dropout,
            precision=self.precision,
            n_outputs=self.n_outputs,
        )


def write_network(folder: Path, network: DeepVANet, architecture: Architecture) -> None:
    """Write a network into a folder that exists."""
    weights = {name: w.contiguous() for name, w in network.state_dict().items()}
    with whole_file(folder / "network.safetensors") as unfinished:
        unfinished.write_bytes(save(weights))
    values = {"format": FORMAT, **asdict(architecture)}
    write_text(folder / "network.json", json.dumps(values, indent=2) + "\n")


def read_network(folder: Path) -> tuple[DeepVANet, Architecture]:
    """Rebuild a network that ``write_network`` wrote.

    Raises
    ------
    UserError
        When a file is missing or damaged, or the two do not fit each other.
    """
    try:
        architecture = _read_architecture(folder / "network.json")
    except UserError as error:
        raise UserError(f"{folder}: not a saved network: {error}") from None
    network = load_weights(architecture.build, folder / "network.safetensors")
    return network, architecture


def load_weights(make: Callable[[], Network], file: Path) -> Network:
    """Return a network with the weights of a file.

    Nothing of the size that its description claims is made before the file is seen to
    hold as much.

    Raises
    ------
    UserError
        When the file is missing or damaged, holds other tensors than the network has,
        or one that is not finite.
    """
    try:
        with torch.device("meta"):
            wanted = make().state_dict()
        tensors = load_file(file)
        _compare(wanted, tensors)
        network = make()
        network.load_state_dict(tensors)
    except (OSError, SafetensorError, RuntimeError, *_UNBUILDABLE) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(f"{file}: its weights are damaged: {reason}") from None
    return network


def _compare(wanted: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    for name in dict.fromkeys([*wanted, *tensors]):
        if name not in tensors or name not in wanted:
            what = "is missing" if name in wanted else "is of no use"
            raise ValueError(f"tensor {quote(name)} {what}")
        here, asked = tensors[name], wanted[name]
        if (here.shape, here.dtype) != (asked.shape, asked.dtype):
            raise ValueError(
                f"{name} needs {asked.dtype} of shape {tuple(asked.shape)}, got "
                f"{here.dtype} of shape {tuple(here.shape)}"
            )
        if here.is_floating_point() and not here.isfinite().all():
            raise ValueError(f"{name} holds numbers that are not finite")
        if name.endswith("running_var") and bool((here < 0).any()):
            raise ValueError(f"{name} holds a variance below 0")


def _read_architecture(file: Path) -> Architecture:
    values = read_json(file)
    if not isinstance(values, dict):
        raise UserError(f"{file.name}: needs a table, got {quote(values)}")
    found = values.pop("format", None)
    if found != FORMAT:
        raise UserError(f"{file.name}: format: needs {FORMAT}, got {quote(found)}")
    return build(Architecture, values, place=file.name)
