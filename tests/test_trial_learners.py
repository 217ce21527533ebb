"""Tests of features of whole trials and of the classifiers on them."""

import dataclasses
import shutil

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from deepvanet.config import (
    EvaluateSettings,
    NetworkSettings,
    PrepareSettings,
    Segmenting,
    digest,
    to_dict,
)
from deepvanet.evaluation.parts import cut_parts
from deepvanet.evaluation.statement import state_sharing
from deepvanet.learners.classifiers import PENALTIES
from deepvanet.learners.held_seconds import hold_seconds
from deepvanet.learners.learner import Choice
from deepvanet.learners.making import find_learner
from deepvanet.learners.trial_features import SUMMARIES, measure_trials
from deepvanet.protocols.folds import cut_inner_folds
from deepvanet.schema import BIO, Channel, ChannelType, Stream
from deepvanet.store import Manifest, Rows, TrialBlock, open_store, write_subject
from segment_blocks import rewrite_segments
from small_store import take_rows
from wristband_store import write_wristband_store

PERIPHERAL = (Stream.PERIPHERAL,)
MUSCLE = Channel("EMG", ChannelType.EMG, "uV")
T_9 = 2.262
"""Of Student's t with 9 degrees of freedom, between which and its negative lie 95 %."""


@pytest.fixture(scope="module")
def rows(tiny_store, tmp_path_factory):
    """Three subjects of bio, six trials of nine seconds each."""
    path = tmp_path_factory.mktemp("trials") / "store"
    store = tiny_store(path, n_subjects=3, n_segments=9, streams=BIO, effect=0.05)
    return take_rows(store, BIO)


def write_ramps(tiny_store, path):
    """Write a store whose first sensor rises by 6 a minute, and moves fast by 2."""
    store = tiny_store(path, n_subjects=1, n_segments=30, streams=PERIPHERAL)
    time_s = np.arange(30 * 128) / 128
    ramp = 100 + time_s / 10 + 2 * np.sin(2 * np.pi * 4 * time_s)

    def change(_rows, array):
        array[:, 0] = np.tile(ramp.reshape(30, 128), (6, 1))
        return array

    rewrite_segments(store, Stream.PERIPHERAL, change)
    return take_rows(store, PERIPHERAL)


def test_level_change_and_variability_of_a_ramp_are_those_of_a_ramp(
    tiny_store, tmp_path
):
    found = measure_trials(write_ramps(tiny_store, tmp_path / "store"))

    assert len(found["GSR signal level"]) == 6
    assert found["GSR signal level"] == pytest.approx(101.5, abs=0.01)
    assert found["GSR signal slope"] == pytest.approx(6.0, abs=0.1)
    assert found["GSR signal change"] == pytest.approx(2.0, abs=0.01)
    spread = np.sqrt(3**2 / 12 + 2**2 / 2)
    assert np.exp(found["GSR signal spread"]) == pytest.approx(spread, rel=0.01)
    assert found["GSR signal range"] == pytest.approx(np.log(6.5), abs=0.1)


def hold_muscle(amplitude, seconds, rng):
    """Return a muscle's signal of so many microvolts, (channel, time)."""
    return amplitude * rng.standard_normal((1, seconds * 128)).astype(np.float32)


