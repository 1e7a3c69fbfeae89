"""The plain funnel in one compiled pass over sorted rows: what `histories` finds, of prepared logs.

To import this module takes numba. A user's rows are seen once, instant by instant; of each step the
latest start that arrives there is carried, as in `chains`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from siyu.data.compiled import compiled
from siyu.data.sorted_log import Rows, SortedLog, count_us, side_by_side
from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.spans import Span

_NEVER = np.iinfo(np.int64).max
_INSTANT = pa.timestamp("us", tz="UTC")
Ints = NDArray[np.int64]


def follow_sorted(
    log: SortedLog,
    definition: Definition,
    *,
    starts_from: datetime,
    starts_until: datetime,
    at_start: Mapping[str, str],
) -> pa.Table:
    """Follow every user of a plain funnel.

    Args:
        log: the rows.
        definition: a funnel that `histories.serves`.
        starts_from: first instant at which an attempt may begin (aware).
        starts_until: last instant at which an attempt may begin, inclusive (aware).
        at_start: columns of the log whose value at the first start is wanted, by the name to give.

    Returns:
        The rows that `chains.follow` gives, with codes of persons, and `depth`: the steps reached.
    """
    rows = log.rows(definition.names)
    n_persons, n_steps = len(log.first) - 1, len(definition.steps)
    reached = np.empty((n_persons, n_steps), dtype=np.int64)
    entry = np.empty((n_persons, 2), dtype=np.int64)

    def follow(part: slice) -> None:
        _follow(
            _of(rows, part),
            max(count_us(starts_from), log.from_us),
            count_us(starts_until),
            _window_us(definition),
            definition.entry == "first",
            definition.ties == "strict",
            reached[part],
            entry[part],
        )

    side_by_side(follow, n_persons)
    users = np.flatnonzero(reached[:, 0] != _NEVER)
    row = _first_rows(log, entry[users], rows.marks, list(at_start.values()))
    found, depth = {"user_id": pa.array(users.astype(np.int32))}, np.zeros(len(users), np.int64)
    for k in range(n_steps):
        at = reached[users, k]
        depth += at != _NEVER
        found[f"reached_{k + 1}_at"] = pa.array(at, mask=at == _NEVER).view(_INSTANT)
    found["depth"] = pa.array(depth)
    for ours, name in at_start.items():
        column = log.columns[name]
        codes = column.codes[row]
        places = pa.array(codes, mask=codes == len(column.values))
        values = pa.array(column.values, pa.string())
        found[ours] = pa.DictionaryArray.from_arrays(places, values).cast(pa.string())
    return pa.table(found)


def follow_weeks_sorted(
    log: SortedLog, definition: Definition, span: Span, mondays: Ints
) -> tuple[Ints, Ints, Ints]:
    """Follow every user of a plain funnel from the first start of each week.

    Args:
        log: the rows.
        definition: a funnel that `histories.serves`, with a window.
        span: when attempts may begin.
        mondays: when each week of the entry period begins, in microseconds since 1970, and when the
            last one ends; at most 62 weeks.

    Returns:
        Per person the weeks with a start whose window has closed, those of them from whose first
        start the user converted, and the weeks with a start that is too recent: as bits, the first
        week lowest.
    """
    rows = log.rows(definition.names)
    n_persons = len(log.first) - 1
    bits = np.zeros((n_persons, 3), dtype=np.int64)

    def follow(part: slice) -> None:
        _follow_weeks(
            _of(rows, part),
            len(definition.steps),
            max(count_us(span.entry_from), log.from_us),
            count_us(span.eligible_until),
            mondays,
            _window_us(definition),
            definition.ties == "strict",
            bits[part],
        )

    side_by_side(follow, n_persons)
    started, converted, recent = bits.T
    return started, converted, recent


def tally_sorted(
    log: SortedLog, definition: Definition, users: NDArray[np.int32], *, since: datetime
) -> tuple[Ints, int, int]:
    """Count what users did from an instant on, in whatever order.

    Args:
        log: the rows.
        definition: the funnel.
        users: who counts.
        since: first instant of a row that counts (aware).

    Returns:
        Per step the users who did it, where a repeated step needs as many rows; the rows that can
        be a step and share their user's instant with another; all rows that can be a step.
    """
    names = definition.names
    needed = np.array([names[:k].count(one) for k, one in enumerate(names, 1)], dtype=np.int64)
    done = np.zeros(len(names), dtype=np.int64)
    since_us = max(count_us(since), log.from_us)
    tied, n_rows = _tally(log.rows(names), users, since_us, needed, done)
    return done, tied, n_rows


def _of(rows: Rows, part: slice) -> Rows:
    """Leave only the rows of a part of all persons."""
    return rows._replace(first=rows.first[part.start : part.stop + 1])


def _window_us(definition: Definition) -> int:
    if definition.window is None:
        return int(_NEVER)
    return round(definition.window.total_seconds() * 1e6)


def _first_rows(log: SortedLog, rows: Ints, marks: NDArray[np.uint16], wanted: list[str]) -> Ints:
    """Choose of each user's starts at the first instant the one with the smallest values.

    Args:
        log: the rows.
        rows: per user, the first row of that instant and the row after the last.
        marks: the first bit tells which names are a start.
        wanted: columns whose values are compared, the first one first.
    """
    first, end = rows.T
    (tied,) = (end - first > 1).nonzero()
    chosen: Ints = first.copy()
    if not wanted or not len(tied):
        return chosen
    n_rows = (end - first)[tied]
    owner = np.repeat(tied, n_rows)
    row = np.repeat(first[tied] - (n_rows.cumsum() - n_rows), n_rows) + np.arange(n_rows.sum())
    starts = (marks[log.columns["event"].codes[row]] & 1).astype(bool)
    owner, row = owner[starts], row[starts]
    order = np.lexsort([*(log.columns[name].codes[row] for name in reversed(wanted)), owner])
    # Of equal places the last one written stays.
    chosen[owner[order[::-1]]] = row[order[::-1]]
    return chosen


@compiled
def _follow(
    log: Rows,
    starts_from: int,
    starts_until: int,
    window: int,
    only_first: bool,
    strict: bool,
    reached: Ints,
    entry: Ints,
) -> None:
    """Fill in per person when each step was reached, and the rows of the first start's instant."""
    first, at, event, marks = log.first, log.at, log.event, log.marks
    n_steps = reached.shape[1]
    latest = np.empty(n_steps, dtype=np.int64)
    for person in range(len(first) - 1):
        row, end = first[person], first[person + 1]
        reached[person] = _NEVER
        entered = False
        while row < end and at[row] < log.until_us:
            now, began, mark = at[row], row, 0
            while row < end and at[row] == now:
                mark |= marks[event[row]]
                row += 1
            if mark == 0 or now < starts_from:
                continue
            starts = mark & 1 and now <= starts_until and not (only_first and entered)
            if not entered:
                if now > starts_until:
                    break
                if not starts:
                    continue
                entered = True
                latest[:] = _NEVER
                reached[person, 0] = now
                entry[person, 0], entry[person, 1] = began, row
            # Rows of one instant may follow each other, unless ties are strict: then a step looks
            # at what the one before had reached earlier.
            if starts and not strict:
                latest[0] = now
            for place in range(1, n_steps):
                step = n_steps - place if strict else place
                before = latest[step - 1]
                if mark >> step & 1 and before != _NEVER and now - before <= window:
                    latest[step] = before
                    reached[person, step] = min(reached[person, step], now)
            if starts and strict:
                latest[0] = now
            if reached[person, n_steps - 1] != _NEVER:
                break


