"""An effect that wears off: read by weeks of the test it is right, pooled it is right nowhere.

The effect of a day is .01 + .04 e^(-d / 4): on average .031 in the first week, .010 in the fourth
and .013 from the second on. Days differ by a point whatever the arm, and a holiday by five.
"""

import numpy as np
import pytest
from scipy.stats import kstest
from siyu.stats.novelty import follow_effect

pytestmark = pytest.mark.slow

LEVEL, REPLICATIONS = 0.95, 2_000
DAYS = np.arange(28)
FADING = 0.01 + 0.04 * np.exp(-DAYS / 4)


def draw(rng, effect, *, n=400, shared=0.01, own=0.0):
    """Counts of two arms per day; `own` is a noise of days that only one arm has."""
    days = 0.3 + rng.normal(0, shared, len(effect)) + 0.05 * (np.arange(len(effect)) // 3 == 5)
    people = rng.poisson(n, (2, len(effect))) + 1
    rates = np.clip(days + np.array([effect + rng.normal(0, own, len(effect)), 0 * effect]), 0, 1)
    return people, rng.binomial(people, rates)


def follow(people, came):
    return follow_effect(
        np.arange(people.shape[1]), count=came[0], n=people[0], other_count=came[1],
        other_n=people[1], level=LEVEL,
    )  # fmt: skip


def run(effect, *, seed, replications=REPLICATIONS, **noise):
    rng = np.random.default_rng(seed)
    found = [follow(*draw(rng, effect, **noise)) for _ in range(replications)]
    spans = {
        name: np.array([[one.spans[name].value, one.spans[name].ci_lower, one.spans[name].ci_upper]
                        for one in found])
        for name in ("all", "first", "later", "change")
    }  # fmt: skip
    return found, spans


def covered(rows, truth):
    return ((rows[:, 1] <= truth) & (truth <= rows[:, 2])).mean()


@pytest.fixture(scope="module")
def fading():
    return run(FADING, seed=31, n=2_000)


@pytest.fixture(scope="module")
def noisy():
    """Nothing differs, but days differ between arms."""
    return run(np.zeros(28), seed=34, own=0.04)


def test_the_first_week_and_what_is_left_are_both_read_right(fading):
    _, spans = fading
    first, later = FADING[:7].mean(), FADING[7:].mean()
    assert first == pytest.approx(0.031, abs=0.0005)
    assert FADING[21:].mean() == pytest.approx(0.010, abs=0.0005)
    for name, truth in (("first", first), ("later", later), ("change", later - first)):
        rows = spans[name]
        assert 0.94 <= covered(rows, truth) <= 0.97
        assert abs(rows[:, 0].mean() - truth) < 0.1 * rows[:, 0].std()


def test_the_pooled_effect_is_neither_that_of_the_first_week_nor_what_is_left(fading):
    _, spans = fading
    assert covered(spans["all"], FADING[:7].mean()) < 0.5
    assert covered(spans["all"], FADING[7:].mean()) < 0.8


def test_fading_is_called_mostly_and_a_steady_effect_only_as_often_as_said(fading):
    found, _ = fading
    called = np.array([(one.trend_p <= 0.05) & (one.trend < 0) for one in found])
    assert called.mean() > 0.8
    steady, spans = run(np.full(28, 0.02), seed=32)
    p = np.array([one.trend_p for one in steady])
    assert 0.04 <= (p <= 0.05).mean() <= 0.06
    assert kstest(p, "uniform").pvalue > 0.001
    assert 0.94 <= covered(spans["all"], 0.02) <= 0.96


def test_noise_of_days_that_both_arms_share_is_none_and_that_of_one_arm_is_seen(noisy):
    shared, _ = run(np.zeros(28), seed=33, replications=500)
    assert np.mean([one.spread_p < 0.05 for one in shared]) < 0.08
    own, spans = noisy
    assert np.mean([one.spread_p < 0.05 for one in own]) > 0.5
    assert 0.94 <= covered(spans["all"], 0) <= 0.96


def test_an_error_of_people_alone_fails_where_days_differ(noisy):
    _, spans = noisy
    chance = np.sqrt(2 * 0.3 * 0.7 / (28 * 400))
    assert (np.abs(spans["all"][:, 0]) <= 1.96 * chance).mean() < 0.9


def test_before_and_after_a_holiday_is_wrong_where_both_arms_at_once_are_right():
    rng, wrong, right = np.random.default_rng(36), [], []
    for _ in range(500):
        people, came = draw(rng, np.zeros(28))
        holiday = np.arange(28) // 3 == 5
        share = came[0] / people[0]
        wrong.append(share[holiday].mean() - share[~holiday].mean())
        right.append((came[0] / people[0] - came[1] / people[1])[holiday].mean())
    assert np.mean(wrong) == pytest.approx(0.05, abs=0.003)
    assert np.mean(right) == pytest.approx(0, abs=0.003)
