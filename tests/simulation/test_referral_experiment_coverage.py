"""Rewards by lot: whole trees are covered as stated; friends drawn one by one lose half the effect.

Everybody invites a Poisson number of friends, .5 with the one reward and .6 with the other, for six
generations. A seed then brings .4456 more new members with the second.
"""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from siyu.stats.many_to_one import compare_with_control, welch_degrees
from siyu.stats.power import lift_shares, power_of_lift
from siyu.stats.sequential import always_valid_reach
from siyu.studies.referral.sides.estimate import compare_sides
from siyu.studies.referral.sides.measure import Measures

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


def looks_of(rng, times, weeks, each):
    """Trees of seeds drawn over weeks under two equal rewards: a row per experiment and seed."""
    many = times * weeks * each
    return [grow(rng, K[0], many, drawn_again=False).reshape(times, -1) for _ in K]


def half_widths(arms, weeks, each):
    """Differences at each weekly look, with the reach of a single look and of any look."""
    n = each * np.arange(1, weeks + 1)
    sums, squares = (
        np.stack([(arm**power).cumsum(axis=1)[:, n - 1] for arm in arms]) for power in (1, 2)
    )
    mean = sums / n
    error = np.sqrt(((squares / n - mean**2) / (n - 1)).sum(axis=0))
    single = t.ppf(0.975, 2 * n - 2) * error
    many = always_valid_reach(error, 2 * n, planned=2 * n[-1], level=0.95)
    many[:, -1] = single[:, -1]  # everybody has been followed
    return mean[1] - mean[0], single, many


def test_a_reward_that_is_acted_on_at_the_first_look_that_allows_it_is_no_oftener_wrong():
    """12 weekly reports; both rewards do the same, and whatever is called clear is wrong."""
    times, weeks, each = 1_500, 12, 80
    arms = looks_of(np.random.default_rng(6), times, weeks, each)
    difference, single, many = half_widths(arms, weeks, each)
    naive, ours = ((np.abs(difference) > reach).any(axis=1).mean() for reach in (single, many))
    assert naive > 0.15
    assert ours <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / times)


@pytest.mark.parametrize(("week", "immature"), [(6, 960), (12, 0)])
def test_the_reach_at_a_look_is_the_one_the_study_uses(week, immature):
    weeks, each = 12, 80
    arms = looks_of(np.random.default_rng(7), 1, weeks, each)
    seeds = pd.concat(
        [
            pd.DataFrame({"arm": i, "descendants": arm[0, : week * each], "cost_cny": 0.0})
            for i, arm in enumerate(arms)
        ]
    )
    measures = Measures(
        source="shop",
        as_of=dt.date(2026, 3, 31),
        min_users=30,
        experiment="both",
        arms=("one", "two"),
        shares=(1.0, 1.0),
        drawn_arms=(),
        tree_days=42,
        kept_days=30,
        seeds=seeds.assign(kept=seeds["descendants"]),
        immature=immature,
        contaminated=0,
        past=pd.DataFrame({"campaign": [], "size": [], "n": [], "inviters": []}),
    )
    found = compare_sides(measures, level=0.95).table.set_index("measure").loc["descendants"]
    difference, _, many = (part[0, week - 1] for part in half_widths(arms, weeks, each))
    assert found["difference"] == pytest.approx(difference)
    reach = (found["ci_upper"] - found["ci_lower"]) / 2
    assert reach == pytest.approx(many, rel=2e-3)


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
