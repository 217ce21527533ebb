"""Time is measured: gaps, jumps and stamps of every format, with a known truth."""

import logging
import shutil
import sys

import mne
import numpy as np
import pandas as pd
import pytest

from deepvanet.datasets.recordings.channels import find_channels
from deepvanet.findings import FindingError, collect
from deepvanet.schema import Channel, ChannelType, UserError
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.open_file import list_parts, open_signals
from deepvanet.signal_io.raw_files import open_raw
from deepvanet.signal_io.time_grid import place_samples
from interrupted_recordings import (
    write_eeglab,
    write_interrupted_edf,
    write_segments,
    write_skipping_fif,
)
from signal_files import write_brainvision, write_fif
from small_recordings import sample_bio, write_edf, write_xdf

NOTHING = Declaration()
CHANNELS = (
    Channel("Fp1", ChannelType.EEG, "uV"),
    Channel("ECG", ChannelType.ECG, "uV"),
)


def read_found(path, declared=NOTHING):
    """Return a file's signals, all its numbers, and the findings by code."""
    with collect() as found:
        signals = open_signals(path, declared)
        values = signals.read(range(len(signals.labels)))
    return signals, values, {f.code: f for f in found}


def ramp(seconds, rate=128):
    """Return numbers that say when they were taken, as if recorded throughout."""
    return np.arange(round(seconds * rate)) / rate


@pytest.mark.parametrize("suffix", [".edf", ".bdf"])
def test_a_gap_of_edf_plus_d_is_missing_data_of_its_true_length(tmp_path, suffix):
    true = ramp(30)
    kept = np.concatenate([true[: 12 * 128], true[22 * 128 :]])
    path = write_interrupted_edf(
        tmp_path / f"a{suffix}",
        [kept],
        [*range(12), *range(22, 30)],
        markers=[(25.5, "stim")],
        labels=["Fp1"],
        units=["uV"],
        sfreq=128,
    )

    signals, values, found = read_found(path)

    assert signals.seconds == 30
    assert np.isnan(values[0, 12 * 128 : 22 * 128]).all()
    there = np.isfinite(values[0])
    assert there.sum() == 20 * 128
    np.testing.assert_allclose(values[0, there], true[there], atol=0.1)
    assert [(m.text, m.onset_s) for m in signals.markers] == [("stim", 25.5)]
    assert list(found) == ["T01"]
    assert found["T01"].place == "12 s to 22 s"
    part = signals.read([0], 20 * 128, 24 * 128)
    np.testing.assert_array_equal(part, values[:, 20 * 128 : 24 * 128])


def test_records_that_start_within_a_second_are_placed_within_it(tmp_path):
    starts = [0.25, 1.25, 4.5, 5.5]
    path = write_interrupted_edf(
        tmp_path / "a.edf",
        [np.repeat([10.0, 20.0, 30.0, 40.0], 128)],
        starts,
        markers=[(4.75, "stim")],
        labels=["Fp1"],
        units=["uV"],
        sfreq=128,
    )

    signals, values, found = read_found(path)

    assert signals.seconds == 6.25
    assert signals.markers[0].onset_s == 4.5
    assert values[0, round(4.3 * 128)] == pytest.approx(30, abs=0.1)
    assert np.isnan(values[0, round(4.2 * 128)])
    assert "2.25 s are missing" in found["T01"].sentence


def test_the_clock_of_a_recorder_that_is_set_back_or_days_ahead_is_asked(tmp_path):
    options = {"labels": ["Fp1"], "units": ["uV"], "sfreq": 128}
    ahead = write_interrupted_edf(
        tmp_path / "a.edf", [ramp(4)], [0, 1, 90_000, 90_001],
        markers=[(90_000.5, "stim")], **options,
    )  # fmt: skip
    back = write_interrupted_edf(
        tmp_path / "b.edf", [ramp(4)], [100, 101, 20, 21], **options
    )

    signals, values, found = read_found(ahead)

    assert list(found) == ["T02"]
    assert "jumps by 89998 s" in found["T02"].sentence
    assert signals.seconds == 4  # as it would be read if that is accepted
    assert signals.markers[0].onset_s == 2.5
    assert np.isfinite(values).all()
    assert list(read_found(back)[2]) == ["T04"]
    with pytest.raises(FindingError, match="jumps by 89998 s"):
        open_signals(ahead, NOTHING)


