"""Several targets by one network: the loss is a sum; scikit-learn is the oracle."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, mean_squared_error
from torch import nn

from deepvanet.config import NetworkSettings
from deepvanet.learners.eegnet import EEGNetLearner, load_eegnet
from deepvanet.learners.learner import Choice
from deepvanet.learners.network import NetworkLearner, load_network
from deepvanet.learners.objectives import (
    JointObjective,
    Objective,
    find_objective,
    take_part,
)
from deepvanet.schema import HIGH_OR_LOW, Goal, Stream, UserError
from deepvanet.store import Rows
from deepvanet.tasks import split_outputs, stratify
from small_store import write_small_store

MOODS = Goal("classes", ("sad", "calm", "glad"), is_ordered=True)
TWO = JointObjective((Objective(), Objective()))
BOTH = Goal("high-low", parts=(HIGH_OR_LOW, HIGH_OR_LOW))
QUICK = NetworkSettings(epochs=2, batch_size=16, precision="float32")


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Seconds of one subject with a valence and an arousal, each high or low."""
    store = write_small_store(
        tmp_path_factory.mktemp("joint") / "store",
        n_subjects=1,
        n_trials=16,
        n_segments=2,
        streams=(Stream.EEG, Stream.PERIPHERAL),
    )
    numbers = store.rows_with((Stream.EEG,))
    rated = [store.read_ratings(name)[numbers] for name in ("valence", "arousal")]
    label = (np.stack(rated, axis=1) >= 5).astype(np.int64)
    return Rows(store, numbers, (Stream.EEG,), label, goal=BOTH)


@pytest.fixture
def batch():
    torch.manual_seed(0)
    hidden = nn.Sequential(nn.Linear(5, 4), nn.ReLU())
    return hidden, nn.Linear(4, 2), torch.randn(12, 5), torch.randint(2, (12, 2))


def find_gradients(hidden, head, inputs, wanted, objective, weight=None):
    """Return the gradients of the hidden layer, and of the head."""
    layers = copy.deepcopy(nn.Sequential(hidden, head))
    outputs = layers(inputs)
    if objective == Objective():
        outputs = outputs[:, 0]
    objective.lose_mean(outputs, wanted.float(), weight).backward()
    return [p.grad for p in layers[0].parameters()], layers[1].weight.grad


def take_head(head, place):
    one = nn.Linear(4, 1)
    one.weight.data, one.bias.data = (
        head.weight.data[[place]].clone(),
        head.bias.data[[place]].clone(),
    )
    return one


def test_the_loss_is_the_sum_of_what_it_is_of_each_target_alone():
    rng = np.random.default_rng(1)
    parts = (Objective(), Objective(MOODS), Objective(Goal("rating"), 5.0, 2.0))
    label = np.stack(
        [rng.integers(2, size=9), rng.integers(3, size=9), rng.uniform(1, 9, 9)], axis=1
    )
    outputs = torch.randn(9, 5, dtype=torch.float64)
    joint = JointObjective(parts)
    lost = joint.lose_mean(outputs, joint.encode(label), None)
    score = outputs.numpy()
    share = np.exp(score[:, 1:4]) / np.exp(score[:, 1:4]).sum(axis=1, keepdims=True)
    oracle = (
        log_loss(label[:, 0], 1 / (1 + np.exp(-score[:, 0])))
        + log_loss(label[:, 1], share)
        + mean_squared_error((label[:, 2] - 5) / 2, score[:, 4])
    )
    assert lost.item() == pytest.approx(oracle, rel=1e-6)
    np.testing.assert_allclose(
        joint.lose(outputs, joint.encode(label)).mean().item(), oracle, rtol=1e-6
    )
    found = split_outputs(
        joint.predict(outputs), Goal("rating", parts=tuple(p.goal for p in parts))
    )
    np.testing.assert_allclose(found[1], share)
    np.testing.assert_allclose(found[2], score[:, 4] * 2 + 5)


def test_ordinal_classes_of_two_targets_have_bounds_of_their_own():
    part = Objective(MOODS, is_ordinal=True)
    joint = JointObjective((part, part))
    label = np.array([[0, 2], [1, 1], [2, 0]])
    assert joint.n_outputs == 4
    wanted = joint.encode(label)
    assert wanted.tolist() == [[0, 0, 1, 1], [1, 0, 1, 0], [1, 1, 0, 0]]
    outputs = 20 * (2 * wanted - 1)
    assert joint.is_right(outputs, wanted).all()
    likeliest = joint.predict(outputs).reshape(3, 2, 3).argmax(axis=2)
    assert likeliest.tolist() == label.tolist()


