"""Tests of the scores of predicted ratings."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics as oracle

from deepvanet.metrics import (
    LEVELS,
    RATING_METRICS,
    find_means,
    mean_over_trials,
    measure,
    measure_agreement,
    measure_skill,
    permutation_columns,
    score_subjects,
    score_together,
    tabulate_over_priors,
    tabulate_scores,
    tabulate_seeds,
)
from deepvanet.metrics.scores import count_subjects
from deepvanet.schema import ScoreKey
from deepvanet.tasks import TASKS
from simulated_predictions import NAMES, predict_ratings

KEY = ScoreKey(**NAMES)
WITHIN = RATING_METRICS[:4]


def score_with_others(rows):
    """The metrics by scikit-learn, SciPy, and Lin's formula."""
    rated, predicted = rows["truth"].to_numpy(), rows["prediction"].to_numpy()
    return {
        "ccc": measure_agreement(rated, predicted)["ccc"],
        "pearson": stats.pearsonr(rated, predicted).statistic,
        "rmse": oracle.root_mean_squared_error(rated, predicted),
        "mae": oracle.mean_absolute_error(rated, predicted),
    }


def make_rows(rated, predicted):
    rows = predict_ratings(1, len(rated), n_segments=1)
    return rows.assign(truth=np.array(rated, float), prediction=predicted)


def test_a_worked_example():
    """Means 2 and 4, variances 2/3 and 2/3, covariance 2/3: 4/3 by 16/3."""
    scores = score_together(make_rows([1, 2, 3], [3.0, 4.0, 5.0]))

    assert scores["ccc"] == pytest.approx(0.25)
    assert scores["pearson"] == pytest.approx(1)
    assert (scores["rmse"], scores["mae"]) == pytest.approx((2, 2))


@pytest.mark.parametrize("ccc", [0.0, 0.3, 0.8])
def test_predictions_of_a_known_ccc_have_it(ccc):
    """With equal means and variances it is the correlation."""
    rng = np.random.default_rng(0)
    rated, noise = rng.normal(size=(2, 20_000))
    predicted = ccc * rated + np.sqrt(1 - ccc**2) * noise

    scores = score_together(make_rows(5 + rated, 5 + predicted))

    assert scores["ccc"] == pytest.approx(ccc, abs=0.02)


def test_a_shift_costs_ccc_what_lin_s_formula_says():
    rng = np.random.default_rng(0)
    rated = rng.normal(size=20_000)

    scores = score_together(make_rows(rated, rated + 1))

    assert scores["ccc"] == pytest.approx(2 / 3, abs=0.01)
    assert scores["pearson"] == pytest.approx(1)


@pytest.mark.parametrize("level", LEVELS)
def test_each_subject_is_scored_on_its_own(level):
    predictions = predict_ratings()

    scores = score_subjects(predictions, level)

    table = predictions if level == "segment" else mean_over_trials(predictions)
    for row in scores.itertuples():
        mine = table[table["subject"] == row.subject]
        expected = score_with_others(mine)
        assert {m: getattr(row, m) for m in WITHIN} == pytest.approx(expected)
        assert row.n == len(mine)
    means = find_means(predictions, level)
    assert {m: means[m] for m in WITHIN} == pytest.approx(
        scores[[*WITHIN]].mean().to_dict()
    )
    pooled = {f"pooled_{m}": value for m, value in score_with_others(table).items()}
    assert {m: means[m] for m in pooled} == pytest.approx(pooled)
    assert tuple(means) == RATING_METRICS


@pytest.mark.parametrize("constant", [0.0, 5.0, 1 / 3])
def test_a_constant_prediction_has_ccc_zero_and_no_correlation(constant):
    predictions = predict_ratings(2).assign(prediction=constant)

    scores = score_subjects(predictions, "trial")

    assert scores["ccc"].tolist() == [0, 0]
    assert scores["pearson"].isna().all()
    assert (scores["rmse"] > 0).all()


def test_a_perfect_prediction_makes_no_error():
    predictions = predict_ratings(2)
    predictions["prediction"] = predictions["truth"] + 0

    [first, _] = score_subjects(predictions, "trial").to_dict("records")

    assert (first["ccc"], first["pearson"]) == pytest.approx((1, 1))
    assert (first["rmse"], first["mae"]) == pytest.approx((0, 0), abs=1e-12)


