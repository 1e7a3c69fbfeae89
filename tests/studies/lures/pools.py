"""A small shop with people who are exposed, some of whom add."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from siyu.data import open_source

ZONE = ZoneInfo("Asia/Shanghai")
_INSTANTS = ("added_at", "left_at", "occurred_at", "assigned_at")


def at(day: int, hour: int = 12) -> dt.datetime:
    """An instant of March 2026."""
    return dt.datetime(2026, 3, 1, hour, tzinfo=ZONE) + dt.timedelta(days=day - 1)


def exposed(user: str, *days: int) -> list[dict]:
    return [{"user_id": user, "event": "expose", "occurred_at": at(day)} for day in days]


def drawn(user: str, day: int, arm: str = "coupon", experiment: str = "old") -> dict:
    return {"experiment": experiment, "user_id": user, "arm": arm, "assigned_at": at(day)}


def pool(folder, users, events=(), assignments=()):
    """Open a shop in Shanghai, observed in March 2026."""
    tables = {"users": users, "events": events, "assignments": assignments}
    for name, rows in tables.items():
        if not rows:
            continue
        columns = dict.fromkeys(column for row in rows for column in row)
        kinds = [
            (
                column,
                pa.timestamp("us", tz="UTC")
                if column in _INSTANTS
                else pa.float64()
                if column.endswith("_cny")
                else pa.string(),
            )
            for column in columns
        ]
        pq.write_table(
            pa.Table.from_pylist(list(rows), schema=pa.schema(kinds)), folder / f"{name}.parquet"
        )
    facts = {"timezone": "Asia/Shanghai", "observed": {"from": "2026-03-01", "to": "2026-03-31"}}
    (folder / "source.yaml").write_text(yaml.safe_dump(facts), encoding="utf-8")
    return open_source(folder)
