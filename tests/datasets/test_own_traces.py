"""Tests of ratings that move with time in a user's own recordings."""

import numpy as np
import pandas as pd
import pytest

from deepvanet.config import Execution, PrepareSettings
from deepvanet.datasets import check, describe_traces
from deepvanet.datasets.recordings import reader as own_recordings
from deepvanet.findings import Severity, collect
from deepvanet.preparation.run import prepare
from deepvanet.schema import TraceFormat
from deepvanet.store import open_store
from small_recordings import EEG, sample_bio, write_edf, write_trials

SECONDS = 4


def make_trace(rate=10, seconds=SECONDS, **columns):
    """Return a line from 2 to 6 and one from 8 to 4."""
    times = np.arange(round(rate * seconds)) / rate
    lines = {"valence": 2 + times, "arousal": 8 - times}
    return pd.DataFrame({"time_s": times, **lines, **columns})


@pytest.fixture
def write(tmp_path):
    """Write a table of two trials, of which the first names a trace."""

    def write(trace, name="trace.csv", **options):
        units = ("uV",) * len(EEG)
        bio = sample_bio(20, labels=EEG)
        write_edf(tmp_path / "a.edf", bio, labels=EEG, units=units)
        if trace is not None:
            trace.to_csv(tmp_path / "trace.csv", index=False, **options)
        rows = [
            {"subject": "a", "trial": k, "stimulus": f"clip{k}", "bio": "a.edf"}
            | {"onset_s": 8 * k, "duration_s": SECONDS, "trace": file}
            | {"valence": 3 + 4 * k, "arousal": 7 - 4 * k}
            for k, file in enumerate((name, ""))
        ]
        return write_trials(tmp_path / "trials.csv", rows)

    return write


def read_all(table):
    with collect() as found:
        (recording,) = own_recordings.read_recordings(table, "a")
    return recording.spans, [f.code for f in found if f.severity is not Severity.NOTE]


@pytest.mark.parametrize("rate", [4, 10, 50])
def test_a_trace_is_kept_at_20_hz_from_the_onset_on(write, rate):
    table = write(make_trace(rate))

    spans, found = read_all(table)

    assert found == []
    assert describe_traces(own_recordings, table) == spans[0].trace.form
    assert spans[0].trace.form == TraceFormat(20.0, ("valence", "arousal"))
    assert spans[1].trace is None
    values = spans[0].trace.values
    known = int(20 * (SECONDS - 1 / rate)) + 1
    wanted = np.arange(known)[:, None] / 20 * [1, -1] + [2, 8]
    assert values.shape == (80, 2)
    np.testing.assert_allclose(values[:known], wanted, atol=1e-5)
    assert np.isfinite(values).all()


def test_a_trace_in_semicolons_of_one_target_and_another_scale_is_read(write):
    trace = make_trace().drop(columns="arousal") * [1, 0.5]
    table = write(trace, sep=";")
    (table.parent / "recordings.toml").write_text("rating_range = [1, 7]\n")

    spans, found = read_all(table)

    assert found == []
    assert np.isnan(spans[0].trace.values[:, 1]).all()
    np.testing.assert_allclose(spans[0].trace.values[0, 0], 1, atol=1e-5)
    np.testing.assert_allclose(spans[0].trace.values[40, 0], 1 + 8 / 6, atol=1e-5)


def test_a_gap_of_a_trace_is_no_number(write):
    spans, found = read_all(write(make_trace().drop(index=range(10, 21))))

    assert found == ["T01"]
    missing = np.flatnonzero(np.isnan(spans[0].trace.values[:, 0]))
    assert missing.tolist() == list(range(19, 42))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda t: t.rename(columns={"time_s": "t"}), "T30"),
        (lambda t: t.drop(columns=["valence", "arousal"]), "R21"),
        (lambda t: t.assign(valence=11.0), "R10"),
        (lambda t: t.assign(time_s=t["time_s"] + 60), "T12"),
        (lambda t: t.iloc[:1], "F01"),
        (lambda t: t.assign(arousal="high"), "Q03"),
    ],
)
def test_a_trace_that_is_not_as_it_should_be_is_found(write, change, code):
    table = write(change(make_trace()))

    spans, found = read_all(table)

    assert found[0] == code
    assert len(spans) == 2


def test_a_trace_that_is_not_there_is_an_error(write):
    table = write(None)

    assert "R25" in [f.code for f in check("recordings", table).errors]
    with collect():
        assert describe_traces(own_recordings, table) is None


def test_a_table_may_have_a_column_on_race(write):
    table = write(make_trace())
    rows = pd.read_csv(table, dtype=str).drop(columns="trace").assign(race="x")
    rows.to_csv(table, index=False)

    assert not check("recordings", table).errors


def test_prepared_recordings_have_their_traces(write, tmp_path):
    table = write(make_trace(20))

    prepare(
        "recordings",
        table,
        tmp_path / "store",
        settings=PrepareSettings(),
        execution=Execution(),
    )

    store = open_store(tmp_path / "store")
    np.testing.assert_allclose(
        store.read_trace(0), make_trace(20)[["valence", "arousal"]], atol=1e-5
    )
    assert store.read_trace(1).shape == (0, 2)
    assert table.parent / "trace.csv" in own_recordings.input_files(table, "a")
