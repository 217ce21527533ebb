"""Fig. 2: accuracy by stream set and fusion, as grouped bars, ours under protocols."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from deepvanet.protocols import PROTOCOLS
from deepvanet.reporting import plotting
from deepvanet.reporting.panels import HATCH, add_legend
from deepvanet.reporting.plotting import Plot, Sheet
from deepvanet.reproduction.plans import FUSED_SETS, FUSIONS, NETWORK, WHOLE, name_run
from deepvanet.reproduction.published import DATASETS, PER, find_this_work
from deepvanet.reproduction.scores import DASH, Cell, RunScores
from deepvanet.reproduction.table2 import SEGMENT, TARGETS, TRIAL
from deepvanet.schema import STREAM_SETS

PANELS = (
    ("paper", "paper", SEGMENT),
    ("reference", "paper", SEGMENT),
    ("trial", "trial", SEGMENT),
    ("trial", "trial", TRIAL),
)
"""Protocol, kind of run, and measure of each panel, from top to bottom."""

BLOCKS: Sequence[tuple[str, str, Sequence[str]]] = (
    ("single modality", NETWORK, tuple(s for s in STREAM_SETS if s not in FUSED_SETS)),
    ("feature-level fusion", NETWORK, FUSED_SETS),
    ("decision-level:\nAdaBoost", FUSIONS[0], FUSED_SETS),
    ("decision-level:\nas its code does it", FUSIONS[1], FUSED_SETS),
)
"""Groups of bars from left to right: head, learner, stream sets."""

PRIOR_LINES = {"majority": (0, ()), "stimulus-prior": (0, (1, 1))}
_COLORS = dict(zip(TARGETS, (plotting.BLUE, plotting.ORANGE), strict=True))
_SHORT = {"eeg": "EEG", "peripheral": "periph."}
_BAR = 0.4
_LEFT, _TOP, _WIDTH, _HEIGHT, _GAP = 0.56, 1.06, 6.36, 1.05, 0.42


@dataclass(frozen=True)
class Bar:
    """One bar of one panel."""

    place: float
    protocol: str
    measure: tuple[str, str]
    streams: str
    learner: str
    target: str
    cell: Cell
    priors: tuple[Cell, ...]
    published: float | None


def list_bars(scored: RunScores, key: str) -> list[Bar]:
    """Return the bars of all panels of a data set."""
    return [
        bar
        for protocol, kind, measure in PANELS
        for bar in _list_panel(scored, key, protocol, kind, measure)
    ]


def _list_panel(
    scored: RunScores, key: str, protocol: str, kind: str, measure: tuple[str, str]
) -> Iterator[Bar]:
    for place, learner, streams in _list_groups():
        is_printed = (learner, streams) == (NETWORK, WHOLE)
        is_printed &= bool(PROTOCOLS[protocol].leaks)
        for number, target in enumerate(TARGETS):
            find = partial(
                scored.find,
                name_run(kind, streams, key),
                key,
                protocol=protocol,
                target=target,
                level=measure[0],
                metric=measure[1],
            )
            yield Bar(
                place=place + (number - 0.5) * _BAR,
                protocol=protocol,
                measure=measure,
                streams=streams,
                learner=learner,
                target=target,
                cell=find(learner=learner),
                priors=tuple(find(learner=prior) for prior in PRIOR_LINES),
                published=find_this_work(key, PER).of(target) if is_printed else None,
            )


def _list_groups() -> Iterator[tuple[float, str, str]]:
    """Yield place, learner and stream set of every group of bars."""
    place = 0.5
    for _, learner, sets in BLOCKS:
        for streams in sets:
            yield place, learner, streams
            place += 1
        place += 0.5


def tabulate_bars(bars: Sequence[Bar]) -> pd.DataFrame:
    """Return the numbers behind the figure."""
    return pd.DataFrame(
        [
            {
                "protocol": bar.protocol,
                "level": bar.measure[0],
                "metric": bar.measure[1],
                "streams": bar.streams,
                "learner": bar.learner,
                "target": bar.target,
                "percent": bar.cell.percent,
                "ci_low": bar.cell.low,
                "ci_high": bar.cell.high,
                **{
                    name: cell.percent
                    for name, cell in zip(PRIOR_LINES, bar.priors, strict=True)
                },
                "published": bar.published,
                "leaks": bar.cell.leaks,
                "why": bar.cell.why,
            }
            for bar in bars
        ]
    )


def plot_fusion_bars(bars: Sequence[Bar], key: str) -> Plot:
    """Plot all panels of a data set."""
    height = _TOP + len(PANELS) * (_HEIGHT + _GAP) - _GAP + 0.52
    sheet = Sheet(plotting.PAGE_IN, height)
    places = [place for place, *_ in _list_groups()]
    right = max(places) + 0.5
    sheet.write(0.04, 0.04, DATASETS[key], weight="bold")
    _write_blocks(sheet, right)
    _write_legend(sheet)
    for number, (protocol, _, measure) in enumerate(PANELS):
        top = _TOP + number * (_HEIGHT + _GAP)
        axes = sheet.add_axes(_LEFT, top, _WIDTH, _HEIGHT)
        mine = [b for b in bars if (b.protocol, b.measure) == (protocol, measure)]
        _write_panel(sheet, top, protocol, measure, mine)
        for bar in mine:
            _plot_bar(axes, bar)
        axes.set(xlim=(0, right), ylim=(0, 100), yticks=[0, 25, 50, 75, 100])
        axes.axhline(50, color=plotting.PALE, lw=0.6, zorder=0)
        axes.set_ylabel("accuracy (%)" if measure == SEGMENT else "balanced (%)")
        axes.set_xticks(places, [])
        axes.tick_params(axis="x", length=0)
    axes.set_xticks(places, [_shorten(streams) for *_, streams in _list_groups()])
    name = DATASETS[key]
    return sheet.finish(
        f"fig2-{key}",
        f"Fig. 2 for {name}: valence and arousal by stream set and fusion, under the "
        "published and the honest protocol",
        tabulate_bars(bars),
    )


def _shorten(streams: str) -> str:
    words = [_SHORT.get(word, word) for word in streams.split("+")]
    return "+\n".join(words)


def _write_blocks(sheet: Sheet, right: float) -> None:
    """Write what groups of bars have in common, above the uppermost panel."""
    start = 0.0
    for head, _, sets in BLOCKS:
        middle = _LEFT + _WIDTH * (start + len(sets) / 2) / right
        sheet.write(middle, _TOP - 0.22, head, ha="center", va="bottom", weight="bold")
        start += len(sets) + 0.5


def _write_panel(
    sheet: Sheet,
    top: float,
    protocol: str,
    measure: tuple[str, str],
    bars: Sequence[Bar],
) -> None:
    declared = PROTOCOLS[protocol].leaks
    leaks = ", ".join(declared) or "none"
    found = (leak for bar in bars for leak in bar.cell.leaks.split("+"))
    others = [leak for leak in dict.fromkeys(found) if leak not in ("", "none")]
    if not declared and others:
        leaks += f" (hatched: {', '.join(others)})"
    level = "accuracy of segments"
    if measure == TRIAL:
        level = "balanced accuracy of whole trials, 50 is chance"
    sheet.write(
        _LEFT,
        top - 0.05,
        f"{protocol}: {level}; leaks: {leaks}",
        color="#a84300" if declared else plotting.BLACK,
        va="bottom",
        weight="bold",
    )


def _plot_bar(axes: Axes, bar: Bar) -> None:
    if bar.cell.why:
        axes.text(bar.place, 2, DASH, ha="center", va="bottom")
    else:
        _plot_score(axes, bar)
    for dash, prior in zip(PRIOR_LINES.values(), bar.priors, strict=True):
        if not prior.why:
            axes.plot(
                [bar.place - _BAR / 2, bar.place + _BAR / 2],
                [prior.percent] * 2,
                color=plotting.BLACK,
                linestyle=dash,
                linewidth=1.3,
                solid_capstyle="butt",
                zorder=4,
            )
    if bar.published is not None:
        _plot_published(axes, bar.place, bar.published)


def _plot_score(axes: Axes, bar: Bar) -> None:
    leaks = bar.cell.leaks not in ("", "none")
    axes.bar(
        bar.place,
        bar.cell.percent,
        width=0.92 * _BAR,
        color=_COLORS[bar.target],
        alpha=0.75,
        hatch=HATCH if leaks else "",
        edgecolor="white",
        linewidth=0,
        zorder=2,
    )
    if np.isfinite(bar.cell.low):
        axes.plot(
            [bar.place] * 2,
            [bar.cell.low, bar.cell.high],
            color=plotting.BLACK,
            linewidth=0.9,
            zorder=5,
        )


def _plot_published(axes: Axes, place: float, percent: float) -> None:
    axes.scatter(
        place,
        percent,
        s=24,
        marker="D",
        facecolor="white",
        edgecolor=plotting.BLACK,
        linewidth=1,
        zorder=6,
        clip_on=False,
    )


def _write_legend(sheet: Sheet) -> None:
    handles: list[Line2D | Patch] = [
        Patch(facecolor=color, alpha=0.75, label=target)
        for target, color in _COLORS.items()
    ]
    handles.append(
        Patch(facecolor=plotting.GREY, hatch=HATCH, edgecolor="white", label="leaks")
    )
    handles.append(
        Line2D(
            [],
            [],
            linestyle="",
            marker="D",
            markersize=4.5,
            markerfacecolor="white",
            markeredgecolor=plotting.BLACK,
            label="published (Table 2)",
        )
    )
    handles += [
        Line2D([], [], color=plotting.BLACK, linestyle=dash, linewidth=1.3, label=name)
        for name, dash in PRIOR_LINES.items()
    ]
    handles.append(
        Line2D([], [], color=plotting.BLACK, linewidth=0.9, label="95 % interval")
    )
    add_legend(sheet, handles, top=0.06, ncols=4, left=_LEFT + 0.9)
