"""Instants and the calendar of one time zone, without asking the engine what a zone is.

Engines disagree about zones, or need extensions for them. A zone is a few offsets and the instants
at which they change, so the conversion is a CASE over those in the span of the data: for
Asia/Shanghai, one constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import numpy as np
from numpy.typing import NDArray

from siyu.data.problems import Problem, SourceError, suggest

_MARGIN = timedelta(days=400)
"""Beyond the data on either side: studies look some months back and ahead of what was observed."""
_FIRST, _LAST = datetime(1902, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_STEP = timedelta(days=7)
"""Shorter than the shortest time between two changes of offset (Ramadan in Morocco: a month)."""
_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)
_FROM_US = ((dt.int64,), dt.Timestamp("UTC"))
_HOUR_US, _WEEK_HOURS = 3_600_000_000, 7 * 24
DAY_US = 24 * _HOUR_US
"""Microseconds in 24 hours."""
# The first of January of year 1 was a Monday: nothing that is counted from it is negative.
_FIRST_MONDAY_US = (datetime(1, 1, 1) - _EPOCH) // _MICROSECOND


# To cast an instant to a time without zone, DuckDB asks its calendar about every row, even in UTC;
# the microseconds lie there as they are.
@ibis.udf.scalar.builtin(name="epoch_us")  # type: ignore[untyped-decorator]
def count_us(at: dt.timestamp) -> dt.int64:
    """Count the microseconds from 1970 to an instant, or to a wall-clock time on its own clock."""


@ibis.udf.scalar.builtin(name="make_timestamp")  # type: ignore[untyped-decorator]
def _wall_clock(us: dt.int64) -> dt.timestamp: ...


# The floor division of Ibis divides floating-point numbers, which is slower and, of so many
# microseconds, not exact.
@ibis.udf.scalar.builtin(name="divide")  # type: ignore[untyped-decorator]
def _divide(number: dt.int64, by: dt.int64) -> dt.int64: ...


@ibis.udf.scalar.builtin(name="make_timestamptz", signature=_FROM_US)  # type: ignore[untyped-decorator]
def _instant(us: dt.int64) -> dt.timestamp: ...


def elapsed_us(earlier: ir.TimestampValue, later: ir.TimestampValue) -> ir.IntegerValue:
    """Count the microseconds from one instant to another, both with a zone or both without."""
    return count_us(later) - count_us(earlier)


def hour_of_week(local: ir.TimestampValue) -> ir.IntegerValue:
    """Count the hours since Monday began, 0 to 167, on a wall clock: a day has 24 of them there.

    Many times faster than to ask the engine's calendar for the weekday and the hour.
    """
    return (_divide(count_us(local) - _FIRST_MONDAY_US, _HOUR_US) % _WEEK_HOURS).cast("int16")


def without_zone(column: ir.TimestampValue) -> ir.TimestampValue:
    """Turn instants into wall-clock time of UTC, with which engines reckon much faster."""
    return _wall_clock(count_us(column))


def find_zone(name: str) -> ZoneInfo:
    """Look a time zone up by its IANA name.

    Raises:
        SourceError: there is no such zone; the message names the nearest.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        remedy = suggest(name, available_timezones()) if name else ""
        near = remedy if remedy.startswith("did") else "use an IANA name such as 'Asia/Shanghai'"
        raise SourceError(
            Problem(rule=f"timezone = {name!r} is not a time zone", remedy=near)
        ) from error


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a calendar day, in UTC.

    Where midnight does not exist (clocks leap over it) this is the instant of the leap; where it
    comes twice, the first.
    """
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def to_local(
    column: ir.TimestampValue, zone: ZoneInfo, first: datetime, last: datetime
) -> ir.TimestampValue:
    """Turn instants into the wall-clock time of a zone.

    Args:
        column: instants, `timestamp('UTC')`, or the same without a zone.
        zone: the zone of the wall clock.
        first: aware; no instant in the data is earlier. Earlier ones would get the offset in force
            a year before it.
        last: aware; no instant in the data is later, and the same.

    Returns:
        Naive local timestamps.
    """
    changes = list(_changes(zone, first, last))
    until = [at.replace(tzinfo=None) for at, _, _ in changes[1:]]
    return _wall_clock(_shift(count_us(column), changes, sign=1, until=until))


def list_offsets(
    zone: ZoneInfo, first: datetime, last: datetime
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the offsets of a zone over a span, as `to_local` takes it.

    Returns:
        Until when each holds, in microseconds since 1970 (the last one for ever), and how many
        microseconds the wall clock is ahead of UTC.
    """
    changes = list(_changes(zone, first, last))
    until = [(at.replace(tzinfo=None) - _EPOCH) // _MICROSECOND for at, _, _ in changes[1:]]
    offsets = [offset // _MICROSECOND for _, _, offset in changes]
    return np.array([*until, np.iinfo(np.int64).max]), np.array(offsets)


def to_utc(
    column: ir.TimestampValue, zone: ZoneInfo, first: datetime, last: datetime
) -> ir.TimestampValue:
    """Turn wall-clock times of a zone into instants.

    An hour that comes twice (clocks go back) is read as the first of the two, and an hour that
    never was (clocks go forward) as if they had not moved yet: `fold=0` of PEP 495.

    Args:
        column: naive local timestamps.
        zone: the zone of the wall clock.
        first: aware; no time in the data is earlier, to within a day.
        last: aware; no time in the data is later, to within a day.

    Returns:
        Instants, `timestamp('UTC')`.
    """
    changes = list(_changes(zone, first, last))
    until = [at.replace(tzinfo=None) + max(before, offset) for at, before, offset in changes[1:]]
    return _instant(_shift(count_us(column), changes, sign=-1, until=until))


def _shift(
    us: ir.IntegerValue,
    changes: list[tuple[datetime, timedelta, timedelta]],
    *,
    sign: int,
    until: list[datetime],
) -> ir.IntegerValue:
    *earlier, latest = [us + sign * (offset // _MICROSECOND) for _, _, offset in changes]
    if not earlier:
        return latest
    branches = [
        (us < (end - _EPOCH) // _MICROSECOND, value)
        for end, value in zip(until, earlier, strict=True)
    ]
    return ibis.cases(*branches, else_=latest)


def _changes(
    zone: ZoneInfo, first: datetime, last: datetime
) -> Iterator[tuple[datetime, timedelta, timedelta]]:
    """Yield (instant, offset before, offset from then on), first for the start of the span."""
    at = max(first, _FIRST).replace(microsecond=0) - _MARGIN
    end = min(last, _LAST) + _MARGIN
    offset = _offset(zone, at)
    yield at, offset, offset
    while at < end:
        ahead = at + _STEP
        following = _offset(zone, ahead)
        if following != offset:
            yield _change_between(zone, at, ahead), offset, following
        at, offset = ahead, following


def _change_between(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    offset = _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if _offset(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return offset
