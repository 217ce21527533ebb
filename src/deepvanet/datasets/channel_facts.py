"""Signs that a channel has another unit than it is said to have."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepvanet.findings import Finding, make_finding

EEG_SPREAD_UV = 0.01, 1000.0
"""The interquartile range of EEG; beyond it, its numbers are not microvolts."""


def measure_spread(sample: NDArray[Any]) -> float:
    """Return the interquartile range of a channel, the median over channels."""
    spreads = [
        np.subtract(*np.percentile(finite, [75, 25]))
        for channel in sample
        if (finite := channel[np.isfinite(channel)]).size
    ]
    return float(np.median(spreads)) if spreads else 0.0


def find_odd_spread(where: str, spread_uv: float) -> Iterator[Finding]:
    """Say so where EEG of such an interquartile range cannot be in microvolts.

    Parameters
    ----------
    where : str
        Whose EEG it is.
    spread_uv : float
        0 where nothing is known.
    """
    lowest, highest = EEG_SPREAD_UV
    if spread_uv and not lowest <= spread_uv <= highest:
        yield make_finding(
            "C05",
            f"EEG has an interquartile range of {spread_uv:.2g} uV, so its unit is "
            "another one",
            source=where,
        )
