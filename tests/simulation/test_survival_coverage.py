"""Intervals of the time to convert hold the truth as often as they say, where people leave.

Each user converts at a constant rate, leaves at a constant rate, and is followed from a uniform
entry day to the day of reading, at most to the end of the window. The truth is a closed form.
8,000 replications, so that [0.94, 0.96] lies four Monte Carlo errors from 0.95 and no seed matters.
"""

import numpy as np
import pandas as pd
import pytest
from siyu.stats.survival import cumulative_incidence, time_to_share
from statsmodels.stats.proportion import proportion_confint

pytestmark = pytest.mark.slow

REPLICATIONS = 8_000
USERS = 500
CONVERTING, LEAVING = 0.03, 0.02  # per day
WINDOW = 30.0  # days
SPAN = 60.0  # days from the first entry to the day of reading
TOTAL = CONVERTING + LEAVING
WITHIN_WINDOW = CONVERTING / TOTAL * (1 - np.exp(-TOTAL * WINDOW))
HALF_TIME = -np.log(1 - (1 - np.exp(-TOTAL * WINDOW)) / 2) / TOTAL


@pytest.fixture(scope="module")
def pools():
    return [_pool(np.random.default_rng([2026, i])) for i in range(REPLICATIONS)]


def _pool(rng):
    convert = rng.exponential(1 / CONVERTING, USERS)
    leave = rng.exponential(1 / LEAVING, USERS)
    followed = np.minimum(rng.uniform(0, SPAN, USERS), WINDOW)
    time = np.minimum(np.minimum(convert, leave), followed)
    outcome = np.where(time == convert, 1, np.where(time == leave, 2, 0))
    return pd.DataFrame({"time": time, "outcome": outcome, "n": 1})


def _coverage(intervals, truth):
    lower, upper = np.asarray(intervals, dtype=float).T
    return np.mean((lower <= truth) & (truth <= upper))


def _at_window(pool):
    return cumulative_incidence(pool, level=0.95).iloc[-1]


def test_the_incidence_within_the_window_is_covered_although_people_leave_and_are_immature(pools):
    last = pd.DataFrame([_at_window(pool) for pool in pools])

    bias = last["incidence"].mean() - WITHIN_WINDOW
    assert abs(bias) < 0.1 * last["incidence"].std()
    assert 0.94 <= _coverage(last[["ci_lower", "ci_upper"]], WITHIN_WINDOW) <= 0.96


def test_counting_the_immature_as_lost_does_not_cover_the_incidence(pools):
    naive = [proportion_confint((p["outcome"] == 1).sum(), USERS, method="wilson") for p in pools]

    assert _coverage(naive, WITHIN_WINDOW) < 0.5


def test_taking_leavers_for_censored_does_not_cover_the_incidence(pools):
    naive = [_at_window(pool.assign(outcome=pool["outcome"] % 2)) for pool in pools]

    assert _coverage(pd.DataFrame(naive)[["ci_lower", "ci_upper"]], WITHIN_WINDOW) < 0.5


def test_the_time_by_which_half_have_converted_is_covered(pools):
    halves = np.array([time_to_share(pool, horizon=WINDOW, level=0.95) for pool in pools])

    assert abs(halves[:, 0].mean() - HALF_TIME) < 0.1 * halves[:, 0].std()
    assert 0.94 <= _coverage(halves[:, 1:], HALF_TIME) <= 0.96


def test_the_median_of_the_converted_so_far_does_not_cover_the_half_time(pools):
    assert _coverage([_median_interval(pool) for pool in pools], HALF_TIME) < 0.8


def _median_interval(pool):
    """Order statistics around the median of those seen to convert: right for complete data."""
    times = np.sort(pool.loc[pool["outcome"] == 1, "time"])
    half_width = 1.96 * np.sqrt(times.size) / 2
    return (
        times[int(times.size / 2 - half_width)],
        times[int(np.ceil(times.size / 2 + half_width))],
    )
