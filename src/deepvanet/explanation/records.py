"""What an explanation is made of: tables, maps of the face, notes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from jaxtyping import Float

from deepvanet.schema import GoalKind

STREAM_COLUMNS = ("time_s", "target", "stream", "attribution")
CHANNEL_COLUMNS = ("time_s", "target", "stream", "channel", "attribution")


@dataclass(frozen=True)
class Part:
    """What attributions are parts of.

    Attributes
    ----------
    noun : str
        What it is called.
    up : str
        What it means that a part is above 0.
    """

    noun: str
    up: str


PARTS: Mapping[GoalKind, Part] = {
    "high-low": Part("logit", "up means high"),
    "classes": Part("log odds", "up means the likeliest class"),
    "rating": Part("rating", "up means a higher rating"),
}
"""By what is predicted."""


@dataclass
class FaceMap:
    """A sum of maps over the face, and of the faces themselves.

    Attributes
    ----------
    total : array, shape (height, width)
        Of how much each pixel moved the logit.
    faces : array, shape (height, width, 3)
        Sum of the crops.
    """

    n_seconds: int
    total: Float[np.ndarray, "height width"]
    faces: Float[np.ndarray, "height width 3"]

    @property
    def mean(self) -> Float[np.ndarray, "height width"]:
        """The mean over the seconds with a face."""
        return np.asarray(self.total / max(self.n_seconds, 1))


@dataclass(frozen=True)
class Explanation:
    """What was found, as tables.

    Attributes
    ----------
    streams : DataFrame
        Columns ``STREAM_COLUMNS``.
    channels : DataFrame
        Columns ``CHANNEL_COLUMNS``.
    faces : mapping
        A map for each target, where a face was seen.
    notes : tuple of str
        What had to be assumed, and what could not be plotted.
    """

    streams: pd.DataFrame
    channels: pd.DataFrame
    faces: dict[str, FaceMap] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Say which stream carried the decision."""
        said = []
        for target, rows in self.streams.groupby("target", sort=False):
            size = rows["attribution"].abs().groupby(rows["stream"], sort=False).mean()
            shares = (size / max(size.sum(), 1e-12)).sort_values(ascending=False)
            parts = [f"{stream} {share:.0%}" for stream, share in shares.items()]
            said.append(f"{target}: {', '.join(parts)}")
        return [*said, *self.notes]
