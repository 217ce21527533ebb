"""A table of features with a row a trial, measured once and kept.

A trial is what of it is handed in: its rows are laid on one clock, and nothing else of
the stored trial is read. So where a protocol splits trials, training and test are
measured apart.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float64, Int
from numpy.typing import NDArray

from deepvanet.findings import list_some, say_count
from deepvanet.learners.features import HELD_TRIALS
from deepvanet.learners.trial_features import list_trials
from deepvanet.learners.trial_signals import TrialSignals, join_trial
from deepvanet.schema import BIO, Channel, Stream, UserError
from deepvanet.store import Rows, Segments, SegmentStore
from deepvanet.systems.peripheral_features import list_features, measure_peripherals
from deepvanet.systems.warn_once import warn_once

MeasureTrial = Callable[[TrialSignals], dict[str, float]]

STREAMS = BIO
"""That are measured here."""


@dataclass(frozen=True)
class TrialTable:
    """Features of trials.

    Attributes
    ----------
    names : tuple of str
        Of the features.
    values : array, shape (trial, feature)
        NaN where a feature cannot be measured.
    subject : array, shape (trial,)
        Whose trial it is.
    """

    names: tuple[str, ...]
    values: Float64[np.ndarray, "trial feature"]
    subject: NDArray[np.object_]


@dataclass(frozen=True)
class FeatureSet:
    """What a learner measures.

    Attributes
    ----------
    learner : str
        Whose subset of the peripheral features it is.
    measure_eeg : callable
        From the EEG of a trial to its features by name.
    """

    learner: str
    measure_eeg: MeasureTrial

    def measure(self, rows: Rows, stream: Stream) -> TrialTable:
        """Measure one stream of all trials of some rows.

        Parameters
        ----------
        rows : Rows
            Of any number of trials.
        stream : Stream
            EEG or peripheral.

        Returns
        -------
        TrialTable
            Trials in the order of ``rows.trial``.

        Raises
        ------
        UserError
            When no channel of the stream is of a kind that the learner reads.
        """
        how, names = self.measure_eeg, None
        if stream is Stream.PERIPHERAL:
            how, names = measure_peripherals, self._list_names(rows.store)
        recall = _recall if isinstance(rows.store, SegmentStore) else _measure
        trials = list_trials(rows)
        found = [
            recall(how, rows.store, rows.numbers[index].tobytes(), stream)
            for index in trials
        ]
        names = names or list(found[0])
        values = np.array([[one[name] for name in names] for one in found], dtype=float)
        first = np.array([index[0] for index in trials])
        return TrialTable(tuple(names), values, rows.table["subject"].to_numpy()[first])

    def _list_names(self, store: Segments) -> list[str]:
        channels = store.channels([Stream.PERIPHERAL])
        names = list_features(channels, self.learner)
        if not names:
            raise UserError(
                f"learner {self.learner}: reads none of the peripheral channels "
                f"{_list_channels(channels)}"
            )
        return names


def _list_channels(channels: Sequence[Channel]) -> str:
    return ", ".join(f"{channel.name} ({channel.type})" for channel in channels)


def _measure(
    measure: MeasureTrial, store: Segments, numbers: bytes, stream: Stream
) -> Mapping[str, float]:
    """Measure the segments of one trial."""
    return measure(join_trial(store, np.frombuffer(numbers, np.int64), stream))


_recall = lru_cache(maxsize=4 * HELD_TRIALS)(_measure)
"""The same, kept: every fold, target and learner asks again."""


def first_rows(rows: Rows) -> Rows:
    """Return a row of each trial, with its label, in the order of ``rows.trial``."""
    first: Int[np.ndarray, " trial"] = np.array([one[0] for one in list_trials(rows)])
    return rows.take(first)


def count_missing(learner: str, table: TrialTable) -> int:
    """Return how many features no trial has, and name them in a warning.

    Parameters
    ----------
    learner : str
        Which leaves them out.
    table : TrialTable
        Of the training rows.

    Returns
    -------
    int
        How many there are.
    """
    is_missing = ~np.isfinite(table.values).any(axis=0)
    names = [n for n, gone in zip(table.names, is_missing, strict=True) if gone]
    if names:
        warn_once(
            f"{learner}: {say_count(len(names), 'feature')} of {len(table.names)} left "
            "out, since no training trial is long enough for them or has such a "
            f"signal: {list_some(names)}"
        )
    return len(names)


def clear_cache() -> None:
    """Forget the trials that were measured, and what was said of them."""
    _recall.cache_clear()
    warn_once.cache_clear()


Numbers = Mapping[str, NDArray[Any]]
