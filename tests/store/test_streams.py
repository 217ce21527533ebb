"""Tests of stores with streams beyond the paper's."""

import json

import numpy as np
import pytest

from deepvanet.schema import PAPER_STREAMS, Stream, UserError
from deepvanet.store import open_store
from small_store import GAZE_CHANNELS

WITH_GAZE = (*PAPER_STREAMS, Stream.GAZE)


@pytest.fixture(scope="module")
def gazing(tiny_store, tmp_path_factory):
    root = tmp_path_factory.mktemp("gazing") / "store"
    return tiny_store(root, n_subjects=1, n_trials=2, streams=WITH_GAZE)


def rewrite(path, change):
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def lose(store, first, last):
    """Lose samples of the gaze in the first trial, and say so in its table."""
    folder = store.path / "subjects" / "01"
    gaze = np.load(folder / "gaze.npy")
    gaze[first:last] = np.nan
    np.save(folder / "gaze.npy", gaze)
    table = folder / "trials.csv"
    head, *rows = table.read_text().splitlines()
    cells = rows[0].split(",")
    cells[head.split(",").index("n_missing_gaze")] = str((last - first) * 3)
    table.write_text("\n".join([head, ",".join(cells), *rows[1:]]) + "\n")
    return open_store(store.path).cut()


def test_a_store_names_its_streams_and_reads_each_of_them(gazing):
    rows = gazing.rows_with(WITH_GAZE)

    assert gazing.manifest.streams == gazing.held == WITH_GAZE
    assert gazing.channels([Stream.GAZE]) == GAZE_CHANNELS
    assert gazing.read(Stream.GAZE, rows).shape == (len(gazing.table), 3, 128)
    assert list(gazing.table)[-2:] == ["has_gaze", "missing_gaze"]
    assert gazing.trials["n_segments_with_gaze"].tolist() == [4, 4]


def test_a_store_of_the_paper_s_streams_has_no_columns_of_others(tiny_store, tmp_path):
    store = tiny_store(tmp_path / "store", n_subjects=1, n_trials=2)

    assert not [name for name in store.table if "gaze" in name]
    assert not len(store.rows_with([Stream.GAZE]))


def test_a_store_that_does_not_name_its_streams_opens_as_before(tiny_store, tmp_path):
    store = tiny_store(tmp_path / "store", n_subjects=1, n_trials=2)
    rewrite(store.path / "manifest.json", lambda values: values.pop("streams"))

    again = open_store(store.path).cut()

    assert again.manifest == store.manifest
    assert again.table.equals(store.table)


def test_a_stream_that_is_not_known_is_refused(tiny_store, tmp_path):
    store = tiny_store(tmp_path / "store", n_subjects=1, n_trials=2)
    path = store.path / "manifest.json"
    rewrite(path, lambda values: values["streams"].append("gays"))

    with pytest.raises(UserError, match=r"unknown stream 'gays', did you mean 'gaze'"):
        open_store(store.path)


def test_seconds_in_which_most_of_the_gaze_is_missing_go_without(tiny_store, tmp_path):
    store = tiny_store(tmp_path / "s", n_subjects=1, n_trials=2, streams=WITH_GAZE)

    lost = lose(store, 128, 128 + 40 + 128)  # after a second of rest

    assert lost.table["has_gaze"].tolist() == [0, 1, *[1] * 6]
    assert lost.table["missing_gaze"].tolist()[:3] == [1.0, 0.3125, 0.0]
    assert lost.table["has_eeg"].all()


def test_no_baseline_is_subtracted_from_gaze(tiny_store, tmp_path):
    store = tiny_store(tmp_path / "s", n_subjects=1, n_trials=2, streams=WITH_GAZE)
    rows = store.rows_with(WITH_GAZE)
    before = {s: store.read(s, rows) for s in (Stream.EEG, Stream.GAZE)}
    for stream in before:
        file = store.path / "subjects" / "01" / f"{stream}.npy"
        samples = np.load(file)
        samples[:128] = 5.0
        np.save(file, samples)

    after = open_store(store.path).cut()

    assert np.array_equal(after.read(Stream.GAZE, rows), before[Stream.GAZE])
    assert not np.array_equal(after.read(Stream.EEG, rows), before[Stream.EEG])
    assert after.read_rest(Stream.GAZE, 0) is None
