"""Which samples of an eye tracker say nothing, since it did not see an eye.

Trackers write -1 or 0 for what they did not see, or say beside it how much they
believe it: as 1 and 0, as a share, or as Tobii's codes from 0 (certain) to 4 (lost).
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from deepvanet.schema import ChannelType

UNSEEN = -1.0
"""What stands for a position that was not seen."""
LAST_GOOD_CODE = 1.0
"""Of Tobii's: from 2 on it is not known which eye was seen."""
LEAST_SHARE = 0.5

Values = Float[np.ndarray, "channel time"]


def read_validity(
    values: Float[np.ndarray, "*_ time"], whole: Float[np.ndarray, "*_ any"]
) -> NDArray[np.float64]:
    """Return 1 where a tracker saw an eye, 0 where it did not, NaN where it is silent.

    Parameters
    ----------
    values : array
        What it says.
    whole : array
        What it says in the whole recording, which shows how it says it: numbers
        above 1, or only 0, are codes.

    Examples
    --------
    >>> read_validity(np.array([0.0, 4.0, np.nan]), np.array([0.0, 4.0])).tolist()
    [1.0, 0.0, nan]
    >>> read_validity(np.array([0.0, 0.9]), np.array([0.0, 0.9])).tolist()
    [0.0, 1.0]
    """
    known = whole[np.isfinite(whole)]
    are_codes = bool(known.size) and (known.max() > LAST_GOOD_CODE or not known.any())
    with np.errstate(invalid="ignore"):
        seen = (values >= 0) & (values <= LAST_GOOD_CODE)
        seen = seen if are_codes else values >= LEAST_SHARE
    return np.where(np.isfinite(values), seen, np.nan)


def drop_lost(values: Values, types: Sequence[ChannelType | None]) -> Values:
    """Return channels, those of an eye that was not seen NaN; others as they are.

    Parameters
    ----------
    values : array, shape (channel, time)
        As recorded; validity as ``read_validity`` returns it.
    types : sequence of ChannelType | None
        What each channel measures.
    """
    is_position, is_pupil, is_validity = (
        np.array([one is kind for one in types], bool)
        for kind in (
            ChannelType.GAZE_POSITION,
            ChannelType.PUPIL,
            ChannelType.GAZE_VALIDITY,
        )
    )
    if not (is_position | is_pupil).any():
        return values
    kept = np.array(values)
    kept[is_position] = _drop(kept[is_position], kept[is_position] == UNSEEN)
    kept[is_pupil] = _drop(kept[is_pupil], ~(kept[is_pupil] > 0))
    if is_validity.any():
        is_lost = ~(kept[is_validity] > 0).any(axis=0)
        kept[np.ix_(is_position | is_pupil, is_lost)] = np.nan
    return kept


def _drop(values: Values, is_lost: Bool[np.ndarray, "channel time"]) -> Values:
    return np.where(is_lost, np.nan, values)
