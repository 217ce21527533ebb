"""Take the gap between a published score and an honest one apart, step by step.

A published protocol and an honest one differ in more than leakage: in how many rows a
model is trained on, and in how its epoch is chosen. Controls stand between them, each
of which differs from its neighbours in as little as can be::

    paper  ->  trial-matched  ->  trial
         leakage        choice of epoch, and random offsets if there are any

A step is the difference of two scores on the rows that all have, so steps add up to the
whole gap. Its causes are found from what the two runs really did: what they leak and
share, how many rows trained a model, whether an epoch was chosen, and whether training
segments started at random offsets. Differences of balanced accuracies are in points,
hundredths; either sign is possible.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from deepvanet import metrics
from deepvanet.protocols import PROTOCOLS, SHARES, UNITS, Protocol, columns_of
from deepvanet.schema import KEY_COLUMNS, PRIORS

LEVEL = "trial"
"""What a gap is measured by, here and in the headline of a report; the metric is the
headline of the task."""

SAME_SIZE = 0.05
"""Training parts that differ by no more than this share are of one size. A trial more
or less in a fold is less than that from 20 trials on."""

LEAKAGE = "leakage"
EPOCH = "choice of epoch"
OFFSETS = "random offsets"
SIZE = "training size"
NO_CAUSE = "choice of rows"
"""Of two protocols that differ in nothing else that is counted."""

_ROW = ["seed", *columns_of("segment")]


@dataclass(frozen=True)
class Difference:
    """A paired difference of two scores, as a fraction.

    Attributes
    ----------
    ci_low, ci_high : float
        Ends of its 95 % interval; NaN where subjects or clips are too few.
    sd_over_seeds : float
        Deviation of the difference from seed to seed; NaN of one seed.
    """

    mean: float
    ci_low: float
    ci_high: float
    sd_over_seeds: float

    @property
    def has_interval(self) -> bool:
        """Whether there are enough subjects and clips for one."""
        return bool(np.isfinite(self.ci_low))

    @property
    def is_apart_from_zero(self) -> bool:
        """Whether its interval lies on one side of zero."""
        return self.has_interval and self.ci_low * self.ci_high > 0


@dataclass(frozen=True)
class Step:
    """What lies between two neighbours.

    Attributes
    ----------
    one, other : str
        Protocols; the difference is the score of the first less that of the other.
    causes : tuple of str
        In what the two differ; several cannot be distinguished.
    """

    one: str
    other: str
    causes: tuple[str, ...]
    difference: Difference

    @property
    def cause(self) -> str:
        """The causes, joined."""
        return " and ".join(self.causes) or NO_CAUSE


@dataclass(frozen=True)
class Gap:
    """A published score, an honest one, and what lies between them.

    Attributes
    ----------
    links : tuple of str
        Protocols, from the published one to the honest one.
    means : tuple of float
        Their scores on the rows that all of them tested, as fractions.
    n_train : tuple of float
        Training rows of a fold, as a median over folds.
    whole : Difference
        Of the first and the last.
    steps : tuple of Step
        Between neighbours; their differences add up to the whole.
    is_over_people : bool
        Whether each person has one label, so that people are scored together.
    metric : str
        The headline of the task.
    """

    target: str
    streams: str
    learner: str
    links: tuple[str, ...]
    means: tuple[float, ...]
    n_train: tuple[float, ...]
    whole: Difference
    steps: tuple[Step, ...]
    n_subjects: int
    n_seeds: int
    is_over_people: bool = False
    metric: str = "balanced_accuracy"

    @property
    def is_split(self) -> bool:
        """Whether a control stands between the two."""
        return len(self.steps) > 1


def list_gaps(
    predictions: pd.DataFrame, parts: Sequence[Mapping[str, Any]]
) -> list[Gap]:
    """Return a gap for each honest protocol beside whose published one it was run.

    There is none where the two share no rows, or no subject can be scored.

    Parameters
    ----------
    predictions : DataFrame
        Of any number of protocols, targets, stream sets and learners.
    parts : sequence of mapping
        As in ``leakage.json``.
    """
    facts = {tuple(p[name] for name in KEY_COLUMNS): p for p in parts}
    held = {
        tuple(map(str, key)): part
        for key, part in predictions.groupby(list(KEY_COLUMNS), sort=False)
    }
    gaps = []
    for mine in dict.fromkeys(key[1:] for key in held if key[3] not in PRIORS):
        for links in list_chains([key[0] for key in held if key[1:] == mine]):
            keys = [(link, *mine) for link in links]
            rows = _keep_common([held[key] for key in keys])
            if len(rows[0]):
                gaps.append(split_gap(rows, [facts[key] for key in keys]))
    return [gap for gap in gaps if gap.n_subjects]


def list_chains(there: Collection[str]) -> Iterator[tuple[str, ...]]:
    """Yield the protocols on the way from a published to each honest one that was run.

    Examples
    --------
    >>> list(list_chains(["trial", "trial-matched", "paper"]))
    [('paper', 'trial-matched', 'trial')]
    >>> list(list_chains(["paper", "paper-matched", "trial"]))
    [('paper', 'paper-matched', 'trial')]
    >>> list(list_chains(["trial"]))
    []
    """
    ran = [protocol for protocol in PROTOCOLS.values() if protocol.name in there]
    published = {p.scope: p.name for p in reversed(ran) if p.kind == "published"}
    for protocol in ran:
        if protocol.is_forward:
            continue  # it tests other rows, and has folds of its own
        if protocol.kind == "honest" and protocol.scope in published:
            between = _list_controls(protocol, there)
            yield (published[protocol.scope], *between, protocol.name)


def _list_controls(honest: Protocol, there: Collection[str]) -> tuple[str, ...]:
    """Return the controls between a published protocol and an honest one.

    From one control to the next, training and test share less, and what they come to
    share in the end they have shared before.
    """
    ranked = [
        p
        for p in PROTOCOLS.values()
        if p.kind == "control" and p.scope == honest.scope and p.name in there
    ]
    own = next((p for p in ranked if p.base == honest.name), None)
    if own is None:
        published = [p for p in ranked if PROTOCOLS[p.base].kind == "published"]
        return tuple(p.name for p in published)
    if honest.scope == "subject":
        # as many rows as the published protocol: nothing else is needed
        return (own.name,)
    chain: list[Protocol] = []
    for control in ranked[: ranked.index(own) + 1]:
        before = set(chain[-1].shares) if chain else set(SHARES)
        if set(own.shares) <= set(control.shares) <= before:
            chain.append(control)
    return tuple(control.name for control in chain)


def split_gap(rows: Sequence[pd.DataFrame], facts: Sequence[Mapping[str, Any]]) -> Gap:
    """Take the difference between the first and the last of several protocols apart.

    Parameters
    ----------
    rows : sequence of DataFrame
        Predictions under each protocol, of the same rows; one target, stream set and
        learner.
    facts : sequence of mapping
        For each, its part of ``leakage.json``.
    """
    links = tuple(str(part["protocol"]) for part in facts)
    neighbours = [(place, place + 1) for place in range(len(links) - 1)]
    metric = metrics.find_form(rows[0]).headline
    scores = [_measure(part, metric) for part in rows]
    return Gap(
        target=str(facts[0]["target"]),
        streams=str(facts[0]["streams"]),
        learner=str(facts[0]["learner"]),
        links=links,
        means=tuple(score.whole.mean for score in scores),
        n_train=tuple(_size(part) for part in facts),
        whole=_subtract(scores[0], scores[-1]),
        steps=tuple(
            Step(
                *(links[i], links[j], find_causes(facts[i], facts[j])),
                _subtract(scores[i], scores[j]),
            )
            for i, j in neighbours
        ),
        n_subjects=len(scores[0].whole.known),
        n_seeds=rows[0]["seed"].nunique(),
        is_over_people=scores[0].whole.is_over_people,
        metric=metric,
    )


def find_causes(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, ...]:
    """Say in what two parts of a run differ, by what was counted in their folds.

    Parameters
    ----------
    one, other : mapping
        Parts of ``leakage.json``, of protocols that follow each other in a chain.
    """
    causes = []
    if "trial" in _split(one["leaks"]) and "trial" not in _split(other["leaks"]):
        causes.append(LEAKAGE)
    if PROTOCOLS[one["protocol"]].scope == "all":
        lost = [s for s in _split(one["shares"]) if s not in _split(other["shares"])]
        if "subject" in lost:  # whose sessions go with it
            lost = [share for share in lost if share != "session"]
        causes += [f"known {UNITS[share].plural}" for share in lost]
    sizes = _size(one), _size(other)
    if max(sizes) - min(sizes) > SAME_SIZE * max(sizes):
        causes.append(SIZE)
    if _chooses(one) != _chooses(other):
        causes.append(EPOCH)
    if _moves(one) != _moves(other):
        causes.append(OFFSETS)
    return tuple(causes)


def _split(names: str) -> list[str]:
    return [name for name in names.split("+") if name != "none"]


def _size(part: Mapping[str, Any]) -> float:
    """Return the training rows of a fold, as a median over folds."""
    return float(np.median([fold["n_train"] for fold in part["folds"]]))


def _chooses(part: Mapping[str, Any]) -> bool:
    """Return whether some fit of a part chose its epoch."""
    return any(f["epoch_chosen_on"] in ("validation", "test") for f in part["folds"])


def _moves(part: Mapping[str, Any]) -> bool:
    """Return whether training segments started at random offsets."""
    return any(f.get("offsets") == "random" for f in part["folds"])


class _SeedScores(NamedTuple):
    """Scores of one protocol over all seeds, and of each seed."""

    whole: metrics.Measurement
    by_seed: tuple[metrics.Measurement, ...]


def _measure(part: pd.DataFrame, metric: str) -> _SeedScores:
    whole = metrics.measure(part, LEVEL)[metric]
    seeds = [mine for _, mine in part.groupby("seed", sort=True)]
    if len(seeds) < 2:
        return _SeedScores(whole, (whole,))
    return _SeedScores(
        whole, tuple(metrics.measure(mine, LEVEL)[metric] for mine in seeds)
    )


def _subtract(one: _SeedScores, other: _SeedScores) -> Difference:
    """Measure by how much the first of two protocols scores above the other.

    Both scored the same rows. Seeds are averaged within a subject first; the interval
    is that of :mod:`deepvanet.metrics.jackknife`.
    """
    found = one.whole.minus(other.whole)
    low, high = metrics.find_interval(found.mean, found.spread)
    by_seed = [
        mine.minus(its).mean
        for mine, its in zip(one.by_seed, other.by_seed, strict=True)
    ]
    sd = float(np.std(by_seed, ddof=1)) if len(by_seed) > 1 else float("nan")
    return Difference(found.mean, low, high, sd)


def _keep_common(parts: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return the rows that all have, so that differences add up."""
    indices = [part.set_index(_ROW).index for part in parts]
    common = indices[0]
    for index in indices[1:]:
        common = common.intersection(index)
    return [
        part[index.isin(common)] for part, index in zip(parts, indices, strict=True)
    ]


