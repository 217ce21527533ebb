"""Tests of a user's own recordings, from their tables to a store and a score."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from scipy.signal import welch

from deepvanet.bundle import train_bundle
from deepvanet.cli import main
from deepvanet.config import (
    Execution,
    NetworkSettings,
    PrepareSettings,
    Segmenting,
    TrainSettings,
)
from deepvanet.datasets.recordings import reader as own_recordings
from deepvanet.findings import collect
from deepvanet.inference import RecordingInput, predict
from deepvanet.preparation.run import prepare, suggest_artefacts
from deepvanet.preprocessing.segments import cut_trials
from deepvanet.preprocessing.video import sample_frames
from deepvanet.schema import PAPER_STREAMS, Stream, Target, UserError
from deepvanet.store import open_store
from films import number_pictures, read_number, write_video
from portraits import film_portrait, sample_portrait
from small_recordings import (
    EEG,
    LABELS,
    sample_bio,
    write_edf,
    write_trials,
    write_xdf,
)

DEFAULTS = PrepareSettings()
ALONE = Execution()


def read_all(root, subject):
    return list(own_recordings.read_recordings(root, subject))


def trial(number, subject="a", **cells):
    row = {"subject": subject, "trial": number, "stimulus": f"clip{number}"}
    return row | {"valence": 7, "arousal": 3} | cells


def make_store(root, out, settings=DEFAULTS):
    return prepare("recordings", root, out, settings=settings, execution=ALONE)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """One subject with all streams, one without a video, one without signals.

    Subject a: an hour's worth in small: two trials in one BDF, a video of the whole.
    Subject b: EEG alone, and the skin in a table of another rate.
    Subject c: two videos, one that starts 1 s before its trial.
    """
    root = tmp_path_factory.mktemp("mixed")
    write_edf(root / "a.bdf", sample_bio(12))
    film_portrait(root / "films" / "a.mp4", n_frames=250, fps=25)
    write_edf(root / "b.edf", sample_bio(8)[:6], labels=EEG, units=["uV"] * 6)
    seconds = np.arange(500) / 50
    skin = pd.DataFrame({"time": seconds, "GSR [uS]": 5 + 0.01 * seconds, "ECG": 0.0})
    skin["ECG"] = 100 * np.sin(seconds)
    skin.to_csv(root / "b.csv", index=False)
    film_portrait(root / "films" / "c.mp4", n_frames=100, fps=25)
    rows = [
        trial(1, bio="a.bdf", video="films/a.mp4", onset_s=3, duration_s=3, note="x"),
        trial(2, bio="a.bdf", video="films/a.mp4", onset_s=7, duration_s=4, valence=2),
        trial(1, "b", bio="b.edf", peripheral="b.csv", onset_s=2, arousal=""),
        trial(1, "c", video="films/c.mp4", onset_s=1, duration_s=3),
    ]
    return write_trials(root / "trials.csv", rows)


@pytest.fixture(scope="module")
def mixed_store(mixed, tmp_path_factory):
    out = tmp_path_factory.mktemp("store") / "store"
    command = ["prepare", "recordings", str(mixed), "--out", str(out), "--jobs", "1"]
    assert main(command) == 0
    return out


def test_a_mixed_table_becomes_a_store_in_which_rows_have_what_was_recorded(
    mixed_store,
):
    store = open_store(mixed_store).cut()

    counts = store.table.groupby(["subject", "trial"])[
        [f"has_{stream}" for stream in PAPER_STREAMS]
    ].sum()
    assert counts.to_numpy().tolist() == [[3, 3, 3], [4, 4, 4], [0, 6, 6], [3, 0, 0]]
    assert [c.name for c in store.manifest.channels] == list(LABELS)
    rows = store.rows_with([Stream.EEG])
    assert store.read(Stream.EEG, rows).shape == (13, 6, 128)
    assert store.table["valence"].dropna().unique().tolist() == [7.0, 2.0]
    of_b = store.table[store.table["subject"] == "b"]
    assert of_b["arousal"].isna().all()


def test_prepare_ends_with_what_each_stream_covers(mixed, tmp_path, capsys):
    out = str(tmp_path / "store")
    command = ["prepare", "recordings", str(mixed), "--out", out, "--jobs", "1"]

    assert main(command) == 0

    said = capsys.readouterr().out
    assert "streams: face in 10 seconds, eeg in 13 of them, peripheral in 13" in said
    assert "1 trial has no video: it stays in, without a face stream" in said
    assert "1 trial has no eeg stream" in said
    assert "1 trial has no peripheral stream" in said


def test_columns_that_mean_nothing_here_are_kept_with_the_trials(mixed_store):
    table = pd.read_csv(mixed_store / "subjects" / "a" / "trials.csv")

    assert table["note"].tolist()[:1] == ["x"]
    assert table["duration_s"].tolist() == [3, 4]


def test_input_files_are_named_by_their_places_beside_the_table(mixed_store):
    record = json.loads((mixed_store / "subjects" / "a" / "subject.json").read_text())

    assert set(record["inputs"]) == {"trials.csv", "a.bdf", "films/a.mp4"}


def test_the_eeg_is_filtered_and_the_rest_resampled(mixed_store, mixed):
    store = open_store(mixed_store).cut()
    rows = np.flatnonzero((store.table["subject"] == "a").to_numpy())

    eeg = np.concatenate(list(store.read(Stream.EEG, rows)), axis=1)
    frequency, power = welch(eeg, 128, nperseg=128)

    assert power[:, frequency > 55].mean() < 1e-2 * power[:, 20].mean()
    skin = store.read(Stream.PERIPHERAL, rows[:3])[:, 1]
    seconds = 3 + np.arange(384) / 128
    expected = 5 + np.sin(seconds)
    np.testing.assert_allclose(skin.reshape(-1), expected, atol=0.01)
    assert mixed.is_file()


def test_a_prepared_store_of_recordings_is_left_alone_until_a_file_changes(
    mixed, tmp_path
):
    root = shutil.copytree(mixed.parent, tmp_path / "copy") / "trials.csv"
    make_store(root, tmp_path / "store")

    assert make_store(root, tmp_path / "store").n_done_before == 3
    write_edf(
        root.parent / "b.edf", sample_bio(8, seed=1)[:6], labels=EEG, units=["uV"] * 6
    )
    assert make_store(root, tmp_path / "store").n_done_before == 2


def test_files_may_lie_anywhere_seen_from_the_table(tmp_path):
    (tmp_path / "tables").mkdir()
    write_edf(tmp_path / "a.edf", sample_bio(4))
    rows = [trial(1, bio="../a.edf")]
    root = write_trials(tmp_path / "tables" / "trials.csv", rows)

    make_store(root, tmp_path / "store")

    assert make_store(root, tmp_path / "store").n_done_before == 1


def test_trials_are_found_by_their_markers(tmp_path):
    markers = [(1.0, 0.0, "sad"), (3.0, 2.5, "happy"), (6.0, 2.0, "sad")]
    write_edf(tmp_path / "a.edf", sample_bio(10), markers=markers)
    rows = [
        trial(1, bio="a.edf", marker="sad", duration_s=2),
        trial(2, bio="a.edf", marker="happy"),
        trial(3, bio="a.edf", marker="sad", duration_s=2),
    ]
    root = write_trials(tmp_path / "trials.csv", rows)

    (recording,) = read_all(root, "a")

    places = [(s.trial, s.onset_s, s.end_s) for s in recording.spans]
    assert places == [("1", 1.0, 3.0), ("2", 3.0, 5.5), ("3", 6.0, 8.0)]


def test_codes_of_a_trigger_channel_are_markers_too(shared_data, tmp_path):
    folder = shared_data / "physio/mne_testdata/mne-testing-data/BDF"
    rows = [trial(1, bio="a.bdf", marker="no such code")]
    shutil.copy(folder / "test_bdf_stim_channel.bdf", tmp_path / "a.bdf")
    root = write_trials(tmp_path / "trials.csv", rows)

    with pytest.raises(
        UserError, match=r"marker 'no such code' occurs 0 times .*; the file has \d+"
    ):
        read_all(root, "a")


def test_a_marker_that_stands_more_often_than_rows_name_it_is_refused(tmp_path):
    markers = [(1.0, 0.0, "sad"), (3.0, 0.0, "sad")]
    write_edf(tmp_path / "a.edf", sample_bio(6), markers=markers)
    rows = [trial(1, bio="a.edf", marker="sad", duration_s=2)]
    root = write_trials(tmp_path / "trials.csv", rows)

    with pytest.raises(
        UserError, match=r"line 2: marker 'sad' occurs 2 times in .*, but 1 row names"
    ):
        read_all(root, "a")


@pytest.mark.parametrize(
    ("cells", "onset"),
    [({}, 4.0), ({"video_offset_s": 1.5}, 2.5), ({"video_marker": "rolling"}, 3.0)],
)
def test_a_video_is_aligned_by_an_offset_or_a_marker(tmp_path, cells, onset):
    write_edf(tmp_path / "a.edf", sample_bio(8), markers=[(1.0, 0.0, "rolling")])
    film_portrait(tmp_path / "a.mp4", n_frames=10)
    rows = [trial(1, bio="a.edf", video="a.mp4", onset_s=4, duration_s=2, **cells)]
    root = write_trials(tmp_path / "trials.csv", rows)

    (recording,) = read_all(root, "a")

    assert recording.spans[0].video_onset_s == onset


def test_one_marker_may_stand_for_a_video_of_several_trials(tmp_path):
    write_edf(tmp_path / "a.edf", sample_bio(8), markers=[(1.0, 0.0, "rolling")])
    film_portrait(tmp_path / "a.mp4", n_frames=10)
    film = {"bio": "a.edf", "video": "a.mp4", "video_marker": "rolling"}
    rows = [trial(k, onset_s=2 * k, duration_s=1, **film) for k in (1, 2)]
    root = write_trials(tmp_path / "trials.csv", rows)

    (recording,) = read_all(root, "a")

    assert [span.video_onset_s for span in recording.spans] == [1.0, 3.0]


def test_an_xdf_goes_the_whole_way_with_a_video_that_its_stamps_place(tmp_path):
    times = 700 + np.arange(10 * 128) / 128
    eeg = sample_bio(10, sfreq=128, labels=EEG)
    skin = 5 + np.sin(np.arange(10 * 16) / 16)
    write_xdf(
        tmp_path / "a.xdf",
        [
            {
                "name": "Cap",
                "type": "EEG",
                "times": times,
                "values": eeg.T,
                "rate": 128,
                "labels": EEG,
                "units": ["microvolts"] * 6,
            },
            {
                "name": "Skin",
                "type": "EDA",
                "rate": 16,
                "labels": ["EDA"],
                "times": 700 + np.arange(160) / 16,
                "values": skin[:, None],
                "units": ["uS"],
                "clock": -50.0,
            },
            {
                "name": "Task",
                "type": "Markers",
                "times": [703.0, 706.0],
                "values": ["clip", "clip"],
            },
            {
                "name": "Webcam",
                "type": "frames",
                "rate": 25,
                "times": 701 + np.arange(200) / 25,
                "values": np.arange(200.0)[:, None],
            },
        ],
    )
    (tmp_path / "recordings.toml").write_text(
        'baseline_s = 2\n[xdf]\nvideo = "Webcam"\n'
    )
    film_portrait(tmp_path / "a.mp4", n_frames=200, fps=25)
    rows = [
        trial(k, bio="a.xdf", video="a.mp4", marker="clip", duration_s=2)
        for k in (1, 2)
    ]
    root = write_trials(tmp_path / "trials.csv", rows)

    (recording,) = read_all(root, "a")
    made = make_store(root, tmp_path / "store")

    assert [(s.onset_s, s.video_onset_s) for s in recording.spans] == [
        (pytest.approx(3.0), pytest.approx(2.0)),
        (pytest.approx(6.0), pytest.approx(5.0)),
    ]
    assert made.trials["n_segments_with_face"].tolist() == [2, 2]
    assert made.trials["n_segments_with_peripheral"].tolist() == [2, 2]
    store = open_store(tmp_path / "store").cut()
    skin_found = store.read(Stream.PERIPHERAL, np.arange(4)).reshape(2, -1)
    mean = np.sin(np.arange(1, 3, 1 / 128)).mean()
    expected = np.sin(3 + np.arange(256) / 128) - mean
    np.testing.assert_allclose(skin_found[0], expected, atol=0.05)


def test_what_turns_and_runs_unevenly_is_read_as_it_is_shown(tmp_path):
    """A phone's video: turned by a quarter, frames at uneven steps."""
    stamps = [0, 40, 100, 140, 220, 260, 400, 440, 500, 580, 700, 800, 900, 1000, 1100]
    write_video(
        tmp_path / "a.mp4",
        (np.rot90(sample_portrait()) for _ in stamps),
        stamps_ms=stamps,
        rotation=-90,
    )
    rows = [trial(1, video="a.mp4", duration_s=1)]
    root = write_trials(tmp_path / "trials.csv", rows)

    made = make_store(root, tmp_path / "store")

    assert made.trials["n_faces_found"].tolist() == [5]
    assert made.trials["n_segments_with_face"].tolist() == [1]


