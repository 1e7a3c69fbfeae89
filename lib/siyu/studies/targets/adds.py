"""Count by touchpoint and business day who was exposed, added and kept, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data import Source
from siyu.studies.naming import SMALL, UNKNOWN, large, lumped, name_of
from siyu.studies.targets.definition import Definition, TargetError

HISTORY_DAYS = 728
"""Two years: what was before tells nothing of the weeks to come."""
RECENT_DAYS = 90
"""Days of additions from which the kept share and the cost are taken."""
_MEASURES = ("exposed", "added", "spent_cny", "reward_cny")


@dataclass(frozen=True, kw_only=True)
class Adds:
    """Who became a member, day by day, as known at `as_of`.

    observed: the first observed day. begins: the first day of the history: observed, at most two
        years ago, and not before anybody was added. first: the
        first day of the additions from which the kept share and the cost are taken; the last of
        these that were followed long enough fell on `mature_until`.
    touchpoints: those that can be told apart, by additions, the most first; few together.
    days: one row per `touchpoint` and `on` (business day) with anything: `exposed` (people first
        exposed there), `added`, `spent_cny` (table spend), `reward_cny` (paid to who invited them).
    stays: additions from `first` on, by `touchpoint`, `added_on`, `time` (days until the user left,
        or was last seen; at most `kept_days`) and `outcome` (1 left, 0 not): `n`.
    has_added: whether the source says when people were added; without it there is nobody.
    has_left: whether anybody can be seen to leave; has_spend, has_exposed, has_orders: whether
        these are in the source.
    """

    definition: Definition
    source: str
    observed: date
    begins: date
    first: date
    mature_until: date
    as_of: date
    min_users: int
    touchpoints: tuple[str, ...]
    days: pd.DataFrame
    stays: pd.DataFrame
    has_added: bool
    has_left: bool
    has_spend: bool
    has_exposed: bool
    has_orders: bool
    pool: Source = field(repr=False)
    people: ir.Table = field(repr=False)

    @property
    def recent(self) -> pd.DataFrame:
        """The days whose additions have been followed long enough, of the last 90 such days."""
        on = self.days["on"]
        return self.days[(on >= self.first) & (on <= self.mature_until)]


def count_adds(pool: Source, definition: Definition, *, min_users: int = 30) -> Adds:
    """Count who was exposed, added and kept, by touchpoint and day.

    Args:
        pool: the source, masked at its `as_of`.
        definition: what makes a member, and who counts as kept.
        min_users: touchpoints with fewer additions are told together, at least 1.

    Raises:
        TargetError: nobody ever did the event that makes a member, or `min_users` is below 1.
    """
    if min_users < 1:
        raise TargetError(f"min_users = {min_users} must be at least 1")
    people = _people(pool, definition)
    observed = pool.observed_from.astimezone(ZoneInfo(pool.timezone)).date()
    earliest = max(observed, pool.as_of - timedelta(days=HISTORY_DAYS - 1))
    mature_until = pool.as_of - timedelta(days=definition.kept_days)
    first = max(mature_until - timedelta(days=RECENT_DAYS - 1), earliest)
    days = _days(pool, people, earliest)
    stays = _stays(people, definition, first, pool.as_of)
    for table in (days, stays):
        table["touchpoint"] = [
            UNKNOWN if pd.isna(one) else name_of(["touchpoint"], [one])
            for one in table["touchpoint"]
        ]
    sizes = pd.DataFrame(
        {
            "added": days.groupby("touchpoint")["added"].sum(),
            "recent": stays.groupby("touchpoint")["n"].sum(),
        }
    ).fillna(0)
    shown = large(sizes, min_users=min_users)
    for table in (days, stays):
        table["touchpoint"] = lumped(table["touchpoint"], shown)
    days = days.groupby(["touchpoint", "on"])[[*_MEASURES]].sum().reset_index()
    keys = ["touchpoint", "added_on", "time", "outcome"]
    stays = stays.groupby(keys)["n"].sum().reset_index()
    added = days[days["added"] > 0]
    totals = added.groupby("touchpoint")["added"].sum().sort_index().sort_values(kind="stable")
    names = [one for one in totals.index[::-1] if one != SMALL]
    return Adds(
        definition=definition,
        source=pool.name,
        observed=observed,
        begins=min(added["on"], default=pool.as_of),
        first=first,
        mature_until=mature_until,
        as_of=pool.as_of,
        min_users=min_users,
        touchpoints=(*names, *(one for one in totals.index if one == SMALL)),
        days=days,
        stays=stays,
        has_added=bool(definition.add_event) or "added_at" in pool.table("users").columns,
        has_left="left_at" in pool.table("users").columns,
        has_spend=pool.has("spend"),
        has_exposed=bool(days["exposed"].any()),
        has_orders=pool.has("orders"),
        pool=pool,
        people=people,
    )


def _people(pool: Source, definition: Definition) -> ir.Table:
    """Give each user who was added: `user_id`, `touchpoint`, `added_on`, `left_on`."""
    users = pool.table("users")
    kept: dict[str, ir.Value] = {
        "touchpoint": users.touchpoint if "touchpoint" in users.columns else ibis.null("string"),
        "left_on": pool.day(users.left_at) if "left_at" in users.columns else ibis.null("date"),
    }
    if definition.add_event:
        events = pool.table("events")
        events = events.filter(events.event == definition.add_event)
        if not len(events.limit(1).to_pandas()):
            raise TargetError(
                f"add_event = {definition.add_event!r} must be an event of the log; use the one "
                "that makes somebody a member, or '' for added_at of users"
            )
        first = events.group_by("user_id").agg(added_at=events.occurred_at.min())
        found = users.select("user_id", **kept).join(first, "user_id")
    elif "added_at" in users.columns:
        found = users.select("user_id", "added_at", **kept)
    else:
        found = users.select("user_id", added_at=ibis.null("timestamp('UTC')"), **kept)
    found = found.filter(found.added_at.notnull())
    return found.select(
        "user_id", "touchpoint", "left_on", added_on=pool.day(found.added_at)
    ).cache()


def _days(pool: Source, people: ir.Table, earliest: date) -> pd.DataFrame:
    parts = [people.group_by("touchpoint", on="added_on").agg(added=people.count()).to_pandas()]
    users = pool.table("users")
    if pool.has("events"):
        events = pool.table("events")
        seen = events.filter(events.event == "expose")
        seen = seen.group_by("user_id").agg(at=seen.occurred_at.min())
        place = users.touchpoint if "touchpoint" in users.columns else ibis.null("string")
        seen = seen.join(users.select("user_id", touchpoint=place), "user_id")
        seen = seen.select("touchpoint", on=pool.day(seen["at"]))
        parts.append(seen.group_by("touchpoint", "on").agg(exposed=seen.count()).to_pandas())
    if pool.has("spend"):
        spend = pool.table("spend")
        place = spend.touchpoint if "touchpoint" in spend.columns else ibis.null("string")
        spend = spend.select(touchpoint=place, on="day", spent_cny=spend.cost_cny.cast("float64"))
        found = spend.group_by("touchpoint", "on").agg(spent_cny=spend.spent_cny.sum())
        parts.append(found.to_pandas())
    if pool.has("invites") and "reward_cny" in (invites := pool.table("invites")).columns:
        paid = invites.filter(invites.reward_cny.cast("float64") > 0)
        paid = paid.join(people, paid.invitee_id == people.user_id)
        paid = paid.select("touchpoint", on="added_on", reward_cny=paid.reward_cny.cast("float64"))
        found = paid.group_by("touchpoint", "on").agg(reward_cny=paid.reward_cny.sum())
        parts.append(found.to_pandas())
    days = pd.concat(parts, ignore_index=True)
    days["on"] = [pd.Timestamp(one).date() for one in days["on"]]
    days = days[(days["on"] >= earliest) & (days["on"] <= pool.as_of)]
    days = days.reindex(columns=["touchpoint", "on", *_MEASURES])
    days[[*_MEASURES]] = days[[*_MEASURES]].astype("float64").fillna(0.0)
    return pd.DataFrame(days.reset_index(drop=True))


def _stays(people: ir.Table, definition: Definition, first: date, as_of: date) -> pd.DataFrame:
    new = people.filter(people.added_on >= ibis.literal(first))
    seen = ibis.literal(as_of).delta(new.added_on, unit="day")
    gone = new.left_on.delta(new.added_on, unit="day")
    most = definition.kept_days
    left = (gone <= most).fill_null(False)
    new = new.select(
        "touchpoint",
        "added_on",
        time=ibis.ifelse(left, ibis.greatest(gone, 0), ibis.least(seen, most)).cast("int64"),
        outcome=left.cast("int64"),
    )
    keys = ["touchpoint", "added_on", "time", "outcome"]
    stays = new.group_by(keys).agg(n=new.count()).to_pandas()
    stays["added_on"] = [pd.Timestamp(one).date() for one in stays["added_on"]]
    return pd.DataFrame(stays)