def describe_gap(gap: Gap) -> list[str]:
    """Say in sentences how large a gap is and what is known of its causes."""
    record = metrics.METRIC_RECORDS[gap.metric]
    ends = [
        f"{gap.links[place]} {_write_score(gap.means[place], record)}"
        for place in (0, -1)
    ]
    whole = (
        f"{', '.join(ends)} ({name_metric(gap.metric)} of {LEVEL}s, "
        f"{_count_subjects(gap)}): a gap of {_write_change(gap.whole, record)}."
    )
    said = [whole]
    if gap.is_split:
        said += [
            f"{step.cause.capitalize()}, {step.one} minus {step.other}: "
            f"{_write_change(step.difference, record)}."
            for step in gap.steps
        ]
    else:
        said.append(_describe_unsplit(gap))
    return [*said, *_judge(gap)]


def _count_subjects(gap: Gap) -> str:
    if gap.n_subjects == 1:
        return "1 subject"
    if gap.is_over_people:
        return f"over {gap.n_subjects} people"
    return f"mean over {gap.n_subjects} subjects"


def _describe_unsplit(gap: Gap) -> str:
    """Say what a gap without a control cannot separate."""
    step = gap.steps[0]
    if len(step.causes) < 2:
        return f"The two differ in {step.cause} alone."
    wanted = ",".join((gap.links[0], *_list_wanted(gap), gap.links[-1]))
    return (
        f"The two differ in {step.cause} at once, and no control separates "
        f"them (--protocol {wanted} does)."
    )


