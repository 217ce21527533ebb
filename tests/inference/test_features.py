"""Tests of predictions from numbers of frames that other programs made of faces."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from deepvanet.bundle import load_bundle, train_bundle
from deepvanet.cli import main
from deepvanet.config import (
    Execution,
    NetworkSettings,
    PrepareSettings,
    Segmenting,
    TrainSettings,
)
from deepvanet.explanation import explain
from deepvanet.inference import RecordingInput, predict
from deepvanet.inference.open_recording import open_recording
from deepvanet.preparation.run import prepare
from deepvanet.schema import Stream, UserError
from deepvanet.store import open_store
from small_recordings import write_edf, write_trials

ALONE = Execution()
FPS, SFREQ, OFFSET_S, LASTS_S = 25, 128, 1.5, 20
TRIALS = ((3.0, 6.0), (10.2, 6.0))
"""Onset, in seconds of the signals, and length of each trial."""
LOST_S = (5.0, 6.6)
"""Seconds of the video in which no face was found."""
UNITS = ("AU01_r", "AU12_r", "pose_Rx")
QUICK = TrainSettings(
    targets=("valence",),
    streams=("eeg", "face-features", "eeg+face-features"),
    baseline="none",
    cross_validate=False,
    learner="bandpower-logistic",
    network=NetworkSettings(epochs=1, batch_size=4),
)
FEATURES = Stream.FACE_FEATURES


def write_openface(path, *, names=UNITS, level=0.0, seed=0, lost_s=LOST_S):
    """Write units of a face, which lie higher in its second half."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(LASTS_S * FPS) / FPS
    table = pd.DataFrame({"frame": np.arange(len(time_s)) + 1, "timestamp": time_s})
    table["success"] = ((time_s < lost_s[0]) | (time_s >= lost_s[1])).astype(int)
    for name in names:
        table[name] = level + (time_s > OFFSET_S + 8) + rng.normal(0, 0.2, len(time_s))
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two people with EEG and features of the face, their store, and a bundle."""
    root = tmp_path_factory.mktemp("features")
    rows = []
    for number, subject in enumerate(("p", "q")):
        noise = np.random.default_rng(number).normal(0, 10, (2, 22 * SFREQ))
        file, features = f"{subject}.bdf", f"{subject}.csv"
        labels = ("Fp1", "Cz")
        write_edf(root / file, noise, labels=labels, units=("uV", "uV"), sfreq=SFREQ)
        write_openface(root / features, seed=number)
        rows += [
            {"subject": subject, "trial": f"t{k}", "stimulus": f"c{k}"}
            | {"bio": file, "face_features": features, "video_offset_s": OFFSET_S}
            | {"onset_s": onset_s, "duration_s": lasts_s}
            | {"valence": 7 if k else 3, "arousal": 5 + k}
            for k, (onset_s, lasts_s) in enumerate(TRIALS)
        ]
    table = write_trials(root / "trials.csv", rows)
    settings = PrepareSettings(artefacts="none")
    prepare("recordings", table, root / "store", settings=settings, execution=ALONE)
    train_bundle(root / "store", root / "model", settings=QUICK, execution=ALONE)
    return root


def ask(folder, **more):
    given = {"bio": folder / "p.bdf", "features": folder / "p.csv"}
    return RecordingInput(**(given | more))


@pytest.mark.parametrize(("length_s", "step_s"), [(1.0, 1.0), (2.0, 1.0)])
def test_features_of_trials_are_cut_as_the_store_cuts_them(folder, length_s, step_s):
    bundle = load_bundle(folder / "model")
    training = {**bundle.training, "segment": length_s, "step": step_s}
    cutting = Segmenting(length_s, step_s, "none")
    bundle = replace(bundle, segmenting=cutting, training=training)
    store = open_store(folder / "store").cut(cutting)

    opened = open_recording(bundle, ask(folder, trials=folder / "trials.csv"))
    chunks = list(opened.chunks(at_once=3))

    table = store.table[store.table["subject"] == "p"]
    has = np.concatenate([chunk.has[FEATURES] for chunk in chunks])
    assert has.tolist() == table[f"has_{FEATURES}"].astype(bool).tolist()
    assert 0 < has.sum() < len(has)  # a face was lost for a while
    found = np.concatenate([chunk.arrays[FEATURES] for chunk in chunks])
    np.testing.assert_array_equal(
        found[has], store.read(FEATURES, table.index.to_numpy()[has])
    )


def test_a_whole_recording_has_features_from_where_its_video_starts(folder):
    table = predict(folder / "model", ask(folder, video_offset_s=OFFSET_S)).table

    streams = table.set_index("time_s")["streams"]
    assert streams[0] == "eeg"
    assert streams[2] == streams[21] == "eeg+face-features"
    assert streams[7] == "eeg"  # the face is lost
    alone = predict(folder / "model", RecordingInput(features=folder / "p.csv")).table
    assert len(alone) == LASTS_S
    assert alone["streams"].tolist()[:5] == ["face-features"] * 5
    late = alone["valence"][alone["time_s"] > OFFSET_S + 8].mean()
    assert late > alone["valence"][:5].mean() + 0.3


def test_features_are_on_the_clock_of_the_video(folder):
    bundle = load_bundle(folder / "model")
    recording = ask(folder, video_offset_s=1.4)

    (chunk,) = open_recording(bundle, recording).chunks(at_once=64)

    frames = pd.read_csv(folder / "p.csv")
    for segment in (3, 12):  # of 5 images a second
        wanted = segment - 1.4 + np.arange(5) / 5
        nearest = np.abs(frames["timestamp"].to_numpy()[:, None] - wanted).argmin(
            axis=0
        )
        np.testing.assert_allclose(
            chunk.arrays[FEATURES][segment],
            frames[list(UNITS)].to_numpy()[nearest].T,
            rtol=1e-6,
        )


def test_trials_are_found_by_features_where_there_is_nothing_else(folder):
    rows = [
        {"subject": "p", "trial": f"t{k}", "stimulus": "c", "onset_s": onset_s}
        | {"duration_s": 3, "face_features": name}
        for k, (onset_s, name) in enumerate([(1, "p.csv"), (9, "p.csv"), (2, "q.csv")])
    ]
    table = write_trials(folder / "alone.csv", rows)

    made = predict(
        folder / "model", RecordingInput(features=folder / "p.csv", trials=table)
    )

    assert made.trials["trial"].tolist() == ["t0", "t1"]
    assert made.trials["streams"].tolist() == ["face-features"] * 2


def test_what_is_lost_or_not_used_is_said(folder, tmp_path):
    names = ("AU01_r", "AU12_r", "AU45_r")
    path = write_openface(tmp_path / "f.csv", names=names)

    made = predict(folder / "model", RecordingInput(features=path))

    said = "\n".join(made.notes)
    assert "columns of features are missing: pose_Rx" in said
    assert "columns of features that are not used: AU45_r" in said
    assert "40 of 500 frames of f.csv have no features" in said
    assert "C07" in said
    assert set(made.table["streams"]) == {"face-features", ""}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            ("AU04_r", "AU05_r"),
            "trained on the columns AU01_r, AU12_r, pose_Rx, got AU04_r, AU05_r",
        ),
        ((), "has no columns of features"),
    ],
)
def test_other_columns_than_the_bundle_s_are_refused(folder, tmp_path, names, said):
    path = write_openface(tmp_path / "f.csv", names=names)

    with pytest.raises(UserError, match=said):
        predict(folder / "model", RecordingInput(features=path))


def test_times_of_another_clock_are_refused(folder, tmp_path):
    table = pd.read_csv(folder / "p.csv")
    table["timestamp"] += 1.7e9
    table.to_csv(tmp_path / "f.csv", index=False)

    with pytest.raises(UserError, match="count from the first frame of the video"):
        predict(folder / "model", RecordingInput(features=tmp_path / "f.csv"))


def test_a_bundle_without_features_refuses_them(folder, tmp_path):
    settings = replace(QUICK, streams=("eeg",))
    train_bundle(folder / "store", tmp_path / "m", settings=settings, execution=ALONE)

    with pytest.raises(UserError, match="reads no face-features, it knows eeg"):
        predict(tmp_path / "m", ask(folder))


def test_features_are_explained(folder, tmp_path):
    made = explain(folder / "model", ask(folder), tmp_path / "out")

    named = set(made.channels.loc[made.channels["stream"] == FEATURES, "channel"])
    assert named == set(UNITS)
    assert FEATURES in set(made.streams["stream"])
    picture = (tmp_path / "out" / "face-features-valence.svg").read_text()
    assert "How much face features moved valence" in picture


@pytest.mark.slow
def test_a_network_reads_features_of_a_recording(folder, tmp_path):
    settings = replace(QUICK, streams=("face-features",), learner="network")
    train_bundle(folder / "store", tmp_path / "m", settings=settings, execution=ALONE)

    made = explain(tmp_path / "m", ask(folder), tmp_path / "out")

    assert set(made.channels["channel"]) == set(UNITS)


def test_the_commands_take_a_table_of_features(folder, tmp_path, capsys):
    out, model = tmp_path / "t.csv", folder / "model"
    given = ["--features", folder / "p.csv", "--out", out]

    assert main(list(map(str, ["predict", model, *given]))) == 0
    assert len(pd.read_csv(out)) == LASTS_S
    bad = ["predict", model, "--features", folder / "trials.csv", "--out", out]
    assert main(list(map(str, bad))) == 2
    assert "needs a column timestamp" in capsys.readouterr().err
    assert main(["predict", str(model), "--out", str(out)]) == 2
    assert "needs video, bio or features" in capsys.readouterr().err
