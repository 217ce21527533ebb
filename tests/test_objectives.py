"""A network's loss and predictions are those of its goal; PyTorch is the oracle."""

import numpy as np
import pytest
import torch
from torch import nn

from deepvanet.config import NetworkSettings
from deepvanet.learners.network import NetworkLearner, load_network
from deepvanet.learners.objectives import Objective, find_objective
from deepvanet.schema import Goal, Stream, UserError
from deepvanet.store import Rows
from small_store import write_small_store

CLASSES = Goal("classes", ("sad", "calm", "glad"), is_ordered=True)


def make_rows(store, goal, label):
    numbers = store.rows_with((Stream.EEG,))
    return Rows(store, numbers, (Stream.EEG,), label, goal=goal)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("graded") / "store"
    return write_small_store(
        root,
        n_subjects=1,
        n_trials=12,
        n_segments=2,
        graded=True,
        streams=(Stream.EEG, Stream.PERIPHERAL),
    )


@pytest.fixture(scope="module")
def ratings(store):
    return store.read_ratings("valence")


def test_classes_are_learnt_by_cross_entropy():
    outputs, wanted = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    lost = Objective(CLASSES).lose(outputs, wanted)
    oracle = nn.CrossEntropyLoss(reduction="none")(outputs, wanted)
    torch.testing.assert_close(lost, oracle)


def test_ordered_classes_are_learnt_by_the_bounds_between_them():
    objective = Objective(CLASSES, is_ordinal=True)
    wanted = objective.encode(np.array([0, 1, 2]))
    assert wanted.tolist() == [[0, 0], [1, 0], [1, 1]]
    certain = torch.tensor([[-20.0, -20.0], [20.0, -20.0], [20.0, 20.0]])
    np.testing.assert_allclose(objective.predict(certain), np.eye(3), atol=1e-6)
    assert objective.is_right(certain, wanted).all()


@pytest.mark.parametrize("is_ordinal", [False, True])
def test_odds_are_those_of_the_predicted_probability(is_ordinal):
    objective = Objective(CLASSES, is_ordinal=is_ordinal)
    outputs = torch.tensor([[1.0, -1.0, 0.3], [0.2, 0.1, 2.0], [2.0, -2.0, 0.0]])
    outputs = outputs[:, : objective.n_outputs]
    shares = objective.predict(outputs)[np.arange(3), [0, 1, 2]]

    found = objective.measure_odds(outputs, torch.tensor([0, 1, 2]))

    np.testing.assert_allclose(found, np.log(shares / (1 - shares)), rtol=1e-4)


def test_bounds_that_cross_give_no_probability_below_zero():
    share = Objective(CLASSES, is_ordinal=True).predict(torch.tensor([[-2.0, 2.0]]))
    assert share.min() >= 0
    assert share.sum() == pytest.approx(1)


def test_ratings_are_learnt_in_units_of_their_deviation(store, ratings):
    rows = make_rows(store, Goal("rating"), ratings)
    objective = find_objective(rows)
    by_trial = np.linspace(1, 9, 12)
    assert objective.center == pytest.approx(by_trial.mean())
    assert objective.spread == pytest.approx(by_trial.std())
    wanted = objective.encode(ratings)
    np.testing.assert_allclose(objective.predict(wanted), ratings, rtol=1e-5)


def test_classes_without_an_order_have_no_ordinal_loss(store):
    rows = make_rows(store, Goal("classes", ("a", "b", "c")), np.zeros(24, int))
    with pytest.raises(UserError, match="an order"):
        find_objective(rows, loss="ordinal")


@pytest.mark.parametrize(
    ("goal", "loss"),
    [
        (CLASSES, "nominal"),
        (CLASSES, "ordinal"),
        (Goal("rating"), "nominal"),
    ],
)
def test_a_network_of_any_goal_is_saved_and_says_the_same(
    store, ratings, goal, loss, tmp_path
):
    label = ratings if goal.kind == "rating" else np.digitize(ratings, [4, 6])
    rows = make_rows(store, goal, label)
    settings = NetworkSettings(epochs=2, batch_size=8, loss=loss)
    fitted = NetworkLearner(settings, seed=0).fit(rows, watch=rows)
    fitted.save(tmp_path / "network")
    said = load_network(tmp_path / "network").score(rows)
    np.testing.assert_array_equal(said, fitted.score(rows))
    assert said.shape == ((24,) if goal.kind == "rating" else (24, 3))
    assert fitted.history[0].watched_loss > 0
