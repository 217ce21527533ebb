"""Tests of the readers of signal files: formats, units, markers, clocks."""

import logging

import mne
import numpy as np
import pandas as pd
import pytest

from deepvanet.datasets.recordings.channels import find_channels
from deepvanet.findings import FindingError
from deepvanet.schema import Channel, ChannelType, Stream, UserError
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.open_file import open_signals
from deepvanet.signal_io.read_errors import explain_error
from deepvanet.signal_io.time_grid import change_rate, place_samples, shift
from signal_files import write_brainvision, write_fif
from small_recordings import LABELS, sample_bio, write_edf, write_xdf

NOTHING = Declaration()
CHANNELS = (
    Channel("Fp1", ChannelType.EEG, "uV"),
    Channel("Fp2", ChannelType.EEG, "uV"),
    Channel("ECG", ChannelType.ECG, "uV"),
)


def read_all(path, declared=NOTHING):
    """Return a file's signals, and its usable channels with their numbers."""
    signals = open_signals(path, declared)
    found = find_channels(signals, declared)
    return signals, {
        name: signals.read([item.place])[0] for name, item in found.items()
    }


def test_a_mistake_of_our_own_is_no_fault_of_the_file(tmp_path):
    ours = {"__name__": "deepvanet.signal_io.raw_files"}

    with pytest.raises(AttributeError), explain_error(tmp_path / "a.edf"):
        exec("None.sfreq", ours)


def test_what_a_library_raises_on_a_file_is_one_sentence(tmp_path):
    path = tmp_path / "a.edf"

    damaged = pytest.raises(FindingError, match=r"damaged or cut off \(TypeError: ")
    with damaged, explain_error(path):
        mne.filter.filter_data(None, 100, 1, 10)
    with pytest.raises(FindingError, match="be read: no number"), explain_error(path):
        raise ValueError("no number")


@pytest.mark.parametrize("suffix", [".edf", ".bdf"])
def test_edf_and_bdf_give_their_own_numbers_units_and_annotations(tmp_path, suffix):
    bio = sample_bio(5)
    path = write_edf(tmp_path / f"a{suffix}", bio, markers=[(1.5, 2.0, "happy")])

    signals, numbers = read_all(path)

    assert signals.sfreq == 256
    assert signals.seconds == 5
    assert list(numbers) == list(LABELS)
    for row, label in enumerate(LABELS):
        np.testing.assert_allclose(numbers[label], bio[row], atol=0.1)
    (marker,) = (m for m in signals.markers if m.text == "happy")
    assert (marker.onset_s, marker.duration_s) == (1.5, 2.0)
    units = {name: f.unit for name, f in find_channels(signals, NOTHING).items()}
    assert units["Fp1"] == "uV"
    assert units["GSR"] == "uS"


@pytest.mark.parametrize("suffix", [".edf", ".bdf"])
@pytest.mark.parametrize("unit", ["nV", "uV", "mV", "V"])
def test_voltages_are_read_in_the_unit_that_the_file_has(tmp_path, suffix, unit):
    wave = np.abs(np.sin(np.arange(1024) / 9))
    path = write_edf(tmp_path / f"a{suffix}", [wave], labels=["Fp1"], units=[unit])

    signals = open_signals(path, NOTHING)

    assert signals.units == (unit,)
    np.testing.assert_allclose(signals.read([0])[0], wave, atol=0.07)


def test_channels_of_other_rates_are_brought_to_the_highest_by_what_they_hold(tmp_path):
    fast, slow = (np.sin(2 * np.pi * 3 * np.arange(10 * r) / r) for r in (256, 64))
    path = write_edf(
        tmp_path / "a.edf",
        [50 * fast, 50 * slow],
        labels=["Fp1", "ECG"],
        units=["uV", "uV"],
        sfreq=[256, 64],
    )

    _, numbers = read_all(path)

    middle = slice(512, -512)
    np.testing.assert_allclose(numbers["ECG"][middle], 50 * fast[middle], atol=3)


