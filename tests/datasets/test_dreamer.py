"""Tests of :mod:`deepvanet.datasets.dreamer.reader`."""

import numpy as np
import pytest
from scipy.io import loadmat

from deepvanet.datasets.dreamer import reader as dreamer
from deepvanet.datasets.recording_files import read_recording
from deepvanet.findings import collect
from deepvanet.schema import ChannelType, Stream, Target, UserError
from small_dreamer import (
    ECG_SFREQ,
    REST_S,
    SECONDS,
    SFREQ,
    change_cells,
    column,
    make_subject,
    sample_cells,
    write_dreamer_mat,
)

EMPTY = np.empty((0, 0))


def read_all(root, subject="01"):
    with collect() as found:
        recordings = list(dreamer.read_recordings(root, subject))
    return recordings, [(f.code, f.place) for f in found]


# --- signals and ratings


def test_each_clip_is_a_recording_of_baseline_and_clip(tmp_path):
    write_dreamer_mat(tmp_path, [make_subject(), make_subject(3, seed=5)])

    (first, _, third), found = read_all(tmp_path, "02")

    assert found == []
    assert (first.subject, first.name, first.sfreq) == ("02", "01", SFREQ)
    assert first.is_raw
    (span,) = first.spans
    assert (span.trial, span.stimulus) == ("01", "01")
    assert (span.onset_s, span.baseline_s) == (REST_S, REST_S)
    assert span.end_s == REST_S + SECONDS
    assert third.spans[0].stimulus == "03"
    assert "filters see both" in first.notes[0]


def test_the_eeg_is_what_scipy_reads(tmp_path):
    path = write_dreamer_mat(tmp_path)

    (first, second), _ = read_all(tmp_path)

    held = loadmat(path)["DREAMER"][0, 0]["Data"][0, 0]["EEG"][0, 0][0, 0]
    for place, recording in enumerate((first, second)):
        wanted = [held[name][place, 0] for name in ("baseline", "stimuli")]
        np.testing.assert_array_equal(recording.bio[:14].T, np.concatenate(wanted))


def test_the_ecg_is_put_at_the_rate_of_the_eeg_from_its_own_samples(tmp_path):
    time = np.arange((REST_S + SECONDS) * ECG_SFREQ) / ECG_SFREQ
    tone = np.stack([np.sin(2 * np.pi * 5 * time), 2050 + 0 * time], axis=1)
    subject = make_subject(1)
    rest, clip = np.split(tone, [REST_S * ECG_SFREQ])
    change_cells(subject, "ECG", "baseline", [rest])
    write_dreamer_mat(tmp_path, [change_cells(subject, "ECG", "stimuli", [clip])])

    (recording,), _ = read_all(tmp_path)

    found = recording.bio[14:]
    np.testing.assert_allclose(found[0], tone[::2, 0], atol=0.02)
    np.testing.assert_allclose(found[1], 2050, atol=0.01)


def test_sex_and_age_stand_beside_the_trials_where_they_are_said(tmp_path):
    write_dreamer_mat(tmp_path)

    (first, _), _ = read_all(tmp_path)

    assert {name: first.spans[0].more[name] for name in ("sex", "age")} == {
        "sex": "male",
        "age": "22",
    }


def test_ratings_are_mapped_and_dominance_stands_beside_them(tmp_path):
    write_dreamer_mat(tmp_path)

    (first, second), _ = read_all(tmp_path)

    assert first.spans[0].ratings == {Target.VALENCE: 3.0, Target.AROUSAL: 7.0}
    assert second.spans[0].ratings == {Target.VALENCE: 7.0, Target.AROUSAL: 3.0}
    assert first.spans[0].more["dominance"] == "5"


def test_fourteen_electrodes_of_the_headset_come_before_two_leads():
    names = ["AF3", "F7", "F3", "FC5", "T7", "P7", "O1"]
    names += ["O2", "P8", "T8", "FC6", "F4", "F8", "AF4"]

    assert [c.name for c in dreamer.CHANNELS] == [*names, "ECG 1", "ECG 2"]
    streams = [c.stream for c in dreamer.CHANNELS]
    assert streams == [Stream.EEG] * 14 + [Stream.PERIPHERAL] * 2
    assert {c.type for c in dreamer.CHANNELS[14:]} == {ChannelType.ECG}
    assert [c.unit for c in dreamer.CHANNELS] == ["uV"] * 14 + ["a.u."] * 2


# --- what is not as it should be


@pytest.mark.parametrize("score", [0.0, 6.0, np.nan, -1.0])
def test_a_score_outside_of_the_scale_is_no_rating(tmp_path, score):
    changed = make_subject(ScoreValence=np.array([[score], [4.0]]))
    write_dreamer_mat(tmp_path, [changed])

    (first, second), found = read_all(tmp_path)

    assert found == [("R16", "subject 01")]
    assert first.spans[0].ratings == {Target.AROUSAL: 7.0}
    assert Target.VALENCE in second.spans[0].ratings


def test_a_clip_without_eeg_or_ratings_is_no_trial(tmp_path):
    cells = sample_cells([SECONDS] * 3, sfreq=SFREQ, n_channels=14, seed=1)
    none = np.full((3, 1), np.nan)
    none[:2] = 2.0
    subject = make_subject(3, ScoreValence=none, ScoreArousal=none)
    change_cells(subject, "EEG", "stimuli", [cells[0], EMPTY, cells[2]])
    write_dreamer_mat(tmp_path, [subject])

    (recording,), found = read_all(tmp_path)

    assert recording.name == "01"
    assert [code for code, _ in found] == ["R16", "R16", "R06", "Q06"]


