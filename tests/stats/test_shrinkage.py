import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import beta, betabinom
from siyu.stats.shrinkage import design_effect, fit_prior, shrink

LEVEL = 0.95
MIXED = ([2, 12, 5, 30, 9], [100, 110, 90, 120, 80])


def test_the_prior_is_that_of_maximum_likelihood():
    """Against scipy's own beta-binomial distribution, maximised without our slopes."""
    count, n = map(np.array, MIXED)

    def loss(x):
        return -betabinom.logpmf(count, n, *np.exp(x)).sum()

    other = minimize(loss, [0.0, 2.0], method="Nelder-Mead", options={"xatol": 1e-9})
    found = fit_prior(count, n)
    assert found[:2] == pytest.approx(np.exp(other.x), rel=1e-4)
    assert found[2] == pytest.approx(found[0] / (found[0] + found[1]))


def test_a_rate_lies_between_its_own_and_what_the_others_are_like():
    count, n = map(np.array, MIXED)
    found = shrink(count, n, level=LEVEL)
    own = count / n
    far = np.abs(own - found.mean) > 0.02
    assert far.sum() == 3
    assert ((found.rate - own) * (found.rate - found.mean) < 0)[far].all()
    assert (found.ci_lower < found.rate).all()
    assert (found.rate < found.ci_upper).all()


def test_posteriors_are_those_of_brute_force_over_a_fine_grid_of_priors():
    """Mean and variance of each rate by summing over 400 x 400 priors."""
    count, n = (np.array(one, dtype=float) for one in MIXED)
    spread, mean = (np.arange(400) + 0.5) / 400, (np.arange(400) + 0.5) / 400
    spread, mean = np.meshgrid(0.6 * spread, 0.5 * mean)
    size = 1 / spread**2 - 1
    a, b = mean * size, (1 - mean) * size
    log = sum(betabinom.logpmf(k, m, a, b) for k, m in zip(count, n, strict=True))
    weight = np.exp(log - log.max()) / np.sqrt(mean * (1 - mean))
    weight /= weight.sum()
    wider = weight * spread / (weight * spread).sum()  # uniform in its square, the correlation
    shrunk = shrink(count, n, level=LEVEL)
    for i, (k, m) in enumerate(zip(count, n, strict=True)):
        rate = (k + a) / (m + size)
        mean = (weight * rate).sum()
        variance = (wider * (rate * (1 - rate) / (m + size + 1) + (rate - mean) ** 2)).sum()
        own = mean * (1 - mean) / variance - 1
        assert shrunk.rate[i] == pytest.approx(mean, abs=5e-4)
        ends = beta.interval(LEVEL, mean * own, (1 - mean) * own)
        assert (shrunk.ci_lower[i], shrunk.ci_upper[i]) == pytest.approx(ends, abs=2e-3)


def test_few_trials_lean_more():
    found = shrink([1, 10, 100, 40], [2, 100, 1000, 500], level=LEVEL)
    assert found.rate[0] < 0.2 < 0.5
    assert found.rate[2] == pytest.approx(0.1, abs=0.005)


def test_rates_no_wider_apart_than_chance_have_a_prior_without_spread_yet_intervals_with_one():
    found = shrink([5, 5, 6], [100, 100, 100], level=LEVEL)
    assert (found.alpha, found.beta) == (np.inf, np.inf)
    assert found.mean == pytest.approx(16 / 300)
    pooled = beta.interval(LEVEL, 16.5, 284.5)
    assert (found.ci_upper - found.ci_lower > pooled[1] - pooled[0]).all()


