"""How strongly affect, stimulus, subject and trial show in synthetic recordings.

Everything that shows is a *trait*: a named number, 0 for an ordinary person at
rest, that signals and face both read. A trial's traits are the sum of

- what the subject feels, by its own ratings (``effect``): a little in many traits,
- how the subject happens to react this time, for any rating: more than that,
- what the stimulus does to every subject, in a direction of its own that has
  nothing to do with its ratings (``stimulus_effect``),
- who the subject is and how this one trial was recorded: a fingerprint.

No knob turns the second and the last off, since no real recording lacks them. What a
stimulus does rises from its onset on, in each trait as fast as its organ answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from deepvanet.config import SynthSettings
from deepvanet.schema import HIGHEST_RATING, LOWEST_RATING, Target

Seconds = Float[np.ndarray, " time"]

# Seconds from the onset of a stimulus until what it does shows fully. Round numbers of
# the right order: a response of the skin begins 1 to 5 s after an event, its level
# takes tens of seconds (Boucsein 2012, Electrodermal activity); heart and breath answer
# within seconds, and a finger grows cold or warm after its vessels have answered.
AT_ONCE_S, HEART_S, BREATH_S, VESSELS_S = 1.0, 5.0, 5.0, 10.0
SWEAT_S, SKIN_LEVEL_S, WARMTH_S = 5.0, 15.0, 30.0


@dataclass(frozen=True)
class Knobs:
    """What a synthetic data set holds to be found; each may be 0.

    Attributes
    ----------
    effect : float
        How strongly this subject's own ratings show in its signals and its expression.
        At 1 they are as hard to find as in real recordings: no single trait separates
        high from low well, all together do. At 3 nearly every trait does. At 0 no
        honest protocol can beat chance.
    stimulus_effect : float
        How much of a clip's rating is shared by all subjects (at 0 none, at 1 half of
        the variance), and how much the clip itself shows, the same way in every
        subject. It lets a model that knows the clip know the rating.
    subject_effect : float
        How far subjects differ in how often they rate high. Below 2 both labels
        occur for every subject; far above it some rate everything high, or low.
    """

    effect: float = SynthSettings.effect
    stimulus_effect: float = SynthSettings.stimulus_effect
    subject_effect: float = SynthSettings.subject_effect


class Purpose(IntEnum):
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
    SESSION = 16
    REACTION = 17
    TRACE = 18
    GAZE = 19


def generator(seed: int, purpose: Purpose, *which: int) -> np.random.Generator:
    """Return the generator of one purpose, subject and stimulus."""
    return np.random.default_rng([seed, purpose, *which])


@dataclass(frozen=True)
class Trait:
    """What moves a trait, and how far.

    Attributes
    ----------
    valence, arousal : float
        Change at the highest rating, at effect 1, in units of ``reaction``; its
        negative at the lowest.
    reaction : float
        Standard deviation, over trials, of how the subject reacts to a stimulus
        beside what its ratings say.
    trial, subject : float
        Standard deviation of the fingerprint over trials and over subjects.
    rise_s : float
        From the onset of a stimulus until what it does shows fully.
    """

    valence: float = 0.0
    arousal: float = 0.0
    reaction: float = 0.0
    trial: float = 0.1
    subject: float = 0.2
    rise_s: float = AT_ONCE_S

    def rise(self, time: Seconds) -> Seconds:
        """Return the share that shows so many seconds after the onset."""
        risen = np.clip(time / self.rise_s, 0.0, 1.0)
        return np.asarray(risen * risen * (3 - 2 * risen))

    def mean_rise(self, seconds: float) -> float:
        """Return the share that shows on average over a stimulus.

        Examples
        --------
        >>> Trait(rise_s=30.0).mean_rise(30.0), Trait(rise_s=30.0).mean_rise(60.0)
        (0.5, 0.75)
        """
        if seconds >= self.rise_s:
            return 1 - self.rise_s / seconds / 2
        return (seconds / self.rise_s) ** 2 * (1 - seconds / self.rise_s / 2)


TRAITS: Mapping[str, Trait] = {
    # logarithms of an amplitude or a rate
    "alpha": Trait(0.3, -0.8, 0.3),
    "parietal_alpha": Trait(0.7, -0.3, 0.3),
    "central_alpha": Trait(-0.3, -0.75, 0.3),
    "mu": Trait(-0.7, -0.3, 0.3),
    "frontal_asymmetry": Trait(0.8, 0.1, 0.35),
    "theta": Trait(0.75, 0.3, 0.3),
    "beta": Trait(-0.3, 0.75, 0.3),
    "temporal_muscle": Trait(0.3, 0.7, 0.25, trial=0.15),
    "zygomaticus": Trait(0.55, 0.2, 0.35, trial=0.15),
    "trapezius": Trait(-0.3, 0.8, 0.45, trial=0.2, subject=0.3),
    "heart_rate": Trait(0.5, 0.65, 0.05, trial=0.03, subject=0.12, rise_s=HEART_S),
    "pulse_height": Trait(0.55, -0.65, 0.25, trial=0.15, rise_s=VESSELS_S),
    "conductance": Trait(-0.2, 0.75, 0.2, trial=0.2, subject=0.4, rise_s=SKIN_LEVEL_S),
    "conductance_responses": Trait(-0.3, 0.8, 0.4, rise_s=SWEAT_S),
    "respiration_rate": Trait(
        -0.55, 0.65, 0.09, trial=0.06, subject=0.15, rise_s=BREATH_S
    ),
    "respiration_depth": Trait(
        0.75, 0.2, 0.3, trial=0.15, subject=0.3, rise_s=BREATH_S
    ),
    "blink_rate": Trait(-0.5, 0.65, 0.3, trial=0.2, subject=0.3),
    "motion": Trait(0.2, 0.7, 0.3, trial=0.2, subject=0.2),
    # kelvin at the finger
    "temperature": Trait(0.75, -0.4, 0.12, trial=0.05, subject=0.0, rise_s=WARMTH_S),
    # 1 is a broad smile, -1 a frown; 1 is brows raised high
    "smile": Trait(0.8, 0.2, 0.2, trial=0.08, subject=0.1),
    "brows": Trait(0.5, 0.65, 0.2, trial=0.08, subject=0.1),
    # 1 is a marked turn of the head, and a strong light from one side
    "turn": Trait(trial=0.25, subject=0.15),
    "nod": Trait(-0.75, 0.1, 0.3, trial=0.25, subject=0.15),
    "roll": Trait(trial=0.25, subject=0.15),
    "light_side": Trait(trial=0.25, subject=0.5),
    "light": Trait(trial=0.03, subject=0.06),
    # the logarithm of a width; last, so that the others stay as they were
    "pupil": Trait(0.1, 0.75, 0.1, trial=0.05, subject=0.12, rise_s=HEART_S),
}
STIMULUS_SHARE = 0.5
"""How far a clip moves a trait, beside the most that trials differ."""


@runtime_checkable
class TraitValues(Protocol):
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
        return self.rest[trait] + self.added[trait] * TRAITS[trait].rise(time)


def sample_state(
    ratings: Mapping[Target, float],
    *,
    subject: int,
    stimulus: int,
    knobs: Knobs,
    seed: int,
) -> State:
    """Sample how one subject is while it watches one stimulus.

    Parameters
    ----------
    ratings : mapping
        The subject's rating of the stimulus for each target, from 1 to 9.
    subject, stimulus : int
        Numbers that seed what is the subject's, the stimulus's and the trial's own.
    knobs : Knobs
        Read for ``effect`` and ``stimulus_effect``.
    seed : int
        Of the data set.

    Returns
    -------
    State
        All of ``TRAITS``.
    """
    names = list(TRAITS)
    of_subject = generator(seed, Purpose.SUBJECT, subject).standard_normal(len(names))
    of_stimulus = generator(seed, Purpose.STIMULUS, stimulus).standard_normal(
        len(names)
    )
    of_trial = generator(seed, Purpose.TRIAL, subject, stimulus).standard_normal(
        len(names)
    )
    of_reaction = generator(seed, Purpose.REACTION, subject, stimulus).standard_normal(
        len(names)
    )
    valence, arousal = (centre(ratings[target]) for target in Target)
    rest, added = {}, {}
    for k, (name, trait) in enumerate(TRAITS.items()):
        felt = trait.valence * valence + trait.arousal * arousal
        rest[name] = trait.subject * of_subject[k] + trait.trial * of_trial[k]
        added[name] = (
            trait.reaction * (knobs.effect * felt + of_reaction[k])
            + reach_of_stimulus(trait, knobs) * of_stimulus[k]
        )
    return State(rest, added)


def reach_of_stimulus(trait: Trait, knobs: Knobs) -> float:
    """Return the standard deviation, over clips, of what a clip does to a trait."""
    reach = max(trait.reaction, trait.trial)
    return knobs.stimulus_effect * STIMULUS_SHARE * reach


def centre(rating: float) -> float:
    """Return a rating on a scale from -1 to 1."""
    half = (HIGHEST_RATING - LOWEST_RATING) / 2
    return (rating - LOWEST_RATING) / half - 1
