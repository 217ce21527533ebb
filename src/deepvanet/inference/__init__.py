"""A bundle, a face video and signals -> valence and arousal for each second.

A recording is read and answered a minute at a time, so an hour needs no more memory
than five minutes. Each second is answered by the network with the most streams that
this second has: where the face is lost, or before the video starts, by the signals
alone. A score is the probability of a *high self-rating*, learnt from one rating a
trial; it is not an intensity.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from deepvanet.bundle import Bundle, load_bundle
from deepvanet.files import check_file, whole_file
from deepvanet.inference.answering import (
    TIMELINE_COLUMNS,
    TRIAL_COLUMNS,
    Answerer,
    Answers,
    tabulate_trials,
)
from deepvanet.inference.opened import Opened, open_recording

__all__ = [
    "TIMELINE_COLUMNS",
    "TRIAL_COLUMNS",
    "Model",
    "Timeline",
    "join_answers",
    "load_model",
    "predict",
]


@dataclass(frozen=True)
class Timeline:
    """Scores of a recording, one row a second.

    Attributes
    ----------
    table : DataFrame
        Columns ``TIMELINE_COLUMNS``; a score is empty where no network could say.
        Where a table told of trials, only their seconds, and a column ``trial``.
    notes : tuple of str
        What had to be assumed of the recording.
    trials : DataFrame | None
        Columns ``TRIAL_COLUMNS``, where a table told of trials.
    """

    table: pd.DataFrame
    notes: tuple[str, ...] = ()
    trials: pd.DataFrame | None = None

    def write(self, path: Path) -> list[Path]:
        """Write the tables as CSV, each whole or not at all; return their files."""
        tables = {path: self.table}
        if self.trials is not None:
            tables[path.with_name(f"{path.stem}-trials{path.suffix}")] = self.trials
        for file in tables:
            check_file(file)
        for file, table in tables.items():
            with whole_file(file) as unfinished:
                table.to_csv(unfinished, index=False, float_format="%.6g")
        return list(tables)

    def lines(self) -> list[str]:
        """Say it in sentences."""
        n_answered = int((self.table["streams"] != "").sum())
        n_faces = int(self.table["face_found"].sum())
        seconds = (
            f"{len(self.table)} seconds: {n_answered} answered, {n_faces} with a face"
        )
        if self.trials is not None:
            seconds = f"{len(self.trials)} trials, {seconds}"
        return [seconds, *self.notes]


def join_answers(
    answers: Sequence[Answers], opened: Opened, bundle: Bundle
) -> Timeline:
    """Return the timeline of a recording that was read to its end."""
    table = pd.concat([answer.table for answer in answers], ignore_index=True)
    if not opened.spans:
        return Timeline(table, opened.notes)
    whose = [answer.trial for answer in answers for _ in range(len(answer.table))]
    trials = tabulate_trials(answers, opened.spans, bundle)
    return Timeline(table.assign(trial=whose), opened.notes, trials)


def predict(
    model: Path,
    *,
    video: Path | None,
    bio: Path | None,
    trial: str | None = None,
    trials: Path | None = None,
    video_offset_s: float | None = None,
    baseline_s: tuple[float | None, float | None] = (None, None),
    progress: Callable[[float, float], None] | None = None,
) -> Timeline:
    """Score each second of a recording, or of its trials.

    Parameters
    ----------
    video, bio : Path, optional
        At least one.
    trial : str, optional
        Which trial of a signal file that holds several.
    trials : Path, optional
        A table of trials, as ``prepare recordings`` takes it; ratings and files may be
        missing. Only their seconds are scored, from each one's onset and with its own
        rest taken off, as in training, and the trials themselves.
    video_offset_s : float, optional
        Second of the signals at which the video starts; where it is not given,
        where the data set's videos do, as at the stimulus, or the table says, else 0.
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
        trials=trials,
        video_offset_s=video_offset_s,
        baseline_s=baseline_s,
    )
    tell = progress or (lambda _done, _all: None)
    answerer, answers, in_all = Answerer(bundle), [], float(opened.n_seconds)
    done = 0.0
    tell(done, in_all)
    for chunk in opened.read():
        answers.append(answerer.answer(chunk))
        done += len(chunk)
        tell(done, in_all)
    return join_answers(answers, opened, bundle)


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
        trials: Path | str | None = None,
        video_offset_s: float | None = None,
        baseline_s: tuple[float | None, float | None] = (None, None),
        progress: Callable[[float, float], None] | None = None,
    ) -> pd.DataFrame:
        """Return a row a second, with the columns of the command's timeline.

        Parameters are those of ``deepvanet.inference.predict``, which also returns
        what had to be assumed.
        """
        return predict(
            self.bundle.path,
            video=None if video is None else Path(video),
            bio=None if bio is None else Path(bio),
            trial=trial,
            trials=None if trials is None else Path(trials),
            video_offset_s=video_offset_s,
            baseline_s=baseline_s,
            progress=progress,
        ).table

    def predict_trials(
        self,
        trials: Path | str,
        video: Path | str | None = None,
        bio: Path | str | None = None,
        *,
        video_offset_s: float | None = None,
    ) -> pd.DataFrame:
        """Return a row a trial of a table, with columns ``TRIAL_COLUMNS``.

        Parameters are those of ``deepvanet.inference.predict``.
        """
        made = predict(
            self.bundle.path,
            video=None if video is None else Path(video),
            bio=None if bio is None else Path(bio),
            trials=Path(trials),
            video_offset_s=video_offset_s,
        )
        return pd.DataFrame(made.trials)


def load_model(path: Path | str) -> Model:
    """Open a folder that ``train`` wrote; runs no code from it.

    Raises
    ------
    UserError
        When there is no whole bundle.
    """
    return Model(load_bundle(Path(path)))
