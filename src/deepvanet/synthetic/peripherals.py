"""Synthetic pulse, breath, skin, warmth, heart and muscles, at any rate.

Most come from neurokit2's simulators [1]_, replayed at a rate that follows traits.

References
----------
.. [1] Makowski et al. (2021). NeuroKit2: a Python toolbox for neurophysiological
   signal processing. Behavior Research Methods 53, 1689-1696.
"""

import neurokit2
import numpy as np
from jaxtyping import Float

from deepvanet.synthetic.behaviour import wander
from deepvanet.synthetic.knobs import Seconds, TraitValues

BEATS_S, BREATHS_S = 1.15, 0.26  # a second, of an ordinary person at rest
MICROSIEMENS = 4.0
DRIFT_SFREQ = 4.0  # hertz, of the finger's own slow changes of temperature


def simulate_muscle(
    tension: Seconds, microvolts: float, rng: np.random.Generator, *, sfreq: float
) -> Seconds:
    """Return the EMG of a muscle whose tension is a logarithm.

    Parameters
    ----------
    tension : array, shape (time,)
        Logarithm of the amplitude, sample by sample.
    microvolts : float
        Factor of the simulated contraction where the tension is 0.
    rng : Generator
        What seeds neurokit2's simulator.
    sfreq : float
        Samples a second.

    Returns
    -------
    array, shape (time,)
        In microvolts, as long as ``tension``.
    """
    n = len(tension)
    duration = int(np.ceil(n / sfreq))
    burst = neurokit2.emg_simulate(
        duration=duration,
        sampling_rate=int(sfreq),
        burst_number=1,
        burst_duration=duration - 0.1,
        random_state=_sample_state(rng),
    )
    contraction = np.asarray(burst)[:n]
    centred = contraction - contraction.mean()
    return np.asarray(microvolts * np.exp(tension) * centred)


def simulate_resistance(
    state: TraitValues, time: Seconds, rng: np.random.Generator, *, sfreq: float
) -> Seconds:
    """Return the skin's resistance in ohm.

    Parameters
    ----------
    state : TraitValues
        Read for the skin's conductance and its responses.
    time : array, shape (time,)
        When each sample is taken, in seconds since the onset of the stimulus.
    rng : Generator
        How many responses there are, and what seeds neurokit2's simulator.
    sfreq : float
        Samples a second, as in ``time``.

    Returns
    -------
    array, shape (time,)
        In ohm.
    """
    duration = int(np.ceil(len(time) / sfreq)) + 1
    responses = np.exp(state.follow("conductance_responses", time)).mean()
    simulated = neurokit2.eda_simulate(
        duration=duration,
        sampling_rate=int(sfreq),
        scr_number=int(1 + rng.poisson(0.08 * responses * duration)),
        noise=0.002,
        random_state=_sample_state(rng),
    )
    phasic = np.asarray(simulated)[: len(time)] - float(np.min(simulated))
    level = np.exp(state.follow("conductance", time)) * MICROSIEMENS
    return np.asarray(1e6 / (level * (1 + 0.08 * phasic)))


def simulate_respiration(
    state: TraitValues, time: Seconds, rng: np.random.Generator, *, sfreq: float
) -> Seconds:
    """Return the belt's stretch, in arbitrary units as DEAP's.

    Parameters
    ----------
    state : TraitValues
        Read for the rate and the depth of the breath.
    time : array, shape (time,)
        When each sample is taken, in seconds since the onset of the stimulus.
    rng : Generator
        Where in a breath it begins, and what seeds neurokit2's simulator.
    sfreq : float
        Samples a second, as in ``time``.

    Returns
    -------
    array, shape (time,)
        In arbitrary units.
    """
    breaths = _count_cycles(
        BREATHS_S * np.exp(state.follow("respiration_rate", time)), sfreq
    )
    simulated = neurokit2.rsp_simulate(
        duration=4 * int(np.ceil(breaths[-1]) + 2),
        sampling_rate=int(sfreq),
        respiratory_rate=15,
        method="sinusoidal",
        noise=0.01,
        random_state=_sample_state(rng),
    )
    belt = _replay(
        np.asarray(simulated), breaths + rng.uniform(0, 1), per_cycle_s=4.0, sfreq=sfreq
    )
    return np.asarray(900.0 * np.exp(state.follow("respiration_depth", time)) * belt)


