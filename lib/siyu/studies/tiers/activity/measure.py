"""Reduce orders to what the members of each tier bought in two windows alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.studies.rounds import begin_of, find_earlier
from siyu.studies.tiers.members import Members

WINDOW_DAYS = 28
"""Each weekday comes equally often in it."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What members bought in the last 28 days, and in 28 days before.

    starts: the first days of the windows, the earlier one first; it is None where its 28 days, or a
        review before them, were not observed. after_days: days from the review by which a window's
        members are known to its beginning, the same in both; None where members are not reviewed on
        common days.
    members: users by `tier_before` and `tier` (index into `tiers`, at the beginning of either
        window; -1: no member then), `days_before` and `days` (on which they bought): `n`.
    margins: per `tier` at the beginning of the last window: `buyers` in it, the sum of the
        `margin` each brought, and of its square, `squared`.
    """

    source: str
    as_of: date
    min_users: int
    tiers: tuple[str, ...]
    has_orders: bool
    has_margin: bool
    starts: tuple[date | None, date]
    after_days: int | None
    members: pd.DataFrame
    margins: pd.DataFrame


def measure(members: Members) -> Measures:
    """Measure what the members of each tier bought in two windows of 28 days.

    Members of a window are those whom the last review before its beginning put into a tier and who
    had not left by then; whoever leaves in it stays one. The earlier window is as long after a
    review as the last one (see `find_earlier`).

    Args:
        members: from `find_members`; without reviews or orders nothing can be told.
    """
    start = members.as_of - (WINDOW_DAYS - 1) * _DAY
    before, after_days = find_earlier(
        members.rounds if members.tiers else None,
        start,
        window_days=WINDOW_DAYS,
        timezone=members.pool.timezone,
        begins=members.begins,
    )
    tables: tuple[pd.DataFrame, pd.DataFrame] = (pd.DataFrame(), pd.DataFrame())
    if members.has_orders and members.tiers:
        tables = _tables(members, before, start)
    return Measures(
        source=members.source,
        as_of=members.as_of,
        min_users=members.min_users,
        tiers=members.tiers,
        has_orders=members.has_orders,
        has_margin=members.has_margin,
        starts=(before, start),
        after_days=after_days,
        members=tables[0],
        margins=tables[1],
    )


def _tables(
    members: Members, before: date | None, start: date
) -> tuple[pd.DataFrame, pd.DataFrame]:
    now = _window(members, start)
    if before is None:
        both = now.select(tier_before=-1, tier="tier", days_before=0, days="days")
    else:
        then = _window(members, before)
        then = then.select(then_number="number", tier_before="tier", days_before="days")
        both = now.outer_join(then, now.number == then.then_number)
    columns = {"tier_before": -1, "tier": -1, "days_before": 0, "days": 0}
    both = both.select(
        **{name: both[name].cast("int64").fill_null(none) for name, none in columns.items()}
    )
    counts = both.group_by([*columns]).agg(n=both.count()).to_pandas()
    bought = now.filter(now.days > 0)
    margins = bought.group_by("tier").agg(
        buyers=bought.count(),
        margin=bought.earned_cny.sum(),
        squared=(bought.earned_cny * bought.earned_cny).sum(),
    )
    return (
        counts.sort_values([*columns], ignore_index=True),
        # Sums of yuan and fen, whatever the order in which the engine added them.
        margins.to_pandas().sort_values("tier", ignore_index=True).round(6),
    )


def _window(members: Members, start: date) -> ir.Table:
    """Give the members at the beginning of a window: tier, days on which they bought, margin."""
    orders = members.orders
    inside = orders.filter(
        (orders.on >= ibis.literal(start)) & (orders.on < ibis.literal(start + WINDOW_DAYS * _DAY))
    )
    sums = inside.group_by(buyer="number").agg(
        days=inside.on.nunique(), earned_cny=inside.earned_cny.sum()
    )
    held = members.tier_at(begin_of(start, members.pool.timezone))
    found = held.left_join(sums, held.number == sums.buyer)
    return found.select("number", "tier", "earned_cny", days=found.days.fill_null(0))
