"""Networks on disk: weights as safetensors, how to rebuild them as JSON.

The files, in a folder that may hold others::

    FOLDER/network.json         the arguments of ``build_network``
           network.safetensors  every weight and running mean, by name
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save

from deepvanet.files import whole_file, write_text
from deepvanet.models.feature_fusion import DeepVANet, build_network
from deepvanet.schema import Stream, UserError

FORMAT = "deepvanet-network-1"


@dataclass(frozen=True)
class Architecture:
    """The arguments of ``build_network``."""

    shapes: Mapping[Stream, tuple[int, ...]]
    face_features: int = 16
    bio_features: int = 64
    dropout: float = 0.5
    precision: str = "float32"

    def build(self) -> DeepVANet:
        """Build the network with fresh weights."""
        return build_network(
            self.shapes,
            face_features=self.face_features,
            bio_features=self.bio_features,
            dropout=self.dropout,
            precision=self.precision,
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
        network = architecture.build()
        network.load_state_dict(load_file(folder / "network.safetensors"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder}: not a saved network: {error}") from None
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{folder}: its weights are damaged: {reason}") from None
    return network, architecture


def _read_architecture(file: Path) -> Architecture:
    values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    if values.pop("format") != FORMAT:
        raise ValueError(f"{file.name} is of another format, not {FORMAT}")
    shapes = values.pop("shapes")
    return Architecture(
        shapes={Stream(stream): tuple(shape) for stream, shape in shapes.items()},
        **values,
    )
