"""Synthetic EEG and peripheral signals, in the channels and units of DEAP.

The EEG is a sum of sources with a place on the scalp each: 1/f background,
rhythms, muscles, what is left of the eyes. EOG follows blinks and gaze.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.signal import butter, sosfiltfilt

from deepvanet.synthetic.behaviour import BASELINE_S, Behaviour
from deepvanet.synthetic.knobs import Seconds, State, TraitValues
from deepvanet.synthetic.noise import sample_noise
from deepvanet.synthetic.peripherals import (
    simulate_muscle,
    simulate_pulse,
    simulate_resistance,
    simulate_respiration,
    simulate_temperature,
)

SFREQ = 128.0
N_CHANNELS = 40
EEG_BAND = (4.0, 45.0)  # hertz, of DEAP's own filter

# channel: right, front; 1 is the rim of the head
SCALP: Mapping[str, tuple[float, float]] = {
    "Fp1": (-0.32, 0.97),
    "AF3": (-0.35, 0.75),
    "F3": (-0.42, 0.52),
    "F7": (-0.83, 0.60),
    "FC5": (-0.75, 0.29),
    "FC1": (-0.25, 0.25),
    "C3": (-0.51, 0.0),
    "T7": (-1.02, 0.0),
    "CP5": (-0.75, -0.29),
    "CP1": (-0.25, -0.25),
    "P3": (-0.42, -0.52),
    "P7": (-0.83, -0.60),
    "PO3": (-0.35, -0.75),
    "O1": (-0.32, -0.97),
    "Oz": (0.0, -1.02),
    "Pz": (0.0, -0.51),
    "Fp2": (0.32, 0.97),
    "AF4": (0.35, 0.75),
    "Fz": (0.0, 0.51),
    "F4": (0.42, 0.52),
    "F8": (0.83, 0.60),
    "FC6": (0.75, 0.29),
    "FC2": (0.25, 0.25),
    "Cz": (0.0, 0.0),
    "C4": (0.51, 0.0),
    "T8": (1.02, 0.0),
    "CP6": (0.75, -0.29),
    "CP2": (0.25, -0.25),
    "P4": (0.42, -0.52),
    "P8": (0.83, -0.60),
    "PO4": (0.35, -0.75),
    "O2": (0.32, -0.97),
}


@dataclass(frozen=True)
class EEGSource:
    """A generator of EEG: where, how wide, in which band, how strong, by which traits.

    ``gains`` are factors of traits, which are logarithms of the amplitude.
    """

    place: tuple[float, float]
    width: float
    band: tuple[float, float]
    microvolts: float
    gains: Mapping[str, float]


SOURCES: tuple[EEGSource, ...] = (
    EEGSource((-0.35, -0.85), 0.40, (8.0, 12.0), 9.0, {"alpha": 1.0}),
    EEGSource((0.35, -0.85), 0.40, (8.0, 12.0), 9.0, {"alpha": 1.0}),
    EEGSource((-0.50, 0.65), 0.35, (8.0, 12.0), 5.0, {"frontal_asymmetry": -1.0}),
    EEGSource((0.50, 0.65), 0.35, (8.0, 12.0), 5.0, {"frontal_asymmetry": 1.0}),
    EEGSource((-0.45, -0.45), 0.30, (8.0, 12.0), 6.0, {"parietal_alpha": 1.0}),
    EEGSource((0.45, -0.45), 0.30, (8.0, 12.0), 6.0, {"parietal_alpha": 1.0}),
    EEGSource((0.0, 0.0), 0.35, (8.0, 12.0), 5.0, {"central_alpha": 1.0}),
    EEGSource((-0.80, -0.10), 0.30, (8.0, 13.0), 5.0, {"mu": 1.0}),
    EEGSource((0.80, -0.10), 0.30, (8.0, 13.0), 5.0, {"mu": 1.0}),
    EEGSource((0.0, 0.50), 0.40, (4.5, 7.0), 4.0, {"theta": 1.0}),
    EEGSource((-0.50, 0.05), 0.35, (15.0, 28.0), 4.0, {"beta": 1.0}),
    EEGSource((0.50, 0.05), 0.35, (15.0, 28.0), 4.0, {"beta": 1.0}),
    EEGSource((-1.10, 0.10), 0.30, (22.0, 45.0), 5.0, {"temporal_muscle": 1.0}),
    EEGSource((1.10, 0.10), 0.30, (22.0, 45.0), 5.0, {"temporal_muscle": 1.0}),
)
N_BACKGROUND = 20
BACKGROUND_MICROVOLTS, SENSOR_MICROVOLTS = 9.0, 1.0
EYES_LEFT_IN = 0.1
"""Share of the EOG in the EEG after DEAP's own cleaning, just above the eyes."""
CONTACT = 0.10
"""Change of each electrode's contact over trials, as a logarithm of its gain."""

