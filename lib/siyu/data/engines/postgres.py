"""PostgreSQL: what Ibis writes for it, mended, and a connection that keeps its answers in order."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.postgres import Backend
from ibis.backends.sql.compilers.base import NULL
from ibis.backends.sql.compilers.postgres import PostgresCompiler

from siyu.data.problems import Problem, SourceError

_OLDEST = 140_000
"""From 14 on, the seconds since 1970 are exact."""
_LARGEST = {"int64": 2**63 - 1, "decimal": 10**16 - 1}
_COPY = "write copy: true beside files: in source.yaml to copy the tables instead"


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def _by_code(text: str) -> str:  # type: ignore[empty-body]
    """Sort a text by the codes of its signs, as other engines do, not as some language would."""


class _Compiler(PostgresCompiler):  # type: ignore[misc]
    """The compiler of Ibis, where PostgreSQL would answer otherwise than DuckDB, or not at all."""

    def visit_ScalarUDF(self, op: Any, **given: Any) -> Any:  # noqa: N802
        name, arguments = op.__func_name__, list(given.values())
        if name == "_by_code":
            code = sge.to_identifier("C", quoted=True)
            return sge.Collate(this=arguments[0], expression=code)
        if name == "epoch_us":
            return self.cast(self.f.extract("epoch", arguments[0]) * 1_000_000, dt.int64)
        if name in ("make_timestamp", "make_timestamptz"):
            kind = dt.Timestamp("UTC") if name.endswith("tz") else dt.timestamp
            step = sge.Interval(this=sge.convert("1"), unit=sge.Var(this="MICROSECOND"))
            return sge.paren(self.cast(sge.convert("epoch"), kind) + sge.paren(arguments[0]) * step)
        if name == "divide":
            left, right = map(sge.paren, arguments)
            return sge.paren(sge.Div(this=left, expression=right, typed=True))
        return super().visit_ScalarUDF(op, **given)

    def visit_Cast(self, op: Any, *, arg: Any, to: Any) -> Any:  # noqa: N802
        if op.arg.dtype.is_boolean() and to.is_numeric():
            arg = self.cast(arg, dt.int32)
        return super().visit_Cast(op, arg=arg, to=to)

    def visit_TryCast(self, op: Any, *, arg: Any, to: Any) -> Any:  # noqa: N802
        """Give null for a number that is too large, or none."""
        largest = _LARGEST.get("decimal" if to.is_decimal() else str(to))
        cast = self.visit_Cast(op, arg=arg, to=to)
        if largest is None or not op.arg.dtype.is_numeric():
            return cast
        low, high = sge.convert(-largest), sge.convert(largest)
        return self.if_(sge.Between(this=arg, low=low, high=high), cast, sge.null())

    def visit_Sum(self, op: Any, *, arg: Any, where: Any) -> Any:  # noqa: N802
        return self.cast(super().visit_Sum(op, arg=arg, where=where), op.dtype)

    def visit_WindowFunction(self, op: Any, *, func: Any, **frame: Any) -> Any:  # noqa: N802
        if not isinstance(op.func, ops.Sum):
            return super().visit_WindowFunction(op, func=func, **frame)
        total = super().visit_WindowFunction(op, func=func.this, **frame)
        return self.cast(total, op.func.dtype)

    def visit_Arbitrary(self, op: Any, *, arg: Any, where: Any) -> Any:  # noqa: N802
        return self.agg.min(arg, where=where)

    def visit_Round(self, op: Any, *, arg: Any, digits: Any) -> Any:  # noqa: N802
        """Round a half away from zero; PostgreSQL rounds floating-point numbers to even."""
        if not (op.arg.dtype.is_floating() and op.dtype.is_integer()):
            return super().visit_Round(op, arg=arg, digits=digits)
        return self.cast(self.f.sign(arg) * self.f.floor(self.f.abs(arg) + 0.5), op.dtype)

    def visit_TimestampDelta(self, op: Any, *, part: Any, left: Any, right: Any) -> Any:  # noqa: N802
        """Count the midnights between two times; PostgreSQL rounds to the nearest day."""
        if op.part.value.lower() != "day":
            return super().visit_TimestampDelta(op, part=part, left=left, right=right)
        days = sge.paren(self.cast(left, dt.date) - self.cast(right, dt.date))
        return self.cast(days, dt.int64)

    visit_DateDelta = visit_TimestampDelta  # noqa: N815

    def visit_DateTruncate(self, op: Any, *, arg: Any, unit: Any) -> Any:  # noqa: N802
        return self.cast(super().visit_DateTruncate(op, arg=arg, unit=unit), dt.date)

    def visit_BitwiseLeftShift(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        return sge.BitwiseLeftShift(this=sge.paren(left), expression=self.cast(right, dt.int32))

    def visit_BitwiseRightShift(self, op: Any, *, left: Any, right: Any) -> Any:  # noqa: N802
        return sge.BitwiseRightShift(this=sge.paren(left), expression=self.cast(right, dt.int32))

    def visit_First(self, op: Any, *, arg: Any, where: Any, order_by: Any, **_: Any) -> Any:  # noqa: N802
        known = arg.is_(sg.not_(NULL))
        counts = known if where is None else sg.and_(where, known)
        return sge.paren(self.agg.array_agg(arg, where=counts, order_by=order_by))[0]


class _Engine(Backend):  # type: ignore[misc]
    compiler = _Compiler()

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._released: list[str] = []

    def table(self, name: str, /, **where: Any) -> ir.Table:
        rows = super().table(name, **where)
        texts = [column for column, kind in rows.schema().items() if kind.is_string()]
        return (
            rows.mutate(**{column: _by_code(rows[column]) for column in texts}) if texts else rows
        )

    def _create_cached_table(self, name: str, expr: ir.Table) -> ir.Table:
        """Keep an answer in a table of this connection, whose texts sort by code and whose size the
        planner knows.
        """
        self._run_pre_execute_hooks(expr)
        kinds = {
            column: self.compiler.type_mapper.to_string(kind)
            + (' COLLATE "C"' if kind.is_string() else "")
            for column, kind in expr.schema().items()
        }
        columns = ", ".join(f"{_quote(column)} {kind}" for column, kind in kinds.items())
        kept = _quote(name)
        with self.begin() as cursor:
            while self._released:
                cursor.execute(f"DROP TABLE {_quote(self._released.pop())}")
            cursor.execute(f"CREATE TEMPORARY TABLE {kept} ({columns})")
            cursor.execute(f"INSERT INTO {kept} {self.compile(expr)}")
            cursor.execute(f"ANALYZE {kept}")
        return super().table(name)

    def _drop_cached_table(self, name: str) -> None:
        # Nobody knows when the last user of a table is gone: perhaps in the midst of a question,
        # when the connection is locked.
        self._released.append(name)


def connect(url: str) -> _Engine:
    """Connect to a PostgreSQL database that is new enough and lets us keep tables for a while.

    Raises:
        SourceError: it cannot be reached, is too old, or takes no temporary tables.
    """
    parts = urlsplit(url)
    engine: _Engine = _Engine()._from_url(parts, **dict(parse_qsl(parts.query)))
    with engine.begin() as cursor:
        version, is_copy, is_allowed = cursor.execute(
            "SELECT current_setting('server_version_num')::int, pg_is_in_recovery(),"
            " has_database_privilege(current_database(), 'TEMPORARY')"
        ).fetchone()
        # Of what is reckoned per row the planner knows nothing, expects one row, and so reads a
        # whole table again for each: a question of a second takes minutes.
        cursor.execute("SET enable_nestloop = off")
    if version < _OLDEST:
        raise _refused(f"PostgreSQL {version // 10_000} is older than 14", _COPY)
    if is_copy:
        raise _refused("a standby server takes no temporary tables", _COPY)
    if not is_allowed:
        remedy = f"GRANT TEMPORARY ON DATABASE to the user, or {_COPY}"
        raise _refused("the user may make no temporary tables", remedy)
    return engine


def _quote(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _refused(rule: str, remedy: str) -> SourceError:
    return SourceError(Problem(rule=rule, remedy=remedy))
