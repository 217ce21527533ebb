"""Finished runs -> numbers to put into tables and figures, or the reason for a dash."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from deepvanet.metrics import SCORE_COLUMNS, tabulate_scores
from deepvanet.protocols import PROTOCOLS
from deepvanet.reproduction.plans import RunPlan
from deepvanet.reproduction.published import DATASETS
from deepvanet.results import open_run, sharing_of, training_sizes_of

DASH = "\N{EN DASH}"
"""What stands where there is no number."""


_CONTROLS = tuple(name for name, facts in PROTOCOLS.items() if facts.kind == "control")


@dataclass(frozen=True)
class Cell:
    """A score in per cent, or why there is none.

    Attributes
    ----------
    low, high : float
        Ends of the 95 % interval over subjects; NaN below six subjects.
    leaks : str
        As in ``scores.csv``.
    why : str
        The reason for a dash; empty where there is a number.
    n_subjects : int
        Who was scored.
    """

    percent: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    leaks: str = ""
    why: str = ""
    n_subjects: int = 0

    @property
    def text(self) -> str:
        """The number with two decimals, as the paper has it, or a dash."""
        is_known = not self.why and self.percent == self.percent
        return f"{self.percent:.2f}" if is_known else DASH


@dataclass(frozen=True)
class RunScores:
    """Scores of all runs.

    Attributes
    ----------
    table : DataFrame
        Columns ``run`` and ``SCORE_COLUMNS``; the data set is the store's.
    obstacles : mapping
        Of each run that cannot be had, why.
    given : tuple of str
        The data sets whose stores were given.
    """

    table: pd.DataFrame
    obstacles: Mapping[str, str]
    given: tuple[str, ...]

    def find(
        self,
        run: str,
        key: str,
        *,
        protocol: str,
        target: str,
        learner: str,
        level: str,
        metric: str,
    ) -> Cell:
        """Return a score, or why there is none.

        Parameters
        ----------
        run : str
            The folder's name.
        key : str
            Of ``DATASETS``.
        protocol, target, learner : str
            What was evaluated, as in the columns of ``table``.
        level, metric : str
            Which score of it, as in the columns of ``table``.

        Returns
        -------
        Cell
            In per cent with its interval, or the reason for a dash.
        """
        if key not in self.given:
            return Cell(why=f"no store of {DATASETS[key]} was given")
        if self.obstacles.get(run):
            return Cell(why=f"{DATASETS[key]}: {self.obstacles[run]}")
        wanted = {
            "run": run,
            "protocol": protocol,
            "target": target,
            "learner": learner,
            "level": level,
            "metric": metric,
        }
        table = self.table
        for column, value in wanted.items():
            table = table[table[column] == value]
        if not len(table):
            return Cell(why=f"{learner} does not read these streams")
        row = table.iloc[0]
        if row["mean"] != row["mean"]:
            return Cell(why=f"{DATASETS[key]}: every subject has one class only")
        mean, low, high = 100 * row[["mean", "ci_low", "ci_high"]].astype(float)
        return Cell(
            float(mean),
            float(low),
            float(high),
            leaks=str(row["leaks"]),
            n_subjects=int(row["n_subjects"]),
        )


def score_runs(
    folder: Path, plans: Sequence[RunPlan], *, given: Sequence[str]
) -> RunScores:
    """Score the runs that were finished.

    Parameters
    ----------
    folder : Path
        Holds a folder for each plan without an obstacle.
    """
    done = [plan for plan in plans if not plan.obstacle]
    tables = [_score(folder / plan.name).assign(run=plan.name) for plan in done]
    if not tables:
        tables = [pd.DataFrame(columns=["run", *SCORE_COLUMNS])]
    return RunScores(
        pd.concat(tables, ignore_index=True)[["run", *SCORE_COLUMNS]],
        {plan.name: plan.obstacle for plan in plans},
        tuple(given),
    )


def _score(path: Path) -> pd.DataFrame:
    run = open_run(path)
    return tabulate_scores(
        run.predictions,
        dataset=str(run.settings["dataset"]),
        sharing=sharing_of(run.leakage),
        n_train=training_sizes_of(run.leakage),
        permutations=run.permutations,
        controls=_CONTROLS,
    )
