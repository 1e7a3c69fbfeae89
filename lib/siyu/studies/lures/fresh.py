"""Find who can still be won: exposed, never a contact, never drawn for anything before.

Ids stay in the engine.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import ibis
import ibis.expr.types as ir

from siyu.data import Source
from siyu.data.contract import LURES
from siyu.data.zones import without_zone
from siyu.studies.lures.definition import LureError

EXPOSE = "expose"
REASONS = ("left", "member", "lure", "drawn", "unexposed", "stale")
"""Why a user is not fresh, the first that holds: left; is a contact; was offered a lure; was drawn
for another experiment; was never exposed, or not of late."""


def find_fresh(pool: Source, at: datetime, *, fresh_days: int) -> ir.Table:
    """Tell of every user known at an instant whether it is fresh, or why not.

    Args:
        pool: the source.
        at: UTC, without a zone.
        fresh_days: an exposure longer ago than so many days of 24 hours is forgotten, at least 1.

    Returns:
        Lazy, one row per user: `user_id`, `reason` (of `REASONS`; "" for who is fresh),
        `exposures` by then, `exposed_at` (the last), and `added_at` (null for never).

    Raises:
        LureError: a number out of range, or no events: nobody is known to be exposed.
    """
    if fresh_days < 1:
        raise LureError(f"fresh_days = {fresh_days} must be at least 1")
    users = pool.table("users")
    columns = {
        name: without_zone(users[name]) if name in users.columns else ibis.null("timestamp")
        for name in ("added_at", "left_at")
    }
    lure = users.lure if "lure" in users.columns else ibis.null("string")
    moment = ibis.literal(at)
    seen = exposures(pool)
    seen = seen.filter(seen.at < moment)
    seen = seen.group_by("user_id").agg(exposures=seen.count(), exposed_at=seen.at.max())
    found = users.select("user_id", has_lure=lure.notnull(), **columns)
    found = found.left_join(seen, "user_id").drop("user_id_right")
    if pool.has("assignments"):
        drawn = pool.table("assignments")
        drawn = drawn.filter(without_zone(drawn.assigned_at) < moment)
        drawn = drawn.group_by("user_id").agg(lured=drawn.arm.isin(LURES).any())
        found = found.left_join(drawn, "user_id").drop("user_id_right")
    else:
        found = found.mutate(lured=ibis.null("boolean"))
    added = (found.added_at < moment).fill_null(False)
    forgotten = moment - ibis.interval(days=fresh_days)
    reason = ibis.cases(
        ((found.left_at < moment).fill_null(False), "left"),
        (added, "member"),
        # The lure of who is added later is that of the addition.
        (found.lured.fill_null(False) | (found.has_lure & found.added_at.isnull()), "lure"),
        (found.lured.notnull(), "drawn"),
        (found.exposures.isnull(), "unexposed"),
        (found.exposed_at < forgotten, "stale"),
        else_="",
    )
    return found.select("user_id", "exposures", "exposed_at", "added_at", reason=reason)


def exposures(pool: Source) -> ir.Table:
    """Give all exposures of users, lazy: `user_id` and `at` (UTC, without a zone).

    Raises:
        LureError: there are no events.
    """
    if not pool.has("events"):
        raise LureError("events: without them nobody is known to be exposed; add the table")
    events = pool.table("events")
    seen = events.filter(events.event == EXPOSE)
    return seen.select("user_id", at=without_zone(seen.occurred_at))


def end_of(pool: Source) -> datetime:
    """Give the first instant after `as_of`: UTC, without a zone."""
    return pool.as_of_end.replace(tzinfo=None)


def days_before(moment: datetime, days: float) -> datetime:
    """Give the instant so many days of 24 hours before."""
    return moment - timedelta(days=days)
