"""Tests of :mod:`deepvanet.datasets`."""

import pickle

import numpy as np
import pytest

from deepvanet.config import Execution
from deepvanet.datasets import check
from deepvanet.datasets.deap import reader as deap
from deepvanet.findings import Severity, list_some
from deepvanet.schema import UserError
from inspections import find_table, list_texts
from small_deap import NEVER_FILMED, film_trial, pickle_as_python_2, write_ratings


def find_one(inspection, severity, part: str) -> str:
    """Return the only finding of a severity that holds a text."""
    (found,) = [t for t in list_texts(inspection, severity) if part in t]
    return found


def take_column(table, name: str) -> list:
    return [row[table.columns.index(name)] for row in table.rows]


def change_signals(root, subject: str, change) -> None:
    """Rewrite a subject's arrays as ``change(data, labels)`` leaves them."""
    path = deap.signals_file(root, subject)
    arrays = pickle.loads(path.read_bytes(), encoding="latin1")
    arrays = {name: array.copy() for name, array in arrays.items()}
    change(arrays["data"], arrays["labels"])
    path.write_bytes(pickle_as_python_2(arrays))


def read_values(root) -> list[list[str]]:
    return [list(row.values.values()) for row in deap.read_ratings(root)]


def test_copy_as_documented_has_nothing_wrong(tiny_deap):
    root = tiny_deap(n_subjects=2, n_trials=8, seconds=2, videos=True)

    inspection = check("deap", root)

    assert not inspection.errors
    odd = {f.code for f in inspection.findings if f.severity is not Severity.NOTE}
    assert odd == {"V05"}  # their videos show numbers
    subjects, videos, channels, ratings = inspection.tables
    assert len(videos.rows) == 16
    assert take_column(subjects, "subject") == ["01", "02"]
    assert take_column(subjects, "samples") == [640, 640]
    assert take_column(subjects, "seconds") == ["3 + 2", "3 + 2"]
    assert take_column(subjects, "videos") == ["8 of 8", "8 of 8"]
    assert take_column(channels, "channel") == [c.name for c in deap.CHANNELS]
    assert take_column(ratings, ">= 5 in the table") == ["8 of 16"] * 4
    assert all(len(row) == len(t.columns) for t in inspection.tables for row in t.rows)


def test_channels_are_described_over_all_subjects(tiny_deap):
    root = tiny_deap(n_subjects=2, n_trials=3, seconds=2)
    files = [deap.signals_file(root, subject).read_bytes() for subject in ("01", "02")]
    both = np.concatenate(
        [pickle.loads(file, encoding="latin1")["data"] for file in files]
    )

    (channels,) = (t for t in check("deap", root).tables if t.title == "Channels")

    low, median, high = np.percentile(both[:, 36], [25, 50, 75])
    gsr = dict(zip(channels.columns, channels.rows[36], strict=True))
    assert float(gsr["median"]) == pytest.approx(median, rel=1e-3)
    assert float(gsr["IQR"]) == pytest.approx(high - low, rel=0.1)
    assert gsr["unit"] == "Ohm"


def test_result_does_not_depend_on_the_number_of_processes(tiny_deap):
    root = tiny_deap(n_subjects=2, n_trials=2, seconds=1)

    alone, together = (
        check("deap", root, execution=Execution(jobs=jobs)) for jobs in (1, 2)
    )

    assert alone == together


def test_channels_that_are_flat_or_not_finite_are_named(tiny_deap):
    root = tiny_deap(n_subjects=1, n_trials=4)

    def damage(data, _):
        data[0, 7] = 3.5  # experiment 1 was trial 4
        data[1, 32, 100] = np.nan
        data[2, 0, 0] = np.inf
        data[:, 39] = 0

    change_signals(root, "01", damage)

    inspection = check("deap", root)

    assert find_one(inspection, Severity.WARNING, "never change") == (
        "s01: 5 of 160 channels never change (40 channels x 4 trials): trial 04 T7, "
        "trial 04 Temperature, trial 01 Temperature, trial 02 Temperature, trial 03 "
        "Temperature"
    )
    assert find_one(inspection, Severity.WARNING, "no numbers") == (
        "s01: 2 of 160 channels have samples that are no numbers (40 channels x 4 "
        "trials): trial 01 hEOG, trial 02 Fp1"
    )
    assert not inspection.errors


def test_channel_without_one_number_is_described_as_nothing(tiny_deap):
    root = tiny_deap(n_subjects=1, n_trials=2, seconds=1)

    def damage(data, _):
        data[:, :32] = np.nan

    change_signals(root, "01", damage)

    row = find_table(check("deap", root), "Channels")["Fp1"]
    assert (row["median"], row["IQR"]) == ("-", "-")


