"""Fieller's set: a published example, the test inverted on a grid, and all three kinds."""

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student
from siyu.stats.clusters import clustered_means
from siyu.stats.fieller import fieller, ratio_of_differences, ratio_of_means

LEVEL = 0.95
CASES = {
    "bounded": (3.0, 4.0, [[0.4, 0.1], [0.1, 0.5]]),
    "both negative": (-3.0, -4.0, [[0.4, -0.1], [-0.1, 0.5]]),
    "falling": (-3.0, 4.0, [[0.4, 0.3], [0.3, 0.5]]),
    "exclusive": (5.0, 0.4, [[0.4, 0.1], [0.1, 0.5]]),
    "exclusive, less": (5.0, -0.4, [[0.4, -0.1], [-0.1, 0.5]]),
    "unbounded": (0.5, 0.4, [[0.4, 0.1], [0.1, 0.5]]),
}
PATCH = np.array(
    # the new patch less the old, and the old less the placebo, of eight subjects
    [(-1200, 8406), (2601, 2342), (-2705, 8187), (1982, 8459), (-1290, 4795), (351, 3516),
     (-638, 4796), (-2719, 10238)]
)  # fmt: skip


def test_the_hormone_patches_have_the_published_interval():
    """Efron and Tibshirani (1993), An Introduction to the Bootstrap, ch. 25: 90%, t with 7."""
    found = ratio_of_means(clustered_means(PATCH), level=0.9)
    assert found.value == pytest.approx(-0.0713, abs=5e-5)
    assert (found.ci_lower, found.ci_upper) == pytest.approx((-0.249, 0.170), abs=5e-4)
    assert found.kind == "bounded"


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("degrees", [np.inf, 7])
def test_the_set_is_all_ratios_that_the_test_does_not_reject(case, degrees):
    """The oracle: of a grid of ratios, test for each that numerator - ratio x denominator is 0."""
    up, down, covariance = CASES[case]
    found = fieller(up, down, covariance=covariance, level=LEVEL, degrees=degrees)
    grid = np.linspace(-60, 60, 4001)
    error = np.sqrt(covariance[0][0] - 2 * grid * covariance[0][1] + grid**2 * covariance[1][1])
    kept = np.abs(up - grid * down) <= student.ppf(0.975, degrees) * error
    assert [found.holds(one) for one in grid] == kept.tolist()
    if np.isinf(degrees):
        assert found.kind == case.split(",")[0].replace("both negative", "bounded").replace(
            "falling", "bounded"
        )
    assert found.kind == "unbounded" or found.holds(up / down)


def test_with_a_known_denominator_it_is_the_interval_of_the_numerator():
    found = fieller(3.0, 2.0, covariance=[[0.25, 0], [0, 0]], level=LEVEL)
    half = norm.ppf(0.975) * 0.5 / 2
    assert (found.ci_lower, found.ci_upper) == pytest.approx((1.5 - half, 1.5 + half))


def test_without_any_error_the_set_is_the_ratio():
    found = fieller(3.0, 2.0, covariance=np.zeros((2, 2)), level=LEVEL)
    assert (found.kind, found.ci_lower, found.ci_upper) == ("bounded", 1.5, 1.5)


def test_a_denominator_that_is_0_for_sure_leaves_no_ratio():
    found = fieller(3.0, 0.0, covariance=np.zeros((2, 2)), level=LEVEL)
    assert found.kind == "unbounded"
    assert np.isnan(found.value)


def test_in_another_currency_the_ends_are_in_that_currency():
    up, down, covariance = CASES["bounded"]
    plain = fieller(up, down, covariance=covariance, level=LEVEL)
    scale = np.outer([7.1, 1], [7.1, 1])
    dollars = fieller(7.1 * up, down, covariance=covariance * scale, level=LEVEL)
    assert dollars.ci_lower == pytest.approx(7.1 * plain.ci_lower)
    assert dollars.ci_upper == pytest.approx(7.1 * plain.ci_upper)


def test_the_ratio_turned_over_has_the_set_turned_over():
    up, down, covariance = CASES["bounded"]
    plain = fieller(up, down, covariance=covariance, level=LEVEL)
    turned = fieller(down, up, covariance=np.flip(covariance), level=LEVEL)
    assert (1 / turned.ci_upper, 1 / turned.ci_lower) == pytest.approx(
        (plain.ci_lower, plain.ci_upper)
    )


def test_two_groups_that_swap_places_have_the_same_price_of_one_more():
    rng = np.random.default_rng(1)
    one, other = (clustered_means(rng.normal(mean, 1, (200, 2))) for mean in ([3, 2], [1, 1]))
    there = ratio_of_differences(one, other, level=LEVEL)
    back = ratio_of_differences(other, one, level=LEVEL)
    assert (there.ci_lower, there.ci_upper) == pytest.approx((back.ci_lower, back.ci_upper))


def test_the_set_of_one_more_is_where_welch_s_test_of_net_costs_does_not_reject():
    """At the ends of the set, costs less the ratio times the effect do not differ: two routes."""
    rng = np.random.default_rng(2)
    sides = [
        np.column_stack([rng.gamma(2, 5 + i, 300), rng.random(300) < 0.3 + 0.2 * i]) for i in (0, 1)
    ]
    found = ratio_of_differences(*(clustered_means(one) for one in sides[::-1]), level=LEVEL)
    for end in (found.ci_lower, found.ci_upper):
        low, high = (one[:, 0] - end * one[:, 1] for one in sides)
        error = np.sqrt(low.var(ddof=1) / 300 + high.var(ddof=1) / 300)
        assert abs(high.mean() - low.mean()) / error == pytest.approx(1.96, abs=0.01)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"level": 1.0}, "level"),
        ({"degrees": 0.0}, "degrees"),
        ({"covariance": [[1, 0]]}, "2 x 2"),
        ({"covariance": [[1, 0], [0, -1]]}, "0 or more"),
    ],
)
def test_what_cannot_be_is_refused(wrong, said):
    asked = {"covariance": np.eye(2), "level": LEVEL} | wrong
    with pytest.raises(ValueError, match=said):
        fieller(1.0, 2.0, **asked)
