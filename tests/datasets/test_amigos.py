"""Tests of :mod:`deepvanet.datasets.amigos.reader` and its long videos."""

import numpy as np
import pytest
from scipy.io import loadmat

from deepvanet.datasets import find_data_set
from deepvanet.datasets.amigos import reader as amigos
from deepvanet.datasets.amigos_long import reader as amigos_long
from deepvanet.datasets.recording_files import open_source, read_recording
from deepvanet.preprocessing.segments import cut_trials
from deepvanet.preprocessing.video import sample_frames
from deepvanet.schema import ChannelType, Stream, Target, UserError
from films import read_number
from small_amigos import (
    BASELINE_S,
    CALM,
    FPS,
    SFREQ,
    file_of,
    make_variables,
    pack,
    sample_signals,
    write_face,
    write_mat,
    write_small,
)


def read_all(root, subject="01", layout=amigos):
    return list(layout.read_recordings(root, subject))


# --- signals and ratings


def test_each_short_video_is_a_recording_of_one_trial(tmp_path):
    write_small(tmp_path, 7, videos=["34", "10"], seconds=4)

    first, second = read_all(tmp_path, "07")

    assert (first.subject, first.name, first.is_raw) == ("07", "01", False)
    assert first.sfreq == SFREQ
    (span,) = first.spans
    assert (span.trial, span.stimulus) == ("01", "34")
    assert (span.onset_s, span.end_s, span.baseline_s) == (5.0, 9.0, 5.0)
    assert second.spans[0].stimulus == "10"


def test_signals_are_those_that_scipy_reads(tmp_path):
    path = write_small(tmp_path)

    recordings = read_all(tmp_path)

    cells = loadmat(path)["joined_data"][0]
    assert len(recordings) == len(cells)
    for recording, cell in zip(recordings, cells, strict=True):
        np.testing.assert_array_equal(recording.bio, cell.T)


def test_arousal_is_rated_before_valence(tmp_path):
    write_small(tmp_path)

    (span,) = read_all(tmp_path)[0].spans

    assert (CALM[0], CALM[1]) == (3.0, 7.5)
    assert span.ratings == {Target.AROUSAL: 3.0, Target.VALENCE: 7.5}


def test_fourteen_electrodes_come_before_the_heart_and_the_skin():
    names = [
        "AF3",
        "F7",
        "F3",
        "FC5",
        "T7",
        "P7",
        "O1",
        "O2",
        "P8",
        "T8",
        "FC6",
        "F4",
        "F8",
        "AF4",
    ]

    assert [c.name for c in amigos.CHANNELS] == [
        *(*names, "ECG_Right", "ECG_Left", "GSR")
    ]
    streams = [c.stream for c in amigos.CHANNELS]
    assert streams == [Stream.EEG] * 14 + [Stream.PERIPHERAL] * 3
    assert [c.type for c in amigos.CHANNELS[14:]] == [
        *(ChannelType.ECG, ChannelType.ECG, ChannelType.GSR)
    ]


def test_whole_numbers_are_signals_too(tmp_path):
    counts = np.round(10 * sample_signals(2)).astype("i2")
    write_small(tmp_path, signals={"10": counts})

    first = read_all(tmp_path)[0]

    assert first.bio.dtype == np.float64
    np.testing.assert_array_equal(first.bio, counts.T)


def test_long_videos_are_a_data_set_of_their_own(tmp_path):
    write_small(tmp_path, videos=["10", "N1", "4", "U1"])

    short, long = read_all(tmp_path), read_all(tmp_path, layout=amigos_long)

    assert [r.spans[0].stimulus for r in short] == ["10", "4"]
    assert [r.spans[0].stimulus for r in long] == ["N1", "U1"]
    assert [r.name for r in long] == ["02", "04"]
    assert amigos.name_dataset(tmp_path) == "amigos"
    assert amigos_long.name_dataset(tmp_path) == "amigos-long"
    (tmp_path / "SYNTHETIC.txt").touch()
    assert amigos.name_dataset(tmp_path) == "amigos-synthetic"
    assert amigos_long.name_dataset(tmp_path) == "amigos-long-synthetic"


EMPTY, UNKNOWN = np.empty((0, 0)), np.full((1, 12), np.nan)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"signals": {"10": EMPTY}}, id="no signals"),
        pytest.param({"signals": {"10": sample_signals(3) * np.nan}}, id="NaN"),
        pytest.param({"ratings": {"10": EMPTY}}, id="no ratings"),
        pytest.param({"ratings": {"10": UNKNOWN}}, id="NaN for ratings"),
        pytest.param({"ratings": {"10": [[3.0, np.nan, *CALM[2:]]]}}, id="one rating"),
    ],
)
def test_a_video_without_signals_or_ratings_is_no_trial(tmp_path, options):
    write_small(tmp_path, videos=["10", "4"], **options)

    (recording,) = read_all(tmp_path)

    assert (recording.name, recording.spans[0].stimulus) == ("02", "4")


