"""Empatica E4: the folder of a session, as E4 connect gives it out.

``EDA.csv`` (microsiemens, 4 Hz), ``BVP.csv`` (no unit, 64 Hz) and ``TEMP.csv`` (degrees
Celsius, 4 Hz) have the start in Unix seconds in line 1, the rate in Hz in line 2, and
one sample a line below. ``tags.csv`` has the Unix seconds at which the button was
pressed. ``HR.csv`` and ``IBI.csv`` are computed from BVP, ``ACC.csv`` is acceleration.
Described in the ``info.txt`` of each session.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepvanet.findings import refuse, report, say_count
from deepvanet.schema import ChannelType
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.exports.building import (
    ExportChannel,
    find_derived,
    is_unix,
    make_signals,
    report_clock,
)
from deepvanet.signal_io.exports.placing import Placement, Values
from deepvanet.signal_io.exports.text_columns import (
    TextColumns,
    is_number,
    read_head,
    split_cells,
    split_lines,
)
from deepvanet.signal_io.time_grid import change_rate, shift
from deepvanet.signal_io.types import Marker, Signals, Timing

USED = {
    "EDA.csv": ExportChannel("EDA", "uS", ChannelType.GSR),
    "BVP.csv": ExportChannel("BVP", "a.u.", ChannelType.PLETHYSMOGRAPH),
    "TEMP.csv": ExportChannel("TEMP", "degC", ChannelType.TEMPERATURE),
}
DERIVED = {"HR.csv": ExportChannel("HR", "bpm", ChannelType.DERIVED)}
"""What the device computed: read where ``recordings.toml`` declares it."""
NOT_USED = (*DERIVED, "IBI.csv", "ACC.csv")
SENSORS = (*USED, *DERIVED)
"""Names of the files that are read."""
TAGS = "tags.csv"
TAG = "tag"
"""The text of the marker of a button press."""


@dataclass(frozen=True)
class _Series:
    channel: ExportChannel
    start: float
    sfreq: float
    values: Values

    @property
    def end(self) -> float:
        return self.start + len(self.values) / self.sfreq


def recognise(head: str, path: Path) -> bool:
    """Say whether it is a session's folder, one of its files, or its archive."""
    if path.is_dir():
        return any(_begins_as_e4(path / name) for name in USED)
    if path.suffix.lower() == ".zip":
        return _is_archive(path)
    if path.name == TAGS:
        return any(_begins_as_e4(path.parent / name) for name in USED)
    is_named = path.name in (*USED, *NOT_USED)
    return is_named and _has_start_and_rate(head, is_ibi=path.name == "IBI.csv")


def list_parts(path: Path) -> list[Path]:
    """Return the files of the session that a folder, or one of its files, is of."""
    folder = path if path.is_dir() else path.parent
    names = (*USED, *DERIVED, TAGS)
    return [part for name in names if (part := folder / name).is_file()]


def read(path: Path, declared: Declaration) -> Signals:
    """Read the whole session, at the highest rate of its sensors.

    Raises
    ------
    UserError
        When no signal of it can be read.
    """
    if path.suffix.lower() == ".zip":
        raise refuse(
            "F05",
            "an archive of a session of Empatica E4",
            source=path,
            cure="Unpack it, and name the folder or its EDA.csv.",
        )
    folder = path if path.is_dir() else path.parent
    labels = [channel.label for channel in DERIVED.values()]
    asked = {labels[k] for k in find_derived(labels, declared, ())}
    derived = {name: c for name, c in DERIVED.items() if c.label in asked}
    series = [
        _read_series(folder / name, channel)
        for name, channel in (USED | derived).items()
        if (folder / name).is_file()
    ]
    series = _leave_out_others(series, folder)
    if not series:
        raise refuse("F01", f"holds none of {', '.join(USED)}", source=folder)
    sfreq = max(one.sfreq for one in series)
    start = min(one.start for one in series)
    n_samples = round((max(one.end for one in series) - start) * sfreq)
    values = np.concatenate(
        [
            shift(
                change_rate(one.values[None], sfreq=one.sfreq, to=sfreq),
                by=round((one.start - start) * sfreq),
                length=n_samples,
            )
            for one in series
        ]
    )
    rates = ", ".join(f"{one.channel.label} {one.sfreq:g} Hz" for one in series)
    report_clock(path, "Empatica E4", f"{rates}, line 1 is the start in Unix time in s")
    _report_unused(folder, [name for name in NOT_USED if name not in derived])
    return make_signals(
        path,
        [one.channel for one in series],
        values,
        Placement(np.arange(n_samples), sfreq, start, Timing(sfreq)),
        markers=_read_tags(folder / TAGS, start),
        start_unix_s=start if is_unix(start) else None,
        rates=[one.sfreq for one in series],
    )


