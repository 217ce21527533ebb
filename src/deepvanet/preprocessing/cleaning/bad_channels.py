"""Find EEG channels that recorded something else.

What one electrode sees, its neighbours see too: a good channel resembles what
spherical splines through the others predict for it, a bad one does not [1]_. Where
so many do not that electrodes must lie too far apart for that, outliers are found
by their distances [2]_.

On synthetic raw EEG (30 bad channels of 448) prediction found 28 and called 2 good
ones bad, on a real recording of 30 channels, 15 of which were spoilt in turn, 15
and 1. Local outlier factors found 21 and 10, and called 3 and none bad.

References
----------
.. [1] Bigdely-Shamlo et al. (2015). The PREP pipeline: standardized preprocessing
   for large-scale EEG analysis. Frontiers in Neuroinformatics 9, 16.
.. [2] Kumaravel et al. (2022). NEAR: an artifact removal pipeline for human newborn
   EEG data. Developmental Cognitive Neuroscience 54, 101068.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from deepvanet.preprocessing.bio import find_bad_samples, find_flat
from deepvanet.preprocessing.cleaning.electrodes import (
    FEWEST_ELECTRODES,
    Operator,
    interpolate,
)

LEAST_CORRELATION = 0.4
"""Of a good channel with its prediction (as PREP's)."""
WINDOW_S = 4.0
MOST_BAD = 0.25
"""Share of channels beyond which prediction is not trusted."""
LOF_THRESHOLD, LOF_NEIGHBOURS = 1.5, 10

Copy = Float[np.ndarray, "channel time"]


def find_good(
    eeg: Sequence[NDArray[Any]], copy: Copy, info: Any
) -> Bool[np.ndarray, " channel"]:
    """Return which channels recorded EEG; of few electrodes all that are not dead.

    Parameters
    ----------
    eeg : sequence of array, shape (time,)
        The channels as recorded.
    copy, info
        As in ``find_outliers``.
    """
    is_alive = ~find_dead(eeg)
    if is_alive.sum() < FEWEST_ELECTRODES:
        return is_alive
    return np.asarray(is_alive & ~find_outliers(copy, info, is_alive))


def find_dead(eeg: Sequence[NDArray[Any]]) -> Bool[np.ndarray, " channel"]:
    """Return which channels never change, or hold a number that is not finite."""
    rows = (signal[None] for signal in eeg)
    return np.array([find_bad_samples(r)[0] or find_flat(r)[0] for r in rows], bool)


def find_outliers(
    copy: Copy, info: Any, is_alive: Bool[np.ndarray, " channel"]
) -> Bool[np.ndarray, " channel"]:
    """Return which living channels are bad.

    Parameters
    ----------
    copy : array, shape (channel, time)
        The EEG between 1 and 100 Hz.
    info : mne.Info
        Where the channels are, and the rate of ``copy``.
    """
    length = max(1, min(copy.shape[1], round(WINDOW_S * info["sfreq"])))
    is_good = is_alive.copy()
    while is_good.sum() > (1 - MOST_BAD) * is_alive.sum():
        resembles = correlate(copy, find_predictor(info, is_good), is_good, length)
        worst = int(np.argmin(np.where(is_good, resembles, np.inf)))
        if resembles[worst] >= LEAST_CORRELATION:
            return np.asarray(is_alive & ~is_good)
        # a bad channel spoils what is predicted for its neighbours: one at a time
        is_good[worst] = False
    return _find_distant(copy, info, is_alive)


def find_predictor(info: Any, is_good: Bool[np.ndarray, " channel"]) -> Operator:
    """Return the operator that predicts each good channel from the other good ones."""
    rows = np.zeros((len(is_good), len(is_good)))
    for channel in np.flatnonzero(is_good):
        others = is_good.copy()
        others[channel] = False
        rows[channel] = interpolate(info, others)[channel]
    return rows


def correlate(
    copy: Copy,
    prediction: Operator,
    is_good: Bool[np.ndarray, " channel"],
    length: int,
) -> Float[np.ndarray, " channel"]:
    """Return each channel's correlation with its prediction, the median of windows.

    Parameters
    ----------
    copy : array, shape (channel, time)
        The EEG between 1 and 100 Hz.
    prediction : array, shape (channel, channel)
        Operator that predicts good channels from others, as ``predict`` returns it.
    is_good : array, shape (channel,)
        Channels whose median is subtracted as a reference.
    length : int
        Samples of a window.

    Returns
    -------
    array, shape (channel,)
        From -1 to 1; a window in which a signal is constant counts as 0.
    """
    n_windows = copy.shape[1] // length
    # the median of channels, since the mean is what a loud one makes it
    referenced = copy - np.median(copy[is_good], axis=0)
    seen, predicted = (
        signals[:, : n_windows * length].reshape(len(copy), n_windows, length)
        for signals in (referenced, prediction @ referenced)
    )
    seen = seen - seen.mean(axis=2, keepdims=True)
    predicted = predicted - predicted.mean(axis=2, keepdims=True)
    together = np.sum(seen * predicted, axis=2)
    alone = np.sqrt(np.sum(seen**2, axis=2) * np.sum(predicted**2, axis=2))
    ratio = np.divide(together, alone, out=np.zeros_like(together), where=alone > 0)
    return np.asarray(np.median(ratio, axis=1))


def _find_distant(
    copy: Copy, info: Any, is_alive: Bool[np.ndarray, " channel"]
) -> Bool[np.ndarray, " channel"]:
    import mne

    picked = mne.pick_info(info, np.flatnonzero(is_alive))
    raw = mne.io.RawArray(copy[is_alive], picked, verbose="ERROR")
    found = mne.preprocessing.find_bad_channels_lof(
        raw,
        min(LOF_NEIGHBOURS, len(raw.ch_names) - 1),
        threshold=LOF_THRESHOLD,
        verbose="ERROR",
    )
    return np.asarray(is_alive & np.isin(info["ch_names"], found))
