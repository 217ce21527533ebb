"""Signal files of laboratories, opened: labels, units, rate, markers, numbers.

BDF, EDF, FIF, BrainVision, EEGLAB and all else that MNE knows; XDF; CSV and
Parquet. What a channel measures is not decided here.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from deepvanet.datasets.declared import Declared
from deepvanet.datasets.signal_names import read_type
from deepvanet.datasets.signal_units import UNKNOWN, spell_unit
from deepvanet.schema import ChannelType, UserError

BLOCK_S = 60.0  # read at once: an hour is held as single numbers, not as double
TABLES = (".csv", ".tsv", ".parquet")

COMPANIONS = {".vhdr": (".eeg", ".dat", ".vmrk"), ".set": (".fdt",)}
"""Files that lie beside one of these, and hold the numbers."""

_SCALES = {
    "µV": 1e-6,
    "uV": 1e-6,
    "mV": 1e-3,
    "V": 1.0,
    "nV": 1e-9,
    "µS": 1e-6,
    "uS": 1e-6,
    "S": 1.0,
}
_SPEAKS_OF_VOLTS = (".edf", ".bdf", ".gdf")  # MNE leaves their other numbers alone
_TRIGGER_BITS = 0xFFFF

Numbers: TypeAlias = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Marker:
    """Something that happened, in seconds since the first sample."""

    onset_s: float
    duration_s: float
    text: str


@dataclass(frozen=True)
class VideoClock:
    """When a video began and for how long it ran, on the clock of the signals."""

    start_s: float
    span_s: float


@dataclass(frozen=True)
class Signals:
    """A file that was opened; its numbers are read when asked for.

    Attributes
    ----------
    units : tuple of str
        Of the numbers that ``read`` returns.
    types : tuple of ChannelType | None
        What the file itself says of each channel.
    read_span : callable
        Returns the channels of these places from one sample to before another, shape
        (channel, time).
    video : VideoClock | None
        Where the file holds the stamps of a video's frames.
    """

    path: Path
    labels: tuple[str, ...]
    units: tuple[str, ...]
    types: tuple[ChannelType | None, ...]
    sfreq: float
    n_samples: int
    read_span: Callable[[Sequence[int], int, int], Numbers]
    markers: tuple[Marker, ...] = ()
    video: VideoClock | None = None

    @property
    def seconds(self) -> float:
        """Length of the recording."""
        return self.n_samples / self.sfreq

    def read(
        self, places: Sequence[int], start: int = 0, stop: int | None = None
    ) -> Numbers:
        """Return the channels of these places, all their samples or some."""
        end = self.n_samples if stop is None else min(stop, self.n_samples)
        return self.read_span(places, start, end)


def list_parts(path: Path) -> list[Path]:
    """Return a signal file and the files that belong to it."""
    others = (path.with_suffix(s) for s in COMPANIONS.get(path.suffix.lower(), ()))
    return [path, *(other for other in others if other.is_file())]


def open_signals(path: Path, declared: Declared) -> Signals:
    """Open a signal file, or raise ``UserError``."""
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    suffix = path.suffix.lower()
    if suffix in (".xdf", ".xdfz"):
        from deepvanet.datasets.xdf import open_xdf

        return open_xdf(path, declared)
    if suffix in TABLES:
        from deepvanet.datasets.signal_tables import open_table

        return open_table(path, declared)
    with explain(path):
        raw = _open_with_mne(path)
    return describe_raw(path, raw)


def describe_raw(path: Path, raw: Any, *, says_types: bool = False) -> Signals:
    """Return what MNE opened as ``Signals``.

    Parameters
    ----------
    says_types : bool
        Whether somebody said which channels are EEG; else MNE takes most for it.
    """
    # MNE refuses to tell the types of no channels
    kinds = raw.get_channel_types() if raw.ch_names else []
    picks = [place for place, kind in enumerate(kinds) if kind != "stim"]
    scales = [_find_scale(path, raw, place) for place in picks]
    says_types = says_types or path.suffix.lower() == ".fif"
    with explain(path):
        written = _read_dimensions(path)
        markers = (*_read_annotations(raw), *_read_triggers(raw, kinds))
    return Signals(
        path=path,
        labels=tuple(raw.ch_names[place].strip() for place in picks),
        units=tuple(_find_unit(path, raw, place, written) for place in picks),
        types=tuple(
            read_type(kinds[place])
            if says_types or kinds[place] != ChannelType.EEG
            else None
            for place in picks
        ),
        sfreq=float(raw.info["sfreq"]),
        n_samples=int(raw.n_times),
        read_span=lambda places, start, stop: _read_raw(
            path,
            raw,
            [picks[k] for k in places],
            [scales[k] for k in places],
            range(start, stop),
        ),
        markers=tuple(sorted(markers, key=lambda marker: marker.onset_s)),
    )


def _open_with_mne(path: Path) -> Any:
    import mne

    with warnings.catch_warnings():
        # what a file's header lacks shows in what is read
        warnings.simplefilter("ignore")
        return mne.io.read_raw(path, preload=False, verbose="ERROR")


def _read_raw(
    path: Path, raw: Any, places: Sequence[int], scales: Sequence[float], span: range
) -> NDArray[np.float32]:
    values = np.empty((len(places), len(span)), np.float32)
    length = round(BLOCK_S * raw.info["sfreq"])
    for at in range(0, len(span) if places else 0, length):
        block = span[at : at + length]
        with explain(path):
            read = raw.get_data(picks=list(places), start=block.start, stop=block.stop)
        values[:, at : at + length] = read / np.array(scales)[:, None]
    return values


def _find_unit(path: Path, raw: Any, place: int, written: Mapping[str, str]) -> str:
    """Return the unit that the file's own numbers have."""
    name = raw.ch_names[place]
    if path.suffix.lower() == ".fif":
        units = {107: "V", 118: "S", 115: "degC"}
        return units.get(int(raw.info["chs"][place]["unit"]), UNKNOWN)
    if path.suffix.lower() == ".set":
        return "uV"
    return spell_unit(written.get(name.strip()) or raw._orig_units.get(name, ""))


