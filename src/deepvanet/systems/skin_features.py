"""Skin resistance over a trial.

Conductance is turned upside down, so that the skin's response is a fall in either.
What is counted is given for a minute, since trials differ in length, and powers are
logarithms.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int
from scipy.signal import butter, detrend, sosfiltfilt

from deepvanet.learners.trial_signals import Trace, list_runs
from deepvanet.systems.spectra import (
    Spectrum,
    find_least_s,
    list_bands,
    measure_spectrum,
)
from deepvanet.systems.stretches import Feature, Features, Stretch, slow_down

CONDUCTANCE = "uS"

SMOOTH_HZ = 0.5
"""Below which falls and rises are followed."""

SLOW_RESPONSE_HZ, VERY_SLOW_RESPONSE_HZ = 0.2, 0.08
"""Below which the slow (SCSR) and the very slow response (SCVSR) lie."""

POWER_BANDS = tuple((n * 0.24, (n + 1) * 0.24) for n in range(10))
"""In Hz: ten from 0 to 2.4."""

LEAST_FALL: Mapping[str, float] = {"Ohm": 100.0, CONDUCTANCE: 0.05}
"""Of a peak by the unit of the channel; in another unit there are none to be known."""

FALL_S = (1.0, 10.0)
"""How long the fall of a peak takes."""

_MINUTE_S = 60.0


@dataclass(frozen=True, eq=False)
class Skin:
    """A sensor of the skin in a trial."""

    stretch: Stretch

    @cached_property
    def _slowed(self) -> tuple[Trace, float]:
        sign = -1.0 if self.stretch.channel.unit == CONDUCTANCE else 1.0
        return slow_down(sign * self.stretch.signal, self.stretch.sfreq)

    @property
    def slow(self) -> Trace:
        """The resistance, a few samples a second."""
        return self._slowed[0]

    @property
    def rate(self) -> float:
        """Samples of it a second, in Hz."""
        return self._slowed[1]

    @property
    def minutes(self) -> float:
        """How long it lasts."""
        return self.stretch.lasts_s / _MINUTE_S

    @cached_property
    def smooth(self) -> Trace:
        """What is slower than ``SMOOTH_HZ``."""
        return self._pass_below(self.slow, SMOOTH_HZ)

    @cached_property
    def spectrum(self) -> Spectrum:
        """Of the slow signal."""
        return measure_spectrum(self.slow, self.rate)

    def _pass_below(self, signal: Trace, hertz: float) -> Trace:
        filters = butter(2, hertz, fs=self.rate, output="sos")
        return np.asarray(sosfiltfilt(filters, signal))

    def follow(self, hertz: float) -> Trace:
        """Return what is slower than some frequency, about its straight line."""
        return self._pass_below(detrend(self.slow), hertz)

    def list_falls(self) -> list[tuple[float, float]]:
        """Return how far and for how many seconds each fall of a peak lasts.

        Raises
        ------
        KeyError
            When the unit is not one of ``LEAST_FALL``.
        """
        least = LEAST_FALL[self.stretch.channel.unit]
        falls = []
        for start, end in list_runs(np.diff(self.smooth) < 0):
            far = float(self.smooth[start] - self.smooth[end])
            long_s = (end - start) / self.rate
            if far >= least and FALL_S[0] <= long_s <= FALL_S[1]:
                falls.append((far, long_s))
        return falls


def find_extremes(signal: Trace) -> Int[np.ndarray, " extreme"]:
    """Return where a signal turns."""
    is_rising = np.diff(signal) > 0
    return np.flatnonzero(is_rising[1:] != is_rising[:-1]) + 1


def _find_falling(skin: Skin) -> float:
    change = np.diff(skin.smooth) * skin.rate
    return float(change[change < 0].mean()) if (change < 0).any() else 0.0


def _count_minima(skin: Skin) -> float:
    is_rising = np.diff(skin.smooth) > 0
    return np.count_nonzero(is_rising[1:] & ~is_rising[:-1]) / skin.minutes


def _find_rise_s(skin: Skin) -> float:
    runs = [end - start for start, end in list_runs(np.diff(skin.smooth) > 0)]
    return float(np.mean(runs) / skin.rate)


def _count_crossings(skin: Skin, hertz: float) -> float:
    below = np.signbit(skin.follow(hertz))
    return np.count_nonzero(below[1:] != below[:-1]) / skin.minutes


def _find_size(skin: Skin, hertz: float) -> float:
    response = skin.follow(hertz)
    at = find_extremes(response)
    return float(np.abs(response[at]).mean()) if len(at) else 0.0


def _find_height(skin: Skin) -> float:
    falls = skin.list_falls()
    return float(np.mean([far for far, _ in falls])) if falls else 0.0


def _find_fall_s(skin: Skin) -> float:
    return float(np.mean([long_s for _, long_s in skin.list_falls()]))


_POWERS = list_bands(
    POWER_BANDS,
    lambda skin, band: skin.spectrum.find_log(*band),
    "power {low:.2f}-{high:.2f} Hz",
)
SKIN: Features = {
    "mean": Feature(1.0, lambda skin: skin.slow.mean()),
    "mean derivative": Feature(1.0, lambda s: np.diff(s.slow).mean() * s.rate),
    # the filter below 0.5 Hz needs two cycles
    "mean fall a second": Feature(4.0, _find_falling),
    "share of falling": Feature(4.0, lambda skin: (np.diff(skin.smooth) < 0).mean()),
    "minima a minute": Feature(10.0, _count_minima),
    "mean rise time": Feature(10.0, _find_rise_s),
    **_POWERS,
    "slow zero crossings": Feature(
        find_least_s(0.0, SLOW_RESPONSE_HZ),
        lambda skin: _count_crossings(skin, SLOW_RESPONSE_HZ),
    ),
    "very slow zero crossings": Feature(
        find_least_s(0.0, VERY_SLOW_RESPONSE_HZ),
        lambda skin: _count_crossings(skin, VERY_SLOW_RESPONSE_HZ),
    ),
    "slow response": Feature(
        find_least_s(0.0, SLOW_RESPONSE_HZ),
        lambda skin: _find_size(skin, SLOW_RESPONSE_HZ),
    ),
    "very slow response": Feature(
        find_least_s(0.0, VERY_SLOW_RESPONSE_HZ),
        lambda skin: _find_size(skin, VERY_SLOW_RESPONSE_HZ),
    ),
    # a response takes some seconds to fall and to rise again
    "peaks a minute": Feature(10.0, lambda skin: len(skin.list_falls()) / skin.minutes),
    "peak height": Feature(10.0, _find_height),
    "peak time": Feature(10.0, _find_fall_s),
    "SD": Feature(1.0, lambda skin: skin.slow.std()),
}
"""All features of the skin."""

KOELSTRA = tuple(SKIN)[:20]
TEAP = ("peaks a minute", "peak height", "peak time", "mean", "SD")
