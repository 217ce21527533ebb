"""Shimmer Consensys (``.csv``): a line ``sep=``, a header row, and a row of units.

Columns are called ``Shimmer_AE34_GSR_Skin_Conductance_CAL``: device, signal, and
whether it is calibrated. ``Timestamp_Unix_CAL`` is in Unix milliseconds, as the row of
units says; each row ends with a separator. Described in the Consensys user guide,
"Exported data".
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from deepvanet.findings import refuse
from deepvanet.schema import ChannelType
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.exports.building import (
    ExportChannel,
    drop_rows_without,
    is_unix,
    make_signals,
    report_clock,
    report_unused,
)
from deepvanet.signal_io.exports.placing import (
    Stamps,
    measure_rate,
    place_stamped,
)
from deepvanet.signal_io.exports.text_columns import (
    TextColumns,
    find_separator,
    is_number,
    read_head,
    split_cells,
    split_lines,
)
from deepvanet.signal_io.types import Signals
from deepvanet.signal_io.units import spell_unit

CLOCK_HZ = 32768
"""Of the device; its rates are whole parts of it."""

_TIME = re.compile(r"_?(?:System_)?Time_?[Ss]tamp(?:_?\w*)?_(?:CAL|RAW|UNCAL)$")
_TYPES = (
    (re.compile(r"ECG_RESP\w*|Resp\w*"), ChannelType.RESPIRATION),
    (re.compile(r"ECG_[LVR][\w\-]*"), ChannelType.ECG),
    (re.compile(r"EMG_CH[12]\w*"), ChannelType.EMG),
    (re.compile(r"GSR_Skin_Conductance"), ChannelType.GSR),
    (re.compile(r"GSR_Skin_Resistance|GSR"), ChannelType.GSR),
    (re.compile(r"PPG\d?_A\d+|(?:Int|Ext)_Exp_PPG\w*"), ChannelType.PLETHYSMOGRAPH),
    (re.compile(r"Skin_Temperature\w*"), ChannelType.TEMPERATURE),
)
_MILLISECOND = {"ms": 1e-3, "s": 1.0, "us": 1e-6}


@dataclass(frozen=True)
class _Layout:
    """Columns, and what their units are."""

    columns: TextColumns
    units: tuple[str, ...]


def recognise(head: str, path: Path) -> bool:  # noqa: ARG001
    """Say whether a text begins as files of Consensys do."""
    lines = split_lines(head)
    skipped = 1 if lines and _read_sep(lines[0]) else 0
    if len(lines) < skipped + 2:
        return False
    line = lines[skipped]
    names = split_cells(line, find_separator(line))
    others = [name for name in names if name.endswith(("_CAL", "_RAW", "_UNCAL"))]
    return any(map(_TIME.search, names)) and len(others) >= 2


def read(path: Path, declared: Declaration) -> Signals:  # noqa: ARG001
    """Read it.

    Raises
    ------
    UserError
        When it has no column of time or no signal, or its rows cannot be read.
    """
    layout = _find_layout(path)
    columns, names = layout.columns, layout.columns.names
    time = _find_time(layout)
    used = _find_signals(layout)
    if not used:
        raise refuse(
            "F01",
            "an export of Shimmer without a signal of the body, got "
            f"{', '.join(names[:6])}",
            source=path,
        )
    table = columns.read([time, *used])
    stamps = _read_stamps(layout, time, table[time])
    is_there = np.isfinite(stamps)
    drop_rows_without(path, is_there, "time")
    stamps = stamps[is_there]
    values = np.stack([columns.read_numbers(table[k])[is_there] for k in used])
    placement = place_stamped(stamps, sfreq=_find_rate(stamps), source=path)
    is_absolute = is_unix(placement.start) and "Formatted" not in names[time]
    clock = "Unix time" if is_absolute else "a clock of its own"
    report_clock(
        path,
        "Shimmer",
        f"units are those of its row of units, {names[time]} is {clock}",
    )
    spare = {time, *used}
    report_unused(path, [name for k, name in enumerate(names) if k not in spare])
    return make_signals(
        path,
        [_describe(layout, k) for k in used],
        values,
        placement,
        start_unix_s=placement.start if is_absolute else None,
    )


def _read_sep(line: str) -> str:
    """Return the separator of a line as ``"sep=,"``, or an empty text."""
    match = re.fullmatch(r'"?sep=(.|\\t)"?\s*', line.lstrip("\ufeff"), re.IGNORECASE)
    return {"\\t": "\t"}.get(match[1], match[1]) if match else ""


def _find_layout(path: Path) -> _Layout:
    lines = split_lines(read_head(path))
    separator = _read_sep(lines[0])
    skipped = 1 if separator else 0
    separator = separator or find_separator(lines[skipped])
    names = tuple(split_cells(lines[skipped], separator))
    below = split_cells(lines[skipped + 1], separator)
    has_units = not any(map(is_number, below))
    units = tuple(below) if has_units else ("",) * len(names)
    n_skipped = skipped + 1 + has_units
    return _Layout(TextColumns(path, names, n_skipped, separator), units)


def _find_time(layout: _Layout) -> int:
    """Return the column of time: Unix before others, numbers before text."""
    names = layout.columns.names
    places = [k for k, name in enumerate(names) if _TIME.search(name)]
    return min(
        places,
        key=lambda k: ("Formatted" in names[k], "Unix" not in names[k], k),
    )


def _read_stamps(layout: _Layout, time: int, column: "pd.Series[float]") -> Stamps:
    if "Formatted" in layout.columns.names[time]:
        times = pd.to_datetime(column.astype(str), errors="coerce", format="mixed")
        seconds = (times - pd.Timestamp(1970, 1, 1)) / pd.Timedelta(seconds=1)
        return np.asarray(seconds, np.float64)
    numbers = layout.columns.read_numbers(column)
    return numbers * _MILLISECOND.get(layout.units[time].lower(), 1e-3)


def _find_rate(stamps: Stamps) -> float | None:
    """Return a whole part of the clock of the device, where the rate is near to one."""
    measured = measure_rate(stamps)
    if measured is None:
        return None
    exact = CLOCK_HZ / max(1, round(CLOCK_HZ / measured))
    return exact if abs(exact / measured - 1) < 1e-3 else measured


def _find_signals(layout: _Layout) -> list[int]:
    """Return the calibrated columns of the body; conductance goes before resistance."""
    names = layout.columns.names
    kinds = {k: _find_type(name) for k, name in enumerate(names)}
    signals = [k for k, kind in kinds.items() if kind]
    conductance = [k for k in signals if "Skin_Conductance" in names[k]]
    return [
        k
        for k in signals
        if not conductance or kinds[k] is not ChannelType.GSR or k in conductance
    ]


def _find_type(name: str) -> ChannelType | None:
    if not name.endswith("_CAL") or _TIME.search(name):
        return None
    signal = _strip(name)
    return next((kind for known, kind in _TYPES if known.fullmatch(signal)), None)


def _strip(name: str) -> str:
    """Return a column's name without the device before and ``CAL`` behind it."""
    bare = name.removesuffix("_CAL")
    parts = bare.split("_")
    for start in range(len(parts)):
        rest = "_".join(parts[start:])
        if any(known.fullmatch(rest) for known, _ in _TYPES):
            return rest
    return bare


def _describe(layout: _Layout, k: int) -> ExportChannel:
    name = layout.columns.names[k]
    unit = layout.units[k] if k < len(layout.units) else ""
    return ExportChannel(_strip(name), spell_unit(unit.rstrip(" *")), _find_type(name))
