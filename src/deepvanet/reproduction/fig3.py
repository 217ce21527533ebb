"""Fig. 3: t-SNE of face, bio and fused features; what the clusters are, beside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from deepvanet.config import EvaluateSettings, NetworkSettings
from deepvanet.learners.face_start import name_face_weights
from deepvanet.protocols import PROTOCOLS
from deepvanet.reporting import plotting
from deepvanet.reporting.panels import HATCH, add_legend
from deepvanet.reporting.plotting import Plot, Sheet, shorten_name
from deepvanet.reproduction.features import (
    KINDS,
    LEAST_COUNTED,
    LEAST_SEGMENTS,
    Features,
    count_neighbours,
    count_test_segments,
    name_fit,
    read_features,
)
from deepvanet.reproduction.given import StoreOfPaper
from deepvanet.reproduction.plans import NETWORK, WHOLE, Size, find_obstacle, settle
from deepvanet.reproduction.published import DATASETS
from deepvanet.reproduction.scores import DASH
from deepvanet.reproduction.table2 import TARGETS

SHOWN = ("paper", "trial")
"""Protocols whose models are shown."""

_LABELS = ((0, "low", plotting.BLUE, "o"), (1, "high", plotting.VERMILION, "^"))
_TRIAL_COLORS = (
    plotting.BLUE,
    plotting.VERMILION,
    plotting.GREEN,
    plotting.ORANGE,
    plotting.PURPLE,
    plotting.SKY,
    plotting.BLACK,
)
_TRIAL_SHAPES = ("o", "^", "s", "D", "v", "P", "X")
_PANEL, _STEP, _LEFT, _TOP, _ROW = 0.98, 1.05, 0.52, 0.86, 1.4
_BLOCKS = (("label", 0.0), ("trial", 3 * _STEP + 0.16))
"""What a block of panels is coloured by, and where it starts."""


@dataclass(frozen=True)
class FeaturePanel:
    """One model whose features are shown.

    Attributes
    ----------
    file : str
        Of the features, within the folder of those of the data set.
    obstacle : str
        Why there are none; empty where there can be.
    """

    given: StoreOfPaper
    protocol: str
    target: str
    subject: str
    settings: EvaluateSettings
    file: str
    obstacle: str


def name_features_folder(key: str) -> str:
    """Return the name of the folder of a data set's features."""
    return f"features-{key}"


def plan_features(
    given: Sequence[StoreOfPaper],
    *,
    size: Size,
    seed: int,
    face_weights: Path | None = None,
) -> list[FeaturePanel]:
    """List the models: of the first subject, for each protocol and target.

    Parameters
    ----------
    given : sequence of StoreOfPaper
        Stores of the paper's data sets.
    size : Size
        Folds, and how the network is built and trained.
    seed : int
        Of folds and fits.
    face_weights : Path | None
        Where the face trunk starts; None: from fresh weights.

    Returns
    -------
    list of FeaturePanel
        One for each store, protocol of ``SHOWN`` and target.
    """
    network = name_face_weights(size.network, face_weights)
    return [
        _plan(store, protocol, target, size, seed, network)
        for store in given
        for protocol in SHOWN
        for target in TARGETS
    ]


def _plan(
    given: StoreOfPaper,
    protocol: str,
    target: str,
    size: Size,
    seed: int,
    network: NetworkSettings,
) -> FeaturePanel:
    subject = given.subjects[0]
    settings = replace(
        settle(given, protocol, WHOLE, size, seed),
        protocols=(protocol,),
        targets=(target,),
        subjects=(subject,),
        learners=(NETWORK,),
        network=network,
    )
    obstacle = find_obstacle(given.store, settings)
    if not obstacle and count_test_segments(given.store, settings) < LEAST_SEGMENTS:
        obstacle = f"fewer than {LEAST_SEGMENTS} test segments in a fold"
    file = name_fit(given.store, settings)
    return FeaturePanel(given, protocol, target, subject, settings, file, obstacle)


def tabulate_purity(
    shown: Sequence[FeaturePanel], features: Mapping[str, Features]
) -> pd.DataFrame:
    """Return the purity of neighbourhoods, the numbers beside the figure.

    Parameters
    ----------
    features : mapping
        By the files' names.
    """
    return pd.DataFrame(
        [row for one in shown for row in _list_purities(one, features)],
        columns=[
            *("protocol", "target", "subject", "features", "same"),
            *("percent", "chance", "n_segments", "n_neighbours", "why"),
        ],
    )


def _list_purities(
    one: FeaturePanel, features: Mapping[str, Features]
) -> Iterator[tuple[object, ...]]:
    where = one.protocol, one.target, one.subject
    if one.obstacle:
        yield (*where, "", "", np.nan, np.nan, 0, 0, one.obstacle)
        return
    found = features[one.file]
    n_segments = len(found.label)
    n_near = count_neighbours(n_segments)
    why = ""
    if n_segments < LEAST_COUNTED:
        why = f"{n_segments} points are too few: a share needs {LEAST_COUNTED}"
    for (kind, same), numbers in found.purity.items():
        told = (np.nan, np.nan) if why else numbers
        yield (*where, kind, same, *told, n_segments, n_near, why)


