"""Where tables lie: files of a folder, sheets of a workbook, tables of a database, read as they are."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import os
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit

import duckdb
import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from siyu.data.problems import Problem, SourceError, suggest

_CHUNK = 1 << 20
_CATALOG = "siyu_source"


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing that can be read as a table: a file, a folder of Parquet files, a sheet, or a database's table."""

    name: str
    path: Path | None = None
    sheet: str = ""
    url: str = ""

    @property
    def label(self) -> str:
        """What to call it in a message: a file name, never a whole path or an address with a password."""
        return " ".join(part for part in (self.path.name if self.path else "", self.sheet) if part)


@contextmanager
def reading(label: str) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into a SourceError that names it."""
    failures = (
        duckdb.Error, ibis.IbisError, OSError, EOFError, UnicodeError, zlib.error, zipfile.BadZipFile,
        ImportError,
    )  # fmt: skip
    try:
        yield
    except failures as error:
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        remedy = "check that the file is whole and of the kind its name says"
        raise SourceError(
            Problem(table=label, rule=f"unreadable: {reason}", remedy=remedy)
        ) from error


def open_engine() -> Backend:
    """Open an engine in memory that works in UTC, spills to a folder of its own, and fetches nothing from a network."""
    workspace = tempfile.TemporaryDirectory(prefix="siyu-")
    engine = ibis.duckdb.connect(
        autoinstall_known_extensions=False,
        memory_limit="50%",
        preserve_insertion_order=False,
        temp_directory=os.path.join(workspace.name, "spill"),
    )
    weakref.finalize(engine, workspace.cleanup)
    return cast(Backend, engine)


def find_items(engine: Backend, place: str | Path) -> list[Item]:
    """List what a folder, workbook, DuckDB file or database address holds, by name.

    Raises:
        SourceError: nothing is there, or it cannot be opened.
    """
    if "://" in str(place):
        url = str(place)
        with reading(name_of(url)):
            names = _connect(url).list_tables()
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
    parts = urlsplit(url)
    return Path(parts.path or parts.netloc).stem or parts.scheme


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


def read_item(engine: Backend, item: Item, *, separator: str) -> tuple[ir.Table, bool]:
    """Read an item as it is: text files as text, everything else in its own types.

    Parquet and DuckDB tables are scanned where they lie. All else is copied into the engine once: text would be parsed
    again for every question, and a shop's own database is not the place for long questions.

    Returns:
        The table, and whether it was copied.

    Raises:
        SourceError: the file is unreadable.
    """
    with reading(item.label or item.name):
        if item.url:
            return _copy_from_database(engine, item), True
        assert item.path is not None
        kind = kind_of(item.path)
        if kind == "duckdb":
            table = engine.table(item.name, database=(_CATALOG, "main"))
        elif kind == "parquet":
            table = _scan_parquet(engine, item.path)
        elif kind == "xlsx":
            table = _copy_sheet(engine, item.path, item.sheet)
        else:
            table = _copy_csv(engine, item.path, separator)
        return table, kind not in ("duckdb", "parquet")


def hash_files(files: Iterable[tuple[str, Path]]) -> str:
    """Return the sha256 of names and contents; the same files elsewhere give the same."""
    digest = hashlib.sha256()
    for name, path in files:
        with path.open("rb") as stream:
            digest.update(name.encode() + hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def parts_of(path: Path) -> list[Path]:
    """List the files behind a path: itself, or the Parquet files of a partitioned folder."""
    if path.is_file():
        return [path]
    return [
        part for part in sorted(path.rglob("*.parquet")) if not part.name.startswith(("_", "."))
    ]


def kind_of(path: Path) -> str:
    """Say what a path is by its name: parquet, csv, xlsx, duckdb, or "" for everything else."""
    if path.is_dir():
        return "parquet" if parts_of(path) else ""
    name = path.name.lower()
    if name.startswith((".", "~$")):
        return ""
    if name.endswith((".csv", ".csv.gz")):
        return "csv"
    kinds = {".parquet": "parquet", ".xlsx": "xlsx", ".duckdb": "duckdb"}
    return kinds.get(path.suffix.lower(), "")


def _items_at(engine: Backend, path: Path) -> list[Item]:
    kind = kind_of(path)
    if kind in ("parquet", "csv"):
        return [Item(name=path.name.split(".")[0] if path.is_file() else path.name, path=path)]
    if kind == "xlsx":
        with reading(path.name), _open_workbook(path) as workbook:
            return [Item(name=name, path=path, sheet=name) for name in workbook.sheetnames]
    if kind == "duckdb":
        with reading(path.name):
            quoted = str(path.resolve()).replace("'", "''")
            engine.raw_sql(f"ATTACH IF NOT EXISTS '{quoted}' AS {_CATALOG} (READ_ONLY)")
            names = engine.raw_sql(
                "SELECT table_name FROM information_schema.tables"
                f" WHERE table_catalog = '{_CATALOG}' AND table_schema = 'main' ORDER BY 1"
            ).fetchall()
        return [Item(name=name, path=path) for (name,) in names]
    return []


def _scan_parquet(engine: Backend, path: Path) -> ir.Table:
    name = _fresh("parquet")
    if path.is_file():
        return engine.read_parquet(path, table_name=name, hive_partitioning=False)
    return engine.read_parquet(
        [str(part) for part in parts_of(path)],
        table_name=name,
        hive_partitioning=True,
        hive_types_autocast=False,
        union_by_name=True,
    )


def _copy_csv(engine: Backend, path: Path, separator: str) -> ir.Table:
    with tempfile.TemporaryDirectory(prefix="siyu-") as folder:
        readable = path if _is_utf8(path) else _transcode(path, Path(folder) / "utf8.csv")
        lines = engine.read_csv(
            readable,
            table_name=_fresh("csv"),
            header=True,
            all_varchar=True,
            delim=separator,
            quote='"',
            escape='"',
            comment="",
            skip=0,
        )
        copied = engine.create_table(_fresh("text"), lines, temp=True)
        engine.drop_view(lines.get_name())
    return copied


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with _open_bytes(path) as stream:
            while chunk := stream.read(_CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _transcode(path: Path, target: Path) -> Path:
    """Write a GB18030 file again as UTF-8: the engine reads GB18030 only with an extension from the network."""
    decoder = codecs.getincrementaldecoder("gb18030")()
    try:
        with _open_bytes(path) as stream, target.open("w", encoding="utf-8", newline="") as out:
            while chunk := stream.read(_CHUNK):
                out.write(decoder.decode(chunk))
            out.write(decoder.decode(b"", final=True))
    except UnicodeDecodeError as error:
        remedy = "save it as UTF-8"
        rule = "unreadable: neither UTF-8 nor GB18030"
        raise SourceError(Problem(table=path.name, rule=rule, remedy=remedy)) from error
    return target


def _open_bytes(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if path.suffix.lower() == ".gz" else path.open("rb")


@contextmanager
def _open_workbook(path: Path) -> Iterator[Any]:
    import openpyxl  # only who reads a workbook waits for it
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (KeyError, ValueError, InvalidFileException) as error:
        raise OSError(f"no workbook: {error}") from error
    try:
        yield workbook
    finally:
        workbook.close()


def _copy_sheet(engine: Backend, path: Path, sheet: str) -> ir.Table:
    """Copy a sheet as text; its first row names the columns, and columns without a name are left out."""
    import pyarrow as pa

    with _open_workbook(path) as workbook:
        if sheet not in workbook.sheetnames:
            remedy = suggest(sheet, workbook.sheetnames)
            raise SourceError(
                Problem(table=path.name, rule=f"has no sheet {sheet!r}", remedy=remedy)
            )
        page = workbook[sheet]
        page.reset_dimensions()
        rows = [[_cell(value) for value in row] for row in page.iter_rows(values_only=True)]
    header = rows[0] if rows else []
    named = [(position, name) for position, name in enumerate(header) if name]
    filled = [row for row in rows[1:] if any(value is not None for value in row)]
    columns = {
        str(name): pa.array(
            [row[position] if position < len(row) else None for row in filled], pa.string()
        )
        for position, name in named
    }
    if not columns:
        raise OSError(f"sheet {sheet!r} has no header")
    return engine.create_table(_fresh("sheet"), pa.table(columns), temp=True)


def _cell(value: object) -> str | None:
    """Write a cell as text; a whole number that Excel holds as 17850.0 is 17850."""
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _copy_from_database(engine: Backend, item: Item) -> ir.Table:
    batches = _connect(item.url).table(item.name).to_pyarrow_batches()
    name = _fresh("database")
    engine.con.register(f"{name}_stream", batches)
    engine.raw_sql(f"CREATE TEMP TABLE {name} AS SELECT * FROM {name}_stream")
    engine.con.unregister(f"{name}_stream")
    return engine.table(name, database=("temp", "main"))


def _connect(url: str) -> ibis.BaseBackend:
    """Open a database; SQLite would make a missing one anew, so the file is looked for first."""
    if url.startswith("sqlite://") and not Path(url.removeprefix("sqlite://")).is_file():
        raise OSError("there is no such SQLite file")
    return ibis.connect(url)


_numbers = count()


def _fresh(kind: str) -> str:
    return f"siyu_{kind}_{next(_numbers)}"
