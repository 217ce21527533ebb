"""Tests of scoring the trials of a recording, each with its own baseline."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.metrics import balanced_accuracy_score

import deepvanet
from deepvanet.bundle import load_bundle, train_bundle
from deepvanet.bundle.reliability import Calibrations
from deepvanet.cli import main
from deepvanet.config import (
    Execution,
    NetworkSettings,
    PrepareSettings,
    TrainSettings,
)
from deepvanet.datasets.deap import reader as deap
from deepvanet.explanation import attribute_streams, explain
from deepvanet.inference import TIMELINE_COLUMNS, TRIAL_COLUMNS, RecordingInput, predict
from deepvanet.metrics import Calibration
from deepvanet.preparation.run import prepare
from deepvanet.schema import STREAM_SETS, Target, UserError
from deepvanet.store import Rows, open_store
from portraits import video_of
from signal_files import write_fif
from small_recordings import write_edf, write_trials

ALONE = Execution()
SFREQ, REST_S, SECONDS = 128, 3, 4
N_TRIALS = 10
FIRST_S = 3.5
"""Onset of the first trial: between two seconds."""
CLOSE = {"atol": 1e-5, "rtol": 0}


def write_person(folder, subject, rng):
    """Write a person whose skin wanders far between trials, and tells in each.

    A stimulus moves it from the rest before, up for a high rating and down for a low
    one, in three of four trials or so.
    """
    step = round((REST_S + SECONDS) * SFREQ)
    n = N_TRIALS * step + SFREQ
    level = 50 + np.repeat(rng.normal(0, 8, N_TRIALS + 1), step)[:n]
    skin = level + rng.normal(0, 0.1, n)
    heart = rng.normal(0, 50, n)
    rows = []
    for trial in range(N_TRIALS):
        onset_s = FIRST_S + trial * (REST_S + SECONDS)
        valence = 7 if trial % 2 else 3
        start = round(onset_s * SFREQ)
        skin[start : start + SECONDS * SFREQ] += rng.normal((valence - 5) / 2, 1.2)
        rows.append(
            {
                "subject": subject,
                "trial": f"t{trial}",
                "stimulus": f"c{trial}",
                "bio": f"{subject}.bdf",
                "onset_s": onset_s,
                "duration_s": SECONDS,
                "valence": valence,
            }
        )
    write_edf(
        folder / f"{subject}.bdf",
        [skin.clip(0, 99), heart],
        labels=("GSR", "ECG"),
        units=("uS", "uV"),
        sfreq=SFREQ,
    )
    return rows


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Eight people to train on and three more, in one table each."""
    folder = tmp_path_factory.mktemp("trials")
    rng = np.random.default_rng(0)
    (folder / "recordings.toml").write_text(f"baseline_s = {REST_S}\n")
    rows = [write_person(folder, f"p{number}", rng) for number in range(11)]
    write_trials(folder / "trained.csv", [row for mine in rows[:8] for row in mine])
    write_trials(folder / "held.csv", [row for mine in rows[8:] for row in mine])
    return folder


@pytest.fixture(scope="module")
def store(people):
    path = people / "store"
    settings = PrepareSettings()
    table = people / "trained.csv"
    prepare("recordings", table, path, settings=settings, execution=ALONE)
    return open_store(path).cut()


@pytest.fixture(scope="module")
def model(people, store):
    """A bundle that was trained with each trial's own rest."""
    settings = TrainSettings(
        targets=("valence",),
        streams=("peripheral",),
        cross_validate=False,
        network=NetworkSettings(epochs=15, batch_size=16, offsets="none"),
    )
    train_bundle(store.path, people / "model", settings=settings, execution=ALONE)
    return people / "model"


def write_bare(path, **columns):
    """Write a table that says nothing but where trials lie."""
    table = {"subject": "p0", "trial": ["t1"], "stimulus": "c1"} | columns
    pd.DataFrame(table).to_csv(path, index=False)
    return path


