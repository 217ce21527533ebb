"""Tests of paired comparisons, against SciPy and worked examples."""

import numpy as np
import pytest
from scipy import stats

from deepvanet.metrics import (
    compare_folds,
    correct_by_holm,
    draw_interval,
    find_smallest_visible,
    flip_signs,
    rank_signs,
)


def draw(n_units, *, shift=0.3, seed=0):
    return np.random.default_rng(seed).standard_normal(n_units) + shift


@pytest.mark.parametrize("n_units", [3, 8, 12])
def test_all_signs_are_tried_as_scipy_tries_them(n_units):
    differences = draw(n_units)

    theirs = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf
    )

    assert flip_signs(differences) == pytest.approx(theirs.pvalue)


def test_many_signs_are_drawn_and_agree_with_scipy():
    differences = draw(30)

    theirs = stats.permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        n_resamples=20_000,
        rng=np.random.default_rng(1),
    )

    assert flip_signs(differences) == pytest.approx(theirs.pvalue, abs=0.015)
    assert flip_signs(differences, seed=3) == flip_signs(differences, seed=3)
    assert flip_signs(draw(30, shift=5.0)) == 1 / 10_001


def test_no_difference_has_a_p_value_of_one():
    assert flip_signs(np.zeros(5)) == 1
    assert rank_signs(np.zeros(5)) == 1


@pytest.mark.parametrize("n_units", [6, 20, 40])
def test_ranks_are_those_of_scipy(n_units):
    differences = draw(n_units)

    assert rank_signs(differences) == pytest.approx(stats.wilcoxon(differences).pvalue)


def test_zeros_and_ties_among_the_ranks_are_split_as_pratt_does():
    differences = np.array([0.0, 0.1, 0.1, -0.1, 0.2, 0.3, 0.0, 0.4])

    theirs = stats.wilcoxon(differences, zero_method="pratt", method="approx")

    assert rank_signs(differences) == pytest.approx(theirs.pvalue)


def test_holm_by_hand():
    # 4 x 0.005, 3 x 0.01, 2 x 0.03 and 1 x 0.04, none below the one before
    assert correct_by_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx(
        [0.03, 0.06, 0.06, 0.02]
    )
    corrected = correct_by_holm([0.6, float("nan"), 0.9])
    assert corrected[0] == 1
    assert np.isnan(corrected[1])


def test_the_corrected_t_test_is_that_of_the_worked_example():
    # scikit-learn's example "statistical comparison of models": t is the mean over
    # the root of the variance times (1/n + n_test/n_train)
    differences = draw(10, shift=0.8)
    t = differences.mean() / np.sqrt(differences.var(ddof=1) * (1 / 10 + 1 / 9))

    ours = compare_folds(differences, test_by_train=1 / 9)

    assert ours == pytest.approx(2 * stats.t.sf(t, 9))
    assert ours > stats.ttest_1samp(differences, 0).pvalue


def test_tenfold_shrinks_t_to_what_nadeau_and_bengio_say():
    shrunk = np.sqrt((1 / 10) / (1 / 10 + 1 / 9))

    assert shrunk == pytest.approx(0.69, abs=0.005)


def test_the_interval_is_that_of_scipy_s_bootstrap():
    differences = draw(25)
    theirs = stats.bootstrap(
        (differences,),
        np.mean,
        method="percentile",
        n_resamples=10_000,
        rng=np.random.default_rng(0),
    ).confidence_interval

    low, high = draw_interval(differences)

    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    assert np.isnan(draw_interval(differences[:5])).all()


def test_what_units_can_show_is_found_four_times_in_five():
    rng = np.random.default_rng(0)
    n_units, spread = 22, 8.0
    example = rng.standard_normal(n_units)
    example = spread * (example - example.mean()) / example.std(ddof=1)

    visible = find_smallest_visible(example)

    draws = visible + spread * rng.standard_normal((4000, n_units))
    found = stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05
    assert visible == pytest.approx(4.8, abs=0.05)
    assert found.mean() == pytest.approx(0.8, abs=0.05)
