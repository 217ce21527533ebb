"""Tests of :mod:`deepvanet.comparison`."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from deepvanet.cli import main
from deepvanet.comparison import COLUMNS, compare
from deepvanet.config import CompareSettings
from deepvanet.metrics import correct_by_holm, flip_signs, score_subjects
from deepvanet.results import open_run, write_predictions
from deepvanet.schema import UserError
from fake_run import write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Eight subjects under two protocols, three stream sets."""
    return write_run(tmp_path_factory.mktemp("comparison") / "run")


def change(path, out, alter):
    """Copy a run with other predictions."""
    import shutil

    shutil.copytree(path, out)
    write_predictions(out / "predictions.csv", alter(open_run(path).predictions))
    return out


def test_every_subject_s_difference_is_that_of_its_scores(run):
    table = compare(run, "face+bio", "bio").table

    row = table[(table["target"] == "valence") & table["a"].str.startswith("trial,")]
    predictions = open_run(run).predictions
    mine = predictions[
        (predictions["protocol"] == "trial")
        & (predictions["target"] == "valence")
        & (predictions["learner"] == "network")
    ]
    scores = [
        score_subjects(mine[mine["streams"] == name], "trial")["balanced_accuracy"]
        for name in ("face+bio", "bio")
    ]
    difference = (scores[0] - scores[1]).to_numpy(dtype=float)
    assert row["difference"].item() == pytest.approx(difference.mean())
    assert row["p_sign_flip"].item() == flip_signs(difference)
    assert row["n_units"].item() == 8
    assert row["n_clips"].item() == 12


@pytest.mark.slow
def test_the_verdict_is_the_two_way_jackknife_s_done_by_brute_force(run):
    row = compare(run, "trial,face+bio", "bio").table.iloc[0]

    predictions = open_run(run).predictions
    mine = predictions[
        (predictions["protocol"] == "trial")
        & (predictions["target"] == row["target"])
        & (predictions["learner"] == "network")
    ]

    def subtract(rows):
        one, other = (
            score_subjects(rows[rows["streams"] == name], "trial")
            for name in ("face+bio", "bio")
        )
        return (one["balanced_accuracy"] - other["balanced_accuracy"]).mean()

    variance = 0.0
    for column in ("subject", "stimulus"):
        left = np.array(
            [subtract(mine[mine[column] != name]) for name in mine[column].unique()]
        )
        variance += (len(left) - 1) / len(left) * np.sum((left - left.mean()) ** 2)
    t = row["difference"] / np.sqrt(variance)
    assert row["p_value"] == pytest.approx(2 * stats.t.sf(abs(t), 7))
    reach = stats.t.ppf(0.975, 7) * np.sqrt(variance)
    assert row["ci_high"] - row["difference"] == pytest.approx(reach)


def test_the_family_is_all_that_is_alike_otherwise_and_holm_corrects_it(run):
    table = compare(run, "face+bio", "bio").table

    # two protocols and two targets; priors read no stream
    assert len(table) == 4
    assert table["p_holm"].tolist() == correct_by_holm(table["p_value"].tolist())
    assert list(table) == list(COLUMNS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("a", "b", "n_pairs"),
    [
        ("paper", "trial", 6),  # targets x stream sets
        ("network", "majority", 12),
        ("trial,face", "bio", 2),
        ("network,bio", "subject-prior", 4),
    ],
)
def test_a_side_is_what_it_names(run, a, b, n_pairs):
    assert len(compare(run, a, b).table) == n_pairs


def test_rows_that_one_side_lacks_are_left_out_of_both(run, tmp_path):
    def alter(table):
        lost = (table["streams"] == "bio") & (table["subject"] == "03")
        return table[~lost]

    fewer = change(run, tmp_path / "run", alter)

    assert set(compare(fewer, "face+bio", "bio").table["n_units"]) == {7}


@pytest.mark.slow
def test_a_clear_difference_is_said_and_no_difference_is_not_called_one(run, tmp_path):
    def alter(table):
        network = table["learner"] == "network"
        right = table["label"].where(table["streams"] == "face", 1 - table["label"])
        score = np.where(network, 0.25 + right / 2, 0.6)
        return table.assign(score=score)

    clear = change(run, tmp_path / "run", alter)

    said = compare(clear, "trial,face", "bio").lines()
    same = compare(clear, "trial,face+bio", "bio").lines()
    assert all(re.search(r"face is higher \(\+100\.0 points", line) for line in said)
    assert all(
        "no difference that 8 subjects and 12 clips can show" in line for line in same
    )


def test_people_who_saw_one_clip_are_not_so_many_observations(run, tmp_path):
    """Two clips make the difference; flipped signs count it once a subject."""

    def alter(table):
        odd = table["stimulus"].isin(["clip-3", "clip-7"])
        right = table["streams"].eq("face") | ~odd
        score = np.where(right, table["label"], 1 - table["label"]) * 0.5 + 0.25
        return table.assign(score=score)

    driven = change(run, tmp_path / "run", alter)

    made = compare(driven, "trial,face", "bio")

    assert (made.table["p_sign_flip"] < 0.01).all()
    assert (made.table["p_value"] > 0.1).all()
    assert all("no difference that" in line for line in made.lines())


