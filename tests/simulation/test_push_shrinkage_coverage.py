"""The best of 24 hours is flattered by chance; shrunk, it is not (statistics: winner's curse).

24 rates around 5% with a standard deviation of 0.2 points, 2,000 pushes each.
"""

import numpy as np
import pytest
from scipy.special import betaincinv, expit
from scipy.stats import beta
from siyu.stats.shrinkage import design_effect, shrink

pytestmark = pytest.mark.slow

LEVEL, REPLICATIONS, HOURS, PUSHES = 0.95, 2_000, 24, 2_000
MEAN, SPREAD = 0.05, 0.002
LEAST = LEVEL - 3 * np.sqrt(LEVEL * (1 - LEVEL) / REPLICATIONS)


@pytest.fixture(scope="module")
def worlds():
    """Per replication: the truths, what was counted, and the shrunk rates."""
    found = []
    for i in range(REPLICATIONS):
        rng = np.random.default_rng([8, i])
        truth = rng.normal(MEAN, SPREAD, HOURS)
        count = rng.binomial(PUSHES, truth)
        found.append((truth, count, shrink(count, np.full(HOURS, PUSHES), level=LEVEL)))
    return found


def test_the_best_shrunk_hour_is_not_flattered_and_covered(worlds):
    error, within = [], []
    for truth, _, shrunk in worlds:
        best = np.argmax(shrunk.rate)
        error.append(shrunk.rate[best] - truth[best])
        within.append(shrunk.ci_lower[best] <= truth[best] <= shrunk.ci_upper[best])
    assert abs(np.mean(error)) < 0.0012  # a tenth of a point, where the naive error is nine tenths
    assert np.mean(within) >= LEAST


def test_the_best_hour_as_counted_is_flattered_and_not_covered(worlds):
    error, within = [], []
    for truth, count, _ in worlds:
        best = np.argmax(count)
        rate = count[best] / PUSHES
        half = 1.96 * np.sqrt(rate * (1 - rate) / PUSHES)
        error.append(rate - truth[best])
        within.append(abs(rate - truth[best]) <= half)
    assert np.mean(error) > 0.008
    assert np.mean(within) < 0.75


def test_all_hours_are_covered_and_nearer_to_the_truth_than_as_counted(worlds):
    within = [(s.ci_lower <= truth) & (truth <= s.ci_upper) for truth, _, s in worlds]
    assert np.mean(within) >= LEAST
    shrunk = np.mean([(s.rate - truth) ** 2 for truth, _, s in worlds])
    counted = np.mean([(count / PUSHES - truth) ** 2 for truth, count, _ in worlds])
    assert shrunk < 0.3 * counted


def test_with_the_one_most_likely_prior_alone_hours_are_not_covered(worlds):
    """The textbook's short cut: no interval at all whenever chance makes the hours look alike."""
    within = []
    for truth, count, s in worlds:
        if np.isinf(s.alpha):
            within.append(truth == s.mean)
        else:
            lower, upper = (
                betaincinv(count + s.alpha, PUSHES - count + s.beta, p) for p in (0.025, 0.975)
            )
            within.append((lower <= truth) & (truth <= upper))
    assert np.mean(within) < 0.85
    assert np.mean([np.isinf(s.alpha) for *_, s in worlds]) > 0.2


def test_where_hours_differ_by_much_shrunk_intervals_are_as_wide_as_stated():
    within = []
    for i in range(REPLICATIONS):
        rng = np.random.default_rng([9, i])
        truth = np.clip(rng.normal(MEAN, 0.015, HOURS), 0.001, 1)
        shrunk = shrink(rng.binomial(PUSHES, truth), np.full(HOURS, PUSHES), level=LEVEL)
        within.append((shrunk.ci_lower <= truth) & (truth <= shrunk.ci_upper))
    assert 0.94 <= np.mean(within) <= 0.96


def test_rates_that_differ_a_little_are_covered_and_not_by_the_most_likely_prior_alone():
    """24 rates from Beta(12, 188), 500 times: a spread of 1.7 points, as wide as their errors."""
    within, naive = [], []
    for i in range(REPLICATIONS // 4):
        rng = np.random.default_rng([21, i])
        truth, n = rng.beta(12, 188, HOURS), rng.integers(50, 500, HOURS)
        count = rng.binomial(n, truth)
        shrunk = shrink(count, n, level=LEVEL)
        within.append((shrunk.ci_lower <= truth) & (truth <= shrunk.ci_upper))
        if np.isinf(shrunk.alpha):
            naive.append(truth == shrunk.mean)
        else:
            alone = beta.interval(LEVEL, count + shrunk.alpha, n - count + shrunk.beta)
            naive.append((alone[0] <= truth) & (truth <= alone[1]))
    assert 0.94 <= np.mean(within) <= 0.96
    assert np.mean(naive) < 0.93


def test_a_rate_of_alike_pushes_is_covered_by_the_design_effect_and_not_without():
    """1,000 users with about 10 pushes, how willing they are normal on the logit (pitfall 7)."""
    nodes = np.random.default_rng(0).normal(-3, 1, 1_000_000)
    truth = expit(nodes).mean()
    clustered, naive, cells = [], [], np.zeros(1_000, dtype=int)
    for i in range(REPLICATIONS):
        rng = np.random.default_rng([7, i])
        n = 1 + rng.poisson(9, 1_000)
        count = rng.binomial(n, expit(rng.normal(-3, 1, 1_000)))
        for found, deff in ((clustered, design_effect(count, n, cells)), (naive, 1.0)):
            told = shrink([count.sum()], [n.sum()], level=LEVEL, deff=deff)
            found.append(told.ci_lower[0] <= truth <= told.ci_upper[0])
    assert 0.94 <= np.mean(clustered) <= 0.96
    assert np.mean(naive) < 0.92
