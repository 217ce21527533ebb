"""Electrodes laid out on a grid of 9 x 9 cells, one picture a time point.

Each electrode has its cell by its name, and so any montage of the 10-20 system can be
read. Cells without an electrode are zero. The numbers of a time point are brought to
zero mean and unit variance over the electrodes that are there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from deepvanet.learners.held_rows import open_rows
from deepvanet.learners.inputs import Fetch, Index, check_length
from deepvanet.learners.saved import check_arrays
from deepvanet.schema import Stream, UserError
from deepvanet.store import Rows
from deepvanet.systems.inputs import Arrays

SIDE = 9
"""Cells along a side of the grid."""

_ROWS = (
    ". . . Fp1 . Fp2 . . .",
    ". . . AF3 . AF4 . . .",
    "F7 . F3 . Fz . F4 . F8",
    ". FC5 . FC1 . FC2 . FC6 .",
    "T7 . C3 . Cz . C4 . T8",
    ". CP5 . CP1 . CP2 . CP6 .",
    "P7 . P3 . Pz . P4 . P8",
    ". . . PO3 . PO4 . . .",
    ". . . O1 Oz O2 . . .",
)
_OLDER_NAMES = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}

CELLS: Mapping[str, int] = {
    name: SIDE * row + column
    for row, names in enumerate(_ROWS)
    for column, name in enumerate(names.split())
    if name != "."
}
"""The cell of each electrode, counted row by row from the left of the forehead."""

NO_CELL = -1

_BY_NAME = {name.casefold(): cell for name, cell in CELLS.items()} | {
    old.casefold(): CELLS[new] for old, new in _OLDER_NAMES.items()
}
_LEAST_SPREAD = 1e-6  # of the mean; less is a rounding


def find_cells(names: Sequence[str]) -> Int[np.ndarray, " channel"]:
    """Return the cell of each channel, ``NO_CELL`` of those without one.

    Examples
    --------
    >>> find_cells(["Fp1", "FZ", "T3", "A1"]).tolist()
    [3, 22, 36, -1]
    """
    return np.array([_BY_NAME.get(name.casefold(), NO_CELL) for name in names])


def scale_time_points(
    signals: Float[Tensor, "row channel time"],
) -> Float[Tensor, "row channel time"]:
    """Bring each time point to zero mean and unit variance over its channels.

    A channel whose number is not finite is left out, and is zero.
    """
    is_known = torch.isfinite(signals)
    known = torch.where(is_known, signals, 0)
    count = is_known.sum(dim=1, keepdim=True).clamp(min=1)
    mean = known.sum(dim=1, keepdim=True) / count
    around = torch.where(is_known, known - mean, 0)
    spread = ((around**2).sum(dim=1, keepdim=True) / count).sqrt()
    moves = spread > _LEAST_SPREAD * mean.abs()
    return torch.where(moves, around / torch.where(moves, spread, 1), 0)


@dataclass(frozen=True, eq=False)
class FrameInputs:
    """EEG of the electrodes that have a cell, each time point scaled by itself.

    Attributes
    ----------
    cells : array, shape (channel,)
        Of each channel of EEG, ``NO_CELL`` of one that is not read.
    n_samples : int
        Of a row.
    """

    cells: Int[np.ndarray, " channel"]
    n_samples: int

    @classmethod
    def fit(cls, train: Rows) -> "FrameInputs":
        """Look up the channels of a store; nothing is measured.

        Raises
        ------
        UserError
            When no electrode has a cell.
        """
        names = [channel.name for channel in train.store.channels([Stream.EEG])]
        cells = find_cells(names)
        if (cells == NO_CELL).all():
            raise UserError(
                "electrodes are placed by their names of the 10-20 system, as "
                f"{', '.join(list(CELLS)[:4])} and so on; got {', '.join(names)}"
            )
        return cls(cells, train.read(Stream.EEG, np.arange(1)).shape[-1])

    @property
    def placed(self) -> Int[np.ndarray, " electrode"]:
        """The cells of the electrodes that are read, in their order."""
        return np.asarray(self.cells[self.cells != NO_CELL])

    @property
    def shapes(self) -> Mapping[Stream, tuple[int, ...]]:
        """Electrodes and samples."""
        return {Stream.EEG: (len(self.placed), self.n_samples)}

    def open(self, rows: Rows, *, device: str = "cpu") -> Fetch:
        """Return a function that gathers rows, (row, electrode, time).

        Raises
        ------
        UserError
            When rows have another length or other channels than in training.
        """
        mine = replace(rows, streams=(Stream.EEG,))
        _, n_channels, n_samples = mine.read(Stream.EEG, np.arange(1)).shape
        check_length(n_samples, self.n_samples)
        if n_channels != len(self.cells):
            raise UserError(
                f"the network was trained on {len(self.cells)} channels of EEG, got "
                f"{n_channels}"
            )
        fetch = open_rows(mine, {}, device=device)
        is_read = torch.from_numpy(self.cells != NO_CELL).to(device)

        def gather(index: Index) -> dict[Stream, Tensor]:
            signals = fetch(index)[Stream.EEG][:, is_read].float()
            return {Stream.EEG: scale_time_points(signals)}

        return gather

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the cells, and the samples of a row."""
        return {"cells": self.cells, "n_samples": np.array(self.n_samples)}

    @classmethod
    def load(cls, arrays: Arrays) -> "FrameInputs":
        """Read what ``to_arrays`` returned, or raise ``ValueError``."""
        check_arrays(arrays, {"cells": ("i", ("channel",)), "n_samples": ("iu", ())})
        cells, n_samples = arrays["cells"], int(arrays["n_samples"])
        placed = cells[cells != NO_CELL]
        if not len(placed) or not np.isin(placed, list(CELLS.values())).all():
            raise ValueError("cells needs places of electrodes")
        if not 0 < n_samples < 2**20:
            raise ValueError("n_samples needs a number of samples")
        return cls(cells, n_samples)
