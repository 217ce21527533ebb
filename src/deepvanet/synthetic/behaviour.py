"""What a subject does during a trial: looks about, blinks, smiles, moves its head.

Both the camera and the electrodes see it, so it is sampled once, at the rate of
the camera, and signals and face are made from it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from deepvanet.synthetic.knobs import Seconds, TraitValues

Times = Float[np.ndarray, " blink"]

FPS = 50.0
BASELINE_S = 3.0
BLINKS = 0.3  # a second, of an ordinary person at rest
BLINK_GAP_S = 0.5
CLOSING_S, OPENING_S = 0.10, 0.22


@dataclass(frozen=True)
class Behaviour:
    """Courses of movement, ``fps`` values a second, from some rest on.

    Attributes
    ----------
    time : array
        Seconds since the onset of the stimulus.
    smile, brows : array
        From -1 (frown, lowered) by 0 (at rest) to 1 (broad smile, raised).
    blink : array
        From 0 (open) to 1 (closed).
    gaze, turn, nod, roll : array
        From about -1 to 1: of the eyes, and of the head about its three axes.
    blink_times : array, shape (blink,)
        When each blink begins.
    fps : float
        Values a second.
    """

    time: Seconds
    smile: Seconds
    brows: Seconds
    blink: Seconds
    gaze: Seconds
    turn: Seconds
    nod: Seconds
    roll: Seconds
    blink_times: Times
    fps: float = FPS


def sample_behaviour(
    state: TraitValues,
    *,
    seconds: float,
    rng: np.random.Generator,
    before_s: float = BASELINE_S,
    fps: float = FPS,
) -> Behaviour:
    """Sample the movements of one trial.

    Parameters
    ----------
    state : TraitValues
        Read for smile, brows, blinks and the movements of the head.
    seconds : float
        From the onset of the stimulus to the end of the movements.
    rng : Generator
        What the movements are sampled from.
    before_s : float
        Of baseline before the onset; whole frames, so that one is at the onset.
    fps : float
        Of the camera.

    Returns
    -------
    Behaviour
        From ``before_s`` before the onset on, a value a frame.
    """
    n = round((before_s + seconds) * fps)
    time = np.arange(n) / fps - before_s
    blink_times = _sample_blinks(state, time, rng, fps)
    motion = np.exp(state.follow("motion", time))
    heads = {
        axis: state.follow(axis, time)
        + 0.3 * motion * wander(rng, n, hertz=0.4, sfreq=fps)
        for axis in ("turn", "nod", "roll")
    }
    return Behaviour(
        time=time,
        smile=_express(state, "smile", time, rng, fps),
        brows=_express(state, "brows", time, rng, fps),
        blink=_close_lids(time, blink_times),
        gaze=_look_about(time, rng, fps),
        blink_times=blink_times,
        fps=fps,
        **heads,
    )


def wander(
    rng: np.random.Generator, n: int, *, hertz: float, sfreq: float = FPS
) -> Seconds:
    """Return smooth noise with a standard deviation of about 1.

    Parameters
    ----------
    rng : Generator
        What the noise is sampled from.
    n : int
        Number of values.
    hertz : float
        Above this there is little left.
    sfreq : float
        Values a second.

    Returns
    -------
    array, shape (time,)
        ``n`` values.
    """
    sigma = sfreq / (2 * np.pi * hertz)
    noise = gaussian_filter1d(rng.standard_normal(n), sigma, mode="reflect")
    return np.asarray(noise * np.sqrt(2 * sigma * np.sqrt(np.pi)))


def _express(
    state: TraitValues, trait: str, time: Seconds, rng: np.random.Generator, fps: float
) -> Seconds:
    spontaneous = 0.16 * wander(rng, len(time), hertz=0.3, sfreq=fps)
    return np.clip(state.follow(trait, time) + spontaneous, -1.0, 1.0)


def _sample_blinks(
    state: TraitValues, time: Seconds, rng: np.random.Generator, fps: float
) -> Times:
    rates = BLINKS * np.exp(state.follow("blink_rate", time))
    wanted = rng.random(len(time)) < rates / fps
    begins = [float(at) for at in time[wanted]]
    kept = begins[:1]
    for at in begins[1:]:
        if at - kept[-1] > BLINK_GAP_S:
            kept.append(at)
    return np.array(kept, dtype=float)


def _close_lids(time: Seconds, blink_times: Times) -> Seconds:
    lids = np.zeros_like(time)
    for begin in blink_times:
        since = time - begin
        closing = np.clip(since / CLOSING_S, 0.0, 1.0)
        opening = np.clip((since - CLOSING_S) / OPENING_S, 0.0, 1.0)
        lids = np.maximum(
            lids, np.sin(closing * np.pi / 2) * np.cos(opening * np.pi / 2)
        )
    return lids


def _look_about(time: Seconds, rng: np.random.Generator, fps: float) -> Seconds:
    """Return the side to which the eyes look: steps, a fixation between two."""
    n_steps = 2 + round(float(time[-1] - time[0]) / 0.4)
    begins = time[0] + np.cumsum(rng.uniform(0.4, 2.2, n_steps))
    sides = np.clip(0.45 * rng.standard_normal(n_steps + 1), -1.0, 1.0)
    steps = sides[np.searchsorted(begins, time)]
    return np.asarray(gaussian_filter1d(steps, 0.02 * fps))
