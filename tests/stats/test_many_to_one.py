"""Arms against a control: published, by hand, against other routes, and what is asked amiss."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import chi2, norm, t
from siyu.stats.experiments import welch_difference
from siyu.stats.many_to_one import (
    chance_best,
    compare_shares_with_control,
    compare_with_control,
    crossover_pvalue,
    expected_loss,
    heterogeneity_pvalue,
    welch_degrees,
)
from statsmodels.stats.oneway import anova_oneway


def reach(found):
    """The critical value of each row."""
    return ((found["ci_upper"] - found["difference"]) / found["error"]).tolist()


def test_with_one_arm_it_is_welchs_comparison():
    rng = np.random.default_rng(1)
    control, arm = rng.lognormal(0, 1, 30), rng.lognormal(1, 0.5, 12)
    variances = [side.var(ddof=1) / len(side) for side in (control, arm)]
    free = welch_degrees(variances, [29, 11])
    (row,) = compare_with_control(
        [control.mean(), arm.mean()], variances, degrees=free, level=0.9
    ).itertuples()
    plain = welch_difference(arm, control, level=0.9)
    assert (row.difference, row.degrees) == pytest.approx((plain.value, plain.degrees))
    assert (row.ci_lower, row.ci_upper) == pytest.approx((plain.ci_lower, plain.ci_upper))
    assert (row.p, row.p_joint) == pytest.approx((plain.p, plain.p))


@pytest.mark.parametrize(("arms", "critical"), [(2, 2.212), (3, 2.349), (9, 2.686)])
def test_with_equal_arms_and_known_spread_it_is_dunnetts_critical_value(arms, critical):
    """Two-sided, correlation 1/2, 95%, infinite degrees: 2.21, 2.35, 2.69 in Dunnett (1964)."""
    found = compare_with_control([0] * (arms + 1), [1] * (arms + 1), degrees=np.inf, level=0.95)
    assert reach(found) == pytest.approx([critical] * arms, abs=6e-4)


@pytest.mark.parametrize(("free", "critical"), [(5, 3.03), (12, 2.50), (20, 2.38), (60, 2.27)])
def test_with_few_degrees_it_is_the_published_table(free, critical):
    """Dunnett (1964), Biometrics 20, 482-491: two-sided, two arms and a control, 95%."""
    found = compare_with_control([0] * 3, [1] * 3, degrees=free, level=0.95)
    assert reach(found) == pytest.approx([critical] * 2, abs=0.0051)


def test_a_precise_control_leaves_independent_comparisons():
    """Without any spread of the control the comparisons have nothing in common: Sidak."""
    found = compare_with_control([0, 1, 2], [0, 1, 4], degrees=np.inf, level=0.95)
    assert reach(found) == pytest.approx([norm.ppf((1 + 0.95**0.5) / 2)] * 2, abs=1e-6)


def test_an_imprecise_control_leaves_one_comparison():
    """All comparisons then err alike, nearly as one, for which Student's quantile is enough."""
    found = compare_with_control([0, 1, 2], [1, 1e-9, 1e-9], degrees=7, level=0.95)
    (first, second), one = reach(found), t.ppf(0.975, 7)
    assert one < first == pytest.approx(second)
    assert first < 1.05 * one


def test_the_joint_chance_is_that_of_a_simulation_where_spreads_differ():
    rng = np.random.default_rng(2)
    variances, free = np.array([2.0, 0.3, 5.0]), 6.0
    found = compare_with_control([0, 2, 2], variances, degrees=free, level=0.95)
    means = rng.normal(0, np.sqrt(variances), (400_000, 3))
    scale = np.sqrt(rng.chisquare(free, 400_000) / free)
    drawn = (means[:, 1:] - means[:, :1]) / np.sqrt(variances[1:] + variances[0]) / scale[:, None]
    largest = np.abs(drawn).max(axis=1)
    assert (largest <= reach(found)[0]).mean() == pytest.approx(0.95, abs=0.0015)
    assert (largest >= found["statistic"][0]).mean() == pytest.approx(
        found["p_joint"][0], abs=0.003
    )


def test_scaling_keeps_p_and_swapping_arms_swaps_rows():
    once = compare_with_control([5, 7, 4], [1, 2, 3], degrees=[20, 30], level=0.95)
    scaled = compare_with_control([50, 70, 40], [100, 200, 300], degrees=[20, 30], level=0.95)
    swapped = compare_with_control([5, 4, 7], [1, 3, 2], degrees=[30, 20], level=0.95)
    assert scaled[["p", "p_joint"]].to_numpy() == pytest.approx(once[["p", "p_joint"]].to_numpy())
    assert scaled["ci_upper"].tolist() == pytest.approx((10 * once["ci_upper"]).tolist())
    assert swapped[::-1].to_numpy() == pytest.approx(once.to_numpy())
    assert (once["p_joint"] > once["p"]).all()


def test_a_comparison_without_spread_is_none_and_costs_the_others_nothing():
    flat = compare_with_control([1, 2, 3], [0, 0, 1], degrees=np.inf, level=0.95)
    assert flat.loc[0, ["p", "p_joint", "ci_lower"]].isna().all()
    assert flat.loc[0, "difference"] == 1
    assert flat.loc[1, "ci_lower"] == pytest.approx(2 - norm.ppf(0.975), abs=1e-6)


