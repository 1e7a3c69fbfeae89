"""Intervals and tests of shares, and of any smooth function of user counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from siyu.stats.checks import FloatArray, count_of, normal_quantile, whole_counts

_STEP = np.finfo(np.float64).eps ** (1 / 3)
"""Relative step of a central difference: it balances truncation (step^2) against rounding (eps /
step)."""

_ROUNDING = 1e-9
"""A standard error this small, against a value of order one, is the rounding of the differences,
not a spread."""

_BLOCK = 2_000_000
"""Numbers handed to a statistic at once, so that thousands of cells do not need gigabytes."""


def wilson(count: ArrayLike, n: ArrayLike, *, level: float) -> tuple[FloatArray, FloatArray]:
    """Give the Wilson score interval of a share.

    Args:
        count: users with the property, 0 to n.
        n: users asked.
        level: coverage, between 0 and 1.

    Returns:
        Lower and upper ends in [0, 1], in the common shape of count and n; NaN where n is 0.

    Raises:
        ValueError: a value is no count, a count exceeds its n, or the level is out of range.

    Assumes independent users. Source: Wilson (1927), J. Am. Stat. Assoc. 22; method 3 of Newcombe
    (1998), Stat. Med. 17, 857-872.
    """
    quantile = normal_quantile(level)
    counts, totals = count_of(count, n)
    with np.errstate(divide="ignore", invalid="ignore"):  # n = 0 is NaN on purpose
        share, weight = counts / totals, quantile**2 / totals
        spread = np.sqrt(share * (1 - share) / totals + weight / (4 * totals))
        centre, half = (share + weight / 2) / (1 + weight), quantile * spread / (1 + weight)
    lower, upper = centre - half, centre + half
    # Of none and of all, rounding would leave the ends beside 0 and 1.
    none, all_of_them = (counts == 0) & (totals > 0), (counts == totals) & (totals > 0)
    return np.where(none, 0.0, lower), np.where(all_of_them, 1.0, upper)


def newcombe_difference(
    count_a: ArrayLike, n_a: ArrayLike, count_b: ArrayLike, n_b: ArrayLike, *, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the difference of two shares, a minus b, with Newcombe's hybrid score interval.

    Args:
        count_a: users with the property in group a, 0 to n_a.
        n_a: users in group a.
        count_b: the same in group b.
        n_b: users in group b.
        level: coverage, between 0 and 1.

    Returns:
        Difference, lower and upper end, each in [-1, 1] and of the common shape; NaN where a group
        is empty.

    Raises:
        ValueError: a value is no count, a count exceeds its n, or the level is out of range.

    Assumes two independent groups of independent users (a segment and the rest, never the whole).
    It covers a little more than stated for small groups. statsmodels' own score interval of a
    difference fails on small counts (10 of 10 against 0 of 10).
    Source: Newcombe (1998), Stat. Med. 17, 873-890, method 10.
    """
    share_a, below_a, above_a = _arms(count_a, n_a, level)
    share_b, below_b, above_b = _arms(count_b, n_b, level)
    difference = np.asarray(share_a - share_b)
    return (
        difference,
        difference - np.hypot(below_a, above_b),
        difference + np.hypot(above_a, below_b),
    )


def difference_pvalue(
    count_a: ArrayLike, n_a: ArrayLike, count_b: ArrayLike, n_b: ArrayLike
) -> FloatArray:
    """Give the two-sided mid-p value of Fisher's test that two groups have the same share.

    Twice the smaller tail of the hypergeometric distribution of count_a given all margins, the
    observed table counted by half. The pooled score test, and the level at which the Newcombe
    interval touches zero, take the normal distribution far into its tail, which is where Holm's
    adjustment reads it: 3 of 30 users against 100 of 10,000 gets p = 1e-6 from them, 0.004 here and
    by counting. For large groups all three agree.

    Args:
        count_a: users with the property in group a, 0 to n_a.
        n_a: users in group a.
        count_b: the same in group b.
        n_b: users in group b.

    Returns:
        p in [0, 1], in the common shape; 1 where nobody or everybody has the property; NaN where a
        group is empty.

    Raises:
        ValueError: a value is no count, or a count exceeds its n.

    Assumes two independent groups of independent users. Near 1 - level, the p-value and the
    Newcombe interval may disagree on small or skewed counts: the p-value decides, the interval
    shows the size.
    Source: Lydersen, Fagerland, Laake (2009), Stat. Med. 28, 1159-1175 (recommends mid-p);
    Lancaster (1961).
    """
    from scipy.stats import hypergeom  # only who compares groups waits for it

    with_a, users_a = count_of(count_a, n_a)
    with_b, users_b = count_of(count_b, n_b)
    margins = (users_a + users_b, with_a + with_b, users_a)
    half = hypergeom.pmf(with_a, *margins) / 2
    tail = np.minimum(hypergeom.cdf(with_a, *margins), hypergeom.sf(with_a - 1, *margins)) - half
    empty = (users_a == 0) | (users_b == 0)
    return np.asarray(np.where(empty, np.nan, np.clip(2 * tail, 0, 1)), dtype=np.float64)


