"""Tests of :mod:`deepvanet.datasets.mahnob.check`."""

import numpy as np
import pytest

from deepvanet.datasets import check
from deepvanet.findings import Severity
from deepvanet.schema import UserError
from inspections import find_table, list_rated, list_texts
from small_mahnob import (
    JUNK,
    LABELS,
    REST_S,
    SFREQ,
    number_of,
    sample_signals,
    write_session,
    write_xml,
)


def look(root, **options):
    return check("mahnob", root, **options)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two subjects with clips of all sorts."""
    root = tmp_path_factory.mktemp("mahnob")
    write_session(root, number_of(1, 1), media="107.avi", stimulus_s=34)
    write_session(root, number_of(1, 2), felt={})
    write_session(root, number_of(1, 3), has_bdf=False)
    write_session(root, number_of(1, 4), has_video=False, knows_length=False)
    write_session(root, 1, is_stim="0", felt={})
    write_session(root, 42, kind="image tagging 1", felt={}, has_bdf=False)
    write_session(root, number_of(12, 1), felt={}, has_bdf=False)
    (root / "Sessions" / "43").mkdir()
    return root


def test_sessions_are_counted_by_kind(root):
    kinds = find_table(look(root), "Sessions")

    assert {kind: (row["sessions"], row["used"]) for kind, row in kinds.items()} == {
        "emotional clip": (5, 2),
        "neutral clip": (1, 0),
        "image tagging 1": (1, 0),
        "no session.xml": (1, 0),
    }


def test_each_subject_s_clips_are_counted_by_what_they_lack(root):
    subjects = find_table(look(root), "Emotional clips")

    assert list(subjects["01"].values()) == ["01", 4, 1, 1, 2, 1, 0, "38"]
    assert list(subjects["12"].values()) == ["12", 1, 1, 1, 0, 0, 0, "0"]


def test_clips_are_measured_beside_the_published_lengths(root):
    clips = find_table(look(root), "Stimuli")

    assert clips["107.avi"]["median s"] == "34.0"
    assert clips["107.avi"]["published s"] == 34


def test_why_sessions_are_left_out_is_said(root):
    inspection = look(root)

    assert not inspection.errors
    notes = list_texts(inspection, Severity.NOTE)
    said = "2 emotional sessions lack a rating of valence or arousal: 4, 1432"
    assert said in notes
    assert "2 emotional sessions have no signals: 6, 1432" in notes
    assert any("session has no colour video: " in note for note in notes)
    assert any(note.startswith("1 header of signals does not state") for note in notes)
    assert any("a full copy has 527 of 27" in note for note in notes)


def test_a_clip_that_lasts_another_time_than_published_is_named(root):
    notes = list_texts(look(root))

    assert any("8 (53.avi: 4.0 s, published 104 s)" in note for note in notes)


def test_subjects_can_be_left_out(root):
    inspection = look(root, exclude=["12"])

    assert list(find_table(inspection, "Emotional clips")) == ["01"]


def test_a_silent_status_is_said_with_what_is_assumed(tmp_path):
    seconds = 2 * REST_S + 34
    status = np.full(seconds * SFREQ, JUNK)
    bio = sample_signals(seconds)
    write_session(tmp_path, media="107.avi", bio=bio, status=status, stimulus_s=34)

    (said,) = list_texts(look(tmp_path), Severity.WARNING)

    assert said.startswith("session 2: 0 pulses in the status channel, not 2")


def test_a_video_that_stops_early_is_named(tmp_path):
    bio = sample_signals(2 * REST_S + 8)
    status = np.full(bio.shape[1], JUNK)
    for at in (REST_S, REST_S + 8):
        status[at * SFREQ : at * SFREQ + 20] |= 268
    write_session(tmp_path, stimulus_s=4, bio=bio, status=status)

    wrong = list_texts(look(tmp_path), Severity.WARNING)

    assert wrong == ["1 video stops before its stimulus does: 2 (5.0 of 8.0 s)"]


def test_a_rate_that_is_not_the_published_one_is_named(tmp_path):
    write_session(tmp_path, 2, vid_rate="50")
    write_session(tmp_path, 4, vid_rate="60.97080001")

    (wrong,) = list_texts(look(tmp_path), Severity.WARNING)

    assert wrong.startswith("session.xml states another frame rate (vidRate) than the")
    assert "60.9708 a second for 1 video: session 2 (50); assumed: the rate" in wrong


def test_a_recording_that_breaks_off_after_its_stimulus_is_named(tmp_path):
    file = next(write_session(tmp_path).glob("*.bdf"))
    file.write_bytes(file.read_bytes()[: 256 * 48 + 50 * SFREQ * 47 * 3 + 1000])

    wrong = list_texts(look(tmp_path), Severity.WARNING)

    said = "of 1 session end before their headers say: session 2 (50 of 64 s)"
    assert f"the signals {said}" in wrong


def test_two_sessions_of_one_trial_are_refused(tmp_path):
    write_session(tmp_path, 2)
    write_session(tmp_path, 3)

    (refused,) = list_texts(look(tmp_path), Severity.ERROR)

    assert "a second session of trial 01" in refused


def test_names_that_contradict_the_number_are_said(tmp_path):
    folder = write_session(tmp_path, number_of(2, 3))
    (folder / "Part_2_S_Trial3_emotion.bdf").rename(
        folder / "Part_3_S_Trial4_emotion.bdf"
    )
    attributes = {
        "experimentType": "emotion elicitation",
        "isStim": "1",
        "feltVlnc": "5",
        "feltArsl": "5",
        "mediaFile": "x.avi",
    }
    tracks = [{"type": "Physiological", "filename": "Part_3_S_Trial4_emotion.bdf"}]
    write_xml(folder, attributes, tracks, subject="3")

    wrong = list_texts(look(tmp_path), Severity.WARNING)

    said = "session 136: session.xml says subject 3, the number of the folder means 02"
    assert f"{said}, which is used" in wrong
    assert any("not Part_2_S_Trial3_emotion.bdf" in text for text in wrong)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("xml", "not XML"),
        ("bdf", "cannot be read"),
        ("rate", "signals must come at 256 Hz, got 512 Hz"),
    ],
)
def test_what_prepare_would_refuse_is_refused_in_its_words(tmp_path, spoil, message):
    write_session(tmp_path, 4)
    folder = write_session(tmp_path, 2, sfreq=512 if spoil == "rate" else SFREQ)
    if spoil == "xml":
        (folder / "session.xml").write_text("<session")
    if spoil == "bdf":
        next(folder.glob("*.bdf")).write_bytes(b"nothing")

    inspection = look(tmp_path)

    assert inspection.errors
    assert any(message in text for text in list_texts(inspection, Severity.ERROR))


def test_a_copy_without_any_trial_is_refused(tmp_path):
    write_session(tmp_path, 2, felt={})

    assert "no session can be used, of 1" in list_texts(look(tmp_path))[0]


def test_a_folder_without_sessions_is_refused(tmp_path):
    (tmp_path / "Sessions").mkdir()

    with pytest.raises(UserError, match="no session, expected folders"):
        look(tmp_path)


def test_what_is_odd_of_ratings_is_named_as_for_any_recordings(tmp_path):
    for subject in (1, 2, 3):
        for trial in (1, 2, 3, 4):
            felt = {"feltVlnc": "5" if subject == 1 else str(trial + 2)}
            felt |= {"feltArsl": str(9 - 2 * trial)}
            write_session(
                tmp_path,
                number_of(subject, trial),
                media=f"{trial}.avi",
                felt=felt,
                stimulus_s=1,
                has_video=False,
            )

    found = list_rated(look(tmp_path))

    few = [("R07", f"subject {subject}") for subject in ("01", "02", "03")]
    # all of them rated the arousal of a clip alike
    assert found == [("R04", "subject 01"), ("R30", ""), *few, ("R08", "")]


def test_signals_videos_and_channels_of_trials_are_tabulated(tmp_path):
    folder = write_session(tmp_path, 2, stimulus_s=4)
    lost = ["EXG1", "Resp"]
    labels = [f"no. {k}" if label in lost else label for k, label in enumerate(LABELS)]
    write_session(tmp_path, 4, stimulus_s=4, labels=labels, has_video=False)

    inspection = look(tmp_path)

    signals = find_table(inspection, "Signals")
    file = signals[f"Sessions/2/{next(folder.glob('*.bdf')).name}"]
    assert (file["Hz stated"], file["start s"], file["end s"]) == (
        *("256", "0.00", "64.00"),
    )
    assert (file["on video s"], file["missing %"], file["gaps"]) == ("5.00", "0.0", 0)
    assert len(signals) == 2
    (video,) = find_table(inspection, "Videos").values()
    assert (video["fps stated"], video["fps measured"]) == ("61", "60.97")
    assert (video["start s"], video["end s"]) == ("30.00", "35.00")
    channels = find_table(inspection, "Channels")
    assert channels["ECG1"]["by"] == "label EXG1 or place 33"
    assert channels["GSR"]["by"] == "label GSR1"
    assert float(channels["GSR"]["median"]) == pytest.approx(3e5, rel=0.01)
    assert channels["GSR"]["plausible"] == "1000 to 1e+08"


def test_many_files_are_one_row_for_each_subject_in_print(tmp_path):
    for trial in (1, 2, 3):
        write_session(tmp_path, number_of(1, trial), stimulus_s=trial, has_video=False)

    (signals,) = (t for t in look(tmp_path).tables if t.title == "Signals")

    assert len(signals.rows) == 3
    (row,) = signals.folded
    assert row[:5] == ("01: 3", "256", "-", "0.00", "61.00 to 63.00")
    assert list(signals.to_json()) == ["title", "columns", "rows"]


def move_colour(folder, *names):
    """Call the colour camera's video otherwise than session.xml does."""
    colour = next(folder.glob("*_C1 trigger _*"))
    for name in names:
        (folder / name).write_bytes(colour.read_bytes())
    colour.unlink()
    return colour.name


