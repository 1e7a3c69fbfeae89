"""Reduce a pool to who was added when, for how long each was followed, and the days they stayed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from siyu.data import Source
from siyu.phrases import phrase
from siyu.studies.breakdown import Breakdown, find_parted, resolve
from siyu.studies.events import find_unknown
from siyu.studies.naming import names_of, segmented
from siyu.studies.retention.definition import Definition, RetentionError
from siyu.studies.retention.measures import Measures

_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
_GONE = -1
"""The last day of somebody who had left before the first day was over."""


def measure(
    pool: Source,
    definition: Definition,
    *,
    period_days: int,
    by: Sequence[str] = (),
    min_users: int = 30,
) -> Measures:
    """Measure who stays.

    Args:
        pool: the source, masked at its `as_of`.
        definition: what staying is.
        period_days: users count who were added in these days, up to and including `as_of`; at least
            1. For "active", only from the first day of the observation on.
        by: columns of `users` to tell segments apart, as known when a user was added.
        min_users: smallest segment that is told apart, at least 1.

    Returns:
        The reduced tables; all counts are of users. A user who came back to the pool after leaving
        counts by the one addition and the one leaving that `users` has.

    Raises:
        RetentionError: `users` has no times of addition, an event the log has never seen, a period
            that cannot be.
        SourceError: events are needed and there are none.
    """
    for name, value in (("period_days", period_days), ("min_users", min_users)):
        if value < 1:
            raise RetentionError(f"{name} = {value} must be at least 1")
    first = pool.as_of - timedelta(days=period_days - 1)
    if definition.retained_as == "active":
        # Who was added before the log begins may have come back unseen: that is no absence.
        first = max(first, pool.observed_from.astimezone(ZoneInfo(pool.timezone)).date())
    breakdown = resolve(pool, by, from_events=False)
    users = _added(pool, definition, breakdown).filter(lambda t: t.joined_on >= first)
    breakdown = breakdown.without(breakdown.learnt_later(users))
    users = breakdown.attach(users).drop("reached_1_at").cache()
    parted = find_parted(_count(users, [*breakdown.columns, "outcome"]), breakdown)
    breakdown = breakdown.without({one: phrase("retention.leak", column=one) for one in parted})
    columns = breakdown.columns
    risk = _count(users, [*columns, "cohort", "seen"])
    if definition.retained_as == "connected":
        kept = _connected(users, columns, definition.horizon)
    else:
        kept = _active(pool, users, columns, definition)
    tables = {"risk": risk, "kept": kept, "stays": _count(users, [*columns, "hours", "outcome"])}
    named, segments = _named(tables, breakdown.by, definition, min_users=min_users)
    return Measures(
        definition=definition,
        source=pool.name,
        first=first,
        as_of=pool.as_of,
        min_users=min_users,
        by=breakdown.by,
        refused=breakdown.refused,
        segments=segments,
        **named,
    )


def find_members(pool: Source) -> ir.Table:
    """Give the users who were added, each with `added_at` and `left_at`.

    Raises:
        RetentionError: `users` has no times of addition.
    """
    users = pool.table("users")
    if "added_at" not in users.columns:
        raise RetentionError(
            "users has no column added_at: retention needs to know when each user was added"
        )
    if "left_at" not in users.columns:
        users = users.mutate(left_at=ibis.null(users.added_at.type()))
    return users.filter(users.added_at.notnull())


def find_returns(pool: Source, definition: Definition) -> ir.Table:
    """Give the instants `at` which users came back.

    Raises:
        RetentionError: the log has never seen one of the return events.
        SourceError: there are no events.
    """
    events = pool.table("events")
    known = events.select("event").distinct().to_pandas()["event"].dropna()
    if problem := find_unknown(definition.return_events, known):
        raise RetentionError(problem)
    back = events.filter(events.event.isin(list(definition.return_events)))
    return back.select("user_id", at="occurred_at")


def _added(pool: Source, definition: Definition, breakdown: Breakdown) -> ir.Table:
    """Give a row per user who was added: cohort, how long followed, how long there."""
    users = find_members(pool)
    left = users.left_at
    joined_on = pool.day(users.added_at)
    end = ibis.literal(pool.as_of_end, type=users.added_at.type())
    gone = left.fill_null(end)
    hours = gone.delta(users.added_at, unit="microsecond") // _HOUR_US
    if definition.clock == "calendar":
        followed = ibis.literal(pool.as_of).delta(joined_on, unit="day")
        # Not left by the end of day k: whoever leaves on day k was there until day k - 1.
        there = pool.day(left).delta(joined_on, unit="day") - 1
    else:
        followed = end.delta(users.added_at, unit="microsecond") // _DAY_US
        there = left.delta(users.added_at, unit="microsecond") // _DAY_US
        if definition.retained_as == "active":
            followed = followed - 1  # day k is over 24 hours after it has begun
    unit = {"day": "D", "week": "W", "month": "M"}[definition.cohort_unit]
    return users.select(
        "user_id",
        "added_at",
        reached_1_at=users.added_at,
        joined_on=joined_on,
        cohort=joined_on.truncate(unit),
        seen=followed,
        there=ibis.ifelse(left.isnull(), followed, ibis.greatest(there, _GONE)),
        hours=ibis.greatest(hours, 0),
        outcome=left.notnull().cast("int64"),
    )


def _connected(users: ir.Table, columns: Sequence[str], horizon: int) -> pd.DataFrame:
    """Count who was still there on each day, from the last day on which each was."""
    keys = [*columns, "cohort", "seen"]
    lasting = _count(users.mutate(there=ibis.least(users.there, horizon)), [*keys, "there"])
    lasting = lasting[lasting["there"] >= 1]
    lengths = lasting["there"].to_numpy(dtype=np.int64)
    every = lasting.loc[lasting.index.repeat(lengths)].drop(columns="there")
    every["k"] = np.concatenate([np.arange(1, n + 1) for n in lengths]) if len(lengths) else []
    return _summed(every, [*keys, "k"])


def _active(
    pool: Source, users: ir.Table, columns: Sequence[str], definition: Definition
) -> pd.DataFrame:
    """Count who came back, per day."""
    back = find_returns(pool, definition)
    keys = [*columns, "cohort", "seen"]
    both = users.select("user_id", "added_at", "joined_on", *keys).join(back, "user_id")
    both = both.filter(both.at >= both.added_at)
    if definition.clock == "calendar":
        offset = pool.day(both.at).delta(both.joined_on, unit="day")
    else:
        offset = both.at.delta(both.added_at, unit="microsecond") // _DAY_US
    both = both.select("user_id", *keys, offset=offset)
    both = both.filter(both.offset <= definition.horizon + definition.extra_days)
    if definition.kind == "within":
        first = both.filter(both.offset >= 1).group_by(["user_id", *keys])
        counted = _count(first.agg(offset=lambda t: t.offset.min()), [*keys, "offset"])
        spans = [(k, definition.horizon) for k in counted["offset"]]
    else:
        # A return on day d is one from day k on for each k in (d - follow_days, d].
        reach = definition.extra_days
        days = both.mutate(k=ibis.range(both.offset - reach, both.offset + 1).unnest())
        days = days.filter((days.k >= 1) & (days.k <= definition.horizon))
        return _count(days.select("user_id", *keys, "k").distinct(), [*keys, "k"])
    every = counted.loc[counted.index.repeat([b - a + 1 for a, b in spans])].drop(columns="offset")
    every["k"] = np.concatenate([np.arange(a, b + 1) for a, b in spans]) if spans else []
    return _summed(every, [*keys, "k"])


def _count(users: ir.Table, columns: Sequence[str]) -> pd.DataFrame:
    counts: pd.DataFrame = users.group_by(list(columns)).agg(n=users.count()).to_pandas()
    return counts.sort_values(list(columns), ignore_index=True)


def _summed(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    return table.groupby(list(keys), dropna=False)["n"].sum().reset_index()


def _named(
    tables: dict[str, pd.DataFrame],
    by: Sequence[str],
    definition: Definition,
    *,
    min_users: int,
) -> tuple[dict[str, pd.DataFrame], dict[str, dict[str, str]]]:
    """Put one name per segment in the place of its columns; small groups share one.

    A segment is small if it is few, but not nobody, among those who were added or those who can be
    judged on one of the days: what is left of everyone is then no small group on any of them.
    """
    risk = tables["risk"]
    names = names_of(risk, by)
    judged = {
        f"day {k}": risk["n"].where(risk["seen"] >= k + definition.extra_days, 0)
        for k in definition.days
    }
    sizes = pd.DataFrame({"added": risk["n"], **judged}).groupby(names).sum()
    return segmented(tables, by, sizes, min_users=min_users)
