"""The same description of pushes in many ways: everyone answers the question of the benchmark.

Each function gets ready (imports, connects, opens, answers something trivial) and returns the
question as a call without arguments; only that call is measured. It returns one row per occupation,
weekday (0 for Monday) and hour: the occupation, the weekday, the hour, pushes sent, pushes clicked.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.harness import Question
from benchmarks.library import Library
from benchmarks.push_logs import DAYS, FIRST_DAY

if TYPE_CHECKING:
    from siyu.data import Source

Row = tuple[str, int, int, int, int]
_COLUMNS = ("user_id", "status", "planned_at", "sent_at", "clicked_at")

_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
_SHANGHAI_US = 8 * _HOUR_US
LAST = FIRST_DAY.astype("datetime64[D]") + DAYS - 1
_START_US = int(FIRST_DAY.astype("datetime64[us]").astype(np.int64)) - _SHANGHAI_US
_LATEST_US = _START_US + (DAYS - 1) * _DAY_US
"""What was planned or sent after this is not followed for 24 hours."""
_MONDAY = 3
"""Days from 1970-01-01, a Thursday, back to a Monday."""


def _ask(pool: Source) -> Iterable[Row]:
    from siyu.studies.push_timing import Definition, find_pushes, heat

    pushes = find_pushes(pool, Definition(), period_days=DAYS, by=["occupation"], min_users=1)
    measures = heat.measure(pushes)
    keys = ["segment", "weekday", "hour"]
    cells = measures.counts.groupby(keys)[["n_pushes", "answered"]].sum().reset_index()
    cells["segment"] = np.array(measures.segments, dtype=object)[cells["segment"]]
    return list(cells.itertuples(index=False, name=None))


LIBRARY = Library(ask=_ask, study="siyu.studies.push_timing.heat", last=LAST.astype(date))


def clickhouse(log: Path) -> Question:
    """Ask ClickHouse, in process."""
    import chdb

    chdb.query("SELECT 1")
    planned, sent, clicked = (
        f"toUnixTimestamp64Micro({name}_at)" for name in ("planned", "sent", "clicked")
    )
    query = f"""
        SELECT
            occupation,
            (intDiv(at + {_SHANGHAI_US}, {_DAY_US}) + {_MONDAY}) % 7 AS weekday,
            intDiv(at + {_SHANGHAI_US}, {_HOUR_US}) % 24 AS hour,
            count(),
            sum(clicked)
        FROM (
            SELECT
                user_id,
                assumeNotNull({sent}) AS at,
                coalesce({clicked} - {sent} BETWEEN 0 AND {_DAY_US}, 0) AS clicked
            FROM file('{log}', Parquet)
            WHERE status = 'sent' AND {planned} BETWEEN {_START_US} AND {_LATEST_US}
                AND {sent} <= {_LATEST_US}
        ) AS sent_pushes
        JOIN file('{_users(log)}', Parquet) AS users USING (user_id)
        GROUP BY occupation, weekday, hour
    """

    def ask() -> Iterable[Row]:
        cells = (line.split("\t") for line in str(chdb.query(query, "TSV")).splitlines())
        return [(name, *map(int, numbers)) for name, *numbers in cells]  # type: ignore[misc]

    return ask


def duckdb_sql(log: Path, *, load: bool = False) -> Question:
    """Ask DuckDB in SQL by hand, with whole microseconds instead of its slower calendar."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false").fetchall()
    kind = "TABLE" if load else "VIEW"
    columns = ", ".join(_COLUMNS)
    connection.execute(f"""
        CREATE {kind} pushes AS SELECT {columns} FROM '{log}';
        CREATE {kind} users AS FROM '{_users(log)}'
    """).fetchall()

    def ask() -> Iterable[Row]:
        return connection.execute(f"""
            SELECT
                occupation,
                ((sent_us + {_SHANGHAI_US}) // {_DAY_US} + {_MONDAY}) % 7 AS weekday,
                (sent_us + {_SHANGHAI_US}) // {_HOUR_US} % 24 AS hour,
                count(*),
                count(*) FILTER (clicked_us - sent_us BETWEEN 0 AND {_DAY_US})
            FROM (
                SELECT user_id, epoch_us(sent_at) AS sent_us, epoch_us(clicked_at) AS clicked_us
                FROM pushes
                WHERE status = 'sent' AND epoch_us(sent_at) <= {_LATEST_US}
                    AND epoch_us(planned_at) BETWEEN {_START_US} AND {_LATEST_US}
            )
            JOIN users USING (user_id)
            GROUP BY ALL
        """).fetchall()

    return ask


