"""The paper's network: encoders, their features side by side, one head.

A stream's row says by which encoder it is read and its kind how that is built, so each
of the paper's seven stream sets is the same code, and so is any other: a network has
the encoders that its streams need.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from deepvanet.models.encoders import BioEncoder, FaceEncoder, FeatureEncoder
from deepvanet.schema import Kind, Stream

ENCODERS: Mapping[Kind, Callable[..., nn.Module]] = {
    "images": FaceEncoder,
    "signal": BioEncoder,
    "features": FeatureEncoder,
}
"""What encodes streams of each kind."""

HEAD_UNITS = 20


class DeepVANet(nn.Module):
    """Encode each kind of input, join the features, give a logit or several.

    Parameters
    ----------
    encoders : mapping
        An encoder for each name; features are joined in this order.
    reads : mapping
        The streams that each encoder is called with.
    head : nn.Module
        From the joined features to the outputs.
    """

    def __init__(
        self,
        encoders: Mapping[str, nn.Module],
        *,
        reads: Mapping[str, tuple[Stream, ...]],
        head: nn.Module,
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.reads = reads
        self.head = head

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams that an input must have."""
        return tuple(stream for streams in self.reads.values() for stream in streams)

    def encode(
        self,
        inputs: Mapping[Stream, Float[Tensor, "batch ..."]],
        present: Mapping[Stream, Bool[Tensor, " batch"]] | None = None,
    ) -> dict[str, Float[Tensor, "batch _"]]:
        """Return the features of each encoder, by its name.

        Parameters
        ----------
        present : mapping, optional
            Which rows have a stream; features of what is missing are zero.
        """
        if present is None:
            return {
                name: encoder(*(inputs[stream] for stream in self.reads[name]))
                for name, encoder in self.encoders.items()
            }
        return {
            name: _encode_present(
                encoder,
                [inputs[stream] for stream in self.reads[name]],
                [present[stream] for stream in self.reads[name]],
            )
            for name, encoder in self.encoders.items()
        }

    def forward(
        self,
        inputs: Mapping[Stream, Float[Tensor, "batch ..."]],
        present: Mapping[Stream, Bool[Tensor, " batch"]] | None = None,
    ) -> Float[Tensor, " batch *output"]:
        """Return logits; of one output without an axis for it."""
        features = torch.cat(list(self.encode(inputs, present).values()), dim=1)
        logits: Tensor = self.head(features)
        return logits.squeeze(1) if logits.shape[1] == 1 else logits


def _encode_present(
    encoder: nn.Module, inputs: Sequence[Tensor], present: Sequence[Tensor]
) -> Float[Tensor, "batch _"]:
    """Encode what is there; a row without any of the streams has no features."""
    is_there = torch.stack(list(present)).any(dim=0)
    if not is_there.any():
        n_features: int = encoder.linear.out_features  # type: ignore[union-attr, assignment]
        return inputs[0].new_zeros(len(is_there), n_features)
    masked = [
        tensor * _spread(rows, tensor)
        for tensor, rows in zip(inputs, present, strict=True)
    ]
    features: Tensor = encoder(*masked)
    return features * _spread(is_there, features)


def _spread(rows: Tensor, tensor: Tensor) -> Tensor:
    """Return a flag a row in a shape that multiplies a tensor of these rows."""
    return rows.view(-1, *[1] * (tensor.ndim - 1)).to(tensor.dtype)


def build_network(
    shapes: Mapping[Stream, tuple[int, ...]],
    *,
    face_features: int = 16,
    bio_features: int = 64,
    dropout: float = 0.5,
    precision: str = "float32",
    n_outputs: int = 1,
) -> DeepVANet:
    """Build the network that reads streams of these shapes.

    Parameters
    ----------
    shapes : mapping
        Face: frames, colours, height, width. Signals: channels, samples.
    face_features, bio_features : int
        Lengths of the feature vectors of images, and of all others: the paper's
        lambda 1 and 2.
    dropout : float
        Probability with which training sets a hidden unit of the head to zero.
    precision : str
        Of the face's convolutions, ``float32`` or ``bfloat16``.
    n_outputs : int
        Logits of a row.

    Returns
    -------
    DeepVANet
        Not yet trained; it has the encoders that the streams need.

    Raises
    ------
    ValueError
        When there is no stream.

    Examples
    --------
    >>> network = build_network({Stream.EEG: (32, 128)})
    >>> network({Stream.EEG: torch.zeros(2, 32, 128)}).shape
    torch.Size([2])
    """
    if not shapes:
        raise ValueError("a network needs at least one stream")
    options: Mapping[Kind, dict[str, Any]] = {
        "images": {"n_features": face_features, "precision": precision},
        "signal": {"n_features": bio_features},
        "features": {"n_features": bio_features},
    }
    encoders, n_joined, reads = {}, 0, group_streams(shapes)
    for name, streams in reads.items():
        kind = streams[0].spec.kind
        encoders[name] = ENCODERS[kind](*map(shapes.get, streams), **options[kind])
        n_joined += options[kind]["n_features"]
    head = build_head(n_joined, dropout=dropout, n_outputs=n_outputs)
    return DeepVANet(encoders, reads=reads, head=head)


def group_streams(streams: Collection[Stream]) -> dict[str, tuple[Stream, ...]]:
    """Return the streams that each encoder reads, in the order of ``Stream``.

    Examples
    --------
    >>> list(group_streams([Stream.GAZE, Stream.PERIPHERAL, Stream.EEG]))
    ['bio', 'gaze']
    """
    grouped: dict[str, tuple[Stream, ...]] = {}
    for stream in Stream:
        if stream in streams:
            name = stream.spec.encoder
            grouped[name] = (*grouped.get(name, ()), stream)
    return grouped


def build_head(
    n_features: int, *, dropout: float = 0.5, n_outputs: int = 1
) -> nn.Sequential:
    """Build the two linear layers from features to logits."""
    return nn.Sequential(
        nn.Linear(n_features, HEAD_UNITS),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(HEAD_UNITS, n_outputs),
    )
