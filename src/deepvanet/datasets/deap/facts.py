"""Read what a check of DEAP needs to know of one subject.

Only one subject's signals are in memory at a time; what is kept of them is a
few megabytes. A file that cannot be used hides none of the others.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from deepvanet.datasets.channel_facts import (
    ChannelLevel,
    report_levels,
    sample_seconds,
)
from deepvanet.datasets.deap import reader as deap
from deepvanet.datasets.findings import keep_findings
from deepvanet.findings import Finding, attempt
from deepvanet.preprocessing.bio import find_bad_samples, find_silence
from deepvanet.preprocessing.video import sample_frames
from deepvanet.preprocessing.video_facts import FEW_PICTURES, VideoFacts, examine_video
from deepvanet.schema import ChannelType, Stream

BAND_HZ = 3.0, 47.0  # the original is filtered to 4-45 Hz; a little is left to slopes

_EEG = [c.stream is Stream.EEG for c in deap.CHANNELS]
_GSR = [c.type is ChannelType.GSR for c in deap.CHANNELS].index(True)


@dataclass(frozen=True)
class ArrayFacts:
    """What was seen in one ``.dat`` file; places are (row, channel), from 0.

    Attributes
    ----------
    bad, flat : tuple of places
        Where a number is not finite, and where a channel never changes.
    low_gsr : tuple of int
        Rows with a skin resistance of 0 Ohm or less.
    outside_band : float
        Fraction of the EEG's power outside ``BAND_HZ``; the median over rows.
    digests : tuple of str
        One a row, to find copies; empty where all channels are flat.
    levels : mapping
        Where the numbers of each channel lie, by its name, in some seconds.
    """

    n_trials: int
    n_samples: int
    bad: tuple[tuple[int, int], ...]
    flat: tuple[tuple[int, int], ...]
    low_gsr: tuple[int, ...]
    outside_band: float
    digests: tuple[str, ...]
    levels: Mapping[str, ChannelLevel]
    labels: Float[np.ndarray, "experiment 4"]

    @property
    def stimulus_s(self) -> float:
        """Seconds of a trial after its baseline."""
        return self.n_samples / deap.SFREQ - deap.BASELINE_S


@dataclass(frozen=True)
class TrialVideo:
    """What was seen in one video.

    Attributes
    ----------
    fps : float
        What the container says, which is not always so.
    starts : bool
        Whether a frame of its first second can be decoded.
    is_readable : bool
        Whether it can be used at all.
    shown : preprocessing.video_facts.VideoFacts | None
        Its outline and its faces.
    """

    trial: int
    path: Path
    n_frames: int = 0
    fps: float = 0.0
    starts: bool = True
    is_readable: bool = True
    shown: VideoFacts | None = None


@runtime_checkable
class Viewer(Protocol):
    """What was seen of a subject, from any kind of signal file."""

    @property
    def subject(self) -> str:
        """Its number."""

    @property
    def rows(self) -> tuple[deap.RatingsRow, ...] | None:
        """Its ratings in viewing order; None where they cannot be used."""

    @property
    def videos(self) -> tuple[TrialVideo, ...] | None:
        """Its videos; None where they cannot be distinguished."""

    @property
    def stimulus_s(self) -> float | None:
        """Seconds of a stimulus; None where none was found."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was reported while its files were read."""


@dataclass(frozen=True)
class DeapFacts:
    """What was seen of one subject.

    Attributes
    ----------
    signals : ArrayFacts | None
        None where the ``.dat`` cannot be used.
    rows : tuple of RatingsRow | None
        In viewing order; None where they cannot be used.
    videos : tuple of TrialVideo | None
        None where they cannot be distinguished.
    findings : tuple of Finding
        What was reported while its files were read.
    """

    subject: str
    signals: ArrayFacts | None
    rows: tuple[deap.RatingsRow, ...] | None
    videos: tuple[TrialVideo, ...] | None
    findings: tuple[Finding, ...] = ()

    @property
    def stimulus_s(self) -> float | None:
        """Seconds of each stimulus."""
        return None if self.signals is None else self.signals.stimulus_s

    def name_trial(self, row: int) -> str:
        """Return how a row of the ``.dat`` is called by who viewed it."""
        for rated in self.rows or ():
            if rated.number("Experiment_id") == row + 1:
                return f"trial {rated.number('Trial'):02d}"
        return f"Experiment_id {row + 1}"


