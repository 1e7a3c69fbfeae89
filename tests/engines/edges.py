"""A log of a few people in whom engines could differ: ties, nulls, midnights, odd names, odd types.

Its instants are those of Shanghai, where no clock ever moves; read in Berlin the same log spans the
night of 29 March 2026, in which the hour from 2:00 is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from siyu.data import Source
from siyu.data.source import check
from siyu.studies import funnel, retention

from tests.engines.questions.funnel import follow_all
from tests.studies.funnel.builders import log, write_tables

_EVENTS = log(
    """
    a   2026-03-02 00:00            A  red   desk
    a   2026-03-02 00:00            B  red   desk
    a   2026-03-02 00:00            B  -     door
    B   2026-03-02 23:59:59.999999  A  -     -
    B   2026-03-03 00:00            B  -     -
    b   2026-03-03 06:59:59.999999  A  Red   Door
    b   2026-03-03 07:00            A  red   -
    b   2026-03-10 07:00            B  red   desk
    _c  2026-03-29 08:59:59.999999  A  红    前台
    _c  2026-03-29 09:00            B  红    前台
    _c  2026-03-29 09:00:00.000001  C  -     -
    é   2026-03-28 23:59:59.999999  A  blue  desk
    é   2026-03-30 00:00            A  Blue  Desk
    é   2026-03-30 00:00            C  blue  desk
    é   2026-03-30 00:00            B  Blue  Desk
    00  2026-03-15 12:00            A  -     desk
    00  2026-03-22 12:00            B  -     desk
    0   2026-03-15 12:00            B  red   desk
    0   2026-03-15 12:00            A  red   desk
    0   2026-03-15 12:00            C  red   desk
    """,
    "item",
    "touchpoint",
)
_ADDED = {
    "a": ("2026-03-01 23:59:59.999999", "2026-03-09 00:00", "social"),
    "B": ("2026-03-02 00:00", None, None),
    "b": ("2026-03-02 07:00", "2026-03-03 07:00", "Social"),
    "_c": ("2026-03-28 09:00", None, "online"),
    "é": ("2026-03-28 00:00", "2026-04-02 00:00", "online"),
    "00": ("2026-03-10 00:00", None, "social"),
    "0": (None, None, "offline"),
}


def write_edges(folder: Path) -> None:
    """Write the log, and orders whose columns lie in other types than the contract's."""
    shanghai = timedelta(hours=8)
    users = [
        {
            "user_id": user,
            "added_at": added and datetime.fromisoformat(f"{added}+08:00"),
            "left_at": left and datetime.fromisoformat(f"{left}+08:00"),
            "channel": channel,
        }
        for user, (added, left, channel) in _ADDED.items()
    ]
    layout = {
        "name": "edges",
        "naive_times": "Asia/Shanghai",
        "observed": {"from": "2026-03-01", "to": "2026-04-05"},
        "tables": {"pushes": {"times": {"planned_at": "epoch_ms"}}},
    }
    write_tables(folder, layout=layout, events=_EVENTS, users=users)
    naive = [datetime(2026, 3, 29, hour) - shanghai * (hour % 2) for hour in range(6)]
    orders = {
        "order_id": pa.array(range(6), pa.int64()),
        "user_id": pa.array([row["user_id"] for row in users[:6]]),
        "paid_at": pa.array(naive, pa.timestamp("us")),
        "amount_cny": pa.array([0.125, 2.5, 1e9, 3.0, 0.0, -1.0]),
        "coupon_cny": pa.array([1, None, 3, 4, 5, 6], pa.int32()),
    }
    pq.write_table(pa.table(orders), folder / "orders.parquet")
    planned = [datetime(2026, 3, 29, 1, tzinfo=UTC), None]
    pushes = {
        "push_id": pa.array([1.0, 2.0]),
        "user_id": pa.array(["a", " b"]),
        "planned_at": pa.array([at and int(at.timestamp() * 1000) for at in planned], pa.int64()),
        "sent_at": pa.array(planned[::-1], pa.timestamp("us", "UTC")),
        "propensity": pa.array([0.5, 1.5]),
    }
    pq.write_table(pa.table(pushes), folder / "pushes.parquet")


def _read_all(pool: Source) -> Mapping[str, pd.DataFrame]:
    """Read every table, in the order of its columns, with the wall-clock time of its instants."""
    found = {}
    for name in ("events", "users", "orders", "pushes"):
        rows = pool.table(name)
        local = {
            f"local {column}": pool.local(rows[column])
            for column, kind in rows.schema().items()
            if kind.is_timestamp()
        }
        found[name] = rows.mutate(**local).order_by(*rows.columns).to_pandas()
    return found


def _find_doubts(pool: Source) -> list[tuple[object, ...]]:
    """List what is odd; how an example is written is the engine's."""
    return [(one.table, one.column, one.rule, one.rows) for one in check(pool).problems]


def _chains(pool: Source) -> list[pd.DataFrame]:
    plain = {"steps": ["A", "B"], "window_days": 7}
    return follow_all(
        pool,
        plain,
        {**plain, "ties": "strict"},
        {**plain, "entry": "first"},
        {**plain, "order": "strict"},
        {**plain, "order": "strict", "ties": "strict"},
        {**plain, "steps": ["A", "B", "C"], "order": "any"},
        {**plain, "exclude": ["C"]},
        {**plain, "hold": "touchpoint"},
        {**plain, "steps": [["A", "B"], "B", "B"]},
    )


def _funnel(pool: Source) -> object:
    definition = funnel.Definition(steps=["A", "B"], window_days=7)
    by = ("item", "channel")
    return funnel.measure(pool, definition, period_days=20, by=by, min_users=1)


def _retention(pool: Source, **rules: object) -> object:
    definition = retention.Definition(return_events=["A", "C"], days=[1, 2], **rules)
    measures = retention.measure(pool, definition, period_days=36, by=("channel",), min_users=1)
    return measures, retention.measure_triangle(pool, measures)


def ask_all(pool: Source) -> Mapping[str, object]:
    """Ask for everything in which these rows could differ."""
    return {
        "tables": _read_all(pool),
        "counts": pool.counts(),
        "doubts": _find_doubts(pool),
        "chains": _chains(pool),
        "funnel": _funnel(pool),
        "back from": _retention(pool),
        "back on, 24h": _retention(pool, kind="on", clock="24h"),
    }
