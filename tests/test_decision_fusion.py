"""Tests of decision-level fusion: its rules by worked examples, its fits by rows."""

import dataclasses
import json

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from sklearn.ensemble import AdaBoostClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from deepvanet.config import NetworkSettings
from deepvanet.learners import LEARNERS
from deepvanet.learners.fusion_rules import (
    MOST_ALPHA,
    RULES,
    find_alpha,
    reweight,
    weigh_as_published,
)
from deepvanet.learners.learner import Choice
from deepvanet.learners.making import find_learner
from small_store import take_rows

QUICK = NetworkSettings(epochs=2, batch_size=8)


def sample_members(n_rows=400, *, face=0.7, bio=0.4, seed=0):
    """Draw labels and two members' scores that know them a little."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n_rows)
    signal = (2 * label - 1)[:, None] * np.array([face, bio])
    return expit(signal + rng.standard_normal((n_rows, 2))), label


def cast_votes(scores, label, *, hard):
    margins = 2 * scores - 1
    return (2 * label - 1)[:, None] * (np.sign(margins) if hard else margins)


@pytest.mark.parametrize("seed", range(5))
def test_after_its_update_a_hard_voter_is_wrong_half_the_time(seed):
    votes = cast_votes(*sample_members(seed=seed), hard=True)[:, 0]
    weight = np.full(len(votes), 1 / len(votes))

    alpha = find_alpha(votes, weight)
    after = reweight(votes, weight, alpha)

    error = weight[votes < 0].sum()
    assert alpha == pytest.approx(np.log((1 - error) / error) / 2, abs=1e-9)
    assert after[votes < 0].sum() == pytest.approx(0.5, abs=1e-9)
    assert after.sum() == pytest.approx(1)
    assert (after[votes < 0] > weight[votes < 0]).all()


@pytest.mark.parametrize("seed", range(5))
def test_after_its_update_a_graded_voter_is_uncorrelated_with_the_truth(seed):
    votes = cast_votes(*sample_members(seed=seed), hard=False)[:, 0]
    weight = np.full(len(votes), 1 / len(votes))

    alpha = find_alpha(votes, weight)

    best = minimize_scalar(
        lambda a: np.mean(np.exp(-a * votes)), bounds=(0, 7), method="bounded"
    )
    assert alpha == pytest.approx(best.x, abs=1e-4)
    assert (reweight(votes, weight, alpha) * votes).sum() == pytest.approx(0, abs=1e-9)


def test_no_weight_is_infinite_and_none_is_negative():
    weight = np.full(10, 0.1)

    assert find_alpha(np.ones(10), weight) == MOST_ALPHA
    assert find_alpha(-np.ones(10), weight) == 0.0
    assert find_alpha(np.array([1.0, -1.0] * 5), weight) == 0.0


def test_the_first_member_weighs_what_scikit_learn_gives_a_stump():
    scores, label = sample_members()
    hard = (scores[:, :1] > 0.5).astype(float)
    stump = AdaBoostClassifier(DecisionTreeClassifier(max_depth=1), n_estimators=1)
    theirs = stump.fit(hard, label).estimator_weights_[0]

    votes = cast_votes(hard, label, hard=True)[:, 0]
    ours = find_alpha(votes, np.full(len(label), 1 / len(label)))

    # SAMME of two classes has twice the weight of discrete AdaBoost
    assert ours == pytest.approx(theirs / 2, abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_two_hard_voters_equal_their_stronger_member(seed):
    scores, label = sample_members(seed=seed)
    hard = (scores > 0.5).astype(float)

    weights = RULES["adaboost"].fit(hard, label)
    joined = RULES["adaboost"].join(hard, weights) > 0.5

    alphas = [weights["face_alpha"], weights["bio_alpha"]]
    assert (joined == (hard[:, int(np.argmax(alphas))] > 0.5)).all()
    assert alphas[0] != alphas[1]


def test_graded_votes_can_beat_both_members():
    scores, label = sample_members(4000, face=0.6, bio=0.6)
    test, truth = sample_members(4000, face=0.6, bio=0.6, seed=1)

    joined = RULES["adaboost"].join(test, RULES["adaboost"].fit(scores, label))

    members = ((test > 0.5) == truth[:, None]).mean(axis=0)
    assert ((joined > 0.5) == truth).mean() > members.max() + 0.02


def test_members_that_know_nothing_get_no_weight_and_the_base_rate():
    label = np.array([0, 1, 1, 1] * 5)
    scores = np.tile(np.where(label == 1, 0.4, 0.6)[:, None], 2)

    weights = RULES["adaboost"].fit(scores, label)

    assert (weights["face_alpha"], weights["bio_alpha"]) == (0, 0)
    assert RULES["adaboost"].join(scores, weights).tolist() == [0.75] * 20


def test_stacking_is_a_logistic_regression_on_log_odds():
    scores, label = sample_members()
    theirs = LogisticRegression().fit(logit(scores), label)

    ours = RULES["stacking"].join(scores, RULES["stacking"].fit(scores, label))

    np.testing.assert_allclose(ours, theirs.predict_proba(logit(scores))[:, 1])


def test_the_mean_of_log_odds_needs_no_rows():
    scores = np.array([[0.9, 0.5], [0.2, 0.8]])

    joined = RULES["mean-logit"].join(scores, {})

    assert joined == pytest.approx([0.75, 0.5])
    assert not RULES["mean-logit"].is_fitted


@pytest.mark.parametrize(
    ("face", "bio", "expected"), [(2.0, 0.0, (0.7, 1)), (0.0, 2.0, (0, 0.3))]
)
def test_the_grid_of_weights_finds_who_knows(face, bio, expected):
    weights = RULES["weight-grid"].fit(*sample_members(face=face, bio=bio))

    assert expected[0] <= weights["face_weight"] <= expected[1]


def test_of_equal_weights_the_grid_takes_the_middle():
    scores, label = sample_members()

    weights = RULES["weight-grid"].fit(np.tile(scores[:, :1], 2), label)

    assert weights["face_weight"] == 0.5


@pytest.mark.parametrize(
    ("face", "bio", "alpha"),
    [(0.05, 0.05, 2.23), (0.01, 0.20, 1.94), (0.20, 0.05, 1.83)],
)
def test_the_published_weights_are_those_of_its_code(face, bio, alpha):
    found = weigh_as_published(face, bio)

    assert found[0] == pytest.approx(np.log((1 - face) / face) / 2)
    assert round(found[1], 2) == alpha


@pytest.fixture(scope="module")
def rows(tiny_store, tmp_path_factory):
    path = tmp_path_factory.mktemp("fusion") / "store"
    return take_rows(tiny_store(path, n_subjects=2, n_segments=2))


@pytest.mark.parametrize("name", [n for n in LEARNERS if "fusion" in n])
def test_the_members_are_the_networks_of_their_streams(tiny_store, tmp_path, name):
    store = tiny_store(tmp_path / "store", n_trials=2, n_segments=2, images=(5, 64))
    once = dataclasses.replace(QUICK, epochs=1)
    fitted = find_learner(name)(once, 0).fit(take_rows(store))

    counts = {
        member: sum(p.numel() for p in network.chosen.parameters())
        for member, network in fitted.pair.items()
    }
    assert counts["face"] == 1_347_513
    assert fitted.pair["bio"].streams == ("eeg", "peripheral")


def test_validation_chooses_an_epoch_for_each_member(rows):
    watch = rows.take(np.arange(6))

    fitted = find_learner("decision-fusion:stacking")(QUICK, 0).fit(
        rows.take(np.arange(6, len(rows))), watch=watch, choose=Choice.LOSS
    )

    for member, network in fitted.pair.items():
        assert fitted.choices[f"{member}_epoch"] == network.chosen_epoch
    again = find_learner("decision-fusion:stacking")(QUICK, 0).refit(
        rows, plan=fitted.plan
    )
    for member, network in again.pair.items():
        assert network.plan == fitted.pair[member].plan
    assert again.choices["is_fitted"] == 1
    with pytest.raises(ValueError, match="validation rows chose the epoch"):
        fitted.score(watch, epoch="last")


def test_one_trial_leaves_nothing_to_fit_on_and_the_members_count_alike(rows, tmp_path):
    one = rows.take(rows.trial == 0)
    # two labels in one trial, as under no rule, so that both networks can train
    one = dataclasses.replace(one, label=np.arange(len(one)) % 2)

    fitted = find_learner("decision-fusion:adaboost")(QUICK, 0).fit(one, unit="trial")
    fitted.save(tmp_path / "fusion")

    scores = np.stack([fitted.pair[n].score(narrow(one, n)) for n in fitted.pair], 1)
    np.testing.assert_allclose(fitted.score(one), expit(logit(scores).mean(axis=1)))
    saved = json.loads((tmp_path / "fusion" / "fusion.json").read_text())
    assert saved["weights"] is None


def narrow(rows, member):
    streams = [s for s in rows.streams if (s == "face") == (member == "face")]
    return dataclasses.replace(rows, streams=tuple(streams))