def test_a_cell_that_names_no_video_is_passed_over(tmp_path):
    write_small(tmp_path, videos=["", "4"], signals={"": EMPTY}, ratings={"": EMPTY})

    (recording,) = read_all(tmp_path)

    assert recording.spans[0].stimulus == "4"


def test_a_channel_that_is_nowhere_finite_does_not_hide_the_others(tmp_path):
    signals = sample_signals(3)
    signals[:, 16] = np.nan
    write_small(tmp_path, signals={"10": signals})

    bio = read_all(tmp_path)[0].bio

    assert np.isnan(bio[16]).all()
    assert np.isfinite(bio[:16]).all()


def test_external_annotations_may_be_absent(tmp_path):
    variables = make_variables()
    del variables["labels_ext_annotation"]
    write_mat(file_of(tmp_path, 1), variables)

    assert len(read_all(tmp_path)) == 2


# --- where files lie


@pytest.mark.parametrize(
    "place",
    [
        "data_preprocessed/Data_Preprocessed_P01/Data_Preprocessed_P01.mat",
        "data_preprocessed/Data_Preprocessed_P01.mat",
        "Data_Preprocessed_P01/Data_Preprocessed_P01.mat",
        "Data_Preprocessed_P01.mat",
    ],
)
def test_a_subject_is_found_wherever_zips_are_unpacked(tmp_path, place):
    write_mat(tmp_path / place, make_variables())

    assert amigos.list_subjects(tmp_path) == ["01"]
    assert amigos.input_files(tmp_path, "01") == [tmp_path / place]
    assert amigos.holds(tmp_path / place)


def test_subjects_are_in_order_and_other_files_are_none(tmp_path):
    for subject in (40, 2, 11):
        write_small(tmp_path, subject)
    write_mat(tmp_path / "data_preprocessed" / "other.mat", {})

    assert amigos.list_subjects(tmp_path) == ["02", "11", "40"]
    assert not amigos.holds(tmp_path / "data_preprocessed" / "other.mat")


def test_two_files_of_a_subject_are_refused(tmp_path):
    write_small(tmp_path)
    write_mat(tmp_path / "Data_Preprocessed_P01.mat", make_variables())

    with pytest.raises(UserError, match="a second file of the subject of"):
        amigos.list_subjects(tmp_path)


