"""Tests of bundles of every task: trained, described, asked, explained."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from deepvanet.bundle import load_bundle, train_bundle
from deepvanet.cli import main
from deepvanet.config import (
    EvaluateSettings,
    Execution,
    NetworkSettings,
    TrainSettings,
)
from deepvanet.evaluation import evaluate
from deepvanet.explanation import explain
from deepvanet.inference import TIMELINE_COLUMNS, TRIAL_COLUMNS, RecordingInput, predict
from deepvanet.learners.network import load_network
from deepvanet.metrics import measure
from deepvanet.results import open_run
from deepvanet.schema import BIO, HIGH_OR_LOW, Goal, UserError
from deepvanet.tasks import TASKS
from signal_files import write_fif
from small_recordings import write_trials
from small_store import BIO_UNITS, CHANNELS, hold

ALONE = Execution()
QUICK = TrainSettings(
    targets=("valence",),
    streams=("bio",),
    baseline="none",
    cross_validate=False,
    learner="bandpower-logistic",
    network=NetworkSettings(epochs=2, batch_size=8, precision="float32"),
)
RATED = replace(QUICK, targets=("dominance",), task="rating", learner="bandpower-ridge")
NETWORK = replace(QUICK, learner="network")
SETTINGS = {
    "rating": RATED,
    "two ratings": replace(RATED, targets=("valence", "dominance")),
    "classes": replace(QUICK, task="classes", classes="<=5,>5"),
    "texts": replace(QUICK, task="classes", targets=("mood",)),
    "quadrants": replace(QUICK, task="quadrants", targets=("valence", "arousal")),
    "dominance": replace(QUICK, targets=("dominance",)),
    "both": replace(QUICK, targets=("dominance", "arousal")),
    "joint ratings": replace(NETWORK, targets=("valence+dominance",), task="rating"),
    "joint": replace(NETWORK, targets=("valence+arousal",), streams=("bio", "eeg")),
    "rating network": replace(NETWORK, targets=("dominance",), task="rating"),
    "classes network": replace(NETWORK, task="classes"),
    "ordinal network": replace(
        NETWORK, task="classes", network=replace(NETWORK.network, loss="ordinal")
    ),
}
QUALITY = ("face_found", "bad_channels", "filter_edge", "streams")
RATINGS = (1.0, 3.0, 7.0, 9.0)
"""Of the recording's trials, of three seconds each."""


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    """Five subjects in whom ratings from 1 to 9 show, without video."""
    return tiny_store(
        tmp_path_factory.mktemp("tasks") / "store",
        n_subjects=5,
        n_trials=12,
        n_segments=2,
        streams=BIO,
        baseline="none",
        graded=True,
    )