def test_numbers_far_from_zero_lose_no_digits():
    predictions = predict_ratings(2)
    far = predictions.assign(
        truth=predictions["truth"] + 1e7, prediction=predictions["prediction"] + 1e7
    )

    near, away = (score_subjects(table, "trial") for table in (predictions, far))

    for metric in WITHIN:
        np.testing.assert_allclose(near[metric], away[metric], rtol=1e-6)


def test_subjects_with_few_trials_or_ratings_count_in_pooled_metrics_only():
    predictions = predict_ratings(4, 12)
    trial = predictions["trial"].astype(int)
    few = (predictions["subject"] == "01") & (trial > 9)
    two = predictions["subject"] == "02"
    predictions.loc[two, "truth"] = 1.0 + trial[two] % 2
    predictions = predictions[~few]

    scores = score_subjects(predictions, "trial").set_index("subject")
    found = measure(predictions, "trial")

    assert scores["one_class"].to_dict() == {
        "01": True,
        "02": True,
        "03": False,
        "04": False,
    }
    assert scores["ccc"].isna().tolist() == [True, True, False, False]
    assert len(found["ccc"].known) == 2
    assert len(found["pooled_ccc"].known) == 4
    pooled = score_with_others(mean_over_trials(predictions))
    assert found["pooled_ccc"].mean == pytest.approx(pooled["ccc"])


@pytest.mark.parametrize("level", LEVELS)
def test_a_clip_that_is_left_out_by_weights_is_left_out(level):
    predictions = predict_ratings(9, 12, shared=0.5)

    measured = measure(predictions, level)

    for number, name in enumerate(sorted(predictions["stimulus"].unique())):
        rest = predictions[predictions["stimulus"] != name]
        within = score_subjects(rest, level)
        pooled = find_means(rest, level)
        for metric in WITHIN:
            np.testing.assert_allclose(
                measured[metric].without[:, number], within[metric]
            )
            both = measured[f"pooled_{metric}"]
            assert both.without[0, number] == pytest.approx(pooled[f"pooled_{metric}"])


def test_a_subject_keeps_its_score_where_a_clip_less_would_be_too_few():
    found = measure(predict_ratings(9, 10), "trial")["ccc"]

    assert np.isfinite(found.without).all()


def test_pooled_metrics_leave_subjects_and_clips_out_in_turn():
    """Oracle: each of them left out, and scored anew."""
    predictions = predict_ratings(9, 12, shared=0.5)

    found = measure(predictions, "trial")["pooled_ccc"]

    variance = 0.0
    for column in ("subject", "stimulus"):
        left = [
            find_means(predictions[predictions[column] != name], "trial")["pooled_ccc"]
            for name in predictions[column].unique()
        ]
        variance += (len(left) - 1) * np.var(left)
    assert found.spread.variance == pytest.approx(variance)
    assert np.isnan(found.sd)
    assert not found.is_over_people


def test_shuffled_ratings_have_no_ccc():
    predictions = mean_over_trials(predict_ratings(60, 40, n_segments=1))
    rng = np.random.default_rng(0)
    shuffled = predictions.groupby("subject")["truth"].transform(rng.permutation)

    means = find_means(predictions.assign(truth=shuffled, segment=0), "trial")

    assert means["ccc"] == pytest.approx(0, abs=0.05)
    assert find_means(predictions.assign(segment=0), "trial")["ccc"] > 0.5


def test_subjects_means_are_enough_for_pooled_metrics_and_not_for_others():
    """Why pooled ones never stand alone."""
    predictions = predict_ratings(20, 12)
    level = predictions.groupby("subject")["truth"].transform("mean")

    means = find_means(predictions.assign(prediction=level), "trial")

    assert means["pooled_ccc"] > 0.3
    assert means["ccc"] == 0


def test_skill_is_the_share_of_the_prior_s_squared_error_that_is_not_made():
    predictions = predict_ratings(9, 12)
    mean = predictions["truth"].mean()
    prior = predictions.assign(prediction=mean)

    found = measure_skill(predictions, prior, "segment")

    # against the mean of all ratings it is the coefficient of determination
    expected = oracle.r2_score(predictions["truth"], predictions["prediction"])
    assert found.mean == pytest.approx(expected)
    rest = predictions["stimulus"] != "clip0"
    first = measure_skill(predictions[rest], prior[rest], "segment")
    assert found.without[0, 0] == pytest.approx(first.mean)


