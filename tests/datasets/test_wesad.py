"""Tests of :mod:`deepvanet.datasets.wesad.reader`."""

import numpy as np
import pytest

from deepvanet.datasets.recording_files import read_recording
from deepvanet.datasets.wesad import reader as wesad
from deepvanet.findings import collect
from deepvanet.schema import ChannelType, Stream, Target, UserError
from small_wesad import (
    CHEST_HZ,
    FELT,
    ORDER,
    USUAL,
    describe,
    make_signals,
    write_wesad_subject,
)


def read_all(root, subject="02"):
    with collect() as found:
        recordings = list(wesad.read_recordings(root, subject))
    return recordings, [f.code for f in found]


# --- conditions


def test_each_condition_is_a_recording_of_its_stretch(tmp_path):
    write_wesad_subject(tmp_path, 13)

    recordings, found = read_all(tmp_path, "13")

    assert found == []
    assert [r.name for r in recordings] == ["01", "02", "03", "04", "05"]
    spans = [r.spans[0] for r in recordings]
    assert [span.stimulus for span in spans] == list(ORDER)
    assert [span.more["state"] for span in spans] == [
        *("baseline", "stress", "meditation", "amusement", "meditation")
    ]
    assert [span.end_s for span in spans] == [4, 3, 3, 3, 3]
    assert {(span.onset_s, span.baseline_s) for span in spans} == {(0.0, 0.0)}
    assert {(r.subject, r.sfreq, r.is_raw) for r in recordings} == {("13", 700.0, True)}


def test_valence_comes_before_arousal_and_reading_is_not_rated(tmp_path):
    answers = describe(["Base", "sRead", "Fun", "Medi 1", "fRead", "TSST", "Medi 2"])
    stretches = [(1, 4), (0, 1), (3, 3), (4, 3), (5, 2), (2, 3), (7, 2), (4, 3)]
    write_wesad_subject(tmp_path, answers=answers, stretches=stretches)

    recordings, _ = read_all(tmp_path)

    spans = [r.spans[0] for r in recordings]
    named = [span.stimulus for span in spans]
    assert named == ["Base", "Fun", "Medi 1", "TSST", "Medi 2"]
    for span, (valence, arousal) in zip(spans, FELT, strict=True):
        assert span.ratings == {Target.VALENCE: valence, Target.AROUSAL: arousal}


def test_signals_are_those_of_the_stretch_in_microvolts_and_at_one_rate(tmp_path):
    held = make_signals()
    n = len(held["label"])
    seconds = n / CHEST_HZ
    time = np.arange(n) / CHEST_HZ
    held["signal"]["chest"]["ECG"] = np.sin(2 * np.pi * 3 * time)[:, None]
    for name, sfreq in (("BVP", 64), ("EDA", 4)):
        slow = np.arange(round(seconds * sfreq)) / sfreq
        held["signal"]["wrist"][name] = (1 + 0.1 * slow)[:, None]
    write_wesad_subject(tmp_path, signals=held)

    recordings, _ = read_all(tmp_path)

    first = time[(held["label"] == 1)]
    bio = dict(zip([c.name for c in wesad.CHANNELS], recordings[0].bio, strict=True))
    np.testing.assert_allclose(bio["ECG"], 1000 * np.sin(2 * np.pi * 3 * first))
    middle = slice(700, -700)  # the filter needs what lies around
    for name in ("BVP", "EDA wrist"):
        ramp = 1 + 0.1 * first
        np.testing.assert_allclose(bio[name][middle], ramp[middle], atol=0.03)
    temperature = held["signal"]["chest"]["Temp"].ravel()[held["label"] == 1]
    np.testing.assert_allclose(bio["Temp chest"], temperature)


def test_eight_channels_are_peripheral_and_in_documented_units():
    found = {c.name: (c.type, c.unit) for c in wesad.CHANNELS}

    assert found == {
        "ECG": (ChannelType.ECG, "uV"),
        "EMG": (ChannelType.EMG, "uV"),
        "EDA chest": (ChannelType.GSR, "uS"),
        "Temp chest": (ChannelType.TEMPERATURE, "degC"),
        "Resp": (ChannelType.RESPIRATION, "%"),
        "BVP": (ChannelType.PLETHYSMOGRAPH, "a.u."),
        "EDA wrist": (ChannelType.GSR, "uS"),
        "Temp wrist": (ChannelType.TEMPERATURE, "degC"),
    }
    assert {c.stream for c in wesad.CHANNELS} == {Stream.PERIPHERAL}


# --- what is not as it should be


@pytest.mark.parametrize(
    ("felt", "left"),
    [((0, 2), {Target.AROUSAL}), (("x", 10), set()), (("", ""), set())],
)
def test_an_answer_outside_of_the_scale_is_no_rating(tmp_path, felt, left):
    write_wesad_subject(tmp_path, answers=describe(felt=[felt, *FELT[1:]]))

    recordings, found = read_all(tmp_path)

    assert found == ["R16"]
    assert set(recordings[0].spans[0].ratings) == left
    assert recordings[0].spans[0].more["state"] == "baseline"


