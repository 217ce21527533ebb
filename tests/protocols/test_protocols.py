"""Tests of :mod:`deepvanet.protocols`."""

import dataclasses
import functools

import numpy as np
import pandas as pd
import pytest

from deepvanet.protocols import LEAKS, SHARES
from deepvanet.protocols import PROTOCOLS as ALL_PROTOCOLS
from deepvanet.protocols import UNITS as UNIT_ROWS
from deepvanet.protocols.folds import (
    Fold,
    agree_on_folds,
    can_choose_epoch,
    cut_folds,
    cut_inner_folds,
)
from deepvanet.protocols.sharing import (
    ProtocolViolation,
    Sharing,
    check_sharing,
    describe_sharing,
    find_leaks,
    find_shares,
    join,
    name_count,
    verify,
)
from deepvanet.protocols.units import split_units
from deepvanet.schema import UserError

SEED, SESSIONS = 3, 4
UNITS = {
    "segment": ["subject", "trial", "segment"],
    "trial": ["subject", "trial"],
    "subject": ["subject"],
    "stimulus": ["stimulus"],
    "session": ["subject", "session"],
}
# those that divide trials in time are tested in test_forward
PROTOCOLS = {name: p for name, p in ALL_PROTOCOLS.items() if not p.is_forward}
HONEST = [p.name for p in PROTOCOLS.values() if p.chooses_on == "validation"]
CONTROLS = [p.name for p in PROTOCOLS.values() if p.kind == "control"]
OF_ONE_SUBJECT = [p.name for p in PROTOCOLS.values() if p.scope == "subject"]


def make_table(n_subjects, n_trials, *, lengths=(3, 9), lacking=0, seed=SEED):
    """Segments of subjects who saw the same stimuli, each in an order of its own.

    Some trials are lacking, as in DEAP; the labels lean towards high, as there.
    """
    rng = np.random.default_rng(seed)
    rows, label = [], []
    for subject in range(n_subjects):
        stimuli = rng.permutation(n_trials)
        lost = rng.choice(n_trials, size=rng.integers(0, lacking + 1), replace=False)
        for trial in np.setdiff1d(np.arange(n_trials), lost):
            n_segments = rng.integers(*lengths, endpoint=True)
            label += [int(rng.random() < 0.6)] * n_segments
            rows += [
                (f"{subject + 1:02d}", f"{trial + 1:02d}", f"clip{stimuli[trial]}", k)
                for k in range(n_segments)
            ]
    table = pd.DataFrame(rows, columns=["subject", "trial", "stimulus", "segment"])
    table["start_s"] = table["segment"].astype(float)
    table["duration_s"] = 1.0
    table["recording"] = table["trial"]
    table["session"] = (table["trial"].astype(int) % SESSIONS).astype(str)
    return table, np.array(label)


SHAPES = {
    "square": make_table(4, 8),
    "like DEAP": make_table(11, 40, lengths=(6, 6), lacking=3),
    "unequal lengths": make_table(6, 13, lengths=(2, 30), lacking=2),
    "many short": make_table(23, 9, lengths=(2, 3), lacking=1),
}
every_shape = pytest.mark.parametrize("shape", SHAPES)
every_protocol = pytest.mark.parametrize("name", PROTOCOLS)


@functools.cache
def cut_shape(shape, name):
    """The folds of a protocol, which several tests look at."""
    return tuple(cut_folds(*SHAPES[shape], PROTOCOLS[name], n_folds=4))


@functools.cache
def cut_like_deap(name):
    """The folds of a data set like DEAP, as many as the protocol has by default."""
    return tuple(cut_folds(*SHAPES["like DEAP"], PROTOCOLS[name]))


NAMED = {}
"""Tables, by what they are and a unit, with the unit's identifiers in each row."""


def name_units(table, unit):
    """The unit's identifiers, row by row; they are read once of each table."""
    key = id(table), unit
    if key not in NAMED:
        names = list(table[UNITS[unit]].itertuples(index=False, name=None))
        NAMED[key] = table, names  # while it is held, no other table is at its place
    return NAMED[key][1]


