"""Sets hold the truth of new people's trials as often as they say."""

import numpy as np
import pytest
from scipy.special import expit

from deepvanet.metrics import conform, take_classes
from deepvanet.metrics.conformal import find_bound, measure_errors

LEVEL = 0.9


def simulate(rng, n_people, n_trials, n_classes=2):
    """Return labels, probabilities and people; a model errs alike within a person."""
    person = np.repeat(np.arange(n_people), n_trials)
    label = rng.integers(n_classes, size=len(person))
    skill = rng.normal(1.0, 1.0, n_people)[person]
    logit = rng.normal(size=(len(person), n_classes))
    logit[np.arange(len(person)), label] += skill
    share = np.exp(logit)
    return label, share / share.sum(axis=1, keepdims=True), person


@pytest.mark.parametrize("n_classes", [2, 3])
def test_sets_hold_the_truth_of_4000_independent_trials_within_two_points(n_classes):
    rng = np.random.default_rng(0)
    held = []
    for _ in range(400):  # people of training, each time others
        known = simulate(rng, 100, 8, n_classes)
        bound = find_bound(measure_errors(*known[:2]), known[2], level=LEVEL)
        label, share, _ = simulate(rng, 10, 1, n_classes)
        held.append(measure_errors(label, share) <= bound)

    assert abs(np.mean(held) - LEVEL) < 0.02


def test_intervals_of_ratings_hold_the_truth_of_4000_independent_trials():
    rng = np.random.default_rng(1)

    def rate(n_people, n_trials):
        person = np.repeat(np.arange(n_people), n_trials)
        spread = rng.uniform(0.5, 2, n_people)[person]
        rating = rng.uniform(1, 9, len(person))
        return rating, rating + spread * rng.normal(size=len(person)), person

    held = []
    for _ in range(400):
        known = rate(100, 8)
        bound = find_bound(measure_errors(*known[:2]), known[2], level=LEVEL)
        rating, predicted, _ = rate(10, 1)
        held.append(np.abs(rating - predicted) <= bound)

    assert abs(np.mean(held) - LEVEL) < 0.02


def test_trials_that_are_taken_for_people_would_hold_too_little():
    rng = np.random.default_rng(2)
    by_person, by_trial = [], []
    for _ in range(300):
        label, share, person = simulate(rng, 12, 40)
        error = measure_errors(label, share)
        label, share, _ = simulate(rng, 10, 1)
        new = measure_errors(label, share)
        by_person.append(new <= find_bound(error, person, level=LEVEL))
        by_trial.append(new <= find_bound(error, np.arange(len(error)), level=LEVEL))

    assert np.mean(by_person) > LEVEL - 0.01
    assert np.mean(by_trial) < np.mean(by_person) - 0.01


def test_people_weigh_alike_however_many_trials_they_have():
    error = np.array([*[9.0] * 50, *range(10)])
    person = np.array([*[0] * 50, *range(1, 11)])

    assert find_bound(error, person, level=0.75) == 8.0


def test_what_is_measured_is_what_each_person_gets_by_the_others():
    rng = np.random.default_rng(3)
    label, share, person = simulate(rng, 30, 10)

    made = conform(label, share, person, level=LEVEL)

    error = measure_errors(label, share)
    held = [
        np.mean(
            error[person == k] <= find_bound(error[person != k], person[person != k])
        )
        for k in range(30)
    ]
    assert made.coverage == pytest.approx(np.mean(held))
    assert made.ci_low < made.coverage <= made.ci_high <= 1
    assert made.n_subjects == 30
    assert made.size == take_classes(share, made.bound).sum(axis=1).mean()


def test_too_few_people_give_no_sets():
    label, share, person = simulate(np.random.default_rng(4), 9, 20)

    assert conform(label, share, person, level=LEVEL) is None


def test_a_set_is_never_empty():
    score = expit(np.array([-3.0, 0.1, 2.0]))
    share = np.stack([1 - score, score], axis=1)

    held = take_classes(share, 0.01)

    assert held.sum(axis=1).tolist() == [1, 1, 1]
    assert held.argmax(axis=1).tolist() == [0, 1, 1]
