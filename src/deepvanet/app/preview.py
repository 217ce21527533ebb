"""A video that every browser plays, where the one that was sent may not be."""

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from deepvanet.app.limits import Limits
from deepvanet.preprocessing.video import VideoInfo, probe, sample_frames
from deepvanet.schema import UserError

HEIGHT, FPS = 480, 15
"""Of a preview: enough to see a face beside its timeline."""
_PLAYED = {".mp4": {"h264"}, ".m4v": {"h264"}, ".webm": {"vp8", "vp9", "av1"}}


def check_video(path: Path, limits: Limits) -> VideoInfo:
    """Refuse a video that is too long or too large, before it is decoded.

    Raises
    ------
    UserError
        When it is, or cannot be read.
    """
    info = probe(path)
    if info.duration_s > limits.duration_s:
        raise UserError(f"video: lasts more than {limits.duration_s / 60:g} minutes")
    if info.width * info.height > limits.pixels:
        raise UserError(
            f"video: a picture has {info.width} x {info.height} pixels, at most "
            f"{limits.pixels} are taken"
        )
    return info


def make_preview(
    path: Path, info: VideoInfo, *, tell: Callable[[float, float], None]
) -> Path:
    """Return the video itself if browsers play it, else a smaller one in H.264."""
    if info.codec in _PLAYED.get(path.suffix, set()) and _has_usual_pixels(path):
        return path
    preview = path.with_name("preview.mp4")
    fps = Fraction(min(FPS, info.fps)).limit_denominator(1000)
    with av.open(os.fspath(preview), "w", options={"movflags": "faststart"}) as out:
        stream: Any = None
        for frame in sample_frames(path, fps=float(fps)):
            if stream is None:
                stream = _open_stream(out, frame.rgb.shape[:2], fps)
            picture = av.VideoFrame.from_ndarray(frame.rgb, format="rgb24")
            picture = picture.reformat(stream.width, stream.height, "yuv420p")
            picture.pts, picture.time_base = frame.index, 1 / fps
            out.mux(stream.encode(picture))
            tell(frame.target_s, info.duration_s)
        out.mux(stream.encode(None))
    return preview


def _open_stream(out: Any, size: tuple[int, ...], fps: Fraction) -> Any:
    height, width = size
    scale = min(1.0, HEIGHT / height)
    stream = out.add_stream("libx264", rate=fps)
    stream.pix_fmt = "yuv420p"
    stream.width, stream.height = (
        max(2, 2 * round(side * scale / 2)) for side in (width, height)
    )
    stream.gop_size = 15
    stream.options = {"preset": "veryfast", "crf": "26"}
    return stream


def _has_usual_pixels(path: Path) -> bool:
    with av.open(os.fspath(path)) as container:
        return container.streams.video[0].codec_context.pix_fmt in (
            "yuv420p",
            "yuvj420p",
        )
