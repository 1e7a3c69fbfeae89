"""Read one item as it is, into the engine or through it."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import tempfile
from pathlib import Path
from typing import IO, cast

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend
from ibis.util import gen_name

from siyu.data.files import Item, connect, kind_of, open_workbook, parts_of, reading
from siyu.data.problems import Problem, SourceError, suggest

_CHUNK = 1 << 20


def read_item(engine: ibis.BaseBackend, item: Item, *, separator: str) -> tuple[ir.Table, bool]:
    """Read an item as it is: text files as text, everything else in its own types.

    Parquet and DuckDB tables are scanned where they lie, as are all tables of another engine. All
    else is copied into DuckDB once: text would be parsed again for every question, and a database
    that we do not know to give the same answers, or that says `copy: true`, is asked only once.

    Returns:
        The table, and whether it was copied.

    Raises:
        SourceError: the file is unreadable.
    """
    with reading(item.label):
        if item.url:
            return _copy_from_database(engine, item), True
        if engine.name != "duckdb":
            return _leave_there(engine, item), False
        assert item.path is not None
        kind = kind_of(item.path)
        if kind == "duckdb":
            table = engine.table(item.name, database=(item.path.name, "main"))
        elif kind == "parquet":
            table = _scan_parquet(engine, item.path)
        elif kind == "xlsx":
            table = _copy_sheet(engine, item.path, item.sheet)
        else:
            table = _copy_csv(engine, item.path, separator)
        return table, kind not in ("duckdb", "parquet")


def _leave_there(engine: ibis.BaseBackend, item: Item) -> ir.Table:
    if item.path is None:
        return engine.table(item.name)
    if kind_of(item.path) == "parquet":
        return engine.read_folder(item.path)
    remedy = "write it as Parquet, or leave engine: out"
    raise SourceError(Problem(table=item.label, rule="Spark reads Parquet only", remedy=remedy))


def _scan_parquet(engine: Backend, path: Path) -> ir.Table:
    name = gen_name("siyu_parquet")
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
        readable = _as_utf8(path, Path(folder) / "utf8.csv")
        # Nothing is left to be guessed: a guess could take 00123 for a number, or # for a remark.
        lines = engine.read_csv(
            readable,
            table_name=gen_name("siyu_csv"),
            columns=dict.fromkeys(_header(readable, separator), "VARCHAR"),
            auto_detect=False,
            header=True,
            delim=separator,
            quote='"',
            escape='"',
            comment="",
        )
        copied = engine.create_table(gen_name("siyu_text"), lines, temp=True)
        engine.drop_view(lines.get_name())
    return copied


def _header(path: Path, separator: str) -> list[str]:
    """Read the column names; a column without a name is called by its place, column0 first."""
    with io.TextIOWrapper(_open_bytes(path), encoding="utf-8-sig", newline="") as lines:
        header = next(csv.reader(lines, delimiter=separator), [])
    names = [name or f"column{place}" for place, name in enumerate(header)]
    if len(set(names)) < max(len(names), 1):
        raise OSError("it needs a header with one name for each column")
    return names


def _as_utf8(path: Path, target: Path) -> Path:
    """Return a UTF-8 file as it is, and a GB18030 file as a UTF-8 copy in `target`."""
    damage = _first_not_utf8(path)
    if damage is None:
        return path
    # Nearly any bytes are GB18030: damaged UTF-8 would be read as other characters.
    if _is_mostly_utf8(path):
        rule = f"unreadable: byte {damage:,} is not UTF-8, though most of the file is"
        remedy = "mend that place, or save the whole file again as UTF-8"
        raise SourceError(Problem(table=path.name, rule=rule, remedy=remedy))
    return _transcode(path, target)


def _first_not_utf8(path: Path) -> int | None:
    """Return the place of the first byte, from 0, that is not UTF-8; None if all are."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    before = 0
    with _open_bytes(path) as stream:
        while True:
            chunk = stream.read(_CHUNK)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return before - pending + error.start
            if not chunk:
                return None
            before += len(chunk)


def _is_mostly_utf8(path: Path) -> bool:
    """Say whether a file is marked as UTF-8, or most of it beyond ASCII can be read as such."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    foreign = damaged = 0
    with _open_bytes(path) as stream:
        marked = stream.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8
        stream.seek(0)
        while chunk := stream.read(_CHUNK):
            text = decoder.decode(chunk)
            foreign += len(text) - len(text.encode("ascii", "ignore"))
            damaged += text.count("\ufffd")
    return marked or 2 * damaged < foreign


def _transcode(path: Path, target: Path) -> Path:
    """Write a GB18030 file again as UTF-8: the engine would download an extension to read it."""
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


def _copy_sheet(engine: Backend, path: Path, sheet: str) -> ir.Table:
    """Copy a sheet as text; its first row names the columns, and nameless ones are left out."""
    import pyarrow as pa

    with open_workbook(path) as workbook:
        if sheet not in workbook.sheetnames:
            remedy = suggest(sheet, workbook.sheetnames)
            raise SourceError(
                Problem(table=path.name, rule=f"has no sheet {sheet!r}", remedy=remedy)
            )
        page = workbook[sheet]
        page.reset_dimensions()
        rows = [[_cell(value) for value in row] for row in page.iter_rows(values_only=True)]
    places = {place: name for place, name in enumerate(rows[0] if rows else []) if name}
    if len(set(places.values())) < max(len(places), 1):
        raise OSError("it needs a header with one name for each column")
    # Rows end with their last filled cell. Empty ones and notes beside the table are none of it.
    cells = [[row[place] if place < len(row) else None for place in places] for row in rows[1:]]
    filled = [row for row in cells if any(row)]
    columns = {
        name: pa.array([row[number] for row in filled], pa.string())
        for number, name in enumerate(places.values())
    }
    return engine.create_table(gen_name("siyu_sheet"), pa.table(columns), temp=True)


def _cell(value: object) -> str | None:
    """Write a cell as text; a whole number that Excel holds as 17850.0 is 17850."""
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _copy_from_database(engine: Backend, item: Item) -> ir.Table:
    batches = connect(item.url).table(item.name).to_pyarrow_batches()
    name = gen_name("siyu_database")
    engine.con.register(f"{name}_stream", batches)
    engine.raw_sql(f"CREATE TEMP TABLE {name} AS SELECT * FROM {name}_stream")
    engine.con.unregister(f"{name}_stream")
    return engine.table(name, database=("temp", "main"))
