"""Write a synthetic DREAMER, as the real one is downloaded: one ``DREAMER.mat``.

Each subject and clip has random numbers of its own: a subject is the same for any
number of others. One subject's signals are in memory at a time.
"""

import shutil
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float

from deepvanet.config import Execution
from deepvanet.datasets.dreamer.reader import (
    BASELINE_S,
    CHANNELS,
    DOMINANCE,
    ECG_SFREQ,
    FILE,
    N_CLIPS,
    N_EEG,
    N_SUBJECTS,
    SCORES,
    SFREQ,
    SUBJECTS,
    VARIABLE,
)
from deepvanet.files import make_folder, whole_file
from deepvanet.schema import HIGHEST_RATING, LOWEST_RATING
from deepvanet.synthetic.behaviour import sample_behaviour
from deepvanet.synthetic.deap import SubjectsPlan, view
from deepvanet.synthetic.knobs import Knobs, Purpose, generator
from deepvanet.synthetic.matlab_elements import (
    make_cells,
    make_numbers,
    make_struct,
    make_text,
    write_struct,
)
from deepvanet.synthetic.noise import sample_noise
from deepvanet.synthetic.peripherals import simulate_heart
from deepvanet.synthetic.ratings import HIGH, sample_ratings
from deepvanet.synthetic.scalp import Scalp, sample_scalp, simulate_raw
from deepvanet.synthetic.writing import (
    check_random,
    check_size,
    claim,
    sign,
    write_each,
)

STRETCH = (1.0, 1.2, 0.8, 1.1, 0.9)
"""Lengths of clips beside the median, again and again."""
OFFSET_MICROVOLTS = 4200.0
"""What the headset adds to each channel, about."""
OFFSETS_APART = 0.02
"""Of what an amplifier without a reference would add beside."""
STEP_MICROVOLTS = 0.51
"""Between two numbers of the headset."""
HEART_STEPS, HEART_OFFSET, HEART_NOISE = (420.0, 300.0), 2050.0, 4.0
"""Height of an R wave in both leads, and what both have, in steps of the sensor."""
PARTS = "parts"

Cell = Float[np.ndarray, "time channel"]


def write_dreamer(
    root: Path,
    *,
    n_subjects: int = 4,
    n_trials: int = 8,
    seconds: int = 60,
    knobs: Knobs | None = None,
    seed: int = 0,
    execution: Execution | None = None,
) -> None:
    """Write a synthetic data set in DREAMER's format, one task a subject.

    Parameters
    ----------
    root : Path
        Gets the file; what ``synth`` wrote there before is replaced.
    n_subjects, n_trials : int
        At most 23 and 18, as in DREAMER.
    seconds : int
        The median of the clips; 61 s of baseline come before each.
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
        most_trials=N_CLIPS,
    )
    check_random(seed, knobs)
    plan = SubjectsPlan(claim(root), n_trials, seconds, knobs, seed)
    made = f"{n_trials} trials of about {seconds} s, seed {seed}, {knobs}"
    sign(root, "not DREAMER", made)
    shutil.rmtree(root / PARTS, ignore_errors=True)
    make_folder(root / PARTS, "root")
    subjects = range(1, n_subjects + 1)
    write_each(partial(write_subject, plan), subjects, execution)
    write_struct(
        root / FILE,
        VARIABLE,
        SUBJECTS,
        [_find_part(plan, subject) for subject in subjects],
        _describe(n_subjects, n_trials),
    )
    shutil.rmtree(root / PARTS)


def write_subject(plan: SubjectsPlan, subject: int) -> None:
    """Write one subject's part of the file, to be joined with the others."""
    rng = generator(plan.seed, Purpose.SCALP, subject)
    scalp = sample_scalp([c.name for c in CHANNELS[:N_EEG]], rng)
    eeg: tuple[list[bytes], list[bytes]] = ([], [])
    ecg: tuple[list[bytes], list[bytes]] = ([], [])
    for clip in range(1, plan.n_trials + 1):
        for cells, whole, sfreq in (
            (eeg, _simulate_eeg(plan, subject, clip, scalp), SFREQ),
            (ecg, _simulate_ecg(plan, subject, clip), ECG_SFREQ),
        ):
            for part, held in zip(
                cells, np.split(whole, [round(BASELINE_S * sfreq)]), strict=True
            ):
                part.append(make_numbers(held))
    fields = {
        "Age": make_text(str(22 + subject % 12)),
        "Gender": make_text("male" if subject % 2 else "female"),
        "EEG": _name_cells(eeg),
        "ECG": _name_cells(ecg),
        **_rate(plan, subject),
    }
    with whole_file(_find_part(plan, subject)) as unfinished:
        unfinished.write_bytes(make_struct(fields))