@pytest.mark.parametrize("write", [write_fif, write_brainvision])
def test_fif_and_brainvision_give_microvolts(tmp_path, write):
    bio = sample_bio(4, labels=["Fp1", "Fp2", "ECG"], sfreq=128)
    name = "a_raw.fif" if write is write_fif else "a.vhdr"
    path = write(tmp_path / name, bio, CHANNELS)

    signals, numbers = read_all(path)

    found = find_channels(signals, NOTHING)
    assert list(found) == ["Fp1", "Fp2", "ECG"]
    for row, channel in enumerate(CHANNELS):
        unit = found[channel.name].unit
        scale = {"uV": 1.0, "V": 1e6}[unit]
        np.testing.assert_allclose(
            numbers[channel.name] * scale, bio[row], rtol=1e-3, atol=1e-3
        )


def test_a_real_eeglab_file_has_electrodes_and_eye_channels(shared_data):
    path = shared_data / "physio/eeglab_sample/sample_data/eeglab_data.set"

    signals, numbers = read_all(path)

    found = find_channels(signals, NOTHING)
    n_eeg = sum(f.channel.stream is Stream.EEG for f in found.values())
    assert n_eeg == 30
    assert {n for n, f in found.items() if f.channel.type is ChannelType.EOG} == {
        *("EOG1", "EOG2")
    }
    raw = mne.io.read_raw_eeglab(path, verbose="ERROR")
    np.testing.assert_allclose(numbers["Oz"], raw.get_data("Oz")[0] * 1e6, rtol=1e-4)
    assert {"rt", "square"} <= {marker.text for marker in signals.markers}


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_tables_have_a_column_of_seconds_and_units_in_their_labels(tmp_path, suffix):
    times = 100 + np.arange(400) / 100
    bio = sample_bio(4, sfreq=100, labels=["Fp1", "GSR"])
    table = pd.DataFrame({"Time": times, "Fp1 [mV]": bio[0] / 1e3, "GSR": bio[1]})
    table["marker"] = [""] * 150 + ["film"] * 50 + [""] * 200
    path = tmp_path / f"a{suffix}"
    if suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")

    signals, numbers = read_all(path)

    assert signals.sfreq == 100
    np.testing.assert_allclose(numbers["Fp1"] * 1e3, bio[0])
    np.testing.assert_allclose(numbers["GSR"], bio[1])
    assert [(m.text, m.onset_s) for m in signals.markers] == [("film", 1.5)]
    assert find_channels(signals, NOTHING)["Fp1"].unit == "mV"


def test_a_table_in_milliseconds_is_counted_in_seconds(tmp_path):
    path = tmp_path / "a.csv"
    pd.DataFrame({"time_ms": np.arange(50) * 4, "ECG": np.arange(50.0)}).to_csv(path)

    signals, _ = read_all(path)

    assert signals.sfreq == 250


def test_streams_of_xdf_are_brought_to_one_clock_and_one_rate(tmp_path):
    """The skin's clock is 1000 s behind; it starts 2 s late, and is slower."""
    eeg_times = 5000 + np.arange(10 * 128) / 128
    gsr_times = 5002 + np.arange(6 * 32) / 32
    eeg = sample_bio(10, sfreq=128, labels=["Fp1", "Fp2"]).T
    slow = 5 + np.sin(gsr_times)[:, None]
    path = write_xdf(
        tmp_path / "a.xdf",
        [
            {
                "name": "Skin",
                "type": "GSR",
                "times": gsr_times,
                "values": slow,
                "rate": 32,
                "clock": 1000.0,
                "labels": ["GSR"],
                "units": ["microsiemens"],
            },
            {
                "name": "Cap",
                "type": "EEG",
                "times": eeg_times,
                "values": eeg,
                "rate": 128,
                "labels": ["Fp1", "Fp2"],
                "units": ["microvolts"] * 2,
            },
            {
                "name": "Task",
                "type": "Markers",
                "times": [5003.0, 5006.0],
                "values": ["one", "two"],
            },
        ],
    )

    signals, numbers = read_all(path)

    assert (signals.sfreq, signals.n_samples) == (128, 1280)
    np.testing.assert_allclose(numbers["Fp1"], eeg[:, 0], rtol=1e-5)
    gsr = numbers["GSR"]
    seconds = np.arange(1280) / 128
    assert np.isnan(gsr[seconds < 1.99]).all()
    inside = (seconds > 2.5) & (seconds < 7.4)
    expected = 5 + np.sin(5000 + seconds[inside])
    np.testing.assert_allclose(gsr[inside], expected, atol=0.02)
    assert [(m.text, round(m.onset_s, 3)) for m in signals.markers] == [
        *[("one", 3.0), ("two", 6.0)]
    ]


