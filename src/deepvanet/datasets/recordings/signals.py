"""Read a user's own signals into the channels that a store has, and look at them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32
from numpy.typing import NDArray
from scipy.signal import filtfilt, iirnotch

from deepvanet.datasets.recordings.channel_reports import FileChannel
from deepvanet.datasets.recordings.channels import find_channels, find_places
from deepvanet.findings import list_some, report
from deepvanet.schema import Channel, ChannelType, Stream, UserError
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.lost_gaze import drop_lost, read_validity
from deepvanet.signal_io.time_grid import change_rate, shift
from deepvanet.signal_io.types import Signals
from deepvanet.signal_io.units import UNKNOWN, UNSTATED, VOLTAGES, convert, keep_in

NOTCH_QUALITY = 30.0

Bio = Float32[np.ndarray, "channel time"]


@dataclass(frozen=True)
class RecordingFiles:
    """The files of a recording, opened, and what they hold.

    Attributes
    ----------
    files : tuple of Signals
        The first one has the clock.
    offsets_s : tuple of float
        Second of it at which each one starts; 0 is its own.
    found : tuple of mapping
        Channels by name, for each file.
    """

    files: tuple[Signals, ...]
    offsets_s: tuple[float, ...]
    found: tuple[dict[str, FileChannel], ...]

    @property
    def main(self) -> Signals:
        """The file that has the clock."""
        return self.files[0]

    @property
    def channels(self) -> dict[str, FileChannel]:
        """All channels by name; the first file's where both have one."""
        return {name: f for found in reversed(self.found) for name, f in found.items()}


def describe_recording(
    files: Sequence[Signals], offsets_s: Sequence[float], declared: Declaration
) -> RecordingFiles:
    """Look up the channels of a recording's files.

    Parameters
    ----------
    files : sequence of Signals
        The first one has the clock.
    offsets_s : sequence of float
        Second of it at which each of the others starts.
    declared : Declaration
        What channels are, where it is said.
    """
    found = tuple(find_channels(signals, declared) for signals in files)
    report_shared(files, found)
    return RecordingFiles(tuple(files), (0.0, *offsets_s), found)


def report_shared(files: Sequence[Signals], found: Sequence[Collection[str]]) -> None:
    """Report channels of one name in two files of a recording."""
    for later, signals in enumerate(files):
        for first in range(later):
            earlier = [name for before in found[:first] for name in before]
            twice = [
                name
                for name in found[later]
                if name in found[first] and name not in earlier
            ]
            if twice:
                report(
                    "C02",
                    f"{list_some(twice)} also in {files[first].path.name}",
                    source=signals.path,
                    assumed=f"those of {files[first].path.name} are used",
                )


def read_bio(
    opened: RecordingFiles,
    channels: Sequence[Channel],
    declared: Declaration,
    *,
    start: int = 0,
    stop: int | None = None,
    beside: dict[int, NDArray[np.floating[Any]]] | None = None,
) -> Bio:
    """Read channels in the units asked for, at the rate of the first file.

    Parameters
    ----------
    opened : RecordingFiles
        The files of the recording, and the channels found in them.
    channels : sequence of Channel
        Channels to read, in this order, each with the unit to convert to.
    declared : Declaration
        Names reference channels and the mains frequency in Hz, where they are known.
    start, stop : int
        Samples of the first file: the first one read, and the one after the last.
    beside : dict, optional
        Keeps the samples of the other files from call to call, by number of the file:
        at another rate, a part of them comes from all of them.

    Returns
    -------
    array, shape (channel, time)
        In the units of ``channels``, at the rate of the first file.

    Raises
    ------
    UserError
        When a unit cannot be turned into another.
    """
    main = opened.main
    end = main.n_samples if stop is None else min(stop, main.n_samples)
    bio = np.empty((len(channels), end - start), np.float32)
    is_left = np.ones(len(channels), bool)
    for number, (signals, found) in enumerate(
        zip(opened.files, opened.found, strict=True)
    ):
        rows = [
            row for row, c in enumerate(channels) if is_left[row] and c.name in found
        ]
        is_left[rows] = False
        if not rows:
            continue
        wanted = [channels[row] for row in rows]
        places = [found[c.name] for c in wanted]
        if number:
            values = None if beside is None else beside.get(number)
            if values is None:
                values = _read_in_units(signals, places, wanted, 0, signals.n_samples)
                values = change_rate(values, sfreq=signals.sfreq, to=main.sfreq)
            if beside is not None:
                beside[number] = values
            by = round(opened.offsets_s[number] * main.sfreq) - start
            bio[rows] = shift(values, by=by, length=end - start)
        else:
            bio[rows] = _read_in_units(signals, places, wanted, start, end)
    _subtract_reference(bio, opened, channels, declared, start=start)
    _remove_mains(bio, channels, sfreq=main.sfreq, line_hz=declared.line_hz)
    return bio


