"""What would have to be added for a chance: all touchpoints alike, or the cheapest first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from siyu.stats.checks import FloatArray
from siyu.studies.naming import EVERYONE
from siyu.studies.targets.forecast.estimate import Forecast
from siyu.studies.targets.forecast.model import WEEK

CHANCES = (0.5, 0.8)
"""For which it is told what would have to be recruited."""
_STEPS = 40
_HALF = 0.5


def find_ways(
    found: Forecast, total: FloatArray, *, target: float, costs: pd.DataFrame, z: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Find for each chance and way what would have to be added, and its cost.

    Args:
        found: from `forecast`.
        total: what counts towards the target, per draw.
        target: how many of these are wanted.
        costs: from `add_costs`.
        z: errors that an interval reaches.

    Returns:
        `Plan.ways` and `Plan.needs`.
    """
    expected = found.adds.mean(axis=0)
    weeks = found.weeks[found.weeks["touchpoint"] != EVERYONE]
    most = _most(weeks, expected.shape)
    each = costs.set_index("touchpoint").reindex(found.touchpoints)
    order = order_by_cost(found, costs)
    ways, needs = [], []
    for chance in CHANCES:
        times = target / _reached(total, chance, z=z)
        plans = {"even": (times[1] * expected, True)}
        if order:
            further, reached = _buy(found, total, target, chance, order=order, room=most - expected)
            plans["cheap"] = (expected + further, reached)
        for way, (adds, reached) in plans.items():
            row = {"chance": chance, "way": way, "reached": reached, "adds": adds.sum()}
            if way == "even":
                row |= {"adds_lower": times[2] * expected.sum()}
                row |= {"adds_upper": times[0] * expected.sum()}
            ways.append(row | _cost(adds.sum(axis=0) - expected.sum(axis=0), each, z=z))
            table = weeks[["first", "last", "touchpoint", "expected"]].assign(
                chance=chance, way=way, needed=adds.ravel(), most=most.ravel()
            )
            needs.append(table.assign(beyond=table["needed"] > table["most"] + _HALF))
    return pd.DataFrame(ways), pd.concat(needs, ignore_index=True)


def order_by_cost(found: Forecast, costs: pd.DataFrame) -> list[int]:
    """Give the touchpoints (by place) whose cost is known, the cheapest that counts first."""
    price = costs.set_index("touchpoint")["per_add"].reindex(found.touchpoints)
    each = price.to_numpy(dtype=np.float64) / _shares(found).mean(axis=0)
    return [int(place) for place in np.argsort(each, kind="stable") if np.isfinite(each[place])]


def _most(weeks: pd.DataFrame, shape: tuple[int, ...]) -> FloatArray:
    """Give the most a touchpoint had in a week, in proportion where the last week is short."""
    most = weeks["most"].to_numpy(dtype=np.float64)
    days = [(b - a).days + 1 for a, b in zip(weeks["first"], weeks["last"], strict=True)]
    return np.asarray(most * np.array(days) / WEEK).reshape(shape)


def _reached(total: FloatArray, chance: float, *, z: float) -> FloatArray:
    """Give the number that is reached with a chance, between the ends of its interval.

    The ends are order statistics (binomial): they tell of the number of draws alone.
    """
    n, ordered = len(total), np.sort(total)
    reach = z * np.sqrt(n * chance * (1 - chance))
    ranks = np.floor((1 - chance) * n + np.array([-reach, 0.0, reach])).astype(np.int64)
    return np.maximum(ordered[np.clip(ranks, 0, n - 1)], _HALF)


def _cost(extra: FloatArray, each: pd.DataFrame, *, z: float) -> dict[str, float]:
    """Price further additions at the mean cost so far; fewer than expected save nothing."""
    bought = extra > 0
    price, error = (
        each[name].to_numpy(dtype=np.float64)[bought] for name in ("per_add", "per_add_error")
    )
    cost = float((extra[bought] * price).sum())
    half = z * float(np.sqrt(((extra[bought] * error) ** 2).sum()))
    ends = {"cost_lower": max(cost - half, 0.0), "cost_upper": cost + half}
    return {"extra": float(extra.sum()), "cost_cny": cost, **ends}


def _buy(
    found: Forecast,
    total: FloatArray,
    target: float,
    chance: float,
    *,
    order: list[int],
    room: FloatArray,
) -> tuple[FloatArray, bool]:
    """Give the fewest further additions, cheapest first, that give a chance, and whether any do.

    No week is filled above the most it had so far.
    """
    shares, room = _shares(found), np.maximum(room, 0)
    free = room.sum(axis=0)

    def further(bought: float) -> FloatArray:
        own, left = np.zeros_like(room), bought
        for place in order:
            taken = min(left, free[place])
            if taken > 0:
                own[:, place] = room[:, place] * taken / free[place]
                left -= taken
        return own

    def chance_of(bought: float) -> float:
        return float((total + shares @ further(bought).sum(axis=0) >= target).mean())

    most = float(free[order].sum())
    if chance_of(most) < chance:
        return further(most), False
    return further(_smallest(chance_of, chance, most)), True


def _smallest(chance_of: Callable[[float], float], chance: float, most: float) -> float:
    """Halve until the smallest number is found with which the chance is reached."""
    if chance_of(0.0) >= chance:
        return 0.0
    low, high = 0.0, most
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if chance_of(middle) >= chance else (middle, high)
    return high


def _shares(found: Forecast) -> FloatArray:
    """Give the share that counts of further additions: draws x touchpoints."""
    if found.kept_share is None:
        return np.ones((len(found.adds), len(found.touchpoints)))
    return found.kept_share
