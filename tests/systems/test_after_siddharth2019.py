"""After Siddharth et al. (2019): maps, entropies, filters, and the machine."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from safetensors.torch import save_file
from scipy.stats import entropy
from sklearn.linear_model import Ridge

from deepvanet.config import NetworkSettings
from deepvanet.learners.making import find_learner, load_learner
from deepvanet.models.fer_weights import (
    FerWeights,
    check_weights,
    convert_keras,
    copy_fer,
)
from deepvanet.models.fixed_filters import FixedFilters
from deepvanet.models.trunk import Trunk
from deepvanet.models.trunk_weights import TrunkWeights, copy_trunk
from deepvanet.schema import Channel, ChannelType, Goal, Stream, UserError
from deepvanet.systems.after_siddharth2019 import N_COMPONENTS, find_components
from deepvanet.systems.channel_pairs import N_LEVELS, measure_pairs, sort_levels
from deepvanet.systems.face_trunk import open_trunk, read_face_trunk
from deepvanet.systems.head_maps import (
    RIM,
    find_places,
    load_places,
    measure_colours,
    paint,
    weigh_pixels,
)
from deepvanet.systems.heart_features import Heart
from deepvanet.systems.learning_machine import LEAST, fit_machine
from deepvanet.systems.stretches import Stretch
from deepvanet.systems.trial_pictures import (
    HEART,
    SKIN_NAMES,
    join_seconds,
    measure_parts,
    paint_spectrogram,
)
from keras_weights import sample_keras
from moving_faces import shuffle_labels, write_moving_store
from small_store import hold, rate, take_rows
from vgg_tensors import sample_vgg

NAME = "after-siddharth2019"
SMALL = NetworkSettings(size="small")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("siddharth") / "store"
    return write_moving_store(path, n_subjects=2, n_trials=12, n_segments=4)


def test_electrodes_lie_on_the_disc_as_on_the_head():
    places = load_places()

    assert places["cz"] == pytest.approx((0, 0), abs=1e-9)
    right, front = places["t8"]
    assert right > 1 > abs(front) + 0.9
    assert places["oz"][1] < -1
    assert places["c3"][0] == pytest.approx(-places["c4"][0])
    # azimuthal equidistant: from Cz as far as on the sphere
    assert np.hypot(*places["fz"]) == pytest.approx(0.5, abs=0.03)


def test_a_map_is_brightest_where_the_power_is():
    names = ("Fp1", "Fp2", "C3", "C4", "O1", "O2")
    channels = [Channel(name, ChannelType.EEG, "uV") for name in names]
    has, places = find_places(channels)
    colours = np.zeros((1, len(names), 3))
    colours[0, names.index("O2"), 1] = 1.0

    (picture,) = paint(colours[:, has], weigh_pixels(places))

    green = picture[1]
    row, column = np.unravel_index(green.argmax(), green.shape)
    assert row > 22  # back
    assert 16 < column < 26  # and right
    assert not picture[[0, 2]].any()
    axis = np.abs(np.arange(32) + 0.5 - 16) / 16 * RIM
    beyond = np.hypot(axis[:, None], axis[None]) > RIM
    assert not green[beyond].any()
    assert (green[~beyond] > 0).all()


def test_a_map_is_linear_in_its_powers_and_leaves_out_what_is_not_known():
    weight = weigh_pixels(np.array([[0, 0], [0.5, 0.2], [-0.4, 0.6]]))
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 1, 3, 3))

    joined = paint(0.3 * one + 0.7 * other, weight)

    assert_allclose(
        joined, 0.3 * paint(one, weight) + 0.7 * paint(other, weight), atol=1e-6
    )
    one[0, 1] = np.nan
    without = weigh_pixels(np.array([[0, 0], [-0.4, 0.6]]))
    assert_allclose(paint(one, weight), paint(one[:, [0, 2]], without), atol=1e-6)


def test_a_colour_is_the_log_power_of_its_band():
    time = np.arange(128) / 128
    sine = np.sqrt(2 * 10) * np.sin(2 * np.pi * 10 * time)  # 10 squared microvolts

    colours = measure_colours(sine[None, None], 128.0)[0, 0]

    assert colours[1] == pytest.approx((1 + 2) / 5, abs=0.01)
    assert colours[[0, 2]].max() < 0.2


def test_electrodes_without_a_place_are_refused():
    with pytest.raises(UserError, match=r"needs electrodes of .*, got X1"):
        find_places([Channel("X1", ChannelType.EEG, "uV")])


def test_entropies_of_pairs_are_those_of_a_table_of_counts():
    rng = np.random.default_rng(0)
    first = rng.normal(size=4000)
    signals = np.stack([first, 0.8 * first + rng.normal(size=4000), first])

    found = measure_pairs(signals)

    levels = [sort_levels((s - s.mean()) / s.std()) for s in signals]
    for place, (a, b) in enumerate([(0, 1), (0, 2), (1, 2)]):
        table, _, _ = np.histogram2d(levels[a], levels[b], bins=N_LEVELS)
        wanted = entropy(table.ravel(), base=2) - entropy(table.sum(axis=1), base=2)
        assert found[place] == pytest.approx(wanted)
    assert found[1] == pytest.approx(0, abs=1e-9)  # it tells all of itself


def test_32_channels_make_496_pairs_and_lost_ones_are_not_known():
    signals = np.random.default_rng(0).normal(size=(32, 500))
    assert len(measure_pairs(signals)) == 496

    signals[3] = np.nan
    signals[4] = 7.0
    assert np.isnan(measure_pairs(signals)).sum() == 31 + 30
    assert np.isnan(measure_pairs(np.full((3, 9), np.nan))).all()


def test_filters_are_the_same_everywhere_and_never_learnt():
    one, other = FixedFilters(), FixedFilters()
    image = torch.rand(2, 3, 32, 32)

    assert torch.equal(one(image), other(image))
    assert one(image).shape == (2, 1024)
    assert not any(p.requires_grad for p in one.parameters())
    shapes = [tuple(p.shape) for p in one.parameters()]
    assert shapes == [(16, 3, 3, 3), (32, 16, 3, 3), (64, 32, 3, 3)]


def test_a_spectrogram_shows_when_a_tone_sounds():
    rate, time = 64.0, np.arange(64 * 30) / 64
    tone = np.sin(2 * np.pi * 4 * time) * (time > 15)
    tone += np.random.default_rng(0).normal(0, 0.01, len(time))

    picture = paint_spectrogram(tone, rate, 8.0)

    assert picture.shape == (32, 32)
    assert (picture[14:18, 20:].mean(), picture.min()) > (0.8, 0)
    assert picture[14:18, :12].mean() < 0.6


def test_beats_near_each_other_are_one_and_variability_is_by_hand():
    pulse = Channel("Pleth", ChannelType.PLETHYSMOGRAPH, "uV")
    heart = Heart(Stretch(pulse, np.zeros(640), 128.0))
    heart.__dict__["beats"] = np.array([0, 0.9, 1.1, 1.8, 2.75, 3.6, 4.6])
    intervals = np.array([0.9, 0.9, 0.95, 0.85, 1.0])
    found = {name: feature.find(heart) for name, feature in HEART.items()}

    steps = np.diff(intervals)
    assert found["interval mean"] == pytest.approx(intervals.mean())
    assert found["RMSSD"] == pytest.approx(np.sqrt((steps**2).mean()))
    assert found["pNN50"] == pytest.approx((np.abs(steps) > 0.05).mean())
    assert len(SKIN_NAMES) == 8


def test_the_machine_finds_least_squares_of_its_random_units():
    rng = np.random.default_rng(0)
    inputs, wanted = rng.uniform(-1, 1, (200, 4)), rng.normal(size=(200, 2))
    weight = rng.uniform(0.5, 1.5, 200)

    machine = fit_machine(inputs, wanted, weight, n_units=10, seed=3)

    units = 1 / (1 + np.exp(-(inputs @ machine.weight + machine.bias)))
    exact = Ridge(alpha=LEAST, fit_intercept=False).fit(units, wanted, weight)
    assert_allclose(machine.predict(inputs), exact.predict(units), atol=1e-6)
    smaller = fit_machine(inputs, wanted, weight, n_units=6, seed=3)
    assert (machine.weight[:, :6] == smaller.weight).all()


def test_the_machine_learns_what_is_not_linear():
    rng = np.random.default_rng(0)
    inputs = rng.uniform(-1, 1, (400, 2))
    wanted = np.sign(inputs[:, 0] * inputs[:, 1])[:, None]

    machine = fit_machine(inputs[:300], wanted[:300], np.ones(300), n_units=50, seed=0)

    right = np.sign(machine.predict(inputs[300:])) == wanted[300:]
    assert right.mean() > 0.9


def test_components_are_orthogonal_and_as_many_as_trials_allow():
    values = np.random.default_rng(0).normal(size=(80, 200))
    values -= values.mean(axis=0)

    many, few = find_components(values), find_components(values[:5])

    assert many.shape == (200, N_COMPONENTS)
    assert few.shape == (200, 4)
    assert_allclose(many.T @ many, np.eye(N_COMPONENTS), atol=1e-10)


def split(rows):
    """Return every other trial of each subject, and the rest."""
    number = rows.table["trial"].astype(int).to_numpy()
    return rows.take(number % 2 == 0), rows.take(number % 2 == 1)


def judge(rows, label=None, settings=SMALL):
    """Return how often a fit on one half of the trials is right about the other."""
    rows = rows if label is None else replace(rows, label=label)
    right = []
    for train, test in (split(rows), split(rows)[::-1]):
        scores = find_learner(NAME)(settings, 0).fit(train).score(test)
        right.append((scores > 0.5) == test.label)
    return float(np.mean(np.concatenate(right)))


@pytest.mark.parametrize("streams", ["face", "eeg"])
def test_what_shows_in_pictures_is_found(store, streams):
    assert judge(take_rows(store, (Stream(streams),))) >= 0.8


@pytest.mark.long
def test_shuffled_labels_are_not_found(store):
    rows = take_rows(store)

    found = [judge(rows, shuffle_labels(rows, seed)) for seed in range(10)]

    assert 0.35 <= np.mean(found) <= 0.65


def test_parts_are_those_of_the_streams_and_missing_ones_are_counted(store):
    rows = take_rows(store)

    found = measure_parts(rows, read_face_trunk(None))
    fitted = find_learner(NAME)(SMALL, 0).fit(rows)

    assert {name: v.shape[1] for name, v in found.items()} == {
        "face": 3 * 1024,
        "head maps": 1024,
        "channel pairs": 3,
        "heart": 6,
        "heart spectrogram": 1024,
        "skin": 8,
        "skin spectrogram": 1024,
    }
    # there is no sensor of the heart
    assert np.isnan(found["heart"]).all()
    assert fitted.choices["parts_left_out"] == 2
    assert fitted.choices["hidden_units"] in (50, 200)


def test_peripheral_channels_of_other_kinds_are_refused():
    channels = [Channel("Temp", ChannelType.TEMPERATURE, "C")]
    rows = hold({Stream.PERIPHERAL: np.ones((3, 1, 128))}, channels)

    with pytest.raises(UserError, match=r"needs a plethysmograph, an ECG or GSR"):
        measure_parts(rows, None)


@pytest.mark.parametrize("goal", ["classes", "rating"])
def test_classes_and_ratings_are_predicted(store, goal, tmp_path):
    rows = take_rows(store, (Stream.EEG,))
    if goal == "rating":
        rows = rate(rows)
    else:
        label = rows.label * 2
        label[rows.trial < 3] = 1
        rows = replace(rows, label=label, goal=Goal("classes", ("a", "b", "c")))

    fitted = find_learner(NAME)(SMALL, 0).fit(rows)

    scores = fitted.score(rows)
    if goal == "rating":
        assert scores.shape == (len(rows),)
        assert np.corrcoef(scores, rows.label)[0, 1] > 0.8
        assert scores.min() >= rows.label.min()
    else:
        assert_allclose(scores.sum(axis=1), 1)
        assert (scores.argmax(axis=1) == rows.label).mean() > 0.8
    fitted.save(tmp_path / "fitted")
    loaded = load_learner(NAME, tmp_path / "fitted")
    assert (loaded.score(rows) == scores).all()


@pytest.mark.parametrize("start", ["afew-va", "fer"])
def test_faces_go_through_a_pretrained_network(store, start, tmp_path):
    path = tmp_path / "weights"
    if start == "fer":
        fer = FerWeights(check_weights(convert_keras(sample_keras())))
        copy_fer(path, fer)
    else:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            copy_trunk(path, TrunkWeights(Trunk().state_dict(), "train"))
    rows = take_rows(store, (Stream.FACE,))
    rows = rows.take(rows.trial < 4)

    fitted = find_learner(NAME)(SMALL, 0, path).fit(rows)

    assert len(fitted.numbers["face/kept"]) == 3 * 128
    fitted.save(tmp_path / "fitted")
    path.unlink()
    loaded = load_learner(NAME, tmp_path / "fitted")
    assert (loaded.score(rows) == fitted.score(rows)).all()


def test_all_pictures_go_through_vgg16_where_its_weights_are_given(store, tmp_path):
    path = tmp_path / "vgg16.safetensors"
    save_file(sample_vgg(), path)
    rows = take_rows(store)
    rows = rows.take(rows.trial < 4)

    fitted = find_learner(NAME)(SMALL, 0, path).fit(rows)
    eeg = replace(rows, streams=(Stream.EEG,))
    of_eeg = find_learner(NAME)(SMALL, 0, path).fit(eeg)

    widths = {n: len(fitted.numbers[f"{n}/kept"]) for n in ("face", "head maps")}
    assert widths == {"face": 3 * 128, "head maps": 128}
    assert len(fitted.numbers["skin spectrogram/kept"]) == 128
    assert len(of_eeg.numbers["head maps/kept"]) == 128
    fitted.save(tmp_path / "fitted")
    path.unlink()
    loaded = load_learner(NAME, tmp_path / "fitted")
    assert (loaded.score(rows) == fitted.score(rows)).all()


def test_pictures_of_vgg16_are_head_maps_of_tenths_of_a_trial():
    rng = np.random.default_rng(0)
    colours = rng.random((60, 4, 3))
    colours[:3, 1] = np.nan
    colours[6:12, 2] = np.nan

    joined = join_seconds(colours, 10)

    assert joined.shape == (10, 4, 3)
    assert_allclose(joined[0, 1], colours[3:6, 1].mean(axis=0))
    assert_allclose(joined[9], colours[54:].mean(axis=0))
    assert np.isnan(joined[1, 2]).all()
    assert len(join_seconds(colours[:4], 10)) == 4


def test_networks_are_the_same_by_their_numbers(tmp_path):
    path = tmp_path / "vgg16.safetensors"
    save_file(sample_vgg(), path)
    trunk = read_face_trunk(path)

    again = open_trunk(trunk.to_arrays())

    assert trunk == again
    assert hash(trunk) == hash(again)
    assert trunk != read_face_trunk(None)
    with pytest.raises(ValueError, match=r"classifier.3.bias must have shape"):
        open_trunk({n: a for n, a in trunk.to_arrays().items() if "3.bias" not in n})