def _read_in_units(
    signals: Signals,
    found: Sequence[FileChannel],
    wanted: Sequence[Channel],
    start: int,
    stop: int,
) -> NDArray[np.float32]:
    places = [item.place for item in found]
    values = np.array(signals.read(places, start, stop), np.float32)
    for row, (item, channel) in enumerate(zip(found, wanted, strict=True)):
        if item.is_missing:
            values[row] = np.nan
        elif channel.type is ChannelType.GAZE_VALIDITY:
            whole = np.asarray(signals.read([item.place], 0, signals.n_samples))
            values[row] = read_validity(values[row], whole)
        elif item.unit != channel.unit:
            values[row] = _convert(values[row], signals, item, channel)
    return drop_lost(values, [channel.type for channel in wanted])


def _convert(
    values: NDArray[np.float32], signals: Signals, item: FileChannel, channel: Channel
) -> NDArray[np.floating[Any]]:
    converted = convert(values, item.unit, to=channel.unit)
    if converted is not None:
        return converted
    report(
        "C21",
        f"{channel.name} is in {item.unit}, and in {channel.unit} in other recordings",
        source=signals.path,
        place=channel.name,
        assumed="the numbers of the channel are missing",
    )
    return np.full_like(values, np.nan)


def _subtract_reference(
    bio: Bio,
    opened: RecordingFiles,
    channels: Sequence[Channel],
    declared: Declaration,
    *,
    start: int,
) -> None:
    eeg = [row for row, c in enumerate(channels) if c.stream is Stream.EEG]
    if not declared.reference or not eeg:
        return
    main = opened.main
    places = find_places(main, declared.reference)
    if len(places) != len(declared.reference):
        raise UserError(
            f"{main.path}: lacks a reference channel of "
            f"{', '.join(declared.reference)}, got {', '.join(main.labels[:8])}"
        )
    read = np.asarray(main.read(places, start, start + bio.shape[1]), np.float64)
    units = [_find_reference_unit(main, place, declared) for place in places]
    values = [
        row if (made := convert(row, unit, to="uV")) is None else made
        for row, unit in zip(read, units, strict=True)
    ]
    bio[eeg] -= np.mean(values, axis=0)


def _remove_mains(
    bio: Bio, channels: Sequence[Channel], *, sfreq: float, line_hz: float | None
) -> None:
    """Remove mains noise from voltages; EEG is filtered below it later."""
    if not line_hz or line_hz >= 0.45 * sfreq:
        return
    b, a = iirnotch(line_hz, NOTCH_QUALITY, fs=sfreq)
    for row, channel in enumerate(channels):
        is_whole = bool(np.isfinite(bio[row]).all())
        if channel.stream is not Stream.EEG and channel.type in VOLTAGES and is_whole:
            bio[row] = filtfilt(b, a, bio[row].astype(np.float64))


def _find_reference_unit(main: Signals, place: int, declared: Declaration) -> str:
    unit = main.units[place]
    if "eeg" in declared.units or unit in (UNSTATED, UNKNOWN):
        return declared.units.get("eeg", "uV")
    if keep_in(unit) != "uV":
        report(
            "C03",
            f"the reference {main.labels[place]} is in {unit}, not in volts",
            source=main.path,
            place=main.labels[place],
            assumed="the unit is uV",
        )
        return "uV"
    return unit
