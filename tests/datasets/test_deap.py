"""Tests of :mod:`deepvanet.datasets.deap.reader`."""

import csv
import pickle

import numpy as np
import pytest

from deepvanet.datasets import find_data_set
from deepvanet.datasets.deap import reader as deap
from deepvanet.preprocessing.video import probe
from deepvanet.schema import Stream, Target, UserError
from small_deap import HEADER, film_trial, pickle_as_python_2, write_ratings


def read_rows(root) -> list[list[str]]:
    with deap.ratings_file(root).open(newline="") as file:
        return list(csv.reader(file))[1:]


def write_signals(root, **arrays) -> None:
    deap.signals_file(root, "01").write_bytes(pickle_as_python_2(arrays))


def read_all(root, subject="01"):
    return list(deap.read_subject(root, subject))


def test_trials_come_in_viewing_order_with_the_signals_of_their_experiment(tiny_deap):
    root = tiny_deap(n_trials=4)
    stream = deap.signals_file(root, "01").read_bytes()
    signals = pickle.loads(stream, encoding="latin1")["data"]

    trials = read_all(root)

    assert [t.trial for t in trials] == ["01", "02", "03", "04"]
    assert [t.stimulus for t in trials] == ["02", "03", "04", "01"]
    for trial, row in zip(trials, read_rows(root), strict=False):
        np.testing.assert_array_equal(trial.bio, signals[int(trial.stimulus) - 1])
        assert trial.ratings == {
            Target.VALENCE: float(row[4]),
            Target.AROUSAL: float(row[5]),
        }


def test_trial_says_what_its_numbers_are(tiny_deap):
    trial = read_all(tiny_deap(n_subjects=1, seconds=2))[0]

    assert trial.bio.shape == (40, (3 + 2) * 128)
    assert (trial.sfreq, trial.baseline_s, trial.fps) == (128, 3, 50)
    assert [c.name for c in trial.channels[:4]] == ["Fp1", "AF3", "F3", "F7"]
    assert [c.name for c in trial.channels[30:]] == [
        *("PO4", "O2", "hEOG", "vEOG", "zEMG", "tEMG"),
        *("GSR", "Respiration", "Plethysmograph", "Temperature"),
    ]
    assert len({c.name for c in trial.channels}) == 40
    assert sum(c.stream is Stream.EEG for c in trial.channels) == 32
    assert trial.channels[36].unit == "Ohm"
    assert {c.unit for c in trial.channels[:36]} == {"uV"}


def test_videos_are_joined_by_trial_and_not_by_row(tiny_deap):
    root = tiny_deap(n_subjects=1, n_trials=3, seconds=1, videos=True)
    deap.list_videos(root, "01")[2].unlink()

    trials = read_all(root)

    names = [trial.video and trial.video.name for trial in trials]
    assert names == ["s01_trial01.avi", None, "s01_trial03.avi"]
    assert probe(trials[0].video).n_packets == round(50 * 59.05 / 60)


@pytest.mark.parametrize(
    "name", ["S01_TRIAL03.AVI", "s01_trial_03.avi", "s1_trial3.avi"]
)
def test_video_names_may_differ_in_case_zeros_and_underscore(tiny_deap, name):
    root = tiny_deap(n_subjects=1, n_trials=3, seconds=1)
    video = film_trial(root, 1, 3, seconds=1)

    video.rename(video.with_name(name))

    assert read_all(root)[2].video.name == name


def test_subjects_never_filmed_stay_in_without_video(tiny_deap):
    trials = read_all(tiny_deap(n_subjects=23, n_trials=2, seconds=1), "23")

    assert [trial.video for trial in trials] == [None, None]


def test_files_that_are_not_recordings_are_ignored(tiny_deap):
    root = tiny_deap(n_subjects=2, n_trials=2, seconds=1, videos=True)
    signals, videos = root / "data_preprocessed_python", root / "face_video" / "s01"
    for name in (
        ".DS_Store",
        "._s01.dat",
        "s33.dat",
        "s00.dat",
        "s03.dat.bak",
        "s3.dat",
    ):
        (signals / name).write_bytes(b"x")
    (signals / "s04.dat").mkdir()
    for name in (
        "._s01_trial01.avi",
        "Thumbs.db",
        "s02_trial02.avi",
        "s01_trial02.mp4",
    ):
        (videos / name).write_bytes(b"x")
    (videos / "s01_trial09.avi").mkdir()

    assert deap.list_subjects(root) == ["01", "02"]
    assert list(deap.list_videos(root, "01")) == [1, 2]


def test_subjects_come_in_the_order_of_their_numbers(tiny_deap):
    root = tiny_deap(n_subjects=1, n_trials=2, seconds=1)
    first = deap.signals_file(root, "01")
    for subject in ("32", "10", "02"):
        deap.signals_file(root, subject).write_bytes(first.read_bytes())

    assert deap.list_subjects(root) == ["01", "02", "10", "32"]