def test_a_clip_without_ecg_keeps_its_eeg(tmp_path):
    subject = change_cells(make_subject(1), "ECG", "stimuli", [EMPTY])
    write_dreamer_mat(tmp_path, [subject])

    (recording,), found = read_all(tmp_path)

    assert found == [("Q01", "subject 01 clip 1")]
    assert np.isfinite(recording.bio[:14]).all()
    assert np.isfinite(recording.bio[14:, : REST_S * SFREQ]).all()
    assert np.isnan(recording.bio[14:, REST_S * SFREQ :]).all()


def test_an_ecg_that_is_a_little_shorter_is_used_without_a_word(tmp_path):
    cells = sample_cells([SECONDS - 0.5], sfreq=ECG_SFREQ, n_channels=2, seed=1)
    write_dreamer_mat(
        tmp_path, [change_cells(make_subject(1), "ECG", "stimuli", cells)]
    )

    (recording,), found = read_all(tmp_path)

    assert found == []
    assert np.isnan(recording.bio[14:]).sum() == 2 * 0.5 * SFREQ


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"EEG": np.ones(3)}, "EEG must be a struct"),
        ({"ECG": {"baseline": column([EMPTY])}}, "ECG.stimuli is missing, got base"),
        (
            {"EEG": {"baseline": np.ones((2, 2)), "stimuli": np.ones((2, 2))}},
            "EEG.baseline must be a cell array",
        ),
        (
            {"EEG": {"baseline": column([np.ones((900, 15))]), "stimuli": column([])}},
            r"EEG.baseline 1 must be of shape \(samples, 14\), got \(900, 15\)",
        ),
        (
            {"EEG": {"baseline": column(["a"]), "stimuli": column(["b"])}},
            "EEG.baseline 1 must be numbers",
        ),
        (
            {"EEG": {"baseline": column([EMPTY]), "stimuli": column([EMPTY] * 2)}},
            "must have as many cells each of baseline and stimuli, got 1, 2, 2, 2",
        ),
        ({"ScoreArousal": np.ones((3, 1))}, "ScoreArousal must hold 2 numbers"),
        ({"ScoreDominance": "3"}, "ScoreDominance must hold 2 numbers"),
    ],
)
def test_a_subject_that_is_not_as_documented_is_refused(tmp_path, change, message):
    path = write_dreamer_mat(tmp_path, [make_subject(**change)])

    with pytest.raises(UserError, match=message) as caught:
        list(dreamer.read_recordings(tmp_path, "01"))

    assert str(caught.value).startswith(f"{path} subject 01: ")


def test_a_field_that_is_absent_is_named_with_those_that_are_there(tmp_path):
    subject = make_subject()
    del subject["ScoreValence"]
    write_dreamer_mat(tmp_path, [subject])

    with pytest.raises(
        UserError, match="ScoreValence is missing, got Age, Gender, EEG"
    ):
        read_all(tmp_path)


def test_numbers_that_no_sensor_has_are_missing(tmp_path):
    subject = make_subject(1)
    rest = subject["EEG"]["baseline"][0, 0].copy()
    rest[5, 3], rest[6, 3] = 1e308, -np.inf
    write_dreamer_mat(tmp_path, [change_cells(subject, "EEG", "baseline", [rest])])

    (recording,), _ = read_all(tmp_path)

    assert np.argwhere(~np.isfinite(recording.bio)).tolist() == [[3, 5], [3, 6]]


# --- where it lies, and single trials


def test_subjects_are_counted_without_reading_them(tmp_path):
    path = write_dreamer_mat(tmp_path, [make_subject(1, seed=k) for k in range(3)])

    assert dreamer.list_subjects(tmp_path) == ["01", "02", "03"]
    assert dreamer.list_subjects(path) == ["01", "02", "03"]
    assert dreamer.input_files(tmp_path, "02") == [path]
    assert dreamer.name_dataset(tmp_path) == "dreamer"


def test_a_folder_that_is_absent_or_another_is_the_user_s(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        dreamer.list_subjects(tmp_path / "absent")
    with pytest.raises(UserError, match="not DREAMER as downloaded"):
        dreamer.list_subjects(tmp_path)


def test_one_trial_is_opened_by_its_subject_and_clip(tmp_path):
    path = write_dreamer_mat(tmp_path, [make_subject(), make_subject(seed=3)])
    (_, wanted), _ = read_all(tmp_path, "02")

    found = read_recording(path, channels=dreamer.CHANNELS, trial="2/2")

    assert (found.subject, found.name) == ("02", "02")
    np.testing.assert_array_equal(found.bio, wanted.bio)


@pytest.mark.parametrize(
    ("trial", "message"),
    [
        (None, "holds several subjects, name one and a clip, as 3/7"),
        ("2", "name one and a clip, as 3/7"),
        ("2/1", "subject must be 1 to 1, got 2/1"),
        ("0/1", "subject must be 1 to 1, got 0/1"),
        ("1/3", "subject 1 has no clip 3, got 1, 2"),
    ],
)
def test_a_trial_that_is_not_there_is_the_user_s(tmp_path, trial, message):
    path = write_dreamer_mat(tmp_path)

    with pytest.raises(UserError, match=message) as caught:
        read_recording(path, channels=dreamer.CHANNELS, trial=trial)

    assert caught.value.field == "trial"
