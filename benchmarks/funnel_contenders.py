"""The same funnel in many ways: every contender answers the question of `benchmarks.funnel`.

Each function gets ready (imports, connects, answers something trivial) and returns the question as
a call without arguments; only that call is measured. It returns one row per channel and depth:
channel of the first start, number of steps reached, users.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.harness import Question
from benchmarks.logs import DAYS, FIRST_DAY, STEPS, use_layouts

if TYPE_CHECKING:
    from siyu.data.sorted_log import SortedLog

Row = tuple[str, int, int]

WINDOW = timedelta(days=7)
STARTS_UNTIL = FIRST_DAY.astype(datetime) + timedelta(days=DAYS) - WINDOW
"""A later start has not had its whole window."""
_MICROSECOND = timedelta(microseconds=1)


def siyu(path: Path) -> Question:
    """Ask through the library: Ibis expressions, on DuckDB here."""
    from siyu.data.files import open_engine
    from siyu.studies.funnel.chains import follow
    from siyu.studies.funnel.definition import Definition

    events = open_engine().read_parquet(path)
    events.limit(1).to_pandas()
    definition = Definition(steps=STEPS, window_days=WINDOW / timedelta(days=1))

    def ask() -> Iterable[Row]:
        users = follow(
            events,
            definition,
            starts_from=FIRST_DAY.astype(datetime).replace(tzinfo=UTC),
            starts_until=STARTS_UNTIL.replace(tzinfo=UTC),
            at_start=["touchpoint"],
        )
        reached = [users[f"reached_{k}_at"].notnull().cast("int8") for k in range(1, 7)]
        counts = users.group_by(users.touchpoint, depth=sum(reached)).agg(n=users.count())
        return counts.to_pandas().itertuples(index=False, name=None)

    return ask


def prepared_first(path: Path) -> Question:
    """Ask the library of a log that was laid out before: to open it is part of the question."""
    import siyu.studies.funnel  # noqa: F401
    from siyu.data.prepare import prepare

    use_layouts()
    prepare(path.parent)
    return lambda: _ask_sorted(_open(path))


def prepared_again(path: Path) -> Question:
    """Ask it once more in the same process."""
    list(prepared_first(path)())
    log = _open(path)
    return lambda: _ask_sorted(log)


def _open(path: Path) -> SortedLog:
    from siyu.data.prepare import open_or_load

    log: SortedLog = open_or_load(path.parent, timezone="").prepared.log
    return log


def _ask_sorted(log: SortedLog) -> Iterable[Row]:
    from siyu.studies.funnel.definition import Definition
    from siyu.studies.funnel.passes import follow_sorted

    users = follow_sorted(
        log,
        Definition(steps=STEPS, window_days=WINDOW / timedelta(days=1)),
        starts_from=FIRST_DAY.astype(datetime).replace(tzinfo=UTC),
        starts_until=STARTS_UNTIL.replace(tzinfo=UTC),
        at_start={"touchpoint": "touchpoint"},
    )
    counts = users.group_by(["touchpoint", "depth"]).aggregate([([], "count_all")])
    return zip(*(column.to_pylist() for column in counts.columns), strict=True)


def preparing(path: Path) -> Question:
    """Lay the log out, which is done once."""
    from siyu.data.prepare import prepare

    folder = TemporaryDirectory()
    use_layouts(folder.name)

    def ask() -> Iterable[Row]:
        prepare(path.parent)
        folder.cleanup()
        return ()

    return ask


def clickhouse(path: Path) -> Question:
    """Ask ClickHouse, in process: `windowFunnel` is the fastest published form of this question."""
    import chdb

    chdb.query("SELECT 1")
    begins = f"event = '{STEPS[0]}' AND occurred_at <= toDateTime64('{STARTS_UNTIL}', 6, 'UTC')"
    then = ", ".join(f"event = '{step}'" for step in STEPS[1:])
    query = f"""
        SELECT channel, depth, count() AS n
        FROM (
            SELECT
                argMinIf(touchpoint, occurred_at, {begins}) AS channel,
                windowFunnel({WINDOW // _MICROSECOND})(
                    toUInt64(toUnixTimestamp64Micro(occurred_at)), {begins}, {then}
                ) AS depth
            FROM file('{path}', Parquet)
            WHERE event IN {STEPS}
            GROUP BY user_id
        )
        WHERE depth > 0
        GROUP BY channel, depth
    """

    def ask() -> Iterable[Row]:
        lines = str(chdb.query(query, "TSV")).splitlines()
        return [(c, int(d), int(n)) for c, d, n in (line.split("\t") for line in lines)]

    return ask


def duckdb_sql(path: Path, *, load: bool = False) -> Question:
    """Ask DuckDB in SQL by hand: step by step, the row before an arrival tells its start."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'").fetchall()
    source = f"'{path}'"
    if load:
        connection.execute(f"""
            CREATE TABLE log AS SELECT * FROM {source} ORDER BY user_id, occurred_at
        """).fetchall()
        source = "log"
    codes = ", ".join(f"('{step}', {k}::TINYINT)" for k, step in enumerate(STEPS, start=1))
    begins = f"step = 1 AND at_ <= TIMESTAMPTZ '{STARTS_UNTIL}+00'"
    live = "".join(
        f""",
        live_{k} AS (
            SELECT user_id, at_, latest AS start
            FROM (
                SELECT *, lag(start) OVER (PARTITION BY user_id ORDER BY at_, start) AS latest
                FROM (
                    SELECT user_id, at_, start FROM live_{k - 1}
                    UNION ALL SELECT user_id, at_, NULL FROM steps WHERE step = {k}
                )
            )
            WHERE start IS NULL AND latest >= at_ - INTERVAL {WINDOW // timedelta(hours=1)} HOUR
        )"""
        for k in range(2, len(STEPS) + 1)
    )
    reached = " UNION ALL ".join(
        f"SELECT user_id, {k} AS step FROM live_{k}" for k in range(1, len(STEPS) + 1)
    )

    def ask() -> Iterable[Row]:
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE steps AS
            SELECT user_id, occurred_at AS at_, step, touchpoint
            FROM {source} JOIN (VALUES {codes}) AS codes (event, step) USING (event)
        """).fetchall()
        return connection.execute(f"""
            WITH
            live_1 AS (SELECT user_id, at_, at_ AS start FROM steps WHERE {begins}){live},
            channels AS (
                SELECT user_id, arg_min(touchpoint, at_) AS channel
                FROM steps WHERE {begins} GROUP BY user_id
            ),
            depths AS (SELECT user_id, max(step) AS depth FROM ({reached}) GROUP BY user_id)
            SELECT channel, depth, count(*)
            FROM channels JOIN depths USING (user_id)
            GROUP BY channel, depth
        """).fetchall()

    return ask


def polars(path: Path, *, load: bool = False) -> Question:
    """Ask Polars: each step is joined to the last row that reached the step before."""
    import polars as pl

    pl.select(1)
    source = pl.read_parquet(path).lazy() if load else pl.scan_parquet(path)

    def ask() -> Iterable[Row]:
        rows = (
            source.filter(pl.col("event").is_in(STEPS))
            .with_columns(event=pl.col("event").cast(pl.Enum(STEPS)))
            .collect()
        )
        at = pl.col("occurred_at")
        starts = rows.filter(event=STEPS[0]).filter(
            at <= pl.lit(STARTS_UNTIL).dt.replace_time_zone("UTC")
        )
        live = starts.select("user_id", "occurred_at", start=at)
        depths = [live.select("user_id", depth=1)]
        for k, step in enumerate(STEPS[1:], start=2):
            live = (
                rows.lazy()
                .filter(event=step)
                .select("user_id", "occurred_at")
                .join_asof(live.lazy(), on="occurred_at", by="user_id", check_sortedness=False)
                .filter(pl.col("start") >= at - WINDOW)
                .collect()
            )
            depths.append(live.select("user_id", depth=k))
        depth = pl.concat(depths).lazy().group_by("user_id").agg(pl.col("depth").max())
        first = starts.lazy().group_by("user_id").agg(pl.col("touchpoint").get(at.arg_min()))
        counts = first.join(depth, on="user_id").group_by("touchpoint", "depth").len().collect()
        return counts.iter_rows()

    return ask


def pandas(path: Path) -> Question:
    """Ask pandas: as Polars, with `merge_asof`."""
    import pandas as pd

    def ask() -> Iterable[Row]:
        rows = pd.read_parquet(path, filters=[("event", "in", STEPS)])
        until = pd.Timestamp(STARTS_UNTIL, tz="UTC")
        starts = rows[(rows["event"] == STEPS[0]) & (rows["occurred_at"] <= until)]
        first = starts.drop_duplicates("user_id").set_index("user_id")
        first["depth"] = 1
        live = starts[["user_id", "occurred_at"]].assign(start=starts["occurred_at"])
        for k, step in enumerate(STEPS[1:], start=2):
            arriving = rows.loc[rows["event"] == step, ["user_id", "occurred_at"]]
            live = pd.merge_asof(arriving, live, on="occurred_at", by="user_id")
            live = live[live["start"] >= live["occurred_at"] - WINDOW]
            first.loc[live["user_id"].unique(), "depth"] = k
        counts = first.groupby(["touchpoint", "depth"]).size()
        return ((channel, depth, n) for (channel, depth), n in counts.items())

    return ask


def scan(path: Path) -> Question:
    """Read what every contender must read, and do nothing with it: the floor."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SELECT 1").fetchall()
    query = f"""
        SELECT max(user_id), max(epoch_us(occurred_at)), max(touchpoint)
        FROM '{path}' WHERE event IN {STEPS}
    """
    return lambda: connection.execute(query).fetchall() and ()


CONTENDERS: dict[str, Callable[[Path], Question]] = {
    "scan": scan,
    "siyu": siyu,
    "clickhouse": clickhouse,
    "duckdb": duckdb_sql,
    "polars": polars,
    "pandas": pandas,
    "preparing": preparing,
    "prepared_first": prepared_first,
    "prepared_again": prepared_again,
    "duckdb_again": partial(duckdb_sql, load=True),
    "polars_again": partial(polars, load=True),
}
