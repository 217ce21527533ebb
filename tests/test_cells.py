"""Tests of :mod:`deepvanet.cells`."""

import contextlib
import csv

import pandas as pd
import pytest

from deepvanet import results
from deepvanet.auditing.reading import check_table
from deepvanet.cells import guard, read_numbers, release, release_table, write_csv
from deepvanet.results import read_columns
from deepvanet.results.columns import PREDICTION_COLUMNS, SPECTRUM_COLUMNS
from deepvanet.results.tables import read_spectra
from deepvanet.schema import UserError
from deepvanet.signal_io.cells import find_numbers
from deepvanet.store import Manifest
from deepvanet.store.columns import TRIAL_COLUMNS
from deepvanet.store.reading import read_trial_table

HOSTILE = [
    '=HYPERLINK("http://a.b","c")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\tx",
    "\r=1",
    "'=1",
    "''@x",
    "\uff1d1+1",
]
HARMLESS = ["s01", "-1.5", "+3e-2", "'s trial", "", "a=b", "1-2", "ä"]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_spreadsheet_would_run_is_written_with_an_apostrophe(text):
    assert guard(text) == f"'{text}"
    assert release(guard(text)) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_is_written_as_it_is(text):
    assert guard(text) == text
    assert release(text) == text


def test_a_table_comes_back_with_its_texts_and_its_numbers(tmp_path):
    texts = [*HOSTILE, *HARMLESS]
    table = pd.DataFrame({"=name": texts, "score": [-1.5] * len(texts)})

    write_csv(table, tmp_path / "t.csv")

    with (tmp_path / "t.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["'=name", "score"]
    assert {row[1] for row in rows[1:]} == {"-1.5"}
    assert not any(row[0][:1] in "=@\t\r" for row in rows[1:] if row[0])
    again = pd.read_csv(tmp_path / "t.csv", keep_default_na=False)
    pd.testing.assert_frame_equal(release_table(again), table)


def test_predictions_of_people_with_such_names_come_back(tmp_path):
    row = dict.fromkeys(PREDICTION_COLUMNS, "x")
    row |= {"seed": 0, "segment": 0, "label": 1, "score": 0.5}
    row |= {"subject": "=cmd|' /C calc'!A0", "stimulus": "@clip", "trial": "-1"}
    table = pd.DataFrame([row])[list(PREDICTION_COLUMNS)]

    results.write_predictions(tmp_path / "p.csv", table)

    assert ",'=cmd" in (tmp_path / "p.csv").read_text()
    again = results.read_predictions(tmp_path / "p.csv")
    for name in ("subject", "trial", "stimulus"):
        assert again[name][0] == row[name]


ENDLESS = "1e3080000001"
"""At it pandas ends Python, unless it is told to read floats in another way."""
READERS = {
    "predictions": results.read_predictions,
    "spectra": read_spectra,
    "store": lambda file: read_trial_table(
        file.parent, Manifest("deap", False, {}, "", (), {})
    ),
    "audit": lambda file: check_table(read_columns(file, ["subject"]), file),
    "signals": lambda file: find_numbers(pd.Series([file.name, ENDLESS, "1,5"])),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_number_without_end_does_not_end_the_program(tmp_path, read):
    columns = (
        *TRIAL_COLUMNS,
        *PREDICTION_COLUMNS,
        *SPECTRUM_COLUMNS,
        "label",
        "onset_s",
    )
    file = tmp_path / "trials.csv"
    write_csv(
        pd.DataFrame(ENDLESS, index=[0], columns=list(dict.fromkeys(columns))), file
    )

    with contextlib.suppress(UserError):
        read(file)


@pytest.mark.parametrize("text", [ENDLESS, f"-{ENDLESS}", "1E+3080000001", "one", ""])
def test_what_is_no_number_is_missing_and_its_neighbours_are_not(text):
    cells = pd.Series(["2.5", text, "1e-3"])

    assert read_numbers(cells).dropna().tolist() == [2.5, 0.001]
