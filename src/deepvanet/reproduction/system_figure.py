"""A line for each system: its score under the authors' protocol, and an honest one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from deepvanet.learners.published_systems import SystemRecord
from deepvanet.protocols import PROTOCOLS
from deepvanet.reporting import plotting
from deepvanet.reporting.panels import add_legend
from deepvanet.reporting.plotting import Plot, Sheet, shorten_name
from deepvanet.reproduction.given import StoreOfPaper
from deepvanet.reproduction.published import DATASETS
from deepvanet.reproduction.scores import DASH, RunScores
from deepvanet.reproduction.system_scores import SystemRow
from deepvanet.reproduction.systems import AUTHORS
from deepvanet.reproduction.table2 import TARGETS
from deepvanet.tasks import TASKS

_WIDTH, _LEFT, _TOP, _RIGHT = 4.55, 1.58, 1.26, 0.14
_ROW, _GAP = 0.34, 0.62
_BAND = 0.34
"""Half the height of a band of priors, in rows."""

_BEFORE = re.compile(f"^(?:{'|'.join(DATASETS.values())}): ")
"""What a reason starts with that the figure's head says."""

_LETTERS = 46
"""As many letters of a reason as fit into a panel."""


@dataclass(frozen=True)
class SystemLine:
    """What a row of the figure shows, of one target.

    Attributes
    ----------
    start, end : float
        Our scores under the authors' protocol and under the honest one of its scope,
        in per cent.
    priors : tuple of float
        Of the honest run, those that see no signal, from the lowest to the highest.
    start_prior : float
        Of the authors' protocol, the prior that knows what training and test share.
    published : float
        NaN where nothing is printed, and for a synthetic store.
    why : str
        Why there is no line.
    """

    record: SystemRecord
    target: str
    level: str
    honest: str
    start: float
    end: float
    leaks: str
    end_leaks: str
    priors: tuple[float, float]
    start_prior: float
    published: float
    n_subjects: int
    why: str


def find_honest(record: SystemRecord) -> str:
    """Return the honest protocol of the scope of the authors' own.

    Examples
    --------
    >>> from deepvanet.learners.published_systems import SYSTEMS
    >>> [find_honest(SYSTEMS[name]) for name in ("yang2018", "after-tang2017")]
    ['trial', 'subject']
    """
    is_pooled = PROTOCOLS[record.authors_protocol].scope == "all"
    return "subject" if is_pooled else "trial"


def list_lines(
    rows: Sequence[SystemRow], scored: RunScores, given: Mapping[str, StoreOfPaper]
) -> list[SystemLine]:
    """Return the lines of one store's rows, target by target.

    Parameters
    ----------
    rows : sequence of SystemRow
        Of the table of accuracies.
    scored : RunScores
        Scores of all runs, of which priors are read.
    given : mapping
        The stores: only recordings of people have a published mark.
    """
    return [
        _make_line(row, place, scored, given[row.key].is_real)
        for place in range(len(TARGETS))
        for row in rows
    ]


def _make_line(
    row: SystemRow, place: int, scored: RunScores, is_real: bool
) -> SystemLine:
    honest = find_honest(row.record)
    first, last = row.scores[AUTHORS], row.scores[honest]
    start, end = first.cells[place], last.cells[place]
    printed = row.published[place]
    priors: list[float] = []
    if last.run.plan is not None and not end.why:
        priors = [
            scored.find(
                last.run.plan.name,
                row.key,
                protocol=honest,
                target=TARGETS[place],
                learner=prior,
                level=last.level,
                metric="accuracy",
            ).percent
            for prior in TASKS["high-low"].priors
        ]
    known = [percent for percent in priors if np.isfinite(percent)] or [np.nan]
    reasons = dict.fromkeys(cell.why for cell in (start, end) if cell.why)
    return SystemLine(
        record=row.record,
        target=TARGETS[place],
        level=first.level,
        honest=honest,
        start=start.percent,
        end=end.percent,
        leaks=start.leaks,
        end_leaks=end.leaks,
        priors=(min(known), max(known)),
        start_prior=first.priors[place].percent,
        published=printed.percent if is_real else np.nan,
        n_subjects=max(start.n_subjects, end.n_subjects),
        why="; ".join(reasons),
    )


def tabulate_lines(lines: Sequence[SystemLine]) -> pd.DataFrame:
    """Return the numbers behind the figure."""
    return pd.DataFrame(
        [
            {
                "system": line.record.learner,
                "target": line.target,
                "is_after": line.record.is_after,
                "level": line.level,
                "authors_protocol": line.record.authors_protocol,
                "is_assumed": line.record.is_assumed,
                "authors_percent": line.start,
                "authors_leaks": line.leaks,
                "authors_prior_percent": line.start_prior,
                "honest_protocol": line.honest,
                "honest_percent": line.end,
                "honest_leaks": line.end_leaks,
                "honest_priors_low": line.priors[0],
                "honest_priors_high": line.priors[1],
                "published": line.published,
                "n_subjects": line.n_subjects,
                "why": line.why,
            }
            for line in lines
        ]
    )


