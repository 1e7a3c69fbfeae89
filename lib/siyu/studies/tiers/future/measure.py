"""Reduce purchases to what forecasts of them need: how often, how lately, for how long followed.

A purchase is all that a member buys on one business day (or in one hour, where that is asked for).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data.zones import count_us
from siyu.studies.tiers.definition import TierError
from siyu.studies.tiers.members import Members

Unit = Literal["day", "hour"]
NO_TIER = -1
"""Of buyers who were not reviewed yet."""
WEEK_DAYS = 7
_HOUR_US = 3_600_000_000
_EPOCH = date(1970, 1, 1)
_KEYS = ("tier", "repeats", "last_days", "followed_days", "gone", "spent_cny")
_SUMS = ("recent", "recent_left", "recent_days", "later", "later_cny")


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Buyers by what they bought, as known at two moments: at `as_of`, and `holdout_days` before.

    now, before: one row per `tier` (index into `tiers` of the last review by then; NO_TIER),
        `repeats` (purchases after the first), `last_days` (from the first to the last of them),
        `followed_days` (from the first to then, or to the day of leaving), `gone` (1: has left and
        bought nothing since) and `spent_cny` (on repeats, in whole fen): `n` buyers, and summed
        over them `recent` (repeats in the `horizon_days` before then), `recent_left` (who left in
        these), `recent_days` (how many of these they were there as buyers), and, of `before`,
        `later` (purchases since) and `later_cny` (what was paid for them).
    weeks: one row per `week` of the hold-out (from 1), with the purchases of those buyers, `later`.
    margins: one row per `tier` at `as_of`: `amount_cny` and `earned_cny` summed over buyers, and
        their squares and products summed over buyers, `amount2`, `both` and `earned2`.
    merged: orders that fell into a purchase with another. n_earlier: buyers added before the log
    begins, or nobody knows when: their first purchase may lie before what is seen.
    """

    source: str
    first: date
    as_of: date
    horizon_days: int
    holdout_days: int
    min_users: int
    tiers: tuple[str, ...]
    unit: Unit
    has_margin: bool
    has_leaving: bool
    now: pd.DataFrame
    before: pd.DataFrame
    weeks: pd.DataFrame
    margins: pd.DataFrame
    orders: int
    merged: int
    n_earlier: int

    @property
    def tested_from(self) -> date:
        """The last day that was known to the forecast that is tested."""
        return self.as_of - timedelta(days=self.holdout_days)


