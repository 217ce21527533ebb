"""Bars with the priors as lines, and subjects from one protocol to the other."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from deepvanet.gap import name_metric
from deepvanet.metrics import Form
from deepvanet.protocols import PROTOCOLS
from deepvanet.reporting import plotting
from deepvanet.reporting.panels import (
    HATCH,
    add_legend,
    find_key_width,
    name_target,
    present,
    scale_headline,
    select,
)
from deepvanet.reporting.plotting import Plot, Sheet, make_file_name, shorten_name
from deepvanet.reporting.studies import NO_LEAK, Study
from deepvanet.reporting.tables import find_headline
from deepvanet.reporting.wording import Wording
from deepvanet.schema import PRIORS

PRIOR_COLORS = {
    "majority": plotting.BLACK,
    "subject-prior": plotting.VERMILION,
    "stimulus-prior": plotting.GREEN,
    "additive-prior": plotting.PURPLE,
}
PRIOR_DASHES = {
    "majority": (0, (1, 1)),
    "subject-prior": (0, (4, 1.5)),
    "stimulus-prior": (0, ()),
    "additive-prior": (0, (5, 1, 1, 1)),
}
_BAR_COLORS = (
    *(plotting.BLUE, plotting.SKY, plotting.ORANGE, plotting.YELLOW),
    *("#7f9fbf", "#b7c9a8", "#c9b7a8"),
)
_BAR_IN, _GAP_IN = 0.2, 0.18


def plot_bars(study: Study, target: str, learner: str) -> Plot:
    """Plot a learner's trial-level headline metric by stream set and protocol.

    The priors, which see no signal, are lines across each bar.
    """
    form = study.forms[target]
    metric, title = form.headline, name_target(target, form)
    scores = study.scores[
        (study.scores["target"] == target)
        & (study.scores["level"] == "trial")
        & (study.scores["metric"] == metric)
    ]
    mine = select(scores, learner=learner)
    streams = present(study.streams, mine["streams"])
    protocols = present(study.protocols, mine["protocol"])
    group = len(protocols) * _BAR_IN + _GAP_IN
    left, height = _find_left(form), 1.9
    width = max(len(streams) * group + 0.1, 2.4)
    whole = max(left + width + 0.15, plotting.get_style().column_in)
    names = [_name_bar(study, protocol) for protocol in protocols]
    n_columns = 2 if 2 * find_key_width(names) <= whole else 1
    n_lines = -(-len(protocols) // n_columns)
    top = 0.28 + 0.16 * (n_lines + 2)
    sheet = Sheet(whole, top + height + 0.62)
    sheet.write(0.04, 0.03, f"{title}, {shorten_name(learner, 40)}", weight="bold")
    _write_keys(sheet, study, protocols, n_columns)
    axes = sheet.add_axes(left, top, width, height)
    for place, name in enumerate(streams):
        for number, protocol in enumerate(protocols):
            there = select(scores, streams=name, protocol=protocol)
            at = place * group + (number + 0.5) * _BAR_IN + _GAP_IN / 2
            color = _pick_color(protocols, protocol)
            _plot_bar(axes, select(there, learner=learner), at, color)
            _plot_priors(axes, there, at)
    axes.set_xlim(0, width)
    shown = scores[scores["learner"].isin([learner, *PRIORS])]
    values = shown[["mean", "ci_low"]].to_numpy(dtype=float).ravel()
    scale_headline(axes, form, along="y", values=values, room=0.02)
    if axes.get_ylim()[0] < 0:
        axes.axhline(0, color=plotting.BLACK, lw=0.6, zorder=1)
    centers = [place * group + group / 2 for place in range(len(streams))]
    names = [shorten_name(name).replace("+", "+\n") for name in streams]
    axes.set_xticks(centers, names)
    axes.tick_params(axis="x", length=0)
    return sheet.finish(
        make_file_name("bars", target, learner),
        f"{title}, {learner}: {name_metric(metric)} of trials, mean over subjects with "
        "its 95 % interval; lines are the priors, which see no signal; hatched bars "
        "leak, pale ones are controls; the dashed line is chance",
        shown,
        alt=_say_bars(mine, form),
    )


def _say_bars(rows: pd.DataFrame, form: Form) -> str:
    """Say how high each bar is."""
    words = Wording(form)
    return "; ".join(
        f"{row['protocol']} on {row['streams']}: {words.write(row['mean'])}{words.unit}"
        for row in rows.to_dict("records")
    )


def _find_left(form: Form) -> float:
    """Return the room for numbers, in inches; those of a rating may be negative."""
    return 0.68 if form.is_rating else 0.55


def _name_bar(study: Study, protocol: str) -> str:
    return f"{protocol}, leaks: {study.leaks_of(protocol)}"


def _pick_color(protocols: Sequence[str], protocol: str) -> str:
    """Return a bar's colour; controls are pale, since they are no result."""
    if PROTOCOLS[protocol].kind == "control":
        return plotting.PALE
    results = [name for name in protocols if PROTOCOLS[name].kind != "control"]
    return _BAR_COLORS[results.index(protocol) % len(_BAR_COLORS)]


