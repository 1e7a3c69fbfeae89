"""Ratios of sums over clusters: by hand, against the t-test they invert, and where they refuse."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_rel
from siyu.stats.cluster_ratios import (
    effective_clusters,
    excess_pvalue,
    ratio_by_cluster,
    share_by_cluster,
)

COST, KEPT = [30.0, 15.0, 45.0, 60.0, 15.0], [2.0, 1.0, 2.0, 3.0, 0.0]


def test_five_trees_by_hand():
    """165 yuan for 8 kept; sums of squares about means 33 and 1.6 are 1530 and 5.2, of both 81."""
    found = ratio_by_cluster(COST, KEPT, level=0.95)
    assert found.value == 165 / 8
    square = 2.7764451**2 * 5 / 4  # t(4), and sums instead of means
    a, b, c = 64 - square * 5.2, 165 * 8 - square * 81, 165**2 - square * 1530
    root = np.sqrt(b**2 - a * c)
    assert found.ci_lower == pytest.approx((b - root) / a, rel=1e-6)
    assert found.ci_upper == pytest.approx((b + root) / a, rel=1e-6)


def test_the_ends_are_the_ratios_that_a_t_test_just_rejects():
    found = ratio_by_cluster(COST, KEPT, level=0.9)
    for end in (found.ci_lower, found.ci_upper):
        assert ttest_rel(COST, end * np.array(KEPT)).pvalue == pytest.approx(0.1)


def test_the_test_of_a_known_ratio_is_the_t_test_of_what_is_left():
    left = np.array(COST) - 12 * np.array(KEPT)
    assert excess_pvalue(COST, KEPT, ratio=12) == pytest.approx(ttest_1samp(left, 0).pvalue)


def test_an_uncertain_ratio_is_harder_to_tell_from():
    known, unsure = (excess_pvalue(COST, KEPT, ratio=12, error=one) for one in (0.0, 3.0))
    assert known < unsure < 1
    assert np.isnan(excess_pvalue([4, 4], [2, 2], ratio=2))


def test_one_giant_tree_leaves_every_ratio_possible():
    assert ratio_by_cluster([500, 1, 2], [300, 1, 1], level=0.95).kind == "unbounded"
    assert share_by_cluster([300, 1, 1], [500, 1, 2], level=0.95) == (302 / 503, 0.0, 1.0)


def test_of_clusters_of_one_thing_the_share_has_nearly_wilsons_interval():
    """30 of 100: Wilson's is 0.2189 to 0.3958; Student's t with 99 degrees widens it a little."""
    share, lower, upper = share_by_cluster([0, 1], [1, 1], clusters=[70, 30], level=0.95)
    assert share == pytest.approx(0.3)
    assert (lower, upper) == (pytest.approx(0.2178, abs=2e-3), pytest.approx(0.3975, abs=2e-3))


def test_clusters_that_answer_alike_widen_the_interval():
    apart = share_by_cluster([2, 3], [5, 5], clusters=[20, 20], level=0.95)
    alike = share_by_cluster([0, 5], [5, 5], clusters=[20, 20], level=0.95)
    assert apart[0] == alike[0] == pytest.approx(0.5)
    assert alike[2] - alike[1] > 1.8 * (apart[2] - apart[1])


def test_a_share_of_none_all_or_nothing_keeps_within_its_bounds():
    """30 clusters of 3 count as 30 things: t(29)² / 30 = 0.1394, over 1.1394."""
    none, every = (share_by_cluster([k], [3], clusters=[30], level=0.95) for k in (0, 3))
    assert none[:2] == (0, 0)
    assert every[0] == every[2] == 1
    assert none[2] == pytest.approx(1 - every[1]) == pytest.approx(0.12236, abs=1e-4)
    assert np.isnan(share_by_cluster([], [], clusters=[], level=0.95)).all()
    assert np.isnan(share_by_cluster([0], [0], clusters=[9], level=0.95)).all()
    assert np.isnan(share_by_cluster([1], [2], clusters=[1], level=0.95)[1:]).all()


def test_clusters_that_all_have_the_same_share_count_as_their_things_do():
    share, lower, upper = share_by_cluster([1], [2], clusters=[40], level=0.95)
    assert (share, lower) == (0.5, pytest.approx(1 - upper))
    assert (lower, upper) == (pytest.approx(0.39, abs=0.01), pytest.approx(0.61, abs=0.01))


def test_clusters_without_things_change_nothing():
    with_them = share_by_cluster([1, 0, 0], [2, 3, 0], clusters=[20, 30, 500], level=0.95)
    assert with_them == share_by_cluster([1, 0], [2, 3], clusters=[20, 30], level=0.95)


def test_nobody_and_everybody_count_as_trees_and_not_as_friends():
    """Ten trees, one of 3: 144 / 18 = 8 alike; t(9)² / 8 = 0.63966."""
    sizes = [3, *[1] * 9]
    none = share_by_cluster([0] * 10, sizes, level=0.95)
    assert none == (0, 0, pytest.approx(0.63966 / 1.63966, abs=1e-5))
    assert share_by_cluster(sizes, sizes, level=0.95) == (1, pytest.approx(1 - none[2]), 1)


def test_equal_clusters_are_as_many_as_they_are():
    assert effective_clusters([3] * 7) == pytest.approx(7)
    assert effective_clusters([543, 60, 17, 9, 7, 3, 3, 2, 1, 1, 1]) == pytest.approx(1.4, abs=0.01)


def test_the_order_and_the_unit_of_clusters_change_nothing():
    turned = ratio_by_cluster(COST[::-1], KEPT[::-1], level=0.95)
    cents = ratio_by_cluster(100 * np.array(COST), KEPT, level=0.95)
    found = ratio_by_cluster(COST, KEPT, level=0.95)
    assert turned.ci_lower == pytest.approx(found.ci_lower)
    assert cents.ci_upper == pytest.approx(100 * found.ci_upper)


def test_one_cluster_is_refused():
    with pytest.raises(ValueError, match="at least 2"):
        ratio_by_cluster([1], [1], level=0.95)
