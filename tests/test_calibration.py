"""Tests of calibration and of deviations over seeds."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from deepvanet.metrics import (
    METRICS,
    SEED_COLUMNS,
    find_calibration_error,
    fit_temperature,
    measure_calibration,
    measure_log_loss,
    score_subjects,
    tabulate_seeds,
)
from deepvanet.results import read_predictions
from fake_run import write_run


def draw(n_items=997, *, seed=0):
    rng = np.random.default_rng(seed)
    score = rng.beta(0.8, 1.2, n_items)
    return (rng.random(n_items) < score**1.5).astype(np.int64), score


@pytest.mark.parametrize("n_bins", [2, 5, 10])
def test_the_curve_is_that_of_scikit_learn_s_quantiles(n_bins):
    label, score = draw()

    bins = measure_calibration(label, score, n_bins=n_bins)

    high, mean = calibration_curve(label, score, n_bins=n_bins, strategy="quantile")
    np.testing.assert_allclose(bins["fraction_high"], high)
    np.testing.assert_allclose(bins["mean_score"], mean)
    assert bins["n"].sum() == len(label)
    assert bins["n"].max() - bins["n"].min() <= 1


def test_the_error_by_hand():
    label = np.array([0, 1, 1, 1])
    score = np.array([0.2, 0.2, 0.9, 0.9])

    bins = measure_calibration(label, score, n_bins=2)

    # |0.2 - 0.5| and |0.9 - 1.0|, two of each
    assert find_calibration_error(bins) == pytest.approx((0.3 + 0.1) / 2)


def test_one_score_for_all_is_one_bin():
    bins = measure_calibration(np.array([0, 1, 1, 0, 1]), np.full(5, 0.6))

    assert len(bins) == 1
    assert find_calibration_error(bins) == pytest.approx(0.0)


def test_scores_that_come_true_have_a_small_error_and_bold_ones_a_large_one():
    rng = np.random.default_rng(0)
    score = rng.random(20_000)
    label = (rng.random(20_000) < score).astype(np.int64)

    honest = find_calibration_error(measure_calibration(label, score))
    bold = find_calibration_error(measure_calibration(label, np.round(score)))

    assert honest < 0.02
    assert bold > 0.2


def test_deviations_over_seeds_and_over_subjects_are_apart(tmp_path):
    path = write_run(
        tmp_path / "run", seeds=(0, 1, 2), targets=["valence"], streams=["bio"]
    )
    predictions = read_predictions(path / "predictions.csv")

    table = tabulate_seeds(predictions, dataset="deap")

    assert list(table) == list(SEED_COLUMNS)
    assert len(table) == 2 * 4 * 2 * len(METRICS)  # protocols, learners, levels
    row = table[
        (table["protocol"] == "trial")
        & (table["learner"] == "network")
        & (table["level"] == "trial")
        & (table["metric"] == "accuracy")
    ].iloc[0]
    mine = predictions[
        (predictions["protocol"] == "trial") & (predictions["learner"] == "network")
    ]
    means = [
        score_subjects(part, "trial")["accuracy"].mean()
        for _, part in mine.groupby("seed")
    ]
    subjects = score_subjects(mine, "trial")["accuracy"]
    assert row["n_seeds"] == 3
    assert row["sd_over_seeds"] == pytest.approx(np.std(means, ddof=1))
    assert row["sd_over_subjects"] == pytest.approx(subjects.std(ddof=1))


def test_one_seed_has_no_deviation(tmp_path):
    path = write_run(tmp_path / "run", targets=["valence"], streams=["bio"])

    table = tabulate_seeds(read_predictions(path / "predictions.csv"), dataset="deap")

    assert isinstance(table, pd.DataFrame)
    assert table.empty


@pytest.mark.parametrize("true", [0.7, 1.0, 3.0])
def test_a_temperature_is_that_of_an_unpenalised_regression_without_intercept(true):
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 3, 2000)
    label = (rng.random(2000) < expit(logit / true)).astype(int)

    found = fit_temperature(logit, label)

    model = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10)
    slope = model.fit(logit[:, None], label).coef_[0, 0]
    assert found == pytest.approx(1 / slope, rel=1e-3)
    assert found == pytest.approx(true, rel=0.15)


def test_a_temperature_makes_trials_no_worse_and_knows_bounds():
    rng = np.random.default_rng(0)
    logit, label = rng.normal(0, 5, 60), rng.integers(0, 2, 60)

    temperature = fit_temperature(logit, label)

    before, after = (measure_log_loss(x, label) for x in (logit, logit / temperature))
    assert after <= before
    assert after == pytest.approx(log_loss(label, expit(logit / temperature)))
    apart = np.where(label, 1.0, -1.0)
    assert fit_temperature(apart, label) == pytest.approx(0.5, rel=1e-3)
    assert fit_temperature(-apart, label) == pytest.approx(20, rel=1e-3)
