"""`source.yaml`: how the tables, columns and values of others become ours."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import sqlglot
import yaml
from sqlglot import exp

from siyu.data import plain_yaml
from siyu.data.contract import TABLES
from siyu.data.engines import is_spark
from siyu.data.problems import Problem, SourceError, suggest

DEFAULT_ZONE = "Asia/Shanghai"
TIME_UNITS = ("epoch_s", "epoch_ms", "epoch_us", "epoch_ns")
"""Units in which numeric times count from 1970 UTC."""

_KEYS = ("name", "timezone", "naive_times", "observed", "files", "engine", "copy", "tables")
_TABLE_KEYS = ("file", "workbook", "sheet", "sql", "separator", "columns", "values", "times")
_USERS_KEYS = (*_TABLE_KEYS, "known_from", "from_events")


@dataclass(frozen=True, kw_only=True)
class TableLayout:
    """Where one table lies and how it is read.

    `columns` leads from our names to theirs, `values` from their values to ours. `times` gives the
    unit of numeric times or the strptime pattern of text. `known_from` names the column that says
    since when another is known. `from_events` lists the columns of users derived from events; None:
    users are not derived.
    """

    file: str = ""
    workbook: str = ""
    sheet: str = ""
    sql: str = ""
    separator: str = ","
    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    times: Mapping[str, str] = field(default_factory=dict)
    known_from: Mapping[str, str] = field(default_factory=dict)
    from_events: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What `source.yaml` says, or what is assumed without it.

    `naive_zone` is the zone of times without zone, "" when none is declared; `observed` the first
    and last observed day, included; `files` the folder, workbook, DuckDB file or database URL that
    holds the data; `engine` the Spark master that reads a folder, "" for DuckDB; `copy` whether the
    tables of a database are copied and then left alone.
    """

    name: str
    files: str
    engine: str = ""
    copy: bool = False
    timezone: str = DEFAULT_ZONE
    naive_zone: str = ""
    observed: tuple[date, date] | None = None
    tables: Mapping[str, TableLayout] = field(default_factory=dict)
    text: str = ""


