"""What every statistic asks of its input: a level between 0 and 1, counts that fit together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

FloatArray = NDArray[np.float64]


def normal_quantile(level: float) -> float:
    """Give the standard normal quantile z with P(|Z| <= z) = level.

    Raises:
        ValueError: level is not strictly between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level = {level} must lie strictly between 0 and 1; use 0.95 for 95%")
    return float(ndtri((1 + level) / 2))


def whole_counts(name: str, values: ArrayLike) -> FloatArray:
    """Check that values are counts (whole, finite, not negative) and give them as floats.

    Raises:
        ValueError: naming the first value that is no count.
    """
    counts = np.asarray(values, dtype=np.float64)
    wrong = ~(np.isfinite(counts) & (counts >= 0) & (counts == np.floor(counts)))
    if wrong.any():
        raise ValueError(f"{name} = {counts[wrong].flat[0]:g} must be a whole number of at least 0")
    return counts


def count_of(count: ArrayLike, n: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Check a count against the number it is part of, and give both, broadcast to one shape.

    Raises:
        ValueError: a value is no count, or a count is larger than its n.
    """
    counts, totals = whole_counts("count", count), whole_counts("n", n)
    counts, totals = counts + 0 * totals, totals + 0 * counts
    above = counts > totals
    if above.any():
        raise ValueError(
            f"count = {counts[above].flat[0]:g} must not exceed n = {totals[above].flat[0]:g}; "
            "count users, not events"
        )
    return counts, totals