def read_shown(folder: Path, shown: Sequence[FeaturePanel]) -> dict[str, Features]:
    """Read the features of all models that could be fitted, by their files' names."""
    files = [one.file for one in shown if not one.obstacle]
    return {file: read_features(folder / file) for file in files}


def plot_features(
    shown: Sequence[FeaturePanel], features: Mapping[str, Features]
) -> Plot:
    """Plot one data set under one protocol: valence above, arousal below."""
    key, protocol = shown[0].given.key, shown[0].protocol
    sheet = Sheet(plotting.PAGE_IN, _TOP + len(shown) * _ROW + 0.04)
    leaks = PROTOCOLS[protocol].leaks
    whose = f"subject {shorten_name(shown[0].subject)}, one fold's test segments"
    head = f"{DATASETS[key]}, {protocol}: {whose}; leaks: {', '.join(leaks) or 'none'}"
    color = "#a84300" if leaks else plotting.BLACK
    sheet.write(0.04, 0.04, head, weight="bold", color=color)
    for name, start in _BLOCKS:
        middle = _LEFT + start + 1.5 * _STEP - 0.03
        sheet.write(middle, 0.3, f"coloured by {name}", ha="center", weight="bold")
        for column, kind in enumerate(KINDS):
            center = _LEFT + start + column * _STEP + _PANEL / 2
            sheet.write(center, _TOP - 0.06, kind, ha="center", va="bottom")
    _write_legend(sheet)
    for row, one in enumerate(shown):
        _plot_row(sheet, _TOP + row * _ROW, one, features, leaks=bool(leaks))
    return sheet.finish(
        f"fig3-{key}-{protocol}",
        f"Fig. 3 for {DATASETS[key]} under {protocol}: t-SNE of face, bio and fused "
        "features, valence above, arousal below; by label, and by trial",
        tabulate_purity(shown, features),
    )


def _plot_row(
    sheet: Sheet,
    top: float,
    one: FeaturePanel,
    features: Mapping[str, Features],
    *,
    leaks: bool,
) -> None:
    sheet.write(
        0.06,
        top + _PANEL / 2,
        one.target,
        rotation=90,
        va="center",
        weight="bold",
    )
    if one.obstacle:
        sheet.write(_LEFT, top + 0.3, f"{DASH} {one.obstacle}", wrap=True)
        return
    found = features[one.file]
    for name, start in _BLOCKS:
        for column, kind in enumerate(KINDS):
            left = _LEFT + start + column * _STEP
            axes = sheet.add_axes(left, top, _PANEL, _PANEL)
            if leaks:
                axes.patch.set(hatch=HATCH, edgecolor=plotting.PALE, linewidth=0)
            _plot_points(axes, found, kind, name)
            text = _say_purity(found, kind, name)
            sheet.write(left + _PANEL / 2, top + _PANEL + 0.04, text, ha="center")


def _say_purity(found: Features, kind: str, name: str) -> str:
    """Say what share of neighbours is alike, or that points are too few for one."""
    n_segments = len(found.label)
    if n_segments < LEAST_COUNTED:
        return f"{DASH} only {n_segments} points:\nno share is stated"
    pure, chance = found.purity[kind, name]
    return f"same {name} {pure:.0f} %\nchance {chance:.0f} %"


def _plot_points(axes: Axes, found: Features, kind: str, name: str) -> None:
    places = found.maps[kind]
    for mine, color, shape in _list_groups(found, name):
        axes.scatter(
            places[mine, 0],
            places[mine, 1],
            s=9,
            marker=shape,
            color=color,
            alpha=0.8,
            linewidth=0,
        )
    axes.margins(0.08)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=plotting.GREY)


def _list_groups(
    found: Features, name: str
) -> Iterator[tuple[Bool[np.ndarray, " segment"], str, str]]:
    if name == "label":
        for value, _, color, shape in _LABELS:
            yield found.label == value, color, shape
        return
    for number, trial in enumerate(np.unique(found.trial)):
        turn, place = divmod(number, len(_TRIAL_COLORS))
        shape = _TRIAL_SHAPES[(turn + place) % len(_TRIAL_SHAPES)]
        yield found.trial == trial, _TRIAL_COLORS[place], shape


def _write_legend(sheet: Sheet) -> None:
    handles = [
        Line2D([], [], ls="", marker=shape, markersize=4, color=color, label=text)
        for _, text, color, shape in reversed(_LABELS)
    ]
    add_legend(sheet, handles, top=0.47, ncols=2, left=_LEFT + 1.0)
