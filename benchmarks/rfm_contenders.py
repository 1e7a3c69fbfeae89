"""The same scores in many ways: everyone answers the question of the benchmark.

Each function gets ready (imports, connects, opens, answers something trivial) and returns the
question as a call without arguments; only that call is measured. It returns one row per three
scores: recency, frequency and money in one text, buyers, purchase days, yuan.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.harness import Question
from benchmarks.library import Library
from benchmarks.order_logs import DAYS, FIRST_DAY

if TYPE_CHECKING:
    from siyu.data import Source

Row = tuple[str, int, int, int]
_COLUMNS = ("user_id", "paid_at", "amount_cny", "refunded_cny")

_DAY_US = 24 * 3_600_000_000
_SHANGHAI_US = 8 * 3_600_000_000
LAST = FIRST_DAY.astype("datetime64[D]") + DAYS - 1
_START_US = int(FIRST_DAY.astype("datetime64[us]").astype(np.int64)) - _SHANGHAI_US
_BITS = 62
_BLOCKS = range(-(-DAYS // _BITS))
"""Days of purchase, as bits of so many numbers: the fastest way to count them in an engine."""


def _ask(pool: Source) -> Iterable[Row]:
    from siyu.studies.tiers import Definition, find_members, rfm

    members = find_members(pool, Definition(), period_days=DAYS, min_users=1)
    buyers = rfm.measure(members, compare_days=None).buyers
    code = 100 * buyers["r_now"].astype(int) + 10 * buyers["f_now"] + buyers["m_now"]
    told = buyers.groupby(code).agg(
        n=("amount_now", "size"), days=("frequency_now", "sum"), yuan=("amount_now", "sum")
    )
    return list(told.itertuples(name=None))


LIBRARY = Library(ask=_ask, study="siyu.studies.tiers.rfm", last=LAST.astype(date))


def clickhouse(log: Path) -> Question:
    """Ask ClickHouse, in process."""
    import chdb

    chdb.query("SELECT 1")
    day = f"intDiv(toUnixTimestamp64Micro(assumeNotNull(paid_at)) - {_START_US}, {_DAY_US})"
    bits = [
        f"groupBitOr(if(intDiv(day, {_BITS}) = {block}, bitShiftLeft(1::UInt64, day % {_BITS}), 0))"
        for block in _BLOCKS
    ]
    query = f"""
        WITH buyers AS (
            SELECT max(day) AS r, {" + ".join(f"bitCount({each})" for each in bits)} AS f,
                sum(amount) AS m
            FROM (
                SELECT user_id, {day} AS day, amount_cny - refunded_cny AS amount
                FROM file('{log}', Parquet)
                WHERE amount_cny > refunded_cny
            ) AS orders
            GROUP BY user_id
        )
        SELECT 100 * r_score + 10 * f_score + m_score, count(), sum(f), toInt64(sum(m))
        FROM (
            SELECT f, m, {", ".join(f"{_score(name, 'intDiv')} AS {name}_score" for name in "rfm")}
            FROM buyers
        )
        GROUP BY 1
    """

    def ask() -> Iterable[Row]:
        cells = (line.split("\t") for line in str(chdb.query(query, "TSV")).splitlines())
        return [(name, *map(int, numbers)) for name, *numbers in cells]  # type: ignore[misc]

    return ask


def _score(name: str, divide: str) -> str:
    """Score by the middle of those who share a value, in whole numbers."""
    twice_middle = f"2 * (rank() OVER (ORDER BY {name}) - 1) + count(*) OVER (PARTITION BY {name})"
    above, below = f"5 * ({twice_middle})", "2 * count(*) OVER ()"
    return f"{divide}({above}, {below}) + 1" if divide else f"({above}) // ({below}) + 1"


def duckdb_sql(log: Path, *, load: bool = False) -> Question:
    """Ask DuckDB in SQL by hand, with whole microseconds instead of its slower calendar."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false").fetchall()
    kind, columns = "TABLE" if load else "VIEW", ", ".join(_COLUMNS)
    connection.execute(f"CREATE {kind} orders AS SELECT {columns} FROM '{log}'").fetchall()
    bits = [
        f"bit_count(bit_or(CASE WHEN day BETWEEN {first} AND {first + _BITS - 1} "
        f"THEN 1::BIGINT << (day - {first}) ELSE 0 END))::INT"
        for first in (block * _BITS for block in _BLOCKS)
    ]

    def ask() -> Iterable[Row]:
        return connection.execute(f"""
            WITH buyers AS (
                SELECT max(day) AS r, {" + ".join(bits)} AS f, sum(amount) AS m
                FROM (
                    SELECT user_id, amount_cny - refunded_cny AS amount,
                        ((epoch_us(paid_at) - {_START_US}) // {_DAY_US})::INT AS day
                    FROM orders WHERE amount_cny > refunded_cny
                )
                GROUP BY user_id
            )
            SELECT 100 * r_score + 10 * f_score + m_score, count(*), sum(f), sum(m)
            FROM (
                SELECT f, m, {", ".join(f"{_score(name, '')} AS {name}_score" for name in "rfm")}
                FROM buyers
            )
            GROUP BY ALL
        """).fetchall()

    return ask


