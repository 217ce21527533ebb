"""Every annotated frame as the face in it and what was said of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float32, Int, UInt8

from deepvanet.config import Execution
from deepvanet.datasets.afew_va.reader import HIGHEST, LOWEST, Clip, read_picture
from deepvanet.execution import run_tasks
from deepvanet.preprocessing.landmarks import crop_by_landmarks
from deepvanet.schema import Target

SIZE = 64  # pixels a side, as the paper's network reads
Crops = UInt8[np.ndarray, "frame height width 3"]
Wanted = Float32[np.ndarray, "frame target"]


@dataclass(frozen=True)
class FaceCrops:
    """The faces of all clips.

    Attributes
    ----------
    crops : array, shape (frame, 64, 64, 3)
        As bytes, which is what fits into memory.
    wanted : array, shape (frame, target)
        Of each of ``Target``, from 0 to 1.
    clip : array, shape (frame,)
        Which of the clips a frame is of, by place.
    """

    crops: Crops
    wanted: Wanted
    clip: Int[np.ndarray, " frame"]

    def __len__(self) -> int:
        return len(self.wanted)


def read_faces(
    clips: Sequence[Clip], *, aspect: float, execution: Execution
) -> FaceCrops:
    """Cut the faces out of all frames whose landmarks make one.

    Parameters
    ----------
    aspect : float
        How wide a pixel of the frames is.
    """
    n_frames = sum(len(clip.frames) for clip in clips)
    crops = np.empty((n_frames, SIZE, SIZE, 3), np.uint8)
    wanted = np.empty((n_frames, len(Target)), np.float32)
    number = np.empty(n_frames, np.int64)
    n_held = 0
    work = partial(_read_clip, aspect=aspect)
    done = run_tasks(work, clips, execution=execution, what="cut out faces")
    for place, (cut, said) in enumerate(done):
        part = slice(n_held, n_held := n_held + len(cut))
        crops[part], wanted[part], number[part] = cut, said, place
    return FaceCrops(crops[:n_held], wanted[:n_held], number[:n_held])


def _read_clip(clip: Clip, *, aspect: float) -> tuple[Crops, Wanted]:
    cut, said = [], []
    for frame in clip.frames:
        crop = crop_by_landmarks(*read_picture(frame, aspect=aspect), size=SIZE)
        if crop is not None:
            cut.append(crop)
            said.append([getattr(frame, target) for target in Target])
    crops = np.array(cut, np.uint8).reshape(-1, SIZE, SIZE, 3)
    return crops, to_wanted(np.array(said).reshape(-1, len(Target)))


def to_wanted(level: np.ndarray) -> Wanted:
    """Bring levels from -10 to 10 to between 0 and 1."""
    return ((level - LOWEST) / (HIGHEST - LOWEST)).astype(np.float32)


def to_level(wanted: np.ndarray) -> np.ndarray:
    """Bring numbers between 0 and 1 back to levels, in float64."""
    return LOWEST + (HIGHEST - LOWEST) * wanted.astype(np.float64)
