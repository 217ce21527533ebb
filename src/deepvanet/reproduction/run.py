"""The paper's tables and figures from stores: what is published, ours, and what leaks.

``reproduce`` runs what is missing and then plots. The folder::

    OUT/index.html            everything below, for people; opens without a network
        table2.csv, .md       Table 2
        systems-*.csv, .md, .tex   the systems of other studies: accuracy, balanced
        baselines.csv, .md    one of them under two baselines and two protocols
        scores.csv            every score of every run, with intervals
        figures/fig2-*.svg    Fig. 2 of each data set, and .csv, the numbers behind it
                fig3-*.svg    Fig. 3 of each data set and protocol
                grid-*.svg    the grid search of each data set
                systems-*.svg, baselines-*.svg    the systems on each data set
        runs/*                what ``evaluate`` wrote, and the features of Fig. 3
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pandas as pd

from deepvanet.cells import write_csv
from deepvanet.config import Execution, ReproduceSettings
from deepvanet.execution import hold_workers
from deepvanet.files import make_folder, whole_file, write_text
from deepvanet.learners.repeatable import settle_machine
from deepvanet.metrics import SCORE_COLUMNS
from deepvanet.reporting import plotting
from deepvanet.reproduction import table2
from deepvanet.reproduction.budget import leave_out
from deepvanet.reproduction.fig2 import list_bars, plot_fusion_bars
from deepvanet.reproduction.fig3 import (
    SHOWN,
    FeaturePanel,
    name_features_folder,
    plan_features,
    plot_features,
    read_shown,
)
from deepvanet.reproduction.given import StoreOfPaper, open_stores
from deepvanet.reproduction.grid import plot_grid, read_search
from deepvanet.reproduction.page import PageContent, render
from deepvanet.reproduction.plans import PARTS, SIZES, RunPlan, Size, plan_runs
from deepvanet.reproduction.published import DATASETS
from deepvanet.reproduction.scores import RunScores, score_runs
from deepvanet.reproduction.system_parts import plan_work, show_systems, write_systems
from deepvanet.reproduction.systems import pick_systems
from deepvanet.reproduction.work import describe_work, do_work, estimate_work

__all__ = ["PARTS", "SIZES", "reproduce"]


def reproduce(
    out: Path,
    *,
    stores: Mapping[str, Path | None],
    settings: ReproduceSettings,
    execution: Execution,
    face_weights: Path | None = None,
    only_estimate: bool = False,
) -> Iterator[str]:
    """Make a part of the paper, or all; yield what to print, an estimate first.

    Parameters
    ----------
    out : Path
        Folder of results; runs that are finished in it are not fitted again.
    stores : mapping
        For ``deap`` and ``mahnob`` the store, or None.
    settings : ReproduceSettings
        What is made, and how much of it.
    execution : Execution
        Where fits run, and how many at once.
    face_weights : Path | None
        What the face trunk starts from, as ``pretrain`` or others wrote it.
    only_estimate : bool
        Whether to stop after the estimate, and write nothing.

    Yields
    ------
    str
        A line to print.

    Raises
    ------
    UserError
        When no store is given, one is of another data set, a system is not known, or
        ``out`` holds runs of other settings.
    """
    asked = PARTS if settings.part == "all" else (settings.part,)
    seed, how = settings.seed, SIZES[settings.size]
    network = replace(how.network, precision=settings.precision, device=settings.device)
    how = replace(how, network=settle_machine(network))
    records = pick_systems(settings.systems) if "table2" in asked else []
    given = open_stores(stores, settings.segmenting)
    plans = plan_runs(asked, given.values(), size=how, seed=seed)
    systems = plan_work(records, given, size=how, seed=seed)
    plans += systems.plans
    shown: list[FeaturePanel] = []
    if "fig3" in asked:
        shown = plan_features(
            list(given.values()), size=how, seed=seed, face_weights=face_weights
        )
    runs = out / "runs"
    estimates = estimate_work(runs, plans, shown)
    if settings.budget is not None:
        plans, shown, estimates = leave_out(plans, shown, estimates, settings.budget)
    if not only_estimate:
        make_folder(runs)
    yield from describe_work(estimates, plans, execution=execution)
    if only_estimate:
        return
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
    made = PageContent(
        stores=[store.describe() for store in given.values()],
        size_name=settings.size,
        size=how,
        missing=_list_missing(plans, shown, given),
    )
    if records:
        small = _say_small(how) if settings.size == "small" else ""
        with plotting.house_style():
            made.systems = show_systems(systems, scored, given, small=small)
    yield from _make(out, asked, made, scored, shown)


def _say_small(how: Size) -> str:
    """Say what a small size does to the numbers of the systems."""
    return (
        f"`--size small`: {how.n_subjects} subjects, {how.n_pooled} where they are "
        f"pooled, at most {how.folds} folds, and small networks: these numbers show "
        "that everything works, and say nothing about the systems."
    )


def _list_missing(
    plans: Sequence[RunPlan],
    shown: Sequence[FeaturePanel],
    given: Mapping[str, StoreOfPaper],
) -> list[str]:
    """Say what was not run, and why."""
    lines = [
        f"{name}: no store was given"
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
    made: PageContent,
    scored: RunScores,
    shown: Sequence[FeaturePanel],
) -> Iterator[str]:
    """Write tables, figures and the page."""
    figures = make_folder(out / "figures")
    if "table2" in asked:
        made.rows = table2.tabulate_systems(
            scored, has_systems=made.systems is not None
        )
        table2.write_systems(out, made.rows, made.size)
        yield f"table 2: {out / 'table2.md'}"
    if made.systems is not None:
        yield from write_systems(out, made.systems)
    with plotting.house_style():
        for key in scored.given:
            if "fig2" in asked:
                _make_fig2(made, scored, key)
            if "fig3" in asked:
                mine = [one for one in shown if one.given.key == key]
                _make_fig3(made, out / "runs", mine)
            if "grid" in asked:
                searched = read_search(out / "runs", scored, key, made.size.grid)
                made.grid.append(plot_grid(searched))
    systems = made.systems.plots if made.systems else []
    for one in [*made.fig2, *made.fig3, *made.grid, *systems]:
        write_text(figures / f"{one.name}.svg", one.svg)
        _write_csv(figures / f"{one.name}.csv", one.numbers)
        yield f"{one.title}: {figures / one.name}.svg"
    _write_csv(out / "scores.csv", scored.table[["run", *SCORE_COLUMNS]])
    page = out / "index.html"
    write_text(page, render(made))
    yield f"page: {page}"


def _make_fig2(made: PageContent, scored: RunScores, key: str) -> None:
    bars = list_bars(scored, key)
    one = plot_fusion_bars(bars, key)
    made.fig2.append(one)
    made.reasons[one.name] = list(
        dict.fromkeys(bar.cell.why for bar in bars if bar.cell.why)
    )


def _make_fig3(made: PageContent, runs: Path, shown: Sequence[FeaturePanel]) -> None:
    features = read_shown(runs / name_features_folder(shown[0].given.key), shown)
    for protocol in SHOWN:
        mine = [one for one in shown if one.protocol == protocol]
        made.fig3.append(plot_features(mine, features))


def _write_csv(file: Path, table: pd.DataFrame) -> None:
    with whole_file(file) as unfinished:
        write_csv(table, unfinished, float_format="%.9g")
