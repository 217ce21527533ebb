"""Tests of the scores of several classes."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as oracle

from deepvanet.metrics import (
    LEVELS,
    METRICS,
    count_confusion,
    find_form,
    find_means,
    mean_over_people,
    mean_over_trials,
    measure,
    score_subjects,
    score_together,
    tabulate_over_priors,
    tabulate_scores,
)
from deepvanet.metrics.scores import count_subjects
from deepvanet.schema import QUADRANT_NAMES, ScoreKey
from simulated_predictions import NAMES, predict_classes

KEY = ScoreKey(**NAMES)


def score_with_sklearn(rows, weight=None):
    """The five metrics of one model's probabilities, by scikit-learn."""
    form = find_form(rows)
    probability = form.read_values(rows)
    names = np.array(form.classes)
    truth, called = rows["truth"].to_numpy(), names[probability.argmax(axis=1)]
    given = {"sample_weight": weight}
    # its AUROC of several classes takes only probabilities that sum to one, and the
    # classes in the order of their names
    auroc = np.mean(
        [
            oracle.roc_auc_score(truth == name, probability[:, number], **given)
            for number, name in enumerate(names)
            if (truth == name).any()
        ]
    )
    return {
        "accuracy": oracle.accuracy_score(truth, called, **given),
        "balanced_accuracy": oracle.recall_score(
            truth, called, average="macro", labels=np.unique(truth), **given
        ),
        "macro_f1": oracle.f1_score(
            truth, called, average="macro", zero_division=0, **given
        ),
        "mcc": oracle.matthews_corrcoef(truth, called, **given),
        "auroc": auroc,
    }


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("classes", [("<4", "4-6", ">6"), QUADRANT_NAMES])
def test_scores_of_one_model_are_scikit_learn_s(seed, classes):
    rows = predict_classes(1, 40, classes=classes, n_segments=1, seed=seed)

    scores = score_together(rows)

    assert scores == pytest.approx(score_with_sklearn(rows))
    assert tuple(scores) == METRICS


def test_auroc_is_scikit_learn_s_mean_of_each_class_against_the_rest():
    rows = predict_classes(1, 60, classes=("a", "b", "c"), n_segments=1)
    columns = list(find_form(rows).values)
    rows[columns] = rows[columns].div(rows[columns].sum(axis=1), axis=0)

    expected = oracle.roc_auc_score(
        rows["truth"], rows[columns].to_numpy(), multi_class="ovr", average="macro"
    )

    assert score_together(rows)["auroc"] == pytest.approx(expected)


def test_balanced_accuracy_is_over_the_classes_that_a_subject_has():
    rows = predict_classes(1, 20, n_segments=1)
    rows = rows[rows["truth"] != "4-6"]

    scores = score_together(rows)

    assert scores["balanced_accuracy"] == pytest.approx(
        score_with_sklearn(rows)["balanced_accuracy"]
    )
    one_class = score_together(rows[rows["truth"] == "<4"])
    assert [name for name, value in one_class.items() if not np.isnan(value)] == [
        "accuracy"
    ]


def test_chance_is_higher_for_subjects_who_lack_a_class():
    predictions = predict_classes(4)
    lacking = predictions["subject"].isin(["01", "02"]) & (predictions["truth"] == ">6")

    whole = measure(predictions, "trial")["balanced_accuracy"]
    less = measure(predictions[~lacking], "trial")["balanced_accuracy"]

    assert whole.chance == pytest.approx(1 / 3)
    assert less.chance == pytest.approx((1 / 2 + 1 / 3) / 2)


