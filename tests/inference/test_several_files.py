"""Tests that what trained a model, files beside the EEG among it, can be predicted."""

import shutil

import numpy as np
import pandas as pd
import pytest

import deepvanet
from deepvanet.bundle import load_bundle
from deepvanet.cli import main
from deepvanet.datasets.recordings import reader
from deepvanet.datasets.recordings.input_files import InputFile
from deepvanet.inference import RecordingInput, gather_files
from deepvanet.inference.open_recording import open_recording
from deepvanet.schema import Stream, UserError
from deepvanet.store import open_store
from pages import serve_page
from small_recordings import EEG, sample_bio, write_edf, write_trials

N_TRIALS, TRIAL_S, LATE_S, EARLY_S = 6, 4, 2.0, -1.5
"""Skin starts later than the EEG, the heart earlier."""
LASTS_S = 8 * N_TRIALS


def write_csv(path, name, values, sfreq):
    time = np.arange(len(values)) / sfreq
    rows = [f"{t:.6f},{value:.6f}" for t, value in zip(time, values, strict=True)]
    path.write_text("\n".join([f"time_s,{name}", *rows]))


def write_person(folder, *, seed=0):
    """Write EEG, skin at 16 Hz that rises by 0.1 a second, and a heart at 64 Hz."""
    bio = sample_bio(LASTS_S, labels=EEG, seed=seed)
    write_edf(folder / "a.edf", bio, labels=EEG, units=("uV",) * len(EEG))
    skin = 5 + np.arange(LASTS_S * 16) / 160
    write_csv(folder / "skin.csv", "GSR [uS]", skin, 16)
    heart = 200 * np.sin(2 * np.pi * np.arange(LASTS_S * 64) / 64)
    heart += np.random.default_rng(seed).standard_normal(len(heart))
    write_csv(folder / "heart.csv", "ECG [uV]", heart, 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    write_person(folder)
    row = {
        "subject": "1",
        "stimulus": "x",
        "bio": "a.edf",
        "peripheral": "skin.csv",
        "peripheral_offset_s": LATE_S,
        "peripheral_2": "heart.csv",
        "peripheral_2_offset_s": EARLY_S,
        "duration_s": TRIAL_S,
    }
    rows = [
        {
            **row,
            "trial": n,
            "stimulus": f"x{n}",
            "onset_s": 8 * n + 3,
            "valence": 2 + 5 * (n % 2),
            "arousal": 8 - 5 * (n % 2),
        }
        for n in range(N_TRIALS)
    ]
    write_trials(folder / "trials.csv", rows)
    return folder


@pytest.fixture(scope="module")
def model(folder):
    given = ("prepare", "recordings", folder / "trials.csv", "--out", folder / "store")
    assert main([*map(str, given), "--jobs", "1"]) == 0
    given = ("train", folder / "store", "--out", folder / "model", "--streams", "bio")
    more = ("--learner", "bandpower-logistic", "--jobs", "1", "--no-cross-validate")
    assert main([*map(str, given), *more]) == 0
    return folder / "model"


def name_inputs(folder):
    return (
        "--bio",
        str(folder / "a.edf"),
        "--input",
        f"peripheral_2={folder / 'heart.csv'}@{EARLY_S}",
        "--input",
        f"peripheral={folder / 'skin.csv'}@{LATE_S}",
    )


def test_all_files_of_a_trial_lie_on_one_clock(folder):
    (recording,) = reader.read_recordings(folder / "trials.csv", "1")

    names = [channel.name for channel in recording.channels]
    assert names == [*EEG, "ECG", "GSR"]
    at = round(20 * recording.sfreq)
    assert recording.bio[names.index("GSR"), at] == pytest.approx(6.8, abs=0.01)
    heart = recording.bio[names.index("ECG")]
    assert np.isnan(heart[round((LASTS_S - 1) * recording.sfreq) :]).all()
    assert np.isnan(recording.bio[names.index("GSR"), : at // 10 - 8]).all()


def test_check_shows_every_file_and_what_they_share(folder, capsys):
    assert main(["check", "recordings", str(folder / "trials.csv")]) == 0

    said = capsys.readouterr().out
    assert all(name in said for name in ("a.edf", "skin.csv", "heart"))
    assert "-1.50" in said


def test_what_trained_a_model_can_be_predicted(folder, model, tmp_path):
    table = str(folder / "trials.csv")
    given = ("predict", str(model), *name_inputs(folder), "--trials", table)
    assert main([*given, "--out", str(tmp_path / "t.csv")]) == 0

    made = pd.read_csv(tmp_path / "t.csv", keep_default_na=False)
    assert set(made["streams"]) == {"bio"}
    assert len(made) == N_TRIALS * TRIAL_S


def test_signals_of_all_files_are_those_of_the_store(folder, model):
    files = [InputFile("bio", str(folder / "a.edf"))]
    beside = (("peripheral", "skin", LATE_S), ("peripheral_2", "heart", EARLY_S))
    files += [InputFile(c, str(folder / f"{n}.csv"), s) for c, n, s in beside]
    recording = RecordingInput(**gather_files(files), trials=folder / "trials.csv")

    opened = open_recording(load_bundle(model), recording)
    chunks = list(opened.chunks(at_once=64))

    store = open_store(folder / "store").cut()
    for stream in (Stream.EEG, Stream.PERIPHERAL):
        kept = store.read(stream, np.arange(N_TRIALS * TRIAL_S))
        read = np.concatenate([chunk.arrays[stream] for chunk in chunks])
        there = np.isfinite(kept)
        assert there.mean() > 0.95
        assert np.isfinite(read).mean() > 0.9
        there &= np.isfinite(read)
        np.testing.assert_allclose(read[there], kept[there], atol=0.02, rtol=0.01)


@pytest.mark.slow
def test_python_and_the_page_say_the_same(folder, model):
    asked = deepvanet.load(model).predict(
        bio=folder / "a.edf",
        inputs=[
            f"peripheral={folder / 'skin.csv'}@{LATE_S}",
            f"peripheral_2={folder / 'heart.csv'}@{EARLY_S}",
        ],
    )

    with serve_page(model) as (page, _):
        sent = page.send(
            bio=folder / "a.edf",
            peripheral=folder / "skin.csv",
            peripheral_2=folder / "heart.csv",
            peripheral_offset_s=str(LATE_S),
            peripheral_2_offset_s=str(EARLY_S),
        )
        assert page.wait(sent)["state"] == "done"
        rows = page.get(f"{sent.headers['location']}/result").read()["rows"]
    assert [row["valence"] for row in rows] == pytest.approx(
        asked["valence"].tolist(), abs=1e-5, nan_ok=True
    )


def test_without_a_file_its_stream_is_missing(folder, model, tmp_path, capsys):
    given = ("predict", str(model), "--bio", str(folder / "a.edf"))

    assert main([*given, "--out", str(tmp_path / "t.csv")]) == 2

    assert "the bundle knows bio, got eeg" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--input", "peripheral=nowhere.csv"], "--input: nowhere.csv: no such file"),
        (["--input", "bio=b.edf"], "--input: bio is given twice"),
        (["--input", "skin=b.csv"], "--input: needs COLUMN=FILE"),
    ],
)
def test_a_file_that_cannot_be_used_ends_in_a_sentence(
    more, sentence, folder, model, tmp_path, capsys
):
    given = ("predict", str(model), "--bio", str(folder / "a.edf"), *more)

    assert main([*given, "--out", str(tmp_path / "t.csv")]) == 2

    assert sentence in capsys.readouterr().err


def test_files_are_gathered_in_the_order_of_their_columns():
    made = RecordingInput(
        **gather_files(
            [InputFile("peripheral_2", "b.csv"), InputFile("peripheral", "a.csv")]
        )
    )

    assert made.signals.name == "a.csv"
    assert [item.path.name for item in made.beside] == ["b.csv"]
    with pytest.raises(UserError, match="the video starts at 1 s and at 2 s"):
        gather_files([InputFile("video", "a.mp4", 1.0)], video_offset_s=2.0)
    late = gather_files([InputFile("peripheral", "a.csv", 3.0)])
    with pytest.raises(UserError, match="has the clock and no offset, got 3"):
        RecordingInput(**late).check()


def fill(folder, files, into):
    into.mkdir()
    for name, sent_as in files.items():
        shutil.copy(folder / name, into / sent_as)


def predict_folder(model, mine, out, status=0):
    given = ("predict", str(model), "--folder", str(mine), "--out", str(out))
    assert main(given) == status


def test_every_recording_of_a_folder_is_predicted(folder, model, tmp_path, capsys):
    mine, beside = tmp_path / "mine", {"skin.csv": 1, "heart.csv": 2}
    fill(folder, {"a.edf": "one.edf"}, mine)
    for name, number in beside.items():
        column = "peripheral" if number == 1 else "peripheral_2"
        for recording in ("one", "two"):
            shutil.copy(folder / name, mine / f"{recording}.{column}.csv")
    shutil.copy(folder / "a.edf", mine / "two.edf")
    (mine / "readme.md").write_text("mine")

    predict_folder(model, mine, tmp_path / "out")

    said = capsys.readouterr().out
    assert "2 recordings predicted" in said
    assert "1 file is not used: readme.md" in said
    inputs = [
        f"peripheral={folder / 'skin.csv'}",
        f"peripheral_2={folder / 'heart.csv'}",
    ]
    alone = deepvanet.load(model).predict(bio=folder / "a.edf", inputs=inputs)
    for name in ("one", "two"):
        made = pd.read_csv(tmp_path / "out" / f"{name}.csv")
        np.testing.assert_allclose(made["valence"], alone["valence"], atol=1e-5)
    summary = pd.read_csv(tmp_path / "out" / "recordings.csv", keep_default_na=False)
    assert summary["recording"].tolist() == ["one", "two"]
    assert summary["files"][0] == "one.edf one.peripheral.csv one.peripheral_2.csv"
    assert summary["n_rows"].tolist() == [LASTS_S, LASTS_S]


def test_a_recording_that_cannot_be_read_stops_no_other(
    folder, model, tmp_path, capsys
):
    mine = tmp_path / "mine"
    names = {"heart.csv": "two.peripheral.csv", "skin.csv": "one.csv"}
    fill(folder, {"a.edf": "two.edf", **names}, mine)
    shutil.copy(folder / "skin.csv", mine / "two.peripheral_2.csv")
    shutil.copy(folder / "a.edf", mine / "one.edf")
    (mine / "three.edf").write_bytes(b"nothing")

    predict_folder(model, mine, tmp_path / "out", status=2)

    said = capsys.readouterr()
    assert "2 of 3 recordings could not be predicted" in said.err
    assert "one.csv, one.edf are both signals: call one as one.peripheral" in said.err
    assert (tmp_path / "out" / "two.csv").is_file()
    summary = pd.read_csv(tmp_path / "out" / "recordings.csv", keep_default_na=False)
    assert summary["error"].astype(bool).tolist() == [True, True, False]


def test_a_folder_without_recordings_ends_in_a_sentence(model, tmp_path, capsys):
    (tmp_path / "empty").mkdir()

    predict_folder(model, tmp_path / "empty", tmp_path / "out", status=2)
    assert "--folder:" in capsys.readouterr().err
    predict_folder(model, tmp_path / "nowhere", tmp_path / "out", status=2)
    assert "no such folder" in capsys.readouterr().err
    given = ("predict", str(model), "--folder", str(tmp_path), "--bio", "x.edf")
    assert main([*given, "--out", str(tmp_path / "out")]) == 2
    assert "none can be given beside it" in capsys.readouterr().err
