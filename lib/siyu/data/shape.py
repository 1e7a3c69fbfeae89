"""From a table as it lies to a table of the contract: names, values, types, instants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from siyu.data.checks import Rule
from siyu.data.contract import TABLES, Kind
from siyu.data.convert import Typed, TypeMismatchError, convert, is_blank
from siyu.data.engines import on_duckdb
from siyu.data.layout import TableLayout
from siyu.data.problems import Problem, SourceError, suggest

_NO_ZONE = "time without zone and no declared zone"
_DECLARE = "write naive_times: Asia/Shanghai (or timezone:) in source.yaml"
_PARSE = "give it a type of its own there, or copy the tables: copy: true in source.yaml"
_CORRECT = "correct these values or leave them empty"
_OR_TIMES = ", or say their unit or pattern under times in source.yaml"
_WANTED: Mapping[Kind, str] = {
    "id": "an id",
    "text": "text",
    "instant": "a time",
    "day": "a day",
    "money": "an amount in yuan",
    "share": "a share",
    "count": "a whole number",
}


@dataclass(frozen=True, kw_only=True)
class Shaped:
    """A table in the contract's types, and the rules that find what could not be brought there.

    `rows` is the table as it lies, renamed; `typed` and `rules` are written over it. `table` has
    the same rows, typed; so has `sound`, which holds, and takes less, where no rule is broken.
    """

    rows: ir.Table
    typed: Mapping[str, ir.Value]
    table: ir.Table
    sound: ir.Table
    rules: list[Rule]


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
        SourceError: a column is missing, or of a type that cannot hold what it should; all such
            columns are named.
    """
    rows = _without_blanks(name, _rename(name, _known_types(raw), layout))
    kinds = _kinds(name, rows, layout)
    problems = _missing_columns(name, rows)
    typed: dict[str, Typed] = {}
    for column, kind in kinds.items():
        value = rows[column]
        if value.type().is_string() and kind not in ("id", "text") and not on_duckdb(raw):
            rule = f"wrong type: it is text, not {_WANTED[kind]}"
            problems.append(Problem(table=name, column=column, rule=rule, remedy=_PARSE))
            continue
        if column in layout.values:
            value = value.cast("string").substitute(dict(layout.values[column]))
        try:
            unit = layout.times.get(column, "")
            typed[column] = convert(value, kind, unit=unit, zone=naive_zone)
        except TypeMismatchError as error:
            rule, remedy = error.args
            problems.append(Problem(table=name, column=column, rule=rule, remedy=remedy))
    if problems:
        raise SourceError(*problems)
    values = {column: converted.value for column, converted in typed.items()}
    sound = {
        column: converted.value if converted.sound is None else converted.sound
        for column, converted in typed.items()
    }
    return Shaped(
        rows=rows,
        typed=values,
        table=rows.mutate(**values),
        sound=rows.mutate(**sound),
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


def _without_blanks(name: str, rows: ir.Table) -> ir.Table:
    """Leave blank ids empty where they may be; where they must be filled, a rule finds them."""
    empty = {
        column: is_blank(rows[column]).ifelse(ibis.null("string"), rows[column])
        for column, spec in TABLES[name].columns.items()
        if spec.kind == "id" and not spec.required and column in rows.columns
        if rows[column].type().is_string()
    }
    return rows.mutate(**empty) if empty else rows


def _known_types(raw: ir.Table) -> ir.Table:
    """Give a type that Ibis knows to instants in nanoseconds and to columns of nulls only."""
    cast = {
        column: raw[column].cast("timestamp('UTC')" if "TIMESTAMPTZ" in str(dtype) else "string")
        for column, dtype in raw.schema().items()
        if dtype.is_unknown() or dtype.is_null()
    }
    return raw.mutate(**cast) if cast else raw


def _kinds(name: str, rows: ir.Table, layout: TableLayout) -> dict[str, Kind]:
    """Say what the columns of the contract and those declared in the layout hold."""
    kinds: dict[str, Kind] = {
        column: spec.kind for column, spec in TABLES[name].columns.items() if column in rows.columns
    }
    declared: dict[str, Kind] = {
        **dict.fromkeys(layout.values, "text"),
        **dict.fromkeys((*layout.times, *layout.known_from.values()), "instant"),
    }
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
    advice = f"map it in source.yaml under tables.{name}.columns"
    if len(rows.columns) == 1 and any(mark in rows.columns[0] for mark in ";\t|"):
        advice = f"is this the separator? set tables.{name}.separator in source.yaml"
    return [
        Problem(
            table=name,
            column=column,
            rule="missing column",
            remedy=f"{suggest(column, rows.columns)}; {advice}",
        )
        for column in missing
    ]


def _rules(name: str, column: str, kind: Kind, raw: ir.Value, typed: Typed) -> Iterator[Rule]:
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
    if not typed.value.equals(raw):
        yield Rule(
            column=column,
            rule=f"wrong type: not {_WANTED[kind]}",
            remedy=_CORRECT + (_OR_TIMES if kind == "instant" else ""),
            broken=failed,
            value=raw,
            severity="error",
        )
    if spec and spec.required:
        empty = raw.isnull()
        if kind == "id" and raw.type().is_string():
            empty = empty | is_blank(raw)
        yield Rule(
            column=column,
            rule="null key" if column in TABLES[name].key else "null in a required column",
            remedy="fill it or remove these rows",
            broken=empty,
            value=raw,
            severity="error",
        )
