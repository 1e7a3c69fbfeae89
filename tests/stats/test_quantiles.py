"""Quantiles from counts: by hand, by the published table, and against every order statistic."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from siyu.stats.quantiles import incidence_quantile, quantile
from statsmodels.duration.survfunc import SurvfuncRight

TIMES = pd.DataFrame({"time": [1, 2, 3, 4, 5], "outcome": [1, 0, 1, 1, 0], "n": 1})


def test_the_median_of_five_is_the_third_and_five_bound_nothing_at_95_percent():
    """All five lie on one side of the median with probability 1/32 each: more than 2.5%."""
    value, lower, upper = quantile([9, 1, 4, 2, 7], [1] * 5, share=0.5, level=0.95)
    assert value == 4
    assert np.isnan([lower, upper]).all()
    assert quantile([9, 1, 4, 2, 7], [1] * 5, share=0.5, level=0.9)[1:] == (1, 9)


def test_the_80th_percentile_of_five_is_the_fourth():
    assert quantile([1, 2, 4, 7, 9], [1] * 5, share=0.8, level=0.95)[0] == 7


def test_the_median_of_twenty_is_bounded_by_the_6th_and_the_15th():
    """Conover's sign-test interval for n = 20: 0.9586 of the binomial lies from 6 to 14."""
    values = np.arange(1, 21)
    assert quantile(values, np.ones(20), share=0.5, level=0.95) == (10, 6, 15)
    assert binom.cdf(14, 20, 0.5) - binom.cdf(5, 20, 0.5) == pytest.approx(0.9586, abs=1e-4)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("n", [8, 30, 200])
def test_the_ends_are_the_narrowest_order_statistics_that_hold_on_each_side(n, share):
    values = np.arange(1, n + 1)
    _, lower, upper = quantile(values, np.ones(n), share=share, level=0.9)
    below = [k for k in values if binom.cdf(k - 1, n, share) <= 0.05]
    above = [k for k in values if binom.sf(k - 1, n, share) <= 0.05]
    assert lower == (max(below) if below else pytest.approx(np.nan, nan_ok=True))
    assert upper == (min(above) if above else pytest.approx(np.nan, nan_ok=True))


def test_the_order_of_rows_and_splitting_them_change_nothing():
    once = quantile([1, 3, 8], [20, 30, 50], share=0.8, level=0.95)
    split = quantile([8, 3, 1, 8, 5], [25, 30, 20, 25, 0], share=0.8, level=0.95)
    assert once == split == (8, 8, 8)


def test_without_users_there_is_no_quantile():
    assert np.isnan(quantile([], [], share=0.5, level=0.95)).all()
    assert np.isnan(quantile([3], [0], share=0.5, level=0.95)).all()


def test_half_have_had_the_event_when_the_curve_says_so():
    """At risk 5, 4, 3, 2, 1: waiting 0.8, 0.8, 0.8 x 2/3 = 0.533, then 0.267: half by time 4."""
    value, _, upper = incidence_quantile(TIMES, level=0.95)
    assert value == 4
    assert np.isnan(upper)


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_a_kaplan_meier_quantile_is_that_of_statsmodels(share):
    rng = np.random.default_rng(7)
    event, censored = rng.exponential(9, 300), rng.exponential(20, 300)
    time, seen = np.minimum(event, censored), event <= censored
    other = SurvfuncRight(time, seen)
    grouped = pd.DataFrame({"time": time, "outcome": seen.astype(int), "n": 1})
    value, lower, upper = incidence_quantile(grouped, share=share, level=0.95)
    assert value == other.quantile(share)
    with np.errstate(divide="ignore", invalid="ignore"):
        assert (lower, upper) == other.quantile_ci(share, method="cloglog")


def test_who_leaves_never_has_it_so_half_may_never_be_reached():
    left = TIMES.assign(outcome=TIMES["outcome"].replace({0: 2}))
    assert incidence_quantile(left, level=0.95)[0] == 4
    few = pd.DataFrame({"time": [1, 2], "outcome": [1, 2], "n": [49, 51]})
    value, lower, upper = incidence_quantile(few, level=0.95)
    assert np.isnan([value, upper]).all()
    assert lower == 1


@pytest.mark.parametrize("share", [0, 1])
def test_a_share_of_none_or_all_is_refused(share):
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        quantile([1], [1], share=share, level=0.95)
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        incidence_quantile(TIMES, share=share, level=0.95)