def test_ratings_of_another_range_are_mapped_to_1_to_9(tmp_path):
    write_edf(tmp_path / "a.edf", sample_bio(8))
    (tmp_path / "recordings.toml").write_text("rating_range = [0, 100]\n")
    rows = [
        trial(k, bio="a.edf", onset_s=k, duration_s=1, valence=v, arousal="")
        for k, v in enumerate([0, 50, 75, 100])
    ]
    root = write_trials(tmp_path / "trials.csv", rows)

    (recording,) = read_all(root, "a")

    assert [s.ratings for s in recording.spans] == [
        {Target.VALENCE: v} for v in (1.0, 5.0, 7.0, 9.0)
    ]


def test_trials_that_cannot_be_used_are_left_out_and_noted(tmp_path):
    write_edf(tmp_path / "a.edf", sample_bio(10))
    (tmp_path / "recordings.toml").write_text("baseline_s = 2\n")
    rows = [
        trial(1, bio="a.edf", onset_s=1, duration_s=2),
        trial(2, bio="a.edf", onset_s=3, duration_s=2),
        trial(3, bio="a.edf", onset_s=8, duration_s=4),
        trial(4, bio="a.edf", onset_s=9.5, duration_s=4),
        trial(5, bio="a.edf", onset_s=3, duration_s=2, valence="", arousal=""),
    ]
    root = write_trials(tmp_path / "trials.csv", rows)

    with collect() as found:
        (recording,) = read_all(root, "a")

    assert [(s.trial, s.onset_s, s.end_s) for s in recording.spans] == [
        *[("2", 3.0, 5.0), ("3", 8.0, 10.0)]
    ]
    assert [(f.code, f.sentence) for f in found if f.code in ("R06", "T12")] == [
        (
            "R06",
            "1 trial has no rating and is left out: subject a trial 5",
        ),
        (
            "T12",
            "subject a trial 1 is left out: it starts at 1 s, before 2 s of rest",
        ),
        (
            "T12",
            "subject a trial 3 lacks its last 2 s: the signals end there",
        ),
        (
            "T12",
            "subject a trial 4 is left out: less than 1 s of it lie in 10 s of signals",
        ),
    ]