def test_pauses_that_are_absurd_together_need_no_room():
    starts = [200_000 * k / 300 for k in range(300)]
    times = np.concatenate([s + np.arange(4) / 100 for s in starts])

    with collect() as found:
        grid = place_samples(times, np.ones((1, 1200)), name="x")
        placed, rate = grid.values, grid.rate

    assert [f.code for f in found if f.severity == "error"] == ["T02"]
    assert placed.shape[1] < 2000
    assert rate == 100


def test_sub_second_starts_of_a_real_file_agree_with_mne(shared_data):
    folder = shared_data / "physio/mne_testdata/mne-testing-data/EDF"
    for name in ("subsecond_starttime.edf", "test_utf8_annotations.edf"):
        raw = mne.io.read_raw(folder / name, verbose="ERROR")

        signals, _, found = read_found(folder / name)

        assert not found
        said = list(
            zip(raw.annotations.description, raw.annotations.onset, strict=True)
        )
        got = [(m.text, pytest.approx(m.onset_s)) for m in signals.markers]
        assert said == got


def test_slow_channels_are_read_at_their_own_rate_around_a_gap(tmp_path):
    true = ramp(40, 8)
    gsr = 50 + 20 * np.sin(2 * np.pi * 0.2 * true)
    kept = np.concatenate([gsr[:80], gsr[160:]])
    path = write_interrupted_edf(
        tmp_path / "a.edf",
        [np.ones(30 * 128), kept],
        [*range(10), *range(20, 40)],
        labels=["Fp1", "GSR"],
        units=["uV", "uS"],
        sfreq=[128, 8],
    )

    _, values, found = read_found(path)

    assert list(found) == ["T01"]
    seconds = ramp(40)
    expected = 50 + 20 * np.sin(2 * np.pi * 0.2 * seconds)
    inside = ((seconds > 1) & (seconds < 9)) | ((seconds > 21) & (seconds < 39))
    np.testing.assert_allclose(values[1, inside], expected[inside], atol=0.3)
    assert np.isnan(values[1, 10 * 128 : 20 * 128]).all()


def test_a_slow_channel_is_the_same_in_parts_as_in_whole(tmp_path):
    rng = np.random.default_rng(0)
    slow = np.cumsum(rng.standard_normal(150 * 32))
    path = write_edf(
        tmp_path / "a.edf",
        [20 * rng.standard_normal(150 * 128), slow],
        labels=["Fp1", "ECG"],
        units=["uV", "uV"],
        sfreq=[128, 32],
    )

    signals, values, found = read_found(path)
    parts = [signals.read([1], at, at + 1111) for at in range(0, 150 * 128, 1111)]

    assert not found
    np.testing.assert_allclose(np.hstack(parts)[0, 200:-200], values[0 + 1, 200:-200],
                               atol=0.05)  # fmt: skip
    np.testing.assert_allclose(values[1, 400:-400:4], slow[100:-100], atol=1.5)


def test_annotations_in_latin_1_are_read_and_told(tmp_path):
    path = write_interrupted_edf(
        tmp_path / "a.edf", [ramp(4)], range(4), markers=[(1, "Überraschung")],
        encoding="latin-1", labels=["Fp1"], units=["uV"], sfreq=128,
    )  # fmt: skip

    signals, _, found = read_found(path)

    assert [(m.text, m.onset_s) for m in signals.markers] == [("Überraschung", 1)]
    assert list(found) == ["F20"]


def test_segments_of_brainvision_lie_where_their_dates_say(tmp_path):
    bio = np.stack([np.concatenate([ramp(5), 15 + ramp(5)])] * 2)
    dates = ["20240101100000000000", "20240101100015000000"]
    path = write_segments(
        tmp_path / "a.vhdr", bio, CHANNELS, [(0, dates[0]), (640, dates[1])],
        stimuli=[(768, "S  1")], stem="raw_2024",
    )  # fmt: skip

    signals, values, found = read_found(path)

    assert list(found) == ["T01"]
    assert found["T01"].place == "5 s to 15 s"
    assert signals.seconds == 20
    there = np.isfinite(values[0])
    np.testing.assert_allclose(values[0, there], ramp(20)[there], atol=1e-4)
    assert [m.onset_s for m in signals.markers if "S" in m.text][-1] == 16
    assert {part.name for part in list_parts(path)} == {
        *("a.vhdr", "raw_2024.eeg", "raw_2024.vmrk")
    }


