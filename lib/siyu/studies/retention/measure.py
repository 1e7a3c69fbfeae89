"""Reduce a pool to who was added when, for how long each was followed, and the days they stayed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from functools import reduce
from operator import or_
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from siyu.data import Source
from siyu.data.sorted_log import SortedLog
from siyu.data.zones import count_us, elapsed_us, start_of_day
from siyu.phrases import phrase
from siyu.studies.bits import gather
from siyu.studies.breakdown import find_parted, resolve
from siyu.studies.events import find_unknown, known_events
from siyu.studies.naming import names_of, segmented
from siyu.studies.retention.definition import Definition, RetentionError
from siyu.studies.retention.measures import Measures

_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
_BLOCK_DAYS, _PART_DAYS, _ROUND_BLOCKS = 56, 7, 2
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
    users = breakdown.attach(added).cache() if breakdown.by else added
    stays = _count(users, [*breakdown.columns, "hours", "outcome"])
    parted = find_parted(stays, breakdown)
    breakdown = breakdown.without({one: phrase("retention.leak", column=one) for one in parted})
    keys = [*breakdown.columns, "cohort", "seen"]
    basis, log = added, pool.sorted_log
    if definition.retained_as == "active" and log is not None:
        _require_known(pool, definition.return_events)
        kept = _count_sorted(pool, log, users, keys, definition)
    elif definition.retained_as == "active":
        basis = _returns(pool, added, definition, first)
        kept = _count_days(basis.join(users, "number"), keys, definition)
    else:
        kept = _count_covered(_count(_connected(users, keys, definition), [*keys, "end"]), keys)
    tables = {"risk": _count(users, keys), "kept": kept, "stays": stays}
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
        basis=basis,
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
    _require_known(pool, definition.return_events)
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
    """Give per user the last day, up to the horizon, at whose `end` the user was still there."""
    spans = users.select(*keys, end=ibis.least(users.there, definition.horizon))
    return spans.filter(spans.end >= 1)


def _returns(pool: Source, added: ir.Table, definition: Definition, first: date) -> ir.Table:
    """Give the users who came back after the first day: their `number`, and as bits the days since
    the addition on which they did, `_BLOCK_DAYS` in each of `days_0`, `days_1`, ... from day 1 on.

    They stay in the engine as long as the measures do, and serve every other definition of the same
    returns meanwhile.
    """
    back = find_returns(pool, definition)
    # Nobody was added earlier: the engine need not read what happened before.
    back = back.filter(back.at >= ibis.literal(start_of_day(first, ZoneInfo(pool.timezone))))
    if definition.clock == "calendar":
        both = added.join(back.mutate(at=pool.day(back.at)), "user_id")
        day = both.at.delta(both.joined_on, unit="day")
    else:
        both = added.join(back, "user_id")
        day = elapsed_us(both.reached_1_at, both.at) // _DAY_US
    days = both.select("number", day=day.cast("int32"))
    # Rounded up, so that definitions of other days have the same returns.
    n_blocks = -(-(definition.horizon + definition.extra_days) // _BLOCK_DAYS)
    n_blocks = -(-n_blocks // _ROUND_BLOCKS) * _ROUND_BLOCKS
    days = days.filter(days.day.between(1, n_blocks * _BLOCK_DAYS))
    blocks = gather(days.day - 1, n_blocks, size=_BLOCK_DAYS)
    found = {f"days_{place}": block for place, block in enumerate(blocks)}
    return days.group_by("number").agg(**found).cache()


def _count_sorted(
    pool: Source, log: SortedLog, users: ir.Table, keys: Sequence[str], definition: Definition
) -> pd.DataFrame:
    """Count as `_count_days` does, in one compiled pass over a prepared log."""
    from siyu.studies.retention.passes import count_days

    by_calendar = definition.clock == "calendar"
    begin = users.joined_on if by_calendar else count_us(users.reached_1_at)
    people = users.select("user_id", *keys, begin=begin).to_pyarrow()
    begins = people["begin"].cast(pa.int32()) if by_calendar else people["begin"]
    group, groups = _number_people(people.select(keys))
    counts = count_days(
        log,
        definition,
        people["user_id"].to_numpy(),
        begins.to_numpy().astype(np.int64),
        group,
        pool.offsets(),
    )
    return _list(counts, groups)


def _number_people(people: pa.Table) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Number groups as `_number` does, of a row per user: pandas would take a while."""
    number = np.zeros(len(people), dtype=np.int64)
    for column in people.columns:
        values = column.combine_chunks().dictionary_encode(null_encoding="encode")
        crossed = number * len(values.dictionary) + values.indices.to_numpy()
        number, _ = pd.factorize(crossed)
    first = np.empty(number.max(initial=-1) + 1, dtype=np.int64)
    # Of equal places the last one written stays.
    first[number[::-1]] = np.arange(len(number))[::-1]
    groups = people.take(first).to_pandas(date_as_object=False)
    return number, groups.astype({"cohort": "datetime64[s]"})  # as Ibis gives dates


