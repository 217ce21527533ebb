"""One network under two baselines and two protocols: the leak, by itself.

The mean waveform of a trial's rest, subtracted from each of its seconds, is the same in
all of them: where seconds of a trial are on both sides, it shows which trial it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from deepvanet.learners import LEARNERS
from deepvanet.learners.published_systems import SYSTEMS
from deepvanet.protocols import PROTOCOLS, name_prior
from deepvanet.reporting import plotting
from deepvanet.reporting.panels import HATCH, add_legend
from deepvanet.reporting.plotting import Plot, Sheet
from deepvanet.reproduction.given import StoreOfPaper
from deepvanet.reproduction.plans import RunPlan, Size
from deepvanet.reproduction.published import DATASETS
from deepvanet.reproduction.scores import DASH, Cell, RunScores
from deepvanet.reproduction.systems import ABSENT, AUTHORS, make_plan, settle_system
from deepvanet.reproduction.table2 import TARGETS, Notes, spell_pair

LEARNER = "yang2018"
BASELINES: tuple[Literal["waveform", "none"], ...] = ("waveform", "none")
SQUARE_PROTOCOLS = ("paper", "trial")

_COLORS = {"waveform": plotting.VERMILION, "none": plotting.BLUE}
_SHAPES = {"waveform": "o", "none": "s"}


@dataclass(frozen=True)
class SquareRun:
    """One of the four.

    Attributes
    ----------
    plan : RunPlan | None
        None where the learner is not installed.
    """

    key: str
    baseline: str
    protocol: str
    plan: RunPlan | None

    @property
    def prior(self) -> str:
        """The prior that knows what training and test share."""
        facts = PROTOCOLS[self.protocol]
        return facts.prior or name_prior(facts.shares)


@dataclass(frozen=True)
class SquareScore:
    """Accuracy of segments, of each target, and that of the prior."""

    run: SquareRun
    cells: tuple[Cell, ...]
    priors: tuple[Cell, ...]


def plan_square(
    given: StoreOfPaper, made: Sequence[RunPlan], *, size: Size, seed: int
) -> list[SquareRun]:
    """List the four runs of a store; one that is planned already is taken.

    Parameters
    ----------
    given : StoreOfPaper
        The store.
    made : sequence of RunPlan
        What other tables need.
    size : Size
        How much of the experiments is run.
    seed : int
        Of folds and fits.

    Returns
    -------
    list of SquareRun
        By baseline, then protocol.
    """
    record = SYSTEMS[LEARNER]
    there = {(p.given.key, p.settings): p for p in made}
    usual = settle_system(record, given, AUTHORS, size, seed)
    runs = []
    for baseline in BASELINES:
        for protocol in SQUARE_PROTOCOLS:
            plan = None
            if LEARNER in LEARNERS:
                settings = replace(usual, protocols=(protocol,), baseline=baseline)
                name = f"{LEARNER}-{protocol}-{baseline}-{given.key}"
                plan = there.get((given.key, settings)) or make_plan(
                    name, given, settings
                )
            runs.append(SquareRun(given.key, baseline, protocol, plan))
    return runs


def score_square(runs: Sequence[SquareRun], scored: RunScores) -> list[SquareScore]:
    """Return the four scores, or why there are none."""
    return [
        SquareScore(
            run,
            tuple(_find(run, scored, target, LEARNER) for target in TARGETS),
            tuple(_find(run, scored, target, run.prior) for target in TARGETS),
        )
        for run in runs
    ]


def _find(run: SquareRun, scored: RunScores, target: str, learner: str) -> Cell:
    if run.plan is None:
        return Cell(why=ABSENT)
    return scored.find(
        run.plan.name,
        run.key,
        protocol=run.protocol,
        target=target,
        learner=learner,
        level="segment",
        metric="accuracy",
    )


def tabulate_square(scores: Sequence[SquareScore]) -> pd.DataFrame:
    """Return the numbers of table and figure."""
    return pd.DataFrame(
        [
            {
                "data": DATASETS[score.run.key],
                "system": LEARNER,
                "target": target,
                "baseline": score.run.baseline,
                "protocol": score.run.protocol,
                "percent": cell.percent,
                "ci_low": cell.low,
                "ci_high": cell.high,
                "prior": score.run.prior,
                "prior_percent": prior.percent,
                "n_subjects": cell.n_subjects,
                "leaks": cell.leaks,
                "why": cell.why,
            }
            for score in scores
            for target, cell, prior in zip(
                TARGETS, score.cells, score.priors, strict=True
            )
        ]
    )


def spell_corner(score: SquareScore, notes: Notes) -> list[str]:
    """Return the lines of one of the four cells."""
    reasons = dict.fromkeys(cell.why for cell in score.cells if cell.why)
    letters = f" ({', '.join(map(notes.mark, reasons))})" if reasons else ""
    if all(cell.why for cell in score.cells):
        return [f"{DASH}{letters}"]
    return [
        spell_pair(score.cells) + letters,
        f"{score.run.prior} {spell_pair(score.priors)}",
    ]


def write_square(stores: Sequence[Sequence[SquareScore]]) -> str:
    """Return the table of each store in Markdown."""
    notes = Notes()
    heads = [
        f"`{name}`<br>leaks: {', '.join(PROTOCOLS[name].leaks) or 'none'}"
        for name in SQUARE_PROTOCOLS
    ]
    lines = [
        f"# `{LEARNER}`: what the waveform of the rest gives away",
        "",
        "Accuracy of segments, valence/arousal, in per cent, and the protocol's prior.",
        "",
        f"| Data | Baseline | {' | '.join(heads)} |",
        "|---|---|---|---|",
    ]
    for scores in stores:
        for baseline in BASELINES:
            cells = [
                "<br>".join(spell_corner(score, notes))
                for score in scores
                if score.run.baseline == baseline
            ]
            data = DATASETS[scores[0].run.key]
            lines.append(f"| {data} | `{baseline}` | {' | '.join(cells)} |")
    lines += ["", *(f"({letter}) {why}  " for why, letter in notes.letters.items())]
    return "\n".join(lines) + "\n"


def plot_square(scores: Sequence[SquareScore], key: str) -> Plot:
    """Plot a line for each baseline, from the published to the honest protocol."""
    sheet = Sheet(4.55, 3.0)
    head = f"{DATASETS[key]}, {LEARNER}: accuracy of seconds"
    sheet.write(0.04, 0.04, head, weight="bold")
    handles = [
        Line2D(
            [],
            [],
            color=_COLORS[name],
            marker=_SHAPES[name],
            ms=5,
            lw=1.6,
            label=f"baseline {name}",
        )
        for name in BASELINES
    ]
    handles.append(
        Line2D([], [], color=plotting.BLACK, ls=(0, (1, 1)), lw=1.3, label="prior")
    )
    add_legend(sheet, handles, top=0.24, ncols=3)
    for number, target in enumerate(TARGETS):
        axes = sheet.add_axes(0.56 + number * 2.02, 0.78, 1.84, 1.62)
        _plot_target(axes, scores, number)
        axes.set_title(target, pad=4)
        if number:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel("accuracy (%)")
    return sheet.finish(
        f"baselines-{key}",
        f"{DATASETS[key]}: {LEARNER} with the waveform of the rest subtracted and "
        "without, seconds shuffled and whole trials held out",
        tabulate_square(scores),
    )


def _plot_target(axes: Axes, scores: Sequence[SquareScore], number: int) -> None:
    places: Mapping[str, int] = {p: i for i, p in enumerate(SQUARE_PROTOCOLS)}
    axes.axvspan(-0.5, 0.5, fc="none", ec=plotting.PALE, hatch=HATCH, lw=0, zorder=0)
    known = []
    for baseline in BASELINES:
        mine = [s for s in scores if s.run.baseline == baseline]
        x = [places[s.run.protocol] for s in mine]
        y = [s.cells[number].percent for s in mine]
        known += y
        color, shape = _COLORS[baseline], _SHAPES[baseline]
        axes.plot(x, y, color=color, marker=shape, ms=5, lw=1.6, zorder=4)
    for score in scores:
        place, prior = places[score.run.protocol], score.priors[number].percent
        known.append(prior)
        axes.plot(
            [place - 0.3, place + 0.3],
            [prior] * 2,
            color=plotting.BLACK,
            ls=(0, (1, 1)),
            lw=1.3,
            zorder=3,
        )
    reasons = dict.fromkeys(s.cells[number].why for s in scores if s.cells[number].why)
    if reasons and not np.isfinite(known).any():
        axes.text(0.5, 70, DASH, ha="center", va="center")
    lowest = min([40.0, *(10 * (v // 10) for v in known if np.isfinite(v))])
    axes.set(xlim=(-0.5, 1.5), ylim=(lowest, 101))
    leaks = [", ".join(PROTOCOLS[p].leaks) or "none" for p in SQUARE_PROTOCOLS]
    names = [
        f"{protocol}\nleaks: {leak}"
        for protocol, leak in zip(SQUARE_PROTOCOLS, leaks, strict=True)
    ]
    axes.set_xticks([0, 1], names)
    axes.tick_params(axis="x", length=0)
