"""From a table as it lies to a table of the contract: names, values, types, instants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from siyu.data.checks import Rule
from siyu.data.contract import TABLES, Kind
from siyu.data.layout import EPOCHS, TableLayout
from siyu.data.problems import Problem, SourceError, suggest
from siyu.data.zones import to_utc

# A clock time and, at the end, an offset, a Z or the name of a zone.
_ZONED = r":\d{2}.*([+-]\d{2}(:?\d{2})?|[A-Za-z_]+)$"
_EXACT_FLOAT = 2**53
_CALENDAR = (-62_135_596_800_000_000, 253_402_300_799_999_999)
"""The years 1 to 9999, in microseconds since 1970."""
_WANTED: Mapping[Kind, str] = {
    "id": "an id",
    "text": "text",
    "instant": "a time",
    "day": "a day",
    "money": "an amount in yuan",
    "share": "a share",
    "count": "a whole number",
}
_NO_ZONE = "time without zone and no declared zone"
_DECLARE = "write naive_times: Asia/Shanghai (or timezone:) in source.yaml"


@ibis.udf.scalar.builtin(name="try_strptime")
def _parse_time(text: str, pattern: str) -> dt.timestamp: ...  # type: ignore[empty-body]


@dataclass(frozen=True, kw_only=True)
class Shaped:
    """A table in the contract's types, and the rules by which to find what could not be brought into them.

    `rows` is the table as it lies, renamed; `typed` and `rules` are written over it. `table` has the
    same rows, typed.
    """

    rows: ir.Table
    typed: Mapping[str, ir.Value]
    table: ir.Table
    rules: list[Rule]


@dataclass(frozen=True, kw_only=True)
class _Typed:
    value: ir.Value
    naive: ir.BooleanValue | None = None
    """True where a time has no zone and none is declared."""


def shape(name: str, raw: ir.Table, layout: TableLayout, *, naive_zone: ZoneInfo | None) -> Shaped:
    """Bring a table into the shape of the contract.

    Args:
        name: which table of the contract.
        raw: the table as it lies.
        layout: foreign names, values, units and patterns.
        naive_zone: the zone of times without zone; None: not declared.

    Returns:
        The typed table and what to count in it.

    Raises:
        SourceError: a column is missing, or of a type that cannot hold what it should; all such columns are named.
    """
    rows = _rename(name, _known_types(raw), layout)
    kinds = _kinds(name, rows, layout)
    problems = _missing_columns(name, rows)
    typed: dict[str, _Typed] = {}
    for column, kind in kinds.items():
        value = rows[column]
        if column in layout.values:
            value = _text(value).substitute(dict(layout.values[column]))
        try:
            typed[column] = _convert(value, kind, layout.times.get(column, ""), naive_zone)
        except _TypeMismatch as error:
            rule, remedy = error.args
            problems.append(Problem(table=name, column=column, rule=rule, remedy=remedy))
    if problems:
        raise SourceError(*problems)
    values = {column: converted.value for column, converted in typed.items()}
    return Shaped(
        rows=rows,
        typed=values,
        table=rows.mutate(**values),
        rules=[
            rule
            for column, converted in typed.items()
            for rule in _rules(name, column, kinds[column], rows[column], converted)
        ],
    )


def _rename(name: str, raw: ir.Table, layout: TableLayout) -> ir.Table:
    for ours, theirs in layout.columns.items():
        if theirs not in raw.columns:
            rule, remedy = f"missing column {theirs!r}", suggest(theirs, raw.columns)
            raise SourceError(Problem(table=name, column=ours, rule=rule, remedy=remedy))
    taken = set(layout.columns.values())
    for ours in layout.columns:
        if ours in raw.columns and ours not in taken:
            rule = f"is there, and also mapped from {layout.columns[ours]!r}"
            remedy = f"map the other one to a name of its own: other_{ours}: {ours}"
            raise SourceError(Problem(table=name, column=ours, rule=rule, remedy=remedy))
    kept = {column: raw[column] for column in raw.columns if column not in taken}
    return raw.select(**{ours: raw[theirs] for ours, theirs in layout.columns.items()}, **kept)


def _known_types(raw: ir.Table) -> ir.Table:
    """Give columns a type that the engine layer knows: nanosecond instants, and columns of nulls only."""
    cast = {
        column: raw[column].cast("timestamp('UTC')" if "TIMESTAMPTZ" in str(dtype) else "string")
        for column, dtype in raw.schema().items()
        if dtype.is_unknown() or dtype.is_null()
    }
    return raw.mutate(**cast) if cast else raw


def _kinds(name: str, rows: ir.Table, layout: TableLayout) -> dict[str, Kind]:
    """Say what each column that must be converted holds: those of the contract, and those declared in the layout."""
    kinds: dict[str, Kind] = {
        column: spec.kind for column, spec in TABLES[name].columns.items() if column in rows.columns
    }
    declared: dict[str, Kind] = {column: "text" for column in layout.values}
    declared |= dict.fromkeys((*layout.times, *layout.known_from.values()), "instant")
    for column in (*declared, *layout.known_from):
        if column not in rows.columns:
            rule, remedy = "missing column", suggest(column, rows.columns)
            raise SourceError(Problem(table=name, column=column, rule=rule, remedy=remedy))
    return {**declared, **kinds}


def _missing_columns(name: str, rows: ir.Table) -> list[Problem]:
    contract = TABLES[name]
    missing = [
        column
        for column, spec in contract.columns.items()
        if spec.required and column not in rows.columns
    ]
    if contract.one_of and not set(contract.one_of) & set(rows.columns):
        missing.append(contract.one_of[0])
    remedy = suggest("", rows.columns)
    if len(rows.columns) == 1 and any(mark in rows.columns[0] for mark in ";\t|"):
        remedy += f"; is this the separator? set tables.{name}.separator in source.yaml"
    else:
        remedy += f"; map it in source.yaml under tables.{name}.columns"
    return [
        Problem(table=name, column=column, rule="missing column", remedy=remedy)
        for column in missing
    ]


class _TypeMismatch(Exception):
    """The type of a column cannot hold what the column should; arguments: rule and remedy."""


def _convert(value: ir.Value, kind: Kind, unit: str, zone: ZoneInfo | None) -> _Typed:
    if kind == "instant":
        return _instant(value, unit, zone)
    if kind == "id":
        return _Typed(value=_id(value))
    if kind == "text":
        return _Typed(value=_text(value))
    if kind == "day":
        return _Typed(value=_day(value))
    return _Typed(value=_number(value, kind))


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
    raise _TypeMismatch(f"wrong type: {dtype} is no id", "store ids as text")


def _text(value: ir.Value) -> ir.StringValue:
    return value if value.type().is_string() else value.cast("string")


def _day(value: ir.Value) -> ir.DateValue:
    dtype = value.type()
    if dtype.is_date():
        return value
    if dtype.is_string() or (dtype.is_timestamp() and dtype.timezone is None):
        return value.try_cast("date")
    raise _TypeMismatch(f"wrong type: {dtype} is no calendar day", "store days as dates")


def _number(value: ir.Value, kind: Kind) -> ir.NumericValue:
    dtype = value.type()
    if not (dtype.is_numeric() or dtype.is_string()) or dtype.is_boolean():
        raise _TypeMismatch(f"wrong type: {dtype} is no number", "store it as a number")
    if kind == "money":
        return value.try_cast("decimal(18, 2)")
    if dtype.is_integer() and kind == "count":
        return value.try_cast("int64")
    number = value.try_cast("float64")
    finite = ~(number.isnan() | number.isinf())
    if kind == "share":
        return ibis.cases((finite, number))
    # The engine would round 3.7 to 4.
    return ibis.cases((finite & (number == number.floor()), value.try_cast("int64")))


def _instant(value: ir.Value, unit: str, zone: ZoneInfo | None) -> _Typed:
    dtype = value.type()
    if unit in EPOCHS:
        return _Typed(value=_epoch(value, unit))
    if unit:
        if not dtype.is_string():
            raise _TypeMismatch(f"wrong type: {dtype} has no pattern", "remove it under times")
        parsed = _parse_time(value, unit)
        if "%z" in unit or "%Z" in unit:
            return _Typed(value=parsed.cast("timestamp('UTC')"))
        return _from_naive(parsed, zone)
    if dtype.is_timestamp() and dtype.timezone is not None:
        return _Typed(value=value)
    if dtype.is_timestamp() or dtype.is_date():
        return _from_naive(value.cast("timestamp"), zone)
    if dtype.is_string():
        return _from_text(value, zone)
    remedy = f"say under times which of {', '.join(EPOCHS)} it counts"
    raise _TypeMismatch(f"wrong type: {dtype} is no time", remedy)


def _from_text(text: ir.StringValue, zone: ZoneInfo | None) -> _Typed:
    trimmed = text.strip()
    # Words such as "infinity" are times to the engine, not to us.
    digits = trimmed.re_search(r"^\d").ifelse(trimmed, ibis.null("string"))
    zoned = digits.re_search(_ZONED)
    naive = _from_naive(digits.try_cast("timestamp"), zone)
    value = zoned.ifelse(digits.try_cast("timestamp('UTC')"), naive.value)
    return _Typed(value=value, naive=None if naive.naive is None else naive.naive & ~zoned)


def _from_naive(naive: ir.TimestampValue, zone: ZoneInfo | None) -> _Typed:
    if zone is None:
        return _Typed(value=ibis.null("timestamp('UTC')"), naive=naive.notnull())
    times = naive.name("time").as_table()
    ends = times.aggregate(first=times.time.min(), last=times.time.max()).to_pyarrow()
    first, last = (ends[end][0].as_py() or datetime.min for end in ("first", "last"))
    return _Typed(value=to_utc(naive, zone, first.replace(tzinfo=UTC), last.replace(tzinfo=UTC)))


def _epoch(value: ir.Value, unit: str) -> ir.TimestampValue:
    if not (value.type().is_numeric() or value.type().is_string()):
        raise _TypeMismatch(f"wrong type: {value.type()} is no {unit}", "remove it under times")
    if unit == "epoch_ns":
        # The engine divides as floating point, which is exact to half a microsecond up to the year 2255.
        whole = value.try_cast("int64")
        micros = ((whole - whole % 1_000) / 1_000).round().try_cast("int64")
    else:
        micros = (value.try_cast("decimal(24, 6)") * EPOCHS[unit]).try_cast("int64")
    # Seconds read as milliseconds are a time, too, but none that a calendar knows.
    return micros.between(*_CALENDAR).ifelse(
        (ibis.timestamp("1970-01-01") + micros.as_interval("us")).cast("timestamp('UTC')"),
        ibis.null("timestamp('UTC')"),
    )


def _rules(name: str, column: str, kind: Kind, raw: ir.Value, typed: _Typed) -> Iterator[Rule]:
    spec = TABLES[name].columns.get(column)
    failed = raw.notnull() & typed.value.isnull()
    if typed.naive is not None:
        failed = failed & ~typed.naive.fill_null(False)
        yield Rule(
            column=column,
            rule=_NO_ZONE,
            remedy=_DECLARE,
            broken=typed.naive,
            value=raw,
            severity="error",
        )
    if typed.value is not raw:
        yield Rule(
            column=column,
            rule=f"wrong type: not {_WANTED[kind]}",
            remedy="correct these values or leave them empty",
            broken=failed,
            value=raw,
            severity="error",
        )
    if spec and spec.required:
        yield Rule(
            column=column,
            rule="null key" if column in TABLES[name].key else "null in a required column",
            remedy="fill it or remove these rows",
            broken=raw.isnull(),
            value=raw,
            severity="error",
        )
