"""What is odd of the ratings of any data set.

Ratings are those of ``schema.Target``, from 1 to 9. Where a data set has another scale,
they were mapped to it.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepvanet.config import EvaluateSettings
from deepvanet.findings import Finding, collect, list_some, report, say_count
from deepvanet.labels import MEDIAN, are_personal, has_label, label_ratings
from deepvanet.schema import HIGHEST_RATING, LOWEST_RATING, Target

LEAST_TRIALS = 8
"""Of a subject, so that each of its folds has both classes."""
LEAST_ALIKE = 3
"""Equal ratings of a subject that are no chance."""
LEAST_RATINGS = 20
"""From which on the upper half of a scale is expected to be used."""
LEAST_SUBJECTS, LEAST_STIMULI = 3, 4
"""With which one order for all is no chance."""
MIDDLE = (LOWEST_RATING + HIGHEST_RATING) / 2


class RatedTrial(NamedTuple):
    """A trial, and what its subject rated.

    Attributes
    ----------
    ratings : mapping
        From 1 to 9; a target that was not asked for is absent, one that is no number
        is NaN.
    order : float | None
        What rises with the time of viewing within a subject; None where it is not
        known when the trial was.
    """

    subject: str
    trial: str
    ratings: Mapping[Target, float]
    stimulus: str = ""
    order: float | None = None


class _Rated(NamedTuple):
    """Ratings of one target that are numbers, by subject."""

    target: Target
    by_subject: Mapping[str, list[float]]


def report_ratings(
    trials: Iterable[RatedTrial],
    rule: str = EvaluateSettings.label_rule,
    *,
    source: object = "",
    scale: tuple[float, float] = (LOWEST_RATING, HIGHEST_RATING),
    least_trials: int = LEAST_TRIALS,
) -> None:
    """Report what is odd of all ratings of a data set.

    Parameters
    ----------
    trials : iterable of RatedTrial
        Of all subjects that are used.
    rule : str
        Which ratings are high, see ``labels``.
    source : object
        The table that holds the ratings, or what results call the data set.
    scale : tuple of float
        The scale on which they were given, for sentences.
    least_trials : int
        Of a subject; less than usual where a data set has fewer stimuli.
    """
    listed = list(trials)
    for target in Target:
        _find_no_numbers(listed, target, source)
        rated = _Rated(target, _group(listed, target))
        if _find_personal(listed, target, rule, source):
            continue
        _find_clip_labels(listed, target, rule, source)
        constant = _find_constant(rated, scale, source)
        _find_one_class(rated, constant, rule, source)
    _find_low_scale(listed, scale, source)
    _find_few_trials(listed, least_trials, source)
    _find_one_order(listed, source)


def count_usual(n_trials: Iterable[int], *, full: int) -> int:
    """Return how many trials most subjects have, at most as many as are needed.

    Parameters
    ----------
    n_trials : iterable of int
        Of each subject; those without a trial do not count.
    full : int
        Of a subject of a full copy, who has fewer than other data sets ask for.
    """
    counts = Counter(n for n in n_trials if n)
    usual = counts.most_common(1)[0][0] if counts else full
    return min(usual, full, LEAST_TRIALS)


def find_odd_ratings(
    trials: Iterable[RatedTrial],
    rule: str = EvaluateSettings.label_rule,
    *,
    source: object = "",
    scale: tuple[float, float] = (LOWEST_RATING, HIGHEST_RATING),
    least_trials: int = LEAST_TRIALS,
) -> list[Finding]:
    """Return what ``report_ratings`` reports.

    Parameters
    ----------
    trials, rule, source, scale, least_trials
        As ``report_ratings`` takes them.

    Returns
    -------
    list of Finding
        None of them is an error.
    """
    with collect() as found:
        report_ratings(
            trials, rule, source=source, scale=scale, least_trials=least_trials
        )
    return found


def _group(trials: Iterable[RatedTrial], target: Target) -> dict[str, list[float]]:
    groups: dict[str, list[float]] = {}
    for trial in trials:
        rating = trial.ratings.get(target, math.nan)
        if _is_rating(rating):
            groups.setdefault(trial.subject, []).append(rating)
    return groups


def _is_rating(rating: float) -> bool:
    return LOWEST_RATING <= rating <= HIGHEST_RATING


def _find_no_numbers(
    trials: Sequence[RatedTrial], target: Target, source: object
) -> None:
    asked = [trial for trial in trials if target in trial.ratings]
    wrong = [trial for trial in asked if not _is_rating(trial.ratings[target])]
    if wrong:
        named = list_some([f"subject {t.subject} trial {t.trial}" for t in wrong])
        report(
            "R16",
            f"{target} is no number from {LOWEST_RATING:g} to {HIGHEST_RATING:g} in "
            f"{len(wrong)} of {len(asked)} trials: {named}",
            source=source,
        )


def _find_personal(
    trials: Sequence[RatedTrial], target: Target, rule: str, source: object
) -> bool:
    """Report a target of which each subject has one label over all its trials."""
    table = pd.DataFrame(
        {"subject": [t.subject for t in trials], "trial": [t.trial for t in trials]}
    )
    ratings = np.array([t.ratings.get(target, np.nan) for t in trials], dtype=float)
    if not trials or not are_personal(ratings, rule, table=table):
        return False
    n_subjects = table["subject"][~np.isnan(ratings)].nunique()
    report(
        "R11",
        f"{target}: each of {n_subjects} subjects has one label over all its trials "
        f"(by {rule}): a model could learn who a person is, not what the person felt",
        source=source,
    )
    return True


def _find_clip_labels(
    trials: Sequence[RatedTrial], target: Target, rule: str, source: object
) -> None:
    """Report a target of which each stimulus has one label over all its subjects."""
    rated = [t for t in trials if _is_rating(t.ratings.get(target, math.nan))]
    ratings = np.array([t.ratings[target] for t in rated])
    if rule == MEDIAN or not rated:
        return  # a median is a subject's own
    table = pd.DataFrame(
        {"subject": [t.subject for t in rated], "stimulus": [t.stimulus for t in rated]}
    )
    known = has_label(ratings, rule)
    table = table[known].assign(label=label_ratings(ratings[known], rule))
    counts = table.groupby("stimulus")[["subject", "label"]].nunique()
    shared = counts[counts["subject"] >= LEAST_SUBJECTS]
    if len(shared) < LEAST_STIMULI or (counts["label"] > 1).any():
        return
    if table["label"].nunique() > 1:
        report(
            "R30",
            f"{target}: each of {len(counts)} stimuli has one label over all its "
            f"subjects (by {rule}): who knows the stimulus needs no signal",
            source=source,
        )


def _find_constant(
    rated: _Rated, scale: tuple[float, float], source: object
) -> list[str]:
    """Report subjects who rated all trials alike; return them."""
    found = {
        subject: ratings
        for subject, ratings in rated.by_subject.items()
        if len(ratings) >= LEAST_ALIKE and len(set(ratings)) == 1
    }
    _report_subjects(
        "R04",
        {
            subject: f"{rated.target} is {_write(ratings[0], scale)} in all "
            f"{len(ratings)} trials"
            for subject, ratings in found.items()
        },
        lambda n: (
            f"{rated.target} is the same in all trials of {say_count(n, 'subject')}"
        ),
        source,
    )
    return list(found)


def _find_one_class(
    rated: _Rated, but: Sequence[str], rule: str, source: object
) -> None:
    """Report subjects of whom no trial has the other label, who were not named yet."""
    said = {}
    for subject, ratings in rated.by_subject.items():
        labels = _label(subject, ratings, rule)
        if subject not in but and len(labels) >= LEAST_ALIKE and len(set(labels)) == 1:
            name = "high" if labels[0] else "low"
            said[subject] = (
                f"{rated.target} is {name} in all {len(labels)} trials by the rule "
                f"{rule}, so there is one class only"
            )
    _report_subjects(
        "R05",
        said,
        lambda n: (
            f"{rated.target} has one class by the rule {rule} in "
            f"{say_count(n, 'subject')}"
        ),
        source,
    )


def _label(subject: str, ratings: Sequence[float], rule: str) -> list[int]:
    """Return the labels of a subject's trials; those without one are left out."""
    values = np.array(ratings, dtype=float)
    values = values[has_label(values, rule)]
    table = pd.DataFrame({"subject": subject, "trial": np.arange(len(values))})
    return [int(label) for label in label_ratings(values, rule, table=table)]