def list_units(table, rows, unit):
    """The unit's identifiers that occur in some rows."""
    names = name_units(table, unit)
    return {names[row] for row in rows}


def list_segments(table, fold):
    """A fold as identifiers instead of row numbers."""
    parts = fold.train, fold.validation, fold.test, fold.discarded, fold.first
    segments = [frozenset(list_units(table, rows, "segment")) for rows in parts]
    return fold.scope, fold.number, segments


@every_protocol
@every_shape
def test_every_row_is_tested_exactly_once(shape, name):
    table = SHAPES[shape][0]

    folds = cut_shape(shape, name)

    tested = np.concatenate([fold.test for fold in folds])
    assert sorted(tested) == list(range(len(table)))


@every_protocol
@every_shape
def test_the_parts_of_a_fold_are_all_rows_of_its_scope_once(shape, name):
    table = SHAPES[shape][0]

    for fold in cut_shape(shape, name):
        of_scope = np.ones(len(table), dtype=bool)
        if fold.scope != "all":
            of_scope = (table["subject"] == fold.scope).to_numpy()
        parts = [fold.train, fold.test, fold.discarded]
        assert sorted(np.concatenate(parts)) == list(np.flatnonzero(of_scope))
        assert len(fold.train)
        assert len(fold.test)
        assert set(fold.first) | set(fold.validation) <= set(fold.train)
        assert not set(fold.first) & set(fold.validation)


@every_protocol
@every_shape
def test_no_unit_is_on_two_sides(shape, name):
    table = SHAPES[shape][0]
    protocol = PROTOCOLS[name]

    for fold in cut_shape(shape, name):
        for unit in protocol.units:
            train, test = (list_units(table, r, unit) for r in (fold.train, fold.test))
            assert not train & test
        for unit in split_units(protocol.inner_unit):
            first, validation = (
                list_units(table, rows, unit) for rows in (fold.first, fold.validation)
            )
            assert not first & validation


@pytest.mark.slow
@every_protocol
@every_shape
def test_what_is_shared_is_what_the_name_says(shape, name):
    table = SHAPES[shape][0]
    protocol = PROTOCOLS[name]

    leaks, shares = set(), set()
    for fold in cut_shape(shape, name):
        sharing = check_sharing(table, fold)
        found = find_leaks(sharing, epoch_chosen_on=protocol.chooses_on)
        verify(protocol, sharing, found, find_shares(sharing))
        leaks |= set(found)
        shares |= set(find_shares(sharing))

    assert leaks == set(protocol.leaks)
    assert shares == set(protocol.shares)


@every_protocol
def test_only_protocols_that_validate_have_validation_rows(name):
    protocol = PROTOCOLS[name]

    for fold in cut_like_deap(name):
        validates = protocol.chooses_on == "validation"
        assert bool(len(fold.validation)) == validates
        assert bool(len(fold.first)) == validates
        if protocol.kind != "control":
            assert bool(len(fold.discarded)) == (name == "subject-stimulus")


@pytest.mark.parametrize("name", HONEST)
@every_shape
def test_validation_is_enough_to_choose_on_and_about_a_fifth(shape, name):
    table, label = SHAPES[shape]

    able = []
    for fold in cut_folds(table, label, PROTOCOLS[name], seed=SEED):
        held = list_units(table, fold.validation, "trial")
        high = list_units(table, fold.validation[label[fold.validation] == 1], "trial")
        first = list_units(table, fold.first, "trial")
        able.append(can_choose_epoch(table, label, fold))
        assert able[-1] == bool(len(fold.validation))
        if able[-1]:
            assert len(held) >= 8
            assert 3 <= len(high) <= len(held) - 3
            assert set(label[fold.first]) == {0, 1}
        if able[-1] and name in ("trial", "trial-pooled"):
            wanted = max(8, round((len(held) + len(first)) / 5))
            assert len(held) == wanted

    # thirteen trials of a subject are too few to set eight of them apart
    assert not (any(able) and name == "trial" and shape != "like DEAP")
    assert all(able) or shape != "like DEAP"


