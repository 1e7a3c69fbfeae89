"""Plan which strategy which tier gets within a budget, and what that is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.allocation import allocate, spend, trace_frontier
from siyu.stats.checks import FloatArray, normal_quantile
from siyu.stats.shrunk_effects import shrink_effects
from siyu.studies.tiers.definition import TierError
from siyu.studies.tiers.plan.effects import check_effects, joint_covariance, spread_of

PLANS = ("expected", "cautious")
NEXT_CNY = 1_000.0
"""The step by which the worth of a larger budget is told."""
STEPS = 20
"""Budgets, evenly apart, at which the curve is told, besides those where it bends."""


@dataclass(frozen=True, kw_only=True)
class Worth:
    """What a plan costs at once and brings over doing nothing, in yuan, after that cost.

    net_gain_cny: expected, with `ci_lower` and `ci_upper`. cautious_cny: by the lower ends of
    intervals that hold for all strategies at once. measured_cny: by the estimates as they are,
    flattered by luck.
    """

    cost_cny: float
    net_gain_cny: float
    ci_lower: float
    ci_upper: float
    cautious_cny: float
    measured_cny: float


@dataclass(frozen=True, kw_only=True)
class Slope:
    """What a budget larger than the one asked would bring.

    value: yuan of margin by a further yuan, with interval (the shadow price, tiers divisible); 0
        where no strategy is left to buy. next_cny: what NEXT_CNY more would add to the plan, after
        their cost. stop_cny: budget beyond which a further yuan brings less than itself; more_cny:
        what that budget would add to the plan, after its cost.
    """

    value: float
    ci_lower: float
    ci_upper: float
    next_cny: float
    stop_cny: float
    more_cny: float


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to give to whom within a budget.

    options: one row per strategy and tier that can be planned with: `tier`, `strategy`, `members`,
        `cost_cny`, and per member before that cost `gain_cny` as measured, `expected_cny` (drawn
        towards the common mean, but never above what was measured) and `cautious_cny` (the lower
        end).
    expected: one row per tier, in the order given: `tier`, `members`, the `strategy` it gets ("":
        none), `given` (members who get it), `n` members behind the estimate (where it gets none:
        those drawn into any arm that can be read), `reason` where it gets none: "few" (no
        estimate), "nobody", "loses" (none brings more than its cost, as measured and as expected),
        "budget" (it does not reach); and what that costs and brings, as `Worth`.
    cautious: the same for the plan that is best by the lower ends.
    total, cautious_total: of both plans.
    slope: of the optimum at the budget.
    curve: one row per plan (`plan`: "expected", "cautious") and `budget_cny`: `net_gain_cny`, what
        its best plan brings after its cost (of the cautious: at least), with `ci_lower` and
        `ci_upper` of the expected; `divided_cny`, the same if a tier could be divided between two
        strategies; `slope`, the yuan of margin that a further yuan then brings, before itself.
    n_users: members of the experiment whose outcomes the estimates are made from.
    refused: "few" (no strategy can be planned with), "".
    """

    budget_cny: float
    offer_days: int
    level: float
    options: pd.DataFrame
    expected: pd.DataFrame
    cautious: pd.DataFrame
    total: Worth
    cautious_total: Worth
    slope: Slope
    curve: pd.DataFrame
    n_users: int
    refused: str


def plan(effects: pd.DataFrame, *, budget_cny: float, offer_days: int, level: float) -> Plan:
    """Plan which strategy which tier gets, by the expected and by the cautious gain.

    A tier gets one strategy at most, each of its members or as many as the budget reaches, drawn by
    lot. Estimand: the incremental margin, less what it costs at once, that the plan brings over
    doing nothing for the members of each tier today, in the days for which offers were followed.

    Args:
        effects: one row per tier and strategy, as `check_effects` takes it.
        budget_cny: what may be spent at once, in yuan, finite, at least 0.
        offer_days: days for which the effects were followed: the clock of the plan.
        level: coverage of the intervals of sums, between 0 and 1.

    Raises:
        TierError: a budget below 0 or without end, or effects that cannot be planned with.

    Assumes that today's members answer as those of the experiment did, and that an effect does not
    depend on how many others of a tier get the strategy.
    """
    if not 0 <= budget_cny < np.inf:
        raise TierError(
            f"budget_cny = {budget_cny} must be finite and at least 0; 0 spends nothing"
        )
    quantile = normal_quantile(level)
    known = check_effects(effects)
    read = known[known["is_read"]].sort_values(["tier", "strategy"], ignore_index=True)
    shop = _Shop(read, quantile)
    expected, cautious = (shop.buy(by, budget_cny) for by in PLANS)
    return Plan(
        budget_cny=budget_cny,
        offer_days=offer_days,
        level=level,
        options=shop.options,
        expected=_lay_out(known, shop, "expected", expected),
        cautious=_lay_out(known, shop, "cautious", cautious),
        total=shop.worth(expected),
        cautious_total=shop.worth(cautious),
        slope=_slope(shop, expected, budget_cny),
        curve=pd.concat([_curve(shop, by, budget_cny) for by in PLANS], ignore_index=True),
        n_users=int(read["n"].sum() + read.drop_duplicates("tier")["n_control"].sum()),
        refused="" if len(read) else "few",
    )


