"""Tests of what a bundle says of itself: cross-validation, calibration, the card."""

import json
import logging
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import balanced_accuracy_score

from deepvanet.bundle import load_bundle, train_bundle
from deepvanet.config import (
    EvaluateSettings,
    Execution,
    NetworkSettings,
    TrainSettings,
)
from deepvanet.evaluation import evaluate
from deepvanet.metrics import fit_temperature
from deepvanet.results import open_run
from deepvanet.schema import STREAM_SETS, Target, UserError

ALONE = Execution()
QUICK = TrainSettings(
    targets=("valence",),
    streams=("bio",),
    cross_validate=True,
    network=NetworkSettings(epochs=4, batch_size=8, precision="float32"),
)


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    """Six subjects in whom valence shows a little."""
    return tiny_store(
        tmp_path_factory.mktemp("validation") / "store",
        n_subjects=6,
        effect=0.1,
        images=(2, 24),
    )


@pytest.fixture(scope="module")
def bundle(store, tmp_path_factory):
    """A cross-validated bundle that nobody changes."""
    out = tmp_path_factory.mktemp("validation") / "model"
    return train_bundle(store.path, out, settings=QUICK, execution=ALONE)


@pytest.fixture(scope="module")
def run(store, tmp_path_factory):
    """What ``evaluate`` makes of the same store under the same protocol."""
    out = tmp_path_factory.mktemp("validation") / "run"
    settings = EvaluateSettings(
        protocols=("subject",),
        targets=("valence",),
        streams=("bio",),
        network=QUICK.network,
    )
    evaluate(store.path, out, settings=settings, execution=ALONE)
    return open_run(out)


def read_card(bundle):
    return (bundle.path / "README.md").read_text()


def mean_logits(run):
    rows = run.predictions.query("learner == 'network'")
    rows = rows.assign(logit=np.log(rows["score"] / (1 - rows["score"])))
    keys = ["subject", "trial", "label"]
    return rows.groupby(keys)["logit"].mean().reset_index()