def polars(log: Path, *, load: bool = False) -> Question:
    """Ask Polars, lazily."""
    import polars as pl

    pl.select(1)
    pushes, users = pl.scan_parquet(log).select(_COLUMNS), pl.scan_parquet(_users(log))
    if load:
        pushes, users = pushes.collect().lazy(), users.collect().lazy()
    planned, sent, clicked = (
        pl.col(f"{name}_at").dt.epoch("us") for name in ("planned", "sent", "clicked")
    )

    def ask() -> Iterable[Row]:
        local = pl.col("at") + _SHANGHAI_US
        cells = (
            pushes.filter(
                (pl.col("status") == "sent")
                & planned.is_between(_START_US, _LATEST_US)
                & (sent <= _LATEST_US)
            )
            .select("user_id", at=sent, clicked=(clicked - sent).is_between(0, _DAY_US))
            .join(users.select("user_id", "occupation"), on="user_id")
            .group_by(
                "occupation",
                weekday=(local // _DAY_US + _MONDAY) % 7,
                hour=local // _HOUR_US % 24,
            )
            .agg(pl.len(), pl.col("clicked").sum().alias("answered"))
            .collect()
        )
        return cells.rows()

    return ask


def pandas(log: Path) -> Question:
    """Ask pandas and NumPy."""
    import pandas as pd

    def ask() -> Iterable[Row]:
        users = pd.read_parquet(_users(log), columns=["user_id", "occupation"])
        columns = ["user_id", "planned_at", "sent_at", "clicked_at"]
        rows = pd.read_parquet(log, columns=columns, filters=[("status", "==", "sent")])
        planned, sent = (
            rows[name].astype("int64").to_numpy() for name in ("planned_at", "sent_at")
        )
        known = (planned >= _START_US) & (planned <= _LATEST_US) & (sent <= _LATEST_US)
        wait = (rows["clicked_at"] - rows["sent_at"]).dt.total_seconds().to_numpy()[known]
        local = sent[known] + _SHANGHAI_US
        place = pd.Index(users["user_id"]).get_indexer(rows["user_id"].to_numpy()[known])
        cells = pd.DataFrame(
            {
                "occupation": users["occupation"].to_numpy()[place],
                "weekday": (local // _DAY_US + _MONDAY) % 7,
                "hour": local // _HOUR_US % 24,
                "answered": (wait >= 0) & (wait <= _DAY_US / 1_000_000),
            }
        )[place >= 0]
        told = cells.groupby(["occupation", "weekday", "hour"])["answered"].agg(["size", "sum"])
        return list(told.reset_index().itertuples(index=False, name=None))

    return ask


def scan(log: Path) -> Question:
    """Read what every contender must read, and do nothing with it: the floor."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SELECT 1").fetchall()
    times = ", ".join(f"max(epoch_us({name}_at))" for name in ("planned", "sent", "clicked"))
    query = f"SELECT max(user_id), {times} FROM '{log}' WHERE status = 'sent'"
    return lambda: connection.execute(query).fetchall() and ()


def _users(log: Path) -> Path:
    return log.with_name("users.parquet")


CONTENDERS = LIBRARY.among(
    scan=scan, clickhouse=clickhouse, duckdb=duckdb_sql, polars=polars, pandas=pandas
)
