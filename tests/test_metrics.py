"""Tests of :mod:`deepvanet.metrics`."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics as oracle

from deepvanet.metrics import (
    ALL_FOLDS,
    LEVELS,
    METRICS,
    SCORE_COLUMNS,
    count_confusion,
    mean_over_trials,
    score_labels,
    score_subjects,
    tabulate_scores,
)
from deepvanet.metrics.counts import score_counts
from deepvanet.metrics.scores import count_subjects

NAMES = {
    "protocol": "trial",
    "target": "valence",
    "streams": "bio",
    "learner": "network",
}
KEY = tuple(NAMES.values())


ORACLES = {
    "accuracy": lambda label, score, weight=None: oracle.accuracy_score(
        label, score > 0.5, sample_weight=weight
    ),
    "balanced_accuracy": lambda label, score, weight=None: (
        oracle.balanced_accuracy_score(label, score > 0.5, sample_weight=weight)
    ),
    "macro_f1": lambda label, score, weight=None: oracle.f1_score(
        label, score > 0.5, average="macro", zero_division=0, sample_weight=weight
    ),
    "mcc": lambda label, score, weight=None: oracle.matthews_corrcoef(
        label, score > 0.5, sample_weight=weight
    ),
    "auroc": lambda label, score, weight=None: oracle.roc_auc_score(
        label, score, sample_weight=weight
    ),
}


def score_with_sklearn(label, score, weight=None):
    """The five metrics of one model's scores, by scikit-learn."""
    return {name: ask(label, score, weight) for name, ask in ORACLES.items()}


def make_predictions(
    n_subjects=7, n_trials=8, *, n_segments=5, effect=0.0, seed=0, n_folds=4, shared=0
):
    """Predictions by trial folds; scores are coarse, so that there are ties.

    With ``shared``, some stimuli are easy for every subject and others hard.
    """
    rng = np.random.default_rng(seed)
    ease = rng.normal(0, shared, n_trials)
    rows = []
    for subject in range(n_subjects):
        label = rng.permutation(np.arange(n_trials) % 2)
        for trial in range(n_trials):
            leaning = (2 * label[trial] - 1) * (effect + ease[trial])
            score = np.clip(rng.normal(0.5 + leaning, 0.2, n_segments), 0, 1)
            rows += [
                {
                    "seed": 0,
                    "fold": trial % n_folds,
                    "subject": f"{subject + 1:02d}",
                    "trial": f"{trial + 1:02d}",
                    "stimulus": f"clip{trial}",
                    "segment": k,
                    "label": int(label[trial]),
                    "score": value,
                }
                for k, value in enumerate(score.round(2))
            ]
    return pd.DataFrame(rows).assign(**NAMES)


def tabulate(predictions, *, leaks="none", pooled=(), **options):
    return tabulate_scores(
        predictions,
        dataset="deap",
        sharing={KEY: (leaks, "subject")},
        pooled=pooled,
        **options,
    ).set_index(["level", "metric"])


@pytest.mark.parametrize("seed", range(10))
def test_scores_of_one_model_are_scikit_learn_s(seed):
    rng = np.random.default_rng(seed)
    label = np.array([0, 1, *rng.integers(0, 2, 40)])
    score = rng.random(42).round(1)

    scores = score_labels(label, score, np.zeros(42, dtype=int))

    assert scores == pytest.approx(score_with_sklearn(label, score))
    assert tuple(scores) == METRICS


@pytest.mark.parametrize("seed", range(5))
def test_auroc_counts_only_pairs_of_the_same_model(seed):
    """Oracle: every pair, one by one."""
    rng = np.random.default_rng(seed)
    label, fit = rng.integers(0, 2, 50), rng.integers(0, 4, 50)
    score = rng.random(50).round(1)

    won = [
        1.0 if score[high] > score[low] else 0.5 if score[high] == score[low] else 0.0
        for high in np.flatnonzero(label == 1)
        for low in np.flatnonzero(label == 0)
        if fit[high] == fit[low]
    ]

    assert score_labels(label, score, fit)["auroc"] == pytest.approx(np.mean(won))


def test_models_on_different_scales_do_not_spoil_auroc():
    label = np.array([0, 1, 0, 1])
    score = np.array([0.1, 0.2, 0.8, 0.9])

    assert score_labels(label, score, np.array([0, 0, 1, 1]))["auroc"] == 1.0
    assert score_labels(label, score, np.zeros(4, dtype=int))["auroc"] == 0.75


def test_auroc_is_undefined_where_no_model_scored_both_classes():
    scores = score_labels(np.array([0, 1]), np.array([0.1, 0.9]), np.array([0, 1]))

    assert np.isnan(scores["auroc"])
    assert scores["balanced_accuracy"] == 1.0


