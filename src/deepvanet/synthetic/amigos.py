"""Write a synthetic AMIGOS, as the real one is downloaded.

::

    data_preprocessed/Data_Preprocessed_P01/Data_Preprocessed_P01.mat
    face_videos/Exp1_P01/P1_10_face.mov     short videos, 5 s of rest first
    face_videos/Exp2_P01/P1_N1_face.mov     long ones

A file names its videos in an order of its own. Each subject and viewing has random
numbers of its own: a subject is the same for any number of others. One subject's
signals and one frame are in memory at a time.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.io import savemat

from deepvanet.config import Execution
from deepvanet.datasets.amigos.files import (
    ANNOTATIONS,
    BASELINE_S,
    LONG,
    N_SUBJECTS,
    RATINGS,
    SFREQ,
    SHORT,
    SIGNALS,
    VIDEOS,
)
from deepvanet.files import make_folder, whole_file
from deepvanet.synthetic.amigos_signals import (
    annotate,
    assess,
    simulate_viewing,
)
from deepvanet.synthetic.behaviour import Behaviour, sample_behaviour
from deepvanet.synthetic.deap import SubjectsPlan, make_clean_folder, view
from deepvanet.synthetic.deap import TrialPlan as Watched
from deepvanet.synthetic.face import HEIGHT, WIDTH, MovingFace, make_face, record_video
from deepvanet.synthetic.knobs import Knobs, Purpose, generator
from deepvanet.synthetic.portrait import make_portrait
from deepvanet.synthetic.ratings import sample_order, sample_ratings
from deepvanet.synthetic.signals import Head, sample_head
from deepvanet.synthetic.writing import (
    check_random,
    check_size,
    claim,
    encode_video,
    one_thread,
    sign,
    write_each,
)

ALL = (*SHORT, *LONG)
FPS = 25
STRETCH = (1.0, 1.2, 0.8, 1.1, 0.9)
"""Lengths of videos beside the median, again and again."""
LONGER = 5.0
"""Of the long ones; twelve times and more in AMIGOS."""

LOST_SIGNALS = (9, 12, 21, 22, 23, 24, 33)
"""Subjects one of whose cells is empty in a full set."""
NO_LONG, UNRATED_LONG = (8, 24, 28), (32,)
"""Subjects who did not see the long videos, and who did not rate them."""

HEADER = b"MATLAB 5.0 MAT-file, made by deepvanet synth".ljust(116)
"""SciPy's own holds the time of writing, so no two files would be the same."""

Cell = Any


@dataclass(frozen=True)
class Sight:
    """One subject before one video.

    Attributes
    ----------
    video : str
        As AMIGOS calls it.
    number : int
        Its number among all, from 1.
    """

    video: str
    number: int
    has_signals: bool
    has_ratings: bool

    @property
    def is_long(self) -> bool:
        """Whether it is one of the four."""
        return self.video in LONG

    def measure(self, seconds: int) -> float:
        """Return its length where the median of the short ones is given."""
        longer = LONGER if self.is_long else 1.0
        return seconds * longer * STRETCH[self.number % len(STRETCH)]


def write_amigos(
    root: Path,
    *,
    n_subjects: int = 4,
    n_trials: int = 8,
    seconds: int = 60,
    knobs: Knobs | None = None,
    seed: int = 0,
    execution: Execution | None = None,
) -> None:
    """Write a synthetic data set in AMIGOS's format, one task a subject.

    Parameters
    ----------
    root : Path
        Gets both folders; what ``synth`` wrote there before is replaced.
    n_subjects, n_trials : int
        At most 40 and 20, as in AMIGOS; trials 17 to 20 are the long videos. Only
        with 16 trials and more does something lack.
    seconds : int
        The median of the short videos.
    knobs : Knobs, optional
        How strongly ratings show; as the defaults of ``Knobs`` if not given.
    seed : int
        Same seed, same files.
    execution : Execution, optional
        Where and how subjects are written; one after another if not given.

    Raises
    ------
    UserError
        When a number is out of range, ``root`` is a file, or it holds what
        ``synth`` did not write.
    """
    knobs, execution = knobs or Knobs(), execution or Execution()
    check_size(
        n_subjects,
        n_trials,
        seconds,
        most_subjects=N_SUBJECTS,
        most_trials=len(ALL),
    )
    check_random(seed, knobs)
    plan = SubjectsPlan(claim(root), n_trials, seconds, knobs, seed)
    made = f"{n_trials} trials of about {seconds} s, seed {seed}, {knobs}"
    sign(root, "not AMIGOS", made)
    for folder in (root / "data_preprocessed", root / "face_videos"):
        shutil.rmtree(folder, ignore_errors=True)
        make_folder(folder, "root")
    subjects = range(1, n_subjects + 1)
    write_each(partial(write_subject, plan), subjects, execution)