@pytest.fixture(scope="module")
def bundles(store, tmp_path_factory):
    """Lend bundles of ``SETTINGS``, which nobody changes, by name."""
    made = {}

    def lend(name):
        if name not in made:
            out = tmp_path_factory.mktemp("tasks") / "model"
            asked = {"settings": SETTINGS[name], "execution": ALONE}
            made[name] = train_bundle(store.path, out, **asked)
        return made[name]

    return lend


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Signals of trials in which the ratings show, and a table of the trials."""
    folder, rng = tmp_path_factory.mktemp("tasks"), np.random.default_rng(3)
    level, unit = (
        np.concatenate([BIO_UNITS[stream][place] for stream in BIO]) for place in (0, 1)
    )
    shown = np.repeat((np.array(RATINGS) - 5) / 2, 3 * 128)
    bio = level + unit * (shown + rng.normal(0, 1, (len(CHANNELS), len(shown))))
    rows = [
        {"subject": "p", "trial": f"t{k}", "stimulus": f"c{k}"}
        | {"onset_s": 3 * k, "duration_s": 3}
        for k in range(len(RATINGS))
    ]
    return RecordingInput(
        bio=write_fif(folder / "p_raw.fif", bio, CHANNELS),
        trials=write_trials(folder / "trials.csv", rows),
    )


@pytest.fixture
def copied(bundles, tmp_path):
    """Copy a bundle, which a test may spoil."""
    return lambda name: shutil.copytree(bundles(name).path, tmp_path / "model")


def rewrite(folder, change):
    file = folder / "bundle.json"
    values = json.loads(file.read_text())
    change(values)
    file.write_text(json.dumps(values))


def list_middle(table, first, last):
    columns = list(table.columns)
    return tuple(columns[columns.index(first) + 1 : columns.index(last)])


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("rating", ("dominance",)),
        ("two ratings", ("valence", "dominance")),
        ("joint ratings", ("valence", "dominance")),
        ("joint", ("valence", "arousal", "valence_label", "arousal_label")),
        (
            "classes",
            (
                *("valence_label", "valence_probability_<=5"),
                "valence_probability_>5",
            ),
        ),
        (
            "texts",
            ("mood_label", *(f"mood_probability_{n}" for n in ("calm", "glad", "sad"))),
        ),
        (
            "quadrants",
            (
                "valence+arousal_label",
                *(
                    f"valence+arousal_probability_{name}"
                    for name in ("low-low", "low-high", "high-low", "high-high")
                ),
            ),
        ),
        ("dominance", ("dominance", "dominance_label")),
        (
            "both",
            (
                *("valence", "arousal", "valence_label", "arousal_label"),
                *("dominance", "dominance_label"),
            ),
        ),
    ],
)
def test_a_timeline_has_the_columns_of_what_is_predicted(
    bundles, recording, name, columns
):
    made = predict(bundles(name).path, recording)

    assert list_middle(made.table, "time_s", "face_found") == columns
    assert tuple(made.table.columns) == ("time_s", *columns, *QUALITY, "trial")
    assert list_middle(made.trials, "onset_s", "n_seconds") == columns
    assert made.table["streams"].tolist() == ["bio"] * 12
    assert set(TIMELINE_COLUMNS).issuperset(QUALITY)
    assert set(TRIAL_COLUMNS).issuperset(("trial", "onset_s", "n_seconds"))


def test_one_network_of_a_bundle_answers_each_target(bundles, recording):
    bundle = bundles("joint")

    assert bundle.networks == (("valence+arousal", "bio"), ("valence+arousal", "eeg"))
    assert [path.name for path in (bundle.path / "networks").iterdir()] == [
        "valence+arousal"
    ]
    joint = load_network(bundle.path / "networks" / "valence+arousal" / "bio")
    rows = hold({s: np.ones((3, len(BIO_UNITS[s][0]), 128), np.float32) for s in BIO})
    both = joint.score(rows)
    for place, target in enumerate(("valence", "arousal")):
        one = bundle.load(target, "bio")
        np.testing.assert_allclose(one.score(rows), both[:, place], atol=1e-6)
    made = predict(bundle.path, recording).table
    assert not np.allclose(made["valence"], made["arousal"])


def test_a_bundle_and_its_card_say_what_was_trained_together(bundles):
    bundle = bundles("joint")
    card = (bundle.path / "README.md").read_text()

    assert "One network a stream set answers valence+arousal" in card
    assert "| arousal | eeg | 5 |" in card
    assert "valence from bio (trained with arousal): " in bundle.lines()[1]
    values = json.loads((bundle.path / "bundle.json").read_text())
    others = [item["trained_with"] for item in values["networks"]]
    assert others == ["arousal", "valence"] * 2


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ("dominance", "trained with dominance, which is no target"),
        ("valence", "training.targets is valence.arousal"),
    ],
)
def test_targets_that_were_not_trained_together_are_refused(copied, others, said):
    folder = copied("joint")
    rewrite(folder, lambda values: values["networks"][0].update(trained_with=others))

    with pytest.raises(UserError, match=said):
        load_bundle(folder)


def test_a_network_of_fewer_targets_than_its_bundle_says_is_refused(copied, bundles):
    folder = copied("joint")
    inside = folder / "networks" / "valence+arousal" / "bio"
    shutil.rmtree(inside)
    other = bundles("rating network").path / "networks" / "dominance" / "bio"
    shutil.copytree(other, inside)

    with pytest.raises(UserError, match=r"arousal/bio: .* predicts 1 target, but"):
        load_bundle(folder).load("valence", "bio")


def test_a_joint_bundle_is_scored_as_evaluate_scores_each_target(store, tmp_path):
    settings = replace(SETTINGS["joint ratings"], cross_validate=True)
    made = train_bundle(
        store.path, tmp_path / "model", settings=settings, execution=ALONE
    )
    asked = EvaluateSettings(
        protocols=("subject",),
        targets=settings.targets,
        task=settings.task,
        streams=settings.streams,
        baseline="none",
        folds=5,
        permutations=0,
        network=settings.network,
    )
    evaluate(store.path, tmp_path / "run", settings=asked, execution=ALONE)

    said = open_run(tmp_path / "run").predictions
    said = said[said["learner"] == "network"]
    for answer in made.answers:
        mine = measure(said[said["target"] == answer.target], "trial")
        for metric, score in answer.validation.scores.items():
            assert score == pytest.approx(mine[metric].mean, abs=1e-5)
    assert load_bundle(made.path) == made


@pytest.mark.parametrize("name", ["rating", "rating network"])
def test_a_rating_is_on_its_scale_and_that_of_a_trial_is_the_mean(
    bundles, recording, name
):
    made = predict(bundles(name).path, recording)

    rated = made.trials["dominance"].to_numpy()
    means = made.table.groupby("trial")["dominance"].mean().to_numpy()
    np.testing.assert_allclose(rated, means)
    assert np.corrcoef(rated, RATINGS)[0, 1] > 0.9
    if name == "rating":
        np.testing.assert_allclose(rated, RATINGS, atol=1.5)


def test_classes_are_said_by_name_and_by_their_probabilities(bundles, recording):
    made = predict(bundles("texts").path, recording)

    for table in (made.table, made.trials):
        shares = table.filter(like="mood_probability_")
        np.testing.assert_allclose(shares.sum(axis=1), 1.0)
        likeliest = shares.idxmax(axis=1).str.removeprefix("mood_probability_")
        assert table["mood_label"].tolist() == likeliest.tolist()
    assert made.trials["mood_label"].tolist() == ["sad", "sad", "glad", "glad"]
    means = made.table.groupby("trial")["mood_probability_glad"].mean()
    np.testing.assert_allclose(made.trials["mood_probability_glad"], means)


def test_quadrants_say_both_ratings_of_one_trial(bundles, recording):
    labels = predict(bundles("quadrants").path, recording).trials[
        "valence+arousal_label"
    ]

    high = [label.startswith("high-") for label in labels]
    assert high == [False, False, True, True]  # of valence, which shows


def test_a_written_timeline_reads_back(bundles, recording, tmp_path):
    made = predict(bundles("classes").path, recording)

    first, second = made.write(tmp_path / "timeline.csv")

    assert pd.read_csv(first)["valence_label"].tolist()[-1] == ">5"
    assert set(pd.read_csv(second)["valence_label"]) == {"<=5", ">5"}


def test_what_no_network_answers_is_empty(bundles, tmp_path):
    bio = np.zeros((len(CHANNELS), 3 * 128))  # flat, so all channels are bad
    path = write_fif(tmp_path / "flat_raw.fif", bio, CHANNELS)

    for name in ("rating", "texts"):
        table = predict(bundles(name).path, RecordingInput(bio=path)).table
        middle = list(list_middle(table, "time_s", "face_found"))
        assert table[middle].isna().all(axis=None)
        assert set(table["streams"]) == {""}


@pytest.mark.parametrize(
    ("settings", "headline"),
    [(RATED, "ccc"), (replace(QUICK, task="quadrants"), "balanced_accuracy")],
    ids=["rating", "quadrants"],
)
def test_a_bundle_is_scored_as_evaluate_scores_its_protocol(
    store, tmp_path, settings, headline
):
    settings = replace(settings, cross_validate=True)
    if settings.task == "quadrants":
        settings = replace(settings, targets=("valence+arousal",))
    made = train_bundle(
        store.path, tmp_path / "model", settings=settings, execution=ALONE
    )
    asked = EvaluateSettings(
        protocols=("subject",),
        targets=settings.targets,
        task=settings.task,
        streams=settings.streams,
        learners=(settings.learner,),
        baseline="none",
        folds=5,
        permutations=0,
        network=settings.network,
    )
    evaluate(store.path, tmp_path / "run", settings=asked, execution=ALONE)

    scored = open_run(tmp_path / "run").predictions
    mine = measure(scored[scored["learner"] == settings.learner], "trial")

    (answer,) = made.answers
    assert answer.validation.protocol == "subject"
    assert (answer.validation.n_trials, answer.validation.n_subjects) == (60, 5)
    assert set(answer.validation.scores) == set(mine)
    for metric, score in answer.validation.scores.items():
        assert score == pytest.approx(mine[metric].mean)
    assert answer.validation.chance == {"ccc": 0, "balanced_accuracy": 0.25}[headline]
    assert answer.validation.share_high is None
    assert answer.validation.segment is answer.validation.trial is None
    value = answer.validation.scores[headline]
    assert f"{value:.2f} (chance " in made.lines()[1]
    card = (made.path / "README.md").read_text()
    assert f"| subject | 60 | {value:.2f} |" in card
    assert "What its probabilities are worth" not in card
    assert load_bundle(made.path) == made


@pytest.mark.parametrize("name", ["rating", "texts", "classes", "rating network"])
def test_a_card_says_its_task_and_nothing_of_high(bundles, name):
    made = bundles(name)
    card = (made.path / "README.md").read_text()

    assert "high" not in " ".join([card, *made.lines()])
    assert "calibrated" not in card
    assert f"task {made.task}" in made.lines()[0]
    assert "never scored" in made.lines()[1]
    if made.task == "rating":
        assert "it gives a **self-rating**" in card
        assert "(1 to 9)" in card
    else:
        assert "of **each of the classes**" in card
    if name == "texts":
        assert "| calm: 10, glad: 25, sad: 25 | 120 | texts | - |" in card


def test_a_bundle_says_the_goal_of_each_network(bundles):
    values = json.loads((bundles("texts").path / "bundle.json").read_text())
    usual = json.loads((bundles("dominance").path / "bundle.json").read_text())

    assert values["networks"][0]["goal"] == {
        "kind": "classes",
        "classes": ["calm", "glad", "sad"],
        "is_ordered": False,
    }
    assert values["networks"][0]["answers"][0]["calibration"] is None
    assert "goal" not in usual["networks"][0]
    assert bundles("dominance").goals == {"dominance": HIGH_OR_LOW}
    assert bundles("rating").goals == {"dominance": Goal("rating")}
    assert bundles("classes network").goals["valence"].is_ordered


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda v: v["networks"][0]["goal"].update(kind="high-low"),
            "networks[0].goal.kind: needs one of classes, rating",
        ),
        (
            lambda v: v["networks"][0]["goal"].update(classes=["a"]),
            "networks[0].goal.classes: needs 2 to 20, got 1",
        ),
        (
            lambda v: v["networks"][0]["goal"].update(classes=["a", "a"]),
            "networks[0].goal.classes: two classes have one name",
        ),
        (
            lambda v: v["networks"][0]["goal"].update(classes=["a", "\x1b[2J"]),
            "networks[0].goal.classes: needs a name, got",
        ),
        (
            lambda v: v["networks"][0]["goal"].update(kind="rating"),
            "networks[0].goal.classes: a rating has none",
        ),
        (lambda v: v["networks"][0].pop("goal"), "calibration"),
        (lambda v: v["training"].update(task="rating"), "mood is classes, training"),
        (lambda v: v["training"].update(task="traces"), "training.task: needs one of"),
        (lambda v: v["networks"][0].update(target="time_s/.."), "targets: needs lett"),
        (lambda v: v["networks"].append(dict(v["networks"][0])), None),
        (
            lambda v: v["networks"].append(
                {
                    **v["networks"][0],
                    "goal": {"kind": "classes", "classes": ["a", "b"]}
                    | {"is_ordered": False},
                }
            ),
            "networks: mood has two goals",
        ),
        (
            lambda v: v["networks"][0]["answers"][0].update(validation={}),
            "validation.protocol: is missing",
        ),
    ],
)
def test_a_goal_that_is_none_is_refused(copied, change, said):
    path = copied("texts")
    rewrite(path, change)

    if said is None:
        load_bundle(path)
        return
    with pytest.raises(UserError) as caught:
        load_bundle(path)

    assert "bundle.json: not a whole bundle: " in str(caught.value)
    assert said in str(caught.value)


def test_a_target_that_a_timeline_cannot_name_is_refused(copied):
    path = copied("rating")
    rewrite(path, lambda v: v["networks"][0].update(target="time_s"))

    with pytest.raises(UserError, match="two columns of one name: time_s"):
        load_bundle(path)


@pytest.mark.parametrize("name", ["texts", "classes network"])
def test_a_learner_of_another_goal_than_its_bundle_ends_in_a_sentence(
    copied, recording, name
):
    path = copied(name)
    goal = {"kind": "classes", "classes": ["a", "b"], "is_ordered": False}
    rewrite(path, lambda v: v["networks"][0].update(goal=goal))

    with pytest.raises(UserError, match="the fitted learner predicts"):
        predict(path, recording)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"task": "high-low"}, "task is 'rating' there, got 'high-low'"),
        ({"task": "classes"}, "task is 'rating' there, got 'classes'"),
        ({"targets": ("valence",)}, "targets is ['dominance'] there, got ['valence']"),
    ],
)
def test_a_bundle_of_one_task_is_not_made_into_another(bundles, store, change, said):
    made = bundles("rating network")
    before = (made.path / "bundle.json").read_bytes()
    asked = replace(SETTINGS["rating network"], **change)

    with pytest.raises(UserError) as caught:
        train_bundle(store.path, made.path, settings=asked, execution=ALONE)

    assert "this bundle was made with other settings" in str(caught.value)
    assert said in str(caught.value)
    assert (made.path / "bundle.json").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--task rating --learner bandpower-nb", "cannot do task rating; those"),
        ("--task quadrants --target valence", "quadrants takes exactly two targets"),
        ("--task rating --target liking", "unknown target 'liking'"),
        ("--target mood", "mood holds texts (calm, glad, sad)"),
        ("--task classes --classes 4", "needs 2 to 20 classes"),
        ("--task quadrants --loss ordinal", "--loss: ordinal needs classes that have"),
        ("--task trace", "trace"),
    ],
)
def test_what_cannot_be_trained_ends_in_a_sentence(
    store, tmp_path, capsys, options, said
):
    given = ("train", store.path, "--out", tmp_path / "m", "--streams", "bio")

    assert main([*map(str, given), *options.split()]) == 2

    assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "m").exists()


def test_the_command_trains_and_asks_a_task(store, recording, tmp_path, capsys):
    model, out = tmp_path / "m", tmp_path / "t.csv"
    options = "--streams bio --learner bandpower-nb --task classes --classes <4,4-6,>6"
    asked = ["train", store.path, "--out", model, *options.split()]
    asked += ["--target", "dominance", "--no-cross-validate"]

    assert main(list(map(str, asked))) == 0
    said = capsys.readouterr().out
    assert "dominance from bio: which of <4, 4-6, >6, never scored" in said
    asked = ["predict", model, "--bio", recording.bio, "--out", out]
    assert main(list(map(str, asked))) == 0

    assert set(pd.read_csv(out)["dominance_label"]) <= {"<4", "4-6", ">6"}


@pytest.mark.parametrize(
    "name", ["rating network", "classes network", "ordinal network", "joint ratings"]
)
def test_parts_of_streams_and_channels_add_up_alike(bundles, recording, tmp_path, name):
    made = explain(bundles(name).path, recording, tmp_path / "out")

    target = bundles(name).targets[0]
    by_stream, by_channel = (
        parts[parts["target"] == target].groupby("time_s")["attribution"].sum()
        for parts in (made.streams, made.channels)
    )
    assert by_stream.abs().max() > 0
    np.testing.assert_allclose(by_stream, by_channel, atol=0.05, rtol=0.05)
    table = predict(bundles(name).path, recording).table
    picture = (tmp_path / "out" / f"streams-{target}.svg").read_text()
    if SETTINGS[name].task == "rating":
        assert "up means a higher rating" in picture
        said = table[target].to_numpy()
    else:
        assert "up means the likeliest class" in picture
        shares = table.filter(like="_probability_").to_numpy()
        said = logit(shares.max(axis=1))
    # what is divided is the distance from one prediction, of nothing known
    labels = table.get(f"{target}_label", pd.Series([""] * len(said)))
    for _, rows in pd.DataFrame({"d": said - by_stream.to_numpy()}).groupby(labels):
        np.testing.assert_allclose(rows["d"], rows["d"].iloc[0], atol=1e-3)


def test_a_learner_without_gradients_is_explained_in_its_rating(
    bundles, recording, tmp_path
):
    made = explain(bundles("rating").path, recording, tmp_path / "out")

    said = predict(bundles("rating").path, recording).table["dominance"].to_numpy()
    by_stream = made.streams.groupby("time_s")["attribution"].sum().to_numpy()
    assert np.ptp(said - by_stream) < 1e-6
    assert any("the rating of bandpower-ridge falls" in note for note in made.notes)


def test_too_few_trials_for_a_score_within_subjects_are_no_reason_to_stop(
    tiny_store, tmp_path
):
    few = tiny_store(
        tmp_path / "store", n_subjects=3, n_trials=4, streams=BIO, graded=True
    )
    settings = replace(RATED, cross_validate=True, baseline=None)

    made = train_bundle(few.path, tmp_path / "m", settings=settings, execution=ALONE)

    assert made.answers[0].validation.scores["ccc"] is None
    assert made.answers[0].validation.scores["pooled_ccc"] > 0.5
    assert "CCC unknown (no subject has 10 trials and 3" in made.lines()[1]
    assert "count in the pooled scores only" in (made.path / "README.md").read_text()


def test_every_task_is_tested_here():
    # bundles of ratings that move are tested in evaluation/test_traces.py
    asked = {settings.task for settings in SETTINGS.values()}
    assert asked == set(TASKS) - {"trace"}
