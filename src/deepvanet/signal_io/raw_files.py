"""Files that MNE opens, read in the units that they themselves have.

BDF, EDF, FIF, BrainVision, EEGLAB and others, with incomplete headers too: genuine
BDF leaves the number of records at -1, and some have channels without a label.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int

from deepvanet.preprocessing.cleaning.filters import resample
from deepvanet.schema import UserError
from deepvanet.signal_io.edf_records import EDF, EdfRecords, read_records
from deepvanet.signal_io.pieces import Piece, place_pieces
from deepvanet.signal_io.raw_breaks import find_breaks
from deepvanet.signal_io.raw_units import check_labels, describe_channels, list_bad
from deepvanet.signal_io.read_errors import explain_error, report_warnings
from deepvanet.signal_io.time_grid import check_rate
from deepvanet.signal_io.types import Timing
from deepvanet.signal_io.units import UNKNOWN, find_si_factor, keep_in

BLOCK_S = 60.0  # read at once: an hour is held as single numbers, not as double

_SAID_ELSEWHERE = (
    "does not conform to MNE naming conventions",
    "mixed sampling frequencies",  # slow channels are read at their own rate
    "boundary' events",
    "Channels contain different",  # filters, of which none is used
    "setting values to 0 and Nyquist",
    "Online software filter detected",
    "No coordinate information found",  # places of electrodes are not used
    "Not setting positions of",
    "No info on DataPoints found",
    "Channel names are not unique",  # C02, which asks
    "Physical range is not defined",  # C06
    "Scaling factor is not defined",
    "Scaling factor will not be defined",
)
"""Warnings of MNE on what is not used, or is reported in seconds or done here."""
_OF_ANNOTATIONS = ("annotation(s)",)
"""Those of EDF are read here; MNE leaves out what it takes to be outside."""
_OF_LENGTH = ("Number of records from the header does not match",)
MARGIN = 64  # samples of a slow channel beyond a part that is resampled


@dataclass(frozen=True)
class OwnRate:
    """Channels of a lower rate than the file's, opened at that rate.

    Attributes
    ----------
    raw : mne.io.BaseRaw
        What MNE opened.
    ratio : Fraction
        The file's rate as a multiple of theirs.
    rows : mapping
        The place of each in ``raw``, by its place in the file.
    """

    raw: Any
    ratio: Fraction
    rows: Mapping[int, int]

    def read(
        self, places: Sequence[int], start: int, stop: int, piece: Piece
    ) -> Float[np.ndarray, "channel time"]:
        """Read channels between two samples of a piece, at the file's rate.

        Parameters
        ----------
        places : sequence of int
            Numbers of the file's channels.
        start, stop : int
            The first sample as MNE counts them, and the one after the last.
        piece : Piece
            The run of samples in which both lie; nothing beyond it is looked at.

        Returns
        -------
        array, shape (channel, time)
            In the units that MNE has.
        """
        step = self.ratio.denominator  # own samples, after which both clocks meet
        low = -(-piece.first // self.ratio)
        high = min((piece.first + piece.length) // self.ratio, self.raw.n_times)
        first = max(int(start / self.ratio) - MARGIN, low) // step * step
        last = min(int(stop / self.ratio) + MARGIN, high)
        picks = [self.rows[place] for place in places]
        own = self.raw.get_data(picks=picks, start=first, stop=last)
        rates = {"sfreq": 1.0, "to": float(self.ratio)}
        there = np.stack([resample(row, **rates) for row in own])
        begin = start - int(first * self.ratio)
        cut = there[:, begin : begin + stop - start]
        return np.pad(cut, ((0, 0), (0, stop - start - cut.shape[1])), mode="edge")


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
    pieces : tuple of Piece
        Where its samples lie in the time of the recording.
    records : EdfRecords | None
        The annotations of EDF and BDF, and when records begin.
    own_rates : tuple of OwnRate
        Channels that have lower rates than others.
    rates : tuple of float
        Samples a second that the file has of each channel; MNE returns all at the
        highest rate.
    faults : mapping
        Why the numbers of a channel cannot be known, by its place; they are read as
        no numbers.
    bad : tuple of int
        Channels that the file marks as bad.
    """

    path: Path
    raw: Any
    labels: tuple[str, ...]
    units: tuple[str, ...]
    kinds: tuple[str, ...]
    scales: tuple[float, ...]
    pieces: tuple[Piece, ...]
    records: EdfRecords | None = None
    own_rates: tuple[OwnRate, ...] = ()
    rates: tuple[float, ...] = ()
    faults: Mapping[int, str] = field(default_factory=dict)
    bad: tuple[int, ...] = ()

    @property
    def sfreq(self) -> float:
        """Samples a second, in Hz."""
        return float(self.raw.info["sfreq"])

    @property
    def n_samples(self) -> int:
        """Length of the recording, gaps included."""
        return max(piece.end for piece in self.pieces)

    @property
    def timing(self) -> Timing:
        """What it says of when its samples were taken."""
        gaps = (
            (one.end / self.sfreq, other.at / self.sfreq)
            for one, other in pairwise(self.pieces)
            if other.at > one.end
        )
        return Timing(stated_hz=self.sfreq, gaps=tuple(gaps))

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
            The file's own numbers, or their sums where ``mixing`` is given; no
            numbers where nothing was recorded.

        Raises
        ------
        UserError
            When the file turns out to be damaged.
        """
        span = range(self.n_samples)[start:stop]
        scales = np.array([self.scales[place] for place in places])
        n_rows = len(places) if mixing is None else len(mixing)
        values = np.full((n_rows, len(span)), np.nan, np.float32)
        for piece in self.pieces if places else ():
            part = span[max(piece.at - span.start, 0) : max(piece.end - span.start, 0)]
            length = max(1, round(BLOCK_S * self.sfreq))
            for at in range(0, len(part), length):
                there = part[at : at + length]
                block = self._read_block(places, there, piece)
                begin = there.start - span.start
                values[:, begin : begin + len(there)] = (
                    block / scales[:, None]
                    if mixing is None
                    else (mixing / scales) @ block
                )
        return values

    def _read_block(
        self, places: Sequence[int], part: range, piece: Piece
    ) -> Float[np.ndarray, "channel time"]:
        """Read what MNE says of a part of a piece, slow channels by themselves."""
        start, stop = (at - piece.at + piece.first for at in (part.start, part.stop))
        block = np.empty((len(places), len(part)))
        left = dict(enumerate(places))
        with explain_error(self.path), report_warnings(self.path, "MNE"):
            for own in self.own_rates:
                rows = [row for row, place in left.items() if place in own.rows]
                if rows:
                    slow = [left.pop(row) for row in rows]
                    block[rows] = own.read(slow, start, stop, piece)
            if left:
                block[list(left)] = self.raw.get_data(
                    picks=list(left.values()), start=start, stop=stop
                )
        block[[place in self.faults for place in places]] = np.nan
        return block

    def read_codes(self, place: int) -> Int[np.ndarray, " time"]:
        """Return the numbers of a status channel.

        Of BDF, MNE keeps the lower 17 bits; above them stand the battery and whether
        the reference is in range. In a gap the last number lasts.
        """
        codes = np.zeros(self.n_samples, np.int64)
        for piece in self.pieces:
            with explain_error(self.path):
                read = self.raw.get_data(
                    picks=[place], start=piece.first, stop=piece.first + piece.length
                )[0]
            codes[piece.at : piece.end] = np.rint(read)
            codes[piece.end :] = codes[piece.end - 1] if piece.length else 0
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
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    with explain_error(path):
        check_labels(path)
    return describe_raw(path, _open(path))


def describe_raw(path: Path, raw: Any) -> RawFile:
    """Return what MNE opened as a ``RawFile``."""
    is_edf = path.suffix.lower() in EDF
    with explain_error(path):
        if not raw.n_times:
            raise ValueError("No data: it ends behind its header")
        records = read_records(path) if is_edf else None
        sfreq = check_rate(float(raw.info["sfreq"]), source=path)
        pieces = place_pieces(
            find_breaks(path, raw, records),
            n_samples=int(raw.n_times),
            rate=sfreq,
            source=path,
        )
        own_rates = _open_own_rates(path, raw)
        channels = describe_channels(path, raw, records.header if records else None)
    return RawFile(
        path=path,
        raw=raw,
        labels=tuple(channel.label.strip() for channel in channels),
        units=tuple(channel.unit for channel in channels),
        # MNE refuses to return the types of no channels
        kinds=tuple(raw.get_channel_types()) if raw.ch_names else (),
        scales=tuple(channel.scale for channel in channels),
        pieces=pieces,
        records=records,
        own_rates=own_rates,
        rates=tuple(channel.rate for channel in channels),
        faults={k: c.fault for k, c in enumerate(channels) if c.fault},
        bad=tuple(list_bad(raw)),
    )


def _open(path: Path, **options: Any) -> Any:
    import mne

    besides: tuple[str, ...] = _SAID_ELSEWHERE
    if path.suffix.lower() in EDF:
        # annotations are read by their records; here they only must not stop it
        options["encoding"] = "latin1"
        besides += _OF_ANNOTATIONS
        besides += _OF_LENGTH if _is_length_open(path) else ()
    with explain_error(path), report_warnings(path, "MNE", besides=besides):
        return mne.io.read_raw(path, preload=False, verbose="WARNING", **options)


def _is_length_open(path: Path) -> bool:
    """Whether a header leaves the number of records at -1, as recorders write it."""
    with path.open("rb") as file:
        return file.read(256)[236:244].strip() == b"-1"


def _open_own_rates(path: Path, raw: Any) -> tuple[OwnRate, ...]:
    """Open the channels of EDF and BDF that have a lower rate, at that rate."""
    if path.suffix.lower() not in EDF:
        return ()
    extras = raw._raw_extras[0]
    names, stims = list(extras["ch_names"]), set(extras["stim_channel_idxs"])
    if len(names) != len(raw.ch_names):
        return ()  # some were left out, and places are no longer those of the file
    counts = [int(extras["n_samps"][place]) for place in extras["sel"]]
    highest = int(extras["max_samp"])
    found = []
    for count in sorted(set(counts) - {highest}):
        places = [k for k, own in enumerate(counts) if own == count and k not in stims]
        if places and 0 < count < highest:
            slow = _open(
                path,
                include=[names[place] for place in places],
                exclude_after_unique=True,
            )
            rows = {place: slow.ch_names.index(names[place]) for place in places}
            found.append(OwnRate(slow, Fraction(highest, count), rows))
    return tuple(found)
