"""Synthetic raw EEG, as electrodes on a spherical head would measure it.

Brain, eyes, muscles and heart are current dipoles. What each adds to each electrode
comes from MNE's spherical head models: four shells for the brain, a head without a
skull for the eyes and the muscles, which lie outside of it. Their courses are
independent and not Gaussian, and there are fewer strong ones than channels: what
independent component analysis can separate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import mne
import numpy as np
from jaxtyping import Float

from deepvanet.synthetic.behaviour import Behaviour
from deepvanet.synthetic.knobs import Seconds, TraitValues
from deepvanet.synthetic.noise import sample_noise
from deepvanet.synthetic.peripherals import simulate_heart

CENTRE = np.array([0.0, 0.0, 0.04])
RADIUS = 0.095  # metres, as of the head's sphere
LINE_HZ = 50.0

Columns = Float[np.ndarray, "channel _"]
Eeg = Float[np.ndarray, "channel time"]
Places = Float[np.ndarray, "_ 3"]


@dataclass(frozen=True)
class Generator:
    """A patch of cortex: under which electrode, its rhythm, which traits it follows.

    ``gains`` are factors of traits, which are logarithms of the rhythm's amplitude;
    ``microvolts`` those of the rhythm where it is largest.
    """

    under: str
    band: tuple[float, float]
    microvolts: float
    gains: Mapping[str, float]


GENERATORS: tuple[Generator, ...] = (
    Generator("PO3", (8.5, 11.5), 12.0, {"alpha": 1.0}),
    Generator("PO4", (8.5, 11.5), 12.0, {"alpha": 1.0}),
    Generator("Oz", (8.5, 11.5), 8.0, {"alpha": 0.5}),
    Generator("F3", (8.0, 12.0), 6.0, {"frontal_asymmetry": -1.0}),
    Generator("F4", (8.0, 12.0), 6.0, {"frontal_asymmetry": 1.0}),
    Generator("Fz", (4.5, 7.0), 6.0, {"theta": 1.0}),
    Generator("C3", (15.0, 28.0), 4.0, {"beta": 1.0}),
    Generator("C4", (15.0, 28.0), 4.0, {"beta": 1.0}),
    Generator("CP5", (8.5, 12.0), 6.0, {"mu": 1.0}),
    Generator("CP6", (8.5, 12.0), 6.0, {"mu": 1.0}),
    Generator("P3", (8.5, 11.5), 7.0, {"parietal_alpha": 1.0}),
    Generator("P4", (8.5, 11.5), 7.0, {"parietal_alpha": 1.0}),
    Generator("Pz", (8.5, 11.5), 7.0, {"parietal_alpha": 1.0}),
    Generator("Cz", (9.0, 12.0), 4.0, {"central_alpha": 1.0}),
    Generator("FC5", (8.0, 12.0), 3.0, {}),
    Generator("FC6", (8.0, 12.0), 3.0, {}),
)
CORTEX = 0.80
"""How far from the centre strong generators lie, of the head's radius."""
PINK_MICROVOLTS = 5.0
"""Of each strong generator's 1/f course."""
N_BACKGROUND, BACKGROUND_MICROVOLTS = 80, 0.25
"""Weak generators all over the brain."""

MUSCLES: Mapping[str, float] = {
    "T7": 1.0,
    "T8": 1.0,
    "F7": 0.8,
    "F8": 0.8,
    "P9": 1.0,
    "P10": 1.0,
}
"""Where muscles lie, and how strong they are."""
MUSCLE_BAND = (20.0, 200.0)
MUSCLE_MICROVOLTS = 9.0
BURSTS_S, BURST_S = 0.12, 1.0  # a second, and how long

EYES = np.array([[-0.032, 0.078, 0.005], [0.032, 0.078, 0.005]])  # metres
BLINK_MICROVOLTS, GAZE_MICROVOLTS = 160.0, 70.0
HEART = np.array([-0.04, 0.02, -0.30])
HEART_AXIS = np.array([-0.6, 0.3, -0.7])
HEART_MICROVOLTS = 3.0
LINE_MICROVOLTS = 6.0

SENSOR_MICROVOLTS, COMMON_MICROVOLTS = 0.4, 25.0
OFFSET_MICROVOLTS, WANDER_MICROVOLTS = 6000.0, 20.0
"""Of each electrode's half-cell; BioSemi removes none of it."""


