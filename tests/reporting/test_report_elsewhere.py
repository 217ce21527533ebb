"""Predictions that were made elsewhere are scored like the run's own."""

import numpy as np
import pandas as pd
import pytest

import deepvanet
from deepvanet.cli.app import main
from deepvanet.reporting.elsewhere import describe_elsewhere, tabulate_elsewhere
from deepvanet.reporting.studies import make_study
from deepvanet.results import open_run
from deepvanet.schema import KEY_COLUMNS, UserError
from fake_run import write_run

SAME = ["level", "metric"]
PART = [*KEY_COLUMNS, *SAME]


def write_task(folder, task, protocols=("trial", "subject")):
    return write_run(
        folder / task,
        protocol_names=protocols,
        targets=("valence",),
        streams=("bio",),
        subjects=tuple(f"{n:02d}" for n in range(1, 9)),
        n_segments=2,
        task=task,
    )


@pytest.fixture(scope="module", params=["high-low", "classes", "rating"])
def study(request, tmp_path_factory):
    run = write_task(tmp_path_factory.mktemp("elsewhere"), request.param)
    return make_study([open_run(run)])


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """A study of one protocol and target, of high and low."""
    run = write_task(tmp_path_factory.mktemp("one"), "high-low", ("trial",))
    return make_study([open_run(run)])


def list_network(study):
    """Return what the network of a run predicts of each trial."""
    rows = study.predictions
    mine = rows[rows["learner"] == "network"]
    by_trial = mine.groupby(["subject", "trial"], as_index=False)
    return by_trial[["label", "score"]].mean().astype({"label": int})


def write(table, path):
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def table(study):
    """The predictions of a run, taken out and given in."""
    return tabulate_elsewhere(study, [study.runs[0].path / "predictions.csv"])


def test_predictions_that_are_taken_out_and_given_in_have_the_same_scores(study, table):
    ours = table[table["made"] == "elsewhere"]
    both = ours.merge(study.scores, on=PART, suffixes=("", "_of_run"), how="outer")
    assert len(both) == len(ours) == len(study.scores)
    for name in ("mean", "sd", "ci_low", "ci_high", "n_subjects"):
        np.testing.assert_array_equal(both[name], both[f"{name}_of_run"])


def test_priors_stand_beside_with_the_difference(study, table):
    headline = table[
        (table["metric"] == study.form.headline) & (table["level"] == "trial")
    ].reset_index(drop=True)
    place = int(headline.index[headline["learner"] == "network"][0])
    own, beside = headline.iloc[place], headline.iloc[place + 1 : place + 4]
    assert set(beside["learner"]) == {"majority", "subject-prior", "stimulus-prior"}
    assert set(beside["made"]) == {"in the run"}
    by_hand = own["mean"] - beside["mean"].astype(float)
    np.testing.assert_allclose(beside["difference"].astype(float), by_hand)


def test_what_is_not_stated_is_said_to_be_not_stated(one, tmp_path):
    file = write(list_network(one), tmp_path / "mine.csv")

    table = tabulate_elsewhere(one, [file])
    (part,) = describe_elsewhere(one, table)

    ours = table[table["made"] == "elsewhere"]
    assert set(ours["level"]) == {"trial"}
    for name in ("leaks", "shares", "streams"):
        assert set(ours[name]) == {"not stated"}
    assert set(ours["learner"]) == {"mine"}
    assert part["title"] == "valence, trial: mine from mine.csv"
    assert part["said"].startswith(
        "Made elsewhere, on streams not stated. What its training and test shared is "
        "not stated."
    )


def test_what_is_stated_is_said_to_be_stated(one, tmp_path):
    stated = list_network(one).assign(leaks="none", shares="subject", streams="bio")

    table = tabulate_elsewhere(one, [write(stated, tmp_path / "mine.csv")])
    (part,) = describe_elsewhere(one, table)

    assert (
        "Its file states: leaks none, shares subject; nothing checked it."
        in (part["said"])
    )
    assert "p_value" not in table


