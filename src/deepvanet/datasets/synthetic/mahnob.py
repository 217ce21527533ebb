"""Write a made-up MAHNOB-HCI, as the real one is downloaded.

::

    Sessions/132/session.xml                       what was shown, felt and filmed
                 Part_2_S_Trial1_emotion.bdf       30 s of rest, stimulus, 30 s
                 P2-Rec1-..._C1 trigger _C_Section_2.avi     colour, from the onset on
                 P2-Rec1-..._BW1 _BW_Section_2.avi ...       grey, a few frames
    Subjects/subject2.xml

The camera takes 60.9708 frames a second and its files say 61. Each session has random
numbers of its own: a subject is the same whoever else is written. One session's
signals and one frame are in memory at a time.
"""

import shutil
from collections.abc import Iterator
from functools import partial
from itertools import islice, repeat
from pathlib import Path

import numpy as np

from deepvanet.config import Execution
from deepvanet.datasets.deap_original import GENEVA_EEG
from deepvanet.datasets.mahnob import REST_S, SFREQ
from deepvanet.datasets.mahnob_sessions import VIDEO_FPS
from deepvanet.datasets.synthetic.bdf import write_bdf
from deepvanet.datasets.synthetic.behaviour import Behaviour, draw_behaviour
from deepvanet.datasets.synthetic.face import (
    Face,
    Frame,
    draw_camera,
    film,
    make_face,
)
from deepvanet.datasets.synthetic.knobs import Draw, Knobs, State
from deepvanet.datasets.synthetic.mahnob_plan import (
    N_SUBJECTS,
    N_TRIALS,
    Plan,
    Sitting,
    feel,
    plan_sessions,
)
from deepvanet.datasets.synthetic.mahnob_signals import (
    LABELS,
    UNITS,
    make_status,
    simulate_session,
    time_samples,
)
from deepvanet.datasets.synthetic.mahnob_xml import (
    BREAK_S,
    COLOUR,
    GREY,
    describe_session,
    describe_subject,
    name_signals,
    name_video,
)
from deepvanet.datasets.synthetic.portrait import make_portrait
from deepvanet.datasets.synthetic.scalp import Scalp, draw_scalp
from deepvanet.datasets.synthetic.writing import (
    check_draws,
    check_size,
    claim,
    encode_video,
    one_thread,
    sign,
    write_each,
)
from deepvanet.files import make_folder, whole_folder, write_text

SIZE = 780, 580
SAID_FPS = 61
"""What the containers say."""
N_GREY = 3
"""Frames of a grey camera, at which nobody looks."""
UNUSED_S = 0.2
"""Of the video of a session that cannot be used."""
OPEN_ENDED = 3
"""The header of every third recording does not know its length."""


def write_mahnob(
    root: Path,
    *,
    n_subjects: int = 4,
    n_trials: int = 8,
    seconds: int = 60,
    knobs: Knobs | None = None,
    seed: int = 0,
    execution: Execution | None = None,
) -> None:
    """Write a made-up data set in MAHNOB-HCI's format, one task a subject.

    Parameters
    ----------
    root : Path
        Gets both folders; what ``synth`` wrote there before is replaced.
    n_subjects, n_trials : int
        At most 30 and 20, as in MAHNOB-HCI. Some subjects have fewer trials, and
        each has sessions that are no trials.
    seconds : int
        The median of the clips, whose lengths differ as the real ones do; at 87 they
        are the real ones.
    seed : int
        Same seed, same files.

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
        most_trials=N_TRIALS,
    )
    check_draws(seed, knobs)
    plan = Plan(claim(root), n_trials, seconds, knobs, seed)
    made = f"{n_trials} trials of about {seconds} s, seed {seed}, {knobs}"
    sign(root, "not MAHNOB-HCI", made)
    for folder in (root / "Sessions", root / "Subjects"):
        shutil.rmtree(folder, ignore_errors=True)
        make_folder(folder, "ROOT")
    subjects = range(1, n_subjects + 1)
    write_each(partial(write_subject, plan), subjects, execution)


def write_subject(plan: Plan, subject: int) -> None:
    """Write all sessions of one subject."""
    text = describe_subject(subject)
    folder = make_folder(plan.root / "Subjects", "ROOT")
    write_text(folder / f"subject{subject}.xml", text)
    scalp = draw_scalp(GENEVA_EEG, plan.generator(Draw.SCALP, subject))
    face = make_face(make_portrait(plan.generator(Draw.PORTRAIT, subject)))
    begin_s = 0.0
    with one_thread():
        for sitting in plan_sessions(plan, subject):
            path = plan.root / "Sessions" / str(sitting.number)
            with whole_folder(path) as unfinished:
                write_text(
                    unfinished / "session.xml", describe_session(sitting, begin_s)
                )
                _write_recordings(plan, sitting, unfinished, scalp, face)
            begin_s += sitting.section_s + BREAK_S


def draw_movements(plan: Plan, sitting: Sitting, state: State) -> Behaviour:
    """Draw what both the camera and the electrodes see, a frame at the onset."""
    last_s = max(time_samples(sitting)[-1], sitting.section_s)
    return draw_behaviour(
        state,
        seconds=float(last_s) + 1.0,
        rng=plan.generator(Draw.BEHAVIOUR, sitting.subject, sitting.offset),
        before_s=float(np.ceil(REST_S * VIDEO_FPS)) / VIDEO_FPS,
        fps=VIDEO_FPS,
    )


def _write_recordings(
    plan: Plan, sitting: Sitting, folder: Path, scalp: Scalp, face: Face
) -> None:
    if not sitting.is_clip:
        return
    state = feel(plan, sitting)
    behaviour = draw_movements(plan, sitting, state)
    if sitting.has_signals:
        rng = plan.generator(Draw.SIGNALS, sitting.subject, sitting.offset)
        write_bdf(
            folder / name_signals(sitting),
            simulate_session(plan, sitting, scalp, state, behaviour),
            labels=LABELS,
            units=UNITS,
            sfreq=SFREQ,
            status=make_status(sitting, rng),
            knows_length=sitting.trial % OPEN_ENDED != 1,
        )
    if sitting.has_video:
        rng = plan.generator(Draw.CAMERA, sitting.subject, sitting.offset)
        camera = draw_camera(rng, size=SIZE)
        frames = film(face, behaviour, state, rng=rng, camera=camera)
        _write_videos(sitting, folder, frames)


def _write_videos(sitting: Sitting, folder: Path, frames: Iterator[Frame]) -> None:
    seconds = sitting.section_s if sitting.is_filmed_whole else UNUSED_S
    colour = islice(frames, round(seconds * VIDEO_FPS))
    _encode(folder / name_video(sitting, COLOUR), colour)
    for brightness, camera in enumerate(GREY, start=1):
        wall = np.full((SIZE[1] * 3 // 2, SIZE[0]), 128, np.uint8)
        wall[: SIZE[1]] = 30 * brightness
        _encode(folder / name_video(sitting, camera), repeat(wall, N_GREY))


def _encode(path: Path, frames: Iterator[Frame]) -> None:
    encode_video(path, frames, fps=SAID_FPS, size=SIZE)
