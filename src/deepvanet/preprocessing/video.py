"""Frames of a video at a steady rate, each the nearest to its target time.

A video is decoded once, from its first frame to its last, and only the frames
that are kept become RGB: at five a second that is faster than seeking, and
exact. Memory stays at a few frames however long the video is.

When a frame is shown depends on the container. AVI has no time stamps that
survive re-ordered frames, so frame ``i`` is at ``i / fps`` there, and wherever
stamps are missing. Elsewhere it is the stamp, less the first one; a stamp that
contradicts the others is replaced by a time between its neighbours. What is odd is
reported as a finding.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import av
import av.logging
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from jaxtyping import UInt8

from deepvanet.findings import refuse, report, say_count
from deepvanet.preprocessing.video_times import (
    LONGEST_S,
    FrameTimes,
    find_gaps,
    place_frames,
    report_gaps,
    report_times,
)

ROUNDING_S = 0.001
"""Coarsest time stamps in use: Matroska's, in milliseconds."""
RATE_TOLERANCE = 0.1
"""How far, as a fraction, a declared rate may be from that of the stamps."""
MISSING_S = 0.5
"""A video that ends this much before its header says is reported."""
LEAST_SIDE, MOST_PIXELS = 16, 100_000_000
"""A picture with a shorter side shows no face; a larger one is of no camera."""
QUIET_PARTS = ("swscaler",)
"""Parts of FFmpeg whose warnings are about pixel formats, not about the file."""
MOST_DECODED = 600
"""Frames that are decoded, for about half a second, to look at a few."""
NAMED_DOUBTS = 3
"""Messages of FFmpeg that are quoted."""


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says of itself, and what its packets say.

    Attributes
    ----------
    width, height : int
        In pixels as stored, before any rotation that the file asks for.
    fps : float
        Frames a second, typically. Not the declared rate where stamps contradict it.
    n_packets : int
        Compressed frames found, which may be more than can be decoded.
    duration_s : float
        From the first frame to the end of the last.
    declared_s : float
        Duration that the header promises; 0 where it promises nothing.
    is_timed : bool
        Whether time stamps are trusted; else frames are counted.
    ticks : int
        What AVI's packet numbers rise by from one to the next; by more where
        the recorder left frames out. 0 where that is unknown.
    declared_fps, measured_fps : float
        The rate that the container states, 0 if none, and the mean rate by stamps
        where there is no gap; ``fps`` where frames are counted.
    gaps : tuple of (float, float)
        Stretches without a frame: seconds of the frame before, and the one after.
    times : FrameTimes | None
        When its frames are shown; None where they are counted.
    """

    container: str
    codec: str
    width: int
    height: int
    fps: float
    n_packets: int
    duration_s: float
    declared_s: float
    is_timed: bool
    ticks: int
    declared_fps: float = 0.0
    measured_fps: float = 0.0
    gaps: tuple[tuple[float, float], ...] = ()
    times: FrameTimes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Frame:
    """The picture nearest to a target time.

    Attributes
    ----------
    index : int
        Number of the target, from 0; numbers without a frame are left out.
    target_s, time_s : float
        When a picture was wanted, and when this one is shown, in seconds.
    rgb : array, shape (height, width, 3)
        Turned upright where the file asks for it.
    """

    index: int
    target_s: float
    time_s: float
    rgb: UInt8[np.ndarray, "height width 3"]


class _TimedPicture(NamedTuple):
    time_s: float
    picture: VideoFrame


def probe(path: Path) -> VideoInfo:
    """Read a video's outline without decoding it, and report what is odd about it.

    Raises
    ------
    FindingError
        When the file is not a video that can be read, or has no frame rate.
    """
    with _quote_doubts(path), _open(path) as (container, stream):
        stamps = _read_stamps(path, container, stream)
        declared_fps = float(stream.guessed_rate or 0)
        is_avi = "avi" in container.format.name.split(",")
        times = None if is_avi else _place(path, stream, stamps)
        fps = _trust(declared_fps, times)
        if not stamps.n_packets or not fps:
            missing = "frame rate" if stamps.n_packets else "frames"
            _refuse(path, f"cannot be used as a video: it has no {missing}")
        ticks = _find_ticks(stamps.dts) if is_avi else 0
        span_s = (stamps.n_packets - 1) / fps
        gaps: tuple[tuple[float, float], ...] = ()
        if times is not None:
            span_s, gaps = float(times.shown_s[-1]), times.gaps
        elif ticks:
            shown_s = (np.array(stamps.dts) - stamps.dts[0]) / ticks / fps
            span_s, gaps = float(shown_s[-1]), find_gaps(shown_s)
        info = VideoInfo(
            container=container.format.name,
            codec=stream.codec_context.name,
            width=stream.codec_context.width,
            height=stream.codec_context.height,
            fps=fps,
            n_packets=stamps.n_packets,
            duration_s=span_s + 1 / fps,
            declared_s=_read_declared(container, stream),
            is_timed=times is not None,
            ticks=ticks,
            declared_fps=declared_fps,
            measured_fps=(times.fps if times else 0.0) or fps,
            gaps=gaps,
            times=times,
        )
    _report(path, info)
    return info


def _place(path: Path, stream: VideoStream, stamps: "_Stamps") -> FrameTimes | None:
    """Return when frames are shown by their stamps, and say why if they are counted."""
    is_reordered = bool(stream.codec_context.has_b_frames)
    tick_s = float(stream.time_base or 0)
    times = place_frames(stamps.pts, tick_s, is_reordered=is_reordered)
    n_known = sum(stamp is not None for stamp in stamps.pts)
    if times is None and n_known:
        is_sparse = 2 * n_known < stamps.n_packets
        report(
            "V02" if is_sparse else "V20",
            f"{stamps.n_packets - n_known} of {stamps.n_packets} frames have no time "
            f"stamp, the first is frame {stamps.pts.index(None) + 1}"
            if is_sparse
            else f"the time stamps of its {stamps.n_packets} frames contradict each "
            "other",
            source=path,
            assumed=f"its frames come at {float(stream.guessed_rate or 0):.4g} Hz",
        )
    return times


def _report(path: Path, info: VideoInfo) -> None:
    """Report a size or length that no video has, and what is odd about its times."""
    sides = sorted((info.width, info.height))
    if 0 < sides[0] < LEAST_SIDE or sides[0] * sides[1] > MOST_PIXELS:
        _refuse(
            path,
            f"pictures of {info.width} x {info.height} pixels are none of a face",
        )
    if info.times is not None:
        report_times(
            info.times,
            source=path,
            declared_fps=info.declared_fps,
            fps=info.measured_fps,
        )
    else:
        report_gaps(info.gaps, source=path)
        if info.duration_s > LONGEST_S:
            _refuse(
                path, f"{info.n_packets} frames cannot last {info.duration_s:.4g} s"
            )
    if info.declared_s - info.duration_s > MISSING_S and not (
        info.times and info.times.jump_s
    ):
        report(
            "F07",
            f"ends after {info.duration_s:.1f} s, its header promises "
            f"{info.declared_s:.1f} s",
            source=path,
            assumed="what is there is used",
        )


def _refuse(path: Path, sentence: str, *, cure: str = "") -> NoReturn:
    raise refuse("V01", sentence, source=path, cure=cure)


def sample_frames(
    path: Path,
    *,
    fps: float,
    true_fps: float | None = None,
    n_frames: int | None = None,
    start_s: float = 0.0,
) -> Iterator[Frame]:
    """Yield the frames nearest to ``start_s + k / fps``, for k = 0, 1, ...

    A target past the last frame by more than half the video's frame interval
    is not produced, nor one in a hole of the video with no frame within half a
    target interval: the caller sees it from ``Frame.index``. Where the file
    breaks off, the frames so far are yielded, and it is reported.

    Parameters
    ----------
    path : Path
        The video file.
    fps : float
        Targets a second.
    true_fps : float | None
        The video's own rate, where the container cannot be trusted. Frames
        are then counted, without their time stamps.
    n_frames : int | None
        Targets to serve; None goes on to the video's end.
    start_s : float
        Time of the first target, in seconds after the first frame.

    Yields
    ------
    Frame
        The picture, with the number and the time of its target.

    Raises
    ------
    FindingError
        When the file is not a video that can be read: at once, or while
        iterating if not one of its frames can be decoded.
    """
    info = probe(path)
    rate = true_fps or info.fps
    shown = _decode(path, info, rate=rate, times=None if true_fps else info.times)
    return _sample(
        shown,
        fps=fps,
        n_frames=n_frames,
        start_s=start_s,
        reach_s=0.5 / min(fps, rate) + ROUNDING_S,
        reach_after_end_s=0.5 / rate + ROUNDING_S,
    )


def read_every_frame(
    path: Path,
) -> Iterator[tuple[float, UInt8[np.ndarray, "height width 3"]]]:
    """Yield all frames, each with the second it is shown, turned upright.

    Parameters
    ----------
    path : Path
        The video file.

    Yields
    ------
    (float, array of shape (height, width, 3))
        Times rise.

    Raises
    ------
    FindingError
        When the file is not a video that can be read: at once, or while
        iterating if not one of its frames can be decoded.
    """
    info = probe(path)
    shown = _decode(path, info, rate=info.fps, times=info.times)
    return ((one.time_s, _to_rgb(one.picture)) for one in shown)


def read_pictures_at(
    path: Path, n_pictures: int, *, lasts_s: float
) -> list[tuple[float, UInt8[np.ndarray, "height width 3"]]]:
    """Return pictures spread over a video, each with about the second it is shown.

    They are frames that stand alone, if these are at least a third as many. Else no
    more than ``MOST_DECODED`` frames are decoded, so there may be fewer pictures.

    Raises
    ------
    FindingError
        When the file is not a video that can be read.
    """
    times_s = [(k + 0.5) / n_pictures * lasts_s for k in range(n_pictures)]
    alone = _seek_all(path, times_s, most=n_pictures, only_alone=True)
    if 3 * len(alone) >= n_pictures:
        return alone
    return _seek_all(path, times_s, most=MOST_DECODED, only_alone=False)


def _seek_all(
    path: Path, times_s: Sequence[float], *, most: int, only_alone: bool
) -> list[tuple[float, UInt8[np.ndarray, "height width 3"]]]:
    found: dict[float, UInt8[np.ndarray, "height width 3"]] = {}
    left = most
    with _open(path) as (container, stream):
        first = stream.start_time or 0
        tick_s = float(stream.time_base or 1)
        for time_s in times_s:
            stamp = first + int(time_s / tick_s)
            allowed = min(left, 1) if only_alone else left
            picture, n_decoded = _seek(container, stream, stamp, allowed)
            left = max(0, left - n_decoded)
            if picture is not None:
                shown_s = ((picture.pts or first) - first) * tick_s
                found.setdefault(shown_s, _to_rgb(picture))
    return sorted(found.items(), key=lambda item: item[0])


def _seek(
    container: InputContainer, stream: VideoStream, stamp: int, most: int
) -> tuple[VideoFrame | None, int]:
    """Return the picture at a stamp, or one before it, and how many were decoded."""
    last, n_decoded = None, 0
    try:
        container.seek(stamp, stream=stream)
        for picture in container.decode(stream):
            n_decoded += 1
            is_beyond = picture.pts is None or picture.pts > stamp
            if last is None or not is_beyond:
                last = picture
            if is_beyond or n_decoded >= most:
                break
    except (av.FFmpegError, OSError):
        pass
    return last, n_decoded


def _sample(
    shown: Iterable[_TimedPicture],
    *,
    fps: float,
    n_frames: int | None,
    start_s: float,
    reach_s: float,
    reach_after_end_s: float,
) -> Iterator[Frame]:
    index, target_s, before = 0, start_s, None
    for after in shown:
        while target_s <= after.time_s and index != n_frames:
            near = _nearer(before, after, target_s)
            if abs(near.time_s - target_s) <= reach_s:
                yield Frame(index, target_s, near.time_s, _to_rgb(near.picture))
            index += 1
            target_s = start_s + index / fps
        if index == n_frames:
            return
        before = after
    while before and target_s - before.time_s <= reach_after_end_s:
        yield Frame(index, target_s, before.time_s, _to_rgb(before.picture))
        index += 1
        target_s = start_s + index / fps
        if index == n_frames:
            return


def _nearer(
    before: _TimedPicture | None, after: _TimedPicture, target_s: float
) -> _TimedPicture:
    if before is None:
        return after
    # of two that are equally near, the earlier, also after rounding
    is_later_nearer = after.time_s - target_s < target_s - before.time_s - 1e-6
    return after if is_later_nearer else before


def _decode(
    path: Path, info: VideoInfo, *, rate: float, times: FrameTimes | None
) -> Iterator[_TimedPicture]:
    """Yield every frame with the time at which it is shown."""
    last_s, n_decoded = -1 / rate, 0
    waiting = {} if times is None else {k: [*v] for k, v in times.by_stamp.items()}
    end_s = np.inf if times is None else float(times.shown_s[-1])
    with _open(path) as (container, stream):
        pictures = _read_pictures(path, container, stream, ticks=info.ticks)
        for number, picture in pictures:
            time_s = number / rate
            if times is not None:
                due = waiting.get(picture.pts)
                time_s = due.pop(0) if due else -np.inf
            if time_s <= last_s:
                continue  # debris that a decoder gives after damage
            if time_s > end_s:
                break  # beyond a jump of the clock
            yield _TimedPicture(time_s, picture)
            last_s = time_s
            n_decoded += 1
    if not n_decoded:
        _refuse(path, f"none of its {info.n_packets} frames can be decoded")


def _read_pictures(
    path: Path, container: InputContainer, stream: VideoStream, *, ticks: int
) -> Iterator[tuple[int, VideoFrame]]:
    """Yield frames as shown, each with its number; what is gone has a number too."""
    number, n_bad, first_bad, last_dts = 0, 0, -1, None
    for packet in _read_packets(path, container, stream):
        if ticks and packet.dts is not None and last_dts is not None:
            n_gone = max(0, (packet.dts - last_dts) // ticks - 1)
            first_bad = number if n_gone and not n_bad else first_bad
            n_bad += n_gone
            number += n_gone
        last_dts = packet.dts
        try:
            pictures = packet.decode()
        except av.FFmpegError:
            first_bad = first_bad if n_bad else number
            n_bad += 1
            number += 1
            continue
        for picture in pictures:
            yield number, picture
            number += 1
    if n_bad:
        first = f"first frame {first_bad + 1},"
        frames = say_count(n_bad, f"frame, {first} was", f"frames, {first} were")
        report(
            "V21",
            f"{frames} left out by the recorder or cannot be decoded",
            source=path,
            assumed="the frames around them stay in their places",
        )


def _read_packets(
    path: Path, container: InputContainer, stream: VideoStream
) -> Iterator[Any]:
    """Yield the packets of a stream up to its end, or to where it breaks off."""
    try:
        yield from container.demux(stream)
    except (av.FFmpegError, OSError) as error:
        report("F07", f"breaks off: {error}", source=path, assumed="it ends there")


class _Stamps(NamedTuple):
    n_packets: int
    pts: list[int | None]
    dts: list[int]


def _read_stamps(path: Path, container: InputContainer, stream: VideoStream) -> _Stamps:
    pts, dts = [], []
    for packet in _read_packets(path, container, stream):
        if packet.size and not packet.is_discard:
            pts.append(packet.pts)
            dts += [] if packet.dts is None else [packet.dts]
    return _Stamps(len(pts), pts, dts)


def _find_ticks(dts: list[int]) -> int:
    """Return the step that all steps are multiples of, or 0."""
    steps = np.diff(dts)
    if not len(steps):
        return 0
    ticks = int(steps.min())
    return ticks if ticks > 0 and not (steps % ticks).any() else 0


def _read_declared(container: InputContainer, stream: VideoStream) -> float:
    """Return the duration of the stream that the header promises, in seconds."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    is_alone = len(container.streams) == 1
    return (container.duration or 0) / av.time_base if is_alone else 0.0


