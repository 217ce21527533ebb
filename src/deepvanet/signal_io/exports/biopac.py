"""BIOPAC AcqKnowledge (``.acq``), read by bioread.

A file has channels at the base rate or a whole part of it, each with a name and a unit
that the user may have typed, and markers by samples of the base rate. The format is
described in BIOPAC's Application Note 156; bioread knows what came later.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from math import lcm
from pathlib import Path
from typing import Any

import numpy as np

from deepvanet.findings import refuse, report, say_count
from deepvanet.optional_packages import load_package
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.exports.building import (
    ExportChannel,
    is_unix,
    make_signals,
    report_clock,
)
from deepvanet.signal_io.exports.placing import Placement
from deepvanet.signal_io.read_errors import explain_error
from deepvanet.signal_io.time_grid import change_rate, shift
from deepvanet.signal_io.types import Marker, Signals, Timing
from deepvanet.signal_io.units import spell_unit

MOST_CHANNELS = 128
"""AcqKnowledge has 16 analogue, 16 digital and some computed channels."""
LONGEST_PATTERN = 1_000_000
"""Samples after which the order of channels of several rates is as before."""
APPENDED = "apnd"
"""The type of the marker at which recording went on after a pause."""


def recognise(head: str, path: Path) -> bool:  # noqa: ARG001
    """Say whether a file is of AcqKnowledge, by its suffix."""
    return path.suffix.lower() == ".acq"


def read(path: Path, declared: Declaration) -> Signals:  # noqa: ARG001
    """Read it, at the highest rate of its channels.

    Raises
    ------
    UserError
        When bioread is not installed, or cannot read the file.
    """
    with explain_error(path):
        file = _load(path)
        channels = [channel for channel in file.channels if len(channel.data)]
    if not channels:
        raise refuse("F01", "holds no samples", source=path)
    sfreq = float(max(channel.samples_per_second for channel in channels))
    n_samples = max(
        round(len(channel.data) * sfreq / channel.samples_per_second)
        for channel in channels
    )
    values = np.concatenate([_resample(c, sfreq, n_samples) for c in channels])
    markers = file.event_markers or []
    base = float(file.samples_per_second)
    start = _find_start(markers)
    rates = dict.fromkeys(f"{c.samples_per_second:g}" for c in channels)
    clock = "no absolute start" if start is None else "its start is that of a marker"
    report_clock(path, "AcqKnowledge", f"channels at {', '.join(rates)} Hz, {clock}")
    _report_pauses(path, markers, base)
    return make_signals(
        path,
        [ExportChannel(c.name.strip(), spell_unit(c.units), None) for c in channels],
        values,
        Placement(np.arange(n_samples), sfreq, 0.0, Timing(sfreq)),
        markers=[
            Marker(marker.sample_index / base, 0.0, text)
            for marker in markers
            if (text := str(marker.text or "").strip())
        ],
        start_unix_s=start,
        rates=[float(channel.samples_per_second) for channel in channels],
    )


def _load(path: Path) -> Any:
    reader = load_package("bioread", source=path).reader.Reader
    _check_channel_count(path)
    with _hear(path):
        said = reader.read_headers(str(path)).datafile
    if said is None:
        raise ValueError("not a file of AcqKnowledge that bioread knows")
    _check_claims(path, said)
    with _hear(path):
        return reader.read(str(path)).datafile


def _check_channel_count(path: Path) -> None:
    from bioread.header_reader import GraphHeaderReader

    with path.open("rb") as file:
        n_channels = GraphHeaderReader.bootstrap(file).channel_count
    if not 0 < n_channels <= MOST_CHANNELS:
        raise ValueError(f"its header says {n_channels} channels")


def _check_claims(path: Path, said: Any) -> None:
    """Refuse headers that claim more than the file holds, before room is made."""
    lengths = [channel.data_length for channel in said.channels]
    size = path.stat().st_size
    if min(lengths) < 0 or (not said.is_compressed and sum(lengths) > size):
        raise ValueError(
            f"its header says {sum(lengths)} bytes of samples, the file has {size}"
        )
    dividers = [channel.frequency_divider for channel in said.channels]
    if min(dividers) < 1 or lcm(*dividers) > LONGEST_PATTERN:
        raise ValueError(f"its header says parts {dividers} of the rate")


@contextmanager
def _hear(path: Path) -> Iterator[None]:
    """Report what bioread says, which it would write to the terminal."""
    logger = logging.getLogger("bioread")
    handlers, heard = logger.handlers, _Listener()
    logger.handlers, logger.propagate = [heard], False
    try:
        yield
    finally:
        logger.handlers, logger.propagate = handlers, True
        for text in dict.fromkeys(heard.texts):
            said = "all that was read is used"
            report("F04", f"bioread says: {text}", source=path, assumed=said)


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def _resample(
    channel: Any, sfreq: float, n_samples: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    values = np.asarray(channel.data, np.float64)[None]
    own = float(channel.samples_per_second)
    return shift(change_rate(values, sfreq=own, to=sfreq), by=0, length=n_samples)


def _find_start(markers: Any) -> float | None:
    """Return the Unix time of the marker at the first sample, where it has one."""
    for marker in markers:
        made: datetime | None = getattr(marker, "date_created_utc", None)
        if marker.sample_index == 0 and made and is_unix(made.timestamp()):
            return made.timestamp()
    return None


def _report_pauses(path: Path, markers: Any, base: float) -> None:
    """Report where recording went on after a pause, which samples do not show."""
    at = [
        marker.sample_index / base
        for marker in markers
        if marker.type_code == APPENDED and marker.sample_index > 0
    ]
    if at:
        report(
            "T01",
            f"recording was paused {say_count(len(at), 'time')}, first after "
            f"{at[0]:.1f} s",
            source=path,
            assumed="seconds are those that AcqKnowledge shows, without the pauses",
            cure="Give seconds without the pauses, or a file for each part.",
        )
