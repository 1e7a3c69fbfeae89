"""Bounds for planned looks and intervals for any look, against what others have published."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from siyu.stats.checks import normal_quantile
from siyu.stats.sequential import (
    always_valid_reach,
    chance_to_stop,
    plan_bounds,
    price_of_looks,
)

LEVEL = 0.95
FIVE = np.arange(1, 6) / 5


def equal(looks):
    return np.arange(1, looks + 1) / looks


@pytest.mark.parametrize(
    ("looks", "chance"),
    [(1, 0.05), (2, 0.083), (3, 0.107), (4, 0.126), (5, 0.142), (10, 0.193), (20, 0.248),
     (50, 0.320)],
)  # fmt: skip
def test_a_naive_test_at_every_look_is_wrong_as_often_as_armitage_says(looks, chance):
    # Armitage, McPherson and Rowe (1969), table 2.
    found = chance_to_stop([normal_quantile(LEVEL)] * looks, equal(looks))
    assert found[-1] == pytest.approx(chance, abs=0.0006)


def test_fourteen_daily_looks_are_wrong_in_more_than_a_fifth():
    assert chance_to_stop([1.96] * 14, equal(14))[-1] == pytest.approx(0.22, abs=0.001)


def test_five_looks_have_the_bounds_of_pocock_and_of_obrien_and_fleming():
    # Pocock (1977), 2.413 at each; O'Brien and Fleming (1979), 2.040 at the last.
    pocock = plan_bounds(FIVE, level=LEVEL, shape="pocock")
    late = plan_bounds(FIVE, level=LEVEL, shape="obrien_fleming")
    assert pocock == pytest.approx([2.413] * 5, abs=0.0005)
    assert late == pytest.approx(2.040 * np.sqrt(5 / np.arange(1, 6)), abs=0.0015)


@pytest.mark.parametrize(
    ("shape", "looks", "power", "times_more"),
    [
        # Jennison and Turnbull (2000), tables 2.2 and 2.4.
        ("pocock", 2, 0.8, 1.110),
        ("pocock", 5, 0.8, 1.228),
        ("pocock", 5, 0.9, 1.206),
        ("obrien_fleming", 2, 0.8, 1.008),
        ("obrien_fleming", 5, 0.8, 1.028),
        ("obrien_fleming", 5, 0.9, 1.026),
    ],
)
def test_planned_looks_cost_what_jennison_and_turnbull_say(shape, looks, power, times_more):
    bounds = plan_bounds(equal(looks), level=LEVEL, shape=shape)
    found = price_of_looks(bounds, equal(looks), level=LEVEL, power=power)
    assert found == pytest.approx(times_more, abs=0.0006)


def test_one_look_is_the_usual_test():
    assert plan_bounds([1.0], level=LEVEL, shape="pocock") == pytest.approx([1.959964])
    assert price_of_looks([1.959964], [1.0], level=LEVEL, power=0.8) == pytest.approx(1, abs=1e-4)


def test_unequal_looks_agree_with_the_joint_normal_distribution_of_scipy():
    """Two routes: z at times t and u correlate as the root of t / u."""
    times, bounds = np.array([0.2, 0.7, 1.0]), np.array([3.0, 2.4, 2.0])
    correlation = np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times))
    inside = multivariate_normal(cov=correlation).cdf(bounds, lower_limit=-bounds, rng=1)
    assert chance_to_stop(bounds, times)[-1] == pytest.approx(1 - inside, abs=1e-4)


def test_bounds_at_unequal_looks_use_up_exactly_the_chance_given():
    times = [0.1, 0.15, 0.6, 1.0]
    for shape in ("pocock", "obrien_fleming"):
        found = chance_to_stop(plan_bounds(times, level=0.9, shape=shape), times)
        assert found[-1] == pytest.approx(0.1)
        assert (np.diff(found) > 0).all()


def test_an_interval_for_any_look_is_that_of_growthbook():
    # growthbook packages/stats/tests/frequentist/test_tests.py: relative, tuning 1,000.
    reach = always_valid_reach(0.33341, 3000 + 3461, planned=1000, level=LEVEL)
    assert 0.50336 - reach == pytest.approx(-0.55844, abs=1.5e-5)
    assert 0.50336 + reach == pytest.approx(1.56516, abs=1.5e-5)


def test_at_the_planned_number_it_is_half_as_wide_again_and_narrowest_for_its_tuning():
    own = always_valid_reach(1.0, 600, planned=600, level=LEVEL)
    assert own / normal_quantile(LEVEL) == pytest.approx(1.5486, abs=1e-4)
    for planned in (100, 300, 1200, 5000):
        assert always_valid_reach(1.0, 600, planned=planned, level=LEVEL) > own


def test_nobody_reaches_infinitely_far_and_only_the_ratio_to_the_plan_counts():
    assert always_valid_reach(1.0, 0, planned=5, level=LEVEL) == np.inf
    ten = always_valid_reach([1.0, 0.5], [10, 40], planned=40, level=LEVEL)
    assert ten == pytest.approx(always_valid_reach([1.0, 0.5], [1, 4], planned=4, level=LEVEL))


@pytest.mark.parametrize("times", [[], [0.0, 1.0], [0.5, 0.5], [0.6, 0.4], [0.5, 1.1]])
def test_looks_that_do_not_rise_to_the_end_are_refused(times):
    with pytest.raises(ValueError, match="must rise within"):
        plan_bounds(times, level=LEVEL, shape="pocock")


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="bounds: 1 for 2 looks"):
        chance_to_stop([2.0], [0.5, 1.0])
    for power in (0, 1):
        with pytest.raises(ValueError, match="power ="):
            price_of_looks([2.0], [1.0], level=LEVEL, power=power)
    with pytest.raises(ValueError, match="planned = 0"):
        always_valid_reach(1.0, 10, planned=0, level=LEVEL)
    with pytest.raises(ValueError, match="level"):
        always_valid_reach(1.0, 10, planned=10, level=1.0)
