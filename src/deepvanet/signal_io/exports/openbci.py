"""OpenBCI GUI (``.txt``, ``.csv``) and BrainFlow (``.csv``).

The GUI writes lines that begin with ``%`` (channels, rate, board), from version 5 on a
header row, then a row a sample: its index, which goes round after 255 (Cyton) or
another number, EXG channels in microvolts, accelerometer, other and analog channels,
``Timestamp`` in Unix seconds, that of a packet repeated for its samples, a column of
markers, and ``Timestamp (Formatted)``. Version 4 has no header row, and ends with
``hh:mm:ss.fff`` and Unix milliseconds. Described in "Outputted Data" of the OpenBCI
documentation. BrainFlow's ``write_file`` has no header at all: columns, separated by
tabs, are those of the board's descriptor, with package number first, Unix seconds and
marker last ("BrainFlow Data Format Description").
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepvanet.findings import refuse, report
from deepvanet.schema import ChannelType
from deepvanet.signal_io.channel_names import find_electrode
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.exports.building import (
    ExportChannel,
    drop_rows_without,
    is_unix,
    list_markers,
    make_signals,
    report_clock,
    report_unused,
)
from deepvanet.signal_io.exports.placing import place_counted
from deepvanet.signal_io.exports.text_columns import (
    TextColumns,
    find_separator,
    is_number,
    read_head,
    split_cells,
    split_lines,
)
from deepvanet.signal_io.types import Marker, Signals

RATES = {4: 200.0, 8: 250.0, 16: 125.0}
"""Hz of Ganglion, Cyton, Cyton with Daisy over the radio, by channels."""
_BRAINFLOW = {15: 4, 24: 8, 32: 16}
"""EXG channels of BrainFlow's rows of so many columns: Ganglion, Cyton, Daisy."""
_CYTON_MODULUS = 256

_EXG = re.compile(r"E[XE]G Channel \d+", re.IGNORECASE)
_ANALOG = re.compile(r"Analog Channel \d+", re.IGNORECASE)


@dataclass(frozen=True)
class _Layout:
    """Which column is what; ``rate`` is the stated one."""

    columns: TextColumns
    exg: tuple[int, ...]
    analog: tuple[int, ...]
    time: int
    time_unit_s: float
    marker: int | None
    rate: float | None
    maker: str


def recognise(head: str, path: Path) -> bool:  # noqa: ARG001
    """Say whether a text begins as files of the OpenBCI GUI or of BrainFlow do."""
    if head.startswith("%OpenBCI"):
        return True
    lines = split_lines(head)
    if not lines:
        return False
    names = [cell.lower() for cell in split_cells(lines[0], ",")]
    if names[:1] == ["sample index"] and any(map(_EXG.fullmatch, names)):
        return True
    return _is_brainflow(lines)


def read(path: Path, declared: Declaration) -> Signals:
    """Read it.

    Raises
    ------
    UserError
        When a column that is needed is not there, or its rows cannot be read.
    """
    layout = _find_layout(path, split_lines(read_head(path)))
    columns = layout.columns
    places = [0, *layout.exg, *layout.analog, layout.time]
    places += [layout.marker] if layout.marker is not None else []
    table = columns.read(places)
    counter = columns.read_numbers(table[0])
    stamps = columns.read_numbers(table[layout.time]) * layout.time_unit_s
    is_there = np.isfinite(stamps) & np.isfinite(counter)
    drop_rows_without(path, is_there, "sample index or time")
    used = (*layout.exg, *layout.analog)
    values = np.stack([columns.read_numbers(table[k])[is_there] for k in used])
    placement = place_counted(
        counter[is_there],
        stamps[is_there],
        sfreq=layout.rate,
        source=path,
        modulus=_CYTON_MODULUS if len(layout.exg) in (8, 16) else None,
    )
    markers: list[Marker] = []
    if layout.marker is not None:
        codes = columns.read_numbers(table[layout.marker])[is_there]
        markers = list_markers(codes, placement)
    _report(path, layout, declared)
    return make_signals(
        path,
        _name_channels(layout),
        values,
        placement,
        markers=markers,
        start_unix_s=placement.start if is_unix(placement.start) else None,
    )


def _find_layout(path: Path, lines: Sequence[str]) -> _Layout:
    said = [line for line in lines if line.startswith("%")]
    rows = lines[len(said) :]
    if not rows:
        raise refuse("F01", "holds no samples", source=path)
    if not said and _is_brainflow(rows):
        return _lay_out_brainflow(path, rows)
    rate = _read_said(said, "Sample Rate")
    n_said = _read_said(said, "Number of channels")
    separator = find_separator(rows[0])
    cells = split_cells(rows[0], separator)
    if all(map(is_number, cells[:2])):
        return _lay_out_version_4(path, cells, len(said), n_said, rate, separator)
    columns = TextColumns(path, tuple(cells), len(said) + 1, separator)
    exg = _find_exg(columns, n_said)
    time = columns.find("Timestamp")
    if time is None or not exg:
        lacks = "EXG channels" if not exg else "Timestamp"
        raise refuse(
            "F01",
            f"an export of the OpenBCI GUI without a column of {lacks}, got "
            f"{', '.join(cells[:6])}",
            source=path,
        )
    if n_said is not None and n_said != len(exg):
        report(
            "F08",
            f"its header states {n_said:g} channels, it has columns of {len(exg)}",
            source=path,
            assumed="the columns are right",
        )
    return _Layout(
        columns=columns,
        exg=exg,
        analog=tuple(k for k, n in enumerate(cells) if _ANALOG.fullmatch(n)),
        time=time,
        time_unit_s=1.0,
        marker=_find_marker(columns, time),
        rate=rate if rate is not None else RATES.get(len(exg)),
        maker="the OpenBCI GUI",
    )


