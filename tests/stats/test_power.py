"""Sample sizes against published numbers and statsmodels."""

import numpy as np
import pytest
from scipy.optimize import brentq
from siyu.stats.power import arm_size, smallest_found, units_needed
from statsmodels.stats.proportion import samplesize_proportions_2indep_onetail


def test_two_arms_need_what_the_help_of_r_says():
    # R, help(power.prop.test): power.prop.test(p1 = .50, p2 = .75, power = .90) gives n = 76.7.
    assert arm_size(0.5, 0.75, arms=2, level=0.95, power=0.9) == pytest.approx(76.7, abs=0.05)


def test_two_arms_need_what_statsmodels_says():
    # Its "onetail" is two-sided by default: 0.025 would give 90.8.
    theirs = samplesize_proportions_2indep_onetail(0.25, 0.5, 0.9, alpha=0.05)
    assert arm_size(0.5, 0.75, arms=2, level=0.95, power=0.9) == pytest.approx(theirs, abs=0.1)


def test_an_arm_against_many_by_hand():
    # Five arms: z(0.05 / 10) = 2.5758, z(0.8) = 0.8416; pooled 0.052 x 0.948 x 1.25,
    # own 0.06 x 0.94 + 0.05 x 0.95 / 4.
    null, real = 0.052 * 0.948 * 1.25, 0.06 * 0.94 + 0.05 * 0.95 / 4
    by_hand = (2.5758 * null**0.5 + 0.8416 * real**0.5) ** 2 / 0.01**2
    assert arm_size(0.05, 0.06, arms=5, level=0.95, power=0.8) == pytest.approx(by_hand, rel=1e-4)


def test_clusters_need_as_many_times_more():
    once = arm_size(0.05, 0.06, arms=5, level=0.95, power=0.8)
    assert arm_size(0.05, 0.06, arms=5, level=0.95, power=0.8, deff=1.5) == pytest.approx(
        1.5 * once
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"rate": 0}, "rate = 0 must lie strictly"),
        ({"other_rate": 1.0}, "other_rate = 1 must lie"),
        ({"power": 1.0}, "power = 1 must lie"),
        ({"other_rate": 0.05}, "must differ from rate"),
        ({"arms": 1}, "arms = 1 must be at least 2"),
    ],
)
def test_what_cannot_be_is_refused(wrong, said):
    asked = {"rate": 0.05, "other_rate": 0.06, "arms": 3, "level": 0.95, "power": 0.8} | wrong
    rates = asked.pop("rate"), asked.pop("other_rate")
    with pytest.raises(ValueError, match=said):
        arm_size(*rates, **asked)


def test_a_fifth_and_five_points_need_what_evan_miller_says():
    # His calculator (evanmiller.org/ab-testing/sample-size.html) takes the null variance at the
    # baseline: 20% and 5 points, power 80%: 1,030.
    found = units_needed(
        0.05, null_variance=2 * 0.16, variance=0.16 + 0.1875, critical=1.959964, power=0.8
    )
    assert found == pytest.approx(1_030, abs=0.5)


def test_fifty_in_each_arm_have_the_power_that_r_says():
    # R, help(power.prop.test): power.prop.test(n = 50, p1 = .50, p2 = .75) gives power = 0.740.
    def lacking(power):
        return arm_size(0.5, 0.75, arms=2, level=0.95, power=power) - 50

    assert brentq(lacking, 0.5, 0.95) == pytest.approx(0.740, abs=0.0005)


def test_the_smallest_effect_found_needs_exactly_what_there_is():
    def needed(effect):
        return units_needed(effect, null_variance=2, variance=2, critical=1.96, power=0.8)

    assert needed(smallest_found(needed, 300, most=5)) == pytest.approx(300)
    assert np.isnan(smallest_found(needed, 300, most=0.1))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"difference": 0.0}, "difference = 0"),
        ({"power": 0}, "power = 0"),
        ({"variance": -1.0}, "must not be below 0"),
    ],
)
def test_a_comparison_that_cannot_be_sized_is_refused(wrong, said):
    asked = {"difference": 0.1, "null_variance": 1, "variance": 1, "critical": 1.96, "power": 0.8}
    asked |= wrong
    with pytest.raises(ValueError, match=said):
        units_needed(asked.pop("difference"), **asked)
