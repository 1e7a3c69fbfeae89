"""Open a source: every table in the shape of the contract, as one day could have known it."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
from ibis.util import gen_name
from numpy.typing import NDArray

from siyu.data.contract import TABLES
from siyu.data.files import name_of
from siyu.data.layout import TableLayout
from siyu.data.load import Loaded, load
from siyu.data.masks import find_unknown, known_at, mask
from siyu.data.observation import DAY, last_day, observe
from siyu.data.prepare import open_or_load
from siyu.data.problems import Problem, Report, SourceError, suggest
from siyu.data.quality import find_quality, with_users
from siyu.data.sorted_log import SortedLog
from siyu.data.zones import list_offsets, start_of_day, to_local


@dataclass(frozen=True, kw_only=True)
class Source:
    """A merchant's tables as they were known at the end of one day.

    The observation reaches from `observed_from` to just before `observed_to`, both aware, in UTC.
    `as_of` is the last day that counts, and `as_of_end` the first instant after it. `known_from`
    leads from further columns of users to the column that says since when each is known.
    """

    name: str
    timezone: str
    observed_from: datetime
    observed_to: datetime
    as_of: date
    as_of_end: datetime
    known_from: Mapping[str, str]
    _tables: Mapping[str, ir.Table] = field(repr=False)
    _loaded: Loaded = field(repr=False)

    def has(self, name: str) -> bool:
        """Say whether a table is there."""
        return name in self._tables

    def table(self, name: str) -> ir.Table:
        """Return a table, lazy, with every instant as `timestamp('UTC')`.

        Raises:
            SourceError: it is not there; the message lists the tables that are.
        """
        if name not in self._tables:
            remedy = suggest(name, self._tables)
            raise SourceError(Problem(table=name, rule="missing table", remedy=remedy))
        return self._tables[name]

    def local(self, column: ir.TimestampValue) -> ir.TimestampValue:
        """Turn instants into naive wall-clock time of the business zone."""
        # Nothing later than as_of is left to be shown.
        return to_local(column, self._zone, self._first, self.as_of_end)

    def offsets(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """List the offsets of the business zone: until when each holds, and what it adds to UTC,
        in microseconds.
        """
        return list_offsets(self._zone, self._first, self.as_of_end)

    def day(self, column: ir.TimestampValue) -> ir.DateValue:
        """Turn instants into calendar days of the business zone."""
        return self.local(column).date()

    def preview(self, name: str, *, rows: int = 3) -> pd.DataFrame:
        """Show the first rows of a table, without ids and without columns beyond the contract.

        A report never shows a person, and a column that nobody described may name one. A table of
        nothing else is shown as an empty one. Instants are shown as the business's wall clock.
        """
        table = self.table(name)
        shown = [
            column
            for column, spec in TABLES[name].columns.items()
            if column in table.columns and spec.kind != "id"
        ]
        if not shown:
            return pd.DataFrame()
        first = table.select(*shown).order_by(*shown).limit(rows)
        local = {
            column: self.local(first[column])
            for column, dtype in first.schema().items()
            if dtype.is_timestamp()
        }
        return pd.DataFrame(first.mutate(**local).to_pandas())

    def counts(self) -> pd.DataFrame:
        """Count the rows of each table, with the local days of the first and the last of them."""
        rows = [self._count(name) for name in TABLES if name in self._tables]
        return pd.DataFrame(rows, columns=["table", "rows", "first", "last"])

    @cached_property
    def sorted_log(self) -> SortedLog | None:
        """The events as arrays, masked; None where they are not prepared for a compiled pass."""
        prepared = self._loaded.prepared
        if prepared is None or prepared.log is None:
            return None
        return prepared.log.known(self.observed_from, self.as_of_end)

    def keep(self, rows: pa.Table) -> ir.Table:
        """Put rows beside the tables of the source, for as long as a question needs them."""
        name = gen_name("siyu_kept")
        table = self._loaded.engine.create_table(name, rows, temp=True)
        forget = weakref.finalize(table.op(), self._loaded.engine.raw_sql, f"DROP TABLE {name}")
        forget.atexit = False  # the engine is gone before
        return table

    def fingerprint(self) -> str:
        """Return the sha256 of what was read, whatever `as_of` and wherever it lies."""
        return self._loaded.fingerprint()

    def find_persons(self, words: Collection[str]) -> set[str]:
        """Find which words are an id, or stand in a column that nobody described, in any table.

        Where the tables can be read no more, it may be any of them.

        Args:
            words: as many as a message may hold.
        """
        found: set[str] = set()
        for column in self._naming():
            values = column.cast("string").name("value").as_table()
            there = values.filter(values.value.isin(list(words))).distinct()
            try:
                found |= set(there.to_pyarrow()["value"].to_pylist())
            except Exception:  # of whichever engine
                return set(words)
        return found

    def name_persons(self, user_ids: pd.Series) -> pd.Series:
        """Give user ids as the source has them: those of a prepared source are codes.

        Args:
            user_ids: filled, as read from a table.
        """
        prepared = self._loaded.prepared
        if prepared is None:
            return user_ids
        names = prepared.persons.order_by("code").to_pandas()["user_id"]
        return pd.Series(names.to_numpy()[user_ids.to_numpy()], index=user_ids.index)

    @cached_property
    def warnings(self) -> tuple[Problem, ...]:
        """What is odd in the whole input, whatever `as_of`, without examples that name a person."""
        return tuple(map(without_persons, find_quality(self._loaded)))

    def _naming(self) -> Iterator[ir.Column]:
        """Give every column that holds ids, or that nobody described."""
        prepared = self._loaded.prepared
        if prepared is not None:
            yield prepared.persons.user_id
        for name, table in self._loaded.tables.items():
            coded = () if prepared is None else prepared.coded[name]
            for column, dtype in table.schema().items():
                spec = TABLES[name].columns.get(column)
                names = spec.kind == "id" if spec else dtype.is_string() or dtype.is_integer()
                if names and column not in coded:
                    yield table[column]

    def _count(self, name: str) -> tuple[str, int, date | None, date | None]:
        table = self._tables[name]
        measures = {"rows": table.count()}
        when = _when(name, table)
        if when is not None:
            measures |= {"first": when.min(), "last": when.max()}
        (found,) = table.aggregate(**measures).to_pyarrow().to_pylist()
        first, last = (_local_day(found.get(end), self._zone) for end in ("first", "last"))
        return name, found["rows"], first, last

    @cached_property
    def _first(self) -> datetime:
        """The first instant in any table."""
        instants = [
            at
            for facts in self._loaded.facts.values()
            for at in facts.values()
            if isinstance(at, datetime)
        ]
        return min([*instants, self.observed_from])

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


def open_source(location: str | Path, *, as_of: str = "", timezone: str = "") -> Source:
    """Open a merchant's data as tables in the shape of the contract.

    Nothing later than `as_of` can be seen: rows that became known later are out, as are users who
    were added later and of whom nothing earlier is recorded, and later times inside earlier rows
    are blanked. Without a declared observation it reaches from the first to the
    last event (without events: to the last row of any table with a time).

    Args:
        location: a folder, `source.yaml`, workbook, DuckDB file or database address; a relative
            path is looked up from the current folder, then from the project's.
        as_of: the last day that counts, ISO; "": the last complete day of the observation.
        timezone: the business time zone, IANA; "": the declared one, or else Asia/Shanghai.

    Raises:
        SourceError: the tables cannot be used, or `as_of` is no day of the observation.
    """
    loaded = open_or_load(location, timezone=timezone)
    if loaded.problems:
        raise SourceError(*loaded.problems)
    observation = observe(loaded)
    day = last_day(observation, as_of)
    end = start_of_day(day + DAY, loaded.zone)
    users = loaded.layout.tables.get("users", TableLayout())
    declared = loaded.layout.observed
    masked = {
        name: mask(
            name,
            table,
            zone=loaded.zone,
            from_day=declared[0] if declared else None,
            until_day=day + DAY,
            known_from=users.known_from if name == "users" else {},
        )
        for name, table in loaded.tables.items()
    }
    tables = with_users(loaded, masked)
    if "users" not in loaded.tables:
        # Derived once, not again for every question.
        tables["users"] = tables["users"].cache()
    elif _some_came_later(loaded, end):
        others = [table for name, table in masked.items() if name != "users"]
        # Found once, not again for every question.
        unknown = find_unknown(loaded.tables["users"], others, end=end).cache()
        tables["users"] = masked["users"].anti_join(unknown, "user_id")
    return Source(
        name=loaded.layout.name,
        timezone=loaded.zone.key,
        observed_from=observation.start,
        observed_to=observation.end,
        as_of=day,
        as_of_end=end,
        known_from=users.known_from,
        _tables=tables,
        _loaded=loaded,
    )


def check(source: Source | str | Path) -> Report:
    """Find everything that is wrong or odd with a source, without stopping at the first.

    Args:
        source: an open source, or a location as for `open_source`.
    """
    try:
        loaded = source._loaded if isinstance(source, Source) else load(source)
    except SourceError as error:
        # An address may hold a password.
        name = name_of(str(source)) if "://" in str(source) else str(source)
        return Report(name=name, problems=error.problems, counts={})
    # What a column that must be mended first makes look odd is no news.
    broken = {(problem.table, problem.column) for problem in loaded.problems}
    doubts = [doubt for doubt in find_quality(loaded) if (doubt.table, doubt.column) not in broken]
    return Report(
        name=loaded.layout.name,
        problems=(*loaded.problems, *doubts),
        counts={name: facts["rows"] for name, facts in loaded.facts.items()},
    )


def _some_came_later(loaded: Loaded, end: datetime) -> bool:
    last = loaded.facts["users"].get("last added_at")
    return isinstance(last, datetime) and last >= end


def without_persons(problem: Problem) -> Problem:
    """Take the examples out of a problem where they are ids."""
    columns = TABLES[problem.table].columns if problem.table in TABLES else {}
    asked = [columns[name] for name in problem.column.split(", ") if name in columns]
    return replace(problem, examples=()) if any(one.kind == "id" for one in asked) else problem


def _when(name: str, table: ir.Table) -> ir.Value | None:
    if TABLES[name].known_at:
        return known_at(name, table)
    return table["added_at"] if "added_at" in table.columns else None


def _local_day(when: datetime | date | None, zone: ZoneInfo) -> date | None:
    return when.astimezone(zone).date() if isinstance(when, datetime) else when
