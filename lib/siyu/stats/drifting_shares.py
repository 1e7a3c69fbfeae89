"""Shares of a total that drift: the past counts for less, the longer ago it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from siyu.stats.checks import FloatArray, whole_counts

DISCOUNTS = np.array([0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 1.0])
"""Weight of a period, relative to that of the next."""


@dataclass(frozen=True, kw_only=True)
class DriftingShares:
    """What is known of shares at the end, for each discount.

    weights: how likely each of `DISCOUNTS` is. counts: discounts x parts, what a part is known by.
    """

    weights: FloatArray
    counts: FloatArray

    @property
    def means(self) -> FloatArray:
        """The expected share of each part."""
        own = self.counts / self.counts.sum(axis=1, keepdims=True)
        return np.asarray(self.weights @ own)

    def draw(self, rng: np.random.Generator, *, periods: int, draws: int) -> FloatArray:
        """Draw the shares of the periods to come: draws x periods x parts, each period sums to 1.

        Args:
            rng: the stream of random numbers.
            periods: how many, at least 1.
            draws: how many.
        """
        one = rng.choice(len(DISCOUNTS), size=draws, p=self.weights)
        known, discount = self.counts[one], DISCOUNTS[one][:, None]
        rate = rng.standard_gamma(known)
        found = np.empty((draws, periods, known.shape[1]))
        for period in range(periods):
            stays = discount * known
            moved = rng.beta(stays, np.where(discount < 1, known - stays, 1.0)) / discount
            rate, known = np.where(discount < 1, rate * moved, rate), stays
            found[:, period] = rate / np.maximum(rate.sum(axis=1, keepdims=True), 1e-300)
        return found


def fit_drifting_shares(counts: ArrayLike) -> DriftingShares:
    """Learn shares of which the past tells less and less.

    After each period what was known is discounted, and then the period's counts are added. How fast
    is not fixed at its likeliest value: forecasts are averaged over the discounts listed, by how
    well each has foretold the split of every period from those before it.

    Args:
        counts: periods x parts, the latest period last; at least one of each.

    Raises:
        ValueError: a count is none.

    Assumes that within a period each one of the total falls to a part independently. Source: the
    gamma-Poisson discount model of Harvey and Fernandes (1989), J. Bus. Econ. Stat. 7, 407-417,
    of which, given the total, the Dirichlet distribution is left.
    """
    seen = whole_counts("counts", counts)
    parts = seen.shape[1]
    prior = np.full((len(DISCOUNTS), parts), 1 / parts)
    discount = DISCOUNTS[:, None]
    known, logs = prior, np.zeros(len(DISCOUNTS))
    for own in seen:
        # What was never seen, or not for long, may always begin (again).
        known = discount * known + (1 - discount) * prior
        total, all_known = own.sum(), known.sum(axis=1)
        logs += gammaln(all_known) - gammaln(all_known + total)
        logs += (gammaln(known + own) - gammaln(known)).sum(axis=1)
        known = known + own
    weights = np.exp(logs - logs.max())
    return DriftingShares(weights=weights / weights.sum(), counts=known)
