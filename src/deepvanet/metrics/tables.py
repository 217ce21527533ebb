"""Tabulate scores with their spread, interval and p-value.

A score is a subject's metric, the mean over seeds, the mean over subjects; where each
person has one label, it is over people. Its interval is that of
:mod:`deepvanet.metrics.jackknife`. Scores of trials have a p-value against chance, of
segments none: sixty seconds of a trial are one observation.

``permutation``
    How often the whole cross-validation scores as high after clips have exchanged
    their ratings, the same for all subjects; where it was run.
``t``
    One-sided, by the variance of the interval; of metrics whose chance level is known.
    Blank where training and test share clips: a clip's name alone scores above chance
    there, so that the difference to the prior that knows it is what counts.

All tests of one metric in a table are corrected together: by the maximum over tests
where all were permuted alike, else by Holm's procedure. Priors, controls and what leaks
are no tests.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from deepvanet.metrics.families import (
    correct_by_holm,
    correct_by_maximum,
    find_p_value,
)
from deepvanet.metrics.forms import (
    HIGH_LOW,
    METRIC_RECORDS,
    find_form,
    is_over_people,
    permutation_columns,
)
from deepvanet.metrics.jackknife import find_interval, find_p_above, find_p_unequal
from deepvanet.metrics.scores import Measurement, measure, measure_skill
from deepvanet.protocols import PROTOCOLS
from deepvanet.schema import KEY_COLUMNS, PRIORS, TRAINED_WITH, ScoreKey

SCORE_COLUMNS = (
    "dataset",
    KEY_COLUMNS[0],
    "task",
    *KEY_COLUMNS[1:],
    "level",
    "metric",
    "mean",
    "sd",
    "ci_low",
    "ci_high",
    "p_value",
    "p_kind",
    "p_corrected",
    "n_tests",
    "n_train",
    "n_subjects",
    "leaks",
    "shares",
)
"""Columns of ``scores.csv``; ``TRAINED_WITH`` follows where a network answers several
targets."""

PERMUTATION_COLUMNS = permutation_columns(HIGH_LOW)
"""Columns of ``permutations.csv`` of ``high-low``: scores of one learner, ratings
exchanged; of other tasks they are ``permutation_columns``.
``exchanged`` is what kept its ratings together: ``clips``, ``trials`` of a subject, or
``people``."""

PRIOR_COLUMNS = (
    *("dataset", *KEY_COLUMNS, "prior", "metric"),
    *("difference", "ci_low", "ci_high", "p_value", "p_corrected", "n_tests"),
)
"""Columns of a table of differences to priors."""

SKILL = "skill"
"""In a table of differences to priors: the share of a prior's mean squared error that
is not made, over all trials."""

_TESTED_LEVEL = "trial"


def list_score_columns(table: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns of scores of some predictions, or of a table of scores."""
    joint = (TRAINED_WITH,) if TRAINED_WITH in table else ()
    return *SCORE_COLUMNS, *joint


class _Null(NamedTuple):
    """Scores with ratings exchanged, by permutation, and what exchanged."""

    scores: Float[np.ndarray, " permutation"]
    exchanged: str


class _Test(NamedTuple):
    """A p-value before it is corrected."""

    p_value: float = float("nan")
    kind: str = ""
    null: _Null | None = None
    observed: float = float("nan")


def tabulate_scores(
    predictions: pd.DataFrame,
    *,
    dataset: str,
    sharing: Mapping[ScoreKey, tuple[str, str]],
    n_train: Mapping[ScoreKey, float] | None = None,
    permutations: pd.DataFrame | None = None,
    controls: Collection[str] = (),
) -> pd.DataFrame:
    """Tabulate mean, spread, interval and p-value of every score.

    A row depends on its own predictions, not on what else is in the table, but for
    ``p_corrected`` and ``n_tests``. Mean and standard deviation are over the subjects
    for whom the metric is defined, whose number is ``n_subjects``; of a label that
    belongs to people, over people.

    Parameters
    ----------
    predictions : DataFrame
        Of a run, as in ``predictions.csv``.
    dataset : str
        Value of the column dataset.
    sharing : mapping
        Of (protocol, target, streams, learner): what leaks and what is shared by
        design, each ``+``-joined or ``none``.
    n_train : mapping, optional
        Of the same: training rows of a fold, as a median.
    permutations : DataFrame, optional
        Columns ``permutation_columns`` of the task; a learner that is not in it has
        the p-value of a t-test.
    controls : collection of str
        Protocols that answer what a difference comes from, and are no tests.

    Returns
    -------
    DataFrame
        Columns ``list_score_columns``. What has no value is NaN, or an empty
        ``p_kind``.
    """
    nulls = _list_nulls(permutations)
    rows: list[dict[str, Any]] = []
    tests: list[_Test] = []
    for key, part in _list_parts(predictions):
        leaks, shares = sharing[key]
        is_test = leaks == "none" and key[0] not in controls and key[3] not in PRIORS
        is_blank = "stimulus" in shares.split("+") and not is_over_people(part)
        trained_with = str(part.get(TRAINED_WITH, pd.Series([""])).iloc[0])
        form = find_form(part)
        for level in form.levels:
            for metric, measured in measure(part, level).items():
                test = _Test()
                if is_test and level == _TESTED_LEVEL:
                    null = nulls.get((key, metric))
                    test = _test(measured, metric, null, without_t=is_blank)
                tests.append(test)
                low, high = find_interval(measured.mean, measured.spread)
                rows.append(
                    {
                        "dataset": dataset,
                        **dict(zip(KEY_COLUMNS, key, strict=True)),
                        "task": form.task,
                        "level": level,
                        "metric": metric,
                        "mean": measured.mean,
                        "sd": measured.sd,
                        "ci_low": low,
                        "ci_high": high,
                        "p_value": test.p_value,
                        "p_kind": test.kind,
                        "n_train": (n_train or {}).get(key, np.nan),
                        "n_subjects": len(measured.known),
                        "leaks": leaks,
                        "shares": shares,
                        TRAINED_WITH: trained_with,
                    }
                )
    table = pd.DataFrame(rows, columns=list(list_score_columns(predictions)))
    return _correct(table, tests)