def test_a_muscle_is_measured_against_the_baseline_before_the_trial(tmp_path):
    rng = np.random.default_rng(0)
    rest, signal = hold_muscle(10, 3, rng), hold_muscle(20, 30, rng)
    settings = to_dict(PrepareSettings())
    manifest = Manifest("own", False, settings, digest(settings), (MUSCLE,), {})
    (tmp_path / "subjects").mkdir()
    (tmp_path / "manifest.json").write_text(manifest.to_json())
    names = {"subject": "01", "trial": "1", "stimulus": "x", "recording": "1"}
    block = TrialBlock(
        row={**names, "duration_s": 30.0, "valence": 3.0, "arousal": 3.0},
        arrays={Stream.PERIPHERAL: np.concatenate([rest, signal], axis=1).T},
        n_baseline=rest.shape[1],
    )
    write_subject(tmp_path, "01", parts=iter([block]), inputs={"inputs": {}})
    store = open_store(tmp_path)

    found = {
        baseline: measure_trials(
            take_rows(store.cut(Segmenting(baseline=baseline)), PERIPHERAL)
        )
        for baseline in ("mean", "none")
    }
    cut = np.stack(np.split(signal - rest.mean(), 30, axis=1))
    held = hold_seconds(
        {Stream.PERIPHERAL: cut},
        channels=(MUSCLE,),
        sfreq=128.0,
        rest={Stream.PERIPHERAL: rest},
    )

    assert found["mean"]["EMG envelope level"] == pytest.approx(np.log(2), abs=0.1)
    assert found["none"]["EMG envelope level"] == pytest.approx(np.log(20), abs=0.1)
    for name, value in measure_trials(held).items():
        assert value == pytest.approx(found["mean"][name], rel=1e-5), name


def test_eeg_is_summed_up_by_level_and_change_of_its_bands(rows):
    found = measure_trials(dataclasses.replace(rows, streams=(Stream.EEG,)))

    bands = [
        f"{channel} {band}"
        for channel in ("Fp1", "Cz", "Oz")
        for band in ("theta", "alpha", "beta", "gamma")
    ]
    assert sorted(found) == sorted(
        f"{name} {what}" for name in bands for what in ("level", "change")
    )


def test_segments_are_laid_where_they_belong_in_whatever_order_they_come(
    tiny_store, tmp_path
):
    rows = write_ramps(tiny_store, tmp_path / "store")
    mixed = rows.take(np.random.default_rng(0).permutation(len(rows)))
    holed = rows.take(rows.table["segment"].to_numpy() % 3 > 0)

    slopes = [measure_trials(some)["GSR signal slope"] for some in (rows, mixed, holed)]

    np.testing.assert_allclose(slopes[1], slopes[0], rtol=1e-9)
    # seconds that are not there do not bring those beside them together
    np.testing.assert_allclose(slopes[2], slopes[0], rtol=0.02)


def test_what_a_trial_is_too_short_for_is_missing_and_the_rest_is_there(rows):
    short = rows.take(rows.table["segment"].to_numpy() < 4)

    found = measure_trials(short)

    assert np.isfinite(found["GSR signal spread"]).all()
    assert np.isnan(found["GSR signal slope"]).all()
    assert np.isnan(found["GSR phasic spread"]).all()
    assert np.isfinite(measure_trials(rows)["GSR signal slope"]).all()
    assert all(s.least_s > 0 for some in SUMMARIES.values() for s in some.values())


@pytest.mark.parametrize("name", ["trial-logistic", "trial-svm"])
def test_each_segment_gets_its_trial_s_score(rows, name):
    first = (rows.table["subject"] != "03").to_numpy()

    scores = find_learner(name)(NetworkSettings(), 0).fit(rows.take(first)).score(rows)

    by_trial = [set(scores[rows.trial == trial]) for trial in range(18)]
    assert all(len(some) == 1 for some in by_trial)
    assert len(set.union(*by_trial)) == 18
    turned = rows.take(np.arange(len(rows))[::-1])
    again = find_learner(name)(NetworkSettings(), 0).fit(rows.take(first)).score(turned)
    np.testing.assert_allclose(again[::-1], scores, rtol=1e-9)


def test_a_trial_counts_once_however_many_of_its_segments_are_there(
    tiny_store, tmp_path
):
    store = tiny_store(tmp_path / "store", n_subjects=3, n_segments=9, streams=BIO)

    def change(_rows, array):
        equal = array.reshape(6, 9, 2, 128)
        equal[:] = equal[:, :1]
        return array

    rewrite_segments(store, Stream.PERIPHERAL, change)
    rows = take_rows(store, PERIPHERAL)
    uneven = rows.take((rows.trial % 3 > 0) | (rows.table["segment"].to_numpy() < 8))

    weights = [
        find_learner("trial-logistic")(NetworkSettings(), 0)
        .fit(some)
        .numbers["center"][0]
        for some in (rows, uneven)
    ]

    assert weights[0] == pytest.approx(weights[1], rel=1e-6)


