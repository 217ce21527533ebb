"""Bio-signals of a trial: take the rest before the stimulus off, look for faults.

Every way of removing a baseline marks the trial it was taken from: all segments
of the trial carry the same number (``mean``) or the same waveform (``waveform``),
so a model that sees some of them in training knows the others again.
"""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Bool, Float

from deepvanet.schema import UserError

Bio = Float[np.ndarray, "channel time"]
Rest = Float[np.ndarray, "channel rest"]


def remove_mean(stimulus: Bio, rest: Rest, segment_length: int) -> Bio:
    """Subtract each channel's mean over the rest: what the paper's text says."""
    del segment_length
    if rest.shape[1] == 0 and len(rest):
        raise UserError(
            "--baseline mean: needs rest before the stimulus, got 0 s; --baseline none "
            "goes without"
        )
    return np.asarray(stimulus - rest.mean(axis=1, keepdims=True))


def remove_waveform(stimulus: Bio, rest: Rest, segment_length: int) -> Bio:
    """Subtract the mean one-second waveform of the rest from every second.

    This is what the published code does. It has no physiological meaning, since
    nothing ties a signal's phase to the cut, and it stamps the trial's noise on
    each of its segments.
    """
    n_whole = rest.shape[1] // segment_length
    if n_whole == 0 and len(rest):
        raise UserError(
            "--baseline waveform: needs at least one second of rest before the "
            f"stimulus, got {rest.shape[1] / segment_length:.2f} s"
        )
    seconds = rest[:, : n_whole * segment_length]
    waveform = seconds.reshape(len(rest), n_whole, segment_length).mean(axis=1)
    repeats = -(-stimulus.shape[1] // segment_length)
    return np.asarray(stimulus - np.tile(waveform, repeats)[:, : stimulus.shape[1]])


def keep(stimulus: Bio, rest: Rest, segment_length: int) -> Bio:
    """Leave the signals as they are."""
    del rest, segment_length
    return stimulus


BASELINES: Mapping[str, Callable[[Bio, Rest, int], Bio]] = {
    "mean": remove_mean,
    "waveform": remove_waveform,
    "none": keep,
}
"""Ways of using the rest before a stimulus, by name."""


def find_bad_samples(bio: Bio) -> Bool[np.ndarray, " channel"]:
    """Return which channels hold a number that is not finite."""
    return np.asarray(~np.isfinite(bio).all(axis=1))


def find_flat(bio: Bio) -> Bool[np.ndarray, " channel"]:
    """Return which channels never change, as a dead electrode's do."""
    return np.asarray(np.ptp(bio, axis=1) == 0)
