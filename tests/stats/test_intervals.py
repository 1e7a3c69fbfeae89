import numpy as np
import pytest
from scipy.stats import fisher_exact, norm
from siyu.stats.intervals import (
    difference_pvalue,
    multinomial_delta,
    newcombe_difference,
    smoothed_delta,
    wilson,
)
from statsmodels.stats.proportion import confint_proportions_2indep, test_proportions_2indep

test_proportions_2indep.__test__ = False  # a function of statsmodels, not a test


def test_wilson_by_its_formula_on_one_of_four():
    """z = 2: centre (p + z^2/2n) / (1 + z^2/n), half z sqrt(pq/n + z^2/4n^2) / (1 + z^2/n)."""
    level = norm.cdf(2) - norm.cdf(-2)

    lower, upper = wilson(1, 4, level=level)

    assert lower == pytest.approx(0.375 - np.sqrt(0.1875 / 4 + 4 / 64) * 2 / 2)
    assert upper == pytest.approx(0.375 + np.sqrt(0.1875 / 4 + 4 / 64) * 2 / 2)


def test_nobody_asked_has_no_interval_and_does_not_disturb_the_others():
    lower, upper = wilson([0, 5], [0, 10], level=0.95)

    assert np.isnan(lower[0])
    assert np.isnan(upper[0])
    assert lower[1] + upper[1] == pytest.approx(1)


def test_wilson_stays_inside_zero_and_one_at_the_extremes():
    for n in (1, 2, 10, 1_000_000):
        lower, upper = wilson([0, n], n, level=0.99)
        assert 0 <= lower[0] < upper[0] < 1
        assert 0 < lower[1] < upper[1] <= 1


def test_newcombe_agrees_with_statsmodels():
    ours = newcombe_difference(17, 120, 40, 150, level=0.9)
    theirs = confint_proportions_2indep(17, 120, 40, 150, method="newcomb", alpha=0.1)

    assert ours[0] == pytest.approx(17 / 120 - 40 / 150)
    assert ours[1:] == pytest.approx(theirs)


def test_newcombe_answers_where_the_score_interval_of_statsmodels_fails():
    _, lower, upper = newcombe_difference(
        [9, 10, 0], [10, 10, 1], [3, 0, 0], [10, 10, 1], level=0.95
    )

    assert np.isfinite(lower).all()
    assert np.isfinite(upper).all()


def test_swapping_the_groups_mirrors_the_difference_and_keeps_the_p_value():
    groups, swapped = (12, 40, 30, 70), (30, 70, 12, 40)
    difference, lower, upper = newcombe_difference(*groups, level=0.95)

    assert newcombe_difference(*swapped, level=0.95) == (-difference, -upper, -lower)
    assert difference_pvalue(*groups) == pytest.approx(difference_pvalue(*swapped))


def test_an_empty_group_cannot_be_compared():
    difference, lower, upper = newcombe_difference(0, 0, 3, 10, level=0.95)

    assert np.isnan([difference, lower, upper]).all()
    assert np.isnan(difference_pvalue([0, 3], [0, 10], [3, 0], [10, 0])).all()


def test_the_mid_p_value_by_counting_three_of_four_against_none_of_three():
    """All margins given, count_a is 0..3 with weights C(4,k) C(3,3-k) = 1, 12, 18, 4 of 35."""
    assert difference_pvalue(3, 4, 0, 3) == pytest.approx(2 * (4 / 2) / 35)


def test_the_mid_p_value_is_one_sided_fisher_less_half_the_table_twice():
    table = [[9, 21], [4, 36]]
    exact = fisher_exact(table, alternative="greater").pvalue
    more_extreme = fisher_exact([[10, 20], [3, 37]], alternative="greater").pvalue

    assert difference_pvalue(9, 30, 4, 40) == pytest.approx(exact + more_extreme)


def test_many_users_get_the_p_value_of_the_pooled_score_test():
    score = test_proportions_2indep(
        20_300, 100_000, 20_000, 100_000, method="score", compare="diff", correction=False
    )

    assert difference_pvalue(20_300, 100_000, 20_000, 100_000) == pytest.approx(
        score.pvalue, rel=1e-3
    )


def test_a_rare_outcome_in_a_small_segment_does_not_explode():
    """The pooled score says 1e-6 here; three or more of 30 at 1.03% have probability 0.0035."""
    assert 0.002 < difference_pvalue(3, 30, 100, 10_000) < 0.007


@pytest.mark.parametrize("counts", [(0, 1, 0, 1), (0, 50, 0, 9), (50, 50, 9, 9)])
def test_groups_that_cannot_differ_have_p_value_one(counts):
    assert difference_pvalue(*counts) == 1


def _share(cells):
    return cells[..., :1] / cells.sum(axis=-1, keepdims=True)


def _odds(cells):
    return cells[..., :1] / cells[..., 1:2]


def _share_difference(cells):
    return _share(cells[..., 2:]) - _share(cells[..., :2])


def test_the_delta_interval_of_a_share_is_that_of_wald():
    value, lower, upper = multinomial_delta(_share, [30, 70], level=0.95)

    assert value == 0.3
    assert upper - value == pytest.approx(1.959963985 * np.sqrt(0.3 * 0.7 / 100))
    assert value - lower == pytest.approx(upper - value)


