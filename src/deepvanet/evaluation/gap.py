"""How much time lies between training and test where trials are divided in time."""

from dataclasses import dataclass

from deepvanet.preprocessing.cleaning.filters import REACH_S
from deepvanet.store import SegmentStore
from deepvanet.tasks import MovingRating, Task
from deepvanet.tasks.moving import measure_decorrelation

MOST_SHARE = 0.25
"""Of a trial: as much of it may be spent so that a rating is no longer like before."""


@dataclass(frozen=True)
class Gap:
    """Seconds between training and test.

    Attributes
    ----------
    used_s : float
        That there are, at least.
    needed_s : float
        A segment, what filters reach, and the longest lag that is tried.
    decorrelation_s : float
        After which a rating is no longer like it was.
    """

    used_s: float
    needed_s: float
    decorrelation_s: float

    def tell(self) -> str:
        """Say how long it is, and what it does not cover."""
        said = (
            f"Between training and test of a trial lie {self.used_s:g} s or more; a "
            f"segment, the filters and the longest lag need {self.needed_s:g} s."
        )
        short_s = self.decorrelation_s - self.used_s
        if short_s <= 0:
            return f"{said} Ratings are alike for {self.decorrelation_s:.3g} s."
        return (
            f"{said} Ratings are alike for {self.decorrelation_s:.3g} s, "
            f"{short_s:.3g} s longer: the first test rows are easier than later ones. "
            "The prior last-value says how much that alone gives."
        )


def find_gap(store: SegmentStore, task: Task) -> Gap:
    """Return the gap that a store and a task need.

    Raises
    ------
    ValueError
        When the task's ratings do not move.
    """
    if not isinstance(task, MovingRating):
        raise ValueError("only ratings that move are divided in time")
    needed_s = store.segmenting.length_s + REACH_S + max(task.lags_s)
    traces, rate = store.list_traces(task.target)
    decorrelation_s = measure_decorrelation(traces, rate)
    most_s = MOST_SHARE * float(store.trials["duration_s"].median())
    used_s = max(needed_s, min(decorrelation_s, most_s))
    return Gap(round(used_s, 3), needed_s, decorrelation_s)
