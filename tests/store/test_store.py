"""Tests of :mod:`deepvanet.store`."""

import pickle

import numpy as np
import pandas as pd
import pytest

from deepvanet import store as stores
from deepvanet.schema import PAPER_STREAMS, Channel, ChannelType, Stream, UserError
from segment_blocks import join_segments

CHANNELS = (
    Channel("Fz", ChannelType.EEG, "uV"),
    Channel("Cz", ChannelType.EEG, "uV"),
    Channel("GSR", ChannelType.GSR, "Ohm"),
)


def make_block(subject, trial, *, n_segments=3, face=(1, 1, 1), cleaning=None):
    """Make a trial whose numbers tell where they came from."""
    table = pd.DataFrame({"segment": range(n_segments)})
    table = table.assign(subject=subject, trial=trial, stimulus=trial)
    table = table.assign(start_s=table["segment"] * 1.0, duration_s=1.0)
    table = table.assign(valence=float(trial), arousal=5.0, has_face=list(face))
    table = table.assign(has_eeg=1, has_peripheral=1, recording="all")
    table = table.assign(n_faces_found=5, n_faces_filled=0, n_frames_padded=0)
    mark = 100 * int(subject) + 10 * int(trial) + table["segment"].to_numpy()
    bio = np.ones((n_segments, 3, 4), np.float32) * mark[:, None, None]
    images = np.ones((n_segments, 5, 2, 2, 3), np.uint8)
    images *= (mark % 256).astype(np.uint8)[:, None, None, None, None]
    arrays = {Stream.EEG: bio[:, :2], Stream.PERIPHERAL: bio[:, 2:]}
    if any(face):
        arrays[Stream.FACE] = images[np.array(face, bool)]
    return join_segments(table, arrays, cleaning=cleaning)


@pytest.fixture
def path(tmp_path):
    """Two subjects; subject 01 lost a face in trial 1, subject 02 has no video."""
    rates = {"sfreq": 4.0, "face_fps": 5.0}
    manifest = stores.Manifest("deap", False, rates, "abc", CHANNELS, {})
    (tmp_path / "subjects").mkdir()
    (tmp_path / "manifest.json").write_text(manifest.to_json())
    blocks = [make_block("01", "1", face=(1, 0, 1)), make_block("01", "2")]
    silent = [make_block("02", "1", face=(0, 0, 0))]
    for subject, parts in (("01", blocks), ("02", silent)):
        stores.write_subject(tmp_path, subject, parts=iter(parts), inputs={})
    return tmp_path


def test_rows_come_back_in_the_order_asked_for_whatever_their_subject(path):
    store = stores.open_store(path).cut()
    rows = np.array([8, 0, 4, 3])

    read = store.read(Stream.EEG, rows)

    assert read.shape == (4, 2, 4)
    assert read[:, 0, 0].tolist() == [212, 110, 121, 120]


def test_a_row_without_a_face_has_none_and_the_others_keep_theirs(path):
    store = stores.open_store(path).cut()

    rows = store.rows_with([Stream.FACE, Stream.EEG])

    assert rows.tolist() == [0, 2, 3, 4, 5]
    assert store.read(Stream.FACE, rows)[:, 0, 0, 0, 0].tolist() == [
        110,
        112,
        120,
        121,
        122,
    ]


def test_asking_for_a_stream_that_a_row_lacks_is_an_error(path):
    store = stores.open_store(path).cut()

    with pytest.raises(ValueError, match="row 1 has no face"):
        store.read(Stream.FACE, np.array([0, 1]))


def test_a_store_is_sent_to_another_process_without_its_arrays(path):
    store = stores.open_store(path).cut()
    store.read(Stream.EEG, np.array([0]))

    copy = pickle.loads(pickle.dumps(store))

    assert copy.read(Stream.EEG, np.array([8]))[0, 0, 0] == 212


def test_subjects_are_text_and_are_found_by_number(path):
    store = stores.open_store(path).cut()

    assert store.table["subject"].tolist() == ["01"] * 6 + ["02"] * 3
    assert stores.pick_subjects(store, ["2"]) == ("02",)
    with pytest.raises(UserError, match="unknown subject '7'"):
        stores.pick_subjects(store, ["7"])


def test_channels_of_a_stream_keep_their_order(path):
    store = stores.open_store(path).cut()

    assert [c.name for c in store.channels([Stream.EEG])] == ["Fz", "Cz"]


