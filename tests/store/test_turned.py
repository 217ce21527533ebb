"""Tests of trials that are kept turned because they are read again and again."""

import numpy as np
import pytest

from deepvanet.schema import Stream
from deepvanet.store.turned import TurnedTrials

LASTS = np.array([10, 8])
BYTES = 4 * 3 * 10
"""Of a trial of three channels; each takes as much as the longest."""


def ask(kept, trial, length=4):
    return kept.ask(Stream.EEG, np.array(trial), length, lasts=LASTS, n_channels=3)


def test_a_trial_is_kept_once_more_of_it_is_read_than_it_holds():
    kept = TurnedTrials(2 * BYTES)

    assert [ask(kept, one) for one in ([0, 1], [0, 1], [1], [0])] == [[], [], [1], [0]]


def test_a_trial_that_is_read_through_once_is_not_kept():
    kept = TurnedTrials(2 * BYTES)

    assert ask(kept, [0] * 5 + [1] * 4, length=2) == []


@pytest.mark.parametrize("n_bytes", [0, BYTES - 1, 2 * BYTES - 1])
def test_trials_that_take_more_than_they_may_are_never_kept(n_bytes):
    kept = TurnedTrials(n_bytes)

    assert not any(ask(kept, [0, 1]) for _ in range(20))


def test_trials_are_let_go_of_when_others_are_read():
    kept = TurnedTrials(BYTES)
    while not ask(kept, [0]):
        pass
    kept.make_room(Stream.EEG, 0, 10)[:] = 7
    first = np.array([0]), np.array([2])
    found = kept.gather(Stream.EEG, *first, 4)

    ask(kept, [1])

    np.testing.assert_array_equal(found, np.full((1, 3, 4), 7, np.float32))
    assert kept.gather(Stream.EEG, *first, 4) is None


def test_rows_are_windows_of_kept_trials_in_the_order_asked_for():
    kept = TurnedTrials(2 * BYTES)
    ask(kept, [0, 1], length=100)
    trials = [np.random.default_rng(n).normal(size=(3, n)) for n in LASTS]
    for trial, samples in enumerate(trials):
        kept.make_room(Stream.EEG, trial, len(samples.T))[:] = samples

    found = kept.gather(Stream.EEG, np.array([1, 0, 1]), np.array([4, 6, 0]), 4)

    wanted = [trials[1][:, 4:8], trials[0][:, 6:10], trials[1][:, :4]]
    np.testing.assert_array_equal(found, np.array(wanted, np.float32))
