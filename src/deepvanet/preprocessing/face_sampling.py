"""Look at a few frames of a video, to say what prepare would find in it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepvanet.findings import report, say_count
from deepvanet.preprocessing.face_backends import FaceBackend
from deepvanet.preprocessing.face_findings import MOST_WITHOUT, report_width
from deepvanet.preprocessing.video import read_pictures_at

N_SAMPLES = 8


@dataclass(frozen=True)
class FaceSample:
    """What a few frames of a video show.

    Attributes
    ----------
    n_images, n_with_face : int
        Frames that were looked at, and those with a face.
    n_faces : int
        Most faces in one of them.
    width : float
        Of the largest face, in pixels, the median of the frames; 0 without a face.
    others_s : tuple of float
        Seconds of the frames with several faces.
    """

    n_images: int
    n_with_face: int
    n_faces: int
    width: float
    others_s: tuple[float, ...]


def sample_faces(
    path: Path,
    backend: FaceBackend,
    *,
    lasts_s: float,
    n_samples: int = N_SAMPLES,
    face_choice: str = "",
) -> FaceSample:
    """Look for faces in frames that lie evenly over a video, and report what is odd.

    Frames are those that can be decoded without the ones before, so it is quick.

    Parameters
    ----------
    path : Path
        The video.
    backend : FaceBackend
        Finds the faces.
    lasts_s : float
        Length of the video, in seconds.
    n_samples : int
        Frames to look at.
    face_choice : str
        Which face is the subject's, for the finding of several; empty if not chosen.

    Returns
    -------
    FaceSample
        What the frames show.

    Raises
    ------
    FindingError
        When the file is not a video that can be read.
    """
    seen = [
        (time_s, backend.detect(rgb))
        for time_s, rgb in read_pictures_at(path, n_samples, lasts_s=lasts_s)
    ]
    widths = [max(face.box[2] for face in faces) for _, faces in seen if faces]
    sample = FaceSample(
        n_images=len(seen),
        n_with_face=len(widths),
        n_faces=max((len(faces) for _, faces in seen), default=0),
        width=float(np.median(widths)) if widths else 0.0,
        others_s=tuple(time_s for time_s, faces in seen if len(faces) > 1),
    )
    _report(path, sample, face_choice)
    return sample


def _report(path: Path, sample: FaceSample, face_choice: str) -> None:
    if sample.others_s:
        named = ", ".join(f"{time_s:.1f} s" for time_s in sample.others_s)
        chosen = "face_choice names" if face_choice else "is there longest"
        report(
            "V04",
            f"{say_count(sample.n_faces, 'face')} in {len(sample.others_s)} of "
            f"{sample.n_images} images that were looked at",
            source=path,
            place=named,
            assumed=f"the subject is the face that {chosen}",
        )
    n_without = sample.n_images - sample.n_with_face
    if n_without > MOST_WITHOUT * sample.n_images:
        report(
            "V05",
            f"no face in {n_without} of {sample.n_images} images that were looked at",
            source=path,
            assumed="segments without a face have no face stream",
        )
    if sample.width:
        report_width(sample.width, source=path)
