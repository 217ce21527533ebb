"""Tests of :mod:`deepvanet.datasets.amigos.check`."""

import numpy as np
import pytest

from deepvanet.cli import main
from deepvanet.datasets import check
from deepvanet.findings import Severity
from deepvanet.schema import UserError
from inspections import find_table, list_rated, list_texts
from small_amigos import (
    CALM,
    file_of,
    sample_signals,
    write_face,
    write_mat,
    write_small,
)

EMPTY = np.empty((0, 0))


def look(root, layout="amigos", **options):
    return check(layout, root, **options)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two subjects with viewings of all sorts, and a long video."""
    root = tmp_path_factory.mktemp("amigos")
    write_small(
        root,
        1,
        videos=["10", "4", "5", "9", "N1"],
        signals={"5": EMPTY},
        ratings={"4": EMPTY},
    )
    write_small(root, 12, videos=["10", "4"])
    write_face(root, "P1_10_face.mov", seconds=3)
    return root


def test_viewings_are_counted_by_what_they_lack(root):
    subjects = find_table(look(root), "Viewings")

    assert list(subjects["01"].values()) == ["01", 4, 1, 1, 2, 1, "6", 0, 0]
    assert list(subjects["12"].values()) == ["12", 2, 0, 0, 2, 0, "6", 0, 0]


def test_videos_are_measured_without_their_rest(root):
    videos = find_table(look(root), "Stimuli")

    assert len(videos) == 16
    assert list(videos["10"].values()) == ["10", 2, "3.0", "3.0", "3.0"]
    assert list(videos["13"].values()) == ["13", 0, "-", "-", "-"]


def test_what_is_left_out_or_has_no_face_is_said(root):
    inspection = look(root)

    assert not inspection.errors
    assert list_texts(inspection, Severity.WARNING) == []
    notes = list_texts(inspection, Severity.NOTE)
    assert notes[:3] == [
        "1 viewing lacks a rating of valence or arousal: P01_4",
        "1 viewing has no signals: P01_5",
        "3 trials have no face video: P01_9, P12_10, P12_4",
    ]
    assert notes[3].startswith("4 trials of 2 subjects; a full copy names 16 videos")


def test_long_videos_are_looked_at_apart(root):
    inspection = look(root, "amigos-long", exclude=["12"])

    assert list(find_table(inspection, "Stimuli")) == ["N1", "P1", "B1", "U1"]
    assert find_table(inspection, "Viewings")["01"]["used"] == 1
    assert any("names 4 videos for each of 40" in t for t in list_texts(inspection))


def test_subjects_can_be_left_out(root):
    assert list(find_table(look(root, exclude=["1"]), "Viewings")) == ["12"]


def test_two_processes_see_what_one_does(root, capsys):
    assert main(["check", "amigos", str(root), "--jobs", "2"]) == 0
    side_by_side = capsys.readouterr().out
    assert main(["check", "amigos", str(root)]) == 0

    assert side_by_side == capsys.readouterr().out
    assert "P01_4" in side_by_side


def test_a_full_copy_is_not_compared(tmp_path):
    videos = ["N1", "P1", "B1", "U1"]
    for subject in range(1, 41):
        write_small(tmp_path, subject, videos=videos, seconds=1)

    assert not any(
        "a full copy" in t for t in list_texts(look(tmp_path, "amigos-long"))
    )


def test_felt_is_laid_beside_what_others_saw(tmp_path):
    felt = {"10": 2.0, "4": 5.0, "5": 8.0}
    write_small(
        tmp_path,
        videos=list(felt),
        ratings={v: [[9 - 0.5 * r, r, *CALM[2:]]] for v, r in felt.items()},
        seen={v: [[1.0, r / 9, r / 9]] for v, r in felt.items()},
    )

    ratings = find_table(look(tmp_path), "Ratings")

    assert list(ratings["valence"].values()) == [
        *("valence", 3, "2.00", "5.00", "8.00", "2 of 3", 3, "1.00")
    ]
    assert ratings["arousal"]["correlation"] == "-1.00"


def test_ratings_that_do_not_vary_have_no_correlation(root):
    assert find_table(look(root), "Ratings")["valence"]["correlation"] == "-"


# --- what is odd


def test_a_face_that_drifts_from_its_signals_is_named(tmp_path):
    write_small(tmp_path, videos=["10", "4"], seconds=6)
    write_face(tmp_path, "P1_10_face.mov", seconds=6.8)
    write_face(tmp_path, "P1_4_face.mov", seconds=4)

    wrong = list_texts(look(tmp_path), Severity.WARNING)

    assert wrong == [
        "1 face video lasts another time than its signals: P01_4 (9.0 of 11.0 s)"
    ]


def test_signals_that_last_another_time_than_others_are_named(tmp_path):
    for subject in (1, 2, 3):
        other = {"10": sample_signals(7)} if subject == 2 else {}
        write_small(tmp_path, subject, signals=other)

    wrong = list_texts(look(tmp_path), Severity.WARNING)

    assert len(wrong) == 1
    assert wrong[0].startswith("1 trial has signals of another length than the other")
    assert "P02_10 (12.0 s, usually 8.0 s)" in wrong[0]


def test_channels_without_numbers_or_changes_are_counted(tmp_path):
    signals = sample_signals(3)
    signals[:, 2], signals[40, 3], signals[:, 9] = np.nan, np.inf, 7.0
    write_small(tmp_path, signals={"10": signals})

    inspection = look(tmp_path)

    assert list_texts(inspection, Severity.WARNING) == [
        "1 viewing has channels that have samples that are no numbers: P01_10 (2)",
        "1 viewing has channels that never change: P01_10 (1)",
    ]
    row = find_table(inspection, "Viewings")["01"]
    assert (row["not finite"], row["flat"]) == (2, 1)


def test_eeg_in_volts_is_named(tmp_path):
    write_small(
        tmp_path,
        videos=["10"],
        signals={"10": 1e-6 * sample_signals(3)},
    )

    (wrong,) = list_texts(look(tmp_path), Severity.WARNING)

    assert wrong.startswith(
        f"{file_of(tmp_path, 1)} AF3, F7, F3, FC5, T7, P7 and 8 more"
    )
    assert "within a second 1.3" in wrong
    assert "expected for eeg is 0.2 to 1000 uV within a second" in wrong


def test_videos_and_channels_of_trials_are_tabulated(tmp_path):
    write_small(tmp_path, videos=["10", "4"])
    write_face(tmp_path, "P1_10_face.mov", seconds=3)

    inspection = look(tmp_path)

    video = find_table(inspection, "Videos")["face_video/P1_10_face.mov"]
    assert (video["fps stated"], video["fps measured"]) == ("25", "25")
    assert (video["start s"], video["end s"], video["drift s"]) == (
        *("0.00", "8.00", "+0.00"),
    )
    channel = find_table(inspection, "Channels")["F7"]
    assert (channel["by"], channel["unit"]) == ("column 2", "uV")
    assert float(channel["median"]) == pytest.approx(10, abs=0.1)
    assert float(channel["IQR"]) == pytest.approx(1.35, abs=0.1)
    assert find_table(inspection, "Channels")["GSR"]["plausible"] == "-"


def test_files_that_are_not_used_are_named_by_kind(tmp_path):
    write_small(tmp_path, videos=["10", "N1"])
    for name in ("P1_10_face.mov", "P1_N1_face.mov"):
        write_face(tmp_path, name, seconds=0)
    (tmp_path / "Participant_Questionnaires.xlsx").touch()
    (tmp_path / "readme.txt").touch()
    (tmp_path / "notes.txt").touch()

    found = [f for f in look(tmp_path).findings if f.code == "F02"]

    assert {f.severity for f in found} == {Severity.NOTE}
    assert [f.sentence for f in found] == [
        "not used, documentation (1): readme.txt",
        "not used, face videos of what is no trial here (1): face_video/P1_N1_face.mov",
        (
            "not used, questionnaires and other tables (1): "
            "Participant_Questionnaires.xlsx"
        ),
        "ignored, no part of AMIGOS (1): notes.txt",
    ]


def test_faces_without_signals_are_named(tmp_path):
    write_small(tmp_path, videos=["10", "4"], signals={"4": EMPTY})
    write_face(tmp_path, "P1_4_face.mov", seconds=0)
    write_face(tmp_path, "P1_58_face.mov", seconds=0)

    wrong = list_texts(look(tmp_path), Severity.WARNING)

    assert wrong == [
        "2 face videos have no signals and are not read: P01_4, P01_58",
    ]


# --- what prepare would refuse


def test_a_subject_without_a_trial_is_refused_in_prepare_s_words(tmp_path):
    write_small(tmp_path, 1)
    write_small(tmp_path, 8, videos=["10"], ratings={"10": EMPTY})

    inspection = look(tmp_path)

    (refused,) = list_texts(inspection, Severity.ERROR)
    assert "leave out subject 8" in refused
    assert not look(tmp_path, exclude=["8"]).errors


def test_a_broken_file_hides_none_of_the_others(tmp_path):
    write_small(tmp_path, 2)
    write_mat(file_of(tmp_path, 1), {"joined_data": np.ones((2, 2))})

    inspection = look(tmp_path)

    (refused,) = list_texts(inspection, Severity.ERROR)
    assert "variable VideoIDs is missing, got joined_data" in refused
    assert find_table(inspection, "Viewings")["02"]["used"] == 2


def test_a_video_that_cannot_be_read_is_refused_only_where_it_is_needed(tmp_path):
    write_small(tmp_path, ratings={"4": EMPTY})
    for video in ("10", "4"):
        write_face(tmp_path, f"P1_{video}_face.mov", seconds=0).write_bytes(b"no")

    (refused,) = list_texts(look(tmp_path), Severity.ERROR)

    assert "P1_10_face.mov" in refused


def test_two_faces_of_one_video_are_refused(tmp_path):
    write_small(tmp_path)
    write_face(tmp_path, "P1_10_face.mov", seconds=0)
    write_face(tmp_path, "P01_10_face.mov", seconds=0)

    (refused,) = list_texts(look(tmp_path), Severity.ERROR)

    assert "a second face video" in refused


def test_a_folder_without_subjects_is_refused(tmp_path):
    with pytest.raises(UserError, match="not AMIGOS as downloaded"):
        look(tmp_path)


def test_what_is_odd_of_ratings_is_named_as_for_any_recordings(tmp_path):
    write_small(tmp_path, videos=["10", "4", "5", "N1", "P1", "B1", "U1"])

    found = list_rated(look(tmp_path))
    of_long = list_rated(look(tmp_path, "amigos-long"))

    alike = [("R04", "subject 01")] * 2  # valence, arousal
    assert found == [*alike, ("R07", "subject 01")]
    assert of_long == alike  # all four of the long videos
