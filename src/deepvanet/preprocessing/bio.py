"""Bio-signals of a trial: subtract the baseline before the stimulus, look for faults.

Every way of removing a baseline marks the trial it was taken from: all segments
of the trial carry the same number (``mean``) or the same waveform (``waveform``),
so a model that sees some of them in training recognises the others.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from deepvanet.schema import UserError

Bio = Float[np.ndarray, "channel time"]
Rest = Float[np.ndarray, "channel rest"]
Repeated = Float[np.ndarray, "channel _"]
"""What is subtracted again and again, from the start of the stimulus on."""


def remove_mean(stimulus: Bio, rest: Rest, segment_length: int) -> Bio:
    """Subtract each channel's mean over the rest: what the paper's text says.

    Raises
    ------
    UserError
        When nothing was recorded before the stimulus.
    """
    return _subtract(stimulus, find_mean(rest, segment_length))


def remove_waveform(stimulus: Bio, rest: Rest, segment_length: int) -> Bio:
    """Subtract the mean one-second waveform of the rest from every second.

    This is what the published code does. It has no physiological meaning, since
    nothing ties a signal's phase to the cut, and it stamps the trial's noise on
    each of its segments.

    Raises
    ------
    UserError
        When less than one segment was recorded before the stimulus.
    """
    return _subtract(stimulus, find_waveform(rest, segment_length))


def _subtract(stimulus: Bio, repeated: Repeated) -> Bio:
    repeats = -(-stimulus.shape[1] // repeated.shape[1])
    return np.asarray(stimulus - np.tile(repeated, repeats)[:, : stimulus.shape[1]])


def find_mean(rest: Rest, segment_length: int) -> Repeated:
    """Return each channel's mean over the rest.

    Raises
    ------
    UserError
        When nothing was recorded before the stimulus.
    """
    del segment_length
    if rest.shape[1] == 0 and len(rest):
        raise UserError(
            "mean needs time before the stimulus, got 0 s; none goes without",
            field="baseline",
        )
    return _average(rest)[:, None]


def find_waveform(rest: Rest, segment_length: int) -> Repeated:
    """Return each channel's mean one-second waveform of the rest.

    Raises
    ------
    UserError
        When less than one second was recorded before the stimulus.
    """
    n_whole = rest.shape[1] // segment_length
    if n_whole == 0 and len(rest):
        raise UserError(
            "waveform needs at least one second of baseline before the stimulus, got "
            f"{rest.shape[1] / segment_length:.2f} s",
            field="baseline",
        )
    seconds = rest[:, : n_whole * segment_length]
    return _average(seconds.reshape(len(rest), n_whole, segment_length))


def _average(values: NDArray[Any]) -> NDArray[Any]:
    """Average over the second axis; what is missing is passed over."""
    known = np.isfinite(values)
    if known.all():
        return np.asarray(values.mean(axis=1))
    n_known = known.sum(axis=1)
    total = np.where(known, values, 0).sum(axis=1)
    return np.where(n_known, total / np.maximum(n_known, 1), np.nan)


def keep(stimulus: Bio, rest: Rest, segment_length: int) -> Bio:
    """Leave the signals as they are."""
    del rest, segment_length
    return stimulus


BASELINES: Mapping[str, Callable[[Bio, Rest, int], Bio]] = {
    "mean": remove_mean,
    "waveform": remove_waveform,
    "none": keep,
}
"""Ways of using the baseline before a stimulus, by name."""

REPEATED: Mapping[str, Callable[[Rest, int], Repeated]] = {
    "mean": find_mean,
    "waveform": find_waveform,
}
"""What each way subtracts, from the rest and the samples of a second."""


def find_bad_samples(bio: Bio) -> Bool[np.ndarray, " channel"]:
    """Return which channels hold a number that is not finite."""
    return np.asarray(~np.isfinite(bio).all(axis=1))


def find_flat(bio: Bio) -> Bool[np.ndarray, " channel"]:
    """Return which channels never change, as a dead electrode's do.

    Samples that are not numbers are passed over; without any other, a channel is
    not flat but bad.

    Examples
    --------
    >>> find_flat(np.array([[1.0, 1.0], [1.0, np.nan], [np.nan, np.nan], [1.0, 2.0]]))
    array([ True,  True, False, False])
    """
    with np.errstate(invalid="ignore"):
        low, high = np.fmin.reduce(bio, axis=1), np.fmax.reduce(bio, axis=1)
    return np.asarray(np.isfinite(low) & (low == high))


def find_silence(
    bio: Bio,
) -> tuple[Bool[np.ndarray, " channel"], Bool[np.ndarray, " channel"]]:
    """Return which channels are not finite, and which of the others never change."""
    bad = find_bad_samples(bio)
    return bad, find_flat(bio) & ~bad