def measure(
    members: Members, *, horizon_days: int = 56, holdout_days: int = 56, unit: Unit = "day"
) -> Measures:
    """Measure how often and how lately buyers bought, and for how long they are followed.

    Args:
        members: the pool; all its orders count, however long ago, since a first purchase must not
            be taken for one because it is the first of a period.
        horizon_days: how far ahead is forecast, at least 1.
        holdout_days: how long before `as_of` the tested forecast is made; whole weeks.
        unit: what is bought within one "day" (of the business) or "hour" is one purchase.

    Raises:
        TierError: a number out of range.
    """
    if horizon_days < 1:
        raise TierError(f"horizon_days = {horizon_days} must be at least 1; use 56")
    if holdout_days < WEEK_DAYS or holdout_days % WEEK_DAYS:
        nearest = WEEK_DAYS * max(1, round(holdout_days / WEEK_DAYS))
        raise TierError(f"holdout_days = {holdout_days} must be whole weeks of 7; use {nearest}")
    clock = _Clock(members, unit)
    bought = clock.purchases.cache()
    cut = clock.end - holdout_days * clock.per_day
    span = horizon_days * clock.per_day
    followed = _follow(clock, bought, clock.end, span).cache()
    before = _follow(clock, bought, cut, span)
    counts = bought.agg(orders=bought.orders.sum(), purchases=bought.count()).to_pandas().iloc[0]
    orders = int(counts["orders"]) if counts["purchases"] else 0
    return Measures(
        source=members.source,
        first=members.begins,
        as_of=members.as_of,
        horizon_days=horizon_days,
        holdout_days=holdout_days,
        min_users=members.min_users,
        tiers=members.tiers,
        unit=unit,
        has_margin=members.has_margin,
        has_leaving=bool(members.users.left_at.notnull().any().to_pandas()),
        now=_counted(followed, clock),
        before=_counted(before, clock),
        weeks=_by_week(clock, bought, cut, holdout_days // WEEK_DAYS),
        margins=_margins(followed),
        orders=orders,
        merged=orders - int(counts["purchases"]),
        n_earlier=int(followed.is_earlier.sum().fill_null(0).to_pandas()),
    )


class _Clock:
    """Days, or hours, since 1970; `end` is the last of them that counts as followed."""

    def __init__(self, members: Members, unit: Unit) -> None:
        if unit not in ("day", "hour"):
            raise TierError(f"unit = {unit!r} must be 'day' or 'hour'")
        self.members, self.by_day = members, unit == "day"
        self.per_day = 1 if self.by_day else 24
        if self.by_day:
            self.end = (members.as_of - _EPOCH).days
        else:
            self.end = int(members.pool.as_of_end.timestamp()) // 3600

    def day(self, on: ir.DateValue) -> ir.IntegerValue:
        """Count the days to a business day."""
        return on.delta(ibis.literal(_EPOCH), unit="day").cast("int64")

    def unit(self, at: ir.TimestampValue, on: ir.DateValue) -> ir.IntegerValue:
        """Count the units to an instant (UTC without a zone) on a business day."""
        return self.day(on) if self.by_day else (count_us(at) // _HOUR_US).cast("int64")

    @property
    def purchases(self) -> ir.Table:
        """One row per buyer (`number`) and unit in which they bought (`at`)."""
        orders = self.members.orders
        orders = orders.mutate(at=self.unit(orders.paid_at, orders.on))
        return orders.group_by("number", "at").agg(
            amount_cny=orders.amount_cny.sum(),
            earned_cny=orders.earned_cny.sum(),
            orders=orders.count(),
        )

    @property
    def users(self) -> ir.Table:
        """Of each user: `left` (unit of leaving), and whether they were added before the log."""
        users, pool = self.members.users, self.members.pool
        known = users.added_at.notnull() & (
            pool.day(users.added_at) >= ibis.literal(self.members.begins)
        )
        return users.select(
            "number",
            left=self.unit(users.left_at, pool.day(users.left_at)),
            is_earlier=~known,
        )

    def tiers(self, cut: int) -> ir.Table:
        """The tier of each user's last review by then; of two at once, the higher."""
        reviews = self.members.reviews
        reviews = reviews.filter(self.unit(reviews.since, reviews.on) <= cut)
        last = reviews.group_by("number").agg(since=reviews.since.max())
        held = reviews.join(last, ["number", "since"])
        return held.group_by("number").agg(tier=held.tier.max().cast("int64"))


def _follow(clock: _Clock, bought: ir.Table, cut: int, span: int) -> ir.Table:
    """One row per buyer known at a moment, with what was known then and what came after."""
    known = bought.at <= cut
    first = bought.filter(known).group_by("number").agg(first=bought.at.min())
    bought = bought.join(first, "number")
    known, again = bought.at <= cut, bought.at > bought.first
    lately = known & again & (bought.at > cut - span)
    found = bought.group_by("number", "first").agg(
        repeats=bought.at.count(where=known & again),
        last=bought.at.max(where=known),
        spent_cny=bought.amount_cny.sum(where=known & again).fill_null(0.0).round(2),
        recent=bought.at.count(where=lately),
        later=bought.at.count(where=~known),
        later_cny=bought.amount_cny.sum(where=~known).fill_null(0.0),
        **_products(bought, known),
    )
    found = found.join(clock.users, "number")
    gone = (found.left.notnull() & (found.left <= cut) & (found.left >= found["last"])).fill_null(
        False
    )
    found = found.mutate(gone=gone.cast("int64"), until=ibis.ifelse(gone, found.left, cut))
    if clock.members.tiers:
        found = found.left_join(clock.tiers(cut), "number").drop("number_right")
        found = found.mutate(tier=found.tier.fill_null(NO_TIER))
    else:
        found = found.mutate(tier=ibis.literal(NO_TIER, type="int64"))
    begins = ibis.greatest(found.first, cut - span)
    return found.mutate(
        last_units=found["last"] - found.first,
        followed_units=found.until - found.first,
        recent_left=(found.gone == 1) & (found.until > cut - span),
        recent_units=ibis.greatest(found.until - begins, 0),
    )


def _products(bought: ir.Table, known: ir.BooleanValue) -> dict[str, ir.Value]:
    """What each buyer paid and brought up to a moment, first purchases included."""
    return {
        "amount_cny": bought.amount_cny.sum(where=known),
        "earned_cny": bought.earned_cny.sum(where=known),
    }


def _counted(followed: ir.Table, clock: _Clock) -> pd.DataFrame:
    """Group buyers who are alike."""
    grouped = followed.group_by(
        "tier", "repeats", "last_units", "followed_units", "gone", "spent_cny"
    ).agg(
        n=followed.count(),
        recent=followed.recent.sum(),
        recent_left=followed.recent_left.cast("int64").sum(),
        recent_units=followed.recent_units.sum(),
        later=followed.later.sum(),
        later_cny=followed.later_cny.sum(),
    )
    table: pd.DataFrame = grouped.to_pandas().round({"later_cny": 2})
    for name in ("last", "followed", "recent"):
        table[f"{name}_days"] = table[f"{name}_units"] / clock.per_day
    table = table[[*_KEYS, "n", *_SUMS]].astype({"tier": "int64"})
    return table.sort_values(list(_KEYS), ignore_index=True)


def _by_week(clock: _Clock, bought: ir.Table, cut: int, weeks: int) -> pd.DataFrame:
    """Count what buyers known at a moment bought in each week after it."""
    known = bought.filter(bought.at <= cut).select("number").distinct()
    later = bought.filter(bought.at > cut).semi_join(known, "number")
    week = (later.at - cut - 1) // (WEEK_DAYS * clock.per_day) + 1
    found = later.group_by(week=week.cast("int64")).agg(later=later.count()).to_pandas()
    each = pd.DataFrame({"week": range(1, weeks + 1)}).merge(found, how="left", on="week")
    return each.fillna({"later": 0}).astype("int64")


def _margins(followed: ir.Table) -> pd.DataFrame:
    """Sum what buyers paid and brought, with the squares that the error of its share needs."""
    # An engine adds in any order, and what is beyond the fen (and its square) tells only that.
    amount, earned = followed.amount_cny.round(2), followed.earned_cny.round(2)
    sums = {"amount_cny": amount, "earned_cny": earned}
    squares = {"amount2": amount**2, "both": amount * earned, "earned2": earned**2}
    found = followed.group_by("tier").agg(**{k: v.sum() for k, v in (sums | squares).items()})
    table: pd.DataFrame = found.to_pandas().round(4)
    return table.sort_values("tier", ignore_index=True)
