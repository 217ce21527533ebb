"""Tests of hand-made features and of the classifiers on them."""

import dataclasses
import sys

import neurokit2 as nk
import numpy as np
import pytest
from scipy.signal import periodogram
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from deepvanet.config import NetworkSettings
from deepvanet.learners import LEARNERS, features
from deepvanet.learners.bandpower import BANDPOWER, fit_scaler
from deepvanet.learners.baseline import draw_evenly
from deepvanet.learners.features import (
    BANDS,
    MEASURES,
    measure_bands,
    measure_features,
    measure_peripheral,
)
from deepvanet.schema import BIO, Channel, ChannelType, Stream, UserError
from small_store import take_rows

SFREQ = 128.0
SECONDS = np.arange(128) / SFREQ


@pytest.mark.parametrize(
    ("frequency", "band"), [(6, "theta"), (10, "alpha"), (20, "beta"), (38, "gamma")]
)
def test_a_sine_is_in_its_band(frequency, band):
    sine = 10 * np.sin(2 * np.pi * frequency * SECONDS)

    entropy = measure_bands(sine[None, None].astype(np.float32), SFREQ)[0, 0]

    assert list(BANDS)[int(np.argmax(entropy))] == band
    power = np.exp(2 * entropy.max()) / (2 * np.pi * np.e)
    assert power == pytest.approx(10**2 / 2, rel=0.02)


def test_the_entropy_of_a_band_is_that_of_a_gaussian_of_its_power():
    noise = np.random.default_rng(0).standard_normal((3, 2, 128))

    entropy = measure_bands(noise, SFREQ)

    frequency, density = periodogram(noise, SFREQ, window="hann")
    inside = (frequency >= 8) & (frequency < 13)
    # bins are 1 Hz wide
    power = density[..., inside].sum(axis=-1)
    np.testing.assert_allclose(entropy[..., 1], np.log(2 * np.pi * np.e * power) / 2)


@pytest.mark.parametrize("kind", ChannelType)
@pytest.mark.parametrize(
    "seconds",
    [
        np.zeros((60, 128)),
        np.full((60, 128), np.nan),
        np.ones((2, 128)),
        np.random.default_rng(0).standard_normal((60, 128)),
        1e6 * np.random.default_rng(1).standard_normal((9, 128)),
    ],
    ids=["flat", "lost", "short", "noise", "huge"],
)
def test_every_sensor_has_as_many_features_whatever_it_sends(kind, seconds):
    found = measure_peripheral(Channel("x", kind, "uV"), seconds, SFREQ)

    n_more = MEASURES.get(kind, (0, None))[0]
    assert found.shape == (len(seconds), 3 + n_more)
    assert not np.isinf(found).any()


@pytest.mark.parametrize(
    ("kind", "signal", "column", "expected", "tolerance"),
    [
        (ChannelType.ECG, nk.ecg_simulate, 3, 70, 2),
        (ChannelType.PLETHYSMOGRAPH, nk.ppg_simulate, 3, 70, 2),
    ],
)
def test_the_heart_rate_is_that_of_the_heart(kind, signal, column, expected, tolerance):
    beats = signal(duration=60, sampling_rate=128, heart_rate=expected, random_state=0)[
        : 60 * 128
    ]

    found = measure_peripheral(
        Channel("x", kind, "uV"), beats.reshape(60, 128).astype(float), SFREQ
    )

    assert abs(np.median(found[:, column]) - expected) < tolerance


def test_the_breathing_rate_is_that_of_the_breath():
    breath = nk.rsp_simulate(
        duration=60, sampling_rate=128, respiratory_rate=15, random_state=0
    )

    found = measure_peripheral(
        Channel("Resp", ChannelType.RESPIRATION, "uV"),
        breath.reshape(60, 128).astype(float),
        SFREQ,
    )

    assert abs(np.median(found[:, 3]) - 15) < 1


