"""Tests of :mod:`deepvanet.datasets.mahnob.reader`, its sessions and its signals."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from deepvanet.datasets.mahnob import reader as mahnob
from deepvanet.datasets.mahnob.sessions import list_sessions, read_session
from deepvanet.preprocessing.segments import cut_trials
from deepvanet.preprocessing.video import sample_frames
from deepvanet.schema import Target, UserError
from deepvanet.signal_io.raw_files import open_raw
from films import write_video
from small_mahnob import (
    JUNK,
    LABELS,
    PULSE,
    REST_S,
    SFREQ,
    make_status,
    number_of,
    sample_signals,
    write_session,
    write_xml,
)

FPS = 60.9708
STIMULUS_S = 4


def read_one(root, subject="01"):
    (recording,) = mahnob.read_recordings(root, subject)
    return recording


def test_a_session_is_a_recording_of_one_trial(tmp_path):
    bio = sample_signals(2 * REST_S + STIMULUS_S)
    write_session(tmp_path, number_of(7, 5), media="58.avi", bio=bio)

    recording = read_one(tmp_path, "07")

    assert (recording.subject, recording.name) == ("07", str(130 * 6 + 10))
    assert (recording.sfreq, recording.is_raw, recording.notes) == (256.0, True, ())
    (span,) = recording.spans
    assert (span.trial, span.stimulus) == ("05", "58.avi")
    assert (span.onset_s, span.end_s, span.baseline_s) == (30.0, 34.0, 3.0)
    assert span.ratings == {Target.VALENCE: 7.0, Target.AROUSAL: 3.0}
    assert span.fps == FPS
    assert "_C1 trigger _" in span.video.name


def test_the_channels_are_those_of_the_paper_in_their_units(tmp_path):
    bio = sample_signals(2 * REST_S + STIMULUS_S)
    write_session(tmp_path, bio=bio)

    recording = read_one(tmp_path)

    peripheral = ["EXG1", "EXG2", "EXG3", "GSR1", "Resp", "Temp"]
    wanted = [*LABELS[:32], *peripheral]
    assert len(recording.channels) == 38
    assert [c.name for c in recording.channels[:32]] == LABELS[:32]
    index = [LABELS.index(label) for label in wanted]
    np.testing.assert_allclose(recording.bio, bio[index], rtol=1e-5, atol=0.5)
    assert [c.unit for c in recording.channels[32:]] == [
        *("uV", "uV", "uV", "Ohm", "a.u.", "degC")
    ]


def test_channels_are_found_by_label_whatever_their_order(tmp_path):
    bio = sample_signals(2 * REST_S + STIMULUS_S)
    order = np.random.default_rng(0).permutation(len(LABELS))
    write_session(tmp_path / "a", bio=bio)
    labels = [LABELS[k] for k in order]
    write_session(tmp_path / "b", bio=bio[order], labels=labels)

    usual, shuffled = (read_one(tmp_path / name).bio for name in "ab")

    np.testing.assert_array_equal(usual, shuffled)


def test_channels_without_their_labels_are_found_by_place_and_that_is_noted(tmp_path):
    labels = ["A1" if label == "Fp1" else label for label in LABELS]
    write_session(tmp_path / "a", labels=labels)
    write_session(tmp_path / "b")

    recording = read_one(tmp_path / "a")

    np.testing.assert_array_equal(recording.bio, read_one(tmp_path / "b").bio)
    assert recording.notes == ("channels found by place, not by label: Fp1",)


def test_missing_channels_are_refused_where_places_say_nothing(tmp_path):
    bio = sample_signals(2 * REST_S + STIMULUS_S)
    write_session(tmp_path, bio=bio[1:], labels=LABELS[1:])

    with pytest.raises(UserError, match=r"1 of 38 channels are missing \(Fp1\)"):
        read_one(tmp_path)


def test_the_stimulus_lies_between_the_rises_of_the_lower_16_bits(tmp_path):
    bio = sample_signals(2 * REST_S + STIMULUS_S)
    onset, end = 5000, 6111
    status = make_status(onset, end, bio.shape[1])
    status[::7] ^= 0x11_0000
    write_session(tmp_path, bio=bio, status=status)

    (span,) = read_one(tmp_path).spans

    assert (span.onset_s * SFREQ, span.end_s * SFREQ) == (onset, end)


def test_a_status_that_is_high_from_the_start_rises_when_it_was_low(tmp_path):
    bio = sample_signals(2 * REST_S + STIMULUS_S)
    status = make_status(5000, 7000, bio.shape[1])
    status[:10] = PULSE
    write_session(tmp_path, bio=bio, status=status)

    (span,) = read_one(tmp_path).spans

    assert span.onset_s * SFREQ == 5000


@pytest.mark.parametrize("n_rises", [0, 1, 3])
def test_without_two_rises_the_clip_s_length_is_taken_and_that_is_noted(
    tmp_path, n_rises
):
    seconds = 2 * REST_S + 34
    status = np.full(seconds * SFREQ, JUNK)
    for rise in range(n_rises):
        status[1000 * (rise + 1) : 1000 * (rise + 1) + 20] |= PULSE
    bio = sample_signals(seconds)
    write_session(tmp_path, media="107.avi", bio=bio, status=status)

    recording = read_one(tmp_path)

    (span,) = recording.spans
    assert (span.onset_s, span.end_s) == (30.0, 64.0)
    (note,) = recording.notes
    assert note.startswith(f"{n_rises} pulses in the status channel, not 2")


def test_without_two_rises_an_unknown_clip_is_refused(tmp_path):
    bio = sample_signals(2 * REST_S + STIMULUS_S)
    status = np.full(bio.shape[1], JUNK)
    write_session(tmp_path, media="mine.avi", bio=bio, status=status)

    with pytest.raises(UserError, match=r"must rise twice.*length of mine\.avi"):
        read_one(tmp_path)


@pytest.mark.parametrize(("onset", "end"), [(300, 2000), (8000, 8100)])
def test_a_stimulus_without_rest_or_length_is_refused(tmp_path, onset, end):
    bio = sample_signals(2 * REST_S + STIMULUS_S)
    status = make_status(onset, end, bio.shape[1])
    write_session(tmp_path, bio=bio, status=status)

    with pytest.raises(UserError, match="its stimulus must lie in the recording's"):
        read_one(tmp_path)


def test_a_header_that_does_not_know_its_length_is_read_as_if_it_did(tmp_path):
    write_session(tmp_path / "a", knows_length=False)
    write_session(tmp_path / "b")

    silent, told = (read_one(tmp_path / name) for name in "ab")

    np.testing.assert_array_equal(silent.bio, told.bio)
    assert silent.spans[0].onset_s == told.spans[0].onset_s


def test_the_grey_cameras_are_never_taken(tmp_path):
    folder = write_session(tmp_path)
    colour = next(folder.glob("*_C1 trigger _*"))

    colour.unlink()

    assert read_session(folder).video is None


def test_the_colour_camera_is_found_by_its_name_where_no_track_tells(tmp_path):
    folder = write_session(tmp_path)
    write_xml(folder, {"experimentType": "emotion elicitation"}, [])

    session = read_session(folder)

    assert "_C1 trigger _" in session.video.name
    assert session.bdf.suffix == ".bdf"


def test_a_track_s_name_does_not_lead_out_of_the_folder(tmp_path):
    folder = write_session(tmp_path, has_video=False)
    outside = folder.parent / "other.avi"
    outside.write_bytes(b"")
    tracks = [
        {"type": "Video", "color": "1", "filename": name}
        for name in ("../other.avi", str(outside))
    ]
    write_xml(folder, {"experimentType": "emotion elicitation"}, tracks)

    assert read_session(folder).video is None


def test_a_session_without_video_is_a_trial_without_a_face(tmp_path):
    write_session(tmp_path, has_video=False)

    (span,) = read_one(tmp_path).spans

    assert (span.video, span.fps) == (None, None)


@pytest.mark.parametrize(
    "change",
    [
        {"felt": {}},
        {"felt": {"feltVlnc": "5"}},
        {"has_bdf": False},
        {"is_stim": "0"},
        {"kind": "image tagging 1"},
    ],
)
def test_what_is_no_trial_is_left_out(tmp_path, change):
    write_session(tmp_path, number_of(1, 1))
    write_session(tmp_path, number_of(1, 2), **change)
    write_session(tmp_path, number_of(2, 1), **change)

    assert mahnob.list_subjects(tmp_path) == ["01"]
    assert read_one(tmp_path).spans[0].trial == "01"


def test_trials_come_in_the_order_of_viewing(tmp_path):
    for trial in (10, 2, 1):
        write_session(tmp_path, number_of(1, trial))

    recordings = mahnob.read_recordings(tmp_path, "01")

    assert [r.spans[0].trial for r in recordings] == ["01", "02", "10"]


def test_every_file_of_a_trial_is_an_input(tmp_path):
    folder = write_session(tmp_path)
    write_session(tmp_path, 1, is_stim="0")

    files = mahnob.input_files(tmp_path, "01")

    assert {file.parent for file in files} == {folder}
    assert [file.suffix for file in files] == [".xml", ".bdf", ".avi"]


def test_the_rate_of_the_video_is_that_of_the_xml(tmp_path):
    write_session(tmp_path / "a", vid_rate="50.5")
    write_session(tmp_path / "b", vid_rate="")

    assert read_one(tmp_path / "a").spans[0].fps == 50.5
    assert read_one(tmp_path / "b").spans[0].fps == FPS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"felt": {"feltVlnc": "0", "feltArsl": "3"}}, "feltVlnc must be .* got '0'"),
        ({"felt": {"feltVlnc": "5", "feltArsl": "x"}}, "feltArsl must be .* got 'x'"),
        ({"vid_rate": "fast"}, "vidRate must be frames a second, got 'fast'"),
        ({"sfreq": 512}, "signals must come at 256 Hz, got 512 Hz"),
    ],
)
def test_what_is_not_as_documented_is_named(tmp_path, change, message):
    write_session(tmp_path, **change)

    with pytest.raises(UserError, match=message):
        read_one(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<session", "not XML"),
        (b"<html/>", "must be of one <session>, got <html>"),
        (b'<!DOCTYPE s [<!ENTITY a "b">]><session/>', "declares entities"),
        (b"<session>" + b" " * (1 << 20) + b"</session>", "too large"),
    ],
)
def test_an_xml_that_no_session_has_is_refused(tmp_path, content, message):
    folder = write_session(tmp_path)
    (folder / "session.xml").write_bytes(content)

    with pytest.raises(UserError, match=rf"session\.xml: .*{message}"):
        list_sessions(tmp_path)


def test_entities_are_refused_in_any_encoding(tmp_path):
    folder = write_session(tmp_path)
    text = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE s [<!ENTITY a "b">]><s/>'
    (folder / "session.xml").write_bytes(text.encode("utf-16"))

    with pytest.raises(UserError, match="declares entities"):
        list_sessions(tmp_path)


def test_two_sessions_of_one_trial_are_refused(tmp_path):
    write_session(tmp_path, 2)
    write_session(tmp_path, 3)

    with pytest.raises(UserError, match=r"3: a second session of trial 01 .* after 2"):
        mahnob.read_recordings(tmp_path, "01")


@pytest.mark.parametrize("kept", [100, 256 * 20])
def test_signals_that_break_off_in_the_header_are_refused_in_a_sentence(tmp_path, kept):
    folder = write_session(tmp_path)
    file = next(folder.glob("*.bdf"))
    file.write_bytes(file.read_bytes()[:kept])

    with pytest.raises(UserError, match="cannot be read") as caught:
        read_one(tmp_path)

    assert "\n" not in str(caught.value)


def test_folders_that_are_not_mahnob_are_refused(tmp_path):
    with pytest.raises(UserError, match="nowhere: no such folder"):
        mahnob.list_subjects(tmp_path / "nowhere")
    with pytest.raises(UserError, match="not MAHNOB-HCI as downloaded"):
        mahnob.list_subjects(tmp_path)
    (tmp_path / "Sessions" / "2").mkdir(parents=True)
    with pytest.raises(UserError, match="no session can be used, of 0"):
        mahnob.list_subjects(tmp_path)


def test_a_file_is_found_in_its_session(tmp_path):
    folder = write_session(tmp_path, number_of(3, 4))
    file = next(folder.glob("*.bdf"))
    shutil.copy(file, tmp_path / file.name)

    assert mahnob.find_session(file).trial == "04"
    assert mahnob.find_session(tmp_path / file.name) is None


GENUINE = (
    "eeglab_sample/sample_data/test_data/test.bdf",
    "mne_testdata/mne/io/edf/tests/data/test.bdf",
)
"""Files of BioSemi's own amplifiers."""


