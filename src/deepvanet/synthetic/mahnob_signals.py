"""The signals of a session of the synthetic MAHNOB-HCI, and what its status says."""

import numpy as np
from jaxtyping import Float, Int

from deepvanet.datasets.deap_original.reader import OTHERS
from deepvanet.datasets.geneva import GENEVA_EEG
from deepvanet.datasets.mahnob.reader import REST_S, SFREQ
from deepvanet.synthetic.behaviour import Behaviour
from deepvanet.synthetic.knobs import Purpose, Seconds, TraitValues
from deepvanet.synthetic.mahnob_plan import MahnobPlan, SessionPlan, find_bad
from deepvanet.synthetic.noise import sample_noise
from deepvanet.synthetic.peripherals import (
    simulate_resistance,
    simulate_respiration,
    simulate_temperature,
)
from deepvanet.synthetic.scalp import Scalp, simulate_raw

LABELS = (*GENEVA_EEG, *(label for label in OTHERS if label != "Plet"))
UNITS = tuple(
    {"GSR1": "Ohm", "GSR2": "Ohm", "Temp": "degC"}.get(label, "uV") for label in LABELS
)

R_MICROVOLTS = -300.0, 450.0, 1100.0
"""Of an R wave: chest, upper right and upper left; left of the belly."""
BODY_MICROVOLTS = 4.0  # of muscles under the electrodes on the body
OFFSET_MICROVOLTS = 4000.0  # of those electrodes themselves
UNUSED_MICROVOLTS = 2.0
FINGER_CELSIUS = 31.0

PULSE, PULSE_S = 268, 0.1
"""What stands in the lower 16 bits at onset and end, and how long."""
IN_RANGE, BATTERY_LOW, NEW_EPOCH = 1 << 20, 1 << 22, 1 << 16
"""BioSemi's own bits, which stand above."""


def time_samples(session: SessionPlan) -> Seconds:
    """Return when each sample of a session is taken; whole seconds, as in a BDF."""
    n_seconds = int(np.ceil(2 * REST_S + session.seconds))
    return np.arange(n_seconds * round(SFREQ)) / SFREQ - REST_S


def simulate_session(
    plan: MahnobPlan,
    session: SessionPlan,
    scalp: Scalp,
    state: TraitValues,
    behaviour: Behaviour,
) -> Float[np.ndarray, "channel time"]:
    """Return all signals of a session in ``LABELS`` and ``UNITS``.

    Parameters
    ----------
    plan : MahnobPlan
        Of the data set; random numbers and bad electrodes follow from it.
    session : SessionPlan
        Whose session it is, and how long.
    scalp : Scalp
        How the subject's head conducts to the electrodes.
    state : TraitValues
        How the subject is in this session.
    behaviour : Behaviour
        Read for gaze and blinks.

    Returns
    -------
    array, shape (channel, time)
        Samples are taken as ``time_samples`` says.
    """
    rng = plan.generator(Purpose.RAW, session.subject, session.offset)
    time = time_samples(session)
    raw = simulate_raw(
        scalp,
        state=state,
        behaviour=behaviour,
        sfreq=SFREQ,
        rng=rng,
        time=time,
        bad=find_bad(plan, session, GENEVA_EEG),
    )
    body = _simulate_body(raw.heart, rng) + raw.noise.mean(axis=0)
    unused = UNUSED_MICROVOLTS * rng.standard_normal((3, len(time)))
    skin = simulate_resistance(state, time, rng, sfreq=SFREQ)
    belt = simulate_respiration(state, time, rng, sfreq=SFREQ)
    millikelvin = simulate_temperature(state, time, rng, sfreq=SFREQ)
    warmth = FINGER_CELSIUS + millikelvin / 1000
    return np.concatenate([raw.recorded, body, [skin], unused, [belt, warmth]])


def make_status(
    session: SessionPlan, rng: np.random.Generator
) -> Int[np.ndarray, " time"]:
    """Return the 24 bits of the status channel: two pulses below, junk above."""
    time = time_samples(session)
    status = np.full(len(time), IN_RANGE)
    status[rng.integers(len(time)) :] |= BATTERY_LOW
    status[0] |= NEW_EPOCH
    for at_s in (0.0, session.seconds):
        first = round((REST_S + at_s) * SFREQ)
        status[first : first + round(PULSE_S * SFREQ)] |= PULSE
    return status


def _simulate_body(
    heart: Seconds, rng: np.random.Generator
) -> Float[np.ndarray, "8 time"]:
    """Return the eight electrodes on the body: three on the chest, five loose."""
    n = len(heart)
    muscles = sample_noise(rng, (8, n), sfreq=SFREQ, band=(20.0, 120.0))
    body = BODY_MICROVOLTS * muscles
    body += OFFSET_MICROVOLTS * rng.standard_normal((8, 1))
    body[:3] += np.outer(R_MICROVOLTS, heart)
    return body
