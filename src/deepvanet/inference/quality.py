"""Which channels can be believed in which second."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from deepvanet.schema import BIO, Channel, ChannelType

SLOW = {
    ChannelType.GSR,
    ChannelType.RESPIRATION,
    ChannelType.TEMPERATURE,
    ChannelType.DERIVED,
}
"""What may well stay the same for a second."""
SLOW_S = 5
"""Seconds before and after over which even these change."""
MOST_LOST = 0.5
"""Share of its seconds above which a channel is bad in a segment of several."""
LEAST_GOOD = 0.5
"""Share of a stream's channels without which the stream counts as missing."""
MOST_UNSEEN = 0.5
"""Share of a second that an eye may be closed; other channels have no gaps."""
CONTEXT_S = 2
"""Seconds of signal that a filter wants on both sides."""

Flags = Bool[np.ndarray, "second _"]


def find_bad(
    bio: Float[np.ndarray, "channel time"],
    channels: Sequence[Channel],
    *,
    sfreq: float,
    first: int = 0,
    n_seconds: int,
) -> Flags:
    """Return which channels are flat or not finite, second by second.

    Parameters
    ----------
    bio : array, shape (channel, time)
        As recorded: a filter hides that a channel was flat.
    channels : sequence of Channel
        Of ``bio``, in its order; their types say which of them change slowly.
    sfreq : float
        Samples a second of ``bio``, in Hz.
    first : int
        The second of ``bio`` at which the seconds start; what lies around them
        helps to judge slow channels.
    n_seconds : int
        How many seconds are judged.

    Returns
    -------
    array, shape (second, channel)
        Whether a channel is bad in a second.
    """
    # a last second may be one for its resampled samples only
    n_held = max(int(bio.shape[1] / sfreq), first + n_seconds)
    is_finite = np.zeros((n_held, len(bio)), bool)
    may_close = np.array([c.stream not in BIO for c in channels], bool)
    least = np.where(may_close, 1 - MOST_UNSEEN, 1.0)
    low, high = np.zeros((n_held, len(bio))), np.zeros((n_held, len(bio)))
    for second in range(n_held):
        part = bio[:, round(second * sfreq) : round((second + 1) * sfreq)]
        if not part.size:
            continue
        is_finite[second] = np.isfinite(part).mean(axis=1) >= least
        known = np.nan_to_num(part, nan=0.0, posinf=0.0, neginf=0.0)
        low[second], high[second] = known.min(axis=1), known.max(axis=1)
    is_slow = np.array([c.type in SLOW for c in channels], bool)
    bad = np.empty((n_seconds, len(bio)), bool)
    for row, second in enumerate(range(first, first + n_seconds)):
        around = slice(max(0, second - SLOW_S), second + SLOW_S + 1)
        is_flat = np.where(
            is_slow,
            low[around].min(axis=0) == high[around].max(axis=0),
            low[second] == high[second],
        )
        bad[row] = (is_flat & ~may_close) | ~is_finite[second]
    return bad


def find_edges(
    n_seconds: int, *, before_s: float = 0.0, after_s: float = 0.0
) -> Bool[np.ndarray, " second"]:
    """Return which seconds have less than ``CONTEXT_S`` of signal on a side.

    Parameters
    ----------
    before_s, after_s : float
        Signal beyond these seconds.
    """
    second = np.arange(n_seconds)
    return np.asarray(
        (before_s + second < CONTEXT_S) | (after_s + n_seconds - 1 - second < CONTEXT_S)
    )
