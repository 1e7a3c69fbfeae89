"""Reduce a pool to who was added when, for how long each was followed, and the days they stayed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from siyu.data import Source
from siyu.data.zones import elapsed_us
from siyu.phrases import phrase
from siyu.studies.breakdown import find_parted, resolve
from siyu.studies.events import find_unknown
from siyu.studies.naming import names_of, segmented
from siyu.studies.retention.definition import Definition, RetentionError
from siyu.studies.retention.measures import Measures

_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
_FIRST_ROWS, _ROUND_DAYS = 100_000, 128
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
    added = _added(pool, definition).filter(lambda t: t.joined_on >= first)
    added = added.mutate(number=ibis.row_number().cast("int32")).cache()
    breakdown = breakdown.without(breakdown.learnt_later(added))
    users = breakdown.attach(added).drop("user_id", "reached_1_at", "joined_on").cache()
    stays = _count(users, [*breakdown.columns, "hours", "outcome"])
    parted = find_parted(stays, breakdown)
    breakdown = breakdown.without({one: phrase("retention.leak", column=one) for one in parted})
    keys = [*breakdown.columns, "cohort", "seen"]
    returns = None
    if definition.retained_as == "active":
        returns = _returns(pool, added, definition)
        spans = _active(returns.join(users, "number"), keys, definition)
    else:
        spans = _connected(users, keys, definition)
    tables = {
        "risk": _count(users, keys),
        "kept": _count_covered(_count(spans, [*keys, "start", "end"]), keys, definition.horizon),
        "stays": stays,
    }
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
        returns=returns,
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
    _require_known(definition.return_events, events)
    back = events.filter(events.event.isin(sorted(definition.return_events)))
    return back.select("user_id", at="occurred_at")


def _added(pool: Source, definition: Definition) -> ir.Table:
    """Give a row per user who was added: cohort, how long followed, how long there."""
    users = find_members(pool)
    left = users.left_at
    joined_on = pool.day(users.added_at)
    end = ibis.literal(pool.as_of_end, type=users.added_at.type())
    gone = left.fill_null(end)
    hours = elapsed_us(users.added_at, gone) // _HOUR_US
    if definition.clock == "calendar":
        followed = ibis.literal(pool.as_of).delta(joined_on, unit="day")
        # Not left by the end of day k: whoever leaves on day k was there until day k - 1.
        there = pool.day(left).delta(joined_on, unit="day") - 1
    else:
        followed = elapsed_us(users.added_at, end) // _DAY_US
        there = elapsed_us(users.added_at, left) // _DAY_US
        if definition.retained_as == "active":
            followed = followed - 1  # day k is over 24 hours after it has begun
    unit = {"day": "D", "week": "W", "month": "M"}[definition.cohort_unit]
    return users.select(
        "user_id",
        reached_1_at=users.added_at,
        joined_on=joined_on,
        cohort=joined_on.truncate(unit),
        seen=followed,
        there=ibis.ifelse(left.isnull(), followed, ibis.greatest(there, _GONE)),
        hours=ibis.greatest(hours, 0),
        outcome=left.notnull().cast("int64"),
    )


def _connected(users: ir.Table, keys: Sequence[str], definition: Definition) -> ir.Table:
    """Give per user the days, from `start` to `end`, at whose end the user was still there."""
    spans = users.select(*keys, start=1, end=ibis.least(users.there, definition.horizon))
    return spans.filter(spans.start <= spans.end)


def _returns(pool: Source, added: ir.Table, definition: Definition) -> ir.Table:
    """Give the returns after the first day: the `number` of the user, the `day` since the addition,
    and the day of the user's last return `before` it, 0 for none.

    They stay in the engine as long as the measures do, and serve every other definition of the same
    returns meanwhile.
    """
    back = find_returns(pool, definition)
    if definition.clock == "calendar":
        both = added.join(back.mutate(at=pool.day(back.at)), "user_id")
        day = both.at.delta(both.joined_on, unit="day")
    else:
        both = added.join(back, "user_id")
        day = elapsed_us(both.reached_1_at, both.at) // _DAY_US
    days = both.select("number", day=day.cast("int32"))
    # Rounded up, so that definitions of other days have the same returns.
    last = math.ceil((definition.horizon + definition.extra_days) / _ROUND_DAYS) * _ROUND_DAYS
    days = days.filter(days.day.between(1, last))
    before = days.day.lag().over(group_by="number", order_by="day")
    return days.mutate(before=before.fill_null(0)).cache()


def _require_known(names: Sequence[str], events: ir.Table) -> None:
    """Raise a RetentionError for a name that no event has; mostly the first rows have them all."""
    for rows in (events.limit(_FIRST_ROWS), events):
        known = rows.select("event").distinct().to_pandas()["event"].dropna()
        if not (problem := find_unknown(names, known)):
            return
    raise RetentionError(problem)


def _active(returns: ir.Table, keys: Sequence[str], definition: Definition) -> ir.Table:
    """Give per return the days k, from `start` to `end`, on which it makes its user one who stayed.

    Days are left out for which an earlier return of the user does so already: no user counts twice.
    """
    if definition.kind == "within":
        first = returns.filter(returns.before == 0, returns.day <= definition.horizon)
        return first.select(*keys, start=first.day, end=definition.horizon)
    # A return on day d is one from day k on for each k from d - extra_days to d.
    returns = returns.filter(returns.day <= definition.horizon + definition.extra_days)
    start = ibis.greatest(returns.day - definition.extra_days, returns.before + 1)
    end = ibis.least(returns.day, definition.horizon)
    spans = returns.select(*keys, start=start, end=end)
    return spans.filter(spans.start <= spans.end)


def _count_covered(spans: pd.DataFrame, keys: Sequence[str], horizon: int) -> pd.DataFrame:
    """Count how many spans of days cover each day `k` from 1 to the horizon.

    Args:
        spans: `n` spans per row, from day `start` to day `end`, both among these days.
        keys: columns to count by.
        horizon: the last day.

    Returns:
        One row per group and day that a span covers: the keys, `k` and `n`.
    """
    # One more is covered from the first day of a span on, and one less from the day after it on.
    n, start, end = (spans[name].to_numpy(dtype=np.int64) for name in ("n", "start", "end"))
    group = spans.groupby(list(keys), dropna=False, sort=False).ngroup().to_numpy()
    groups = spans[list(keys)].drop_duplicates()
    change = np.zeros((len(groups), horizon + 2), dtype=np.int64)
    np.add.at(change, (group, start), n)
    np.subtract.at(change, (group, end + 1), n)
    covered = change.cumsum(axis=1)[:, : horizon + 1]
    row, k = covered.nonzero()
    return groups.iloc[row].assign(k=k, n=covered[row, k]).reset_index(drop=True)


def _count(users: ir.Table, columns: Sequence[str]) -> pd.DataFrame:
    counts: pd.DataFrame = users.group_by(list(columns)).agg(n=users.count()).to_pandas()
    return counts.sort_values(list(columns), ignore_index=True)


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
