"""Data records of EDF+ and BDF+: when each begins, and the annotations.

MNE puts the records of an interrupted recording (EDF+D) end to end. Each record says
its own start, in the list of annotations that it holds [1]_.

References
----------
.. [1] Kemp & Olivan (2003). European data format 'plus' (EDF+). Clinical
   Neurophysiology 114(9), 1755-1761.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepvanet.findings import report
from deepvanet.signal_io.pieces import Break
from deepvanet.signal_io.types import Marker

EDF = (".edf", ".bdf")
_NAMES = ("EDF Annotations", "BDF Annotations")
_BEFORE_COUNTS = 216  # bytes of each signal, before its samples a record
_PAIR, _END, _LASTS = b"\x00", b"\x14", b"\x15"


@dataclass(frozen=True)
class EdfHeader:
    """What the header says.

    Attributes
    ----------
    labels, units : tuple of str
        Of all signals, the lists of annotations too.
    ranges : tuple of (str, str)
        The lowest and highest physical value of each signal, as written.
    counts : tuple of int
        Samples of each signal in a record.
    n_records : int
        As many as the file has.
    seconds : float
        Length of a record.
    """

    labels: tuple[str, ...]
    units: tuple[str, ...]
    ranges: tuple[tuple[str, str], ...]
    counts: tuple[int, ...]
    n_records: int
    seconds: float
    start: int
    width: int

    @property
    def lists(self) -> list[int]:
        """Places of the lists of annotations."""
        return [k for k, label in enumerate(self.labels) if label in _NAMES]


@dataclass(frozen=True)
class EdfRecords:
    """Where the records of a file lie in time, and what was written into them.

    Attributes
    ----------
    starts : tuple of float
        Seconds since the first record's start; empty where the file says none.
    annotations : tuple of Marker
        At the seconds that the file says.
    """

    header: EdfHeader
    starts: tuple[float, ...] = ()
    annotations: tuple[Marker, ...] = ()

    def find_breaks(self, rate: float) -> list[Break]:
        """Return where the time of the next record is not the end of the last."""
        n = round(self.header.seconds * rate)
        breaks, due = [], 0.0
        for k, start in enumerate(self.starts):
            if k and abs(start - due) * rate > 1:
                breaks.append(Break(k * n, start - due))
                due = start
            # of a clock that runs a little fast, only what adds up is a gap
            due += self.header.seconds
        return breaks

    def find_said(self, rate: float) -> list[tuple[float, int]]:
        """Return when the file says that parts begin, and at which sample they do."""
        n = round(self.header.seconds * rate)
        firsts = [0, *(b.first for b in self.find_breaks(rate))]
        return [(self.starts[first // n], first) for first in firsts if self.starts]


def read_header(path: Path) -> EdfHeader:
    """Read the header of an EDF or BDF file.

    Raises
    ------
    ValueError
        When it is no such header.
    """
    with path.open("rb") as file:
        fixed = file.read(256).decode("latin-1")
        n_signals = int(fixed[252:256])
        if not 0 <= 256 * n_signals <= path.stat().st_size:
            raise ValueError(
                f"the header says {n_signals} signals, the file ends in it"
            )
        text = file.read(256 * n_signals).decode("latin-1")

    def cut(before: int, width: int) -> tuple[str, ...]:
        start = before * n_signals
        ends = range(start, start + width * n_signals, width)
        return tuple(text[at : at + width].strip("\x00 ") for at in ends)

    counts = tuple(int(count) for count in cut(_BEFORE_COUNTS, 8))
    width = sum(counts) * (3 if fixed.startswith("\xff") else 2)
    start = 256 * (n_signals + 1)
    return EdfHeader(
        labels=cut(0, 16),
        units=cut(96, 8),
        ranges=tuple(zip(cut(104, 8), cut(112, 8), strict=True)),
        counts=counts,
        n_records=(path.stat().st_size - start) // width if width > 0 else 0,
        seconds=float(fixed[244:252]) or 1.0,  # as MNE has it
        start=start,
        width=width,
    )


def read_records(path: Path) -> EdfRecords:
    """Read when each record begins, and all annotations.

    Raises
    ------
    ValueError
        When the header cannot be read.
    """
    header = read_header(path)
    if not header.lists or not header.n_records:
        return EdfRecords(header)
    blocks = np.memmap(
        path, np.uint8, "r", header.start, (header.n_records, header.width)
    )
    size = header.width // sum(header.counts)
    starts: list[float] = []
    found: list[tuple[float, float, bytes]] = []
    for number, place in enumerate(header.lists):
        at = sum(header.counts[:place]) * size
        for block in blocks[:, at : at + header.counts[place] * size]:
            entries = list(_parse(block.tobytes()))
            if not number and entries and not entries[0][2]:
                starts.append(entries[0][0])
            found += [entry for entry in entries if entry[2]]
    if len(starts) != header.n_records:
        starts = []
    first = starts[0] if starts else 0.0
    return EdfRecords(
        header,
        tuple(start - first for start in starts),
        tuple(
            Marker(onset - first, lasts, text)
            for onset, lasts, written in found
            if (text := _decode(path, written, header.labels))
        ),
    )


def _parse(block: bytes) -> Iterator[tuple[float, float, bytes]]:
    """Yield what a list of annotations holds: onset, duration, text."""
    for entry in block.split(_PAIR):
        when, *texts = entry.split(_END)
        onset, _, lasts = when.partition(_LASTS)
        try:
            seconds = float(onset), float(lasts or 0)
        except ValueError:
            continue  # the zeros behind the last one
        written = [text for text in texts if text] or [b""]
        for text in written if texts else ():
            yield *seconds, text


def _decode(path: Path, written: bytes, labels: Sequence[str]) -> str:
    try:
        text = written.decode("utf-8")
    except UnicodeDecodeError:
        text = written.decode("latin-1")
        report(
            "F20",
            f"annotation {text!r} is not in UTF-8, as EDF+ has it",
            source=path,
            assumed="it is in Latin-1",
        )
    before, _, channel = text.partition("@@")
    return (before if channel in labels else text).strip()