def test_every_trial_that_the_test_does_not_hold_trains_in_the_end():
    table, label = SHAPES["like DEAP"]

    for name in ("trial", "trial-pooled", "subject"):
        for fold in cut_folds(table, label, PROTOCOLS[name]):
            assert not len(fold.discarded)
            assert len(fold.train) == len(fold.first) + len(fold.validation)


def test_trials_of_the_other_sessions_choose_the_epoch_of_a_session():
    table, label = SHAPES["like DEAP"]

    for fold in cut_folds(table, label, PROTOCOLS["session"]):
        session, *others = (
            list_units(table, rows, "session")
            for rows in (fold.test, fold.first, fold.validation)
        )
        assert len(session) == 1
        assert session.isdisjoint(others[0] | others[1])
        assert others[0] & others[1]


def test_sessions_are_counted_only_where_a_table_states_them():
    table, _ = make_table(1, 8, lengths=(2, 2))

    known = check_sharing(table, make_fold([0, 1], [8, 9]))
    unknown = check_sharing(table.drop(columns="session"), make_fold([0, 1], [8, 9]))

    assert known.shared_sessions == 1
    assert find_shares(known) == ("subject", "session")
    assert unknown.shared_sessions is None
    assert find_shares(unknown) == ("subject",)


def test_what_was_set_aside_for_validation_trains_in_the_end():
    table, label = SHAPES["like DEAP"]

    for fold in cut_folds(table, label, PROTOCOLS["subject-stimulus"]):
        apart = ~table["subject"].isin(table["subject"].iloc[fold.test])
        apart &= ~table["stimulus"].isin(table["stimulus"].iloc[fold.test])
        assert list(fold.train) == list(np.flatnonzero(apart))
        assert len(fold.first) + len(fold.validation) < len(fold.train)


@every_protocol
def test_there_are_ten_folds_or_five_by_four(name):
    protocol = PROTOCOLS[name]

    folds = cut_like_deap(name)

    of_first = [fold.number for fold in folds if fold.scope == folds[0].scope]
    expected = {"subject+stimulus": 5 * 4, "session": SESSIONS}.get(protocol.unit, 10)
    assert of_first == list(range(expected))


@every_protocol
def test_fewer_units_than_ten_are_as_many_folds(name):
    table, label = make_table(4, 7, lengths=(1, 1))
    protocol = PROTOCOLS[name]

    folds = cut_folds(table, label, protocol)

    n_of_first = sum(fold.scope == folds[0].scope for fold in folds)
    expected = {
        "trial-pooled": 10,
        "trial-pooled-matched": 10,
        "paper-pooled": 10,
        "paper-pooled-matched": 10,
        "subject": 4,
        "subject-matched": 4,
        "subject-stimulus": 4 * 4,
        "subject-stimulus-matched": 4 * 4,
        "session": SESSIONS,
        "session-matched": SESSIONS,
    }
    assert n_of_first == expected.get(name, 7)


def test_protocols_that_are_compared_have_equally_many_folds():
    table, label = make_table(6, 13, lengths=(4, 9))
    few = table["subject"].ne("02") | table["trial"].le("05")
    table, label = table[few].reset_index(drop=True), label[few]

    agreed = agree_on_folds(
        table, [PROTOCOLS[n] for n in ("paper", "trial", "subject")]
    )

    assert agreed == {
        **dict.fromkeys(["01", "02", "03", "04", "05", "06"], 10),
        "02": 5,
        "all": 6,
    }
    for name in ("paper", "trial"):
        folds = cut_folds(table, label, PROTOCOLS[name], n_folds=agreed)
        assert sum(fold.scope == "02" for fold in folds) == 5
        assert sum(fold.scope == "03" for fold in folds) == 10


def test_a_matched_trial_protocol_trains_on_as_many_rows_as_the_published_one():
    table, label = SHAPES["like DEAP"]

    matched, published = (
        cut_folds(table, label, PROTOCOLS[name], seed=SEED)
        for name in ("trial-matched", "paper")
    )

    for one, other in zip(matched, published, strict=True):
        longest = 6
        assert (one.scope, one.number) == (other.scope, other.number)
        assert len(other.train) - longest <= len(one.train) <= len(other.train)
        assert one.sized_as == len(other.train)
    honest = cut_folds(table, label, PROTOCOLS["trial"], seed=SEED)
    for one, other in zip(matched, honest, strict=True):
        assert list(one.test) == list(other.test)
        assert set(one.train) <= set(other.train)