def test_the_delta_variance_of_a_difference_is_the_sum_of_two():
    _, lower, upper = multinomial_delta(_share_difference, [30, 70, 20, 180], level=0.95)

    error = np.sqrt(0.3 * 0.7 / 100 + 0.1 * 0.9 / 200)
    assert upper - lower == pytest.approx(2 * 1.959963985 * error)


def test_the_delta_variance_of_an_odds_is_that_of_its_logarithm_times_the_square():
    """Var log(a / b) = 1/a + 1/b for two cells of a multinomial."""
    _, lower, upper = multinomial_delta(_odds, [30, 70], level=0.95)

    assert upper - lower == pytest.approx(2 * 1.959963985 * (30 / 70) * np.sqrt(1 / 30 + 1 / 70))


def test_a_total_takes_its_counts_as_poisson():
    _, lower, upper = multinomial_delta(lambda cells: cells[..., :1] * 5, [400, 7], level=0.95)

    assert upper - lower == pytest.approx(2 * 1.959963985 * 5 * 20)


def test_the_delta_interval_agrees_with_the_bootstrap():
    cells = np.array([120, 380, 90, 210])
    rng = np.random.default_rng(8)
    drawn = np.concatenate(
        [
            rng.multinomial(500, cells[:2] / 500, 40_000),
            rng.multinomial(300, cells[2:] / 300, 40_000),
        ],
        axis=-1,
    )
    _, lower, upper = multinomial_delta(_share_difference, cells, level=0.95)

    # The bootstrap quantiles of 40,000 draws are known to about 1% of the interval.
    np.testing.assert_allclose(
        [lower[0], upper[0]],
        np.quantile(_share_difference(drawn), [0.025, 0.975]),
        atol=0.02 * (upper - lower)[0],
    )


def test_twice_the_users_halve_the_variance():
    _, lower, upper = multinomial_delta(_share_difference, [30, 70, 20, 180], level=0.9)
    _, lower_twice, upper_twice = multinomial_delta(
        _share_difference, [60, 140, 40, 360], level=0.9
    )

    assert (upper - lower) / (upper_twice - lower_twice) == pytest.approx(np.sqrt(2))


def test_an_empty_cell_adds_nothing():
    def share_of_three(cells):
        return cells[..., :1] / cells.sum(axis=-1, keepdims=True)

    with_empty = multinomial_delta(share_of_three, [30, 70, 0], level=0.95)

    np.testing.assert_allclose(with_empty, multinomial_delta(_share, [30, 70], level=0.95))


def test_a_share_at_its_limit_gets_no_interval_rather_than_one_of_no_width():
    value, lower, upper = multinomial_delta(_share, [0, 12], level=0.95)

    assert value == 0
    assert np.isnan([lower, upper]).all()


def test_no_users_at_all_give_no_interval():
    value, lower, upper = multinomial_delta(lambda cells: cells[..., :1], [0, 0], level=0.95)

    assert value == 0
    assert np.isnan([lower, upper]).all()


def test_thousands_of_cells_are_taken_in_blocks_with_the_same_result():
    cells = np.arange(1, 2_001)
    _, lower, upper = multinomial_delta(_share, cells, level=0.95)
    share = 1 / cells.sum()

    assert upper - lower == pytest.approx(
        2 * 1.959963985 * np.sqrt(share * (1 - share) / cells.sum())
    )


def test_pseudo_users_widen_the_interval_of_a_small_group_and_leave_its_centre():
    """2 of 12 users: one more with and one without make 3 of 14, which varies more."""
    value, lower, upper = smoothed_delta(_share, [2, 10], added=[1, 1], level=0.95)

    assert value == pytest.approx(1 / 6)
    half = 1.959963985 * np.sqrt(3 / 14 * 11 / 14 / 14)
    np.testing.assert_allclose([*lower, *upper], [1 / 6 - half, 1 / 6 + half])
    _, plain, _ = multinomial_delta(_share, [2, 10], level=0.95)
    assert lower < plain


def test_pseudo_users_never_make_an_interval_shorter():
    plain = multinomial_delta(_share, [50, 50], level=0.95)

    np.testing.assert_allclose(smoothed_delta(_share, [50, 50], added=[1, 1], level=0.95), plain)


def test_a_share_at_its_limit_gets_the_width_of_one_in_two_more():
    value, _, upper = smoothed_delta(_share, [0, 12], added=[1, 1], level=0.95)

    assert value == 0
    assert upper == pytest.approx(1.959963985 * np.sqrt(1 / 14 * 13 / 14 / 14))


def test_parts_that_sum_still_do_when_smoothed():
    def parts(cells):
        return np.concatenate([_share(cells), 1 - _share(cells)], axis=-1)

    value, _, _ = smoothed_delta(parts, [3, 9], added=[1, 1], level=0.95)

    assert value.sum() == 1


def test_a_value_that_is_undefined_stays_so_with_pseudo_users():
    def share_or_nan(cells):
        total = cells.sum(axis=-1, keepdims=True)
        return np.divide(cells[..., :1], total, out=np.full(total.shape, np.nan), where=total > 0)

    assert np.isnan(smoothed_delta(share_or_nan, [0, 0], added=[1, 1], level=0.95)).all()


def test_half_a_pseudo_user_is_no_count():
    with pytest.raises(ValueError, match=r"added = 0\.5 must be a whole number"):
        smoothed_delta(_share, [2, 10], added=[0.5, 0.5], level=0.95)
