"""Moves between states: shares of where members go, where a chain settles, and what it assumes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import random_table

from siyu.stats.checks import FloatArray, normal_quantile, whole_counts
from siyu.stats.intervals import wilson
from siyu.stats.multiplicity import bonferroni_level

DRAWS = 10_000
"""Of the posterior: its quantiles are then off by less than one in a hundred of their width."""
REDRAWN = 2_000
"""Tables with the same margins: a p-value of .05 is then off by .005."""
_SINGULAR, _ROUNDING = 1e-10, 1e-9


@dataclass(frozen=True, kw_only=True)
class Settled:
    """The shares at which a chain settles, each with the ends of its interval."""

    share: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray


@dataclass(frozen=True, kw_only=True)
class ChiSquare:
    """A chi-square statistic, its degrees of freedom, and p; NaN where nothing can be compared."""

    statistic: float
    degrees: int
    p: float


def row_shares(
    counts: ArrayLike, *, level: float, joint: bool = False
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the shares of each row, with Wilson intervals.

    Args:
        counts: members by origin (rows) and destination (columns); each member is in one cell.
        level: coverage of each interval, or of all of a row together.
        joint: whether the intervals of a row hold at once.

    Returns:
        Share, lower and upper end, in the shape of counts; NaN in rows of nobody.

    Raises:
        ValueError: a value is no count, or the level is out of range.

    Assumes independent members. The joint intervals are Goodman's, which are Wilson's at the level
    of Bonferroni. Those of a Dirichlet posterior are drawn towards equal shares: of six states and
    30 members they cover down to 73% (`tests/stats/test_migration.py`). Source: Goodman (1965),
    Technometrics 7, 247-254.
    """
    moved = np.atleast_2d(whole_counts("counts", counts))
    total = np.broadcast_to(moved.sum(axis=1, keepdims=True), moved.shape)
    each = bonferroni_level(level, moved.shape[1]) if joint else level
    lower, upper = wilson(moved, total, level=each)
    with np.errstate(invalid="ignore"):
        return moved / total, lower, upper


def find_stationary(matrix: ArrayLike) -> FloatArray:
    """Find the shares that a chain keeps once it has them: pi = pi P.

    Args:
        matrix: chances of going from each state (row) to each (column); rows sum to 1. Or a stack
            of such matrices.

    Returns:
        The stationary shares, summing to 1; NaN where they are not unique (members who start in one
        group of states never reach another).

    Raises:
        ValueError: a row does not sum to 1.
    """
    chances = np.asarray(matrix, dtype=np.float64)
    if not np.allclose(chances.sum(axis=-1), 1):
        raise ValueError("matrix: each row must sum to 1; divide it by its sum")
    states = chances.shape[-1]
    # One equation follows from the others: that the shares sum to 1 stands in its place.
    system = np.swapaxes(chances, -1, -2) - np.eye(states)
    system[..., -1, :] = 1.0
    unique = np.abs(np.linalg.det(system)) > _SINGULAR
    system[~unique] = np.eye(states)
    wanted = np.zeros((*chances.shape[:-1], 1))
    wanted[..., -1, 0] = 1.0
    found = np.clip(np.linalg.solve(system, wanted)[..., 0], 0, 1)
    return np.where(unique[..., None], found, np.nan)