def test_input_files_are_the_signals_the_ratings_and_the_videos(tiny_deap):
    root = tiny_deap(n_subjects=2, n_trials=2, seconds=1, videos=True)

    files = [path.relative_to(root).as_posix() for path in deap.input_files(root, "02")]

    assert files == [
        "data_preprocessed_python/s02.dat",
        "metadata_csv/participant_ratings.csv",
        "face_video/s02/s02_trial01.avi",
        "face_video/s02/s02_trial02.avi",
    ]


def test_deap_is_a_layout_by_name(tiny_deap):
    root = tiny_deap()

    assert find_data_set("deap").load_reader().list_subjects(root) == ["01", "02"]


def test_one_trial_is_read_by_its_place_in_viewing_order(tiny_deap):
    root = tiny_deap(n_trials=4)
    path = deap.signals_file(root, "02")

    trial = deap.read_file(path, "3")

    np.testing.assert_array_equal(trial.bio, read_all(root, "02")[2].bio)
    with pytest.raises(UserError, match=r"unknown trial '07'.* Known: 01, 02, 03, 04"):
        deap.read_file(path, "7")
    with pytest.raises(
        UserError, match=r"other\.dat: must lie where it was downloaded"
    ):
        deap.read_file(path.rename(root / "other.dat"), "3")


def test_missing_folders_are_named(tiny_deap, tmp_path):
    with pytest.raises(UserError, match="nowhere: no such folder"):
        deap.list_subjects(tmp_path / "nowhere")
    with pytest.raises(UserError, match="data_preprocessed_python is missing"):
        deap.list_subjects(tmp_path)
    root = tiny_deap(n_subjects=1)
    deap.signals_file(root, "01").unlink()
    with pytest.raises(UserError, match=r"data_preprocessed_python: no subject"):
        deap.list_subjects(root)
    with pytest.raises(UserError, match=r"s01\.dat: cannot be read: No such file"):
        deap.read_subject(root, "01")


@pytest.mark.parametrize("n_bytes", [0, 1000, -1])
def test_empty_and_truncated_signals_are_refused(tiny_deap, n_bytes):
    root = tiny_deap(n_subjects=1)
    path = deap.signals_file(root, "01")
    path.write_bytes(path.read_bytes()[:n_bytes])

    with pytest.raises(UserError, match=r"s01\.dat: not a pickle of arrays: "):
        deap.read_subject(root, "01")


def test_signals_that_would_run_code_are_refused(tiny_deap):
    root = tiny_deap(n_subjects=1)
    deap.signals_file(root, "01").write_bytes(pickle.dumps({"data": print}))

    with pytest.raises(
        UserError, match=r"s01\.dat: .*refused to load 'builtins.print'"
    ):
        deap.read_subject(root, "01")


LABELS = np.full((2, 4), 5.0)
SIGNALS = np.zeros((2, 40, 640))
WRONG_ARRAYS = {
    "no labels": ({"data": SIGNALS}, "array 'labels' is missing, got 'data'"),
    "no data": ({"dat": SIGNALS}, "array 'data' is missing, got 'dat'"),
    "nothing": ({}, "array 'data' is missing, got nothing"),
    "one trial without its axis": (
        {"data": SIGNALS[0], "labels": LABELS},
        r"\(trials, 40, samples\), got \(40, 640\)",
    ),
    "the channels of the raw files": (
        {"data": np.zeros((2, 48, 640)), "labels": LABELS},
        r"\(trials, 40, samples\), got \(2, 48, 640\)",
    ),
    "less than a second of stimulus": (
        {"data": SIGNALS[..., :511], "labels": LABELS},
        "must last 4 s at 128 Hz or longer, got 511 samples",
    ),
    "labels of fewer trials": (
        {"data": SIGNALS, "labels": LABELS[:1]},
        r"labels must be of shape \(2, 4\), got \(1, 4\)",
    ),
    "labels of two targets": (
        {"data": SIGNALS, "labels": LABELS[:, :2]},
        r"labels must be of shape \(2, 4\), got \(2, 2\)",
    ),
}


@pytest.mark.parametrize(
    ("arrays", "message"), WRONG_ARRAYS.values(), ids=WRONG_ARRAYS.keys()
)
def test_signals_of_another_shape_are_refused(tiny_deap, arrays, message):
    root = tiny_deap(n_subjects=1, n_trials=2)
    write_signals(root, **arrays)

    with pytest.raises(UserError, match=rf"s01\.dat: .*{message}"):
        deap.read_subject(root, "01")


def test_whole_numbers_are_read_as_fractions(tiny_deap):
    root = tiny_deap(n_subjects=1, n_trials=2)
    write_signals(root, data=SIGNALS.astype("i2"), labels=LABELS)

    assert read_all(root)[0].bio.dtype == np.float64


