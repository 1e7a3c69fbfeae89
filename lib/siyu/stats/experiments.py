"""Read an experiment of two arms: was it drawn as planned, and by how much do means differ?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chisquare, norm, t

from siyu.stats.checks import FloatArray, normal_quantile, whole_counts

SUSPECT_RATIO_P = 0.001
"""Below it the arms are not as planned, and the experiment is not read (Kohavi et al. 2020)."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A difference of two means: its error, degrees of freedom, interval and two-sided p."""

    value: float
    error: float
    degrees: float
    ci_lower: float
    ci_upper: float
    p: float


def sample_ratio_pvalue(counts: ArrayLike, shares: ArrayLike) -> float:
    """Test whether arms are as large as planned (chi-square on the units that were drawn).

    Args:
        counts: units per arm.
        shares: planned share of each, above 0; they are scaled to sum to 1.

    Raises:
        ValueError: a count that is none, no unit at all, or a share that is not above 0.

    Source: Fabijan et al. (2019), KDD, 2156-2164.
    """
    n, planned = whole_counts("counts", counts), np.asarray(shares, dtype=np.float64)
    if not (planned > 0).all():
        raise ValueError(f"shares = {planned.tolist()} must all be above 0")
    if not n.sum():
        raise ValueError("counts: there is nobody in any arm; give arms with members")
    return float(chisquare(n, n.sum() * planned / planned.sum()).pvalue)


def welch_difference(treated: ArrayLike, control: ArrayLike, *, level: float) -> Difference:
    """Compare two means without assuming equal spread.

    Args:
        treated: one value per unit, at least two.
        control: the same of the other arm.
        level: coverage, between 0 and 1.

    Raises:
        ValueError: fewer than two units in an arm, or a level out of range.

    Source: Welch (1947), Biometrika 34, 28-35; its error is that of a regression with HC2.
    """
    sides = [np.asarray(side, dtype=np.float64) for side in (treated, control)]
    _enough(sides, 2)
    parts = [float(side.var(ddof=1)) / len(side) for side in sides]
    value = float(sides[0].mean() - sides[1].mean())
    return _difference(value, parts, [len(side) - 1.0 for side in sides], level)


def adjusted_difference(
    treated: ArrayLike,
    control: ArrayLike,
    *,
    treated_before: ArrayLike,
    control_before: ArrayLike,
    level: float,
) -> Difference:
    """Compare two means, each arm adjusted for what its units did before.

    A regression on arm, covariate less its mean, and their product, with HC2 errors: never less
    precise than the plain difference in large samples, however wrong the line.

    Args:
        treated: one value per unit, at least three.
        control: the same of the other arm.
        treated_before: covariate of the first arm, known before the draw.
        control_before: the same of the other.
        level: coverage, between 0 and 1.

    Raises:
        ValueError: fewer than three units in an arm, or a level out of range.

    Sources: Lin (2013), Ann. Appl. Stat. 7, 295-318; Deng et al. (2013), WSDM (CUPED).
    """
    (first, second), parts, degrees = adjusted_means(
        (treated, control), before=(treated_before, control_before)
    )
    return _difference(first - second, list(parts), list(degrees), level)


