"""Which of several values may be the best: comparisons with the best, and joint intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from siyu.stats.checks import FloatArray, normal_quantile

DRAWS = 20_000
"""Of the joint normal distribution: its quantiles are then off by less than one in a hundred."""


def not_worse(
    values: FloatArray, covariance: FloatArray, *, level: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Tell which values are not clearly worse than the best.

    With the probability given, the truly best is among them.

    Args:
        values: estimates, the higher the better.
        covariance: of their errors, jointly normal.
        level: between 0 and 1.
        rng: draws the joint distribution.

    Source: Hsu (1984), Ann. Stat. 12, 1136-1144 (multiple comparisons with the best, each value
    once as the control of one-sided Dunnett intervals); Edwards and Hsu (1983), J. Am. Stat. Assoc.
    78, for unequal variances and correlated estimates.
    """
    normal_quantile(level)
    drawn = _draw(covariance, rng)
    variance = np.diag(covariance)
    error = np.sqrt(np.maximum(variance[:, None] + variance[None, :] - 2 * covariance, 0))
    found = np.ones(len(values), dtype=bool)
    for own in range(len(values)):
        others = error[own] > 0  # itself, and what is equal to it whatever the draw, cannot beat it
        if others.any():
            ahead = (drawn[:, others] - drawn[:, [own]]) / error[own, others]
            critical = np.quantile(ahead.max(axis=1), level)
            gap = values[others] - values[own]
            found[own] = bool((gap <= critical * error[own, others]).all())
    return found


def joint_quantile(covariance: FloatArray, *, level: float, rng: np.random.Generator) -> float:
    """Give the z with which all intervals hold at once, for correlated estimates.

    Source: the maximum modulus of the joint normal distribution, Hothorn, Bretz, Westfall (2008),
    Biometrical J. 50, 346-363.
    """
    normal_quantile(level)
    error = np.sqrt(np.diag(covariance))
    spread = error > 0
    if not spread.any():
        return normal_quantile(level)
    drawn = _draw(covariance, rng)[:, spread] / error[spread]
    return float(np.quantile(np.abs(drawn).max(axis=1), level))


def _draw(covariance: FloatArray, rng: np.random.Generator) -> FloatArray:
    spread, directions = np.linalg.eigh(covariance)
    root = directions * np.sqrt(np.maximum(spread, 0))
    return np.asarray(rng.standard_normal((DRAWS, len(covariance))) @ root.T)
