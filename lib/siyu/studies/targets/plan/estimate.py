"""How likely is the target, what would have to be recruited, and what moves the chance most?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from siyu.stats.checks import FloatArray, normal_quantile
from siyu.stats.intervals import wilson
from siyu.stats.multiplicity import bonferroni_level
from siyu.studies.naming import EVERYONE
from siyu.studies.targets.forecast.estimate import Forecast
from siyu.studies.targets.plan.ways import find_ways, order_by_cost

MORE = 0.1
"""By how much a lever is moved."""
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
        needed over all weeks (of "even" with `adds_lower` and `adds_upper`, by the number of draws
        alone), `extra` of these, and their `cost_cny` with `cost_lower` and
        `cost_upper`; NaN where a cost is not known.
    levers: one row per `lever` (exposures, add_rate, kept: of all, by a tenth; "touchpoint": a
        tenth more additions there) and `touchpoint`: the `extra` counted with `extra_lower` and
        `extra_upper` (at once), the `change` of the chance with `change_lower` and `change_upper`
        (draws alone, at once), and `cost_cny` where it is bought. best: the touchpoint whose tenth
        brings most; best_clear: whether that is certain (it does in so many draws as the level).
    cheapest: touchpoints whose cost is known, the cheapest member who stays first. draws: what is
        counted in each draw.
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
    cheapest: tuple[str, ...] = ()
    draws: FloatArray = field(default_factory=lambda: np.empty(0), repr=False)


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
    ways, needs = find_ways(found, total, target=target, costs=costs, z=z)
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
        cheapest=tuple(found.touchpoints[place] for place in order_by_cost(found, costs)),
        draws=total,
    )


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
