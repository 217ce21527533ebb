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
    PRIOR_COLUMNS,
    SCORE_COLUMNS,
    correct_by_holm,
    count_confusion,
    find_spread,
    mean_over_trials,
    measure,
    score_labels,
    score_subjects,
    tabulate_over_priors,
    tabulate_scores,
)
from deepvanet.metrics.scores import count_subjects
from deepvanet.schema import ScoreKey

NAMES = {
    "protocol": "trial",
    "target": "valence",
    "streams": "bio",
    "learner": "network",
}
KEY = ScoreKey(**NAMES)


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


def tabulate(predictions, *, leaks="none", shares="subject", **options):
    return tabulate_scores(
        predictions, dataset="deap", sharing={KEY: (leaks, shares)}, **options
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


def test_weights_of_trials_score_as_if_trials_were_repeated():
    """What the jackknife over clips rests on, against scikit-learn's weights."""
    predictions = make_predictions(1, n_folds=1)
    [(_, [counts])] = count_subjects(predictions, "segment")
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(8, np.full(8, 1 / 8), size=20).astype(float)
    drawn = drawn[[len(set(counts.truth[w > 0])) == 2 for w in drawn]]

    scores = counts.score(drawn)

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


def leave_out(predictions, column, metric="balanced_accuracy"):
    """The score with each subject or clip left out, scored anew."""
    return np.array(
        [
            score_subjects(predictions[predictions[column] != name], "trial")[
                metric
            ].mean()
            for name in predictions[column].unique()
        ]
    )


@pytest.mark.parametrize("metric", METRICS)
def test_the_interval_is_the_two_way_jackknife_done_by_brute_force(metric):
    predictions = make_predictions(9, 12, shared=0.3)

    row = tabulate(predictions).loc["trial", metric]

    variance = 0.0
    for column in ("subject", "stimulus"):
        left = leave_out(predictions, column, metric)
        variance += (len(left) - 1) / len(left) * np.sum((left - left.mean()) ** 2)
    reach = stats.t.ppf(0.975, 8) * np.sqrt(variance)
    assert row["ci_low"] == pytest.approx(row["mean"] - reach)
    assert row["ci_high"] == pytest.approx(row["mean"] + reach)


@pytest.mark.parametrize("protocol", ["stimulus", "subject-stimulus"])
def test_where_clips_are_held_out_their_variance_counts_twice(protocol):
    """A clip trains the models that test the others: each pair is in two scores."""
    predictions = make_predictions(20, 12, shared=0.3)
    name = "balanced_accuracy"
    held = predictions.assign(protocol=protocol)

    with_clips = measure(predictions.assign(protocol="trial"), "trial")[name]
    held_out = measure(held, "trial")[name]

    of_clips = with_clips.spread.variance - find_spread(with_clips.known).variance
    assert held_out.mean == with_clips.mean
    assert held_out.spread.variance == pytest.approx(
        with_clips.spread.variance + of_clips
    )
    assert held_out.minus(held_out).clips_held_out


def test_clips_that_nobody_shares_are_not_left_out():
    """Oracle: the interval of SciPy's t-test over subjects."""
    predictions = make_predictions(9, 12, shared=0.3)
    predictions["stimulus"] = predictions["subject"] + predictions["trial"]

    row = tabulate(predictions).loc["trial", "balanced_accuracy"]

    values = score_subjects(predictions, "trial")["balanced_accuracy"]
    theirs = stats.ttest_1samp(values, 0.5, alternative="greater")
    interval = stats.ttest_1samp(values, 0.5).confidence_interval()
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(interval))
    assert row["p_value"] == pytest.approx(theirs.pvalue)
    assert row["p_kind"] == "t"


def test_clips_that_all_find_easy_widen_the_interval():
    predictions = make_predictions(20, 10, shared=0.3)
    apart = predictions.assign(stimulus=predictions["subject"] + predictions["trial"])

    crossed = tabulate(predictions).loc["trial", "accuracy"]
    alone = tabulate(apart).loc["trial", "accuracy"]

    width = alone["ci_high"] - alone["ci_low"]
    assert crossed["ci_high"] - crossed["ci_low"] > 2 * width
    assert crossed["mean"] == alone["mean"]


@pytest.mark.parametrize(("n_subjects", "n_clips"), [(5, 12), (12, 7)])
def test_there_is_no_interval_below_six_subjects_or_eight_clips(n_subjects, n_clips):
    few = tabulate(make_predictions(n_subjects, n_clips))
    enough = tabulate(make_predictions(6, 8))

    assert few[["ci_low", "ci_high", "p_value"]].isna().all(axis=None)
    assert set(few["p_kind"]) == {""}
    assert enough[["ci_low", "ci_high"]].notna().all(axis=None)


