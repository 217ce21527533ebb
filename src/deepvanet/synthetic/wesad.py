"""Write a synthetic WESAD, as the real one is downloaded.

::

    S2/S2.pkl          a Python 2 pickle of dicts in dicts, protocol 0
    S2/S2_quest.csv    the order of conditions, and the answers to questionnaires

Stress and amusement change places from subject to subject, as in the original. Each
subject and condition has random numbers of its own: a subject is the same for any
number of others.
"""

import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from deepvanet.config import Execution
from deepvanet.datasets.wesad.reader import SFREQ, SUBJECTS
from deepvanet.files import make_folder, whole_file, write_text
from deepvanet.synthetic.behaviour import wander
from deepvanet.synthetic.deap import SubjectsPlan, make_clean_folder, view
from deepvanet.synthetic.knobs import Knobs, Purpose, Seconds, generator
from deepvanet.synthetic.peripherals import (
    simulate_heart,
    simulate_muscle,
    simulate_pulse,
    simulate_resistance,
    simulate_respiration,
    simulate_temperature,
)
from deepvanet.synthetic.python2 import Tree, write_tree
from deepvanet.synthetic.ratings import HIGH, sample_ratings
from deepvanet.synthetic.writing import (
    check_random,
    check_size,
    claim,
    sign,
    write_each,
)

ORDERS = (
    ("Base", "TSST", "Medi 1", "Fun", "Medi 2"),
    ("Base", "Fun", "Medi 1", "TSST", "Medi 2"),
)
"""Of the conditions, of every other subject."""
LABELS = {"Base": 1, "TSST": 2, "Fun": 3, "Medi 1": 4, "Medi 2": 4}
STRETCH = {"Base": 1.2, "TSST": 0.7, "Fun": 0.4, "Medi 1": 0.5, "Medi 2": 0.5}
"""Lengths beside the one asked for; 20, 11, 6.5 and 7 minutes in WESAD."""
SHORTEST_S = 3
BREAK_S = 4
"""Before each condition, and after the last."""
READING, UNKNOWN = 6, 0
"""Labels of a short time of reading after the first condition, and of what is not."""
READING_S = 1

PULSE_SFREQ, SLOW_SFREQ, MOTION_SFREQ = 64, 4, 32
R_MILLIVOLTS, MUSCLE_MICROVOLTS = 0.9, 15.0
BELT, FINGER_PULSE = 150.0, 30.0
"""How much a percent of the belt's range, and a number of the wrist's, is in DEAP's."""
CHEST_CELSIUS, WRIST_CELSIUS = 33.5, 32.0
WRIST_SHARE = 0.4
"""Of the chest's conductance."""
GRAVITY = 64
"""In steps of the wrist's own sensor."""
N_PANAS, N_STAI, N_SSSQ = 26, 6, 6


