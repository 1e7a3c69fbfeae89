"""What each outcome is now, and how many people a lift of it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from siyu.stats.checks import FloatArray, normal_quantile
from siyu.stats.intervals import wilson
from siyu.stats.power import units_needed
from siyu.studies.lures.design.measure import Measures


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an outcome is now, and the people each arm needs for a lift, at a base or spread."""

    n: int
    base: float
    base_ends: tuple[float, float]
    difference: Callable[[float], float]
    needed: Callable[[float, float, dict[str, float]], float]
    most: float
    """Largest lift there can be."""
    ends: tuple[float, float, float]
    """What is handed to `needed`: the estimate and its ends."""
    saved: float = np.nan


def plan_outcomes(
    measures: Measures, *, value: float | None, level: float
) -> dict[tuple[str, str], Plan]:
    """Plan for each way of drawing and each outcome that can be sized.

    Args:
        measures: the reduced tables.
        value: of a person who stays, in yuan; None: net benefit is not planned for.
        level: of the intervals.
    """
    plans = {}
    for (way, outcome), own in measures.shares.groupby(["way", "outcome"], sort=False):
        n, count = int(own["n"].sum()), int(own["count"].sum())
        # The few who would stay of a list cannot be told from nobody.
        if n >= measures.min_users and 0 < count < n and (way, outcome) != ("list", "retention"):
            plans[str(way), str(outcome)] = _plan_share(own, n, count, level=level)
    worth = measures.worth
    if len(worth) >= measures.min_users and worth["retained"].sum():
        if (cost := _plan_cost(worth, level=level)) is not None:
            plans["exposure", "cost"] = cost
        if value is not None and (stay := plans.get(("exposure", "retention"))):
            plans["exposure", "net"] = _plan_net(worth, value, value * stay.base, level=level)
    return plans


def _plan_share(own: pd.DataFrame, n: int, count: int, *, level: float) -> Plan:
    base = count / n
    lower, upper = (float(end) for end in wilson(count, n, level=level))

    def needed(lift: float, rate: float, asked: dict[str, float]) -> float:
        other = min(rate * (1 + lift), 1.0)
        pooled = (rate + other) / 2
        return units_needed(
            other - rate,
            null_variance=2 * pooled * (1 - pooled),
            variance=rate * (1 - rate) + other * (1 - other),
            **asked,
        )

    share = own["count"] / own["n"]
    within = float((own["n"] * share * (1 - share)).sum() / n)
    return Plan(
        n=n,
        base=base,
        base_ends=(lower, upper),
        difference=lambda lift: lift * base,
        needed=needed,
        most=(1 / base - 1) * (1 - 1e-9),
        ends=(base, upper, lower),
        saved=1 - within / (base * (1 - base)),
    )


def _plan_cost(worth: pd.DataFrame, *, level: float) -> Plan | None:
    """Plan for the logarithm of cost per retained person, by its linear part in each arm."""
    means = worth.groupby("arm")[["cost", "retained"]].transform("mean")
    if not (means > 0).all(axis=None):
        return None
    parts = (worth["cost"] / means["cost"] - worth["retained"] / means["retained"]).to_numpy()
    base = worth["cost"].sum() / worth["retained"].sum()
    linear = (worth["cost"] - base * worth["retained"]).to_numpy() / worth["retained"].mean()
    reach = normal_quantile(level) * linear.std(ddof=1) / np.sqrt(len(worth))

    def needed(lift: float, variance: float, asked: dict[str, float]) -> float:
        both = 2 * variance
        return units_needed(np.log1p(-lift), null_variance=both, variance=both, **asked)

    return Plan(
        n=len(worth),
        base=base,
        base_ends=(base - reach, base + reach),
        difference=lambda lift: -lift * base,
        needed=needed,
        most=1 - 1e-9,
        ends=_spread(parts, level=level),
    )


def _plan_net(worth: pd.DataFrame, value: float, worthwhile: float, *, level: float) -> Plan:
    net = value * worth["retained"] - worth["cost"]
    base = float(net.mean())
    parts = (net - net.groupby(worth["arm"]).transform("mean")).to_numpy()
    reach = normal_quantile(level) * net.std() / np.sqrt(len(net))

    def needed(lift: float, variance: float, asked: dict[str, float]) -> float:
        both = 2 * variance
        return units_needed(lift * worthwhile, null_variance=both, variance=both, **asked)

    return Plan(
        n=len(net),
        base=base,
        base_ends=(base - reach, base + reach),
        difference=lambda lift: lift * worthwhile,
        needed=needed,
        most=1.0,
        ends=_spread(parts, level=level),
    )


def _spread(parts: FloatArray, *, level: float) -> tuple[float, float, float]:
    """Give the variance of one person with its interval, whatever the tails."""
    variance = float(parts.var(ddof=1))
    fourth = float(((parts - parts.mean()) ** 4).mean())
    reach = normal_quantile(level) * np.sqrt(max(fourth - variance**2, 0) / len(parts))
    return variance, max(variance - reach, 0.0), variance + reach