def make_permutations(values, *, learner="network", metric="balanced_accuracy"):
    """A table of permutations in which one metric has values."""
    key = {**NAMES, "learner": learner, "exchanged": "clips"}
    table = pd.DataFrame({"permutation": range(len(values))}).assign(**key)
    return table.assign(**dict.fromkeys(METRICS, np.nan)).assign(**{metric: values})


def test_where_clips_exchanged_their_ratings_the_p_value_counts_them():
    predictions = make_predictions(9, 12, effect=0.1)
    observed = tabulate(predictions).loc[("trial", "balanced_accuracy"), "mean"]
    drawn = [observed - 0.1] * 15 + [observed] * 3 + [observed + 0.1, np.nan]

    table = tabulate(predictions, permutations=make_permutations(drawn))

    # 3 as high, 1 higher and the observed one, of 19 that have a score and itself
    assert table.loc[("trial", "balanced_accuracy"), "p_value"] == 5 / 20
    kinds = table.loc["trial", "p_kind"].to_dict()
    assert kinds["balanced_accuracy"] == "permutation"
    assert kinds["auroc"] == kinds["mcc"] == "t"
    # no number says what chance is, so there is nothing to test against
    assert kinds["accuracy"] == kinds["macro_f1"] == ""


def test_segments_have_no_p_value():
    table = tabulate(make_predictions(9, 12, effect=0.2))

    assert table.loc["segment", "p_value"].isna().all()
    assert table.loc[("trial", "auroc"), "p_value"] < 0.05


def test_where_clips_are_shared_a_t_against_chance_is_blank():
    predictions = make_predictions(9, 12, effect=0.2)
    permutations = make_permutations([0.5] * 199)

    row = tabulate(predictions, shares="stimulus").loc["trial", "balanced_accuracy"]
    permuted = tabulate(predictions, shares="stimulus", permutations=permutations)

    assert np.isnan(row["p_value"])
    assert row["p_kind"] == ""
    assert np.isfinite(row["ci_low"])
    assert permuted.loc[("trial", "balanced_accuracy"), "p_value"] == 1 / 200


def tabulate_several(*learners, permutations=None):
    """Several learners of one protocol, with the p-values of balanced accuracy."""
    predictions = pd.concat(
        make_predictions(9, 12, effect=effect, seed=seed).assign(learner=name)
        for seed, (name, effect) in enumerate(learners)
    )
    sharing = {KEY._replace(learner=name): ("none", "subject") for name, _ in learners}
    table = tabulate_scores(
        predictions, dataset="deap", sharing=sharing, permutations=permutations
    )
    rows = (table["level"] == "trial") & (table["metric"] == "balanced_accuracy")
    return table[rows].set_index("learner")


def test_all_tests_of_a_table_are_corrected_and_priors_are_none():
    table = tabulate_several(
        ("network", 0.1), ("eegnet", 0.0), ("riemann", 0.05), ("majority", 0.3)
    )

    tests = table.loc[["network", "eegnet", "riemann"]]
    expected = correct_by_holm(tests["p_value"].tolist())
    assert tests["p_corrected"].tolist() == pytest.approx(expected)
    assert set(tests["n_tests"]) == {3}
    assert table.loc["majority", ["p_value", "p_corrected", "n_tests"]].isna().all()


def test_tests_that_were_permuted_alike_are_corrected_by_their_maximum():
    """Two learners that say the same are one test, however many names they have."""
    null = np.random.default_rng(0).normal(0.5, 0.05, 199)
    permutations = pd.concat(
        make_permutations(null, learner=name) for name in ("network", "eegnet")
    )

    same = tabulate_several(("network", 0.05), permutations=permutations)
    predictions = make_predictions(9, 12, effect=0.05)
    both = pd.concat([predictions, predictions.assign(learner="eegnet")])
    sharing = {
        KEY._replace(learner=n): ("none", "subject") for n in ("network", "eegnet")
    }
    table = tabulate_scores(
        both, dataset="deap", sharing=sharing, permutations=permutations
    )

    rows = table[(table["level"] == "trial") & (table["metric"] == "balanced_accuracy")]
    raw = same["p_value"].item()
    assert rows["p_value"].tolist() == [raw, raw]
    assert rows["p_corrected"].tolist() == [raw, raw]
    assert set(rows["n_tests"]) == {2}