def settle(
    counts: ArrayLike,
    *,
    left: ArrayLike = 0,
    joined: ArrayLike | None = None,
    level: float,
    rng: np.random.Generator,
) -> Settled:
    """Give the shares at which members settle, were moves to go on as counted.

    Without `joined`, of a closed pool: the stationary shares of the chain. With it, of an open one,
    in which in each step members leave and others join in a mix that stays: m = b (I - Q)^-1, Q the
    chances of staying by state, b the mix of those who join. It does not hang on how many join.

    Args:
        counts: members by origin (rows) and destination (columns).
        left: those of each origin who left; counted only with `joined`.
        joined: those who joined by state; None: the pool is closed.
        level: coverage of each interval, between 0 and 1.
        rng: draws from the posterior.

    Returns:
        Shares by state, summing to 1; NaN where they are not unique, a row is of nobody, or nobody
        left or joined an open pool.

    Raises:
        ValueError: a value is no count, or the level is out of range.

    Assumes a constant chain of the first order that is the same for everybody, each member counted
    in one step only; Dirichlet posteriors by row. The prior is one member per row, spread evenly
    (Perks 1947): with half a member per cell, of six states and 30 members each, intervals covered
    down to 60%. Sources: Kemeny and Snell (1960), Finite Markov Chains, 4.1 and 3.2; Bartholomew
    (1982), Stochastic Models for Social Processes, ch. 3 (open systems).
    """
    normal_quantile(level)
    moved = whole_counts("counts", counts)
    states = len(moved)
    if joined is not None:
        gone = np.broadcast_to(whole_counts("left", left), states)
        moved = np.column_stack([moved, gone])
        came = whole_counts("joined", joined)
        if not came.sum() or not gone.sum():
            return _nowhere(states)
    if not moved.sum(axis=1).all():
        return _nowhere(states)
    rows = [_draw(row, rng) for row in moved]
    chances = np.stack([moved / moved.sum(axis=1, keepdims=True), *np.stack(rows, axis=1)])
    if joined is None:
        found = find_stationary(chances)
    else:
        mix = np.stack([came / came.sum(), *_draw(came, rng)])
        found = _open(chances[..., :-1], mix)
    if np.isnan(found[0]).any():
        return _nowhere(states)
    tail = (1 - level) / 2
    lower, upper = np.nanquantile(found[1:], [tail, 1 - tail], axis=0)
    return Settled(
        share=found[0], ci_lower=np.fmin(lower, found[0]), ci_upper=np.fmax(upper, found[0])
    )


def compare_rows(counts: ArrayLike, *, rng: np.random.Generator) -> ChiSquare:
    """Test that within each stratum all rows go to the columns in the same shares.

    Strata are origins, rows steps of time, columns destinations: the chain is constant over time.
    Strata are states, rows the states before, columns the states after: the chain is of the first
    order, since where members came from does not matter.

    Args:
        counts: members by stratum, row and column.
        rng: redraws the tables with the same margins.

    Returns:
        The sum over strata of Pearson's statistics and of their degrees of freedom, and the share
        of redrawn tables with as large a sum: cells of few members need no large-sample
        approximation.

    Raises:
        ValueError: a value is no count.

    Assumes a chain in which what a member does next hangs on the state alone, so that a member may
    be counted in several steps. Source: Anderson and Goodman (1957), Ann. Math. Stat. 28, 89-110,
    sections 3.2 and 3.3; Patefield (1981), Applied Statistics 30, 91-97 (for redrawing).
    """
    statistic, degrees, redrawn = 0.0, 0, np.zeros(REDRAWN)
    for stratum in whole_counts("counts", counts):
        table = stratum[stratum.sum(axis=1) > 0][:, stratum.sum(axis=0) > 0]
        if min(table.shape) < 2:
            continue
        rows, columns = table.sum(axis=1).astype(int), table.sum(axis=0).astype(int)
        expected = np.outer(rows, columns) / rows.sum()
        statistic += float(((table - expected) ** 2 / expected).sum())
        degrees += (len(rows) - 1) * (len(columns) - 1)
        drawn = random_table(rows, columns).rvs(REDRAWN, random_state=rng)
        redrawn += ((drawn - expected) ** 2 / expected).sum(axis=(1, 2))
    if not degrees:
        return ChiSquare(statistic=np.nan, degrees=0, p=np.nan)
    above = int((redrawn >= statistic * (1 - _ROUNDING)).sum())
    return ChiSquare(statistic=statistic, degrees=degrees, p=(above + 1) / (REDRAWN + 1))


def _draw(counts: FloatArray, rng: np.random.Generator) -> FloatArray:
    return rng.dirichlet(counts + 1 / len(counts), DRAWS)


def _open(staying: FloatArray, mix: FloatArray) -> FloatArray:
    """Solve m = m Q + b for each draw, as shares."""
    system = np.swapaxes(np.eye(staying.shape[-1]) - staying, -1, -2)
    stuck = np.abs(np.linalg.det(system)) <= _SINGULAR
    system[stuck] = np.eye(staying.shape[-1])
    size = np.linalg.solve(system, mix[..., None])[..., 0]
    return np.where(stuck[..., None], np.nan, size / size.sum(axis=-1, keepdims=True))


def _nowhere(states: int) -> Settled:
    nan = np.full(states, np.nan)
    return Settled(share=nan, ci_lower=nan, ci_upper=nan)
