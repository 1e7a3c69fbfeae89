"""Open a source that was laid out before: no file of it is read, and nothing is checked again.

Which layout serves is decided by names, sizes and times of change of the files, by what is declared
about them, and by the library that laid them out; what a file holds is not looked at.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from siyu.data.cache import USED, cache_folder
from siyu.data.files import kind_of, open_engine, parts_of
from siyu.data.layout import Layout
from siyu.data.load import Loaded, Prepared, path_of
from siyu.data.problems import Problem
from siyu.data.sorted_log import open_log
from siyu.data.zones import find_zone

TABLES_FILE, FACTS_FILE = "tables.duckdb", "facts.json"
PERSONS = "siyu_persons"
"""The table of ids and their codes, beside those of the contract."""
_DATABASE = "siyu_prepared"


def home() -> Path:
    """Give the folder in which layouts lie."""
    return cache_folder() / "sources"


def name_layout(layout: Layout, place: str | Path, *, timezone: str) -> str:
    """Name the layout that serves a source as it lies now.

    It is "" for what lies in a database, or cannot be looked at.
    """
    if "://" in str(place):
        return ""
    root = Path(place).resolve()
    try:
        files = {file: file.stat() for file in _files(layout, root)}
    except OSError:
        return ""
    if any(kind_of(file) == "duckdb" for file in files):
        return ""
    source = hashlib.sha256(f"{root}\n{timezone}".encode()).hexdigest()[:16]
    # How the place was written plays no part.
    state = hashlib.sha256(f"{_library()} {replace(layout, files='')}".encode())
    for file, found in files.items():
        state.update(f"{file} {found.st_size} {found.st_mtime_ns}\n".encode())
    return f"{source}-{state.hexdigest()[:32]}"


def open_layout(folder: Path, layout: Layout, *, timezone: str) -> Loaded | None:
    """Open what was laid out; None where it is gone, or cannot be used."""
    try:
        facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        engine = open_engine()
        file = str(folder / TABLES_FILE).replace("'", "''")
        engine.raw_sql(f"ATTACH '{file}' AS {_DATABASE} (READ_ONLY)")
        log = open_log(folder, facts["log"])
        os.utime(folder / USED)
    except (OSError, ValueError, duckdb.Error):
        return None
    at = (_DATABASE, "main")
    return Loaded(
        layout=layout,
        engine=engine,
        zone=find_zone(timezone or layout.timezone),
        tables={name: engine.table(name, database=at) for name in facts["tables"]},
        facts={name: _read_facts(stated) for name, stated in facts["facts"].items()},
        problems=(),
        doubts=(),
        files=tuple((name, Path(path)) for name, path in facts["files"]),
        prepared=Prepared(
            persons=engine.table(PERSONS, database=at),
            coded={name: tuple(columns) for name, columns in facts["coded"].items()},
            doubts={
                language: tuple(
                    Problem(**{**problem, "examples": tuple(problem["examples"])})
                    for problem in problems
                )
                for language, problems in facts["doubts"].items()
            },
            log=log,
        ),
    )


def write_facts(facts: Mapping[str, object]) -> dict[str, object]:
    """Give facts of a table in a form that JSON has."""
    return {
        name: {type(value).__name__: value.isoformat()} if isinstance(value, date) else value
        for name, value in facts.items()
    }


def _read_facts(stated: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {"datetime": datetime, "date": date}
    return {
        name: next(kinds[kind].fromisoformat(text) for kind, text in value.items())
        if isinstance(value, dict)
        else value
        for name, value in stated.items()
    }


def _files(layout: Layout, place: Path) -> Iterator[Path]:
    """List the files that are, or could be, read as tables, and what else lies beside them."""
    entries = sorted(place.iterdir()) if place.is_dir() else [place]
    named = [path_of(one, place) for one in layout.tables.values() if one.file or one.workbook]
    for path in dict.fromkeys([*entries, *named]):
        if path.is_dir():
            yield from parts_of(path)
        elif path.exists():
            yield path


@functools.cache
def _library() -> str:
    """Tell by its own text the library that would lay a source out."""
    digest = hashlib.sha256(duckdb.__version__.encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
