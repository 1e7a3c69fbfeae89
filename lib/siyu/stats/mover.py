"""Intervals of differences and products, from the interval that each estimate has."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from siyu.stats.checks import FloatArray


def mover_difference(
    a: tuple[ArrayLike, ArrayLike, ArrayLike],
    b: tuple[ArrayLike, ArrayLike, ArrayLike],
    *,
    correlation: ArrayLike = 0.0,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the difference of two estimates, a minus b, from the interval that each has.

    The ends of the two may lie unevenly about the estimates, as those of skewed amounts do. Of two
    Wilson intervals this makes Newcombe's.

    Args:
        a: estimate, lower and upper end.
        b: the same of the other, at the same level.
        correlation: of the two estimates, -1 to 1.

    Returns:
        Difference, lower and upper end.

    Source: Zou and Donner (2008), Stat. Med. 27, 1693-1702 (MOVER); with correlation, Zou (2007),
    Psychological Methods 12, 399-413.
    """
    (value_a, lower_a, upper_a), (value_b, lower_b, upper_b) = (
        tuple(np.asarray(one, dtype=np.float64) for one in side) for side in (a, b)
    )
    rho = np.asarray(correlation, dtype=np.float64)

    def _reach(own: FloatArray, other: FloatArray) -> FloatArray:
        # Never negative but for rounding, as the correlation is at most 1.
        squared = own**2 - 2 * rho * own * other + other**2
        return np.asarray(np.sqrt(np.maximum(squared, 0)))

    difference = np.asarray(value_a - value_b)
    return (
        difference,
        difference - _reach(value_a - lower_a, upper_b - value_b),
        difference + _reach(upper_a - value_a, value_b - lower_b),
    )


def mover_product(
    a: tuple[ArrayLike, ArrayLike, ArrayLike], b: tuple[ArrayLike, ArrayLike, ArrayLike]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the product of two independent estimates from the interval that each has.

    Args:
        a: estimate, lower and upper end; none negative.
        b: the same of the other, at the same level.

    Returns:
        Product, lower and upper end.

    Source: Zou and Donner (2008), as `mover_difference`, for the sum of the logarithms.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = [tuple(np.log(np.asarray(one, dtype=np.float64)) for one in side) for side in (a, b)]
        below = np.hypot(*(value - lower for value, lower, _ in logs))
        above = np.hypot(*(upper - value for value, _, upper in logs))
        product = np.exp(logs[0][0] + logs[1][0])
        # Of nothing, the upper end is that of the factor which is not nothing.
        most = np.asarray(a[2], dtype=np.float64) * np.asarray(b[2], dtype=np.float64)
        lower, upper = product * np.exp(-below), product * np.exp(above)
    nothing = product == 0
    return product, np.where(nothing, 0.0, lower), np.where(nothing, most, upper)
