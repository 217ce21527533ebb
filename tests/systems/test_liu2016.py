"""The machines, the autoencoder and the scale of Liu et al. do what is said of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from deepvanet.config import NetworkSettings
from deepvanet.learners.classifiers import Samples
from deepvanet.learners.features import measure_bands
from deepvanet.learners.making import find_learner, load_learner
from deepvanet.schema import STREAM_SETS, Goal, Stream, UserError
from deepvanet.systems.boltzmann import Machine, train_machine
from deepvanet.systems.liu2016 import (
    MODALITIES,
    Autoencoder,
    Extent,
    fit_linear,
    train_autoencoder,
)
from small_store import CHANNELS, hold, take_rows

SMALL = NetworkSettings(size="small")


@pytest.fixture(scope="module")
def rows(tiny_store, tmp_path_factory):
    path = tmp_path_factory.mktemp("liu") / "store"
    store = tiny_store(path, n_subjects=2, n_trials=8, n_segments=3)
    return take_rows(store, STREAM_SETS["bio"])


def find_sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_a_step_of_a_machine_is_contrastive_divergence():
    rng = np.random.default_rng(0)
    weight, visible = rng.normal(0, 1, (5, 3)), rng.random((4, 5))
    before, behind, chance = (
        rng.normal(0, 1, 5),
        rng.normal(0, 1, 3),
        rng.random((4, 3)),
    )
    machine = Machine(*(torch.tensor(x.copy()) for x in (weight, before, behind)))

    machine.learn(torch.tensor(visible), torch.tensor(chance), rate=0.3)

    hidden = find_sigmoid(visible @ weight + behind)
    again = find_sigmoid((chance < hidden) @ weight.T + before)
    last = find_sigmoid(again @ weight + behind)
    step = sum(
        np.outer(visible[n], hidden[n]) - np.outer(again[n], last[n]) for n in range(4)
    )
    np.testing.assert_allclose(machine.weight, weight + 0.3 * step / 4)
    moved = before + 0.3 * (visible - again).mean(axis=0)
    np.testing.assert_allclose(machine.visible_bias, moved)
    moved = behind + 0.3 * (hidden - last).mean(axis=0)
    np.testing.assert_allclose(machine.hidden_bias, moved)


def test_a_machine_learns_two_patterns():
    torch.manual_seed(0)
    pattern = torch.tensor([[1.0] * 6 + [0.0] * 6, [0.0] * 6 + [1.0] * 6])
    rows = pattern[torch.arange(200) % 2]

    machine = train_machine(rows, 4, n_sweeps=30, batch_size=10, seed=0)

    given_back = machine.find_visible(machine.find_hidden(rows))
    assert (given_back - rows).abs().mean() < 0.15


def make_machines():
    torch.manual_seed(0)
    sizes = ((7, 3), (5, 3), (6, 3))
    eeg, other, joint = (
        Machine(torch.randn(n, h), torch.randn(n), torch.randn(h)) for n, h in sizes
    )
    return {Stream.EEG: eeg, Stream.PERIPHERAL: other}, joint


def test_the_autoencoder_starts_as_its_machines_unrolled():
    machines, joint = make_machines()
    inputs = [torch.rand(4, 7), torch.rand(4, 5)]

    made = Autoencoder(machines, joint)(inputs)

    hidden = torch.cat(
        [m.find_hidden(x) for m, x in zip(machines.values(), inputs, strict=True)], 1
    )
    back = joint.find_visible(joint.find_hidden(hidden))
    for machine, half, one in zip(
        machines.values(), (back[:, :3], back[:, 3:]), made, strict=True
    ):
        torch.testing.assert_close(one, machine.find_visible(half))


def test_training_gives_inputs_back_better():
    rng = np.random.default_rng(0)
    cause = rng.random((300, 2))
    inputs = [
        torch.tensor(find_sigmoid(cause @ rng.normal(0, 3, (2, n)))).float()
        for n in (12, 6)
    ]

    errors = []
    for epochs in (0, 600):
        network = train_autoencoder(inputs, Extent(10, epochs, 3), seed=0)
        with torch.inference_mode():
            pairs = zip(network(inputs), inputs, strict=True)
            errors.append(sum(float((a - b).square().mean()) for a, b in pairs))
        assert network.share(inputs).shape == (300, 10)

    assert errors[1] < errors[0] / 2


def test_the_machine_of_high_and_low_is_a_linear_one_with_c_1():
    rng = np.random.default_rng(0)
    features, label = rng.random((60, 4)), rng.integers(0, 2, 60)
    weight = rng.random(60)
    samples = Samples(features, label, label, weight, pd.DataFrame(index=range(60)))

    found = fit_linear(samples, (), is_binary=True)

    scaled = StandardScaler().fit_transform(features)
    model = LinearSVC(dual=False).fit(scaled, label, sample_weight=weight)
    distance = features @ found["weight"][0] + found["bias"]
    np.testing.assert_allclose(distance, model.decision_function(scaled), rtol=1e-6)


@pytest.fixture(scope="module")
def fitted(rows):
    return {
        name: find_learner(name)(SMALL, 0).fit(rows.take(rows.trial < 8))
        for name in ("liu2016", "liu2016:as-published", "liu2016:de")
    }


def test_inputs_lie_between_0_and_1_by_training_rows(rows, fitted):
    numbers = fitted["liu2016"].numbers
    train = rows.take(rows.trial < 8)

    for stream in MODALITIES:
        values = train.read(stream).reshape(len(train), -1)
        np.testing.assert_array_equal(numbers[f"{stream}_low"], values.min(axis=0))
        np.testing.assert_array_equal(numbers[f"{stream}_high"], values.max(axis=0))


def test_only_as_published_is_changed_by_what_it_scores(rows, fitted):
    test = rows.take(rows.trial >= 8)
    one = np.array([0])

    for name, made in fitted.items():
        is_open = find_learner(name)(SMALL, 0).traits.adapts_to_test
        alike = made.score(test)[0] == pytest.approx(made.score(test.take(one))[0])
        assert is_open == ("published" in name)
        assert alike != is_open


def test_de_reads_entropies_of_the_second(rows, fitted):
    train = rows.take(rows.trial < 8)
    entropy = measure_bands(train.read(Stream.EEG), 128.0).reshape(len(train), -1)

    low = fitted["liu2016:de"].numbers["eeg_low"]

    np.testing.assert_allclose(low, entropy.min(axis=0))


def test_what_is_missing_is_taken_for_the_mean_of_training(rows, fitted):
    made = fitted["liu2016"]
    arrays = {s: rows.read(s, np.arange(1)) for s in MODALITIES}
    numbers = {s: made.numbers[f"{s}_fill"].reshape(arrays[s].shape) for s in arrays}
    lost = {s: np.full_like(array, np.nan) for s, array in arrays.items()}

    filled = {s: array.astype(np.float32) for s, array in numbers.items()}
    np.testing.assert_allclose(
        made.score(hold(lost)), made.score(hold(filled)), atol=1e-5
    )
    with pytest.raises(UserError, match="was fitted on 384 numbers a row of eeg, got"):
        made.score(hold({s: a[..., :64] for s, a in arrays.items()}, CHANNELS))


def test_classes_share_a_probability_also_where_one_is_not_there(rows, tmp_path):
    goal = Goal("classes", ("sad", "calm", "glad"))
    made = find_learner("liu2016")(SMALL, 0).fit(
        replace(rows, label=2 * rows.label, goal=goal)
    )
    made.save(tmp_path / "fitted")

    found = load_learner("liu2016", tmp_path / "fitted").score(rows)

    assert found.tobytes() == made.score(rows).tobytes()
    assert found.shape == (len(rows), 3)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert not found[:, 1].any()
