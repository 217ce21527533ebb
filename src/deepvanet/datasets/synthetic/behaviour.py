"""What a subject does during a trial: looks about, blinks, smiles, moves its head.

Both the camera and the electrodes see it, so it is drawn once, at the rate of
the camera, and signals and face are made from it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from deepvanet.datasets.synthetic.knobs import Seconds, State

Times = Float[np.ndarray, " blink"]

FPS = 50.0
BASELINE_S = 3.0
BLINKS = 0.3  # a second, of an ordinary person at rest
BLINK_GAP_S = 0.5
CLOSING_S, OPENING_S = 0.10, 0.22


@dataclass(frozen=True)
class Behaviour:
    """Courses of movement, ``FPS`` values a second, ``BASELINE_S`` of rest first.

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


def draw_behaviour(
    state: State, *, seconds: int, rng: np.random.Generator
) -> Behaviour:
    """Draw the movements of one trial."""
    n = round((BASELINE_S + seconds) * FPS)
    time = np.arange(n) / FPS - BASELINE_S
    blink_times = _draw_blinks(state, time, rng)
    motion = np.exp(state.follow("motion", time))
    heads = {
        axis: state.follow(axis, time) + 0.3 * motion * wander(rng, n, hertz=0.4)
        for axis in ("turn", "nod", "roll")
    }
    return Behaviour(
        time=time,
        smile=_express(state, "smile", time, rng),
        brows=_express(state, "brows", time, rng),
        blink=_close_lids(time, blink_times),
        gaze=_look_about(time, rng),
        blink_times=blink_times,
        **heads,
    )


def wander(
    rng: np.random.Generator, n: int, *, hertz: float, sfreq: float = FPS
) -> Seconds:
    """Return smooth noise with a standard deviation of about 1.

    Parameters
    ----------
    hertz : float
        Above this there is little left.
    """
    sigma = sfreq / (2 * np.pi * hertz)
    noise = gaussian_filter1d(rng.standard_normal(n), sigma, mode="reflect")
    return np.asarray(noise * np.sqrt(2 * sigma * np.sqrt(np.pi)))


def _express(
    state: State, trait: str, time: Seconds, rng: np.random.Generator
) -> Seconds:
    spontaneous = 0.16 * wander(rng, len(time), hertz=0.3)
    return np.clip(state.follow(trait, time) + spontaneous, -1.0, 1.0)


def _draw_blinks(state: State, time: Seconds, rng: np.random.Generator) -> Times:
    rates = BLINKS * np.exp(state.follow("blink_rate", time))
    wanted = rng.random(len(time)) < rates / FPS
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


def _look_about(time: Seconds, rng: np.random.Generator) -> Seconds:
    """Return the side to which the eyes look: steps, a fixation between two."""
    n_steps = 2 + round(float(time[-1] - time[0]) / 0.4)
    begins = time[0] + np.cumsum(rng.uniform(0.4, 2.2, n_steps))
    sides = np.clip(0.45 * rng.standard_normal(n_steps + 1), -1.0, 1.0)
    steps = sides[np.searchsorted(begins, time)]
    return np.asarray(gaussian_filter1d(steps, 0.02 * FPS))
