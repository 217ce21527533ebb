"""The signals of a session of the made-up MAHNOB-HCI, and what its status says."""

import numpy as np
from jaxtyping import Float, Int

from deepvanet.datasets.deap_original import GENEVA_EEG, OTHERS
from deepvanet.datasets.mahnob import REST_S, SFREQ
from deepvanet.datasets.synthetic.behaviour import Behaviour
from deepvanet.datasets.synthetic.knobs import Draw, Seconds, Traits
from deepvanet.datasets.synthetic.mahnob_plan import Plan, Sitting, find_bad
from deepvanet.datasets.synthetic.noise import draw_noise
from deepvanet.datasets.synthetic.peripherals import (
    simulate_resistance,
    simulate_respiration,
    simulate_temperature,
)
from deepvanet.datasets.synthetic.scalp import Scalp, simulate_raw

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


def time_samples(sitting: Sitting) -> Seconds:
    """Return when each sample of a session is taken; whole seconds, as in a BDF."""
    n_seconds = int(np.ceil(2 * REST_S + sitting.seconds))
    return np.arange(n_seconds * round(SFREQ)) / SFREQ - REST_S


def simulate_session(
    plan: Plan, sitting: Sitting, scalp: Scalp, state: Traits, behaviour: Behaviour
) -> Float[np.ndarray, "channel time"]:
    """Return all signals of a session in ``LABELS`` and ``UNITS``."""
    rng = plan.generator(Draw.RAW, sitting.subject, sitting.offset)
    time = time_samples(sitting)
    raw = simulate_raw(
        scalp,
        state=state,
        behaviour=behaviour,
        sfreq=SFREQ,
        rng=rng,
        time=time,
        bad=find_bad(plan, sitting, GENEVA_EEG),
    )
    body = _simulate_body(raw.heart, rng) + raw.noise.mean(axis=0)
    unused = UNUSED_MICROVOLTS * rng.standard_normal((3, len(time)))
    skin = simulate_resistance(state, time, rng, sfreq=SFREQ)
    belt = simulate_respiration(state, time, rng, sfreq=SFREQ)
    millikelvin = simulate_temperature(state, time, rng, sfreq=SFREQ)
    warmth = FINGER_CELSIUS + millikelvin / 1000
    return np.concatenate([raw.recorded, body, [skin], unused, [belt, warmth]])


def make_status(sitting: Sitting, rng: np.random.Generator) -> Int[np.ndarray, " time"]:
    """Return the 24 bits of the status channel: two pulses below, junk above."""
    time = time_samples(sitting)
    status = np.full(len(time), IN_RANGE)
    status[rng.integers(len(time)) :] |= BATTERY_LOW
    status[0] |= NEW_EPOCH
    for at_s in (0.0, sitting.seconds):
        first = round((REST_S + at_s) * SFREQ)
        status[first : first + round(PULSE_S * SFREQ)] |= PULSE
    return status


def _simulate_body(
    heart: Seconds, rng: np.random.Generator
) -> Float[np.ndarray, "8 time"]:
    """Return the eight electrodes on the body: three on the chest, five loose."""
    n = len(heart)
    muscles = draw_noise(rng, (8, n), sfreq=SFREQ, band=(20.0, 120.0))
    body = BODY_MICROVOLTS * muscles
    body += OFFSET_MICROVOLTS * rng.standard_normal((8, 1))
    body[:3] += np.outer(R_MICROVOLTS, heart)
    return body
