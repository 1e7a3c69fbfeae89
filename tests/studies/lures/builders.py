"""Short ways to write a pool with an experiment, and to make one up as it is read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from siyu.data import open_source
from siyu.studies.lures import Definition, Experiment

ZONE = ZoneInfo("Asia/Shanghai")
SAMPLE = Path(__file__).parents[3] / "data" / "sample"
START = dt.datetime(2026, 1, 10, 12, tzinfo=ZONE)
"""When all are drawn, unless it is said otherwise."""
INSTANTS = ("added_at", "left_at", "assigned_at", "occurred_at", "paid_at")
NUMBERS = ("cost_cny", "amount_cny", "margin_cny", "coupon_cny", "refunded_cny")


def after(days: float) -> dt.datetime:
    """The instant so many days of 24 hours after the draw."""
    return START + dt.timedelta(days=days)


def person(user: str, arm: str, *, added: float | None = None, left: float | None = None, **more):
    """A user and its draw: when it was added and left, in days after `START`."""
    user_row = {
        "user_id": user,
        "added_at": None if added is None else after(added),
        "left_at": None if left is None else after(left),
        "channel": more.pop("channel", None),
    }
    draw = {"experiment": "test", "user_id": user, "arm": arm, "assigned_at": START}
    return user_row, draw | more


def pool(folder, people, *, drop=(), **tables):
    """Open a shop observed in January and February 2026; further tables by name."""
    given = {"users": [user for user, _ in people], "assignments": [draw for _, draw in people]}
    for name, rows in (given | tables).items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        kinds = {
            column: pa.timestamp("us", tz="UTC")
            if column in INSTANTS
            else pa.float64()
            if column in NUMBERS
            else pa.string()
            for column in columns
            if (name, column) not in drop
        }
        table = pa.Table.from_pylist(rows, schema=pa.schema(list(kinds.items())))
        pq.write_table(table, folder / f"{name}.parquet")
    facts = {"timezone": "Asia/Shanghai", "observed": {"from": "2026-01-01", "to": "2026-02-28"}}
    (folder / "source.yaml").write_text(yaml.safe_dump(facts), encoding="utf-8")
    return open_source(folder)


def people(*, arm, days=35, **columns) -> pd.DataFrame:
    """People as an experiment holds them; what is not given is nothing."""
    n = len(arm)
    table = pd.DataFrame({"arm": np.asarray(arm), "day": np.arange(n) % days})
    usual = {
        **dict.fromkeys(("stratum", "channel"), 0),
        "cluster": -1,
        "followed_days": 60.0,
        **dict.fromkeys(("cost_cny", "redeemed_cny", "orders", "amount_cny", "margin_cny"), 0.0),
        **dict.fromkeys(("exposures_before", "events_before", "orders_before"), 0.0),
        "amount_cny_before": 0.0,
        **dict.fromkeys(("converted", "retained_7", "retained_30", "offered_before"), False),
    }
    for name, value in (usual | columns).items():
        table[name] = value
    return table


def experiment(table: pd.DataFrame, *, arms=("a", "b", "c"), control="", **other) -> Experiment:
    """An experiment of these people, nobody left out."""
    by = ["arm", "day", "channel", "cluster"]
    clustered = bool((table["cluster"] >= 0).any()) if len(table) else False
    given = {
        "source": "shop",
        "as_of": dt.date(2026, 3, 31),
        "definition": Definition(
            experiment="test", control_arm=control, cluster="staff_id" if clustered else ""
        ),
        "arms": arms,
        "shares": (1 / len(arms),) * len(arms),
        "min_users": 30,
        "retention_days": (7, 30),
        "first_day": dt.date(2026, 1, 1),
        "strata": ("s", "t"),
        "channels": ("online", "social"),
        "clusters": (),
        "people": table,
        "drawn": table.groupby(by, as_index=False).agg(n=("followed_days", "size")),
        "left_out": pd.DataFrame({"reason": [], "arm": [], "n": []}),
        "has_cost": True,
        "has_coupons": False,
        "has_orders": True,
        "refused": "",
        "pool": None,
    }
    return Experiment(**given | other)