def edit(model, folder, change):
    shutil.copytree(model, folder)
    values = json.loads((folder / "bundle.json").read_text())
    change(values)
    (folder / "bundle.json").write_text(json.dumps(values))
    return folder


def score_by_file(model, people, subject):
    """Return a trial's mean over the seconds that lie in it, with the file's rest."""
    table = predict(model, RecordingInput(bio=people / f"{subject}.bdf")).table
    starts = FIRST_S + np.arange(N_TRIALS) * (REST_S + SECONDS)
    return [
        table["valence"][table["time_s"].between(start, start + SECONDS - 1)].mean()
        for start in starts
    ]


def test_own_rests_tell_what_the_rest_of_the_file_hides(model, people):
    by_file, by_trial = [], []
    truth = np.tile(np.arange(N_TRIALS) % 2, 3)

    for subject in ("p8", "p9", "p10"):
        by_file += score_by_file(model, people, subject)
        made = predict(
            model,
            RecordingInput(bio=people / f"{subject}.bdf", trials=people / "held.csv"),
        )
        by_trial += made.trials["valence"].tolist()

    hidden, told = (
        balanced_accuracy_score(truth, np.array(scores) > 0.5)
        for scores in (by_file, by_trial)
    )
    assert told > 0.7
    assert abs(hidden - 0.5) < 0.15
    assert told - hidden > 0.15


def test_trials_score_as_their_stored_segments_do(model, people, store):
    made = predict(
        model, RecordingInput(bio=people / "p3.bdf", trials=people / "trained.csv")
    )

    mine = np.flatnonzero(store.table["subject"] == "p3")
    network = load_bundle(model).load(Target.VALENCE, "peripheral")
    streams = STREAM_SETS["peripheral"]
    wanted = network.score(Rows(store, mine, streams, np.zeros(len(mine), int)))
    np.testing.assert_allclose(made.table["valence"], wanted, **CLOSE)
    assert tuple(made.table.columns) == (*TIMELINE_COLUMNS, "trial")
    stored = store.table.iloc[mine]
    assert made.table["trial"].tolist() == stored["trial"].tolist()
    onset_s = FIRST_S + (REST_S + SECONDS) * np.arange(N_TRIALS)
    times = (onset_s[:, None] + np.arange(SECONDS)).ravel()
    np.testing.assert_allclose(made.table["time_s"], times)

    assert tuple(made.trials.columns) == TRIAL_COLUMNS
    means = wanted.reshape(N_TRIALS, SECONDS).mean(axis=1)
    np.testing.assert_allclose(made.trials["valence"], means, **CLOSE)
    assert made.trials["valence_label"].tolist() == (means > 0.5).tolist()
    assert made.trials["arousal"].isna().all()
    assert made.trials["arousal_label"].isna().all()
    assert made.trials["onset_s"].tolist() == onset_s.tolist()
    assert set(made.trials["n_answered"]) == {SECONDS}
    assert set(made.trials["streams"]) == {"peripheral"}
    assert made.lines()[0] == "10 trials, 40 seconds: 40 answered, 0 with a face"
    assert made.notes == ()


def test_a_trial_has_the_calibration_of_trials_on_the_mean_of_its_seconds(
    model, people, tmp_path
):
    def calibrate(values):
        for network in values["networks"]:
            for answer in network["answers"]:
                answer["calibration"] = Calibrations(
                    segment=Calibration(0.2, 0.5), trial=Calibration(0.3, -2.5)
                ).to_dict()

    given = {"video": None, "bio": people / "p3.bdf", "trials": people / "trained.csv"}
    plain = predict(model, RecordingInput(**given))

    made = predict(edit(model, tmp_path / "model", calibrate), RecordingInput(**given))

    mean = plain.trials["valence"].to_numpy(float)
    wanted = expit(0.3 * logit(mean) - 2.5)
    np.testing.assert_allclose(made.trials["valence"], wanted, atol=1e-8)
    labels = made.trials["valence_label"].tolist()
    assert labels == (mean > 0.5).tolist()
    assert labels == (wanted > expit(-2.5)).tolist()
    assert labels != (wanted > 0.5).tolist()
    seconds = expit(0.2 * logit(plain.table["valence"].to_numpy(float)) + 0.5)
    np.testing.assert_allclose(made.table["valence"], seconds, atol=1e-8)


