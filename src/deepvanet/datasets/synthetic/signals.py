"""EEG and peripheral signals that nobody had, in the channels and units of DEAP.

The EEG is a sum of sources with a place on the scalp each: 1/f background,
rhythms, muscles, what is left of the eyes. Pulse, respiration, skin conductance
and muscles come from neurokit2's simulators [1]_; EOG follows blinks and gaze.

References
----------
.. [1] Makowski et al. (2021). NeuroKit2: a Python toolbox for neurophysiological
   signal processing. Behavior Research Methods 53, 1689-1696.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import neurokit2
import numpy as np
from jaxtyping import Float
from scipy.signal import butter, sosfiltfilt

from deepvanet.datasets.synthetic.behaviour import BASELINE_S, FPS, Behaviour, wander
from deepvanet.datasets.synthetic.knobs import Seconds, State

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
class Source:
    """A generator of EEG: where, how wide, in which band, how strong, by which traits.

    ``gains`` are factors of traits, which are logarithms of the amplitude.
    """

    place: tuple[float, float]
    width: float
    band: tuple[float, float]
    microvolts: float
    gains: Mapping[str, float]


SOURCES: tuple[Source, ...] = (
    Source((-0.35, -0.85), 0.40, (8.0, 12.0), 9.0, {"alpha": 1.0}),
    Source((0.35, -0.85), 0.40, (8.0, 12.0), 9.0, {"alpha": 1.0}),
    Source((-0.50, 0.65), 0.35, (8.0, 12.0), 5.0, {"frontal_asymmetry": -1.0}),
    Source((0.50, 0.65), 0.35, (8.0, 12.0), 5.0, {"frontal_asymmetry": 1.0}),
    Source((0.0, 0.50), 0.40, (4.5, 7.0), 4.0, {"theta": 1.0}),
    Source((-0.50, 0.05), 0.35, (15.0, 28.0), 4.0, {"beta": 1.0}),
    Source((0.50, 0.05), 0.35, (15.0, 28.0), 4.0, {"beta": 1.0}),
    Source((-1.10, 0.10), 0.30, (22.0, 45.0), 5.0, {"temporal_muscle": 1.0}),
    Source((1.10, 0.10), 0.30, (22.0, 45.0), 5.0, {"temporal_muscle": 1.0}),
)
N_BACKGROUND = 20
BACKGROUND_MICROVOLTS, SENSOR_MICROVOLTS = 9.0, 1.0
EYES_LEFT_IN = 0.1
"""Share of the EOG in the EEG after DEAP's own cleaning, just above the eyes."""
CONTACT = 0.10
"""Change of each electrode's contact over trials, as a logarithm of its gain."""

BLINK_MICROVOLTS, GAZE_MICROVOLTS = 220.0, 120.0
BEATS_S, BREATHS_S = 1.15, 0.26  # a second, of an ordinary person at rest
MICROSIEMENS = 4.0


@dataclass(frozen=True)
class Head:
    """One subject's scalp: what each source adds to each electrode."""

    sources: Float[np.ndarray, "channel source"]
    background: Float[np.ndarray, "channel background"]


def draw_head(rng: np.random.Generator) -> Head:
    """Draw how one subject's head conducts."""
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
    """Return one trial in DEAP's preprocessed channels, units and rate."""
    seconds = round(len(behaviour.time) / FPS)
    time = np.arange(round(seconds * SFREQ)) / SFREQ - BASELINE_S
    blink, gaze, smile = (
        np.interp(time, behaviour.time, course)
        for course in (behaviour.blink, behaviour.gaze, behaviour.smile)
    )
    contact = np.exp(CONTACT * rng.standard_normal(N_CHANNELS))
    eog = np.stack([GAZE_MICROVOLTS * gaze, BLINK_MICROVOLTS * blink])
    eog += _noise(rng, (2, len(time)), band=(0.5, 40.0)) * 8.0
    eeg = _simulate_eeg(head, state, time, eog, contact[:32], rng)
    peripheral = [
        *eog,
        _simulate_muscle(state.follow("zygomaticus", time) + 0.8 * smile, 12.0, rng),
        _simulate_muscle(state.follow("trapezius", time), 20.0, rng),
        _simulate_resistance(state, time, rng),
        _simulate_respiration(state, time, rng),
        _simulate_pulse(state, time, rng),
        _simulate_temperature(state, time, rng),
    ]
    return np.concatenate([eeg, np.stack(peripheral) * contact[32:, None]])


def _spread_over_scalp(
    places: Float[np.ndarray, "source 2"], widths: Float[np.ndarray, " source"]
) -> Float[np.ndarray, "channel source"]:
    electrodes = np.array(list(SCALP.values()))
    distances = np.linalg.norm(electrodes[:, None] - places[None], axis=2)
    return np.asarray(np.exp(-0.5 * (distances / widths) ** 2))


def _simulate_eeg(
    head: Head,
    state: State,
    time: Seconds,
    eog: Float[np.ndarray, "2 time"],
    contact: Float[np.ndarray, " channel"],
    rng: np.random.Generator,
) -> Float[np.ndarray, "channel time"]:
    rhythms = np.stack([_oscillate(source, state, time, rng) for source in SOURCES])
    background = _noise(rng, (N_BACKGROUND, len(time)), band=(1.0, 60.0), slope=1.0)
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


