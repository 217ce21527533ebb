"""The figure of predicted ratings against the true ones."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from deepvanet.metrics import find_means, mean_over_trials
from deepvanet.reporting import plotting
from deepvanet.reporting.grids import frame_panel, lay_out, list_panels
from deepvanet.reporting.panels import name_learner, name_target
from deepvanet.reporting.plotting import Plot, make_file_name
from deepvanet.reporting.studies import NO_LEAK, Study

FEW_SUBJECTS = 8
"""Up to so many have a colour of their own."""

_COLORS = (
    *(plotting.BLUE, plotting.VERMILION, plotting.GREEN, plotting.PURPLE),
    *(plotting.ORANGE, plotting.SKY, plotting.BLACK, plotting.YELLOW),
)


def plot_rated(study: Study, target: str, learner: str) -> Plot:
    """Plot a dot for each trial: what was rated, and what was predicted."""
    wanted = list_panels(study, target, learner)
    grid = lay_out(study, wanted, side=1.35, gap=0.16, left=1.75)
    title = f"{name_target(target, study.forms[target])}, {name_learner(learner)}"
    grid.sheet.write(0.04, 0.03, title, weight="bold")
    tables = {key: mean_over_trials(rows) for key, rows in wanted.items()}
    low, high = _find_range(tables.values())
    room = 0.06 * (high - low) or 1.0
    ends, said = (low - room, high + room), f"rated {low:g} to {high:g}"
    for (protocol, streams), trials in tables.items():
        leaks = study.leaks_of(protocol, streams) != NO_LEAK
        axes = grid.add_panel(protocol, streams, leaks=leaks)
        _plot_trials(axes, trials, ends)
        scores = find_means(wanted[protocol, streams], "trial")
        _write_scores(axes, scores["ccc"], scores["pooled_ccc"])
        frame_panel(axes, leaks=leaks)
        _label(
            axes,
            f"{target}, {said}" if grid.is_lowest(protocol) else "",
            f"predicted {target}" if grid.is_left(streams) else "",
        )
    columns = ["subject", "trial", "stimulus", "truth", "prediction"]
    numbers = [
        trials[columns].assign(protocol=protocol, streams=streams)
        for (protocol, streams), trials in tables.items()
    ]
    return grid.sheet.finish(
        make_file_name("rated", target, learner),
        f"{title}: predicted and true rating of each trial, on the scale of the "
        "rating; the dashed diagonal is a perfect prediction, the line a fit of all "
        "trials; CCC is the mean over subjects, in brackets that of all trials",
        pd.concat(numbers, ignore_index=True),
    )


def _find_range(tables: Iterable[pd.DataFrame]) -> tuple[float, float]:
    """Return the least and the highest rating."""
    rated = np.concatenate([t["truth"].to_numpy(dtype=float) for t in tables])
    return float(rated.min()), float(rated.max())


def _plot_trials(axes: Axes, trials: pd.DataFrame, ends: tuple[float, float]) -> None:
    axes.plot(ends, ends, color=plotting.GREY, lw=0.8, dashes=(4, 3), zorder=1)
    subjects = sorted(trials["subject"].astype(str).unique())
    is_few = len(subjects) <= FEW_SUBJECTS
    for number, subject in enumerate(subjects):
        mine = trials[trials["subject"].astype(str) == subject]
        axes.scatter(
            mine["truth"],
            np.clip(mine["prediction"], *ends),
            s=7 if len(trials) < 200 else 4,
            color=_COLORS[number] if is_few else plotting.BLUE,
            alpha=0.75 if is_few else 0.35,
            linewidth=0,
            zorder=2,
            clip_on=False,
        )
    _plot_fit(
        axes,
        trials["truth"].to_numpy(dtype=float),
        trials["prediction"].to_numpy(dtype=float),
    )
    axes.set(xlim=ends, ylim=ends)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(4, integer=ends[1] - ends[0] > 3))


def _plot_fit(
    axes: Axes,
    rated: Float[np.ndarray, " trial"],
    predicted: Float[np.ndarray, " trial"],
) -> None:
    if rated.std() == 0:
        return
    slope, offset = np.polyfit(rated, predicted, 1)
    ends = np.array([rated.min(), rated.max()])
    axes.plot(ends, slope * ends + offset, color=plotting.BLACK, lw=1.3, zorder=3)


def _write_scores(axes: Axes, ccc: float, pooled: float) -> None:
    axes.text(
        0.97,
        0.04,
        f"CCC {ccc:.2f} ({pooled:.2f})".replace("-", "\N{MINUS SIGN}"),
        ha="right",
        va="bottom",
        transform=axes.transAxes,
        bbox={"fc": "white", "ec": "none", "pad": 0.6, "alpha": 0.85},
        zorder=4,
    )


def _label(axes: Axes, below: str, left: str) -> None:
    axes.set_xlabel(below, labelpad=1)
    axes.set_ylabel(left, labelpad=1)
    axes.tick_params(labelbottom=bool(below), labelleft=bool(left))
