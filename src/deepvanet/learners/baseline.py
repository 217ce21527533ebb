"""What learners of plain numbers have in common: no epochs, a folder of arrays.

They are saved to be compared and read by others; this package does not load them::

    FOLDER/learner.json   which learner
    FOLDER/fitted.npz     the fitted numbers
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from deepvanet.files import whole_folder, write_text
from deepvanet.learners.learner import Epoch, EpochRecord
from deepvanet.store import Rows

FORMAT = "deepvanet-baseline-1"
MOST_ROWS = 10_000
"""Training rows of a learner whose time grows with their square."""


@dataclass(frozen=True, eq=False)
class FittedBaseline:
    """A learner without epochs after fitting.

    Attributes
    ----------
    name : str
        Of the learner.
    predict : callable
        From rows to the probability that each is high.
    numbers : mapping
        All that was fitted, as arrays.
    choices : mapping
        What was chosen on training rows.
    """

    name: str
    predict: Callable[[Rows], Float[np.ndarray, " row"]]
    numbers: Mapping[str, NDArray[Any]]
    choices: Mapping[str, float] = field(default_factory=dict)
    history: ClassVar[Sequence[EpochRecord]] = ()
    chosen_epoch: ClassVar[int | None] = None

    def score(
        self,
        rows: Rows,
        *,
        epoch: Epoch = "chosen",  # noqa: ARG002 - there are none
    ) -> Float[np.ndarray, " row"]:
        """Return the probability that each row is high."""
        return self.predict(rows)

    def save(self, folder: Path) -> None:
        """Write a new folder, whole or not at all."""
        text = json.dumps({"format": FORMAT, "learner": self.name}) + "\n"
        with whole_folder(folder) as unfinished:
            write_text(unfinished / "learner.json", text)
            np.savez(unfinished / "fitted.npz", allow_pickle=False, **self.numbers)


def draw_evenly(rows: Rows, most: int, *, seed: int) -> Int[np.ndarray, " item"]:
    """Draw at most so many rows, evenly over trials, in the order of the rows.

    Each round takes one row of every trial, until there are enough.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows))
    trial = rows.trial[order]
    by_trial = np.argsort(trial, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(trial))[:-1]])
    turn = np.empty(len(rows), dtype=np.int64)
    turn[by_trial] = np.arange(len(rows)) - starts[trial[by_trial]]
    first = np.lexsort([np.arange(len(rows)), turn])[:most]
    return np.sort(order[first])
