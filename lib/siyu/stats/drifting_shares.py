"""Shares of a total whose parts drift, each at its own pace: the past counts for less and less."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from siyu.stats.checks import FloatArray, whole_counts

DISCOUNTS = np.array([0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 1.0])
"""Weight of a period, relative to that of the next."""
_ALWAYS = 0.1


@dataclass(frozen=True, kw_only=True)
class DriftingShares:
    """What is known of the rate of each part at the end, for each discount: discounts x parts.

    weights: how likely each of `DISCOUNTS` is, for each part. shapes, sizes: of the gamma
    distribution of its rate, whose mean is the one over the other.
    """

    weights: FloatArray
    shapes: FloatArray
    sizes: FloatArray

    def draw(self, rng: np.random.Generator, *, periods: int, draws: int) -> FloatArray:
        """Draw the shares of the periods to come: draws x periods x parts, each period sums to 1.

        Args:
            rng: the stream of random numbers.
            periods: how many, at least 1.
            draws: how many.
        """
        parts = self.weights.shape[1]
        one = (rng.random((draws, 1, parts)) > np.cumsum(self.weights, axis=0)[:-1]).sum(axis=1)
        column = np.arange(parts)
        known, discount = self.shapes[one, column], DISCOUNTS[one]
        rate = rng.standard_gamma(known) / self.sizes[one, column]
        found = np.empty((draws, periods, parts))
        for period in range(periods):
            stays = discount * known
            moved = rng.beta(stays, np.where(discount < 1, known - stays, 1.0)) / discount
            rate, known = np.where(discount < 1, rate * moved, rate), stays
            found[:, period] = rate / np.maximum(rate.sum(axis=1, keepdims=True), 1e-300)
        return found


def fit_drifting_shares(counts: ArrayLike) -> DriftingShares:
    """Learn the rates of parts of which the past tells less and less.

    After each period what was known of a part is discounted, and then its count is added. How fast
    is not fixed at its likeliest value, and not the same for all: one part may come in bursts where
    the others are steady. Forecasts are averaged over the discounts listed, by how well each has
    foretold every count of the part from those before it.

    Args:
        counts: periods x parts, the latest period last; at least one of each.

    Raises:
        ValueError: a count is none.

    Assumes counts that are Poisson about a drifting rate, and that parts drift independently.
    Source: the gamma-Poisson discount model of Harvey and Fernandes (1989), J. Bus. Econ. Stat. 7,
    407-417; a tenth of a period at the mean rate of the part is always known, so that what ended
    may begin again.
    """
    seen = whole_counts("counts", counts)
    mean = np.maximum(seen.mean(axis=0), 1 / len(seen))
    least_size = np.full((len(DISCOUNTS), seen.shape[1]), _ALWAYS)
    least_shape = _ALWAYS * mean * np.ones_like(least_size)
    discount = DISCOUNTS[:, None]
    shapes, sizes, logs = least_shape, least_size, np.zeros_like(least_size)
    for own in seen:
        shapes = discount * shapes + (1 - discount) * least_shape
        sizes = discount * sizes + (1 - discount) * least_size
        logs += gammaln(shapes + own) - gammaln(shapes)
        logs += shapes * np.log(sizes) - (shapes + own) * np.log1p(sizes)
        shapes, sizes = shapes + own, sizes + 1
    weights = np.exp(logs - logs.max(axis=0))
    return DriftingShares(weights=weights / weights.sum(axis=0), shapes=shapes, sizes=sizes)
