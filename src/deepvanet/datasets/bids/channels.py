"""What ``channels.tsv`` of BIDS states of a file of signals: types, units, status."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deepvanet.datasets.bids.sidecars import find_sidecar
from deepvanet.datasets.small_tables import read_table
from deepvanet.findings import attempt, list_some, refuse, report
from deepvanet.schema import ChannelType
from deepvanet.signal_io.channel_names import read_type
from deepvanet.signal_io.types import Signals
from deepvanet.signal_io.units import UNSTATED, is_known, spell_unit

CHANNELS = "channels.tsv"
COLUMNS = ("name", "type", "units", "status")
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


def read_channels(path: Path) -> tuple[ListedChannel, ...]:
    """Read a ``channels.tsv``.

    Raises
    ------
    FindingError
        When it is no such table.
    """
    table = read_table(path, what="table of channels", known=COLUMNS)
    if "name" not in table.columns:
        raise refuse("F01", "has no column name", source=path)
    return tuple(
        ListedChannel(
            name=row.cells["name"],
            type=row.cells.get("type", ""),
            unit=spell_unit(row.cells.get("units", "")),
            status=row.cells.get("status", "").lower(),
        )
        for row in table.rows
    )


def apply_channels(root: Path, signals: Signals) -> Signals:
    """Return signals with the types, units and bad channels of their side-car.

    A unit of the header is kept, since the numbers were written with it; where it
    has none, that of the side-car counts.

    Parameters
    ----------
    root : Path
        The data set.
    signals : Signals
        What the file itself states.
    """
    path = find_sidecar(root, signals.path, CHANNELS)
    if path is None:
        return signals
    listed = attempt(lambda: read_channels(path), source=path)
    if listed is None:
        return signals
    _report_names(path, signals, listed)
    by_name = {channel.name.lower(): channel for channel in reversed(listed)}
    types, units, bad = list(signals.types), list(signals.units), set(signals.bad)
    for place, label in enumerate(signals.labels):
        channel = by_name.get(label.lower())
        if channel is None:
            continue
        types[place] = _choose_type(channel, types[place])
        units[place] = _choose_unit(path, channel, units[place], signals.path.name)
        if channel.status == BAD:
            bad.add(place)
        elif channel.status not in GOOD:
            report(
                "C08",
                f"the status {channel.status!r} is neither good nor bad",
                source=path,
                place=label,
                assumed="the channel is good",
            )
    return replace(
        signals, types=tuple(types), units=tuple(units), bad=tuple(sorted(bad))
    )


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
            assumed="the first row is used",
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
            report(
                "C08", said, source=path, assumed="the channels of the file are used"
            )


def _choose_type(
    channel: ListedChannel, said: ChannelType | None
) -> ChannelType | None:
    return read_type(channel.type) or (said if not channel.type else None)


def _choose_unit(path: Path, channel: ListedChannel, header: str, file: str) -> str:
    if header == UNSTATED or not is_known(header):
        return channel.unit or header
    if channel.unit not in (UNSTATED, header):
        report(
            "C08",
            f"the unit is {channel.unit} here, {header} in the header of {file}",
            source=path,
            place=channel.name,
            assumed=f"the unit is {header}, as the header says",
            cure=f"if so, correct {path.name}; else write "
            f'"{channel.name}" = "{channel.unit}" under [units] in recordings.toml',
        )
    return header
