"""Write a synthetic AFEW-VA, as the real one is downloaded.

::

    001/001.json, 001/00000.png ...    or 01/001/..., fifty clips in each of 01 to 12
    001_cropped, __MACOSX              as copies of it hold: no part of it

An actor is a person of its own, in no other data set, and has suit, wall,
light and camera of each clip. Valence and arousal wander within a clip; the face
follows valence with its smile and arousal with its brows.
"""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from deepvanet.config import Execution
from deepvanet.files import (
    make_folder,
    remove_unfinished,
    whole_file,
    whole_folder,
    write_text,
)
from deepvanet.synthetic.behaviour import sample_behaviour, wander
from deepvanet.synthetic.face import Camera, Frame, make_face, record_video
from deepvanet.synthetic.knobs import TRAITS, Knobs, Purpose, Seconds, generator
from deepvanet.synthetic.marks import mark
from deepvanet.synthetic.portrait import Points, Portrait, make_portrait
from deepvanet.synthetic.writing import (
    check_number,
    claim,
    one_thread,
    sign,
    write_each,
)

FPS = 25.0
N_CLIPS = 600
CLIPS_AN_ARCHIVE = 50
HIGHEST = 10  # of valence and arousal; -10 is the lowest
SHOWN = {
    "smile": (1.0, 0.0),
    "brows": (0.0, 1.0),
    "blink_rate": (0.0, 1.0),
    "motion": (0.0, 1.0),
}
"""Change of a trait at the highest valence and the highest arousal, at effect 1.

An actor shows them plainly, since AFEW-VA's levels were judged from the face.
"""
SHORTEST_S = 10.0
"""Movements are sampled for as long as this: shorter ones have no slow part."""
SIZES = ((720, 576), (720, 576), (720, 400), (640, 480))
ZOOMS = 0.9, 2.4
"""Pixels of a frame per pixel of the photograph: eyes to lips, 38 to 101 pixels."""
FACE = np.array([224.0, 125.0])
"""The middle of the face in the photograph."""
FACE_WITHIN = ((0.35, 0.65), (0.40, 0.55))
"""Where in a frame it may be, as shares of width and height."""

_CLIPS = 600  # no subject has this number
_OLD = re.compile(r"\d{2,3}|\d{3}_cropped|__MACOSX")


@dataclass(frozen=True)
class ClipsPlan:
    """What is written; every number of the data set follows from it."""

    root: Path
    n_actors: int
    n_clips: int
    n_frames: int
    nested: bool
    effect: float
    seed: int

    @property
    def clips(self) -> range:
        """The numbers of the clips; actors take turns."""
        return range(1, self.n_actors * self.n_clips + 1)

    def name_actor(self, clip: int) -> int:
        """Return the number of the actor whom a clip shows."""
        return (clip - 1) % self.n_actors + 1

    def folder(self, clip: int) -> Path:
        """Return where a clip lies."""
        archive = f"{(clip - 1) // CLIPS_AN_ARCHIVE + 1:02d}" if self.nested else "."
        return self.root / archive / f"{clip:03d}"

    def generator(self, purpose: Purpose, *which: int) -> np.random.Generator:
        """Return the generator of one purpose, actor and clip."""
        return generator(self.seed, purpose, _CLIPS, *which)


@dataclass(frozen=True)
class Mood:
    """How an actor is in one clip.

    Attributes
    ----------
    rest : mapping of str to float
        The traits of this actor in this clip.
    valence, arousal : array, shape (time,)
        From -1 to 1, ``FPS`` values a second.
    effect : float
        How strongly they show.
    """

    rest: Mapping[str, float]
    valence: Seconds
    arousal: Seconds
    effect: float

    def follow(self, trait: str, time: Seconds) -> Seconds:
        """Return a trait over time, in seconds since the first frame."""
        by_valence, by_arousal = SHOWN.get(trait, (0.0, 0.0))
        felt = by_valence * self.valence + by_arousal * self.arousal
        known = np.arange(len(felt)) / FPS
        shown = self.rest[trait] + self.effect * np.interp(time, known, felt)
        return np.asarray(shown)


