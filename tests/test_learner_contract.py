"""One contract for all learners: fitted, saved, loaded by name, asked again."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepvanet.bundle import load_bundle, train_bundle
from deepvanet.cli import main
from deepvanet.config import Execution, NetworkSettings, Segmenting, TrainSettings
from deepvanet.explanation import explain
from deepvanet.inference import RecordingInput, predict
from deepvanet.learners import LEARNERS, PRIORS
from deepvanet.learners.fusion_rules import RULES
from deepvanet.learners.making import find_learner, load_learner
from deepvanet.plugins import find_plugins
from deepvanet.schema import STREAM_SETS, Stream, Target, UserError
from deepvanet.store import open_store
from portraits import video_of
from segment_blocks import shorten_trials
from small_store import hold, rate, take_rows

ALONE = Execution()
QUICK = NetworkSettings(epochs=1, batch_size=8, precision="float32", size="small")
FITTED = [name for name in LEARNERS if name not in PRIORS]
WRITTEN = {"network": "learner.json", "decision-fusion": "fusion.json"}


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    path = tmp_path_factory.mktemp("contract") / "store"
    return tiny_store(path, n_subjects=3, n_trials=6, n_segments=3, images=(2, 24))


def fit(store, name, settings=QUICK):
    """Fit on two subjects; return that, and the rows of the third."""
    learner = find_learner(name)(settings, 0)
    known = set(learner.traits.stream_sets).intersection(STREAM_SETS)
    widest = max(known, key=lambda name: len(STREAM_SETS[name]))
    rows = take_rows(store, STREAM_SETS[widest])
    if "high-low" not in learner.traits.goals:
        rows = rate(rows)
    first = rows.table["subject"].isin(["01", "02"]).to_numpy()
    return learner.fit(rows.take(first)), rows.take(~first)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*FITTED, "network:4x8"])
def test_a_loaded_learner_scores_rows_and_recordings_as_the_fitted_one(
    store, name, tmp_path
):
    fitted, test = fit(store, name)
    trial = test.take(test.trial == 0)
    fitted.save(tmp_path / "fitted")

    rows = load_learner(name, tmp_path / "fitted").score(trial)
    recording = load_learner(name, tmp_path / "fitted").score(
        hold({stream: trial.read(stream) for stream in trial.streams})
    )

    wanted = fitted.score(trial)
    assert rows.tobytes() == wanted.tobytes()
    assert recording.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("normalise", ["none", "subject"])
@pytest.mark.parametrize(
    "name", ["bandpower-logistic", "bandpower-ridge", "trial-logistic", "riemann"]
)
def test_rows_of_several_lengths_are_scored_as_each_of_them_alone(
    store, name, normalise, tmp_path
):
    path = shorten_trials(store.path, tmp_path / "store", [3, 2, 2.5])
    whole = open_store(path).cut(Segmenting("trial"))
    settings = replace(QUICK, normalise=normalise)
    fitted, _ = fit(whole, name, settings)
    known = take_rows(whole, STREAM_SETS["eeg" if name == "riemann" else "bio"])
    known = known.take(known.table["subject"].isin(["01", "02"]).to_numpy())

    scores = fitted.score(known)

    alone = [fitted.score(known.take(np.array([row])))[0] for row in range(len(known))]
    assert len(set(known.table["duration_s"])) == 3
    np.testing.assert_allclose(scores, alone, rtol=1e-9)
    assert find_learner(name)(settings, 0).traits.reads_any_length


@pytest.mark.parametrize("name", ["eegnet", "bandpower-nb", "riemann"])
def test_a_loaded_learner_compares_within_subjects_as_the_fitted_one(
    store, name, tmp_path
):
    settings = NetworkSettings(epochs=1, batch_size=8, normalise="subject")
    fitted, test = fit(store, name, settings)
    fitted.save(tmp_path / "fitted")

    loaded = load_learner(name, tmp_path / "fitted")

    assert loaded.score(test).tobytes() == fitted.score(test).tobytes()


@pytest.mark.parametrize("name", FITTED)
def test_what_another_format_holds_is_not_loaded(store, name, tmp_path):
    fitted, _ = fit(store, name)
    fitted.save(tmp_path / "fitted")
    file = tmp_path / "fitted" / WRITTEN.get(name.partition(":")[0], "learner.json")
    values = json.loads(file.read_text())
    file.write_text(json.dumps({**values, "format": "deepvanet-other-7"}))

    with pytest.raises(UserError, match=r"json: not a saved learner: its format is"):
        load_learner(name, tmp_path / "fitted")


def test_the_table_names_every_rule_of_fusion_and_every_prior():
    fusions = [n.partition(":")[2] for n in LEARNERS if n.startswith("decision-")]

    assert fusions == [*RULES, "adaboost-published"]
    assert tuple(n for n, r in LEARNERS.items() if r.kind == "prior") == PRIORS
    assert [n for n, r in LEARNERS.items() if not r.loader] == list(PRIORS)
    with pytest.raises(UserError, match="learner majority: reads no signal, so"):
        load_learner("majority", Path("nowhere"))


def test_the_table_is_read_without_array_libraries():
    code = (
        "import sys; from deepvanet.learners import find_record, list_learners;"
        "find_record(list_learners()[0]);"
        "sys.exit(bool({'numpy', 'torch', 'sklearn'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def train(store, out, learner, streams=("face", "eeg", "bio"), **options):
    settings = TrainSettings(
        targets=("valence",),
        streams=streams,
        learner=learner,
        network=QUICK,
        **options,
    )
    return train_bundle(store, out, settings=settings, execution=ALONE)


@pytest.fixture(scope="module")
def recording(filmed_deap):
    bio = filmed_deap / "data_preprocessed_python" / "s01.dat"
    return {"video": video_of(filmed_deap, 1, 1), "bio": bio, "trial": "1"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "learner", ["bandpower-logistic", "trial-logistic", "riemann", "eegnet"]
)
def test_a_bundle_of_any_learner_predicts_and_explains(
    filmed_store, recording, learner, tmp_path
):
    bundle = train(filmed_store, tmp_path / "model", learner)
    biggest = "eeg" if learner in ("riemann", "eegnet") else "bio"

    table = predict(bundle.path, RecordingInput(**recording)).table
    made = explain(bundle.path, RecordingInput(**recording), tmp_path / "out")

    assert bundle.learner == learner
    assert set(bundle.stream_sets) <= {"eeg", "bio"}
    assert set(table["streams"]) == {biggest}
    assert table["valence"].between(0, 1).all()
    assert (table["valence"].nunique() == 1) == (learner == "trial-logistic")
    streams = {str(stream) for stream in STREAM_SETS[biggest]}
    assert set(made.streams["stream"]) == streams
    assert not made.streams["attribution"].isna().any()
    if learner == "riemann":
        assert made.channels.empty
        assert "channels are not explained: riemann reads them together" in made.notes
    else:
        assert set(made.channels["stream"]) == streams
    assert f"Learner `{learner}`: it " in (bundle.path / "README.md").read_text()


def test_what_streams_add_sums_to_the_distance_from_nothing_known(
    filmed_store, recording, tmp_path
):
    bundle = train(filmed_store, tmp_path / "model", "bandpower-logistic", ("bio",))
    fitted = bundle.load(Target.VALENCE, "bio")
    table = predict(bundle.path, RecordingInput(**recording)).table

    made = explain(bundle.path, RecordingInput(**recording), tmp_path / "out")

    # features of nothing known are the medians that missing ones are filled with
    numbers = fitted.numbers
    middle = (numbers["fill"] - numbers["center"]) / numbers["spread"]
    nothing = middle @ numbers["weight"] + numbers["bias"][0]
    score = table["valence"].to_numpy()
    total = made.streams.groupby("time_s")["attribution"].sum().to_numpy()
    np.testing.assert_allclose(total, np.log(score / (1 - score)) - nothing, atol=1e-6)


@pytest.mark.slow
def test_what_the_members_of_a_fusion_said_is_shared_out(
    filmed_store, recording, tmp_path
):
    fusion = "decision-fusion:mean-logit"
    bundle = train(filmed_store, tmp_path / "model", fusion, ("face+eeg",))
    table = predict(bundle.path, RecordingInput(**recording)).table.set_index("time_s")

    made = explain(bundle.path, RecordingInput(**recording), tmp_path / "out")

    assert set(made.streams["stream"]) == {"face", "eeg"}
    assert f"no map of the face: {fusion} has no gradients" in made.notes
    total = made.streams.groupby("time_s")["attribution"].sum()
    score = table["valence"][total.index]
    # all seconds are told from the same nothing known
    nothing = np.log(score / (1 - score)) - total
    np.testing.assert_allclose(nothing, nothing.mean(), atol=1e-6)


def test_folds_of_a_learner_without_epochs_calibrate_its_bundle(store, tmp_path):
    bundle = train(
        store.path, tmp_path / "model", "bandpower-nb", ("eeg",), cross_validate=True
    )

    answer = bundle.find(Target.VALENCE, "eeg")
    assert answer.plan == {}
    assert answer.context == "segment"
    assert answer.validation.n_trials == 18
    assert load_bundle(bundle.path).find(Target.VALENCE, "eeg") == answer
    assert "(protocol trial-pooled); high is above" in answer.line()


def test_members_of_a_fusion_are_trained_for_the_steps_that_folds_chose(
    store, tmp_path
):
    bundle = train(
        store.path,
        tmp_path / "model",
        "decision-fusion:mean-logit",
        ("face+eeg",),
        cross_validate=True,
    )

    assert set(bundle.answers[0].plan) == {"face_steps", "bio_steps"}
    rows = take_rows(store, (Stream.FACE, Stream.EEG))
    assert bundle.load(Target.VALENCE, "face+eeg").score(rows).shape == (len(rows),)


@pytest.mark.parametrize(
    ("learner", "streams", "message"),
    [
        ("majority", "bio", "learner majority: reads no signal, so it makes no bundle"),
        (
            "decision-fusion:adaboost-published",
            "face+bio",
            "goes on learning from what it scores, so it makes no bundle",
        ),
        ("eegnet", "face", "learner eegnet: reads eeg, got streams face"),
        ("bandpowers", "bio", "unknown learner 'bandpowers', did you mean"),
    ],
)
def test_what_makes_no_bundle_is_said(
    store, tmp_path, capsys, learner, streams, message
):
    command = ["train", str(store.path), "--out", str(tmp_path / "model")]

    status = main([*command, "--learner", learner, "--streams", streams])

    assert status == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_a_learner_of_another_package_trains_predicts_and_explains(
    filmed_store, recording, tmp_path, monkeypatch
):
    home = tmp_path / "site"
    (home / "bright-1.dist-info").mkdir(parents=True)
    page = (Path(__file__).parents[1] / "docs" / "learners.md").read_text()
    code, points = re.findall(r"```(?:python|toml)\n(.*?)```", page, re.S)
    (home / "bright.py").write_text(code)
    (home / "bright-1.dist-info" / "METADATA").write_text("Name: bright\nVersion: 1\n")
    points = re.sub(r'project\.entry-points\.|"', "", points)
    (home / "bright-1.dist-info" / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(home)
    find_plugins.cache_clear()
    try:
        bundle = train(filmed_store, tmp_path / "model", "brightness", ("face",))
        table = predict(bundle.path, RecordingInput(**recording)).table
        made = explain(bundle.path, RecordingInput(**recording), tmp_path / "out")
    finally:
        monkeypatch.undo()
        find_plugins.cache_clear()

    seen = table[table["streams"] == "face"]
    assert seen["valence"].between(0, 1).all()
    assert set(made.streams["stream"]) == {"face"}
    assert "no map of the face: brightness has no gradients" in made.notes
    with pytest.raises(UserError, match="unknown learner 'brightness'"):
        find_learner("brightness")
