"""Segments for PyTorch: ``SegmentDataset``, which reads a batch at once."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from deepvanet.schema import Stream, UserError
from deepvanet.store import Rows

Item = tuple[Mapping[str, Tensor], Tensor]


class SegmentDataset(Dataset[Item]):
    """Rows of a store as a data set of PyTorch.

    An item is a mapping from the names of streams to tensors, and the label. Signals
    are (channel, time), as they are stored: in microvolts and other units, not scaled,
    NaN where a sample is missing. Faces are (frame, colour, height, width) from 0 to 1.
    A ``DataLoader`` asks for a batch by ``__getitems__``, which is read at once.

    Parameters
    ----------
    rows : Rows
        As ``select_rows`` or ``split_rows`` gives them.

    Raises
    ------
    UserError
        When rows differ in length.

    Examples
    --------
    >>> import deepvanet
    >>> from torch.utils.data import DataLoader
    >>> rows = deepvanet.select_rows("store", streams="eeg")  # doctest: +SKIP
    >>> data = deepvanet.SegmentDataset(rows)  # doctest: +SKIP
    >>> for x, y in DataLoader(data, batch_size=64, shuffle=True):  # doctest: +SKIP
    ...     print(x["eeg"].shape, y.shape)
    """

    def __init__(self, rows: Rows) -> None:
        for stream in rows.streams:
            lengths = rows.store.count_samples(stream, rows.numbers)
            if len(np.unique(lengths)) > 1:
                raise UserError(
                    f"rows of one length can be joined into a batch, got {stream} of "
                    f"{lengths.min()} to {lengths.max()} samples: cut trials into "
                    "segments of some seconds",
                    field="rows",
                )
        self.rows = rows
        is_number = rows.goal.kind != "classes"
        self.label = torch.as_tensor(rows.label).to(
            torch.float32 if is_number else torch.int64
        )

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Item:
        """Return one row; a batch is read faster at once."""
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Item]:
        """Return rows, each stream of which is read in one go."""
        index = np.asarray(indices, dtype=np.int64) % len(self)
        read = {str(stream): self._read(stream, index) for stream in self.rows.streams}
        label = self.label[torch.from_numpy(index)]
        return [
            ({name: batch[place] for name, batch in read.items()}, label[place])
            for place in range(len(index))
        ]

    def _read(
        self, stream: Stream, index: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    ) -> Tensor:
        array = self.rows.read(stream, index)
        if stream.is_images:
            return torch.from_numpy(array).permute(0, 1, 4, 2, 3) / 255.0
        return torch.from_numpy(array)
