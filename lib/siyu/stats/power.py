"""How many are needed to see an effect that is there."""

from __future__ import annotations

import numpy as np
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
    for name, value in (("rate", rate), ("other_rate", other_rate), ("power", power)):
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
    needed = (critical * np.sqrt(null) + norm.ppf(power) * np.sqrt(real)) ** 2
    return float(deff * needed / (other_rate - rate) ** 2)