def decode(path: Path) -> np.ndarray:
    """Return the numbers of a BDF's channels, read by what the format says."""
    content = path.read_bytes()
    n = int(content[252:256])
    fields = content[256 : 256 * (n + 1)]

    def read_field(start, width):
        texts = (fields[start * n + k * width :][:width] for k in range(n))
        return np.array([float(text) for text in texts])

    low, high = read_field(104, 8), read_field(112, 8)
    digital_low, digital_high = read_field(120, 8), read_field(128, 8)
    per_record = int(read_field(216, 8)[0])
    data = np.frombuffer(content[256 * (n + 1) :], np.uint8).reshape(-1, 3)
    numbers = (data.astype(np.int64) @ [1 << 8, 1 << 16, 1 << 24]).astype(np.int32) >> 8
    numbers = numbers.reshape(-1, n, per_record).transpose(1, 0, 2).reshape(n, -1)
    gain = (high - low) / (digital_high - digital_low)
    return (numbers - digital_low[:, None]) * gain[:, None] + low[:, None]


@pytest.mark.parametrize("name", GENUINE)
def test_genuine_biosemi_files_are_read_to_the_last_bit(shared_data, name):
    path = shared_data / "physio" / name
    file = open_raw(path)
    picks = list(range(len(file.labels) - 1))

    bio = file.read(picks)

    wanted = decode(path)
    assert bio.shape == wanted[:-1].shape
    np.testing.assert_allclose(bio, wanted[:-1], rtol=2e-6, atol=0.02)
    status = file.read_codes(len(file.labels) - 1)
    assert status.any()
    assert (status & 0xFFFF == wanted[-1].astype(int) & 0xFFFF).all()