def change(rows, row, column, text):
    """Return the rows with one cell changed."""
    changed = [list(cells) for cells in rows]
    changed[row][HEADER.index(column)] = text
    return changed


WRONG_ROWS = {
    "above": (
        lambda r: change(r, 1, "Valence", "9.1"),
        r"line 3: Valence .* got '9.1'",
    ),
    "below": (lambda r: change(r, 0, "Arousal", "0"), r"line 2: Arousal .* got '0'"),
    "blank": (
        lambda r: change(r, 0, "Arousal", ""),
        "Arousal must be a number .* got ''",
    ),
    "no number": (lambda r: change(r, 0, "Valence", "high"), "got 'high'"),
    "NaN": (lambda r: change(r, 0, "Valence", "nan"), "from 1 to 9, got 'nan'"),
    "decimal comma": (lambda r: change(r, 0, "Valence", "7,5"), "got '7,5'"),
    "a trial without a number": (
        lambda r: change(r, 0, "Trial", "one"),
        "line 2: Trial must be a whole number, got 'one'",
    ),
    "a row cut short": (
        lambda r: [r[0], r[1][:5], *r[2:]],
        "line 3: Arousal must be a number from 1 to 9, got ''",
    ),
    "no row for a trial": (
        lambda r: r[:1] + r[2:],
        r"no row for Participant_id 1, Experiment_id 3, which s01\.dat holds",
    ),
    "no row at all": (lambda _: [], "no row for Participant_id 1, Experiment_id 1"),
    "a row twice": (
        lambda r: [r[0], *r],
        "line 3: Trial 1 of Participant_id 1 stands there twice",
    ),
    "an experiment twice": (
        lambda r: change(r, 1, "Experiment_id", "2"),
        "line 3: Experiment_id 2 of Participant_id 1 stands there twice",
    ),
    "an experiment too many": (
        lambda r: [*r, ["1", "5", "41", "0", "5", "5", "5", "5", ""]],
        r"line 6: Experiment_id must be 1 to 4, the trials of s01\.dat, got 41",
    ),
}


@pytest.mark.parametrize(
    ("edit", "message"), WRONG_ROWS.values(), ids=WRONG_ROWS.keys()
)
def test_ratings_that_do_not_fit_are_refused(tiny_deap, edit, message):
    root = tiny_deap(n_subjects=1, n_trials=4)
    write_ratings(root, edit(read_rows(root)))

    with pytest.raises(UserError, match=rf"participant_ratings\.csv.*{message}"):
        deap.read_subject(root, "01")


def test_bad_rating_of_another_subject_does_not_matter(tiny_deap):
    root = tiny_deap(n_subjects=2, n_trials=4)
    write_ratings(root, change(read_rows(root), 4, "Valence", "10"))

    assert len(read_all(root, "01")) == 4
    with pytest.raises(UserError, match="got '10'"):
        deap.read_subject(root, "02")


@pytest.mark.parametrize(
    ("column", "renamed", "message"),
    [
        ("Valence", "valence", "column Valence is missing, the nearest is 'valence'"),
        ("Experiment_id", "Experiment", r".*Experiment_id .*nearest is 'Experiment'"),
        ("Arousal", "x", "column Arousal is missing$"),
    ],
)
def test_renamed_column_is_refused_with_the_nearest(
    tiny_deap, column, renamed, message
):
    root = tiny_deap(n_subjects=1)
    header = [renamed if name == column else name for name in HEADER]
    write_ratings(root, read_rows(root), header=header)

    with pytest.raises(UserError, match=rf"participant_ratings\.csv: {message}"):
        deap.read_subject(root, "01")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "column Participant_id is missing"),
        (b"PK\x03\x04\xff\xfe", "not a table in CSV"),
        (None, "cannot be read: No such file"),
    ],
)
def test_ratings_that_cannot_be_read_are_refused(tiny_deap, content, message):
    root = tiny_deap(n_subjects=1)
    deap.ratings_file(root).unlink()
    if content is not None:
        deap.ratings_file(root).write_bytes(content)

    with pytest.raises(UserError, match=rf"participant_ratings\.csv: {message}"):
        deap.read_subject(root, "01")


def test_ratings_saved_with_a_byte_order_mark_are_read(tiny_deap):
    root = tiny_deap(n_subjects=1, n_trials=4)
    path = deap.ratings_file(root)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert len(read_all(root)) == 4


def test_two_videos_of_one_trial_are_refused(tiny_deap):
    root = tiny_deap(n_subjects=1, n_trials=2, seconds=1, videos=True)
    video = deap.list_videos(root, "01")[1]
    video.with_name("s01_trial_01.avi").write_bytes(video.read_bytes())

    with pytest.raises(UserError, match="a second video of the trial of"):
        deap.read_subject(root, "01")