def test_the_penalty_is_the_one_that_scikit_learn_finds_best_on_inner_folds(rows):
    found = measure_trials(rows)
    first = np.unique(rows.trial, return_index=True)[1]
    table, label = rows.table.iloc[first], rows.label[first]
    values = np.stack(list(found.values()), axis=1)
    values = StandardScaler().fit_transform(values[:, np.isfinite(values).all(axis=0)])
    folds = cut_inner_folds(table.reset_index(drop=True), label, unit="subject")
    losses = []
    for penalty in PENALTIES:
        model = LogisticRegression(C=penalty, max_iter=2000)
        scores = cross_val_predict(
            model, values, label, cv=folds, method="predict_proba"
        )
        losses.append(log_loss(label, scores[:, 1]))

    fitted = find_learner("trial-logistic")(NetworkSettings(), 0).fit(
        rows, unit="subject"
    )

    assert fitted.choices == {"penalty": PENALTIES[int(np.argmin(losses))]}


@pytest.mark.parametrize("name", ["trial-logistic", "trial-svm"])
def test_what_is_missing_throughout_training_is_left_out(rows, name):
    short = rows.take(rows.table["segment"].to_numpy() < 4)

    fitted = find_learner(name)(NetworkSettings(), 0).fit(short)

    names, kept = fitted.numbers["names"], fitted.numbers["kept"]
    assert "GSR signal slope" in names[~kept]
    assert "GSR signal level" in names[kept]
    assert np.isfinite(fitted.score(rows)).all()


@pytest.mark.parametrize("name", ["trial-logistic", "trial-svm"])
def test_what_shows_in_the_slope_alone_is_found_in_subjects_never_seen(tmp_path, name):
    store = write_wristband_store(
        tmp_path / "store",
        seed=3,
        n_subjects=8,
        lasts_s=(40, 60),
        effects={"slope": 20.0, "responses": 0.0, "heart_rate": 0.0, "pulse": 0.0},
    )
    rows = take_rows(store, PERIPHERAL)
    seen = (rows.table["subject"] <= "05").to_numpy()

    fitted = find_learner(name)(NetworkSettings(), 0).fit(
        rows.take(seen), unit="subject"
    )

    test = rows.take(~seen)
    assert ((fitted.score(test) > 0.5) == test.label).mean() > 0.85


def find_leaks(store, name, protocol, streams, **network):
    settings = EvaluateSettings(
        protocols=(protocol,),
        targets=("valence",),
        streams=(streams,),
        learners=(name,),
        folds=3,
        network=NetworkSettings(**network),
    )
    stated = state_sharing(cut_parts(store, settings), settings, artefacts="none")
    return next(entry["leaks"] for entry in stated if entry["learner"] == name)


@pytest.mark.parametrize(
    ("name", "streams", "leaks"),
    [
        ("bandpower-logistic", "eeg", "trial"),
        ("bandpower-logistic", "peripheral", "trial+unlabelled"),
        ("bandpower-logistic", "bio", "trial+unlabelled"),
        ("trial-logistic", "eeg", "trial+unlabelled"),
        ("trial-svm", "peripheral", "trial+unlabelled"),
        ("riemann", "eeg", "trial"),
    ],
)
def test_where_trials_are_split_who_reads_whole_trials_says_so(
    rows, name, streams, leaks
):
    assert find_leaks(rows.store, name, "paper", streams) == leaks
    assert find_leaks(rows.store, name, "trial", streams) == "none"


