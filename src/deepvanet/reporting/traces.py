"""The figure of cleaning: spectra, components by class, seconds of the signals."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from deepvanet.findings import say_count
from deepvanet.protocols import columns_of
from deepvanet.reporting import plotting
from deepvanet.reporting.cleaning import CLASSES, is_telling, list_classes
from deepvanet.reporting.panels import add_legend
from deepvanet.reporting.plotting import Plot, Sheet, make_file_name, shorten_name
from deepvanet.reporting.studies import Study, order_names
from deepvanet.results import CleaningExcerpt

_BEFORE, _AFTER = plotting.VERMILION, plotting.BLUE
_SPECTRA: Sequence[tuple[str, str, str, tuple[float, Sequence[float]]]] = (
    ("before_db", "raw", _BEFORE, (0, (3, 1.5))),
    ("after_db", "cleaned", _AFTER, (0, ())),
)
_TOP_IN, _BOTTOM_IN = 0.58, 0.44
_LEFT_IN, _MIDDLE_IN, _PANEL_IN = 0.7, 3.98, 2.5
_SPECTRA_IN, _GAP_IN, _LANE_IN = 2.1, 0.52, 0.2
_BELOW_RAW_DB = 15.0  # filters leave next to nothing beyond their band: cut off
_LONGEST_NAME = 7


def plot_cleaning(study: Study) -> list[Plot]:
    """Plot what cleaning took from raw recordings, and what it left of one.

    No figure where nothing was cleaned or noted, or the run has no spectra or no
    signals to show.
    """
    excerpt = study.excerpt
    if not is_telling(study.recordings):
        return []
    if excerpt is None or not excerpt.before.size or not len(study.spectra):
        return []
    counts = {row.name: row.n_removed for row in list_classes(study.recordings)}
    classes = order_names([*CLASSES, *counts], CLASSES)
    bars = _TOP_IN + _SPECTRA_IN + _GAP_IN
    end = bars + _LANE_IN * len(classes)
    sheet = Sheet(plotting.PAGE_IN, end + _BOTTOM_IN)
    _plot_spectra(sheet, study.spectra)
    _plot_counts(
        sheet.add_axes(_LEFT_IN, bars, _PANEL_IN, end - bars),
        {name: counts.get(name, 0) for name in classes},
        int(study.recordings["n_components"].sum()),
    )
    _plot_excerpt(sheet, excerpt, height=end - _TOP_IN)
    made = sheet.finish(
        make_file_name("cleaning", "recordings"),
        "Spectra of raw and of cleaned EEG; components removed, by class; seconds of "
        f"recording {excerpt.subject} {excerpt.recording} before and after",
        study.spectra,
    )
    return [made]


def _plot_spectra(sheet: Sheet, spectra: pd.DataFrame) -> None:
    """Plot the median over recordings, and the band of their quartiles."""
    n_recordings = len(spectra[columns_of("recording")].drop_duplicates())
    said = say_count(n_recordings, "recording")
    sheet.write(0.04, 0.03, f"spectra of {said}", weight="bold")
    axes = sheet.add_axes(_LEFT_IN, _TOP_IN, _PANEL_IN, _SPECTRA_IN)
    by_frequency = spectra.groupby("frequency_hz")
    handles = []
    for column, name, color, dash in _SPECTRA:
        low, middle, high = (
            by_frequency[column].quantile(q) for q in (0.25, 0.5, 0.75)
        )
        axes.fill_between(middle.index, low, high, color=color, alpha=0.22, lw=0)
        axes.plot(middle.index, middle, color=color, linestyle=dash, linewidth=1.5)
        handles.append(
            Line2D([], [], color=color, linestyle=dash, linewidth=1.5, label=name)
        )
        if column == "before_db":
            axes.set_ylim(*_choose_limits(low.to_numpy(), high.to_numpy()))
    add_legend(sheet, handles, top=0.21, ncols=2)
    axes.set_xlim(0, spectra["frequency_hz"].max())
    axes.set_xlabel("frequency (Hz)", labelpad=1)
    axes.set_ylabel("power density\n(dB re 1 µV²/Hz)", labelpad=2)


def _choose_limits(
    low: Float[np.ndarray, " frequency"], high: Float[np.ndarray, " frequency"]
) -> tuple[float, float]:
    held = np.concatenate([low, high])
    held = held[np.isfinite(held)]
    if not len(held):
        return 0.0, 1.0
    return float(held.min()) - _BELOW_RAW_DB, float(held.max()) + 2.0


def _plot_counts(axes: Axes, counts: dict[str, int], n_components: int) -> None:
    places = np.arange(len(counts))
    numbers = np.array(list(counts.values()), dtype=float)
    axes.barh(places, numbers, height=0.66, color=plotting.BLUE, linewidth=0)
    for place, number in zip(places, counts.values(), strict=True):
        axes.annotate(
            f"{number}",
            (number, place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set(xlim=(0, 1.15 * max(numbers.max(), 1)), ylim=(len(counts) - 0.5, -0.5))
    axes.set_yticks(places, [shorten_name(name, 9) for name in counts])
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlabel(f"components removed (of {n_components:,})", labelpad=1)


def _plot_excerpt(sheet: Sheet, excerpt: CleaningExcerpt, *, height: float) -> None:
    """Plot channels one below the other, before behind after."""
    subject, recording = (
        shorten_name(excerpt.subject, 10),
        shorten_name(excerpt.recording),
    )
    sheet.write(
        _MIDDLE_IN - 0.5,
        0.03,
        f"subject {subject}, recording {recording}",
        weight="bold",
    )
    handles = [
        Line2D([], [], color=_BEFORE, alpha=0.5, linewidth=2.0, label="filtered only"),
        Line2D([], [], color=_AFTER, linewidth=0.7, label="cleaned"),
    ]
    add_legend(sheet, handles, top=0.21, ncols=2, left=_MIDDLE_IN - 0.5)
    axes = sheet.add_axes(_MIDDLE_IN, _TOP_IN, _PANEL_IN, height)
    step = _choose_step(excerpt)
    places = -step * np.arange(len(excerpt.channels))
    time_s = excerpt.start_s + np.arange(excerpt.before.shape[1]) / excerpt.sfreq
    for signals, color, alpha, width in (
        (excerpt.before, _BEFORE, 0.5, 1.4),
        (excerpt.after, _AFTER, 1.0, 0.6),
    ):
        lines = (signals - np.median(signals, axis=1, keepdims=True)).T + places
        axes.plot(time_s, lines, color=color, alpha=alpha, linewidth=width)
    end_s = excerpt.start_s + excerpt.before.shape[1] / excerpt.sfreq
    highest = float((excerpt.before - np.median(excerpt.before[0]))[0].max())
    above = min(max(0.8 * step, highest), 2 * step)
    axes.set(xlim=(excerpt.start_s, end_s), ylim=(places[-1] - 0.8 * step, above))
    axes.set_yticks(
        places, [shorten_name(name, _LONGEST_NAME) for name in excerpt.channels]
    )
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("time in the recording (s)", labelpad=1)
    _plot_scale(axes, step)


def _choose_step(excerpt: CleaningExcerpt) -> float:
    """Return the distance of two channels, in microvolts.

    Peaks of the widest may reach its neighbours, so that the others can be seen.
    """
    low, high = np.quantile(excerpt.before, [0.01, 0.99], axis=1)
    widths = high - low
    step = max(1.5 * float(np.median(widths)), 0.6 * float(widths.max()))
    return step if step > 0 else 1.0


def _plot_scale(axes: Axes, step: float) -> None:
    """Plot a bar of a round number of microvolts at the right."""
    power = 10.0 ** np.floor(np.log10(step))
    bar = max(part * power for part in (0.5, 1, 2, 5) if part * power <= step)
    across = axes.get_yaxis_transform()
    bottom = axes.get_ylim()[0]
    axes.plot(
        [1.03, 1.03],
        [bottom, bottom + bar],
        color=plotting.BLACK,
        linewidth=1.5,
        solid_capstyle="butt",
        transform=across,
        clip_on=False,
    )
    axes.text(1.05, bottom + bar / 2, f"{bar:g} µV", va="center", transform=across)
