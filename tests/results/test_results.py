"""Tests of :mod:`deepvanet.results`."""

import json

import numpy as np
import pandas as pd
import pytest

from deepvanet.config import EvaluateSettings, to_dict, write_toml
from deepvanet.metrics import find_form
from deepvanet.results import (
    HISTORY_COLUMNS,
    PREDICTION_COLUMNS,
    RECORDING_COLUMNS,
    RUN_FORMAT,
    SEGMENT_COLUMNS,
    SPECTRUM_COLUMNS,
    open_run,
    prediction_columns,
    read_predictions,
    read_table,
    sharing_of,
    write_json,
    write_leakage,
    write_predictions,
    write_table,
)
from deepvanet.schema import UserError
from fake_cleaning import invent_excerpt, write_cleaning
from simulated_predictions import predict_classes, predict_ratings

PART = {
    "protocol": "paper",
    "target": "valence",
    "streams": "face+bio",
    "learner": "network",
    "leaks": "trial",
    "shares": "subject+stimulus",
    "statement": "Training and test share trials, subjects and stimuli.",
    "folds": [
        {"seed": 0, "scope": "01", "fold": 0, "shared_trials": 3, "n_train": 9}
        | {"epoch_chosen_on": "none", "one_class_training": False}
    ],
}


def make_predictions(n=5):
    return pd.DataFrame(
        {
            "target": "valence",
            "learner": "network",
            "streams": "face+bio",
            "protocol": "paper",
            "seed": 0,
            "fold": np.arange(n) % 2,
            "subject": "01",
            "trial": "007",
            "stimulus": "NA",
            "segment": np.arange(n),
            "label": 1,
            "score": np.linspace(0, 1, n, dtype=np.float32) / 3,
        }
    )[list(PREDICTION_COLUMNS)]


@pytest.fixture
def run(tmp_path):
    """A finished run of five predictions."""
    write_predictions(tmp_path / "predictions.csv", make_predictions())
    write_table(tmp_path / "segments.csv", [], SEGMENT_COLUMNS)
    write_table(tmp_path / "history.csv", [], HISTORY_COLUMNS)
    trials = pd.DataFrame(
        {"subject": ["01"], "trial": ["007"], "stimulus": ["NA"], "n_frames": [25]}
    )
    write_table(tmp_path / "trials.csv", [trials], list(trials))
    write_leakage(tmp_path / "leakage.json", notes=["A note."], parts=[PART])
    described = {"format": RUN_FORMAT, "evaluate": to_dict(EvaluateSettings())}
    write_toml(tmp_path / "settings.toml", described)
    write_json(tmp_path / "environment.json", {"torch": "2.13.0"})
    return tmp_path


def test_predictions_come_back_as_they_were(tmp_path):
    written = make_predictions()

    write_predictions(tmp_path / "p.csv", written)
    read = read_predictions(tmp_path / "p.csv")

    assert read["score"].to_numpy().astype(np.float32).tolist() == list(
        written["score"]
    )
    rest = [column for column in PREDICTION_COLUMNS if column != "score"]
    pd.testing.assert_frame_equal(read[rest], written[rest])


def test_equal_predictions_give_equal_bytes(tmp_path):
    written = make_predictions()
    other = written.astype({"subject": "category", "segment": np.int32})
    other = other[list(PREDICTION_COLUMNS[::-1])]

    write_predictions(tmp_path / "a.csv", written)
    write_predictions(tmp_path / "b.csv", other)

    text = (tmp_path / "a.csv").read_bytes()
    assert text == (tmp_path / "b.csv").read_bytes()
    assert text.startswith(",".join(PREDICTION_COLUMNS).encode() + b"\n")
    assert b"\r" not in text


SIMULATED = {"classes": predict_classes, "rating": predict_ratings}


@pytest.mark.parametrize("task", SIMULATED)
def test_predictions_of_every_task_come_back_as_they_were(tmp_path, task):
    written = SIMULATED[task](2, 6)

    write_predictions(tmp_path / "p.csv", written)
    read = read_predictions(tmp_path / "p.csv")

    columns = list(prediction_columns(find_form(written)))
    assert list(read) == columns
    pd.testing.assert_frame_equal(read, written[columns], rtol=1e-8)


def test_a_class_may_be_called_na_and_targets_may_have_their_own_classes(tmp_path):
    states = predict_classes(2, 6, classes=("NA", "=1")).assign(target="state")
    written = pd.concat([states, predict_classes(2, 6)], ignore_index=True)

    write_predictions(tmp_path / "p.csv", written)
    read = read_predictions(tmp_path / "p.csv")

    assert find_form(read[read["target"] == "state"]).classes == ("NA", "=1")
    assert find_form(read[read["target"] != "state"]).classes == ("<4", "4-6", ">6")
    assert read["truth"].tolist() == written["truth"].tolist()


