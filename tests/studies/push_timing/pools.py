"""Short ways to write a pool of pushes, and to reduce pushes by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from siyu.data import open_source
from siyu.studies.naming import EVERYONE
from siyu.studies.push_timing import Definition, find_pushes
from siyu.studies.push_timing.adjusted import Measures

ZONE = ZoneInfo("Asia/Shanghai")
SAMPLE = Path(__file__).parents[3] / "data" / "sample"
INSTANTS = ("planned_at", "sent_at", "clicked_at", "added_at", "paid_at")


def at(text: str) -> dt.datetime:
    """An instant of Shanghai, written "01-05 23:59": month, day and time of 2026."""
    return dt.datetime.fromisoformat(f"2026-{text}").replace(tzinfo=ZONE)


def push(user: str, sent: str | None, *, planned: str | None = None, clicked: bool = False, **more):
    """One push, clicked a minute after it was sent or not."""
    sent_at = None if sent is None else at(sent)
    return {
        "user_id": user,
        "planned_at": None if planned is None else at(planned),
        "sent_at": sent_at,
        "clicked_at": sent_at + dt.timedelta(minutes=1) if clicked else None,
        **more,
    }


def pool(folder, pushes, users=None):
    """Open a shop in Shanghai, observed in January 2026."""
    users = users or [{"user_id": one} for one in sorted({row["user_id"] for row in pushes})]
    pushes = [{"push_id": str(i), **row} for i, row in enumerate(pushes)]
    for name, rows in (("users", users), ("pushes", pushes)):
        columns = list(dict.fromkeys(column for row in rows for column in row))
        kinds = {
            column: pa.timestamp("us", tz="UTC")
            if column in INSTANTS
            else pa.float64()
            if column == "propensity"
            else pa.string()
            for column in columns
        }
        table = pa.Table.from_pylist(rows, schema=pa.schema(list(kinds.items())))
        pq.write_table(table, folder / f"{name}.parquet")
    facts = {"timezone": "Asia/Shanghai", "observed": {"from": "2026-01-01", "to": "2026-01-31"}}
    (folder / "source.yaml").write_text(yaml.safe_dump(facts), encoding="utf-8")
    return open_source(folder)


def found(source, **options):
    defaults = {"period_days": 31, "by": [], "min_users": 1}
    return find_pushes(source, Definition(), **defaults | options)


def sample_pushes():
    return find_pushes(
        open_source(SAMPLE), Definition(), period_days=365, by=["occupation"], min_users=30
    )


def reduced(rows, *, segments=(EVERYONE,), **options):
    """Sent pushes as `adjusted.measure` reduces them; columns left out are all alike."""
    given = pd.DataFrame(rows)
    columns = {"segment": 0, "content": 0, "kind": 0, "is_drawn": False, "n": 1, "k": 0}
    for column, value in columns.items():
        given[column] = given.get(column, value)
    defaults = {
        "outcome": "click",
        "horizon_hours": 24,
        "source": "shop",
        "first": dt.date(2026, 1, 1),
        "as_of": dt.date(2026, 1, 31),
        "min_users": 5,
        "crossings": {},
        "n_contents": 2,
        "n_sent": int(given["n"].sum()),
        "every": 1,
        "n_rare": 0,
        "country": "CN",
        "unsure": (),
    }
    return Measures(rows=given, segments=segments, **defaults | options)
