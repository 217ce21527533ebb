"""A bundle, a face video and signals -> what it predicts for each second, as valence.

A recording is read and answered a minute at a time, so an hour needs no more memory
than five minutes. It is cut into segments as the bundle's trials were: seconds by
default. Each is answered by the network with the best score of the cross-validation
among those whose streams it has, or with the most streams where none was scored: where
the face is lost, or before the video starts, by the signals alone. A score is the
probability of a *high self-rating*, learnt from one rating a trial; it is not an
intensity. Bundles of other tasks predict the rating, or the probability of each class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from deepvanet.bundle import Bundle, load_bundle, say_worth
from deepvanet.cells import write_csv
from deepvanet.datasets.recordings.input_files import InputFile, read_input
from deepvanet.files import check_file, whole_file
from deepvanet.findings import say_count
from deepvanet.inference.answering import (
    Answerer,
    Answers,
    tabulate_trials,
)
from deepvanet.inference.open_recording import open_recording
from deepvanet.inference.recording import OpenRecording, Progress
from deepvanet.inference.recording_input import RecordingInput, gather_files
from deepvanet.preprocessing.windows import (
    SECONDS,
    WindowGrid,
    name_segments,
    say_grid,
)


@dataclass(frozen=True)
class Timeline:
    """Scores of a recording, one row a segment: a second by default.

    Attributes
    ----------
    table : DataFrame
        Columns ``list_timeline_columns``, of a bundle of valence and arousal
        ``TIMELINE_COLUMNS``; ``time_s`` is where a segment starts, and a score
        is empty where no network could say. Where a table lists trials, only their
        segments, and a column ``trial``.
    notes : tuple of str
        What had to be assumed of the recording.
    trials : DataFrame | None
        Columns ``list_trial_columns``, where a table lists trials.
    grid : WindowGrid
        How long segments are, and how far from each other.
    worth : tuple of str
        Which stream sets answered, why, and how each stands to its prior.

    Examples
    --------
    >>> import deepvanet
    >>> timeline = deepvanet.predict("model", bio="a.edf")  # doctest: +SKIP
    >>> timeline.table.plot("time_s", "valence")  # doctest: +SKIP
    """

    table: pd.DataFrame
    notes: tuple[str, ...] = ()
    trials: pd.DataFrame | None = None
    grid: WindowGrid = SECONDS
    worth: tuple[str, ...] = ()

    def write(self, path: Path) -> list[Path]:
        """Write the tables as CSV, each whole or not at all; return their files."""
        tables = {path: self.table}
        if self.trials is not None:
            tables[path.with_name(f"{path.stem}-trials{path.suffix}")] = self.trials
        for file in tables:
            check_file(file)
        for file, table in tables.items():
            with whole_file(file) as unfinished:
                write_csv(table, unfinished, float_format="%.6g")
        return list(tables)

    def lines(self) -> list[str]:
        """Say it in sentences."""
        n_answered = int((self.table["streams"] != "").sum())
        n_faces = int(self.table["face_found"].sum())
        what = f"{len(self.table)} {name_segments(self.grid)}"
        if self.grid.is_whole:
            what = say_count(len(self.table), "whole trial")
        elif self.grid != SECONDS:
            what += f" of {say_grid(self.grid)}"
        if self.trials is not None and not self.grid.is_whole:
            what = f"{say_count(len(self.trials), 'trial')}, {what}"
        return [
            f"{what}: {n_answered} answered, {n_faces} with a face",
            *self.notes,
            *self.worth,
        ]


def join_answers(
    answers: Sequence[Answers], recording: OpenRecording, bundle: Bundle
) -> Timeline:
    """Return the timeline of a recording that was read to its end."""
    table = pd.concat([answer.table for answer in answers], ignore_index=True)
    worth = tuple(say_worth(bundle, table["streams"].tolist()))
    if not recording.spans:
        return Timeline(table, recording.notes, grid=bundle.grid, worth=worth)
    whose = [answer.trial for answer in answers for _ in range(len(answer.table))]
    trials = tabulate_trials(answers, recording.spans, bundle)
    return Timeline(
        table.assign(trial=whose), recording.notes, trials, bundle.grid, worth
    )


def predict(
    model: Path, recording: RecordingInput, *, progress: Progress | None = None
) -> Timeline:
    """Score each second of a recording, or of its trials; or segments as trained.

    Parameters
    ----------
    model : Path
        Folder that ``train`` wrote.
    recording : RecordingInput
        Its files, and how they lie in time.
    progress : callable, optional
        Is called with the seconds that are done, and the seconds in all.

    Returns
    -------
    Timeline
        With a table of trials where ``recording`` has one.

    Raises
    ------
    UserError
        When the recording does not fit the bundle.
    """
    return answer_recording(load_bundle(model), recording, progress=progress)


def answer_recording(
    bundle: Bundle, recording: RecordingInput, *, progress: Progress | None = None
) -> Timeline:
    """Score a recording as ``predict`` does, by a bundle that is open.

    Raises
    ------
    UserError
        When the recording does not fit the bundle.
    """
    opened = open_recording(bundle, recording)
    answerer = Answerer(bundle)
    at_once = answerer.count_segments(opened)
    chunks = opened.chunks(at_once=at_once, progress=progress)
    answers = [answerer.answer(chunk) for chunk in chunks]
    return join_answers(answers, opened, bundle)


@dataclass(frozen=True, repr=False)
class Model:
    """A bundle that is asked from Python.

    Examples
    --------
    >>> import deepvanet
    >>> model = deepvanet.load("model")  # doctest: +SKIP
    >>> table = model.predict(video="face.mp4")  # doctest: +SKIP
    """

    bundle: Bundle

    def __repr__(self) -> str:
        return f"<Model {'; '.join(self.bundle.lines())}>"

    def predict(
        self,
        video: Path | str | None = None,
        bio: Path | str | None = None,
        *,
        features: Path | str | None = None,
        inputs: Sequence[str] = (),
        trial: str | None = None,
        trials: Path | str | None = None,
        video_offset_s: float | None = None,
        baseline_s: tuple[float | None, float | None] = (None, None),
        accept: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> pd.DataFrame:
        """Return a row a second, or segment, with the columns of the timeline.

        ``deepvanet.inference.predict`` also returns what had to be assumed.

        Parameters
        ----------
        video, bio, features : Path | str, optional
            Face video, signals, and numbers of the video's frames that another program
            made; at least one.
        inputs : sequence of str
            Further files of signals, as ``peripheral=gsr.csv@1.5``.
        trial : str, optional
            Which trial of a signal file that holds several.
        trials : Path | str, optional
            A table of trials: only their seconds are scored.
        video_offset_s : float, optional
            Second of the signals at which the video starts; None as in
            ``deepvanet.inference.RecordingInput``.
        baseline_s : (float | None, float | None)
            Start and end of the baseline, in seconds of the signals; None as in
            ``deepvanet.inference.RecordingInput``.
        accept : sequence of str
            Codes of errors whose assumption is taken.
        progress : callable, optional
            Is called with the seconds that are done, and the seconds in all.

        Returns
        -------
        DataFrame
            Columns ``list_timeline_columns``, and ``trial`` where a table lists trials.

        Raises
        ------
        UserError
            When the recording does not fit the bundle.
        """
        files = _name_files(video, bio, features, inputs)
        recording = RecordingInput(
            **gather_files(files, video_offset_s=video_offset_s),
            trial=trial,
            trials=_as_path(trials),
            baseline_s=baseline_s,
            accept=tuple(accept),
        )
        return predict(self.bundle.path, recording, progress=progress).table

    def predict_trials(
        self,
        trials: Path | str,
        video: Path | str | None = None,
        bio: Path | str | None = None,
        *,
        features: Path | str | None = None,
        inputs: Sequence[str] = (),
        video_offset_s: float | None = None,
    ) -> pd.DataFrame:
        """Return a row a trial of a table, with columns ``list_trial_columns``.

        Parameters
        ----------
        trials : Path | str
            A table of trials, as ``prepare recordings`` takes it.
        video, bio, features : Path | str, optional
            Face video, signals, and numbers of the video's frames that another program
            made; at least one.
        inputs : sequence of str
            Further files of signals, as ``peripheral=gsr.csv@1.5``.
        video_offset_s : float, optional
            Second of the signals at which the video starts; None as in
            ``deepvanet.inference.RecordingInput``.

        Returns
        -------
        DataFrame
            Scores and labels of each trial that could be used.

        Raises
        ------
        UserError
            When the recording does not fit the bundle.
        """
        files = _name_files(video, bio, features, inputs)
        recording = RecordingInput(
            **gather_files(files, video_offset_s=video_offset_s),
            trials=_as_path(trials),
        )
        return pd.DataFrame(predict(self.bundle.path, recording).trials)


def _name_files(
    video: Path | str | None,
    bio: Path | str | None,
    features: Path | str | None,
    inputs: Sequence[str],
) -> list[InputFile]:
    given = {"video": video, "bio": bio, "face_features": features}
    named = [InputFile(column, str(path)) for column, path in given.items() if path]
    return [*named, *map(read_input, inputs)]


def _as_path(path: Path | str | None) -> Path | None:
    return None if path is None else Path(path)


def load_model(path: Path | str) -> Model:
    """Open a folder that ``train`` wrote; runs no code from it.

    Raises
    ------
    UserError
        When there is no whole bundle.
    """
    return Model(load_bundle(Path(path)))
