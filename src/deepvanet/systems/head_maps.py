"""EEG of each second as a picture of the head: three bands as red, green and blue.

Electrodes are laid on a disc by azimuthal equidistant projection: the vertex is its
centre, and the distance from it is the angle. Between them a pixel is their mean,
weighed by one by the square of the distance; beyond the rim it is black. A colour is
the log power of a band, the same for every subject, from 0.01 to 1,000 squared
microvolts.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from math import isqrt

import numpy as np
from jaxtyping import Float, Float32, Float64
from scipy.signal import welch

from deepvanet.models.fixed_filters import SIDE
from deepvanet.schema import Channel, UserError

BANDS: Mapping[str, tuple[float, float]] = {
    "theta": (4, 7),
    "alpha": (7, 13),
    "beta": (13, 30),
}
"""In Hz, from the first up to but without the second: red, green and blue."""

MONTAGE = "easycap-M1"
"""MNE's places of electrodes on a sphere."""

RIM = 1.3
"""Radius of the head on the picture's half side, in quarters of a circle."""

DARKEST, BRIGHTEST = -2.0, 3.0
"""Decimal logarithms of squared microvolts that are 0 and 1."""

_NEAR = 0.05  # so that a pixel on an electrode is not its alone

Places = Float64[np.ndarray, "electrode 2"]


@cache
def load_places() -> Mapping[str, tuple[float, float]]:
    """Return where electrodes lie on the disc, right and front, by their names.

    The vertex is at (0, 0), and what lies a quarter of a circle from it at 1. Names are
    in small letters.
    """
    from mne.channels import make_standard_montage  # takes a second

    places = {}
    positions = make_standard_montage(MONTAGE).get_positions()["ch_pos"]
    for name, (x, y, z) in positions.items():
        away = np.hypot(x, y)
        angle = np.arctan2(away, z) / (np.pi / 2)
        scale = angle / away if away > 0 else 0.0
        places[name.lower()] = (float(scale * x), float(scale * y))
    return places


def find_places(channels: Sequence[Channel]) -> tuple[list[int], Places]:
    """Return which channels have a place, and where that is.

    Raises
    ------
    UserError
        When none has.
    """
    known = load_places()
    has = [k for k, channel in enumerate(channels) if channel.name.lower() in known]
    if not has:
        raise UserError(
            "after-siddharth2019: needs electrodes of the 10-20 system, got "
            f"{', '.join(channel.name for channel in channels)}"
        )
    return has, np.array([known[channels[k].name.lower()] for k in has])


def weigh_pixels(
    places: Places, side: int = SIDE
) -> Float64[np.ndarray, "pixel electrode"]:
    """Return what each electrode counts in each pixel; rows sum to one, or to zero.

    Parameters
    ----------
    places : array, shape (electrode, 2)
        On the disc, right and front.
    side : int
        Pixels of the picture along each side.

    Returns
    -------
    array, shape (pixel, electrode)
        Pixels row by row, from the front; those beyond the rim are zero.
    """
    axis = (np.arange(side) + 0.5) / side * 2 * RIM - RIM
    right, front = np.meshgrid(axis, -axis)
    pixels = np.stack([right.ravel(), front.ravel()], axis=1)
    apart = np.square(pixels[:, None] - places[None]).sum(axis=2)
    weight = 1 / (apart + _NEAR**2)
    weight /= weight.sum(axis=1, keepdims=True)
    weight[np.hypot(*pixels.T) > RIM] = 0
    return np.asarray(weight)


def measure_colours(
    signals: Float[np.ndarray, "second channel time"], sfreq: float
) -> Float64[np.ndarray, "second channel band"]:
    """Return the log power of each band between 0 and 1, as a colour.

    Parameters
    ----------
    signals : array, shape (second, channel, time)
        In microvolts; a channel with a number that is not finite gives NaN.
    sfreq : float
        Samples a second, in Hz.
    """
    length = min(round(sfreq), signals.shape[-1])
    hertz, density = welch(signals.astype(np.float64), fs=sfreq, nperseg=length)
    powers = np.stack(
        [
            density[..., (hertz >= low) & (hertz < high)].sum(axis=-1) * sfreq / length
            for low, high in BANDS.values()
        ],
        axis=-1,
    )
    logs = np.log10(np.maximum(powers, 10**DARKEST))
    return np.asarray(np.clip((logs - DARKEST) / (BRIGHTEST - DARKEST), 0, 1))


def paint(
    colours: Float64[np.ndarray, "second electrode band"],
    weight: Float64[np.ndarray, "pixel electrode"],
) -> Float32[np.ndarray, "second band side side"]:
    """Return pictures of the head; an electrode that is not known is left out.

    Parameters
    ----------
    colours : array, shape (second, electrode, band)
        From 0 to 1; NaN is not known.
    weight : array, shape (pixel, electrode)
        Of ``weigh_pixels``.
    """
    is_known = np.isfinite(colours)
    sums = np.einsum("pe,seb->sbp", weight, np.where(is_known, colours, 0))
    shares = np.einsum("pe,seb->sbp", weight, is_known.astype(np.float64))
    pictures = np.divide(sums, shares, out=np.zeros_like(sums), where=shares > 0)
    side = isqrt(len(weight))
    shape = (*pictures.shape[:2], side, side)
    return np.asarray(pictures.reshape(shape), np.float32)
