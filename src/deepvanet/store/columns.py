"""The columns of a store's tables: of trials, and of segments."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from jaxtyping import Int

from deepvanet.protocols import columns_of
from deepvanet.schema import BIO, PAPER_STREAMS, FrameState, Stream, Target

TEXT_COLUMNS = ("subject", "trial", "stimulus", "recording")

SESSION = "session"
"""The column that says on which visit a trial was recorded, where that is known."""

FRAME_COUNTS = {
    "n_faces_found": FrameState.FOUND,
    "n_faces_filled": FrameState.FILLED,
    "n_frames_padded": FrameState.PADDED,
}
"""Columns that count frames, of a trial and of a segment."""

PLACE_COLUMNS = {
    stream: (f"first_{stream}", f"length_{stream}", f"n_missing_{stream}")
    for stream in Stream
}
"""Where a trial's samples or frames lie in its subject's array, the seconds of baseline
in front of them; how many there are; and how many of the numbers are missing."""

TRIAL_COLUMNS = (
    *TEXT_COLUMNS,
    "duration_s",
    *Target,
    "n_baseline",
    *(name for stream in PAPER_STREAMS for name in PLACE_COLUMNS[stream]),
    *FRAME_COUNTS,
)
"""Columns of ``trials.csv`` that must be there, and ``PLACE_COLUMNS`` of further
streams; more follow. Ratings are as rated;
``duration_s`` is that of the stimulus; ``n_baseline`` counts samples before it."""

TRACE_COLUMNS = ("first_trace", "length_trace")
"""Where a trial's ratings that move with time lie in its subject's array, and how many
samples there are; in ``trials.csv`` of subjects that have any."""
NO_RATINGS = frozenset(
    {
        *TRIAL_COLUMNS,
        *(name for names in PLACE_COLUMNS.values() for name in names),
        *TRACE_COLUMNS,
        *(SESSION, "folder"),
    }
) - {*Target}
"""Columns of trials that hold no rating."""

OPTIONAL_COLUMNS = (SESSION,)
"""Columns of ``trials.csv`` that a table of segments has where they are there."""

MISSING_COLUMNS = tuple(f"missing_{stream}" for stream in BIO)
"""Share of the samples of EEG and of peripheral signals that are missing in a
segment."""

COLUMNS = (
    *TEXT_COLUMNS,
    "segment",
    "start_s",
    "duration_s",
    *Target,
    *(f"has_{stream}" for stream in PAPER_STREAMS),
    *FRAME_COUNTS,
    *MISSING_COLUMNS,
)
"""Columns of a table of segments; ratings are kept as rated. ``has_<stream>`` and
``missing_<stream>`` of further streams follow."""


def list_further(streams: Iterable[Stream]) -> tuple[Stream, ...]:
    """Return those of some streams that are not the paper's."""
    return tuple(stream for stream in streams if stream not in PAPER_STREAMS)


def list_trial_columns(streams: Iterable[Stream]) -> tuple[str, ...]:
    """Return the columns that ``trials.csv`` of a store with some streams has."""
    further = (PLACE_COLUMNS[stream] for stream in list_further(streams))
    return (*TRIAL_COLUMNS, *(name for names in further for name in names))


def number_trials(table: pd.DataFrame) -> Int[np.ndarray, " row"]:
    """Return a number from 0 for each row's trial, a (subject, trial) pair."""
    numbers = table.groupby(columns_of("trial"), sort=False, observed=True).ngroup()
    return numbers.to_numpy(dtype=np.int64)
