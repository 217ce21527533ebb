"""The paper's grid search over the lengths of both feature vectors, done nested.

Every fold chooses for itself, and its test rows have no part in it. Where
validation rows choose the epoch they choose the lengths too, by the least loss.
Where the protocol takes the last epoch and so has no validation rows, one part of
the training rows, units whole, is held out to choose; then all of them train.
Where the test fold picks the epoch (``reference``), it picks the lengths as well.

``network:16x64`` (face x bio) is the network of one cell of the grid, for users who
want the paper's own search: all cells tested, and the best of the tests reported.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from deepvanet.config import NetworkSettings
from deepvanet.learners.known import CELL
from deepvanet.learners.learner import (
    ALL_GOALS,
    Choice,
    Epoch,
    EpochRecord,
    FitPlan,
    Learner,
    Training,
    Traits,
)
from deepvanet.learners.network import FittedNetwork, NetworkLearner
from deepvanet.protocols.folds import cut_inner_folds
from deepvanet.schema import WITH_CHANNELS, Stream
from deepvanet.store import Rows


def make_network(
    name: str, settings: NetworkSettings, seed: int, face_weights: Path | None = None, /
) -> Learner:
    """Make the network, of one cell or choosing its lengths from the settings' grid.

    Parameters
    ----------
    name : str
        ``network``, or a cell's name, as ``network:16x64``: face x bio.
    settings : NetworkSettings
        How the network is built and trained; a cell's name overrides its lengths.
    seed : int
        Of fresh weights, the order of rows, and inner folds.
    face_weights : Path | None
        Where the face trunk starts; None: from fresh weights.

    Returns
    -------
    Learner
        Not fitted yet.
    """
    cell = re.fullmatch(CELL, name)
    if cell is not None:
        face, bio = int(cell[1]), int(cell[2])
        fixed = replace(settings, face_features=face, bio_features=bio)
        return NetworkLearner(fixed, seed, face_weights)
    if settings.grid_face or settings.grid_bio:
        return GridSearch(settings, seed, face_weights)
    return NetworkLearner(settings, seed, face_weights)


def name_cell(face_features: int, bio_features: int) -> str:
    """Return the learner that is the network of these lengths.

    Examples
    --------
    >>> name_cell(16, 64)
    'network:16x64'
    """
    return f"network:{face_features}x{bio_features}"


@dataclass(frozen=True)
class GridSearch:
    """Train a network of every cell and keep the one that validation chooses."""

    settings: NetworkSettings
    seed: int
    face_weights: Path | None = None
    traits: ClassVar[Traits] = Traits(
        has_epochs=True, takes_offsets=True, goals=ALL_GOALS, joins_targets=True
    )

    def fit(
        self,
        train: Rows,
        *,
        watch: Rows | None = None,
        choose: Choice = Choice.LAST,
        unit: str = "trial",
    ) -> "FittedGrid":
        """Train every cell; rows too few to choose by leave the paper's lengths.

        Parameters
        ----------
        train : Rows
            Seconds with labels.
        watch : Rows | None
            Rows that choose the cell and its epoch, unless the last epoch is read.
        choose : Choice
            By what cell and epoch are chosen; at the last epoch, rows held out of
            ``train`` choose the cell.
        unit : str
            What is kept whole where rows are held out of ``train``.

        Returns
        -------
        FittedGrid
            The networks of the chosen cells.
        """
        last = None
        if choose is not Choice.LOSS:
            best = self._choose_inside(train, unit)
            last = self._network(best or self.settings).fit(train)
            if choose is Choice.LAST:
                return FittedGrid(last, last, is_chosen=best is not None)
        return FittedGrid(self._choose(train, watch, choose), last, is_chosen=True)

    def refit(self, train: Rows, *, plan: FitPlan, unit: str = "trial") -> "FittedGrid":
        """Train again on other rows, with the lengths and steps that a fit chose."""
        cell = replace(self.settings, grid_face=(), grid_bio=())
        is_chosen = bool(plan.get("is_chosen", 1))
        known = {name: value for name, value in plan.items() if name != "is_chosen"}
        fitted = self._network(cell).refit(train, plan=known, unit=unit)
        return FittedGrid(fitted, None, is_chosen=is_chosen)

    def list_trainings(self, streams: Sequence[Stream]) -> Sequence[Training]:
        """Name the network, once for each cell of the grid."""
        n_cells = len(self._list_cells(streams))
        network = self._network(self.settings)
        return [Training("network", network, tuple(streams), float(n_cells))]

    def _choose(self, train: Rows, watch: Rows | None, choose: Choice) -> FittedNetwork:
        best: FittedNetwork | None = None
        for cell in self._list_cells(train.streams):
            fitted = self._network(cell).fit(train, watch=watch, choose=choose)
            if best is None or _merit(fitted, choose) > _merit(best, choose):
                best = fitted
        if best is None:
            raise ValueError("a grid without cells")
        return best

    def _choose_inside(self, train: Rows, unit: str) -> NetworkSettings | None:
        """Choose a cell by training rows that are held out of the training."""
        folds = cut_inner_folds(train.table, train.stratum, unit=unit, seed=self.seed)
        if not folds:
            return None
        inner, held = (train.take(index) for index in folds[0])
        losses = {
            cell: self._network(cell).fit(inner, watch=held).history[-1].watched_loss
            for cell in self._list_cells(train.streams)
        }
        return min(losses, key=lambda cell: losses[cell] or 0.0)

    def _list_cells(self, streams: Sequence[Stream]) -> list[NetworkSettings]:
        """Return the cells that differ for these streams."""
        usual = self.settings
        face = usual.grid_face if Stream.FACE in streams else ()
        bio = usual.grid_bio if set(streams) & set(WITH_CHANNELS) else ()
        return [
            replace(usual, face_features=f, bio_features=b, grid_face=(), grid_bio=())
            for f, b in product(
                face or (usual.face_features,), bio or (usual.bio_features,)
            )
        ]

    def _network(self, settings: NetworkSettings) -> NetworkLearner:
        return NetworkLearner(settings, self.seed, self.face_weights)


@dataclass(frozen=True, eq=False)
class FittedGrid:
    """The networks that were chosen.

    Attributes
    ----------
    chosen, last : FittedNetwork
        Read at the chosen and at the last epoch; there is no last one where
        validation rows chose.
    is_chosen : bool
        Whether there were rows to choose by.
    """

    chosen: FittedNetwork
    last: FittedNetwork | None
    is_chosen: bool

    @property
    def history(self) -> Sequence[EpochRecord]:
        """Of the chosen network."""
        return self.chosen.history

    @property
    def chosen_epoch(self) -> int:
        """Of the chosen network."""
        return self.chosen.chosen_epoch

    @property
    def plan(self) -> FitPlan:
        """The lengths and the steps of the chosen network."""
        recipe = self.chosen.recipe
        return {
            **self.chosen.plan,
            "face_features": recipe.face_features,
            "bio_features": recipe.bio_features,
            "is_chosen": int(self.is_chosen),
        }

    @property
    def choices(self) -> Mapping[str, float]:
        """The lengths, and whether they were chosen."""
        found = self._name_lengths(self.chosen)
        if self.last is not None and self.last is not self.chosen:
            lengths = self._name_lengths(self.last)
            found |= {f"last {name}": value for name, value in lengths.items()}
        return found

    def score(
        self, rows: Rows, *, epoch: Epoch = "chosen"
    ) -> Float[np.ndarray, " row *class"]:
        """Return the prediction of each row, as the goal says."""
        fitted = {"chosen": self.chosen, "last": self.last}[epoch]
        if fitted is None:
            raise ValueError("validation rows chose the epoch: there is no last one")
        return fitted.score(rows, epoch=epoch)

    def take_target(self, place: int) -> FittedNetwork:
        """Return the chosen network of one of several targets."""
        return self.chosen.take_target(place)

    def save(self, folder: Path) -> None:
        """Write the chosen network into a new folder."""
        self.chosen.save(folder)

    def _name_lengths(self, fitted: FittedNetwork) -> dict[str, float]:
        recipe = fitted.recipe
        return {
            "face_features": float(recipe.face_features),
            "bio_features": float(recipe.bio_features),
            "is_chosen": float(self.is_chosen),
        }


def _merit(fitted: FittedNetwork, choose: Choice) -> float:
    record = fitted.history[fitted.chosen_epoch - 1]
    value = (
        record.watched_accuracy
        if choose is Choice.ACCURACY
        else -(record.watched_loss or 0.0)
    )
    return float("nan") if value is None else value
