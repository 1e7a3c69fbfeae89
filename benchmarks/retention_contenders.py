"""The same retention in many ways: every contender answers the question of `benchmarks.retention`.

Each function gets ready (imports, connects, opens, answers something trivial) and returns the
question as a call without arguments; only that call is measured. It returns one row per weekly
cohort and per touchpoint, and day: the group, the day, users who can be judged, users who came
back.

The peers reduce the log to one row per day of addition and touchpoint (`Returns`), and `_tell` adds
these few rows up for all of them alike; the library takes its own way to the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.harness import Question
from benchmarks.library import Library
from benchmarks.logs import DAYS, FIRST_DAY, users_of

if TYPE_CHECKING:
    from siyu.data import Source

Row = tuple[str, int, int, int]
Returns = tuple[Any, ...]
"""Day of addition (since 1970, Shanghai), touchpoint, users, and users with a return in each of
`_SPANS`.
"""

BACK = ("browse", "compare", "cart", "order", "sign_in", "moments_like")
WEEKS = range(1, 13)
ON_DAYS = (1, 7, 30)
LAST = FIRST_DAY.astype(datetime).date() + timedelta(days=DAYS - 1)
"""The last complete day of the log in Shanghai."""
END = datetime(LAST.year, LAST.month, LAST.day, 16, tzinfo=UTC)
"""The first instant that is not known any more: midnight in Shanghai."""
BEGIN = datetime(2025, 3, 30, 16, tzinfo=UTC)
"""The first instant that was observed, by the facts that lie beside the log."""
_SPANS = [*((7 * week, 7 * week + 6) for week in WEEKS), *((day, day) for day in ON_DAYS)]
_HORIZON = max(end for _, end in _SPANS)
_EPOCH = date(1970, 1, 1)
_DAY_US = 86_400_000_000
_SHANGHAI_US = 8 * 3_600_000_000
_SINCE, _UNTIL = (at.strftime("%Y-%m-%d %H:%M:%S") for at in (BEGIN, END))


def _ask(pool: Source) -> Iterable[Row]:
    """Ask with one call for the weeks and one for the days."""
    from siyu.studies import retention

    returns = {"return_events": BACK, "follow_days": 7}
    weekly = retention.Definition(kind="from", days=[7 * week for week in WEEKS], **returns)
    daily = retention.Definition(kind="on", days=ON_DAYS, **returns)
    options = {"period_days": DAYS + 1, "min_users": 1}
    weeks = retention.measure(pool, weekly, **options)
    cohorts = retention.by_cohort(weeks, level=0.95)
    days = retention.measure(pool, daily, by=["touchpoint"], **options)
    rates = retention.rates(days, level=0.95)
    whole = cohorts[cohorts["state"] == "whole"].assign(group=lambda t: t["cohort"].astype(str))
    told = rates[(rates["segment"] != "all") & rates["k"].isin(ON_DAYS)]
    for table, group in ((whole, "group"), (told, "segment")):
        columns = [group, "k", "at_risk", "retained"]
        yield from table[columns].itertuples(index=False, name=None)


LIBRARY = Library(ask=_ask, study="siyu.studies.retention", last=LAST)


def clickhouse(log: Path) -> Question:
    """Ask ClickHouse, in process: a join, and the bits of each user collected in one GROUP BY."""
    import chdb

    chdb.query("SELECT 1")
    users = users_of(log)
    local = "intDiv(toUnixTimestamp64Micro({}) + {}, {})"
    joined, day = (local.format(at, _SHANGHAI_US, _DAY_US) for at in ("added_at", "occurred_at"))
    week = "toUInt8(intDiv(greatest(day, 7), 7) - 1)"
    shift, either = "bitShiftLeft(toUInt32({}), {})", "bitOr({}, {})"
    bits = _bits("day", week=week, shift=shift, either=either)
    query = f"""
        WITH added AS (
            SELECT assumeNotNull(user_id) AS user_id, assumeNotNull(toInt32({joined})) AS joined,
                touchpoint
            FROM file('{users}', Parquet)
            WHERE added_at < toDateTime64('{_UNTIL}', 6, 'UTC')
        )
        SELECT joined, touchpoint, count(), {_sums("bitTest(flags, {})")} FROM (
            SELECT
                user_id,
                any(joined) AS joined,
                any(touchpoint) AS touchpoint,
                groupBitOr({bits}) AS flags
            FROM (
                SELECT
                    user_id,
                    joined,
                    added.touchpoint AS touchpoint,
                    at - joined AS day
                FROM (
                    SELECT assumeNotNull(user_id) AS user_id, assumeNotNull(toInt32({day})) AS at
                    FROM file('{log}', Parquet)
                    WHERE event IN {BACK} AND occurred_at < toDateTime64('{_UNTIL}', 6, 'UTC')
                    AND occurred_at >= toDateTime64('{_SINCE}', 6, 'UTC')
                ) AS events JOIN added USING (user_id)
                UNION ALL SELECT user_id, joined, touchpoint, 0 AS day FROM added
            )
            WHERE day BETWEEN 0 AND {_HORIZON}
            GROUP BY user_id
        )
        GROUP BY joined, touchpoint
    """

    def ask() -> Iterable[Row]:
        lines = str(chdb.query(query, "TSV")).splitlines()
        cells = (line.split("\t") for line in lines)
        return _tell((joined, at, *map(int, counts)) for joined, at, *counts in cells)

    return ask


def duckdb_sql(log: Path, *, load: bool = False) -> Question:
    """Ask DuckDB in SQL by hand: users get numbers, and each user's bits are collected."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false").fetchall()
    kind = "TABLE" if load else "VIEW"
    for name, path in (("events", log), ("users", users_of(log))):
        connection.execute(f"CREATE {kind} {name} AS FROM '{path}'").fetchall()
    local = "(epoch_us({}) + {}) // {}"
    joined, day = (local.format(at, _SHANGHAI_US, _DAY_US) for at in ("added_at", "occurred_at"))
    shift, either = "({}::INTEGER << {})", "({} | {})"
    bits = _bits("day", week="(day // 7 - 1)", shift=shift, either=either)

    def ask() -> Iterable[Row]:
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE added AS
            SELECT row_number() OVER ()::INTEGER AS number, user_id, {joined} AS joined, touchpoint
            FROM users WHERE added_at < TIMESTAMPTZ '{_UNTIL}+00'
        """).fetchall()
        counts = connection.execute(f"""
            WITH
            days AS (
                SELECT number, ({day} - joined)::INTEGER AS day
                FROM (
                    SELECT user_id, occurred_at FROM events
                    WHERE event IN {BACK} AND occurred_at < TIMESTAMPTZ '{_UNTIL}+00'
                    AND occurred_at >= TIMESTAMPTZ '{_SINCE}+00'
                ) JOIN added USING (user_id)
                WHERE day BETWEEN 1 AND {_HORIZON}
            ),
            back AS (SELECT number, bit_or({bits}) AS flags FROM days GROUP BY number)
            SELECT joined, touchpoint, count(*), {_sums("coalesce(flags >> {} & 1, 0)")}
            FROM added LEFT JOIN back USING (number)
            GROUP BY joined, touchpoint
        """)
        return _tell(counts.fetchall())

    return ask


def polars(log: Path, *, load: bool = False) -> Question:
    """Ask Polars: as DuckDB."""
    import polars as pl

    pl.select(1)
    events, users = pl.scan_parquet(log), pl.scan_parquet(users_of(log))
    if load:
        events, users = events.collect().lazy(), users.collect().lazy()

    def local(column: str) -> pl.Expr:
        return ((pl.col(column).dt.epoch("us") + _SHANGHAI_US) // _DAY_US).cast(pl.Int32)

    def ask() -> Iterable[Row]:
        added = (
            users.filter(pl.col("added_at") < END)
            .select("user_id", "touchpoint", joined=local("added_at"))
            .with_row_index("number")
            .collect()
            .lazy()
        )
        day = pl.col("day")
        bits = pl.lit(0, pl.Int32)
        for place, (first, last) in enumerate(_SPANS):
            bits = bits | pl.when(day.is_between(first, last)).then(1 << place).otherwise(0)
        back = (
            events.filter(
                pl.col("event").is_in(BACK)
                & (pl.col("occurred_at") < END)
                & (pl.col("occurred_at") >= BEGIN)
            )
            .select("user_id", day=local("occurred_at"))
            .join(added.select("user_id", "number", "joined"), on="user_id")
            .select("number", day=day - pl.col("joined"))
            .filter(day.is_between(1, _HORIZON))
            .select("number", flags=bits.cast(pl.Int32))
            .group_by("number")
            .agg(pl.col("flags").bitwise_or())
        )
        flags = pl.col("flags")
        sums = [(flags // (1 << place) % 2).sum().alias(f"{place}") for place in range(len(_SPANS))]
        counts = (
            added.join(back, on="number", how="left")
            .group_by("joined", "touchpoint")
            .agg(pl.len(), *sums)
            .collect()
        )
        return _tell(counts.iter_rows())

    return ask


def pandas(log: Path) -> Question:
    """Ask pandas and NumPy: per span, an array tells of each user whether there was a return."""
    import numpy as np
    import pandas as pd

    users = users_of(log)

    def local(at: pd.Series) -> np.ndarray:
        return (at.astype("int64").to_numpy() + _SHANGHAI_US) // _DAY_US

    def ask() -> Iterable[Row]:
        added = pd.read_parquet(users, filters=[("added_at", "<", END)])
        added["joined"] = local(added["added_at"])
        rows = pd.read_parquet(
            log,
            columns=["user_id", "occurred_at"],
            filters=[
                ("event", "in", BACK),
                ("occurred_at", "<", END),
                ("occurred_at", ">=", BEGIN),
            ],
        )
        number = pd.Index(added["user_id"]).get_indexer(rows["user_id"])
        day = local(rows["occurred_at"]) - added["joined"].to_numpy()[number]
        known = (number >= 0) & (day >= 1) & (day <= _HORIZON)
        number, day = number[known], day[known]
        for first, last in _SPANS:
            back = np.zeros(len(added), dtype=bool)
            back[number[(day >= first) & (day <= last)]] = True
            added[f"{first}-{last}"] = back
        groups = added.assign(users=1).groupby(["joined", "touchpoint"])
        counts = groups[["users", *(f"{first}-{last}" for first, last in _SPANS)]].sum()
        return _tell((*key, *row) for key, row in zip(counts.index, counts.to_numpy(), strict=True))

    return ask


def scan(log: Path) -> Question:
    """Read what every contender must read, and do nothing with it: the floor."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SELECT 1").fetchall()
    query = f"SELECT max(user_id), max(epoch_us(occurred_at)) FROM '{log}' WHERE event IN {BACK}"
    return lambda: connection.execute(query).fetchall() and ()