def _find_low_scale(
    trials: Sequence[RatedTrial], scale: tuple[float, float], source: object
) -> None:
    """Report targets without a rating in the upper half of the scale."""
    low = [
        target
        for target in Target
        if len(ratings := list(itertools.chain(*_group(trials, target).values())))
        >= LEAST_RATINGS
        and max(ratings) <= MIDDLE
    ]
    if low:
        report(
            "R09",
            f"no rating of {' or '.join(low)} is above {_write(MIDDLE, scale)}, on a "
            f"scale from {scale[0]:g} to {scale[1]:g}",
            source=source,
        )


def _find_few_trials(trials: Sequence[RatedTrial], least: int, source: object) -> None:
    counts = Counter(
        trial.subject
        for trial in trials
        if any(_is_rating(rating) for rating in trial.ratings.values())
    )
    _report_subjects(
        "R07",
        {
            subject: f"{say_count(n, 'trial is', 'trials are')} used, at least "
            f"{least} are needed to train and test within the subject"
            for subject, n in counts.items()
            if n < least
        },
        lambda n: f"{n} of {len(counts)} subjects have fewer than {least} trials",
        source,
    )


def _find_one_order(trials: Sequence[RatedTrial], source: object) -> None:
    """Report that all subjects saw the stimuli one after another in one order."""
    orders = [
        order for order in _list_orders(trials) if len(set(order)) >= LEAST_STIMULI
    ]
    if len(orders) < LEAST_SUBJECTS:
        return
    longest = max(orders, key=len)
    if all(_agrees(order, longest) for order in orders):
        n_stimuli = len(set(longest))
        report(
            "R08",
            f"all {len(orders)} subjects saw the {n_stimuli} stimuli in one order, so "
            "effects of time and of a stimulus cannot be separated",
            source=source,
        )


