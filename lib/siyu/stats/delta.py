"""Carry the uncertainty of parameters over to what is computed from them: the delta method."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from siyu.stats.checks import FloatArray, normal_quantile

_STEP = 1e-4


def slopes(function: Callable[[FloatArray], ArrayLike], at: ArrayLike) -> FloatArray:
    """Differentiate a smooth function numerically, by central differences.

    Args:
        function: takes parameters of order 1, such as logarithms; gives a number or an array.
        at: the parameters.

    Returns:
        The slopes, with one more axis, the last, for the parameters.
    """
    centre = np.asarray(at, dtype=np.float64)
    steps = _STEP * np.eye(centre.size)
    sides = [(np.asarray(function(centre + s)), np.asarray(function(centre - s))) for s in steps]
    return np.stack([(after - before) / (2 * _STEP) for after, before in sides], axis=-1)


def variances(gradient: FloatArray, covariance: FloatArray) -> FloatArray:
    """Give the variance of each of some values by their slopes in the parameters (last axis)."""
    return np.asarray(np.einsum("...i,ij,...j", gradient, covariance, gradient))


def positive_range(
    value: ArrayLike, variance: ArrayLike, *, level: float
) -> tuple[FloatArray, FloatArray]:
    """Give an interval about positive values, normal on the log scale; NaN about what is not.

    Args:
        value: the estimates.
        variance: of each.
        level: coverage of each interval, between 0 and 1.
    """
    centre, error = np.asarray(value, dtype=np.float64), np.sqrt(variance)
    known = centre > 0
    ratio = np.divide(error, centre, out=np.full(np.shape(centre), np.nan), where=known)
    width = np.exp(normal_quantile(level) * ratio)
    return centre / width, centre * width
