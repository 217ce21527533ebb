"""Features of rows, measured once a process: folds and permutations ask again."""

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps

import numpy as np
from jaxtyping import Bool, Float64

from deepvanet.schema import Stream
from deepvanet.store import Rows, SegmentStore

Measure = Callable[[Rows], Float64[np.ndarray, "row feature"]]

_Table = tuple[Float64[np.ndarray, "kept feature"], Bool[np.ndarray, " kept"]]
"""Features of all rows of a store, and which of them were measured."""

MOST_NUMBERS = 2**25
"""Features of a store, in 8-byte numbers, above which nothing is kept: 256 MiB."""

MOST_TABLES = 2
"""Stores or stream sets that are kept."""


def remember(measure: Measure) -> Measure:
    """Keep what a function measures of each row, for when it is asked for again.

    A row's features must depend on the row, its store and the streams alone. Seconds
    that are held in memory are not kept: they are asked about once.
    """
    kept: OrderedDict[tuple[SegmentStore, tuple[Stream, ...]], _Table] = OrderedDict()

    @wraps(measure)
    def recall(rows: Rows) -> Float64[np.ndarray, "row feature"]:
        if not isinstance(rows.store, SegmentStore):
            return measure(rows)
        key = rows.store, rows.streams
        if key not in kept:
            found = measure(rows)
            shape = len(rows.store.table), found.shape[1]
            if shape[0] * shape[1] > MOST_NUMBERS:
                return found
            kept[key] = np.empty(shape), np.zeros(shape[0], dtype=bool)
            _keep(kept[key], rows, found)
            while len(kept) > MOST_TABLES:
                kept.popitem(last=False)
            return found
        features, is_known = kept[key]
        missing = np.flatnonzero(~is_known[rows.numbers])
        if len(missing):
            more = rows.take(missing)
            _keep(kept[key], more, measure(more))
        return np.asarray(features[rows.numbers])

    return recall


def _keep(table: _Table, rows: Rows, found: Float64[np.ndarray, "row feature"]) -> None:
    features, is_known = table
    features[rows.numbers] = found
    is_known[rows.numbers] = True
