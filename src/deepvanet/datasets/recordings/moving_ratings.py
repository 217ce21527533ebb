"""Ratings that move with time: a table for each trial, which its row names."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from deepvanet.datasets.recordings.rows import Row
from deepvanet.datasets.traces import LEAST_KNOWN, place_trace
from deepvanet.findings import attempt, refuse, report
from deepvanet.schema import (
    HIGHEST_RATING,
    LOWEST_RATING,
    Target,
    Trace,
    TraceFormat,
)
from deepvanet.signal_io.cells import find_numbers, report_texts
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.table_columns import Columns, open_columns
from deepvanet.signal_io.time_grid import place_samples

TRACE_HZ = 20.0
"""At which traces are kept: as often as joysticks and sliders are usually read."""
FORM = TraceFormat(TRACE_HZ, tuple(map(str, Target)))
TIME = "time_s"


def describe_rows(rows: Sequence[Row]) -> TraceFormat | None:
    """Return how traces are kept, None where no row names one."""
    return FORM if any(row.trace for row in rows) else None


def read_trace(row: Row, seconds: float, declared: Declaration) -> Trace | None:
    """Read what was felt during a trial, from its onset on.

    Parameters
    ----------
    row : Row
        Names the file.
    seconds : float
        Of the stimulus.
    declared : Declaration
        Gives the scale of the ratings.

    Returns
    -------
    Trace | None
        From 1 to 9; None where the row names none, or it cannot be read.
    """
    if row.trace is None:
        return None
    trace = attempt(partial(_read, row.trace, seconds, declared), source=row.trace)
    known = np.isfinite(trace.values).mean() if trace else 1.0
    if known < LEAST_KNOWN:
        report(
            "T12",
            f"subject {row.subject} trial {row.trial}: its trace has ratings in only "
            f"{known:.0%} of its {seconds:.4g} s",
            source=row.trace,
            assumed="the rest of the trace is missing, and its time 0 is the onset of "
            "the trial",
        )
    return trace


def _read(path: Path, seconds: float, declared: Declaration) -> Trace:
    columns = open_columns(path)
    names = [name.strip().lower() for name in columns.names]
    there = [target for target in FORM.targets if target in names]
    got = f"got {', '.join(columns.names[:6])}"
    if TIME not in names:
        raise refuse("T30", f"no column of seconds called {TIME}, {got}", source=path)
    if not there:
        wanted = " or ".join(FORM.targets)
        raise refuse("R21", f"no column of ratings, {wanted}, {got}", source=path)
    times = _read_column(path, columns, names.index(TIME))
    grid = place_samples(
        times,
        np.stack([_rate(path, columns, names, name, declared) for name in there]),
        name=str(path),
        labels=there,
    )
    n_samples = grid.values.shape[1]
    rated = np.full((n_samples, len(FORM.targets)), np.nan)
    rated[:, [FORM.targets.index(name) for name in there]] = grid.values.T
    rated = np.clip(rated, LOWEST_RATING, HIGHEST_RATING)
    placed_at = grid.start + np.arange(n_samples) / grid.rate
    return place_trace(placed_at, rated, FORM, onset_s=0.0, end_s=seconds)


def _read_column(path: Path, columns: Columns, place: int) -> np.ndarray:
    cells = columns.read(place)
    if cells is None:
        raise refuse("F01", f"{columns.names[place]} holds lists", source=path)
    numbers, no_number = find_numbers(cells)
    report_texts(
        columns.names[place],
        cells,
        no_number,
        source=path,
        find_place=columns.find_place,
    )
    return numbers.astype(np.float64)


def _rate(
    path: Path, columns: Columns, names: Sequence[str], name: str, declared: Declaration
) -> np.ndarray:
    """Return a column of ratings from 1 to 9, not a number outside of the scale."""
    given = _read_column(path, columns, names.index(name))
    low, high = declared.rating_range
    is_off = (given < low) | (given > high)
    if is_off.any():
        report(
            "R10",
            f"{name} must be from {low:g} to {high:g}, got "
            f"{given[is_off][0]:g} in {is_off.sum()} of {len(given)} rows",
            source=path,
            assumed="these moments have no rating",
        )
    share = (np.where(is_off, np.nan, given) - low) / (high - low)
    return np.asarray(LOWEST_RATING + share * (HIGHEST_RATING - LOWEST_RATING))
