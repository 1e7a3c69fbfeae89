"""Means of counts per person that a few persons make up: how many friends each brings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, minimize_scalar
from scipy.special import gammaln
from scipy.stats import chi2, norm, t

from siyu.stats.checks import FloatArray, normal_quantile, whole_counts

_FEWEST_DEGREES = 2.0
_LOGS = np.linspace(np.log(1e-3), np.log(1e5), 181)
_SHAPES = np.exp(_LOGS)
"""Beyond the last one nobody could tell a negative binomial from a Poisson distribution."""


@dataclass(frozen=True, kw_only=True)
class CountMean:
    """A mean of counts over `n` persons with its interval.

    variance: of one person's count, times what members of a family have in common. degrees: of
    freedom that this variance deserves.
    """

    mean: float
    ci_lower: float
    ci_upper: float
    variance: float
    degrees: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The shape k of negative binomial counts, variance = mean + mean² / k, with its interval.

    Infinite where counts differ no more than by chance (Poisson).
    """

    shape: float
    ci_lower: float
    ci_upper: float


@dataclass(frozen=True, kw_only=True)
class Families:
    """The same persons by families, such as all whom one inviter brought.

    brought: what the members of a family bring together. members: how many they are. count: of
    families that are alike in both.
    """

    brought: ArrayLike
    members: ArrayLike
    count: ArrayLike

    def widen(self, mean: float, square: float) -> tuple[float, float]:
        """Give by what the variance of a mean is larger than of independent persons, at least 1.

        Args:
            mean: of all.
            square: sum over persons of their squared distance from it, above 0.

        Returns:
            The factor, and the degrees of freedom that the variance between families deserves.
        """
        brought, members, weight = (
            np.asarray(one, dtype=np.float64) for one in (self.brought, self.members, self.count)
        )
        many, left = float(weight.sum()), brought - mean * members
        second, fourth = float(weight @ left**2), float(weight @ left**4)
        if many < 2 or not second:
            return 1.0, np.inf
        beyond = many * fourth / second**2 - 1
        degrees = 2 * many / beyond if beyond > 0 else np.inf
        return max(second * many / (many - 1) / square, 1.0), degrees


def count_mean(
    values: ArrayLike, persons: ArrayLike, *, level: float, families: Families | None = None
) -> CountMean:
    """Give the mean of counts per person, with an interval that holds where a few bring most.

    The interval has all means K with |mean - K| <= t sqrt(V(K) / n), V(K) = K + c K² the variance
    of counts of that mean: so many above, so few below, as skewed counts need. c is what the counts
    say, not below 0 (Poisson); t has the degrees of freedom that their variance deserves,
    2 n / (kurtosis - 1), and at least 2.

    Args:
        values: distinct counts.
        persons: with each of them; those who bring nothing included.
        level: coverage, between 0 and 1.
        families: of the same persons, where members of one may be alike: the interval is then as
            much wider as the variance between families is larger.

    Returns:
        Not numbers without persons; the upper end is infinite where they are too few to bound it.

    Raises:
        ValueError: a value is no count, or the level is out of range.

    Assumes independent families, or without them persons. Source: the score interval of Wilson
    (1927) with the variance of a negative binomial, as for Poisson rates in Tango (2009), Statist.
    Med. 28; degrees as in `siyu.stats.jackknife`; families as clusters, Cochran (1977), Sampling
    Techniques, 9A. That it holds is shown by simulation only
    (`tests/simulation/test_spread_coverage.py`).
    """
    normal_quantile(level)
    x, weight = whole_counts("values", values), whole_counts("persons", persons)
    n = float(weight.sum())
    if not n:
        return CountMean(
            mean=np.nan, ci_lower=np.nan, ci_upper=np.nan, variance=np.nan, degrees=np.nan, n=0
        )
    mean = float(weight @ x / n)
    second, fourth = (float(weight @ (x - mean) ** power / n) for power in (2, 4))
    variance = second * n / max(n - 1, 1)
    degrees = 2 * n / (fourth / second**2 - 1) if fourth > second**2 > 0 else _FEWEST_DEGREES
    times = 1.0
    if families is not None and second:
        times, least = families.widen(mean, second * n)
        degrees = min(degrees, least)
    degrees = max(degrees, _FEWEST_DEGREES)
    spread = max((variance - mean) / mean**2, 0.0) if mean else 0.0
    step = float(t.ppf((1 + level) / 2, degrees)) ** 2 * times / n
    middle, bend = 2 * mean + step, 1 - step * spread
    root = np.sqrt(max(middle**2 - 4 * bend * mean**2, 0.0))
    return CountMean(
        mean=mean,
        ci_lower=float(2 * mean**2 / (middle + root)),
        ci_upper=float((middle + root) / (2 * bend)) if bend > 0 else np.inf,
        variance=variance * times,
        degrees=degrees,
        n=int(n),
    )


