"""Write a video again with every face in it blurred.

The video is read twice: first faces are looked for, then frames are blurred and
written, and each is looked at once more before it is
(:mod:`deepvanet.preprocessing.face_regions`). Sound and descriptions (place, title,
device) are left out: a voice says who speaks. The original is not changed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from jaxtyping import UInt8

from deepvanet.execution.progress import show_progress
from deepvanet.files import check_file, whole_file
from deepvanet.findings import Finding, collect, report, say_count
from deepvanet.preprocessing.face_crop import Picture
from deepvanet.preprocessing.face_regions import (
    LOOK_S,
    Boxes,
    FaceFinder,
    FaceRegions,
    hide_faces,
)
from deepvanet.preprocessing.video import ROUNDING_S, probe, read_every_frame
from deepvanet.schema import UserError

FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""Containers by the end of a file's name; all hold H.264."""
TICKS = 90_000
"""A second, in time stamps; every usual rate is a whole number of them."""
_OPTIONS: dict[str, object] = {"crf": "20", "preset": "veryfast"}


@dataclass(frozen=True)
class AnonymousVideo:
    """A video without faces.

    Attributes
    ----------
    path : Path
        The file.
    n_frames : int
        That it has.
    n_looked, n_seen : int
        That were looked at, ten a second; in which a face was found.
    n_whole : int
        That were blurred whole, since no face was found within half a second.
    findings : tuple of Finding
        What was odd of the video.
    """

    path: Path
    n_frames: int
    n_looked: int
    n_seen: int
    n_whole: int
    findings: tuple[Finding, ...] = ()

    def lines(self) -> list[str]:
        """Say it in sentences."""
        frames = say_count(self.n_frames, "frame")
        said = (
            f"video with blurred faces: {self.path} ({frames}, without sound; a face "
            f"was found in {self.n_seen} of {self.n_looked} that were looked at); look "
            "at it before you give it away"
        )
        return [
            said,
            *(str(finding) for finding in self.findings if finding.code == "V24"),
        ]


def check_anonymised(out: Path, *, others: Iterable[Path | None]) -> None:
    """Refuse a file that cannot become a video with blurred faces.

    Parameters
    ----------
    out : Path
        The file.
    others : iterable of Path or None
        Files that are read, or written too; none of them may be it.

    Raises
    ------
    UserError
        When it is one of them, has another end than a video, or cannot be written.
    """
    for other in others:
        if other is not None and _is_same(out, other):
            raise UserError(
                f"{out}: is a file of this recording; name another one, the original "
                "is never changed",
                field="anonymise",
            )
    if out.suffix.lower() not in FORMATS:
        raise UserError(
            f"{out}: must end in {', '.join(FORMATS)}, got {out.suffix or 'no end'}",
            field="anonymise",
        )
    check_file(out, field="anonymise")


def anonymise_video(
    source: Path, out: Path, *, shows_progress: bool = False
) -> AnonymousVideo:
    """Write a video again with every face in it blurred, and without sound.

    Parameters
    ----------
    source : Path
        The video; it is not changed.
    out : Path
        The file to write, whole or not at all: ``.mp4``, ``.mov`` or ``.mkv``.
    shows_progress : bool
        Whether a bar or lines on standard error show how far it is.

    Returns
    -------
    AnonymousVideo
        The file, and in how many frames a face was found.

    Raises
    ------
    UserError
        When the video cannot be read, or ``out`` is it, or no video's name.
    """
    check_anonymised(out, others=[source])
    with collect() as found:
        finder = FaceFinder()
        n_steps = 2 * probe(source).n_packets
        with show_progress("anonymise", n_steps, shown=shows_progress) as step:
            times_s: list[float] = []
            looked: dict[float, Boxes] = {}
            due_s = -np.inf
            for time_s, rgb in read_every_frame(source):
                times_s.append(time_s)
                if time_s >= due_s:
                    looked[time_s] = finder.find(rgb)
                    due_s = time_s + LOOK_S - ROUNDING_S
                step()
            regions = FaceRegions(list(looked), list(looked.values()))
            with whole_file(out) as unfinished:
                writer = _Writer(unfinished, FORMATS[out.suffix.lower()], times_s)
                with writer.container:
                    for k, (time_s, rgb) in enumerate(read_every_frame(source)):
                        region, quickly = regions.find(time_s), time_s not in looked
                        writer.add(k, hide_faces(rgb, region, finder, quickly=quickly))
                        step()
                    writer.end()
        n_whole = sum(regions.find(time_s) is None for time_s in times_s)
        if n_whole:
            verb = "is" if n_whole == 1 else "are"
            report(
                "V24",
                f"{n_whole} of {say_count(len(times_s), 'frame')} {verb} more than "
                "half a second from any face that was found",
                source=source,
            )
    n_seen = sum(len(held) > 0 for held in looked.values())
    return AnonymousVideo(out, len(times_s), len(looked), n_seen, n_whole, tuple(found))


class _Writer:
    """Writes frames as H.264 at the times of the original.

    Parameters
    ----------
    path : Path
        The file.
    container : str
        Its format.
    times_s : sequence of float
        When frames are shown.
    """

    def __init__(self, path: Path, container: str, times_s: Sequence[float]) -> None:
        self.container = av.open(str(path), "w", format=container)
        span_s = times_s[-1] - times_s[0] if len(times_s) > 1 else 0.0
        fps = (len(times_s) - 1) / span_s if span_s > 0 else 25.0
        rate = Fraction(fps).limit_denominator(1001)
        self._stream = self.container.add_stream("libx264", rate=rate)
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, TICKS)
        self._stream.codec_context.max_b_frames = 0
        self._stream.options = _OPTIONS
        stamps = np.round((np.array(times_s) - times_s[0]) * TICKS).astype(np.int64)
        # two frames of one tick would be refused
        self._stamps = np.maximum.accumulate(stamps - np.arange(len(stamps)))
        self._stamps += np.arange(len(stamps))
        self._shape = (0, 0)

    def add(self, number: int, rgb: Picture) -> None:
        """Write a frame; H.264 has even sides, so an odd one loses a pixel."""
        if number == 0:
            height, width = rgb.shape[:2]
            self._shape = height - height % 2, width - width % 2
            self._stream.height, self._stream.width = self._shape
        frame = av.VideoFrame.from_ndarray(_fit(rgb, self._shape), format="rgb24")
        frame.time_base = Fraction(1, TICKS)
        frame.pts = int(self._stamps[number])
        self.container.mux(self._stream.encode(frame))

    def end(self) -> None:
        """Write what the encoder still holds."""
        self.container.mux(self._stream.encode(None))


def _fit(
    rgb: Picture, shape: tuple[int, int]
) -> UInt8[np.ndarray, "fitted_height fitted_width 3"]:
    """Return a picture of the first one's size; a camera may change its own."""
    height, width = shape
    room = max(0, height - rgb.shape[0]), max(0, width - rgb.shape[1])
    if any(room):
        rgb = np.pad(rgb, ((0, room[0]), (0, room[1]), (0, 0)))
    return np.ascontiguousarray(rgb[:height, :width])


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there
        return one.absolute() == other.absolute()
