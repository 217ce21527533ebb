"""Muse: Mind Monitor, and muse-lsl with or without BlueMuse.

Mind Monitor ("Mind Monitor FAQ", "CSV file format") writes ``TimeStamp`` as
``2024-05-01 10:00:00.123`` in the phone's time zone, band powers, ``RAW_TP9`` to
``RAW_TP10`` in microvolts at 256 Hz (220 Hz for the first Muse) where its interval is
"Constant", and the text of an event in ``Elements``, in a row of its own. muse-lsl
``record`` writes ``timestamps`` in seconds, of Unix or of LSL's clock, the electrodes
in microvolts, ``Right AUX``, and numbers of markers as ``Marker0``; BlueMuse streams
to the same recorder.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from deepvanet.findings import refuse
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
from deepvanet.signal_io.exports.placing import Stamps, place_stamped
from deepvanet.signal_io.exports.text_columns import (
    TextColumns,
    find_separator,
    read_head,
    split_cells,
    split_lines,
)
from deepvanet.signal_io.types import Marker, Signals

RATE_HZ = 256.0
_RAW = "RAW_"
_AUX = ("aux", "right aux", "left aux", "aux_right", "aux_left", "aux1", "aux2")


def recognise(head: str, path: Path) -> bool:  # noqa: ARG001
    """Say whether a text begins as files of Mind Monitor or muse-lsl do."""
    names = [name.lower() for name in _find_columns(Path(), head).names]
    if names[:1] == ["timestamp"]:
        return "raw_tp9" in names
    return names[:1] == ["timestamps"] and {"tp9", "af7", "af8", "tp10"} <= {*names}


def read(path: Path, declared: Declaration) -> Signals:
    """Read it.

    Raises
    ------
    UserError
        When its rows cannot be read.
    """
    columns = _find_columns(path, read_head(path))
    if columns.names[0].lower() == "timestamp":
        return _read_mind_monitor(columns, declared)
    return _read_muse_lsl(columns)


def _find_columns(path: Path, head: str) -> TextColumns:
    line = (split_lines(head) or [""])[0].lstrip("\ufeff")
    separator = find_separator(line)
    return TextColumns(path, tuple(split_cells(line, separator)), 1, separator)


def _read_mind_monitor(columns: TextColumns, declared: Declaration) -> Signals:
    path, names = columns.path, columns.names
    raw = [k for k, name in enumerate(names) if name.startswith(_RAW)]
    aux = [k for k, name in enumerate(names) if name.lower() in _AUX]
    elements = columns.find("Elements")
    used = [*raw, *aux]
    derived = find_derived(names, declared, {0, *used, elements})
    table = columns.read([0, *used, *derived, *([elements] if elements else [])])
    stamps = _read_clock(table[0])
    is_sample = table[raw].notna().any(axis=1).to_numpy() & np.isfinite(stamps)
    if elements is not None:
        is_event = table[elements].notna().to_numpy()
    else:
        is_event = np.zeros(len(table), bool)
    drop_rows_without(path, is_sample | is_event, "time")
    if is_sample.sum() < 2:
        raise refuse("F01", "holds no raw signal", source=path)
    values = np.stack(
        [columns.read_numbers(table[k])[is_sample] for k in [*used, *derived]]
    )
    values[len(used) :] = hold(values[len(used) :])
    placement = place_stamped(
        stamps[is_sample], sfreq=_find_rate(stamps[is_sample]), source=path
    )
    is_event &= np.isfinite(stamps)
    texts = [] if elements is None else table[elements][is_event].tolist()
    markers = [
        Marker(float(stamp - placement.start), 0.0, str(text).strip())
        for stamp, text in zip(stamps[is_event], texts, strict=True)
    ]
    report_clock(
        path,
        "Mind Monitor",
        f"{names[raw[0]]} and others in uV, TimeStamp is the phone's clock without a "
        "time zone, so that the recording has no absolute start",
    )
    bookkeeping = {0, *used, *derived, elements}
    report_unused(path, [n for k, n in enumerate(names) if k not in bookkeeping])
    channels = [ExportChannel(names[k][4:], "uV", ChannelType.EEG) for k in raw]
    channels += [ExportChannel(names[k], "uV", None) for k in aux]
    channels += [describe_derived(names[k]) for k in derived]
    return make_signals(path, channels, values, placement, markers=markers)


def _read_clock(
    texts: "pd.Series[str]",
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return seconds of clock times; what is none is NaN."""
    times = pd.to_datetime(texts, errors="coerce", format="ISO8601")
    seconds = (times - pd.Timestamp(1970, 1, 1)) / pd.Timedelta(seconds=1)
    return np.asarray(seconds, np.float64)


def _find_rate(stamps: Stamps) -> float | None:
    """Return 256 Hz, unless the recording interval was another."""
    span = float(stamps[-1] - stamps[0])
    mean = (len(stamps) - 1) / span if span > 0 else RATE_HZ
    return RATE_HZ if 0.5 * RATE_HZ < mean < 1.1 * RATE_HZ else None


def _read_muse_lsl(columns: TextColumns) -> Signals:
    path, names = columns.path, columns.names
    electrodes = [k for k, name in enumerate(names) if k and find_electrode(name)]
    aux = [k for k, name in enumerate(names) if name.lower() in _AUX]
    marked = [k for k, name in enumerate(names) if name.lower().startswith("marker")]
    used = [*electrodes, *aux]
    table = columns.read([0, *used, *marked])
    stamps = columns.read_numbers(table[0])
    is_there = np.isfinite(stamps)
    drop_rows_without(path, is_there, "time")
    stamps = stamps[is_there]
    if len(stamps) < 2 or not used:
        raise refuse("F01", "holds no signal with times", source=path)
    values = np.stack([columns.read_numbers(table[k])[is_there] for k in used])
    placement = place_stamped(stamps, sfreq=_find_rate(stamps), source=path)
    markers = [
        marker
        for k in marked
        for marker in list_markers(columns.read_numbers(table[k])[is_there], placement)
    ]
    is_absolute = is_unix(placement.start)
    clock = "Unix time" if is_absolute else "the clock of LSL, which no other file has"
    report_clock(
        path,
        "muse-lsl or BlueMuse",
        f"electrodes in uV, timestamps are seconds of {clock}",
    )
    bookkeeping = {0, *used, *marked}
    report_unused(path, [n for k, n in enumerate(names) if k not in bookkeeping])
    channels = [ExportChannel(names[k], "uV", ChannelType.EEG) for k in electrodes]
    channels += [ExportChannel(names[k], "uV", None) for k in aux]
    return make_signals(
        path,
        channels,
        values,
        placement,
        markers=markers,
        start_unix_s=placement.start if is_absolute else None,
    )
