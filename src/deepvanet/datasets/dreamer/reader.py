"""DREAMER: 23 people watch 18 video clips with a headset of 14 electrodes [1]_.

Read as downloaded: one file ``DREAMER.mat`` with one struct, whose field ``Data`` has a
cell a subject::

    EEG.baseline, EEG.stimuli     18 cells each, samples x 14, 128 Hz
    ECG.baseline, ECG.stimuli     18 cells each, samples x 2, 256 Hz
    ScoreValence, ScoreArousal, ScoreDominance     18 whole numbers from 1 to 5

A cell of the baseline holds about 61 s of a neutral clip, seen just before
the clip of the same place. The two are joined; clips have lengths of their own. One
subject is in memory at a time. The order of viewing is not in the file.

References
----------
.. [1] Katsigiannis, Ramzan (2018). DREAMER: a database for emotion recognition through
   EEG and ECG signals from wireless low-cost off-the-shelf devices. IEEE J. Biomedical
   and Health Informatics 22(1), 98-107.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from deepvanet.datasets.synthetic_mark import name_copy
from deepvanet.findings import list_some, refuse, report, say_count
from deepvanet.schema import (
    HIGHEST_RATING,
    LOWEST_RATING,
    Channel,
    ChannelType,
    Recording,
    Target,
    TrialSpan,
    UserError,
)
from deepvanet.signal_io.matlab_arrays import Value
from deepvanet.signal_io.matlab_parts import count_cells, load_part
from deepvanet.signal_io.time_grid import LARGEST, change_rate, shift

IS_RAW = True
SFREQ, ECG_SFREQ = 128.0, 256.0  # Hz
BASELINE_S = 61.0  # as published; what is in the file is used
SHORTEST_S = 1.0  # of a clip, and of what comes before it
MOST_APART_S = 1.0
"""By which the EEG and the ECG of one trial may differ in length."""
N_SUBJECTS, N_CLIPS = 23, 18
SCALE = 1.0, 5.0

_EEG = "AF3 F7 F3 FC5 T7 P7 O1 O2 P8 T8 FC6 F4 F8 AF4"
CHANNELS = (
    *(Channel(name, ChannelType.EEG, "uV") for name in _EEG.split()),
    # the unit is not documented
    Channel("ECG 1", ChannelType.ECG, "a.u."),
    Channel("ECG 2", ChannelType.ECG, "a.u."),
)
"""The columns of a cell of EEG, then those of one of ECG."""
N_EEG = 14

FILE = "DREAMER.mat"
VARIABLE, SUBJECTS = "DREAMER", "Data"
SCORES = {Target.VALENCE: "ScoreValence", Target.AROUSAL: "ScoreArousal"}
DOMINANCE = "ScoreDominance"
PERSON = {"sex": "Gender", "age": "Age"}
"""What is said of the subject, by the column of trials; not all copies say it."""

JOINED = (
    "baseline and clip are stored apart and were joined: around the first second of "
    "the clip, filters see both"
)

_TRIAL = re.compile(r"(\d{1,2})\s*/\s*(\d{1,2})")

Bio = Float[np.ndarray, "channel time"]


@dataclass(frozen=True)
class Viewing:
    """What the file holds of one subject and clip.

    Attributes
    ----------
    clip : int
        Its place, from 1.
    bio : array, shape (channel, time)
        Baseline, then clip, at ``SFREQ``; without samples where there is no EEG.
    baseline_s : float
        Length of what comes before the clip.
    ratings : mapping
        From 1 to 9; a target without a rating is absent.
    dominance : float | None
        From 1 to 9.
    person : mapping
        Sex and age of the subject, where they are said.
    """

    clip: int
    bio: Bio
    baseline_s: float
    ratings: Mapping[Target, float]
    dominance: float | None
    person: Mapping[str, str] = field(default_factory=dict)

    @property
    def lacks(self) -> tuple[str, ...]:
        """What it would need to be a trial."""
        named = {"signals": bool(self.bio.size), "ratings": bool(self.ratings)}
        return tuple(name for name, is_there in named.items() if not is_there)


def name_dataset(root: Path) -> str:
    """Return what results call this data set: real and synthetic ones differ."""
    return name_copy(root, "dreamer")


def find_file(root: Path) -> Path:
    """Return where the file lies, upper and lower case being the same.

    Raises
    ------
    UserError
        When the folder or the file is missing.
    """
    if root.is_file() and holds(root):
        return root
    if not root.is_dir():
        raise UserError(f"{root}: no such folder")
    found = sorted(path for path in root.glob("*.mat") if holds(path))
    if not found:
        raise UserError(f"{root}: not DREAMER as downloaded, {FILE} is missing")
    return found[0]


def list_subjects(root: Path) -> list[str]:
    """Return the subjects of the file, "01" to "23" in a full copy.

    Raises
    ------
    UserError
        When the file is missing, or cannot be read.
    """
    path = find_file(root)
    n_subjects = count_cells(path, VARIABLE, [SUBJECTS])
    if not n_subjects:
        raise UserError(f"{path}: {SUBJECTS} holds no subject")
    return [f"{number:02d}" for number in range(1, n_subjects + 1)]


def input_files(root: Path, subject: str) -> list[Path]:
    """Return every file that a subject's trials are made of: one for all."""
    del subject
    return [find_file(root)]


