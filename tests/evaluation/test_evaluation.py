"""Tests of :mod:`deepvanet.evaluation`."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from deepvanet import results
from deepvanet.config import EvaluateSettings, Execution, NetworkSettings
from deepvanet.evaluation import evaluate
from deepvanet.learners.network import NetworkLearner
from deepvanet.protocols import PROTOCOLS
from deepvanet.protocols.folds import cut_folds
from deepvanet.schema import Stream, UserError
from segment_blocks import rewrite_trials
from small_store import take_rows

QUICK = EvaluateSettings(
    protocols=("paper", "trial"),
    targets=("valence",),
    streams=("bio",),
    folds=3,
    network=NetworkSettings(epochs=2, batch_size=16),
)
ALONE = Execution()


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    """Three subjects of eight trials; subject 03 has no video."""
    return tiny_store(
        tmp_path_factory.mktemp("evaluation") / "store",
        n_subjects=3,
        n_trials=8,
        n_segments=3,
        without_face=["03"],
    )


@pytest.fixture(scope="module")
def run(store, tmp_path_factory):
    """A finished run of ``QUICK``."""
    out = tmp_path_factory.mktemp("evaluation") / "run"
    evaluate(store.path, out, settings=QUICK, execution=ALONE)
    return out


def test_every_learner_scores_every_row_once_under_every_protocol(run, store):
    predictions = results.read_predictions(run / "predictions.csv")

    keys = ["protocol", "learner"]
    counts = predictions.groupby(keys).size()
    learners = {
        "network",
        "majority",
        "subject-prior",
        "stimulus-prior",
        "additive-prior",
    }
    assert set(counts.index) == {(p, x) for p in ("paper", "trial") for x in learners}
    assert set(counts) == {len(store.table)}
    assert not predictions.duplicated([*keys, "subject", "trial", "segment"]).any()
    assert predictions["score"].between(0, 1).all()


def test_what_was_shared_is_written_for_every_fold(run):
    parts = results.read_leakage(run / "leakage.json")["parts"]

    said = {part["protocol"]: part for part in parts if part["learner"] == "network"}
    assert said["paper"]["leaks"] == "trial"
    assert all(fold["shared_trials"] > 0 for fold in said["paper"]["folds"])
    assert said["trial"]["leaks"] == "none"
    assert said["trial"]["shares"] == "subject"
    assert all(fold["shared_trials"] == 0 for fold in said["trial"]["folds"])


def test_segments_csv_tells_what_each_row_did_in_each_fold(run):
    table = results.open_run(run).segments
    predictions = results.read_predictions(run / "predictions.csv")

    tested = table["folds"].str.index("E").to_numpy()
    key = ["protocol", "subject", "trial", "segment"]
    network = predictions[predictions["learner"] == "network"]
    merged = table.assign(fold_tested=tested).merge(network, on=key)
    assert (merged["fold_tested"] == merged["fold"]).all()
    assert set(table.loc[table["protocol"] == "trial", "folds"].map(sorted).map(str))
    assert set("".join(table["folds"])) == {"R", "E"}  # six trials choose nothing


def test_a_finished_run_is_not_trained_again(run, store):
    before = {path: path.stat().st_mtime_ns for path in (run / "fits").iterdir()}

    again = evaluate(store.path, run, settings=QUICK, execution=ALONE)

    after = {path: path.stat().st_mtime_ns for path in (run / "fits").iterdir()}
    assert after == before
    assert again.n_fits == again.n_fits_before


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_predictions_are_the_same_bytes_whatever_the_jobs(run, store, tmp_path, jobs):
    evaluate(store.path, tmp_path / "run", settings=QUICK, execution=Execution(jobs))

    again = (tmp_path / "run" / "predictions.csv").read_bytes()
    assert again == (run / "predictions.csv").read_bytes()


@pytest.mark.slow
def test_what_was_interrupted_goes_on_to_the_same_predictions(run, store, tmp_path):
    out = tmp_path / "run"
    evaluate(store.path, out, settings=QUICK, execution=ALONE)
    fits = sorted((out / "fits").iterdir())
    for path in [*fits[::3], out / "predictions.csv"]:
        path.unlink()
    (out / "fits" / ".left.npz.999999999.tmp").write_bytes(b"half")

    again = evaluate(store.path, out, settings=QUICK, execution=ALONE)

    assert 0 < again.n_fits_before < again.n_fits
    assert (out / "predictions.csv").read_bytes() == (
        run / "predictions.csv"
    ).read_bytes()
    assert not list(out.rglob(".left*"))


def test_another_seed_gives_other_predictions(run, store, tmp_path):
    evaluate(
        store.path,
        tmp_path / "run",
        settings=replace(QUICK, seeds=(1,)),
        execution=ALONE,
    )

    one, other = (
        results.read_predictions(path / "predictions.csv")
        for path in (run, tmp_path / "run")
    )
    assert not np.array_equal(one["score"], other["score"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "protocol", [name for name, facts in PROTOCOLS.items() if not facts.is_forward]
)
def test_each_protocol_shares_what_its_name_says(protocol, tiny_store, tmp_path):
    store = tiny_store(
        tmp_path / "store", n_subjects=6, n_trials=9, n_segments=2, n_sessions=3
    )
    settings = replace(
        QUICK, protocols=(protocol,), network=NetworkSettings(epochs=1), folds=3
    )

    evaluate(store.path, tmp_path / "run", settings=settings, execution=ALONE)

    leakage = results.read_leakage(tmp_path / "run" / "leakage.json")
    [network] = [p for p in leakage["parts"] if p["learner"] == "network"]
    assert network["leaks"] == ("+".join(PROTOCOLS[protocol].leaks) or "none")
    assert network["shares"] == ("+".join(PROTOCOLS[protocol].shares) or "none")


def test_paper_and_reference_are_the_same_fits_read_twice(store, tmp_path):
    settings = replace(
        QUICK,
        protocols=("paper", "reference"),
        network=NetworkSettings(epochs=4, batch_size=16),
    )

    made = evaluate(store.path, tmp_path / "run", settings=settings, execution=ALONE)

    history = results.open_run(tmp_path / "run").history
    per_protocol = [
        part.drop(columns=["protocol", "chosen"]).reset_index(drop=True)
        for _, part in history.groupby("protocol")
    ]
    assert made.n_fits == 3 * 3 * 5  # subjects, folds, learners: not twice that
    pd.testing.assert_frame_equal(*per_protocol)
    chosen = history[history["chosen"] == 1].groupby("protocol")["epoch"]
    assert set(chosen.get_group("paper")) == {4}
    fits = ["subject", "fold"]
    best = history[history["protocol"] == "reference"].groupby(fits)["watched_accuracy"]
    picked = history[(history["protocol"] == "reference") & (history["chosen"] == 1)]
    assert picked.set_index(fits)["watched_accuracy"].eq(best.max()).all()


@pytest.fixture(scope="module")
def choosing(tiny_store, tmp_path_factory):
    """A store of one subject, and a run whose folds can choose an epoch."""
    folder = tmp_path_factory.mktemp("choosing")
    store = tiny_store(folder / "store", n_subjects=1, n_trials=30, n_segments=2)
    settings = replace(
        QUICK,
        protocols=("paper", "trial-matched", "trial"),
        network=NetworkSettings(epochs=3, batch_size=8, precision="float32"),
    )
    evaluate(store.path, folder / "run", settings=settings, execution=ALONE)
    return store, results.open_run(folder / "run"), settings


def test_validated_rows_train_in_the_end_and_segments_csv_says_so(choosing):
    _, run, _ = choosing

    spelled = run.segments.groupby("protocol")["folds"].agg("".join)

    assert set(spelled["paper"]) == {"R", "E"}
    assert set(spelled["trial"]) == {"R", "W", "E"}
    assert set(spelled["trial-matched"]) <= {"R", "E", "-"}
    parts = run.leakage["parts"]
    [honest] = [
        part
        for part in parts
        if (part["protocol"], part["learner"]) == ("trial", "network")
    ]
    for fold in honest["folds"]:
        assert fold["epoch_chosen_on"] == "validation"
        assert fold["n_train"] == fold["n_first"] + fold["n_validation"] == 40
        assert fold["n_validation"] == 16


def check_fold(run, protocol, fold, rows, network):
    """Compare what a run says of a fold with a fit by hand."""
    fitted = NetworkLearner(network, seed=0).fit(rows.take(fold.train))
    mine = run.predictions[
        run.predictions["protocol"].eq(protocol)
        & run.predictions["learner"].eq("network")
        & run.predictions["fold"].eq(fold.number)
    ]
    score = fitted.score(rows.take(fold.test))
    np.testing.assert_allclose(mine["score"], score, rtol=1e-6)


def test_the_honest_score_is_that_of_a_fit_on_all_other_trials_for_the_chosen_steps(
    choosing,
):
    """Oracle: fit by hand for as many steps as history.csv says were chosen."""
    store, run, settings = choosing
    chosen = run.history[run.history["protocol"].eq("trial") & run.history["chosen"]]
    rows = take_rows(store, (Stream.EEG, Stream.PERIPHERAL))
    folds = cut_folds(rows.table, rows.label, PROTOCOLS["trial"], n_folds=3)

    for fold in folds:
        epoch = int(chosen.set_index("fold").loc[fold.number, "epoch"])
        steps = epoch * -(-len(fold.first) // 8)
        network = replace(settings.network, steps=steps)
        check_fold(run, "trial", fold, rows, network)


def test_the_matched_control_takes_exactly_the_steps_of_the_published_protocol(
    choosing,
):
    store, run, settings = choosing
    rows = take_rows(store, (Stream.EEG, Stream.PERIPHERAL))
    folds, published = (
        cut_folds(rows.table, rows.label, PROTOCOLS[name], n_folds=3)
        for name in ("trial-matched", "paper")
    )

    for fold, other in zip(folds, published, strict=True):
        steps = 3 * -(-len(other.train) // 8)
        network = replace(settings.network, steps=steps, offsets="none")
        check_fold(run, "trial-matched", fold, rows, network)


@pytest.mark.parametrize(("rest", "used"), [("mean", "mean"), ("none", "none")])
def test_the_mean_is_subtracted_where_trials_have_a_baseline_and_it_is_said(
    tiny_store, tmp_path, rest, used
):
    store = tiny_store(tmp_path / "store", n_subjects=1, baseline=rest)
    settings = replace(QUICK, protocols=("trial",), learners=("majority",))

    made = evaluate(store.path, tmp_path / "run", settings=settings, execution=ALONE)

    assert made.cut == (f"segments: 1 s each 1 s, baseline: {used}",)
    asked = results.open_run(tmp_path / "run").settings["evaluate"]
    assert asked["baseline"] == used
    again = evaluate(store.path, tmp_path / "run", settings=settings, execution=ALONE)
    assert again.n_fits_before == made.n_fits


@pytest.mark.parametrize("baseline", ["mean", "waveform"])
def test_a_baseline_that_no_trial_has_is_refused(tiny_store, tmp_path, baseline):
    store = tiny_store(tmp_path / "store", n_subjects=1, baseline="none")

    with pytest.raises(UserError, match=f"baseline: {baseline} needs .* 6 of 6 trials"):
        evaluate(
            store.path,
            tmp_path / "run",
            settings=replace(QUICK, baseline=baseline),
            execution=ALONE,
        )


def test_a_subject_without_video_has_no_face_predictions_and_keeps_its_others(
    store, tmp_path
):
    settings = replace(QUICK, protocols=("trial",), streams=("face", "bio"))

    evaluate(store.path, tmp_path / "run", settings=settings, execution=ALONE)

    predictions = results.read_predictions(tmp_path / "run" / "predictions.csv")
    subjects = predictions.groupby("streams")["subject"].unique()
    assert list(subjects["face"]) == ["01", "02"]
    assert list(subjects["bio"]) == ["01", "02", "03"]


def test_a_training_part_with_one_class_gets_the_base_rate_and_is_counted(
    tiny_store, tmp_path
):
    store = tiny_store(tmp_path / "store", n_subjects=2, n_trials=6)
    rewrite_trials(store.path, "02", valence="2.0")

    made = evaluate(store.path, tmp_path / "run", settings=QUICK, execution=ALONE)

    predictions = results.read_predictions(tmp_path / "run" / "predictions.csv")
    assert made.n_one_class == 2 * 3  # two protocols, three folds
    assert (predictions.loc[predictions["subject"] == "02", "score"] == 0).all()
    assert "6 folds had one class" in " ".join(made.lines())


def test_a_store_in_which_no_subject_can_be_scored_is_refused(tiny_store, tmp_path):
    store = tiny_store(tmp_path / "store", n_subjects=1)
    rewrite_trials(store.path, "01", valence="2.0")

    with pytest.raises(UserError, match="valence does not vary"):
        evaluate(store.path, tmp_path / "run", settings=QUICK, execution=ALONE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"protocols": ("trail",)}, "unknown protocol 'trail', did you mean 'trial'"),
        ({"streams": ("faces",)}, "unknown stream 'faces', did you mean 'face'"),
        ({"learners": ("netwrk",)}, "unknown learner 'netwrk', did you mean 'network'"),
        ({"targets": ("dominance",)}, "unknown target 'dominance'"),
        ({"label_rule": "=>6"}, "unknown label rule '=>6'. Known forms: >=5"),
        ({"subjects": ("9",)}, "unknown subject '9'"),
        ({"folds": 20}, "20 folds"),
        (
            {"learners": ("decision-fusion:stacking",)},
            "streams: learner decision-fusion:stacking reads face with any of eeg, per",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_settings_that_do_not_fit_are_refused(store, tmp_path, change, message):
    settings = replace(QUICK, **change)

    with pytest.raises(UserError, match=re.escape(message)):
        evaluate(store.path, tmp_path / "run", settings=settings, execution=ALONE)

    assert not (tmp_path / "run").exists()


def test_a_stream_that_no_row_has_is_refused(tiny_store, tmp_path):
    bio = (Stream.EEG, Stream.PERIPHERAL)
    store = tiny_store(tmp_path / "store", n_subjects=1, streams=bio)
    settings = replace(QUICK, streams=("face+bio",))

    with pytest.raises(UserError, match=r"streams: no segment of .* has face\+bio"):
        evaluate(store.path, tmp_path / "run", settings=settings, execution=ALONE)


def test_a_run_of_other_settings_is_refused_and_left_alone(run, store):
    before = (run / "predictions.csv").read_bytes()
    other = replace(QUICK, network=replace(QUICK.network, epochs=3))

    with pytest.raises(UserError, match=r"other settings \(epochs is 2 there, got 3\)"):
        evaluate(store.path, run, settings=other, execution=ALONE)

    assert (run / "predictions.csv").read_bytes() == before


def test_an_out_that_is_a_file_is_refused(store, tmp_path):
    (tmp_path / "run").touch()

    with pytest.raises(UserError, match="is a file, not a folder"):
        evaluate(store.path, tmp_path / "run", settings=QUICK, execution=ALONE)


def test_the_baseline_s_mark_is_noted(run):
    notes = json.loads((run / "leakage.json").read_text())["notes"]

    assert "it marks the trial" in notes[0]


def test_a_shared_person_leaks_where_each_person_has_one_label(tiny_store, tmp_path):
    store = tiny_store(
        tmp_path / "store", n_subjects=6, n_trials=3, n_segments=1, personal=True
    )
    settings = replace(
        QUICK, protocols=("trial", "trial-pooled", "subject"), learners=("majority",)
    )

    evaluate(store.path, tmp_path / "run", settings=settings, execution=ALONE)

    parts = results.read_leakage(tmp_path / "run" / "leakage.json")["parts"]
    said = {p["protocol"]: p for p in parts if p["learner"] == "majority"}
    leaks = {name: part["leaks"] for name, part in said.items()}
    assert leaks == {"trial": "subject", "trial-pooled": "subject", "subject": "none"}
    assert "each subject has one label" in said["trial"]["statement"]
    assert "each subject has one label" not in said["subject"]["statement"]


@pytest.fixture(scope="module")
def unmixed_store(tiny_store, tmp_path_factory):
    """Subjects whose trials lie in one recording each, whose EEG was unmixed."""
    folder = tmp_path_factory.mktemp("unmixed") / "store"
    options = {"artefacts": "icalabel", "in_one_recording": True}
    return tiny_store(folder, n_subjects=4, n_trials=8, n_segments=2, **options)


def find_leaks_of(store, out, protocol, *, learner="network", streams="bio"):
    settings = replace(QUICK, protocols=(protocol,), streams=(streams,))
    evaluate(store.path, out, settings=settings, execution=ALONE)
    said = results.read_leakage(out / "leakage.json")
    (part,) = (part for part in said["parts"] if part["learner"] == learner)
    return part["leaks"], said["notes"]


def test_unmixing_a_recording_of_both_training_and_test_leaks(unmixed_store, tmp_path):
    leaks, notes = find_leaks_of(unmixed_store, tmp_path / "run", "trial")

    assert leaks == "unlabelled"
    assert any("ICA" in note for note in notes)


def test_unmixing_does_not_leak_where_no_recording_is_on_both_sides(
    unmixed_store, tmp_path
):
    assert find_leaks_of(unmixed_store, tmp_path / "run", "subject")[0] == "none"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("learner", "streams"), [("majority", "bio"), ("network", "peripheral")]
)
def test_what_reads_no_eeg_is_not_touched_by_unmixing(
    unmixed_store, tmp_path, learner, streams
):
    out = tmp_path / "run"

    leaks, _ = find_leaks_of(
        unmixed_store, out, "trial", learner=learner, streams=streams
    )

    assert leaks == "none"


def test_a_recording_that_was_not_unmixed_leaks_nothing(tiny_store, tmp_path):
    store = tiny_store(tmp_path / "store", n_trials=8, in_one_recording=True)

    assert find_leaks_of(store, tmp_path / "run", "trial")[0] == "none"


@pytest.mark.slow
def test_a_learner_is_left_out_where_it_cannot_read_and_that_is_said(store, tmp_path):
    settings = replace(
        QUICK,
        protocols=("paper",),
        streams=("bio", "face+bio"),
        learners=("decision-fusion:stacking",),
        network=NetworkSettings(epochs=1, batch_size=16),
    )

    made = evaluate(store.path, tmp_path / "run", settings=settings, execution=ALONE)

    table = results.read_predictions(tmp_path / "run" / "predictions.csv")
    fused = table[table["learner"] == "decision-fusion:stacking"]
    assert set(fused["streams"]) == {"face+bio"}
    assert "decision-fusion:stacking cannot read bio: left out" in made.lines()[-1]
    choices = results.read_table(
        tmp_path / "run" / "choices.csv", results.CHOICE_COLUMNS
    )
    assert set(choices["name"]) == {
        *("face_epoch", "bio_epoch", "is_fitted", "face_weight", "bio_weight", "bias")
    }
    assert len(choices) == 6 * 2 * 3  # two subjects with faces, three folds


@pytest.mark.slow
def test_a_grid_chooses_in_every_fold_and_says_what(store, tmp_path):
    network = NetworkSettings(
        epochs=1, batch_size=16, grid_face=(4, 8), grid_bio=(4, 16)
    )
    settings = replace(QUICK, protocols=("paper", "reference", "trial"))

    evaluate(
        store.path,
        tmp_path / "run",
        settings=replace(settings, network=network),
        execution=Execution(jobs=2),
    )

    table = results.read_table(tmp_path / "run" / "choices.csv", results.CHOICE_COLUMNS)
    lengths = table[table["name"] == "bio_features"]
    # eight trials leave too few to validate with: training rows held out choose
    assert set(table.loc[table["name"] == "is_chosen", "value"]) == {1}
    assert set(lengths["value"]) == {4, 16}
    # bio alone has no face to choose for
    assert set(table.loc[table["name"] == "face_features", "value"]) == {16}
    assert lengths.groupby("protocol").size().to_dict() == {
        "paper": 9,
        "reference": 9,
        "trial": 9,
    }


def test_the_median_rule_labels_the_test_by_training_trials_alone(store, tmp_path):
    settings = replace(QUICK, label_rule="median", learners=("majority",))

    evaluate(store.path, tmp_path / "run", settings=settings, execution=ALONE)

    table = results.read_predictions(tmp_path / "run" / "predictions.csv")
    assert set(table["label"]) == {0, 1}


def test_two_bounds_leave_trials_out_of_all_tables(store, tmp_path):
    settings = replace(QUICK, label_rule="<4,>8", learners=("majority",))

    with pytest.raises(UserError, match="valence does not vary"):
        evaluate(store.path, tmp_path / "run", settings=settings, execution=ALONE)


def test_a_session_is_held_out_and_counted(tiny_store, tmp_path):
    store = tiny_store(tmp_path / "store", n_trials=9, n_segments=2, n_sessions=3)
    asked = replace(
        QUICK,
        protocols=("trial", "session"),
        learners=("bandpower-logistic",),
        permutations=0,
    )
    evaluate(store.path, tmp_path / "run", settings=asked, execution=ALONE)

    run = results.open_run(tmp_path / "run")
    parts = results.read_leakage(run.path / "leakage.json")["parts"]
    said = {p["protocol"]: p for p in parts if p["learner"] == "bandpower-logistic"}
    assert said["trial"]["shares"].split("+")[-1] == "session"
    assert said["session"]["shares"] == "subject"
    assert [f["shared_sessions"] for f in said["session"]["folds"]] == [0] * 6
    tested = run.segments[run.segments["protocol"] == "session"]
    assert set(tested.groupby(["subject", "session"])["folds"].nunique()) == {1}


@pytest.mark.parametrize(
    ("n_sessions", "sentence"),
    [
        (0, "subject 01 trial 01 has none in this store: own recordings state it in a"),
        (1, "session needs two sessions of each subject or more, got one of 01, 02"),
    ],
)
def test_a_store_without_sessions_cannot_hold_one_out(
    tiny_store, tmp_path, n_sessions, sentence
):
    store = tiny_store(tmp_path / "store", n_sessions=n_sessions)

    with pytest.raises(UserError, match=sentence) as error:
        evaluate(
            store.path,
            tmp_path / "run",
            settings=replace(QUICK, protocols=("session",)),
            execution=ALONE,
        )

    assert error.value.field == "protocols"
    assert not (tmp_path / "run").exists()
