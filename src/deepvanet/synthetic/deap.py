"""Write a synthetic DEAP, as the real one is downloaded.

::

    data_preprocessed_python/s01.dat      bio-signals, in order of *experiment*
    metadata_csv/participant_ratings.csv  ratings; experiment <-> trial
    face_video/s01/s01_trial01.avi        in order of *trial*; subjects 1-22

Every subject, trial and stream has random numbers of its own: a subject is the same for
any number of others. Nothing longer than one trial is held in memory.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Float

from deepvanet.config import Execution
from deepvanet.files import make_folder, remove_unfinished, whole_file, write_text
from deepvanet.schema import Target
from deepvanet.synthetic.behaviour import (
    BASELINE_S,
    FPS,
    Behaviour,
    sample_behaviour,
)
from deepvanet.synthetic.face import HEIGHT, WIDTH, make_face, record_video
from deepvanet.synthetic.knobs import Knobs, Purpose, State, generator, sample_state
from deepvanet.synthetic.portrait import make_portrait
from deepvanet.synthetic.python2 import Pieces, write_pickle
from deepvanet.synthetic.ratings import (
    N_STIMULI,
    SCALES,
    sample_order,
    sample_ratings,
)
from deepvanet.synthetic.signals import (
    N_CHANNELS,
    SFREQ,
    sample_head,
    simulate_trial,
)
from deepvanet.synthetic.writing import (
    check_number,
    check_random,
    check_size,
    claim,
    encode_video,
    one_thread,
    sign,
    write_each,
)

N_SUBJECTS = 32
N_WITH_VIDEO = 22
"""Subjects 1 to 22 have videos."""
LOST = {3: (40,), 5: (40,), 11: (38, 39, 40), 14: (40,)}
"""Trials of a full set whose video is missing, by subject."""
NO_FAMILIARITY = (2, 15, 23)
"""Subjects whose familiarity was never asked."""
FILMED_SHARE = 59.05 / 60
"""Of the stimulus; the cameras stop early."""
HEADER = (
    "Participant_id",
    "Trial",
    "Experiment_id",
    "Start_time",
    *SCALES,
    "Familiarity",
)


@dataclass(frozen=True)
class SubjectsPlan:
    """What is written; every number of the data set follows from it."""

    root: Path
    n_trials: int
    seconds: int
    knobs: Knobs
    seed: int
    n_with_video: int = N_WITH_VIDEO


def write_deap(
    root: Path,
    *,
    n_subjects: int = 4,
    n_trials: int = 8,
    seconds: int = 60,
    knobs: Knobs | None = None,
    seed: int = 0,
    n_with_video: int = N_WITH_VIDEO,
    execution: Execution | None = None,
) -> None:
    """Write a synthetic data set in DEAP's format, one task a subject.

    Parameters
    ----------
    root : Path
        Gets the three folders; what ``synth`` wrote there before by the same names is
        replaced.
    n_subjects, n_trials : int
        At most 32 and 40, as in DEAP. Only with 40 trials are videos missing.
    seconds : int
        Of each stimulus; 60 in DEAP.
    knobs : Knobs, optional
        How strongly ratings show; as the defaults of ``Knobs`` if not given.
    seed : int
        Same seed, same files.
    n_with_video : int
        Subjects who have videos; 22 in DEAP.
    execution : Execution, optional
        Where and how subjects are written; one after another if not given.

    Raises
    ------
    UserError
        When a number is out of range, ``root`` is a file, or it holds what
        ``synth`` did not write.
    """
    write_subjects(
        write_subject,
        root,
        n_subjects=n_subjects,
        n_trials=n_trials,
        seconds=seconds,
        knobs=knobs or Knobs(),
        seed=seed,
        n_with_video=n_with_video,
        execution=execution or Execution(),
    )


def write_subjects(
    write: Callable[[SubjectsPlan, int], None],
    root: Path,
    *,
    n_subjects: int,
    n_trials: int,
    seconds: int,
    knobs: Knobs,
    seed: int,
    n_with_video: int = N_WITH_VIDEO,
    execution: Execution,
) -> None:
    """Write the ratings, then each subject by ``write``, as ``write_deap`` says.

    Parameters
    ----------
    write : callable
        Writes one subject of a plan; picklable.
    root : Path
        Gets the data set.
    n_subjects, n_trials : int
        At most 32 and 40, as in DEAP.
    seconds : int
        Of each stimulus.
    knobs : Knobs
        How strongly ratings show.
    seed : int
        Same seed, same files.
    n_with_video : int
        Subjects who have videos, at most 22.
    execution : Execution
        Where and how subjects are written.

    Raises
    ------
    UserError
        As ``write_deap``.
    """
    check_size(
        n_subjects,
        n_trials,
        seconds,
        most_subjects=N_SUBJECTS,
        most_trials=N_STIMULI,
    )
    check_number("n_with_video", n_with_video, 0, N_WITH_VIDEO)
    check_random(seed, knobs)
    plan = SubjectsPlan(claim(root), n_trials, seconds, knobs, seed, n_with_video)
    made = f"{n_trials} trials of {seconds} s, seed {seed}, {knobs}"
    sign(root, "not DEAP", made)
    subjects = range(1, n_subjects + 1)
    write_ratings(plan, subjects)
    write_each(partial(write, plan), subjects, execution)


def write_subject(plan: SubjectsPlan, subject: int) -> None:
    """Write the signals and the videos of one subject."""
    _write_signals(plan, subject)
    write_videos(plan, subject)


def list_trials_with_video(subject: int, n_trials: int) -> list[int]:
    """Return the trials of a subject that have a video.

    Examples
    --------
    >>> list_trials_with_video(11, 40)[-1], list_trials_with_video(23, 40)
    (37, [])
    """
    if subject > N_WITH_VIDEO:
        return []
    lost = LOST.get(subject, ()) if n_trials == N_STIMULI else ()
    return [trial for trial in range(1, n_trials + 1) if trial not in lost]


def count_frames(seconds: int) -> int:
    """Return how many frames the video of a stimulus has.

    Examples
    --------
    >>> count_frames(60)
    2952
    """
    return round(seconds * FILMED_SHARE * FPS)


@dataclass(frozen=True)
class TrialPlan:
    """One subject before one stimulus: how it is and what it does."""

    plan: SubjectsPlan
    subject: int
    stimulus: int
    ratings: Mapping[Target, float]

    @cached_property
    def state(self) -> State:
        """The subject's traits."""
        return sample_state(
            self.ratings,
            subject=self.subject,
            stimulus=self.stimulus,
            knobs=self.plan.knobs,
            seed=self.plan.seed,
        )

    @cached_property
    def behaviour(self) -> Behaviour:
        """What both the camera and the electrodes see."""
        rng = self.generator(Purpose.BEHAVIOUR)
        return sample_behaviour(self.state, seconds=float(self.plan.seconds), rng=rng)

    def generator(self, purpose: Purpose) -> np.random.Generator:
        """Return the random numbers of one purpose."""
        return generator(self.plan.seed, purpose, self.subject, self.stimulus)


