"""From the types that columns lie in to the types of the contract."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from siyu.data.contract import Kind
from siyu.data.layout import TIME_UNITS
from siyu.data.zones import to_utc

# A clock time and, at the end, an offset, a Z or the name of a zone.
_ZONED = r":\d{2}.*([+-]\d{2}(:?\d{2})?|[A-Za-z_]+)$"
_EXACT_FLOAT = 2**53
_MICROSECONDS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
_CALENDAR = (-62_135_596_800_000_000, 253_402_300_799_999_999)
"""The years 1 to 9999, in microseconds since 1970."""


@ibis.udf.scalar.builtin(name="try_strptime")  # type: ignore[untyped-decorator]
def _parse_time(text: str, pattern: str) -> dt.timestamp: ...


class TypeMismatchError(Exception):
    """The type of a column cannot hold what the column should; arguments: rule and remedy."""


@dataclass(frozen=True, kw_only=True)
class Typed:
    """A column in the contract's type; null where a value cannot be brought into it."""

    value: ir.Value
    naive: ir.BooleanValue | None = None
    """True where a time has no zone and none is declared."""
    sound: ir.Value | None = None
    """The same where no value fails, without asking each of them; None: there is no such."""


def convert(value: ir.Value, kind: Kind, *, unit: str, zone: ZoneInfo | None) -> Typed:
    """Bring a column into the type of its kind.

    Args:
        value: the column as it lies.
        kind: what it should hold.
        unit: of times: one of `TIME_UNITS` since 1970 UTC, a strptime pattern, or "" for neither.
        zone: the zone of times without zone; None: not declared.

    Raises:
        TypeMismatchError: no value of the column's type can be of this kind.
    """
    if kind == "instant":
        return _instant(value, unit, zone)
    if kind == "id":
        return Typed(value=_id(value))
    if kind == "text":
        return Typed(value=_text(value))
    if kind == "day":
        return Typed(value=_day(value))
    return _number(value, kind)


def is_blank(text: ir.StringValue) -> ir.BooleanValue:
    """Say whether a text holds nothing but blanks."""
    # Only what sorts before "!" can begin with a blank; to strip every id would take long.
    return (text < "!").ifelse(text.strip() == "", False)


def _id(value: ir.Value) -> ir.StringValue:
    dtype = value.type()
    if dtype.is_floating():
        # Above 2^53 a float has lost digits of the id; a fraction was never one.
        whole = (value.abs() <= _EXACT_FLOAT) & (value == value.floor())
        return ibis.cases((whole, value.try_cast("int64").cast("string")))
    if dtype.is_string():
        return value
    if dtype.is_integer() or dtype.is_uuid() or (dtype.is_decimal() and dtype.scale == 0):
        return value.cast("string")
    raise TypeMismatchError(f"wrong type: {dtype} is no id", "store ids as text")


def _text(value: ir.Value) -> ir.StringValue:
    return value if value.type().is_string() else value.cast("string")


def _day(value: ir.Value) -> ir.DateValue:
    dtype = value.type()
    if dtype.is_date():
        return value
    if dtype.is_string() or (dtype.is_timestamp() and dtype.timezone is None):
        return value.try_cast("date")
    raise TypeMismatchError(f"wrong type: {dtype} is no calendar day", "store days as dates")


def _number(value: ir.Value, kind: Kind) -> Typed:
    dtype = value.type()
    if not (dtype.is_numeric() or dtype.is_string()) or dtype.is_boolean():
        raise TypeMismatchError(f"wrong type: {dtype} is no number", "store it as a number")
    if kind == "money":
        return Typed(value=value.try_cast("decimal(18, 2)"))
    if dtype.is_integer() and kind == "count":
        return Typed(value=value.try_cast("int64"))
    number = value.try_cast("float64")
    # As exact as asking for NaN and infinity, in less than half the time.
    finite = number.between(-sys.float_info.max, sys.float_info.max)
    if kind == "share":
        return Typed(value=ibis.cases((finite, number)), sound=number)
    # The engine would round 3.7 to 4.
    return Typed(value=ibis.cases((finite & (number == number.floor()), value.try_cast("int64"))))


def _instant(value: ir.Value, unit: str, zone: ZoneInfo | None) -> Typed:
    dtype = value.type()
    if unit in TIME_UNITS:
        return Typed(value=_epoch(value, unit))
    if unit:
        if not dtype.is_string():
            raise TypeMismatchError(f"wrong type: {dtype} has no pattern", "remove it under times")
        parsed = _parse_time(value, unit)
        if "%z" in unit or "%Z" in unit:
            return Typed(value=parsed.cast("timestamp('UTC')"))
        return _from_naive(parsed, zone)
    if dtype.is_timestamp() and dtype.timezone is not None:
        return Typed(value=value)
    if dtype.is_timestamp() or dtype.is_date():
        return _from_naive(value.cast("timestamp"), zone)
    if dtype.is_string():
        return _from_text(value, zone)
    remedy = f"say under times which of {', '.join(TIME_UNITS)} it counts"
    raise TypeMismatchError(f"wrong type: {dtype} is no time", remedy)


def _from_text(text: ir.StringValue, zone: ZoneInfo | None) -> Typed:
    trimmed = text.strip()
    # Words such as "infinity" are times to the engine, not to us.
    digits = trimmed.re_search(r"^\d").ifelse(trimmed, ibis.null("string"))
    zoned = digits.re_search(_ZONED)
    naive = _from_naive(digits.try_cast("timestamp"), zone)
    value = zoned.ifelse(digits.try_cast("timestamp('UTC')"), naive.value)
    return Typed(value=value, naive=None if naive.naive is None else naive.naive & ~zoned)


def _from_naive(naive: ir.TimestampValue, zone: ZoneInfo | None) -> Typed:
    if zone is None:
        unknown = naive.nullif(naive).cast("timestamp('UTC')")
        return Typed(value=unknown, naive=naive.notnull())
    times = naive.name("time").as_table()
    ends = times.aggregate(first=times.time.min(), last=times.time.max()).to_pyarrow()
    first, last = (ends[end][0].as_py() or datetime.min for end in ("first", "last"))
    return Typed(value=to_utc(naive, zone, first.replace(tzinfo=UTC), last.replace(tzinfo=UTC)))


def _epoch(value: ir.Value, unit: str) -> ir.TimestampValue:
    if not (value.type().is_numeric() or value.type().is_string()):
        raise TypeMismatchError(f"wrong type: {value.type()} is no {unit}", "remove it under times")
    if unit == "epoch_ns":
        # The engine divides in floating point, which holds seconds exactly but not nanoseconds.
        whole = value.try_cast("int64")
        part = whole % 1_000_000_000
        seconds = ((whole - part) / 1_000_000_000).round().cast("int64")
        micros = seconds * 1_000_000 + part // 1_000
    else:
        micros = (value.try_cast("decimal(24, 6)") * _MICROSECONDS[unit]).try_cast("int64")
    since_1970 = ibis.timestamp("1970-01-01") + micros.as_interval("us")
    # Milliseconds read as seconds are a time, too, but none of our calendar.
    return micros.between(*_CALENDAR).ifelse(
        since_1970.cast("timestamp('UTC')"), ibis.null("timestamp('UTC')")
    )
