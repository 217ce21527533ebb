"""Rows of a trial that a method reads together: some seconds, or all of the trial.

Rows are as a store has them, usually seconds. A method whose example is longer joins
the rows that it is given, and nothing else: five seconds, a second with those before
it, or the whole trial. Each row then gets the prediction of its piece, so that there is
one prediction a row. Rows of another length than a second were asked for as they are,
and are pieces themselves; only whole trials are joined from rows of any length.

A piece starts after a gap between rows, and where a run of rows ends the last piece
reaches back to be as long as the others. A run that is shorter than a piece makes a
shorter one: what is missing in front of it is filled up with zeros after scaling.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Int, Shaped
from numpy.typing import NDArray
from torch import Tensor

from deepvanet.learners.held_rows import find_neighbours
from deepvanet.learners.inputs import Fetch, Index
from deepvanet.schema import Stream
from deepvanet.store import Rows

NOTHING = -1
"""In place of a row, in front of a piece that is shorter than others."""

SECOND_S = 1.0
"""Rows of another length are not joined."""

_EXACT_S = 1e-6


@dataclass(frozen=True, eq=False)
class Pieces:
    """Rows, and which of them are read together.

    Attributes
    ----------
    rows : Rows
        As they were handed in.
    members : array, shape (piece, step)
        The rows of each piece in the order of time; ``NOTHING`` in front of short ones.
    piece_of : array, shape (row,)
        The piece whose prediction a row gets.
    """

    rows: Rows
    members: Int[np.ndarray, "piece step"]
    piece_of: Int[np.ndarray, " row"]

    def __len__(self) -> int:
        return len(self.members)

    @cached_property
    def labelled(self) -> Rows:
        """A row a piece, its last one: what it is labelled and weighed by."""
        return self.rows.take(self.members[:, -1])

    def gather(self, fetch: Fetch) -> Fetch:
        """Return a function that gathers pieces, each stream (piece, step, ...).

        Parameters
        ----------
        fetch : callable
            Gathers rows.
        """

        def gather_pieces(index: Index) -> dict[Stream, Tensor]:
            wanted = self.members[index]
            is_missing = wanted == NOTHING
            found = fetch(np.where(is_missing, 0, wanted).ravel())
            joined = {}
            for stream, tensor in found.items():
                whole = tensor.reshape(*wanted.shape, *tensor.shape[1:])
                if is_missing.any():
                    whole = whole.clone()
                    whole[torch.from_numpy(is_missing).to(whole.device)] = 0
                joined[stream] = whole
            return joined

        return gather_pieces

    def spread(
        self, of_piece: Shaped[np.ndarray, "piece *class"]
    ) -> Shaped[np.ndarray, "row *class"]:
        """Return what belongs to pieces row by row."""
        return np.asarray(of_piece[self.piece_of])


def count_joined(rows: Rows, window_s: float) -> int:
    """Return how many rows of training a window of so many seconds joins.

    Parameters
    ----------
    rows : Rows
        Of a store. Where they are seconds that follow each other they are joined.
    window_s : float
        Length of a window in seconds.

    Returns
    -------
    int
        1 where rows are of another length, or overlap: then a row is a window.
    """
    is_second = np.allclose(rows.table["duration_s"], SECOND_S)
    if not is_second or find_neighbours(rows).overlap:
        return 1
    return max(1, round(window_s / SECOND_S))


def cut_windows(rows: Rows, n_steps: int) -> Pieces:
    """Join rows of a second into windows that follow each other.

    Parameters
    ----------
    rows : Rows
        In any order, of any trials.
    n_steps : int
        Rows of a window, by ``count_joined``.
    """
    pieces: list[NDArray[np.int64]] = []
    piece_of = np.empty(len(rows), np.int64)
    for run in _list_runs(rows, n_steps):
        for start in range(0, len(run), n_steps):
            end = min(start + n_steps, len(run))
            piece_of[run[start:end]] = len(pieces)
            pieces.append(run[max(0, end - n_steps) : end])
    return Pieces(rows, _stack(pieces, n_steps), piece_of)


def cut_contexts(rows: Rows, n_steps: int) -> Pieces:
    """Join each row of a second with those before it, as many as there are.

    Parameters
    ----------
    rows : Rows
        In any order, of any trials.
    n_steps : int
        Rows of the window that ends with the row, by ``count_joined``.
    """
    members = np.full((len(rows), n_steps), NOTHING, np.int64)
    for run in _list_runs(rows, n_steps):
        for back in range(min(n_steps, len(run))):
            members[run[back:], n_steps - 1 - back] = run[: len(run) - back]
    return Pieces(rows, members, np.arange(len(rows)))


def cut_trials(rows: Rows, n_steps: int = 0) -> Pieces:
    """Join all rows of each trial, no matter what lies between them.

    Parameters
    ----------
    rows : Rows
        In any order, of any trials.
    n_steps : int
        Least length of a piece; shorter ones are filled up in front.
    """
    _, trials = _list_trials(rows)
    longest = max(n_steps, *map(len, trials))
    return Pieces(rows, _stack(trials, longest), rows.trial)


def _list_trials(
    rows: Rows,
) -> tuple[NDArray[np.float64], list[NDArray[np.int64]]]:
    """Return where each row starts, and the rows of each trial in the order of time."""
    start_s = rows.table["start_s"].to_numpy(dtype=float)
    order = np.lexsort([start_s, rows.trial])
    ends = np.cumsum(np.bincount(rows.trial))[:-1]
    return start_s, np.split(order, ends)


def _list_runs(rows: Rows, n_steps: int) -> list[NDArray[np.int64]]:
    """Return the rows of each trial in the order of time, cut where there are gaps."""
    if n_steps == 1:
        return list(np.arange(len(rows))[:, None])
    start_s, trials = _list_trials(rows)
    return [
        run
        for trial in trials
        for run in np.split(
            trial, np.flatnonzero(np.diff(start_s[trial]) > SECOND_S + _EXACT_S) + 1
        )
    ]


def _stack(
    pieces: list[NDArray[np.int64]], n_steps: int
) -> Int[np.ndarray, "piece step"]:
    members = np.full((len(pieces), n_steps), NOTHING, np.int64)
    for place, piece in enumerate(pieces):
        members[place, n_steps - len(piece) :] = piece
    return members
