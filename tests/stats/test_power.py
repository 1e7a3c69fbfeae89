"""Sample sizes against published numbers and statsmodels."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm
from siyu.stats.power import smallest_found, units_needed
from statsmodels.stats.proportion import samplesize_proportions_2indep_onetail


def two_arms(rate: float, other: float, power: float) -> float:
    """People in each of two arms for two shares, pooled where there is no effect (Fleiss)."""
    pooled = (rate + other) / 2
    return units_needed(
        other - rate,
        null_variance=2 * pooled * (1 - pooled),
        variance=rate * (1 - rate) + other * (1 - other),
        critical=norm.ppf(0.975),
        power=power,
    )


def test_two_arms_need_what_the_help_of_r_says():
    # R, help(power.prop.test): power.prop.test(p1 = .50, p2 = .75, power = .90) gives n = 76.7.
    assert two_arms(0.5, 0.75, 0.9) == pytest.approx(76.7, abs=0.05)


def test_two_arms_need_what_statsmodels_says():
    # Its "onetail" is two-sided by default: 0.025 would give 90.8.
    theirs = samplesize_proportions_2indep_onetail(0.25, 0.5, 0.9, alpha=0.05)
    assert two_arms(0.5, 0.75, 0.9) == pytest.approx(theirs, abs=0.1)


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
        return two_arms(0.5, 0.75, power) - 50

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
