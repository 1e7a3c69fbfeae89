"""Scores by rank in which equal values always share one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siyu.stats.checks import FloatArray


def cut_points(values: ArrayLike, *, groups: int = 5) -> FloatArray:
    """Find where values are to be cut so that groups of people are as equal as ties allow.

    A value belongs where the middle of those who share it ranks: with b people below it and t who
    have it, in group 1 + floor(groups (b + t / 2) / n). So all equal are all in the middle, and a
    crowd of equal values is in no extreme group that it does not fill.

    Args:
        values: one per person, finite.
        groups: number of groups, at least 1.

    Returns:
        The smallest value of each group but the first, in rising order; infinite where nobody is in
        it or above, so that `score_ranks` gives nobody the score.

    Raises:
        ValueError: groups is below 1.

    Source: the mid-rank of tied values, Kendall (1945), Biometrika 33, 239-251; ridits, Bross
    (1958), Biometrics 14, 18-38. In whole numbers: no rounding decides.
    """
    if groups < 1:
        raise ValueError(f"groups = {groups} must be at least 1; quintiles are 5")
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n, group = len(ordered), np.arange(1, groups)
    if not n:
        return np.full(groups - 1, np.inf)
    # Only those who share the value at the bound can be on either side of it.
    value = ordered[n * group // groups]
    below, up_to = (np.searchsorted(ordered, value, side=side) for side in ("left", "right"))
    reaches = groups * (below + up_to) >= 2 * n * group
    return np.where(reaches, value, np.append(ordered, np.inf)[up_to])


def score_ranks(values: ArrayLike, cuts: FloatArray) -> NDArray[np.int8]:
    """Give each value the number of its group, 1 for the lowest.

    Args:
        values: one per person, finite.
        cuts: from `cut_points`, of these values or of others.
    """
    return (1 + np.searchsorted(cuts, np.asarray(values), side="right")).astype(np.int8)
