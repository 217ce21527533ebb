"""Tests of :mod:`deepvanet.datasets.case.reader`."""

import numpy as np
import pytest

from deepvanet.datasets import describe_traces
from deepvanet.datasets.case import reader as case
from deepvanet.datasets.recording_files import read_recording
from deepvanet.findings import collect
from deepvanet.schema import Stream, Target, TraceFormat, UserError
from small_case import (
    FELT,
    USUAL,
    make_signals,
    make_traces,
    ramp,
    write_case_subject,
)


def read_all(root, subject="01"):
    with collect() as found:
        (recording,) = case.read_recordings(root, subject)
    return recording, [f.code for f in found]


def to_nine(said):
    """Return what the joystick says on the scale from 1 to 9."""
    return 1 + 8 * (np.asarray(said) - 0.5) / 9


def lose_rows(table, start, stop):
    return table.drop(index=range(start, stop))


# --- trials


@pytest.mark.parametrize("form", ["interpolated", "non-interpolated", "raw"])
def test_each_of_the_eight_videos_is_a_trial_and_what_was_before_its_rest(
    tmp_path, form
):
    write_case_subject(tmp_path, 3, form=form)

    recording, found = read_all(tmp_path, "03")

    assert found == []
    assert (recording.subject, recording.name) == ("03", "sub_3")
    assert (recording.sfreq, recording.is_raw) == (1000.0, True)
    spans = recording.spans
    assert [span.trial for span in spans] == ["01", "02", "03"]
    assert [span.stimulus for span in spans] == ["scary-1", "amusing-1", "boring-1"]
    assert [span.more["state"] for span in spans] == ["scary", "amusing", "boring"]
    np.testing.assert_allclose([s.onset_s for s in spans], [3, 10, 17])
    np.testing.assert_allclose([s.end_s for s in spans], [7, 14, 20])
    np.testing.assert_allclose([s.baseline_s for s in spans], [3, 3, 3])


def test_at_most_half_a_minute_of_rest_is_the_baseline(tmp_path):
    write_case_subject(tmp_path, sequence=[(11, 33), (2, 3), (4, 3)])

    recording, _ = read_all(tmp_path)

    assert [span.baseline_s for span in recording.spans] == [30.0, 0.0]


@pytest.mark.parametrize("form", ["interpolated", "raw"])
def test_signals_are_in_documented_units_with_volts_in_microvolts(tmp_path, form):
    signals = make_signals()
    write_case_subject(tmp_path, form=form, signals=signals)

    recording, _ = read_all(tmp_path)

    units = {c.name: c.unit for c in recording.channels}
    assert units["ECG"] == units["EMG trapezius"] == "uV"
    assert (units["GSR"], units["Temperature"]) == ("uS", "degC")
    assert {c.stream for c in recording.channels} == {Stream.PERIPHERAL}
    wanted = signals.drop(columns=["daqtime", "video"]).to_numpy().T.copy()
    wanted[0] *= 1000
    np.testing.assert_allclose(recording.bio, wanted, atol=1e-4)


# --- ratings and traces


@pytest.mark.parametrize("form", ["interpolated", "raw"])
def test_a_trial_is_rated_by_the_mean_of_its_trace_and_keeps_the_trace(tmp_path, form):
    write_case_subject(tmp_path, form=form)

    recording, _ = read_all(tmp_path)

    for span, video in zip(recording.spans, (7, 1, 3), strict=True):
        valence, arousal = to_nine(FELT[video])
        found = [span.ratings[target] for target in Target]
        np.testing.assert_allclose(found, [valence, arousal], atol=1e-3)
        assert span.trace.form == TraceFormat(20.0, ("valence", "arousal"))
        n = round((span.end_s - span.onset_s) * 20)
        wanted = to_nine(np.array(FELT[video]) + ramp(n)[:, None])
        np.testing.assert_allclose(span.trace.values, wanted, atol=1e-3)
    assert describe_traces(case, tmp_path) == TraceFormat(20.0, ("valence", "arousal"))


