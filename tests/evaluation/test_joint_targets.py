"""Several targets are asked at once: one fit, and a score for each that says so."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from deepvanet.cli import main
from deepvanet.comparison import compare
from deepvanet.config import EvaluateSettings, Execution, NetworkSettings
from deepvanet.evaluation import estimate_run, evaluate
from deepvanet.evaluation.parts import cut_parts, open_task, read_ratings
from deepvanet.evaluation.permutations import (
    PermutationPlan,
    exchange_columns,
    permute,
)
from deepvanet.metrics import METRICS, find_means
from deepvanet.results import open_run
from deepvanet.schema import PRIORS, ScoreKey, Stream, UserError
from deepvanet.tasks import TASKS
from segment_blocks import rewrite_trials
from small_store import write_small_store

TRIAL = ["subject", "trial"]
BOTH = "valence+arousal"
QUICK = NetworkSettings(epochs=1, batch_size=16, precision="float32")
ALONE = Execution()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Two subjects; valence shows in all channels, arousal in the last of EEG."""
    return write_small_store(
        tmp_path_factory.mktemp("joint") / "store",
        n_subjects=2,
        n_trials=24,
        n_segments=2,
        graded=True,
        streams=(Stream.EEG, Stream.PERIPHERAL),
        arousal_effect=4.0,
    )


def copy_store(store, folder, columns):
    """Copy a store with columns of ratings by subject."""
    shutil.copytree(store.path, folder)
    for subject, given in columns.items():
        rewrite_trials(folder, subject, **given)
    return folder


def ask(**asked):
    return EvaluateSettings(
        **{
            "protocols": ("trial",),
            "targets": (BOTH,),
            "streams": ("eeg",),
            "learners": ("network",),
            "folds": 3,
            "permutations": 0,
            "network": QUICK,
        }
        | asked
    )


@pytest.fixture(scope="module")
def run(store, tmp_path_factory):
    """Two protocols and two learners, of a fit of one epoch."""
    out = tmp_path_factory.mktemp("joint") / "run"
    asked = ask(protocols=("paper", "trial"), learners=("network", "eegnet"), folds=2)
    evaluate(store.path, out, settings=asked, execution=ALONE)
    return out


def test_a_planted_effect_for_each_of_two_targets_is_found_by_one_network(
    store, tmp_path
):
    asked = ask(
        protocols=("trial-pooled",),
        folds=2,
        network=NetworkSettings(epochs=25, batch_size=16, precision="float32"),
    )
    evaluate(store.path, tmp_path / "run", settings=asked, execution=ALONE)
    said = open_run(tmp_path / "run").predictions
    trials = said.groupby(["learner", "target", *TRIAL])[["label", "score"]].mean()
    for target in ("valence", "arousal"):
        mine = trials.loc["network", target]
        assert roc_auc_score(mine["label"], mine["score"]) > 0.85
    one, other = (trials.loc["network", t]["score"] for t in ("valence", "arousal"))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.5


def test_rows_of_a_joint_fit_say_what_it_was_trained_with(run):
    said = open_run(run).predictions
    named = said.groupby(["learner", "target"])["trained_with"].unique().map(list)
    for learner in ("network", "eegnet"):
        assert named[learner].to_dict() == {
            "arousal": ["valence"],
            "valence": ["arousal"],
        }
    priors = TASKS["high-low"].priors
    for prior in priors:
        assert named[prior].to_dict() == {"arousal": [""], "valence": [""]}
    parts = json.loads((run / "leakage.json").read_text())["parts"]
    told = {
        (part["target"], part["learner"]): part.get("trained_with", "")
        for part in parts
    }
    assert told["valence", "network"] == "arousal"
    assert told["valence", "majority"] == ""
    assert len(list((run / "fits").iterdir())) == 2 * 4 * (2 + len(priors))


def test_both_targets_are_scored_on_the_same_folds_by_their_own_labels(run, store):
    said = open_run(run).predictions
    key = ["learner", "streams", "protocol", "fold", *TRIAL, "segment"]
    one, other = (
        said[said["target"] == target].set_index(key)
        for target in ("valence", "arousal")
    )
    assert one.index.equals(other.index)
    rated = store.trials.set_index(TRIAL)
    for target in ("valence", "arousal"):
        mine = said[said["target"] == target]
        asked = rated.loc[pd.MultiIndex.from_frame(mine[TRIAL]), target]
        assert mine["label"].tolist() == (asked >= 5).astype(int).tolist()


