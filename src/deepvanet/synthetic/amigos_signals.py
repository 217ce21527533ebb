"""What a file of the synthetic AMIGOS holds of one viewing.

The EEG is that of DEAP's synthetic files at fewer electrodes, two leads see one heart.
"""

import math

import numpy as np
from jaxtyping import Float

from deepvanet.datasets.amigos.files import BASELINE_S, N_RATED, SFREQ
from deepvanet.datasets.amigos.reader import CHANNELS
from deepvanet.schema import HIGHEST_RATING, LOWEST_RATING, Stream
from deepvanet.synthetic.behaviour import Behaviour
from deepvanet.synthetic.knobs import State
from deepvanet.synthetic.noise import sample_noise
from deepvanet.synthetic.peripherals import (
    simulate_heart,
    simulate_resistance,
)
from deepvanet.synthetic.signals import (
    CONTACT,
    SCALP,
    Head,
    simulate_eeg,
    simulate_eog,
)

LEADS_MICROVOLTS = 900.0, 650.0
"""Height of an R wave at the right and at the left arm."""
HEART_NOISE_MICROVOLTS = 15.0
PIECE_S, SECOND_PIECE_S = 20.0, 5.0
"""Of the video that others judged: how long, and where all but the first begin."""
SEEN, SEEN_NOISE = 0.5, 0.15
"""How far what others see in a face follows a rating, and how far it strays."""
N_EMOTIONS = 7

_ELECTRODES = [list(SCALP).index(c.name) for c in CHANNELS if c.stream is Stream.EEG]


def simulate_viewing(
    head: Head,
    state: State,
    behaviour: Behaviour,
    *,
    n_samples: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "time 17"]:
    """Return a cell of ``joined_data``: rest and stimulus, in AMIGOS's channels.

    Parameters
    ----------
    head : Head
        How the subject's head conducts.
    state : State
        The traits of the trial.
    behaviour : Behaviour
        Read for gaze and blinks.
    n_samples : int
        Of the baseline and the stimulus together.
    rng : Generator
        What noise and contacts of electrodes are sampled from.

    Returns
    -------
    array, shape (time, 17)
        EEG, two leads of the heart, and the skin's resistance.
    """
    time = np.arange(n_samples) / SFREQ - BASELINE_S
    contact = np.exp(CONTACT * rng.standard_normal(len(SCALP)))
    eog = simulate_eog(behaviour, time, rng, sfreq=SFREQ)
    eeg = simulate_eeg(head, state, time, eog, contact, rng)[_ELECTRODES]
    eeg -= eeg.mean(axis=0)
    heart = simulate_heart(state, time, rng, sfreq=SFREQ)
    leads = np.outer(LEADS_MICROVOLTS, heart)
    leads *= np.exp(CONTACT * rng.standard_normal((len(leads), 1)))
    leads += HEART_NOISE_MICROVOLTS * sample_noise(
        rng, leads.shape, sfreq=SFREQ, band=(0.5, 40.0)
    )
    skin = simulate_resistance(state, time, rng, sfreq=SFREQ)
    return np.concatenate([eeg, leads, skin[None]]).T


def assess(
    rated: Float[np.ndarray, "4"], rng: np.random.Generator
) -> Float[np.ndarray, "1 12"]:
    """Return a self-assessment: arousal first, then emotions that were named or not.

    Parameters
    ----------
    rated : array, shape (4,)
        Valence, arousal, dominance and liking.
    """
    valence, arousal, dominance, liking = rated
    familiarity = rng.uniform(LOWEST_RATING, HIGHEST_RATING)
    named = np.zeros(N_EMOTIONS)
    named[rng.integers(N_EMOTIONS)] = 1.0
    row = [arousal, valence, dominance, liking, round(familiarity, 2), *named]
    return np.array(row).reshape(1, N_RATED)


def annotate(
    rated: Float[np.ndarray, "4"], seconds: float, rng: np.random.Generator
) -> Float[np.ndarray, "piece 3"]:
    """Return what others saw in the face: piece, valence, arousal from about -1 to 1.

    The first 20 s, each 20 s from the fifth second on, and the last 20 s.
    """
    whole = max(0, math.floor((seconds - SECOND_PIECE_S) / PIECE_S))
    n_pieces = whole + (2 if seconds > PIECE_S else 1)
    middle = (LOWEST_RATING + HIGHEST_RATING) / 2
    felt = SEEN * (rated[:2] - middle) / (HIGHEST_RATING - middle)
    seen = felt + SEEN_NOISE * rng.standard_normal((n_pieces, 2))
    return np.column_stack([np.arange(1, n_pieces + 1), seen])