def _find_exg(columns: TextColumns, n_said: float | None) -> tuple[int, ...]:
    """Return the EXG columns; people write electrodes in place of their names."""
    names = columns.names
    found = tuple(
        k
        for k, name in enumerate(names)
        if k and (_EXG.fullmatch(name) or find_electrode(name))
    )
    if found or n_said is None:
        return found
    return tuple(range(1, min(int(n_said) + 1, len(names))))


def _find_marker(columns: TextColumns, time: int) -> int | None:
    """Return the column of markers, which early versions call Other."""
    named = next(
        (k for k, name in enumerate(columns.names) if "marker" in name.lower()), None
    )
    after = columns.names[time + 1 : time + 2]
    return time + 1 if named is None and after == ("Other",) else named


def _lay_out_version_4(
    path: Path,
    cells: Sequence[str],
    n_skipped: int,
    n_said: float | None,
    rate: float | None,
    separator: str,
) -> _Layout:
    if n_said is None or len(cells) < n_said + 2 or not is_number(cells[-1]):
        raise refuse(
            "F01",
            "an export of the OpenBCI GUI without a header row, and without its "
            "number of channels or Unix milliseconds in the last column",
            source=path,
        )
    n_exg = int(n_said)
    others = len(cells) - n_exg - 2
    names = (
        "Sample Index",
        *(f"EXG Channel {k}" for k in range(n_exg)),
        *(f"Other {k}" for k in range(others)),
        "Timestamp",
    )
    return _Layout(
        columns=TextColumns(path, names, n_skipped, separator),
        exg=tuple(range(1, n_exg + 1)),
        analog=(),
        time=len(cells) - 1,
        time_unit_s=1e-3 if float(cells[-1]) > 1e11 else 1.0,
        marker=None,
        rate=rate,
        maker="the OpenBCI GUI, version 4 or earlier",
    )


def _is_brainflow(lines: Sequence[str]) -> bool:
    """Say whether rows have no header, and package number, time and marker."""
    rows = [split_cells(line, find_separator(line)) for line in lines[:3]]
    return bool(rows) and all(
        len(row) >= 5
        and all(map(is_number, row))
        and float(row[0]).is_integer()
        and is_unix(float(row[-2]))
        for row in rows
    )


def _lay_out_brainflow(path: Path, rows: Sequence[str]) -> _Layout:
    separator = find_separator(rows[0])
    width = len(split_cells(rows[0], separator))
    n_exg = _BRAINFLOW.get(width)
    if n_exg is None:
        raise refuse(
            "F05",
            f"rows of {width} columns without a header, as BrainFlow writes them for a "
            "board that is not known here",
            source=path,
            cure="Write a header row with a column of seconds called time, and a name "
            "and unit for each channel, as Fp1 [uV].",
        )
    names = (
        "package number",
        *(f"EXG Channel {k}" for k in range(n_exg)),
        *(f"column {k}" for k in range(n_exg + 1, width - 2)),
        "Timestamp",
        "Marker",
    )
    return _Layout(
        columns=TextColumns(path, names, 0, separator),
        exg=tuple(range(1, n_exg + 1)),
        analog=(),
        time=width - 2,
        time_unit_s=1.0,
        marker=width - 1,
        rate=RATES[n_exg],
        maker=f"BrainFlow, {n_exg} EXG channels by its {width} columns",
    )


def _read_said(lines: Sequence[str], key: str) -> float | None:
    """Return the number of a line as ``%Sample Rate = 250.0 Hz``."""
    for line in lines:
        match = re.match(rf"%\s*{key}\s*=\s*([\d.]+)", line, re.IGNORECASE)
        if match and is_number(match[1]):
            return float(match[1]) or None
    return None


def _name_channels(layout: _Layout) -> list[ExportChannel]:
    names = layout.columns.names
    return [
        *(ExportChannel(names[k], "uV", _guess_exg(names[k])) for k in layout.exg),
        *(ExportChannel(names[k], "a.u.", None) for k in layout.analog),
    ]


def _guess_exg(name: str) -> ChannelType | None:
    return ChannelType.EEG if find_electrode(name) else None


def _report(path: Path, layout: _Layout, declared: Declaration) -> None:
    names = layout.columns.names
    used = {0, *layout.exg, *layout.analog, layout.time, layout.marker}
    unit = "s" if layout.time_unit_s == 1 else "ms"
    report_clock(
        path,
        layout.maker,
        f"EXG in uV, samples counted by {names[0]}, {names[layout.time]} is Unix time "
        f"in {unit}",
    )
    report_unused(path, [name for k, name in enumerate(names) if k not in used])
    said = {*(declared.eeg or ()), *(declared.peripherals or {}), *declared.reference}
    known = {name.lower() for name in said}
    nameless = [
        names[k]
        for k in layout.exg
        if _EXG.fullmatch(names[k]) and names[k].lower() not in known
    ]
    if nameless:
        some = ", ".join(nameless[:3])
        report(
            "C01",
            f"{len(nameless)} channels say no electrode: {some}"
            + (", ..." if len(nameless) > 3 else ""),
            source=path,
            assumed="they are not used",
            cure=f'write eeg = ["{nameless[0]}", ...] into recordings.toml, or the '
            "electrodes, as Fp1, into the header row of the file in place of "
            f"{nameless[0]}; name what is no EEG under [peripherals]",
        )
