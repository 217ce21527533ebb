"""What is left of a score when the answer is taken away: the leak panel."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from deepvanet.gap import name_metric
from deepvanet.metrics import Form
from deepvanet.reporting import plotting
from deepvanet.reporting.panels import (
    add_legend,
    hatch_rows,
    name_learner,
    name_target,
    present,
    select,
)
from deepvanet.reporting.plotting import Plot, Sheet, make_file_name, shorten_name
from deepvanet.reporting.studies import NO_LEAK, Study
from deepvanet.schema import KEY_COLUMNS, PRIORS

CONTROLS = {
    "real": (plotting.BLUE, "real"),
    "shuffled-labels": (plotting.ORANGE, "shuffled labels"),
    "noise": (plotting.GREY, "noise for signals"),
}


_LANE_IN, _LEFT_IN, _TOP_IN, _PANEL_IN, _GAP_IN = 0.62, 1.75, 0.7, 1.6, 0.14


def list_panels(form: Form) -> list[tuple[str, str]]:
    """Return level and metric of each panel: the headline, and what ranks segments."""
    ranks = "pearson" if form.is_rating else "auroc"
    headline = form.headline
    if form.moves:
        return [("trial", headline), ("trial", ranks)]
    return [("segment", headline), ("trial", headline), ("segment", ranks)]


def plot_controls(study: Study, target: str) -> Plot | None:
    """Plot a target's scores beside those of its controls, if there are any."""
    table = study.controls
    table = table[(table["target"] == target) & ~table["learner"].isin(PRIORS)]
    if not len(table):
        return None
    whole = pd.concat([_list_real(study, table), table], ignore_index=True)
    rows = [
        (protocol, streams, learner)
        for protocol in present(study.protocols, whole["protocol"])
        for streams in present(study.streams, whole["streams"])
        for learner in present(study.learners, whole["learner"])
        if len(select(whole, protocol=protocol, streams=streams, learner=learner))
    ]
    height = _LANE_IN * len(rows)
    form = study.forms.get(target, study.form)
    width = _LEFT_IN + len(list_panels(form)) * (_PANEL_IN + _GAP_IN)
    sheet = Sheet(width, _TOP_IN + height + 0.46)
    title = name_target(target, form)
    sheet.write(0.04, 0.03, f"{title}: with the answer taken away", weight="bold")
    _write_controls(sheet, present(list(CONTROLS), whole["control"]))
    for place, (protocol, streams, learner) in enumerate(rows):
        top = _TOP_IN + place * _LANE_IN
        _write_row(sheet, study, protocol, streams, learner, top)
    for column, (level, metric) in enumerate(list_panels(form)):
        left = _LEFT_IN + column * (_PANEL_IN + _GAP_IN)
        axes = sheet.add_axes(left, _TOP_IN, _PANEL_IN, height)
        axes.set_title(f"{name_metric(metric)},\n{level}s", pad=4)
        mine = select(whole, level=level, metric=metric)
        for place, (protocol, streams, learner) in enumerate(rows):
            found = select(mine, protocol=protocol, streams=streams, learner=learner)
            _plot_row(axes, found, place, is_share=not form.is_rating)
            if study.leaks_of(protocol, streams) != NO_LEAK:
                hatch_rows(axes, float(place), place + 1.0)
        chance = form.find_chance(metric)
        axes.axvline(chance, color=plotting.BLACK, lw=0.8, dashes=(4, 3), zorder=1)
        unit = "correlation" if form.is_rating else "%"
        lowest = -0.25 if form.is_rating else 0
        axes.set(xlim=(lowest, 1), ylim=(len(rows), 0), yticks=[], xlabel=unit)
        ticks = ["0", "0.5", "1"] if form.is_rating else ["0", "50", "100"]
        axes.set_xticks([0, 0.5, 1], ticks)
    return sheet.finish(
        make_file_name("controls", target),
        f"{title}: scores of the real run, of shuffled labels and of noise in place "
        "of signals, mean over subjects; hatched rows leak; the dashed line is chance",
        whole,
    )


def _list_real(study: Study, controls: pd.DataFrame) -> pd.DataFrame:
    """Return the scores that the controls belong to."""
    keys = list(KEY_COLUMNS)
    there = pd.MultiIndex.from_frame(controls[keys].drop_duplicates())
    mine = pd.MultiIndex.from_frame(study.scores[keys]).isin(there)
    return study.scores[mine].assign(control="real")


def _plot_row(axes: Axes, rows: pd.DataFrame, place: int, *, is_share: bool) -> None:
    for number, (control, (color, _)) in enumerate(CONTROLS.items()):
        found = select(rows, control=control)["mean"].to_numpy(dtype=float)
        if not len(found) or not np.isfinite(found[0]):
            continue
        at = place + 0.26 + 0.24 * number
        axes.barh(at, found[0], height=0.2, color=color, zorder=2)
        axes.text(
            *(min(max(found[0], 0) + 0.02, 0.84), at),
            f"{100 * found[0]:.0f}" if is_share else f"{found[0]:.2f}",
            va="center",
            fontsize=0.875 * mpl.rcParams["font.size"],
            bbox={"fc": "white", "ec": "none", "pad": 0.4, "alpha": 0.8},
            zorder=3,
        )


def _write_row(
    sheet: Sheet, study: Study, protocol: str, streams: str, learner: str, top: float
) -> None:
    leaks = study.leaks_of(protocol, streams)
    style = {"color": plotting.GREY}
    if leaks != NO_LEAK:
        style = {"color": "#a84300"}
    sheet.write(0.04, top + 0.08, shorten_name(protocol), weight="bold")
    sheet.write(0.04, top + 0.22, f"{streams}, {name_learner(learner, 14)}")
    sheet.write(0.04, top + 0.36, f"leaks: {leaks}", **style)


def _write_controls(sheet: Sheet, controls: Sequence[str]) -> None:
    handles = [
        Patch(facecolor=CONTROLS[name][0], label=CONTROLS[name][1]) for name in controls
    ]
    add_legend(sheet, handles, top=0.2, ncols=3)
