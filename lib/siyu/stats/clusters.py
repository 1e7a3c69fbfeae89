"""Shares, slopes and means of things that come in clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from siyu.stats.checks import FloatArray, count_of, normal_quantile


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

    Source: as `joint_means`, one column at a time.
    """
    found = np.array([_arm_mean(y, g) for y, g in zip(arms, clusters, strict=True)])
    return found[:, 0], found[:, 1], found[:, 2]


def _arm_mean(values: ArrayLike, clusters: ArrayLike) -> tuple[float, float, float]:
    y = np.asarray(values, dtype=np.float64)
    if len(np.unique(np.asarray(clusters))) < 2:
        return float(y.mean()), np.nan, np.nan
    found = joint_means(y[:, None], clusters=clusters)
    return float(found.value[0]), float(found.covariance[0, 0]), found.degrees


@dataclass(frozen=True, kw_only=True)
class Means:
    """Means of several columns over the same people, with their `covariance`.

    degrees: of freedom of the covariance; where each person stands alone, people less one.
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


def joint_means(rows: ArrayLike, *, clusters: ArrayLike | None = None) -> Means:
    """Give the means of several columns over people, who may come in clusters.

    Args:
        rows: people x columns.
        clusters: of each person, any labels; None where each stands alone.

    Raises:
        ValueError: fewer than two clusters.

    Source: Bell and McCaffrey (2002), Survey Methodology 28, 169-181 (CR2): residuals summed within
    clusters and set right for what each takes part in its own mean, and the degrees of freedom that
    this variance would have if people were independent. Where each person stands alone, it is the
    usual covariance of means.
    """
    values = np.asarray(rows, dtype=np.float64)
    n = len(values)
    mean = np.asarray(values.sum(axis=0) / max(n, 1))
    sums, size = values - mean, np.ones(n)
    if clusters is not None:
        code = np.unique(np.asarray(clusters), return_inverse=True)[1]
        size = np.bincount(code).astype(np.float64)
        sums = np.column_stack([np.bincount(code, weights=column) for column in sums.T])
    if len(size) < 2:
        raise ValueError(
            f"{len(size)} cluster must be at least 2: nothing is known of what chance does"
        )
    left = np.sqrt(1 - size / n)
    adjusted = sums / left[:, None]
    degrees = n - 1.0
    if clusters is not None:
        # What the adjusted sums would vary and vary together by, if units were independent.
        together = -np.outer(size / left, size / left) / n
        np.fill_diagonal(together, size)
        degrees = float(np.trace(together) ** 2 / (together**2).sum())
    return Means(value=mean, covariance=adjusted.T @ adjusted / n**2, degrees=degrees, n=n)