def view(plan: SubjectsPlan, subject: int, stimulus: int) -> TrialPlan:
    """Return how a subject watches a stimulus, from 1."""
    valence, arousal = _rate(plan, subject)[stimulus - 1][:2]
    rated = {Target.VALENCE: float(valence), Target.AROUSAL: float(arousal)}
    return TrialPlan(plan, subject, stimulus, rated)


def _rate(plan: SubjectsPlan, subject: int) -> Float[np.ndarray, "experiment scale"]:
    return sample_ratings(
        subject=subject, n_trials=plan.n_trials, knobs=plan.knobs, seed=plan.seed
    )


def _write_signals(plan: SubjectsPlan, subject: int) -> None:
    head = sample_head(generator(plan.seed, Purpose.HEAD, subject))
    ratings = _rate(plan, subject)
    n_samples = round((BASELINE_S + plan.seconds) * SFREQ)
    arrays = {
        "labels": Pieces(ratings.shape, ratings),
        "data": Pieces(
            (plan.n_trials, N_CHANNELS, n_samples),
            _simulate(plan, subject, partial(simulate_trial, head)),
        ),
    }
    folder = make_clean_folder(plan.root / "data_preprocessed_python")
    path = folder / f"s{subject:02d}.dat"
    with whole_file(path) as unfinished, unfinished.open("wb") as file:
        write_pickle(file, arrays)


def _simulate(
    plan: SubjectsPlan,
    subject: int,
    simulate: Callable[..., Float[np.ndarray, "channel time"]],
) -> Iterator[Float[np.ndarray, "channel time"]]:
    for stimulus in range(1, plan.n_trials + 1):
        viewing = view(plan, subject, stimulus)
        rng = viewing.generator(Purpose.SIGNALS)
        yield simulate(viewing.state, viewing.behaviour, rng=rng)


def write_videos(plan: SubjectsPlan, subject: int) -> None:
    """Write the videos of one subject, if it is one of those who have videos."""
    if subject <= plan.n_with_video:
        with one_thread():
            _film(plan, subject)


def _film(plan: SubjectsPlan, subject: int) -> None:
    stem = f"s{subject:02d}"
    folder = make_clean_folder(plan.root / "face_video" / stem)
    face = make_face(make_portrait(generator(plan.seed, Purpose.PORTRAIT, subject)))
    order = sample_order(subject=subject, n_trials=plan.n_trials, seed=plan.seed)
    n_frames = count_frames(plan.seconds)
    for trial in list_trials_with_video(subject, plan.n_trials):
        viewing = view(plan, subject, int(order[trial - 1]))
        frames = record_video(
            face,
            viewing.behaviour,
            viewing.state,
            rng=viewing.generator(Purpose.CAMERA),
        )
        with whole_file(folder / f"{stem}_trial{trial:02d}.avi") as unfinished:
            encode_video(
                unfinished,
                islice(frames, n_frames),
                fps=round(FPS),
                size=(WIDTH, HEIGHT),
            )


def write_ratings(plan: SubjectsPlan, subjects: Iterable[int]) -> None:
    """Write the table of ratings, by subject and then by trial."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEADER)
    for subject in subjects:
        table.writerows(_tabulate(plan, subject))
    folder = make_clean_folder(plan.root / "metadata_csv")
    write_text(folder / "participant_ratings.csv", text.getvalue())


def _tabulate(plan: SubjectsPlan, subject: int) -> Iterator[list[str]]:
    """Yield one subject's rows of the table of ratings, in order of trial."""
    ratings = _rate(plan, subject)
    order = sample_order(subject=subject, n_trials=plan.n_trials, seed=plan.seed)
    rng = generator(plan.seed, Purpose.FAMILIARITY, subject)
    start = 0
    for trial, experiment in enumerate(order, start=1):
        start += int(rng.integers(810_000, 1_020_000))
        familiarity = str(rng.integers(1, 6))
        yield [
            *(str(number) for number in (subject, trial, experiment, start)),
            *(f"{rating:.2f}" for rating in ratings[experiment - 1]),
            "" if subject in NO_FAMILIARITY else familiarity,
        ]


def make_clean_folder(path: Path) -> Path:
    """Make a folder of the data set, without what died writers left in it."""
    remove_unfinished(make_folder(path, "root"))
    return path