def plot_lines(lines: Sequence[SystemLine], given: StoreOfPaper) -> Plot:
    """Plot one store: valence above, arousal below."""
    n_rows = len(lines) // len(TARGETS)
    panel = n_rows * _ROW
    height = _TOP + len(TARGETS) * (panel + _GAP) - 0.12
    sheet = Sheet(_WIDTH, height)
    name = DATASETS[given.key]
    sheet.write(
        0.04,
        0.04,
        f"{name}: from the authors' protocol to an honest one",
        weight="bold",
    )
    sheet.write(0.04, 0.2, _say_store(given), color=plotting.GREY)
    _write_legend(sheet, is_real=given.is_real)
    values = [
        v
        for line in lines
        for v in (line.start, line.end, *line.priors, line.start_prior)
    ]
    lowest = min([40.0, *(10 * (v // 10) for v in values if np.isfinite(v))])
    for number, target in enumerate(TARGETS):
        top = _TOP + number * (panel + _GAP)
        axes = sheet.add_axes(_LEFT, top, _WIDTH - _LEFT - _RIGHT, panel)
        sheet.write(_LEFT, top - 0.04, target, va="bottom", weight="bold")
        mine = [line for line in lines if line.target == target]
        for place, line in enumerate(mine):
            _write_name(sheet, top + (place + 0.5) * _ROW, line)
            _plot_line(axes, place, line, lowest)
        axes.set(xlim=(lowest, 101), ylim=(n_rows - 0.5, -0.5), yticks=[])
        step = 10 if lowest >= 40 else 20
        axes.set_xticks(np.arange(lowest, 101, step))
        axes.set_xlabel("accuracy (%)", labelpad=2)
        for border in np.arange(0.5, n_rows - 1):
            axes.axhline(border, color=plotting.PALE, lw=0.4, zorder=0)
    return sheet.finish(
        f"systems-{given.key}",
        f"{name}: accuracy of each system under its authors' protocol and under an "
        "honest one of the same scope, beside what priors without signals get",
        tabulate_lines(lines),
    )


def _say_store(given: StoreOfPaper) -> str:
    dataset = given.store.manifest.dataset
    if given.is_real:
        return f"store: {dataset}"
    return f"store: {dataset}; synthetic, so no published number is marked"


def _write_name(sheet: Sheet, middle: float, line: SystemLine) -> None:
    sheet.write(0.04, middle, line.record.learner, va="bottom", weight="bold")
    said = line.record.authors_protocol
    if said != line.honest:
        said += f" \N{RIGHTWARDS ARROW} {line.honest}"
    is_leaky = bool(PROTOCOLS[line.record.authors_protocol].leaks)
    color = "#a84300" if is_leaky else plotting.GREY
    sheet.write(0.04, middle, said, va="top", color=color)


def _plot_line(axes: Axes, place: int, line: SystemLine, lowest: float) -> None:
    if line.why:
        short = _BEFORE.sub("", line.why).partition(": it would take")[0]
        text = shorten_name(f"{DASH} {short}", _LETTERS)
        axes.text(lowest + 1, place, text, va="center", color=plotting.GREY)
        return
    low, high = line.priors
    axes.fill(
        [low - 0.4, high + 0.4, high + 0.4, low - 0.4],
        [place - _BAND, place - _BAND, place + _BAND, place + _BAND],
        color=plotting.PALE,
        linewidth=0,
        zorder=1,
    )
    if np.isfinite(line.start_prior):
        axes.plot(
            [line.start_prior] * 2,
            [place - _BAND, place + _BAND],
            color=plotting.BLACK,
            linestyle=(0, (1, 1)),
            linewidth=1.3,
            zorder=2,
            clip_on=False,
        )
    color = plotting.BLUE if line.leaks == "none" else plotting.VERMILION
    axes.plot([line.start, line.end], [place] * 2, color=color, lw=1.6, zorder=3)
    _mark(axes, line.end, place, "s", plotting.BLUE, 46, line.record)
    _mark(axes, line.start, place, "o", color, 26, line.record)
    if np.isfinite(line.published):
        _mark(axes, line.published, place, "D", plotting.BLACK, 22, line.record)


def _mark(
    axes: Axes,
    percent: float,
    place: int,
    shape: str,
    color: str,
    size: float,
    record: SystemRecord,
) -> None:
    axes.scatter(
        percent,
        place,
        s=size,
        marker=shape,
        facecolor="white" if record.is_after else color,
        # a round mark on a square one is seen by its border
        edgecolor="white" if shape == "o" and not record.is_after else color,
        linewidth=1.1 if shape != "o" or record.is_after else 0.8,
        zorder=5,
        clip_on=False,
    )


def _write_legend(sheet: Sheet, *, is_real: bool) -> None:
    handles: list[Line2D | Patch] = [
        _key("o", plotting.VERMILION, "ours, authors' protocol, leaks"),
        _key("o", plotting.BLUE, "ours, authors' protocol, no leak"),
        _key("s", plotting.BLUE, "ours, honest protocol"),
        _key("s", plotting.BLUE, "hollow: an after- system", is_hollow=True),
        Patch(facecolor=plotting.PALE, label="priors, honest protocol"),
        Line2D(
            [],
            [],
            color=plotting.BLACK,
            linestyle=(0, (1, 1)),
            linewidth=1.3,
            label="prior, authors' protocol",
        ),
    ]
    if is_real:
        handles.append(_key("D", plotting.BLACK, "published (Table 2)"))
    add_legend(sheet, handles, top=0.4, ncols=2)


def _key(shape: str, color: str, label: str, *, is_hollow: bool = False) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="",
        marker=shape,
        markersize=5,
        markerfacecolor="white" if is_hollow else color,
        markeredgecolor=color,
        label=label,
    )
