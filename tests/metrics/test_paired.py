"""Tests of paired comparisons, against SciPy and worked examples."""

import numpy as np
import pytest
from scipy import stats

from deepvanet.metrics import (
    Spread,
    compare_folds,
    correct_by_holm,
    correct_by_maximum,
    find_interval,
    find_p_above,
    find_p_unequal,
    find_p_value,
    find_smallest_visible,
    find_spread,
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


def test_without_clips_all_is_as_in_scipy_s_t_test():
    differences = draw(25)
    theirs = stats.ttest_1samp(differences, 0)

    spread = find_spread(differences)
    mean = float(differences.mean())

    assert find_interval(mean, spread) == pytest.approx(
        tuple(theirs.confidence_interval())
    )
    assert find_p_unequal(mean, spread) == pytest.approx(theirs.pvalue)
    above = stats.ttest_1samp(differences, 0.1, alternative="greater")
    assert find_p_above(mean, spread, chance=0.1) == pytest.approx(above.pvalue)


def test_leaving_out_clips_is_a_jackknife_by_hand():
    """Subject and clip add up in each cell, so both variances are textbook ones."""
    rng = np.random.default_rng(0)
    cells = rng.standard_normal((8, 1)) + rng.standard_normal((1, 10))
    without = np.stack([np.delete(cells, k, axis=1).mean(axis=1) for k in range(10)], 1)

    spread = find_spread(cells.mean(axis=1), without)

    subjects, clips = cells.mean(axis=1), cells.mean(axis=0)
    expected = subjects.var(ddof=1) / 8 + clips.var(ddof=1) / 10
    assert spread.variance == pytest.approx(expected)
    assert (spread.n_subjects, spread.n_clips, spread.freedom) == (8, 10, 7)


@pytest.mark.parametrize(("n_subjects", "n_clips"), [(5, 0), (5, 20), (20, 7), (20, 1)])
def test_too_few_subjects_or_clips_have_no_spread(n_subjects, n_clips):
    values = draw(n_subjects)
    without = np.zeros((n_subjects, n_clips)) if n_clips else None

    spread = find_spread(values, without)

    assert not spread.is_known
    assert np.isnan(find_interval(0.5, spread)).all()
    assert np.isnan(find_p_above(0.9, spread, chance=0.5))
    assert np.isnan(find_p_unequal(0.9, spread))
    assert np.isnan(find_smallest_visible(spread))


def test_what_never_differs_is_no_difference_and_what_always_does_is_one():
    nothing = Spread(0.0, 10, 0)

    assert find_p_unequal(0.0, nothing) == 1
    assert find_p_unequal(0.2, nothing) == 0
    assert find_p_above(0.5, nothing, chance=0.5) == 0.5


def test_a_score_that_is_missing_passes_no_test():
    missing, spread = float("nan"), Spread(0.01, 10, 10)

    assert np.isnan(find_p_above(missing, spread, chance=0.5))
    assert np.isnan(find_p_unequal(missing, spread))
    assert np.isnan(find_p_value(missing, np.full(199, 0.5)))
    assert np.isnan(find_p_value(0.6, np.full(199, missing)))


def test_permutations_are_counted_with_the_observed_score_among_them():
    null = np.array([0.5, 0.6, 0.7, 0.8])

    assert find_p_value(0.7, null) == 3 / 5
    assert find_p_value(0.9, null) == 1 / 5
    # nine digits of a table are not more than the score itself
    assert find_p_value(0.7 + 1e-10, null) == 3 / 5


def test_the_maximum_corrects_for_independent_tests_as_much_as_sidak_does():
    rng = np.random.default_rng(0)
    null = rng.standard_normal((4, 4999))
    level = stats.norm.isf(0.01)

    corrected = correct_by_maximum(np.array([level, 0.0, 0.0, 0.0]), null)

    assert corrected[0] == pytest.approx(1 - 0.99**4, abs=0.01)
    assert corrected[1:].min() > 0.9


def test_what_units_can_show_is_found_four_times_in_five():
    rng = np.random.default_rng(0)
    n_units, spread = 22, 8.0

    visible = find_smallest_visible(Spread(spread**2 / n_units, n_units, 0))

    draws = visible + spread * rng.standard_normal((4000, n_units))
    found = stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05
    assert visible == pytest.approx(5.0, abs=0.05)
    assert found.mean() == pytest.approx(0.8, abs=0.05)