def test_a_segment_of_brainvision_without_a_date_is_told(tmp_path):
    path = write_segments(
        tmp_path / "a.vhdr", np.ones((2, 1280)), CHANNELS, [(0, ""), (640, "")]
    )

    signals, _, found = read_found(path)

    assert signals.seconds == 10
    assert "does not say for how long" in found["T01"].sentence


def test_a_boundary_of_eeglab_is_a_gap_of_what_was_cut_out(tmp_path):
    bio = np.concatenate([ramp(5), 8 + ramp(5)])[None]
    events = [
        {"type": "boundary", "latency": 640.5, "duration": 3 * 128.0},
        {"type": "stim", "latency": 769.0, "duration": 0.0},
    ]
    path = write_eeglab(tmp_path / "a.set", bio, ["Fp1"], events)

    signals, values, found = read_found(path)

    assert found["T01"].place == "5 s to 8 s"
    assert "F04" not in found
    assert signals.seconds == 13
    assert {m.text: m.onset_s for m in signals.markers}["stim"] == pytest.approx(9)
    there = np.isfinite(values[0])
    np.testing.assert_allclose(values[0, there], ramp(13)[there], atol=1e-4)


def test_what_fif_skips_is_no_number_and_markers_count_from_the_first_sample(tmp_path):
    path = write_skipping_fif(
        tmp_path / "a_raw.fif", 1e-6 * (1 + ramp(20))[None], ["eeg"], (5.0, 10.0)
    )

    signals, values, found = read_found(path)

    assert found["T01"].place == "5 s to 10 s"
    assert np.isnan(values[0, 5 * 128 : 10 * 128]).all()
    assert np.isfinite(values[0]).sum() == 15 * 128
    assert [(m.text, m.onset_s) for m in signals.markers] == [
        ("stim", pytest.approx(11))
    ]


def test_a_split_fif_is_one_recording_of_several_files(tmp_path):
    bio = 1e-6 * np.random.default_rng(0).standard_normal((12, 128 * 300))
    info = mne.create_info([f"E{k}" for k in range(12)], 128.0, "eeg")
    path = tmp_path / "a_raw.fif"
    raw = mne.io.RawArray(bio, info, verbose="ERROR")
    raw.save(path, fmt="double", split_size="2MB", verbose="ERROR")

    signals = open_signals(path, NOTHING)

    assert signals.seconds == 300
    assert len(list_parts(path)) > 1
    assert all(part.is_file() for part in list_parts(path))


@pytest.mark.parametrize("is_same", [True, False])
def test_codes_of_all_trigger_channels_are_markers(tmp_path, is_same):
    bio = np.zeros((3, 1280))
    bio[1, 200:210] = 7
    bio[2, (200 if is_same else 600) :][:10] = 7
    bio[2, 900:910] = 9
    path = write_skipping_fif(
        tmp_path / "a_raw.fif", bio, ["eeg", "stim", "stim"], (9.0, 9.0)
    )

    signals, _, found = read_found(path)

    texts = [m.text for m in signals.markers if m.text[0] not in "sB"]
    if is_same:
        assert texts == ["7", "9"]
        assert "T13" not in found
    else:
        assert texts == ["STIM 1/7", "STIM 2/7", "9"]
        assert "T13" in found


def test_warnings_of_mne_are_told_whole(tmp_path):
    path = write_edf(tmp_path / "a.edf", [ramp(4)], labels=["Fp1"], units=["uV"])
    content = bytearray(path.read_bytes())
    content[236:244] = b"7       "
    path.write_bytes(content)

    _, _, found = read_found(path)

    assert found["F04"].sentence == (
        "MNE says: Number of records from the header does not match the file size "
        "(perhaps the recording was not stopped before exiting). Inferring from the "
        "file size."
    )


def test_a_header_without_the_number_of_records_is_usual(tmp_path):
    path = write_edf(tmp_path / "a.bdf", [ramp(4)], labels=["Fp1"], units=["uV"])
    content = bytearray(path.read_bytes())
    content[236:244] = b"-1      "
    path.write_bytes(content)

    assert not read_found(path)[2]


def test_an_error_keeps_all_that_a_library_says_and_names_the_header(tmp_path):
    path = write_segments(
        tmp_path / "a.vhdr", 1e4 * np.random.default_rng(0).normal(size=(2, 1280)),
        CHANNELS, [(0, "")], stem="other",
    )  # fmt: skip
    renamed = shutil.copy(
        write_edf(tmp_path / "b.edf", [ramp(2)], labels=["Fp1"], units=["uV"]),
        tmp_path / "b.fif",
    )

    with pytest.raises(UserError, match=r"other\.eeg: cannot be read: .*name a\.vhdr"):
        open_signals(path.with_name("other.eeg"), NOTHING)
    with pytest.raises(UserError, match=r"looks like EDF \(\.edf\)"):
        open_signals(renamed, NOTHING)


