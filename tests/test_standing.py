"""Tests of what a prediction is worth: how a bundle's scores stand to its prior."""

from dataclasses import replace
from pathlib import Path

import pytest

from deepvanet.bundle import Answer, Bundle, Validation
from deepvanet.bundle.priors import PriorMargin
from deepvanet.bundle.reliability import Calibrations
from deepvanet.bundle.standing import explain_choice, judge_answers, say_worth
from deepvanet.config import PrepareSettings, Segmenting
from deepvanet.schema import Goal, Stream

SCORED = Validation(
    protocol="subject",
    n_folds=5,
    n_trials=100,
    n_subjects=20,
    share_high=0.5,
    scores={"balanced_accuracy": 0.7, "accuracy": 0.7, "auroc": 0.75},
    ci_low=0.6,
    ci_high=0.8,
    p_value=0.001,
    p_kind="t",
    segment=None,
    trial=None,
    prior=PriorMargin("stimulus-prior", 0.55, 0.15, 0.05, 0.25, 0.004),
)


def answer(validation, target="valence", streams="bio", goal=None):
    return Answer(
        target,
        streams,
        streams,
        "segment",
        {},
        Calibrations(),
        validation,
        goal or Goal("high-low"),
    )


def beside(**changes):
    return replace(SCORED, prior=replace(SCORED.prior, **changes))


def judge(validation, **options):
    (standing,) = judge_answers([answer(validation, **options)])
    return standing


def test_what_was_never_scored_has_no_label():
    standing = judge(None)

    assert standing.state == "never scored"
    assert not standing.has_label
    assert standing.sentence == (
        "valence from bio: never scored, so it is not known whether it is better than "
        "guessing; no high or low is named."
    )


def test_what_exceeds_its_prior_has_a_label():
    standing = judge(SCORED)

    assert standing.has_label
    assert standing.sentence == (
        "valence from bio: Balanced accuracy 0.70 in cross-validation (protocol "
        "subject, 20 subjects), better than stimulus-prior, which reads no signal "
        "(0.55); p 0.004."
    )


@pytest.mark.parametrize(
    ("validation", "state", "said"),
    [
        (beside(p_value=0.2), "not shown", "not shown to be better than stimulus"),
        (beside(difference=-0.1), "not shown", "worse than stimulus-prior"),
        (beside(p_value=None), "unknown", "too few subjects or clips"),
        (beside(difference=None), "unknown", "too few subjects or clips"),
        (replace(SCORED, prior=None), "unknown", "its prior is not known"),
        (
            replace(beside(score=0.3), p_value=0.4),
            "not shown",
            "not shown to be better than chance",
        ),
    ],
)
def test_what_is_not_shown_to_exceed_its_prior_has_no_label(validation, state, said):
    standing = judge(validation)

    assert standing.state == state
    assert said in standing.sentence
    assert "no high or low is named" in standing.sentence
    assert not standing.has_label


def test_p_is_corrected_over_all_answers_of_a_bundle():
    alone = beside(p_value=0.03)

    together = judge_answers([answer(alone), answer(alone, "arousal")])

    assert judge(alone).has_label
    assert [standing.has_label for standing in together] == [False, False]


def make_bundle(**scores):
    answers = tuple(
        answer(
            None
            if score is None
            else replace(SCORED, scores={**SCORED.scores, "balanced_accuracy": score}),
            target,
            streams.replace("_", "+"),
        )
        for streams, score in scores.items()
        for target in ("valence", "arousal")
    )
    return Bundle(
        path=Path("model"),
        dataset="mine",
        is_raw=False,
        recipe=PrepareSettings(),
        segmenting=Segmenting(),
        rest_s=0.0,
        training={},
        channels=(),
        levels={},
        answers=answers,
    )


@pytest.mark.parametrize(
    ("scores", "there", "picked"),
    [
        ({"face": 0.5, "eeg": 0.7, "face_eeg": 0.6}, "face eeg", "eeg"),
        ({"face": 0.5, "eeg": 0.7, "face_eeg": 0.6}, "face", "face"),
        ({"face": 0.6, "eeg": 0.6, "face_eeg": 0.6}, "face eeg", "face+eeg"),
        ({"face": None, "eeg": None, "face_eeg": None}, "face eeg", "face+eeg"),
        ({"face": 0.5, "eeg": None, "face_eeg": None}, "face eeg", "face"),
        ({"face": 0.5}, "eeg", None),
    ],
)
def test_the_best_score_answers_of_those_whose_streams_are_there(scores, there, picked):
    bundle = make_bundle(**scores)

    assert bundle.pick(frozenset(map(Stream, there.split()))) == picked


def test_why_a_stream_set_answers_is_said():
    scored = make_bundle(face=0.5, eeg=0.7)
    unscored = make_bundle(face=None, eeg=None)

    assert explain_choice(scored, "eeg") == (
        "the best cross-validated score of those that have their streams (Balanced "
        "accuracy 0.70, mean over targets)"
    )
    assert "none of them was scored" in explain_choice(unscored, "eeg")
    assert explain_choice(make_bundle(eeg=0.7), "eeg") == ""


def test_worth_is_said_of_what_answered_alone():
    said = say_worth(make_bundle(face=0.5, eeg=0.7), ["", "eeg", "eeg"])

    assert [line.partition(":")[0] for line in said] == [
        "valence from eeg",
        "arousal from eeg",
        "answered from eeg",
    ]


def test_all_that_was_never_scored_is_one_sentence():
    said = say_worth(make_bundle(face=None, eeg=None), ["face", "eeg"])

    assert said[0].startswith(
        "valence from face, arousal from face, valence from eeg, arousal from eeg: "
        "never scored"
    )
    assert len(said) == 3