def test_the_history_has_the_watched_loss_of_each_target(store, tmp_path):
    """Under ``reference`` the test rows are watched, so their loss is an oracle."""
    asked = ask(
        protocols=("reference",),
        network=NetworkSettings(epochs=3, batch_size=16, precision="float32"),
    )
    evaluate(store.path, tmp_path / "run", settings=asked, execution=ALONE)
    opened = open_run(tmp_path / "run")
    key = ["target", "subject", "fold"]
    chosen = opened.history[opened.history["chosen"] == 1].set_index(key)
    said = opened.predictions
    for part, rows in said[said["learner"] == "network"].groupby(key):
        right = np.where(rows["label"] == 1, rows["score"], 1 - rows["score"])
        losses = pd.Series(-np.log(right), index=rows.index)
        oracle = losses.groupby([rows["subject"], rows["trial"]]).mean().mean()
        assert chosen.loc[part, "watched_loss"] == pytest.approx(oracle, rel=1e-4)


def test_folds_are_balanced_by_both_labels(store):
    [part] = cut_parts(store, ask())
    for fold in part.folds:
        tested = part.rows.label[fold.test]
        np.testing.assert_allclose(tested.mean(axis=0), 0.5, atol=0.13)
    assert [one.target for one in part.split()] == ["valence", "arousal"]


def test_priors_are_those_of_each_target(run):
    opened = open_run(run)
    for target in ("valence", "arousal"):
        said = opened.predictions
        mine = said[
            (said["target"] == target)
            & (said["learner"] == "majority")
            & (said["protocol"] == "trial")
        ]
        for (subject, fold), tested in mine.groupby(["subject", "fold"]):
            whole = mine[mine["subject"] == subject]
            rest = whole[whole["fold"] != fold]
            assert tested["score"].to_numpy() == pytest.approx(rest["label"].mean())


@pytest.mark.parametrize(
    "asked",
    [
        {"task": "rating"},
        {"task": "classes"},
        {
            "task": "classes",
            "network": NetworkSettings(epochs=1, batch_size=16, loss="ordinal"),
        },
        {"task": "classes", "targets": ("mood+valence",), "classes": "<5,>=5"},
        {"targets": ("valence+arousal+dominance",), "label_rule": "median"},
        {"protocols": ("reference",), "learners": ("eegnet",)},
        {"control": "shuffled-labels"},
    ],
)
def test_every_task_answers_each_target_of_one_fit(store, tmp_path, asked):
    evaluate(store.path, tmp_path / "run", settings=ask(**asked), execution=ALONE)
    opened = open_run(tmp_path / "run")
    [asked_for] = asked.get("targets", (BOTH,))
    targets = asked_for.split("+")
    said = opened.predictions
    assert said["target"].unique().tolist() == targets
    sizes = said.groupby(["target", "learner"]).size()
    assert set(sizes) == {96}
    mine = said[~said["learner"].isin(PRIORS)].set_index("target")["trained_with"]
    for target in targets:
        others = "+".join(name for name in targets if name != target)
        assert set(mine.loc[target]) == {others}


def test_a_trial_that_lacks_a_rating_takes_part_in_none(store, tmp_path, capsys):
    def forget(table):
        return table["arousal"].where(~table.index.isin([0, 3]), "")

    columns = {"01": {"arousal": forget}}
    lacking = copy_store(store, tmp_path / "store", columns)
    main(
        [
            *("evaluate", str(lacking), "--out", str(tmp_path / "run")),
            *("--target", BOTH, "--protocol", "trial", "--streams", "eeg"),
            *("--epochs", "1", "--folds", "2", "--jobs", "1"),
        ]
    )
    sentence = "valence+arousal: 2 trials have only some of these targets"
    assert sentence in capsys.readouterr().out
    opened = open_run(tmp_path / "run")
    assert opened.predictions.drop_duplicates(["target", *TRIAL]).shape[0] == 2 * 46
    assert any(note.startswith(sentence) for note in opened.leakage["notes"])


