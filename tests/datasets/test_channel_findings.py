"""Tests of what is reported of channels: names, units, levels, rates, side-cars."""

import mne
import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from deepvanet.datasets.bids import reader as bids
from deepvanet.datasets.bids.sidecars import find_sidecar
from deepvanet.datasets.channel_facts import measure_level, report_levels
from deepvanet.datasets.recordings import sources
from deepvanet.datasets.recordings.channels import (
    find_channels,
    name_channels,
    share_channels,
)
from deepvanet.datasets.recordings.reader import read_source
from deepvanet.datasets.recordings.signals import describe_recording, read_bio
from deepvanet.findings import CODES, FindingError, collect
from deepvanet.preprocessing.cleaning import clean
from deepvanet.schema import Channel, ChannelType
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.open_file import open_signals
from deepvanet.synthetic.recordings import write_own
from signal_files import write_brainvision
from small_recordings import sample_bio, write_edf, write_trials, write_xdf

NOTHING = Declaration()
SFREQ = 256
SECONDS = np.arange(8 * SFREQ) / SFREQ
TONE = np.sin(2 * np.pi * 5 * SECONDS)


def read(path, declared=NOTHING):
    """Return a file's channels, their numbers as kept, and what was found."""
    with collect() as found:
        opened = describe_recording([open_signals(path, declared)], (), declared)
        channels = [item.channel for item in opened.channels.values()]
        bio = read_bio(opened, channels, declared)
    numbers = {c.name: row for c, row in zip(channels, bio, strict=True)}
    return opened.channels, numbers, found


def read_codes(path, declared=NOTHING):
    return [finding.code for finding in read(path, declared)[2]]


def write_table(path, columns, *, sfreq=SFREQ):
    table = pd.DataFrame(columns)
    table.insert(0, "time", np.arange(len(table)) / sfreq)
    table.to_csv(path, index=False)
    return path


def test_whole_labels_say_what_a_channel_measures(tmp_path):
    labels = ("Skin Temperature [degC]", "Photosensor", "ECG quality", "SCR count")
    labels += ("GSR status", "heart rate", "battery", "EDA_left [uS]")
    columns = dict.fromkeys(labels, 30 + TONE)

    channels, _, (finding,) = read(write_table(tmp_path / "a.csv", columns))

    assert {name: item.channel.type for name, item in channels.items()} == {
        "Skin Temperature": ChannelType.TEMPERATURE,
        "heart rate": ChannelType.DERIVED,
        "EDA_left": ChannelType.GSR,
    }
    assert {item.why for item in channels.values()} == {"label"}
    assert finding.code == "C01"
    assert finding.sentence.startswith("5 channels are not used: Photosensor, ECG")


def test_labels_that_differ_by_a_type_only_stay_apart(tmp_path):
    labels = ["EOG left", "EMG left", "ECG 1", "EMG 1", "EEG Fp1-REF", "ECG ECG"]
    bio = [k * TONE for k in range(10, 16)]
    path = write_edf(tmp_path / "a.edf", bio, labels=labels, units=["uV"] * 6)

    channels, numbers, found = read(path)

    assert list(channels) == ["EOG left", "EMG left", "ECG 1", "EMG 1", "Fp1", "ECG"]
    assert found == []
    for name, row in zip(channels, bio, strict=True):
        np.testing.assert_allclose(numbers[name], row, atol=0.1)


@pytest.mark.parametrize("suffix", [".edf", ".bdf", ".xdf"])
def test_two_channels_of_one_label_are_an_error_and_the_first_is_assumed(
    tmp_path, suffix
):
    path = tmp_path / f"a{suffix}"
    bio = np.stack([20 * TONE, 5 * TONE, 7 * TONE])
    labels = ["Fp1", "ECG", "ECG"]
    if suffix == ".xdf":
        stream = {"name": "Cap", "type": "EEG", "times": SECONDS, "values": bio.T}
        units = ["microvolts"] * 3
        write_xdf(path, [stream | {"rate": SFREQ, "labels": labels, "units": units}])
    else:
        write_edf(path, bio, labels=labels, units=["uV"] * 3)

    _, numbers, (finding,) = read(path)

    assert (finding.code, finding.place) == ("C02", "ECG")
    assert finding.assumed == "the first one of them, channel 2 of the file, is used"
    np.testing.assert_allclose(numbers["ECG"], bio[1], atol=0.1)
    with pytest.raises(FindingError, match=r"two channels are called ECG.*\[C02\]"):
        find_channels(open_signals(path, NOTHING), NOTHING)