def read_recordings(root: Path, subject: str) -> Iterator[Recording]:
    """Read a subject's part of the file, then yield each trial as a recording.

    Raises
    ------
    UserError
        When it is not as documented, or has no trial.
    """
    path = find_file(root)
    viewings = read_viewings(path, subject)
    return (_make_recording(subject, viewing) for viewing in viewings)


def holds(path: Path) -> bool:
    """Say whether a file is that of the data set."""
    return path.name.lower() == FILE.lower()


def read_file(path: Path, trial: str | None) -> Recording:
    """Read one trial of the file.

    Parameters
    ----------
    trial : str
        A subject and a clip, as ``3/7``.

    Raises
    ------
    UserError
        When the file cannot be read or has no such trial.
    """
    match = _TRIAL.fullmatch(trial.strip()) if trial else None
    if match is None:
        raise UserError(
            f"{path} holds several subjects, name one and a clip, as 3/7", field="trial"
        )
    subject, clip = (int(number) for number in match.groups())
    n_subjects = count_cells(path, VARIABLE, [SUBJECTS])
    if not 1 <= subject <= n_subjects:
        raise UserError(
            f"subject must be 1 to {n_subjects}, got {trial}", field="trial"
        )
    by_clip = {v.clip: v for v in read_viewings(path, f"{subject:02d}")}
    if clip not in by_clip:
        known = ", ".join(map(str, by_clip))
        raise UserError(
            f"{path}: subject {subject} has no clip {clip}, got {known}", field="trial"
        )
    return _make_recording(f"{subject:02d}", by_clip[clip])


def read_viewings(path: Path, subject: str) -> list[Viewing]:
    """Read a subject's trials, and report what is odd of them.

    Raises
    ------
    UserError
        When its part of the file is not as documented, or has no trial.
    """
    where = f"subject {subject}"
    held = load_part(path, VARIABLE, [SUBJECTS, int(subject) - 1])
    if not isinstance(held, dict):
        raise refuse("F01", "must be a struct", source=path, place=where)
    part = _Part(path, where, held)
    eeg, ecg = part.list_signals("EEG", N_EEG), part.list_signals("ECG", 2)
    n_clips = len(eeg[0])
    if not 0 < n_clips == len(eeg[1]) == len(ecg[0]) == len(ecg[1]):
        counts = ", ".join(str(len(cells)) for cells in (*eeg, *ecg))
        raise refuse(
            "F01",
            "EEG and ECG must have as many cells each of baseline and stimuli, got "
            f"{counts}",
            source=path,
            place=where,
        )
    scores = {
        target: part.list_scores(name, n_clips) for target, name in SCORES.items()
    }
    dominance = part.list_scores(DOMINANCE, n_clips)
    person = {name: text for name, key in PERSON.items() if (text := part.say(key))}
    viewings = [
        Viewing(
            clip=k + 1,
            bio=part.join(k + 1, (eeg[0][k], eeg[1][k]), (ecg[0][k], ecg[1][k])),
            baseline_s=eeg[0][k].shape[1] / SFREQ,
            ratings={
                target: rating
                for target, given in scores.items()
                if (rating := given[k]) is not None
            },
            dominance=dominance[k],
            person=person,
        )
        for k in range(n_clips)
    ]
    _report_lacking(path, where, viewings)
    usable = [viewing for viewing in viewings if not viewing.lacks]
    if not usable:
        raise refuse(
            "F01", "has no trial with signals and ratings", source=path, place=where
        )
    return usable


