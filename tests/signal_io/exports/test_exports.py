"""Tests of what makers of devices export: time, units, labels, markers, losses."""

import sys
import zipfile

import numpy as np
import pytest

import device_exports as exports
from deepvanet.datasets.recordings.channels import find_channels
from deepvanet.datasets.recordings.reader import read_recordings
from deepvanet.findings import FindingError, Severity, collect
from deepvanet.schema import ChannelType
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.exports.known import EXPORTS, ExportReader, find_export
from deepvanet.signal_io.exports.placing import place_counted, place_stamped
from deepvanet.signal_io.open_file import list_parts, open_signals
from small_recordings import write_trials

NOTHING = Declaration()
LOST = (7.0, 8.5)

each = pytest.mark.parametrize("case", exports.CASES, ids=lambda case: case.name)
each_radio = pytest.mark.parametrize(
    "case", [c for c in exports.CASES if c.loses], ids=lambda case: case.name
)


def open_export(path, declared=NOTHING):
    """Return the signals of a file, and what was found."""
    with collect() as found:
        signals = open_signals(path, declared)
    return signals, found


def read_channel(signals, label):
    return signals.read([signals.labels.index(label)])[0]


def list_odd(found):
    return [f.code for f in found if f.severity is not Severity.NOTE]


@each
def test_an_export_has_its_rate_its_units_its_start_and_no_finding_worse_than_a_note(
    tmp_path, case
):
    signals, found = open_export(case.write(tmp_path / case.file))

    assert signals.sfreq == pytest.approx(case.sfreq, rel=1e-6)
    assert signals.seconds == pytest.approx(12, abs=0.02)
    for label, unit in (case.tone, case.step):
        assert signals.units[signals.labels.index(label)] == unit
    if case.start is None:
        assert signals.start_unix_s is None
    else:
        assert signals.start_unix_s == pytest.approx(case.start, abs=0.05)
    assert list_odd(found) == []
    assert "T05" in [f.code for f in found]


@each
def test_an_export_has_its_tone_its_step_and_its_marker_at_their_time(tmp_path, case):
    signals, _ = open_export(case.write(tmp_path / case.file))

    tone = read_channel(signals, case.tone[0]) - case.offset
    expected = case.tone_scale * exports.make_tone(signals.sfreq, signals.n_samples)
    np.testing.assert_allclose(tone, expected, atol=0.02 * expected.max())
    step = read_channel(signals, case.step[0]) - case.offset
    rise = np.argmax(step > 3.5) / signals.sfreq
    assert rise == pytest.approx(exports.STEP_S, abs=case.step_doubt_s)
    markers = [m for m in signals.markers if not m.text.startswith("Segment")]
    if case.marker is None:
        assert markers == []
    else:
        (marker,) = markers
        assert marker.text == case.marker
        assert marker.onset_s == pytest.approx(
            exports.MARKER_S, abs=case.marker_doubt_s
        )


@each_radio
def test_lost_packets_are_missing_samples_of_their_true_length(tmp_path, case):
    signals, found = open_export(case.write(tmp_path / case.file, lost=LOST))

    tone = read_channel(signals, case.tone[0]) - case.offset
    at = np.arange(signals.n_samples) / signals.sfreq
    doubt = 0.06 if case.write is exports.write_mind_monitor else 1.5 / signals.sfreq
    inside = (at > LOST[0] + doubt) & (at < LOST[1] - doubt)
    outside = (at < LOST[0] - doubt) | (at > LOST[1] + doubt)
    assert np.isnan(tone[inside]).all()
    assert np.isfinite(tone[outside]).all()
    assert signals.seconds == pytest.approx(12, abs=0.02 + doubt)
    if case.write is not exports.write_mind_monitor:
        expected = case.tone_scale * exports.make_tone(signals.sfreq, len(tone))
        np.testing.assert_allclose(
            tone[outside], expected[outside], atol=0.05 * expected.max()
        )
    assert list_odd(found) == ["T01"]
    (gap,) = (f for f in found if f.code == "T01")
    assert gap.sentence.startswith(("1.4", "1.5"))
    start, end = (float(word) for word in gap.place.split() if word[0].isdecimal())
    assert (start, end) == (pytest.approx(7.0, abs=0.05), pytest.approx(8.5, abs=0.06))


