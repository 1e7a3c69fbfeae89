"""Returns in one compiled pass over the sorted rows of a prepared log.

To import this module takes numba.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from siyu.data.compiled import compiled
from siyu.data.sorted_log import Rows, SortedLog, side_by_side
from siyu.studies.retention.definition import Definition

_DAY_US = 24 * 3_600_000_000
Ints = NDArray[np.int64]
Offsets = tuple[Ints, Ints]
"""Of a business zone, from `Source.offsets`."""


def count_days(
    log: SortedLog,
    definition: Definition,
    users: NDArray[np.int32],
    begins: Ints,
    groups: Ints,
    offsets: Offsets,
) -> Ints:
    """Count who stayed on each day from 1 to the horizon, for "active".

    Args:
        log: the rows.
        definition: what staying is.
        users: who counts.
        begins: of each, the day of the addition (since 1970); by the clock "24h" its instant, in
            microseconds since 1970.
        groups: the number of each one's group, from 0 on.
        offsets: calendar days are those of this zone.

    Returns:
        Per group and day `k` (from 0 on, where nobody counts), users.
    """
    shape = (int(groups.max(initial=-1)) + 1, definition.horizon + 1)
    is_within = definition.kind == "within"
    rows = log.rows([definition.return_events])

    def count(part: slice) -> Ints:
        counts = np.zeros(shape, dtype=np.int64)
        _count_days(
            rows,
            users[part],
            begins[part],
            groups[part],
            *offsets,
            definition.clock == "calendar",
            definition.extra_days,
            is_within,
            counts,
        )
        return counts

    counts: Ints = np.sum(side_by_side(count, len(users)), axis=0)
    return counts.cumsum(axis=1) if is_within else counts


def count_units(
    log: SortedLog,
    events: Iterable[str],
    users: NDArray[np.int32],
    added_us: Ints,
    cohorts: Ints,
    offsets: Offsets,
    units: Ints,
    *,
    first_day: int,
) -> Ints:
    """Count the users of each cohort who came back in each calendar unit.

    Args:
        log: the rows.
        events: what is a return.
        users: who counts.
        added_us: when each was added, in microseconds since 1970: a return is not before.
        cohorts: the number of each one's cohort, from 0 on.
        offsets: days are those of this zone.
        units: the number of each day's unit, from 0 on, ascending.
        first_day: the first of these days (since 1970); nobody was added before.

    Returns:
        Per cohort and unit, users.
    """
    shape = (int(cohorts.max(initial=-1)) + 1, int(units[-1]) + 1)
    rows = log.rows([events])

    def count(part: slice) -> Ints:
        counts = np.zeros(shape, dtype=np.int64)
        of = (users[part], added_us[part], cohorts[part])
        _count_units(rows, *of, *offsets, units, first_day, counts)
        return counts

    counts: Ints = np.sum(side_by_side(count, len(users)), axis=0)
    return counts


@compiled
def _count_days(
    log: Rows,
    users: NDArray[np.int32],
    begins: Ints,
    groups: Ints,
    until: Ints,
    ahead: Ints,
    by_calendar: bool,
    extra_days: int,
    only_first: bool,
    counts: Ints,
) -> None:
    """Count up: a return counts on its day and on the `extra_days` before, each day once."""
    first, at, event, marks = log.first, log.at, log.event, log.marks
    for place in range(len(users)):
        offset, following = 0, 1
        for row in range(first[users[place]], first[users[place] + 1]):
            now = at[row]
            if marks[event[row]] == 0 or now < log.from_us:
                continue
            if now >= log.until_us or following == counts.shape[1]:
                break
            if by_calendar:
                while now >= until[offset]:
                    offset += 1
                day = (now + ahead[offset]) // _DAY_US - begins[place]
            else:
                day = (now - begins[place]) // _DAY_US
            if day < 1:
                continue
            for k in range(max(following, day - extra_days), min(day + 1, counts.shape[1])):
                counts[groups[place], k] += 1
            following = max(following, min(day + 1, counts.shape[1]))
            if only_first:
                break


@compiled
def _count_units(
    log: Rows,
    users: NDArray[np.int32],
    added_us: Ints,
    cohorts: Ints,
    until: Ints,
    ahead: Ints,
    units: Ints,
    first_day: int,
    counts: Ints,
) -> None:
    """Count up."""
    first, at, event, marks = log.first, log.at, log.event, log.marks
    for place in range(len(users)):
        offset, seen = 0, -1
        for row in range(first[users[place]], first[users[place] + 1]):
            now = at[row]
            if marks[event[row]] == 0 or now < log.from_us or now < added_us[place]:
                continue
            if now >= log.until_us:
                break
            while now >= until[offset]:
                offset += 1
            unit = units[(now + ahead[offset]) // _DAY_US - first_day]
            if unit > seen:
                counts[cohorts[place], unit] += 1
                seen = unit
