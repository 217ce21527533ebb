"""How often sets of labels, or intervals of ratings, hold the truth of new people.

Of a run, only protocols that hold out whole people can say it: where a person trains
and is tested, the errors of that person are not those of a new one. For each person the
set is made as wide as the errors of all other people ask for, then it is counted how
many of that person's trials it holds (:mod:`deepvanet.metrics.conformal`).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from deepvanet.metrics.conformal import (
    HELD,
    find_bound,
    hold_out_people,
    measure_errors,
    measure_size,
    say_coverage,
)
from deepvanet.metrics.forms import find_form
from deepvanet.metrics.scores import mean_over_trials
from deepvanet.protocols import PROTOCOLS
from deepvanet.schema import KEY_COLUMNS, ScoreKey

COVERAGE_COLUMNS = (
    *("dataset", *KEY_COLUMNS, "level", "n_subjects", "n_trials"),
    *("coverage", "ci_low", "ci_high", "size"),
)
"""Columns of ``coverage.csv``. ``level`` is what sets are made to hold; ``size`` the
mean number of classes in a set, or the length of an interval in the rating's unit."""


def tabulate_coverage(
    predictions: pd.DataFrame,
    *,
    dataset: str,
    sharing: Mapping[ScoreKey, tuple[str, str]],
) -> pd.DataFrame:
    """Tabulate what sets hold of the trials of people who were held out whole.

    Parameters
    ----------
    predictions : DataFrame
        Of a run, as in ``predictions.csv``.
    dataset : str
        Value of the column dataset.
    sharing : mapping
        Of (protocol, target, streams, learner): what leaks and what is shared.

    Returns
    -------
    DataFrame
        Columns ``COVERAGE_COLUMNS``; a row for each part that does not leak, whose
        protocol holds out people, and whose ratings do not move. Coverage and size
        are NaN where the people are too few. Of several seeds, they are means.
    """
    rows: list[dict[str, Any]] = []
    by = list(KEY_COLUMNS)
    for key, part in predictions.groupby(by, sort=False, observed=True):
        named = ScoreKey(*map(str, key))
        if can_hold(named.protocol) and sharing[named][0] == "none":
            whose = {"dataset": dataset, **named._asdict(), "level": HELD}
            rows += [{**whose, **row} for row in _measure(part)]
    return pd.DataFrame(rows, columns=list(COVERAGE_COLUMNS))


def can_hold(protocol: str) -> bool:
    """Say whether a protocol holds out whole people, and is no control."""
    record = PROTOCOLS.get(protocol)
    return (
        record is not None
        and record.kind != "control"
        and record.scope == "all"
        and "subject" in record.units
    )


def _measure(part: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what sets of one part hold, over its seeds; nothing where ratings move."""
    form = find_form(part)
    if form.moves:
        return []
    trials = mean_over_trials(part)
    counts = {
        "n_subjects": trials["subject"].nunique(),
        "n_trials": len(trials.drop_duplicates(["subject", "trial"])),
    }
    held, sizes = [], []
    for _, rows in trials.groupby("seed", sort=True):
        predicted = _stack(np.asarray(form.read_values(rows), dtype=float), part)
        subject = rows["subject"].astype(str).to_numpy(dtype=str)
        error = measure_errors(form.read_truth(rows), predicted)
        mine = hold_out_people(error, subject)
        if mine is None:
            return [counts]
        held.append(mine)
        sizes.append(measure_size(predicted, find_bound(error, subject)))
    coverage, low, high = say_coverage(np.mean(held, axis=0))
    return [
        {
            **counts,
            "coverage": coverage,
            "ci_low": np.nan if low is None else low,
            "ci_high": np.nan if high is None else high,
            "size": float(np.mean(sizes)),
        }
    ]


def _stack(
    values: Float[np.ndarray, " trial *class"], part: pd.DataFrame
) -> Float[np.ndarray, " trial *class"]:
    """Return ratings, or a probability of each class."""
    form = find_form(part)
    if form.is_rating:
        return values.reshape(len(values))
    if values.ndim > 1 and values.shape[1] > 1:
        return values
    score = values.reshape(len(values))
    return np.stack([1 - score, score], axis=1)
