"""Tests of ratings that move with time, in a store."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from deepvanet.config import Execution, PrepareSettings
from deepvanet.preparation import prepare
from deepvanet.schema import (
    Channel,
    ChannelType,
    Stream,
    Target,
    TraceFormat,
    UserError,
)
from deepvanet.store import Manifest, TrialBlock, open_store, write_subject
from segment_blocks import rewrite_trials
from small_case import FELT, make_traces, ramp, write_case_subject

SFREQ = 8
FORM = TraceFormat(4.0, ("valence", "arousal"))
SKIN = Channel("GSR", ChannelType.GSR, "uS")


def make_trial(subject, trial, *, seconds=5, is_traced=True):
    """Make a trial whose trace says which it is, and the second."""
    names = {"subject": subject, "trial": trial, "stimulus": trial, "recording": "all"}
    moments = np.arange(round(seconds * FORM.rate)) / FORM.rate
    values = np.stack([moments, 100 * int(trial) + moments], axis=1)
    return TrialBlock(
        row={**names, "duration_s": seconds, **dict.fromkeys(map(str, Target), 7.0)},
        arrays={Stream.PERIPHERAL: np.zeros((seconds * SFREQ, 1), np.float32)},
        trace=values.astype(np.float32) if is_traced else None,
    )


def write_store(path, trials, traces=FORM):
    rates = {"sfreq": float(SFREQ), "face_fps": 5.0}
    manifest = Manifest("own", False, rates, "abc", (SKIN,), {}, traces)
    (path / "subjects").mkdir(parents=True)
    (path / "manifest.json").write_text(manifest.to_json())
    for subject, blocks in trials.items():
        write_subject(path, subject, parts=iter(blocks), inputs={})
    return path


@pytest.fixture
def path(tmp_path):
    """Two subjects; the first lacks the trace of a trial, the second all of them."""
    return write_store(
        tmp_path / "store",
        {
            "01": [
                make_trial("01", "1"),
                make_trial("01", "2", is_traced=False),
                make_trial("01", "3", seconds=3),
            ],
            "02": [make_trial("02", "1", is_traced=False)],
        },
    )


def test_a_trace_is_read_back_at_the_times_at_which_it_was_said(path):
    store = open_store(path)

    assert store.manifest.traces == FORM
    assert store.read_trace(0)[:, 0].tolist() == [k / 4 for k in range(20)]
    assert store.read_trace(2)[:, 1].tolist() == [300 + k / 4 for k in range(12)]
    assert store.read_trace(0).dtype == np.float32
    for trial in (1, 3):
        assert store.read_trace(trial).shape == (0, 2)
    assert store.table["length_trace"].tolist() == [20, 0, 12, 0]
    assert pickle.loads(pickle.dumps(store)).read_trace(2)[0].tolist() == [0, 300]
    assert not (path / "subjects" / "02" / "traces.npy").exists()
    assert len(store.cut().table) == 18


def test_a_store_without_traces_says_nothing_of_any(tmp_path):
    trials = {"01": [make_trial("01", "1", is_traced=False)]}
    path = write_store(tmp_path / "store", trials, traces=None)

    store = open_store(path)

    assert store.manifest.traces is None
    assert store.read_trace(0).shape == (0, 0)
    assert "traces" not in json.loads((path / "manifest.json").read_text())
    assert not [name for name in store.table if "trace" in name]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("length_trace", [5, 0, 12], "does not follow from column length_trace"),
        ("length_trace", [20, 0, 50], "does not fit column duration_s at 4 Hz"),
        ("length_trace", [20, 0, "x"], "must be a count"),
        ("length_trace", [20, 0, -12], "must be a count"),
        ("first_trace", [0, 20, 21], "column first_trace does not follow"),
    ],
)
def test_a_damaged_table_is_the_user_s(path, name, values, message):
    rewrite_trials(path, "01", **{name: values})

    with pytest.raises(UserError, match=message):
        open_store(path).read_trace(2)


def test_a_trace_of_another_length_than_its_trial_is_refused(path):
    rewrite_trials(path, "01", length_trace=[30, 0, 2], first_trace=[0, 30, 30])

    with pytest.raises(UserError, match="does not fit column duration_s at 4 Hz"):
        open_store(path)


def test_a_table_with_one_of_two_columns_is_refused(path):
    file = path / "subjects" / "01" / "trials.csv"
    file.write_text(file.read_text().replace("length_trace", "length"))

    with pytest.raises(UserError, match="column length_trace is missing"):
        open_store(path)


def test_an_array_that_does_not_fit_the_table_is_refused(path):
    np.save(path / "subjects" / "01" / "traces.npy", np.zeros((32, 3), np.float32))

    with pytest.raises(UserError, match="tables say 32 samples of 2 targets"):
        open_store(path).read_trace(0)


@pytest.mark.parametrize(
    "traces",
    [{"rate": 0, "targets": ["valence"]}, {"rate": 4, "targets": [1]}, {}, 3],
)
def test_a_damaged_manifest_is_the_user_s(path, traces):
    file = path / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "traces": traces}))

    with pytest.raises(UserError, match="not a manifest of a store"):
        open_store(path)


def test_prepared_traces_are_those_of_the_files_with_gaps(tmp_path):
    root, out = tmp_path / "CASE", tmp_path / "store"
    write_case_subject(root, traces=make_traces().drop(index=range(80, 100)))
    settings = replace(PrepareSettings(), artefacts="none")

    prepare("case", root, out, settings=settings, execution=Execution())

    store = open_store(out)
    assert store.manifest.traces == TraceFormat(20.0, ("valence", "arousal"))
    found = store.read_trace(0)
    wanted = 1 + 8 * (np.array(FELT[7]) + ramp(80)[:, None] - 0.5) / 9
    wanted[20:40] = np.nan  # a second after the onset, for a second
    np.testing.assert_allclose(found, wanted, atol=1e-3)
    mean = np.nanmean(wanted, axis=0)
    np.testing.assert_allclose(
        store.table.loc[0, list(Target)].to_numpy(float), mean, atol=1e-3
    )
    with pytest.raises(UserError, match="made from other traces"):
        _change_rate(out)
        prepare("case", root, out, settings=settings, execution=Execution())


def _change_rate(out):
    file = out / "manifest.json"
    file.write_text(file.read_text().replace('"rate": 20.0', '"rate": 10.0'))
