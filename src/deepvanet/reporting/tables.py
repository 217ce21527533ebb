"""The tables of a page, as plain values: headline, scores, leaks, counts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from deepvanet.gap import LEVEL, Gap, name_metric
from deepvanet.metrics import SKILL
from deepvanet.protocols import PROTOCOLS
from deepvanet.reporting.facts import list_facts
from deepvanet.reporting.studies import NO_LEAK, Study
from deepvanet.reporting.wording import Wording
from deepvanet.schema import KEY_COLUMNS, PRIORS, TRAINED_WITH, ScoreKey


@dataclass(frozen=True)
class Value:
    """A metric over the subjects for whom it is defined; NaN where there is none."""

    n_subjects: int
    mean: float
    sd: float
    ci_low: float
    ci_high: float
    p_value: float
    p_kind: str
    p_corrected: float
    n_tests: float


@dataclass(frozen=True)
class ScoreRow:
    """One learner on one stream set under one protocol.

    Attributes
    ----------
    headline : str
        The metric that stands for the others.
    n_train : float
        Training rows of a fold, as a median over folds.
    trained_with : str
        The other targets that the same fit answers, if there are any.
    """

    part: ScoreKey
    values: Mapping[str, Value]
    headline: str
    n_train: float
    leaks: str
    shares: str
    trained_with: str = ""

    @property
    def value(self) -> Value:
        """The headline."""
        return self.values[self.headline]

    @property
    def n_subjects(self) -> int:
        """Subjects, those without a headline among them."""
        return max(value.n_subjects for value in self.values.values())

    def find_pooled(self, metric: str) -> Value | None:
        """Return the same metric over all trials of all subjects, if there is one."""
        return self.values.get(f"pooled_{metric}")

    @property
    def is_prior(self) -> bool:
        """Whether the learner sees no signal."""
        return self.part.learner in PRIORS

    @property
    def is_leaking(self) -> bool:
        """Whether test rows, or what marks them, were trained on."""
        return self.leaks != NO_LEAK


@dataclass(frozen=True)
class ShownRow:
    """A row of a table: scores that one or, of a prior, several stream sets have.

    Attributes
    ----------
    streams : sequence of str
        Whose rows have these scores.
    is_of_all : bool
        Whether these are all stream sets of the protocol.
    """

    row: ScoreRow
    streams: Sequence[str]
    is_of_all: bool = False

    @property
    def said(self) -> str:
        """What stands in the column of stream sets."""
        if not self.row.is_prior:
            return self.streams[0]
        return "none" if self.is_of_all else f"none; rows of {', '.join(self.streams)}"


@dataclass(frozen=True)
class ScoreTable:
    """The scores of one target at one level, in groups by protocol.

    Attributes
    ----------
    groups : mapping
        Rows of learners, and then the priors: each once, unless stream sets have other
        subjects or trials.
    """

    target: str
    level: str
    groups: Mapping[str, Sequence[ShownRow]]


@dataclass(frozen=True)
class Card:
    """One side of the headline: its metric, at the level of ``gap.LEVEL``.

    Attributes
    ----------
    row : ScoreRow
        Of the learner, over trials.
    facts : sequence of (str, str)
        How the number came about: split, recipe, folds, epochs, training rows.
    lines : mapping
        For the learner and each prior, its score.
    prior : str
        The prior that knows what training and test share; empty where the protocol
        has none.
    """

    protocol: str
    row: ScoreRow
    facts: Sequence[tuple[str, str]]
    lines: Mapping[str, float]
    prior: str

    @property
    def value(self) -> Value:
        """The big number."""
        return self.row.value


@dataclass(frozen=True)
class Pair:
    """The published protocol and the honest one, for one target."""

    target: str
    streams: str
    learner: str
    published: Card | None
    honest: Card | None
    gap: Gap | None


def list_score_rows(study: Study, level: str) -> dict[ScoreKey, ScoreRow]:
    """Return the scores of every part at one level, in the order of the page."""
    scores = study.scores[study.scores["level"] == level]
    found = {
        ScoreKey(*map(str, key)): _make_row(
            ScoreKey(*map(str, key)), rows, study.form.headline
        )
        for key, rows in scores.groupby(list(KEY_COLUMNS), sort=False)
    }
    return {part: found[part] for part in study.parts if part in found}


_VALUE = (
    *("n_subjects", "mean", "sd", "ci_low", "ci_high"),
    *("p_value", "p_kind", "p_corrected", "n_tests"),
)


def _make_row(part: ScoreKey, rows: pd.DataFrame, headline: str) -> ScoreRow:
    by_metric = {
        str(row["metric"]): {name: row[name] for name in _VALUE}
        for row in rows.to_dict("records")
    }
    first = rows.iloc[0]
    return ScoreRow(
        part,
        {metric: Value(**values) for metric, values in by_metric.items()},
        headline,
        float(first["n_train"]),
        str(first["leaks"]),
        str(first["shares"]),
        str(first.get(TRAINED_WITH, "")),
    )


def list_score_tables(study: Study) -> list[ScoreTable]:
    """Return a table for each target and level, trials first."""
    tables = []
    for target in study.targets:
        for level in reversed(study.form.levels):
            rows = [
                row
                for row in list_score_rows(study, level).values()
                if row.part.target == target
            ]
            groups = {
                protocol: _show_rows(
                    [row for row in rows if row.part.protocol == protocol]
                )
                for protocol in study.protocols
            }
            tables.append(
                ScoreTable(target, level, {k: v for k, v in groups.items() if v})
            )
    return tables


def _show_rows(rows: Sequence[ScoreRow]) -> list[ShownRow]:
    """Return learners one by one, and then priors, those that coincide in one row."""
    streams = dict.fromkeys(row.part.streams for row in rows)
    alike: dict[tuple[int, str, str], list[ScoreRow]] = {}
    for row in rows:
        if row.is_prior:
            numbers = repr((row.values, row.leaks, row.shares))
            learner = row.part.learner
            alike.setdefault((PRIORS.index(learner), learner, numbers), []).append(row)
    shown = [ShownRow(row, [row.part.streams]) for row in rows if not row.is_prior]
    for _, held in sorted(alike.items(), key=lambda item: item[0][0]):
        names = [row.part.streams for row in held]
        shown.append(ShownRow(held[0], names, len(names) == len(streams)))
    return shown


def list_pairs(study: Study) -> list[Pair]:
    """Return the headline: for each target, two protocols side by side."""
    rows = list_score_rows(study, LEVEL)
    pairs = [_make_pair(study, target, rows) for target in study.targets]
    return [pair for pair in pairs if pair.published or pair.honest]


_Rows = Mapping[ScoreKey, ScoreRow]


def _make_pair(study: Study, target: str, rows: _Rows) -> Pair:
    """Compare on the richest stream set that both protocols were run on."""
    published, honest = find_headline(study.protocols)
    learner = list_asked(study)[0]
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
    cards = {
        protocol: _make_card(study, ScoreKey(protocol, target, streams, learner), rows)
        for protocol in (published, honest)
    }
    return Pair(
        target,
        streams,
        learner,
        cards[published],
        cards[honest],
        _find_gap(study, (published, honest), (target, streams, learner)),
    )


def list_asked(study: Study) -> list[str]:
    """Return the learners, those first that the run names first."""
    named = [str(name) for name in study.settings["evaluate"]["learners"]]
    first = [name for name in named if name in study.learners]
    return list(dict.fromkeys([*first, *study.learners]))


def find_asked(study: Study, parts: Sequence[ScoreKey]) -> ScoreKey:
    """Return the part that was asked for: the first learner, the fullest stream set.

    Parameters
    ----------
    study : Study
        Knows the order of learners and stream sets.
    parts : sequence of ScoreKey
        Of one protocol and target.

    Returns
    -------
    ScoreKey
        One of them.
    """
    learners = list_asked(study)

    def rank(part: ScoreKey) -> tuple[int, int]:
        return learners.index(part.learner), -study.streams.index(part.streams)

    return min(parts, key=rank)


def find_headline(there: Collection[str]) -> tuple[str, str]:
    """Return the first published and the first honest protocol; blank without one.

    Examples
    --------
    >>> find_headline(["trial-matched", "subject", "trial"])
    ('', 'trial')
    """
    published, honest = (
        next(
            (p.name for p in PROTOCOLS.values() if p.kind == k and p.name in there), ""
        )
        for k in ("published", "honest")
    )
    return published, honest


def _find_gap(
    study: Study, ends: tuple[str, str], whose: tuple[str, str, str]
) -> Gap | None:
    for gap in study.gaps:
        found = (gap.links[0], gap.links[-1])
        if (gap.target, gap.streams, gap.learner) == whose and found == ends:
            return gap
    return None


def _make_card(study: Study, part: ScoreKey, rows: _Rows) -> Card | None:
    if part not in rows:
        return None
    lines = {
        learner: rows[own].value.mean
        for learner in dict.fromkeys((part.learner, *PRIORS))
        if (own := part._replace(learner=learner)) in rows
    }
    return Card(
        part.protocol,
        rows[part],
        list_facts(study, part),
        lines,
        PROTOCOLS[part.protocol].prior,
    )


@dataclass(frozen=True)
class SkillRow:
    """By which share a learner misses ratings less than each prior does.

    Attributes
    ----------
    skills : mapping
        Of each prior: the share, and the ends of its interval.
    """

    part: ScoreKey
    skills: Mapping[str, tuple[float, float, float]]


def list_skills(study: Study) -> list[SkillRow]:
    """Return a row for each honest part; none where classes are predicted."""
    rows = study.over_priors[study.over_priors["metric"] == SKILL]
    found: dict[ScoreKey, dict[str, tuple[float, float, float]]] = {}
    for row in rows.to_dict("records"):
        part = ScoreKey(*(str(row[name]) for name in KEY_COLUMNS))
        found.setdefault(part, {})[str(row["prior"])] = (
            float(row["difference"]),
            float(row["ci_low"]),
            float(row["ci_high"]),
        )
    return [SkillRow(part, skills) for part, skills in found.items()]


CLEARLY_ABOVE_CHANCE = 0.05
"""By how much the headline of segments exceeds chance where it is said that a control
scores."""


def describe_controls(study: Study) -> list[str]:
    """Say under which protocols a control scores, a sentence each."""
    metric, words = study.form.headline, Wording(study.form)

    def write(score: float) -> str:
        return f"{words.write(score)}{words.unit}"

    bound = study.form.find_chance(metric) + CLEARLY_ABOVE_CHANCE
    rows = study.controls
    rows = rows[
        (rows["level"] == "segment")
        & (rows["metric"] == metric)
        & ~rows["learner"].isin(PRIORS)
    ]
    said = []
    for control, mine in rows.groupby("control", sort=False):
        best = mine.groupby("protocol")["mean"].max()
        scoring = [p for p in study.protocols if best.get(p, -1) > bound]
        others = [p for p in study.protocols if p in best.index and p not in scoring]
        name = {"shuffled-labels": "Shuffled labels", "noise": "Noise"}[str(control)]
        parts = [f"up to {write(best[p])} under “{p}”" for p in scoring]
        if others:
            parts.append(
                f"no more than {write(max(best[p] for p in others))} elsewhere"
            )
        verb = "score" if name.endswith("s") else "scores"
        said.append(
            f"{name} {verb} {', '.join(parts)} ({name_metric(metric)} of segments)."
        )
    return said
