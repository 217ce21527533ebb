"""Write recordings as people bring their own: films, signals, a table of trials.

::

    trials.csv    a row a trial
    s01.bdf       the signals of one session, trial after trial, each after some rest
    s01.mp4       its film, which starts ``CAMERA_LATE_S`` after the signals

Channels are those of DEAP. What a subject does and how it is follows from the same
draws as there.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from deepvanet.config import Execution
from deepvanet.datasets.deap import CHANNELS
from deepvanet.datasets.synthetic.bdf import write_bdf
from deepvanet.datasets.synthetic.behaviour import BASELINE_S, Behaviour, draw_behaviour
from deepvanet.datasets.synthetic.deap import N_SUBJECTS, Plan, Viewing, view
from deepvanet.datasets.synthetic.face import (
    HEIGHT,
    WIDTH,
    Frame,
    draw_camera,
    film,
    make_face,
)
from deepvanet.datasets.synthetic.knobs import Draw, Knobs, generator
from deepvanet.datasets.synthetic.portrait import make_portrait
from deepvanet.datasets.synthetic.ratings import N_STIMULI, draw_order
from deepvanet.datasets.synthetic.signals import SFREQ, draw_head, simulate_trial
from deepvanet.datasets.synthetic.writing import (
    check_draws,
    check_size,
    claim,
    encode_video,
    one_thread,
    sign,
    write_each,
)
from deepvanet.files import remove_unfinished, whole_file, write_text
from deepvanet.schema import Target

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
    """Write made-up recordings and their table of trials, one task a subject.

    Parameters and errors are those of ``write_deap``; each trial starts a session's
    ``BASELINE_S`` after the one before has ended.
    """
    knobs, execution = knobs or Knobs(), execution or Execution()
    check_size(
        n_subjects,
        n_trials,
        seconds,
        most_subjects=N_SUBJECTS,
        most_trials=N_STIMULI,
    )
    check_draws(seed, knobs)
    plan = Plan(claim(root), n_trials, seconds, knobs, seed)
    remove_unfinished(root)
    made = f"{n_trials} trials of {seconds} s, seed {seed}, {knobs}"
    sign(root, "nobody's own", made)
    subjects = range(1, n_subjects + 1)
    write_each(partial(write_subject, plan), subjects, execution)
    rows = [row for subject in subjects for row in list_trials(plan, subject)]
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(root / TABLE, table.getvalue())


def list_trials(plan: Plan, subject: int) -> Iterator[Mapping[str, object]]:
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


def write_subject(plan: Plan, subject: int) -> None:
    """Write the signals and the film of one subject's session."""
    head = draw_head(generator(plan.seed, Draw.HEAD, subject))
    viewings = list(_list_viewings(plan, subject))
    bio = np.concatenate(
        [
            simulate_trial(
                head,
                viewing.state,
                _move(viewing),
                rng=viewing.generator(Draw.SIGNALS),
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
        units=["" if c.unit == "a.u." else c.unit for c in CHANNELS],
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


def _list_viewings(plan: Plan, subject: int) -> Iterator[Viewing]:
    order = draw_order(subject=subject, n_trials=plan.n_trials, seed=plan.seed)
    for stimulus in order:
        yield view(plan, subject, int(stimulus))


def _move(viewing: Viewing) -> Behaviour:
    """Return what both the camera and the electrodes see."""
    return draw_behaviour(
        viewing.state,
        seconds=float(viewing.plan.seconds),
        rng=viewing.generator(Draw.BEHAVIOUR),
        fps=float(FPS),
    )


def _film(plan: Plan, subject: int, viewings: list[Viewing]) -> Iterator[Frame]:
    rng = generator(plan.seed, Draw.PORTRAIT, subject)
    face, camera = make_face(make_portrait(rng)), draw_camera(rng)
    for viewing in viewings:
        yield from film(
            face,
            _move(viewing),
            viewing.state,
            rng=viewing.generator(Draw.CAMERA),
            camera=camera,
            start_s=-BASELINE_S,
        )