def _plot_bar(axes: Axes, rows: pd.DataFrame, at: float, color: str) -> None:
    if not len(rows) or not np.isfinite(rows["mean"].iloc[0]):
        return
    row = rows.iloc[0]
    axes.bar(
        at,
        row["mean"],
        width=_BAR_IN * 0.86,
        color=color,
        hatch=HATCH if row["leaks"] != NO_LEAK else "",
        edgecolor="white",
        linewidth=0.4,
        zorder=2,
    )
    if np.isfinite(row["ci_low"]):
        axes.plot(
            [at, at],
            [row["ci_low"], row["ci_high"]],
            color=plotting.BLACK,
            lw=1,
            zorder=4,
        )


def _plot_priors(axes: Axes, rows: pd.DataFrame, at: float) -> None:
    half = _BAR_IN * 0.46
    for prior, color in PRIOR_COLORS.items():
        found = select(rows, learner=prior)["mean"].to_numpy(dtype=float)
        if len(found) and np.isfinite(found[0]):
            axes.plot(
                [at - half, at + half],
                [found[0], found[0]],
                color=color,
                linestyle=PRIOR_DASHES[prior],
                linewidth=1.4,
                zorder=3,
            )


def _write_keys(
    sheet: Sheet, study: Study, protocols: Sequence[str], n_columns: int
) -> None:
    bars = [
        Patch(
            facecolor=_pick_color(protocols, protocol),
            hatch=HATCH if study.leaks_of(protocol) != NO_LEAK else "",
            edgecolor="white",
            label=_name_bar(study, protocol),
        )
        for protocol in protocols
    ]
    priors = [
        Line2D([], [], color=color, linestyle=PRIOR_DASHES[name], lw=1.4, label=name)
        for name, color in PRIOR_COLORS.items()
        if name in study.learners
    ]
    lines = -(-len(bars) // n_columns)
    add_legend(sheet, bars, top=0.21, ncols=n_columns)
    add_legend(sheet, priors, top=0.21 + 0.16 * lines, ncols=2)


def plot_paired(study: Study, target: str, learner: str) -> Plot | None:
    """Plot each subject from the published protocol to the honest one, if both ran."""
    form = study.forms[target]
    metric, title = form.headline, name_target(target, form)
    scores = select(study.subject_scores, target=target, learner=learner)
    sides = find_headline(set(scores["protocol"]))
    if not all(sides):
        return None
    table = scores.pivot_table(
        index=["streams", "subject"], columns="protocol", values=metric
    ).reindex(columns=list(sides))
    # one protocol is called like a column
    named = {side: f"protocol {side}" for side in sides if side in table.index.names}
    columns = [named.get(side, side) for side in sides]
    table = table.dropna().rename(columns=named).reset_index()
    streams = present(study.streams, table["streams"])
    if not streams:
        return None
    panel, gap, left, top = 0.92, 0.1, _find_left(form), 0.74
    width = left + len(streams) * (panel + gap) + 0.1
    sheet = Sheet(max(width, plotting.get_style().column_in), top + 2.3)
    sheet.write(0.04, 0.03, f"{title}, {shorten_name(learner, 40)}", weight="bold")
    all_values = table[columns].to_numpy(dtype=float).ravel()
    said = "; ".join(f"{side}, leaks: {study.leaks_of(side)}" for side in sides)
    sheet.write(0.04, 0.18, said, color=plotting.GREY)
    for place, name in enumerate(streams):
        axes = sheet.add_axes(left + place * (panel + gap), top, panel, 1.5)
        scale_headline(axes, form, along="y", values=all_values, room=0.02)
        values = select(table, streams=name)[columns].to_numpy(dtype=float)
        _plot_pairs(axes, values, form)
        axes.set_title(shorten_name(name).replace("+", "+\n"), pad=4)
        axes.set_xticks([0, 1], [s.replace("-", "-\n") for s in sides])
        if place:
            axes.tick_params(labelleft=False)
            axes.set_ylabel("")
    return sheet.finish(
        make_file_name("paired", target, learner),
        f"{title}, {learner}: each subject's {name_metric(metric)} over trials under "
        f"{sides[0]} and under {sides[1]}; the thick line is the mean",
        table,
    )


def _plot_pairs(axes: Axes, values: Float[np.ndarray, "subject 2"], form: Form) -> None:
    for pair in values:
        axes.plot([0, 1], pair, color=plotting.GREY, lw=0.7, alpha=0.7, zorder=2)
    mean = values.mean(axis=0)
    words = Wording(form)
    change = words.write_change(float(mean[1] - mean[0]))
    axes.plot([0, 1], mean, color=plotting.BLUE, lw=2.4, marker="o", ms=4, zorder=3)
    axes.set_xlim(-0.25, 1.25)
    axes.text(
        0.5,
        -0.3,
        f"{len(values)} subjects\n{change}{' points' if words.is_share else ''}",
        transform=axes.transAxes,
        ha="center",
        va="top",
    )
