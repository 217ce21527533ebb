"""Cut recordings into trials."""

import math
from collections.abc import Iterator

from deepvanet.schema import Recording, Trial, TrialSpan, UserError

_EXACT = 1e-6
"""Of an image: what rounding makes of a whole number."""


def cut_trials(recording: Recording) -> Iterator[Trial]:
    """Cut the trials out of a recording, each with its baseline before the stimulus.

    Raises
    ------
    UserError
        When a trial reaches beyond the recording.
    """
    return (_cut_trial(recording, span) for span in recording.spans)


def _cut_trial(recording: Recording, span: TrialSpan) -> Trial:
    start, end = (
        round(second * recording.sfreq)
        for second in (span.onset_s - span.baseline_s, span.end_s)
    )
    if not 0 <= start < end <= recording.bio.shape[1]:
        lasts = recording.bio.shape[1] / recording.sfreq
        raise UserError(
            f"subject {recording.subject} trial {span.trial}: must lie within its "
            f"recording {recording.name} of {lasts:g} s, got {span.onset_s:g} s to "
            f"{span.end_s:g} s after {span.baseline_s:g} s of rest"
        )
    return Trial(
        subject=recording.subject,
        trial=span.trial,
        stimulus=span.stimulus,
        bio=recording.bio[:, start:end],
        sfreq=recording.sfreq,
        baseline_s=span.baseline_s,
        channels=recording.channels,
        video=span.video,
        fps=span.fps,
        ratings=span.ratings,
        video_onset_s=span.video_onset_s,
        more=span.more,
        face_choice=span.face_choice,
        session=span.session,
        trace=span.trace,
        face_features=span.face_features,
    )


def measure_stimulus(trial: Trial) -> int:
    """Return how many samples of a trial come after its baseline."""
    return int(trial.bio.shape[1]) - round(trial.baseline_s * trial.sfreq)


def count_frames(trial: Trial, fps: float) -> int:
    """Return how many whole images at a rate fit into the stimulus of a trial."""
    return math.floor(measure_stimulus(trial) * fps / trial.sfreq + _EXACT)