def test_resistance_that_is_not_positive_is_counted(tiny_deap):
    root = tiny_deap(n_subjects=2, n_trials=4)

    def damage(data, _):
        data[1:3, 36, -1] = [0, -5]

    change_signals(root, "02", damage)

    text = find_one(check("deap", root), Severity.WARNING, "GSR")
    assert text.endswith("in some trials: s02 in 2 of 4")


def test_eeg_in_volts_is_seen(tiny_deap):
    root = tiny_deap(n_subjects=1)

    def damage(data, _):
        data[:, :32] *= 1e-6

    change_signals(root, "01", damage)

    text = find_one(check("deap", root), Severity.WARNING, "within a second")
    assert text.startswith(
        f"{deap.signals_file(root, '01')} Fp1, AF3, F3, F7, FC5, FC1"
    )
    assert "expected for eeg is 0.2 to 1000 uV within a second" in text


def test_a_level_that_a_filter_removed_is_not_judged(tiny_deap):
    root = tiny_deap(n_subjects=1)

    def filter_skin(data, _):
        data[:, 36] = np.random.default_rng(0).normal(20, 0.1, data[:, 36].shape)

    change_signals(root, "01", filter_skin)

    inspection = check("deap", root)
    assert not {"C05", "C11"} & {f.code for f in inspection.findings}
    assert find_table(inspection, "Channels")["GSR"]["plausible"] == "-"


def test_files_of_the_data_set_that_are_not_used_are_named_by_kind(tiny_deap):
    root = tiny_deap(n_subjects=1, n_trials=2, seconds=1)
    for name in (
        "data_original/s01.bdf",
        "data_preprocessed_matlab/s01.mat",
        "metadata_csv/video_list.csv",
        "metadata_xls/participant_ratings.xls",
    ):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()

    found = [f.sentence for f in check("deap", root).findings if f.code == "F02"]

    assert found == [
        "not used, raw signals (1): data_original/s01.bdf",
        (
            "not used, preprocessed signals for MATLAB (1): "
            "data_preprocessed_matlab/s01.mat"
        ),
        (
            "not used, questionnaires and other tables (2): "
            "metadata_csv/video_list.csv and others"
        ),
    ]


def test_eeg_of_another_band_is_seen(tiny_deap):
    root = tiny_deap(n_subjects=1)

    def damage(data, _):
        data[:, :32] += np.cumsum(np.random.default_rng(0).normal(size=(768)))

    change_signals(root, "01", damage)

    assert "lies below 3 Hz or above 47 Hz" in find_one(
        check("deap", root), Severity.WARNING, "EEG"
    )


def test_signals_of_another_trial_or_subject_are_seen(tiny_deap):
    root = tiny_deap(n_subjects=3, n_trials=4)
    first = deap.signals_file(root, "01").read_bytes()
    deap.signals_file(root, "03").write_bytes(first)

    def damage(data, _):
        data[1] = data[0]

    change_signals(root, "02", damage)

    text = find_one(check("deap", root), Severity.WARNING, "the signals of another")
    assert text.startswith("trials with the signals of another (5): ")
    assert "s02 trial 01 = s02 trial 04" in text
    assert "s03 trial 04 = s01 trial 04" in text


@pytest.mark.parametrize("mirror", [9, 10])
def test_labels_flipped_in_the_signals_file_are_counted(tiny_deap, mirror):
    root = tiny_deap(n_subjects=2, n_trials=4)

    def flip(_, labels):
        labels[:3, :2] = mirror - labels[:3, :2]

    change_signals(root, "02", flip)

    text = find_one(check("deap", root), Severity.WARNING, "labels")
    assert "in 3 of 8 trials, 3 of them by label = " + f"{mirror} - rating" in text
    assert text.endswith(": s02 trial 01, s02 trial 02, s02 trial 04")


def test_labels_that_differ_otherwise_are_not_called_flipped(tiny_deap):
    root = tiny_deap(n_subjects=1, n_trials=4)

    def damage(_, labels):
        labels[0, 0] += 0.37
        labels[1, 3] = np.nan

    change_signals(root, "01", damage)

    text = find_one(check("deap", root), Severity.WARNING, "labels")
    assert text.endswith("in 2 of 4 trials: s01 trial 01, s01 trial 04")


@pytest.mark.parametrize(("n_high", "is_odd"), [(724, False), (725, True)])
def test_full_table_is_compared_with_the_published_counts(tiny_deap, n_high, is_odd):
    root = tiny_deap(n_subjects=1, n_trials=40, seconds=1)
    rows = read_values(root)
    full = [[subject, *row[1:]] for subject in range(1, 33) for row in rows]
    for number, row in enumerate(full):
        row[4], row[5] = (7 if number < n_high else 3), (7 if number < 754 else 3)
    write_ratings(root, full)

    found = [t for t in list_texts(check("deap", root)) if "published table" in t]

    assert len(found) == is_odd
    if is_odd:
        assert (
            "725 of 1280 Valence ratings are >= 5, the published table has 724"
            in found[0]
        )


