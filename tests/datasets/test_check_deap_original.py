"""Tests of :mod:`deepvanet.datasets.deap_original.check`."""

import csv

import numpy as np
import pytest

from deepvanet.config import Execution
from deepvanet.datasets import check
from deepvanet.datasets.deap import reader as deap
from deepvanet.datasets.deap_original import reader as deap_original
from deepvanet.datasets.synthetic_mark import SYNTHETIC_MARK
from deepvanet.findings import Severity
from deepvanet.schema import UserError
from inspections import find_table, list_texts
from small_deap import film_trial, write_ratings
from small_deap_original import (
    GENEVA,
    SFREQ,
    TWENTE,
    list_events,
    write_recording,
    write_small_original,
)

MISSING = "assumed: its samples are missing there"


def look(root, **options):
    return check("deap-original", root, **options)


def take(inspection, title: str, column: str) -> list:
    (table,) = [t for t in inspection.tables if t.title == title]
    return [row[table.columns.index(column)] for row in table.rows]


def test_copy_as_documented_has_nothing_wrong(tmp_path):
    root = write_small_original(tmp_path / "DEAP", subjects=("22", "23"))
    write_recording(root, "23", above=0x18FF00, status_labels=("", ""))
    for trial in (1, 2, 3):
        film_trial(root, 22, trial, seconds=4)

    inspection = look(root)

    assert not inspection.errors
    odd = [f for f in inspection.findings if f.severity is not Severity.NOTE]
    assert [(f.code, f.place) for f in odd if f.code != "V05"] == [
        ("R07", "subject 22"),
        ("R07", "subject 23"),
    ]
    of_recordings = {
        "subject": ["22", "23"],
        "Hz": ["512", "512"],
        "minutes": ["0.8", "0.8"],
        "channels": [48, 49],
        "electrodes": ["Twente", "Geneva"],
        "status": ["Status", "blank, blank"],
        "above codes": ["0x000000", "0x18FF00"],
        "GSR unit": ["nS", "Ohm"],
        "flat": [0, 0],
    }
    for column, cells in of_recordings.items():
        assert take(inspection, "Recordings", column) == cells
    kiloohm = take(inspection, "Recordings", "median kOhm")
    assert [float(cell) for cell in kiloohm] == pytest.approx([200, 200], rel=0.01)
    for code, n in {1: 4, 2: 3, 3: 3, 4: 3, 5: 3, 7: 1}.items():
        assert take(inspection, "Trials", f"code {code}") == [n, n]
    assert take(inspection, "Trials", "whole") == [3, 3]
    assert take(inspection, "Trials", "ratings") == [3, 3]
    assert take(inspection, "Trials", "stimulus s") == ["4", "4"]
    assert take(inspection, "Trials", "videos") == ["3 of 3", "0 of 0"]
    assert all(len(row) == len(t.columns) for t in inspection.tables for row in t.rows)
    assert (
        "stimuli of another length than 60 s: s22 3 of 3, the shortest 4 s, "
        "s23 3 of 3, the shortest 4 s"
    ) in list_texts(inspection)
    absent = [t for t in list_texts(inspection) if "have no .bdf" in t]
    assert absent[0].startswith("30 of 32 subjects have no .bdf: 01, 02")


@pytest.mark.slow
def test_subjects_are_left_out_and_processes_change_nothing(tmp_path):
    root = write_small_original(tmp_path / "DEAP", subjects=("01", "02", "23"))

    alone, together = (
        look(root, exclude=["2"], execution=Execution(jobs=jobs)) for jobs in (1, 2)
    )

    assert take(alone, "Recordings", "subject") == ["01", "23"]
    assert alone == together