def test_the_prior_has_a_spread_where_rates_lie_further_apart_than_chance_puts_two():
    """Two of 100,000 at 5%: chance puts them 69 successes to either side of the middle."""
    n = np.full(2, 100_000)
    assert fit_prior([4_932, 5_068], n) == (np.inf, np.inf, 0.05)
    alpha, beta_, mean = fit_prior([4_800, 5_200], n)
    assert mean == pytest.approx(0.05)
    # Deviations of 0.2 points, of which chance explains 0.069 points squared.
    spread = np.sqrt(mean * (1 - mean) / (alpha + beta_ + 1))
    assert spread == pytest.approx(np.sqrt(0.002**2 - 0.05 * 0.95 / 100_000), rel=0.01)


def test_a_cell_without_trials_has_what_is_to_be_expected_there():
    found = shrink([*MIXED[0], 0], [*MIXED[1], 0], level=LEVEL)
    assert found.rate[-1] == pytest.approx(found.mean, abs=0.03)
    assert found.ci_upper[-1] - found.ci_lower[-1] > max(found.ci_upper[:-1] - found.ci_lower[:-1])
    assert found.rate[:-1] == pytest.approx(shrink(*MIXED, level=LEVEL).rate)


def test_one_cell_leans_on_nothing():
    """Jeffreys, 3 of 10: 0.0927 to 0.6058."""
    found = shrink([3, 0], [10, 0], level=LEVEL)
    assert found.rate[0] == pytest.approx(0.3)
    assert (found.ci_lower[0], found.ci_upper[0]) == pytest.approx((0.0927, 0.6058), abs=5e-5)
    assert np.isnan([found.rate[1], found.ci_lower[1], found.ci_upper[1]]).all()


@pytest.mark.parametrize("all_of_them", [False, True])
def test_where_all_trials_end_alike_each_cell_has_its_own_interval(all_of_them):
    n = np.array([50, 20])
    found = shrink(n * all_of_them, n, level=LEVEL)
    width = beta.ppf(0.975, 0.5, n + 0.5)
    assert found.rate.tolist() == [float(all_of_them)] * 2
    lower, upper = found.ci_lower, found.ci_upper
    if all_of_them:
        lower, upper = 1 - upper, 1 - lower
    assert lower.tolist() == [0, 0]
    assert upper == pytest.approx(width)


def test_the_order_of_cells_does_not_matter_and_a_design_effect_is_as_many_fewer_trials():
    count, n = (4 * np.array(one) for one in MIXED)
    found = shrink(count, n, level=LEVEL, deff=4)
    assert found.rate == pytest.approx(shrink(*MIXED, level=LEVEL).rate)
    assert found.rate[::-1] == pytest.approx(shrink(count[::-1], n[::-1], level=LEVEL, deff=4).rate)
    assert (found.ci_upper > shrink(count, n, level=LEVEL).ci_upper).all()


@pytest.mark.parametrize(
    ("count", "n", "level", "deff", "told"),
    [
        ([1], [2], 1.0, 1, "level = 1.0 must"),
        ([3], [2], LEVEL, 1, "must not exceed"),
        ([0.5], [2], LEVEL, 1, "whole number"),
        ([0, 0], [0, 0], LEVEL, 1, "n = 0 in every cell"),
        ([1, 2], [4, 4], LEVEL, 0.9, "deff = 0.9 must be at least 1"),
    ],
)
def test_what_cannot_be_is_refused(count, n, level, deff, told):
    with pytest.raises(ValueError, match=told):
        shrink(count, n, level=level, deff=deff)


def test_the_design_effect_of_persons_who_always_or_never_succeed_is_their_number_of_trials():
    """Four persons with 5 trials each, two always: 4 * 6.25 * 4 / 3 over 20 / 4."""
    found = design_effect([5, 0, 5, 0], [5, 5, 5, 5], [0, 0, 0, 0])
    assert found == pytest.approx(5 * 4 / 3)


def test_the_design_effect_is_one_where_nothing_can_be_told_or_trials_are_less_than_alike():
    assert design_effect([1, 0], [2, 2], [0, 1]) == 1
    assert design_effect([0, 0], [2, 2], [0, 0]) == 1
    assert design_effect([1, 1, 1], [2, 2, 2], [0, 0, 0]) == 1
