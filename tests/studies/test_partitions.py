"""A report over some weeks of a log of years reads the files of those weeks, and no others."""

import struct
from pathlib import Path

import duckdb
import pytest
from siyu.data import Source, open_source
from siyu.studies import funnel, retention

STEPS = ["scan", "add", "order"]
FUNNEL = funnel.Definition(steps=STEPS, window_days=7)
RETENTION = retention.Definition(kind="on", days=(1, 7), return_events=("browse",))


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A log of three years, a folder for each month; once it is open, the first 33 are destroyed.

    The end of each file, which says what lies in it, stays whole; the rows are gone.
    """
    folder = tmp_path_factory.mktemp("years")
    with duckdb.connect() as engine:
        engine.execute("SET timezone = 'UTC'")
        engine.execute(f"""
            CREATE TABLE log AS SELECT
                'u' || n % 499 AS user_id,
                make_timestamptz({1_680_278_400 * 10**6} + n * 3156480000) AS occurred_at,
                (['scan', 'add', 'order', 'browse'])[1 + n % 4] AS event
            FROM (SELECT range AS n FROM range(30000));
            COPY (SELECT *, strftime(occurred_at, '%Y-%m') AS month FROM log ORDER BY occurred_at)
            TO '{folder}/events'
            (FORMAT parquet, PARTITION_BY (month), WRITE_BLOOM_FILTER false);
            COPY (
                SELECT user_id, max(occurred_at) - INTERVAL 60 DAY AS added_at FROM log GROUP BY ALL
            )
            TO '{folder}/users.parquet' (FORMAT parquet)
        """)
    declared = "timezone: Asia/Shanghai\nobserved: {from: 2023-04-01, to: 2026-03-31}\n"
    (folder / "source.yaml").write_text(declared)
    pool = open_source(folder)
    for file in sorted(folder.glob("events/*/*.parquet"))[:33]:
        destroy_rows(file)
    return pool


def destroy_rows(file: Path) -> None:
    whole = file.read_bytes()
    (footer,) = struct.unpack("<I", whole[-8:-4])
    rows = len(whole) - 4 - footer - 8
    file.write_bytes(whole[:4] + b"\xff" * rows + whole[-8 - footer :])


def test_a_funnel_and_retention_of_90_days_need_no_older_file(pool):
    options = {"period_days": 80, "min_users": 1}
    reached = funnel.measure(pool, FUNNEL, compare_to_previous=False, **options)
    assert reached.n_entered > 100
    kept = retention.measure(pool, RETENTION, **options)
    assert kept.kept["n"].sum() > 100


def test_what_reaches_further_back_reads_older_files(pool):
    unknown = funnel.Definition(steps=["scan", "review"], window_days=7)
    for definition, period_days in ((unknown, 80), (FUNNEL, 200)):
        with pytest.raises(duckdb.Error, match="type"):
            funnel.measure(pool, definition, period_days=period_days)
