"""Tests of :mod:`deepvanet.datasets.dreamer.check`."""

import numpy as np
import pytest

from deepvanet.datasets import check
from deepvanet.findings import Severity
from small_dreamer import (
    SFREQ,
    change_cells,
    make_subject,
    sample_cells,
    write_dreamer_mat,
)

KNOWN = ("R07",)
"""What these copies have: few trials."""


def look(root, subjects=(), **options):
    write_dreamer_mat(root, subjects)
    found = check("dreamer", root, **options)
    return found, [f for f in found.findings if f.code not in KNOWN]


def list_worst(findings):
    """Return the codes of errors and warnings."""
    return [f.code for f in findings if f.severity is not Severity.NOTE]


def table(found, title):
    (made,) = (t for t in found.tables if t.title == title)
    return {str(row[0]): dict(zip(made.columns, row, strict=True)) for row in made.rows}


def test_a_sound_copy_has_notes_only(tmp_path):
    found, findings = look(tmp_path, [make_subject(seed=k) for k in range(2)])

    assert list_worst(findings) == []
    assert [f.code for f in findings] == ["T15", "R12", "F03"]
    assert table(found, "Subjects")["02"]["trials"] == 2
    assert list(table(found, "Clips")["01"].values()) == ["01", 2, "3.0", "3.0", "3.0"]
    assert table(found, "Ratings, mapped to 1 to 9")["dominance"]["median"] == "5"
    assert table(found, "Channels")["AF3"]["median"] == "4200"


def test_subjects_can_be_left_out(tmp_path):
    found, _ = look(tmp_path, [make_subject()] * 3, exclude=["2"])

    assert list(table(found, "Subjects")) == ["01", "03"]


def test_a_subject_that_cannot_be_read_hides_none_of_the_others(tmp_path):
    broken = make_subject(EEG=np.ones(3))
    found, findings = look(tmp_path, [make_subject(), broken, make_subject()])

    assert list_worst(findings) == ["F01"]
    rows = table(found, "Subjects")
    assert [row["trials"] for row in rows.values()] == [2, 0, 2]


def test_a_clip_of_another_length_is_named(tmp_path):
    subjects = [make_subject(seed=k) for k in range(4)]
    cells = sample_cells([3, 8], sfreq=SFREQ, n_channels=14, seed=9)
    change_cells(subjects[3], "EEG", "stimuli", cells)

    _, findings = look(tmp_path, subjects)

    (found,) = (f for f in findings if f.code == "T14")
    assert "4/2 (8.0 s, usually 3.0 s)" in found.sentence


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda cell: cell * [*[1.0] * 13, 0.0], "Q02"),
        (lambda cell: np.where(np.arange(14) == 2, np.nan, cell), "Q01"),
        (lambda cell: cell * 1e-6, "C05"),
        (lambda cell: cell * 1e6, "C05"),
    ],
)
def test_electrodes_that_do_not_measure_are_found(tmp_path, change, code):
    subject = make_subject()
    for field in ("baseline", "stimuli"):
        cells = [change(cell) for cell in subject["EEG"][field].ravel()]
        change_cells(subject, "EEG", field, cells)

    _, findings = look(tmp_path, [subject])

    assert code in list_worst(findings)
    assert not any(f.severity is Severity.ERROR for f in findings)


def test_labels_that_belong_to_the_clip_are_found(tmp_path):
    _, findings = look(tmp_path, [make_subject(4, seed=k) for k in range(3)])

    assert list_worst(findings) == ["R30", "R30"]
