"""Whether p-values, intervals and verdicts hold what they say, in known experiments.

Run by ``make test-long``; what they measure stands in ``docs/scores.md``.
"""

from dataclasses import replace

import pytest

from clip_simulation import (
    PROTOCOLS,
    WORLDS,
    guess_constant,
    simulate_fits,
    simulate_fixed,
)

pytestmark = pytest.mark.long

N_FIXED, N_FITTED = 2000, 300
EFFECT = 0.06
LEAST_COVERED = 0.90


@pytest.mark.parametrize("name", WORLDS)
def test_without_an_effect_one_run_in_twenty_finds_one(name):
    rates = simulate_fixed(WORLDS[name], N_FIXED)

    assert 0.035 <= rates.permutation <= 0.065
    assert rates.t <= 0.06
    assert rates.compare <= 0.06
    assert rates.covers >= 0.93


@pytest.mark.parametrize("clip", [0.7, 2.0])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_learners_that_are_fitted_anew_keep_what_is_promised(protocol, clip):
    rates = simulate_fits(protocol, N_FITTED, clip=clip)

    assert rates.permutation <= 0.08
    assert rates.compare <= (0.08 if protocol == "trial" else 0.12)
    assert rates.covers >= LEAST_COVERED


def test_a_t_against_chance_is_no_test_where_the_clip_can_be_learnt():
    """Nothing of the labels is in the signals, yet half of the runs exceed .5."""
    rates = simulate_fits("subject", 100, clip=2.0)

    assert rates.mean > 0.52
    assert rates.t > 0.2


def test_what_was_done_before_finds_what_is_not_there():
    rates = simulate_fixed(WORLDS["clip-driven, .9"], 300, before=True)

    assert rates.shuffled > 0.15
    assert rates.signs > 0.3
    assert rates.bootstrap < 0.7


@pytest.mark.parametrize(
    ("name", "least"), [("clip agreement", 0.85), ("clip-driven, .9", 0.5)]
)
def test_six_points_above_chance_are_mostly_found(name, least):
    rates = simulate_fixed(replace(WORLDS[name], effect=EFFECT), 300)

    assert rates.mean == pytest.approx(0.56, abs=0.01)
    assert rates.permutation > least


def test_a_constant_guess_is_below_one_half_in_balanced_folds():
    """A fold that is held out takes its share of the likelier class with it."""
    by_trials = [guess_constant("trial", 5, n_clips=n) for n in (10, 20, 40)]

    assert by_trials == sorted(by_trials)
    assert by_trials[0] < 0.4
    assert 0.46 < by_trials[1] < 0.495
    assert by_trials[2] < 0.5
