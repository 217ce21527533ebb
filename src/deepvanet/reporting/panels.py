"""What the panels of all figures have in common: labels, legends, the grid."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from deepvanet.gap import name_metric
from deepvanet.metrics import METRIC_RECORDS, Form
from deepvanet.reporting import plotting
from deepvanet.reporting.plotting import Sheet, shorten_name
from deepvanet.reporting.studies import NO_LEAK, Study

_LETTER_IN = 0.068  # mean width of a letter at 8 pt

HATCH = "////"
"""Ground of everything that leaks."""


def name_learner(learner: str, longest: int = 36) -> str:
    """Return a learner's name as it fits: of a fusion, its rule is kept.

    Examples
    --------
    >>> name_learner("decision-fusion:adaboost-published", 26)
    'fusion:adaboost-published'
    """
    if len(learner) > longest:
        learner = learner.replace("decision-fusion:", "fusion:")
    return shorten_name(learner, longest)


def select(table: pd.DataFrame, **values: str) -> pd.DataFrame:
    """Return the rows whose columns have these values."""
    for column, value in values.items():
        table = table[table[column].astype(str) == value]
    return table


def present(names: Sequence[str], found: "pd.Series[Any]") -> list[str]:
    """Return the names that were found, in their order."""
    there = set(found.astype(str))
    return [name for name in names if name in there]


def write_protocol(sheet: Sheet, protocol: str, leaks: str, middle: float) -> None:
    """Write a protocol's name and what it leaks at the left of its row.

    Parameters
    ----------
    sheet : Sheet
        Where it is written.
    protocol : str
        Its name; a long one is cut.
    leaks : str
        What it leaks, ``+``-joined, or ``none``.
    middle : float
        Middle of the row, in inches from the top.
    """
    style: dict[str, Any] = {"color": plotting.GREY}
    if leaks != NO_LEAK:
        style = {"color": "#a84300", "weight": "bold"}
    sheet.write(0.04, middle - 0.01, shorten_name(protocol), va="bottom", weight="bold")
    broken = leaks.replace("+", "+\n")
    sheet.write(0.04, middle + 0.01, f"leaks: {broken}", **style)


def hatch_rows(axes: Axes, low: float, high: float) -> None:
    """Hatch the ground of rows that leak."""
    axes.axhspan(
        low, high, fc="none", ec=plotting.PALE, hatch=HATCH, linewidth=0, zorder=0
    )


TASK_NAMES = {
    "high-low": "",
    "classes": "classes",
    "quadrants": "quadrants",
    "rating": "rating",
    "trace": "trace",
}


def name_target(target: str, form: Form) -> str:
    """Name a target, and its task unless it is high or low.

    Examples
    --------
    >>> name_target("valence", Form("rating")), name_target("valence", Form("high-low"))
    ('valence (rating)', 'valence')
    """
    task = TASK_NAMES[form.task]
    return f"{target} ({task})" if task else target


def scale_headline(
    axes: Axes,
    form: Form,
    *,
    along: Literal["x", "y"],
    values: Float[np.ndarray, " value"],
    room: float = 0.0,
) -> None:
    """Scale an axis for the headline metric, name it, and mark chance.

    Parameters
    ----------
    axes : Axes
        Whose axis is scaled.
    form : Form
        Whose headline metric it is.
    along : str
        ``x`` or ``y``.
    values : array, shape (value,)
        What is plotted: a correlation may be negative.
    room : float
        What is left free above 1.
    """
    metric = form.headline
    is_share = METRIC_RECORDS[metric].is_share
    unit = " (%)" if is_share else ""
    known = values[np.isfinite(values)]
    lowest = min(float(np.floor(4 * known.min(initial=0.0)) / 4), 0.0)
    if not is_share:
        lowest = max(min(lowest, -0.25), -1.0)
    step = 0.25 if lowest > -0.5 else 0.5
    ticks = np.arange(np.ceil(lowest / step) * step, 1.01, step)
    times = 100 if is_share else 1
    names = [f"{times * tick:g}".replace("-", "\N{MINUS SIGN}") for tick in ticks]
    label = f"{name_metric(metric)}{unit}"
    style: dict[str, Any] = {"lw": 0.8, "dashes": (4, 3), "zorder": 1}
    chance = form.find_chance(metric)
    if along == "x":
        axes.set_xlim(lowest, 1 + room)
        axes.set_xticks(ticks, names)
        axes.set_xlabel(label)
        axes.axvline(chance, color=plotting.BLACK, **{**style, "zorder": 2})
    else:
        axes.set_ylim(lowest, 1 + room)
        axes.set_yticks(ticks, names)
        axes.set_ylabel(label)
        axes.axhline(chance, color=plotting.BLACK, **style)


def add_legend(
    sheet: Sheet,
    handles: Sequence[Line2D | Patch],
    *,
    top: float,
    ncols: int,
    left: float = 0.04,
) -> None:
    """Add a legend whose upper left corner is given in inches.

    Parameters
    ----------
    sheet : Sheet
        Where it is added.
    handles : sequence of Line2D or Patch
        The entries, which have labels.
    top : float
        From the top of the sheet, in inches.
    ncols : int
        Columns of entries.
    left : float
        From the left of the sheet, in inches.
    """
    sheet.figure.legend(
        handles=list(handles),
        loc="upper left",
        ncols=ncols,
        bbox_to_anchor=(left / sheet.width, 1 - top / sheet.height),
        borderaxespad=0,
        borderpad=0,
        labelspacing=0.3,
        columnspacing=1.4,
        handlelength=1.8,
        handletextpad=0.5,
    )


def find_key_width(names: Sequence[str]) -> float:
    """Return the room that an entry of a legend needs, in inches.

    Parameters
    ----------
    names : sequence of str
        Of all entries; the longest counts.
    """
    return 0.5 + _LETTER_IN * max(map(len, names), default=0)


class PanelGrid:
    """Panels in rows (protocols) and columns (stream sets), with their labels.

    Parameters
    ----------
    panel : tuple of float
        Width and height of a panel, in inches, as all that follow.
    gap : float
        Between panels.
    left, top, bottom : float
        Room for labels.
    """

    def __init__(
        self,
        study: Study,
        protocols: Sequence[str],
        streams: Sequence[str],
        *,
        panel: tuple[float, float],
        gap: float,
        left: float,
        top: float,
        bottom: float,
    ) -> None:
        self.protocols, self.streams = protocols, streams
        self._panel, self._gap, self._left, self._top = panel, gap, left, top
        width, height = panel
        self.sheet = Sheet(
            max(left + len(streams) * (width + gap), plotting.get_style().column_in),
            top + len(protocols) * (height + gap) - gap + bottom,
        )
        for row, protocol in enumerate(protocols):
            middle = top + row * (height + gap) + height / 2
            write_protocol(self.sheet, protocol, study.leaks_of(protocol), middle)
        for column, name in enumerate(streams):
            center = left + column * (width + gap) + width / 2
            text = _wrap(shorten_name(name), width + gap)
            self.sheet.write(center, top - 0.06, text, ha="center", va="bottom")

    def add_panel(self, protocol: str, streams: str, *, leaks: bool) -> Axes:
        """Add the axes of one protocol and stream set."""
        row, column = self.protocols.index(protocol), self.streams.index(streams)
        width, height = self._panel
        axes = self.sheet.add_axes(
            self._left + column * (width + self._gap),
            self._top + row * (height + self._gap),
            width,
            height,
        )
        if leaks:
            axes.patch.set(hatch=HATCH, edgecolor=plotting.PALE, linewidth=0)
        return axes

    def is_left(self, streams: str) -> bool:
        """Whether a stream set's panels carry the labels of the y axis."""
        return streams == self.streams[0]

    def is_lowest(self, protocol: str) -> bool:
        """Whether a protocol's panels carry the labels of the x axis."""
        return protocol == self.protocols[-1]


def _wrap(name: str, width: float) -> str:
    """Break the name of a stream set where it is wider than its column."""
    return name if len(name) * _LETTER_IN < width else name.replace("+", "+\n")