LONG_S = 120
FLASHES_S = (0.0, 0.5, 11.25, 59.9, 60.0, 100.0, 117.0, 119.75)


def write_flashes(folder: Path) -> None:
    """Film a dark room; the frame that an instant falls into is white."""
    n_frames = int((LONG_S + 3) * FPS)
    white = {int(np.ceil(at * FPS - 1e-9)) for at in FLASHES_S}
    rooms = (
        np.full((32, 32, 3), 255 * (k in white), np.uint8) for k in range(n_frames)
    )
    write_video(next(folder.glob("*_C1 trigger _*")), rooms, fps=61)


def find_pulses(trial) -> np.ndarray:
    """Return the seconds after the onset at which a pulse begins in a channel."""
    signal = trial.bio[[c.name for c in trial.channels].index("ECG1")]
    is_up = signal > signal.min() + 500
    rises = np.flatnonzero(is_up[1:] & ~is_up[:-1]) + 1
    return rises / trial.sfreq - trial.baseline_s


def find_flashes(trial) -> np.ndarray:
    """Return the seconds after the onset at which frames are white."""
    frames = sample_frames(trial.video, fps=FPS, true_fps=trial.fps)
    brightness = np.array([frame.rgb.mean() for frame in frames])
    return np.flatnonzero(brightness > 128) / FPS


