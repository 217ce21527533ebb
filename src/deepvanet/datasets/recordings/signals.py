"""Read a user's own signals into the channels that a store has, and look at them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from numpy.typing import NDArray
from scipy.signal import filtfilt, iirnotch

from deepvanet.datasets.recordings.channels import (
    FileChannel,
    find_channels,
    find_places,
)
from deepvanet.preprocessing.bio import find_flat
from deepvanet.schema import Channel, ChannelType, Stream, UserError
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.time_grid import change_rate, shift
from deepvanet.signal_io.types import Signals
from deepvanet.signal_io.units import VOLTAGES, convert

NOTCH_QUALITY = 30.0
STEP_S = 0.05
PLAUSIBLE_EEG_UV = (0.1, 1000.0)
"""What EEG changes by in ``STEP_S``, roughly; a thousandth is no microvolt."""
PLAUSIBLE_LEVEL = {
    (ChannelType.GSR, "uS"): (0.01, 200.0),
    (ChannelType.GSR, "Ohm"): (1e3, 1e8),
    (ChannelType.TEMPERATURE, "degC"): (5.0, 45.0),
}

Bio = Float32[np.ndarray, "channel time"]


@dataclass(frozen=True)
class RecordingFiles:
    """The one or two files of a recording, opened, and what they hold.

    Attributes
    ----------
    files : tuple of Signals
        The first one has the clock.
    offset_s : float
        Second of it at which the other one starts.
    found : tuple of mapping
        Channels by name, for each file.
    """

    files: tuple[Signals, ...]
    offset_s: float
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
    files: Sequence[Signals], offset_s: float, declared: Declaration
) -> RecordingFiles:
    """Look up the channels of a recording's files."""
    found = tuple(find_channels(signals, declared) for signals in files)
    return RecordingFiles(tuple(files), offset_s, found)


def read_bio(
    opened: RecordingFiles,
    channels: Sequence[Channel],
    declared: Declaration,
    *,
    start: int = 0,
    stop: int | None = None,
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
            # at another rate, so a part of it comes from all of it
            values = _read_in_units(signals, places, wanted, 0, signals.n_samples)
            values = change_rate(values, sfreq=signals.sfreq, to=main.sfreq)
            by = round(opened.offset_s * main.sfreq) - start
            bio[rows] = shift(values, by=by, length=end - start)
        else:
            bio[rows] = _read_in_units(signals, places, wanted, start, end)
    _subtract_reference(bio, opened, channels, declared, start=start)
    _remove_mains(bio, channels, sfreq=main.sfreq, line_hz=declared.line_hz)
    return bio


def find_odd(bio: Bio, channels: Sequence[Channel], *, sfreq: float) -> list[str]:
    """Say which numbers cannot be right in the units they are said to have."""
    notes = []
    is_silent = find_flat(bio) | ~np.isfinite(bio).any(axis=1)
    eeg = [row for row, c in enumerate(channels) if c.stream is Stream.EEG]
    alive = [row for row in eeg if not is_silent[row]]
    if alive:
        step = _measure_step(bio[alive], sfreq)
        if not PLAUSIBLE_EEG_UV[0] <= step <= PLAUSIBLE_EEG_UV[1]:
            notes.append(
                f"EEG changes by {step:.2g} uV in {STEP_S:g} s, which no head does: "
                "is its unit another (units of recordings.toml)?"
            )
    for row, channel in enumerate(channels):
        if is_silent[row]:
            level = bio[row][np.isfinite(bio[row])]
            said = f"{level[0]:g} {channel.unit}" if len(level) else "no number"
            notes.append(f"{channel.name} is {said} throughout")
            continue
        level = PLAUSIBLE_LEVEL.get((channel.type, channel.unit))
        median = float(np.nanmedian(bio[row]))
        if level and not level[0] <= median <= level[1]:
            notes.append(
                f"{channel.name} is {median:.3g} {channel.unit}, expected "
                f"{level[0]:g} to {level[1]:g}: is its unit another?"
            )
    return notes


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
        if item.unit == channel.unit:
            continue
        converted = convert(values[row], item.unit, to=channel.unit)
        if converted is None:
            raise UserError(
                f"{signals.path}: {channel.name} is in {item.unit}, and in "
                f"{channel.unit} in other recordings"
            )
        values[row] = converted
    return values


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
    units = [declared.units.get("eeg", main.units[place]) for place in places]
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


def _measure_step(eeg: Bio, sfreq: float) -> float:
    """Return by how much most channels change in ``STEP_S`` most of the time."""
    lag = min(max(1, round(STEP_S * sfreq)), eeg.shape[1] - 1)
    steps = np.abs(eeg[:, lag:] - eeg[:, :-lag])
    return float(np.nanmedian(np.nanmedian(steps, axis=1)))
