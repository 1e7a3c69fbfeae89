"""Reduce members to how fast each lure brought them, how long they stayed, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data import Source
from siyu.data.zones import elapsed_us
from siyu.phrases import phrase
from siyu.studies.naming import SMALL, UNKNOWN, large, lumped
from siyu.studies.retention.definition import RetentionError
from siyu.studies.retention.measure import find_members

_HOUR_US, _MINUTE_US = 3_600_000_000, 60_000_000
_COUPON = "coupon"
"""The lure that costs nothing until it is redeemed."""


@dataclass(frozen=True, kw_only=True)
class Lures:
    """Members added from `first` to `as_of`, by lure; small lures share a name.

    stays: per `lure`, whole `hours` from the addition to the end of what is known, and `outcome`
        (1 left, 0 still there): `n` members.
    joins: per lure and `minutes` within which, to the minute, the addition came after the last
        event `start`: `n` members who have one.
    costs: per lure, `n` members whose cost is known, `total` and `squares` of it, in yuan.
    refused: why there is nothing; "" where there is something.
    """

    source: str
    first: date
    as_of: date
    start: str
    min_users: int
    stays: pd.DataFrame
    joins: pd.DataFrame
    costs: pd.DataFrame
    refused: str = ""


def measure(
    pool: Source, *, period_days: int, start: str = "scan", cost_days: int = 30, min_users: int = 30
) -> Lures:
    """Measure lures on both axes, speed of joining and length of stay, and their price.

    The cost of a lure that falls at once is `cost_cny` of members whom an experiment put into an
    arm named as their lure. A coupon costs when redeemed: of members with the lure "coupon" the
    `coupon_cny` of the first order counts, where it is paid within cost_days of the addition; only
    those count who were followed so long.

    Args:
        pool: the source, masked at its `as_of`.
        period_days: members count who were added in these days, up to and including `as_of`.
        start: the event from which joining is timed; where the log has none, speed is unknown.
        cost_days: days in which a redeemed coupon counts, at least 1.
        min_users: smallest group that is shown.

    Raises:
        RetentionError: a number out of range, or `users` has no times of addition.
    """
    for name, value in (
        ("period_days", period_days),
        ("cost_days", cost_days),
        ("min_users", min_users),
    ):
        if value < 1:
            raise RetentionError(f"{name} = {value} must be at least 1")
    first = pool.as_of - timedelta(days=period_days - 1)
    members = _members(pool, first)
    if members is None:
        refused = phrase("retention.lure.no_column")
        stays = joins = costs = pd.DataFrame({"lure": []})
    else:
        members = members.cache()
        stays = _counted(members, ["lure", "hours", "outcome"])
        joins = _joins(pool, members, start)
        costs = _costs(pool, members, cost_days)
        shown = large(stays.groupby("lure")[["n"]].sum(), min_users=min_users)
        stays, joins, costs = (
            table.assign(lure=lumped(table["lure"], shown)) for table in (stays, joins, costs)
        )
        refused = "" if len(stays) else phrase("retention.nobody", first=first, last=pool.as_of)
    return Lures(
        source=pool.name,
        first=first,
        as_of=pool.as_of,
        start=start,
        min_users=min_users,
        stays=stays,
        joins=joins,
        costs=costs[costs["lure"] != SMALL],
        refused=refused,
    )


def _members(pool: Source, first: date) -> ir.Table | None:
    users = find_members(pool)
    if "lure" not in users.columns:
        return None
    end = ibis.literal(pool.as_of_end, type=users.added_at.type())
    hours = elapsed_us(users.added_at, users.left_at.fill_null(end)) // _HOUR_US
    users = users.filter(pool.day(users.added_at) >= first)
    return users.select(
        "user_id",
        "added_at",
        lure=users.lure.fill_null(UNKNOWN),
        hours=ibis.greatest(hours, 0),
        outcome=users.left_at.notnull().cast("int64"),
    )


def _joins(pool: Source, members: ir.Table, start: str) -> pd.DataFrame:
    if not pool.has("events"):
        return pd.DataFrame({"lure": [], "minutes": [], "n": []})
    events = pool.table("events")
    starts = events.filter(events.event == start).select("user_id", at="occurred_at")
    both = members.select("user_id", "lure", "added_at").join(starts, "user_id")
    both = both.filter(both.at <= both.added_at)
    last = both.group_by(["user_id", "lure", "added_at"]).agg(at=both.at.max())
    waited = elapsed_us(last.at, last.added_at) // _MINUTE_US + 1
    return _counted(last.select("user_id", "lure", minutes=waited), ["lure", "minutes"])


def _costs(pool: Source, members: ir.Table, cost_days: int) -> pd.DataFrame:
    parts = []
    if pool.has("assignments") and "cost_cny" in pool.table("assignments").columns:
        drawn = pool.table("assignments")
        drawn = drawn.filter(drawn.cost_cny.notnull())
        # Who was drawn twice for a lure was given it once.
        cost = drawn.cost_cny.cast("float64")
        drawn = drawn.group_by("user_id", lure="arm").agg(
            cost=cost.first(order_by=[drawn.assigned_at, cost])
        )
        at_once = members.filter(members.lure != _COUPON).select("user_id", "lure")
        parts.append(at_once.join(drawn, ["user_id", "lure"]).select("lure", "cost"))
    if pool.has("orders") and "coupon_cny" in pool.table("orders").columns:
        orders = pool.table("orders")
        coupon = orders.coupon_cny.cast("float64").fill_null(0.0)
        orders = orders.select("user_id", "paid_at", coupon=coupon)
        orders = members.select("user_id", "added_at").join(orders, "user_id")
        orders = orders.filter(orders.paid_at >= orders.added_at)
        orders = orders.group_by(buyer_id="user_id").agg(
            paid_at=orders.paid_at.min(),
            coupon=orders.coupon.first(order_by=[orders.paid_at, orders.coupon]),
        )
        end = ibis.literal(pool.as_of_end, type=members.added_at.type())
        span = 24 * cost_days * _HOUR_US
        followed = elapsed_us(members.added_at, end) >= span
        given = members.filter((members.lure == _COUPON) & followed)
        given = given.left_join(orders, given.user_id == orders.buyer_id)
        redeemed = elapsed_us(given.added_at, given.paid_at) <= span
        spent = ibis.ifelse(redeemed, given.coupon, 0.0).fill_null(0.0)
        parts.append(given.select("lure", cost=spent))
    if not parts:
        return pd.DataFrame({"lure": [], "n": [], "total": [], "squares": []})
    costs = ibis.union(*parts) if len(parts) > 1 else parts[0]
    found: pd.DataFrame = (
        costs.group_by("lure")
        .agg(n=costs.count(), total=costs.cost.sum(), squares=(costs.cost**2).sum())
        .to_pandas()
    )
    # Sums of fractions depend on the order of threads: back to whole fen, and their squares.
    found = found.round({"total": 2, "squares": 4})
    return found.sort_values("lure", ignore_index=True)


def _counted(table: ir.Table, columns: list[str]) -> pd.DataFrame:
    found: pd.DataFrame = table.group_by(columns).agg(n=table.count()).to_pandas()
    return found.sort_values(columns, ignore_index=True)
