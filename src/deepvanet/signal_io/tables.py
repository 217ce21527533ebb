"""Signals in tables, as text or Parquet: a column of times, one for each channel.

A label may say its unit, as ``GSR [kOhm]``. Columns called marker, event, trigger or
annotation hold what happened, as texts or as numbers. Every other column is a
channel, or is named in a finding.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepvanet.findings import collect, hand_on, report
from deepvanet.schema import ChannelType
from deepvanet.signal_io.cells import LONGEST_QUOTE, find_numbers, report_texts
from deepvanet.signal_io.channel_names import (
    LEAST_RATES_HZ,
    find_electrode,
    guess_type,
    shorten_label,
)
from deepvanet.signal_io.declared import FILE_NAME, Declaration
from deepvanet.signal_io.marker_columns import is_marker_name, read_markers
from deepvanet.signal_io.table_columns import Columns, open_columns
from deepvanet.signal_io.time_columns import find_clock
from deepvanet.signal_io.time_grid import TimeGrid, place_samples
from deepvanet.signal_io.types import Marker, Signals
from deepvanet.signal_io.units import UNKNOWN, UNSTATED, is_known, keep_in, spell_unit

_LABEL = re.compile(r"(.*?)\s*(?:\[([^\]]*)\]|\(([^)]*)\))\s*")
_MOST_NAMED = 12
_DIGITS = 9  # of a second
_ON_CELLS = ("Q01", "Q20")


@dataclass(frozen=True)
class _Channel:
    """A column of numbers.

    Attributes
    ----------
    is_known : bool
        Whether its label, its unit or ``recordings.toml`` says that it is a channel.
    """

    label: str
    unit: str
    is_known: bool
    numbers: NDArray[np.float64]


def open_table(path: Path, declared: Declaration) -> Signals:
    """Read a table of signals.

    Raises
    ------
    UserError
        When it cannot be read, or has no column of times.
    """
    columns = open_columns(path)
    places = _drop_repeated(path, columns)
    least_hz = _find_least_rate([columns.names[place] for place in places])
    time = find_clock(path, columns, places, declared=declared.time, least_hz=least_hz)
    others = [place for place in places if place not in time.places]
    events = [place for place in others if is_marker_name(columns.names[place])]
    channels = _read_channels(
        path, columns, [place for place in others if place not in events], declared
    )
    grid = _place(
        path,
        time.clock.seconds,
        channels,
        quote=partial(_quote_cell, columns, time.places[0]),
    )
    start = time.clock.start_unix_s
    return Signals(
        path=path,
        labels=tuple(channel.label for channel in channels),
        units=tuple(channel.unit for channel in channels),
        types=(None,) * len(channels),
        sfreq=grid.rate,
        n_samples=grid.values.shape[1],
        read_span=lambda places, start, stop: grid.values[list(places), start:stop],
        markers=_place_markers(columns, events, grid),
        start_unix_s=None if start is None else start + grid.start,
        rates=grid.rates,
        timing=grid.timing,
    )


def split_label(name: str) -> tuple[str, str]:
    """Return a column's label, and the unit in it.

    Brackets hold a unit; parentheses do where it is a known one.

    Examples
    --------
    >>> split_label("GSR [kOhm]"), split_label("Fp1 (mV)"), split_label("GSR (left)")
    (('GSR', 'kOhm'), ('Fp1', 'mV'), ('GSR (left)', ''))
    """
    match = _LABEL.fullmatch(name.strip())
    if match is None or not match[1]:
        return name.strip(), UNSTATED
    if match[2] is not None:
        return match[1], spell_unit(match[2])
    unit = spell_unit(match[3])
    is_unit = unit != UNSTATED and is_known(unit) and not match[3].isdigit()
    return (match[1], unit) if is_unit else (name.strip(), UNSTATED)


def _drop_repeated(path: Path, columns: Columns) -> list[int]:
    """Return the places of columns that have a name, each name once."""
    named = [place for place, name in enumerate(columns.names) if name]
    counts = Counter(columns.names[place] for place in named)
    for name, count in counts.items():
        if count > 1:
            at = [str(k + 1) for k in named if columns.names[k] == name]
            report(
                "C02",
                f"{count} columns are called {name}: columns {', '.join(at)}",
                source=path,
                assumed="the first of them is used",
            )
    nameless = [
        str(place + 1)
        for place, name in enumerate(columns.names)
        if not name and _is_filled(columns, place)
    ]
    if nameless:
        report(
            "C01",
            f"columns without a name that are not used ({len(nameless)}): column "
            f"{', '.join(nameless[:_MOST_NAMED])}",
            source=path,
            cure="write names above them, if they are channels",
        )
    firsts = {columns.names[place]: place for place in reversed(named)}
    return sorted(firsts.values())


def _is_filled(columns: Columns, place: int) -> bool:
    cells = columns.read(place)
    return cells is not None and bool(cells.notna().any())


def _read_channels(
    path: Path, columns: Columns, places: Sequence[int], declared: Declaration
) -> list[_Channel]:
    """Return columns of numbers, and report those of text."""
    channels: list[_Channel] = []
    texts: list[str] = []
    for place in places:
        name, cells = columns.names[place], columns.read(place)
        if cells is None:
            texts.append(f"{name} (lists)")
            continue
        numbers, no_number = find_numbers(cells)
        label, unit = split_label(name)
        n_filled, n_texts = int(cells.notna().sum()), int(no_number.sum())
        is_known = _is_known(label, unit, declared)
        if n_texts * 2 > n_filled and not is_known:
            text = str(cells[no_number].iloc[0])[:LONGEST_QUOTE]
            some = f", {n_filled - n_texts} numbers" if n_filled > n_texts else ""
            texts.append(f"{name} ({text!r}{some})")
            continue
        report_texts(name, cells, no_number, source=path, find_place=columns.find_place)
        channels.append(_Channel(label, unit, is_known, numbers.astype(np.float64)))
    if texts:
        more = ", ..." if len(texts) > _MOST_NAMED else ""
        report(
            "C01",
            f"columns of text that are not used ({len(texts)}): "
            f"{', '.join(texts[:_MOST_NAMED])}{more}",
            source=path,
            cure=f"call a column of events marker, or state what it measures in "
            f"{FILE_NAME}",
        )
    return channels


def _is_known(label: str, unit: str, declared: Declaration) -> bool:
    """Return whether a column is a channel even if its cells hold words."""
    stated = {*(declared.eeg or ()), *(declared.peripherals or {}), *declared.reference}
    named = {name.strip().lower() for name in stated}
    return (
        keep_in(unit) != UNKNOWN
        or bool(named & {label.lower(), shorten_label(label).lower()})
        or find_electrode(label) is not None
        or guess_type(label) is not None
    )


def _find_least_rate(names: Sequence[str]) -> float:
    """Return the rate in Hz that the channels among columns need, 0 without any."""
    labels = [split_label(name)[0] for name in names]
    kinds = [ChannelType.EEG for label in labels if find_electrode(label)]
    kinds += [kind for label in labels if (kind := guess_type(label))]
    return max((LEAST_RATES_HZ[kind] for kind in kinds), default=0.0)


def _quote_cell(columns: Columns, place: int, row: int) -> str:
    """Return what stands in a cell of a column, and where that is."""
    cells = columns.read(place)
    text = "" if cells is None or pd.isna(cells.iloc[row]) else str(cells.iloc[row])
    shown = repr(text[:LONGEST_QUOTE]) if text else "an empty cell"
    return f"{shown} in {columns.find_place(row)}"


def _place(
    path: Path,
    seconds: NDArray[np.float64],
    channels: Sequence[_Channel],
    *,
    quote: Callable[[int], str],
) -> TimeGrid:
    """Put columns at equal steps; only of channels are missing samples reported."""
    numbers = [channel.numbers for channel in channels]
    with collect() as found:
        grid = place_samples(
            seconds,
            np.stack(numbers) if numbers else np.zeros((0, len(seconds))),
            name=str(path),
            labels=[channel.label for channel in channels],
            quote=quote,
        )
    unknown = {channel.label for channel in channels if not channel.is_known}
    for finding in found:
        if finding.code not in _ON_CELLS or finding.place not in unknown:
            hand_on(finding)
    return grid


def _place_markers(
    columns: Columns, places: Sequence[int], grid: TimeGrid
) -> tuple[Marker, ...]:
    """Return what columns of markers hold, in the order of time."""
    markers = [
        Marker(round(float(grid.times[row] - grid.start), _DIGITS), 0.0, text)
        for place in places
        if (cells := columns.read(place)) is not None
        for row, text in read_markers(cells)
        if np.isfinite(grid.times[row])
    ]
    return tuple(sorted(markers, key=lambda marker: marker.onset_s))