def test_a_rate_that_is_absurd_ends_in_a_sentence(tmp_path):
    path = write_edf(tmp_path / "a.edf", [ramp(4)], labels=["Fp1"], units=["uV"])
    content = bytearray(path.read_bytes())
    content[244:252] = b"1e9     "
    path.write_bytes(content)

    with pytest.raises(FindingError, match=r"samples a second, expected .* \[T06\]"):
        open_raw(path)


def test_two_channels_of_one_label_are_asked_for(tmp_path):
    path = write_edf(
        tmp_path / "a.edf", [ramp(4)] * 2, labels=["GSR"] * 2, units=["uS"] * 2
    )
    declared = Declaration(eeg=(), peripherals={"GSR-1": ChannelType.GSR})

    with collect() as found:
        find_channels(open_signals(path, NOTHING), NOTHING)
        chosen = find_channels(open_signals(path, declared), declared)

    assert [f.code for f in found] == ["C02", "C01"]
    assert "'GSR-0' or 'GSR-1'" in found[0].cure
    assert [(name, item.place) for name, item in chosen.items()] == [("GSR-1", 1)]


def test_a_fdt_of_another_name_is_found_by_its_set(tmp_path, shared_data):
    folder = shared_data / "physio/eeglab_sample/sample_data"
    for suffix in (".set", ".fdt"):
        copied = tmp_path / f"eeglab_data{suffix}"
        shutil.copyfile(folder / copied.name, copied)
    renamed = (tmp_path / "eeglab_data.set").rename(tmp_path / "mine.set")

    assert [part.name for part in list_parts(renamed)] == [
        *("mine.set", "eeglab_data.fdt")
    ]


def test_one_repeated_stamp_does_not_move_the_others():
    times = np.arange(2000) / 100
    value = np.sin(2 * np.pi * times)
    stamps = times.copy()
    stamps[500] = stamps[499]
    stamps[1200:] += 2.0

    with collect() as found:
        grid = place_samples(stamps, value[None], name="x")
        placed, rate = grid.values, grid.rate

    assert [f.code for f in found] == ["T03", "T01"]
    assert "1 of 2000 time stamps are repeated" in found[0].sentence
    assert rate == 100
    np.testing.assert_allclose(placed[0, :1100], value[:1100], atol=1e-2)
    np.testing.assert_allclose(placed[0, 1401:2200], value[1201:], atol=2e-2)
    assert np.isnan(placed[0, 1202:1398]).all()


def test_stamps_of_packets_are_spread_over_their_samples():
    times = np.arange(1280) / 128
    stamps = np.repeat(times[::8], 8)

    with collect() as found:
        grid = place_samples(stamps, times[None], name="x")
        placed, rate = grid.values, grid.rate

    assert [f.code for f in found] == ["T03"]
    assert rate == 128
    np.testing.assert_allclose(placed[0], times, atol=1e-6)


@pytest.mark.parametrize("before", [0.0, 1.7e9 - 50])
def test_a_jump_needs_no_room_and_is_told_in_seconds(before):
    times = 1.7e9 + np.arange(1000) / 250
    times[:1] = before

    with collect() as found:
        grid = place_samples(times, np.ones((4, 1000)), name="x")
        placed = grid.values

    if before:
        assert [f.code for f in found] == ["T01"]
        assert placed.shape[1] < 64 * 1000
    else:
        assert [f.code for f in found] == ["T02"]
        assert found[0].sentence.startswith("the time stamps jump by 1.7e+09 s")
        assert placed.shape[1] == 1000


def test_stamps_that_go_back_are_asked_for_and_put_in_order():
    times = np.arange(1000) / 100
    order = np.r_[500:1000, 0:500]

    with collect() as found:
        grid = place_samples(times[order], times[order][None], name="x")
        placed = grid.values

    assert [f.code for f in found] == ["T04"]
    assert "from 9.99 s to 0 s" in found[0].sentence
    np.testing.assert_allclose(placed[0], times, atol=1e-9)