@pytest.mark.parametrize(
    ("task", "column", "value", "said"),
    [
        ("classes", "truth", "5", "expected one of <4, 4-6, >6, got '5'"),
        ("classes", "prediction", "", "expected one of <4, 4-6, >6, got ''"),
        ("classes", "probability_<4", 1.5, "expected a probability from 0 to 1"),
        ("classes", "probability_<4", "x", "a probability from 0 to 1, got 'x'"),
        ("classes", "probability_4-6", np.nan, "expected a probability from 0 to 1"),
        ("rating", "truth", "high", "column truth: expected a number, got 'high'"),
        ("rating", "prediction", np.inf, "column prediction: expected a number"),
    ],
)
def test_a_wrong_cell_of_predictions_is_said(tmp_path, task, column, value, said):
    table = SIMULATED[task](2, 6).astype({column: object})
    table.loc[20, column] = value
    write_predictions(tmp_path / "p.csv", table)

    with pytest.raises(UserError, match="subject 02, trial 01: column") as caught:
        read_predictions(tmp_path / "p.csv")

    assert said in str(caught.value)


def test_probabilities_that_do_not_sum_to_one_are_said(tmp_path):
    table = predict_classes(2, 6)
    table.loc[:, ["probability_<4", "probability_4-6", "probability_>6"]] = 0.9
    write_predictions(tmp_path / "p.csv", table)

    with pytest.raises(UserError, match="expected probabilities that sum to 1"):
        read_predictions(tmp_path / "p.csv")


def test_ratings_without_predictions_are_said(tmp_path):
    table = predict_ratings(2, 6).drop(columns="prediction")
    write_table(tmp_path / "p.csv", [table], list(table))

    with pytest.raises(UserError, match="column prediction is missing"):
        read_predictions(tmp_path / "p.csv")


def test_a_table_written_in_pieces_is_the_table(tmp_path):
    whole = make_predictions(6)

    pieces = (whole.iloc[k : k + 2] for k in range(0, 6, 2))
    write_table(tmp_path / "pieces.csv", pieces, PREDICTION_COLUMNS)
    write_predictions(tmp_path / "whole.csv", whole)

    assert (tmp_path / "pieces.csv").read_bytes() == (
        tmp_path / "whole.csv"
    ).read_bytes()


def test_a_table_that_fails_half_way_leaves_nothing(tmp_path):
    def fail():
        yield make_predictions()
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        write_table(tmp_path / "table.csv", fail(), PREDICTION_COLUMNS)

    assert list(tmp_path.iterdir()) == []


def test_blank_numbers_are_missing_and_blank_text_is_text(tmp_path):
    row = dict.fromkeys(HISTORY_COLUMNS, 1) | {"subject": "", "watched_loss": np.nan}
    write_table(tmp_path / "h.csv", [pd.DataFrame([row])], HISTORY_COLUMNS)

    read = read_table(tmp_path / "h.csv", HISTORY_COLUMNS)

    assert read["subject"].tolist() == [""]
    assert np.isnan(read["watched_loss"][0])


def test_a_run_is_read_whole(run):
    opened = open_run(run)

    assert len(opened.predictions) == 5
    assert opened.trials["trial"].tolist() == ["007"]
    assert list(opened.history) == list(HISTORY_COLUMNS)
    assert list(opened.segments) == list(SEGMENT_COLUMNS)
    assert opened.settings["evaluate"]["protocols"] == [
        "paper",
        "trial-matched",
        "trial",
    ]
    assert opened.environment == {"torch": "2.13.0"}
    assert opened.leakage["notes"] == ["A note."]
    assert opened.path == run


def test_what_was_shared_is_found_by_part(run):
    sharing = sharing_of(open_run(run).leakage)

    key = ("paper", "valence", "face+bio", "network")
    assert sharing == {key: ("trial", "subject+stimulus")}


def test_a_folder_without_a_run_is_said(tmp_path):
    with pytest.raises(UserError, match=r"nowhere: no finished run here \(predictions"):
        open_run(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name",
    [
        "predictions.csv",
        "segments.csv",
        "history.csv",
        "trials.csv",
        "leakage.json",
        "settings.toml",
        "environment.json",
    ],
)
def test_a_run_that_lacks_a_file_is_unfinished(run, name):
    (run / name).unlink()
    with pytest.raises(UserError, match=rf"no finished run here \({name} is missing\)"):
        open_run(run)


def test_a_missing_column_is_said(run):
    path = run / "predictions.csv"
    pd.read_csv(path).rename(columns={"score": "probability"}).to_csv(path, index=False)

    with pytest.raises(
        UserError, match=r"predictions.csv: column score is missing, got"
    ):
        open_run(run)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("predictions.csv", b"\xff\xfe\x00"),
        ("leakage.json", b"\xff\xfe\x00"),
        ("environment.json", b"{"),
        ("settings.toml", b"= ["),
    ],
)
def test_a_damaged_file_is_named(run, name, content):
    (run / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"{name}: cannot be read"):
        open_run(run)


