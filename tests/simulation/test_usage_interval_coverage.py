"""The usual gap between active days: intervals hold the truth, and what counts gaps misses it.

Users come at rates of their own, from nearly daily to once in seven weeks. The truth is a quantile
of the users' own median gaps in a population that is known in full; each replication draws 200 of
its users. 2,000 replications: 0.02 are four Monte Carlo errors.
"""

import numpy as np
import pandas as pd
import pytest
from siyu.stats.quantiles import incidence_quantile, quantile

pytestmark = pytest.mark.slow

REPLICATIONS, USERS = 2_000, 200
PEOPLE, DAYS = 6_000, 182
RATES = np.geomspace(0.7, 0.02, PEOPLE)  # active days per day
SHARES = {"median": 0.5, "p80": 0.8}


def _gaps(days):
    """Each user's gaps between active days, of those with one at least."""
    active = np.random.default_rng(2026).random((PEOPLE, days)) < RATES[:, None]
    own = [np.diff(np.flatnonzero(row)) for row in active]
    return [gaps for gaps in own if gaps.size]


@pytest.fixture(scope="module")
def population():
    return _gaps(DAYS)


@pytest.fixture(scope="module")
def draws(population):
    return np.random.default_rng(7).integers(len(population), size=(REPLICATIONS, USERS))


def _true(gaps, share):
    ordered = np.sort([np.median(own) for own in gaps])
    return ordered[int(np.ceil(share * len(ordered))) - 1]


def _coverage(intervals, truth):
    lower, upper = np.asarray(intervals, dtype=float).T
    return np.mean((lower <= truth) & (truth <= upper))


@pytest.mark.parametrize("share", SHARES.values(), ids=SHARES)
def test_the_order_statistic_interval_over_users_covers_the_usual_gap(population, draws, share):
    usual = np.array([np.median(own) for own in population])
    one = np.ones(USERS)
    found = [quantile(usual[drawn], one, share=share, level=0.95)[1:] for drawn in draws]
    assert _coverage(found, _true(population, share)) >= 0.94


@pytest.mark.parametrize("share", SHARES.values(), ids=SHARES)
def test_without_ties_the_interval_is_hardly_wider_than_it_must_be(share):
    drawn = np.random.default_rng(11).exponential(1, (REPLICATIONS, USERS))
    one = np.ones(USERS)
    found = [quantile(row, one, share=share, level=0.95)[1:] for row in drawn]
    assert 0.94 <= _coverage(found, -np.log(1 - share)) <= 0.98


@pytest.mark.parametrize("share", SHARES.values(), ids=SHARES)
def test_a_quantile_of_all_gaps_in_which_the_busy_count_most_misses_it(population, draws, share):
    truth = _true(population, share)
    found = []
    for drawn in draws:
        pooled = np.concatenate([population[i] for i in drawn])
        found.append(quantile(pooled, np.ones(pooled.size), share=share, level=0.95)[1:])
    assert _coverage(found, truth) < 0.01
    assert np.max(found) < truth


def test_the_mean_of_all_gaps_misses_it(population, draws):
    sums, squares, sizes = (
        np.array([function(own) for own in population])
        for function in (np.sum, lambda own: (own**2).sum(), np.size)
    )
    n = sizes[draws].sum(axis=1)
    mean = sums[draws].sum(axis=1) / n
    error = np.sqrt((squares[draws].sum(axis=1) / n - mean**2) / n)
    found = np.transpose([mean - 1.96 * error, mean + 1.96 * error])
    assert _coverage(found, _true(population, 0.5)) < 0.1


def test_a_short_log_cuts_the_long_gaps_so_the_usual_gap_is_too_short():
    short, long = _gaps(60), _gaps(1_200)
    assert _true(short, 0.8) < 0.9 * _true(long, 0.8)
    assert _true(short, 0.5) <= _true(long, 0.5)


COMING, LEAVING = 0.08, 0.01  # per day
SPAN = 60.0  # days over which the first active days lie, up to the day of reading
TOTAL = COMING + LEAVING
HALF_BACK = -np.log(1 - 0.5 * TOTAL / COMING) / TOTAL


@pytest.fixture(scope="module")
def first_gaps():
    rng = np.random.default_rng(13)
    size = (REPLICATIONS, USERS)
    back, gone = rng.exponential(1 / COMING, size), rng.exponential(1 / LEAVING, size)
    followed = rng.uniform(0, SPAN, size)
    time = np.minimum(np.minimum(back, gone), followed)
    return time, np.where(time == back, 1, np.where(time == gone, 2, 0))


def test_the_time_by_which_half_are_back_is_covered_although_gaps_are_cut(first_gaps):
    found = [
        incidence_quantile(pd.DataFrame({"time": time, "outcome": outcome, "n": 1}), level=0.95)
        for time, outcome in zip(*first_gaps, strict=True)
    ]
    open_ended = np.nan_to_num(np.array(found)[:, 1:], nan=np.inf)
    assert 0.93 <= _coverage(open_ended, HALF_BACK) <= 0.97


def test_completed_gaps_alone_are_too_short(first_gaps):
    found = []
    for time, outcome in zip(*first_gaps, strict=True):
        complete = time[outcome == 1]
        found.append(quantile(complete, np.ones(complete.size), share=0.5, level=0.95)[1:])
    assert _coverage(found, HALF_BACK) < 0.25
    assert np.mean(found) < HALF_BACK
