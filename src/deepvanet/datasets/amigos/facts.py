"""Read what a check of AMIGOS needs to know of one subject.

Only one subject's signals are in memory at a time. A file or a video that cannot be
used hides none of the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from deepvanet.datasets.channel_facts import (
    ChannelLevel,
    report_levels,
    sample_seconds,
)
from deepvanet.datasets.findings import keep_findings
from deepvanet.datasets.source_facts import PlacedVideo, place_video
from deepvanet.findings import Finding, attempt
from deepvanet.preprocessing.bio import find_silence
from deepvanet.preprocessing.video_facts import FEW_PICTURES, examine_video
from deepvanet.schema import Target


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
    face : Path | None
        The face video, if there is one.
    n_bad, n_flat : int
        Channels with a number that is not finite, and that never change.
    ratings, annotated : mapping
        As in ``Viewing``.
    video_facts : PlacedVideo | None
        What was seen in the face video of a trial.
    """

    name: str
    video: str
    lacks: tuple[str, ...]
    signals_s: float | None
    face: Path | None
    face_s: float | None
    n_bad: int
    n_flat: int
    ratings: Mapping[Target, float]
    annotated: Mapping[Target, float]
    video_facts: PlacedVideo | None = None

    @property
    def has_face(self) -> bool:
        """Whether there is a face video."""
        return self.face is not None

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
    file : Path
        Of its signals.
    levels : mapping
        Where the numbers of each channel lie, by its name, in some seconds of trials.
    findings : tuple of Finding
        What was reported while its files were read.
    """

    subject: str
    viewings: tuple[ViewingFacts, ...]
    unknown_videos: tuple[str, ...]
    file: Path
    levels: Mapping[str, ChannelLevel] = field(default_factory=dict)
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
        return AmigosFacts(subject, (), (), file)
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
        file=file,
        levels=_report_levels(file, [v for v in viewings if v.video in videos]),
    )


def _report_levels(
    file: Path, viewings: Sequence[Viewing]
) -> Mapping[str, ChannelLevel]:
    """Judge the numbers of channels; those that are silent in a trial are counted."""
    trials = [viewing.bio for viewing in viewings if not viewing.lacks]
    if not trials:
        return {}
    return report_levels(
        file,
        sample_seconds(trials, SFREQ),
        CHANNELS,
        sfreq=SFREQ,
        keeps_level=False,
        names_flat=False,
    )


def _examine(subject: str, viewing: Viewing, face: Path | None) -> ViewingFacts:
    bio = viewing.bio
    has_signals = "signals" not in viewing.lacks
    n_bad, n_flat = map(np.sum, find_silence(bio)) if has_signals else (0, 0)
    signals_s = bio.shape[1] / SFREQ if has_signals else None
    shown = _place_face(face, signals_s) if viewing.lacks == () else None
    return ViewingFacts(
        name=_name(subject, viewing.video),
        video=viewing.video,
        lacks=viewing.lacks,
        signals_s=signals_s,
        face=face,
        face_s=shown.span[1] if shown else None,
        n_bad=int(n_bad),
        n_flat=int(n_flat),
        ratings=viewing.ratings,
        annotated=viewing.annotated,
        video_facts=shown,
    )


def _place_face(face: Path | None, signals_s: float | None) -> PlacedVideo | None:
    """Look at a face video, which begins and ends with the signals."""
    facts = examine_video(face, n_pictures=FEW_PICTURES) if face else None
    if face is None or facts is None:
        return None
    placed = place_video(face, facts, 0.0)
    drift_s = None if signals_s is None else placed.span[1] - signals_s
    return replace(placed, drift_s=drift_s)


def _name(subject: str, video: str) -> str:
    return f"P{subject}_{video}"
