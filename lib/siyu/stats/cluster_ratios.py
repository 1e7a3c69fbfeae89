"""Ratios of sums over clusters that differ much in size, as the trees of invitations do."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from siyu.stats.checks import count_of, normal_quantile
from siyu.stats.clusters import joint_means
from siyu.stats.fieller import Ratio, ratio_of_means
from siyu.stats.jackknife import jackknife


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


def share_by_cluster(
    count: ArrayLike, n: ArrayLike, *, level: float, clusters: ArrayLike | None = None
) -> tuple[float, float, float]:
    """Give a share of things that come in clusters, with an interval within [0, 1].

    Args:
        count: things counted in a cluster; whole numbers.
        n: things there are in it.
        level: coverage, between 0 and 1.
        clusters: how many clusters have each such pair; None: one.

    Returns:
        Share, lower and upper end; all not a number without things, the ends with fewer than two
        clusters that have any. From 0 to 1 where a few clusters are so much larger than the rest
        that nothing can be refused (see `ratio_by_cluster`).

    Raises:
        ValueError: a count is none, or exceeds its n; the level is out of range.

    Wilson's (1927) of as many independent things as have the variance between clusters, though no
    more than there are; with Student's t of the degrees that this variance deserves. Of none or
    all there is no variance: no more things are then taken to be independent than clusters of equal
    size would tell (`effective_clusters`). Source: Korn and Graubard (1998), Survey Methodology 24,
    who put that number into the exact interval instead; it holds by simulation
    (`tests/simulation/test_cluster_ratio_coverage.py`), also of shares near 0 or 1 of things that
    are alike, where `ratio_by_cluster` is too sure.
    """
    normal_quantile(level)
    counts, totals = count_of(count, n)
    weight = np.where(totals > 0, np.ones_like(totals) if clusters is None else clusters, 0.0)
    things, many = float(weight @ totals), float(weight.sum())
    if not things:
        return np.nan, np.nan, np.nan
    share = float(weight @ counts / things)
    if many < 2:
        return share, np.nan, np.nan
    mean = things / many
    spread = float(weight @ (totals - mean) ** 2) / (many - 1)
    if many * mean**2 <= float(student.ppf((1 + level) / 2, many - 1)) ** 2 * spread:
        return share, 0.0, 1.0
    worth = max(float(np.floor(things**2 / (weight @ totals**2))), 1.0)
    degrees = many - 1
    if 0 < share < 1:
        found = jackknife(
            lambda means: means[..., :1] / means[..., 1:],
            np.column_stack([counts, totals]),
            weight,
        )
        worth, variance = things, float(found.variance[0])
        if variance:  # not all clusters have the same share
            worth = min(share * (1 - share) / variance, things)
            degrees = min(float(found.degrees[0]), degrees)
    square = float(student.ppf((1 + level) / 2, degrees)) ** 2 / worth
    middle = share + square / 2
    reach = np.sqrt(square * (share * (1 - share) + square / 4))
    return (
        share,
        float(max(middle - reach, 0) / (1 + square)),
        float(min((middle + reach) / (1 + square), 1)),
    )


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
