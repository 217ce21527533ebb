"""Signal files of laboratories, opened: labels, units, rate, markers, numbers.

BDF, EDF, FIF, BrainVision, EEGLAB and all else that MNE knows; XDF; CSV and
Parquet. What a channel measures is not decided here.
"""

from collections import Counter
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from deepvanet.findings import attempt, collect, report
from deepvanet.schema import ChannelType, UserError
from deepvanet.signal_io.channel_names import read_type
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.edf_records import EDF
from deepvanet.signal_io.exports.known import list_export_parts, open_export
from deepvanet.signal_io.pieces import find_second
from deepvanet.signal_io.raw_breaks import SKIPPED, read_named_files
from deepvanet.signal_io.raw_files import RawFile, open_raw
from deepvanet.signal_io.read_errors import explain_error
from deepvanet.signal_io.tables import open_table
from deepvanet.signal_io.types import Marker, Signals
from deepvanet.signal_io.xdf import open_xdf

TABLES = (".csv", ".tsv", ".tab", ".txt", ".parquet")
XDF = (".xdf", ".xdfz")

COMPANIONS = {".vhdr": (".eeg", ".dat", ".vmrk"), ".set": (".fdt",)}
"""Files that may lie beside one of these, where it cannot be opened."""

_TRIGGER_BITS = 0xFFFF


