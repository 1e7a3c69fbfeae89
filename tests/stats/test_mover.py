"""Differences and products from intervals: Newcombe's published one, by hand, and of nothing."""

import numpy as np
import pytest
from siyu.stats.intervals import newcombe_difference, wilson
from siyu.stats.mover import mover_difference, mover_product


def test_mover_of_two_wilson_intervals_is_newcombes():
    """56 of 70 less 48 of 80: (.0524, .3339), Newcombe (1998), method 10."""
    sides = [(count / n, *map(float, wilson(count, n, level=0.95))) for count, n in
             ((56, 70), (48, 80))]  # fmt: skip
    found = np.array(mover_difference(*sides))
    assert found == pytest.approx(np.array(newcombe_difference(56, 70, 48, 80, level=0.95)))
    assert found[1:] == pytest.approx([0.0524, 0.3339], abs=5e-5)


def test_mover_takes_off_what_two_estimates_have_in_common():
    a, b = (5.0, 3.0, 9.0), (4.0, 2.0, 8.0)
    plain, alike = (mover_difference(a, b, correlation=rho) for rho in (0.0, 1.0))
    assert plain[1:] == pytest.approx((1 - np.hypot(2, 4), 1 + np.hypot(4, 2)))
    assert alike[1:] == pytest.approx((1 - 2, 1 + 2))


def test_mover_of_a_product_adds_distances_on_the_log_scale():
    """Of factors that may each be half or double, sqrt(2) doublings."""
    found = mover_product((3.0, 1.5, 6.0), (5.0, 2.5, 10.0))
    assert np.array(found) == pytest.approx([15, 15 * 2 ** -(2**0.5), 15 * 2 ** (2**0.5)])


def test_the_product_of_nothing_is_nothing_up_to_both_upper_ends():
    found = mover_product((0.0, 0.0, 0.2), (10.0, 5.0, 20.0))
    assert [float(one) for one in found] == [0, 0, pytest.approx(4)]
    assert np.isnan(mover_product((1.0, 0.5, 2.0), (np.nan,) * 3)[0])
