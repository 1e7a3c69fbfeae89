"""Effects that lean on each other, so that the best of them are not flattered by luck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from siyu.stats.checks import FloatArray

_SPREADS = np.geomspace(1e-3, 1e3, 60)
"""Spreads of the effects, in their units, over which the posterior is averaged: evenly apart in
logarithms, since many members tell small effects apart."""
_MEAN = 10.0
"""Variance of the common mean around nothing, in variances of the effects around it: effects that
hardly differ are taken to be hardly any, and one effect alone has a posterior too."""


@dataclass(frozen=True)
class ShrunkEffects:
    """Posterior means of effects, and the covariance of what is not known of them."""

    value: FloatArray
    covariance: FloatArray


def shrink_effects(value: ArrayLike, covariance: ArrayLike, unit: ArrayLike) -> ShrunkEffects:
    """Draw effects towards their common mean, by as much as they differ no more than chance.

    Chosen because they are the largest, estimates are too large (the winner's curse); posterior
    means are not, whatever the choice, so far as the effects are alike in the way assumed.

    Args:
        value: an unbiased estimate per effect, jointly normal.
        covariance: of the estimates, positive definite.
        unit: in what each effect is alike the others, above 0: the standard deviation of the
            outcome among those on whom it was estimated, where they are standardised differences.

    Raises:
        ValueError: no effect, shapes that do not fit, or a number out of range.

    In their units the effects are normal around a common mean, and that around nothing. How far
    they spread is not known: the share r² of all variance that they make up has a uniform root r
    (for the mean of the posterior), or is uniform itself (for its variance; else intervals are too
    narrow where effects are few). Sources: Efron and Morris (1975), J. Am. Stat. Assoc. 70,
    311-319; Dawid (1994), IMS Lecture Notes 24, 211-220 (a posterior needs no correction for
    selection); Morris and Tang (2011), Stat. Sci. 26, 271-287. Held by
    `tests/simulation/test_plan_coverage.py`.
    """
    values, units = (np.asarray(part, dtype=np.float64) for part in (value, unit))
    known = np.asarray(covariance, dtype=np.float64)
    n = len(values)
    if not n or units.shape != (n,) or known.shape != (n, n):
        raise ValueError(f"value: {n} effects need as many units, and the covariance of each two")
    if not (np.isfinite(values).all() and np.isfinite(known).all()):
        raise ValueError("value and covariance must be finite; leave out what is not known")
    if not (np.isfinite(units) & (units > 0)).all():
        raise ValueError(f"unit = {units.tolist()} must all be finite and above 0")
    scale = np.outer(units, units)
    errors = known / scale
    prior = _SPREADS[:, None, None] ** 2 * (np.eye(n) + _MEAN)
    total = prior + errors
    inverse = np.linalg.inv(total)
    fitted = inverse @ (values / units)
    fit = -0.5 * (np.linalg.slogdet(total)[1] + fitted @ (values / units))
    means = np.einsum("sij,sj->si", prior, fitted)
    root = _SPREADS / np.hypot(1, _SPREADS)
    # The root of the share is uniform: so long is its step for each step of the logarithm.
    weight = np.exp(fit - fit.max()) * root * (1 - root**2)
    mean = weight @ means / weight.sum()
    weight = weight * root  # the share itself is
    weight /= weight.sum()
    apart = means - mean
    within = np.einsum("s,sij->ij", weight, errors - errors @ inverse @ errors)
    between = (apart.T * weight) @ apart
    return ShrunkEffects(mean * units, (within + between) * scale)
