"""How alike persons of one staff member are: the interval covers as said, and power is kept.

Shares of clusters vary by a beta distribution with the correlation given; sizes vary threefold.
"""

import numpy as np
import pytest
from scipy.stats import norm
from siyu.stats.likeness import design_effect, likeness
from siyu.stats.power import units_needed

pytestmark = pytest.mark.slow

LEVEL, REPLICATIONS = 0.95, 2_000


def draw(rng, sizes, rate, correlation):
    spread = 1 / correlation - 1
    return rng.binomial(sizes, rng.beta(rate * spread, (1 - rate) * spread, len(sizes)))


@pytest.mark.parametrize(("clusters", "correlation"), [(12, 0.02), (30, 0.05)])
def test_the_interval_covers_as_said(clusters, correlation):
    rng = np.random.default_rng(41)
    found = []
    for _ in range(REPLICATIONS):
        sizes = rng.integers(20, 61, clusters)
        found.append(likeness(draw(rng, sizes, 0.6, correlation), sizes, level=LEVEL))
    covered = [one.ci_lower <= correlation <= one.ci_upper for one in found]
    assert 0.94 <= np.mean(covered) <= 0.96
    values = np.array([one.value for one in found])
    assert abs(values.mean() - correlation) < 0.1 * values.std()


def test_enough_clusters_find_the_effect_as_often_as_planned_and_persons_alone_do_not():
    """Rates .5 and .6, correlation .05, clusters of 20 to 60: shares of clusters compared."""
    rng = np.random.default_rng(42)
    rates, correlation, power = (0.5, 0.6), 0.05, 0.8
    variance = sum(rate * (1 - rate) for rate in rates)
    persons = units_needed(
        0.1, null_variance=variance, variance=variance, critical=1.96, power=power
    )
    typical = rng.integers(20, 61, 500)
    needed = persons * design_effect(typical, correlation) / typical.mean()
    for clusters, lowest, highest in ((np.ceil(needed) + 1, 0.78, 0.86),
                                      (np.ceil(persons / typical.mean()), 0, 0.6)):  # fmt: skip
        called = 0
        for _ in range(REPLICATIONS):
            means = []
            for rate in rates:
                sizes = rng.integers(20, 61, int(clusters))
                count = draw(rng, sizes, rate, correlation)
                share = count.sum() / sizes.sum()
                residual = count - share * sizes
                factor = clusters / (clusters - 1)
                means.append((share, factor * (residual**2).sum() / sizes.sum() ** 2))
            z = (means[1][0] - means[0][0]) / np.sqrt(means[0][1] + means[1][1])
            called += abs(z) > norm.ppf(0.975)
        assert lowest <= called / REPLICATIONS <= highest
