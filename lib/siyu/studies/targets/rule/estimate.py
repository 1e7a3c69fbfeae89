"""Estimate the rule's three inputs, what its factor is in the data, and what the difference costs.

New members wanted = orders wanted x share of orders by existing members; to recruit = that x 1.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from siyu.stats.checks import normal_quantile
from siyu.stats.cluster_ratios import effective_clusters
from siyu.stats.clusters import clustered_share
from siyu.stats.delta import positive_range
from siyu.stats.intervals import wilson
from siyu.stats.multiplicity import bonferroni_level
from siyu.studies.targets.adds import Adds
from siyu.studies.targets.kept import add_costs, kept_shares
from siyu.studies.targets.rule.measure import Orders

FACTOR = 1.3
"""Recruits per new member wanted, by the rule of the field."""
Source = Literal["members", "orders", "last", ""]


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number with its interval; all NaN where it is not known."""

    value: float = np.nan
    ci_lower: float = np.nan
    ci_upper: float = np.nan

    @property
    def known(self) -> bool:
        """Whether there is such a number."""
        return bool(np.isfinite(self.value))


@dataclass(frozen=True, kw_only=True)
class Rule:
    """The rule beside the data.

    source: where the members wanted come from: given ("members"), orders that were given
        ("orders") or those of the last days ("last"); "" where nothing says.
    orders, share: the inputs. wanted: new members. by_rule, by_data: to recruit, with 1.3 and with
        the factor of the data. difference: by data less by rule; its cost in `cost_cny`.
    factors: one row per `touchpoint`, "all" last: `mature`, `kept`, `factor` with `ci_lower` and
        `ci_upper` (of touchpoints, they hold at once), and `verdict` against 1.3 ("above", "below",
        "unclear", "" where there are too few).
    costs: from `add_costs`. n_orders, n_users: that the share rests on.
    """

    source: Source
    orders: Number
    share: Number
    wanted: Number
    by_rule: Number
    by_data: Number
    difference: Number
    cost_cny: Number
    factors: pd.DataFrame
    costs: pd.DataFrame
    n_orders: int
    n_users: int

    @property
    def factor(self) -> Number:
        """The factor of all touchpoints together."""
        row = self.factors.iloc[-1]
        return Number(value=row["factor"], ci_lower=row["ci_lower"], ci_upper=row["ci_upper"])


def estimate_rule(adds: Adds, orders: Orders, *, level: float) -> Rule:
    """Estimate the rule.

    The factor of the data is the number of recruits per new member who is still there at the end of
    day `kept_days`: 1 over the share kept of those who were followed so long. Whoever was added
    later has not had the time to stay, and is no loss.

    Args:
        adds: from `count_adds`.
        orders: of the last days.
        level: coverage of each interval, between 0 and 1.

    The number wanted has two errors that do not touch: of orders (clustered by user or by day,
    whichever is larger) and of the factor. Their squares sum on the logarithm (delta method).
    """
    z = normal_quantile(level)
    share, told = _share(orders, level=level)
    placed, source, wanted, variance = _wanted(adds, orders, share, told, level=level)
    factors = tabulate_factors(adds, level=level)
    costs = add_costs(adds, level=level)
    whole = factors.iloc[-1]
    own = (np.log(whole["ci_upper"] / whole["ci_lower"]) / 2 / z) ** 2
    known = wanted.known and np.isfinite(whole["factor"])
    by_rule = _scaled(wanted.value * FACTOR, variance, level)
    by_data = _scaled(wanted.value * whole["factor"], variance + own, level)
    gap, cost = Number(), Number()
    if known:
        gap_value = wanted.value * (whole["factor"] - FACTOR)
        error = wanted.value**2 * ((whole["factor"] - FACTOR) ** 2 * variance)
        error += wanted.value**2 * whole["factor"] ** 2 * own
        gap = _plain(gap_value, error, z)
        each = costs.iloc[-1]
        if np.isfinite(each["per_add"]):
            total = each["per_add"] ** 2 * error + gap_value**2 * each["per_add_error"] ** 2
            cost = _plain(gap_value * each["per_add"], total, z)
    return Rule(
        source=source,
        orders=placed,
        share=share,
        wanted=wanted,
        by_rule=by_rule,
        by_data=by_data,
        difference=gap,
        cost_cny=cost,
        factors=factors,
        costs=costs,
        n_orders=int(orders.days["orders"].sum()) if orders.first else 0,
        n_users=int(orders.users["n"].sum()) if orders.first else 0,
    )


