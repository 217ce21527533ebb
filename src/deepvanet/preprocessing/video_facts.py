"""What a check says of a video, without decoding all of it."""

from dataclasses import dataclass
from pathlib import Path

from deepvanet.findings import attempt
from deepvanet.preprocessing.face import load_backend
from deepvanet.preprocessing.face_sampling import N_SAMPLES, FaceSample, sample_faces
from deepvanet.preprocessing.video import VideoInfo, probe

FINDS_FACES = "yunet"
"""The backend whose detector all backends have, and which needs no extra."""
FEW_PICTURES = 3
"""Of each video of a data set that has hundreds of them."""


@dataclass(frozen=True)
class VideoFacts:
    """A video's outline, and what a few of its frames show.

    Attributes
    ----------
    faces : FaceSample | None
        None where the frames cannot be decoded.
    """

    info: VideoInfo
    faces: FaceSample | None


def examine_video(
    path: Path, *, face_choice: str = "", n_pictures: int = N_SAMPLES
) -> VideoFacts | None:
    """Look at a video, and report what is odd; None where it cannot be read.

    Parameters
    ----------
    path : Path
        The video.
    face_choice : str
        Which face is the subject's; empty if not chosen.
    n_pictures : int
        How many are looked at.

    Returns
    -------
    VideoFacts | None
        None where it is not a video that can be read.
    """
    info = attempt(lambda: probe(path), source=path)
    if info is None:
        return None
    faces = attempt(
        lambda: sample_faces(
            path,
            load_backend(FINDS_FACES),
            lasts_s=info.duration_s,
            n_samples=n_pictures,
            face_choice=face_choice,
        ),
        source=path,
    )
    return VideoFacts(info, faces)
