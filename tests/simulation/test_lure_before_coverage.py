"""Earlier offers: the ratio within arm and channel covers as stated, the crude one is confounded.

People who were seen before come from the channels that add less often, and are few: eighty in all.
"""

import numpy as np
from siyu.stats.mantel_haenszel import pooled_ratio

LEVEL, REPLICATIONS, RATIO = 0.95, 2_000, 0.6
ADDING = np.array([0.62, 0.53, 0.51, 0.24])
"""Probability of adding by channel, for people who are fresh."""
SEEN, FRESH = np.array([3, 5, 6, 13]), np.array([150, 120, 110, 60])
"""People per arm, by channel."""
ARMS = np.array([1.0, 1.2, 0.82])


def test_the_pooled_ratio_covers_as_stated_and_the_crude_one_does_not():
    rng = np.random.default_rng(31)
    chance = (ARMS[:, None] * ADDING).ravel()
    seen, fresh = np.tile(SEEN, 3), np.tile(FRESH, 3)
    held, logs = [], []
    for _ in range(REPLICATIONS):
        a, b = rng.binomial(seen, RATIO * chance), rng.binomial(fresh, chance)
        strata = (a, seen, b, fresh)
        crude = [[part.sum()] for part in strata]
        found = [pooled_ratio(*one, level=LEVEL) for one in (strata, crude)]
        held.append([lower <= RATIO <= upper for _, lower, upper in found])
        logs.append(np.log(found[0][0]))
    ours, naive = np.mean(held, axis=0)
    assert 0.94 <= ours <= 0.96
    assert naive < 0.85
    assert abs(np.mean(logs) - np.log(RATIO)) < 0.15 * np.std(logs)