@pytest.mark.parametrize("only", [0, 1])
def test_with_one_class_only_accuracy_is_defined(only):
    label = np.full(4, only)
    scores = score_labels(label, np.array([0.9, 0.9, 0.9, 0.1]), np.zeros(4, dtype=int))

    assert scores["accuracy"] == (0.75 if only else 0.25)
    assert all(np.isnan(scores[metric]) for metric in METRICS[1:])


def test_a_constant_prediction_has_no_correlation():
    label = np.array([0, 1, 1, 1, 1])
    scores = score_labels(label, np.full(5, 0.8), np.zeros(5, dtype=int))

    assert scores == pytest.approx(
        {
            "accuracy": 0.8,
            "balanced_accuracy": 0.5,
            "macro_f1": 4 / 9,
            "mcc": 0,
            "auroc": 0.5,
        }
    )


def test_one_half_is_low():
    scores = score_labels(np.array([0]), np.array([0.5]), np.array([0]))
    assert scores["accuracy"] == 1.0


def test_a_trial_s_score_is_the_mean_of_its_segments():
    predictions = make_predictions(1, 2, n_segments=2, n_folds=2)
    predictions["score"] = [0.1, 0.5, 1.0, 0.8]

    trials = mean_over_trials(predictions)

    assert trials["score"].tolist() == pytest.approx([0.3, 0.9])
    assert trials["fold"].tolist() == [0, 1]
    assert trials["trial"].tolist() == ["01", "02"]


def test_trials_scored_by_several_models_are_scored_by_all_of_them():
    predictions = make_predictions(2, 4)
    predictions["fold"] = predictions["segment"] % 3
    mixed = predictions["subject"] == "01"
    predictions.loc[~mixed, "fold"] = 2

    trials = mean_over_trials(predictions)

    assert (trials.loc[trials["subject"] == "01", "fold"] == ALL_FOLDS).all()
    assert (trials.loc[trials["subject"] == "02", "fold"] == 2).all()


def test_trials_keep_learners_and_seeds_apart():
    predictions = make_predictions(2, 4)
    other = predictions.assign(learner="majority", score=0.9)
    again = predictions.assign(seed=1, score=0.2)

    trials = mean_over_trials(pd.concat([predictions, other, again]))

    assert len(trials) == 3 * 2 * 4
    assert (trials.loc[trials["learner"] == "majority", "score"].round(9) == 0.9).all()


@pytest.mark.parametrize("level", LEVELS)
def test_each_subject_is_scored_on_its_own(level):
    predictions = make_predictions(n_folds=1)

    scores = score_subjects(predictions, level)

    table = predictions if level == "segment" else mean_over_trials(predictions)
    for row in scores.itertuples():
        mine = table[table["subject"] == row.subject]
        expected = score_with_sklearn(
            mine["label"].to_numpy(), mine["score"].to_numpy()
        )
        assert {m: getattr(row, m) for m in METRICS} == pytest.approx(expected)
        assert (row.n, row.n_high) == (len(mine), mine["label"].sum())
        assert not row.one_class
    assert len(scores) == 7


def test_subjects_with_one_class_are_counted():
    predictions = make_predictions(2)
    predictions.loc[predictions["subject"] == "02", "label"] = 1

    scores = score_subjects(predictions, "trial").set_index("subject")

    assert scores["one_class"].to_dict() == {"01": False, "02": True}
    assert scores["n_high"].to_dict() == {"01": 4, "02": 8}
    assert np.isnan(scores.loc["02", "balanced_accuracy"])
    assert 0 <= scores.loc["02", "accuracy"] <= 1


def test_seeds_are_scored_apart_and_then_averaged():
    first, second = make_predictions(3, seed=1), make_predictions(3, seed=1)
    second = second.assign(seed=1, score=1 - second["score"])

    both = score_subjects(pd.concat([first, second]), "segment")

    one, two = score_subjects(first, "segment"), score_subjects(second, "segment")
    for metric in METRICS:
        expected = (one[metric] + two[metric]) / 2
        np.testing.assert_allclose(both[metric], expected)
    assert both["n"].tolist() == one["n"].tolist()


def test_scores_do_not_depend_on_the_order_of_rows():
    predictions = make_predictions()
    shuffled = predictions.sample(frac=1, random_state=0)

    pd.testing.assert_frame_equal(tabulate(shuffled), tabulate(predictions))


def test_confusion_is_counted_as_scikit_learn_does():
    predictions = make_predictions()

    counts = count_confusion(predictions, "segment")

    expected = oracle.confusion_matrix(predictions["label"], predictions["score"] > 0.5)
    np.testing.assert_array_equal(counts, expected)
    assert count_confusion(predictions, "trial").sum() == 7 * 8


