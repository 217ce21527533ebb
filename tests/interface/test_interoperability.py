"""Round trips to PyTorch, scikit-learn, MNE and BIDS."""

import shutil

import mne
import mne_bids
import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from torch.utils.data import DataLoader

import deepvanet
from deepvanet.results import PART_LETTERS
from deepvanet.schema import PAPER_STREAMS, Stream, UserError
from segment_blocks import shorten_trials

STREAMS = (*PAPER_STREAMS, Stream.GAZE)


@pytest.fixture(scope="module")
def store(tiny_store, tmp_path_factory):
    path = tmp_path_factory.mktemp("interop") / "store"
    tiny_store(path, n_trials=8, n_segments=3, streams=STREAMS, effect=4)
    return path


def test_batches_of_torch_are_the_rows_of_the_store(store):
    rows = deepvanet.select_rows(store, streams="face+eeg")
    data = deepvanet.SegmentDataset(rows)

    batches = list(DataLoader(data, batch_size=10))

    assert len(data) == 48
    assert [len(y) for _, y in batches] == [10, 10, 10, 10, 8]
    eeg = np.concatenate([x["eeg"].numpy() for x, _ in batches])
    face = np.concatenate([x["face"].numpy() for x, _ in batches])
    np.testing.assert_array_equal(eeg, rows.read(Stream.EEG))
    np.testing.assert_allclose(
        face.transpose(0, 1, 3, 4, 2) * 255, rows.read(Stream.FACE), atol=1e-3
    )
    np.testing.assert_array_equal(
        np.concatenate([y.numpy() for _, y in batches]), rows.label
    )


def test_a_batch_is_read_at_once(store, monkeypatch):
    rows = deepvanet.select_rows(store, streams="eeg")
    data, read = deepvanet.SegmentDataset(rows), type(rows.store).read
    asked = []

    def count(self, stream, numbers, shift_s=None):
        asked.append(len(numbers))
        return read(self, stream, numbers, shift_s)

    monkeypatch.setattr(type(rows.store), "read", count)

    list(DataLoader(data, batch_size=24))
    x, y = data[-1]

    assert asked == [24, 24, 1]
    np.testing.assert_array_equal(x["eeg"], read(rows.store, Stream.EEG, [47])[0])
    assert y == rows.label[-1]
    with pytest.raises(IndexError):
        data[48]


@pytest.mark.parametrize("protocol", ["trial", "paper", "subject", "trial-matched"])
def test_splits_are_the_folds_of_evaluate(store, tmp_path, protocol):
    run = deepvanet.evaluate(
        store,
        tmp_path / "run",
        protocols=protocol,
        targets="valence",
        streams="eeg",
        learners="majority",
        permutations=0,
        folds=2,
    )

    cv = deepvanet.split_rows(store, protocol, streams="eeg", folds=2)

    table = run.segments.reset_index(drop=True)
    names = ["subject", "trial", "segment"]
    place = cv.rows.table[names].merge(
        table.reset_index(), on=names, how="left", validate="one_to_one"
    )
    for fold, (train, test) in zip(cv.folds, cv.split(), strict=True):
        letters = place["folds"].str[fold.number]
        mine = (place["subject"] == fold.scope) | (fold.scope == "all")
        trained = letters.isin([PART_LETTERS["train"], PART_LETTERS["refitted"]])
        np.testing.assert_array_equal(np.flatnonzero(trained & mine), np.sort(train))
        tested = (letters == PART_LETTERS["test"]) & mine
        np.testing.assert_array_equal(np.flatnonzero(tested), np.sort(test))


def test_a_protocol_is_the_cv_of_scikit_learn(store):
    cv = deepvanet.split_rows(store, "trial", streams="eeg", folds=2)
    power = cv.rows.read(Stream.EEG).mean(axis=-1)

    scores = cross_val_score(LogisticRegression(), power, cv.rows.label, cv=cv)

    assert repr(cv) == "<ProtocolSplit trial: 4 folds of <Rows: 48 of eeg, high-low>>"
    assert len(scores) == len(cv) == cv.get_n_splits() == 4
    assert scores.min() > 0.8
    with pytest.raises(UserError, match=r"X: needs 48 rows.* got 5"):
        cross_val_score(DummyClassifier(), power[:5], cv.rows.label[:5], cv=cv)
    with pytest.raises(UserError, match="unknown protocol 'trail'"):
        deepvanet.split_rows(store, "trail")
    with pytest.raises(UserError, match="needs the task trace, got high-low"):
        deepvanet.split_rows(store, "time")