def test_the_published_split_can_be_matched_to_the_honest_one():
    table, label = SHAPES["square"]

    matched, honest, published = (
        cut_folds(table, label, PROTOCOLS[name], n_folds=4, seed=SEED)
        for name in ("paper-matched", "trial", "paper")
    )

    for one, other, whole in zip(matched, honest, published, strict=True):
        assert len(one.train) == min(len(other.train), len(whole.train))
        assert list(one.test) == list(whole.test)


def test_pooled_controls_all_train_on_as_many_rows_as_the_smallest_protocol():
    table, label = SHAPES["like DEAP"]
    pooled = [name for name in CONTROLS if PROTOCOLS[name].scope == "all"]

    folds = {n: cut_folds(table, label, PROTOCOLS[n], seed=SEED) for n in pooled}

    crossed = cut_folds(table, label, PROTOCOLS["subject-stimulus"], seed=SEED)
    smallest = min(len(fold.train) for fold in crossed)
    sizes = {len(fold.train) for several in folds.values() for fold in several}
    assert sizes == {smallest}
    assert {f.sized_as for several in folds.values() for f in several} == {smallest}


def test_pooled_controls_are_matched_to_what_the_data_can_have():
    """One stimulus for all: nothing can be crossed, and the others are matched."""
    table, label = make_table(5, 1, lengths=(6, 6))
    label[:12] = 1 - label[0]
    table["stimulus"] = "clip"

    folds = cut_folds(table, label, PROTOCOLS["subject-matched"])

    assert {len(fold.train) for fold in folds} == {24}


@every_protocol
def test_scopes_are_subjects_or_all(name):
    table, label = SHAPES["square"]
    protocol = PROTOCOLS[name]

    scopes = [fold.scope for fold in cut_folds(table, label, protocol, n_folds=4)]

    wanted = sorted(set(table["subject"])) if protocol.scope == "subject" else ["all"]
    assert list(dict.fromkeys(scopes)) == wanted


@pytest.mark.parametrize("name", ["paper", "paper-pooled", "reference"])
@every_shape
def test_segments_of_either_label_differ_by_at_most_one_between_folds(shape, name):
    label = SHAPES[shape][1]

    folds = cut_shape(shape, name)

    for scope in {fold.scope for fold in folds}:
        tested = [fold.test for fold in folds if fold.scope == scope]
        assert np.ptp([np.sum(label[rows] == 1) for rows in tested]) <= 1
        assert np.ptp([np.sum(label[rows] == 0) for rows in tested]) <= 1
        assert np.ptp([len(rows) for rows in tested]) <= 1


@pytest.mark.parametrize("name", ["trial", "trial-pooled"])
@every_shape
def test_trials_of_either_label_differ_by_at_most_one_between_folds(shape, name):
    table, label = SHAPES[shape]

    folds = cut_shape(shape, name)

    for scope in {fold.scope for fold in folds}:
        tested = [fold.test for fold in folds if fold.scope == scope]
        for held in (0, 1):
            counts = [
                len(list_units(table, rows[label[rows] == held], "trial"))
                for rows in tested
            ]
            assert np.ptp(counts) <= 1
        assert np.ptp([len(list_units(table, rows, "trial")) for rows in tested]) <= 1


def test_pooled_trials_of_each_subject_are_spread_over_the_folds():
    table, label = SHAPES["like DEAP"]

    folds = cut_folds(table, label, PROTOCOLS["trial-pooled"])

    for subject in table["subject"].unique():
        mine = [
            fold.test[table["subject"].iloc[fold.test] == subject] for fold in folds
        ]
        counts = [len(list_units(table, rows, "trial")) for rows in mine]
        assert np.ptp(counts) <= 2


@every_shape
def test_folds_test_equally_many_subjects(shape):
    table, label = SHAPES[shape]

    folds = cut_folds(table, label, PROTOCOLS["subject"], n_folds=4)

    assert np.ptp([len(list_units(table, fold.test, "subject")) for fold in folds]) <= 1


