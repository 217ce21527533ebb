"""Attributions as pictures: lines over time, a scalp, bars, a face."""

from itertools import cycle
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

from deepvanet.bundle import Bundle
from deepvanet.explanation.records import PARTS, Explanation, FaceMap, Part
from deepvanet.files import whole_file
from deepvanet.preprocessing.cleaning.electrodes import describe
from deepvanet.preprocessing.windows import WindowGrid
from deepvanet.reporting.plotting import (
    BLACK,
    PALE,
    Sheet,
    house_style,
)
from deepvanet.schema import STREAMS, Stream, UserError

DASHES = ("-", "--", ":", "-.")
"""Of the lines of streams, in turn."""
DPI = 200
HOLE = 0.5
"""Steps that a segment starts later than the next would: no line goes across."""
BLUR = 1.5
"""Pixels of the crop over which a map of the face is smoothed for the eye."""
LEAST_ELECTRODES = 4


def plot_all(made: Explanation, bundle: Bundle, out: Path) -> tuple[str, ...]:
    """Plot what can be plotted; return why something could not."""
    notes: list[str] = []
    with house_style():
        for target, rows in made.streams.groupby("target", sort=False):
            part = PARTS[bundle.goals[str(target)].kind]
            figure = _plot_streams(str(target), rows, bundle.grid, part)
            _save(figure, out / f"streams-{target}.svg")
        for target, rows in made.channels.groupby("target", sort=False):
            notes += _plot_channels(str(target), rows, bundle, out)
        for target, faces in made.faces.items():
            _save(_plot_face(target, faces), out / f"face-{target}.png")
    return tuple(dict.fromkeys(notes))


def _plot_channels(
    target: str, rows: pd.DataFrame, bundle: Bundle, out: Path
) -> list[str]:
    notes = []
    for name, mine in rows.groupby("stream", sort=False):
        stream = STREAMS[str(name)]
        size = mine["attribution"].abs().groupby(mine["channel"], sort=False).mean()
        if stream is not Stream.EEG:
            part = PARTS[bundle.goals[target].kind]
            bars = _plot_bars(target, size, stream, part)
            _save(bars, out / f"{stream}-{target}.svg")
            continue
        try:
            info = describe(list(map(str, size.index)), sfreq=bundle.recipe.sfreq)
        except UserError:
            notes.append("no map of the scalp: names of electrodes say nothing of it")
            continue
        if len(size) < LEAST_ELECTRODES:
            notes.append(f"no map of the scalp from {len(size)} electrodes")
            continue
        _save(_plot_scalp(target, size, info), out / f"scalp-{target}.png")
    return notes


def _save(figure: Figure, path: Path) -> None:
    with whole_file(path) as unfinished:
        if path.suffix == ".svg":
            nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
            figure.savefig(unfinished, format="svg", metadata=nothing)
        else:
            figure.savefig(unfinished, format="png", dpi=DPI)


def _plot_streams(
    target: str, rows: pd.DataFrame, grid: WindowGrid, part: Part
) -> Figure:
    sheet = Sheet(7.0, 2.4)
    axes = sheet.add_axes(0.75, 0.45, 5.1, 1.45)
    axes.axhline(0, color=PALE, linewidth=0.8)
    step_s, middle_s = (0.0, 0.0) if grid.is_whole else (grid.step_s, grid.length_s / 2)
    for stream, dash in zip(Stream, cycle(DASHES), strict=False):
        mine = rows[rows["stream"] == stream].set_index("time_s")["attribution"]
        if mine.empty:
            continue
        # what a segment lacks is a hole, not a line across it; so is the time between
        # trials, which start anywhere
        starts = mine.index.to_numpy(dtype=float)
        holes = 1 + np.flatnonzero(np.diff(starts) > step_s * (1 + HOLE))
        times = np.insert(starts + middle_s, holes, np.nan)
        values = np.insert(mine.to_numpy(dtype=float), holes, np.nan)
        dots = "o" if grid.is_whole else ""
        axes.plot(
            times, values, dots + dash, color=stream.spec.colour, label=stream, lw=1.2
        )
    axes.set_xlabel("second of the recording")
    axes.set_ylabel(f"part of the {part.noun}")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    sheet.write(0.75, 0.08, f"What each stream added to {target}: {part.up}")
    return sheet.figure


def _plot_bars(target: str, size: pd.Series, stream: Stream, part: Part) -> Figure:
    sheet = Sheet(3.5, 0.9 + 0.22 * len(size))
    axes = sheet.add_axes(1.2, 0.4, 2.1, 0.22 * len(size))
    places = np.arange(len(size))
    axes.barh(places, size.to_numpy(), color=stream.spec.colour, height=0.6)
    axes.set_yticks(places, [str(name) for name in size.index])
    axes.invert_yaxis()
    axes.set_xlabel(f"mean size, parts of the {part.noun}")
    sheet.write(0.1, 0.08, f"How much {_name_channels(stream)} moved {target}")
    return sheet.figure


def _name_channels(stream: Stream) -> str:
    """Return what the channels of a stream are called."""
    title = stream.spec.title
    return title if stream.spec.kind == "features" else f"{title} channels"


def _plot_scalp(target: str, size: pd.Series, info: Any) -> Figure:
    sheet = Sheet(3.5, 3.1)
    axes = sheet.add_axes(0.1, 0.4, 2.5, 2.6)
    share = 100 * size.to_numpy() / max(float(size.sum()), 1e-12)
    image, _ = mne.viz.plot_topomap(
        share,
        info,
        axes=axes,
        show=False,
        cmap="viridis",
        vlim=(0, max(float(share.max()), 1e-12)),
        contours=0,
        sensors="k.",
    )
    _add_scale(sheet, image, "% of all")
    sheet.write(0.1, 0.08, f"How much each electrode moved {target}")
    return sheet.figure


def _plot_face(target: str, faces: FaceMap) -> Figure:
    sheet = Sheet(3.5, 3.1)
    axes = sheet.add_axes(0.1, 0.4, 2.6, 2.6)
    grey = faces.faces.mean(axis=2) / max(faces.n_seconds, 1)
    axes.imshow(grey, cmap="gray", vmin=0, vmax=255)
    shown = gaussian_filter(faces.mean, BLUR)
    shown = shown / max(float(shown.max()), 1e-12)
    image = axes.imshow(shown, cmap="inferno", vmin=0, vmax=1, alpha=0.8 * shown)
    axes.set_axis_off()
    _add_scale(sheet, image, "of the most")
    sheet.write(0.1, 0.08, f"Where in the face {target} was moved")
    return sheet.figure


def _add_scale(sheet: Sheet, image: Any, label: str) -> None:
    beside = sheet.add_axes(2.8, 0.95, 0.1, 1.6)
    scale = sheet.figure.colorbar(image, cax=beside)
    if scale.solids is not None:
        scale.solids.set_alpha(1)
    sheet.write(2.75, 0.72, label, color=BLACK)