def test_samples_after_a_clock_was_set_back_follow_those_before():
    times = np.arange(1000) / 100
    stamps = times.copy()
    stamps[500:] -= 3

    with collect() as found:
        grid = place_samples(stamps, times[None], name="x")
        placed, rate = grid.values, grid.rate

    assert [f.code for f in found] == ["T04"]
    assert "was set back" in found[0].assumed
    assert rate == 100
    np.testing.assert_allclose(placed[0], times, atol=1e-9)


@pytest.mark.parametrize("step", [7.8, 1e-6])
def test_a_rate_that_no_sensor_has_is_asked_for(step):
    with collect() as found:
        place_samples(np.arange(500) * step, np.ones((1, 500)), name="x")

    assert [f.code for f in found] == ["T06"]


def test_another_rate_than_the_file_states_is_told():
    with collect() as found:
        place_samples(
            np.arange(500) / 249, np.ones((1, 500)), name="x", stated_hz=256.0
        )

    assert [(f.code, f.sentence) for f in found] == [
        ("T07", "249 samples a second by its time stamps, 256 stated")
    ]


def test_an_empty_cell_beside_lost_packets_is_bridged_and_they_are_a_hole():
    times = np.delete(np.arange(3000) / 128, slice(1000, 1052))
    values = np.stack([np.sin(times), np.cos(times)])
    values[1, 400] = np.nan

    with collect() as found:
        grid = place_samples(times, values, name="x", labels=["A", "B"])
        placed, rate = grid.values, grid.rate

    assert [(f.code, f.place) for f in found] == [
        ("T01", "7.80469 s to 8.21875 s"),
        ("Q01", "B"),
    ]
    assert rate == 128
    grid = np.arange(3000) / 128
    there = np.isfinite(placed[1])
    assert 51 <= (~there).sum() <= 52
    np.testing.assert_allclose(placed[1, there], np.cos(grid)[there], atol=1e-3)


def test_a_long_gap_of_one_channel_is_missing_in_this_one_only():
    times = np.arange(1280) / 128
    values = np.stack([times, times])
    values[1, 400:800] = np.nan

    with collect():
        grid = place_samples(times, values, name="x")
        placed = grid.values

    np.testing.assert_array_equal(placed[0], times)
    assert np.isnan(placed[1, 401:799]).all()
    assert np.isfinite(placed[1, :400]).all()


def test_a_slow_channel_in_a_fast_table_is_drawn_through_its_own_samples(tmp_path):
    times = np.arange(3840) / 128
    gsr = np.full(3840, np.nan)
    gsr[::32] = 5 + np.sin(2 * np.pi * 0.2 * times[::32])
    path = tmp_path / "a.csv"
    table = pd.DataFrame({"time": times, "Fp1": np.sin(times), "GSR": gsr})
    table.to_csv(path, index=False)

    _, values, found = read_found(path)

    assert found["Q20"].sentence == "numbers in 120 of 3840 rows, 4 a second"
    expected = 5 + np.sin(2 * np.pi * 0.2 * times)
    np.testing.assert_allclose(values[1, :-40], expected[:-40], atol=0.01)


def eeg_stream(name, *, start=100.0, seconds=10, rate=128, **more):
    n = round(seconds * rate)
    return {
        "name": name,
        "type": "EEG",
        "rate": rate,
        "times": start + np.arange(n) / rate,
        "values": sample_bio(seconds, sfreq=rate, labels=["Fp1", "Fp2"]).T,
        "labels": ["Fp1", "Fp2"],
        "units": ["microvolts"] * 2,
        **more,
    }


def test_streams_of_two_people_are_asked_for_and_never_joined(tmp_path):
    path = write_xdf(tmp_path / "a.xdf", [eeg_stream("Cap A"), eeg_stream("Cap B")])

    signals, _, found = read_found(path)
    one = read_found(path, Declaration(streams=("cap b",)))
    both = read_found(path, Declaration(streams=("Cap A", "Cap B")))
    by_type = read_found(path, Declaration(streams=("EEG",)))

    assert signals.labels == ("Fp1", "Fp2")
    assert "Cap A" in found["C10"].sentence
    assert "Cap B" in found["C10"].sentence
    assert found["C01"].sentence.startswith("stream Cap B (EEG) is not used")
    assert list(one[2]) == ["C01"]
    assert len(both[0].labels) == 4
    assert not both[2]
    assert "C10" in by_type[2]


