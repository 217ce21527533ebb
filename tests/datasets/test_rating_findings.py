"""Tests of what is odd of ratings, of any data set."""

from pathlib import Path

import numpy as np
import pytest

from deepvanet.datasets.rating_findings import RatedTrial, report_ratings
from deepvanet.datasets.recordings.rated_trials import list_rated_trials
from deepvanet.datasets.recordings.rows import Row
from deepvanet.findings import collect
from deepvanet.schema import Target


def rate(n_subjects=4, n_trials=10, *, same_order=False, change=None):
    """Return sound ratings in random order, some changed by a function of both."""
    rng = np.random.default_rng(0)
    trials = []
    for subject in range(n_subjects):
        order = rng.permutation(n_trials)
        for trial in range(n_trials):
            pair = rng.permutation([2.5 + trial % 2, 7.5 + trial / 100]).tolist()
            ratings = dict(zip(Target, pair, strict=True))
            if change is not None:
                ratings |= change(subject, trial)
            stimulus = f"clip-{trial if same_order else order[trial]}"
            rated = (str(subject), str(trial), ratings, stimulus, float(trial))
            trials.append(RatedTrial(*rated))
    return trials


def look(trials, rule=">=5", **options):
    with collect() as found:
        report_ratings(trials, rule, source="trials.csv", **options)
    return [(f.code, f.place, f.sentence) for f in found]


def set_valence(value, *, of=None):
    """Return a change of the valence of one subject, or of all."""

    def change(subject, trial):
        new = value(trial) if callable(value) else value
        return {Target.VALENCE: new} if of in (None, subject) else {}

    return change


@pytest.mark.parametrize("rule", [">=5", ">5", "<4,>6", "median"])
def test_sound_ratings_have_no_finding(rule):
    assert look(rate(), rule) == []


def test_a_rating_that_never_changes_is_named_with_its_subject():
    (found,) = look(rate(change=set_valence(5.0, of=2)))

    assert found == ("R04", "subject 2", "valence is 5 in all 10 trials")
    (found,) = look(rate(change=set_valence(5.0, of=2)), scale=(0.0, 100.0))
    assert found[2] == "valence is 50 in all 10 trials"


def test_one_class_by_the_rule_is_named():
    change = set_valence(lambda trial: 6.0 + trial / 10, of=1)

    (found,) = look(rate(change=change))

    assert found == (
        "R05",
        "subject 1",
        "valence is high in all 10 trials by the rule >=5, so there is one class only",
    )
    assert look(rate(change=change), "median") == []


def test_many_subjects_are_one_finding():
    found = look(rate(8, change=set_valence(lambda trial: 6.0 + trial / 10)))

    assert [f[0] for f in found] == ["R05"]
    assert "has one class by the rule >=5 in 8 subjects: 0, 1, 2" in found[0][2]


def test_a_label_of_the_person_is_said_once():
    def change(subject, _):
        return {Target.AROUSAL: 2.0 + 6 * (subject % 2)}

    (found,) = look(rate(change=change))

    assert found[0] == "R11"
    assert found[2].startswith("arousal: each of 4 subjects has one label")


def set_by_clip(trials):
    """Return trials whose valence is that of the clip, arousal as it was."""
    return [
        t._replace(
            ratings={**t.ratings, Target.VALENCE: 2.0 + 6 * (int(t.stimulus[-1]) % 2)}
        )
        for t in trials
    ]


def test_a_label_of_the_clip_is_said_once():
    trials = set_by_clip(rate())

    (found,) = look(trials)

    assert found[0] == "R30"
    assert found[2].startswith("valence: each of 10 stimuli has one label over all")
    assert look(trials, "median") == []  # it is a subject's own
    assert look([t for t in trials if int(t.subject) < 2]) == []


def test_one_subject_who_rated_a_clip_otherwise_makes_it_no_label_of_the_clip():
    trials = set_by_clip(rate())
    valence = 10.0 - trials[0].ratings[Target.VALENCE]
    changed = trials[0]._replace(ratings={**trials[0].ratings, Target.VALENCE: valence})

    assert look([changed, *trials[1:]]) == []


def test_few_trials_are_named():
    (found,) = look([t for t in rate() if t.subject != "3" or int(t.trial) < 5])

    assert found[:2] == ("R07", "subject 3")
    assert found[2].startswith("5 trials are used, at least 8")


def test_a_scale_of_which_nobody_uses_the_upper_half_asks():
    change = set_valence(lambda trial: 1.0 + trial % 5)

    found = look(rate(change=change))

    assert found[-1][:2] == ("R09", "")
    assert found[-1][2] == "no rating of valence is above 5, on a scale from 1 to 9"
    few = [t for t in rate(change=change) if t.subject == "0"]
    assert "R09" not in [f[0] for f in look(few)]


def test_one_order_for_all_is_a_warning_where_the_order_is_known():
    trials = rate(same_order=True)

    (found,) = look(trials)

    assert found[0] == "R08"
    assert found[2].startswith("all 4 subjects saw the 10 stimuli in one order")
    assert look([t._replace(order=None) for t in trials]) == []
    assert look([t for t in trials if int(t.subject) < 2]) == []
    lacking = [t for t in trials if (t.subject, t.trial) != ("1", "4")]
    assert [f[0] for f in look(lacking)] == ["R08"]


def test_ratings_that_are_no_numbers_are_counted():
    change = set_valence(lambda trial: np.nan if trial == 3 else 2.0 + 5 * (trial % 2))

    (found,) = look(rate(1, change=change))

    assert found[0] == "R16"
    assert "is no number from 1 to 9 in 1 of 10 trials: subject 0 trial 3" in found[2]


def list_rows(*, onsets=(None,) * 3, trials="012", stimuli="abc"):
    return [
        Row(
            table=Path("trials.csv"),
            line=n + 2,
            subject="01",
            trial=trials[n],
            stimulus=stimuli[n],
            bio=Path(f"{n if onsets[n] is None else 'a'}.edf"),
            onset_s=onsets[n],
            ratings={Target.VALENCE: 3.0},
        )
        for n in range(3)
    ]


@pytest.mark.parametrize(
    ("rows", "order"),
    [
        (list_rows(onsets=(9.0, 3.0, 6.0)), [9.0, 3.0, 6.0]),
        (list_rows(), [0.0, 1.0, 2.0]),
        (list_rows(stimuli=("clip-0", "clip-1", "clip-2")), [None] * 3),
        (list_rows(trials=("t0", "t1", "t2")), [None] * 3),
    ],
    ids=["onsets", "numbers", "numbers of stimuli", "names"],
)
def test_the_order_of_own_trials_is_that_of_their_onsets_or_numbers(rows, order):
    assert [trial.order for trial in list_rated_trials(rows)] == order