def test_a_joystick_that_was_read_late_is_placed_by_its_own_times(tmp_path):
    traces = make_traces()
    traces["jstime"] += 20  # between two steps
    write_case_subject(tmp_path, traces=traces)

    recording, found = read_all(tmp_path)

    assert found == []
    # a line runs between samples: 20 ms earlier is 0.4 of a step lower
    step = 8 / 9 / (len(recording.spans[0].trace.values) - 1)
    wanted = to_nine(np.array(FELT[7]) + ramp(80)[:, None]) - 0.4 * step
    np.testing.assert_allclose(
        recording.spans[0].trace.values[1:-1], wanted[1:-1], atol=1e-3
    )


def test_where_the_joystick_was_not_read_the_trace_is_no_number(tmp_path):
    first = 3 * 20  # the onset of the first trial
    write_case_subject(
        tmp_path, traces=lose_rows(make_traces(), first + 20, first + 40)
    )

    recording, found = read_all(tmp_path)

    assert found == ["T01"]
    trace = recording.spans[0].trace.values
    assert np.isnan(trace[20:40]).all()
    assert np.isfinite(trace[:20]).all()
    assert np.isfinite(trace[40:]).all()
    mean = np.nanmean(trace, axis=0)
    found = [recording.spans[0].ratings[target] for target in Target]
    np.testing.assert_allclose(found, mean, atol=1e-3)


def test_a_trial_of_which_little_was_said_has_no_rating(tmp_path):
    first = 3 * 20
    write_case_subject(
        tmp_path, traces=lose_rows(make_traces(), first + 10, first + 70)
    )

    recording, found = read_all(tmp_path)

    assert found == ["T01"]
    assert recording.spans[0].ratings == {}
    assert recording.spans[1].ratings


def test_what_no_joystick_can_say_is_missing(tmp_path):
    traces = make_traces()
    traces.loc[70, "valence"] = 11.0
    traces.loc[71, "arousal"] = 9.52  # extrapolated
    write_case_subject(tmp_path, traces=traces)

    recording, found = read_all(tmp_path)

    assert found == ["R16", "Q01"]
    assert recording.spans[0].trace.values[11, 1] == pytest.approx(9.0)


# --- clocks


def test_a_gap_in_the_signals_is_missing_and_moves_nothing(tmp_path):
    write_case_subject(tmp_path, signals=lose_rows(make_signals(), 4000, 5000))

    recording, found = read_all(tmp_path)

    assert found == ["T01"]
    assert np.isnan(recording.bio[:, 4001:4999]).all()
    assert [round(span.onset_s, 3) for span in recording.spans] == [3, 10, 17]


def test_a_clock_that_jumps_is_an_error(tmp_path):
    signals = make_signals()
    signals.loc[8000:, "daqtime"] += 10**9
    write_case_subject(tmp_path, signals=signals)

    _, found = read_all(tmp_path)

    assert found[0] == "T02"


def test_repeated_stamps_are_spread(tmp_path):
    signals = make_signals()
    signals.loc[500, "daqtime"] = 499
    write_case_subject(tmp_path, signals=signals)

    _, found = read_all(tmp_path)

    assert found == ["T03"]


def test_times_in_seconds_are_another_rate_and_an_error(tmp_path):
    signals = make_signals()
    signals["daqtime"] /= 1000
    write_case_subject(tmp_path, signals=signals)

    with collect() as found, pytest.raises(UserError):
        list(case.read_recordings(tmp_path, "01"))
    assert "T06" in [f.code for f in found] or not found


def test_videos_that_begin_elsewhere_in_the_file_of_the_joystick_are_named(tmp_path):
    other = [(10, 3), (7, 5), (11, 2), *USUAL[3:]]
    late = [(10, 4), (7, 4), (11, 2), *USUAL[3:]]
    write_case_subject(tmp_path / "same", traces=make_traces(other))
    write_case_subject(tmp_path / "late", traces=make_traces(late))

    assert read_all(tmp_path / "same")[1] == []
    assert read_all(tmp_path / "late")[1] == ["F08"]


# --- what is not as it should be


def test_a_video_that_stands_twice_is_two_trials_and_an_error(tmp_path):
    write_case_subject(tmp_path, sequence=[*USUAL, (7, 3)])

    recording, found = read_all(tmp_path)

    assert found == ["T11"]
    assert [s.stimulus for s in recording.spans].count("scary-1") == 2