def _require_known(pool: Source, names: Collection[str]) -> None:
    if problem := find_unknown(names, known_events(pool, names)):
        raise RetentionError(problem)


def _count_days(returns: ir.Table, keys: Sequence[str], definition: Definition) -> pd.DataFrame:
    """Count who stayed on each day `k` from 1 to the horizon.

    The engine counts how often each part of `_PART_DAYS` days looks as it does, far fewer rows than
    users or days: to ask it for every single day takes three times as long.

    Args:
        returns: per user the keys, and the days of return as bits.
        keys: columns to count by.
        definition: what staying is.

    Returns:
        One row per group and day with users: the keys, `k` and `n`.
    """
    names = [name for name in returns.columns if name.startswith("days_")]
    is_within = definition.kind == "within"
    stayed = _first(returns, names) if is_within else _ahead(returns, names, definition)
    parts = []
    for first in range(0, definition.horizon, _PART_DAYS):
        block = stayed[names[first // _BLOCK_DAYS]]
        days = (block >> first % _BLOCK_DAYS) & (2**_PART_DAYS - 1)
        parts.append(days + (first // _PART_DAYS << _PART_DAYS))
    seen = stayed.select(*keys, part=ibis.array(parts).unnest())
    counts = _count(seen.filter(seen.part % 2**_PART_DAYS > 0), [*keys, "part"])
    group, groups = _number(counts, keys)
    part, n = (counts[name].to_numpy(dtype=np.int64) for name in ("part", "n"))
    by_day = np.zeros((len(groups), 1 + len(parts) * _PART_DAYS), dtype=np.int64)
    for place in range(_PART_DAYS):
        k = 1 + (part >> _PART_DAYS) * _PART_DAYS + place
        np.add.at(by_day, (group, k), n * (part >> place & 1))
    if is_within:
        by_day = by_day.cumsum(axis=1)
    return _list(by_day[:, : definition.horizon + 1], groups)


def _first(returns: ir.Table, names: Sequence[str]) -> ir.Table:
    """Leave of each user's days of return, in the columns named, the first."""
    first, earlier = {}, ibis.literal(0)
    for name in names:
        block = returns[name]
        first[name] = ibis.ifelse(earlier == 0, block & -block, 0)
        earlier = earlier | block
    return returns.mutate(**first)


def _ahead(returns: ir.Table, names: Sequence[str], definition: Definition) -> ir.Table:
    """Add to the days of return the `extra_days` before each, on which it counts as well."""
    width = 1
    while width <= definition.extra_days:
        step = min(width, definition.extra_days + 1 - width)
        blocks = [returns[name] for name in names]
        added = {
            name: reduce(or_, _earlier(blocks, place, step), blocks[place])
            for place, name in enumerate(names)
        }
        # Ibis would write a table that is no view out in full wherever a column of it stands.
        returns = returns.mutate(**added).view()
        width += step
    return returns


def _earlier(
    blocks: Sequence[ir.IntegerColumn], place: int, days: int
) -> Iterator[ir.IntegerValue]:
    """Give what the block at a place would hold, had everything been so many days earlier."""
    skipped, rest = divmod(days, _BLOCK_DAYS)
    near, far = blocks[place + skipped :][:1], blocks[place + skipped + 1 :][:1]
    yield from (block >> rest for block in near)
    if rest:
        # Nothing may be shifted out of a whole number: some engines take that for an overflow.
        yield from ((block & (2**rest - 1)) << (_BLOCK_DAYS - rest) for block in far)


def _count_covered(spans: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Count how many spans of days cover each day `k`.

    Args:
        spans: `n` spans per row, from day 1 to day `end`.
        keys: columns to count by.

    Returns:
        One row per group and day that a span covers: the keys, `k` and `n`.
    """
    group, groups = _number(spans, keys)
    ends = np.zeros((len(groups), spans["end"].max() + 1 if len(spans) else 1), dtype=np.int64)
    np.add.at(ends, (group, spans["end"].to_numpy()), spans["n"].to_numpy())
    covered = ends[:, ::-1].cumsum(axis=1)[:, ::-1]
    covered[:, 0] = 0
    return _list(covered, groups)


def _number(rows: pd.DataFrame, keys: Sequence[str]) -> tuple[NDArray[Any], pd.DataFrame]:
    """Number the groups of rows in their order; return each row's number, and the groups."""
    number = rows.groupby(list(keys), dropna=False, sort=False).ngroup().to_numpy()
    return number, rows[list(keys)].drop_duplicates()


def _list(counts: NDArray[np.int64], groups: pd.DataFrame) -> pd.DataFrame:
    """List the counts above 0, per group and day."""
    row, k = counts.nonzero()
    return groups.iloc[row].assign(k=k, n=counts[row, k]).reset_index(drop=True)


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
