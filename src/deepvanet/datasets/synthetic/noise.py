"""Noise in a band, of a slope: what every made-up signal begins with."""

import numpy as np


def draw_noise(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    *,
    sfreq: float,
    band: tuple[float, float],
    slope: float = 0.0,
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return noise of unit variance in a band of hertz, its power as 1 / f**slope."""
    n = shape[-1]
    hertz = np.fft.rfftfreq(n, 1 / sfreq)
    low, high = band
    edges = 1 / (1 + (low / np.maximum(hertz, 1e-6)) ** 8) / (1 + (hertz / high) ** 8)
    weight = np.sqrt(edges) * np.maximum(hertz, low) ** (-slope / 2)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(shape)) * weight, n)
    power = 2 * np.sum(weight**2) / n
    return np.asarray(noise / np.sqrt(power))
