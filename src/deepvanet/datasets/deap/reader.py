"""DEAP: 32 people watch 40 one-minute music videos [1]_.

Read as downloaded, nothing renamed::

    data_preprocessed_python/s01.dat      bio-signals, in order of *experiment*
    metadata_csv/participant_ratings.csv  ratings; experiment <-> trial
    face_video/s01/s01_trial01.avi        in order of *trial*; subjects 1-22

DeapSignals are filed by stimulus (Experiment_id), videos by viewing order (Trial);
the ratings table joins the two. All other modules use trials.

References
----------
.. [1] Koelstra et al. (2012). DEAP: a database for emotion analysis using
   physiological signals. IEEE Trans. Affective Computing 3(1), 18-31.
"""

import csv
import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from deepvanet.datasets.file_trials import pick_trial
from deepvanet.datasets.geneva import GENEVA_EEG
from deepvanet.datasets.synthetic_mark import name_copy
from deepvanet.datasets.text_numbers import to_float
from deepvanet.schema import (
    HIGHEST_RATING,
    LOWEST_RATING,
    Channel,
    ChannelType,
    Recording,
    Target,
    Trial,
    UserError,
    as_recording,
)
from deepvanet.signal_io.pickled_arrays import load_arrays

IS_RAW = False
SFREQ = 128.0  # Hz, after the authors' own down-sampling from 512 Hz
BASELINE_S = 3.0  # seconds of baseline before each stimulus
VIDEO_FPS = 50.0  # frames a second; the containers are known to say otherwise
SHORTEST_S = BASELINE_S + 1  # rest and one segment

SUBJECTS = tuple(f"{number:02d}" for number in range(1, 33))
FILMED = SUBJECTS[:22]
MISSING_VIDEOS: Mapping[str, tuple[int, ...]] = {
    "03": (40,),
    "05": (40,),
    "11": (38, 39, 40),
    "14": (40,),
}
"""Trials of subjects with videos that were lost before the data set was published."""

CHANNELS = (
    *(Channel(name, ChannelType.EEG, "uV") for name in GENEVA_EEG),
    Channel("hEOG", ChannelType.EOG, "uV"),
    Channel("vEOG", ChannelType.EOG, "uV"),
    Channel("zEMG", ChannelType.EMG, "uV"),
    Channel("tEMG", ChannelType.EMG, "uV"),
    Channel("GSR", ChannelType.GSR, "Ohm"),
    Channel("Respiration", ChannelType.RESPIRATION, "a.u."),
    Channel("Plethysmograph", ChannelType.PLETHYSMOGRAPH, "a.u."),
    # the offset was removed by the authors, so degrees would be wrong
    Channel("Temperature", ChannelType.TEMPERATURE, "a.u."),
)
"""The rows of a ``.dat`` array: the Geneva order, for every subject."""

LABELS = ("Valence", "Arousal", "Dominance", "Liking")
"""Columns of ``labels`` in a ``.dat``, named as in the ratings table."""

RATINGS_NAME = "participant_ratings.csv"
TARGET_COLUMNS = {Target.VALENCE: "Valence", Target.AROUSAL: "Arousal"}
FURTHER_COLUMNS = ("Dominance", "Liking", "Familiarity")
"""Ratings that were asked too; some subjects have no familiarity."""
_COLUMNS = ("Participant_id", "Trial", "Experiment_id", *TARGET_COLUMNS.values())

_SIGNALS = re.compile(r"s(\d\d)\.dat")
_VIDEO = re.compile(r"s(\d+)_trial_?(\d+)\.avi", re.IGNORECASE)


@dataclass(frozen=True)
class DeapSignals:
    """What one ``.dat`` file holds.

    Attributes
    ----------
    data : array, shape (experiment, channel, time)
        Rest, then stimulus, in the units of ``CHANNELS``; read-only.
    labels : array, shape (experiment, 4)
        The columns ``LABELS``. Circulating copies disagree with the ratings
        table, so they are compared with it and never used.
    """

    data: Float[np.ndarray, "experiment channel time"]
    labels: Float[np.ndarray, "experiment 4"]


@dataclass(frozen=True)
class RatingsRow:
    """A row of the ratings table as text, and the file and line it stands on."""

    where: str
    values: Mapping[str, str]

    def number(self, column: str) -> int:
        """Return a whole number, or raise ``UserError``.

        Raises
        ------
        UserError
            When the cell holds anything else.
        """
        text = self.values[column]
        try:
            return int(text)
        except ValueError:
            raise UserError(
                f"{self.where}: {column} must be a whole number, got {text!r}"
            ) from None

    def rating(self, column: str) -> float:
        """Return a rating from 1 to 9, or raise ``UserError``.

        Raises
        ------
        UserError
            When the cell holds anything else.
        """
        text = self.values[column]
        rating = to_float(text)
        if not LOWEST_RATING <= rating <= HIGHEST_RATING:
            raise UserError(
                f"{self.where}: {column} must be a number from 1 to 9, got {text!r}"
            )
        return rating

    def rate(self) -> dict[Target, float]:
        """Return the rating of each target, or raise ``UserError``."""
        return {t: self.rating(column) for t, column in TARGET_COLUMNS.items()}

    def rate_further(self) -> dict[str, str]:
        """Return what else was rated, as columns of trials; empty where it was not."""
        given = {name: self.values.get(name, "").strip() for name in FURTHER_COLUMNS}
        return {
            name.lower(): f"{self.rating(name):.10g}" if text else ""
            for name, text in given.items()
        }