def simulate_pulse(
    state: TraitValues, time: Seconds, rng: np.random.Generator, *, sfreq: float
) -> Seconds:
    """Return the blood volume at the thumb, in arbitrary units as DEAP's.

    Parameters
    ----------
    state : TraitValues
        Read for the rate of the heart and the height of the pulse.
    time : array, shape (time,)
        When each sample is taken, in seconds since the onset of the stimulus.
    rng : Generator
        Where in a beat it begins, and what seeds neurokit2's simulator.
    sfreq : float
        Samples a second, as in ``time``.

    Returns
    -------
    array, shape (time,)
        In arbitrary units.
    """
    beats = _count_cycles(BEATS_S * np.exp(state.follow("heart_rate", time)), sfreq)
    simulated = neurokit2.ppg_simulate(
        duration=int(np.ceil(beats[-1])) + 4,
        sampling_rate=int(sfreq),
        heart_rate=60,
        motion_amplitude=0.05,
        random_state=_sample_state(rng),
    )
    pulse = _replay(
        np.asarray(simulated), beats + rng.uniform(0, 1), per_cycle_s=1.0, sfreq=sfreq
    )
    height = np.exp(state.follow("pulse_height", time))
    return np.asarray(1500.0 * height * (pulse - pulse.mean()))


def simulate_temperature(
    state: TraitValues, time: Seconds, rng: np.random.Generator, *, sfreq: float
) -> Seconds:
    """Return the finger's temperature in millikelvin, its offset removed.

    Parameters
    ----------
    state : TraitValues
        Read for the temperature.
    time : array, shape (time,)
        When each sample is taken, in seconds since the onset of the stimulus.
    rng : Generator
        What a slow drift is sampled from.
    sfreq : float
        Samples a second, as in ``time``.

    Returns
    -------
    array, shape (time,)
        In millikelvin.
    """
    n = int(np.ceil(len(time) / sfreq * DRIFT_SFREQ)) + 1
    slow = 0.03 * wander(rng, n, hertz=0.05, sfreq=DRIFT_SFREQ)
    drift = np.interp(time - time[0], np.arange(n) / DRIFT_SFREQ, slow)
    return np.asarray(1000.0 * (state.follow("temperature", time) + drift))


def simulate_heart(
    state: TraitValues, time: Seconds, rng: np.random.Generator, *, sfreq: float
) -> Seconds:
    """Return an electrocardiogram whose R waves are 1 high: one beat, again and again.

    The heart goes a little faster and slower, as with every breath.

    Parameters
    ----------
    state : TraitValues
        Read for the rate of the heart.
    time : array, shape (time,)
        When each sample is taken, in seconds since the onset of the stimulus.
    rng : Generator
        How the rate varies, where in a beat it begins, and what seeds the simulator.
    sfreq : float
        Samples a second, as in ``time``.

    Returns
    -------
    array, shape (time,)
        Without a unit.
    """
    rate = BEATS_S * np.exp(state.follow("heart_rate", time))
    rate = rate * np.exp(0.04 * wander(rng, len(time), hertz=0.25, sfreq=sfreq))
    simulated = neurokit2.ecg_simulate(
        duration=6,
        sampling_rate=int(sfreq),
        heart_rate=60,
        heart_rate_std=0,
        noise=0.0,
        random_state=_sample_state(rng),
    )
    # the simulator takes some beats to come to rest
    beat = np.asarray(simulated, dtype=np.float64)[3 * int(sfreq) : 4 * int(sfreq)]
    at = _count_cycles(rate, sfreq) + rng.uniform(0, 1)
    course = np.interp(at, np.arange(len(beat)) / len(beat), beat, period=1)
    return np.asarray(course / beat.max())


def _count_cycles(rate: Seconds, sfreq: float) -> Seconds:
    return np.asarray(np.cumsum(rate) / sfreq)


def _replay(
    simulated: Float[np.ndarray, " simulated"],
    cycles: Seconds,
    *,
    per_cycle_s: float,
    sfreq: float,
) -> Seconds:
    """Play a simulation of constant rate so that it has gone through ``cycles``."""
    at = cycles * per_cycle_s * sfreq
    return np.asarray(np.interp(at, np.arange(len(simulated)), simulated))


def _sample_state(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))
