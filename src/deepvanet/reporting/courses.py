"""The figure of a rating that moves and of its prediction, over the time of a trial."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from deepvanet.metrics import find_means, measure_agreement
from deepvanet.reporting import plotting
from deepvanet.reporting.grids import frame_panel, lay_out, list_panels
from deepvanet.reporting.panels import add_legend, name_learner, name_target
from deepvanet.reporting.plotting import Plot, make_file_name
from deepvanet.reporting.studies import NO_LEAK, Study

ROOM_FOR_TEXT = 4.0
"""Above the greatest value, in the room that is left below the least."""

_RATED, _PREDICTED = plotting.BLACK, plotting.BLUE


@dataclass(frozen=True)
class Course:
    """One trial: what was rated and predicted, moment by moment.

    Attributes
    ----------
    moments : DataFrame
        Columns time_s, truth, prediction, in order of time.
    ccc : float
        Of this trial.
    """

    subject: str
    trial: str
    moments: pd.DataFrame
    ccc: float


def plot_courses(study: Study, target: str, learner: str) -> Plot:
    """Plot the trial with the median CCC of each protocol and stream set."""
    wanted = list_panels(study, target, learner)
    grid = lay_out(study, wanted, side=1.2, gap=0.16, left=1.75, width=2.6)
    title = f"{name_target(target, study.forms[target])}, {name_learner(learner)}"
    grid.sheet.write(0.04, 0.03, title, weight="bold")
    courses = {key: find_median_course(rows) for key, rows in wanted.items()}
    shown = pd.concat([course.moments for course in courses.values()])
    values = shown[["truth", "prediction"]].to_numpy(dtype=float)
    low, high = np.nanpercentile(values, [0.5, 99.5])
    room = 0.08 * (high - low) or 1.0
    ends = 0.0, float(shown["time_s"].max())
    for (protocol, streams), course in courses.items():
        leaks = study.leaks_of(protocol, streams) != NO_LEAK
        axes = grid.add_panel(protocol, streams, leaks=leaks)
        _plot_course(axes, course)
        axes.set(xlim=ends, ylim=(low - room, high + ROOM_FOR_TEXT * room))
        scores = find_means(wanted[protocol, streams], "trial")
        _write_scores(axes, course, scores["ccc"], scores["pooled_ccc"])
        frame_panel(axes, leaks=leaks)
        is_lowest, is_left = grid.is_lowest(protocol), grid.is_left(streams)
        axes.set_xlabel("time in the trial (s)" if is_lowest else "", labelpad=1)
        axes.set_ylabel(target if is_left else "", labelpad=1)
        axes.tick_params(labelbottom=is_lowest, labelleft=is_left)
    add_legend(
        grid.sheet,
        [
            Line2D([], [], color=_RATED, lw=1.2, label="rated"),
            Line2D([], [], color=_PREDICTED, lw=1.0, label="predicted"),
        ],
        top=0.2,
        ncols=2,
    )
    numbers = [
        course.moments.assign(
            subject=course.subject,
            trial=course.trial,
            protocol=protocol,
            streams=streams,
        )
        for (protocol, streams), course in courses.items()
    ]
    return grid.sheet.finish(
        make_file_name("courses", target, learner),
        f"{title}: what was rated and what was predicted over the time of one trial, "
        "that with the median CCC of each panel, on the scale of the rating; below it "
        "the mean CCC within trials over subjects, in brackets that of all moments",
        pd.concat(numbers, ignore_index=True),
    )


def find_median_course(predictions: pd.DataFrame) -> Course:
    """Return the trial of the first seed whose CCC is the median.

    Parameters
    ----------
    predictions : DataFrame
        Of one protocol, target, stream set and learner.
    """
    rows = predictions[predictions["seed"] == predictions["seed"].min()]
    courses = []
    for (subject, trial), mine in rows.groupby(["subject", "trial"], observed=True):
        moments = pd.DataFrame(
            {
                "time_s": mine["start_s"] + mine["lag_s"],
                "truth": mine["truth"],
                "prediction": mine["prediction"],
            }
        ).sort_values("time_s")
        found = measure_agreement(
            moments["truth"].to_numpy(dtype=float),
            moments["prediction"].to_numpy(dtype=float),
        )
        courses.append(Course(str(subject), str(trial), moments, found["ccc"]))
    scored = [course for course in courses if np.isfinite(course.ccc)] or courses
    scored.sort(key=lambda course: course.ccc)
    return scored[(len(scored) - 1) // 2]


def _plot_course(axes: Axes, course: Course) -> None:
    times = course.moments["time_s"].to_numpy(dtype=float)
    # a line is not continued over what was not tested
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    breaks = np.flatnonzero(np.diff(times) > 1.5 * step) + 1
    for column, color, width in (
        ("truth", _RATED, 1.2),
        ("prediction", _PREDICTED, 1.0),
    ):
        values = course.moments[column].to_numpy(dtype=float)
        axes.plot(
            np.insert(times, breaks, np.nan),
            np.insert(values, breaks, np.nan),
            color=color,
            lw=width,
        )
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(4))


def _write_scores(axes: Axes, course: Course, ccc: float, pooled: float) -> None:
    said = (
        f"subject {course.subject}, trial {course.trial}: CCC {course.ccc:.2f}; "
        f"all {ccc:.2f} ({pooled:.2f})"
    )
    axes.text(
        0.03,
        0.97,
        said.replace("-", "\N{MINUS SIGN}"),
        ha="left",
        va="top",
        transform=axes.transAxes,
        bbox={"fc": "white", "ec": "none", "pad": 0.6, "alpha": 0.85},
        zorder=4,
    )
