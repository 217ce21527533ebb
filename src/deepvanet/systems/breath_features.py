"""A belt about the chest over a trial. NeuroKit2 finds the breaths."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64
from scipy.stats import kurtosis, skew

from deepvanet.learners.features import load_neurokit
from deepvanet.learners.trial_signals import Trace
from deepvanet.systems.moments import find_slope
from deepvanet.systems.skin_features import POWER_BANDS
from deepvanet.systems.spectra import (
    Spectrum,
    find_least_s,
    list_bands,
    measure_spectrum,
)
from deepvanet.systems.stretches import Feature, Features, Stretch, slow_down

SLOW, FAST = (0.05, 0.25), (0.25, 5.0)
"""Bands of the difference of log energies, in Hz."""

BREATHS = (0.05, 1.0)
"""Where the main frequency is looked for, in Hz."""

TEAP_BANDS = (
    *((0.0, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.4)),
    *((0.4, 0.7), (0.7, 1.0), (1.0, 2.5)),
)
THREE_BREATHS_S = 10.0
"""In which a person at rest breathes in two or three times."""

_MINUTE_S = 60.0


@dataclass(frozen=True, eq=False)
class Breath:
    """A sensor of breath in a trial."""

    stretch: Stretch

    @cached_property
    def slow(self) -> Trace:
        """The signal, a few samples a second."""
        return slow_down(self.stretch.signal, self.stretch.sfreq)[0]

    @cached_property
    def spectrum(self) -> Spectrum:
        """Of the signal."""
        return measure_spectrum(self.stretch.signal, self.stretch.sfreq)

    @cached_property
    def periods(self) -> Float64[np.ndarray, " breath"]:
        """From one breath in to the next, in seconds.

        Raises
        ------
        ValueError
            When there are fewer than two.
        """
        kit, rate = load_neurokit(), self.stretch.sfreq
        clean = kit.rsp_clean(self.stretch.signal, sampling_rate=rate)
        peaks = kit.rsp_peaks(clean, sampling_rate=rate)[1]["RSP_Peaks"]
        if len(peaks) < 3:
            raise ValueError(f"{len(peaks)} breaths")
        return np.diff(np.asarray(peaks, dtype=np.float64)) / rate


BREATH: Features = {
    "log energy 0.05-0.25 less 0.25-5 Hz": Feature(
        find_least_s(*SLOW), lambda breath: breath.spectrum.compare(SLOW, FAST)
    ),
    "mean": Feature(1.0, lambda breath: breath.slow.mean()),
    "mean derivative": Feature(
        1.0, lambda b: find_slope(b.stretch.signal, b.stretch.sfreq)
    ),
    "SD": Feature(1.0, lambda breath: breath.slow.std()),
    "range": Feature(1.0, lambda breath: np.ptp(breath.slow)),
    "centroid": Feature(
        find_least_s(*SLOW), lambda breath: breath.spectrum.find_centroid(0.0, 2.4)
    ),
    "rate": Feature(
        THREE_BREATHS_S, lambda breath: (_MINUTE_S / breath.periods).mean()
    ),
    **list_bands(
        POWER_BANDS,
        lambda breath, band: breath.spectrum.find_log(*band),
        "power {low:.2f}-{high:.2f} Hz",
    ),
    "mean peak to peak": Feature(THREE_BREATHS_S, lambda breath: breath.periods.mean()),
    "median peak to peak": Feature(
        THREE_BREATHS_S, lambda breath: np.median(breath.periods)
    ),
    "skewness": Feature(1.0, lambda breath: skew(breath.slow)),
    "kurtosis": Feature(1.0, lambda breath: kurtosis(breath.slow)),
    **list_bands(
        TEAP_BANDS,
        lambda breath, band: breath.spectrum.find_log(*band),
        "power {low:.1f}-{high:.1f} Hz",
    ),
    "main frequency": Feature(
        THREE_BREATHS_S, lambda breath: breath.spectrum.find_main(*BREATHS)
    ),
}
"""All features of breath."""

KOELSTRA = tuple(BREATH)[:19]
TEAP = (
    *("mean", "SD", "skewness", "kurtosis"),
    *(f"power {low:.1f}-{high:.1f} Hz" for low, high in TEAP_BANDS),
    "main frequency",
)
