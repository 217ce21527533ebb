"""Find the channels of a bundle in a signal file; interpolate a few missing ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float

from deepvanet.bundle import Bundle
from deepvanet.findings import list_some, report
from deepvanet.preprocessing.cleaning.electrodes import describe, interpolate
from deepvanet.schema import WITH_CHANNELS, Channel, Stream, UserError

MOST_MISSING = 0.1
"""Share of the EEG channels that may be interpolated from the others."""


@dataclass(frozen=True)
class ChannelPlaces:
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
def find_operator(places: ChannelPlaces) -> Float[np.ndarray, "channel held"]:
    """Return the matrix from a file's channels of a stream to all of its channels.

    Missing ones are interpolated by spherical splines, from where electrodes of these
    names sit.
    """
    everything = np.eye(len(places.channels))
    if not places.missing:
        return everything[:, list(places.rows)]
    is_there = np.isin(np.arange(len(places.channels)), places.rows)
    info = describe([c.name for c in places.channels], sfreq=128.0)
    return interpolate(info, is_there)[:, list(places.rows)]


def place_channels(
    found: Sequence[Channel], bundle: Bundle, path: Path, *, beside: Sequence[Stream]
) -> tuple[dict[Stream, ChannelPlaces], tuple[str, ...]]:
    """Return where the channels lie that the bundle needs, and what had to be assumed.

    A stream of which the file has no channel is missing. Of peripheral channels none
    can stand in for another: a stream that lacks some is left out where the bundle
    can do without.

    Parameters
    ----------
    found : sequence of Channel
        What the file has, in its order.
    bundle : Bundle
        Knows the channels of each of its streams.
    path : Path
        The file that an error names.
    beside : sequence of Stream
        What other files have, which may answer where a stream is left out.

    Returns
    -------
    mapping, tuple of str
        By stream; and notes, a sentence each.

    Raises
    ------
    UserError
        When too many channels are missing.
    """
    placed: dict[Stream, ChannelPlaces] = {}
    wanted = {stream: bundle.channels_of(stream) for stream in WITH_CHANNELS}
    whole = {
        s for s, channels in wanted.items() if channels and set(channels) <= {*found}
    }
    notes = []
    for stream in WITH_CHANNELS:
        places = _find_places(found, wanted[stream])
        if stream not in bundle.streams or not places.rows:
            continue
        if not places.missing:
            placed[stream] = places
        elif stream is Stream.EEG and _can_interpolate(places):
            placed[stream] = places
            said = (
                "interpolated from their neighbours, since missing: "
                f"{list_some(places.missing)}"
            )
            report(
                "C07",
                said,
                source=path,
                assumed="numbers that are computed from the electrodes around are used",
            )
            notes.append(said)
        else:
            rest = {*placed, *whole, *beside}
            said = (
                f"{len(places.missing)} of {len(places.channels)} {stream} channels "
                f"are missing: {list_some(places.missing)}"
            )
            if stream is Stream.EEG or bundle.pick(frozenset(rest)) is None:
                raise UserError(f"{path}: {said}", field="bio")
            report(
                "C07",
                f"{said}; {stream} is left out",
                source=path,
                assumed=f"probabilities are those of a model without {stream}",
            )
            notes.append(f"{said}; {stream} is left out")
    return placed, tuple(notes)


def _find_places(
    found: Sequence[Channel], wanted: tuple[Channel, ...]
) -> ChannelPlaces:
    rows = tuple(k for k, channel in enumerate(wanted) if channel in found)
    sources = tuple(list(found).index(wanted[k]) for k in rows)
    return ChannelPlaces(wanted, rows, sources)


def _can_interpolate(places: ChannelPlaces) -> bool:
    if len(places.missing) > MOST_MISSING * len(places.channels):
        return False
    try:
        describe([c.name for c in places.channels], sfreq=128.0)
    except UserError:
        return False  # names that say nothing of places
    return True
