"""Tests of the verdicts that stand first in a report."""

import math
import re

import pytest

from deepvanet.comparison import compare
from deepvanet.metrics import HIGH_LOW, Form
from deepvanet.reporting.studies import gather_runs, make_study
from deepvanet.reporting.tables import ScoreRow, Value
from deepvanet.reporting.verdicts import (
    Answer,
    Margin,
    Verdict,
    describe_leaking,
    describe_tests,
    describe_verdict,
    list_answers,
    summarise,
    tabulate_verdicts,
)
from deepvanet.reporting.wording import Wording
from deepvanet.schema import ScoreKey
from fake_run import write_run

NAN = float("nan")
WORDS = Wording(Form(HIGH_LOW))
PROTOCOLS = ("paper", "trial", "subject", "subject-stimulus")


def make_row(
    mean,
    *,
    learner="network",
    streams="bio",
    n_subjects=8,
    p=NAN,
    low=NAN,
    leaks="none",
):
    value = Value(n_subjects, mean, 0.1, low, 1.0, p, "permutation", p, 4.0)
    part = ScoreKey("trial", "valence", streams, learner)
    return ScoreRow(
        part, {"balanced_accuracy": value}, "balanced_accuracy", 60, leaks, "subject"
    )


def make_margin(mean=0.6, prior=0.5, *, corrected=0.01, n_tests=6, **options):
    low, high = (NAN, NAN) if math.isnan(corrected) else (mean - prior - 0.05, 0.2)
    return Margin(
        make_row(mean, **options),
        "subject-prior",
        prior,
        mean - prior,
        low,
        high,
        corrected / 2,
        corrected,
        n_tests,
        0.5,
    )


@pytest.mark.parametrize(
    ("margin", "call"),
    [
        (make_margin(0.6, 0.5, corrected=0.01), "better"),
        (make_margin(0.6, 0.5, corrected=0.051), "not shown"),
        (make_margin(0.45, 0.55, corrected=0.01), "worse"),
        (make_margin(0.6, 0.5, corrected=NAN), "unknown"),
        # balanced folds push the prior below chance: exceeding it is not enough
        (make_margin(0.5, 0.35, corrected=0.01, p=0.6, low=0.55), "not shown"),
        (make_margin(0.6, 0.35, corrected=0.01, p=0.01, low=0.4), "better"),
        (make_margin(0.6, 0.35, corrected=0.01, low=0.45), "not shown"),
        (make_margin(0.6, 0.35, corrected=0.01, low=0.55), "better"),
        (make_margin(0.6, 0.35, corrected=0.01), "not shown"),
    ],
)
def test_a_verdict_is_made_from_numbers(margin, call):
    assert margin.call == call


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(
        tmp_path_factory.mktemp("runs") / "run",
        protocol_names=PROTOCOLS,
        targets=("valence",),
        streams=("bio", "face+bio"),
        learners=("network", "bandpower-logistic"),
        n_trials=10,
        n_segments=2,
    )


@pytest.fixture(scope="module")
def study(run):
    (held,) = gather_runs([run])
    return make_study(held)


def test_a_verdict_has_the_numbers_of_a_paired_comparison(run, study):
    (answer,) = list_answers(study)

    assert [v.protocol for v in answer.verdicts] == [
        "subject-stimulus",
        *("subject", "trial"),
    ]
    priors = {"trial": "subject", "subject": "stimulus"}
    for verdict in answer.verdicts[1:]:
        part, prior = verdict.best.row.part, f"{priors[verdict.protocol]}-prior"
        assert verdict.best.prior == prior
        sides = [f"{part.protocol},{part.streams},{name}" for name in part[3:]]
        other = f"{part.protocol},{part.streams},{prior}"
        (row,) = compare(run, sides[0], other).table.to_dict("records")
        assert verdict.best.difference == pytest.approx(row["difference"])
        assert verdict.best.ci_low == pytest.approx(row["ci_low"])
        assert verdict.best.p_value == pytest.approx(row["p_value"])
        assert verdict.best.mean_prior == pytest.approx(row["mean_b"])
        assert verdict.n_tried == 4
        assert verdict.best.n_tests == 12


def test_the_best_and_what_was_asked_for_are_named(study):
    (answer,) = list_answers(study)
    table = tabulate_verdicts(study, [answer]).set_index(["protocol", "which"])
    assert "all 12 comparisons" in describe_tests([answer])

    for verdict in answer.verdicts:
        asked, best = verdict.asked.row, verdict.best.row
        assert asked.part[2:] == ("face+bio", "network")
        said = " ".join(describe_verdict(verdict, WORDS))
        for row in (asked, best):
            score = f"{100 * row.value.mean:.1f} %"
            assert f"{row.part.learner} on {row.part.streams}, {score}" in said
        assert "8 subjects" in said
        held = table.loc[verdict.protocol, "best"]
        assert held["mean"] == best.value.mean
        assert held["call"] == verdict.call


def test_what_leaks_is_named_and_has_no_verdict(study):
    (answer,) = list_answers(study)

    (paper,) = answer.leaking
    said = describe_leaking(paper, WORDS)
    assert said.startswith("`paper` leaks (trial): ")
    assert "paper" not in summarise(answer)
    assert paper.part.learner in ("network", "bandpower-logistic")


def test_too_few_subjects_tell_nothing(tmp_path):
    run = write_run(
        tmp_path / "run",
        protocol_names=("trial",),
        targets=("valence",),
        streams=("bio",),
        subjects=("01", "02", "03"),
        n_trials=8,
    )
    (held,) = gather_runs([run])
    (answer,) = list_answers(make_study(held))

    line = summarise(answer)
    assert line.startswith("valence: none of this is known with 3 subjects; ")
    assert "at least 6 subjects" in line
    said = " ".join(describe_verdict(answer.verdicts[0], WORDS))
    assert not re.search(r"\bnan\b|better", said)


def test_a_line_says_under_which_protocols():
    def judge(protocol, **options):
        margin = make_margin(**options)
        return Verdict("valence", protocol, margin, margin, 1)

    answer = Answer(
        "valence",
        [
            judge("subject-stimulus", corrected=0.4),
            judge("trial"),
            judge("subject"),
        ],
        [],
    )

    assert summarise(answer) == (
        "valence: better than the prior under `trial` and `subject`; not shown to be "
        "better than the prior under `subject-stimulus`"
    )


def test_where_a_prior_is_below_chance_the_score_is_held_against_chance_too():
    margin = make_margin(0.5, 0.35, corrected=0.01, p=0.6)
    verdict = Verdict("valence", "trial", margin, margin, 1)

    (said,) = describe_verdict(verdict, WORDS)

    assert "push that prior below chance, 50.0 %; the score is not shown to be" in said
    assert "(p 0.600, permutation)" in said