@pytest.mark.parametrize(
    "name", ["bandpower-logistic", "trial-logistic", "riemann", "network", "eegnet"]
)
def test_comparing_within_subjects_leaks_where_the_test_s_subjects_are_new(rows, name):
    found = {
        protocol: find_leaks(rows.store, name, protocol, "eeg", normalise="subject")
        for protocol in ("trial", "trial-pooled", "subject")
    }

    assert found == {"trial": "none", "trial-pooled": "none", "subject": "unlabelled"}
    assert find_leaks(rows.store, name, "subject", "eeg") == "none"


def test_faces_are_not_compared_within_subjects(tiny_store, tmp_path):
    store = tiny_store(tmp_path / "store", n_subjects=3, streams=[Stream.FACE])

    leaks = find_leaks(store, "network", "subject", "face", normalise="subject")

    assert leaks == "none"


def turn_up(store, path, gain):
    """Copy a store in which one subject's sensors have another gain and offset."""
    shutil.copytree(store.path, path)
    for stream in BIO:
        file = path / "subjects" / "03" / f"{stream}.npy"
        np.save(file, (np.load(file) * gain).astype(np.float32))
    return open_store(path).cut()


COMPARED = ["bandpower-logistic", "trial-logistic", "riemann", "network", "eegnet"]


def choose_streams(name):
    return (Stream.EEG,) if name in ("riemann", "eegnet") else BIO


@pytest.mark.parametrize("name", COMPARED)
def test_a_sensor_s_gain_changes_no_score_of_what_is_compared_within_subjects(
    rows, tmp_path, name
):
    louder = turn_up(rows.store, tmp_path / "louder", 4.0)
    settings = NetworkSettings(normalise="subject", epochs=2, batch_size=16)
    seen = (rows.table["subject"] != "03").to_numpy()
    plain = dataclasses.replace(rows, streams=choose_streams(name))

    def score(store):
        mine = dataclasses.replace(plain, store=store)
        fitted = find_learner(name)(settings, 0).fit(mine.take(seen), unit="subject")
        return fitted.score(mine.take(~seen))

    np.testing.assert_allclose(score(louder), score(rows.store), atol=1e-4)


@pytest.mark.parametrize("name", COMPARED)
def test_a_known_subject_is_compared_with_training_and_a_new_one_with_the_test(
    rows, name
):
    settings = NetworkSettings(normalise="subject", epochs=2, batch_size=16)
    mine = dataclasses.replace(rows, streams=choose_streams(name))
    subject = mine.table["subject"].to_numpy()
    fitted = find_learner(name)(settings, 0).fit(mine.take(subject != "03"))

    def differs(name):
        some = mine.take(subject == name)
        part = some.trial > 2
        alone, together = fitted.score(some.take(part)), fitted.score(some)[part]
        return not np.allclose(alone, together, rtol=0, atol=1e-6)

    assert not differs("01")
    assert differs("03")


def test_within_subject_is_the_z_score_of_features_by_subject(rows):
    found = measure_trials(rows)
    first = np.unique(rows.trial, return_index=True)[1]
    subject, label = rows.table["subject"].to_numpy()[first], rows.label[first]
    values = np.stack(list(found.values()), axis=1)
    values = values[:, np.isfinite(values).all(axis=0)]
    compared = np.empty_like(values)
    for name in np.unique(subject):
        mine = subject == name
        compared[mine] = StandardScaler().fit_transform(values[mine])
    settings = NetworkSettings(normalise="subject")

    fitted = find_learner("trial-logistic")(settings, 0).fit(rows)

    theirs = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=fitted.choices["penalty"], max_iter=2000),
    ).fit(compared, label)
    expected = theirs.predict_proba(compared)[:, 1][rows.trial]
    np.testing.assert_allclose(fitted.score(rows), expected, rtol=1e-4)