def test_a_subject_without_any_trial_of_use_is_refused(tmp_path):
    write_edf(tmp_path / "a.edf", sample_bio(4))
    rows = [trial(1, bio="a.edf", onset_s=9)]
    root = write_trials(tmp_path / "trials.csv", rows)

    with pytest.raises(UserError, match="no trial of subject a can be used: trial 1"):
        read_all(root, "a")


@pytest.mark.parametrize("labels", [["Fp1"], ["GSR"], ["Fp1", "Fp2"]])
def test_one_channel_is_enough_and_keeps_its_reference(tmp_path, labels):
    bio = sample_bio(6, labels=labels)
    units = ["uS" if label == "GSR" else "uV" for label in labels]
    write_edf(tmp_path / "a.edf", bio, labels=labels, units=units)
    root = write_trials(tmp_path / "trials.csv", [trial(1, bio="a.edf")])

    make_store(root, tmp_path / "store")

    store = open_store(tmp_path / "store").cut()
    stream = Stream.PERIPHERAL if labels == ["GSR"] else Stream.EEG
    stored = store.read(stream, np.arange(6))
    assert stored.shape == (6, len(labels), 128)
    assert stored.std() > (0.1 if labels == ["GSR"] else 5)


def test_no_rest_cannot_be_subtracted(tmp_path):
    write_edf(tmp_path / "a.edf", sample_bio(4))
    root = write_trials(tmp_path / "trials.csv", [trial(1, bio="a.edf")])

    make_store(root, tmp_path / "store")

    with pytest.raises(UserError, match=r"baseline: mean needs seconds .*1 of 1"):
        open_store(tmp_path / "store").cut(Segmenting(baseline="mean"))


