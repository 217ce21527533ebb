"""A bundle, a face video and signals -> valence and arousal for each second.

A recording is read and answered a minute at a time, so an hour needs no more memory
than five minutes. Each second is answered by the network with the most streams that
this second has: where the face is lost, or before the video starts, by the signals
alone. A score is the probability of a *high self-rating*, learnt from one rating a
trial; it is not an intensity.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from deepvanet.bundle import Bundle, load_bundle
from deepvanet.files import check_file, whole_file
from deepvanet.inference.answering import TIMELINE_COLUMNS, Answerer
from deepvanet.inference.opened import open_recording

__all__ = ["TIMELINE_COLUMNS", "Model", "Timeline", "load_model", "predict"]


@dataclass(frozen=True)
class Timeline:
    """Scores of a recording, one row a second.

    Attributes
    ----------
    table : DataFrame
        Columns ``TIMELINE_COLUMNS``; a score is empty where no network could say.
    notes : tuple of str
        What had to be assumed of the recording.
    """

    table: pd.DataFrame
    notes: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        """Write the table as CSV, whole or not at all."""
        check_file(path)
        with whole_file(path) as unfinished:
            self.table.to_csv(unfinished, index=False, float_format="%.6g")

    def lines(self) -> list[str]:
        """Say it in sentences."""
        n_answered = int((self.table["streams"] != "").sum())
        n_faces = int(self.table["face_found"].sum())
        seconds = (
            f"{len(self.table)} seconds: {n_answered} answered, {n_faces} with a face"
        )
        return [seconds, *self.notes]


def predict(
    model: Path,
    *,
    video: Path | None,
    bio: Path | None,
    trial: str | None = None,
    video_offset_s: float | None = None,
    baseline_s: tuple[float | None, float | None] = (None, None),
    progress: Callable[[float, float], None] | None = None,
) -> Timeline:
    """Score each second of a recording.

    Parameters
    ----------
    video, bio : Path, optional
        At least one.
    trial : str, optional
        Which trial of a signal file that holds several.
    video_offset_s : float, optional
        Second of the signals at which the video starts; where it is not given,
        where the data set's videos do, as at the stimulus, else 0.
    baseline_s : (float | None, float | None)
        Start and end of the rest that the bundle's recipe subtracts, in seconds of
        the signals. None is the rest before the stimulus of a data set's file, else
        the first three seconds.
    progress : callable, optional
        Is told the seconds that are done, and the seconds in all.

    Raises
    ------
    UserError
        When the recording does not fit the bundle.
    """
    bundle = load_bundle(model)
    opened = open_recording(
        bundle,
        video=video,
        bio=bio,
        trial=trial,
        video_offset_s=video_offset_s,
        baseline_s=baseline_s,
    )
    tell = progress or (lambda _done, _all: None)
    answerer, tables, in_all = Answerer(bundle), [], float(opened.n_seconds)
    tell(0.0, in_all)
    for chunk in opened.read():
        tables.append(answerer.answer(chunk))
        tell(float(chunk.start + len(chunk)), in_all)
    return Timeline(pd.concat(tables, ignore_index=True), opened.notes)


@dataclass(frozen=True)
class Model:
    """A bundle that is asked from Python.

    Examples
    --------
    >>> import deepvanet
    >>> model = deepvanet.load("model")  # doctest: +SKIP
    >>> table = model.predict(video="face.mp4")  # doctest: +SKIP
    """

    bundle: Bundle

    def predict(
        self,
        video: Path | str | None = None,
        bio: Path | str | None = None,
        *,
        trial: str | None = None,
        video_offset_s: float | None = None,
        baseline_s: tuple[float | None, float | None] = (None, None),
        progress: Callable[[float, float], None] | None = None,
    ) -> pd.DataFrame:
        """Return a row a second, with the columns of the command's timeline.

        Parameters are those of ``deepvanet.inference.predict``.
        """
        return predict(
            self.bundle.path,
            video=None if video is None else Path(video),
            bio=None if bio is None else Path(bio),
            trial=trial,
            video_offset_s=video_offset_s,
            baseline_s=baseline_s,
            progress=progress,
        ).table


def load_model(path: Path | str) -> Model:
    """Open a folder that ``train`` wrote; runs no code from it.

    Raises
    ------
    UserError
        When there is no whole bundle.
    """
    return Model(load_bundle(Path(path)))
