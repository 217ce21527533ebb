"""Tests of recordings that are cut into other segments than seconds."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from deepvanet.app.server import make_app
from deepvanet.bundle import load_bundle, train_bundle
from deepvanet.config import (
    Execution,
    NetworkSettings,
    PrepareSettings,
    Segmenting,
    TrainSettings,
)
from deepvanet.inference import RecordingInput, predict
from deepvanet.inference.faces import slide
from deepvanet.inference.open_recording import open_recording
from deepvanet.preparation.run import prepare
from deepvanet.schema import BIO, STREAM_SETS, Stream, Target, UserError
from deepvanet.store import Rows, open_store
from portraits import video_of
from small_recordings import write_edf, write_trials

ALONE = Execution()
SFREQ, REST_S, TRIAL_S, N_TRIALS, FIRST_S = 128, 2, 10.5, 3, 3.25
LASTS_S = 43
CLOSE = {"atol": 1e-5, "rtol": 0}
QUICK = TrainSettings(
    targets=("valence",),
    streams=("bio",),
    segment=4.0,
    step=2.0,
    cross_validate=False,
    network=NetworkSettings(epochs=1, batch_size=4),
)


def write_signals(folder, signals):
    """Write two channels of EEG and one of skin, which lies around 50."""
    write_edf(
        folder / "p.bdf",
        [*signals[:2], (50 + signals[2]).clip(1, 99)],
        labels=("Fp1", "Cz", "GSR"),
        units=("uV", "uV", "uS"),
        sfreq=SFREQ,
    )


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    """A person with EEG and skin that drift, three trials of ten seconds and a half."""
    folder = tmp_path_factory.mktemp("segments")
    rng = np.random.default_rng(0)
    drift = rng.normal(0, 1, (3, LASTS_S * SFREQ)).cumsum(axis=1) / 10
    write_signals(folder, drift)
    (folder / "recordings.toml").write_text(f"baseline_s = {REST_S}\n")
    rows = [
        {
            "subject": "p",
            "trial": f"t{trial}",
            "stimulus": f"c{trial}",
            "bio": "p.bdf",
            "onset_s": FIRST_S + trial * (REST_S + TRIAL_S),
            "duration_s": TRIAL_S,
            "valence": 7 if trial % 2 else 3,
        }
        for trial in range(N_TRIALS)
    ]
    table = write_trials(folder / "trials.csv", rows)
    settings = PrepareSettings(artefacts="none")
    prepare("recordings", table, folder / "store", settings=settings, execution=ALONE)
    train_bundle(folder / "store", folder / "model", settings=QUICK, execution=ALONE)
    return folder


def change_training(model, folder, **values):
    shutil.copytree(model, folder)
    described = json.loads((folder / "bundle.json").read_text())
    described["training"] |= values
    (folder / "bundle.json").write_text(json.dumps(described))
    return folder


def given_of(folder):
    return RecordingInput(bio=folder / "p.bdf", trials=folder / "trials.csv")


def read_trials(bundle, folder):
    """Return what is read of the recording's trials, and the chunks."""
    chunks = list(open_recording(bundle, given_of(folder)).chunks(at_once=2))
    return {s: np.concatenate([c.arrays[s] for c in chunks]) for s in BIO}, chunks


@pytest.mark.parametrize("step_s", [2.0, 0.5])
@pytest.mark.parametrize("baseline", ["mean", "waveform", "none"])
def test_segments_of_trials_are_those_of_the_store(person, tmp_path, baseline, step_s):
    model = change_training(
        person / "model", tmp_path / "model", baseline=baseline, step=step_s
    )

    found, chunks = read_trials(load_bundle(model), person)

    store = open_store(person / "store").cut(Segmenting(4.0, step_s, baseline))
    for stream in BIO:
        wanted = store.read(stream, np.arange(len(store.table)))
        np.testing.assert_allclose(found[stream], wanted, rtol=0, atol=2e-4)
    starts = np.concatenate([chunk.time_s for chunk in chunks])
    onset_s = FIRST_S + (REST_S + TRIAL_S) * np.arange(N_TRIALS)
    trial = store.table["trial"].str[1:].astype(int)
    np.testing.assert_allclose(starts, store.table["start_s"] + onset_s[trial])


