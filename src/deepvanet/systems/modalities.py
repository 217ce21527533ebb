"""A modality of a fitted system: how one stream is measured, scaled and chosen from.

What was fitted is arrays under the stream's name, ``eeg/fill`` and the like.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64
from numpy.typing import NDArray

from deepvanet.config import Normalise
from deepvanet.learners.classifiers import Classifier, Scaler, fit_scaler
from deepvanet.learners.families import OneAgainstRest
from deepvanet.learners.saved import Layout, check_arrays
from deepvanet.schema import Stream
from deepvanet.store import Rows
from deepvanet.systems.trial_table import (
    STREAMS,
    FeatureSet,
    TrialTable,
    count_missing,
)
from deepvanet.systems.unit_range import UnitRange

Numbers = Mapping[str, NDArray[Any]]
Scaled = Float64[np.ndarray, "trial kept"]
Mask = Bool[np.ndarray, " kept"]

_OWN: Layout = {"names": ("U", ("feature",)), "chosen": ("b", ("kept",))}


@dataclass(frozen=True)
class Modality:
    """How one stream is read by a fitted system.

    Attributes
    ----------
    stream : Stream
        EEG or peripheral.
    names : array, shape (feature,)
        Of all features that were measured.
    scaler : Scaler
        How they are filled and scaled.
    within : UnitRange | None
        How they are brought to 0 to 1 within subjects before; None: they are not.
    chosen : array, shape (kept,)
        Which of the scaled features are read.
    """

    stream: Stream
    names: NDArray[Any]
    scaler: Scaler
    within: UnitRange | None = None
    chosen: Mask = field(default_factory=lambda: np.ones(0, dtype=bool))

    def scale(self, table: TrialTable) -> Scaled:
        """Return features as they are chosen from.

        Raises
        ------
        UserError
            When the table has other features than the fit, or the numbers of the fit
            give none.
        """
        values = table.values
        if self.within is not None and values.shape[1] == len(self.names):
            values = self.within.apply(values, table.subject)
        return self.scaler.apply(values, table.subject)

    def read(self, features: FeatureSet, rows: Rows) -> Scaled:
        """Measure the trials of some rows, and return what the classifier reads."""
        return self.scale(features.measure(rows, self.stream))[:, self.chosen]

    def to_arrays(self, fitted: Numbers) -> dict[str, NDArray[Any]]:
        """Return all numbers, those of its classifier too, by names of the stream."""
        arrays = {
            "names": self.names,
            "chosen": self.chosen,
            **self.scaler.to_arrays(),
            **({} if self.within is None else self.within.to_arrays()),
            **fitted,
        }
        return {f"{self.stream}/{name}": array for name, array in arrays.items()}


def fit_modality(
    features: FeatureSet,
    rows: Rows,
    stream: Stream,
    *,
    normalise: Normalise,
    is_within: bool = False,
) -> tuple[Modality, Scaled, int]:
    """Find how a stream is scaled, by training rows.

    Parameters
    ----------
    features : FeatureSet
        What is measured.
    rows : Rows
        That train.
    stream : Stream
        Of them.
    normalise : str
        As in ``NetworkSettings``.
    is_within : bool
        Whether features are brought to 0 to 1 within subjects, instead of to mean 0
        and deviation 1 over all training trials.

    Returns
    -------
    tuple
        The modality, of which nothing is chosen yet; its scaled training features; and
        how many features no training trial has.
    """
    table = features.measure(rows, stream)
    n_missing = count_missing(features.learner, table)
    names = np.array(table.names, dtype=str)
    if not is_within:
        scaler = fit_scaler(table.values, table.subject, normalise=normalise)
        modality = Modality(stream, names, scaler)
    else:
        within = UnitRange.fit(table.values, table.subject)
        scaler = fit_scaler(within.apply(table.values, table.subject), table.subject)
        zero = np.zeros_like(scaler.center)
        scaler = replace(scaler, center=zero, spread=zero + 1)
        modality = Modality(stream, names, scaler, within)
    return modality, modality.scale(table), n_missing


def open_modalities(
    numbers: Numbers,
    classifier: Classifier | OneAgainstRest,
    *,
    streams: Sequence[Stream] = STREAMS,
) -> list[tuple[Modality, Numbers]]:
    """Return the modalities of a fitted system, each with its classifier's numbers.

    Raises
    ------
    ValueError
        When the numbers are not those of a fit.
    """
    opened: list[tuple[Modality, Numbers]] = []
    for stream in streams:
        start = f"{stream}/"
        mine = {
            name.removeprefix(start): array
            for name, array in numbers.items()
            if name.startswith(start)
        }
        if not mine:
            continue
        scaler = Scaler.from_arrays(mine)
        n_features, n_kept = len(scaler.kept), max(1, len(scaler.fill))
        check_arrays(mine, _OWN, feature=n_features, kept=n_kept)
        within = UnitRange.from_arrays(mine, n_features)
        modality = Modality(stream, mine["names"], scaler, within, mine["chosen"])
        fitted = {**mine, "fill": np.zeros(np.count_nonzero(mine["chosen"]))}
        classifier.check(fitted)
        opened.append((modality, fitted))
    if not opened:
        raise ValueError("no stream was fitted")
    return opened
