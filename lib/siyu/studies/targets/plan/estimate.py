"""How likely is the target, what would have to be recruited, and what moves the chance most?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from siyu.stats.checks import FloatArray, normal_quantile
from siyu.stats.intervals import wilson
from siyu.stats.multiplicity import bonferroni_level
from siyu.studies.naming import EVERYONE
from siyu.studies.targets.forecast.estimate import Forecast
from siyu.studies.targets.forecast.model import WEEK

CHANCES = (0.5, 0.8)
"""For which it is told what would have to be recruited."""
MORE = 0.1
"""By how much a lever is moved."""
_STEPS = 40
Refusal = Literal["", "forecast", "target"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the forecast says of a target.

    refused: "forecast" where there is none, "target" where nothing says what is wanted. counted:
        "kept" members, or "added" where nobody can be seen to leave. target: of these.
    chance: with `ci_lower` and `ci_upper`, which tell of the number of draws alone: what is not
        known of additions is in the chance itself. expected, lower, upper: of what is counted.
    needs: per `chance` asked (0.5, 0.8), way ("even": all touchpoints alike; "cheap": the cheapest
        first, none above the most it had in a week), week (`first`, `last`) and `touchpoint`:
        `expected` additions and those `needed`, the `most` in a week so far and whether it is
        `beyond` that.
    ways: per `chance` and way: `reached` (False where all there is to buy does not do), `adds`
        needed over all weeks, `extra` of these, and their `cost_cny` with `cost_lower` and
        `cost_upper`; NaN where a cost is not known.
    levers: one row per `lever` (exposures, add_rate, kept: of all, by a tenth; "touchpoint": a
        tenth more additions there) and `touchpoint`: the `extra` counted with `extra_lower` and
        `extra_upper` (at once), the `change` of the chance with `change_lower` and `change_upper`
        (draws alone, at once), and `cost_cny` where it is bought. best: the touchpoint whose tenth
        brings most; best_clear: whether that is certain (against each other, jointly).
    """

    refused: Refusal
    counted: Literal["kept", "added"] = "kept"
    target: float = np.nan
    chance: float = np.nan
    ci_lower: float = np.nan
    ci_upper: float = np.nan
    expected: float = np.nan
    lower: float = np.nan
    upper: float = np.nan
    needs: pd.DataFrame = field(default_factory=pd.DataFrame)
    ways: pd.DataFrame = field(default_factory=pd.DataFrame)
    levers: pd.DataFrame = field(default_factory=pd.DataFrame)
    best: str = ""
    best_clear: bool = False


def plan(
    found: Forecast, *, target: float, costs: pd.DataFrame, has_exposed: bool, level: float
) -> Plan:
    """Hold the forecast against a target.

    Args:
        found: from `forecast`.
        target: new members wanted by the last day to come, above 0; NaN where nothing says.
        costs: from `add_costs`.
        has_exposed: whether exposures are known, so that they are a lever of their own.
        level: coverage of each interval, between 0 and 1.

    Assumes that additions beyond those expected are kept like the others, and that they cost what
    they cost on average so far.
    """
    z = normal_quantile(level)
    if found.refused:
        return Plan(refused="forecast")
    if not np.isfinite(target) or target <= 0:
        return Plan(refused="target")
    counted = found.adds if found.kept is None else found.kept
    total = counted.sum(axis=(1, 2))
    hits = float((total >= target).sum())
    ends = wilson(hits, len(total), level=level)
    lower, upper = np.quantile(total, [(1 - level) / 2, (1 + level) / 2])
    ways, needs = _ways(found, counted, target, costs, z=z)
    levers = _levers(found, counted, target, costs, has_exposed=has_exposed, level=level)
    best, clear = _best(found, counted, level=level)
    return Plan(
        refused="",
        counted="added" if found.kept is None else "kept",
        target=target,
        chance=hits / len(total),
        ci_lower=float(ends[0]),
        ci_upper=float(ends[1]),
        expected=float(total.mean()),
        lower=float(lower),
        upper=float(upper),
        needs=needs,
        ways=ways,
        levers=levers,
        best=best,
        best_clear=clear,
    )