def test_subjects_who_rate_high_are_never_put_together():
    """Four subjects rate all high, four all low: each fold tests one of each."""
    table, _ = make_table(8, 6, lengths=(4, 4))
    label = (table["subject"] > "04").to_numpy(dtype=int)

    for seed in range(20):
        folds = cut_folds(table, label, PROTOCOLS["subject"], n_folds=4, seed=seed)
        assert [np.mean(label[fold.test]) for fold in folds] == [0.5] * 4


def test_subjects_are_dealt_more_evenly_by_label_than_by_chance():
    table, label = make_table(24, 10, lengths=(1, 30))
    number = table["subject"].astype(int).to_numpy() - 1
    rng = np.random.default_rng(0)

    dealt, drawn = [], []
    for seed in range(30):
        folds = cut_folds(table, label, PROTOCOLS["subject"], n_folds=4, seed=seed)
        dealt.append(np.ptp([label[fold.test].sum() for fold in folds]))
        part = (rng.permutation(24) % 4)[number]
        drawn.append(np.ptp([label[part == k].sum() for k in range(4)]))

    assert np.mean(dealt) < 0.5 * np.mean(drawn)


@pytest.mark.slow
@every_protocol
def test_a_seed_gives_the_same_folds_and_another_seed_others(name):
    table, label = SHAPES["many short"]

    def cut(seed):
        folds = cut_folds(table, label, PROTOCOLS[name], n_folds=4, seed=seed)
        return [list_segments(table, fold) for fold in folds]

    assert cut(0) == cut(0)
    assert cut(0) != cut(1)


@every_protocol
def test_folds_do_not_depend_on_the_order_of_the_rows(name):
    table, label = SHAPES["unequal lengths"]
    order = np.random.default_rng(0).permutation(len(table))
    shuffled = table.iloc[order].reset_index(drop=True)

    folds = cut_folds(table, label, PROTOCOLS[name], n_folds=4)
    again = cut_folds(shuffled, label[order], PROTOCOLS[name], n_folds=4)

    assert [list_segments(table, fold) for fold in folds] == [
        list_segments(shuffled, fold) for fold in again
    ]


@pytest.mark.parametrize("name", OF_ONE_SUBJECT)
def test_a_subject_s_folds_do_not_depend_on_who_else_is_there(name):
    table, label = SHAPES["square"]
    mine = (table["subject"] == "03").to_numpy()

    alone = table[mine].reset_index(drop=True)
    folds = cut_folds(table, label, PROTOCOLS[name], n_folds=4)
    again = cut_folds(alone, label[mine], PROTOCOLS[name], n_folds=4)

    assert [list_segments(alone, fold) for fold in again] == [
        list_segments(table, fold) for fold in folds if fold.scope == "03"
    ]


def test_the_published_protocol_and_the_authors_code_are_the_same_fits():
    table, label = SHAPES["like DEAP"]

    paper = cut_folds(table, label, PROTOCOLS["paper"], seed=5)
    reference = cut_folds(table, label, PROTOCOLS["reference"], seed=5)

    assert [list_segments(table, fold) for fold in paper] == [
        list_segments(table, fold) for fold in reference
    ]


def test_crossed_validation_prefers_cells_that_can_choose_an_epoch():
    """With 12 x 12 trials in 4 x 4 cells of nine, a cell of one label is avoided."""
    table, _ = make_table(12, 12, lengths=(2, 2))
    high = table["subject"].isin(["01", "02", "03"]) | (table["stimulus"] == "clip1")
    label = high.to_numpy(dtype=int)

    folds = cut_folds(table, label, PROTOCOLS["subject-stimulus"], n_folds=4)

    assert all(can_choose_epoch(table, label, fold) for fold in folds)
    assert all(set(label[fold.first]) == {0, 1} for fold in folds)