def persons_needed(found: CountMean, *, against: float, level: float, power: float) -> float:
    """Count the persons by whom a mean as found would be told from another, two-sided.

    Args:
        found: the mean and the variance of one person's count.
        against: the other mean.
        level: of the interval that must leave it out, between 0 and 1.
        power: chance that it does, between 0 and 1.

    Returns:
        Infinite where the two are equal.
    """
    quantiles = normal_quantile(level) + float(norm.ppf(power))
    gap = found.mean - against
    return float(np.ceil(found.variance * (quantiles / gap) ** 2)) if gap else np.inf


def fit_shape(values: ArrayLike, persons: ArrayLike, *, level: float) -> Shape:
    """Fit the shape of negative binomial counts by maximum likelihood.

    Args:
        values: distinct counts.
        persons: with each of them.
        level: coverage of the interval, between 0 and 1.

    Returns:
        Not numbers without any count above 0; an end is infinite, or 0, where the counts do not
        bound it.

    Raises:
        ValueError: a value is no count, or the level is out of range.

    The best mean is the sample's at any shape, so the likelihood has one dimension, and the
    interval holds the shapes that the likelihood ratio does not reject. Assumes independent persons
    and negative binomial counts. Source: Lawless (1987), Can. J. Stat. 15, 209-225.
    """
    normal_quantile(level)
    x, weight = whole_counts("values", values), whole_counts("persons", persons)
    if not weight @ x:
        return Shape(shape=np.nan, ci_lower=np.nan, ci_upper=np.nan)
    mean = float(weight @ x / weight.sum())

    def likelihood(shape: ArrayLike) -> FloatArray:
        k = np.asarray(shape, dtype=np.float64)[..., None]
        parts = gammaln(x + k) - gammaln(k) - k * np.log1p(mean / k) - x * np.log(mean + k)
        return np.asarray(parts @ weight)

    heights = likelihood(_SHAPES)
    best, last = int(heights.argmax()), len(_SHAPES) - 1
    around = _LOGS[[max(best - 1, 0), min(best + 1, last)]]
    top = minimize_scalar(lambda log: -likelihood(np.exp(log)), bounds=around, method="bounded")
    least = max(-float(top.fun), float(heights[best])) - float(chi2.ppf(level, 1)) / 2
    shape = np.inf if best == last else float(np.exp(top.x))

    def end(side: int, beyond: float) -> float:
        outside = (
            np.flatnonzero(heights[:best] < least)[-1:]
            if side < 0
            else (best + 1 + np.flatnonzero(heights[best + 1 :] < least)[:1])
        )
        if not len(outside):
            return beyond
        ends = (_LOGS[outside[0]], top.x)
        return float(np.exp(brentq(lambda log: likelihood(np.exp(log)) - least, *ends)))

    return Shape(shape=shape, ci_lower=end(-1, 0.0), ci_upper=end(1, np.inf))
