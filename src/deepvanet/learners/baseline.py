"""What learners of plain numbers have in common: no epochs, a folder of arrays.

What was fitted is arrays; what predicts is made of them, by the same function after a
fit and after loading, so that both say the same to the byte::

    FOLDER/learner.json         which learner, and what it chose
    FOLDER/fitted.safetensors   the fitted numbers
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from deepvanet.files import whole_folder, write_text
from deepvanet.learners.learner import Epoch, EpochRecord, FitPlan
from deepvanet.learners.saved import read_saved, refuse_damage
from deepvanet.store import Rows

FORMAT = "deepvanet-baseline-2"
MOST_ROWS = 10_000
"""Training rows of a learner whose time grows with their square."""

Numbers = Mapping[str, NDArray[Any]]
PredictRows = Callable[[Rows], Float[np.ndarray, " row *class"]]


@dataclass(frozen=True, eq=False)
class FittedBaseline:
    """A learner without epochs after fitting.

    Attributes
    ----------
    name : str
        Of the learner.
    predict : callable
        From rows to their predictions; knows ``numbers`` alone.
    numbers : mapping
        All that was fitted, as arrays of numbers or of text.
    choices : mapping
        What was chosen on training rows.
    """

    name: str
    predict: PredictRows
    numbers: Numbers
    choices: Mapping[str, float] = field(default_factory=dict)
    history: ClassVar[Sequence[EpochRecord]] = ()
    chosen_epoch: ClassVar[int | None] = None
    plan: ClassVar[FitPlan] = {}

    def score(
        self,
        rows: Rows,
        *,
        epoch: Epoch = "chosen",  # noqa: ARG002 - there are none
    ) -> Float[np.ndarray, " row *class"]:
        """Return the prediction of each row, as the goal says."""
        return self.predict(rows)

    def save(self, folder: Path) -> None:
        """Write a new folder, whole or not at all."""
        texts = {k: v.tolist() for k, v in self.numbers.items() if v.dtype.kind == "U"}
        arrays = {
            name: np.array(array, order="C")
            for name, array in self.numbers.items()
            if name not in texts
        }
        values = {
            "format": FORMAT,
            "learner": self.name,
            "choices": dict(self.choices),
            "texts": texts,
        }
        with whole_folder(folder) as unfinished:
            write_text(unfinished / "learner.json", json.dumps(values, indent=2) + "\n")
            save_file(arrays, unfinished / "fitted.safetensors")


@dataclass(frozen=True)
class SavedBaseline:
    """What ``learner.json`` holds."""

    learner: str
    choices: Mapping[str, float]
    texts: Mapping[str, tuple[str, ...]]


def load_baseline(
    folder: Path, make_predict: Callable[[str, Numbers], PredictRows]
) -> FittedBaseline:
    """Load what ``FittedBaseline.save`` wrote.

    Parameters
    ----------
    make_predict : callable
        From the learner's name and the fitted numbers to what predicts, as after a fit.

    Raises
    ------
    UserError
        When a file is missing, damaged or of another format.
    """
    saved = read_saved(folder / "learner.json", FORMAT, SavedBaseline)
    with refuse_damage(folder):
        arrays = load_file(folder / "fitted.safetensors")
        texts = {
            name: np.array(texts, dtype=str) for name, texts in saved.texts.items()
        }
        numbers = {**arrays, **texts}
        return FittedBaseline(
            saved.learner, make_predict(saved.learner, numbers), numbers, saved.choices
        )


def sample_evenly(rows: Rows, most: int, *, seed: int) -> Int[np.ndarray, " item"]:
    """Sample at most so many rows, evenly over trials, in the order of the rows.

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