@keep_findings
def examine_subject(root: Path, subject: str) -> DeapFacts:
    """Read all files of one subject; what cannot be used becomes a finding."""
    path = deap.signals_file(root, subject)
    signals = attempt(
        lambda: _examine_signals(path, deap.read_signals(root, subject)), source=path
    )
    rows = None
    if signals is not None:
        n_trials = signals.n_trials
        rows = attempt(lambda: deap.select_ratings(root, subject, n_trials=n_trials))
    return DeapFacts(
        subject=subject,
        signals=signals,
        rows=None if rows is None else tuple(rows),
        videos=examine_videos(root, subject),
    )


def examine_videos(root: Path, subject: str) -> tuple[TrialVideo, ...] | None:
    """Look at all videos of a subject, None where they cannot be distinguished."""
    videos = attempt(lambda: deap.list_videos(root, subject))
    if videos is None:
        return None
    return tuple(_examine_video(trial, path) for trial, path in videos.items())


def _examine_signals(path: Path, signals: deap.DeapSignals) -> ArrayFacts:
    data = signals.data
    n_trials, _, n_samples = data.shape
    silent = [find_silence(bio) for bio in data]
    bad, flat = np.stack([s[0] for s in silent]), np.stack([s[1] for s in silent])
    levels = report_levels(
        path,
        sample_seconds(list(data), deap.SFREQ),
        deap.CHANNELS,
        sfreq=deap.SFREQ,
        keeps_level=False,
        names_flat=False,
    )
    return ArrayFacts(
        n_trials=n_trials,
        n_samples=n_samples,
        bad=_list_places(bad),
        flat=_list_places(flat),
        low_gsr=tuple(np.flatnonzero((data[:, _GSR] <= 0).any(axis=1)).tolist()),
        outside_band=_measure_outside(data),
        digests=tuple(
            ""
            if still.all()
            else hashlib.sha256(np.ascontiguousarray(bio).data).hexdigest()
            for bio, still in zip(data, flat, strict=True)
        ),
        levels=levels,
        labels=signals.labels,
    )


def _list_places(found: NDArray[Any]) -> tuple[tuple[int, int], ...]:
    return tuple((int(row), int(channel)) for row, channel in np.argwhere(found))


def _measure_outside(data: Float[np.ndarray, "experiment channel time"]) -> float:
    """Return which fraction of the EEG's power lies outside the original's band."""
    frequency = np.fft.rfftfreq(data.shape[2], 1 / deap.SFREQ)
    outside = (frequency < BAND_HZ[0]) | (frequency > BAND_HZ[1])
    fractions = []
    for bio in data[:, _EEG]:
        eeg = bio[~find_bad_samples(bio)]
        power = np.abs(np.fft.rfft(eeg - eeg.mean(axis=1, keepdims=True))) ** 2
        if power.sum() > 0:
            fractions.append(power[:, outside].sum() / power.sum())
    return float(np.median(fractions)) if fractions else 0.0


def _examine_video(trial: int, path: Path) -> TrialVideo:
    shown = examine_video(path, n_pictures=FEW_PICTURES)
    starts = attempt(lambda: _find_start(path), source=path)
    if shown is None or starts is None:
        return TrialVideo(trial, path, is_readable=False)
    n_frames, fps = shown.info.n_packets, shown.info.fps
    return TrialVideo(
        trial, path, n_frames=n_frames, fps=fps, starts=starts, shown=shown
    )


def _find_start(path: Path) -> bool:
    """Return whether the video shows something at its start."""
    first = sample_frames(path, fps=1.0, true_fps=deap.VIDEO_FPS, n_frames=1)
    return next(first, None) is not None
