"""Ratings -> labels, by a rule: which ratings are high, which low, which neither.

Ratings stay ratings in the store; a label is made when a target is chosen. The
rules, as they are written on the command line::

    >=5        high from 5 on: the paper's code
    >5         high above 5
    <4,>6      low below 4, high above 6; what lies between is left out
    median     high above the subject's own median, taken from its training trials

Two bounds may be inclusive too, as in ``<=3,>=7``. The median of a subject who has
no training trial is that of all training trials.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from deepvanet.protocols import columns_of
from deepvanet.protocols.sharing import belong_to_people
from deepvanet.schema import UserError

MEDIAN = "median"
KNOWN_RULES = (">=5", ">5", "<4,>6", MEDIAN)
"""Examples of every form."""

_NUMBER = r"\d+(?:\.\d+)?"
_FORM = re.compile(rf"(?:<(=?)({_NUMBER}),)?>(=?)({_NUMBER})")


def check_label_rule(rule: str) -> None:
    """Raise ``UserError`` where a rule is none.

    Raises
    ------
    UserError
        When the form is unknown, or the lower bound lies above the upper one.

    Examples
    --------
    >>> check_label_rule("<6,>4")
    Traceback (most recent call last):
    deepvanet.schema.UserError: label rule '<6,>4': the lower bound lies above the \
upper one
    """
    if rule == MEDIAN:
        return
    form = _FORM.fullmatch(rule)
    if form is None:
        raise UserError(
            f"unknown label rule {rule!r}. Known forms: {' '.join(KNOWN_RULES)}"
        )
    if form[2] is not None and float(form[2]) > float(form[4]):
        raise UserError(
            f"label rule {rule!r}: the lower bound lies above the upper one"
        )


def label_ratings(
    ratings: Sequence[float] | NDArray[Any],
    rule: str,
    *,
    table: pd.DataFrame | None = None,
    train: Int[np.ndarray, " item"] | None = None,
) -> Int[np.ndarray, " row"]:
    """Turn ratings into labels: 1 is high, 0 is low.

    Parameters
    ----------
    ratings : array, shape (row,)
        From 1 to 9; every row that is asked for has a label (``has_label``).
    rule : str
        As the module says.
    table : DataFrame, optional
        Columns subject and trial of the rows; ``median`` needs it.
    train : array, shape (item,), optional
        Row numbers whose ratings ``median`` may look at; all by default.

    Returns
    -------
    array, shape (row,)
        A label for each rating.

    Raises
    ------
    UserError
        When the rule is none.

    Examples
    --------
    >>> label_ratings([4.9, 5.0, 7.1], ">=5").tolist()
    [0, 1, 1]
    """
    check_label_rule(rule)
    values = np.asarray(ratings, dtype=float)
    if rule != MEDIAN:
        return _is_high(values, rule).astype(np.int64)
    if table is None:
        raise ValueError("the rule median needs to know the rows' subjects")
    return (values > _find_medians(values, table, train)).astype(np.int64)


def has_label(
    ratings: Sequence[float] | NDArray[Any], rule: str
) -> Bool[np.ndarray, " row"]:
    """Return which rows are rated, and high or low by the rule.

    Examples
    --------
    >>> has_label([3.0, 5.0, float("nan"), 7.0], "<4,>6").tolist()
    [True, False, False, True]
    """
    check_label_rule(rule)
    values = np.asarray(ratings, dtype=float)
    form = _FORM.fullmatch(rule)
    if form is None or form[2] is None:
        return np.asarray(~np.isnan(values))
    low = values <= float(form[2]) if form[1] else values < float(form[2])
    return np.asarray(low | _is_high(values, rule))


def are_personal(
    ratings: Sequence[float] | NDArray[Any], rule: str, *, table: pd.DataFrame
) -> bool:
    """Return whether each subject has one label over all trials, as of a diagnosis.

    A model that recognises such a subject needs no signal of the trial, and no
    subject alone can be scored: only people can be distinguished.

    Parameters
    ----------
    ratings : array, shape (row,)
        From 1 to 9; rows without a label do not count.
    table : DataFrame
        Columns subject and trial of the rows.

    Returns
    -------
    bool
        Whether some subject has several trials, none has two labels, and not all
        subjects have the same. By ``median`` no subject has two where its ratings
        are all equal.

    Examples
    --------
    >>> table = pd.DataFrame({"subject": [*"aabb"], "trial": [1, 2, 1, 2]})
    >>> are_personal([3.0, 2.0, 8.0, 9.0], ">=5", table=table)
    True
    >>> are_personal([3.0, 8.0, 8.0, 9.0], ">=5", table=table)
    False
    """
    known = has_label(ratings, rule)
    values = np.asarray(ratings, dtype=float)[known]
    label = values if rule == MEDIAN else label_ratings(values, rule)
    return belong_to_people(table.loc[known, columns_of("trial")].assign(label=label))


def _is_high(ratings: Float[np.ndarray, " row"], rule: str) -> Bool[np.ndarray, " row"]:
    form = _FORM.fullmatch(rule)
    if form is None:
        raise ValueError(f"{rule} has no bound")
    bound = float(form[4])
    return np.asarray(ratings >= bound if form[3] else ratings > bound)


def _find_medians(
    ratings: Float[np.ndarray, " row"],
    table: pd.DataFrame,
    train: Int[np.ndarray, " item"] | None,
) -> Float[np.ndarray, " row"]:
    """Return each row's bound: the median over its subject's training trials."""
    rated = table[columns_of("trial")].assign(rating=ratings)
    seen = rated if train is None else rated.iloc[train]
    trials = seen.drop_duplicates(columns_of("trial"))
    medians = trials.groupby("subject", observed=True)["rating"].median()
    overall = float(trials["rating"].median())
    return rated["subject"].map(medians).fillna(overall).to_numpy(dtype=float)
