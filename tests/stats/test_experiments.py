"""Experiments of two arms: by hand, against scipy and statsmodels, and simulated."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import ttest_ind
from siyu.stats.experiments import (
    adjusted_difference,
    adjusted_means,
    members_needed,
    sample_ratio_pvalue,
    upper_spread,
    welch_difference,
)


def test_welch_is_that_of_scipy():
    rng = np.random.default_rng(1)
    treated, control = rng.lognormal(0, 1, 60), rng.lognormal(0.2, 0.5, 25)
    found = welch_difference(treated, control, level=0.9)
    oracle = ttest_ind(treated, control, equal_var=False)
    interval = oracle.confidence_interval(0.9)
    assert found.value / found.error == pytest.approx(oracle.statistic)
    assert found.p == pytest.approx(oracle.pvalue)
    assert found.degrees == pytest.approx(oracle.df)
    assert (found.ci_lower, found.ci_upper) == pytest.approx((interval.low, interval.high))


def test_the_adjusted_difference_is_the_interacted_regression_with_hc2():
    rng = np.random.default_rng(2)
    before = rng.gamma(2, 10, 300)
    arm = (rng.random(300) < 0.8).astype(float)
    after = 5 + arm + (0.6 + 0.2 * arm) * before + rng.gamma(1, 8, 300)
    found = adjusted_difference(
        after[arm == 1],
        after[arm == 0],
        treated_before=before[arm == 1],
        control_before=before[arm == 0],
        level=0.95,
    )
    centred = before - before.mean()
    design = np.column_stack([np.ones(300), arm, centred, arm * centred])
    oracle = sm.OLS(after, design).fit(cov_type="HC2")
    assert found.value == pytest.approx(oracle.params[1])
    assert found.error == pytest.approx(oracle.bse[1])


def test_a_covariate_without_spread_changes_nothing():
    treated, control = np.array([1.0, 4.0, 2.0, 9.0]), np.array([0.0, 3.0, 1.0])
    plain = welch_difference(treated, control, level=0.95)
    found = adjusted_difference(
        treated, control, treated_before=[0] * 4, control_before=[0] * 3, level=0.95
    )
    assert (found.value, found.error) == pytest.approx((plain.value, plain.error))


def test_with_several_covariates_it_is_the_interacted_regression_too():
    rng = np.random.default_rng(4)
    before = [np.column_stack([rng.gamma(2, 10, n), rng.random(n) < 0.4]) for n in (80, 120)]
    after = [one @ [0.5, 3] + rng.gamma(1, 8, len(one)) for one in before]
    mean, variance, degrees = adjusted_means(after, before=before)
    both = np.concatenate(before) - np.concatenate(before).mean(axis=0)
    arm = np.repeat([0.0, 1.0], [80, 120])
    design = np.column_stack([np.ones(200), arm, both, arm[:, None] * both])
    oracle = sm.OLS(np.concatenate(after), design).fit(cov_type="HC2")
    assert mean[1] - mean[0] == pytest.approx(oracle.params[1])
    assert np.sqrt(variance.sum()) == pytest.approx(oracle.bse[1])
    assert degrees.tolist() == [77, 117]


def test_adjusted_for_strata_it_is_the_mean_of_strata_weighted_by_all_arms():
    """Stratum 1 holds half of all people: 0.5 x 1 + 0.5 x 4 in the first arm."""
    after = [np.array([1.0, 1, 1, 4]), np.array([2.0, 6, 6, 6])]
    stratum = [np.array([1, 1, 1, 0]), np.array([1, 0, 0, 0])]
    mean, _, _ = adjusted_means(after, before=stratum)
    assert mean == pytest.approx([2.5, 4.0])


def test_the_adjusted_mean_is_the_mean_less_theta_times_the_imbalance():
    """CUPED, with each arm's own theta = cov / var (Deng et al. 2013)."""
    rng = np.random.default_rng(5)
    before = [rng.gamma(2, 10, n) for n in (40, 70)]
    after = [0.5 * one + rng.normal(size=len(one)) for one in before]
    mean, _, _ = adjusted_means(after, before=before)
    centre = np.concatenate(before).mean()
    for own, y, x in zip(mean, after, before, strict=True):
        theta = np.cov(x, y)[0, 1] / x.var(ddof=1)
        assert own == pytest.approx(y.mean() - theta * (x.mean() - centre))


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_in_what_unit_the_outcome_and_the_covariate_are_counted_changes_nothing(unit):
    rng = np.random.default_rng(3)
    before = [rng.gamma(2, 10, n) for n in (40, 50)]
    after = [0.5 * one + rng.normal(size=len(one)) for one in before]

    def found(size, of_covariate):
        one = adjusted_difference(
            *(size * side for side in after),
            treated_before=of_covariate * before[0],
            control_before=of_covariate * before[1],
            level=0.95,
        )
        return one.value / size, one.error / size

    assert found(unit, 1) == pytest.approx(found(1, 1))
    assert found(1, unit) == pytest.approx(found(1, 1))


