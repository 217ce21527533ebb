"""Tests of protocols that divide trials in time."""

import numpy as np
import pandas as pd
import pytest

from deepvanet.protocols import PROTOCOLS
from deepvanet.protocols.folds import agree_on_folds, cut_folds
from deepvanet.protocols.sharing import (
    ProtocolViolation,
    check_sharing,
    describe_sharing,
    find_leaks,
    find_shares,
    verify,
)
from deepvanet.schema import UserError

TIME = PROTOCOLS["time"]


def make_table(lasts_s=(60, 100), n_subjects=2, *, length_s=1.0, step_s=1.0):
    rows = [
        (f"{s}", f"{t}", f"clip {t}", "all", k, k * step_s, length_s)
        for s in range(n_subjects)
        for t, seconds in enumerate(lasts_s)
        for k in range(int((seconds - length_s) / step_s) + 1)
    ]
    names = ["subject", "trial", "stimulus", "recording", "segment"]
    return pd.DataFrame(rows, columns=[*names, "start_s", "duration_s"])


def cut(table, **options):
    label = np.zeros(len(table), dtype=np.int64)
    return cut_folds(table, label, TIME, **options)


@pytest.mark.parametrize("gap_s", [0.0, 4.0, 8.5])
@pytest.mark.parametrize(("length_s", "step_s"), [(1.0, 1.0), (4.0, 1.0), (2.0, 0.5)])
def test_all_that_trains_or_validates_ends_a_gap_before_what_tests(
    gap_s, length_s, step_s
):
    table = make_table(length_s=length_s, step_s=step_s)
    folds = cut(table, gap_s=gap_s)

    end = table["start_s"] + table["duration_s"]
    for fold in folds:
        assert set(table["subject"].iloc[fold.test]) == {fold.scope}
        for trial in ("0", "1"):
            mine = (table["trial"] == trial).to_numpy()
            train, test = fold.train[mine[fold.train]], fold.test[mine[fold.test]]
            if len(train):
                begun = table["start_s"].iloc[test].min()
                assert end.iloc[train].max() + gap_s <= begun
            first = fold.first[mine[fold.first]]
            held = fold.validation[mine[fold.validation]]
            if len(first) and len(held):
                before = table["start_s"].iloc[held].min() - end.iloc[first].max()
                assert before >= gap_s - 1e-9
        assert set(fold.first) | set(fold.validation) <= set(fold.train)
        sharing = check_sharing(table, fold, is_forward=True)
        assert sharing.gap_s >= gap_s
        assert sharing.overlapping_samples_s == 0
        leaks = find_leaks(sharing, epoch_chosen_on="validation")
        verify(TIME, sharing, leaks, find_shares(sharing))
        assert leaks == ()
    assert {fold.scope for fold in folds} == {"0", "1"}


def test_every_row_after_the_first_block_tests_once():
    table = make_table((60,), 1)
    tested = np.concatenate([fold.test for fold in cut(table, gap_s=2.0)])

    assert sorted(tested) == list(range(12, 60))


def test_a_trial_in_which_something_trains_later_is_a_leak_and_ends_a_run():
    table = make_table((60,), 1)
    fold = cut(table, gap_s=2.0)[1]
    swapped = type(fold)(**{**vars(fold), "train": fold.test, "test": fold.train})

    sharing = check_sharing(table, swapped, is_forward=True)

    assert find_leaks(sharing, epoch_chosen_on="last") == ("trial",)
    with pytest.raises(ProtocolViolation, match="training after the start"):
        verify(TIME, sharing, (), ())


def test_trials_that_are_too_short_end_in_a_sentence():
    with pytest.raises(UserError, match=r"20 s are too short for a gap of 17 s"):
        cut(make_table((20, 10)), gap_s=17.0)


def test_folds_are_not_those_that_other_protocols_agree_on():
    table = make_table()

    agreed = agree_on_folds(table, [PROTOCOLS["trial"], TIME])

    assert agreed == {"0": 2, "1": 2}
    assert len(cut(table, n_folds=agreed)) == 8
    assert len(cut(table, n_folds=3)) == 4


def test_what_is_shared_is_told_with_the_gap():
    said = describe_sharing((), ("subject",), gap_s=8.0)

    assert said == (
        "Training and test share trials and subjects; all that trains ends at least "
        "8 s before what tests of its trial starts."
    )
