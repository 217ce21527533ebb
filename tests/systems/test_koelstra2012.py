"""Fisher's J, naive Bayes and the product of posteriors, against worked examples."""

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler

from deepvanet.config import NetworkSettings
from deepvanet.learners.making import find_learner
from deepvanet.schema import STREAM_SETS, Stream
from deepvanet.systems.koelstra2012 import (
    FEATURES,
    choose_features,
    choose_weight,
    measure_fisher,
    multiply,
)
from small_store import take_rows

PLAIN = NetworkSettings(class_weight="none")


@pytest.fixture(scope="module")
def rows(tiny_store, tmp_path_factory):
    path = tmp_path_factory.mktemp("koelstra") / "store"
    store = tiny_store(path, n_subjects=3, n_trials=10, n_segments=6, effect=0.1)
    return take_rows(store, STREAM_SETS["bio"])


def test_fishers_j_is_the_distance_of_means_over_the_sum_of_variances():
    values = np.array([[0.0, 5], [2, 5], [5, 5], [9, 5]])

    found = measure_fisher(values, np.array([0, 0, 1, 1]))

    assert found.tolist() == [6 / (1 + 4), 0]
    three = measure_fisher(values[[0, 1, 2, 3, 2]], np.array([0, 0, 1, 1, 2]))
    assert three[0] == pytest.approx(max(6 / 5, 4 / 1, 2 / 4))


def test_features_above_the_threshold_are_kept_or_the_best_one():
    assert choose_features(np.array([0.2, 0.31, 0.3, 2])).tolist() == [0, 1, 0, 1]
    assert choose_features(np.array([0.1, 0.29, 0.2])).tolist() == [0, 1, 0]


def test_the_product_of_posteriors_is_weighted_by_powers():
    one, other = np.array([[0.9, 0.1]]), np.array([[0.4, 0.6]])

    found = multiply(one, other, 0.25)

    product = one**0.25 * other**0.75
    np.testing.assert_allclose(found, product / product.sum())
    np.testing.assert_allclose(multiply(one, other, 1.0), one)
    certain = multiply(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]), 0.5)
    np.testing.assert_allclose(certain, [[0.5, 0.5]])


def test_the_weight_is_the_best_on_training_trials_and_of_equals_the_evenest():
    label = np.array([0, 0, 1, 1])
    right = np.array([[0.8, 0.2], [0.7, 0.3], [0.3, 0.7], [0.2, 0.8]])
    wrong = np.array([[0.1, 0.9], [0.45, 0.55], [0.55, 0.45], [0.6, 0.4]])

    assert choose_weight(right, right, label) == 0.5
    weight = choose_weight(right, wrong, label)
    # the first trial is right where 0.8^w 0.1^(1-w) > 0.2^w 0.9^(1-w)
    border = np.log(9) / (np.log(9) + np.log(4))
    assert weight == np.ceil(border * 100) / 100
    assert choose_weight(wrong, right, label) == pytest.approx(1 - weight)


@pytest.mark.parametrize("stream", ["eeg", "peripheral", "bio"])
def test_it_is_what_a_few_lines_of_scikit_learn_say(rows, stream):
    mine = take_rows(rows.store, STREAM_SETS[stream])
    first = mine.table["subject"].isin(["01", "02"]).to_numpy()
    train, test = mine.take(first), mine.take(~first)

    fitted = find_learner("koelstra2012")(PLAIN, 0).fit(train)

    posteriors = {}
    for part in STREAM_SETS[stream]:
        label = train.label[::6]
        known, new = (FEATURES.measure(some, part).values for some in (train, test))
        there = np.isfinite(known).all(axis=0)
        scaler = StandardScaler().fit(known[:, there])
        known, new = (scaler.transform(some[:, there]) for some in (known, new))
        low, high = known[label == 0], known[label == 1]
        merit = np.abs(low.mean(0) - high.mean(0)) / (low.var(0) + high.var(0))
        kept = merit > 0.3
        assert fitted.choices[f"{part}_features"] == kept.sum() > 0
        model = GaussianNB().fit(known[:, kept], label)
        posteriors[part] = model.predict_proba(new[:, kept])
    expected = list(posteriors.values())
    if stream == "bio":
        weight = fitted.choices["eeg_weight"]
        assert weight == round(weight, 2)
        product = expected[0] ** weight * expected[1] ** (1 - weight)
        expected = [product / product.sum(axis=1, keepdims=True)]
    scores = fitted.score(test)
    np.testing.assert_allclose(scores, np.repeat(expected[0][:, 1], 6), rtol=1e-6)


def test_what_did_not_pass_is_said_and_the_best_feature_read(rows):
    flat = rows.take(np.flatnonzero(rows.trial < 10))
    label = np.tile(np.repeat([0, 1], 6), 5)
    flat = type(flat)(flat.store, flat.numbers, (Stream.EEG,), label)
    # a rating that nothing shows: of all permutations one is the least told
    fits = [
        find_learner("koelstra2012")(PLAIN, 0).fit(
            type(flat)(
                flat.store,
                flat.numbers,
                flat.streams,
                np.repeat(np.random.default_rng(seed).permutation(label[::6]), 6),
            )
        )
        for seed in range(20)
    ]
    passed = [fit.choices["eeg_features"] for fit in fits]

    fewest = fits[int(np.argmin(passed))]

    assert fewest.numbers["eeg/chosen"].sum() == max(1, min(passed))
    assert np.isfinite(fewest.score(rows)).all()
