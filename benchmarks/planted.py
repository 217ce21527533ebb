"""Stores in which it is known which streams a rating shows in.

Bodies, ratings, signals and faces are those of ``deepvanet synth deap``. A kind says
which traits the rating moves; the others react as always, only not to what is felt.
Faces are filmed at once as crops, without a detector: what is left of the movement of
the head is a part of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepvanet.config import PrepareSettings, digest, to_dict
from deepvanet.datasets.deap.reader import BASELINE_S, CHANNELS, SFREQ
from deepvanet.schema import PAPER_STREAMS, FrameState, Stream, Target
from deepvanet.store import (
    Manifest,
    SegmentStore,
    TrialBlock,
    open_store,
    write_subject,
)
from deepvanet.synthetic.behaviour import Behaviour, sample_behaviour
from deepvanet.synthetic.deap import SubjectsPlan, view
from deepvanet.synthetic.face import Camera, MovingFace, make_face, record_video
from deepvanet.synthetic.knobs import (
    TRAITS,
    Knobs,
    Purpose,
    State,
    generator,
    sample_state,
)
from deepvanet.synthetic.portrait import make_portrait
from deepvanet.synthetic.signals import Head, sample_head, simulate_trial

FPS = 2.0
"""Face images a second."""
CROP = Camera(0.9, np.array([226.0, 118.0]), (64, 64))
LEFT_BY_ALIGNMENT = 0.25
"""Share of the head's movement that is in a crop that follows the eyes."""

_EEG = (
    *("alpha", "parietal_alpha", "central_alpha", "mu", "frontal_asymmetry"),
    *("theta", "beta", "temporal_muscle"),
)
_FACE = ("smile", "brows", "nod", "motion")
_PERIPHERAL = (
    *("zygomaticus", "trapezius", "heart_rate", "pulse_height", "conductance"),
    *("conductance_responses", "respiration_rate", "respiration_depth"),
    *("blink_rate", "temperature"),
)
KINDS: Mapping[str, tuple[str, ...]] = {
    "eeg": _EEG,
    "peripheral": _PERIPHERAL,
    "face": _FACE,
    "mixed": tuple(TRAITS),
}
"""The traits that a rating moves."""


@dataclass(frozen=True)
class PlantedStore:
    """What a store is made of.

    Attributes
    ----------
    kind : str
        Of ``KINDS``.
    effect : float
        How strongly the rating moves its traits, as in ``Knobs``.
    """

    kind: str
    effect: float
    seed: int
    n_subjects: int = 6
    n_trials: int = 16
    seconds: int = 16


def write_planted_store(root: Path, plan: PlantedStore) -> SegmentStore:
    """Write a store, and open it."""
    made = PrepareSettings(face_fps=FPS)
    settings = to_dict(made)
    manifest = Manifest("planted", False, settings, digest(settings), CHANNELS, {})
    (root / "subjects").mkdir(parents=True)
    (root / "manifest.json").write_text(manifest.to_json())
    for subject in range(1, plan.n_subjects + 1):
        head = sample_head(generator(plan.seed, Purpose.HEAD, subject))
        portrait = make_portrait(generator(plan.seed, Purpose.PORTRAIT, subject))
        face = make_face(portrait)
        blocks = (
            _make_trial(plan, subject, stimulus, head, face)
            for stimulus in range(1, plan.n_trials + 1)
        )
        write_subject(root, f"{subject:02d}", parts=blocks, inputs={"inputs": {}})
    return open_store(root).cut()


def _make_trial(
    plan: PlantedStore, subject: int, stimulus: int, head: Head, face: MovingFace
) -> TrialBlock:
    knobs = Knobs(effect=plan.effect)
    viewing = view(
        SubjectsPlan(Path(), plan.n_trials, plan.seconds, knobs, plan.seed),
        subject,
        stimulus,
    )
    state = _plant(viewing.ratings, plan, subject, stimulus)
    behaviour = sample_behaviour(
        state, seconds=float(plan.seconds), rng=viewing.generator(Purpose.BEHAVIOUR)
    )
    signals = simulate_trial(
        head, state, behaviour, rng=viewing.generator(Purpose.SIGNALS)
    )
    n_eeg = sum(channel.stream is Stream.EEG for channel in CHANNELS)
    pictures = _film(face, behaviour, state, viewing.generator(Purpose.CAMERA))
    name = f"{stimulus:02d}"
    row = {
        "subject": f"{subject:02d}",
        "trial": name,
        "stimulus": name,
        "recording": name,
        "duration_s": float(plan.seconds),
        **{target: viewing.ratings[target] for target in Target},
        **{f"has_{stream}": 1 for stream in PAPER_STREAMS},
    }
    return TrialBlock(
        row=row,
        arrays={
            Stream.FACE: pictures,
            Stream.EEG: signals[:n_eeg].T.astype(np.float32),
            Stream.PERIPHERAL: signals[n_eeg:].T.astype(np.float32),
        },
        n_baseline=round(BASELINE_S * SFREQ),
        face_state=np.full(len(pictures), FrameState.FOUND, np.uint8),
    )


def _plant(
    ratings: Mapping[Target, float], plan: PlantedStore, subject: int, stimulus: int
) -> State:
    """Return a state in which the rating moves the traits of the kind alone."""
    felt, calm = (
        sample_state(
            ratings,
            subject=subject,
            stimulus=stimulus,
            knobs=Knobs(effect=effect),
            seed=plan.seed,
        )
        for effect in (plan.effect, 0.0)
    )
    moved = KINDS[plan.kind]
    added = {name: (felt if name in moved else calm).added[name] for name in TRAITS}
    return State(felt.rest, added)


def _film(
    face: MovingFace, behaviour: Behaviour, state: State, rng: np.random.Generator
) -> NDArray[np.uint8]:
    step = round(behaviour.fps / FPS)
    start = int(np.searchsorted(behaviour.time, -0.5 / behaviour.fps))
    names = ("time", "smile", "brows", "blink", "gaze", "turn", "nod", "roll")
    kept = {name: getattr(behaviour, name)[start::step] for name in names}
    for axis in ("turn", "nod", "roll"):
        kept[axis] = LEFT_BY_ALIGNMENT * kept[axis]
    slow = replace(behaviour, fps=FPS, **kept)
    frames = record_video(face, slow, state, rng=rng, camera=CROP)
    return np.stack([cv2.cvtColor(f, cv2.COLOR_YUV2RGB_I420) for f in frames])


def tabulate(scores: pd.DataFrame, columns: str) -> str:
    """Return a Markdown table of mean scores, a row a candidate or a learner."""
    table = scores.pivot_table(
        index="name", columns=columns, values="score", sort=False
    )
    head = (
        f"| | {' | '.join(map(str, table.columns))} |\n|---|{'--:|' * table.shape[1]}"
    )
    rows = [
        f"| {name} | {' | '.join(f'{v:.3f}' for v in row)} |"
        for name, row in zip(table.index, table.to_numpy(), strict=True)
    ]
    return "\n".join([head, *rows])