def test_the_stamps_of_frames_say_when_a_video_began(tmp_path):
    times = 10 + np.arange(640) / 128
    frames = 11.5 + np.arange(75) / 25
    path = write_xdf(
        tmp_path / "a.xdf",
        [
            {
                "name": "Cap",
                "type": "EEG",
                "times": times,
                "rate": 128,
                "values": np.ones((640, 1)),
                "labels": ["Fp1"],
            },
            {
                "name": "Webcam",
                "type": "VideoFrames",
                "times": frames,
                "values": np.arange(75.0)[:, None],
            },
        ],
    )

    signals = open_signals(path, Declaration(video="Webcam"))

    assert signals.video.start_s == pytest.approx(1.5)
    assert signals.video.span_s == pytest.approx(74 / 25)


def test_a_real_xdf_with_clock_resets_is_read_at_the_rate_it_has(shared_data):
    path = shared_data / "physio/xdf_examples/clock_resets.xdf"

    signals, _ = read_all(path, Declaration(streams=("BioSemi",)))

    # 100 Hz nominal, but 27815 samples in 573 s of which some are a hole
    assert signals.sfreq == 93
    assert signals.seconds == pytest.approx(573.1, abs=0.2)
    assert len(signals.markers) == 175
    values = signals.read([0])[0]
    holes = np.diff(np.flatnonzero(np.isfinite(values))) - 1
    assert holes.max() > 93
    assert np.isfinite(values).mean() > 0.99 * 27815 / (573.15 * 93)


def test_real_xdf_files_without_signals_of_a_known_type_say_what_they_have(shared_data):
    folder = shared_data / "physio/xdf_examples"

    with pytest.raises(UserError, match=r"no stream whose type says .* got "):
        open_signals(folder / "empty_streams.xdf", NOTHING)
    with pytest.raises(UserError, match=r"no stream of signals 'Cap', got .*SendDataC"):
        open_signals(folder / "minimal.xdf", Declaration(streams=("Cap",)))
    with pytest.raises(UserError, match="no stream of markers 'Cap'"):
        open_signals(folder / "minimal.xdf", Declaration(markers="Cap"))
    with pytest.raises(UserError, match="no stream 'Cap' with the stamps of a video"):
        open_signals(folder / "minimal.xdf", Declaration(video="Cap"))
    assert logging.getLogger("pyxdf").level == logging.NOTSET


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.edf", "nothing", r"a\.edf: cannot be read: "),
        ("a.xdf", "nothing", r"a\.xdf: cannot be read: "),
        ("a.parquet", "nothing", r"a\.parquet: cannot be read: "),
        ("a.csv", "Fp1,Fp2\n1,2\n", "no column of seconds called time_s, got Fp1, Fp2"),
        ("a.csv", "time,Fp1\nnoon,2\n", "column time: must hold numbers of seconds"),
        ("a.csv", "time,Fp1\n1,2\n", "needs two samples or more, got 1"),
        (
            "a.csv",
            "time,Fp1\n1,2\n2,2\n1,3\n",
            "the time goes back once: from 1 s to 0 s",
        ),
        ("a.csv", "time,Fp1\n1,2\n1,2\n1,3\n", "most of its times are the same"),
        ("a.csv", "time,Fp1\n1,2\n,2\n1,3\n", "most of its times are the same"),
    ],
)
def test_files_that_hold_no_signals_end_in_a_sentence(tmp_path, name, text, sentence):
    path = tmp_path / name
    path.write_text(text)

    with pytest.raises(UserError, match=sentence):
        open_signals(path, NOTHING)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"a\.edf: no such file"):
        open_signals(tmp_path / "a.edf", NOTHING)


