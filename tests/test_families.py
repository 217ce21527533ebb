"""Several classes and ratings by plain learners; scikit-learn is the oracle."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVR

from deepvanet.learners.classifiers import Samples
from deepvanet.learners.families import find_classifier, name_goal, read_goal
from deepvanet.schema import HIGH_OR_LOW, Goal

CLASSES = Goal("classes", ("a", "b", "c"))
RATING = Goal("rating")


def sample(goal, *, missing=()):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 4))
    number = np.digitize(features[:, 0], [-0.5, 0.5])
    label = features[:, 0] * 2 + 5 if goal.kind == "rating" else number
    kept = ~np.isin(number, missing)
    table = pd.DataFrame({"subject": "a", "trial": np.arange(60).astype(str)})
    stratum = number if goal.kind != "rating" else (label > 5).astype(int)
    return Samples(
        features[kept],
        label[kept],
        stratum[kept],
        rng.uniform(0.5, 1.5, 60)[kept],
        table[kept].reset_index(drop=True),
        len(goal.classes),
    )


@pytest.mark.parametrize(
    ("family", "oracle"),
    [("logistic", LogisticRegression(max_iter=2000)), ("bayes", GaussianNB())],
)
@pytest.mark.parametrize("missing", [(), (1,)])
def test_several_classes_have_the_probabilities_of_scikit_learn(
    family, oracle, missing
):
    samples = sample(CLASSES, missing=missing)
    model = find_classifier(family, CLASSES)
    said = model.open(model.fit(samples, (), 1.0))(samples.features)
    oracle.fit(samples.features, samples.label, samples.weight)
    found = oracle.predict_proba(samples.features)
    np.testing.assert_allclose(said[:, oracle.classes_], found, atol=1e-12)
    assert said[:, list(missing)].sum() == 0


def test_a_support_vector_machine_finds_several_classes():
    samples = sample(CLASSES)
    model = find_classifier("svm", CLASSES)
    folds = samples.cut_inner(unit="trial", seed=0)
    numbers = model.fit(samples, folds, 1.0)
    model.check({"fill": np.zeros(4), **numbers})
    said = model.open(numbers)(samples.features)
    np.testing.assert_allclose(said.sum(axis=1), 1)
    assert np.mean(said.argmax(axis=1) == samples.label) > 0.8


def test_ridge_regression_is_that_of_scikit_learn():
    samples, model = sample(RATING), find_classifier("ridge", RATING)
    said = model.open(model.fit(samples, (), 0.1))(samples.features)
    oracle = Ridge(alpha=10.0).fit(samples.features, samples.label, samples.weight)
    np.testing.assert_allclose(said, oracle.predict(samples.features))


def test_support_vector_regression_is_that_of_scikit_learn_on_standardised_ratings():
    samples, model = sample(RATING), find_classifier("svm", RATING)
    said = model.open(model.fit(samples, (), 1.0))(samples.features)
    center = np.average(samples.label, weights=samples.weight)
    spread = samples.label.std()
    oracle = SVR(C=1.0).fit(
        samples.features, (samples.label - center) / spread, samples.weight
    )
    found = oracle.predict(samples.features) * spread + center
    np.testing.assert_allclose(said, found)


@pytest.mark.parametrize("goal", [HIGH_OR_LOW, CLASSES, RATING])
def test_a_goal_is_saved_as_text(goal):
    assert read_goal(name_goal(goal)) == goal


def test_another_goal_is_refused():
    with pytest.raises(ValueError, match="needs rating, or classes"):
        read_goal({"goal": np.array(["ranking"])})
