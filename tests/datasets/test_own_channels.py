"""Tests of the channels of a user's own recordings: which, in which units."""

import numpy as np
import pandas as pd
import pytest

from deepvanet.datasets import find_data_set, list_channels
from deepvanet.datasets.recordings import reader as own_recordings
from deepvanet.findings import collect
from deepvanet.schema import ChannelType, UserError
from small_recordings import EEG, LABELS, sample_bio, write_edf, write_trials


def read_all(root, subject):
    return list(own_recordings.read_recordings(root, subject))


def look(root, subject):
    """Return a subject's recordings, and what was found but of unused channels."""
    with collect() as found:
        recordings = read_all(root, subject)
    return recordings, [f for f in found if f.code != "C01"]


def trial(number, subject="a", **cells):
    row = {"subject": subject, "trial": number, "stimulus": f"clip{number}"}
    return row | {"valence": 7, "arousal": 3} | cells


def test_units_are_those_of_the_file_and_skins_are_turned_into_one_of_them(tmp_path):
    bio = sample_bio(4)
    write_edf(tmp_path / "a.edf", bio)
    ohm = np.concatenate([bio[:7], 1e6 / bio[7:]])
    write_edf(tmp_path / "b.edf", ohm, units=["uV"] * 7 + ["Ohm"])
    rows = [trial(1, bio="a.edf"), trial(1, "b", bio="b.edf")]
    root = write_trials(tmp_path / "trials.csv", rows)

    first, second = (read_all(root, subject)[0] for subject in "ab")

    assert own_recordings.list_channels(root)[-1].unit == "uS"
    np.testing.assert_allclose(second.bio[7], first.bio[7], rtol=0.01)
    assert first.notes == second.notes == ()


def test_numbers_that_no_unit_explains_are_noted(tmp_path):
    bio = sample_bio(4)
    bio[7] = 0
    labels = [*(f"{label} [uV]" for label in LABELS[:7]), "GSR [uS]"]
    table = pd.DataFrame(dict(zip(labels, bio / 1e6, strict=True)))
    table.assign(time=np.arange(1024) / 256).to_csv(tmp_path / "a.csv", index=False)
    root = write_trials(tmp_path / "trials.csv", [trial(1, bio="a.csv")])

    _, found = look(root, "a")
    (tmp_path / "recordings.toml").write_text('[units]\neeg = "V"\necg = "V"\n')
    (right,), declared = look(root, "a")

    assert [f.code for f in found] == ["Q02", "C05", "C05"]
    assert [f.place for f in found] == ["GSR", "Fp1, Fp2, C3, C4, O1, O2", "ECG"]
    assert "within a second 2.72e-05 uV; expected for eeg is 0.2" in found[1].sentence
    assert [f.sentence for f in declared] == ["GSR is 0 uS throughout"]
    np.testing.assert_allclose(right.bio[:7], bio[:7], rtol=1e-5)


def test_a_skin_that_conducts_too_much_is_noted(tmp_path):
    bio = sample_bio(4)
    bio[7] = 5000
    bio[7, ::2] += 1
    table = pd.DataFrame({"time": np.arange(bio.shape[1]) / 256, "GSR [uS]": bio[7]})
    table.to_csv(tmp_path / "a.csv", index=False)
    root = write_trials(tmp_path / "trials.csv", [trial(1, bio="a.csv")])

    _, (finding,) = look(root, "a")

    assert finding.code == "C05"
    assert finding.sentence == (
        "the median is 5e+03 uS, the interquartile range 1 uS; expected for gsr is a "
        "median of 0.01 to 200 uS"
    )


def test_a_table_that_tells_no_unit_is_taken_for_microvolts_and_that_is_noted(tmp_path):
    bio = sample_bio(4, labels=EEG)
    table = pd.DataFrame(dict(zip(EEG, bio, strict=True)))
    table["time"] = np.arange(len(table)) / 256
    table.to_parquet(tmp_path / "a.parquet")
    root = write_trials(tmp_path / "trials.csv", [trial(1, bio="a.parquet")])

    (recording,), (finding,) = look(root, "a")

    np.testing.assert_allclose(recording.bio, bio, rtol=1e-5)
    assert finding.code == "C04"
    assert finding.sentence == f"no unit is stated for {', '.join(EEG)}"
    assert finding.assumed == "the unit is uV"


