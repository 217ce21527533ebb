"""Finished runs -> scores, figures and one self-contained page.

The folder::

    REPORT/index.html       everything below, for people; opens without a network
    REPORT/scores.csv       a row a protocol, target, stream set, learner, level, metric
    REPORT/figures/*.svg    the page's figures, for papers

Runs of one data set and one recipe (store, label rule, network) are shown
together, as one *study*; other runs get a section of their own.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from deepvanet.files import make_folder, whole_file, write_text
from deepvanet.metrics import SCORE_COLUMNS
from deepvanet.report.drawing import Drawing
from deepvanet.report.figures import KINDS, draw_study
from deepvanet.report.page import render_page
from deepvanet.report.studies import gather_runs, make_study

__all__ = ["write_report"]


def write_report(runs: Sequence[Path], out: Path, *, seed: int = 0) -> Path:
    """Write the scores, figures and page of finished runs.

    Parameters
    ----------
    runs : sequence of Path
        Folders that ``evaluate`` wrote.
    out : Path
        The report's folder; what an earlier report left there is replaced.
    seed : int
        Draws the bootstrap samples and permutations.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    UserError
        When a run cannot be read, two runs hold the same scores, or ``out`` is a
        file.
    """
    gathered = gather_runs(runs)
    make_folder(out)
    studies = [make_study(held, seed=seed) for held in gathered]
    drawings = [
        draw_study(study, place=f"{number}-" if len(studies) > 1 else "")
        for number, study in enumerate(studies, start=1)
    ]
    _write_figures(
        make_folder(out / "figures"), [one for several in drawings for one in several]
    )
    scores = pd.concat([study.scores for study in studies], ignore_index=True)
    with whole_file(out / "scores.csv") as unfinished:
        scores.to_csv(unfinished, index=False, columns=list(SCORE_COLUMNS))
    page = out / "index.html"
    write_text(page, render_page(studies, drawings))
    return page


def _write_figures(folder: Path, drawings: Sequence[Drawing]) -> None:
    """Write the figures and remove those of an earlier report, nothing else."""
    for drawing in drawings:
        write_text(folder / f"{drawing.name}.svg", drawing.svg)
    kept = {f"{drawing.name}.svg" for drawing in drawings}
    ours = re.compile(rf"(\d+-)?({'|'.join(KINDS)})-.+\.svg")
    for old in sorted(folder.iterdir()):
        if ours.fullmatch(old.name) and old.name not in kept:
            old.unlink()
