"""What of a sensor's signal in a trial can be measured, and features by a table.

A feature has a least length. It is measured on the longest stretch of the signal
without a gap (:mod:`deepvanet.learners.trial_signals` says which gaps are filled), and
is NaN where that is shorter, the signal does not move, or nothing is found in it.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from deepvanet.learners.trial_signals import (
    Trace,
    TrialSignals,
    fill_gaps,
    list_stretches,
)
from deepvanet.schema import Channel

SLOW_HZ = 8.0
"""To which slow signals are reduced, by means over blocks of samples."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """The longest part of a sensor's signal in a trial that can be measured.

    Attributes
    ----------
    channel : Channel
        Whose signal it is.
    signal : array, shape (time,)
        Finite, in the unit of the channel.
    sfreq : float
        Samples a second, in Hz.
    """

    channel: Channel
    signal: Trace
    sfreq: float

    @property
    def lasts_s(self) -> float:
        """Its length in seconds."""
        return len(self.signal) / self.sfreq


def find_longest(joined: TrialSignals, place: int) -> Stretch | None:
    """Return the longest stretch of a channel; None where nothing moves in it."""
    signal = joined.signals[place]
    filled = fill_gaps(signal, joined.sfreq)
    lengths = [(end - start, start) for start, end in list_stretches(signal, filled)]
    if not lengths:
        return None
    length, start = max(lengths, key=lambda one: one[0])
    part = filled[start : start + length]
    if np.ptp(part) == 0:
        return None
    return Stretch(joined.channels[place], part, joined.sfreq)


def slow_down(
    signal: Trace, sfreq: float
) -> tuple[Float64[np.ndarray, " block"], float]:
    """Return the means of blocks of samples, and how many there are a second.

    As many as ``SLOW_HZ``, or somewhat more where the rate is no multiple of it.
    """
    n_block = max(1, int(sfreq / SLOW_HZ))
    n_kept = len(signal) // n_block * n_block
    return signal[:n_kept].reshape(-1, n_block).mean(axis=1), sfreq / n_block


@dataclass(frozen=True)
class Feature:
    """One number of a sensor in a trial.

    Attributes
    ----------
    least_s : float
        Seconds without a gap that it needs.
    find : callable
        From the reading of the sensor to the number; NaN where it finds none.
    """

    least_s: float
    find: Callable[[Any], float]


Features = Mapping[str, Feature]
"""By name."""

_NOTHING_FOUND = (ValueError, IndexError, KeyError, TypeError, ZeroDivisionError)
"""What NeuroKit2 raises where it finds no beat or no breath."""


def measure(
    features: Features, open_reading: Callable[[Stretch], Any], stretch: Stretch | None
) -> dict[str, float]:
    """Return every feature of a table by name.

    Parameters
    ----------
    open_reading : callable
        From the stretch to what the features take.
    stretch : Stretch | None
        None: all of them are NaN.
    """
    found = dict.fromkeys(features, np.nan)
    if stretch is None:
        return found
    reading = open_reading(stretch)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for name, feature in features.items():
            if stretch.lasts_s < feature.least_s:
                continue
            try:
                value = float(feature.find(reading))
            except _NOTHING_FOUND:
                continue
            found[name] = value if np.isfinite(value) else np.nan
    return found