@dataclass(frozen=True)
class _Part:
    """A subject's struct, and what sentences call it."""

    path: Path
    where: str
    held: Mapping[str, Value]

    def list_signals(self, name: str, n_channels: int) -> tuple[list[Bio], list[Bio]]:
        """Return the cells of baseline and stimuli, channels first."""
        both = self._take(self.held, name)
        if not isinstance(both, dict):
            raise self._refuse(f"{name} must be a struct")
        baseline, stimuli = (
            [
                self._turn(f"{name}.{field} {k}", cell, n_channels)
                for k, cell in enumerate(self._take_cells(both, name, field), start=1)
            ]
            for field in ("baseline", "stimuli")
        )
        return baseline, stimuli

    def list_scores(self, name: str, n_clips: int) -> list[float | None]:
        """Return ratings from 1 to 9; None, and a finding, where one is none."""
        values = self._take(self.held, name)
        if not isinstance(values, np.ndarray) or values.size != n_clips:
            raise self._refuse(f"{name} must hold {n_clips} numbers")
        plain = [float(value) for value in values.ravel()]
        wrong = [
            k for k, value in enumerate(plain) if not SCALE[0] <= value <= SCALE[1]
        ]
        if wrong:
            report(
                "R16",
                f"{name} is no number from {SCALE[0]:g} to {SCALE[1]:g} in "
                f"{len(wrong)} of {n_clips} clips: "
                + list_some([f"clip {k + 1} ({plain[k]:g})" for k in wrong]),
                source=self.path,
                place=self.where,
            )
        return [None if k in wrong else _map(value) for k, value in enumerate(plain)]

    def say(self, name: str) -> str:
        """Return a text, or a number as text; blank where it is absent."""
        value = self.held.get(name, "")
        if isinstance(value, np.ndarray):
            return f"{value.flat[0]:g}" if value.size == 1 else ""
        return value.strip() if isinstance(value, str) else ""

    def join(self, clip: int, eeg: tuple[Bio, Bio], ecg: tuple[Bio, Bio]) -> Bio:
        """Return baseline and clip of all channels at one rate; none without EEG."""
        if min(cell.shape[1] for cell in eeg) < SHORTEST_S * SFREQ:
            return np.empty((len(CHANNELS), 0))
        pieces = [
            np.concatenate([brain, self._fit(clip, heart, n_samples=brain.shape[1])])
            for brain, heart in zip(eeg, ecg, strict=True)
        ]
        return np.concatenate(pieces, axis=1)

    def _fit(self, clip: int, heart: Bio, *, n_samples: int) -> Bio:
        """Return the ECG at the rate and the length of the EEG."""
        apart = heart.shape[1] / ECG_SFREQ - n_samples / SFREQ
        if abs(apart) > MOST_APART_S:
            report(
                "Q01",
                f"the ECG lasts {heart.shape[1] / ECG_SFREQ:.1f} s, the EEG "
                f"{n_samples / SFREQ:.1f} s",
                source=self.path,
                place=f"{self.where} clip {clip}",
                assumed="both begin in the same moment; what is absent is missing",
            )
        if not heart.shape[1]:
            return np.full((len(heart), n_samples), np.nan)
        placed = change_rate(heart, sfreq=ECG_SFREQ, to=SFREQ)
        return shift(placed, by=0, length=n_samples)

    def _take_cells(
        self, both: Mapping[str, Value], name: str, field: str
    ) -> Sequence[Value]:
        cells = self._take(both, field, within=name)
        if not isinstance(cells, list):
            raise self._refuse(f"{name}.{field} must be a cell array")
        return cells

    def _take(
        self, held: Mapping[str, Value], field: str, *, within: str = ""
    ) -> Value:
        if field not in held:
            found = ", ".join(held) or "nothing"
            name = f"{within}.{field}" if within else field
            raise self._refuse(f"{name} is missing, got {found}")
        return held[field]

    def _turn(self, name: str, cell: Value, n_channels: int) -> NDArray[Any]:
        if not isinstance(cell, np.ndarray):
            raise self._refuse(f"{name} must be numbers")
        if not cell.size:
            return np.empty((n_channels, 0))
        if cell.shape[1] != n_channels:
            raise self._refuse(
                f"{name} must be of shape (samples, {n_channels}), got {cell.shape}"
            )
        values = cell.T.astype(np.float64)
        return np.where(np.abs(values) > LARGEST, np.nan, values)

    def _refuse(self, sentence: str) -> UserError:
        return refuse("F01", sentence, source=self.path, place=self.where)


def _map(rating: float) -> float:
    """Return a rating from 1 to 5 on the scale from 1 to 9."""
    share = (rating - SCALE[0]) / (SCALE[1] - SCALE[0])
    return LOWEST_RATING + share * (HIGHEST_RATING - LOWEST_RATING)


def _report_lacking(path: Path, where: str, viewings: Sequence[Viewing]) -> None:
    """Say why viewings are no trials."""
    for code, what in (("R06", "ratings"), ("Q06", "signals")):
        named = [f"clip {v.clip}" for v in viewings if what in v.lacks]
        if named:
            clips = say_count(
                len(named),
                f"clip has no {what} and is",
                f"clips have no {what} and are",
            )
            report(
                code,
                f"{clips} left out: {list_some(named)}",
                source=path,
                place=where,
            )


def _make_recording(subject: str, viewing: Viewing) -> Recording:
    name = f"{viewing.clip:02d}"
    onset_s, is_known = viewing.baseline_s, viewing.dominance is not None
    span = TrialSpan(
        trial=name,
        stimulus=name,
        onset_s=onset_s,
        end_s=viewing.bio.shape[1] / SFREQ,
        baseline_s=onset_s,
        video=None,
        fps=None,
        ratings=viewing.ratings,
        more={
            **({"dominance": f"{viewing.dominance:g}"} if is_known else {}),
            **viewing.person,
        },
    )
    return Recording(
        subject=subject,
        name=name,
        bio=viewing.bio,
        sfreq=SFREQ,
        channels=CHANNELS,
        spans=(span,),
        is_raw=IS_RAW,
        notes=(JOINED,),
    )