def test_the_chance_to_be_best_is_that_of_two_normals():
    """The difference of 3 has the error sqrt(9 + 16) = 5: Phi(0.6) = .7257."""
    assert chance_best([10, 7], [9, 16]) == pytest.approx([norm.cdf(0.6), norm.cdf(-0.6)], abs=1e-6)
    assert chance_best([1, 1, 1, 1], [2, 2, 2, 2]) == pytest.approx([0.25] * 4)
    rng = np.random.default_rng(3)
    drawn = rng.normal([1, 2, 1.5], [1, 2, 0.5], (400_000, 3)).argmax(axis=1)
    assert chance_best([1, 2, 1.5], [1, 4, 0.25]) == pytest.approx(
        np.bincount(drawn) / 400_000, abs=0.003
    )


def test_the_loss_to_be_expected_is_that_of_two_normals():
    """E max(0, D) of D ~ N(d, s^2) is d Phi(d/s) + s phi(d/s)."""
    apart, error = 0.7, np.hypot(0.6, 0.8)
    ahead = apart * norm.cdf(apart / error) + error * norm.pdf(apart / error)
    found = expected_loss([2.0, 1.3], [0.36, 0.64])
    assert found == pytest.approx([ahead - apart, ahead], abs=1e-6)
    assert expected_loss([5.0], [1.0]) == pytest.approx([0.0], abs=1e-12)


def test_of_one_share_and_its_control_it_is_newcombes_interval_and_mid_p():
    found = compare_shares_with_control([48, 56], [80, 70], level=0.95)
    assert found.loc[0, "difference"] == pytest.approx(0.2)
    assert found.loc[0, ["ci_lower", "ci_upper"]].tolist() == pytest.approx(
        [0.0524, 0.3339], abs=5e-5
    )  # Newcombe (1998), method 10
    assert found.loc[0, "p"] == found.loc[0, "p_holm"]


def test_joint_intervals_of_shares_are_dunnetts_where_there_are_many():
    count, n = [1_000, 1_100, 1_000, 950], [10_000] * 4
    found = compare_shares_with_control(count, n, level=0.95)
    share = np.array(count) / n
    normal = compare_with_control(share, share * (1 - share) / n, degrees=np.inf, level=0.95)
    ends = ["ci_lower", "ci_upper"]
    assert found[ends].to_numpy() == pytest.approx(normal[ends].to_numpy(), abs=1e-4)
    assert found["p"].to_numpy() == pytest.approx(normal["p"].to_numpy(), rel=0.1)
    assert (found["p_holm"] >= found["p"]).all()


def test_nobody_in_an_arm_is_an_error_and_none_who_converts_is_not():
    with pytest.raises(ValueError, match="leave out those without"):
        compare_shares_with_control([0, 2], [0, 9], level=0.95)
    found = compare_shares_with_control([0, 0, 0], [40, 40, 40], level=0.95)
    assert (found["ci_lower"] < 0).all()
    assert (found["ci_upper"] > 0).all()
    assert (found["p_holm"] == 1).all()


def test_differing_means_are_those_of_welchs_analysis_of_variance():
    rng = np.random.default_rng(4)
    groups = [rng.normal(0, spread, n) for spread, n in ((1, 8), (3, 20), (2, 14))]
    found = heterogeneity_pvalue(
        [one.mean() for one in groups],
        [one.std(ddof=1) / np.sqrt(len(one)) for one in groups],
        [len(one) - 1 for one in groups],
    )
    assert found == pytest.approx(anova_oneway(groups, use_var="unequal").pvalue)


def test_with_known_errors_it_is_cochrans_q():
    """Effects 0 and 3 with errors 1 and 2: Q = 3² / (1 + 4) = 1.8 on one degree of freedom."""
    found = heterogeneity_pvalue([0, 3], [1, 2], [np.inf, np.inf])
    assert found == pytest.approx(chi2.sf(1.8, 1))


@pytest.mark.parametrize(("groups", "critical"), [(2, 2.71), (3, 4.23), (4, 5.43), (5, 6.50)])
def test_opposite_effects_have_the_critical_values_of_gail_and_simon(groups, critical):
    """Their table 1, 5%: the sum of squares on the weaker side, in groups of error 1."""
    values = [np.sqrt(critical), *[-9] * (groups - 1)]
    assert crossover_pvalue(values, [1] * groups) == pytest.approx(0.05, abs=2e-4)


def test_effects_on_one_side_do_not_cross():
    assert crossover_pvalue([1, 5, 0], [1, 1, 1]) == 1
    assert crossover_pvalue([-1, -5], [1, 1]) == 1


def test_what_cannot_be_compared_is_an_error():
    for call in (
        lambda: compare_with_control([1], [1], degrees=5, level=0.95),
        lambda: heterogeneity_pvalue([1], [1], [5]),
        lambda: crossover_pvalue([1], [1]),
    ):
        with pytest.raises(ValueError, match=r"1 (arm|group) must be at least 2"):
            call()
    with pytest.raises(ValueError, match="must not be below 0"):
        compare_with_control([1, 2], [1, -1], degrees=5, level=0.95)
    with pytest.raises(ValueError, match="level = 1"):
        compare_with_control([1, 2], [1, 1], degrees=5, level=1)


def test_the_integral_over_the_scale_is_exact():
    """Of one comparison it is Student's distribution, down to few degrees and far out."""
    for free, bound in ((3.0, 0.5), (3.0, 9.0), (27.4, 4.0), (900.0, 2.0)):
        found = compare_with_control([0, bound], [0.5, 0.5], degrees=free, level=0.95)
        exact = quad(lambda x, free=free: t.pdf(x, free), -bound, bound, epsabs=1e-12)[0]
        assert found["p_joint"][0] == pytest.approx(1 - exact, abs=5e-6)
