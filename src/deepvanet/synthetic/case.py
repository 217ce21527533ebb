"""Write a synthetic CASE, as the real one is downloaded.

::

    data/interpolated/physiological/sub_1.csv   8 sensors at 1000 Hz, which video
    data/interpolated/annotations/sub_1.csv     valence and arousal at 20 Hz
    metadata/seqs_order.txt                     the videos, in order, a column a subject
    metadata/videos_duration.txt                how long each lasts, in ms

A calm video comes first; before each video there is a blue screen. The joystick rests
in the middle there; during a video it goes to what the subject feels, and wanders about
it, so that its mean is the rating. The sensors show what is felt at each moment, and
the joystick follows ``LAG_S`` later. Each subject and video has random numbers of its
own: a subject is the same for any number of others.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from deepvanet.config import Execution
from deepvanet.datasets.case.facts import (
    BLUE,
    END,
    N_SUBJECTS,
    NUMBERS,
    SCALE,
    SENSORS,
    SFREQ,
    START,
    TARGETS,
    TRACE_SFREQ,
    VIDEOS,
)
from deepvanet.files import make_folder, whole_file, write_text
from deepvanet.synthetic.behaviour import wander
from deepvanet.synthetic.deap import SubjectsPlan, make_clean_folder, view
from deepvanet.synthetic.knobs import (
    TRAITS,
    Knobs,
    Purpose,
    Seconds,
    State,
    Trait,
    TraitValues,
    centre,
)
from deepvanet.synthetic.peripherals import (
    simulate_heart,
    simulate_muscle,
    simulate_pulse,
    simulate_resistance,
    simulate_respiration,
    simulate_temperature,
)
from deepvanet.synthetic.ratings import sample_order
from deepvanet.synthetic.writing import (
    check_random,
    check_size,
    claim,
    sign,
    write_each,
)

REST_S = 5
"""Of each blue screen and the videos at both ends; about two minutes in CASE."""
STRETCH = (1.0, 1.2, 0.8, 1.1, 0.9)
"""Lengths of videos beside the one asked for, again and again."""

SLOW_SFREQ, HEART_SFREQ = 50.0, 250.0
"""Of the simulators of what is slow, and of the heart."""
R_MILLIVOLTS, MUSCLE_MICROVOLTS, RMS_S = 1.1, 8.0, 0.1
BELT, FINGER_PULSE = 150.0, 400.0
"""How much a percent of the belt, and of the finger's light, is in DEAP's numbers."""
BELT_PERCENT, PULSE_PERCENT = 35.0, 40.0
CELSIUS = 33.0
WANDER, WANDER_HERTZ = 1.5, 0.1
"""How far the joystick wanders about a rating, and how fast."""
LAG_S = 2.0
"""From what is felt to what the joystick says."""
OF_A_MOMENT = 1.0
"""How far what is felt at a moment shows, beside what is felt over a trial."""
HALF = (SCALE[1] - SCALE[0]) / 2
RISE_S = 3.0
"""Until it has gone to a rating, where the video is long."""
MUSCLES = ("zygomaticus", "brows", "trapezius")
"""Of the three muscles; that of the brows is tense where they are lowered."""


@dataclass(frozen=True)
class MovingState:
    """A state that moves with what is felt at each moment of a video.

    Attributes
    ----------
    whole : State
        Of the trial as a whole.
    felt : array, shape (target, time)
        What is felt beside the ratings of the trial, at the joystick's rate from the
        onset of the video on, from -1 to 1.
    effect : float
        How strongly it shows.
    """

    whole: State
    felt: Float[np.ndarray, "target time"]
    effect: float

    def follow(self, trait: str, time: Seconds) -> Seconds:
        """Return a trait over time, in seconds since the onset of the video."""
        about = TRAITS[trait]
        course = about.valence * self.felt[0] + about.arousal * self.felt[1]
        # what is slow shows what was felt over as long as it takes to rise
        width = max(1, round(about.rise_s * TRACE_SFREQ))
        past = np.concatenate([np.zeros(width), np.cumsum(course)])
        shown = (past[width:] - past[:-width]) / width
        moments = np.arange(len(course)) / TRACE_SFREQ
        reach = OF_A_MOMENT * about.reaction * self.effect
        at = np.interp(time, moments, shown, left=0.0)
        return np.asarray(self.whole.follow(trait, time) + reach * at)


def write_case(
    root: Path,
    *,
    n_subjects: int = 4,
    n_trials: int = 8,
    seconds: int = 60,
    knobs: Knobs | None = None,
    seed: int = 0,
    execution: Execution | None = None,
) -> None:
    """Write a synthetic data set in CASE's format, one task a subject.

    Parameters
    ----------
    root : Path
        Gets the folders; what ``synth`` wrote there before is replaced.
    n_subjects, n_trials : int
        At most 30 and 8, as in CASE.
    seconds : int
        The median of the videos.
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
        most_trials=len(VIDEOS),
    )
    check_random(seed, knobs)
    plan = SubjectsPlan(claim(root), n_trials, seconds, knobs, seed)
    made = f"{n_trials} videos of about {seconds} s, seed {seed}, {knobs}"
    sign(root, "not CASE", made)
    shutil.rmtree(root / "data", ignore_errors=True)
    subjects = range(1, n_subjects + 1)
    _write_metadata(plan, subjects)
    write_each(partial(write_subject, plan), subjects, execution)