def _trust(declared_fps: float, times: FrameTimes | None) -> float:
    """Return the declared frame rate unless the time stamps contradict it."""
    if times is None or len(times.shown_s) < 2:
        return declared_fps
    typical_s = float(np.median(np.diff(times.shown_s)))
    is_near = abs(declared_fps * typical_s - 1) <= RATE_TOLERANCE
    return declared_fps if is_near else 1 / typical_s


def _to_rgb(picture: VideoFrame) -> UInt8[np.ndarray, "height width 3"]:
    rgb = picture.to_ndarray(format="rgb24")
    quarter_turns = round(picture.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, quarter_turns))


@contextmanager
def _open(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Lend a container and its first stream of moving pictures."""
    if not path.is_file():
        raise refuse("F01", "there is no such file", source=path)
    try:
        # FFmpeg takes what stands before a colon for a protocol, but not in /...
        container = av.open(str(path.absolute()), metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        size = path.stat().st_size
        said = f"it is none, or is damaged [FFmpeg says: {error.strerror or error}]"
        reason = said if size else "it is empty"
        _refuse(path, f"cannot be read as a video: {reason}")
    with container:
        yield container, _pick_stream(path, container)


def _pick_stream(path: Path, container: InputContainer) -> VideoStream:
    films = [
        stream
        for stream in container.streams.video
        if "attached_pic" not in (stream.disposition.name or "")
    ]
    for stream in films:
        if stream.codec_context is not None:
            # work is spread over processes; one thread also uses least memory
            stream.codec_context.thread_count = 1
            return stream
    if films:
        _refuse(
            path,
            "cannot be decoded: the format of its pictures (codec) is not known to "
            "FFmpeg, which decodes videos here",
        )
    _refuse(path, "has no video stream")


@contextmanager
def _quote_doubts(path: Path) -> Iterator[None]:
    """Report what FFmpeg warns of meanwhile, in its own words."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.WARNING)
    try:
        with av.logging.Capture(local=True) as heard:
            yield
    finally:
        av.logging.set_level(level)
        said = [
            f"{_put_plainly(text)} [FFmpeg's {part} says: {' '.join(text.split())}]"
            for _, part, text in heard
            if part not in QUIET_PARTS and text.strip()
        ]
        for sentence in list(dict.fromkeys(said))[:NAMED_DOUBTS]:
            report(
                "F04",
                sentence,
                source=path,
                assumed="all frames that can be read are used",
            )


def _put_plainly(text: str) -> str:
    """Return what FFmpeg's words mean to a person who only recorded the video."""
    for words, meaning in (
        ("Could not find codec parameters", "the format of its pictures is not known"),
        ("misdetection possible", "it does not look like a video of its kind"),
    ):
        if words in text:
            return meaning
    return "it may be damaged, or is of an unusual kind"
