"""Recordings with pauses, as each format writes them, with a known truth."""

from collections.abc import Sequence
from pathlib import Path

import mne
import numpy as np
from scipy.io import savemat

from deepvanet.schema import Channel
from signal_files import write_brainvision
from small_recordings import write_edf

ROOM = "x" * 60  # for annotations that are written later

VMRK = """\
Brain Vision Data Exchange Marker File, Version 1.0
[Common Infos]
DataFile={data}
[Marker Infos]
{markers}
"""


def write_interrupted_edf(
    path: Path,
    bio: Sequence[np.ndarray],
    starts: Sequence[float],
    *,
    markers: Sequence[tuple[float, str]] = (),
    encoding: str = "utf-8",
    **options: object,
) -> Path:
    """Write EDF+D or BDF+D: records of one second, which begin at ``starts``."""
    write_edf(path, bio, markers=[(0.0, 0.0, ROOM)], **options)
    content = bytearray(path.read_bytes())
    content[192:197] = path.suffix[1:].upper().encode() + b"+D"
    n_signals = int(content[252:256])
    at = 256 + 216 * n_signals
    counts = [int(content[at + 8 * k : at + 8 * k + 8]) for k in range(n_signals)]
    size = 3 if path.suffix == ".bdf" else 2
    labels = [bytes(content[256 + 16 * k : 272 + 16 * k]) for k in range(n_signals)]
    place = next(k for k, label in enumerate(labels) if b"Annotations" in label)
    width, wide = sum(counts) * size, counts[place] * size
    for number, start in enumerate(starts):
        text = f"+{start:g}\x14\x14\x00".encode()
        for onset, said in markers if not number else ():
            text += f"+{onset:g}\x14".encode() + said.encode(encoding) + b"\x14\x00"
        assert len(text) <= wide
        first = 256 * (n_signals + 1) + number * width + sum(counts[:place]) * size
        content[first : first + wide] = text.ljust(wide, b"\x00")
    path.write_bytes(content)
    return path


def write_segments(
    path: Path,
    bio: np.ndarray,
    channels: Sequence[Channel],
    segments: Sequence[tuple[int, str]],
    *,
    stimuli: Sequence[tuple[int, str]] = (),
    stem: str = "",
) -> Path:
    """Write BrainVision in segments: the first sample of each, and its date."""
    write_brainvision(path, bio, channels)
    stem = stem or path.stem
    lines = [f"New Segment,,{at + 1},1,0,{date}" for at, date in segments]
    lines += [f"Stimulus,{text},{at + 1},1,0" for at, text in stimuli]
    lines = [f"Mk{k}={line}" for k, line in enumerate(lines, 1)]
    markers, data = path.with_name(f"{stem}.vmrk"), path.with_name(f"{stem}.eeg")
    markers.write_text(VMRK.format(data=data.name, markers="\n".join(lines)))
    path.with_suffix(".eeg").rename(data)
    header = path.read_text().replace(
        f"DataFile={path.stem}.eeg", f"DataFile={data.name}\nMarkerFile={markers.name}"
    )
    path.write_text(header)
    return path


def write_eeglab(
    path: Path, bio: np.ndarray, labels: Sequence[str], events: Sequence[dict]
) -> Path:
    """Write EEGLAB at 128 Hz; events have a type, a latency and a duration."""
    eeg = {
        "setname": "x",
        "nbchan": len(bio),
        "pnts": bio.shape[1],
        "trials": 1,
        "srate": 128.0,
        "xmin": 0.0,
        "xmax": bio.shape[1] / 128,
        "data": bio,
        "chanlocs": np.array([(label,) for label in labels], [("labels", object)]),
        "event": np.array(
            [(e["type"], e["latency"], e["duration"]) for e in events],
            [("type", object), ("latency", float), ("duration", float)],
        ),
        "icawinv": [],
        "icasphere": [],
        "icaweights": [],
        "icaact": [],
        "epoch": [],
        "ref": "common",
    }
    savemat(path, {"EEG": eeg}, appendmat=False)
    return path


def write_skipping_fif(
    path: Path, bio: np.ndarray, types: Sequence[str], skip_s: tuple[float, float]
) -> Path:
    """Write FIF at 128 Hz whose recorder paused, with what it says of that."""
    labels = [f"{kind.upper()} {k}" for k, kind in enumerate(types)]
    info = mne.create_info(labels, 128.0, list(types))
    raw = mne.io.RawArray(bio, info, first_samp=1280, verbose="ERROR")
    start, end = skip_s
    skip = mne.Annotations([start, end + 1], [end - start, 0], ["BAD_ACQ_SKIP", "stim"])
    raw.set_annotations(skip)
    raw.save(path, fmt="double", buffer_size_sec=1.0, verbose="ERROR")
    return path
