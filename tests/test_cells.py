"""Tests of :mod:`deepvanet.cells`."""

import csv

import pandas as pd
import pytest

from deepvanet import results
from deepvanet.cells import guard, release, release_table, write_csv
from deepvanet.results.columns import PREDICTION_COLUMNS

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
