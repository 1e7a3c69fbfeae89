"""Reduce followers who have not bought yet to the rung of interaction on which each stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data import Source
from siyu.data.zones import DAY_US, elapsed_us, without_zone
from siyu.studies.tiers.definition import TierError
from siyu.studies.tiers.members import Members

RUNGS = ("moments_like or moments_comment", "reply", "join_group", "consult or compare", "cart")
"""From shallow to deep: a glance in passing, a word, joining others, weighing, and wanting."""
NONE = "(none)"
"""Names the foot of the ladder: none of these interactions."""
_OR = " or "


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Followers without an order, by the highest rung each has reached of late.

    rungs: the foot (NONE) and the rungs, from shallow to deep. unknown: those of their events that
        the log has never seen.
    followed: one row per rung on which someone stood `order_days` ago: `rung`, `n` of them, and how
        many `ordered` since, leavers included.
    today: one row per rung on which someone stands at `as_of`: `rung` and `n`.
    earned: first orders of the period by what they brought: `earned_cny` and `n` orders.
    n_before: followers there today who came before the observation, of whom it is not known whether
        they had bought; they are in no table.
    has_events, has_orders, has_margin, has_added: whether the log, orders, their margins (or
        amounts less refunds stand for them), and times of adding are known.
    """

    source: str
    as_of: date
    min_users: int
    ladder_days: int
    order_days: int
    rungs: tuple[str, ...]
    unknown: tuple[str, ...]
    followed: pd.DataFrame
    today: pd.DataFrame
    earned: pd.DataFrame
    n_before: int
    has_events: bool
    has_orders: bool
    has_margin: bool
    has_added: bool


def measure(
    members: Members,
    *,
    rungs: Sequence[str] = RUNGS,
    ladder_days: int = 30,
    order_days: int = 30,
) -> Measures:
    """Measure on which rung followers without an order stood, and who ordered since.

    A follower is on the highest rung of which an interaction was logged in the `ladder_days` before
    a moment. The moment is `order_days` before the end, alike for all (a landmark), so that an
    interaction cannot be part of the order it is to foretell, and all are followed equally.

    Args:
        members: from `find_members`.
        rungs: from shallow to deep, each an event or several joined by " or ".
        ladder_days: days of 24 hours before the moment that count, at least 1.
        order_days: days of 24 hours after it in which a first order counts, at least 1.

    Raises:
        TierError: a number out of range, no rung, or an event that is on two of them.
    """
    for name, value in (("ladder_days", ladder_days), ("order_days", order_days)):
        if value < 1:
            raise TierError(f"{name} = {value} must be at least 1; use 30")
    events = _events(rungs)
    pool, empty = members.pool, pd.DataFrame({"rung": [], "n": []})
    has_added = "added_at" in pool.table("users").columns
    followed, today = empty.assign(ordered=0), empty
    earned, n_before = pd.DataFrame({"earned_cny": [], "n": []}), 0
    unknown: tuple[str, ...] = ()
    if pool.has("events"):
        unknown = _find_unknown(pool, events)
    if pool.has("events") and members.has_orders and has_added:
        orders = members.orders
        firsts = orders.group_by("number").agg(
            ordered_at=orders.paid_at.min(),
            earned_cny=orders.earned_cny.first(order_by=[orders.paid_at, orders.earned_cny]),
        )
        people = members.users.left_join(firsts, "number").drop("number_right").cache()
        began, end = (at.replace(tzinfo=None) for at in (pool.observed_from, pool.as_of_end))
        log = _log(members, events)
        known = people.filter(people.added_at >= ibis.literal(began))
        landmark = end - timedelta(days=order_days)
        followed = _stand(known, log, landmark, ladder_days, order_days)
        today = _stand(known, log, end, ladder_days, order_days)[["rung", "n"]]
        earned = _earned(pool, known, members.first)
        old = _without_order(people.filter(people.added_at < ibis.literal(began)), end)
        n_before = int(old.count().to_pandas())
    return Measures(
        source=members.source,
        as_of=members.as_of,
        min_users=members.min_users,
        ladder_days=ladder_days,
        order_days=order_days,
        rungs=(NONE, *rungs),
        unknown=unknown,
        followed=_named(followed, rungs),
        today=_named(today, rungs),
        earned=earned,
        n_before=n_before,
        has_events=pool.has("events"),
        has_orders=members.has_orders,
        has_margin=members.has_margin,
        has_added=has_added,
    )


