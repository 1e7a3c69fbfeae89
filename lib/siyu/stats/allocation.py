"""Share out a budget: at most one option per group, units whole, and what a further yuan brings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import block_array, csr_array, diags_array, eye_array

from siyu.stats.checks import FloatArray, whole_counts

NOTHING = -1
"""Stands for no option."""
PIECES = ("option", "instead", "cost", "value", "slope", "spent", "total")


def allocate(
    value: ArrayLike, cost: ArrayLike, size: ArrayLike, group: ArrayLike, *, budget: float
) -> NDArray[np.int64]:
    """Choose how many units get which option so that their value is largest within a budget.

    Args:
        value: of one unit, one per option, finite.
        cost: of one unit, finite, at least 0, in the unit of the budget.
        size: most units that an option can get, whole.
        group: which group each option belongs to; of a group, one option at most is chosen.
        budget: finite, at least 0.

    Returns:
        The units of each option, whole. Options worth nothing or less get none, nor does one that
        another of its group matches in value and size at no higher cost (of equals the first is
        kept).

    Raises:
        ValueError: a number out of range, or the solver found no optimum.

    A bounded multiple-choice knapsack, solved as a mixed-integer programme to a gap of none.
    Sources: Kellerer, Pferschy, Pisinger (2004), Knapsack Problems, ch. 7 and 11; Huangfu and Hall
    (2018), Math. Prog. Comp. 10, 119-142 (HiGHS).
    """
    values, costs, sizes, groups = _check(value, cost, size, group)
    if not 0 <= budget < np.inf:
        raise ValueError(f"budget = {budget} must be finite and at least 0; use 0 to spend nothing")
    units = np.zeros(len(values), dtype=np.int64)
    kept = _undominated(values, costs, sizes, groups)
    if not kept.size:
        return units
    n, most = len(kept), sizes[kept]
    own = csr_array(np.unique(groups[kept])[:, None] == groups[kept][None, :]).astype(np.float64)
    # Unknown are the units of each option and whether it is the one of its group.
    rules = block_array(
        [[eye_array(n), -diags_array(most)], [None, own], [csr_array(costs[kept][None, :]), None]]
    )
    limits = np.concatenate([np.zeros(n), np.ones(own.shape[0]), [budget]])
    found = milp(
        -np.concatenate([values[kept], np.zeros(n)]),
        constraints=LinearConstraint(rules, ub=limits),
        bounds=Bounds(0, np.concatenate([most, np.ones(n)])),
        integrality=np.ones(2 * n),
        options={"mip_rel_gap": 0},
    )
    if not found.success:
        raise ValueError(f"the budget could not be shared out: {found.message}")
    units[kept] = np.round(found.x[:n]).astype(np.int64)
    return units


def trace_frontier(
    value: ArrayLike, cost: ArrayLike, size: ArrayLike, group: ArrayLike
) -> pd.DataFrame:
    """Trace the largest value as a function of the budget, units divisible: piecewise linear.

    The exact linear relaxation of `allocate`: a group may be divided between two options. So the
    curve is concave and nowhere below that of one option per group, which it meets at the end of
    each piece; its slope is the dual value of the budget.

    Args:
        value: as in `allocate`; so are cost, size and group.
        cost: of one unit.
        size: most units of each option.
        group: of each option.

    Returns:
        One row per piece, in the order in which money is spent: units of `option` take the place of
        `instead` (NOTHING: of none); the piece costs `cost` and brings `value` more, `slope` per
        unit of money (infinite where it costs nothing; falling); `spent` and `total` at its end.

    Raises:
        ValueError: a number out of range.

    Sources: Sinha and Zoltners (1979), Oper. Res. 27, 503-515; Zemel (1980), Oper. Res. 28,
    1412-1423.
    """
    values, costs, sizes, groups = _check(value, cost, size, group)
    steps = [
        step
        for each in pd.unique(groups)
        for step in _climb(values * sizes, costs * sizes, np.flatnonzero(groups == each))
    ]
    pieces = pd.DataFrame(steps, columns=list(PIECES[:5]))
    pieces = pieces.sort_values("slope", ascending=False, kind="stable", ignore_index=True)
    return pieces.assign(spent=pieces["cost"].cumsum(), total=pieces["value"].cumsum())


def spend(pieces: pd.DataFrame, size: ArrayLike, *, budget: float) -> FloatArray:
    """Give the units of each option, divisible, at a budget on the frontier.

    Args:
        pieces: from `trace_frontier`.
        size: most units of each option, as it was given there.
        budget: at least 0.
    """
    sizes = np.asarray(size, dtype=np.float64)
    units, left = np.zeros(len(sizes)), budget
    for option, instead, cost in pieces[["option", "instead", "cost"]].itertuples(index=False):
        share = 1.0 if cost <= left else left / cost
        units[option] += share * sizes[option]
        if instead != NOTHING:
            units[instead] -= share * sizes[instead]
        left = max(left - cost, 0.0)
    return units


def _climb(
    value: FloatArray, cost: FloatArray, options: NDArray[np.int64]
) -> Iterator[tuple[int, int, float, float, float]]:
    """Go up a group's upper hull, from nothing, each time by the steepest way."""
    at, spent, total = NOTHING, 0.0, 0.0
    while True:
        ahead = options[(cost[options] >= spent) & (value[options] > total)]
        if not ahead.size:
            return
        more, dearer = value[ahead] - total, cost[ahead] - spent
        slope = np.divide(more, dearer, out=np.full(more.shape, np.inf), where=dearer > 0)
        # The steepest; of equally steep ones the farthest, so that no piece is cut in two.
        best = max(range(len(ahead)), key=lambda i: (slope[i], more[i]))
        step = int(ahead[best])
        yield step, at, float(dearer[best]), float(more[best]), float(slope[best])
        at, spent, total = step, float(cost[step]), float(value[step])


def _undominated(
    value: FloatArray, cost: FloatArray, size: FloatArray, group: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Number the options that are worth something, and that no other is as good as."""
    kept = []
    for i in np.flatnonzero((value > 0) & (size > 0)):
        rivals = (group == group[i]) & (value >= value[i]) & (cost <= cost[i]) & (size >= size[i])
        equal = rivals & (value == value[i]) & (cost == cost[i]) & (size == size[i])
        if not (rivals & ~equal).any() and np.flatnonzero(equal)[0] == i:
            kept.append(i)
    return np.array(kept, dtype=np.int64)


def _check(
    value: ArrayLike, cost: ArrayLike, size: ArrayLike, group: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray, NDArray[np.int64]]:
    values, costs = (np.asarray(part, dtype=np.float64) for part in (value, cost))
    sizes, groups = whole_counts("size", size), pd.factorize(np.asarray(group))[0]
    if len({len(part) for part in (values, costs, sizes, groups)}) > 1:
        raise ValueError("value, cost, size and group must have one entry per option each")
    if not np.isfinite(values).all():
        raise ValueError(f"value = {values[~np.isfinite(values)][0]} must be finite; leave it out")
    if (wrong := ~(np.isfinite(costs) & (costs >= 0))).any():
        raise ValueError(f"cost = {costs[wrong][0]} must be finite and at least 0")
    return values, costs, sizes, groups.astype(np.int64)