def test_numbers_of_a_marker_stream_are_markers(tmp_path):
    codes = {
        "name": "Task",
        "type": "Markers",
        "times": [103.0, 106.0],
        "values": np.array([[1.0], [2.5]]),
    }
    path = write_xdf(tmp_path / "a.xdf", [eeg_stream("Cap"), codes])

    signals, _, found = read_found(path)

    assert not found
    assert [(m.text, round(m.onset_s, 6)) for m in signals.markers] == [
        *[("1", 3.0), ("2.5", 6.0)]
    ]


def test_streams_of_other_times_or_clocks_are_asked_for(tmp_path):
    skin = eeg_stream("Skin", start=5000.0, seconds=5, rate=32) | {"type": "GSR"}
    path = write_xdf(tmp_path / "a.xdf", [eeg_stream("Cap"), skin])

    signals, values, found = read_found(path)

    assert found["T08"].sentence.startswith("Skin (GSR) is from 4900 s to 4904.97 s")
    assert signals.seconds == 10
    assert np.isnan(values[2:]).all()


def test_hosts_without_clock_offsets_have_no_common_clock(tmp_path):
    skin = eeg_stream("Skin", rate=32) | {"type": "GSR", "host": "tablet"}
    streams = [eeg_stream("Cap", host="lab") | {"clock": None}, skin | {"clock": None}]

    assert "T09" in read_found(write_xdf(tmp_path / "a.xdf", streams))[2]
    streams[1]["host"] = "lab"
    assert not read_found(write_xdf(tmp_path / "b.xdf", streams))[2]


def test_an_xdf_that_claims_more_than_it_has_ends_in_a_sentence(tmp_path):
    path = write_xdf(tmp_path / "a.xdf", [eeg_stream("Cap")])
    content = path.read_bytes()
    count = b"<channel_count>2</channel_count>"
    path.write_bytes(content.replace(count, count.replace(b"2", b"9")))

    with pytest.raises(UserError, match=r"claims 1280 samples of 72 bytes"):
        open_signals(path, NOTHING)


def test_warnings_of_pyxdf_are_told_and_its_logger_is_left_alone(tmp_path):
    path = write_xdf(tmp_path / "a.xdf", [eeg_stream("Cap"), eeg_stream("Cap B")])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 4 // 5])

    _, _, found = read_found(path, Declaration(streams=("Cap",)))

    assert found["F04"].sentence.startswith("pyxdf says: ")
    assert logging.getLogger("pyxdf").level == logging.NOTSET


def test_an_extra_that_is_not_installed_is_named(tmp_path, monkeypatch):
    path = write_xdf(tmp_path / "a.xdf", [eeg_stream("Cap")])
    monkeypatch.setitem(sys.modules, "pyxdf", None)

    with pytest.raises(FindingError, match=r"deepvanet\[recordings\].* \[F05\]"):
        open_signals(path, NOTHING)


def test_a_channel_without_a_physical_range_has_no_numbers(tmp_path):
    path = write_edf(
        tmp_path / "a.edf", [ramp(4), ramp(4)], labels=["Fp1", "GSR"],
        units=["uV", "uS"], sfreq=128,
    )  # fmt: skip
    content = bytearray(path.read_bytes())
    n = int(content[252:256])
    for at in (104, 112):
        content[256 + at * n + 8 : 256 + at * n + 16] = b"0       "
    path.write_bytes(content)

    with collect() as found:
        find_channels(open_signals(path, NOTHING), NOTHING)
    values = read_found(path)[1]

    assert [(f.code, f.place) for f in found] == [("C06", "GSR")]
    assert np.isnan(values[1]).all()
    np.testing.assert_allclose(values[0], ramp(4), atol=0.1)


@pytest.mark.parametrize("write", [write_fif, write_brainvision])
def test_sound_files_have_no_finding(tmp_path, write):
    name = "a.fif" if write is write_fif else "a.vhdr"
    path = write(tmp_path / name, sample_bio(4, labels=["Fp1", "ECG"]), CHANNELS)

    assert not read_found(path)[2]


def test_samples_that_nothing_can_measure_are_missing():
    values = np.ones((1, 500))
    values[0, [7, 90]] = 1e308, -1e200
    times = np.arange(500) / 250 + np.where(np.arange(500) > 300, 2.0, 0.0)

    with collect() as found:
        grid = place_samples(times, values, name="x")
        placed = grid.values

    assert "Q03" in [f.code for f in found]
    assert np.nanmax(np.abs(placed)) < 2
