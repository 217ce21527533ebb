"""Scores by group of people: by sex, by age band, by any column of subjects.

A group has the mean of its own subjects, with an interval like that of all. Beside it
stands the difference to all others: the variances over subjects of the two sides add
up, and clips are left out on both sides at once, since both saw the same ones. As for
all scores, both sums hold the variance of single trials: intervals are rather too wide.
Below
``LEAST_SUBJECTS`` scored subjects a group has no score: it would be that of a few
people, and no property of the group.
"""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool

from deepvanet.metrics.forms import METRIC_RECORDS, find_form, is_over_people
from deepvanet.metrics.jackknife import (
    HELD_OUT,
    LEAST_CLIPS,
    LEAST_SUBJECTS,
    Spread,
    find_interval,
    find_spread,
    jackknife,
    mean_known,
)
from deepvanet.metrics.scores import Measurement, measure
from deepvanet.schema import KEY_COLUMNS, ScoreKey, UserError, quote

MOST_GROUPS = 10
"""Of a column; more are no groups but ages, or names."""

NOT_STATED = "not stated"
"""The group of subjects of whom the column says nothing."""

GROUP_COLUMNS = (
    *("dataset", *KEY_COLUMNS, "column", "group", "metric"),
    *("n_subjects", "n_scored", "n_trials", "mean", "sd", "ci_low", "ci_high"),
    *("n_others", "difference", "difference_low", "difference_high"),
    *("leaks", "shares"),
)
"""Columns of ``groups.csv``. ``n_scored`` counts the subjects for whom the metric is
defined, ``n_others`` those of all other groups."""

_TRIAL = ["subject", "trial"]
_ADDED = re.compile(r"(n|first|length|has)_.*|missing|recording|(baseline|duration)_s")


def find_groups(trials: pd.DataFrame, column: str, *, what: str) -> dict[str, str]:
    """Return the group of each subject, as a column of trials states it.

    Parameters
    ----------
    trials : DataFrame
        A row a trial; a column ``subject``, and those that its table of trials had.
    column : str
        The column of the groups, which has one value a subject.
    what : str
        Whose trials they are, for a sentence.

    Returns
    -------
    dict
        ``NOT_STATED`` where all cells of a subject are blank.

    Raises
    ------
    UserError
        When there is no such column, a subject has two values, or there are more than
        ``MOST_GROUPS``.

    Examples
    --------
    >>> trials = pd.DataFrame({"subject": ["1", "1", "2"], "sex": ["f", "", None]})
    >>> find_groups(trials, "sex", what="run")
    {'1': 'f', '2': 'not stated'}
    """
    if column not in trials:
        people = list_columns_of_people(trials)
        there = ", ".join(people) if people else "none"
        raise UserError(
            f"{what} has no column {quote(column)} of trials; columns with one value a "
            f"subject: {there}",
            field="group",
        )
    groups: dict[str, str] = {}
    for subject, cells in trials.groupby("subject", sort=True)[column]:
        found = list(dict.fromkeys(filter(None, map(_spell, cells))))
        if len(found) > 1:
            raise UserError(
                f"subject {subject} of {what} has two values of {column}, "
                f"{quote(found[0])} and {quote(found[1])}; a group needs one value a "
                "subject",
                field="group",
            )
        groups[str(subject)] = found[0] if found else NOT_STATED
    names = sorted(set(groups.values()))
    if len(names) > MOST_GROUPS:
        raise UserError(
            f"column {column} of {what} has {len(names)} values; at most {MOST_GROUPS} "
            "groups are scored, so put them into bands in a column of their own, as "
            "age_band",
            field="group",
        )
    if names == [NOT_STATED]:
        raise UserError(f"column {column} of {what} is blank", field="group")
    return groups


def list_columns_of_people(trials: pd.DataFrame) -> list[str]:
    """Return the columns that may be groups: one value a subject, several in all.

    Those that ``prepare`` adds, which count frames and samples, are none.
    """
    found = []
    for name in map(str, trials.columns):
        if name == "subject" or _ADDED.fullmatch(name):
            continue
        values = trials[name].map(_spell)
        stated = values[values != ""]
        of_subjects = stated.groupby(trials["subject"]).nunique()
        if (of_subjects == 1).all() and 1 < values.nunique() <= MOST_GROUPS:
            found.append(name)
    return found


def _spell(cell: Any) -> str:
    """Return a cell as a group's name, blank where it says nothing."""
    if isinstance(cell, float):
        return f"{cell:g}" if isfinite(cell) else ""
    return "" if cell is None or cell is pd.NA else str(cell).strip()