def test_a_missing_store_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere: no store here"):
        stores.open_store(tmp_path / "nowhere")


def test_a_damaged_manifest_is_named(path):
    (path / "manifest.json").write_text("{}")

    with pytest.raises(UserError, match=r"manifest\.json: not a manifest of a store"):
        stores.open_store(path)


def test_a_subject_that_failed_halfway_is_not_in_the_store(path):
    def parts():
        yield make_block("03", "1")
        raise UserError("the video broke")

    with pytest.raises(UserError, match="the video broke"):
        stores.write_subject(path, "03", parts=parts(), inputs={})

    assert [p.name for p in sorted((path / "subjects").iterdir())] == ["01", "02"]


def make_record(subject, recording, removed):
    spectra = {"frequency_hz": [1.0, 2.0], "before_db": [3.0, 2.0], "after_db": 1.0}
    names = {"subject": subject, "recording": recording}
    return stores.CleaningRecord(
        row=names | {"variance_removed": removed, "bad_channels": "Fp1+Cz"},
        spectra=pd.DataFrame(names | spectra),
        excerpt={"recording": np.array(recording), "before": np.ones((2, 5))},
    )


def write_cleaned(path, subject, removed):
    """Write a subject of one trial a recording, from which so much was removed."""
    blocks = (
        make_block(subject, str(k), cleaning=make_record(subject, f"r{k}", m))
        for k, m in enumerate(removed)
    )
    stores.write_subject(path, subject, parts=blocks, inputs={})


def test_what_cleaning_did_is_read_for_all_subjects_or_some(path):
    write_cleaned(path, "03", [0.1, 0.7])
    write_cleaned(path, "04", [np.nan, 0.2])

    everyone = stores.read_cleaning(path)
    one = stores.read_cleaning(path, subjects=["04"])

    assert everyone.recordings["recording"].tolist() == ["r0", "r1"] * 2
    assert everyone.recordings["subject"].tolist() == ["03", "03", "04", "04"]
    assert len(everyone.spectra) == 8
    assert one.recordings["subject"].unique().tolist() == ["04"]


def test_the_excerpt_is_of_the_recording_that_lost_most(path):
    write_cleaned(path, "03", [0.1, 0.7, np.nan])
    write_cleaned(path, "04", [np.nan, 0.2])

    assert stores.read_cleaning(path).excerpt["recording"] == "r1"
    assert stores.read_cleaning(path, subjects=["04"]).excerpt["recording"] == "r1"


def test_a_store_of_filtered_recordings_says_nothing_of_cleaning(path):
    assert stores.read_cleaning(path) is None
    assert not (path / "subjects" / "01" / "recordings.csv").exists()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("eeg.npy", lambda content: content[:-4]),
        ("eeg.npy", lambda content: content.replace(b"(24, 2)", b"(12, 4)")),
        ("eeg.npy", lambda content: content.replace(b"'shape'", b"'shape(")),
        ("face.npy", lambda content: content[:-4]),
        ("face-state.npy", lambda content: content[:-1]),
        ("trials.csv", lambda content: content + content.splitlines(True)[-1]),
        ("trials.csv", lambda content: content.replace(b"n_faces_filled", b"x")),
        ("trials.csv", lambda content: content[: content.rindex(b",", 0, -9)]),
        ("trials.csv", lambda content: content.splitlines(True)[0]),
        ("trials.csv", lambda content: content.replace(b",5.0,", b",five,", 1)),
        ("trials.csv", lambda content: content.replace(b",3.0,", b",4.0,", 1)),
    ],
)
def test_a_subject_whose_files_do_not_fit_each_other_is_named(path, name, change):
    file = path / "subjects" / "01" / name
    file.write_bytes(change(file.read_bytes()))

    with pytest.raises(UserError, match=r"01/(eeg\.npy|face.*npy|trials\.csv): "):
        for stream in PAPER_STREAMS:
            store = stores.open_store(path).cut()
            store.read(stream, store.rows_with([stream]))


@pytest.mark.parametrize("text", ["[" * 10**5, "[1]", '{"inputs": {"a": 1}}', "\x00"])
def test_a_subject_s_record_that_is_damaged_is_named(path, text):
    (path / "subjects" / "01" / "subject.json").write_text(text)

    with pytest.raises(UserError, match=r"01/subject\.json: cannot be read"):
        stores.digest_store(stores.open_store(path))