def test_a_raw_of_mne_has_every_sample_in_volts(store, tmp_path):
    held = deepvanet.open_store(store)
    second = held.table.index[held.table["subject"] == "02"]
    stored = [held.read_trial(Stream.EEG, number).T for number in second]

    raw = deepvanet.to_raw(held, "2", streams="all")
    raw.save(tmp_path / "two_raw.fif", verbose="error")
    again = mne.io.read_raw_fif(tmp_path / "two_raw.fif", verbose="error")

    eeg = again.get_data("eeg") * 1e6
    np.testing.assert_allclose(eeg, np.concatenate(stored, axis=1), rtol=1e-5)
    types = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
    assert types == {
        **dict.fromkeys(["Fp1", "Cz", "Oz"], "eeg"),
        "GSR": "misc",
        "Temp": "temperature",
        "Gaze x": "eyegaze",
        "Gaze y": "eyegaze",
        "Pupil left": "pupil",
    }
    assert raw.get_montage().get_positions()["ch_pos"].keys() >= {"Fp1", "Cz", "Oz"}
    said = pd.Series(raw.annotations.description).str.split("/").str[0].value_counts()
    assert said.to_dict() == {"baseline": 8, "stimulus": 8, "EDGE boundary": 7}


def test_annotations_are_where_the_stimuli_are(store):
    held = deepvanet.open_store(store)
    raw = deepvanet.to_raw(held, "01", streams="eeg")

    epochs = [
        (extra, raw.copy().crop(onset, onset + duration, include_tmax=False))
        for onset, duration, said, extra in zip(
            raw.annotations.onset,
            raw.annotations.duration,
            raw.annotations.description,
            raw.annotations.extras,
            strict=True,
        )
        if said.startswith("stimulus/")
    ]

    mine = held.table[held.table["subject"] == "01"]
    assert [extra["trial"] for extra, _ in epochs] == list(mine["trial"])
    assert [extra["valence"] for extra, _ in epochs] == list(mine["valence"])
    for (_, part), number in zip(epochs, mine.index, strict=True):
        stimulus = held.read_trial(Stream.EEG, number)[mine["n_baseline"][number] :].T
        np.testing.assert_allclose(part.get_data() * 1e6, stimulus, rtol=1e-5)


def test_missing_samples_are_annotated(store, tmp_path):
    shutil.copytree(store, tmp_path / "store")
    file = tmp_path / "store" / "subjects" / "01" / "eeg.npy"
    eeg = np.load(file)
    eeg[200:328] = np.nan
    np.save(file, eeg)

    raw = deepvanet.to_raw(tmp_path / "store", "01", streams="eeg")

    bad = raw.annotations[raw.annotations.description == "BAD_missing"]
    assert bad.onset.tolist() == [200 / 128]
    assert bad.duration.tolist() == [1.0]


def test_epochs_of_mne_are_the_rows(store):
    rows = deepvanet.select_rows(store, streams="eeg", segment=2, step=1)

    epochs = deepvanet.to_epochs(rows)

    data = epochs.get_data() * 1e6
    np.testing.assert_allclose(data, rows.read(Stream.EEG), rtol=1e-5, atol=1e-9)
    assert len(epochs["high"]) == rows.label.sum()
    about = epochs.metadata
    assert about["target"].tolist() == rows.label.tolist()
    assert about["i_start_in_trial"].tolist() == [0, 128] * 16
    assert about["i_stop_in_trial"].tolist() == [256, 384] * 16
    with pytest.raises(UserError, match="unknown signal 'face'"):
        deepvanet.to_epochs(deepvanet.select_rows(store, streams="face"))


def test_a_store_as_bids_is_read_again(store, tmp_path):
    held = deepvanet.open_store(store)

    files = deepvanet.write_bids(store, tmp_path / "bids", streams="eeg")

    assert len(files) == 2
    paths = mne_bids.find_matching_paths(tmp_path / "bids", extensions=".bdf")
    raw = mne_bids.read_raw_bids(paths[0], verbose="error")
    wanted = deepvanet.to_raw(store, "01", streams="eeg").get_data()
    step = np.ptp(wanted) / 2**23
    np.testing.assert_allclose(raw.get_data()[:, : wanted.shape[1]], wanted, atol=step)
    events = pd.read_csv(
        str(files[0]).replace("_eeg.bdf", "_events.tsv"), sep="\t", dtype={"trial": str}
    )
    mine = held.table[held.table["subject"] == "01"]
    stimuli = events[events["trial_type"].str.startswith("stimulus/")]
    assert stimuli["trial"].tolist() == mine["trial"].tolist()
    assert stimuli["arousal"].tolist() == mine["arousal"].tolist()
    about = (tmp_path / "bids" / "dataset_description.json").read_text()
    assert '"DatasetType": "derivative"' in about
    with pytest.raises(UserError, match="bids: is not empty"):
        deepvanet.write_bids(store, tmp_path / "bids")


def test_rows_of_several_lengths_make_no_batch(tiny_store, tmp_path):
    tiny_store(tmp_path / "whole", n_trials=3, n_segments=3)
    path = shorten_trials(tmp_path / "whole", tmp_path / "store", [3, 2, 2.5])
    rows = deepvanet.select_rows(path, streams="eeg", segment="trial")

    with pytest.raises(UserError, match="rows of one length can be joined"):
        deepvanet.SegmentDataset(rows)
    with pytest.raises(UserError, match="epochs are of one length, got several"):
        deepvanet.to_epochs(rows)
