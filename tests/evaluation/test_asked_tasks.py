"""One store answers every question: what is asked is chosen when it is evaluated."""

import json

import numpy as np
import pandas as pd
import pytest

from deepvanet.config import EvaluateSettings, Execution
from deepvanet.evaluation import evaluate
from deepvanet.evaluation.controls import shuffle_ratings
from deepvanet.evaluation.parts import cut_parts, open_task, read_ratings
from deepvanet.schema import Stream, UserError
from small_store import write_small_store

TRIAL = ["subject", "trial"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return write_small_store(
        tmp_path_factory.mktemp("graded") / "store",
        n_subjects=2,
        n_trials=24,
        n_segments=2,
        graded=True,
        streams=(Stream.EEG, Stream.PERIPHERAL),
    )


def ask(store, out, **asked):
    settings = EvaluateSettings(
        **{
            "protocols": ("trial",),
            "targets": ("valence",),
            "streams": ("bio",),
            "learners": ("bandpower-logistic",),
            "folds": 4,
            "permutations": 0,
        }
        | asked
    )
    evaluate(store.path, out, settings=settings, execution=Execution())
    return pd.read_csv(out / "predictions.csv", dtype={"subject": str, "trial": str})


def test_a_rating_is_predicted_in_its_own_unit(store, tmp_path):
    said = ask(
        store,
        tmp_path / "run",
        task="rating",
        targets=("dominance",),
        learners=("bandpower-ridge",),
    )
    mine = said[said["learner"] == "bandpower-ridge"]
    trials = mine.groupby(TRIAL)[["truth", "prediction"]].mean()
    assert np.corrcoef(trials["truth"], trials["prediction"])[0, 1] > 0.8
    asked = store.trials.set_index(TRIAL)["dominance"]
    assert trials["truth"].to_dict() == pytest.approx(asked.to_dict())


def test_the_priors_of_a_rating_are_means_of_training_ratings(store, tmp_path):
    said = ask(
        store, tmp_path / "run", task="rating", learners=("bandpower-ridge",)
    ).set_index("learner")
    for subject in ("01", "02"):
        prior = said.loc["subject-prior"]
        for _, fold in prior[prior["subject"] == subject].groupby("fold"):
            tested = set(fold["trial"])
            table = store.trials[store.trials["subject"] == subject]
            rest = table[~table["trial"].isin(tested)]["valence"]
            assert fold["prediction"].to_numpy() == pytest.approx(rest.mean())


@pytest.mark.parametrize(
    ("asked", "classes"),
    [
        ({"task": "classes"}, ["<4", "4-6", ">6"]),
        ({"task": "classes", "targets": ("mood",)}, ["calm", "glad", "sad"]),
        (
            {"task": "quadrants", "targets": ("valence", "arousal")},
            ["low-low", "low-high", "high-low", "high-high"],
        ),
    ],
)
def test_classes_have_a_probability_each(store, tmp_path, asked, classes):
    said = ask(store, tmp_path / "run", **asked)
    columns = [f"probability_{name}" for name in classes]
    assert said.columns[-len(columns) :].tolist() == columns
    np.testing.assert_allclose(said[columns].sum(axis=1), 1, atol=1e-6)
    likeliest = np.array(classes)[said[columns].to_numpy().argmax(axis=1)]
    assert said["prediction"].tolist() == likeliest.tolist()
    mine = said[said["learner"] == "bandpower-logistic"]
    guessed = said[said["learner"] == "majority"]
    assert np.mean(mine["truth"] == mine["prediction"]) > 0.1 + np.mean(
        guessed["truth"] == guessed["prediction"]
    )


def test_two_targets_with_a_comma_are_one_question_for_quadrants(store, tmp_path):
    said = ask(
        store, tmp_path / "run", task="quadrants", targets=("valence", "arousal")
    )
    assert set(said["target"]) == {"valence+arousal"}
    held = json.loads((tmp_path / "run" / "leakage.json").read_text())
    assert {part["target"] for part in held["parts"]} == {"valence+arousal"}


def test_folds_of_ratings_have_high_and_low_ones_alike(store):
    settings = EvaluateSettings(
        protocols=("trial",), targets=("valence",), task="rating", folds=4
    )
    settings = EvaluateSettings(
        protocols=("trial",),
        targets=("valence",),
        task="rating",
        folds=4,
        streams=("bio",),
    )
    [part] = cut_parts(store, settings)
    for fold in part.folds:
        high = part.rows.stratum[fold.test]
        assert high.mean() == pytest.approx(0.5)


def test_shuffled_pairs_of_ratings_stay_pairs(store):
    settings = EvaluateSettings(task="quadrants", targets=("valence+arousal",))
    task = open_task(store, settings, "valence+arousal")
    own = read_ratings(store, task)
    shuffled = shuffle_ratings(store.table, task, own, seed=3)
    assert not np.array_equal(shuffled, own)
    for subject in ("01", "02"):
        mine = (store.table["subject"] == subject).to_numpy()
        pairs = {tuple(row) for row in own[mine]}
        assert {tuple(row) for row in shuffled[mine]} == pairs


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"targets": ("valenze",)}, "did you mean 'valence'"),
        ({"task": "rating"}, "bandpower-logistic cannot do task rating"),
        ({"targets": ("mood",)}, "--task classes"),
        ({"task": "classes", "classes": "<0,>10"}, "no trial .* has a valence"),
        ({"task": "classes", "classes": "<20,>30"}, "does not vary"),
        ({"task": "quadrants"}, "takes exactly two targets"),
    ],
)
def test_what_cannot_be_asked_ends_in_a_sentence(store, tmp_path, asked, said):
    with pytest.raises(UserError, match=said):
        ask(store, tmp_path / "run", **asked)
    assert not (tmp_path / "run").exists()