def test_a_counter_of_emotiv_testbench_tells_of_less_than_a_round(tmp_path):
    path = exports.write_testbench(tmp_path / "a.csv", lost=(7.0, 7.5))

    signals, found = open_export(path)

    assert signals.seconds == pytest.approx(12, abs=0.01)
    assert np.isnan(signals.read([0])[0, round(7.25 * 128)])
    assert list_odd(found) == ["T01"]


def test_every_row_names_a_reader_and_finds_its_files(tmp_path):
    found = {
        find_export(case.write(tmp_path / case.name / case.file)).name
        for case in exports.CASES
        if not (tmp_path / case.name).mkdir()
    }

    assert found == {export.name for export in EXPORTS}
    assert all(isinstance(export.load_reader(), ExportReader) for export in EXPORTS)


@pytest.mark.parametrize(
    "text",
    [
        "time,Fp1\n0,1\n0.01,2\n",
        "timestamps,GSR [uS]\n0,1\n0.25,2\n",
        "sep=;\ntime;Fp1\n0;1\n",
        "0.0,1.5\n0.1,2.5\n",
        "1700000000\nhello\n",
        "",
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "EDA.csv", "a.txt"])
def test_other_tables_are_not_taken_for_an_export(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)

    assert find_export(path) is None
    assert find_export(tmp_path / "nowhere.csv") is None


def test_channels_of_openbci_have_no_electrodes_until_they_are_named(tmp_path):
    path = exports.write_openbci(tmp_path / "a.txt", seconds=5)

    signals, _ = open_export(path)

    with collect() as found:
        assert find_channels(signals, NOTHING) == {}
    (nameless,) = found
    assert nameless.code == "C01"
    assert 'eeg = ["EXG Channel 0", ...]' in nameless.cure
    declared = Declaration(
        eeg=tuple(f"EXG Channel {k}" for k in range(7)),
        peripherals={"EXG Channel 7": ChannelType.ECG},
    )
    signals, found = open_export(path, declared)
    assert len(find_channels(signals, declared)) == 8
    assert not any("EXG" in f.sentence for f in found if f.code == "C01")


def test_electrodes_in_the_header_row_of_openbci_name_its_channels(tmp_path):
    names = ("Fp1", "Fp2", "C3", "C4", "P7", "P8", "O1", "O2")
    path = exports.write_openbci(tmp_path / "a.txt", seconds=5, names=names)

    signals, found = open_export(path)

    assert tuple(find_channels(signals, NOTHING)) == names
    assert not any("Fp1" in f.sentence for f in found if f.code == "C01")


def test_what_an_export_holds_beside_signals_is_named(tmp_path):
    _, found = open_export(exports.write_emotiv(tmp_path / "a.csv"))

    (unused,) = (f for f in found if f.code == "C01")
    for name in ("EEG.Battery", "EEG.RawCq", "CQ.*", "MOT.*", "MarkerIndex"):
        assert name in unused.sentence


def test_a_header_that_contradicts_the_columns_of_openbci_is_reported(tmp_path):
    path = exports.write_openbci(tmp_path / "a.txt", seconds=5)
    path.write_text(path.read_text().replace("channels = 8", "channels = 4"))

    signals, found = open_export(path)

    assert len([label for label in signals.labels if "EXG" in label]) == 8
    assert list_odd(found) == ["F08"]


def test_a_header_row_of_openbci_without_the_lines_above_is_enough(tmp_path):
    path = exports.write_openbci(tmp_path / "a.csv", seconds=5)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[4:]))

    signals, found = open_export(path)

    assert signals.sfreq == 250
    assert list_odd(found) == []


