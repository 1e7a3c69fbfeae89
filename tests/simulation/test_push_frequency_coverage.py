"""How often to push: intervals cover as often as stated, where naive twins miss.

Three worlds with a known truth. Clicks of one person hang together. People differ in what they
bear, so that weeks of those still there are weeks of the tolerant. And nothing changes: alerts on
blocks may fire in at most 5% of all reports.
"""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from siyu.stats.discrete_hazard import fit_hazard
from siyu.studies.push_timing.frequency import alerts, frontier
from siyu.studies.push_timing.frequency.measures import SPANS, WEEKLY

from tests.studies.push_timing.frequency.test_estimate import measures

pytestmark = pytest.mark.slow

LEVEL, REPLICATIONS = 0.95, 2_000


def covered(ends: np.ndarray, truth: float) -> float:
    return float(np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1])))


# Clicks that hang together

USERS, PUSHES, SLOPE = 400, 25, -0.1


def slopes_of(seed: int) -> tuple[float, float, float]:
    """The slope in one world, its clustered error, and the one that takes pushes as independent.

    Whether somebody clicks has a factor of their own with mean 1, so that the ratio of chances is
    the slope for all together, too.
    """
    rng = np.random.default_rng([1, seed])
    received = rng.choice([1, 3, 5], USERS)
    own = rng.gamma(1, 1, USERS)
    chance = np.minimum(0.08 * np.exp(SLOPE * received) * own, 1)
    fit = fit_hazard(
        [[1.0, 1.0], [1.0, 3.0], [1.0, 5.0]],
        cell=received // 2,
        trials=np.full(USERS, PUSHES),
        events=rng.binomial(PUSHES, chance),
        cluster=np.arange(USERS),
        link="log",
    )
    expected = np.exp(fit.coefficients[0] + fit.coefficients[1] * received) * PUSHES
    spread = (expected * (received - np.average(received, weights=expected)) ** 2).sum()
    return fit.coefficients[1], float(np.sqrt(fit.covariance[1, 1])), float(spread**-0.5)


@pytest.fixture(scope="module")
def worlds():
    return np.array([slopes_of(seed) for seed in range(REPLICATIONS)])


def test_clustered_by_user_the_slope_is_covered_as_stated(worlds):
    slope, error, _ = worlds.T
    ends = np.column_stack([slope - 1.966 * error, slope + 1.966 * error])
    assert abs(slope.mean() - SLOPE) < 0.1 * slope.std()
    assert 0.94 <= covered(ends, SLOPE) <= 0.96


def test_taking_pushes_as_independent_misses_it_far_too_often(worlds):
    slope, _, error = worlds.T
    ends = np.column_stack([slope - 1.96 * error, slope + 1.96 * error])
    assert covered(ends, SLOPE) < 0.9


# Weeks of those still there

MEMBERS, WEEKS, CLICK, BEARS = 250, 8, 0.06, (0.002, 0.06)
NUMBER = 5
AT_ONCE, NAIVE, LOST = 20, 400, 10.0