def test_without_a_table_one_line_says_which_rest_is_taken(model, people):
    usual = predict(model, RecordingInput(bio=people / "p3.bdf"))
    asked = predict(
        model, RecordingInput(bio=people / "p3.bdf", baseline_s=(1.0, None))
    ).lines()

    assert usual.trials is None
    (line,) = usual.notes
    assert line == (
        "baseline: 0 to 3 s of the recording, where training took each trial's own "
        "baseline of 3 s before it; a table of trials does so"
    )
    assert asked[1].startswith("baseline: 1 to 3 s of the recording, where training")


def test_a_data_set_s_trial_has_its_own_rest_and_nothing_is_said(
    filmed_bundle, filmed_deap
):
    bio = filmed_deap / "data_preprocessed_python" / "s01.dat"

    own = predict(filmed_bundle, RecordingInput(bio=bio, trial="1"))
    other = predict(
        filmed_bundle, RecordingInput(bio=bio, trial="1", baseline_s=(3.0, 6.0))
    )

    assert own.notes == ()
    assert other.lines()[1].startswith("baseline: 3 to 6 s of the recording")


def test_a_recipe_that_takes_no_rest_needs_none(people, tmp_path):
    settings = PrepareSettings()
    table = people / "trained.csv"
    prepare("recordings", table, tmp_path / "s", settings=settings, execution=ALONE)
    training = TrainSettings(
        targets=("valence",),
        streams=("peripheral",),
        baseline="none",
        cross_validate=False,
        network=NetworkSettings(epochs=1),
    )
    train_bundle(tmp_path / "s", tmp_path / "m", settings=training, execution=ALONE)
    short = write_edf(
        tmp_path / "short.bdf",
        np.random.default_rng(0).normal(20, 1, (2, 2 * SFREQ)),
        labels=("GSR", "ECG"),
        units=("uS", "uV"),
        sfreq=SFREQ,
    )
    start = write_bare(tmp_path / "t.csv", onset_s=0, duration_s=2)

    made = predict(tmp_path / "m", RecordingInput(bio=short))
    trials = predict(tmp_path / "m", RecordingInput(bio=short, trials=start))

    assert load_bundle(tmp_path / "m").rest_s == 0
    assert made.notes == ()
    np.testing.assert_allclose(made.table["valence"], trials.table["valence"])


def test_a_table_needs_neither_ratings_nor_files(model, people, tmp_path):
    bare = write_bare(
        tmp_path / "t.csv",
        trial=["t2", "t1"],
        onset_s=[FIRST_S + 14, FIRST_S + 7],
        duration_s=SECONDS,
    )
    whole = predict(
        model, RecordingInput(bio=people / "p3.bdf", trials=people / "trained.csv")
    ).trials

    made = predict(model, RecordingInput(bio=people / "p3.bdf", trials=bare))

    assert made.trials["trial"].tolist() == ["t1", "t2"]  # by their onset
    wanted = whole["valence"][whole["trial"].isin(["t1", "t2"])]
    np.testing.assert_allclose(made.trials["valence"], wanted, atol=1e-9)
    assert made.notes == ()  # the rest is as long as in training


def test_another_length_of_the_rest_is_said(model, people, tmp_path):
    bare = write_bare(tmp_path / "t.csv", onset_s=FIRST_S, duration_s=SECONDS)
    (tmp_path / "recordings.toml").write_text("baseline_s = 2\n")
    forgetful = edit(model, tmp_path / "m", lambda values: values.update(rest_s=None))

    known, unknown = (
        predict(one, RecordingInput(bio=people / "p3.bdf", trials=bare)).lines()[1]
        for one in (model, forgetful)
    )

    assert known == "baseline: 2 s before each trial; in training 3 s"
    assert unknown == "baseline: 2 s before each trial; in training an unknown time"


