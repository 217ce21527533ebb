"""What one channel of EEG leaves unknown of another: conditional entropy of pairs.

Samples of a trial are sorted into eight levels between three deviations below and above
the channel's mean. Of each pair, the first known, the entropy of the second is left.
"""

import numpy as np
from jaxtyping import Float64, Int

N_LEVELS = 8
WIDEST = 3.0
"""In deviations."""


def measure_pairs(
    signals: Float64[np.ndarray, "channel time"],
) -> Float64[np.ndarray, " pair"]:
    """Return the conditional entropy of each pair of channels, in bits.

    Parameters
    ----------
    signals : array, shape (channel, time)
        What is not finite is left out in all channels; a channel without a finite
        number, or one that does not move, gives NaN.

    Returns
    -------
    array, shape (pair,)
        H(second | first); pairs in the order of ``numpy.triu_indices``.
    """
    n_channels = len(signals)
    one, other = np.triu_indices(n_channels, k=1)
    lost = ~np.isfinite(signals).any(axis=1)
    there = np.isfinite(signals[~lost]).all(axis=0)
    if not there.any() or lost.all():
        return np.full(len(one), np.nan)
    levels = np.zeros((n_channels, int(there.sum())), dtype=np.int64)
    for place in np.flatnonzero(~lost):
        values = signals[place, there]
        spread = values.std()
        if spread == 0:
            lost[place] = True
            continue
        levels[place] = sort_levels((values - values.mean()) / spread)
    joint = count_joint(levels)
    both = _find_entropy(joint[one, other].reshape(len(one), -1))
    alone = _find_entropy(joint[one, other].sum(axis=2))
    found = both - alone
    found[lost[one] | lost[other]] = np.nan
    return np.asarray(found)


def sort_levels(scaled: Float64[np.ndarray, " time"]) -> Int[np.ndarray, " time"]:
    """Return the level of each sample, from 0.

    Examples
    --------
    >>> sort_levels(np.array([-9.0, -0.1, 0.1, 2.9])).tolist()
    [0, 3, 4, 7]
    """
    width = 2 * WIDEST / N_LEVELS
    level = np.floor((scaled + WIDEST) / width).astype(np.int64)
    return np.asarray(np.clip(level, 0, N_LEVELS - 1))


def count_joint(
    levels: Int[np.ndarray, "channel time"],
) -> Float64[np.ndarray, "channel channel level level"]:
    """Return the share of samples at each two levels of each two channels."""
    n_channels, n_samples = levels.shape
    is_at = levels[:, None] == np.arange(N_LEVELS)[:, None]
    flat = is_at.reshape(n_channels * N_LEVELS, n_samples).astype(np.float32)
    counts = (flat @ flat.T).astype(np.float64)  # whole numbers below 2**24 are exact
    shape = (n_channels, N_LEVELS, n_channels, N_LEVELS)
    return np.asarray(counts.reshape(shape).transpose(0, 2, 1, 3) / n_samples)


def _find_entropy(
    shares: Float64[np.ndarray, "pair cell"],
) -> Float64[np.ndarray, " pair"]:
    logs = np.log2(np.where(shares > 0, shares, 1))
    return np.asarray(-(shares * logs).sum(axis=1))
