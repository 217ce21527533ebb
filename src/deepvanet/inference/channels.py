"""Find the channels of a bundle in a signal file, and draw a few that are missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float

from deepvanet.bundle import Bundle
from deepvanet.preprocessing.cleaning.electrodes import describe, interpolate
from deepvanet.schema import BIO, Channel, Stream, UserError

MOST_MISSING = 0.1
"""Share of the EEG channels that may be drawn from the others."""


@dataclass(frozen=True)
class Placed:
    """Where a stream's channels lie in a file.

    Attributes
    ----------
    channels : tuple of Channel
        All of the bundle's, in its order.
    rows : tuple of int
        Where in ``channels`` those of the file belong.
    sources : tuple of int
        Where those lie among the file's.
    """

    channels: tuple[Channel, ...]
    rows: tuple[int, ...]
    sources: tuple[int, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the channels that the file lacks."""
        return tuple(c.name for k, c in enumerate(self.channels) if k not in self.rows)


@cache
def find_operator(item: Placed) -> Float[np.ndarray, "channel held"]:
    """Return what makes all channels of those in the file.

    By spherical splines from the electrodes' places by name.
    """
    everything = np.eye(len(item.channels))
    if not item.missing:
        return everything[:, list(item.rows)]
    is_there = np.isin(np.arange(len(item.channels)), item.rows)
    info = describe([c.name for c in item.channels], sfreq=128.0)
    return interpolate(info, is_there)[:, list(item.rows)]


def place_channels(
    found: Sequence[Channel], bundle: Bundle, path: Path, *, has_video: bool
) -> tuple[dict[Stream, Placed], tuple[str, ...]]:
    """Return where the channels lie that the bundle needs, and what had to be assumed.

    A stream of which the file has no channel is missing. Of peripheral channels none
    can stand in for another: a stream that lacks some is left out where the bundle
    can do without.

    Raises
    ------
    UserError
        When too many channels are missing.
    """
    placed, notes = {}, []
    for stream in BIO:
        item = _place(found, bundle.channels_of(stream))
        if stream not in bundle.streams or not item.rows:
            continue
        if not item.missing:
            placed[stream] = item
        elif stream is Stream.EEG and _can_draw(item):
            placed[stream] = item
            notes.append(
                f"drawn from their neighbours, since missing: {', '.join(item.missing)}"
            )
        else:
            rest = {*placed, *([Stream.FACE] if has_video else [])}
            said = (
                f"{len(item.missing)} of {len(item.channels)} {stream} channels are "
                f"missing: {', '.join(item.missing)}"
            )
            if stream is Stream.EEG or bundle.pick(frozenset(rest)) is None:
                raise UserError(f"--bio {path}: {said}")
            notes.append(f"{said}; {stream} is left out")
    return placed, tuple(notes)


def _place(found: Sequence[Channel], wanted: tuple[Channel, ...]) -> Placed:
    rows = tuple(k for k, channel in enumerate(wanted) if channel in found)
    return Placed(wanted, rows, tuple(list(found).index(wanted[k]) for k in rows))


def _can_draw(item: Placed) -> bool:
    if len(item.missing) > MOST_MISSING * len(item.channels):
        return False
    try:
        describe([c.name for c in item.channels], sfreq=128.0)
    except UserError:
        return False  # names that say nothing of places
    return True