def members(rng: np.random.Generator, worlds: int) -> np.ndarray:
    """Weeks begun, sent, clicks and blocks of the members of each world, at 5 pushes a week.

    One half blocks over 2 of 1,000 pushes, the other over 60.
    """
    chance = rng.choice(BEARS, (worlds, MEMBERS))
    until = rng.geometric(chance)
    most = WEEKS * NUMBER
    blocked, sent = until <= most, np.minimum(until, most)
    weeks = np.where(blocked, -(-sent // NUMBER), WEEKS)
    return np.stack([weeks, sent, rng.binomial(sent, CLICK), blocked.astype(int)])


def values(fields: np.ndarray) -> np.ndarray:
    """Value per week of each world with its interval, as the study gives them."""
    table = pd.DataFrame({"cap": np.arange(fields.shape[1]), "n": MEMBERS})
    for name, own in zip(WEEKLY, fields, strict=True):
        table[name] = own.sum(axis=1)
    for i, first in enumerate(WEEKLY):
        for j in range(i, len(WEEKLY)):
            table[f"{first} {WEEKLY[j]}"] = (fields[i] * fields[j]).sum(axis=1)
    found = frontier(measures(weekly=table), level=LEVEL, value_lost_cny=LOST).table
    return found[["weekly_value_cny", "weekly_value_lower", "weekly_value_upper"]].to_numpy()


def truth() -> float:
    """Per week of everybody drawn: chances of each number of pushes until the block, summed up."""
    total = 0.0
    for chance in BEARS:
        gone = 1 - (1 - chance) ** (WEEKS * NUMBER)
        total += (gone / chance * CLICK * 8 - LOST * gone) / len(BEARS)
    return total / WEEKS


@pytest.fixture(scope="module")
def told():
    rng = np.random.default_rng(2)
    by_week, by_member = [], []
    for i in range(REPLICATIONS // AT_ONCE):
        fields = members(rng, AT_ONCE)
        if i < NAIVE // AT_ONCE:
            by_week.append(values(fields))
        fields[0] = WEEKS
        by_member.append(values(fields))
    return np.concatenate(by_week), np.concatenate(by_member)


def test_everybody_drawn_counts_and_the_value_is_covered_as_stated(told):
    _, found = told
    assert abs(found[:, 0].mean() - truth()) < 0.1 * found[:, 0].std()
    assert 0.94 <= covered(found[:, 1:], truth()) <= 0.96


def test_after_the_first_weeks_only_the_tolerant_are_left_and_a_high_number_looks_harmless():
    """In the eighth week of those still there hardly anybody blocks: that is no merit of five."""
    rng = np.random.default_rng(3)
    chance = rng.choice(BEARS, 100_000)
    until = rng.geometric(chance)
    late = until > NUMBER * (WEEKS - 1)
    last = np.minimum(until[late] - NUMBER * (WEEKS - 1), NUMBER)
    blocks = until[late] <= NUMBER * WEEKS
    naive = 8 * CLICK * last.mean() - LOST * blocks.mean()
    assert naive > 1.5 * truth()


def test_weeks_of_those_still_there_are_not_the_weeks_of_everybody_drawn(told):
    """They leave out the weeks that went with those who blocked: a high number looks better."""
    found, _ = told
    assert found[:, 0].mean() > 1.2 * truth()
    assert covered(found[:, 1:], truth()) < 0.5


# Nothing changes

SEGMENTS, OF_EACH, RATE, REPORTS = 8, 400, 0.004, 200


def spans(rng: np.random.Generator) -> pd.DataFrame:
    """Blocks before and now in eight segments in which nothing changes; who blocks is gone."""
    until = rng.geometric(RATE, (SEGMENTS, OF_EACH))
    before, now = (rng.poisson(8, (SEGMENTS, OF_EACH)) for _ in range(2))
    fields = (
        np.minimum(before, until),
        (until <= before).astype(int),
        np.clip(until - before, 0, now),
        ((until > before) & (until <= before + now)).astype(int),
    )
    table = pd.DataFrame(
        {
            "segment": np.arange(SEGMENTS),
            "n": OF_EACH,
            "n_before": (fields[0] > 0).sum(axis=1),
            "n_now": (fields[2] > 0).sum(axis=1),
        }
    )
    for i, first in enumerate(SPANS):
        table[first] = fields[i].sum(axis=1)
        for j in range(i, len(SPANS)):
            table[f"{first} {SPANS[j]}"] = (fields[i] * fields[j]).sum(axis=1)
    return table


@pytest.fixture(scope="module")
def fired():
    names = tuple("abcdefgh")
    rng = np.random.default_rng(4)
    ours, naive = [], []
    for _ in range(REPORTS):
        own = spans(rng)
        found = alerts(measures(segments=names, crossings={}, spans=own), level=LEVEL)
        ours.append((found["verdict"] == "rose").any())
        n0, n1 = own["sent_before"], own["sent_now"]
        pooled = (own["blocks_before"] + own["blocks_now"]) / (n0 + n1)
        error = np.sqrt(pooled * (1 - pooled) * (1 / n0 + 1 / n1))
        z = (own["blocks_now"] / n1 - own["blocks_before"] / n0) / error
        naive.append((z > norm.ppf(1 - (1 - LEVEL) / 2)).any())
    return np.mean(ours), np.mean(naive)


def test_where_nothing_changes_hardly_any_report_has_an_alert(fired):
    assert fired[0] <= 0.05


def test_looking_at_each_segment_by_itself_alerts_far_more_often(fired):
    assert fired[1] > 0.12
