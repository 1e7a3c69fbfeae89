"""Whether as many lie just above a cutoff as just below: a jump of the density at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from siyu.stats.checks import FloatArray
from siyu.stats.local_polynomials import IntArray, SparseError

FEWEST = 20
"""Clusters on each side, at the least: sums over fewer are not near normal."""
DIFFERENT = 10
"""Values that differ on each side, at the least: a curve through fewer is that of their grid."""
_LINE, _PARABOLA = 1, 2


@dataclass(frozen=True, kw_only=True)
class DensityJump:
    """How many rows there are per unit of x on either side of a cutoff.

    left, right: rows per unit at the cutoff, from parabolas; error: of right less left; p: of no
        jump. log_error: of the logarithm of right over left; NaN where one is not above 0.
    curves: the coefficients of the parabolas in |x - cutoff| / h, for a picture.
    h: bandwidth, in the unit of x. n: rows within h on each side.
    """

    left: float
    right: float
    error: float
    log_error: float
    p: float
    curves: tuple[FloatArray, FloatArray]
    h: float
    n: tuple[int, int]


@dataclass(frozen=True)
class _Side:
    """Distances from the cutoff on one side, and the cluster of each."""

    away: FloatArray
    cluster: IntArray


def find_density_jump(
    x: ArrayLike, *, cutoff: float, cluster: ArrayLike | None = None, h: float | None = None
) -> DensityJump:
    """Test whether the density of x jumps at a cutoff, as it does where some place x above it.

    On each side the density at the cutoff is read from a parabola, by a kernel that knows of the
    edge (what a local polynomial through a histogram becomes as its bins get narrow): a weighted
    count of rows. So its error is that of sums over clusters, and values that one member, or many,
    have again and again need no care of their own. The bandwidth is the best for lines, and the
    parabola takes off their bias.

    Args:
        x: one value per row; a row at the cutoff is above it.
        cutoff: in the unit of x.
        cluster: rows of one cluster may depend on each other; None: all rows are independent.
        h: bandwidth, above 0; None: chosen from the data.

    Raises:
        SparseError: fewer than FEWEST clusters near the cutoff on a side.
        ValueError: a value that is not finite, or a bandwidth that is not above 0.

    Assumes independent clusters and a density that is smooth but for the jump: where values lie on
    a grid the cutoff is put midway between its neighbours; a price at the cutoff itself is a jump.

    Sources: McCrary (2008), J. Econometrics 142, 698-714; kernels at an edge: Jones (1993),
    Statistics and Computing 3, 135-146; inference at the bandwidth of the lower order: Calonico,
    Cattaneo and Farrell (2018), J. Am. Stat. Assoc. 113, 767-779.
    """
    if h is not None and not h > 0:
        raise ValueError(f"h = {h} must be above 0; leave it out to have it chosen")
    sides = _split(x, cutoff, cluster)
    h = h or _choose_bandwidth(sides)
    for side in sides:
        if len(np.unique(side.cluster[side.away < h])) < FEWEST:
            raise SparseError(f"x: fewer than {FEWEST} clusters near the cutoff on a side")
    adds = [_adds(side, h, _PARABOLA) for side in sides]
    left, right = (one.sum(axis=0) for one in adds)
    at_edge = [-adds[0][:, 0], adds[1][:, 0]]
    error = float(np.sqrt(_variance(sides, at_edge)))
    log_error = np.nan
    if left[0] > 0 and right[0] > 0:
        relative = [at_edge[0] / left[0], at_edge[1] / right[0]]
        log_error = float(np.sqrt(_variance(sides, relative)))
    return DensityJump(
        left=float(left[0]),
        right=float(right[0]),
        error=error,
        log_error=log_error,
        p=float(2 * norm.sf(abs(right[0] - left[0]) / error)),
        curves=(left, right),
        h=h,
        n=(int((sides[0].away < h).sum()), int((sides[1].away < h).sum())),
    )


def _split(x: ArrayLike, cutoff: float, cluster: ArrayLike | None) -> tuple[_Side, _Side]:
    running = np.asarray(x, dtype=np.float64)
    if not np.isfinite(running).all():
        raise ValueError("x: values must be finite; leave out rows that are not known")
    code = (
        np.arange(len(running)) if cluster is None else np.unique(cluster, return_inverse=True)[1]
    )
    above = running >= cutoff
    if above.all() or not above.any():
        raise SparseError("x: there is nobody on a side of the cutoff")
    middle = (running[~above].max() + running[above].min()) / 2
    return (
        _Side(middle - running[~above], code[~above]),
        _Side(running[above] - middle, code[above]),
    )


def _choose_bandwidth(sides: tuple[_Side, _Side]) -> float:
    """Choose the bandwidth of the least mean squared error of the lines, one for both sides.

    The bend of the density comes from a cubic through all of each side; its own error counts as if
    it were bend, so that a side that looks straight by chance does not have all of it taken.
    """
    different = [np.unique(side.away) for side in sides]
    if min(map(len, different)) <= DIFFERENT:
        raise SparseError("x: there are too few different values on a side of the cutoff")
    pilot = min(float(np.median(side.away)) for side in sides)
    variance = pilot * _variance(sides, [_adds(side, pilot, _LINE)[:, 0] for side in sides])
    bend = 0.0
    for side in sides:
        wide = float(side.away.max())
        adds = _adds(side, wide, _PARABOLA + 1)[:, 2] / wide**2
        bend += adds.sum() ** 2 + 3 * _variance([side], [adds])
    best = (variance / (4 * _BIAS**2 * bend)) ** (1 / 5)
    enough = max(float(one[DIFFERENT]) for one in different)
    widest = min(float(one[-1]) for one in different)  # beyond it, one side would seem to end
    return float(min(max(best, enough), widest))


def _adds(side: _Side, h: float, order: int) -> FloatArray:
    """Give what each row adds to each coefficient of the density, a polynomial in away / h."""
    near = np.minimum(side.away / h, 1)
    powers = np.vander(near, order + 1, increasing=True)
    return np.asarray((powers * (1 - near)[:, None]) @ np.linalg.inv(_moments(order))) / h


def _moments(order: int) -> FloatArray:
    """Give the moments of the triangular kernel on [0, 1] between the terms of a polynomial."""
    degree = np.add.outer(np.arange(order + 1), np.arange(order + 1))
    return np.asarray(1 / ((degree + 1) * (degree + 2)))


def _variance(sides: Sequence[_Side], adds: Sequence[FloatArray]) -> float:
    """Give the variance of a sum over rows, between clusters; one may be on both sides."""
    code = np.concatenate([side.cluster for side in sides])
    return float((np.bincount(code, np.concatenate(adds)) ** 2).sum())


_BIAS = float((np.linalg.inv(_moments(_LINE)) @ [1 / 12, 1 / 20])[0])
"""What a bend adds to the line at the edge, per bandwidth squared."""
