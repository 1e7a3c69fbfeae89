"""Shares by dose: a published example, statsmodels, invariants, coverage, and what is refused."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import chi2
from siyu.stats.trend import trend_of_shares

LEVEL = 0.95
CARRIERS, CHILDREN = [19, 29, 24], [516, 589, 293]
"""Carriers of Streptococcus pyogenes among children by size of tonsils (Armitage 1955)."""


def test_armitage_s_carriers_have_the_published_chi_squares():
    """Armitage (1955), Biometrics 11: 7.19 for the trend, .69 for the departure from it."""
    found = trend_of_shares(CARRIERS, CHILDREN, [-1, 0, 1], level=LEVEL)
    assert chi2.isf(found.p, 1) == pytest.approx(7.19, abs=0.005)
    assert chi2.isf(found.p_departure, 1) == pytest.approx(0.69, abs=0.005)


def test_the_slope_is_that_of_least_squares_over_users():
    dose, n = np.array([0.0, 5.0, 10.0, 20.0]), np.array([300, 200, 250, 400])
    count = np.array([60, 50, 70, 150])
    found = trend_of_shares(count, n, dose, level=LEVEL)
    user = np.repeat(dose, n)
    y = np.concatenate([np.arange(size) < own for own, size in zip(count, n, strict=True)])
    fit = sm.OLS(y.astype(float), sm.add_constant(user)).fit(cov_type="HC0")
    assert found.slope == pytest.approx(fit.params[1])
    half = (found.ci_upper - found.ci_lower) / 2
    assert half / 1.959964 == pytest.approx(fit.bse[1], rel=0.02)


def test_in_fen_the_slope_is_a_hundredth_and_the_tests_are_the_same():
    yuan = trend_of_shares(CARRIERS, CHILDREN, [5, 10, 20], level=LEVEL)
    fen = trend_of_shares(CARRIERS, CHILDREN, [500, 1000, 2000], level=LEVEL)
    assert yuan.slope == pytest.approx(100 * fen.slope)
    assert (yuan.p, yuan.p_departure) == pytest.approx((fen.p, fen.p_departure))


@pytest.mark.parametrize("count", [[0, 0, 0], [516, 589, 293]])
def test_where_all_do_the_same_there_is_no_trend_and_no_certainty(count):
    found = trend_of_shares(count, CHILDREN, [5, 10, 20], level=LEVEL)
    assert found.slope == pytest.approx(0)
    assert (found.p, found.p_departure) == (1, 1)
    assert found.ci_lower < 0 < found.ci_upper


def test_two_doses_are_always_on_a_line():
    assert np.isnan(trend_of_shares([5, 9], [50, 50], [1, 2], level=LEVEL).p_departure)


@pytest.mark.parametrize(
    ("n", "dose", "said"), [([50, 0], [1, 2], "every group"), ([50, 50], [3, 3], "two different")]
)
def test_what_has_no_line_is_refused(n, dose, said):
    with pytest.raises(ValueError, match=said):
        trend_of_shares([0, 0], n, dose, level=LEVEL)


def test_the_slope_covers_as_stated_and_the_highest_share_against_the_lowest_rejects_too_often():
    rng = np.random.default_rng(41)
    dose, n = np.array([5.0, 10.0, 15.0, 20.0]), np.array([120, 150, 130, 140])
    held, flat, naive = [], [], []
    for _ in range(2_000):
        found = trend_of_shares(rng.binomial(n, 0.28 + 0.004 * dose), n, dose, level=LEVEL)
        held.append(found.ci_lower <= 0.004 <= found.ci_upper)
        same = rng.binomial(n, 0.3)
        flat.append(trend_of_shares(same, n, dose, level=LEVEL).p < 0.05)
        pair = [int((same / n).argmin()), int((same / n).argmax())]
        naive.append(trend_of_shares(same[pair], n[pair], dose[pair], level=LEVEL).p < 0.05)
    assert 0.94 <= np.mean(held) <= 0.96
    assert 0.04 <= np.mean(flat) <= 0.06
    assert np.mean(naive) > 0.15
