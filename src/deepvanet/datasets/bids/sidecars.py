"""Side-cars of a recording in BIDS: where they lie, and what ``channels.tsv`` says.

A side-car counts for all files beside and below it that have its entities [1]_: of
``task-film_channels.tsv`` in the root and ``sub-01_task-film_channels.tsv`` beside the
signals it is the nearest that says everything.

References
----------
.. [1] Brain Imaging Data Structure, the inheritance principle.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deepvanet.datasets.findings import list_some
from deepvanet.findings import refuse, report
from deepvanet.schema import ChannelType
from deepvanet.signal_io.channel_names import read_type
from deepvanet.signal_io.types import Signals
from deepvanet.signal_io.units import UNSTATED, is_known, spell_unit

DESCRIPTION = "dataset_description.json"
BAD, GOOD = "bad", ("good", "n/a", "")
NO_SIGNALS = ("trig", "stim", "ref")


@dataclass(frozen=True)
class ListedChannel:
    """A row of ``channels.tsv``.

    Attributes
    ----------
    unit : str
        As ``spell_unit`` spells it.
    """

    name: str
    type: str
    unit: str
    status: str


def find_sidecar(path: Path, suffix: str, extension: str = ".tsv") -> Path | None:
    """Return the nearest side-car that counts for a file of signals, or None.

    Parameters
    ----------
    path : Path
        The signals, as ``sub-01/eeg/sub-01_task-film_eeg.edf``.
    suffix : str
        What the side-car holds, as ``channels``.
    extension : str
        Of the side-car.
    """
    own = _list_entities(path.stem)
    for folder in path.parents:
        fitting = [
            (len(entities), file)
            for file in sorted(folder.glob(f"*{suffix}{extension}"))
            if _is_called(file, suffix)
            and (entities := _list_entities(file.stem)).items() <= own.items()
        ]
        if fitting:
            return max(fitting, key=lambda found: found[0])[1]
        if (folder / DESCRIPTION).is_file():
            return None
    return None


def read_channels(path: Path) -> tuple[ListedChannel, ...]:
    """Read a ``channels.tsv``.

    Raises
    ------
    FindingError
        When it is no such table.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, delimiter="\t", restval="", restkey=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise refuse("F01", f"cannot be read: {error}", source=path) from None
    if rows and "name" not in rows[0]:
        raise refuse("F01", "has no column name", source=path)
    return tuple(
        ListedChannel(
            name=_read(row, "name"),
            type=_read(row, "type"),
            unit=spell_unit(_read(row, "units")),
            status=_read(row, "status").lower(),
        )
        for row in rows
    )


def apply_channels(signals: Signals) -> Signals:
    """Return signals with the types, units and bad channels of their side-car.

    A unit of the header is kept, since the numbers were written with it; where it
    has none, that of the side-car counts.
    """
    path = find_sidecar(signals.path, "channels")
    if path is None:
        return signals
    listed = read_channels(path)
    _report_names(path, signals, listed)
    by_name = {channel.name.lower(): channel for channel in reversed(listed)}
    types, units, bad = list(signals.types), list(signals.units), set(signals.bad)
    for place, label in enumerate(signals.labels):
        channel = by_name.get(label.lower())
        if channel is None:
            continue
        types[place] = _choose_type(channel, types[place])
        units[place] = _choose_unit(path, channel, units[place])
        if channel.status == BAD:
            bad.add(place)
        elif channel.status not in GOOD:
            report(
                "C08",
                f"the status {channel.status!r} is neither good nor bad",
                source=path,
                place=label,
                assumed="good",
            )
    return replace(
        signals, types=tuple(types), units=tuple(units), bad=tuple(sorted(bad))
    )


def _list_entities(stem: str) -> dict[str, str]:
    parts = (part.partition("-") for part in stem.split("_") if "-" in part)
    return {key: value for key, _, value in parts}


def _is_called(file: Path, suffix: str) -> bool:
    return file.stem == suffix or file.stem.endswith(f"_{suffix}")


def _read(row: Mapping[str, object], key: str) -> str:
    value = row.get(key)
    return value.strip() if isinstance(value, str) else ""


def _report_names(
    path: Path, signals: Signals, listed: Sequence[ListedChannel]
) -> None:
    names = [channel.name.lower() for channel in listed]
    twice = [c.name for k, c in enumerate(listed) if names[k] in names[:k]]
    if twice:
        report(
            "C02",
            f"lists {list_some(twice)} more than once",
            source=path,
            assumed="the first row",
        )
    labels = {label.lower() for label in signals.labels}
    lacking = [
        channel.name
        for channel in listed
        if channel.name.lower() not in labels
        and channel.type.lower() not in NO_SIGNALS
        and read_type(channel.type)
    ]
    unlisted = [label for label in signals.labels if label.lower() not in names]
    for found, said in (
        (lacking, f"lists {list_some(lacking)}, which {signals.path.name} lacks"),
        (unlisted, f"lacks {list_some(unlisted)} of {signals.path.name}"),
    ):
        if found:
            report("C08", said, source=path, assumed="the channels of the file")


def _choose_type(
    channel: ListedChannel, said: ChannelType | None
) -> ChannelType | None:
    return read_type(channel.type) or (said if not channel.type else None)


def _choose_unit(path: Path, channel: ListedChannel, header: str) -> str:
    if header == UNSTATED or not is_known(header):
        return channel.unit or header
    if channel.unit not in (UNSTATED, header):
        report(
            "C08",
            f"{channel.unit}, the header says {header}",
            source=path,
            place=channel.name,
            assumed=f"{header}, as the header says",
        )
    return header
