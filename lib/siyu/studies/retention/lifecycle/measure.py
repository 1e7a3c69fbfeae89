"""Reduce a pool to states by week and to the members of tiers, all weeks whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from siyu.data import Source
from siyu.data.zones import start_of_day
from siyu.phrases import phrase
from siyu.studies.events import find_unknown, known_events
from siyu.studies.retention.definition import RetentionError
from siyu.studies.retention.lifecycle.measures import (
    Measures,
    Starts,
)
from siyu.studies.retention.lifecycle.windows import (
    count_by,
    count_windows,
    find_starts,
    name_tier,
    rank_tiers,
)
from siyu.studies.retention.measure import find_members

_WEEK = timedelta(days=7)
_BEFORE = -1
"""The place of all weeks before the first one looked at, which has place 0."""
_TICK = ibis.interval(microseconds=1)


Counts = npt.NDArray[np.int64]


def measure(
    pool: Source, *, weeks: int, return_events: Sequence[str], min_users: int = 30
) -> Measures:
    """Measure the life cycle by week, and how active the members of each tier are.

    Args:
        pool: the source, masked at its `as_of`.
        weeks: so many whole weeks are shown, at least 1, fewer where the log is shorter. The first
            needs a week before it that was observed too.
        return_events: events that are a return; without any there is no life cycle.
        min_users: smallest group that may be shown, at least 1.

    Returns:
        The reduced tables; without any week where two whole ones were not observed. Members of a
        tier are those whose last review at or before the beginning of a week, or of 28 days, put
        them there, and who had been added and had not left; whoever has left by its end is not
        active in it. The last four weeks are compared with 28 days as long after a review (see
        `find_earlier`).

    Raises:
        RetentionError: a number below 1, `users` has no times of addition, or a return event that
            the log has never seen.
    """
    for name, value in (("weeks", weeks), ("min_users", min_users)):
        if value < 1:
            raise RetentionError(f"{name} = {value} must be at least 1")
    users, refused = find_members(pool), ""
    if not return_events or not pool.has("events"):
        refused = phrase("retention.lifecycle.no_returns")
        events = _no_events(users)
    else:
        events = pool.table("events")
        if problem := find_unknown(return_events, known_events(pool, return_events)):
            raise RetentionError(problem)
    looked = [] if refused else _whole_weeks(pool)[-(weeks + 1) :]
    shown = looked[1:]
    if not shown:
        looked = [_monday(pool.as_of)]  # of no week: the tables are empty
    base, last = looked[0], len(looked) - 1
    added = _added(pool, users, base, last).cache()
    returns = events.filter(events.event.isin(list(return_events)))
    back = _returns(pool, returns, added, base).cache()
    begun = count_by(added, ["joined", "left"])
    states = _states(begun, _moves(back), last).iloc[1:]
    tiers: tuple[str, ...] = ()
    starts: Starts = (None, None)
    members, windows, after_days = None, None, None
    if pool.has("tiers"):
        members = _members(_holds(pool, added, base, last).cache(), back, last)
        members = members[members["week"] > 0].reset_index(drop=True)
        members = members.assign(week=[looked[place] for place in members["week"]])
        tiers = rank_tiers(pool)
        starts, after_days = find_starts(pool, shown)
        windows = count_windows(pool, users, returns, starts)
    return Measures(
        source=pool.name,
        as_of=pool.as_of,
        min_users=min_users,
        weeks=tuple(shown),
        tiers=tiers,
        states=states.assign(week=shown)[["week", *states.columns]].reset_index(drop=True),
        members=members,
        windows=windows,
        starts=starts,
        after_days=after_days,
        refused=refused,
    )


def _no_events(users: ir.Table) -> ir.Table:
    return users.select("user_id", occurred_at=users.added_at, event=ibis.literal("")).limit(0)


def _whole_weeks(pool: Source) -> list[date]:
    """Give the Mondays of the weeks that lie in the observation from first to last instant."""
    zone = ZoneInfo(pool.timezone)
    monday = _monday(pool.observed_from.astimezone(zone).date())
    found = []
    while monday + _WEEK <= pool.as_of + timedelta(days=1):
        if start_of_day(monday, zone) >= pool.observed_from:
            found.append(monday)
        monday += _WEEK
    return found


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _place(day: ir.DateValue, base: date) -> ir.IntegerValue:
    """Give the place of a day's week, `_BEFORE` for all weeks before the first.

    What is divided is never negative: engines disagree about the sign of what is left.
    """
    days = day.delta(ibis.literal(base - _WEEK), unit="day")
    return ibis.greatest(days, 0) // 7 + _BEFORE


def _added(pool: Source, users: ir.Table, base: date, last: int) -> ir.Table:
    """Give a row per user added by the end of the last week: the weeks `joined` and `left`.

    Who has not left by then gets the week after the last. A leaving before the addition, which
    cannot be, counts in the week of the addition.
    """
    joined = _place(pool.day(users.added_at), base)
    gone = ibis.greatest(_place(pool.day(users.left_at), base), joined)
    # Engines disagree about the least of a number and nothing.
    gone = ibis.ifelse(users.left_at.isnull(), last + 1, ibis.least(gone, last + 1))
    users = users.select("user_id", joined=joined, left=gone)
    return users.filter(users.joined <= last)


def _returns(pool: Source, events: ir.Table, added: ir.Table, base: date) -> ir.Table:
    """Give a row per user and week with a return, after that of the addition, before leaving.

    In the week of the addition a user is new, in that of leaving lost, whatever else happened.
    """
    weeks = events.select("user_id", week=_place(pool.day(events.occurred_at), base))
    weeks = weeks.filter(weeks.week > _BEFORE).distinct()
    both = weeks.join(added, "user_id")
    return both.filter((both.week > both.joined) & (both.week < both.left))


def _moves(back: ir.Table) -> pd.DataFrame:
    """Count returns per week by whether the user was `engaged` the week before, and `leaves` next.

    Engaged are who were added or came back; so one week before is all that a state hangs on.
    """
    over = ibis.window(group_by="user_id", order_by="week")
    before = ibis.greatest(back.week.lag().over(over).fill_null(_BEFORE - 1), back.joined)
    return count_by(
        back.select(
            "week",
            engaged=(before == back.week - 1).cast("int64"),
            leaves=(back.left == back.week + 1).cast("int64"),
        ),
        ["week", "engaged", "leaves"],
    )


def _states(begun: pd.DataFrame, moves: pd.DataFrame, last: int) -> pd.DataFrame:
    """Close the accounts: a row per week from the first looked at, whose own states are not known.

    Each count follows from when users were added and left, and from the moves.
    """
    joined, left = begun["joined"], begun["left"]

    def users(chosen: pd.Series, by: pd.Series) -> Counts:
        return _per_week(begun["n"].where(chosen, 0), by, last)

    def returns(chosen: pd.Series, by: pd.Series) -> Counts:
        return _per_week(moves["n"].where(chosen, 0), by, last)

    everyone = joined >= _BEFORE
    before = int(begun.loc[joined == _BEFORE, "n"].sum())
    gone = int(begun.loc[left == _BEFORE, "n"].sum())
    engaged = moves["engaged"] == 1
    found = {
        "added": before + users(everyone, joined).cumsum(),
        "new": users(left > joined, joined),
        "active": returns(engaged, moves["week"]),
        "resurrected": returns(~engaged, moves["week"]),
        "lost": gone + users(everyone, left).cumsum(),
    }
    came = found["active"] + found["resurrected"]
    left_by = {
        "left_at_once": users(left == joined, left),
        "left_new": users(left == joined + 1, left),
        "left_engaged": returns(moves["leaves"] == 1, moves["week"] + 1),
    }
    there = found["added"] - found["lost"] - found["new"]
    stayed = np.roll(found["new"] + came, 1) - left_by["left_new"] - left_by["left_engaged"]
    return pd.DataFrame(
        {
            **{name: found[name] for name in ("added", "new", "active", "resurrected")},
            "dormant": there - came,
            "lost": found["lost"],
            "fell_dormant": stayed - found["active"],
            **left_by,
            "left_dormant": users(everyone, left) - sum(left_by.values()),
        }
    )


def _per_week(n: pd.Series, by: pd.Series, last: int) -> Counts:
    """Sum counts per week, those outside left out."""
    total = n.groupby(by).sum().reindex(range(last + 1), fill_value=0)
    return np.asarray(total, dtype=np.int64)


def _holds(pool: Source, added: ir.Table, base: date, last: int) -> ir.Table:
    """Give a row per user and spell in a tier: a member at the beginning of weeks `first` to `end`.

    `end` is no longer one of them. A review at the beginning of a week counts for it, so the weeks
    after the one of the instant before do.
    """
    tiers = pool.table("tiers")
    over = ibis.window(group_by="user_id", order_by="since")
    reviews = tiers.select("user_id", "tier", "since", before=tiers.tier.lag().over(over))
    # Reviews that changed nothing would only multiply the rows.
    changes = reviews.filter(reviews.before.isnull() | (reviews.before != reviews.tier))
    changes = changes.mutate(place=_place(pool.day(changes.since - _TICK), base) + 1)
    spells = changes.select(
        "user_id", "tier", "place", until=changes.place.lead().over(over).fill_null(last + 1)
    )
    both = spells.join(added, "user_id")
    holds = both.select(
        "user_id",
        "tier",
        "left",
        first=ibis.greatest(both.place, both.joined + 1),
        end=ibis.least(both.until, both.left + 1, last + 1),
    )
    return holds.filter(holds["first"] < holds.end)


def _members(holds: ir.Table, back: ir.Table, last: int) -> pd.DataFrame:
    """Count the members of each tier at the beginning of each week, and the active among them."""
    spells = count_by(holds, ["tier", "first", "end"])
    both = holds.select("user_id", "tier", "first", "end").join(back, "user_id")
    both = both.filter((both.week >= both["first"]) & (both.week < both.end))
    active = count_by(both, ["tier", "week"])
    weeks = np.arange(last + 1)
    parts = []
    for tier, own in spells.groupby("tier"):
        first, end, n = (own[name].to_numpy() for name in ("first", "end", "n"))
        members = n @ ((first[:, None] <= weeks) & (weeks < end[:, None]))
        came = active[active["tier"] == tier]
        came_in = _per_week(came["n"], came["week"], last)
        parts.append(
            pd.DataFrame(
                {"tier": name_tier(tier), "week": weeks, "members": members, "active": came_in}
            )
        )
    empty = pd.DataFrame(columns=["tier", "week", "members", "active"])
    return pd.concat(parts, ignore_index=True) if parts else empty