def tabulate_over_priors(
    predictions: pd.DataFrame,
    *,
    dataset: str,
    sharing: Mapping[ScoreKey, tuple[str, str]],
) -> pd.DataFrame:
    """Tabulate by how much trials are scored better than by the protocol's own prior.

    Returns
    -------
    DataFrame
        Columns ``PRIOR_COLUMNS``, a row for each honest part that has its prior, and
        metric; of ratings also the ``SKILL`` against each prior. The p-value is
        two-sided, corrected over the rows of one metric.
    """
    parts = dict(_list_parts(predictions))
    rows = []
    for key, part in parts.items():
        if key[3] in PRIORS or sharing[key][0] != "none":
            continue
        own = PROTOCOLS[key[0]].prior if key[0] in PROTOCOLS else ""
        there = {
            n: p
            for n in PRIORS
            if (p := parts.get(key._replace(learner=n))) is not None
        }
        for prior, metric, found in _list_differences(part, there, own):
            low, high = find_interval(found.mean, found.spread)
            p_value = find_p_unequal(found.mean, found.spread)
            rows.append((dataset, *key, prior, metric, found.mean, low, high, p_value))
    table = pd.DataFrame(rows, columns=list(PRIOR_COLUMNS[:-2]))
    table["p_corrected"] = np.nan
    for _, mine in table.groupby("metric"):
        table.loc[mine.index, "p_corrected"] = correct_by_holm(mine["p_value"].tolist())
    table["n_tests"] = table.groupby("metric")["p_value"].transform("count")
    return table[list(PRIOR_COLUMNS)]


def _list_differences(
    part: pd.DataFrame, priors: Mapping[str, pd.DataFrame], own: str
) -> Iterator[tuple[str, str, Measurement]]:
    """Yield prior, metric and difference: to its own prior, and the skill over all."""
    if own in priors:
        ours, theirs = (measure(rows, "trial") for rows in (part, priors[own]))
        for metric, measured in ours.items():
            yield own, metric, measured.minus(theirs[metric])
    if find_form(part).is_rating:
        for prior, rows in priors.items():
            yield prior, SKILL, measure_skill(part, rows, "trial")


def _list_parts(predictions: pd.DataFrame) -> Iterator[tuple[ScoreKey, pd.DataFrame]]:
    for key, part in predictions.groupby(list(KEY_COLUMNS), sort=False, observed=True):
        yield ScoreKey(*map(str, key)), part


def _list_nulls(permutations: pd.DataFrame | None) -> dict[tuple[ScoreKey, str], _Null]:
    """Return the permutations of each part and metric."""
    if permutations is None:
        return {}
    metrics = [str(name) for name in permutations if name in METRIC_RECORDS]
    return {
        (key, metric): _Null(
            part.sort_values("permutation")[metric].to_numpy(dtype=float),
            str(part["exchanged"].iloc[0]),
        )
        for key, part in _list_parts(permutations)
        for metric in metrics
    }


def _test(
    measured: Measurement,
    metric: str,
    null: _Null | None,
    *,
    without_t: bool,
) -> _Test:
    """Test one score against chance."""
    if null is not None:
        # more is better for every test: errors change their sign
        sign = -1.0 if METRIC_RECORDS[metric].is_error else 1.0
        observed, null = sign * measured.mean, null._replace(scores=sign * null.scores)
        p_value = find_p_value(observed, null.scores)
        if np.isfinite(p_value):
            return _Test(p_value, "permutation", null, observed)
    if without_t or np.isnan(measured.chance):
        return _Test()
    p_value = find_p_above(measured.mean, measured.spread, chance=measured.chance)
    return _Test(p_value, "t") if np.isfinite(p_value) else _Test()


def _correct(table: pd.DataFrame, tests: list[_Test]) -> pd.DataFrame:
    """Fill in corrected p-values and the number of tests, metric by metric."""
    table["p_corrected"] = np.nan
    table["n_tests"] = np.nan
    for metric in table["metric"].unique():
        mine = [
            row for row in np.flatnonzero(table["metric"] == metric) if tests[row].kind
        ]
        family = [tests[row] for row in mine]
        table.loc[mine, "p_corrected"] = _correct_family(family)
        table.loc[mine, "n_tests"] = len(mine)
    return table[list(list_score_columns(table))]


def _correct_family(family: Collection[_Test]) -> list[float]:
    nulls = [test.null for test in family if test.null is not None]
    raw = [test.p_value for test in family]
    ways = {(len(null.scores), null.exchanged) for null in nulls}
    if len(family) < 2 or len(nulls) < len(family) or len(ways) > 1:
        return correct_by_holm(raw)
    observed = np.array([test.observed for test in family])
    corrected = correct_by_maximum(observed, np.stack([null.scores for null in nulls]))
    return [float(value) for value in np.maximum(raw, corrected)]
