"""Say in sentences what was found of one part, and what it rests on."""

from collections.abc import Sequence
from math import isnan

from deepvanet.auditing.looks import Look
from deepvanet.auditing.priors import (
    KNOWS,
    PERSON,
    SEGMENT,
    TRIAL,
)
from deepvanet.auditing.verdicts import CANNOT, EXPLAINED, LEAKS, PartVerdict
from deepvanet.findings import say_count
from deepvanet.gap import name_metric
from deepvanet.metrics import (
    HIGH_LOW,
    LEAST_RATINGS,
    LEAST_TRIALS,
    METRIC_RECORDS,
    RATING,
    TRACE,
)
from deepvanet.protocols import SHARES, UNITS

ONE_SIDED, CONTROL_SIDED = 1.645, 3.09
"""Standard deviations above which a coin lies in 5 % of cases, and in 0.1 %: an audit
holds a control against many parts, and none of them may leak by chance."""

_LEVELS = {SEGMENT: "segments", TRIAL: "trials", PERSON: "people"}


def say_score(finding: PartVerdict) -> str:
    """Say what was scored: metric, level and over whom."""
    scores, level = finding.scores, finding.level
    score, *others = scores[level].values()
    name, *other_names = (METRIC_RECORDS[metric].title for metric in scores[level])
    n_subjects, n_scored = finding.n_subjects, finding.n_subjects_scored
    if isnan(score):
        return (
            f"No {name_metric(finding.metric)} over {_LEVELS[level]} is defined: none "
            f"of {say_count(n_subjects, 'subject')} has {_say_enough(finding)}."
        )
    said = f"{name} {score:.3f} over {_LEVELS[level]}"
    if SEGMENT in scores:
        said += f" ({scores[SEGMENT][finding.metric]:.3f} over segments)"
    for other, value in zip(other_names, others, strict=True):
        said += "" if isnan(value) else f", {other} {value:.3f}"
    if level == PERSON:
        return f"{said}, of {n_subjects} people."
    whom = say_count(n_scored, "subject")
    why = _WHY_UNSCORED.get(finding.task, "have one label")
    left_out = f" ({n_subjects - n_scored} more {why})"
    return f"{said}, mean over {whom}{left_out if n_scored < n_subjects else ''}."


_WHY_UNSCORED = {
    RATING: "have too few ratings",
    TRACE: "have ratings that never move",
}


def _say_enough(finding: PartVerdict) -> str:
    if finding.task == TRACE:
        return "a trial whose rating moves"
    if finding.task == RATING:
        return f"{LEAST_TRIALS} trials and {LEAST_RATINGS} different ratings"
    return "both labels" if finding.task == HIGH_LOW else "two labels"


def say_verdict(verdict: str, made: Sequence[Look]) -> list[str]:
    """Say the verdict, and for what reasons."""
    if verdict == LEAKS:
        return [f"This score leaks: {'; '.join(m.leak for m in made if m.leak)}."]
    if verdict == CANNOT:
        doubts = "; ".join(look.doubt for look in made if look.doubt)
        return [f"It cannot be judged{': ' if doubts else ''}{doubts}."]
    if verdict == EXPLAINED:
        return ["It is explained without signals."]
    return ["No leak was seen where it was looked."]


def say_prior(finding: PartVerdict, verdict: str) -> list[str]:
    """Say how much of a score the prior has that belongs to what is shared."""
    level, own = finding.level, finding.own_prior
    score = finding.scores[level][finding.metric]
    prior = finding.priors[own][level][finding.metric]
    margin = ONE_SIDED * finding.chance_sd
    bound = finding.chance + margin
    whose = f"The {own}, which knows {KNOWS[own]},"
    if isnan(score):
        return []
    if isnan(prior):
        return [f"{whose} has no score."]
    if not score > bound:
        return [f"The score is not above chance, which gives up to {bound:.3f}."]
    if not prior > bound:
        return [f"{whose} has {prior:.3f} and explains nothing."]
    above = ""
    if verdict == EXPLAINED and score > prior:
        above = f", and chance alone may add {margin:.3f}"
    return [f"{whose} has {prior:.3f} of the {score:.3f}{above}."]


def say_rest(finding: PartVerdict, made: Sequence[Look]) -> list[str]:
    """Say what is worth knowing beside the verdict."""
    said = [f"{look.note[0].upper()}{look.note[1:]}." for look in made if look.note]
    shared = finding.shared
    common = [UNITS[unit].plural for unit in SHARES if shared[unit]]
    if common and not shared["trial"]:
        said.append(f"Training and test share {' and '.join(common)}.")
    if finding.n_unscored:
        rows = say_count(
            finding.n_unscored, "row that tests has", "rows that test have"
        )
        said.append(f"{rows} no score.")
    return said
