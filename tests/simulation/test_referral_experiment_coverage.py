"""Rewards by lot: whole trees are covered as stated; friends drawn one by one lose half the effect.

Everybody invites a Poisson number of friends, .5 with the one reward and .6 with the other, for six
generations. A seed then brings .4456 more new members with the second.
"""

import numpy as np
import pytest
from scipy.stats import t
from siyu.stats.many_to_one import compare_with_control, welch_degrees
from siyu.stats.power import lift_shares, power_of_lift

pytestmark = pytest.mark.slow

REPLICATIONS, SEEDS, DEPTH = 2_000, 2_000, 6
K = (0.5, 0.6)
TRUTH = sum(K[1] ** g - K[0] ** g for g in range(1, DEPTH + 1))


def grow(rng, k, many, *, drawn_again):
    """Sizes of trees of so many seeds of one reward, for every replication in turn."""
    now, total = np.ones(many), np.zeros(many)
    for generation in range(DEPTH):
        rate = k * now
        if drawn_again and generation:
            second = rng.binomial(now.astype(np.int64), 0.5)
            rate = K[0] * (now - second) + K[1] * second
        now = rng.poisson(rate).astype(float)
        total += now
    return total


def replicate(seed, *, drawn_again):
    """Differences of means with the half width of Welch's interval."""
    rng, rows = np.random.default_rng(seed), []
    for _ in range(REPLICATIONS):
        arms = [grow(rng, k, SEEDS // 2, drawn_again=drawn_again) for k in K]
        mean, variance = (np.array([f(arm) for arm in arms]) for f in (np.mean, spread))
        free = welch_degrees(variance, np.array([SEEDS // 2 - 1] * 2))[0]
        rows.append((mean[1] - mean[0], t.ppf(0.975, free) * np.sqrt(variance.sum())))
    return np.array(rows).T


def spread(arm):
    return arm.var(ddof=1) / len(arm)


def test_the_truth_is_the_one_of_the_brief():
    assert pytest.approx(0.4456, abs=5e-5) == TRUTH


def test_the_half_width_is_the_one_the_study_uses():
    rng = np.random.default_rng(1)
    arms = [grow(rng, k, 500, drawn_again=False) for k in K]
    variance = np.array([spread(arm) for arm in arms])
    free = welch_degrees(variance, np.array([499, 499]))
    found = compare_with_control([arm.mean() for arm in arms], variance, degrees=free, level=0.95)
    half = t.ppf(0.975, free[0]) * np.sqrt(variance.sum())
    assert float(found["ci_upper"][0] - found["difference"][0]) == pytest.approx(half, rel=1e-4)


def test_whole_trees_by_the_arm_of_their_seed_are_covered_as_stated():
    difference, half = replicate(2, drawn_again=False)
    assert 0.94 <= (np.abs(difference - TRUTH) <= half).mean() <= 0.96
    assert abs(difference.mean() - TRUTH) < 0.1 * difference.std()


def test_friends_drawn_one_by_one_lose_half_of_the_effect():
    """Within each tree the rewards mix: an inviter's friends are partly those of the other."""
    difference, half = replicate(3, drawn_again=True)
    assert difference.mean() / TRUTH - 1 == pytest.approx(-0.51, abs=0.02)
    assert (np.abs(difference - TRUTH) <= half).mean() < 0.6


def test_the_power_of_a_lift_is_that_of_experiments_drawn_by_hand():
    """Against Welch's test of samples, one experiment at a time."""
    values, counts = np.array([0.0, 1, 2, 5, 9]), np.array([800, 100, 60, 30, 10])
    shares = [counts / counts.sum(), lift_shares(values, counts, lift=0.5)]
    assert shares[1] @ values == pytest.approx(1.5 * (shares[0] @ values))
    rng, told = np.random.default_rng(4), 0
    for _ in range(600):
        arms = [rng.choice(values, 400, p=share) for share in shares]
        gap = arms[1].mean() - arms[0].mean()
        told += abs(gap) > 1.96 * np.sqrt(sum(spread(arm) for arm in arms))
    found = power_of_lift(values, counts, lift=0.5, n=800, level=0.95)
    assert found == pytest.approx(told / 600, abs=0.06)
    none = power_of_lift(values, counts, lift=1e-6, n=800, level=0.95)
    assert none == pytest.approx(0.05, abs=0.025)


@pytest.mark.parametrize("lift", [0.0, 100.0])
def test_a_lift_that_cannot_be_is_an_error(lift):
    with pytest.raises(ValueError, match="lift"):
        lift_shares([0, 1, 2], [5, 3, 1], lift=lift)