def test_trials_that_prepare_leaves_out_are_named(tmp_path):
    root = write_small_original(tmp_path / "DEAP", events=list_events(end=False))
    third = [sample for sample, code in list_events() if code == 4][2]
    path = deap_original.signals_file(root, "01")
    n_bytes = 256 * 49 + (third // SFREQ + 2) * SFREQ * 48 * 3
    path.write_bytes(path.read_bytes()[:n_bytes])

    inspection = look(root)

    assert (
        "s01: trial 03 was left out, the recording ends before its stimulus does"
        in list_texts(inspection, Severity.WARNING)
    )
    assert not inspection.errors
    assert take(inspection, "Trials", "whole") == [2]


def test_lost_code_is_refused_and_codes_are_counted(tmp_path):
    events = list_events()
    events.remove(next(event for event in events if event[1] == 4))
    root = write_small_original(tmp_path / "DEAP", events=events)

    inspection = look(root)

    (refusal,) = list_texts(inspection, Severity.ERROR)
    assert "holds 2 starts of a stimulus and the ratings table 3 trials" in refusal
    assert (
        "s01: the trigger codes of a trial do not occur equally often in the status "
        "channel: 3 times code 2, 3 times code 3, 2 times code 4, 3 times code 5"
    ) in list_texts(inspection, Severity.NOTE)[0]
    assert take(inspection, "Trials", "whole") == [0]


@pytest.mark.parametrize(
    ("subject", "written", "read"), [("01", "Ohm", "nS"), ("23", "nS", "Ohm")]
)
def test_skin_in_the_other_laboratory_s_unit_is_seen(tmp_path, subject, written, read):
    root = write_small_original(tmp_path / "DEAP", subjects=(subject,), gsr=written)

    (text,) = list_texts(look(root), Severity.WARNING)

    assert text == (
        f"s{subject}: GSR, read as {read}, has a median of 5e+03 Ohm, which no skin "
        f"has; its numbers would fit {written}"
    )


def test_skin_that_is_of_no_unit_or_not_touched_is_seen(tmp_path):
    skin = np.where(np.arange(48 * SFREQ) < 24 * SFREQ, 0.0, 4e5)
    root = write_small_original(
        tmp_path / "DEAP", subjects=("22", "23"), replaced={"GSR1": skin}
    )
    write_recording(root, "23", replaced={"GSR1": 50.0})

    wrong = list_texts(look(root), Severity.WARNING)

    fits = "which no skin has; its numbers would fit Ohm"
    assert wrong == [
        "s23: 1 of 40 channels never change: GSR",
        f"s22: GSR touches no skin for 50.00% of the recording; {MISSING}",
        f"s22: GSR, read as nS, has a median of 2.5e+03 Ohm, {fits}",
        "s23: GSR, read as Ohm, has a median of 50 Ohm, which no skin has",
    ]


def test_skin_never_touched_has_no_median(tmp_path):
    root = write_small_original(tmp_path / "DEAP", replaced={"GSR1": 0.0})

    inspection = look(root)

    assert take(inspection, "Recordings", "median kOhm") == ["-"]
    assert list_texts(inspection, Severity.WARNING) == [
        f"s01: GSR touches no skin for 100.00% of the recording; {MISSING}"
    ]


def test_dead_electrodes_and_their_other_orders_are_named(tmp_path):
    root = write_small_original(
        tmp_path / "DEAP", subjects=("22", "23"), eeg=TWENTE, replaced={"Cz": 7.0}
    )
    write_recording(root, "22", eeg=sorted(GENEVA))

    wrong = list_texts(look(root), Severity.WARNING)

    assert wrong == [
        "s23: 1 of 40 channels never change: Cz",
        "s22: the electrodes are in another order, documented is Twente",
        "s23: the electrodes are in Twente order, documented is Geneva",
    ]


def test_file_that_cannot_be_used_hides_no_other(tmp_path):
    root = write_small_original(tmp_path / "DEAP", subjects=("01", "02", "23"))
    deap_original.signals_file(root, "01").write_bytes(b"x" * 4000)
    write_recording(root, "02", events=[], sfreq=256)
    film_trial(root, 1, 1, seconds=1)

    inspection = look(root)

    refusals = list_texts(inspection, Severity.ERROR)
    assert len(refusals) == 2
    assert "s01.bdf: cannot be read" in refusals[0]
    assert "s02.bdf: raw signals come at 512 Hz, got 256 Hz" in refusals[1]
    assert take(inspection, "Recordings", "Hz") == ["-", "256", "512"]
    assert take(inspection, "Recordings", "electrodes") == ["-", "Twente", "Geneva"]
    assert take(inspection, "Trials", "whole") == [0, 0, 3]
    assert take(inspection, "Trials", "videos") == ["1 of 3", "0 of 3", "0 of 0"]


def test_missing_ratings_are_one_refusal(tmp_path):
    root = write_small_original(tmp_path / "DEAP", subjects=("22", "23"))
    deap.ratings_file(root).unlink()

    inspection = look(root)

    (refusal,) = list_texts(inspection, Severity.ERROR)
    assert "participant_ratings.csv: cannot be read" in refusal
    assert take(inspection, "Trials", "code 4") == [3, 3]
    assert take(inspection, "Trials", "ratings") == ["-", "-"]


def test_odd_ratings_videos_and_files_are_named_as_in_deap(tmp_path):
    root = write_small_original(tmp_path / "DEAP")
    with deap.ratings_file(root).open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    rows[1][6] = "none"
    write_ratings(root, rows)
    film_trial(root, 1, 1, seconds=2)
    film_trial(root, 1, 2, seconds=4)
    (root / "data_original" / "s01.bdf.zip").write_bytes(b"x")

    texts = list_texts(look(root))

    assert (
        "participant_ratings.csv: Dominance is no number from 1 to 9 in 1 of 3 rows: "
        "line 3; assumed: no model is trained on them, so nothing changes"
    ) in texts
    assert ("s01: 1 of 2 videos are shorter than documented: trial 01 1.96 s") in texts
    assert "s01: 1 of 3 videos are absent: trial 03" in texts
    assert ("ignored, no part of DEAP (1): data_original/s01.bdf.zip") in texts


def test_made_up_copy_says_so(tmp_path):
    root = write_small_original(tmp_path / "DEAP")
    (root / SYNTHETIC_MARK).touch()

    assert any("made by deepvanet synth" in text for text in list_texts(look(root)))


def test_folder_without_recordings_is_refused(tmp_path):
    with pytest.raises(UserError, match="data_original is missing"):
        look(tmp_path)


def test_signals_videos_and_channels_are_tabulated(tmp_path):
    root = write_small_original(tmp_path / "DEAP", subjects=("22", "23"))
    film_trial(root, 22, 2, seconds=4)

    inspection = look(root)

    file = find_table(inspection, "Signals")["data_original/s22.bdf"]
    assert (file["Hz stated"], file["start s"]) == ("512", "0.00")
    assert (file["on video s"], file["missing %"]) == ("3.94", "0.0")
    (video,) = find_table(inspection, "Videos").values()
    onsets = [sample / SFREQ for sample, code in list_events() if code == 4]
    assert (video["fps measured"], video["start s"]) == ("50", f"{onsets[1]:.2f}")
    channels = find_table(inspection, "Channels")
    assert channels["hEOG"]["by"] == "label EXG1 - EXG2"
    assert (channels["GSR"]["unit"], channels["GSR"]["recordings"]) == ("Ohm", 2)