def test_a_target_with_one_class_in_training_gets_its_base_rate_alone(store, tmp_path):
    path = copy_store(store, tmp_path / "store", {"01": {"arousal": "9.0"}})
    evaluate(path, tmp_path / "run", settings=ask(), execution=ALONE)
    opened = open_run(tmp_path / "run")
    mine = opened.predictions.set_index(["learner", "subject", "target"])["score"]
    mine = mine.sort_index()
    assert set(mine.loc["network", "01", "arousal"]) == {1.0}
    assert mine.loc["network", "01", "valence"].nunique() > 10
    told = {
        part["target"]: [fold["one_class_training"] for fold in part["folds"]]
        for part in opened.leakage["parts"]
        if part["learner"] == "network"
    }
    assert told["arousal"] == [True] * 3 + [False] * 3
    assert told["valence"] == [False] * 6


def test_one_permutation_is_one_joint_fit_with_a_score_for_each_target(store, tmp_path):
    asked = ask(protocols=("trial-pooled",), learners=("eegnet",))
    keys = [
        ScoreKey("trial-pooled", target, "eeg", "eegnet")
        for target in ("valence", "arousal")
    ]
    whole = keys[0]._replace(target=BOTH)
    plan = PermutationPlan(
        1, tuple(keys), dict.fromkeys(keys, "trials"), dict.fromkeys(keys, whole)
    )
    made = permute(store, tmp_path, plan, asked, run="", execution=ALONE)
    assert made["target"].tolist() == ["valence", "arousal"]
    assert len(list((tmp_path / "permutations").iterdir())) == 1

    task = open_task(store, asked, BOTH)
    own = read_ratings(store, task)
    exchanged = exchange_columns(store.table, own, how="trials", number=0)
    first = ~store.table.duplicated(TRIAL).to_numpy()
    whose = store.table["subject"].to_numpy()[first]
    columns = {
        name: dict(zip(task.columns, exchanged[first][whose == name].T, strict=True))
        for name in ("01", "02")
    }
    path = copy_store(store, tmp_path / "store", columns)
    evaluate(path, tmp_path / "run", settings=asked, execution=ALONE)
    said = open_run(tmp_path / "run").predictions
    for target, row in made.set_index("target").iterrows():
        mine = said[(said["target"] == target) & (said["learner"] == "eegnet")]
        means = find_means(mine, "trial")
        assert row[list(METRICS)].to_dict() == pytest.approx(
            {metric: means[metric] for metric in METRICS}
        )


def test_an_estimate_counts_one_fit_for_both_and_the_rows_of_each(store):
    one = estimate_run(store.path, ask(targets=("valence",)))
    both = estimate_run(store.path, ask())
    assert both.n_fits == one.n_fits
    assert both.n_bytes == 2 * one.n_bytes


def test_a_comparison_says_what_both_sides_were_trained_with(run):
    made = compare(run, "network", "eegnet")
    assert made.table["trained_with_a"].tolist() == ["arousal", "valence"] * 2
    assert made.table["trained_with_b"].tolist() == ["arousal", "valence"] * 2
    assert "valence, paper, eeg (trained with arousal): network" in made.lines()[0]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"learners": ("bandpower-nb",)},
            r"bandpower-nb cannot predict valence\+arousal at once; those that can",
        ),
        (
            {"task": "rating", "learners": ("bandpower-nb",)},
            "bandpower-nb cannot do task rating; those that can: network, eegnet",
        ),
        (
            {"targets": ("valence", "valence+arousal")},
            "valence would be answered twice by valence,valence",
        ),
        ({"targets": ("valence+valence",)}, "takes one target, as valence, or differ"),
        ({"targets": ("valence+",)}, "takes one target, as valence, or different"),
        ({"targets": ("valence+dominanze",)}, "did you mean 'dominance'"),
        (
            {"task": "quadrants", "targets": ("valence+arousal+dominance",)},
            "takes exactly two targets",
        ),
    ],
)
def test_what_cannot_be_asked_at_once_ends_in_a_sentence(store, tmp_path, asked, said):
    with pytest.raises(UserError, match=said):
        evaluate(store.path, tmp_path / "run", settings=ask(**asked), execution=ALONE)
    assert not (tmp_path / "run").exists()


def test_quadrants_of_two_targets_stay_quadrants(store):
    [part] = cut_parts(store, ask(task="quadrants"))
    assert part.target == BOTH
    assert part.rows.label.ndim == 1
    assert not part.task.goal.parts
