"""Tests of :mod:`deepvanet.preprocessing.bio` and the cutting into segments."""

import numpy as np
import pytest

from deepvanet.preprocessing import bio, segments
from deepvanet.schema import Trial, UserError

SECOND = 8  # samples


@pytest.fixture
def trial():
    """Three seconds of rest and four of a stimulus, two channels."""
    signals = np.random.default_rng(0).normal(size=(2, 7 * SECOND))
    return signals[:, 3 * SECOND :], signals[:, : 3 * SECOND]


def test_the_mean_baseline_takes_one_number_from_each_channel(trial):
    stimulus, rest = trial

    taken = stimulus - bio.remove_mean(stimulus, rest, SECOND)

    np.testing.assert_allclose(np.ptp(taken, axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(taken[:, 0], rest.mean(axis=1))


def test_the_waveform_baseline_takes_the_same_second_from_every_second(trial):
    stimulus, rest = trial

    taken = stimulus - bio.remove_waveform(stimulus, rest, SECOND)

    by_hand = (rest[:, :8] + rest[:, 8:16] + rest[:, 16:24]) / 3
    np.testing.assert_allclose(taken, np.tile(by_hand, 4))


def test_a_waveform_needs_a_second_of_rest(trial):
    stimulus, rest = trial

    with pytest.raises(UserError, match=r"baseline: waveform needs at least one sec"):
        bio.remove_waveform(stimulus, rest[:, : SECOND - 1], SECOND)


@pytest.mark.parametrize("name", bio.BASELINES)
def test_no_baseline_changes_what_it_was_given(name, trial):
    before = [part.copy() for part in trial]

    bio.BASELINES[name](*trial, SECOND)

    np.testing.assert_array_equal(trial[0], before[0])
    np.testing.assert_array_equal(trial[1], before[1])


def test_dead_channels_are_found():
    signals = np.array([[1.0, 2.0, 3.0], [2.0, 2.0, 2.0], [1.0, np.nan, 2.0]])

    assert bio.find_flat(signals).tolist() == [False, True, False]
    assert bio.find_bad_samples(signals).tolist() == [False, False, True]


@pytest.mark.parametrize(("sfreq", "n_samples"), [(128.0, 320), (100.0, 250)])
def test_as_many_face_images_as_fit_belong_to_a_trial(sfreq, n_samples):
    trial = Trial(
        subject="01",
        trial="1",
        stimulus="1",
        bio=np.zeros((0, n_samples + round(3 * sfreq))),
        sfreq=sfreq,
        baseline_s=3.0,
        channels=(),
        video=None,
        fps=None,
        ratings={},
    )

    assert segments.measure_stimulus(trial) == n_samples
    assert segments.count_frames(trial, 5.0) == 12  # of 2.5 s
    assert segments.count_frames(trial, 0.1) == 0
