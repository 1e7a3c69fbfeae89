"""Ratios pooled over strata: statsmodels, one stratum by hand, and strata that say nothing."""

import numpy as np
import pytest
from siyu.stats.mantel_haenszel import pooled_ratio
from statsmodels.stats.contingency_tables import StratifiedTable

LEVEL = 0.95
STRATA = np.array([(8, 20, 30, 60), (3, 25, 10, 40), (1, 6, 20, 70), (0, 4, 5, 9)])


def test_the_ratio_is_that_of_statsmodels():
    tables = [[[a, n - a], [b, m - b]] for a, n, b, m in STRATA]
    ratio, lower, upper = pooled_ratio(*STRATA.T, level=LEVEL)
    assert ratio == pytest.approx(StratifiedTable(tables).riskratio_pooled)
    assert lower < ratio < upper


def test_of_one_stratum_it_is_the_ratio_of_shares_with_katz_s_interval():
    """Katz et al. (1978), Biometrics 34: variance of the log ratio 1/a - 1/n + 1/b - 1/m."""
    ratio, lower, upper = pooled_ratio([8], [20], [30], [60], level=LEVEL)
    assert ratio == pytest.approx(0.8)
    error = np.sqrt(1 / 8 - 1 / 20 + 1 / 30 - 1 / 60)
    assert [lower, upper] == pytest.approx(0.8 * np.exp([-1.96 * error, 1.96 * error]), rel=1e-4)


def test_strata_of_one_group_alone_change_nothing():
    alone = np.vstack([STRATA, [(3, 9, 0, 0), (0, 0, 4, 7), (0, 0, 0, 0)]])
    assert pooled_ratio(*alone.T, level=LEVEL) == pooled_ratio(*STRATA.T, level=LEVEL)


def test_groups_that_swap_places_turn_the_ratio_over():
    ratio, lower, upper = pooled_ratio(*STRATA.T, level=LEVEL)
    turned = pooled_ratio(*STRATA[:, [2, 3, 0, 1]].T, level=LEVEL)
    assert turned == pytest.approx((1 / ratio, 1 / upper, 1 / lower))


@pytest.mark.parametrize(("a", "b", "ratio"), [(0, 5, 0.0), (5, 0, np.nan), (0, 0, np.nan)])
def test_where_nobody_has_the_property_there_is_no_interval(a, b, ratio):
    found = pooled_ratio([a], [10], [b], [10], level=LEVEL)
    assert found == pytest.approx((ratio, np.nan, np.nan), nan_ok=True)
