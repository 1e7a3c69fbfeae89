"""Look at an experiment while it runs: bounds for planned looks, and intervals for any look."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.stats import norm

from siyu.stats.checks import FloatArray, normal_quantile

Shape = Literal["pocock", "obrien_fleming"]
_POWERS = {"pocock": 0.0, "obrien_fleming": -0.5}
"""Of the share of the planned units, to which a bound is proportional."""
_NODES, _BLOCKS_PER_ERROR = 64, 0.2
"""Nodes come in blocks, as many as the steps between looks are small, so that few are new."""
_LARGEST = 30.0


def chance_to_stop(bounds: ArrayLike, times: ArrayLike, *, drift: float = 0.0) -> FloatArray:
    """Give the chance that a statistic has exceeded its bound at one of the looks so far.

    Args:
        bounds: of the absolute z statistic at each look, above 0.
        times: share of the planned units in at each look, rising, in (0, 1].
        drift: expected z at the planned end; 0: nothing differs.

    Returns:
        One chance per look; they do not fall.

    Raises:
        ValueError: times that do not rise within (0, 1], or another number of bounds.

    The joint normal distribution is integrated look by look. Source: Armitage, McPherson and Rowe
    (1969), J. R. Stat. Soc. A 132, 235-244; Jennison and Turnbull (2000), Group Sequential Methods,
    ch. 19.
    """
    at, limit = _checked(times), np.asarray(bounds, dtype=np.float64)
    if limit.shape != at.shape:
        raise ValueError(f"bounds: {limit.size} for {at.size} looks; give one per look")
    ends = limit * np.sqrt(at)
    nodes, weights = np.zeros(1), np.ones(1)  # all begin at 0
    left = []
    for (before, now), end in zip(pairwise([0.0, *at]), ends, strict=True):
        error = np.sqrt(now - before)
        steps = _NODES + _NODES * int(_BLOCKS_PER_ERROR * end / _finest(at))
        own, share = (end * part for part in _nodes(steps))
        moved = (own[:, None] - nodes[None, :] - drift * (now - before)) / error
        density = norm.pdf(moved) @ weights / error
        nodes, weights = own, share * density
        left.append(weights.sum())
    return 1 - np.array(left)


def plan_bounds(times: ArrayLike, *, level: float, shape: Shape) -> FloatArray:
    """Give the bounds of |z| at planned looks, so that looking often deceives no oftener.

    Args:
        times: share of the planned units in at each look, rising, in (0, 1].
        level: 1 less the chance to stop at any look although nothing differs.
        shape: "pocock", the same bound at each look, or "obrien_fleming", high ones at first and
            nearly that of a single look at the end.

    Raises:
        ValueError: times that do not rise within (0, 1], or a level out of range.

    Source: Pocock (1977), Biometrika 64, 191-199; O'Brien and Fleming (1979), Biometrics 35,
    549-556. Looks need not be equally far apart, but they must be those that were planned.
    """
    at, single = _checked(times), normal_quantile(level)
    relative = (at / at[-1]) ** _POWERS[shape]

    def excess(last: float) -> float:
        return float(chance_to_stop(last * relative, at)[-1]) - (1 - level)

    if excess(single) <= 0:  # a single look
        return np.asarray(single * relative)
    return np.asarray(float(brentq(excess, single, single + 5)) * relative)


def price_of_looks(bounds: ArrayLike, times: ArrayLike, *, level: float, power: float) -> float:
    """Give how many times as many units planned looks need as a single one at the end.

    Args:
        bounds: from `plan_bounds`.
        times: as there; the last is 1.
        level: as there.
        power: chance to stop by the end where there is an effect worth finding.

    Raises:
        ValueError: power or level out of range.

    Source: Jennison and Turnbull (2000), tables 2.2 and 2.4 (the same ratio).
    """
    if not 0 < power < 1:
        raise ValueError(f"power = {power:g} must lie strictly between 0 and 1")
    single = normal_quantile(level) + float(norm.ppf(power))
    needed = brentq(
        lambda drift: float(chance_to_stop(bounds, times, drift=drift)[-1]) - power, 0, _LARGEST
    )
    return float((needed / single) ** 2)


def always_valid_reach(
    error: ArrayLike, n: ArrayLike, *, planned: ArrayLike, level: float
) -> FloatArray:
    """Give how far an interval reaches that may be looked at as often as one likes.

    With the chance of the level it holds at all looks together, so that one may stop whenever it
    says something.

    Args:
        error: standard error of the estimate at each look.
        n: units in it, of all arms compared, at each look.
        planned: units at which it is to be as narrow as it can; more than 0.
        level: coverage over all looks, between 0 and 1.

    Raises:
        ValueError: planned is not above 0, or the level is out of range.

    Assumes units drawn one by one into arms by lot, and enough of them at the first look for a
    normal approximation. Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Ann. Stat.
    52, 2613-2640 (arXiv 2103.06476), equation 9, tuned by equation 161.
    """
    normal_quantile(level)
    end = np.asarray(planned, dtype=np.float64)
    if not (end > 0).all():
        raise ValueError(
            f"planned = {end.min():g} must be above 0; give the units that are planned"
        )
    alpha = 1 - level
    whole = -2 * np.log(alpha) + np.log(1 - 2 * np.log(alpha))
    grown = np.asarray(n, dtype=np.float64) / end * whole
    with np.errstate(divide="ignore"):  # nobody yet: infinitely far
        factor = 2 * (grown + 1) / grown * np.log(np.sqrt(grown + 1) / alpha)
    return np.asarray(np.asarray(error, dtype=np.float64) * np.sqrt(factor))


def _checked(times: ArrayLike) -> FloatArray:
    at = np.asarray(times, dtype=np.float64)
    if not at.size or not (np.diff([0.0, *at]) > 0).all() or at[-1] > 1:
        raise ValueError(f"times = {at.tolist()} must rise within (0, 1]; give shares of the plan")
    return at


@cache
def _nodes(steps: int) -> tuple[FloatArray, FloatArray]:
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    return nodes, weights


def _finest(at: FloatArray) -> float:
    return float(np.sqrt(np.diff([0.0, *at]).min()))