def name_dataset(root: Path) -> str:
    """Return what results call this data set: real and synthetic ones differ."""
    return name_copy(root, "deap")


def list_subjects(root: Path) -> list[str]:
    """Return the subjects that have signals, "01" to "32" at most.

    Raises
    ------
    UserError
        When the folder is missing, is not DEAP, or holds no subject.
    """
    return find_subjects(root, signals_file)


def find_subjects(root: Path, locate: Callable[[Path, str], Path]) -> list[str]:
    """Return the subjects whose file lies where ``locate(root, subject)`` says.

    Raises
    ------
    UserError
        When the folder is missing, is not DEAP, or holds no subject.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder")
    first, last = locate(root, SUBJECTS[0]), locate(root, SUBJECTS[-1])
    if not first.parent.is_dir():
        raise UserError(
            f"{root}: not DEAP as downloaded, {first.parent.name} is missing"
        )
    subjects = [subject for subject in SUBJECTS if locate(root, subject).is_file()]
    if not subjects:
        raise UserError(
            f"{first.parent}: no subject, expected files {first.name} to {last.name}"
        )
    return subjects


def read_subject(root: Path, subject: str) -> Iterator[Trial]:
    """Check one subject's files, then yield the trials in viewing order.

    Parameters
    ----------
    root : Path
        The folder that holds the three folders above.
    subject : str
        "01" to "32".

    Raises
    ------
    UserError
        Before the first trial, when a file is missing or not as documented.
    """
    signals = read_signals(root, subject)
    rows = select_ratings(root, subject, n_trials=len(signals.data))
    videos = list_videos(root, subject)
    return (_make_trial(subject, row, signals, videos) for row in rows)


def read_recordings(root: Path, subject: str) -> Iterator[Recording]:
    """Check one subject's files, then yield each trial as a recording of its own."""
    return map(as_recording, read_subject(root, subject))


def holds(path: Path) -> bool:
    """Say whether a file is a subject's signals: no other files end so."""
    return path.suffix.lower() == ".dat"


def read_file(path: Path, trial: str | None) -> Recording:
    """Read one trial of a ``.dat`` file that lies in its data set.

    Parameters
    ----------
    path : Path
        As ``DEAP/data_preprocessed_python/s01.dat``.
    trial : str
        Its place in the order of viewing, from 1.

    Raises
    ------
    UserError
        When the data set around the file cannot be read or has no such trial.
    """
    match = _SIGNALS.fullmatch(path.name)
    root = path.absolute().parents[1]
    if match is None or signals_file(root, match[1]) != path.absolute():
        raise UserError(
            f"{path}: must lie where it was downloaded, as DEAP/"
            "data_preprocessed_python/s01.dat, to be joined with its ratings"
        )
    trials = {found.trial: found for found in read_subject(root, match[1])}
    return as_recording(pick_trial(path, trial, trials))


def input_files(root: Path, subject: str) -> list[Path]:
    """Return every file that a subject's trials are made of."""
    return [
        signals_file(root, subject),
        ratings_file(root),
        *list_videos(root, subject).values(),
    ]


def signals_file(root: Path, subject: str) -> Path:
    """Return where a subject's signals lie."""
    return root / "data_preprocessed_python" / f"s{subject}.dat"


def ratings_file(root: Path) -> Path:
    """Return where the ratings table lies."""
    return root / "metadata_csv" / RATINGS_NAME


def video_folder(root: Path, subject: str) -> Path:
    """Return where a subject's face videos lie."""
    return root / "face_video" / f"s{subject}"