def write_wesad(
    root: Path,
    *,
    n_subjects: int = 4,
    n_trials: int = 5,
    seconds: int = 60,
    knobs: Knobs | None = None,
    seed: int = 0,
    execution: Execution | None = None,
) -> None:
    """Write a synthetic data set in WESAD's format, one task a subject.

    Parameters
    ----------
    root : Path
        Gets a folder a subject; what ``synth`` wrote there before is replaced.
    n_subjects, n_trials : int
        At most 15 and 5, as in WESAD; trials are conditions.
    seconds : int
        Of a condition; the baseline lasts longer, the others shorter.
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
        most_subjects=len(SUBJECTS),
        most_trials=len(LABELS),
    )
    check_random(seed, knobs)
    plan = SubjectsPlan(claim(root), n_trials, seconds, knobs, seed)
    made = f"{n_trials} conditions of about {seconds} s, seed {seed}, {knobs}"
    sign(root, "not WESAD", made)
    for name in SUBJECTS:
        shutil.rmtree(root / f"S{int(name)}", ignore_errors=True)
    subjects = [int(name) for name in SUBJECTS[:n_subjects]]
    write_each(partial(write_subject, plan), subjects, execution)


def write_subject(plan: SubjectsPlan, subject: int) -> None:
    """Write the signals and the answers of one subject."""
    folder = make_clean_folder(make_folder(plan.root / f"S{subject}", "root"))
    order = order_conditions(plan, subject)
    with (
        whole_file(folder / f"S{subject}.pkl") as unfinished,
        unfinished.open("wb") as file,
    ):
        write_tree(file, _record(plan, subject, order))
    answers = "\n".join(_answer(plan, subject, order)) + "\n"
    write_text(folder / f"S{subject}_quest.csv", answers)


def order_conditions(plan: SubjectsPlan, subject: int) -> Sequence[str]:
    """Return the conditions of a subject, in their order."""
    shown = list(LABELS)[: plan.n_trials]
    return [name for name in ORDERS[subject % len(ORDERS)] if name in shown]


def measure(plan: SubjectsPlan, condition: str) -> int:
    """Return how many seconds a condition lasts."""
    return max(SHORTEST_S, round(plan.seconds * STRETCH[condition]))


def _record(plan: SubjectsPlan, subject: int, order: Sequence[str]) -> Tree:
    parts = [_simulate(plan, subject, condition) for condition in order]
    parts.append(_simulate(plan, subject, order[-1], is_over=True))
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    chest, wrist = (
        {key: joined[f"{place} {key}"] for key in keys}
        for place, keys in (
            ("chest", ("ACC", "ECG", "EMG", "EDA", "Temp", "Resp")),
            ("wrist", ("ACC", "BVP", "EDA", "TEMP")),
        )
    )
    label = np.concatenate(
        [
            np.repeat(
                [READING if k == 1 else UNKNOWN, UNKNOWN, LABELS[condition]],
                [
                    round(SFREQ * n)
                    for n in (READING_S, BREAK_S - READING_S, measure(plan, condition))
                ],
            )
            for k, condition in enumerate(order)
        ]
        + [np.zeros(round(BREAK_S * SFREQ), int)]
    )
    return {
        "signal": {"chest": chest, "wrist": wrist},
        "label": label.astype("i4"),
        "subject": f"S{subject}",
    }


def _simulate(
    plan: SubjectsPlan, subject: int, condition: str, *, is_over: bool = False
) -> dict[str, NDArray[np.floating]]:
    """Return all signals of a break and the condition after it, each as a column."""
    watched = view(plan, subject, 1 + list(LABELS).index(condition))
    purpose = Purpose.GAPS if is_over else Purpose.SIGNALS
    state, rng = watched.state, watched.generator(purpose)
    seconds = BREAK_S + (0 if is_over else measure(plan, condition))

    def time(sfreq: float) -> Seconds:
        return np.asarray(np.arange(round(seconds * sfreq)) / sfreq - BREAK_S)

    fast, pulse, slow = time(SFREQ), time(PULSE_SFREQ), time(SLOW_SFREQ)
    heart = R_MILLIVOLTS * simulate_heart(state, fast, rng, sfreq=SFREQ)
    muscle = simulate_muscle(
        state.follow("trapezius", fast), MUSCLE_MICROVOLTS, rng, sfreq=SFREQ
    )
    belt = simulate_respiration(state, pulse, rng, sfreq=PULSE_SFREQ) / BELT
    skin = 1e6 / simulate_resistance(state, pulse, rng, sfreq=PULSE_SFREQ)
    warmth = simulate_temperature(state, slow, rng, sfreq=SLOW_SFREQ) / 1000
    motion = time(MOTION_SFREQ)
    columns = {
        "chest ACC": _move(rng, len(fast), sfreq=SFREQ),
        "chest ECG": heart,
        "chest EMG": muscle / 1000,
        "chest EDA": np.interp(fast, pulse, skin),
        "chest Temp": np.interp(fast, slow, CHEST_CELSIUS + warmth).astype("f4"),
        "chest Resp": np.interp(fast, pulse, belt),
        "wrist ACC": np.rint(GRAVITY * _move(rng, len(motion), sfreq=MOTION_SFREQ)),
        "wrist BVP": simulate_pulse(state, pulse, rng, sfreq=PULSE_SFREQ)
        / FINGER_PULSE,
        "wrist EDA": WRIST_SHARE * skin[:: PULSE_SFREQ // SLOW_SFREQ],
        "wrist TEMP": np.round(WRIST_CELSIUS + warmth, 2),
    }
    return {
        name: column if column.ndim == 2 else column[:, None]
        for name, column in columns.items()
    }


def _move(
    rng: np.random.Generator, n: int, *, sfreq: float
) -> Float[np.ndarray, "time 3"]:
    """Return the acceleration of a body that hardly moves, in g."""
    sway = [0.02 * wander(rng, n, hertz=0.5, sfreq=sfreq) for _ in range(3)]
    return np.asarray(np.stack(sway, axis=1) + np.array([0.9, -0.1, -0.3]))


def _answer(plan: SubjectsPlan, subject: int, order: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a subject's table of answers."""
    rng = generator(plan.seed, Purpose.FAMILIARITY, subject)
    lengths = [measure(plan, condition) for condition in order]
    starts = [sum(lengths[:k]) + BREAK_S * (k + 1) for k in range(len(order))]
    ends = [start + length for start, length in zip(starts, lengths, strict=True)]
    reads = ["sRead"] if len(order) > 1 else []
    read_at = [ends[0]] if reads else []
    width = 2 + N_PANAS

    def line(*cells: object) -> str:
        return ";".join(map(str, cells)) + ";" * (width - len(cells))

    yield line("# Subj", f"S{subject}")
    yield line("# ORDER", *order, *reads)
    yield line("# START", *map(_tell, [*starts, *read_at]))
    yield line("# END", *map(_tell, [*ends, *(at + READING_S for at in read_at)]))
    yield line("")
    for tag, n, highest in (("# PANAS", N_PANAS, 5), ("# STAI", N_STAI, 4)):
        for _ in order:
            yield line(tag, *rng.integers(1, highest + 1, n))
        yield line("")
    rated = sample_ratings(
        subject=subject, n_trials=plan.n_trials, knobs=plan.knobs, seed=plan.seed
    )
    for condition in order:
        felt = rated[list(LABELS).index(condition), :2]
        whole = np.where(felt >= HIGH, np.ceil(felt), np.floor(felt)).astype(int)
        yield line("# DIM", *whole)
    yield line("")
    yield line("# SSSQ", *rng.integers(1, 6, N_SSSQ))


def _tell(seconds: int) -> str:
    """Return a time as minutes and seconds, as the table writes it.

    Examples
    --------
    >>> _tell(428), _tell(60)
    ('7.08', '1')
    """
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}.{rest:02d}" if rest else str(minutes)
