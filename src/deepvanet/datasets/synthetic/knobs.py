"""How strongly affect, stimulus, subject and trial show in what is made up.

Everything that shows is a *trait*: a named number, 0 for an ordinary person at
rest, that signals and face both read. A trial's traits are the sum of

- what the subject feels, by its own ratings (``effect``),
- what the stimulus does to everybody, in a direction of its own that has
  nothing to do with its ratings (``stimulus_effect``),
- who the subject is and how this one trial was recorded: a fingerprint, which
  no knob turns off, since no real recording lacks it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from deepvanet.schema import HIGHEST_RATING, LOWEST_RATING, Target

Seconds = Float[np.ndarray, " time"]

RISE_S = 1.0
"""Seconds from the onset of a stimulus until what it does shows fully."""


@dataclass(frozen=True)
class Knobs:
    """What a made-up data set holds to be found; each may be 0.

    Attributes
    ----------
    effect : float
        How strongly this subject's own ratings show in its signals and its
        expression. At 1 a small network finds them from one second of a trial
        it was not trained on; at 0 no honest protocol can beat chance.
    stimulus_effect : float
        How much of a clip's rating is shared by all subjects (at 0 none, at 1
        half of the variance), and how much the clip itself shows, the same way
        in everybody. It lets a model that knows the clip know the rating.
    subject_effect : float
        How far subjects differ in how often they rate high. Below 2 both labels
        occur for everybody; far above it some rate everything high, or low.
    """

    effect: float = 1.0
    stimulus_effect: float = 0.5
    subject_effect: float = 0.3


class Draw(IntEnum):
    """What a random generator is for; each has numbers of its own."""

    TASTE = 1
    RATINGS = 2
    ORDER = 3
    SUBJECT = 4
    STIMULUS = 5
    TRIAL = 6
    BEHAVIOUR = 7
    SIGNALS = 8
    HEAD = 9
    PORTRAIT = 10
    CAMERA = 11
    FAMILIARITY = 12
    SCALP = 13
    GAPS = 14
    RAW = 15
    SITTING = 16


def generator(seed: int, draw: Draw, *which: int) -> np.random.Generator:
    """Return the generator of one purpose, subject and stimulus."""
    return np.random.default_rng([seed, draw, *which])


@dataclass(frozen=True)
class Trait:
    """What moves a trait, and how far.

    Attributes
    ----------
    valence, arousal : float
        Change at the highest rating, at effect 1; its negative at the lowest.
    trial, subject : float
        Standard deviation of the fingerprint over trials and over subjects.
    """

    valence: float = 0.0
    arousal: float = 0.0
    trial: float = 0.1
    subject: float = 0.2


TRAITS: Mapping[str, Trait] = {
    # logarithms of an amplitude or a rate
    "alpha": Trait(arousal=-0.6),
    "frontal_asymmetry": Trait(valence=1.0),
    "theta": Trait(valence=0.6),
    "beta": Trait(arousal=0.6),
    "temporal_muscle": Trait(arousal=0.5, trial=0.15),
    "zygomaticus": Trait(valence=0.9, trial=0.15),
    "trapezius": Trait(arousal=1.0, trial=0.2, subject=0.3),
    "heart_rate": Trait(arousal=0.12, trial=0.03, subject=0.12),
    "pulse_height": Trait(arousal=-0.5, trial=0.15),
    "conductance": Trait(arousal=0.5, trial=0.2, subject=0.4),
    "conductance_responses": Trait(arousal=0.8),
    "respiration_rate": Trait(arousal=0.25, trial=0.06, subject=0.15),
    "respiration_depth": Trait(valence=0.6, trial=0.15, subject=0.3),
    "blink_rate": Trait(arousal=0.5, trial=0.2, subject=0.3),
    "motion": Trait(arousal=0.5, trial=0.2, subject=0.2),
    # kelvin at the finger
    "temperature": Trait(valence=0.25, arousal=-0.1, trial=0.05, subject=0.0),
    # 1 is a broad smile, -1 a frown; 1 is brows raised high
    "smile": Trait(valence=0.5, trial=0.08, subject=0.1),
    "brows": Trait(arousal=0.5, trial=0.08, subject=0.1),
    # 1 is a marked turn of the head, and a strong light from one side
    "turn": Trait(trial=0.25, subject=0.15),
    "nod": Trait(trial=0.25, subject=0.15),
    "roll": Trait(trial=0.25, subject=0.15),
    "light_side": Trait(trial=0.25, subject=0.5),
    "light": Trait(trial=0.03, subject=0.06),
}
STIMULUS_SHARE = 0.5
"""How far a clip moves a trait, beside the most that anything else does."""


@runtime_checkable
class Traits(Protocol):
    """What signals and face ask of a state."""

    def follow(self, trait: str, time: Seconds) -> Seconds:
        """Return a trait over time, in seconds since the onset of the stimulus."""


@dataclass(frozen=True)
class State:
    """The traits of one trial: at rest, and what the stimulus adds to them."""

    rest: Mapping[str, float]
    added: Mapping[str, float]

    def follow(self, trait: str, time: Seconds) -> Seconds:
        """Return a trait over time, in seconds since the onset of the stimulus."""
        risen = np.clip(time / RISE_S, 0.0, 1.0)
        return self.rest[trait] + self.added[trait] * risen * risen * (3 - 2 * risen)


def draw_state(
    ratings: Mapping[Target, float],
    *,
    subject: int,
    stimulus: int,
    knobs: Knobs,
    seed: int,
) -> State:
    """Draw how one subject is while it watches one stimulus."""
    names = list(TRAITS)
    of_subject = generator(seed, Draw.SUBJECT, subject).standard_normal(len(names))
    of_stimulus = generator(seed, Draw.STIMULUS, stimulus).standard_normal(len(names))
    of_trial = generator(seed, Draw.TRIAL, subject, stimulus).standard_normal(
        len(names)
    )
    valence, arousal = (_centre(ratings[target]) for target in Target)
    rest, added = {}, {}
    for k, (name, trait) in enumerate(TRAITS.items()):
        felt = trait.valence * valence + trait.arousal * arousal
        reach = max(abs(trait.valence), abs(trait.arousal), trait.trial)
        rest[name] = trait.subject * of_subject[k] + trait.trial * of_trial[k]
        added[name] = (
            knobs.effect * felt
            + knobs.stimulus_effect * STIMULUS_SHARE * reach * of_stimulus[k]
        )
    return State(rest, added)


def _centre(rating: float) -> float:
    half = (HIGHEST_RATING - LOWEST_RATING) / 2
    return (rating - LOWEST_RATING) / half - 1
