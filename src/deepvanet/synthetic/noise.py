"""Noise in a band, of a slope: what every synthetic signal begins with."""

import numpy as np


def sample_noise(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    *,
    sfreq: float,
    band: tuple[float, float],
    slope: float = 0.0,
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return noise of unit variance in a band of hertz, its power as 1 / f**slope.

    Parameters
    ----------
    rng : Generator
        What the noise is sampled from.
    shape : tuple of int
        Of the array; the last axis is time.
    sfreq : float
        Samples a second.
    band : (float, float)
        Lowest and highest frequency in hertz; the edges are soft.
    slope : float
        How fast the power falls with the frequency; at 0 it is even within the band.

    Returns
    -------
    array
        Of ``shape``; rows are independent.
    """
    n = shape[-1]
    hertz = np.fft.rfftfreq(n, 1 / sfreq)
    low, high = band
    edges = 1 / (1 + (low / np.maximum(hertz, 1e-6)) ** 8) / (1 + (hertz / high) ** 8)
    weight = np.sqrt(edges) * np.maximum(hertz, low) ** (-slope / 2)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(shape)) * weight, n)
    power = 2 * np.sum(weight**2) / n
    return np.asarray(noise / np.sqrt(power))
