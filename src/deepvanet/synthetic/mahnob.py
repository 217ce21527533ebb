"""Write a synthetic MAHNOB-HCI, as the real one is downloaded.

::

    Sessions/132/session.xml                       what was shown, felt, recorded
                 Part_2_S_Trial1_emotion.bdf       30 s of rest, stimulus, 30 s
                 P2-Rec1-..._C1 trigger _C_Section_2.avi     colour, from the onset on
                 P2-Rec1-...-All-Data-New_Section_2.tsv      gaze, from the onset on
                 P2-Rec1-..._BW1 _BW_Section_2.avi ...       grey, a few frames
    Subjects/subject2.xml

The camera takes 60.9708 frames a second and its files say 61. Each session has random
numbers of its own: a subject is the same for any number of others. One session's
signals and one frame are in memory at a time.
"""

import shutil
from collections.abc import Iterator
from functools import partial
from itertools import islice, repeat
from pathlib import Path

import numpy as np

from deepvanet.config import Execution
from deepvanet.datasets.geneva import GENEVA_EEG
from deepvanet.datasets.mahnob.reader import REST_S, SFREQ
from deepvanet.datasets.mahnob.sessions import VIDEO_FPS
from deepvanet.files import make_folder, whole_folder, write_text
from deepvanet.synthetic.bdf import write_bdf
from deepvanet.synthetic.behaviour import Behaviour, sample_behaviour
from deepvanet.synthetic.face import (
    Frame,
    MovingFace,
    make_face,
    record_video,
    sample_camera,
)
from deepvanet.synthetic.knobs import Knobs, Purpose, State
from deepvanet.synthetic.mahnob_gaze import spell_gaze
from deepvanet.synthetic.mahnob_plan import (
    N_SUBJECTS,
    N_TRIALS,
    MahnobPlan,
    SessionPlan,
    feel,
    plan_sessions,
)
from deepvanet.synthetic.mahnob_signals import (
    LABELS,
    UNITS,
    make_status,
    simulate_session,
    time_samples,
)
from deepvanet.synthetic.mahnob_xml import (
    BREAK_S,
    COLOUR,
    GREY,
    describe_session,
    describe_subject,
    name_gaze,
    name_signals,
    name_video,
)
from deepvanet.synthetic.portrait import make_portrait
from deepvanet.synthetic.scalp import Scalp, sample_scalp
from deepvanet.synthetic.writing import (
    check_random,
    check_size,
    claim,
    encode_video,
    one_thread,
    sign,
    write_each,
)

SIZE = 780, 580
SAID_FPS = 61
"""What the containers say."""
N_GREY = 3
"""Frames of a grey camera, which are not used."""
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
    """Write a synthetic data set in MAHNOB-HCI's format, one task a subject.

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
        most_trials=N_TRIALS,
    )
    check_random(seed, knobs)
    plan = MahnobPlan(claim(root), n_trials, seconds, knobs, seed)
    made = f"{n_trials} trials of about {seconds} s, seed {seed}, {knobs}"
    sign(root, "not MAHNOB-HCI", made)
    for folder in (root / "Sessions", root / "Subjects"):
        shutil.rmtree(folder, ignore_errors=True)
        make_folder(folder, "root")
    subjects = range(1, n_subjects + 1)
    write_each(partial(write_subject, plan), subjects, execution)


def write_subject(plan: MahnobPlan, subject: int) -> None:
    """Write all sessions of one subject."""
    text = describe_subject(subject)
    folder = make_folder(plan.root / "Subjects", "root")
    write_text(folder / f"subject{subject}.xml", text)
    scalp = sample_scalp(GENEVA_EEG, plan.generator(Purpose.SCALP, subject))
    face = make_face(make_portrait(plan.generator(Purpose.PORTRAIT, subject)))
    begin_s = 0.0
    with one_thread():
        for session in plan_sessions(plan, subject):
            path = plan.root / "Sessions" / str(session.number)
            with whole_folder(path) as unfinished:
                write_text(
                    unfinished / "session.xml", describe_session(session, begin_s)
                )
                _write_recordings(plan, session, unfinished, scalp, face)
            begin_s += session.section_s + BREAK_S


def sample_movements(plan: MahnobPlan, session: SessionPlan, state: State) -> Behaviour:
    """Sample what both the camera and the electrodes see, a frame at the onset."""
    last_s = max(time_samples(session)[-1], session.section_s)
    return sample_behaviour(
        state,
        seconds=float(last_s) + 1.0,
        rng=plan.generator(Purpose.BEHAVIOUR, session.subject, session.offset),
        before_s=float(np.ceil(REST_S * VIDEO_FPS)) / VIDEO_FPS,
        fps=VIDEO_FPS,
    )


def _write_recordings(
    plan: MahnobPlan, session: SessionPlan, folder: Path, scalp: Scalp, face: MovingFace
) -> None:
    if not session.is_clip:
        return
    state = feel(plan, session)
    behaviour = sample_movements(plan, session, state)
    if session.has_signals:
        rng = plan.generator(Purpose.SIGNALS, session.subject, session.offset)
        write_bdf(
            folder / name_signals(session),
            simulate_session(plan, session, scalp, state, behaviour),
            labels=LABELS,
            units=UNITS,
            sfreq=SFREQ,
            status=make_status(session, rng),
            knows_length=session.trial % OPEN_ENDED != 1,
        )
    if session.has_gaze:
        text = spell_gaze(plan, session, state, behaviour)
        write_text(folder / name_gaze(session), text)
    if session.has_video:
        rng = plan.generator(Purpose.CAMERA, session.subject, session.offset)
        camera = sample_camera(rng, size=SIZE)
        frames = record_video(face, behaviour, state, rng=rng, camera=camera)
        _write_videos(session, folder, frames)


def _write_videos(session: SessionPlan, folder: Path, frames: Iterator[Frame]) -> None:
    seconds = session.section_s if session.has_whole_video else UNUSED_S
    colour = islice(frames, round(seconds * VIDEO_FPS))
    _encode(folder / name_video(session, COLOUR), colour)
    for brightness, camera in enumerate(GREY, start=1):
        wall = np.full((SIZE[1] * 3 // 2, SIZE[0]), 128, np.uint8)
        wall[: SIZE[1]] = 30 * brightness
        _encode(folder / name_video(session, camera), repeat(wall, N_GREY))


def _encode(path: Path, frames: Iterator[Frame]) -> None:
    encode_video(path, frames, fps=SAID_FPS, size=SIZE)
