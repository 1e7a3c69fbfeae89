"""Lay a source out once, so that whoever asks next neither reads its files nor checks them.

Tables are kept typed and checked, sorted by person and time, with codes in the place of the ids of
persons. Codes go up as the ids do: whatever is ordered, or drawn, by id stays what it was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import reduce
from pathlib import Path

import ibis
import ibis.expr.types as ir

from siyu.data.cache import make_room, publish, remove, staging
from siyu.data.contract import PERSONS, TABLES
from siyu.data.load import Loaded, find_layout, load
from siyu.data.prepared import (
    FACTS_FILE,
    TABLES_FILE,
    home,
    name_layout,
    open_layout,
    write_facts,
)
from siyu.data.prepared import PERSONS as PERSONS_TABLE
from siyu.data.problems import Problem, SourceError
from siyu.data.quality import find_quality
from siyu.data.sorted_log import write_log
from siyu.language import LANGUAGES, speaking

_STAGED = "siyu_staged"


def open_or_load(location: str | Path, *, timezone: str) -> Loaded:
    """Open a source as it was laid out, or else read it as it lies.

    With `SIYU_PREPARE=1` in the environment what has no layout is laid out first, if it can be.

    Args:
        location: as for `load`.
        timezone: as for `load`.

    Raises:
        SourceError: nothing can be read at all.
    """
    layout, place = find_layout(location)
    name = name_layout(layout, place, timezone=timezone)
    prepared = open_layout(home() / name, layout, timezone=timezone) if name else None
    if prepared is None and name and os.environ.get("SIYU_PREPARE") == "1":
        with suppress(SourceError, OSError):
            folder = prepare(location, timezone=timezone)
            prepared = open_layout(folder, layout, timezone=timezone)
    return prepared or load(location, timezone=timezone)


def prepare(location: str | Path, *, timezone: str = "") -> Path:
    """Lay a source out, unless it is laid out as it lies now.

    Args:
        location: a folder, `source.yaml`, workbook or file.
        timezone: the business time zone instead of the declared one; "": the declared one.

    Returns:
        The folder of the layout.

    Raises:
        SourceError: the source cannot be used, lies in a database, or changes meanwhile.
        OSError: the cache folder cannot be written.
    """
    layout, place = find_layout(location)
    name = name_layout(layout, place, timezone=timezone)
    if not name:
        remedy = "name a folder of files, a file or a workbook"
        raise SourceError(Problem(rule="a database cannot be laid out", remedy=remedy))
    folder = home() / name
    if open_layout(folder, layout, timezone=timezone) is None:
        remove(folder)  # what is there is damaged
        loaded = load(location, timezone=timezone)
        if loaded.problems:
            raise SourceError(*loaded.problems)
        with staging(home()) as staged:
            _lay_out(loaded, staged)
            if name_layout(layout, place, timezone=timezone) != name:
                rule = "its files have changed while they were read"
                raise SourceError(Problem(rule=rule, remedy="try again when they are whole"))
            publish(staged, folder)
    make_room(home(), keep=folder)
    return folder


def _lay_out(loaded: Loaded, folder: Path) -> None:
    """Write tables and facts into a folder."""
    doubts = {}
    for language in LANGUAGES:
        with speaking(language):
            doubts[language] = [asdict(problem) for problem in find_quality(loaded)]
    engine = loaded.engine
    file = str(folder / TABLES_FILE).replace("'", "''")
    # Rows must stay in the order they are sorted in.
    engine.raw_sql(f"SET preserve_insertion_order = true; ATTACH '{file}' AS {_STAGED}")
    at = (_STAGED, "main")
    coded = {name: _persons_in(table) for name, table in loaded.tables.items()}
    persons = engine.create_table(PERSONS_TABLE, _number_persons(loaded.tables, coded), database=at)
    for name, table in loaded.tables.items():
        rows = _with_codes(table, coded[name], persons)
        first = [c for c in (*PERSONS[:1], TABLES[name].known_at) if c in rows.columns]
        engine.create_table(name, rows.order_by(first) if first else rows, database=at)
    log = {}
    if "events" in loaded.tables:
        n_persons = int(persons.count().to_pyarrow().as_py())
        log = write_log(engine.table("events", database=at), n_persons, folder)
    engine.raw_sql(f"DETACH {_STAGED}")
    facts = {
        "tables": list(loaded.tables),
        "facts": {name: write_facts(found) for name, found in loaded.facts.items()},
        "files": [(name, str(path.resolve())) for name, path in loaded.files],
        "coded": coded,
        "doubts": doubts,
        "log": log,
    }
    (folder / FACTS_FILE).write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")


def _persons_in(table: ir.Table) -> list[str]:
    return [name for name in PERSONS if name in table.columns and table[name].type().is_string()]


def _number_persons(tables: Mapping[str, ir.Table], coded: Mapping[str, list[str]]) -> ir.Table:
    """Give every person named in any table a code, from 0 on in the order of the ids."""
    named = [
        tables[name].select(user_id=column).distinct()
        for name, columns in coded.items()
        for column in columns
    ]
    everyone = reduce(lambda some, more: some.union(more), named).distinct()
    everyone = everyone.filter(everyone.user_id.notnull())
    code = ibis.row_number().over(order_by=everyone.user_id).cast("int32")
    return everyone.select("user_id", code=code).order_by("code")


def _with_codes(table: ir.Table, columns: list[str], persons: ir.Table) -> ir.Table:
    """Put codes in the place of ids."""
    for column in columns:
        numbers = persons.view().select(siyu_id="user_id", siyu_code="code")
        both = table.left_join(numbers, table[column] == numbers.siyu_id)
        table = both.select(
            **{name: both.siyu_code if name == column else both[name] for name in table.columns}
        )
    return table