def test_a_target_whose_weight_is_zero_leaves_the_network_of_the_other(batch):
    hidden, head, inputs, wanted = batch
    weight = torch.tensor([1.0, 0.0]).expand(12, 2)
    joint, of_head = find_gradients(hidden, head, inputs, wanted, TWO, weight)
    alone, of_one = find_gradients(
        hidden, take_head(head, 0), inputs, wanted[:, 0], Objective()
    )
    torch.testing.assert_close(joint, alone)
    torch.testing.assert_close(of_head, torch.cat([of_one, torch.zeros(1, 4)]))


def test_shared_layers_move_by_the_sum_of_what_each_target_asks(batch):
    hidden, head, inputs, wanted = batch
    joint, _ = find_gradients(hidden, head, inputs, wanted, TWO)
    alone = [
        find_gradients(hidden, take_head(head, k), inputs, wanted[:, k], Objective())[0]
        for k in (0, 1)
    ]
    torch.testing.assert_close(
        joint, [one + other for one, other in zip(*alone, strict=True)]
    )


def test_one_target_asked_twice_trains_two_heads_that_stay_alike(batch):
    hidden, _, inputs, wanted = batch
    head = nn.Linear(4, 2)
    head.weight.data[1], head.bias.data[1] = head.weight.data[0], head.bias.data[0]
    layers = nn.Sequential(copy.deepcopy(hidden), head)
    optimizer = torch.optim.Adam(layers.parameters(), lr=0.05)
    twice = wanted[:, [0, 0]].float()
    before = head.weight.data.clone()
    for _ in range(20):
        optimizer.zero_grad()
        TWO.lose_mean(layers(inputs), twice, None).backward()
        optimizer.step()
    torch.testing.assert_close(head.weight[0], head.weight[1], rtol=0, atol=0)
    assert not torch.equal(head.weight.data, before)


@pytest.mark.parametrize(
    ("learner", "load"),
    [(NetworkLearner, load_network), (EEGNetLearner, load_eegnet)],
)
def test_one_fit_answers_each_target_alone_and_after_it_was_saved(
    rows, tmp_path, learner, load
):
    fitted = learner(QUICK, 0).fit(rows, watch=rows)
    score = fitted.score(rows)
    assert score.shape == (len(rows), 2)
    fitted.save(tmp_path / "saved")
    loaded = load(tmp_path / "saved")
    np.testing.assert_array_equal(loaded.score(rows), score)
    assert loaded.history == fitted.history
    for place in (0, 1):
        one = loaded.take_target(place)
        np.testing.assert_allclose(one.score(rows), score[:, place], atol=1e-6)
        assert one.objective == Objective()
        one.save(tmp_path / f"alone {place}")
        assert load(tmp_path / f"alone {place}").score(rows).shape == (len(rows),)
    with pytest.raises(UserError, match="predicts 2 targets, but number 3"):
        loaded.take_target(2)


def test_the_watched_loss_and_accuracy_are_means_over_targets(rows):
    settings = replace(QUICK, class_weight="none")
    fitted = NetworkLearner(settings, 0).fit(rows, watch=rows, choose=Choice.LOSS)
    record = fitted.history[fitted.chosen_epoch - 1]
    score = fitted.score(rows)
    oracle = np.mean([log_loss(rows.label[:, k], score[:, k]) for k in (0, 1)])
    assert record.watched_loss == pytest.approx(oracle, rel=1e-5)
    for place in (0, 1):
        mine = log_loss(rows.label[:, place], score[:, place])
        assert record.of_targets[place] == pytest.approx(mine, rel=1e-5)
    right = (score > 0.5) == rows.label
    assert record.watched_accuracy == pytest.approx(right.mean())
    losses = [record.watched_loss for record in fitted.history]
    assert fitted.chosen_epoch == 1 + int(np.argmin(losses))


def test_each_target_is_weighed_by_its_own_classes(rows):
    skewed = rows.label.copy()
    skewed[:-2, 1] = 0
    skewed[-2:, 1] = 1
    fitted = NetworkLearner(QUICK, 0).fit(replace(rows, label=skewed))
    assert fitted.score(rows)[:, 1].mean() > 0.2  # a sixteenth is high


def test_a_network_of_one_target_answers_no_others():
    with pytest.raises(UserError, match="predicts 1 target, but number 1"):
        take_part(Objective(), 0)


def test_ratings_of_each_target_have_their_own_scale(rows):
    rating = Goal("rating")
    label = np.stack([np.linspace(1, 9, len(rows)), np.full(len(rows), 3.0)], axis=1)
    rated = replace(rows, label=label, goal=Goal("rating", parts=(rating, rating)))
    objective = find_objective(rated)
    assert [part.spread == 1.0 for part in objective.parts] == [False, True]
    assert objective.parts[1].center == 3.0


def test_folds_of_two_targets_are_balanced_by_pairs_of_labels():
    label = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    assert stratify(label, BOTH).tolist() == [0, 1, 2, 3]
    moods = Goal("classes", parts=(MOODS, MOODS))
    assert stratify(np.array([[0, 2], [2, 1]]), moods).tolist() == [2, 7]