def polars(log: Path, *, load: bool = False) -> Question:
    """Ask Polars, lazily."""
    import polars as pl

    pl.select(1)
    orders = pl.scan_parquet(log).select(_COLUMNS)
    if load:
        orders = orders.collect().lazy()

    def ask() -> Iterable[Row]:
        day = ((pl.col("paid_at").dt.epoch("us") - _START_US) // _DAY_US).cast(pl.Int32)
        score = [
            ((5 * (2 * pl.col(name).rank("average") - 1)) // (2 * pl.len()) + 1).cast(pl.Int64)
            for name in "rfm"
        ]
        bits = [
            pl.when(pl.col("day") // _BITS == block)
            .then(pl.lit(2, pl.Int64).pow(pl.col("day") % _BITS))
            .otherwise(0)
            .bitwise_or()
            .alias(f"bits_{block}")
            for block in _BLOCKS
        ]
        days = [pl.col(f"bits_{block}").bitwise_count_ones() for block in _BLOCKS]
        return (
            orders.filter(pl.col("amount_cny") > pl.col("refunded_cny"))
            .select("user_id", day=day, amount=pl.col("amount_cny") - pl.col("refunded_cny"))
            .group_by("user_id")
            .agg(pl.col("day").max().alias("r"), pl.col("amount").sum().alias("m"), *bits)
            .with_columns(f=pl.sum_horizontal(days))
            .select("f", "m", code=100 * score[0] + 10 * score[1] + score[2])
            .group_by("code")
            .agg(pl.len().alias("n"), pl.col("f").sum(), pl.col("m").sum())
            .collect()
            .rows()
        )

    return ask


def pandas(log: Path) -> Question:
    """Ask pandas and NumPy."""
    import pandas as pd
    import pyarrow.parquet as pq

    def ask() -> Iterable[Row]:
        rows = pq.read_table(log, columns=list(_COLUMNS), read_dictionary=["user_id"]).to_pandas()
        net = (rows["amount_cny"] - rows["refunded_cny"]).to_numpy()
        counts = net > 0
        user = rows["user_id"].cat.codes.to_numpy()[counts]
        since = rows["paid_at"].astype("int64").to_numpy()[counts] - _START_US
        bought = np.zeros((user.max() + 1, DAYS), dtype=bool)
        bought[user, since // _DAY_US] = True
        money = np.bincount(user, net[counts], minlength=len(bought))
        days = bought.sum(axis=1)
        last = DAYS - bought[:, ::-1].argmax(axis=1)
        buyers = pd.DataFrame({"r": last, "f": days, "m": money})[days > 0]
        middle = 2 * buyers.rank(method="average") - 1
        scores = (5 * middle // (2 * len(buyers)) + 1).astype(int)
        told = buyers.groupby(100 * scores["r"] + 10 * scores["f"] + scores["m"])
        told = told.agg(n=("f", "size"), days=("f", "sum"), yuan=("m", "sum"))
        return list(told.itertuples(name=None))

    return ask


def scan(log: Path) -> Question:
    """Read what every contender must read, and do nothing with it: the floor."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SELECT 1").fetchall()
    query = f"""
        SELECT max(user_id), max(epoch_us(paid_at)), sum(amount_cny), sum(refunded_cny) FROM '{log}'
    """
    return lambda: connection.execute(query).fetchall() and ()


CONTENDERS = LIBRARY.among(
    scan=scan, clickhouse=clickhouse, duckdb=duckdb_sql, polars=polars, pandas=pandas
)
