"""Tests of :mod:`deepvanet.datasets.mahnob.check`."""

import numpy as np
import pytest

from deepvanet.datasets import check
from deepvanet.findings import Severity
from deepvanet.schema import UserError
from small_mahnob import (
    JUNK,
    REST_S,
    SFREQ,
    number_of,
    sample_signals,
    write_session,
    write_xml,
)


def look(root, **options):
    return check("mahnob", root, **options)


KNOWN = ("R04", "R07", "V05")
"""What these copies have: few trials that are rated alike, videos of numbers."""


def texts(inspection, severity=None):
    """Return findings but those of few trials, rated alike, without a face."""
    return [
        str(finding)
        for finding in inspection.findings
        if severity in (None, finding.severity) and finding.code not in KNOWN
    ]


def list_rated(inspection):
    """Return the findings on ratings, but for notes, with their places."""
    return [
        (f.code, f.place)
        for f in inspection.findings
        if f.code.startswith("R") and f.severity is not Severity.NOTE
    ]


def table(inspection, title):
    (found,) = (t for t in inspection.tables if t.title == title)
    return {
        str(row[0]): dict(zip(found.columns, row, strict=True)) for row in found.rows
    }


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
    kinds = table(look(root), "Sessions")

    assert {kind: (row["sessions"], row["used"]) for kind, row in kinds.items()} == {
        "emotional clip": (5, 2),
        "neutral clip": (1, 0),
        "image tagging 1": (1, 0),
        "no session.xml": (1, 0),
    }


def test_each_subject_s_clips_are_counted_by_what_they_lack(root):
    subjects = table(look(root), "Emotional clips")

    assert list(subjects["01"].values()) == ["01", 4, 1, 1, 2, 1, "38"]
    assert list(subjects["12"].values()) == ["12", 1, 1, 1, 0, 0, "0"]


def test_clips_are_measured_beside_the_published_lengths(root):
    clips = table(look(root), "Stimuli")

    assert clips["107.avi"]["median s"] == "34.0"
    assert clips["107.avi"]["published s"] == 34


def test_why_sessions_are_left_out_is_said(root):
    inspection = look(root)

    assert not inspection.errors
    notes = texts(inspection, Severity.NOTE)
    said = "2 emotional sessions have no ratings and are left out: 4, 1432"
    assert said in notes
    assert "2 emotional sessions have no signals and are left out: 6, 1432" in notes
    assert any("no colour video: they stay in" in note for note in notes)
    assert any(note.startswith("1 headers of signals do not state") for note in notes)
    assert any("a full copy has 527 of 27" in note for note in notes)


def test_a_clip_that_lasts_another_time_than_published_is_named(root):
    notes = texts(look(root))

    assert any("8 (53.avi: 4.0 s, published 104 s)" in note for note in notes)


def test_subjects_can_be_left_out(root):
    inspection = look(root, exclude=["12"])

    assert list(table(inspection, "Emotional clips")) == ["01"]


def test_a_silent_status_is_said_with_what_is_assumed(tmp_path):
    seconds = 2 * REST_S + 34
    status = np.full(seconds * SFREQ, JUNK)
    bio = sample_signals(seconds)
    write_session(tmp_path, media="107.avi", bio=bio, status=status, stimulus_s=34)

    (said,) = texts(look(tmp_path), Severity.WARNING)

    assert said.startswith("session 2: 0 pulses in the status channel, not 2")


def test_a_video_that_stops_early_is_named(tmp_path):
    bio = sample_signals(2 * REST_S + 8)
    status = np.full(bio.shape[1], JUNK)
    for at in (REST_S, REST_S + 8):
        status[at * SFREQ : at * SFREQ + 20] |= 268
    write_session(tmp_path, stimulus_s=4, bio=bio, status=status)

    wrong = texts(look(tmp_path), Severity.WARNING)

    assert wrong == ["1 videos stop before their stimulus does: 2 (5.0 of 8.0 s)"]


def test_a_rate_that_is_not_the_published_one_is_named(tmp_path):
    write_session(tmp_path, 2, vid_rate="50")
    write_session(tmp_path, 4, vid_rate="60.97080001")

    (wrong,) = texts(look(tmp_path), Severity.WARNING)

    assert wrong.startswith("the vidRate of 1 videos in session.xml is not the publish")
    assert "60.9708 frames a second: 2 (50); assumed: the vidRate of each" in wrong


def test_a_recording_that_breaks_off_after_its_stimulus_is_named(tmp_path):
    file = next(write_session(tmp_path).glob("*.bdf"))
    file.write_bytes(file.read_bytes()[: 256 * 48 + 50 * SFREQ * 47 * 3 + 1000])

    wrong = texts(look(tmp_path), Severity.WARNING)

    said = "1 recordings break off before their headers say: 2 (50 of 64 s)"
    assert said in wrong


def test_two_sessions_of_one_trial_are_refused(tmp_path):
    write_session(tmp_path, 2)
    write_session(tmp_path, 3)

    (refused,) = texts(look(tmp_path), Severity.ERROR)

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

    wrong = texts(look(tmp_path), Severity.WARNING)

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
    assert any(message in text for text in texts(inspection, Severity.ERROR))


def test_a_copy_without_any_trial_is_refused(tmp_path):
    write_session(tmp_path, 2, felt={})

    assert "no session can be used, of 1" in texts(look(tmp_path))[0]


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
