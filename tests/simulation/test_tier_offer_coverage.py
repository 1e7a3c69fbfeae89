"""Offers to tiers: joint intervals cover as stated on skewed spend, where naive readings do not.

Arms are unequally large, most members spend nothing, and an offer changes how many buy or how much:
spreads differ by half. And nothing tells who should get an offer: a score must say so.
"""

import numpy as np
import pytest
from scipy.stats import t
from siyu.stats.experiments import adjusted_means
from siyu.stats.many_to_one import compare_with_control, welch_degrees
from siyu.stats.uplift import judge_score, qini_coefficient, score_forward

pytestmark = pytest.mark.slow

LEVEL, REPLICATIONS = 0.95, 2_000
SIZES = (47, 50, 72)
ARMS = ((0.4, 60.0), (0.7, 60.0), (0.45, 110.0))
"""Share who buy, and scale of what they spend: no offer, more to buy, or to more."""


def spend(rng, n, buy, scale):
    """Spend after the draw and before it: people differ in how much they buy."""
    own = rng.gamma(2, 0.5, n)
    before = own * (rng.random(n) < 0.5) * rng.lognormal(np.log(60), 0.8, n)
    return own * (rng.random(n) < buy) * rng.lognormal(np.log(scale), 1, n), before


@pytest.fixture(scope="module")
def worlds():
    """Of each world: differences, ends of our intervals, and of three naive ones."""
    rng, rows = np.random.default_rng(11), []
    means = [buy * scale * np.exp(0.5) for buy, scale in ARMS]
    truth = np.array(means[1:]) - means[0]
    for _ in range(REPLICATIONS):
        arms, before = zip(
            *(spend(rng, n, *arm) for n, arm in zip(SIZES, ARMS, strict=True)), strict=True
        )
        mean, variance, own = adjusted_means(arms, before=before)
        free = welch_degrees(variance, own)
        found = compare_with_control(mean, variance, degrees=free, level=LEVEL)
        alone = t.ppf(0.975, free) * found["error"].to_numpy()
        rows.append((found["difference"], found["ci_lower"], found["ci_upper"], alone))
    return truth, np.array(rows)


def test_joint_intervals_cover_all_effects_of_a_tier_at_once_as_stated(worlds):
    truth, rows = worlds
    difference, lower, upper, _ = rows.transpose(1, 0, 2)
    assert (np.abs(difference.mean(axis=0) - truth) < 0.1 * difference.std(axis=0)).all()
    assert 0.94 <= ((lower <= truth) & (truth <= upper)).all(axis=1).mean() <= 0.96


def test_intervals_that_hold_one_by_one_do_not_hold_together(worlds):
    truth, rows = worlds
    difference, _, _, alone = rows.transpose(1, 0, 2)
    assert (np.abs(difference - truth) <= alone).all(axis=1).mean() < 0.93


def test_the_arm_that_looks_best_is_flattered_but_its_joint_interval_holds(worlds):
    """Winner's curse: the larger of two estimates, read with the interval of one."""
    truth, rows = worlds
    difference, lower, upper, alone = rows.transpose(1, 0, 2)
    one = np.arange(len(rows)), (difference / alone).argmax(axis=1)
    gap = difference[one] - truth[one[1]]
    assert gap.mean() > 5 * gap.std() / np.sqrt(len(rows))
    assert ((lower[one] <= truth[one[1]]) & (truth[one[1]] <= upper[one])).mean() >= 0.94


def test_three_naive_tests_call_an_effect_far_too_often_where_there_is_none():
    """Three equal arms: at least one p below 5% in one of eight, by the joint critical value 5%."""
    rng = np.random.default_rng(12)
    means = rng.normal(0, 1, (200_000, 4))
    largest = np.abs(means[:, 1:] - means[:, :1]).max(axis=1) / np.sqrt(2)
    found = compare_with_control([0] * 4, [1] * 4, degrees=np.inf, level=LEVEL)
    critical = (found["ci_upper"] / found["error"])[0]
    assert (largest > 1.96).mean() == pytest.approx(0.127, abs=0.003)
    assert (largest > critical).mean() == pytest.approx(0.05, abs=0.0015)


