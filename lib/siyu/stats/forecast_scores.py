"""How good forecasts were, each a whole distribution: pinball loss, skill, and how sure to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from siyu.stats.checks import FloatArray, normal_quantile

_HALF = 0.5
"""Added to counts before logarithms are taken."""
_MOST = 0.8


@dataclass(frozen=True, kw_only=True)
class Skill:
    """By what share the loss of a forecast is smaller than that of another, with its interval.

    The interval is not a number where too few forecasts do not overlap.
    """

    value: float
    ci_lower: float
    ci_upper: float
    n: int


def pinball(actual: ArrayLike, quantiles: ArrayLike, *, at: ArrayLike) -> FloatArray:
    """Give the pinball loss of forecast quantiles, averaged over the quantiles (last axis).

    Args:
        actual: what came.
        quantiles: what was forecast, with one more axis, the last.
        at: which quantiles, each between 0 and 1.

    Source: Koenker and Bassett (1978), Econometrica 46; averaged over quantiles it is, up to a
    factor, the continuous ranked probability score (Gneiting and Raftery 2007, J. Am. Stat. Assoc.
    102, 359-378).
    """
    levels = np.asarray(at, dtype=np.float64)
    gap = np.asarray(actual, dtype=np.float64)[..., None] - np.asarray(quantiles, dtype=np.float64)
    return np.asarray(np.maximum(levels * gap, (levels - 1) * gap).mean(axis=-1))


def skill(loss: ArrayLike, other: ArrayLike, *, overlap: int, level: float) -> Skill:
    """Give 1 less the ratio of mean losses, from the same forecasts made by two methods.

    Args:
        loss: of the method judged, one per origin, in the order of time.
        other: of the method it is held against, at the same origins.
        overlap: origins in a row whose forecasts share a day with the first, at least 1.
        level: coverage of the interval, between 0 and 1.

    Raises:
        ValueError: the level is out of range.

    The interval takes the losses of an origin in pairs, and neighbours as dependent as they are, up
    to the last that shares a day (Diebold and Mariano 1995, J. Bus. Econ. Stat. 13), but no less
    than independent, with the factor of Harvey, Leybourne and Newbold (1997), Int. J. Forecasting
    13, and Student's t at the number of forecasts that do not overlap, less one. Not a number with
    fewer than three of these.
    """
    normal_quantile(level)
    own, rival = (np.asarray(one, dtype=np.float64) for one in (loss, other))
    n, mean = len(own), float(rival.mean()) if len(rival) else 0.0
    if mean <= 0:
        return Skill(value=np.nan, ci_lower=np.nan, ci_upper=np.nan, n=n)
    ratio = float(own.mean()) / mean
    apart = n / overlap
    if apart < 3:
        return Skill(value=1 - ratio, ci_lower=np.nan, ci_upper=np.nan, n=n)
    influence = (own - ratio * rival) / mean
    alone = float(influence @ influence) / n
    shared = sum(float(influence[lag:] @ influence[:-lag]) for lag in range(1, overlap))
    variance = max(alone + 2 * shared / n, alone)
    factor = (n + 1 - 2 * overlap + overlap * (overlap - 1) / n) / n
    error = np.sqrt(variance / n / max(factor, 1 / n))
    half = float(student.ppf((1 + level) / 2, apart - 1) * error)
    return Skill(value=1 - ratio, ci_lower=1 - ratio - half, ci_upper=1 - ratio + half, n=n)


def spread_factor(
    actual: ArrayLike, median: ArrayLike, lower: ArrayLike, upper: ArrayLike, *, level: float
) -> float:
    """Give by how much forecasts of positive numbers must be widened to err as they have erred.

    Args:
        actual: what came, 0 or more, one per forecast.
        median: of each forecast.
        lower: lower end of its interval.
        upper: the upper one.
        level: coverage that these intervals should have, between 0 and 1.

    Returns:
        By what the intervals at 80% must be wider to have held 80% of what came, on the logarithm;
        at least 1: luck in a test makes no forecast surer.

    The error that four in five do not exceed, and not the mean square, since a single jump would
    carry the latter. No interval is taken to be narrower than a count's own. Of a right forecast
    the interval then covers a little more than stated, of one that is too sure a little less (held
    by `tests/simulation/test_spread_factor_coverage.py`); forecasts that overlap make the factor
    less exact, not wrong. Source: errors over what was claimed, as in conformal prediction, Lei et
    al. (2018), J. Am. Stat. Assoc. 113, 1094-1111, 5.2.
    """
    z = normal_quantile(level)
    came, middle, low, high = (
        np.asarray(one, dtype=np.float64) + _HALF for one in (actual, median, lower, upper)
    )
    off = np.log(came / middle)
    claimed = np.where(off > 0, np.log(high / middle), np.log(middle / low)) / z
    scores = off / np.maximum(claimed, 1 / np.sqrt(middle))
    if not scores.size:
        return 1.0
    return max(float(np.quantile(np.abs(scores), _MOST) / normal_quantile(_MOST)), 1.0)


def widen(total: ArrayLike, factor: float) -> FloatArray:
    """Give by what each draw of a total is multiplied, so that it lies further from the median.

    Args:
        total: draws, 0 or more.
        factor: times as far on the logarithm, at least 1.

    Returns:
        One multiplier per draw; the median stays.
    """
    away = np.asarray(total, dtype=np.float64) + _HALF
    return np.asarray((away / np.median(away)) ** (factor - 1))