BLINK_MICROVOLTS, GAZE_MICROVOLTS = 220.0, 120.0


@dataclass(frozen=True)
class Head:
    """One subject's scalp: what each source adds to each electrode."""

    sources: Float[np.ndarray, "channel source"]
    background: Float[np.ndarray, "channel background"]


def sample_head(rng: np.random.Generator) -> Head:
    """Sample how one subject's head conducts."""
    shifts = 0.06 * rng.standard_normal((len(SOURCES), 2))
    strengths = np.exp(0.25 * rng.standard_normal(len(SOURCES)))
    places = np.array([source.place for source in SOURCES]) + shifts
    widths = np.array([source.width for source in SOURCES])
    microvolts = strengths * [source.microvolts for source in SOURCES]
    anywhere = rng.uniform(-1.1, 1.1, (N_BACKGROUND, 2))
    signs = rng.choice([-1.0, 1.0], N_BACKGROUND)
    return Head(
        sources=_spread_over_scalp(places, widths) * microvolts,
        background=_spread_over_scalp(anywhere, np.full(N_BACKGROUND, 0.55)) * signs,
    )


def simulate_trial(
    head: Head, state: State, behaviour: Behaviour, *, rng: np.random.Generator
) -> Float[np.ndarray, "channel time"]:
    """Return one trial in DEAP's preprocessed channels, units and rate.

    Parameters
    ----------
    head : Head
        How the subject's head conducts.
    state : State
        The traits of the trial.
    behaviour : Behaviour
        From ``BASELINE_S`` before the onset on; the trial is as long, in whole seconds.
    rng : Generator
        What noise and contacts of electrodes are sampled from.

    Returns
    -------
    array, shape (channel, time)
        EEG, EOG, then peripheral signals; ``SFREQ`` samples a second.
    """
    seconds = round(len(behaviour.time) / behaviour.fps)
    time = np.arange(round(seconds * SFREQ)) / SFREQ - BASELINE_S
    contact = np.exp(CONTACT * rng.standard_normal(N_CHANNELS))
    eog = simulate_eog(behaviour, time, rng, sfreq=SFREQ)
    eeg = simulate_eeg(head, state, time, eog, contact[:32], rng)
    others = simulate_peripherals(state, behaviour, time, rng, sfreq=SFREQ)
    peripheral = np.concatenate([eog, others])
    return np.concatenate([eeg, peripheral * contact[32:, None]])


def simulate_eeg(
    head: Head,
    state: State,
    time: Seconds,
    eog: Float[np.ndarray, "2 time"],
    contact: Float[np.ndarray, " channel"],
    rng: np.random.Generator,
) -> Float[np.ndarray, "channel time"]:
    """Return the EEG of ``SCALP`` as DEAP's authors cleaned it, in microvolts.

    Parameters
    ----------
    head : Head
        How the subject's head conducts.
    state : State
        The traits that the rhythms follow.
    time : array, shape (time,)
        When each of ``SFREQ`` samples a second is taken, since the onset.
    eog : array, shape (2, time)
        As of ``simulate_eog``; a little of it is left.
    contact : array, shape (channel,)
        Gain of each electrode.
    rng : Generator
        What rhythms, background and noise are sampled from.

    Returns
    -------
    array, shape (channel, time)
        Within ``EEG_BAND``, against the average of all electrodes.
    """
    rhythms = np.stack([_oscillate(source, state, time, rng) for source in SOURCES])
    background = sample_noise(
        rng, (N_BACKGROUND, len(time)), sfreq=SFREQ, band=(1.0, 60.0), slope=1.0
    )
    above_eyes = _spread_over_scalp(
        np.array([[-0.5, 1.1], [0.5, 1.1]]), np.array([0.35, 0.35])
    )
    of_gaze_and_blink = EYES_LEFT_IN * np.array([[-0.9, 1.0], [0.9, 1.0]])
    eeg = head.sources @ rhythms
    eeg += head.background @ background * (BACKGROUND_MICROVOLTS / np.sqrt(6.0))
    eeg += above_eyes @ of_gaze_and_blink @ eog
    eeg += SENSOR_MICROVOLTS * rng.standard_normal(eeg.shape)
    eeg *= contact[:, None]
    eeg -= eeg.mean(axis=0)
    band = butter(6, EEG_BAND, "bandpass", fs=SFREQ, output="sos")
    return np.asarray(sosfiltfilt(band, eeg, axis=1))


