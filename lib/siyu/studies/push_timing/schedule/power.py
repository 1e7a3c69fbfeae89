"""How many pushes by lot it takes until an hour that is better is told so."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.optimize import brentq

from siyu.stats.best import critical_values, joint_quantile
from siyu.stats.checks import FloatArray, normal_quantile
from siyu.studies.push_timing.policy.choose import (
    FEWEST_EFFECTIVE,
    FEWEST_EXPECTED,
    SEED,
    TEACHING_FOLDS,
)
from siyu.studies.push_timing.policy.measure import FOLDS

_DRAWS = 2_000
"""Worlds in which the verdict is passed: the power is then known to two points."""
_LARGEST = 1e4


@cache
def distance_needed(
    shares: tuple[float, ...], *, better: int, comparisons: int, level: float, power: float
) -> float:
    """Give how far better hours must be for the verdict on them to be "clear".

    The verdict itself is passed on drawn worlds: the hour that was best on the folds before brings
    more than all as drawn on the folds after, by the first of Holm's tests over `comparisons`
    segments, and so does sending evenly over the hours not worse than the best, by the averaged
    joint bounds. No formula for the power of a single comparison says how often both hold.

    Args:
        shares: chances of the hours.
        better: so many of them, the first, are better; all others are alike.
        comparisons: segments on which a verdict is passed.
        level: coverage of the intervals.
        power: chance that the verdict is "clear".

    Returns:
        The difference between better and other hours, in standard errors of a rate of which all
        pushes are one sample.

    Assumes rates of hours that are independent, normal and equally variable (checked with the
    estimator itself in `tests/simulation/test_push_policy_coverage.py`).
    """
    share = np.array(shares)
    ahead = np.arange(len(share)) < better
    rng = np.random.default_rng(SEED)
    noise = rng.standard_normal((_DRAWS, FOLDS, len(share))) * np.sqrt(FOLDS / share)
    to_all = np.diag(1 / share) - 1  # errors of the hours' differences to all as drawn
    spread = np.sqrt(np.diag(to_all))
    joint = joint_quantile(to_all, level=level, rng=np.random.default_rng(SEED)) * spread
    error = np.sqrt(1 / share)
    apart = np.hypot(error[:, None], error) * critical_values(error, level=level)[:, None]
    quantile = normal_quantile(1 - (1 - level) / comparisons)

    def lacking(distance: float) -> float:
        folds = noise + distance * ahead
        rate = folds.mean(axis=1)
        gain = rate - (rate @ share)[:, None]
        kept = (rate[:, None, :] - rate[:, :, None] <= apart).all(axis=2)
        bound = ((gain - joint) * kept).sum(axis=1)
        clear = (bound > 0) & (_of_chosen(folds, share, spread) > quantile)
        return float(clear.mean() - power)

    return float(brentq(lacking, 0, _LARGEST, xtol=1e-3))


def _of_chosen(folds: FloatArray, share: FloatArray, spread: FloatArray) -> FloatArray:
    """Give the gain of the hour that was best before, on the folds after, over its error."""
    gain, variance = np.zeros((2, len(folds)))
    for fold in range(TEACHING_FOLDS, FOLDS):
        best = folds[:, :fold].mean(axis=1).argmax(axis=1)
        own = folds[:, fold]
        gain += own[np.arange(len(own)), best] - own @ share
        variance += FOLDS * spread[best] ** 2
    return np.asarray(gain / np.sqrt(variance))


def pushes_needed(rate: float, wanted: float, distance: float, *, hours: int, deff: float) -> int:
    """Give the pushes by lot that are needed to tell `wanted` from `rate`.

    All hours are taken to vary as the better ones do, so they are rather too many.

    Args:
        rate: share answered at most hours, in (0, 1).
        wanted: at the better ones, above it.
        distance: from `distance_needed`.
        hours: how many are drawn; each needs as many pushes as give an hour a value.
        deff: design effect of users on the difference of an hour to all.
    """
    needed = deff * wanted * (1 - wanted) * (distance / (wanted - rate)) ** 2
    return int(np.ceil(max(needed, least_pushes(rate, hours=hours))))


def least_pushes(rate: float, *, hours: int) -> float:
    """Give the pushes below which hours have no value, whatever they bring."""
    return hours * max(FEWEST_EFFECTIVE, FEWEST_EXPECTED / rate)


def lift_found(rate: float, pushes: float, distance: float, *, hours: int, deff: float) -> float:
    """Give the smallest lift of the better hours that so many pushes tell; NaN: none."""
    if pushes < least_pushes(rate, hours=hours):
        return float("nan")
    noise = deff * distance**2 / pushes
    # The larger root w of (w - rate)^2 = noise w (1 - w).
    half = rate + noise / 2
    wanted = (half + np.sqrt(half**2 - (1 + noise) * rate**2)) / (1 + noise)
    return float(wanted / rate - 1)