def _list_wanted(gap: Gap) -> tuple[str, ...]:
    return _list_controls(PROTOCOLS[gap.links[-1]], PROTOCOLS)


def _judge(gap: Gap) -> list[str]:
    """Say which of the differences may be none."""
    if not gap.whole.has_interval:
        few = "there are too few subjects or clips, so this describes this run alone"
        return [f"No intervals: {few}."]
    unsure = [s.cause for s in gap.steps if not s.difference.is_apart_from_zero]
    if not unsure:
        return []
    return [f"The data do not separate {' nor '.join(unsure)} from 0."]


def name_metric(metric: str) -> str:
    """Name a metric inside a sentence.

    Examples
    --------
    >>> [name_metric(name) for name in ("balanced_accuracy", "ccc", "pearson")]
    ['balanced accuracy', 'CCC', 'Pearson']
    """
    title = metrics.METRIC_RECORDS[metric].title
    is_name = title.isupper() or title == "Pearson"
    return title if is_name else title[0].lower() + title[1:]


def _write_score(value: float, record: metrics.MetricRecord) -> str:
    return f"{100 * value:.1f} %" if record.is_share else f"{value:.3f}"


def _write_change(difference: Difference, record: metrics.MetricRecord) -> str:
    """Write a difference, with its interval and deviation over seeds.

    Examples
    --------
    >>> difference = Difference(0.042, -0.01, 0.094, float("nan"))
    >>> _write_change(difference, metrics.METRIC_RECORDS["balanced_accuracy"])
    '+4.2 points (95 % interval -1.0 to +9.4)'
    >>> _write_change(difference, metrics.METRIC_RECORDS["ccc"])
    '+0.042 (95 % interval -0.010 to +0.094)'
    """
    times, form, unit = (100, ".1f", " points") if record.is_share else (1, ".3f", "")
    said = f"{times * difference.mean:+{form}}{unit}"
    more = []
    if difference.has_interval:
        low, high = times * difference.ci_low, times * difference.ci_high
        more.append(f"95 % interval {low:+{form}} to {high:+{form}}")
    if np.isfinite(difference.sd_over_seeds):
        more.append(f"sd over seeds {times * difference.sd_over_seeds:{form}}")
    return said + (f" ({', '.join(more)})" if more else "")