def test_jittered_stamps_about_a_line_leave_the_samples_as_they_are():
    rng = np.random.default_rng(0)
    times = 3 + np.arange(1000) / 250
    jittered = np.sort(times + rng.uniform(-1.5e-3, 1.5e-3, 1000))
    values = rng.standard_normal((2, 1000))

    grid = place_samples(jittered, values, name="x")
    placed, rate = grid.values, grid.rate

    assert rate == 250
    np.testing.assert_array_equal(placed, values)


def test_a_slow_clock_is_put_on_the_whole_rate_by_a_curve_through_its_samples():
    rate = 99.4
    times = np.arange(3000) / rate
    values = np.sin(2 * np.pi * 5 * times)[None]

    grid = place_samples(times, values, name="x")
    placed, found = grid.values, grid.rate

    assert found == 99.0 or found == 100.0
    grid = np.arange(placed.shape[1]) / found
    np.testing.assert_allclose(placed[0], np.sin(2 * np.pi * 5 * grid), atol=1e-3)


def test_a_hole_is_not_a_number_and_what_follows_keeps_its_time():
    times = np.concatenate([np.arange(100) / 50, 5 + np.arange(100) / 50])
    values = times[None].copy()

    grid = place_samples(times, values, name="x")
    placed, rate = grid.values, grid.rate

    grid = np.arange(placed.shape[1]) / rate
    in_hole = (grid > 1.99) & (grid < 4.99)
    assert np.isnan(placed[0, in_hole]).all()
    np.testing.assert_allclose(placed[0, ~in_hole], grid[~in_hole], atol=1e-9)


def test_a_lower_rate_holds_nothing_of_what_it_cannot_show():
    times = np.arange(4000) / 400
    low, high = np.sin(2 * np.pi * 3 * times), np.sin(2 * np.pi * 90 * times)

    changed = change_rate((low + high)[None], sfreq=400.0, to=100.0)

    expected = np.sin(2 * np.pi * 3 * np.arange(1000) / 100)
    np.testing.assert_allclose(changed[0, 50:-50], expected[50:-50], atol=0.02)


def test_holes_stay_holes_at_another_rate():
    values = np.ones((1, 400))
    values[0, 100:200] = np.nan

    changed = change_rate(values, sfreq=200.0, to=100.0)

    assert np.isnan(changed[0, 50:100]).all()
    assert np.isfinite(changed[0, 101:]).all()  # the last hole is nearest to 100


def test_what_starts_later_or_ends_sooner_has_no_numbers_there():
    placed = shift(np.array([[1.0, 2.0, 3.0]]), by=1, length=5)
    cut = shift(np.array([[1.0, 2.0, 3.0]]), by=-1, length=2)

    np.testing.assert_array_equal(placed, [[np.nan, 1, 2, 3, np.nan]])
    np.testing.assert_array_equal(cut, [[2, 3]])


@pytest.mark.parametrize("to", [100.0, 1000.0])
def test_a_changed_rate_keeps_what_it_can_hold_and_folds_nothing_back(to):
    times = np.arange(8000) / 400
    slow, fast = np.sin(2 * np.pi * 30 * times), np.sin(2 * np.pi * 65 * times)

    changed = change_rate(np.stack([slow, fast]), sfreq=400.0, to=to)

    middle = slice(round(2 * to), round(18 * to))
    there = np.arange(changed.shape[1]) / to
    np.testing.assert_allclose(
        changed[0, middle], np.sin(2 * np.pi * 30 * there)[middle], atol=1e-3
    )
    kept = np.sin(2 * np.pi * 65 * there)[middle] if to > 130 else 0
    np.testing.assert_allclose(changed[1, middle], kept, atol=1e-3)


@pytest.mark.parametrize(("to", "n_lost"), [(100.0, (2, 4)), (400.0, (6, 8))])
def test_a_gap_is_as_long_at_another_rate(to, n_lost):
    values = np.random.default_rng(0).normal(size=(1, 800))
    values[0, 400:403] = np.nan

    changed = change_rate(values, sfreq=200.0, to=to)

    lost = np.flatnonzero(np.isnan(changed[0]))
    assert n_lost[0] <= len(lost) <= n_lost[1]
    assert (np.diff(lost) == 1).all()
    assert abs(lost.mean() / to - 401 / 200) < 1 / 200
