"""Some rows of a store with a label each: what a learner is given."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Num
from numpy.typing import NDArray

from deepvanet.schema import HIGH_OR_LOW, Channel, Goal, Stream, name_streams
from deepvanet.store.columns import number_trials
from deepvanet.tasks.task import stratify

Adjust = Callable[[Stream, Int[np.ndarray, " row"], NDArray[Any]], NDArray[Any]]


@runtime_checkable
class Segments(Hashable, Protocol):
    """Where rows are read from: a store on disk, or a recording in memory."""

    @property
    def table(self) -> pd.DataFrame:
        """One row a segment, numbered from 0."""

    @property
    def sfreq(self) -> float:
        """Samples a second of the signals, in Hz."""

    def channels(self, streams: Iterable[Stream]) -> tuple[Channel, ...]:
        """Return the channels of the streams, in the order of ``bio`` arrays."""

    def read(
        self,
        stream: Stream,
        rows: Int[np.ndarray, " row"],
        shift_s: Float[np.ndarray, " row"] | None = None,
    ) -> NDArray[Any]:
        """Copy rows of one stream into memory, in the order asked for.

        Parameters
        ----------
        shift_s : array, shape (row,), optional
            By how much each starts after its place, in seconds.
        """

    def count_samples(
        self, stream: Stream, rows: Int[np.ndarray, " row"]
    ) -> Int[np.ndarray, " row"]:
        """Return how many samples, or frames, rows have of a stream."""

    def read_rest(
        self, stream: Stream, row: int
    ) -> Float[np.ndarray, "channel time"] | None:
        """Return the baseline before a row's trial, None where none is subtracted."""


@dataclass(frozen=True, repr=False)
class Rows:
    """Some rows of a store with a label each: what a learner is given.

    Attributes
    ----------
    store : Segments
        A store, or seconds of a recording that are held in memory.
    numbers : array, shape (row,)
        Row numbers of ``store.table``.
    streams : tuple of Stream
        The streams that a learner may read.
    label : array, shape (row,) or (row, target)
        0 or 1, the number of a class, or a rating, as the goal says; of a goal with
        several parts a column each.
    adjust : callable | None
        From stream, row numbers of the store and what was read there, to what
        ``read`` gives instead.
    goal : Goal
        What is predicted of each row.
    """

    store: Segments
    numbers: Int[np.ndarray, " row"]
    streams: tuple[Stream, ...]
    label: Num[np.ndarray, " row *target"]
    adjust: Adjust | None = None
    goal: Goal = HIGH_OR_LOW

    def __len__(self) -> int:
        return len(self.numbers)

    def __repr__(self) -> str:
        asked: str = self.goal.kind
        if self.goal.parts:
            asked = f"{asked} of {len(self.goal.parts)} targets"
        return f"<Rows: {len(self)} of {name_streams(self.streams)}, {asked}>"

    @cached_property
    def table(self) -> pd.DataFrame:
        """The rows' subject, trial, stimulus and so on, numbered from 0."""
        return self.store.table.iloc[self.numbers].reset_index(drop=True)

    @cached_property
    def trial(self) -> Int[np.ndarray, " row"]:
        """A number for each row's trial, from 0; trials of two subjects differ."""
        return number_trials(self.table)

    @cached_property
    def stratum(self) -> Int[np.ndarray, " row"]:
        """The class of each row, of ratings whether they are above their median."""
        return stratify(self.label, self.goal, self.trial if self.goal.moves else None)

    def read(
        self,
        stream: Stream,
        index: Int[np.ndarray, " item"] | None = None,
        shift_s: Float[np.ndarray, " item"] | None = None,
    ) -> NDArray[Any]:
        """Copy one stream of all rows, or of ``index`` among them, into memory.

        Parameters
        ----------
        shift_s : array, shape (item,), optional
            By how much each starts after its place, in seconds.
        """
        rows = self.numbers if index is None else self.numbers[index]
        array = self.store.read(stream, rows, shift_s)
        return array if self.adjust is None else self.adjust(stream, rows, array)

    def cut(self, stream: Stream, most_numbers: int) -> list[Int[np.ndarray, " item"]]:
        """Cut the rows of signals into parts, each of one length, to read at once.

        Parameters
        ----------
        stream : Stream
            That is read.
        most_numbers : int
            Of a part, where a row does not have more.

        Returns
        -------
        list of array
            Indices of rows, the shortest first, as ``read`` takes them.
        """
        lengths = self.store.count_samples(stream, self.numbers)
        n_channels = len(self.store.channels([stream]))
        parts: list[Int[np.ndarray, " item"]] = []
        for length in np.unique(lengths).tolist():
            index = np.flatnonzero(lengths == length)
            n_rows = max(1, most_numbers // (n_channels * length))
            parts += np.split(index, range(n_rows, len(index), n_rows))
        return parts

    def take(
        self, index: Int[np.ndarray, " item"] | Bool[np.ndarray, " row"]
    ) -> "Rows":
        """Return some of the rows."""
        return replace(self, numbers=self.numbers[index], label=self.label[index])

    def split_targets(self) -> tuple["Rows", ...]:
        """Return the rows with the label of each target; of one target, themselves."""
        return tuple(
            replace(self, label=self.label[:, place], goal=part)
            for place, part in enumerate(self.goal.parts)
        ) or (self,)