def simulate_eog(
    behaviour: Behaviour, time: Seconds, rng: np.random.Generator, *, sfreq: float
) -> Float[np.ndarray, "2 time"]:
    """Return the horizontal and the vertical EOG in microvolts.

    Parameters
    ----------
    behaviour : Behaviour
        Read for gaze and blinks.
    time : array, shape (time,)
        When each sample is taken, in seconds since the onset of the stimulus.
    rng : Generator
        What noise is sampled from.
    sfreq : float
        Samples a second, as in ``time``.

    Returns
    -------
    array, shape (2, time)
        Horizontal, then vertical.
    """
    blink, gaze = (
        np.interp(time, behaviour.time, course)
        for course in (behaviour.blink, behaviour.gaze)
    )
    eog = np.stack([GAZE_MICROVOLTS * gaze, BLINK_MICROVOLTS * blink])
    eog += sample_noise(rng, (2, len(time)), sfreq=sfreq, band=(0.5, 40.0)) * 8.0
    return eog


def simulate_peripherals(
    state: TraitValues,
    behaviour: Behaviour,
    time: Seconds,
    rng: np.random.Generator,
    *,
    sfreq: float,
) -> Float[np.ndarray, "6 time"]:
    """Return zEMG, tEMG, GSR, respiration, pulse and temperature as in DEAP.

    Parameters
    ----------
    state : TraitValues
        The traits of the trial.
    behaviour : Behaviour
        Read for the smile, which the cheek's muscle follows.
    time : array, shape (time,)
        When each sample is taken, in seconds since the onset of the stimulus.
    rng : Generator
        What all six signals are sampled from, in turn.
    sfreq : float
        Samples a second, as in ``time``.

    Returns
    -------
    array, shape (6, time)
        Each row in the unit that DEAP uses.
    """
    smile = np.interp(time, behaviour.time, behaviour.smile)
    cheek = state.follow("zygomaticus", time) + 0.8 * smile
    return np.stack(
        [
            simulate_muscle(cheek, 12.0, rng, sfreq=sfreq),
            simulate_muscle(state.follow("trapezius", time), 20.0, rng, sfreq=sfreq),
            simulate_resistance(state, time, rng, sfreq=sfreq),
            simulate_respiration(state, time, rng, sfreq=sfreq),
            simulate_pulse(state, time, rng, sfreq=sfreq),
            simulate_temperature(state, time, rng, sfreq=sfreq),
        ]
    )


def _spread_over_scalp(
    places: Float[np.ndarray, "source 2"], widths: Float[np.ndarray, " source"]
) -> Float[np.ndarray, "channel source"]:
    electrodes = np.array(list(SCALP.values()))
    distances = np.linalg.norm(electrodes[:, None] - places[None], axis=2)
    return np.asarray(np.exp(-0.5 * (distances / widths) ** 2))


def _oscillate(
    source: EEGSource, state: State, time: Seconds, rng: np.random.Generator
) -> Seconds:
    gain = sum(
        (factor * state.follow(trait, time) for trait, factor in source.gains.items()),
        np.zeros_like(time),
    )
    waxing = 0.3 * sample_noise(rng, time.shape, sfreq=SFREQ, band=(0.1, 1.0))
    return np.exp(gain + waxing) * sample_noise(
        rng, time.shape, sfreq=SFREQ, band=source.band
    )
