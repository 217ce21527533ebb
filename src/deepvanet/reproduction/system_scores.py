"""Finished runs -> rows of the tables of systems: a score and a prior a cell."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from deepvanet.learners.published_systems import SystemRecord
from deepvanet.reproduction.scores import Cell, RunScores
from deepvanet.reproduction.systems import SystemRun, find_printed
from deepvanet.reproduction.table2 import TARGETS

ACCURACY, BALANCED = "accuracy", "balanced_accuracy"
"""The metrics, one a table: to compare with print, and to judge by."""

NOT_PRINTED = "Table 2 has no number of this system on this data set"


@dataclass(frozen=True)
class SystemScore:
    """What stands in a cell.

    Attributes
    ----------
    level : str
        ``segment`` or ``trial``: what is counted.
    cells, priors : tuple of Cell
        Of valence and arousal: the system's, and those of the run's prior.
    """

    run: SystemRun
    level: str
    cells: tuple[Cell, ...]
    priors: tuple[Cell, ...]

    @property
    def is_empty(self) -> bool:
        """Whether it has no number."""
        return all(cell.why for cell in self.cells)

    @property
    def n_subjects(self) -> int:
        """How many subjects were scored, at most."""
        return max(cell.n_subjects for cell in self.cells)

    @property
    def leaks(self) -> str:
        """What leaks, as in ``scores.csv``; empty without a number."""
        names = [leak for cell in self.cells for leak in cell.leaks.split("+") if leak]
        known = [leak for leak in dict.fromkeys(names) if leak != "none"]
        return "+".join(known) or ("none" if names else "")


@dataclass(frozen=True)
class SystemRow:
    """A system on a data set.

    Attributes
    ----------
    published : tuple of Cell
        Valence and arousal as Table 2 prints them.
    footnote : str
        What is wrong with these; empty where nothing is, or nothing is printed.
    scores : mapping
        By column.
    """

    record: SystemRecord
    key: str
    published: tuple[Cell, ...]
    footnote: str
    scores: Mapping[str, SystemScore]


def find_level(record: SystemRecord, metric: str) -> str:
    """Return what is counted: the authors' examples, or whole trials."""
    return record.level if metric == ACCURACY else "trial"


def tabulate_runs(
    runs: Iterable[SystemRun], scored: RunScores, metric: str
) -> list[SystemRow]:
    """Return the rows of one table, store by store.

    Parameters
    ----------
    runs : iterable of SystemRun
        As ``plan_systems`` lists them.
    scored : RunScores
        Scores of all runs.
    metric : str
        ``ACCURACY`` of the authors' examples or ``BALANCED`` accuracy of trials.
    """
    groups: dict[tuple[str, str], list[SystemRun]] = {}
    for run in runs:
        groups.setdefault((run.key, run.record.learner), []).append(run)
    return [_make_row(group, scored, metric) for group in groups.values()]


def _make_row(runs: Sequence[SystemRun], scored: RunScores, metric: str) -> SystemRow:
    record, key = runs[0].record, runs[0].key
    printed = find_printed(record, key)
    published = (Cell(why=NOT_PRINTED),) * len(TARGETS)
    if printed is not None:
        published = tuple(Cell(printed.of(target)) for target in TARGETS)
    return SystemRow(
        record,
        key,
        published,
        record.footnote if printed else "",
        {run.column: find_score(run, scored, metric) for run in runs},
    )


def find_score(run: SystemRun, scored: RunScores, metric: str) -> SystemScore:
    """Return the scores of a cell and of its prior, or why there are none."""
    level = find_level(run.record, metric)
    if run.plan is None:
        empty = (Cell(why=run.why),) * len(TARGETS)
        return SystemScore(run, level, empty, empty)
    find = partial(
        scored.find,
        run.plan.name,
        run.key,
        protocol=run.protocol,
        level=level,
        metric=metric,
    )
    return SystemScore(
        run,
        level,
        tuple(find(target=target, learner=run.record.learner) for target in TARGETS),
        tuple(find(target=target, learner=run.prior) for target in TARGETS),
    )
