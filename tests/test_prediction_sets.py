"""From a bundle's folds to the sets of labels that a recording's trials get."""

import json
from dataclasses import replace

import numpy as np
import pytest

from deepvanet.bundle import load_bundle, train_bundle
from deepvanet.config import Execution
from deepvanet.inference import RecordingInput, predict
from small_recordings import write_trials
from small_store import write_small_store
from task_bundles import SETTINGS, STREAMS, write_rising

ALONE = Execution()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return write_small_store(
        tmp_path_factory.mktemp("sets") / "store",
        n_subjects=12,
        n_trials=6,
        n_segments=2,
        streams=STREAMS,
        baseline="none",
        graded=True,
    )


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recording")
    bio = write_rising(folder / "rising.fif")
    rows = [
        {
            "subject": "a",
            "trial": f"t{k}",
            "stimulus": f"c{k}",
            "onset_s": 4 * k,
            "duration_s": 4,
        }
        for k in range(3)
    ]
    table = folder / "trials.csv"
    write_trials(table, rows)
    return RecordingInput(bio=bio, trials=table)


def train(store, task, out):
    settings = replace(
        SETTINGS[task],
        targets=("valence",),
        streams=("bio",),
        cross_validate=True,
    )
    return train_bundle(store.path, out, settings=settings, execution=ALONE)


@pytest.mark.parametrize("task", ["high-low", "classes", "rating"])
def test_a_bundle_knows_how_wide_sets_must_be_and_says_so(
    store, recording, task, tmp_path
):
    bundle = train(store, task, tmp_path / "model")
    loaded = load_bundle(bundle.path).find("valence", "bio").sets
    trials = predict(bundle.path, recording).trials

    assert loaded.n_subjects == 12
    assert loaded.level == 0.9
    assert 0.6 <= loaded.coverage <= 1
    card = (bundle.path / "README.md").read_text()
    assert "## Sets that hold the truth" in card
    assert f"| valence | bio | 12 | 90% | {loaded.coverage:.0%} |" in card
    if task == "rating":
        width = (trials["valence_to"] - trials["valence_from"]).astype(float)
        np.testing.assert_allclose(width, 2 * loaded.bound)
        middle = (trials["valence_to"] + trials["valence_from"]).astype(float) / 2
        np.testing.assert_allclose(middle, trials["valence"])
        return
    names = {"high-low": ("low", "high"), "classes": ("<4", "4-6", ">6")}[task]
    for said, label in zip(trials["valence_set"], trials["valence_label"], strict=True):
        likeliest = names[int(label)] if task == "high-low" else label
        assert likeliest in said.split("+")
        assert set(said.split("+")) <= set(names)


def test_too_few_people_have_no_sets_and_the_card_says_why(recording, tmp_path):
    store = write_small_store(
        tmp_path / "store",
        n_subjects=6,
        n_trials=6,
        n_segments=2,
        streams=STREAMS,
        baseline="none",
        graded=True,
    )

    bundle = train(store, "high-low", tmp_path / "model")
    trials = predict(bundle.path, recording).trials

    assert bundle.find("valence", "bio").sets is None
    assert "valence_set" not in trials
    assert (
        "Not known: sets that hold the truth" in (bundle.path / "README.md").read_text()
    )


def test_a_bundle_of_an_older_version_has_no_sets(store, recording, tmp_path):
    bundle = train(store, "high-low", tmp_path / "model")
    file = bundle.path / "bundle.json"
    values = json.loads(file.read_text())
    for network in values["networks"]:
        for answer in network["answers"]:
            del answer["validation"]["sets"]
    file.write_text(json.dumps(values))

    assert load_bundle(bundle.path).find("valence", "bio").sets is None
    assert "valence_set" not in predict(bundle.path, recording).trials
