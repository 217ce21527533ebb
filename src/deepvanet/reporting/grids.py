"""Figures of protocols by stream sets: confusions and learning curves."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from deepvanet.findings import say_count
from deepvanet.metrics import (
    HIGH_LOW,
    Form,
    count_confusion,
    find_form,
    measure_calibration_error,
    measure_rising_bins,
)
from deepvanet.protocols import columns_of
from deepvanet.reporting import plotting
from deepvanet.reporting.panels import (
    PanelGrid,
    add_legend,
    name_learner,
    name_target,
    present,
)
from deepvanet.reporting.plotting import Plot, Sheet, make_file_name, shorten_name
from deepvanet.reporting.studies import NO_LEAK, Study

MOST_LINES = 24
"""Fits of a panel that are plotted one by one; more become a band."""

_CELL_IN = 0.33
"""Side of a cell of a confusion matrix, in inches."""

_LOSSES: Sequence[tuple[str, str, str, tuple[float, Sequence[float]]]] = (
    ("train_loss", "training", plotting.BLUE, (0, ())),
    ("watched_loss", "validation", plotting.VERMILION, (0, (3, 1.5))),
)


Panels = Mapping[tuple[str, str], pd.DataFrame]
"""Predictions by protocol and stream set."""


def list_panels(study: Study, target: str, learner: str) -> Panels:
    """Return the predictions of a learner, a panel each."""
    return {
        (part.protocol, part.streams): rows
        for part, rows in study.parts.items()
        if (part.target, part.learner) == (target, learner)
    }


def lay_out(
    study: Study,
    panels: Panels,
    *,
    side: float,
    gap: float,
    left: float,
    bottom: float = 0.46,
    width: float | None = None,
) -> PanelGrid:
    """Lay out square panels, or wider ones, protocols below each other.

    Parameters
    ----------
    study : Study
        Knows the order of protocols and stream sets.
    panels : mapping
        Whose keys are protocols and stream sets.
    side, gap, left, bottom : float
        As of ``PanelGrid``, in inches.
    width : float, optional
        Of a panel that is no square, in inches.

    Returns
    -------
    PanelGrid
        Without axes.
    """
    found = pd.DataFrame(list(panels), columns=["protocol", "streams"])
    return PanelGrid(
        study,
        present(study.protocols, found["protocol"]),
        present(study.streams, found["streams"]),
        panel=(width or side, side),
        gap=gap,
        left=left,
        top=0.6,
        bottom=bottom,
    )


def plot_confusions(study: Study, target: str, learner: str) -> Plot:
    """Plot trials counted by class and prediction."""
    wanted = list_panels(study, target, learner)
    form = study.forms[target]
    names = [shorten_name(name, 12) for name in form.classes]
    letters = max(map(len, names))
    is_long = letters > 4
    grid = lay_out(
        study,
        wanted,
        side=_CELL_IN * len(names),
        gap=0.12,
        left=1.34 + 0.07 * letters,
        bottom=0.46 + (0.06 * letters if is_long else 0),
    )
    title = f"{name_target(target, form)}, {name_learner(learner)}"
    grid.sheet.write(0.04, 0.03, title, weight="bold")
    for (protocol, streams), rows in wanted.items():
        leaks = study.leaks_of(protocol, streams) != NO_LEAK
        axes = grid.add_panel(protocol, streams, leaks=leaks)
        _plot_confusion(axes, count_confusion(rows, "trial"), leaks=leaks)
        places = range(len(names))
        if grid.is_lowest(protocol):
            axes.set_xticks(places, names, rotation=90 if is_long else 0)
        else:
            axes.set_xticks([])
        axes.set_yticks(places, names) if grid.is_left(streams) else axes.set_yticks([])
        if grid.is_lowest(protocol) and grid.is_left(streams):
            axes.set_xlabel("predicted")
        if grid.is_left(streams):
            axes.set_ylabel("rated", labelpad=1)
    return grid.sheet.finish(
        make_file_name("confusion", target, learner),
        f"{title}: number of trials by how they were rated (rows) and "
        "predicted (columns); darker is a larger share of its row",
        _list_confusions(wanted, form),
    )


def _list_confusions(wanted: Panels, form: Form) -> pd.DataFrame:
    counted = {key: count_confusion(rows, "trial") for key, rows in wanted.items()}
    is_named = form.task != HIGH_LOW
    rows = [
        (
            *key,
            *((name, called) if is_named else (label, predicted)),
            int(counts[label, predicted]),
        )
        for key, counts in counted.items()
        for label, name in enumerate(form.classes)
        for predicted, called in enumerate(form.classes)
    ]
    columns = ["protocol", "streams", "label", "predicted", "n_trials"]
    return pd.DataFrame(rows, columns=columns)


def _plot_confusion(
    axes: Axes, counts: Int[np.ndarray, "class class"], *, leaks: bool
) -> None:
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    n_classes = len(counts)
    for row in range(n_classes):
        for column in range(n_classes):
            part = share[row, column]
            axes.fill(
                [column - 0.5, column + 0.5, column + 0.5, column - 0.5],
                [row - 0.5, row - 0.5, row + 0.5, row + 0.5],
                color=plotting.BLUE,
                alpha=0.06 + 0.9 * part,
                linewidth=0,
            )
            axes.text(
                column,
                row,
                f"{counts[row, column]}",
                ha="center",
                va="center",
                color="white" if part > 0.9 else plotting.BLACK,
            )
    axes.set(xlim=(-0.5, n_classes - 0.5), ylim=(n_classes - 0.5, -0.5))
    axes.tick_params(length=0, pad=2)
    frame_panel(axes, leaks=leaks)


def frame_panel(axes: Axes, *, leaks: bool) -> None:
    """Frame a panel whose ground cannot be hatched; a dashed frame leaks."""
    axes.spines[:].set(
        visible=True,
        color=plotting.VERMILION if leaks else plotting.GREY,
        linewidth=1.4 if leaks else 0.6,
        linestyle=(0, (3, 1.5)) if leaks else "-",
    )


def plot_curves(study: Study, history: pd.DataFrame, target: str, learner: str) -> Plot:
    """Plot the loss of every fit by epoch, and which epochs were chosen.

    Parameters
    ----------
    study : Study
        Knows the order of protocols and stream sets, and what leaks.
    history : DataFrame
        Columns ``HISTORY_COLUMNS``, rows of this target and learner.
    target, learner : str
        Named in the title and in the file's name.

    Returns
    -------
    Plot
        A panel for each protocol and stream set.
    """
    streams = present(study.streams, history["streams"])
    width = min((plotting.get_style().page_in - 1.75) / len(streams) - 0.1, 2.4)
    grid = PanelGrid(
        study,
        present(study.protocols, history["protocol"]),
        streams,
        panel=(width, 1.0),
        gap=0.1,
        left=1.7,
        top=0.84 if width < 1.05 else 0.66,
        bottom=0.46,
    )
    form = study.forms.get(target, study.form)
    guessing = _find_guessing(form)
    title = f"{name_target(target, form)}, {name_learner(learner)}"
    grid.sheet.write(0.04, 0.03, title, weight="bold")
    _write_losses(grid.sheet, with_guessing=not form.is_rating)
    highest = _find_highest_loss(history, guessing)
    unit = "loss" if form.is_rating else "loss (nats)"
    for key, fits in history.groupby(["protocol", "streams"], sort=False):
        protocol, name = map(str, key)
        leaks = study.leaks_of(protocol, name) != NO_LEAK
        axes = grid.add_panel(protocol, name, leaks=leaks)
        _plot_losses(axes, fits, guessing)
        axes.set(xlim=(0.5, history["epoch"].max() + 0.5), ylim=(0, highest))
        last = int(history["epoch"].max())
        _label_curves(axes, grid, protocol, name, last=last, unit=unit)
    return grid.sheet.finish(
        make_file_name("curves", target, learner),
        f"{title}: loss of training and validation rows by epoch",
        history,
    )


def plot_calibration(study: Study, target: str, learner: str) -> Plot:
    """Plot how often scores of each size come true, by protocol and stream set."""
    wanted = list_panels(study, target, learner)
    form = study.forms[target]
    title = f"{name_target(target, form)}, {name_learner(learner)}"
    grid = lay_out(study, wanted, side=0.95, gap=0.14, left=2.0)
    grid.sheet.write(0.04, 0.03, title, weight="bold")
    tables = []
    for (protocol, streams), rows in wanted.items():
        bins, error, calibrated = _measure_calibration(rows)
        leaks = study.leaks_of(protocol, streams) != NO_LEAK
        axes = grid.add_panel(protocol, streams, leaks=leaks)
        _plot_calibration(axes, bins, f"ECE {100 * error:.0f} ({100 * calibrated:.0f})")
        _label_calibration(axes, grid, protocol, streams, form)
        found = {"ece": error, "ece_if_calibrated": calibrated}
        tables.append(bins.assign(protocol=protocol, streams=streams, **found))
    return grid.sheet.finish(
        make_file_name("calibration", target, learner),
        f"{title}: percentage of segments {_say_rated(form)} by their mean "
        f"{_name_probability(form)}, in as many bins of equally many as still rise; on "
        "the diagonal a score comes true as often as it says; ECE is the mean distance "
        "from it, in brackets that of scores which do come true, with so many trials",
        pd.concat(tables, ignore_index=True),
    )


def _measure_calibration(rows: pd.DataFrame) -> tuple[pd.DataFrame, float, float]:
    """Return bins of segments, their error, and what it would be if calibrated."""
    form = find_form(rows)
    grouped = rows.groupby(columns_of("trial"), sort=True, observed=True)
    trial = grouped.ngroup().to_numpy(dtype=np.int64)
    n_trials = int(trial.max()) + 1
    label, score = form.read_truth(rows), form.read_values(rows)
    if score.ndim > 1:
        # a class after the other: whether it is that of the trial, and its probability
        numbers = np.arange(score.shape[1])
        trial = (trial + n_trials * numbers[:, None]).ravel()
        label = (label == numbers[:, None]).astype(np.int64).ravel()
        score = score.T.ravel()
    bins = measure_rising_bins(label, score, n_trials)
    error, calibrated = measure_calibration_error(label, score, n_trials, trial=trial)
    return bins, error, calibrated


def _plot_calibration(axes: Axes, bins: pd.DataFrame, error: str) -> None:
    axes.plot([0, 1], [0, 1], color=plotting.GREY, lw=0.8, dashes=(4, 3), zorder=1)
    axes.plot(
        bins["mean_score"],
        bins["fraction_high"],
        color=plotting.BLUE,
        marker="o",
        markersize=2.5,
        linewidth=1.2,
        zorder=3,
        clip_on=False,
    )
    axes.text(
        0.96,
        0.05,
        error,
        ha="right",
        va="bottom",
        transform=axes.transAxes,
        bbox={"fc": "white", "ec": "none", "pad": 0.6, "alpha": 0.85},
        zorder=4,
    )
    axes.set(xlim=(0, 1), ylim=(0, 1))
    first, last = axes.set_xticks([0, 1], ["0", "100"])
    first.label1.set_horizontalalignment("left")  # the next panel is near
    last.label1.set_horizontalalignment("right")
    axes.set_yticks([0, 1], ["0", "100"])


def _label_calibration(
    axes: Axes, grid: PanelGrid, protocol: str, streams: str, form: Form
) -> None:
    if grid.is_lowest(protocol):
        axes.set_xlabel(f"{_name_probability(form)} (%)", labelpad=-2)
    else:
        axes.tick_params(labelbottom=False)
    if grid.is_left(streams):
        axes.set_ylabel(f"{_say_rated(form)} (%)", labelpad=0)
    else:
        axes.tick_params(labelleft=False)


def _say_rated(form: Form) -> str:
    return "rated high" if form.task == HIGH_LOW else "of that class"


def _name_probability(form: Form) -> str:
    return "score" if form.task == HIGH_LOW else "probability"


def _label_curves(
    axes: Axes,
    grid: PanelGrid,
    protocol: str,
    streams: str,
    *,
    last: int,
    unit: str,
) -> None:
    axes.set_xticks([1, last] if last > 1 else [1])
    if not grid.is_lowest(protocol):
        axes.tick_params(labelbottom=False)
    else:
        axes.set_xlabel("epoch", labelpad=-2 if last > 1 else 2)
    if not grid.is_left(streams):
        axes.tick_params(labelleft=False)
    else:
        axes.set_ylabel(unit, labelpad=2)


def _find_guessing(form: Form) -> float:
    """Return the cross-entropy of equal probabilities, in nats; NaN of ratings."""
    return float("nan") if form.is_rating else float(np.log(len(form.classes)))


def _find_highest_loss(history: pd.DataFrame, guessing: float) -> float:
    """Return an upper limit that one exploding fit does not set, with headroom."""
    losses = history[["train_loss", "watched_loss"]].to_numpy(dtype=float)
    losses = losses[np.isfinite(losses)]
    usual = np.quantile(losses, 0.95) if len(losses) else 0.0
    highest = losses.max(initial=0.0)
    least = guessing if np.isfinite(guessing) else 1e-6
    return 1.3 * float(max(min(highest, 1.5 * usual), least))


def _plot_losses(axes: Axes, fits: pd.DataFrame, guessing: float) -> None:
    if np.isfinite(guessing):
        axes.axhline(guessing, color=plotting.GREY, lw=0.8, dashes=(1, 1.5), zorder=1)
    names = ["target", "streams", "learner", "seed", "subject", "fold"]
    number = fits.groupby(names, sort=False).ngroup()
    for column, _, color, dash in _LOSSES:
        table = fits.assign(fit=number).pivot_table(
            index="epoch", columns="fit", values=column, dropna=True
        )
        if not table.size:
            continue
        epochs = table.index.to_numpy(dtype=float)
        values = table.to_numpy(dtype=float)
        _plot_spread(axes, epochs, values, color)
        axes.plot(
            epochs,
            np.nanmedian(values, axis=1),
            color=color,
            linestyle=dash,
            linewidth=1.5,
            zorder=4,
            marker="." if len(epochs) == 1 else "",
        )
    _mark_chosen(axes, fits)
    axes.text(
        0.97,
        0.95,
        say_count(number.nunique(), "fit"),
        ha="right",
        va="top",
        transform=axes.transAxes,
        bbox={"fc": "white", "ec": "none", "pad": 1},
        zorder=5,
    )


def _plot_spread(
    axes: Axes,
    epochs: Float[np.ndarray, " epoch"],
    values: Float[np.ndarray, "epoch fit"],
    color: str,
) -> None:
    if values.shape[1] > MOST_LINES:
        low, high = np.nanquantile(values, [0.1, 0.9], axis=1)
        axes.fill_between(epochs, low, high, color=color, alpha=0.22, lw=0, zorder=2)
        return
    lines = [
        np.column_stack([epochs, values[:, fit]]) for fit in range(values.shape[1])
    ]
    axes.add_collection(
        LineCollection(lines, colors=color, linewidths=0.5, alpha=0.4, zorder=2)
    )


def _mark_chosen(axes: Axes, fits: pd.DataFrame) -> None:
    """Mark the epochs used, larger where more fits used them."""
    chosen = fits.loc[fits["chosen"].astype(int) == 1, "epoch"].value_counts()
    if not len(chosen):
        return
    share = chosen.to_numpy(dtype=float) / chosen.sum()
    axes.scatter(
        chosen.index.to_numpy(dtype=float),
        np.full(len(chosen), 0.05),
        s=8 + 40 * share,
        marker="^",
        color=plotting.BLACK,
        linewidth=0,
        transform=axes.get_xaxis_transform(),
        clip_on=False,
        zorder=6,
    )


def _write_losses(sheet: Sheet, *, with_guessing: bool) -> None:
    handles = [
        Line2D([], [], color=color, linestyle=dash, linewidth=1.5, label=name)
        for _, name, color, dash in _LOSSES
    ]
    handles.append(
        Line2D(
            [],
            [],
            linestyle="",
            marker="^",
            markersize=4,
            color="k",
            label="epoch used",
        )
    )
    if with_guessing:
        line = Line2D([], [], color=plotting.GREY, linewidth=0.9, linestyle=":")
        line.set_label("guessing")
        handles.append(line)
    add_legend(sheet, handles, top=0.21, ncols=4)
