"""Where segments lie in trials: a table of them, and the samples of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int
from numpy.typing import NDArray

from deepvanet.config import Segmenting
from deepvanet.schema import BIO, PAPER_STREAMS, Stream, Target, UserError
from deepvanet.store.columns import (
    COLUMNS,
    FRAME_COUNTS,
    MISSING_COLUMNS,
    OPTIONAL_COLUMNS,
    TEXT_COLUMNS,
    list_further,
)

_EXACT = 1e-6
"""Of a sample, a frame or a segment: what rounding makes of whole numbers."""

RowNumbers = Int[np.ndarray, " row"]


@dataclass(frozen=True)
class Windows:
    """The segments of all trials, in their order.

    Attributes
    ----------
    segmenting : Segmenting
        Length and step.
    trial, segment : array, shape (row,)
        Number of the trial, and of the segment in it.
    n_segments : array, shape (trial,)
        How many segments each trial has.
    """

    segmenting: Segmenting
    trial: RowNumbers
    segment: RowNumbers
    n_segments: Int[np.ndarray, " trial"]

    def rows_of(self, trial: int) -> RowNumbers:
        """Return which rows are a trial's."""
        end = int(self.n_segments[: trial + 1].sum())
        return np.arange(end - int(self.n_segments[trial]), end)

    def place(self, rate: float) -> RowNumbers:
        """Return the sample of the stimulus at which each segment starts."""
        starts = self.segment * (self.segmenting.step_s * rate)
        return np.rint(starts).astype(np.int64)

    def measure(self, rate: float) -> int:
        """Return how many samples a segment has."""
        return round(self.segmenting.segment_s * rate)

    def find_obstacle(self, rate: float) -> tuple[str, str]:
        """Return the setting that is no whole number of samples, and its value."""
        made = {"segment": self.segmenting.segment_s, "step": self.segmenting.step_s}
        for name, seconds in made.items():
            n_samples = seconds * rate
            if round(n_samples) < 1 or abs(n_samples - round(n_samples)) > _EXACT:
                return name, f"{seconds:g} s"
        return "", ""

    def check(self, rate: float, what: str) -> None:
        """Refuse segments and steps that are no whole number of samples or frames.

        Raises
        ------
        UserError
            Which names the setting.
        """
        name, seconds = self.find_obstacle(rate)
        if name:
            raise UserError(
                f"needs a whole number of {what} at {rate:g} {_UNITS[what]}, got "
                f"{seconds}",
                field=name,
            )


_UNITS = {"samples": "Hz", "frames": "images a second"}


def lay_windows(trials: pd.DataFrame, segmenting: Segmenting) -> Windows:
    """Lay as many whole segments into each trial as fit, from its start on."""
    spare_s = trials["duration_s"].to_numpy(dtype=float) - segmenting.segment_s
    fitting = np.floor(spare_s / segmenting.step_s + _EXACT).astype(np.int64) + 1
    n_segments = np.where(spare_s < -_EXACT * segmenting.segment_s, 0, fitting)
    n_segments = np.maximum(n_segments, 0)
    trial = np.repeat(np.arange(len(trials)), n_segments)
    before = np.cumsum(n_segments) - n_segments
    segment = np.arange(len(trial)) - np.repeat(before, n_segments)
    return Windows(segmenting, trial, segment, n_segments)


def tabulate(
    trials: pd.DataFrame,
    windows: Windows,
    *,
    has: Mapping[Stream, Bool[np.ndarray, " row"]],
    missing: Mapping[Stream, NDArray[np.float64]],
    counts: Mapping[str, NDArray[np.int64]],
) -> pd.DataFrame:
    """Return a row a segment: ``COLUMNS``, those of further streams, and optional ones.

    Parameters
    ----------
    trials : DataFrame
        One row a trial.
    windows : Windows
        The segments.
    has : mapping
        Of each stream, which segments have it.
    missing : mapping
        Of each stream of signals, the share of samples that is missing.
    counts : mapping
        Frames of a segment by ``FRAME_COUNTS``.

    Returns
    -------
    DataFrame
        Numbered from 0.
    """
    optional = [name for name in OPTIONAL_COLUMNS if name in trials]
    kept = [*TEXT_COLUMNS, *Target, *optional]
    table = trials[kept].take(windows.trial).reset_index(drop=True)
    added = {
        "segment": windows.segment,
        "start_s": np.round(windows.segment * windows.segmenting.step_s, 9),
        "duration_s": np.full(len(table), windows.segmenting.segment_s),
        **{f"has_{stream}": has[stream].astype(np.int64) for stream in PAPER_STREAMS},
        **{name: counts[name] for name in FRAME_COUNTS},
        **dict(zip(MISSING_COLUMNS, (missing[s] for s in BIO), strict=True)),
    }
    further: dict[str, NDArray[Any]] = {}
    for stream in list_further(has):
        further[f"has_{stream}"] = has[stream].astype(np.int64)
        further[f"missing_{stream}"] = missing[stream]
    table = table.assign(**added, **further)
    return table[[*COLUMNS, *further, *optional]]
