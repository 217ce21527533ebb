"""Read what a check of AMIGOS needs to know of one subject.

Only one subject's signals are in memory at a time. A file or a video that cannot be
used hides none of the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepvanet.datasets.amigos.files import (
    SFREQ,
    Viewing,
    find_faces,
    find_files,
    list_trials,
    read_viewings,
)
from deepvanet.datasets.amigos.reader import CHANNELS
from deepvanet.datasets.channel_facts import measure_spread
from deepvanet.datasets.findings import keep_findings
from deepvanet.findings import Finding, attempt
from deepvanet.preprocessing.bio import find_silence
from deepvanet.preprocessing.video_facts import FEW_PICTURES, examine_video
from deepvanet.schema import Stream, Target

_EEG = [c.stream is Stream.EEG for c in CHANNELS]


@dataclass(frozen=True)
class ViewingFacts:
    """What was seen of one subject before one video.

    Attributes
    ----------
    name : str
        Subject and video, as the files of faces are called.
    lacks : tuple of str
        What it would need to be a trial.
    signals_s, face_s : float | None
        Length of the signals and of the face video, rest included; None where there
        is none, or none that can be read.
    has_face : bool
        Whether there is a face video.
    n_bad, n_flat : int
        Channels with a number that is not finite, and that never change.
    eeg_spread : float
        Interquartile range of an EEG channel, the median over channels.
    ratings, annotated : mapping
        As in ``Viewing``.
    """

    name: str
    video: str
    lacks: tuple[str, ...]
    signals_s: float | None
    has_face: bool
    face_s: float | None
    n_bad: int
    n_flat: int
    eeg_spread: float
    ratings: Mapping[Target, float]
    annotated: Mapping[Target, float]

    @property
    def is_usable(self) -> bool:
        """Whether it is a trial."""
        return not self.lacks


@dataclass(frozen=True)
class AmigosFacts:
    """What was seen of one subject.

    Attributes
    ----------
    unknown_videos : tuple of str
        Face videos, called as viewings are, that the file of signals does not name.
    findings : tuple of Finding
        What was reported while its files were read.
    """

    subject: str
    viewings: tuple[ViewingFacts, ...]
    unknown_videos: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def trials(self) -> tuple[ViewingFacts, ...]:
        """The viewings that lack nothing."""
        return tuple(viewing for viewing in self.viewings if viewing.is_usable)


@keep_findings
def examine_subject(root: Path, videos: Sequence[str], subject: str) -> AmigosFacts:
    """Read all files of one subject; what cannot be used becomes a finding.

    Parameters
    ----------
    videos : sequence of str
        Which are looked at.
    """
    file = find_files(root)[subject]
    faces = attempt(lambda: find_faces(root, subject)) or {}
    viewings = attempt(lambda: read_viewings(file), source=file)
    if viewings is None:
        return AmigosFacts(subject, (), ())
    attempt(lambda: list_trials(file, viewings, videos), source=file)
    named = [viewing.video for viewing in viewings]
    return AmigosFacts(
        subject=subject,
        viewings=tuple(
            _examine(subject, viewing, faces.get(viewing.video))
            for viewing in viewings
            if viewing.video in videos
        ),
        unknown_videos=tuple(
            _name(subject, video)
            for video in faces
            if video in videos and video not in named
        ),
    )


def _examine(subject: str, viewing: Viewing, face: Path | None) -> ViewingFacts:
    bio = viewing.bio
    has_signals = "signals" not in viewing.lacks
    n_bad, n_flat = map(np.sum, find_silence(bio)) if has_signals else (0, 0)
    return ViewingFacts(
        name=_name(subject, viewing.video),
        video=viewing.video,
        lacks=viewing.lacks,
        signals_s=bio.shape[1] / SFREQ if has_signals else None,
        has_face=face is not None,
        face_s=_measure_face(face) if viewing.lacks == () else None,
        n_bad=int(n_bad),
        n_flat=int(n_flat),
        eeg_spread=measure_spread(bio[_EEG]),
        ratings=viewing.ratings,
        annotated=viewing.annotated,
    )


def _measure_face(face: Path | None) -> float | None:
    if face is None:
        return None
    facts = examine_video(face, n_pictures=FEW_PICTURES)
    return None if facts is None else facts.info.duration_s


def _name(subject: str, video: str) -> str:
    return f"P{subject}_{video}"