def test_some_of_the_trials_are_compared_with_priors_on_the_same_ones(one, tmp_path):
    some = list_network(one)
    some = some[some["trial"].astype(int) <= 8]

    table = tabulate_elsewhere(one, [write(some, tmp_path / "mine.csv")])

    assert set(table["n_trials"]) == {64}
    rows = one.predictions
    prior = rows[(rows["learner"] == "stimulus-prior") & (rows["trial"] <= "08")]
    trials = prior.groupby(["subject", "trial"])[["label", "score"]].mean()
    right = (trials["score"] > 0.5) == (trials["label"] == 1)
    found = table[(table["learner"] == "stimulus-prior") & (table["level"] == "trial")]
    accuracy = found.set_index("metric")["mean"]["accuracy"]
    assert accuracy == pytest.approx(right.groupby("subject").mean().mean())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda t: t.assign(subject="x" + t["subject"]),
            "subject x01, trial 01: is no trial of the run under trial, valence",
        ),
        (
            lambda t: t.assign(label=1 - t["label"]),
            "subject 01, trial 01: label is 1, in the run it is 0",
        ),
        (lambda t: pd.concat([t, t]), "subject 01, trial 01: is there twice"),
        (
            lambda t: t.assign(protocol="loso"),
            "protocol 'loso' is none of the run, which has trial",
        ),
        (
            lambda t: t.assign(target="joy"),
            "target 'joy' is none of the run, which has valence",
        ),
        (
            lambda t: t.rename(columns={"label": "truth", "score": "prediction"}),
            "has columns truth, prediction, where the run has label, score",
        ),
        (
            lambda t: t.assign(score=t["score"] * 7),
            "column score must be a probability from 0 to 1",
        ),
        (lambda t: t.assign(label=2), "column label must be 0 or 1"),
        (lambda t: t.assign(seed="a"), "column seed must be a whole number"),
        (
            lambda t: t.assign(leaks="lots"),
            "column leaks must be none, or some of trial, subject, epoch, fit",
        ),
        (lambda t: t[["subject", "label", "score"]], "column trial is missing"),
    ],
)
def test_rows_that_are_not_those_of_the_run_are_refused_in_a_sentence(
    change, sentence, one, tmp_path
):
    file = write(change(list_network(one)), tmp_path / "mine.csv")

    with pytest.raises(UserError) as refused:
        tabulate_elsewhere(one, [file])

    assert str(file) in str(refused.value)
    assert sentence in str(refused.value)


def test_a_file_says_beside_which_protocol_it_stands(study, tmp_path):
    file = tmp_path / "mine.csv"
    columns = ["protocol", "learner"]
    rows = pd.read_csv(study.runs[0].path / "predictions.csv", dtype=str)
    rows[rows["learner"] == "network"].drop(columns=columns).to_csv(file, index=False)

    with pytest.raises(UserError, match=r"column protocol is missing, and the run has"):
        tabulate_elsewhere(study, [file])


def test_a_class_that_the_run_has_not_is_refused(tmp_path):
    run = write_task(tmp_path, "classes", ("trial",))
    study = make_study([open_run(run)])
    rows = pd.read_csv(run / "predictions.csv", dtype=str)
    file = write(rows.assign(probability_sad="0.5"), tmp_path / "mine.csv")

    with pytest.raises(UserError, match=r"column probability_sad is of a class that"):
        tabulate_elsewhere(study, [file])


@pytest.mark.slow
def test_a_report_marks_them_and_leaves_its_own_scores_alone(one, tmp_path, capsys):
    run, file = one.runs[0].path, write(list_network(one), tmp_path / "mine.csv")
    out, plain = tmp_path / "report", tmp_path / "plain"

    asked = ["report", str(run), "--predictions", str(file), "--out"]
    assert main([*asked, str(out)]) == 0
    deepvanet.report(run, plain)

    page = (out / "index.html").read_text()
    assert "Predictions made elsewhere" in page
    assert "mine from mine.csv" in page
    assert (out / "scores.csv").read_bytes() == (plain / "scores.csv").read_bytes()
    assert not (plain / "elsewhere.csv").exists()
    again = tmp_path / "again"
    deepvanet.report(run, again, predictions=file)
    one, other = (f / "elsewhere.csv" for f in (out, again))
    assert one.read_bytes() == other.read_bytes()

    wrong = write(list_network_of(file), tmp_path / "wrong.csv")
    capsys.readouterr()
    assert main([*asked[:3], str(wrong), "--out", str(tmp_path / "no")]) == 2
    assert "--predictions: " in capsys.readouterr().err
    assert not (tmp_path / "no").exists()


def list_network_of(file):
    table = pd.read_csv(file, dtype=str)
    return table.assign(subject="nobody")
