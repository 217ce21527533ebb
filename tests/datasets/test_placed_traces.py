"""Tests of :mod:`deepvanet.datasets.traces`."""

import numpy as np
import pytest

from deepvanet.datasets.traces import average, place_trace
from deepvanet.schema import Trace, TraceFormat

FORM = TraceFormat(10.0, ("valence", "arousal"))


def place(times, values, onset_s, end_s):
    both = np.stack([values, -np.asarray(values)], axis=1)
    return place_trace(np.asarray(times), both, FORM, onset_s=onset_s, end_s=end_s)


@pytest.mark.parametrize("rate", [4.0, 10.0, 128.0])
@pytest.mark.parametrize("onset_s", [0.0, 1.5, 2.013])
def test_a_line_is_a_line_at_any_rate_and_onset(rate, onset_s):
    times = np.arange(round(10 * rate)) / rate

    trace = place(times, 3 * times, onset_s, onset_s + 2.5)

    assert trace.values.shape == (25, 2)
    assert trace.values.dtype == np.float32
    wanted = 3 * (onset_s + np.arange(25) / 10)
    np.testing.assert_allclose(trace.values[:, 0], wanted, rtol=1e-5)
    np.testing.assert_allclose(trace.values[:, 1], -wanted, rtol=1e-5)


def test_what_lies_beyond_the_samples_is_no_number():
    times = 1 + np.arange(20) / 10

    trace = place(times, np.ones(20), 0.0, 4.0)

    known = np.isfinite(trace.values[:, 0])
    assert np.flatnonzero(known).tolist() == list(range(10, 30))


def test_a_first_sample_within_a_step_of_the_onset_is_what_was_said_then():
    trace = place(0.04 + np.arange(10) / 10, np.arange(10.0), 0.0, 1.0)

    assert trace.values[0, 0] == 0
    np.testing.assert_allclose(trace.values[1:, 0], np.arange(1, 10) - 0.4, rtol=1e-5)


def test_a_gap_is_no_number_and_touches_nothing_else():
    values = np.arange(40.0)
    values[10:20] = np.nan

    trace = place(np.arange(40) / 10, values, 0.0, 4.0)

    assert np.flatnonzero(np.isnan(trace.values[:, 0])).tolist() == list(range(10, 20))


def test_a_mean_needs_half_of_the_trace():
    values = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan], [np.nan, 2.0]])

    assert average(Trace(FORM, values.astype(np.float32))) == {"valence": 2.0}