def test_a_folder_that_is_absent_or_another_is_the_user_s(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        amigos.list_subjects(tmp_path / "absent")
    with pytest.raises(UserError, match="not AMIGOS as downloaded, no data_prep"):
        amigos.list_subjects(tmp_path)


# --- faces


@pytest.mark.parametrize(
    "name",
    ["P1_10_face.mov", "P01_10_face.MOV", "Exp1_P01/P1_010_face.mp4", "p1_10_face.avi"],
)
def test_a_face_is_found_by_its_name_in_any_folder(tmp_path, name):
    write_small(tmp_path)
    path = write_face(tmp_path, name, seconds=0)

    first, second = read_all(tmp_path)

    assert first.spans[0].video == path
    assert second.spans[0].video is None
    assert amigos.input_files(tmp_path, "01")[1:] == [path]


@pytest.mark.parametrize("name", ["P2_10_face.mov", "P1_4_body.mov", "P11_10_face.mov"])
def test_faces_of_others_are_not_taken(tmp_path, name):
    write_small(tmp_path, videos=["10"])
    write_face(tmp_path, name, seconds=0)

    assert read_all(tmp_path)[0].spans[0].video is None


def test_the_face_of_a_long_video_is_found(tmp_path):
    write_small(tmp_path, videos=["N1"])
    path = write_face(tmp_path, "P1_N1_face.mov", seconds=0)

    assert read_all(tmp_path, layout=amigos_long)[0].spans[0].video == path
    assert amigos_long.input_files(tmp_path, "01") == [file_of(tmp_path, 1), path]
    assert amigos.input_files(tmp_path, "01") == [file_of(tmp_path, 1)]


def test_two_faces_of_one_video_are_refused(tmp_path):
    write_small(tmp_path)
    write_face(tmp_path, "P1_10_face.mov", seconds=0)
    write_face(tmp_path, "P01_10_face.mp4", seconds=0)

    with pytest.raises(UserError, match="a second face video beside"):
        read_all(tmp_path)


def test_rest_is_five_seconds_of_the_video_too(tmp_path):
    write_small(tmp_path, videos=["10"], seconds=3)
    write_face(tmp_path, seconds=3)

    (recording,) = read_all(tmp_path)
    (trial,) = cut_trials(recording)
    frames = list(
        sample_frames(
            trial.video, fps=5.0, true_fps=trial.fps, start_s=trial.video_onset_s
        )
    )

    assert trial.bio.shape[1] == (BASELINE_S + 3) * SFREQ
    numbers = [read_number(frame.rgb) for frame in frames]
    assert numbers == [BASELINE_S * FPS + 5 * k for k in range(15)]


# --- what is not as documented


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"joined_data": None}, "variable joined_data is missing, got labels_self"),
        ({"VideoIDs": np.ones((1, 2))}, "VideoIDs must be a cell array"),
        ({"VideoIDs": pack(["10", "4", "5"])}, "joined_data must have 3 cells, as V"),
        ({"VideoIDs": pack(["10", "10"])}, "VideoIDs names 10 twice"),
        ({"VideoIDs": pack(["10", "77"])}, "VideoIDs 2 must name a video.*got '77'"),
        ({"VideoIDs": pack([10.0, "4"])}, "VideoIDs 1 must name a video.*got no text"),
        (
            {"joined_data": pack([np.ones((900, 16)), np.ones((900, 17))])},
            r"joined_data 1: must be of shape \(samples, 17\), got \(900, 16\)",
        ),
        (
            {"joined_data": pack([np.ones((900, 17)), np.ones((700, 17))])},
            "joined_data 2: must last 6 s at 128 Hz or longer, got 700 samples",
        ),
        (
            {"joined_data": pack(["text", np.ones((900, 17))])},
            "joined_data 1: must be numbers",
        ),
        (
            {"labels_selfassessment": pack([[CALM], [CALM[:5]]])},
            "labels_selfassessment 2: must have 12 columns, got 5",
        ),
        (
            {"labels_selfassessment": pack([[[9.5, *CALM[1:]]], [CALM]])},
            "labels_selfassessment 1: arousal must be from 1 to 9, got 9.5",
        ),
        (
            {"labels_ext_annotation": pack([np.ones((2, 4)), np.ones((2, 3))])},
            r"labels_ext_annotation 1: must be of shape \(pieces, 3\), got \(2, 4\)",
        ),
    ],
)
def test_a_file_that_is_not_as_documented_is_refused(tmp_path, change, message):
    variables = make_variables(["10", "4"]) | change
    kept = {name: value for name, value in variables.items() if value is not None}
    path = write_mat(file_of(tmp_path, 1), kept)

    with pytest.raises(UserError, match=message) as caught:
        read_all(tmp_path)

    assert str(caught.value).startswith(str(path))


def test_a_file_of_another_kind_is_refused(tmp_path):
    file_of(tmp_path, 1).parent.mkdir(parents=True)
    file_of(tmp_path, 1).write_bytes(b"PK\x03\x04" * 100)

    with pytest.raises(UserError, match="not a MATLAB file that can be read"):
        read_all(tmp_path)


@pytest.mark.parametrize(
    ("layout", "videos"), [(amigos, ["N1"]), (amigos_long, ["10", "4"])]
)
def test_a_subject_without_any_trial_is_to_be_left_out(tmp_path, layout, videos):
    write_small(tmp_path, 8, videos=videos)

    message = "has no trial with signals and ratings of .*leave out subject 8"
    with pytest.raises(UserError, match=message):
        read_all(tmp_path, "08", layout=layout)


# --- one trial, to predict


def test_one_trial_is_read_from_the_file_it_lies_in(tmp_path):
    path = write_small(tmp_path, videos=["10", "N1"])
    channels = [amigos.CHANNELS[16], amigos.CHANNELS[0]]

    recording = read_recording(path, channels=channels, trial="2")

    assert recording.channels == tuple(channels)
    wanted = loadmat(path)["joined_data"][0, 1].T
    np.testing.assert_array_equal(recording.bio, wanted[[16, 0]])
    assert recording.spans[0].onset_s == BASELINE_S
    assert open_source(path, channels=channels) is None


def test_a_trial_that_is_not_there_is_the_user_s(tmp_path):
    path = write_small(tmp_path)

    with pytest.raises(UserError, match=r"unknown trial '33'. Known: 01, 02"):
        read_recording(path, channels=amigos.CHANNELS, trial="33")
    with pytest.raises(UserError, match="holds several trials, name one"):
        read_recording(path, channels=amigos.CHANNELS)
    with pytest.raises(UserError, match="no file of AMIGOS"):
        amigos.read_file(tmp_path / "other.mat", "1")


def test_short_and_long_videos_are_data_sets_of_their_own():
    assert find_data_set("amigos").load_reader() is amigos
    assert find_data_set("amigos-long").load_reader() is amigos_long