def test_artefacts_are_removed_from_own_recordings_only_when_asked():
    assert suggest_artefacts("recordings") == suggest_artefacts("bids") == "none"
    assert suggest_artefacts("mahnob") == "icalabel"


def test_a_bundle_of_own_recordings_predicts_an_xdf_and_a_table_alike(tmp_path):
    """The same numbers in three formats give the same scores."""
    labels = (*EEG, "GSR")
    for k in range(4):
        bio = sample_bio(5, labels=labels, sfreq=128, seed=k)
        write_edf(
            tmp_path / f"{k}.edf",
            bio,
            labels=labels,
            units=["uV"] * 6 + ["uS"],
            sfreq=128,
        )
    rows = [trial(k, bio=f"{k}.edf", valence=(2, 8)[k % 2]) for k in range(4)]
    root = write_trials(tmp_path / "trials.csv", rows)
    make_store(root, tmp_path / "store")
    settings = TrainSettings(
        targets=("valence",),
        streams=("bio",),
        cross_validate=False,
        network=NetworkSettings(epochs=1),
    )
    train_bundle(
        tmp_path / "store", tmp_path / "model", settings=settings, execution=ALONE
    )
    times = np.arange(640) / 128
    (tmp_path / "other").mkdir()
    csv, xdf = tmp_path / "other" / "a.csv", tmp_path / "other" / "a.xdf"
    table = pd.DataFrame(dict(zip(labels, bio, strict=True)))
    table.assign(time=times).to_csv(csv, index=False)
    streams = {"name": "Cap", "type": "EEG", "times": times, "values": bio.T}
    units = ["microvolts"] * 6 + ["microsiemens"]
    write_xdf(xdf, [{**streams, "rate": 128, "labels": labels, "units": units}])

    scores = [
        predict(tmp_path / "model", RecordingInput(bio=path)).table["valence"]
        for path in (tmp_path / "3.edf", csv, xdf)
    ]

    assert scores[0].notna().all()
    for others in scores[1:]:
        np.testing.assert_allclose(others, scores[0], atol=2e-3)


def test_frames_are_taken_from_where_a_trial_lies_in_its_video(tmp_path):
    """The video starts at second 1 of the signals, so second 3 is its frame 40."""
    write_edf(tmp_path / "a.edf", sample_bio(8))
    write_video(tmp_path / "a.mp4", number_pictures(range(120)), fps=20)
    rows = [
        trial(1, bio="a.edf", video="a.mp4", onset_s=3, duration_s=2, video_offset_s=1)
    ]
    root = write_trials(tmp_path / "trials.csv", rows)

    (cut,) = cut_trials(read_all(root, "a")[0])
    frames = sample_frames(cut.video, fps=5.0, n_frames=10, start_s=cut.video_onset_s)

    assert [read_number(f.rgb) for f in frames] == list(range(40, 80, 4))
