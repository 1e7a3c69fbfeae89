"""Engines that hold tables of their own: what is asked of them runs there, and only answers come.

PostgreSQL and Spark give the same answers as DuckDB, to which `tests/engines` holds them. Ibis
writes some things otherwise for them than for DuckDB, or not at all; the compilers in this package
mend that, so that no study needs to know where it runs.
"""

from __future__ import annotations

import re
import warnings
from importlib import import_module
from typing import cast

import ibis
import ibis.expr.types as ir

from siyu.data.problems import Problem, SourceError

_POSTGRES = re.compile(r"postgres(ql)?://")
_SPARK = re.compile(r"(?P<master>local\[[\d*]+\]|spark://[^/?]+)(/(?P<database>\w+))?")


def is_spark(address: str) -> bool:
    """Say whether an address is a Spark master: `local[2]` or `spark://host:7077`."""
    return bool(_SPARK.fullmatch(address))


def is_engine(address: str) -> bool:
    """Say whether tables at an address stay there."""
    return bool(_POSTGRES.match(address)) or is_spark(address)


def open_engine(address: str) -> ibis.BaseBackend:
    """Connect to an engine, and make sure that it can do what will be asked of it.

    Args:
        address: of a PostgreSQL database, or of a Spark master, then perhaps a slash and the
            database that holds the tables.

    Raises:
        SourceError: its driver is not installed, it cannot be reached, or it allows too little.
    """
    spark = _SPARK.fullmatch(address)
    name = "spark" if spark else "postgres"
    # It warns at every turn; `tests/engines` is there to tell that its answers are right.
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
    try:
        module = import_module(f"siyu.data.engines.{name}")
    except ImportError as error:
        remedy = f"make engines, or pip install 'siyu[{name}]'"
        raise SourceError(Problem(rule=f"{name}: {error}", remedy=remedy)) from error
    engine = (
        module.connect(spark["master"], spark["database"] or "")
        if spark
        else module.connect(address)
    )
    return cast(ibis.BaseBackend, engine)


def on_duckdb(rows: ir.Table) -> bool:
    """Say whether what is asked of a table runs on DuckDB, which some forms suit and others not."""
    return bool(rows.get_backend().name == "duckdb")