def test_markers_place_trials_too(model, tmp_path):
    rng = np.random.default_rng(0)
    path = write_edf(
        tmp_path / "marked.bdf",
        rng.normal(20, 1, (2, 20 * SFREQ)),
        labels=("GSR", "ECG"),
        units=("uS", "uV"),
        sfreq=SFREQ,
        markers=[(5.25, 4.0, "clip"), (12.0, 3.0, "clip")],
    )
    bare = write_bare(tmp_path / "t.csv", trial=["a", "b"], marker="clip")

    made = predict(model, RecordingInput(bio=path, trials=bare)).trials

    assert made["onset_s"].tolist() == [5.25, 12.0]
    assert made["n_seconds"].tolist() == [4, 3]


def test_trials_that_do_not_fit_are_left_out_and_named(model, people, tmp_path):
    bare = write_bare(
        tmp_path / "t.csv",
        trial=["early", "late", "cut"],
        onset_s=[1, 70.8, 68],
        duration_s=SECONDS,
    )

    made = predict(model, RecordingInput(bio=people / "p3.bdf", trials=bare))

    assert made.trials["trial"].tolist() == ["cut"]
    *lines, cure = made.notes
    said = [line.split("subject p0 ")[1].split("; assumed")[0] for line in lines]
    assert all(" T12: " in line for line in lines)
    assert cure.startswith("what to do about T12: nothing, if recording began late")
    assert said == [
        "trial early is left out: it starts at 1 s, before 3 s of rest",
        "trial late is left out: less than 1 s of it lie in 71 s of signals",
        "trial cut lacks its last 1 s: the signals end there",
    ]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"onset_s": 1}, "no trial can be used: trial t1 is left out: it starts at 1"),
        ({"onset_s": 4, "bio": "other.bdf"}, r"no row names .*p3\.bdf"),
        (
            {"subject": ["a", "b"], "trial": ["1", "2"], "onset_s": 4},
            r"holds trials of a, b, and no column says which of them lie in .*p3\.bdf",
        ),
        ({"onset_s": "x"}, "onset_s must be a number, got 'x'"),
    ],
)
def test_a_table_that_says_nothing_of_a_recording_is_refused(
    model, people, tmp_path, columns, message
):
    bare = write_bare(tmp_path / "t.csv", duration_s=SECONDS, **columns)

    with pytest.raises(UserError, match=message):
        predict(model, RecordingInput(bio=people / "p3.bdf", trials=bare))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trial": "1"}, "trials: only one of trials and trial is used, got .* and 1"),
        ({"baseline_s": (0.0, None)}, "each trial has its own baseline, so none"),
    ],
)
def test_options_that_say_the_same_otherwise_are_refused(
    model, people, options, message
):
    with pytest.raises(UserError, match=message):
        predict(
            model,
            RecordingInput(
                bio=people / "p3.bdf", trials=people / "trained.csv", **options
            ),
        )


def test_a_data_set_s_file_says_itself_where_its_trials_lie(
    filmed_bundle, filmed_deap, tmp_path
):
    bio = filmed_deap / "data_preprocessed_python" / "s01.dat"
    bare = write_bare(tmp_path / "t.csv", onset_s=3, duration_s=3)

    with pytest.raises(UserError, match=r"s01\.dat is a data set's file, which"):
        predict(filmed_bundle, RecordingInput(bio=bio, trials=bare))