def test_rating_out_of_range_is_refused_and_the_others_are_shown(tiny_deap):
    root = tiny_deap(n_subjects=2, n_trials=4)
    rows = read_values(root)
    rows[1][4], rows[6][6] = "9.5", "none"
    write_ratings(root, rows)

    inspection = check("deap", root)

    assert inspection.errors
    assert "line 3: Valence" in find_one(inspection, Severity.ERROR, "Valence")
    assert find_one(inspection, Severity.WARNING, "valence is no number").endswith(
        "in 1 of 8 trials: subject 01 trial 2"
    )
    assert "rows: line 8; " in find_one(inspection, Severity.WARNING, "Dominance")
    assert take_column(inspection.tables[0], "ratings") == ["-", 4]
    assert inspection.findings[0].severity is Severity.ERROR


def test_what_is_odd_of_ratings_is_named_as_for_any_recordings(tiny_deap):
    root = tiny_deap(n_subjects=3, n_trials=8, seconds=1)
    rows = read_values(root)
    for row in rows[:8]:
        row[4] = "5.00"
    for number, row in enumerate(rows[8:16]):
        row[5] = f"{6 + number / 10}"
    write_ratings(root, rows[:-1])

    found = check("deap", root).findings
    fewer = check("deap", root, exclude=["01", "02"]).findings

    odd = [(f.code, f.place) for f in found if f.source == "participant_ratings.csv"]
    assert odd == [
        ("R04", "subject 01"),
        ("R05", "subject 02"),
        ("R07", "subject 03"),
        ("R08", ""),
    ]
    assert [f.code for f in fewer if f.source == "participant_ratings.csv"] == ["R07"]


def test_missing_ratings_are_one_refusal_and_hide_nothing_else(tiny_deap):
    root = tiny_deap(n_subjects=3, n_trials=2, seconds=1, videos=True)
    deap.ratings_file(root).unlink()

    inspection = check("deap", root)

    (refusal,) = list_texts(inspection, Severity.ERROR)
    assert "participant_ratings.csv: cannot be read" in refusal
    assert take_column(inspection.tables[0], "videos") == ["2 of ?"] * 3
    assert take_column(inspection.tables[0], "trials") == [2, 2, 2]


def test_broken_signals_of_one_subject_hide_no_other(tiny_deap):
    root = tiny_deap(n_subjects=3, n_trials=2, seconds=1, videos=True)
    path = deap.signals_file(root, "02")
    path.write_bytes(path.read_bytes()[:-100])

    inspection = check("deap", root)

    (refusal,) = list_texts(inspection, Severity.ERROR)
    assert "s02.dat: not a pickle of arrays" in refusal
    assert take_column(inspection.tables[0], "trials") == [2, "-", 2]
    assert take_column(inspection.tables[0], "videos")[1] == "2 of ?"


def test_short_and_long_videos_are_wrong(tiny_deap):
    root = tiny_deap(n_subjects=1, n_trials=4, seconds=4, videos=True)
    film_trial(root, 1, 1, seconds=3)
    film_trial(root, 1, 2, seconds=3.9)
    film_trial(root, 1, 3, seconds=4.3)

    inspection = check("deap", root)

    assert not inspection.errors
    short = find_one(inspection, Severity.WARNING, "shorter")
    assert short == (
        "s01: 2 of 4 videos are shorter than documented: trial 01 2.96 s, "
        "trial 02 3.84 s"
    )
    assert "trial 03 4.24 s" in find_one(inspection, Severity.WARNING, "longer")
    assert take_column(inspection.tables[0], "short") == [2]


@pytest.mark.parametrize("content", [b"", b"not a video" * 100, "header"])
def test_video_that_cannot_be_opened_is_refused(tiny_deap, content):
    root = tiny_deap(n_subjects=1, n_trials=2, seconds=1, videos=True)
    video = deap.list_videos(root, "01")[2]
    video.write_bytes(video.read_bytes()[:2000] if content == "header" else content)

    inspection = check("deap", root)

    assert "s01_trial02.avi" in list_texts(inspection, Severity.ERROR)[0]
    assert take_column(inspection.tables[0], "broken") == [1]
    assert take_column(inspection.tables[0], "videos") == ["2 of 2"]


