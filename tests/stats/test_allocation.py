"""A budget shared out: by hand, against every plan there is, and against the solver's duals."""

from itertools import product

import numpy as np
import pytest
from scipy.optimize import OptimizeResult, linprog
from siyu.stats import allocation
from siyu.stats.allocation import NOTHING, allocate, spend, trace_frontier

HAND = {"value": [10.0, 24.0, 7.0], "cost": [0.0, 4.0, 1.0], "size": [5, 5, 10],
        "group": ["gold", "gold", "silver"]}  # fmt: skip
"""Gold: 10 each for nothing, or 24 each for 4; silver: 7 each for 1."""


def brute_force(value, cost, size, group, budget):
    """Try every number of units of every option: the largest value within the budget."""
    best = 0.0
    for units in product(*(range(n + 1) for n in size)):
        chosen = [g for g, n in zip(group, units, strict=True) if n]
        if len(set(chosen)) == len(chosen) and np.dot(units, cost) <= budget + 1e-9:
            best = max(best, np.dot(units, value))
    return best


@pytest.mark.parametrize(
    ("budget", "units"),
    [
        (0, [5, 0, 0]),
        (3, [5, 0, 3]),
        (10, [5, 0, 10]),
        (14, [5, 0, 10]),  # one gold for 4 would lose the 50 that all of them bring for nothing
        (26, [0, 4, 10]),  # 96 + 70; all gold and 6 silver would bring 120 + 42
        (30, [0, 5, 10]),
        (1e9, [0, 5, 10]),
    ],
)
def test_a_budget_is_shared_out_by_hand(budget, units):
    assert allocate(**HAND, budget=budget).tolist() == units


def test_the_frontier_is_traced_by_hand():
    """Gold for nothing, silver at 7 a yuan, then gold's dearer option at 14 / 4 a yuan."""
    pieces = trace_frontier(**HAND)
    assert pieces[["option", "instead"]].to_numpy().tolist() == [[0, NOTHING], [2, NOTHING], [1, 0]]
    assert pieces["slope"].tolist() == [np.inf, 7, 3.5]
    assert pieces["spent"].tolist() == [0, 10, 30]
    assert pieces["total"].tolist() == [50, 120, 190]
    # At 14 a fifth of gold has the dearer option: 120 + 4 x 3.5.
    units = spend(pieces, HAND["size"], budget=14)
    assert units.tolist() == [4, 1, 10]
    assert units @ HAND["value"] == 134


def draw(rng, *, groups, options, most):
    """A small case: some options free, some worth less than nothing."""
    n = groups * options
    value, cost = rng.normal(3, 4, n).round(1), rng.integers(0, 6, n) * 0.5
    return value, cost, rng.integers(0, most, n), np.repeat(np.arange(groups), options)


@pytest.mark.parametrize("seed", range(60))
def test_the_optimum_is_that_of_every_plan_tried(seed):
    rng = np.random.default_rng([1, seed])
    value, cost, size, group = draw(rng, groups=3, options=2, most=4)
    budget = rng.integers(0, 20) * 0.5
    units = allocate(value, cost, size, group, budget=budget)
    assert units @ value == pytest.approx(brute_force(value, cost, size, group, budget))
    assert units @ cost <= budget + 1e-9
    assert ((units >= 0) & (units <= size)).all()
    assert max(np.bincount(group, units > 0)) <= 1


@pytest.mark.parametrize("seed", range(20))
def test_the_frontier_is_the_relaxed_optimum_and_its_slope_the_dual_value(seed):
    rng = np.random.default_rng([2, seed])
    value, cost, size, group = draw(rng, groups=5, options=3, most=500)
    size = size + 1
    pieces = trace_frontier(value, cost, size, group)
    assert pieces["slope"].is_monotonic_decreasing
    for budget in rng.uniform(0, 1.1 * pieces["spent"].iloc[-1], 5):
        rows = [cost, *(np.where(group == g, 1 / size, 0) for g in range(5))]
        solved = linprog(-value, A_ub=rows, b_ub=[budget, *[1] * 5])
        told = spend(pieces, size, budget=budget) @ value
        assert told == pytest.approx(-solved.fun)
        ahead = pieces.loc[pieces["spent"] > budget, "slope"]
        slope = ahead.iloc[0] if len(ahead) else 0.0
        assert slope == pytest.approx(-solved.ineqlin.marginals[0], abs=1e-7)
        if len(ahead):
            step = spend(pieces, size, budget=budget + 1e-3) @ value
            assert (step - told) / 1e-3 == pytest.approx(slope, rel=1e-6)


