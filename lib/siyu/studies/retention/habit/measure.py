"""Reduce a pool to how soon buyers buy again, and how far apart the active days of users lie."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data import Source
from siyu.phrases import phrase
from siyu.studies.breakdown import find_parted, resolve
from siyu.studies.naming import names_of, segmented
from siyu.studies.orders import shape_orders
from siyu.studies.retention.definition import Definition, RetentionError
from siyu.studies.retention.habit.measures import Gaps, Purchases
from siyu.studies.retention.measure import find_members, find_returns


def measure_purchases(
    pool: Source,
    *,
    period_days: int,
    repeat_days: int = 90,
    by: Sequence[str] = (),
    min_users: int = 30,
) -> Purchases:
    """Measure who buys again, and when.

    Orders of one user on one business day are one purchase, as Fader and Hardie merge them, and a
    fully refunded order is none. The first order is the first in the log, and the second that of
    the next day with one. An order after leaving is none of the pool's: leaving came first. Whoever
    had left before the first order is not counted.

    Args:
        pool: the source, masked at its `as_of`.
        period_days: users count whose first order lies in these days, up to and including `as_of`;
            at least 1.
        repeat_days: days after that of the first order in which a second one counts, at least 1.
        by: columns of `users` to tell segments apart, as known at the first order.
        min_users: smallest segment that is told apart, at least 1.

    Returns:
        The reduced tables; without the table `orders`, empty ones that say so.

    Raises:
        RetentionError: a number below 1.

    Source: Fader, Hardie, Lee (2005), Marketing Science 24 (orders of one day are one purchase).
    """
    first = _first_day(pool, period_days, min_users=min_users, repeat_days=repeat_days)
    about: dict[str, Any] = {
        "source": pool.name,
        "first": first,
        "as_of": pool.as_of,
        "observed_from": pool.observed_from.astimezone(ZoneInfo(pool.timezone)).date(),
        "repeat_days": repeat_days,
        "min_users": min_users,
    }
    if not pool.has("orders"):
        none = pd.DataFrame(columns=["segment", "seen", "time", "outcome", "n"])
        return Purchases(**about, segments={}, buyers=none, has_orders=False)
    orders = shape_orders(pool)
    kept = orders.filter(~orders.is_refunded)
    days = kept.group_by("user_id", "on").agg(at=kept.paid_at.min()).cache()
    refunded = orders.is_refunded.cast("int64").sum()
    total = orders.agg(n=orders.count(), refunded=refunded).to_pandas()
    n_orders, n_refunded = (int(x) if pd.notna(x) else 0 for x in total.iloc[0])
    buyers = _follow(pool, _first_two(days), repeat_days).filter(lambda t: t.first_on >= first)
    breakdown = resolve(pool, by, from_events=False)
    breakdown = breakdown.without(breakdown.learnt_later(buyers))
    buyers = breakdown.attach(buyers).cache()
    parted = find_parted(_count(buyers, [*breakdown.columns, "outcome"]), breakdown)
    breakdown = breakdown.without(
        {name: phrase("retention.repeat.leak", column=name) for name in parted}
    )
    counted = _count(buyers, [*breakdown.columns, "seen", "time", "outcome"])
    sizes = pd.DataFrame(
        {"n": counted["n"], "mature": counted["n"].where(counted["seen"] >= repeat_days, 0)}
    )
    sizes = sizes.groupby(names_of(counted, breakdown.by)).sum()
    named, segments = segmented({"buyers": counted}, breakdown.by, sizes, min_users=min_users)
    return Purchases(
        **about,
        by=breakdown.by,
        refused=breakdown.refused,
        segments=segments,
        buyers=named["buyers"],
        n_orders=n_orders,
        n_refunded=n_refunded,
        n_merged=n_orders - n_refunded - int(days.count().to_pyarrow().as_py()),
        has_refunds="refunded_cny" in pool.table("orders").columns,
    )


def measure_gaps(
    pool: Source, definition: Definition, *, period_days: int, min_users: int = 30
) -> Gaps:
    """Measure how far apart the active days of each user lie.

    Args:
        pool: the source, masked at its `as_of`.
        definition: its return events are what makes a day active.
        period_days: active days count of these days, up to and including `as_of`; at least 1.
        min_users: fewest users of whom a number is given, at least 1.

    Returns:
        The reduced tables; without a return event, or events, empty ones that say so.

    Raises:
        RetentionError: `users` has no times of addition, an event the log has never seen, a number
            below 1.

    Of an even number of gaps the median is the mean of the two in the middle.
    """
    first = _first_day(pool, period_days, min_users=min_users)
    about: dict[str, Any] = {
        "definition": definition,
        "source": pool.name,
        "first": first,
        "as_of": pool.as_of,
    }
    if not definition.return_events or not pool.has("events"):
        return Gaps(
            **about,
            min_users=min_users,
            medians=pd.DataFrame(columns=["gap_days", "n"]),
            following=pd.DataFrame(columns=["time", "outcome", "n"]),
            has_returns=False,
        )
    members = find_members(pool).select("user_id", "added_at", "left_at")
    members = members.filter(
        members.left_at.isnull() | (pool.day(members.left_at) >= ibis.literal(first))
    )
    back = members.join(find_returns(pool, definition), "user_id")
    back = back.filter(back.at >= back.added_at)
    back = back.select("user_id", "left_at", on=pool.day(back.at))
    days = back.filter(back.on >= first).distinct()
    in_turn = ibis.window(group_by="user_id", order_by="on")
    days = days.mutate(place=ibis.row_number().over(in_turn), next_on=days.on.lead().over(in_turn))
    days = days.mutate(gap=days.next_on.delta(days.on, unit="day")).cache()
    begun = days.filter(days.place == 0)
    active, returned = (
        int(table.count().to_pyarrow().as_py())
        for table in (begun, begun.filter(begun.next_on.notnull()))
    )
    n_members = int(members.count().to_pyarrow().as_py())
    return Gaps(
        **about,
        min_users=min_users,
        medians=_count(_medians(days.filter(days.next_on.notnull())), ["gap_days"]),
        following=_count(_first_gap(pool, begun), ["time", "outcome"]),
        n_none=n_members - active,
        n_one=active - returned,
    )


def _first_two(days: ir.Table) -> ir.Table:
    """Give each buyer's first two days with an order, and the first order of each."""
    in_turn = ibis.window(group_by="user_id", order_by="on")
    ranked = days.mutate(
        place=ibis.row_number().over(in_turn),
        second_on=days.on.lead().over(in_turn),
        second_at=days.at.lead().over(in_turn),
    )
    return ranked.filter(ranked.place == 0).select(
        "user_id", "second_on", "second_at", first_on="on", reached_1_at="at"
    )


