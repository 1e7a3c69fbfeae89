"""A small pool observed in the first quarter of 2026, with reviews, orders and invitations."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
from siyu.data import open_source
from siyu.studies.tiers import Definition, Members, find_members

DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone(8 * HOUR))
END = START + 90 * DAY
TIMES = (*("added_at", "left_at", "paid_at", "since", "occurred_at", "invited_at", "accepted_at"),)


def members_of(folder: Path, *, min_users: int = 1, **tables: list[dict]) -> Members:
    """Write tables, open them as a pool, and find who is reviewed and buys."""
    for name, rows in tables.items():
        table = pd.DataFrame(rows)
        for column in set(TIMES) & set(table.columns):
            table[column] = pd.to_datetime(table[column], utc=True).astype("datetime64[us, UTC]")
        table.to_parquet(folder / f"{name}.parquet", index=False)
    observed = "observed: {from: 2026-01-01, to: 2026-03-31}\n"
    (folder / "source.yaml").write_text(f"timezone: Asia/Shanghai\n{observed}", "utf-8")
    pool = open_source(folder)
    return find_members(pool, Definition(), period_days=90, min_users=min_users)


def user(name, added=START, left=None):
    return {"user_id": name, "added_at": added, "left_at": left}


def review(name, tier, since, basis):
    return {"user_id": name, "tier": tier, "since": since, "basis_cny": basis}


def orders(*bought):
    """Orders by user, time, amount, margin and refund."""
    names = ("user_id", "paid_at", "amount_cny", "margin_cny", "refunded_cny")
    return [
        {"order_id": f"o{i}"} | dict(zip(names, row, strict=True)) for i, row in enumerate(bought)
    ]