@dataclass(frozen=True)
class Scalp:
    """One subject's head: what a source of 1 adds to each electrode, in microvolts.

    Attributes
    ----------
    strong, weak : array, shape (channel, source)
        Of ``GENERATORS``, and of the background.
    eyes : array, shape (channel, 2)
        Of a closed lid, and of a look to the side.
    muscles, heart, line : array, shape (channel, source)
        Of ``MUSCLES``, and of one heart and one mains.
    offsets : array, shape (channel,)
        The potential of each electrode itself.
    """

    channels: tuple[str, ...]
    strong: Columns
    weak: Columns
    eyes: Columns
    muscles: Columns
    heart: Columns
    line: Columns
    offsets: Float[np.ndarray, " channel"]


@dataclass(frozen=True)
class RawEEG:
    """What the electrodes see, apart by where it comes from, in microvolts.

    Attributes
    ----------
    brain, artefacts, noise : array, shape (channel, time)
        Of the brain; of eyes, muscles, heart and mains; of sensors, electrodes,
        the amplifier's reference and bad channels.
    heart : array, shape (time,)
        The electrocardiogram that ``artefacts`` holds, R waves about 1 high.
    sfreq : float
        Samples a second of all of them.
    """

    brain: Eeg
    artefacts: Eeg
    noise: Eeg
    heart: Seconds
    sfreq: float

    @property
    def recorded(self) -> Eeg:
        """What an amplifier writes: the sum, without a reference."""
        return np.asarray(self.brain + self.artefacts + self.noise)


def sample_scalp(channels: Sequence[str], rng: np.random.Generator) -> Scalp:
    """Sample how one subject's head conducts to electrodes of 10-05 names."""
    places = _place_electrodes(channels)
    beneath = _place_electrodes([generator.under for generator in GENERATORS])
    shifted = beneath + 0.006 * rng.standard_normal(beneath.shape)
    strong = _sink(shifted, CORTEX)
    muscles = _sink(_place_electrodes(list(MUSCLES)), 0.97)
    eyes = _project(
        channels,
        np.tile(EYES, (2, 1)),
        np.repeat([[0.0, 0.7, 0.7], [1.0, 0.1, 0.0]], 2, axis=0),
        skull=False,
    )
    anywhere = _point_anywhere(rng, N_BACKGROUND)
    depths = rng.uniform(0.45, 0.82, (N_BACKGROUND, 1))
    return Scalp(
        channels=tuple(channels),
        strong=_normalise(_project(channels, strong, _lean(strong, rng, 0.6))),
        weak=_normalise(
            _project(
                channels,
                CENTRE + RADIUS * depths * anywhere,
                _point_anywhere(rng, N_BACKGROUND),
            )
        ),
        eyes=_normalise(np.stack([eyes[:, :2].sum(1), eyes[:, 2:].sum(1)], axis=1)),
        muscles=_normalise(
            _project(channels, muscles, _lean(muscles, rng, 0.5), skull=False)
        ),
        heart=_normalise(_see_from_afar(places)),
        line=(0.4 + rng.gamma(1.5, 0.5, (len(channels), 1))),
        offsets=OFFSET_MICROVOLTS * rng.standard_normal(len(channels)),
    )


def simulate_raw(
    scalp: Scalp,
    *,
    state: TraitValues,
    behaviour: Behaviour,
    sfreq: float,
    rng: np.random.Generator,
    time: Seconds | None = None,
    bad: Mapping[str, str] | None = None,
    artefacts: float = 1.0,
) -> RawEEG:
    """Return raw EEG of one state and behaviour.

    Parameters
    ----------
    scalp : Scalp
        How the subject's head conducts to the electrodes.
    state : TraitValues
        Read for the rhythms, the tension of muscles and the rate of the heart.
    behaviour : Behaviour
        Read for gaze and blinks.
    sfreq : float
        Samples a second.
    rng : Generator
        What all courses and noise are sampled from.
    time : array, shape (time,), optional
        When each sample is taken, in seconds since the onset of the stimulus; by
        default as long as the behaviour lasts.
    bad : mapping, optional
        Kind by channel: "noisy", "flat" or "popping".
    artefacts : float
        Factor of eyes, muscles, heart and mains; at 0 there are none.

    Returns
    -------
    RawEEG
        The parts that add up to the recording, in the channels of ``scalp``.
    """
    if time is None:
        n = round(len(behaviour.time) / behaviour.fps * sfreq)
        time = behaviour.time[0] + np.arange(n) / sfreq
    brain = scalp.strong @ _think(state, time, rng, sfreq)
    for column in scalp.weak.T:
        course = sample_noise(rng, time.shape, sfreq=sfreq, band=(1.0, 60.0), slope=1.0)
        brain += np.outer(column, BACKGROUND_MICROVOLTS * course)
    heart = simulate_heart(state, time, rng, sfreq=sfreq)
    disturbed = scalp.eyes @ _move_eyes(behaviour, time)
    disturbed += scalp.muscles @ _tense(state, time, rng, sfreq)
    disturbed += scalp.heart @ (HEART_MICROVOLTS * heart[None])
    disturbed += scalp.line @ _sample_mains(time, rng, sfreq)[None]
    disturbed *= artefacts
    noise = _record(scalp, time, rng, sfreq)
    for channel, kind in (bad or {}).items():
        k = scalp.channels.index(channel)
        noise[k] = _spoil(kind, brain[k] + disturbed[k], noise[k], rng)
    return RawEEG(brain, disturbed, noise, heart, sfreq)


