"""Which channels of a user's own recordings are used, and which all of them share.

EEG is what is named after the 10-05 system, or what the file says is EEG;
peripheral is what the file says, or what a whole label names. ``recordings.toml``
can say otherwise. What is assumed or left out is reported.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deepvanet.datasets.findings import list_some
from deepvanet.findings import report
from deepvanet.schema import Channel, ChannelType, Stream
from deepvanet.signal_io.channel_names import (
    find_electrode,
    guess_type,
    is_service,
    shorten_label,
    split_unit,
)
from deepvanet.signal_io.declared import FILE_NAME, Declaration
from deepvanet.signal_io.types import Signals
from deepvanet.signal_io.units import UNKNOWN, VOLTAGES, is_known, keep_in, spell_unit

LEAST_RATES_HZ: Mapping[ChannelType, float] = {
    ChannelType.EEG: 64.0,
    ChannelType.EOG: 20.0,
    ChannelType.EMG: 20.0,
    ChannelType.ECG: 50.0,
    ChannelType.GSR: 1.0,
    ChannelType.RESPIRATION: 4.0,
    ChannelType.PLETHYSMOGRAPH: 16.0,
    ChannelType.TEMPERATURE: 0.1,
}
"""Below them a signal holds nothing of what its name says: no theta and alpha with
some room, no heart beat within a tenth of a second [1]_, no breath.

References
----------
.. [1] Kwon et al. (2018). Electrocardiogram sampling frequency range acceptable for
   heart rate variability analysis. Healthcare Informatics Research 24, 198-206.
