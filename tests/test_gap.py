"""Tests of :mod:`deepvanet.gap`: what lies between a published and an honest score."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from deepvanet import gap as gaps
from deepvanet.comparison import compare
from deepvanet.gap import (
    EPOCH,
    LEAKAGE,
    NO_CAUSE,
    OFFSETS,
    SIZE,
    find_causes,
    list_chains,
    list_gaps,
)
from deepvanet.metrics import LEAST_CLIPS, LEAST_SUBJECTS
from deepvanet.protocols import PROTOCOLS
from fake_run import write_run

LINKS = ("paper", "trial-matched", "trial")


def describe_gap(gap):
    return " ".join(gaps.describe_gap(gap))


def make_part(
    protocol, *, n_train=36, chosen_on=None, leaks=None, shares=None, offsets="none"
):
    """Return a part of ``leakage.json`` with one fold."""
    facts = PROTOCOLS[protocol]
    fold = {
        "seed": 0,
        "scope": "01",
        "fold": 0,
        "n_train": n_train,
        "epoch_chosen_on": chosen_on or facts.chooses_on,
        "offsets": offsets,
    }
    return {
        "protocol": protocol,
        "target": "valence",
        "streams": "bio",
        "learner": "network",
        "leaks": "+".join(facts.leaks) or "none" if leaks is None else leaks,
        "shares": "+".join(facts.shares) or "none" if shares is None else shares,
        "folds": [fold],
    }


def predict(protocol, n_right, *, n_subjects=8, n_trials=12, seed=0):
    """Return predictions of which ``n_right`` trials of each class are right."""
    half = n_trials // 2
    rows = pd.MultiIndex.from_product(
        [[f"{s:02d}" for s in range(n_subjects)], range(n_trials)],
        names=["subject", "trial"],
    ).to_frame(index=False)
    label = (rows["trial"] >= half).astype(int)
    right = rows["trial"] % half < n_right
    return rows.assign(
        protocol=protocol,
        target="valence",
        streams="bio",
        learner="network",
        seed=seed,
        fold=0,
        stimulus=rows["trial"].astype(str),
        segment=0,
        label=label,
        score=np.where(right, label, 1 - label).astype(float),
    )


def split(rights=(6, 5, 3), links=LINKS, **options):
    table = pd.concat(
        [predict(p, n, **options) for p, n in zip(links, rights, strict=True)],
        ignore_index=True,
    )
    (gap,) = list_gaps(table, [make_part(link) for link in links])
    return gap


def test_leakage_is_paper_less_the_control_and_choice_the_control_less_the_honest():
    gap = split(rights=(6, 5, 3))

    assert gap.means == pytest.approx((1.0, 5 / 6, 3 / 6))
    assert [(s.one, s.other, s.cause) for s in gap.steps] == [
        ("paper", "trial-matched", LEAKAGE),
        ("trial-matched", "trial", EPOCH),
    ]
    found = [step.difference.mean for step in gap.steps]
    assert found == pytest.approx([1 / 6, 2 / 6])
    assert gap.whole.mean == pytest.approx(sum(found))


def test_random_offsets_are_a_cause_beside_the_choice_of_the_epoch():
    control, honest = (make_part(name) for name in LINKS[1:])
    moved = make_part("trial", offsets="random")
    before = make_part("trial")
    del before["folds"][0]["offsets"]

    assert find_causes(control, moved) == (EPOCH, OFFSETS)
    assert find_causes(control, honest) == find_causes(control, before) == (EPOCH,)


def test_the_sentence_on_the_choice_of_the_epoch_names_random_offsets():
    table = pd.concat([predict(link, 4) for link in LINKS], ignore_index=True)
    parts = [make_part(link) for link in LINKS[:2]]

    (gap,) = list_gaps(table, [*parts, make_part("trial", offsets="random")])

    said = "Choice of epoch and random offsets, trial-matched minus trial: +0.0 points"
    assert said in describe_gap(gap)


def test_a_step_may_go_the_other_way():
    gap = split(rights=(4, 3, 5))

    assert gap.steps[1].difference.mean == pytest.approx(-2 / 6)
    assert "Choice of epoch, trial-matched minus trial: -33.3 points" in describe_gap(
        gap
    )


def test_steps_add_up_where_protocols_tested_other_trials():
    tables = [predict(link, n) for link, n in zip(LINKS, (6, 4, 3), strict=True)]
    tables[1] = tables[1].query("trial != 3")
    tables[2] = tables[2].query("trial != 8")

    (gap,) = list_gaps(
        pd.concat(tables, ignore_index=True), [make_part(link) for link in LINKS]
    )

    assert gap.whole.mean == pytest.approx(sum(s.difference.mean for s in gap.steps))


def test_seeds_are_averaged_first_and_their_spread_stands_beside():
    tables = [
        predict(link, n, seed=seed)
        for seed, rights in enumerate([(6, 5, 3), (6, 3, 3)])
        for link, n in zip(LINKS, rights, strict=True)
    ]

    (gap,) = list_gaps(
        pd.concat(tables, ignore_index=True), [make_part(link) for link in LINKS]
    )

    leakage = gap.steps[0].difference
    assert gap.n_seeds == 2
    assert leakage.mean == pytest.approx((1 / 6 + 3 / 6) / 2)
    assert leakage.sd_over_seeds == pytest.approx(np.std([1 / 6, 3 / 6], ddof=1))
    assert "sd over seeds 23.6" in describe_gap(gap)


def test_where_each_person_has_one_label_the_sentence_counts_people():
    links = ("paper-pooled", "subject")
    tables = [predict(link, 6) for link in links]
    for table in tables:
        table["label"] = table["subject"].astype(int) % 2
        table["score"] = 0.25 + table["label"] / 2

    (gap,) = list_gaps(
        pd.concat(tables, ignore_index=True), [make_part(link) for link in links]
    )

    assert gap.is_over_people
    assert "(balanced accuracy of trials, over 8 people)" in describe_gap(gap)


def test_an_interval_needs_subjects_and_clips():
    few = split(n_subjects=LEAST_SUBJECTS - 1)
    alone = split(n_trials=LEAST_CLIPS - 2, rights=(3, 2, 1))

    for gap in (few, alone):
        assert not gap.whole.has_interval
        assert "interval " not in describe_gap(gap)
        assert "No intervals: there are too few subjects or clips" in describe_gap(gap)
    assert split().whole.has_interval


def test_what_an_interval_does_not_tell_from_zero_is_said():
    gap = split(rights=(6, 3, 3))

    said = describe_gap(gap)

    assert gap.steps[0].difference.is_apart_from_zero
    assert not gap.steps[1].difference.is_apart_from_zero
    assert said.endswith("do not separate choice of epoch from 0.")


def test_without_a_control_it_says_what_it_cannot_split():
    links = ("paper", "trial")
    table = pd.concat([predict("paper", 6), predict("trial", 4)], ignore_index=True)
    parts = [make_part("paper", n_train=36), make_part("trial", n_train=24)]

    (gap,) = list_gaps(table, parts)

    assert gap.links == links
    said = describe_gap(gap)
    assert "differ in leakage and training size and choice of epoch at once" in said
    assert "(--protocol paper,trial-matched,trial does)" in said
    assert "%" not in said.split("a gap of")[1].split("95")[0]


def test_a_learner_without_epochs_has_no_choice_of_epoch():
    parts = [make_part(link, chosen_on="none") for link in LINKS]

    assert find_causes(*parts[:2]) == (LEAKAGE,)
    assert find_causes(*parts[1:]) == ()
    table = pd.concat([predict(link, 4) for link in LINKS], ignore_index=True)
    assert list_gaps(table, parts)[0].steps[1].cause == NO_CAUSE


def test_training_parts_of_another_size_are_a_cause():
    one = make_part("paper", n_train=40)

    assert find_causes(one, make_part("trial-matched", n_train=39)) == (LEAKAGE,)
    assert SIZE in find_causes(one, make_part("trial-matched", n_train=30))


def test_a_published_run_that_leaked_no_trial_has_no_leakage():
    one = make_part("paper", leaks="none", shares="subject")

    assert LEAKAGE not in find_causes(one, make_part("trial-matched"))


def test_pooled_protocols_go_from_trials_to_people_to_clips():
    (*_, links) = list_chains([p for p in PROTOCOLS if "pooled" in p or "subject" in p])
    sizes = {"paper-pooled": 100, "subject-stimulus": 40}
    parts = [make_part(link, n_train=sizes.get(link, 30)) for link in links]

    causes = [find_causes(*pair) for pair in pairwise(parts)]

    assert links == (
        "paper-pooled",
        "paper-pooled-matched",
        "trial-pooled-matched",
        "subject-matched",
        "subject-stimulus-matched",
        "subject-stimulus",
    )
    assert causes == [
        (SIZE,),
        (LEAKAGE,),
        ("known subjects",),
        ("known stimuli",),
        (SIZE, EPOCH),
    ]


def test_clips_that_are_held_out_alone_have_a_chain_of_their_own():
    *_, of_clips, _ = list_chains([p for p in PROTOCOLS if PROTOCOLS[p].scope == "all"])
    parts = [make_part(link, n_train=30) for link in of_clips]

    assert of_clips == (
        "paper-pooled",
        "paper-pooled-matched",
        "trial-pooled-matched",
        "stimulus-matched",
        "stimulus",
    )
    assert find_causes(*parts[2:4]) == ("known stimuli",)


def test_priors_have_no_gap_and_other_seeds_nothing_in_common():
    table = pd.concat([predict(link, 4) for link in LINKS], ignore_index=True)
    parts = [make_part(link) for link in LINKS]
    prior = [{**part, "learner": "majority"} for part in parts]

    assert list_gaps(table.assign(learner="majority"), prior) == []
    table.loc[table["protocol"] == "paper", "seed"] = 1
    assert list_gaps(table, parts) == []


def test_subjects_of_one_class_have_no_gap():
    table = pd.concat([predict(link, 4) for link in LINKS], ignore_index=True)
    parts = [make_part(link) for link in LINKS]

    assert list_gaps(table.assign(label=1), parts) == []


def test_compare_says_what_lies_between_a_published_and_an_honest_protocol(tmp_path):
    run = write_run(
        tmp_path / "run",
        protocol_names=LINKS,
        targets=("valence",),
        streams=("bio",),
        subjects=("01", "02"),
        n_trials=8,
        n_segments=2,
    )

    ends = compare(run, "paper", "trial").lines()
    others = compare(run, "paper", "trial-matched").lines()

    assert ends[-1].startswith("valence, bio, network: paper ")
    assert "Leakage, paper minus trial-matched: " in ends[-1]
    assert not any("minus" in line for line in others)