def test_a_header_of_brainvision_with_two_channels_of_one_label_is_refused(tmp_path):
    channels = [Channel("ECG", ChannelType.ECG, "uV")] * 2
    path = write_brainvision(tmp_path / "a.vhdr", np.stack([TONE, TONE]), channels)

    with pytest.raises(FindingError, match=r"two channels are called ECG.*\[C02\]"):
        open_signals(path, NOTHING)


def test_a_channel_that_two_files_hold_is_an_error(tmp_path):
    files = [write_edf(tmp_path / f"{name}.edf", sample_bio(4)) for name in ("a", "b")]

    with collect() as found:
        describe_recording([open_signals(f, NOTHING) for f in files], (0.0,), NOTHING)

    assert [f.code for f in found] == ["C02"]
    assert found[0].sentence == "Fp1, Fp2, C3, C4, O1, O2 and 2 more also in a.edf"


TYPES = {"ECG": "uV", "EOG": "uV", "EMG": "uV", "Fp1": "uV", "GSR": "uS"}
SPELLINGS = {
    **dict.fromkeys(["uV", "uv", "UV", "microV", "microvol"], ("uV", 1.0)),
    **dict.fromkeys(["mV", "mv", "MV"], ("uV", 1e3)),
    **dict.fromkeys(["nV", "nv"], ("uV", 1e-3)),
    **dict.fromkeys(["V", "Volt"], ("uV", 1e6)),
    **dict.fromkeys(["uS", "umho", "uMho", "microS"], ("uS", 1.0)),
    **dict.fromkeys(["nS", "nmho"], ("uS", 1e-3)),
    **dict.fromkeys(["mho", "S"], ("uS", 1e6)),
}