def tabulate_factors(adds: Adds, *, level: float) -> pd.DataFrame:
    """Give the recruits per member kept, by touchpoint and of all (see `Rule.factors`)."""
    each = bonferroni_level(level, max(len(adds.touchpoints), 1))
    alone, joint = kept_shares(adds, level=level), kept_shares(adds, level=each)
    rows = pd.concat([joint.iloc[:-1], alone.iloc[-1:]], ignore_index=True)
    shares = rows[["mature_share", "mature_upper", "mature_lower"]].to_numpy(dtype=np.float64)
    with np.errstate(divide="ignore"):
        factors = np.where(shares > 0, 1 / shares, np.nan)
    found = rows[["touchpoint", "added", "mature", "kept"]].assign(
        factor=factors[:, 0], ci_lower=factors[:, 1], ci_upper=factors[:, 2]
    )
    # Where nobody may have stayed, nothing bounds the factor.
    unbounded = found["ci_upper"].isna()
    found.loc[unbounded, ["factor", "ci_lower"]] = np.nan
    found["verdict"] = np.select(
        [found["factor"].isna(), found["ci_lower"] > FACTOR, found["ci_upper"] < FACTOR],
        ["", "above", "below"],
        "unclear",
    )
    return found


def _share(orders: Orders, *, level: float) -> tuple[Number, float]:
    """Give the share of orders by existing members, and its squared error on the logarithm."""
    if orders.first is None:
        return Number(), np.nan
    n, placed, own = (orders.users[name].to_numpy(float) for name in ("n", "orders", "existing"))
    found = clustered_share(
        count=n @ own,
        n=n @ placed,
        clusters=n.sum(),
        count_squared=n @ own**2,
        n_squared=n @ placed**2,
        both=n @ (own * placed),
        level=level,
    )
    value, lower, upper = (float(end) for end in (found.share, found.ci_lower, found.ci_upper))
    error = float(found.error)
    if value == 1:
        # Few users all of whose orders are by existing members are no certainty.
        alike = np.floor(effective_clusters(np.repeat(placed, n.astype(np.int64))))
        lower = float(wilson(alike, alike, level=level)[0])
        error = (1 - lower) / normal_quantile(level)
    number = Number(value=value, ci_lower=lower, ci_upper=upper)
    return number, (error / value) ** 2 if value > 0 else np.nan


def _wanted(
    adds: Adds, orders: Orders, share: Number, of_share: float, *, level: float
) -> tuple[Number, Source, Number, float]:
    """Give orders wanted, where they come from, new members wanted, and their squared error."""
    asked = adds.definition
    placed = Number()
    if orders.first is not None:
        placed = _scaled(*_counted(orders, "orders"), level)
    if asked.target_orders is not None:
        placed = _given(asked.target_orders)
    if asked.target_members is not None:
        return placed, "members", _given(asked.target_members), 0.0
    if not share.known or not share.value > 0:
        return placed, "", Number(), np.nan
    if asked.target_orders is not None:
        wanted = _scaled(placed.value * share.value, of_share, level)
        return placed, "orders", wanted, of_share
    # Orders x share of orders by existing members: the orders of existing members.
    value, variance = _counted(orders, "existing")
    return placed, "last", _scaled(value, variance, level), variance


def _counted(orders: Orders, name: str) -> tuple[float, float]:
    """Give a count of orders, and its squared error on the logarithm, as of so many days again.

    By users, who order several times, or by days, whose orders come together: the larger one.
    """
    total = float(orders.days[name].sum())
    if total <= 0:
        return total, np.nan
    by_user = float((orders.users["n"] * orders.users[name] ** 2).sum())
    days = orders.days[name].to_numpy(dtype=np.float64)
    by_day = float(len(days) * days.var(ddof=1)) if len(days) > 1 else 0.0
    return total, max(by_user, by_day) / total**2


def _given(value: float) -> Number:
    return Number(value=float(value), ci_lower=float(value), ci_upper=float(value))


def _scaled(value: float, variance: float, level: float) -> Number:
    """Give a positive number with the interval of its logarithm."""
    if not np.isfinite(value) or not np.isfinite(variance):
        return Number()
    lower, upper = positive_range(value, variance * value**2, level=level)
    return Number(value=float(value), ci_lower=float(lower), ci_upper=float(upper))


def _plain(value: float, variance: float, z: float) -> Number:
    half = z * float(np.sqrt(variance))
    return Number(value=float(value), ci_lower=float(value - half), ci_upper=float(value + half))
