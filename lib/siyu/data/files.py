"""Where tables lie: files of a folder, sheets of a workbook, tables of a database."""

from __future__ import annotations

import contextlib
import hashlib
import re
import weakref
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import duckdb
import ibis
from ibis.backends.duckdb import Backend

from siyu.data.problems import Problem, SourceError, suggest
from siyu.data.room import Engine, memory_limit, spill_folder

_FAILURES = (
    duckdb.Error,
    ibis.IbisError,
    EOFError,
    ImportError,
    OSError,
    OverflowError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
_NO_DATA = ("truth.json", "planted.json", ".md", ".yaml", ".yml")
"""How the names end of what may lie beside data: notes, declarations, what is true of a sample."""
_LOGIN = re.compile(r"//\S*@")
_FOLDERS = re.compile(r"(?<![\w:/])/(?:[^/\s\"']+/)+")


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing to read as a table: a file, a folder of Parquet files, a sheet, a stored table.

    `sheet` is the part of the file at `path` that is meant, "" where it is the whole.
    """

    name: str
    path: Path | None = None
    sheet: str = ""
    url: str = ""

    @property
    def label(self) -> str:
        """What to call it in a message: never a whole path or an address with a password."""
        return f"{self.path.name} {self.sheet}".rstrip() if self.path else self.name


@contextlib.contextmanager
def reading(label: str) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into a SourceError that names it."""
    try:
        yield
    except SourceError:
        raise
    except _FAILURES as error:
        remedy = "check that it is whole, and of the kind its name says"
        rule = f"unreadable: {_reason(error)}"
        raise SourceError(Problem(table=label, rule=rule, remedy=remedy)) from error


def _reason(error: BaseException) -> str:
    """Shorten an error to one line without folders and passwords; of a CSV error keep its place."""
    lines = [line for line in str(error).split("Possible fixes")[0].splitlines() if line.strip()]
    kept = lines[:1] + (lines[-1:] if "Original Line" in str(error) else [])
    return _FOLDERS.sub("", _LOGIN.sub("//", ", ".join(kept))).rstrip(". ") or type(error).__name__


def open_engine() -> Backend:
    """Open an engine that works in UTC, spills to a folder of its own, and downloads nothing.

    Raises:
        SourceError: the memory or the folder that the environment names cannot be had.
    """
    memory, held = memory_limit(), contextlib.ExitStack()
    folder = held.enter_context(spill_folder())
    engine = Engine().connect(
        autoinstall_known_extensions=False,
        # Ibis 12 writes functions over lists in a form that DuckDB 2.0 takes only when asked to.
        lambda_syntax="ENABLE_SINGLE_ARROW",
        memory_limit=memory,
        preserve_insertion_order=False,
        temp_directory=str(folder),
    )
    weakref.finalize(engine, held.close)
    return engine


def find_items(engine: Backend, place: str | Path) -> list[Item]:
    """List what a folder, workbook, DuckDB file or database address holds, by name.

    Raises:
        SourceError: nothing is there, or it cannot be opened.
    """
    if "://" in str(place):
        url = str(place)
        with reading(name_of(url)):
            names = connect(url).list_tables()
        return [Item(name=name, url=url) for name in sorted(names)]
    path = Path(place)
    if path.is_dir():
        return [item for entry in sorted(path.iterdir()) for item in _items_at(engine, entry)]
    items = _items_at(engine, path) if path.is_file() else []
    if not items:
        raise SourceError(
            Problem(
                table=path.name,
                rule="is no folder, workbook or database" if path.exists() else "does not exist",
                remedy="name a folder, source.yaml, .xlsx, .duckdb or a database address",
            )
        )
    return items


def name_of(url: str) -> str:
    """Name a database without its user, password and host."""
    scheme, _, rest = url.partition("://")
    return Path(rest.rpartition("@")[2].partition("?")[0]).stem or scheme


def pick_item(items: list[Item], name: str, *, table: str) -> Item:
    """Find the one item of a name.

    Raises:
        SourceError: there is none (the message names the nearest), or more than one.
    """
    found = [item for item in items if item.name == name]
    if len(found) > 1:
        labels = " and ".join(item.label for item in found)
        remedy = f"keep one, or name one in source.yaml under tables.{table}.file"
        raise SourceError(Problem(table=table, rule=f"is there twice, {labels}", remedy=remedy))
    if not found:
        rule = f"there is no file, sheet or table {name!r}"
        remedy = suggest(name, {item.name for item in items})
        raise SourceError(Problem(table=table, rule=rule, remedy=remedy))
    return found[0]


def list_unread(place: str | Path, items: list[Item], read: Collection[str]) -> dict[str, str]:
    """List the items that were not read and the files that are no item, label before name."""
    there = {item.label: item.name for item in items}
    if Path(place).is_dir():
        there |= {
            entry.name: entry.name.split(".")[0]
            for entry in Path(place).iterdir()
            if not kind_of(entry)
            and not entry.name.startswith((".", "_", "~$"))
            and not entry.name.lower().endswith(_NO_DATA)
        }
    return {label: name for label, name in sorted(there.items()) if label not in read}


def hash_files(files: Iterable[tuple[str, Path]]) -> str:
    """Return the sha256 of names and contents; the same files elsewhere give the same."""
    digest = hashlib.sha256()
    for name, path in files:
        with path.open("rb") as stream:
            digest.update(name.encode() + hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def parts_of(path: Path) -> list[Path]:
    """List the files behind a path: itself, or the Parquet files of a partitioned folder.

    What begins with "_" or "." is left out, folders too: writers keep unfinished parts there.
    """
    if path.is_file():
        return [path]
    return [
        part
        for part in sorted(path.rglob("*"))
        if part.suffix.lower() == ".parquet"
        and part.is_file()
        and not any(name.startswith(("_", ".")) for name in part.relative_to(path).parts)
    ]


def kind_of(path: Path) -> str:
    """Say what a path is by its name: parquet, csv, xlsx, duckdb, or "" for everything else."""
    if path.is_dir():
        return "parquet" if parts_of(path) else ""
    name = path.name.lower()
    if name.startswith((".", "~$")):
        return ""
    if name.endswith((".csv", ".csv.gz", ".txt", ".txt.gz")):
        return "csv"
    kinds = {".parquet": "parquet", ".xlsx": "xlsx", ".duckdb": "duckdb"}
    return kinds.get(path.suffix.lower(), "")


def _items_at(engine: Backend, path: Path) -> list[Item]:
    kind = kind_of(path)
    if kind in ("parquet", "csv"):
        return [Item(name=path.name.split(".")[0] if path.is_file() else path.name, path=path)]
    if kind == "xlsx":
        with reading(path.name), open_workbook(path) as workbook:
            return [Item(name=name, path=path, sheet=name) for name in workbook.sheetnames]
    if kind == "duckdb":
        with reading(path.name):
            quoted = str(path.resolve()).replace("'", "''")
            engine.raw_sql(f"""ATTACH '{quoted}' AS "{path.name}" (READ_ONLY)""")
            names = engine.con.execute(
                "SELECT table_name FROM information_schema.tables"
                " WHERE table_catalog = ? AND table_schema = 'main' ORDER BY 1",
                [path.name],
            ).fetchall()
        return [Item(name=name, path=path, sheet=name) for (name,) in names]
    return []


@contextlib.contextmanager
def open_workbook(path: Path) -> Iterator[Any]:
    """Open a workbook for reading; what is none is an OSError."""
    import openpyxl  # only who reads a workbook waits for it

    try:
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (KeyError, ValueError) as error:
        raise OSError(f"it is no workbook: {error}") from error
    try:
        yield workbook
    finally:
        workbook.close()


def connect(url: str) -> ibis.BaseBackend:
    """Open a database; SQLite would make a missing one anew, so the file is looked for first."""
    if not url.startswith("sqlite://"):
        return ibis.connect(url)
    file = url.removeprefix("sqlite://")
    if not Path(file).is_file():
        raise OSError("there is no such SQLite file")
    return cast(ibis.BaseBackend, ibis.sqlite.connect(file))