def test_the_table_of_priors_has_the_skill_against_each_of_them():
    ours = predict_ratings(9, 12)
    level = ours.groupby("subject")["truth"].transform("mean")
    names = TASKS["rating"].priors
    values = dict(zip(names, (5.0, level, 5.5, level + 0.5), strict=True))
    others = [ours.assign(learner=n, prediction=v) for n, v in values.items()]
    sharing = {
        KEY._replace(learner=name): ("none", "subject") for name in ("network", *names)
    }

    table = tabulate_over_priors(
        pd.concat([ours, *others]), dataset="deap", sharing=sharing
    )

    skill = table[table["metric"] == "skill"].set_index("prior")
    assert list(skill.index) == list(names)
    assert skill.loc["majority", "difference"] == pytest.approx(
        1
        - oracle.mean_squared_error(*_pair(ours))
        / oracle.mean_squared_error(*_pair(others[0]))
    )
    assert set(skill["n_tests"]) == {4}
    assert (skill["ci_low"] < skill["difference"]).all()
    own = table[table["metric"] == "ccc"]
    assert own["prior"].tolist() == ["subject-prior"]


def _pair(predictions):
    trials = mean_over_trials(predictions)
    return trials["truth"], trials["prediction"]


def test_the_table_has_within_and_pooled_metrics_and_tests_the_former():
    table = tabulate_scores(
        predict_ratings(9, 12), dataset="deap", sharing={KEY: ("none", "subject")}
    )

    assert set(table["task"]) == {"rating"}
    rows = table[table["level"] == "trial"].set_index("metric")
    assert tuple(rows.index) == RATING_METRICS
    assert rows.index[rows["p_kind"] == "t"].tolist() == ["ccc", "pearson"]
    assert rows.loc["ccc", "ci_low"] < rows.loc["ccc", "mean"]
    assert rows.loc["pooled_ccc", "ci_low"] < rows.loc["pooled_ccc", "mean"]


def test_of_errors_a_permutation_counts_that_makes_fewer():
    predictions = predict_ratings(9, 12)
    found = find_means(predictions, "trial")
    null = {
        metric: np.full(199, 0.0 if metric.endswith(("rmse", "mae")) else 1.0)
        for metric in RATING_METRICS
    }
    worse = {metric: 10 * (1 - values) - 5 for metric, values in null.items()}

    def tabulate(values):
        permutations = pd.DataFrame(values).assign(
            **NAMES, exchanged="clips", permutation=range(199)
        )[list(permutation_columns("rating"))]
        table = tabulate_scores(
            predictions,
            dataset="deap",
            sharing={KEY: ("none", "subject")},
            permutations=permutations,
        )
        return table[table["level"] == "trial"].set_index("metric")

    assert (tabulate(null)["p_value"] == 1).all()
    better = tabulate(worse)
    assert found["rmse"] < 5
    assert (better["p_value"] == 1 / 200).all()
    assert (better["p_corrected"] == 1 / 200).all()


def test_seeds_are_scored_apart_and_then_averaged():
    one = predict_ratings(7, 12, seed=1)
    two = predict_ratings(7, 12, seed=1, shared=1.0).assign(seed=1, truth=one["truth"])
    both = pd.concat([one, two])

    found = measure(both, "trial")
    table = tabulate_seeds(both, dataset="deap").set_index(["level", "metric"])

    for metric in ("ccc", "pooled_ccc"):
        means = [find_means(part, "trial")[metric] for part in (one, two)]
        assert found[metric].mean == pytest.approx(np.mean(means))
        assert table.loc[("trial", metric), "sd_over_seeds"] == pytest.approx(
            np.std(means, ddof=1)
        )
    assert np.isnan(table.loc[("trial", "pooled_ccc"), "sd_over_subjects"])


def test_weights_of_trials_score_as_if_trials_were_repeated():
    predictions = predict_ratings(1, 12, n_segments=2)
    [(_, [sums])] = count_subjects(predictions, "segment")
    weight = np.random.default_rng(0).multinomial(12, np.full(12, 1 / 12), size=5)

    scores = sums.score(weight.astype(float))

    trial = predictions["trial"].astype(int).to_numpy() - 1
    for number, times in enumerate(weight):
        repeated = predictions.loc[predictions.index.repeat(times[trial])]
        expected = score_with_others(repeated)
        assert {m: scores[m][number] for m in WITHIN} == pytest.approx(expected)
