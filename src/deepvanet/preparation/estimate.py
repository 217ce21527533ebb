"""What ``prepare`` will cost, before it is begun.

One subject is looked at and read, one of its recordings is cleaned, and the faces of
two of its trials are found. That is multiplied by how long its recordings and trials
are, and then by how large the files of the others are: videos by videos, signals by
signals.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from deepvanet.config import Execution, PrepareSettings
from deepvanet.datasets import Reader, check, find_data_set
from deepvanet.execution import say_work
from deepvanet.findings import collect, say_count
from deepvanet.preparation.run import (
    clean_recording,
    list_waiting,
    prepare_trial,
    read_recordings,
)
from deepvanet.preprocessing.cleaning.filters import find_factor
from deepvanet.preprocessing.face import FaceBackend, load_backend
from deepvanet.preprocessing.segments import cut_trials, measure_stimulus
from deepvanet.schema import Recording, Trial, UserError

N_TRIALS = 2
LONG_S = 20.0
"""After so many seconds of faces no further trial is timed."""


@dataclass(frozen=True)
class PreparationEstimate:
    """What a preparation will cost.

    Attributes
    ----------
    n_subjects, n_before : int
        That are to be prepared, and that are finished.
    hours : float
        Of one process.
    n_bytes : int
        Of the store.
    """

    n_subjects: int
    n_before: int
    hours: float
    n_bytes: int

    def line(self, execution: Execution) -> str:
        """Say it in a sentence."""
        subjects = say_count(self.n_subjects, "subject")
        if self.n_before:
            subjects += f" ({self.n_before} finished before)"
        return (
            f"estimate: {subjects}, {say_work(self.hours, execution)}, "
            f"{self.n_bytes / 1e6:,.1f} MB of store"
        )


@dataclass
class _SubjectCost:
    """What one subject takes, in seconds of one process and seconds of recordings."""

    checked_s: float = 0.0
    read_s: float = 0.0
    lasts_s: float = 0.0
    clean_s: float = 0.0
    cleaned_s: float = 0.0
    filmed_s: float = 0.0
    face_s: float = 0.0
    tracked_s: float = 0.0
    signal_bytes: float = 0.0
    face_bytes: float = 0.0
    timed: list[Trial] = field(default_factory=list)
    suffixes: set[str] = field(default_factory=set)

    @property
    def of_signals_s(self) -> float:
        """Of looking at it, reading and cleaning."""
        clean_s = self.clean_s * self.lasts_s / max(self.cleaned_s, 1e-9)
        return self.checked_s + self.read_s + clean_s

    @property
    def of_faces_s(self) -> float:
        """Of finding faces."""
        return self.face_s * self.filmed_s / max(self.tracked_s, 1e-9)


def estimate_preparation(
    name: str,
    root: Path,
    out: Path,
    *,
    settings: PrepareSettings,
    exclude: Sequence[str] = (),
) -> PreparationEstimate:
    """Estimate a preparation from one of its subjects.

    Parameters
    ----------
    name : str
        Of a data set with a reader.
    root, out : Path
        The data set as downloaded, and the store, which is only looked at.
    settings : PrepareSettings
        How signals and videos are processed.
    exclude : sequence of str
        Subjects to leave out.

    Returns
    -------
    PreparationEstimate
        Of the subjects that are not in the store.

    Raises
    ------
    UserError
        When there is no such data set, or nothing of the subject can be read.
    """
    reader = find_data_set(name, "reader").load_reader()
    find_factor(settings.sfreq, settings.peripheral_rate)  # or a sentence
    with collect():
        subjects, waiting = list_waiting(reader, root, out, exclude)
        n_before = len(subjects) - len(waiting)
        if not waiting:
            return PreparationEstimate(0, n_before, 0.0, 0)
        sizes = {one: _measure_files(reader, root, one) for one in waiting}
        pilot = _choose_pilot(sizes)
        others = [one for one in subjects if one != pilot]
        backend = load_backend(settings.face)
        checked_s, _ = _time(lambda: check(name, root, exclude=[*exclude, *others]))
        cost = _time_subject(reader, root, pilot, settings=settings, backend=backend)
    cost.checked_s = checked_s
    videos, signals = (
        _compare_sizes(sizes, pilot, cost.suffixes, are_videos=are_videos)
        for are_videos in (True, False)
    )
    return PreparationEstimate(
        n_subjects=len(waiting),
        n_before=n_before,
        hours=(signals * cost.of_signals_s + videos * cost.of_faces_s) / 3600,
        n_bytes=round(signals * cost.signal_bytes + videos * cost.face_bytes),
    )


_Sizes = dict[str, dict[Path, int]]
"""Of each subject the bytes of its files."""


def _measure_files(reader: Reader, root: Path, subject: str) -> dict[Path, int]:
    files = reader.input_files(root, subject)
    return {file: file.stat().st_size for file in files if file.is_file()}


def _choose_pilot(sizes: _Sizes) -> str:
    """Return a subject of usual size, among those that have as many files as most."""
    most = max(len(files) for files in sizes.values())
    whole = [one for one, files in sizes.items() if len(files) >= most / 2]
    totals = {one: sum(sizes[one].values()) for one in whole}
    middle = statistics.median_low(totals.values())
    return next(one for one, total in totals.items() if total == middle)


def _compare_sizes(
    sizes: _Sizes, pilot: str, suffixes: set[str], *, are_videos: bool
) -> float:
    """Return how many times the files of one subject all subjects have, by bytes."""

    def count(files: dict[Path, int]) -> int:
        return sum(
            n for f, n in files.items() if (f.suffix.lower() in suffixes) is are_videos
        )

    mine = count(sizes[pilot])
    if not mine:
        return float(len(sizes)) if not are_videos else 0.0
    return sum(map(count, sizes.values())) / mine


def _time_subject(
    reader: Reader,
    root: Path,
    subject: str,
    *,
    settings: PrepareSettings,
    backend: FaceBackend,
) -> _SubjectCost:
    """Read all of a subject, clean one recording, and find faces in two trials."""
    cost = _SubjectCost()
    recordings = read_recordings(reader, root, subject)
    while True:
        read_s, recording = _time(lambda: next(recordings, None))
        cost.read_s += read_s
        if recording is None:
            break
        _time_recording(cost, recording, settings=settings, backend=backend)
    if not cost.lasts_s:
        raise UserError(f"{root}: nothing of subject {subject} can be read to time it")
    return cost


def _time_recording(
    cost: _SubjectCost,
    recording: Recording,
    *,
    settings: PrepareSettings,
    backend: FaceBackend,
) -> None:
    """Add a recording to what a subject takes; time what was not timed yet."""
    trials = list(cut_trials(recording))
    rows_s = sum(t.bio.shape[1] for t in trials) / recording.sfreq
    if recording.bio.shape[1]:
        cost.lasts_s += recording.bio.shape[1] / recording.sfreq
    else:
        cost.lasts_s += rows_s
    filmed = [t for t in trials if t.video is not None]
    filmed_s = sum(measure_stimulus(t) / t.sfreq for t in filmed)
    cost.filmed_s += filmed_s
    cost.suffixes |= {t.video.suffix.lower() for t in filmed if t.video is not None}
    if not cost.cleaned_s:
        cost.clean_s, (cleaned, _) = _time(lambda: clean_recording(recording, settings))
        cost.cleaned_s = max(cleaned.bio.shape[1] / cleaned.sfreq, 1e-9)
    n_samples = rows_s * settings.sfreq
    cost.signal_bytes += 4 * n_samples * len(recording.channels)
    pixels = 3 * settings.face_size**2
    cost.face_bytes += filmed_s * settings.face_fps * pixels
    for trial in filmed:
        if len(cost.timed) >= N_TRIALS or cost.face_s > LONG_S:
            break
        track = partial(prepare_trial, trial, settings=settings, backend=backend)
        face_s, _ = _time(track)
        cost.face_s += face_s
        cost.tracked_s += measure_stimulus(trial) / trial.sfreq
        cost.timed.append(trial)


def _time(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    made = work()
    return time.perf_counter() - start, made
