"""Tests of predicting through losses, at filter edges, and over long recordings."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

import deepvanet
from deepvanet.bundle import load_bundle, train_bundle
from deepvanet.bundle.reliability import Calibrations
from deepvanet.config import Execution, NetworkSettings, TrainSettings
from deepvanet.datasets.deap import reader as deap
from deepvanet.inference import TIMELINE_COLUMNS, RecordingInput, predict
from deepvanet.inference.signal_reader import open_signal_reader, subtract_baseline
from deepvanet.metrics import Calibration
from deepvanet.preprocessing.cleaning import clean
from deepvanet.schema import Recording, Stream, UserError
from films import write_video
from long_recordings import write_long_bdf, write_long_video
from portraits import sample_portrait
from signal_files import write_fif

CHANNELS = deap.CHANNELS
NAMES = [channel.name for channel in CHANNELS]
SFREQ, SECONDS = 256, 150
N_EEG = 32


@pytest.fixture(scope="module")
def dropout_bundle(filmed_store, tmp_path_factory):
    """One network for all streams, which was trained to lose some."""
    model = tmp_path_factory.mktemp("quality") / "model"
    settings = TrainSettings(
        targets=("valence",),
        cross_validate=False,
        stream_dropout=0.3,
        network=NetworkSettings(epochs=2, batch_size=4),
    )
    train_bundle(filmed_store, model, settings=settings, execution=Execution())
    return model


def edit(bundle, folder, change):
    """Copy a bundle and change what it says of itself."""
    shutil.copytree(bundle, folder)
    file = folder / "bundle.json"
    values = json.loads(file.read_text())
    change(values)
    file.write_text(json.dumps(values))
    return folder


@pytest.fixture(scope="module")
def raw_bundle(filmed_bundle, tmp_path_factory):
    """A bundle that says it was trained on raw recordings, filtered here."""
    return edit(
        filmed_bundle,
        tmp_path_factory.mktemp("quality") / "raw",
        lambda values: values.update(is_raw=True),
    )


def sample_noise(seconds=SECONDS, *, sfreq=SFREQ, seed=0):
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 10, (len(CHANNELS), seconds * sfreq))
    return noise + rng.normal(0, 100, (len(CHANNELS), 1))


def write(path, bio, sfreq=SFREQ):
    return write_fif(path, bio, CHANNELS, sfreq=float(sfreq))


def open_with(bundle, path):
    loaded = load_bundle(bundle)
    reader = open_signal_reader(RecordingInput(bio=path), loaded)
    return subtract_baseline(reader, loaded, (None, None))


def join(signals):
    """Read all seconds in blocks, side by side as channels."""
    blocks = [
        signals.read(start, min(start + 64, SECONDS))[0]
        for start in range(0, SECONDS, 64)
    ]
    streams = (Stream.EEG, Stream.PERIPHERAL)
    cut = np.concatenate([np.concatenate([b[s] for b in blocks]) for s in streams], 1)
    return cut.transpose(1, 0, 2).reshape(len(CHANNELS), -1)


def test_blocks_are_filtered_as_the_whole_recording_is(raw_bundle, tmp_path):
    steps = sample_noise()
    steps -= steps.mean(axis=1, keepdims=True)
    bio = steps.cumsum(axis=1) + sample_noise(seed=1)  # drifts, so edges ring
    bio[5] = 7.0  # a dead electrode, which no average may count
    path = write(tmp_path / "noise_raw.fif", bio)
    whole = clean(
        Recording("", "", bio, float(SFREQ), CHANNELS, (), is_raw=True),
        artefacts="none",
        probability=0.7,
        sfreq=128.0,
        seed=0,
    ).recording.bio
    whole = whole - whole[:, : 3 * 128].mean(axis=1, keepdims=True)

    read = join(open_with(raw_bundle, path))

    assert np.isnan(read[5]).all()
    read, whole = (np.delete(signals, 5, axis=0) for signals in (read, whole))
    unit = whole.std(axis=1, keepdims=True)
    np.testing.assert_allclose(read / unit, whole / unit, atol=2e-3)


def test_edges_and_the_dead_electrode_of_a_long_recording_are_told(
    raw_bundle, tmp_path
):
    bio = sample_noise()
    bio[5] = 7.0
    path = write(tmp_path / "noise_raw.fif", bio)

    table = predict(raw_bundle, RecordingInput(bio=path)).table

    assert len(table) == SECONDS
    assert table["filter_edge"].tolist() == [1, 1, *[0] * (SECONDS - 4), 1, 1]
    assert set(table["bad_channels"]) == {NAMES[5]}


def test_artefacts_are_removed_from_the_whole_recording_and_that_is_said(
    filmed_bundle, tmp_path
):
    def unmix(values):
        values.update(is_raw=True)
        values["recipe"]["artefacts"] = "icalabel"

    model = edit(filmed_bundle, tmp_path / "model", unmix)
    path = write(tmp_path / "noise_raw.fif", sample_noise(8))

    timeline = predict(model, RecordingInput(bio=path))

    said = "ICA needs all of the signals at once, which are held in memory"
    assert said in timeline.lines()
    assert timeline.table["valence"].notna().all()


def test_channels_are_bad_in_the_seconds_in_which_they_are(filmed_bundle, tmp_path):
    bio = sample_noise(12, sfreq=128)
    bio[NAMES.index("Cz"), 3 * 128 : 5 * 128] = 4.0
    bio[NAMES.index("F3"), 4 * 128 + 60] = np.nan
    bio[NAMES.index("GSR"), 6 * 128 : 8 * 128] = 4.0  # skin may rest that long
    path = write(tmp_path / "some_raw.fif", bio, 128)

    table = predict(filmed_bundle, RecordingInput(bio=path)).table

    wanted = [""] * 12
    wanted[3:5] = ["Cz", "F3 Cz"]
    assert table["bad_channels"].tolist() == wanted
    assert table["valence"].notna().all()


def test_a_skin_that_never_changes_is_no_skin(filmed_bundle, tmp_path):
    bio = sample_noise(8, sfreq=128)
    bio[NAMES.index("GSR")] = 4.0
    path = write(tmp_path / "some_raw.fif", bio, 128)

    table = predict(filmed_bundle, RecordingInput(bio=path)).table

    assert set(table["bad_channels"]) == {"GSR"}


@pytest.mark.parametrize("lost", [np.nan, 3.0])
def test_a_stream_that_drops_out_midway_leaves_the_others_to_answer(
    dropout_bundle, tmp_path, lost
):
    bio = sample_noise(12, sfreq=128)
    bio[:N_EEG, 4 * 128 : 6 * 128] = lost
    bio[N_EEG:, 8 * 128 : 10 * 128] = np.nan
    path = write(tmp_path / "some_raw.fif", bio, 128)
    video = write_video(
        tmp_path / "face.mkv", (sample_portrait() for _ in range(100)), fps=10
    )

    table = predict(dropout_bundle, RecordingInput(video=video, bio=path)).table

    assert table["streams"].tolist() == (
        ["face+bio"] * 4
        + ["face+peripheral"] * 2
        + ["face+bio"] * 2
        + ["face+eeg"] * 2
        + ["face+bio"]  # the face goes on for a second
        + ["bio"]
    )
    assert table["valence"].notna().all()


def test_what_is_left_scores_as_if_the_rest_had_never_been_there(
    dropout_bundle, tmp_path
):
    bio = sample_noise(6, sfreq=128)
    lossy = bio.copy()
    lossy[N_EEG:] = np.nan
    whole = write(tmp_path / "lossy_raw.fif", lossy, 128)
    eeg = write_fif(tmp_path / "eeg_raw.fif", bio[:N_EEG], CHANNELS[:N_EEG])

    lost, alone = (
        predict(dropout_bundle, RecordingInput(bio=path)).table for path in (whole, eeg)
    )

    assert set(lost["streams"]) == {"eeg"}
    np.testing.assert_allclose(lost["valence"], alone["valence"], atol=1e-6)


def test_a_moment_lost_at_rest_does_not_cost_the_channel(filmed_bundle, tmp_path):
    bio = sample_noise(8, sfreq=128)
    holed = bio.copy()
    holed[:, 10:12] = np.nan
    whole, lossy = (
        open_with(filmed_bundle, write(tmp_path / f"{name}_raw.fif", signals, 128))
        for name, signals in (("whole", bio), ("holed", holed))
    )

    (wanted, _), (read, bad) = (signals.read(0, 8) for signals in (whole, lossy))

    for stream, array in read.items():
        assert bad[stream].all(axis=1).tolist() == [True, *[False] * 7]
        np.testing.assert_allclose(array[1:], wanted[stream][1:], atol=0.5)


def test_seconds_have_their_own_slope_and_offset_and_keep_their_labels(
    filmed_bundle, tmp_path
):
    def calibrate(values):
        for network in values["networks"]:
            for answer in network["answers"]:
                answer["calibration"] = Calibrations(
                    segment=Calibration(0.4, -1.0), trial=Calibration(3.0, 2.0)
                ).to_dict()

    path = write(tmp_path / "some_raw.fif", sample_noise(5, sfreq=128), 128)
    plain = predict(filmed_bundle, RecordingInput(bio=path)).table
    model = edit(filmed_bundle, tmp_path / "model", calibrate)

    table = predict(model, RecordingInput(bio=path)).table

    wanted = expit(0.4 * logit(plain["valence"]) - 1)
    np.testing.assert_allclose(table["valence"], wanted, atol=1e-9)
    assert table["valence_label"].tolist() == plain["valence_label"].tolist()


def test_progress_is_told_in_seconds_and_ends_with_all(filmed_bundle, tmp_path):
    path = write(tmp_path / "some_raw.fif", sample_noise(150, sfreq=128), 128)
    told = []

    predict(
        filmed_bundle, RecordingInput(bio=path), progress=lambda *at: told.append(at)
    )

    assert told == [(0.0, 150.0), (64.0, 150.0), (128.0, 150.0), (150.0, 150.0)]


def test_a_loaded_model_gives_the_table_of_the_command(filmed_bundle, tmp_path):
    path = write(tmp_path / "some_raw.fif", sample_noise(5, sfreq=128), 128)

    table = deepvanet.load(str(filmed_bundle)).predict(bio=str(path))

    assert tuple(table.columns) == TIMELINE_COLUMNS
    wanted = predict(filmed_bundle, RecordingInput(bio=path)).table
    pd.testing.assert_frame_equal(table, wanted)
    with pytest.raises(UserError, match="nowhere: no bundle here"):
        deepvanet.load(tmp_path / "nowhere")


def test_importing_the_package_loads_no_array_library():
    code = "import deepvanet, sys; print({'numpy', 'torch'} & set(sys.modules))"

    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert said.stdout.strip() == "set()"


PEAK = """
import sys
from pathlib import Path
from deepvanet.inference import RecordingInput, predict
model, video, bio = map(Path, sys.argv[1:])
table = predict(model, RecordingInput(video=video, bio=bio)).table
status = Path("/proc/self/status").read_text()
print(len(table), int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the peak")
@pytest.mark.long
def test_an_hour_needs_no_more_memory_than_five_minutes(raw_bundle, tmp_path):
    peak = {}
    for minutes in (5, 60):
        files = (
            write_long_video(tmp_path / f"{minutes}.mp4", minutes=minutes),
            write_long_bdf(tmp_path / f"{minutes}.bdf", minutes=minutes),
        )
        said = subprocess.run(
            [sys.executable, "-c", PEAK, raw_bundle, *files],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert int(said[0]) == minutes * 60
        peak[minutes] = float(said[1])

    # an hour of signals alone is 150 MB, of crops 220 MB
    assert peak[60] - peak[5] < 100, peak
