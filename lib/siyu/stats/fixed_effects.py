"""Linear models with one effect per group taken out exactly, and errors clustered.

Rows may be grouped: `n` observations that share a group, a cluster and all features, with the
`total` of their outcomes. A group may be a user; nothing is estimated for it, only within it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array, sparray
from scipy.stats import t as student

from siyu.stats.checks import FloatArray, normal_quantile

FEWEST_CLUSTERS = 10
"""With fewer clusters no correction saves the interval."""
_LEAST_OWN_SHARE = 1e-9
"""Of a feature's squares, what others and the groups must leave for it to have an effect."""


class CollinearError(ValueError):
    """Features that cannot be told from those before them, or from the groups: see `columns`."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Name them."""
        self.columns = tuple(columns)
        super().__init__(
            f"columns {', '.join(columns)} say nothing that the columns before them and the groups "
            "do not; leave them out"
        )


class FewClustersError(ValueError):
    """Too few clusters have any variation."""


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A combination of coefficients: `estimate`, its standard `error`, interval and two-sided p."""

    estimate: FloatArray
    error: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    p: FloatArray


@dataclass(frozen=True, kw_only=True)
class WithinFit:
    """Coefficients within groups, with the constant behind them.

    names: of the features. means: of the features, over all observations. coefficients: one per
    feature; the last is the constant: the mean over all observations of their group's effect.
    covariance: of all these, between clusters. n, n_groups, n_clusters: observations, groups and
    clusters in which features vary, which carry the coefficients. left_out: observations in groups
    that do not vary; they count for the constant alone.
    """

    names: tuple[str, ...]
    means: FloatArray
    coefficients: FloatArray
    covariance: FloatArray
    n: int
    n_groups: int
    n_clusters: int
    left_out: int

    def contrast(self, weights: ArrayLike, *, level: float) -> Contrast:
        """Combine coefficients, by the t distribution with one degree per cluster, less one.

        Args:
            weights: one row per combination, one column per feature and one for the constant.
            level: coverage of each interval, between 0 and 1.

        Raises:
            ValueError: the level is out of range.

        Source: Cameron and Miller (2015), section VI.D.
        """
        normal_quantile(level)
        combined = np.atleast_2d(np.asarray(weights, dtype=np.float64))
        estimate = combined @ self.coefficients
        error = np.sqrt(np.einsum("ij,jk,ik->i", combined, self.covariance, combined))
        reach = student.ppf((1 + level) / 2, self.n_clusters - 1) * error
        return Contrast(
            estimate=estimate,
            error=error,
            ci_lower=estimate - reach,
            ci_upper=estimate + reach,
            p=self.p_value(estimate, error),
        )

    def p_value(self, estimate: FloatArray, error: FloatArray) -> FloatArray:
        """Give the two-sided p-value of estimates being 0; not a number without an error."""
        with np.errstate(invalid="ignore", divide="ignore"):
            t = np.abs(estimate / error)
        return np.asarray(2 * student.sf(t, self.n_clusters - 1))


def dummies(codes: ArrayLike, n_levels: int) -> sparray:
    """Lay codes from 0 out as one column per level, without one for the first.

    Args:
        codes: one per row, from 0 to n_levels - 1.
        n_levels: at least 1.
    """
    level = np.asarray(codes, dtype=np.int64)
    rows = np.flatnonzero(level > 0)
    shape = (len(level), n_levels - 1)
    return csr_array((np.ones(len(rows)), (rows, level[rows] - 1)), shape=shape)


def fit_within(
    features: sparray,
    *,
    names: Sequence[str],
    n: ArrayLike,
    total: ArrayLike,
    group: ArrayLike,
    cluster: ArrayLike,
) -> WithinFit:
    """Regress an outcome on features, with one effect per group taken out exactly.

    Clusters are independent of each other; within one, anything goes. Every group lies in one
    cluster, or all rows are in one group (a plain regression with a constant). The covariance is
    CR1: between clusters, times G / (G - 1) x (N - 1) / (N - K), where K counts the features and
    one constant, not effects of groups within clusters.

    Args:
        features: sparse, rows x features; at least one feature.
        names: of the features.
        n: observations per row, above 0.
        total: of their outcomes.
        group: any integer per row.
        cluster: the same.

    Raises:
        CollinearError: naming every feature without variation of its own within groups.
        FewClustersError: features vary in fewer than FEWEST_CLUSTERS clusters.

    Source: Wooldridge (2010), section 10.5, for the within transformation; Cameron and Miller
    (2015), J. Human Resources 50, 317-372, sections II.B and III.B, for the covariance.
    """
    x = csr_array(features)
    weight, outcome = np.asarray(n, dtype=np.float64), np.asarray(total, dtype=np.float64)
    groups = _indicator(group)
    clusters = groups if cluster is group else _indicator(cluster)
    sizes = groups.T @ weight
    sums = csr_array(groups.T @ x.multiply(weight[:, None]))
    centres = csr_array(sums.multiply(1 / sizes[:, None]))
    raw = (x.T @ x.multiply(weight[:, None])).toarray()
    inner = raw - (sums.T @ centres).toarray()
    varies = _varying(x, weight, groups, centres)
    informed = (groups @ varies).astype(bool)
    n_clusters = int(np.count_nonzero(clusters.T @ informed.astype(float)))
    if n_clusters < FEWEST_CLUSTERS:
        raise FewClustersError(
            f"features vary in {n_clusters} clusters, which must be at least {FEWEST_CLUSTERS}"
        )
    if alike := _collinear(inner, np.diag(raw)):
        raise CollinearError([names[column] for column in alike])
    factor = cho_factor(inner)
    group_totals = groups.T @ outcome
    slope = cho_solve(factor, x.T @ outcome - centres.T @ group_totals)
    effect = group_totals / sizes - centres @ slope
    residual = outcome - weight * (groups @ effect + x @ slope)
    scores = _scores(x, residual, groups, centres, clusters)
    influence = cho_solve(factor, scores.T).T
    whole, means = weight.sum(), (x.T @ weight) / weight.sum()
    constant = outcome.sum() / whole - means @ slope
    around = clusters.T @ (outcome - weight * (constant + x @ slope)) / whole
    both = np.column_stack([influence, around - influence @ means])
    used = weight[informed].sum()
    correction = n_clusters / (n_clusters - 1) * (used - 1) / (used - x.shape[1] - 1)
    return WithinFit(
        names=tuple(names),
        means=means,
        coefficients=np.append(slope, constant),
        covariance=correction * both.T @ both,
        n=int(used),
        n_groups=int(varies.sum()),
        n_clusters=n_clusters,
        left_out=int(whole - used),
    )


def _indicator(codes: ArrayLike) -> csr_array:
    """Lay integers out as rows x distinct values."""
    place, found = pd.factorize(np.asarray(codes))
    shape = (len(place), len(found))
    return csr_array((np.ones(len(place)), (np.arange(len(place)), place)), shape=shape)


def _varying(
    x: csr_array, weight: FloatArray, groups: csr_array, centres: csr_array
) -> NDArray[np.bool_]:
    """Tell in which groups any feature varies."""
    squares = groups.T @ (weight * np.asarray(x.multiply(x).sum(axis=1)).ravel())
    sizes = groups.T @ weight
    middle = sizes * np.asarray(centres.multiply(centres).sum(axis=1)).ravel()
    return np.asarray(squares - middle > _LEAST_OWN_SHARE * squares)


def _collinear(inner: FloatArray, squares: FloatArray) -> list[int]:
    """Find columns of a cross product that add nothing to those before them, by Cholesky's steps.

    Args:
        inner: cross product within groups.
        squares: sum of squares of each column, groups not taken out.
    """
    left = inner.copy()
    found = []
    for column in range(len(left)):
        pivot = left[column, column]
        if pivot <= _LEAST_OWN_SHARE * squares[column]:
            found.append(column)
            continue
        rest = slice(column + 1, None)
        left[rest, rest] -= np.outer(left[rest, column], left[column, rest]) / pivot
    return found


def _scores(
    x: csr_array, residual: FloatArray, groups: csr_array, centres: csr_array, clusters: csr_array
) -> FloatArray:
    """Sum features, less their group's mean, times residuals over each cluster."""
    own = clusters.T @ x.multiply(residual[:, None])
    middle = (clusters.T @ groups.multiply(residual[:, None])) @ centres
    return np.asarray((own - middle).toarray())