def _events(rungs: Sequence[str]) -> dict[str, int]:
    """Give the rung of each event, from 1."""
    if isinstance(rungs, str) or not list(rungs):
        raise TierError(f"rungs = {rungs!r} must be a list of events, from shallow to deep")
    found: dict[str, int] = {}
    for place, rung in enumerate(rungs, start=1):
        for event in rung.split(_OR):
            if not event or event in found:
                raise TierError(f"rungs: {event!r} must be named once; give each event one rung")
            found[event] = place
    return found


def _find_unknown(pool: Source, events: dict[str, int]) -> tuple[str, ...]:
    log = pool.table("events")
    seen = log.filter(log.event.isin(list(events))).select("event").distinct().to_pandas()
    return tuple(event for event in events if event not in set(seen["event"]))


def _log(members: Members, events: dict[str, int]) -> ir.Table:
    """Give the interactions of users, with the rung of each."""
    log = members.pool.table("events")
    codes = ibis.memtable(
        pd.DataFrame({"event": list(events), "rung": list(events.values())}).astype(
            {"rung": "int8"}
        )
    )
    log = log.select("user_id", "event", at=without_zone(log.occurred_at)).join(codes, "event")
    numbers = members.users.select("user_id", "number")
    return log.join(numbers, "user_id").select("number", "at", "rung").cache()


def _without_order(people: ir.Table, at: datetime) -> ir.Table:
    """Keep who is there at an instant and has not ordered before it."""
    moment = ibis.literal(at)
    there = (people.added_at <= moment) & (people.left_at > moment).fill_null(True)
    return people.filter(there & (people.ordered_at >= moment).fill_null(True))


def _stand(
    people: ir.Table, log: ir.Table, at: datetime, ladder_days: int, order_days: int
) -> pd.DataFrame:
    """Count who stood on which rung at an instant, and who ordered in the days after it."""
    moment = ibis.literal(at)
    ago = elapsed_us(log.at, moment)
    shown = log.filter((ago > 0) & (ago <= ladder_days * DAY_US))
    highest = shown.group_by("number").agg(rung=shown.rung.max())
    there = _without_order(people, at).select("number", "ordered_at")
    there = there.left_join(highest, "number").drop("number_right")
    passed = elapsed_us(moment, there.ordered_at)
    ordered = (passed < order_days * DAY_US).fill_null(False)
    there = there.select(rung=there.rung.fill_null(0), ordered=ordered)
    found = there.group_by("rung").agg(n=there.count(), ordered=there.ordered.sum())
    counts: pd.DataFrame = found.order_by("rung").to_pandas()
    return counts.astype({"n": int, "ordered": int})


def _earned(pool: Source, people: ir.Table, first: date) -> pd.DataFrame:
    """Count first orders from a day on by what they brought."""
    bought = people.filter(people.ordered_at.notnull())
    bought = bought.filter(pool.day(bought.ordered_at) >= ibis.literal(first))
    cents = bought.select(earned_cny=bought.earned_cny.round(2))
    found: pd.DataFrame = cents.group_by("earned_cny").agg(n=cents.count()).to_pandas()
    return found.sort_values("earned_cny", ignore_index=True)


def _named(counts: pd.DataFrame, rungs: Sequence[str]) -> pd.DataFrame:
    names = dict(enumerate((NONE, *rungs)))
    return counts.assign(rung=counts["rung"].map(names).astype("object"))
