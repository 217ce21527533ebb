"""Tests of markers, and of trials that a recording does not hold whole."""

from pathlib import Path

import numpy as np
import pytest

from deepvanet.datasets.recordings.rows import Row
from deepvanet.datasets.recordings.trials import place_rows
from deepvanet.findings import Severity, attempt, collect
from deepvanet.schema import Target
from deepvanet.signal_io.declared import Declaration
from deepvanet.signal_io.types import Marker, Signals
from finding_texts import write_own


def signals(*markers, seconds=60, duration_s=0.0):
    """Return a minute of one channel, with markers as (second, text)."""
    return Signals(
        path=Path("a.edf"),
        labels=("Cz",),
        units=("uV",),
        types=(None,),
        sfreq=128.0,
        n_samples=seconds * 128,
        read_span=lambda places, start, end: np.zeros((len(places), end - start)),
        markers=tuple(
            Marker(float(onset), duration_s, text) for onset, text in markers
        ),
    )


def rows(*cells):
    """Return rated rows that last 2 s."""
    return [
        Row(
            **{
                "table": Path("trials.csv"),
                "line": n + 1,
                "subject": "01",
                "trial": str(n),
                "stimulus": "clip",
                "bio": Path("a.edf"),
                "duration_s": 2.0,
                "ratings": {Target.VALENCE: 7.0},
                **cell,
            }
        )
        for n, cell in enumerate(cells, 1)
    ]


def place(file, *cells, baseline_s=0.0):
    declared = Declaration(baseline_s=float(baseline_s))
    with collect() as found:
        placed = attempt(lambda: place_rows(rows(*cells), file, declared))
    spans = {p.row.trial: p.span for p in placed if p.span}
    return {trial: span.onset_s for trial, span in spans.items()}, found


def test_markers_are_found_by_their_text_and_numbers_by_their_value():
    file = signals((3.0, "12"), (9.0, "12.0"), (20.5, "7.0"))

    onsets, found = place(file, {"marker": "12"}, {"marker": "7"})

    assert onsets == {"1": 3.0, "2": 20.5}
    (note,) = found
    assert (note.code, note.severity) == ("T13", Severity.NOTE)
    said = "not used, since no row of the table names it: 12.0 (once)"
    assert note.sentence == f"1 marker is {said}"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("S 12", "Stimulus/S 12"),
        ("12", "Stimulus/S 12"),
        ("12", "S 12"),
        ("Film", "film"),
        ("film 1", "film  1"),
        ("film_1", "film1"),
    ],
)
def test_a_marker_that_is_spelt_otherwise_is_an_error_that_names_it(cell, text):
    onsets, found = place(signals((3.0, text), (5.0, "other")), {"marker": cell})

    error = found[0]
    assert (error.code, error.severity) == ("T11", Severity.ERROR)
    assert error.place == "line 2"
    assert f"the nearest is {text!r}" in error.sentence
    assert error.assumed == f"{text!r} is meant"
    assert onsets == {"1": 3.0}


def test_a_marker_that_stands_more_often_than_it_is_named_leaves_its_rows_out():
    file = signals((3.0, "go"), (6.0, "go"), (9.0, "go"), (12.0, "film"))

    onsets, found = place(file, {"marker": "go"}, {"marker": "go"}, {"marker": "film"})

    assert [f.code for f in found] == ["T11"]
    assert found[0].place == "lines 2, 3"
    assert "'go' occurs 3 times in a.edf, but 2 rows name it" in found[0].sentence
    assert onsets == {"3": 12.0}


def test_markers_that_no_row_names_are_counted():
    file = signals(*((n, "fix") for n in range(5)), (9.0, "start"), (20.0, "stop"))

    _, found = place(file, {"marker": "start"})

    (note,) = found
    said = "not used, since no row of the table names them: fix (5 times), stop (once)"
    assert write_own(note) == f"a.edf: 6 markers are {said}"


@pytest.mark.parametrize(
    ("cell", "baseline_s", "sentence"),
    [
        ({"onset_s": 59.5}, 0, "is left out: less than 1 s of it lie in 60 s"),
        ({"onset_s": 70.0}, 0, "is left out: less than 1 s of it lie in 60 s of sig"),
        ({"onset_s": 4000.0}, 0, "at 4000 s: if onset_s is in milliseconds, write 4"),
        ({"onset_s": 58.75}, 0, "lacks its last 0.75 s: the signals end there"),
        ({"onset_s": 1.0}, 3, "it starts at 1 s, before 3 s of rest"),
        ({"onset_s": -1.0}, 0, "it starts at -1 s, before the recording"),
        ({"onset_s": 4.0, "duration_s": 0.5}, 0, "it lasts 0.5 s, less than 1 s"),
    ],
)
def test_a_trial_that_is_not_there_whole_is_a_warning(cell, baseline_s, sentence):
    _, found = place(signals(), cell, {"onset_s": 20.0}, baseline_s=baseline_s)

    (warning,) = found
    assert (warning.code, warning.severity) == ("T12", Severity.WARNING)
    assert warning.place == "line 2"
    assert sentence in warning.sentence


def test_onsets_between_samples_and_seconds_are_kept():
    onsets, found = place(signals(), {"onset_s": 4.0039}, {"onset_s": 12.7512})

    assert onsets == {"1": 4.0039, "2": 12.7512}
    assert found == []


def test_trials_without_an_end_that_others_follow_are_an_error():
    endless = {"duration_s": None}

    _, found = place(
        signals(),
        {"onset_s": 4.0, **endless},
        {"onset_s": 14.0, **endless},
        {"onset_s": 24.0, **endless},
    )

    (error,) = found
    assert (error.code, error.severity) == ("T52", Severity.ERROR)
    assert error.place == "lines 2, 3"
    alone = place(signals(), {"onset_s": 4.0, **endless})
    marked = place(
        signals((4.0, "a"), (14.0, "b"), duration_s=5.0),
        {"marker": "a", **endless},
        {"marker": "b", **endless},
    )
    assert alone[1] == marked[1] == []


def test_trials_that_overlap_are_a_warning():
    _, found = place(signals(), {"onset_s": 4.0, "duration_s": 9.5}, {"onset_s": 12.0})

    (warning,) = found
    assert (warning.code, warning.severity) == ("T50", Severity.WARNING)
    assert warning.sentence == (
        "trial 1 of subject 01 ends 1.5 s after trial 2 begins in a.edf"
    )


def test_the_face_that_the_table_names_is_passed_on():
    placed = place_rows(
        rows({"onset_s": 4.0, "face_choice": "left"}), signals(), Declaration()
    )

    assert placed[0].span.face_choice == "left"


def test_a_marker_where_the_onset_of_another_trial_is_counts_as_the_same_seconds():
    file = signals((3.0, "go"), (9.0, "stop"))

    onsets, found = place(file, {"marker": "go"}, {"onset_s": 3.0}, {"onset_s": 9.0})

    assert onsets == {"1": 3.0, "2": 3.0, "3": 9.0}
    (error,) = [f for f in found if f.severity is Severity.ERROR]
    assert (error.code, error.place) == ("T51", "lines 2, 3")
    assert "trials 1 and 2 of subject 01 both begin at 3 s of a.edf" in error.sentence
