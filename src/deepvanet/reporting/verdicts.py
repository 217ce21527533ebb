"""What a report answers first: whether signals add to the protocol's prior.

A verdict is made from numbers alone. A learner is *better* where its score exceeds that
of the prior which knows what training and test share, on the same trials, with a
p-value that is corrected for all that was tried; and, where balanced folds push that
prior below chance, where it exceeds chance too. What leaks has no verdict.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import pandas as pd

from deepvanet.findings import say_count
from deepvanet.gap import LEVEL
from deepvanet.metrics import LEAST_CLIPS, LEAST_SUBJECTS
from deepvanet.protocols import PROTOCOLS
from deepvanet.reporting.studies import Study
from deepvanet.reporting.tables import ScoreRow, find_asked, list_score_rows
from deepvanet.reporting.wording import Wording, write_p
from deepvanet.schema import KEY_COLUMNS, ScoreKey

SIGNIFICANT = 0.05

Call = Literal["better", "not shown", "worse", "unknown"]

_CALLED: Mapping[Call, str] = {
    "better": "better than",
    "not shown": "not shown to be better than",
    "worse": "worse than",
    "unknown": "beside",
}

VERDICT_COLUMNS = (
    *("target", "protocol", "which", "streams", "learner", "call", "metric", "mean"),
    *("prior", "mean_prior", "difference", "ci_low", "ci_high", "p_value"),
    *("p_corrected", "n_tests", "p_chance_corrected", "n_subjects", "n_tried"),
)
"""Columns of ``tables/verdicts.csv``; ``which`` is ``best`` or ``asked``."""


@dataclass(frozen=True)
class Margin:
    """By how much a learner exceeds the prior of its protocol.

    Attributes
    ----------
    row : ScoreRow
        Of the learner, over trials.
    prior : str
        The prior of the protocol.
    mean_prior : float
        Its score on the same trials.
    difference, ci_low, ci_high, p_value, p_corrected : float
        Paired over subjects; NaN where subjects or clips are too few.
    n_tests : int
        For so many comparisons p is corrected.
    chance : float
        Of the headline metric.
    """

    row: ScoreRow
    prior: str
    mean_prior: float
    difference: float
    ci_low: float
    ci_high: float
    p_value: float
    p_corrected: float
    n_tests: int
    chance: float

    @property
    def needs_chance(self) -> bool:
        """Whether the prior is below chance, so that exceeding it says too little."""
        return self.mean_prior < self.chance

    @property
    def is_above_chance(self) -> bool:
        """Whether the score exceeds chance, by its test or else by its interval."""
        value = self.row.value
        if isfinite(value.p_corrected):
            return value.p_corrected <= SIGNIFICANT
        return value.ci_low > self.chance

    @property
    def call(self) -> Call:
        """What can be said of it."""
        if not isfinite(self.p_corrected):
            return "unknown"
        if self.p_corrected > SIGNIFICANT:
            return "not shown"
        if self.difference < 0:
            return "worse"
        if self.needs_chance and not self.is_above_chance:
            return "not shown"
        return "better"


@dataclass(frozen=True)
class Verdict:
    """The answer for one target under one protocol that does not leak.

    Attributes
    ----------
    best : Margin
        The largest difference among what is better, or among all.
    asked : Margin
        Of the first learner that was asked for, on the fullest stream set.
    n_tried : int
        Learners and stream sets.
    """

    target: str
    protocol: str
    best: Margin
    asked: Margin
    n_tried: int

    @property
    def call(self) -> Call:
        """What can be said of the best."""
        return self.best.call


@dataclass(frozen=True)
class Answer:
    """All verdicts of one target.

    Attributes
    ----------
    verdicts : sequence of Verdict
        One a protocol, the strictest first.
    leaking : sequence of ScoreRow
        The best score of each protocol that leaks, which is no result.
    """

    target: str
    verdicts: Sequence[Verdict]
    leaking: Sequence[ScoreRow]


def list_answers(study: Study) -> list[Answer]:
    """Return the answer for each target of a study."""
    rows = list_score_rows(study, LEVEL)
    margins = list(_list_margins(study, rows))
    return [_answer(study, target, margins, rows) for target in study.targets]


def _answer(
    study: Study,
    target: str,
    margins: Sequence[Margin],
    rows: Mapping[ScoreKey, ScoreRow],
) -> Answer:
    verdicts = []
    for protocol in sorted(study.protocols, key=lambda p: len(PROTOCOLS[p].shares)):
        tried = [m for m in margins if m.row.part[:2] == (protocol, target)]
        if tried:
            asked = find_asked(study, [margin.row.part for margin in tried])
            verdicts.append(
                Verdict(
                    target,
                    protocol,
                    max(tried, key=_rank),
                    next(m for m in tried if m.row.part == asked),
                    len(tried),
                )
            )
    leaking = []
    for protocol in study.protocols:
        mine = [
            row
            for part, row in rows.items()
            if part[:2] == (protocol, target)
            and row.is_leaking
            and not row.is_prior
            and PROTOCOLS[protocol].kind != "control"
        ]
        if mine:
            leaking.append(max(mine, key=lambda row: _order(row.value.mean)))
    return Answer(target, verdicts, leaking)


def _rank(margin: Margin) -> tuple[bool, float]:
    return margin.call == "better", _order(margin.difference)


def _order(value: float) -> float:
    """Return a value to sort by; what is undefined comes last."""
    return value if isfinite(value) else -1e9


def _list_margins(study: Study, rows: Mapping[ScoreKey, ScoreRow]) -> Iterator[Margin]:
    """Yield a margin for each honest part that has its prior."""
    table = study.over_priors
    for found in table[table["metric"] == study.form.headline].to_dict("records"):
        part = ScoreKey(*(str(found[name]) for name in KEY_COLUMNS))
        prior = str(found["prior"])
        yield Margin(
            row=rows[part],
            prior=prior,
            mean_prior=rows[part._replace(learner=prior)].value.mean,
            difference=float(found["difference"]),
            ci_low=float(found["ci_low"]),
            ci_high=float(found["ci_high"]),
            p_value=float(found["p_value"]),
            p_corrected=float(found["p_corrected"]),
            n_tests=int(found["n_tests"]),
            chance=study.forms[part.target].find_chance(study.form.headline),
        )


def tabulate_verdicts(study: Study, answers: Sequence[Answer]) -> pd.DataFrame:
    """Return a row for the best and the asked-for part of each verdict.

    Returns
    -------
    DataFrame
        Columns ``VERDICT_COLUMNS``; scores as fractions.
    """
    found = [
        (
            *(verdict.target, verdict.protocol, which, margin.row.part.streams),
            *(margin.row.part.learner, margin.call, study.form.headline),
            *(margin.row.value.mean, margin.prior, margin.mean_prior),
            *(margin.difference, margin.ci_low, margin.ci_high, margin.p_value),
            *(margin.p_corrected, margin.n_tests, margin.row.value.p_corrected),
            *(margin.row.value.n_subjects, verdict.n_tried),
        )
        for answer in answers
        for verdict in answer.verdicts
        for which, margin in (("best", verdict.best), ("asked", verdict.asked))
    ]
    return pd.DataFrame(found, columns=list(VERDICT_COLUMNS))


def summarise(answer: Answer) -> str:
    """Say the answer for a target in a line.

    Examples
    --------
    >>> summarise(Answer("valence", [], []))
    'valence: nothing can be said, since no protocol without leaks was scored'
    """
    if not answer.verdicts:
        return (
            f"{answer.target}: nothing can be said, since no protocol without leaks "
            "was scored"
        )
    by_call: dict[Call, list[str]] = {}
    for verdict in answer.verdicts:
        by_call.setdefault(verdict.call, []).append(verdict.protocol)
    if set(by_call) == {"unknown"}:
        n_subjects = max(v.best.row.n_subjects for v in answer.verdicts)
        return (
            f"{answer.target}: none of this is known with "
            f"{say_count(n_subjects, 'subject')}; differences need at least "
            f"{LEAST_SUBJECTS} subjects and, where these saw the same clips, "
            f"{LEAST_CLIPS} clips"
        )
    said = [
        f"{_SUMMARISED[call]} under {_write_names(by_call[call])}"
        for call in _SUMMARISED
        if call in by_call
    ]
    return f"{answer.target}: {'; '.join(said)}"


_SUMMARISED: Mapping[Call, str] = {
    "better": "better than the prior",
    "worse": "worse than the prior",
    "not shown": "not shown to be better than the prior",
    "unknown": "not known",
}


def _write_names(names: Sequence[str]) -> str:
    *some, last = [f"`{name}`" for name in names]
    return f"{', '.join(some)} and {last}" if some else last


def describe_verdict(verdict: Verdict, words: Wording) -> list[str]:
    """Say what was found under one protocol, in sentences."""
    best, asked = verdict.best, verdict.asked
    first = "Best and asked for" if asked == best else "Best"
    if verdict.n_tried == 1:
        first = "Tried"
    said = [f"{first}: {_describe_margin(best, words)}"]
    if asked != best:
        said.append(f"Asked for: {_describe_margin(asked, words)}")
    return said


def describe_tests(answers: Sequence[Answer]) -> str:
    """Say how many comparisons a verdict is corrected for; nothing without any."""
    margins = [verdict.best for one in answers for verdict in one.verdicts]
    n_tests = max((margin.n_tests for margin in margins), default=0)
    if n_tests < 2:
        return ""
    return f"p is two-sided, corrected for all {n_tests} comparisons by Holm's method."


def _describe_margin(margin: Margin, words: Wording) -> str:
    part, value = margin.row.part, margin.row.value
    sentence = (
        f"{part.learner} on {part.streams}, {words.write(value.mean)}{words.unit}, "
        f"{_CALLED[margin.call]} {margin.prior} "
        f"({words.write(margin.mean_prior)}{words.unit}): "
        f"{_say_difference(margin, words)}."
    )
    if margin.needs_chance and margin.call in ("better", "not shown"):
        sentence += f" {_say_chance(margin, words)}"
    return sentence


def _say_difference(margin: Margin, words: Wording) -> str:
    unit = " points" if words.is_share else ""
    change = f"{words.write_change(margin.difference)}{unit}"
    people = say_count(margin.row.value.n_subjects, "subject")
    if margin.call == "unknown":
        return f"{change} ({people})"
    return (
        f"{change} (95 % interval {words.write_change(margin.ci_low)} to "
        f"{words.write_change(margin.ci_high)}; p {write_p(margin.p_corrected)}; "
        f"{people})"
    )


def _say_chance(margin: Margin, words: Wording) -> str:
    """Say how a score stands to chance, where its prior is below it."""
    value = margin.row.value
    verb = "is above" if margin.is_above_chance else "is not shown to be above"
    how = ""
    if isfinite(value.p_corrected):
        how = f" (p {write_p(value.p_corrected)}, {value.p_kind})"
    elif isfinite(value.ci_low):
        low, high = words.write(value.ci_low), words.write(value.ci_high)
        how = f" (95 % interval {low} to {high})"
    return (
        f"Balanced folds push that prior below chance, "
        f"{words.write(margin.chance)}{words.unit}; the score {verb} it{how}."
    )


def describe_leaking(row: ScoreRow, words: Wording) -> str:
    """Say what a protocol that leaks scores, and that it is no result."""
    part = row.part
    names = row.leaks.replace("+", ", ")
    return (
        f"`{part.protocol}` leaks ({names}): {words.write(row.value.mean)}"
        f"{words.unit} by {part.learner} on {part.streams}."
    )
