"""Many comparisons at once: adjusted p-values, and the level of intervals that hold together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from siyu.stats.checks import FloatArray, normal_quantile


def holm(p: ArrayLike) -> FloatArray:
    """Adjust p-values by Holm's step-down method.

    Args:
        p: p-values in [0, 1]; NaN for a comparison that could not be made.

    Returns:
        Adjusted p-values in the order given. Rejecting those of at most alpha makes any false
        rejection no likelier than alpha, under any dependence. NaN stays NaN and does not count as
        a comparison.

    Raises:
        ValueError: a p-value lies outside [0, 1].

    Source: Holm (1979), Scand. J. Stat. 6, 65-70.
    """
    raw = np.asarray(p, dtype=np.float64)
    made = ~np.isnan(raw)
    outside = made & ~((raw >= 0) & (raw <= 1))
    if outside.any():
        raise ValueError(f"p = {raw[outside].flat[0]:g} must lie in [0, 1]")
    order = np.argsort(raw)[: made.sum()]  # NaN sorts last
    weighted = raw[order] * np.arange(len(order), 0, -1)
    adjusted = np.full_like(raw, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(weighted), 1)
    return adjusted


def bonferroni_level(level: float, m: int) -> float:
    """Give the level of each of m intervals so that all hold at once with the level given.

    Args:
        level: joint coverage (at least), between 0 and 1.
        m: number of intervals, at least 1.

    Raises:
        ValueError: the level is out of range, or m is below 1.

    Holds under any dependence. Source: Dunn (1961), J. Am. Stat. Assoc. 56, 52-64.
    """
    normal_quantile(level)
    if m < 1:
        raise ValueError(f"m = {m} must be at least 1; count the intervals that are read together")
    return 1 - (1 - level) / m
