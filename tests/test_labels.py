"""Tests of :mod:`deepvanet.labels`."""

import numpy as np
import pandas as pd
import pytest

from deepvanet.labels import KNOWN_RULES, are_personal, has_label, label_ratings
from deepvanet.schema import UserError

NAN = float("nan")


@pytest.mark.parametrize(
    ("rule", "labels"), [(">=5", [0, 1, 1]), (">5", [0, 0, 1])], ids=["paper", "above"]
)
def test_a_label_rule_says_what_five_is(rule, labels):
    assert label_ratings([4.99, 5.0, 5.01], rule).tolist() == labels


@pytest.mark.parametrize(
    ("rule", "kept", "labels"),
    [
        ("<4,>6", [1.0, 3.9, 6.1, 9.0], [0, 0, 1, 1]),
        ("<=4,>=6", [1.0, 3.9, 4.0, 6.0, 6.1, 9.0], [0, 0, 0, 1, 1, 1]),
        ("<=4.5,>4.5", [1.0, 3.9, 4.0, 5.0, 6.0, 6.1, 9.0], [0, 0, 0, 1, 1, 1, 1]),
    ],
)
def test_two_bounds_leave_out_the_middle(rule, kept, labels):
    ratings = np.array([1.0, 3.9, 4.0, 5.0, 6.0, 6.1, 9.0, NAN])

    has = has_label(ratings, rule)

    assert ratings[has].tolist() == kept
    assert label_ratings(ratings[has], rule).tolist() == labels


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("=>5", "unknown label rule '=>5'. Known forms: >=5 "),
        ("<5", "unknown label rule '<5'"),
        ("mean", "unknown label rule 'mean'"),
        ("<6,>4", "the lower bound lies above the upper one"),
    ],
)
def test_what_is_no_label_rule_is_answered_with_the_known_forms(rule, message):
    with pytest.raises(UserError, match=message.replace(".", r"\.")):
        label_ratings([1.0], rule)


def make_table():
    """Three subjects of four trials of two segments; subject 3 rates high."""
    units = [(s, str(t)) for s in "123" for t in range(4) for _ in range(2)]
    table = pd.DataFrame(units, columns=["subject", "trial"])
    rated = {"1": [1, 2, 3, 4], "2": [5, 5, 6, 9], "3": [8, 8, 9, 9]}
    ratings = [float(rated[s][int(t)]) for s, t in units]
    return table, np.array(ratings)


def test_the_median_is_each_subject_s_own_over_trials():
    table, ratings = make_table()

    labels = label_ratings(ratings, "median", table=table)

    assert labels[::2].tolist() == [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1]


def test_the_median_looks_at_no_rating_of_the_test():
    table, ratings = make_table()
    train = np.flatnonzero((table["subject"] != "3") & (table["trial"] != "3"))
    poisoned = ratings.copy()
    poisoned[np.setdiff1d(np.arange(len(ratings)), train)] = 1.0

    first, second = (
        label_ratings(values, "median", table=table, train=train)
        for values in (ratings, poisoned)
    )

    assert first[train].tolist() == second[train].tolist()
    # subject 3 has no training trial: the median of all training trials is 4
    assert first[table["subject"] == "3"].tolist() == [1] * 8


@pytest.mark.parametrize("rule", KNOWN_RULES)
def test_every_known_rule_labels_what_it_keeps(rule):
    table, ratings = make_table()

    kept = has_label(ratings, rule)
    labels = label_ratings(ratings[kept], rule, table=table[kept])

    assert set(labels.tolist()) == {0, 1}


PEOPLE = pd.DataFrame({"subject": [*"aaabbbccc"], "trial": [1, 2, 3] * 3})


@pytest.mark.parametrize(
    ("rule", "ratings", "personal"),
    [
        (">=5", [3, 2, 4, 8, 9, 6, 5, 5, 5], True),
        (">=5", [3, 2, 4, 8, 9, 4, 5, 5, 5], False),
        (">=5", [NAN, 2, 4, 8, NAN, NAN, 5, 5, 5], True),
        (">=5", [6, 7, 8, 8, 9, 9, 5, 5, 5], False),
        (">=5", [NAN] * 9, False),
        ("<4,>6", [3, 5, 2, 7, 9, 5, 5, 5, 5], True),
        ("median", [3, 2, 4, 8, 9, 6, 5, 5, 5], False),
        ("median", [3, 3, 3, 8, 8, 8, 5, 5, 5], True),
    ],
)
def test_labels_are_personal_where_no_subject_has_two_and_subjects_differ(
    rule, ratings, personal
):
    assert are_personal(np.array(ratings), rule, table=PEOPLE) is personal


def test_one_trial_a_subject_makes_no_label_personal():
    assert not are_personal(np.array([3, 8, 7]), ">=5", table=PEOPLE[::3])
