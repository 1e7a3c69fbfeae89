"""Smooth functions of means over persons, few of whom bring most: the jackknife and its freedom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from siyu.stats.checks import FloatArray, normal_quantile, whole_counts

Statistic = Callable[[FloatArray], FloatArray]
"""Maps means of shape (..., columns) to values of shape (..., values)."""
_LEAST_DEGREES = 2.0


@dataclass(frozen=True, kw_only=True)
class Jackknife:
    """What each person does to some values, and how far the values may be off.

    influence: rows x values; counted and summed, 0. variance and degrees: of each value.
    covariance: values x values.
    """

    influence: FloatArray
    covariance: FloatArray
    degrees: FloatArray

    @property
    def variance(self) -> FloatArray:
        """The squared error of each value."""
        return np.diag(self.covariance)


def jackknife(statistic: Statistic, rows: ArrayLike, counts: ArrayLike) -> Jackknife:
    """Tell how far a smooth function of means may be off, by leaving out one person at a time.

    The degrees of freedom are those that the variance deserves, 2 n / (kurtosis - 1) of the
    influences: where a few persons bring most, the variance is as uncertain as if there were only a
    few. At least two.

    Args:
        statistic: the function.
        rows: what persons brought, rows x columns.
        counts: persons with each row, together at least two.

    Raises:
        ValueError: a count is none, or there are fewer than two persons.

    Assumes independent persons. Source: Efron and Stein (1981), Ann. Stat. 9, 586-596; the degrees
    by Satterthwaite (1946), Biometrics Bull. 2, 110-114, with the variance of a sample variance.
    """
    values, weights = np.asarray(rows, dtype=np.float64), whole_counts("counts", counts)
    n = weights.sum()
    if n < 2:
        raise ValueError(f"counts sum to {n:g}; at least two persons are needed")
    left_out = statistic((weights @ values - values) / (n - 1))
    share = weights / n
    influence = (n - 1) * (share @ left_out - left_out)
    covariance = (influence * weights[:, None]).T @ influence / (n - 1) / n
    second, fourth = share @ influence**2, share @ influence**4
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = 2 * n / (fourth / second**2 - 1)
    return Jackknife(
        influence=influence,
        covariance=covariance,
        degrees=np.maximum(np.nan_to_num(degrees, nan=_LEAST_DEGREES), _LEAST_DEGREES),
    )


def interval_of(
    value: ArrayLike, found: Jackknife, *, level: float, most: float = np.inf
) -> tuple[FloatArray, FloatArray]:
    """Give the interval of each value by Student's t.

    Args:
        value: the statistic of all.
        found: its jackknife.
        level: coverage of each, between 0 and 1.
        most: degrees of freedom at the most, such as one less than the persons who bring anything.

    Raises:
        ValueError: the level is out of range.
    """
    normal_quantile(level)
    degrees = np.maximum(np.minimum(found.degrees, most), _LEAST_DEGREES)
    half = student.ppf((1 + level) / 2, degrees) * np.sqrt(found.variance)
    centre = np.asarray(value, dtype=np.float64)
    return centre - half, centre + half


def sum_degrees(variances: ArrayLike, degrees: ArrayLike) -> FloatArray:
    """Give the degrees of freedom of a sum of independent errors, over the first axis.

    Source: Welch (1947), Biometrika 34, 28-35.
    """
    parts = np.asarray(variances, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = parts.sum(axis=0) ** 2 / (parts**2 / np.asarray(degrees)).sum(axis=0)
    return np.asarray(np.maximum(np.nan_to_num(found, nan=_LEAST_DEGREES), _LEAST_DEGREES))
