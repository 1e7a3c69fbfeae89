"""Streams of an experiment in which nothing differs, looked at as one likes.

Sequences hold at all looks at once; the usual interval, read at every look, does not.
"""

import numpy as np
import pytest
from siyu.stats.checks import normal_quantile
from siyu.stats.multiplicity import bonferroni_level
from siyu.stats.sequential import always_valid_reach, plan_bounds

pytestmark = pytest.mark.slow

LEVEL, REPLICATIONS = 0.95, 2_000
MOST = 0.05 + 3 * np.sqrt(0.05 * 0.95 / REPLICATIONS)


def cumulated(rates, *, n, looks, seed):
    """People drawn by lot into arms one by one: n and conversions per arm at every look."""
    rng, batches = np.random.default_rng(seed), []
    for _ in range(REPLICATIONS // 200):
        arm = rng.integers(len(rates), size=(200, n))
        came = rng.random((200, n)) < np.array(rates)[arm]
        own = [arm == each for each in range(len(rates))]
        counts = [[one.cumsum(axis=1), (one & came).cumsum(axis=1)] for one in own]
        batches.append(np.array(counts)[..., looks - 1])
    return np.concatenate(batches, axis=2).astype(float)


def differences(counts):
    """Every pair of arms: difference, its error (one more of each outcome), and people."""
    n, came = counts[:, 0], counts[:, 1]
    share = (came + 1) / (n + 2)
    first, second = np.triu_indices(len(n), 1)
    error = np.sqrt((share * (1 - share) / n)[first] + (share * (1 - share) / n)[second])
    return came[first] / n[first] - came[second] / n[second], error, n[first] + n[second]


@pytest.fixture(scope="module")
def streams():
    looks = np.arange(100, 5001, 10)
    return differences(cumulated([0.4, 0.4], n=5_000, looks=looks, seed=21))


def test_looking_all_the_time_calls_nothing_too_often(streams):
    difference, error, n = streams
    reach = always_valid_reach(error, n, planned=5_000, level=LEVEL)
    assert (np.abs(difference) > reach).any(axis=-1).mean() <= MOST


def test_tuning_to_the_people_there_are_at_each_look_calls_nothing_too_often_either(streams):
    """What reports do that know of no plan: each is narrowest at its own last look."""
    difference, error, _ = streams
    reach = always_valid_reach(error, 1, planned=1, level=LEVEL)
    assert (np.abs(difference) > reach).any(axis=-1).mean() <= MOST


def test_the_usual_interval_read_all_the_time_is_wrong_in_two_of_five(streams):
    difference, error, _ = streams
    wrong = np.abs(difference) > normal_quantile(LEVEL) * error
    assert wrong.any(axis=-1).mean() > 0.38


def test_planned_looks_use_up_the_chance_they_are_given():
    times = np.arange(1, 15) / 14
    counts = cumulated([0.4, 0.4], n=1_400, looks=np.arange(100, 1401, 100), seed=22)
    difference, error, _ = differences(counts)
    z = np.abs(difference / error)[0]
    for shape in ("pocock", "obrien_fleming"):
        wrong = (z > plan_bounds(times, level=LEVEL, shape=shape)).any(axis=1).mean()
        assert 0.04 <= wrong <= 0.06
    assert (z > normal_quantile(LEVEL)).any(axis=1).mean() == pytest.approx(0.22, abs=0.03)


@pytest.mark.parametrize("rate", [0.4, 0.03])
def test_all_pairs_of_three_arms_hold_at_once_at_daily_looks(rate):
    """Rare conversions too: the first look comes at 30 people in an arm or a little more."""
    counts = cumulated([rate] * 3, n=1_400, looks=np.arange(120, 1401, 40), seed=23)
    difference, error, n = differences(counts)
    reach = always_valid_reach(error, n, planned=933, level=bonferroni_level(LEVEL, 3))
    wrong, naive = np.abs(difference) > reach, np.abs(difference) > 1.96 * error
    assert wrong.any(axis=(0, 2)).mean() <= MOST
    assert naive.any(axis=(0, 2)).mean() > 0.3


def test_a_true_difference_lies_inside_at_all_looks_as_stated():
    counts = cumulated([0.3, 0.45], n=1_400, looks=np.arange(100, 1401, 20), seed=24)
    difference, error, n = differences(counts)
    reach = always_valid_reach(error, n, planned=1_400, level=LEVEL)
    assert (np.abs(difference + 0.15) > reach).any(axis=-1).mean() <= MOST
