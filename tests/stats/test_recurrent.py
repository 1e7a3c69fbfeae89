"""Things that happen again and again: by hand, against Kaplan-Meier's like, and at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from siyu.stats.recurrent import mean_function

LEVEL = 0.95


def test_a_mean_function_by_hand():
    """Four persons; one is followed for 2 days only. At day 1 two of four: 0.5. At day 3 one of
    three: 0.5 + 1/3. Half of it, 0.4167, is there on day 1.
    """
    found = mean_function([1, 1, 3], [0, 1, 0], [9, 9, 9, 2], horizon=9, level=LEVEL)
    assert found.time.tolist() == [1, 3, 9]
    np.testing.assert_allclose(found.value, [0.5, 0.5 + 1 / 3, 0.5 + 1 / 3])
    assert found.at_risk.tolist() == [4, 3, 3]
    assert (found.half, found.events) == (1, 3)
    assert found.half_lower == 0
    assert np.isnan(found.half_upper)


def test_the_error_is_that_between_persons_where_all_are_followed():
    """Without censoring the value is a mean per person, its variance sum (x - mean)² / n²."""
    rng = np.random.default_rng(5)
    counts = rng.negative_binomial(0.6, 0.4, 300)
    person = np.repeat(np.arange(300), counts)
    times = rng.exponential(2, len(person))
    found = mean_function(times, person, np.full(300, 50.0), horizon=40, level=LEVEL)
    in_time = np.bincount(person[times <= 40], minlength=300)
    assert found.value[-1] == pytest.approx(in_time.mean())
    active = (in_time > 0).sum()
    from scipy.stats import t

    width = np.log(found.ci_upper[-1] / found.value[-1]) * found.value[-1]
    error = np.sqrt(((in_time - in_time.mean()) ** 2).sum()) / 300
    assert width / t.ppf(0.975, active - 1) == pytest.approx(error)
    alone = np.median(np.sort(times[times <= 40]))
    assert found.half == pytest.approx(alone, abs=0.02)


def test_influences_of_censored_persons_are_those_of_leaving_each_out():
    """The other route: the jackknife of the value at the horizon."""
    rng = np.random.default_rng(6)
    n = 150
    until = rng.uniform(2, 20, n)
    person = np.repeat(np.arange(n), rng.poisson(1.5, n))
    times = rng.uniform(0, 15, len(person))
    kept = times <= until[person]
    person, times = person[kept], times[kept]
    found = mean_function(times, person, until, horizon=15, level=LEVEL)

    def value(without):
        mine = person != without
        left = np.delete(until, without)
        return sum(1 / (left >= at).sum() for at in times[mine])

    all_but_one = np.array([value(i) for i in range(n)])
    error = np.sqrt((n - 1) / n * ((all_but_one - all_but_one.mean()) ** 2).sum())
    from scipy.stats import t

    degrees = len(np.unique(person)) - 1
    width = np.log(found.ci_upper[-1] / found.value[-1]) * found.value[-1]
    assert width / t.ppf(0.975, degrees) == pytest.approx(error, rel=0.03)


def test_many_events_are_told_at_fewer_times_and_sum_to_the_same():
    rng = np.random.default_rng(7)
    person = np.repeat(np.arange(2_000), 2)
    times = rng.uniform(0, 10, 4_000)
    found = mean_function(times, person, np.full(2_000, 10.0), horizon=10, level=LEVEL)
    assert len(found.time) <= 161
    assert found.value[-1] == pytest.approx(2)
    assert found.half == pytest.approx(5, abs=0.2)


@pytest.mark.parametrize(
    ("times", "person", "until"),
    [([], [], [5.0, 5.0]), ([1.0], [0], [3.0, 2.0]), ([9.0], [0], [9.0, 9.0])],
)
def test_where_nothing_happened_or_nobody_was_followed_there_is_no_half(times, person, until):
    found = mean_function(times, person, until, horizon=4, level=LEVEL)
    assert np.isnan([found.half, found.half_lower, found.half_upper]).all()


def test_a_horizon_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="horizon = 0 must be above 0"):
        mean_function([], [], [1.0], horizon=0, level=LEVEL)
