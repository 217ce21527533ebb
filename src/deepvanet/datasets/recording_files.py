"""One recording from a signal file, for prediction.

A file that lies in its data set is read as that: DEAP's ``.dat`` and ``.bdf`` hold
all trials of a subject, as do a ``.mat`` of AMIGOS and a ``.pkl`` of WESAD;
``DREAMER.mat`` holds those of all subjects, a ``.bdf`` of MAHNOB-HCI one. Everything
else is opened as recordings of a user are, with what a ``recordings.toml`` beside it
says: all that MNE reads, XDF, CSV, Parquet.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from deepvanet.datasets.file_trials import refuse_trial
from deepvanet.datasets.recordings.channels import name_channels
from deepvanet.datasets.recordings.clocks import place_files
from deepvanet.datasets.recordings.rows import PeripheralFile
from deepvanet.datasets.recordings.signals import (
    RecordingFiles,
    read_bio,
    report_shared,
)
from deepvanet.datasets.records import FileReader, list_all
from deepvanet.schema import Channel, Recording, UserError
from deepvanet.signal_io.declared import Declaration, read_declared
from deepvanet.signal_io.exports.known import find_export
from deepvanet.signal_io.open_file import open_signals
from deepvanet.signal_io.types import Signals

Bio = Float[np.ndarray, "channel time"]


@dataclass(frozen=True)
class SignalSource:
    """Signals of one person that can be read in parts.

    Attributes
    ----------
    n_samples : int
        Length at ``sfreq``, in samples.
    read : callable
        From the first sample to the one before the last, in the units of
        ``channels``.
    file : Signals
        The opened file, which knows its markers.
    """

    channels: tuple[Channel, ...]
    sfreq: float
    n_samples: int
    read: Callable[[int, int], Bio]
    file: Signals


def open_source(
    path: Path,
    *,
    channels: Sequence[Channel],
    peripherals: Sequence[PeripheralFile] = (),
) -> SignalSource | None:
    """Open a signal file that can be read in parts, or return None.

    None is a file of a data set, which ``read_recording`` reads: its trials lie where
    that data set says.

    Parameters
    ----------
    path : Path
        The file that has the clock.
    channels : sequence of Channel
        Found by name; upper and lower case are the same.
    peripherals : sequence of PeripheralFile
        Further files of the same recording.

    Returns
    -------
    SignalSource | None
        All channels that are found, at the rate of the first file.

    Raises
    ------
    UserError
        When a file cannot be read.
    """
    _require_files(path, peripherals)
    return None if find_reader(path) else _open_signals(path, channels, peripherals)


def read_recording(
    path: Path,
    *,
    channels: Sequence[Channel],
    trial: str | None = None,
    peripherals: Sequence[PeripheralFile] = (),
) -> Recording:
    """Read the channels that a signal file has among those asked for, in that order.

    A trial of a data set comes as a recording of one span; of any other file is
    not known what was shown when, or whether it was filtered: it counts as raw.

    Parameters
    ----------
    path : Path
        The file that has the clock.
    channels : sequence of Channel
        Found by name; upper and lower case are the same.
    trial : str, optional
        Which trial, where the file holds several.
    peripherals : sequence of PeripheralFile
        Further files of the same recording.

    Returns
    -------
    Recording
        All of it, or the trial.

    Raises
    ------
    UserError
        When the file cannot be read, or ``trial`` does not fit it.
    """
    _require_files(path, peripherals)
    reader = find_reader(path)
    if reader is not None:
        return _pick_channels(reader.read_file(path, trial), channels)
    refuse_trial(path, trial)
    return _read_signals(path, channels, peripherals)


def _require_files(path: Path, peripherals: Sequence[PeripheralFile]) -> None:
    named = [("bio", path), *(("input", item.path) for item in peripherals)]
    for field, file in named:
        if not file.is_file() and find_export(file) is None:
            raise UserError(f"{file}: no such file", field=field)
    if peripherals and find_reader(path):
        raise UserError(
            f"{peripherals[0].path} cannot stand beside {path}, a data set's file, "
            "which has all its signals",
            field="input",
        )


def find_reader(path: Path) -> FileReader | None:
    """Return the reader of the data set that a file lies in, or None."""
    for record in list_all():
        if path.suffix.lower() in record.suffixes:
            reader = record.load_reader()
            if isinstance(reader, FileReader) and reader.holds(path):
                return reader
    return None


def _pick_channels(recording: Recording, channels: Sequence[Channel]) -> Recording:
    order = [c for c in channels if c in recording.channels]
    index = [recording.channels.index(c) for c in order]
    return replace(recording, bio=recording.bio[index], channels=tuple(order))


def _read_signals(
    path: Path, channels: Sequence[Channel], peripherals: Sequence[PeripheralFile]
) -> Recording:
    source = _open_signals(path, channels, peripherals)
    return Recording(
        subject="",
        name=path.name,
        bio=source.read(0, source.n_samples),
        sfreq=source.sfreq,
        channels=source.channels,
        spans=(),
        is_raw=True,
    )


def _open_signals(
    path: Path, channels: Sequence[Channel], peripherals: Sequence[PeripheralFile]
) -> SignalSource:
    with _name_option():
        declared = read_declared(path.parent)
        opened = _open(path, peripherals, channels, declared)
    found = tuple(c for c in channels if c.name in opened.channels)
    beside: dict[int, NDArray[np.floating[Any]]] = {}

    def read(start: int, stop: int) -> Bio:
        with _name_option():
            return read_bio(
                opened, found, declared, start=start, stop=stop, beside=beside
            )

    main = opened.main
    return SignalSource(found, main.sfreq, main.n_samples, read, main)


@contextmanager
def _name_option() -> Iterator[None]:
    """Say which option named the file that a sentence is about."""
    try:
        yield
    except UserError as error:
        raise UserError(str(error), field="bio") from None


def _open(
    path: Path,
    peripherals: Sequence[PeripheralFile],
    channels: Sequence[Channel],
    declared: Declaration,
) -> RecordingFiles:
    paths = (path, *(item.path for item in peripherals))
    files = tuple(open_signals(file, declared) for file in paths)
    found = tuple(name_channels(signals, channels, declared) for signals in files)
    report_shared(files, found)
    opened = RecordingFiles(files, (0.0, *place_files(files, peripherals)), found)
    if not opened.channels:
        wanted = ", ".join(c.name for c in channels[:6])
        labels = [label for signals in files for label in signals.labels]
        got = ", ".join(labels[:6])
        raise UserError(
            f"{path}: none of the channels the bundle needs ({wanted} ...), got "
            f"{got + ' ...' if got else 'no channel'}"
        )
    return opened