def test_crossed_folds_train_on_the_other_groups_of_both_kinds():
    """In full 4 x 4 tables of groups of nine trials: one cell tests, 3 x 3 train."""
    table, _ = make_table(12, 12, lengths=(1, 1))
    label = np.random.default_rng(1).permutation(np.arange(len(table)) % 2)

    for fold in cut_folds(table, label, PROTOCOLS["subject-stimulus"], n_folds=4):
        sharing = check_sharing(table, fold)
        assert (sharing.n_train, sharing.n_test) == (81, 9)
        assert sharing.n_discarded == 144 - 90
        # one cell validates and 2 x 2 are fitted first, or two cells where one lacks
        # three trials of a class
        assert (sharing.n_validation, sharing.n_first) in {(9, 36), (18, 18)}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("paper", r"protocol paper, subject 01: .* 99 folds need .* 99 segments, got"),
        ("trial-matched", r"protocol trial, subject 01: .* 99 trials, got 8"),
        ("trial", r"protocol trial, subject 01: .* need at least 99 trials, got 8"),
        ("trial-pooled", r"trial-pooled, all subjects: fewer units .* trials, got 32"),
        ("subject", r"need at least 99 subjects, got 4"),
        ("subject-stimulus", r"subject-stimulus, all subjects: .* subjects, got 4"),
    ],
)
def test_fewer_units_than_folds_is_said(name, words):
    table, label = SHAPES["square"]
    with pytest.raises(UserError, match=words):
        cut_folds(table, label, PROTOCOLS[name], n_folds=99)


def test_fewer_stimuli_than_folds_is_said():
    table, label = make_table(6, 4)
    with pytest.raises(UserError, match="need at least 5 stimuli, got 4"):
        cut_folds(table, label, PROTOCOLS["subject-stimulus"], n_folds=5)


@every_protocol
def test_a_fold_needs_every_part(name):
    table, label = SHAPES["square"]
    base = name.removesuffix("-matched")

    with pytest.raises(UserError, match=f"protocol {base}, .* 2 folds .* got 1"):
        cut_folds(table, label, PROTOCOLS[name], n_folds=1)

    assert cut_folds(table, label, PROTOCOLS[name], n_folds=2)


def test_one_subject_cannot_be_left_out():
    table, label = make_table(1, 8)
    with pytest.raises(UserError, match="subject, all subjects: at least 2 folds"):
        cut_folds(table, label, PROTOCOLS["subject"])


def test_subjects_with_too_little_in_common_cannot_be_crossed():
    """Two of three subjects saw one stimulus only: without it they are empty."""
    table, label = make_table(3, 3, lengths=(2, 2))
    kept = ((table["subject"] == "01") | (table["stimulus"] == "clip0")).to_numpy()

    with pytest.raises(UserError, match=r"no trial is left to train on .* in common"):
        cut_folds(table[kept], label[kept], PROTOCOLS["subject-stimulus"], n_folds=3)


def test_an_empty_table_is_said():
    table, label = SHAPES["square"]
    with pytest.raises(UserError, match="protocol trial: no segment to cut"):
        cut_folds(table[:0], label[:0], PROTOCOLS["trial"])


def test_an_epoch_is_chosen_on_eight_trials_with_three_of_each_label():
    table, _ = make_table(1, 12, lengths=(2, 2))
    label = np.repeat([0, 0, 0, 0, 0, 1, 1, 1, 0, 1, 0, 0], 2)

    def can_choose(validation, first=(16, 18)):
        return can_choose_epoch(table, label, make_fold([], [], validation, first))

    assert can_choose(np.arange(16))
    assert not can_choose(np.arange(2, 16))  # seven trials
    assert not can_choose([*np.arange(14), 16])  # two of them high
    assert not can_choose([])
    assert not can_choose(np.arange(16), first=[20, 22])  # low ones alone


def make_fold(train, test, validation=(), first=()):
    """A fold of given rows."""
    parts = (np.array(rows, dtype=int) for rows in (train, validation, test, (), first))
    return Fold("all", 0, *parts)