def plan_sights(plan: SubjectsPlan, subject: int) -> list[Sight]:
    """Return what a subject's file names, in its order: short videos, then long."""
    n_short = min(plan.n_trials, len(SHORT))
    order = sample_order(subject=subject, n_trials=n_short, seed=plan.seed)
    numbers = [*order.tolist(), *range(n_short + 1, plan.n_trials + 1)]
    lost = len(SHORT) if subject in LOST_SIGNALS else 0  # the last of a full set
    return [
        Sight(
            video=ALL[number - 1],
            number=number,
            has_signals=number != lost and not (is_long and subject in NO_LONG),
            has_ratings=not (is_long and subject in (*NO_LONG, *UNRATED_LONG)),
        )
        for number in numbers
        for is_long in [number > len(SHORT)]
    ]


def write_subject(plan: SubjectsPlan, subject: int) -> None:
    """Write the signals and the videos of one subject."""
    _write_signals(plan, subject)
    face = make_face(make_portrait(generator(plan.seed, Purpose.PORTRAIT, subject)))
    with one_thread():
        for sight in plan_sights(plan, subject):
            if sight.has_signals:
                _film(plan, subject, sight, face)


def sample_movements(plan: SubjectsPlan, sight: Sight, watched: Watched) -> Behaviour:
    """Sample what both the camera and the electrodes see, rest first."""
    return sample_behaviour(
        watched.state,
        seconds=sight.measure(plan.seconds),
        rng=watched.generator(Purpose.BEHAVIOUR),
        before_s=BASELINE_S,
        fps=float(FPS),
    )


def _write_signals(plan: SubjectsPlan, subject: int) -> None:
    head = sample_head(generator(plan.seed, Purpose.HEAD, subject))
    rated = sample_ratings(
        subject=subject, n_trials=plan.n_trials, knobs=plan.knobs, seed=plan.seed
    )
    cells: dict[str, list[Cell]] = {
        name: [] for name in (SIGNALS, RATINGS, ANNOTATIONS, VIDEOS)
    }
    for sight in plan_sights(plan, subject):
        watched = view(plan, subject, sight.number)
        seen = _describe(plan, sight, watched, rated[sight.number - 1])
        cells[SIGNALS].append(_simulate(plan, sight, watched, head))
        for name, value in seen.items():
            cells[name].append(value)
    name = f"Data_Preprocessed_P{subject:02d}"
    folder = make_clean_folder(plan.root / "data_preprocessed" / name)
    write_matlab(folder / f"{name}.mat", cells)


def _simulate(plan: SubjectsPlan, sight: Sight, watched: Watched, head: Head) -> Cell:
    if not sight.has_signals:
        return np.empty((0, 0))
    return simulate_viewing(
        head,
        watched.state,
        sample_movements(plan, sight, watched),
        n_samples=round((BASELINE_S + sight.measure(plan.seconds)) * SFREQ),
        rng=watched.generator(Purpose.SIGNALS),
    )


def _describe(
    plan: SubjectsPlan, sight: Sight, watched: Watched, rated: Float[np.ndarray, "4"]
) -> dict[str, Cell]:
    """Return the cells of one viewing but its signals."""
    rng = watched.generator(Purpose.FAMILIARITY)
    assessed = assess(rated, rng)
    seen = annotate(rated, sight.measure(plan.seconds), rng)
    nothing = np.empty((0, 0))
    return {
        RATINGS: assessed if sight.has_ratings else nothing,
        ANNOTATIONS: seen if sight.has_signals else nothing,
        VIDEOS: sight.video,
    }


def _film(plan: SubjectsPlan, subject: int, sight: Sight, face: MovingFace) -> None:
    watched = view(plan, subject, sight.number)
    behaviour = sample_movements(plan, sight, watched)
    rng = watched.generator(Purpose.CAMERA)
    frames = record_video(face, behaviour, watched.state, rng=rng, start_s=-BASELINE_S)
    n_frames = round((BASELINE_S + sight.measure(plan.seconds)) * FPS)
    experiment = f"Exp{2 if sight.is_long else 1}_P{subject:02d}"
    folder = make_clean_folder(plan.root / "face_videos" / experiment)
    path = folder / f"P{subject}_{sight.video}_face.mov"
    with whole_file(path) as unfinished:
        encode_video(
            unfinished,
            islice(frames, n_frames),
            fps=FPS,
            size=(WIDTH, HEIGHT),
            container="mov",
        )


def write_matlab(path: Path, cells: Mapping[str, Sequence[Cell]]) -> None:
    """Write rows of cells as a MATLAB 5 file that only depends on what it holds."""
    variables = {}
    for name, items in cells.items():
        row = np.empty((1, len(items)), dtype=object)
        for k, item in enumerate(items):
            row[0, k] = item
        variables[name] = row
    with whole_file(path) as unfinished:
        savemat(str(unfinished), variables, appendmat=False, do_compression=True)
        with unfinished.open("r+b") as file:
            file.write(HEADER)
