"""Finished runs -> scores, figures and one self-contained page.

The folder::

    REPORT/index.html       everything below, for people; opens without a network
    REPORT/scores.csv       a row a protocol, target, stream set, learner, level, metric
    REPORT/figures/*.svg    the page's figures, for papers
    REPORT/figures/*.pdf    the same
    REPORT/figures/*.csv    the numbers behind each of them
    REPORT/tables/*         verdicts and scores of trials as CSV, Markdown and LaTeX
    REPORT/controls.csv     scores of control runs, as scores.csv, if there are any
    REPORT/seeds.csv        deviations over seeds and over subjects, of several seeds
    REPORT/groups.csv       scores by group of people, if groups were asked for
    REPORT/elsewhere.csv    scores of predictions that were made elsewhere, if given
    REPORT/coverage.csv     what sets of labels hold of the trials of new people

Runs of one data set and one recipe (store, label rule, network) are shown
together, as one *study*; other runs get a section of their own. Priors that coincide
are those of the first run. Runs with a control
are shown beside the run that they control, and never among its scores.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from deepvanet.cells import write_csv
from deepvanet.config import ReportSettings
from deepvanet.datasets.people_table import read_people
from deepvanet.files import make_folder, whole_file, write_text
from deepvanet.metrics import (
    COVERAGE_COLUMNS,
    GROUP_COLUMNS,
    SEED_COLUMNS,
    list_score_columns,
)
from deepvanet.reporting.elsewhere import ELSEWHERE_COLUMNS, tabulate_elsewhere
from deepvanet.reporting.exports import list_exports, write_exports
from deepvanet.reporting.figures import KINDS, plot_study
from deepvanet.reporting.page import render_page
from deepvanet.reporting.plotting import MM_AN_INCH, Plot, PlotStyle
from deepvanet.reporting.studies import gather_runs, join_tables, make_study
from deepvanet.reporting.verdicts import list_answers, summarise
from deepvanet.schema import KEY_COLUMNS, PRIORS, UserError

__all__ = ["write_report"]

USUAL = ReportSettings()
ENDS = ("svg", "pdf", "csv")


def write_report(
    runs: Sequence[Path],
    out: Path,
    *,
    settings: ReportSettings = USUAL,
    predictions: Sequence[Path] = (),
    people: Path | None = None,
    say: Callable[[str], None] | None = None,
) -> Path:
    """Write the scores, figures and page of finished runs.

    Parameters
    ----------
    runs : sequence of Path
        Folders that ``evaluate`` wrote.
    out : Path
        The report's folder; what an earlier report left there is replaced.
    settings : ReportSettings
        How large figures and their letters are, and which groups are scored apart.
    predictions : sequence of Path
        CSV files of predictions that were made elsewhere, of trials of the runs.
    people : Path, optional
        CSV file with a row for each subject, whose columns may be groups too.
    say : callable, optional
        Takes the answer for each target, a line each.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    UserError
        When a run cannot be read, two runs hold the same scores, there are no such
        groups, a table of people has none of the subjects, predictions are not of
        their trials, or ``out`` is a file.
    """
    gathered = gather_runs(runs)
    listed = None if people is None else read_people(people, settings.group)
    studies = [
        make_study(held, group=settings.group, people=listed) for held in gathered
    ]
    groups = [study.groups for study in studies]  # or a sentence, before any file
    if predictions and len(studies) > 1:
        raise UserError(
            f"belong to runs of one store and recipe, got runs of {len(studies)}",
            field="predictions",
        )
    elsewhere = tabulate_elsewhere(studies[0], predictions)
    make_folder(out)
    places = [f"{n}-" if len(studies) > 1 else "" for n in range(1, 1 + len(studies))]
    style = PlotStyle(
        font_pt=float(settings.font_size),
        width_in=settings.figure_width and settings.figure_width / MM_AN_INCH,
        with_pdf=True,
    )
    plots = [
        plot_study(study, place=place, style=style)
        for study, place in zip(studies, places, strict=True)
    ]
    exports = [
        list_exports(study, place=place)
        for study, place in zip(studies, places, strict=True)
    ]
    _write_figures(
        make_folder(out / "figures"), [one for several in plots for one in several]
    )
    scores = _drop_repeats(join_tables([study.scores for study in studies]))
    with whole_file(out / "scores.csv") as unfinished:
        write_csv(scores, unfinished, columns=list_score_columns(scores))
    controls = [study.controls for study in studies if len(study.controls)]
    _write_more(
        out / "controls.csv",
        controls,
        [*list_score_columns(join_tables([scores, *controls])), "control"],
    )
    _write_more(out / "seeds.csv", [study.seeds for study in studies], SEED_COLUMNS)
    _write_more(out / "groups.csv", groups, GROUP_COLUMNS)
    coverage = [study.coverage for study in studies]
    _write_more(out / "coverage.csv", coverage, COVERAGE_COLUMNS)
    _write_more(out / "elsewhere.csv", [elsewhere], ELSEWHERE_COLUMNS)
    page = out / "index.html"
    write_exports(make_folder(out / "tables"), [t for held in exports for t in held])
    write_text(page, render_page(studies, plots, exports, elsewhere))
    if say is not None:
        for study in studies:
            for answer in list_answers(study):
                say(summarise(answer).replace("`", ""))
    return page


def _drop_repeats(scores: pd.DataFrame) -> pd.DataFrame:
    """Keep the priors of the first of several studies that have the same ones."""
    columns = ["dataset", "task", *KEY_COLUMNS, "level", "metric"]
    is_prior = scores["learner"].isin(PRIORS)
    return scores[~(is_prior & scores.duplicated(columns))]


def _write_more(
    path: Path, tables: Sequence[pd.DataFrame], columns: Sequence[str]
) -> None:
    """Write a table that some reports have, or remove that of an earlier one."""
    held = [table for table in tables if len(table)]
    if not held:
        path.unlink(missing_ok=True)
        return
    with whole_file(path) as unfinished:
        write_csv(join_tables(held), unfinished, columns=columns)


def _write_figures(folder: Path, plots: Sequence[Plot]) -> None:
    """Write the figures and remove those of an earlier report, nothing else."""
    for drawing in plots:
        write_text(folder / f"{drawing.name}.svg", drawing.svg)
        with whole_file(folder / f"{drawing.name}.pdf") as unfinished:
            unfinished.write_bytes(drawing.pdf)
        with whole_file(folder / f"{drawing.name}.csv") as unfinished:
            write_csv(drawing.numbers, unfinished, float_format="%.9g")
    kept = {f"{drawing.name}.{end}" for drawing in plots for end in ENDS}
    ours = re.compile(rf"(\d+-)?({'|'.join(KINDS)})-.+\.({'|'.join(ENDS)})")
    for old in sorted(folder.iterdir()):
        if ours.fullmatch(old.name) and old.name not in kept:
            old.unlink()