def test_a_board_that_drifts_has_the_rate_of_its_stamps(tmp_path):
    path = exports.write_openbci(tmp_path / "a.txt", seconds=60, drift=0.004)

    signals, found = open_export(path)

    assert signals.sfreq == pytest.approx(250 / 1.004, rel=1e-4)
    assert list_odd(found) == []


def test_a_board_at_another_rate_than_its_header_says_is_reported(tmp_path):
    path = exports.write_openbci(tmp_path / "a.txt", seconds=5)
    path.write_text(path.read_text().replace("Rate = 250", "Rate = 1000"))

    signals, found = open_export(path)

    assert signals.sfreq == pytest.approx(250, rel=1e-3)
    assert list_odd(found) == ["T07"]


def test_samples_that_emotiv_made_up_are_missing(tmp_path):
    path = exports.write_emotiv(tmp_path / "a.csv", made_up=(7.0, 7.5))

    signals, found = open_export(path)

    tone = signals.read([0])[0]
    assert np.isnan(tone[7 * 128 : 7 * 128 + 64]).all()
    assert np.isnan(tone).sum() == 64
    assert list_odd(found) == ["T01"]


@pytest.mark.parametrize("name", ["", "EDA.csv", "BVP.csv", "tags.csv", "ACC.csv"])
def test_a_session_of_e4_may_be_named_by_its_folder_or_a_file(tmp_path, name):
    folder = exports.write_e4(tmp_path / "e4")

    signals, found = open_export(folder / name)

    assert signals.labels == ("EDA", "BVP", "TEMP")
    assert signals.units == ("uS", "a.u.", "degC")
    assert [t.value for t in signals.types] == ["gsr", "plethysmograph", "temperature"]
    np.testing.assert_allclose(read_channel(signals, "TEMP"), 33.5)
    (unused,) = (f for f in found if f.code == "C01")
    assert "HR.csv, IBI.csv, ACC.csv" in unused.sentence


def declare_derived(*names):
    return Declaration(peripherals=dict.fromkeys(names, ChannelType.DERIVED))


def test_the_heart_rate_of_e4_is_a_channel_where_it_is_declared(tmp_path):
    folder = exports.write_e4(tmp_path / "e4")

    signals, found = open_export(folder, declare_derived("HR", "EDA"))

    assert signals.labels == ("EDA", "BVP", "TEMP", "HR")
    assert signals.units[-1] == "bpm"
    heart = read_channel(signals, "HR")
    # it begins 10 s after the others, with two samples of a second each
    assert np.isnan(heart[: 10 * 64 - 1]).all()
    np.testing.assert_allclose(heart[10 * 64 + 1 : 12 * 64 - 1], 71.0)
    (unused,) = (f for f in found if f.code == "C01")
    assert "HR.csv" not in unused.sentence


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (exports.write_mind_monitor, "Alpha_TP9"),
        (exports.write_emotiv, "MOT.AccX"),
    ],
)
def test_a_number_that_a_device_computed_is_a_channel_where_it_is_declared(
    tmp_path, write, name
):
    path = write(tmp_path / "a.csv")

    signals, found = open_export(path, declare_derived(name))
    plain, before = open_export(path)

    assert signals.labels == (*plain.labels, name)
    assert signals.types[-1] is ChannelType.DERIVED
    # each number holds until the next one
    assert np.isfinite(read_channel(signals, name)[1:]).all()
    for label in plain.labels:
        np.testing.assert_array_equal(
            read_channel(signals, label), read_channel(plain, label)
        )
    named = [f.sentence for f in found if f.code == "C01"]
    assert not any(name in sentence for sentence in named)
    assert any(f.code == "C01" for f in before)


def test_all_files_of_a_session_of_e4_are_its_parts(tmp_path):
    folder = exports.write_e4(tmp_path / "e4")
    names = ["EDA.csv", "BVP.csv", "TEMP.csv", "HR.csv", "tags.csv"]

    for path in (folder, folder / "BVP.csv"):
        assert list_parts(path) == [folder / name for name in names]


