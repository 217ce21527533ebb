"""Moments of a signal and of its changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import kurtosis, skew

from deepvanet.learners.trial_signals import Trace
from deepvanet.systems.stretches import Feature, Features, Stretch, slow_down

SECOND_S = 1.0


def find_slope(signal: Trace, sfreq: float) -> float:
    """Return the mean derivative, in units a second."""
    return float(np.diff(signal).mean() * sfreq)


@dataclass(frozen=True, eq=False)
class Changes:
    """A signal, slow enough for its changes to be more than noise, and its changes.

    Attributes
    ----------
    stretch : Stretch
        As it was recorded.
    is_fast : bool
        Whether it is measured at its own rate, not reduced to ``SLOW_HZ``.
    """

    stretch: Stretch
    is_fast: bool = False

    @cached_property
    def series(self) -> Mapping[str, Trace]:
        """The signal itself, and its first and second differences."""
        signal = self.stretch.signal
        if not self.is_fast:
            signal, _ = slow_down(signal, self.stretch.sfreq)
        return {
            "signal": signal,
            "first difference": np.diff(signal),
            "second difference": np.diff(signal, n=2),
        }


_STATISTICS: Mapping[str, Callable[[Trace], float]] = {
    "mean": np.mean,
    "SD": np.std,
    "skewness": skew,
    "kurtosis": kurtosis,
    "median": np.median,
    "minimum": np.min,
    "maximum": np.max,
}


def _find_statistics() -> Features:
    found = {}
    for series in ("signal", "first difference", "second difference"):
        for name in _STATISTICS:

            def find(changes: Changes, of: str = series, how: str = name) -> float:
                return float(_STATISTICS[how](changes.series[of]))

            found[f"{series}: {name}"] = Feature(SECOND_S, find)
    for series in ("first difference", "second difference"):

        def find_size(changes: Changes, of: str = series) -> float:
            return float(np.abs(changes.series[of]).mean())

        found[f"{series}: mean size"] = Feature(SECOND_S, find_size)

    def find_middle_half(changes: Changes) -> float:
        low, high = np.percentile(changes.series["signal"], [25, 75])
        return float(high - low)

    found["signal: middle half"] = Feature(SECOND_S, find_middle_half)
    return found


STATISTICS: Features = _find_statistics()
"""Of the signal and of its differences; each needs a second."""
