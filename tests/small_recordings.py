"""Recordings of a user, small: signal files, XDF, tables of trials."""

import csv
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from edfio import Bdf, BdfSignal, Edf, EdfAnnotation, EdfSignal

EEG = ("Fp1", "Fp2", "C3", "C4", "O1", "O2")
LABELS = (*EEG, "ECG", "GSR")
UNITS = ("uV",) * 7 + ("uS",)
RANGES = {"uV": (-4000, 4000), "uS": (0, 100), "Ohm": (0, 8e6), "V": (-1, 1)}


def sample_bio(
    seconds: float, *, sfreq: int = 256, labels: Sequence[str] = LABELS, seed: int = 0
) -> np.ndarray:
    """Return signals as heads and skins have them, in uV and uS."""
    rng = np.random.default_rng(seed)
    n = round(seconds * sfreq)
    bio = 20 * rng.standard_normal((len(labels), n))
    for row, label in enumerate(labels):
        if label == "GSR":
            bio[row] = 5 + np.sin(np.arange(n) / sfreq)
    return bio


def write_edf(
    path: Path,
    bio: Sequence[np.ndarray],
    *,
    labels: Sequence[str] = LABELS,
    units: Sequence[str] = UNITS,
    sfreq: int | Sequence[int] = 256,
    markers: Sequence[tuple[float, float, str]] = (),
) -> Path:
    """Write EDF+ or BDF+, by the path's suffix; each channel may have its rate."""
    is_bdf = path.suffix == ".bdf"
    make = BdfSignal if is_bdf else EdfSignal
    rates = [sfreq] * len(labels) if isinstance(sfreq, int) else sfreq
    signals = [
        make(
            np.asarray(row, float),
            rate,
            label=label,
            physical_dimension=unit,
            physical_range=RANGES.get(unit, (-4000, 4000)),
        )
        for row, rate, label, unit in zip(bio, rates, labels, units, strict=True)
    ]
    annotations = [EdfAnnotation(*marker) for marker in markers]
    (Bdf if is_bdf else Edf)(signals, annotations=annotations).write(path)
    return path


def write_trials(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write a table of trials."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_xdf(path: Path, streams: Sequence[Mapping[str, object]]) -> Path:
    """Write an XDF file by its specification, one chunk of samples a stream.

    A stream has a name, a type, times, and values, numbers of shape (time, channel)
    or texts; rate, labels, units, host and clock are optional: what its clock lacks,
    or None for a file without offsets of clocks.
    """
    content = [b"XDF:", _chunk(1, b"<?xml version='1.0'?><info/>")]
    for number, stream in enumerate(streams, 1):
        content += _list_chunks(struct.pack("<I", number), stream)
    path.write_bytes(b"".join(content))
    return path


def _list_chunks(key: bytes, stream: Mapping[str, object]) -> list[bytes]:
    values, times = stream["values"], np.asarray(stream["times"], float)
    clock = float(stream.get("clock", 0.0) or 0.0)
    is_text = isinstance(values, list)
    n_channels = 1 if is_text else values.shape[1]
    labels, units = stream.get("labels", ()), stream.get("units", ())
    described = "".join(
        f"<channel><label>{escape(label)}</label><unit>{unit}</unit></channel>"
        for label, unit in zip(labels, units or [""] * len(labels), strict=True)
    )
    header = (
        f"<info><name>{stream['name']}</name><type>{stream['type']}</type>"
        f"<channel_count>{n_channels}</channel_count>"
        f"<nominal_srate>{stream.get('rate', 0)}</nominal_srate>"
        f"<channel_format>{'string' if is_text else 'double64'}</channel_format>"
        f"<hostname>{stream.get('host', '')}</hostname>"
        f"<desc><channels>{described}</channels></desc></info>"
    )
    samples = b"".join(
        b"\x08" + struct.pack("<d", time - clock) + _pack(value)
        for time, value in zip(times, values, strict=True)
    )
    count = b"\x04" + struct.pack("<I", len(times))
    offsets = [
        _chunk(4, key + struct.pack("<dd", time - clock, clock))
        for time in np.linspace(times[0], times[-1], 8)
        if stream.get("clock", 0.0) is not None
    ]
    return [
        _chunk(2, key + header.encode()),
        *offsets,
        _chunk(3, key + count + samples),
        _chunk(6, key + b"<info/>"),
    ]


def _pack(value: object) -> bytes:
    if isinstance(value, str):
        text = value.encode()
        return b"\x04" + struct.pack("<I", len(text)) + text
    return np.asarray(value, "<f8").tobytes()


def _chunk(tag: int, content: bytes) -> bytes:
    return b"\x04" + struct.pack("<IH", len(content) + 2, tag) + content
