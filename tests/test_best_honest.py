"""Tests of the strongest learner: its parts, its pool, what it was selected by."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from scipy.linalg import logm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from deepvanet.bundle import train_bundle
from deepvanet.config import (
    EvaluateSettings,
    Execution,
    NetworkSettings,
    Segmenting,
    TrainSettings,
)
from deepvanet.evaluation import evaluate
from deepvanet.explanation import explain
from deepvanet.inference import RecordingInput, predict
from deepvanet.learners.best_honest import (
    CONFIGURATION,
    fit_member,
    gather_trials,
    load_best_honest,
)
from deepvanet.learners.held_seconds import hold_seconds
from deepvanet.learners.making import find_learner
from deepvanet.learners.pooling import (
    fit_class_weights,
    fit_rating_weights,
    pool_classes,
    take_logs,
    weigh_alike,
)
from deepvanet.learners.trial_parts import PARTS, SHRINKAGE, measure_part
from deepvanet.metrics import score_subjects
from deepvanet.results import read_predictions
from deepvanet.schema import (
    BIO,
    PAPER_STREAMS,
    Channel,
    ChannelType,
    Goal,
    Stream,
    Target,
    UserError,
)
from deepvanet.store import open_store
from known_information import write_known_store
from portraits import video_of
from segment_blocks import shorten_trials
from small_store import rate, take_rows

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import choose_best_honest
from planted import PlantedStore, write_planted_store

PAGE = Path(__file__).parents[1] / "docs" / "best-honest.md"
EEG = tuple(Channel(name, ChannelType.EEG, "uV") for name in ("Fp1", "Cz", "Oz"))
CLASSES = Goal("classes", ("low", "middle", "high"))


def make(**settings):
    return find_learner("best-honest")(NetworkSettings(**settings), 0)


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    path = tmp_path_factory.mktemp("honest") / "store"
    streams = (*PAPER_STREAMS, Stream.GAZE)
    return tiny_store(path, n_subjects=4, n_segments=2, streams=streams, effect=0.4)


@pytest.fixture(scope="module")
def halves(store):
    rows = take_rows(store)
    first = rows.table["subject"].isin(["01", "02", "03"]).to_numpy()
    return rows.take(first), rows.take(~first)


def hold_eeg(signals, rest=None):
    """Return one trial of EEG, (channel, time), as seconds of a recording."""
    cut = np.stack(
        np.split(signals.astype(np.float32), signals.shape[1] // 128, axis=1)
    )
    before = {} if rest is None else {Stream.EEG: rest.astype(np.float32)}
    return hold_seconds({Stream.EEG: cut}, channels=EEG, sfreq=128.0, rest=before)


def test_a_covariance_is_the_matrix_logarithm_that_scipy_finds():
    rng = np.random.default_rng(0)
    signals = rng.normal(size=(3, 3)) @ rng.normal(size=(3, 1280))

    found = measure_part("covariance", hold_eeg(signals))

    plain = np.cov(signals, bias=True)
    shrunk = (1 - SHRINKAGE) * plain + SHRINKAGE * np.trace(plain) / 3 * np.eye(3)
    expected = logm(shrunk)[np.triu_indices(3)]
    np.testing.assert_allclose(
        np.concatenate(list(found.values())), expected, atol=1e-4
    )
    assert list(found)[:2] == ["covariance: Fp1 Fp1", "covariance: Fp1 Cz"]


def test_eeg_twice_as_large_as_in_the_baseline_is_so_in_all_bands_and_covariances():
    rng = np.random.default_rng(0)
    rest, signals = rng.normal(size=(3, 128 * 60)), 2 * rng.normal(size=(3, 128 * 60))

    bands = measure_part("bands-from-rest", hold_eeg(signals, rest))
    pairs = measure_part("covariance-from-rest", hold_eeg(signals, rest))

    np.testing.assert_allclose([*bands.values()], np.log(2), atol=0.2)
    same = pairs["covariance-from-rest: Cz Cz"]
    assert same[0] == pytest.approx(2 * np.log(2), abs=0.1)
    assert pairs["covariance-from-rest: Fp1 Cz"][0] == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("part", ["bands-from-rest", "covariance-from-rest"])
def test_a_baseline_that_is_missing_or_flat_is_none(part):
    signals = np.random.default_rng(0).normal(size=(3, 1280))

    found = [
        measure_part(part, hold_eeg(signals, rest))
        for rest in (None, np.zeros((3, 256)), np.full((3, 256), np.nan))
    ]

    for one in found:
        assert np.isnan([*one.values()]).all()


def test_a_lost_channel_leaves_the_covariances_of_the_others():
    signals = np.random.default_rng(0).normal(size=(3, 1280))
    lost = signals.copy()
    lost[1] = np.nan

    found = measure_part("covariance", hold_eeg(lost))

    missing = [name for name, values in found.items() if np.isnan(values).all()]
    assert missing == ["covariance: Fp1 Cz", "covariance: Cz Cz", "covariance: Cz Oz"]
    nothing = measure_part("covariance", hold_eeg(np.full((3, 1280), np.nan)))
    assert np.isnan([*nothing.values()]).all()


def hold_faces(levels):
    """Return one trial whose faces are as bright as a number a second."""
    faces = np.full((len(levels), 2, 32, 32, 3), 0, np.uint8)
    faces += np.asarray(levels, np.uint8)[:, None, None, None, None]
    return hold_seconds({Stream.FACE: faces}, channels=EEG, sfreq=128.0)


def test_a_picture_has_its_brightness_and_what_changed_since_the_onset():
    rows = hold_faces([100, 110, 120])
    turned = rows.take(np.array([2, 0, 1]))

    level = measure_part("picture", rows)
    change = measure_part("picture-from-onset", turned)

    assert level["picture: level 0"] == pytest.approx(110)
    assert level["picture: spread 255"][0] == pytest.approx(np.log(np.sqrt(200 / 3)))
    assert len(change) == 256
    np.testing.assert_allclose([*change.values()], 15)


def test_a_black_picture_is_one_of_which_nothing_is_known():
    assert measure_part("picture", hold_faces([100, 0]))["picture: level 3"] == 100
    for part in ("picture", "picture-from-onset"):
        found = measure_part(part, hold_faces([0, 0]))
        assert np.isnan([*found.values()]).all()


def test_numbers_made_of_the_face_are_summed_up_over_the_trial():
    channels = (Channel("AU12", ChannelType.FACE_FEATURE, ""),)
    values = np.array([[[1.0, 1.0]], [[2.0, np.nan]], [[4.0, 4.0]]], np.float32)
    rows = hold_seconds({Stream.FACE_FEATURES: values}, channels=channels, sfreq=128.0)

    found = measure_part("face-levels", rows)
    change = measure_part("face-levels-from-onset", rows)

    known = [1, 1, 2, 4, 4]
    assert found["face-levels: AU12 level"] == pytest.approx(np.mean(known))
    assert found["face-levels: AU12 spread"] == pytest.approx(np.log(np.std(known)))
    assert [*change.values()] == [pytest.approx(10 / 3 - 1)]


def sample_logs(rng, n_rows=300):
    """Return labels, and log-odds of a member that knows, one that does not, a liar."""
    label = rng.integers(0, 2, n_rows)
    odds = np.stack([2.0 * label - 1, 0.0 * label, 1 - 2.0 * label])
    odds += rng.normal(size=odds.shape)
    return label, 1 / (1 + np.exp(-odds))


def test_a_pool_of_two_classes_is_the_logistic_regression_of_scikit_learn():
    label, score = sample_logs(np.random.default_rng(0))
    good = score[:1]

    weight = fit_class_weights(take_logs(good), label, np.ones(len(label)), 0.0)

    odds = np.log(good / (1 - good)).T
    oracle = LogisticRegression(C=np.inf, fit_intercept=False).fit(odds, label)
    assert weight[0] == pytest.approx(oracle.coef_[0, 0], abs=5e-3)


def test_weights_have_the_least_loss_of_a_grid_and_a_liar_has_none():
    label, score = sample_logs(np.random.default_rng(0))
    logs, every = take_logs(score), np.ones(len(label))

    weight = fit_class_weights(logs, label, every, 2.0)

    def lose(tried):
        told = log_loss(label, pool_classes(logs, tried)) * len(label)
        return told + 2 * np.sum((tried - 1 / 3) ** 2)

    near = [weight + step for step in np.random.default_rng(1).normal(0, 0.1, (99, 3))]
    assert all(lose(np.maximum(one, 0)) >= lose(weight) - 1e-4 for one in near)
    assert weight[2] == 0
    assert weight[0] > 5 * weight[1]


def test_without_rows_that_say_otherwise_members_count_alike():
    label, score = sample_logs(np.random.default_rng(0), 6)

    weight = fit_class_weights(take_logs(score), label, np.ones(6), 1e6)

    np.testing.assert_allclose(weight, weigh_alike(3), atol=1e-3)


def test_weights_of_ratings_solve_the_normal_equations():
    rng = np.random.default_rng(0)
    rating = rng.normal(5, 1, 200)
    said = np.stack([rating + rng.normal(size=200), rating + 2 * rng.normal(size=200)])

    weight = fit_rating_weights(said, rating, np.ones(200), 2.0)

    off = (said - rating.mean()) / rating.std()
    left = off @ off.T + 2 * np.eye(2)
    right = off @ (rating - rating.mean()) / rating.std() + 2 * weigh_alike(2)
    np.testing.assert_allclose(weight, np.linalg.solve(left, right))


def test_of_several_classes_one_that_training_lacks_gets_no_probability(halves):
    train, test = halves
    label = train.label * 2  # none is in the middle
    train = replace(train, label=label, goal=CLASSES)

    score = make().fit(train).score(test)

    assert score.shape == (len(test), 3)
    assert (score[:, 1] == 0).all()
    np.testing.assert_allclose(score.sum(axis=1), 1)


def test_a_rating_is_predicted_between_those_of_training(halves):
    train, test = (rate(rows) for rows in halves)

    score = make().fit(train).score(test)

    assert np.corrcoef(score, test.label)[0, 1] > 0.5
    assert score.min() > 1
    assert score.max() < 9


def test_it_reads_any_stream_set_and_says_who_counts(store):
    sets = [*PAPER_STREAMS, Stream.GAZE], [Stream.FACE, Stream.GAZE], [Stream.EEG]

    found = [make().fit(take_rows(store, streams)).choices for streams in sets]

    members = [{n.split("_")[0] for n in one if n.endswith("_weight")} for one in found]
    assert members == [set(CONFIGURATION.choose_members(some)) for some in sets]
    assert all(members)
    assert make().traits.describe() == "any stream set"


def test_each_segment_gets_its_trial_s_score(halves):
    train, test = halves

    score = make().fit(train).score(test)

    assert all(len(set(score[test.trial == t])) == 1 for t in set(test.trial))
    assert len(set(score)) == len(set(test.trial))


@pytest.mark.parametrize("goal", ["high-low", "classes", "rating"])
def test_what_was_saved_says_the_same(halves, goal, tmp_path):
    train, test = halves
    if goal == "classes":
        train = replace(train, label=train.trial % 3, goal=CLASSES)
    fitted = make(normalise="subject").fit(rate(train) if goal == "rating" else train)

    fitted.save(tmp_path / "fitted")

    loaded = load_best_honest(tmp_path / "fitted")
    assert loaded.score(test).tobytes() == fitted.score(test).tobytes()
    assert loaded.choices == fitted.choices


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("pool", np.array([-1.0, 2.0]), "pool needs a number of 0 or more"),
        ("pool", np.ones(5), "members needs|pool needs length"),
        ("first/spread", None, "array spread is missing"),
    ],
)
def test_a_damaged_fit_is_not_loaded(halves, tmp_path, name, array, said):
    streams = BIO
    first = next(iter(CONFIGURATION.choose_members(streams)))
    train = replace(halves[0], streams=streams)
    make().fit(train).save(tmp_path / "fitted")
    file = tmp_path / "fitted" / "fitted.safetensors"
    arrays = load_file(file)
    name = name.replace("first", first)
    if array is None:
        del arrays[name]
    else:
        arrays[name] = array
    save_file(arrays, file)

    with pytest.raises(UserError, match=f"not a saved learner: .*{said}"):
        load_best_honest(tmp_path / "fitted")


def test_inner_folds_keep_whole_what_the_protocol_keeps_whole(tiny_store, tmp_path):
    path = tmp_path / "store"
    store = tiny_store(
        path, n_subjects=6, n_segments=1, streams=BIO, personal=True, effect=0.0
    )
    rows = take_rows(store, BIO)
    by_unit = {
        unit: gather_trials(rows, NetworkSettings(), unit=unit, seed=0)
        for unit in ("trial", "subject")
    }
    subject = by_unit["trial"].subject
    who = (subject[:, None] == np.unique(subject)).astype(float)

    found = {
        unit: roc_auc_score(
            trials.samples.label,
            fit_member(who, trials, penalties=CONFIGURATION.penalties).held,
        )
        for unit, trials in by_unit.items()
    }
    choices = [make().fit(rows, unit=unit).choices for unit in by_unit]

    # each has one label over all its trials: who it is tells all, or nothing
    assert found["trial"] == 1
    assert found["subject"] <= 0.5
    assert choices[0] != choices[1]


def test_whole_trials_of_several_lengths_are_scored_as_each_of_them_alone(
    tiny_store, tmp_path
):
    store = tiny_store(tmp_path / "whole", n_segments=2, streams=BIO)
    path = shorten_trials(store.path, tmp_path / "store", [2, 1, 1.5])
    rows = take_rows(open_store(path).cut(Segmenting("trial")), BIO)
    fitted = make().fit(rows)

    score = fitted.score(rows)

    alone = [fitted.score(rows.take(np.array([row])))[0] for row in range(len(rows))]
    assert len(set(rows.table["duration_s"])) == 3
    np.testing.assert_allclose(score, alone, rtol=1e-9)


def test_subjects_are_compared_by_signals_and_not_by_faces(halves):
    train, _ = halves

    numbers = make(normalise="subject").fit(train).numbers

    compared = {n.split("/")[0] for n in numbers if n.endswith("/subject")}
    members = CONFIGURATION.choose_members(PAPER_STREAMS)
    assert compared == {
        name
        for name, parts in members.items()
        if any(PARTS[part].stream is not Stream.FACE for part in parts)
    }
    assert not any("/subject" in name for name in make().fit(train).numbers)


@pytest.mark.slow
def test_a_bundle_of_it_predicts_and_explains_each_stream(
    filmed_store, filmed_deap, tmp_path
):
    settings = TrainSettings(
        targets=("valence",), streams=("face+bio",), learner="best-honest"
    )
    bundle = train_bundle(
        filmed_store, tmp_path / "model", settings=settings, execution=Execution()
    )
    signals = filmed_deap / "data_preprocessed_python" / "s01.dat"
    recording = RecordingInput(
        video=video_of(filmed_deap, 1, 1), bio=signals, trial="1"
    )

    table = predict(bundle.path, recording).table
    made = explain(bundle.path, recording, tmp_path / "out")

    assert bundle.find(Target.VALENCE, "face+bio").context == "trial"
    assert table["valence"].dropna().nunique() == 1
    assert set(made.streams["stream"]) == {"face", "eeg", "peripheral"}
    assert not made.streams["attribution"].isna().any()


@pytest.mark.long
@pytest.mark.parametrize("kind", ["band power", "covariance", "slow drift"])
def test_what_is_known_to_be_in_signals_is_found(tmp_path, kind):
    store = write_known_store(tmp_path / "store", kind, n_subjects=4, seed=70)
    streams = "peripheral" if kind == "slow drift" else "eeg"

    assert score_store(store, tmp_path / "run", streams, protocol="trial") > 0.65


@pytest.mark.long
@pytest.mark.parametrize("kind", ["eeg", "peripheral", "face"])
def test_an_effect_in_one_stream_is_found_in_people_unseen_and_by_no_other_labels(
    tmp_path, kind
):
    store = write_planted_store(tmp_path / "store", PlantedStore(kind, 4.0, seed=77))

    found = score_store(store, tmp_path / "run", kind)
    shuffled = score_store(
        store, tmp_path / "shuffled", kind, control="shuffled-labels"
    )

    assert found > 0.65
    assert 0.35 < shuffled < 0.65


def score_store(store, out, streams, *, protocol="subject", **options):
    """Return the balanced accuracy over trials, the mean over subjects."""
    settings = EvaluateSettings(
        protocols=(protocol,),
        targets=("valence",),
        streams=(streams,),
        learners=("best-honest",),
        permutations=0,
        **options,
    )
    evaluate(store.path, out, settings=settings, execution=Execution())
    table = read_predictions(out / "predictions.csv")
    mine = table[table["learner"] == "best-honest"]
    return float(score_subjects(mine, "trial")["balanced_accuracy"].mean())


def test_the_frozen_configuration_is_one_of_those_that_were_written_down():
    candidates = choose_best_honest.CANDIDATES
    read = {
        name: {part for parts in one.members.values() for part in parts}
        for name, one in candidates.items()
    }

    chosen = {part for parts in CONFIGURATION.members.values() for part in parts}

    # gaze and numbers made of the face are in no simulated store
    beside = {n for n, p in PARTS.items() if p.stream not in PAPER_STREAMS}
    alike = [name for name, parts in read.items() if parts == chosen - beside]
    assert any(candidates[name].pool == CONFIGURATION.pool for name in alike)
    assert {(c.penalties, c.shrinkage) for c in candidates.values()} == {
        (CONFIGURATION.penalties, CONFIGURATION.shrinkage)
    }


def test_the_page_states_the_digest_of_what_is_frozen_and_all_candidates():
    page = PAGE.read_text()
    selected = page[page.index("## Selection") : page.index("## What it scores")]

    assert re.findall(r"`([0-9a-f]{64})`", page) == [CONFIGURATION.digest()]
    for name in choose_best_honest.CANDIDATES:
        assert page.count(f"| {name} |") == 1
        assert f"| {name} |" in selected
    assert "*selected here*" in selected
    assert "benchmarks/choose_best_honest.py" in page
