"""Which channels of a user's own recordings are used, and which all of them share.

EEG is what is named after the 10-05 system, or what the file says is EEG;
peripheral is what the file says, or what a whole label names. ``recordings.toml``
can say otherwise. What is assumed or left out is reported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deepvanet.datasets.recordings.channel_reports import (
    FileChannel,
    report_faults,
    report_lost,
    report_other_units,
    report_repeated,
    report_units,
    report_unused,
)
from deepvanet.findings import list_some, report
from deepvanet.schema import SIGNALS, Channel, ChannelType, Stream
from deepvanet.signal_io.channel_names import (
    find_electrode,
    guess_type,
    is_service,
    shorten_label,
    split_unit,
)
from deepvanet.signal_io.declared import FILE_NAME, Declaration
from deepvanet.signal_io.types import Signals
from deepvanet.signal_io.units import UNKNOWN, UNSTATED, VOLTAGES, is_known, keep_in


@dataclass(frozen=True)
class _Named:
    """What a label was taken for."""

    place: int
    name: str
    kind: ChannelType
    why: str


def find_channels(signals: Signals, declared: Declaration) -> dict[str, FileChannel]:
    """Return the channels of a file that can be used, by name, in its order."""
    places = range(len(signals.labels))
    named = [item for k in places if (item := _name(signals, k, declared))]
    first: dict[str, _Named] = {}
    for item in named:
        first.setdefault(item.name, item)
    known = {item.place for item in named}
    unused = set(places) - known - set(find_places(signals, declared.reference))
    found = {name: _describe(signals, item, declared) for name, item in first.items()}
    report_repeated(signals, [(item.name, item.place) for item in named])
    are_declared = declared.eeg is not None or declared.peripherals is not None
    report_unused(signals, sorted(unused), are_declared=are_declared)
    report_faults(signals, found.values())
    report_units(signals, found.values())
    return found


def name_channels(
    signals: Signals, wanted: Sequence[Channel], declared: Declaration
) -> dict[str, FileChannel]:
    """Return the channels of a file that have the names asked for.

    A unit that is not known is taken to be the one that is wanted.
    """
    found: dict[str, FileChannel] = {}
    named: list[tuple[str, int]] = []
    stated: dict[str, str] = {}
    for channel in wanted:
        places = find_places(signals, [channel.name])
        named += [(channel.name, place) for place in places]
        for place in places[:1]:
            label = signals.labels[place]
            unit = _find_unit(label, channel.type, signals.units[place], declared)
            is_assumed = UNKNOWN in (keep_in(unit), channel.unit)
            stated[channel.name] = unit
            found[channel.name] = FileChannel(
                channel=channel,
                place=place,
                unit=channel.unit if is_assumed else unit,
                is_assumed=is_assumed,
                why="label",
                is_missing=place in signals.faults or place in signals.bad,
            )
    report_repeated(signals, named)
    report_faults(signals, found.values())
    report_other_units(signals, found.values(), stated)
    return found


def find_places(signals: Signals, labels: Sequence[str]) -> list[int]:
    """Return where channels stand that are named by their labels."""
    return [place for place, label in enumerate(signals.labels) if _is(label, labels)]


def share_channels(
    recordings: Mapping[str, Sequence[Channel]], declared: Declaration
) -> tuple[Channel, ...]:
    """Return the channels of all recordings that have any of their stream.

    What is declared is kept whole: a recording that lacks some of it goes without
    the stream. What is lost for all is reported.

    Parameters
    ----------
    recordings : mapping
        Channels of each recording, by what results call it.
    declared : Declaration
        Names channels that are kept.
    """
    shared: list[Channel] = []
    for stream in SIGNALS:
        having = {
            recording: {c.name: c for c in channels if c.stream is stream}
            for recording, channels in recordings.items()
        }
        having = {key: by_name for key, by_name in having.items() if by_name}
        known: dict[str, Channel] = {}
        for by_name in having.values():
            known |= {name: c for name, c in by_name.items() if name not in known}
        asked = declared.eeg if stream is Stream.EEG else declared.peripherals
        lacking = {
            name: tuple(key for key, by_name in having.items() if name not in by_name)
            for name in known
        }
        if asked is None:
            report_lost(stream, lacking, len(having))
        shared += [
            channel
            for name, channel in known.items()
            if asked is not None or not lacking[name]
        ]
    return tuple(shared)


def split_streams(
    found: Mapping[str, FileChannel],
    channels: Sequence[Channel],
    *,
    source: object = "",
) -> tuple[Channel, ...]:
    """Return the channels of streams that are whole, and report those that are not.

    Parameters
    ----------
    found : mapping
        Channels of a recording, by name.
    channels : sequence of Channel
        What all recordings are to have.
    source : object
        What a finding calls the recording.
    """
    kept: list[Channel] = []
    for stream in SIGNALS:
        wanted = [channel for channel in channels if channel.stream is stream]
        missing = [c.name for c in wanted if c.name not in found]
        if not missing:
            kept += wanted
        elif len(missing) < len(wanted):
            report(
                "C07",
                f"no {stream} stream, since {list_some(missing)} of its "
                f"{len(wanted)} channels are missing",
                source=source,
                assumed=f"the recording is used without {stream}",
            )
    return tuple(kept)


def _name(signals: Signals, place: int, declared: Declaration) -> _Named | None:
    """Return what a channel is called and measures, or None where it is of no use."""
    label, said, why = signals.labels[place], signals.types[place], "type in the file"
    for name in declared.eeg or ():
        if _is(label, [name]):
            return _Named(place, name, ChannelType.EEG, FILE_NAME)
    for name, kind in (declared.peripherals or {}).items():
        if _is(label, [name]):
            return _Named(place, name, kind, FILE_NAME)
    if _is(label, declared.reference):
        return None
    plain, _ = split_unit(label)
    electrode = find_electrode(plain)
    if said in (None, ChannelType.EEG):
        guessed = ChannelType.EEG if electrode else guess_type(plain)
        if guessed:
            why = "electrode name" if electrode else "label"
        elif is_service(plain):
            return None
        said = guessed or said
    if said is None:
        return None
    asked = declared.eeg if said is ChannelType.EEG else declared.peripherals
    if asked is not None:
        return None
    shown = electrode if said is ChannelType.EEG else None
    return _Named(place, shown or shorten_label(plain), said, why)


def _describe(signals: Signals, item: _Named, declared: Declaration) -> FileChannel:
    label = signals.labels[item.place]
    unit = _find_unit(label, item.kind, signals.units[item.place], declared)
    is_assumed = unit == UNSTATED or (item.kind in VOLTAGES and unit == UNKNOWN)
    if is_assumed:
        unit = "uV" if item.kind in VOLTAGES else UNKNOWN
    return FileChannel(
        channel=Channel(item.name, item.kind, keep_in(unit)),
        place=item.place,
        unit=unit if is_known(unit) else UNKNOWN,
        is_assumed=is_assumed,
        why=item.why,
        is_missing=item.place in signals.faults or item.place in signals.bad,
    )


def _is(label: str, names: Sequence[str]) -> bool:
    plain, _ = split_unit(label)
    spellings = {label.strip().lower(), plain.lower(), shorten_label(plain).lower()}
    return any(name.strip().lower() in spellings for name in names)


def _find_unit(label: str, kind: ChannelType, said: str, declared: Declaration) -> str:
    plain, beside = split_unit(label)
    for key in (label, plain, shorten_label(plain), kind):
        if key.lower() in declared.units:
            return declared.units[key.lower()]
    return said if said not in (UNSTATED, UNKNOWN) else beside or said