@pytest.mark.slow
def test_what_leaks_is_said_of_the_comparison(run):
    lines = compare(run, "paper", "trial").lines()
    honest = compare(run, "trial,face", "bio").lines()

    # a sentence a pair, and what lies between the two protocols below them
    pairs = [line for line in lines if "is higher" in line or "no difference" in line]
    assert len(pairs) == 6
    assert all("one side leaks (trial)" in line for line in pairs)
    assert not any("leak" in line for line in honest)


@pytest.mark.slow
def test_subjects_of_one_class_are_counted(tmp_path):
    path = write_run(tmp_path / "run", one_class=["02"])

    made = compare(path, "face", "bio")

    assert set(made.table["n_skipped"]) == {1}
    assert "1 subject has one class and is left out" in made.lines()[0]


@pytest.mark.parametrize(
    ("metric", "unit", "times"), [("accuracy", " %", 100), ("mcc", "", 1)]
)
def test_sentences_have_the_unit_of_the_report_and_the_table_fractions(
    run, metric, unit, times
):
    made = compare(
        run, "trial,face", "bio", settings=CompareSettings(metric=metric, level="trial")
    )

    row = made.table.iloc[0]
    digits = 1 if unit else 3
    change = f"({times * row['difference']:+.{digits}f}"
    assert -1 <= row["mean_b"] <= 1
    assert f"face {times * row['mean_a']:.{digits}f}{unit}, bio" in made.lines()[0]
    assert change + (" points, 95 %" if unit else ", 95 %") in made.lines()[0]


def test_folds_of_one_subject_are_compared_by_a_test_that_knows_they_overlap(tmp_path):
    path = write_run(
        tmp_path / "run",
        subjects=["01"],
        protocol_names=["paper"],
        targets=["valence"],
        n_segments=10,
    )

    made = compare(
        path, "face", "bio", settings=CompareSettings(level="segment", unit="fold")
    )
    table = made.table

    assert table["n_units"].tolist() == [4]
    assert table["p_corrected_t"].between(0, 1).all()
    assert table[["p_sign_flip", "p_value", "p_holm"]].isna().all(axis=None)
    [said] = made.lines()
    assert "this describes these folds, no verdict rests on it" in said
    with pytest.raises(UserError, match="within one protocol only"):
        both = write_run(tmp_path / "both", subjects=["01"])
        compare(both, "paper", "trial", settings=CompareSettings(unit="fold"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_subjects", "n_trials", "are_enough"),
    [(1, 12, False), (5, 12, False), (6, 12, True), (8, 7, False), (8, 8, True)],
)
def test_few_subjects_or_clips_are_too_few(tmp_path, n_subjects, n_trials, are_enough):
    subjects = [f"{number:02d}" for number in range(n_subjects)]
    path = write_run(
        tmp_path / "run",
        protocol_names=["trial"],
        targets=["valence"],
        streams=["face", "bio"],
        subjects=subjects,
        n_trials=n_trials,
        n_segments=1,
    )

    said = compare(
        path, "face", "bio", settings=CompareSettings(metric="accuracy")
    ).lines()

    too_few = "are too few to show any difference: at least 6 subjects"
    assert (too_few in said[0]) != are_enough


def test_labels_that_belong_to_people_are_compared_over_people(run, tmp_path):
    def alter(table):
        label = table["subject"].astype(int) % 2
        score = np.where(
            table["streams"] == "face", 0.25 + label / 2, 0.3 + table["segment"] / 10
        )
        return table.assign(label=label, score=score)

    changed = change(run, tmp_path / "run", alter)

    [row, _] = compare(changed, "trial,face", "bio").table.to_dict("records")

    assert row["unit"] == "person"
    assert (row["n_units"], row["mean_a"], row["mean_b"]) == (8, 1.0, 0.5)


def test_what_cannot_be_scored_is_no_difference(run, tmp_path):
    """NaN never passes a comparison: with one class all but accuracy is undefined."""
    changed = change(run, tmp_path / "run", lambda table: table.assign(label=1))

    made = compare(changed, "face", "bio")

    assert made.table["p_value"].isna().all()
    assert all("too few to show any difference" in line for line in made.lines())


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ("bio", "bio", "both sides are bio"),
        ("bi", "face", "unknown protocol, stream set or learner 'bi', did you mean"),
        ("", "face", "a side names a protocol, stream set or learner"),
        ("bio,face", "face", "a side has one streams, got bio, face"),
        ("eeg", "bio", "holds no pair of eeg and bio"),
    ],
)
def test_sides_that_name_nothing_are_refused(run, a, b, message):
    with pytest.raises(UserError, match=re.escape(message)):
        compare(run, a, b)


def test_the_command_writes_a_table_and_says_it_in_sentences(run, tmp_path, capsys):
    out = tmp_path / "comparison.csv"

    status = main(["compare", str(run), "--a", "face", "--b", "bio", "--out", str(out)])

    assert status == 0
    assert list(pd.read_csv(out)) == list(COLUMNS)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 4
    assert all("mean over 8 subjects" in line for line in said)
    assert main(["compare", str(tmp_path), "--a", "face", "--b", "bio"]) == 2
    assert "no finished run here" in capsys.readouterr().err