def test_what_is_declared_says_which_channels_are_used_and_what_they_measure(tmp_path):
    labels = ["X1", "X2", "Fp1", "EXG1", "GSR", "A1", "A2"]
    bio = sample_bio(4, labels=labels)
    write_edf(
        tmp_path / "a.edf", bio, labels=labels, units=["uV"] * 4 + ["uS", "uV", "uV"]
    )
    (tmp_path / "recordings.toml").write_text(
        'eeg = ["X1", "X2"]\nreference = ["A1", "A2"]\nname = "ours"\n'
        '[peripherals]\nEXG1 = "ecg"\n'
    )
    root = write_trials(tmp_path / "trials.csv", [trial(1, bio="a.edf")])

    (recording,) = read_all(root, "a")

    assert [(c.name, c.type) for c in recording.channels] == [
        ("X1", ChannelType.EEG),
        ("X2", ChannelType.EEG),
        ("EXG1", ChannelType.ECG),
    ]
    expected = bio[:2] - bio[5:].mean(axis=0)
    np.testing.assert_allclose(recording.bio[:2], expected, atol=0.5)
    np.testing.assert_allclose(recording.bio[2], bio[3], atol=0.5)
    assert own_recordings.name_dataset(root) == "ours"


def test_a_missing_reference_is_named(tmp_path):
    write_edf(tmp_path / "a.edf", sample_bio(4))
    (tmp_path / "recordings.toml").write_text('reference = ["A1"]\n')
    root = write_trials(tmp_path / "trials.csv", [trial(1, bio="a.edf")])

    with pytest.raises(UserError, match="lacks a reference channel of A1, got Fp1"):
        read_all(root, "a")


def test_the_hum_of_the_line_is_taken_from_peripheral_voltages_only(tmp_path):
    bio = sample_bio(8)
    hum = 200 * np.sin(2 * np.pi * 50 * np.arange(bio.shape[1]) / 256)
    write_edf(tmp_path / "a.edf", bio + np.where(np.arange(8) < 7, 1, 0)[:, None] * hum)
    (tmp_path / "recordings.toml").write_text("line_hz = 50\n")
    root = write_trials(tmp_path / "trials.csv", [trial(1, bio="a.edf")])

    (recording,) = read_all(root, "a")

    middle = slice(256, -256)
    left = recording.bio[6, middle] - bio[6, middle]
    assert left.std() < 10
    assert recording.bio[0, middle].std() > 100


def test_channels_that_some_recordings_lack_are_left_out_of_all(tmp_path):
    write_edf(tmp_path / "a.edf", sample_bio(4))
    write_edf(
        tmp_path / "b.edf",
        sample_bio(4)[[0, 2, 6]],
        labels=["FP1", "C3", "ECG"],
        units=["uV"] * 3,
    )
    rows = [trial(1, bio="a.edf"), trial(1, "b", bio="b.edf")]
    root = write_trials(tmp_path / "trials.csv", rows)

    reader = find_data_set("recordings").load_reader()
    names = [c.name for c in list_channels(reader, root)]

    assert names == ["Fp1", "C3", "ECG"]
    assert [c.name for c in read_all(root, "b")[0].channels] == names


def test_a_recording_that_lacks_a_declared_channel_goes_without_its_stream(tmp_path):
    write_edf(tmp_path / "a.edf", sample_bio(4))
    write_edf(
        tmp_path / "b.edf",
        sample_bio(4)[[0, 6, 7]],
        labels=["Fp1", "ECG", "GSR"],
        units=["uV", "uV", "uS"],
    )
    (tmp_path / "recordings.toml").write_text('eeg = ["Fp1", "Fp2"]\n')
    rows = [trial(1, bio="a.edf"), trial(1, "b", bio="b.edf")]
    root = write_trials(tmp_path / "trials.csv", rows)

    (recording,), (finding,) = look(root, "b")

    assert [c.name for c in recording.channels] == ["ECG", "GSR"]
    assert finding.code == "C07"
    assert finding.sentence == "no eeg stream, since Fp2 of its 2 channels are missing"


def test_units_of_which_none_is_the_other_are_refused(tmp_path):
    write_edf(tmp_path / "a.edf", sample_bio(4))
    write_edf(tmp_path / "b.edf", sample_bio(4), units=["uV"] * 8)
    rows = [trial(1, bio="a.edf"), trial(1, "b", bio="b.edf")]
    root = write_trials(tmp_path / "trials.csv", rows)

    with pytest.raises(UserError, match="GSR is in uV, and in uS in other recordings"):
        read_all(root, "b")


def test_recordings_without_a_channel_of_known_type_say_what_there_is(tmp_path):
    write_edf(tmp_path / "a.edf", sample_bio(4)[:1], labels=["X1"], units=["uV"])
    root = write_trials(tmp_path / "trials.csv", [trial(1, bio="a.edf")])

    with pytest.raises(UserError, match=r"share no channel .*; a\.edf has X1"):
        own_recordings.list_channels(root)
