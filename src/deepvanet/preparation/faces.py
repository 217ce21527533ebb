"""Find the subject's face in the video of a trial, or what others found in it."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from deepvanet.config import PrepareSettings
from deepvanet.findings import attempt
from deepvanet.preprocessing.face import FaceBackend, FaceTrack, track_face
from deepvanet.preprocessing.segments import count_frames
from deepvanet.preprocessing.video import probe, sample_frames
from deepvanet.schema import Channel, Trial
from deepvanet.signal_io.feature_tables import read_features


def track_trial(
    trial: Trial, *, settings: PrepareSettings, backend: FaceBackend
) -> FaceTrack | None:
    """Track a trial's face through its stimulus; None without a video to decode."""
    video = trial.video
    if video is None:
        return None
    n_frames = count_frames(trial, settings.face_fps)

    def track() -> FaceTrack:
        frames = sample_frames(
            video,
            fps=settings.face_fps,
            true_fps=trial.fps,
            n_frames=n_frames,
            start_s=trial.video_onset_s,
        )
        return track_face(
            frames,
            backend,
            n_frames=n_frames,
            size=settings.face_size,
            fps=settings.face_fps,
            face_choice=trial.face_choice,
            source=video,
            place=f"trial {trial.trial}",
        )

    return attempt(track, source=video)


def sample_features(
    trial: Trial, features: Sequence[Channel], *, settings: PrepareSettings
) -> Float32[np.ndarray, "step feature"] | None:
    """Return what others made of the frames of a trial; None where nothing is given."""
    path = trial.face_features
    if path is None or not features:
        return None
    fps, video = trial.fps, trial.video
    if fps is None and video is not None:
        info = attempt(lambda: probe(video), source=video)
        fps = None if info is None else info.fps
    table = attempt(lambda: read_features(path, fps), source=path)
    if table is None:
        return None
    return table.sample(
        [channel.name for channel in features],
        start_s=trial.video_onset_s,
        n_steps=count_frames(trial, settings.face_fps),
        fps=settings.face_fps,
    )