@pytest.mark.parametrize("name", ["eegnet", "riemann"])
def test_what_is_compared_within_subjects_is_fitted_again_for_as_many_steps(rows, name):
    settings = NetworkSettings(normalise="subject", epochs=3, batch_size=16)
    eeg = dataclasses.replace(rows, streams=(Stream.EEG,))
    is_first = (eeg.table["subject"] != "03").to_numpy()
    learner = find_learner(name)(settings, 0)
    first = learner.fit(
        eeg.take(is_first), watch=eeg.take(~is_first), choose=Choice.LOSS
    )

    again = learner.refit(eeg, plan=first.plan)

    same = dataclasses.replace(settings, **first.plan)
    alone = find_learner(name)(same, 0).fit(eeg)
    assert np.array_equal(again.score(eeg), alone.score(eeg))
    assert sorted(again.known) == ["01", "02", "03"]


def test_a_learner_that_compares_within_subjects_saves_how(rows, tmp_path):
    settings = NetworkSettings(normalise="subject")
    eeg = dataclasses.replace(rows, streams=(Stream.EEG,))

    find_learner("riemann")(settings, 0).fit(eeg).save(tmp_path / "fitted")

    names = sorted(str(f.relative_to(tmp_path)) for f in tmp_path.rglob("*.*"))
    assert names == [
        "fitted/learner/fitted.safetensors",
        "fitted/learner/learner.json",
        "fitted/subjects.json",
    ]


def measure_plainly(rows):
    """Return mean, deviation, slope and range of each channel of each trial."""
    found = []
    for trial in range(int(rows.trial.max()) + 1):
        seconds = rows.read(Stream.PERIPHERAL, np.flatnonzero(rows.trial == trial))
        signals = np.concatenate(list(seconds), axis=1).astype(float)
        slope = np.polyfit(np.arange(signals.shape[1]), signals.T, 1)[0]
        found.append([signals.mean(1), signals.std(1), slope, np.ptp(signals, axis=1)])
    return np.reshape(found, (len(found), -1))


def score_plainly(train, test):
    first = np.unique(train.trial, return_index=True)[1]
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    model.fit(measure_plainly(train), train.label[first])
    return model.predict_proba(measure_plainly(test))[:, 1][test.trial]


def score_ours(train, test, name="trial-logistic"):
    fitted = find_learner(name)(NetworkSettings(), 0).fit(train, unit="subject")
    return fitted.score(test)


def compare_on_a_wristband_store(path, seed, ways):
    """Return the balanced accuracy over trials of each way, mean over subjects."""
    store = write_wristband_store(path, seed=seed)
    settings = EvaluateSettings(
        protocols=("subject",), targets=("valence",), streams=("peripheral",), folds=5
    )
    part = cut_parts(store, settings)[0]
    hits = []
    for fold in part.folds:
        train, test = (
            Rows(store, part.numbers[some], PERIPHERAL, part.rows.label[some])
            for some in (np.union1d(fold.train, fold.validation), fold.test)
        )
        of_trial = np.bincount(test.trial)
        table = test.table.assign(label=test.label).groupby(test.trial).first()
        for name, way in ways.items():
            score = np.bincount(test.trial, way(train, test)) / of_trial
            table[name] = (score > 0.5) == table["label"]
        hits.append(table)
    return {
        name: np.mean(
            [
                part.groupby("label")[name].mean().mean()
                for table in hits
                for _, part in table.groupby("subject")
            ]
        )
        for name in ways
    }


@pytest.mark.long
def test_whole_trials_are_read_as_well_as_by_a_plain_pipeline(tmp_path):
    ways = {"plain": score_plainly, "ours": score_ours}

    found = [
        compare_on_a_wristband_store(tmp_path / str(seed), seed, ways)
        for seed in range(1000, 1010)
    ]

    ahead = np.array([one["ours"] - one["plain"] for one in found])
    half = T_9 * ahead.std(ddof=1) / np.sqrt(len(ahead))
    assert ahead.mean() >= -0.01
    assert ahead.mean() - half >= -0.03
    assert np.mean([one["plain"] for one in found]) > 0.6