def test_the_difference_to_a_protocol_s_own_prior_stands_beside_the_score():
    ours = make_predictions(9, 12, effect=0.2).assign(protocol="subject")
    prior = make_predictions(9, 12, seed=1).assign(protocol="subject")
    prior = prior.assign(learner="stimulus-prior", label=ours["label"].to_numpy())
    both = pd.concat([ours, prior])
    sharing = {
        KEY._replace(protocol="subject", learner=name): ("none", "stimulus")
        for name in ("network", "stimulus-prior")
    }

    table = tabulate_over_priors(both, dataset="deap", sharing=sharing)

    assert tuple(table) == PRIOR_COLUMNS
    [row] = table[table["metric"] == "balanced_accuracy"].to_dict("records")
    scores = [
        score_subjects(part, "trial")["balanced_accuracy"].mean()
        for part in (ours, prior)
    ]
    assert row["prior"] == "stimulus-prior"
    assert row["difference"] == pytest.approx(scores[0] - scores[1])
    assert row["ci_low"] < row["difference"] < row["ci_high"]
    assert row["p_value"] == row["p_corrected"] < 0.05


def make_people(n_people=12, *, effect=0.3, seed=0):
    """Predictions of a label that belongs to people, half of them high."""
    predictions = make_predictions(n_people, 8, seed=seed)
    label = (predictions["subject"].astype(int) % 2).to_numpy()
    rng = np.random.default_rng(seed)
    leaning = dict(
        zip(predictions["subject"].unique(), rng.normal(0, 0.15, n_people), strict=True)
    )
    score = 0.5 + effect * (label - 0.5) + predictions["subject"].map(leaning)
    return predictions.assign(
        protocol="subject",
        fold=0,
        label=label,
        score=np.clip(score + rng.normal(0, 0.1, len(label)), 0, 1),
    )


@pytest.mark.parametrize("level", LEVELS)
def test_a_label_that_belongs_to_people_is_scored_over_people(level):
    """Oracle: scikit-learn on one row a person, and each person left out in turn."""
    predictions = make_people()
    key = KEY._replace(protocol="subject")

    table = tabulate_scores(
        predictions, dataset="deap", sharing={key: ("none", "stimulus")}
    ).set_index(["level", "metric"])

    people = predictions.groupby("subject").agg({"label": "first", "score": "mean"})
    label, score = people["label"].to_numpy(), people["score"].to_numpy()
    expected = score_with_sklearn(label, score)
    left = np.array(
        [
            oracle.roc_auc_score(np.delete(label, k), np.delete(score, k))
            for k in range(12)
        ]
    )
    variance = 11 / 12 * np.sum((left - left.mean()) ** 2)
    rows = table.loc[level]
    assert rows["mean"].to_dict() == pytest.approx(expected)
    assert set(rows["n_subjects"]) == {12}
    assert rows["sd"].isna().all()
    reach = stats.t.ppf(0.975, 11) * np.sqrt(variance)
    assert rows.loc["auroc", "ci_high"] == pytest.approx(expected["auroc"] + reach)
    # no clip tells whose label it is, so that chance is one half
    assert table.loc[("trial", "auroc"), "p_kind"] == "t"


@pytest.mark.parametrize("leaks", ["trial", "trial+epoch", "unlabelled"])
def test_the_p_value_is_blank_where_something_leaks(leaks):
    predictions = make_predictions(9, 12, effect=0.2)

    table = tabulate(
        predictions, leaks=leaks, permutations=make_permutations([0.5] * 199)
    )

    assert table[["p_value", "p_corrected", "n_tests"]].isna().all(axis=None)
    assert set(table["leaks"]) == {leaks}


def test_a_row_does_not_depend_on_what_else_is_in_the_table():
    predictions = make_predictions()
    other = make_predictions(seed=9).assign(learner="majority")
    sharing = {
        KEY: ("none", "none"),
        KEY._replace(learner="majority"): ("none", "none"),
    }
    options = {"dataset": "deap", "sharing": sharing}

    both = tabulate_scores(pd.concat([other, predictions]), **options)
    alone = tabulate_scores(predictions, **options)

    mine = both[both["learner"] == "network"].reset_index(drop=True)
    pd.testing.assert_frame_equal(mine, alone)


def test_training_rows_stand_beside_the_score():
    table = tabulate(make_predictions(), n_train={KEY: 36.0})

    assert set(table["n_train"]) == {36.0}
    assert tabulate(make_predictions())["n_train"].isna().all()


def test_nobody_who_can_be_scored_leaves_blanks():
    predictions = make_predictions(3).assign(label=1)

    table = tabulate(predictions)

    row = table.loc["trial", "auroc"]
    assert row["n_subjects"] == 0
    assert row[["mean", "sd", "ci_low", "ci_high", "p_value"]].isna().all()
    assert table.loc[("trial", "accuracy"), "n_subjects"] == 3


def test_no_predictions_give_an_empty_table():
    table = tabulate_scores(make_predictions()[:0], dataset="deap", sharing={})
    assert tuple(table) == SCORE_COLUMNS
    assert len(table) == 0
