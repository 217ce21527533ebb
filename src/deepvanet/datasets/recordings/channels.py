"""Which channels of a user's own recordings are used, and which all of them share.

EEG is what is named after the 10-05 system, or what the file says is EEG;
peripheral is what the file says, or what a label names. ``recordings.toml``
can say otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deepvanet.schema import Channel, ChannelType, Stream
from deepvanet.signal_io.channel_names import find_electrode, guess_type, shorten_label
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.types import Signals
from deepvanet.signal_io.units import UNKNOWN, VOLTAGES, keep_in


@dataclass(frozen=True)
class FileChannel:
    """A channel in a file.

    Attributes
    ----------
    place : int
        Where it stands in the file.
    unit : str
        Of the file's numbers; those of ``channel`` may be others.
    is_assumed : bool
        Whether neither the file nor ``recordings.toml`` says the unit.
    """

    channel: Channel
    place: int
    unit: str
    is_assumed: bool


def find_channels(signals: Signals, declared: Declaration) -> dict[str, FileChannel]:
    """Return the channels of a file that can be used, by name, in its order."""
    found: dict[str, FileChannel] = {}
    for place, label in enumerate(signals.labels):
        named = _name(label, signals.types[place], declared)
        if named is None or named[0] in found:
            continue
        name, kind = named
        unit = _find_unit(label, kind, signals.units[place], declared)
        is_assumed = kind in VOLTAGES and keep_in(unit) != "uV"
        unit = "uV" if is_assumed else unit
        channel = Channel(name, kind, keep_in(unit))
        found[name] = FileChannel(channel, place, unit, is_assumed)
    return found


def name_channels(
    signals: Signals, wanted: Sequence[Channel], declared: Declaration
) -> dict[str, FileChannel]:
    """Return the channels of a file that have the names asked for.

    A unit that is not known is taken to be the one that is wanted.
    """
    found: dict[str, FileChannel] = {}
    for channel in wanted:
        for place in find_places(signals, [channel.name])[:1]:
            label = signals.labels[place]
            unit = _find_unit(label, channel.type, signals.units[place], declared)
            is_assumed = UNKNOWN in (keep_in(unit), channel.unit)
            unit = channel.unit if is_assumed else unit
            found[channel.name] = FileChannel(channel, place, unit, is_assumed)
    return found


def find_places(signals: Signals, labels: Sequence[str]) -> list[int]:
    """Return where channels stand that are named by their labels."""
    return [place for place, label in enumerate(signals.labels) if _is(label, labels)]


def share_channels(
    recordings: Sequence[Sequence[Channel]], declared: Declaration
) -> tuple[Channel, ...]:
    """Return the channels of all recordings that have any of their stream.

    What is declared is kept whole: a recording that lacks some of it goes without
    the stream.
    """
    shared: list[Channel] = []
    for stream in (Stream.EEG, Stream.PERIPHERAL):
        having = [
            {c.name: c for c in channels if c.stream is stream}
            for channels in recordings
        ]
        having = [by_name for by_name in having if by_name]
        known: dict[str, Channel] = {}
        for by_name in having:
            known |= {name: c for name, c in by_name.items() if name not in known}
        asked = declared.eeg if stream is Stream.EEG else declared.peripherals
        shared += [
            channel
            for name, channel in known.items()
            if asked is not None or all(name in by_name for by_name in having)
        ]
    return tuple(shared)


def split_streams(
    found: Mapping[str, FileChannel], channels: Sequence[Channel]
) -> tuple[tuple[Channel, ...], tuple[str, ...]]:
    """Return the channels of streams that are whole, and a note on each that is not."""
    kept: list[Channel] = []
    notes = []
    for stream in (Stream.EEG, Stream.PERIPHERAL):
        wanted = [channel for channel in channels if channel.stream is stream]
        missing = [c.name for c in wanted if c.name not in found]
        if not missing:
            kept += wanted
        elif len(missing) < len(wanted):
            notes.append(
                f"no {stream} stream, since {', '.join(missing)} of its "
                f"{len(wanted)} channels are missing"
            )
    return tuple(kept), tuple(notes)


def _name(
    label: str, said: ChannelType | None, declared: Declaration
) -> tuple[str, ChannelType] | None:
    """Return a channel's name and type, or None where it is of no use."""
    for name in declared.eeg or ():
        if _is(label, [name]):
            return name, ChannelType.EEG
    for name, kind in (declared.peripherals or {}).items():
        if _is(label, [name]):
            return name, kind
    if _is(label, declared.reference):
        return None
    electrode = find_electrode(label)
    if said in (None, ChannelType.EEG):
        said = ChannelType.EEG if electrode else guess_type(label) or said
    if said is None:
        return None
    if said is ChannelType.EEG:
        return None if declared.eeg is not None else (electrode or label, said)
    return None if declared.peripherals is not None else (shorten_label(label), said)


def _is(label: str, names: Sequence[str]) -> bool:
    spellings = {label.strip().lower(), shorten_label(label).lower()}
    return any(name.strip().lower() in spellings for name in names)


def _find_unit(label: str, kind: ChannelType, said: str, declared: Declaration) -> str:
    for key in (label, shorten_label(label), kind):
        if key.lower() in declared.units:
            return declared.units[key.lower()]
    return said or UNKNOWN