def test_whole_units_reach_the_frontier_where_no_group_is_divided():
    value, cost, size, group = draw(np.random.default_rng(3), groups=5, options=3, most=500)
    pieces = trace_frontier(value, cost, size, group)
    ends = pieces.drop_duplicates("spent", keep="last")  # several options may be free
    for spent, total in ends[["spent", "total"]].to_numpy():
        assert allocate(value, cost, size, group, budget=spent) @ value == pytest.approx(total)
    grid = np.linspace(0, pieces["spent"].iloc[-1], 12)
    whole = [allocate(value, cost, size, group, budget=b) @ value for b in grid]
    above = [spend(pieces, size, budget=b) @ value for b in grid]
    assert (np.diff(whole) >= -1e-9).all()
    assert (np.array(above) >= np.array(whole) - 1e-6).all()


def test_money_in_another_unit_and_options_in_another_order_change_nothing():
    value, cost, size, group = draw(np.random.default_rng(4), groups=4, options=3, most=90)
    units = allocate(value, cost, size, group, budget=50)
    fen = allocate(value, 100 * cost, size, group, budget=5_000)
    assert fen @ value == pytest.approx(units @ value)
    order = np.random.default_rng(5).permutation(len(value))
    mixed = allocate(value[order], cost[order], size[order], group[order], budget=50)
    assert mixed @ value[order] == pytest.approx(units @ value)


def test_of_equal_options_the_first_is_taken_and_of_equally_good_ones_the_cheaper():
    assert allocate([5, 5], [1, 1], [3, 3], [0, 0], budget=9).tolist() == [3, 0]
    assert allocate([5, 5], [2, 1], [3, 3], [0, 0], budget=9).tolist() == [0, 3]
    both = allocate([5, 5], [1, 1], [3, 3], [0, 1], budget=3)
    assert both.sum() == 3


def test_what_brings_nothing_is_not_bought():
    assert allocate([-1, 0], [0, 0], [5, 5], [0, 1], budget=10).tolist() == [0, 0]
    assert trace_frontier([-1, 0], [0, 0], [5, 5], [0, 1]).empty
    nobody = allocate([], [], [], [], budget=10)
    assert nobody.tolist() == []
    assert spend(trace_frontier([], [], [], []), [], budget=1).tolist() == []


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"budget": -1}, "budget = -1 must be finite and at least 0"),
        ({"budget": np.inf}, "budget = inf must be finite"),
        ({"budget": np.nan}, "budget = nan must be finite"),
        ({"value": [np.nan, 1, 1]}, "value = nan must be finite"),
        ({"cost": [-2, 1, 1]}, r"cost = -2\.0 must be finite and at least 0"),
        ({"size": [1.5, 1, 1]}, r"size = 1\.5 must be a whole number"),
        ({"group": [0]}, "one entry per option each"),
    ],
)
def test_what_cannot_be_is_an_error(other, message):
    with pytest.raises(ValueError, match=message):
        allocate(**HAND | {"budget": 1} | other)


def test_a_budget_that_the_solver_cannot_share_out_is_an_error(monkeypatch):
    stopped = OptimizeResult(success=False, message="time limit reached", x=None)
    monkeypatch.setattr(allocation, "milp", lambda *_, **__: stopped)
    with pytest.raises(ValueError, match="could not be shared out: time limit reached"):
        allocate(**HAND, budget=1)