def test_a_covariate_that_is_the_same_for_all_changes_nothing_though_its_mean_is_rounded():
    treated, control = np.array([1.0, 4.0, 2.0, 9.0]), np.array([0.0, 3.0, 1.0])
    plain = welch_difference(treated, control, level=0.95)
    found = adjusted_difference(
        treated, control, treated_before=[0.1] * 4, control_before=[0.1] * 3, level=0.95
    )
    assert (found.value, found.error) == pytest.approx((plain.value, plain.error))


def test_arms_without_any_spread_have_no_interval():
    found = welch_difference([1, 1, 1], [0, 0], level=0.95)
    assert found.value == 1
    assert np.isnan([found.ci_lower, found.ci_upper, found.p]).all()


def test_the_sample_ratio_is_tested_on_who_was_drawn():
    """Kohavi, Tang and Xu (2020), ch. 21: 821,588 against 815,482 is no even draw, p = 1.8e-6."""
    assert sample_ratio_pvalue([821_588, 815_482], [0.5, 0.5]) == pytest.approx(1.8e-6, rel=0.03)
    assert sample_ratio_pvalue([900, 100], [9, 1]) == 1


def test_the_upper_spread_of_few_values_is_computed_by_hand():
    """Of -1 and 1 alike the variance is known: no kurtosis. Of 0, 0, 0, 4: 3, and 21 / 9 - 1."""
    assert upper_spread(1.0, 1.0, 10) == 1
    half = 1.281552 * np.sqrt((21 / 9 - 1) / 4) / 2
    assert upper_spread(3.0, 21.0, 4) == pytest.approx(np.sqrt(3) * np.exp(half), rel=1e-5)
    assert upper_spread(0.0, 0.0, 4) == 0


def test_members_needed_round_trip_through_power():
    """Evan Miller: 20% and 25%, power 80%: 1,094 an arm by the pooled formula; here unpooled."""
    spreads = np.sqrt([0.25 * 0.75, 0.2 * 0.8])
    both = members_needed(
        0.05, spread_treated=spreads[0], spread_control=spreads[1], share=0.5, level=0.95
    )
    assert both == pytest.approx(2 * 1_091, abs=3)


@pytest.mark.slow
def test_heavy_tailed_margins_are_covered_and_the_covariate_shortens_the_interval():
    rng = np.random.default_rng(7)
    plain, adjusted, pooled = [], [], []
    for _ in range(2_000):
        habit = rng.gamma(1, 1, 1_200)
        after = habit * rng.lognormal(0, 0.5, 1_200)
        before = habit * rng.lognormal(0, 0.5, 1_200)
        after[:1_000] *= 0.5  # the large arm has half the spread: its mean is half, too
        cut = slice(0, 1_000), slice(1_000, None)
        truth = -0.5 * np.exp(0.125)
        a, b = (after[side] for side in cut)
        one = welch_difference(a, b, level=0.95)
        two = adjusted_difference(
            a, b, treated_before=before[cut[0]], control_before=before[cut[1]], level=0.95
        )
        naive = ttest_ind(a, b).confidence_interval(0.95)
        for kept, ends in (
            (plain, (one.ci_lower, one.ci_upper)),
            (adjusted, (two.ci_lower, two.ci_upper)),
            (pooled, naive),
        ):
            kept.append((ends[0] <= truth <= ends[1], ends[1] - ends[0]))
    cover = [np.mean([hit for hit, _ in kept]) for kept in (plain, adjusted, pooled)]
    width = [np.mean([size for _, size in kept]) for kept in (plain, adjusted)]
    assert 0.935 <= cover[0] <= 0.965
    assert 0.93 <= cover[1] <= 0.965
    assert cover[2] < 0.8
    assert width[1] < 0.8 * width[0]


def test_what_cannot_be_read_is_an_error():
    with pytest.raises(ValueError, match="nobody in any arm"):
        sample_ratio_pvalue([0, 0], [0.5, 0.5])
    with pytest.raises(ValueError, match="must all be above 0"):
        sample_ratio_pvalue([1, 1], [1, 0])
    with pytest.raises(ValueError, match="an arm of 1 units must have at least 2"):
        welch_difference([1.0], [1.0, 2.0], level=0.95)
    for wrong, message in (
        ({"smallest": 0}, "smallest = 0 must be above 0"),
        ({"share": 1}, "share = 1 must lie"),
        ({"power": 0}, "power = 0 must lie"),
    ):
        given = {"smallest": 1, "spread_treated": 1, "spread_control": 1, "share": 0.5}
        given |= {"level": 0.95} | wrong
        with pytest.raises(ValueError, match=message):
            members_needed(given.pop("smallest"), **given)
