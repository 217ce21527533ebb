"""Numbers that files write as text."""

import math


def to_float(text: str) -> float:
    """Return a number, NaN where the text is none.

    Examples
    --------
    >>> to_float("4.5"), to_float("none")
    (4.5, nan)
    """
    try:
        return float(text)
    except ValueError:
        return math.nan
