"""Stores of a simulated wristband: skin conductance and pulse, few and long trials.

What a high rating does is known: it moves the slope of skin conductance, how much it
varies, the heart rate and the size of the pulse, each by a part of what trials differ
anyhow. No learner was tuned on the seeds that the tests use.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepvanet.config import PrepareSettings, digest, to_dict
from deepvanet.schema import PAPER_STREAMS, Channel, ChannelType, Stream, Target
from deepvanet.store import (
    Manifest,
    SegmentStore,
    TrialBlock,
    open_store,
    write_subject,
)
from segment_blocks import join_segments

SFREQ = 64
EDA_SFREQ = 4
CHANNELS = (
    Channel("EDA", ChannelType.GSR, "uS"),
    Channel("BVP", ChannelType.PLETHYSMOGRAPH, "au"),
)
EFFECTS = {"slope": 0.8, "responses": 0.8, "heart_rate": 0.8, "pulse": 0.5}
"""Difference between high and low, in standard deviations over a subject's trials."""


def write_wristband_store(
    root: Path,
    *,
    seed: int,
    n_subjects: int = 34,
    n_trials: int = 7,
    lasts_s: tuple[int, int] = (90, 180),
    effects: Mapping[str, float] = EFFECTS,
) -> SegmentStore:
    """Write a store of peripheral signals in which valence shows, and open it."""
    rng = np.random.default_rng(seed)
    settings = to_dict(PrepareSettings(sfreq=float(SFREQ)))
    manifest = Manifest("wristband", False, settings, digest(settings), CHANNELS, {})
    (root / "subjects").mkdir(parents=True)
    (root / "manifest.json").write_text(manifest.to_json())
    for number in range(1, n_subjects + 1):
        subject = f"{number:02d}"
        person = _sample_person(rng)
        high = rng.permutation(n_trials) % 2 == 0
        order = rng.permutation(n_trials)
        blocks = [
            _make_trial(
                {"subject": subject, "trial": f"{trial + 1:02d}"},
                str(order[trial] + 1),
                bool(high[trial]),
                int(rng.integers(*lasts_s, endpoint=True)),
                person,
                effects,
                rng,
            )
            for trial in range(n_trials)
        ]
        write_subject(root, subject, parts=iter(blocks), inputs={"inputs": {}})
    return open_store(root).cut()


def _sample_person(rng: np.random.Generator) -> dict[str, float]:
    """Draw what people differ in more than trials do."""
    return {
        "level": float(np.exp(rng.normal(0.5, 0.6))),
        "reactivity": float(np.exp(rng.normal(-1.5, 0.5))),
        "heart_rate": float(rng.normal(72, 8)),
        "pulse": float(np.exp(rng.normal(0, 0.4))),
    }


def _make_trial(
    names: Mapping[str, str],
    stimulus: str,
    is_high: bool,
    n_seconds: int,
    person: Mapping[str, float],
    effects: Mapping[str, float],
    rng: np.random.Generator,
) -> TrialBlock:
    side = 0.5 if is_high else -0.5
    state = {name: side * size + rng.normal() for name, size in effects.items()}
    signals = np.stack(
        [
            _make_skin(n_seconds, person, state, rng),
            _make_pulse(n_seconds, person, state, rng),
        ]
    )
    seconds = signals.reshape(2, n_seconds, SFREQ).swapaxes(0, 1)
    table = pd.DataFrame({"segment": range(n_seconds)}).assign(
        **names,
        stimulus=stimulus,
        recording=names["trial"],
        duration_s=1.0,
        n_faces_found=0,
        n_faces_filled=0,
        n_frames_padded=0,
        **dict.fromkeys(Target, 7.0 if is_high else 3.0),
        **{f"has_{s}": int(s is Stream.PERIPHERAL) for s in PAPER_STREAMS},
    )
    table = table.assign(start_s=table["segment"] * 1.0)
    return join_segments(table, {Stream.PERIPHERAL: seconds.astype(np.float32)})


def _make_skin(
    n_seconds: int,
    person: Mapping[str, float],
    state: Mapping[str, float],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return skin conductance: a level that drifts, and responses of some seconds."""
    n_samples = n_seconds * EDA_SFREQ
    time_s = np.arange(n_samples) / EDA_SFREQ
    reactivity = person["reactivity"]
    drift = 0.5 * reactivity * state["slope"] * (time_s - time_s.mean()) / 60
    wander = 0.02 * reactivity * np.cumsum(rng.normal(size=n_samples))
    events = rng.random(n_samples) < 4 / 60 / EDA_SFREQ  # four a minute
    size = reactivity * np.exp(
        0.4 * state["responses"] + 0.5 * rng.normal(size=n_samples)
    )
    response = np.exp(-time_s / 4) - np.exp(-time_s / 0.7)
    phasic = np.convolve(events * size, response)[:n_samples]
    level = person["level"] * np.exp(0.2 * rng.normal())
    slow = level + drift + wander + phasic
    fine_s = np.arange(n_seconds * SFREQ) / SFREQ
    return np.interp(fine_s, time_s, slow + 0.005 * rng.normal(size=n_samples))


def _make_pulse(
    n_seconds: int,
    person: Mapping[str, float],
    state: Mapping[str, float],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return a pulse wave whose rate breathes and wanders."""
    n_samples = n_seconds * SFREQ
    time_s = np.arange(n_samples) / SFREQ
    knots = rng.normal(0, 2, n_seconds // 10 + 2)
    wander = np.interp(time_s, 10 * np.arange(len(knots)), knots)
    breath = 2 * np.sin(2 * np.pi * (0.25 * time_s + rng.random()))
    rate = person["heart_rate"] + 4 * state["heart_rate"] + wander + breath
    phase = 2 * np.pi * (np.cumsum(rate) / 60 / SFREQ + rng.random())
    wave = np.sin(phase) + 0.35 * np.sin(2 * phase + 0.6) + 0.1 * np.sin(3 * phase)
    size = person["pulse"] * np.exp(0.25 * state["pulse"])
    slow = 0.2 * np.sin(2 * np.pi * (0.07 * time_s + rng.random()))
    return np.asarray(size * wave + slow + 0.05 * rng.normal(size=n_samples))
