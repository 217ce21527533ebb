"""The paper's grid search: as published, on test folds, and nested beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from deepvanet.learners.grid import name_cell
from deepvanet.reporting import plotting
from deepvanet.reporting.panels import add_legend
from deepvanet.reporting.plotting import Plot, Sheet
from deepvanet.reproduction.plans import NETWORK, name_grid
from deepvanet.reproduction.published import CHOSEN, DATASETS
from deepvanet.reproduction.scores import DASH, Cell, RunScores
from deepvanet.reproduction.table2 import SEGMENT, TARGETS, TRIAL
from deepvanet.results import CHOICE_COLUMNS, read_table

MEAN = "mean of both"
"""What the paper chooses by."""

_LEFT, _TOP = 0.62, 0.62
_SOLID, _DASH = (0.0, ()), (0.0, (2.0, 1.2))

Cells = Float[np.ndarray, "face bio"]


@dataclass(frozen=True)
class SearchResult:
    """Both searches of one data set.

    Attributes
    ----------
    accuracy : mapping
        Segment accuracy of every cell on the test folds of ``paper``, in per cent,
        for each target and their mean.
    chosen : mapping
        How many folds of ``trial`` chose each cell on their validation rows.
    n_unchosen : int
        Folds with too few validation trials to choose by; they have the paper's
        lengths.
    nested : mapping
        What the nested choice scores under ``trial``, of each target and measure.
    why : mapping
        Of ``paper`` and ``trial``, the reason for a dash, or nothing.
    """

    key: str
    grid: tuple[int, ...]
    accuracy: Mapping[str, Cells]
    chosen: Mapping[str, Cells]
    n_unchosen: int
    nested: Mapping[tuple[str, tuple[str, str]], Cell]
    why: Mapping[str, str]

    def has_chosen(self, target: str) -> bool:
        """Say whether a fold could choose a cell."""
        return not self.why["trial"] and bool(self.chosen[target].any())

    def find_best(self, name: str) -> tuple[int, int]:
        """Return the lengths that do best on the test folds; of equals the smaller."""
        face, bio = np.unravel_index(
            np.argmax(self.accuracy[name]), self.accuracy[name].shape
        )
        return self.grid[face], self.grid[bio]


def read_search(
    runs: Path, scored: RunScores, key: str, grid: tuple[int, ...]
) -> SearchResult:
    """Read both searches of a data set.

    Parameters
    ----------
    runs : Path
        Folder of the runs.
    scored : RunScores
        Scores of all runs.
    key : str
        Of ``DATASETS``.
    grid : tuple of int
        Lengths of either feature vector.

    Returns
    -------
    SearchResult
        Where a search cannot be had, it says why.
    """
    cells = {
        target: [[_find_cell(scored, key, target, f, b) for b in grid] for f in grid]
        for target in TARGETS
    }
    accuracy = {
        target: np.array([[cell.percent for cell in row] for row in rows])
        for target, rows in cells.items()
    }
    accuracy[MEAN] = np.mean([accuracy[target] for target in TARGETS], axis=0)
    nested = {
        (target, measure): _find_nested(scored, key, target, measure)
        for target in TARGETS
        for measure in (SEGMENT, TRIAL)
    }
    why = {
        "paper": cells[TARGETS[0]][0][0].why,
        "trial": nested[TARGETS[0], SEGMENT].why,
    }
    choices = pd.DataFrame(columns=list(CHOICE_COLUMNS))
    if not why["trial"]:
        file = runs / name_grid("trial", key) / "choices.csv"
        choices = read_table(file, CHOICE_COLUMNS)
    chosen, n_unchosen = count_choices(choices, grid)
    return SearchResult(key, grid, accuracy, chosen, n_unchosen, nested, why)


def count_choices(
    choices: pd.DataFrame, grid: Sequence[int]
) -> tuple[dict[str, Cells], int]:
    """Count how many folds chose each cell, and how many could not choose."""
    counts = {target: np.zeros((len(grid), len(grid))) for target in TARGETS}
    n_unchosen = 0
    whole = choices[choices["learner"] == NETWORK]
    keys = ["target", "seed", "subject", "fold"]
    for key, fold in whole.groupby(keys, sort=True):
        values = dict(zip(fold["name"], fold["value"], strict=True))
        if not values["is_chosen"]:
            n_unchosen += 1
            continue
        face, bio = (int(values[f"{name}_features"]) for name in ("face", "bio"))
        counts[str(key[0])][grid.index(face), grid.index(bio)] += 1
    return counts, n_unchosen


def _find_cell(scored: RunScores, key: str, target: str, face: int, bio: int) -> Cell:
    return scored.find(
        name_grid("paper", key),
        key,
        protocol="paper",
        target=target,
        learner=name_cell(face, bio),
        level=SEGMENT[0],
        metric=SEGMENT[1],
    )


def _find_nested(
    scored: RunScores, key: str, target: str, measure: tuple[str, str]
) -> Cell:
    return scored.find(
        name_grid("trial", key),
        key,
        protocol="trial",
        target=target,
        learner=NETWORK,
        level=measure[0],
        metric=measure[1],
    )


def tabulate_grid(searched: SearchResult) -> pd.DataFrame:
    """Return the numbers behind the figure."""
    grid = searched.grid
    rows = []
    for target in TARGETS:
        for f, face in enumerate(grid):
            for b, bio in enumerate(grid):
                rows.append(
                    {
                        "target": target,
                        "face_features": face,
                        "bio_features": bio,
                        "paper_percent": searched.accuracy[target][f, b],
                        "is_best_on_test": (face, bio) == searched.find_best(target)
                        and not searched.why["paper"],
                        "n_folds_chose": int(searched.chosen[target][f, b])
                        if searched.has_chosen(target)
                        else None,
                    }
                )
    return pd.DataFrame(rows).astype({"n_folds_chose": "Int64"})


def plot_grid(searched: SearchResult) -> Plot:
    """Plot both searches of a data set: un-nested above, nested below."""
    side = max(0.36 * len(searched.grid), 1.1)
    step, second = max(side + 0.3, 2.06), _TOP + side + 1.06
    sheet = Sheet(plotting.PAGE_IN, second + side + 0.46)
    _write_heads(sheet, DATASETS[searched.key], second)
    for kind, top in (("paper", _TOP), ("trial", second)):
        if searched.why[kind]:
            text = f"{DASH} {searched.why[kind]}"
            sheet.write(_LEFT, top, text, wrap=True)
    if not searched.why["paper"]:
        for column, name in enumerate((*TARGETS, MEAN)):
            axes = sheet.add_axes(_LEFT + column * step, _TOP, side, side)
            _plot_accuracy(axes, searched, name)
            _label(axes, searched.grid, name, is_first=column == 0)
    if not searched.why["trial"]:
        for column, target in enumerate(TARGETS):
            axes = sheet.add_axes(_LEFT + column * step, second, side, side)
            _label(axes, searched.grid, target, is_first=column == 0)
            if searched.has_chosen(target):
                _plot_cells(axes, searched.chosen[target], "{:.0f}")
            else:
                _say_nothing(axes, searched.grid)
        _write_nested(sheet, _LEFT + 2 * step - 0.1, second, searched)
    return sheet.finish(
        f"grid-{searched.key}",
        f"Grid search for {DATASETS[searched.key]}: as published, and nested",
        tabulate_grid(searched),
    )


def _write_heads(sheet: Sheet, dataset: str, second: float) -> None:
    """Write what both rows show, and what the frames mean."""
    sheet.write(
        0.04,
        0.04,
        f"{dataset}, paper: accuracy of segments (%) on the test folds; leaks: trial",
        color="#a84300",
        weight="bold",
    )
    sheet.write(
        0.04,
        second - 0.44,
        f"{dataset}, trial: how many folds chose each cell on their own validation "
        "trials; leaks: none",
        weight="bold",
    )
    handles = [
        Line2D([], [], color=color, linestyle=dash, linewidth=1.4, label=text)
        for text, color, dash in (
            ("best cell, chosen on test folds", plotting.VERMILION, _SOLID),
            ("the paper's choice", plotting.BLACK, _DASH),
        )
    ]
    add_legend(sheet, handles, top=0.22, ncols=2)


def _plot_accuracy(axes: Axes, searched: SearchResult, name: str) -> None:
    _plot_cells(axes, searched.accuracy[name], "{:.1f}")
    if set(CHOSEN) <= set(searched.grid):
        _frame(axes, searched.grid, CHOSEN, plotting.BLACK, _DASH, 0.36)
    best = searched.find_best(name)
    _frame(axes, searched.grid, best, plotting.VERMILION, _SOLID, 0.46)


def _plot_cells(axes: Axes, values: Cells, text: str) -> None:
    span = max(float(np.ptp(values)), 1e-9)
    for (face, bio), value in np.ndenumerate(values):
        share = (value - values.min()) / span
        axes.fill(
            [bio - 0.5, bio + 0.5, bio + 0.5, bio - 0.5],
            [face - 0.5, face - 0.5, face + 0.5, face + 0.5],
            color=plotting.BLUE,
            alpha=0.06 + 0.64 * share,
            linewidth=0,
        )
        axes.text(bio, face, text.format(value), ha="center", va="center")


def _say_nothing(axes: Axes, grid: Sequence[int]) -> None:
    """Say that no fold chose, in place of cells."""
    middle = (len(grid) - 1) / 2
    text = f"{DASH}\nno fold\ncould choose"
    axes.text(middle, middle, text, ha="center", va="center", color=plotting.GREY)


def _frame(
    axes: Axes,
    grid: Sequence[int],
    cell: tuple[int, int],
    color: str,
    dash: tuple[float, tuple[float, ...]],
    half: float,
) -> None:
    face, bio = grid.index(cell[0]), grid.index(cell[1])
    axes.plot(
        [bio - half, bio + half, bio + half, bio - half, bio - half],
        [face - half, face - half, face + half, face + half, face - half],
        color=color,
        linestyle=dash,
        linewidth=1.4,
        clip_on=False,
        zorder=4,
    )


def _label(axes: Axes, grid: Sequence[int], title: str, *, is_first: bool) -> None:
    places = range(len(grid))
    axes.set(xlim=(-0.5, len(grid) - 0.5), ylim=(len(grid) - 0.5, -0.5))
    axes.set_xticks(places, [str(length) for length in grid])
    axes.set_yticks(places, [str(length) for length in grid] if is_first else [])
    axes.tick_params(length=0)
    axes.spines[:].set(visible=True)
    axes.set_title(title, pad=4)
    axes.set_xlabel("bio features", labelpad=2)
    if is_first:
        axes.set_ylabel("face features", labelpad=2)


def _write_nested(
    sheet: Sheet, left: float, top: float, searched: SearchResult
) -> None:
    lines = ["Scores of the nested choice (%)", ""]
    for target in TARGETS:
        segment, trial = (searched.nested[target, m].text for m in (SEGMENT, TRIAL))
        lines += [f"{target}: segments {segment},", f"  trials, balanced {trial}"]
    if searched.n_unchosen:
        n_folds = searched.n_unchosen + int(
            sum(c.sum() for c in searched.chosen.values())
        )
        lines += [
            "",
            f"{searched.n_unchosen} of {n_folds} folds have too few",
            "validation trials: 16 and 64",
        ]
    sheet.write(left, top, "\n".join(lines))
