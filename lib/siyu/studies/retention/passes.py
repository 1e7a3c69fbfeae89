"""Returns in one compiled pass over the sorted rows of a prepared log.

To import this module takes numba.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from siyu.data.sorted_log import SortedLog

_DAY_US = 24 * 3_600_000_000
Ints = NDArray[np.int64]
Offsets = tuple[Ints, Ints]
"""Of a business zone, from `Source.offsets`."""


def gather_days(
    log: SortedLog,
    events: Iterable[str],
    users: NDArray[np.int32],
    begins: Ints,
    offsets: Offsets | None,
    *,
    n_blocks: int,
    size: int,
) -> Ints:
    """Gather the days on which users came back, as bits.

    Args:
        log: the rows.
        events: what is a return.
        users: who counts.
        begins: of each, the day of the addition (since 1970), or without `offsets` its instant, in
            microseconds since 1970.
        offsets: days are those of this zone; None: 24 hours from the addition.
        n_blocks: how many sets of bits.
        size: days in each, at most 62.

    Returns:
        Per set and user, the days from day 1 on, the first one lowest.
    """
    bits = np.zeros((n_blocks, len(users)), dtype=np.int64)
    until, ahead = offsets or (np.array([np.iinfo(np.int64).max]), np.zeros(1, dtype=np.int64))
    _gather_days(
        log.first,
        log.at,
        log.columns["event"].codes,
        log.mark([events]),
        users,
        begins,
        until,
        ahead,
        offsets is not None,
        log.from_us,
        log.until_us,
        size,
        bits,
    )
    return bits


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
    counts = np.zeros((int(cohorts.max(initial=-1)) + 1, int(units[-1]) + 1), dtype=np.int64)
    _count_units(
        log.first,
        log.at,
        log.columns["event"].codes,
        log.mark([events]),
        users,
        added_us,
        cohorts,
        *offsets,
        log.from_us,
        log.until_us,
        units,
        first_day,
        counts,
    )
    return counts


@njit(cache=True, nogil=True)
def _gather_days(
    first: Ints,
    at: Ints,
    event: NDArray[np.uint16],
    marks: NDArray[np.uint16],
    users: NDArray[np.int32],
    begins: Ints,
    until: Ints,
    ahead: Ints,
    by_calendar: bool,
    known_from: int,
    known_until: int,
    size: int,
    bits: Ints,
) -> None:
    """Set the bits."""
    for place in range(len(users)):
        offset = 0
        for row in range(first[users[place]], first[users[place] + 1]):
            now = at[row]
            if marks[event[row]] == 0 or now < known_from:
                continue
            if now >= known_until:
                break
            if by_calendar:
                while now >= until[offset]:
                    offset += 1
                day = (now + ahead[offset]) // _DAY_US - begins[place] - 1
            else:
                day = (now - begins[place]) // _DAY_US - 1
            if 0 <= day < size * len(bits):
                bits[day // size, place] |= 1 << (day % size)


@njit(cache=True, nogil=True)
def _count_units(
    first: Ints,
    at: Ints,
    event: NDArray[np.uint16],
    marks: NDArray[np.uint16],
    users: NDArray[np.int32],
    added_us: Ints,
    cohorts: Ints,
    until: Ints,
    ahead: Ints,
    known_from: int,
    known_until: int,
    units: Ints,
    first_day: int,
    counts: Ints,
) -> None:
    """Count up."""
    for place in range(len(users)):
        offset, seen = 0, -1
        for row in range(first[users[place]], first[users[place] + 1]):
            now = at[row]
            if marks[event[row]] == 0 or now < known_from or now < added_us[place]:
                continue
            if now >= known_until:
                break
            while now >= until[offset]:
                offset += 1
            unit = units[(now + ahead[offset]) // _DAY_US - first_day]
            if unit > seen:
                counts[cohorts[place], unit] += 1
                seen = unit
