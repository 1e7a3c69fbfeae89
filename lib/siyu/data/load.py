"""Read every table of a source, type it, and find what makes it unusable."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from siyu.data import engines
from siyu.data.checks import count_broken, find_repeated_keys
from siyu.data.contract import TABLES
from siyu.data.engines import is_engine
from siyu.data.files import (
    Item,
    find_items,
    hash_files,
    kind_of,
    list_unread,
    name_of,
    open_engine,
    parts_of,
    pick_item,
    reading,
)
from siyu.data.layout import Layout, TableLayout, read_layout, tables_in
from siyu.data.problems import Problem, SourceError, nearest, suggest
from siyu.data.read import read_item
from siyu.data.shape import shape
from siyu.data.sorted_log import SortedLog
from siyu.data.zones import find_zone
from siyu.phrases import phrase

_EXAMPLES = 5
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What a prepared source has besides its tables.

    `persons` are the ids (`user_id`) and their `code`, which stands for them in the columns `coded`
    of each table; codes go up as the ids do. `doubts` are the quality findings, per language. `log`
    are the events as arrays, where a compiled pass over them pays.
    """

    persons: ir.Table
    coded: Mapping[str, tuple[str, ...]]
    doubts: Mapping[str, tuple[Problem, ...]]
    log: SortedLog | None


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A source before any masking.

    `tables` are typed. `facts` are, per table, the count of its rows and the first and last value
    of each of its times. `problems` are errors, `doubts` warnings about files. `files` are
    what was read; none for a database. `prepared` is None for a source that was read as it lies.
    """

    layout: Layout
    engine: ibis.BaseBackend
    zone: ZoneInfo
    tables: Mapping[str, ir.Table]
    facts: Mapping[str, Mapping[str, Any]]
    problems: tuple[Problem, ...]
    doubts: tuple[Problem, ...]
    files: tuple[tuple[str, Path], ...]
    prepared: Prepared | None = None

    def fingerprint(self) -> str:
        """Return the sha256 of the input.

        It covers `source.yaml`, the names and contents of the files that were read, and, for what
        lies in a database, each table's columns, count, and first and last times.
        """
        digest = hashlib.sha256(self.layout.text.encode() + hash_files(self.files).encode())
        for name, facts in sorted(self.facts.items()):
            columns = sorted(self.tables[name].columns)
            values = [f"{fact} {value}" for fact, value in sorted(facts.items())]
            digest.update(f"{name} {columns} {values}".encode())
        return digest.hexdigest()


def load(location: str | Path, *, timezone: str = "") -> Loaded:
    """Read a source and look for what makes its tables unusable.

    Args:
        location: a folder, `source.yaml`, workbook, DuckDB file or database address; a relative
            path is looked up from the current folder, then from the project's.
        timezone: the business time zone instead of the declared one; "": the declared one.

    Returns:
        The tables that can be typed, and in `problems` why the others cannot.

    Raises:
        SourceError: nothing can be read at all.
    """
    layout, place = find_layout(location)
    zone = find_zone(timezone or layout.timezone)
    naive_zone = find_zone(layout.naive_zone) if layout.naive_zone else None
    address = layout.engine or str(place)
    stays = is_engine(address) and not layout.copy
    with reading(name_of(address)):
        engine = engines.open_engine(address) if stays else open_engine()
    reader = _Reader(engine=engine, items=find_items(engine, place), place=place)
    problems: list[Problem] = []
    failed: set[str] = set()
    tables: dict[str, ir.Table] = {}
    facts: dict[str, dict[str, Any]] = {}
    for name, table_layout in _wanted(layout, reader.items).items():
        try:
            with reading(name):
                tables[name], facts[name], found = reader.read(name, table_layout, naive_zone)
        except SourceError as error:
            found = list(error.problems)
            failed.add(name)
        problems += found
    reader.drop_copies()
    if "users" not in tables and failed.isdisjoint(("users", "events")):
        problems += _users_problems(layout, tables)
    return Loaded(
        layout=layout,
        engine=engine,
        zone=zone,
        tables=tables,
        facts=facts,
        problems=tuple(problems),
        doubts=tuple(_unread_problems(list_unread(place, reader.items, reader.asked))),
        files=tuple(reader.files()),
    )


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """Reads tables from the items of one place, each item once, and remembers the files."""

    engine: ibis.BaseBackend
    items: list[Item]
    place: str | Path
    done: dict[Item, tuple[ir.Table, bool]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def read(
        self, name: str, layout: TableLayout, naive_zone: ZoneInfo | None
    ) -> tuple[ir.Table, dict[str, Any], list[Problem]]:
        """Type one table; return it with its facts and its errors."""
        raw, copied = self._from_sql(name, layout) if layout.sql else self._open(name, layout)
        shaped = shape(name, raw, layout, naive_zone=naive_zone)
        measures: dict[str, ir.Scalar] = {"rows": shaped.rows.count()}
        for column, value in shaped.typed.items():
            if value.type().is_timestamp() or value.type().is_date():
                measures |= {f"first {column}": value.min(), f"last {column}": value.max()}
        problems, facts = count_broken(name, shaped.rows, shaped.rules, measures)
        table = shaped.table if problems else shaped.sound
        if copied:
            table = self.engine.create_table(f"siyu_{name}", table, temp=True)
        return table, facts, [*problems, *find_repeated_keys(name, table)]

    def drop_copies(self) -> None:
        """Forget the copies as they lay, once their typed copies are made."""
        for table, copied in self.done.values():
            if copied:
                self.engine.raw_sql(f'DROP TABLE "{table.op().name}"')

    def files(self) -> list[tuple[str, Path]]:
        """List the files that were read, each with its name inside the source."""
        found = {
            (str(part.relative_to(item.path.parent)), part)
            for item in self.done
            if item.path is not None and kind_of(item.path) != "duckdb"
            for part in parts_of(item.path)
        }
        return sorted(found)

    def _open(self, name: str, layout: TableLayout) -> tuple[ir.Table, bool]:
        item = self._find(name, layout)
        self.asked.add(item.label)
        if item not in self.done:
            self.done[item] = read_item(self.engine, item, separator=layout.separator)
        return self.done[item]

    def _find(self, name: str, layout: TableLayout) -> Item:
        if not (layout.file or layout.workbook):
            return pick_item(self.items, layout.sheet or name, table=name)
        path = path_of(layout, self.place)
        if not path.exists():
            there = sorted({item.path.name for item in self.items if item.path})
            rule, remedy = f"there is no file {path.name!r}", suggest(path.name, there)
            raise SourceError(Problem(table=name, rule=rule, remedy=remedy))
        if kind_of(path) == "xlsx" and not layout.sheet:
            remedy = f"write workbook: {path.name} and sheet: ... under tables.{name}"
            raise SourceError(Problem(table=name, rule="a workbook has sheets", remedy=remedy))
        return Item(name=path.name, path=path, sheet=layout.sheet)

    def _from_sql(self, name: str, layout: TableLayout) -> tuple[ir.Table, bool]:
        if self.engine.name != "duckdb":
            remedy = "make it a view there, or copy the tables: copy: true in source.yaml"
            raise SourceError(Problem(table=name, rule="sql: runs on DuckDB only", remedy=remedy))
        for asked in tables_in(layout.sql):
            item = pick_item(self.items, asked, table=name)
            table, _ = self._open(asked, TableLayout(sheet=item.name, separator=layout.separator))
            self.engine.create_view(asked, table, overwrite=True)
        view = f"siyu_sql_{name}"
        self.engine.raw_sql(f"CREATE VIEW {view} AS {layout.sql}")
        return self.engine.table(view), True


def path_of(layout: TableLayout, place: str | Path) -> Path:
    """Return where the file or workbook lies that a table names."""
    folder = Path(place).parent if Path(place).is_file() else Path(place)
    return folder / (layout.file or layout.workbook)


def find_layout(location: str | Path) -> tuple[Layout, str | Path]:
    """Return what is declared about a location, and the place of its data."""
    path = _resolve(str(location), Path(), _ROOT)
    if isinstance(path, str):
        return Layout(name=name_of(path), files=path), path
    if not path.exists():
        remedy = "name a folder, source.yaml, .xlsx, .duckdb or a database address"
        shown = str(location)
        if "://" in shown:
            shown = shown.partition("?")[0]  # what follows may hold a token
        raise SourceError(Problem(rule=f"source {shown!r} does not exist", remedy=remedy))
    stated = path.suffix in (".yaml", ".yml")
    declared = path if stated else (path if path.is_dir() else path.parent) / "source.yaml"
    layout = read_layout(declared) if declared.exists() else None
    # Beside a file lies what is declared about it, unless that is about files elsewhere.
    if layout is None or (path.is_file() and not stated and layout.files != "."):
        return Layout(name=path.resolve().name.split(".")[0], files=str(path)), path
    if path.is_file() and not stated:
        return layout, path
    place = os.path.expandvars(layout.files)
    if "$" in place:
        remedy = "set the environment variable that it names"
        raise SourceError(Problem(table="source.yaml", rule="files: not set", remedy=remedy))
    return layout, _resolve(place, declared.parent)


def _resolve(place: str, *folders: Path) -> str | Path:
    """Return an address as it is, and a path from the first of the folders where it exists.

    A DuckDB file is opened by its path, for reading only, also when an address names it.
    """
    scheme, address, rest = place.partition("://")
    if is_engine(place) or (address and scheme not in ("duckdb", "sqlite")):
        return place
    paths = [folder / (rest if address else place) for folder in folders]
    path = next((path for path in paths if path.exists()), paths[0])
    return f"sqlite://{path.resolve()}" if scheme == "sqlite" and address else path


def _wanted(layout: Layout, items: list[Item]) -> dict[str, TableLayout]:
    there = {item.name for item in items}
    wanted = {
        name: layout.tables.get(name, TableLayout())
        for name in TABLES
        if name in layout.tables or name in there
    }
    if not wanted:
        rule = f"no table of the contract is there ({', '.join(TABLES)})"
        remedy = f"map what is there in source.yaml: {', '.join(sorted(there))}"
        if not there:
            remedy = "nothing lies there: name the folder, or the schema, that has the tables"
        raise SourceError(Problem(rule=rule, remedy=remedy))
    return {name: table for name, table in wanted.items() if table.from_events is None}


def _unread_problems(unread: Mapping[str, str]) -> list[Problem]:
    """Warn of what lies there and is no table, first of all of what is called nearly like one."""
    if not unread:
        return []
    near = {label: nearest(name, TABLES) for label, name in unread.items()}
    shown = sorted(unread, key=lambda label: not near[label])[:_EXAMPLES]
    return [
        Problem(
            severity="warning",
            rule=phrase("quality.not_read", n=len(unread)),
            examples=tuple(
                phrase("quality.not_read_near", label=label, near=near[label])
                if near[label]
                else label
                for label in shown
            ),
            remedy=phrase("quality.not_read_remedy"),
        )
    ]


def _users_problems(layout: Layout, tables: Mapping[str, ir.Table]) -> list[Problem]:
    """Say why there are no users, unless a problem with their file says it already."""
    declared = layout.tables.get("users", TableLayout()).from_events
    if declared is None:
        remedy = "add it, or write users: {from_events: []} under tables in source.yaml"
        return [Problem(table="users", rule="missing table", remedy=remedy)]
    if "events" not in tables:
        remedy = "add it: users are derived from it"
        return [Problem(table="events", rule="missing table", remedy=remedy)]
    columns = tables["events"].columns
    return [
        Problem(
            table="events", column=column, rule="missing column", remedy=suggest(column, columns)
        )
        for column in declared
        if column not in columns
    ]
