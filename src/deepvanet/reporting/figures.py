"""The figures of a report: subjects, confusions, learning curves, faces, cleaning.

Every panel that shows a protocol says what it leaks, in words and by a hatch.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from deepvanet.gap import name_metric
from deepvanet.metrics import Form
from deepvanet.reporting import plotting
from deepvanet.reporting.bars import plot_bars, plot_paired
from deepvanet.reporting.controls import plot_controls
from deepvanet.reporting.courses import plot_courses
from deepvanet.reporting.grids import plot_calibration, plot_confusions, plot_curves
from deepvanet.reporting.panels import (
    add_legend,
    hatch_rows,
    name_learner,
    name_target,
    present,
    scale_headline,
    select,
    write_protocol,
)
from deepvanet.reporting.plotting import Plot, Sheet, make_file_name, shorten_name
from deepvanet.reporting.rated import plot_rated
from deepvanet.reporting.studies import NO_LEAK, Study
from deepvanet.reporting.traces import plot_cleaning
from deepvanet.reporting.wording import Wording
from deepvanet.schema import PRIORS

KINDS = (
    *(
        "bars",
        "subjects",
        "paired",
        "confusion",
        "calibration",
        "rated",
        "courses",
        "curves",
    ),
    *("faces", "cleaning", "controls"),
)
"""First words of the figures' names."""

_PRIOR_MARKS = {
    "majority": (plotting.GREY, "^"),
    "subject-prior": (plotting.ORANGE, "s"),
    "stimulus-prior": (plotting.GREEN, "D"),
    "additive-prior": (plotting.VERMILION, "d"),
}
_COLORS = (plotting.BLUE, plotting.PURPLE, plotting.SKY, plotting.BLACK)
_SHAPES = ("o", "v", "P", "X", "<", "*", "h", ">", "p")
"""Neither number divides the other: 36 learners are distinguished."""
_LONGEST_OF_TWO = 22  # letters that fit into half a column
_FACE_STATES = (
    ("n_faces_found", "found", plotting.BLUE, ""),
    ("n_faces_filled", "filled from a neighbour", plotting.SKY, "////"),
    ("n_frames_padded", "padded after the video's end", plotting.YELLOW, "...."),
    ("n_faces_lost", "lost", plotting.VERMILION, "xxxx"),
)


def plot_study(
    study: Study,
    *,
    place: str = "",
    style: plotting.PlotStyle = plotting.DEFAULT_STYLE,
) -> list[Plot]:
    """Plot all figures of a study.

    Parameters
    ----------
    place : str
        Put before the names of the figures' files.
    style : PlotStyle
        Sizes of figures and letters.
    """
    with plotting.house_style(style):
        plots = [
            _plot_subjects(study, target, streams)
            for target in study.targets
            for streams in study.streams
            if any(part[1:3] == (target, streams) for part in study.parts)
        ]
        for learner in study.learners:
            for target in study.targets:
                if learner not in PRIORS:
                    plots += _plot_learner(study, target, learner)
        controls = [plot_controls(study, target) for target in study.targets]
        plots += [made for made in controls if made is not None]
        if study.trials["n_frames"].sum():
            plots.append(_plot_faces(study))
        plots += plot_cleaning(study)
    return [replace(made, name=place + made.name) for made in plots]


def _plot_learner(study: Study, target: str, learner: str) -> list[Plot]:
    plots = []
    if any((part.target, part.learner) == (target, learner) for part in study.parts):
        paired = plot_paired(study, target, learner)
        plots += [
            plot_bars(study, target, learner),
            *([] if paired is None else [paired]),
            *_plot_predictions(study, target, learner),
        ]
    history = select(study.history, target=target, learner=learner)
    if len(history):
        plots.append(plot_curves(study, history, target, learner))
    return plots


def _plot_predictions(study: Study, target: str, learner: str) -> list[Plot]:
    """Plot what was predicted beside what was rated."""
    if study.form.moves:
        return [plot_courses(study, target, learner)]
    if study.form.is_rating:
        return [plot_rated(study, target, learner)]
    return [
        plot_confusions(study, target, learner),
        plot_calibration(study, target, learner),
    ]


def _mark(study: Study, learner: str) -> tuple[str, str]:
    """Return a learner's colour and shape, the same in every figure."""
    if learner in _PRIOR_MARKS:
        return _PRIOR_MARKS[learner]
    number = study.learners.index(learner)
    return _COLORS[number % len(_COLORS)], _SHAPES[number % len(_SHAPES)]