def _read_dimensions(path: Path) -> Mapping[str, str]:
    """Return the units of EDF and BDF by label; MNE keeps those of voltages only."""
    if path.suffix.lower() not in (".edf", ".bdf"):
        return {}
    with path.open("rb") as file:
        n_signals = int(file.read(256)[252:])
        header = file.read(256 * n_signals).decode("latin-1")
    start, width = 96 * n_signals, 8
    return {
        header[16 * k : 16 * k + 16].strip(): header[
            start + width * k : start + width * k + width
        ].strip()
        for k in range(n_signals)
    }


def _find_scale(path: Path, raw: Any, place: int) -> float:
    """Return what MNE multiplied the file's own numbers with."""
    if path.suffix.lower() == ".fif":
        return 1.0
    if path.suffix.lower() == ".set":
        return 1e-6
    unit = raw._orig_units.get(raw.ch_names[place], "")
    if path.suffix.lower() == ".bdf" and unit not in ("µV", "uV"):
        return 1.0
    if path.suffix.lower() in _SPEAKS_OF_VOLTS and not unit.endswith("V"):
        return 1.0
    return _SCALES.get(unit, 1.0)


def _read_annotations(raw: Any) -> list[Marker]:
    # MNE counts them from before the first sample, where there was something
    return [
        Marker(float(a["onset"]) - raw.first_time, float(a["duration"]), text)
        for a in raw.annotations
        if (text := str(a["description"]).strip())
    ]


def _read_triggers(raw: Any, kinds: Sequence[str]) -> list[Marker]:
    """Return the codes of the first trigger channel, where there is one."""
    if "stim" not in kinds:
        return []
    place = kinds.index("stim")
    codes = raw.get_data(picks=[place])[0].astype(np.int64) & _TRIGGER_BITS
    rises = np.flatnonzero((codes[1:] != codes[:-1]) & (codes[1:] > 0)) + 1
    sfreq = float(raw.info["sfreq"])
    return [Marker(float(at / sfreq), 0.0, str(codes[at])) for at in rises]


@contextmanager
def explain(path: Path) -> Iterator[None]:
    """Say in one sentence why a file cannot be read."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001  readers raise all kinds on bad files
        said = str(error).strip() or "not a format that MNE knows"
        reason = said.splitlines()[0].partition(". ")[0]
        raise UserError(f"{path}: cannot be read: {reason}") from None
