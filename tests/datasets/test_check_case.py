"""Tests of :mod:`deepvanet.datasets.case.check`."""

import pytest

from deepvanet.datasets import check
from deepvanet.findings import Severity
from small_case import make_signals, make_traces, write_case_subject

OTHER = {7: (7.0, 2.0), 1: (3.0, 4.0), 3: (8.0, 9.0)}
"""What somebody feels who feels otherwise."""


def look(root, **options):
    found = check("case", root, **options)
    return found, list(found.findings)


def list_worst(findings):
    """Return the codes of errors and warnings."""
    return [f.code for f in findings if f.severity is not Severity.NOTE]


def table(found, title):
    (made,) = (t for t in found.tables if t.title == title)
    return {str(row[0]): dict(zip(made.columns, row, strict=True)) for row in made.rows}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two subjects who feel otherwise, one of them raw."""
    root = tmp_path_factory.mktemp("case")
    write_case_subject(root, 1)
    write_case_subject(root, 2, form="raw", traces=make_traces(felt=OTHER))
    return root


def test_a_sound_copy_has_notes_only(root):
    found, findings = look(root)

    assert list_worst(findings) == []
    assert [f.code for f in findings] == ["R12", "R40", "R31", "F10", "F03"]
    (form,) = (f for f in findings if f.code == "F10")
    assert "data/raw are read of 1 subjects" in form.sentence
    assert "volts and steps are converted as published: subject 2" in form.sentence
    subjects = table(found, "Subjects")
    assert subjects["01"]["videos, in order"] == "scary-1, amusing-1, boring-1"
    assert [row["files"] for row in subjects.values()] == ["interpolated", "raw"]
    videos = table(found, "Videos")
    assert list(videos) == ["amusing-1", "boring-1", "scary-1"]
    assert list(videos["scary-1"].values())[1:7] == [
        *(2, "4.0", "4.0", "4.0", "3.0", "100.0%")
    ]
    assert table(found, "Channels")["Temperature"]["median"] == "33"


def test_a_form_that_is_not_read_is_named(tmp_path):
    write_case_subject(tmp_path, 1)
    write_case_subject(tmp_path, 1, form="raw")

    _, findings = look(tmp_path)

    unused = [f.sentence for f in findings if f.code == "F02"]
    assert "in another form (2): data/raw/annotations/sub1_joystick.txt" in unused[0]
    assert "F10" not in [f.code for f in findings]


def test_a_subject_that_cannot_be_read_hides_none_of_the_others(tmp_path):
    write_case_subject(tmp_path, 1)
    write_case_subject(tmp_path, 2).write_bytes(b"no table")

    found, findings = look(tmp_path)

    assert list_worst(findings) == ["F01"]
    assert [row["trials"] for row in table(found, "Subjects").values()] == [3, 0]


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("emg_zygo", lambda x: 0 * x, "Q02"),
        ("ecg", lambda x: 1e6 * x, "C05"),
        ("skt", lambda x: x + 273, "C05"),
        ("gsr", lambda x: 0 * x + 0.001 * (x.index % 2), "C11"),
    ],
)
def test_sensors_that_do_not_measure_are_found(tmp_path, name, change, code):
    signals = make_signals()
    signals[name] = change(signals[name])
    write_case_subject(tmp_path, signals=signals)

    _, findings = look(tmp_path)

    assert list_worst(findings) == [code]


def test_a_joystick_that_nobody_touched_is_found(tmp_path):
    traces = make_traces().assign(valence=5.0)
    write_case_subject(tmp_path, traces=traces)

    _, findings = look(tmp_path)

    assert list_worst(findings) == ["R04"]


def test_a_trial_of_which_little_was_said_stays_in(tmp_path):
    traces = make_traces().drop(index=range(60, 138))
    write_case_subject(tmp_path, traces=traces)

    found, findings = look(tmp_path)

    assert "R06" in [f.code for f in findings]
    assert table(found, "Videos")["scary-1"]["valence, median"] == "-"
