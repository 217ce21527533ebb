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

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from deepvanet.config import NetworkSettings
from deepvanet.learners.held_rows import (
    Seconds,
    find_neighbours,
    open_rows,
    open_stretches,
)
from deepvanet.learners.inputs import Fetch, Index
from deepvanet.learners.scaling import Scaling
from deepvanet.schema import Stream
from deepvanet.store import Rows

_SALT = 18
"""Makes offsets independent of the order of rows, which has the same seed."""


@dataclass(frozen=True)
class Room:
    """How much earlier and later each row's segment may start, in seconds."""

    earlier: Seconds
    later: Seconds

    def sample(self, index: Index, generator: np.random.Generator) -> Seconds:
        """Sample an offset for each of some rows, evenly over its room."""
        sampled = generator.uniform(-self.earlier[index], self.later[index])
        return np.asarray(sampled)


def find_room(rows: Rows) -> Room:
    """Return how far each row's segment may move over other rows of its trial."""
    near = find_neighbours(rows)
    half = np.where(near.touches, near.step_s / 2, 0.0)
    earlier, later = np.zeros(len(rows)), np.zeros(len(rows))
    later[near.order[:-1]] = half
    earlier[near.order[1:]] = half
    return Room(earlier, later)


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
