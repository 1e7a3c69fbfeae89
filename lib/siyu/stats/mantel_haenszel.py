"""Compare two groups of people within strata, however few of them a stratum holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from siyu.stats.checks import count_of, normal_quantile


def pooled_ratio(
    count_a: ArrayLike, n_a: ArrayLike, count_b: ArrayLike, n_b: ArrayLike, *, level: float
) -> tuple[float, float, float]:
    """Give the ratio of two shares, a over b, that strata have in common.

    Args:
        count_a: users of group a with the property, per stratum.
        n_a: users of group a; a stratum without users of either group says nothing.
        count_b: the same of group b.
        n_b: the same of group b.
        level: coverage, between 0 and 1.

    Returns:
        Ratio, lower and upper end; the ends are not numbers where nobody of one group has the
        property, the ratio where nobody of group b has.

    Raises:
        ValueError: a value that is no count, a count above its n, or a level out of range.

    Consistent for few large strata and for many small ones. Sources: Mantel and Haenszel (1959), J.
    Natl. Cancer Inst. 22, 719-748; variance: Greenland and Robins (1985), Biometrics 41, 55-68.
    """
    quantile = normal_quantile(level)
    (a, of_a), (b, of_b) = count_of(count_a, n_a), count_of(count_b, n_b)
    both = np.maximum(of_a + of_b, 1)
    up, down = float((a * of_b / both).sum()), float((b * of_a / both).sum())
    if not (up > 0 and down > 0):
        return (up / down if down else np.nan), np.nan, np.nan
    variance = (((a + b) * of_a * of_b - a * b * both) / both**2).sum() / (up * down)
    width = np.exp(quantile * np.sqrt(variance))
    return up / down, up / down / float(width), up / down * float(width)
