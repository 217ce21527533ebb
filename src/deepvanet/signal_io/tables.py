"""Signals in CSV and Parquet: a column of seconds, and one for each channel.

A label may say its unit, as ``GSR [kOhm]``. A column of text called marker, event
or annotation holds what happened.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deepvanet.schema import UserError
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.read_errors import explain
from deepvanet.signal_io.time_grid import put_on_grid
from deepvanet.signal_io.types import Marker, Signals
from deepvanet.signal_io.units import UNSTATED, spell_unit

TIMES = ("time", "time_s", "seconds", "t", "timestamp", "timestamps", "time_ms")
MARKERS = ("marker", "markers", "event", "events", "annotation")

_LABEL = re.compile(r"(.*?)\s*[\[(]([^\])]*)[\])]\s*")


def open_table(path: Path, declared: Declaration) -> Signals:
    """Read a table of signals.

    Raises
    ------
    UserError
        When it cannot be read, or has no column of rising seconds.
    """
    table = _load(path)
    named = _find_time(path, table, declared)
    times = _read_numbers(path, table, named)
    times = times / 1000 if named.lower().endswith("_ms") else times
    columns = [c for c in _names(table) if c != named and c.lower() not in MARKERS]
    columns = [c for c in columns if pd.api.types.is_numeric_dtype(table[c])]
    values = np.stack([_read_numbers(path, table, c) for c in columns] or [times * 0])
    bio, sfreq = put_on_grid(times, values, name=str(path))
    matches = [_LABEL.fullmatch(column) for column in columns]
    return Signals(
        path=path,
        labels=tuple(
            match[1] if match else column.strip()
            for match, column in zip(matches, columns, strict=True)
        ),
        units=tuple(spell_unit(match[2]) if match else UNSTATED for match in matches),
        types=(None,) * len(columns),
        sfreq=sfreq,
        n_samples=bio.shape[1],
        read_span=lambda places, start, stop: bio[list(places), start:stop],
        markers=_read_markers(table, times - times[0]),
    )


def _load(path: Path) -> pd.DataFrame:
    with explain(path):
        if path.suffix.lower() == ".parquet":
            table = pd.read_parquet(path)
        else:
            with path.open(encoding="utf-8-sig") as file:
                head = file.readline()
            separator = max(",;\t", key=head.count)
            table = pd.read_csv(path, sep=separator, encoding="utf-8-sig")
    return table.rename(columns=lambda name: str(name).strip())


def _names(table: pd.DataFrame) -> list[str]:
    return [str(column) for column in table.columns]


def _find_time(path: Path, table: pd.DataFrame, declared: Declaration) -> str:
    wanted = (declared.time.lower(),) if declared.time else TIMES
    by_name = {column.lower(): column for column in _names(table)}
    found = next((by_name[name] for name in wanted if name in by_name), None)
    if found is None:
        raise UserError(
            f"{path}: no column of seconds called {declared.time or 'time'}, got "
            f"{', '.join(_names(table)[:6]) or 'no column'}"
        )
    return found


def _read_numbers(path: Path, table: pd.DataFrame, column: str) -> NDArray[np.float64]:
    if not pd.api.types.is_numeric_dtype(table[column]):
        raise UserError(f"{path}: column {column} must hold numbers of seconds")
    return table[column].to_numpy(np.float64, na_value=np.nan)


def _read_markers(
    table: pd.DataFrame, times: NDArray[np.float64]
) -> tuple[Marker, ...]:
    """Return the texts of a column of markers, each where it begins."""
    column = next((c for c in _names(table) if c.lower() in MARKERS), None)
    if column is None:
        return ()
    texts = [
        "" if pd.isna(value) else str(value).strip() for value in table[column].tolist()
    ]
    starts = [
        k for k, text in enumerate(texts) if text and (not k or texts[k - 1] != text)
    ]
    return tuple(Marker(float(times[k]), 0.0, texts[k]) for k in starts)
