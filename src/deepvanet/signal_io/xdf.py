"""XDF: streams of the lab streaming layer, each with a clock of its own.

The clocks are brought together as the file says; then every stream is put at the
rate of the first EEG stream. Second 0 is that stream's first sample. Streams of one
type may be those of two people, so they are joined only where both are named.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepvanet.findings import report
from deepvanet.optional_packages import load_package
from deepvanet.schema import ChannelType, UserError
from deepvanet.signal_io.channel_names import guess_type, read_type
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.lost_gaze import drop_lost, read_validity
from deepvanet.signal_io.read_errors import explain_error, report_log
from deepvanet.signal_io.time_grid import (
    RATES_HZ,
    TimeGrid,
    change_rate,
    place_samples,
    shift,
)
from deepvanet.signal_io.types import Marker, Signals, VideoClock
from deepvanet.signal_io.units import spell_unit
from deepvanet.signal_io.xdf_chunks import check_chunks

_SAID_ELSEWHERE = (
    "Segments and clock-segments differ",  # without a common clock, and at each gap
    "Calculated effective sampling rate",  # T07
)
"""What pyxdf says, and findings of our own say in seconds."""
_MARKERS = ("marker", "event", "stim", "trigger")
"""How types of streams begin, or end, that hold what happened."""

MARKER_BEYOND_S = 60.0  # of a recording; further off is another clock
MARGIN = 64  # samples of a stream beyond the part that is resampled


@dataclass(frozen=True)
class _Stream:
    """One stream; ``times`` are on the common clock."""

    name: str
    type: str
    host: str
    origin: str
    rate: float
    has_clock: bool
    times: NDArray[np.float64]
    series: Any
    labels: tuple[str, ...]
    units: tuple[str, ...]
    types: tuple[ChannelType | None, ...]

    @property
    def is_text(self) -> bool:
        return isinstance(self.series, list)

    @property
    def is_marker(self) -> bool:
        kind = self.type.strip().lower()
        if self.is_text:
            return True
        if read_type(kind) or kind.startswith("video"):
            return False
        is_named = any(word in kind for word in _MARKERS)
        return is_named or (not self.rate and len(self.labels) == 1)

    def is_called(self, text: str) -> bool:
        names = (self.name, self.type, self.origin, f"{self.name}@{self.host}")
        return text.strip().lower() in [name.lower() for name in names if name]

    def __str__(self) -> str:
        return f"{self.name} ({self.type})"


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
    markers = _choose_markers(path, streams, chosen, declared)
    video = _find_video(path, streams, declared)
    _report_unused(path, streams, [*chosen, *markers, *video])
    main = next((s for s in chosen if read_type(s.type) is ChannelType.EEG), chosen[0])
    _report_columns(path, markers)
    _compare_clocks(path, main, [*chosen, *markers, *video])
    grid = _place(path, main)
    n_samples = grid.values.shape[1]
    own = [grid if s is main else _place(path, s) for s in chosen]
    placed = [one.values if one is grid else _place_beside(one, grid) for one in own]
    bio = np.concatenate(placed).astype(np.float32)
    return Signals(
        path=path,
        labels=tuple(label for s in chosen for label in s.labels),
        units=tuple(unit for s in chosen for unit in s.units),
        types=tuple(kind for s in chosen for kind in s.types),
        sfreq=grid.rate,
        n_samples=n_samples,
        read_span=lambda places, start, stop: bio[list(places), start:stop],
        markers=_read_markers(markers, grid.start),
        video=_read_clock(video[0], grid.start) if video else None,
        rates=tuple(rate for one in own for rate in one.rates),
        timing=grid.timing,
    )


def _load(path: Path) -> list[_Stream]:
    pyxdf = load_package("pyxdf", source=path)
    with explain_error(path), report_log(path, "pyxdf", besides=_SAID_ELSEWHERE):
        check_chunks(path)
        found, _ = pyxdf.load_xdf(str(path), dejitter_timestamps=False)
        return [_read_stream(stream) for stream in found]


def _read_stream(stream: Mapping[str, Any]) -> _Stream:
    info = stream["info"]
    name, kind = _read_first(info, "name"), _read_first(info, "type")
    channels = _list_channels(info)
    n_channels = int(info["channel_count"][0])
    if len(channels) != n_channels:
        channels = [{} for _ in range(n_channels)]
    usual = read_type(kind)
    stem = name if n_channels == 1 else f"{name} "
    return _Stream(
        name=name,
        type=kind,
        host=_read_first(info, "hostname"),
        origin=_read_first(info, "source_id"),
        rate=float(_read_first(info, "nominal_srate") or 0),
        has_clock=bool(len(stream.get("clock_times", ()))),
        times=np.asarray(stream["time_stamps"], np.float64),
        series=stream["time_series"],
        labels=tuple(
            _read_first(channel, "label")
            or (stem if n_channels == 1 else stem + str(k))
            for k, channel in enumerate(channels, 1)
        ),
        units=tuple(spell_unit(_read_first(c, "unit")) for c in channels),
        types=tuple(_find_type(channel, usual) for channel in channels),
    )


def _find_type(
    channel: Mapping[str, Any], usual: ChannelType | None
) -> ChannelType | None:
    """Return what is measured; a stream of gaze has pupils and validity in it too."""
    said = read_type(_read_first(channel, "type")) or usual
    if said is not ChannelType.GAZE_POSITION:
        return said
    return guess_type(_read_first(channel, "label")) or said


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
    there = ", ".join(map(str, streams)) or "none"
    if not declared.streams:
        chosen = [s for s in known if read_type(s.type)]
        if not chosen:
            raise UserError(
                f"{path}: no stream whose type says what it measures, name them in "
                f"recordings.toml as streams of [xdf], got {there}"
            )
        return _ask_which(path, chosen, ())
    for name in declared.streams:
        if not any(stream.is_called(name) for stream in known):
            raise UserError(f"{path}: no stream of signals {name!r}, got {there}")
    chosen = [s for s in known if any(s.is_called(name) for name in declared.streams)]
    return _ask_which(path, chosen, declared.streams)


def _ask_which(
    path: Path, chosen: Sequence[_Stream], names: Sequence[str]
) -> list[_Stream]:
    """Return streams, of those that no name distinguishes the first one only."""
    kept: list[_Stream] = []
    for stream in chosen:
        others = [s for s in chosen if _are_alike(s, stream)]
        if len(others) < 2 or _are_all_named(others, names):
            kept.append(stream)
        elif stream is others[0]:
            kept.append(stream)
            kind = (read_type(stream.type) or stream.type).upper()
            report(
                "C10",
                f"{len(others)} streams of {kind}: {', '.join(map(_name, others))}",
                source=path,
                assumed=f"only {_name(stream)} is used",
                cure=_say_which(others),
            )
    return kept


def _say_which(streams: Sequence[_Stream]) -> str:
    """Say how to choose one of the streams that no name distinguishes."""
    one, other = (_quote(stream, streams) for stream in streams[:2])
    host = " (behind @ is the name of the computer, which may be empty)"
    return (
        f"write streams = [{one}] for the first, streams = [{other}] for the second, "
        f"or streams = [{one}, {other}] for both, if they are of one person, under "
        f"[xdf] in recordings.toml{host if '@' in one + other else ''}"
    )


def _are_alike(one: _Stream, other: _Stream) -> bool:
    kinds = [read_type(s.type) or s.type.lower() for s in (one, other)]
    return kinds[0] == kinds[1]


def _are_all_named(streams: Sequence[_Stream], names: Sequence[str]) -> bool:
    """Whether each stream is called by a name that none of the others has."""
    calls = [[k for k, s in enumerate(streams) if s.is_called(n)] for n in names]
    return all([k] in calls for k in range(len(streams)))


def _name(stream: _Stream) -> str:
    return f"{stream.name} ({stream.host or stream.origin or stream.type})"


def _quote(stream: _Stream, others: Sequence[_Stream]) -> str:
    names = (stream.name, stream.origin, f"{stream.name}@{stream.host}")
    own = next((n for n in names if sum(s.is_called(n) for s in others) == 1), names[0])
    return f'"{own}"'


def _choose_markers(
    path: Path,
    streams: Sequence[_Stream],
    chosen: Sequence[_Stream],
    declared: Declaration,
) -> list[_Stream]:
    if declared.markers:
        named = [s for s in streams if s.is_called(declared.markers)]
        if not named:
            raise UserError(f"{path}: no stream of markers {declared.markers!r}")
        return named
    is_video = [bool(declared.video and s.is_called(declared.video)) for s in streams]
    return [
        s
        for s, is_clock in zip(streams, is_video, strict=True)
        if s.is_marker and not is_clock and not any(s is c for c in chosen)
    ]


def _find_video(
    path: Path, streams: Sequence[_Stream], declared: Declaration
) -> list[_Stream]:
    if not declared.video:
        return []
    stream = next((s for s in streams if s.is_called(declared.video)), None)
    if stream is None or not len(stream.times):
        raise UserError(
            f"{path}: no stream {declared.video!r} with the stamps of a video's frames"
        )
    return [stream]


def _report_unused(
    path: Path, streams: Sequence[_Stream], used: Sequence[_Stream]
) -> None:
    for stream in streams:
        if not len(stream.times):
            report("C01", f"stream {stream} has no samples", source=path)
        elif not any(stream is one for one in used):
            report(
                "T13" if stream.is_marker else "C01",
                f"stream {stream} is not used: {len(stream.times)} samples of "
                f"{', '.join(stream.labels[:8])}",
                source=path,
                cure="name it as streams, markers or video of [xdf] in recordings.toml",
            )


_APART = (
    "export the stream as a file of its own, and name it in the column peripheral of "
    "the table of trials; peripheral_offset_s holds the second at which it begins"
)


def _report_columns(path: Path, markers: Sequence[_Stream]) -> None:
    """Report what stands beside the first text of a marker."""
    for stream in markers:
        if len(stream.labels) > 1:
            report(
                "T13",
                f"markers of {stream} have {len(stream.labels)} channels",
                source=path,
                place=f"stream {stream.name}",
                assumed="the first one names what happened",
            )


def _compare_clocks(path: Path, main: _Stream, used: Sequence[_Stream]) -> None:
    """Report streams on other clocks, and those that are of another time."""
    for stream in used:
        if stream is main or not len(stream.times):
            continue
        begin, end = stream.times.min() - main.times[0], stream.times.max()
        end -= main.times[0]
        is_other = bool(stream.host and main.host and stream.host != main.host)
        lacks = not (stream.has_clock and main.has_clock)
        place = f"stream {stream.name}"
        if is_other and lacks:
            report(
                "T09",
                f"{stream} was recorded by the computer {stream.host}, {main} by the "
                f"computer {main.host}, and the file does not say how far their clocks "
                "differ: it has no clock offsets of "
                f"{stream if main.has_clock else main}",
                source=path,
                place=place,
                assumed="both clocks are the same",
                cure=f"if the clocks were set alike, --accept T09; else {_APART}",
            )
        lasts = main.times.max() - main.times[0]
        # a marker may be sent before recording begins, and after it ends
        beyond = max(lasts, MARKER_BEYOND_S) if stream.is_marker else 0.0
        if end < -beyond or begin > lasts + beyond:
            report(
                "T08",
                f"{stream} is from {begin:.6g} s to {end:.6g} s, {main} from 0 s to "
                f"{lasts:.6g} s, so they have no second in common",
                source=path,
                place=place,
                assumed="none of its markers is used"
                if stream.is_marker
                else "it has no samples in the recording",
                cure="write onset_s in place of marker into the table of trials"
                if stream.is_marker
                else f"probably its clock is another one: {_APART}",
            )


def _place(path: Path, stream: _Stream) -> TimeGrid:
    values = np.asarray(stream.series, np.float64).T
    for row, kind in enumerate(stream.types):
        if kind is ChannelType.GAZE_VALIDITY:
            values[row] = read_validity(values[row], values[row])
    values = drop_lost(values, stream.types)
    return place_samples(
        stream.times,
        values,
        name=str(path),
        place=f"stream {stream.name}",
        labels=stream.labels,
        stated_hz=stream.rate or None,
    )


def _place_beside(own: TimeGrid, grid: TimeGrid) -> NDArray[np.float64]:
    """Return a stream at the rate of the main one, from its start to its end."""
    n_samples, apart_s = grid.values.shape[1], own.start - grid.start
    if own.rate < RATES_HZ[0]:
        at = np.arange(n_samples) / grid.rate - apart_s
        there = np.arange(own.values.shape[1]) / own.rate
        rows = [np.interp(at, there, row, np.nan, np.nan) for row in own.values]
        return np.stack(rows)
    # an hour before the main stream began needs no room
    first = max(0, math.floor(-apart_s * own.rate) - MARGIN)
    last = math.ceil((n_samples / grid.rate - apart_s) * own.rate) + MARGIN
    cut = own.values[:, first : max(last, first + 1)]
    if not cut.shape[1]:
        return np.full((len(own.values), n_samples), np.nan)
    values = change_rate(cut, sfreq=own.rate, to=grid.rate)
    by = round((apart_s + first / own.rate) * grid.rate)
    return np.asarray(shift(values, by=by, length=n_samples))


def _read_markers(streams: Sequence[_Stream], start: float) -> tuple[Marker, ...]:
    markers = [
        Marker(float(time) - start, 0.0, text)
        for stream in streams
        for time, text in _list_events(stream)
        if text
    ]
    return tuple(sorted(markers, key=lambda marker: marker.onset_s))


def _list_events(stream: _Stream) -> list[tuple[float, str]]:
    """Return what happened; in a stream of a steady rate, where its number changes."""
    times = stream.times.tolist()
    if stream.is_text:
        pairs = zip(times, stream.series, strict=True)
        return [(time, str(texts[0]).strip()) for time, texts in pairs]
    numbers = np.asarray(stream.series)[:, 0]
    if not stream.rate:
        picks = np.flatnonzero(np.isfinite(numbers))
    else:
        is_new = np.concatenate([[True], numbers[1:] != numbers[:-1]])
        picks = np.flatnonzero(is_new & np.isfinite(numbers) & (numbers != 0))
    return [(times[k], f"{numbers[k]:.10g}") for k in picks]


def _read_clock(stream: _Stream, start: float) -> VideoClock:
    first, last = float(stream.times[0]), float(stream.times[-1])
    return VideoClock(first - start, last - first)