def write_subject(plan: SubjectsPlan, subject: int) -> None:
    """Write the signals of one subject, and what it said with the joystick."""
    sequence = order_videos(plan, subject)
    # what is seen between videos is followed by one, and the last by none
    following = [
        next((v for v in sequence[k:] if v in VIDEOS), sequence[-2])
        for k in range(len(sequence))
    ]
    parts = [
        _simulate(plan, subject, shown, before)
        for shown, before in zip(sequence, following, strict=True)
    ]
    signals = pd.DataFrame(
        np.concatenate(parts).round(3), columns=[s.column for s in SENSORS]
    )
    signals.insert(0, "daqtime", np.arange(len(signals)))
    signals["video"] = _repeat(plan, sequence, SFREQ)
    _write(plan, "physiological", subject, signals)
    said = pd.DataFrame(
        np.concatenate([_move(plan, subject, shown) for shown in sequence]).round(3),
        columns=list(map(str, TARGETS)),
    )
    said.insert(0, "jstime", np.arange(len(said)) * round(1000 / TRACE_SFREQ))
    said["video"] = _repeat(plan, sequence, TRACE_SFREQ)
    _write(plan, "annotations", subject, said)


def order_videos(plan: SubjectsPlan, subject: int) -> list[int]:
    """Return the numbers of all videos of a subject, in their order."""
    order = sample_order(subject=subject, n_trials=plan.n_trials, seed=plan.seed)
    shown = [number for video in order.tolist() for number in (BLUE, video)]
    return [START, *shown, END]


def measure(plan: SubjectsPlan, video: int) -> float:
    """Return how many seconds a video lasts, in whole steps of the joystick."""
    if video not in VIDEOS:
        return float(REST_S)
    steps = round(plan.seconds * STRETCH[video % len(STRETCH)] * TRACE_SFREQ)
    return steps / TRACE_SFREQ


def _repeat(
    plan: SubjectsPlan, sequence: Sequence[int], sfreq: float
) -> Int[np.ndarray, " time"]:
    return np.repeat(sequence, [round(measure(plan, v) * sfreq) for v in sequence])


def _simulate(
    plan: SubjectsPlan, subject: int, shown: int, video: int
) -> Float[np.ndarray, "time sensor"]:
    """Return all sensors during a video, or during what is shown before it."""
    purpose = {BLUE: Purpose.GAPS, START: Purpose.RAW, END: Purpose.BEHAVIOUR}
    watched = view(plan, subject, video)
    state: TraitValues = watched.state
    if shown in VIDEOS:
        felt = find_felt(plan, subject, video)
        state = MovingState(watched.state, felt, plan.knobs.effect)
    rng = watched.generator(purpose.get(shown, Purpose.SIGNALS))
    seconds = measure(plan, shown)
    onset_s = 0.0 if shown in VIDEOS else seconds

    def time(sfreq: float) -> Seconds:
        return np.asarray(np.arange(round(seconds * sfreq)) / sfreq - onset_s)

    fast, beats, slow = (time(sfreq) for sfreq in (SFREQ, HEART_SFREQ, SLOW_SFREQ))

    def draw(course: Seconds) -> Seconds:
        return np.asarray(np.interp(fast, slow, course))

    heart = R_MILLIVOLTS * simulate_heart(state, beats, rng, sfreq=HEART_SFREQ)
    skin = 1e6 / simulate_resistance(state, slow, rng, sfreq=SLOW_SFREQ)
    belt = simulate_respiration(state, slow, rng, sfreq=SLOW_SFREQ) / BELT
    warmth = simulate_temperature(state, slow, rng, sfreq=SLOW_SFREQ) / 1000
    pulse = simulate_pulse(state, slow, rng, sfreq=SLOW_SFREQ) / FINGER_PULSE
    muscles = [
        (-1 if trait == "brows" else 1) * state.follow(trait, fast) for trait in MUSCLES
    ]
    return np.stack(
        [
            np.interp(fast, beats, heart),
            draw(PULSE_PERCENT + pulse),
            draw(skin),
            draw(BELT_PERCENT + belt),
            draw(CELSIUS + warmth),
            *(_measure_rms(tension, rng) for tension in muscles),
        ],
        axis=1,
    )