@pytest.mark.parametrize("suffix", [".edf", ".bdf", ".vhdr", ".csv"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_amplitudes_are_right_for_each_format_and_spelling_or_an_error_says_why(
    tmp_path, suffix, spelling
):
    unit, factor = SPELLINGS[spelling]
    labels = [label for label, kept in TYPES.items() if kept == unit]
    bio = np.stack([1000 / factor * TONE] * len(labels))
    path = tmp_path / f"a{suffix}"
    if suffix == ".csv":
        columns = {f"{label} [{spelling}]": bio[0] for label in labels}
        write_table(path, columns)
    elif suffix == ".vhdr":
        channels = [Channel(label, ChannelType.EEG, "uV") for label in labels]
        write_brainvision(path, bio, channels, sfreq=SFREQ)
        header = path.read_text(encoding="utf-8")
        path.write_text(header.replace(",1,µV", f",1,{spelling}"), encoding="utf-8")
    else:
        write_wide_edf(path, bio, labels, spelling)

    _, numbers, found = read(path)

    codes = {finding.code for finding in found}
    for label in labels:
        right = np.allclose(np.ptp(numbers[label]) / 2, 1000, rtol=0.01)
        assert right or "C03" in codes
    assert codes == ({"C03"} if spelling == "microvol" else set())


def write_wide_edf(path, bio, labels, unit):
    """Write EDF or BDF whose physical range fits the numbers."""
    from edfio import Bdf, BdfSignal, Edf, EdfSignal

    is_bdf = path.suffix == ".bdf"
    make = BdfSignal if is_bdf else EdfSignal
    top = float(f"{2 * np.abs(bio).max():.3g}")
    signals = [
        make(row, SFREQ, label=k, physical_dimension=unit, physical_range=(-top, top))
        for row, k in zip(bio, labels, strict=True)
    ]
    (Bdf if is_bdf else Edf)(signals).write(path)


@pytest.mark.parametrize("letter", ["\u00b5V", "\u00b5S"])
def test_the_micro_sign_in_latin_letters_is_known(tmp_path, letter):
    label = "GSR" if letter.endswith("S") else "ECG"
    path = write_edf(tmp_path / "a.edf", [10 * TONE], labels=[label], units=["uX"])
    path.write_bytes(path.read_bytes().replace(b"uX", letter.encode("latin-1")))

    _, numbers, found = read(path)

    assert found == []
    np.testing.assert_allclose(numbers[label], 10 * TONE, atol=0.1)


@pytest.mark.parametrize(
    ("kind", "label", "stored", "unit", "kept"),
    [
        ("eeg", "Fp1", 1e-3, "uV", 1000),
        ("ecg", "ECG", 1e-3, "uV", 1000),
        ("gsr", "GSR", 5e-6, "uS", 5),
        ("temperature", "Temp", 33.0, "degC", 33),
    ],
)
def test_fif_has_the_units_that_mne_gives_it(tmp_path, kind, label, stored, unit, kept):
    info = mne.create_info([label], SFREQ, kind)
    raw = mne.io.RawArray(stored * TONE[None], info, verbose="ERROR")
    raw.save(tmp_path / "a_raw.fif", fmt="double", verbose="ERROR")

    channels, numbers, found = read(tmp_path / "a_raw.fif")

    assert (channels[label].channel.unit, found) == (unit, [])
    np.testing.assert_allclose(numbers[label], kept * TONE, rtol=1e-4, atol=1e-4)


def test_eeglab_holds_microvolts_and_no_unit_for_the_skin(tmp_path):
    head = {"trials": 1, "srate": SFREQ, "nbchan": 2, "pnts": len(TONE), "event": []}
    labels = np.array([("Fp1",), ("GSR",)], dtype=[("labels", object)])
    bio = {"data": np.stack([50 * TONE, 5 + TONE]), "chanlocs": labels}
    savemat(tmp_path / "a.set", {"EEG": head | bio}, appendmat=False)

    channels, numbers, (finding,) = read(tmp_path / "a.set")

    assert channels["GSR"].channel.unit == "a.u."
    assert finding.sentence == "no unit is stated for GSR"
    assert finding.assumed == "its numbers are used as they are, without a unit"
    np.testing.assert_allclose(numbers["Fp1"], 50 * TONE, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(numbers["GSR"], 5 + TONE, rtol=1e-3)


def test_a_unit_that_is_not_known_is_an_error_with_its_spelling(tmp_path):
    path = write_edf(tmp_path / "a.edf", [5 + TONE], labels=["GSR"], units=["umho/x"])

    channels, _, (finding,) = read(path)

    assert (finding.code, finding.place) == ("C03", "GSR")
    assert finding.sentence == "the unit 'umho/x' is not known"
    assert channels["GSR"].channel.unit == "a.u."
    assert read_codes(path, Declaration(units={"gsr": "uS"})) == []


def test_units_that_are_not_stated_are_named_with_what_is_assumed(tmp_path):
    columns = {"Fp1": 20 * TONE, "ECG": 90 * TONE, "GSR": 5 + TONE, "Resp": TONE}

    _, _, found = read(write_table(tmp_path / "a.csv", columns))

    assert [(f.code, f.sentence, f.assumed) for f in found] == [
        ("C04", "no unit is stated for Fp1, ECG", "the unit is uV"),
        ("C04", "no unit is stated for GSR", CODES["C04"].assumed),
    ]


def test_a_voltage_is_no_unit_of_the_skin_and_that_is_said(tmp_path):
    path = write_edf(tmp_path / "a.bdf", [5 + TONE], labels=["GSR1"], units=["uV"])

    _, _, (finding,) = read(path)

    assert (finding.code, finding.sentence) == ("C20", "uV is not a unit of gsr")


def test_a_label_that_contradicts_the_header_is_named(tmp_path):
    path = write_edf(
        tmp_path / "a.edf", [5 + TONE], labels=["GSR [kOhm]"], units=["uS"]
    )

    channels, _, (finding,) = read(path)

    assert (finding.code, finding.sentence) == (
        "C08",
        "the label says kOhm, the file uS",
    )
    assert channels["GSR"].channel.unit == "uS"


@pytest.mark.parametrize("kind", ["physical", "digital"])
def test_an_empty_range_in_the_header_leaves_the_channel_without_numbers(
    tmp_path, kind
):
    path = write_edf(tmp_path / "a.edf", sample_bio(4))
    data = bytearray(path.read_bytes())
    n_signals = int(data[252:256])
    at, low = {"physical": (104, b"0"), "digital": (120, b"7")}[kind]
    for offset in (at, at + 8):
        start = 256 + offset * n_signals + 7 * 8
        data[start : start + 8] = low.ljust(8)
    path.write_bytes(data)

    _, numbers, (finding,) = read(path)

    assert (finding.code, finding.place) == ("C06", "GSR")
    assert finding.sentence.startswith(f"{kind} minimum and maximum are both ")
    assert np.isnan(numbers["GSR"]).all()
    assert np.isfinite(numbers["ECG"]).all()


def test_a_rate_too_low_for_what_is_measured_is_an_error(tmp_path):
    path = write_edf(
        tmp_path / "a.edf",
        [20 * TONE, 20 * TONE[:8], 5 + TONE[:8]],
        labels=["Fp1", "EMG", "GSR"],
        units=["uV", "uV", "uS"],
        sfreq=[SFREQ, 1, 1],
    )

    _, _, (finding,) = read(path)

    assert (finding.code, finding.place) == ("C12", "EMG")
    assert finding.sentence == "1 samples a second, emg needs at least 20"


def judge(row, kind, unit, *, sfreq=float(SFREQ)):
    with collect() as found:
        report_levels(
            "a", np.asarray(row)[None], [Channel("X", kind, unit)], sfreq=sfreq
        )
    return [finding.code for finding in found]


LEVELS = {
    ChannelType.EEG: ("uV", 30 * TONE),
    ChannelType.EOG: ("uV", 80 * TONE),
    ChannelType.EMG: ("uV", 5 * TONE),
    ChannelType.ECG: ("uV", 100 * TONE),
}


@pytest.mark.parametrize("kind", LEVELS)
def test_a_thousandfold_voltage_is_not_plausible(kind):
    unit, row = LEVELS[kind]
    drift = 5000 * SECONDS

    assert judge(row, kind, unit) == []
    assert judge(row + 20_000, kind, unit) == []
    assert judge(row / 1000, kind, unit) == ["C05"]
    assert judge(1000 * row, kind, unit) == ["C05"]
    assert judge(row + drift / 100, kind, unit) == []


@pytest.mark.parametrize(
    ("kind", "unit", "level", "codes"),
    [
        (ChannelType.GSR, "uS", 5, []),
        (ChannelType.GSR, "uS", 0.012, ["C11"]),
        (ChannelType.GSR, "uS", -1, ["C11"]),
        (ChannelType.GSR, "uS", 5000, ["C05"]),
        (ChannelType.GSR, "Ohm", 2e5, []),
        (ChannelType.GSR, "Ohm", 200, ["C05"]),
        (ChannelType.GSR, "a.u.", -3, []),
        (ChannelType.TEMPERATURE, "degC", 33, []),
        (ChannelType.TEMPERATURE, "degC", 3300, ["C05"]),
        (ChannelType.RESPIRATION, "a.u.", 1e6, []),
        (ChannelType.PLETHYSMOGRAPH, "uV", 1e6, []),
    ],
)
def test_levels_are_held_to_what_a_sensor_measures(kind, unit, level, codes):
    assert judge(level * (1 + 1e-3 * TONE), kind, unit) == codes


@pytest.mark.parametrize(
    "kind", [kind for kind in ChannelType if kind is not ChannelType.GAZE_VALIDITY]
)
def test_a_channel_that_never_changes_is_named_whatever_it_measures(kind):
    assert judge(np.full(512, 7.0), kind, "a.u.") == ["Q02"]
    assert judge(np.full(512, np.nan), kind, "a.u.") == ["Q02"]


def test_a_sensor_that_was_off_for_a_while_is_named():
    skin = 5 + TONE
    skin[:400] = 0

    assert judge(skin, ChannelType.GSR, "uS") == ["C11"]


def test_a_clipped_channel_is_named():
    wave = np.clip(300 * TONE, -1000, 150)

    assert judge(wave, ChannelType.ECG, "uV") == ["C11"]


def test_levels_are_those_of_the_numbers_that_there_are():
    row = np.concatenate([np.full(100, np.nan), np.arange(101.0)])

    level = measure_level(row, 10.0)

    assert (level.median, level.spread) == (50.0, 50.0)
    assert (level.lowest, level.highest) == (0.0, 100.0)


def test_channels_that_some_recordings_lack_are_named_with_those_recordings():
    both = [Channel(name, ChannelType.EMG, "uV") for name in ("EMG", "EMG 2")]
    skin = Channel("GSR", ChannelType.GSR, "uS")
    recordings = {"a": [*both, skin], "b": [skin], "c": [skin], "none": []}

    with collect() as found:
        shared = share_channels(recordings, NOTHING)

    assert shared == (skin,)
    (finding,) = found
    assert finding.code == "C07"
    assert finding.sentence == (
        "EMG, EMG 2 are missing in 2 of 3 recordings (b, c), so they are used in none "
        "of them"
    )
    assert "[peripherals]" in finding.cure


def test_what_is_lost_is_reported_each_time_that_it_is_asked_for(tmp_path):
    write_edf(tmp_path / "a.edf", sample_bio(4))
    write_edf(
        tmp_path / "b.edf", sample_bio(4)[:7], labels=LABELS_SEVEN, units=["uV"] * 7
    )
    rows = [
        {"subject": s, "trial": 1, "stimulus": "x", "bio": f"{s}.edf", "valence": 7}
        for s in "ab"
    ]
    source = read_source(write_trials(tmp_path / "trials.csv", rows))
    # b has no skin, but an ECG, so its peripheral stream lacks one channel

    for _ in range(2):
        with collect() as found:
            sources.list_channels(source)

        assert [f.code for f in found] == ["C07"]
        assert found[0].sentence == (
            "GSR is missing in 1 of 2 recordings (b), so it is used in none of them"
        )
        assert found[0].source == str(tmp_path / "trials.csv")


LABELS_SEVEN = ("Fp1", "Fp2", "C3", "C4", "O1", "O2", "ECG")
CHANNELS_TSV = (
    "name\ttype\tunits\tstatus\nFp1\tEEG\t\u00b5V\tbad\nFp2\tEEG\t\u00b5V\tgood\n"
)
SKIN_ROW = "GSR\tGSR\tkOhm\tgood\n"


def write_bids(
    root, tsv, *, place, units=("uV", "uV", ""), labels=("Fp1", "Fp2", "GSR")
):
    folder = root / "sub-01" / "eeg"
    folder.mkdir(parents=True)
    (root / "dataset_description.json").write_text("{}")
    bio = np.stack([20 * TONE, 30 * TONE, 50 + 5 * TONE])
    path = folder / "sub-01_task-film_eeg.edf"
    write_edf(path, bio, labels=labels, units=units)
    events = "onset\tduration\ttrial_type\tvalence\n1\t4\tx\t7\n"
    (folder / "sub-01_task-film_events.tsv").write_text(events)
    (root / place).write_text(tsv, encoding="utf-8")
    return path


PLACES = [
    "sub-01/eeg/sub-01_task-film_channels.tsv",
    "sub-01/sub-01_channels.tsv",
    "task-film_channels.tsv",
    "channels.tsv",
]


@pytest.mark.parametrize("place", PLACES)
def test_units_types_and_bad_channels_of_bids_come_from_the_sidecar_that_counts(
    tmp_path, place
):
    path = write_bids(tmp_path, CHANNELS_TSV + SKIN_ROW, place=place)

    with collect() as found:
        (recording,) = bids.read_recordings(tmp_path, "01")

    assert [(f.code, f.place) for f in found] == [("C09", "Fp1")]
    assert [c.unit for c in recording.channels] == ["uV", "uV", "Ohm"]
    assert np.isnan(recording.bio[0]).all()
    np.testing.assert_allclose(np.median(recording.bio[2]), 50e3, rtol=0.01)
    assert tmp_path / place in bids.input_files(tmp_path, "01")
    assert find_sidecar(tmp_path, path, "channels.tsv") == tmp_path / place


def test_the_nearest_sidecar_counts_and_none_of_another_task(tmp_path):
    path = write_bids(tmp_path, CHANNELS_TSV, place=PLACES[2])
    (tmp_path / "task-rest_channels.tsv").write_text("name\n")
    nearest = tmp_path / "sub-01" / "sub-01_task-film_channels.tsv"

    assert find_sidecar(tmp_path, path, "channels.tsv") == tmp_path / PLACES[2]
    nearest.write_text("name\n")
    assert find_sidecar(tmp_path, path, "channels.tsv") == nearest
    assert find_sidecar(tmp_path, path, "electrodes.tsv") is None


def test_a_sidecar_that_contradicts_the_header_is_named(tmp_path):
    tsv = CHANNELS_TSV.replace("bad", "broken") + SKIN_ROW + "ECG\tECG\tuV\tgood\n"
    write_bids(tmp_path, tsv, place=PLACES[0], units=("uV", "mV", "uS"))

    with collect() as found:
        (recording,) = bids.read_recordings(tmp_path, "01")

    assert [f.sentence for f in found if f.code == "C08"] == [
        "lists ECG, which sub-01_task-film_eeg.edf lacks",
        "the status 'broken' is neither good nor bad",
        "the unit is uV here, mV in the header of sub-01_task-film_eeg.edf",
        "the unit is kOhm here, uS in the header of sub-01_task-film_eeg.edf",
    ]
    assert recording.channels[2].unit == "uS"


def test_an_electrode_that_is_marked_as_bad_is_out_of_the_reference(tmp_path):
    labels = ["Fp1", "Fp2", "C3", "C4", "O1"]
    bio = sample_bio(8, labels=labels) / 1e6
    bio[0] *= 50
    info = mne.create_info(labels, SFREQ, "eeg")
    raw = mne.io.RawArray(bio, info, verbose="ERROR")
    raw.info["bads"] = ["Fp1"]
    raw.save(tmp_path / "a_raw.fif", verbose="ERROR")
    rows = [{"subject": "a", "trial": 1, "stimulus": "x", "valence": 7}]
    rows[0]["bio"] = "a_raw.fif"
    root = write_trials(tmp_path / "trials.csv", rows)

    with collect() as found:
        (read_one,) = sources.read_subject(read_source(root), "a")
    settings = {"probability": 0.9, "sfreq": 128.0, "seed": 0}
    cleaned = clean(read_one.recording, artefacts="none", **settings).recording.bio

    assert [(f.code, f.place) for f in found] == [("C09", "Fp1")]
    assert np.isnan(cleaned[0]).all()
    np.testing.assert_allclose(cleaned[1:].mean(axis=0), 0, atol=1e-4)


def test_a_unit_of_a_recording_to_predict_is_that_of_training_and_that_is_said(
    tmp_path,
):
    wanted = [
        Channel("GSR", ChannelType.GSR, "uS"),
        Channel("Temp", ChannelType.TEMPERATURE, "a.u."),
        Channel("ECG", ChannelType.ECG, "uV"),
    ]
    columns = {"GSR": 5 + TONE, "Temp [degC]": 33 + TONE, "ECG [quux]": TONE}
    path = write_table(tmp_path / "a.csv", columns)

    with collect() as found:
        channels = name_channels(open_signals(path, NOTHING), wanted, NOTHING)

    assert [channels[c.name].unit for c in wanted] == ["uS", "a.u.", "uV"]
    assert [(f.code, f.sentence) for f in found] == [
        ("C03", "the unit 'quux' is not known"),
        ("C13", "no unit is stated for GSR"),
        ("C13", "no unit was stated for Temp in training"),
    ]


def test_synthetic_recordings_have_no_finding(tmp_path):
    write_own(tmp_path, n_subjects=1, n_trials=1, seconds=3)
    source = read_source(tmp_path / "trials.csv")

    with collect() as found:
        sources.list_channels(source)
        list(sources.read_subject(source, "01"))

    assert {f.code for f in found} <= {"T13"}  # markers that no trial needs