def _plot_subjects(study: Study, target: str, streams: str) -> Plot:
    """Plot a dot for each subject's trial-level headline metric."""
    metric = study.form.headline
    title = name_target(target, study.forms[target])
    scores = select(study.subject_scores, target=target, streams=streams)
    protocols = present(study.protocols, scores["protocol"])
    learners = present(study.learners, scores["learner"])
    lane, left, top = (
        0.17,
        1.22,
        0.3 + 0.155 * -(-len(learners) // _count_columns(learners)),
    )
    band = max(len(learners) * lane, 0.44) + 0.12
    height = band * len(protocols)
    column = plotting.get_style().column_in
    sheet = Sheet(column, top + height + 0.46)
    sheet.write(0.04, 0.03, f"{title}, {streams}", weight="bold")
    _write_learners(sheet, study, learners)
    axes = sheet.add_axes(
        left, top, plotting.get_style().column_in - left - 0.16, height
    )
    for row, protocol in enumerate(protocols):
        middle = (row + 0.5) * band
        leaks = study.leaks_of(protocol, streams)
        write_protocol(sheet, protocol, leaks, top + middle)
        if leaks != NO_LEAK:
            hatch_rows(axes, row * band, (row + 1) * band)
        if row:
            axes.axhline(row * band, color=plotting.PALE, lw=0.6, zorder=1)
        for number, learner in enumerate(learners):
            mine = select(scores, protocol=protocol, learner=learner)
            _plot_dots(
                axes,
                mine[metric].to_numpy(dtype=float),
                middle + lane * (number - (len(learners) - 1) / 2),
                _mark(study, learner),
            )
    axes.set(ylim=(height, 0), yticks=[])
    values = scores[metric].to_numpy(dtype=float)
    scale_headline(axes, study.forms[target], along="x", values=values)
    return sheet.finish(
        make_file_name("subjects", target, streams),
        f"{title}, {streams}: {name_metric(metric)} over the trials of each subject; "
        "one dot a subject, the bar is their mean, the dashed line is chance",
        scores,
        alt=_say_subjects(scores, study.forms[target]),
    )


def _say_subjects(scores: pd.DataFrame, form: Form) -> str:
    """Say mean and range of each row of dots."""
    words, said = Wording(form), []
    for key, mine in scores.groupby(["protocol", "learner"], sort=False):
        values = mine[form.headline].dropna()
        if len(values):
            mean, low, high = map(words.write, (values.mean(), *_span(values)))
            said.append(f"{' by '.join(map(str, key))}: {mean} ({low} to {high})")
    return "; ".join(said) + (words.unit if said else "")


def _span(values: "pd.Series[float]") -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _plot_dots(
    axes: Axes,
    values: Float[np.ndarray, " subject"],
    height: float,
    mark: tuple[str, str],
) -> None:
    values = np.sort(values[np.isfinite(values)])
    if not len(values):
        return
    color, shape = mark
    # neighbours in rank lie apart, so that equal values do not hide each other
    offsets = np.array([0.0, 0.05, -0.05, 0.025, -0.025])[np.arange(len(values)) % 5]
    axes.scatter(
        values,
        height + offsets,
        s=11,
        marker=shape,
        facecolor="white",
        edgecolor=color,
        linewidth=0.8,
        zorder=3,
        clip_on=False,
    )
    if len(values) == 1:
        return
    mean, half = values.mean(), 0.075
    axes.plot(
        [mean, mean],
        [height - half, height + half],
        color=color,
        linewidth=2.2,
        solid_capstyle="butt",
        zorder=4,
        clip_on=False,
    )


def _write_learners(sheet: Sheet, study: Study, learners: Sequence[str]) -> None:
    handles = []
    for learner in learners:
        color, shape = _mark(study, learner)
        handles.append(
            Line2D(
                [],
                [],
                linestyle="",
                marker=shape,
                markersize=4,
                markerfacecolor="white",
                markeredgecolor=color,
                markeredgewidth=0.9,
                label=name_learner(learner),
            )
        )
    add_legend(sheet, handles, top=0.21, ncols=_count_columns(learners))


def _count_columns(learners: Sequence[str]) -> int:
    return 1 if max(map(len, learners)) > _LONGEST_OF_TWO else 2


def _plot_faces(study: Study) -> Plot:
    """Plot what became of the face images of each subject."""
    columns = [column for column, *_ in _FACE_STATES]
    table = study.trials.groupby("subject", sort=True)[["n_frames", *columns]].sum()
    lane, left, top, width = 0.21, 1.3, 0.56, 2.9
    height = lane * len(table)
    sheet = Sheet(5.2, top + height + 0.46)
    axes = sheet.add_axes(left, top, width, height)
    places = np.arange(len(table))
    start = np.zeros(len(table))
    total = np.maximum(table["n_frames"].to_numpy(dtype=float), 1)
    for column, _, color, hatch in _FACE_STATES:
        percent = 100 * table[column].to_numpy(dtype=float) / total
        axes.barh(
            places,
            percent,
            left=start,
            height=0.72,
            color=color,
            hatch=hatch,
            edgecolor="white",
            linewidth=0.4,
        )
        start = start + percent
    for place, n_frames in enumerate(table["n_frames"]):
        _write_frames(axes, place, int(n_frames))
    axes.set(xlim=(0, 100), ylim=(len(table) - 0.5, -0.5))
    axes.set_yticks(places, [shorten_name(str(name)) for name in table.index])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("face images asked for (%)")
    axes.set_ylabel("subject")
    handles = [
        Patch(facecolor=color, hatch=hatch, edgecolor="white", label=name)
        for _, name, color, hatch in _FACE_STATES
    ]
    add_legend(sheet, handles, top=0.06, ncols=2)
    return sheet.finish(
        "faces-subjects",
        "What became of the face images of each subject",
        table.reset_index(),
    )


def _write_frames(axes: Axes, place: int, n_frames: int) -> None:
    if n_frames:
        axes.text(103, place, f"{n_frames} images", va="center", clip_on=False)
    else:
        axes.text(1, place, "no video", va="center", style="italic")
