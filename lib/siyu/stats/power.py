"""How many are needed to see an effect that is there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from siyu.stats.checks import normal_quantile


def arm_size(
    rate: float, other_rate: float, *, arms: int, level: float, power: float, deff: float = 1.0
) -> float:
    """Give how many each of equally large arms needs, so that one that differs from the rest shows.

    Each arm is compared with all others together, two-sided, by Bonferroni over the arms (what Holm
    asks of the first). With two arms that is one comparison: the usual sample size of two shares,
    the null variance pooled.

    Args:
        rate: of the other arms, in (0, 1).
        other_rate: of the one that differs, in (0, 1).
        arms: at least 2.
        level: 1 less the chance that any arm is wrongly called different.
        power: chance that the one that differs is called so.
        deff: variance with clusters relative to that of as many independent ones.

    Raises:
        ValueError: a number is out of range, or the rates are equal.

    Assumes normal approximation. Source: Fleiss, Levin, Paik (2003), Statistical Methods for Rates
    and Proportions, 4.2 (unequal groups); Kish (1965) for the design effect.
    """
    for name, value in (("rate", rate), ("other_rate", other_rate)):
        if not 0 < value < 1:
            raise ValueError(f"{name} = {value:g} must lie strictly between 0 and 1")
    if rate == other_rate:
        raise ValueError(f"other_rate = {other_rate:g} must differ from rate; give an effect")
    if arms < 2:
        raise ValueError(f"arms = {arms} must be at least 2: something to compare with")
    comparisons = 1 if arms == 2 else arms
    critical = normal_quantile(1 - (1 - level) / comparisons)
    rest = arms - 1
    pooled = (other_rate + rest * rate) / arms
    null = pooled * (1 - pooled) * (1 + 1 / rest)
    real = other_rate * (1 - other_rate) + rate * (1 - rate) / rest
    return deff * units_needed(
        other_rate - rate, null_variance=null, variance=real, critical=critical, power=power
    )


def units_needed(
    difference: float, *, null_variance: float, variance: float, critical: float, power: float
) -> float:
    """Give how many units each side of a comparison needs to tell a difference from none.

    Args:
        difference: the one that is worth being told, not 0, in the unit of what is measured.
        null_variance: of one unit of either side, summed, as the test takes it without an effect.
        variance: the same with the effect.
        critical: of the absolute z statistic of the comparison, above 0.
        power: chance that a difference of that size is told, strictly between 0 and 1.

    Raises:
        ValueError: a number is out of its range.

    Assumes normal approximation. Source: Fleiss, Levin, Paik (2003), 4.2; Deng, Knoblich and Lu
    (2018), KDD, for ratios, whose variance is that of their linear part.
    """
    if not 0 < power < 1:
        raise ValueError(f"power = {power:g} must lie strictly between 0 and 1")
    if not difference:
        raise ValueError("difference = 0 must not be 0; give the least that is worth being told")
    if null_variance < 0 or variance < 0:
        raise ValueError("variance: the spread of a unit must not be below 0")
    spread = critical * np.sqrt(null_variance) + float(norm.ppf(power)) * np.sqrt(variance)
    return float((spread / difference) ** 2)


def smallest_found(needed: Callable[[float], float], n: float, *, most: float) -> float:
    """Give the smallest effect that is found with so many units.

    Args:
        needed: units for an effect; falls as it grows.
        n: units there are.
        most: the largest effect there can be, above 0.

    Returns:
        An effect of at most `most`, or NaN where even that needs more.
    """
    if needed(most) > n:
        return np.nan
    return float(brentq(lambda effect: needed(effect) - n, most * 1e-6, most))