@pytest.mark.parametrize("is_told", [True, False], ids=["by table", "by option"])
def test_faces_of_a_trial_are_those_of_its_seconds(
    filmed_bundle, filmed_deap, tmp_path, is_told
):
    bio = filmed_deap / "data_preprocessed_python" / "s01.dat"
    video = video_of(filmed_deap, 1, 1)
    trial = deap.read_file(bio, "1")
    path = write_fif(tmp_path / "one_raw.fif", trial.bio, deap.CHANNELS)
    told = {"video_offset_s": 3} if is_told else {}
    bare = write_bare(tmp_path / "t.csv", onset_s=3, duration_s=3, **told)

    made = predict(
        filmed_bundle,
        RecordingInput(
            video=video, bio=path, trials=bare, video_offset_s=None if is_told else 3.0
        ),
    )

    wanted = predict(
        filmed_bundle, RecordingInput(video=video, bio=bio, trial="1")
    ).table[3:]
    assert made.table["streams"].tolist() == ["face+bio"] * 3
    np.testing.assert_allclose(made.table["valence"], wanted["valence"], atol=1e-4)
    alone = predict(
        filmed_bundle,
        RecordingInput(
            video=video, trials=write_bare(tmp_path / "v.csv", onset_s=1, duration_s=2)
        ),
    )
    face = predict(filmed_bundle, RecordingInput(video=video)).table
    assert alone.table["time_s"].tolist() == [1, 2]
    np.testing.assert_allclose(alone.table["valence"], face["valence"][1:], atol=1e-6)


def test_a_model_in_python_gives_seconds_and_trials(model, people):
    loaded, bio = deepvanet.load(model), str(people / "p3.bdf")
    table = str(people / "trained.csv")

    seconds = loaded.predict(bio=bio, trials=table)
    trials = loaded.predict_trials(table, bio=bio)

    wanted = predict(
        model, RecordingInput(bio=people / "p3.bdf", trials=people / "trained.csv")
    )
    pd.testing.assert_frame_equal(seconds, wanted.table)
    pd.testing.assert_frame_equal(trials, wanted.trials)


def test_the_command_writes_both_tables(model, people, tmp_path, capsys):
    out = tmp_path / "timeline.csv"
    files = ("--bio", people / "p3.bdf", "--trials", people / "trained.csv")

    assert main([str(part) for part in ("predict", model, "--out", out, *files)]) == 0

    said = capsys.readouterr().out.splitlines()
    beside = tmp_path / "timeline-trials.csv"
    assert said[-1] == f"timeline: {out}, {beside}"
    assert pd.read_csv(out)["trial"].nunique() == N_TRIALS
    assert tuple(pd.read_csv(beside).columns) == TRIAL_COLUMNS


def test_an_explanation_divides_the_seconds_of_trials(model, people, tmp_path):
    given = {"video": None, "bio": people / "p3.bdf", "trials": people / "trained.csv"}

    table = attribute_streams(model, RecordingInput(**given))
    explain(model, RecordingInput(**given), tmp_path / "out")

    wanted = predict(model, RecordingInput(**given)).table["time_s"]
    np.testing.assert_allclose(table["time_s"], wanted)
    assert (tmp_path / "out" / "streams-valence.svg").is_file()
    # the skin's part speaks for high where it rose
    assert table["attribution"].nunique() > N_TRIALS


@pytest.mark.parametrize("factor", [1.0, 30.0])
def test_a_channel_that_is_far_from_training_is_named(model, store, tmp_path, factor):
    rows = store.read(STREAM_SETS["peripheral"][0], np.arange(len(store.table)))
    heart = rows[:, 1].ravel()
    low, middle, high = np.quantile(heart, [0.25, 0.5, 0.75])
    bio = np.zeros((2, 40 * SFREQ))
    rng = np.random.default_rng(0)
    bio[0] = 50 + rng.normal(0, 0.1, bio.shape[1])
    bio[1] = rng.normal(0, 50, bio.shape[1])
    bio[1, 3 * SFREQ :] += factor * (high - low)
    path = write_edf(
        tmp_path / "one.bdf",
        bio,
        labels=("GSR", "ECG"),
        units=("uS", "uV"),
        sfreq=SFREQ,
    )

    lines = list(predict(model, RecordingInput(bio=path)).notes[1:])

    if factor == 1:
        assert lines == []
        return
    (line,) = lines
    assert line.startswith("ECG is far from training: the median of ECG is ")
    assert f"there it was {middle:.3g} with a spread of {high - low:.3g}" in line