@compiled
def _follow_weeks(
    log: Rows,
    n_steps: int,
    starts_from: int,
    closed_until: int,
    mondays: Ints,
    window: int,
    strict: bool,
    bits: Ints,
) -> None:
    """Set of each person the bits of weeks: started, converted, too recent."""
    first, at, event, marks = log.first, log.at, log.event, log.marks
    for person in range(len(first) - 1):
        row, end = first[person], first[person + 1]
        week, last_week = 0, -1
        while row < end and at[row] < log.until_us:
            now = at[row]
            if now < starts_from or marks[event[row]] & 1 == 0:
                row += 1
                continue
            while now >= mondays[week + 1]:
                week += 1
            if week == last_week:
                row += 1
                continue
            last_week = week
            if now > closed_until:
                bits[person, 2] |= 1 << week
                continue
            bits[person, 0] |= 1 << week
            ahead, reached = row, 0
            # The first row of this instant may be of a later step.
            while ahead > first[person] and at[ahead - 1] == now:
                ahead -= 1
            while ahead < end and at[ahead] < log.until_us and at[ahead] - now <= window:
                then, mark = at[ahead], 0
                while ahead < end and at[ahead] == then:
                    mark |= marks[event[ahead]]
                    ahead += 1
                before = reached
                if then == now:
                    reached |= 1
                for step in range(1, n_steps):
                    arrived = before if strict else reached
                    if mark >> step & 1 and arrived >> (step - 1) & 1:
                        reached |= 1 << step
                if reached >> (n_steps - 1) & 1:
                    bits[person, 1] |= 1 << week
                    break


@compiled
def _tally(
    log: Rows,
    users: NDArray[np.int32],
    since: int,
    needed: Ints,
    done: Ints,
) -> tuple[int, int]:
    """Count into `done`; return the tied rows and all rows of steps."""
    first, at, event, marks = log.first, log.at, log.event, log.marks
    tied = n_rows = 0
    times = np.empty(len(needed), dtype=np.int64)
    for person in users:
        times[:] = 0
        same, now = 0, np.int64(0)
        for row in range(first[person], first[person + 1]):
            mark = marks[event[row]]
            if mark == 0 or at[row] < since or at[row] >= log.until_us:
                continue
            for step in range(len(needed)):
                times[step] += mark >> step & 1
            n_rows += 1
            if same and at[row] == now:
                same += 1
                tied += 2 if same == 2 else 1
            else:
                same, now = 1, at[row]
        for step in range(len(needed)):
            done[step] += times[step] >= needed[step]
    return tied, n_rows
