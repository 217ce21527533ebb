"""Tests of :mod:`deepvanet.datasets.wesad.check`."""

import numpy as np
import pytest

from deepvanet.datasets import check
from deepvanet.findings import Severity
from small_wesad import FELT, describe, make_signals, write_wesad_subject

OTHER = describe(felt=[(3, 8), (7, 2), (2, 9), (3, 3), (2, 6)])
"""Answers of somebody who feels otherwise."""


def look(root, **options):
    found = check("wesad", root, **options)
    return found, list(found.findings)


def list_worst(findings):
    """Return the codes of errors and warnings."""
    return [f.code for f in findings if f.severity is not Severity.NOTE]


def table(found, title):
    (made,) = (t for t in found.tables if t.title == title)
    return {str(row[0]): dict(zip(made.columns, row, strict=True)) for row in made.rows}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two subjects who feel otherwise."""
    root = tmp_path_factory.mktemp("wesad")
    write_wesad_subject(root, 2)
    write_wesad_subject(root, 3, answers=OTHER)
    return root


def test_a_sound_copy_has_notes_only(root):
    found, findings = look(root)

    assert list_worst(findings) == []
    assert [f.code for f in findings] == ["R31", "C01", "F03"]
    subjects = table(found, "Subjects")
    assert subjects["02"]["conditions, in order"] == "Base, TSST, Medi 1, Fun, Medi 2"
    assert list(table(found, "Conditions")["TSST"].values()) == [
        *("TSST", "stress", 2, "3.0", "3.0", "3.0", "5", "5")
    ]
    assert table(found, "Channels")["Temp chest"]["median"] == "34"
    assert table(found, "Channels")["EDA wrist"]["by"] == "key, 4 Hz"


def test_subjects_who_are_not_there_are_named(root):
    _, findings = look(root, exclude=["3"])

    (found,) = (f for f in findings if f.code == "F03")
    assert "5 trials of 1 subject;" in found.sentence
    assert "S3, S4, S5, S6, S7, S8 and 8 more are not there" in found.sentence


def test_a_subject_that_cannot_be_read_hides_none_of_the_others(tmp_path):
    write_wesad_subject(tmp_path, 2)
    write_wesad_subject(tmp_path, 3).write_bytes(b"no pickle")
    write_wesad_subject(tmp_path, 4, answers=describe(felt=FELT[:3]))

    found, findings = look(tmp_path)

    assert sorted(list_worst(findings)) == ["F01", "R21"]
    assert [row["trials"] for row in table(found, "Subjects").values()] == [5, 0, 0]


@pytest.mark.parametrize(
    ("place", "name", "change", "code"),
    [
        ("chest", "EMG", lambda x: 0 * x, "Q02"),
        ("chest", "ECG", lambda x: 1e6 * x, "C05"),
        ("chest", "Temp", lambda x: x + 273, "C05"),
        (
            "wrist",
            "EDA",
            lambda x: 0 * x + 0.001 * np.arange(len(x))[:, None] % 2,
            "C11",
        ),
        ("wrist", "TEMP", lambda x: 0 * x + np.nan, "Q02"),
    ],
)
def test_sensors_that_do_not_measure_are_found(tmp_path, place, name, change, code):
    held = make_signals()
    held["signal"][place][name] = change(held["signal"][place][name])
    write_wesad_subject(tmp_path, signals=held)

    _, findings = look(tmp_path)

    assert list_worst(findings) == [code]


def test_a_condition_without_any_rating_stays_in(tmp_path):
    write_wesad_subject(tmp_path, answers=describe(felt=[("-", "-"), *FELT[1:]]))

    found, findings = look(tmp_path)

    assert list_worst(findings) == ["R16", "R07"]
    assert "R06" in [f.code for f in findings]
    assert table(found, "Conditions")["Base"]["valence, median"] == "-"
