"""What a system's network reads of rows: scaled signals, or scaled features.

How inputs are scaled is fitted on training rows, and kept as arrays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray
from torch import Tensor

from deepvanet.learners.classifiers import Scaler, fit_scaler
from deepvanet.learners.held_rows import open_rows
from deepvanet.learners.inputs import Fetch, Index
from deepvanet.learners.saved import check_arrays
from deepvanet.learners.scaling import LAYOUT, Scaling, fit_scaling
from deepvanet.schema import Stream, parse_streams
from deepvanet.store import Rows

Arrays = Mapping[str, NDArray[Any]]
MeasureRows = Callable[[Rows], Float64[np.ndarray, "row feature"]]


@runtime_checkable
class Inputs(Protocol):
    """What a network reads of rows, as it was fitted on training rows."""

    @property
    def shapes(self) -> Mapping[Stream, tuple[int, ...]]:
        """Of each stream the shape of a row."""

    def open(self, rows: Rows, *, device: str = "cpu") -> Fetch:
        """Return a function that gathers rows as float32, (row, ...)."""

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that was fitted, by names that start with the stream's."""


@dataclass(frozen=True, eq=False)
class SignalInputs:
    """Signals, each channel scaled by its median and interquartile range.

    Attributes
    ----------
    n_samples : int
        Of a row.
    """

    scalings: Mapping[Stream, Scaling]
    n_samples: int

    @classmethod
    def fit(cls, train: Rows) -> "SignalInputs":
        """Measure the channels of training rows."""
        _, _, n_samples = train.read(train.streams[0], np.arange(1)).shape
        return cls(fit_scaling(train), n_samples)

    @property
    def shapes(self) -> Mapping[Stream, tuple[int, ...]]:
        """Channels and samples."""
        return {
            s: (len(one.center), self.n_samples) for s, one in self.scalings.items()
        }

    def open(self, rows: Rows, *, device: str = "cpu") -> Fetch:
        """Return a function that gathers rows, (row, channel, time)."""
        mine = replace(rows, streams=tuple(self.scalings))
        return open_rows(mine, self.scalings, device=device)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the scaling of each stream, and the samples of a row."""
        arrays: dict[str, NDArray[Any]] = {"n_samples": np.array(self.n_samples)}
        return arrays | _name_arrays(self.scalings)

    @classmethod
    def load(cls, arrays: Arrays) -> "SignalInputs":
        """Read what ``to_arrays`` returned, or raise ``ValueError``."""
        check_arrays(arrays, {"n_samples": ("iu", ())})
        scalings = {}
        for stream, mine in _split_arrays(arrays).items():
            check_arrays(mine, LAYOUT)
            scalings[stream] = Scaling.from_dict(mine)
        return cls(scalings, int(arrays["n_samples"]))


@dataclass(frozen=True, eq=False)
class FeatureInputs:
    """Features of rows, each brought to zero mean and unit variance.

    Attributes
    ----------
    measures : mapping
        Of each stream what measures rows that have that stream alone.
    """

    measures: Mapping[Stream, MeasureRows]
    scalers: Mapping[Stream, Scaler]

    @classmethod
    def fit(
        cls, train: Rows, measures: Mapping[Stream, MeasureRows]
    ) -> "FeatureInputs":
        """Measure the features of training rows."""
        subject = train.table["subject"].to_numpy()
        scalers = {
            stream: fit_scaler(
                measures[stream](replace(train, streams=(stream,))),
                subject,
                normalise="none",
            )
            for stream in train.streams
        }
        return cls(measures, scalers)

    @property
    def shapes(self) -> Mapping[Stream, tuple[int, ...]]:
        """How many features a row has."""
        return {s: (max(1, int(one.kept.sum())),) for s, one in self.scalers.items()}

    def open(self, rows: Rows, *, device: str = "cpu") -> Fetch:
        """Return a function that gathers rows, (row, feature)."""
        subject = rows.table["subject"].to_numpy()
        held = {}
        for stream, scaler in self.scalers.items():
            found = self.measures[stream](replace(rows, streams=(stream,)))
            held[stream] = torch.from_numpy(scaler.apply(found, subject)).float()
            held[stream] = held[stream].to(device)

        def gather(index: Index) -> dict[Stream, Tensor]:
            return {stream: tensor[index] for stream, tensor in held.items()}

        return gather

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the scaler of each stream."""
        return _name_arrays(self.scalers)

    @classmethod
    def load(
        cls, arrays: Arrays, measures: Mapping[Stream, MeasureRows]
    ) -> "FeatureInputs":
        """Read what ``to_arrays`` returned, or raise ``ValueError``."""
        parts = _split_arrays(arrays).items()
        return cls(measures, {s: Scaler.from_arrays(mine) for s, mine in parts})


def _name_arrays(
    parts: Mapping[Stream, Scaling] | Mapping[Stream, Scaler],
) -> dict[str, NDArray[Any]]:
    return {
        f"{stream}/{name}": np.array(array, order="C")
        for stream, part in parts.items()
        for name, array in part.to_arrays().items()
    }


def _split_arrays(arrays: Arrays) -> dict[Stream, dict[str, NDArray[Any]]]:
    parts: dict[Stream, dict[str, NDArray[Any]]] = {}
    for whole, array in arrays.items():
        stream, slash, name = whole.partition("/")
        if slash:
            parts.setdefault(parse_streams(stream)[0], {})[name] = array
    if not parts:
        raise ValueError("no stream has inputs")
    return parts
