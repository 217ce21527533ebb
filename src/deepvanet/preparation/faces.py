"""Find the subject's face in the video of a trial."""

from deepvanet.config import PrepareSettings
from deepvanet.findings import attempt
from deepvanet.preprocessing.face import FaceBackend, FaceTrack, track_face
from deepvanet.preprocessing.segments import count_frames
from deepvanet.preprocessing.video import sample_frames
from deepvanet.schema import Trial


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