def test_the_best_arm_of_each_tier_taken_at_its_own_interval_is_wrong_in_one_of_six_reports():
    """Four tiers, two strategies that do nothing: ours says so, at the level of all tiers."""
    rng = np.random.default_rng(13)
    means = rng.normal(0, 1, (100_000, 4, 3))
    best = ((means[..., 1:] - means[..., :1]) / np.sqrt(2)).max(axis=2)
    found = compare_with_control([0] * 3, [1] * 3, degrees=np.inf, level=LEVEL**0.25)
    critical = (found["ci_upper"] / found["error"])[0]
    assert (best > 1.96).any(axis=1).mean() > 0.16
    assert (best > critical).any(axis=1).mean() < 0.027


# Who should get it


def members(rng, *, helps):
    """Members of four tiers and what they bring; an offer helps the second, hurts the fourth."""
    n = 600
    tier, treated = rng.choice(4, n, p=[0.4, 0.3, 0.1, 0.2]), rng.integers(0, 2, n)
    known = np.column_stack(
        [*(tier == i for i in (1, 2, 3)), rng.gamma(1, 30, n), rng.poisson(1 + tier)]
    )
    buys = rng.random(n) < 0.3 + 0.15 * tier
    net = buys * rng.lognormal(3 + 0.4 * tier, 1)
    return known, tier, treated, net + helps * treated * np.array([0, 60, 0, -90])[tier]


def scored(rng, *, helps, judge):
    known, tier, treated, net = members(rng, helps=helps)
    score = score_forward(known, treated, net, groups=tier, rng=rng)
    there = ~np.isnan(score)
    return judge(score[there], treated[there], net[there])


def test_where_nothing_tells_a_score_learnt_before_is_as_good_as_lots():
    rng = np.random.default_rng(14)
    found = [scored(rng, helps=0, judge=qini_coefficient) for _ in range(1_000)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(1_000) + 0.005


def test_where_nothing_tells_a_score_is_hardly_ever_called_better_than_lots():
    rng = np.random.default_rng(15)

    def lower(*judged):
        return judge_score(*judged, level=LEVEL, rng=rng).ci_lower

    found = [scored(rng, helps=0, judge=lower) > 0 for _ in range(100)]
    assert np.mean(found) <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / 100)


def test_where_it_tells_the_score_finds_it():
    rng = np.random.default_rng(16)

    def lower(*judged):
        return judge_score(*judged, level=LEVEL, rng=rng).ci_lower

    assert np.mean([scored(rng, helps=1, judge=lower) > 0 for _ in range(20)]) > 0.8


def test_a_score_judged_on_those_it_was_learnt_on_is_flattered_where_nothing_tells():
    rng = np.random.default_rng(17)
    found = []
    for _ in range(200):
        known, _, treated, net = members(rng, helps=0)
        x = np.column_stack([np.ones(len(net)), known])
        sides = [np.linalg.lstsq(x[treated == i], net[treated == i])[0] for i in (0, 1)]
        found.append(qini_coefficient(x @ (sides[1] - sides[0]), treated, net))
    assert np.mean(np.array(found) > 0) > 0.95


def test_a_small_arm_beside_a_large_one_would_be_stopped_too_often():
    """Nothing differs; 30 members of whom few buy lie below a truth that 500 tell well.

    Held against 30 or 60 others their skew cancels out, or half of it.
    """
    rng, above = np.random.default_rng(12), {30: 0, 60: 0, 500: 0}
    for n in above:
        for _ in range(REPLICATIONS // 2):
            arms, before = zip(*(spend(rng, each, 0.4, 60.0) for each in (n, 30)), strict=True)
            mean, variance, own = adjusted_means(arms, before=before)
            free = welch_degrees(variance, own)
            found = compare_with_control(mean, variance, degrees=free, level=LEVEL**0.25)
            above[n] += found["ci_upper"].item() < 0
    nominal = (1 - LEVEL**0.25) / 2 * REPLICATIONS / 2
    assert above[500] > 5 * nominal
    assert above[60] < 4 * nominal
    assert above[30] < 2 * nominal
