"""Trials as segments are cut from them, kept while few are read again and again.

Samples lie on disk time first, and segments are read channels first, less a baseline.
To turn a segment and subtract takes longer than to copy it. So a trial of which more
has been read than it holds is turned once, and segments are copied from that. Trials
that are read through once are never kept.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32, Int
from numpy.lib.stride_tricks import sliding_window_view

from deepvanet.schema import Stream

RowNumbers = Int[np.ndarray, " row"]


@dataclass(frozen=True)
class _TurnedStream:
    """What is known of one stream's trials.

    Attributes
    ----------
    n_asked : array, shape (trial,)
        Samples that were asked for.
    slot : array, shape (trial,)
        Where each trial is kept; -1 where it is not.
    kept : array, shape (slot, channel, time)
        As long as the longest trial; what was not written takes no memory.
    views : dict
        Of each length of rows, all windows without a copy.
    """

    n_asked: Int[np.ndarray, " trial"]
    slot: Int[np.ndarray, " trial"]
    kept: Float32[np.ndarray, "slot channel time"]
    views: dict[int, Float32[np.ndarray, "slot first channel length"]] = field(
        default_factory=dict
    )

    def view(self, length: int) -> Float32[np.ndarray, "slot first channel length"]:
        """Return every window of some length, without a copy."""
        if length not in self.views:
            windows = sliding_window_view(self.kept, length, axis=2)
            self.views[length] = windows.swapaxes(1, 2)
        return self.views[length]


class TurnedTrials:
    """Trials of signals that are kept in memory, channels first.

    Parameters
    ----------
    most_bytes : int
        When all trials that were asked for together take more, none is kept.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._n_bytes = 0
        self._streams: dict[Stream, _TurnedStream] = {}

    def ask(
        self,
        stream: Stream,
        trial: RowNumbers,
        length: int,
        *,
        lasts: Int[np.ndarray, " trial"],
        n_channels: int,
    ) -> list[int]:
        """Count rows that are asked for, and return trials to keep from now on.

        Parameters
        ----------
        stream : Stream
            Of the rows.
        trial : array, shape (row,)
            Number of each row's trial.
        length : int
            Samples of a row.
        lasts : array, shape (trial,)
            Samples of each trial of the store.
        n_channels : int
            Of the stream.

        Returns
        -------
        list of int
            Trials that were read more than once, and are not kept yet.
        """
        slot_bytes = 4 * n_channels * int(lasts.max())
        if stream not in self._streams:
            n_slots = min(len(lasts), self._most_bytes // slot_bytes)
            self._streams[stream] = _TurnedStream(
                np.zeros(len(lasts), np.int64),
                np.full(len(lasts), -1),
                np.empty((n_slots, n_channels, int(lasts.max())), np.float32),
            )
        found = self._streams[stream]
        asked = np.bincount(trial, minlength=len(lasts)) * length
        is_new = (asked > 0) & (found.n_asked == 0)
        self._n_bytes += slot_bytes * int(is_new.sum())
        if self._n_bytes > self._most_bytes:
            self._streams.clear()
            self._n_bytes = 0
            return []
        found.n_asked[:] += asked
        often = (found.n_asked > lasts) & (asked > 0) & (found.slot < 0)
        return [int(one) for one in np.flatnonzero(often)]

    def make_room(
        self, stream: Stream, trial: int, length: int
    ) -> Float32[np.ndarray, "channel time"]:
        """Return where a trial of so many samples is to be written, which is kept."""
        found = self._streams[stream]
        found.slot[trial] = slot = int(found.slot.max()) + 1
        return found.kept[slot, :, :length]

    def gather(
        self, stream: Stream, trial: RowNumbers, start: RowNumbers, length: int
    ) -> Float32[np.ndarray, "row channel time"] | None:
        """Copy rows from their starts in their trials; None unless all are kept.

        Parameters
        ----------
        stream : Stream
            Of the rows.
        trial, start : array, shape (row,)
            Number of each row's trial, and the sample of it at which the row starts.
        length : int
            Samples of a row.

        Returns
        -------
        array, shape (row, channel, time), or None
            Less the baseline.
        """
        found = self._streams.get(stream)
        if found is None:
            return None
        slot = found.slot[trial]
        return None if slot.min() < 0 else np.asarray(found.view(length)[slot, start])
