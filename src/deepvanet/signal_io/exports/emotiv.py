"""Emotiv: EmotivPRO (``.csv``) and the older TestBench (``.csv``).

EmotivPRO ("CSV files" of its manual) writes a line of ``key:value`` pairs, among them
``start timestamp``, ``headset type`` and ``sampling rate``, then a header row:
``Timestamp`` in Unix seconds, ``EEG.Counter``, which starts again each second,
``EEG.Interpolated``, above 0 where a sample was not received, ``EEG.AF3`` and others in
microvolts above an offset, ``MarkerValueInt`` and ``MarkerType``, and other streams.
TestBench has one line, whose ``labels:`` name the columns and ``sampling:`` the rate,
and numbers below; its counter goes from 0 to 128.
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
    describe_derived,
    drop_rows_without,
    find_derived,
    hold,
    is_unix,
    list_markers,
    make_signals,
    report_clock,
    report_unused,
)
from deepvanet.signal_io.exports.placing import Values, place_counted
from deepvanet.signal_io.exports.text_columns import (
    TextColumns,
    find_separator,
    read_head,
    split_cells,
    split_lines,
)
from deepvanet.signal_io.types import Signals

USUAL_HZ = 128.0
_MARKERS = ("markervalueint", "eeg.markerhardware", "marker", "marker_hardware")
_RATE = re.compile(r"sampling(?: rate)?\s*:\s*(?:eeg[_ ])?(\d+(?:\.\d+)?)", re.I)
_START = re.compile(r"start timestamp\s*:\s*(\d+(?:\.\d+)?)", re.I)
_LABELS = re.compile(r"labels\s*:\s*([^,]*)", re.I)


@dataclass(frozen=True)
class _Layout:
    """Columns, and what the first line says."""

    columns: TextColumns
    said: str
    is_pro: bool

    @property
    def rate(self) -> float:
        """Samples of EEG a second."""
        match = _RATE.search(self.said)
        return float(match[1]) if match else USUAL_HZ

    def find(self, *names: str) -> int | None:
        """Return the first column of any of these names."""
        places = (self.columns.find(name) for name in names)
        return next((place for place in places if place is not None), None)


def recognise(head: str, path: Path) -> bool:  # noqa: ARG001
    """Say whether a text begins as files of EmotivPRO or TestBench do."""
    lines = split_lines(head)[:2]
    first = lines[0].lower() if lines else ""
    if any("eeg.counter" in line.lower() for line in lines):
        return True
    return "labels:counter" in first.replace(" ", "")


def read(path: Path, declared: Declaration) -> Signals:
    """Read it.

    Raises
    ------
    UserError
        When its rows cannot be read.
    """
    layout = _find_layout(path, split_lines(read_head(path)))
    columns, names = layout.columns, layout.columns.names
    eeg = [k for k, name in enumerate(names) if _find_electrode(name, layout)]
    counter = layout.find("EEG.Counter", "COUNTER")
    marked = [k for k, name in enumerate(names) if name.lower() in _MARKERS]
    odd = layout.find("EEG.Interpolated", "INTERPOLATED")
    clock = [k for k in (layout.find("Timestamp"),) if k is not None]
    if not eeg or counter is None:
        raise refuse("F01", "an export of Emotiv without columns of EEG", source=path)
    used = {*eeg, counter, *marked, *clock, odd}
    derived = find_derived(names, declared, used)
    odds = [odd] if odd else []
    table = columns.read([*eeg, *derived, counter, *marked, *clock, *odds])
    numbers = {int(str(k)): columns.read_numbers(table[k]) for k in table.columns}
    is_there = np.isfinite(numbers[counter])
    for k in clock:
        is_there &= np.isfinite(numbers[k])
    _report_rows(layout, numbers, eeg, is_there)
    numbers = {k: column[is_there] for k, column in numbers.items()}
    stamps = numbers[clock[0]] if clock else None
    placement = place_counted(numbers[counter], stamps, sfreq=layout.rate, source=path)
    values = np.stack([numbers[k] for k in eeg])
    if odd is not None:
        values = _leave_out_made_up(path, values, numbers[odd], layout.rate)
    if derived:
        computed = np.stack([numbers[k] for k in derived])
        values = np.concatenate([values, hold(computed)])
    markers = [m for k in marked for m in list_markers(numbers[k], placement)]
    _report(layout, {*used, *derived}, has_clock=bool(clock))
    start = placement.start if clock else _read_start(layout.said)
    return make_signals(
        path,
        [
            ExportChannel(_find_electrode(names[k], layout), "uV", ChannelType.EEG)
            for k in eeg
        ]
        + [describe_derived(names[k]) for k in derived],
        values,
        placement,
        markers=markers,
        start_unix_s=start if start is not None and is_unix(start) else None,
    )


def _find_layout(path: Path, lines: Sequence[str]) -> _Layout:
    first = lines[0]
    labels = _LABELS.search(first)
    if labels and "counter" not in first.lower().partition("labels")[0]:
        names = tuple(labels[1].split())
        separator = find_separator(lines[1]) if len(lines) > 1 else ","
        return _Layout(TextColumns(path, names, 1, separator), first, is_pro=False)
    skipped = 0 if "eeg.counter" in first.lower() else 1
    separator = find_separator(lines[skipped])
    names = tuple(split_cells(lines[skipped], separator))
    columns = TextColumns(path, names, skipped + 1, separator)
    return _Layout(columns, first if skipped else "", is_pro=True)


def _find_electrode(name: str, layout: _Layout) -> str:
    """Return the electrode of a column of EEG, or an empty text."""
    if not layout.is_pro:
        return find_electrode(name) or ""
    family, _, electrode = name.partition(".")
    return (find_electrode(electrode) or "") if family.upper() == "EEG" else ""


def _report_rows(
    layout: _Layout,
    numbers: dict[int, np.ndarray[tuple[int], np.dtype[np.float64]]],
    eeg: Sequence[int],
    is_there: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> None:
    """Report rows without EEG; other streams have rows of their own."""
    has_eeg = np.isfinite(np.stack([numbers[k] for k in eeg])).any(axis=0)
    drop_rows_without(layout.columns.path, is_there | ~has_eeg, "counter or time")


def _leave_out_made_up(
    path: Path,
    values: Values,
    made_up: np.ndarray[tuple[int], np.dtype[np.float64]],
    rate: float,
) -> Values:
    """Return values without those that the program put in for lost packets."""
    is_made_up = np.nan_to_num(made_up) > 0
    if not is_made_up.any():
        return values
    report(
        "T01",
        f"{is_made_up.sum()} samples ({is_made_up.sum() / rate:.3g} s) were not "
        "received, but interpolated by the program",
        source=path,
        assumed="they are missing samples",
    )
    return np.where(is_made_up, np.nan, values)


def _read_start(said: str) -> float | None:
    match = _START.search(said)
    return float(match[1]) if match else None


def _report(layout: _Layout, used: set[int | None], *, has_clock: bool) -> None:
    path, names = layout.columns.path, layout.columns.names
    maker = "EmotivPRO" if layout.is_pro else "Emotiv TestBench"
    clock = "Timestamp is Unix time in s" if has_clock else "without time stamps"
    report_clock(
        path, maker, f"EEG in uV at {layout.rate:g} Hz, samples are counted, {clock}"
    )
    unused = [name for k, name in enumerate(names) if k not in used]
    groups = [
        f"{name.partition('.')[0]}.*"
        if "." in name and not name.startswith("EEG.")
        else name
        for name in unused
    ]
    report_unused(path, groups)
