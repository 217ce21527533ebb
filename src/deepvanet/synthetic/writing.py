"""What every synthetic data set does before it is written."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import av
import cv2

from deepvanet.config import Execution
from deepvanet.datasets.synthetic_mark import SYNTHETIC_MARK
from deepvanet.execution import run_tasks
from deepvanet.files import make_folder, write_text
from deepvanet.schema import UserError
from deepvanet.synthetic.face import Frame
from deepvanet.synthetic.knobs import Knobs

T = TypeVar("T")

ENCODER = {"preset": "ultrafast", "crf": "25", "bf": "0"}


def claim(root: Path) -> Path:
    """Make the folder, or refuse one that holds real recordings.

    Raises
    ------
    UserError
        When ``root`` is a file, or holds files that ``synth`` did not write.
    """
    make_folder(root, "root")
    if any(root.iterdir()) and not (root / SYNTHETIC_MARK).is_file():
        raise UserError(f"{root}: holds files that synth did not write, choose another")
    return root


def sign(root: Path, what: str, made: str) -> None:
    """Say in the folder that it is synthetic, and how it was made."""
    write_text(root / SYNTHETIC_MARK, f"Made by deepvanet synth, {what}.\n{made}\n")


def write_each(
    write: Callable[[T], None], items: Sequence[T], execution: Execution
) -> None:
    """Write each subject or clip, a task for each."""
    for _ in run_tasks(write, items, execution=execution, what="synth"):
        pass


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep OpenCV from starting threads: its work on a frame is too short."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def check_number(
    field: str, value: int | float, least: int | float, most: int | None
) -> None:
    """Refuse a number outside of its bounds, which belong to it.

    Parameters
    ----------
    field : str
        The setting that the error names.
    value : int or float
        The number to check.
    least : int or float
        The lowest number that is allowed.
    most : int, optional
        The highest number that is allowed; None if there is no such bound.

    Raises
    ------
    UserError
        When the value is out of its bounds, or not a number.
    """
    if not value >= least or (most is not None and value > most):
        bounds = f"{least} to {most}" if most else f"{least} or more"
        raise UserError(f"must be {bounds}, got {value}", field=field)


def check_size(
    n_subjects: int,
    n_trials: int,
    seconds: int,
    *,
    most_subjects: int,
    most_trials: int,
) -> None:
    """Refuse more subjects or trials than a data set has, or trials too short.

    Parameters
    ----------
    n_subjects, n_trials : int
        At least 1.
    seconds : int
        Of a trial; at least 2.
    most_subjects, most_trials : int
        How many the real data set has.

    Raises
    ------
    UserError
        When a number is out of its bounds; the first one is named.
    """
    check_number("n_subjects", n_subjects, 1, most_subjects)
    check_number("n_trials", n_trials, 1, most_trials)
    check_number("seconds", seconds, 2, None)


def check_random(seed: int, knobs: Knobs) -> None:
    """Refuse a seed or a knob that is negative or not a number."""
    check_number("seed", seed, 0, None)
    check_number("effect", knobs.effect, 0, None)
    check_number("stimulus_effect", knobs.stimulus_effect, 0, None)
    check_number("subject_effect", knobs.subject_effect, 0, None)


def encode_video(
    path: Path,
    frames: Iterator[Frame],
    *,
    fps: int,
    size: tuple[int, int],
    container: str = "avi",
) -> None:
    """Write a video in H.264; a frame at a time is in memory.

    Parameters
    ----------
    path : Path
        The file to write.
    frames : iterator of array
        Each in I420, of ``size``.
    fps : int
        What the container says.
    size : tuple of int
        Width and height of a frame.
    container : str
        As FFmpeg calls it.
    """
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream("libx264", rate=fps, options=ENCODER)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        # one thread: what x264 writes depends on how many there are
        stream.thread_count = 1
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame, format="yuv420p")
            file.mux(stream.encode(picture))
        file.mux(stream.encode(None))
