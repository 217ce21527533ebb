"""What is reported of the channels of a user's own recordings.

Channels of one kind are named in one finding, as a cap has many.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deepvanet.findings import list_some, report, say_count
from deepvanet.schema import Channel, ChannelType, Stream
from deepvanet.signal_io.channel_names import LEAST_RATES_HZ, split_unit
from deepvanet.signal_io.declared import FILE_NAME
from deepvanet.signal_io.types import Signals
from deepvanet.signal_io.units import (
    UNKNOWN,
    UNSTATED,
    VOLTAGES,
    is_known,
    keep_in,
)

ROUNDING = 1e-3
"""Of a rate that is written with few digits."""

FITTING_UNITS: Mapping[ChannelType, tuple[str, ...]] = {
    **dict.fromkeys(VOLTAGES, ("uV",)),
    ChannelType.GSR: ("uS", "Ohm"),
    ChannelType.TEMPERATURE: ("degC",),
}
"""Units that a sensor's numbers are kept in; others have none that they must have."""

_NO_UNIT = "its numbers are used as they are, without a unit"


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


def report_repeated(signals: Signals, named: Sequence[tuple[str, int]]) -> None:
    """Report names that several channels have; the first one is used.

    Parameters
    ----------
    signals : Signals
        The file.
    named : sequence of (str, int)
        Names, and the place of a channel that was taken for it.
    """
    for name in dict.fromkeys(name for name, _ in named):
        places = [place for other, place in named if other == name]
        if len(places) == 1:
            continue
        labels = list(dict.fromkeys(signals.labels[place] for place in places))
        said = "" if labels == [name] else f" ({list_some(labels)})"
        count = {2: "two", 3: "three"}.get(len(places), str(len(places)))
        report(
            "C02",
            f"{count} channels are called {name}{said}",
            source=signals.path,
            place=name,
            assumed=f"the first one of them, channel {places[0] + 1} of the file, is "
            "used",
            cure=_tell_how_to_choose(labels),
        )


def _tell_how_to_choose(labels: Sequence[str]) -> str:
    one, other = labels[:2] if len(labels) > 1 else (f"{labels[0]}-{k}" for k in "01")
    return (
        f"give each a label of its own, or list all channels to use in {FILE_NAME}, "
        f"{one!r} or {other!r} among them (the first and the second in the file): "
        f'electrodes as eeg = ["{other}"], others under [peripherals], as "{other}" = '
        '"ecg"'
    )


def report_unused(
    signals: Signals, places: Sequence[int], *, are_declared: bool = False
) -> None:
    """Report channels of which is not known what they measure, or that are not meant.

    Parameters
    ----------
    are_declared : bool
        Whether ``recordings.toml`` says which channels are meant.
    """
    if places:
        channels = say_count(len(places), "channel is", "channels are")
        labels = [signals.labels[place] for place in places]
        why = "neither label nor file says what is measured, if it is a signal"
        if are_declared:
            why = f"not in the lists of channels in {FILE_NAME}"
        report(
            "C01",
            f"{channels} not used: {list_some(labels)} ({why})",
            source=signals.path,
            cure=f"state what each measures under [peripherals] in {FILE_NAME}, or, if "
            f'it is EEG, name it as eeg = ["{labels[0]}", ...] there',
        )


def report_faults(signals: Signals, found: Iterable[FileChannel]) -> None:
    """Report channels without a range, those marked as bad, and rates too low."""
    bad: dict[Stream, list[str]] = {}
    slow: dict[tuple[ChannelType, float], list[str]] = {}
    for item in found:
        name, kind = item.channel.name, item.channel.type
        if item.place in signals.faults:
            report(
                "C06",
                f"{signals.faults[item.place]}, so its numbers cannot be known",
                source=signals.path,
                place=name,
                assumed="all samples of the channel are missing",
            )
        elif item.place in signals.bad:
            bad.setdefault(item.channel.stream, []).append(name)
        rate = signals.rates[item.place] if signals.rates else signals.sfreq
        if rate < LEAST_RATES_HZ[kind] * (1 - ROUNDING):
            slow.setdefault((kind, rate), []).append(name)
    for stream, names in bad.items():
        more = (
            "; with prepare --artefacts icalabel, numbers that are computed from the "
            "electrodes around take their place"
            if stream is Stream.EEG
            else ""
        )
        report(
            "C09",
            "marked as bad, in channels.tsv or in the file itself",
            source=signals.path,
            place=", ".join(names),
            assumed=f"its numbers are left out{more}",
        )
    for (kind, rate), names in slow.items():
        report(
            "C12",
            f"{rate:.3g} samples a second, {kind} needs at least "
            f"{LEAST_RATES_HZ[kind]:g}",
            source=signals.path,
            place=list_some(names),
            assumed="the channel is used as it is",
        )


