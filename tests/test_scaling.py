"""Tests of :mod:`deepvanet.learners.scaling`."""

import json
import logging

import numpy as np
import pytest
from sklearn.preprocessing import RobustScaler

from deepvanet.learners import scaling as scalings
from deepvanet.learners.scaling import Scaling, fit_scaling, measure_faces
from deepvanet.schema import BIO, Stream, UserError
from deepvanet.store import open_store
from segment_blocks import rewrite_segments
from small_store import take_rows


@pytest.fixture
def store(tiny_store, tmp_path):
    return tiny_store(tmp_path / "store")


def spoil(store, stream, change):
    """Change a stream's arrays on disk."""

    def changed(_rows, array):
        change(array)
        return array

    rewrite_segments(store, stream, changed)


@pytest.mark.parametrize("stream", BIO)
@pytest.mark.parametrize("held_bytes", [1, 2**28])
def test_training_rows_are_scaled_as_scikit_learn_does(
    store, stream, held_bytes, monkeypatch
):
    monkeypatch.setattr(scalings, "HELD_BYTES", held_bytes)
    monkeypatch.setattr(scalings, "AT_ONCE", 5)
    rows = take_rows(store, [stream])
    signals = rows.read(stream)
    samples = signals.astype(float).transpose(0, 2, 1).reshape(-1, signals.shape[1])

    scaling = fit_scaling(rows)[stream]

    oracle = RobustScaler().fit(samples)
    np.testing.assert_allclose(scaling.center, oracle.center_, rtol=1e-12)
    np.testing.assert_allclose(scaling.spread, oracle.scale_, rtol=1e-12)
    scaled = scaling.apply(signals)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(
        scaled.transpose(0, 2, 1).reshape(samples.shape),
        oracle.transform(samples),
        rtol=1e-5,
        atol=1e-5,
    )


def test_rows_that_do_not_train_move_nothing(store):
    rows = take_rows(store, BIO)
    train = rows.take(rows.table["subject"].to_numpy() == "01")
    before = fit_scaling(train)

    for file in store.path.glob("subjects/02/*.npy"):
        np.save(file, np.load(file) * 100)

    for stream, scaling in fit_scaling(train).items():
        assert np.array_equal(scaling.center, before[stream].center)
        assert np.array_equal(scaling.spread, before[stream].spread)


def test_the_face_is_no_signal(store):
    assert list(fit_scaling(take_rows(store))) == list(BIO)


def test_the_published_recipe_changes_nothing(store):
    rows = take_rows(store, [Stream.PERIPHERAL])
    signals = rows.read(Stream.PERIPHERAL)

    scaling = fit_scaling(rows, scale="none")[Stream.PERIPHERAL]

    assert np.array_equal(scaling.apply(signals), signals)


def test_unknown_scale_is_named_with_the_nearest(store):
    with pytest.raises(UserError, match="unknown scale 'trains', did you mean 'train'"):
        fit_scaling(take_rows(store, BIO), scale="trains")


def test_a_flat_channel_becomes_zero(store):
    spoil(store, Stream.EEG, lambda eeg: eeg[:, 1].fill(0.1))
    rows = take_rows(store, [Stream.EEG])

    scaling = fit_scaling(rows)[Stream.EEG]

    assert scaling.spread[1] == 1.0
    assert not scaling.apply(rows.read(Stream.EEG))[:, 1].any()


def test_a_channel_that_rests_most_of_the_time_is_not_read_in_ohm(store):
    def rest(peripheral):
        peripheral[:, 0] = 2e5
        peripheral[0, 0, :64] = 9e5

    spoil(store, Stream.PERIPHERAL, rest)
    rows = take_rows(store, [Stream.PERIPHERAL])

    scaling = fit_scaling(rows)[Stream.PERIPHERAL]

    samples = rows.read(Stream.PERIPHERAL)[:, 0].astype(float)
    assert scaling.spread[0] == pytest.approx(samples.std())


@pytest.mark.parametrize("scale", scalings.SCALES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_lost_samples_are_counted_logged_and_read_as_zero(store, caplog, scale, bad):
    expected = fit_scaling(take_rows(store, [Stream.EEG]), scale=scale)[Stream.EEG]

    def lose(eeg):
        eeg[:, 0] = bad
        eeg[0, 2, :5] = bad

    spoil(store, Stream.EEG, lose)
    fresh = take_rows(open_store(store.path).cut(), [Stream.EEG])

    with caplog.at_level(logging.WARNING):
        scaling = fit_scaling(fresh, scale=scale)[Stream.EEG]

    n_samples = len(fresh) * 128
    assert scaling.n_missing.tolist() == [n_samples, 0, 10]
    assert f"Fp1 ({n_samples}), Oz (10)" in caplog.text
    assert (scaling.center[0], scaling.spread[0]) == (0.0, 1.0)
    assert scaling.center[1] == expected.center[1]
    scaled = scaling.apply(fresh.read(Stream.EEG))
    assert np.isfinite(scaled).all()
    assert not scaled[:, 0].any()


def test_a_scaling_survives_json():
    scaling = Scaling(np.array([0.1, 2e5]), np.array([1 / 3, 1.0]), np.array([0, 7]))

    again = Scaling.from_dict(json.loads(json.dumps(scaling.to_dict())))

    for name, array in vars(scaling).items():
        assert np.array_equal(getattr(again, name), array)
        assert getattr(again, name).dtype == array.dtype


def test_faces_are_measured_as_numpy_does(store, monkeypatch):
    monkeypatch.setattr(scalings, "AT_ONCE", 5)
    rows = take_rows(store, [Stream.FACE])
    images = rows.read(Stream.FACE).reshape(-1, 24, 24, 3) / 255

    center, spread = measure_faces(rows)

    np.testing.assert_allclose(center, images.mean(axis=0).transpose(2, 0, 1))
    assert spread == pytest.approx((images - images.mean(axis=0)).std())


def test_faces_that_are_all_the_same_are_only_shifted(store):
    spoil(store, Stream.FACE, lambda face: face.fill(51))

    center, spread = measure_faces(take_rows(store, [Stream.FACE]))

    assert (np.unique(center).tolist(), spread) == ([0.2], 1.0)