def test_a_colour_video_other_than_the_xml_names_is_said(tmp_path):
    folder = write_session(tmp_path, 2)
    other = "P1-Rec1-2010.01.01.00.00.00_C1 trigger _C_Section_2.avi"
    absent = move_colour(folder, other)

    (wrong,) = list_texts(look(tmp_path), Severity.WARNING)

    said = f"session.xml names the colour video {absent}, which is not there"
    assert wrong == f"session 2: {said}; {other} is used"


def test_a_colour_video_that_is_named_and_lies_nowhere_is_said(tmp_path):
    absent = move_colour(write_session(tmp_path, 2))

    inspection = look(tmp_path)

    assert list_texts(inspection, Severity.WARNING) == [
        (
            "1 emotional session has no colour video, though session.xml names "
            f"one: 2 ({absent}); assumed: they are used, without a face stream"
        )
    ]
    assert "V10" not in [f.code for f in inspection.findings]


def test_two_videos_that_may_be_the_colour_camera_s_ask_which(tmp_path):
    folder = write_session(tmp_path, 2)
    names = [f"P{k}-Rec1-2010_C1 trigger _C_Section_2.avi" for k in (1, 2)]
    move_colour(folder, *names)

    (asked,) = [f for f in look(tmp_path).findings if f.severity is Severity.ERROR]

    assert (asked.code, asked.sentence, asked.assumed) == (
        *("V23", "2 videos may be the colour camera's"),
        f"{names[0]}, the first one",
    )


