"""Tests of ratings that move with time, before any learner."""

import numpy as np
import pytest

from deepvanet.schema import Goal
from deepvanet.store import open_store
from deepvanet.tasks import MovingRating, list_lags, stratify
from deepvanet.tasks.moving import measure_decorrelation
from moving_store import RATE, write_moving_store


def test_a_row_is_rated_by_the_mean_while_it_lasts_and_by_that_of_a_lag_later(tmp_path):
    store = open_store(write_moving_store(tmp_path / "store")).cut()
    traces, rate = store.list_traces("arousal")

    found = store.read_traces("arousal", [0.0, 2.5])

    assert rate == RATE
    first = traces[0]
    assert found[3, 0] == pytest.approx(first[60:80].mean())
    assert found[3, 1] == pytest.approx(first[110:130].mean())
    # the last two seconds end later than the trial
    assert np.isnan(found[37:40, 1]).all()
    assert np.isfinite(found[:37, 1]).all()
    assert np.isfinite(found[:40, 0]).all()


def test_a_row_takes_part_where_it_is_rated_at_each_lag():
    task = MovingRating("valence", (0.0, 1.0))
    ratings = np.array([[1.0, 2.0], [1.0, np.nan]])

    assert task.find_known(ratings).tolist() == [True, False]
    assert task.encode_at(ratings, 1.0)[0] == 2.0


def test_folds_are_balanced_by_the_mean_of_a_trial():
    label, trial = (
        np.array([1.0, 9.0, 6.0, 6.0, 2.0, 2.0]),
        np.array([0, 0, 1, 1, 2, 2]),
    )

    found = stratify(label, Goal("rating", moves=True), trial)

    assert found.tolist() == [0, 0, 1, 1, 0, 0]


def test_lags_are_tried_up_to_the_longest():
    assert list_lags("fit", 1.0) == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert list_lags("fit", 0.0) == (0.0,)
    assert list_lags(2.2, 6.0) == (2.2,)


def test_the_decorrelation_time_is_that_of_a_known_process():
    rng = np.random.default_rng(0)
    rate, tau_s = 10.0, 3.0
    keeps = np.exp(-1 / (rate * tau_s))
    traces = []
    for _ in range(60):
        values = np.empty(6000)
        values[0] = rng.standard_normal()
        steps = np.sqrt(1 - keeps**2) * rng.standard_normal(6000)
        for k in range(1, 6000):
            values[k] = keeps * values[k - 1] + steps[k]
        traces.append(values)
    traces[0][100:200] = np.nan

    assert measure_decorrelation(traces, rate) == pytest.approx(tau_s, rel=0.1)


def test_a_rating_that_never_moves_has_no_decorrelation_time():
    assert measure_decorrelation([np.full(100, 5.0)], 10.0) == 0.0
    assert measure_decorrelation([], 10.0) == 0.0
