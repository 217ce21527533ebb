"""Frames of a video at a steady rate, each the nearest to its target time.

A video is decoded once, from its first frame to its last, and only the frames
that are kept become RGB: at five a second that is faster than seeking, and
exact. Memory stays at a few frames however long the video is.

When a frame is shown depends on the container. AVI has no time stamps that
survive re-ordered frames, so frame ``i`` is at ``i / fps`` there, and wherever
stamps are missing or repeated. Elsewhere it is the stamp, less the first one.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from jaxtyping import UInt8

from deepvanet.schema import UserError

ROUNDING_S = 0.001
"""Coarsest time stamps in use: Matroska's, in milliseconds."""
RATE_TOLERANCE = 0.1
"""How far, as a fraction, a declared rate may be from that of the stamps."""
MISSING_S = 0.5
"""A video that ends this much before its header says is reported."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says of itself, and what its packets say.

    Attributes
    ----------
    width, height : int
        In pixels as stored, before any rotation that the file asks for.
    fps : float
        Frames a second. Not the declared rate where time stamps contradict it.
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
    """Read a video's outline without decoding it.

    Raises
    ------
    UserError
        When the file is not a video that can be read, or has no frame rate.
    """
    with _open(path) as (container, stream):
        stamps = _read_stamps(path, container, stream)
        is_avi = "avi" in container.format.name.split(",")
        is_timed = not is_avi and _is_rising(stamps)
        ticks = _find_ticks(stamps.dts) if is_avi else 0
        fps = _trust(stream, stamps if is_timed else None)
        if not stamps.n_packets or not fps:
            missing = "frame rate" if stamps.n_packets else "frames"
            raise UserError(f"{path}: cannot be used as a video: it has no {missing}")
        span_s = (stamps.n_packets - 1) / fps
        if is_timed:
            span_s = (max(stamps.pts) - min(stamps.pts)) * float(stream.time_base or 0)
        elif ticks:
            span_s = (stamps.dts[-1] - stamps.dts[0]) / ticks / fps
        return VideoInfo(
            container=container.format.name,
            codec=stream.codec_context.name,
            width=stream.codec_context.width,
            height=stream.codec_context.height,
            fps=fps,
            n_packets=stamps.n_packets,
            duration_s=span_s + 1 / fps,
            declared_s=_read_declared(container, stream),
            is_timed=is_timed,
            ticks=ticks,
        )


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
    breaks off, the frames so far are yielded and a warning is logged.

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
    UserError
        When the file is not a video that can be read: at once, or while
        iterating if not one of its frames can be decoded.
    """
    info = probe(path)
    rate = true_fps or info.fps
    shown = _decode(path, info, rate=rate, is_timed=info.is_timed and not true_fps)
    return _sample(
        shown,
        fps=fps,
        n_frames=n_frames,
        start_s=start_s,
        reach_s=0.5 / min(fps, rate) + ROUNDING_S,
        reach_after_end_s=0.5 / rate + ROUNDING_S,
    )


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
    path: Path, info: VideoInfo, *, rate: float, is_timed: bool
) -> Iterator[_TimedPicture]:
    """Yield every frame with the time at which it is shown."""
    first_stamp: int | None = None
    last_s, n_decoded = -1 / rate, 0
    with _open(path) as (container, stream):
        pictures = _read_pictures(path, container, stream, ticks=info.ticks)
        for number, picture in enumerate(pictures):
            if picture is None:
                continue
            time_s = number / rate
            if is_timed:
                first_stamp = picture.pts if first_stamp is None else first_stamp
                time_s = _read_time(picture, first_stamp)
            if time_s <= last_s:
                continue  # debris that a decoder gives after damage
            yield _TimedPicture(time_s, picture)
            last_s = time_s
            n_decoded += 1
    if not n_decoded:
        raise UserError(f"{path}: none of its {info.n_packets} frames can be decoded")
    ended_s = (last_s * rate + 1) / info.fps
    if info.declared_s - ended_s > MISSING_S:
        _log.warning(
            "%s: ends after %.1f s, its header promises %.1f s",
            *(path, ended_s, info.declared_s),
        )


def _read_time(picture: VideoFrame, first_stamp: int | None) -> float:
    if picture.pts is None or picture.time_base is None or first_stamp is None:
        return -np.inf
    return float((picture.pts - first_stamp) * picture.time_base)


def _read_pictures(
    path: Path, container: InputContainer, stream: VideoStream, *, ticks: int
) -> Iterator[VideoFrame | None]:
    """Yield frames as shown, and None for one that is gone or cannot be decoded."""
    n_bad, last_dts = 0, None
    for packet in _read_packets(path, container, stream):
        if ticks and packet.dts is not None and last_dts is not None:
            n_gone = (packet.dts - last_dts) // ticks - 1
            n_bad += max(0, n_gone)
            yield from [None] * n_gone
        last_dts = packet.dts
        try:
            pictures: list[VideoFrame | None] = [*packet.decode()]
        except av.FFmpegError:
            n_bad += 1
            pictures = [None]
        yield from pictures
    if n_bad:
        _log.warning("%s: frames left out or not to be decoded: %d", path, n_bad)


def _read_packets(
    path: Path, container: InputContainer, stream: VideoStream
) -> Iterator[Any]:
    """Yield the packets of a stream up to its end, or to where it breaks off."""
    try:
        yield from container.demux(stream)
    except (av.FFmpegError, OSError) as error:
        _log.warning("%s: breaks off: %s", path, error)


class _Stamps(NamedTuple):
    n_packets: int
    pts: list[int]
    dts: list[int]


def _read_stamps(path: Path, container: InputContainer, stream: VideoStream) -> _Stamps:
    pts, dts, n_packets = [], [], 0
    for packet in _read_packets(path, container, stream):
        if packet.size and not packet.is_discard:
            n_packets += 1
            pts += [] if packet.pts is None else [packet.pts]
            dts += [] if packet.dts is None else [packet.dts]
    return _Stamps(n_packets, pts, dts)


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


def _is_rising(stamps: _Stamps) -> bool:
    """Say whether every packet has a time of its own."""
    return len(set(stamps.pts)) == stamps.n_packets


def _trust(stream: VideoStream, stamps: _Stamps | None) -> float:
    """Return the declared frame rate unless the time stamps contradict it."""
    declared_fps = float(stream.guessed_rate or 0)
    if stamps is None or stamps.n_packets < 2:
        return declared_fps
    typical_s = float(np.median(np.diff(sorted(stamps.pts))) * (stream.time_base or 0))
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
        raise UserError(f"{path}: there is no such file")
    try:
        # FFmpeg takes what stands before a colon for a protocol, but not in /...
        container = av.open(str(path.absolute()))
    except (av.FFmpegError, OSError) as error:
        size = path.stat().st_size
        reason = "it is empty" if not size else f"{error.strerror or error}"
        raise UserError(f"{path}: cannot be read as a video: {reason}") from None
    with container:
        yield container, _pick_stream(path, container)


def _pick_stream(path: Path, container: InputContainer) -> VideoStream:
    for stream in container.streams.video:
        if "attached_pic" not in (stream.disposition.name or ""):
            # work is spread over processes; one thread also uses least memory
            stream.codec_context.thread_count = 1
            return stream
    raise UserError(f"{path}: has no video stream")
