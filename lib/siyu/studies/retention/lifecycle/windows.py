"""Count how active the members of tiers are in two windows that stand alike towards a review."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data import Source
from siyu.data.zones import start_of_day, without_zone
from siyu.studies.naming import name_of
from siyu.studies.retention.lifecycle.measures import WINDOW_DAYS, Starts
from siyu.studies.rounds import begin_of, find_earlier, find_rounds

_COLUMNS = ("tier_before", "active_before", "tier", "weeks_active")
_THREE_WEEKS = timedelta(days=WINDOW_DAYS - 7)


def find_starts(pool: Source, shown: Sequence[date]) -> tuple[Starts, int | None]:
    """Choose the first days of both windows: the last four weeks, and 28 days alike before."""
    begins = pool.observed_from.astimezone(ZoneInfo(pool.timezone)).date()
    if start_of_day(begins, ZoneInfo(pool.timezone)) < pool.observed_from:
        begins += timedelta(days=1)
    if not shown or shown[-1] - _THREE_WEEKS < begins:
        return (None, None), None
    start = shown[-1] - _THREE_WEEKS
    reviews = pool.table("tiers")
    reviews = reviews.select(since=without_zone(reviews.since), on=pool.day(reviews.since))
    zone = pool.timezone
    rounds = find_rounds(reviews, timezone=zone, begins=begins, as_of=pool.as_of)
    before, after_days = find_earlier(
        rounds, start, window_days=WINDOW_DAYS, timezone=zone, begins=begins
    )
    return (before, start), after_days


def rank_tiers(pool: Source) -> tuple[str, ...]:
    """Give the tiers, the lowest first: by the spend on which they were set, where that tells.

    Else the one with most reviews first: in most pools many are low and few high.
    """
    reviews = pool.table("tiers")
    known = "basis_cny" in reviews.columns
    basis = reviews.basis_cny.cast("float64") if known else ibis.null("float64")
    each = reviews.select("tier", basis=basis).group_by("tier")
    found = each.agg(n=ibis._.count(), basis=ibis._.basis.median()).to_pandas()
    tells = found["basis"].notna().all() and not found["basis"].duplicated().any()
    order = found["basis"] if tells else -found["n"]
    found = found.assign(order=order).sort_values(["order", "tier"])
    return tuple(name_tier(tier) for tier in found["tier"])


def count_windows(pool: Source, users: ir.Table, back: ir.Table, starts: Starts) -> pd.DataFrame:
    """Count users by what they were and did in the last four weeks, and in the window before."""
    before, start = starts
    if start is None:
        return pd.DataFrame(columns=[*_COLUMNS, "n"])
    now = _window(pool, users, back, start)
    if before is None:
        both = now.select(
            tier_before=ibis.null("string"), active_before=0, tier="tier", weeks_active="weeks"
        )
    else:
        then = _window(pool, users, back, before)
        then = then.select(
            then_id="user_id", tier_before="tier", active_before=(then.weeks > 0).cast("int64")
        )
        both = now.outer_join(then, now.user_id == then.then_id)
        both = both.select(
            "tier_before",
            "tier",
            active_before=both.active_before.fill_null(0),
            weeks_active=both.weeks.fill_null(0),
        )
    found = count_by(both, _COLUMNS)
    for column in ("tier_before", "tier"):
        names = [None if pd.isna(one) else name_tier(one) for one in found[column]]
        found[column] = pd.Series(names, dtype="object")
    return found


def _window(pool: Source, users: ir.Table, back: ir.Table, start: date) -> ir.Table:
    """Give the members at the beginning of a window, and in how many of its weeks each came back.

    Whoever has left by its end is not active in it.
    """
    end = start + timedelta(days=WINDOW_DAYS)
    begun, over = (ibis.literal(begin_of(day, pool.timezone)) for day in (start, end))
    reviews = pool.table("tiers")
    reviews = reviews.filter(without_zone(reviews.since) <= begun)
    held = reviews.group_by("user_id").agg(tier=reviews.tier.argmax(reviews.since))
    added_at, left_at = without_zone(users.added_at), without_zone(users.left_at)
    there = users.filter((added_at < begun) & (left_at >= begun).fill_null(True))
    there = there.select("user_id", stays=(without_zone(there.left_at) >= over).fill_null(True))
    days = back.select("user_id", day=pool.day(back.occurred_at))
    days = days.filter((days.day >= ibis.literal(start)) & (days.day < ibis.literal(end)))
    weeks = days.day.delta(ibis.literal(start), unit="day") // 7
    came = days.group_by(came_id="user_id").agg(weeks=weeks.nunique())
    members = held.join(there, "user_id")
    both = members.left_join(came, members.user_id == came.came_id)
    return both.select("user_id", "tier", weeks=ibis.ifelse(both.stays, both.weeks.fill_null(0), 0))


def name_tier(tier: object) -> str:
    """Name a tier so that it is none of our own names."""
    return name_of(["tier"], [str(tier)])


def count_by(table: ir.Table, columns: Sequence[str]) -> pd.DataFrame:
    """Count rows by the columns, in their order."""
    counts: pd.DataFrame = table.group_by(list(columns)).agg(n=table.count()).to_pandas()
    return counts.sort_values(list(columns), ignore_index=True)
