"""Selection and grid of the support vector machines, against SciPy and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway, pearsonr
from sklearn.feature_selection import SelectFpr, f_classif
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, SVR

from deepvanet.learners.classifiers import SVM, Samples
from deepvanet.learners.families import SUPPORT_REGRESSION, OneAgainstRest
from deepvanet.systems.support_vectors import (
    SMALL,
    Grid,
    fit_machines,
    measure_line,
    measure_variance,
    select_by_variance,
    take_all,
)


def sample(n_classes, n=48, seed=0, n_features=20):
    """Return trials in whose first features the class, or the rating, shows."""
    rng = np.random.default_rng(seed)
    label = np.arange(n) % (n_classes or 4)
    if not n_classes:
        label = label + rng.normal(0, 0.1, n)
    features = rng.standard_normal((n, n_features))
    features[:, :3] += 0.8 * (label[:, None] - label.mean())
    table = pd.DataFrame({"subject": np.arange(n) // 16, "trial": np.arange(n)})
    stratum = (label > np.median(label)).astype(np.int64)
    return Samples(features, label, stratum, np.ones(n), table.astype(str), n_classes)


def list_folds(n=48, n_folds=3):
    part = np.arange(n) // (n // n_folds)
    return [
        (np.flatnonzero(part != k), np.flatnonzero(part == k)) for k in range(n_folds)
    ]


def test_the_analysis_of_variance_is_that_of_scipy():
    samples = sample(3)

    found = measure_variance(samples.features, samples.label)

    groups = [samples.features[samples.label == k] for k in range(3)]
    np.testing.assert_allclose(found, f_oneway(*groups, axis=0).pvalue, rtol=1e-8)


def test_the_test_of_a_line_is_that_of_a_correlation():
    samples = sample(0)

    found = measure_line(samples.features, samples.label)

    expected = [pearsonr(f, samples.label).pvalue for f in samples.features.T]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_what_does_not_move_is_not_chosen():
    samples = sample(2)
    samples.features[:, 4] = 0.0

    assert measure_variance(samples.features, samples.label)[4] == 1.0
    assert not select_by_variance(samples)[4]


def test_c_and_gamma_are_those_that_scikit_learn_finds_best():
    samples, folds = sample(2), list_folds()

    found = fit_machines(samples, folds, SMALL, select_by_variance)

    steps = [("select", SelectFpr(f_classif, alpha=0.05)), ("svm", SVC())]
    grid = {"svm__C": SMALL.penalties, "svm__gamma": SMALL.gammas}
    theirs = GridSearchCV(Pipeline(steps), grid, cv=folds, scoring="accuracy")
    theirs.fit(samples.features, samples.label)
    best = theirs.best_params_
    assert found.cell == (best["svm__C"], best["svm__gamma"])
    kept = theirs.best_estimator_["select"].get_support()
    assert (found.chosen == kept).all()
    assert found.n_passed == kept.sum()
    score = SVM.open(found.numbers)(samples.features[:, found.chosen])
    distance = theirs.decision_function(samples.features)
    slope, bias = found.numbers["calibration"]
    np.testing.assert_allclose(np.log(score / (1 - score)), slope * distance + bias)


def test_of_several_classes_each_is_taken_against_the_rest():
    samples = sample(3)

    found = fit_machines(samples, list_folds(), SMALL, take_all)

    machines = OneAgainstRest(3)
    machines.check({"fill": np.zeros(20), **found.numbers})
    score = machines.open(found.numbers)(samples.features)
    np.testing.assert_allclose(score.sum(axis=1), 1)
    assert (score.argmax(axis=1) == samples.label).mean() > 0.5
    one = SVC(C=found.cell[0], gamma=found.cell[1])
    one.fit(samples.features, samples.label == 1)
    np.testing.assert_array_equal(found.numbers["support/1"], one.support_vectors_)


def test_ratings_are_predicted_by_the_regression_with_the_least_error():
    samples, folds = sample(0), list_folds()

    found = fit_machines(samples, folds, SMALL, take_all)

    losses = {}
    for cell in SMALL.cells:
        errors = []
        for inner, out in folds:
            center, spread = samples.label[inner].mean(), samples.label[inner].std()
            model = SVR(C=cell[0], gamma=cell[1])
            model.fit(samples.features[inner], (samples.label[inner] - center) / spread)
            guess = model.predict(samples.features[out]) * spread + center
            errors.append((guess - samples.label[out]) ** 2)
        losses[cell] = np.mean(errors)
    assert found.cell == min(losses, key=losses.get)
    predict = SUPPORT_REGRESSION.open(found.numbers)
    assert np.corrcoef(predict(samples.features), samples.label)[0, 1] > 0.9


def test_without_inner_folds_the_middle_of_the_grid_is_taken():
    found = fit_machines(sample(2), (), SMALL, take_all)

    assert found.cell == (2.0**5, 2.0**-6)
    assert found.numbers["calibration"].tolist() == [1.0, 0.0]


def test_where_no_feature_passes_the_nearest_one_is_read():
    samples = sample(2, n=6, n_features=2, seed=3)
    samples.features[:] = np.random.default_rng(1).standard_normal((6, 2))

    found = fit_machines(samples, (), SMALL, select_by_variance)

    assert found.n_passed == 0
    p_value = measure_variance(samples.features, samples.label)
    assert np.flatnonzero(found.chosen).tolist() == [np.argmin(p_value)]


def test_features_are_chosen_anew_in_each_inner_fold():
    samples, seen = sample(2, n=60), []

    def select(some):
        seen.append(some.table["trial"].astype(int).tolist())
        return select_by_variance(some)

    fit_machines(samples, list_folds(60), SMALL, select)

    assert seen[:3] == [inner.tolist() for inner, _ in list_folds(60)]
    assert seen[3] == list(range(60))


@pytest.mark.parametrize("power", [-15, -6])
def test_probabilities_do_not_shrink_with_c_and_gamma(power):
    samples = sample(2)
    grid = Grid((2.0**-5,), (2.0**power,))

    found = fit_machines(samples, list_folds(), grid, take_all)

    score = SVM.open(found.numbers)(samples.features)
    assert ((score > 0.5) == samples.label).mean() > 0.75
    assert np.ptp(score) > 0.5
