"""Tests of calibration and of deviations over seeds."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime
from scipy.special import expit, logit
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from deepvanet.metrics import (
    METRICS,
    SEED_COLUMNS,
    Calibration,
    find_logit_of_mean,
    fit_calibration,
    measure_calibration,
    measure_calibration_error,
    measure_log_loss,
    measure_rising_bins,
    score_subjects,
    tabulate_seeds,
)
from deepvanet.results import read_predictions
from fake_run import write_run


def find_calibration_error(bins):
    """Expected calibration error: distances of bins, by how many items they hold."""
    distance = (bins["mean_score"] - bins["fraction_high"]).abs()
    return np.average(distance, weights=bins["n"])


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


@pytest.mark.slow
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


@pytest.mark.parametrize(("slope", "offset"), [(0.3, -0.8), (1.0, 0.0), (2.0, 0.5)])
def test_slope_and_offset_are_those_of_an_unpenalised_regression(slope, offset):
    rng = np.random.default_rng(0)
    scored = rng.normal(0, 3, 20_000)
    label = (rng.random(20_000) < expit(slope * scored + offset)).astype(int)
    weight = rng.choice([0.5, 1.5], 20_000)

    found = fit_calibration(scored, label, weight=weight)

    model = LogisticRegression(C=np.inf, tol=1e-10)
    model.fit(scored[:, None], label, sample_weight=weight)
    assert found.slope == pytest.approx(model.coef_[0, 0], rel=5e-3)
    assert found.offset == pytest.approx(model.intercept_[0], rel=5e-3, abs=5e-3)
    assert found.slope == pytest.approx(slope, rel=0.1)


def test_of_few_trials_the_most_likely_under_a_prior_is_taken():
    rng = np.random.default_rng(0)
    scored, label = rng.normal(0, 2, 30), rng.integers(0, 2, 30)

    found = fit_calibration(scored, label)

    def lose(point):
        away = (point - [1.0, 0.0]) / 0.5  # deviations of the prior
        probability = expit(point[0] * scored + point[1])
        return log_loss(label, probability, normalize=False) + away @ away / 2

    at = np.array([found.slope, found.offset])
    np.testing.assert_allclose(approx_fprime(at, lose, 1e-6), 0, atol=1e-3)


def test_training_that_favours_a_class_changes_no_probability():
    rng = np.random.default_rng(1)
    scored = rng.normal(0, 2, 1000)
    label = (rng.random(1000) < expit(0.6 * scored - 0.8)).astype(int)

    plain, favoured = (fit_calibration(scored + by, label) for by in (0.0, 0.9))

    np.testing.assert_allclose(
        favoured.find_probability(scored + 0.9),
        plain.find_probability(scored),
        atol=0.01,
    )
    # what was called low is called high now, at another probability
    assert favoured.threshold < plain.threshold - 0.05


def test_the_threshold_is_the_probability_of_a_half_and_keeps_every_label():
    made = Calibration(0.4, -0.7)
    scored = np.array([-2.0, -1e-6, 1e-6, 2.0])

    assert made.threshold == pytest.approx(made.find_probability(np.zeros(1))[0])
    high = made.find_probability(scored) > made.threshold
    assert high.tolist() == (expit(scored) > 0.5).tolist()


def test_classes_that_are_apart_have_a_slope_that_is_bounded():
    label = np.tile([0, 1], 20)
    apart = np.where(label, 1.0, -1.0)

    right, wrong = fit_calibration(apart, label), fit_calibration(-apart, label)

    assert 1 < right.slope < 3
    assert wrong.slope == 0.01  # never turned around, so every label is kept
    assert abs(wrong.offset) < 0.01


@pytest.mark.parametrize(("n_low", "n_high"), [(9, 10), (40, 4), (4, 40)])
def test_of_too_few_trials_nothing_is_fitted(n_low, n_high):
    label = np.repeat([0, 1], [n_low, n_high])

    found = fit_calibration(np.linspace(-3, 9, len(label)), label)

    assert found == Calibration(1.0, 0.0)


def test_a_fit_starts_where_it_is_told_and_stays_there_without_trials():
    start = Calibration(1.0, -0.8)
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 30)
    scored = rng.normal(size=30)

    pulled, plain = (
        fit_calibration(scored, label, start=one) for one in (start, Calibration())
    )

    assert fit_calibration(scored[:9], label[:9], start=start) == start
    assert start.offset < pulled.offset < plain.offset


def test_segments_count_by_their_share_of_a_trial():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 40)
    scored = rng.normal(label, 2.0)
    times = rng.integers(1, 60, 40)

    repeated = fit_calibration(
        np.repeat(scored, times),
        np.repeat(label, times),
        weight=np.repeat(1 / times, times),
    )

    found = fit_calibration(scored, label)
    assert repeated.slope == pytest.approx(found.slope, rel=1e-4)
    assert repeated.offset == pytest.approx(found.offset, abs=1e-4)
    twenty = np.repeat(np.arange(10), 20) % 2  # ten trials are few, however long
    assert fit_calibration(
        np.linspace(-1, 2, 200), twenty, weight=np.full(200, 1 / 20)
    ) == Calibration(1.0, 0.0)


def test_the_log_loss_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    scored, label, weight = rng.normal(0, 5, 60), rng.integers(0, 2, 60), rng.random(60)

    loss = measure_log_loss(scored, label, weight=weight)

    assert loss == pytest.approx(log_loss(label, expit(scored), sample_weight=weight))


def test_the_logit_of_a_mean_is_finite():
    found = find_logit_of_mean(np.array([0.0, 0.25, 1.0]))

    np.testing.assert_allclose(found, [logit(1e-6), logit(0.25), -logit(1e-6)])


def test_an_error_by_hand_with_bins_for_the_trials_there_are():
    label = np.tile([0, 0, 0, 1], 10)
    probability = np.repeat([0.35, 0.55], 20)

    of_one_bin, _ = measure_calibration_error(label, probability, 39)
    of_two, _ = measure_calibration_error(label, probability, 40)

    # both halves are high in a quarter: |0.45 - 0.25|; (0.1 + 0.3) / 2
    assert of_one_bin == pytest.approx(0.2)
    assert of_two == pytest.approx(0.2)
    swapped = np.repeat([0, 1], 20)
    of_one_bin, _ = measure_calibration_error(swapped, probability, 39)
    of_two, _ = measure_calibration_error(swapped, probability, 40)
    assert of_one_bin == pytest.approx(0.05)
    assert of_two == pytest.approx(0.4)  # |0.35 - 0| and |0.55 - 1|


def test_the_error_of_a_calibrated_model_is_what_it_is_on_average():
    rng = np.random.default_rng(0)
    probability = rng.uniform(0.2, 0.8, 60)
    errors = [
        find_calibration_error(
            measure_calibration(
                (rng.random(60) < probability).astype(np.int64), probability, n_bins=3
            )
        )
        for _ in range(300)
    ]
    label = (rng.random(60) < probability).astype(np.int64)

    _, expected = measure_calibration_error(label, probability, 60)

    assert expected == pytest.approx(np.mean(errors), rel=0.1)
    _, of_bold = measure_calibration_error(label, np.full(60, 0.999), 60)
    assert of_bold < 0.01 < expected  # one that is sure of itself must be right


def test_segments_of_a_trial_are_one_observation():
    rng = np.random.default_rng(0)
    probability = rng.uniform(0.2, 0.8, 40)
    label = (rng.random(40) < probability).astype(np.int64)
    trial = np.repeat(np.arange(40), 60)

    _, of_trials = measure_calibration_error(label, probability, 40)
    _, of_segments = measure_calibration_error(
        label[trial], probability[trial], 40, trial=trial
    )
    _, as_if_independent = measure_calibration_error(
        label[trial], probability[trial], 40
    )

    assert of_segments == pytest.approx(of_trials, rel=0.1)
    assert as_if_independent < of_trials / 3


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
def test_rising_bins_are_the_most_that_rise_and_no_fewer(slope):
    rng = np.random.default_rng(5)
    score = rng.uniform(size=1200)
    label = (rng.uniform(size=1200) < 0.5 + slope * (score - 0.5)).astype(int)

    bins = measure_rising_bins(label, score, 400)

    def rises(n_bins):
        cut = np.array_split(label[np.argsort(score)], n_bins)
        return np.all(np.diff([part.mean() for part in cut]) >= 0)

    most = next((n - 1 for n in range(2, 21) if not rises(n)), 20)
    assert len(bins) == most
    assert bins["n"].sum() == 1200
    assert (np.diff(bins["fraction_high"]) >= 0).all()


def test_there_is_no_bin_for_fewer_than_twenty_trials():
    score = np.linspace(0.01, 0.99, 300)

    assert len(measure_rising_bins((score > 0.5).astype(int), score, 39)) == 1
    assert len(measure_rising_bins((score > 0.5).astype(int), score, 64)) == 3
