"""Tests of hand-crafted features and of the classifiers on them."""

import dataclasses
import sys

import neurokit2 as nk
import numpy as np
import pytest
from scipy.signal import periodogram
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_sample_weight

from deepvanet.config import NetworkSettings
from deepvanet.learners import features
from deepvanet.learners.baseline import sample_evenly
from deepvanet.learners.class_weights import weigh_rows
from deepvanet.learners.classifiers import fit_scaler
from deepvanet.learners.features import (
    BANDS,
    MEASURES,
    measure_bands,
    measure_features,
    measure_seconds,
    measure_traces,
)
from deepvanet.learners.making import find_learner
from deepvanet.learners.trial_signals import TrialSignals, fill_gaps
from deepvanet.schema import BIO, Channel, ChannelType, Stream, UserError
from small_store import take_rows

SFREQ = 128.0
SECONDS = np.arange(128) / SFREQ
SOMEONE = np.array(["01"] * 4, dtype=object)


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


def join(kind, seconds, *, rest=None):
    """Return a trial of one sensor that has all of its seconds."""
    n_seconds, length = seconds.shape
    return TrialSignals(
        channels=(Channel("x", kind, "uV"),),
        signals=seconds.reshape(1, -1).astype(float),
        sfreq=SFREQ,
        start=np.arange(n_seconds) * length,
        length=length,
        rest=rest,
    )


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
    found = measure_seconds(join(kind, seconds))

    n_more = len(MEASURES[kind].least_s) if kind in MEASURES else 0
    assert found.shape == (len(seconds), 3 + n_more)
    assert not np.isinf(found).any()


SIMULATED = {
    ChannelType.ECG: nk.ecg_simulate,
    ChannelType.PLETHYSMOGRAPH: nk.ppg_simulate,
}


def simulate_heart(kind, n_seconds):
    beats = SIMULATED[kind](
        duration=n_seconds, sampling_rate=128, heart_rate=70, random_state=0
    )
    return beats[: n_seconds * 128].reshape(n_seconds, 128).astype(float)


@pytest.mark.parametrize("kind", SIMULATED)
def test_the_heart_rate_is_that_of_the_heart(kind):
    found = measure_seconds(join(kind, simulate_heart(kind, 60)))

    assert abs(np.median(found[:, 3]) - 70) < 2


def test_the_breathing_rate_is_that_of_the_breath():
    breath = nk.rsp_simulate(
        duration=60, sampling_rate=128, respiratory_rate=15, random_state=0
    ).reshape(60, 128)

    found = measure_seconds(join(ChannelType.RESPIRATION, breath))

    assert abs(np.median(found[:, 3]) - 15) < 1


@pytest.mark.parametrize("kind", SIMULATED)
def test_a_trial_of_six_seconds_has_a_heart_rate_and_no_variability(kind):
    found = measure_seconds(join(kind, simulate_heart(kind, 6)))

    assert abs(np.median(found[:, 3]) - 70) < 8
    assert np.isnan(found[:, 4]).all()


def test_a_skin_s_tonic_level_needs_less_time_than_its_responses():
    level = 5 + np.random.default_rng(0).standard_normal((6, 128)) / 100

    short = measure_traces(join(ChannelType.GSR, level), 0)
    longer = measure_traces(join(ChannelType.GSR, np.tile(level, (2, 1))), 0)

    assert np.allclose(short["tonic"], 5, atol=0.1)
    assert np.isnan(short["phasic"]).all()
    assert np.isfinite(longer["phasic"]).all()


@pytest.mark.parametrize("kind", SIMULATED)
def test_a_missing_sample_costs_no_heart_rate(kind):
    seconds = simulate_heart(kind, 30)
    seconds[10, 64] = np.nan
    seconds[20, 30:90] = np.nan

    found = measure_seconds(join(kind, seconds))

    assert np.isfinite(found).all()
    assert abs(np.median(found[:, 3]) - 70) < 3


