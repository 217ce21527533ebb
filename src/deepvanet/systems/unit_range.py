"""Bring each subject's features to 0 to 1 by its own least and greatest values.

A subject that trained keeps the range of its training trials. One that did not has the
range of its trials that are scored together: their signals then change each other's
scores.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from deepvanet.learners.saved import Layout, check_arrays

Values = Float64[np.ndarray, "trial feature"]
Subject = NDArray[np.object_]
Range = tuple[Float64[np.ndarray, " feature"], Float64[np.ndarray, " feature"]]

_LAYOUT: Layout = {
    "range_subject": ("U", ("subject",)),
    "range_low": ("f", ("subject", "feature")),
    "range_high": ("f", ("subject", "feature")),
}


@dataclass(frozen=True)
class UnitRange:
    """The least and the greatest value of each feature of each training subject."""

    known: Mapping[str, Range]

    @classmethod
    def fit(cls, values: Values, subject: Subject) -> "UnitRange":
        """Find the ranges of some subjects.

        Parameters
        ----------
        values : array, shape (trial, feature)
            NaN is left out.
        subject : array, shape (trial,)
            Whose trial it is.
        """
        return cls(
            {str(s): _find(values[subject == s]) for s in dict.fromkeys(subject)}
        )

    def apply(self, values: Values, subject: Subject) -> Values:
        """Return values with each subject's range brought to 0 to 1.

        A feature that does not move within a subject becomes one half. Values of new
        trials of a subject that trained may lie outside.
        """
        ranges = {**self.fit(values, subject).known, **self.known}
        out = np.empty_like(values)
        for name in dict.fromkeys(subject):
            low, high = ranges[str(name)]
            mine, wide = subject == name, high - low
            is_flat = ~(wide > np.abs(low) * np.finfo(np.float64).eps * 8)
            unit = (values[mine] - low) / np.where(is_flat, 1.0, wide)
            half = np.where(np.isfinite(values[mine]), 0.5, np.nan)
            out[mine] = np.where(is_flat, half, unit)
        return out

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all numbers."""
        ranges = list(self.known.values())
        return {
            "range_subject": np.array(list(self.known), dtype=str),
            "range_low": np.stack([low for low, _ in ranges]),
            "range_high": np.stack([high for _, high in ranges]),
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], n_features: int
    ) -> "UnitRange | None":
        """Read what ``to_arrays`` returned; None where there is nothing of it.

        Raises
        ------
        ValueError
            When they are not those of a fit.
        """
        if "range_subject" not in arrays:
            return None
        check_arrays(
            arrays, _LAYOUT, may_miss=("range_low", "range_high"), feature=n_features
        )
        ranges = zip(arrays["range_low"], arrays["range_high"], strict=True)
        return cls(dict(zip(arrays["range_subject"].tolist(), ranges, strict=True)))


def _find(values: Values) -> Range:
    there = np.isfinite(values)
    low = np.where(there, values, np.inf).min(axis=0)
    high = np.where(there, values, -np.inf).max(axis=0)
    is_known = there.any(axis=0)
    return np.where(is_known, low, np.nan), np.where(is_known, high, np.nan)