def test_an_empty_file_is_named(run):
    (run / "predictions.csv").write_text("")
    with pytest.raises(UserError, match=r"predictions.csv: cannot be read as a table"):
        open_run(run)


def test_a_run_of_an_older_format_is_told_how_to_be_made_again(run):
    write_toml(run / "settings.toml", {"evaluate": to_dict(EvaluateSettings())})

    with pytest.raises(
        UserError, match=r"settings\.toml: .* got none; make it again: deepvanet eval"
    ):
        open_run(run)


def test_another_format_of_leakage_is_said(run):
    (run / "leakage.json").write_text(json.dumps({"format": "other-9"}))
    with pytest.raises(
        UserError, match=r"expected the format deepvanet-.* got other-9"
    ):
        open_run(run)


def test_json_that_is_not_an_object_is_said(run):
    (run / "environment.json").write_text("[1]")
    with pytest.raises(UserError, match=r"expected an object, got list"):
        open_run(run)


def test_what_cleaning_did_is_read_as_it_was_written(run):
    table = write_cleaning(run, subjects=("01",), recording="007", note="NA")

    opened = open_run(run)

    pd.testing.assert_frame_equal(opened.recordings, table, rtol=1e-8)
    assert opened.recordings["recording"].unique().tolist() == ["007"]
    assert list(opened.spectra) == list(SPECTRUM_COLUMNS)
    assert len(opened.spectra) == 4 * 60
    arrays = np.load(run / "excerpt.npz")
    np.testing.assert_array_equal(opened.excerpt.before, arrays["before"])
    np.testing.assert_array_equal(opened.excerpt.after, arrays["after"])
    assert opened.excerpt.channels == tuple(arrays["channels"])
    assert (opened.excerpt.sfreq, opened.excerpt.start_s) == (128.0, 61.0)


def test_a_run_on_filtered_recordings_has_nothing_on_cleaning(run):
    opened = open_run(run)

    assert opened.excerpt is None
    assert (len(opened.recordings), list(opened.recordings)) == (
        0,
        list(RECORDING_COLUMNS),
    )
    assert len(opened.spectra) == 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"is_unmixed": "yes"}, "column is_unmixed: expected numbers, got yes"),
        ({"n_removed": ""}, "column n_removed: expected numbers, got nan"),
        ({"variance_removed": "much"}, "variance_removed: expected numbers, got much"),
        ({"removed": "eye"}, "expected classes as in eye:2.muscle:1, got eye"),
        ({"removed": "eye:two"}, "expected classes as in .* got eye:two"),
    ],
)
def test_a_wrong_cell_on_recordings_is_said(run, changes, says):
    write_cleaning(run, **changes)

    with pytest.raises(UserError, match=rf"recordings.csv: .*{says}"):
        open_run(run)


@pytest.mark.parametrize("name", ["recordings.csv", "spectra.csv", "excerpt.npz"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"\xff\xfe"])
def test_a_damaged_file_on_cleaning_is_named(run, name, content):
    write_cleaning(run)
    (run / name).write_bytes(content)

    with pytest.raises(UserError, match=rf"{name}: "):
        open_run(run)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"after": np.zeros((8, 3))}, r"expected before and after as \(channel, time"),
        ({"before": np.zeros(5)}, "expected before and after"),
        ({"channels": np.array(["Cz"])}, "expected before and after"),
        ({"sfreq": np.array(0.0)}, "expected a rate above 0 Hz, got 0"),
        ({"sfreq": np.array("fast")}, "cannot be read as an excerpt"),
        ({"channels": np.array([None] * 8)}, "cannot be read as an excerpt"),
    ],
)
def test_an_excerpt_that_does_not_fit_together_is_said(run, changes, says):
    write_cleaning(run)
    arrays = invent_excerpt("01", "2", np.random.default_rng(0)) | changes
    np.savez(run / "excerpt.npz", **arrays)

    with pytest.raises(UserError, match=rf"excerpt.npz: {says}"):
        open_run(run)


def test_an_excerpt_that_lacks_an_array_is_said(run):
    write_cleaning(run)
    arrays = dict(invent_excerpt("01", "2", np.random.default_rng(0)))
    del arrays["after"]
    np.savez(run / "excerpt.npz", **arrays)

    with pytest.raises(UserError, match=r"cannot be read as an excerpt: .*after"):
        open_run(run)


@pytest.mark.parametrize(
    ("old", "new"),
    [('"seed": 0', '"seed": {}'), ('"leaks"', '"leak"'), ('"n_train": 9', '"n": 1')],
)
def test_leakage_that_lacks_what_a_report_needs_is_named(run, old, new):
    file = run / "leakage.json"
    file.write_text(file.read_text().replace(old, new))

    with pytest.raises(UserError, match=r"leakage\.json: is damaged: parts\[0\]"):
        open_run(run)
