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

from deepvanet.metrics.counts import METRICS
from deepvanet.metrics.families import (
    correct_by_holm,
    correct_by_maximum,
    find_p_value,
)
from deepvanet.metrics.jackknife import find_interval, find_p_above, find_p_unequal
from deepvanet.metrics.scores import LEVELS, Measurement, measure
from deepvanet.protocols import PROTOCOLS
from deepvanet.protocols.sharing import belong_to_people
from deepvanet.schema import KEY_COLUMNS, PRIORS, ScoreKey

SCORE_COLUMNS = (
    "dataset",
    *KEY_COLUMNS,
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
"""Columns of ``scores.csv``."""

PERMUTATION_COLUMNS = (
    *(*KEY_COLUMNS, "exchanged", "permutation"),
    *METRICS,
)
"""Columns of ``permutations.csv``: the scores of one learner, ratings exchanged.
``exchanged`` is what kept its ratings together: ``clips``, ``trials`` of a subject, or
``people``."""

PRIOR_COLUMNS = (
    *("dataset", *KEY_COLUMNS, "prior", "metric"),
    *("difference", "ci_low", "ci_high", "p_value", "p_corrected", "n_tests"),
)
"""Columns of a table of differences to priors."""

CHANCE: Mapping[str, float] = {"balanced_accuracy": 0.5, "auroc": 0.5, "mcc": 0.0}
"""Of the metrics that have one for any share of high trials."""

_TESTED_LEVEL = "trial"


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
        Columns ``PERMUTATION_COLUMNS``; a learner that is not in it has the p-value
        of a t-test.
    controls : collection of str
        Protocols that answer what a difference comes from, and are no tests.

    Returns
    -------
    DataFrame
        Columns ``SCORE_COLUMNS``. What has no value is NaN, or an empty ``p_kind``.
    """
    nulls = _list_nulls(permutations)
    rows: list[dict[str, Any]] = []
    tests: list[_Test] = []
    for key, part in _list_parts(predictions):
        leaks, shares = sharing[key]
        is_test = leaks == "none" and key[0] not in controls and key[3] not in PRIORS
        is_blank = "stimulus" in shares.split("+") and not belong_to_people(part)
        for level in LEVELS:
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
                    }
                )
    table = pd.DataFrame(rows, columns=list(SCORE_COLUMNS))
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
        metric. The p-value is two-sided, corrected over the parts of one metric.
    """
    parts = dict(_list_parts(predictions))
    rows = []
    for key, part in parts.items():
        prior = PROTOCOLS[key[0]].prior if key[0] in PROTOCOLS else ""
        partner = (*key[:3], prior)
        if key[3] in PRIORS or partner not in parts or sharing[key][0] != "none":
            continue
        ours, theirs = (measure(p, "trial") for p in (part, parts[partner]))
        for metric in METRICS:
            found = ours[metric].minus(theirs[metric])
            low, high = find_interval(found.mean, found.spread)
            p_value = find_p_unequal(found.mean, found.spread)
            rows.append((dataset, *key, prior, metric, found.mean, low, high, p_value))
    table = pd.DataFrame(rows, columns=list(PRIOR_COLUMNS[:-2]))
    table["p_corrected"] = np.nan
    for _, mine in table.groupby("metric"):
        table.loc[mine.index, "p_corrected"] = correct_by_holm(mine["p_value"].tolist())
    table["n_tests"] = table.groupby("metric")["p_value"].transform("count")
    return table[list(PRIOR_COLUMNS)]


def _list_parts(predictions: pd.DataFrame) -> Iterator[tuple[ScoreKey, pd.DataFrame]]:
    for key, part in predictions.groupby(list(KEY_COLUMNS), sort=False, observed=True):
        yield ScoreKey(*map(str, key)), part


def _list_nulls(permutations: pd.DataFrame | None) -> dict[tuple[ScoreKey, str], _Null]:
    """Return the permutations of each part and metric."""
    if permutations is None:
        return {}
    return {
        (key, metric): _Null(
            part.sort_values("permutation")[metric].to_numpy(dtype=float),
            str(part["exchanged"].iloc[0]),
        )
        for key, part in _list_parts(permutations)
        for metric in METRICS
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
        p_value = find_p_value(measured.mean, null.scores)
        if np.isfinite(p_value):
            return _Test(p_value, "permutation", null, measured.mean)
    if without_t or metric not in CHANCE:
        return _Test()
    p_value = find_p_above(measured.mean, measured.spread, chance=CHANCE[metric])
    return _Test(p_value, "t") if np.isfinite(p_value) else _Test()


def _correct(table: pd.DataFrame, tests: list[_Test]) -> pd.DataFrame:
    """Fill in corrected p-values and the number of tests, metric by metric."""
    table["p_corrected"] = np.nan
    table["n_tests"] = np.nan
    for metric in METRICS:
        mine = [
            row for row in np.flatnonzero(table["metric"] == metric) if tests[row].kind
        ]
        family = [tests[row] for row in mine]
        table.loc[mine, "p_corrected"] = _correct_family(family)
        table.loc[mine, "n_tests"] = len(mine)
    return table[list(SCORE_COLUMNS)]


def _correct_family(family: Collection[_Test]) -> list[float]:
    nulls = [test.null for test in family if test.null is not None]
    raw = [test.p_value for test in family]
    ways = {(len(null.scores), null.exchanged) for null in nulls}
    if len(family) < 2 or len(nulls) < len(family) or len(ways) > 1:
        return correct_by_holm(raw)
    observed = np.array([test.observed for test in family])
    corrected = correct_by_maximum(observed, np.stack([null.scores for null in nulls]))
    return [float(value) for value in np.maximum(raw, corrected)]