@pytest.mark.parametrize(
    "stretches",
    [
        pytest.param([s for s in USUAL if s[0] != 4], id="no meditation"),
        pytest.param([*USUAL, (4, 3)], id="a third one"),
        pytest.param([*USUAL[:6], (4, 1), *USUAL[7:]], id="one of a second"),
    ],
)
def test_conditions_that_cannot_be_told_apart_are_left_out_with_an_error(
    tmp_path, stretches
):
    write_wesad_subject(tmp_path, stretches=stretches)

    recordings, found = read_all(tmp_path)

    assert found == ["T11"]
    assert [r.spans[0].stimulus for r in recordings] == ["Base", "TSST", "Fun"]


def test_a_wrist_that_stops_early_is_missing_from_then_on(tmp_path):
    held = make_signals()
    held["signal"]["wrist"]["BVP"] = held["signal"]["wrist"]["BVP"][: 64 * 10]
    write_wesad_subject(tmp_path, signals=held)

    recordings, found = read_all(tmp_path)

    assert found == ["Q01"]
    row = [c.name for c in wesad.CHANNELS].index("BVP")
    there = [np.isfinite(r.bio[row]).mean() for r in recordings]
    assert there == [1.0, pytest.approx(2 / 3, abs=0.01), 0.0, 0.0, 0.0]


def test_numbers_that_no_sensor_has_are_missing(tmp_path):
    held = make_signals()
    held["signal"]["chest"]["ECG"][2 * CHEST_HZ + 5] = 1e308
    write_wesad_subject(tmp_path, signals=held)

    recordings, _ = read_all(tmp_path)

    assert np.argwhere(~np.isfinite(recordings[0].bio)).tolist() == [[0, 5]]


def drop(held, *steps):
    *way, last = steps
    for step in way:
        held = held[step]
    del held[last]


def put(value, *steps):
    def change(held):
        *way, last = steps
        for step in way:
            held = held[step]
        held[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: drop(h, "label"), "label is missing, got signal, subject"),
        (
            lambda h: drop(h, "signal", "wrist", "EDA"),
            "signal wrist EDA is missing, got ACC, BVP, TEMP",
        ),
        (lambda h: drop(h, "signal", "chest"), "chest ECG is missing, got wrist"),
        (put("S2", "signal"), "signal chest ECG is missing, got no dict"),
        (put("text", "label"), "label must be numbers"),
        (put(np.full(9, np.nan), "label"), "label must be whole numbers"),
        (
            put(np.ones((9, 2)), "signal", "chest", "ECG"),
            r"signal chest ECG must be one channel, got an array of shape \(9, 2\)",
        ),
        (
            put(np.array(1.0), "signal", "wrist", "BVP"),
            "signal wrist BVP must be one channel",
        ),
        (put(np.zeros(99, "i4"), "label"), "no condition has signals and ratings"),
    ],
)
def test_a_pickle_that_is_not_as_documented_is_refused(tmp_path, change, message):
    held = make_signals()
    change(held)
    path = write_wesad_subject(tmp_path, signals=held)

    with collect(), pytest.raises(UserError, match=message) as caught:
        list(wesad.read_recordings(tmp_path, "02"))

    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    "answers",
    ["", "\x00\xff", "# ORDER;;\n", describe(felt=FELT[:4]), describe(["Base"])],
)
def test_answers_that_do_not_fit_the_conditions_are_refused(tmp_path, answers):
    write_wesad_subject(tmp_path, answers=answers)

    with pytest.raises(UserError, match=r"# ORDER names . rated condition"):
        read_all(tmp_path)


def test_answers_that_are_absent_are_the_user_s(tmp_path):
    write_wesad_subject(tmp_path).with_name("S2_quest.csv").unlink()

    with pytest.raises(UserError, match=r"S2_quest\.csv: cannot be read: No such"):
        read_all(tmp_path)


# --- where it lies, and single trials


def test_subjects_are_found_in_their_own_folders(tmp_path):
    for number in (17, 2):
        write_wesad_subject(tmp_path, number)
    (tmp_path / "S3").mkdir()
    (tmp_path / "S3" / "S4.pkl").touch()

    assert wesad.list_subjects(tmp_path) == ["02", "17"]
    path = tmp_path / "S17" / "S17.pkl"
    answers = tmp_path / "S17" / "S17_quest.csv"
    assert wesad.input_files(tmp_path, "17") == [path, answers]
    assert wesad.holds(path)
    assert not wesad.holds(tmp_path / "S3" / "S4.pkl")
    assert wesad.name_dataset(tmp_path) == "wesad"


def test_a_folder_that_is_absent_or_another_is_the_user_s(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        wesad.list_subjects(tmp_path / "absent")
    with pytest.raises(UserError, match=r"not WESAD as downloaded, no S2/S2\.pkl"):
        wesad.list_subjects(tmp_path)


def test_one_condition_is_opened_by_its_place(tmp_path):
    path = write_wesad_subject(tmp_path)
    wanted = read_all(tmp_path)[0][3]

    found = read_recording(path, channels=wesad.CHANNELS, trial="4")

    assert found.spans[0].stimulus == "Fun"
    np.testing.assert_array_equal(found.bio, wanted.bio)
    with pytest.raises(UserError, match="holds several trials"):
        read_recording(path, channels=wesad.CHANNELS)
    with pytest.raises(UserError, match="unknown trial '06'"):
        read_recording(path, channels=wesad.CHANNELS, trial="6")