def test_sharing_is_counted_by_hand():
    """Rows 0-2: trial 1 of subject a; 3: its trial 2; 4: trial 1 of subject b."""
    table = pd.DataFrame(
        {
            "subject": list("aaaab"),
            "trial": list("11121"),
            "stimulus": ["x", "x", "x", "y", "y"],
            "recording": ["all of a"] * 4 + ["all of b"],
            "segment": [0, 1, 2, 0, 0],
            "start_s": [0.0, 1.0, 2.0, 0.0, 0.0],
            "duration_s": 1.0,
        }
    )

    by_segment = check_sharing(table, make_fold([0, 2], [1], validation=[3]))
    by_trial = check_sharing(table, make_fold([0, 1, 2], [3]))
    by_subject = check_sharing(table, make_fold([0, 1, 2, 3], [4]))

    assert by_segment == Sharing(0, 1, 1, 1, 1, 0.0, 2, 0, 1, 1, 0)
    assert by_trial == Sharing(0, 0, 1, 0, 1, 0.0, 3, 0, 0, 1, 0)
    assert by_subject == Sharing(0, 0, 0, 1, 0, 0.0, 4, 0, 0, 1, 0)


def test_validation_rows_count_as_seen():
    table, _ = make_table(1, 3, lengths=(2, 2))

    sharing = check_sharing(table, make_fold([4], [0], validation=[1]))

    assert sharing.shared_trials == 1


@pytest.mark.parametrize("seed", range(5))
def test_overlap_is_what_a_fine_ruler_measures(seed):
    """Oracle: mark tenths of a second of each trial, count those in both parts."""
    rng = np.random.default_rng(seed)
    n = 60
    table = pd.DataFrame(
        {
            "subject": rng.choice(["a", "b"], n),
            "trial": rng.choice(["1", "2", "3"], n),
            "stimulus": "x",
            "recording": "all",
            "segment": np.arange(n),
            "start_s": rng.integers(0, 200, n) / 10,
            "duration_s": rng.integers(1, 12, n) / 10,
        }
    )
    fold = make_fold(np.arange(30), np.arange(40, 60), validation=np.arange(30, 40))

    def mark(rows):
        return {
            (row.subject, row.trial, tenth)
            for row in table.iloc[rows].itertuples()
            for tenth in range(
                round(row.start_s * 10), round((row.start_s + row.duration_s) * 10)
            )
        }

    in_both = mark(np.arange(40)) & mark(fold.test)
    assert in_both
    overlap = check_sharing(table, fold).overlapping_samples_s
    assert overlap == pytest.approx(len(in_both) / 10)


CLEAN = Sharing(0, 0, 0, 0, 0, 0.0, 10, 5, 5, 5, 0)


def test_leaks_are_named_in_their_order():
    sharing = dataclasses.replace(CLEAN, shared_trials=1, shared_subjects=1)

    assert find_leaks(CLEAN, epoch_chosen_on="validation") == ()
    assert find_leaks(
        sharing,
        epoch_chosen_on="test",
        labels_are_personal=True,
        fitted_on_test_labels=True,
        unlabelled_test_signals=True,
    ) == tuple(LEAKS)


def test_a_shared_person_leaks_only_where_labels_belong_to_people():
    sharing = dataclasses.replace(CLEAN, shared_subjects=1)
    look = functools.partial(find_leaks, epoch_chosen_on="last")

    assert look(sharing) == ()
    assert look(CLEAN, labels_are_personal=True) == ()
    assert look(sharing, labels_are_personal=True) == ("subject",)
    assert describe_sharing(("subject",), ("subject",)) == (
        "Training and test share subjects; no trial is on both sides; each subject has "
        "one label over all its trials, so a recognised person is known to be high "
        "or low."
    )


def test_shares_are_named_in_their_order():
    sharing = dataclasses.replace(
        CLEAN, shared_stimuli=2, shared_subjects=1, shared_sessions=1
    )

    assert find_shares(CLEAN) == ()
    assert find_shares(sharing) == tuple(SHARES)


@every_protocol
def test_a_test_row_that_was_trained_on_stops_any_run(name):
    sharing = dataclasses.replace(CLEAN, shared_segments=1)
    with pytest.raises(ProtocolViolation, match=f"protocol {name} .* segment"):
        verify(PROTOCOLS[name], sharing, (), ())