def test_steps_are_the_median_of_those_that_the_folds_of_evaluate_took(bundle, run):
    history = pd.read_csv(run.path / "history.csv").query("learner == 'network'")
    chosen = history.query("chosen == 1").set_index("fold")["epoch"]
    [part] = [p for p in run.leakage["parts"] if p["learner"] == "network"]

    (answer,) = bundle.answers

    batches = {
        fold["fold"]: -(-(fold["n_first"] or fold["n_train"]) // 8)
        for fold in part["folds"]
    }
    steps = sorted(chosen[fold] * n for fold, n in batches.items())
    assert len(chosen) == 5
    assert {fold["epoch_chosen_on"] for fold in part["folds"]} == {"validation"}
    assert answer.steps == steps[2]


def test_the_temperature_is_fitted_to_trials_that_their_fold_never_saw(bundle, run):
    trials = mean_logits(run)

    (answer,) = bundle.answers

    wanted = fit_temperature(trials["logit"].to_numpy(), trials["label"].to_numpy())
    assert answer.temperature == pytest.approx(wanted, rel=1e-4)
    assert answer.validation.n_trials == len(trials) == 36
    assert answer.validation.loss_calibrated <= answer.validation.loss


def test_scores_are_those_of_trials_by_subject(bundle, run):
    trials = mean_logits(run)
    by_subject = [
        balanced_accuracy_score(mine["label"], mine["logit"] > 0)
        for _, mine in trials.groupby("subject")
    ]

    validation = bundle.answers[0].validation

    assert validation.protocol == "subject"
    assert (validation.n_folds, validation.n_subjects) == (5, 6)
    assert validation.scores["balanced_accuracy"] == pytest.approx(np.mean(by_subject))
    assert validation.share_high == trials["label"].mean()
    assert validation.ci_low <= np.mean(by_subject) <= validation.ci_high


def test_the_final_network_is_trained_on_all_rows_for_those_steps(bundle, store):
    plain = replace(
        QUICK,
        cross_validate=False,
        network=replace(QUICK.network, steps=bundle.answers[0].steps),
    )
    out = bundle.path.parent / "plain"

    train_bundle(store.path, out, settings=plain, execution=ALONE)

    for name in ("network.safetensors", "network.json"):
        files = [
            folder / "networks" / "valence" / "bio" / name
            for folder in (bundle.path, out)
        ]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_few_subjects_are_divided_by_trials(tiny_store, tmp_path):
    store = tiny_store(tmp_path / "store", n_subjects=2, n_trials=6)

    made = train_bundle(store.path, tmp_path / "m", settings=QUICK, execution=ALONE)

    assert made.answers[0].validation.protocol == "trial-pooled"
    assert "`trial-pooled`: Whole trials are held out" in read_card(made)


def test_what_cannot_be_divided_is_trained_all_the_same_and_says_so(
    tiny_store, tmp_path, caplog
):
    store = tiny_store(tmp_path / "store", n_subjects=1, n_trials=2)

    with caplog.at_level(logging.WARNING):
        made = train_bundle(store.path, tmp_path / "m", settings=QUICK, execution=ALONE)

    said = "not cross-validated, so neither scored nor calibrated: 2 trials cannot be"
    assert said in caplog.text
    assert made.answers[0].validation is None
    assert "(no cross-validation: 2 trials cannot be divided)" in read_card(made)


def test_a_fold_of_one_class_is_no_reason_to_stop(tiny_store, tmp_path, caplog):
    store = tiny_store(tmp_path / "store", n_subjects=1, n_trials=4)
    file = store.path / "subjects" / "01" / "segments.csv"
    table = pd.read_csv(file, dtype=str)
    table["valence"] = np.where(table["trial"] == "01", "7.0", "3.0")
    table.to_csv(file, index=False)

    train_bundle(store.path, tmp_path / "m", settings=QUICK, execution=ALONE)

    assert "a fold would train on one class" in caplog.text


def test_an_interrupted_cross_validation_goes_on_to_the_same_bundle(
    bundle, store, tmp_path
):
    out = shutil.copytree(bundle.path, tmp_path / "model")
    (out / "bundle.json").unlink()
    shutil.rmtree(out / "networks")
    folds = sorted((out / "cross-validation" / "valence" / "bio").iterdir())
    kept = folds.pop().stat().st_mtime_ns
    for file in folds:
        file.unlink()

    train_bundle(store.path, out, settings=QUICK, execution=ALONE)

    def read(folder):
        return {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }

    made, wanted = read(out), read(bundle.path)
    assert made == wanted
    after = sorted((out / "cross-validation" / "valence" / "bio").iterdir())[-1]
    assert after.stat().st_mtime_ns == kept


def test_a_bundle_of_before_still_loads(bundle, tmp_path):
    out = shutil.copytree(bundle.path, tmp_path / "model")
    values = json.loads((out / "bundle.json").read_text())
    values["networks"] = [{"target": "valence", "streams": "bio"}]
    for name in ("cross_validate", "stream_dropout"):
        del values["training"][name]
    (out / "bundle.json").write_text(json.dumps(values))

    old = load_bundle(out)

    assert old.networks == bundle.networks
    assert old.find(Target.VALENCE, "bio").temperature == 1.0
    assert old.lines()[1] == "valence from bio: not calibrated, never scored"


@pytest.mark.parametrize("temperature", [0.0, -1.0, "1", None, float("nan"), True])
def test_a_temperature_that_is_none_is_refused(bundle, tmp_path, temperature):
    out = shutil.copytree(bundle.path, tmp_path / "model")
    values = json.loads((out / "bundle.json").read_text())
    values["networks"][0]["answers"][0]["temperature"] = temperature
    (out / "bundle.json").write_text(json.dumps(values))

    with pytest.raises(UserError, match="temperature cannot be"):
        load_bundle(out)


def test_the_card_says_what_a_number_is_and_how_good(bundle):
    card = read_card(bundle)
    (answer,) = bundle.answers

    assert "probability of a **high self-rating**" in card
    assert "learnt from **one rating a trial**" in card
    assert "intensity" not in card
    assert "| valence | bio | 6 | 36 | 50% | 144 | 3 to 7 |" in card
    balanced = answer.validation.scores["balanced_accuracy"]
    assert f"| valence | bio | subject | 36 | {balanced:.2f} |" in card
    assert "It is not for decisions about a person" in card
    assert "DEAP may be used for academic research only" in card
    assert "- eeg, 128 Hz: Fp1 (uV), Cz (uV), Oz (uV)" in card
    assert "mean image" not in card  # it reads no face
    assert f"balanced accuracy {balanced:.2f}" in bundle.lines()[1]


def test_without_cross_validation_the_card_says_so(store, tmp_path):
    settings = replace(QUICK, cross_validate=False, streams=("face",))

    made = train_bundle(store.path, tmp_path / "m", settings=settings, execution=ALONE)

    card = read_card(made)
    assert "valence from face: **not calibrated, never scored**" in card
    assert "nothing chose them" in card
    assert "hold the mean image of all faces" in card
    assert made.lines()[1] == "valence from face: not calibrated, never scored"


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ("deap-synthetic", "The recordings were made up"),
        ("amigos-long", "AMIGOS may be used for academic research only"),
        ("mine", "ask before passing them on"),
    ],
)
def test_the_card_names_the_terms_of_its_recordings(
    tiny_store, tmp_path, dataset, said
):
    store = tiny_store(tmp_path / "store", dataset=dataset)
    settings = replace(QUICK, cross_validate=False)

    made = train_bundle(store.path, tmp_path / "m", settings=settings, execution=ALONE)

    assert said in read_card(made)


