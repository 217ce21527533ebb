"""Seconds of a recording in memory, as rows that every learner reads.

They have no label, and lie where they were recorded: a learner whose example is a whole
trial is given all seconds of the trial at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from numpy.typing import NDArray

from deepvanet.schema import Channel, Stream
from deepvanet.store import Rows

NEW_SUBJECT = "?"
"""Who is recorded: not one of the training subjects."""


@dataclass(frozen=True, eq=False)
class HeldSeconds:
    """Seconds of one trial, or of a recording that is not divided.

    Attributes
    ----------
    table : DataFrame
        Columns ``subject, trial, stimulus, segment, start_s`` and ``has_<stream>``.
    arrays : mapping
        Of each stream, a row a second as a store has them: face (row, frame, height,
        width, 3) uint8, EEG and peripheral (row, channel, time) in the units of the
        training recordings.
    sfreq : float
        Samples a second of the signals, in Hz.
    rest : mapping
        Of each stream the baseline before the trial, (channel, time), where one is
        subtracted.
    """

    table: pd.DataFrame
    arrays: Mapping[Stream, NDArray[Any]]
    all_channels: tuple[Channel, ...]
    sfreq: float
    rest: Mapping[Stream, NDArray[Any]] = field(default_factory=dict)

    def channels(self, streams: Iterable[Stream]) -> tuple[Channel, ...]:
        """Return the channels of the streams, in the order of ``bio`` arrays."""
        wanted = tuple(streams)
        return tuple(c for c in self.all_channels if c.stream in wanted)

    def read(
        self,
        stream: Stream,
        rows: Int[np.ndarray, " row"],
        shift_s: Float[np.ndarray, " row"] | None = None,
    ) -> NDArray[Any]:
        """Copy rows of one stream, in the order asked for; they stay at their place.

        Parameters
        ----------
        shift_s : array, shape (row,), optional
            Zeros only.

        Raises
        ------
        ValueError
            When a row should start elsewhere.
        """
        if shift_s is not None and np.any(shift_s):
            raise ValueError("held seconds start where they were recorded")
        return np.asarray(self.arrays[stream][rows])

    def count_samples(
        self, stream: Stream, rows: Int[np.ndarray, " row"]
    ) -> Int[np.ndarray, " row"]:
        """Return how many samples, or frames, rows have of a stream."""
        n_samples = self.arrays[stream].shape[1 if stream.is_images else 2]
        return np.full(len(rows), n_samples)

    def read_rest(
        self, stream: Stream, row: int
    ) -> Float[np.ndarray, "channel time"] | None:
        """Return the baseline before the trial, None where none is subtracted."""
        del row  # all are of one trial
        return self.rest.get(stream)


def hold_seconds(
    arrays: Mapping[Stream, NDArray[Any]],
    *,
    channels: Sequence[Channel],
    sfreq: float,
    start_s: NDArray[Any] | None = None,
    rest: Mapping[Stream, NDArray[Any]] | None = None,
) -> Rows:
    """Return arrays of a recording as rows.

    Parameters
    ----------
    arrays : mapping
        As ``HeldSeconds`` has them.
    channels : sequence of Channel
        Of all streams, each one's in the order of its array.
    sfreq : float
        Samples a second of the signals, in Hz.
    start_s : array, shape (row,), optional
        Where each second lies in the recording; one after the other by default.
    rest : mapping, optional
        As ``HeldSeconds`` has it.

    Returns
    -------
    Rows
        All seconds in their order, as of a subject that was not in training.
    """
    n_rows = len(next(iter(arrays.values())))
    table = pd.DataFrame({"start_s": np.arange(n_rows) if start_s is None else start_s})
    table["start_s"] = table["start_s"].astype(float)
    table = table.assign(
        subject=NEW_SUBJECT, trial="", stimulus="", segment=np.arange(n_rows)
    )
    table = table.assign(**{f"has_{s}": int(s in arrays) for s in Stream})
    held = HeldSeconds(table, arrays, tuple(channels), sfreq, rest or {})
    nothing = np.zeros(n_rows, np.int64)
    return Rows(held, np.arange(n_rows), tuple(arrays), nothing)


def share_arrays(rows: Rows, arrays: Mapping[Stream, NDArray[Any]]) -> Rows:
    """Return the same held seconds with other numbers in some streams."""
    if not isinstance(rows.store, HeldSeconds):
        raise TypeError("only seconds that are held can be given other numbers")
    return hold_seconds(
        {**{s: rows.read(s) for s in rows.streams}, **arrays},
        channels=rows.store.all_channels,
        sfreq=rows.store.sfreq,
        start_s=rows.table["start_s"].to_numpy(),
        rest=rows.store.rest,
    )