def _ways(
    found: Forecast, counted: FloatArray, target: float, costs: pd.DataFrame, *, z: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Find for each chance and way what would have to be added, and its cost."""
    expected = found.adds.mean(axis=0)
    weeks = found.weeks[found.weeks["touchpoint"] != EVERYONE]
    most = weeks["most"].to_numpy(float).reshape(expected.shape)
    spans = weeks.drop_duplicates("first")
    days = [(b - a).days + 1 for a, b in zip(spans["first"], spans["last"], strict=True)]
    most = most * np.array(days)[:, None] / WEEK
    each = costs.set_index("touchpoint").reindex(found.touchpoints)
    price, error = each["per_add"].to_numpy(float), each["per_add_error"].to_numpy(float)
    total = counted.sum(axis=(1, 2))
    ways, needs = [], []
    for chance in CHANCES:
        needed = {"even": _even(total, target, chance) * expected}
        cheap = _cheap(found, total, target, chance, price=price, room=most - expected)
        if cheap is not None:
            needed["cheap"] = expected + cheap[0]
        for way, adds in needed.items():
            extra = adds - expected
            own = extra.sum(axis=0)
            bought = own > 0
            cost = float((own * price)[bought].sum())
            half = z * float(np.sqrt(((own * error)[bought] ** 2).sum()))
            reached = way == "even" or (cheap is not None and cheap[1])
            ways.append(
                (
                    chance,
                    way,
                    reached,
                    adds.sum(),
                    own.sum(),
                    cost,
                    max(cost - half, 0),
                    cost + half,
                )
            )
            table = weeks[["first", "last", "touchpoint", "expected"]].assign(
                chance=chance, way=way, needed=adds.ravel(), most=most.ravel()
            )
            needs.append(table.assign(beyond=table["needed"] > table["most"] + 0.5))
    columns = ["chance", "way", "reached", "adds", "extra", "cost_cny", "cost_lower", "cost_upper"]
    return pd.DataFrame(ways, columns=columns), pd.concat(needs, ignore_index=True)


def _even(total: FloatArray, target: float, chance: float) -> float:
    """By what all additions would have to be multiplied for so high a chance."""
    low = float(np.quantile(total, 1 - chance, method="lower"))
    return target / max(low, 0.5)


def _cheap(
    found: Forecast,
    total: FloatArray,
    target: float,
    chance: float,
    *,
    price: FloatArray,
    room: FloatArray,
) -> tuple[FloatArray, bool] | None:
    """Give the fewest additions bought where a member kept is cheapest, and whether they suffice.

    None where no cost is known. No week is filled above the most it had so far.
    """
    shares = np.ones((len(total), len(price))) if found.kept_share is None else found.kept_share
    per_kept = price / shares.mean(axis=0)
    order = np.argsort(per_kept, kind="stable")[: int(np.isfinite(per_kept).sum())]
    if not len(order):
        return None
    room = np.maximum(room, 0)
    free = room.sum(axis=0)

    def extras(bought: float) -> FloatArray:
        own, left = np.zeros_like(room), bought
        for place in order:
            taken = min(left, free[place])
            if taken > 0:
                own[:, place] = room[:, place] * taken / free[place]
                left -= taken
        return own

    def chance_of(bought: float) -> float:
        return float((total + shares @ extras(bought).sum(axis=0) >= target).mean())

    most = float(free[order].sum())
    if chance_of(0.0) >= chance:
        return extras(0.0), True
    if chance_of(most) < chance:
        return extras(most), False
    return extras(_smallest(chance_of, chance, most)), True


def _smallest(chance_of: Callable[[float], float], chance: float, most: float) -> float:
    """Halve until the smallest number is found with which the chance is reached."""
    low, high = 0.0, most
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if chance_of(middle) >= chance else (middle, high)
    return high


def _levers(
    found: Forecast,
    counted: FloatArray,
    target: float,
    costs: pd.DataFrame,
    *,
    has_exposed: bool,
    level: float,
) -> pd.DataFrame:
    """Move each lever by a tenth, on the same draws."""
    by_touchpoint = counted.sum(axis=1)
    total = by_touchpoint.sum(axis=1)
    expected = pd.Series(found.adds.mean(axis=0).sum(axis=0), index=list(found.touchpoints))
    price = costs.set_index("touchpoint")["per_add"].reindex(found.touchpoints)
    cost = MORE * expected * price
    rows: list[tuple[str, str, FloatArray, float]] = []
    if has_exposed:
        rows.append(("exposures", EVERYONE, MORE * total, float(cost.sum(min_count=1))))
    rows.append(("add_rate", EVERYONE, MORE * total, np.nan))
    if found.kept_share is not None:
        more = np.minimum(MORE, 1 / found.kept_share - 1)  # nobody is kept more than once
        rows.append(("kept", EVERYONE, (more * by_touchpoint).sum(axis=1), np.nan))
    for place, name in enumerate(found.touchpoints):
        rows.append(("touchpoint", name, MORE * by_touchpoint[:, place], float(cost[name])))
    each = bonferroni_level(level, len(rows))
    z, sides = normal_quantile(each), [(1 - each) / 2, (1 + each) / 2]
    before = total >= target
    table = []
    for lever, name, extra, paid in rows:
        gained = (total + extra >= target) & ~before
        change = float(gained.mean())
        half = z * float(gained.std()) / np.sqrt(len(total))
        ends = (max(change - half, 0.0), change + half)
        table.append((lever, name, extra.mean(), *np.quantile(extra, sides), change, *ends, paid))
    columns = ["lever", "touchpoint", "extra", "extra_lower", "extra_upper"]
    columns += ["change", "change_lower", "change_upper", "cost_cny"]
    return pd.DataFrame(table, columns=columns)


def _best(found: Forecast, counted: FloatArray, *, level: float) -> tuple[str, bool]:
    """Give the touchpoint whose tenth brings most, and whether it is certain to."""
    own = counted.sum(axis=1)
    place = int(own.mean(axis=0).argmax())
    others = np.delete(own, place, axis=1)
    certain = bool((own[:, place] > others.max(axis=1, initial=-1)).mean() >= level)
    return found.touchpoints[place], certain
