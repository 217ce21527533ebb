"""Small videos in real containers, each frame marked with its own number."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BITS, SIDE = 10, 16
"""Bits of a burned-in number, and the side of the block that shows one."""


def number_pictures(numbers: Iterable[int], *, height: int = 64):
    """Yield pictures with a number burned in as a row of black and white blocks."""
    for number in numbers:
        bits = (number >> np.arange(BITS)) & 1
        rgb = np.full((height, BITS * SIDE, 3), 90 + number % 60, dtype=np.uint8)
        rgb[:SIDE] = np.repeat(bits * 255, SIDE)[:, None]
        yield rgb


def read_number(rgb) -> int:
    """Return the number burned into a picture."""
    blocks = rgb[:SIDE].reshape(SIDE, BITS, SIDE, 3)[4:12, :, 4:12]
    return int(((blocks.mean(axis=(0, 2, 3)) > 127) << np.arange(BITS)).sum())


def write_stamped(
    path: Path, pictures: Iterable[np.ndarray], stamps_ms: Sequence[int]
) -> Path:
    """Write a video whose stamps may be repeated or backward, which encoders refuse."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=50)
        stream.pix_fmt = "yuvj420p"
        for number, (rgb, stamp) in enumerate(zip(pictures, stamps_ms, strict=True)):
            if number == 0:
                stream.height, stream.width = rgb.shape[:2]
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts = number
            for packet in stream.encode(frame):
                packet.time_base = Fraction(1, 1000)
                packet.pts = packet.dts = stamp
                container.mux(packet)
    return path


def write_video(
    path: Path,
    pictures: Iterable[np.ndarray],
    *,
    fps: int | Fraction = 50,
    codec: str = "libx264",
    stamps_ms: Sequence[int] | None = None,
    group: int = 250,
    rotation: int = 0,
    title: str = "",
    options: dict[str, str] | None = None,
) -> Path:
    """Write a video; H.264 and MPEG-4 get frames that are stored out of order."""
    with av.open(str(path), "w", options=options or {}) as container:
        container.metadata.update({"title": title} if title else {})
        stream = container.add_stream(codec, rate=fps)
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.gop_size = group
        stream.max_b_frames = 0 if codec == "mjpeg" else 2
        stream.codec_context.thread_count = 1
        if codec == "libx264":
            stream.options = {"preset": "veryfast", "b-adapt": "0"}
        if stamps_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        for number, rgb in enumerate(pictures):
            if number == 0:
                stream.height, stream.width = rgb.shape[:2]
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            if stamps_ms is not None:
                frame.time_base = Fraction(1, 1000)
                frame.pts = stamps_ms[number]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
