"""Polar Sensor Logger (``.txt``), of H10, OH1 and Verity Sense: one file a sensor.

A header row as ``Phone timestamp;sensor timestamp [ns];timestamp [ms];ecg [uV]``, with
semicolons. The phone's time has no zone; the sensor counts nanoseconds since
2000-01-01 of a clock that the phone may have set ("Time system explained" of the Polar
SDK), and so gives distances in time only. ECG is in microvolts at 130 Hz, the optical
sensor has three channels without a unit, and ambient light.
"""

import re
from pathlib import Path

import numpy as np

from deepvanet.findings import refuse
from deepvanet.schema import ChannelType
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.exports.building import (
    ExportChannel,
    drop_rows_without,
    make_signals,
    report_clock,
    report_unused,
)
from deepvanet.signal_io.exports.placing import place_stamped
from deepvanet.signal_io.exports.text_columns import (
    TextColumns,
    read_head,
    split_cells,
    split_lines,
)
from deepvanet.signal_io.types import Signals
from deepvanet.signal_io.units import spell_unit

ECG_HZ = 130.0
_ECG = re.compile(r"ecg\s*(?:\[(.*)\])?", re.IGNORECASE)
_PPG = re.compile(r"channel (\d+)", re.IGNORECASE)
_TIMES = (
    ("sensor timestamp [ns]", 1e-9),
    ("timestamp [ms]", 1e-3),
)


def recognise(head: str, path: Path) -> bool:  # noqa: ARG001
    """Say whether a text begins as files of Polar Sensor Logger do."""
    return head.lstrip("\ufeff").lower().startswith("phone timestamp;")


def read(path: Path, declared: Declaration) -> Signals:  # noqa: ARG001
    """Read it.

    Raises
    ------
    UserError
        When it has no signal, or no column of time, or its rows cannot be read.
    """
    names = tuple(split_cells(split_lines(read_head(path))[0], ";"))
    columns = TextColumns(path, names, 1, ";")
    channels = _find_channels(names)
    if not channels:
        raise refuse(
            "F01",
            "an export of Polar Sensor Logger without ECG or PPG, got "
            f"{', '.join(names)}",
            source=path,
            cure="Name the file of ECG or PPG; rates of the heart are no signal here.",
        )
    found = [(k, s) for name, s in _TIMES if (k := columns.find(name)) is not None]
    if not found:
        raise refuse("F01", "has no column sensor timestamp [ns]", source=path)
    time, seconds = found[0]
    table = columns.read([time, *channels])
    stamps = columns.read_numbers(table[time]) * seconds
    is_there = np.isfinite(stamps)
    drop_rows_without(path, is_there, "time")
    values = np.stack([columns.read_numbers(table[k])[is_there] for k in channels])
    is_ecg = any(c.type is ChannelType.ECG for c in channels.values())
    placement = place_stamped(
        stamps[is_there], sfreq=ECG_HZ if is_ecg else None, source=path
    )
    report_clock(
        path,
        "Polar Sensor Logger",
        f"the column {names[time]} says how far samples are apart; neither it nor the "
        "phone's time has a time zone, so it is not known when the recording began",
    )
    spare = {time, *channels}
    report_unused(path, [name for k, name in enumerate(names) if k not in spare])
    return make_signals(path, list(channels.values()), values, placement)


def _find_channels(names: tuple[str, ...]) -> dict[int, ExportChannel]:
    """Return ECG and optical channels by their places."""
    found = {}
    for k, name in enumerate(names):
        ecg, ppg = _ECG.fullmatch(name), _PPG.fullmatch(name)
        if ecg:
            unit = spell_unit(ecg[1] or "uV")
            found[k] = ExportChannel("ECG", unit, ChannelType.ECG)
        elif ppg:
            label = f"PPG {ppg[1]}"
            found[k] = ExportChannel(label, "a.u.", ChannelType.PLETHYSMOGRAPH)
    return found
