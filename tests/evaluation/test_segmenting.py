"""Segments of other lengths and steps, from a store to predictions."""

import json
from dataclasses import replace

import pytest

from deepvanet import results
from deepvanet.config import EvaluateSettings, Execution, NetworkSettings
from deepvanet.evaluation import evaluate
from deepvanet.schema import Stream, UserError
from segment_blocks import shorten_trials

ASKED = EvaluateSettings(
    targets=("valence",),
    streams=("eeg",),
    learners=("bandpower-nb",),
    segment=4.0,
    folds=3,
    permutations=0,
    network=NetworkSettings(epochs=1, batch_size=16),
)
ALONE = Execution()
PUBLISHED = ("paper", "paper-pooled")
HONEST = ("trial", "trial-pooled", "subject", "stimulus", "subject-stimulus")


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    return tiny_store(
        tmp_path_factory.mktemp("windows") / "store",
        n_subjects=3,
        n_segments=8,
        streams=[Stream.EEG],
    )


def read_folds(run):
    leakage = json.loads((run / "leakage.json").read_text())
    return leakage["notes"], [
        (part["protocol"], part["leaks"], fold)
        for part in leakage["parts"]
        if part["learner"] == "bandpower-nb"
        for fold in part["folds"]
    ]


def test_overlapping_segments_stand_on_two_sides_of_published_folds_only(
    store, tmp_path
):
    settings = replace(ASKED, protocols=(*PUBLISHED, *HONEST))

    made = evaluate(
        store.path, tmp_path / "run", settings=settings, execution=Execution()
    )

    assert made.cut == ("segments: 4 s each 1 s, baseline: mean",)
    notes, folds = read_folds(tmp_path / "run")
    assert any("overlapping_segments" in note for note in notes)
    for protocol, leaks, fold in folds:
        if protocol in PUBLISHED:
            assert leaks == "trial"
            assert fold["overlapping_segments"] > 0.9 * fold["n_test"]
            assert fold["overlapping_samples_s"] > 0
        else:
            assert leaks == "none"
            assert fold["overlapping_segments"] == fold["overlapping_samples_s"] == 0
    predictions = results.read_predictions(tmp_path / "run" / "predictions.csv")
    assert set(predictions["segment"]) == {0, 1, 2, 3, 4}


def test_segments_side_by_side_do_not_overlap(store, tmp_path):
    settings = replace(ASKED, protocols=("paper",), segment=2.0, step=2.0)

    evaluate(store.path, tmp_path / "run", settings=settings, execution=ALONE)

    notes, folds = read_folds(tmp_path / "run")
    assert not any("overlapping_segments" in note for note in notes)
    assert all(fold["overlapping_segments"] == 0 for _, _, fold in folds)


@pytest.mark.slow
@pytest.mark.parametrize(
    "learner", ["network", "trial-logistic", "riemann", "eegnet", "bandpower-logistic"]
)
def test_learners_take_windows_of_four_seconds(store, tmp_path, learner):
    settings = replace(ASKED, protocols=("trial",), learners=(learner,), step=2.0)

    evaluate(store.path, tmp_path / "run", settings=settings, execution=ALONE)

    predictions = results.read_predictions(tmp_path / "run" / "predictions.csv")
    mine = predictions[predictions["learner"] == learner]
    assert len(mine) == 3 * 6 * 3
    assert mine["score"].between(0, 1).all()


def test_the_network_takes_faces_of_any_number_of_frames(tiny_store, tmp_path):
    store = tiny_store(tmp_path / "store", n_subjects=1, n_segments=5)
    settings = replace(
        ASKED, protocols=("trial",), streams=("face+bio",), learners=("network",)
    )

    evaluate(store.path, tmp_path / "run", settings=settings, execution=ALONE)

    predictions = results.read_predictions(tmp_path / "run" / "predictions.csv")
    assert (predictions["learner"] == "network").sum() == 6 * 2


def test_a_run_says_which_folds_trained_at_random_offsets(store, tmp_path):
    settings = replace(
        ASKED,
        protocols=("paper", "trial-matched", "trial"),
        learners=("network", "bandpower-nb"),
        subjects=("01",),
        segment=1.0,
    )
    none = replace(settings, network=replace(ASKED.network, offsets="none"))

    for name, asked in (("random", settings), ("none", none)):
        evaluate(store.path, tmp_path / name, settings=asked, execution=ALONE)

    leakage, before = (
        results.read_leakage(tmp_path / name / "leakage.json")
        for name in ("random", "none")
    )
    assert any("half a step" in note for note in leakage["notes"])
    assert not any("half a step" in note for note in before["notes"])
    moved = {
        (part["protocol"], part["learner"])
        for part in leakage["parts"]
        if {fold["offsets"] for fold in part["folds"]} == {"random"}
    }
    assert moved == {("trial", "network")}
    assert {f["offsets"] for p in before["parts"] for f in p["folds"]} == {"none"}
    tables = [
        results.read_predictions(tmp_path / name / "predictions.csv")
        for name in ("random", "none")
    ]
    one, other = (t.set_index(["protocol", "learner"])["score"] for t in tables)
    changed = (one != other).groupby(level=[0, 1]).any()
    assert list(changed[changed].index) == [("trial", "network")]


def test_a_whole_trial_is_one_row_however_long_it_is(store, tmp_path):
    path = shorten_trials(store.path, tmp_path / "store", [8, 5.5, 3.25])
    settings = replace(ASKED, protocols=("paper-pooled", "subject"), segment="trial")

    made = evaluate(path, tmp_path / "run", settings=settings, execution=ALONE)

    assert made.cut == ("segments: whole trials of 3.25 to 8 s, baseline: mean",)
    predictions = results.read_predictions(tmp_path / "run" / "predictions.csv")
    mine = predictions[predictions["learner"] == "bandpower-nb"]
    n_rows = mine.groupby(["protocol", "subject", "trial"], observed=True).size()
    assert set(n_rows) == {1}
    _, folds = read_folds(tmp_path / "run")
    for _, leaks, fold in folds:
        assert leaks == "none"  # no trial is split, whatever the protocol allows
        assert fold["shared_trials"] == fold["overlapping_samples_s"] == 0
    assert 'segment = "trial"' in (tmp_path / "run" / "settings.toml").read_text()


@pytest.mark.parametrize("learner", ["network", "eegnet"])
def test_a_learner_of_one_length_refuses_whole_trials_of_several(
    store, tmp_path, learner
):
    path = shorten_trials(store.path, tmp_path / "store", [8, 5.5])
    settings = replace(ASKED, learners=(learner,), segment="trial")

    said = r"reads rows of one length, but .* last 5.5 to 8 s: ask one of bandpower-svm"
    with pytest.raises(UserError, match=said):
        evaluate(path, tmp_path / "run", settings=settings, execution=ALONE)