@pytest.fixture(scope="module")
def flashing(tmp_path_factory):
    """A long session in which light and a pulse come at the same instants."""
    root = tmp_path_factory.mktemp("mahnob")
    bio = sample_signals(2 * REST_S + LONG_S)
    row = LABELS.index("EXG1")
    bio[row] = 0.0
    for at in FLASHES_S:
        start = round((REST_S + at) * SFREQ)
        bio[row, start : start + SFREQ // 20] = 1000.0
    folder = write_session(root, stimulus_s=LONG_S, bio=bio, media="30.avi")
    write_flashes(folder)
    return root


@pytest.mark.slow
def test_a_flash_and_a_pulse_of_one_instant_are_read_at_one_instant(flashing):
    (trial,) = cut_trials(read_one(flashing))

    flashes, pulses = find_flashes(trial), find_pulses(trial)

    assert len(flashes) == len(pulses) == len(FLASHES_S)
    assert np.abs(pulses - np.array(FLASHES_S)).max() <= 1 / SFREQ
    assert np.abs(flashes - pulses).max() <= 1 / FPS + 1 / SFREQ


def test_sex_and_age_stand_beside_the_trial_where_a_session_says_them(tmp_path):
    for number, said in ((2, 'gender="female" age=" 23 "'), (4, "")):
        folder = tmp_path / "Sessions" / str(number)
        folder.mkdir(parents=True)
        folder.joinpath("session.xml").write_text(
            f'<session experimentType="emotion elicitation" isStim="1" feltCtrl="5">'
            f'<subject id="1" {said}/></session>'
        )

    first, second = list_sessions(tmp_path)

    assert {"sex": "female", "age": "23"}.items() <= first.further.items()
    assert not {"sex", "age"} & set(second.further)
