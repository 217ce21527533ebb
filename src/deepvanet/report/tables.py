"""The tables of a page, as plain values: headline, scores, leaks, counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from deepvanet.metrics import LEVELS, METRICS
from deepvanet.report.studies import NO_LEAK, Part, Study
from deepvanet.schema import PRIORS

PUBLISHED = ("paper", "paper-pooled", "reference")
HONEST = ("trial", "trial-pooled", "subject", "subject-stimulus")
"""Protocols of the headline: of each kind, the first that was run."""

MOST_OPEN_ROWS = 40


@dataclass(frozen=True)
class Value:
    """A metric over the subjects for whom it is defined; NaN where there is none."""

    n_subjects: int
    mean: float
    sd: float
    ci_low: float
    ci_high: float
    p_value: float


@dataclass(frozen=True)
class ScoreRow:
    """One learner on one stream set under one protocol."""

    part: Part
    values: Mapping[str, Value]
    leaks: str
    shares: str

    @property
    def is_prior(self) -> bool:
        """Whether the learner sees no signal."""
        return self.part.learner in PRIORS

    @property
    def has_one_class(self) -> bool:
        """Whether some subject's labels are all equal."""
        both = self.values["balanced_accuracy"].n_subjects
        return both < self.values["accuracy"].n_subjects

    @property
    def is_leaking(self) -> bool:
        """Whether test rows, or what marks them, were trained on."""
        return self.leaks != NO_LEAK


@dataclass(frozen=True)
class ScoreTable:
    """The scores of one target at one level, in groups by protocol."""

    target: str
    level: str
    groups: Mapping[str, Sequence[ScoreRow]]

    @property
    def is_short(self) -> bool:
        """Whether it may stand open beside a table of the other level."""
        return sum(map(len, self.groups.values())) <= MOST_OPEN_ROWS


@dataclass(frozen=True)
class Card:
    """One side of the headline.

    Attributes
    ----------
    level, metric : str
        Of the big number.
    row : ScoreRow
        Of the learner, at that level.
    measures : sequence of (str, str)
        Levels and metrics that both sides show, so that like meets like.
    lines : mapping
        For the learner and each prior, the mean of every measure.
    """

    protocol: str
    level: str
    metric: str
    row: ScoreRow
    measures: Sequence[tuple[str, str]]
    lines: Mapping[str, Sequence[float]]

    @property
    def value(self) -> Value:
        """The big number."""
        return self.row.values[self.metric]


@dataclass(frozen=True)
class Pair:
    """The published protocol and the honest one, for one target."""

    target: str
    streams: str
    learner: str
    published: Card | None
    honest: Card | None


def list_rows(study: Study, level: str) -> dict[Part, ScoreRow]:
    """Return the scores of every part at one level, in the order of the page."""
    scores = study.scores[study.scores["level"] == level]
    found = {
        Part(*map(str, key)): _make_row(Part(*map(str, key)), rows)
        for key, rows in scores.groupby(list(Part._fields), sort=False)
    }
    return {part: found[part] for part in study.parts if part in found}


def _make_row(part: Part, rows: pd.DataFrame) -> ScoreRow:
    values = {
        metric: Value(int(n_subjects), *map(float, numbers))
        for metric, n_subjects, *numbers in rows[
            ["metric", "n_subjects", "mean", "sd", "ci_low", "ci_high", "p_value"]
        ].itertuples(index=False, name=None)
    }
    first = rows.iloc[0]
    return ScoreRow(
        part,
        {metric: values[metric] for metric in METRICS},
        str(first["leaks"]),
        str(first["shares"]),
    )


def list_score_tables(study: Study) -> list[ScoreTable]:
    """Return a table for each target and level, trials first."""
    tables = []
    for target in study.targets:
        for level in reversed(LEVELS):
            rows = [
                row
                for row in list_rows(study, level).values()
                if row.part.target == target
            ]
            groups = {
                protocol: [row for row in rows if row.part.protocol == protocol]
                for protocol in study.protocols
            }
            tables.append(
                ScoreTable(target, level, {k: v for k, v in groups.items() if v})
            )
    return tables


def list_pairs(study: Study) -> list[Pair]:
    """Return the headline: for each target, two protocols side by side."""
    rows = {level: list_rows(study, level) for level in LEVELS}
    pairs = [_make_pair(study, target, rows) for target in study.targets]
    return [pair for pair in pairs if pair.published or pair.honest]


_MEASURES = (("segment", "accuracy"), ("trial", "balanced_accuracy"))
"""What both sides of the headline show, so that like meets like."""

_Rows = Mapping[str, Mapping[Part, ScoreRow]]


def _make_pair(study: Study, target: str, rows: _Rows) -> Pair:
    """Compare on the richest stream set that both protocols were run on."""
    published = _first(PUBLISHED, study.protocols)
    honest = _first(HONEST, study.protocols)
    learner = study.learners[0]
    held = {
        protocol: [
            part.streams
            for part in study.parts
            if (part.protocol, part.target, part.learner) == (protocol, target, learner)
        ]
        for protocol in (published, honest)
    }
    both = [name for name in held[published] if name in held[honest]]
    streams = (both or held[published] or held[honest] or [""])[-1]
    sides = [
        _make_card(Part(protocol, target, streams, learner), rows, *measure)
        for protocol, measure in zip((published, honest), _MEASURES, strict=True)
    ]
    return Pair(target, streams, learner, *sides)


def _first(wanted: Sequence[str], there: Sequence[str]) -> str:
    return next((name for name in wanted if name in there), "")


def _make_card(part: Part, rows: _Rows, level: str, metric: str) -> Card | None:
    if part not in rows[level]:
        return None
    lines = {
        learner: [rows[at][own].values[of].mean for at, of in _MEASURES]
        for learner in dict.fromkeys((part.learner, *PRIORS))
        if (own := part._replace(learner=learner)) in rows[level]
    }
    row = rows[level][part]
    return Card(part.protocol, level, metric, row, _MEASURES, lines)


CLEARLY_ABOVE_CHANCE = 0.55
"""Mean balanced accuracy of segments from which it is said that a control scores."""


def describe_controls(study: Study) -> list[str]:
    """Say under which protocols a control scores, a sentence each."""
    rows = study.controls
    rows = rows[
        (rows["level"] == "segment")
        & (rows["metric"] == "balanced_accuracy")
        & ~rows["learner"].isin(PRIORS)
    ]
    said = []
    for control, mine in rows.groupby("control", sort=False):
        best = mine.groupby("protocol")["mean"].max()
        scoring = [p for p in study.protocols if best.get(p, 0) > CLEARLY_ABOVE_CHANCE]
        others = [p for p in study.protocols if p in best.index and p not in scoring]
        name = {"shuffled-labels": "Shuffled labels", "noise": "Noise"}[str(control)]
        parts = [f"up to {best[p]:.2f} under “{p}”" for p in scoring]
        if others:
            parts.append(f"no more than {max(best[p] for p in others):.2f} elsewhere")
        verb = "score" if name.endswith("s") else "scores"
        said.append(f"{name} {verb} {', '.join(parts)}.")
    return said
