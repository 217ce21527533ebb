"""Write recordings as users have them: videos, signals, a table of trials.

::

    trials.csv    a row a trial
    s01.bdf       the signals of one session, trial after trial, each after some rest
    s01.mp4       its video, which starts ``CAMERA_LATE_S`` after the signals

Channels are those of DEAP. What a subject does and how it is follows from the same
random numbers as there.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from deepvanet.config import Execution
from deepvanet.datasets.deap.reader import CHANNELS
from deepvanet.files import remove_unfinished, whole_file, write_text
from deepvanet.schema import Target
from deepvanet.synthetic.bdf import write_bdf
from deepvanet.synthetic.behaviour import BASELINE_S, Behaviour, sample_behaviour
from deepvanet.synthetic.deap import N_SUBJECTS, SubjectsPlan, TrialPlan, view
from deepvanet.synthetic.face import (
    HEIGHT,
    WIDTH,
    Frame,
    make_face,
    record_video,
    sample_camera,
)
from deepvanet.synthetic.knobs import Knobs, Purpose, generator
from deepvanet.synthetic.portrait import make_portrait
from deepvanet.synthetic.ratings import N_STIMULI, sample_order
from deepvanet.synthetic.signals import SFREQ, sample_head, simulate_trial
from deepvanet.synthetic.writing import (
    check_random,
    check_size,
    claim,
    encode_video,
    one_thread,
    sign,
    write_each,
)

FPS = 25
CAMERA_LATE_S = 1
TABLE = "trials.csv"
ONSET_CODE = 1
"""In the status channel, where a stimulus starts."""


def write_own(
    root: Path,
    *,
    n_subjects: int = 4,
    n_trials: int = 8,
    seconds: int = 60,
    knobs: Knobs | None = None,
    seed: int = 0,
    execution: Execution | None = None,
) -> None:
    """Write synthetic recordings and their table of trials, one task a subject.

    Each trial starts a session's ``BASELINE_S`` after the one before has ended.

    Parameters
    ----------
    root : Path
        Gets the recordings and the table; those of the same names are replaced.
    n_subjects, n_trials : int
        At most 32 and 40.
    seconds : int
        Of each stimulus.
    knobs : Knobs, optional
        How strongly ratings show; as the defaults of ``Knobs`` if not given.
    seed : int
        Same seed, same files.
    execution : Execution, optional
        Where and how subjects are written; one after another if not given.

    Raises
    ------
    UserError
        As ``write_deap``.
    """
    knobs, execution = knobs or Knobs(), execution or Execution()
    check_size(
        n_subjects,
        n_trials,
        seconds,
        most_subjects=N_SUBJECTS,
        most_trials=N_STIMULI,
    )
    check_random(seed, knobs)
    plan = SubjectsPlan(claim(root), n_trials, seconds, knobs, seed)
    remove_unfinished(root)
    made = f"{n_trials} trials of {seconds} s, seed {seed}, {knobs}"
    sign(root, "recordings of no person", made)
    subjects = range(1, n_subjects + 1)
    write_each(partial(write_subject, plan), subjects, execution)
    rows = [row for subject in subjects for row in list_trials(plan, subject)]
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(root / TABLE, table.getvalue())


def list_trials(plan: SubjectsPlan, subject: int) -> Iterator[Mapping[str, object]]:
    """Yield a subject's rows of the table of trials."""
    for trial, viewing in enumerate(_list_viewings(plan, subject), start=1):
        yield {
            "subject": f"{subject:02d}",
            "trial": trial,
            "stimulus": f"clip-{viewing.stimulus:02d}",
            "video": f"s{subject:02d}.mp4",
            "bio": f"s{subject:02d}.bdf",
            "onset_s": trial * round(BASELINE_S) + (trial - 1) * plan.seconds,
            "duration_s": plan.seconds,
            "video_offset_s": CAMERA_LATE_S,
            "valence": f"{viewing.ratings[Target.VALENCE]:g}",
            "arousal": f"{viewing.ratings[Target.AROUSAL]:g}",
        }


def write_subject(plan: SubjectsPlan, subject: int) -> None:
    """Write the signals and the video of one subject's session."""
    head = sample_head(generator(plan.seed, Purpose.HEAD, subject))
    viewings = list(_list_viewings(plan, subject))
    bio = np.concatenate(
        [
            simulate_trial(
                head,
                viewing.state,
                _move(viewing),
                rng=viewing.generator(Purpose.SIGNALS),
            )
            for viewing in viewings
        ],
        axis=1,
    )
    length = bio.shape[1] // len(viewings)
    status = np.zeros(bio.shape[1], int)
    status[round(BASELINE_S * SFREQ) :: length] = ONSET_CODE
    write_bdf(
        plan.root / f"s{subject:02d}.bdf",
        bio,
        labels=[channel.name for channel in CHANNELS],
        units=[channel.unit for channel in CHANNELS],
        sfreq=SFREQ,
        status=status,
    )
    with one_thread(), whole_file(plan.root / f"s{subject:02d}.mp4") as unfinished:
        encode_video(
            unfinished,
            islice(_film(plan, subject, viewings), CAMERA_LATE_S * FPS, None),
            fps=FPS,
            size=(WIDTH, HEIGHT),
            container="mp4",
        )


def _list_viewings(plan: SubjectsPlan, subject: int) -> Iterator[TrialPlan]:
    order = sample_order(subject=subject, n_trials=plan.n_trials, seed=plan.seed)
    for stimulus in order:
        yield view(plan, subject, int(stimulus))


def _move(viewing: TrialPlan) -> Behaviour:
    """Return what both the camera and the electrodes see."""
    return sample_behaviour(
        viewing.state,
        seconds=float(viewing.plan.seconds),
        rng=viewing.generator(Purpose.BEHAVIOUR),
        fps=float(FPS),
    )


def _film(
    plan: SubjectsPlan, subject: int, viewings: list[TrialPlan]
) -> Iterator[Frame]:
    rng = generator(plan.seed, Purpose.PORTRAIT, subject)
    face, camera = make_face(make_portrait(rng)), sample_camera(rng)
    for viewing in viewings:
        yield from record_video(
            face,
            _move(viewing),
            viewing.state,
            rng=viewing.generator(Purpose.CAMERA),
            camera=camera,
            start_s=-BASELINE_S,
        )