@pytest.mark.parametrize("level", LEVELS)
def test_other_labels_of_trials_score_as_if_every_segment_had_them(level):
    """What the permutation test rests on, against the segments themselves."""
    predictions = make_predictions(1, n_folds=2)
    [(_, [counts])] = count_subjects(predictions, level)
    drawn = np.random.default_rng(0).permuted(np.tile(counts.label, (20, 1)), axis=1)

    scores = score_counts(counts, label=drawn)

    table = predictions if level == "segment" else mean_over_trials(predictions)
    trial = table["trial"].astype(int).to_numpy() - 1
    for number, label in enumerate(drawn):
        expected = score_labels(
            label[trial], table["score"].to_numpy(), table["fold"].to_numpy()
        )
        got = {metric: scores[metric][number] for metric in METRICS}
        assert got == pytest.approx(expected, nan_ok=True)


def test_weights_of_trials_score_as_if_trials_were_repeated():
    """What the bootstrap over stimuli rests on, against scikit-learn's weights."""
    predictions = make_predictions(1, n_folds=1)
    [(_, [counts])] = count_subjects(predictions, "segment")
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(8, np.full(8, 1 / 8), size=20).astype(float)
    drawn = drawn[[len(set(counts.label[w > 0])) == 2 for w in drawn]]

    scores = score_counts(counts, weight=drawn)

    trial = predictions["trial"].astype(int).to_numpy() - 1
    label, score = predictions["label"].to_numpy(), predictions["score"].to_numpy()
    for number, weight in enumerate(drawn):
        expected = score_with_sklearn(label, score, weight[trial])
        got = {metric: scores[metric][number] for metric in METRICS}
        assert got == pytest.approx(expected)


def test_the_table_has_its_columns_and_a_row_for_each_level_and_metric():
    table = tabulate_scores(
        make_predictions(),
        dataset="deap",
        sharing={KEY: ("none", "subject")},
        pooled=(),
        n_permutations=9,
    )

    assert tuple(table) == SCORE_COLUMNS
    assert list(zip(table["level"], table["metric"], strict=True)) == [
        (level, metric) for level in LEVELS for metric in METRICS
    ]
    assert set(table["dataset"]) == {"deap"}
    assert set(table["shares"]) == {"subject"}


def test_mean_and_spread_are_over_the_subjects_who_can_be_scored():
    predictions = make_predictions()
    predictions.loc[predictions["subject"] == "02", "label"] = 1

    table = tabulate(predictions)

    scores = score_subjects(predictions, "trial")
    row = table.loc["trial", "mcc"]
    assert row["n_subjects"] == 6
    assert row["mean"] == pytest.approx(np.nanmean(scores["mcc"]))
    assert row["sd"] == pytest.approx(np.nanstd(scores["mcc"], ddof=1))
    assert table.loc[("trial", "accuracy"), "n_subjects"] == 7


def test_the_interval_is_the_percentile_bootstrap_over_subjects():
    predictions = make_predictions(20, effect=0.1)

    row = tabulate(predictions, n_bootstrap=20_000).loc["segment", "accuracy"]

    values = score_subjects(predictions, "segment")["accuracy"].to_numpy()
    expected = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=20_000, rng=0
    ).confidence_interval
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(expected), abs=2e-3)


def test_there_is_no_interval_below_six_subjects():
    five, six = tabulate(make_predictions(5)), tabulate(make_predictions(6))

    assert five[["ci_low", "ci_high"]].isna().all(axis=None)
    assert six[["ci_low", "ci_high"]].notna().all(axis=None)


def average_of_recalls(label, score):
    return (np.mean(score[label == 1] > 0.5) + np.mean(score[label == 0] <= 0.5)) / 2


def share_of_pairs_won(label, score):
    gap = score[label == 1][:, None] - score[label == 0][None, :]
    return np.mean(np.sign(gap) / 2 + 0.5)


@pytest.mark.parametrize(
    ("metric", "ask"),
    [("balanced_accuracy", average_of_recalls), ("auroc", share_of_pairs_won)],
)
def test_the_interval_of_a_pooled_protocol_resamples_subjects_and_stimuli(metric, ask):
    """Oracle: rows repeated draw by draw and scored anew."""
    predictions = make_predictions(8, 10, n_segments=1, n_folds=1, shared=0.2)

    table = tabulate(predictions, pooled=["trial"], n_bootstrap=4000)

    rng = np.random.default_rng(1)
    label = predictions["label"].to_numpy().reshape(8, 10)
    score = predictions["score"].to_numpy().reshape(8, 10)
    means = []
    for _ in range(4000):
        clips, people = rng.integers(10, size=10), rng.integers(8, size=8)
        of_each = [
            ask(label[who, clips], score[who, clips])
            for who in people
            if len(set(label[who, clips])) == 2
        ]
        means.append(np.mean(of_each))
    interval = table.loc[("trial", metric), ["ci_low", "ci_high"]].tolist()
    assert interval == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.02)