def test_one_network_with_stream_dropout_is_scored_from_every_subset(store, tmp_path):
    settings = replace(QUICK, streams=("face", "bio", "face+bio"), stream_dropout=0.3)

    made = train_bundle(store.path, tmp_path / "m", settings=settings, execution=ALONE)

    assert made.networks == ((Target.VALENCE, "face+bio"),)
    assert set(made.stream_sets) == set(STREAM_SETS)
    card = read_card(made)
    for streams, held in STREAM_SETS.items():
        assert made.pick(frozenset(held)) == streams
        answer = made.find(Target.VALENCE, streams)
        assert answer.validation.n_trials == 36
        assert f"| valence | {streams} | subject |" in card
    assert len({a.validation.loss for a in made.answers}) == len(STREAM_SETS)
    assert "each row lost a stream with probability 0.3" in card
    with pytest.raises(KeyError, match="arousal from bio"):
        made.find(Target.AROUSAL, "bio")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"streams": ("face",), "stream_dropout": 0.3}, "two streams or more, got fac"),
        ({"stream_dropout": 1.0}, "--stream-dropout: must lie between 0 and 1, got 1"),
    ],
)
def test_a_stream_dropout_that_makes_no_sense_is_refused(
    store, tmp_path, change, message
):
    settings = replace(QUICK, **change)

    with pytest.raises(UserError, match=message):
        train_bundle(store.path, tmp_path / "m", settings=settings, execution=ALONE)

    assert not (tmp_path / "m").exists()


def test_calibrated_trials_come_true_as_often_as_they_say(bundle, run):
    trials = mean_logits(run)
    answer = bundle.answers[0]

    probability = expit(trials["logit"] / answer.temperature)

    # what a temperature can do: the mean of what is sure is no surer than it is right
    called = np.where(trials["logit"] > 0, probability, 1 - probability)
    right = (trials["logit"] > 0) == trials["label"]
    assert called.mean() == pytest.approx(right.mean(), abs=0.15)