def test_files_that_are_not_used_are_named_by_kind(tmp_path):
    folder = write_session(tmp_path, 2)
    write_session(tmp_path, 1, is_stim="0", felt={})
    stem = "P1-Rec1-2009.07.09.17.53.46"
    for name in (
        f"{stem}-Audio_Section_2.wav",
        f"{stem}-Guide-Cut.tsv",
        "Part_1_S_Trial1_emotion copy.bdf",
    ):
        (folder / name).touch()
    (tmp_path / "Subjects").mkdir()
    (tmp_path / "Subjects" / "subject1.xml").touch()
    (tmp_path / "mine" / "of today").mkdir(parents=True)
    (tmp_path / "mine" / "of today" / "a.txt").touch()

    found = [f for f in look(tmp_path).findings if f.code == "F02"]

    assert {f.severity for f in found} == {Severity.NOTE}
    assert [f.sentence for f in found] == [
        (
            "not used, signals and videos of sessions that are no trials (2): "
            f"Sessions/1/{stem}_C1 trigger _C_Section_1.avi and others"
        ),
        (
            "not used, videos of other cameras (2): "
            f"Sessions/1/{stem}_BW1 _BW_Section_1.avi and others"
        ),
        f"not used, gaze and events (1): Sessions/2/{stem}-Guide-Cut.tsv",
        f"not used, sound (1): Sessions/2/{stem}-Audio_Section_2.wav",
        "not used, descriptions of subjects (1): Subjects/subject1.xml",
        (
            "ignored, no part of MAHNOB-HCI (2): "
            "Sessions/2/Part_1_S_Trial1_emotion copy.bdf, mine"
        ),
    ]
