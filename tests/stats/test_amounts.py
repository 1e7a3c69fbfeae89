"""Means and shares of amounts: by hand, against the t interval, and at their edges."""

import numpy as np
import pytest
from scipy.stats import t
from siyu.stats.amounts import influence_interval, share_of_sum, skewed_mean

LEVEL = 0.95


def test_symmetric_amounts_have_the_t_interval():
    # mozanalysis, test_linear_model_functions.py: 0 to 99 give 49.5 (43.74349, 55.25650).
    assert skewed_mean(np.arange(100), level=LEVEL) == pytest.approx(
        (49.5, 43.74349, 55.25650), abs=1e-5
    )


def test_a_long_tail_moves_both_ends_up():
    amounts = np.random.default_rng(1).lognormal(0, 1, 60)
    mean, lower, upper = skewed_mean(amounts, level=LEVEL)
    half = t.ppf(0.975, 59) * amounts.std(ddof=1) / np.sqrt(60)
    assert mean - half < lower < mean < mean + half < upper
    mirrored = skewed_mean(-amounts, level=LEVEL)
    assert mirrored == pytest.approx((-mean, -upper, -lower))
    assert skewed_mean(7 * amounts, level=LEVEL) == pytest.approx((7 * mean, 7 * lower, 7 * upper))


def test_hall_transform_is_undone():
    """The ends are where Hall's polynomial of the t statistic reaches the quantiles."""
    amounts = np.random.default_rng(2).gamma(0.5, 1, 40)
    mean, *ends = skewed_mean(amounts, level=LEVEL)
    error = amounts.std(ddof=1) / np.sqrt(40)
    bend = (((amounts - mean) / amounts.std()) ** 3).mean() / np.sqrt(40)
    for end, quantile in zip(ends, t.ppf([0.975, 0.025], 39), strict=True):
        x = (mean - end) / error
        assert x + bend * x**2 / 3 + bend**2 * x**3 / 27 + bend / 6 == pytest.approx(quantile)


def test_one_amount_and_equal_ones_are_no_spread():
    mean, *ends = skewed_mean([3.0], level=LEVEL)
    assert mean == 3
    assert np.isnan(ends).all()
    assert skewed_mean([3.0, 3.0, 3.0], level=LEVEL) == (3, 3, 3)
    assert np.isnan(skewed_mean([], level=LEVEL)).all()


def test_a_share_of_a_sum_is_a_ratio_of_means():
    # 30 of 100 yuan; residuals part - .3 x whole: 7, 14, -9, -12, sum of squares 470.
    part, whole = [10, 20, 0, 0], [10, 20, 30, 40]
    error = np.sqrt(470 / 3) / np.sqrt(4) / 25
    half = t.ppf(0.975, 3) * error
    assert share_of_sum(part, whole, level=LEVEL) == pytest.approx((0.3, 0.3 - half, 0.3 + half))


def test_nothing_cannot_be_shared_out():
    assert np.isnan(share_of_sum([1, -1], [1, -1], level=LEVEL)).all()
    share, *ends = share_of_sum([5], [5], level=LEVEL)
    assert share == 1
    assert np.isnan(ends).all()


@pytest.mark.parametrize("level", [0, 1])
def test_levels_are_checked(level):
    for call in (
        lambda: skewed_mean([1, 2], level=level),
        lambda: share_of_sum([1], [1], level=level),
        lambda: influence_interval(0.0, np.zeros(3), level=level),
    ):
        with pytest.raises(ValueError, match="level"):
            call()