def read_layout(path: Path) -> Layout:
    """Read a `source.yaml`.

    Raises:
        SourceError: it is unreadable, no YAML, or says something that has no meaning; the message
            names the key.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        stated = plain_yaml.load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise _wrong(f"{path.name} cannot be read: {reason}", "write it in UTF-8 YAML") from error
    top = _mapping(stated if stated is not None else {}, "source.yaml")
    _only(top, _KEYS, "source.yaml")
    tables = _mapping(top.get("tables", {}), "tables")
    _only(tables, TABLES, "tables")
    timezone = _text(top, "timezone", "timezone")
    return Layout(
        name=_text(top, "name", "name") or path.parent.resolve().name,
        files=_text(top, "files", "files") or ".",
        engine=_engine(_text(top, "engine", "engine")),
        copy=_copy(top.get("copy", False)),
        timezone=timezone or DEFAULT_ZONE,
        naive_zone=_text(top, "naive_times", "naive_times") or timezone,
        observed=_observed(top["observed"]) if "observed" in top else None,
        tables={name: _table(name, stated) for name, stated in tables.items()},
        text=text,
    )


def tables_in(sql: str) -> tuple[str, ...]:
    """Name the tables that a SELECT reads.

    Raises:
        SourceError: the text is not exactly one SELECT.
    """
    try:
        statements = sqlglot.parse(sql, read="duckdb")
    except sqlglot.errors.SqlglotError as error:
        reason = " ".join(str(error).split())
        raise _wrong(f"sql: cannot be read: {reason}", "write one SELECT") from error
    query = statements[0] if len(statements) == 1 else None
    if not isinstance(query, exp.Query):
        raise _wrong("sql: must be exactly one SELECT", "write one SELECT over the files' names")
    own = {cte.alias for cte in query.find_all(exp.CTE)}
    return tuple(sorted({table.name for table in query.find_all(exp.Table)} - own - {""}))


def _table(name: str, stated: object) -> TableLayout:
    where = f"tables.{name}"
    entries = _mapping(stated, where)
    _only(entries, _USERS_KEYS if name == "users" else _TABLE_KEYS, where)
    places = [key for key in ("file", "sheet", "sql", "from_events") if key in entries]
    if len(places) > 1:
        raise _wrong(f"{where}: {' and '.join(places)} exclude each other", "keep one of them")
    if "workbook" in entries and "sheet" not in entries:
        raise _wrong(f"{where}: workbook needs sheet", "name the sheet of the workbook")
    if "from_events" in entries and len(entries) > 1:
        raise _wrong(f"{where}: from_events stands alone", "map the columns under tables.events")
    separator = _text(entries, "separator", where) or ","
    if len(separator) != 1:
        raise _wrong(
            f"{where}: separator = {separator!r} must be one character", "use ';' or '\\t'"
        )
    layout = TableLayout(
        **{key: _text(entries, key, where) for key in ("file", "workbook", "sheet", "sql")},
        separator=separator,
        columns=_names(entries, "columns", where),
        values={
            column: _names({column: renamed}, column, f"{where}.values")
            for column, renamed in _mapping(entries.get("values", {}), f"{where}.values").items()
        },
        times=_names(entries, "times", where),
        known_from=_names(entries, "known_from", where),
        from_events=_listed(entries["from_events"], where) if "from_events" in entries else None,
    )
    for column, unit in layout.times.items():
        if unit not in TIME_UNITS and "%" not in unit:
            remedy = f"use one of {', '.join(TIME_UNITS)} or a pattern such as '%Y-%m-%d %H:%M:%S'"
            raise _wrong(f"{where}.times.{column} = {unit!r} is neither unit nor pattern", remedy)
    if layout.sql:
        tables_in(layout.sql)
    return layout


def _engine(stated: str) -> str:
    if stated and not is_spark(stated):
        remedy = "use local[2] or spark://host:7077; a database address belongs under files"
        raise _wrong(f"engine: {stated!r} is no Spark master", remedy)
    return stated


def _copy(stated: object) -> bool:
    if not isinstance(stated, bool):
        raise _wrong(f"copy: {stated!r} is neither true nor false", "write copy: true")
    return stated


def _observed(stated: object) -> tuple[date, date]:
    entries = _mapping(stated, "observed")
    _only(entries, ("from", "to"), "observed")
    first, last = (_day(entries.get(key), f"observed.{key}") for key in ("from", "to"))
    if first > last:
        raise _wrong(f"observed: from = {first} lies after to = {last}", "exchange the two days")
    return first, last


def _day(stated: object, where: str) -> date:
    try:
        return date.fromisoformat(str(stated))
    except ValueError as error:
        raise _wrong(f"{where} = {stated} is not a day", "write it as 2020-04-29") from error


def _names(entries: Mapping[str, object], key: str, where: str) -> dict[str, str]:
    mapping = _mapping(entries.get(key, {}), f"{where}.{key}")
    return {name: _text(mapping, name, f"{where}.{key}") for name in mapping}


def _listed(stated: object, where: str) -> tuple[str, ...]:
    if not isinstance(stated, list) or not all(isinstance(name, str) for name in stated):
        raise _wrong(f"{where}: from_events must list columns", "write from_events: [touchpoint]")
    return tuple(stated)


def _mapping(stated: object, where: str) -> dict[str, Any]:
    if not isinstance(stated, dict):
        raise _wrong(f"{where} must hold names and values", "write 'name: value' lines under it")
    odd = [key for key in stated if isinstance(key, bool) or not isinstance(key, str | int)]
    if odd:
        raise _wrong(f"{where}: {odd[0]!r} is not a name", "put it in quotes")
    texts = [str(key) for key in stated]
    if twice := [key for key in texts if texts.count(key) > 1]:
        raise _wrong(f"{where}: {twice[0]!r} is given twice", "keep one of them")
    return dict(zip(texts, stated.values(), strict=True))


def _text(entries: Mapping[str, object], key: str, where: str) -> str:
    value = entries.get(key, "")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _wrong(f"{where}: {key} = {value!r} is not a text", "put it in quotes")
    return str(value)


def _only(entries: Mapping[str, object], known: Collection[str], where: str) -> None:
    for key in entries:
        if key not in known:
            raise _wrong(f"{where}: unknown key {key!r}", suggest(key, known))


def _wrong(rule: str, remedy: str) -> SourceError:
    return SourceError(Problem(table="source.yaml", rule=re.sub(r"\s+", " ", rule), remedy=remedy))
