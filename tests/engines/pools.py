"""The same tables on every engine: written as Parquet, and loaded into PostgreSQL from there."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

_KINDS = {"string": "text", "double": "double precision", "int64": "bigint", "int32": "integer"}


def load_postgres(address: str, folder: Path, schema: str) -> None:
    """Copy the Parquet files of a folder into a schema of their own."""
    import psycopg  # it may not be installed

    with psycopg.connect(address, autocommit=True) as database:
        database.execute(f"CREATE SCHEMA {schema}")
        for path in sorted(folder.glob("*.parquet")):
            rows = pq.read_table(path)
            columns = ", ".join(f'"{field.name}" {_kind(field.type)}' for field in rows.schema)
            table = f"{schema}.{path.stem}"
            database.execute(f"CREATE TABLE {table} ({columns})")
            with database.cursor().copy(f"COPY {table} FROM STDIN") as target:
                for row in zip(*(column.to_pylist() for column in rows.columns), strict=True):
                    target.write_row(row)
        database.execute("ANALYZE")


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "timestamptz" if kind.tz else "timestamp"
    if pa.types.is_decimal(kind):
        return f"numeric({kind.precision}, {kind.scale})"
    return _KINDS.get(str(kind), "date" if pa.types.is_date(kind) else "text")


def move_to_postgres(address: str, folder: Path) -> Path:
    """Load a folder into a schema of its name, and declare it as a source like the folder."""
    schema = folder.name.rstrip("0123456789")
    load_postgres(address, folder, schema)
    return declare(folder, files=in_schema(address, schema))


def in_schema(address: str, schema: str) -> str:
    """Give the address of the tables of one schema."""
    return address.replace("/postgres?", f"/postgres/{schema}?")


def declare(like: Path, **facts: object) -> Path:
    """Declare a source that is like another one, a folder or a source.yaml, but for some facts."""
    folder = like if like.is_dir() else like.parent
    said = yaml.safe_load((folder / "source.yaml" if like.is_dir() else like).read_text("utf-8"))
    declared = folder / f"elsewhere{len(list(folder.glob('elsewhere*')))}.yaml"
    declared.write_text(yaml.safe_dump({**said, **facts}), encoding="utf-8")
    return declared