def test_a_constant_prediction_has_no_correlation():
    rows = predict_classes(1, 12, n_segments=1)
    rows = rows.assign(**dict.fromkeys(find_form(rows).values, 0.0))
    rows["probability_4-6"] = 1.0

    scores = score_together(rows)

    assert (scores["mcc"], scores["auroc"]) == (0, 0.5)
    assert scores["balanced_accuracy"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("level", LEVELS)
def test_each_subject_is_scored_on_its_own(level):
    predictions = predict_classes(n_folds=1)

    scores = score_subjects(predictions, level)

    table = predictions if level == "segment" else mean_over_trials(predictions)
    for row in scores.itertuples():
        mine = table[table["subject"] == row.subject]
        expected = score_with_sklearn(mine)
        assert {m: getattr(row, m) for m in METRICS} == pytest.approx(expected)
        assert (row.n, row.one_class) == (len(mine), False)
    assert find_means(predictions, level) == pytest.approx(
        scores[[*METRICS]].mean().to_dict()
    )


def test_a_trial_is_called_what_is_most_probable_in_the_mean_of_its_segments():
    predictions = predict_classes(1, 3, n_segments=2)
    columns = list(find_form(predictions).values)
    predictions.loc[predictions.index[:2], columns] = [[0.5, 0.4, 0.1], [0.1, 0.4, 0.5]]

    trial = mean_over_trials(predictions).iloc[0]

    assert trial["prediction"] == "4-6"
    assert trial[columns].tolist() == pytest.approx([0.3, 0.4, 0.3])


def test_models_on_different_scales_do_not_spoil_auroc():
    """Oracle: AUROC of each fold's pairs, and the mean by their number."""
    predictions = predict_classes(1, 24, n_segments=1, n_folds=2)
    [(_, [counts])] = count_subjects(predictions, "segment")

    parts = []
    for name in find_form(predictions).classes:
        won = pairs = 0.0
        for _, fold in predictions.groupby("fold"):
            inside = fold["truth"] == name
            size = inside.sum() * (~inside).sum()
            pairs += size
            won += size * oracle.roc_auc_score(inside, fold[f"probability_{name}"])
        parts.append(won / pairs)

    assert counts.score()["auroc"][0] == pytest.approx(np.mean(parts))


@pytest.mark.parametrize("level", LEVELS)
def test_a_clip_that_is_left_out_by_weights_is_left_out(level):
    predictions = predict_classes(9, 12, shared=0.5)

    measured = measure(predictions, level)

    for number, name in enumerate(sorted(predictions["stimulus"].unique())):
        rest = score_subjects(predictions[predictions["stimulus"] != name], level)
        for metric in METRICS:
            np.testing.assert_allclose(
                measured[metric].without[:, number], rest[metric]
            )


def test_confusion_is_counted_as_scikit_learn_does():
    predictions = predict_classes()
    classes = list(find_form(predictions).classes)

    expected = oracle.confusion_matrix(
        predictions["truth"], predictions["prediction"], labels=classes
    )

    np.testing.assert_array_equal(count_confusion(predictions, "segment"), expected)
    assert count_confusion(predictions, "trial").sum() == 7 * 12


def test_the_table_says_the_task_and_tests_against_one_in_so_many():
    predictions = predict_classes(9, 24, classes=QUADRANT_NAMES, effect=0.0)
    sharing = {KEY: ("none", "subject")}

    table = tabulate_scores(predictions, dataset="deap", sharing=sharing)
    better = tabulate_scores(
        predict_classes(9, 24, classes=QUADRANT_NAMES, effect=1.5),
        dataset="deap",
        sharing=sharing,
    )

    assert set(table["task"]) == {"quadrants"}
    rows, others = (
        t[t["level"] == "trial"].set_index("metric") for t in (table, better)
    )
    assert rows.loc["balanced_accuracy", "mean"] == pytest.approx(0.25, abs=0.06)
    assert rows.loc["balanced_accuracy", "p_value"] > 0.05
    assert others.loc["balanced_accuracy", "p_value"] < 0.001
    assert list(rows.index[rows["p_kind"] == "t"]) == [
        *("balanced_accuracy", "mcc", "auroc")
    ]


def test_labels_of_people_are_scored_over_people():
    predictions = predict_classes(12, 6, effect=0).assign(protocol="subject", fold=0)
    groups = np.array(["<4", "4-6", ">6"])[predictions["subject"].astype(int) % 3]
    predictions = predictions.assign(truth=groups)
    for name in find_form(predictions).classes:
        predictions[f"probability_{name}"] += 0.15 * (groups == name)

    found = measure(predictions, "trial")

    people = mean_over_people(predictions, "trial")
    assert len(people) == 12
    expected = score_with_sklearn(people)
    assert {m: found[m].mean for m in METRICS} == pytest.approx(expected)
    accuracy = found["accuracy"]
    assert accuracy.is_over_people
    assert len(accuracy.known) == 12
    # the jackknife of a mean is the variance over people by their number
    right = (
        people["truth"].to_numpy()
        == np.array(["<4", "4-6", ">6"])[
            find_form(people).read_values(people).argmax(axis=1)
        ]
    )
    assert accuracy.spread.variance == pytest.approx(right.var(ddof=1) / 12)


def test_the_prior_is_one_of_the_same_task():
    ours = predict_classes(9, 12, effect=1.5)
    prior = predict_classes(9, 12, effect=0, seed=0).assign(learner="subject-prior")
    both = pd.concat([ours, prior])
    keys = [KEY._replace(learner=name) for name in ("network", "subject-prior")]

    table = tabulate_over_priors(
        both, dataset="deap", sharing=dict.fromkeys(keys, ("none", "subject"))
    )

    assert set(table["metric"]) == set(METRICS)
    row = table.set_index("metric").loc["balanced_accuracy"]
    assert row["ci_low"] < row["difference"] < row["ci_high"]
