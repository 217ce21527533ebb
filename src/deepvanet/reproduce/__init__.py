"""The paper's tables and figures from stores: what is published, ours, and what leaks.

``reproduce`` runs what is missing and then draws. The folder::

    OUT/index.html            everything below, for people; opens without a network
        table2.csv, .md       Table 2
        scores.csv            every score of every run, with intervals
        figures/fig2-*.svg    Fig. 2 of each data set, and .csv, the numbers behind it
                fig3-*.svg    Fig. 3 of each data set and protocol
                grid-*.svg    the grid search of each data set
        runs/*                what ``evaluate`` wrote, and the features of Fig. 3
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pandas as pd

from deepvanet.config import Execution
from deepvanet.execution import hold_workers
from deepvanet.files import make_folder, whole_file, write_text
from deepvanet.learners.repeatable import settle_machine
from deepvanet.metrics import SCORE_COLUMNS
from deepvanet.report import drawing
from deepvanet.reproduce import table2
from deepvanet.reproduce.fig2 import draw_bars, list_bars
from deepvanet.reproduce.fig3 import (
    SHOWN,
    Shown,
    draw_features,
    name_folder,
    plan_features,
    read_shown,
)
from deepvanet.reproduce.given import Given, open_stores
from deepvanet.reproduce.grid import draw_grid, read_search
from deepvanet.reproduce.page import Made, render
from deepvanet.reproduce.plans import PARTS, SIZES, Plan, plan_runs
from deepvanet.reproduce.published import DATASETS
from deepvanet.reproduce.scores import Scored, score_runs
from deepvanet.reproduce.work import describe_work, do_work, estimate_work
from deepvanet.schema import pick

__all__ = ["PARTS", "SIZES", "reproduce"]


def reproduce(
    part: str,
    out: Path,
    *,
    stores: Mapping[str, Path | None],
    size: str,
    seed: int,
    execution: Execution,
    face_weights: Path | None = None,
    precision: str = "auto",
    device: str = "cpu",
) -> Iterator[str]:
    """Make a part of the paper, or all; yield what to tell, an estimate first.

    Parameters
    ----------
    part : str
        One of ``PARTS``, or ``all``.
    stores : mapping
        For ``deap`` and ``mahnob`` the store, or None.
    size : str
        One of ``SIZES``.
    precision, device : str
        As in ``NetworkSettings``.

    Raises
    ------
    UserError
        When no store is given, one is of another data set, or ``out`` holds runs of
        other settings.
    """
    asked = PARTS if pick("part", part, [*PARTS, "all"]) == "all" else (part,)
    how = SIZES[pick("size", size, SIZES)]
    network = replace(how.network, precision=precision, device=device)
    how = replace(how, network=settle_machine(network))
    given = open_stores(stores)
    plans = plan_runs(asked, given.values(), size=how, seed=seed)
    shown: list[Shown] = []
    if "fig3" in asked:
        shown = plan_features(
            list(given.values()), size=how, seed=seed, face_weights=face_weights
        )
    runs = make_folder(out / "runs")
    estimates = estimate_work(runs, plans, shown)
    yield from describe_work(estimates, plans, execution=execution)
    with hold_workers(execution) if estimates else nullcontext():
        yield from do_work(
            runs,
            plans,
            shown,
            estimates,
            execution=execution,
            face_weights=face_weights,
        )
    scored = score_runs(runs, plans, given=tuple(given))
    made = Made(
        stores=[store.describe() for store in given.values()],
        size_name=size,
        size=how,
        missing=_list_missing(plans, shown, given),
    )
    yield from _make(out, asked, made, scored, shown)


def _list_missing(
    plans: Sequence[Plan], shown: Sequence[Shown], given: Mapping[str, Given]
) -> list[str]:
    """Say what was not run, and why."""
    lines = [
        f"{name}: --{key} was not given"
        for key, name in DATASETS.items()
        if key not in given
    ]
    lines += [f"{plan.name}: {plan.obstacle}" for plan in plans if plan.obstacle]
    return lines + [
        f"Fig. 3 of {DATASETS[one.given.key]}, {one.protocol}, {one.target}: "
        f"{one.obstacle}"
        for one in shown
        if one.obstacle
    ]


def _make(
    out: Path,
    asked: Sequence[str],
    made: Made,
    scored: Scored,
    shown: Sequence[Shown],
) -> Iterator[str]:
    """Write tables, figures and the page."""
    figures = make_folder(out / "figures")
    if "table2" in asked:
        made.rows = table2.tabulate(scored)
        table2.write_table(out, made.rows, made.size)
        yield f"table 2: {out / 'table2.md'}"
    with drawing.house_style():
        for key in scored.given:
            if "fig2" in asked:
                _make_fig2(made, scored, key)
            if "fig3" in asked:
                mine = [one for one in shown if one.given.key == key]
                _make_fig3(made, out / "runs", mine)
            if "grid" in asked:
                searched = read_search(out / "runs", scored, key, made.size.grid)
                made.grid.append(draw_grid(searched))
    for one in [*made.fig2, *made.fig3, *made.grid]:
        write_text(figures / f"{one.name}.svg", one.svg)
        _write_csv(figures / f"{one.name}.csv", one.numbers)
        yield f"{one.title}: {figures / one.name}.svg"
    _write_csv(out / "scores.csv", scored.table[["run", *SCORE_COLUMNS]])
    page = out / "index.html"
    write_text(page, render(made))
    yield f"page: {page}"


def _make_fig2(made: Made, scored: Scored, key: str) -> None:
    bars = list_bars(scored, key)
    one = draw_bars(bars, key)
    made.fig2.append(one)
    made.reasons[one.name] = list(
        dict.fromkeys(bar.cell.why for bar in bars if bar.cell.why)
    )


def _make_fig3(made: Made, runs: Path, shown: Sequence[Shown]) -> None:
    features = read_shown(runs / name_folder(shown[0].given.key), shown)
    for protocol in SHOWN:
        mine = [one for one in shown if one.protocol == protocol]
        made.fig3.append(draw_features(mine, features))


def _write_csv(file: Path, table: pd.DataFrame) -> None:
    with whole_file(file) as unfinished:
        table.to_csv(unfinished, index=False, lineterminator="\n", float_format="%.9g")
