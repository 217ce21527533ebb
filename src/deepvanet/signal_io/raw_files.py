"""Files that MNE opens, read in the units that they themselves have.

BDF, EDF, FIF, BrainVision, EEGLAB and others, with incomplete headers too: genuine
BDF leaves the number of records at -1, and some have channels without a label.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int

from deepvanet.schema import UserError
from deepvanet.signal_io.raw_units import check_labels, describe_channels, list_bad
from deepvanet.signal_io.read_errors import explain
from deepvanet.signal_io.units import UNKNOWN, find_si_factor, keep_in

BLOCK_S = 60.0  # read at once: an hour is held as single numbers, not as double


@dataclass(frozen=True)
class RawFile:
    """A recording that was opened and not yet read.

    Attributes
    ----------
    raw : mne.io.BaseRaw
        What MNE opened.
    labels, units, kinds : tuple of str
        Of all channels: units as ``spell_unit`` spells them, kinds as MNE names them.
    scales : tuple of float
        What MNE multiplies the file's own numbers with.
    rates : tuple of float
        Samples a second that the file has of each channel; MNE returns all at the
        highest rate.
    faults : mapping
        Why the numbers of a channel cannot be known, by its place.
    bad : tuple of int
        Channels that the file marks as bad.
    """

    path: Path
    raw: Any
    labels: tuple[str, ...]
    units: tuple[str, ...]
    kinds: tuple[str, ...]
    scales: tuple[float, ...]
    rates: tuple[float, ...] = ()
    faults: Mapping[int, str] = field(default_factory=dict)
    bad: tuple[int, ...] = ()

    @property
    def sfreq(self) -> float:
        """Samples a second, in Hz."""
        return float(self.raw.info["sfreq"])

    @property
    def n_samples(self) -> int:
        """Length of the recording."""
        return int(self.raw.n_times)

    def read(
        self,
        places: Sequence[int],
        start: int = 0,
        stop: int | None = None,
        *,
        mixing: Float[np.ndarray, "channel place"] | None = None,
    ) -> Float32[np.ndarray, "channel time"]:
        """Read channels, or sums of them, a minute at a time.

        Parameters
        ----------
        places : sequence of int
            Numbers of the file's channels.
        start, stop : int
            The first sample, and the one after the last; all if not given.
        mixing : array, optional
            What to multiply the file's own numbers with.

        Returns
        -------
        array, shape (channel, time)
            The file's own numbers, or their sums where ``mixing`` is given.

        Raises
        ------
        UserError
            When the file turns out to be damaged.
        """
        span = range(self.n_samples)[start:stop]
        scales = np.array([self.scales[place] for place in places])
        n_rows = len(places) if mixing is None else len(mixing)
        values = np.empty((n_rows, len(span)), np.float32)
        length = round(BLOCK_S * self.sfreq)
        for at in range(0, len(span) if places else 0, length):
            part = span[at : at + length]
            with explain(self.path):
                block = self.raw.get_data(
                    picks=list(places), start=part.start, stop=part.stop
                )
            values[:, at : at + length] = (
                block / scales[:, None] if mixing is None else (mixing / scales) @ block
            )
        return values

    def read_codes(self, place: int) -> Int[np.ndarray, " time"]:
        """Return the numbers of a status channel.

        Of BDF, MNE keeps the lower 17 bits; above them stand the battery and whether
        the reference is in range.
        """
        with explain(self.path):
            read = self.raw.get_data(picks=[place])[0]
        codes: Int[np.ndarray, " time"] = np.rint(read).astype(np.int64)
        return codes

    def find_factor(self, place: int, *, to: str) -> float:
        """Return what turns a channel's numbers into a unit; 1 if they are of no such.

        Parameters
        ----------
        to : str
            A unit that others of its kind are kept in, as ``uV``.
        """
        unit = self.units[place]
        if keep_in(unit) == UNKNOWN or keep_in(unit) != to:
            return 1.0
        return find_si_factor(unit) / find_si_factor(to)


def open_raw(path: Path) -> RawFile:
    """Open a file with MNE, or raise ``UserError``; what it holds is not looked at.

    Raises
    ------
    UserError
        When there is no such file, or MNE cannot read it.
    """
    import mne

    if not path.is_file():
        raise UserError(f"{path}: no such file")
    with explain(path):
        check_labels(path)
    with explain(path), warnings.catch_warnings():
        # what a header lacks or contradicts shows in what is read
        warnings.simplefilter("ignore")
        raw = mne.io.read_raw(path, preload=False, verbose="ERROR")
    return describe_raw(path, raw)


def describe_raw(path: Path, raw: Any) -> RawFile:
    """Return what MNE opened as a ``RawFile``."""
    with explain(path):
        channels = describe_channels(path, raw)
    return RawFile(
        path=path,
        raw=raw,
        labels=tuple(channel.label.strip() for channel in channels),
        units=tuple(channel.unit for channel in channels),
        # MNE refuses to return the types of no channels
        kinds=tuple(raw.get_channel_types()) if raw.ch_names else (),
        scales=tuple(channel.scale for channel in channels),
        rates=tuple(channel.rate for channel in channels),
        faults={k: c.fault for k, c in enumerate(channels) if c.fault},
        bad=tuple(list_bad(raw)),
    )