"""

FITTING_UNITS: Mapping[ChannelType, tuple[str, ...]] = {
    **dict.fromkeys(VOLTAGES, ("uV",)),
    ChannelType.GSR: ("uS", "Ohm"),
    ChannelType.TEMPERATURE: ("degC",),
}
"""Units that a sensor's numbers are kept in; others have none that they must have."""


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
    why : str
        What says what it measures.
    is_missing : bool
        Whether its numbers are left out: it is marked as bad, or has no range.
    """

    channel: Channel
    place: int
    unit: str
    is_assumed: bool
    why: str = ""
    is_missing: bool = False


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
    _report_repeated(signals, named)
    _report_unused(signals, {item.place for item in named}, declared)
    found = {name: _describe(signals, item, declared) for name, item in first.items()}
    _report_faults(signals, found.values())
    _report_units(signals, found.values())
    return found


def name_channels(
    signals: Signals, wanted: Sequence[Channel], declared: Declaration
) -> dict[str, FileChannel]:
    """Return the channels of a file that have the names asked for.

    A unit that is not known is taken to be the one that is wanted.
    """
    found: dict[str, FileChannel] = {}
    named: list[_Named] = []
    for channel in wanted:
        places = find_places(signals, [channel.name])
        named += [_Named(k, channel.name, channel.type, "label") for k in places]
        for place in places[:1]:
            label = signals.labels[place]
            unit = _find_unit(label, channel.type, signals.units[place], declared)
            is_assumed = UNKNOWN in (keep_in(unit), channel.unit)
            found[channel.name] = FileChannel(
                channel=channel,
                place=place,
                unit=channel.unit if is_assumed else unit,
                is_assumed=is_assumed,
                why="label",
                is_missing=place in signals.faults or place in signals.bad,
            )
            if not is_known(unit) and not found[channel.name].is_missing:
                _report_unknown(signals, label, unit, f"{channel.unit}, as in training")
    _report_repeated(signals, named)
    _report_faults(signals, found.values())
    _report_other_units(signals, found.values(), declared)
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
    for stream in (Stream.EEG, Stream.PERIPHERAL):
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
            _report_lost(stream, lacking, len(having))
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
    for stream in (Stream.EEG, Stream.PERIPHERAL):
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
    is_assumed = unit == UNKNOWN
    if is_assumed and item.kind in VOLTAGES:
        unit = "uV"
    return FileChannel(
        channel=Channel(item.name, item.kind, keep_in(unit)),
        place=item.place,
        unit=unit if is_known(unit) else UNKNOWN,
        is_assumed=is_assumed,
        why=item.why,
        is_missing=item.place in signals.faults or item.place in signals.bad,
    )


def _report_repeated(signals: Signals, named: Sequence[_Named]) -> None:
    for name in dict.fromkeys(item.name for item in named):
        places = [item.place for item in named if item.name == name]
        if len(places) > 1:
            labels = dict.fromkeys(signals.labels[place] for place in places)
            said = "" if list(labels) == [name] else f" ({', '.join(labels)})"
            count = {2: "two", 3: "three"}.get(len(places), str(len(places)))
            report(
                "C02",
                f"{count} channels are called {name}{said}",
                source=signals.path,
                place=name,
                assumed=f"the first one of them, channel {places[0] + 1} of the file",
            )


def _report_unused(
    signals: Signals, used: Iterable[int], declared: Declaration
) -> None:
    used = set(used) | set(find_places(signals, declared.reference))
    left = [label for k, label in enumerate(signals.labels) if k not in used]
    if left:
        verb = "channel is" if len(left) == 1 else "channels are"
        report(
            "C01",
            f"{len(left)} {verb} not used: {list_some(left)}",
            source=signals.path,
            cure=f"state what they measure under [peripherals], or add them to eeg, in "
            f"{FILE_NAME}",
        )


def _report_faults(signals: Signals, found: Iterable[FileChannel]) -> None:
    """Report channels without a range, those marked as bad, and rates too low."""
    for item in found:
        name, kind = item.channel.name, item.channel.type
        if item.place in signals.faults:
            report(
                "C06",
                signals.faults[item.place],
                source=signals.path,
                place=name,
                assumed="the numbers of the channel are missing",
            )
        elif item.place in signals.bad:
            report(
                "C09",
                "marked as bad, so its numbers are missing; icalabel interpolates it"
                if kind is ChannelType.EEG
                else "marked as bad, so its numbers are missing",
                source=signals.path,
                place=name,
            )
        rate = signals.rates[item.place] if signals.rates else signals.sfreq
        if rate < LEAST_RATES_HZ[kind] * (1 - 1e-3):
            report(
                "C12",
                f"{rate:.3g} samples a second, at least {LEAST_RATES_HZ[kind]:g} are "
                f"needed for {kind}",
                source=signals.path,
                place=name,
                assumed="the channel is used as it is",
            )


def _report_units(signals: Signals, found: Iterable[FileChannel]) -> None:
    """Report units that are not stated, not known, or of something else."""
    unstated = [f.channel for f in found if f.is_assumed and not f.is_missing]
    volts = [c.name for c in unstated if c.type in VOLTAGES]
    others = [
        c.name for c in unstated if c.type in FITTING_UNITS and c.name not in volts
    ]
    for names, assumed in ((volts, "uV"), (others, "numbers without a unit")):
        if names:
            said = f"no unit is stated for {', '.join(names)}: taken for {assumed}"
            report("C04", said, source=signals.path, assumed=assumed)
    for item in found:
        label, kind = signals.labels[item.place], item.channel.type
        written, fits = signals.units[item.place], FITTING_UNITS.get(kind)
        if item.is_missing or item.is_assumed:
            continue
        if item.unit == UNKNOWN and not is_known(written):
            _report_unknown(signals, item.channel.name, written, "a.u.")
        elif fits and keep_in(item.unit) not in fits:
            report(
                "C20",
                f"{item.unit} is no unit of {kind}",
                source=signals.path,
                place=item.channel.name,
                assumed=f"numbers in {item.unit}",
            )
        beside = spell_unit(split_unit(label)[1])
        if beside != UNKNOWN and written not in (UNKNOWN, beside):
            report(
                "C08",
                f"the label says {beside}, the file {written}",
                source=signals.path,
                place=item.channel.name,
                assumed=item.unit,
            )


def _report_unknown(signals: Signals, name: str, unit: str, assumed: str) -> None:
    report(
        "C03",
        f"the unit {unit!r} is not known",
        source=signals.path,
        place=name,
        assumed=assumed,
        cure=f'write the unit under [units] in {FILE_NAME}, as "{name}" = "uV"',
    )


def _report_other_units(
    signals: Signals, found: Iterable[FileChannel], declared: Declaration
) -> None:
    """Report channels whose unit is known in training only, or here only."""
    here: dict[str, str] = {}
    there: list[str] = []
    for item in found:
        label, channel = signals.labels[item.place], item.channel
        unit = _find_unit(label, channel.type, signals.units[item.place], declared)
        if item.is_missing or not is_known(unit):
            continue
        if unit == UNKNOWN and channel.unit != UNKNOWN:
            here[channel.name] = channel.unit
        elif (
            unit != UNKNOWN
            and channel.unit == UNKNOWN
            and channel.type in FITTING_UNITS
        ):
            there.append(channel.name)
    if here:
        units = ", ".join(dict.fromkeys(here.values()))
        report(
            "C13",
            f"no unit is stated for {', '.join(here)}: taken for {units} as in "
            "training",
            source=signals.path,
            assumed=units,
        )
    if there:
        report(
            "C13",
            f"the unit of {', '.join(there)} was not stated in training: numbers are "
            "taken as they are",
            source=signals.path,
            assumed="the unit of training",
        )


def _report_lost(
    stream: Stream, lacking: Mapping[str, tuple[str, ...]], n_recordings: int
) -> None:
    """Report channels that are used in no recording, since some lack them."""
    for recordings in dict.fromkeys(filter(None, lacking.values())):
        names = [name for name, them in lacking.items() if them == recordings]
        verb = "is" if len(names) == 1 else "are"
        they = "it is" if len(names) == 1 else "they are"
        key = "eeg" if stream is Stream.EEG else "[peripherals]"
        report(
            "C07",
            f"{list_some(names)} {verb} missing in {len(recordings)} of {n_recordings} "
            f"recordings, so {they} not used: {list_some(recordings)}",
            assumed="the channels that all recordings have",
            cure=f"declare the channels to use under {key} in {FILE_NAME}; recordings "
            f"without one of them then go without {stream}. Or give those recordings "
            "an empty channel of that name",
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
    return said if said not in ("", UNKNOWN) else beside or UNKNOWN
