"""Spark: what Ibis writes for it, mended, and a session of its own for each source."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.pyspark import Backend
from ibis.backends.sql.compilers.base import NULL, STAR
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from ibis.util import gen_name
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.types import TimestampType

from siyu.data.problems import Problem, SourceError

_WAIT_SECONDS = 10
_START = {"spark.log.level": "ERROR", "spark.ui.showConsoleProgress": "false"}
_SHARED = {
    "spark.dynamicAllocation.enabled": "true",
    "spark.dynamicAllocation.executorIdleTimeout": "10s",
    "spark.dynamicAllocation.shuffleTracking.timeout": "10s",
    "spark.dynamicAllocation.cachedExecutorIdleTimeout": "60s",
}
"""A run holds the source open while its notebooks open it, too: who asks nothing gives way, and
what was kept is found again when it is asked for.
"""
_PARTITIONS = "spark.sql.shuffle.partitions"
"""By itself 200, which suits a cluster: in one process a question takes many times as long."""
_SESSION = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
}


class _Compiler(PySparkCompiler):  # type: ignore[misc]
    """The compiler of Ibis, where Spark would answer otherwise than DuckDB, or not at all."""

    def visit_ScalarUDF(self, op: Any, **given: Any) -> Any:  # noqa: N802
        name, arguments = op.__func_name__, list(given.values())
        if name == "epoch_us":
            # In a session of UTC a wall-clock time and an instant are the same.
            return self.f.anon.unix_micros(self.cast(arguments[0], dt.Timestamp("UTC")))
        if name in ("make_timestamp", "make_timestamptz"):
            return self.f.anon.timestamp_micros(arguments[0])
        if name == "divide":
            left, right = map(sge.paren, arguments)
            return sge.paren(sge.IntDiv(this=left, expression=right))
        return super().visit_ScalarUDF(op, **given)

    def visit_Cast(self, op: Any, *, arg: Any, to: Any) -> Any:  # noqa: N802
        """Round to whole numbers; Spark would cut the fraction off."""
        if to.is_integer() and op.arg.dtype.is_floating():
            arg = self.f.anon.rint(arg)
        elif to.is_integer() and op.arg.dtype.is_decimal():
            arg = self.f.round(arg)
        return super().visit_Cast(op, arg=arg, to=to)

    def visit_TimestampDelta(self, op: Any, *, part: Any, left: Any, right: Any) -> Any:  # noqa: N802
        """Count the midnights between two times; Spark counts spans of 24 hours."""
        if op.part.value.lower() != "day":
            return super().visit_TimestampDelta(op, part=part, left=left, right=right)
        days = self.f.anon.datediff(self.cast(left, dt.date), self.cast(right, dt.date))
        return self.cast(days, dt.int64)

    visit_DateDelta = visit_TimestampDelta  # noqa: N815

    def visit_DateTruncate(self, op: Any, *, arg: Any, unit: Any) -> Any:  # noqa: N802
        return self.cast(super().visit_DateTruncate(op, arg=arg, unit=unit), dt.date)

    def visit_BitwiseLeftShift(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        return self.f.anon.shiftleft(left, self.cast(right, dt.int32))

    def visit_BitwiseRightShift(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        return self.f.anon.shiftright(left, self.cast(right, dt.int32))

    def visit_CountStar(self, op: Any, *, arg: Any, where: Any) -> Any:  # noqa: N802
        """Count 0 where a condition is never known; the sum of Ibis is null then."""
        return self.f.count(STAR if where is None else self.if_(where, 1, NULL))

    def visit_First(self, op: Any, *, arg: Any, where: Any, order_by: Any, **_: Any) -> Any:  # noqa: N802
        """Take the first by keys that rise; Spark's own is of whichever row comes first."""
        known = arg.is_(sg.not_(NULL))
        counts = known if where is None else sg.and_(where, known)
        keys = self.f.anon.struct(*(one.this for one in order_by))
        return self.agg.min_by(arg, keys, where=counts)

    def visit_IsNull(self, op: Any, *, arg: Any) -> Any:  # noqa: N802
        """Tell NaN from null, as other engines do."""
        return arg.is_(NULL)

    def visit_NotNull(self, op: Any, *, arg: Any) -> Any:  # noqa: N802
        return arg.is_(sg.not_(NULL))


class _Engine(Backend):  # type: ignore[misc]
    compiler = _Compiler()

    def get_schema(self, table_name: str, **where: Any) -> ibis.Schema:
        """Tell instants from wall-clock times, which Ibis takes to be one."""
        fields = self._session.table(table_name).schema.fields
        instants = {
            field.name: dt.Timestamp("UTC")
            for field in fields
            if isinstance(field.dataType, TimestampType)
        }
        return ibis.schema({**super().get_schema(table_name, **where), **instants})

    def _create_cached_table(self, name: str, expr: ir.Table) -> ir.Table:
        self._run_pre_execute_hooks(expr)
        super()._create_cached_table(name, expr)
        # Spark has instants only, and would take kept wall-clock times for some.
        there = ops.Namespace()
        kept = ops.DatabaseTable(name, schema=expr.schema(), source=self, namespace=there)
        return kept.to_expr()

    def read_folder(self, path: Path) -> ir.Table:
        """Read a Parquet file, or a partitioned folder of them, whose partitions are text."""
        # To compare the columns of files takes a question of its own.
        merged = str(path.is_dir()).lower()
        rows = self._session.read.option("mergeSchema", merged).parquet(str(path.resolve()))
        name = gen_name("siyu_parquet")
        rows.createOrReplaceTempView(name)
        return self.table(name)


def connect(master: str, database: str) -> _Engine:
    """Open a session on a Spark cluster, or on a Spark inside this process.

    How many processors and how much memory it takes is set where Spark looks for it, such as
    `spark-defaults.conf` in the folder that `SPARK_CONF_DIR` names.

    Args:
        master: of the cluster, `local[2]` for two threads of this process.
        database: that holds the tables; "": the one that Spark begins with.

    Raises:
        SourceError: there is no Java, the cluster cannot be reached, or Spark runs elsewhere.
    """
    _require_master(master)
    builder = SparkSession.builder.master(master).appName("siyu")
    for name, value in {**_START, **({} if master.startswith("local") else _SHARED)}.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except (PySparkException, OSError) as error:
        remedy = "Spark needs Java 17 or newer: install it, or set JAVA_HOME"
        raise SourceError(Problem(rule=f"Spark does not start: {error}", remedy=remedy)) from error
    running = session.sparkContext.master
    if running != master:
        remedy = f"use engine: {running}, or open this source in a process of its own"
        raise SourceError(Problem(rule=f"Spark already runs on {running} here", remedy=remedy))
    own = session.newSession()
    for name, value in _SESSION.items():
        own.conf.set(name, value)
    if master.startswith("local") and not session.sparkContext.getConf().contains(_PARTITIONS):
        own.conf.set(_PARTITIONS, session.sparkContext.defaultParallelism)
    _Engine.register_options()
    engine = _Engine()
    engine.do_connect(own)
    if database:
        own.catalog.setCurrentDatabase(database)
    return engine


def _require_master(master: str) -> None:
    """Raise a SourceError where no master answers: Spark itself would wait for a minute."""
    if not master.startswith("spark://"):
        return
    for place in master.removeprefix("spark://").split(","):
        host, _, port = place.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=_WAIT_SECONDS).close()
        except (OSError, ValueError):
            continue
        return
    remedy = "start it, or correct engine: in source.yaml"
    raise SourceError(Problem(rule=f"no Spark master answers at {master}", remedy=remedy))
