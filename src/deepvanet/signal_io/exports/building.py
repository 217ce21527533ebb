"""What all exports become: ``Signals``, and findings on their clock and columns."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from deepvanet.findings import list_some, report
from deepvanet.schema import ChannelType
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.exports.placing import Placement, Values
from deepvanet.signal_io.types import Marker, Signals
from deepvanet.signal_io.units import UNKNOWN

MOST_NAMED = 12
UNIX_RANGE = (5e8, 4e9)
"""Seconds that can be Unix time of a recording: 1985 to 2096."""


@dataclass(frozen=True)
class ExportChannel:
    """A channel of an export.

    Attributes
    ----------
    unit : str
        As it is spelled in ``signal_io.units``.
    type : ChannelType | None
        What the documentation of the export says of it.
    """

    label: str
    unit: str
    type: ChannelType | None


def make_signals(
    path: Path,
    channels: Sequence[ExportChannel],
    values: Values,
    placement: Placement,
    *,
    markers: Sequence[Marker] = (),
    start_unix_s: float | None = None,
    rates: Sequence[float] = (),
) -> Signals:
    """Return rows that were placed as ``Signals``.

    Parameters
    ----------
    path : Path
        As it was named.
    channels : sequence of ExportChannel
        In the order of ``values``.
    values : array, shape (channel, row)
        In the units of the channels.
    placement : Placement
        Where each row belongs.
    markers : sequence of Marker
        In any order.
    start_unix_s : float | None
        Unix time of sample 0, where it is known.
    rates : sequence of float
        Samples a second that the export has of each channel, where they differ.

    Returns
    -------
    Signals
        What was lost is NaN.
    """
    placed = placement.spread(values)
    return Signals(
        path=path,
        labels=tuple(channel.label for channel in channels),
        units=tuple(channel.unit for channel in channels),
        types=tuple(channel.type for channel in channels),
        sfreq=placement.sfreq,
        n_samples=placed.shape[1],
        read_span=lambda places, start, stop: placed[list(places), start:stop],
        markers=tuple(sorted(markers, key=lambda marker: marker.onset_s)),
        start_unix_s=start_unix_s,
        rates=tuple(rates),
        timing=placement.timing,
    )


def report_clock(path: Path, maker: str, clock: str) -> None:
    """Report what a file was taken for, and what its clock counts."""
    report("T05", f"an export of {maker}: {clock}", source=path)


def report_unused(path: Path, names: Sequence[str]) -> None:
    """Report the columns of an export that are no signals, or are not used."""
    distinct = list(dict.fromkeys(name for name in names if name))
    if distinct:
        report(
            "C01",
            f"not used of the export: {list_some(distinct, MOST_NAMED)}",
            source=path,
            cure="to use a number that the device computed, as a band power, list all "
            'peripheral channels in recordings.toml, this one as "NAME" = "derived"; '
            "export other columns as a table of their own",
        )


def find_derived(
    names: Sequence[str], declared: Declaration, used: Collection[int | None]
) -> list[int]:
    """Return the places of further columns that ``recordings.toml`` declares.

    Devices write numbers that they computed, as band powers, beside their signals.
    """
    wanted = {name.strip().lower() for name in declared.peripherals or {}}
    return [
        place
        for place, name in enumerate(names)
        if place not in used and name.strip().lower() in wanted
    ]


def describe_derived(name: str) -> ExportChannel:
    """Return the channel of a column that ``find_derived`` found."""
    return ExportChannel(name, UNKNOWN, ChannelType.DERIVED)


def hold(values: Values) -> Values:
    """Return numbers with each held until the next one; rows of signals come oftener.

    None is held for longer than twice the usual time between two, so that what a
    device stopped to write is missing.

    Examples
    --------
    >>> hold(np.array([[1.0, np.nan, 2.0, np.nan, np.nan, np.nan, np.nan]])).tolist()
    [[1.0, 1.0, 2.0, 2.0, 2.0, 2.0, nan]]
    """
    held = []
    for row in values:
        steps = np.diff(np.flatnonzero(np.isfinite(row)))
        limit = 2 * int(np.median(steps)) - 1 if len(steps) else 1
        held.append(pd.Series(row).ffill(limit=max(1, limit)).to_numpy())
    return np.stack(held) if held else values


def is_unix(seconds: float) -> bool:
    """Say whether a number of seconds can be the Unix time of a recording."""
    return UNIX_RANGE[0] < seconds < UNIX_RANGE[1]


def list_markers(codes: Values, placement: Placement) -> list[Marker]:
    """Return a marker for each row at which a code changes to one that is not 0."""
    plain = np.nan_to_num(codes)
    before = np.concatenate([[0.0], plain[:-1]])
    rows = np.flatnonzero((plain != before) & (plain != 0))
    return [
        Marker(float(placement.numbers[row] / placement.sfreq), 0.0, f"{code:.10g}")
        for row, code in zip(rows, plain[rows], strict=True)
    ]


def drop_rows_without(
    path: Path, is_there: "np.ndarray[tuple[int], np.dtype[np.bool_]]", what: str
) -> None:
    """Report rows that lack what places them; a last line that was cut off too."""
    missing = np.flatnonzero(~is_there)
    if not len(missing):
        return
    if missing.tolist() == [len(is_there) - 1]:
        report("F07", "its last line is cut off", source=path, assumed="it is left out")
        return
    report(
        "Q03",
        f"{len(missing)} of {len(is_there)} rows have no {what}",
        source=path,
        assumed="these rows are left out",
    )
