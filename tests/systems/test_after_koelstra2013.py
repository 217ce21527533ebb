"""After Koelstra and Patras (2013): three ways to read a face, joined with EEG."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from deepvanet.config import NetworkSettings
from deepvanet.learners.making import find_learner, load_learner
from deepvanet.models.fer_weights import (
    FerWeights,
    check_weights,
    convert_keras,
    copy_fer,
)
from deepvanet.schema import Channel, ChannelType, Goal, Stream
from deepvanet.systems.after_koelstra2013 import (
    choose_weights,
    list_weights,
    multiply,
)
from deepvanet.systems.face_traces import measure_table, sum_up
from keras_weights import sample_keras
from moving_faces import shuffle_labels, write_moving_store
from small_store import hold, take_rows

NAME = "after-koelstra2013"
SETTINGS = NetworkSettings()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("koelstra") / "store"
    return write_moving_store(path, n_subjects=2, n_trials=12, n_segments=4)


def split(rows):
    """Return every other trial of each subject, and the rest."""
    number = rows.table["trial"].astype(int).to_numpy()
    return rows.take(number % 2 == 0), rows.take(number % 2 == 1)


def judge(rows, label=None):
    """Return how often a fit on one half of the trials is right about the other."""
    rows = rows if label is None else replace(rows, label=label)
    right = []
    for train, test in (split(rows), split(rows)[::-1]):
        scores = find_learner(NAME)(SETTINGS, 0).fit(train).score(test)
        right.append((scores > 0.5) == test.label)
    return float(np.mean(np.concatenate(right)))


@pytest.mark.parametrize("streams", ["face", "eeg", "face+eeg"])
def test_what_moves_and_swells_is_found(store, streams):
    rows = take_rows(store, tuple(map(Stream, streams.split("+"))))

    assert judge(rows) >= 0.85


@pytest.mark.long
def test_shuffled_labels_are_not_found(store):
    rows = take_rows(store, (Stream.FACE, Stream.EEG))

    found = [judge(rows, shuffle_labels(rows, seed)) for seed in range(10)]

    assert 0.35 <= np.mean(found) <= 0.65


def test_a_product_of_equal_weights_is_that_of_probabilities():
    rng = np.random.default_rng(0)
    one, other = rng.dirichlet(np.ones(3), size=(2, 20))

    found = multiply([one, other], np.array([0.5, 0.5]))

    wanted = np.sqrt(one * other)
    assert_allclose(found, wanted / wanted.sum(axis=1, keepdims=True))
    assert_allclose(multiply([one, other], np.array([1.0, 0.0])), one)
    assert np.isfinite(multiply([np.eye(3), np.eye(3)[::-1]], np.ones(2) / 2)).all()


def test_weights_are_those_with_the_fewest_errors():
    label = np.arange(40) % 2
    right = np.stack([0.9 - 0.8 * label, 0.1 + 0.8 * label], axis=1)
    wrong = 1 - right
    rng = np.random.default_rng(0)
    noise = rng.dirichlet(np.ones(2), size=40)

    found = choose_weights([wrong, right, noise], label)

    assert found[1] > found[0] + 0.2
    # of equals those nearest to equal weights
    assert_allclose(choose_weights([right, right], label), [0.5, 0.5])
    assert all(np.isclose(list_weights(n).sum(axis=1), 1).all() for n in (1, 2, 3))


def test_a_trace_is_summed_up_by_what_is_known_of_it():
    trace = np.array([0, 0.2, 2, 2, np.nan, 0, 1.5, 0, 0, 0])[:, None]

    mean, deviation, most, onsets = sum_up(trace, 1.0)

    known = trace[np.isfinite(trace)]
    assert (mean, deviation) == (known.mean(), known.std())
    assert most == np.percentile(known, 95)
    assert onsets == pytest.approx(100 * 2 / 9)


def hold_units(labels, n_rows=4, seed=0):
    """Return trials of which one action unit is stronger where the label is 1."""
    rng = np.random.default_rng(seed)
    channels = [Channel(n, ChannelType.FACE_FEATURE, "") for n in ("AU06", "AU12")]
    trials = []
    for label in labels:
        units = rng.uniform(0, 1, (n_rows, 2, 5))
        units[:, 1] += 2 * label
        trials.append(hold({Stream.FACE_FEATURES: units}, channels))
    return trials


def test_action_units_are_read_from_a_table():
    trials = hold_units([0, 1])

    (names, still), (_, smile) = map(measure_table, trials)

    assert names[:2] == ["AU06 mean", "AU06 deviation"]
    assert still.shape == (1, 8)
    at = names.index("AU12 onsets")
    assert still[0, at] == 0 < smile[0, at]
    assert find_learner(NAME)(SETTINGS, 0).traits.can_read("face+eeg+face-features")


@pytest.fixture(scope="module")
def fer(tmp_path_factory):
    path = tmp_path_factory.mktemp("fer") / "fer.safetensors"
    copy_fer(path, FerWeights(check_weights(convert_keras(sample_keras()))))
    return path


def test_emotions_of_fer_take_the_place_of_motion_and_are_saved(store, fer, tmp_path):
    rows = take_rows(store, (Stream.FACE,))
    train, test = rows.take(rows.trial < 4), rows.take(rows.trial == 4)

    fitted = find_learner(NAME)(SETTINGS, 0, fer).fit(train)

    names = fitted.numbers["face/names"].tolist()
    assert len(names) == 28
    assert names[:2] == ["angry mean", "angry deviation"]
    fitted.save(tmp_path / "fitted")
    loaded = load_learner(NAME, tmp_path / "fitted")
    assert (loaded.score(test) == fitted.score(test)).all()


def test_an_unknown_stream_is_the_middle_of_training(store):
    rows = take_rows(store, (Stream.FACE, Stream.EEG))
    fitted = find_learner(NAME)(SETTINGS, 0).fit(rows)
    trial = rows.take(rows.trial == 0)

    nothing = hold(
        {
            Stream.FACE: np.zeros_like(trial.read(Stream.FACE)),
            Stream.EEG: np.full_like(trial.read(Stream.EEG), np.nan),
        }
    )

    scores = fitted.score(nothing)
    assert len(np.unique(scores)) == 1
    assert np.isfinite(scores).all()


def test_classes_are_predicted(store):
    rows = take_rows(store, (Stream.EEG,))
    label = rows.label * 2
    label[rows.trial < 3] = 1
    goal = Goal("classes", ("low", "middle", "high"), is_ordered=True)

    scores = (
        find_learner(NAME)(SETTINGS, 0)
        .fit(replace(rows, label=label, goal=goal))
        .score(rows)
    )

    assert scores.shape == (len(rows), 3)
    assert_allclose(scores.sum(axis=1), 1)