def _follow(pool: Source, buyers: ir.Table, repeat_days: int) -> ir.Table:
    """Say of each buyer, if still there, what came first: a second order, leaving or neither."""
    buyers = _with_left(pool, buyers)
    buyers = buyers.filter(buyers.left_at.isnull() | (buyers.left_at >= buyers.reached_1_at))
    again = buyers.second_at.notnull() & (
        buyers.left_at.isnull() | (buyers.second_at <= buyers.left_at)
    )
    end = ibis.literal(pool.as_of)
    until = ibis.ifelse(again, buyers.second_on, pool.day(buyers.left_at).fill_null(end))
    time, seen = (last.delta(buyers.first_on, unit="day") for last in (until, end))
    outcome = ibis.cases((again, 1), (buyers.left_at.notnull(), 2), else_=0)
    return buyers.select(
        "user_id",
        "reached_1_at",
        "first_on",
        seen=ibis.least(seen, repeat_days),
        time=ibis.least(time, repeat_days),
        outcome=ibis.ifelse(time <= repeat_days, outcome, 0).cast("int64"),
    )


def _with_left(pool: Source, buyers: ir.Table) -> ir.Table:
    """Add when each buyer left; null where nothing is known of it."""
    if not pool.has("users") or "left_at" not in pool.table("users").columns:
        return buyers.mutate(left_at=ibis.null(buyers.reached_1_at.type()))
    left = pool.table("users").select("left_at", left_id="user_id")
    return buyers.left_join(left, buyers.user_id == left.left_id).drop("left_id")


def _medians(gaps: ir.Table) -> ir.Table:
    """Give the median of each user's gaps: the mean of the one or two in the middle."""
    own = ibis.window(group_by="user_id", order_by="gap")
    ranked = gaps.mutate(
        place=ibis.row_number().over(own),
        n_gaps=gaps.count().over(ibis.window(group_by="user_id")),
    )
    # Places count from 0: of five the middle is 2, of four 1 and 2.
    middle = ranked.filter((2 * ranked.place - (ranked.n_gaps - 1)).abs() <= 1)
    return middle.group_by("user_id").agg(gap_days=middle.gap.mean())


def _first_gap(pool: Source, begun: ir.Table) -> ir.Table:
    """Say what came after each user's first active day: the next one, leaving, or neither."""
    end = ibis.literal(pool.as_of)
    until = ibis.coalesce(begun.next_on, pool.day(begun.left_at), end)
    # Who was active after leaving and never again had left at once.
    time = ibis.greatest(until.delta(begun.on, unit="day"), 0)
    outcome = ibis.cases((begun.next_on.notnull(), 1), (begun.left_at.notnull(), 2), else_=0)
    return begun.select("user_id", time=time, outcome=outcome.cast("int64"))


def _first_day(pool: Source, period_days: int, **others: int) -> date:
    for name, value in {"period_days": period_days, **others}.items():
        if value < 1:
            raise RetentionError(f"{name} = {value} must be at least 1")
    return pool.as_of - timedelta(days=period_days - 1)


def _count(users: ir.Table, columns: Sequence[str]) -> pd.DataFrame:
    counts: pd.DataFrame = users.group_by(list(columns)).agg(n=users.count()).to_pandas()
    return counts.sort_values(list(columns), ignore_index=True)
