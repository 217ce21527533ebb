"""Columns of markers in tables: texts, or numbers of which 0 is none."""

import re
from collections.abc import Iterator

import pandas as pd

from deepvanet.signal_io.cells import Column

_EVENTS = frozenset(
    {
        *("marker", "markers", "event", "events", "annotation", "annotations"),
        *("trigger", "triggers", "trig", "stim", "sti", "stimulus", "ttl"),
    }
)
_WORDS = frozenset(
    {
        *("id", "code", "codes", "name", "text", "type", "label", "value", "channel"),
        *("ch", "no", "nr", "number", "description", "in", "digital", ""),
    }
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NONE = ("", "0", "0.0")


def is_marker_name(name: str) -> bool:
    """Return whether a column of this name holds markers.

    Examples
    --------
    >>> [is_marker_name(n) for n in ("Marker", "TriggerCode", "event 2", "event time")]
    [True, True, True, False]
    """
    words = {
        word.rstrip("0123456789")
        for word in re.split(r"[^a-z0-9]+", _CAMEL.sub("_", name).lower())
    }
    return bool(words & _EVENTS) and words <= _EVENTS | _WORDS


def read_markers(cells: Column) -> Iterator[tuple[int, str]]:
    """Yield the row and the text of each marker, where it begins.

    A marker lasts while its cell stays the same; an empty cell or 0 is none.
    """
    before = ""
    for row, text in enumerate(_write_texts(cells)):
        if text not in _NONE and text != before:
            yield row, text
        before = text


def _write_texts(cells: Column) -> Iterator[str]:
    is_number = pd.api.types.is_numeric_dtype(cells.dtype)
    for value, is_missing in zip(cells.tolist(), cells.isna().tolist(), strict=True):
        if is_missing:
            yield ""
        else:
            yield f"{float(value):.15g}" if is_number else str(value).strip()