def _place_electrodes(names: Sequence[str]) -> Places:
    """Return where electrodes touch the sphere, in MNE's head frame."""
    info = _describe(names)
    return _sink(np.array([channel["loc"][:3] for channel in info["chs"]]), 1.0)


def _describe(names: Sequence[str]) -> mne.Info:
    # what standard_1005 is called since MNE 1.13
    named = "colin27_1005" in mne.channels.get_builtin_montages()
    montage = mne.channels.make_standard_montage(
        "colin27_1005" if named else "standard_1005"
    )
    return mne.create_info(list(names), 256.0, "eeg").set_montage(montage)


def _sink(places: Places, depth: float) -> Places:
    """Return the places at a depth, of the radius, below or above others."""
    return np.asarray(CENTRE + depth * RADIUS * _point_outwards(places))


def _point_outwards(places: Places) -> Places:
    off = places - CENTRE
    return np.asarray(off / np.linalg.norm(off, axis=1)[:, None])


def _project(
    channels: Sequence[str], places: Places, axes: Places, *, skull: bool = True
) -> Columns:
    """Return the potential of dipoles at the electrodes."""
    layers = (
        {}
        if skull
        else {"relative_radii": (0.98, 0.985, 0.99, 1.0), "sigmas": (0.33,) * 4}
    )
    sphere = mne.make_sphere_model(CENTRE, RADIUS, **layers, verbose="error")
    n = len(places)
    axes = axes / np.linalg.norm(axes, axis=1)[:, None]
    dipole = mne.Dipole(np.zeros(n), places, np.full(n, 1e-8), axes, np.ones(n))
    forward, _ = mne.make_forward_dipole(
        dipole, sphere, _describe(channels), verbose="error"
    )
    return np.asarray(forward["sol"]["data"], dtype=np.float64)


def _lean(places: Places, rng: np.random.Generator, by: float) -> Places:
    """Return axes that point outwards, more or less."""
    return np.asarray(_point_outwards(places) + by * _point_anywhere(rng, len(places)))


def _point_anywhere(rng: np.random.Generator, n: int) -> Places:
    sampled = rng.standard_normal((n, 3))
    return np.asarray(sampled / np.linalg.norm(sampled, axis=1)[:, None])


def _see_from_afar(
    places: Float[np.ndarray, "channel 3"],
) -> Columns:
    """Return the potential of the heart's dipole in a body without borders."""
    off = places - HEART
    distance = np.linalg.norm(off, axis=1, keepdims=True)
    return np.asarray(off @ HEART_AXIS[:, None] / distance**3)


def _normalise(columns: Columns) -> Columns:
    """Return columns whose largest difference from their mean is 1."""
    off = columns - columns.mean(axis=0)
    return np.asarray(columns / np.abs(off).max(axis=0))


def _think(
    state: TraitValues, time: Seconds, rng: np.random.Generator, sfreq: float
) -> Float[np.ndarray, "source time"]:
    return np.stack(
        [_fire(generator, state, time, rng, sfreq) for generator in GENERATORS]
    )