def write_afew_va(
    root: Path,
    *,
    n_actors: int = 6,
    n_clips: int = 2,
    n_frames: int = 25,
    nested: bool = False,
    effect: float = 1.0,
    seed: int = 0,
    execution: Execution | None = None,
) -> None:
    """Write a synthetic data set in AFEW-VA's format, one task a clip.

    Parameters
    ----------
    root : Path
        Gets the clips; what ``synth`` wrote there before is replaced.
    n_actors, n_clips : int
        Clips are of each actor; all together are at most 600.
    n_frames : int
        Of a clip, 25 a second.
    nested : bool
        Whether the clips lie by the archive that they come in.
    effect : float
        How strongly valence and arousal show; at 0 they cannot be seen.
    seed : int
        Same seed, same files.
    execution : Execution, optional
        Where and how clips are written; one after another if not given.

    Raises
    ------
    UserError
        When a number is out of range, ``root`` is a file, or it holds what
        ``synth`` did not write.
    """
    check_number("n_subjects", n_actors, 1, N_CLIPS)
    check_number("n_trials", n_clips, 1, N_CLIPS // n_actors)
    check_number("seconds", n_frames / FPS, 1 / FPS, None)
    check_number("effect", effect, 0, None)
    check_number("seed", seed, 0, None)
    plan = ClipsPlan(claim(root), n_actors, n_clips, n_frames, nested, effect, seed)
    _clear(root)
    made = f"{n_clips} clips of {n_frames} frames of {n_actors} actors, seed {seed}"
    sign(root, "not AFEW-VA", f"{made}, effect {effect}")
    write_each(partial(write_clip, plan), plan.clips, execution or Execution())
    _write_junk(plan)


def write_clips(
    root: Path,
    *,
    n_subjects: int,
    n_trials: int,
    seconds: float,
    knobs: Knobs,
    seed: int,
    execution: Execution,
    nested: bool = False,
) -> None:
    """Write a data set as those with subjects and trials are written.

    Parameters
    ----------
    root : Path
        As of ``write_afew_va``.
    n_subjects, n_trials : int
        Actors, and the clips of each.
    seconds : float
        Of a clip.
    knobs : Knobs
        Read for ``effect`` only.
    seed : int
        Same seed, same files.
    execution : Execution
        Where and how clips are written.
    nested : bool
        Whether the clips lie by the archive that they come in.

    Raises
    ------
    UserError
        As ``write_afew_va``.
    """
    write_afew_va(
        root,
        n_actors=n_subjects,
        n_clips=n_trials,
        n_frames=round(FPS * seconds),
        nested=nested,
        effect=knobs.effect,
        seed=seed,
        execution=execution,
    )


def write_clip(plan: ClipsPlan, clip: int) -> None:
    """Write the frames of one clip and their annotation."""
    mood = sample_mood(plan, clip)
    behaviour = sample_behaviour(
        mood,
        seconds=len(mood.valence) / FPS,
        rng=plan.generator(Purpose.BEHAVIOUR, clip),
        before_s=0.0,
        fps=FPS,
    )
    face = make_face(_portray(plan, clip))
    rng = plan.generator(Purpose.CAMERA, clip)
    camera = _place_camera(face.portrait, rng)
    make_folder(plan.folder(clip).parent, "root")
    with one_thread(), whole_folder(plan.folder(clip)) as folder:
        frames = record_video(face, behaviour, mood, rng=rng, camera=camera)
        for k, frame in enumerate(islice(frames, plan.n_frames)):
            _write_image(folder / f"{k:05d}.png", frame)
        marks = list(islice(mark(face, behaviour, camera), plan.n_frames))
        annotation = _annotate(plan, clip, mood, marks)
        write_text(folder / f"{clip:03d}.json", json.dumps(annotation))


def sample_mood(plan: ClipsPlan, clip: int) -> Mood:
    """Sample what an actor feels in a clip, and how it is in all of its own."""
    actor, rng = plan.name_actor(clip), plan.generator(Purpose.TRIAL, clip)
    traits = {name: trait for name, trait in TRAITS.items() if name != "pupil"}
    of_actor = plan.generator(Purpose.SUBJECT, actor).standard_normal(len(traits))
    of_clip = rng.standard_normal(len(traits))
    rest = {
        name: trait.subject * of_actor[number] + trait.trial * of_clip[number]
        for number, (name, trait) in enumerate(traits.items())
    }
    n_sampled = max(plan.n_frames, round(SHORTEST_S * FPS))
    valence, arousal = (_sample_course(n_sampled, rng) for _ in range(2))
    return Mood(rest, valence, arousal, plan.effect)


def _sample_course(n_frames: int, rng: np.random.Generator) -> Seconds:
    middle = 0.5 * rng.standard_normal()
    course = middle + 0.25 * wander(rng, n_frames, hertz=0.25, sfreq=FPS)
    return np.clip(course, -1.0, 1.0)


def _portray(plan: ClipsPlan, clip: int) -> Portrait:
    person = plan.generator(Purpose.PORTRAIT, plan.name_actor(clip))
    return make_portrait(person, scene=plan.generator(Purpose.STIMULUS, clip))


def _place_camera(portrait: Portrait, rng: np.random.Generator) -> Camera:
    """Sample the size of a clip, and where in it the face is and how large."""
    size = SIZES[rng.integers(len(SIZES))]
    zoom = float(np.exp(rng.uniform(*np.log(ZOOMS))))
    shares = np.array([rng.uniform(*within) for within in FACE_WITHIN])
    direction = np.array([-1.0 if portrait.mirrored else 1.0, 1.0])
    middle = FACE + direction * (0.5 - shares) * size / zoom
    return Camera(zoom, middle, size, cv2.BORDER_REPLICATE)


def _write_image(path: Path, frame: Frame) -> None:
    """Write a PNG, hardly compressed: it is written in half the time."""
    bgr = cv2.cvtColor(frame, cv2.COLOR_YUV2BGR_I420)
    _, data = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    path.write_bytes(data.tobytes())


def _annotate(
    plan: ClipsPlan, clip: int, mood: Mood, marks: Sequence[Points]
) -> dict[str, Any]:
    actor = plan.name_actor(clip)
    levels = [np.rint(HIGHEST * c).astype(int) for c in (mood.valence, mood.arousal)]
    return {
        "actor": f"Actor {actor:02d}",
        "video_id": f"made_up_{clip:03d}",
        "frames": {
            f"{k:05d}": {
                "landmarks": at.round(2).tolist(),
                "valence": int(levels[0][k]),
                "arousal": int(levels[1][k]),
            }
            for k, at in enumerate(marks)
        },
    }


def _clear(root: Path) -> None:
    """Remove the clips that were made before, of which there may have been more."""
    remove_unfinished(root)
    for path in root.iterdir():
        if path.is_dir() and _OLD.fullmatch(path.name):
            shutil.rmtree(path)


def _write_junk(plan: ClipsPlan) -> None:
    """Write what is in no clip, as people and computers leave it."""
    first = plan.folder(plan.clips[0])
    copy = first.with_name(f"{first.name}_cropped")
    image = first / "00000.png"
    for folder, name, content in (
        (copy, image.name, image.read_bytes()),
        (plan.root / "__MACOSX", f"._{first.name}.json", b"\0"),
    ):
        with whole_file(make_folder(folder, "root") / name) as unfinished:
            unfinished.write_bytes(content)