class _Shop:
    """The strategies that can be bought, and what any number of members of them is worth."""

    def __init__(self, read: pd.DataFrame, quantile: float) -> None:
        self.quantile = quantile
        self.covariance = np.zeros((0, 0))
        shrunk = np.zeros(0)
        if len(read):
            found = shrink_effects(read["gain_cny"], joint_covariance(read), spread_of(read))
            shrunk, self.covariance = found.value, found.covariance
        self.n = (read["n"] + read["n_control"]).to_numpy(dtype=np.int64)
        each = read.groupby("tier")
        self.n_drawn = (each["n"].sum() + each["n_control"].first()).astype(np.int64)
        read = read.astype({"members": "int64"})
        # What was chosen is never promised higher than measured on the strength of the others.
        self.options = read[["tier", "strategy", "members", "cost_cny", "gain_cny"]].assign(
            expected_cny=np.minimum(shrunk, read["gain_cny"]), cautious_cny=read["ci_lower"]
        )

    def goods(self, by: str) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Give gain and cost per member, the most members, and the tier of each strategy."""
        columns = (f"{by}_cny", "cost_cny", "members", "tier")
        gain, cost, members, tier = (self.options[name].to_numpy() for name in columns)
        return gain, cost, members, tier

    def buy(self, by: str, budget: float) -> FloatArray:
        """Give the members who get each strategy in the best plan."""
        gain, cost, members, tier = self.goods(by)
        return allocate(gain - cost, cost, members, tier, budget=budget).astype(np.float64)

    def worth(self, units: FloatArray) -> Worth:
        cost = float(units @ self.options["cost_cny"])
        net, half = float(units @ self.options["expected_cny"]) - cost, self.half(units)
        return Worth(
            cost_cny=cost,
            net_gain_cny=net,
            ci_lower=net - half,
            ci_upper=net + half,
            cautious_cny=float(units @ self.options["cautious_cny"]) - cost,
            measured_cny=float(units @ self.options["gain_cny"]) - cost,
        )

    def half(self, units: FloatArray) -> float:
        """Give half the width of the interval of what some members bring."""
        return float(self.quantile * np.sqrt(units @ self.covariance @ units))


def _lay_out(known: pd.DataFrame, shop: _Shop, by: str, units: FloatArray) -> pd.DataFrame:
    rows = []
    for tier, members in known.groupby("tier", sort=False)["members"].first().items():
        own = (shop.options["tier"] == tier).to_numpy()
        chosen = np.flatnonzero(own & (units > 0))
        n = int(shop.n_drawn.get(tier, 0))
        row = {"tier": tier, "members": members, "strategy": "", "given": 0, "n": n, "reason": ""}
        if chosen.size:
            row |= {
                "strategy": shop.options["strategy"].iloc[chosen[0]],
                "given": int(units[chosen[0]]),
                "n": int(shop.n[chosen[0]]),
            }
        else:
            gain, cost, most, _ = shop.goods(by)
            pays = own & (gain > cost) & (most > 0)
            row["reason"] = _reason(members, read=bool(own.any()), pays=bool(pays.any()))
        rows.append(row | vars(shop.worth(np.where(own, units, 0.0))))
    told = pd.DataFrame(rows, columns=[*_TOLD, *Worth.__dataclass_fields__])
    return told.astype({"members": "Int64"})


def _reason(members: Any, *, read: bool, pays: bool) -> str:
    """Say why a tier gets nothing; members are missing where they are too few to be told."""
    if not pd.isna(members) and not members:
        return "nobody"
    if not read:
        return "few"
    return "budget" if pays else "loses"


_TOLD = ("tier", "members", "strategy", "given", "n", "reason")


def _slope(shop: _Shop, units: FloatArray, budget: float) -> Slope:
    gain, cost, members, tier = shop.goods("expected")
    pieces = trace_frontier(gain, cost, members, tier)
    ahead = pieces[pieces["spent"] > budget]
    value = half = 0.0
    if len(ahead):
        first = ahead.iloc[0]
        more = spend(ahead.iloc[:1], members, budget=np.inf) / first["cost"]
        value, half = float(first["slope"]), shop.half(more)
    now = shop.worth(units).net_gain_cny
    pays = pieces[pieces["slope"] > 1]
    return Slope(
        value=value,
        ci_lower=value - half,
        ci_upper=value + half,
        next_cny=shop.worth(shop.buy("expected", budget + NEXT_CNY)).net_gain_cny - now,
        stop_cny=float(pays["spent"].max()) if len(pays) else 0.0,
        more_cny=float((pays["value"] - pays["cost"]).sum()) - now,
    )


def _curve(shop: _Shop, by: str, budget: float) -> pd.DataFrame:
    gain, cost, members, tier = shop.goods(by)
    before, after = (trace_frontier(each, cost, members, tier) for each in (gain, gain - cost))
    # Both curves reach as far as money buys anything expected to bring some margin.
    end = float(trace_frontier(*shop.goods("expected"))["cost"].sum())
    even = np.linspace(0, end, STEPS + 1)
    rows = []
    for each in np.unique([*even, *before["spent"], min(budget, end)]):
        worth = shop.worth(shop.buy(by, float(each)))
        row = {"plan": by, "budget_cny": each, "net_gain_cny": worth.cautious_cny}
        if by == "expected":
            row |= {name: getattr(worth, name) for name in _ENDS}
        divided = spend(after, members, budget=float(each)) @ (gain - cost)
        ahead = before.loc[before["spent"] > each, "slope"]
        row |= {"divided_cny": float(divided), "slope": float(ahead.iloc[0]) if len(ahead) else 0.0}
        rows.append(row)
    return pd.DataFrame(rows, columns=list(_CURVE))


_ENDS = ("net_gain_cny", "ci_lower", "ci_upper")
_CURVE = ("plan", "budget_cny", *_ENDS, "divided_cny", "slope")