def _fire(
    generator: Generator,
    state: TraitValues,
    time: Seconds,
    rng: np.random.Generator,
    sfreq: float,
) -> Seconds:
    gain = sum(
        (
            factor * state.follow(trait, time)
            for trait, factor in generator.gains.items()
        ),
        np.zeros_like(time),
    )
    shape = time.shape
    waxing = 0.5 * sample_noise(rng, shape, sfreq=sfreq, band=(0.1, 1.0))
    waning = 0.4 * sample_noise(rng, shape, sfreq=sfreq, band=(0.1, 2.0))
    rhythm = sample_noise(rng, shape, sfreq=sfreq, band=generator.band)
    pink = sample_noise(rng, shape, sfreq=sfreq, band=(0.5, 70.0), slope=1.4)
    own = np.exp(0.2 * rng.standard_normal(2))
    rhythm *= own[0] * generator.microvolts * np.exp(gain + waxing)
    return np.asarray(rhythm + own[1] * PINK_MICROVOLTS * np.exp(waning) * pink)


def _move_eyes(behaviour: Behaviour, time: Seconds) -> Float[np.ndarray, "2 time"]:
    blink, gaze = (
        np.interp(time, behaviour.time, course)
        for course in (behaviour.blink, behaviour.gaze)
    )
    return np.stack([BLINK_MICROVOLTS * blink, GAZE_MICROVOLTS * gaze])


def _tense(
    state: TraitValues, time: Seconds, rng: np.random.Generator, sfreq: float
) -> Float[np.ndarray, "source time"]:
    """Return muscles that are never quite still and burst now and then."""
    tension = np.exp(state.follow("temporal_muscle", time))
    courses = []
    for strength in MUSCLES.values():
        electric = sample_noise(rng, time.shape, sfreq=sfreq, band=MUSCLE_BAND)
        waxing = np.exp(
            0.4 * sample_noise(rng, time.shape, sfreq=sfreq, band=(0.1, 2.0))
        )
        bursts = _burst(time, rng)
        courses.append(strength * tension * (0.4 * waxing + bursts) * electric)
    return MUSCLE_MICROVOLTS * np.stack(courses)


def _burst(time: Seconds, rng: np.random.Generator) -> Seconds:
    span = float(time[-1] - time[0])
    course = np.zeros_like(time)
    for _ in range(rng.poisson(BURSTS_S * span)):
        middle = rng.uniform(time[0], time[-1])
        width = BURST_S * np.exp(0.5 * rng.standard_normal())
        course += rng.gamma(2.0, 1.0) * np.exp(
            -0.5 * ((time - middle) / (width / 2)) ** 2
        )
    return course


def _sample_mains(time: Seconds, rng: np.random.Generator, sfreq: float) -> Seconds:
    """Return the mains and their third harmonic, where the rate can hold it."""
    swell = 1 + 0.1 * sample_noise(rng, time.shape, sfreq=sfreq, band=(0.05, 0.5))
    phase = 2 * np.pi * (LINE_HZ * time + rng.uniform())
    mains = np.sin(phase) + (
        0.2 * np.sin(3 * phase) if sfreq / 2 > 3 * LINE_HZ else 0.0
    )
    return np.asarray(LINE_MICROVOLTS * swell * mains)


def _record(scalp: Scalp, time: Seconds, rng: np.random.Generator, sfreq: float) -> Eeg:
    shape = (len(scalp.channels), len(time))
    noise = SENSOR_MICROVOLTS * rng.standard_normal(shape)
    noise += scalp.offsets[:, None]
    for row in noise:
        row += WANDER_MICROVOLTS * sample_noise(
            rng, time.shape, sfreq=sfreq, band=(0.005, 0.1), slope=1.0
        )
    common = sample_noise(rng, time.shape, sfreq=sfreq, band=(0.05, 45.0), slope=1.0)
    return np.asarray(noise + COMMON_MICROVOLTS * common)


def _spoil(
    kind: str, seen: Seconds, noise: Seconds, rng: np.random.Generator
) -> Seconds:
    """Return the noise of an electrode that lost its contact."""
    n = len(noise)
    if kind == "noisy":
        return np.asarray(noise + 60.0 * rng.standard_normal(n))
    if kind == "flat":
        return np.asarray(noise.mean() - seen + 0.02 * rng.standard_normal(n))
    pops = np.zeros(n)
    pops[rng.integers(0, n, max(3, n // 2000))] = 1.0
    steps = np.cumsum(pops * 250.0 * rng.standard_normal(n))
    return np.asarray(noise + steps + 25.0 * rng.standard_normal(n))
