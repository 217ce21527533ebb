"""The part of Table 2 that is of other studies' systems: planned, shown, written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from deepvanet.cells import write_csv
from deepvanet.files import whole_file, write_text
from deepvanet.learners.published_systems import SystemRecord
from deepvanet.reproduction.baseline_square import (
    LEARNER,
    SquareRun,
    plan_square,
    plot_square,
    score_square,
    tabulate_square,
    write_square,
)
from deepvanet.reproduction.given import StoreOfPaper
from deepvanet.reproduction.plans import RunPlan, Size
from deepvanet.reproduction.scores import RunScores
from deepvanet.reproduction.system_figure import list_lines, plot_lines
from deepvanet.reproduction.system_page import SystemContent
from deepvanet.reproduction.system_scores import ACCURACY, BALANCED, tabulate_runs
from deepvanet.reproduction.system_tables import write_system_tables
from deepvanet.reproduction.systems import SystemRun, list_plans, plan_systems


@dataclass(frozen=True)
class SystemWork:
    """What the tables of systems need.

    Attributes
    ----------
    cells : list of SystemRun
        As ``plan_systems`` lists them; empty where no system was asked for.
    squares : mapping
        By data set, the four runs of ``yang2018``.
    """

    cells: list[SystemRun] = field(default_factory=list)
    squares: Mapping[str, Sequence[SquareRun]] = field(default_factory=dict)

    @property
    def plans(self) -> list[RunPlan]:
        """All runs, each once."""
        found = list_plans(self.cells)
        squares = [run.plan for four in self.squares.values() for run in four]
        return list({p.name: p for p in (*found, *squares) if p}.values())


def plan_work(
    records: Sequence[SystemRecord],
    given: Mapping[str, StoreOfPaper],
    *,
    size: Size,
    seed: int,
) -> SystemWork:
    """List the runs that some systems need on all stores.

    Parameters
    ----------
    records : sequence of SystemRecord
        Those that are run; none: no table of systems is made.
    given : mapping
        The stores, by data set.
    size : Size
        How much of the experiments is run.
    seed : int
        Of folds and fits.

    Returns
    -------
    SystemWork
        With the four runs of ``yang2018`` where it is asked for.
    """
    if not records:
        return SystemWork()
    cells = plan_systems(records, given.values(), size=size, seed=seed)
    squares: dict[str, list[SquareRun]] = {}
    if any(record.learner == LEARNER for record in records):
        made = list_plans(cells)
        squares = {
            key: plan_square(store, made, size=size, seed=seed)
            for key, store in given.items()
        }
    return SystemWork(cells, squares)


def show_systems(
    work: SystemWork,
    scored: RunScores,
    given: Mapping[str, StoreOfPaper],
    *,
    small: str,
) -> SystemContent:
    """Return tables and figures of what was run, plotted in the style that is set.

    Parameters
    ----------
    work : SystemWork
        What was run.
    scored : RunScores
        Scores of all runs.
    given : mapping
        The stores, by data set.
    small : str
        What a small size does to the numbers; empty at the full size.

    Returns
    -------
    SystemContent
        With a figure of each store.
    """
    tables = {
        metric: tabulate_runs(work.cells, scored, metric)
        for metric in (ACCURACY, BALANCED)
    }
    shown = SystemContent(tables, given, small=small)
    for key, store in given.items():
        rows = [row for row in tables[ACCURACY] if row.key == key]
        shown.figures.append(plot_lines(list_lines(rows, scored, given), store))
        if key in work.squares:
            scores = score_square(work.squares[key], scored)
            has_score = any(not cell.why for score in scores for cell in score.cells)
            plot = plot_square(scores, key) if has_score else None
            shown.squares.append((scores, plot))
    return shown


def write_systems(out: Path, shown: SystemContent) -> Iterator[str]:
    """Write the tables; yield what to print."""
    write_system_tables(out, shown.tables, shown.given, small=shown.small)
    yield f"table of systems: {out / 'systems-accuracy.md'}"
    if not shown.squares:
        return
    tables = [tabulate_square(scores) for scores, _ in shown.squares]
    with whole_file(out / "baselines.csv") as unfinished:
        frame = pd.concat(tables, ignore_index=True)
        write_csv(frame, unfinished, float_format="%.9g")
    write_text(out / "baselines.md", write_square([one for one, _ in shown.squares]))
    yield f"{LEARNER} under two baselines: {out / 'baselines.md'}"