def list_parts(path: Path) -> list[Path]:
    """Return a signal file and the files that are opened with it."""
    exported = list_export_parts(path)
    if exported:
        return exported
    suffix = path.suffix.lower()
    if suffix in (*EDF, *XDF, *TABLES) or not path.is_file():
        return [path]
    stat = path.stat()
    return list(_list_opened(path, stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=1024)
def _list_opened(path: Path, time: int, size: int) -> tuple[Path, ...]:
    """Return what MNE opens, and the markers of BrainVision; what is there of it."""
    del time, size  # of a file that was replaced meanwhile
    with collect():
        opened = attempt(lambda: open_raw(path))
    others: list[Path] = []
    if opened:
        others += [Path(name) for name in opened.raw.filenames if name is not None]
    else:
        others += map(path.with_suffix, COMPANIONS.get(path.suffix.lower(), ()))
    if path.suffix.lower() in (".vhdr", ".ahdr"):
        others += read_named_files(path).values()
    there = (_shorten(path.parent / other, path.parent) for other in others)
    parts = (o for o in there if o.is_file() and not o.samefile(path))
    return tuple(dict.fromkeys((path, *parts)))


def _shorten(path: Path, folder: Path) -> Path:
    """Return a path as its folder is called here; MNE makes them absolute."""
    is_here = path.parent.resolve() == folder.resolve()
    return folder / path.name if is_here else path


def open_signals(path: Path, declared: Declaration) -> Signals:
    """Open a signal file, or raise ``UserError``.

    Raises
    ------
    UserError
        When there is no such file, or it cannot be read.
    """
    with explain_error(path):
        return _number_repeated(_open_any(path, declared), declared)


def _open_any(path: Path, declared: Declaration) -> Signals:
    export = open_export(path, declared)
    if export is not None:
        return export
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    suffix = path.suffix.lower()
    if suffix in XDF:
        return open_xdf(path, declared)
    if suffix in TABLES:
        return open_table(path, declared)
    return describe_signals(open_raw(path))


def _number_repeated(signals: Signals, declared: Declaration) -> Signals:
    """Return signals whose repeated labels are numbered where a person does so.

    Of two channels called GSR, ``recordings.toml`` means one by GSR-0 or GSR-1.
    """
    asked = (
        *(declared.eeg or ()),
        *(declared.peripherals or {}),
        *declared.reference,
        *declared.units,
    )
    named = {name.strip().lower() for name in asked}
    counts = Counter(signals.labels)
    labels = list(signals.labels)
    for label in (label for label, n in counts.items() if n > 1):
        own = [f"{label}-{k}" for k in range(counts[label])]
        if named & {name.lower() for name in own}:
            numbers = iter(own)
            labels = [next(numbers) if one == label else one for one in labels]
    return replace(signals, labels=tuple(labels))


def describe_signals(file: RawFile, *, says_types: bool = False) -> Signals:
    """Return what MNE opened as ``Signals``: all channels but those of triggers.

    Parameters
    ----------
    says_types : bool
        Whether the types of channels were declared; else MNE takes most for EEG.
    """
    picks = [place for place, kind in enumerate(file.kinds) if kind != "stim"]
    says_types = says_types or file.path.suffix.lower() == ".fif"
    if file.records is not None and not says_types:
        markers = _place_annotations(file)
    else:
        markers = _read_annotations(file)
    with explain_error(file.path):
        markers += _read_triggers(file)
    return Signals(
        path=file.path,
        labels=tuple(file.labels[place] for place in picks),
        units=tuple(file.units[place] for place in picks),
        types=tuple(
            read_type(file.kinds[place])
            if says_types or file.kinds[place] != ChannelType.EEG
            else None
            for place in picks
        ),
        sfreq=file.sfreq,
        n_samples=file.n_samples,
        read_span=lambda places, start, stop: file.read(
            [picks[k] for k in places], start, stop
        ),
        markers=tuple(sorted(markers, key=lambda marker: marker.onset_s)),
        rates=tuple(file.rates[place] for place in picks),
        faults={k: file.faults[p] for k, p in enumerate(picks) if p in file.faults},
        bad=tuple(k for k, place in enumerate(picks) if place in file.bad),
        timing=file.timing,
        start_unix_s=_find_start(file),
        has_zone=file.path.suffix.lower() == ".fif",
    )


def _find_start(file: RawFile) -> float | None:
    """Return when a file says that it was recorded; none where a date stands in.

    Who leaves out the date of EDF writes the midnight of a first of January.
    """
    date = file.raw.info["meas_date"]
    if date is None or (date.month, date.day, date.hour, date.minute) == (1, 1, 0, 0):
        return None
    return float(date.timestamp())


def _place_annotations(file: RawFile) -> list[Marker]:
    """Return the annotations of EDF and BDF in the time of the recording."""
    records = file.records
    if records is None:
        return []
    at = {piece.first: piece.at / file.sfreq for piece in file.pieces}
    said = [(s, at[first]) for s, first in records.find_said(file.sfreq) if first in at]
    markers = []
    for marker in records.annotations:
        before = [pair for pair in said if pair[0] <= marker.onset_s + 1e-9]
        start, second = max(before, default=(0.0, 0.0))
        onset = second + (marker.onset_s - start)
        markers.append(Marker(onset, marker.duration_s, marker.text))
    return markers


def _read_annotations(file: RawFile) -> list[Marker]:
    # MNE counts them from before the first sample, where there was something
    raw = file.raw
    return [
        Marker(
            find_second(file.pieces, float(a["onset"]) - raw.first_time, file.sfreq),
            0.0 if np.isnan(a["duration"]) else float(a["duration"]),
            text,
        )
        for a in raw.annotations
        if (text := str(a["description"]).strip()) and text != SKIPPED
    ]


def _read_triggers(file: RawFile) -> list[Marker]:
    """Return the codes of all trigger channels.

    A code that two channels have at the same moments is one marker; where they have
    it at others, the channel's label says which one is meant.
    """
    places = [k for k, kind in enumerate(file.kinds) if kind == "stim"]
    rises = {place: _find_rises(file, place) for place in places}
    owners: dict[str, list[int]] = {}
    for place, found in rises.items():
        for text in found:
            owners.setdefault(text, []).append(place)
    markers = []
    for text, own in owners.items():
        moments = [rises[place][text] for place in own]
        is_one = all(moment == moments[0] for moment in moments)
        if not is_one:
            names = [f"{file.labels[place]}/{text}" for place in own]
            report(
                "T13",
                f"trigger {text} stands in {len(own)} channels at other times",
                source=file.path,
                place=", ".join(file.labels[place] for place in own),
                assumed=f"they are the markers {', '.join(names)}",
            )
        for place in own[: 1 if is_one else None]:
            name = text if is_one else f"{file.labels[place]}/{text}"
            markers += [
                Marker(float(at / file.sfreq), 0.0, name) for at in rises[place][text]
            ]
    return markers


def _find_rises(file: RawFile, place: int) -> dict[str, list[int]]:
    """Return the samples at which each code of a trigger channel begins."""
    codes = file.read_codes(place) & _TRIGGER_BITS
    found: dict[str, list[int]] = {}
    for at in np.flatnonzero((codes[1:] != codes[:-1]) & (codes[1:] > 0)) + 1:
        found.setdefault(str(codes[at]), []).append(int(at))
    return found
