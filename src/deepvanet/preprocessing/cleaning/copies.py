"""The copy of an EEG that decisions are made on: 1 to 100 Hz, at 256 Hz."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.signal import welch

from deepvanet.preprocessing.cleaning.filters import (
    SHARE_OF_RATE,
    band_pass,
    bridge_gaps,
    resample,
)
from deepvanet.schema import UserError

COPY_HZ = 256.0
COPY_BAND_HZ = (1.0, 100.0)
"""What ICLabel was trained on."""
LONGEST_COPY_S = 600.0
"""Of a longer recording, evenly spread blocks are copied."""
BLOCK_S = 10.0

LEAST_BAND_DB = -25.0
_FILTERED_ABOVE_HZ, _COMPARED_HZ = 52.0, (20.0, 40.0)
LEAST_SLOW_DB = -20.0
"""Five real recordings have -9 to 19 dB; a high-pass at 4 Hz leaves -50."""
_SLOW_HZ, _BESIDE_HZ, _SLOW_WINDOW_S = (1.0, 1.5), (5.0, 8.0), 4.0
_LINES_HZ, _LINE_WIDTH_HZ = (50.0, 60.0, 100.0), 2.0

Copy = Float[np.ndarray, "channel time"]


def choose_rate(sfreq: float) -> float:
    """Return the copy's rate; a slower recording keeps its own."""
    return min(COPY_HZ, sfreq)


def find_top(sfreq: float) -> float:
    """Return up to which frequency a copy of a recording goes, in Hz."""
    return min(COPY_BAND_HZ[1], SHARE_OF_RATE * sfreq)


def copy_eeg(eeg: Sequence[NDArray[Any]], *, sfreq: float) -> Copy:
    """Filter and resample each channel, and take blocks of a long recording."""
    low, high = COPY_BAND_HZ[0], find_top(sfreq)
    rate = choose_rate(sfreq)
    edges = (low, min(25.0, sfreq / 2 - high))
    rows = []
    for signal in eeg:
        row = band_pass(bridge_gaps(signal), sfreq=sfreq, band=(low, high), edges=edges)
        rows.append(_take_blocks(resample(row, sfreq=sfreq, to=rate), rate))
    return np.stack(rows)


def measure_band(copy: Copy, *, sfreq: float) -> float:
    """Return how much weaker an EEG is above 52 Hz than from 20 to 40 Hz, in dB.

    Lines are left out. It is the strongest frequency that counts, since the low-pass
    of an amplifier may lie anywhere, and 0 where the rate cannot hold any.

    Parameters
    ----------
    sfreq : float
        The rate of the recording, not of its copy.
    """
    rate = choose_rate(sfreq)
    length = min(round(rate), copy.shape[1])
    hertz, density = welch(copy, rate, nperseg=length)
    middle = np.median(density, axis=0)
    is_line = np.any(
        [np.abs(hertz - line) <= _LINE_WIDTH_HZ for line in _LINES_HZ], axis=0
    )
    above = (hertz >= _FILTERED_ABOVE_HZ) & (hertz <= find_top(sfreq)) & ~is_line
    below = (hertz >= _COMPARED_HZ[0]) & (hertz <= _COMPARED_HZ[1])
    if not above.any() or not below.any():
        return 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = middle[above].max() / middle[below].mean()
    return float(10 * np.log10(max(ratio, 1e-30)))


def measure_slow(copy: Copy, *, sfreq: float) -> float:
    """Return how much stronger an EEG is at 1 to 1.5 Hz than at 5 to 8 Hz, in dB.

    A high-pass filter shows here, with any low-pass filter; 0 where a recording is too
    short for such slow waves.

    Parameters
    ----------
    sfreq : float
        The rate of the recording, not of its copy.
    """
    rate = choose_rate(sfreq)
    length = round(_SLOW_WINDOW_S * rate)
    if copy.shape[1] < length:
        return 0.0
    hertz, density = welch(copy, rate, nperseg=length)
    middle = np.median(density, axis=0)
    slow, beside = (
        middle[(hertz >= low) & (hertz <= high)].mean()
        for low, high in (_SLOW_HZ, _BESIDE_HZ)
    )
    return float(10 * np.log10(max(slow / beside, 1e-30))) if beside > 0 else 0.0


def check_band(copy: Copy, *, sfreq: float, name: str) -> None:
    """Refuse an EEG that was filtered before.

    Raises
    ------
    UserError
        When its power above 50 Hz is gone, or that below 2 Hz.
    """
    weaker_db = measure_band(copy, sfreq=sfreq)
    if weaker_db < LEAST_BAND_DB:
        raise UserError(
            f"icalabel needs raw EEG, got {name}, whose power above 50 Hz "
            f"is gone ({-weaker_db:.0f} dB below that at 20-40 Hz; already filtered?)",
            field="artefacts",
        )
    slower_db = measure_slow(copy, sfreq=sfreq)
    if slower_db < LEAST_SLOW_DB:
        raise UserError(
            f"icalabel needs raw EEG, got {name}, whose power below 2 Hz "
            f"is gone ({-slower_db:.0f} dB below that at 5-8 Hz; already filtered?)",
            field="artefacts",
        )


def _take_blocks(
    signal: Float[np.ndarray, " time"], rate: float
) -> Float[np.ndarray, " taken"]:
    length, n = round(BLOCK_S * rate), round(LONGEST_COPY_S / BLOCK_S)
    if len(signal) <= n * length:
        return signal
    starts = np.linspace(0, len(signal) - length, n).astype(int)
    return np.concatenate([signal[start : start + length] for start in starts])
