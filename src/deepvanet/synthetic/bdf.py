"""Write BDF as BioSemi's amplifiers do: 24 bits, records of a second, Status last.

Three things of their headers that edfio does not write are put in afterwards: that
the file holds 24 bits, and, where a recording was broken off, -1 in place of the
number of records.

References
----------
.. [1] https://www.biosemi.com/faq/file_format.htm
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
from edfio import Bdf, BdfSignal, Recording
from jaxtyping import Float, Int

from deepvanet.files import whole_file

RECORD_S = 1.0  # seconds of a record
RANGES: Mapping[str, tuple[float, float]] = {
    "uV": (-262144.0, 262143.0),
    "Ohm": (-8388608.0, 8388607.0),
    "nS": (-524288.0, 524287.0),
    "degC": (-128.0, 128.0),
}
"""The lowest and highest number of a unit that 24 bits stand for; uV is BioSemi's."""
OTHER_RANGE = RANGES["uV"]

_START = date(2009, 1, 1)
_IS_24_BIT = 192, b"24BIT".ljust(44)  # byte of the header, and what stands there
_NO_LENGTH = 236, b"-1".ljust(8)


def write_bdf(
    path: Path,
    bio: Float[np.ndarray, "channel time"],
    *,
    labels: Sequence[str],
    units: Sequence[str],
    sfreq: float,
    status: Int[np.ndarray, " time"],
    status_labels: Sequence[str] = ("Status",),
    knows_length: bool = True,
) -> None:
    """Write signals and triggers; the same arguments make the same bytes.

    Parameters
    ----------
    path : Path
        The file; it appears whole or not at all.
    bio : array, shape (channel, time)
        Whole seconds in ``units``. What is outside ``RANGES`` is clipped, as a
        converter does.
    labels, units : sequence of str
        Name and unit of each channel of ``bio``, as the header gives them.
    sfreq : float
        Samples a second of all channels.
    status : array, shape (time,)
        The 24 bits of the last channel, as a number from 0.
    status_labels : sequence of str
        Of the trigger channels after ``bio``; all but the last hold zeros.
    knows_length : bool
        Whether the header says how many records there are.
    """
    signals = [
        _make_signal(row, sfreq, label, unit)
        for row, label, unit in zip(bio, labels, units, strict=True)
    ]
    silent = np.zeros_like(status)
    for number, label in enumerate(status_labels, 1):
        codes = status if number == len(status_labels) else silent
        signals.append(_make_status(codes, sfreq, label))
    recording = Recording(startdate=_START)
    bdf = Bdf(signals, recording=recording, data_record_duration=RECORD_S)
    with whole_file(path) as unfinished:
        bdf.write(unfinished)
        _patch(unfinished, *_IS_24_BIT)
        if not knows_length:
            _patch(unfinished, *_NO_LENGTH)


def _make_signal(
    row: Float[np.ndarray, " time"], sfreq: float, label: str, unit: str
) -> BdfSignal:
    limits = RANGES.get(unit, OTHER_RANGE)
    return BdfSignal(
        np.clip(row, *limits),
        sfreq,
        label=label,
        physical_dimension=unit,
        physical_range=limits,
    )


def _make_status(
    codes: Int[np.ndarray, " time"], sfreq: float, label: str
) -> BdfSignal:
    signed = np.where(codes >= 1 << 23, codes - (1 << 24), codes)
    return BdfSignal.from_digital(
        signed.astype(np.int32), sfreq, label=label, physical_dimension="Boolean"
    )


def _patch(path: Path, place: int, said: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(said)