def test_videos_that_raw_signals_do_not_reach_are_left_out(tmp_path):
    write_case_subject(tmp_path, form="raw", signals=make_signals().iloc[:13_000])

    recording, found = read_all(tmp_path)

    assert found == ["T12", "T12"]
    assert [s.stimulus for s in recording.spans] == ["scary-1", "amusing-1"]
    assert recording.spans[1].end_s == pytest.approx(13.0)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("seqs_order.txt", "", "names no videos of subject 1"),
        ("seqs_order.txt", "seq_sub2\nbluVid\n", "names no videos of subject 1"),
        ("seqs_order.txt", "seq_sub1\nblueVid\n", "names a video 'blueVid'; known"),
        ("videos_duration.txt", "", "does not say how long startVid lasts, in ms"),
        ("videos_duration.txt", "startVid\tlong\n", "in ms, got 'long'"),
        ("videos_duration.txt", None, "cannot be read: No such file"),
    ],
)
def test_metadata_that_raw_files_need_is_the_user_s(tmp_path, name, text, message):
    write_case_subject(tmp_path, form="raw")
    path = tmp_path / "metadata" / name
    path.unlink() if text is None else path.write_text(text)

    with collect(), pytest.raises(UserError, match=message) as caught:
        list(case.read_recordings(tmp_path, "01"))

    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="gsr"), "column gsr is missing, got daqtime, ecg"),
        (lambda t: t.drop(columns="video"), "column video is missing"),
        (lambda t: t.assign(video=11), "holds no video from 1 to 8"),
        (lambda t: t.iloc[:1], "needs two samples or more"),
    ],
)
def test_signals_that_are_not_as_documented_are_refused(tmp_path, change, message):
    path = write_case_subject(tmp_path, signals=change(make_signals()))

    with collect(), pytest.raises(UserError, match=message) as caught:
        list(case.read_recordings(tmp_path, "01"))

    assert str(caught.value).startswith(str(path))


def test_a_joystick_that_is_absent_is_the_user_s(tmp_path):
    path = write_case_subject(tmp_path)
    (tmp_path / "data" / "interpolated" / "annotations" / path.name).unlink()

    with pytest.raises(UserError, match=r"annotations/sub_1\.csv: cannot be read"):
        read_all(tmp_path)


# --- where it lies, and single trials


def test_of_three_forms_the_interpolated_one_is_read_first(tmp_path):
    write_case_subject(tmp_path, 2, form="raw")
    write_case_subject(tmp_path, 10, form="raw")
    interpolated = write_case_subject(tmp_path, 2)

    assert case.list_subjects(tmp_path) == ["02", "10"]
    beside = tmp_path / "data" / "interpolated" / "annotations" / "sub_2.csv"
    assert case.input_files(tmp_path, "02") == [interpolated, beside]
    assert [path.name for path in case.input_files(tmp_path, "10")] == [
        *("sub10_DAQ.txt", "sub10_joystick.txt"),
        *("seqs_order.txt", "videos_duration.txt"),
    ]
    assert case.holds(interpolated)
    assert not case.holds(beside)
    assert case.name_dataset(tmp_path) == "case"


def test_a_folder_that_is_absent_or_another_is_the_user_s(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        case.list_subjects(tmp_path / "absent")
    with pytest.raises(UserError, match="not CASE as downloaded"):
        case.list_subjects(tmp_path)


@pytest.mark.parametrize("form", ["interpolated", "raw"])
def test_one_trial_is_opened_by_its_place_without_a_joystick(tmp_path, form):
    path = write_case_subject(tmp_path, form=form)
    for file in path.parents[1].glob("annotations/*"):
        file.unlink()

    found = read_recording(path, channels=case.CHANNELS, trial="2")

    (span,) = found.spans
    assert (span.stimulus, span.ratings, span.trace) == ("amusing-1", {}, None)
    with pytest.raises(UserError, match="holds several trials"):
        read_recording(path, channels=case.CHANNELS)
    with pytest.raises(UserError, match="unknown trial '04'"):
        read_recording(path, channels=case.CHANNELS, trial="4")
