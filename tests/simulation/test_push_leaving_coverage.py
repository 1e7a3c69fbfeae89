"""Leaving is counted once, for the last push before it: a flat world has no slope.

Each push makes as many leave, however many came before. Counting a departure for every push of the
7 days before it, the naive twin, makes leaving rise with pushes.
"""

import numpy as np
import pytest
from siyu.stats.discrete_hazard import fit_hazard

pytestmark = pytest.mark.slow

REPLICATIONS = 2_000

NUMBERS, LEAVE, OF_NUMBER, FOR_WEEKS = (1, 2, 3, 5, 7), 0.02, 60, 8


def flat(seed: int) -> tuple[float, float, float]:
    """The slope of leaving in one flat world with its error, and by the naive count.

    Who leaves does so after one push, the last. Naively each of the last 7 days' pushes counts.
    """
    rng = np.random.default_rng([5, seed])
    cell = np.repeat(np.arange(len(NUMBERS)), OF_NUMBER)
    number = np.array(NUMBERS)[cell]
    until, most = rng.geometric(LEAVE, len(cell)), FOR_WEEKS * number
    trials, left = np.minimum(until, most), until <= most
    given = {"cell": cell, "trials": trials, "cluster": np.arange(len(cell)), "link": "cloglog"}
    design = [[1.0, float(one)] for one in NUMBERS]
    once = fit_hazard(design, events=left, **given)
    naive = fit_hazard(design, events=left * np.minimum(trials, number), **given)
    error = float(np.sqrt(once.covariance[1, 1]))
    return once.coefficients[1], error, naive.coefficients[1]


@pytest.fixture(scope="module")
def flat_worlds():
    return np.array([flat(seed) for seed in range(REPLICATIONS)])


def test_counted_once_leaving_has_no_slope_where_pushes_add_up_to_none(flat_worlds):
    slope, error, _ = flat_worlds.T
    ends = np.column_stack([slope - 1.968 * error, slope + 1.968 * error])
    assert abs(slope.mean()) < 0.1 * slope.std()
    assert 0.94 <= np.mean((ends[:, 0] <= 0) & (ends[:, 1] >= 0)) <= 0.96


def test_counted_for_every_push_of_the_week_before_leaving_seems_to_rise_with_pushes(flat_worlds):
    _, error, naive = flat_worlds.T
    assert naive.mean() > 0.2
    assert np.mean(naive - 1.968 * error > 0) > 0.95
