"""XDF: streams of the lab streaming layer, each with a clock of its own.

The clocks are brought together as the file says; then every stream is put at the
rate of the first EEG stream. Second 0 is that stream's first sample.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepvanet.schema import ChannelType, UserError
from deepvanet.signal_io.channel_names import read_type
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.read_errors import explain
from deepvanet.signal_io.time_grid import change_rate, put_on_grid, shift
from deepvanet.signal_io.types import Marker, Signals, VideoClock
from deepvanet.signal_io.units import spell_unit


@dataclass(frozen=True)
class _Stream:
    """One stream; ``times`` are on the common clock."""

    name: str
    type: str
    times: NDArray[np.float64]
    series: Any
    labels: tuple[str, ...]
    units: tuple[str, ...]
    types: tuple[ChannelType | None, ...]

    @property
    def is_text(self) -> bool:
        return isinstance(self.series, list)

    def is_called(self, text: str) -> bool:
        return text.strip().lower() in (self.name.lower(), self.type.lower())


def open_xdf(path: Path, declared: Declaration) -> Signals:
    """Read a file's streams of signals, its markers, and its video's stamps.

    Raises
    ------
    UserError
        When it cannot be read, or has no stream of signals, or none of a name
        that was declared.
    """
    streams = _load(path)
    chosen = _choose(path, streams, declared)
    main = next((s for s in chosen if read_type(s.type) is ChannelType.EEG), chosen[0])
    values, sfreq = _place(path, main)
    start, n_samples = float(main.times[0]), values.shape[1]
    placed = []
    for stream in chosen:
        if stream is not main:
            own, rate = _place(path, stream)
            own = change_rate(own, sfreq=rate, to=sfreq)
            by = round((float(stream.times[0]) - start) * sfreq)
            placed.append(shift(own, by=by, length=n_samples))
        else:
            placed.append(values)
    bio = np.concatenate(placed).astype(np.float32)
    return Signals(
        path=path,
        labels=tuple(label for s in chosen for label in s.labels),
        units=tuple(unit for s in chosen for unit in s.units),
        types=tuple(kind for s in chosen for kind in s.types),
        sfreq=sfreq,
        n_samples=n_samples,
        read_span=lambda places, start, stop: bio[list(places), start:stop],
        markers=_read_markers(path, streams, declared, start),
        video=_read_video(path, streams, declared, start),
    )


def _load(path: Path) -> list[_Stream]:
    import pyxdf

    logger = logging.getLogger("pyxdf")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # what it makes of a file shows in the result
    try:
        with explain(path):
            _check_magic(path)
            found, _ = pyxdf.load_xdf(str(path))
            return [_read_stream(stream) for stream in found]
    finally:
        logger.setLevel(level)


def _check_magic(path: Path) -> None:
    """Refuse what is not XDF at all, which pyxdf would leave open."""
    with path.open("rb") as file:
        magic = file.read(4)
    if magic != b"XDF:" and magic[:2] != b"\x1f\x8b":
        raise ValueError("not a file in XDF")


def _read_stream(stream: Mapping[str, Any]) -> _Stream:
    info = stream["info"]
    name, kind = info["name"][0] or "", info["type"][0] or ""
    channels = _list_channels(info)
    n_channels = int(info["channel_count"][0])
    if len(channels) != n_channels:
        channels = [{} for _ in range(n_channels)]
    usual = read_type(kind)
    stem = name if n_channels == 1 else f"{name} "
    return _Stream(
        name=name,
        type=kind,
        times=np.asarray(stream["time_stamps"], np.float64),
        series=stream["time_series"],
        labels=tuple(
            _read_first(channel, "label")
            or (stem if n_channels == 1 else stem + str(k))
            for k, channel in enumerate(channels, 1)
        ),
        units=tuple(spell_unit(_read_first(c, "unit")) for c in channels),
        types=tuple(read_type(_read_first(c, "type")) or usual for c in channels),
    )


def _list_channels(info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    described = (info.get("desc") or [None])[0] or {}
    channels = (described.get("channels") or [None])[0] or {}
    return [channel or {} for channel in channels.get("channel") or []]


def _read_first(channel: Mapping[str, Any], key: str) -> str:
    return str((channel.get(key) or [""])[0] or "")


def _choose(
    path: Path, streams: Sequence[_Stream], declared: Declaration
) -> list[_Stream]:
    """Return the streams of signals that were named, or that say what they are."""
    known = [s for s in streams if not s.is_text and len(s.times) > 1]
    there = ", ".join(f"{s.name} ({s.type})" for s in streams) or "none"
    if not declared.streams:
        chosen = [s for s in known if read_type(s.type)]
        if not chosen:
            raise UserError(
                f"{path}: no stream whose type says what it measures, name them in "
                f"recordings.toml as streams of [xdf], got {there}"
            )
        return chosen
    for name in declared.streams:
        if not any(stream.is_called(name) for stream in known):
            raise UserError(f"{path}: no stream of signals {name!r}, got {there}")
    return [s for s in known if any(s.is_called(name) for name in declared.streams)]


def _place(path: Path, stream: _Stream) -> tuple[NDArray[np.float64], float]:
    values = np.asarray(stream.series, np.float64).T
    return put_on_grid(stream.times, values, name=f"{path}: stream {stream.name}")


def _read_markers(
    path: Path, streams: Sequence[_Stream], declared: Declaration, start: float
) -> tuple[Marker, ...]:
    chosen = [s for s in streams if s.is_text]
    if declared.markers:
        chosen = [s for s in chosen if s.is_called(declared.markers)]
        if not chosen:
            raise UserError(f"{path}: no stream of markers {declared.markers!r}")
    markers = [
        Marker(float(time) - start, 0.0, str(texts[0]).strip())
        for stream in chosen
        for time, texts in zip(stream.times, stream.series, strict=True)
    ]
    return tuple(sorted(markers, key=lambda marker: marker.onset_s))


def _read_video(
    path: Path, streams: Sequence[_Stream], declared: Declaration, start: float
) -> VideoClock | None:
    if not declared.video:
        return None
    stream = next((s for s in streams if s.is_called(declared.video)), None)
    if stream is None or not len(stream.times):
        raise UserError(
            f"{path}: no stream {declared.video!r} with the stamps of a video's frames"
        )
    first, last = float(stream.times[0]), float(stream.times[-1])
    return VideoClock(first - start, last - first)
