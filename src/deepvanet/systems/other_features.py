"""Temperature of the skin, muscles and eye movements over a trial."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import kurtosis, skew

from deepvanet.learners.features import load_neurokit
from deepvanet.learners.trial_signals import Trace
from deepvanet.schema import Channel
from deepvanet.systems.moments import find_slope
from deepvanet.systems.spectra import (
    LEAST_POWER,
    Spectrum,
    list_bands,
    measure_spectrum,
)
from deepvanet.systems.stretches import Feature, Features, Stretch, slow_down

MUSCLE_HZ = (4.0, 40.0)
BLINKS_S = 10.0
"""People blink about every four seconds."""

_MINUTE_S = 60.0


@dataclass(frozen=True, eq=False)
class Plain:
    """A sensor in a trial."""

    stretch: Stretch

    @cached_property
    def slow(self) -> Trace:
        """The signal, a few samples a second."""
        return slow_down(self.stretch.signal, self.stretch.sfreq)[0]

    @cached_property
    def spectrum(self) -> Spectrum:
        """Of the signal."""
        return measure_spectrum(self.stretch.signal, self.stretch.sfreq)


def _find_variance(plain: Plain) -> float:
    return float(np.log(max(plain.stretch.signal.var(), LEAST_POWER)))


def _count_blinks(plain: Plain) -> float:
    kit, rate = load_neurokit(), plain.stretch.sfreq
    clean = kit.eog_clean(plain.stretch.signal, sampling_rate=rate)
    peaks = kit.eog_findpeaks(clean, sampling_rate=rate, method="brainstorm")
    return len(peaks) * _MINUTE_S / plain.stretch.lasts_s


TEMPERATURE: Features = {
    "mean": Feature(1.0, lambda plain: plain.slow.mean()),
    "mean derivative": Feature(
        1.0, lambda p: find_slope(p.stretch.signal, p.stretch.sfreq)
    ),
    **list_bands(
        ((0.0, 0.1), (0.1, 0.2)),
        lambda plain, band: plain.spectrum.find_log(*band),
        "power {low:.1f}-{high:.1f} Hz",
    ),
    "SD": Feature(1.0, lambda plain: plain.slow.std()),
    "skewness": Feature(1.0, lambda plain: skew(plain.slow)),
    "kurtosis": Feature(1.0, lambda plain: kurtosis(plain.slow)),
}
"""All features of the skin's temperature."""

KOELSTRA_TEMPERATURE = tuple(TEMPERATURE)[:4]
TEAP_TEMPERATURE = (
    *("mean", "SD", "skewness", "kurtosis"),
    *("power 0.0-0.1 Hz", "power 0.1-0.2 Hz"),
)

MUSCLE: Features = {
    "log energy 4-40 Hz": Feature(1.0, lambda p: p.spectrum.find_log(*MUSCLE_HZ)),
    "mean": Feature(1.0, lambda plain: plain.stretch.signal.mean()),
    "log variance": Feature(1.0, _find_variance),
}
"""Of a muscle, and of movements of the eyes to the sides."""

VERTICAL_EOG: Features = {"blinks a minute": Feature(BLINKS_S, _count_blinks), **MUSCLE}
"""Of movements of the eyes up and down, with their blinks."""


def is_vertical(channel: Channel) -> bool:
    """Say whether an EOG channel is named as one of up and down.

    Examples
    --------
    >>> from deepvanet.schema import ChannelType
    >>> [is_vertical(Channel(n, ChannelType.EOG, "uV")) for n in ("vEOG", "hEOG")]
    [True, False]
    """
    return "v" in channel.name.lower().replace("eog", "")
