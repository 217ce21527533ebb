"""Rows that are gathered again and again, from memory where they fit.

Rows that overlap are held as the stretches of their trials that they cover, each sample
once: windows are a view of those.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor

from deepvanet.learners.inputs import Fetch, Index, may_be_held, to_tensors
from deepvanet.learners.scaling import Scaling
from deepvanet.schema import Stream
from deepvanet.store import Rows

READ_BYTES = 2**24
"""Of rows that are read in one go, before they are held."""

_EXACT_S = 1e-6

Seconds = Float64[np.ndarray, " row"]
GatherAt = Callable[[Index, Seconds], dict[Stream, Tensor]]


@dataclass(frozen=True)
class Neighbours:
    """The rows of each trial in the order of time.

    Attributes
    ----------
    order : array, shape (row,)
        Which row is the first one, and so on; trials one after the other.
    touches : array, shape (gap,)
        Whether one of them and the next have no sample between them.
    overlap : bool
        Whether any two have a sample in common.
    apart_s, step_s : array, shape (gap,)
        Where the next one starts after it; and that for each segment's number.
    """

    order: Int[np.ndarray, " row"]
    touches: Bool[np.ndarray, " gap"]
    overlap: bool
    apart_s: Float64[np.ndarray, " gap"]
    step_s: Float64[np.ndarray, " gap"]


def find_neighbours(rows: Rows) -> Neighbours:
    """Return the rows in the order of time, and which of them touch."""
    table = rows.table
    start = table["start_s"].to_numpy(dtype=float)
    end = start + table["duration_s"].to_numpy(dtype=float)
    order = np.lexsort([start, rows.trial])
    one, next_one = order[:-1], order[1:]
    apart_s = start[next_one] - start[one]
    is_same = rows.trial[one] == rows.trial[next_one]
    touches = is_same & (start[next_one] <= end[one] + _EXACT_S)
    overlap = is_same & (start[next_one] < end[one] - _EXACT_S)
    number = table["segment"].to_numpy()
    n_steps = np.maximum(number[next_one] - number[one], 1)
    return Neighbours(order, touches, bool(overlap.any()), apart_s, apart_s / n_steps)


def open_rows(
    rows: Rows, scalings: Mapping[Stream, Scaling], *, device: str = "cpu"
) -> Fetch:
    """Return a function that gathers any of the rows, from memory if they fit.

    Parameters
    ----------
    device : str
        Whose memory they come from, and are kept in.
    """
    if "duration_s" in rows.table and find_neighbours(rows).overlap:
        gather_at = open_stretches(rows, scalings, device=device)
        return lambda index: gather_at(index, np.zeros(len(index)))

    def read(index: Index) -> dict[Stream, Tensor]:
        arrays = {stream: rows.read(stream, index) for stream in rows.streams}
        tensors = to_tensors(arrays, scalings)
        return {stream: tensor.to(device) for stream, tensor in tensors.items()}

    first = read(np.arange(1))
    n_bytes = len(rows) * sum(tensor.nbytes for tensor in first.values())
    if not may_be_held(n_bytes):
        return read
    held = {
        stream: tensor.new_empty((len(rows), *tensor.shape[1:]))
        for stream, tensor in first.items()
    }
    for index in _cut_parts(len(rows), first):  # no second copy of all of them
        for stream, tensor in read(index).items():
            held[stream][index[0] : index[-1] + 1] = tensor

    def gather(index: Index) -> dict[Stream, Tensor]:
        where = torch.from_numpy(index).to(device)
        return {stream: tensor[where] for stream, tensor in held.items()}

    return gather


def open_stretches(
    rows: Rows, scalings: Mapping[Stream, Scaling], *, device: str = "cpu"
) -> GatherAt:
    """Return a function that gathers rows at offsets, from memory if their trials fit.

    Parameters
    ----------
    device : str
        Whose memory they come from, and are kept in.
    """

    def read(index: Index, shift_s: Seconds | None = None) -> dict[Stream, Tensor]:
        arrays = {s: rows.read(s, index, shift_s) for s in rows.streams}
        return {
            stream: tensor.to(device)
            for stream, tensor in to_tensors(arrays, scalings).items()
        }

    first = read(np.arange(1))
    near = find_neighbours(rows)
    duration_s = float(rows.table["duration_s"].iloc[0])
    laid = {s: _lay_out(s, one, near, duration_s) for s, one in first.items()}
    n_bytes = sum(t.element_size() * laid[s].n_numbers for s, t in first.items())
    if not may_be_held(n_bytes):
        return read
    held = {
        s: _Stretches(laid[s], t.new_empty(laid[s].shape)) for s, t in first.items()
    }
    for index in _cut_parts(len(rows), first):
        for stream, tensor in read(index).items():
            held[stream].put(index, tensor)

    def gather(index: Index, shift_s: Seconds) -> dict[Stream, Tensor]:
        return {s: stretches.take(index, shift_s) for s, stretches in held.items()}

    return gather


def _cut_parts(n_rows: int, first: Mapping[Stream, Tensor]) -> list[Index]:
    """Cut rows, of which the first one is given, into parts to read in one go."""
    n_at_once = max(1, READ_BYTES // sum(tensor.nbytes for tensor in first.values()))
    return np.split(np.arange(n_rows), range(n_at_once, n_rows, n_at_once))


@dataclass(frozen=True)
class _Layout:
    """Where rows of a stream lie in its unbroken stretches, one after the other.

    Attributes
    ----------
    shape : tuple of int
        Signals (channel, time), so that windows are quick to take; faces (time, ...).
    axis : int
        Which of these is time.
    first : array, shape (row,)
        Where each row starts at its place.
    length : int
        Samples or frames of a row.
    rate : float
        Of them a second.
    """

    shape: tuple[int, ...]
    axis: int
    first: Int[np.ndarray, " row"]
    length: int
    rate: float

    @property
    def n_numbers(self) -> int:
        """How many numbers are held."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class _Stretches:
    """The unbroken stretches of rows of a stream, each sample once."""

    layout: _Layout
    joined: Tensor

    @property
    def windows(self) -> Tensor:
        """All windows, not copied: (first, channel, time) or (first, time, ...)."""
        axis = self.layout.axis
        found = self.joined.unfold(axis, self.layout.length, 1)
        return found.movedim(axis, 0) if axis else found.movedim(-1, 1)

    def put(self, index: Index, rows: Tensor) -> None:
        """Lay rows where they belong."""
        made = self.layout
        for start, row in zip(made.first[index].tolist(), rows, strict=True):
            self.joined.narrow(made.axis, start, made.length).copy_(row)

    def take(self, index: Index, shift_s: Seconds) -> Tensor:
        """Copy rows, each from its offset on."""
        shift = np.rint(shift_s * self.layout.rate).astype(np.int64)
        start = torch.from_numpy(self.layout.first[index] + shift)
        return self.windows.index_select(0, start.to(self.joined.device))


def _lay_out(
    stream: Stream, one: Tensor, near: Neighbours, duration_s: float
) -> _Layout:
    """Lay rows out in stretches, from a first row of the stream."""
    axis = 0 if stream.is_images else 1
    length = one.shape[1 + axis]
    rate = length / duration_s
    apart = np.rint(near.apart_s * rate).astype(np.int64)
    first = np.zeros(len(near.order), np.int64)
    first[near.order[1:]] = np.cumsum(np.where(near.touches, apart, length))
    shape = list(one.shape[1:])
    shape[axis] = int(first.max()) + length
    return _Layout(tuple(shape), axis, first, length, rate)