def _list_orders(trials: Sequence[RatedTrial]) -> Iterator[list[str]]:
    """Return the stimuli of each subject by time; none where that is not known."""
    groups: dict[str, list[RatedTrial]] = {}
    for trial in trials:
        groups.setdefault(trial.subject, []).append(trial)
    for group in groups.values():
        known = [(t.order, t.stimulus) for t in group if t.order is not None]
        if len(known) == len(group):
            yield [stimulus for _, stimulus in sorted(known)]


def _agrees(order: Sequence[str], longest: Sequence[str]) -> bool:
    """Return whether one order is a part of another, in the same order."""
    rest = iter(longest)
    return all(stimulus in rest for stimulus in order)


def _report_subjects(
    code: str,
    said: Mapping[str, str],
    summarise: Callable[[int], str],
    source: object,
) -> None:
    """Report sentences on subjects: each by itself if they are few."""
    if len(said) <= 3:
        for subject, sentence in said.items():
            report(code, sentence, source=source, place=f"subject {subject}")
        return
    sentence = f"{summarise(len(said))}: {list_some(list(said))}"
    report(code, sentence, source=source)


def _write(rating: float, scale: tuple[float, float]) -> str:
    """Return a rating on the scale on which it was given."""
    share = (rating - LOWEST_RATING) / (HIGHEST_RATING - LOWEST_RATING)
    return f"{scale[0] + share * (scale[1] - scale[0]):.3g}"
