"""The columns of a store's table of segments: ``segments.csv``."""

import numpy as np
import pandas as pd
from jaxtyping import Int

from deepvanet.protocols import columns_of
from deepvanet.schema import BIO, Stream, Target

TEXT_COLUMNS = ("subject", "trial", "stimulus", "recording")

SESSION = "session"
"""The column that says on which visit a trial was recorded, where that is known."""

COLUMNS = (
    *TEXT_COLUMNS,
    "segment",
    "start_s",
    "duration_s",
    *Target,
    *(f"has_{stream}" for stream in Stream),
    "n_faces_found",
    "n_faces_filled",
    "n_frames_padded",
)
"""Columns of ``segments.csv``; ratings are kept as rated."""

MISSING_COLUMNS = tuple(f"missing_{stream}" for stream in BIO)
"""Share of the stream's samples that are missing; not in stores of old versions."""

OPTIONAL_COLUMNS = (*MISSING_COLUMNS, SESSION)
"""What not every store has."""


def number_trials(table: pd.DataFrame) -> Int[np.ndarray, " row"]:
    """Return a number from 0 for each row's trial, a (subject, trial) pair."""
    numbers = table.groupby(columns_of("trial"), sort=False, observed=True).ngroup()
    return numbers.to_numpy(dtype=np.int64)