def measure(plan: SubjectsPlan, clip: int) -> float:
    """Return the length of a clip in seconds."""
    return plan.seconds * STRETCH[clip % len(STRETCH)]


def _find_part(plan: SubjectsPlan, subject: int) -> Path:
    return plan.root / PARTS / f"{subject:02d}.bin"


def _name_cells(cells: tuple[list[bytes], list[bytes]]) -> bytes:
    baseline, stimuli = cells
    return make_struct(
        {"baseline": make_cells(baseline), "stimuli": make_cells(stimuli)}
    )


def _time(plan: SubjectsPlan, clip: int, sfreq: float) -> Float[np.ndarray, " time"]:
    n_samples = round((BASELINE_S + measure(plan, clip)) * sfreq)
    return np.arange(n_samples) / sfreq - BASELINE_S


def _simulate_eeg(plan: SubjectsPlan, subject: int, clip: int, scalp: Scalp) -> Cell:
    watched = view(plan, subject, clip)
    behaviour = sample_behaviour(
        watched.state,
        seconds=measure(plan, clip),
        rng=watched.generator(Purpose.BEHAVIOUR),
        before_s=BASELINE_S,
    )
    raw = simulate_raw(
        scalp,
        state=watched.state,
        behaviour=behaviour,
        sfreq=SFREQ,
        rng=watched.generator(Purpose.RAW),
        time=_time(plan, clip, SFREQ),
    )
    offsets = OFFSET_MICROVOLTS + OFFSETS_APART * scalp.offsets
    recorded = raw.recorded + (offsets - scalp.offsets)[:, None]
    return np.asarray(STEP_MICROVOLTS * np.rint(recorded.T / STEP_MICROVOLTS))


def _simulate_ecg(plan: SubjectsPlan, subject: int, clip: int) -> Cell:
    """Return two leads of a heart in whole steps of the sensor."""
    watched = view(plan, subject, clip)
    rng = watched.generator(Purpose.SIGNALS)
    time = _time(plan, clip, ECG_SFREQ)
    heart = simulate_heart(watched.state, time, rng, sfreq=ECG_SFREQ)
    leads = np.outer(heart, HEART_STEPS) + HEART_OFFSET
    noise = sample_noise(rng, (2, len(time)), sfreq=ECG_SFREQ, band=(0.5, 60.0))
    return np.asarray(np.rint(leads + HEART_NOISE * noise.T))


def _rate(plan: SubjectsPlan, subject: int) -> dict[str, bytes]:
    """Return whole numbers from 1 to 5; what is high from 1 to 9 is 3 or more."""
    rated = sample_ratings(
        subject=subject, n_trials=plan.n_trials, knobs=plan.knobs, seed=plan.seed
    )[:, :3]
    plain = 1 + 4 * (rated - LOWEST_RATING) / (HIGHEST_RATING - LOWEST_RATING)
    whole = np.where(rated >= HIGH, np.rint(plain), np.floor(plain))
    names = (*SCORES.values(), DOMINANCE)
    return {name: make_numbers(whole[:, [k]]) for k, name in enumerate(names)}


def _describe(n_subjects: int, n_trials: int) -> dict[str, bytes]:
    """Return what follows the subjects in the file."""
    electrodes = [make_text(channel.name) for channel in CHANNELS[:N_EEG]]
    return {
        "EEG_SamplingRate": make_numbers(np.array([[SFREQ]])),
        "ECG_SamplingRate": make_numbers(np.array([[ECG_SFREQ]])),
        "EEG_Electrodes": make_cells(electrodes, is_row=True),
        "noOfSubjects": make_numbers(np.array([[n_subjects]])),
        "noOfVideoSequences": make_numbers(np.array([[n_trials]])),
        "Provider": make_text("made by deepvanet synth"),
    }