def _oscillate(
    source: Source, state: State, time: Seconds, rng: np.random.Generator
) -> Seconds:
    gain = sum(
        (factor * state.follow(trait, time) for trait, factor in source.gains.items()),
        np.zeros_like(time),
    )
    waxing = 0.3 * _noise(rng, time.shape, band=(0.1, 1.0))
    return np.exp(gain + waxing) * _noise(rng, time.shape, band=source.band)


def _noise(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    *,
    band: tuple[float, float],
    slope: float = 0.0,
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return noise of unit variance in a band of hertz, its power as 1 / f**slope."""
    n = shape[-1]
    hertz = np.fft.rfftfreq(n, 1 / SFREQ)
    low, high = band
    edges = 1 / (1 + (low / np.maximum(hertz, 1e-6)) ** 8) / (1 + (hertz / high) ** 8)
    weight = np.sqrt(edges) * np.maximum(hertz, low) ** (-slope / 2)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(shape)) * weight, n)
    power = 2 * np.sum(weight**2) / n
    return np.asarray(noise / np.sqrt(power))


def _simulate_muscle(
    tension: Seconds, microvolts: float, rng: np.random.Generator
) -> Seconds:
    """Return the EMG of a muscle whose tension is a logarithm."""
    n = len(tension)
    duration = int(np.ceil(n / SFREQ))
    burst = neurokit2.emg_simulate(
        duration=duration,
        sampling_rate=int(SFREQ),
        burst_number=1,
        burst_duration=duration - 0.1,
        random_state=_draw_state(rng),
    )
    contraction = np.asarray(burst)[:n]
    centred = contraction - contraction.mean()
    return np.asarray(microvolts * np.exp(tension) * centred)


def _simulate_resistance(
    state: State, time: Seconds, rng: np.random.Generator
) -> Seconds:
    """Return the skin's resistance in ohm."""
    duration = int(np.ceil(len(time) / SFREQ)) + 1
    responses = np.exp(state.rest["conductance_responses"])
    responses *= np.exp(state.added["conductance_responses"])
    simulated = neurokit2.eda_simulate(
        duration=duration,
        sampling_rate=int(SFREQ),
        scr_number=int(1 + rng.poisson(0.08 * responses * duration)),
        noise=0.002,
        random_state=_draw_state(rng),
    )
    phasic = np.asarray(simulated)[: len(time)] - float(np.min(simulated))
    level = np.exp(state.follow("conductance", time)) * MICROSIEMENS
    return np.asarray(1e6 / (level * (1 + 0.08 * phasic)))


def _simulate_respiration(
    state: State, time: Seconds, rng: np.random.Generator
) -> Seconds:
    """Return the belt's stretch, in arbitrary units as DEAP's."""
    breaths = _count_cycles(BREATHS_S * np.exp(state.follow("respiration_rate", time)))
    simulated = neurokit2.rsp_simulate(
        duration=4 * int(np.ceil(breaths[-1]) + 2),
        sampling_rate=int(SFREQ),
        respiratory_rate=15,
        method="sinusoidal",
        noise=0.01,
        random_state=_draw_state(rng),
    )
    belt = _replay(np.asarray(simulated), breaths + rng.uniform(0, 1), per_cycle_s=4.0)
    return np.asarray(900.0 * np.exp(state.follow("respiration_depth", time)) * belt)


def _simulate_pulse(state: State, time: Seconds, rng: np.random.Generator) -> Seconds:
    """Return the blood volume at the thumb, in arbitrary units as DEAP's."""
    beats = _count_cycles(BEATS_S * np.exp(state.follow("heart_rate", time)))
    simulated = neurokit2.ppg_simulate(
        duration=int(np.ceil(beats[-1])) + 4,
        sampling_rate=int(SFREQ),
        heart_rate=60,
        motion_amplitude=0.05,
        random_state=_draw_state(rng),
    )
    pulse = _replay(np.asarray(simulated), beats + rng.uniform(0, 1), per_cycle_s=1.0)
    height = np.exp(state.follow("pulse_height", time))
    return np.asarray(1500.0 * height * (pulse - pulse.mean()))


def _simulate_temperature(
    state: State, time: Seconds, rng: np.random.Generator
) -> Seconds:
    """Return the finger's temperature in millikelvin, its offset removed."""
    drift = 0.03 * wander(rng, len(time), hertz=0.05, sfreq=SFREQ)
    return np.asarray(1000.0 * (state.follow("temperature", time) + drift))


def _count_cycles(rate: Seconds) -> Seconds:
    return np.asarray(np.cumsum(rate) / SFREQ)


def _replay(
    simulated: Float[np.ndarray, " simulated"], cycles: Seconds, *, per_cycle_s: float
) -> Seconds:
    """Play a simulation of constant rate so that it has gone through ``cycles``."""
    at = cycles * per_cycle_s * SFREQ
    return np.asarray(np.interp(at, np.arange(len(simulated)), simulated))


def _draw_state(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))
