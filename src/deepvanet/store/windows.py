"""Where segments lie in trials: a table of them, and the samples of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from deepvanet.preprocessing.windows import WindowGrid
from deepvanet.schema import BIO, PAPER_STREAMS, Stream, Target
from deepvanet.store.columns import (
    COLUMNS,
    FRAME_COUNTS,
    MISSING_COLUMNS,
    OPTIONAL_COLUMNS,
    TEXT_COLUMNS,
    list_further,
)

RowNumbers = Int[np.ndarray, " row"]


@dataclass(frozen=True)
class Windows:
    """The segments of all trials, in their order.

    Attributes
    ----------
    grid : WindowGrid
        Length and step.
    trial, segment : array, shape (row,)
        Number of the trial, and of the segment in it.
    n_segments : array, shape (trial,)
        How many segments each trial has.
    """

    grid: WindowGrid
    trial: RowNumbers
    segment: RowNumbers
    n_segments: Int[np.ndarray, " trial"]

    def rows_of(self, trial: int) -> RowNumbers:
        """Return which rows are a trial's."""
        end = int(self.n_segments[: trial + 1].sum())
        return np.arange(end - int(self.n_segments[trial]), end)

    def place(self, rate: float) -> RowNumbers:
        """Return the sample of the stimulus at which each segment starts."""
        return self.grid.place(self.segment, rate)

    def measure(self, rate: float, lasts: Int[np.ndarray, " trial"]) -> RowNumbers:
        """Return how many samples, or frames, each segment has.

        Parameters
        ----------
        rate : float
            Of them a second.
        lasts : array, shape (trial,)
            How many each trial has.
        """
        if self.grid.is_whole:
            return np.asarray(lasts[self.trial])
        return np.full(len(self.trial), self.grid.measure(rate))

    def time(
        self, lasts_s: Float[np.ndarray, " trial"]
    ) -> dict[str, Float[np.ndarray, " row"]]:
        """Return where segments start, and how long they last, in seconds."""
        if self.grid.is_whole:
            start_s, duration_s = np.zeros(len(self.trial)), lasts_s[self.trial]
        else:
            start_s = np.round(self.segment * self.grid.step_s, 9)
            duration_s = np.full(len(self.trial), self.grid.length_s)
        return {"start_s": start_s, "duration_s": duration_s}


def lay_windows(trials: pd.DataFrame, grid: WindowGrid) -> Windows:
    """Lay as many whole segments into each trial as fit, from its start on."""
    n_segments = grid.count_each(trials["duration_s"].to_numpy(dtype=float))
    trial = np.repeat(np.arange(len(trials)), n_segments)
    before = np.cumsum(n_segments) - n_segments
    segment = np.arange(len(trial)) - np.repeat(before, n_segments)
    return Windows(grid, trial, segment, n_segments)


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
        **windows.time(trials["duration_s"].to_numpy(dtype=float)),
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
