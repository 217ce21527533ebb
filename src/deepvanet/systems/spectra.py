"""Power of slow signals in bands, and how long a signal must last for a band.

A band needs two cycles of its lower edge; one that starts at 0, of its upper edge.
None needs more than 25 s: below 0.08 Hz a minute, the length of DEAP's trials, holds
fewer than five cycles anyhow.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy.signal import detrend, periodogram

from deepvanet.learners.trial_signals import Trace
from deepvanet.systems.stretches import Feature, Features

CYCLES = 2.0
MOST_NEEDED_S = 25.0
GRID_HZ = 0.005
"""Of the frequencies at which density is known; no band holds fewer than ten."""

LEAST_POWER = 1e-12
"""In squared units; less is not distinguished from it."""


def find_least_s(low: float, high: float) -> float:
    """Return how many seconds a band needs.

    Parameters
    ----------
    low, high : float
        Of the band, in Hz.

    Examples
    --------
    >>> find_least_s(0.2, 0.3), find_least_s(0.0, 0.1), find_least_s(0.01, 0.08)
    (10.0, 20.0, 25.0)
    """
    return min(MOST_NEEDED_S, CYCLES / (low or high))


@dataclass(frozen=True, eq=False)
class Spectrum:
    """How the power of a signal lies over frequencies.

    Attributes
    ----------
    hertz : array, shape (frequency,)
        From 0 to half the rate.
    density : array, shape (frequency,)
        In squared units per Hz.
    """

    hertz: Float64[np.ndarray, " frequency"]
    density: Float64[np.ndarray, " frequency"]

    def find_power(self, low: float, high: float) -> float:
        """Return the power from ``low`` up to but without ``high``, in squared units.

        NaN where the signal has no such frequencies.
        """
        within = (self.hertz >= low) & (self.hertz < high)
        if not within.any():
            return float("nan")
        return float(self.density[within].sum() * self.hertz[1])

    def find_log(self, low: float, high: float) -> float:
        """Return the natural logarithm of the power in a band."""
        return float(np.log(max(self.find_power(low, high), LEAST_POWER)))

    def compare(self, one: tuple[float, float], other: tuple[float, float]) -> float:
        """Return the logarithm of the ratio of the powers in two bands."""
        return self.find_log(*one) - self.find_log(*other)

    def find_centroid(self, low: float, high: float) -> float:
        """Return the mean frequency within a band, weighted by power, in Hz."""
        within = (self.hertz >= low) & (self.hertz < high)
        density = self.density[within]
        return float(self.hertz[within] @ density / density.sum())

    def find_main(self, low: float, high: float) -> float:
        """Return the frequency of most power within a band, in Hz."""
        within = np.flatnonzero((self.hertz >= low) & (self.hertz < high))
        return float(self.hertz[within[np.argmax(self.density[within])]])


def measure_spectrum(signal: Trace, sfreq: float) -> Spectrum:
    """Return the spectrum of a signal about its straight line, in a Hann window.

    Parameters
    ----------
    signal : array, shape (time,)
        Finite.
    sfreq : float
        Samples a second, in Hz.
    """
    n_grid = max(len(signal), int(np.ceil(sfreq / GRID_HZ)))
    hertz, density = periodogram(
        detrend(signal), fs=sfreq, window="hann", nfft=n_grid, detrend=False
    )
    return Spectrum(np.asarray(hertz, float), np.asarray(density, float))


def list_bands(
    bands: Sequence[tuple[float, float]],
    find: Callable[[Any, tuple[float, float]], float],
    form: str,
) -> Features:
    """Return a feature for each of some bands.

    Parameters
    ----------
    bands : sequence of tuple
        In Hz.
    find : callable
        From the reading of a sensor and a band to the number.
    form : str
        Of their names, of ``low`` and ``high``.

    Returns
    -------
    mapping
        Features by name; each needs as long a signal as its band does.
    """

    def make(band: tuple[float, float]) -> Feature:
        return Feature(find_least_s(*band), lambda reading: find(reading, band))

    return {form.format(low=low, high=high): make((low, high)) for low, high in bands}
