"""Properties of videos: their clocks, their pictures, what cannot be decoded."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from field.bends import edit_trials
from field.recordings import SECONDS, Plan, Truth, Written, keep, write_recording
from field.records import Property
from films import number_pictures, write_stamped, write_video
from portraits import sample_portrait

FPS = 20
SEEN = Truth(pictures_hz=FPS)
CODECS = {"mp4": "libx264", "avi": "mpeg4", "mkv": "mjpeg"}
VIDEOS_OF = tuple(CODECS)


def _film(
    folder: Path,
    name: str,
    *,
    n_frames: int = SECONDS * FPS,
    fps: int = FPS,
    stamps_ms: Sequence[int] | None = None,
    is_stamped: bool = False,
    change: Callable[[Path], object] = keep,
    cells: Callable[[dict], object] = keep,
    show: Callable[[range], Iterable[np.ndarray]] = number_pictures,
) -> Written:
    """Write signals, and a video whose pictures hold their own numbers."""
    path = folder / f"v.{name}"
    pictures = show(range(n_frames))
    if is_stamped:
        write_stamped(path, pictures, stamps_ms or [])
    else:
        write_video(
            path, pictures, fps=fps, codec=CODECS[name], stamps_ms=stamps_ms, group=20
        )
    change(path)

    def fill(row: dict) -> None:
        row.update(video=path.name, video_offset_s=0)
        cells(row)

    return write_recording(folder, edit_trials(fill)(Plan()), "csv")


def _repeat_stamp() -> list[int]:
    stamps = [50 * n for n in range(SECONDS * FPS)]
    stamps[100] = stamps[99]
    return stamps


def _leave_gap() -> list[int]:
    return [50 * n + 2000 * (n >= 160) for n in range(SECONDS * FPS - 40)]


def _jump() -> list[int]:
    return [50 * n + 10**12 * (n >= 380) for n in range(SECONDS * FPS)]


def _spoil_codec(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))


def _show_visitor(numbers: range) -> Iterator[np.ndarray]:
    """Yield a face, and after a third of the time a smaller one beside it."""
    face = sample_portrait()
    visitor = np.zeros_like(face)
    visitor[64:192, 64:192] = face[::2, ::2]
    for number in numbers:
        beside = visitor if number > len(numbers) / 3 else np.zeros_like(face)
        yield np.concatenate([face, beside], axis=1)


VIDEOS = tuple(
    Property(name, "V", odd, formats, codes=codes, truth=truth, build=build)
    for name, odd, formats, codes, truth, build in (
        ("a video", "Nothing is odd.", VIDEOS_OF, (), SEEN, _film),
        (
            "a repeated stamp of a frame",
            "One of 400 frames has the stamp of another.",
            ("mkv",),
            ("V02",),
            SEEN,
            partial(_film, stamps_ms=_repeat_stamp(), is_stamped=True),
        ),
        (
            "a gap of a video",
            "Two seconds of a video are missing.",
            ("mkv", "mp4"),
            ("V12",),
            None,
            partial(_film, n_frames=SECONDS * FPS - 40, stamps_ms=_leave_gap()),
        ),
        (
            "a jump of a video's clock",
            "The clock of a video jumps by thirty years.",
            ("mkv",),
            ("V20", "T10"),
            None,
            partial(_film, stamps_ms=_jump()),
        ),
        (
            "a second face",
            "A visitor is seen beside the subject.",
            VIDEOS_OF,
            ("V04",),
            Truth(),
            partial(_film, n_frames=SECONDS * 5, fps=5, show=_show_visitor),
        ),
        (
            "a video that ends before its trial",
            "A video lasts 15 s, the second trial ends at 18 s.",
            VIDEOS_OF,
            ("V03",),
            None,
            partial(_film, n_frames=15 * FPS),
        ),
        (
            "a video of another length",
            "A video ends half a second before the signals that stopped with it.",
            VIDEOS_OF,
            ("T10",),
            None,
            partial(_film, n_frames=SECONDS * FPS - 10),
        ),
        (
            "a video of another time",
            "A video starts when the signals have ended.",
            VIDEOS_OF,
            ("T08",),
            None,
            partial(_film, cells=lambda row: row.update(video_offset_s=500)),
        ),
        (
            "a video that cannot be decoded",
            "A video has a codec that FFmpeg lacks.",
            ("mp4",),
            ("V01", "F04"),
            None,
            partial(_film, change=_spoil_codec),
        ),
        (
            "a video that is none",
            "A video is a text of another name.",
            VIDEOS_OF,
            ("V01", "F04"),
            None,
            partial(_film, change=lambda path: path.write_text("no video")),
        ),
        (
            "a video that is not there",
            "A row names a video that is not there.",
            VIDEOS_OF,
            ("R25",),
            Truth(),
            partial(_film, change=lambda path: path.unlink()),
        ),
    )
)