def _sums(bit: str) -> str:
    """Write in SQL how many users have each of the bits."""
    return ", ".join(f"sum({bit.format(place)})" for place in range(len(_SPANS)))


def _bits(day: str, *, week: str, shift: str, either: str) -> str:
    """Write in SQL which spans a day lies in: a bit for each, in the order of `_SPANS`."""
    week = shift.format(1, week)
    days = " ".join(
        f"WHEN {day} = {on} THEN {1 << place}" for place, on in enumerate(ON_DAYS, len(WEEKS))
    )
    return either.format(f"CASE WHEN {day} >= 7 THEN {week} ELSE 0 END", f"CASE {days} ELSE 0 END")


def _tell(counts: Iterable[Returns]) -> list[Row]:
    """Add up who can be judged and who came back, per whole cohort and per touchpoint."""
    at_risk: Counter[tuple[str, int]] = Counter()
    retained: Counter[tuple[str, int]] = Counter()
    for joined, touchpoint, n, *returned in counts:
        joined_on = _EPOCH + timedelta(days=int(joined))
        monday = joined_on - timedelta(days=joined_on.weekday())
        for place, (first, last) in enumerate(_SPANS):
            weekly = place < len(WEEKS)
            if (monday + timedelta(days=6) if weekly else joined_on) + timedelta(days=last) > LAST:
                continue
            key = (str(monday) if weekly else touchpoint, first)
            at_risk[key] += n
            retained[key] += returned[place]
    return [(*key, n, retained[key]) for key, n in at_risk.items()]


CONTENDERS = LIBRARY.among(
    scan=scan, clickhouse=clickhouse, duckdb=duckdb_sql, polars=polars, pandas=pandas
)