def test_a_row_a_segment_is_scored_as_the_stored_segment(person):
    bundle = load_bundle(person / "model")
    given = RecordingInput(bio=person / "p.bdf", trials=person / "trials.csv")

    made = predict(person / "model", given)

    store = open_store(person / "store").cut(bundle.segmenting)
    rows = Rows(
        store,
        np.arange(len(store.table)),
        STREAM_SETS["bio"],
        np.zeros(len(store.table), int),
    )
    wanted = bundle.load(Target.VALENCE, "bio").score(rows)
    np.testing.assert_allclose(made.table["valence"], wanted, **CLOSE)
    means = wanted.reshape(N_TRIALS, -1).mean(axis=1)
    np.testing.assert_allclose(made.trials["valence"], means, **CLOSE)
    assert set(made.trials["n_seconds"]) == {4}
    said = "3 trials, 12 segments of 4 s, one each 2 s: 12 answered, 0 with a face"
    assert made.lines()[0] == said
    assert "segments of 4 s, one each 2 s" in bundle.lines()[0]


def test_a_whole_recording_has_a_row_at_each_step_whose_segment_lies_in_it(person):
    table = predict(person / "model", RecordingInput(bio=person / "p.bdf")).table

    assert table["time_s"].tolist() == list(range(0, LASTS_S - 3, 2))
    assert table["filter_edge"].tolist() == [1] + [0] * (len(table) - 2) + [1]


def test_a_channel_is_bad_in_a_segment_of_which_it_lacks_more_than_half(
    person, tmp_path
):
    signals = np.random.default_rng(1).normal(0, 5, (3, 20 * SFREQ))
    signals[0, 4 * SFREQ : 5 * SFREQ] = 0
    signals[1, 8 * SFREQ : 12 * SFREQ] = 0
    write_signals(tmp_path, signals)
    opened = open_recording(
        load_bundle(person / "model"), RecordingInput(bio=tmp_path / "p.bdf")
    )

    (chunk,) = opened.chunks(at_once=99)

    starts = chunk.time_s.tolist()
    names = dict(zip(starts, chunk.bad_channels, strict=True))
    assert [start for start in starts if "Fp1" in names[start]] == [2, 4]
    assert [start for start in starts if "Cz" in names[start]] == [6, 8, 10]
    eeg = chunk.arrays[Stream.EEG]
    lost = np.isnan(eeg[starts.index(2), 0]).reshape(4, SFREQ)
    assert lost.all(axis=1).tolist() == [False, False, True, False]
    assert not lost[[0, 1, 3]].any()
    assert np.isnan(eeg[starts.index(8), 1]).all()
    assert chunk.has[Stream.EEG].all()  # one of two channels is there


def test_a_recording_shorter_than_a_segment_is_refused(person, tmp_path):
    write_signals(tmp_path, np.random.default_rng(2).normal(0, 5, (3, 3 * SFREQ)))

    with pytest.raises(UserError, match=r"bio: .*: shorter than a segment of 4 s"):
        predict(person / "model", RecordingInput(bio=tmp_path / "p.bdf"))


def test_trials_shorter_than_a_segment_are_left_out_and_named(person, tmp_path):
    common = {"subject": "p", "stimulus": "c", "bio": str(person / "p.bdf")}
    rows = [
        {**common, "trial": "long", "onset_s": 5, "duration_s": 4},
        {**common, "trial": "short", "onset_s": 12, "duration_s": 3},
    ]
    table = write_trials(tmp_path / "trials.csv", rows)
    given = RecordingInput(bio=person / "p.bdf", trials=table)

    made = predict(person / "model", given)

    assert made.trials["trial"].tolist() == ["long"]
    said = "1 trial is shorter than a segment of 4 s and is left out: short"
    assert said in made.lines()
    with pytest.raises(UserError, match="shorter than a segment of 4 s"):
        write_trials(table, rows[1:])
        predict(person / "model", given)


def test_a_network_of_other_segments_than_its_bundle_says_is_refused(person, tmp_path):
    model = change_training(person / "model", tmp_path / "model", segment=2.0)

    with pytest.raises(UserError, match="reads segments of 512 samples, got 256"):
        predict(model, RecordingInput(bio=person / "p.bdf"))


def test_a_bundle_of_whole_trials_says_how_long_they_are(person, tmp_path):
    settings = replace(QUICK, segment="trial")

    bundle = train_bundle(
        person / "store", tmp_path / "model", settings=settings, execution=ALONE
    )

    assert (bundle.grid.length_s, bundle.grid.step_s) == (TRIAL_S, TRIAL_S)
    given = RecordingInput(bio=person / "p.bdf", trials=person / "trials.csv")
    assert len(predict(bundle.path, given).table) == N_TRIALS


@pytest.mark.parametrize(
    ("starts", "windows"),
    [([0, 2, 4], ["0123", "2345", "4567"]), ([0, 6], ["0123", "6789"])],
)
def test_frames_of_windows_are_shared_or_passed_over(starts, windows):
    frames = iter(str(number) for number in range(10))

    assert ["".join(held) for held in slide(frames, starts, 4)] == windows


