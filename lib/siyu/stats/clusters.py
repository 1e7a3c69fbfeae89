"""Shares, slopes and means of things that come in clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
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


@dataclass(frozen=True, kw_only=True)
class Means:
    """Means of several columns over the same people, with their `covariance`.

    degrees: of freedom of the covariance: clusters (people, where each stands alone) less one.
    n: people.
    """

    value: FloatArray
    covariance: FloatArray
    degrees: float
    n: int

    def weigh(self, weights: ArrayLike) -> tuple[float, float]:
        """Give a weighted sum of the means, and its variance."""
        weight = np.asarray(weights, dtype=np.float64)
        return float(weight @ self.value), max(float(weight @ self.covariance @ weight), 0.0)


def clustered_means(rows: ArrayLike, *, clusters: ArrayLike | None = None) -> Means:
    """Give the means of columns over people, who may come in clusters.

    Args:
        rows: people x columns.
        clusters: of each person, any labels; None where each stands alone.

    Raises:
        ValueError: fewer than two clusters.

    Source: as `clustered_share`, for several columns at once; where each person stands alone, the
    usual covariance of means.
    """
    values = np.asarray(rows, dtype=np.float64)
    n = len(values)
    mean = np.asarray(values.sum(axis=0) / max(n, 1))
    residuals = values - mean
    if clusters is not None:
        code = np.unique(np.asarray(clusters), return_inverse=True)[1]
        sums = np.zeros((code.max(initial=-1) + 1, values.shape[1]))
        np.add.at(sums, code, residuals)
        residuals = sums
    many = len(residuals)
    if many < 2:
        raise ValueError(f"{many} cluster must be at least 2: nothing is known of what chance does")
    covariance = many / (many - 1) * residuals.T @ residuals / n**2
    return Means(value=mean, covariance=covariance, degrees=many - 1.0, n=n)