def adjusted_means(
    arms: Sequence[ArrayLike], *, before: Sequence[ArrayLike]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give each arm's mean as if its units had done as much before as those of all arms.

    Args:
        arms: one value per unit, at least three in each.
        before: the same of a covariate known before the draw; or of several, as its columns.

    Returns:
        Means, their variances (HC2) and degrees of freedom, one of each per arm. Means of two arms
        are independent given the covariate.

    Raises:
        ValueError: fewer units in an arm than covariates and two more.

    Indicators of strata as covariates give the post-stratified means. Source: as
    `adjusted_difference`, which it is the two sides of; Miratrix, Sekhon and Yu (2013), J. R. Stat.
    Soc. B 75, 369-396.
    """
    sides = [np.asarray(side, dtype=np.float64) for side in arms]
    befores = [
        np.asarray(one, dtype=np.float64).reshape(len(side), -1)
        for one, side in zip(before, sides, strict=True)
    ]
    covariates = befores[0].shape[1]
    _enough(sides, covariates + 2)
    centre = np.concatenate(befores).mean(axis=0)
    fits = np.array([_at_zero(y, x - centre) for y, x in zip(sides, befores, strict=True)])
    return fits[:, 0], fits[:, 1], np.array([len(side) - 1.0 - covariates for side in sides])


def upper_spread(variance: float, fourth: float, n: float, *, confidence: float = 0.9) -> float:
    """Give the standard deviation that is not likely to be exceeded, to plan an experiment by.

    A spread found in a few hundred members with a few large orders is too small more often than
    not, and an experiment planned by it has too little power.

    Args:
        variance: mean square around the mean, at least 0.
        fourth: mean fourth power around the mean.
        n: how many were seen, above 0.
        confidence: chance that the true one is not larger, where its error is near normal.

    Source: Browne (1995), Stat. Med. 14, 1933-1940 (plan by an upper limit), here by the delta
    method on the log scale, since amounts are not normal.
    """
    if not variance > 0:
        return 0.0
    error = np.sqrt(max(fourth / variance**2 - 1, 0) / n)
    return float(np.sqrt(variance) * np.exp(norm.ppf(confidence) * error / 2))


def members_needed(
    smallest: float, *, spread_treated: float, spread_control: float, share: float, level: float,
    power: float = 0.8,
) -> float:  # fmt: skip
    """Give how many units both arms need together to tell a difference from none.

    Args:
        smallest: the difference that is worth being told, above 0, in the unit of the spreads.
        spread_treated: standard deviation in one arm.
        spread_control: in the other.
        share: of the units in the control arm, strictly between 0 and 1.
        level: of the interval that will judge it.
        power: chance that a difference of that size is told.

    Raises:
        ValueError: a number out of its range.
    """
    if not smallest > 0:
        raise ValueError(f"smallest = {smallest} must be above 0; give the least that is worth it")
    for name, part in (("share", share), ("power", power)):
        if not 0 < part < 1:
            raise ValueError(f"{name} = {part} must lie strictly between 0 and 1")
    quantiles = normal_quantile(level) + float(norm.ppf(power))
    spread = spread_treated**2 / (1 - share) + spread_control**2 / share
    return float(np.ceil(quantiles**2 * spread / smallest**2))


def _enough(sides: list[FloatArray], least: int) -> None:
    for side in sides:
        if len(side) < least:
            raise ValueError(f"an arm of {len(side)} units must have at least {least}")


def _at_zero(y: FloatArray, x: FloatArray) -> tuple[float, float]:
    """Fit a plane and give its value at 0 with the HC2 variance of that."""
    # In its own unit: what is much smaller or larger than 1 would be taken for rounding.
    size = np.abs(x).max(axis=0)
    # Without spread there is no line.
    slope = np.divide(x, size, out=np.zeros(x.shape), where=np.ptp(x, axis=0) > 0)
    design = np.column_stack([np.ones(len(x)), slope])
    inverse = np.linalg.pinv(design.T @ design)
    beta = inverse @ design.T @ y
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    # A unit that alone fixes the line has no residual, and says nothing of the spread.
    weight = (y - design @ beta) ** 2 / np.maximum(1 - leverage, 1e-9)
    covariance = inverse @ (design.T * weight) @ design @ inverse
    return float(beta[0]), float(covariance[0, 0])


def _difference(value: float, parts: list[float], degrees: list[float], level: float) -> Difference:
    normal_quantile(level)
    variance = sum(parts)
    error = float(np.sqrt(variance))
    if not error:
        # Both arms without any spread: nothing is known of what chance does.
        return Difference(
            value=value, error=0.0, degrees=0.0, ci_lower=np.nan, ci_upper=np.nan, p=np.nan
        )
    free = variance**2 / sum(part**2 / own for part, own in zip(parts, degrees, strict=True))
    half = float(t.ppf((1 + level) / 2, free)) * error
    return Difference(
        value=value,
        error=error,
        degrees=float(free),
        ci_lower=value - half,
        ci_upper=value + half,
        p=float(2 * t.sf(abs(value) / error, free)),
    )