def test_a_table_of_trials_may_name_the_folder_of_e4(tmp_path):
    exports.write_e4(tmp_path / "e4")
    row = {"subject": "1", "trial": "1", "stimulus": "a", "bio": "e4"}
    row |= {"marker": "tag", "duration_s": "4", "valence": "7"}
    table = write_trials(tmp_path / "trials.csv", [row])

    (recording,) = read_recordings(table, "1")

    assert [c.name for c in recording.channels] == ["EDA", "BVP", "TEMP"]
    assert recording.spans[0].onset_s == pytest.approx(exports.MARKER_S)


def test_a_file_of_another_session_in_a_folder_of_e4_is_reported(tmp_path):
    folder = exports.write_e4(tmp_path / "e4")
    path = folder / "TEMP.csv"
    path.write_text(path.read_text().replace("1700000000", "1600000000"))

    signals, found = open_export(folder)

    assert signals.labels == ("EDA", "BVP")
    assert list_odd(found) == ["T08"]


def test_an_archive_of_e4_says_to_unpack_it(tmp_path):
    folder = exports.write_e4(tmp_path / "e4")
    path = tmp_path / "session.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("EDA.csv", "BVP.csv"):
            archive.write(folder / name, name)

    with pytest.raises(FindingError, match=r"an archive of a session.*Unpack it"):
        open_signals(path, NOTHING)


@pytest.mark.parametrize(
    ("separator", "decimal"), [("\t", "."), (";", ","), (",", ".")]
)
def test_shimmer_may_have_any_separator_and_decimal_commas(
    tmp_path, separator, decimal
):
    path = exports.write_shimmer(
        tmp_path / "a.csv", separator=separator, decimal=decimal
    )

    signals, found = open_export(path)

    assert signals.labels == ("GSR_Skin_Conductance", "PPG_A13")
    assert signals.read([0], 0, 3).tolist() == [[2, 2, 2]]
    assert list_odd(found) == []
    (unused,) = (f for f in found if f.code == "C01")
    assert "Temperature_BMP280" in unused.sentence
    assert "Skin_Resistance" in unused.sentence


def test_ecg_of_polar_is_in_microvolts_at_130_hz(tmp_path):
    signals, found = open_export(exports.write_polar_ecg(tmp_path / "a_ECG.txt"))

    assert (signals.labels, signals.units) == (("ECG",), ("uV",))
    assert signals.types == (ChannelType.ECG,)
    assert signals.sfreq == 130
    np.testing.assert_allclose(
        signals.read([0])[0], exports.make_tone(130, signals.n_samples), atol=0.01
    )
    assert list_odd(found) == []


def test_a_file_of_polar_without_a_signal_says_what_it_holds(tmp_path):
    path = tmp_path / "a_HR.txt"
    path.write_text("Phone timestamp;HR [bpm];HRV [ms]\n2023-11-14T10:00:00.0;71;30\n")

    with pytest.raises(FindingError, match=r"without ECG or PPG, got .*HR \[bpm\]"):
        open_signals(path, NOTHING)


def test_a_pause_in_a_recording_of_biopac_is_reported(tmp_path):
    path = exports.write_acq(tmp_path / "a.acq", pause_s=30.0)

    _, found = open_export(path)

    (pause,) = (f for f in found if f.code == "T01")
    assert pause.sentence == "recording was paused 1 time, first after 8.0 s"


def test_a_header_of_biopac_that_claims_more_than_the_file_has_is_refused(tmp_path):
    path = exports.write_acq(tmp_path / "a.acq")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(Exception, match=r"its header says \d+ bytes of samples"):
        open_signals(path, NOTHING)


@pytest.mark.parametrize("start", [b"", b"no such header", b"\x00" * 5000])
def test_what_is_no_file_of_biopac_is_refused_in_a_sentence(tmp_path, capfd, start):
    path = tmp_path / "a.acq"
    path.write_bytes(start)

    with pytest.raises(Exception, match=r"a\.acq: cannot be read: "):
        open_signals(path, NOTHING)
    assert capfd.readouterr() == ("", "")