def report_units(signals: Signals, found: Iterable[FileChannel]) -> None:
    """Report units that are not stated, not known, or of something else."""
    sound = [item for item in found if not item.is_missing]
    _report_unstated(signals, [item.channel for item in sound if item.is_assumed])
    unknown: dict[str, list[Channel]] = {}
    unfit: dict[tuple[str, ChannelType], list[str]] = {}
    for item in (item for item in sound if not item.is_assumed):
        name, kind, unit = item.channel.name, item.channel.type, item.unit
        written = signals.units[item.place]
        if unit == UNKNOWN and not is_known(written):
            unknown.setdefault(written, []).append(item.channel)
        elif unit != UNKNOWN and not _fits(unit, kind):
            unfit.setdefault((unit, kind), []).append(name)
        beside = split_unit(signals.labels[item.place])[1]
        if beside and written not in (UNSTATED, UNKNOWN, beside):
            report(
                "C08",
                f"the label says {beside}, the file {written}",
                source=signals.path,
                place=name,
                assumed=f"the unit is {unit}",
                cure=f'if so, nothing; else write "{name}" = "{beside}" under [units] '
                f"in {FILE_NAME}",
            )
    for written, channels in unknown.items():
        _report_unknown(signals, channels, written, assumed=_NO_UNIT)
    for (unit, kind), names in unfit.items():
        report(
            "C20",
            f"{unit} is not a unit of {kind}",
            source=signals.path,
            place=list_some(names),
            assumed=f"its numbers are used, in {unit}",
        )


def report_other_units(
    signals: Signals, found: Iterable[FileChannel], stated: Mapping[str, str]
) -> None:
    """Report channels whose unit is known in training only, or here only.

    Parameters
    ----------
    signals : Signals
        The file.
    found : iterable of FileChannel
        Its channels, as training had them.
    stated : mapping
        Units that the file states, or what is said of it, by name of a channel.
    """
    here: dict[str, list[str]] = {}
    unknown: dict[tuple[str, str], list[Channel]] = {}
    there: list[str] = []
    for channel in (item.channel for item in found if not item.is_missing):
        unit = stated[channel.name]
        if not is_known(unit):
            unknown.setdefault((unit, channel.unit), []).append(channel)
        elif keep_in(unit) == UNKNOWN != channel.unit:
            here.setdefault(channel.unit, []).append(channel.name)
        elif keep_in(unit) != UNKNOWN == channel.unit and channel.type in FITTING_UNITS:
            there.append(channel.name)
    for (written, unit), channels in unknown.items():
        _report_unknown(signals, channels, written, assumed=f"{unit}, as in training")
    for unit, names in here.items():
        report(
            "C13",
            f"no unit is stated for {list_some(names)}",
            source=signals.path,
            assumed=f"the unit is {unit}, as in the recordings that the bundle was "
            "trained on",
        )
    if there:
        report(
            "C13",
            f"no unit was stated for {list_some(there)} in training",
            source=signals.path,
            assumed="the numbers are in the same unit, and are used as they are",
        )


def report_lost(
    stream: Stream, lacking: Mapping[str, tuple[str, ...]], n_recordings: int
) -> None:
    """Report channels that are used in no recording, since some lack them.

    Parameters
    ----------
    stream : Stream
        What they belong to.
    lacking : mapping
        The recordings that lack a channel, by its name.
    n_recordings : int
        Recordings that have any channel of the stream.
    """
    key = "eeg" if stream is Stream.EEG else "[peripherals]"
    for recordings in dict.fromkeys(filter(None, lacking.values())):
        names = [name for name, them in lacking.items() if them == recordings]
        verb, they = ("is", "it is") if len(names) == 1 else ("are", "they are")
        report(
            "C07",
            f"{list_some(names)} {verb} missing in {len(recordings)} of {n_recordings} "
            f"recordings ({list_some(recordings)}), so {they} used in none of them",
            assumed="the channels that all recordings have are used",
            cure=f"if those recordings have it under another label, give it this one; "
            f"else list the channels to use under {key} in {FILE_NAME}: recordings "
            f"without one of them then go without {stream}",
        )


def _fits(unit: str, kind: ChannelType) -> bool:
    return kind not in FITTING_UNITS or keep_in(unit) in FITTING_UNITS[kind]


def _report_unstated(signals: Signals, unstated: Sequence[Channel]) -> None:
    volts = [c.name for c in unstated if c.type in VOLTAGES]
    others = [
        c.name for c in unstated if c.type in FITTING_UNITS and c.type not in VOLTAGES
    ]
    for names, assumed in ((volts, "the unit is uV"), (others, _NO_UNIT)):
        if names:
            said = f"no unit is stated for {list_some(names)}"
            report("C04", said, source=signals.path, assumed=assumed)


def _report_unknown(
    signals: Signals, channels: Sequence[Channel], unit: str, *, assumed: str
) -> None:
    first = channels[0]
    likely = FITTING_UNITS.get(first.type, (UNKNOWN,))[0]
    report(
        "C03",
        f"the unit {unit!r} is not known",
        source=signals.path,
        place=list_some([channel.name for channel in channels]),
        assumed=assumed,
        cure=f'write the unit under [units] in {FILE_NAME}, as "{first.name}" = '
        f'"{likely}"',
    )