def read_signals(root: Path, subject: str) -> DeapSignals:
    """Read a subject's signals, or raise ``UserError``.

    Raises
    ------
    UserError
        When the file cannot be read, lacks an array, or an array has a wrong shape.
    """
    path = signals_file(root, subject)
    arrays = load_arrays(path)
    for key in ("data", "labels"):
        if key not in arrays:
            found = ", ".join(map(repr, arrays)) or "nothing"
            raise UserError(f"{path}: array {key!r} is missing, got {found}")
    data, labels = arrays["data"], arrays["labels"]
    if data.ndim != 3 or data.shape[1] != len(CHANNELS):
        raise UserError(
            f"{path}: data must be of shape (trials, {len(CHANNELS)}, samples), "
            f"got {data.shape}"
        )
    if data.shape[2] < SHORTEST_S * SFREQ:
        raise UserError(
            f"{path}: a trial must last {SHORTEST_S:g} s at {SFREQ:g} Hz or longer, "
            f"got {data.shape[2]} samples"
        )
    if labels.shape != (len(data), len(LABELS)):
        raise UserError(
            f"{path}: labels must be of shape ({len(data)}, {len(LABELS)}), "
            f"got {labels.shape}"
        )
    return DeapSignals(_as_float(data), _as_float(labels))


def read_ratings(root: Path) -> list[RatingsRow]:
    """Read the ratings table as text, or raise ``UserError``.

    Raises
    ------
    UserError
        When the file cannot be read, is not CSV, or lacks a column.
    """
    path = ratings_file(root)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            _check_columns(path, reader.fieldnames or ())
            return [RatingsRow(f"{path} line {reader.line_num}", row) for row in reader]
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a table in CSV: {error}") from None


def select_ratings(root: Path, subject: str, *, n_trials: int) -> list[RatingsRow]:
    """Return a subject's rows of the ratings table in viewing order.

    Parameters
    ----------
    n_trials : int
        Rows of the subject's ``.dat``; each must have exactly one row here.

    Raises
    ------
    UserError
        When rows are missing, double or beyond the ``.dat``, or a rating is not
        a number from 1 to 9.
    """
    rows = list_ratings(root, subject)
    experiments = {row.number("Experiment_id"): row for row in rows}
    for experiment in range(1, n_trials + 1):
        if experiment not in experiments:
            raise UserError(
                f"{ratings_file(root)}: no row for Participant_id {int(subject)}, "
                f"Experiment_id {experiment}, which "
                f"{signals_file(root, subject).name} holds"
            )
    for experiment, row in experiments.items():
        if not 1 <= experiment <= n_trials:
            raise UserError(
                f"{row.where}: Experiment_id must be 1 to {n_trials}, the trials of "
                f"{signals_file(root, subject).name}, got {experiment}"
            )
    return rows


def list_ratings(root: Path, subject: str) -> list[RatingsRow]:
    """Return a subject's rows of the ratings table in viewing order.

    Raises
    ------
    UserError
        When a trial stands there twice, or a rating is not a number from 1 to 9.
    """
    rows = [
        row
        for row in read_ratings(root)
        if row.number("Participant_id") == int(subject)
    ]
    for column in ("Trial", "Experiment_id"):
        _check_unique(rows, column)
    for row in rows:
        row.rate()
    return sorted(rows, key=lambda row: row.number("Trial"))


def list_videos(root: Path, subject: str) -> dict[int, Path]:
    """Return a subject's videos by trial number; empty where there are none.

    Raises
    ------
    UserError
        When two videos are of the same trial.
    """
    folder = video_folder(root, subject)
    videos: dict[int, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        match = _VIDEO.fullmatch(path.name)
        if match is None or int(match[1]) != int(subject) or not path.is_file():
            continue
        other = videos.setdefault(int(match[2]), path)
        if other != path:
            raise UserError(f"{path}: a second video of the trial of {other.name}")
    return dict(sorted(videos.items()))


def _make_trial(
    subject: str, row: RatingsRow, signals: DeapSignals, videos: Mapping[int, Path]
) -> Trial:
    trial, experiment = row.number("Trial"), row.number("Experiment_id")
    return Trial(
        subject=subject,
        trial=f"{trial:02d}",
        stimulus=f"{experiment:02d}",
        bio=signals.data[experiment - 1],
        sfreq=SFREQ,
        baseline_s=BASELINE_S,
        channels=CHANNELS,
        video=videos.get(trial),
        fps=VIDEO_FPS,
        ratings=row.rate(),
        more=row.rate_further(),
    )


def _check_columns(path: Path, found: Sequence[str]) -> None:
    lower = {name.lower(): name for name in found}
    for column in _COLUMNS:
        if column not in found:
            near = difflib.get_close_matches(column.lower(), lower, n=1)
            hint = f", the nearest is {lower[near[0]]!r}" if near else ""
            raise UserError(f"{path}: column {column} is missing{hint}")


def _check_unique(rows: Sequence[RatingsRow], column: str) -> None:
    seen: dict[int, RatingsRow] = {}
    for row in rows:
        number = row.number(column)
        if number in seen:
            raise UserError(
                f"{row.where}: {column} {number} of Participant_id "
                f"{row.values['Participant_id']} stands there twice"
            )
        seen[number] = row


def _as_float(array: NDArray[Any]) -> NDArray[Any]:
    return array if array.dtype.kind == "f" else array.astype(np.float64)
