"""Random offsets: a training segment starts elsewhere each time that it is met.

A network that is trained on seconds which begin on whole seconds depends on where a
second begins. With ``offsets="random"``, each time that a training row is met in an
epoch its segment starts up to half a step before or after its place. It stays within
the segments of training rows that touch or overlap in the same trial: it holds no
sample of a row that validates, tests or is left out, none before or after the trial,
and none of a segment that lacks a stream.

The offset is one time for all streams. Signals start at the nearest sample, faces at
the nearest frame, so faces lie up to half a frame beside the signals (0.1 s at 5
images a second). Offsets depend on the seed of the fit alone, and leave the order of
rows as it is without them. Scaling is measured on segments at their places, and what
is watched or scored starts at its place.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor

from deepvanet.config import NetworkSettings
from deepvanet.learners.inputs import (
    READ_AT_ONCE,
    Fetch,
    Index,
    may_be_held,
    open_rows,
    to_tensors,
)
from deepvanet.learners.scaling import Scaling
from deepvanet.schema import Stream
from deepvanet.store import Rows

_EXACT_S = 1e-6
_SALT = 18
"""Makes offsets independent of the order of rows, which has the same seed."""

Seconds = Float64[np.ndarray, " row"]
GatherAt = Callable[[Index, Seconds], dict[Stream, Tensor]]


@dataclass(frozen=True)
class Room:
    """How much earlier and later each row's segment may start, in seconds."""

    earlier: Seconds
    later: Seconds

    def sample(self, index: Index, generator: np.random.Generator) -> Seconds:
        """Sample an offset for each of some rows, evenly over its room."""
        sampled = generator.uniform(-self.earlier[index], self.later[index])
        return np.asarray(sampled)


@dataclass(frozen=True)
class _Neighbours:
    """The rows of each trial in the order of time.

    Attributes
    ----------
    order : array, shape (row,)
        Which row is the first one, and so on; trials one after the other.
    touches : array, shape (gap,)
        Whether one of them and the next have no sample between them.
    apart_s, step_s : array, shape (gap,)
        Where the next one starts after it; and that for each segment's number.
    """

    order: Int[np.ndarray, " row"]
    touches: Bool[np.ndarray, " gap"]
    apart_s: Float64[np.ndarray, " gap"]
    step_s: Float64[np.ndarray, " gap"]


def find_room(rows: Rows) -> Room:
    """Return how far each row's segment may move over other rows of its trial."""
    near = _find_neighbours(rows)
    half = np.where(near.touches, near.step_s / 2, 0.0)
    earlier, later = np.zeros(len(rows)), np.zeros(len(rows))
    later[near.order[:-1]] = half
    earlier[near.order[1:]] = half
    return Room(earlier, later)


def _find_neighbours(rows: Rows) -> _Neighbours:
    table = rows.table
    start = table["start_s"].to_numpy(dtype=float)
    end = start + table["duration_s"].to_numpy(dtype=float)
    order = np.lexsort([start, rows.trial])
    one, next_one = order[:-1], order[1:]
    apart_s = start[next_one] - start[one]
    touches = (rows.trial[one] == rows.trial[next_one]) & (
        start[next_one] <= end[one] + _EXACT_S
    )
    number = table["segment"].to_numpy()
    n_steps = np.maximum(number[next_one] - number[one], 1)
    return _Neighbours(order, touches, apart_s, apart_s / n_steps)


def open_training(
    rows: Rows,
    scalings: Mapping[Stream, Scaling],
    settings: NetworkSettings,
    *,
    seed: int,
) -> Fetch:
    """Return a function that gathers training rows, at offsets if they are asked for.

    Parameters
    ----------
    rows : Rows
        What is trained on.
    scalings : mapping
        Of each stream of signals.
    settings : NetworkSettings
        Says whether there are offsets, and on which device rows are kept.
    seed : int
        Of the offsets.

    Returns
    -------
    callable
        Gathers rows by their indices, each call at new offsets.
    """
    at_place = settings.offsets == "none" or "duration_s" not in rows.table
    if at_place:  # rows that are held have nothing around them
        return open_rows(rows, scalings, device=settings.device)
    room = find_room(rows)
    if not (room.earlier.any() or room.later.any()):
        return open_rows(rows, scalings, device=settings.device)
    gather_at = open_stretches(rows, scalings, device=settings.device)
    generator = np.random.default_rng([seed, _SALT])
    return lambda index: gather_at(index, room.sample(index, generator))


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
    near = _find_neighbours(rows)
    duration_s = float(rows.table["duration_s"].iloc[0])
    laid = {s: _lay_out(s, one, near, duration_s) for s, one in first.items()}
    n_bytes = sum(t.element_size() * laid[s].n_numbers for s, t in first.items())
    if not may_be_held(n_bytes):
        return read
    held = {
        s: _Stretches(laid[s], t.new_empty(laid[s].shape)) for s, t in first.items()
    }
    for start in range(0, len(rows), READ_AT_ONCE):
        index = np.arange(start, min(start + READ_AT_ONCE, len(rows)))
        for stream, tensor in read(index).items():
            held[stream].put(index, tensor)

    def gather(index: Index, shift_s: Seconds) -> dict[Stream, Tensor]:
        return {s: stretches.take(index, shift_s) for s, stretches in held.items()}

    return gather


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
    stream: Stream, one: Tensor, near: _Neighbours, duration_s: float
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