@pytest.mark.slow
def test_faces_of_two_seconds_score_as_their_stored_segments_do(
    filmed_deap, filmed_store, tmp_path
):
    settings = replace(QUICK, streams=("face+bio",), segment=2.0, step=1.0)
    bundle = train_bundle(
        filmed_store, tmp_path / "model", settings=settings, execution=ALONE
    )
    file = filmed_deap / "data_preprocessed_python" / "s01.dat"

    made = predict(
        bundle.path,
        RecordingInput(video=video_of(filmed_deap, 1, 2), bio=file, trial="2"),
    )

    store = open_store(filmed_store).cut(bundle.segmenting)
    table = store.table
    mine = np.flatnonzero((table["subject"] == "01") & (table["trial"] == "02"))
    rows = Rows(store, mine, STREAM_SETS["face+bio"], np.zeros(len(mine), int))
    wanted = bundle.load(Target.VALENCE, "face+bio").score(rows)
    assert made.table["time_s"].tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(made.table["valence"][3:], wanted, **CLOSE)


@pytest.fixture(scope="module")
def uneven(person, tmp_path_factory):
    """The same recording, in trials of 10.5, 8 and 6.25 seconds, and a bundle."""
    folder = tmp_path_factory.mktemp("uneven")
    for name in ("p.bdf", "recordings.toml"):
        shutil.copy(person / name, folder)
    rows = pd.read_csv(person / "trials.csv", dtype={"onset_s": str})
    rows["duration_s"] = UNEVEN_S
    rows.to_csv(folder / "trials.csv", index=False)
    prepare(
        "recordings",
        folder / "trials.csv",
        folder / "store",
        settings=PrepareSettings(artefacts="none"),
        execution=ALONE,
    )
    train_bundle(folder / "store", folder / "model", settings=WHOLE, execution=ALONE)
    return folder


UNEVEN_S = [10.5, 8.0, 6.25]
WHOLE = replace(QUICK, learner="bandpower-logistic", segment="trial")


def test_whole_trials_of_several_lengths_are_those_of_the_store(uneven):
    bundle = load_bundle(uneven / "model")
    store = open_store(uneven / "store").cut(bundle.segmenting)

    chunks = list(open_recording(bundle, given_of(uneven)).chunks(at_once=2))
    found = predict(uneven / "model", given_of(uneven))

    assert store.table["duration_s"].tolist() == UNEVEN_S
    for row, chunk in enumerate(chunks):
        for stream in BIO:
            wanted = store.read(stream, np.array([row]))
            np.testing.assert_allclose(chunk.arrays[stream], wanted, rtol=0, atol=2e-4)
    rows = Rows(store, np.arange(3), STREAM_SETS["bio"], np.zeros(3, int))
    wanted = bundle.load(Target.VALENCE, "bio").score(rows)
    np.testing.assert_allclose(found.table["valence"], wanted, **CLOSE)
    np.testing.assert_allclose(found.trials["valence"], wanted, **CLOSE)
    assert set(found.trials["n_seconds"]) == {1}
    assert found.lines()[0] == "3 whole trials: 3 answered, 0 with a face"
    assert "trials of any length" in bundle.lines()[0]
    assert "each trial is one segment" in (uneven / "model" / "README.md").read_text()


def test_without_a_table_the_whole_recording_is_one_trial(uneven):
    made = predict(uneven / "model", RecordingInput(bio=uneven / "p.bdf"))

    assert made.table["time_s"].tolist() == [0]
    assert made.lines()[0] == "1 whole trial: 1 answered, 0 with a face"


def test_a_bundle_of_whole_trials_takes_no_video_and_has_no_page(uneven):
    given = RecordingInput(bio=uneven / "p.bdf", video=uneven / "face.mp4")
    given.video.touch()

    with pytest.raises(
        UserError, match=r"video: .* whole trials of signals, and no fa"
    ):
        predict(uneven / "model", given)
    with pytest.raises(UserError, match=r"this bundle reads whole trials"):
        make_app(uneven / "model")


def test_a_network_is_not_trained_on_whole_trials_of_several_lengths(uneven, tmp_path):
    settings = replace(WHOLE, learner="network")

    with pytest.raises(
        UserError,
        match=r"segment: network reads rows of one length, but the trials of \S+ last "
        r"6.25 to 10.5 s: ask one of bandpower-svm, .*, or for .* seconds, as 6$",
    ):
        train_bundle(
            uneven / "store", tmp_path / "model", settings=settings, execution=ALONE
        )
