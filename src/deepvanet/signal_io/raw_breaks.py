"""Where recordings were interrupted, as each format says it.

EDF+ and BDF+ by the start of each record; BrainVision by a new segment and its date;
EEGLAB by events called boundary; FIF and others by what they skip.
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from deepvanet.findings import report
from deepvanet.signal_io.edf_records import EDF, EdfRecords
from deepvanet.signal_io.pieces import LEAST_BACK_S, Break

SKIPPED = "BAD_ACQ_SKIP"
"""What MNE calls the time in which an amplifier recorded nothing."""
_JOINED = ("EDGE boundary",)
"""What MNE writes where two recordings were joined."""
_SEGMENT = re.compile(
    r"^\s*Mk\d+=New Segment,[^,]*,(\d+),[^,]*,[^,\r\n]*(?:,(\d{20}))?", re.MULTILINE
)
_FILES = re.compile(r"^\s*(DataFile|MarkerFile)\s*=\s*(.+?)\s*$", re.MULTILINE)


def find_breaks(path: Path, raw: Any, records: EdfRecords | None) -> list[Break]:
    """Return where a recording was interrupted, in the order of its samples.

    Parameters
    ----------
    path : Path
        The file.
    raw : mne.io.BaseRaw
        What MNE opened.
    records : EdfRecords | None
        What an EDF or BDF file says of its records.
    """
    rate = float(raw.info["sfreq"])
    suffix = path.suffix.lower()
    if suffix in EDF:
        return _find_of_records(path, records, rate)
    if suffix in (".vhdr", ".ahdr"):
        return _find_segments(path, rate, int(raw.n_times))
    found = _find_skips(raw, rate)
    if suffix == ".set":
        found += _find_boundaries(raw, rate)
    return sorted(found, key=lambda b: b.first)


def read_named_files(path: Path) -> Mapping[str, Path]:
    """Return the files that a header of BrainVision names, by what they hold."""
    text = path.read_bytes().decode("latin-1")
    named: dict[str, Path] = {}
    for key, name in _FILES.findall(text):
        named.setdefault(key, path.parent / name.replace("$b", path.stem))
    return named


def _find_of_records(
    path: Path, records: EdfRecords | None, rate: float
) -> list[Break]:
    found = records.find_breaks(rate) if records else []
    early = [b for b in found if -LEAST_BACK_S <= b.gap_s < 0]
    if records and early:
        report(
            "T07",
            f"{len(early)} of {records.header.n_records} records begin before the end "
            f"of the last one, {-sum(b.gap_s for b in early):.4g} s in all",
            source=path,
            assumed="each is where it says",
        )
    return found


def _find_segments(path: Path, rate: float, n_samples: int) -> list[Break]:
    markers = read_named_files(path).get("MarkerFile")
    if markers is None or not markers.is_file():
        return []
    text = markers.read_bytes().decode("latin-1")
    begun = [
        (int(at) - 1, _read_date(date)) for at, date in _SEGMENT.findall(text) if at
    ]
    breaks = []
    last = next(iter(begun), (0, None))
    for first, date in begun:
        if first <= last[0] or first >= n_samples:
            continue
        gap = math.nan
        if date and last[1]:
            gap = (date - last[1]).total_seconds() - (first - last[0]) / rate
        if not abs(gap) * rate <= 1.5:
            breaks.append(Break(first, gap))
        last = first, date
    return breaks


def _read_date(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S%f")
    except ValueError:
        return None


def _find_skips(raw: Any, rate: float) -> list[Break]:
    annotations = _list_annotations(raw)
    spans = [
        (max(round(onset * rate), 0), min(round((onset + lasts) * rate), raw.n_times))
        for onset, lasts, text in annotations
        if text == SKIPPED
    ]
    found = [
        Break(round(onset * rate), math.nan)
        for onset, _, text in annotations
        if text in _JOINED and 0 < onset * rate < raw.n_times
    ]
    done = 0
    for begin, end in sorted(spans):  # MNE may list one twice
        n_filled = int(end - max(begin, done))
        if n_filled > 0:
            found.append(Break(int(end), n_filled / rate, n_filled))
            done = end
    return found


def _find_boundaries(raw: Any, rate: float) -> list[Break]:
    """EEGLAB's lie between two samples and last as long as what was cut out."""
    return [
        Break(first, lasts if lasts > 0 else math.nan)
        for onset, lasts, text in _list_annotations(raw)
        if text == "boundary"
        and 0 < (first := math.ceil(onset * rate - 1e-6)) < raw.n_times
    ]


def _list_annotations(raw: Any) -> list[tuple[float, float, str]]:
    return [
        (float(a["onset"]) - raw.first_time, float(a["duration"]), a["description"])
        for a in raw.annotations
    ]