def test_video_with_pictures_that_cannot_be_decoded_is_broken(tiny_deap):
    root = tiny_deap(n_subjects=1, n_trials=1, seconds=2, videos=True)
    video = deap.list_videos(root, "01")[1]
    stream = bytearray(video.read_bytes())
    start, end = stream.index(b"movi") + 4, stream.index(b"idx1")
    while start < end:
        length = int.from_bytes(stream[start + 4 : start + 8], "little")
        stream[start + 8 : start + 8 + length] = bytes(length)
        start += 8 + length + length % 2
    video.write_bytes(stream)

    inspection = check("deap", root)

    assert take_column(inspection.tables[0], "broken") == [1]
    assert any("s01" in t for t in list_texts(inspection) if "decoded" in t)


def test_container_that_says_another_rate_is_noted(tiny_deap):
    root = tiny_deap(n_subjects=1, n_trials=2, seconds=1, videos=True)
    video = deap.list_videos(root, "01")[1]
    stream = video.read_bytes()
    at = stream.index(b"strh") + 8 + 20  # dwScale, dwRate
    assert stream[at : at + 8] == b"\x01\0\0\0\x32\0\0\0"
    video.write_bytes(stream[: at + 4] + b"\x19\0\0\0" + stream[at + 8 :])

    text = find_one(check("deap", root), Severity.NOTE, "containers of 1 of 2 videos")

    assert text.endswith(": 25; assumed: they are read at 50 frames a second")


def test_absent_videos_are_told_from_those_never_published(tiny_deap):
    root = tiny_deap(n_subjects=3, n_trials=40, seconds=1)
    for subject in (1, 3):
        for trial in range(1, 41):
            if (subject, trial) not in NEVER_FILMED:
                video = film_trial(root, subject, 1, 0.2) if trial == 1 else video
                name = f"s{subject:02d}_trial{trial:02d}.avi"
                video.with_name(name).write_bytes(video.read_bytes())
    deap.list_videos(root, "01")[7].unlink()

    inspection = check("deap", root)

    assert take_column(inspection.tables[0], "videos") == [
        *("39 of 40", "0 of 40", "39 of 39")
    ]
    assert "s03: no video of trial 40, as in the original" in list_texts(
        inspection, Severity.NOTE
    )
    absent = [t for t in list_texts(inspection, Severity.WARNING) if "absent" in t]
    assert absent == [
        "s01: 1 of 40 videos are absent: trial 07",
        "s02: 40 of 40 videos are absent: trial 01, 02, 03, 04, 05, 06 and 34 more",
    ]


def test_subjects_never_filmed_lack_no_video(tiny_deap):
    root = tiny_deap(n_subjects=23, n_trials=2, seconds=1, videos=True)

    inspection = check("deap", root)

    assert take_column(inspection.tables[0], "videos")[-2:] == ["2 of 2", "0 of 0"]
    assert list_texts(inspection, Severity.WARNING) == []


def test_copy_without_videos_is_noted_once(tiny_deap):
    notes = list_texts(check("deap", tiny_deap()), Severity.NOTE)

    assert "no folder face_video: no face stream at all" in notes
    assert not any("absent" in note for note in notes)


def test_video_of_no_rated_trial_and_doubled_videos_are_named(tiny_deap):
    root = tiny_deap(n_subjects=2, n_trials=2, seconds=1, videos=True)
    film_trial(root, 1, 9, seconds=1)
    video = deap.list_videos(root, "02")[1]
    video.with_name("s02_trial_01.avi").write_bytes(video.read_bytes())

    inspection = check("deap", root)

    assert find_one(inspection, Severity.WARNING, "no rated trial").endswith("trial 09")
    assert "a second video" in find_one(inspection, Severity.ERROR, "s02")


def test_ignored_files_are_listed(tiny_deap):
    root = tiny_deap(n_subjects=1, n_trials=2, seconds=1, videos=True)
    (root / "data_preprocessed_python" / "._s01.dat").write_bytes(b"x")
    (root / "face_video" / "s01" / ".DS_Store").write_bytes(b"x")
    (root / "face_video" / "s02").mkdir()

    assert find_one(check("deap", root), Severity.NOTE, "ignored") == (
        "ignored, no part of DEAP (3): data_preprocessed_python/._s01.dat, "
        "face_video/s01/.DS_Store, face_video/s02"
    )


def test_other_size_than_the_original_is_noted(tiny_deap):
    inspection = check("deap", tiny_deap(n_subjects=1, n_trials=2, seconds=1))

    assert find_one(inspection, Severity.NOTE, "size").endswith("s01 2 trials of 512")
    assert find_one(inspection, Severity.NOTE, "have no .dat").startswith("31 of 32")


def test_inspection_of_nothing_names_the_folder_or_the_layout(tmp_path):
    with pytest.raises(UserError, match="nowhere: no such folder"):
        check("deap", tmp_path / "nowhere")
    with pytest.raises(UserError, match="unknown data set 'deep', did you mean 'deap'"):
        check("deep", tmp_path)


def test_list_of_few_is_whole():
    assert list_some(["01", "02"]) == "01, 02"