def test_stimuli_that_all_find_easy_widen_the_interval_of_a_pooled_protocol():
    predictions = make_predictions(20, 10, shared=0.3)

    alone = tabulate(predictions).loc["trial", "accuracy"]
    crossed = tabulate(predictions, pooled=["trial"]).loc["trial", "accuracy"]

    width = alone["ci_high"] - alone["ci_low"]
    assert crossed["ci_high"] - crossed["ci_low"] > 2 * width
    assert crossed["mean"] == alone["mean"]


@pytest.mark.parametrize("metric", METRICS)
def test_the_p_value_of_one_subject_is_the_exact_one(metric):
    """Oracle: SciPy, over all 720 orders of six trials."""
    predictions = make_predictions(1, 6, n_segments=3, n_folds=1, effect=0.1, seed=4)
    trials = mean_over_trials(predictions)

    p_value = tabulate(predictions, n_permutations=20_000).loc[
        ("trial", metric), "p_value"
    ]

    exact = stats.permutation_test(
        (trials["label"].to_numpy(),),
        lambda label: ORACLES[metric](label, trials["score"].to_numpy()),
        permutation_type="pairings",
        alternative="greater",
        n_resamples=np.inf,
    )
    assert p_value == pytest.approx(exact.pvalue, abs=0.02)


def test_labels_are_shuffled_over_trials_and_never_over_segments():
    """A trial's segments all score alike: 60 of them are one observation."""
    predictions = make_predictions(1, 6, n_segments=60, n_folds=1)
    predictions["score"] = predictions["label"] * 0.8 + 0.1

    table = tabulate(predictions)

    # three of six trials are high, so that 1 in 20 orders is the observed one
    p_values = table.loc["segment", "p_value"]
    np.testing.assert_allclose(p_values, 1 / 20, atol=0.02)


def test_p_values_without_effect_are_spread_evenly_and_with_effect_small():
    null = [
        tabulate(make_predictions(4, seed=seed), n_permutations=99)["p_value"]
        for seed in range(60)
    ]

    by_auroc = [p_value["segment", "auroc"] for p_value in null]
    assert stats.kstest(by_auroc, "uniform").pvalue > 0.01
    strong = tabulate(make_predictions(effect=0.2))
    assert strong["p_value"].max() == pytest.approx(1 / 1001)


@pytest.mark.parametrize("leaks", ["trial", "trial+epoch", "unlabelled"])
def test_the_p_value_is_blank_where_something_leaks(leaks):
    table = tabulate(make_predictions(), leaks=leaks)

    assert table["p_value"].isna().all()
    assert set(table["leaks"]) == {leaks}


def test_a_row_does_not_depend_on_what_else_is_in_the_table():
    predictions = make_predictions()
    other = make_predictions(seed=9).assign(learner="majority")
    sharing = {KEY: ("none", "none"), (*KEY[:3], "majority"): ("none", "none")}
    options = {"dataset": "deap", "sharing": sharing, "pooled": ()}

    both = tabulate_scores(pd.concat([other, predictions]), **options)
    alone = tabulate_scores(predictions, **options)

    mine = both[both["learner"] == "network"].reset_index(drop=True)
    pd.testing.assert_frame_equal(mine, alone)


def test_the_seed_decides_interval_and_p_value():
    predictions = make_predictions()

    pd.testing.assert_frame_equal(tabulate(predictions), tabulate(predictions))
    other = tabulate(predictions, seed=1)
    assert (other["ci_low"] != tabulate(predictions)["ci_low"]).any()


def test_nobody_who_can_be_scored_leaves_blanks():
    predictions = make_predictions(3).assign(label=1)

    table = tabulate(predictions)

    row = table.loc["trial", "auroc"]
    assert row["n_subjects"] == 0
    assert row[["mean", "sd", "ci_low", "ci_high", "p_value"]].isna().all()
    assert table.loc[("trial", "accuracy"), "n_subjects"] == 3


def test_no_predictions_give_an_empty_table():
    table = tabulate_scores(
        make_predictions()[:0], dataset="deap", sharing={}, pooled=()
    )
    assert tuple(table) == SCORE_COLUMNS
    assert len(table) == 0
