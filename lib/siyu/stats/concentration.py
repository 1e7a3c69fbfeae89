"""How much of a sum a few people bring: Lorenz curve from the top, and Gini's index."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from siyu.stats.checks import FloatArray


def top_share(values: ArrayLike, share: float) -> tuple[float, FloatArray]:
    """Give what the top people bring of all that people bring: a point of the Lorenz curve.

    Args:
        values: an amount per person; negative ones may be among them.
        share: of the people, those who bring most, in [0, 1]; a part of a person counts as such.

    Returns:
        The share of the sum, and what each person moves it by, in the order given; not numbers
        where the sum is not above 0.

    Raises:
        ValueError: the share is out of range.

    Assumes independent people, and a bound between the top and the others that is estimated, too.
    Source: Beach and Davidson (1983), Rev. Econ. Stud. 50, 723-735, from the top instead of the
    bottom.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share = {share} must lie in [0, 1]; a fifth is 0.2")
    amounts = np.asarray(values, dtype=np.float64)
    n, total = len(amounts), float(amounts.sum())
    if not total > 0:
        return float("nan"), np.full(n, np.nan)
    ordered = np.sort(amounts)[::-1]
    top = round(share * n, 9)  # a tenth of 30 is 3, not a hair more
    whole = min(int(top), n)
    bound = ordered[min(whole, n - 1)]
    brought = float(ordered[:whole].sum()) + (top - whole) * bound
    value, mean = float(brought / total), total / n
    influence = (np.maximum(amounts - bound, 0) + share * bound - value * amounts) / mean
    return value, influence


def gini(values: ArrayLike) -> tuple[float, FloatArray]:
    """Give Gini's index of what people bring: 0 where all bring the same, near 1 where one does.

    Args:
        values: an amount per person; with negative ones the index may exceed 1.

    Returns:
        The index (without its bias in small samples), and what each person moves it by, in the
        order given; not numbers with fewer than two people or where the sum is not above 0.

    Assumes independent people; where amounts are heavy-tailed, intervals from the influence cover
    less than stated (`tests/simulation/test_rfm_coverage.py` says by how much).
    Source: Davidson (2009), J. Econometrics 150, 30-40.
    """
    amounts = np.asarray(values, dtype=np.float64)
    n, total = len(amounts), float(amounts.sum())
    if n < 2 or not total > 0:
        return float("nan"), np.full(n, np.nan)
    order = np.argsort(amounts, kind="stable")
    ordered = amounts[order]
    below = 2 * np.arange(1, n + 1) - n
    # Of each person, the mean distance to all.
    distance = (ordered * below - 2 * np.cumsum(ordered) + total) / n
    mean, spread = total / n, float(distance.mean()) * n / (n - 1)
    value = spread / (2 * mean)
    influence = np.empty(n)
    influence[order] = (distance - distance.mean() - value * (ordered - mean)) / mean
    return value, influence