@pytest.mark.parametrize(
    ("name", "leaks", "shares"),
    [
        ("trial", ("trial",), ("subject",)),
        ("trial", ("epoch",), ("subject",)),
        ("paper", ("trial", "epoch"), ("subject", "stimulus")),
        ("trial-pooled", ("fit",), ()),
        ("subject", (), ("subject",)),
        ("subject-stimulus", (), ("stimulus",)),
        ("subject-stimulus", (), ("subject",)),
    ],
)
def test_a_run_that_is_not_what_its_name_says_is_stopped(name, leaks, shares):
    with pytest.raises(ProtocolViolation, match=rf"protocol {name} admits the leaks"):
        verify(PROTOCOLS[name], CLEAN, leaks, shares)


def test_a_leak_that_a_learner_declares_does_not_stop_the_run():
    verify(PROTOCOLS["trial"], CLEAN, ("fit",), ("subject",), declared=("fit",))


def test_a_stimulus_seen_twice_by_a_subject_does_not_stop_the_run():
    verify(PROTOCOLS["trial"], CLEAN, (), ("subject", "stimulus"))


@every_protocol
def test_each_protocol_describes_itself_in_a_sentence(name):
    protocol = PROTOCOLS[name]

    assert protocol.name == name
    assert protocol.summary.endswith(".")
    assert protocol.summary.count(".") == 1
    assert set(protocol.leaks) <= set(LEAKS)
    assert set(protocol.shares) <= set(SHARES)
    assert set(protocol.units) <= set(UNIT_ROWS)


def test_sharing_counts_every_unit_of_the_table():
    counted = {field.name for field in dataclasses.fields(Sharing)}

    assert {name_count(unit) for unit in UNIT_ROWS} <= counted


@pytest.mark.parametrize("unit", UNIT_ROWS)
def test_a_protocol_of_any_unit_is_a_row_that_is_cut_and_checked(unit):
    """A row that no list knows: whatever its unit, it is never split."""
    table, label = SHAPES["square"]
    row = dataclasses.replace(PROTOCOLS["subject"], name="new", unit=unit)

    for fold in cut_folds(table, label, row, n_folds=4):
        sharing = check_sharing(table, fold)
        assert getattr(sharing, name_count(unit)) == 0
        split = dataclasses.replace(sharing, **{name_count(unit): 1})
        with pytest.raises(ProtocolViolation, match=rf"splits .*{unit}"):
            verify(row, split, (), ())


def test_every_protocol_but_one_that_chooses_on_the_test_has_a_control():
    bases = [p for p in PROTOCOLS.values() if p.kind != "control"]

    assert [PROTOCOLS[name].base for name in CONTROLS] == [
        p.name for p in bases if p.chooses_on != "test"
    ]


def test_nothing_shared_is_said_so():
    assert join(()) == "none"
    assert describe_sharing((), ()) == (
        "Training and test share no trial, subject or stimulus."
    )


INNER_UNITS = sorted({facts.unit for facts in PROTOCOLS.values()})


@pytest.mark.parametrize("unit", INNER_UNITS)
def test_inner_folds_keep_the_unit_whole_and_train_on_both_classes(unit):
    table, label = make_table(6, 12, lacking=2)

    folds = cut_inner_folds(table, label, unit=unit, seed=SEED)

    assert len(folds) >= 3
    held = np.concatenate([index for _, index in folds])
    assert sorted(held) == list(range(len(table)))
    for train, index in folds:
        assert set(label[train]) == {0, 1}
        assert not set(train) & set(index)
        for name in unit.split("+"):
            assert not list_units(table, train, name) & list_units(table, index, name)


def test_inner_folds_never_train_on_one_class_and_say_nothing_of_too_few_units():
    table, _ = make_table(1, 4, lengths=(2, 2))
    rare = (table["trial"] == "01").to_numpy().astype(np.int64)

    for train, held in cut_inner_folds(table, rare, unit="trial"):
        assert set(rare[train]) == {0, 1}
        assert "01" not in set(table["trial"].iloc[held])
    assert cut_inner_folds(table, rare, unit="subject") == []


def test_inner_folds_are_drawn_by_the_seed():
    table, label = make_table(2, 12)

    first, same, other = (
        [list(held) for _, held in cut_inner_folds(table, label, unit="trial", seed=s)]
        for s in (0, 0, 1)
    )

    assert first == same
    assert first != other
