"""Groups of people have the scores of their own subjects, and no others."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score

from deepvanet.metrics import GROUP_COLUMNS, find_groups, measure_groups
from deepvanet.metrics import tabulate_groups as tabulate
from deepvanet.schema import ScoreKey, UserError
from simulated_predictions import NAMES, predict_classes

SUBJECTS = [f"{number:02d}" for number in range(1, 19)]
SEX = dict(zip(SUBJECTS, ["f"] * 8 + ["m"] * 7 + ["not stated"] * 3, strict=True))


def predict(rng, *, n_trials=16, effect=0.5, shared=0.0, own_clips=False):
    """Predict high and low of trials; ``shared`` is what a clip adds for everyone."""
    rows = pd.MultiIndex.from_product(
        [SUBJECTS, range(n_trials)], names=["subject", "trial"]
    ).to_frame(index=False)
    label = np.tile(np.arange(n_trials) % 2, len(SUBJECTS))
    of_clip = np.tile(rng.normal(0, shared, n_trials), len(SUBJECTS))
    logit = rng.normal(0, 1, len(rows)) + (2 * label - 1) * (effect + of_clip)
    clip = rows["trial"].astype(str)
    return rows.assign(
        **NAMES,
        seed=0,
        fold=rows["trial"] % 4,
        segment=0,
        trial=rows["trial"].astype(str),
        stimulus=rows["subject"] + "-" + clip if own_clips else clip,
        label=label,
        score=1 / (1 + np.exp(-logit)),
    )


def pick(rows, group, metric="balanced_accuracy"):
    (row,) = [r for r in rows if r["group"] == group and r["metric"] == metric]
    return row


def score_by_hand(predictions, group):
    """Return the balanced accuracy of each subject of a group, by scikit-learn."""
    return np.array(
        [
            balanced_accuracy_score(mine["label"], mine["score"] > 0.5)
            for subject, mine in predictions.groupby("subject")
            if SEX[subject] == group
        ]
    )


def test_a_group_has_the_mean_of_its_own_subjects():
    predictions = predict(np.random.default_rng(0))

    rows = measure_groups(predictions, SEX)

    for group, n_subjects in (("f", 8), ("m", 7)):
        row = pick(rows, group)
        by_hand = score_by_hand(predictions, group)
        assert row["mean"] == pytest.approx(by_hand.mean())
        assert row["sd"] == pytest.approx(by_hand.std(ddof=1))
        assert (row["n_subjects"], row["n_scored"]) == (n_subjects, n_subjects)
        assert (row["n_trials"], row["n_others"]) == (16 * n_subjects, 18 - n_subjects)


def test_without_shared_clips_a_difference_has_the_error_of_two_means():
    predictions = predict(np.random.default_rng(1), own_clips=True)
    one = score_by_hand(predictions, "m")
    other = np.concatenate([score_by_hand(predictions, g) for g in ("f", "not stated")])

    row = pick(measure_groups(predictions, SEX), "m")

    error = np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
    reach = stats.t.isf(0.025, len(one) - 1) * error
    difference = one.mean() - other.mean()
    assert row["difference"] == pytest.approx(difference)
    assert row["difference_low"] == pytest.approx(difference - reach)
    assert row["difference_high"] == pytest.approx(difference + reach)


def test_a_group_of_fewer_than_six_scored_subjects_has_no_score():
    predictions = predict(np.random.default_rng(2))
    one_class = predictions["subject"].isin(["09", "10"])  # two of the seven men
    predictions.loc[one_class, "label"] = 1

    rows = measure_groups(predictions, SEX)

    for group, n_subjects, n_scored in (("not stated", 3, 3), ("m", 7, 5)):
        row = pick(rows, group)
        assert (row["n_subjects"], row["n_scored"]) == (n_subjects, n_scored)
        assert not {"mean", "ci_low", "difference"} & set(row)
    assert "difference" in pick(rows, "f")  # to the eight scored others


def test_groups_of_people_who_have_one_label_each_are_scored_over_people():
    predictions = predict(np.random.default_rng(3))
    number = predictions["subject"].astype(int)
    predictions["label"] = number % 2

    row = pick(measure_groups(predictions, SEX), "f")

    mine = predictions[predictions["subject"].map(SEX) == "f"]
    people = mine.groupby("subject")[["label", "score"]].mean()
    by_hand = balanced_accuracy_score(
        people["label"].astype(int), people["score"] > 0.5
    )
    assert row["mean"] == pytest.approx(by_hand)
    assert "difference" not in row


def test_a_table_has_a_row_a_part_group_and_metric_and_says_what_leaks():
    predictions = predict_classes(n_subjects=12, n_trials=9)
    groups = {f"{n:02d}": "old" if n > 6 else "young" for n in range(1, 13)}
    key = ScoreKey(*NAMES.values())

    table = tabulate(
        predictions,
        groups,
        column="age_band",
        dataset="own",
        sharing={key: ("trial", "subject")},
    )

    assert tuple(table.columns) == GROUP_COLUMNS
    assert set(table["group"]) == {"old", "young"}
    assert len(table) == 2 * table["metric"].nunique()
    assert set(table["leaks"]) == {"trial"}
    by_metric = table.pivot_table(index="metric", columns="group", values="difference")
    np.testing.assert_allclose(by_metric["old"], -by_metric["young"])


@pytest.mark.long
def test_differences_without_a_cause_exclude_zero_in_at_most_one_of_twenty():
    """Both variances hold that of single trials, so intervals are rather too wide."""
    rng = np.random.default_rng(4)
    groups = {name: "f" if n < 9 else "m" for n, name in enumerate(SUBJECTS)}
    excluded = []
    for _ in range(150):
        predictions = predict(rng, shared=0.7)
        row = pick(measure_groups(predictions, groups), "f")
        excluded.append(not row["difference_low"] <= 0 <= row["difference_high"])

    assert np.mean(excluded) <= 0.05


def make_trials(**columns):
    return pd.DataFrame(
        {"subject": ["1", "1", "2", "2"], "trial": list("abab"), **columns}
    )


def test_groups_are_read_from_text_numbers_and_blanks():
    assert find_groups(make_trials(sex=[" f", "f", "", None]), "sex", what="run r") == {
        "1": "f",
        "2": "not stated",
    }
    ages = find_groups(make_trials(age=[30.0, 30.0, np.nan, 41.0]), "age", what="run r")
    assert ages == {"1": "30", "2": "41"}


NO_COLUMN = (
    "group: run r has no column 'sex' of trials; columns with one value a subject: "
)
TWO_VALUES = (
    "group: subject 1 of run r has two values of sex, 'f' and 'm'; a group needs one "
    "value a subject"
)


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"sex": ["f", "m", "m", "m"]}, TWO_VALUES),
        (
            {"hand": ["l", "l", "r", "r"], "n_segments": [1, 1, 2, 2]},
            f"{NO_COLUMN}hand",
        ),
        ({}, f"{NO_COLUMN}none"),
        ({"sex": ["", "", "", ""]}, "group: column sex of run r is blank"),
    ],
)
def test_a_column_that_is_no_group_is_refused_in_a_sentence(columns, sentence):
    with pytest.raises(UserError) as refused:
        find_groups(make_trials(**columns), "sex", what="run r")

    assert str(refused.value) == sentence


def test_a_column_of_many_values_is_refused():
    trials = pd.DataFrame({"subject": SUBJECTS, "age": range(18)})

    with pytest.raises(UserError, match="age of run r has 18 values; at most 10"):
        find_groups(trials, "age", what="run r")