def test_what_lies_between_long_gaps_is_measured_by_itself():
    seconds = simulate_heart(ChannelType.ECG, 40)
    seconds[8:30] = np.nan

    found = measure_seconds(join(ChannelType.ECG, seconds))

    rate, rmssd = found[:, 3], found[:, 4]
    assert np.isfinite(rate[:8]).all()
    assert np.isnan(found[8:30]).all()
    assert np.isfinite(rate[30:]).all()
    # eight seconds are too short for it, ten are not
    assert np.isnan(rmssd[:8]).all()
    assert np.isfinite(rmssd[30:]).all()


def test_a_stretch_of_which_more_than_a_tenth_was_filled_is_not_measured():
    few, many = (simulate_heart(ChannelType.ECG, 30) for _ in range(2))
    few[::2, :24] = np.nan  # 9 %
    many[::2, :32] = np.nan  # 12.5 %

    rates = [measure_seconds(join(ChannelType.ECG, s))[:, 3] for s in (few, many)]

    assert np.isfinite(rates[0]).all()
    assert np.isnan(rates[1]).all()


def test_gaps_are_filled_by_straight_lines_up_to_a_second():
    line = np.arange(40.0)
    holed = line.copy()
    holed[[0, *range(10, 14), *range(20, 25)]] = np.nan

    filled = fill_gaps(holed, 4.0)

    assert filled[:20].tolist() == [1.0, *line[1:20]]
    assert np.isnan(filled[20:25]).all()
    assert filled[25:].tolist() == line[25:].tolist()


def test_a_beat_that_was_missed_does_not_pass_for_variability():
    beats = np.delete(np.arange(0, 30 * 128, 100), 11)

    _, rmssd = features._follow_beats(beats, 30 * 128, SFREQ)

    assert rmssd[0] == 0


@pytest.mark.parametrize("gain", [1.0, 64.0])
def test_a_muscle_is_measured_relative_to_its_rest_where_that_is_known(gain):
    rng = np.random.default_rng(0)
    signal, rest = 8 * rng.standard_normal((20, 128)), rng.standard_normal((1, 1280))

    known, unknown = (
        measure_traces(join(ChannelType.EMG, gain * signal, rest=some), 0)["envelope"]
        for some in (gain * rest, None)
    )

    assert np.median(known) == pytest.approx(np.log(8), abs=0.05)
    assert np.median(unknown) == pytest.approx(np.log(8 * gain), abs=0.1)


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
    "bandpower-svm": SVC(C=1.0),
    "bandpower-logistic": LogisticRegression(max_iter=2000),
    "bandpower-nb": GaussianNB(),
}


def make_uneven(rows):
    """Leave fewer high trials than low ones, and one of them shorter."""
    high = np.unique(rows.trial[rows.label == 1])
    left_out = np.isin(rows.trial, high[::2])
    left_out |= (rows.trial == high[1]) & (np.arange(len(rows)) % 3 > 0)
    return rows.take(~left_out)


def weigh_by_trial(rows):
    """Count each trial of a class as much, and both classes."""
    table = rows.table.assign(label=rows.label)
    rows_of_trial = table.groupby(["subject", "trial"])["label"].transform("size")
    trials = table.drop_duplicates(["subject", "trial"])
    trials_of_class = table["label"].map(trials["label"].value_counts())
    weight = 1 / (rows_of_trial * trials_of_class)
    return (weight / weight.mean()).to_numpy()


