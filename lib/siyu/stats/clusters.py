"""Shares of things that come in clusters, from what each cluster's counts sum up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import f as fisher
from scipy.stats import t as student

from siyu.stats.checks import FloatArray, count_of, normal_quantile
from siyu.stats.jackknife import jackknife


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Shares with their standard `error` between clusters, and an interval within [0, 1].

    The error and the interval are not a number with fewer than two clusters.
    """

    share: FloatArray
    error: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray


def clustered_share(
    *,
    count: ArrayLike,
    n: ArrayLike,
    clusters: ArrayLike,
    count_squared: ArrayLike,
    n_squared: ArrayLike,
    both: ArrayLike,
    level: float,
) -> Shares:
    """Give the share of things counted, when clusters are independent and things in one are not.

    Args:
        count: things counted, over all clusters.
        n: things there are.
        clusters: number of clusters.
        count_squared: sum over clusters of their count, squared.
        n_squared: the same of their n.
        both: sum over clusters of count times n.
        level: coverage of the interval, between 0 and 1.

    Raises:
        ValueError: a count is none, or exceeds its n; the level is out of range.

    Source: the ratio of two means over clusters by the delta method, with G / (G - 1) and t(G - 1):
    Cochran (1977), Sampling Techniques, section 6.4; Deng, Knoblich and Lu (2018), KDD.
    """
    normal_quantile(level)
    counts, totals = count_of(count, n)
    n_clusters = np.asarray(clusters, dtype=np.float64)
    squares, sizes, products = (
        np.asarray(one, dtype=np.float64) for one in (count_squared, n_squared, both)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        share = counts / totals
        spread = squares - 2 * share * products + share**2 * sizes
        few = n_clusters < 2
        factor = np.where(few, np.nan, n_clusters / np.where(few, np.nan, n_clusters - 1))
        error = np.sqrt(np.maximum(spread, 0) * factor) / totals
    reach = student.ppf((1 + level) / 2, np.maximum(n_clusters - 1, 1)) * error
    return Shares(
        share=share,
        error=error,
        ci_lower=np.maximum(share - reach, 0),
        ci_upper=np.minimum(share + reach, 1),
    )


def wilson_share(
    count: ArrayLike, n: ArrayLike, clusters: ArrayLike, *, level: float
) -> tuple[float, float, float]:
    """Give the share of things counted with Wilson's interval, widened for what clusters share.

    Args:
        count: things counted in a cluster.
        n: things there are in it.
        clusters: clusters with each such pair.
        level: coverage of the interval, between 0 and 1.

    Returns:
        Share and the ends of its interval, within [0, 1]; all not a number without things, the ends
        with fewer than two clusters.

    Raises:
        ValueError: a count is none, or exceeds its n; the level is out of range.

    Wilson's (1927) of as many independent things as have the variance between clusters, though no
    more than there are; with Student's t of the degrees that this variance deserves. Source: Korn
    and Graubard (1998), Survey Methodology 24, who put that number into the exact interval instead;
    it holds by simulation (`tests/simulation/test_spread_coverage.py`).
    """
    normal_quantile(level)
    counts, totals = count_of(count, n)
    weight = np.where(totals > 0, clusters, 0.0)
    things, many = float(weight @ totals), float(weight.sum())
    if not things:
        return np.nan, np.nan, np.nan
    share = float(weight @ counts / things)
    if many < 2:
        return share, np.nan, np.nan
    spread = jackknife(
        lambda means: means[..., :1] / means[..., 1:],
        np.column_stack([counts, totals]),
        weight,
    )
    variance = float(spread.variance[0])
    # Where none or all are counted, there is no spread to be uncertain of.
    worth, degrees = things, many - 1
    if 0 < share < 1:
        worth = min(share * (1 - share) / variance, things)
        degrees = min(float(spread.degrees[0]), degrees)
    square = float(student.ppf((1 + level) / 2, degrees)) ** 2 / worth
    middle = share + square / 2
    reach = np.sqrt(square * (share * (1 - share) + square / 4))
    return (
        share,
        float(max(middle - reach, 0) / (1 + square)),
        float(min((middle + reach) / (1 + square), 1)),
    )


def clustered_slope(
    *,
    n: ArrayLike,
    x: ArrayLike,
    xx: ArrayLike,
    y: ArrayLike,
    xy: ArrayLike,
    clusters: ArrayLike,
    level: float,
) -> tuple[float, float, float]:
    """Give the slope of a line through all things, when those of a cluster are not independent.

    Args:
        n: things in a cluster; one row per group of clusters that are alike in all of this.
        x: the sum of their x.
        xx: the sum of its squares.
        y: the sum of what is explained.
        xy: the sum of both multiplied.
        clusters: clusters in each group.
        level: coverage of the interval, between 0 and 1.

    Returns:
        Slope and the ends of its interval; NaN with fewer than three clusters, or one value of x.

    Raises:
        ValueError: the level is out of range.

    Source: Liang and Zeger (1986), Biometrika 73, 13-22, with the factors of CR1 and t(G - 1).
    """
    normal_quantile(level)
    things, of_x, of_xx, of_y, of_xy, weight = (
        np.asarray(one, dtype=np.float64) for one in (n, x, xx, y, xy, clusters)
    )
    total, many = float(weight @ things), float(weight.sum())
    if many < 3:
        return np.nan, np.nan, np.nan
    middle, mean = weight @ of_x / total, weight @ of_y / total
    spread = weight @ of_xx - total * middle**2
    if spread <= 0:
        return np.nan, np.nan, np.nan
    slope = (weight @ of_xy - total * middle * mean) / spread
    level_at_middle = mean - slope * middle
    score = of_xy - middle * of_y - level_at_middle * (of_x - middle * things)
    score -= slope * (of_xx - middle * of_x)
    factor = many / (many - 1) * (total - 1) / (total - 2)
    error = np.sqrt(factor * weight @ score**2) / spread
    reach = student.ppf((1 + level) / 2, many - 1) * error
    return float(slope), float(slope - reach), float(slope + reach)


def clustered_means(
    arms: Sequence[ArrayLike], clusters: Sequence[ArrayLike]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give each arm's mean per unit, when whole clusters were drawn into the arms.

    Args:
        arms: one value per unit.
        clusters: the same of the cluster that the unit is in, whole numbers of at least 0.

    Returns:
        Means, their variances (CR2) and degrees of freedom, one of each per arm. The last two are
        not a number for an arm with fewer than two clusters.

    Source: Bell and McCaffrey (2002), Survey Methodology 28, 169-181: residuals summed within
    clusters and set right for what each takes part in its own mean, and the degrees of freedom that
    this variance would have if units were independent.
    """
    found = np.array([_arm_mean(y, g) for y, g in zip(arms, clusters, strict=True)])
    return found[:, 0], found[:, 1], found[:, 2]


def _arm_mean(values: ArrayLike, clusters: ArrayLike) -> tuple[float, float, float]:
    y = np.asarray(values, dtype=np.float64)
    code = np.unique(np.asarray(clusters), return_inverse=True)[1]
    size = np.bincount(code)
    if len(size) < 2:
        return float(y.mean()), np.nan, np.nan
    share = size / len(y)
    summed = np.bincount(code, weights=y - y.mean()) / np.sqrt(1 - share)
    variance = float((summed**2).sum()) / len(y) ** 2
    # What the adjusted sums would vary and vary together by, if units were independent.
    root = size / np.sqrt(1 - share)
    together = -np.outer(root, root) / len(y)
    np.fill_diagonal(together, size)
    return float(y.mean()), variance, float(np.trace(together) ** 2 / (together**2).sum())


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How alike things of one cluster are: the intraclass correlation, with its interval.

    Not a number where clusters are fewer than two, or no larger than one.
    """

    value: float
    ci_lower: float
    ci_upper: float


def likeness(count: ArrayLike, n: ArrayLike, *, level: float) -> Likeness:
    """Estimate how alike things of one cluster are in what is counted of them.

    Args:
        count: things counted in each cluster.
        n: things there are in each, above 0.
        level: coverage of the interval, between 0 and 1.

    Raises:
        ValueError: a count is none, or exceeds its n; the level is out of range.

    Source: the analysis of variance, Donner and Koval (1980), Biometrics 36, 19-25; interval of
    Searle (1971), Linear Models, with the mean cluster size of unequal clusters, e.g. Ukoumunne
    (2002), Stat. Med. 21, 3757-3774.
    """
    normal_quantile(level)
    counts, sizes = count_of(count, n)
    k, total = len(sizes), float(sizes.sum())
    if k < 2 or total <= k:
        return Likeness(value=np.nan, ci_lower=np.nan, ci_upper=np.nan)
    size = (total - (sizes**2).sum() / total) / (k - 1)
    share = counts.sum() / total
    between = float((sizes * (counts / sizes - share) ** 2).sum()) / (k - 1)
    within = float((counts * (1 - counts / sizes)).sum()) / (total - k)
    if not within:
        return Likeness(value=np.nan, ci_lower=np.nan, ci_upper=np.nan)
    ratio, tail = between / within, (1 - level) / 2
    upper, lower = ratio / fisher.ppf([tail, 1 - tail], k - 1, total - k)
    found = [(one - 1) / (one + size - 1) for one in (ratio, lower, upper)]
    return Likeness(value=found[0], ci_lower=found[1], ci_upper=found[2])


def design_effect(n: ArrayLike, correlation: float) -> float:
    """Give how many times more things are needed when whole clusters are drawn.

    Args:
        n: things in each cluster, above 0.
        correlation: intraclass, at most 1; below 0 it counts as 0.

    Source: Eldridge, Ashby and Kerry (2006), Int. J. Epidemiology 35, 1292-1300, for clusters
    unequally large.
    """
    sizes = np.asarray(n, dtype=np.float64)
    mean = sizes.mean()
    weighted = mean * (1 + (sizes.std() / mean) ** 2)
    return float(1 + (weighted - 1) * max(correlation, 0.0))