def _begins_as_e4(path: Path) -> bool:
    return path.is_file() and _has_start_and_rate(read_head(path))


def _has_start_and_rate(head: str, *, is_ibi: bool = False) -> bool:
    first = [split_cells(line, ",") for line in split_lines(head)[:2]]
    if len(first) < 2 or not first[0] or not is_number(first[0][0]):
        return False
    if is_ibi:
        return first[0][1:] == ["IBI"]
    start, rate = first[0], first[1]
    return (
        is_unix(float(start[0]))
        and all(map(is_number, rate))
        and 0 < float(rate[0]) <= 1000
        and len(start) == len(rate)
        and all(cell == start[0] for cell in start)
    )


def _is_archive(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {Path(name).name for name in archive.namelist()[:100]}
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    return {"EDA.csv", "BVP.csv"} <= names


def _read_series(path: Path, channel: ExportChannel) -> _Series:
    head = read_head(path)
    if not _has_start_and_rate(head):
        raise refuse(
            "F01",
            "line 1 must be the start in Unix seconds, line 2 the rate in Hz",
            source=path,
        )
    lines = split_lines(head)
    columns = TextColumns(path, (channel.label,), 2, ",")
    values = columns.read_numbers(columns.read([0])[0])
    if not len(values):
        raise refuse("F01", "holds no samples", source=path)
    start, rate = (float(split_cells(line, ",")[0]) for line in lines[:2])
    return _Series(channel, start, rate, values)


def _leave_out_others(series: list[_Series], folder: Path) -> list[_Series]:
    """Return the series that share some time with the longest one."""
    if not series:
        return []
    main = max(series, key=lambda one: one.end - one.start)
    kept = [one for one in series if one.start < main.end and one.end > main.start]
    for one in series:
        if one not in kept:
            report(
                "T08",
                f"{one.channel.label} begins {one.start - main.start:+.6g} s after "
                f"{main.channel.label}, which lasts {main.end - main.start:.6g} s",
                source=folder,
                assumed=f"{one.channel.label} is of another session, and left out",
                cure="Put the files of one session into one folder.",
            )
    return kept


def _read_tags(path: Path, start: float) -> list[Marker]:
    if not path.is_file() or not path.stat().st_size:
        return []
    columns = TextColumns(path, (TAG,), 0, ",")
    times = columns.read_numbers(columns.read([0])[0])
    return [Marker(float(t - start), 0.0, TAG) for t in times if np.isfinite(t)]


def _report_unused(folder: Path, names: Sequence[str]) -> None:
    there = [name for name in names if (folder / name).is_file()]
    if there:
        files = say_count(
            len(there), "file of the session is", "files of the session are"
        )
        report(
            "C01",
            f"{files} not used: {', '.join(there)}",
            source=folder,
            assumed="heart rate follows from BVP.csv, acceleration is no signal here",
            cure="to use HR.csv, list all channels under [peripherals] in "
            'recordings.toml, it as "HR" = "derived"'
            if "HR.csv" in there
            else "",
        )