def test_without_bioread_a_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "bioread", None)
    path = exports.write_acq(tmp_path / "a.acq")

    with pytest.raises(FindingError, match=r"deepvanet\[biopac\].*F05"):
        open_signals(path, NOTHING)


def test_a_board_that_brainflow_writes_and_no_table_names_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(f"{k}\t1.0\t2.0\t17e8\t0.0" for k in range(9)) + "\n")

    with pytest.raises(FindingError, match=r"rows of 5 columns without a header"):
        open_signals(path, NOTHING)


def test_a_cell_that_is_no_number_is_a_missing_sample(tmp_path):
    path = exports.write_muse_lsl(tmp_path / "a.csv")
    lines = path.read_text().splitlines()
    lines[100] = lines[100].replace("1.0,1.0", "OVF,1.0")
    path.write_text("\n".join(lines) + "\n")

    signals, found = open_export(path)

    assert np.flatnonzero(np.isnan(signals.read([2])[0])).tolist() == [99]
    (odd,) = (f for f in found if f.code == "Q03")
    assert "'OVF' in line 101" in odd.sentence


def test_a_number_with_an_endless_exponent_does_not_end_the_program(tmp_path):
    for write, old in ((exports.write_muse_lsl, "1.0,1.0"), (exports.write_e4, "5.0")):
        path = write(tmp_path / write.__name__)
        path = path / "EDA.csv" if path.is_dir() else path.rename(tmp_path / "a.csv")
        new = old.replace("1.0", "1e3080000001", 1).replace("5.0", "1e3080000001")
        path.write_text(path.read_text().replace(old, new, 1))

        signals, found = open_export(path)

        assert np.isfinite(signals.read([0], 0, 9)).all()
        assert [f.code for f in found].count("Q03") == 1


def test_a_last_line_that_was_cut_off_is_left_out(tmp_path):
    path = exports.write_openbci(tmp_path / "a.txt", seconds=5)
    path.write_text(path.read_text().rstrip()[:-100])

    signals, found = open_export(path)

    assert signals.n_samples == 1249
    assert list_odd(found) == ["F07"]


def test_clocks_that_are_set_while_recording_are_errors_and_take_no_memory():
    stamps = np.arange(1000) / 100.0
    for code, jump in (("T02", 2e5), ("T04", -50.0)):
        odd = stamps + jump * (np.arange(1000) >= 600)
        with collect() as found:
            placed = place_stamped(odd, sfreq=100.0, source="a")
        assert [f.code for f in found] == [code]
        assert placed.n_samples == 1000
        assert found[0].place == "6.0 s"


def test_a_counter_that_does_not_count_leaves_placing_to_stamps():
    stamps = np.delete(np.arange(1000) / 100.0, np.arange(300, 400))
    for counter in (np.zeros(900), np.random.default_rng(0).permutation(900) * 1.0):
        with collect() as found:
            placed = place_counted(counter, stamps, sfreq=100.0, source="a")
        assert [f.code for f in found] == ["T01"]
        assert placed.n_samples == 1000


def test_numbers_that_stand_for_two_samples_each_lose_both():
    counter = np.repeat(np.arange(500) % 200, 2).astype(float)
    stamps = np.arange(1000) / 200.0
    kept = np.ones(1000, bool)
    kept[400:440] = False

    with collect() as found:
        placed = place_counted(counter[kept], stamps[kept], sfreq=200.0, source="a")

    assert placed.n_samples == 1000
    assert [f.code for f in found] == ["T01"]


@pytest.mark.parametrize("seed", range(5))
def test_stamps_that_are_late_are_no_losses(seed):
    rng = np.random.default_rng(seed)
    packet = np.arange(25600) // 12 * 12
    late = rng.exponential(0.02, 25600)[packet]
    stamps = np.round((packet + 11) / 256.0 + late, 3)

    with collect() as found:
        placed = place_stamped(np.maximum.accumulate(stamps), sfreq=256.0, source="a")

    assert found == []
    assert placed.sfreq == 256
    assert placed.n_samples == 25600