@pytest.mark.parametrize("class_weight", ["balanced", "none"])
@pytest.mark.parametrize("name", THEIRS)
def test_a_classifier_is_that_of_scikit_learn_on_scaled_features(
    rows, name, class_weight
):
    first = (rows.table["subject"] != "03").to_numpy()
    train, test = make_uneven(rows.take(first)), rows.take(~first)
    weight = weigh_by_trial(train) if class_weight == "balanced" else None
    scaler, theirs = StandardScaler(), THEIRS[name]
    known = scaler.fit_transform(np.nan_to_num(measure_features(train)))
    theirs.fit(known, train.label, sample_weight=weight)
    settings = NetworkSettings(class_weight=class_weight)

    scores = find_learner(name)(settings, 0).fit(train).score(test)

    found = scaler.transform(np.nan_to_num(measure_features(test)))
    if name == "bandpower-svm":
        order = theirs.decision_function(found)
        assert (np.argsort(order) == np.argsort(scores)).all()
    else:
        np.testing.assert_allclose(
            scores, theirs.predict_proba(found)[:, 1], rtol=1e-4, atol=1e-9
        )


def test_where_trials_are_equally_long_balanced_is_scikit_learn_s(rows):
    some = rows.take(~np.isin(rows.trial, np.unique(rows.trial[rows.label == 1])[:4]))

    found = weigh_rows(some, "balanced")

    theirs = compute_sample_weight("balanced", some.label)
    np.testing.assert_allclose(found, theirs)


@pytest.mark.parametrize("name", THEIRS)
def test_what_plainly_shows_is_found_in_subjects_never_seen(tiny_store, tmp_path, name):
    store = tiny_store(tmp_path / "store", n_subjects=4, streams=BIO, effect=2.0)
    rows = take_rows(store, BIO)
    seen = (rows.table["subject"] != "04").to_numpy()

    fitted = find_learner(name)(NetworkSettings(), 0).fit(
        rows.take(seen), unit="subject"
    )

    test = rows.take(~seen)
    assert ((fitted.score(test) > 0.5) == test.label).mean() > 0.9


def test_missing_features_become_the_training_median():
    values = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan], [8.0, np.nan]])

    scaler = fit_scaler(values, SOMEONE)

    assert scaler.fill.tolist() == [3.0]
    assert scaler.apply(values, SOMEONE)[2].tolist() == [(3 - 3.75) / scaler.spread[0]]


def test_a_feature_that_never_moves_in_training_has_no_say_in_a_test():
    train = np.array([[1.0, np.nan, 0.1], [3.0, np.nan, 0.1], [5.0, np.nan, 0.1]])

    scaler = fit_scaler(train, SOMEONE[:3])

    found = scaler.apply(np.array([[3.0, 1e6, 1e6]]), SOMEONE[:1])
    assert found.tolist() == [[0.0]]
    nothing = fit_scaler(train[:, 1:], SOMEONE[:3])
    assert nothing.apply(train[:, 1:], SOMEONE[:3]).tolist() == [[0.0]] * 3


def test_rows_are_drawn_evenly_over_trials(rows):
    uneven = rows.take(np.flatnonzero((rows.trial > 0) | (np.arange(len(rows)) < 3)))

    drawn = sample_evenly(uneven, 5 * 18, seed=0)

    counts = np.bincount(uneven.trial[drawn], minlength=18)
    assert counts.sum() == 90
    assert counts[0] == 3
    assert set(counts[1:]) == {5, 6}
    assert (sample_evenly(uneven, 90, seed=0) == drawn).all()
    assert (sample_evenly(uneven, 90, seed=1) != drawn).any()
    assert sample_evenly(uneven, 10**6, seed=0).tolist() == list(range(len(uneven)))


def test_a_store_without_neurokit_says_what_to_install(rows, monkeypatch):
    monkeypatch.setitem(sys.modules, "neurokit2", None)
    features.clear_cache()
    signal = np.random.default_rng(0).standard_normal((20, 128))

    with pytest.raises(UserError, match=r"NeuroKit2: pip install 'deepvanet\[base"):
        measure_seconds(join(ChannelType.GSR, signal))

    features.clear_cache()
    eeg = dataclasses.replace(rows, streams=(Stream.EEG,))
    assert measure_features(eeg).shape == (len(rows), 3 * len(BANDS))