def multinomial_delta(
    statistic: Callable[[FloatArray], FloatArray], cells: ArrayLike, *, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give a smooth function of user counts with its delta-method interval.

    The variance is the sum over cells of n_c g_c^2, g the gradient of the statistic at the counts
    (by central differences). For shares, rates and their differences, products and ratios, which do
    not change when all counts are multiplied (degree 0), this is the multinomial variance: its
    correction (sum n_c g_c)^2 / N is zero by Euler's theorem, for one total or one per period
    alike. For totals (degree 1) it takes the counts as Poisson.

    Args:
        statistic: maps counts of shape (..., cells) to values of shape (..., values); called with
            many count vectors at once.
        cells: users per cell; every user is in exactly one cell.
        level: coverage, between 0 and 1.

    Returns:
        Value, lower and upper end, each of shape (values,). The ends are NaN where no cell moves
        the value (every share in it is 0 or 1): the method has then nothing to say. An empty cell
        adds nothing to the variance.

    Raises:
        ValueError: a cell is no count, or the level is out of range.

    Assumes independent users, a statistic smooth at the counts, and enough users for a normal
    distribution; the interval may leave the range of the statistic. Where the true gradient is zero
    (the mix effect of a group that is like the whole and did not change its share) it covers more
    than stated. Source: Rao (1973), Linear Statistical Inference, 6a.2; Agresti (2013), Categorical
    Data Analysis, 16.1.
    """
    quantile = normal_quantile(level)
    counts = whole_counts("cells", cells)
    value = np.asarray(statistic(counts), dtype=np.float64)
    error = np.sqrt(_delta_variance(statistic, counts))
    error = np.where(error > _ROUNDING * np.maximum(1, np.abs(value)), error, np.nan)
    return value, value - quantile * error, value + quantile * error


def smoothed_delta(
    statistic: Callable[[FloatArray], FloatArray],
    cells: ArrayLike,
    *,
    added: ArrayLike,
    level: float,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give a smooth function of user counts with a delta-method interval that few users widen.

    Where hardly anybody or nearly everybody in a small group converts, the observed spread is often
    far too small (none at all for 0 of 60), and the plain interval excludes the truth up to nine
    times as often as stated. The half-width is therefore the larger of two: that of
    `multinomial_delta`, and the same at the counts with pseudo-users added, usually one with and
    one without the property per group. The centre stays, so that parts which sum still do.

    Args:
        statistic: as in `multinomial_delta`.
        cells: users per cell; cells that hold only pseudo-users are 0.
        added: pseudo-users per cell, of the same shape.
        level: coverage, between 0 and 1.

    Returns:
        Value, lower and upper end, each of shape (values,); the ends are NaN where the value is, or
        where neither method has anything to say.

    Raises:
        ValueError: a cell is no count, or the level is out of range.

    Assumes what `multinomial_delta` does, less the enough users. Pseudo-users are from Agresti and
    Caffo (2000), Am. Stat. 54, 280-288, who add them to the centre too; to keep the centre and the
    larger width is a conservative repair of ours, held by simulation only
    (`tests/simulation/test_smoothed_coverage.py`).
    """
    counts = whole_counts("cells", cells)
    value, _, plain = multinomial_delta(statistic, counts, level=level)
    centre, _, smooth = multinomial_delta(
        statistic, counts + whole_counts("added", added), level=level
    )
    half = np.fmax(plain - value, smooth - centre)
    return value, value - half, value + half


def _arms(
    count: ArrayLike, n: ArrayLike, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    lower, upper = wilson(count, n, level=level)
    counts, totals = count_of(count, n)
    share = np.divide(counts, totals, out=np.full(totals.shape, np.nan), where=totals > 0)
    return share, share - lower, upper - share


def _delta_variance(
    statistic: Callable[[FloatArray], FloatArray], counts: FloatArray
) -> FloatArray:
    filled = np.flatnonzero(counts)  # n_c g_c^2 is zero for an empty cell, whatever its slope
    blocks = max(1, -(-filled.size * counts.size // _BLOCK))
    parts = []
    for block in np.array_split(filled, blocks):
        steps = counts[block] * _STEP
        shift = np.zeros((block.size, counts.size))
        shift[np.arange(block.size), block] = steps
        slopes = (statistic(counts + shift) - statistic(counts - shift)) / (2 * steps[:, None])
        parts.append((counts[block, None] * slopes**2).sum(axis=0))
    return np.asarray(np.sum(parts, axis=0), dtype=np.float64)
