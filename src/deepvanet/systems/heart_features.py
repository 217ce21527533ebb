"""Beats of a heart over a trial, from a plethysmograph or from an ECG.

NeuroKit2 finds the beats. Intervals outside 0.25 to 1.5 s are no intervals between
beats and are left out. Intervals are then known four times a second, by straight lines
between beats: spectra and entropies are of that series, called the tachogram.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64

from deepvanet.learners.features import load_neurokit
from deepvanet.learners.trial_signals import Trace
from deepvanet.schema import ChannelType
from deepvanet.systems.spectra import (
    Spectrum,
    find_least_s,
    list_bands,
    measure_spectrum,
)
from deepvanet.systems.stretches import Feature, Features, Stretch, slow_down

INTERVAL_S = (0.25, 1.5)
LEAST_INTERVALS = 3

TACHOGRAM_HZ = 4.0

LOW, MIDDLE, HIGH = (0.01, 0.08), (0.08, 0.15), (0.15, 0.5)
"""Bands of the tachogram, in Hz."""

SIGNAL_BANDS = ((0.1, 0.2), (0.2, 0.3), (0.3, 0.4))
ALL_BELOW = (0.0, 0.5)
SCALES = (1, 2, 3, 4, 5)
SCALE_S = 10.0
"""Each scale of the entropy needs so many seconds for each sample of it that is
averaged: 40 samples of the coarse series."""


@dataclass(frozen=True, eq=False)
class Heart:
    """A sensor of the heart in a trial."""

    stretch: Stretch

    @cached_property
    def beats(self) -> Float64[np.ndarray, " beat"]:
        """When the heart beats, in seconds."""
        kit, rate = load_neurokit(), self.stretch.sfreq
        if self.stretch.channel.type is ChannelType.ECG:
            clean = kit.ecg_clean(self.stretch.signal, sampling_rate=rate)
            peaks = kit.ecg_peaks(clean, sampling_rate=rate)[1]["ECG_R_Peaks"]
        else:
            clean = kit.ppg_clean(self.stretch.signal, sampling_rate=rate)
            peaks = kit.ppg_findpeaks(clean, sampling_rate=rate)["PPG_Peaks"]
        return np.asarray(peaks, dtype=np.float64) / rate

    @cached_property
    def _known(self) -> tuple[Trace, Trace]:
        """Return when each interval that is one ends, and how long it is.

        Raises
        ------
        ValueError
            When there are too few.
        """
        interval_s = np.diff(self.beats)
        is_one = (interval_s >= INTERVAL_S[0]) & (interval_s <= INTERVAL_S[1])
        if is_one.sum() < LEAST_INTERVALS:
            raise ValueError(f"{is_one.sum()} intervals between beats")
        return self.beats[1:][is_one], interval_s[is_one]

    @property
    def intervals(self) -> Trace:
        """Between beats, in seconds."""
        return self._known[1]

    @cached_property
    def tachogram(self) -> Trace:
        """Intervals in seconds, ``TACHOGRAM_HZ`` of them a second."""
        at, interval_s = self._known
        time = np.arange(at[0], at[-1], 1 / TACHOGRAM_HZ)
        return np.asarray(np.interp(time, at, interval_s))

    @cached_property
    def variability(self) -> Spectrum:
        """Of the tachogram."""
        return measure_spectrum(self.tachogram, TACHOGRAM_HZ)

    @cached_property
    def spectrum(self) -> Spectrum:
        """Of the signal itself, a few samples a second."""
        return measure_spectrum(*slow_down(self.stretch.signal, self.stretch.sfreq))

    @cached_property
    def entropies(self) -> Float64[np.ndarray, " scale"]:
        """Sample entropy of the tachogram at each scale."""
        _, about = load_neurokit().entropy_multiscale(
            self.tachogram, scale=list(SCALES), method="MSEn"
        )
        return np.asarray(about["Value"], dtype=np.float64)


def _list_entropies() -> Features:
    def make(place: int, scale: int) -> Feature:
        return Feature(SCALE_S * scale, lambda heart: heart.entropies[place])

    return {
        f"entropy at scale {scale}": make(place, scale)
        for place, scale in enumerate(SCALES)
    }


def _find_balance(heart: Heart) -> float:
    low, middle, high = (
        heart.variability.find_power(*band) for band in (LOW, MIDDLE, HIGH)
    )
    return middle / (low + high)


HEART: Features = {
    # four beats for a rate; the variability of 10 s is that of minutes (Munoz 2015)
    "rate mean": Feature(5.0, lambda heart: (60 / heart.intervals).mean()),
    "rate SD": Feature(10.0, lambda heart: (60 / heart.intervals).std()),
    "variability mean": Feature(
        10.0, lambda heart: np.abs(np.diff(heart.intervals)).mean()
    ),
    "variability SD": Feature(10.0, lambda heart: np.diff(heart.intervals).std()),
    "interval mean": Feature(5.0, lambda heart: heart.intervals.mean()),
    "interval SD": Feature(10.0, lambda heart: heart.intervals.std()),
    "ratio 0.04-0.15 to 0.15-0.5 Hz": Feature(
        find_least_s(0.04, 0.15),
        lambda heart: heart.spectrum.compare((0.04, 0.15), HIGH),
    ),
    **list_bands(
        SIGNAL_BANDS,
        lambda heart, band: heart.spectrum.find_log(*band),
        "power {low:g}-{high:g} Hz",
    ),
    **list_bands(
        (LOW, MIDDLE, HIGH),
        lambda heart, band: heart.variability.find_log(*band),
        "variability {low:g}-{high:g} Hz",
    ),
    **_list_entropies(),
    **list_bands(
        ((0.0, 0.1), *SIGNAL_BANDS),
        lambda heart, band: heart.spectrum.compare(band, ALL_BELOW),
        "share {low:g}-{high:g} Hz",
    ),
    "ratio 0-0.08 to 0.15-0.5 Hz": Feature(
        find_least_s(0.0, 0.08),
        lambda heart: heart.spectrum.compare((0.0, 0.08), HIGH),
    ),
    "balance of variability": Feature(
        find_least_s(*LOW),
        _find_balance,
    ),
}
"""All features of the heart."""

KOELSTRA = tuple(HEART)[:13]
TEAP = (
    *("interval mean", "interval SD"),
    *(name for name in HEART if name.startswith(("entropy", "share", "variability 0"))),
    *("ratio 0-0.08 to 0.15-0.5 Hz", "balance of variability"),
)
