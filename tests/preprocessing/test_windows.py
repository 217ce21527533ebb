"""Tests of :mod:`deepvanet.preprocessing.windows`."""

import numpy as np
import pytest

from deepvanet.preprocessing.windows import SECONDS, WindowGrid, cut_bio, name_segments
from deepvanet.schema import UserError


@pytest.mark.parametrize(
    ("length_s", "step_s", "lasts_s", "n_windows"),
    [(1, 1, 3.9, 3), (4, 1, 10, 7), (4, 6, 10, 2), (0.1, 0.1, 0.3, 3), (4, 1, 3.9, 0)],
)
def test_as_many_windows_as_fit_whole_are_counted(length_s, step_s, lasts_s, n_windows):
    assert WindowGrid(float(length_s), float(step_s)).count(lasts_s) == n_windows


def test_windows_start_a_step_apart_and_hold_the_signal_in_order():
    signals = np.arange(2 * 21, dtype=float).reshape(2, 21)
    grid = WindowGrid(length_s=1.0, step_s=0.5)

    start = grid.place(np.arange(grid.count(21 / 8)), rate=8)
    cut = cut_bio(signals, start, grid.measure(8))

    assert start.tolist() == [0, 4, 8, 12]
    assert cut.shape == (4, 2, 8)
    assert cut.dtype == np.float32
    np.testing.assert_array_equal(cut[3], signals[:, 12:20])


def test_times_are_whole_where_steps_are():
    assert WindowGrid(4.0, 2.0).time(np.arange(3)).tolist() == [0, 2, 4]
    assert WindowGrid(4.0, 2.0).time(np.arange(3)).dtype == np.int64
    assert WindowGrid(1.0, 0.1).time(np.arange(4)).tolist() == [0, 0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("grid", "sentence"),
    [
        (
            WindowGrid(1.0, 1.0),
            "segment: needs a whole number of samples at 60.5 Hz, got 1",
        ),
        (
            WindowGrid(2.0, 1.0),
            "step: needs a whole number of samples at 60.5 Hz, got 1 s",
        ),
    ],
)
def test_a_window_without_whole_samples_is_refused(grid, sentence):
    with pytest.raises(UserError, match=sentence):
        grid.check(60.5, "samples")


def test_only_windows_of_a_second_each_second_are_called_seconds():
    assert name_segments(SECONDS) == "seconds"
    assert name_segments(WindowGrid(1.0, 0.5)) == "segments"
