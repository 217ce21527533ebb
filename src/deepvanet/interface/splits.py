"""Protocols as splitters of scikit-learn: ``split_rows``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Int

from deepvanet.evaluation.parts import cut_part
from deepvanet.interface.asking import PathLike
from deepvanet.interface.selection import settle_rows
from deepvanet.protocols import PROTOCOLS, Protocol
from deepvanet.protocols.folds import Fold
from deepvanet.schema import UserError, pick
from deepvanet.store import Rows, TrialStore

RowNumbers = Int[np.ndarray, " part"]


@dataclass(frozen=True, eq=False, repr=False)
class ProtocolSplit:
    """The folds of a protocol, as ``cv=`` of scikit-learn takes them.

    Attributes
    ----------
    rows : Rows
        What is split; arrays that are split by it have a row for each of them.
    protocol : Protocol
        What it keeps apart, and what it shares.
    folds : tuple of Fold
        Row numbers count within ``rows``. A protocol of one subject has the folds of
        all subjects, one after the other; ``scope`` of each says whose it is.
    """

    rows: Rows
    protocol: Protocol
    folds: tuple[Fold, ...]

    def __len__(self) -> int:
        return len(self.folds)

    def __repr__(self) -> str:
        return f"<ProtocolSplit {self.protocol.name}: {len(self)} folds of {self.rows}>"

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ARG002, N803
        """Return how many folds there are."""
        return len(self.folds)

    def split(
        self,
        X: Any = None,  # noqa: N803
        y: Any = None,  # noqa: ARG002
        groups: Any = None,  # noqa: ARG002
    ) -> Iterator[tuple[RowNumbers, RowNumbers]]:
        """Yield the training and the test rows of each fold, as ``evaluate`` has them.

        Parameters
        ----------
        X : array, shape (row, ...), optional
            What is split; only its length is read.
        y, groups : object
            Not read: the labels of ``rows`` balance folds.

        Yields
        ------
        train, test : array
            Row numbers.

        Raises
        ------
        UserError
            When ``X`` has another number of rows.
        """
        n_rows = len(self.rows) if X is None else _count(X)
        if n_rows != len(self.rows):
            raise UserError(
                f"needs {len(self.rows)} rows, one for each of those that were split, "
                f"got {n_rows}",
                field="X",
            )
        for fold in self.folds:
            yield fold.train, fold.test


def split_rows(
    store: PathLike | TrialStore,
    protocol: str,
    *,
    beside: Sequence[str] = (),
    folds: int | None = None,
    seed: int = 0,
    **asked: Any,
) -> ProtocolSplit:
    """Cut rows of a store into the folds of a protocol, as ``evaluate`` does.

    Parameters
    ----------
    store : str, Path or TrialStore
        Store of trials.
    protocol : str
        Its name.
    beside : sequence of str
        Protocols that are evaluated in the same run: all have as many folds.
    folds : int, optional
        How many; as ``evaluate`` has them if not given.
    seed : int
        Of the random order of units.
    **asked : object
        Which rows, and which labels balance folds: as ``select_rows`` takes them.

    Returns
    -------
    ProtocolSplit
        With the rows that it splits.

    Raises
    ------
    UserError
        When there is no such protocol, or the rows have too few units for it.

    Examples
    --------
    >>> import deepvanet
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.model_selection import cross_val_score
    >>> cv = deepvanet.split_rows("store", "trial", streams="eeg")  # doctest: +SKIP
    >>> X = cv.rows.read(deepvanet.Stream.EEG).std(axis=-1)  # doctest: +SKIP
    >>> cross_val_score(DummyClassifier(), X, cv.rows.label, cv=cv)  # doctest: +SKIP
    """
    settings, segments, streams = settle_rows(store, asked)
    names = (protocol, *beside)
    for name in names:
        pick("protocol", name, PROTOCOLS)
    if PROTOCOLS[protocol].is_forward and settings.task != "trace":
        raise UserError(
            f"{protocol} divides trials in time, and needs the task trace, got "
            f"{settings.task}",
            field="protocol",
        )
    settings = replace(settings, protocols=names, folds=folds, seeds=(seed,))
    family = (PROTOCOLS[protocol],)
    part = cut_part(segments, settings, family, settings.targets[0], streams, seed)
    rows = part.rows.open(segments, streams)
    return ProtocolSplit(rows, PROTOCOLS[protocol], part.folds)


def _count(X: Any) -> int:  # noqa: N803
    shape = getattr(X, "shape", None)
    return int(shape[0]) if shape else len(X)