def tabulate_groups(
    predictions: pd.DataFrame,
    groups: Mapping[str, str],
    *,
    column: str,
    dataset: str,
    sharing: Mapping[ScoreKey, tuple[str, str]],
) -> pd.DataFrame:
    """Tabulate each group's scores of trials, and how they differ from the others'.

    Parameters
    ----------
    predictions : DataFrame
        Of a run, as in ``predictions.csv``.
    groups : mapping
        The group of each subject.
    column : str
        Where the groups are from.
    dataset : str
        Value of the column dataset.
    sharing : mapping
        Of (protocol, target, streams, learner): what leaks and what is shared.

    Returns
    -------
    DataFrame
        Columns ``GROUP_COLUMNS``, a row a part, group and metric; without the metrics
        of all trials together. What is not known is NaN.
    """
    rows: list[dict[str, Any]] = []
    by = list(KEY_COLUMNS)
    for key, part in predictions.groupby(by, sort=False, observed=True):
        named = ScoreKey(*map(str, key))
        leaks, shares = sharing[named]
        whose = {"dataset": dataset, **named._asdict(), "column": column}
        rows += [
            {**whose, **row, "leaks": leaks, "shares": shares}
            for row in measure_groups(part, groups)
        ]
    return pd.DataFrame(rows, columns=list(GROUP_COLUMNS))


def measure_groups(
    part: pd.DataFrame, groups: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Measure the groups of one protocol, target, stream set and learner.

    Parameters
    ----------
    part : DataFrame
        Its predictions.
    groups : mapping
        The group of each subject.

    Returns
    -------
    list of dict
        Columns ``GROUP_COLUMNS`` from ``group`` to ``difference_high``.
    """
    subjects = sorted(part["subject"].astype(str).unique())
    whose = np.array([groups[name] for name in subjects], dtype=object)
    trials = part[_TRIAL].astype(str).drop_duplicates()
    n_trials = trials["subject"].map(groups).value_counts()
    measured = measure(part, "trial")
    rows = []
    for group in sorted(set(whose)):
        is_mine = np.asarray(whose == group, dtype=np.bool_)
        known = measured
        if is_over_people(part):
            named = [s for s, mine in zip(subjects, is_mine, strict=True) if mine]
            known = measure(part[part["subject"].astype(str).isin(named)], "trial")
        for metric in find_form(part).metrics:
            if METRIC_RECORDS[metric].is_pooled:
                continue
            rows.append(
                {
                    "group": group,
                    "metric": metric,
                    "n_subjects": int(is_mine.sum()),
                    "n_trials": int(n_trials[group]),
                    **(
                        _measure_people(known[metric], is_mine)
                        if is_over_people(part)
                        else _compare(measured[metric], is_mine)
                    ),
                }
            )
    return rows


def _measure_people(
    measured: Measurement, is_mine: Bool[np.ndarray, " subject"]
) -> dict[str, Any]:
    """Return what a group scores where each person has one label, scored together."""
    n_scored = len(measured.known)
    found = _say(measured.mean, float("nan"), measured.spread, n_scored)
    return {**found, "n_scored": n_scored, "n_others": int((~is_mine).sum())}


def _compare(
    measured: Measurement, is_mine: Bool[np.ndarray, " subject"]
) -> dict[str, Any]:
    """Return what a group scores, and by how much that differs from the others."""
    one, other = (_take(measured, rows) for rows in (is_mine, ~is_mine))
    n_scored, n_others = len(one.known), len(other.known)
    found = _say(one.mean, one.sd, one.spread, n_scored)
    spread = _spread_difference(one, other)
    if not spread.is_known:
        return {**found, "n_scored": n_scored, "n_others": n_others}
    difference = one.mean - other.mean
    low, high = find_interval(difference, spread)
    return {
        **found,
        "n_scored": n_scored,
        "n_others": n_others,
        "difference": difference,
        "difference_low": low,
        "difference_high": high,
    }


def _say(mean: float, sd: float, spread: Spread, n_scored: int) -> dict[str, float]:
    if n_scored < LEAST_SUBJECTS:
        return {}
    low, high = find_interval(mean, spread)
    return {"mean": mean, "sd": sd, "ci_low": low, "ci_high": high}


def _take(measured: Measurement, rows: Bool[np.ndarray, " subject"]) -> Measurement:
    return Measurement(
        measured.values[rows],
        measured.without[rows],
        measured.seen[rows],
        clips_held_out=measured.clips_held_out,
    )


def _spread_difference(one: Measurement, other: Measurement) -> Spread:
    """Find how far the difference of two groups' means may be off.

    The rarer side says how many degrees of freedom there are.
    """
    n_subjects = min(len(one.known), len(other.known))
    unknown = Spread(float("nan"), n_subjects, 0)
    apart = [find_spread(side.known) for side in (one, other)]
    if not all(spread.is_known for spread in apart):
        return unknown
    variance = sum(spread.variance for spread in apart)
    defined = [~np.isnan(side.values) for side in (one, other)]
    seen = [s.seen[d] for s, d in zip((one, other), defined, strict=True)]
    is_shared = np.concatenate(seen).sum(axis=0) > 1
    if not is_shared.any():
        return Spread(variance, n_subjects, 0)
    is_there = np.concatenate(seen).any(axis=0)
    n_clips = int(is_there.sum())
    if n_clips < LEAST_CLIPS:
        return unknown
    means = [
        mean_known(side.without[d][:, is_there])
        for side, d in zip((one, other), defined, strict=True)
    ]
    times = HELD_OUT if one.clips_held_out else 1.0
    return Spread(
        variance + times * jackknife(means[0] - means[1]), n_subjects, n_clips
    )
