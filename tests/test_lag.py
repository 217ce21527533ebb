"""Tests of :mod:`deepvanet.learners.lag`."""

import numpy as np
import pytest

from deepvanet.config import Segmenting
from deepvanet.learners.lag import choose_lag, find_lag
from deepvanet.schema import Goal, Stream
from deepvanet.store import Rows, open_store
from deepvanet.tasks import MovingRating, list_lags
from moving_store import write_moving_store

LAGS = list_lags("fit", 6.0)


def find(path, *, seed=0, length_s=1.0):
    store = open_store(path).cut(Segmenting(length_s, 1.0))
    ratings = store.read_traces("valence", LAGS)
    known = np.flatnonzero(MovingRating("valence", LAGS).find_known(ratings))
    goal = Goal("rating", moves=True)
    rows = Rows(store, known, (Stream.PERIPHERAL,), ratings[known, 0], goal=goal)
    return find_lag(rows, ratings[known], LAGS, seed=seed)


@pytest.mark.parametrize("lag_s", [0.0, 1.5, 4.25])
def test_a_planted_lag_is_found_exactly_where_there_is_no_noise(tmp_path, lag_s):
    found = find(write_moving_store(tmp_path / "store", lag_s=lag_s))

    assert found.lag_s == lag_s
    assert not found.is_flat
    assert found.low_s <= lag_s <= found.high_s
    assert found.share > 0.95


@pytest.mark.parametrize("length_s", [1.0, 4.0])
def test_a_lag_is_found_within_half_a_second_beside_as_much_noise(tmp_path, length_s):
    found = [
        find(
            write_moving_store(tmp_path / f"{seed}", lag_s=2.5, noise=1.0, seed=seed),
            seed=seed,
            length_s=length_s,
        )
        for seed in range(4)
    ]

    assert [abs(lag.lag_s - 2.5) <= 0.5 for lag in found] == [True] * 4
    assert not any(lag.is_flat for lag in found)


def test_where_nothing_shows_it_is_said_that_no_lag_stands_out(tmp_path):
    found = [
        find(write_moving_store(tmp_path / f"{seed}", noise=1.0, effect=0.0, seed=seed))
        for seed in range(4)
    ]

    assert all(lag.is_flat for lag in found)


def test_the_lag_of_one_long_trial_is_found_on_pieces_of_it(tmp_path):
    path = write_moving_store(
        tmp_path / "store", n_subjects=1, n_trials=1, seconds=(120,), lag_s=3.0
    )

    assert find(path).lag_s == 3.0


def test_a_lag_that_is_given_is_taken_without_a_look(tmp_path):
    store = open_store(write_moving_store(tmp_path / "store")).cut()
    rows = Rows(store, np.arange(4), (Stream.PERIPHERAL,), np.arange(4.0))

    found = find_lag(rows, np.zeros((4, 1)), [3.0])

    assert (found.lag_s, found.low_s, found.high_s) == (3.0, 3.0, 3.0)
    assert np.isnan(found.share)
    assert not found.is_flat


def test_a_lag_is_zero_where_no_lag_predicts_more_than_the_mean():
    found = choose_lag(np.full((3, 2), 2.0), np.ones((3, 2)), [0.0, 1.0])

    assert (found.lag_s, found.is_flat) == (0.0, True)


def test_lags_that_are_as_good_as_the_best_are_told_as_a_range():
    base = np.ones((4, 5))
    missed = np.tile([0.9, 0.2, 0.2, 0.2, 0.9], (4, 1))
    missed += np.linspace(-0.05, 0.05, 4)[:, None] * np.array([0, 1, -1, 1, 0])

    found = choose_lag(missed, base, [0.0, 1.0, 2.0, 3.0, 4.0])

    assert (found.low_s, found.high_s) == (1.0, 3.0)
    assert found.is_flat