@pytest.fixture(scope="module")
def rows(tiny_store, tmp_path_factory):
    """Three subjects of bio, nine seconds a trial, so that rates can be found."""
    path = tmp_path_factory.mktemp("bandpower") / "store"
    store = tiny_store(path, n_subjects=3, n_segments=9, streams=BIO, effect=0.2)
    return take_rows(store, BIO)


def test_a_second_s_features_do_not_depend_on_which_rows_are_asked_for(rows):
    features.clear_cache()
    some = rows.take(np.arange(len(rows))[::-5])

    alone = measure_features(some)

    together = measure_features(rows)[::-1][::5]
    np.testing.assert_allclose(alone, together, rtol=1e-9)


THEIRS = {
    "bandpower-svm": SVC(C=1.0, class_weight="balanced"),
    "bandpower-logistic": LogisticRegression(class_weight="balanced", max_iter=2000),
    "bandpower-nb": GaussianNB(),
}


@pytest.mark.parametrize("name", BANDPOWER)
def test_a_classifier_is_that_of_scikit_learn_on_scaled_features(rows, name):
    first = (rows.table["subject"] != "03").to_numpy()
    train, test = rows.take(first), rows.take(~first)
    known = np.nan_to_num(measure_features(train))
    theirs = make_pipeline(StandardScaler(), THEIRS[name]).fit(known, train.label)

    scores = LEARNERS[name](NetworkSettings(), 0).fit(train).score(test)

    found = np.nan_to_num(measure_features(test))
    if name == "bandpower-svm":
        order = theirs.decision_function(found)
        assert (np.argsort(order) == np.argsort(scores)).all()
    else:
        np.testing.assert_allclose(
            scores, theirs.predict_proba(found)[:, 1], rtol=1e-5, atol=1e-9
        )


@pytest.mark.parametrize("name", BANDPOWER)
def test_what_plainly_shows_is_found_in_subjects_never_seen(tiny_store, tmp_path, name):
    store = tiny_store(tmp_path / "store", n_subjects=4, streams=BIO, effect=2.0)
    rows = take_rows(store, BIO)
    seen = (rows.table["subject"] != "04").to_numpy()

    fitted = LEARNERS[name](NetworkSettings(), 0).fit(rows.take(seen), unit="subject")

    test = rows.take(~seen)
    assert ((fitted.score(test) > 0.5) == test.label).mean() > 0.9


def test_missing_features_become_the_training_median():
    values = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan], [8.0, np.nan]])

    scaler = fit_scaler(values)

    assert scaler.fill.tolist() == [3.0, 0.0]
    assert scaler.apply(values)[2].tolist() == [(3 - 3.75) / scaler.spread[0], 0.0]


def test_rows_are_drawn_evenly_over_trials(rows):
    uneven = rows.take(np.flatnonzero((rows.trial > 0) | (np.arange(len(rows)) < 3)))

    drawn = draw_evenly(uneven, 5 * 18, seed=0)

    counts = np.bincount(uneven.trial[drawn], minlength=18)
    assert counts.sum() == 90
    assert counts[0] == 3
    assert set(counts[1:]) == {5, 6}
    assert (draw_evenly(uneven, 90, seed=0) == drawn).all()
    assert (draw_evenly(uneven, 90, seed=1) != drawn).any()
    assert draw_evenly(uneven, 10**6, seed=0).tolist() == list(range(len(uneven)))


def test_a_store_without_neurokit_says_what_to_install(rows, monkeypatch):
    monkeypatch.setitem(sys.modules, "neurokit2", None)
    features.clear_cache()
    gsr = Channel("GSR", ChannelType.GSR, "Ohm")
    signal = np.random.default_rng(0).standard_normal((20, 128))

    with pytest.raises(UserError, match=r"NeuroKit2: pip install 'deepvanet\[base"):
        measure_peripheral(gsr, signal, SFREQ)

    features.clear_cache()
    eeg = dataclasses.replace(rows, streams=(Stream.EEG,))
    assert measure_features(eeg).shape == (len(rows), 3 * len(BANDS))
