"""Cut trials in time: their past trains, their future tests, with a gap between.

Each trial of a subject is divided into blocks of equal length. A fold tests one block
of all trials; what ends at least a gap before that block begins trains, in each trial.
The first block never tests. Where an epoch is chosen, the last fifth of the time that
trains validates, with a gap before it, too.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from deepvanet.protocols.dealing import number_units
from deepvanet.schema import UserError

SHARE = 5
"""About one in so many seconds that train validates."""

_ROUNDING_S = 1e-6
_Mask = Bool[np.ndarray, " row"]
Masks = tuple[_Mask, _Mask, _Mask, _Mask]
"""Of training, test, first fit and validation."""


def cut_in_time(
    table: pd.DataFrame, n_blocks: int, gap_s: float, *, where: str
) -> Iterator[tuple[int, Masks]]:
    """Yield each fold's number, from 0, and its masks.

    Parameters
    ----------
    table : DataFrame
        The segments of one subject; columns subject, trial, start_s, duration_s.
    n_blocks : int
        Blocks of a trial; all but the first test.
    gap_s : float
        Least time from the end of what trains to the start of what tests, in seconds.
    where : str
        Protocol and subject, for a message.

    Yields
    ------
    (int, tuple of array)
        Masks of shape (row,): training, test, first fit and validation. A fold of which
        no row could train is left out.

    Raises
    ------
    UserError
        When trials are too short for any fold.
    """
    start = table["start_s"].to_numpy(dtype=float)
    end = start + table["duration_s"].to_numpy(dtype=float)
    lasts_s = _measure_trials(table, end)
    number = 0
    for block in range(1, n_blocks):
        opens, closes = (lasts_s * k / n_blocks for k in (block, block + 1))
        is_last = block == n_blocks - 1
        test = (start >= opens - _ROUNDING_S) & (
            (start < closes - _ROUNDING_S) | is_last
        )
        train = end <= opens - gap_s + _ROUNDING_S
        if not train.any() or not test.any():
            continue
        watched_from = (opens - gap_s) * (1 - 1 / SHARE)
        validation = train & (start >= watched_from - _ROUNDING_S)
        first = train & (end <= watched_from - gap_s + _ROUNDING_S)
        if not first.any() or not validation.any():
            first = validation = np.zeros_like(train)
        yield number, (train, test, first, validation)
        number += 1
    if number == 0:
        raise UserError(
            f"{where}: trials of at most {lasts_s.max():g} s are too short for a gap "
            f"of {gap_s:g} s between training and test: take a shorter --longest-lag "
            "or --lag, or another protocol"
        )


def _measure_trials(
    table: pd.DataFrame, end: Float[np.ndarray, " row"]
) -> Float[np.ndarray, " row"]:
    """Return for each row where the last segment of its trial ends."""
    trial = number_units(table, "trial")
    lasts_s = np.zeros(int(trial.max()) + 1)
    np.maximum.at(lasts_s, trial, end)
    return np.asarray(lasts_s[trial])


def measure_gap(
    trial: Int[np.ndarray, " row"],
    start: Float[np.ndarray, " row"],
    end: Float[np.ndarray, " row"],
    *,
    seen: Bool[np.ndarray, " row"] | Int[np.ndarray, " seen"],
    test: Bool[np.ndarray, " row"] | Int[np.ndarray, " test"],
) -> float:
    """Return the least time from training to test within a trial that is in both.

    Parameters
    ----------
    trial : array, shape (row,)
        Each row's trial, as a number from 0.
    start, end : array, shape (row,)
        When each row starts and ends in its trial.
    seen, test : array
        Which rows train or validate, and which test.

    Returns
    -------
    float
        In the unit of the times; negative where something that trains ends after a test
        row of its trial starts, infinite where no trial is in both.
    """
    n_trials = int(trial.max()) + 1
    last, first = np.full(n_trials, -np.inf), np.full(n_trials, np.inf)
    np.maximum.at(last, trial[seen], end[seen])
    np.minimum.at(first, trial[test], start[test])
    return float((first - last).min())