def _measure_rms(tension: Seconds, rng: np.random.Generator) -> Seconds:
    """Return the root mean square of a muscle, as its sensor gives it."""
    muscle = simulate_muscle(tension, MUSCLE_MICROVOLTS, rng, sfreq=SFREQ)
    width = round(RMS_S * SFREQ)
    power = np.convolve(np.pad(muscle**2, width // 2, mode="edge"), np.ones(width))
    return np.asarray(np.sqrt(power[width - 1 :][: len(muscle)] / width))


def _move(
    plan: SubjectsPlan, subject: int, video: int
) -> Float[np.ndarray, "time target"]:
    """Return what a subject says with the joystick, from 0.5 to 9.5."""
    middle = np.mean(SCALE)
    if video not in VIDEOS:
        n = round(measure(plan, video) * TRACE_SFREQ)
        return np.full((n, len(TARGETS)), middle)
    watched = view(plan, subject, video)
    wandering = _wander(plan, subject, video)
    rise = _rise(wandering.shape[1])
    columns = []
    for target, about in zip(TARGETS, wandering, strict=True):
        felt = centre(watched.ratings[target]) * HALF
        course = rise * (felt + about - np.average(about, weights=rise))
        columns.append(middle + course / rise.mean())
    return np.asarray(np.clip(np.stack(columns, axis=1), *SCALE))


def find_felt(
    plan: SubjectsPlan, subject: int, video: int
) -> Float[np.ndarray, "target time"]:
    """Return what is felt at each moment, beside what is felt over a trial.

    The joystick says it ``LAG_S`` later, so that of the last moments nothing is known:
    they are like the last one that is.

    Returns
    -------
    array, shape (target, time)
        At the joystick's rate; 1 is half of the scale.
    """
    about = _wander(plan, subject, video)
    shift = min(round(LAG_S * TRACE_SFREQ), about.shape[1] - 1)
    earlier = np.pad(about[:, shift:], ((0, 0), (0, shift)), mode="edge")
    return np.asarray((earlier - earlier.mean(axis=1, keepdims=True)) / HALF)


def _wander(
    plan: SubjectsPlan, subject: int, video: int
) -> Float[np.ndarray, "target time"]:
    """Return how far the joystick is from a trial's ratings."""
    n = round(measure(plan, video) * TRACE_SFREQ)
    rng = view(plan, subject, video).generator(Purpose.TRACE)
    courses = [wander(rng, n, hertz=WANDER_HERTZ, sfreq=TRACE_SFREQ) for _ in TARGETS]
    return WANDER * np.stack(courses)


def _rise(n: int) -> Seconds:
    """Return the share that the joystick has gone to what is felt."""
    rise_s = min(RISE_S, n / TRACE_SFREQ / 4)
    return Trait(rise_s=rise_s).rise(np.arange(n) / TRACE_SFREQ)


def _write(plan: SubjectsPlan, place: str, subject: int, table: pd.DataFrame) -> None:
    folder = plan.root / "data" / "interpolated" / place
    path = make_clean_folder(make_folder(folder, "root")) / f"sub_{subject}.csv"
    with whole_file(path) as unfinished:
        table.to_csv(unfinished, index=False, lineterminator="\n")


def _write_metadata(plan: SubjectsPlan, subjects: Sequence[int]) -> None:
    names = {number: name for name, number in NUMBERS.items()}
    folder = make_clean_folder(make_folder(plan.root / "metadata", "root"))
    columns = [order_videos(plan, subject) for subject in subjects]
    rows = [[f"seq_sub{subject}" for subject in subjects]]
    rows += [[names[number] for number in row] for row in zip(*columns, strict=True)]
    lengths = [["video_name", "video_duration"]]
    lengths += [
        [name, f"{1000 * measure(plan, number):.0f}"]
        for name, number in NUMBERS.items()
    ]
    for file, table in (("seqs_order.txt", rows), ("videos_duration.txt", lengths)):
        write_text(folder / file, "".join("\t".join(row) + "\n" for row in table))
