"""Ratios of sums over clusters that differ much in size, as the trees of invitations do."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from siyu.stats.checks import count_of
from siyu.stats.clusters import joint_means
from siyu.stats.fieller import Ratio, ratio_of_means
from siyu.stats.intervals import wilson


def ratio_by_cluster(numerator: ArrayLike, denominator: ArrayLike, *, level: float) -> Ratio:
    """Give the ratio of two sums over independent clusters with Fieller's set.

    Args:
        numerator: per cluster, at least two clusters.
        denominator: the same.
        level: coverage, between 0 and 1.

    Returns:
        The ratio, and all ratios r for which numerator - r x denominator has a mean over clusters
        that does not clearly differ from 0, by Student's t. It is "unbounded" where a few clusters
        are so much larger than the rest that no ratio can be refused.

    Raises:
        ValueError: fewer than two clusters, or a level out of range.

    Assumes independent clusters; within one, anything. Where cluster sizes are heavy-tailed, the
    delta method covers 91 to 94%, this 93 to 96% (`tests/simulation/test_cluster_ratio_coverage`).
    Source: Fieller (1954), as `fieller`, with the covariance between clusters: Cochran (1977),
    Sampling Techniques, 6.4 and 6.15.
    """
    rows = np.column_stack([np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)])
    return ratio_of_means(joint_means(rows), level=level)


def share_by_cluster(count: ArrayLike, n: ArrayLike, *, level: float) -> tuple[float, float, float]:
    """Give a share of things that come in clusters with an interval within [0, 1].

    Args:
        count: things counted, per cluster; whole numbers.
        n: things there are, per cluster, above 0; at least two clusters.
        level: coverage, between 0 and 1.

    Returns:
        Share, lower and upper end: those of `ratio_by_cluster`, but never narrower than Wilson's of
        as many independent things, since few clusters with few things counted look more alike than
        they are. Of none or all, Wilson's as if there were no more things than clusters of equal
        size would tell (`effective_clusters`).

    Raises:
        ValueError: as `ratio_by_cluster`, or a count exceeds its n.
    """
    counts, sizes = count_of(count, n)
    total, whole = float(counts.sum()), float(sizes.sum())
    found = ratio_by_cluster(counts, sizes, level=level)
    if total in (0, whole):
        alike = max(np.floor(effective_clusters(sizes)), 1.0)
        lower, upper = wilson(alike * (total > 0), alike, level=level)
        return total / whole, float(lower), float(upper)
    lower, upper = wilson(total, whole, level=level)
    if found.kind != "bounded":
        return total / whole, 0.0, 1.0
    ends = min(float(lower), found.ci_lower), max(float(upper), found.ci_upper)
    return total / whole, max(ends[0], 0.0), min(ends[1], 1.0)


def excess_pvalue(
    numerator: ArrayLike, denominator: ArrayLike, *, ratio: float, error: float = 0.0
) -> float:
    """Test, two-sided, whether a ratio of sums over clusters differs from another ratio.

    Args:
        numerator: per cluster.
        denominator: the same.
        ratio: the other, estimated from other things.
        error: standard error of the other; 0 where it is known.

    Returns:
        p by the normal-theory test of the mean of numerator - ratio x denominator; NaN where
        nothing has any spread.
    """
    values = np.asarray(numerator, dtype=np.float64) - ratio * np.asarray(denominator, np.float64)
    many = values.size
    own = float(values.var(ddof=1)) * many
    added = (error * float(np.sum(denominator))) ** 2
    if not own + added > 0:
        return float("nan")
    degrees = (own + added) ** 2 / (own**2 / (many - 1)) if own else np.inf
    return float(2 * student.sf(abs(values.sum()) / np.sqrt(own + added), degrees))


def effective_clusters(n: ArrayLike) -> float:
    """Give how many equally large clusters would tell as much, if those in one were all alike.

    Args:
        n: things per cluster; together above 0.

    Source: Kish (1965), Survey Sampling, 8.2: the square of the sum over the sum of squares.
    """
    sizes = np.asarray(n, dtype=np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum())
