"""Signal files of laboratories, opened: labels, units, rate, markers, numbers.

BDF, EDF, FIF, BrainVision, EEGLAB and all else that MNE knows; XDF; CSV and
Parquet. What a channel measures is not decided here.
"""

from pathlib import Path
from typing import Any

import numpy as np

from deepvanet.schema import ChannelType, UserError
from deepvanet.signal_io.channel_names import read_type
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.exports.known import open_export
from deepvanet.signal_io.raw_files import RawFile, open_raw
from deepvanet.signal_io.read_errors import explain
from deepvanet.signal_io.tables import open_table
from deepvanet.signal_io.types import Marker, Signals
from deepvanet.signal_io.xdf import open_xdf

TABLES = (".csv", ".tsv", ".parquet")

COMPANIONS = {".vhdr": (".eeg", ".dat", ".vmrk"), ".set": (".fdt",)}
"""Files that lie beside one of these, and hold the numbers."""

_TRIGGER_BITS = 0xFFFF


def list_parts(path: Path) -> list[Path]:
    """Return a signal file and the files that belong to it."""
    others = (path.with_suffix(s) for s in COMPANIONS.get(path.suffix.lower(), ()))
    return [path, *(other for other in others if other.is_file())]


def open_signals(path: Path, declared: Declaration) -> Signals:
    """Open a signal file, or raise ``UserError``.

    Raises
    ------
    UserError
        When there is no such file, or it cannot be read.
    """
    export = open_export(path, declared)
    if export is not None:
        return export
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    suffix = path.suffix.lower()
    if suffix in (".xdf", ".xdfz"):
        return open_xdf(path, declared)
    if suffix in TABLES:
        return open_table(path, declared)
    return describe_signals(open_raw(path))


def describe_signals(file: RawFile, *, says_types: bool = False) -> Signals:
    """Return what MNE opened as ``Signals``: all channels but those of triggers.

    Parameters
    ----------
    says_types : bool
        Whether the types of channels were declared; else MNE takes most for EEG.
    """
    picks = [place for place, kind in enumerate(file.kinds) if kind != "stim"]
    says_types = says_types or file.path.suffix.lower() == ".fif"
    with explain(file.path):
        markers = (*_read_annotations(file.raw), *_read_triggers(file))
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
    )


def _read_annotations(raw: Any) -> list[Marker]:
    # MNE counts them from before the first sample, where there was something
    return [
        Marker(float(a["onset"]) - raw.first_time, float(a["duration"]), text)
        for a in raw.annotations
        if (text := str(a["description"]).strip())
    ]


def _read_triggers(file: RawFile) -> list[Marker]:
    """Return the codes of the first trigger channel, where there is one."""
    if "stim" not in file.kinds:
        return []
    codes = file.read_codes(file.kinds.index("stim")) & _TRIGGER_BITS
    rises = np.flatnonzero((codes[1:] != codes[:-1]) & (codes[1:] > 0)) + 1
    return [Marker(float(at / file.sfreq), 0.0, str(codes[at])) for at in rises]
