"""Orders to measure on: of any size, in time order, the same rows whenever generated."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.logs import DATA

FIRST_DAY = np.datetime64("2025-10-01", "us")
DAYS = 180

_ORDERS_PER_USER = 20
_REFUNDED = 0.03
_ROW_GROUP = 250_000
_DAY = 24 * 3_600_000_000
_SHANGHAI = 8 * 3_600_000_000
_INSTANT = pa.timestamp("us", tz="UTC")
_SCHEMA = pa.schema(
    {
        "order_id": pa.string(),
        "user_id": pa.string(),
        "paid_at": _INSTANT,
        "amount_cny": pa.float64(),
        "margin_cny": pa.float64(),
        "refunded_cny": pa.float64(),
    }
)


def find_orders(n_orders: int) -> Path:
    """Return the Parquet file of orders, generating it when it is not there yet.

    It lies in a folder of its own with `users` beside it, so that the folder is a source. Amounts
    are whole yuan, as most prices are; a user may order twice on a day, and one in thirty orders
    was refunded in full.

    Args:
        n_orders: number of orders, 20 per user on average, of some many more than of others.
    """
    path = DATA / f"{n_orders}-orders" / "orders.parquet"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = path.with_suffix(".part")
        rng = np.random.default_rng(20251001)
        n_users = max(20, n_orders // _ORDERS_PER_USER)
        _write_users(n_users, path.with_name("users.parquet"))
        _write_orders(rng, n_orders, n_users, staged)
        os.replace(staged, path)
    first = FIRST_DAY.astype("datetime64[D]")
    facts = f"timezone: Asia/Shanghai\nobserved: {{from: {first}, to: {first + DAYS - 1}}}\n"
    path.with_name("source.yaml").write_text(facts, encoding="utf-8")
    return path


def _ids(prefix: str, number: np.ndarray, width: int) -> np.ndarray:
    return np.char.add(prefix, np.char.zfill(number.astype(f"U{width}"), width))


def _write_users(n_users: int, path: Path) -> None:
    added = pa.array(np.full(n_users, FIRST_DAY - np.timedelta64(60, "D"))).cast(_INSTANT)
    users = pa.table({"user_id": _ids("u", np.arange(n_users), 7), "added_at": added})
    pq.write_table(users, path, compression="zstd")


def _write_orders(rng: np.random.Generator, n_orders: int, n_users: int, path: Path) -> None:
    activity = np.cumsum(rng.gamma(1.0, 1.0, n_users))
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        for first in range(0, n_orders, _ROW_GROUP):
            number = np.arange(first, min(first + _ROW_GROUP, n_orders))
            user = np.searchsorted(activity, rng.random(len(number)) * activity[-1])
            since = number * (DAYS * _DAY // n_orders) - _SHANGHAI
            amount = np.ceil(rng.lognormal(4.0, 0.8, len(number)))
            refunded = rng.random(len(number)) < _REFUNDED
            columns = {
                "order_id": _ids("o", number, 9),
                "user_id": _ids("u", user, 7),
                "paid_at": pa.array(FIRST_DAY + since.astype("timedelta64[us]")),
                "amount_cny": amount,
                "margin_cny": (amount * rng.uniform(0.1, 0.5, len(number))).round(2),
                "refunded_cny": np.where(refunded, amount, 0.0),
            }
            arrays = [pa.array(v).cast(_SCHEMA.field(c).type) for c, v in columns.items()]
            writer.write_table(pa.table(arrays, schema=_SCHEMA), row_group_size=_ROW_GROUP)
