"""Rows of a store as the tensors that a network reads, a batch at a time."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from deepvanet.learners.scaling import Scaling
from deepvanet.schema import Stream, UserError

HELD_BYTES = 2**29  # of rows that are read once and kept; a DEAP subject has 2**28

Index = Int[np.ndarray, " item"]
Fetch = Callable[[Index], dict[Stream, Tensor]]
"""Gather rows; images stay bytes until ``to_network``."""


def check_length(n_samples: int, needed: int) -> None:
    """Raise unless a segment is as long as those that a network was built for.

    Raises
    ------
    UserError
        When it has more samples or fewer.
    """
    if n_samples != needed:
        raise UserError(
            f"the network reads segments of {needed} samples, got {n_samples}: they "
            "need the length and the sampling rate of those that it was trained on"
        )


def may_be_held(n_bytes: int) -> bool:
    """Say whether so much is read once and kept in memory."""
    return n_bytes <= HELD_BYTES


def to_tensors(
    arrays: Mapping[Stream, NDArray[Any]], scalings: Mapping[Stream, Scaling]
) -> dict[Stream, Tensor]:
    """Scale signals, leave images as bytes."""
    return {
        stream: torch.from_numpy(
            scalings[stream].apply(array) if stream in scalings else array
        )
        for stream, array in arrays.items()
    }


def to_network(
    tensors: Mapping[Stream, Tensor],
) -> dict[Stream, Float[Tensor, "batch ..."]]:
    """Turn bytes into pixels in [0, 1], colours before height and width."""
    return {
        stream: tensor.permute(0, 1, 4, 2, 3).float() / 255
        if tensor.dtype == torch.uint8
        else tensor
        for stream, tensor in tensors.items()
    }


def cut_batches(
    n_rows: int, *, batch_size: int, generator: np.random.Generator
) -> Iterator[Index]:
    """Yield all rows, shuffled, in batches.

    A single row that would be left over joins the batch before it: the mean and
    variance of one segment are no estimate for batch normalisation.

    Examples
    --------
    >>> shuffle = np.random.default_rng(0)
    >>> [len(batch) for batch in cut_batches(9, batch_size=4, generator=shuffle)]
    [4, 5]
    """
    order = generator.permutation(n_rows)
    starts = [k * batch_size for k in range(count_batches(n_rows, batch_size))]
    for start, end in zip(starts, [*starts[1:], n_rows], strict=True):
        yield order[start:end]


def count_batches(n_rows: int, batch_size: int) -> int:
    """Return how many batches ``cut_batches`` yields: the optimiser steps of an epoch.

    Examples
    --------
    >>> count_batches(8, 4), count_batches(9, 4), count_batches(10, 4)
    (2, 2, 3)
    """
    n_batches = -(-n_rows // batch_size)
    return n_batches - (n_batches > 1 and n_rows % batch_size == 1)
