"""Tests of the controls: the answer is taken away, and who still scores is found."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.signal import welch

from deepvanet import results
from deepvanet.config import EvaluateSettings, Execution, NetworkSettings
from deepvanet.evaluation import evaluate
from deepvanet.evaluation.controls import (
    sample_noise_of,
    shuffle_ratings,
    write_noise_store,
)
from deepvanet.metrics import score_subjects
from deepvanet.schema import Stream
from deepvanet.store import number_trials, open_store
from deepvanet.tasks import HighLow
from segment_blocks import rewrite_segments

ALONE = Execution()
ASKED = EvaluateSettings(
    protocols=("paper", "trial"),
    targets=("valence",),
    streams=("bio",),
    folds=4,
    network=NetworkSettings(epochs=12, batch_size=16),
)


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    path = tmp_path_factory.mktemp("controls") / "store"
    return tiny_store(path, n_subjects=2, n_trials=8, n_segments=4, effect=0.0)


def shuffle(table, rule=">=5", *, seed):
    ratings = table[["valence"]].to_numpy(dtype=float)
    return shuffle_ratings(table, HighLow("valence", rule), ratings, seed=seed)[:, 0]


def test_shuffled_ratings_stay_with_their_subject_and_whole_trials(store):
    shuffled = shuffle(store.table, seed=0)

    table = store.table.assign(shuffled=shuffled)
    trials = table.groupby(["subject", "trial"])[["valence", "shuffled"]].nunique()
    assert (trials == 1).all(axis=None)
    for _, mine in table.groupby("subject"):
        assert sorted(mine["valence"]) == sorted(mine["shuffled"])
    assert (table["valence"] != table["shuffled"]).any()
    assert (shuffle(store.table, seed=0) == shuffled).all()
    assert (shuffle(store.table, seed=1) != shuffled).any()


def test_shuffling_moves_no_rating_onto_a_trial_that_has_none(store):
    table = store.table.copy()
    table.loc[table["trial"] == "03", "valence"] = np.nan

    shuffled = shuffle(table, seed=0)

    assert (np.isnan(shuffled) == (table["trial"] == "03")).all()


@pytest.mark.parametrize("rule", [">=5", "<4,>6", "median"])
def test_labels_of_people_are_exchanged_between_people(rule):
    """The ratings of a person differ, but are all high or all low; one has none."""
    rng = np.random.default_rng(0)
    low = np.repeat(rng.permutation(20) < 10, 6)
    jitter = 0.0 if rule == "median" else np.tile([0, 0.2, 0.4, 0.6, 0.8, 1.0], 20)
    table = pd.DataFrame(
        {
            "subject": np.repeat([f"{n:02d}" for n in range(20)], 6),
            "trial": np.tile(["1", "2", "3", "4", "5", "6"], 20),
            "valence": np.where(low, 2.5, 7.5) + jitter,
        }
    )
    table.loc[3, "valence"] = np.nan

    shuffled = shuffle(table, rule, seed=0)

    high = pd.Series(shuffled[~table["valence"].isna()] >= 5)
    subject = table["subject"][~table["valence"].isna()].to_numpy()
    assert (high.groupby(subject).nunique() == 1).all()
    assert high.groupby(subject).first().sum() == 10
    assert np.isnan(shuffled[3])
    assert np.isnan(shuffled).sum() == 1
    moved = (high.to_numpy() == low[~table["valence"].isna()]).mean()
    assert 0.2 < moved < 0.8


def test_noise_has_the_spectrum_it_is_asked_for():
    frequency = np.arange(0, 64.25, 0.25)
    wanted = np.stack([1 / (1 + frequency), np.exp(-((frequency - 10) ** 2))])
    rng = np.random.default_rng(0)

    noise = sample_noise_of(wanted, 400 * 128, rng)

    found = welch(noise, fs=128, nperseg=512, scaling="density")[1] / 4
    middle = slice(4, 200)
    np.testing.assert_allclose(found[0, middle], wanted[0, middle], rtol=0.35)
    assert noise.var(axis=1) == pytest.approx(wanted.sum(axis=1), rel=0.2)
    assert abs(np.corrcoef(noise)[0, 1]) < 0.05


@pytest.fixture(scope="module")
def noise(store, tmp_path_factory):
    """The store with its signals replaced by noise."""
    folder = tmp_path_factory.mktemp("controls") / "noise"
    write_noise_store(store, folder, seed=0, execution=ALONE)
    return open_store(folder).cut()


def test_a_store_of_noise_has_the_rows_and_the_spectrum_of_each_subject(store, noise):
    pd.testing.assert_frame_equal(noise.table, store.table)
    rows = np.flatnonzero(store.table["subject"] == "01")
    for stream in (Stream.EEG, Stream.PERIPHERAL):
        before, after = (s.read(stream, rows) for s in (store, noise))
        assert after.dtype == before.dtype
        assert after.shape == before.shape
        # the baseline is the noise's own, so its mean is about 0
        spread = before.std(axis=2).mean(axis=0)
        np.testing.assert_allclose(after.std(axis=2).mean(axis=0), spread, rtol=0.35)
        assert (
            np.abs(np.corrcoef(before[:, 0].ravel(), after[:, 0].ravel())[0, 1]) < 0.1
        )


def test_the_faces_of_noise_are_those_of_other_seconds(store, noise):
    rows = np.arange(len(store.table))
    real = [image.tobytes() for image in store.read(Stream.FACE, rows)]
    sampled = [image.tobytes() for image in noise.read(Stream.FACE, rows)]
    assert set(sampled) <= set(real)
    assert np.mean([a == b for a, b in zip(sampled, real, strict=True)]) < 0.2


@pytest.mark.slow
def test_noise_is_the_same_again_and_whoever_else_is_there(store, noise, tmp_path):
    write_noise_store(store, tmp_path / "again", seed=0, execution=Execution(jobs=2))

    files = sorted(noise.path.rglob("*.npy"))
    assert files
    for file in files:
        other = tmp_path / "again" / file.relative_to(noise.path)
        assert file.read_bytes() == other.read_bytes()


def mark_trials(store):
    """Give each trial an offset of its own, as a baseline that was taken off does."""
    rng = np.random.default_rng(5)
    trial = number_trials(store.table)

    def change(rows, array):
        unit = array.std(axis=(0, 2))
        offset = 3 * unit * rng.standard_normal((trial.max() + 1, len(unit)))
        return array + offset[trial[rows]][:, :, None]

    for stream in (Stream.EEG, Stream.PERIPHERAL):
        rewrite_segments(store, stream, change)
    return open_store(store.path).cut()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("control", "baseline"),
    [("shuffled-labels", "mean"), ("noise", "waveform")],
)
def test_a_control_scores_where_trials_leak_and_nowhere_else(
    tiny_store, tmp_path, control, baseline
):
    path = tmp_path / "store"
    tiny = tiny_store(
        path, n_subjects=6, n_trials=8, n_segments=8, effect=0.0, images=(5, 64)
    )
    marked = mark_trials(tiny)

    evaluate(
        marked.path,
        tmp_path / "run",
        settings=replace(ASKED, control=control, baseline=baseline),
        execution=Execution(jobs=2),
    )

    table = results.read_predictions(tmp_path / "run" / "predictions.csv")
    network = table[table["learner"] == "network"]
    found = {
        name: score_subjects(part, "segment")[["balanced_accuracy", "auroc"]].mean()
        for name, part in network.groupby("protocol")
    }
    assert (found["paper"] > 0.8).all()
    assert (found["trial"] < 0.6).all()
    assert not (tmp_path / "run" / "noise").exists()
    assert results.open_run(tmp_path / "run").settings["evaluate"]["control"] == control


def test_shuffled_labels_are_those_that_are_tested(store, tmp_path):
    settings = replace(ASKED, control="shuffled-labels", learners=("majority",))

    evaluate(store.path, tmp_path / "run", settings=settings, execution=ALONE)

    table = results.read_predictions(tmp_path / "run" / "predictions.csv")
    wanted = store.table.assign(label=shuffle(store.table, seed=0) >= 5).set_index(
        ["subject", "trial", "segment"]
    )["label"]
    for row in table[["subject", "trial", "segment", "label"]].itertuples(index=False):
        assert wanted[row.subject, row.trial, row.segment] == row.label
